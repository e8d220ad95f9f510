/*
 * SQL functions that look into Kafka: topics, peek, infer_columns.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "base/compat.h"
#include "source/kafka_arguments.h"
#include "source/kafka_columns.h"
#include "source/kafka_consumer.h"
#include "source/kafka_peek.h"
#include "source/services.h"

#define LOOKUP_MS	10000
#define MAX_PEEK	100000

PG_FUNCTION_INFO_V1(ks_kafka_topics);
PG_FUNCTION_INFO_V1(ks_kafka_peek_sql);
PG_FUNCTION_INFO_V1(ks_kafka_infer_columns);

/* The main module's part; loaded when first needed. */
static const KsSourceServices *
get_services(void)
{
	static const KsSourceServices *services = NULL;

	if (services == NULL)
	{
		const KsSourceServices *(*lookup) (void);

		lookup = (const KsSourceServices *(*) (void))
			load_external_function("$libdir/kafka_stream", "ks_source_services", true, NULL);
		services = lookup();
	}
	return services;
}

static char *
text_arg(FunctionCallInfo fcinfo, int i)
{
	return PG_ARGISNULL(i) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(i));
}

List *
ks_kafka_broker_args(FunctionCallInfo fcinfo, int brokers, int server)
{
	return get_services()->broker_properties(text_arg(fcinfo, brokers),
												  PG_ARGISNULL(server) ? NULL :
												  NameStr(*PG_GETARG_NAME(server)),
												  GetUserId());
}

char *
ks_kafka_topic_arg(FunctionCallInfo fcinfo, int i)
{
	char	   *topic = text_arg(fcinfo, i);

	if (topic == NULL || topic[0] == '\0')
		ereport(ERROR,
				(errcode(topic ? ERRCODE_INVALID_PARAMETER_VALUE : ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("topic must not be %s", topic ? "empty" : "NULL")));
	return topic;
}

/* One topic by its name: a peek into several has no meaning. */
static char *
single_topic_arg(FunctionCallInfo fcinfo, int i)
{
	char	   *topic = ks_kafka_topic_arg(fcinfo, i);

	if (topic[0] == '^' || strchr(topic, ',') != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("\"%s\" names more than one topic", topic),
				 errhint("Name one topic.")));
	return topic;
}

static int
count_arg(FunctionCallInfo fcinfo, int i)
{
	int			n;

	if (PG_ARGISNULL(i))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("n must not be NULL")));
	n = PG_GETARG_INT32(i);
	if (n < 1 || n > MAX_PEEK)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("n must be from 1 to %d", MAX_PEEK)));
	return n;
}

Datum
ks_kafka_topics(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	const KsSourceDriver *driver = ks_kafka_driver();
	KsSourceConfig config = {.topic = "^"};
	KsSource   *source;
	List	   *partitions;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	config.properties = ks_kafka_broker_args(fcinfo, 0, 1);
	source = driver->open(&config);
	partitions = driver->partitions(source, LOOKUP_MS);
	driver->close(source);
	foreach(lc, partitions)
	{
		KsSourcePartition *partition = lfirst(lc);
		bool		nulls[4] = {0};
		Datum		values[] = {
			CStringGetTextDatum(partition->topic),
			Int32GetDatum(partition->partition),
			Int64GetDatum(partition->low_offset),
			Int64GetDatum(partition->high_offset)
		};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* Kafka's milliseconds since 1970 as a timestamptz. */
static TimestampTz
kafka_time(int64 ms)
{
	return (ms - (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * INT64CONST(86400000)) * 1000;
}

static void
put_message(ReturnSetInfo *result, const KsPeeked *message)
{
	bool		nulls[] = {false, false, message->timestamp_ms < 0, message->key == NULL,
	message->value == NULL, message->headers == NULL};
	Datum		values[6] = {Int32GetDatum(message->partition), Int64GetDatum(message->offset)};

	values[2] = TimestampTzGetDatum(kafka_time(message->timestamp_ms));
	values[3] = PointerGetDatum(message->key);
	values[4] = PointerGetDatum(message->value);
	if (message->headers)
		values[5] = DirectFunctionCall1(jsonb_in, CStringGetDatum(message->headers));
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

Datum
ks_kafka_peek_sql(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	KsSourceConfig config = {.topic = single_topic_arg(fcinfo, 0)};
	int			n = count_arg(fcinfo, 1);
	char	   *start = text_arg(fcinfo, 4);
	KsPeekedArray *peeked;
	KsStart    *position;

	InitMaterializedSRF(fcinfo, 0);
	position = get_services()->parse_start(start ? start : "earliest");
	config.properties = ks_kafka_broker_args(fcinfo, 2, 3);
	peeked = ks_kafka_peek(&config, position, n);
	for (int i = 0; i < peeked->n; i++)
		put_message(result, &peeked->messages[i]);
	return (Datum) 0;
}

Datum
ks_kafka_infer_columns(PG_FUNCTION_ARGS)
{
	KsSourceConfig config = {.topic = single_topic_arg(fcinfo, 0)};
	int			n = count_arg(fcinfo, 1);
	KsStart		latest = {.kind = KS_START_LATEST};
	KsColumnGuess *guess = ks_kafka_columns_create();
	KsPeekedArray *peeked;
	char	   *columns;
	int			objects = 0;
	bool		left_out;

	config.properties = ks_kafka_broker_args(fcinfo, 2, 3);
	peeked = ks_kafka_peek(&config, &latest, n);
	for (int i = 0; i < peeked->n; i++)
		if (peeked->messages[i].value &&
			ks_kafka_columns_add(guess, VARDATA(peeked->messages[i].value),
								 VARSIZE(peeked->messages[i].value) - VARHDRSZ))
			objects++;
	if (peeked->n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("topic \"%s\" has no messages", config.topic)));
	if (objects == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("none of the last %d messages of topic \"%s\" is a JSON object",
						peeked->n, config.topic),
				 errhint("SELECT * FROM kafka_stream.peek('%s', ...) shows them.", config.topic)));
	columns = ks_kafka_columns_text(guess, &left_out);
	if (left_out)
		ereport(NOTICE,
				(errmsg("some JSON keys were left out"),
				 errdetail("They are too long, begin with kafka_, or are too many for columns.")));
	PG_RETURN_TEXT_P(cstring_to_text(columns));
}
