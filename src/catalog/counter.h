/* Counts of what became of messages and rows; they commit with the batch. */
#ifndef KS_CATALOG_COUNTER_H
#define KS_CATALOG_COUNTER_H

#include "postgres.h"

typedef struct KsCounts
{
	int64		rows;
	int64		bytes;
	int64		tombstones;
	int64		lost;
	int64		folded;
	int64		filtered;
	int64		late;
	int64		partly_late;
	int64		dead_letters;
} KsCounts;

/*
 * Add to the counts of a view (by id) or of the stream itself (id 0).
 * 'inserted': rows that came by INSERT, counted apart so that an open
 * transaction of an inserter does not hold up the worker.
 */
extern void ks_counter_add(Oid stream, int view_id, bool inserted, const KsCounts *counts);

#endif
