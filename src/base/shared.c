/*
 * What all processes know of running streams: slots in shared memory.
 */
#include "postgres.h"

#include <math.h>
#include <signal.h>

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/settings.h"
#include "base/shared.h"

#define RATE_SECONDS 5.0		/* rates fade to a third in so long */

typedef struct Shared
{
	LWLock	   *lock;
	Latch	   *launcher;		/* NULL: not running */
	KsSlot		slots[FLEXIBLE_ARRAY_MEMBER];
} Shared;

static Shared *shared = NULL;
static shmem_request_hook_type next_request_hook = NULL;
static shmem_startup_hook_type next_startup_hook = NULL;

static Size
shared_size(void)
{
	return add_size(offsetof(Shared, slots), mul_size(ks_max_streams, sizeof(KsSlot)));
}

static void
request(void)
{
	if (next_request_hook)
		next_request_hook();
	RequestAddinShmemSpace(shared_size());
	RequestNamedLWLockTranche("kafka_stream", 1);
}

static void
startup(void)
{
	bool		found;

	if (next_startup_hook)
		next_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct("kafka_stream", shared_size(), &found);
	if (!found)
	{
		memset(shared, 0, shared_size());
		shared->lock = &GetNamedLWLockTranche("kafka_stream")->lock;
	}
	LWLockRelease(AddinShmemInitLock);
}

void
ks_shared_register(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	next_request_hook = shmem_request_hook;
	shmem_request_hook = request;
	next_startup_hook = shmem_startup_hook;
	shmem_startup_hook = startup;
}

bool
ks_shared_available(void)
{
	return shared != NULL;
}

void
ks_shared_require(void)
{
	if (shared == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("kafka_stream must be loaded via shared_preload_libraries"),
				 errhint("Add shared_preload_libraries = 'kafka_stream' to postgresql.conf and restart the server.")));
}

void
ks_slots_lock(bool exclusive)
{
	LWLockAcquire(shared->lock, exclusive ? LW_EXCLUSIVE : LW_SHARED);
}

void
ks_slots_unlock(void)
{
	LWLockRelease(shared->lock);
}

KsSlot *
ks_slot(int index)
{
	return &shared->slots[index];
}

KsSlot *
ks_slot_find(Oid database, Oid stream)
{
	int			i;

	for (i = 0; i < ks_max_streams; i++)
		if (shared->slots[i].stream == stream && shared->slots[i].database == database)
			return &shared->slots[i];
	return NULL;
}

bool
ks_slot_touch(Oid database, Oid stream)
{
	KsSlot	   *slot;

	ks_slots_lock(true);
	slot = ks_slot_find(database, stream);
	if (slot == NULL)
	{
		slot = ks_slot_find(InvalidOid, InvalidOid);
		if (slot == NULL)
		{
			ks_slots_unlock();
			return false;
		}
		memset(slot, 0, sizeof(KsSlot));
		slot->database = database;
		slot->stream = stream;
		slot->state = KS_SLOT_WAITING;
		slot->since = GetCurrentTimestamp();
	}
	else if (slot->state == KS_SLOT_FAILED)
	{
		slot->state = KS_SLOT_WAITING;
		slot->reason[0] = '\0';
		slot->since = GetCurrentTimestamp();
	}
	slot->wanted = true;
	slot->generation++;
	slot->next_start = 0;
	slot->backoff_ms = 0;
	if (slot->latch != NULL)
		SetLatch(slot->latch);
	if (slot->asking && slot->pid != 0)
		(void) kill(slot->pid, SIGTERM);
	if (shared->launcher != NULL)
		SetLatch(shared->launcher);
	ks_slots_unlock();
	return true;
}

void
ks_slot_wake(Oid database, Oid stream)
{
	KsSlot	   *slot;

	ks_slots_lock(false);
	slot = ks_slot_find(database, stream);
	if (slot != NULL && slot->latch != NULL)
		SetLatch(slot->latch);
	ks_slots_unlock();
}

void
ks_slot_set_state(KsSlot *slot, KsSlotState state, const char *reason)
{
	int			len;

	ks_slots_lock(true);
	if (slot->state != state)
		slot->since = GetCurrentTimestamp();
	slot->state = state;
	/* whole characters, since people read it as text */
	len = reason ? pg_mbcliplen(reason, strlen(reason), KS_REASON_LEN - 1) : 0;
	memcpy(slot->reason, reason ? reason : "", len);
	slot->reason[len] = '\0';
	ks_slots_unlock();
}

bool
ks_slot_read(Oid database, Oid stream, KsSlot *copy)
{
	KsSlot	   *slot;

	if (shared == NULL)
		return false;
	ks_slots_lock(false);
	slot = ks_slot_find(database, stream);
	if (slot != NULL)
		*copy = *slot;
	ks_slots_unlock();
	return slot != NULL;
}

void
ks_shared_set_launcher(Latch *latch)
{
	ks_slots_lock(true);
	shared->launcher = latch;
	ks_slots_unlock();
}

void
ks_shared_wake_launcher(void)
{
	ks_slots_lock(false);
	if (shared->launcher != NULL)
		SetLatch(shared->launcher);
	ks_slots_unlock();
}

double
ks_rates_left(const KsRates *rates, TimestampTz now)
{
	if (rates->rated_at == 0)
		return 0;
	return exp(-Max(now - rates->rated_at, 0) / (RATE_SECONDS * USECS_PER_SEC));
}

void
ks_rates_add(KsRates *rates, int64 rows, int64 bytes, TimestampTz now)
{
	double		left = ks_rates_left(rates, now);
	double		seconds = rates->rated_at == 0 ? RATE_SECONDS :
		Max(now - rates->rated_at, 1000) / (double) USECS_PER_SEC;

	rates->rows_per_second = rates->rows_per_second * left + rows / seconds * (1 - left);
	rates->bytes_per_second = rates->bytes_per_second * left + bytes / seconds * (1 - left);
	rates->rated_at = now;
}
