/*
 * How far a stream was read: rows of the partition and counter tables.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "catalog/access.h"
#include "catalog/relation.h"
#include "worker/progress.h"

static KsQuery load = {
	"SELECT topic, kafka_partition, next_offset, clock,"
	"  coalesce(end_offset, -1), coalesce(anchor_offset, -1),"
	"  coalesce(anchor_timestamp, -1), coalesce(anchor_hash, 0)"
	" FROM kafka_stream_internal.partition"
	" WHERE stream = $1::regclass AND kafka_partition >= 0"
	" ORDER BY topic, kafka_partition",
	1, {OIDOID}
};

static KsQuery load_inserts = {
	"SELECT next_offset, clock FROM kafka_stream_internal.partition"
	" WHERE stream = $1::regclass AND topic = '' AND kafka_partition = -1",
	1, {OIDOID}
};

static KsQuery add = {
	"INSERT INTO kafka_stream_internal.partition"
	" (stream, topic, kafka_partition, next_offset, end_offset)"
	" VALUES ($1::regclass, $2, $3, $4, $5)",
	5, {OIDOID, TEXTOID, INT4OID, INT8OID, INT8OID}
};

static KsQuery move = {
	"UPDATE kafka_stream_internal.partition SET next_offset = $5, clock = $6,"
	"  end_offset = $7, idle = false, anchor_offset = $8, anchor_timestamp = $9,"
	"  anchor_hash = $10"
	" WHERE stream = $1::regclass AND topic = $2 AND kafka_partition = $3"
	"  AND next_offset = $4",
	10, {OIDOID, TEXTOID, INT4OID, INT8OID, INT8OID, TIMESTAMPTZOID, INT8OID, INT8OID,
	INT8OID, INT8OID}
};

static KsQuery note = {
	"UPDATE kafka_stream_internal.partition SET end_offset = $4, idle = $5"
	" WHERE stream = $1::regclass AND topic = $2 AND kafka_partition = $3"
	"  AND (end_offset, idle) IS DISTINCT FROM ($4, $5)",
	5, {OIDOID, TEXTOID, INT4OID, INT8OID, BOOLOID}
};

static KsQuery set_cluster = {
	"UPDATE kafka_stream_internal.stream SET cluster_id = $2"
	" WHERE stream = $1::regclass",
	2, {OIDOID, TEXTOID}
};

static Datum
column(HeapTuple tuple, TupleDesc desc, int attno)
{
	bool		isnull;

	return SPI_getbinval(tuple, desc, attno, &isnull);
}

static void
read_partition(KsPartition *partition, HeapTuple tuple, TupleDesc desc,
			   MemoryContext context)
{
	memset(partition, 0, sizeof(KsPartition));
	partition->topic = MemoryContextStrdup(context,
										   TextDatumGetCString(column(tuple, desc, 1)));
	partition->partition = DatumGetInt32(column(tuple, desc, 2));
	partition->next_offset = DatumGetInt64(column(tuple, desc, 3));
	partition->clock = DatumGetTimestampTz(column(tuple, desc, 4));
	partition->end_offset = DatumGetInt64(column(tuple, desc, 5));
	partition->anchor_offset = DatumGetInt64(column(tuple, desc, 6));
	partition->anchor_timestamp = DatumGetInt64(column(tuple, desc, 7));
	partition->anchor_hash = DatumGetInt64(column(tuple, desc, 8));
}

KsPartition *
ks_progress_load(Oid stream, int *n)
{
	MemoryContext context = CurrentMemoryContext;
	Datum		value = ObjectIdGetDatum(stream);
	KsPartition *result;
	KsAccess	access;
	int			i;

	ks_access_enter(&access);
	*n = (int) ks_query_run(&load, &value, NULL);
	result = MemoryContextAlloc(context, Max(*n, 1) * sizeof(KsPartition));
	for (i = 0; i < *n; i++)
		read_partition(&result[i], SPI_tuptable->vals[i], SPI_tuptable->tupdesc, context);
	ks_access_leave(&access);
	return result;
}

bool
ks_progress_load_inserts(Oid stream, int64 *next_offset, TimestampTz *clock)
{
	Datum		value = ObjectIdGetDatum(stream);
	KsAccess	access;
	bool		found;

	ks_access_enter(&access);
	found = ks_query_run(&load_inserts, &value, NULL) > 0;
	if (found)
	{
		*next_offset = DatumGetInt64(column(SPI_tuptable->vals[0],
											SPI_tuptable->tupdesc, 1));
		*clock = DatumGetTimestampTz(column(SPI_tuptable->vals[0],
											SPI_tuptable->tupdesc, 2));
	}
	ks_access_leave(&access);
	return found;
}

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

/* The first three arguments of most queries here. */
static void
put_key(Datum *values, Oid stream, const KsPartition *partition)
{
	values[0] = ObjectIdGetDatum(stream);
	values[1] = CStringGetTextDatum(partition->topic);
	values[2] = Int32GetDatum(partition->partition);
}

void
ks_progress_add(Oid stream, const KsPartition *partition)
{
	Datum		values[5];

	put_key(values, stream, partition);
	values[3] = Int64GetDatum(partition->next_offset);
	values[4] = Int64GetDatum(partition->end_offset);
	(void) run(&add, values, NULL);
}

int64
ks_progress_hash(const KsMessage *message)
{
	uint64		hash = 0;

	if (message->key != NULL)
		hash = hash_bytes_extended((const unsigned char *) message->key,
								   (int) message->key_len, 0);
	if (message->value != NULL)
		hash = hash_combine64(hash,
							  hash_bytes_extended((const unsigned char *) message->value,
												  (int) message->value_len, 1));
	return (int64) hash;
}

void
ks_progress_move(Oid stream, const KsPartition *partition)
{
	const KsMessage *last = partition->last;
	Datum		values[10];

	put_key(values, stream, partition);
	values[3] = Int64GetDatum(partition->next_offset);
	values[4] = Int64GetDatum(partition->batch_next);
	values[5] = TimestampTzGetDatum(partition->batch_clock);
	values[6] = Int64GetDatum(partition->end_offset);
	values[7] = Int64GetDatum(last ? last->offset : partition->anchor_offset);
	values[8] = Int64GetDatum(last ? last->timestamp_ms : partition->anchor_timestamp);
	values[9] = Int64GetDatum(last ? ks_progress_hash(last) : partition->anchor_hash);
	if (run(&move, values, NULL) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("partition %d of topic \"%s\" of stream %s is no longer at offset " INT64_FORMAT,
						partition->partition, partition->topic,
						ks_relation_name(stream), partition->next_offset),
				 errdetail("It was moved by seek_stream(), or read by another worker.")));
}

void
ks_progress_note(Oid stream, const KsPartition *partition)
{
	Datum		values[5];

	put_key(values, stream, partition);
	values[3] = Int64GetDatum(partition->end_offset);
	values[4] = BoolGetDatum(partition->idle);
	(void) run(&note, values, NULL);
}

void
ks_progress_set_cluster(Oid stream, const char *cluster_id)
{
	Datum		values[2];

	values[0] = ObjectIdGetDatum(stream);
	values[1] = CStringGetTextDatum(cluster_id);
	(void) run(&set_cluster, values, NULL);
}
