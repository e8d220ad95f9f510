/*
 * A continuous view's query, taken apart into grouping expressions, mergeable
 * aggregates, and output expressions over the two.
 *
 * Invariant: the same query text gives the same groups and aggregates in the
 * same order, since columns g1..gn and s1..sm of the states are told apart by
 * position alone.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "aggregate/partial.h"
#include "view/query.h"
#include "view/query_refuse.h"

Oid
ks_view_query_stream(Query *query)
{
	Oid			found = InvalidOid;
	ListCell   *lc;

	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst(lc);

		if (rte->rtekind != RTE_RELATION)
			continue;
		if (ks_view_load(rte->relid) != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("a continuous view cannot read the continuous view \"%s\" yet",
							get_rel_name(rte->relid)),
					 errhint("Write the query over the stream itself.")));
		if (ks_stream_load(rte->relid, true) == NULL)
			continue;
		if (OidIsValid(found))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("a continuous view cannot join two streams yet"),
					 errhint("Name one stream in FROM, joined to ordinary tables.")));
		found = rte->relid;
	}
	if (!OidIsValid(found))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("the query of a continuous view must have a stream in FROM"),
				 errhint("Create the stream with kafka_stream.create_stream() and name it in FROM, outside of subqueries.")));
	return found;
}

static int
find_stream_index(const Query *query, Oid stream)
{
	ListCell   *lc;

	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst(lc);

		if (rte->rtekind == RTE_RELATION && rte->relid == stream)
			return foreach_current_index(lc) + 1;
	}
	elog(ERROR, "stream %u is not in the query", stream);
}

static Interval *
window_interval_argument(Node *arg, const char *function)
{
	if (!IsA(arg, Const) || ((Const *) arg)->constisnull)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the sizes of %s() in a continuous view must be constants", function),
				 errhint("Write for example %s.", strcmp(function, "tumble") == 0 ?
						 "tumble(event_time, '1 minute')" : "hop(event_time, '5 minutes', '1 minute')"),
				 ks_errlocation(exprLocation(arg))));
	return DatumGetIntervalP(((Const *) arg)->constvalue);
}

/* Fill vq->window from its call; the time argument must be the event time. */
static void
take_window(KsViewQuery *vq, const KsStream *stream)
{
	const char *name = ks_window_function_name(vq->window_expr);
	FuncExpr   *call = castNode(FuncExpr, eval_const_expressions(NULL, vq->window_expr));
	bool		tumble = strcmp(name, "tumble") == 0;
	Var		   *time = linitial(call->args);
	Const	   *origin,
			   *timezone;
	Interval   *size,
			   *slide;

	if (strcmp(name, "session") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("session windows are not there yet"),
				 errhint("Use tumble(), hop() or cumulate()."),
				 ks_errlocation(exprLocation(vq->window_expr))));
	if (!IsA(time, Var) || time->varno != vq->stream_index || time->varlevelsup != 0 ||
		time->varattno != stream->event_time_attno)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the time argument of %s() must be the stream's event-time column", name),
				 errhint("Write %s(%s, ...).", name, quote_identifier(stream->event_time)),
				 ks_errlocation(exprLocation((Node *) time))));
	size = window_interval_argument(lsecond(call->args), name);
	slide = tumble ? size : window_interval_argument(lthird(call->args), name);
	origin = (Const *) list_nth(call->args, tumble ? 2 : 3);
	timezone = (Const *) list_nth(call->args, tumble ? 3 : 4);
	if (!IsA(timezone, Const) || !timezone->constisnull)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("calendar windows (argument timezone of %s()) are not there yet", name),
				 errhint("Leave timezone out; days are then 24 hours of UTC.")));
	if (!IsA(origin, Const))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the origin of %s() in a continuous view must be a constant", name),
				 errhint("Write it as a literal with a time zone."),
				 ks_errlocation(exprLocation((Node *) origin))));
	vq->window_name = name;
	vq->time = time;
	ks_window_init(&vq->window,
				   tumble ? KS_WINDOW_TUMBLE :
				   strcmp(name, "hop") == 0 ? KS_WINDOW_HOP : KS_WINDOW_CUMULATE,
				   size, slide,
				   origin->constisnull ? ks_window_default_origin() :
				   DatumGetTimestampTz(origin->constvalue));
}

/* Sort the GROUP BY expressions into the window and the rest. */
static void
take_groups(KsViewQuery *vq, const KsStream *stream)
{
	ListCell   *lc;

	foreach(lc, vq->query->groupClause)
	{
		SortGroupClause *clause = lfirst(lc);
		Node	   *expr = get_sortgroupclause_expr(clause, vq->query->targetList);

		if (ks_window_function_name(expr) == NULL)
		{
			ks_refuse_window_function(expr,
									  "a window must be a grouping expression by itself",
									  "Group by the window alone and compute with window_start in the queries over the view.");
			if (expression_returns_set(expr))
				ereport(ERROR,
						(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						 errmsg("a continuous view cannot group by a set-returning function other than a window"),
						 errhint("Put the function into FROM: FROM stream, LATERAL function(...) AS x."),
						 ks_errlocation(exprLocation(expr))));
			vq->groups = lappend(vq->groups, expr);
			vq->group_clauses = lappend(vq->group_clauses, clause);
			continue;
		}
		if (vq->window_expr != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("a continuous view can have one window only"),
					 errhint("Create one view for each window."),
					 ks_errlocation(exprLocation(expr))));
		vq->window_expr = expr;
		vq->window_clause = clause;
	}
	if (vq->window_expr == NULL)
		return;
	vq->kind = KS_VIEW_WINDOW;
	take_window(vq, stream);
}

static Var *
stream_column(const KsViewQuery *vq, Oid stream, AttrNumber attno)
{
	Oid			type,
				collation;
	int32		typmod;

	get_atttypetypmodcoll(stream, attno, &type, &typmod, &collation);
	return makeVar(vq->stream_index, attno, type, typmod, collation, 0);
}

static Aggref *
mergeable_aggregate(Aggref *aggref, const KsRowOrder *order)
{
	const char *reason = NULL,
			   *hint = NULL;
	Aggref	   *mergeable = ks_aggregate_mergeable(aggref, order, &reason, &hint);

	if (mergeable == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a continuous view cannot use this aggregate: %s", reason),
				 hint ? errhint("%s", hint) : 0,
				 ks_errlocation(aggref->location)));
	return mergeable;
}

typedef struct OutputContext
{
	KsViewQuery *vq;
	KsRowOrder	order;
} OutputContext;

/* The open relation's column for an aggregate call, added if it is new. */
static Node *
aggregate_column(Aggref *aggref, OutputContext *context)
{
	KsViewQuery *vq = context->vq;
	Aggref	   *mergeable = mergeable_aggregate(aggref, &context->order);
	int			position = 0;

	while (position < list_length(vq->aggregates) &&
		   !equal(list_nth(vq->aggregates, position), mergeable))
		position++;
	if (position == list_length(vq->aggregates))
		vq->aggregates = lappend(vq->aggregates, mergeable);
	return (Node *) makeVar(1, ks_open_first_group(vq) + list_length(vq->groups) + position,
							aggref->aggtype, -1, aggref->aggcollid, 0);
}

/* Replace grouping expressions and aggregates by columns of the open relation. */
static Node *
output_mutator(Node *node, OutputContext *context)
{
	KsViewQuery *vq = context->vq;
	ListCell   *lc;

	if (node == NULL)
		return NULL;
	if (vq->window_expr != NULL && equal(node, vq->window_expr))
		return (Node *) makeVar(1, vq->window.kind == KS_WINDOW_CUMULATE ? 2 : 1,
								TIMESTAMPTZOID, -1, InvalidOid, 0);
	foreach(lc, vq->groups)
	{
		Node	   *group = lfirst(lc);

		if (equal(node, group))
			return (Node *) makeVar(1, ks_open_first_group(vq) + foreach_current_index(lc),
									exprType(group), exprTypmod(group), exprCollation(group), 0);
	}
	if (IsA(node, Aggref))
		return aggregate_column((Aggref *) node, context);
	if (IsA(node, SubLink))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a continuous view cannot use subqueries beside its aggregates"),
				 errhint("Put the subquery into FROM, or into the queries over the view."),
				 ks_errlocation(((SubLink *) node)->location)));
	if (IsA(node, Var))
		ereport(ERROR,
				(errcode(ERRCODE_GROUPING_ERROR),
				 errmsg("a column that is selected beside aggregates must be grouped"),
				 errhint("Add it to GROUP BY."),
				 ks_errlocation(((Var *) node)->location)));
	return expression_tree_mutator(node, output_mutator, (void *) context);
}

/* An output over groups and aggregates: nothing but immutable computing. */
static Node *
take_output(Node *expr, OutputContext *context)
{
	Node	   *output = output_mutator(expr, context);

	ks_refuse_window_function(output,
							  "a window function that is selected must be grouped by",
							  "Write the same window in GROUP BY.");
	if (expression_returns_set(output))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a continuous view cannot have set-returning functions in its select list"),
				 errhint("Put the function into FROM: FROM stream, LATERAL function(...) AS x."),
				 ks_errlocation(exprLocation(expr))));
	if (contain_mutable_functions(output))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("an expression over the aggregates of a continuous view must not depend on settings of the reader"),
				 errhint("Select the value itself, and format or convert it in the queries over the view."),
				 ks_errlocation(exprLocation(expr))));
	return output;
}

/* Is this target the window itself, shown as window_start (cumulate: window_end)? */
static bool
is_window_target(const KsViewQuery *vq, const TargetEntry *target)
{
	if (vq->window_expr == NULL || !equal(target->expr, vq->window_expr))
		return false;
	return strcmp(target->resname, vq->window_name) == 0 ||
		strcmp(target->resname,
			   vq->window.kind == KS_WINDOW_CUMULATE ? "window_end" : "window_start") == 0;
}

static void
refuse_reserved_name(const TargetEntry *target)
{
	if (strcmp(target->resname, "window_start") == 0 ||
		strcmp(target->resname, "window_end") == 0 ||
		strcmp(target->resname, "is_final") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_COLUMN),
				 errmsg("column \"%s\" of a windowed view is the window's own", target->resname),
				 errhint("Give the expression another alias."),
				 ks_errlocation(exprLocation((Node *) target->expr))));
}

static void
take_outputs(KsViewQuery *vq, const KsStream *stream)
{
	OutputContext context = {vq};
	ListCell   *lc;

	context.order.event_time = (Expr *) stream_column(vq, stream->relid, stream->event_time_attno);
	context.order.partition = (Expr *) stream_column(vq, stream->relid, stream->partition_attno);
	context.order.offset = (Expr *) stream_column(vq, stream->relid, stream->offset_attno);
	if (stream->topic_attno != 0)
		context.order.topic = (Expr *) stream_column(vq, stream->relid, stream->topic_attno);
	foreach(lc, vq->query->targetList)
	{
		TargetEntry *target = lfirst(lc);
		TargetEntry *output;

		if (target->resjunk || is_window_target(vq, target))
			continue;
		if (vq->kind == KS_VIEW_WINDOW)
			refuse_reserved_name(target);
		output = flatCopyTargetEntry(target);
		output->expr = (Expr *) take_output((Node *) target->expr, &context);
		output->resno = list_length(vq->outputs) + 1;
		output->ressortgroupref = 0;
		vq->outputs = lappend(vq->outputs, output);
	}
	if (vq->query->havingQual != NULL)
		vq->having = take_output(vq->query->havingQual, &context);
}

/* A query without aggregates: every row that passes is a row of the view. */
static void
take_rows(KsViewQuery *vq)
{
	Query	   *query = vq->query;

	vq->kind = KS_VIEW_ROWS;
	if (query->hasTargetSRFs)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a continuous view cannot have set-returning functions in its select list, and a window must be grouped by"),
				 errhint("Put the function into FROM: FROM stream, LATERAL function(...) AS x; write the window in GROUP BY.")));
	ks_refuse_window_function((Node *) query->targetList,
							  "a window function that is selected must be grouped by",
							  "Write the same window in GROUP BY.");
	vq->outputs = query->targetList;
}

KsViewQuery *
ks_view_query_check(Query *query, const KsStream *stream)
{
	KsViewQuery *vq = palloc0(sizeof(KsViewQuery));

	ks_flatten_group_rte(query);
	ks_refuse_clauses(query);
	vq->query = query;
	vq->stream_index = find_stream_index(query, stream->relid);
	ks_refuse_nullable(query, vq->stream_index);
	ks_refuse_nested_stream(query, vq->stream_index);
	ks_refuse_system_columns(query, vq->stream_index);
	ks_refuse_unstable(query);
	ks_refuse_window_in_from(query);
	query->targetList = (List *) ks_flatten_join_alias_vars(query, (Node *) query->targetList);
	query->havingQual = ks_flatten_join_alias_vars(query, query->havingQual);

	vq->kind = KS_VIEW_RUNNING;
	if (!query->hasAggs && query->groupClause == NIL && query->havingQual == NULL)
	{
		take_rows(vq);
		return vq;
	}
	take_groups(vq, stream);
	take_outputs(vq, stream);
	if (vq->kind == KS_VIEW_RUNNING && vq->groups == NIL && vq->aggregates == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a continuous view with HAVING must have an aggregate or GROUP BY"),
				 errhint("Use WHERE to choose rows.")));
	return vq;
}
