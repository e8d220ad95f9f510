/*
 * Alerts as C structs.  All of it as the extension's owner, with the newest
 * snapshot.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "catalog/access.h"
#include "catalog/alert.h"
#include "catalog/relation.h"
#include "catalog/text_list.h"
#include "catalog/stream.h"

/* Columns of the queries that load alerts. */
#define ALERT_COLUMNS \
	"SELECT a.id, a.name, a.definition::oid, a.view::oid, a.every, a.key, a.notify, a.hold_for," \
	" a.retention, a.settings, a.enabled, a.system_identifier, a.database," \
	" p.version, p.evaluated_to, p.error" \
	" FROM kafka_stream_internal.alert a JOIN kafka_stream_internal.alert_progress p ON p.id = a.id"

/* And their numbers. */
enum
{
	COL_ID = 1,
	COL_NAME,
	COL_DEFINITION,
	COL_VIEW,
	COL_EVERY,
	COL_KEY,
	COL_NOTIFY,
	COL_HOLD_FOR,
	COL_RETENTION,
	COL_SETTINGS,
	COL_ENABLED,
	COL_SYSTEM_IDENTIFIER,
	COL_DATABASE,
	COL_VERSION,
	COL_EVALUATED_TO,
	COL_ERROR,
	COL_COUNT = COL_ERROR
};

/* ---- Datums of struct members, and back ---- */

/* Whole days as days, for people to read. */
static Datum
interval_datum(int64 usecs)
{
	Interval   *interval = palloc0(sizeof(Interval));

	interval->day = (int32) (usecs / USECS_PER_DAY);
	interval->time = usecs % USECS_PER_DAY;
	return IntervalPGetDatum(interval);
}

static KsAlert *
make_alert(HeapTuple tuple, TupleDesc desc)
{
	KsAlert    *alert = palloc0(sizeof(KsAlert));
	Datum		v[COL_COUNT + 1];
	bool		n[COL_COUNT + 1];

	for (int i = 1; i <= COL_COUNT; i++)
		v[i] = SPI_getbinval(tuple, desc, i, &n[i]);
	alert->id = DatumGetInt32(v[COL_ID]);
	alert->name = TextDatumGetCString(v[COL_NAME]);
	alert->definition = DatumGetObjectId(v[COL_DEFINITION]);
	alert->view = n[COL_VIEW] ? InvalidOid : DatumGetObjectId(v[COL_VIEW]);
	alert->every = ks_interval_column(v[COL_EVERY], n[COL_EVERY], "every", -1);
	alert->key = ks_text_list(v[COL_KEY]);
	alert->notify = n[COL_NOTIFY] ? NULL : TextDatumGetCString(v[COL_NOTIFY]);
	alert->hold_for = ks_interval_column(v[COL_HOLD_FOR], n[COL_HOLD_FOR], "hold_for", 0);
	alert->retention = ks_interval_column(v[COL_RETENTION], n[COL_RETENTION], "retention", -1);
	alert->settings = ks_text_list(v[COL_SETTINGS]);
	alert->enabled = DatumGetBool(v[COL_ENABLED]);
	alert->system_identifier = (uint64) DatumGetInt64(v[COL_SYSTEM_IDENTIFIER]);
	alert->database = DatumGetObjectId(v[COL_DATABASE]);
	alert->version = DatumGetInt32(v[COL_VERSION]);
	alert->evaluated_to = DatumGetTimestampTz(v[COL_EVALUATED_TO]);
	alert->error = n[COL_ERROR] ? NULL : TextDatumGetCString(v[COL_ERROR]);
	alert->owner = ks_relation_owner(alert->definition);
	return alert;
}

/* ---- reading ---- */

static List *
load_alerts(KsQuery *query, Datum *values)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *result = NIL;
	KsAccess	access;
	uint64		n;

	ks_access_enter(&access);
	n = ks_query_run(query, values, NULL);
	for (uint64 i = 0; i < n; i++)
	{
		MemoryContext before = MemoryContextSwitchTo(context);

		result = lappend(result, make_alert(SPI_tuptable->vals[i], SPI_tuptable->tupdesc));
		MemoryContextSwitchTo(before);
	}
	ks_access_leave(&access);
	return result;
}

KsAlert *
ks_alert_find(const char *name, bool missing_ok)
{
	static KsQuery query = {ALERT_COLUMNS " WHERE a.name = $1", 1, {TEXTOID}};
	Datum		value = CStringGetTextDatum(name);
	List	   *alerts = load_alerts(&query, &value);

	if (alerts != NIL)
		return linitial(alerts);
	if (!missing_ok)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("alert \"%s\" does not exist", name),
				 errhint("SELECT alert FROM kafka_stream.alert_rules lists the alerts.")));
	return NULL;
}

List *
ks_alert_list_here(void)
{
	static KsQuery query = {
		ALERT_COLUMNS " WHERE a.enabled AND a.system_identifier = $1 AND a.database = $2 ORDER BY a.id",
		2, {INT8OID, OIDOID}
	};
	Datum		values[] = {
		Int64GetDatum((int64) GetSystemIdentifier()), ObjectIdGetDatum(MyDatabaseId)
	};

	return load_alerts(&query, values);
}

/* ---- writing ---- */

/* Run a statement as the extension's owner; how many rows it was about. */
static uint64
run(KsQuery *query, Datum *values, const char *nulls)
{
	KsAccess	access;
	uint64		n;

	ks_access_enter(&access);
	n = ks_query_run(query, values, nulls);
	ks_access_leave(&access);
	return n;
}

int
ks_alert_next_id(void)
{
	static KsQuery query = {"SELECT pg_catalog.nextval('kafka_stream_internal.alert_id')::int", 0};
	KsAccess	access;
	bool		isnull;
	int			id;

	ks_access_enter(&access);
	(void) ks_query_run(&query, NULL, NULL);
	id = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	ks_access_leave(&access);
	return id;
}

#define WRITTEN 13

/* The columns of kafka_stream_internal.alert, in its order. */
static void
fill_columns(const KsAlert *alert, Datum *values, char *nulls)
{
	const Datum columns[WRITTEN] = {
		Int32GetDatum(alert->id),
		CStringGetTextDatum(alert->name),
		ObjectIdGetDatum(alert->definition),
		ObjectIdGetDatum(alert->view),
		interval_datum(alert->every),
		ks_text_array(alert->key),
		alert->notify ? CStringGetTextDatum(alert->notify) : (Datum) 0,
		interval_datum(alert->hold_for),
		interval_datum(alert->retention),
		ks_text_array(alert->settings),
		BoolGetDatum(alert->enabled),
		Int64GetDatum((int64) alert->system_identifier),
		ObjectIdGetDatum(alert->database),
	};

	memcpy(values, columns, sizeof(columns));
	memset(nulls, ' ', WRITTEN);
	nulls[3] = OidIsValid(alert->view) ? ' ' : 'n';
	nulls[4] = alert->every >= 0 ? ' ' : 'n';
	nulls[6] = alert->notify != NULL ? ' ' : 'n';
	nulls[8] = alert->retention >= 0 ? ' ' : 'n';
}

void
ks_alert_insert(const KsAlert *alert)
{
	static KsQuery insert_alert = {
		"INSERT INTO kafka_stream_internal.alert (id, name, definition, view, every, key, notify,"
		" hold_for, retention, settings, enabled, system_identifier, database)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
		WRITTEN, {INT4OID, TEXTOID, REGCLASSOID, REGCLASSOID, INTERVALOID, TEXTARRAYOID, TEXTOID,
			INTERVALOID, INTERVALOID, TEXTARRAYOID, BOOLOID, INT8OID, OIDOID}
	};
	static KsQuery insert_progress = {
		"INSERT INTO kafka_stream_internal.alert_progress (id, evaluated_to) VALUES ($1, $2)",
		2, {INT4OID, TIMESTAMPTZOID}
	};
	Datum		values[WRITTEN];
	char		nulls[WRITTEN];
	Datum		progress[] = {
		Int32GetDatum(alert->id), TimestampTzGetDatum(alert->evaluated_to)
	};

	fill_columns(alert, values, nulls);
	(void) run(&insert_alert, values, nulls);
	(void) run(&insert_progress, progress, NULL);
}

void
ks_alert_update(const KsAlert *alert)
{
	static KsQuery update_progress = {
		"UPDATE kafka_stream_internal.alert_progress SET version = version + 1,"
		" failed_since = NULL, sqlstate = NULL, error = NULL WHERE id = $1",
		1, {INT4OID}
	};
	static KsQuery update_alert = {
		"UPDATE kafka_stream_internal.alert SET (name, definition, view, every, key, notify, hold_for,"
		" retention, settings, enabled, system_identifier, database)"
		" = ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) WHERE id = $1",
		WRITTEN, {INT4OID, TEXTOID, REGCLASSOID, REGCLASSOID, INTERVALOID, TEXTARRAYOID, TEXTOID,
			INTERVALOID, INTERVALOID, TEXTARRAYOID, BOOLOID, INT8OID, OIDOID}
	};
	Datum		values[WRITTEN];
	char		nulls[WRITTEN];

	fill_columns(alert, values, nulls);
	if (run(&update_progress, values, NULL) != 1 || run(&update_alert, values, nulls) != 1)
		elog(ERROR, "alert %d is not in the catalog", alert->id);
}

bool
ks_alert_move(const KsAlert *alert, TimestampTz evaluated_to)
{
	static KsQuery query = {
		"UPDATE kafka_stream_internal.alert_progress SET evaluated_to = $4,"
		" failed_since = NULL, sqlstate = NULL, error = NULL"
		" WHERE id = $1 AND version = $2 AND evaluated_to = $3",
		4, {INT4OID, INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID}
	};
	Datum		values[] = {
		Int32GetDatum(alert->id), Int32GetDatum(alert->version),
		TimestampTzGetDatum(alert->evaluated_to), TimestampTzGetDatum(evaluated_to)
	};

	return run(&query, values, NULL) == 1;
}

bool
ks_alert_fail(const KsAlert *alert, const char *sqlstate, const char *error)
{
	static KsQuery query = {
		"UPDATE kafka_stream_internal.alert_progress"
		" SET failed_since = coalesce(failed_since, pg_catalog.now()), sqlstate = $3, error = $4"
		" WHERE id = $1 AND version = $2",
		4, {INT4OID, INT4OID, TEXTOID, TEXTOID}
	};
	Datum		values[] = {
		Int32GetDatum(alert->id), Int32GetDatum(alert->version),
		CStringGetTextDatum(sqlstate), CStringGetTextDatum(error)
	};

	return run(&query, values, NULL) == 1;
}

/* ---- rows ---- */

static KsAlertRow *
make_row(HeapTuple tuple, TupleDesc desc)
{
	KsAlertRow *row = palloc(sizeof(KsAlertRow));
	bool		isnull;

	row->place = *(ItemPointer) DatumGetPointer(SPI_getbinval(tuple, desc, 1, &isnull));
	row->key = DatumGetJsonbPCopy(SPI_getbinval(tuple, desc, 2, &isnull));
	row->value = DatumGetJsonbPCopy(SPI_getbinval(tuple, desc, 3, &isnull));
	row->firing = DatumGetBool(SPI_getbinval(tuple, desc, 4, &isnull));
	row->since = DatumGetTimestampTz(SPI_getbinval(tuple, desc, 5, &isnull));
	return row;
}

List *
ks_alert_rows(int id)
{
	static KsQuery query = {
		"SELECT ctid, key, value, state = 'firing', since FROM kafka_stream_internal.alert_row"
		" WHERE alert = $1 AND state <> 'resolved' ORDER BY since, key",
		1, {INT4OID}
	};
	MemoryContext context = CurrentMemoryContext;
	Datum		value = Int32GetDatum(id);
	List	   *rows = NIL;
	KsAccess	access;
	uint64		n;

	ks_access_enter(&access);
	n = ks_query_run(&query, &value, NULL);
	for (uint64 i = 0; i < n; i++)
	{
		MemoryContext before = MemoryContextSwitchTo(context);

		rows = lappend(rows, make_row(SPI_tuptable->vals[i], SPI_tuptable->tupdesc));
		MemoryContextSwitchTo(before);
	}
	ks_access_leave(&access);
	return rows;
}

static Datum
state_datum(const KsAlertRow *row)
{
	return CStringGetTextDatum(row->firing ? "firing" : "pending");
}

void
ks_alert_row_begin(int id, const KsAlertRow *row)
{
	static KsQuery query = {
		"INSERT INTO kafka_stream_internal.alert_row (alert, key, state, since, value)"
		" VALUES ($1, $2, $3, $4, $5)",
		5, {INT4OID, JSONBOID, TEXTOID, TIMESTAMPTZOID, JSONBOID}
	};
	Datum		values[] = {
		Int32GetDatum(id), JsonbPGetDatum(row->key), state_datum(row),
		TimestampTzGetDatum(row->since), JsonbPGetDatum(row->value)
	};

	(void) run(&query, values, NULL);
}

/* A statement on one row by its place; nobody else writes these rows. */
static void
run_on_row(KsQuery *query, const KsAlertRow *row, Datum *values)
{
	values[0] = PointerGetDatum(&row->place);
	if (run(query, values, NULL) != 1)
		elog(ERROR, "a row of an alert is not where it was");
}

void
ks_alert_row_change(const KsAlertRow *row)
{
	static KsQuery query = {
		"UPDATE kafka_stream_internal.alert_row SET state = $2, value = $3 WHERE ctid = $1",
		3, {TIDOID, TEXTOID, JSONBOID}
	};
	Datum		values[] = {(Datum) 0, state_datum(row), JsonbPGetDatum(row->value)};

	run_on_row(&query, row, values);
}

void
ks_alert_row_resolve(const KsAlertRow *row, TimestampTz until)
{
	static KsQuery query = {
		"UPDATE kafka_stream_internal.alert_row SET state = 'resolved', until = $2 WHERE ctid = $1",
		2, {TIDOID, TIMESTAMPTZOID}
	};
	Datum		values[] = {(Datum) 0, TimestampTzGetDatum(until)};

	run_on_row(&query, row, values);
}

void
ks_alert_row_forget(const KsAlertRow *row)
{
	static KsQuery query = {
		"DELETE FROM kafka_stream_internal.alert_row WHERE ctid = $1", 1, {TIDOID}
	};
	Datum		value;

	run_on_row(&query, row, &value);
}

void
ks_alert_rows_expire(int id, TimestampTz limit)
{
	static KsQuery query = {
		"DELETE FROM kafka_stream_internal.alert_row"
		" WHERE alert = $1 AND state = 'resolved' AND until < $2",
		2, {INT4OID, TIMESTAMPTZOID}
	};
	Datum		values[] = {Int32GetDatum(id), TimestampTzGetDatum(limit)};

	(void) run(&query, values, NULL);
}
