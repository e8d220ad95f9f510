/*
 * Sorted values: quantiles of the last rows, kept from row to row.
 */
#ifndef KS_ANOMALY_SORTED_H
#define KS_ANOMALY_SORTED_H

#include "postgres.h"

#include "anomaly/frame.h"

/*
 * 'count' values ascending, none of them NaN; insert leaves one more, remove
 * one less.  The value to remove must be among them.
 */
extern void ks_sorted_insert(double *sorted, int count, double value);
extern void ks_sorted_remove(double *sorted, int count, double value);

/*
 * The quantile at fraction 0 to 1, interpolated between the two values beside
 * it: percentile_cont of SQL, type 7 of Hyndman and Fan (1996).  count > 0.
 */
extern double ks_sorted_quantile(const double *sorted, int count, double fraction);

/* Median and mean of the values' distances from 'center'. */
extern double ks_sorted_median_distance(const double *sorted, int count, double center);
extern double ks_sorted_mean_distance(const double *sorted, int count, double center);

/* A frame of the last rows whose values are sorted, too; 'frame->count' of them. */
extern size_t ks_sorted_frame_size(int size);
extern void ks_sorted_frame_add(KsFrame *frame, double value);
extern double *ks_sorted_frame_values(const KsFrame *frame);

/*
 * A spread that outliers do not change, as many times a standard deviation as
 * in a normal distribution: MAD / 0.6745 (Iglewicz and Hoaglin 1993), or, if
 * more than half of the distances are 0, their mean times 1.253314.
 */
extern double ks_sorted_spread(double median_distance, double mean_distance);

#endif
