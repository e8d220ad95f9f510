/*
 * Rows of a batch into the segment of the staging table that is being filled.
 *
 * All rows of a batch arrive at one time, so all go to one segment; heap tuples
 * are formed directly and inserted many at a time.  Memory is that of one
 * chunk.
 */
#include "postgres.h"

#include "access/attmap.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "base/role.h"
#include "catalog/staging.h"
#include "worker/stage.h"

#define CHUNK_ROWS 1000

typedef struct Stage
{
	Relation	leaf;
	AttrMap    *map;			/* NULL: the leaf's columns are the table's */
	Datum	   *values;			/* of one row of the leaf, if mapped */
	bool	   *isnull;
	TupleTableSlot *slots[CHUNK_ROWS];
	int			nslots;			/* made so far */
	EState	   *estate;			/* only if the leaf has indexes */
	ResultRelInfo *result;
	CommandId	command;
	MemoryContext chunk;
} Stage;

static void
open_indexes(Stage *stage)
{
	if (!stage->leaf->rd_rel->relhasindex)
		return;
	stage->estate = CreateExecutorState();
	stage->result = makeNode(ResultRelInfo);
	InitResultRelInfo(stage->result, stage->leaf, 0, NULL, 0);
	ExecOpenIndices(stage->result, false);
}

static void
insert_index_entries(Stage *stage, int n)
{
	int			i;

	if (stage->result == NULL || stage->result->ri_NumIndices == 0)
		return;
	for (i = 0; i < n; i++)
	{
		List	   *recheck = ks_insert_index_tuples(stage->result, stage->slots[i],
													 stage->estate);

		list_free(recheck);
		ResetPerTupleExprContext(stage->estate);
	}
}

static HeapTuple
form_tuple(Stage *stage, Datum *values, bool *isnull)
{
	int			i;

	if (stage->map == NULL)
		return heap_form_tuple(RelationGetDescr(stage->leaf), values, isnull);
	for (i = 0; i < RelationGetDescr(stage->leaf)->natts; i++)
	{
		AttrNumber	from = stage->map->attnums[i];

		stage->isnull[i] = from == 0 || isnull[from - 1];
		stage->values[i] = stage->isnull[i] ? (Datum) 0 : values[from - 1];
	}
	return heap_form_tuple(RelationGetDescr(stage->leaf), stage->values, stage->isnull);
}

static void
insert_chunk(Stage *stage, const KsBatch *batch, int from, int n)
{
	int			natts = batch->desc->natts;
	MemoryContext old;
	int			i;

	for (; stage->nslots < n; stage->nslots++)
		stage->slots[stage->nslots] =
			MakeSingleTupleTableSlot(RelationGetDescr(stage->leaf), &TTSOpsHeapTuple);
	old = MemoryContextSwitchTo(stage->chunk);
	for (i = 0; i < n; i++)
	{
		Size		at = (Size) (from + i) * natts;

		ExecStoreHeapTuple(form_tuple(stage, batch->values + at, batch->isnull + at),
						   stage->slots[i], false);
	}
	table_multi_insert(stage->leaf, stage->slots, n, stage->command,
					   TABLE_INSERT_SKIP_FSM, NULL);
	insert_index_entries(stage, n);
	for (i = 0; i < n; i++)
		ExecClearTuple(stage->slots[i]);
	MemoryContextSwitchTo(old);
	MemoryContextReset(stage->chunk);
}

static void
begin(Stage *stage, Relation staging, TimestampTz now)
{
	int			segment = ks_staging_segment(now, ks_staging_width_of(staging));
	int			natts;

	memset(stage, 0, sizeof(Stage));
	stage->leaf = table_open(ks_staging_leaf(staging, segment), RowExclusiveLock);
	natts = RelationGetDescr(stage->leaf)->natts;
	stage->map = ks_attrmap_if_req(RelationGetDescr(staging),
								   RelationGetDescr(stage->leaf));
	stage->values = palloc(natts * sizeof(Datum));
	stage->isnull = palloc(natts * sizeof(bool));
	stage->command = GetCurrentCommandId(true);
	stage->chunk = AllocSetContextCreate(CurrentMemoryContext, "staging chunk",
										 ALLOCSET_DEFAULT_SIZES);
	open_indexes(stage);
}

static void
end(Stage *stage)
{
	int			i;

	for (i = 0; i < stage->nslots; i++)
		ExecDropSingleTupleTableSlot(stage->slots[i]);
	if (stage->result != NULL)
	{
		ExecCloseIndices(stage->result);
		FreeExecutorState(stage->estate);
	}
	MemoryContextDelete(stage->chunk);
	table_close(stage->leaf, NoLock);
}

void
ks_stage_rows(Relation staging, Oid owner, const KsBatch *batch, TimestampTz now)
{
	KsRole		before;
	Stage		stage;
	int			from;

	if (batch->nrows == 0)
		return;
	ks_role_enter_owner(&before, owner);
	begin(&stage, staging, now);
	for (from = 0; from < batch->nrows; from += CHUNK_ROWS)
		insert_chunk(&stage, batch, from, Min(CHUNK_ROWS, batch->nrows - from));
	end(&stage);
	ks_role_leave(&before);
}
