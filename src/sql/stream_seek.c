/*
 * kafka_stream.seek_stream(): begin anew elsewhere in the topic.
 *
 * Locks: the staging table, then the stream's; so no batch is under way, and
 * the next one finds that its partitions are gone.
 */
#include "postgres.h"

#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "base/role.h"
#include "catalog/access.h"
#include "catalog/relation.h"
#include "catalog/stream.h"
#include "sql/stream_change.h"
#include "sql/stream_definition.h"

PG_FUNCTION_INFO_V1(ks_seek_stream);

/* What holds results of the stream's views, one relation per row. */
static KsQuery list_results = {
	"SELECT r::oid FROM kafka_stream_internal.view v,"
	" LATERAL (VALUES (v.states), (v.finals)) AS t (r)"
	" WHERE v.stream = $1::regclass AND r IS NOT NULL"
	" ORDER BY v.id, r::oid",
	1, {OIDOID}
};

static KsQuery reset_queries[] = {
	{"DELETE FROM kafka_stream_internal.partition"
	" WHERE stream = $1::regclass AND kafka_partition >= 0", 1, {OIDOID}},
	{"DELETE FROM kafka_stream_internal.staged WHERE stream = $1::regclass", 1, {OIDOID}},
};

static KsQuery reset_view_queries[] = {
	{"UPDATE kafka_stream_internal.partition SET clock = '-infinity'"
	" WHERE stream = $1::regclass AND kafka_partition < 0", 1, {OIDOID}},
	{"UPDATE kafka_stream_internal.view_progress p SET closed_to = '-infinity',"
	"  state = 'running', reason = NULL FROM kafka_stream_internal.view v"
	" WHERE v.id = p.id AND v.stream = $1::regclass", 1, {OIDOID}},
	{"UPDATE kafka_stream_internal.view SET complete_from = '-infinity'"
	" WHERE stream = $1::regclass", 1, {OIDOID}},
	{"UPDATE kafka_stream_internal.counter SET rows = 0, bytes = 0, tombstones = 0,"
	"  lost = 0, folded = 0, filtered = 0, late = 0, partly_late = 0, dead_letters = 0"
	" WHERE stream = $1::regclass", 1, {OIDOID}},
	{"DELETE FROM kafka_stream_internal.dead_letter"
	" WHERE stream = $1::regclass", 1, {OIDOID}},
};

static List *
list_result_relations(Oid stream)
{
	Datum		value = ObjectIdGetDatum(stream);
	MemoryContext context = CurrentMemoryContext;
	KsAccess	access;
	List	   *result = NIL;
	uint64		n;
	uint64		i;

	ks_access_enter(&access);
	n = ks_query_run(&list_results, &value, NULL);
	for (i = 0; i < n; i++)
	{
		bool		isnull;
		Oid			relid = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i],
														   SPI_tuptable->tupdesc, 1,
														   &isnull));
		MemoryContext old = MemoryContextSwitchTo(context);

		result = lappend_oid(result, relid);
		MemoryContextSwitchTo(old);
	}
	ks_access_leave(&access);
	return result;
}

static bool
is_empty(Oid relid)
{
	KsAccess	access;
	bool		empty;

	ks_access_enter(&access);
	ks_access_execute(psprintf("SELECT 1 FROM %s LIMIT 1", ks_relation_name(relid)));
	empty = SPI_processed == 0;
	ks_access_leave(&access);
	return empty;
}

static void
check_no_state(const KsStream *stream, List *results)
{
	ListCell   *lc;

	foreach(lc, results)
		if (!is_empty(lfirst_oid(lc)))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_IN_USE),
					 errmsg("cannot seek: views over stream %s hold results",
							ks_relation_name(stream->relid)),
					 errdetail("They would count the same events twice, or miss some."),
					 errhint("To delete what they hold, final windows, late rows, dead letters and counts, use kafka_stream.seek_stream(%s, ..., reset_views => true).",
							 quote_literal_cstr(ks_relation_name(stream->relid)))));
}

/* As the relation's owner: its triggers may be anybody's. */
static void
truncate_relation(Oid relid)
{
	KsRole		before;

	ks_role_enter_owner(&before, ks_relation_owner(relid));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	ks_access_execute(psprintf("TRUNCATE %s", ks_relation_name(relid)));
	SPI_finish();
	ks_role_leave(&before);
}

static void
truncate_staging(Oid staging)
{
	ListCell   *lc;

	foreach(lc, find_inheritance_children(staging, AccessExclusiveLock))
		truncate_relation(lfirst_oid(lc));
}

static void
run_all(KsQuery *queries, int n, Oid stream)
{
	Datum		value = ObjectIdGetDatum(stream);
	KsAccess	access;
	int			i;

	ks_access_enter(&access);
	for (i = 0; i < n; i++)
		(void) ks_query_run(&queries[i], &value, NULL);
	ks_access_leave(&access);
}

static void
reset_views(const KsStream *stream, List *results)
{
	ListCell   *lc;

	foreach(lc, results)
		truncate_relation(lfirst_oid(lc));
	truncate_relation(stream->late);
	run_all(reset_view_queries, lengthof(reset_view_queries), stream->relid);
}

Datum
ks_seek_stream(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Oid			relid = ks_relation_find(name, "stream", false);
	KsStream   *stream;
	List	   *results;

	ks_relation_check_owner(relid);
	LockRelationOid(relid, AccessExclusiveLock);
	stream = ks_change_begin(name);
	if (strcmp(stream->source, "insert") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("stream %s has no topic to seek in", ks_relation_name(relid)),
				 errdetail("Its rows come by INSERT.")));
	stream->start = text_to_cstring(PG_GETARG_TEXT_PP(1));
	ks_definition_check(stream);
	results = list_result_relations(relid);
	if (PG_GETARG_BOOL(2))
		reset_views(stream, results);
	else
		check_no_state(stream, results);
	truncate_staging(relid);
	stream->cluster_id = NULL;
	ks_change_end(stream);
	run_all(reset_queries, lengthof(reset_queries), relid);
	PG_RETURN_VOID();
}
