/*
 * kafka_stream.create_stream(): declare a stream.
 *
 * Everything happens in the caller's transaction, with the caller's rights for
 * what is the caller's (the tables) and the extension owner's for the catalog.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/shared.h"
#include "catalog/counter.h"
#include "catalog/relation.h"
#include "catalog/staging.h"
#include "catalog/stream.h"
#include "worker/touch.h"
#include "sql/stream_definition.h"

PG_FUNCTION_INFO_V1(ks_create_stream);

/* Arguments, in order. */
enum
{
	ARG_NAME,
	ARG_COLUMNS,
	ARG_SOURCE,
	ARG_TOPIC,
	ARG_BROKERS,
	ARG_SERVER,
	ARG_START,
	ARG_FORMAT,
	ARG_EVENT_TIME,
	ARG_WATERMARK_DELAY,
	ARG_IDLE_TIMEOUT,
	ARG_MAX_FUTURE,
	ARG_RETENTION,
	ARG_STAGING_LIMIT,
	ARG_LATE_RETENTION,
	ARG_DEAD_LETTER_RETENTION,
	ARG_BATCH_INTERVAL,
	ARG_BATCH_ROWS,
	ARG_WORKERS,
	ARG_ON_ERROR,
	ARG_ON_DATA_LOSS,
	ARG_OPTIONS
};

static const struct
{
	const char *name;
	bool		nullable;
}			arguments[] = {
	{"name", false}, {"columns", false}, {"source", false}, {"topic", true},
	{"brokers", true}, {"server", true}, {"start", false}, {"format", false},
	{"event_time", false}, {"watermark_delay", false}, {"idle_timeout", true},
	{"max_future", true}, {"retention", false}, {"staging_limit", false},
	{"late_retention", false}, {"dead_letter_retention", false},
	{"batch_interval", false}, {"batch_rows", false}, {"workers", false},
	{"on_error", false}, {"on_data_loss", false}, {"options", false}
};

static void
check_nulls(FunctionCallInfo fcinfo)
{
	int			i;

	for (i = 0; i < lengthof(arguments); i++)
		if (PG_ARGISNULL(i) && !arguments[i].nullable)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("%s must not be null", arguments[i].name)));
}

static char *
text_arg(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

/*
 * NULL is -1.  A negative interval must not be taken for it: it becomes the
 * most negative number, which the checks refuse.
 */
static int64
usecs_arg(FunctionCallInfo fcinfo, int arg)
{
	int64		usecs;

	if (PG_ARGISNULL(arg))
		return -1;
	usecs = ks_interval_usecs(PG_GETARG_INTERVAL_P(arg), arguments[arg].name);
	return usecs < 0 ? PG_INT64_MIN : usecs;
}

static void
fill_durations(KsStream *stream, FunctionCallInfo fcinfo)
{
	stream->watermark_delay = usecs_arg(fcinfo, ARG_WATERMARK_DELAY);
	stream->idle_timeout = usecs_arg(fcinfo, ARG_IDLE_TIMEOUT);
	stream->max_future = usecs_arg(fcinfo, ARG_MAX_FUTURE);
	stream->retention = usecs_arg(fcinfo, ARG_RETENTION);
	stream->late_retention = usecs_arg(fcinfo, ARG_LATE_RETENTION);
	stream->dead_letter_retention = usecs_arg(fcinfo, ARG_DEAD_LETTER_RETENTION);
	stream->batch_interval = usecs_arg(fcinfo, ARG_BATCH_INTERVAL);
}

static KsStream *
stream_from_arguments(FunctionCallInfo fcinfo, const RangeVar *name)
{
	KsStream   *stream = palloc0(sizeof(KsStream));

	stream->source = text_arg(fcinfo, ARG_SOURCE);
	stream->topic = text_arg(fcinfo, ARG_TOPIC);
	if (stream->topic == NULL && strcmp(stream->source, "kafka") == 0)
		stream->topic = pstrdup(name->relname);
	stream->brokers = text_arg(fcinfo, ARG_BROKERS);
	if (!PG_ARGISNULL(ARG_SERVER))
		stream->server = pstrdup(NameStr(*PG_GETARG_NAME(ARG_SERVER)));
	stream->start = text_arg(fcinfo, ARG_START);
	stream->format = text_arg(fcinfo, ARG_FORMAT);
	stream->event_time = text_arg(fcinfo, ARG_EVENT_TIME);
	fill_durations(stream, fcinfo);
	stream->staging_limit = PG_GETARG_INT64(ARG_STAGING_LIMIT);
	stream->batch_rows = PG_GETARG_INT32(ARG_BATCH_ROWS);
	stream->workers = PG_GETARG_INT32(ARG_WORKERS);
	stream->stop_on_error = ks_definition_on_error(text_arg(fcinfo, ARG_ON_ERROR));
	stream->continue_on_data_loss =
		ks_definition_on_data_loss(text_arg(fcinfo, ARG_ON_DATA_LOSS));
	stream->options = PG_GETARG_JSONB_P_COPY(ARG_OPTIONS);
	stream->enabled = true;
	stream->system_identifier = GetSystemIdentifier();
	stream->database = MyDatabaseId;
	return stream;
}

Datum
ks_create_stream(PG_FUNCTION_ARGS)
{
	RangeVar   *name;
	KsStream   *stream;
	char	   *columns;
	KsCounts	none = {0};

	ks_shared_require();
	check_nulls(fcinfo);
	name = ks_relation_parse(text_arg(fcinfo, ARG_NAME), "stream");
	stream = stream_from_arguments(fcinfo, name);
	columns = text_arg(fcinfo, ARG_COLUMNS);

	ks_definition_check(stream);
	ks_definition_check_columns(columns);
	ks_staging_create(stream, name, columns);
	ks_definition_check_table(stream);
	ks_stream_write(stream);
	ks_definition_check_source(stream);
	ks_counter_add(stream->relid, 0, false, &none);
	ks_touch_at_commit(stream->relid);
	PG_RETURN_OID(stream->relid);
}
