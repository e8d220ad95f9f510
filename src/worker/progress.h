/* How far a stream was read: rows of the partition and counter tables. */
#ifndef KS_WORKER_PROGRESS_H
#define KS_WORKER_PROGRESS_H

#include "worker/reader.h"

/* Committed rows of Kafka partitions, by topic and number, in CurrentMemoryContext. */
extern KsPartition *ks_progress_load(Oid stream, int *n);

/* Read the row of the partition of INSERTs; false: there is none. */
extern bool ks_progress_load_inserts(Oid stream, int64 *next_offset, TimestampTz *clock);

/* A partition that was not read before. */
extern void ks_progress_add(Oid stream, const KsPartition *partition);

/*
 * Move a partition from where we think it is to batch_next and batch_clock;
 * raises an error if it is not there: somebody else reads it, or moved it.
 */
extern void ks_progress_move(Oid stream, const KsPartition *partition);

/* Save end_offset and idle, which are for people to read. */
extern void ks_progress_note(Oid stream, const KsPartition *partition);

/* Remember the broker's cluster id. */
extern void ks_progress_set_cluster(Oid stream, const char *cluster_id);

/* The anchor of a record: a hash of its key and value. */
extern int64 ks_progress_hash(const KsMessage *message);

#endif
