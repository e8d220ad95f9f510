/*
 * tumble(), hop(), cumulate() and session() as SQL functions, so that the
 * query of a view runs by hand, too.
 *
 * They are called for each row of each view.  tumble() keeps its window in
 * fn_extra and only compares the arguments; the others live there as
 * set-returning functions and prepare theirs anew for each row.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "time/window.h"

PG_FUNCTION_INFO_V1(ks_sql_tumble);
PG_FUNCTION_INFO_V1(ks_sql_hop);
PG_FUNCTION_INFO_V1(ks_sql_cumulate);
PG_FUNCTION_INFO_V1(ks_sql_session);
PG_FUNCTION_INFO_V1(ks_sql_window_rows_support);

/* The arguments of the last call, and the window they make. */
typedef struct TumbleCache
{
	Interval	size;
	TimestampTz origin;
	KsWindow	window;
} TumbleCache;

/* Where a set-returning call stands. */
typedef struct SeriesState
{
	KsWindow	window;
	TimestampTz at;
	TimestampTz start;
	TimestampTz end;
} SeriesState;

static Interval *
required_interval(FunctionCallInfo fcinfo, int argno, const char *name)
{
	if (PG_ARGISNULL(argno))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("window %s cannot be null", name)));
	return PG_GETARG_INTERVAL_P(argno);
}

static TimestampTz
origin_argument(FunctionCallInfo fcinfo, int argno)
{
	return PG_ARGISNULL(argno) ? ks_window_default_origin() :
		PG_GETARG_TIMESTAMPTZ(argno);
}

static void
refuse_timezone(FunctionCallInfo fcinfo, int argno)
{
	if (!PG_ARGISNULL(argno))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("windows with a time zone (calendar windows) are not supported yet"),
				 errhint("Leave timezone out; an origin such as '2024-01-01 00:00+01' moves the grid by a fixed offset.")));
}

/* The window for tumble's arguments, worked out again only when they change. */
static const KsWindow *
tumble_window(FunctionCallInfo fcinfo)
{
	TumbleCache *cache = fcinfo->flinfo->fn_extra;
	Interval   *size = required_interval(fcinfo, 1, "size");
	TimestampTz origin = origin_argument(fcinfo, 2);
	KsWindow	window;

	if (likely(cache != NULL && cache->origin == origin &&
			   memcmp(&cache->size, size, sizeof(Interval)) == 0))
		return &cache->window;

	ks_window_init(&window, KS_WINDOW_TUMBLE, size, NULL, origin);
	if (cache == NULL)
		cache = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(TumbleCache));
	cache->window = window;
	cache->size = *size;
	cache->origin = origin;
	fcinfo->flinfo->fn_extra = cache;
	return &cache->window;
}

/* kafka_stream.tumble(ts, size, origin, timezone): the window's start. */
Datum
ks_sql_tumble(PG_FUNCTION_ARGS)
{
	const KsWindow *window;

	refuse_timezone(fcinfo, 3);
	window = tumble_window(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(ks_window_pane(window, PG_GETARG_TIMESTAMPTZ(0)));
}

/*
 * First call of hop() and cumulate(): check the arguments and find the first
 * window.  False: there is none, because the time is null.
 */
static bool
series_begin(FunctionCallInfo fcinfo, KsWindowKind kind, SeriesState *state)
{
	bool		hop = kind == KS_WINDOW_HOP;
	Interval   *size = required_interval(fcinfo, 1, hop ? "size" : "max_size");
	Interval   *slide = required_interval(fcinfo, 2, hop ? "slide" : "step");

	refuse_timezone(fcinfo, 4);
	ks_window_init(&state->window, kind, size, slide, origin_argument(fcinfo, 3));
	if (PG_ARGISNULL(0))
		return false;
	state->at = PG_GETARG_TIMESTAMPTZ(0);
	ks_window_first(&state->window, state->at, &state->start, &state->end);
	return true;
}

/* One window per call. */
static Datum
series(FunctionCallInfo fcinfo, KsWindowKind kind)
{
	FuncCallContext *context;
	SeriesState *state;

	if (SRF_IS_FIRSTCALL())
	{
		context = SRF_FIRSTCALL_INIT();
		state = MemoryContextAlloc(context->multi_call_memory_ctx, sizeof(SeriesState));
		context->user_fctx = state;
		if (!series_begin(fcinfo, kind, state))
			SRF_RETURN_DONE(context);
	}
	context = SRF_PERCALL_SETUP();
	state = context->user_fctx;
	if (context->call_cntr > 0 &&
		!ks_window_next(&state->window, state->at, &state->start, &state->end))
		SRF_RETURN_DONE(context);
	SRF_RETURN_NEXT(context, TimestampTzGetDatum(kind == KS_WINDOW_CUMULATE ?
												 state->end : state->start));
}

/* kafka_stream.hop(ts, size, slide, origin, timezone): the windows' starts. */
Datum
ks_sql_hop(PG_FUNCTION_ARGS)
{
	return series(fcinfo, KS_WINDOW_HOP);
}

/* kafka_stream.cumulate(ts, max_size, step, origin, timezone): the windows' ends. */
Datum
ks_sql_cumulate(PG_FUNCTION_ARGS)
{
	return series(fcinfo, KS_WINDOW_CUMULATE);
}

/* kafka_stream.session(ts, gap): a mark for create_view, nothing to call. */
Datum
ks_sql_session(PG_FUNCTION_ARGS)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("session windows exist only inside a continuous view"),
			 errdetail("The session of a row depends on other rows. Views do not support session windows yet."),
			 errhint("Use kafka_stream.tumble(ts, size) or kafka_stream.hop(ts, size, slide).")));
	PG_RETURN_NULL();
}

/* A constant interval among the arguments, in microseconds, or 0. */
static double
constant_usecs(List *args, int argno)
{
	Const	   *arg = (Const *) list_nth(args, argno);
	Interval   *interval;

	if (!IsA(arg, Const) || arg->constisnull)
		return 0;
	interval = DatumGetIntervalP(arg->constvalue);
	return interval->day * (double) USECS_PER_DAY + interval->time;
}

/*
 * Planner support of hop() and cumulate(): rows per call, if the intervals are
 * constants.  A time lies in size / slide windows (cumulate: in half as many
 * on average, which is near enough).
 */
Datum
ks_sql_window_rows_support(PG_FUNCTION_ARGS)
{
	Node	   *node = (Node *) PG_GETARG_POINTER(0);
	SupportRequestRows *request = (SupportRequestRows *) node;
	List	   *args;
	double		size;
	double		slide;

	if (!IsA(node, SupportRequestRows) || !is_funcclause(request->node))
		PG_RETURN_POINTER(NULL);
	args = ((FuncExpr *) request->node)->args;
	if (list_length(args) < 3)
		PG_RETURN_POINTER(NULL);
	size = constant_usecs(args, 1);
	slide = constant_usecs(args, 2);
	if (slide <= 0 || size < slide)
		PG_RETURN_POINTER(NULL);
	request->rows = size / slide;
	PG_RETURN_POINTER(request);
}
