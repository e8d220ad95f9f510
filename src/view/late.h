/* Late rows: kept in <stream>_late, one row per late row and view. */
#ifndef KS_VIEW_LATE_H
#define KS_VIEW_LATE_H

#include "time/window.h"
#include "catalog/view.h"
#include "view/batch.h"

/* Append rows[0..nrows) of the batch as late for 'view'. */
extern void ks_late_store(const KsView *view, const KsStream *stream, const KsWindow *window,
						  const KsBatch *batch, const int *rows, int nrows);

#endif
