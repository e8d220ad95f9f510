/*
 * The series at one time scale.
 *
 * Patterns are the last few values, as they follow one another.  A bounded
 * number of them covers all that were seen: a pattern is added if it is farther
 * than a radius from all others, and when there is no room, the radius grows
 * and those that are now too near to another go (the doubling algorithm for
 * k centers of Charikar, Chekuri, Feder and Motwani 1997, with a smaller factor).
 */
#include "postgres.h"

#include <math.h>

#include "anomaly/stream_shape.h"

#define WIDEN 1.1f

/* Added to a roughness of 0, in spreads. */
#define LEAST_ROUGHNESS 0.02

void
ks_stream_shape_init(KsStreamShape *shape, int step)
{
	memset(shape, 0, sizeof(KsStreamShape));
	shape->step = step;
	for (int i = 0; i < KS_STREAM_MEASURES; i++)
		ks_stream_rarity_init(&shape->rarity[i]);
}

/* The distance from the pattern 'values' to the nearest of the first n. */
static float
nearest(const KsStreamShape *shape, const float *values, int n)
{
	float		square[KS_STREAM_PATTERNS] = {0};
	float		least = INFINITY;

	for (int i = 0; i < KS_STREAM_PATTERN; i++)
		for (int j = 0; j < KS_STREAM_PATTERNS; j++)
			square[j] += (shape->pattern[i][j] - values[i]) * (shape->pattern[i][j] - values[i]);
	for (int j = 0; j < n; j++)
		least = Min(least, square[j]);
	return sqrtf(least);
}

static void
set_pattern(KsStreamShape *shape, int at, const float *values)
{
	for (int i = 0; i < KS_STREAM_PATTERN; i++)
		shape->pattern[i][at] = values[i];
}

static void
get_pattern(const KsStreamShape *shape, int at, float *values)
{
	for (int i = 0; i < KS_STREAM_PATTERN; i++)
		values[i] = shape->pattern[i][at];
}

/* Let patterns go that are too near to one before them. */
static void
thin_patterns(KsStreamShape *shape)
{
	int			kept = 0;

	for (int j = 0; j < shape->npatterns; j++)
	{
		float		values[KS_STREAM_PATTERN];

		get_pattern(shape, j, values);
		if (nearest(shape, values, kept) > shape->radius)
			set_pattern(shape, kept++, values);
	}
	shape->npatterns = kept;
}

/* A radius to begin with: the least distance between patterns that follow each other. */
static float
first_radius(const KsStreamShape *shape)
{
	float		least = INFINITY;

	for (int j = 1; j < shape->npatterns; j++)
	{
		float		square = 0;

		for (int i = 0; i < KS_STREAM_PATTERN; i++)
			square += (shape->pattern[i][j] - shape->pattern[i][j - 1]) * (shape->pattern[i][j] - shape->pattern[i][j - 1]);
		if (square > 0)
			least = Min(least, square);
	}
	return isinf(least) ? 1e-6f : Max(sqrtf(least), 1e-6f);
}

/* Learn the present pattern; returns how far from all others it is. */
static float
learn_pattern(KsStreamShape *shape)
{
	float		novelty = nearest(shape, shape->last, shape->npatterns);

	if (shape->npatterns > 0 && novelty <= shape->radius)
		return novelty;
	while (shape->npatterns == KS_STREAM_PATTERNS)
	{
		shape->radius = WIDEN * (shape->radius > 0 ? shape->radius : first_radius(shape));
		thin_patterns(shape);
	}
	if (nearest(shape, shape->last, shape->npatterns) > shape->radius || shape->npatterns == 0)
		set_pattern(shape, shape->npatterns++, shape->last);
	return isinf(novelty) ? 0 : novelty;
}

static float
median_of_three(float a, float b, float c)
{
	return Max(Min(a, b), Min(Max(a, b), c));
}

double
ks_stream_shape_base(const KsStreamShape *shape)
{
	return median_of_three(shape->last[0], shape->last[1], shape->last[2]);
}

/* The mean step from one value to the next. */
static double
roughness(const KsStreamShape *shape)
{
	double		sum = 0;
	int			n = Min(shape->nlast, KS_STREAM_LAST);

	for (int i = 1; i < n; i++)
		sum += fabsf(shape->last[i] - shape->last[i - 1]);
	return sum / (n - 1);
}

static void
measure(KsStreamShape *shape, double base)
{
	double		value = shape->last[0];
	double		rough = roughness(shape);
	double	   *size = shape->size;

	size[KS_STREAM_HIGH] = Max(value, 0);
	size[KS_STREAM_LOW] = Max(-value, 0);
	size[KS_STREAM_RISE] = Max(value - base, 0);
	size[KS_STREAM_FALL] = Max(base - value, 0);
	size[KS_STREAM_NOVELTY] = learn_pattern(shape);
	size[KS_STREAM_ROUGH] = rough;
	size[KS_STREAM_SMOOTH] = shape->nlast < KS_STREAM_LAST ? 0 : 1 / (rough + LEAST_ROUGHNESS);
}

bool
ks_stream_shape_add(KsStreamShape *shape, double squashed)
{
	double		base = ks_stream_shape_base(shape);

	shape->sum += squashed;
	if (++shape->rows < shape->step)
		return false;
	memmove(shape->last + 1, shape->last, (KS_STREAM_LAST - 1) * sizeof(float));
	shape->last[0] = shape->sum / shape->rows;
	shape->nlast = Min(shape->nlast + 1, KS_STREAM_LAST);
	shape->sum = 0;
	shape->rows = 0;
	if (shape->nlast < KS_STREAM_PATTERN + 2)
		return false;
	measure(shape, base);
	return true;
}

/* A size is a distance between squashed values; near 0, where most are, this is exact. */
static double
rescale_size(const void *arg, double size)
{
	KsStreamRescale rescale = *(const KsStreamRescale *) arg;

	rescale.shift = 0;
	return ks_stream_rescale_squashed(&rescale, size);
}

static double
rescale_smoothness(const void *rescale, double size)
{
	if (size == 0)
		return 0;
	return 1 / (rescale_size(rescale, 1 / size - LEAST_ROUGHNESS) + LEAST_ROUGHNESS);
}

void
ks_stream_shape_rescale(KsStreamShape *shape, const KsStreamRescale *rescale)
{
	if (shape->rows > 0)
		shape->sum = shape->rows * ks_stream_rescale_squashed(rescale, shape->sum / shape->rows);
	for (int i = 0; i < shape->nlast; i++)
		shape->last[i] = ks_stream_rescale_squashed(rescale, shape->last[i]);
	for (int i = 0; i < KS_STREAM_PATTERN; i++)
		for (int j = 0; j < shape->npatterns; j++)
			shape->pattern[i][j] = ks_stream_rescale_squashed(rescale, shape->pattern[i][j]);
	shape->radius *= rescale->factor;
	for (int i = 0; i < KS_STREAM_SMOOTH; i++)
		ks_stream_rarity_convert(&shape->rarity[i], rescale_size, rescale);
	ks_stream_rarity_convert(&shape->rarity[KS_STREAM_SMOOTH], rescale_smoothness, rescale);
}
