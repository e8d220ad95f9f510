/*
 * Continuous views over a detector: each final window of another view, as it
 * closes, is given to the detector row by row.
 *
 *   view_N_definition  the query, as a view that is never executed
 *   view_N_states      one row per series: what the detector keeps of its past
 *   view_N_finals      what the detector said of each row
 *   the view itself    the query's columns over the finals
 *
 * States, finals and the mark move in the transaction that closes the source's
 * windows, so each row is seen exactly once, in order, and the view holds what
 * the function would give over all final windows.
 */
#ifndef KS_VIEW_DETECTOR_H
#define KS_VIEW_DETECTOR_H

#include "postgres.h"
#include "nodes/parsenodes.h"

#include "anomaly/call.h"
#include "catalog/view.h"

/*
 * Make the relations of view 'view' (id and owner are set) and fill in their
 * OIDs.  'query' was checked by ks_detector_query_check(), which gave 'call'.
 */
extern void ks_detector_define(KsView *view, const Query *query, const KsDetectorCall *call,
							   const RangeVar *relation, RawStmt *statement, const char *text);

/*
 * Take in the windows of its source that became final since the view's mark,
 * and move the mark.  Under the stream's lock in exclusive mode.
 */
extern void ks_detector_follow(const KsView *view, TimestampTz source_closed_to);

/* SQL that gives the rows of a view's source after $1, for people to read. */
extern char *ks_detector_rows_sql(const KsView *view);

#endif
