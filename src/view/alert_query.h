/*
 * The query of an alert: checked, and kept as a view that PostgreSQL tracks and
 * dumps.  $1 and $2 become calls of kafka_stream.alert_window_start() and
 * alert_window_end(), which know the window that is being evaluated.
 */
#ifndef KS_VIEW_ALERT_QUERY_H
#define KS_VIEW_ALERT_QUERY_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#include "catalog/alert.h"

/*
 * Make the definition of alert->name from 'text', owned by alert->owner, as
 * which its expressions are analysed; fills alert->definition and
 * alert->settings.  Errors carry positions in 'text'.
 */
extern void ks_alert_query_define(KsAlert *alert, const char *text);

/*
 * SQL whose rows are what is wrong: key jsonb, value jsonb.  Raises an error if
 * a column of the key is not there.
 */
extern char *ks_alert_query_sql(const KsAlert *alert);

/*
 * Plan the query as the alert's owner, so that what it may not read, or cannot
 * be planned, shows when the alert is made.
 */
extern void ks_alert_query_try(const KsAlert *alert);

/* The window that is being evaluated, for the two functions; start and end may be NULL: none. */
extern void ks_alert_query_set_window(const TimestampTz *start, const TimestampTz *end);

#endif
