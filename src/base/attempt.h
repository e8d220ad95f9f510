/* Do something that may fail, in a subtransaction. */
#ifndef KS_BASE_ATTEMPT_H
#define KS_BASE_ATTEMPT_H

#include "postgres.h"

/*
 * Call action(arg) in a subtransaction.  Returns NULL if it succeeded; else
 * its effects are undone and the error is returned, in the caller's context.
 * Cancellation and shutdown are not caught: they are thrown on.
 */
extern ErrorData *ks_attempt(void (*action) (void *arg), void *arg);

/*
 * The same, cancelled after so long; for background workers, which have no
 * statement_timeout of their own.  Cancellation, by that or by somebody, is an
 * error like others; *timed_out says which.
 */
extern ErrorData *ks_attempt_within(int timeout_ms, void (*action) (void *arg), void *arg,
									bool *timed_out);

#endif
