/*
 * What the main module does for the one that links librdkafka, which cannot
 * link it: looked up by load_external_function("$libdir/kafka_stream",
 * "ks_source_services").
 */
#ifndef KS_SOURCE_SERVICES_H
#define KS_SOURCE_SERVICES_H

#include "source/properties.h"
#include "source/start.h"

typedef struct KsSourceServices
{
	List	   *(*broker_properties) (const char *brokers, const char *server, Oid role);
	KsStart    *(*parse_start) (const char *start);
} KsSourceServices;

#endif
