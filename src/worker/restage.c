/*
 * Rows that a crash took from staging, read again from Kafka.
 *
 * Staging is unlogged: a crash of the server empties it, while offsets, views
 * and everything else go on from what was committed.  Which offsets each
 * segment of staging began with is kept in a logged table.  When a reader
 * finds all segments empty that should have rows, it notes for each partition
 * the range of offsets that was staged (restage_next, restage_end), reads it
 * through a consumer of its own beside live work, and inserts the rows as
 * their segment's arrivals, without folding.  Messages that were dead letters
 * stay out.  restage_next moves with the rows, in one transaction, so this goes
 * on after a restart, and begins again after another crash.
 *
 * What the broker no longer has cannot come back: it is a copy, and the log
 * says so.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "source/properties.h"
#include "catalog/access.h"
#include "catalog/staging.h"
#include "worker/intake.h"
#include "worker/process.h"
#include "worker/progress.h"
#include "worker/restage.h"
#include "worker/stage.h"

#define RESTAGE_ROWS 10000		/* at a time */
#define BROKER_TIMEOUT_MS 10000

/* A part of a partition: from this offset on, rows arrived at 'since'. */
typedef struct Arrival
{
	int			assignment;
	int64		from_offset;
	TimestampTz since;
} Arrival;

struct KsRestage
{
	KsReader	reader;			/* of our own: partitions, source, messages */
	KsReader   *live;
	MemoryContext batch;
	int64	   *end;			/* per partition: the first offset that is live's */
	int			narrivals;
	Arrival    *arrivals;		/* by time */
	int			ndead;
	struct DeadOffset
	{
		int			assignment;
		int64		offset;
	}		   *dead;			/* sorted */
};

typedef struct DeadOffset DeadOffset;

/* ---- queries ---- */

static KsQuery note_segment = {
	"INSERT INTO kafka_stream_internal.staged"
	" (stream, segment, topic, kafka_partition, from_offset, since)"
	" VALUES ($1::regclass, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
	6, {OIDOID, INT4OID, TEXTOID, INT4OID, INT8OID, TIMESTAMPTZOID}
};

static KsQuery note_loss = {
	"UPDATE kafka_stream_internal.partition p"
	" SET restage_next = s.from_offset, restage_end = p.next_offset"
	" FROM (SELECT topic, kafka_partition, min(from_offset) AS from_offset"
	"       FROM kafka_stream_internal.staged WHERE stream = $1::regclass"
	"       GROUP BY topic, kafka_partition) s"
	" WHERE p.stream = $1::regclass AND p.topic = s.topic"
	"  AND p.kafka_partition = s.kafka_partition AND s.from_offset < p.next_offset",
	1, {OIDOID}
};

static KsQuery load_ranges = {
	"SELECT topic, kafka_partition, restage_next, restage_end"
	" FROM kafka_stream_internal.partition"
	" WHERE stream = $1::regclass AND restage_next < restage_end"
	" ORDER BY topic, kafka_partition",
	1, {OIDOID}
};

static KsQuery load_arrivals = {
	"SELECT topic, kafka_partition, from_offset, since FROM kafka_stream_internal.staged"
	" WHERE stream = $1::regclass ORDER BY since, topic, kafka_partition",
	1, {OIDOID}
};

static KsQuery load_dead = {
	"SELECT d.topic, d.kafka_partition, d.kafka_offset"
	" FROM kafka_stream_internal.dead_letter d"
	" JOIN kafka_stream_internal.partition p USING (stream, topic, kafka_partition)"
	" WHERE d.stream = $1::regclass AND d.view IS NULL"
	"  AND d.kafka_offset >= p.restage_next AND d.kafka_offset < p.restage_end",
	1, {OIDOID}
};

static KsQuery move_on = {
	"UPDATE kafka_stream_internal.partition"
	" SET restage_next = CASE WHEN $4 < restage_end THEN $4 END,"
	"  restage_end = CASE WHEN $4 < restage_end THEN restage_end END"
	" WHERE stream = $1::regclass AND topic = $2 AND kafka_partition = $3"
	"  AND restage_end IS NOT NULL",
	4, {OIDOID, TEXTOID, INT4OID, INT8OID}
};

static KsQuery forget = {
	"UPDATE kafka_stream_internal.partition SET restage_next = NULL, restage_end = NULL"
	" WHERE stream = $1::regclass AND restage_end IS NOT NULL",
	1, {OIDOID}
};

static Datum
column(uint64 row, int attno)
{
	bool		isnull;

	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, attno, &isnull);
}

/* ---- what is staged ---- */

void
ks_restage_note(KsReader *reader, Relation staging, TimestampTz now)
{
	int			segment = ks_staging_segment(now, ks_staging_width_of(staging));
	KsAccess	access;

	if (reader->noted_segment == segment + 1 && reader->noted_partitions == reader->npartitions)
		return;
	ks_access_enter(&access);
	for (int i = 0; i < reader->npartitions; i++)
	{
		const KsPartition *partition = &reader->partitions[i];
		Datum		values[] = {
			ObjectIdGetDatum(reader->stream->relid), Int32GetDatum(segment),
			CStringGetTextDatum(partition->topic), Int32GetDatum(partition->partition),
			Int64GetDatum(partition->next_offset), TimestampTzGetDatum(now),
		};

		(void) ks_query_run(&note_segment, values, NULL);
	}
	ks_access_leave(&access);
	reader->noted_segment = segment + 1;
	reader->noted_partitions = reader->npartitions;
}

/* A crash leaves every segment empty. */
static bool
is_staging_empty(Relation staging)
{
	bool		empty = true;

	for (int i = 0; i < KS_STAGING_SEGMENTS && empty; i++)
	{
		Relation	leaf = table_open(ks_staging_leaf(staging, i), AccessShareLock);

		empty = RelationGetNumberOfBlocks(leaf) == 0;
		table_close(leaf, AccessShareLock);
	}
	return empty;
}

/* ---- what is to be read again ---- */

static int
find_assignment(const KsRestage *restage, const char *topic, int partition)
{
	for (int i = 0; i < restage->reader.npartitions; i++)
		if (restage->reader.partitions[i].partition == partition &&
			strcmp(restage->reader.partitions[i].topic, topic) == 0)
			return i;
	return -1;
}

static void
read_ranges(KsRestage *restage, uint64 n, MemoryContext context)
{
	KsReader   *reader = &restage->reader;

	reader->npartitions = (int) n;
	reader->partitions = MemoryContextAllocZero(context, sizeof(KsPartition) * Max(n, 1));
	restage->end = MemoryContextAlloc(context, sizeof(int64) * Max(n, 1));
	for (uint64 i = 0; i < n; i++)
	{
		KsPartition *partition = &reader->partitions[i];

		partition->topic = MemoryContextStrdup(context, TextDatumGetCString(column(i, 1)));
		partition->partition = DatumGetInt32(column(i, 2));
		partition->next_offset = DatumGetInt64(column(i, 3));
		partition->clock = DT_NOBEGIN;
		restage->end[i] = DatumGetInt64(column(i, 4));
	}
}

static void
read_arrivals(KsRestage *restage, uint64 n, MemoryContext context)
{
	restage->arrivals = MemoryContextAlloc(context, sizeof(Arrival) * Max(n, 1));
	for (uint64 i = 0; i < n; i++)
	{
		Arrival    *arrival = &restage->arrivals[restage->narrivals];

		arrival->assignment = find_assignment(restage, TextDatumGetCString(column(i, 1)),
											  DatumGetInt32(column(i, 2)));
		arrival->from_offset = DatumGetInt64(column(i, 3));
		arrival->since = DatumGetTimestampTz(column(i, 4));
		if (arrival->assignment >= 0)
			restage->narrivals++;
	}
}

static int
compare_dead(const void *a, const void *b)
{
	const DeadOffset *one = a;
	const DeadOffset *other = b;

	if (one->assignment != other->assignment)
		return one->assignment < other->assignment ? -1 : 1;
	return one->offset < other->offset ? -1 : one->offset > other->offset;
}

static void
read_dead(KsRestage *restage, uint64 n, MemoryContext context)
{
	restage->dead = MemoryContextAllocHuge(context, sizeof(DeadOffset) * Max(n, 1));
	for (uint64 i = 0; i < n; i++)
	{
		DeadOffset *dead = &restage->dead[restage->ndead];

		dead->assignment = find_assignment(restage, TextDatumGetCString(column(i, 1)),
										   DatumGetInt32(column(i, 2)));
		dead->offset = DatumGetInt64(column(i, 3));
		if (dead->assignment >= 0)
			restage->ndead++;
	}
	qsort(restage->dead, restage->ndead, sizeof(DeadOffset), compare_dead);
}

/* Fill in ranges, arrivals and dead letters; notes a loss first, if there is one. */
static void
load(KsRestage *restage)
{
	KsReader   *live = restage->live;
	Datum		stream = ObjectIdGetDatum(live->stream->relid);
	MemoryContext context = live->context;
	Relation	staging;
	KsAccess	access;

	ks_worker_begin();
	staging = try_table_open(live->stream->relid, AccessShareLock);
	if (staging != NULL)
	{
		ks_access_enter(&access);
		if (is_staging_empty(staging))
			(void) ks_query_run(&note_loss, &stream, NULL);
		read_ranges(restage, ks_query_run(&load_ranges, &stream, NULL), context);
		if (restage->reader.npartitions > 0)
		{
			read_arrivals(restage, ks_query_run(&load_arrivals, &stream, NULL), context);
			read_dead(restage, ks_query_run(&load_dead, &stream, NULL), context);
		}
		ks_access_leave(&access);
		table_close(staging, NoLock);
	}
	ks_worker_commit();
}

/* Begin no earlier than where the broker does. */
static void
clamp_to_broker(KsRestage *restage)
{
	KsReader   *reader = &restage->reader;
	ListCell   *lc;

	foreach(lc, reader->driver->partitions(reader->source, BROKER_TIMEOUT_MS))
	{
		KsSourcePartition *shown = lfirst(lc);
		int			i = find_assignment(restage, shown->topic, shown->partition);

		if (i < 0 || reader->partitions[i].next_offset >= shown->low_offset)
			continue;
		ereport(LOG,
				(errmsg("staged rows of stream %s at offsets " INT64_FORMAT " to " INT64_FORMAT " of partition %d of topic \"%s\" are no longer at the broker",
						reader->name, reader->partitions[i].next_offset,
						Min(shown->low_offset, restage->end[i]) - 1,
						shown->partition, shown->topic)));
		reader->partitions[i].next_offset = shown->low_offset;
	}
}

static void
connect_source(KsRestage *restage)
{
	KsReader   *reader = &restage->reader;
	KsSourceConfig config = {0};
	KsAssignment *list = palloc0(sizeof(KsAssignment) * reader->npartitions);

	ks_worker_begin();
	config.properties = ks_broker_properties(reader->stream->brokers, reader->stream->server,
											 reader->stream->owner);
	config.topic = reader->stream->topic;
	config.group_id = "kafka_stream.restage";	/* nothing is committed to it */
	config.max_batch_bytes = KS_READER_MAX_BYTES;
	MemoryContextSwitchTo(restage->live->context);
	reader->source = reader->driver->open(&config);
	ks_worker_commit();
	clamp_to_broker(restage);
	for (int i = 0; i < reader->npartitions; i++)
	{
		list[i].topic = reader->partitions[i].topic;
		list[i].partition = reader->partitions[i].partition;
		list[i].offset = reader->partitions[i].next_offset;
	}
	reader->driver->assign(reader->source, list, reader->npartitions);
	pfree(list);
}

KsRestage *
ks_restage_begin(KsReader *live)
{
	MemoryContext old;
	KsRestage  *restage;

	if (live->driver == NULL || live->stream->retention <= 0)
		return NULL;
	old = MemoryContextSwitchTo(live->context);
	restage = palloc0(sizeof(KsRestage));
	restage->live = live;
	restage->reader.context = live->context;
	restage->reader.name = live->name;
	restage->reader.driver = live->driver;
	/* Whatever does not fit is a dead letter already. */
	restage->reader.stream = palloc(sizeof(KsStream));
	*restage->reader.stream = *live->stream;
	restage->reader.stream->stop_on_error = false;
	load(restage);
	if (restage->reader.npartitions == 0)
	{
		MemoryContextSwitchTo(old);
		return NULL;
	}
	restage->batch = AllocSetContextCreate(live->context, "kafka_stream restage",
										   ALLOCSET_DEFAULT_SIZES);
	restage->reader.messages = palloc(sizeof(KsMessage) * RESTAGE_ROWS);
	connect_source(restage);
	ereport(LOG,
			(errmsg("reading rows of stream %s that a crash took from staging again", live->name)));
	MemoryContextSwitchTo(old);
	return restage;
}

void
ks_restage_end(KsRestage *restage)
{
	if (restage != NULL && restage->reader.source != NULL)
		restage->reader.driver->close(restage->reader.source);
}

/* ---- one step ---- */

static bool
was_dead(const KsRestage *restage, const KsMessage *message)
{
	DeadOffset	key = {message->assignment, message->offset};

	return restage->ndead > 0 &&
		bsearch(&key, restage->dead, restage->ndead, sizeof(DeadOffset), compare_dead) != NULL;
}

/* Which of the arrivals a message came with: the last that begins at or before it. */
static TimestampTz
arrival_of(const KsRestage *restage, const KsMessage *message)
{
	TimestampTz since = DT_NOBEGIN;

	for (int i = 0; i < restage->narrivals; i++)
		if (restage->arrivals[i].assignment == message->assignment &&
			restage->arrivals[i].from_offset <= message->offset)
			since = restage->arrivals[i].since;
	return since;
}

/*
 * Stage messages that arrived at one time, taken from the front of the rest;
 * messages of a partition are in order of their arrival.
 */
static void
stage_arrival(KsRestage *restage, Relation staging, const KsMessage *messages, int n,
			  TimestampTz since)
{
	KsReader   *reader = &restage->reader;
	KsMessage  *some = palloc(sizeof(KsMessage) * n);
	KsIntake   *intake;
	int			nsome = 0;

	for (int i = 0; i < n; i++)
		if (!messages[i].is_eof && messages[i].offset < restage->end[messages[i].assignment] &&
			arrival_of(restage, &messages[i]) == since && !was_dead(restage, &messages[i]))
			some[nsome++] = messages[i];
	if (nsome == 0)
		return;
	intake = ks_intake_run(reader, staging, some, nsome, since);
	ks_stage_rows(staging, reader->stream->owner, &intake->batch, since);
}

/* Segments whose rows would go at once are left out. */
static void
stage_messages(KsRestage *restage, Relation staging, int n)
{
	KsReader   *reader = &restage->reader;
	TimestampTz oldest = GetCurrentTimestamp() - reader->stream->retention -
		ks_staging_width_of(staging);
	TimestampTz before = DT_NOBEGIN;

	for (int i = 0; i < restage->narrivals; i++)
	{
		TimestampTz since = restage->arrivals[i].since;

		if (since != before && since >= oldest)
			stage_arrival(restage, staging, reader->messages, n, since);
		before = since;
	}
}

/* Where reading has come, from the messages themselves. */
static void
move_partitions(KsRestage *restage, int n)
{
	KsReader   *reader = &restage->reader;
	KsAccess	access;

	for (int i = 0; i < n; i++)
	{
		const KsMessage *message = &reader->messages[i];
		KsPartition *partition = &reader->partitions[message->assignment];
		int64		next = message->is_eof ? restage->end[message->assignment] : message->offset + 1;

		if (partition->next_offset >= restage->end[message->assignment])
			continue;
		partition->next_offset = Max(partition->next_offset, next);
		partition->touched = true;
	}
	ks_access_enter(&access);
	for (int i = 0; i < reader->npartitions; i++)
	{
		KsPartition *partition = &reader->partitions[i];
		Datum		values[] = {
			ObjectIdGetDatum(reader->stream->relid), CStringGetTextDatum(partition->topic),
			Int32GetDatum(partition->partition), Int64GetDatum(partition->next_offset),
		};

		if (partition->touched && ks_query_run(&move_on, values, NULL) != 1)
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("stream %s was moved while staged rows were read again",
							reader->name)));
		partition->touched = false;
	}
	ks_access_leave(&access);
}

static bool
is_done(const KsRestage *restage)
{
	for (int i = 0; i < restage->reader.npartitions; i++)
		if (restage->reader.partitions[i].next_offset < restage->end[i])
			return false;
	return true;
}

/* In a transaction: rows and progress.  False: the stream is gone. */
static bool
run_step(KsRestage *restage, int n)
{
	KsReader   *reader = &restage->reader;
	Relation	staging;
	MemoryContext old = CurrentMemoryContext;

	ks_worker_begin();
	staging = try_table_open(reader->stream->relid, RowExclusiveLock);
	if (staging != NULL)
	{
		MemoryContextSwitchTo(restage->batch);
		for (int i = 0; i < reader->npartitions; i++)
			reader->partitions[i].batch_next = reader->partitions[i].next_offset;
		stage_messages(restage, staging, n);
		move_partitions(restage, n);
		table_close(staging, NoLock);
	}
	ks_worker_commit();
	MemoryContextSwitchTo(old);
	MemoryContextReset(restage->batch);
	return staging != NULL;
}

/* All that can be read again was. */
static void
finish(KsRestage *restage)
{
	Datum		stream = ObjectIdGetDatum(restage->reader.stream->relid);
	KsAccess	access;

	ks_worker_begin();
	ks_access_enter(&access);
	(void) ks_query_run(&forget, &stream, NULL);
	ks_access_leave(&access);
	ks_worker_commit();
}

bool
ks_restage_step(KsRestage *restage)
{
	KsReader   *reader = &restage->reader;
	KsSourceStatus status = {0};
	int			n;

	if (is_done(restage))
	{
		finish(restage);
		return false;
	}
	n = reader->driver->fetch(reader->source, reader->messages, RESTAGE_ROWS, 1, &status);
	CHECK_FOR_INTERRUPTS();
	if (status.trouble == KS_SOURCE_OUT_OF_RANGE || status.trouble == KS_SOURCE_FATAL)
	{
		ereport(LOG,
				(errmsg("rows of stream %s that a crash took from staging cannot be read again: %s",
						reader->name, status.message)));
		finish(restage);
		return false;
	}
	if (n > 0 && !run_step(restage, n))
		return false;
	reader->driver->release(reader->source);
	return true;
}
