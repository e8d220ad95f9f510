/*
 * Which partitions are idle, how far time has come, and which windows are final.
 *
 * A partition is idle when everything up to the broker's end was received since
 * this reader connected, and nothing came for idle_timeout; time without a
 * connection does not count (worker/batch.c moves quiet_since on).  The
 * partition of INSERTs exists from its first row, and is idle when its number
 * of rows has not changed for idle_timeout.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "base/attempt.h"
#include "base/compat.h"
#include "time/watermark.h"
#include "view/fold.h"
#include "worker/closing.h"
#include "worker/process.h"
#include "worker/progress.h"
#include "worker/touch.h"

#define MERGE_INTERVAL (5 * USECS_PER_SEC)
#define WAIT_INTERVAL (5 * USECS_PER_SEC)	/* so often closing waits for inserters */

static void
judge_idle(KsReader *reader, KsPartition *partition, int assignment, TimestampTz now)
{
	int64		timeout = reader->stream->idle_timeout;
	int64		end = reader->driver->end_offset(reader->source, assignment);

	partition->end_offset = Max(partition->end_offset, end);
	if (partition->end_offset > partition->next_offset)
		partition->idle = false;
	else if (!partition->idle && timeout >= 0 && partition->at_end &&
			 now - partition->quiet_since >= timeout)
	{
		partition->idle = true;
		partition->idle_since = partition->quiet_since + timeout;
	}
}

static void
look_at_inserts(KsReader *reader, TimestampTz now)
{
	int64		next_offset = 0;
	TimestampTz clock = DT_NOBEGIN;

	reader->has_inserts = ks_progress_load_inserts(reader->stream->relid,
												   &next_offset, &clock);
	if (next_offset != reader->insert_next || reader->insert_quiet_since == 0)
		reader->insert_quiet_since = now;
	reader->insert_next = next_offset;
	reader->insert_clock = clock;
}

static void
fill_inserts(const KsReader *reader, KsWatermarkPartition *partition, TimestampTz now)
{
	int64		timeout = reader->stream->idle_timeout;

	partition->clock = reader->insert_clock;
	partition->idle = timeout >= 0 && now - reader->insert_quiet_since >= timeout;
	partition->idle_since = reader->insert_quiet_since + timeout;
}

/* The clock of the stream: the watermark before any view's delay. */
static TimestampTz
stream_clock(KsReader *reader, TimestampTz now)
{
	KsWatermarkPartition *list = palloc0((reader->npartitions + 1) * sizeof(*list));
	TimestampTz clock;
	int			n = 0;

	for (; n < reader->npartitions; n++)
	{
		judge_idle(reader, &reader->partitions[n], n, now);
		list[n].clock = reader->partitions[n].clock;
		list[n].idle = reader->partitions[n].idle;
		list[n].idle_since = reader->partitions[n].idle_since;
	}
	if (reader->has_inserts)
		fill_inserts(reader, &list[n++], now);
	clock = n > 0 ? ks_watermark_min(list, n, now, 0, DT_NOBEGIN) : DT_NOBEGIN;
	pfree(list);
	return clock;
}

/* For people to read. */
static void
note_partitions(KsReader *reader)
{
	int			i;

	for (i = 0; i < reader->npartitions; i++)
	{
		KsPartition *partition = &reader->partitions[i];

		if (partition->idle == partition->noted_idle &&
			partition->end_offset == partition->noted_end)
			continue;
		ks_progress_note(reader->stream->relid, partition);
		partition->noted_idle = partition->idle;
		partition->noted_end = partition->end_offset;
	}
}

typedef struct Closing
{
	Oid			stream;
	TimestampTz clock;
	bool		closed;
} Closing;

static void
close_waiting(void *arg)
{
	Closing    *closing = arg;

	closing->closed = ks_close_stream(closing->stream, closing->clock, true);
}

/*
 * Wait for inserters, who hold the stream's lock to the end of their
 * transactions; but not for long, since reading waits meanwhile.  False: for
 * another time.
 */
static bool
close_patiently(Oid stream, TimestampTz clock, bool *closed)
{
	Closing		closing = {stream, clock, false};
	ErrorData  *error;

	(void) set_config_option("lock_timeout", "500ms", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
	error = ks_attempt(close_waiting, &closing);
	if (error != NULL && error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE)
		ReThrowError(error);
	*closed = error == NULL && closing.closed;
	return error == NULL;
}

static bool
close_windows(KsReader *reader, TimestampTz clock, bool wait, TimestampTz now)
{
	Oid			stream = reader->stream->relid;
	bool		closed;
	bool		done = true;

	if (clock == DT_NOBEGIN)
		return true;
	if (!wait && now - reader->waited_at < WAIT_INTERVAL)
		closed = ks_close_stream(stream, clock, false);
	else
	{
		done = close_patiently(stream, clock, &closed);
		reader->waited_at = now;
	}
	/* Somebody may have seen what is final: wait until it is on disk. */
	if (closed)
	{
		ForceSyncCommit();
		ks_touch_wake_alerts();
	}
	return done;
}

bool
ks_closing_run(KsReader *reader, bool wait)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz clock;
	bool		done;

	ks_worker_begin();
	look_at_inserts(reader, now);
	clock = stream_clock(reader, now);
	note_partitions(reader);
	done = close_windows(reader, clock, wait, now);
	ks_worker_commit();

	if (now - reader->merged_at >= MERGE_INTERVAL)
	{
		ks_worker_begin();
		ks_merge_stream(reader->stream->relid);
		ks_worker_commit();
		reader->merged_at = now;
	}
	reader->closed_at = now;
	return done;
}
