/*
 * Evaluating one alert.
 *
 * An alert with a view is evaluated for each window end of that view, in
 * order, from alert->evaluated_to (excluded) to where windows are final; also
 * for windows without rows, so that what is gone is seen to be gone.  One with
 * 'every' is evaluated at the transaction's time.
 *
 * Each evaluation is an attempt of its own.  What it found, the edges that
 * people are told of, and the alert's progress are one transaction: after a
 * crash nothing is told twice and nothing is missed.  Progress moves by a
 * compare-and-set, after the query ran and before rows are written, so that no
 * lock on the alert's rows is held while what the user wrote runs for the first
 * time, and an alert that was altered or dropped meanwhile is left alone.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/attempt.h"
#include "base/compat.h"
#include "base/settings.h"
#include "catalog/relation.h"
#include "view/alert_query.h"
#include "view/final_windows.h"
#include "worker/alert_found.h"
#include "worker/alert_notify.h"
#include "worker/alert_run.h"
#include "worker/alert_state.h"
#include "worker/process.h"

/*
 * A transaction evaluates at most so many windows, each a subtransaction (with
 * more than 64 of them, snapshots of others become slow), and begins none after
 * so long.
 */
#define SLICE_WINDOWS 50
#define SLICE_USECS (USECS_PER_SEC / 4)

typedef struct Run
{
	KsAlert    *alert;
	SPIPlanPtr *plan;
	MemoryContext scratch;		/* of one attempt, and the error that it gave */
	KsFinalWindows windows;		/* of the alert's view */
	TimestampTz start;			/* of the window that is evaluated */
	TimestampTz at;				/* its end, or the time */
	bool		changed;		/* the alert is not what we loaded */
	bool		told;			/* something that people may have seen by now */
} Run;

/* ---- what a run means for the keys ---- */

/* A key that was open before. */
static void
follow_row(Run *run, KsAlertRow *row, KsAlertFound *found)
{
	KsAlert    *alert = run->alert;
	KsAlertState before = row->firing ? KS_ALERT_FIRING : KS_ALERT_PENDING;
	KsAlertState after = ks_alert_state_next(before, found != NULL, row->since, run->at,
											 alert->hold_for);

	if (after == KS_ALERT_ABSENT && before == KS_ALERT_PENDING)
		ks_alert_row_forget(row);
	else if (after == KS_ALERT_ABSENT)
	{
		/* Not before 'since', if the clock was set back. */
		TimestampTz until = Max(run->at, row->since);

		ks_alert_row_resolve(row, until);
		ks_alert_notify(alert, row, &until);
		run->told = true;
	}
	else if (after != before ||
			 compareJsonbContainers(&row->value->root, &found->value->root) != 0)
	{
		row->value = found->value;
		row->firing = after == KS_ALERT_FIRING;
		ks_alert_row_change(row);
		if (after != before)
			ks_alert_notify(alert, row, NULL);
		run->told |= after == KS_ALERT_FIRING;
	}
}

/* A key that was not. */
static void
begin_row(Run *run, const KsAlertFound *found)
{
	KsAlert    *alert = run->alert;
	KsAlertState state = ks_alert_state_next(KS_ALERT_ABSENT, true, run->at, run->at,
											 alert->hold_for);
	KsAlertRow	row = {
		.key = found->key,.value = found->value,.since = run->at,
		.firing = state == KS_ALERT_FIRING
	};

	ks_alert_row_begin(alert->id, &row);
	if (row.firing)
	{
		ks_alert_notify(alert, &row, NULL);
		run->told = true;
	}
}

static void
apply(Run *run, KsAlertFindings *findings)
{
	ListCell   *lc;

	foreach(lc, ks_alert_rows(run->alert->id))
	{
		KsAlertRow *row = lfirst(lc);
		KsAlertFound *found = ks_alert_found(findings, row->key);

		if (found != NULL)
			found->known = true;
		follow_row(run, row, found);
	}
	foreach(lc, findings->in_order)
	{
		KsAlertFound *found = lfirst(lc);

		if (!found->known)
			begin_row(run, found);
	}
}

static void
evaluate(void *arg)
{
	Run		   *run = arg;
	bool		window = OidIsValid(run->alert->view);
	KsAlertFindings *findings;

	ks_alert_query_set_window(window ? &run->start : NULL, &run->at);
	findings = ks_alert_find_rows(run->alert, run->plan);
	if (ks_alert_move(run->alert, run->at))
		apply(run, findings);
	else
		run->changed = true;
}

/* ---- what is due ---- */

TimestampTz
ks_alert_due(const KsAlert *alert)
{
	TimestampTz now = GetCurrentTimestamp();

	/* The clock was set back: begin anew instead of waiting for it. */
	if (alert->evaluated_to == DT_NOBEGIN || alert->evaluated_to > now + USECS_PER_MINUTE)
		return now;
	return alert->evaluated_to + alert->every;
}

static void
find_windows(void *arg)
{
	Run		   *run = arg;
	KsAlert    *alert = run->alert;
	TimestampTz first;

	if (!ks_final_windows(alert->view, &run->windows))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("%s is not a continuous view with windows any more",
						ks_relation_name(alert->view))));
	if (alert->evaluated_to != DT_NOBEGIN || run->windows.closed_to == DT_NOBEGIN)
		return;
	/* Nothing was final when the alert was made: it begins with the first window that has rows. */
	first = ks_final_windows_first(alert->view);
	first = first == DT_NOBEGIN ? run->windows.closed_to : first - run->windows.window.slide;
	run->changed = !ks_alert_move(alert, first);
	alert->evaluated_to = first;
}

/* The next window; false if it is not final yet. */
static bool
next_window(Run *run)
{
	const KsWindow *window = &run->windows.window;
	TimestampTz mark = ks_window_closed_to(window, run->alert->evaluated_to);

	/* A stream that was sought may have begun anew: windows are evaluated once. */
	if (mark == DT_NOBEGIN || run->windows.closed_to <= mark)
		return false;
	run->start = ks_window_needed_from(window, mark);
	run->at = mark + window->slide;
	return true;
}

/* ---- errors ---- */

static char *
describe(const KsAlert *alert, const ErrorData *error, bool timed_out)
{
	if (timed_out)
		return psprintf("the query took longer than kafka_stream.alert_timeout (%d ms)",
						ks_alert_timeout);
	return psprintf("%s%s%s", error->message, error->detail ? ": " : "",
					error->detail ? error->detail : "");
}

/* Say so where people look: once in the log for each new error, and in kafka_stream.alerts. */
static void
note_failure(KsAlert *alert, int sqlstate, const char *text, const char *context)
{
	bool		known;

	if (alert->error != NULL && strcmp(alert->error, text) == 0)
		return;
	ks_worker_begin();
	known = ks_alert_fail(alert, unpack_sql_state(sqlstate), text);
	ks_worker_commit();
	alert->error = pstrdup(text);
	/* Of one that was altered or dropped meanwhile, nobody wants to hear. */
	if (known)
		ereport(WARNING,
				(errcode(sqlstate),
				 errmsg("alert \"%s\" failed: %s", alert->name, text),
				 context ? errcontext_msg("%s", context) : 0));
}

void
ks_alert_run_overran(KsAlert *alert)
{
	note_failure(alert, ERRCODE_QUERY_CANCELED,
				 "the query did not let itself be cancelled after kafka_stream.alert_timeout", NULL);
}

/* ---- the transaction ---- */

/* One evaluation, or finding out which are due; errors are in run->scratch. */
static ErrorData *
attempt(Run *run, void (*action) (void *arg), bool *timed_out)
{
	MemoryContext before;
	ErrorData  *error;

	MemoryContextReset(run->scratch);
	before = MemoryContextSwitchTo(run->scratch);
	error = ks_attempt_within(ks_alert_timeout, action, run, timed_out);
	MemoryContextSwitchTo(before);
	if (error == NULL && !run->changed && action == evaluate)
	{
		run->alert->evaluated_to = run->at;
		run->alert->error = NULL;
	}
	return error;
}

/* Evaluate until there is nothing due, something fails, or it has been a while. */
static ErrorData *
run_slice(Run *run, bool *more, bool *timed_out)
{
	TimestampTz until = GetCurrentTimestamp() + SLICE_USECS;
	ErrorData  *error;

	*more = false;
	if (!OidIsValid(run->alert->view))
	{
		run->at = GetCurrentTransactionStartTimestamp();
		return attempt(run, evaluate, timed_out);
	}
	error = attempt(run, find_windows, timed_out);
	for (int i = 0; error == NULL && !run->changed && next_window(run); i++)
	{
		*more = i >= SLICE_WINDOWS || GetCurrentTimestamp() >= until;
		if (*more)
			break;
		error = attempt(run, evaluate, timed_out);
	}
	return error;
}

KsAlertOutcome
ks_alert_run(KsAlert *alert, SPIPlanPtr *plan)
{
	Run			run = {alert, plan};
	KsAlertOutcome outcome;
	TimestampTz before = alert->evaluated_to;
	ErrorData  *error;
	bool		more;
	bool		timed_out;

	run.scratch = AllocSetContextCreate(CurrentMemoryContext, "kafka_stream alert run",
										ALLOCSET_DEFAULT_SIZES);
	ks_worker_begin();
	error = run_slice(&run, &more, &timed_out);
	ks_alert_query_set_window(NULL, NULL);
	if (alert->retention >= 0 && alert->evaluated_to > before && !run.changed)
		ks_alert_rows_expire(alert->id, alert->evaluated_to - alert->retention);
	/* People are told only of what is on disk. */
	if (run.told)
		ForceSyncCommit();
	ks_worker_commit();
	/* Advisory locks that the query took for its session, which is ours and does not end. */
	LockReleaseSession(USER_LOCKMETHOD);
	if (run.changed)
		outcome = KS_ALERT_CHANGED;
	else if (error != NULL)
	{
		note_failure(alert, error->sqlerrcode, describe(alert, error, timed_out), error->context);
		outcome = KS_ALERT_FAILED;
	}
	else
		outcome = more ? KS_ALERT_MORE : KS_ALERT_IDLE;
	MemoryContextDelete(run.scratch);
	return outcome;
}
