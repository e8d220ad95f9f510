/*
 * The life of a librdkafka client in a PostgreSQL process.
 *
 * Ownership: the client is malloc'ed, since a thread of ours may outlive the
 * memory context that owns it.  The owner context holds a callback that closes
 * it; before_shmem_exit closes whatever is still open.  Closing runs on a
 * thread, for at most CLOSE_MS; if librdkafka hangs, client and thread are
 * left behind and the process later leaves by _exit(), so that no exit handler
 * pulls the ground from under those threads.
 *
 * No thread but the process's own runs PostgreSQL code.  librdkafka calls back
 * only from rd_kafka_poll() and the like, which we call; the callbacks just
 * note what happened, since an ereport must not jump over its frames.
 */
#include "postgres.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "lib/ilist.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/memutils.h"

#include "source/kafka_client.h"
#include "source/source.h"

#define CLOSE_MS	5000

/* A thread of ours and whether its work is done. */
typedef struct Job
{
	pthread_t	thread;
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	bool		done;
	KsKafkaClient *client;
	KsKafkaCall *call;			/* NULL: close the client */
} Job;

/* Lives in the owner context; tells it to close the client. */
typedef struct Owner
{
	MemoryContextCallback callback;
	KsKafkaClient *client;
} Owner;

typedef struct KsKafkaClientPrivate
{
	dlist_node	link;
	rd_kafka_type_t type;
	rd_kafka_conf_t *conf;		/* until rd_kafka_new() takes it */
	Owner	   *owner;
	Job		   *job;			/* the call in progress, or the last one */
} KsKafkaClientPrivate;

static dlist_head open_clients = DLIST_STATIC_INIT(open_clients);
static bool exit_registered = false;
static bool left_behind = false;

static void close_client(KsKafkaClient *client);

static void
close_all(int code, Datum arg)
{
	while (!dlist_is_empty(&open_clients))
	{
		KsKafkaClientPrivate *private_data =
			dlist_container(KsKafkaClientPrivate, link, dlist_head_node(&open_clients));

		close_client(private_data->owner->client);
	}
}

static void
close_with_owner(void *arg)
{
	Owner	   *owner = arg;

	if (owner->client)
		close_client(owner->client);
}

/* Registered with on_exit(), after everything else: so it runs first. */
static void
leave_at_once(int status, void *arg)
{
	_exit(status);
}

/* Start a thread on which no signal is ever handled; false if there is none. */
static bool
start_thread(pthread_t *thread, void *(*run) (void *), void *arg)
{
	sigset_t	all;
	sigset_t	old;
	int			rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(thread, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc == 0;
}

/* Wait until the job is done; false if it is not after 'ms'. */
static bool
job_wait(Job *job, int ms)
{
	struct timespec until;
	bool		done;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (ms % 1000) * 1000000L;
	if (until.tv_nsec >= 1000000000L)
	{
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	pthread_mutex_lock(&job->mutex);
	while (!job->done &&
		   pthread_cond_timedwait(&job->cond, &job->mutex, &until) == 0)
		;
	done = job->done;
	pthread_mutex_unlock(&job->mutex);
	return done;
}

static void
job_finish(Job *job)
{
	pthread_mutex_lock(&job->mutex);
	job->done = true;
	pthread_cond_signal(&job->cond);
	pthread_mutex_unlock(&job->mutex);
}

/* On the thread that runs a call, or on the one that closes: no PostgreSQL. */
static void
job_free(Job *job)
{
	pthread_join(job->thread, NULL);
	if (job->call)
		job->call->release(job->call);
	pthread_mutex_destroy(&job->mutex);
	pthread_cond_destroy(&job->cond);
	free(job);
}

static void *
run_call(void *arg)
{
	Job		   *job = arg;

	job->call->run(job->call, job->client->rk);
	job_finish(job);
	return NULL;
}

/* Everything that belongs to a client, in the order librdkafka needs. */
static void
destroy_client(KsKafkaClient *client)
{
	rd_kafka_queue_t *queues[] = {client->queue, client->main_queue, client->log_queue};

	if (client->private_data->job)
		job_free(client->private_data->job);
	for (int i = 0; i < lengthof(queues); i++)
		if (queues[i])
		{
			rd_kafka_queue_io_event_enable(queues[i], -1, NULL, 0);
			rd_kafka_queue_destroy(queues[i]);
		}
	if (client->rk && client->private_data->type == RD_KAFKA_PRODUCER)
		rd_kafka_purge(client->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
	if (client->rk)
		rd_kafka_destroy_flags(client->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
	if (client->private_data->conf)
		rd_kafka_conf_destroy(client->private_data->conf);
	for (int i = 0; i < 2; i++)
		if (client->pipe[i] >= 0)
			close(client->pipe[i]);
	free(client->private_data);
	free(client);
}

static void *
run_close(void *arg)
{
	Job		   *job = arg;

	destroy_client(job->client);
	job_finish(job);
	return NULL;
}

static Job *
job_create(KsKafkaClient *client, KsKafkaCall *call)
{
	Job		   *job = calloc(1, sizeof(Job));

	if (job == NULL)
		return NULL;
	pthread_mutex_init(&job->mutex, NULL);
	pthread_cond_init(&job->cond, NULL);
	job->client = client;
	job->call = call;
	if (start_thread(&job->thread, call ? run_call : run_close, job))
		return job;
	free(job);
	return NULL;
}

/* Never raises an error: it runs while errors are being cleaned up. */
static void
close_client(KsKafkaClient *client)
{
	KsKafkaClientPrivate *private_data = client->private_data;
	Job		   *job;

	private_data->owner->client = NULL;
	dlist_delete(&private_data->link);
	if (client->before_close)
		client->before_close(client->before_close_arg);
	client->statistics = NULL;
	client->delivered = NULL;
	if (client->rk == NULL)
	{
		destroy_client(client);
		return;
	}

	job = job_create(client, NULL);
	if (job && job_wait(job, CLOSE_MS))
		job_free(job);
	else if (!left_behind)
	{
		left_behind = true;
		on_exit(leave_at_once, NULL);
		ereport(LOG,
				(errmsg("a Kafka client did not stop within %d ms and was left behind",
						CLOSE_MS)));
	}
}

static void
on_error(rd_kafka_t *rk, int err, const char *reason, void *opaque)
{
	KsKafkaClient *client = opaque;

	client->note.err = err;
	strlcpy(client->note.text, reason ? reason : rd_kafka_err2str(err),
			sizeof(client->note.text));
	if (err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
		client->note.down = true;
	if (err == RD_KAFKA_RESP_ERR__AUTHENTICATION ||
		err == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED)
		client->note.refused = true;
}

static int
on_statistics(rd_kafka_t *rk, char *json, size_t len, void *opaque)
{
	KsKafkaClient *client = opaque;

	if (client->statistics)
		client->statistics(client->statistics_arg, json);
	return 0;					/* librdkafka frees it */
}

static void
on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
	KsKafkaClient *client = opaque;

	if (client->delivered)
		client->delivered(client->delivered_arg, message);
}

/* librdkafka's own message repeats the value, which may be a secret. */
static void
set_property(rd_kafka_conf_t *conf, const char *name, const char *value, bool secret)
{
	char		reason[512];

	if (rd_kafka_conf_set(conf, name, value, reason, sizeof(reason)) != RD_KAFKA_CONF_OK)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("librdkafka does not accept property \"%s\"", name),
				 secret ? 0 : errdetail("%s", reason)));
}

static void
set_properties(rd_kafka_conf_t *conf, rd_kafka_type_t type, const List *properties,
			   const KsKafkaSetting *defaults, const KsKafkaSetting *fixed)
{
	KsPropertyScope other = type == RD_KAFKA_PRODUCER ?
		KS_PROPERTY_CONSUMER : KS_PROPERTY_PRODUCER;
	ListCell   *lc;

	for (; defaults->name; defaults++)
		set_property(conf, defaults->name, defaults->value, false);
	foreach(lc, properties)
	{
		KsProperty *property = lfirst(lc);

		if (property->scope != other)
			set_property(conf, property->name, property->value, property->secret);
	}
	for (; fixed->name; fixed++)
		set_property(conf, fixed->name, fixed->value, false);
	set_property(conf, "log.queue", "true", false);
}

/* An empty client that its owner closes from now on. */
static KsKafkaClient *
client_create(MemoryContext context, rd_kafka_type_t type)
{
	Owner	   *owner = MemoryContextAllocZero(context, sizeof(Owner));
	KsKafkaClient *client = calloc(1, sizeof(KsKafkaClient));
	KsKafkaClientPrivate *private_data = calloc(1, sizeof(KsKafkaClientPrivate));

	if (client == NULL || private_data == NULL)
	{
		free(client);
		free(private_data);
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	}
	client->pipe[0] = client->pipe[1] = -1;
	client->private_data = private_data;
	private_data->type = type;
	private_data->owner = owner;
	private_data->conf = rd_kafka_conf_new();
	owner->client = client;
	owner->callback.func = close_with_owner;
	owner->callback.arg = owner;
	dlist_push_tail(&open_clients, &private_data->link);
	MemoryContextRegisterResetCallback(context, &owner->callback);
	return client;
}

/* rd_kafka_new() starts threads: they inherit a mask that blocks all signals. */
static void
start_client(KsKafkaClient *client)
{
	KsKafkaClientPrivate *private_data = client->private_data;
	char		reason[512];
	sigset_t	all;
	sigset_t	old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	client->rk = rd_kafka_new(private_data->type, private_data->conf,
							  reason, sizeof(reason));
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (client->rk == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_ERROR),
				 errmsg("could not make a Kafka client"), errdetail("%s", reason)));
	private_data->conf = NULL;
}

/* The queues, each of which makes the pipe readable when it fills. */
static void
open_queues(KsKafkaClient *client)
{
	if (pipe2(client->pipe, O_NONBLOCK | O_CLOEXEC) != 0)
		ereport(ERROR,
				(errcode_for_file_access(), errmsg("could not create pipe: %m")));
	client->main_queue = rd_kafka_queue_get_main(client->rk);
	client->log_queue = rd_kafka_queue_new(client->rk);
	rd_kafka_set_log_queue(client->rk, client->log_queue);
	rd_kafka_queue_io_event_enable(client->main_queue, client->pipe[1], "m", 1);
	rd_kafka_queue_io_event_enable(client->log_queue, client->pipe[1], "l", 1);
	if (client->private_data->type == RD_KAFKA_CONSUMER)
	{
		client->queue = rd_kafka_queue_get_consumer(client->rk);
		rd_kafka_queue_io_event_enable(client->queue, client->pipe[1], "c", 1);
	}
}

KsKafkaClient *
ks_kafka_client_open(MemoryContext owner, rd_kafka_type_t type, const List *properties,
					 const KsKafkaSetting *defaults, const KsKafkaSetting *fixed)
{
	KsKafkaClient *client;
	rd_kafka_conf_t *conf;

	if (!exit_registered)
	{
		before_shmem_exit(close_all, 0);
		exit_registered = true;
	}
	client = client_create(owner, type);
	conf = client->private_data->conf;
	set_properties(conf, type, properties, defaults, fixed);
	rd_kafka_conf_set_opaque(conf, client);
	rd_kafka_conf_set_error_cb(conf, on_error);
	if (type == RD_KAFKA_PRODUCER)
		rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	else
		rd_kafka_conf_set_stats_cb(conf, on_statistics);
	start_client(client);
	open_queues(client);
	return client;
}

void
ks_kafka_client_serve(KsKafkaClient *client)
{
	rd_kafka_event_t *event;

	rd_kafka_poll(client->rk, 0);
	while ((event = rd_kafka_queue_poll(client->log_queue, 0)) != NULL)
	{
		const char *facility;
		const char *text;
		int			level = LOG_DEBUG;
		char		line[512];

		line[0] = '\0';
		if (rd_kafka_event_log(event, &facility, &text, &level) == 0)
			snprintf(line, sizeof(line), "%s: %s", facility, text);
		rd_kafka_event_destroy(event);
		if (line[0] != '\0')
			ereport(level <= LOG_WARNING ? LOG : DEBUG1,
					(errmsg_internal("librdkafka: %s", line)));
	}
}

/* Wait for the call in progress, if any, and release it. */
static void
finish_call(KsKafkaClient *client)
{
	Job		   *job = client->private_data->job;

	if (job == NULL)
		return;
	while (!job_wait(job, KS_KAFKA_STEP_MS))
	{
		CHECK_FOR_INTERRUPTS();
		ks_kafka_client_serve(client);
	}
	client->private_data->job = NULL;
	job_free(job);
}

void
ks_kafka_client_call(KsKafkaClient *client, KsKafkaCall *call)
{
	Job		   *job;

	PG_TRY();
	{
		finish_call(client);
	}
	PG_CATCH();
	{
		call->release(call);
		PG_RE_THROW();
	}
	PG_END_TRY();

	job = job_create(client, call);
	if (job == NULL)
	{
		call->release(call);
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("could not start a thread for a Kafka client")));
	}
	client->private_data->job = job;
	while (!job_wait(job, KS_KAFKA_STEP_MS))
	{
		CHECK_FOR_INTERRUPTS();
		ks_kafka_client_serve(client);
		if (client->note.refused)
			ks_kafka_client_error(client, client->note.err, "could not log in to Kafka");
	}
	ks_kafka_client_serve(client);
}

int
ks_kafka_client_sqlstate(rd_kafka_resp_err_t err)
{
	switch (err)
	{
		case RD_KAFKA_RESP_ERR__AUTHENTICATION:
		case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
			return ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION;
		case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
		case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
		case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
			return ERRCODE_INSUFFICIENT_PRIVILEGE;
		case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
		case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
		case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
			return ERRCODE_UNDEFINED_OBJECT;
		case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
			return ERRCODE_INVALID_NAME;
		case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
			return ERRCODE_PROGRAM_LIMIT_EXCEEDED;
		default:
			return ERRCODE_CONNECTION_FAILURE;
	}
}

void
ks_kafka_client_error(KsKafkaClient *client, rd_kafka_resp_err_t err, const char *what)
{
	KsKafkaNote *note = &client->note;
	bool		unreachable = err == RD_KAFKA_RESP_ERR__TRANSPORT ||
		err == RD_KAFKA_RESP_ERR__TIMED_OUT || err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;

	ereport(ERROR,
			(errcode(ks_kafka_client_sqlstate(err)),
			 errmsg("%s: %s", what,
					unreachable ? "the broker does not answer" : rd_kafka_err2str(err)),
			 note->text[0] ? errdetail("The last trouble was: %s.", note->text) : 0,
			 unreachable ? errhint("Check that the brokers' names and ports are right, and that this server can reach them.") : 0));
}
