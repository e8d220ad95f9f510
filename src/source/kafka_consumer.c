/*
 * The Kafka driver: messages of assigned partitions, as fast as they come.
 *
 * Messages go from librdkafka's consumer queue to the caller without a copy
 * and are held until release(), at most max_batch_bytes and one queue's worth.
 * librdkafka never chooses an offset: positions are assigned, a lost one is an
 * error, and no offset is stored or committed but by commit_group().
 *
 * Once a second librdkafka's statistics tell each partition's last stable
 * offset, and whether its leader is connected and answers: fetching polls it
 * several times a second, so a silent leader is a lost one.
 */
#include "postgres.h"

#include <stdlib.h>
#include <unistd.h>

#include "fmgr.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "base/compat.h"
#include "source/kafka_client.h"
#include "source/kafka_consumer.h"
#include "source/kafka_headers.h"
#include "source/kafka_lookup.h"
#include "source/kafka_statistics.h"

PG_MODULE_MAGIC;

#define MAX_CHUNK	4096		/* messages per look into the queue */
#define MAX_WAIT_MS	1000		/* a wake-up could be missed */

/* A topic among the assignments: partition number to index. */
typedef struct Topic
{
	rd_kafka_topic_t *handle;	/* as messages carry it; NULL: none came yet */
	const char *name;
	int32		npartitions;
	int		   *assignment;		/* -1: not assigned */
} Topic;

struct KsSource
{
	KsKafkaClient *client;
	MemoryContext context;		/* all of this */
	MemoryContext assigned;		/* what the present assignment needs */
	char	   *topic;
	int64		max_batch_bytes;

	int			nassigned;
	KsKafkaPosition *positions;
	KsSourceStatus **lost;		/* why an assignment is not read any more, until told */
	int			nlost;
	int			nsilent;		/* statistics in a row that miss a leader */
	int			ntopics;
	Topic	   *topics;
	Topic	   *last_topic;

	rd_kafka_message_t **held;	/* handed out, not yet released */
	int			nheld;
	int			held_size;
	int64		held_bytes;
};

/*
 * Enough is queued for a second at a million messages: 2.0.2 looks only once a
 * second whether a full queue has emptied.  Both limits hold for all
 * partitions together.  Every value can be set in the server's options.
 */
static const KsKafkaSetting defaults[] = {
	{"client.id", "kafka_stream"},
	{"queued.min.messages", "1000000"},
	{"queued.max.messages.kbytes", "262144"},
	{"fetch.wait.max.ms", "200"},
	{"socket.timeout.ms", "10000"},
	{"socket.keepalive.enable", "true"},
	{"reconnect.backoff.max.ms", "2000"},
	{NULL}
};

static void
release(KsSource *source)
{
	for (int i = 0; i < source->nheld; i++)
		rd_kafka_message_destroy(source->held[i]);
	source->nheld = 0;
	source->held_bytes = 0;
}

static void
before_close(void *arg)
{
	release(arg);
}

/* Twice in a row, since leaders are not known right after an assignment. */
static void
on_statistics(void *arg, const char *json)
{
	KsSource   *source = arg;

	if (ks_kafka_statistics_read(json, source->positions, source->nassigned))
	{
		source->nsilent = 0;
		source->client->note.down = false;
	}
	else if (++source->nsilent >= 2)
		source->client->note.down = true;
}

static KsSource *
kafka_open(const KsSourceConfig *config)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "Kafka source",
												  ALLOCSET_DEFAULT_SIZES);
	KsSource   *source = MemoryContextAllocZero(context, sizeof(KsSource));
	KsKafkaSetting fixed[] = {
		{"group.id", config->group_id ? config->group_id : "kafka_stream"},
		{"enable.auto.commit", "false"},
		{"enable.auto.offset.store", "false"},
		{"auto.offset.reset", "error"},
		{"isolation.level", "read_committed"},
		{"enable.partition.eof", "true"},
		{"check.crcs", "true"},
		{"allow.auto.create.topics", "false"},
		{"statistics.interval.ms", "1000"},
		{NULL}
	};

	source->context = context;
	source->topic = MemoryContextStrdup(context, config->topic ? config->topic : "^");
	source->max_batch_bytes = config->max_batch_bytes > 0 ? config->max_batch_bytes : PG_INT64_MAX;
	source->client = ks_kafka_client_open(context, RD_KAFKA_CONSUMER, config->properties,
										  defaults, fixed);
	source->client->before_close = before_close;
	source->client->before_close_arg = source;
	source->client->statistics = on_statistics;
	source->client->statistics_arg = source;
	return source;
}

static void
kafka_close(KsSource *source)
{
	MemoryContextDelete(source->context);
}

static List *
kafka_partitions(KsSource *source, int timeout_ms)
{
	return ks_kafka_partitions(source->client, source->topic, timeout_ms);
}

static int64
kafka_offset_at(KsSource *source, const char *topic, int32 partition, TimestampTz at,
				int timeout_ms)
{
	int64		ms;

	if (TIMESTAMP_IS_NOBEGIN(at))
		ms = KS_KAFKA_EARLIEST;
	else if (TIMESTAMP_IS_NOEND(at))
		ms = KS_KAFKA_LATEST;
	else
	{
		/* Kafka counts milliseconds since 1970; round up: not before 'at'. */
		ms = (at >= 0 ? (at + 999) / 1000 : at / 1000) +
			(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * INT64CONST(86400000);
		ms = Max(ms, 0);
	}
	return ks_kafka_offset_at(source->client, topic, partition, ms, timeout_ms);
}

static char *
kafka_cluster_id(KsSource *source, int timeout_ms)
{
	return ks_kafka_cluster_id(source->client, timeout_ms);
}

typedef struct AssignCall
{
	KsKafkaCall base;
	rd_kafka_topic_partition_list_t *list;	/* NULL: none */
} AssignCall;

static void
assign_run(KsKafkaCall *base, rd_kafka_t *rk)
{
	base->err = rd_kafka_assign(rk, ((AssignCall *) base)->list);
}

static void
assign_release(KsKafkaCall *base)
{
	AssignCall *call = (AssignCall *) base;

	if (call->list)
		rd_kafka_topic_partition_list_destroy(call->list);
	free(call);
}

static Topic *
find_topic(KsSource *source, const char *name)
{
	for (int i = 0; i < source->ntopics; i++)
		if (strcmp(source->topics[i].name, name) == 0)
			return &source->topics[i];
	return NULL;
}

/* Fill positions[] and topics[]: which message belongs to which assignment. */
static void
index_assignments(KsSource *source, const KsAssignment *assignments, int n)
{
	source->positions = palloc0(sizeof(KsKafkaPosition) * Max(n, 1));
	source->topics = palloc0(sizeof(Topic) * Max(n, 1));
	source->lost = palloc0(sizeof(KsSourceStatus *) * (n + 1));
	source->nlost = 0;
	for (int i = 0; i < n; i++)
	{
		Topic	   *topic = find_topic(source, assignments[i].topic);

		if (topic == NULL)
		{
			topic = &source->topics[source->ntopics++];
			topic->name = pstrdup(assignments[i].topic);
		}
		topic->npartitions = Max(topic->npartitions, assignments[i].partition + 1);
		source->positions[i].topic = topic->name;
		source->positions[i].partition = assignments[i].partition;
		source->positions[i].next_offset = -1;
		source->positions[i].stable_offset = -1;
		source->positions[i].high_offset = -1;
	}
	for (int t = 0; t < source->ntopics; t++)
	{
		Topic	   *topic = &source->topics[t];

		topic->assignment = palloc(sizeof(int) * topic->npartitions);
		for (int p = 0; p < topic->npartitions; p++)
			topic->assignment[p] = -1;
	}
	for (int i = 0; i < n; i++)
		find_topic(source, assignments[i].topic)->assignment[assignments[i].partition] = i;
	source->nassigned = n;
}

static void
kafka_assign(KsSource *source, const KsAssignment *assignments, int n)
{
	AssignCall *call;
	MemoryContext old;

	source->nassigned = source->ntopics = source->nlost = source->nsilent = 0;
	source->lost = NULL;
	source->last_topic = NULL;
	if (source->assigned)
		MemoryContextDelete(source->assigned);
	source->assigned = AllocSetContextCreate(source->context, "Kafka assignment",
											 ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(source->assigned);
	index_assignments(source, assignments, n);
	MemoryContextSwitchTo(old);

	call = calloc(1, sizeof(AssignCall));
	if (call == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	call->base.run = assign_run;
	call->base.release = assign_release;
	if (n > 0)
		call->list = rd_kafka_topic_partition_list_new(n);
	for (int i = 0; i < n; i++)
		rd_kafka_topic_partition_list_add(call->list, assignments[i].topic,
										  assignments[i].partition)->offset = assignments[i].offset;
	ks_kafka_client_call(source->client, &call->base);
	if (call->base.err)
		ks_kafka_client_error(source->client, call->base.err,
							  "could not assign partitions");
}

/* The assignment a message belongs to, or -1. */
static inline int
assignment_of(KsSource *source, const rd_kafka_message_t *native)
{
	Topic	   *topic = source->last_topic;

	if (native->rkt == NULL)
		return -1;
	if (topic == NULL || topic->handle != native->rkt)
	{
		topic = NULL;
		for (int i = 0; i < source->ntopics && topic == NULL; i++)
			if (source->topics[i].handle == native->rkt)
				topic = &source->topics[i];
		if (topic == NULL)
			topic = find_topic(source, rd_kafka_topic_name(native->rkt));
		if (topic == NULL)
			return -1;
		topic->handle = native->rkt;
		source->last_topic = topic;
	}
	return native->partition >= 0 && native->partition < topic->npartitions ?
		topic->assignment[native->partition] : -1;
}

static KsSourceTrouble
classify(rd_kafka_resp_err_t err)
{
	switch (err)
	{
		case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
		case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
			return KS_SOURCE_OUT_OF_RANGE;
		case RD_KAFKA_RESP_ERR__TRANSPORT:
		case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
		case RD_KAFKA_RESP_ERR__TIMED_OUT:
		case RD_KAFKA_RESP_ERR__RESOLVE:
		case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
		case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
		case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
		case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR:
			return KS_SOURCE_DISCONNECTED;
		default:
			return KS_SOURCE_FATAL;
	}
}

/*
 * Keep an error event until a fetch tells it.  Each partition says once that it
 * is lost, so none may be dropped; what passes by itself is seen in the
 * connection's state as well.
 */
static void
note_trouble(KsSource *source, const rd_kafka_message_t *native)
{
	KsSourceStatus *status;
	int			assignment = assignment_of(source, native);
	KsSourceTrouble trouble = classify(native->err);

	if (trouble == KS_SOURCE_DISCONNECTED || source->lost == NULL ||
		source->lost[assignment + 1] != NULL)
		return;
	status = MemoryContextAllocZero(source->assigned, sizeof(KsSourceStatus));
	status->trouble = trouble;
	status->assignment = assignment;
	if (assignment >= 0)
		snprintf(status->message, sizeof(status->message), "topic \"%s\", partition %d: ",
				 source->positions[assignment].topic, source->positions[assignment].partition);
	strlcat(status->message,
			native->payload ? rd_kafka_message_errstr(native) : rd_kafka_err2str(native->err),
			sizeof(status->message));
	source->lost[assignment + 1] = status;
	source->nlost++;
}

/* Tell one trouble per fetch, the others in the next ones. */
static void
tell_trouble(KsSource *source, KsSourceStatus *status)
{
	for (int i = 0; i <= source->nassigned && source->nlost > 0; i++)
		if (source->lost[i])
		{
			*status = *source->lost[i];
			pfree(source->lost[i]);
			source->lost[i] = NULL;
			source->nlost--;
			return;
		}
}

/* What was fetched, as the caller sees it; false if it is no message. */
static inline bool
fill_message(KsSource *source, rd_kafka_message_t *native, KsMessage *out)
{
	int			assignment;
	bool		is_eof = native->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;

	if (native->err != RD_KAFKA_RESP_ERR_NO_ERROR && !is_eof)
	{
		note_trouble(source, native);
		return false;
	}
	assignment = assignment_of(source, native);
	if (assignment < 0)
		return false;
	out->assignment = assignment;
	out->is_eof = is_eof;
	out->offset = native->offset;
	out->native = native;
	source->positions[assignment].next_offset = native->offset + (is_eof ? 0 : 1);
	if (is_eof)
	{
		out->timestamp_ms = -1;
		out->key = out->value = NULL;
		out->key_len = out->value_len = 0;
		return true;
	}
	out->timestamp_ms = rd_kafka_message_timestamp(native, NULL);
	out->key = native->key;
	out->key_len = native->key_len;
	out->value = native->payload;
	out->value_len = native->len;
	source->held_bytes += native->len + native->key_len;
	return true;
}

/* How many messages to take next, so that the bytes left are not much passed. */
static int
next_chunk(KsSource *source, int room)
{
	int64		left = source->max_batch_bytes - source->held_bytes;
	int64		size = source->nheld > 0 ? source->held_bytes / source->nheld : 1024;

	if (left <= 0)
		return 0;
	return (int) Max(Min(Min(room, MAX_CHUNK), left / Max(size, 1)), 1);
}

/* Take what is at hand. */
static int
take(KsSource *source, KsMessage *out, int max)
{
	int			n = 0;
	int			chunk;

	while (n < max && (chunk = next_chunk(source, max - n)) > 0)
	{
		int			first = source->nheld;
		ssize_t		got = rd_kafka_consume_batch_queue(source->client->queue, 0,
													   source->held + first, chunk);

		if (got <= 0)
			break;
		for (int i = first; i < first + got; i++)
			if (fill_message(source, source->held[i], &out[n]))
			{
				source->held[source->nheld++] = source->held[i];
				n++;
			}
			else
				rd_kafka_message_destroy(source->held[i]);
		if (source->nheld + MAX_CHUNK > source->held_size)
			break;				/* many events that were no messages */
	}
	return n;
}

/* Room in held[] for 'max' messages more, and for events that are none. */
static void
reserve(KsSource *source, int max)
{
	int			needed = source->nheld + max + 2 * MAX_CHUNK;

	if (needed <= source->held_size)
		return;
	source->held = source->held == NULL ?
		MemoryContextAllocHuge(source->context, sizeof(void *) * needed) :
		repalloc_huge(source->held, sizeof(void *) * needed);
	source->held_size = needed;
}

/* Sleep until something comes; true if MyLatch was set. */
static bool
wait_for_more(KsSource *source, int ms)
{
	int			events;

	events = WaitLatchOrSocket(MyLatch,
							   WL_LATCH_SET | WL_SOCKET_READABLE | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
							   source->client->pipe[0], Min(ms, MAX_WAIT_MS),
							   PG_WAIT_EXTENSION);
	if (!(events & WL_LATCH_SET))
		return false;
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	return true;
}

/*
 * The connection as a whole.  Told even when messages came: one leader can be
 * away while others send.
 */
static void
note_connection(KsSource *source, KsSourceStatus *status)
{
	KsKafkaNote *note = &source->client->note;

	if (status->trouble != KS_SOURCE_OK || !(note->refused || note->down))
		return;
	status->trouble = note->refused ? KS_SOURCE_FATAL : KS_SOURCE_DISCONNECTED;
	strlcpy(status->message,
			note->text[0] ? note->text : "the broker is not connected or does not answer",
			sizeof(status->message));
}

static int
kafka_fetch(KsSource *source, KsMessage *out, int max, int timeout_ms,
			KsSourceStatus *status)
{
	TimestampTz deadline = 0;
	char		drained[64];
	int			n;

	status->trouble = KS_SOURCE_OK;
	status->assignment = -1;
	status->message[0] = '\0';
	reserve(source, max);
	for (;;)
	{
		int			left = timeout_ms;

		/* This order: an event after the last look writes to the pipe again. */
		while (read(source->client->pipe[0], drained, sizeof(drained)) == sizeof(drained))
			;
		ks_kafka_client_serve(source->client);
		n = take(source, out, max);
		if (n > 0 || source->nlost > 0 || source->client->note.refused ||
			timeout_ms <= 0 || next_chunk(source, 1) == 0)
			break;
		if (deadline == 0)
			deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), timeout_ms);
		else
			left = (int) TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
		if (left <= 0 || wait_for_more(source, left))
			break;
	}
	tell_trouble(source, status);
	note_connection(source, status);
	return n;
}

static char *
kafka_headers(const KsMessage *message)
{
	return message->is_eof ? NULL : ks_kafka_headers_text(message->native);
}

static int64
kafka_end_offset(KsSource *source, int assignment)
{
	Assert(assignment >= 0 && assignment < source->nassigned);
	return Max(source->positions[assignment].stable_offset,
			   source->positions[assignment].next_offset);
}

static int64
kafka_unstable(KsSource *source, int assignment)
{
	const KsKafkaPosition *position = &source->positions[assignment];

	return position->stable_offset < 0 ? 0 :
		Max(position->high_offset - Max(position->stable_offset, position->next_offset), 0);
}

/* Only a queue entry for librdkafka's thread; what comes of it is its own affair. */
static void
kafka_commit_group(KsSource *source, const KsAssignment *next, int n)
{
	rd_kafka_topic_partition_list_t *list;

	if (n <= 0)
		return;
	list = rd_kafka_topic_partition_list_new(n);
	for (int i = 0; i < n; i++)
		rd_kafka_topic_partition_list_add(list, next[i].topic,
										  next[i].partition)->offset = next[i].offset;
	(void) rd_kafka_commit(source->client->rk, list, 1);
	rd_kafka_topic_partition_list_destroy(list);
}

static int
kafka_wakeup_fd(KsSource *source)
{
	return source->client->pipe[0];
}

static const KsSourceDriver kafka_driver = {
	.open = kafka_open,
	.close = kafka_close,
	.partitions = kafka_partitions,
	.offset_at = kafka_offset_at,
	.cluster_id = kafka_cluster_id,
	.assign = kafka_assign,
	.fetch = kafka_fetch,
	.release = release,
	.headers = kafka_headers,
	.end_offset = kafka_end_offset,
	.unstable = kafka_unstable,
	.commit_group = kafka_commit_group,
	.wakeup_fd = kafka_wakeup_fd,
};

const KsSourceDriver *
ks_kafka_driver(void)
{
	return &kafka_driver;
}
