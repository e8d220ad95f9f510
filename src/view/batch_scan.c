/*
 * The custom scan over a batch.
 *
 * Rows are handed up as virtual slots whose ctid is the row's index in the
 * batch (block = index, offset 1), so that mark_row(ctid) above joins and
 * filters can say which rows came through.  The Datums are the batch's own:
 * nothing is copied, and they live as long as the batch.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "nodes/extensible.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "storage/itemptr.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "view/batch_scan.h"

/* What the planner shall expect of a batch; plans serve batches of any size. */
#define EXPECTED_ROWS 10000

static Oid	planning_stream = InvalidOid;
static KsBatchScan *current_scan = NULL;
static set_rel_pathlist_hook_type previous_pathlist_hook = NULL;

static Plan *plan_batch_scan(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path,
							 List *tlist, List *clauses, List *custom_plans);
static Node *create_batch_scan_state(CustomScan *plan);
static void begin_batch_scan(CustomScanState *node, EState *estate, int eflags);
static TupleTableSlot *exec_batch_scan(CustomScanState *node);
static void end_batch_scan(CustomScanState *node);
static void rescan_batch_scan(CustomScanState *node);

static const CustomPathMethods path_methods = {
	.CustomName = "KafkaStreamBatch",
	.PlanCustomPath = plan_batch_scan,
};

static const CustomScanMethods scan_methods = {
	.CustomName = "KafkaStreamBatch",
	.CreateCustomScanState = create_batch_scan_state,
};

static const CustomExecMethods exec_methods = {
	.CustomName = "KafkaStreamBatch",
	.BeginCustomScan = begin_batch_scan,
	.ExecCustomScan = exec_batch_scan,
	.EndCustomScan = end_batch_scan,
	.ReScanCustomScan = rescan_batch_scan,
};

void
ks_batch_scan_plan_for(Oid stream)
{
	planning_stream = stream;
}

KsBatchScan *
ks_batch_scan_set(KsBatchScan *scan)
{
	KsBatchScan *before = current_scan;

	current_scan = scan;
	return before;
}

/*
 * Leave the planner no other way to read the stream.  In a fold's query it has
 * been made to look like a plain table; where it is the partitioned one that it
 * is, a function that the planner evaluates is planning a query of its own.
 */
static void
replace_paths(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	CustomPath *path;

	if (previous_pathlist_hook)
		previous_pathlist_hook(root, rel, rti, rte);
	if (!OidIsValid(planning_stream) || rte->rtekind != RTE_RELATION ||
		rte->relid != planning_stream || rte->relkind != RELKIND_RELATION)
		return;

	rel->tuples = EXPECTED_ROWS;
	rel->rows = clamp_row_est(EXPECTED_ROWS *
							  clauselist_selectivity(root, rel->baserestrictinfo, 0, JOIN_INNER, NULL));
	path = makeNode(CustomPath);
	path->path.pathtype = T_CustomScan;
	path->path.parent = rel;
	path->path.pathtarget = rel->reltarget;
	path->path.param_info = get_baserel_parampathinfo(root, rel, rel->lateral_relids);
	path->path.rows = path->path.param_info ? path->path.param_info->ppi_rows : rel->rows;
	path->path.total_cost = EXPECTED_ROWS * cpu_tuple_cost;
	path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
	path->methods = &path_methods;
	rel->pathlist = NIL;
	rel->partial_pathlist = NIL;
	add_path(rel, &path->path);
}

static Plan *
plan_batch_scan(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path,
				List *tlist, List *clauses, List *custom_plans)
{
	CustomScan *scan = makeNode(CustomScan);

	scan->scan.plan.targetlist = tlist;
	scan->scan.plan.qual = extract_actual_clauses(clauses, false);
	scan->scan.scanrelid = rel->relid;
	scan->flags = best_path->flags;
	scan->methods = &scan_methods;
	return &scan->scan.plan;
}

static Node *
create_batch_scan_state(CustomScan *plan)
{
	CustomScanState *state = makeNode(CustomScanState);

	state->methods = &exec_methods;
	return (Node *) state;
}

static void
begin_batch_scan(CustomScanState *node, EState *estate, int eflags)
{
	if (current_scan == NULL && (eflags & EXEC_FLAG_EXPLAIN_ONLY) == 0)
		elog(ERROR, "batch scan outside of a fold");
}

static TupleTableSlot *
next_batch_row(ScanState *node)
{
	TupleTableSlot *slot = node->ss_ScanTupleSlot;
	KsBatchScan *scan = current_scan;
	const KsBatch *batch = scan->batch;
	int			natts = batch->desc->natts;
	int			row;

	ExecClearTuple(slot);
	if (scan->next >= scan->nrows)
		return slot;
	row = scan->rows[scan->next++];
	memcpy(slot->tts_values, batch->values + (Size) row * natts, natts * sizeof(Datum));
	memcpy(slot->tts_isnull, batch->isnull + (Size) row * natts, natts * sizeof(bool));
	ExecStoreVirtualTuple(slot);
	ItemPointerSet(&slot->tts_tid, row, FirstOffsetNumber);
	return slot;
}

static bool
recheck_batch_row(ScanState *node, TupleTableSlot *slot)
{
	return true;
}

static TupleTableSlot *
exec_batch_scan(CustomScanState *node)
{
	return ExecScan(&node->ss, next_batch_row, recheck_batch_row);
}

static void
end_batch_scan(CustomScanState *node)
{
}

static void
rescan_batch_scan(CustomScanState *node)
{
	current_scan->next = 0;
	ExecScanReScan(&node->ss);
}

void
ks_batch_scan_init(void)
{
	RegisterCustomScanMethods(&scan_methods);
	previous_pathlist_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = replace_paths;
}

PG_FUNCTION_INFO_V1(ks_mark_row_step);

/* mark_row(bigint, tid): transition function that notes that a row came through. */
Datum
ks_mark_row_step(PG_FUNCTION_ARGS)
{
	if (current_scan == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("kafka_stream_internal.mark_row() is for continuous views alone")));
	if (current_scan->passed != NULL && !PG_ARGISNULL(1))
	{
		BlockNumber row = ItemPointerGetBlockNumberNoCheck((ItemPointer) PG_GETARG_POINTER(1));

		if (row < current_scan->batch->nrows)
			current_scan->passed[row] = true;
	}
	PG_RETURN_INT64(0);
}
