/*
 * Alerts as C structs, and the rows of what they found.
 *
 * Lock order: the definition, then what its query reads, then the alert's row
 * of alert_progress, then its rows of alert_row.  Whoever alters or drops an
 * alert locks its definition exclusively, so nobody evaluates it meanwhile.
 */
#ifndef KS_CATALOG_ALERT_H
#define KS_CATALOG_ALERT_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "storage/itemptr.h"
#include "utils/jsonb.h"

typedef struct KsAlert
{
	int			id;
	char	   *name;
	Oid			definition;		/* the query, as a view */
	Oid			owner;			/* the definition's: the query runs as this role */
	Oid			view;			/* InvalidOid: evaluated every so often */
	int64		every;			/* microseconds, as all durations; -1: per window of the view */
	List	   *key;			/* of char *: columns of the query */
	char	   *notify;			/* NULL: no channel */
	int64		hold_for;
	int64		retention;		/* of resolved rows; -1: keep all */
	List	   *settings;		/* of char *: name, value, name, value */
	bool		enabled;
	uint64		system_identifier;
	Oid			database;

	/* progress */
	int			version;
	TimestampTz evaluated_to;	/* DT_NOBEGIN: never */
	char	   *error;			/* NULL: the last run succeeded */
} KsAlert;

/* The alert of that name, palloc'd; NULL if missing_ok and there is none. */
extern KsAlert *ks_alert_find(const char *name, bool missing_ok);

/* Those that are enabled, and for this server and database, by id. */
extern List *ks_alert_list_here(void);

/* A number for an alert or a definition. */
extern int	ks_alert_next_id(void);

/* Add its rows to the catalog. */
extern void ks_alert_insert(const KsAlert *alert);

/* Save what was altered: what ran under the old version cannot be committed any more. */
extern void ks_alert_update(const KsAlert *alert);

/*
 * Move an alert on from alert->evaluated_to, clearing its error; false if it
 * was altered, dropped or moved by another since it was loaded.
 */
extern bool ks_alert_move(const KsAlert *alert, TimestampTz evaluated_to);

/* Note that its query fails; false if it was altered or dropped since it was loaded. */
extern bool ks_alert_fail(const KsAlert *alert, const char *sqlstate, const char *error);

/* An open row: firing, or pending for less than hold_for. */
typedef struct KsAlertRow
{
	ItemPointerData place;
	Jsonb	   *key;
	Jsonb	   *value;
	bool		firing;
	TimestampTz since;
} KsAlertRow;

/* The open rows of an alert, palloc'd. */
extern List *ks_alert_rows(int id);

extern void ks_alert_row_begin(int id, const KsAlertRow *row);
extern void ks_alert_row_change(const KsAlertRow *row);
extern void ks_alert_row_resolve(const KsAlertRow *row, TimestampTz until);
extern void ks_alert_row_forget(const KsAlertRow *row);

/* Delete rows that were resolved before 'limit'. */
extern void ks_alert_rows_expire(int id, TimestampTz limit);

#endif
