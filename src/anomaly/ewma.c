/*
 * detect_ewma: the control chart of Roberts, Control Chart Tests Based on
 * Geometric Moving Averages, Technometrics 1 (1959), which finds small shifts
 * that last.
 *
 *		z[t] = lambda * value + (1 - lambda) * z[t-1]
 *		score = (z[t] - mean) /
 *				(stddev * sqrt(lambda / (2 - lambda) * (1 - (1 - lambda)^(2t))))
 *
 * An anomaly has abs(score) > width, Roberts's L; the limits are those that
 * change with time, so the first rows count.  Mean and stddev (of the sample)
 * are those of the 'preceding' rows before this one, so what is expected
 * follows the series, and a shift is news for about that many rows at most.
 *
 * The chart begins with the first warm row: z[0] = mean, t = 1.  Warm is a row
 * with 'preceding' rows before it, at least two of them with a value.  An alarm
 * does not stop the chart.  Where stddev is 0, the value itself is compared to
 * the mean, score 0 or infinite, and the chart begins anew with the next row.
 * A row without a finite value leaves the chart as it is.
 *
 * lower and upper are the values with which z[t] would be at its limits, so
 * that they can be plotted beside the value.
 */
#include "postgres.h"

#include "anomaly/frame.h"
#include "anomaly/kernel.h"
#include "anomaly/method.h"

typedef struct EwmaParams
{
	double		lambda;
	double		width;
	int32		preceding;
} EwmaParams;

typedef struct EwmaState
{
	double		z;				/* NaN: the chart has not begun */
	double		decay;			/* (1 - lambda)^(2t) */
	KsFrame		frame;			/* must be last */
} EwmaState;

static void *
ewma_params(const Datum *args, const bool *isnull)
{
	EwmaParams *params = palloc0(sizeof(EwmaParams));

	params->lambda = ks_kernel_float(args, isnull, 0, "lambda", 0.0001, 1);
	params->width = ks_kernel_float(args, isnull, 1, "width", 0, KS_KERNEL_MAX_THRESHOLD);
	params->preceding = ks_kernel_int(args, isnull, 2, "preceding", 2, KS_KERNEL_MAX_PRECEDING);
	return params;
}

static size_t
ewma_state_size(const void *params)
{
	return offsetof(EwmaState, frame) + ks_frame_size(((const EwmaParams *) params)->preceding);
}

static void
ewma_init(const void *params, void *opaque_state)
{
	EwmaState  *state = opaque_state;

	state->z = NAN;
	state->decay = 1;
	ks_frame_init(&state->frame, ((const EwmaParams *) params)->preceding);
}

/* One row of the chart, with a standard deviation above 0. */
static void
chart(const EwmaParams *params, EwmaState *state, double value, double mean, double stddev,
	  KsDetection *detection)
{
	double		keep = 1 - params->lambda;
	double		z = isnan(state->z) ? mean : state->z;
	double		decay = state->decay * keep * keep;
	double		error = stddev * sqrt(params->lambda / (2 - params->lambda) * (1 - decay));

	detection->expected = mean;
	detection->lower = (mean - params->width * error - keep * z) / params->lambda;
	detection->upper = (mean + params->width * error - keep * z) / params->lambda;
	if (isnan(value))
		return;
	if (isinf(value))
		detection->score = value;
	else
	{
		state->z = params->lambda * value + keep * z;
		state->decay = decay;
		detection->score = (state->z - mean) / error;
	}
	detection->is_anomaly = fabs(detection->score) > params->width;
}

static void
ewma_step(const void *opaque_params, void *opaque_state, const KsDetectorRow *row,
		  KsDetection *detection)
{
	const EwmaParams *params = opaque_params;
	EwmaState  *state = opaque_state;
	double		value = ks_kernel_value(row, 0);
	double		mean;
	double		stddev;

	ks_kernel_no_detection(detection);
	if (ks_frame_spread(&state->frame, &mean, &stddev))
	{
		if (stddev > 0)
			chart(params, state, value, mean, stddev, detection);
		else
		{
			ks_kernel_judge(value, mean, 0, params->width, detection);
			state->z = NAN;
			state->decay = 1;
		}
	}
	ks_frame_add(&state->frame, isfinite(value) ? value : NAN);
}

const KsDetectorMethod ks_ewma_method = {
	.name = "detect_ewma",
	.format = 1,
	.nvalues = 1,
	.nparams = 3,
	.params = ewma_params,
	.state_size = ewma_state_size,
	.init = ewma_init,
	.step = ewma_step,
};
