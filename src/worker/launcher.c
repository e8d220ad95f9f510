/*
 * The launcher: starts a worker for each stream that should run, and one for
 * the alerts of each database that has any.
 *
 * It is connected to no database (shared catalogs alone), so it is in nobody's
 * way.  When the server has started, or been promoted, it sends a short-lived
 * scanner into each database, one after the other, which makes a slot for each
 * stream there that is enabled, and for its alerts.  After that, slots come from transactions that
 * create or change streams and alerts (worker/touch.h).  For each slot that is wanted and
 * has no worker it starts one, later and later if that keeps exiting.
 *
 * Workers are never restarted by the postmaster: that knows neither backoff
 * nor that a stream was dropped.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/settings.h"
#include "base/shared.h"
#include "worker/launcher.h"

#define SHORTEST_BACKOFF_MS 1000
#define LONGEST_BACKOFF_MS (5 * 60 * 1000)
#define LONG_LIFE_MS (60 * 1000)	/* who lived so long starts with the shortest again */
#define WAIT_MS 5000
#define RETRY_MS 1000			/* when no worker slot was free */

extern PGDLLEXPORT void ks_launcher_main(Datum arg);

static BackgroundWorkerHandle **handles;	/* per slot; NULL: none started by me */
static TimestampTz *started;	/* per slot */
static bool out_of_workers;

static void
describe_worker(BackgroundWorker *worker, const char *type, const char *function)
{
	memset(worker, 0, sizeof(BackgroundWorker));
	worker->bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker->bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker->bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker->bgw_library_name, "kafka_stream", BGW_MAXLEN);
	strlcpy(worker->bgw_function_name, function, BGW_MAXLEN);
	strlcpy(worker->bgw_type, type, BGW_MAXLEN);
	strlcpy(worker->bgw_name, type, BGW_MAXLEN);
}

void
ks_launcher_register(void)
{
	BackgroundWorker worker;

	if (!process_shared_preload_libraries_in_progress)
		return;
	describe_worker(&worker, "kafka_stream launcher", "ks_launcher_main");
	worker.bgw_restart_time = 1;
	RegisterBackgroundWorker(&worker);
}

/* Databases to scan, in the current memory context. */
static List *
list_databases(void)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *result = NIL;
	Relation	rel;
	TableScanDesc scan;
	HeapTuple	tuple;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	rel = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(rel, 0, NULL);
	while (HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection)))
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);

		if (database->datallowconn && database->datconnlimit != -2)
		{
			MemoryContext old = MemoryContextSwitchTo(context);

			result = lappend_oid(result, database->oid);
			MemoryContextSwitchTo(old);
		}
	}
	table_endscan(scan);
	table_close(rel, AccessShareLock);
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	return result;
}

static bool
database_exists(Oid database)
{
	MemoryContext context = CurrentMemoryContext;
	bool		exists;

	StartTransactionCommand();
	exists = SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(database));
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	return exists;
}

static void
wait_a_while(long timeout_ms)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 timeout_ms, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

/* Send a scanner into one database and wait for its end. */
static void
scan_database(Oid database)
{
	BackgroundWorker worker;
	BackgroundWorkerHandle *handle;
	pid_t		pid;

	describe_worker(&worker, "kafka_stream scanner", "ks_scanner_main");
	worker.bgw_main_arg = ObjectIdGetDatum(database);
	worker.bgw_notify_pid = MyProcPid;
	while (!RegisterDynamicBackgroundWorker(&worker, &handle))
	{
		if (!out_of_workers)
			ereport(WARNING,
					(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
					 errmsg("streams cannot start: no free background worker"),
					 errhint("Raise max_worker_processes and restart the server.")));
		out_of_workers = true;
		wait_a_while(RETRY_MS);
	}
	out_of_workers = false;
	while (GetBackgroundWorkerPid(handle, &pid) != BGWH_STOPPED)
		wait_a_while(WAIT_MS);
	pfree(handle);
}

static void
scan_databases(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "scan of databases",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ListCell   *lc;

	foreach(lc, list_databases())
		scan_database(lfirst_oid(lc));
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* A worker of mine is gone: when may the next one start? */
static void
note_exit(int index)
{
	KsSlot	   *slot = ks_slot(index);
	TimestampTz now = GetCurrentTimestamp();

	pfree(handles[index]);
	handles[index] = NULL;
	ks_slots_lock(true);
	if (slot->wanted && slot->pid == 0 && slot->next_start == 0)
	{
		if (TimestampDifferenceExceeds(started[index], now, LONG_LIFE_MS))
			slot->backoff_ms = 0;
		slot->backoff_ms = Min(Max(slot->backoff_ms * 2, SHORTEST_BACKOFF_MS),
							   LONGEST_BACKOFF_MS);
		slot->next_start = TimestampTzPlusMilliseconds(now, slot->backoff_ms);
		slot->rates.restarts++;
	}
	ks_slots_unlock();
}

static void
set_waiting(int index, const char *reason)
{
	ks_slot_set_state(ks_slot(index), KS_SLOT_WAITING, reason);
}

static void
free_slot(int index)
{
	ks_slots_lock(true);
	memset(ks_slot(index), 0, sizeof(KsSlot));
	ks_slots_unlock();
}

static void
start_worker(int index, Oid database, Oid stream)
{
	BackgroundWorker worker;

	if (!database_exists(database))
	{
		free_slot(index);
		return;
	}
	if (OidIsValid(stream))
		describe_worker(&worker, "kafka_stream worker", "ks_worker_main");
	else
		describe_worker(&worker, "kafka_stream alerts", "ks_alerts_main");
	worker.bgw_main_arg = Int32GetDatum(index);
	worker.bgw_notify_pid = MyProcPid;
	if (RegisterDynamicBackgroundWorker(&worker, &handles[index]))
	{
		started[index] = GetCurrentTimestamp();
		ks_slots_lock(true);
		ks_slot(index)->next_start = 0;
		ks_slots_unlock();
	}
	else
	{
		handles[index] = NULL;
		out_of_workers = true;
		set_waiting(index, "no free background worker: raise max_worker_processes and restart the server");
	}
}

/* Should slot 'index' get a worker now?  Else lower *wait_ms to when it should. */
static bool
is_due(int index, Oid *database, Oid *stream, long *wait_ms)
{
	KsSlot	   *slot = ks_slot(index);
	TimestampTz now = GetCurrentTimestamp();
	bool		due = false;

	ks_slots_lock(false);
	if (OidIsValid(slot->database) && slot->wanted && slot->pid == 0)
	{
		*database = slot->database;
		*stream = slot->stream;
		due = slot->next_start <= now;
		if (!due)
			*wait_ms = Min(*wait_ms,
						   TimestampDifferenceMilliseconds(now, slot->next_start) + 1);
	}
	ks_slots_unlock();
	return due;
}

/* Returns how long nothing will be due. */
static long
look_at_slots(void)
{
	long		wait_ms = WAIT_MS;
	int			i;

	out_of_workers = false;
	for (i = 0; i < ks_max_streams; i++)
	{
		Oid			database;
		Oid			stream;
		pid_t		pid;

		if (handles[i] != NULL)
		{
			if (GetBackgroundWorkerPid(handles[i], &pid) != BGWH_STOPPED)
				continue;
			note_exit(i);
		}
		if (ks_enabled && is_due(i, &database, &stream, &wait_ms))
			start_worker(i, database, stream);
	}
	return out_of_workers ? RETRY_MS : wait_ms;
}

static void
forget_latch(int code, Datum arg)
{
	ks_shared_set_launcher(NULL);
}

void
ks_launcher_main(Datum arg)
{
	bool		scanned = false;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	before_shmem_exit(forget_latch, (Datum) 0);
	ks_shared_set_launcher(MyLatch);
	handles = MemoryContextAllocZero(TopMemoryContext, ks_max_streams * sizeof(*handles));
	started = MemoryContextAllocZero(TopMemoryContext, ks_max_streams * sizeof(*started));
	MemoryContextSwitchTo(TopMemoryContext);

	for (;;)
	{
		if (ks_enabled && !scanned)
		{
			scan_databases();
			scanned = true;
		}
		wait_a_while(look_at_slots());
	}
}
