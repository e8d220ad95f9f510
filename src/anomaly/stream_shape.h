/*
 * The series at one time scale: extremes, jumps, roughness, and patterns that
 * it did not have before.
 */
#ifndef KS_ANOMALY_STREAM_SHAPE_H
#define KS_ANOMALY_STREAM_SHAPE_H

#include "anomaly/stream_rarity.h"
#include "anomaly/stream_scale.h"

#define KS_STREAM_PATTERN 8		/* values of a pattern */
#define KS_STREAM_PATTERNS 64
#define KS_STREAM_LAST 20		/* values whose roughness is measured */

/* What is measured of each value. */
typedef enum KsStreamMeasure
{
	KS_STREAM_HIGH,
	KS_STREAM_LOW,
	KS_STREAM_RISE,				/* above the median of the three values before */
	KS_STREAM_FALL,
	KS_STREAM_NOVELTY,			/* distance to the nearest pattern */
	KS_STREAM_ROUGH,
	KS_STREAM_SMOOTH,
	KS_STREAM_MEASURES
} KsStreamMeasure;

typedef struct KsStreamShape
{
	int32		step;			/* rows that are averaged to one value */
	int32		rows;			/* in 'sum' */
	int32		nlast;
	int32		npatterns;
	double		sum;
	float		radius;			/* patterns are no nearer to each other */
	float		last[KS_STREAM_LAST];	/* newest first */
	float		pattern[KS_STREAM_PATTERN][KS_STREAM_PATTERNS];
	double		size[KS_STREAM_MEASURES];	/* of the present value */
	KsStreamRarity rarity[KS_STREAM_MEASURES];
} KsStreamShape;

extern void ks_stream_shape_init(KsStreamShape *shape, int step);

/*
 * Add a squashed value of the series.  Returns whether it completed a value at
 * this time scale; if so, 'size' has its measures.
 */
extern bool ks_stream_shape_add(KsStreamShape *shape, double squashed);

/* The median of the last three values; what a rise or a fall counts from. */
extern double ks_stream_shape_base(const KsStreamShape *shape);

extern void ks_stream_shape_rescale(KsStreamShape *shape, const KsStreamRescale *rescale);

#endif
