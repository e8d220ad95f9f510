/*
 * kafka_stream.produce(): messages to Kafka, delivered when the statement ends.
 *
 * The producers of a statement, one per set of properties, live in a child of
 * TopTransactionContext.  Messages are queued as the function is called; the
 * end of the outermost statement waits for all of them, raises an error if one
 * was not delivered, and closes the producers.  An error before that closes
 * them, too, with the transaction: then messages may have been delivered or not.
 *
 * There is no hook for the end of a statement, so these stand for it, whenever
 * no other one of them is running: the end of ExecutorRun (before a client is
 * told that it is done), ExecutorFinish (after triggers) and ProcessUtility
 * (DO, CALL); and, for what none of them sees, the time before a commit.  They
 * may come more often than statements end, which only makes batches smaller.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "tcop/pquery.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "source/kafka_arguments.h"
#include "source/kafka_client.h"
#include "source/kafka_headers.h"
#include "source/source.h"

PG_FUNCTION_INFO_V1(ks_kafka_produce);

typedef struct Producer
{
	List	   *properties;		/* of KsProperty * */
	KsKafkaClient *client;
	int64		queued;
	int64		undelivered;
	rd_kafka_resp_err_t err;	/* of the first undelivered message */
	char		topic[256];
	int32		partition;
} Producer;

/* What one call of produce() says. */
typedef struct Message
{
	char	   *topic;
	char	   *key;
	char	   *value;
	Jsonb	   *headers;
	int32		partition;
	int64		timestamp_ms;
} Message;

static MemoryContext statement_context = NULL;	/* NULL: nothing to deliver */
static List *producers = NIL;

static int	depth = 0;			/* of hooks now running */
static ExecutorRun_hook_type next_run = NULL;
static ExecutorFinish_hook_type next_finish = NULL;
static ProcessUtility_hook_type next_utility = NULL;

/* How long a message may take is bounded; how it is sent is up to the server's options. */
static const KsKafkaSetting defaults[] = {
	{"client.id", "kafka_stream"},
	{"message.timeout.ms", "30000"},
	{"topic.metadata.propagation.max.ms", "5000"},
	{"message.max.bytes", "33554432"},	/* the broker's own limit decides */
	{"queue.buffering.max.kbytes", "65536"},
	{"reconnect.backoff.max.ms", "2000"},
	{NULL}
};

static const KsKafkaSetting fixed[] = {
	{"enable.idempotence", "true"},
	{"acks", "all"},
	{"delivery.report.only.error", "true"},
	{NULL}
};

/* The context goes: its clients are closed by their own callbacks. */
static void
forget_producers(void *arg)
{
	statement_context = NULL;
	producers = NIL;
}

/* In librdkafka's callback: only note it. */
static void
on_undelivered(void *arg, const rd_kafka_message_t *message)
{
	Producer   *producer = arg;

	if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR || producer->undelivered++ > 0)
		return;
	producer->err = message->err;
	producer->partition = message->partition;
	strlcpy(producer->topic, message->rkt ? rd_kafka_topic_name(message->rkt) : "",
			sizeof(producer->topic));
}

pg_attribute_noreturn()
static void
refuse_message(Producer *producer, const char *topic, int32 partition, rd_kafka_resp_err_t err)
{
	KsKafkaNote *note = &producer->client->note;
	bool		timed_out = err == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT;

	ereport(ERROR,
			(errcode(ks_kafka_client_sqlstate(err)),
			 errmsg("message was not delivered to topic \"%s\": %s", topic,
					timed_out ? "no answer from the broker in time" : rd_kafka_err2str(err)),
			 producer->undelivered > 0 ?
			 errdetail(INT64_FORMAT " of " INT64_FORMAT " messages were not delivered%s%s.",
					   producer->undelivered, producer->queued,
					   note->text[0] ? "; the last trouble was: " : "", note->text) : 0,
			 err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ?
			 errhint("The topic has no partition %d.", partition) : 0));
}

/* Wait until nothing of this producer is on its way. */
static void
deliver(Producer *producer)
{
	KsKafkaClient *client = producer->client;

	while (rd_kafka_flush(client->rk, KS_KAFKA_STEP_MS) == RD_KAFKA_RESP_ERR__TIMED_OUT)
	{
		CHECK_FOR_INTERRUPTS();
		ks_kafka_client_serve(client);
		if (client->note.refused)
			ks_kafka_client_error(client, client->note.err, "could not log in to Kafka");
	}
	ks_kafka_client_serve(client);
	if (producer->undelivered > 0)
		refuse_message(producer, producer->topic, producer->partition, producer->err);
}

static void
end_statement(void)
{
	ListCell   *lc;

	if (statement_context == NULL || depth > 0)
		return;
	foreach(lc, producers)
		deliver(lfirst(lc));
	MemoryContextDelete(statement_context);
}

static void
run_executor(KS_EXECUTOR_RUN_PARAMS)
{
	depth++;
	PG_TRY();
	{
		if (next_run)
			next_run(KS_EXECUTOR_RUN_ARGS(query, direction, count, once));
		else
			standard_ExecutorRun(KS_EXECUTOR_RUN_ARGS(query, direction, count, once));
	}
	PG_FINALLY();
	{
		depth--;
	}
	PG_END_TRY();
	end_statement();
}

static void
finish_executor(QueryDesc *query)
{
	depth++;
	PG_TRY();
	{
		if (next_finish)
			next_finish(query);
		else
			standard_ExecutorFinish(query);
	}
	PG_FINALLY();
	{
		depth--;
	}
	PG_END_TRY();
	end_statement();
}

static void
run_utility(PlannedStmt *statement, const char *text, bool read_only_tree,
			ProcessUtilityContext context, ParamListInfo params, QueryEnvironment *environment,
			DestReceiver *dest, QueryCompletion *completion)
{
	depth++;
	PG_TRY();
	{
		if (next_utility)
			next_utility(statement, text, read_only_tree, context, params, environment,
						 dest, completion);
		else
			standard_ProcessUtility(statement, text, read_only_tree, context, params,
									environment, dest, completion);
	}
	PG_FINALLY();
	{
		depth--;
	}
	PG_END_TRY();
	end_statement();
}

/* What was not delivered when a statement failed is not delivered later. */
static void
drop_statement(void)
{
	if (statement_context)
		MemoryContextDelete(statement_context);
}

/* CALL and DO may commit while they run; that is an end, too. */
static void
at_transaction_end(XactEvent event, void *arg)
{
	int			saved = depth;

	if (event == XACT_EVENT_ABORT)
		drop_statement();
	if (event != XACT_EVENT_PRE_COMMIT && event != XACT_EVENT_PRE_PREPARE)
		return;
	depth = 0;
	PG_TRY();
	{
		end_statement();
	}
	PG_FINALLY();
	{
		depth = saved;
	}
	PG_END_TRY();
}

/* With a portal still active, only a block with an exception handler ended. */
static void
at_subtransaction_end(SubXactEvent event, SubTransactionId mine, SubTransactionId parent,
					  void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB && ActivePortal == NULL)
		drop_statement();
}

static void
install_hooks(void)
{
	static bool installed = false;

	if (installed)
		return;
	installed = true;
	next_run = ExecutorRun_hook;
	ExecutorRun_hook = run_executor;
	next_finish = ExecutorFinish_hook;
	ExecutorFinish_hook = finish_executor;
	next_utility = ProcessUtility_hook;
	ProcessUtility_hook = run_utility;
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
}

static bool
same_properties(const List *a, const List *b)
{
	ListCell   *lc;
	ListCell   *lc2;

	if (list_length(a) != list_length(b))
		return false;
	forboth(lc, a, lc2, b)
	{
		const KsProperty *left = lfirst(lc);
		const KsProperty *right = lfirst(lc2);

		if (strcmp(left->name, right->name) != 0 || strcmp(left->value, right->value) != 0)
			return false;
	}
	return true;
}

static List *
copy_properties(const List *properties)
{
	List	   *copy = NIL;
	ListCell   *lc;

	foreach(lc, properties)
	{
		KsProperty *property = palloc(sizeof(KsProperty));

		*property = *(KsProperty *) lfirst(lc);
		property->name = pstrdup(property->name);
		property->value = pstrdup(property->value);
		copy = lappend(copy, property);
	}
	return copy;
}

/* Where what is to be delivered lives; the end of the transaction ends it. */
static void
open_statement(void)
{
	MemoryContext context;
	MemoryContextCallback *callback;

	if (statement_context)
		return;
	install_hooks();
	context = AllocSetContextCreate(TopTransactionContext, "Kafka producers",
									ALLOCSET_DEFAULT_SIZES);
	callback = MemoryContextAllocZero(context, sizeof(MemoryContextCallback));
	callback->func = forget_producers;
	MemoryContextRegisterResetCallback(context, callback);
	statement_context = context;
}

static Producer *
find_producer(const List *properties)
{
	Producer   *producer;
	MemoryContext old;
	ListCell   *lc;

	foreach(lc, producers)
		if (same_properties(((Producer *) lfirst(lc))->properties, properties))
			return lfirst(lc);

	open_statement();
	old = MemoryContextSwitchTo(statement_context);
	producer = palloc0(sizeof(Producer));
	producer->properties = copy_properties(properties);
	producer->client = ks_kafka_client_open(statement_context, RD_KAFKA_PRODUCER, properties,
											defaults, fixed);
	producer->client->delivered = on_undelivered;
	producer->client->delivered_arg = producer;
	producers = lappend(producers, producer);
	MemoryContextSwitchTo(old);
	return producer;
}

/* Hand a message to librdkafka, which copies it; the error if it does not take it. */
static rd_kafka_resp_err_t
enqueue(Producer *producer, const Message *message)
{
	rd_kafka_headers_t *headers = message->headers ? ks_kafka_headers_parse(message->headers) : NULL;
	rd_kafka_resp_err_t err;

	err = rd_kafka_producev(producer->client->rk,
							RD_KAFKA_V_TOPIC(message->topic),
							RD_KAFKA_V_PARTITION(message->partition),
							RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
							RD_KAFKA_V_KEY(message->key, message->key ? strlen(message->key) : 0),
							RD_KAFKA_V_VALUE(message->value,
											 message->value ? strlen(message->value) : 0),
							RD_KAFKA_V_TIMESTAMP(message->timestamp_ms),
							RD_KAFKA_V_HEADERS(headers),
							RD_KAFKA_V_END);
	if (err && headers)
		rd_kafka_headers_destroy(headers);
	return err;
}

static void
produce(Producer *producer, const Message *message)
{
	rd_kafka_resp_err_t err;

	while ((err = enqueue(producer, message)) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
	{
		CHECK_FOR_INTERRUPTS();
		rd_kafka_poll(producer->client->rk, KS_KAFKA_STEP_MS);
		ks_kafka_client_serve(producer->client);
	}
	if (err)
		refuse_message(producer, message->topic, message->partition, err);
	producer->queued++;
	if (producer->queued % 1024 == 0)
	{
		CHECK_FOR_INTERRUPTS();
		ks_kafka_client_serve(producer->client);
	}
	if (producer->undelivered > 0)
		deliver(producer);		/* no use to go on */
}

/* Text as Kafka's users expect it. */
static char *
utf8_arg(FunctionCallInfo fcinfo, int i)
{
	char	   *string;

	if (PG_ARGISNULL(i))
		return NULL;
	string = text_to_cstring(PG_GETARG_TEXT_PP(i));
	return pg_server_to_any(string, strlen(string), PG_UTF8);
}

static int32
partition_arg(FunctionCallInfo fcinfo, int i)
{
	if (PG_ARGISNULL(i))
		return RD_KAFKA_PARTITION_UA;
	if (PG_GETARG_INT32(i) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("kafka_partition must not be negative"),
				 errhint("Leave it out, and the key decides.")));
	return PG_GETARG_INT32(i);
}

/* 0 for "now", to librdkafka. */
static int64
timestamp_arg(FunctionCallInfo fcinfo, int i)
{
	TimestampTz at;
	int64		ms;

	if (PG_ARGISNULL(i))
		return 0;
	at = PG_GETARG_TIMESTAMPTZ(i);
	ms = (at >= 0 ? at / 1000 : (at - 999) / 1000) +
		(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * INT64CONST(86400000);
	if (TIMESTAMP_NOT_FINITE(at) || ms <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("kafka_timestamp must be finite and after 1970-01-01 00:00 UTC")));
	return ms;
}

Datum
ks_kafka_produce(PG_FUNCTION_ARGS)
{
	Message		message = {
		.topic = ks_kafka_topic_arg(fcinfo, 0),
		.value = utf8_arg(fcinfo, 1),
		.key = utf8_arg(fcinfo, 2),
		.headers = PG_ARGISNULL(3) ? NULL : PG_GETARG_JSONB_P(3),
		.partition = partition_arg(fcinfo, 6),
		.timestamp_ms = timestamp_arg(fcinfo, 7)
	};

	produce(find_producer(ks_kafka_broker_args(fcinfo, 4, 5)), &message);
	PG_RETURN_VOID();
}
