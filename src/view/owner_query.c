/*
 * Running generated SQL as a view's owner.
 *
 * The SQL qualifies everything, so the view's own search_path, which its
 * functions may rely on, cannot change what it means.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tstoreReceiver.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/role.h"
#include "view/append.h"
#include "view/identity.h"
#include "view/owner_query.h"

Tuplestorestate *
ks_owner_query(const KsView *view, const char *sql, const TimestampTz *at)
{
	Tuplestorestate *rows = tuplestore_begin_heap(false, false, work_mem);
	DestReceiver *dest = CreateDestReceiver(DestTuplestore);
	MemoryContext context = CurrentMemoryContext;
	SPIExecuteOptions options = {.dest = dest};
	KsRole		before;
	SPIPlanPtr	plan;
	Oid			type = TIMESTAMPTZOID;
	int			result;

	SetTuplestoreDestReceiverParams(dest, rows, context, true, NULL, NULL);
	if (at != NULL)
	{
		options.params = makeParamList(1);
		options.params->params[0] = (ParamExternData) {
			.value = TimestampTzGetDatum(*at),.pflags = PARAM_FLAG_CONST,.ptype = type
		};
	}
	ks_identity_enter(&before, view->owner, view->settings);
	SPI_connect();
	plan = SPI_prepare(sql, at != NULL ? 1 : 0, &type);
	if (plan == NULL)
		elog(ERROR, "could not prepare \"%s\": %s", sql, SPI_result_code_string(SPI_result));
	result = SPI_execute_plan_extended(plan, &options);
	if (result < 0)
		elog(ERROR, "could not execute \"%s\": %s", sql, SPI_result_code_string(result));
	SPI_finish();
	ks_role_leave(&before);
	dest->rDestroy(dest);
	return rows;
}

int64
ks_owner_query_append(Tuplestorestate *rows, Oid relid)
{
	KsAppender *appender = ks_append_begin(relid);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(ks_append_desc(appender), &TTSOpsMinimalTuple);

	while (tuplestore_gettupleslot(rows, true, false, slot))
	{
		slot_getallattrs(slot);
		ks_append_row(appender, slot->tts_values, slot->tts_isnull);
	}
	ExecDropSingleTupleTableSlot(slot);
	return ks_append_end(appender);
}
