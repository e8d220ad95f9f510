/*
 * What people see of running streams: the functions under the views of
 * observe.sql.  Each shows the current role only streams that it may read.
 */
#include "postgres.h"

#include <math.h>

#include "access/xlog.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/settings.h"
#include "base/shared.h"

PG_FUNCTION_INFO_V1(ks_slots);
PG_FUNCTION_INFO_V1(ks_is_here);
PG_FUNCTION_INFO_V1(ks_why_waiting);

#define SLOT_COLUMNS 12

static const char *
state_name(KsSlotState state)
{
	switch (state)
	{
		case KS_SLOT_WAITING:
			return "waiting";
		case KS_SLOT_RUNNING:
			return "running";
		case KS_SLOT_RETRYING:
			return "retrying";
		case KS_SLOT_FAILED:
			return "failed";
	}
	return "unknown";
}

static Datum
usecs_interval(int64 usecs)
{
	Interval   *interval = palloc0(sizeof(Interval));

	interval->time = usecs;
	return IntervalPGetDatum(interval);
}

static void
put_slot(ReturnSetInfo *result, const KsSlot *slot)
{
	TimestampTz now = GetCurrentTimestamp();
	double		left = ks_rates_left(&slot->rates, now);
	Datum		values[SLOT_COLUMNS] = {0};
	bool		nulls[SLOT_COLUMNS] = {0};

	values[0] = ObjectIdGetDatum(slot->stream);
	values[1] = CStringGetTextDatum(state_name(slot->state));
	values[2] = CStringGetTextDatum(slot->reason);
	nulls[2] = slot->reason[0] == '\0';
	values[3] = TimestampTzGetDatum(slot->since);
	values[4] = Int32GetDatum(slot->pid);
	nulls[4] = slot->pid == 0;
	values[5] = Int64GetDatum(slot->rates.errors);
	values[6] = Int64GetDatum(slot->rates.restarts);
	values[7] = Float8GetDatum(slot->rates.rows_per_second * left);
	values[8] = Float8GetDatum(slot->rates.bytes_per_second * left);
	values[9] = usecs_interval(slot->rates.batch_usecs);
	nulls[9] = slot->rates.rated_at == 0;
	values[10] = TimestampTzGetDatum(slot->rates.newest);
	nulls[10] = slot->rates.newest == 0;
	values[11] = Int64GetDatum(slot->rates.memory_bytes);
	nulls[11] = slot->rates.memory_bytes == 0;
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* A slot can outlive its stream for a moment.  That of the alerts is everybody's. */
static bool
may_read(Oid stream)
{
	bool		missing = false;

	if (!OidIsValid(stream))
		return true;
	return pg_class_aclcheck_ext(stream, GetUserId(), ACL_SELECT, &missing) == ACLCHECK_OK &&
		!missing;
}

/* kafka_stream_internal.slots(): this database's slots; stream 0 is its alerts. */
Datum
ks_slots(PG_FUNCTION_ARGS)
{
	KsSlot	   *copies;
	int			n = 0;
	int			i;

	InitMaterializedSRF(fcinfo, 0);
	if (!ks_shared_available())
		PG_RETURN_NULL();
	copies = palloc(ks_max_streams * sizeof(KsSlot));
	ks_slots_lock(false);
	for (i = 0; i < ks_max_streams; i++)
		if (ks_slot(i)->database == MyDatabaseId)
			copies[n++] = *ks_slot(i);
	ks_slots_unlock();
	for (i = 0; i < n; i++)
		if (may_read(copies[i].stream))
			put_slot((ReturnSetInfo *) fcinfo->resultinfo, &copies[i]);
	PG_RETURN_NULL();
}

/* Is a stream declared for this server and database? */
Datum
ks_is_here(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL((uint64) PG_GETARG_INT64(0) == GetSystemIdentifier() &&
				   PG_GETARG_OID(1) == MyDatabaseId);
}

/* Why streams that should run have no worker. */
Datum
ks_why_waiting(PG_FUNCTION_ARGS)
{
	const char *why = "its worker starts in a moment";

	if (!ks_shared_available())
		why = "kafka_stream is not in shared_preload_libraries";
	else if (RecoveryInProgress())
		why = "the server is in recovery";
	else if (!ks_enabled)
		why = "kafka_stream.enabled is off";
	PG_RETURN_TEXT_P(cstring_to_text(why));
}
