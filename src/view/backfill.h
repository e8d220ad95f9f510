/* Folding rows that were staged before a view existed. */
#ifndef KS_VIEW_BACKFILL_H
#define KS_VIEW_BACKFILL_H

#include "catalog/view.h"

/*
 * Make a new view ready, under the stream's lock in exclusive mode: an empty
 * state where one is needed, then, if 'staged', all rows in staging, in order
 * of their offsets, with clocks rebuilt from them.  Sets complete_from.
 */
extern void ks_backfill_staged(const KsView *view, const KsStream *stream, bool staged);

#endif
