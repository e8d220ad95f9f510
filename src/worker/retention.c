/*
 * Old rows go: segments of staging by truncation, the rest by DELETE.
 *
 * A segment may go when its newest row is older than retention, or when staging
 * has grown past its limit: then the oldest segments go first.  A truncation
 * waits 200 ms for its lock at most, so it holds up neither reading nor itself;
 * whatever goes wrong here is logged and tried again, and never stops the
 * stream.  Rows of users' tables are deleted as the stream's owner, whose
 * triggers may fire.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "base/attempt.h"
#include "base/compat.h"
#include "base/role.h"
#include "catalog/access.h"
#include "catalog/relation.h"
#include "catalog/staging.h"
#include "worker/process.h"
#include "worker/retention.h"

#define DELETE_ROWS 100000		/* at a time */

typedef struct Segment
{
	Oid			relid;
	int			number;
	BlockNumber blocks;
	TimestampTz newest;			/* arrival of its newest row; DT_NOBEGIN: empty */
} Segment;

/* ---- in a transaction of its own, errors logged ---- */

typedef struct Step
{
	KsReader   *reader;
	void		(*run) (KsReader *reader, void *arg);
	void	   *arg;
} Step;

static void
run_step(void *arg)
{
	Step	   *step = arg;

	step->run(step->reader, step->arg);
}

static void
attempt(KsReader *reader, void (*run) (KsReader *reader, void *arg), void *arg)
{
	Step		step = {reader, run, arg};
	ErrorData  *error;

	ks_worker_begin();
	error = ks_attempt(run_step, &step);
	/* A lock that somebody else holds is everyday life. */
	if (error != NULL)
		ereport(error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE ? DEBUG1 : WARNING,
				(errcode(error->sqlerrcode),
				 errmsg("could not remove old rows of stream %s: %s",
						reader->name, error->message)));
	ks_worker_commit();
}

/* ---- staging ---- */

static TimestampTz
newest_arrival(Oid relid, const char *where)
{
	char	   *sql = psprintf("SELECT max(kafka_received_at) FROM %s %s",
							   ks_relation_name(relid), where);
	TimestampTz result = DT_NOBEGIN;
	bool		isnull = true;
	Datum		value;

	if (SPI_execute(sql, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read segment %u", relid);
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (!isnull)
		result = DatumGetTimestampTz(value);
	return result;
}

/* Rows are appended as they arrive, so the last block has the newest. */
static void
look_at_segment(Segment *segment)
{
	Relation	rel = table_open(segment->relid, AccessShareLock);

	segment->blocks = RelationGetNumberOfBlocks(rel);
	segment->newest = DT_NOBEGIN;
	if (segment->blocks > 0)
	{
		segment->newest = newest_arrival(segment->relid,
										 psprintf("WHERE ctid >= '(%u,0)'",
												  segment->blocks - 1));
		if (segment->newest == DT_NOBEGIN)
			segment->newest = newest_arrival(segment->relid, "");
	}
	table_close(rel, NoLock);
}

static void
look_at_segments(KsReader *reader, void *arg)
{
	Segment    *segments = arg;
	Relation	staging = try_table_open(reader->stream->relid, AccessShareLock);
	KsAccess	access;
	int			i;

	if (staging == NULL)
		return;
	ks_access_enter(&access);
	for (i = 0; i < KS_STAGING_SEGMENTS; i++)
	{
		segments[i].relid = ks_staging_leaf(staging, i);
		segments[i].number = i;
		look_at_segment(&segments[i]);
	}
	ks_access_leave(&access);
	table_close(staging, NoLock);
}

/* Nothing of this segment is to be read again after a crash. */
static void
forget_staged(KsReader *reader, int segment)
{
	static KsQuery query = {
		"DELETE FROM kafka_stream_internal.staged WHERE stream = $1::regclass AND segment = $2",
		2, {OIDOID, INT4OID}
	};
	Datum		values[] = {ObjectIdGetDatum(reader->stream->relid), Int32GetDatum(segment)};
	KsAccess	access;

	ks_access_enter(&access);
	(void) ks_query_run(&query, values, NULL);
	ks_access_leave(&access);
	reader->noted_segment = 0;
}

static void
truncate_segment(KsReader *reader, void *arg)
{
	const Segment *segment = arg;
	Segment		again = *segment;
	KsRole		before;
	KsAccess	access;

	(void) set_config_option("lock_timeout", "200ms", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
	LockRelationOid(reader->stream->relid, AccessShareLock);
	LockRelationOid(segment->relid, AccessExclusiveLock);
	ks_access_enter(&access);
	look_at_segment(&again);
	ks_access_leave(&access);
	if (again.newest != segment->newest)
		return;					/* somebody inserted meanwhile */
	ks_role_enter_owner(&before, reader->stream->owner);
	SPI_connect();
	ks_access_execute(psprintf("TRUNCATE %s", ks_relation_name(segment->relid)));
	SPI_finish();
	ks_role_leave(&before);
	forget_staged(reader, segment->number);
}

static int
by_age(const void *a, const void *b)
{
	const Segment *one = a;
	const Segment *other = b;

	return one->newest < other->newest ? -1 : one->newest > other->newest;
}

/* Returns true if rows went earlier than retention says. */
static bool
truncate_old(KsReader *reader, TimestampTz now)
{
	Segment		segments[KS_STAGING_SEGMENTS];
	int64		total = 0;
	bool		early = false;
	int			i;

	memset(segments, 0, sizeof(segments));
	attempt(reader, look_at_segments, segments);
	for (i = 0; i < KS_STAGING_SEGMENTS; i++)
		total += (int64) segments[i].blocks * BLCKSZ;
	qsort(segments, KS_STAGING_SEGMENTS, sizeof(Segment), by_age);
	for (i = 0; i < KS_STAGING_SEGMENTS; i++)
	{
		bool		old = segments[i].newest < now - reader->stream->retention;
		bool		too_much = total > reader->stream->staging_limit;

		if (segments[i].blocks == 0 || (!old && !too_much))
			continue;
		attempt(reader, truncate_segment, &segments[i]);
		total -= (int64) segments[i].blocks * BLCKSZ;
		early = early || !old;
	}
	return early;
}

/* ---- late rows and dead letters ---- */

static void
delete_late_rows(KsReader *reader, void *arg)
{
	Datum		limit = TimestampTzGetDatum(*(TimestampTz *) arg);
	Oid			type = TIMESTAMPTZOID;
	char	   *late = ks_relation_name(reader->stream->late);
	KsRole		before;

	ks_role_enter_owner(&before, reader->stream->owner);
	SPI_connect();
	if (SPI_execute_with_args(psprintf("DELETE FROM %s WHERE ctid = ANY (ARRAY("
									   "SELECT ctid FROM %s WHERE kafka_received_at < $1"
									   " LIMIT %d))", late, late, DELETE_ROWS),
							  1, &type, &limit, NULL, false, 0) < 0)
		elog(ERROR, "could not delete late rows");
	SPI_finish();
	ks_role_leave(&before);
}

static void
delete_dead_letters(KsReader *reader, void *arg)
{
	static KsQuery query = {
		"DELETE FROM kafka_stream_internal.dead_letter WHERE ctid = ANY (ARRAY("
		"SELECT ctid FROM kafka_stream_internal.dead_letter"
		" WHERE stream = $1::regclass AND received_at < $2 LIMIT 100000))",
		2, {OIDOID, TIMESTAMPTZOID}
	};
	Datum		values[2];
	KsAccess	access;

	values[0] = ObjectIdGetDatum(reader->stream->relid);
	values[1] = TimestampTzGetDatum(*(TimestampTz *) arg);
	ks_access_enter(&access);
	(void) ks_query_run(&query, values, NULL);
	ks_access_leave(&access);
}

/* How often: a hundredth of what is kept, so that little is kept too long. */
static bool
is_time(TimestampTz *last, int64 retention, TimestampTz now)
{
	if (now - *last < Max(retention / 100, USECS_PER_MINUTE))
		return false;
	*last = now;
	return true;
}

void
ks_retention_run(KsReader *reader)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz limit;

	reader->trimmed_early = truncate_old(reader, now);
	if (is_time(&reader->late_cleaned_at, reader->stream->late_retention, now))
	{
		limit = now - reader->stream->late_retention;
		attempt(reader, delete_late_rows, &limit);
	}
	if (is_time(&reader->dead_cleaned_at, reader->stream->dead_letter_retention, now))
	{
		limit = now - reader->stream->dead_letter_retention;
		attempt(reader, delete_dead_letters, &limit);
	}
	reader->cleaned_at = now;
}
