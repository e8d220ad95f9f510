/*
 * The librdkafka properties that are known, from its CONFIGURATION.md (2.0.2
 * and what later versions added), and who may set them.  An allow list: a
 * property of a future librdkafka is refused until somebody has judged it.
 *
 * Two things are not in the list and are refused with the rest: callbacks and
 * handles, which have no text form, and second names of a property that
 * another rule must see (metadata.broker.list).
 */
#ifndef KS_SOURCE_PROPERTY_LIST_H
#define KS_SOURCE_PROPERTY_LIST_H

#include "postgres.h"
#include "source/source.h"

typedef enum KsPropertyAccess
{
	KS_PROPERTY_ANYONE,
	KS_PROPERTY_READS_FILES,	/* pg_read_server_files */
	KS_PROPERTY_SUPERUSER,		/* loads code, runs commands, fetches URLs */
	KS_PROPERTY_OURS			/* exactly-once depends on it */
} KsPropertyAccess;

/* Where it may stand. */
#define KS_PROPERTY_IN_SERVER	1
#define KS_PROPERTY_IN_MAPPING	2
#define KS_PROPERTY_SECRET		4	/* and never in a message */

typedef struct KsKnownProperty
{
	const char *name;
	KsPropertyAccess access;
	int			where;
	KsPropertyScope scope;
	int64		max;			/* of a number; 0: it is text */
} KsKnownProperty;

/* NULL if it is not known. */
extern const KsKnownProperty *ks_property_find(const char *name);

#endif
