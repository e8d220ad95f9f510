/*
 * The last rows of a series.
 */
#include "postgres.h"

#include <math.h>

#include "anomaly/frame.h"

size_t
ks_frame_size(int size)
{
	return offsetof(KsFrame, value) + size * sizeof(double);
}

void
ks_frame_init(KsFrame *frame, int size)
{
	memset(frame, 0, ks_frame_size(size));
	frame->size = size;
}

void
ks_frame_add(KsFrame *frame, double value)
{
	if (frame->rows < frame->size)
		frame->rows++;
	else
		frame->count -= !isnan(frame->value[frame->next]);
	frame->count += !isnan(value);
	frame->value[frame->next++] = value;
	if (frame->next == frame->size)
		frame->next = 0;
}

/*
 * Sums of differences from 'center', and of their squares.  Differences of
 * equal values are exactly 0, sums of values are not.
 */
static void
sum_differences(const KsFrame *frame, double center, double *sum, double *squares)
{
	double		s = 0;
	double		ss = 0;

	for (int i = 0; i < frame->rows; i++)
	{
		double		difference = frame->value[i] - center;

		if (isnan(difference))
			continue;
		s += difference;
		ss += difference * difference;
	}
	*sum = s;
	*squares = ss;
}

bool
ks_frame_spread(const KsFrame *frame, double *mean, double *stddev)
{
	double		n = frame->count;
	double		sum;
	double		squares;
	int			first = 0;

	if (!ks_frame_is_warm(frame))
		return false;
	while (isnan(frame->value[first]))
		first++;
	sum_differences(frame, frame->value[first], &sum, &squares);
	*mean = frame->value[first] + sum / n;
	/* what rounding left in the mean shows as a sum that is not 0 */
	sum_differences(frame, *mean, &sum, &squares);
	*mean += sum / n;
	squares -= sum * sum / n;
	/* rounding can make it negative; NaN, of squares too large, stays what it is */
	*stddev = sqrt((squares < 0 ? 0 : squares) / (n - 1));
	return isfinite(*mean) && isfinite(*stddev);
}
