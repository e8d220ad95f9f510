/*
 * kafka_stream.create_view(): a query becomes a continuous view.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "parser/analyze.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "catalog/access.h"
#include "catalog/counter.h"
#include "catalog/relation.h"
#include "catalog/text_list.h"
#include "view/backfill.h"
#include "view/define.h"
#include "view/detector.h"
#include "view/detector_query.h"
#include "view/identity.h"
#include "view/query.h"

/* Arguments in SQL order. */
enum
{
	ARG_NAME,
	ARG_QUERY,
	ARG_WATERMARK_DELAY,
	ARG_LATE,
	ARG_RETENTION,
	ARG_EXPIRE,
	ARG_FILL,
	ARG_BACKFILL,
	ARG_REPLACE
};

static char *
text_argument(FunctionCallInfo fcinfo, int number, const char *name)
{
	if (PG_ARGISNULL(number))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument %s of create_view() must not be null", name)));
	return text_to_cstring(PG_GETARG_TEXT_PP(number));
}

static bool
choice_argument(FunctionCallInfo fcinfo, int number, const char *name,
				const char *yes, const char *no)
{
	char	   *value = text_argument(fcinfo, number, name);

	if (strcmp(value, yes) == 0)
		return true;
	if (strcmp(value, no) == 0)
		return false;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for argument %s of create_view(): \"%s\"", name, value),
			 errhint("Give '%s' or '%s'.", yes, no)));
}

static int64
duration_argument(FunctionCallInfo fcinfo, int number, const char *name)
{
	int64		usecs;

	if (PG_ARGISNULL(number))
		return -1;
	usecs = ks_interval_usecs(PG_GETARG_INTERVAL_P(number), name);
	if (usecs < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be negative", name)));
	return usecs;
}

static void
refuse_argument(bool given, const char *what, const char *hint)
{
	if (given)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s of create_view() is not there yet", what),
				 errhint("%s", hint)));
}

/* What the surface names and is not built is refused, in words. */
static void
refuse_arguments(FunctionCallInfo fcinfo)
{
	char	   *backfill = text_argument(fcinfo, ARG_BACKFILL, "backfill");

	refuse_argument(!PG_ARGISNULL(ARG_EXPIRE), "expire", "Leave it out; groups are then kept for ever.");
	refuse_argument(choice_argument(fcinfo, ARG_FILL, "fill", "empty", "none"),
					"fill => 'empty'", "Join the view to generate_series() to see windows without events.");
	refuse_argument(strcmp(backfill, "topic") == 0, "backfill => 'topic'",
					"Create the view before its stream starts, or use backfill => 'staged'.");
	if (strcmp(backfill, "topic") != 0)
		(void) choice_argument(fcinfo, ARG_BACKFILL, "backfill", "staged", "none");
	refuse_argument(!PG_ARGISNULL(ARG_REPLACE) && PG_GETARG_BOOL(ARG_REPLACE),
					"replace", "Drop the view with kafka_stream.drop_view() first, or give the new one another name.");
}

static Datum
interval_datum(int64 usecs)
{
	Interval   *interval = palloc0(sizeof(Interval));

	interval->time = usecs;
	return IntervalPGetDatum(interval);
}

static int
next_view_id(void)
{
	static KsQuery query = {"SELECT pg_catalog.nextval('kafka_stream_internal.view_id')::int", 0};
	KsAccess	access;
	bool		isnull;
	int			id;

	ks_access_enter(&access);
	ks_query_run(&query, NULL, NULL);
	id = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	ks_access_leave(&access);
	return id;
}

/* The view's rows in the catalog; -1 for a duration means NULL. */
static void
write_view(const KsView *view)
{
	static KsQuery insert_view = {
		"INSERT INTO kafka_stream_internal.view (id, view, stream, definition, kind, states, open,"
		" finals, watermark_delay, late, retention, settings, pg_major, source, complete_from)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,"
		" coalesce((SELECT complete_from FROM kafka_stream_internal.view WHERE view = $14), '-infinity'))",
		14, {INT4OID, REGCLASSOID, REGCLASSOID, REGCLASSOID, TEXTOID, REGCLASSOID, REGCLASSOID,
			REGCLASSOID, INTERVALOID, TEXTOID, INTERVALOID, TEXTARRAYOID, INT4OID, REGCLASSOID}
	};
	static KsQuery insert_progress = {
		"INSERT INTO kafka_stream_internal.view_progress (id) VALUES ($1)", 1, {INT4OID}
	};
	Datum		values[] = {
		Int32GetDatum(view->id), ObjectIdGetDatum(view->relid), ObjectIdGetDatum(view->stream),
		ObjectIdGetDatum(view->definition), CStringGetTextDatum(ks_view_kind_name(view->kind)),
		ObjectIdGetDatum(view->states), ObjectIdGetDatum(view->open), ObjectIdGetDatum(view->finals),
		interval_datum(view->watermark_delay), CStringGetTextDatum(view->store_late ? "store" : "drop"),
		interval_datum(view->retention), ks_text_array(view->settings), Int32GetDatum(KS_PG_MAJOR),
		ObjectIdGetDatum(view->source),
	};
	char		nulls[lengthof(values)];
	KsAccess	access;

	memset(nulls, ' ', sizeof(nulls));
	nulls[5] = OidIsValid(view->states) ? ' ' : 'n';
	nulls[6] = OidIsValid(view->open) ? ' ' : 'n';
	nulls[7] = OidIsValid(view->finals) ? ' ' : 'n';
	nulls[8] = view->watermark_delay >= 0 ? ' ' : 'n';
	nulls[13] = OidIsValid(view->source) ? ' ' : 'n';
	nulls[10] = view->retention >= 0 ? ' ' : 'n';
	ks_access_enter(&access);
	ks_query_run(&insert_view, values, nulls);
	ks_query_run(&insert_progress, values, NULL);
	ks_access_leave(&access);
}

static void
require_select(Oid relid)
{
	AclResult	acl = pg_class_aclcheck(relid, GetUserId(), ACL_SELECT);

	if (acl != ACLCHECK_OK)
		aclcheck_error(acl, get_relkind_objtype(get_rel_relkind(relid)), get_rel_name(relid));
}

/* Lock the stream against folds. */
static KsStream *
lock_stream(Oid relid)
{
	ks_stream_require_read_committed("create_view()");
	LockRelationOid(relid, AccessShareLock);
	ks_stream_lock(relid, ExclusiveLock);
	return ks_stream_load(relid, false);
}

/* The name with its schema, as CREATE VIEW would find it. */
static RangeVar *
qualified_name(const char *name)
{
	RangeVar   *relation = ks_relation_parse(name, "view");

	if (relation->schemaname == NULL)
		relation->schemaname = get_namespace_name(RangeVarGetCreationNamespace(relation));
	if (OidIsValid(get_relname_relid(relation->relname, get_namespace_oid(relation->schemaname, false))))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_TABLE),
				 errmsg("relation \"%s\" already exists", relation->relname)));
	return relation;
}

/* What is to be made. */
typedef struct Creation
{
	KsView		view;
	RangeVar   *relation;
	char	   *text;
	RawStmt    *statement;
	Query	   *query;
	bool		backfill;
} Creation;

/* The view's relations and rows, over a stream.  The caller can read it. */
static void
create_over_stream(Creation *c)
{
	KsStream   *stream;
	KsViewQuery *vq;

	c->view.stream = ks_view_query_stream(c->query);
	require_select(c->view.stream);
	stream = lock_stream(c->view.stream);
	vq = ks_view_query_check(c->query, stream);
	c->view.kind = vq->kind;
	c->view.id = next_view_id();
	ks_view_define(&c->view, vq, c->relation, c->statement, c->text);
	write_view(&c->view);
	ks_counter_add(c->view.stream, c->view.id, false, &(KsCounts) {0});
	CommandCounterIncrement();
}

/* Nothing is late for it, and it closes with the view that it reads. */
static void
refuse_for_detector(const KsView *view)
{
	if (view->watermark_delay < 0 && view->store_late)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("a continuous view over a detector takes no %s",
					view->store_late ? "watermark_delay" : "late"),
			 errhint("It takes the windows of the view that it reads when they are final.")));
}

static void
create_over_detector(Creation *c)
{
	KsDetectorCall *call = ks_detector_query_check(c->query);
	KsView	   *source = ks_view_load(call->relation);

	refuse_for_detector(&c->view);
	require_select(call->relation);
	(void) lock_stream(source->stream);
	c->view.kind = KS_VIEW_DETECTOR;
	c->view.source = call->relation;
	c->view.stream = source->stream;
	c->view.id = next_view_id();
	ks_detector_define(&c->view, c->query, call, c->relation, c->statement, c->text);
	write_view(&c->view);
	CommandCounterIncrement();
}

/* Windows that are final already, or none of them. */
static void
follow_from_now(const KsView *view, bool backfill)
{
	TimestampTz closed_to = ks_view_load(view->source)->closed_to;

	if (closed_to <= view->closed_to)
		return;
	if (backfill)
		ks_detector_follow(view, closed_to);
	else
	{
		ks_view_set_closed_to(view->id, closed_to);
		ks_view_set_complete_from(view->id, closed_to);
	}
}

PG_FUNCTION_INFO_V1(ks_create_view);

Datum
ks_create_view(PG_FUNCTION_ARGS)
{
	Creation	c = {.view = {.owner = GetUserId()}};
	int			guc_level;
	char	   *search_path;

	c.text = text_argument(fcinfo, ARG_QUERY, "query");
	c.relation = qualified_name(text_argument(fcinfo, ARG_NAME, "name"));
	refuse_arguments(fcinfo);
	c.backfill = strcmp(text_argument(fcinfo, ARG_BACKFILL, "backfill"), "staged") == 0;
	c.view.watermark_delay = duration_argument(fcinfo, ARG_WATERMARK_DELAY, "watermark_delay");
	c.view.retention = duration_argument(fcinfo, ARG_RETENTION, "retention");
	c.view.store_late = choice_argument(fcinfo, ARG_LATE, "late", "store", "drop");

	guc_level = NewGUCNestLevel();
	search_path = ks_identity_append_search_path();
	c.view.settings = ks_identity_settings(search_path);
	ks_query_source_begin(c.text);
	c.statement = ks_query_parse(c.text, "a continuous view");
	ks_view_query_check_raw((SelectStmt *) c.statement->stmt);
	c.query = parse_analyze_fixedparams(copyObject(c.statement), c.text, NULL, 0, NULL);
	if (ks_detector_query_is(c.query))
		create_over_detector(&c);
	else
		create_over_stream(&c);
	ks_query_source_end();
	AtEOXact_GUC(true, guc_level);

	if (c.view.kind == KS_VIEW_DETECTOR)
		follow_from_now(ks_view_load(c.view.relid), c.backfill);
	else
		ks_backfill_staged(ks_view_load(c.view.relid), ks_stream_load(c.view.stream, false), c.backfill);
	PG_RETURN_OID(c.view.relid);
}
