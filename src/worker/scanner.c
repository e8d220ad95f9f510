/*
 * A scanner: visits one database when the server starts and makes a slot for
 * each stream there that should run, and for its alerts.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "base/shared.h"
#include "catalog/access.h"
#include "catalog/alert.h"

extern PGDLLEXPORT void ks_scanner_main(Datum arg);

static KsQuery list_runnable = {
	"SELECT stream::oid FROM kafka_stream_internal.stream"
	" WHERE enabled AND system_identifier = $1 AND database = $2",
	2, {INT8OID, OIDOID}
};

static void
touch_streams(void)
{
	Datum		values[2];
	KsAccess	access;
	uint64		n;
	uint64		i;

	values[0] = Int64GetDatum((int64) GetSystemIdentifier());
	values[1] = ObjectIdGetDatum(MyDatabaseId);
	ks_access_enter(&access);
	n = ks_query_run(&list_runnable, values, NULL);
	for (i = 0; i < n; i++)
	{
		bool		isnull;
		Oid			stream = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i],
															SPI_tuptable->tupdesc,
															1, &isnull));

		if (!ks_slot_touch(MyDatabaseId, stream))
			ereport(WARNING,
					(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
					 errmsg("stream %u of database %u cannot run: no free slot",
							stream, MyDatabaseId),
					 errhint("Raise kafka_stream.max_streams and restart the server.")));
	}
	ks_access_leave(&access);
}

static void
touch_alerts(void)
{
	if (ks_alert_list_here() != NIL && !ks_slot_touch(MyDatabaseId, InvalidOid))
		ereport(WARNING,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("alerts of database %u cannot run: no free slot", MyDatabaseId),
				 errhint("Raise kafka_stream.max_streams and restart the server.")));
}

void
ks_scanner_main(Datum arg)
{
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(arg), InvalidOid, 0);

	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	if (OidIsValid(get_extension_oid("kafka_stream", true)))
	{
		touch_streams();
		touch_alerts();
	}
	PopActiveSnapshot();
	CommitTransactionCommand();
}
