/*
 * The bench's two ends of a topic: log events in as fast as possible or at a
 * rate, and the floor of any consumer, one that only counts what it gets.
 *
 *	bench_kafka BROKERS TOPIC PARTITIONS produce COUNT RATE
 *	bench_kafka BROKERS TOPIC PARTITIONS consume COUNT
 *
 * An event is a JSON object of 10 fields and 240 bytes.  With RATE 0 event times
 * run up to now, 100,000 per minute and up to 2 s out of order, as if the topic
 * had been filled over the last minutes; otherwise RATE are sent per second and
 * each event time is the moment of sending.  Both print one line:
 * events, bytes, seconds, CPU seconds.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <librdkafka/rdkafka.h>

#define EVENT_BYTES 240
#define EVENT_STEP_US 600		/* 100,000 events per minute of event time */
#define DISORDER_US 2000000
#define BATCH 10000
#define TIMEOUT_MS 60000

static long undelivered;

static void
fail(const char *format,...)
{
	va_list		args;

	fputs("bench_kafka: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static int64_t
now_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static double
cpu_seconds(void)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	return use.ru_utime.tv_sec + use.ru_stime.tv_sec +
		(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

/* xorshift: the same events each time */
static uint32_t
next_random(uint32_t below)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t) (state >> 32) % below;
}

/* 2024-05-01T12:00:00.123456Z; the date is worked out once per second. */
static const char *
format_time(int64_t at_us)
{
	static char text[40];
	static time_t formatted = -1;
	time_t		second = at_us / 1000000;

	if (second != formatted)
	{
		struct tm	parts;

		gmtime_r(&second, &parts);
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
		formatted = second;
	}
	snprintf(text + 19, sizeof(text) - 19, ".%06dZ", (int) (at_us % 1000000));
	return text;
}

/* Write one event of exactly EVENT_BYTES: the message takes up the slack. */
static void
make_event(char *out, int64_t number, int64_t at_us)
{
	static const char *const services[] = {"cart", "search", "checkout", "login",
	"catalog", "payment", "shipping", "profile"};
	static const char filler[] = "request served from the nearest replica after a retry of its lookup";
	char		head[256];
	char		tail[256];
	int			failed = next_random(100) < 3;
	int			head_len;
	int			tail_len;

	head_len = snprintf(head, sizeof(head),
						"{\"timestamp\":\"%s\",\"level\":\"%s\",\"service\":\"%s\",\"message\":\"",
						format_time(at_us), failed ? "ERROR" : "INFO", services[next_random(8)]);
	tail_len = snprintf(tail, sizeof(tail),
						"\",\"ip_address\":\"10.0.%d.%d\",\"user_id\":\"u%d\",\"request_id\":\"r%09ld\","
						"\"response_time\":%d.%03d,\"status_code\":%d,\"error_code\":%s}",
						(int) next_random(20), (int) next_random(250), (int) next_random(10000), (long) number,
						next_random(50) == 0, (int) next_random(1000), failed ? 500 : 200,
						failed ? "\"E42\"" : "null");
	if (head_len + tail_len > EVENT_BYTES || EVENT_BYTES - head_len - tail_len >= (int) sizeof(filler))
		fail("an event of %d bytes without its message", head_len + tail_len);
	memcpy(out, head, head_len);
	memcpy(out + head_len, filler, EVENT_BYTES - head_len - tail_len);
	memcpy(out + EVENT_BYTES - tail_len, tail, tail_len);
}

static void
on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
	if (message->err != 0)
		undelivered++;
}

static rd_kafka_t *
open_client(rd_kafka_type_t type, const char *brokers, const char *const *settings)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char		error[512];
	rd_kafka_t *rk;

	if (rd_kafka_conf_set(conf, "bootstrap.servers", brokers, error, sizeof(error)) != RD_KAFKA_CONF_OK)
		fail("%s", error);
	for (; *settings != NULL; settings += 2)
		if (rd_kafka_conf_set(conf, settings[0], settings[1], error, sizeof(error)) != RD_KAFKA_CONF_OK)
			fail("%s", error);
	if (type == RD_KAFKA_PRODUCER)
		rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	rk = rd_kafka_new(type, conf, error, sizeof(error));
	if (rk == NULL)
		fail("%s", error);
	return rk;
}

static void
send_event(rd_kafka_t *rk, rd_kafka_topic_t *topic, int partition, char *event)
{
	while (rd_kafka_produce(topic, partition, RD_KAFKA_MSG_F_COPY, event, EVENT_BYTES,
							NULL, 0, NULL) != 0)
	{
		if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
			fail("cannot produce: %s", rd_kafka_err2str(rd_kafka_last_error()));
		rd_kafka_poll(rk, 10);
	}
}

static void
produce(const char *brokers, const char *name, int partitions, int64_t count, int64_t rate)
{
	const char *const settings[] = {"linger.ms", rate > 0 ? "2" : "20",
		"batch.size", "1000000", "queue.buffering.max.messages", "1000000",
		"delivery.timeout.ms", "60000", NULL};
	rd_kafka_t *rk = open_client(RD_KAFKA_PRODUCER, brokers, settings);
	rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, name, NULL);
	int64_t		begin = now_us(CLOCK_MONOTONIC);
	int64_t		last_event = now_us(CLOCK_REALTIME);
	char		event[EVENT_BYTES];

	for (int64_t i = 0; i < count; i++)
	{
		int64_t		at = last_event - (count - i) * EVENT_STEP_US - next_random(DISORDER_US);

		if (rate > 0)
		{
			/* sleep when ahead, in steps of a millisecond's worth */
			while (i * 1000000 / rate > now_us(CLOCK_MONOTONIC) - begin)
				rd_kafka_poll(rk, 1);
			at = now_us(CLOCK_REALTIME);
		}
		make_event(event, i, at);
		send_event(rk, topic, i % partitions, event);
		if (i % 1000 == 0)
			rd_kafka_poll(rk, 0);
	}
	if (rd_kafka_flush(rk, TIMEOUT_MS) != 0 || undelivered > 0)
		fail("not everything was delivered");
	printf("%ld %ld %.3f %.3f\n", (long) count, (long) count * EVENT_BYTES,
		   (now_us(CLOCK_MONOTONIC) - begin) / 1e6, cpu_seconds());
}

/* All partitions from their beginning into one queue. */
static rd_kafka_queue_t *
start_consuming(rd_kafka_t *rk, const char *name, int partitions)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
	rd_kafka_queue_t *queue;

	for (int i = 0; i < partitions; i++)
		rd_kafka_topic_partition_list_add(list, name, i)->offset = 0;
	if (rd_kafka_assign(rk, list) != 0)
		fail("cannot assign partitions");
	rd_kafka_poll_set_consumer(rk);
	queue = rd_kafka_queue_get_consumer(rk);
	rd_kafka_topic_partition_list_destroy(list);
	return queue;
}

static void
consume(const char *brokers, const char *name, int partitions, int64_t count)
{
	const char *const settings[] = {"group.id", "bench_floor", "enable.auto.commit", "false",
		"auto.offset.reset", "error", "check.crcs", "true", "isolation.level", "read_committed",
		"fetch.message.max.bytes", "4194304", "queued.min.messages", "1000000", NULL};
	rd_kafka_t *rk = open_client(RD_KAFKA_CONSUMER, brokers, settings);
	rd_kafka_queue_t *queue = start_consuming(rk, name, partitions);
	static rd_kafka_message_t *messages[BATCH];
	int64_t		begin = now_us(CLOCK_MONOTONIC);
	int64_t		progress = begin;
	int64_t		seen = 0;
	int64_t		bytes = 0;

	while (seen < count)
	{
		ssize_t		n = rd_kafka_consume_batch_queue(queue, 100, messages, BATCH);

		for (ssize_t i = 0; i < n; i++)
		{
			if (messages[i]->err != 0)
				fail("cannot consume: %s", rd_kafka_message_errstr(messages[i]));
			bytes += messages[i]->len;
			rd_kafka_message_destroy(messages[i]);
		}
		if (n > 0)
		{
			seen += n;
			progress = now_us(CLOCK_MONOTONIC);
		}
		else if (now_us(CLOCK_MONOTONIC) - progress > TIMEOUT_MS * INT64_C(1000))
			fail("only %ld of %ld events came", (long) seen, (long) count);
	}
	printf("%ld %ld %.3f %.3f\n", (long) seen, (long) bytes,
		   (now_us(CLOCK_MONOTONIC) - begin) / 1e6, cpu_seconds());
}

int
main(int argc, char **argv)
{
	if (argc == 7 && strcmp(argv[4], "produce") == 0)
		produce(argv[1], argv[2], atoi(argv[3]), atoll(argv[5]), atoll(argv[6]));
	else if (argc == 6 && strcmp(argv[4], "consume") == 0)
		consume(argv[1], argv[2], atoi(argv[3]), atoll(argv[5]));
	else
		fail("usage: see the top of its source");
	/* the library's threads need no orderly end, and it can take seconds */
	fflush(stdout);
	_Exit(0);
}
