/*
 * A stream's worker: its life.
 *
 *   open a reader (connect, check, assign)
 *   repeat: collect a batch, process it, close windows, clean up
 *   error that may pass: throw the reader away, wait, open anew
 *   error that needs a human: say so and exit; the slot stays, as 'failed'
 *   nothing to run any more: free the slot and exit
 *
 * Memory: the worker's context holds the reader's; each batch and each
 * transaction has its own.  Signals: SIGTERM ends the process at the next
 * check for interrupts, which every wait here reaches within 100 ms; on the way
 * out the source is closed, which is bounded to 5 s.
 */
#include "postgres.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "access/xact.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/shared.h"
#include "worker/batch.h"
#include "worker/closing.h"
#include "worker/intake.h"
#include "worker/process.h"
#include "worker/reader.h"
#include "worker/restage.h"
#include "worker/retention.h"

#define SHORTEST_BACKOFF_MS 1000
#define LONGEST_BACKOFF_MS (5 * 60 * 1000)
#define TICK USECS_PER_SEC				/* at least so often windows are closed */
#define SHORTEST_TICK (200 * 1000)		/* under load, not more often */
#define RESTAGE_PAUSE (10 * 1000)		/* live work comes between steps of restaging */
#define DISCOVER_INTERVAL (30 * USECS_PER_SEC)
#define CLEAN_INTERVAL (10 * USECS_PER_SEC)

extern PGDLLEXPORT void ks_worker_main(Datum arg);

static KsSlot *my_slot;
static Oid	my_stream;
static KsReader *reader = NULL;
static uint64 run_generation;	/* of the slot, when the reader was opened */
static KsRestage *restage = NULL;	/* in the reader's context */

/* ---- start and end ---- */

/*
 * Batches take and give back some ten megabytes each: keep them, instead of
 * having the kernel clear the same pages for every batch.
 */
static void
keep_memory(void)
{
#ifdef __GLIBC__
	(void) mallopt(M_MMAP_THRESHOLD, 256 * 1024 * 1024);
	(void) mallopt(M_TRIM_THRESHOLD, 256 * 1024 * 1024);
	(void) mallopt(M_TOP_PAD, 4 * 1024 * 1024);
#endif
}

static void
close_reader(void)
{
	ks_restage_end(restage);
	restage = NULL;
	if (reader != NULL && reader->source != NULL)
		reader->driver->close(reader->source);
	if (reader != NULL)
		MemoryContextDelete(reader->context);
	reader = NULL;
}

static void
name_process(void)
{
	char	   *name;

	ks_worker_begin();
	name = get_rel_name(my_stream);
	if (name != NULL)
	{
		name = psprintf("%s.%s", get_namespace_name(get_rel_namespace(my_stream)), name);
		ks_process_name(name);
	}
	ks_worker_commit();
}

/* ---- running ---- */

static void
show(KsSlotState state, const char *reason)
{
	ks_slot_set_state(my_slot, state, reason);
	pgstat_report_activity(STATE_IDLE, state == KS_SLOT_RUNNING ? "waiting for messages" : reason);
}

static void
discover(void)
{
	my_slot->asking = true;
	ks_reader_discover(reader);
	my_slot->asking = false;
}

/* ---- kafka_stream.flush(): everything up to now, folded and closed ---- */

static void
begin_flush(void)
{
	uint64		asked = my_slot->flush_asked;

	if (asked == reader->flush_asked)
		return;
	if (reader->driver != NULL)
		discover();
	reader->flush_asked = asked;
}

static bool
is_flushed(void)
{
	int			i;

	for (i = 0; i < reader->npartitions; i++)
		if (reader->partitions[i].next_offset < reader->partitions[i].flush_target)
			return false;
	return true;
}

/* Call after closing. */
static void
answer_flush(bool flushed)
{
	if (!flushed || my_slot->flush_done == reader->flush_asked)
		return;
	ks_slots_lock(true);
	my_slot->flush_done = reader->flush_asked;
	ks_slots_unlock();
}

/* ---- what happens beside batches ---- */

/* What a running stream has to say of itself; NULL: nothing. */
static const char *
remark(void)
{
	if (reader->trimmed_early)
		return "staging_limit reached: staged rows go earlier than retention";
	for (int i = 0; reader->driver != NULL && i < reader->npartitions; i++)
	{
		int64		unstable = reader->driver->unstable(reader->source, i);

		if (unstable > 0 && reader->partitions[i].at_end)
			return psprintf("waiting for an open Kafka transaction: " INT64_FORMAT " records after the last stable offset of partition %d of topic \"%s\"",
							unstable, reader->partitions[i].partition, reader->partitions[i].topic);
	}
	return NULL;
}

static void
show_remark(void)
{
	MemoryContext scratch = AllocSetContextCreate(reader->context, "kafka_stream remark",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	const char *text = remark();

	if (strcmp(text ? text : "", my_slot->reason) != 0)
		ks_slot_set_state(my_slot, KS_SLOT_RUNNING, text);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
}

static void
tick(void)
{
	TimestampTz now = GetCurrentTimestamp();
	bool		flushing = my_slot->flush_done != reader->flush_asked;
	bool		flushed = is_flushed();

	if (now - reader->closed_at >= SHORTEST_TICK || (flushing && flushed))
	{
		pgstat_report_activity(STATE_RUNNING, "closing windows");
		flushed &= ks_closing_run(reader, flushing && flushed);
		answer_flush(flushed);
	}
	if (now - reader->cleaned_at >= CLEAN_INTERVAL)
	{
		pgstat_report_activity(STATE_RUNNING, "removing old rows");
		ks_retention_run(reader);
	}
	if (!reader->disconnected)
		show_remark();
	if (reader->driver != NULL && !reader->disconnected &&
		now - reader->discovered_at >= DISCOVER_INTERVAL)
		discover();
}

static void
wait_for_inserts(void)
{
	long		ms = TimestampDifferenceMilliseconds(GetCurrentTimestamp(),
													 reader->closed_at + TICK);

	if (my_slot->flush_asked != reader->flush_asked)
		return;
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 Max(ms, 1), PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/* One round.  False: the reader is out of date. */
static bool
run_once(void)
{
	int			n = 0;

	if (reader->driver == NULL)
		wait_for_inserts();
	else
	{
		n = ks_batch_collect(reader, restage ? GetCurrentTimestamp() + RESTAGE_PAUSE :
							 reader->closed_at + TICK, my_slot);
		/* Who answers now may be another than before: check all of it again. */
		if (reader->reconnected)
			return false;
		if (n > 0)
		{
			pgstat_report_activity(STATE_RUNNING, "processing a batch");
			if (!ks_batch_run(reader, n, my_slot))
				return false;
			my_slot->backoff_ms = 0;
		}
		if (reader->out_of_range)
		{
			reader->out_of_range = false;
			my_slot->asking = true;
			ks_reader_out_of_range(reader);
			my_slot->asking = false;
		}
	}
	if (restage != NULL && !ks_restage_step(restage))
	{
		ks_restage_end(restage);
		restage = NULL;
	}
	ks_process_heed_settings();
	if (my_slot->generation != reader->generation)
		return false;
	begin_flush();
	tick();
	(void) pgstat_report_stat(false);	/* or autovacuum sees nothing of what we wrote */
	pgstat_report_activity(STATE_IDLE, "waiting for messages");
	return true;
}

/* Until there is nothing to run; returns to have a new reader opened. */
static void
run_reader(void)
{
	uint64		generation = my_slot->generation;

	run_generation = generation;
	pgstat_report_activity(STATE_RUNNING, "connecting");
	ks_intake_forget();
	my_slot->asking = true;
	reader = ks_reader_open(my_stream);
	my_slot->asking = false;
	if (reader == NULL)
		ks_process_give_up(generation);
	reader->generation = generation;
	reader->flush_asked = my_slot->flush_done;
	restage = ks_restage_begin(reader);
	show(KS_SLOT_RUNNING, NULL);
	while (run_once())
		;
	close_reader();
}

/* ---- errors ---- */

/*
 * In the catch block: back to a state from which all can begin anew.  What an
 * unfinished reader holds goes at once, its connections too.
 */
static const char *
recover(MemoryContext context)
{
	static char reason[KS_REASON_LEN];
	ErrorData  *error;
	char	   *text;

	HOLD_INTERRUPTS();
	EmitErrorReport();
	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	text = error->hint ? psprintf("%s (%s)", error->message, error->hint) : error->message;
	if (error->context != NULL)
		text = psprintf("%s; %s", text, error->context);
	strlcpy(reason, text, sizeof(reason));
	FlushErrorState();
	/* All of it: an error can leave a subtransaction open (worker/row_rules.c). */
	AbortOutOfAnyTransaction();
	MemoryContextSwitchTo(context);
	my_slot->asking = false;
	close_reader();
	MemoryContextReset(context);
	RESUME_INTERRUPTS();
	return reason;
}

/* Returns only if somebody changed the stream since: that may have mended it. */
static void
fail(const char *reason)
{
	bool		changed;

	ks_slots_lock(true);
	changed = my_slot->generation != run_generation;
	if (!changed)
		my_slot->wanted = false;
	my_slot->rates.errors++;
	ks_slots_unlock();
	if (changed)
		return;
	ks_slot_set_state(my_slot, KS_SLOT_FAILED, reason);
	proc_exit(0);
}

static void
back_off(const char *reason)
{
	TimestampTz until;
	uint64		generation = my_slot->generation;

	ks_slots_lock(true);
	my_slot->rates.errors++;
	my_slot->backoff_ms = Min(Max(my_slot->backoff_ms * 2, SHORTEST_BACKOFF_MS),
							  LONGEST_BACKOFF_MS);
	until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), my_slot->backoff_ms);
	ks_slots_unlock();
	show(KS_SLOT_RETRYING, reason);
	while (GetCurrentTimestamp() < until && my_slot->generation == generation)
	{
		long		ms = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), until);

		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 Max(ms, 1), PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		ks_process_heed_settings();
	}
}

void
ks_worker_main(Datum arg)
{
	MemoryContext context;

	my_slot = ks_process_begin(DatumGetInt32(arg));
	my_stream = my_slot->stream;
	keep_memory();
	name_process();
	context = AllocSetContextCreate(TopMemoryContext, "kafka_stream worker",
									ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(context);

	for (;;)
	{
		const char *reason = NULL;

		ks_reader_needs_human = false;
		PG_TRY();
		{
			run_reader();
		}
		PG_CATCH();
		{
			reason = recover(context);
		}
		PG_END_TRY();
		if (reason != NULL && ks_reader_needs_human)
			fail(reason);
		else if (reason != NULL)
			back_off(reason);
		MemoryContextReset(context);
	}
}
