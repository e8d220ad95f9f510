/*
 * The driver "kafka": looked up by the main module with
 * load_external_function("$libdir/kafka_stream_kafka", "ks_kafka_driver").
 */
#ifndef KS_SOURCE_KAFKA_CONSUMER_H
#define KS_SOURCE_KAFKA_CONSUMER_H

#include "base/compat.h"
#include "source/source.h"

extern PGDLLEXPORT const KsSourceDriver *ks_kafka_driver(void);

#endif
