/*
 * detect_*(): one C function behind all of them; the method is found by the
 * name of the SQL function.
 *
 * The rows come from an ordinary query with the caller's rights, sorted by a
 * hash of the series and the time, straight from the executor into the detector
 * and out into the result's tuplestore.  The states of series with one hash are
 * kept at a time: nearly always one.  Where they are many, since somebody chose
 * them to be, all begins anew with rows sorted by series.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "tcop/dest.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "anomaly/call.h"

PG_FUNCTION_INFO_V1(ks_detect);

#define RESULT_COLUMNS 8

/* Series with one hash, at most. */
#define MAX_NEIGHBOURS 8

/* A series that has begun. */
typedef struct Series
{
	Datum	   *key;			/* of its last row: values of the partition_by columns */
	bool	   *key_isnull;
	Jsonb	   *name;			/* the same as an object */
	void	   *state;
} Series;

typedef struct Detector
{
	DestReceiver receiver;		/* must be first */
	const KsDetectorCall *call;
	ReturnSetInfo *result;

	/*
	 * The front of a row, if there is partition_by: its place, then the key.  If
	 * sorted by series, the key is the series' name, and there is no place.
	 */
	bool		by_series;
	bool		crowded;		/* too many neighbours: to be begun anew by series */
	int			first_key;
	TupleDesc	key_desc;
	FmgrInfo	to_jsonb;

	Series	   *series;			/* of the last row; NULL before the first */
	int64		place;			/* their common one, without the time */
	List	   *neighbours;		/* all series at that place, nearly always one */
	MemoryContext context;		/* of the series; reset for each place */
	MemoryContext scratch;		/* of looking for one */
} Detector;

static void
startup(DestReceiver *receiver, int operation, TupleDesc desc)
{
	Detector   *detector = (Detector *) receiver;
	int			nkeys = detector->by_series ? 1 : list_length(detector->call->partition_by);

	detector->first_key = nkeys > 0 && !detector->by_series ? 1 : 0;
	detector->key_desc = CreateTemplateTupleDesc(nkeys);
	for (int i = 1; i <= nkeys; i++)
		TupleDescCopyEntry(detector->key_desc, i, desc, detector->first_key + i);
	BlessTupleDesc(detector->key_desc);
	fmgr_info(F_TO_JSONB, &detector->to_jsonb);
	fmgr_info_set_expr((Node *) makeFuncExpr(F_TO_JSONB, JSONBOID,
											 list_make1(makeNullConst(RECORDOID, -1, InvalidOid)),
											 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL),
					   &detector->to_jsonb);
}

static void
shutdown(DestReceiver *receiver)
{
}

/* Is the row's key the same, byte by byte, as that of the row before? */
static bool
key_is_same(const Detector *detector, const TupleTableSlot *slot)
{
	const Series *series = detector->series;
	const Datum *key = slot->tts_values + detector->first_key;
	const bool *isnull = slot->tts_isnull + detector->first_key;

	if (series == NULL)
		return false;
	for (int i = 0; i < detector->key_desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(detector->key_desc, i);

		if (isnull[i] != series->key_isnull[i])
			return false;
		if (!isnull[i] && !datum_image_eq(key[i], series->key[i], att->attbyval, att->attlen))
			return false;
	}
	return true;
}

static Jsonb *
name_series(Detector *detector, const TupleTableSlot *slot)
{
	HeapTuple	key;

	if (detector->by_series)
		return DatumGetJsonbP(slot->tts_values[0]);
	key = heap_form_tuple(detector->key_desc, slot->tts_values + detector->first_key,
						  slot->tts_isnull + detector->first_key);
	return DatumGetJsonbP(FunctionCall1(&detector->to_jsonb,
										heap_copy_tuple_as_datum(key, detector->key_desc)));
}

static Series *
begin_series(Detector *detector, Jsonb *name)
{
	const KsDetectorCall *call = detector->call;
	int			nkeys = detector->key_desc->natts;
	Series	   *series = palloc(sizeof(Series));

	series->name = (Jsonb *) PG_DETOAST_DATUM_COPY(JsonbPGetDatum(name));
	series->key = palloc0(nkeys * sizeof(Datum));
	series->key_isnull = palloc(nkeys * sizeof(bool));
	memset(series->key_isnull, true, nkeys * sizeof(bool));
	series->state = palloc(call->method->state_size(call->params));
	call->method->init(call->params, series->state);
	detector->neighbours = lappend(detector->neighbours, series);
	return series;
}

/* The series of that name at the present place; NULL if there is none. */
static Series *
find_series(const Detector *detector, Jsonb *name)
{
	ListCell   *lc;

	foreach(lc, detector->neighbours)
	{
		Series	   *series = lfirst(lc);

		if (compareJsonbContainers(&series->name->root, &name->root) == 0)
			return series;
	}
	return NULL;
}

/* Remember the row's key; another one can still be the same series: 1.0 and 1.00 are equal. */
static void
set_key(const Detector *detector, Series *series, const TupleTableSlot *slot)
{
	for (int i = 0; i < detector->key_desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(detector->key_desc, i);
		int			column = detector->first_key + i;

		if (!att->attbyval && !series->key_isnull[i])
			pfree(DatumGetPointer(series->key[i]));
		series->key_isnull[i] = slot->tts_isnull[column];
		if (!slot->tts_isnull[column])
			series->key[i] = datumCopy(slot->tts_values[column], att->attbyval, att->attlen);
	}
}

/* Remember the row's place; is it another one than the last row's? */
static bool
change_place(Detector *detector, const TupleTableSlot *slot, Jsonb *name)
{
	int64		before = detector->place;

	if (detector->by_series)
		return find_series(detector, name) == NULL;
	detector->place = detector->first_key == 0 ? 0 : DatumGetInt64(slot->tts_values[0]) >> 32;
	return detector->place != before;
}

/* Go to the series of a row whose key is not the last row's. */
static void
change_series(Detector *detector, const TupleTableSlot *slot)
{
	MemoryContext old = MemoryContextSwitchTo(detector->scratch);
	Jsonb	   *name = name_series(detector, slot);

	MemoryContextSwitchTo(detector->context);
	if (change_place(detector, slot, name))
	{
		detector->neighbours = NIL;
		MemoryContextReset(detector->context);
	}
	detector->series = find_series(detector, name);
	if (detector->series == NULL)
		detector->series = begin_series(detector, name);
	set_key(detector, detector->series, slot);
	detector->crowded = list_length(detector->neighbours) > MAX_NEIGHBOURS;
	MemoryContextSwitchTo(old);
	MemoryContextReset(detector->scratch);
}

static void
read_row(const Detector *detector, const TupleTableSlot *slot, KsDetectorRow *row)
{
	int			column = detector->first_key + detector->key_desc->natts;

	row->no_ts = slot->tts_isnull[column];
	row->ts = row->no_ts ? 0 : DatumGetTimestampTz(slot->tts_values[column]);
	for (int i = 0; i < detector->call->method->nvalues; i++)
	{
		column++;
		row->isnull[i] = slot->tts_isnull[column];
		/* adding 0 makes -0, which is equal to it, the same */
		row->value[i] = row->isnull[i] ? 0 : DatumGetFloat8(slot->tts_values[column]) + 0.0;
	}
}

static void
put_row(const Detector *detector, const KsDetectorRow *row, const KsDetection *detection)
{
	double		number[] = {
		detection->expected, detection->lower, detection->upper, detection->score
	};
	Datum		value[RESULT_COLUMNS];
	bool		isnull[RESULT_COLUMNS] = {false, row->no_ts, row->isnull[0]};

	value[0] = JsonbPGetDatum(detector->series->name);
	value[1] = TimestampTzGetDatum(row->ts);
	value[2] = Float8GetDatum(row->value[0]);
	for (int i = 0; i < lengthof(number); i++)
	{
		value[3 + i] = Float8GetDatum(number[i]);
		isnull[3 + i] = isnan(number[i]);
	}
	value[7] = BoolGetDatum(detection->is_anomaly);
	tuplestore_putvalues(detector->result->setResult, detector->result->setDesc, value, isnull);
}

static bool
receive(TupleTableSlot *slot, DestReceiver *receiver)
{
	Detector   *detector = (Detector *) receiver;
	KsDetectorRow row;
	KsDetection detection;

	CHECK_FOR_INTERRUPTS();
	slot_getallattrs(slot);
	if (!key_is_same(detector, slot))
		change_series(detector, slot);
	if (detector->crowded)
		return false;
	read_row(detector, slot, &row);
	detector->call->method->step(detector->call->params, detector->series->state, &row, &detection);
	put_row(detector, &row, &detection);
	return true;
}

static void
init_detector(Detector *detector, const KsDetectorCall *call, ReturnSetInfo *result)
{
	memset(detector, 0, sizeof(Detector));
	detector->receiver.receiveSlot = receive;
	detector->receiver.rStartup = startup;
	detector->receiver.rShutdown = shutdown;
	detector->receiver.rDestroy = shutdown;
	detector->receiver.mydest = DestTuplestore;
	detector->call = call;
	detector->result = result;
	detector->context = AllocSetContextCreate(CurrentMemoryContext, "series of a detector",
											  ALLOCSET_DEFAULT_SIZES);
	detector->scratch = AllocSetContextCreate(CurrentMemoryContext, "name of a series",
											  ALLOCSET_SMALL_SIZES);
}

/* Read-only, so that the query sees what the calling one does. */
static void
run_query(Detector *detector, const char *query)
{
	SPIExecuteOptions options = {.read_only = true, .dest = &detector->receiver};
	int			result;

	SPI_connect();
	result = SPI_execute_extended(query, &options);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "query of %s failed: %s", detector->call->method->name,
			 SPI_result_code_string(result));
	SPI_finish();
}

static void
begin_anew_by_series(Detector *detector)
{
	tuplestore_clear(detector->result->setResult);
	MemoryContextReset(detector->context);
	detector->neighbours = NIL;
	detector->series = NULL;
	detector->crowded = false;
	detector->by_series = true;
	run_query(detector, ks_detector_call_query(detector->call, NULL));
}

Datum
ks_detect(PG_FUNCTION_ARGS)
{
	Datum		args[FUNC_MAX_ARGS] = {0};
	bool		isnull[FUNC_MAX_ARGS] = {0};
	KsDetectorCall *call;
	Detector	detector;

	for (int i = 0; i < PG_NARGS(); i++)
	{
		args[i] = fcinfo->args[i].value;
		isnull[i] = fcinfo->args[i].isnull;
	}
	call = ks_detector_call(fcinfo->flinfo->fn_oid, PG_NARGS(), args, isnull);
	if (call == NULL)
		elog(ERROR, "function %u is no detector", fcinfo->flinfo->fn_oid);
	InitMaterializedSRF(fcinfo, 0);
	init_detector(&detector, call, (ReturnSetInfo *) fcinfo->resultinfo);
	run_query(&detector, ks_detector_call_columns_query(call, NULL));
	if (detector.crowded)
		begin_anew_by_series(&detector);
	return (Datum) 0;
}
