/*
 * Storing late rows.
 *
 * The table of late rows has the stream's columns and four of its own; columns
 * are matched by name, since either table may have been altered.  A column that
 * the stream gained is added to it first, so that nothing is lost; one that has
 * another type there (the stream's was dropped and made anew) is renamed before.
 * Domains are stored as their base types.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/role.h"
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

/* The columns that tell which view a row was late for, and how late. */
static bool
is_own_column(const char *name)
{
	return strcmp(name, "view") == 0 || strcmp(name, "window_end") == 0 ||
		strcmp(name, "clock") == 0 || strcmp(name, "lateness") == 0;
}

static void
alter_late_table(const KsStream *stream, const char *actions)
{
	KsAccess	access;

	ks_access_enter(&access);
	ks_access_execute(psprintf("ALTER TABLE %s %s", ks_relation_name(stream->late), actions));
	ks_access_leave(&access);
}

/* Add the stream's columns that the table of late rows lacks. */
static void
add_missing_columns(const KsStream *stream, TupleDesc from)
{
	Relation	late = table_open(stream->late, AccessShareLock);
	TupleDesc	to = CreateTupleDescCopy(RelationGetDescr(late));

	table_close(late, NoLock);
	for (int i = 0; i < from->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(from, i);
		const char *name = NameStr(att->attname);
		int			column = find_column(to, name);
		int32		typmod = att->atttypmod;
		Oid			type = att->attisdropped ? InvalidOid : getBaseTypeAndTypmod(att->atttypid, &typmod);

		if (att->attisdropped || is_own_column(name) ||
			(column >= 0 && getBaseType(TupleDescAttr(to, column)->atttypid) == type))
			continue;
		if (column >= 0)
			alter_late_table(stream, psprintf("RENAME COLUMN %s TO %s", quote_identifier(name),
											  quote_identifier(psprintf("%.50s_%d", name, column + 1))));
		alter_late_table(stream, psprintf("ADD COLUMN %s %s", quote_identifier(name),
										  format_type_with_typemod(type, typmod)));
	}
	FreeTupleDesc(to);
}

/* For each column of the late table, the stream's column (or -1). */
static int *
match_columns(TupleDesc to, TupleDesc from)
{
	int		   *map = palloc(sizeof(int) * to->natts);

	for (int i = 0; i < to->natts; i++)
		map[i] = TupleDescAttr(to, i)->attisdropped ||
			is_own_column(NameStr(TupleDescAttr(to, i)->attname)) ? -1 :
			find_column(from, NameStr(TupleDescAttr(to, i)->attname));
	return map;
}

/* One of the four columns that say why a row is late; -1: it was dropped. */
static int
own_column(TupleDesc desc, const char *name, Oid type)
{
	int			column = find_column(desc, name);

	if (column >= 0 && TupleDescAttr(desc, column)->atttypid != type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of a stream's table of late rows must be of type %s",
						name, format_type_be(type)),
				 errhint("Change it back with ALTER TABLE, or drop it.")));
	return column;
}

static void
set_column(Datum *values, bool *isnull, int column, Datum value)
{
	if (column < 0)
		return;
	values[column] = value;
	isnull[column] = false;
}

static void
append_rows(const KsView *view, const KsStream *stream, const KsWindow *window,
			const KsBatch *batch, const int *rows, int nrows)
{
	KsAppender *appender;
	TupleDesc	desc;
	int		   *map;
	Datum	   *values;
	bool	   *isnull;
	int			view_column,
				end_column,
				clock_column,
				lateness_column;

	appender = ks_append_begin(stream->late);
	desc = ks_append_desc(appender);
	map = match_columns(desc, batch->desc);
	view_column = own_column(desc, "view", REGCLASSOID);
	end_column = own_column(desc, "window_end", TIMESTAMPTZOID);
	clock_column = own_column(desc, "clock", TIMESTAMPTZOID);
	lateness_column = own_column(desc, "lateness", INTERVALOID);
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
		set_column(values, isnull, view_column, ObjectIdGetDatum(view->relid));
		set_column(values, isnull, end_column, TimestampTzGetDatum(end));
		set_column(values, isnull, clock_column, TimestampTzGetDatum(batch->clock[row]));
		set_column(values, isnull, lateness_column, IntervalPGetDatum(&lateness));
		ks_append_row(appender, values, isnull);
	}
	ks_append_end(appender);
}

/* As the table's owner, since its indexes may call functions. */
void
ks_late_store(const KsView *view, const KsStream *stream, const KsWindow *window,
			  const KsBatch *batch, const int *rows, int nrows)
{
	KsRole		before;

	add_missing_columns(stream, batch->desc);
	ks_role_enter_owner(&before, ks_relation_owner(stream->late));
	append_rows(view, stream, window, batch, rows, nrows);
	ks_role_leave(&before);
}
