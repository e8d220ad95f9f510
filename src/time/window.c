/*
 * Windows of event time: which pane and which windows a time falls into.
 *
 * Window starts lie on a grid: origin + n * grid, n any integer, where grid is
 * the size of a tumbling window, the slide of a hopping one and the max_size of
 * a cumulating one.  Everything is floor division, right on both sides of the
 * origin.  A difference of two timestamps need not fit 64 bits, so positions on
 * a grid are found by remainders, which do.
 *
 * Times far enough from both ends of the timestamp range take no range check;
 * the others go through check_range(), after which all arithmetic is safe.
 */
#include "postgres.h"

#include <limits.h>

#include "common/int.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "time/window.h"

/* Remainder of a floor division, in [0, divisor). */
static inline int64
floor_mod(int64 value, int64 divisor)
{
	int64		rest = value % divisor;

	return rest < 0 ? rest + divisor : rest;
}

/* How far 'at' lies after the grid point at or before it, in [0, step). */
static inline int64
grid_rest(TimestampTz at, int64 step, int64 phase)
{
	int64		rest = floor_mod(at, step) - phase;

	return rest < 0 ? rest + step : rest;
}

static int64
greatest_common_divisor(int64 a, int64 b)
{
	while (b != 0)
	{
		int64		rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

TimestampTz
ks_window_default_origin(void)
{
	return (INT64CONST(4) + UNIX_EPOCH_JDATE - POSTGRES_EPOCH_JDATE) * USECS_PER_DAY;
}

/* What the arguments of each kind are called in SQL. */
static const char *
size_name(KsWindowKind kind)
{
	return kind == KS_WINDOW_CUMULATE ? "max_size" : "size";
}

static const char *
slide_name(KsWindowKind kind)
{
	return kind == KS_WINDOW_CUMULATE ? "step" : "slide";
}

/* Length of a plain interval, in microseconds; errors name the argument. */
static int64
interval_length(const Interval *interval, const char *name)
{
	int64		length;

	if (INTERVAL_NOT_FINITE(interval))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("window %s cannot be infinite", name)));
	if (interval->month != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("window %s cannot contain months or years", name),
				 errdetail("Months differ in length; windows of months are calendar windows, which are not supported yet."),
				 errhint("Use days, hours, minutes or seconds, for example '30 days'; a day is 24 hours.")));
	if (pg_mul_s64_overflow(interval->day, USECS_PER_DAY, &length) ||
		pg_add_s64_overflow(length, interval->time, &length))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("window %s is out of range", name)));
	if (length <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("window %s must be greater than zero", name)));
	return length;
}

/* The rules between a window's size and its slide or step. */
static void
check_slide(const KsWindow *window)
{
	if (window->slide > window->size)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("window %s must not be greater than its %s",
						slide_name(window->kind), size_name(window->kind)),
				 errdetail("Times between two windows would belong to none.")));
	if (window->kind == KS_WINDOW_CUMULATE && window->size % window->slide != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("window max_size must be a multiple of its step")));
}

/* What follows from the arguments. */
static void
prepare(KsWindow *window)
{
	window->pane = greatest_common_divisor(window->size, window->slide);
	window->grid = window->kind == KS_WINDOW_HOP ? window->slide : window->size;
	window->grid_phase = floor_mod(window->origin, window->grid);
	window->pane_phase = floor_mod(window->origin, window->pane);

	/* A size beyond the whole range leaves no safe time: from > to. */
	if (pg_add_s64_overflow(MIN_TIMESTAMP, window->size, &window->safe_from))
		window->safe_from = PG_INT64_MAX;
	if (pg_sub_s64_overflow(END_TIMESTAMP - 1, window->size, &window->safe_to))
		window->safe_to = PG_INT64_MIN;
}

void
ks_window_init(KsWindow *window, KsWindowKind kind, const Interval *size,
			   const Interval *slide, TimestampTz origin)
{
	memset(window, 0, sizeof(*window));
	if (TIMESTAMP_NOT_FINITE(origin))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("window origin cannot be infinite")));

	window->kind = kind;
	window->origin = origin;
	window->size = interval_length(size, size_name(kind));
	window->slide = kind == KS_WINDOW_TUMBLE ? window->size :
		interval_length(slide, slide_name(kind));
	check_slide(window);
	prepare(window);
}

/*
 * Distance from the earliest start of a window that contains 'at' to its
 * latest start.
 */
static inline int64
starts_span(const KsWindow *window, int64 rest)
{
	if (window->kind != KS_WINDOW_HOP)
		return 0;
	return (window->size - 1 - rest) / window->slide * window->slide;
}

/* Near the ends of time: raise an error unless all windows of 'at' exist. */
static void
check_range(const KsWindow *window, TimestampTz at)
{
	int64		rest;
	int64		start;
	int64		end;

	if (TIMESTAMP_NOT_FINITE(at))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("an infinite timestamp belongs to no window")));

	rest = grid_rest(at, window->grid, window->grid_phase);
	if (pg_sub_s64_overflow(at, rest, &start) ||
		pg_add_s64_overflow(start, window->size, &end) ||
		pg_sub_s64_overflow(start, starts_span(window, rest), &start) ||
		start < MIN_TIMESTAMP || end >= END_TIMESTAMP)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range for its window"),
				 errdetail("A window of that time would start or end outside of the range of timestamps.")));
}

/* Position of 'at' after its grid point, once its windows are known to exist. */
static inline int64
checked_rest(const KsWindow *window, TimestampTz at)
{
	if (unlikely(at < window->safe_from || at > window->safe_to))
		check_range(window, at);
	return grid_rest(at, window->grid, window->grid_phase);
}

TimestampTz
ks_window_pane(const KsWindow *window, TimestampTz at)
{
	if (unlikely(at < window->safe_from || at > window->safe_to))
		check_range(window, at);
	return at - grid_rest(at, window->pane, window->pane_phase);
}

/* End of the first window, from the last one's start and end. */
static TimestampTz
first_end(const KsWindow *window, int64 rest, TimestampTz last_end)
{
	if (window->kind == KS_WINDOW_CUMULATE)
		return last_end - (window->size - 1 - rest) / window->slide * window->slide;
	return last_end - starts_span(window, rest);
}

void
ks_window_first(const KsWindow *window, TimestampTz at,
				TimestampTz *start, TimestampTz *end)
{
	int64		rest = checked_rest(window, at);

	*start = at - rest - starts_span(window, rest);
	*end = first_end(window, rest, at - rest + window->size);
}

bool
ks_window_next(const KsWindow *window, TimestampTz at,
			   TimestampTz *start, TimestampTz *end)
{
	switch (window->kind)
	{
		case KS_WINDOW_TUMBLE:
			return false;
		case KS_WINDOW_HOP:
			/* not *start + slide > at, which could overflow */
			if (at - *start < window->slide)
				return false;
			*start += window->slide;
			*end += window->slide;
			return true;
		case KS_WINDOW_CUMULATE:
			if (*end - *start >= window->size)
				return false;
			*end += window->slide;
			return true;
	}
	return false;
}

TimestampTz
ks_window_last_end(const KsWindow *window, TimestampTz at)
{
	return at - checked_rest(window, at) + window->size;
}

TimestampTz
ks_window_missed(const KsWindow *window, TimestampTz at, TimestampTz limit)
{
	int64		rest = checked_rest(window, at);
	TimestampTz last = at - rest + window->size;
	int64		behind;

	if (limit >= last)
		return last;
	if (limit < first_end(window, rest, last))
		return DT_NOBEGIN;

	/* first end <= limit < last: step back from last by whole slides */
	behind = last - limit;
	return last - (behind + window->slide - 1) / window->slide * window->slide;
}

/* at - distance, or DT_NOBEGIN if that is before all time. */
static TimestampTz
step_back(TimestampTz at, int64 distance)
{
	TimestampTz result;

	if (pg_sub_s64_overflow(at, distance, &result) || result < MIN_TIMESTAMP)
		return DT_NOBEGIN;
	return result;
}

TimestampTz
ks_window_closed_to(const KsWindow *window, TimestampTz limit)
{
	int64		phase = window->pane_phase;

	if (TIMESTAMP_IS_NOBEGIN(limit))
		return DT_NOBEGIN;
	limit = Min(limit, END_TIMESTAMP - 1);

	/* Ends of cumulating windows lie on the panes, others a size after starts. */
	if (window->kind != KS_WINDOW_CUMULATE)
	{
		phase = window->grid_phase - window->grid + window->size % window->grid;
		if (phase < 0)
			phase += window->grid;
	}
	return step_back(limit, grid_rest(limit, window->slide, phase));
}

TimestampTz
ks_window_needed_from(const KsWindow *window, TimestampTz mark)
{
	if (TIMESTAMP_IS_NOBEGIN(mark))
		return DT_NOBEGIN;
	if (window->kind == KS_WINDOW_CUMULATE)
		return step_back(mark, grid_rest(mark, window->grid, window->grid_phase));
	return step_back(mark, window->size - window->slide);
}
