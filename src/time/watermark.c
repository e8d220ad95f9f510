/*
 * The watermark of a stream; watermark.h says what it is.
 */
#include "postgres.h"

#include "common/int.h"

#include "time/watermark.h"

/*
 * clock - delay, in microseconds: DT_NOBEGIN if that is before all time;
 * infinite clocks stay as they are.
 */
static TimestampTz
subtract_delay(TimestampTz clock, int64 delay)
{
	TimestampTz result;

	if (TIMESTAMP_NOT_FINITE(clock))
		return clock;
	if (pg_sub_s64_overflow(clock, delay, &result))
		return delay > 0 ? DT_NOBEGIN : END_TIMESTAMP - 1;
	if (result < MIN_TIMESTAMP)
		return DT_NOBEGIN;
	return Min(result, END_TIMESTAMP - 1);
}

/* Lowest clock of the active partitions; DT_NOEND if there is none. */
static TimestampTz
active_clock(const KsWatermarkPartition *partitions, int n)
{
	TimestampTz clock = DT_NOEND;

	for (int i = 0; i < n; i++)
		if (!partitions[i].idle)
			clock = Min(clock, partitions[i].clock);
	return clock;
}

/* All are idle: the highest clock, run on since the last one became idle. */
static TimestampTz
idle_clock(const KsWatermarkPartition *partitions, int n, TimestampTz now)
{
	TimestampTz clock = DT_NOBEGIN;
	TimestampTz since = DT_NOBEGIN;

	for (int i = 0; i < n; i++)
	{
		clock = Max(clock, partitions[i].clock);
		since = Max(since, partitions[i].idle_since);
	}
	/* a wall clock that was set back does not turn event time back */
	if (TIMESTAMP_NOT_FINITE(clock) || TIMESTAMP_NOT_FINITE(since) || now <= since)
		return clock;
	return subtract_delay(clock, since - now);
}

TimestampTz
ks_watermark_min(const KsWatermarkPartition *partitions, int n,
				 TimestampTz now, int64 delay, TimestampTz previous)
{
	TimestampTz clock = active_clock(partitions, n);

	if (clock == DT_NOEND)
		clock = idle_clock(partitions, n, now);
	return Max(previous, subtract_delay(clock, delay));
}
