/*
 * Backfill from staging.
 *
 * Runs in the transaction that creates the view, with folds held off, so that
 * each row is folded exactly once: staged ones here, later ones as they come.
 * Staging is read with a snapshot taken after the stream's lock, since folds
 * may have committed while we waited for it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "access/relation.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "catalog/access.h"
#include "catalog/relation.h"
#include "view/backfill.h"
#include "view/fold.h"

#define BACKFILL_ROWS 10000

static KsQuery rows_counted = {
	"SELECT pg_catalog.sum(rows)::bigint FROM kafka_stream_internal.counter"
	" WHERE stream = $1 AND view_id = 0",
	1, {REGCLASSOID}
};

static KsQuery highest_clock = {
	"SELECT pg_catalog.max(clock) FROM kafka_stream_internal.partition WHERE stream = $1",
	1, {REGCLASSOID}
};

typedef struct Backfill
{
	const KsView *view;
	const KsStream *stream;
	KsBatch		batch;
	/* the partition that rows come from now, and its clock */
	char	   *partition;
	TimestampTz clock;
	TimestampTz first_clock;	/* highest event time of partitions' first rows */
	int64		nrows;
} Backfill;

/* Which partition a row is of, as text: the last column of the cursor. */
static void
follow_partition(Backfill *backfill, HeapTuple tuple, TupleDesc desc, TimestampTz event_time)
{
	char	   *partition = SPI_getvalue(tuple, desc, desc->natts);

	if (partition == NULL)
		partition = pstrdup("");
	if (backfill->partition != NULL && strcmp(partition, backfill->partition) == 0)
		return;
	backfill->partition = MemoryContextStrdup(TopTransactionContext, partition);
	backfill->clock = DT_NOBEGIN;
	backfill->first_clock = Max(backfill->first_clock, event_time);
}

static void
add_row(Backfill *backfill, HeapTuple tuple, TupleDesc desc)
{
	KsBatch    *batch = &backfill->batch;
	int			natts = batch->desc->natts;
	Size		base = (Size) batch->nrows * natts;
	int			column = 0;
	TimestampTz event_time;

	for (int i = 0; i < natts; i++)
	{
		batch->values[base + i] = (Datum) 0;
		batch->isnull[base + i] = true;
		if (!TupleDescAttr(batch->desc, i)->attisdropped)
			batch->values[base + i] = SPI_getbinval(tuple, desc, ++column, &batch->isnull[base + i]);
	}
	event_time = DatumGetTimestampTz(batch->values[base + backfill->stream->event_time_attno - 1]);
	follow_partition(backfill, tuple, desc, event_time);
	batch->event_time[batch->nrows] = event_time;
	batch->clock[batch->nrows] = backfill->clock;
	backfill->clock = Max(backfill->clock, event_time);
	batch->nrows++;
	backfill->nrows++;
}

static void
fold_staged_rows(Backfill *backfill)
{
	const KsStream *stream = backfill->stream;
	KsBatch    *batch = &backfill->batch;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "kafka_stream backfill",
												  ALLOCSET_DEFAULT_SIZES);
	char	   *partition = stream->topic_attno > 0 ?
		"kafka_topic || ':' || kafka_partition::text" : "kafka_partition::text";
	KsAccess	access;
	Portal		portal;

	ks_access_enter(&access);
	/* The caller's snapshot is older than its lock: a batch may lie in between. */
	PushActiveSnapshot(GetLatestSnapshot());
	portal = SPI_cursor_open_with_args("kafka_stream_backfill",
									   psprintf("SELECT *, %s FROM %s ORDER BY %s, kafka_offset", partition,
												ks_relation_name(stream->relid), partition),
									   0, NULL, NULL, NULL, false, 0);
	for (;;)
	{
		MemoryContext before;
		SPITupleTable *table;

		SPI_cursor_fetch(portal, true, BACKFILL_ROWS);
		if (SPI_processed == 0)
			break;
		table = SPI_tuptable;
		before = MemoryContextSwitchTo(context);
		batch->nrows = 0;
		batch->values = palloc(sizeof(Datum) * table->numvals * batch->desc->natts);
		batch->isnull = palloc(sizeof(bool) * table->numvals * batch->desc->natts);
		batch->event_time = palloc(sizeof(TimestampTz) * table->numvals);
		batch->clock = palloc(sizeof(TimestampTz) * table->numvals);
		for (uint64 i = 0; i < table->numvals; i++)
			add_row(backfill, table->vals[i], table->tupdesc);
		ks_fold_view(backfill->view, stream, batch, false);
		MemoryContextSwitchTo(before);
		MemoryContextReset(context);
		SPI_freetuptable(table);
		CHECK_FOR_INTERRUPTS();
	}
	SPI_cursor_close(portal);
	PopActiveSnapshot();
	ks_access_leave(&access);
	MemoryContextDelete(context);
}

/* One value of a query on the stream; false if it is NULL. */
static bool
stream_value(KsQuery *query, Oid stream, Datum *value)
{
	Datum		arg = ObjectIdGetDatum(stream);
	KsAccess	access;
	bool		isnull;

	ks_access_enter(&access);
	ks_query_run(query, &arg, NULL);
	*value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	ks_access_leave(&access);
	return !isnull;
}

/*
 * From when on windows hold all events: from the beginning if every row ever
 * read was folded; else from where the partitions' staged rows begin (or from
 * their clocks, if none were folded).
 */
static void
write_complete_from(const Backfill *backfill)
{
	Oid			stream = backfill->stream->relid;
	Datum		value;

	if (!stream_value(&rows_counted, stream, &value) || DatumGetInt64(value) == backfill->nrows)
		return;
	if (backfill->nrows > 0)
		value = TimestampTzGetDatum(backfill->first_clock);
	else if (!stream_value(&highest_clock, stream, &value))
		return;
	ks_view_set_complete_from(backfill->view->id, DatumGetTimestampTz(value));
}

void
ks_backfill_staged(const KsView *view, const KsStream *stream, bool staged)
{
	Backfill	backfill = {.view = view,.stream = stream,.first_clock = DT_NOBEGIN};
	Relation	rel = relation_open(stream->relid, AccessShareLock);

	backfill.batch.stream = stream->relid;
	backfill.batch.desc = RelationGetDescr(rel);
	ks_fold_empty(view, stream, backfill.batch.desc);
	if (staged)
		fold_staged_rows(&backfill);
	relation_close(rel, NoLock);
	write_complete_from(&backfill);
}
