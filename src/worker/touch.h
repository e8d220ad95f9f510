/* Tell the launcher and workers of changed streams, when a change commits. */
#ifndef KS_WORKER_TOUCH_H
#define KS_WORKER_TOUCH_H

#include "postgres.h"

/*
 * Let this stream (InvalidOid: the database's alerts) be looked at when the
 * current transaction commits.
 */
extern void ks_touch_at_commit(Oid stream);

/* Windows became final: wake who evaluates alerts, if anybody does, at commit. */
extern void ks_touch_wake_alerts(void);

/* Has the current transaction asked for that? */
extern bool ks_touch_pending(Oid stream);

/* Called from _PG_init. */
extern void ks_touch_register(void);

#endif
