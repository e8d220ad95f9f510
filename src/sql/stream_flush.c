/*
 * kafka_stream.flush() and advance(): have everything there now.
 *
 * flush() asks the stream's worker, which knows the broker's ends and what is
 * idle, and waits for its answer: the worker reads up to the last stable
 * offsets at the time of asking, closes windows, and then says so.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/settings.h"
#include "base/shared.h"
#include "catalog/relation.h"
#include "catalog/stream.h"
#include "view/fold.h"
#include "worker/touch.h"

PG_FUNCTION_INFO_V1(ks_flush);
PG_FUNCTION_INFO_V1(ks_advance);

#define POLL_MS 20

static void
check_transaction(Oid stream)
{
	if (ks_touch_pending(stream) || ks_stream_lock_held(stream))
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("cannot flush stream %s in a transaction that created, changed or wrote to it",
						ks_relation_name(stream)),
				 errhint("COMMIT first.")));
}

pg_attribute_noreturn()
static void
not_running(Oid stream, const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("stream %s is not running", ks_relation_name(stream)),
			 reason[0] ? errdetail("%s", reason) : 0,
			 errhint("See kafka_stream.streams; start it with kafka_stream.start_stream(%s).",
					 quote_literal_cstr(ks_relation_name(stream)))));
}

/* Returns the number of the request. */
static uint64
ask(Oid stream)
{
	KsSlot	   *slot;
	uint64		number = 0;

	if (!ks_enabled)
		not_running(stream, "kafka_stream.enabled is off.");
	ks_slots_lock(true);
	slot = ks_slot_find(MyDatabaseId, stream);
	if (slot != NULL)
	{
		number = ++slot->flush_asked;
		if (slot->latch != NULL)
			SetLatch(slot->latch);
	}
	ks_slots_unlock();
	if (number == 0)
		not_running(stream, "");
	return number;
}

static bool
is_answered(Oid stream, uint64 number, KsSlot *slot)
{
	if (!ks_slot_read(MyDatabaseId, stream, slot))
		not_running(stream, "");
	if (slot->state == KS_SLOT_FAILED)
		not_running(stream, slot->reason);
	return slot->flush_done >= number;
}

Datum
ks_flush(PG_FUNCTION_ARGS)
{
	Oid			stream = PG_GETARG_OID(0);
	int64		timeout = ks_interval_usecs(PG_GETARG_INTERVAL_P(1), "timeout");
	TimestampTz deadline = GetCurrentTimestamp() + timeout;
	KsStream   *declared;
	KsSlot		slot;
	uint64		number;

	ks_shared_require();
	declared = ks_stream_load(stream, false);
	ks_relation_check_owner(stream);
	check_transaction(stream);
	if (!declared->enabled)
		not_running(stream, "It was stopped.");
	number = ask(stream);
	while (!is_answered(stream, number, &slot))
	{
		if (GetCurrentTimestamp() >= deadline)
			ereport(ERROR,
					(errcode(ERRCODE_QUERY_CANCELED),
					 errmsg("stream %s did not catch up in time", ks_relation_name(stream)),
					 slot.reason[0] ? errdetail("%s", slot.reason) : 0,
					 errhint("See kafka_stream.partitions for what is left to read, or give a longer timeout.")));
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 POLL_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	PG_RETURN_VOID();
}

Datum
ks_advance(PG_FUNCTION_ARGS)
{
	Oid			stream = PG_GETARG_OID(0);
	TimestampTz up_to = PG_GETARG_TIMESTAMPTZ(1);

	ks_shared_require();
	(void) ks_stream_load(stream, false);
	ks_relation_check_owner(stream);
	if (TIMESTAMP_NOT_FINITE(up_to))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the watermark cannot be advanced to infinity")));
	LockRelationOid(stream, AccessShareLock);
	if (ks_close_stream_at(stream, up_to))
		ks_touch_wake_alerts();
	PG_RETURN_VOID();
}
