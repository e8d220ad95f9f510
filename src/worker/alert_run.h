/* Evaluating one alert. */
#ifndef KS_WORKER_ALERT_RUN_H
#define KS_WORKER_ALERT_RUN_H

#include "postgres.h"
#include "executor/spi.h"

#include "catalog/alert.h"

/* What became of it. */
typedef enum KsAlertOutcome
{
	KS_ALERT_IDLE,				/* nothing is due */
	KS_ALERT_MORE,				/* more is due */
	KS_ALERT_CHANGED,			/* altered or dropped meanwhile: load it again */
	KS_ALERT_FAILED				/* its query failed, which is noted */
} KsAlertOutcome;

/*
 * Evaluate what is due, or a good part of it, in transactions of its own;
 * alert->evaluated_to and ->error follow.  'plan' is kept by the caller, NULL
 * at first.
 */
extern KsAlertOutcome ks_alert_run(KsAlert *alert, SPIPlanPtr *plan);

/* Note that its query did not heed the timeout, and that a process was ended for it. */
extern void ks_alert_run_overran(KsAlert *alert);

/* When an alert with 'every' is due. */
extern TimestampTz ks_alert_due(const KsAlert *alert);

#endif
