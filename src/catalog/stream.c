/*
 * Streams as C structs, and the lock that orders folding and closing.
 *
 * Rows are read with the newest snapshot, whatever the transaction's isolation
 * level, as PostgreSQL reads its own catalogs; no privilege is asked for.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "common/int.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "catalog/access.h"
#include "catalog/relation.h"
#include "catalog/stream.h"

/* Columns of kafka_stream_internal.stream, in the order of tables.sql. */
enum
{
	ATT_STREAM = 1,
	ATT_SOURCE,
	ATT_TOPIC,
	ATT_BROKERS,
	ATT_SERVER,
	ATT_START,
	ATT_FORMAT,
	ATT_EVENT_TIME,
	ATT_WATERMARK_DELAY,
	ATT_IDLE_TIMEOUT,
	ATT_MAX_FUTURE,
	ATT_RETENTION,
	ATT_STAGING_LIMIT,
	ATT_LATE_RETENTION,
	ATT_DEAD_LETTER_RETENTION,
	ATT_BATCH_INTERVAL,
	ATT_BATCH_ROWS,
	ATT_WORKERS,
	ATT_ON_ERROR,
	ATT_ON_DATA_LOSS,
	ATT_OPTIONS,
	ATT_LATE,
	ATT_ENABLED,
	ATT_SYSTEM_IDENTIFIER,
	ATT_DATABASE,
	ATT_CLUSTER_ID,
	ATT_COUNT = ATT_CLUSTER_ID
};

int64
ks_interval_usecs(const Interval *interval, const char *what)
{
	int64		usecs;

	if (interval->month != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be given in months or years", what),
				 errhint("Give it in days, hours, minutes or seconds.")));
	if (pg_mul_s64_overflow((int64) interval->day, USECS_PER_DAY, &usecs) ||
		pg_add_s64_overflow(usecs, interval->time, &usecs))
		ereport(ERROR,
				(errcode(ERRCODE_INTERVAL_FIELD_OVERFLOW),
				 errmsg("%s is out of range", what)));
	return usecs;
}

int64
ks_interval_column(Datum value, bool isnull, const char *what, int64 if_null)
{
	return isnull ? if_null : ks_interval_usecs(DatumGetIntervalP(value), what);
}

static char *
text_or_null(Datum value, bool isnull)
{
	return isnull ? NULL : TextDatumGetCString(value);
}

static void
fill_durations(KsStream *stream, Datum *v, bool *n)
{
#define AT(att) v[(att) - 1], n[(att) - 1]
	stream->watermark_delay = ks_interval_column(AT(ATT_WATERMARK_DELAY), "watermark_delay", 0);
	stream->idle_timeout = ks_interval_column(AT(ATT_IDLE_TIMEOUT), "idle_timeout", -1);
	stream->max_future = ks_interval_column(AT(ATT_MAX_FUTURE), "max_future", -1);
	stream->retention = ks_interval_column(AT(ATT_RETENTION), "retention", 0);
	stream->late_retention = ks_interval_column(AT(ATT_LATE_RETENTION), "late_retention", 0);
	stream->dead_letter_retention =
		ks_interval_column(AT(ATT_DEAD_LETTER_RETENTION), "dead_letter_retention", 0);
	stream->batch_interval = ks_interval_column(AT(ATT_BATCH_INTERVAL), "batch_interval", 0);
}

static void
fill_row(KsStream *stream, Datum *v, bool *n)
{
	stream->source = text_or_null(AT(ATT_SOURCE));
	stream->topic = text_or_null(AT(ATT_TOPIC));
	stream->brokers = text_or_null(AT(ATT_BROKERS));
	if (!n[ATT_SERVER - 1])
		stream->server = pstrdup(NameStr(*DatumGetName(v[ATT_SERVER - 1])));
	stream->start = text_or_null(AT(ATT_START));
	stream->format = text_or_null(AT(ATT_FORMAT));
	stream->event_time = pstrdup(NameStr(*DatumGetName(v[ATT_EVENT_TIME - 1])));
	fill_durations(stream, v, n);
	stream->staging_limit = DatumGetInt64(v[ATT_STAGING_LIMIT - 1]);
	stream->batch_rows = DatumGetInt32(v[ATT_BATCH_ROWS - 1]);
	stream->workers = DatumGetInt32(v[ATT_WORKERS - 1]);
	stream->stop_on_error = strcmp(text_or_null(AT(ATT_ON_ERROR)), "stop") == 0;
	stream->continue_on_data_loss =
		strcmp(text_or_null(AT(ATT_ON_DATA_LOSS)), "continue") == 0;
	stream->options = DatumGetJsonbPCopy(v[ATT_OPTIONS - 1]);
	stream->late = DatumGetObjectId(v[ATT_LATE - 1]);
	stream->enabled = DatumGetBool(v[ATT_ENABLED - 1]);
	stream->system_identifier = (uint64) DatumGetInt64(v[ATT_SYSTEM_IDENTIFIER - 1]);
	stream->database = DatumGetObjectId(v[ATT_DATABASE - 1]);
	stream->cluster_id = text_or_null(AT(ATT_CLUSTER_ID));
#undef AT
}

static void
fill_attributes(KsStream *stream)
{
	Oid			relid = stream->relid;

	stream->owner = ks_relation_owner(relid);
	stream->event_time_attno = get_attnum(relid, stream->event_time);
	stream->partition_attno = get_attnum(relid, "kafka_partition");
	stream->offset_attno = get_attnum(relid, "kafka_offset");
	stream->timestamp_attno = get_attnum(relid, "kafka_timestamp");
	stream->received_attno = get_attnum(relid, "kafka_received_at");
	stream->topic_attno = Max(get_attnum(relid, "kafka_topic"), 0);
	stream->key_attno = Max(get_attnum(relid, "kafka_key"), 0);
	stream->headers_attno = Max(get_attnum(relid, "kafka_headers"), 0);
	if (stream->event_time_attno <= 0 || stream->partition_attno <= 0 ||
		stream->offset_attno <= 0 || stream->timestamp_attno <= 0 ||
		stream->received_attno <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("stream %s lacks its column \"%s\" or one of its kafka_ columns",
						ks_relation_name(relid), stream->event_time),
				 errhint("Rename the column back, or drop and create the stream.")));
}

KsStream *
ks_stream_load(Oid relid, bool missing_ok)
{
	Relation	rel = table_open(ks_internal_relation("stream"), AccessShareLock);
	KsStream   *stream = NULL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, ATT_STREAM, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, ks_internal_relation("stream_pkey"), true,
							  NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		Datum		values[ATT_COUNT];
		bool		isnull[ATT_COUNT];

		stream = palloc0(sizeof(KsStream));
		stream->relid = relid;
		heap_deform_tuple(tuple, RelationGetDescr(rel), values, isnull);
		fill_row(stream, values, isnull);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);

	if (stream != NULL)
		fill_attributes(stream);
	else if (!missing_ok)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("%s is not a stream", ks_relation_name(relid)),
				 errhint("SELECT stream FROM kafka_stream.streams lists the streams.")));
	return stream;
}

/*
 * The lock is on the stream as an object of class pg_class with a sub-id of 1,
 * so it meets neither locks on the table itself nor those on its columns.
 */
static void
stream_locktag(LOCKTAG *tag, Oid stream)
{
	SET_LOCKTAG_OBJECT(*tag, MyDatabaseId, RelationRelationId, stream, 1);
}

void
ks_stream_lock(Oid stream, LOCKMODE mode)
{
	LOCKTAG		tag;

	stream_locktag(&tag, stream);
	(void) LockAcquire(&tag, mode, false, false);
}

bool
ks_stream_lock_conditional(Oid stream, LOCKMODE mode)
{
	LOCKTAG		tag;

	stream_locktag(&tag, stream);
	return LockAcquire(&tag, mode, false, true) != LOCKACQUIRE_NOT_AVAIL;
}

bool
ks_stream_lock_held(Oid stream)
{
	LOCKTAG		tag;

	stream_locktag(&tag, stream);
	return ks_lock_held(&tag, ShareLock) || ks_lock_held(&tag, ExclusiveLock);
}

void
ks_stream_require_read_committed(const char *what)
{
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("%s needs a transaction in isolation level READ COMMITTED", what),
				 errhint("Use BEGIN ISOLATION LEVEL READ COMMITTED.")));
}
