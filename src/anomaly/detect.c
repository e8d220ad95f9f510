/*
 * detect_*(): one C function behind all of them; the method is found by the
 * name of the SQL function.
 *
 * The rows come from an ordinary query with the caller's rights, in order of
 * series and time, straight from the executor into the detector and out into
 * the result's tuplestore.  The state of one series is kept at a time.
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

typedef struct Detector
{
	DestReceiver receiver;		/* must be first */
	const KsDetectorCall *call;
	ReturnSetInfo *result;
	void	   *state;			/* of the present series */

	TupleDesc	key_desc;		/* the columns of partition_by, all at the front of a row */
	FmgrInfo	to_jsonb;
	Datum	   *key;			/* of the last row */
	bool	   *key_isnull;
	Jsonb	   *series;			/* of the last row; NULL before the first */
	MemoryContext series_context;	/* of these three */
	MemoryContext spare_context;
} Detector;

static void
startup(DestReceiver *receiver, int operation, TupleDesc desc)
{
	Detector   *detector = (Detector *) receiver;
	int			nkeys = list_length(detector->call->partition_by);

	detector->key_desc = CreateTemplateTupleDesc(nkeys);
	for (int i = 1; i <= nkeys; i++)
		TupleDescCopyEntry(detector->key_desc, i, desc, i);
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
	if (detector->series == NULL)
		return false;
	for (int i = 0; i < detector->key_desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(detector->key_desc, i);

		if (slot->tts_isnull[i] != detector->key_isnull[i])
			return false;
		if (!slot->tts_isnull[i] &&
			!datum_image_eq(slot->tts_values[i], detector->key[i], att->attbyval, att->attlen))
			return false;
	}
	return true;
}

static Jsonb *
build_series(Detector *detector, const TupleTableSlot *slot)
{
	HeapTuple	key = heap_form_tuple(detector->key_desc, slot->tts_values, slot->tts_isnull);

	return DatumGetJsonbP(FunctionCall1(&detector->to_jsonb,
										heap_copy_tuple_as_datum(key, detector->key_desc)));
}

/*
 * Remember the row's key.  It can be another one without being another series:
 * 1.0 and 1.00 are equal.
 */
static void
change_key(Detector *detector, const TupleTableSlot *slot)
{
	int			nkeys = detector->key_desc->natts;
	Jsonb	   *before = detector->series;
	MemoryContext context = detector->spare_context;
	MemoryContext old = MemoryContextSwitchTo(context);

	detector->key = palloc(nkeys * sizeof(Datum));
	detector->key_isnull = palloc(nkeys * sizeof(bool));
	for (int i = 0; i < nkeys; i++)
	{
		Form_pg_attribute att = TupleDescAttr(detector->key_desc, i);

		detector->key_isnull[i] = slot->tts_isnull[i];
		if (!slot->tts_isnull[i])
			detector->key[i] = datumCopy(slot->tts_values[i], att->attbyval, att->attlen);
	}
	detector->series = build_series(detector, slot);
	if (before == NULL || compareJsonbContainers(&before->root, &detector->series->root) != 0)
		detector->call->method->init(detector->call->params, detector->state);
	MemoryContextSwitchTo(old);
	detector->spare_context = detector->series_context;
	detector->series_context = context;
	MemoryContextReset(detector->spare_context);
}

static void
read_row(const Detector *detector, const TupleTableSlot *slot, KsDetectorRow *row)
{
	int			column = detector->key_desc->natts;

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

	value[0] = JsonbPGetDatum(detector->series);
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
		change_key(detector, slot);
	read_row(detector, slot, &row);
	detector->call->method->step(detector->call->params, detector->state, &row, &detection);
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
	detector->state = palloc(call->method->state_size(call->params));
	detector->series_context = AllocSetContextCreate(CurrentMemoryContext, "series",
													 ALLOCSET_SMALL_SIZES);
	detector->spare_context = AllocSetContextCreate(CurrentMemoryContext, "last series",
													ALLOCSET_SMALL_SIZES);
}

/* Read-only, so that the query sees what the calling one does. */
static void
run_query(Detector *detector)
{
	char	   *query = ks_detector_call_columns_query(detector->call, NULL);
	SPIExecuteOptions options = {.read_only = true, .dest = &detector->receiver};
	int			result;

	SPI_connect();
	result = SPI_execute_extended(query, &options);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "query of %s failed: %s", detector->call->method->name,
			 SPI_result_code_string(result));
	SPI_finish();
}

Datum
ks_detect(PG_FUNCTION_ARGS)
{
	Datum		args[FUNC_MAX_ARGS];
	bool		isnull[FUNC_MAX_ARGS];
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
	run_query(&detector);
	return (Datum) 0;
}
