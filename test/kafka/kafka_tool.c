/*
 * What tests, bench and quick start need of a Kafka broker, without a JVM per
 * call: topics, and records in and out in PostgreSQL's COPY text format.
 *
 *	kafka_tool BROKERS COMMAND ...
 *
 *	wait SECONDS				until the broker answers, with a leader for each partition
 *	create TOPIC PARTITIONS [NAME=VALUE ...]
 *	delete TOPIC
 *	grow TOPIC PARTITIONS		add partitions
 *	truncate TOPIC PARTITION OFFSET		forget records below OFFSET
 *	offsets TOPIC				partition, low and last stable offset
 *	produce TOPIC [TRANSACTIONAL_ID]	records from stdin
 *	consume TOPIC				committed records to stdout, then stop
 *
 * A record of produce is a line of partition, timestamp in ms, key, value;
 * one of consume has the offset after the partition.  \N is NULL, and for
 * partition and timestamp the broker's or the library's choice.  With a
 * transactional id, lines "begin", "commit" and "abort" stand between records;
 * "flush" waits for what is on its way and answers "flushed".
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <librdkafka/rdkafka.h>

#define TIMEOUT_MS 30000

static const char *brokers;
static long undelivered;		/* records the broker refused */

static void
fail(const char *format,...)
{
	va_list		args;

	fflush(stdout);
	fputs("kafka_tool: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

/* Read a whole number, or complain about 'what'. */
static int64_t
parse_number(const char *text, const char *what)
{
	char	   *end;
	int64_t		number;

	errno = 0;
	number = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0')
		fail("%s is not a number: \"%s\"", what, text);
	return number;
}

static void
conf_set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
	char		error[512];

	if (rd_kafka_conf_set(conf, name, value, error, sizeof(error)) != RD_KAFKA_CONF_OK)
		fail("%s", error);
}

static rd_kafka_conf_t *
new_conf(void)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();

	conf_set(conf, "bootstrap.servers", brokers);
	conf_set(conf, "message.max.bytes", "33554432");
	conf_set(conf, "log_level", "2");
	return conf;
}

static rd_kafka_t *
new_handle(rd_kafka_type_t type, rd_kafka_conf_t *conf)
{
	char		error[512];
	rd_kafka_t *rk = rd_kafka_new(type, conf, error, sizeof(error));

	if (rk == NULL)
		fail("%s", error);
	return rk;
}

/* Fail with the broker's word if an admin request went wrong. */
static void
check_topics(const rd_kafka_topic_result_t **results, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (rd_kafka_topic_result_error(results[i]))
			fail("topic \"%s\": %s", rd_kafka_topic_result_name(results[i]),
				 rd_kafka_topic_result_error_string(results[i])
				 ? rd_kafka_topic_result_error_string(results[i])
				 : rd_kafka_err2str(rd_kafka_topic_result_error(results[i])));
}

/* Wait for the answer to an admin request; only the types used here. */
static void
await_admin(rd_kafka_queue_t *queue)
{
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, TIMEOUT_MS);
	const rd_kafka_topic_result_t **topics = NULL;
	size_t		n = 0;

	if (event == NULL)
		fail("no answer from %s within %d s", brokers, TIMEOUT_MS / 1000);
	if (rd_kafka_event_error(event))
		fail("%s", rd_kafka_event_error_string(event));
	switch (rd_kafka_event_type(event))
	{
		case RD_KAFKA_EVENT_CREATETOPICS_RESULT:
			topics = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &n);
			break;
		case RD_KAFKA_EVENT_DELETETOPICS_RESULT:
			topics = rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &n);
			break;
		case RD_KAFKA_EVENT_CREATEPARTITIONS_RESULT:
			topics = rd_kafka_CreatePartitions_result_topics(rd_kafka_event_CreatePartitions_result(event), &n);
			break;
		case RD_KAFKA_EVENT_DELETERECORDS_RESULT:
			{
				const rd_kafka_topic_partition_list_t *offsets =
					rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event));

				for (int i = 0; i < offsets->cnt; i++)
					if (offsets->elems[i].err)
						fail("%s", rd_kafka_err2str(offsets->elems[i].err));
				break;
			}
		default:
			fail("unexpected answer %s", rd_kafka_event_name(event));
	}
	check_topics(topics, n);
	rd_kafka_event_destroy(event);
}

static void
create_topic(rd_kafka_t *rk, rd_kafka_queue_t *queue, int argc, char **argv)
{
	char		error[512];
	rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(argv[0], parse_number(argv[1], "PARTITIONS"),
													   1, error, sizeof(error));

	if (topic == NULL)
		fail("%s", error);
	for (int i = 2; i < argc; i++)
	{
		char	   *equals = strchr(argv[i], '=');

		if (equals == NULL)
			fail("not NAME=VALUE: \"%s\"", argv[i]);
		*equals = '\0';
		rd_kafka_NewTopic_set_config(topic, argv[i], equals + 1);
	}
	rd_kafka_CreateTopics(rk, &topic, 1, NULL, queue);
	await_admin(queue);
}

static void
delete_topic(rd_kafka_t *rk, rd_kafka_queue_t *queue, char **argv)
{
	rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(argv[0]);

	rd_kafka_DeleteTopics(rk, &topic, 1, NULL, queue);
	await_admin(queue);
}

static void
grow_topic(rd_kafka_t *rk, rd_kafka_queue_t *queue, char **argv)
{
	char		error[512];
	rd_kafka_NewPartitions_t *partitions =
		rd_kafka_NewPartitions_new(argv[0], parse_number(argv[1], "PARTITIONS"), error, sizeof(error));

	if (partitions == NULL)
		fail("%s", error);
	rd_kafka_CreatePartitions(rk, &partitions, 1, NULL, queue);
	await_admin(queue);
}

static void
truncate_topic(rd_kafka_t *rk, rd_kafka_queue_t *queue, char **argv)
{
	rd_kafka_topic_partition_list_t *before = rd_kafka_topic_partition_list_new(1);
	rd_kafka_DeleteRecords_t *records;

	rd_kafka_topic_partition_list_add(before, argv[0], parse_number(argv[1], "PARTITION"))->offset =
		parse_number(argv[2], "OFFSET");
	records = rd_kafka_DeleteRecords_new(before);
	rd_kafka_DeleteRecords(rk, &records, 1, NULL, queue);
	await_admin(queue);
}

/* How many partitions a topic has; waits for a leader of each. */
static int
count_partitions(rd_kafka_t *rk, const char *name)
{
	rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, name, NULL);
	time_t		deadline = time(NULL) + TIMEOUT_MS / 1000;
	rd_kafka_resp_err_t err;

	do
	{
		const struct rd_kafka_metadata *metadata;

		err = rd_kafka_metadata(rk, 0, topic, &metadata, TIMEOUT_MS);
		if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
		{
			int			n = metadata->topics[0].partition_cnt;

			err = metadata->topics[0].err;
			for (int i = 0; i < n && err == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
				err = metadata->topics[0].partitions[i].err;
			rd_kafka_metadata_destroy(metadata);
			if (err == RD_KAFKA_RESP_ERR_NO_ERROR && n > 0)
			{
				rd_kafka_topic_destroy(topic);
				return n;
			}
		}
		usleep(50000);
	} while (time(NULL) < deadline);
	fail("topic \"%s\": %s", name, rd_kafka_err2str(err));
	return 0;
}

/* First and last stable offset of a partition. */
static void
partition_offsets(rd_kafka_t *rk, const char *topic, int partition, int64_t *low, int64_t *high)
{
	rd_kafka_resp_err_t err = rd_kafka_query_watermark_offsets(rk, topic, partition, low, high,
															   TIMEOUT_MS);

	if (err)
		fail("offsets of topic \"%s\", partition %d: %s", topic, partition, rd_kafka_err2str(err));
}

static void
show_offsets(rd_kafka_t *rk, const char *topic)
{
	int			n = count_partitions(rk, topic);

	for (int i = 0; i < n; i++)
	{
		int64_t		low,
					high;

		partition_offsets(rk, topic, i, &low, &high);
		printf("%d\t%lld\t%lld\n", i, (long long) low, (long long) high);
	}
}

/* Does every partition of every topic have a leader? */
static bool
leaders_there(const struct rd_kafka_metadata *metadata)
{
	for (int i = 0; i < metadata->topic_cnt; i++)
		for (int j = 0; j < metadata->topics[i].partition_cnt; j++)
			if (metadata->topics[i].partitions[j].leader < 0)
				return false;
	return true;
}

/* Poll until there are a broker and all leaders, or the deadline. */
static void
wait_for_broker(rd_kafka_t *rk, int seconds)
{
	time_t		deadline = time(NULL) + seconds;
	rd_kafka_resp_err_t err;

	do
	{
		const struct rd_kafka_metadata *metadata;

		err = rd_kafka_metadata(rk, 1, NULL, &metadata, 500);
		if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
		{
			bool		ready = metadata->broker_cnt > 0 && leaders_there(metadata);

			rd_kafka_metadata_destroy(metadata);
			if (ready)
				return;
		}
		usleep(100000);
	} while (time(NULL) < deadline);
	fail("no broker at %s after %d s: %s", brokers, seconds,
		 err ? rd_kafka_err2str(err) : "partitions without a leader");
}

/* Undo COPY's escapes in place; returns the length, or -1 for \N. */
static ssize_t
unescape(char *field)
{
	char	   *in = field,
			   *out = field;

	if (strcmp(field, "\\N") == 0)
		return -1;
	while (*in != '\0')
	{
		unsigned	byte;
		int			used;

		if (*in != '\\')
		{
			*out++ = *in++;
			continue;
		}
		in++;
		if (*in == 'x' && sscanf(in + 1, "%2x%n", &byte, &used) == 1)
		{
			*out++ = (char) byte;
			in += 1 + used;
		}
		else if (*in >= '0' && *in <= '7' && sscanf(in, "%3o%n", &byte, &used) == 1)
		{
			*out++ = (char) byte;
			in += used;
		}
		else if (*in != '\0')
		{
			static const char letters[] = "bfnrtv",
						meanings[] = "\b\f\n\r\t\v";
			const char *letter = strchr(letters, *in);

			*out++ = letter ? meanings[letter - letters] : *in;
			in++;
		}
	}
	return out - field;
}

static void
count_undelivered(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
	(void) rk;
	(void) opaque;
	/* purged by an abort: as asked */
	if (message->err && message->err != RD_KAFKA_RESP_ERR__PURGE_QUEUE &&
		message->err != RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
	{
		if (undelivered++ == 0)
			fprintf(stderr, "kafka_tool: %s\n", rd_kafka_err2str(message->err));
	}
}

static void
check_transaction(rd_kafka_error_t *error, const char *what)
{
	if (error != NULL)
		fail("%s: %s", what, rd_kafka_error_string(error));
}

/* Obey begin, commit, abort or flush. */
static void
produce_control(rd_kafka_t *rk, const char *line)
{
	if (strcmp(line, "begin") == 0)
		check_transaction(rd_kafka_begin_transaction(rk), line);
	else if (strcmp(line, "commit") == 0)
		check_transaction(rd_kafka_commit_transaction(rk, TIMEOUT_MS), line);
	else if (strcmp(line, "abort") == 0)
	{
		/* written first, then aborted: purging them would leave nothing to see */
		rd_kafka_flush(rk, TIMEOUT_MS);
		check_transaction(rd_kafka_abort_transaction(rk, TIMEOUT_MS), line);
	}
	else if (strcmp(line, "flush") == 0)
	{
		rd_kafka_flush(rk, TIMEOUT_MS);
		puts("flushed");
		fflush(stdout);
	}
	else
		fail("neither a record nor begin, commit, abort, flush: \"%s\"", line);
}

/* Send the record of one line; waits while the queue is full. */
static void
produce_record(rd_kafka_t *rk, const char *topic, char *line)
{
	char	   *fields[4];
	ssize_t		length[4];
	rd_kafka_vu_t what[6];
	int			n = 0;
	rd_kafka_error_t *error;

	for (int i = 0; i < 4; i++)
	{
		fields[i] = line;
		line = i < 3 ? strchr(line, '\t') : NULL;
		if (i < 3)
		{
			if (line == NULL)
				fail("a record is partition, timestamp, key and value, tabs between: \"%s\"", fields[0]);
			*line++ = '\0';
		}
	}
	for (int i = 0; i < 4; i++)
		length[i] = unescape(fields[i]);

	what[n].vtype = RD_KAFKA_VTYPE_TOPIC;
	what[n++].u.cstr = topic;
	what[n].vtype = RD_KAFKA_VTYPE_PARTITION;
	what[n++].u.i32 = length[0] < 0 ? RD_KAFKA_PARTITION_UA : parse_number(fields[0], "partition");
	if (length[1] >= 0)
	{
		what[n].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
		what[n++].u.i64 = parse_number(fields[1], "timestamp");
	}
	what[n].vtype = RD_KAFKA_VTYPE_KEY;
	what[n].u.mem.ptr = length[2] < 0 ? NULL : fields[2];
	what[n++].u.mem.size = length[2] < 0 ? 0 : length[2];
	what[n].vtype = RD_KAFKA_VTYPE_VALUE;
	what[n].u.mem.ptr = length[3] < 0 ? NULL : fields[3];
	what[n++].u.mem.size = length[3] < 0 ? 0 : length[3];
	what[n].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
	what[n++].u.i = RD_KAFKA_MSG_F_COPY;

	while ((error = rd_kafka_produceva(rk, what, n)) != NULL &&
		   rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
	{
		rd_kafka_error_destroy(error);
		rd_kafka_poll(rk, 100);
	}
	if (error != NULL)
		fail("%s", rd_kafka_error_string(error));
	rd_kafka_poll(rk, 0);
}

static void
produce(const char *topic, const char *transactional_id)
{
	rd_kafka_conf_t *conf = new_conf();
	rd_kafka_t *rk;
	char	   *line = NULL;
	size_t		size = 0;
	ssize_t		length;

	conf_set(conf, "linger.ms", "5");
	conf_set(conf, "enable.idempotence", "true");
	conf_set(conf, "queue.buffering.max.messages", "200000");
	if (transactional_id != NULL)
		conf_set(conf, "transactional.id", transactional_id);
	rd_kafka_conf_set_dr_msg_cb(conf, count_undelivered);
	rk = new_handle(RD_KAFKA_PRODUCER, conf);
	if (transactional_id != NULL)
		check_transaction(rd_kafka_init_transactions(rk, TIMEOUT_MS), "init");
	else
		count_partitions(rk, topic);

	while ((length = getline(&line, &size, stdin)) >= 0)
	{
		if (length > 0 && line[length - 1] == '\n')
			line[--length] = '\0';
		if (strchr(line, '\t') != NULL)
			produce_record(rk, topic, line);
		else
			produce_control(rk, line);
	}
	free(line);
	if (rd_kafka_flush(rk, TIMEOUT_MS))
		fail("%d records not delivered within %d s", rd_kafka_outq_len(rk), TIMEOUT_MS / 1000);
	if (undelivered > 0)
		fail("%ld records not delivered", undelivered);
	rd_kafka_destroy(rk);
}

/* Write a field in COPY's text format. */
static void
put_field(const char *data, size_t length)
{
	if (data == NULL)
	{
		fputs("\\N", stdout);
		return;
	}
	for (size_t i = 0; i < length; i++)
		switch (data[i])
		{
			case '\\':
				fputs("\\\\", stdout);
				break;
			case '\t':
				fputs("\\t", stdout);
				break;
			case '\n':
				fputs("\\n", stdout);
				break;
			case '\r':
				fputs("\\r", stdout);
				break;
			default:
				putchar(data[i]);
		}
}

static void
put_record(const rd_kafka_message_t *message)
{
	int64_t		at = rd_kafka_message_timestamp(message, NULL);

	printf("%d\t%lld\t", message->partition, (long long) message->offset);
	if (at < 0)
		fputs("\\N", stdout);
	else
		printf("%lld", (long long) at);
	putchar('\t');
	put_field(message->key, message->key_len);
	putchar('\t');
	put_field(message->payload, message->len);
	putchar('\n');
}

/* Read every partition to its end, as a read_committed consumer sees it. */
static void
consume(const char *topic)
{
	rd_kafka_conf_t *conf = new_conf();
	rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(1);
	rd_kafka_t *rk;
	int			open;
	rd_kafka_message_t *message;

	conf_set(conf, "group.id", "kafka_tool");
	conf_set(conf, "enable.auto.commit", "false");
	conf_set(conf, "auto.offset.reset", "error");
	conf_set(conf, "enable.partition.eof", "true");
	conf_set(conf, "isolation.level", "read_committed");
	rk = new_handle(RD_KAFKA_CONSUMER, conf);
	rd_kafka_poll_set_consumer(rk);

	open = count_partitions(rk, topic);
	for (int i = 0; i < open; i++)
	{
		int64_t		low,
					high;

		partition_offsets(rk, topic, i, &low, &high);
		rd_kafka_topic_partition_list_add(all, topic, i)->offset = low;
	}
	rd_kafka_assign(rk, all);
	while (open > 0)
	{
		message = rd_kafka_consumer_poll(rk, TIMEOUT_MS);
		if (message == NULL)
			fail("topic \"%s\": nothing for %d s", topic, TIMEOUT_MS / 1000);
		if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
			open--;
		else if (message->err)
			fail("topic \"%s\": %s", topic, rd_kafka_message_errstr(message));
		else
			put_record(message);
		rd_kafka_message_destroy(message);
	}
	rd_kafka_topic_partition_list_destroy(all);
	rd_kafka_destroy(rk);
}

int
main(int argc, char **argv)
{
	const char *command;
	rd_kafka_t *rk;
	rd_kafka_queue_t *queue;

	if (argc < 4)
		fail("usage: kafka_tool BROKERS COMMAND ARGUMENT ..., see the top of its source");
	brokers = argv[1];
	command = argv[2];
	argc -= 3;
	argv += 3;

	if (strcmp(command, "produce") == 0 && argc <= 2)
	{
		produce(argv[0], argc > 1 ? argv[1] : NULL);
		return 0;
	}
	if (strcmp(command, "consume") == 0 && argc == 1)
	{
		consume(argv[0]);
		return 0;
	}

	rk = new_handle(RD_KAFKA_PRODUCER, new_conf());
	queue = rd_kafka_queue_new(rk);
	if (strcmp(command, "wait") == 0 && argc == 1)
		wait_for_broker(rk, parse_number(argv[0], "SECONDS"));
	else if (strcmp(command, "create") == 0 && argc >= 2)
	{
		create_topic(rk, queue, argc, argv);
		count_partitions(rk, argv[0]);
	}
	else if (strcmp(command, "delete") == 0 && argc == 1)
		delete_topic(rk, queue, argv);
	else if (strcmp(command, "grow") == 0 && argc == 2)
		grow_topic(rk, queue, argv);
	else if (strcmp(command, "truncate") == 0 && argc == 3)
		truncate_topic(rk, queue, argv);
	else if (strcmp(command, "offsets") == 0 && argc == 1)
		show_offsets(rk, argv[0]);
	else
		fail("unknown command, or wrong number of arguments: %s", command);
	rd_kafka_queue_destroy(queue);
	rd_kafka_destroy(rk);
	return 0;
}
