/*
 * A custom scan that reads rows of a batch in memory in place of the stream's
 * staging table: the planner sees the table, the executor the batch, and no
 * tuplestore lies in between.
 */
#ifndef KS_VIEW_BATCH_SCAN_H
#define KS_VIEW_BATCH_SCAN_H

#include "view/batch.h"

/* The rows that one execution of a plan sees, and what became of them. */
typedef struct KsBatchScan
{
	const KsBatch *batch;
	const int  *rows;			/* indexes of rows in the batch */
	int			nrows;
	int			next;			/* position in rows[] of the next row */
	bool	   *passed;			/* per row of the batch: reached the top of the
								 * plan (set by mark_row); NULL: nobody asks */
} KsBatchScan;

/* Register with the planner and executor; once, from _PG_init. */
extern void ks_batch_scan_init(void);

/*
 * While 'stream' is set, scans of it are planned as batch scans.  The caller
 * resets it to InvalidOid, on error too (PG_FINALLY).
 */
extern void ks_batch_scan_plan_for(Oid stream);

/*
 * Make 'scan' what batch scans read.  Returns the one before, to be put back
 * (PG_FINALLY): folds may nest when a trigger's fold calls functions that insert.
 */
extern KsBatchScan *ks_batch_scan_set(KsBatchScan *scan);

#endif
