/*
 * Reading librdkafka's statistics (STATISTICS.md of librdkafka).
 *
 * The text is librdkafka's own and regular: brokers first, each with "nodeid",
 * "state" and "rxidle" in this order, then topics, each with its name and its
 * partitions, each with "partition", "leader", "hi_offset" and "ls_offset" in
 * this order.
 * So a scan for these keys does, at a fraction of a JSON parser's cost; it
 * comes once a second with thousands of partitions.
 */
#include "postgres.h"

#include <stdlib.h>

#include "source/kafka_statistics.h"

#define MAX_BROKERS		256		/* further ones count as connected */
#define MAX_SILENCE_US	INT64CONST(3000000)

typedef struct Brokers
{
	int			n;
	bool		overflow;
	bool		any;			/* some broker can be used */
	int32		id[MAX_BROKERS];
	bool		usable[MAX_BROKERS];
} Brokers;

/* The text after "key": if it is found before 'end' (NULL: the whole text). */
static const char *
find_key(const char *text, const char *key, const char *end)
{
	const char *found = strstr(text, key);

	if (found == NULL || (end != NULL && found >= end))
		return NULL;
	return found + strlen(key);
}

static void
read_brokers(const char *text, const char *end, Brokers *brokers)
{
	const char *p = text;

	while ((p = find_key(p, "\"nodeid\":", end)) != NULL)
	{
		int32		id = strtol(p, NULL, 10);
		const char *state = find_key(p, "\"state\":\"", end);
		const char *idle = find_key(p, "\"rxidle\":", end);
		int64		silence;
		bool		usable;

		if (state == NULL || idle == NULL)
			return;
		silence = strtoll(idle, NULL, 10);
		usable = strncmp(state, "UP\"", 3) == 0 && silence >= 0 && silence <= MAX_SILENCE_US;
		/* Brokers without partitions are silent: connected is good enough. */
		brokers->any |= strncmp(state, "UP\"", 3) == 0;
		p = idle;
		if (id < 0)
			continue;
		if (brokers->n == MAX_BROKERS)
		{
			brokers->overflow = true;
			continue;
		}
		brokers->id[brokers->n] = id;
		brokers->usable[brokers->n++] = usable;
	}
}

static bool
is_usable(const Brokers *brokers, int32 id)
{
	for (int i = 0; i < brokers->n; i++)
		if (brokers->id[i] == id)
			return brokers->usable[i];
	return brokers->overflow;
}

static KsKafkaPosition *
find_position(KsKafkaPosition *positions, int n, int *hint, const char *topic,
			  size_t topic_len, int32 partition)
{
	for (int i = 0; i < n; i++)
	{
		KsKafkaPosition *position = &positions[(*hint + i) % n];

		if (position->partition == partition &&
			strncmp(position->topic, topic, topic_len) == 0 &&
			position->topic[topic_len] == '\0')
		{
			*hint = (*hint + i + 1) % n;	/* they mostly come in order */
			return position;
		}
	}
	return NULL;
}

/* Partitions of one topic, between its name and the next topic's. */
static int
read_topic(const char *text, const char *end, const Brokers *brokers,
		   KsKafkaPosition *positions, int n, int *hint)
{
	size_t		len = strcspn(text, "\"");
	const char *p = text;
	int			usable = 0;

	while ((p = find_key(p, "\"partition\":", end)) != NULL)
	{
		int32		partition = strtol(p, NULL, 10);
		const char *leader = find_key(p, "\"leader\":", end);
		const char *high = find_key(p, "\"hi_offset\":", end);
		const char *stable = find_key(p, "\"ls_offset\":", end);
		KsKafkaPosition *position;
		int64		offset;

		if (leader == NULL || high == NULL || stable == NULL)
			break;
		p = stable;
		position = partition < 0 ? NULL :
			find_position(positions, n, hint, text, len, partition);
		if (position == NULL)
			continue;
		offset = strtoll(stable, NULL, 10);
		if (offset >= 0)
		{
			position->stable_offset = offset;
			position->high_offset = strtoll(high, NULL, 10);
		}
		if (is_usable(brokers, strtol(leader, NULL, 10)))
			usable++;
	}
	return usable;
}

bool
ks_kafka_statistics_read(const char *json, KsKafkaPosition *positions, int n)
{
	Brokers		brokers = {0};
	const char *topics;
	const char *p;
	int			usable = 0;
	int			hint = 0;

	topics = find_key(json, "\"topics\":{", NULL);
	p = find_key(json, "\"brokers\":{", topics);
	if (p)
		read_brokers(p, topics, &brokers);
	if (n == 0)
		return brokers.any;

	p = topics ? find_key(topics, "\"topic\":\"", NULL) : NULL;
	while (p)
	{
		const char *next = find_key(p, "\"topic\":\"", NULL);

		usable += read_topic(p, next, &brokers, positions, n, &hint);
		p = next;
	}
	return usable == n;
}
