/*
 * What the processes that fill a slot have in common: how they begin and end.
 *
 * Signals: SIGTERM ends the process at the next check for interrupts; SIGHUP
 * has it read the settings again.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "base/settings.h"
#include "worker/process.h"

static KsSlot *slot;			/* mine; NULL: given up */
static MemoryContext caller_context;

/* ALTER ROLE and ALTER DATABASE ... SET reach background workers: not these. */
static void
pin_settings(void)
{
	static const char *const pinned[][2] = {
		{"session_replication_role", "origin"},
		{"search_path", "pg_catalog, pg_temp"},
		{"default_transaction_isolation", "read committed"},
		{"default_transaction_read_only", "off"},
		{"default_transaction_deferrable", "off"},
		{"row_security", "off"},
		{"jit", "off"},
		{"datestyle", "ISO, MDY"},
		{"intervalstyle", "postgres"},
		{"timezone", "UTC"},
		{"extra_float_digits", "1"},
		{"bytea_output", "hex"},
		{"xmlbinary", "base64"},
		{"statement_timeout", "0"},
		{"lock_timeout", "0"},
		{"idle_in_transaction_session_timeout", "0"},
		{"idle_session_timeout", "0"},
		{"work_mem", "64MB"},
		{"enable_partition_pruning", "on"},
		{"max_parallel_workers_per_gather", "0"},
	};
	int			i;

	for (i = 0; i < lengthof(pinned); i++)
		SetConfigOption(pinned[i][0], pinned[i][1], PGC_SUSET, PGC_S_OVERRIDE);
}

static void
leave_slot(int code, Datum arg)
{
	if (slot == NULL)
		return;					/* given up before */
	ks_slots_lock(true);
	slot->pid = 0;
	slot->latch = NULL;
	slot->asking = false;
	if (slot->state == KS_SLOT_RUNNING || slot->state == KS_SLOT_RETRYING)
		slot->state = KS_SLOT_WAITING;
	ks_slots_unlock();
}

static void
take_slot(int index)
{
	slot = ks_slot(index);
	ks_slots_lock(true);
	if (!OidIsValid(slot->database) || !slot->wanted || slot->pid != 0)
	{
		ks_slots_unlock();
		proc_exit(0);			/* not wanted any more, or another was faster */
	}
	slot->pid = MyProcPid;
	slot->latch = &MyProc->procLatch;
	ks_slots_unlock();
	before_shmem_exit(leave_slot, (Datum) 0);
}

KsSlot *
ks_process_begin(int index)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	take_slot(index);
	BackgroundWorkerInitializeConnectionByOid(slot->database, InvalidOid, 0);
	pin_settings();
	return slot;
}

void
ks_process_give_up(uint64 generation)
{
	ks_slots_lock(true);
	if (slot->generation == generation)
	{
		memset(slot, 0, sizeof(KsSlot));
		slot = NULL;
	}
	ks_slots_unlock();
	proc_exit(0);
}

void
ks_process_name(const char *name)
{
	SetConfigOption("application_name", name, PGC_USERSET, PGC_S_OVERRIDE);
	pgstat_report_appname(name);
}

void
ks_process_heed_settings(void)
{
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
	if (!ks_enabled)
	{
		ks_slot_set_state(slot, KS_SLOT_WAITING, NULL);
		proc_exit(0);
	}
}

void
ks_worker_begin(void)
{
	caller_context = CurrentMemoryContext;
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
}

void
ks_worker_commit(void)
{
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(caller_context);
}
