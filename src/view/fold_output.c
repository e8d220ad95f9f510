/*
 * Receivers of fold plans.
 *
 * The tables they fill have, by kind of view:
 *   window:  pane, missed_end, g1..gn, s1..sm
 *   running: g1..gn, s1..sm
 *   rows:    kafka_partition, kafka_offset, clock, then the view's columns
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "executor/tuptable.h"
#include "storage/itemptr.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "aggregate/partial.h"
#include "view/fold_output.h"

static void
startup(DestReceiver *self, int operation, TupleDesc desc)
{
}

static void
shutdown(DestReceiver *self)
{
}

static void
destroy(DestReceiver *self)
{
	pfree(self);
}

/*
 * Keep the row under construction.  Receivers are called in the executor's
 * memory, which ends with the plan's run.
 */
static void
keep_row(KsFoldOutput *output)
{
	MemoryContext before = MemoryContextSwitchTo(output->context);

	if (output->ntuples == output->capacity)
	{
		output->capacity = Max(output->capacity * 2, 64);
		output->tuples = output->tuples ?
			repalloc_huge(output->tuples, output->capacity * sizeof(HeapTuple)) :
			palloc(output->capacity * sizeof(HeapTuple));
	}
	output->tuples[output->ntuples++] =
		heap_form_tuple(output->desc, output->values, output->isnull);
	MemoryContextSwitchTo(before);
}

/* A state as it is stored. */
static Datum
stored_state(const KsFoldPlan *plan, int aggregate, Datum value, bool isnull)
{
	if (isnull || !plan->internal[aggregate])
		return value;
	return PointerGetDatum(ks_state_wrap(plan->identities[aggregate], DatumGetByteaPP(value)));
}

/* One group of a window or running view: its keys, mark_row, its states. */
static bool
receive_state(TupleTableSlot *slot, DestReceiver *self)
{
	KsFoldOutput *output = (KsFoldOutput *) self;
	const KsFoldPlan *plan = output->plan;
	int			nkeys = list_length(plan->vq->groups);
	int			naggs = list_length(plan->vq->aggregates);
	int			in = 0,
				out = 0;

	slot_getallattrs(slot);
	if (plan->vq->kind == KS_VIEW_WINDOW)
	{
		output->values[out] = slot->tts_values[in];
		output->isnull[out++] = slot->tts_isnull[in++];
		output->values[out] = TimestampTzGetDatum(output->missed_end);
		output->isnull[out++] = false;
	}
	for (int i = 0; i < nkeys; i++, in++, out++)
	{
		output->values[out] = slot->tts_values[in];
		output->isnull[out] = slot->tts_isnull[in];
	}
	in++;						/* mark_row */
	for (int i = 0; i < naggs; i++, in++, out++)
	{
		output->values[out] = stored_state(plan, i, slot->tts_values[in], slot->tts_isnull[in]);
		output->isnull[out] = slot->tts_isnull[in];
	}
	keep_row(output);
	return true;
}

static int
row_of(TupleTableSlot *slot, int attno)
{
	bool		isnull;
	Datum		tid = slot_getattr(slot, attno, &isnull);

	Assert(!isnull);
	return ItemPointerGetBlockNumberNoCheck((ItemPointer) DatumGetPointer(tid));
}

/* One row of a view without aggregates; the last column is its number. */
static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	KsFoldOutput *output = (KsFoldOutput *) self;
	const KsBatch *batch = output->scan->batch;
	const KsStream *stream = output->stream;
	int			ncolumns = slot->tts_tupleDescriptor->natts - 1;
	int			row = row_of(slot, ncolumns + 1);
	Size		base = (Size) row * batch->desc->natts;

	slot_getallattrs(slot);
	output->scan->passed[row] = true;
	output->values[0] = batch->values[base + stream->partition_attno - 1];
	output->isnull[0] = batch->isnull[base + stream->partition_attno - 1];
	output->values[1] = batch->values[base + stream->offset_attno - 1];
	output->isnull[1] = batch->isnull[base + stream->offset_attno - 1];
	output->values[2] = TimestampTzGetDatum(Max(batch->clock[row], batch->event_time[row]));
	output->isnull[2] = false;
	memcpy(output->values + 3, slot->tts_values, ncolumns * sizeof(Datum));
	memcpy(output->isnull + 3, slot->tts_isnull, ncolumns * sizeof(bool));
	keep_row(output);
	return true;
}

KsFoldOutput *
ks_fold_output_create(const KsView *view, const KsFoldPlan *plan,
					  const KsStream *stream, TupleDesc desc)
{
	KsFoldOutput *output = palloc0(sizeof(KsFoldOutput));

	output->pub.receiveSlot = view->kind == KS_VIEW_ROWS ? receive_row : receive_state;
	output->pub.rStartup = startup;
	output->pub.rShutdown = shutdown;
	output->pub.rDestroy = destroy;
	output->pub.mydest = DestNone;
	output->plan = plan;
	output->stream = stream;
	output->desc = desc;
	output->values = palloc(desc->natts * sizeof(Datum));
	output->isnull = palloc(desc->natts * sizeof(bool));
	output->context = AllocSetContextCreate(CurrentMemoryContext, "kafka_stream fold results",
											ALLOCSET_DEFAULT_SIZES);
	return output;
}

void
ks_fold_output_start(KsFoldOutput *output, KsBatchScan *scan, TimestampTz missed_end)
{
	MemoryContextReset(output->context);
	output->scan = scan;
	output->missed_end = missed_end;
	output->tuples = NULL;
	output->ntuples = output->capacity = 0;
}

void
ks_fold_output_append(KsFoldOutput *output, KsAppender *appender)
{
	for (int i = 0; i < output->ntuples; i++)
		ks_append_tuple(appender, output->tuples[i]);
	output->ntuples = 0;
}

typedef struct PassesOutput
{
	DestReceiver pub;
	KsBatchScan *scan;
} PassesOutput;

static bool
receive_pass(TupleTableSlot *slot, DestReceiver *self)
{
	((PassesOutput *) self)->scan->passed[row_of(slot, 1)] = true;
	return true;
}

DestReceiver *
ks_passes_output_create(KsBatchScan *scan)
{
	PassesOutput *output = palloc0(sizeof(PassesOutput));

	output->pub.receiveSlot = receive_pass;
	output->pub.rStartup = startup;
	output->pub.rShutdown = shutdown;
	output->pub.rDestroy = destroy;
	output->pub.mydest = DestNone;
	output->scan = scan;
	return &output->pub;
}
