/*
 * Writing a stream's row: what is declared, from the C struct.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "catalog/access.h"
#include "catalog/stream.h"

static KsQuery write_stream = {
	"INSERT INTO kafka_stream_internal.stream"
	" (stream, source, topic, brokers, server, start, format, event_time,"
	"  watermark_delay, idle_timeout, max_future, retention, staging_limit,"
	"  late_retention, dead_letter_retention, batch_interval, batch_rows, workers,"
	"  on_error, on_data_loss, options, late, enabled, system_identifier, database,"
	"  cluster_id)"
	" VALUES ($1::regclass, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,"
	"  $15, $16, $17, $18, $19, $20, $21, $22::regclass, $23, $24, $25, $26)"
	" ON CONFLICT (stream) DO UPDATE SET"
	"  topic = excluded.topic, brokers = excluded.brokers, server = excluded.server,"
	"  start = excluded.start, event_time = excluded.event_time,"
	"  watermark_delay = excluded.watermark_delay,"
	"  idle_timeout = excluded.idle_timeout, max_future = excluded.max_future,"
	"  retention = excluded.retention, staging_limit = excluded.staging_limit,"
	"  late_retention = excluded.late_retention,"
	"  dead_letter_retention = excluded.dead_letter_retention,"
	"  batch_interval = excluded.batch_interval, batch_rows = excluded.batch_rows,"
	"  on_error = excluded.on_error, on_data_loss = excluded.on_data_loss,"
	"  options = excluded.options, late = excluded.late, enabled = excluded.enabled,"
	"  system_identifier = excluded.system_identifier, database = excluded.database,"
	"  cluster_id = excluded.cluster_id",
	26,
	{OIDOID, TEXTOID, TEXTOID, TEXTOID, NAMEOID, TEXTOID, TEXTOID, NAMEOID,
		INTERVALOID, INTERVALOID, INTERVALOID, INTERVALOID, INT8OID, INTERVALOID,
		INTERVALOID, INTERVALOID, INT4OID, INT4OID, TEXTOID, TEXTOID, JSONBOID,
	OIDOID, BOOLOID, INT8OID, OIDOID, TEXTOID}
};

/* Arguments of a query under construction. */
typedef struct Arguments
{
	int			count;
	Datum		values[KS_QUERY_MAX_ARGS];
	char		nulls[KS_QUERY_MAX_ARGS];
} Arguments;

static void
add(Arguments *args, Datum value, bool isnull)
{
	args->values[args->count] = value;
	args->nulls[args->count++] = isnull ? 'n' : ' ';
}

static void
add_text(Arguments *args, const char *string)
{
	add(args, string ? CStringGetTextDatum(string) : (Datum) 0, string == NULL);
}

static void
add_name(Arguments *args, const char *string)
{
	Name		name = palloc0(sizeof(NameData));

	if (string != NULL)
		namestrcpy(name, string);
	add(args, NameGetDatum(name), string == NULL);
}

/* Whole days as days, for people to read; negative: NULL. */
static void
add_interval(Arguments *args, int64 usecs)
{
	Interval   *interval = palloc0(sizeof(Interval));

	interval->day = (int32) (usecs / USECS_PER_DAY);
	interval->time = usecs % USECS_PER_DAY;
	add(args, IntervalPGetDatum(interval), usecs < 0);
}

static void
add_durations_and_limits(Arguments *args, const KsStream *stream)
{
	add_interval(args, stream->watermark_delay);
	add_interval(args, stream->idle_timeout);
	add_interval(args, stream->max_future);
	add_interval(args, stream->retention);
	add(args, Int64GetDatum(stream->staging_limit), false);
	add_interval(args, stream->late_retention);
	add_interval(args, stream->dead_letter_retention);
	add_interval(args, stream->batch_interval);
	add(args, Int32GetDatum(stream->batch_rows), false);
	add(args, Int32GetDatum(stream->workers), false);
}

void
ks_stream_write(const KsStream *stream)
{
	Arguments	args = {0};
	KsAccess	access;

	ks_access_enter(&access);
	add(&args, ObjectIdGetDatum(stream->relid), false);
	add_text(&args, stream->source);
	add_text(&args, stream->topic);
	add_text(&args, stream->brokers);
	add_name(&args, stream->server);
	add_text(&args, stream->start);
	add_text(&args, stream->format);
	add_name(&args, stream->event_time);
	add_durations_and_limits(&args, stream);
	add_text(&args, stream->stop_on_error ? "stop" : "dead_letter");
	add_text(&args, stream->continue_on_data_loss ? "continue" : "stop");
	add(&args, JsonbPGetDatum(stream->options), false);
	add(&args, ObjectIdGetDatum(stream->late), false);
	add(&args, BoolGetDatum(stream->enabled), false);
	add(&args, Int64GetDatum((int64) stream->system_identifier), false);
	add(&args, ObjectIdGetDatum(stream->database), false);
	add_text(&args, stream->cluster_id);
	(void) ks_query_run(&write_stream, args.values, args.nulls);
	ks_access_leave(&access);
}
