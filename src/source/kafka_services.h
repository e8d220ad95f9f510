/*
 * What SQL functions of this module share: their arguments.
 */
#ifndef KS_SOURCE_KAFKA_SERVICES_H
#define KS_SOURCE_KAFKA_SERVICES_H

#include "postgres.h"
#include "fmgr.h"

#include "source/services.h"

/* The main module's part; loaded when first needed. */
extern const KsSourceServices *ks_kafka_services(void);

/* The connection that two arguments describe, for the current user. */
extern List *ks_kafka_broker_args(FunctionCallInfo fcinfo, int brokers, int server);

/* A topic's name; NULL and '' are errors. */
extern char *ks_kafka_topic_arg(FunctionCallInfo fcinfo, int i);

#endif
