/*
 * A view that cannot be closed: computing its windows one by one, then the
 * groups of the first that fails, tells which one it is.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "base/attempt.h"
#include "base/compat.h"
#include "catalog/access.h"
#include "catalog/relation.h"
#include "view/define.h"
#include "view/failure.h"
#include "view/owner_query.h"

/* Parts to try; more are not looked through. */
#define MAX_PARTS 1000

/* The first column of a query's rows, as the extension's owner. */
static List *
query_strings(const char *sql)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *result = NIL;
	KsAccess	access;

	ks_access_enter(&access);
	if (SPI_execute(sql, true, MAX_PARTS) != SPI_OK_SELECT)
		elog(ERROR, "could not execute \"%s\"", sql);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		char	   *value = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
		MemoryContext before = MemoryContextSwitchTo(context);

		result = lappend(result, pstrdup(value ? value : ""));
		MemoryContextSwitchTo(before);
	}
	ks_access_leave(&access);
	return result;
}

typedef struct Part
{
	const KsView *view;
	const char *sql;
} Part;

static void
compute_part(void *arg)
{
	Part	   *part = arg;

	tuplestore_end(ks_owner_query(part->view, part->sql, NULL));
}

/* The first of 'values' for which "condition_format" makes the open windows fail; or NULL. */
static const char *
find_failing(const KsView *view, List *values, const char *left)
{
	ListCell   *lc;

	foreach(lc, values)
	{
		Part		part = {view};

		part.sql = psprintf("SELECT o.* FROM %s o WHERE %s OPERATOR(pg_catalog.=) %s",
							ks_relation_name(view->open), left,
							quote_literal_cstr(lfirst(lc)));
		if (ks_attempt(compute_part, &part) != NULL)
			return lfirst(lc);
	}
	return NULL;
}

/* "ROW(x.g1, x.g2)::text", or NULL without groups. */
static char *
group_row(const KsViewQuery *vq, const char *alias)
{
	StringInfoData sql;

	if (vq->groups == NIL)
		return NULL;
	initStringInfo(&sql);
	for (int i = 1; i <= list_length(vq->groups); i++)
		appendStringInfo(&sql, "%s%s.g%d", i > 1 ? ", " : "ROW(", alias, i);
	appendStringInfoString(&sql, ")::pg_catalog.text");
	return sql.data;
}

static char *
describe_place(const KsView *view, const KsViewQuery *vq, TimestampTz mark)
{
	char	   *windows = ks_view_windows_sql(view, vq);
	const char *end = find_failing(view,
								   query_strings(psprintf("SELECT w.window_end::pg_catalog.text FROM (%s) w"
														  " WHERE w.window_end <= %s ORDER BY w.window_end",
														  windows, quote_literal_cstr(timestamptz_to_str(mark)))),
								   "o.window_end::pg_catalog.text");
	char	   *row;
	const char *group = NULL;

	if (end == NULL)
		return pstrdup("");
	row = group_row(vq, "o");
	if (row != NULL)
		group = find_failing(view,
							 query_strings(psprintf("SELECT DISTINCT %s FROM %s o JOIN (%s) w"
													" ON o.pane >= w.window_start AND o.pane < w.window_end"
													" WHERE w.window_end = %s ORDER BY 1", row,
													ks_relation_name(view->states), windows,
													quote_literal_cstr(end))),
							 row);
	return group == NULL ? psprintf(" in the window that ends at %s", end) :
		psprintf(" in the window that ends at %s, group %s", end, group);
}

/* May pass by itself, or is no fault of the view's: not a reason to stop it. */
static bool
is_passing_error(int sqlstate)
{
	int			category = ERRCODE_TO_CATEGORY(sqlstate);

	return category == ERRCODE_INSUFFICIENT_RESOURCES || category == ERRCODE_TRANSACTION_ROLLBACK ||
		category == ERRCODE_SYSTEM_ERROR || sqlstate == ERRCODE_LOCK_NOT_AVAILABLE;
}

void
ks_view_fail(const KsView *view, const char *what, ErrorData *error)
{
	char	   *reason = psprintf("%s failed: %s", what, error->message);

	if (is_passing_error(error->sqlerrcode))
		ReThrowError(error);
	ks_view_set_failed(view->id, reason);
	ereport(WARNING,
			(errcode(error->sqlerrcode),
			 errmsg("continuous view %s stopped: %s", ks_relation_name(view->relid), reason)));
}

void
ks_close_failed(const KsView *view, const KsViewQuery *vq, TimestampTz mark, ErrorData *error)
{
	if (is_passing_error(error->sqlerrcode))
		ReThrowError(error);
	ks_view_fail(view, psprintf("closing%s", describe_place(view, vq, mark)), error);
}
