/*
 * Closing windows.
 *
 * A view's closed-up-to mark is its watermark, rounded down to the end of a
 * window.  Closing computes the windows that end up to the new mark from their
 * states, as the view's owner, appends them to the finals, deletes the panes
 * that no open window needs, and moves the mark: one transaction, under the
 * stream's lock in exclusive mode, so that no fold is in flight.  States are
 * deleted, not truncated, so that older snapshots still read their open
 * windows.
 *
 * Views over a detector follow their source in the same transaction.  What is
 * past a view's retention goes last, when they have seen it.
 *
 * A view that fails to close is marked failed, with the window that did it;
 * its states stay, and other views go on.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/attempt.h"
#include "base/compat.h"
#include "base/role.h"
#include "catalog/access.h"
#include "catalog/relation.h"
#include "view/detector.h"
#include "view/define.h"
#include "view/failure.h"
#include "view/fold.h"
#include "view/fold_plan.h"
#include "view/identity.h"
#include "view/owner_query.h"

/* A view's query, as its fold knows it. */
static KsViewQuery *
query_of(const KsView *view, const KsStream *stream)
{
	KsRole		before;
	KsViewQuery *vq;

	ks_identity_enter(&before, view->owner, view->settings);
	vq = ks_fold_plan_get(view, stream)->vq;
	ks_role_leave(&before);
	return vq;
}

static void
delete_before(Oid relid, const char *column, TimestampTz at)
{
	Oid			type = TIMESTAMPTZOID;
	Datum		value = TimestampTzGetDatum(at);
	KsAccess	access;

	ks_access_enter(&access);
	if (SPI_execute_with_args(psprintf("DELETE FROM %s WHERE %s < $1", ks_relation_name(relid), column),
							  1, &type, &value, NULL, false, 0) < 0)
		elog(ERROR, "could not delete from relation %u", relid);
	ks_access_leave(&access);
}

static void
close_windows(const KsView *view, const KsWindow *window, TimestampTz mark)
{
	Tuplestorestate *rows = ks_owner_query(view, ks_view_close_sql(view), &mark);

	ks_owner_query_append(rows, view->finals);
	tuplestore_end(rows);
	delete_before(view->states, "pane", ks_window_needed_from(window, mark));
	ks_view_set_closed_to(view->id, mark);
}

typedef struct Closing
{
	const KsView *view;
	const KsWindow *window;		/* NULL: of a detector */
	TimestampTz mark;
} Closing;

static void
close_attempt(void *arg)
{
	Closing    *closing = arg;

	if (closing->window != NULL)
		close_windows(closing->view, closing->window, closing->mark);
	else
		ks_detector_follow(closing->view, closing->mark);
}

/*
 * Lock the stream, if 'mark' is beyond the view's.  Its row as it is then, or
 * NULL: somebody else did it, or dropped it, or (unless 'wait') is in the way.
 */
static KsView *
lock_for_closing(const KsView *view, TimestampTz mark, bool wait)
{
	KsView	   *present;

	if (mark <= view->closed_to)
		return NULL;
	ks_stream_require_read_committed("closing windows");
	if (wait)
		ks_stream_lock(view->stream, ExclusiveLock);
	else if (!ks_stream_lock_conditional(view->stream, ExclusiveLock))
		return NULL;
	present = ks_view_load(view->relid);
	return present != NULL && mark > present->closed_to ? present : NULL;
}

/*
 * Close one view up to 'watermark'; true if its mark moved.  The stream's lock
 * is taken only if there is anything to do.
 */
static bool
close_view(const KsView *view, const KsStream *stream, TimestampTz watermark, bool wait)
{
	KsViewQuery *vq = query_of(view, stream);
	Closing		closing = {view, &vq->window};
	ErrorData  *error;

	/* Nothing ends so near the beginning of time. */
	if (TIMESTAMP_NOT_FINITE(watermark) || watermark < MIN_TIMESTAMP / 2)
		return false;
	closing.mark = ks_window_closed_to(&vq->window, watermark);
	if (lock_for_closing(view, closing.mark, wait) == NULL)
		return false;
	error = ks_attempt(close_attempt, &closing);
	if (error != NULL)
		ks_close_failed(view, vq, closing.mark, error);
	return error == NULL;
}

/* A detector goes as far as its source, which comes before it. */
static bool
follow_source(const KsView *view, bool wait)
{
	KsView	   *source = ks_view_load(view->source);
	Closing		closing = {.mark = source != NULL ? source->closed_to : DT_NOBEGIN};
	ErrorData  *error;

	closing.view = lock_for_closing(view, closing.mark, wait);
	if (closing.view == NULL)
		return false;
	error = ks_attempt(close_attempt, &closing);
	if (error != NULL)
		ks_view_fail(view, "detecting", error);
	return error == NULL;
}

static void
forget_finals(const KsView *view)
{
	if (view->retention >= 0)
		delete_before(view->finals, "window_end", ks_view_load(view->relid)->closed_to - view->retention);
}

static bool
close_stream(Oid stream_oid, TimestampTz at, bool is_watermark, bool wait)
{
	KsStream   *stream = ks_stream_load(stream_oid, false);
	List	   *closed = NIL;
	ListCell   *lc;

	foreach(lc, ks_view_list(stream))
	{
		KsView	   *view = lfirst(lc);
		TimestampTz watermark = at;
		bool		moved = false;

		if (!is_watermark && !TIMESTAMP_NOT_FINITE(at))
			watermark = at - view->watermark_delay;
		if (view->kind == KS_VIEW_WINDOW && !view->failed)
			moved = close_view(view, stream, watermark, wait);
		else if (view->kind == KS_VIEW_DETECTOR && !view->failed)
			moved = follow_source(view, wait);
		if (moved)
			closed = lappend(closed, view);
	}
	foreach(lc, closed)
		forget_finals(lfirst(lc));
	return closed != NIL;
}

bool
ks_close_stream(Oid stream, TimestampTz clock, bool wait)
{
	return close_stream(stream, clock, false, wait);
}

bool
ks_close_stream_at(Oid stream, TimestampTz watermark)
{
	return close_stream(stream, watermark, true, true);
}
