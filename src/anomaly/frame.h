/*
 * The last rows of a series: what SQL calls ROWS BETWEEN size PRECEDING AND 1
 * PRECEDING.  A row without a (finite) value takes a place and counts for
 * nothing else.
 */
#ifndef KS_ANOMALY_FRAME_H
#define KS_ANOMALY_FRAME_H

#include "postgres.h"

typedef struct KsFrame
{
	int32		size;			/* places */
	int32		rows;			/* places taken, of which */
	int32		count;			/* have a value */
	int32		next;			/* the place that the next row takes */
	double		value[FLEXIBLE_ARRAY_MEMBER];	/* NaN: no value */
} KsFrame;

extern size_t ks_frame_size(int size);
extern void ks_frame_init(KsFrame *frame, int size);

/* Add a row, whose value is NaN if it has none; the oldest leaves a full frame. */
extern void ks_frame_add(KsFrame *frame, double value);

/* Full, with values to tell a spread from. */
static inline bool
ks_frame_is_warm(const KsFrame *frame)
{
	return frame->rows == frame->size && frame->count >= 2;
}

/*
 * Mean and sample standard deviation, by two passes over the frame: rounding
 * does not build up along a series, and equal values have a deviation of
 * exactly 0.  False unless the frame is warm, and if the values are too large
 * for that.
 */
extern bool ks_frame_spread(const KsFrame *frame, double *mean, double *stddev);

#endif
