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
 * one more of that habit and its rows are independent.  A window too unlike all
 * habits becomes a new one: what is strange once is known the next time.  This is
 * how seasons and regimes are learnt.  When there is no room for one more, what
 * counts as unlike is raised until some habits are like others and go.
 *
 * No range is known in advance.  When a row leaves it, it widens by more than
 * is needed, and the rows of all habits are binned again; these are kept as
 * steps of the range for that.
 */
#include "postgres.h"

#include <math.h>

#include "anomaly/stream_habit.h"

/* The 95th percentile of chi-squared with 4 degrees of freedom. */
#define CRITICAL 9.488
#define COARSEN 1.1

/* A range widens by so much of itself beyond the row that left it. */
#define WIDEN 0.2

/* Rows of a habit in a bin without any: so few that one row there is unlike it. */
#define HARDLY_ANY 0.003

void
ks_stream_habits_init(KsStreamHabits *habits, int width)
{
	memset(habits, 0, sizeof(KsStreamHabits));
	habits->width = width;
	habits->critical = CRITICAL;
}

static int
step_of(const KsStreamRange *range, float value)
{
	float		at = (value - range->low) / (range->high - range->low);

	return (int) (Max(0, Min(1, at)) * (KS_STREAM_STEPS - 0.5f));
}

static float
value_of(const KsStreamRange *range, int step)
{
	return range->low + (range->high - range->low) * ((step + 0.5f) / KS_STREAM_STEPS);
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
	memset(habit, 0, sizeof(KsStreamHabit));
	for (int i = 0; i < habits->width; i++)
	{
		habit->row[i] = step_of(&habits->range, values[i]);
		habit->count[bin_of(habit->row[i])]++;
	}
}

static double
keep_value(const void *arg, double value)
{
	return value;
}

/* Bin the rows of all habits again, from steps of the former range. */
static void
bin_again(KsStreamHabits *habits, const KsStreamRange *former,
		  double (*convert) (const void *arg, double value), const void *arg)
{
	for (int i = 0; i < habits->nhabits; i++)
	{
		float		values[KS_STREAM_WINDOW];

		for (int j = 0; j < habits->width; j++)
			values[j] = convert(arg, value_of(former, habits->habits[i].row[j]));
		set_rows(habits, &habits->habits[i], values);
	}
}

static void
widen_range(KsStreamHabits *habits, float value)
{
	KsStreamRange former = habits->range;

	if (value > former.high)
		habits->range.high = value + WIDEN * (value - former.low);
	else if (value < former.low)
		habits->range.low = value - WIDEN * (former.high - value);
	else
		return;
	bin_again(habits, &former, keep_value, NULL);
}

static double
unlikeness(const uint8 *count, const KsStreamHabit *habit, const double *log_of)
{
	double		sum = 0;

	for (int i = 0; i < KS_STREAM_BINS; i++)
		sum += count[i] * (log_of[count[i]] - log_of[habit->count[i]]);
	return 2 * sum;
}

/* How unlike the most like of the first n habits a window with these counts is. */
static double
least_unlikeness(const KsStreamHabits *habits, int n, const uint8 *count)
{
	double		log_of[KS_STREAM_WINDOW + 1];
	double		least = INFINITY;

	log_of[0] = log(HARDLY_ANY);
	for (int i = 1; i <= habits->width; i++)
		log_of[i] = log(i);
	for (int i = 0; i < n; i++)
		least = Min(least, unlikeness(count, &habits->habits[i], log_of));
	return least;
}

/* Let habits go that are like one before them. */
static void
thin_habits(KsStreamHabits *habits)
{
	int			kept = 0;

	for (int i = 0; i < habits->nhabits; i++)
		if (least_unlikeness(habits, kept, habits->habits[i].count) >= habits->critical)
			habits->habits[kept++] = habits->habits[i];
	habits->nhabits = kept;
}

static void
add_habit(KsStreamHabits *habits, const KsStreamHabit *habit, double unlike)
{
	while (habits->nhabits == KS_STREAM_HABITS && unlike >= habits->critical)
	{
		habits->critical *= COARSEN;
		thin_habits(habits);
	}
	if (unlike >= habits->critical)
		habits->habits[habits->nhabits++] = *habit;
}

double
ks_stream_habits_add(KsStreamHabits *habits, float value)
{
	KsStreamHabit window;
	double		critical = habits->critical;
	double		unlike;

	if (habits->nrows == 0)
		habits->range.low = habits->range.high = value;
	widen_range(habits, value);
	memmove(habits->recent + 1, habits->recent, (habits->width - 1) * sizeof(float));
	habits->recent[0] = value;
	habits->nrows = Min(habits->nrows + 1, habits->width);
	if (habits->nrows < habits->width || habits->range.high <= habits->range.low)
		return -INFINITY;

	set_rows(habits, &window, habits->recent);
	unlike = least_unlikeness(habits, habits->nhabits, window.count);
	add_habit(habits, &window, unlike);
	return isinf(unlike) ? -INFINITY : log(unlike / critical);
}

void
ks_stream_habits_rescale(KsStreamHabits *habits, double (*convert) (const void *arg, double value),
						 const void *arg)
{
	KsStreamRange former = habits->range;

	for (int i = 0; i < habits->nrows; i++)
		habits->recent[i] = convert(arg, habits->recent[i]);
	habits->range.low = convert(arg, former.low);
	habits->range.high = convert(arg, former.high);
	if (habits->range.high > habits->range.low)
		bin_again(habits, &former, convert, arg);
}
