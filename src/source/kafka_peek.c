/*
 * A look at some messages of a topic, without a stream.
 *
 * Partitions are read side by side up to their last stable offset as it was
 * when asked, or until each has given n messages, whatever comes first; the
 * best n of all are kept, so memory is bounded by 2 n messages and one batch.
 * Offsets have gaps, so the last n messages may begin further back than n
 * offsets before the end: then it is read again from further back.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "source/kafka_consumer.h"
#include "source/kafka_peek.h"

#define LOOKUP_MS		10000
#define STALL_MS		10000	/* no progress for so long is an error */
#define BATCH			1000
#define BATCH_BYTES		(64 * 1024 * 1024)

/* A partition that is being read. */
typedef struct Reading
{
	KsSourcePartition *partition;
	int64		from;
	int			got;
	bool		done;
} Reading;

typedef struct Peek
{
	const KsSourceDriver *driver;
	KsSource   *source;
	int			n;
	bool		last;			/* the last n, not the first */
	int			nreadings;
	Reading    *readings;
	int			running;		/* readings not done */
	KsPeekedArray *kept;
} Peek;

/* Keep librdkafka from reading far ahead. */
static List *
small_queues(const List *properties)
{
	static KsProperty messages = {"queued.min.messages", "2000"};
	static KsProperty kbytes = {"queued.max.messages.kbytes", "16384"};

	return lappend(lappend(list_copy(properties), &messages), &kbytes);
}

static int
compare(const void *a, const void *b)
{
	const KsPeeked *left = a;
	const KsPeeked *right = b;

	if (left->timestamp_ms != right->timestamp_ms)
		return left->timestamp_ms < right->timestamp_ms ? -1 : 1;
	if (left->partition != right->partition)
		return left->partition < right->partition ? -1 : 1;
	return left->offset < right->offset ? -1 : left->offset > right->offset;
}

static void
discard(KsPeeked *message)
{
	if (message->key)
		pfree(message->key);
	if (message->value)
		pfree(message->value);
	if (message->headers)
		pfree(message->headers);
}

/* Sort, and keep the first or last n. */
static void
prune(Peek *peek)
{
	KsPeekedArray *kept = peek->kept;
	int			extra = kept->n - peek->n;

	qsort(kept->messages, kept->n, sizeof(KsPeeked), compare);
	if (extra <= 0)
		return;
	for (int i = 0; i < extra; i++)
		discard(&kept->messages[peek->last ? i : peek->n + i]);
	if (peek->last)
		memmove(kept->messages, kept->messages + extra, sizeof(KsPeeked) * peek->n);
	kept->n = peek->n;
}

static bytea *
copy_bytes(const char *bytes, size_t len)
{
	bytea	   *copy;

	if (bytes == NULL)
		return NULL;
	copy = palloc(VARHDRSZ + len);
	SET_VARSIZE(copy, VARHDRSZ + len);
	memcpy(VARDATA(copy), bytes, len);
	return copy;
}

static void
keep(Peek *peek, const Reading *reading, const KsMessage *message)
{
	KsPeekedArray *kept = peek->kept;
	KsPeeked   *copy;

	if (kept->n == kept->size)
		prune(peek);
	copy = &kept->messages[kept->n++];
	copy->partition = reading->partition->partition;
	copy->offset = message->offset;
	copy->timestamp_ms = message->timestamp_ms;
	copy->key = copy_bytes(message->key, message->key_len);
	copy->value = copy_bytes(message->value, message->value_len);
	copy->headers = peek->driver->headers(message);
}

static void
finish(Peek *peek, Reading *reading)
{
	if (!reading->done)
		peek->running--;
	reading->done = true;
}

static void
take(Peek *peek, const KsMessage *message)
{
	Reading    *reading = &peek->readings[message->assignment];

	if (reading->done)
		return;
	if (!message->is_eof && message->offset < reading->partition->high_offset)
	{
		keep(peek, reading, message);
		reading->got++;
	}
	if (message->is_eof || message->offset + 1 >= reading->partition->high_offset ||
		(!peek->last && reading->got >= peek->n))
		finish(peek, reading);
}

static void
fail(const KsSourceStatus *status)
{
	ereport(ERROR,
			(errcode(status->trouble == KS_SOURCE_OUT_OF_RANGE ?
					 ERRCODE_INVALID_PARAMETER_VALUE : ERRCODE_CONNECTION_FAILURE),
			 errmsg("could not read from Kafka: %s",
					status->message[0] ? status->message : "no messages arrived in time")));
}

/* Assign what has something to read. */
static void
assign(Peek *peek)
{
	KsAssignment *assignments = palloc0(sizeof(KsAssignment) * peek->nreadings);

	peek->running = peek->nreadings;
	for (int i = 0; i < peek->nreadings; i++)
	{
		Reading    *reading = &peek->readings[i];

		reading->got = 0;
		reading->done = false;
		assignments[i].topic = reading->partition->topic;
		assignments[i].partition = reading->partition->partition;
		assignments[i].offset = reading->from;
	}
	peek->driver->assign(peek->source, assignments, peek->nreadings);
}

static void
read_all(Peek *peek)
{
	KsMessage  *batch = palloc(sizeof(KsMessage) * BATCH);
	TimestampTz deadline = 0;

	for (int i = 0; i < peek->kept->n; i++)
		discard(&peek->kept->messages[i]);
	peek->kept->n = 0;
	assign(peek);
	while (peek->running > 0)
	{
		KsSourceStatus status;
		int			n = peek->driver->fetch(peek->source, batch, BATCH, 1000, &status);
		TimestampTz now = GetCurrentTimestamp();

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < n; i++)
			take(peek, &batch[i]);
		peek->driver->release(peek->source);
		if (status.trouble == KS_SOURCE_OUT_OF_RANGE || status.trouble == KS_SOURCE_FATAL)
			fail(&status);
		if (n > 0 || deadline == 0)
			deadline = TimestampTzPlusMilliseconds(now, STALL_MS);
		else if (now >= deadline)
			fail(&status);
	}
	prune(peek);
	pfree(batch);
}

/* The offset given for a partition, or -1. */
static int64
given_offset(const KsStart *start, const KsSourcePartition *partition)
{
	ListCell   *lc;

	foreach(lc, start->offsets)
	{
		KsStartOffset *given = lfirst(lc);

		if (given->partition != partition->partition)
			continue;
		if (given->offset < partition->low_offset || given->offset > partition->high_offset)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("partition %d has no offset " INT64_FORMAT,
							given->partition, given->offset),
					 errdetail("It has offsets from " INT64_FORMAT " to " INT64_FORMAT ".",
							   partition->low_offset, partition->high_offset)));
		return given->offset;
	}
	return -1;
}

/* Where to begin in a partition; its high offset for nothing. */
static int64
first_offset(Peek *peek, const KsStart *start, const KsSourcePartition *partition, int64 span)
{
	int64		offset = partition->low_offset;

	if (start->kind == KS_START_LATEST)
		offset = Max(partition->low_offset, partition->high_offset - span);
	else if (start->kind == KS_START_TIME)
		offset = peek->driver->offset_at(peek->source, partition->topic, partition->partition,
										 start->at, LOOKUP_MS);
	else if (start->kind == KS_START_OFFSETS)
	{
		offset = given_offset(start, partition);
		if (offset < 0)
			offset = partition->high_offset;
	}
	return Max(offset, partition->low_offset);
}

static void
check_given(const KsStart *start, const List *partitions)
{
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, start->offsets)
	{
		KsStartOffset *given = lfirst(lc);
		bool		found = false;

		foreach(lc2, partitions)
			found |= ((KsSourcePartition *) lfirst(lc2))->partition == given->partition;
		if (!found)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("there is no partition %d", given->partition)));
	}
}

/* Does reading further back find more? */
static bool
set_readings(Peek *peek, const KsStart *start, const List *partitions, int64 span)
{
	bool		further = false;
	ListCell   *lc;

	peek->nreadings = 0;
	foreach(lc, partitions)
	{
		KsSourcePartition *partition = lfirst(lc);
		int64		from = first_offset(peek, start, partition, span);

		if (from >= partition->high_offset)
			continue;
		further |= from > partition->low_offset;
		peek->readings[peek->nreadings].partition = partition;
		peek->readings[peek->nreadings++].from = from;
	}
	return further && start->kind == KS_START_LATEST;
}

KsPeekedArray *
ks_kafka_peek(const KsSourceConfig *config, const KsStart *start, int n)
{
	KsSourceConfig own = *config;
	Peek		peek = {.driver = ks_kafka_driver(),.n = n};
	List	   *partitions;
	bool		further;

	own.properties = small_queues(config->properties);
	own.max_batch_bytes = BATCH_BYTES;
	peek.last = start->kind == KS_START_LATEST;
	peek.kept = palloc0(sizeof(KsPeekedArray));
	peek.kept->size = 2 * n + 1;
	peek.kept->messages = palloc_extended(sizeof(KsPeeked) * peek.kept->size, MCXT_ALLOC_HUGE);
	peek.source = peek.driver->open(&own);
	partitions = peek.driver->partitions(peek.source, LOOKUP_MS);
	check_given(start, partitions);
	peek.readings = palloc0(sizeof(Reading) * Max(list_length(partitions), 1));
	for (int64 span = n; n > 0; span *= 8)
	{
		further = set_readings(&peek, start, partitions, span);
		if (peek.nreadings > 0)
			read_all(&peek);
		if (!further || peek.kept->n >= n)
			break;
	}
	peek.driver->close(peek.source);
	return peek.kept;
}
