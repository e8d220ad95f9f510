/*
 * The query of an alert.
 *
 * The definition is made as DefineView() makes a view, with two differences.
 * The parameters are replaced while the query is analysed, since a view has
 * none.  And the relation is made by the extension's owner in the extension's
 * schema, while only the analysis, which can run what users wrote, is done as
 * the alert's owner.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/tablecmds.h"
#include "commands/view.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/analyze.h"
#include "parser/parse_relation.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "catalog/access.h"
#include "catalog/relation.h"
#include "view/alert_query.h"
#include "view/identity.h"
#include "view/query.h"

/* ---- the window that is being evaluated ---- */

static bool in_window = false;
static TimestampTz window_start;
static TimestampTz window_end;

PG_FUNCTION_INFO_V1(ks_alert_window_start);
PG_FUNCTION_INFO_V1(ks_alert_window_end);

void
ks_alert_query_set_window(const TimestampTz *start, const TimestampTz *end)
{
	in_window = start != NULL;
	if (in_window)
	{
		window_start = *start;
		window_end = *end;
	}
}

Datum
ks_alert_window_start(PG_FUNCTION_ARGS)
{
	if (!in_window)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(window_start);
}

Datum
ks_alert_window_end(PG_FUNCTION_ARGS)
{
	if (!in_window)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(window_end);
}

/* ---- analysis ---- */

static Oid
window_function(const char *name)
{
	List	   *names = list_make2(makeString("kafka_stream"), makeString(pstrdup(name)));
	FuncCandidateList found = FuncnameGetCandidates(names, 0, NIL, false, false, false, true);

	if (found == NULL)
		elog(ERROR, "function kafka_stream.%s() is missing", name);
	return found->oid;
}

static Node *
replace_parameter(ParseState *pstate, ParamRef *ref)
{
	const KsAlert *alert = pstate->p_ref_hook_state;
	FuncExpr   *call;

	if (!OidIsValid(alert->view))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_PARAMETER),
				 errmsg("there is no parameter $%d", ref->number),
				 errhint("An alert with \"every\" has none: use now(), or give \"view\"."),
				 parser_errposition(pstate, ref->location)));
	if (ref->number < 1 || ref->number > 2)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_PARAMETER),
				 errmsg("there is no parameter $%d", ref->number),
				 errhint("$1 and $2 are the window's start and end."),
				 parser_errposition(pstate, ref->location)));
	call = makeFuncExpr(window_function(ref->number == 1 ? "alert_window_start" : "alert_window_end"),
						TIMESTAMPTZOID, NIL, InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
	call->location = ref->location;
	return (Node *) call;
}

static void
set_up_parser(ParseState *pstate, void *alert)
{
	pstate->p_ref_hook_state = alert;
	pstate->p_paramref_hook = replace_parameter;
}

static void
refuse(bool found, const char *what)
{
	if (found)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the query of an alert must not %s", what)));
}

static void
check(Query *query)
{
	refuse(query->commandType != CMD_SELECT, "make a table: leave INTO out");
	refuse(query->hasModifyingCTE, "change data: there is a data-modifying statement in WITH");
	refuse(query->rowMarks != NIL, "lock rows: leave FOR UPDATE or FOR SHARE out");
	refuse(isQueryUsingTempRelation(query), "use temporary tables, which other sessions do not have");
}

static Query *
analyse(KsAlert *alert, const char *text)
{
	int			guc_level = NewGUCNestLevel();
	Query	   *query;
	KsRole		before;

	alert->settings = ks_identity_settings(ks_identity_append_search_path());
	ks_identity_enter(&before, alert->owner, alert->settings);
	ks_query_source_begin(text);
	query = parse_analyze_withcb(ks_query_parse(text, "an alert"), text, set_up_parser, alert, NULL);
	check(query);
	ks_query_source_end();
	ks_role_leave(&before);
	AtEOXact_GUC(true, guc_level);
	return query;
}

/* ---- the definition ---- */

static List *
columns_of(const Query *query)
{
	List	   *columns = NIL;
	ListCell   *lc;

	foreach(lc, query->targetList)
	{
		TargetEntry *entry = lfirst(lc);
		Node	   *expr = (Node *) entry->expr;

		if (entry->resjunk)
			continue;
		if (type_is_collatable(exprType(expr)) && !OidIsValid(exprCollation(expr)))
			ereport(ERROR,
					(errcode(ERRCODE_INDETERMINATE_COLLATION),
					 errmsg("could not determine which collation to use for column \"%s\" of the alert's query",
							entry->resname),
					 errhint("Use the COLLATE clause to set the collation explicitly.")));
		columns = lappend(columns, makeColumnDef(entry->resname, exprType(expr),
												 exprTypmod(expr), exprCollation(expr)));
	}
	return columns;
}

/* "alert_12_name", for people who meet it as what depends on a table. */
static char *
definition_name(const KsAlert *alert)
{
	char	   *name = psprintf("alert_%d_%s", ks_alert_next_id(), alert->name);

	name[pg_mbcliplen(name, strlen(name), NAMEDATALEN - 1)] = '\0';
	return name;
}

void
ks_alert_query_define(KsAlert *alert, const char *text)
{
	Query	   *query = analyse(alert, text);
	CreateStmt *create = makeNode(CreateStmt);
	ObjectAddress view;
	KsRole		before;

	create->relation = makeRangeVar(pstrdup("kafka_stream_internal"), definition_name(alert), -1);
	create->tableElts = columns_of(query);
	create->oncommit = ONCOMMIT_NOOP;
	ks_role_enter(&before, ks_extension_owner(), SECURITY_LOCAL_USERID_CHANGE);
	view = DefineRelation(create, RELKIND_VIEW, alert->owner, NULL, NULL);
	CommandCounterIncrement();
	StoreViewQuery(view.objectId, query, false);
	CommandCounterIncrement();
	if (OidIsValid(alert->view))
	{
		ObjectAddress source = {RelationRelationId, alert->view, 0};

		/* Even if the query does not read it. */
		recordDependencyOn(&view, &source, DEPENDENCY_NORMAL);
	}
	ks_role_leave(&before);
	alert->definition = view.objectId;
}

/* ---- running it ---- */

static void
append_key(StringInfo sql, const KsAlert *alert)
{
	ListCell   *lc;

	appendStringInfoString(sql, "pg_catalog.jsonb_build_object(");
	foreach(lc, alert->key)
	{
		const char *column = lfirst(lc);

		if (get_attnum(alert->definition, column) <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("the query of alert \"%s\" has no column \"%s\", which is in its key",
							alert->name, column)));
		appendStringInfo(sql, "%s%s, q.%s", foreach_current_index(lc) > 0 ? ", " : "",
						 quote_literal_cstr(column), quote_identifier(column));
	}
	appendStringInfoChar(sql, ')');
}

char *
ks_alert_query_sql(const KsAlert *alert)
{
	StringInfoData sql;
	ListCell   *lc;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	append_key(&sql, alert);
	appendStringInfoString(&sql, ", pg_catalog.to_jsonb(q.*)");
	foreach(lc, alert->key)
		appendStringInfo(&sql, " OPERATOR(pg_catalog.-) %s::pg_catalog.text",
						 quote_literal_cstr(lfirst(lc)));
	appendStringInfo(&sql, " FROM %s q", ks_relation_name(alert->definition));
	return sql.data;
}

void
ks_alert_query_try(const KsAlert *alert)
{
	char	   *sql = psprintf("EXPLAIN %s", ks_alert_query_sql(alert));
	KsRole		before;

	ks_identity_enter(&before, alert->owner, alert->settings);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	if (SPI_execute(sql, false, 0) < 0)
		elog(ERROR, "could not execute \"%s\"", sql);
	SPI_finish();
	ks_role_leave(&before);
}
