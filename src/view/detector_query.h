/*
 * The query of a continuous view over a detector, checked:
 *
 *   SELECT columns FROM kafka_stream.detect_...('a windowed view', constants) [WHERE ...]
 */
#ifndef KS_VIEW_DETECTOR_QUERY_H
#define KS_VIEW_DETECTOR_QUERY_H

#include "postgres.h"
#include "nodes/parsenodes.h"

#include "anomaly/call.h"

/* Columns of what a detector returns, in order, and of the view's finals. */
enum
{
	KS_DETECTED_SERIES = 1,
	KS_DETECTED_TS,
	KS_DETECTED_VALUE,
	KS_DETECTED_EXPECTED,
	KS_DETECTED_LOWER,
	KS_DETECTED_UPPER,
	KS_DETECTED_SCORE,
	KS_DETECTED_IS_ANOMALY,
	KS_DETECTED_WINDOW_START,	/* of finals alone */
	KS_DETECTED_WINDOW_END
};

/* Is a detector called in FROM of this analysed query? */
extern bool ks_detector_query_is(const Query *query);

/*
 * The call, its arguments computed.  Raises errors with positions, if
 * ks_query_source_begin() is in effect, for all that a view over a detector
 * cannot have; also if the relation is no view with final windows.
 */
extern KsDetectorCall *ks_detector_query_check(Query *query);

#endif
