/*
 * SQL functions on continuous views that exist.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/role.h"
#include "catalog/relation.h"
#include "view/define.h"
#include "view/detector.h"
#include "view/fold_plan.h"
#include "view/identity.h"

static KsView *
find_view(text *name)
{
	char	   *string = text_to_cstring(name);
	KsView	   *view = ks_view_load(ks_relation_find(string, "view", false));

	if (view == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a continuous view", string),
				 errhint("SELECT view FROM kafka_stream.views lists the continuous views.")));
	return view;
}

static void
require_argument(FunctionCallInfo fcinfo, int number, const char *name)
{
	if (PG_ARGISNULL(number))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument %s must not be null", name)));
}

PG_FUNCTION_INFO_V1(ks_drop_view);

/* As the caller: DROP VIEW, which the extension's event trigger completes. */
Datum
ks_drop_view(PG_FUNCTION_ARGS)
{
	KsView	   *view;

	require_argument(fcinfo, 0, "name");
	require_argument(fcinfo, 1, "cascade");
	view = find_view(PG_GETARG_TEXT_PP(0));
	ks_relation_check_owner(view->relid);
	SPI_connect();
	if (SPI_execute(psprintf("DROP VIEW %s%s", ks_relation_name(view->relid),
							 PG_GETARG_BOOL(1) ? " CASCADE" : ""), false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "could not drop view %u", view->relid);
	SPI_finish();
	PG_RETURN_VOID();
}

static char *
view_text(Oid relid)
{
	return TextDatumGetCString(DirectFunctionCall1(pg_get_viewdef, ObjectIdGetDatum(relid)));
}

/* What the columns of the states hold. */
static void
append_states(StringInfo out, const KsView *view, const KsViewQuery *vq)
{
	Interval	pane = {.time = vq->window.pane};
	ListCell   *lc;

	appendStringInfo(out, "-- fold: each batch appends to %s, per %sgroup that it touches:\n",
					 ks_relation_name(view->states),
					 vq->kind == KS_VIEW_WINDOW ? "pane and " : "");
	if (vq->kind == KS_VIEW_WINDOW)
		appendStringInfo(out, "--   pane: tumble(%s, '%s')\n--   missed_end: end of the last window that these rows came too late for\n",
						 get_attname(view->stream, vq->time->varattno, false),
						 DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(&pane))));
	foreach(lc, vq->groups)
		appendStringInfo(out, "--   g%d: grouping expression %d\n",
						 foreach_current_index(lc) + 1, foreach_current_index(lc) + 1);
	foreach(lc, vq->aggregates)
		appendStringInfo(out, "--   s%d: partial state of %s\n", foreach_current_index(lc) + 1,
						 format_procedure(((Aggref *) lfirst(lc))->aggfnoid));
}

static char *
explain_detector(const KsView *view)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "-- query\n%s\n", view_text(view->definition));
	appendStringInfo(&out, "-- close: when windows of %s become final, $1 being those that were before\n%s\n",
					 ks_relation_name(view->source), ks_detector_rows_sql(view));
	appendStringInfo(&out, "--   each row takes its series' state in %s one step further,\n"
					 "--   and what the detector says of it goes to %s\n",
					 ks_relation_name(view->states), ks_relation_name(view->finals));
	appendStringInfo(&out, "-- read\n%s", view_text(view->relid));
	return out.data;
}

PG_FUNCTION_INFO_V1(ks_explain_view);

Datum
ks_explain_view(PG_FUNCTION_ARGS)
{
	KsView	   *view;
	KsStream   *stream;
	KsViewQuery *vq;
	KsRole		before;
	StringInfoData out;
	AclResult	acl;

	require_argument(fcinfo, 0, "name");
	view = find_view(PG_GETARG_TEXT_PP(0));
	acl = pg_class_aclcheck(view->relid, GetUserId(), ACL_SELECT);
	if (acl != ACLCHECK_OK)
		aclcheck_error(acl, OBJECT_VIEW, get_rel_name(view->relid));
	stream = ks_stream_load(view->stream, false);
	if (view->kind == KS_VIEW_DETECTOR)
		PG_RETURN_TEXT_P(cstring_to_text(explain_detector(view)));
	ks_identity_enter(&before, view->owner, view->settings);
	vq = ks_fold_plan_get(view, stream)->vq;
	ks_role_leave(&before);

	initStringInfo(&out);
	appendStringInfo(&out, "-- query\n%s\n", view_text(view->definition));
	if (OidIsValid(view->states))
		append_states(&out, view, vq);
	else
		appendStringInfo(&out, "-- fold: each batch's rows are appended to %s\n",
						 ks_relation_name(view->finals));
	appendStringInfo(&out, "-- read\n%s\n", view_text(view->relid));
	if (OidIsValid(view->open))
		appendStringInfo(&out, "-- open: %s\n%s\n", ks_relation_name(view->open), view_text(view->open));
	if (view->kind == KS_VIEW_WINDOW)
		appendStringInfo(&out, "-- close: into %s, $1 being the watermark\n%s\n",
						 ks_relation_name(view->finals), ks_view_close_sql(view));
	if (OidIsValid(view->states))
		appendStringInfo(&out, "-- merge, when states have become many\n%s",
						 ks_view_merge_sql(view, vq));
	PG_RETURN_TEXT_P(cstring_to_text(out.data));
}
