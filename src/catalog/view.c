/*
 * Continuous views as C structs.  Rows are read with the newest snapshot, as
 * streams are.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "catalog/access.h"
#include "catalog/relation.h"
#include "catalog/text_list.h"
#include "catalog/view.h"

/* Columns of kafka_stream_internal.view, in the order of tables.sql. */
enum
{
	ATT_ID = 1,
	ATT_VIEW,
	ATT_STREAM,
	ATT_DEFINITION,
	ATT_KIND,
	ATT_STATES,
	ATT_OPEN,
	ATT_FINALS,
	ATT_WATERMARK_DELAY,
	ATT_LATE,
	ATT_RETENTION,
	ATT_SETTINGS,
	ATT_PG_MAJOR,
	ATT_COMPLETE_FROM,
	ATT_SOURCE,
	ATT_COUNT = ATT_SOURCE
};

/* And of kafka_stream_internal.view_progress. */
enum
{
	PROGRESS_ID = 1,
	PROGRESS_CLOSED_TO,
	PROGRESS_STATE
};

static const char *const kind_names[] = {
	[KS_VIEW_WINDOW] = "window",
	[KS_VIEW_RUNNING] = "running",
	[KS_VIEW_ROWS] = "rows",
	[KS_VIEW_DETECTOR] = "detector",
};

const char *
ks_view_kind_name(KsViewKind kind)
{
	return kind_names[kind];
}

static KsViewKind
parse_kind(const char *kind)
{
	for (int i = 0; i < lengthof(kind_names); i++)
		if (strcmp(kind, kind_names[i]) == 0)
			return (KsViewKind) i;
	elog(ERROR, "unexpected kind of view \"%s\"", kind);
}

/* A view's row of view_progress, by 'snapshot' (NULL: the newest). */
static bool
read_progress(int id, Snapshot snapshot, TimestampTz *closed_to, bool *failed)
{
	Relation	rel = table_open(ks_internal_relation("view_progress"), AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found;

	ScanKeyInit(&key, PROGRESS_ID, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(id));
	scan = systable_beginscan(rel, ks_internal_relation("view_progress_pkey"), true,
							  snapshot, 1, &key);
	tuple = systable_getnext(scan);
	found = HeapTupleIsValid(tuple);
	if (found)
	{
		TupleDesc	desc = RelationGetDescr(rel);
		bool		isnull;
		char	   *state = TextDatumGetCString(heap_getattr(tuple, PROGRESS_STATE, desc, &isnull));

		*closed_to = DatumGetTimestampTz(heap_getattr(tuple, PROGRESS_CLOSED_TO, desc, &isnull));
		*failed = strcmp(state, "failed") == 0;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

static Oid
oid_or_invalid(Datum value, bool isnull)
{
	return isnull ? InvalidOid : DatumGetObjectId(value);
}

/* A row as a struct; watermark_delay is -1 where it is the stream's. */
static KsView *
make_view(HeapTuple tuple, TupleDesc desc)
{
	KsView	   *view = palloc0(sizeof(KsView));
	Datum		v[ATT_COUNT];
	bool		n[ATT_COUNT];

	heap_deform_tuple(tuple, desc, v, n);
#define AT(att) v[(att) - 1], n[(att) - 1]
	view->id = DatumGetInt32(v[ATT_ID - 1]);
	view->relid = DatumGetObjectId(v[ATT_VIEW - 1]);
	view->stream = DatumGetObjectId(v[ATT_STREAM - 1]);
	view->source = oid_or_invalid(AT(ATT_SOURCE));
	view->definition = DatumGetObjectId(v[ATT_DEFINITION - 1]);
	view->kind = parse_kind(TextDatumGetCString(v[ATT_KIND - 1]));
	view->states = oid_or_invalid(AT(ATT_STATES));
	view->open = oid_or_invalid(AT(ATT_OPEN));
	view->finals = oid_or_invalid(AT(ATT_FINALS));
	view->watermark_delay = ks_interval_column(AT(ATT_WATERMARK_DELAY), "watermark_delay", -1);
	view->store_late = strcmp(TextDatumGetCString(v[ATT_LATE - 1]), "store") == 0;
	view->retention = ks_interval_column(AT(ATT_RETENTION), "retention", -1);
	view->settings = ks_text_list(v[ATT_SETTINGS - 1]);
#undef AT
	view->owner = ks_relation_owner(view->relid);
	if (!read_progress(view->id, NULL, &view->closed_to, &view->failed))
		elog(ERROR, "view %d has no progress", view->id);
	return view;
}

/* Views whose column 'attno', indexed by 'index', is 'relid'. */
static List *
find_views(AttrNumber attno, const char *index, Oid relid)
{
	Relation	rel = table_open(ks_internal_relation("view"), AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *result = NIL;

	ScanKeyInit(&key, attno, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, ks_internal_relation(index), true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		result = lappend(result, make_view(tuple, RelationGetDescr(rel)));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

static int
compare_ids(const ListCell *a, const ListCell *b)
{
	return ((KsView *) lfirst(a))->id - ((KsView *) lfirst(b))->id;
}

List *
ks_view_list(const KsStream *stream)
{
	List	   *views = find_views(ATT_STREAM, "view_stream_idx", stream->relid);
	ListCell   *lc;

	foreach(lc, views)
	{
		KsView	   *view = lfirst(lc);

		if (view->watermark_delay < 0)
			view->watermark_delay = stream->watermark_delay;
	}
	list_sort(views, compare_ids);
	return views;
}

KsView *
ks_view_load(Oid relid)
{
	List	   *views = find_views(ATT_VIEW, "view_view_key", relid);
	KsView	   *view;

	if (views == NIL)
		return NULL;
	view = linitial(views);
	if (view->watermark_delay < 0)
		view->watermark_delay = ks_stream_load(view->stream, false)->watermark_delay;
	return view;
}

TimestampTz
ks_view_closed_to(int id)
{
	TimestampTz closed_to;
	bool		failed;

	if (!read_progress(id, GetActiveSnapshot(), &closed_to, &failed))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no continuous view with id %d", id)));
	return closed_to;
}

static KsQuery set_closed_to = {
	"UPDATE kafka_stream_internal.view_progress SET closed_to = $2 WHERE id = $1",
	2, {INT4OID, TIMESTAMPTZOID}
};

static KsQuery set_failed = {
	"UPDATE kafka_stream_internal.view_progress SET state = 'failed', reason = $2 WHERE id = $1",
	2, {INT4OID, TEXTOID}
};

static KsQuery set_complete_from = {
	"UPDATE kafka_stream_internal.view SET complete_from = $2 WHERE id = $1",
	2, {INT4OID, TIMESTAMPTZOID}
};

/* Its one row in view, or in view_progress. */
static void
update_row(KsQuery *query, int id, Datum value)
{
	Datum		values[] = {Int32GetDatum(id), value};
	KsAccess	access;

	ks_access_enter(&access);
	if (ks_query_run(query, values, NULL) != 1)
		elog(ERROR, "there is no view %d", id);
	ks_access_leave(&access);
}

void
ks_view_set_closed_to(int id, TimestampTz closed_to)
{
	update_row(&set_closed_to, id, TimestampTzGetDatum(closed_to));
}

void
ks_view_set_failed(int id, const char *reason)
{
	update_row(&set_failed, id, CStringGetTextDatum(reason));
}

void
ks_view_set_complete_from(int id, TimestampTz complete_from)
{
	update_row(&set_complete_from, id, TimestampTzGetDatum(complete_from));
}
