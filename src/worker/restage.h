/*
 * Rows that a crash took from staging, read again from Kafka.
 */
#ifndef KS_WORKER_RESTAGE_H
#define KS_WORKER_RESTAGE_H

#include "utils/rel.h"

#include "worker/reader.h"

typedef struct KsRestage KsRestage;

/*
 * Remember from which offsets on the segment of 'now' holds rows; in the batch's
 * transaction, before its partitions move.
 */
extern void ks_restage_note(KsReader *reader, Relation staging, TimestampTz now);

/*
 * What is to be read again, or NULL; outside of a transaction, before any row
 * is staged by this reader.  Lives in the reader's context.
 */
extern KsRestage *ks_restage_begin(KsReader *reader);

/* Stage some of it, waiting for nothing.  False: done, or given up. */
extern bool ks_restage_step(KsRestage *restage);
extern void ks_restage_end(KsRestage *restage);

#endif
