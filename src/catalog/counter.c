/*
 * Counters: one row per stream and view, and another for what came by INSERT,
 * made when the stream or view is.
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "base/compat.h"
#include "catalog/access.h"
#include "catalog/counter.h"

static KsQuery add_query = {
	"INSERT INTO kafka_stream_internal.counter AS c"
	" (stream, view_id, inserted, rows, bytes, tombstones, lost,"
	"  folded, filtered, late, partly_late, dead_letters)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
	" ON CONFLICT (stream, view_id, inserted) DO UPDATE SET"
	" rows = c.rows + excluded.rows, bytes = c.bytes + excluded.bytes,"
	" tombstones = c.tombstones + excluded.tombstones, lost = c.lost + excluded.lost,"
	" folded = c.folded + excluded.folded, filtered = c.filtered + excluded.filtered,"
	" late = c.late + excluded.late, partly_late = c.partly_late + excluded.partly_late,"
	" dead_letters = c.dead_letters + excluded.dead_letters",
	12, {REGCLASSOID, INT4OID, BOOLOID, INT8OID, INT8OID, INT8OID, INT8OID,
	INT8OID, INT8OID, INT8OID, INT8OID, INT8OID}
};

void
ks_counter_add(Oid stream, int view_id, bool inserted, const KsCounts *counts)
{
	Datum		values[] = {
		ObjectIdGetDatum(stream), Int32GetDatum(view_id), BoolGetDatum(inserted),
		Int64GetDatum(counts->rows), Int64GetDatum(counts->bytes),
		Int64GetDatum(counts->tombstones), Int64GetDatum(counts->lost),
		Int64GetDatum(counts->folded), Int64GetDatum(counts->filtered),
		Int64GetDatum(counts->late), Int64GetDatum(counts->partly_late),
		Int64GetDatum(counts->dead_letters),
	};
	KsAccess	access;

	ks_access_enter(&access);
	ks_query_run(&add_query, values, NULL);
	ks_access_leave(&access);
}
