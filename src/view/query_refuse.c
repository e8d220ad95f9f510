/*
 * What a continuous view's query cannot have, and what to do instead.
 *
 * Each refusal names the construct, its position where it is known, and a way
 * that works.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "catalog/view.h"
#include "view/query.h"
#include "view/query_refuse.h"

#define REFUSE(location, message, hint) \
	ereport(ERROR, \
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED), \
			 errmsg("%s", message), errhint("%s", hint), \
			 ks_errlocation(location)))

#define HINT_QUERY_OVER "Leave it out here and put it into the queries over the view."

/* Location of the first node of a list, or -1. */
static int
list_location(List *list)
{
	return list == NIL || linitial(list) == NULL ? -1 : exprLocation((Node *) list);
}

void
ks_view_query_check_raw(const SelectStmt *select)
{
	if (select->op != SETOP_NONE)
		REFUSE(exprLocation((Node *) select->rarg->targetList),
			   "a continuous view cannot use UNION, INTERSECT or EXCEPT",
			   "Create one view for each part and combine them in the queries over the views.");
	if (select->valuesLists != NIL)
		REFUSE(list_location(select->valuesLists),
			   "a continuous view cannot be a VALUES list",
			   "Write SELECT ... FROM the stream.");
	if (select->withClause != NULL)
		REFUSE(select->withClause->location,
			   "a continuous view cannot use WITH",
			   "Write the subquery in FROM, or create an ordinary view for it.");
	if (select->intoClause != NULL)
		REFUSE(select->intoClause->rel->location,
			   "a continuous view cannot use INTO", "Leave INTO out.");
	if (select->distinctClause != NIL)
		REFUSE(list_location(select->targetList),
			   "a continuous view cannot use SELECT DISTINCT",
			   "Use GROUP BY, or put DISTINCT into the queries over the view.");
	if (select->sortClause != NIL)
		REFUSE(exprLocation(((SortBy *) linitial(select->sortClause))->node),
			   "a continuous view cannot use ORDER BY", HINT_QUERY_OVER);
	if (select->limitCount != NULL || select->limitOffset != NULL)
		REFUSE(exprLocation(select->limitCount ? select->limitCount : select->limitOffset),
			   "a continuous view cannot use LIMIT, OFFSET or FETCH", HINT_QUERY_OVER);
	if (select->lockingClause != NIL)
		REFUSE(-1, "a continuous view cannot lock rows (FOR UPDATE, FOR SHARE)",
			   "Leave the locking clause out.");
	if (select->windowClause != NIL)
		REFUSE(((WindowDef *) linitial(select->windowClause))->location,
			   "a continuous view cannot use window functions (OVER, WINDOW)", HINT_QUERY_OVER);
}

void
ks_refuse_clauses(const Query *query)
{
	if (query->commandType != CMD_SELECT || query->utilityStmt != NULL)
		REFUSE(-1, "a continuous view must be a SELECT",
			   "Write SELECT ... FROM the stream.");
	if (query->setOperations != NULL || query->cteList != NIL || query->sortClause != NIL ||
		query->distinctClause != NIL || query->limitCount != NULL || query->limitOffset != NULL ||
		query->rowMarks != NIL)
		REFUSE(-1, "a continuous view must be a plain SELECT", HINT_QUERY_OVER);
	if (query->hasWindowFuncs)
		REFUSE(locate_windowfunc((Node *) query->targetList), "a continuous view cannot use window functions (OVER)", HINT_QUERY_OVER);
	if (query->groupingSets != NIL)
		REFUSE(exprLocation((Node *) query->groupingSets),
			   "a continuous view cannot use GROUPING SETS, ROLLUP or CUBE yet",
			   "Create one view for each grouping.");
	if (query->groupDistinct)
		REFUSE(-1, "a continuous view cannot use GROUP BY DISTINCT", "Write GROUP BY.");
	if (query->constraintDeps != NIL)
		REFUSE(list_location(query->targetList),
			   "a continuous view cannot rely on a primary key for columns that are not grouped",
			   "Add every column that is selected without an aggregate to GROUP BY.");
}

/* Functions of session or time that are only STABLE to PostgreSQL. */
static bool
is_nowlike_function(Oid funcid, void *context)
{
	if (func_volatile(funcid) == PROVOLATILE_VOLATILE)
		return true;
	switch (funcid)
	{
		case F_NOW:
		case F_TRANSACTION_TIMESTAMP:
		case F_STATEMENT_TIMESTAMP:
		case F_AGE_TIMESTAMPTZ:
		case F_AGE_TIMESTAMP:
		case F_CURRENT_SETTING_TEXT:
		case F_CURRENT_SETTING_TEXT_BOOL:
		case F_CURRENT_SCHEMA:
		case F_CURRENT_SCHEMAS:
		case F_CURRENT_DATABASE:
		case F_CURRENT_USER:
		case F_SESSION_USER:
		case F_INET_CLIENT_ADDR:
		case F_INET_CLIENT_PORT:
		case F_PG_BACKEND_PID:
		case F_INET_SERVER_ADDR:
		case F_INET_SERVER_PORT:
		case F_PG_CURRENT_XACT_ID:
		case F_PG_CURRENT_XACT_ID_IF_ASSIGNED:
		case F_PG_CURRENT_SNAPSHOT:
		case F_TXID_CURRENT:
		case F_TXID_CURRENT_IF_ASSIGNED:
		case F_TXID_CURRENT_SNAPSHOT:
		case F_PG_CONF_LOAD_TIME:
		case F_PG_POSTMASTER_START_TIME:
		case F_PG_TRIGGER_DEPTH:
			return true;
		default:
			return false;
	}
}

static bool
unstable_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, is_nowlike_function, NULL))
		REFUSE(exprLocation(node),
			   "a continuous view cannot use volatile or now()-like functions",
			   "Use the event time, or put the function into the queries over the view.");
	if (IsA(node, SQLValueFunction) || IsA(node, NextValueExpr))
		REFUSE(exprLocation(node),
			   "a continuous view cannot use values of the session or of the present time (such as CURRENT_TIMESTAMP or CURRENT_USER)",
			   "Use the event time, or put it into the queries over the view.");
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, unstable_walker, context, 0);
	return expression_tree_walker(node, unstable_walker, context);
}

void
ks_refuse_unstable(Query *query)
{
	(void) query_tree_walker(query, unstable_walker, NULL, 0);
}

/* Does the jointree below 'node' hold the stream, and is it nullable there? */
static bool
find_nullable(const Node *node, int stream_index, bool *nullable)
{
	bool		left,
				right;
	const JoinExpr *join;

	if (IsA(node, RangeTblRef))
		return ((const RangeTblRef *) node)->rtindex == stream_index;
	if (IsA(node, FromExpr))
	{
		ListCell   *lc;
		bool		found = false;

		foreach(lc, ((const FromExpr *) node)->fromlist)
			found |= find_nullable(lfirst(lc), stream_index, nullable);
		return found;
	}
	join = castNode(JoinExpr, (Node *) node);
	left = find_nullable(join->larg, stream_index, nullable);
	right = find_nullable(join->rarg, stream_index, nullable);
	if ((left && (join->jointype == JOIN_RIGHT || join->jointype == JOIN_FULL)) ||
		(right && (join->jointype == JOIN_LEFT || join->jointype == JOIN_FULL)))
		*nullable = true;
	return left || right;
}

void
ks_refuse_nullable(const Query *query, int stream_index)
{
	RangeTblEntry *rte = rt_fetch(stream_index, query->rtable);
	bool		nullable = false;

	(void) find_nullable((const Node *) query->jointree, stream_index, &nullable);
	if (nullable)
		REFUSE(-1, "the stream of a continuous view cannot be on the nullable side of an outer join",
			   "Put the stream on the left of LEFT JOIN.");
	if (rte->tablesample != NULL)
		REFUSE(-1, "a continuous view cannot sample its stream", "Leave TABLESAMPLE out.");
	if (!rte->inh)
		REFUSE(-1, "a continuous view cannot use ONLY with its stream", "Leave ONLY out.");
}

typedef struct StreamWalk
{
	int			stream_index;
	int			depth;
} StreamWalk;

/* A relation that a continuous view cannot read, at top level or below. */
static void
refuse_relation(Oid relid, bool nested)
{
	const char *name = get_rel_name(relid);

	if (ks_view_load(relid) != NULL)
		REFUSE(-1, psprintf("a continuous view cannot read the continuous view \"%s\" yet", name),
			   "Write the query over the stream itself.");
	if (nested && ks_stream_load(relid, true) != NULL)
		REFUSE(-1, psprintf("a continuous view cannot use the stream \"%s\" in a subquery or an ordinary view", name),
			   "Name the stream once in FROM.");
	/* A rule's own view is among the relations of its query; other views are expanded. */
	if (get_rel_relkind(relid) != RELKIND_VIEW &&
		get_rel_namespace(relid) == get_namespace_oid("kafka_stream_internal", false))
		REFUSE(-1, psprintf("a continuous view cannot read what belongs to streams and continuous views (\"%s\"), directly or through an ordinary view", name),
			   "Name one stream in FROM, joined to ordinary tables.");
	if (get_rel_persistence(relid) == RELPERSISTENCE_TEMP)
		REFUSE(-1, psprintf("a continuous view cannot use the temporary relation \"%s\"", name),
			   "Put the rows into an ordinary table, since the view outlives the session.");
}

static bool
nested_stream_walker(Node *node, void *context)
{
	StreamWalk *walk = context;

	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		RangeTblEntry *rte = (RangeTblEntry *) node;

		/* From 16 on an expanded view is a subquery that still names its relation. */
		if (rte->rtekind == RTE_RELATION ||
			(rte->rtekind == RTE_SUBQUERY && OidIsValid(rte->relid)))
			refuse_relation(rte->relid, walk->depth > 0);
		return false;
	}
	if (IsA(node, Query))
	{
		bool		result;

		walk->depth++;
		result = query_tree_walker((Query *) node, nested_stream_walker, context,
								   QTW_EXAMINE_RTES_BEFORE);
		walk->depth--;
		return result;
	}
	return expression_tree_walker(node, nested_stream_walker, context);
}

void
ks_refuse_nested_stream(Query *query, int stream_index)
{
	StreamWalk	walk = {stream_index, 0};

	(void) query_tree_walker(query, nested_stream_walker, &walk, QTW_EXAMINE_RTES_BEFORE);
}

static bool
system_column_walker(Node *node, void *context)
{
	StreamWalk *walk = context;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;

		if (var->varno == walk->stream_index && var->varlevelsup == walk->depth &&
			var->varattno < 0)
			REFUSE(var->location, "a continuous view cannot use system columns of its stream",
				   "Use kafka_partition and kafka_offset to identify a row.");
		return false;
	}
	if (IsA(node, Query))
	{
		bool		result;

		walk->depth++;
		result = query_tree_walker((Query *) node, system_column_walker, context, 0);
		walk->depth--;
		return result;
	}
	return expression_tree_walker(node, system_column_walker, context);
}

void
ks_refuse_system_columns(Query *query, int stream_index)
{
	StreamWalk	walk = {stream_index, 0};

	(void) query_tree_walker(query, system_column_walker, &walk, 0);
}

const char *
ks_window_function_name(const Node *node)
{
	static const char *const names[] = {"tumble", "hop", "cumulate", "session"};
	const FuncExpr *func = (const FuncExpr *) node;
	char	   *name;

	if (node == NULL || !IsA(node, FuncExpr) ||
		get_func_namespace(func->funcid) != get_namespace_oid("kafka_stream", false))
		return NULL;
	name = get_func_name(func->funcid);
	for (int i = 0; i < lengthof(names); i++)
		if (strcmp(name, names[i]) == 0)
			return names[i];
	return NULL;
}

typedef struct WindowRefusal
{
	const char *message;
	const char *hint;
} WindowRefusal;

static bool
window_function_walker(Node *node, void *context)
{
	WindowRefusal *refusal = context;

	if (node == NULL)
		return false;
	if (ks_window_function_name(node) != NULL)
		REFUSE(exprLocation(node), refusal->message, refusal->hint);
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, window_function_walker, context, 0);
	return expression_tree_walker(node, window_function_walker, context);
}

void
ks_refuse_window_in_from(Query *query)
{
	static const char *const message = "a continuous view can use a window in GROUP BY only";
	ListCell   *lc;

	ks_refuse_window_function((Node *) query->jointree, message,
							  "Filter by the event time itself in WHERE, or by window_start in the queries over the view.");
	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst(lc);

		ks_refuse_window_function((Node *) rte->functions, message,
								  "Write the window in GROUP BY instead of FROM.");
	}
}

void
ks_refuse_window_function(Node *node, const char *message, const char *hint)
{
	WindowRefusal refusal = {message, hint};

	(void) window_function_walker(node, &refusal);
}
