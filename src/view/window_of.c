/* A view's windows, as its fold knows them. */
#include "postgres.h"

#include "base/compat.h"
#include "view/fold_plan.h"
#include "view/identity.h"
#include "view/window_of.h"

bool
ks_view_window(const KsView *view, KsWindow *window)
{
	KsRole		before;

	if (view->kind == KS_VIEW_DETECTOR)
		return ks_view_window(ks_view_load(view->source), window);
	if (view->kind != KS_VIEW_WINDOW)
		return false;
	ks_identity_enter(&before, view->owner, view->settings);
	*window = ks_fold_plan_get(view, ks_stream_load(view->stream, false))->vq->window;
	ks_role_leave(&before);
	return true;
}
