/*
 * detect_iqr: the fences of Tukey, Exploratory Data Analysis (1977), around
 * the rows before.
 *
 *		band = [q1 - k * (q3 - q1), q3 + k * (q3 - q1)]
 *
 * with the quartiles q1 and q3 of the 'preceding' rows before this one, as
 * percentile_cont() of SQL has them.  The score is how far a value lies outside
 * of the quartiles, in interquartile ranges and with its sign, 0 between them;
 * an anomaly has abs(score) > k.  The median is what is expected.
 *
 * Where q1 = q3, other values have an infinite score.  Warm once there are
 * 'preceding' rows before this one, at least two of them with a value.
 */
#include "postgres.h"

#include "anomaly/kernel.h"
#include "anomaly/method.h"
#include "anomaly/sorted.h"

typedef struct IqrParams
{
	int32		preceding;
	double		k;
} IqrParams;

static void *
iqr_params(const Datum *args, const bool *isnull)
{
	IqrParams  *params = palloc0(sizeof(IqrParams));

	params->preceding = ks_kernel_int(args, isnull, 0, "preceding", 2, KS_KERNEL_MAX_PRECEDING);
	params->k = ks_kernel_float(args, isnull, 1, "k", 0, KS_KERNEL_MAX_THRESHOLD);
	return params;
}

static size_t
iqr_state_size(const void *params)
{
	return ks_sorted_frame_size(((const IqrParams *) params)->preceding);
}

static void
iqr_init(const void *params, void *state)
{
	memset(state, 0, iqr_state_size(params));
	ks_frame_init(state, ((const IqrParams *) params)->preceding);
}

static void
judge(const IqrParams *params, const KsFrame *frame, double value, KsDetection *detection)
{
	const double *sorted = ks_sorted_frame_values(frame);
	double		q1 = ks_sorted_quantile(sorted, frame->count, 0.25);
	double		q3 = ks_sorted_quantile(sorted, frame->count, 0.75);
	double		outside = value > q3 ? value - q3 : value < q1 ? value - q1 : 0;

	if (!isfinite(q3 - q1))
		return;
	detection->expected = ks_sorted_quantile(sorted, frame->count, 0.5);
	detection->lower = q1 - params->k * (q3 - q1);
	detection->upper = q3 + params->k * (q3 - q1);
	if (isnan(value))
		return;
	detection->score = isinf(value) ? value : ks_kernel_deviation(outside, q3 - q1);
	detection->is_anomaly = fabs(detection->score) > params->k;
}

static void
iqr_step(const void *params, void *state, const KsDetectorRow *row, KsDetection *detection)
{
	double		value = ks_kernel_value(row, 0);

	ks_kernel_no_detection(detection);
	if (ks_frame_is_warm(state))
		judge(params, state, value, detection);
	ks_sorted_frame_add(state, isfinite(value) ? value : NAN);
}

const KsDetectorMethod ks_iqr_method = {
	.name = "detect_iqr",
	.format = 1,
	.nvalues = 1,
	.nparams = 2,
	.params = iqr_params,
	.state_size = iqr_state_size,
	.init = iqr_init,
	.step = iqr_step,
};
