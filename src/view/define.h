/*
 * The relations that make up a continuous view, and the SQL between them.
 *
 *   view_N_definition  the query, as a view that is never executed: PostgreSQL
 *                      tracks what it depends on, renames and dumps it
 *   view_N_states      partial aggregates of panes and groups, appended
 *   view_N_open        the states combined and computed: open windows (or all
 *                      groups of a running view) as people see them
 *   view_N_finals      final windows, or the rows of a view without aggregates
 *   the view itself    finals UNION ALL open
 *
 * The first four live in schema kafka_stream_internal.  All but the definition
 * belong to the extension's owner; the view's owner may read them.
 */
#ifndef KS_VIEW_DEFINE_H
#define KS_VIEW_DEFINE_H

#include "postgres.h"
#include "nodes/parsenodes.h"

#include "catalog/view.h"
#include "view/query.h"

/*
 * Make the relations of view 'view' (its id, kind and owner are set) and fill
 * in their OIDs; 'relation' is the name that people read.  'statement' is the
 * checked SELECT, not analysed; 'text' its source.
 */
extern void ks_view_define(KsView *view, const KsViewQuery *vq, const RangeVar *relation,
						   RawStmt *statement, const char *text);

/*
 * SQL that closes: open windows up to $1; that lists windows which are open
 * and have states; and that merges states.
 */
extern char *ks_view_close_sql(const KsView *view);
extern char *ks_view_windows_sql(const KsView *view, const KsViewQuery *vq);
extern char *ks_view_merge_sql(const KsView *view, const KsViewQuery *vq);

#endif
