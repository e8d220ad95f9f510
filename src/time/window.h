/*
 * Windows of event time: pure arithmetic on microseconds.
 *
 * A window is [start, end).  A row falls into one pane, and a pane belongs to
 * one or more windows; pane = gcd(size, slide), so windows are whole panes.
 * Timestamps are PostgreSQL's TimestampTz; the grid's origin is a Monday,
 * 1970-01-05 00:00 UTC, unless given.  No window starts before the smallest or
 * ends after the largest timestamp: such times raise
 * ERRCODE_DATETIME_VALUE_OUT_OF_RANGE, as do infinite ones.
 */
#ifndef KS_TIME_WINDOW_H
#define KS_TIME_WINDOW_H

#include "postgres.h"
#include "datatype/timestamp.h"

typedef enum KsWindowKind
{
	KS_WINDOW_TUMBLE,
	KS_WINDOW_HOP,
	KS_WINDOW_CUMULATE
} KsWindowKind;

/* Filled by ks_window_init() alone. */
typedef struct KsWindow
{
	KsWindowKind kind;
	int64		size;			/* microseconds; cumulate: max_size */
	int64		slide;			/* = size for tumble; cumulate: step */
	int64		pane;			/* gcd(size, slide) */
	TimestampTz origin;

	/* Worked out once, because they are needed for every row. */
	int64		grid;			/* distance between window starts */
	int64		grid_phase;		/* origin modulo grid, in [0, grid) */
	int64		pane_phase;		/* origin modulo pane, in [0, pane) */
	TimestampTz safe_from;		/* every window of a time in [safe_from, safe_to] */
	TimestampTz safe_to;		/* is within range */
} KsWindow;

/* 1970-01-05 00:00:00 UTC */
extern TimestampTz ks_window_default_origin(void);

/*
 * Fill a window from SQL arguments; raises ERRCODE_INVALID_PARAMETER_VALUE for
 * sizes not above 0, months (these need a time zone: calendar windows, which
 * are not there yet), slide > size, an infinite origin; for cumulate a
 * max_size that is no multiple of the step.  'slide' is ignored for tumble.
 */
extern void ks_window_init(KsWindow *window, KsWindowKind kind, const Interval *size,
						   const Interval *slide, TimestampTz origin);

/*
 * Start of the pane that 'at' falls into.  All windows of that pane are within
 * range, too: a time that has a pane can be closed.
 */
extern TimestampTz ks_window_pane(const KsWindow *window, TimestampTz at);

/*
 * The windows that contain 'at', by end ascending: *start, *end of the first
 * one; then ks_window_next() until it returns false.
 */
extern void ks_window_first(const KsWindow *window, TimestampTz at,
							TimestampTz *start, TimestampTz *end);
extern bool ks_window_next(const KsWindow *window, TimestampTz at,
						   TimestampTz *start, TimestampTz *end);

/* End of the last window that contains 'at'. */
extern TimestampTz ks_window_last_end(const KsWindow *window, TimestampTz at);

/*
 * End of the last window containing 'at' that ends at or before 'limit', or
 * DT_NOBEGIN if all end later: the windows that a row misses when everything
 * up to 'limit' counts as over.  The row is late if this equals
 * ks_window_last_end(), partly late if it is in between.
 */
extern TimestampTz ks_window_missed(const KsWindow *window, TimestampTz at,
									TimestampTz limit);

/*
 * End of the last window of all that ends at or before 'limit', DT_NOBEGIN if
 * none does: how far a watermark closes windows.
 */
extern TimestampTz ks_window_closed_to(const KsWindow *window, TimestampTz limit);

/*
 * Start of the first window of all that ends after 'mark', which is an end:
 * panes before it are of no use once windows up to 'mark' are closed.
 * DT_NOBEGIN if that would be before all time.
 */
extern TimestampTz ks_window_needed_from(const KsWindow *window, TimestampTz mark);

#endif
