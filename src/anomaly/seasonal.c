/*
 * detect_seasonal: value = trend + season + residual, and residuals that are
 * too large.  A decomposition that never looks ahead, with the robust parts of
 * Vallis, Hochenbaum and Kejariwal, A Novel Technique for Long-Term Anomaly
 * Detection in the Cloud (HotCloud 2014): the trend is a median and so is the
 * spread of residuals.
 *
 * The period has 'slots' slots of equal length, counted from Monday 1970-01-05
 * 00:00 UTC.  Consecutive rows in one slot are a visit, and its value is their
 * mean.
 *
 *		trend = median over the slots of (value of the slot's last visit - season[slot])
 *		expected = trend + season[slot]
 *		residual = value - expected
 *		spread = MAD / 0.6745 of the last residuals, around 0
 *		score = residual / spread
 *
 * so the trend looks back one period.  An anomaly has abs(score) > threshold.
 * As in detect_mad, 1.253314 * mean of abs(residual) stands in for a MAD of 0,
 * and the last residuals are as many as there are slots, 50 at least.
 *
 * When the next row falls into another slot, the visit is over, and then, with
 * the trend as it was during the visit,
 *
 *		n = n + 1, for this slot
 *		season[slot] += limited(visit - trend - season[slot]) / min(n, periods)
 *		last[slot] = visit
 *
 * where 'limited' is to threshold * spread on both sides (if the spread is known
 * and not 0), so that an outlier does not leave a hole in the next periods.
 *
 * In the first period (from the time of the first row with a value) nothing but
 * last[] is learnt; with the first row after it, trend = median of last[], and
 * season[slot] = last[slot] - trend with n = 1.  A slot that is first visited
 * later has no expectation, and that visit gives its season, with n = 1.  The second
 * period gives the first residuals; warm from then on, with two of them or more.
 *
 * Rows without a time, or an infinite one, have no slot: they have no score and
 * teach nothing.  Nor do values beyond 1e150, whose sums might not be finite.
 */
#include "postgres.h"

#include "common/int.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "anomaly/kernel.h"
#include "anomaly/method.h"
#include "anomaly/sorted.h"

#define MAX_SLOTS 10000
#define MIN_RESIDUALS 50
/* 10 years: times a slot's number it is still an int64 */
#define MAX_PERIOD (INT64CONST(3653) * USECS_PER_DAY)
/* Monday 1970-01-05, in microseconds from 2000-01-01 */
#define ORIGIN ((UNIX_EPOCH_JDATE + 4 - POSTGRES_EPOCH_JDATE) * USECS_PER_DAY)

typedef struct SeasonalParams
{
	int64		period;			/* microseconds */
	int32		slots;
	int32		periods;
	double		threshold;
} SeasonalParams;

typedef struct Slot
{
	double		season;			/* NaN: not known yet */
	double		level;			/* last visit - season; NaN: not visited yet */
	int64		n;
} Slot;

typedef struct SeasonalState
{
	TimestampTz first;			/* time of the first row with a value */
	bool		begun;			/* there was one */
	bool		decomposed;		/* the first period is over */

	/* the visit */
	TimestampTz visit_period;	/* where its period starts */
	int32		visit_slot;		/* -1: none */
	int32		visit_count;
	double		visit_sum;

	double		trend;
	int32		levels;			/* slots with a level */
	Slot		slot[FLEXIBLE_ARRAY_MEMBER];	/* then the levels sorted, then residuals */
} SeasonalState;

static int64
period_argument(const Datum *args, const bool *isnull)
{
	Interval   *period;
	int64		length;

	if (isnull[0])
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument period must not be null"),
				 errhint("Leave it out to get its default.")));
	period = DatumGetIntervalP(args[0]);
	if (INTERVAL_NOT_FINITE(period) || period->month != 0 ||
		pg_mul_s64_overflow(period->day, USECS_PER_DAY, &length) ||
		pg_add_s64_overflow(length, period->time, &length) ||
		length < USECS_PER_SEC || length > MAX_PERIOD)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument period is not from 1 second to 3653 days"),
				 errhint("Give a period without months, such as '1 day' or '7 days'.")));
	return length;
}

static void *
seasonal_params(const Datum *args, const bool *isnull)
{
	SeasonalParams *params = palloc0(sizeof(SeasonalParams));

	params->period = period_argument(args, isnull);
	params->slots = ks_kernel_int(args, isnull, 1, "slots", 2, MAX_SLOTS);
	params->periods = ks_kernel_int(args, isnull, 2, "periods", 1, 1000);
	params->threshold = ks_kernel_float(args, isnull, 3, "threshold", 0, KS_KERNEL_MAX_THRESHOLD);
	return params;
}

static int
residual_count(const SeasonalParams *params)
{
	return Max(params->slots, MIN_RESIDUALS);
}

static double *
sorted_levels(const SeasonalParams *params, const SeasonalState *state)
{
	return (double *) &state->slot[params->slots];
}

static KsFrame *
residual_frame(const SeasonalParams *params, const SeasonalState *state)
{
	return (KsFrame *) (sorted_levels(params, state) + params->slots);
}

static size_t
seasonal_state_size(const void *opaque_params)
{
	const SeasonalParams *params = opaque_params;

	return offsetof(SeasonalState, slot) + params->slots * (sizeof(Slot) + sizeof(double)) +
		ks_sorted_frame_size(residual_count(params));
}

static void
seasonal_init(const void *opaque_params, void *opaque_state)
{
	const SeasonalParams *params = opaque_params;
	SeasonalState *state = opaque_state;

	memset(state, 0, seasonal_state_size(params));
	state->visit_slot = -1;
	for (int i = 0; i < params->slots; i++)
		state->slot[i].season = state->slot[i].level = NAN;
	ks_frame_init(residual_frame(params, state), residual_count(params));
}

/* Time since the start of the period that it falls into. */
static int64
time_in_period(const SeasonalParams *params, TimestampTz ts)
{
	int64		position = (ts % params->period - ORIGIN % params->period) % params->period;

	return position < 0 ? position + params->period : position;
}

/* 0 as long as it is not known. */
static double
residual_spread(const KsFrame *frame)
{
	const double *sorted = ks_sorted_frame_values(frame);
	double		median;

	if (frame->count < 2)
		return 0;
	median = ks_sorted_median_distance(sorted, frame->count, 0);
	return ks_sorted_spread(median,
							median > 0 ? 0 : ks_sorted_mean_distance(sorted, frame->count, 0));
}

static void
set_level(const SeasonalParams *params, SeasonalState *state, Slot *slot, double level)
{
	double	   *sorted = sorted_levels(params, state);

	if (!isnan(slot->level))
		ks_sorted_remove(sorted, state->levels--, slot->level);
	slot->level = level;
	ks_sorted_insert(sorted, state->levels++, level);
	state->trend = ks_sorted_quantile(sorted, state->levels, 0.5);
}

static void
learn_season(const SeasonalParams *params, const SeasonalState *state, Slot *slot, double visit)
{
	double		limit = params->threshold * residual_spread(residual_frame(params, state));
	double		change = visit - state->trend - slot->season;

	slot->n++;
	if (isnan(slot->season))
		slot->season = visit - state->trend;
	else
	{
		if (limit > 0)
			change = Max(-limit, Min(limit, change));
		slot->season += change / Min(slot->n, params->periods);
	}
}

static void
end_visit(const SeasonalParams *params, SeasonalState *state)
{
	if (state->visit_slot >= 0 && state->visit_count > 0)
	{
		Slot	   *slot = &state->slot[state->visit_slot];
		double		visit = state->visit_sum / state->visit_count;

		if (state->decomposed)
			learn_season(params, state, slot, visit);
		set_level(params, state, slot, visit - (state->decomposed ? slot->season : 0));
	}
	state->visit_slot = -1;
}

/* The end of the first period: until now the levels were the visits themselves. */
static void
decompose(const SeasonalParams *params, SeasonalState *state)
{
	double		trend = state->trend;

	for (int i = 0; i < params->slots; i++)
	{
		Slot	   *slot = &state->slot[i];

		if (isnan(slot->level))
			continue;
		slot->n = 1;
		slot->season = slot->level - trend;
		set_level(params, state, slot, slot->level - slot->season);
	}
	state->decomposed = true;
}

/* Has so much time passed since the first row?  Both are finite, so nothing overflows. */
static bool
has_passed(const SeasonalState *state, TimestampTz ts, int64 length)
{
	return state->begun && ts >= state->first && (uint64) ts - (uint64) state->first >= (uint64) length;
}

/* Go to the row's slot, ending the visit and the first period if they are over. */
static void
move_to(const SeasonalParams *params, SeasonalState *state, TimestampTz ts)
{
	int64		position = time_in_period(params, ts);
	int			slot = (int) (position * params->slots / params->period);

	if (state->visit_slot != slot || state->visit_period != ts - position)
		end_visit(params, state);
	if (!state->decomposed && has_passed(state, ts, params->period))
	{
		end_visit(params, state);
		decompose(params, state);
	}
	if (state->visit_slot < 0)
	{
		state->visit_slot = slot;
		state->visit_period = ts - position;
		state->visit_count = 0;
		state->visit_sum = 0;
	}
}

static void
learn(const SeasonalParams *params, SeasonalState *state, TimestampTz ts, double value)
{
	double		expected = state->trend + state->slot[state->visit_slot].season;

	if (!state->begun)
		state->first = ts;
	state->begun = true;
	state->visit_sum += value;
	state->visit_count++;
	if (state->decomposed && !isnan(expected))
		ks_sorted_frame_add(residual_frame(params, state), value - expected);
}

static void
seasonal_step(const void *opaque_params, void *opaque_state, const KsDetectorRow *row,
			  KsDetection *detection)
{
	const SeasonalParams *params = opaque_params;
	SeasonalState *state = opaque_state;
	const KsFrame *residuals = residual_frame(params, state);
	double		value = ks_kernel_value(row, 0);

	ks_kernel_no_detection(detection);
	if (row->no_ts || TIMESTAMP_NOT_FINITE(row->ts))
		return;
	move_to(params, state, row->ts);
	if (has_passed(state, row->ts, 2 * params->period) && residuals->count >= 2)
		ks_kernel_judge(value, state->trend + state->slot[state->visit_slot].season,
						residual_spread(residuals), params->threshold, detection);
	if (fabs(value) <= KS_KERNEL_MAX_LEARNT)
		learn(params, state, row->ts, value);
}

const KsDetectorMethod ks_seasonal_method = {
	.name = "detect_seasonal",
	.format = 1,
	.nvalues = 1,
	.nparams = 4,
	.params = seasonal_params,
	.state_size = seasonal_state_size,
	.init = seasonal_init,
	.step = seasonal_step,
};
