/* Rows of a batch into the segment of the staging table that is being filled. */
#ifndef KS_WORKER_STAGE_H
#define KS_WORKER_STAGE_H

#include "postgres.h"
#include "utils/rel.h"

#include "view/batch.h"

/*
 * Insert all rows, which arrived at 'now'; as the table's owner, whose index
 * expressions may run.  Triggers do not fire: the caller folds the batch.
 */
extern void ks_stage_rows(Relation staging, Oid owner, const KsBatch *batch,
						  TimestampTz now);

#endif
