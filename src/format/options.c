/*
 * Options of a stream that concern decoding: paths, rest, timestamp_format,
 * timezone.  Others are somebody else's and not looked at.
 */
#include "postgres.h"

#include "catalog/pg_attribute.h"
#include "catalog/pg_type.h"
#include "nodes/bitmapset.h"

#include "format/options.h"

#define MAX_PATH_STEPS 64

bool
ks_format_fills(TupleDesc desc, Bitmapset *skip, AttrNumber attno)
{
	Form_pg_attribute att = TupleDescAttr(desc, attno - 1);

	return !att->attisdropped && att->attgenerated == '\0' &&
		att->attidentity != ATTRIBUTE_IDENTITY_ALWAYS && !bms_is_member(attno, skip);
}

static AttrNumber
find_column(TupleDesc desc, Bitmapset *skip, const char *name, const char *option)
{
	for (int i = 0; i < desc->natts; i++)
		if (ks_format_fills(desc, skip, i + 1) &&
			strcmp(NameStr(TupleDescAttr(desc, i)->attname), name) == 0)
			return i + 1;
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("option \"%s\" names column \"%s\", which messages do not fill",
					option, name),
			 errhint("Name a column that is not generated and does not hold Kafka's own data.")));
}

/* The option's value as a string, or NULL if it is not there. */
static char *
string_option(Jsonb *options, const char *name)
{
	JsonbValue	value;

	if (options == NULL || !JB_ROOT_IS_OBJECT(options) ||
		getKeyJsonValueFromContainer(&options->root, name, strlen(name), &value) == NULL ||
		value.type == jbvNull)
		return NULL;
	if (value.type != jbvString)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"%s\" must be a string", name)));
	return pnstrdup(value.val.string.val, value.val.string.len);
}

static void
bad_path(const char *path, const char *at)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("option \"paths\" holds invalid path \"%s\"", path),
			 errdetail("The path cannot be read from its character %d on.", (int) (at - path) + 1),
			 errhint("Write a path like $.name, $[\"name\"] or $.list[0].name.")));
}

/* Read a name in quotes; a backslash takes the next character as it is. */
static const char *
read_quoted(const char *path, const char *at, KsJsonStep *step)
{
	char		quote = *at++;
	char	   *name = palloc(strlen(at) + 1);

	step->name = name;
	for (; *at != quote; at++)
	{
		if (*at == '\\')
			at++;
		if (*at == '\0')
			bad_path(path, at);
		*name++ = *at;
	}
	*name = '\0';
	step->len = name - step->name;
	return at + 1;
}

static const char *
read_bracket(const char *path, const char *at, KsJsonStep *step)
{
	if (*at == '"' || *at == '\'')
		at = read_quoted(path, at, step);
	else
	{
		char	   *end;
		long		index;

		if (*at < '0' || *at > '9')
			bad_path(path, at);
		errno = 0;
		index = strtol(at, &end, 10);
		if (errno != 0 || index > PG_INT32_MAX)
			bad_path(path, at);
		step->index = (int) index;
		at = end;
	}
	if (*at != ']')
		bad_path(path, at);
	return at + 1;
}

static const char *
read_step(const char *path, const char *at, KsJsonStep *step)
{
	step->name = NULL;
	step->len = 0;
	step->index = -1;
	if (*at == '[')
		return read_bracket(path, at + 1, step);
	if (*at++ != '.')
		bad_path(path, at - 1);
	if (*at == '"')
		return read_quoted(path, at, step);
	step->len = strcspn(at, ".[]\"'* ");
	if (step->len == 0)
		bad_path(path, at);
	step->name = pnstrdup(at, step->len);
	return at + step->len;
}

static void
read_path(KsPath *result, const char *path)
{
	const char *at = path;

	if (*at++ != '$')
		bad_path(path, path);
	result->steps = palloc(MAX_PATH_STEPS * sizeof(KsJsonStep));
	for (result->nsteps = 0; *at != '\0'; result->nsteps++)
	{
		if (result->nsteps == MAX_PATH_STEPS)
			bad_path(path, at);
		at = read_step(path, at, &result->steps[result->nsteps]);
	}
	if (result->nsteps == 0 || result->steps[0].name == NULL)
		bad_path(path, path + 1);
}

static void
read_paths(KsFormatOptions *result, TupleDesc desc, Bitmapset *skip, Jsonb *options)
{
	JsonbValue	value;
	JsonbIterator *it;
	JsonbIteratorToken token;

	if (options == NULL || !JB_ROOT_IS_OBJECT(options) ||
		getKeyJsonValueFromContainer(&options->root, "paths", 5, &value) == NULL ||
		value.type == jbvNull)
		return;
	if (value.type != jbvBinary || !JsonContainerIsObject(value.val.binary.data))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"paths\" must be an object of columns and their paths"),
				 errhint("Write it like {\"paths\": {\"event_time\": \"$.meta.ts\"}}.")));
	result->paths = palloc(JsonContainerSize(value.val.binary.data) * sizeof(KsPath));
	it = JsonbIteratorInit(value.val.binary.data);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		KsPath	   *path = &result->paths[result->npaths];

		if (token == WJB_KEY)
			path->attno = find_column(desc, skip,
									  pnstrdup(value.val.string.val, value.val.string.len), "paths");
		else if (token == WJB_VALUE)
		{
			if (value.type != jbvString)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("option \"paths\" must hold paths as strings"),
						 errhint("Write it like {\"paths\": {\"event_time\": \"$.meta.ts\"}}.")));
			read_path(path, pnstrdup(value.val.string.val, value.val.string.len));
			result->npaths++;
		}
	}
}

static void
read_rest(KsFormatOptions *result, TupleDesc desc, Bitmapset *skip, Jsonb *options)
{
	char	   *name = string_option(options, "rest");

	if (name == NULL)
		return;
	result->rest = find_column(desc, skip, name, "rest");
	if (TupleDescAttr(desc, result->rest - 1)->atttypid != JSONBOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("option \"rest\" names column \"%s\", which is not of type jsonb", name)));
	for (int i = 0; i < result->npaths; i++)
		if (result->paths[i].attno == result->rest)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("options \"rest\" and \"paths\" both fill column \"%s\"", name)));
}

static void
read_timestamp_format(KsFormatOptions *result, Jsonb *options)
{
	char	   *format = string_option(options, "timestamp_format");

	result->epoch_digits = 3;
	if (format == NULL || strcmp(format, "ms") == 0)
		return;
	if (strcmp(format, "s") == 0)
		result->epoch_digits = 0;
	else if (strcmp(format, "us") == 0)
		result->epoch_digits = 6;
	else if (strpbrk(format, "yYJ") != NULL)
		result->pattern = format;
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"timestamp_format\" cannot be \"%s\"", format),
				 errhint("Use \"s\", \"ms\", \"us\", or a pattern of to_timestamp with a year, like \"DD/Mon/YYYY:HH24:MI:SS\".")));
}

static void
read_timezone(KsFormatOptions *result, Jsonb *options)
{
	char	   *name = string_option(options, "timezone");

	result->timezone = pg_tzset(name != NULL ? name : "UTC");
	if (result->timezone == NULL || !pg_tz_acceptable(result->timezone))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"timezone\" names unknown time zone \"%s\"", name),
				 errhint("See pg_timezone_names for the names that PostgreSQL knows.")));
}

void
ks_format_options_read(KsFormatOptions *result, TupleDesc desc, Bitmapset *skip,
					   Jsonb *options)
{
	memset(result, 0, sizeof(*result));
	if (options != NULL && !JB_ROOT_IS_OBJECT(options))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("options must be a JSON object")));
	read_paths(result, desc, skip, options);
	read_rest(result, desc, skip, options);
	read_timestamp_format(result, options);
	read_timezone(result, options);
}
