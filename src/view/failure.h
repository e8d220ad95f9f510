/* A view that fails: finding out, and telling, what and where. */
#ifndef KS_VIEW_FAILURE_H
#define KS_VIEW_FAILURE_H

#include "time/window.h"
#include "catalog/view.h"
#include "view/query.h"

/*
 * Stop a view for an error in 'what' ("merging states").  An error that may
 * pass (no memory, no disk space, a lock) is thrown on instead.
 */
extern void ks_view_fail(const KsView *view, const char *what, ErrorData *error);

/* The same for windows up to 'mark' that could not be closed. */
extern void ks_close_failed(const KsView *view, const KsViewQuery *vq,
							TimestampTz mark, ErrorData *error);

#endif
