/*
 * Is the distribution of the last rows one that the series had before?
 */
#ifndef KS_ANOMALY_STREAM_HABIT_H
#define KS_ANOMALY_STREAM_HABIT_H

#include "postgres.h"

#define KS_STREAM_BINS 5
#define KS_STREAM_HABITS 64
#define KS_STREAM_WINDOW 52		/* the longest */

/* Steps of the range that rows of habits are kept in; a multiple of the bins. */
#define KS_STREAM_STEPS 255

typedef struct KsStreamHabit
{
	uint8		count[KS_STREAM_BINS];	/* rows in each bin */
	uint8		row[KS_STREAM_WINDOW];	/* each, as a step of the range */
} KsStreamHabit;

typedef struct KsStreamRange
{
	float		low;
	float		high;
} KsStreamRange;

typedef struct KsStreamHabits
{
	int32		width;			/* rows of a window */
	int32		nrows;			/* in 'recent' */
	int32		nhabits;
	double		critical;		/* unlikeness from which a window is a new habit */
	KsStreamRange range;
	float		recent[KS_STREAM_WINDOW];	/* newest first */
	KsStreamHabit habits[KS_STREAM_HABITS];
} KsStreamHabits;

extern void ks_stream_habits_init(KsStreamHabits *habits, int width);

/*
 * Learn a row.  Returns how unlike any habit its window is: the logarithm of its
 * unlikeness relative to the critical one, so that what is above 0 is a new
 * habit; -INFINITY before there is a habit to compare with.
 */
extern double ks_stream_habits_add(KsStreamHabits *habits, float value);

/* Take all that is kept to another scale; 'convert' keeps the order of values. */
extern void ks_stream_habits_rescale(KsStreamHabits *habits, double (*convert) (const void *arg, double value),
									 const void *arg);

#endif
