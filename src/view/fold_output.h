/*
 * Where a fold's results go: rows for the states (or, for a view without
 * aggregates, its rows), kept in memory until the pass is known to have
 * succeeded, then appended.
 */
#ifndef KS_VIEW_FOLD_OUTPUT_H
#define KS_VIEW_FOLD_OUTPUT_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "tcop/dest.h"

#include "view/append.h"
#include "view/batch.h"
#include "view/fold_plan.h"

typedef struct KsFoldOutput
{
	DestReceiver pub;
	const KsFoldPlan *plan;
	const KsStream *stream;
	KsBatchScan *scan;
	TupleDesc	desc;			/* of the table appended to */
	TimestampTz missed_end;		/* of this pass */
	MemoryContext context;		/* of this pass's results */
	Datum	   *values;			/* one row under construction */
	bool	   *isnull;
	HeapTuple  *tuples;
	int			ntuples;
	int			capacity;
} KsFoldOutput;

/*
 * A receiver for passes of a view's fold.  The table's descriptor is that of
 * the view's states, or of its rows.
 */
extern KsFoldOutput *ks_fold_output_create(const KsView *view, const KsFoldPlan *plan,
										   const KsStream *stream, TupleDesc desc);

/* Before each pass. */
extern void ks_fold_output_start(KsFoldOutput *output, KsBatchScan *scan,
								 TimestampTz missed_end);

/* After it succeeded: append what it gave. */
extern void ks_fold_output_append(KsFoldOutput *output, KsAppender *appender);

/* A receiver for the 'passes' plan: marks the rows that come through. */
extern DestReceiver *ks_passes_output_create(KsBatchScan *scan);

#endif
