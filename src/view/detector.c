/*
 * Giving final windows to a detector.
 *
 * The source's rows are read as the view's owner, through the source view, in
 * order of series and time.  For each series its state is loaded, taken through
 * the rows, and stored; one state is in memory at a time.  A series without a
 * row for as long as the view's retention is forgotten.
 */
#include "postgres.h"

#include <math.h>

#include "access/table.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/role.h"
#include "catalog/access.h"
#include "catalog/relation.h"
#include "view/append.h"
#include "view/detector.h"
#include "view/detector_query.h"
#include "view/identity.h"
#include "view/owner_query.h"
#include "view/window_of.h"

/* Columns of ks_detector_call_query(). */
enum
{
	ROW_SERIES = 1,
	ROW_TS,
	ROW_VALUE
};

/* One view that follows its source. */
typedef struct Following
{
	const KsView *view;
	const KsDetectorCall *call;
	KsWindow	window;
	bool		ts_is_end;		/* of the window; else its start */
	bool		stateless;		/* the method keeps nothing of the past */
	SPIPlanPtr	load;
	SPIPlanPtr	update;
	SPIPlanPtr	insert;
	KsAppender *finals;

	/* the series at hand */
	MemoryContext context;		/* reset after each */
	Jsonb	   *series;			/* NULL: none */
	bytea	   *state;
	bool		is_new;
	TimestampTz newest;
} Following;

/* The call in a view's definition, whose arguments are checked anew. */
static KsDetectorCall *
load_call(const KsView *view)
{
	Relation	rel = table_open(view->definition, AccessShareLock);
	Query	   *query = copyObject(get_view_query(rel));
	KsRole		before;
	KsDetectorCall *call;

	table_close(rel, NoLock);
	ks_identity_enter(&before, view->owner, view->settings);
	if (!ks_detector_query_is(query))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the definition of continuous view %s has been changed",
						ks_relation_name(view->relid)),
				 errhint("Drop the view with kafka_stream.drop_view() and create it again.")));
	call = ks_detector_query_check(query);
	ks_role_leave(&before);
	return call;
}

static char *
rows_sql(const KsDetectorCall *call)
{
	return ks_detector_call_query(call, "r.window_end OPERATOR(pg_catalog.>) $1");
}

char *
ks_detector_rows_sql(const KsView *view)
{
	return rows_sql(load_call(view));
}

/* The bytes that a method's step works on. */
static void *
state_bytes(bytea *state)
{
	/* a copy: VARDATA is not aligned for doubles */
	return (char *) state + MAXALIGN(VARHDRSZ);
}

/* As it is stored: the header, padding, and the method's bytes. */
static bytea *
make_state(const KsDetectorCall *call)
{
	size_t		size = MAXALIGN(VARHDRSZ) + call->method->state_size(call->params);
	bytea	   *state = palloc0(size);

	SET_VARSIZE(state, size);
	return state;
}

/*
 * The view's owner can replace the rule of its definition, and a method that is
 * given another's bytes would go astray in them.
 */
static void
check_state(const Following *f, const char *identity, const bytea *state)
{
	if (strcmp(identity, f->call->identity) == 0 &&
		VARSIZE(state) == MAXALIGN(VARHDRSZ) + f->call->method->state_size(f->call->params))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("the state of series %s was written by another version of %s, or with other arguments",
					JsonbToCString(NULL, &f->series->root, VARSIZE(f->series)), f->call->method->name),
			 errhint("Drop the view with kafka_stream.drop_view() and create it again.")));
}

/* The stored state of the series at hand; false if it is new. */
static bool
find_state(Following *f)
{
	Datum		value = JsonbPGetDatum(f->series);
	bool		found;
	bool		isnull;

	if (SPI_execute_plan(f->load, &value, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not load the state of a series");
	found = SPI_processed > 0;
	if (found)
	{
		f->state = DatumGetByteaPCopy(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
		check_state(f, SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1), f->state);
	}
	/* without a row it still has a context of its own */
	SPI_freetuptable(SPI_tuptable);
	return found;
}

static void
load_series(Following *f)
{
	f->newest = DT_NOBEGIN;
	f->is_new = f->stateless || !find_state(f);
	if (f->is_new)
	{
		f->state = make_state(f->call);
		f->call->method->init(f->call->params, state_bytes(f->state));
	}
}

static void
store_series(Following *f)
{
	Datum		values[] = {
		JsonbPGetDatum(f->series), TimestampTzGetDatum(f->newest),
		CStringGetTextDatum(f->call->identity), PointerGetDatum(f->state),
	};

	if (f->series == NULL)
		return;
	if (!f->stateless &&
		SPI_execute_plan(f->is_new ? f->insert : f->update, values, NULL, false, 0) < 0)
		elog(ERROR, "could not store the state of a series");
	f->series = NULL;
	MemoryContextReset(f->context);
}

/* Go on with the series of the row in 'slot', in f->context. */
static void
take_series(Following *f, TupleTableSlot *slot)
{
	Datum		value = slot->tts_values[ROW_SERIES - 1];
	Jsonb	   *series = DatumGetJsonbP(value);
	bool		same = f->series != NULL && compareJsonbContainers(&f->series->root, &series->root) == 0;

	if ((Pointer) series != DatumGetPointer(value))
		pfree(series);
	if (same)
		return;
	store_series(f);
	MemoryContextSwitchTo(f->context);
	f->series = DatumGetJsonbPCopy(value);
	load_series(f);
}

static Datum
float_or_null(double value, bool *isnull)
{
	*isnull = isnan(value);
	return Float8GetDatum(value);
}

static void
set_window(const Following *f, TimestampTz ts, Datum *values)
{
	TimestampTz start = ts;
	TimestampTz end = ts;

	if (f->window.kind == KS_WINDOW_CUMULATE)
		ks_window_first(&f->window, ts - 1, &start, &(TimestampTz) {0});
	else if (f->ts_is_end)
		start = ts - f->window.size;
	else
		end = ts + f->window.size;
	values[KS_DETECTED_WINDOW_START - 1] = TimestampTzGetDatum(start);
	values[KS_DETECTED_WINDOW_END - 1] = TimestampTzGetDatum(end);
}

static void
take_row(Following *f, TupleTableSlot *slot)
{
	KsDetectorRow row = {.ts = DatumGetTimestampTz(slot->tts_values[ROW_TS - 1])};
	KsDetection detection;
	Datum		values[KS_DETECTED_WINDOW_END] = {0};
	bool		isnull[KS_DETECTED_WINDOW_END] = {0};

	take_series(f, slot);
	for (int i = 0; i < f->call->method->nvalues; i++)
	{
		row.isnull[i] = slot->tts_isnull[ROW_VALUE - 1 + i];
		/* as the function does: -0, which is equal to it, is the same */
		row.value[i] = row.isnull[i] ? 0 : DatumGetFloat8(slot->tts_values[ROW_VALUE - 1 + i]) + 0.0;
	}
	f->call->method->step(f->call->params, state_bytes(f->state), &row, &detection);
	f->newest = Max(f->newest, row.ts);

	values[KS_DETECTED_SERIES - 1] = JsonbPGetDatum(f->series);
	values[KS_DETECTED_TS - 1] = TimestampTzGetDatum(row.ts);
	values[KS_DETECTED_VALUE - 1] = Float8GetDatum(row.value[0]);
	isnull[KS_DETECTED_VALUE - 1] = row.isnull[0];
	values[KS_DETECTED_EXPECTED - 1] = float_or_null(detection.expected, &isnull[KS_DETECTED_EXPECTED - 1]);
	values[KS_DETECTED_LOWER - 1] = float_or_null(detection.lower, &isnull[KS_DETECTED_LOWER - 1]);
	values[KS_DETECTED_UPPER - 1] = float_or_null(detection.upper, &isnull[KS_DETECTED_UPPER - 1]);
	values[KS_DETECTED_SCORE - 1] = float_or_null(detection.score, &isnull[KS_DETECTED_SCORE - 1]);
	values[KS_DETECTED_IS_ANOMALY - 1] = BoolGetDatum(detection.is_anomaly);
	set_window(f, row.ts, values);
	ks_append_row(f->finals, values, isnull);
}

static SPIPlanPtr
prepare(const char *sql, int nargs)
{
	Oid			types[] = {JSONBOID, TIMESTAMPTZOID, TEXTOID, BYTEAOID};
	SPIPlanPtr	plan = SPI_prepare(sql, nargs, types);

	if (plan == NULL)
		elog(ERROR, "could not prepare \"%s\": %s", sql, SPI_result_code_string(SPI_result));
	return plan;
}

static void
prepare_plans(Following *f)
{
	const char *states = ks_relation_name(f->view->states);

	f->load = prepare(psprintf("SELECT s.identity, s.state FROM %s s"
							   " WHERE s.series OPERATOR(pg_catalog.=) $1", states), 1);
	f->insert = prepare(psprintf("INSERT INTO %s (series, newest, identity, state)"
								 " VALUES ($1, $2, $3, $4)", states), 4);
	f->update = prepare(psprintf("UPDATE %s SET newest = $2, identity = $3, state = $4"
								 " WHERE series OPERATOR(pg_catalog.=) $1", states), 4);
}

/* Run the rows through the detector; SPI is connected. */
static void
take_rows(Following *f, Tuplestorestate *rows)
{
	MemoryContext before = CurrentMemoryContext;
	TupleDesc	desc = CreateTemplateTupleDesc(ROW_VALUE - 1 + f->call->method->nvalues);
	TupleTableSlot *slot;

	TupleDescInitEntry(desc, ROW_SERIES, "series", JSONBOID, -1, 0);
	TupleDescInitEntry(desc, ROW_TS, "ts", TIMESTAMPTZOID, -1, 0);
	for (int i = 0; i < f->call->method->nvalues; i++)
		TupleDescInitEntry(desc, ROW_VALUE + i, "value", FLOAT8OID, -1, 0);
	slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	f->context = AllocSetContextCreate(before, "series of a detector", ALLOCSET_DEFAULT_SIZES);
	f->finals = ks_append_begin(f->view->finals);
	while (tuplestore_gettupleslot(rows, true, false, slot))
	{
		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(slot);
		take_row(f, slot);
	}
	store_series(f);
	MemoryContextSwitchTo(before);
	ks_append_end(f->finals);
	ExecDropSingleTupleTableSlot(slot);
	MemoryContextDelete(f->context);
}

static void
forget_series(const KsView *view, TimestampTz before)
{
	Oid			type = TIMESTAMPTZOID;
	Datum		value = TimestampTzGetDatum(before);

	if (SPI_execute_with_args(psprintf("DELETE FROM %s WHERE newest OPERATOR(pg_catalog.<) $1",
									   ks_relation_name(view->states)),
							  1, &type, &value, NULL, false, 0) < 0)
		elog(ERROR, "could not delete from relation %u", view->states);
}

void
ks_detector_follow(const KsView *view, TimestampTz source_closed_to)
{
	KsDetectorCall *call = load_call(view);
	Following	f = {.view = view,.call = call};
	Tuplestorestate *rows = ks_owner_query(view, rows_sql(call), &view->closed_to);
	KsAccess	access;

	ks_view_window(view, &f.window);
	f.stateless = call->method->state_size(call->params) == 0;
	f.ts_is_end = strcmp(call->time_column, "window_end") == 0;
	ks_access_enter(&access);
	prepare_plans(&f);
	take_rows(&f, rows);
	if (view->retention >= 0)
		forget_series(view, source_closed_to - view->retention);
	ks_access_leave(&access);
	tuplestore_end(rows);
	ks_view_set_closed_to(view->id, source_closed_to);
}
