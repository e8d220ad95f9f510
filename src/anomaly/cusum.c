/*
 * detect_cusum: the tabular CUSUM of Page, Continuous Inspection Schemes,
 * Biometrika 41 (1954), which adds up what is left of small deviations until
 * they are too many to be chance.
 *
 *		z = (value - mean) / stddev
 *		high = max(0, high + z - k)
 *		low = max(0, low - z - k)
 *		score = high, or -low if that is larger
 *
 * An anomaly has abs(score) > h; both sums begin again at 0 after it.  k and h
 * are in standard deviations; k is half of the shift to be found.  Mean and
 * stddev (of the sample) are those of the 'preceding' rows before this one.
 *
 * The sums begin at 0 with the first warm row: one with 'preceding' rows before
 * it, at least two of them with a value.  Where stddev is 0, the value itself
 * is compared to the mean, score 0 or infinite, and the sums begin again.  A
 * row without a finite value leaves the sums as they are.
 *
 * lower and upper are the values with which the sums would be at h.
 */
#include "postgres.h"

#include "anomaly/frame.h"
#include "anomaly/kernel.h"
#include "anomaly/method.h"

typedef struct CusumParams
{
	double		k;
	double		h;
	int32		preceding;
} CusumParams;

typedef struct CusumState
{
	double		high;
	double		low;
	KsFrame		frame;			/* must be last */
} CusumState;

static void *
cusum_params(const Datum *args, const bool *isnull)
{
	CusumParams *params = palloc0(sizeof(CusumParams));

	params->k = ks_kernel_float(args, isnull, 0, "k", 0, KS_KERNEL_MAX_THRESHOLD);
	params->h = ks_kernel_float(args, isnull, 1, "h", 0, KS_KERNEL_MAX_THRESHOLD);
	params->preceding = ks_kernel_int(args, isnull, 2, "preceding", 2, KS_KERNEL_MAX_PRECEDING);
	return params;
}

static size_t
cusum_state_size(const void *params)
{
	return offsetof(CusumState, frame) + ks_frame_size(((const CusumParams *) params)->preceding);
}

static void
cusum_init(const void *params, void *opaque_state)
{
	CusumState *state = opaque_state;

	state->high = 0;
	state->low = 0;
	ks_frame_init(&state->frame, ((const CusumParams *) params)->preceding);
}

/* Add one row to the sums, with a standard deviation above 0. */
static void
add_up(const CusumParams *params, CusumState *state, double value, double mean, double stddev,
	   KsDetection *detection)
{
	double		z = (value - mean) / stddev;

	detection->expected = mean;
	detection->lower = mean - stddev * (params->h + params->k - state->low);
	detection->upper = mean + stddev * (params->h + params->k - state->high);
	if (isnan(value))
		return;
	if (isinf(value))
		detection->score = value;
	else
	{
		state->high = Max(0, state->high + z - params->k);
		state->low = Max(0, state->low - z - params->k);
		detection->score = state->high >= state->low ? state->high : -state->low;
	}
	detection->is_anomaly = fabs(detection->score) > params->h;
	if (detection->is_anomaly && !isinf(value))
		state->high = state->low = 0;
}

static void
cusum_step(const void *opaque_params, void *opaque_state, const KsDetectorRow *row,
		   KsDetection *detection)
{
	const CusumParams *params = opaque_params;
	CusumState *state = opaque_state;
	double		value = ks_kernel_value(row, 0);
	double		mean;
	double		stddev;

	ks_kernel_no_detection(detection);
	if (ks_frame_spread(&state->frame, &mean, &stddev))
	{
		if (stddev > 0)
			add_up(params, state, value, mean, stddev, detection);
		else
		{
			ks_kernel_judge(value, mean, 0, params->h, detection);
			state->high = state->low = 0;
		}
	}
	ks_frame_add(&state->frame, isfinite(value) ? value : NAN);
}

const KsDetectorMethod ks_cusum_method = {
	.name = "detect_cusum",
	.format = 1,
	.nvalues = 1,
	.nparams = 3,
	.params = cusum_params,
	.state_size = cusum_state_size,
	.init = cusum_init,
	.step = cusum_step,
};
