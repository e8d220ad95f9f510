/* One batch: messages from the source into everything, in one transaction. */
#ifndef KS_WORKER_BATCH_H
#define KS_WORKER_BATCH_H

#include "base/shared.h"
#include "worker/reader.h"

/*
 * Fetch messages until batch_rows, the source's limit of bytes, or batch_interval
 * after the first one (earlier while batches are quick to process); without any, return at 'until'.
 * Returns how many are in reader->messages.
 */
extern int	ks_batch_collect(KsReader *reader, TimestampTz until, KsSlot *slot);

/*
 * Process them.  False: the stream was changed, stopped or dropped, and
 * nothing was done.
 */
extern bool ks_batch_run(KsReader *reader, int n, KsSlot *slot);

#endif
