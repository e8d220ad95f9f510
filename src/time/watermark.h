/*
 * The watermark of a stream: how far event time has come, over all partitions.
 *
 *                     delay
 *                  |<------->|
 *   --[ final ]----W---------|----------------------> event time
 *                  |     open|windows
 *   partition 0    |         |    x  xx   x C0
 *   partition 1    |     x  xC1
 *   partition 2    |  x x x     (idle: its clock holds nothing back)
 *
 * Invariant: W = min(C of active partitions) - delay, and W never goes back.
 * A partition's clock C is the highest event time seen in it.  A window that
 * ends at or before W is final.
 *
 *   - An active partition without a row yet holds W at -infinity, because
 *     nobody knows how old its first row will be.
 *   - When all are idle, W rises to max(C) - delay, and from the moment the
 *     last one became idle it runs on with the wall clock, so that the last
 *     windows close without another event.
 *
 * Pure functions; who keeps clocks and says what is idle is the caller.
 */
#ifndef KS_TIME_WATERMARK_H
#define KS_TIME_WATERMARK_H

#include "postgres.h"
#include "datatype/timestamp.h"

typedef struct KsWatermarkPartition
{
	TimestampTz clock;			/* highest event time seen; DT_NOBEGIN: no row yet */
	bool		idle;
	TimestampTz idle_since;		/* wall clock; read only if idle */
} KsWatermarkPartition;

/*
 * The watermark over 'n' partitions at the wall-clock time 'now', for a delay
 * in microseconds, never below 'previous' (DT_NOBEGIN: there is none).  With
 * delay 0 this is the clock of the stream, from which each view can subtract
 * its own delay.  Saturates at the ends of the timestamp range.
 */
extern TimestampTz ks_watermark_min(const KsWatermarkPartition *partitions, int n,
									TimestampTz now, int64 delay,
									TimestampTz previous);

#endif
