/*
 * What is usual for a series: its median and spread, from an even sample of all
 * rows so far, and values in terms of them.
 */
#ifndef KS_ANOMALY_STREAM_SCALE_H
#define KS_ANOMALY_STREAM_SCALE_H

#include "postgres.h"

#define KS_STREAM_SAMPLE 256

typedef struct KsStreamScale
{
	int64		seen;			/* rows so far */
	int64		refit_at;		/* the number of rows at which it is measured again */
	int32		stride;			/* one row of so many is kept ... */
	int32		kept;
	double		median;
	double		spread;			/* 0: as yet all values were equal */
	double		sample[KS_STREAM_SAMPLE];
} KsStreamScale;

/* A value on another scale: what was v there is factor * v + shift here. */
typedef struct KsStreamRescale
{
	double		factor;
	double		shift;
} KsStreamRescale;

extern void ks_stream_scale_init(KsStreamScale *scale);

/*
 * Learn a value; it is to be finite and at most KS_KERNEL_MAX_LEARNT.  Returns
 * whether median and spread are others now, and how to take what is kept in
 * terms of the former along.
 */
extern bool ks_stream_scale_add(KsStreamScale *scale, double value, KsStreamRescale *rescale);

/* Spreads above the median: comparable between series whatever their units. */
extern double ks_stream_scale_linear(const KsStreamScale *scale, double value);
extern double ks_stream_scale_value(const KsStreamScale *scale, double linear);

/* The same with what is far out drawn nearer: linear around 0, logarithmic beyond. */
extern double ks_stream_scale_squash(double linear);
extern double ks_stream_scale_unsquash(double squashed);

/* Both on a new scale. */
extern double ks_stream_rescale_linear(const KsStreamRescale *rescale, double linear);
extern double ks_stream_rescale_squashed(const KsStreamRescale *rescale, double squashed);

#endif
