/*
 * What librdkafka's statistics say of partitions and their leaders.
 */
#ifndef KS_SOURCE_KAFKA_STATISTICS_H
#define KS_SOURCE_KAFKA_STATISTICS_H

#include "postgres.h"

/* An assigned partition and how far it has come. */
typedef struct KsKafkaPosition
{
	const char *topic;
	int32		partition;
	int64		next_offset;	/* after the last message fetched; -1 none */
	int64		stable_offset;	/* last stable offset as last told; -1 unknown */
	int64		high_offset;	/* the end, open transactions included; -1 unknown */
} KsKafkaPosition;

/*
 * Update stable and high offsets.  Returns whether the leaders of all these partitions
 * (without any: some broker) are connected and were heard of lately.  Calls no
 * PostgreSQL function: it runs in a librdkafka callback.
 */
extern bool ks_kafka_statistics_read(const char *json, KsKafkaPosition *positions, int n);

#endif
