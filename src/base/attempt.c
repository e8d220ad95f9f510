/*
 * Attempts: PG_TRY with a subtransaction around it, so that what failed leaves
 * nothing behind.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "base/attempt.h"

static bool
is_intervention(const ErrorData *error)
{
	return ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION;
}

/* A cancellation that comes late would hit what is no attempt any more. */
static void
stop_timer(void)
{
	disable_timeout(STATEMENT_TIMEOUT, false);
	QueryCancelPending = false;
}

static ErrorData *
attempt(void (*action) (void *arg), void *arg, bool timed)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		action(arg);
		if (timed)
			stop_timer();
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		if (timed)
			stop_timer();
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return error;
}

ErrorData *
ks_attempt(void (*action) (void *arg), void *arg)
{
	ErrorData  *error = attempt(action, arg, false);

	/* Only now: whoever catches it aborts no subtransaction but their own. */
	if (error != NULL && is_intervention(error))
		ReThrowError(error);
	return error;
}

ErrorData *
ks_attempt_within(int timeout_ms, void (*action) (void *arg), void *arg, bool *timed_out)
{
	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), timeout_ms);
	ErrorData  *error;

	enable_timeout_after(STATEMENT_TIMEOUT, timeout_ms);
	error = attempt(action, arg, true);
	*timed_out = error != NULL && error->sqlerrcode == ERRCODE_QUERY_CANCELED &&
		GetCurrentTimestamp() >= deadline;
	if (error != NULL && is_intervention(error) && error->sqlerrcode != ERRCODE_QUERY_CANCELED)
		ReThrowError(error);
	return error;
}
