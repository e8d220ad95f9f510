/*
 * Habits: relative entropy of windows (Wang, Viswanathan, Choudur, Talwar,
 * Satterfield and Schwan: Statistical techniques for online anomaly detection
 * in data centers, IM 2011).
 *
 * The rows of a window fall into equal bins of the range seen so far.  With the
 * counts c of its bins and h of a habit's, both of w rows,
 *
 *		G = 2 * sum over bins of c * ln(c / h)
 *
 * is chi-squared distributed with bins - 1 degrees of freedom if the window is
 * one more of that habit.  A window too unlike all habits becomes a new one:
 * what is strange once is known the next time.  This is how seasons and regimes
 * are learnt.
 *
 * No range is known in advance.  When a row leaves it, it widens by more than
 * is needed, and the rows of all habits are binned again; these are kept as
 * steps of the range for that.
 */
#include "postgres.h"

#include <math.h>

#include "anomaly/stream_habit.h"

/*
 * Critical value: 13.28 is exceeded with probability 0.01.  As in the paper, the
 * entropy is in bits.
 */
#define CRITICAL (13.28 * 0.6931471805599453)

/* A range widens by so much of itself beyond the row that left it. */
#define WIDEN 0.2

/* c * ln(c / h) without a row of the habit in the bin: unlike beyond doubt. */
#define UNHEARD_OF 1e6

void
ks_stream_habits_init(KsStreamHabits *habits, int width)
{
	memset(habits, 0, sizeof(KsStreamHabits));
	habits->width = width;
}

static int
step_of(const KsStreamHabits *habits, float value)
{
	float		at = (value - habits->low) / (habits->high - habits->low);

	return Max(0, Min(KS_STREAM_STEPS - 1, (int) (at * KS_STREAM_STEPS)));
}

static float
value_of(const KsStreamHabits *habits, int step)
{
	return habits->low + (habits->high - habits->low) * ((step + 0.5f) / KS_STREAM_STEPS);
}

static int
bin_of(int step)
{
	return step / (KS_STREAM_STEPS / KS_STREAM_BINS);
}

/* Put a habit's rows, given as values, into the present range. */
static void
set_rows(const KsStreamHabits *habits, KsStreamHabit *habit, const float *values)
{
	memset(habit->count, 0, sizeof(habit->count));
	for (int i = 0; i < habits->width; i++)
	{
		habit->row[i] = step_of(habits, values[i]);
		habit->count[bin_of(habit->row[i])]++;
	}
}

static void
get_rows(const KsStreamHabits *habits, const KsStreamHabit *habit, float *values)
{
	for (int i = 0; i < habits->width; i++)
		values[i] = value_of(habits, habit->row[i]);
}

static void
set_range(KsStreamHabits *habits, float low, float high)
{
	KsStreamHabits former;

	former.width = habits->width;
	former.low = habits->low;
	former.high = habits->high;
	habits->low = low;
	habits->high = high;
	for (int i = 0; i < habits->nhabits; i++)
	{
		float		values[KS_STREAM_WINDOW];

		get_rows(&former, &habits->habits[i], values);
		set_rows(habits, &habits->habits[i], values);
	}
}

static void
widen_range(KsStreamHabits *habits, float value)
{
	if (value > habits->high)
		set_range(habits, habits->low, value + WIDEN * (value - habits->low));
	else if (value < habits->low)
		set_range(habits, value - WIDEN * (habits->high - value), habits->high);
}

static double
unlikeness(const uint8 *count, const KsStreamHabit *habit, const double *log_of)
{
	double		sum = 0;

	for (int i = 0; i < KS_STREAM_BINS; i++)
	{
		if (count[i] > 0)
			sum += habit->count[i] > 0 ? count[i] * (log_of[count[i]] - log_of[habit->count[i]]) : UNHEARD_OF;
	}
	return 2 * sum;
}

/* The nearest habit, and how unlike it a window with these counts is. */
static KsStreamHabit *
nearest_habit(KsStreamHabits *habits, const uint8 *count, double *least)
{
	double		log_of[KS_STREAM_WINDOW + 1];
	KsStreamHabit *nearest = NULL;

	for (int i = 1; i <= habits->width; i++)
		log_of[i] = log(i);
	*least = INFINITY;
	for (int i = 0; i < habits->nhabits; i++)
	{
		double		unlike = unlikeness(count, &habits->habits[i], log_of);

		if (unlike < *least)
		{
			*least = unlike;
			nearest = &habits->habits[i];
		}
	}
	return nearest;
}

/* Room for one more; without any, the one that was not met for longest goes. */
static KsStreamHabit *
new_habit(KsStreamHabits *habits)
{
	KsStreamHabit *oldest = &habits->habits[0];

	if (habits->nhabits < KS_STREAM_HABITS)
		return &habits->habits[habits->nhabits++];
	for (int i = 1; i < KS_STREAM_HABITS; i++)
		if (habits->habits[i].met < oldest->met)
			oldest = &habits->habits[i];
	return oldest;
}

double
ks_stream_habits_add(KsStreamHabits *habits, float value)
{
	KsStreamHabit window;
	KsStreamHabit *nearest;
	double		unlike;

	if (habits->nrows == 0)
		habits->low = habits->high = value;
	widen_range(habits, value);
	memmove(habits->recent + 1, habits->recent, (habits->width - 1) * sizeof(float));
	habits->recent[0] = value;
	habits->nrows = Min(habits->nrows + 1, habits->width);
	if (habits->nrows < habits->width || habits->high <= habits->low)
		return -INFINITY;

	habits->windows++;
	set_rows(habits, &window, habits->recent);
	nearest = nearest_habit(habits, window.count, &unlike);
	if (unlike >= CRITICAL)
	{
		nearest = new_habit(habits);
		*nearest = window;
	}
	nearest->met = habits->windows;
	return isinf(unlike) ? -INFINITY : log(unlike / CRITICAL);
}

void
ks_stream_habits_rescale(KsStreamHabits *habits, double (*convert) (const void *arg, double value),
						 const void *arg)
{
	KsStreamHabits former;

	former.width = habits->width;
	former.low = habits->low;
	former.high = habits->high;
	for (int i = 0; i < habits->nrows; i++)
		habits->recent[i] = convert(arg, habits->recent[i]);
	habits->low = convert(arg, habits->low);
	habits->high = convert(arg, habits->high);
	if (habits->high <= habits->low)
		return;
	for (int i = 0; i < habits->nhabits; i++)
	{
		float		values[KS_STREAM_WINDOW];

		get_rows(&former, &habits->habits[i], values);
		for (int j = 0; j < habits->width; j++)
			values[j] = convert(arg, values[j]);
		set_rows(habits, &habits->habits[i], values);
	}
}
