/*
 * The librdkafka properties that are known.
 */
#include "postgres.h"

#include "source/property_list.h"

#define SERVER		KS_PROPERTY_IN_SERVER
#define MAPPING		(KS_PROPERTY_IN_MAPPING | KS_PROPERTY_SECRET)
#define EITHER		(KS_PROPERTY_IN_SERVER | KS_PROPERTY_IN_MAPPING)

#define ANYONE		KS_PROPERTY_ANYONE, SERVER
#define SECRET		KS_PROPERTY_ANYONE, MAPPING
#define CREDENTIAL	KS_PROPERTY_ANYONE, EITHER
#define FILES		KS_PROPERTY_READS_FILES, SERVER
#define KEY_FILES	KS_PROPERTY_READS_FILES, EITHER
#define SUPERUSER	KS_PROPERTY_SUPERUSER, SERVER
#define SUPERUSER_KEY KS_PROPERTY_SUPERUSER, EITHER
#define OURS		KS_PROPERTY_OURS, SERVER

#define BOTH		KS_PROPERTY_BOTH
#define CONSUMER	KS_PROPERTY_CONSUMER
#define PRODUCER	KS_PROPERTY_PRODUCER

#define MB			INT64CONST(1048576)
#define HOUR		INT64CONST(3600000)

static const KsKnownProperty known[] = {
	/* the connection */
	{"bootstrap.servers", ANYONE, BOTH, 0},
	{"client.id", ANYONE, BOTH, 0},
	{"client.rack", ANYONE, BOTH, 0},
	{"security.protocol", ANYONE, BOTH, 0},
	{"broker.address.family", ANYONE, BOTH, 0},
	{"broker.address.ttl", ANYONE, BOTH, 24 * HOUR},
	{"broker.version.fallback", ANYONE, BOTH, 0},
	{"api.version.request", ANYONE, BOTH, 0},
	{"api.version.request.timeout.ms", ANYONE, BOTH, HOUR},
	{"api.version.fallback.ms", ANYONE, BOTH, 24 * HOUR},
	{"client.dns.lookup", ANYONE, BOTH, 0},
	{"socket.timeout.ms", ANYONE, BOTH, 300000},
	{"socket.connection.setup.timeout.ms", ANYONE, BOTH, 300000},
	{"socket.send.buffer.bytes", ANYONE, BOTH, 100 * MB},
	{"socket.receive.buffer.bytes", ANYONE, BOTH, 100 * MB},
	{"socket.keepalive.enable", ANYONE, BOTH, 0},
	{"socket.nagle.disable", ANYONE, BOTH, 0},
	{"socket.max.fails", ANYONE, BOTH, 1000000},
	{"connections.max.idle.ms", ANYONE, BOTH, 24 * HOUR},
	{"reconnect.backoff.ms", ANYONE, BOTH, HOUR},
	{"reconnect.backoff.max.ms", ANYONE, BOTH, HOUR},
	{"retry.backoff.ms", ANYONE, BOTH, 300000},
	{"retry.backoff.max.ms", ANYONE, BOTH, 300000},
	{"metadata.max.age.ms", ANYONE, BOTH, 24 * HOUR},
	{"topic.metadata.refresh.interval.ms", ANYONE, BOTH, HOUR},
	{"topic.metadata.refresh.fast.interval.ms", ANYONE, BOTH, 60000},
	{"topic.metadata.propagation.max.ms", ANYONE, BOTH, HOUR},
	{"max.in.flight.requests.per.connection", ANYONE, BOTH, 1000000},
	{"log_level", ANYONE, BOTH, 7},
	{"log.connection.close", ANYONE, BOTH, 0},

	/* memory: all of it has a limit */
	{"message.max.bytes", ANYONE, BOTH, 100 * MB},
	{"receive.message.max.bytes", ANYONE, BOTH, 512 * MB},
	{"queued.min.messages", ANYONE, CONSUMER, 10000000},
	{"queued.max.messages.kbytes", ANYONE, CONSUMER, 2097151},
	{"fetch.wait.max.ms", ANYONE, CONSUMER, 1000},
	{"fetch.queue.backoff.ms", ANYONE, CONSUMER, 300000},
	{"fetch.error.backoff.ms", ANYONE, CONSUMER, 300000},
	{"fetch.message.max.bytes", ANYONE, CONSUMER, 100 * MB},
	{"max.partition.fetch.bytes", ANYONE, CONSUMER, 100 * MB},
	{"fetch.max.bytes", ANYONE, CONSUMER, 256 * MB},
	{"fetch.min.bytes", ANYONE, CONSUMER, 100 * MB},

	/* producing */
	{"queue.buffering.max.messages", ANYONE, PRODUCER, 10000000},
	{"queue.buffering.max.kbytes", ANYONE, PRODUCER, 1048576},
	{"queue.buffering.max.ms", ANYONE, PRODUCER, 60000},
	{"linger.ms", ANYONE, PRODUCER, 60000},
	{"message.timeout.ms", ANYONE, PRODUCER, 300000},
	{"delivery.timeout.ms", ANYONE, PRODUCER, 300000},
	{"request.timeout.ms", ANYONE, PRODUCER, 300000},
	{"compression.codec", ANYONE, PRODUCER, 0},
	{"compression.type", ANYONE, PRODUCER, 0},
	{"compression.level", ANYONE, PRODUCER, 12},
	{"batch.num.messages", ANYONE, PRODUCER, 1000000},
	{"batch.size", ANYONE, PRODUCER, 100 * MB},
	{"partitioner", ANYONE, PRODUCER, 0},
	{"sticky.partitioning.linger.ms", ANYONE, PRODUCER, 900000},

	/* TLS */
	{"ssl.cipher.suites", ANYONE, BOTH, 0},
	{"ssl.curves.list", ANYONE, BOTH, 0},
	{"ssl.sigalgs.list", ANYONE, BOTH, 0},
	{"ssl.ca.pem", ANYONE, BOTH, 0},
	{"ssl.endpoint.identification.algorithm", ANYONE, BOTH, 0},
	{"enable.ssl.certificate.verification", ANYONE, BOTH, 0},
	{"ssl.certificate.pem", CREDENTIAL, BOTH, 0},
	{"ssl.key.pem", SECRET, BOTH, 0},
	{"ssl.key.password", SECRET, BOTH, 0},
	{"ssl.keystore.password", SECRET, BOTH, 0},
	{"ssl.ca.location", FILES, BOTH, 0},
	{"ssl.crl.location", FILES, BOTH, 0},
	{"https.ca.location", FILES, BOTH, 0},
	{"https.ca.pem", ANYONE, BOTH, 0},
	{"ssl.certificate.location", KEY_FILES, BOTH, 0},
	{"ssl.key.location", KEY_FILES, BOTH, 0},
	{"ssl.keystore.location", KEY_FILES, BOTH, 0},
	{"ssl.engine.location", SUPERUSER, BOTH, 0},
	{"ssl.engine.id", SUPERUSER, BOTH, 0},
	{"ssl.providers", SUPERUSER, BOTH, 0},

	/* SASL; Kerberos runs a shell command made of its properties */
	{"sasl.mechanism", ANYONE, BOTH, 0},
	{"sasl.mechanisms", ANYONE, BOTH, 0},
	{"sasl.username", SECRET, BOTH, 0},
	{"sasl.password", SECRET, BOTH, 0},
	{"sasl.kerberos.kinit.cmd", SUPERUSER, BOTH, 0},
	{"sasl.kerberos.principal", SUPERUSER_KEY, BOTH, 0},
	{"sasl.kerberos.keytab", SUPERUSER_KEY, BOTH, 0},
	{"sasl.kerberos.service.name", SUPERUSER, BOTH, 0},
	{"sasl.kerberos.min.time.before.relogin", SUPERUSER, BOTH, 24 * HOUR},
	{"sasl.oauthbearer.config", SECRET, BOTH, 0},
	{"enable.sasl.oauthbearer.unsecure.jwt", ANYONE, BOTH, 0},
	{"sasl.oauthbearer.method", SUPERUSER, BOTH, 0},
	{"sasl.oauthbearer.token.endpoint.url", SUPERUSER, BOTH, 0},
	{"sasl.oauthbearer.client.id", SECRET, BOTH, 0},
	{"sasl.oauthbearer.client.secret", SECRET, BOTH, 0},
	{"sasl.oauthbearer.scope", SUPERUSER, BOTH, 0},
	{"sasl.oauthbearer.extensions", SUPERUSER, BOTH, 0},

	/* code, and logs that could show too much */
	{"plugin.library.paths", SUPERUSER, BOTH, 0},
	{"debug", SUPERUSER, BOTH, 0},

	/* ours */
	{"group.id", OURS, CONSUMER, 0},
	{"group.instance.id", OURS, CONSUMER, 0},
	{"group.protocol", OURS, CONSUMER, 0},
	{"group.protocol.type", OURS, CONSUMER, 0},
	{"group.remote.assignor", OURS, CONSUMER, 0},
	{"partition.assignment.strategy", OURS, CONSUMER, 0},
	{"session.timeout.ms", OURS, CONSUMER, 0},
	{"heartbeat.interval.ms", OURS, CONSUMER, 0},
	{"max.poll.interval.ms", OURS, CONSUMER, 0},
	{"enable.auto.commit", OURS, CONSUMER, 0},
	{"auto.commit.enable", OURS, CONSUMER, 0},
	{"auto.commit.interval.ms", OURS, CONSUMER, 0},
	{"enable.auto.offset.store", OURS, CONSUMER, 0},
	{"auto.offset.reset", OURS, CONSUMER, 0},
	{"offset.store.method", OURS, CONSUMER, 0},
	{"isolation.level", OURS, CONSUMER, 0},
	{"enable.partition.eof", OURS, CONSUMER, 0},
	{"check.crcs", OURS, CONSUMER, 0},
	{"allow.auto.create.topics", OURS, BOTH, 0},
	{"enable.idempotence", OURS, PRODUCER, 0},
	{"enable.gapless.guarantee", OURS, PRODUCER, 0},
	{"acks", OURS, PRODUCER, 0},
	{"request.required.acks", OURS, PRODUCER, 0},
	{"retries", OURS, PRODUCER, 0},
	{"message.send.max.retries", OURS, PRODUCER, 0},
	{"max.in.flight", OURS, PRODUCER, 0},
	{"transactional.id", OURS, PRODUCER, 0},
	{"transaction.timeout.ms", OURS, PRODUCER, 0},
	{"delivery.report.only.error", OURS, PRODUCER, 0},
	{"statistics.interval.ms", OURS, BOTH, 0},
	{"enabled_events", OURS, BOTH, 0},
	{"log.queue", OURS, BOTH, 0},
	{"log.thread.name", OURS, BOTH, 0},
	{"internal.termination.signal", OURS, BOTH, 0},
};

const KsKnownProperty *
ks_property_find(const char *name)
{
	for (int i = 0; i < lengthof(known); i++)
		if (strcmp(known[i].name, name) == 0)
			return &known[i];
	return NULL;
}
