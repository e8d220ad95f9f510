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
 *	  sees small changes, too; and on means of some rows.
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
 * kept below the threshold, so that an episode is one anomaly.
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

/*
 * Evidence is 1 at a judge's threshold and 0 where what it measures is e to the
 * minus softness of that: unlikeness of a habit, rarity of a shape.
 */
#define HABIT_SOFTNESS 0.5
#define SHAPE_SOFTNESS 1.0
#define MOST_EVIDENCE 2.0

/* Rows that evidence counts for. */
#define HOLD_ROWS 20

/*
 * Threshold of a judge of shapes: this many such episodes are expected in a
 * history as long.  Values that hardly move are seldom there by chance, so they
 * need not be as rare.
 */
#define RARE 0.3
#define RARE_SMOOTH 0.6

/*
 * Weights, as in logistic regression: of all habits together, of each measure of
 * a shape, and of smoothness row by row, which is what a sensor that is stuck or
 * a service that stands still looks like.
 */
#define HABITS_WEIGHT 1.3
#define SHAPE_WEIGHT 0.3
#define SMOOTH_WEIGHT 0.9

/*
 * The bar after 1000 rows, what it falls by when they are e times as many, and
 * its end, where one measure of a shape alone is still no anomaly.
 */
#define BAR 1.1
#define HISTORY_WEIGHT 0.36
#define LEAST_BAR 0.65

/* What an alarm raises the bar by, fading over this part of all rows so far. */
#define ALARMS_WEIGHT 0.4
#define ALARMS_PART 0.3

/* After an alarm: rows without another, at least and as a part of all rows so far. */
#define QUIET_ROWS 30
#define QUIET_PART 0.04

#define HABIT_JUDGES 5
#define SHAPE_JUDGES 2
#define JUDGES (HABIT_JUDGES + SHAPE_JUDGES * KS_STREAM_MEASURES)

/* What a judge of habits looks at. */
typedef enum View
{
	PLAIN,
	SQUASHED,
	SLOW						/* means at the longer time scale of shapes, squashed */
} View;

static const struct
{
	int			width;
	View		view;
} habit_judges[HABIT_JUDGES] = {{52, PLAIN}, {26, PLAIN}, {52, SQUASHED}, {26, SQUASHED}, {26, SLOW}};

static const int shape_steps[SHAPE_JUDGES] = {1, 6};

#define SLOWEST (SHAPE_JUDGES - 1)

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
		ks_stream_habits_rescale(&state->habits[i], habit_judges[i].view == PLAIN ? convert_linear : convert_squashed,
								 rescale);
	for (int i = 0; i < SHAPE_JUDGES; i++)
		ks_stream_shape_rescale(&state->shapes[i], rescale);
}

/* The stronger of what a judge says now and what it said lately. */
static void
hear(Evidence *evidence, double strength)
{
	strength = Max(0, Min(MOST_EVIDENCE, strength));
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
	const Evidence *evidence = state->evidence;
	double		sum = 0;
	double		bar = BAR - HISTORY_WEIGHT * log(history(state) / 1000);

	for (int i = 0; i < HABIT_JUDGES; i++)
		sum += HABITS_WEIGHT / HABIT_JUDGES * (evidence++)->strength;
	for (int i = 0; i < SHAPE_JUDGES; i++)
		for (int j = 0; j < KS_STREAM_MEASURES; j++)
			sum += (i == 0 && j == KS_STREAM_SMOOTH ? SMOOTH_WEIGHT : SHAPE_WEIGHT) * (evidence++)->strength;
	return sum - Max(bar, LEAST_BAR) - ALARMS_WEIGHT * state->alarms;
}

static void
judge_shape(StreamState *state, int i, bool is_complete)
{
	const KsStreamShape *shape = &state->shapes[i];
	Evidence   *evidence = &state->evidence[HABIT_JUDGES + i * KS_STREAM_MEASURES];

	for (int j = 0; j < KS_STREAM_MEASURES; j++)
	{
		double		surprise = -INFINITY;

		if (is_complete)
			surprise = log((j == KS_STREAM_SMOOTH ? RARE_SMOOTH : RARE) /
						   ks_stream_rarity_expected(&shape->rarity[j], shape->size[j]));
		hear(&evidence[j], 1 + surprise / SHAPE_SOFTNESS);
	}
}

/* What each judge says of a value. */
static void
judge(StreamState *state, double linear, bool *is_complete)
{
	double		squashed = ks_stream_scale_squash(linear);

	for (int i = 0; i < SHAPE_JUDGES; i++)
	{
		is_complete[i] = ks_stream_shape_add(&state->shapes[i], squashed);
		judge_shape(state, i, is_complete[i]);
	}
	for (int i = 0; i < HABIT_JUDGES; i++)
	{
		View		view = habit_judges[i].view;
		double		surprise = -INFINITY;

		if (view != SLOW)
			surprise = ks_stream_habits_add(&state->habits[i], view == PLAIN ? linear : squashed);
		else if (is_complete[SLOWEST])
			surprise = ks_stream_habits_add(&state->habits[i], state->shapes[SLOWEST].last[0]);
		hear(&state->evidence[i], 1 + surprise / HABIT_SOFTNESS);
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

/* The score of a row; at most the first one of an episode reaches the threshold. */
static double
decide(StreamState *state, double threshold)
{
	double		score = 1 / (1 + exp(-2 * evidence_above_bar(state)));

	state->alarms *= exp(-1 / (ALARMS_PART * history(state)));
	if (state->rows <= state->quiet_until)
		return score * threshold;
	if (score >= threshold && state->rows >= WARM_ROWS)
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
		score = decide(state, params->threshold);
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
