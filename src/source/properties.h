/*
 * Which librdkafka properties may be set, by whom and where, and what a role
 * needs to reach a broker.  Knows nothing of librdkafka: it is asked before
 * librdkafka sees a value, since some act as soon as they are set.
 */
#ifndef KS_SOURCE_PROPERTIES_H
#define KS_SOURCE_PROPERTIES_H

#include "postgres.h"
#include "nodes/pg_list.h"

/*
 * What 'role' needs to connect: a List of KsProperty *, palloc'd.  Exactly one
 * of 'brokers' ('host:9092,host2') and 'server' (a foreign server's name) is
 * not NULL.  Brokers need USAGE on the foreign-data wrapper; a server needs
 * USAGE on it, and brings its options and those of the role's user mapping, or
 * else PUBLIC's.  All are checked again, by what the server's owner may do now.
 * Errors name what is missing, never a secret's value.
 */
extern List *ks_broker_properties(const char *brokers, const char *server, Oid role);

#endif
