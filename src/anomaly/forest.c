/*
 * detect_forest: a robust random cut forest over the shape of the last rows
 * (Guha, Mishra, Roy and Schrijvers, ICML 2016).
 *
 * A point is a shingle: the last 'shingle' values.  The forest holds the last
 * 'tree_size' points, first in, first out, in 'trees' trees of random cuts
 * (cut_tree.h), whose random numbers come from 'seed' alone.  Of each row its
 * point replaces the oldest one in every tree, and
 *
 *		score = the point's collusive displacement (CoDisp), averaged over trees
 *
 * which is small among many neighbours and large for a point far away; it is
 * never negative.  An anomaly has a score more than 'threshold' sample standard
 * deviations above the mean of the last tree_size scores.
 *
 * Warm once the trees are full and there are tree_size such scores: after
 * shingle - 1 + 2 * tree_size rows.  Rows without a value and infinite ones are
 * left out of shingles; values beyond 1e150 count as infinite.  There is no
 * expected value and no band: a shape is what is judged.
 */
#include "postgres.h"

#include "anomaly/cut_tree.h"
#include "anomaly/frame.h"
#include "anomaly/kernel.h"
#include "anomaly/method.h"

/* A state's bytes; it is stored for each series. */
#define MAX_STATE (32 * 1024 * 1024)
#define MAX_SHINGLE 100

typedef struct ForestParams
{
	int32		shingle;
	int32		trees;
	int32		tree_size;
	double		threshold;
	int64		seed;
} ForestParams;

typedef struct ForestState
{
	int32		values;			/* in the shingle; its number is enough from then on */
	int32		filled;			/* points in the forest */
	int32		oldest;			/* place in 'leaf' of the oldest one, once it is full */
	int32		unused;
	/* then the shingle, the points' leaves, the last scores and the forest */
} ForestState;

static double *
shingle_of(const ForestState *state)
{
	return (double *) (state + 1);
}

static int32 *
leaf_of(const ForestParams *params, const ForestState *state)
{
	return (int32 *) (shingle_of(state) + params->shingle);
}

static KsFrame *
scores_of(const ForestParams *params, const ForestState *state)
{
	return (KsFrame *) ((char *) leaf_of(params, state) + MAXALIGN(params->tree_size * sizeof(int32)));
}

static KsCutForest *
forest_of(const ForestParams *params, const ForestState *state)
{
	return (KsCutForest *) ((char *) scores_of(params, state) + ks_frame_size(params->tree_size));
}

static size_t
forest_state_size(const void *opaque_params)
{
	const ForestParams *params = opaque_params;

	return sizeof(ForestState) + params->shingle * sizeof(double) +
		MAXALIGN(params->tree_size * sizeof(int32)) + ks_frame_size(params->tree_size) +
		ks_cut_forest_size(params->trees, params->tree_size, params->shingle);
}

static void *
forest_params(const Datum *args, const bool *isnull)
{
	ForestParams *params = palloc0(sizeof(ForestParams));

	params->shingle = ks_kernel_int(args, isnull, 0, "shingle", 1, MAX_SHINGLE);
	params->trees = ks_kernel_int(args, isnull, 1, "trees", 1, 1000);
	params->tree_size = ks_kernel_int(args, isnull, 2, "tree_size", 8, 4096);
	params->threshold = ks_kernel_float(args, isnull, 3, "threshold", 0, KS_KERNEL_MAX_THRESHOLD);
	if (isnull[4])
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument seed must not be null"),
				 errhint("Leave it out to get its default.")));
	params->seed = DatumGetInt64(args[4]);
	if (forest_state_size(params) > MAX_STATE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a forest of %d trees with %d points of %d values is too large", params->trees,
						params->tree_size, params->shingle),
				 errdetail("It would take %zu MB for each series; %d MB are the limit.",
						   forest_state_size(params) / (1024 * 1024), MAX_STATE / (1024 * 1024)),
				 errhint("Make trees, tree_size or shingle smaller.")));
	return params;
}

static void
forest_init(const void *opaque_params, void *opaque_state)
{
	const ForestParams *params = opaque_params;
	ForestState *state = opaque_state;

	memset(state, 0, forest_state_size(params));
	ks_frame_init(scores_of(params, state), params->tree_size);
	ks_cut_forest_init(forest_of(params, state), params->trees, params->tree_size, params->shingle,
					   params->seed);
}

/* Returns whether there are enough values for a point. */
static bool
add_value(const ForestParams *params, ForestState *state, double value)
{
	double	   *shingle = shingle_of(state);

	memmove(shingle, shingle + 1, (params->shingle - 1) * sizeof(double));
	shingle[params->shingle - 1] = value;
	state->values = Min(state->values + 1, params->shingle);
	return state->values == params->shingle;
}

/* The new point's leaf, after the oldest has made room for it. */
static int
add_point(const ForestParams *params, ForestState *state)
{
	KsCutForest *forest = forest_of(params, state);
	int32	   *leaf = &leaf_of(params, state)[state->oldest];

	if (state->filled < params->tree_size)
		state->filled++;
	else
		ks_cut_forest_remove(forest, *leaf);
	*leaf = ks_cut_forest_insert(forest, shingle_of(state));
	state->oldest = (state->oldest + 1) % params->tree_size;
	return *leaf;
}

static void
forest_step(const void *opaque_params, void *opaque_state, const KsDetectorRow *row,
			KsDetection *detection)
{
	const ForestParams *params = opaque_params;
	ForestState *state = opaque_state;
	KsFrame    *scores = scores_of(params, state);
	double		value = ks_kernel_value(row, 0);
	bool		is_learnt = fabs(value) <= KS_KERNEL_MAX_LEARNT;
	double		score = value;
	double		mean;
	double		stddev;

	ks_kernel_no_detection(detection);
	if (isnan(value))
		return;
	if (is_learnt)
	{
		if (!add_value(params, state, value))
			return;
		score = ks_cut_forest_displacement(forest_of(params, state), add_point(params, state));
	}
	if (ks_frame_spread(scores, &mean, &stddev))
	{
		detection->score = is_learnt ? score : copysign(INFINITY, value);
		detection->is_anomaly = !is_learnt || score > mean + params->threshold * stddev;
	}
	if (is_learnt && state->filled == params->tree_size)
		ks_frame_add(scores, score);
}

const KsDetectorMethod ks_forest_method = {
	.name = "detect_forest",
	.format = 1,
	.nvalues = 1,
	.nparams = 5,
	.params = forest_params,
	.state_size = forest_state_size,
	.init = forest_init,
	.step = forest_step,
};
