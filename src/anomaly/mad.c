/*
 * detect_mad: the modified z-score of Iglewicz and Hoaglin, How to Detect and
 * Handle Outliers (1993), against the rows before; up to half of those may be
 * outliers themselves without hiding the next one.
 *
 *		score = 0.6745 * (value - median) / MAD
 *		MAD = median of abs(x - median)
 *
 * over the 'preceding' rows before this one.  Where MAD is 0, since more than
 * half of these rows are equal, their mean distance from the median stands in,
 * as is usual with this score:
 *
 *		score = (value - median) / (1.253314 * mean of abs(x - median))
 *
 * and only where that is 0, too, the score is 0 or infinite.  The factors make
 * both spreads a standard deviation if values are normally distributed.
 *
 * An anomaly has abs(score) > threshold; the band is where it has not.  Warm
 * once there are 'preceding' rows before this one, at least two of them with a
 * value.
 */
#include "postgres.h"

#include "anomaly/kernel.h"
#include "anomaly/method.h"
#include "anomaly/sorted.h"

typedef struct MadParams
{
	int32		preceding;
	double		threshold;
} MadParams;

static void *
mad_params(const Datum *args, const bool *isnull)
{
	MadParams  *params = palloc0(sizeof(MadParams));

	params->preceding = ks_kernel_int(args, isnull, 0, "preceding", 2, KS_KERNEL_MAX_PRECEDING);
	params->threshold = ks_kernel_float(args, isnull, 1, "threshold", 0, KS_KERNEL_MAX_THRESHOLD);
	return params;
}

static size_t
mad_state_size(const void *params)
{
	return ks_sorted_frame_size(((const MadParams *) params)->preceding);
}

static void
mad_init(const void *params, void *state)
{
	memset(state, 0, mad_state_size(params));
	ks_frame_init(state, ((const MadParams *) params)->preceding);
}

static void
mad_step(const void *opaque_params, void *state, const KsDetectorRow *row, KsDetection *detection)
{
	const MadParams *params = opaque_params;
	const KsFrame *frame = state;
	double		value = ks_kernel_value(row, 0);

	ks_kernel_no_detection(detection);
	if (ks_frame_is_warm(frame))
	{
		const double *sorted = ks_sorted_frame_values(frame);
		double		median = ks_sorted_quantile(sorted, frame->count, 0.5);
		double		distance = ks_sorted_median_distance(sorted, frame->count, median);
		double		mean = distance > 0 ? 0 : ks_sorted_mean_distance(sorted, frame->count, median);

		ks_kernel_judge(value, median, ks_sorted_spread(distance, mean), params->threshold, detection);
	}
	ks_sorted_frame_add(state, isfinite(value) ? value : NAN);
}

const KsDetectorMethod ks_mad_method = {
	.name = "detect_mad",
	.format = 1,
	.nvalues = 1,
	.nparams = 2,
	.params = mad_params,
	.state_size = mad_state_size,
	.init = mad_init,
	.step = mad_step,
};
