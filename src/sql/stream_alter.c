/*
 * kafka_stream.alter_stream(): change what can be changed of a stream.
 *
 * Changes are put into the stream's struct one by one, the whole is checked as
 * a new stream would be, and saved.
 */
#include "postgres.h"

#include "access/table.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "catalog/staging.h"
#include "catalog/stream.h"
#include "sql/stream_change.h"
#include "sql/stream_definition.h"

PG_FUNCTION_INFO_V1(ks_alter_stream);

pg_attribute_noreturn()
static void
bad_value(const char *key, const char *expected)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s must be %s", key, expected)));
}

static char *
string_value(const char *key, const JsonbValue *value)
{
	if (value->type != jbvString)
		bad_value(key, "a string");
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* -1 for null, where that is allowed. */
static int64
duration_value(const char *key, const JsonbValue *value, bool nullable)
{
	Datum		interval;
	int64		usecs;

	if (value->type == jbvNull && nullable)
		return -1;
	if (value->type != jbvString)
		bad_value(key, nullable ? "a string such as \"10 seconds\", or null" :
				  "a string such as \"10 seconds\"");
	interval = DirectFunctionCall3(interval_in,
								   CStringGetDatum(string_value(key, value)),
								   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	usecs = ks_interval_usecs(DatumGetIntervalP(interval), key);
	return usecs < 0 ? PG_INT64_MIN : usecs;
}

static int64
number_value(const char *key, const JsonbValue *value)
{
	if (value->type != jbvNumeric)
		bad_value(key, "a number");
	return DatumGetInt64(DirectFunctionCall1(numeric_int8,
											 NumericGetDatum(value->val.numeric)));
}

static bool
set_duration(KsStream *stream, const char *key, const JsonbValue *value)
{
	const struct
	{
		const char *name;
		int64	   *member;
		bool		nullable;
	}			durations[] = {
		{"watermark_delay", &stream->watermark_delay, false},
		{"idle_timeout", &stream->idle_timeout, true},
		{"max_future", &stream->max_future, true},
		{"retention", &stream->retention, false},
		{"late_retention", &stream->late_retention, false},
		{"dead_letter_retention", &stream->dead_letter_retention, false},
		{"batch_interval", &stream->batch_interval, false},
	};
	int			i;

	for (i = 0; i < lengthof(durations); i++)
		if (strcmp(key, durations[i].name) == 0)
		{
			*durations[i].member = duration_value(key, value, durations[i].nullable);
			return true;
		}
	return false;
}

static bool
set_other(KsStream *stream, const char *key, const JsonbValue *value)
{
	if (strcmp(key, "staging_limit") == 0)
		stream->staging_limit = number_value(key, value);
	else if (strcmp(key, "batch_rows") == 0)
		stream->batch_rows = (int) Min(number_value(key, value), PG_INT32_MAX);
	else if (strcmp(key, "workers") == 0)
		stream->workers = (int) Min(number_value(key, value), PG_INT32_MAX);
	else if (strcmp(key, "on_error") == 0)
		stream->stop_on_error = ks_definition_on_error(string_value(key, value));
	else if (strcmp(key, "on_data_loss") == 0)
		stream->continue_on_data_loss = ks_definition_on_data_loss(string_value(key, value));
	else if (strcmp(key, "brokers") == 0)
	{
		stream->brokers = string_value(key, value);
		stream->server = NULL;
	}
	else if (strcmp(key, "server") == 0)
	{
		stream->server = string_value(key, value);
		stream->brokers = NULL;
	}
	else if (strcmp(key, "options") == 0)
	{
		if (value->type != jbvBinary)
			bad_value(key, "an object");
		stream->options = JsonbValueToJsonb((JsonbValue *) value);
	}
	else
		return false;
	return true;
}

pg_attribute_noreturn()
static void
refuse(const char *key)
{
	static const char *const fixed[][2] = {
		{"start", "Use kafka_stream.seek_stream()."},
		{"columns", "Use ALTER TABLE."},
		{"name", "Use ALTER TABLE ... RENAME TO."},
		{"event_time", "Use ALTER TABLE ... RENAME COLUMN, or make another stream."},
		{"source", "Make another stream."},
		{"topic", "Make another stream."},
		{"format", "Make another stream."},
	};
	int			i;

	for (i = 0; i < lengthof(fixed); i++)
		if (strcmp(key, fixed[i][0]) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("%s of a stream cannot be altered", key),
					 errhint("%s", fixed[i][1])));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("a stream has no parameter \"%s\"", key),
			 errhint("Parameters that can be altered are watermark_delay, idle_timeout, max_future, retention, staging_limit, late_retention, dead_letter_retention, batch_interval, batch_rows, on_error, on_data_loss, brokers, server and options.")));
}

static void
apply_changes(KsStream *stream, Jsonb *changes)
{
	JsonbIterator *it = JsonbIteratorInit(&changes->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	char	   *key = NULL;

	if (!JB_ROOT_IS_OBJECT(changes))
		bad_value("changes", "a JSON object");
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			key = pnstrdup(value.val.string.val, value.val.string.len);
		else if (token == WJB_VALUE && !set_duration(stream, key, &value) &&
				 !set_other(stream, key, &value))
			refuse(key);
	}
}

/* Segments are as wide as they were made: they hold so much and no more. */
static void
check_retention(const KsStream *stream)
{
	Relation	staging = table_open(stream->relid, AccessShareLock);
	int64		longest = ks_staging_max_retention(ks_staging_width_of(staging));
	Interval	interval = {0};

	table_close(staging, NoLock);
	if (stream->retention <= longest)
		return;
	interval.day = (int32) (longest / USECS_PER_DAY);
	interval.time = longest % USECS_PER_DAY;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("retention of this stream can be at most %s",
					DatumGetCString(DirectFunctionCall1(interval_out,
														IntervalPGetDatum(&interval)))),
			 errdetail("Its staging table was made for that."),
			 errhint("Make another stream with a longer retention.")));
}

static void
check_same_columns(Jsonb *before, Jsonb *after)
{
	static const char *const words[] = {"topic", "key", "headers"};
	int			i;

	for (i = 0; i < lengthof(words); i++)
		if (ks_staging_includes(before, words[i]) != ks_staging_includes(after, words[i]))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("options.include of a stream cannot be altered"),
					 errhint("Repeat it as it is, or make another stream.")));
}

Datum
ks_alter_stream(PG_FUNCTION_ARGS)
{
	KsStream   *stream = ks_change_begin(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	Jsonb	   *options = stream->options;

	apply_changes(stream, PG_GETARG_JSONB_P(1));
	ks_definition_check(stream);
	check_retention(stream);
	check_same_columns(options, stream->options);
	ks_change_end(stream);
	ks_definition_check_source(stream);
	PG_RETURN_VOID();
}
