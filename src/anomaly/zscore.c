/*
 * detect_zscore: how many standard deviations a value is away from the mean of
 * the rows before it.
 *
 *		score = (value - mean) / stddev
 *
 * with mean and sample standard deviation over the 'preceding' rows before
 * this one, as in SQL:
 *
 *		avg(value) OVER w, stddev_samp(value) OVER w
 *		WINDOW w AS (PARTITION BY ... ORDER BY ts, value
 *					 ROWS BETWEEN preceding PRECEDING AND 1 PRECEDING)
 *
 * An anomaly has abs(score) > threshold; the band is mean -/+ threshold *
 * stddev.  Warm once there are 'preceding' rows before this one, at least two
 * of them with a value.  Values too large for a standard deviation in float8
 * leave the score NULL.
 */
#include "postgres.h"

#include "anomaly/frame.h"
#include "anomaly/kernel.h"
#include "anomaly/method.h"

typedef struct ZscoreParams
{
	int32		preceding;
	double		threshold;
} ZscoreParams;

static void *
zscore_params(const Datum *args, const bool *isnull)
{
	ZscoreParams *params = palloc0(sizeof(ZscoreParams));

	params->preceding = ks_kernel_int(args, isnull, 0, "preceding", 2, KS_KERNEL_MAX_PRECEDING);
	params->threshold = ks_kernel_float(args, isnull, 1, "threshold", 0, KS_KERNEL_MAX_THRESHOLD);
	return params;
}

static size_t
zscore_state_size(const void *params)
{
	return ks_frame_size(((const ZscoreParams *) params)->preceding);
}

static void
zscore_init(const void *params, void *state)
{
	ks_frame_init(state, ((const ZscoreParams *) params)->preceding);
}

static void
zscore_step(const void *opaque_params, void *state, const KsDetectorRow *row,
			KsDetection *detection)
{
	const ZscoreParams *params = opaque_params;
	double		value = ks_kernel_value(row, 0);
	double		mean;
	double		stddev;

	ks_kernel_no_detection(detection);
	if (ks_frame_spread(state, &mean, &stddev))
		ks_kernel_judge(value, mean, stddev, params->threshold, detection);
	ks_frame_add(state, isfinite(value) ? value : NAN);
}

const KsDetectorMethod ks_zscore_method = {
	.name = "detect_zscore",
	.format = 1,
	.nvalues = 1,
	.nparams = 2,
	.params = zscore_params,
	.state_size = zscore_state_size,
	.init = zscore_init,
	.step = zscore_step,
};
