/*
 * Making, keeping and running fold plans.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/planner.h"
#include "parser/parse_func.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "storage/lmgr.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "aggregate/partial.h"
#include "catalog/relation.h"
#include "view/fold_plan.h"
#include "view/query_refuse.h"

typedef struct PlanEntry
{
	int			view_id;		/* hash key */
	uint64		generation;		/* of the catalogs, when it was made */
	MemoryContext context;
	KsFoldPlan *plan;
} PlanEntry;

static HTAB *plans = NULL;

/*
 * Counts changes that could outdate a plan.  Coarse on purpose: planning takes
 * less than a millisecond, and a change missed would be a wrong result.
 */
static uint64 catalog_generation = 1;

static void
note_relation_change(Datum arg, Oid relid)
{
	catalog_generation++;
}

static void
note_catalog_change(Datum arg, int cacheid, uint32 hashvalue)
{
	catalog_generation++;
}

static void
plans_init(void)
{
	HASHCTL		ctl = {.keysize = sizeof(int), .entrysize = sizeof(PlanEntry)};

	plans = hash_create("kafka_stream fold plans", 64, &ctl, HASH_ELEM | HASH_BLOBS);
	CacheRegisterRelcacheCallback(note_relation_change, 0);
	CacheRegisterSyscacheCallback(PROCOID, note_catalog_change, 0);
	CacheRegisterSyscacheCallback(TYPEOID, note_catalog_change, 0);
	CacheRegisterSyscacheCallback(OPEROID, note_catalog_change, 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, note_catalog_change, 0);
	CacheRegisterSyscacheCallback(AUTHOID, note_catalog_change, 0);
}

/* What the definition view says now, checked again. */
static KsViewQuery *
load_query(const KsView *view, const KsStream *stream)
{
	Relation	definition = table_open(view->definition, AccessShareLock);
	Query	   *query = copyObject(get_view_query(definition));

	table_close(definition, NoLock);
	return ks_view_query_check(query, stream);
}

/* Add a grouping expression to a query's target list and GROUP BY. */
static void
add_group(Query *query, Expr *expr, const SortGroupClause *like)
{
	TargetEntry *target = makeTargetEntry(expr, list_length(query->targetList) + 1, NULL, false);
	SortGroupClause *clause = copyObject(unconstify(SortGroupClause *, like));

	target->ressortgroupref = clause->tleSortGroupRef = target->resno;
	query->targetList = lappend(query->targetList, target);
	query->groupClause = lappend(query->groupClause, clause);
}

/* tumble(event_time, pane, origin, NULL): the pane of a row, whatever the window's kind. */
static Expr *
pane_expr(const KsViewQuery *vq)
{
	Oid			argtypes[] = {TIMESTAMPTZOID, INTERVALOID, TIMESTAMPTZOID, TEXTOID};
	Oid			funcid = LookupFuncName(list_make2(makeString("kafka_stream"), makeString("tumble")),
										lengthof(argtypes), argtypes, false);
	Interval   *pane = palloc0(sizeof(Interval));
	Node	   *time = (Node *) vq->time;

	pane->time = vq->window.pane;
	return (Expr *) makeFuncExpr(funcid, TIMESTAMPTZOID,
								 list_make4(copyObject(time),
											makeConst(INTERVALOID, -1, InvalidOid, sizeof(Interval),
													  IntervalPGetDatum(pane), false, false),
											makeConst(TIMESTAMPTZOID, -1, InvalidOid, sizeof(TimestampTz),
													  TimestampTzGetDatum(vq->window.origin), false, FLOAT8PASSBYVAL),
											makeNullConst(TEXTOID, -1, InvalidOid)),
								 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
}

static Var *
row_number(const KsViewQuery *vq)
{
	return makeVar(vq->stream_index, SelfItemPointerAttributeNumber, TIDOID, -1, InvalidOid, 0);
}

/* mark_row(ctid) */
static Aggref *
mark_row(const KsViewQuery *vq)
{
	Oid			argtypes[] = {TIDOID};
	Aggref	   *aggref = makeNode(Aggref);

	aggref->aggfnoid = LookupFuncName(list_make2(makeString("kafka_stream_internal"), makeString("mark_row")),
									  1, argtypes, false);
	aggref->aggtype = INT8OID;
	aggref->aggargtypes = list_make1_oid(TIDOID);
	aggref->args = list_make1(makeTargetEntry((Expr *) row_number(vq), 1, NULL, false));
	aggref->aggkind = AGGKIND_NORMAL;
	aggref->aggsplit = AGGSPLIT_SIMPLE;
	aggref->aggno = aggref->aggtransno = -1;
	aggref->location = -1;
	return aggref;
}

static void
add_target(Query *query, Expr *expr)
{
	query->targetList = lappend(query->targetList,
								makeTargetEntry(expr, list_length(query->targetList) + 1, NULL, false));
}

/* The view's FROM and WHERE with nothing selected. */
static Query *
bare_query(const KsViewQuery *vq)
{
	Query	   *query = copyObject(vq->query);

	query->targetList = NIL;
	query->groupClause = NIL;
	query->havingQual = NULL;
	query->hasTargetSRFs = false;
	query->hasAggs = false;
	return query;
}

static Query *
fold_query(const KsViewQuery *vq)
{
	Query	   *query = bare_query(vq);
	ListCell   *lc,
			   *lc2;

	if (vq->kind == KS_VIEW_ROWS)
	{
		foreach(lc, vq->outputs)
			if (!((TargetEntry *) lfirst(lc))->resjunk)
				add_target(query, copyObject(((TargetEntry *) lfirst(lc))->expr));
		add_target(query, (Expr *) row_number(vq));
		return query;
	}
	query->hasAggs = true;
	if (vq->kind == KS_VIEW_WINDOW)
		add_group(query, pane_expr(vq), vq->window_clause);
	forboth(lc, vq->groups, lc2, vq->group_clauses)
		add_group(query, copyObject(lfirst(lc)), lfirst(lc2));
	add_target(query, (Expr *) mark_row(vq));
	foreach(lc, vq->aggregates)
		add_target(query, copyObject(lfirst(lc)));
	return query;
}

static Query *
passes_query(const KsViewQuery *vq)
{
	Query	   *query = bare_query(vq);

	add_target(query, (Expr *) row_number(vq));
	return query;
}

/* Plan a query whose scan of the stream is to be a batch scan. */
static PlannedStmt *
plan_over_batch(Query *query, Oid stream)
{
	PlannedStmt *volatile plan;

	ks_batch_scan_plan_for(stream);
	PG_TRY();
	{
		plan = planner(query, "kafka_stream fold", 0, NULL);
	}
	PG_FINALLY();
	{
		ks_batch_scan_plan_for(InvalidOid);
	}
	PG_END_TRY();
	plan->jitFlags = 0;
	return plan;
}

/* Rewrite (views, row security) and plan a query over a batch of the stream. */
static PlannedStmt *
plan_query(Query *query, const KsViewQuery *vq, Oid stream)
{
	RangeTblEntry *rte;
	ListCell   *lc;

	AcquireRewriteLocks(query, true, false);
	query = linitial_node(Query, QueryRewrite(query));
	/* Once more, now that views are expanded: the hook goes by the stream's OID. */
	ks_refuse_nested_stream(query, vq->stream_index);
	foreach(lc, query->rtable)
		if (((RangeTblEntry *) lfirst(lc))->rtekind == RTE_SUBQUERY)
			ks_refuse_unstable(((RangeTblEntry *) lfirst(lc))->subquery);

	/* To the planner, the staging table is a plain one; its paths are replaced. */
	rte = rt_fetch(vq->stream_index, query->rtable);
	rte->inh = false;
	rte->relkind = RELKIND_RELATION;
	return plan_over_batch(query, stream);
}

static bool
make_partial_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Aggref))
	{
		mark_partial_aggref((Aggref *) node, AGGSPLIT_INITIAL_SERIAL);
		return false;
	}
	return expression_tree_walker(node, make_partial_walker, context);
}

static void
make_partial(PlannedStmt *plan)
{
	Agg		   *agg = (Agg *) plan->planTree;

	if (!IsA(agg, Agg))
		elog(ERROR, "unexpected plan node %d on top of a fold", (int) nodeTag(agg));
	agg->aggsplit = AGGSPLIT_INITIAL_SERIAL;
	(void) make_partial_walker((Node *) agg->plan.targetlist, NULL);
}

static void
check_column(TupleDesc desc, int column, Oid type, const KsView *view)
{
	if (column < desc->natts && TupleDescAttr(desc, column)->atttypid == type)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("the definition of continuous view %s has been changed",
					ks_relation_name(view->relid)),
			 errhint("Drop the view with kafka_stream.drop_view() and create it again.")));
}

/*
 * The view's owner can replace the rule of its definition.  What a fold gives
 * must still be of the types of the columns that it goes to.
 */
static void
check_columns(const KsView *view, const KsViewQuery *vq)
{
	Relation	rel = table_open(OidIsValid(view->states) ? view->states : view->finals,
								 AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	int			column = vq->kind == KS_VIEW_ROWS ? 3 : vq->kind == KS_VIEW_WINDOW ? 2 : 0;
	ListCell   *lc;

	if (vq->kind != view->kind)
		check_column(desc, desc->natts, InvalidOid, view);
	if (vq->kind == KS_VIEW_ROWS)
		foreach(lc, vq->outputs)
			check_column(desc, column++, exprType((Node *) ((TargetEntry *) lfirst(lc))->expr), view);
	foreach(lc, vq->groups)
		check_column(desc, column++, exprType(lfirst(lc)), view);
	foreach(lc, vq->aggregates)
	{
		KsPartial	partial;

		ks_partial_describe(lfirst(lc), &partial);
		check_column(desc, column++, partial.column_type, view);
	}
	if (column != desc->natts)
		check_column(desc, desc->natts, InvalidOid, view);
	table_close(rel, NoLock);
}

static KsFoldPlan *
make_plan(const KsView *view, const KsStream *stream)
{
	KsFoldPlan *plan = palloc0(sizeof(KsFoldPlan));
	KsViewQuery *vq = load_query(view, stream);
	int			naggs = list_length(vq->aggregates);

	check_columns(view, vq);
	plan->vq = vq;
	plan->fold = plan_query(fold_query(vq), vq, stream->relid);
	if (vq->kind != KS_VIEW_ROWS)
		make_partial(plan->fold);
	if (vq->kind == KS_VIEW_WINDOW)
		plan->passes = plan_query(passes_query(vq), vq, stream->relid);
	plan->internal = palloc0(sizeof(bool) * Max(naggs, 1));
	plan->identities = palloc0(sizeof(uint64) * Max(naggs, 1));
	for (int i = 0; i < naggs; i++)
	{
		KsPartial	partial;

		ks_partial_describe(list_nth(vq->aggregates, i), &partial);
		plan->internal[i] = partial.internal;
		plan->identities[i] = partial.identity;
	}
	return plan;
}

/* Lock what a kept plan reads; true if it is still good after that. */
static bool
plan_still_good(PlanEntry *entry)
{
	ListCell   *lc;

	if (entry->generation != catalog_generation)
		return false;
	foreach(lc, entry->plan->fold->relationOids)
		LockRelationOid(lfirst_oid(lc), AccessShareLock);
	return entry->generation == catalog_generation;
}

/* Somebody further up may still be running it. */
static void
free_at_end(MemoryContext context)
{
	MemoryContextSetParent(context, TopTransactionContext);
}

/* Outdated plans are of no use, and those of dropped views would stay for ever. */
static void
remove_outdated(void)
{
	HASH_SEQ_STATUS status;
	PlanEntry  *entry;

	hash_seq_init(&status, plans);
	while ((entry = hash_seq_search(&status)) != NULL)
		if (entry->generation != catalog_generation)
		{
			free_at_end(entry->context);
			hash_search(plans, &entry->view_id, HASH_REMOVE, NULL);
		}
}

KsFoldPlan *
ks_fold_plan_get(const KsView *view, const KsStream *stream)
{
	PlanEntry  *entry;
	MemoryContext context,
				before;
	bool		found;
	uint64		generation;
	KsFoldPlan *plan;

	if (plans == NULL)
		plans_init();
	AcceptInvalidationMessages();
	entry = hash_search(plans, &view->id, HASH_FIND, NULL);
	if (entry != NULL && plan_still_good(entry))
		return entry->plan;
	remove_outdated();

	/* Changes while planning make the plan good for this time only. */
	generation = catalog_generation;
	context = AllocSetContextCreate(CurrentMemoryContext, "kafka_stream fold plan",
									ALLOCSET_DEFAULT_SIZES);
	before = MemoryContextSwitchTo(context);
	plan = make_plan(view, stream);
	MemoryContextSwitchTo(before);

	/* Planning may have run queries that planned the same view. */
	entry = hash_search(plans, &view->id, HASH_ENTER, &found);
	if (found)
		free_at_end(entry->context);
	MemoryContextSetParent(context, CacheMemoryContext);
	entry->context = context;
	entry->plan = plan;
	entry->generation = generation;
	return plan;
}

void
ks_fold_plan_run(PlannedStmt *plan, KsBatchScan *scan, DestReceiver *dest)
{
	KsBatchScan *before = ks_batch_scan_set(scan);
	QueryDesc  *desc;

	PG_TRY();
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		UpdateActiveSnapshotCommandId();
		desc = CreateQueryDesc(plan, "kafka_stream fold", GetActiveSnapshot(), InvalidSnapshot,
							   dest, NULL, NULL, 0);
		ExecutorStart(desc, 0);
		ks_executor_run(desc);
		ExecutorFinish(desc);
		ExecutorEnd(desc);
		FreeQueryDesc(desc);
		PopActiveSnapshot();
	}
	PG_FINALLY();
	{
		ks_batch_scan_set(before);
	}
	PG_END_TRY();
}
