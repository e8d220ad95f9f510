/* When to merge a view's states. */
#ifndef KS_VIEW_MERGE_H
#define KS_VIEW_MERGE_H

#include "catalog/view.h"

/* A fold appended so many state rows. */
extern void ks_merge_note(const KsView *view, int64 appended);

#endif
