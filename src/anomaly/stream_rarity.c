/*
 * Rarity of extremes: peaks over a threshold, with the tail index of Hill
 * (1975) and the extrapolation of Weissman (1978): of the k largest peaks
 * p1 >= ... >= pk, h is the mean of ln(pi / pk), and beyond pk
 *
 *		expected(s) = k * (s / pk)^(-1/h)
 *
 * Heavy tails have a large h, and it takes more to be rare among them.
 *
 * What was reported as an anomaly does not become usual by that: such peaks
 * are kept apart, and only when the like has been reported a few times is it
 * nothing new.
 */
#include "postgres.h"

#include <math.h>

#include "anomaly/stream_rarity.h"

/* Peaks without which nothing can be said. */
#define LEAST_PEAKS 4

/* The index is no smaller: a few equal peaks do not make the next size impossible. */
#define LEAST_INDEX 0.05

/* Peaks reported at least so large, relative to a size, are of its like. */
#define LIKE 0.5
#define USUAL_REPORTS 2

#define LEAST_SIZE 1e-9

void
ks_stream_rarity_init(KsStreamRarity *rarity)
{
	memset(rarity, 0, sizeof(KsStreamRarity));
	rarity->age = -1;
}

static double
tail_index(const KsStreamRarity *rarity, double least)
{
	double		sum = 0;

	for (int i = 0; i < rarity->npeaks - 1; i++)
		sum += log(Max(rarity->peaks[i] / least, 1));
	return Max(LEAST_INDEX, sum / (rarity->npeaks - 1));
}

static int
reported_alike(const KsStreamRarity *rarity, double size)
{
	int			n = 0;

	for (int i = 0; i < rarity->nreported; i++)
		n += rarity->reported[i] >= LIKE * size;
	return n;
}

double
ks_stream_rarity_expected(const KsStreamRarity *rarity, double size)
{
	double		expected = rarity->npeaks;
	int			alike;

	if (size <= 0)
		return KS_STREAM_PEAKS;
	if (rarity->npeaks < LEAST_PEAKS)
		return 1;

	if (size > rarity->peaks[rarity->npeaks - 1])
	{
		double		least = Max(rarity->peaks[rarity->npeaks - 1], LEAST_SIZE);

		/* A size that was exceeded is no rarer than its rank says. */
		expected *= pow(size / least, -1 / tail_index(rarity, least));
		for (int rank = rarity->npeaks - 1; rank >= 0; rank--)
			if (rarity->peaks[rank] >= size)
			{
				expected = Max(expected, rank + 0.5);
				break;
			}
	}
	alike = reported_alike(rarity, size);
	return alike >= USUAL_REPORTS ? Max(expected, alike) : expected;
}

double
ks_stream_rarity_size(const KsStreamRarity *rarity, double expected)
{
	double		least;

	if (rarity->npeaks < LEAST_PEAKS)
		return INFINITY;
	least = Max(rarity->peaks[rarity->npeaks - 1], LEAST_SIZE);
	return Max(rarity->peaks[0], least * pow(expected / rarity->npeaks, -tail_index(rarity, least)));
}

static void
add_peak(KsStreamRarity *rarity, float peak)
{
	int			i = rarity->npeaks;

	if (i < KS_STREAM_PEAKS)
		rarity->npeaks++;
	else if (peak > rarity->peaks[i - 1])
		i--;
	else
		return;
	for (; i > 0 && rarity->peaks[i - 1] < peak; i--)
		rarity->peaks[i] = rarity->peaks[i - 1];
	rarity->peaks[i] = peak;
}

static void
add_reported(KsStreamRarity *rarity, float peak)
{
	if (rarity->nreported == KS_STREAM_REPORTED)
	{
		rarity->nreported--;
		memmove(rarity->reported, rarity->reported + 1, rarity->nreported * sizeof(float));
	}
	rarity->reported[rarity->nreported++] = peak;
}

void
ks_stream_rarity_learn(KsStreamRarity *rarity, double size, int length, bool is_reported)
{
	if (rarity->age >= length)
	{
		if (rarity->is_reported)
			add_reported(rarity, rarity->peak);
		else
			add_peak(rarity, rarity->peak);
		rarity->age = -1;
	}
	if (rarity->age < 0)
	{
		rarity->age = 0;
		rarity->peak = size;
		rarity->is_reported = is_reported;
	}
	rarity->age++;
	rarity->peak = Max(rarity->peak, size);
	rarity->is_reported |= is_reported;
}

void
ks_stream_rarity_convert(KsStreamRarity *rarity, double (*convert) (const void *arg, double size),
						 const void *arg)
{
	rarity->peak = convert(arg, rarity->peak);
	for (int i = 0; i < rarity->npeaks; i++)
		rarity->peaks[i] = convert(arg, rarity->peaks[i]);
	for (int i = 0; i < rarity->nreported; i++)
		rarity->reported[i] = convert(arg, rarity->reported[i]);
}
