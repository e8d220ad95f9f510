/* The windows of a continuous view. */
#ifndef KS_VIEW_WINDOW_OF_H
#define KS_VIEW_WINDOW_OF_H

#include "postgres.h"

#include "time/window.h"
#include "catalog/view.h"

/*
 * How a view's rows are cut into windows: its own, or, over a detector, those
 * of the view that the detector reads.  False if the view has no windows.
 */
extern bool ks_view_window(const KsView *view, KsWindow *window);

#endif
