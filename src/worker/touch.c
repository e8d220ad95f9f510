/*
 * Tell the launcher and workers of changed streams, when a change commits.
 *
 * Being told means no more than 'look at the catalog again', so telling once
 * too often, as after a subtransaction that rolled back, does no harm.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "base/settings.h"
#include "base/shared.h"
#include "worker/touch.h"

static List *touched = NIL;		/* in TopTransactionContext */
static bool wake_alerts = false;

static void
at_end(XactEvent event, void *arg)
{
	ListCell   *lc;

	switch (event)
	{
		case XACT_EVENT_PRE_PREPARE:
			if (touched != NIL)
				ereport(ERROR,
						(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						 errmsg("cannot PREPARE a transaction that has created or changed a stream or an alert")));
			break;
		case XACT_EVENT_COMMIT:
			foreach(lc, touched)
			{
				if (!ks_slot_touch(MyDatabaseId, lfirst_oid(lc)))
					ereport(WARNING,
							(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
							 errmsg("%s cannot run: all %d slots for streams are taken",
									OidIsValid(lfirst_oid(lc)) ? "stream" : "alerts",
									ks_max_streams),
							 errhint("Raise kafka_stream.max_streams and restart the server.")));
			}
			touched = NIL;
			if (wake_alerts)
				ks_slot_wake(MyDatabaseId, InvalidOid);
			wake_alerts = false;
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			touched = NIL;
			wake_alerts = false;
			break;
		default:
			break;
	}
}

void
ks_touch_at_commit(Oid stream)
{
	MemoryContext old;

	if (!ks_shared_available())
		return;
	old = MemoryContextSwitchTo(TopTransactionContext);
	touched = list_append_unique_oid(touched, stream);
	MemoryContextSwitchTo(old);
}

void
ks_touch_wake_alerts(void)
{
	wake_alerts = ks_shared_available();
}

bool
ks_touch_pending(Oid stream)
{
	return list_member_oid(touched, stream);
}

void
ks_touch_register(void)
{
	RegisterXactCallback(at_end, NULL);
}
