/*
 * Arguments that SQL functions of this module share.
 */
#ifndef KS_SOURCE_KAFKA_ARGUMENTS_H
#define KS_SOURCE_KAFKA_ARGUMENTS_H

#include "postgres.h"
#include "fmgr.h"
#include "nodes/pg_list.h"

/* The connection that two arguments describe, for the current user. */
extern List *ks_kafka_broker_args(FunctionCallInfo fcinfo, int brokers, int server);

/* A topic's name; NULL and '' are errors. */
extern char *ks_kafka_topic_arg(FunctionCallInfo fcinfo, int i);

#endif
