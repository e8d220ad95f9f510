/*
 * Starting, stopping and dropping streams.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "base/shared.h"
#include "catalog/access.h"
#include "catalog/relation.h"
#include "catalog/stream.h"
#include "worker/touch.h"
#include "sql/stream_change.h"

PG_FUNCTION_INFO_V1(ks_start_stream);
PG_FUNCTION_INFO_V1(ks_stop_stream);
PG_FUNCTION_INFO_V1(ks_drop_stream);
PG_FUNCTION_INFO_V1(ks_touch_stream);
PG_FUNCTION_INFO_V1(ks_lock_stream);

KsStream *
ks_change_begin(const char *name)
{
	Oid			relid = ks_relation_find(name, "stream", false);

	ks_shared_require();
	ks_relation_check_owner(relid);
	LockRelationOid(relid, AccessShareLock);	/* in the order of catalog/stream.h */
	(void) ks_stream_load(relid, false);
	ks_stream_lock(relid, ExclusiveLock);
	return ks_stream_load(relid, false);
}

void
ks_change_end(const KsStream *stream)
{
	ks_stream_write(stream);
	ks_touch_at_commit(stream->relid);
}

/* Also how a stream that was restored elsewhere is made to run here. */
Datum
ks_start_stream(PG_FUNCTION_ARGS)
{
	KsStream   *stream = ks_change_begin(text_to_cstring(PG_GETARG_TEXT_PP(0)));

	stream->enabled = true;
	stream->system_identifier = GetSystemIdentifier();
	stream->database = MyDatabaseId;
	ks_change_end(stream);
	PG_RETURN_VOID();
}

Datum
ks_stop_stream(PG_FUNCTION_ARGS)
{
	KsStream   *stream = ks_change_begin(text_to_cstring(PG_GETARG_TEXT_PP(0)));

	stream->enabled = false;
	ks_change_end(stream);
	PG_RETURN_VOID();
}

/* An error that names the views, which PostgreSQL's own would not. */
static void
check_no_views(const KsStream *stream)
{
	static KsQuery query = {
		"SELECT pg_catalog.string_agg(view::text, ', ' ORDER BY view::text)"
		" FROM kafka_stream_internal.view WHERE stream = $1::regclass",
		1, {OIDOID}
	};
	Datum		value = ObjectIdGetDatum(stream->relid);
	KsAccess	access;
	char	   *views;

	ks_access_enter(&access);
	(void) ks_query_run(&query, &value, NULL);
	views = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	if (views != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("cannot drop stream %s because views are kept over it",
						ks_relation_name(stream->relid)),
				 errdetail("Views: %s.", views),
				 errhint("Drop them first, or use kafka_stream.drop_stream(%s, cascade => true).",
						 quote_literal_cstr(ks_relation_name(stream->relid)))));
	ks_access_leave(&access);
}

/* DROP TABLE does the same; the catalog is cleaned by an event trigger. */
Datum
ks_drop_stream(PG_FUNCTION_ARGS)
{
	Oid			relid = ks_relation_find(text_to_cstring(PG_GETARG_TEXT_PP(0)),
										 "stream", false);
	bool		cascade = PG_GETARG_BOOL(1);
	KsStream   *stream;
	char	   *command;

	ks_relation_check_owner(relid);
	stream = ks_stream_load(relid, false);
	if (!cascade)
		check_no_views(stream);
	command = psprintf("DROP TABLE %s%s%s%s", ks_relation_name(relid),
					   get_rel_name(stream->late) ? ", " : "",
					   get_rel_name(stream->late) ? ks_relation_name(stream->late) : "",
					   cascade ? " CASCADE" : "");
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	if (SPI_execute(command, false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "could not execute \"%s\"", command);
	SPI_finish();
	PG_RETURN_VOID();
}

/* For the event trigger that cleans up: let the stream's worker look. */
Datum
ks_touch_stream(PG_FUNCTION_ARGS)
{
	ks_touch_at_commit(PG_GETARG_OID(0));
	PG_RETURN_VOID();
}

/* For the same trigger, when a view goes: no fold into it is under way. */
Datum
ks_lock_stream(PG_FUNCTION_ARGS)
{
	ks_stream_lock(PG_GETARG_OID(0), ExclusiveLock);
	PG_RETURN_VOID();
}
