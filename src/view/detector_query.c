/*
 * Checking the query of a continuous view over a detector.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "catalog/view.h"
#include "view/detector_query.h"
#include "view/query.h"
#include "view/query_refuse.h"
#include "view/window_of.h"

#define HINT_QUERY_OVER "Select the detector's columns here, and write everything else as a query over the view."

/* The call of a detector that a range table entry is, or NULL. */
static FuncExpr *
entry_call(const RangeTblEntry *rte)
{
	FuncExpr   *func;

	if (rte->rtekind != RTE_FUNCTION || list_length(rte->functions) != 1)
		return NULL;
	func = (FuncExpr *) linitial_node(RangeTblFunction, rte->functions)->funcexpr;
	if (!IsA(func, FuncExpr) ||
		get_func_namespace(func->funcid) != get_namespace_oid("kafka_stream", false) ||
		ks_detector_method(get_func_name(func->funcid)) == NULL)
		return NULL;
	return func;
}

bool
ks_detector_query_is(const Query *query)
{
	ListCell   *lc;

	foreach(lc, query->rtable)
		if (entry_call(lfirst(lc)) != NULL)
			return true;
	return false;
}

pg_attribute_noreturn()
static void
refuse(int location, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("a continuous view over a detector cannot have %s", what),
			 errhint(HINT_QUERY_OVER),
			 ks_errlocation(location)));
}

static bool
whole_row_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var) && ((Var *) node)->varattno == InvalidAttrNumber)
		refuse(((Var *) node)->location, "a whole row as a column");
	return expression_tree_walker(node, whole_row_walker, context);
}

/* The one entry of FROM; a view's stored query has others before it. */
static RangeTblEntry *
from_entry(const Query *query)
{
	RangeTblRef *ref = list_length(query->jointree->fromlist) == 1 ?
		linitial(query->jointree->fromlist) : NULL;

	if (ref == NULL || !IsA(ref, RangeTblRef))
		refuse(-1, "anything in FROM but the detector");
	return rt_fetch(ref->rtindex, query->rtable);
}

/* What is read must be what was written: nothing that depends on when, and by whom. */
static void
check_expression(Node *expr)
{
	(void) whole_row_walker(expr, NULL);
	if (contain_mutable_functions(expr))
		refuse(exprLocation(expr), "expressions that depend on the time or on settings of the reader");
}

static void
check_clauses(Query *query)
{
	ListCell   *lc;

	ks_refuse_clauses(query);
	if (from_entry(query)->funcordinality)
		refuse(-1, "WITH ORDINALITY");
	if (query->hasAggs || query->groupClause != NIL || query->havingQual != NULL)
		refuse(-1, "aggregates or GROUP BY");
	if (query->hasSubLinks)
		refuse(-1, "subqueries");
	if (query->hasTargetSRFs)
		refuse(-1, "set-returning functions in its select list");
	foreach(lc, query->targetList)
		check_expression((Node *) ((TargetEntry *) lfirst(lc))->expr);
	check_expression(query->jointree->quals);
}

static KsDetectorCall *
compute_call(FuncExpr *call)
{
	FuncExpr   *func = castNode(FuncExpr, eval_const_expressions(NULL, copyObject((Node *) call)));
	int			nargs = list_length(func->args);
	Datum	   *args = palloc(sizeof(Datum) * nargs);
	bool	   *isnull = palloc(sizeof(bool) * nargs);
	ListCell   *lc;

	foreach(lc, func->args)
	{
		int			i = foreach_current_index(lc);

		if (!IsA(lfirst(lc), Const))
			refuse(exprLocation(list_nth(call->args, Min(i, list_length(call->args) - 1))),
				   "arguments of the detector that are not constant");
		args[i] = ((Const *) lfirst(lc))->constvalue;
		isnull[i] = ((Const *) lfirst(lc))->constisnull;
	}
	return ks_detector_call(func->funcid, nargs, args, isnull);
}

/* Rows must come in the order of time, window by window. */
static void
check_time_column(const KsDetectorCall *call, const KsView *source)
{
	KsWindow	window;

	ks_view_window(source, &window);
	if (strcmp(call->time_column, "window_end") == 0 ||
		(strcmp(call->time_column, "window_start") == 0 && window.kind != KS_WINDOW_CUMULATE))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("a continuous view over a detector cannot take time_column => '%s'", call->time_column),
			 errdetail("Its rows come window by window."),
			 errhint("Use time_column => 'window_end'.")));
}

KsDetectorCall *
ks_detector_query_check(Query *query)
{
	FuncExpr   *func;
	KsDetectorCall *call;
	KsView	   *source;

	check_clauses(query);
	func = entry_call(from_entry(query));
	call = compute_call(func);
	if (call->include_open)
		refuse(func->location, "open windows: include_open => true is for queries");
	source = ks_view_load(call->relation);
	if (source != NULL && source->kind == KS_VIEW_DETECTOR)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("\"%s\" is itself a view over a detector", get_rel_name(call->relation)),
				 errhint("Name the view that it reads.")));
	if (source == NULL || source->kind != KS_VIEW_WINDOW)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a continuous view with windows", get_rel_name(call->relation)),
				 errdetail("A continuous view over a detector takes windows as they become final."),
				 errhint("Name a view that groups by tumble, hop or cumulate; over other relations, call the detector in a query.")));
	check_time_column(call, source);
	return call;
}
