/*
 * A batch: rows of one stream in arrival order, in memory, on their way into
 * staging and every view.  Filled by the worker (from Kafka) or by the
 * statement trigger (from INSERT and COPY); both hand it to ks_fold_batch().
 */
#ifndef KS_VIEW_BATCH_H
#define KS_VIEW_BATCH_H

#include "postgres.h"
#include "access/tupdesc.h"
#include "datatype/timestamp.h"

typedef struct KsBatch
{
	Oid			stream;			/* the staging table */
	TupleDesc	desc;			/* its descriptor (dropped columns included) */
	int			nrows;
	Datum	   *values;			/* row i, column attno: values[i * natts + attno - 1] */
	bool	   *isnull;
	TimestampTz *event_time;	/* per row, finite */
	TimestampTz *clock;			/* per row: highest event time at lower offsets of
								 * its partition, DT_NOBEGIN if none */
	/* For dead letters of views; NULL for rows that came by INSERT. */
	const struct KsMessage *(*message) (const struct KsBatch *batch, int row);
	const char *(*topic) (const struct KsBatch *batch, int row);
	void	   *private_data;
} KsBatch;

#endif
