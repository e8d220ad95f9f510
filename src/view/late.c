/*
 * Storing late rows.
 *
 * The table of late rows has the stream's columns and four of its own; columns
 * are matched by name, since either table may have been altered.  A column that
 * the stream gained is added to it first, so that nothing is lost.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "catalog/access.h"
#include "catalog/relation.h"
#include "view/append.h"
#include "view/late.h"
#include "view/lateness.h"

static int
find_column(TupleDesc desc, const char *name)
{
	for (int i = 0; i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped &&
			strcmp(NameStr(TupleDescAttr(desc, i)->attname), name) == 0)
			return i;
	return -1;
}

/* Add the stream's columns that the table of late rows lacks. */
static void
add_missing_columns(const KsStream *stream, TupleDesc from)
{
	Relation	late = table_open(stream->late, AccessShareLock);
	TupleDesc	to = RelationGetDescr(late);
	StringInfoData sql;

	initStringInfo(&sql);
	for (int i = 0; i < from->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(from, i);

		if (att->attisdropped || find_column(to, NameStr(att->attname)) >= 0)
			continue;
		appendStringInfo(&sql, "%s ADD COLUMN %s %s", sql.len > 0 ? "," : "",
						 quote_identifier(NameStr(att->attname)),
						 format_type_with_typemod(att->atttypid, att->atttypmod));
	}
	table_close(late, NoLock);
	if (sql.len > 0)
	{
		KsAccess	access;

		ks_access_enter(&access);
		ks_access_execute(psprintf("ALTER TABLE %s%s", ks_relation_name(stream->late), sql.data));
		ks_access_leave(&access);
	}
	pfree(sql.data);
}

/* For each column of the late table, the stream's column (or -1). */
static int *
match_columns(TupleDesc to, TupleDesc from)
{
	int		   *map = palloc(sizeof(int) * to->natts);

	for (int i = 0; i < to->natts; i++)
		map[i] = TupleDescAttr(to, i)->attisdropped ? -1 :
			find_column(from, NameStr(TupleDescAttr(to, i)->attname));
	return map;
}

static void
set_column(TupleDesc desc, Datum *values, bool *isnull, const char *name, Datum value)
{
	int			column = find_column(desc, name);

	if (column < 0)
		return;
	values[column] = value;
	isnull[column] = false;
}

void
ks_late_store(const KsView *view, const KsStream *stream, const KsWindow *window,
			  const KsBatch *batch, const int *rows, int nrows)
{
	KsAppender *appender;
	TupleDesc	desc;
	int		   *map;
	Datum	   *values;
	bool	   *isnull;

	add_missing_columns(stream, batch->desc);
	appender = ks_append_begin(stream->late);
	desc = ks_append_desc(appender);
	map = match_columns(desc, batch->desc);
	values = palloc0(sizeof(Datum) * desc->natts);
	isnull = palloc(sizeof(bool) * desc->natts);
	for (int i = 0; i < nrows; i++)
	{
		int			row = rows[i];
		Size		base = (Size) row * batch->desc->natts;
		TimestampTz end = ks_window_last_end(window, batch->event_time[row]);
		TimestampTz limit = ks_lateness_limit(batch, row, view->watermark_delay, view->closed_to);
		Interval	lateness = {.time = limit - end};

		for (int column = 0; column < desc->natts; column++)
		{
			values[column] = map[column] < 0 ? (Datum) 0 : batch->values[base + map[column]];
			isnull[column] = map[column] < 0 || batch->isnull[base + map[column]];
		}
		set_column(desc, values, isnull, "view", ObjectIdGetDatum(view->relid));
		set_column(desc, values, isnull, "window_end", TimestampTzGetDatum(end));
		set_column(desc, values, isnull, "clock", TimestampTzGetDatum(batch->clock[row]));
		set_column(desc, values, isnull, "lateness", IntervalPGetDatum(&lateness));
		ks_append_row(appender, values, isnull);
	}
	ks_append_end(appender);
}
