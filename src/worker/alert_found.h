/* What a run of an alert's query found. */
#ifndef KS_WORKER_ALERT_FOUND_H
#define KS_WORKER_ALERT_FOUND_H

#include "postgres.h"
#include "executor/spi.h"
#include "utils/hsearch.h"
#include "utils/jsonb.h"

#include "catalog/alert.h"

/* More, or larger, and the run is an error: nothing is cut off. */
#define KS_ALERT_MAX_ROWS 10000
#define KS_ALERT_MAX_BYTES (64 * 1024 * 1024)

typedef struct KsAlertFound
{
	Jsonb	   *key;			/* first, for the hash table */
	Jsonb	   *value;
	bool		known;			/* has an open row */
} KsAlertFound;

typedef struct KsAlertFindings
{
	HTAB	   *by_key;			/* of KsAlertFound; of rows with equal keys the first */
	List	   *in_order;		/* of KsAlertFound *, as the query gave them */
} KsAlertFindings;

/*
 * Run the query as the alert's owner, for the window that was set
 * (view/alert_query.h), in an attempt; it cannot write.  'plan' is the alert's, NULL at first,
 * and kept for the process.  Palloc'd in CurrentMemoryContext.
 */
extern KsAlertFindings *ks_alert_find_rows(const KsAlert *alert, SPIPlanPtr *plan);

/* The finding with this key, or NULL. */
extern KsAlertFound *ks_alert_found(KsAlertFindings *findings, const Jsonb *key);

#endif
