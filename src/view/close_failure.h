/* Finding out, and telling, which window and group cannot be closed. */
#ifndef KS_VIEW_CLOSE_FAILURE_H
#define KS_VIEW_CLOSE_FAILURE_H

#include "catalog/view.h"
#include "time/window.h"
#include "view/query.h"

/* Mark a view failed whose windows up to 'mark' could not be closed. */
extern void ks_close_failed(const KsView *view, const KsViewQuery *vq,
							TimestampTz mark, const ErrorData *error);

#endif
