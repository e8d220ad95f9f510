/*
 * The process that evaluates the alerts of a database.
 *
 *   load the alerts that are enabled here; none: free the slot and exit
 *   evaluate those that are due, a slice of each at a time
 *   sleep until the next is due, or somebody wakes us: an alert was changed,
 *     windows became final
 *
 * An alert that fails is tried again after a while, from 1 s to 5 min, and
 * later the longer it took to fail, so that it leaves most of the time to the
 * others.  Errors of the process itself end what it does; it begins anew, after
 * a while, too.
 *
 * Memory: the process's context is reset with every look at the catalog; what
 * is remembered of each alert lives on.
 */
#include "postgres.h"

#include <limits.h>
#include <signal.h>

#include "access/xact.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/settings.h"
#include "base/shared.h"
#include "catalog/alert.h"
#include "worker/alert_run.h"
#include "worker/process.h"

#define SHORTEST_BACKOFF_MS 1000
#define LONGEST_BACKOFF_MS (5 * 60 * 1000)
#define LOOK_INTERVAL_MS 5000	/* look at the catalog at least so often */
#define TURN_USECS (USECS_PER_SEC / 4)	/* then it is another alert's turn */
#define IDLE_FACTOR 9			/* what fails is left alone so many times as long as it took */

extern PGDLLEXPORT void ks_alerts_main(Datum arg);

/* What this process remembers of an alert. */
typedef struct Memory
{
	int			id;
	int			version;		/* all below is of this one */
	SPIPlanPtr	plan;
	int			backoff_ms;		/* 0: the last run succeeded */
	TimestampTz next_try;
} Memory;

static KsSlot *my_slot;
static HTAB *memories;

static Memory *
remember(const KsAlert *alert)
{
	bool		found;
	Memory	   *memory = hash_search(memories, &alert->id, HASH_ENTER, &found);

	if (found && memory->version == alert->version)
		return memory;
	if (found && memory->plan != NULL)
		SPI_freeplan(memory->plan);
	*memory = (Memory) {.id = alert->id,.version = alert->version};
	return memory;
}

/* What is remembered of alerts that are gone. */
static void
forget_others(List *alerts)
{
	HASH_SEQ_STATUS status;
	Memory	   *memory;

	hash_seq_init(&status, memories);
	while ((memory = hash_seq_search(&status)) != NULL)
	{
		bool		there = false;
		ListCell   *lc;

		foreach(lc, alerts)
			there |= ((KsAlert *) lfirst(lc))->id == memory->id;
		if (there)
			continue;
		if (memory->plan != NULL)
			SPI_freeplan(memory->plan);
		(void) hash_search(memories, &memory->id, HASH_REMOVE, NULL);
	}
}

/* The alerts to evaluate, in the present context. */
static List *
load(void)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *alerts = NIL;

	ks_worker_begin();
	if (OidIsValid(get_extension_oid("kafka_stream", true)))
	{
		MemoryContextSwitchTo(context);
		alerts = ks_alert_list_here();
	}
	forget_others(alerts);
	ks_worker_commit();
	return alerts;
}

/* Not before which time this alert is to be looked at; 0: at once. */
static TimestampTz
not_before(const KsAlert *alert, const Memory *memory)
{
	TimestampTz due = OidIsValid(alert->view) ? 0 : ks_alert_due(alert);

	return Max(due, memory->next_try);
}

static void
back_off(Memory *memory, TimestampTz began)
{
	TimestampTz now = GetCurrentTimestamp();

	memory->backoff_ms = Min(Max(memory->backoff_ms * 2, SHORTEST_BACKOFF_MS), LONGEST_BACKOFF_MS);
	memory->next_try = Max(TimestampTzPlusMilliseconds(now, memory->backoff_ms),
						   now + (now - began) * IDLE_FACTOR);
}

/* ---- queries that do not let themselves be cancelled ---- */

static volatile Oid running;	/* definition of the alert whose query runs */
static TimeoutId overrun_timer;

/* In a signal handler: the next process will know whom to leave alone for a while. */
static void
end_process(void)
{
	my_slot->overran = running;
	(void) kill(MyProcPid, SIGTERM);
}

/* A turn is over long before this, unless a function catches query_canceled. */
static void
watch(Oid definition)
{
	running = definition;
	enable_timeout_after(overrun_timer, (int) Min(INT64CONST(2) * ks_alert_timeout + 5000, INT_MAX));
}

static void
watch_end(void)
{
	disable_timeout(overrun_timer, false);
	running = InvalidOid;
}

/* Was the process before this one ended for an alert? */
static void
heed_overrun(List *alerts)
{
	ListCell   *lc;

	foreach(lc, alerts)
	{
		KsAlert    *alert = lfirst(lc);

		if (alert->definition != my_slot->overran)
			continue;
		ks_alert_run_overran(alert);
		back_off(remember(alert), TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
															  -(int64) ks_alert_timeout));
	}
	my_slot->overran = InvalidOid;
}

/* ---- evaluating ---- */

/* Evaluate an alert, for its turn. */
static KsAlertOutcome
run_one(KsAlert *alert)
{
	Memory	   *memory = remember(alert);
	TimestampTz began = GetCurrentTimestamp();
	KsAlertOutcome outcome;

	if (not_before(alert, memory) > began)
		return KS_ALERT_IDLE;
	pgstat_report_activity(STATE_RUNNING, psprintf("evaluating alert \"%s\"", alert->name));
	watch(alert->definition);
	do
	{
		outcome = ks_alert_run(alert, &memory->plan);
		CHECK_FOR_INTERRUPTS();
	} while (outcome == KS_ALERT_MORE && GetCurrentTimestamp() - began < TURN_USECS);
	watch_end();
	if (outcome == KS_ALERT_FAILED)
		back_off(memory, began);
	else
		memory->backoff_ms = 0;
	return outcome;
}

/* Evaluate what is due, in turn; returns whether to load the alerts again. */
static bool
run_all(List *alerts)
{
	bool		more = true;
	uint64		generation = my_slot->generation;
	ListCell   *lc;

	while (more)
	{
		more = false;
		foreach(lc, alerts)
		{
			KsAlertOutcome outcome = run_one(lfirst(lc));

			CHECK_FOR_INTERRUPTS();
			ks_process_heed_settings();
			if (outcome == KS_ALERT_CHANGED || my_slot->generation != generation)
				return true;
			more |= outcome == KS_ALERT_MORE;
		}
	}
	return false;
}

static void
sleep_until(TimestampTz until)
{
	long		ms = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), until);

	(void) pgstat_report_stat(false);
	pgstat_report_activity(STATE_IDLE, "waiting for windows to become final");
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 Max(ms, 1), PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	ks_process_heed_settings();
}

/* One look at the catalog, and what follows from it. */
static void
look(void)
{
	uint64		generation = my_slot->generation;
	List	   *alerts = load();
	TimestampTz next = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), LOOK_INTERVAL_MS);
	ListCell   *lc;

	if (alerts == NIL)
		ks_process_give_up(generation);
	if (OidIsValid(my_slot->overran))
		heed_overrun(alerts);
	if (run_all(alerts))
		return;
	foreach(lc, alerts)
	{
		KsAlert    *alert = lfirst(lc);
		TimestampTz time = not_before(alert, remember(alert));

		if (time != 0)
			next = Min(next, time);
	}
	if (my_slot->generation == generation)
		sleep_until(next);
}

/* In the catch block: back to a state from which all can begin anew. */
static void
recover(MemoryContext context)
{
	HOLD_INTERRUPTS();
	EmitErrorReport();
	MemoryContextSwitchTo(context);
	FlushErrorState();
	watch_end();
	AbortOutOfAnyTransaction();
	MemoryContextSwitchTo(context);
	RESUME_INTERRUPTS();
}

static void
begin(int index)
{
	HASHCTL		control = {.keysize = sizeof(int),.entrysize = sizeof(Memory)};

	my_slot = ks_process_begin(index);
	/* Whoever drops what alerts read, with what depends on it, wins over us. */
	SetConfigOption("deadlock_timeout", "100ms", PGC_SUSET, PGC_S_OVERRIDE);
	ks_process_name("alerts");
	overrun_timer = RegisterTimeout(USER_TIMEOUT, end_process);
	memories = hash_create("alerts", 64, &control, HASH_ELEM | HASH_BLOBS);
	ks_slot_set_state(my_slot, KS_SLOT_RUNNING, NULL);
}

void
ks_alerts_main(Datum arg)
{
	MemoryContext context;
	volatile int backoff_ms = 0;

	begin(DatumGetInt32(arg));
	context = AllocSetContextCreate(TopMemoryContext, "kafka_stream alerts",
									ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(context);
	for (;;)
	{
		bool		failed = false;

		PG_TRY();
		{
			look();
			backoff_ms = 0;
		}
		PG_CATCH();
		{
			recover(context);
			failed = true;
		}
		PG_END_TRY();
		if (failed)
		{
			backoff_ms = Min(Max(backoff_ms * 2, SHORTEST_BACKOFF_MS), LONGEST_BACKOFF_MS);
			sleep_until(TimestampTzPlusMilliseconds(GetCurrentTimestamp(), backoff_ms));
		}
		MemoryContextReset(context);
	}
}
