/*
 * Multi-insert into a table of our own.
 *
 * Rows are gathered in up to APPEND_SLOTS slots, then go to the heap at once
 * and to the indexes one by one, as COPY does.  Slots live in the context that
 * was current at ks_append_begin().
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "view/append.h"

#define APPEND_SLOTS 500

struct KsAppender
{
	MemoryContext context;
	Relation	rel;
	EState	   *estate;
	ResultRelInfo *target;
	BulkInsertState bulk;
	TupleTableSlot *slots[APPEND_SLOTS];
	int			nslots;			/* slots in use */
	int64		nrows;
};

KsAppender *
ks_append_begin(Oid relid)
{
	KsAppender *appender = palloc0(sizeof(KsAppender));

	appender->context = CurrentMemoryContext;
	appender->rel = table_open(relid, RowExclusiveLock);
	appender->estate = CreateExecutorState();
	appender->target = makeNode(ResultRelInfo);
	InitResultRelInfo(appender->target, appender->rel, 1, NULL, 0);
	ExecOpenIndices(appender->target, false);
	appender->bulk = GetBulkInsertState();
	return appender;
}

TupleDesc
ks_append_desc(const KsAppender *appender)
{
	return RelationGetDescr(appender->rel);
}

static void
flush_rows(KsAppender *appender)
{
	CommandId	cid = GetCurrentCommandId(true);
	MemoryContext before;

	if (appender->nslots == 0)
		return;
	/* The access method may leave things behind in the current context. */
	before = MemoryContextSwitchTo(GetPerTupleMemoryContext(appender->estate));
	table_multi_insert(appender->rel, appender->slots, appender->nslots, cid, 0, appender->bulk);
	MemoryContextSwitchTo(before);
	for (int i = 0; i < appender->nslots; i++)
	{
		if (appender->target->ri_NumIndices > 0)
		{
			GetPerTupleExprContext(appender->estate)->ecxt_scantuple = appender->slots[i];
			list_free(ks_insert_index_tuples(appender->target, appender->slots[i], appender->estate));
		}
		ExecClearTuple(appender->slots[i]);
	}
	ResetPerTupleExprContext(appender->estate);
	appender->nslots = 0;
}

/* The next free slot. */
static TupleTableSlot *
next_slot(KsAppender *appender)
{
	if (appender->slots[appender->nslots] == NULL)
	{
		MemoryContext before = MemoryContextSwitchTo(appender->context);

		appender->slots[appender->nslots] = table_slot_create(appender->rel, NULL);
		MemoryContextSwitchTo(before);
	}
	return appender->slots[appender->nslots++];
}

static void
count_row(KsAppender *appender)
{
	appender->nrows++;
	if (appender->nslots == APPEND_SLOTS)
		flush_rows(appender);
}

void
ks_append_row(KsAppender *appender, const Datum *values, const bool *isnull)
{
	TupleDesc	desc = RelationGetDescr(appender->rel);
	TupleTableSlot *slot = next_slot(appender);

	memcpy(slot->tts_values, values, desc->natts * sizeof(Datum));
	memcpy(slot->tts_isnull, isnull, desc->natts * sizeof(bool));
	ExecStoreVirtualTuple(slot);
	ExecMaterializeSlot(slot);
	count_row(appender);
}

void
ks_append_tuple(KsAppender *appender, HeapTuple tuple)
{
	ExecForceStoreHeapTuple(tuple, next_slot(appender), false);
	count_row(appender);
}

int64
ks_append_end(KsAppender *appender)
{
	int64		nrows = appender->nrows;

	flush_rows(appender);
	for (int i = 0; i < APPEND_SLOTS && appender->slots[i] != NULL; i++)
		ExecDropSingleTupleTableSlot(appender->slots[i]);
	FreeBulkInsertState(appender->bulk);
	ExecCloseIndices(appender->target);
	FreeExecutorState(appender->estate);
	table_close(appender->rel, NoLock);
	pfree(appender);
	return nrows;
}
