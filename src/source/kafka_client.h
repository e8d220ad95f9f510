/*
 * One librdkafka client, consumer or producer, in a PostgreSQL process.
 *
 * Everything that could harm the process is dealt with here: signals stay
 * blocked on librdkafka's threads; calls that block run on a thread of their
 * own while this one checks for interrupts; logs come out by ereport outside
 * of callbacks; and a client ends with the memory context that owns it, or
 * with the process, within 5 s.
 */
#ifndef KS_SOURCE_KAFKA_CLIENT_H
#define KS_SOURCE_KAFKA_CLIENT_H

#include "postgres.h"
#include "nodes/pg_list.h"

#include <librdkafka/rdkafka.h>

#define KS_KAFKA_STEP_MS	100	/* longest wait without checking for interrupts */

typedef struct KsKafkaClient KsKafkaClient;

/*
 * A blocking librdkafka call.  Made with calloc() as the head of a larger
 * struct; 'run' runs on another thread and must not call PostgreSQL; 'release'
 * frees the whole, librdkafka's results included, on whatever thread.
 */
typedef struct KsKafkaCall
{
	void		(*run) (struct KsKafkaCall *call, rd_kafka_t *rk);
	void		(*release) (struct KsKafkaCall *call);
	rd_kafka_resp_err_t err;	/* the outcome, set by run */
} KsKafkaCall;

/* What the client's own callbacks noted; they only write here. */
typedef struct KsKafkaNote
{
	bool		down;			/* no broker can be reached */
	bool		refused;		/* authentication failed */
	rd_kafka_resp_err_t err;
	char		text[256];
} KsKafkaNote;

struct KsKafkaClient
{
	rd_kafka_t *rk;
	rd_kafka_queue_t *queue;	/* consumer: messages and ends of partitions */
	rd_kafka_queue_t *main_queue;
	rd_kafka_queue_t *log_queue;
	int			pipe[2];		/* readable when a queue has something */
	KsKafkaNote note;

	/* Called first when the client closes: give back what came from queues. */
	void		(*before_close) (void *arg);
	void	   *before_close_arg;

	/* Consumers: called with librdkafka's statistics; no PostgreSQL calls. */
	void		(*statistics) (void *arg, const char *json);
	void	   *statistics_arg;

	/* Producers: called for each message delivered or given up; likewise. */
	void		(*delivered) (void *arg, const rd_kafka_message_t *message);
	void	   *delivered_arg;

	struct KsKafkaClientPrivate *private_data;
};

/* A property that is this extension's to set. */
typedef struct KsKafkaSetting
{
	const char *name;
	const char *value;
} KsKafkaSetting;

/*
 * Connect (which never blocks).  'properties' are KsProperty *, already
 * checked; 'defaults' come before them and 'fixed' after, both ended by a NULL
 * name.  Closed when 'owner' is reset or deleted.
 */
extern KsKafkaClient *ks_kafka_client_open(MemoryContext owner, rd_kafka_type_t type,
										   const List *properties,
										   const KsKafkaSetting *defaults,
										   const KsKafkaSetting *fixed);

/* Serve callbacks and hand librdkafka's logs to the server log; never blocks. */
extern void ks_kafka_client_serve(KsKafkaClient *client);

/*
 * Run a blocking call, interruptibly.  The call stays the client's: it is
 * released by the next one, or when the client closes.  Does not raise the
 * call's own error (see call->err).  Gives up early if authentication fails.
 */
extern void ks_kafka_client_call(KsKafkaClient *client, KsKafkaCall *call);

/* Raise an error: 'what' could not be done ("could not list topics"). */
extern void ks_kafka_client_error(KsKafkaClient *client, rd_kafka_resp_err_t err,
								  const char *what) __attribute__((noreturn));
extern int	ks_kafka_client_sqlstate(rd_kafka_resp_err_t err);

#endif
