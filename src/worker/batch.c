/*
 * One batch: messages from the source into everything, in one transaction.
 *
 * Locks are taken in the order of catalog/stream.h: the staging table, the
 * stream's lock in share mode, the partitions' rows by key, then the rest.
 * Nothing of the reader's committed state changes before the commit; after an
 * error the reader is thrown away.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "catalog/dead_letter.h"
#include "view/fold.h"
#include "worker/batch.h"
#include "worker/intake.h"
#include "worker/process.h"
#include "worker/restage.h"
#include "worker/stage.h"

#define SHORTEST_GATHERING (10 * 1000)	/* microseconds */

static MemoryContext batch_context = NULL;

/* ---- fetching ---- */

/*
 * Being out of reach is not being quiet: nobody becomes idle for it.  While
 * messages come from some leaders, that is no trouble of the stream's.
 */
static void
note_connection(KsReader *reader, const KsSourceStatus *status, int got, KsSlot *slot)
{
	bool		disconnected = status->trouble == KS_SOURCE_DISCONNECTED;
	int			i;

	if (disconnected)
		for (i = 0; i < reader->npartitions; i++)
		{
			reader->partitions[i].quiet_since = GetCurrentTimestamp();
			reader->partitions[i].idle = false;
		}
	if (disconnected && got > 0)
		return;
	if (disconnected != reader->disconnected)
		ks_slot_set_state(slot, disconnected ? KS_SLOT_RETRYING : KS_SLOT_RUNNING,
						  disconnected ? status->message : NULL);
	reader->reconnected |= reader->disconnected && !disconnected;
	reader->disconnected = disconnected;
}

static void
handle_status(KsReader *reader, const KsSourceStatus *status, int got, KsSlot *slot)
{
	note_connection(reader, status, got, slot);
	if (status->trouble == KS_SOURCE_FATAL)
		ereport(ERROR,
				(errcode(ERRCODE_CONNECTION_EXCEPTION),
				 errmsg("cannot read topic \"%s\": %s", reader->stream->topic,
						status->message)));
	if (status->trouble == KS_SOURCE_OUT_OF_RANGE)
		reader->out_of_range = true;
}

/* Does somebody want something else than messages?  Read without the lock. */
static bool
is_called(const KsReader *reader, const KsSlot *slot)
{
	return ConfigReloadPending || reader->out_of_range || reader->reconnected ||
		slot->generation != reader->generation ||
		slot->flush_asked != reader->flush_asked;
}

static int64
bytes_of(const KsMessage *messages, int n)
{
	int64		bytes = 0;
	int			i;

	for (i = 0; i < n; i++)
		bytes += messages[i].key_len + messages[i].value_len;
	return bytes;
}

/*
 * How long to gather: four times what the last batch took to process, so that
 * rows show early while there is little to do, and batches grow with the load.
 */
static int64
gathering_time(const KsReader *reader)
{
	return Min(reader->stream->batch_interval,
			   Max(4 * reader->batch_usecs, SHORTEST_GATHERING));
}

int
ks_batch_collect(KsReader *reader, TimestampTz until, KsSlot *slot)
{
	int			max = reader->stream->batch_rows;
	int64		bytes = 0;
	int			n = 0;

	for (;;)
	{
		KsSourceStatus status = {0};
		long		timeout = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), until);
		int			got;

		got = reader->driver->fetch(reader->source, reader->messages + n, max - n,
									(int) timeout, &status);
		CHECK_FOR_INTERRUPTS();
		if (n == 0 && got > 0)
			until = GetCurrentTimestamp() + gathering_time(reader);
		bytes += bytes_of(reader->messages + n, got);
		n += got;
		handle_status(reader, &status, got, slot);
		if (n >= max || bytes >= KS_READER_MAX_BYTES || is_called(reader, slot) ||
			GetCurrentTimestamp() >= until)
			return n;
	}
}

/* ---- processing ---- */

/* Progress and results move together, so losing both in a crash loses nothing. */
static void
commit_without_waiting(void)
{
	(void) set_config_option("synchronous_commit", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
}

/* Under the locks: is the stream still what the reader was opened for? */
static bool
is_current(const KsReader *reader, const KsSlot *slot)
{
	KsStream   *stream = ks_stream_load(reader->stream->relid, true);

	return stream != NULL && stream->enabled && slot->generation == reader->generation;
}

static void
start_batch(KsReader *reader)
{
	int			i;

	for (i = 0; i < reader->npartitions; i++)
	{
		KsPartition *partition = &reader->partitions[i];

		partition->touched = false;
		partition->batch_next = partition->next_offset;
		partition->batch_clock = partition->clock;
		partition->last = NULL;
		partition->end_offset = Max(partition->end_offset,
									reader->driver->end_offset(reader->source, i));
	}
}

static void
move_partitions(KsReader *reader)
{
	int			i;

	for (i = 0; i < reader->npartitions; i++)
		if (reader->partitions[i].touched)
			ks_progress_move(reader->stream->relid, &reader->partitions[i]);
}

static void
write_dead_letters(const KsIntake *intake)
{
	ListCell   *lc;

	foreach(lc, intake->dead_letters)
		ks_dead_letter_write(lfirst(lc));
}

/* The transaction has committed: so has what the batch did to the partitions. */
static void
finish_batch(KsReader *reader)
{
	KsAssignment *next = palloc(Max(reader->npartitions, 1) * sizeof(KsAssignment));
	int			n = 0;
	int			i;

	for (i = 0; i < reader->npartitions; i++)
	{
		KsPartition *partition = &reader->partitions[i];

		if (!partition->touched)
			continue;
		partition->next_offset = partition->batch_next;
		partition->clock = partition->batch_clock;
		if (partition->last != NULL)
		{
			partition->anchor_offset = partition->last->offset;
			partition->anchor_timestamp = partition->last->timestamp_ms;
			partition->anchor_hash = ks_progress_hash(partition->last);
			partition->last = NULL;
		}
		partition->idle = false;
		next[n].topic = partition->topic;
		next[n].partition = partition->partition;
		next[n++].offset = partition->next_offset;
	}
	reader->driver->commit_group(reader->source, next, n);
	pfree(next);
}

static void
note_rates(KsSlot *slot, const KsIntake *intake, TimestampTz began)
{
	TimestampTz now = GetCurrentTimestamp();

	ks_slots_lock(true);
	slot->rates.batch_usecs = now - began;
	ks_rates_add(&slot->rates, intake->counts.rows, intake->counts.bytes, now);
	if (intake->newest != DT_NOBEGIN)
		slot->rates.newest = slot->rates.newest == 0 ? intake->newest :
			Max(slot->rates.newest, intake->newest);
	slot->rates.memory_bytes = MemoryContextMemAllocated(TopMemoryContext, true);
	ks_slots_unlock();
}

/* In the batch's transaction, its memory being the current context. */
static KsIntake *
process(KsReader *reader, Relation staging, int n)
{
	Oid			stream = reader->stream->relid;
	TimestampTz now = GetCurrentTimestamp();
	KsIntake   *intake;

	start_batch(reader);
	intake = ks_intake_run(reader, staging, reader->messages, n, now);
	move_partitions(reader);
	if (reader->stream->retention > 0 && intake->batch.nrows > 0)
	{
		ks_restage_note(reader, staging, now);
		ks_stage_rows(staging, reader->stream->owner, &intake->batch, now);
	}
	if (intake->batch.nrows > 0)
		ks_fold_batch(&intake->batch, true);
	write_dead_letters(intake);
	if (intake->counts.bytes > 0 || intake->counts.rows > 0 ||
		intake->counts.tombstones > 0)
		ks_counter_add(stream, 0, false, &intake->counts);
	return intake;
}

bool
ks_batch_run(KsReader *reader, int n, KsSlot *slot)
{
	TimestampTz began = GetCurrentTimestamp();
	MemoryContext old = CurrentMemoryContext;
	KsIntake   *intake = NULL;
	Relation	staging;

	if (batch_context == NULL)
		batch_context = AllocSetContextCreate(TopMemoryContext, "kafka_stream batch",
											  ALLOCSET_DEFAULT_SIZES);
	MemoryContextReset(batch_context);
	ks_worker_begin();
	commit_without_waiting();
	staging = try_table_open(reader->stream->relid, RowExclusiveLock);
	if (staging != NULL)
	{
		ks_stream_lock(reader->stream->relid, ShareLock);
		if (is_current(reader, slot))
		{
			MemoryContextSwitchTo(batch_context);
			intake = process(reader, staging, n);
		}
		table_close(staging, NoLock);
	}
	ks_worker_commit();
	if (intake != NULL)
	{
		finish_batch(reader);
		reader->batch_usecs = GetCurrentTimestamp() - began;
		note_rates(slot, intake, began);
	}
	reader->driver->release(reader->source);
	MemoryContextReset(batch_context);
	MemoryContextSwitchTo(old);
	return intake != NULL;
}
