/*
 * Questions to the broker, each a blocking call on a thread of its own.
 *
 * What passes (no answer, a topic without a leader, a broker starting) is asked
 * again until the caller's time is over.  A try is short at first, since a
 * client cannot close before its call has ended, and longer each time, lest a
 * slow broker never be heard.
 */
#include "postgres.h"

#include <stdlib.h>

#include "catalog/pg_collation.h"
#include "miscadmin.h"
#include "regex/regex.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"
#include "utils/wait_event.h"

#include "base/compat.h"
#include "source/kafka_lookup.h"
#include "source/source.h"

#define RETRY_MS	200
#define FIRST_TRY_MS	1000

/* The time for a question, and for the next try. */
typedef struct Patience
{
	TimestampTz deadline;
	int			try_ms;
} Patience;

typedef struct MetadataCall
{
	KsKafkaCall base;
	char	   *topic;			/* NULL: all topics */
	int			timeout_ms;
	const struct rd_kafka_metadata *metadata;
} MetadataCall;

typedef struct OffsetsCall
{
	KsKafkaCall base;
	int			timeout_ms;
	rd_kafka_topic_partition_list_t *list;
} OffsetsCall;

typedef struct ClusterCall
{
	KsKafkaCall base;
	int			timeout_ms;
	char	   *id;
	rd_kafka_t *rk;
} ClusterCall;

static void *
call_alloc(size_t size)
{
	void	   *call = calloc(1, size);

	if (call == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	return call;
}

static Patience
patience_for(int timeout_ms)
{
	Patience	patience = {
		.deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), timeout_ms),
		.try_ms = FIRST_TRY_MS
	};

	return patience;
}

static int
remaining_ms(const Patience *patience)
{
	return (int) TimestampDifferenceMilliseconds(GetCurrentTimestamp(), patience->deadline);
}

static int
next_try_ms(Patience *patience)
{
	int			ms = Max(Min(remaining_ms(patience), patience->try_ms), 1);

	patience->try_ms *= 2;
	return ms;
}

static bool
is_over(const Patience *patience)
{
	return remaining_ms(patience) <= RETRY_MS;
}

static void
pause_before_retry(void)
{
	(void) WaitLatch(NULL, WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, RETRY_MS, PG_WAIT_EXTENSION);
	CHECK_FOR_INTERRUPTS();
}

/* Will it pass by itself? */
static bool
is_passing(rd_kafka_resp_err_t err)
{
	switch (err)
	{
		case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
		case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
		case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
		case RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE:
		case RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE:
		case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR:
		case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
		case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
		case RD_KAFKA_RESP_ERR__TRANSPORT:
		case RD_KAFKA_RESP_ERR__TIMED_OUT:
		case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
		case RD_KAFKA_RESP_ERR__WAIT_CACHE:
			return true;
		default:
			return false;
	}
}

static void
metadata_run(KsKafkaCall *base, rd_kafka_t *rk)
{
	MetadataCall *call = (MetadataCall *) base;
	rd_kafka_topic_t *topic = NULL;

	if (call->topic)
	{
		topic = rd_kafka_topic_new(rk, call->topic, NULL);
		if (topic == NULL)
		{
			base->err = rd_kafka_last_error();
			return;
		}
	}
	base->err = rd_kafka_metadata(rk, topic == NULL, topic, &call->metadata,
								  call->timeout_ms);
	if (topic)
		rd_kafka_topic_destroy(topic);
}

static void
metadata_release(KsKafkaCall *base)
{
	MetadataCall *call = (MetadataCall *) base;

	if (call->metadata)
		rd_kafka_metadata_destroy(call->metadata);
	free(call->topic);
	free(call);
}

/* Metadata of one topic or all, or NULL if that should be tried again. */
static const struct rd_kafka_metadata *
metadata_try(KsKafkaClient *client, const char *topic, Patience *patience)
{
	MetadataCall *call = call_alloc(sizeof(MetadataCall));

	call->base.run = metadata_run;
	call->base.release = metadata_release;
	call->timeout_ms = next_try_ms(patience);
	call->topic = topic ? strdup(topic) : NULL;
	ks_kafka_client_call(client, &call->base);
	if (call->base.err == RD_KAFKA_RESP_ERR_NO_ERROR)
		return call->metadata;
	if (!is_passing(call->base.err) || is_over(patience))
		ks_kafka_client_error(client, call->base.err, "could not look up topics in Kafka");
	return NULL;
}

/* Raise the error of a topic that cannot be used. */
static void
topic_error(const char *topic, rd_kafka_resp_err_t err)
{
	if (err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("topic \"%s\" does not exist in Kafka", topic),
				 errhint("SELECT DISTINCT topic FROM kafka_stream.topics(...) lists what there is.")));
	ereport(ERROR,
			(errcode(ks_kafka_client_sqlstate(err)),
			 errmsg("topic \"%s\" cannot be read: %s", topic, rd_kafka_err2str(err))));
}

static List *
add_partitions(List *result, const struct rd_kafka_metadata_topic *topic)
{
	char	   *name = pstrdup(topic->topic);

	for (int i = 0; i < topic->partition_cnt; i++)
	{
		KsSourcePartition *partition = palloc(sizeof(KsSourcePartition));

		partition->topic = name;
		partition->partition = topic->partitions[i].id;
		partition->low_offset = partition->high_offset = -1;
		result = lappend(result, partition);
	}
	return result;
}

/* Partitions of one topic, which must be there. */
static List *
find_topic(KsKafkaClient *client, List *result, const char *topic, Patience *patience)
{
	for (;;)
	{
		const struct rd_kafka_metadata *metadata = metadata_try(client, topic, patience);

		if (metadata && metadata->topic_cnt == 1)
		{
			rd_kafka_resp_err_t err = metadata->topics[0].err;

			if (err == RD_KAFKA_RESP_ERR_NO_ERROR && metadata->topics[0].partition_cnt > 0)
				return add_partitions(result, &metadata->topics[0]);
			if ((err != RD_KAFKA_RESP_ERR_NO_ERROR && !is_passing(err)) ||
				is_over(patience))
				topic_error(topic, err);
		}
		pause_before_retry();
	}
}

/* Partitions of all topics that match, Kafka's own left out. */
static List *
find_topics(KsKafkaClient *client, const char *regex, Patience *patience)
{
	const struct rd_kafka_metadata *metadata;
	text	   *pattern = cstring_to_text(regex);
	List	   *result = NIL;

	while ((metadata = metadata_try(client, NULL, patience)) == NULL)
		pause_before_retry();
	for (int i = 0; i < metadata->topic_cnt; i++)
	{
		const struct rd_kafka_metadata_topic *topic = &metadata->topics[i];

		if (topic->err == RD_KAFKA_RESP_ERR_NO_ERROR &&
			strcmp(topic->topic, "__consumer_offsets") != 0 &&
			strcmp(topic->topic, "__transaction_state") != 0 &&
			RE_compile_and_execute(pattern, topic->topic, strlen(topic->topic),
								   REG_ADVANCED, C_COLLATION_OID, 0, NULL))
			result = add_partitions(result, topic);
	}
	return result;
}

static void
offsets_run(KsKafkaCall *base, rd_kafka_t *rk)
{
	OffsetsCall *call = (OffsetsCall *) base;

	base->err = rd_kafka_offsets_for_times(rk, call->list, call->timeout_ms);
}

static void
offsets_release(KsKafkaCall *base)
{
	OffsetsCall *call = (OffsetsCall *) base;

	rd_kafka_topic_partition_list_destroy(call->list);
	free(call);
}

/*
 * One try at the offsets of 'partitions' at a time; false if some could not be
 * told yet, with the reason in *err.
 */
static bool
offsets_try(KsKafkaClient *client, const List *partitions, int64 timestamp_ms,
			int timeout_ms, int64 *offsets, rd_kafka_resp_err_t *err)
{
	OffsetsCall *call = call_alloc(sizeof(OffsetsCall));
	ListCell   *lc;

	call->base.run = offsets_run;
	call->base.release = offsets_release;
	call->timeout_ms = timeout_ms;
	call->list = rd_kafka_topic_partition_list_new(list_length(partitions));
	foreach(lc, partitions)
	{
		KsSourcePartition *partition = lfirst(lc);

		rd_kafka_topic_partition_list_add(call->list, partition->topic,
										  partition->partition)->offset = timestamp_ms;
	}
	ks_kafka_client_call(client, &call->base);
	*err = call->base.err;
	foreach(lc, partitions)
	{
		int			i = foreach_current_index(lc);

		if (*err == RD_KAFKA_RESP_ERR_NO_ERROR)
			*err = call->list->elems[i].err;
		offsets[i] = call->list->elems[i].offset;
	}
	return *err == RD_KAFKA_RESP_ERR_NO_ERROR;
}

static int64 *
find_offsets(KsKafkaClient *client, const List *partitions, int64 timestamp_ms,
			 Patience *patience)
{
	int64	   *offsets = palloc(sizeof(int64) * list_length(partitions));
	rd_kafka_resp_err_t err;

	while (!offsets_try(client, partitions, timestamp_ms, next_try_ms(patience),
						offsets, &err))
	{
		if (!is_passing(err) || is_over(patience))
			ks_kafka_client_error(client, err, "could not look up offsets in Kafka");
		pause_before_retry();
	}
	return offsets;
}

static int
compare_partitions(const ListCell *a, const ListCell *b)
{
	const KsSourcePartition *left = lfirst(a);
	const KsSourcePartition *right = lfirst(b);
	int			order = strcmp(left->topic, right->topic);

	if (order != 0)
		return order;
	return (left->partition > right->partition) - (left->partition < right->partition);
}

/* Names of a comma list, without blanks around and without repetition. */
static List *
split_topics(const char *topic)
{
	List	   *names = NIL;
	List	   *raw;
	ListCell   *lc;

	if (!SplitGUCList(pstrdup(topic), ',', &raw))
		raw = NIL;
	foreach(lc, raw)
	{
		bool		known = false;
		ListCell   *other;

		foreach(other, names)
			known |= strcmp(lfirst(other), lfirst(lc)) == 0;
		if (!known)
			names = lappend(names, lfirst(lc));
	}
	if (names == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not a topic, a list of topics or a regular expression", topic),
				 errhint("Write topic => 'name', 'name1,name2' or '^regex'.")));
	return names;
}

List *
ks_kafka_partitions(KsKafkaClient *client, const char *topic, int timeout_ms)
{
	Patience	patience = patience_for(timeout_ms);
	List	   *result = NIL;
	ListCell   *lc;
	int64	   *low;
	int64	   *high;

	if (topic[0] == '^')
		result = find_topics(client, topic, &patience);
	else
		foreach(lc, split_topics(topic))
			result = find_topic(client, result, lfirst(lc), &patience);
	if (result == NIL)
		return NIL;
	list_sort(result, compare_partitions);
	low = find_offsets(client, result, KS_KAFKA_EARLIEST, &patience);
	high = find_offsets(client, result, KS_KAFKA_LATEST, &patience);
	foreach(lc, result)
	{
		KsSourcePartition *partition = lfirst(lc);

		partition->low_offset = low[foreach_current_index(lc)];
		partition->high_offset = high[foreach_current_index(lc)];
	}
	return result;
}

int64
ks_kafka_offset_at(KsKafkaClient *client, const char *topic, int32 partition,
				   int64 timestamp_ms, int timeout_ms)
{
	Patience	patience = patience_for(timeout_ms);
	KsSourcePartition key = {.topic = unconstify(char *, topic),.partition = partition};
	List	   *list = list_make1(&key);
	int64		offset;

	offset = find_offsets(client, list, timestamp_ms, &patience)[0];
	if (offset < 0)				/* no message that young */
		offset = find_offsets(client, list, KS_KAFKA_LATEST, &patience)[0];
	return offset;
}

static void
cluster_run(KsKafkaCall *base, rd_kafka_t *rk)
{
	ClusterCall *call = (ClusterCall *) base;

	call->id = rd_kafka_clusterid(rk, call->timeout_ms);
	call->rk = rk;
}

static void
cluster_release(KsKafkaCall *base)
{
	ClusterCall *call = (ClusterCall *) base;

	if (call->id)
		rd_kafka_mem_free(call->rk, call->id);
	free(call);
}

/* It waits for what other requests bring, and may miss that: short tries cost nothing. */
char *
ks_kafka_cluster_id(KsKafkaClient *client, int timeout_ms)
{
	Patience	patience = patience_for(timeout_ms);

	do
	{
		ClusterCall *call = call_alloc(sizeof(ClusterCall));

		call->base.run = cluster_run;
		call->base.release = cluster_release;
		call->timeout_ms = Max(Min(remaining_ms(&patience), KS_KAFKA_STEP_MS), 1);
		ks_kafka_client_call(client, &call->base);
		if (call->id)
			return pstrdup(call->id);
	} while (remaining_ms(&patience) > 0);
	return NULL;
}
