/*
 * What is usual for a series.  Measured when the number of rows has doubled,
 * so that it is steady in between, and what is kept in its terms stays true.
 */
#include "postgres.h"

#include <math.h>

#include "anomaly/stream_scale.h"

/* Rows before it is measured for the first time. */
#define FIRST_ROWS 32

/* So far out, in spreads, that more makes no difference; keeps sums finite. */
#define FARTHEST 1e18

/* Of a normal distribution, in standard deviations. */
#define NORMAL_IQR 1.349

/*
 * The spread is at least this part of the mean deviation: where nearly all
 * values are equal, quartiles alone would make all others infinitely far.
 */
#define LEAST_OF_DEVIATION 0.3

void
ks_stream_scale_init(KsStreamScale *scale)
{
	memset(scale, 0, sizeof(KsStreamScale));
	scale->stride = 1;
	scale->refit_at = FIRST_ROWS;
}

/*
 * Which row of its stride to keep: any, but always the same, so that the sample
 * does not beat with a season.
 */
static int64
chosen_of_stride(const KsStreamScale *scale)
{
	uint64		number = scale->seen / scale->stride;
	uint64		mixed = (number + 1) * UINT64CONST(0x9E3779B97F4A7C15);

	mixed ^= mixed >> 32;
	return (int64) (number * scale->stride + mixed % scale->stride);
}

/* Keep an even sample: once it is full, every other value goes. */
static void
sample_add(KsStreamScale *scale, double value)
{
	if (scale->seen == chosen_of_stride(scale))
	{
		if (scale->kept == KS_STREAM_SAMPLE)
		{
			for (int i = 0; i < KS_STREAM_SAMPLE / 2; i++)
				scale->sample[i] = scale->sample[2 * i];
			scale->kept = KS_STREAM_SAMPLE / 2;
			scale->stride *= 2;
		}
		scale->sample[scale->kept++] = value;
	}
	scale->seen++;
}

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

static void
measure(KsStreamScale *scale)
{
	double		sorted[KS_STREAM_SAMPLE];
	int			n = scale->kept;
	double		deviation = 0;

	memcpy(sorted, scale->sample, n * sizeof(double));
	qsort(sorted, n, sizeof(double), compare_doubles);
	scale->median = sorted[n / 2];
	for (int i = 0; i < n; i++)
		deviation += fabs(sorted[i] - scale->median) / n;
	scale->spread = Max((sorted[n * 3 / 4] - sorted[n / 4]) / NORMAL_IQR, LEAST_OF_DEVIATION * deviation);
}

bool
ks_stream_scale_add(KsStreamScale *scale, double value, KsStreamRescale *rescale)
{
	double		median = scale->median;
	double		spread = scale->spread;

	if (scale->seen == scale->refit_at)
	{
		measure(scale);
		scale->refit_at *= 2;
		if (scale->spread == 0 && spread > 0)
			scale->spread = spread; /* the sample has missed what differs */
	}
	if (scale->spread == 0 && scale->refit_at > FIRST_ROWS && value != scale->median)
		scale->spread = fabs(value - scale->median);
	sample_add(scale, value);
	if (spread == 0 || (scale->median == median && scale->spread == spread))
		return false;
	rescale->factor = spread / scale->spread;
	rescale->shift = (median - scale->median) / scale->spread;
	return true;
}

double
ks_stream_scale_linear(const KsStreamScale *scale, double value)
{
	if (scale->spread == 0)
		return 0;
	return Max(-FARTHEST, Min(FARTHEST, (value - scale->median) / scale->spread));
}

double
ks_stream_scale_value(const KsStreamScale *scale, double linear)
{
	return scale->median + linear * scale->spread;
}

double
ks_stream_scale_squash(double linear)
{
	return 2 * asinh(linear / 2);
}

double
ks_stream_scale_unsquash(double squashed)
{
	return 2 * sinh(squashed / 2);
}

double
ks_stream_rescale_linear(const KsStreamRescale *rescale, double linear)
{
	return Max(-FARTHEST, Min(FARTHEST, rescale->factor * linear + rescale->shift));
}

double
ks_stream_rescale_squashed(const KsStreamRescale *rescale, double squashed)
{
	return ks_stream_scale_squash(ks_stream_rescale_linear(rescale, ks_stream_scale_unsquash(squashed)));
}
