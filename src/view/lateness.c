/*
 * Sorting a batch's rows by the windows that they miss.
 */
#include "postgres.h"

#include "common/int.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "view/lateness.h"

TimestampTz
ks_lateness_limit(const KsBatch *batch, int row, int64 delay, TimestampTz closed_to)
{
	TimestampTz clock = batch->clock[row];
	TimestampTz watermark;

	if (TIMESTAMP_IS_NOBEGIN(clock) || pg_sub_s64_overflow(clock, delay, &watermark))
		return closed_to;
	return Max(watermark, closed_to);
}

/* Add a row to a list; it doubles, since there can be as many lists as rows. */
static void
add_row(int **rows, int *nrows, int row)
{
	if (*rows == NULL)
		*rows = palloc(sizeof(int) * 16);
	else if (*nrows >= 16 && (*nrows & (*nrows - 1)) == 0)
		*rows = repalloc_huge(*rows, sizeof(int) * *nrows * 2);
	(*rows)[(*nrows)++] = row;
}

/* The group of rows that miss windows up to 'missed_end', made if it is new. */
static KsRowGroup *
find_group(KsLateness *lateness, TimestampTz missed_end)
{
	KsRowGroup *group;

	for (int i = 0; i < lateness->ngroups; i++)
		if (lateness->groups[i].missed_end == missed_end)
			return &lateness->groups[i];
	lateness->groups = repalloc(lateness->groups, sizeof(KsRowGroup) * (lateness->ngroups + 1));
	group = &lateness->groups[lateness->ngroups++];
	group->missed_end = missed_end;
	group->nrows = 0;
	group->rows = NULL;
	return group;
}

/* So near an end of the timestamp range that one of its windows may cross it? */
static bool
windows_beyond_range(const KsWindow *window, TimestampTz at)
{
	int64		from_start,
				to_end;

	if (TIMESTAMP_NOT_FINITE(at))
		return true;
	/* A difference that overflows is large enough. */
	if (!pg_sub_s64_overflow(at, MIN_TIMESTAMP, &from_start) && from_start / 2 < window->size)
		return true;
	return !pg_sub_s64_overflow(END_TIMESTAMP, at, &to_end) && to_end / 2 < window->size;
}

void
ks_lateness_sort(const KsBatch *batch, const KsWindow *window, int64 delay,
				 TimestampTz closed_to, KsLateness *lateness)
{

	lateness->ngroups = 0;
	lateness->groups = palloc(sizeof(KsRowGroup));
	lateness->nlate = lateness->nbeyond = 0;
	lateness->late = lateness->beyond = NULL;
	(void) find_group(lateness, DT_NOBEGIN);

	for (int row = 0; row < batch->nrows; row++)
	{
		TimestampTz at = batch->event_time[row];
		TimestampTz limit,
					missed;

		if (window != NULL && windows_beyond_range(window, at))
		{
			add_row(&lateness->beyond, &lateness->nbeyond, row);
			continue;
		}
		/* A window that holds 'at' ends after it. */
		if (window == NULL ||
			(limit = ks_lateness_limit(batch, row, delay, closed_to)) <= at)
		{
			add_row(&lateness->groups[0].rows, &lateness->groups[0].nrows, row);
			continue;
		}
		missed = ks_window_missed(window, at, limit);
		if (missed == ks_window_last_end(window, at))
			add_row(&lateness->late, &lateness->nlate, row);
		else
		{
			KsRowGroup *group = find_group(lateness, missed);

			add_row(&group->rows, &group->nrows, row);
		}
	}
}
