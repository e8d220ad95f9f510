/*
 * How rare is a size, given the sizes of the same measure so far?
 */
#ifndef KS_ANOMALY_STREAM_RARITY_H
#define KS_ANOMALY_STREAM_RARITY_H

#include "postgres.h"

#define KS_STREAM_PEAKS 10
#define KS_STREAM_REPORTED 8

typedef struct KsStreamRarity
{
	int32		npeaks;
	int32		nreported;
	int32		age;			/* rows since the present episode began; -1: none has */
	bool		is_reported;	/* was an anomaly reported during it? */
	float		peak;			/* of it */
	float		peaks[KS_STREAM_PEAKS]; /* the largest of past episodes, falling */
	float		reported[KS_STREAM_REPORTED];	/* of those during which one was, the last ones */
} KsStreamRarity;

extern void ks_stream_rarity_init(KsStreamRarity *rarity);

/*
 * How many episodes at least as large were to be expected in a history as long
 * as this one: 1 is what comes up once in it, 0.1 once in ten such histories.
 */
extern double ks_stream_rarity_expected(const KsStreamRarity *rarity, double size);

/* The size of which so many are expected; the reverse. */
extern double ks_stream_rarity_size(const KsStreamRarity *rarity, double expected);

/*
 * Learn a row's size.  An episode is 'length' rows from the first after the
 * last one; only its peak counts.
 */
extern void ks_stream_rarity_learn(KsStreamRarity *rarity, double size, int length, bool is_reported);

/* Take all sizes to another scale; 'convert' keeps their order. */
extern void ks_stream_rarity_convert(KsStreamRarity *rarity, double (*convert) (const void *arg, double size),
									 const void *arg);

#endif
