/*
 * Sorted values.
 */
#include "postgres.h"

#include <math.h>

#include "anomaly/sorted.h"

/* The first place whose value is not less. */
static int
find(const double *sorted, int count, double value)
{
	int			low = 0;

	while (count > 0)
	{
		int			half = count / 2;

		if (sorted[low + half] < value)
		{
			low += half + 1;
			count -= half + 1;
		}
		else
			count = half;
	}
	return low;
}

void
ks_sorted_insert(double *sorted, int count, double value)
{
	int			place = find(sorted, count, value);

	memmove(&sorted[place + 1], &sorted[place], (count - place) * sizeof(double));
	sorted[place] = value;
}

void
ks_sorted_remove(double *sorted, int count, double value)
{
	int			place = find(sorted, count, value);

	Assert(place < count && sorted[place] == value);
	memmove(&sorted[place], &sorted[place + 1], (count - place - 1) * sizeof(double));
}

double
ks_sorted_quantile(const double *sorted, int count, double fraction)
{
	double		place = fraction * (count - 1);
	int			below = (int) floor(place);
	int			above = (int) ceil(place);

	return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

/*
 * Distances grow from the center to both sides, so they come in order by
 * taking the smaller of two.
 */
double
ks_sorted_median_distance(const double *sorted, int count, double center)
{
	int			right = find(sorted, count, center);
	int			left = right - 1;
	double		before = 0;
	double		distance = 0;

	for (int i = 0; i <= count / 2; i++)
	{
		before = distance;
		if (left < 0 || (right < count && sorted[right] - center < center - sorted[left]))
			distance = sorted[right++] - center;
		else
			distance = center - sorted[left--];
	}
	return count % 2 == 1 ? distance : before + 0.5 * (distance - before);
}

double
ks_sorted_mean_distance(const double *sorted, int count, double center)
{
	double		sum = 0;

	for (int i = 0; i < count; i++)
		sum += fabs(sorted[i] - center);
	return sum / count;
}

size_t
ks_sorted_frame_size(int size)
{
	return ks_frame_size(size) + size * sizeof(double);
}

double *
ks_sorted_frame_values(const KsFrame *frame)
{
	return unconstify(double *, &frame->value[frame->size]);
}

void
ks_sorted_frame_add(KsFrame *frame, double value)
{
	double	   *sorted = ks_sorted_frame_values(frame);
	int			count = frame->count;

	if (frame->rows == frame->size && !isnan(frame->value[frame->next]))
		ks_sorted_remove(sorted, count--, frame->value[frame->next]);
	if (!isnan(value))
		ks_sorted_insert(sorted, count, value);
	ks_frame_add(frame, value);
}

double
ks_sorted_spread(double median_distance, double mean_distance)
{
	return median_distance > 0 ? median_distance / 0.6745 : 1.253314 * mean_distance;
}
