/*
 * The plans of a view's fold, kept across batches.
 *
 * The view's query is rewritten into grouping expressions and bare aggregate
 * calls, planned over a batch scan, and its top aggregation is turned into a
 * partial one (AGGSPLIT_INITIAL_SERIAL), as the planner does for parallel
 * workers.  Plans are thrown away when anything that they might depend on
 * changes.
 */
#ifndef KS_VIEW_FOLD_PLAN_H
#define KS_VIEW_FOLD_PLAN_H

#include "postgres.h"
#include "nodes/plannodes.h"
#include "tcop/dest.h"

#include "catalog/view.h"
#include "view/batch_scan.h"
#include "view/query.h"

typedef struct KsFoldPlan
{
	KsViewQuery *vq;
	/*
	 * Output: for a window the pane; the groups; mark_row's state (to be
	 * ignored); the partial states.  For rows: the view's columns, then ctid.
	 */
	PlannedStmt *fold;
	PlannedStmt *passes;		/* output: ctid of rows that pass joins and WHERE */
	bool	   *internal;		/* per aggregate: state to be wrapped */
	uint64	   *identities;		/* per aggregate: for ks_state_wrap() */
} KsFoldPlan;

/*
 * The plan of a view, made anew if needed, with locks on all it reads.  To be
 * called as the view's owner with its settings in force; lives until the end
 * of the transaction at least.
 */
extern KsFoldPlan *ks_fold_plan_get(const KsView *view, const KsStream *stream);

/* Run one of its statements over 'scan'. */
extern void ks_fold_plan_run(PlannedStmt *plan, KsBatchScan *scan, DestReceiver *dest);

#endif
