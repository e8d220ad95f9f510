/*
 * detect_stream: what nobody expected of a series, found by several judges at
 * once, without anything to tune.
 *
 * Values count in spreads around the median of the rows so far (stream_scale.h),
 * so that a detection does not depend on units.  Two kinds of judges look at them:
 *
 *	- habits (stream_habit.h): is the distribution of the last rows one that was
 *	  there before?  At two widths, once on plain values and once on squashed
 *	  ones, of which the first is blind to all but what is large and the second
 *	  sees small changes, too.
 *	- shapes (stream_shape.h): at two time scales, how rare are this extreme,
 *	  jump, roughness and pattern in a history as long as this one
 *	  (stream_rarity.h)?
 *
 * Each judge gives evidence from 0 to 2, where 1 is its own threshold, and its
 * word counts for some rows, since judges do not see a thing at the same row.
 * Evidence is added up as in a naive Bayesian classifier, habits being so alike
 * that they have one voice together; so is what speaks for or against an anomaly
 * beforehand: a long history, in which what is new is rarely there by chance,
 * and the anomalies reported lately.
 *
 *		score = 1 / (1 + exp(-2 * (evidence - bar)))
 *
 * An anomaly is reported at its first row.  For some rows after it, scores are
 * halved, so that an episode is one anomaly.
 */
#include "postgres.h"

#include <math.h>

#include "anomaly/kernel.h"
#include "anomaly/method.h"
#include "anomaly/stream_habit.h"
#include "anomaly/stream_scale.h"
#include "anomaly/stream_shape.h"

/* Rows without a score at the beginning. */
#define WARM_ROWS 100

/* Histories longer than this are not more certain. */
#define LONGEST_HISTORY 20000

/* Rows that evidence counts for. */
#define HOLD_ROWS 30

/* Evidence falls from 1 to 0 while what it measures is a half as large. */
#define SOFTNESS 0.7
#define MOST_EVIDENCE 2.0

/* A judge of shapes: this many such episodes are expected in a history as long. */
#define RARE 0.3

/* Weights: of all habits, of each measure of a shape, of history, of recent alarms. */
#define HABITS_WEIGHT 1.05
#define SHAPE_WEIGHT 0.3
#define HISTORY_WEIGHT 0.36
#define ALARMS_WEIGHT 0.3
#define BAR 1.1
#define LEAST_BAR 0.3

/* After an alarm: rows without another, at least and as a part of all rows so far. */
#define QUIET_ROWS 30
#define QUIET_PART 0.03

/* An alarm is forgotten over this part of all rows so far. */
#define ALARMS_PART 0.2

#define HABIT_JUDGES 4
#define SHAPE_JUDGES 2
#define JUDGES (HABIT_JUDGES + SHAPE_JUDGES * KS_STREAM_MEASURES)

static const struct
{
	int			width;
	bool		squashed;
} habit_judges[HABIT_JUDGES] = {{52, false}, {26, false}, {26, true}, {13, true}};

static const int shape_steps[SHAPE_JUDGES] = {1, 6};

typedef struct StreamParams
{
	double		threshold;
} StreamParams;

typedef struct Evidence
{
	float		strength;
	int32		rows;			/* that it still counts for */
} Evidence;

typedef struct StreamState
{
	int64		rows;
	int64		quiet_until;	/* the number of rows at which alarms are possible again */
	double		alarms;			/* lately, fading */
	Evidence	evidence[JUDGES];
	KsStreamScale scale;
	KsStreamHabits habits[HABIT_JUDGES];
	KsStreamShape shapes[SHAPE_JUDGES];
} StreamState;

static void *
stream_params(const Datum *args, const bool *isnull)
{
	StreamParams *params = palloc0(sizeof(StreamParams));

	params->threshold = ks_kernel_float(args, isnull, 0, "threshold", 0, 1);
	return params;
}

static size_t
stream_state_size(const void *params)
{
	return sizeof(StreamState);
}

static void
stream_init(const void *params, void *opaque_state)
{
	StreamState *state = opaque_state;

	memset(state, 0, sizeof(StreamState));
	ks_stream_scale_init(&state->scale);
	for (int i = 0; i < HABIT_JUDGES; i++)
		ks_stream_habits_init(&state->habits[i], habit_judges[i].width);
	for (int i = 0; i < SHAPE_JUDGES; i++)
		ks_stream_shape_init(&state->shapes[i], shape_steps[i]);
}

static double
convert_linear(const void *rescale, double value)
{
	return ks_stream_rescale_linear(rescale, value);
}

static double
convert_squashed(const void *rescale, double value)
{
	return ks_stream_rescale_squashed(rescale, value);
}

static void
rescale_judges(StreamState *state, const KsStreamRescale *rescale)
{
	for (int i = 0; i < HABIT_JUDGES; i++)
		ks_stream_habits_rescale(&state->habits[i],
								 habit_judges[i].squashed ? convert_squashed : convert_linear, rescale);
	for (int i = 0; i < SHAPE_JUDGES; i++)
		ks_stream_shape_rescale(&state->shapes[i], rescale);
}

/* The stronger of what a judge says now and what it said lately. */
static void
hear(Evidence *evidence, double surprise)
{
	float		strength = Max(0, Min(MOST_EVIDENCE, 1 + surprise / SOFTNESS));

	if (evidence->rows > 0)
		evidence->rows--;
	if (evidence->rows == 0 || strength >= evidence->strength)
	{
		evidence->strength = strength;
		evidence->rows = HOLD_ROWS;
	}
}

/* Rows so far, as far as they matter. */
static double
history(const StreamState *state)
{
	return Min(state->rows, LONGEST_HISTORY);
}

static double
evidence_above_bar(const StreamState *state)
{
	double		habits = 0;
	double		shapes = 0;
	double		bar = BAR - HISTORY_WEIGHT * log(history(state) / 1000);

	for (int i = 0; i < HABIT_JUDGES; i++)
		habits += state->evidence[i].strength / HABIT_JUDGES;
	for (int i = HABIT_JUDGES; i < JUDGES; i++)
		shapes += state->evidence[i].strength;
	return HABITS_WEIGHT * habits + SHAPE_WEIGHT * shapes - Max(bar, LEAST_BAR) -
		ALARMS_WEIGHT * state->alarms;
}

/* What each judge says of a value. */
static void
judge(StreamState *state, double linear, bool *is_complete)
{
	double		squashed = ks_stream_scale_squash(linear);
	Evidence   *evidence = state->evidence;

	for (int i = 0; i < HABIT_JUDGES; i++)
		hear(evidence++, ks_stream_habits_add(&state->habits[i], habit_judges[i].squashed ? squashed : linear));
	for (int i = 0; i < SHAPE_JUDGES; i++)
	{
		KsStreamShape *shape = &state->shapes[i];

		is_complete[i] = ks_stream_shape_add(shape, squashed);
		for (int j = 0; j < KS_STREAM_MEASURES; j++)
			hear(evidence++, is_complete[i] ?
				 log(RARE / ks_stream_rarity_expected(&shape->rarity[j], shape->size[j])) : -INFINITY);
	}
}

/* Let judges of shapes know whether theirs was part of an anomaly. */
static void
learn(StreamState *state, const bool *is_complete)
{
	const Evidence *evidence = &state->evidence[HABIT_JUDGES];
	bool		is_alarm = state->rows <= state->quiet_until;

	for (int i = 0; i < SHAPE_JUDGES; i++)
		for (int j = 0; j < KS_STREAM_MEASURES; j++, evidence++)
		{
			KsStreamShape *shape = &state->shapes[i];

			if (is_complete[i])
				ks_stream_rarity_learn(&shape->rarity[j], shape->size[j],
									   Max(KS_STREAM_PATTERN, QUIET_ROWS / shape->step),
									   is_alarm && evidence->strength >= 1);
		}
}

/* The score of a row; an anomaly is at its first row only. */
static double
decide(StreamState *state)
{
	double		above = evidence_above_bar(state);
	double		score = 1 / (1 + exp(-2 * above));

	state->alarms *= exp(-1 / (ALARMS_PART * history(state)));
	if (state->rows <= state->quiet_until)
		return score / 2;
	if (above >= 0 && state->rows >= WARM_ROWS)
	{
		state->quiet_until = state->rows + (int64) Max(QUIET_ROWS, QUIET_PART * history(state));
		state->alarms += 1;
	}
	return score;
}

/* A value in its own units; none where no jump would be rare, since nobody could plot it. */
static double
bound(const StreamState *state, double squashed)
{
	double		value = ks_stream_scale_value(&state->scale, ks_stream_scale_unsquash(squashed));

	return isfinite(value) ? value : NAN;
}

/*
 * The band: where a value would be no rare jump from the median of the last
 * three.
 */
static void
fill_band(const StreamState *state, KsDetection *detection)
{
	const KsStreamShape *shape = &state->shapes[0];
	double		base = ks_stream_shape_base(shape);
	double		fall = ks_stream_rarity_size(&shape->rarity[KS_STREAM_FALL], RARE);
	double		rise = ks_stream_rarity_size(&shape->rarity[KS_STREAM_RISE], RARE);

	detection->expected = bound(state, base);
	detection->lower = bound(state, base - fall);
	detection->upper = bound(state, base + rise);
}

static void
stream_step(const void *opaque_params, void *opaque_state, const KsDetectorRow *row,
			KsDetection *detection)
{
	const StreamParams *params = opaque_params;
	StreamState *state = opaque_state;
	double		value = ks_kernel_value(row, 0);
	bool		is_warm = state->rows >= WARM_ROWS;
	bool		is_complete[SHAPE_JUDGES];
	KsStreamRescale rescale;

	ks_kernel_no_detection(detection);
	if (is_warm)
		fill_band(state, detection);
	if (isnan(value))
		return;
	if (fabs(value) > KS_KERNEL_MAX_LEARNT)
		detection->score = is_warm ? 1 : NAN;
	else
	{
		double		score;

		if (ks_stream_scale_add(&state->scale, value, &rescale))
			rescale_judges(state, &rescale);
		state->rows++;
		judge(state, ks_stream_scale_linear(&state->scale, value), is_complete);
		score = decide(state);
		learn(state, is_complete);
		if (is_warm)
			detection->score = score;
	}
	detection->is_anomaly = detection->score >= params->threshold;
}

const KsDetectorMethod ks_stream_method = {
	.name = "detect_stream",
	.format = 1,
	.nvalues = 1,
	.nparams = 1,
	.params = stream_params,
	.state_size = stream_state_size,
	.init = stream_init,
	.step = stream_step,
};
