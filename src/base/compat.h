/*
 * Differences between PostgreSQL 15 to 18; the only place with PG_VERSION_NUM.
 */
#ifndef KS_BASE_COMPAT_H
#define KS_BASE_COMPAT_H

#include "postgres.h"

#if PG_VERSION_NUM < 150000 || PG_VERSION_NUM >= 190000
#error "kafka_stream needs PostgreSQL 15 to 18"
#endif

#include "fmgr.h"

/*
 * We build with -fvisibility=hidden; PostgreSQL marks what it looks up by name
 * as visible from 16 on only.  Include this file before PG_FUNCTION_INFO_V1.
 */
#if PG_VERSION_NUM < 160000
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))
#undef PG_FUNCTION_INFO_V1
#define PG_FUNCTION_INFO_V1(funcname) \
extern PGDLLEXPORT Datum funcname(PG_FUNCTION_ARGS); \
extern PGDLLEXPORT const Pg_finfo_record *CppConcat(pg_finfo_, funcname)(void); \
const Pg_finfo_record * \
CppConcat(pg_finfo_, funcname)(void) \
{ \
	static const Pg_finfo_record my_finfo = {1}; \
	return &my_finfo; \
} \
extern int no_such_variable
#endif

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#define KS_PG_MAJOR (PG_VERSION_NUM / 10000)

/* Put before a declaration; spelled pg_noreturn from 18 on. */
#if PG_VERSION_NUM >= 180000
#define pg_attribute_noreturn() pg_noreturn
#endif

/* Intervals can be infinite from 17 on. */
#if PG_VERSION_NUM < 170000
#define INTERVAL_NOT_FINITE(i) false
#endif
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "optimizer/optimizer.h"

/* flatten_join_alias_vars() wants a planner state (that may be NULL) from 16 on. */
static inline Node *
ks_flatten_join_alias_vars(Query *query, Node *node)
{
#if PG_VERSION_NUM >= 160000
	return flatten_join_alias_vars(NULL, query, node);
#else
	return flatten_join_alias_vars(query, node);
#endif
}

#if PG_VERSION_NUM >= 180000
/* Vars of the group entry have no position in the query's text, but what they stand for has. */
static inline bool
ks_locate_group_vars(Node *node, void *context)
{
	Query	   *query = context;
	Var		   *var = (Var *) node;

	if (node == NULL)
		return false;
	if (IsA(node, Var) && var->varlevelsup == 0 && var->varno == list_length(query->rtable))
		var->location = exprLocation(list_nth(llast_node(RangeTblEntry, query->rtable)->groupexprs,
											  var->varattno - 1));
	return expression_tree_walker(node, ks_locate_group_vars, context);
}
#endif

/*
 * From 18 on, grouped expressions are Vars of a range table entry of their
 * own; put the expressions themselves back, as before.
 */
static inline void
ks_flatten_group_rte(Query *query)
{
#if PG_VERSION_NUM >= 180000
	if (!query->hasGroupRTE)
		return;
	(void) ks_locate_group_vars((Node *) query->targetList, query);
	(void) ks_locate_group_vars(query->havingQual, query);
	query->targetList = (List *) flatten_group_exprs(NULL, query, (Node *) query->targetList);
	query->havingQual = flatten_group_exprs(NULL, query, query->havingQual);
	query->hasGroupRTE = false;
	Assert(llast_node(RangeTblEntry, query->rtable)->rtekind == RTE_GROUP);
	query->rtable = list_truncate(query->rtable, list_length(query->rtable) - 1);
#endif
}

/* stringToQualifiedNameList has a soft-error argument from 16 on. */
#if PG_VERSION_NUM >= 160000
#define ks_qualified_name_list(string) stringToQualifiedNameList(string, NULL)
#else
#define ks_qualified_name_list(string) stringToQualifiedNameList(string)
#endif

/* Gone in 18, whose pg_noreturn stands before the type. */
#ifndef pg_attribute_noreturn
#define pg_attribute_noreturn() __attribute__((noreturn))
#endif

/* USAGE on a foreign server or wrapper.  Needs utils/acl.h and the catalog headers. */
#if PG_VERSION_NUM < 160000
#define ks_server_aclcheck(server, role) \
	pg_foreign_server_aclcheck((server), (role), ACL_USAGE)
#define ks_wrapper_aclcheck(wrapper, role) \
	pg_foreign_data_wrapper_aclcheck((wrapper), (role), ACL_USAGE)
#else
#define ks_server_aclcheck(server, role) \
	object_aclcheck(ForeignServerRelationId, (server), (role), ACL_USAGE)
#define ks_wrapper_aclcheck(wrapper, role) \
	object_aclcheck(ForeignDataWrapperRelationId, (wrapper), (role), ACL_USAGE)
#endif

/* May 'role' execute 'function'?  Needs utils/acl.h and catalog/pg_proc.h. */
#if PG_VERSION_NUM < 160000
#define ks_function_aclcheck(function, role) \
	pg_proc_aclcheck((function), (role), ACL_EXECUTE)
#else
#define ks_function_aclcheck(function, role) \
	object_aclcheck(ProcedureRelationId, (function), (role), ACL_EXECUTE)
#endif

/* The local id of the running transaction, as an lvalue of type LocalTransactionId. */
#if PG_VERSION_NUM >= 170000
#define KS_MY_LXID (MyProc->vxid.lxid)
#else
#define KS_MY_LXID (MyProc->lxid)
#endif

/*
 * Call an input function that reports bad data softly, where that exists (16
 * and later): returns the error, or NULL and *result.
 */
#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"

#define KS_HAVE_SOFT_ERRORS true

static inline ErrorData *
ks_compat_input_soft(FmgrInfo *function, char *string, Oid ioparam, int32 typmod,
					 Datum *result)
{
	ErrorSaveContext context = {T_ErrorSaveContext};

	context.details_wanted = true;
	if (InputFunctionCallSafe(function, string, ioparam, typmod, (Node *) &context, result))
		return NULL;
	return context.error_data;
}
#else
#define KS_HAVE_SOFT_ERRORS false

static inline ErrorData *
ks_compat_input_soft(FmgrInfo *function, char *string, Oid ioparam, int32 typmod,
					 Datum *result)
{
	*result = InputFunctionCall(function, string, ioparam, typmod);
	return NULL;
}
#endif
/* ExecInsertIndexTuples() gained "only summarizing" in 16. */
#if PG_VERSION_NUM >= 160000
#define ks_insert_index_tuples(target, slot, estate) \
	ExecInsertIndexTuples((target), (slot), (estate), false, false, NULL, NIL, false)
#else
#define ks_insert_index_tuples(target, slot, estate) \
	ExecInsertIndexTuples((target), (slot), (estate), false, false, NULL, NIL)
#endif

/* ExecutorRun() lost "run once" in 18. */
#if PG_VERSION_NUM >= 180000
#define ks_executor_run(desc) ExecutorRun((desc), ForwardScanDirection, 0)
#else
#define ks_executor_run(desc) ExecutorRun((desc), ForwardScanDirection, 0, true)
#endif


/* Actions of a JSON parse return something from 16 on.  Need common/jsonapi.h. */
#if PG_VERSION_NUM >= 160000
#define KsJsonActionResult JsonParseErrorType
#define KS_JSON_ACTION_OK JSON_SUCCESS
#else
#define KsJsonActionResult void
#define KS_JSON_ACTION_OK
#endif

/* A lexer that unescapes strings, in the current memory context. */
#if PG_VERSION_NUM >= 170000
#define ks_json_lexer(json, len, encoding) \
	makeJsonLexContextCstringLen(NULL, (json), (len), (encoding), true)
#else
#define ks_json_lexer(json, len, encoding) \
	makeJsonLexContextCstringLen((json), (len), (encoding), true)
#endif

/* ExecutorRun lost its last argument in 18. */
#if PG_VERSION_NUM >= 180000
#define KS_EXECUTOR_RUN_ARGS(query, direction, count, once) (query), (direction), (count)
#define KS_EXECUTOR_RUN_PARAMS \
	QueryDesc *query, ScanDirection direction, uint64 count
#else
#define KS_EXECUTOR_RUN_ARGS(query, direction, count, once) (query), (direction), (count), (once)
#define KS_EXECUTOR_RUN_PARAMS \
	QueryDesc *query, ScanDirection direction, uint64 count, bool once
#endif

/* CHECK constraints can be NOT ENFORCED from 18 on. */
#if PG_VERSION_NUM >= 180000
#define KS_CHECK_IS_ENFORCED(check) ((check)->ccenforced)
#else
#define KS_CHECK_IS_ENFORCED(check) true
#endif

/* Columns of one row type as those of another; 16 added an argument. */
#if PG_VERSION_NUM >= 160000
#define ks_attrmap_if_req(from, to) build_attrmap_by_name_if_req(from, to, false)
#else
#define ks_attrmap_if_req(from, to) build_attrmap_by_name_if_req(from, to)
#endif

/* Does this process hold a lock in exactly this mode?  Needs storage/lock.h. */
#if PG_VERSION_NUM >= 170000
#define ks_lock_held(tag, mode) LockHeldByMe(tag, mode, false)
#else
#define ks_lock_held(tag, mode) LockHeldByMe(tag, mode)
#endif

/* Does 'role' own 'database'?  Needs utils/acl.h and catalog/pg_database.h. */
#if PG_VERSION_NUM >= 160000
#define ks_database_ownercheck(database, role) \
	object_ownercheck(DatabaseRelationId, (database), (role))
#else
#define ks_database_ownercheck(database, role) \
	pg_database_ownercheck((database), (role))
#endif

#endif
