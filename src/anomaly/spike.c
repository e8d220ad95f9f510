/*
 * detect_spike: how much a value has changed since the row before it, in the
 * value's own units.
 *
 *		score = value - lag(value)
 *
 * An anomaly is a score > threshold (direction 'up'), < -threshold ('down'),
 * or either ('both'); the band is open on the side that is not looked at.
 * Warm from the second row on; a row after one without a finite value has no
 * score.  An infinite value is an anomaly on the side that is looked at.
 */
#include "postgres.h"

#include "anomaly/kernel.h"
#include "anomaly/method.h"

static const char *const directions[] = {"up", "down", "both", NULL};

enum
{
	UP,
	DOWN,
	BOTH
};

typedef struct SpikeParams
{
	double		threshold;
	int32		direction;
} SpikeParams;

typedef struct SpikeState
{
	double		previous;		/* NaN: none */
} SpikeState;

static void *
spike_params(const Datum *args, const bool *isnull)
{
	SpikeParams *params = palloc0(sizeof(SpikeParams));

	params->threshold = ks_kernel_float(args, isnull, 0, "threshold", 0, KS_KERNEL_MAX_THRESHOLD);
	params->direction = ks_kernel_word(args, isnull, 1, "direction", directions);
	return params;
}

static size_t
spike_state_size(const void *params)
{
	return sizeof(SpikeState);
}

static void
spike_init(const void *params, void *state)
{
	((SpikeState *) state)->previous = NAN;
}

static void
spike_step(const void *opaque_params, void *opaque_state, const KsDetectorRow *row,
		   KsDetection *detection)
{
	const SpikeParams *params = opaque_params;
	SpikeState *state = opaque_state;
	double		value = ks_kernel_value(row, 0);

	ks_kernel_no_detection(detection);
	detection->expected = state->previous;
	detection->score = value - state->previous;
	if (params->direction != UP)
	{
		detection->lower = state->previous - params->threshold;
		detection->is_anomaly |= detection->score < -params->threshold;
	}
	if (params->direction != DOWN)
	{
		detection->upper = state->previous + params->threshold;
		detection->is_anomaly |= detection->score > params->threshold;
	}
	state->previous = isfinite(value) ? value : NAN;
}

const KsDetectorMethod ks_spike_method = {
	.name = "detect_spike",
	.format = 1,
	.nvalues = 1,
	.nparams = 2,
	.params = spike_params,
	.state_size = spike_state_size,
	.init = spike_init,
	.step = spike_step,
};
