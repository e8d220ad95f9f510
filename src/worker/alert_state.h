/*
 * The life of one key of an alert.
 *
 *   ABSENT    not among the query's rows            -> PENDING, FIRING
 *   PENDING   there, for less than hold_for         -> FIRING, ABSENT
 *   FIRING    there for hold_for, people know of it -> ABSENT
 *
 * To FIRING and from FIRING to ABSENT are the edges that people are told of.
 */
#ifndef KS_WORKER_ALERT_STATE_H
#define KS_WORKER_ALERT_STATE_H

#include "postgres.h"
#include "datatype/timestamp.h"

typedef enum KsAlertState
{
	KS_ALERT_ABSENT,
	KS_ALERT_PENDING,
	KS_ALERT_FIRING
} KsAlertState;

/*
 * What follows a run that began at 'at' and did, or did not, find the key;
 * 'since' is the first run of the unbroken stretch that found it: 'at' itself
 * if the key was absent.  hold_for in microseconds.
 */
static inline KsAlertState
ks_alert_state_next(KsAlertState state, bool found, TimestampTz since,
					TimestampTz at, int64 hold_for)
{
	if (!found)
		return KS_ALERT_ABSENT;
	if (state == KS_ALERT_FIRING || at - since >= hold_for)
		return KS_ALERT_FIRING;
	return KS_ALERT_PENDING;
}

#endif
