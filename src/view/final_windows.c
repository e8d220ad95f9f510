/*
 * Which windows a view has, and up to where they are final, for those who
 * follow a view's windows without closing them.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "catalog/access.h"
#include "catalog/relation.h"
#include "catalog/view.h"
#include "view/final_windows.h"
#include "view/window_of.h"

bool
ks_final_windows(Oid relid, KsFinalWindows *windows)
{
	KsView	   *view = ks_view_load(relid);

	if (view == NULL || !ks_view_window(view, &windows->window))
		return false;
	windows->closed_to = view->closed_to;
	return true;
}

TimestampTz
ks_final_windows_first(Oid relid)
{
	KsView	   *view = ks_view_load(relid);
	TimestampTz first = DT_NOBEGIN;
	KsAccess	access;
	Datum		value;
	bool		isnull;

	if (view == NULL || !OidIsValid(view->finals))
		return DT_NOBEGIN;
	ks_access_enter(&access);
	if (SPI_execute(psprintf("SELECT pg_catalog.min(window_end) FROM %s",
							 ks_relation_name(view->finals)), false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read relation %u", view->finals);
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (!isnull)
		first = DatumGetTimestampTz(value);
	ks_access_leave(&access);
	return first;
}
