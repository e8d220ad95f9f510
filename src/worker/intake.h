/* Messages to rows: decoded, completed, checked; what does not fit set aside. */
#ifndef KS_WORKER_INTAKE_H
#define KS_WORKER_INTAKE_H

#include "postgres.h"
#include "utils/rel.h"

#include "catalog/counter.h"
#include "view/batch.h"
#include "worker/progress.h"
#include "worker/reader.h"

typedef struct KsIntake
{
	KsBatch		batch;			/* first: rows that fit */
	KsReader   *reader;
	const KsMessage **origin;	/* per row */
	KsCounts counts;
	List	   *dead_letters;	/* KsDeadLetter * */
	TimestampTz newest;			/* highest event time, DT_NOBEGIN: no row */
} KsIntake;

/*
 * Take in 'n' messages, as the stream's owner, in CurrentMemoryContext; moves
 * batch_next, batch_clock and last of the reader's partitions.
 */
extern KsIntake *ks_intake_run(KsReader *reader, Relation staging,
							   const KsMessage *messages, int n, TimestampTz now);

/* Raise an error if the stream's options make no sense for its columns. */
extern void ks_intake_check(Oid stream);

/* The decoder belongs to a table's columns as they are now: forget it. */
extern void ks_intake_forget(void);

#endif
