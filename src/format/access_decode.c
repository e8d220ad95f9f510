/*
 * The decoders of formats "apache" and "nginx": a line's fields to columns.
 *
 * The list of fields is fixed.  So a column that none of them fills is a
 * mistake, unless it has a default or is generated.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "format/access_log.h"
#include "format/convert_row.h"
#include "format/driver.h"

/* Bytes of a number or a time as text. */
#define MAX_VALUE 80

/* Fields, the texts as the scanner numbers them. */
enum
{
	FIELD_EVENT_TIME = KS_LOG_TEXTS,
	FIELD_STATUS,
	FIELD_SIZE,
	FIELD_PORT,
	FIELDS
};

/* Their names, in the order of a line. */
static const struct
{
	const char *name;
	int			field;
}			fields[FIELDS] = {
	{"client", KS_LOG_CLIENT},
	{"identity", KS_LOG_IDENTITY},
	{"user", KS_LOG_USER},
	{"event_time", FIELD_EVENT_TIME},
	{"method", KS_LOG_METHOD},
	{"url", KS_LOG_URL},
	{"protocol", KS_LOG_PROTOCOL},
	{"status", FIELD_STATUS},
	{"size", FIELD_SIZE},
	{"referer", KS_LOG_REFERER},
	{"user_agent", KS_LOG_USER_AGENT},
	{"vhost", KS_LOG_VHOST},
	{"port", FIELD_PORT},
};

typedef struct AccessDecoder
{
	KsDecoder	decoder;
	KsRow		row;
	KsAccessLogKind kind;
	const char *format;			/* its name, for errors */
	int		   *fields;			/* of the row's columns */
	KsAccessLog log;			/* the message at hand */
} AccessDecoder;

/* ---- which column is which field ---- */

/* -1 if there is none of this name. */
static int
find_field(const char *name, size_t len)
{
	for (int i = 0; i < FIELDS; i++)
		if (strlen(fields[i].name) == len && memcmp(fields[i].name, name, len) == 0)
			return fields[i].field;
	return -1;
}

static const char *
list_fields(void)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < FIELDS; i++)
		appendStringInfo(&list, "%s%s", i == 0 ? "" : i == FIELDS - 1 ? " and " : ", ",
						 fields[i].name);
	return list.data;
}

static int
field_of_path(const AccessDecoder *decoder, const KsPath *path)
{
	const KsJsonStep *step = &path->steps[0];
	int			field = find_field(step->name, step->len);

	if (field < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"paths\" names field \"%s\", which format \"%s\" does not have",
						step->name, decoder->format),
				 errhint("Fields are %s.", list_fields())));
	if (path->nsteps > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"paths\" looks into field \"%s\", which has no parts", step->name),
				 errhint("Write the path as $.%s.", step->name)));
	return field;
}

/* The field of a column; -1: none, it has a default. */
static int
field_of_column(const AccessDecoder *decoder, Form_pg_attribute att)
{
	const KsFormatOptions *options = &decoder->row.converter.options;
	const char *name = NameStr(att->attname);
	int			field = find_field(name, strlen(name));

	for (int i = 0; i < options->npaths; i++)
		if (options->paths[i].attno == att->attnum)
			return field_of_path(decoder, &options->paths[i]);
	if (field < 0 && !att->atthasdef)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("format \"%s\" has no field for column \"%s\"", decoder->format, name),
				 errdetail("Fields are %s.", list_fields()),
				 errhint("Name a field in options, like {\"paths\": {\"%s\": \"$.client\"}}, or give the column a DEFAULT.",
						 name)));
	return field;
}

static void
refuse_option(const AccessDecoder *decoder, Jsonb *options, const char *name)
{
	JsonbValue	value;

	if (options == NULL || !JB_ROOT_IS_OBJECT(options) ||
		getKeyJsonValueFromContainer(&options->root, name, strlen(name), &value) == NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("option \"%s\" has no meaning with format => '%s'", name, decoder->format),
			 errdetail("Lines of this format have fixed fields, and times with a zone."),
			 errhint("Leave it out.")));
}

static KsDecoder *
create_decoder(KsAccessLogKind kind, const char *format, MemoryContext context, TupleDesc desc,
			   Bitmapset *skip, Jsonb *options)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	AccessDecoder *decoder = palloc0(sizeof(AccessDecoder));

	decoder->kind = kind;
	decoder->format = format;
	refuse_option(decoder, options, "rest");
	refuse_option(decoder, options, "timestamp_format");
	refuse_option(decoder, options, "timezone");
	ks_row_init(&decoder->row, desc, skip, options);
	decoder->fields = palloc(desc->natts * sizeof(int));
	for (int attno = 1; attno <= desc->natts; attno++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, attno - 1);
		int			field;

		if (!ks_format_fills(desc, skip, attno))
			continue;
		field = field_of_column(decoder, att);
		if (field < 0)
			continue;
		decoder->fields[decoder->row.ncolumns] = field;
		(void) ks_row_add(&decoder->row, att);
	}
	MemoryContextSwitchTo(old);
	return &decoder->decoder;
}

/* ---- what a field is, as a JSON document would have it ---- */

static void
fill_text(const KsLogField *field, KsValue *value)
{
	char	   *text;

	value->kind = KS_VALUE_STRING;
	value->text = field->text;
	value->len = field->len;
	if (!field->escaped)
		return;
	text = palloc(field->len);
	value->text = text;
	value->len = ks_access_log_unescape(field->text, field->len,
										GetDatabaseEncoding() == PG_UTF8, text);
}

static void
fill_number(int64 number, KsValue *value, char *buffer)
{
	value->kind = KS_VALUE_NUMBER;
	value->text = buffer;
	value->len = pg_lltoa(number, buffer);
	value->digits = number;
}

/* ISO 8601 in UTC, for columns that are no timestamptz. */
static void
fill_time(TimestampTz moment, KsValue *value, char *buffer)
{
	struct pg_tm tm;
	fsec_t		fsec;

	if (timestamp2tm(moment, NULL, &tm, &fsec, NULL, NULL) != 0)
		elog(ERROR, "time of a log line out of range");
	value->kind = KS_VALUE_STRING;
	value->text = buffer;
	value->len = pg_snprintf(buffer, MAX_VALUE, "%04d-%02d-%02dT%02d:%02d:%02dZ",
							 tm.tm_year, tm.tm_mon, tm.tm_mday,
							 tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* False: the line has none.  'buffer' has MAX_VALUE bytes. */
static bool
fill_value(const KsAccessLog *log, int field, KsValue *value, char *buffer)
{
	memset(value, 0, sizeof(*value));
	if (field < KS_LOG_TEXTS && log->texts[field].text != NULL)
		fill_text(&log->texts[field], value);
	else if (field == FIELD_EVENT_TIME)
		fill_time(log->event_time, value, buffer);
	else if (field == FIELD_STATUS && log->status >= 0)
		fill_number(log->status, value, buffer);
	else if (field == FIELD_SIZE && log->size >= 0)
		fill_number(log->size, value, buffer);
	else if (field == FIELD_PORT && log->port >= 0)
		fill_number(log->port, value, buffer);
	return value->kind != KS_VALUE_NONE;
}

static KsConverted
convert_column(void *argument, int i)
{
	AccessDecoder *decoder = argument;
	KsColumn   *column = &decoder->row.columns[i];
	int			field = decoder->fields[i];
	KsValue		value;
	char		buffer[MAX_VALUE];

	if (field == FIELD_EVENT_TIME && column->type == TIMESTAMPTZOID)
	{
		ks_row_put(&decoder->row, column->attno, TimestampTzGetDatum(decoder->log.event_time));
		return KS_CONVERTED;
	}
	if (!fill_value(&decoder->log, field, &value, buffer))
		return KS_CONVERTED;
	return ks_row_convert_value(&decoder->row, column, &value);
}

/* ---- messages ---- */

/* Text must be valid, and what unescaping makes of it is. */
static bool
check_encoding(AccessDecoder *decoder, const char *data, size_t len)
{
	int			encoding = GetDatabaseEncoding();
	int			valid = pg_encoding_verifymbstr(encoding, data, (int) len);

	if (valid == (int) len)
		return true;
	ks_convert_fail(&decoder->row.converter, ERRCODE_CHARACTER_NOT_IN_REPERTOIRE,
					"invalid byte sequence for encoding \"%s\" at byte %d",
					pg_encoding_to_char(encoding), valid);
	return false;
}

/* Decode a message that is in the server's encoding. */
static bool
decode_line(AccessDecoder *decoder, const char *data, size_t len)
{
	KsAccessLog *log = &decoder->log;

	if (!ks_access_log_scan(decoder->kind, data, len, log))
	{
		ks_convert_fail(&decoder->row.converter, ERRCODE_INVALID_TEXT_REPRESENTATION,
						"invalid %s access log line at byte %zu: %s",
						decoder->format, log->position, log->problem);
		return false;
	}
	return check_encoding(decoder, data, len) &&
		ks_row_convert(&decoder->row, decoder->row.ncolumns, convert_column, decoder);
}

typedef struct Message
{
	AccessDecoder *decoder;
	const char *data;
	size_t		len;
} Message;

static bool
decode_converted(void *argument)
{
	Message    *message = argument;
	char	   *data = pg_any_to_server(message->data, (int) message->len, PG_UTF8);
	size_t		len = data == message->data ? message->len : strlen(data);

	return decode_line(message->decoder, data, len);
}

static bool
is_ascii(const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (IS_HIGHBIT_SET(data[i]))
			return false;
	return true;
}

/* Messages are UTF-8, whatever the database has. */
static bool
decode(KsDecoder *argument, const char *data, size_t len, Datum *values, bool *isnull,
	   bool *present, KsDecodeError *error)
{
	AccessDecoder *decoder = (AccessDecoder *) argument;
	Message		message = {decoder, data, len};
	bool		decoded;

	ks_row_begin(&decoder->row, values, isnull, present, error);
	if (GetDatabaseEncoding() == PG_UTF8 || is_ascii(data, len))
		decoded = decode_line(decoder, data, len);
	else
		decoded = ks_row_guard(&decoder->row, decode_converted, &message);
	return decoded || ks_row_fail(&decoder->row);
}

static KsDecoder *
create_apache(MemoryContext context, TupleDesc desc, Bitmapset *skip, Jsonb *options)
{
	return create_decoder(KS_ACCESS_LOG_APACHE, ks_apache_format.name, context, desc, skip,
						  options);
}

static KsDecoder *
create_nginx(MemoryContext context, TupleDesc desc, Bitmapset *skip, Jsonb *options)
{
	return create_decoder(KS_ACCESS_LOG_NGINX, ks_nginx_format.name, context, desc, skip,
						  options);
}

const KsFormat ks_apache_format = {
	.name = "apache",
	.create = create_apache,
	.decode = decode,
};

const KsFormat ks_nginx_format = {
	.name = "nginx",
	.create = create_nginx,
	.decode = decode,
};
