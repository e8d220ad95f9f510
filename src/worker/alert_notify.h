/* Telling people, by NOTIFY, that an alert fires or is over. */
#ifndef KS_WORKER_ALERT_NOTIFY_H
#define KS_WORKER_ALERT_NOTIFY_H

#include "catalog/alert.h"

/*
 * Send when the transaction commits: {"alert", "state", "key", "since",
 * "until", "value"}, 'until' being NULL while it fires.  Does nothing without a
 * channel.  What does not fit into a notification is left out, value before
 * key, and "value_omitted" or "key_omitted" says so.
 */
extern void ks_alert_notify(const KsAlert *alert, const KsAlertRow *row,
							const TimestampTz *until);

#endif
