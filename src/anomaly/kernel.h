/* What kernels share: their arguments, and the conventions of detector.h. */
#ifndef KS_ANOMALY_KERNEL_H
#define KS_ANOMALY_KERNEL_H

#include <math.h>

#include "postgres.h"

#include "anomaly/detector.h"

/*
 * The argno'th of a method's own arguments, called 'name' in SQL.  Errors if
 * it is NULL, NaN or not from min to max.
 */
extern int	ks_kernel_int(const Datum *args, const bool *isnull, int argno, const char *name,
						  int min, int max);
extern double ks_kernel_float(const Datum *args, const bool *isnull, int argno, const char *name,
							  double min, double max);

/* The same for text: the index of its value in 'words', which ends with NULL. */
extern int	ks_kernel_word(const Datum *args, const bool *isnull, int argno, const char *name,
						   const char *const *words);

/* Most rows that a method looks back at: what it keeps of a series is stored with it. */
#define KS_KERNEL_MAX_PRECEDING 10000

/* Thresholds and widths: finite, so that bands are. */
#define KS_KERNEL_MAX_THRESHOLD 1e100

/* Values beyond are not learnt from by methods that add them up for long. */
#define KS_KERNEL_MAX_LEARNT 1e150

/* The row's value, NaN if it has none. */
static inline double
ks_kernel_value(const KsDetectorRow *row, int i)
{
	return row->isnull[i] ? NAN : row->value[i];
}

static inline void
ks_kernel_no_detection(KsDetection *detection)
{
	detection->expected = detection->lower = detection->upper = detection->score = NAN;
	detection->is_anomaly = false;
}

/* How many spreads a difference is; without any spread, infinitely many or none. */
static inline double
ks_kernel_deviation(double difference, double spread)
{
	if (difference == 0)
		return 0;
	if (spread == 0)
		return copysign(INFINITY, difference);
	return difference / spread;
}

/*
 * Is a value more than 'threshold' spreads away from what is expected?  Nobody
 * knows if values were too large to tell.
 */
static inline void
ks_kernel_judge(double value, double expected, double spread, double threshold,
				KsDetection *detection)
{
	if (!isfinite(expected) || !isfinite(spread))
		return;
	detection->expected = expected;
	detection->lower = expected - threshold * spread;
	detection->upper = expected + threshold * spread;
	if (isnan(value))
		return;
	detection->score = isinf(value) ? value : ks_kernel_deviation(value - expected, spread);
	detection->is_anomaly = fabs(detection->score) > threshold;
}

#endif
