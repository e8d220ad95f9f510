/*
 * Which rows of a batch a windowed view can still take.
 *
 *   limit of a row = max(its partition's clock before it - delay,
 *                        the view's closed-up-to mark)
 *
 * A window that ends at or before the limit is over for the row.  A row whose
 * windows are all over is late; one that misses some is partly late and folds
 * into a state of its own, keyed by the end of the last window missed.
 */
#ifndef KS_VIEW_LATENESS_H
#define KS_VIEW_LATENESS_H

#include "postgres.h"

#include "time/window.h"
#include "view/batch.h"

/* Rows that miss the same windows. */
typedef struct KsRowGroup
{
	TimestampTz missed_end;		/* DT_NOBEGIN: they miss none */
	int			nrows;
	int		   *rows;			/* ascending indexes in the batch */
} KsRowGroup;

typedef struct KsLateness
{
	int			ngroups;
	KsRowGroup *groups;			/* groups[0]: rows that miss nothing */
	int			nlate;
	int		   *late;			/* ascending */
	int			nbeyond;		/* rows whose windows the timestamp range cannot hold */
	int		   *beyond;
} KsLateness;

/* window NULL: a view without windows, for which no row is late. */
extern void ks_lateness_sort(const KsBatch *batch, const KsWindow *window,
							 int64 delay, TimestampTz closed_to, KsLateness *lateness);

/* The limit of one row. */
extern TimestampTz ks_lateness_limit(const KsBatch *batch, int row, int64 delay,
									 TimestampTz closed_to);

#endif
