/*
 * Questions to the broker: which partitions there are, and which offsets.
 *
 * librdkafka's query_watermark_offsets() has no deadline in 2.0.2; offsets
 * come from offsets_for_times() instead, which has one, asks for all
 * partitions at once, and passes the times -2 (earliest) and -1 (latest)
 * through.  With read_committed, latest is the last stable offset.
 */
#ifndef KS_SOURCE_KAFKA_LOOKUP_H
#define KS_SOURCE_KAFKA_LOOKUP_H

#include "source/kafka_client.h"

#define KS_KAFKA_EARLIEST	INT64CONST(-2)
#define KS_KAFKA_LATEST		INT64CONST(-1)

/*
 * Partitions of 'topic', a name, a comma list or a ^regex, with low and high
 * offsets: a List of KsSourcePartition *, by topic and partition.  A regex
 * leaves Kafka's own topics out.  Raises an error after timeout_ms.
 */
extern List *ks_kafka_partitions(KsKafkaClient *client, const char *topic, int timeout_ms);

/*
 * The first offset at or after 'timestamp_ms' of one partition; that of the
 * next message to come if there is none.
 */
extern int64 ks_kafka_offset_at(KsKafkaClient *client, const char *topic,
								int32 partition, int64 timestamp_ms, int timeout_ms);

extern char *ks_kafka_cluster_id(KsKafkaClient *client, int timeout_ms);

#endif
