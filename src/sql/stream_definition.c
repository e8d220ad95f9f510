/*
 * What a stream may be declared as: checks shared by create and alter.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_type.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "format/decoder.h"
#include "source/properties.h"
#include "source/start.h"
#include "catalog/relation.h"
#include "catalog/staging.h"
#include "worker/intake.h"
#include "sql/stream_definition.h"

#define LONGEST_DURATION (INT64CONST(36525) * USECS_PER_DAY)	/* 100 years */

static bool
is_one_of(const char *word, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcmp(word, *list) == 0)
			return true;
	return false;
}

static void
check_source(const KsStream *stream)
{
	static const char *const later[] = {"file", "socket", "rate", NULL};

	if (strcmp(stream->source, "kafka") == 0 || strcmp(stream->source, "insert") == 0)
		return;
	if (is_one_of(stream->source, later))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("source \"%s\" is not available", stream->source),
				 errhint("Use source => 'kafka' or source => 'insert'.")));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown source \"%s\"", stream->source),
			 errhint("Use source => 'kafka' or source => 'insert'.")));
}

static void
check_format(const KsStream *stream)
{
	static const char *const later[] = {"csv", "text", "avro", "protobuf", NULL};

	if (ks_decoder_exists(stream->format))
		return;
	if (is_one_of(stream->format, later))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("format \"%s\" is not available", stream->format),
				 errhint("Use format => %s.", ks_decoder_formats())));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown format \"%s\"", stream->format),
			 errhint("Use format => %s.", ks_decoder_formats())));
}

static void
check_duration(const char *name, int64 usecs, bool zero_allowed)
{
	if (usecs < 0 || (usecs == 0 && !zero_allowed))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be %s", name,
						zero_allowed ? "0 or more" : "greater than 0")));
	if (usecs > LONGEST_DURATION)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be longer than 100 years", name)));
}

static void
check_durations(const KsStream *stream)
{
	check_duration("watermark_delay", stream->watermark_delay, true);
	if (stream->idle_timeout != -1)
		check_duration("idle_timeout", stream->idle_timeout, false);
	if (stream->max_future != -1)
		check_duration("max_future", stream->max_future, true);
	check_duration("retention", stream->retention, true);
	check_duration("late_retention", stream->late_retention, true);
	check_duration("dead_letter_retention", stream->dead_letter_retention, true);
	check_duration("batch_interval", stream->batch_interval, true);
	if (stream->batch_interval > USECS_PER_HOUR)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("batch_interval must not be longer than 1 hour")));
}

static void
check_sizes(const KsStream *stream)
{
	if (stream->batch_rows < 1 || stream->batch_rows > 1000000)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("batch_rows must be between 1 and 1000000")));
	if (stream->staging_limit < 1024 * 1024)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("staging_limit must be at least 1048576 bytes")));
	if (stream->workers < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("workers must be at least 1")));
	if (stream->workers > 1)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("more than one worker per stream is not available"),
				 errhint("Use workers => 1.")));
}

/* A stream of rows by INSERT has no topic; one of Kafka needs a way there. */
static void
check_connection(const KsStream *stream)
{
	if (strcmp(stream->source, "insert") == 0)
	{
		const char *what = stream->topic ? "topic" : stream->brokers ? "brokers" :
			stream->server ? "server" : strcmp(stream->format, "json") != 0 ? "format" : NULL;

		if (what != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s has no meaning with source => 'insert'", what),
					 errhint("Leave it out, or use source => 'kafka'.")));
		return;
	}
	if ((stream->brokers == NULL) == (stream->server == NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a stream from Kafka needs either brokers or server"),
				 errhint("Add brokers => 'host:9092', or server => the name of a server made with CREATE SERVER ... FOREIGN DATA WRAPPER kafka_stream.")));
	if (stream->topic[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("topic must not be empty")));
}

static void
check_start(KsStream *stream)
{
	KsStart    *start = ks_start_parse(stream->start);

	if (strcmp(stream->source, "insert") == 0 && start->kind != KS_START_EARLIEST)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("start has no meaning with source => 'insert'"),
				 errhint("Leave it out, or use source => 'kafka'.")));
	if (start->kind == KS_START_OFFSETS &&
		(stream->topic[0] == '^' || strchr(stream->topic, ',') != NULL))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("start offsets cannot be given for several topics"),
				 errhint("Use 'earliest', 'latest' or a timestamp, or make one stream per topic.")));
	stream->start = ks_start_format(start);
}

static void
check_include(const JsonbValue *list)
{
	static const char *const words[] = {"topic", "key", "headers", NULL};
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	value;

	if (list->type == jbvBinary && JsonContainerIsArray(list->val.binary.data))
	{
		it = JsonbIteratorInit(list->val.binary.data);
		while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
			if (token == WJB_ELEM &&
				(value.type != jbvString ||
				 !is_one_of(pnstrdup(value.val.string.val, value.val.string.len), words)))
				break;
		if (token == WJB_DONE)
			return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("options.include must be an array of \"topic\", \"key\" and \"headers\""),
			 errhint("Write for example options => '{\"include\": [\"key\"]}'.")));
}

static void
check_options(const KsStream *stream)
{
	static const char *const known[] = {"include", "paths", "rest", "timestamp_format",
	"timezone", NULL};
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	value;
	char	   *key = NULL;

	if (!JB_ROOT_IS_OBJECT(stream->options))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("options must be a JSON object")));
	if (strcmp(stream->source, "insert") == 0 && JB_ROOT_COUNT(stream->options) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("options have no meaning with source => 'insert'"),
				 errhint("Leave them out, or use source => 'kafka'.")));
	it = JsonbIteratorInit(&stream->options->root);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			key = pnstrdup(value.val.string.val, value.val.string.len);
			if (!is_one_of(key, known))
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("unknown option \"%s\"", key),
						 errhint("Options are include, paths, rest, timestamp_format and timezone.")));
		}
		else if (token == WJB_VALUE && strcmp(key, "include") == 0)
			check_include(&value);
	}
}

void
ks_definition_check(KsStream *stream)
{
	check_source(stream);
	check_format(stream);
	check_connection(stream);
	check_start(stream);
	check_durations(stream);
	check_sizes(stream);
	check_options(stream);
}

/* From PostgreSQL 18 on, generated columns are virtual unless told otherwise. */
static void
check_generated(Oid relid)
{
	Relation	staging = table_open(relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(staging);
	int			i;

	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attgenerated != '\0' && att->attgenerated != ATTRIBUTE_GENERATED_STORED)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("generated column \"%s\" of a stream must be stored",
							NameStr(att->attname)),
					 errhint("Write GENERATED ALWAYS AS (...) STORED.")));
	}
	table_close(staging, NoLock);
}

void
ks_definition_check_table(const KsStream *stream)
{
	AttrNumber	attno = get_attnum(stream->relid, stream->event_time);

	check_generated(stream->relid);
	if (attno <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\", the event time, is not among the columns",
						stream->event_time),
				 errhint("Add %s timestamptz to columns, or name another column with event_time => '...', or use event_time => 'kafka_timestamp'.",
						 quote_identifier(stream->event_time))));
	if (get_atttype(stream->relid, attno) != TIMESTAMPTZOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("event-time column \"%s\" must be of type timestamp with time zone, not %s",
						stream->event_time,
						format_type_be(get_atttype(stream->relid, attno))),
				 errhint("Declare it as %s timestamptz.",
						 quote_identifier(stream->event_time))));
	if (strncmp(stream->event_time, "kafka_", 6) == 0 &&
		strcmp(stream->event_time, "kafka_timestamp") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("event_time must not be \"%s\"", stream->event_time),
				 errhint("Use a column of your own, or 'kafka_timestamp'.")));
}

void
ks_definition_check_source(const KsStream *stream)
{
	if (strcmp(stream->source, "insert") == 0)
		return;
	(void) ks_broker_properties(stream->brokers, stream->server,
								ks_relation_owner(stream->relid));
	ks_intake_check(stream->relid);
}

bool
ks_definition_on_error(const char *word)
{
	if (strcmp(word, "stop") != 0 && strcmp(word, "dead_letter") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("on_error must be 'dead_letter' or 'stop', not \"%s\"", word)));
	return strcmp(word, "stop") == 0;
}

bool
ks_definition_on_data_loss(const char *word)
{
	if (strcmp(word, "stop") != 0 && strcmp(word, "continue") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("on_data_loss must be 'stop' or 'continue', not \"%s\"", word)));
	return strcmp(word, "continue") == 0;
}
