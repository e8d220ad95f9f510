/*
 * Making the relations of a continuous view.
 *
 * Generated SQL qualifies everything, so that it means the same under any
 * search_path; what users wrote is never pasted into it but as deparsed
 * expressions over the columns of view_N_groups.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "commands/view.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "aggregate/partial.h"
#include "catalog/access.h"
#include "catalog/relation.h"
#include "view/define.h"
#include "view/relations.h"

/* " name type [COLLATE collation]", for CREATE TABLE. */
static void
append_column(StringInfo sql, const char *name, Oid type, int32 typmod, Oid collation)
{
	if (sql->data[sql->len - 1] != '(')
		appendStringInfoString(sql, ", ");
	appendStringInfo(sql, "%s %s", quote_identifier(name),
					 format_type_extended(type, typmod,
										  FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY));
	if (OidIsValid(collation) && collation != get_typcollation(type))
		appendStringInfo(sql, " COLLATE %s", generate_collation_name(collation));
}

/* The states: keys, then one column per aggregate. */
static void
create_states(const KsViewNames *names, const KsViewQuery *vq)
{
	StringInfoData sql;
	ListCell   *lc;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE TABLE %s (", names->states);
	if (vq->kind == KS_VIEW_WINDOW)
		appendStringInfoString(&sql, "pane timestamptz NOT NULL, missed_end timestamptz NOT NULL");
	foreach(lc, vq->groups)
		append_column(&sql, psprintf("g%d", foreach_current_index(lc) + 1),
					  exprType(lfirst(lc)), exprTypmod(lfirst(lc)), exprCollation(lfirst(lc)));
	foreach(lc, vq->aggregates)
	{
		KsPartial	partial;

		ks_partial_describe(lfirst(lc), &partial);
		append_column(&sql, psprintf("s%d", foreach_current_index(lc) + 1),
					  partial.column_type, -1, partial.column_collation);
	}
	appendStringInfoString(&sql, ") USING heap");
	ks_access_execute(sql.data);
	if (vq->kind == KS_VIEW_WINDOW)
		ks_access_execute(psprintf("CREATE INDEX ON %s (pane)", names->states));
}

/* Final windows, or rows: what people see, with what orders it. */
static void
create_finals(const KsViewNames *names, const KsViewQuery *vq)
{
	StringInfoData sql;
	ListCell   *lc;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE TABLE %s (%s", names->finals,
					 vq->kind == KS_VIEW_WINDOW ?
					 "window_start timestamptz NOT NULL, window_end timestamptz NOT NULL" :
					 "kafka_partition_ int, kafka_offset_ bigint, clock_ timestamptz");
	foreach(lc, vq->outputs)
	{
		TargetEntry *output = lfirst(lc);
		Node	   *expr = (Node *) output->expr;

		if (!output->resjunk)
			append_column(&sql, psprintf("c%d", foreach_current_index(lc) + 1),
						  exprType(expr), exprTypmod(expr), exprCollation(expr));
	}
	appendStringInfoString(&sql, ") USING heap");
	ks_access_execute(sql.data);
	if (vq->kind == KS_VIEW_WINDOW)
	{
		ks_access_execute(psprintf("CREATE INDEX ON %s (window_start)", names->finals));
		ks_access_execute(psprintf("CREATE INDEX ON %s (window_end)", names->finals));
	}
}

static char *
interval_literal(int64 usecs)
{
	Interval   *interval = palloc0(sizeof(Interval));

	interval->time = usecs;
	return psprintf("%s::pg_catalog.interval",
					quote_literal_cstr(DatumGetCString(DirectFunctionCall1(interval_out,
																		   IntervalPGetDatum(interval)))));
}

/* "..., s.g1, s.g2" */
static void
append_groups(StringInfo sql, const KsViewQuery *vq, const char *separator)
{
	for (int i = 1; i <= list_length(vq->groups); i++)
	{
		appendStringInfo(sql, "%ss.g%d", separator, i);
		separator = ", ";
	}
}

/* "kafka_stream_internal.open_windows(...)" */
static void
append_open_windows(StringInfo sql, int id, const char *states, const KsWindow *window)
{
	static const char *const kinds[] = {
		[KS_WINDOW_TUMBLE] = "tumble",[KS_WINDOW_HOP] = "hop",[KS_WINDOW_CUMULATE] = "cumulate"
	};

	appendStringInfo(sql, "kafka_stream_internal.open_windows(%d, '%s'::pg_catalog.regclass,"
					 " '%s'::pg_catalog.text, %s, %s, '%s'::pg_catalog.timestamptz)",
					 id, states, kinds[window->kind], interval_literal(window->size),
					 interval_literal(window->slide), timestamptz_to_str(window->origin));
}

/* Aggregates finished from their states, as a1, a2, ...; 'separator' before the first. */
static void
append_aggregates(StringInfo sql, const KsViewQuery *vq, const char *separator)
{
	ListCell   *lc;

	foreach(lc, vq->aggregates)
	{
		const Aggref *aggref = lfirst(lc);
		KsPartial	partial;
		int			number = foreach_current_index(lc) + 1;

		ks_partial_describe(aggref, &partial);
		/* The collation is said outright, since the state has its own. */
		appendStringInfo(sql, "%skafka_stream.finish(%s, s.s%d, NULL::%s%s%s) AS a%d",
						 separator, partial.call_prefix, number,
						 format_type_extended(aggref->aggtype, -1, FORMAT_TYPE_FORCE_QUALIFY),
						 OidIsValid(aggref->aggcollid) ? " COLLATE " : "",
						 OidIsValid(aggref->aggcollid) ? generate_collation_name(aggref->aggcollid) : "",
						 number);
		separator = ", ";
	}
}

/* view_N_groups: one row per window and group, aggregates finished.  Its SELECT. */
static char *
create_groups(int id, const KsViewNames *names, const KsViewQuery *vq)
{
	bool		window = vq->kind == KS_VIEW_WINDOW;
	StringInfoData sql;
	const char *separator = " ";

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT");
	if (window)
	{
		appendStringInfoString(&sql, " w.window_start, w.window_end");
		separator = ", ";
	}
	append_groups(&sql, vq, separator);
	append_aggregates(&sql, vq, vq->groups != NIL ? ", " : separator);
	if (window)
	{
		appendStringInfoString(&sql, " FROM ");
		append_open_windows(&sql, id, names->states, &vq->window);
		appendStringInfo(&sql, " w JOIN %s s ON s.pane OPERATOR(pg_catalog.>=) w.window_start"
						 " AND s.pane OPERATOR(pg_catalog.<) w.window_end"
						 " AND s.missed_end OPERATOR(pg_catalog.<) w.window_end", names->states);
	}
	else
		appendStringInfo(&sql, " FROM %s s", names->states);
	if (window || vq->groups != NIL)
	{
		appendStringInfoString(&sql, " GROUP BY ");
		if (window)
			appendStringInfoString(&sql, "w.window_start, w.window_end");
		append_groups(&sql, vq, window ? ", " : "");
	}
	ks_access_execute(psprintf("CREATE VIEW %s AS %s", names->groups, sql.data));
	return sql.data;
}

/*
 * view_N_open: the view's expressions and HAVING over view_N_groups, which is
 * then written in their place, so that one relation remains.  The groups come
 * last, to tell rows apart when one fails.
 */
static void
create_open(const KsViewNames *names, const KsViewQuery *vq, const char *groups,
			const char *schema, const KsAccess *access)
{
	Oid			owner = ks_extension_owner();
	List	   *context;
	StringInfoData sql;
	ListCell   *lc;
	const char *separator = " ";

	CommandCounterIncrement();
	context = deparse_context_for("o", ks_view_part_oid(names->groups));
	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE VIEW %s AS SELECT",
					 quote_qualified_identifier(schema, ks_view_name_alone(names->open)));
	if (vq->kind == KS_VIEW_WINDOW)
	{
		appendStringInfoString(&sql, " o.window_start, o.window_end");
		separator = ", ";
	}
	foreach(lc, vq->outputs)
	{
		TargetEntry *output = lfirst(lc);

		appendStringInfo(&sql, "%s%s AS c%d", separator,
						 deparse_expression((Node *) output->expr, context, true, false),
						 foreach_current_index(lc) + 1);
		separator = ", ";
	}
	for (int i = 1; i <= list_length(vq->groups); i++)
		appendStringInfo(&sql, "%so.g%d", i == 1 && vq->outputs == NIL && vq->kind != KS_VIEW_WINDOW ? " " : ", ", i);
	appendStringInfo(&sql, " FROM (%s) o", groups);
	if (vq->having != NULL)
		appendStringInfo(&sql, " WHERE %s", deparse_expression(vq->having, context, true, false));
	SetUserIdAndSecContext(access->user, access->sec_context);
	ks_access_execute(sql.data);
	SetUserIdAndSecContext(owner, access->sec_context | SECURITY_LOCAL_USERID_CHANGE);
	ks_view_move(schema, names->open);
	ks_access_execute(psprintf("ALTER VIEW %s OWNER TO %s", names->open,
							   quote_identifier(GetUserNameFromId(owner, false))));
	ks_access_execute(psprintf("DROP VIEW %s", names->groups));
}

/* "..., c1 AS \"name of the first column\"" */
static void
append_outputs(StringInfo sql, const KsViewQuery *vq, const char *separator, bool aliases)
{
	ListCell   *lc;

	foreach(lc, vq->outputs)
	{
		TargetEntry *output = lfirst(lc);

		if (output->resjunk)
			continue;
		appendStringInfo(sql, "%sv.c%d", separator, foreach_current_index(lc) + 1);
		if (aliases)
			appendStringInfo(sql, " AS %s", quote_identifier(output->resname));
		separator = ", ";
	}
}

/* The view that people read, made as the caller. */
static void
create_visible(const KsViewNames *names, const KsViewQuery *vq, const RangeVar *relation)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT");
	if (vq->kind == KS_VIEW_WINDOW)
	{
		appendStringInfoString(&sql, " v.window_start, v.window_end, true AS is_final");
		append_outputs(&sql, vq, ", ", true);
		appendStringInfo(&sql, " FROM %s v UNION ALL SELECT v.window_start, v.window_end, false",
						 names->finals);
		append_outputs(&sql, vq, ", ", false);
		appendStringInfo(&sql, " FROM %s v", names->open);
	}
	else
	{
		append_outputs(&sql, vq, " ", true);
		appendStringInfo(&sql, " FROM %s v",
						 vq->kind == KS_VIEW_ROWS ? names->finals : names->open);
	}
	ks_view_create_visible(relation, sql.data);
}

void
ks_view_define(KsView *view, const KsViewQuery *vq, const RangeVar *relation,
			   RawStmt *statement, const char *text)
{
	KsViewNames names;
	KsAccess	access;

	ks_view_names(view->id, &names);
	ks_view_create_definition(&names, relation->schemaname, statement, text);
	ks_access_enter(&access);
	if (vq->kind != KS_VIEW_ROWS)
	{
		create_states(&names, vq);
		create_open(&names, vq, create_groups(view->id, &names, vq),
					relation->schemaname, &access);
	}
	if (vq->kind != KS_VIEW_RUNNING)
		create_finals(&names, vq);
	ks_access_leave(&access);
	CommandCounterIncrement();

	view->definition = ks_view_part_oid(names.definition);
	if (vq->kind != KS_VIEW_ROWS)
	{
		view->states = ks_view_part_oid(names.states);
		view->open = ks_view_part_oid(names.open);
	}
	if (vq->kind != KS_VIEW_RUNNING)
		view->finals = ks_view_part_oid(names.finals);
	ks_view_grant_owner(view);
	create_visible(&names, vq, relation);
	CommandCounterIncrement();
	view->relid = RangeVarGetRelid(relation, NoLock, false);
}

char *
ks_view_close_sql(const KsView *view)
{
	Relation	finals = table_open(view->finals, AccessShareLock);
	int			ncolumns = RelationGetNumberOfAttributes(finals) - 2;
	StringInfoData sql;

	table_close(finals, NoLock);
	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT o.window_start, o.window_end");
	for (int i = 1; i <= ncolumns; i++)
		appendStringInfo(&sql, ", o.c%d", i);
	appendStringInfo(&sql, " FROM %s o WHERE o.window_end OPERATOR(pg_catalog.<=) $1",
					 ks_relation_name(view->open));
	return sql.data;
}

char *
ks_view_windows_sql(const KsView *view, const KsViewQuery *vq)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT w.window_start, w.window_end FROM ");
	append_open_windows(&sql, view->id, ks_relation_name(view->states), &vq->window);
	appendStringInfoString(&sql, " w");
	return sql.data;
}

char *
ks_view_merge_sql(const KsView *view, const KsViewQuery *vq)
{
	bool		window = vq->kind == KS_VIEW_WINDOW;
	StringInfoData sql;
	ListCell   *lc;
	const char *separator = window ? ", " : " ";

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT%s", window ? " s.pane, s.missed_end" : "");
	append_groups(&sql, vq, separator);
	if (vq->groups != NIL)
		separator = ", ";
	foreach(lc, vq->aggregates)
	{
		KsPartial	partial;

		ks_partial_describe(lfirst(lc), &partial);
		appendStringInfo(&sql, "%skafka_stream.merge(%s, s.s%d)", separator,
						 partial.call_prefix, foreach_current_index(lc) + 1);
		separator = ", ";
	}
	appendStringInfo(&sql, " FROM %s s", ks_relation_name(view->states));
	if (window || vq->groups != NIL)
	{
		appendStringInfo(&sql, " GROUP BY %s", window ? "s.pane, s.missed_end" : "");
		append_groups(&sql, vq, window ? ", " : "");
	}
	return sql.data;
}
