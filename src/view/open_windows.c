/*
 * The windows of a view that are open and have states.
 *
 * Reading a view joins these to panes by range: walking the distinct panes by
 * the states' index is cheap, while filtering windows exploded from panes would
 * read every state.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "time/window.h"
#include "catalog/view.h"

/* The states' pane column, first in the table and its index. */
#define PANE_ATTNO 1

/* The first pane after 'after' that has states; false if there is none. */
static bool
next_pane(Relation states, Relation index, TimestampTz after, TimestampTz *pane)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		isnull;

	ScanKeyInit(&key, PANE_ATTNO, BTGreaterStrategyNumber, F_TIMESTAMPTZ_GT,
				TimestampTzGetDatum(after));
	scan = systable_beginscan_ordered(states, index, GetActiveSnapshot(), 1, &key);
	tuple = systable_getnext_ordered(scan, ForwardScanDirection);
	if (HeapTupleIsValid(tuple))
		*pane = DatumGetTimestampTz(heap_getattr(tuple, PANE_ATTNO, RelationGetDescr(states), &isnull));
	systable_endscan_ordered(scan);
	return HeapTupleIsValid(tuple);
}

/* Emit the windows of one pane that are open and not emitted yet. */
static TimestampTz
emit_windows(ReturnSetInfo *result, const KsWindow *window, TimestampTz pane,
			 TimestampTz emitted_to)
{
	TimestampTz start,
				end;
	bool		isnull[] = {false, false};

	ks_window_first(window, pane, &start, &end);
	do
	{
		Datum		values[] = {TimestampTzGetDatum(start), TimestampTzGetDatum(end)};

		if (end <= emitted_to)
			continue;
		tuplestore_putvalues(result->setResult, result->setDesc, values, isnull);
		emitted_to = end;
	} while (ks_window_next(window, pane, &start, &end));
	return emitted_to;
}

static KsWindowKind
parse_kind(const char *kind)
{
	return strcmp(kind, "tumble") == 0 ? KS_WINDOW_TUMBLE :
		strcmp(kind, "hop") == 0 ? KS_WINDOW_HOP : KS_WINDOW_CUMULATE;
}

/* Anybody may call this: only the view's own states have what is read here. */
static void
check_states(int view_id, Oid states)
{
	char	   *name = psprintf("view_%d_states", view_id);

	if (states != get_relname_relid(name, get_namespace_oid("kafka_stream_internal", false)))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("relation %u does not hold states of continuous view %d", states, view_id)));
}

PG_FUNCTION_INFO_V1(ks_open_windows);

/* open_windows(view int, states regclass, kind text, size interval, slide interval, origin timestamptz) */
Datum
ks_open_windows(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	TimestampTz emitted_to = ks_view_closed_to(PG_GETARG_INT32(0));
	TimestampTz pane = DT_NOBEGIN;
	KsWindow	window;
	Relation	states,
				index;
	List	   *indexes;

	check_states(PG_GETARG_INT32(0), PG_GETARG_OID(1));
	InitMaterializedSRF(fcinfo, 0);
	ks_window_init(&window, parse_kind(text_to_cstring(PG_GETARG_TEXT_PP(2))),
				   PG_GETARG_INTERVAL_P(3), PG_GETARG_INTERVAL_P(4), PG_GETARG_TIMESTAMPTZ(5));
	states = table_open(PG_GETARG_OID(1), AccessShareLock);
	indexes = RelationGetIndexList(states);
	if (list_length(indexes) != 1)
		elog(ERROR, "relation %u does not hold states of a windowed view", PG_GETARG_OID(1));
	index = index_open(linitial_oid(indexes), AccessShareLock);
	while (next_pane(states, index, pane, &pane))
		emitted_to = emit_windows(result, &window, pane, emitted_to);
	index_close(index, AccessShareLock);
	table_close(states, AccessShareLock);
	return (Datum) 0;
}
