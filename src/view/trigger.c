/*
 * Rows that come by INSERT and COPY: a partition of their own.
 *
 * A statement's rows are numbered one by one as they are routed to a segment
 * (number_row), then folded together when the statement ends (fold_insert).
 * The first row of a statement takes the stream's lock in share mode and locks
 * the row of the partition of INSERTs, to the end of the transaction: so
 * inserts into one stream are serialised, and offsets come in commit order.
 *
 * The offsets given are kept in backend memory until fold_insert writes them;
 * a (sub)transaction that aborts in between forgets them.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/partition.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "replication/logicalworker.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "base/compat.h"
#include "catalog/access.h"
#include "catalog/counter.h"
#include "catalog/relation.h"
#include "catalog/stream.h"
#include "view/fold.h"
#include "view/trigger.h"

/* Rows of one statement are folded in batches of this many. */
#define INSERT_BATCH_ROWS 50000

/* Offsets that a statement under way has given to its rows. */
static struct
{
	Oid			stream;			/* InvalidOid: no statement under way */
	int64		next_offset;
}			numbering;

static KsQuery make_partition = {
	"INSERT INTO kafka_stream_internal.partition (stream, topic, kafka_partition, next_offset)"
	" VALUES ($1, '', -1, 0) ON CONFLICT DO NOTHING",
	1, {REGCLASSOID}
};

static KsQuery lock_partition = {
	"SELECT next_offset, clock FROM kafka_stream_internal.partition"
	" WHERE stream = $1 AND topic = '' AND kafka_partition = -1 FOR UPDATE",
	1, {REGCLASSOID}
};

static KsQuery move_partition = {
	"UPDATE kafka_stream_internal.partition SET next_offset = $2, clock = $3"
	" WHERE stream = $1 AND topic = '' AND kafka_partition = -1",
	3, {REGCLASSOID, INT8OID, TIMESTAMPTZOID}
};

static void
lock_insert_partition(Oid stream, int64 *next_offset, TimestampTz *clock)
{
	Datum		value = ObjectIdGetDatum(stream);
	KsAccess	access;
	bool		isnull;

	ks_stream_lock(stream, ShareLock);
	ks_access_enter(&access);
	if (ks_query_run(&lock_partition, &value, NULL) == 0)
	{
		ks_query_run(&make_partition, &value, NULL);
		if (ks_query_run(&lock_partition, &value, NULL) != 1)
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("could not lock the partition of INSERTs of stream %s",
							ks_relation_name(stream)),
					 errhint("Run the transaction again.")));
	}
	*next_offset = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	*clock = DatumGetTimestampTz(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
	ks_access_leave(&access);
}

static void
move_insert_partition(Oid stream, int64 next_offset, TimestampTz clock)
{
	Datum		values[] = {ObjectIdGetDatum(stream), Int64GetDatum(next_offset),
		TimestampTzGetDatum(clock)};
	KsAccess	access;

	ks_access_enter(&access);
	if (ks_query_run(&move_partition, values, NULL) != 1)
		elog(ERROR, "partition of INSERTs of stream %u is gone", stream);
	ks_access_leave(&access);
}

/* What number_row needs of a segment, kept for the statement. */
typedef struct Segment
{
	Oid			leaf;
	Oid			stream;
	int			partition;
	int			offset;
	int			timestamp;
	int			received;
} Segment;

static Segment *
segment_of(FmgrInfo *flinfo, Relation leaf)
{
	Segment    *segment = flinfo->fn_extra;
	TupleDesc	desc = RelationGetDescr(leaf);

	if (segment != NULL && segment->leaf == RelationGetRelid(leaf))
		return segment;
	if (segment == NULL)
		segment = flinfo->fn_extra = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(Segment));
	if (!leaf->rd_rel->relispartition ||
		ks_stream_load(get_partition_parent(RelationGetRelid(leaf), false), true) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a segment of a stream", RelationGetRelationName(leaf))));
	segment->leaf = RelationGetRelid(leaf);
	segment->stream = get_partition_parent(segment->leaf, false);
	segment->partition = SPI_fnumber(desc, "kafka_partition");
	segment->offset = SPI_fnumber(desc, "kafka_offset");
	segment->timestamp = SPI_fnumber(desc, "kafka_timestamp");
	segment->received = SPI_fnumber(desc, "kafka_received_at");
	return segment;
}

static void
refuse_supplied(HeapTuple tuple, TupleDesc desc, int attno, TimestampTz unless)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, attno, desc, &isnull);

	if (isnull || (unless != 0 && DatumGetTimestampTz(value) == unless))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_GENERATED_ALWAYS),
			 errmsg("column \"%s\" of a stream cannot be inserted into",
					NameStr(TupleDescAttr(desc, attno - 1)->attname)),
			 errhint("Leave the kafka_ columns out; with COPY, name the other columns.")));
}

/*
 * What a trigger function was called with: these are for the triggers of
 * streams alone, since all they do depends on it.
 */
static TriggerData *
trigger_data(FunctionCallInfo fcinfo, const char *function, TriggerEvent event)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		(event != 0 && (trigger->tg_event & (TRIGGER_EVENT_OPMASK | TRIGGER_EVENT_ROW | TRIGGER_EVENT_TIMINGMASK)) != event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("kafka_stream_internal.%s() is for the triggers of streams alone", function)));
	return trigger;
}

PG_FUNCTION_INFO_V1(ks_number_row);

/* BEFORE INSERT FOR EACH ROW on each segment: offset, timestamp, arrival. */
Datum
ks_number_row(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = trigger_data(fcinfo, "number_row",
										TRIGGER_EVENT_INSERT | TRIGGER_EVENT_ROW | TRIGGER_EVENT_BEFORE);
	TupleDesc	desc = RelationGetDescr(trigger->tg_relation);
	TimestampTz arrival = GetCurrentStatementStartTimestamp();
	Segment    *segment = segment_of(fcinfo->flinfo, trigger->tg_relation);
	HeapTuple	tuple = trigger->tg_trigtuple;
	int			attnos[] = {segment->offset, segment->timestamp, segment->received};
	bool		isnull[] = {false, false, false};
	Datum		values[3];

	if (IsLogicalWorker())
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a stream cannot be the target of logical replication"),
				 errdetail("Statement triggers do not fire there, and rows would not reach the views."),
				 errhint("Replicate into an ordinary table, or let the subscriber read the topic.")));
	refuse_supplied(tuple, desc, segment->partition, 0);
	refuse_supplied(tuple, desc, segment->offset, 0);
	refuse_supplied(tuple, desc, segment->timestamp, 0);
	refuse_supplied(tuple, desc, segment->received, arrival);
	if (numbering.stream != segment->stream)
	{
		TimestampTz clock;
		int64		next_offset;

		if (OidIsValid(numbering.stream))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("a statement that inserts into one stream cannot insert into another from within")));
		lock_insert_partition(segment->stream, &next_offset, &clock);
		numbering.stream = segment->stream;
		numbering.next_offset = next_offset;
	}
	values[0] = Int64GetDatum(numbering.next_offset++);
	values[1] = values[2] = TimestampTzGetDatum(arrival);
	PG_RETURN_POINTER(heap_modify_tuple_by_cols(tuple, desc, 3, attnos, values, isnull));
}

/* The rows of a statement, batch by batch. */
typedef struct InsertFold
{
	KsStream   *stream;
	KsBatch		batch;
	TimestampTz clock;			/* of the partition, after the rows so far */
	int64		next_offset;
	int64		nrows;
} InsertFold;

static void
check_event_time(const KsStream *stream, TimestampTz event_time, bool isnull)
{
	int64		limit;

	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("event time \"%s\" of a stream must not be null", stream->event_time)));
	if (TIMESTAMP_NOT_FINITE(event_time))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("event time \"%s\" of a stream must be finite", stream->event_time)));
	limit = GetCurrentStatementStartTimestamp() + stream->max_future;
	if (stream->max_future >= 0 && event_time > limit)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("event time %s is more than max_future ahead of the present time",
						timestamptz_to_str(event_time)),
				 errhint("Check the clock it came from, or see kafka_stream.alter_stream() for max_future.")));
}

/* Add one row to the batch: its values, its event time, the clock before it. */
static void
add_row(InsertFold *fold, TupleTableSlot *slot)
{
	KsBatch    *batch = &fold->batch;
	int			natts = batch->desc->natts;
	Size		base = (Size) batch->nrows * natts;
	int			time = fold->stream->event_time_attno - 1;
	int			offset = fold->stream->offset_attno - 1;

	slot_getallattrs(slot);
	for (int i = 0; i < natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(batch->desc, i);

		batch->isnull[base + i] = slot->tts_isnull[i];
		batch->values[base + i] = slot->tts_isnull[i] ? (Datum) 0 :
			datumCopy(slot->tts_values[i], att->attbyval, att->attlen);
	}
	check_event_time(fold->stream, DatumGetTimestampTz(batch->values[base + time]),
					 batch->isnull[base + time]);
	if (batch->isnull[base + offset] ||
		DatumGetInt64(batch->values[base + offset]) < fold->next_offset)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a statement that inserts into a stream cannot do so from within another one that does")));
	fold->next_offset = DatumGetInt64(batch->values[base + offset]) + 1;
	batch->event_time[batch->nrows] = DatumGetTimestampTz(batch->values[base + time]);
	batch->clock[batch->nrows] = fold->clock;
	fold->clock = Max(fold->clock, batch->event_time[batch->nrows]);
	batch->nrows++;
	fold->nrows++;
}

static void
fold_transition_table(InsertFold *fold, Tuplestorestate *rows)
{
	KsBatch    *batch = &fold->batch;
	TupleTableSlot *slot = MakeSingleTupleTableSlot(batch->desc, &TTSOpsMinimalTuple);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "kafka_stream insert",
												  ALLOCSET_DEFAULT_SIZES);
	bool		more = true;
	int64		capacity = Min(tuplestore_tuple_count(rows), INSERT_BATCH_ROWS);

	tuplestore_rescan(rows);
	while (more)
	{
		MemoryContext before = MemoryContextSwitchTo(context);

		batch->nrows = 0;
		batch->values = MemoryContextAllocHuge(context, sizeof(Datum) * capacity * batch->desc->natts);
		batch->isnull = MemoryContextAllocHuge(context, sizeof(bool) * capacity * batch->desc->natts);
		batch->event_time = palloc(sizeof(TimestampTz) * capacity);
		batch->clock = palloc(sizeof(TimestampTz) * capacity);
		while (batch->nrows < capacity &&
			   (more = tuplestore_gettupleslot(rows, true, false, slot)))
			add_row(fold, slot);
		if (batch->nrows > 0)
			ks_fold_batch(batch, false);
		MemoryContextSwitchTo(before);
		/* a tuple from a tuplestore that went to disk lives in this context */
		ExecClearTuple(slot);
		MemoryContextReset(context);
	}
	ExecDropSingleTupleTableSlot(slot);
	MemoryContextDelete(context);
}

PG_FUNCTION_INFO_V1(ks_fold_insert);

/* AFTER INSERT FOR EACH STATEMENT on the staging table. */
Datum
ks_fold_insert(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = trigger_data(fcinfo, "fold_insert", TRIGGER_EVENT_INSERT | TRIGGER_EVENT_AFTER);
	Oid			relid = RelationGetRelid(trigger->tg_relation);
	InsertFold	fold = {0};
	KsCounts	counts = {0};

	if (trigger->tg_newtable == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger \"%s\" has no transition table", trigger->tg_trigger->tgname)));
	if (tuplestore_tuple_count(trigger->tg_newtable) == 0)
	{
		/* Its rows, if it had any, were numbered and then refused by other triggers. */
		numbering.stream = InvalidOid;
		PG_RETURN_POINTER(NULL);
	}
	fold.stream = ks_stream_load(relid, false);
	fold.batch.stream = relid;
	fold.batch.desc = RelationGetDescr(trigger->tg_relation);
	lock_insert_partition(relid, &fold.next_offset, &fold.clock);
	fold_transition_table(&fold, trigger->tg_newtable);
	move_insert_partition(relid, Max(fold.next_offset, numbering.next_offset), fold.clock);
	numbering.stream = InvalidOid;
	counts.rows = fold.nrows;
	ks_counter_add(relid, 0, true, &counts);
	PG_RETURN_POINTER(NULL);
}

PG_FUNCTION_INFO_V1(ks_refuse_change);

/* BEFORE UPDATE, DELETE, TRUNCATE of a stream; BEFORE anything on a segment. */
Datum
ks_refuse_change(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = trigger_data(fcinfo, "refuse_change", 0);
	Relation	rel = trigger->tg_relation;

	if (rel->rd_rel->relispartition)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("segment \"%s\" of a stream cannot be written to directly",
						RelationGetRelationName(rel)),
				 errhint("INSERT into the stream itself.")));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("rows of stream \"%s\" cannot be changed or deleted",
					RelationGetRelationName(rel)),
			 errdetail("Its views have already counted them."),
			 errhint("Rows leave by themselves after the stream's retention; see kafka_stream.alter_stream().")));
}

static void
forget_numbering(XactEvent event, void *arg)
{
	numbering.stream = InvalidOid;
}

static void
forget_numbering_sub(SubXactEvent event, SubTransactionId mySubid,
					 SubTransactionId parentSubid, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		numbering.stream = InvalidOid;
}

void
ks_trigger_init(void)
{
	RegisterXactCallback(forget_numbering, NULL);
	RegisterSubXactCallback(forget_numbering_sub, NULL);
}
