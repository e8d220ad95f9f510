/*
 * Fold a batch into every view of its stream, and close windows.
 */
#ifndef KS_VIEW_FOLD_H
#define KS_VIEW_FOLD_H

#include "catalog/view.h"
#include "view/batch.h"

/*
 * Fold 'batch' into all views of batch->stream in the current transaction and
 * add to their counters.  Rows that a view cannot take become its dead letters
 * if 'dead_letters', else an error to the caller.  The caller holds the
 * stream's lock in share mode (ks_stream_lock_shared).
 */
extern void ks_fold_batch(KsBatch *batch, bool dead_letters);

/* The same for one view. */
extern void ks_fold_view(const KsView *view, const KsStream *stream,
						 KsBatch *batch, bool dead_letters);

/*
 * Plan a new view's fold, so that what cannot be planned is refused when it is
 * created, and give a running view without groups its state of no rows.
 */
extern void ks_fold_empty(const KsView *view, const KsStream *stream, TupleDesc desc);

/*
 * Close the windows of every view of 'stream' that its watermark passed.
 * 'clock' is the minimum over active partitions of the partition clock (each
 * view subtracts its own delay); DT_NOBEGIN: nothing to close.  Runs in the
 * caller's transaction, takes the stream's lock exclusively if there is
 * anything to close: waits for it if 'wait', else leaves closing for another
 * time.  A view whose closing fails is marked failed; the others
 * go on.  Returns true if anything became final.
 */
extern bool ks_close_stream(Oid stream, TimestampTz clock, bool wait);

/* As above, with the watermark itself given (kafka_stream.advance). */
extern bool ks_close_stream_at(Oid stream, TimestampTz watermark);

/* Merge partial states that have become many; cheap if there is nothing to do. */
extern void ks_merge_stream(Oid stream);

#endif
