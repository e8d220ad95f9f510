/*
 * Making the relations of a continuous view over a detector.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "utils/builtins.h"
#include "utils/ruleutils.h"

#include "base/compat.h"
#include "catalog/access.h"
#include "view/detector.h"
#include "view/detector_query.h"
#include "view/relations.h"

/* Columns as in the enum of detector_query.h: those of the detector first. */
static void
create_tables(const KsViewNames *names)
{
	KsAccess	access;

	ks_access_enter(&access);
	ks_access_execute(psprintf("CREATE TABLE %s (series jsonb NOT NULL, ts timestamptz,"
							   " value float8, expected float8, lower float8, upper float8,"
							   " score float8, is_anomaly boolean NOT NULL,"
							   " window_start timestamptz NOT NULL, window_end timestamptz NOT NULL)"
							   " USING heap", names->finals));
	ks_access_execute(psprintf("CREATE INDEX ON %s (window_start)", names->finals));
	ks_access_execute(psprintf("CREATE INDEX ON %s (window_end)", names->finals));
	ks_access_execute(psprintf("CREATE TABLE %s (series jsonb NOT NULL, newest timestamptz NOT NULL,"
							   " identity text NOT NULL, state bytea NOT NULL)"
							   " USING heap WITH (fillfactor = 50)", names->states));
	ks_access_execute(psprintf("ALTER TABLE %s ALTER state SET STORAGE EXTERNAL", names->states));
	/* A series may be longer than what a btree takes. */
	ks_access_execute(psprintf("CREATE INDEX ON %s USING hash (series)", names->states));
	ks_access_leave(&access);
	CommandCounterIncrement();
}

/* "ts AS window_start" is that column already. */
static bool
is_window_column(const TargetEntry *target, const KsDetectorCall *call)
{
	const Var  *var = (const Var *) target->expr;

	return IsA(var, Var) && var->varattno == KS_DETECTED_TS &&
		strcmp(target->resname, call->time_column) == 0;
}

/* The query's columns and WHERE over the finals, which begin with the detector's columns. */
static char *
visible_sql(const KsView *view, const Query *query, const KsDetectorCall *call, const char *finals)
{
	List	   *context = deparse_context_for("v", view->finals);
	StringInfoData sql;
	ListCell   *lc;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT v.window_start, v.window_end, true AS is_final");
	foreach(lc, query->targetList)
	{
		TargetEntry *target = lfirst(lc);

		if (target->resjunk || is_window_column(target, call))
			continue;
		appendStringInfo(&sql, ", %s AS %s",
						 deparse_expression((Node *) target->expr, context, true, false),
						 quote_identifier(target->resname));
	}
	appendStringInfo(&sql, " FROM %s v", finals);
	if (query->jointree->quals != NULL)
		appendStringInfo(&sql, " WHERE %s",
						 deparse_expression(query->jointree->quals, context, true, false));
	return sql.data;
}

void
ks_detector_define(KsView *view, const Query *query, const KsDetectorCall *call,
				   const RangeVar *relation, RawStmt *statement, const char *text)
{
	KsViewNames names;

	ks_view_names(view->id, &names);
	ks_view_create_definition(&names, relation->schemaname, statement, text);
	create_tables(&names);
	view->definition = ks_view_part_oid(names.definition);
	view->states = ks_view_part_oid(names.states);
	view->finals = ks_view_part_oid(names.finals);
	ks_view_grant_owner(view);
	ks_view_create_visible(relation, visible_sql(view, query, call, names.finals));
	CommandCounterIncrement();
	view->relid = RangeVarGetRelid(relation, NoLock, false);
}
