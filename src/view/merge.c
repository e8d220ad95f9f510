/*
 * Merging partial states.
 *
 * Folds append a state per pane and group that a batch touched.  Merging
 * rewrites all states of a view as one row per pane and group.  It is done
 * when the rows appended since the last time exceed twice what was left then
 * (and MERGE_FLOOR), so a view's states are at most three times its groups
 * (plus the floor), and each appended row is rewritten 1.5 times on average.
 *
 * How many rows there are is counted in this process, and, since sessions that
 * INSERT append as well, taken from the table's statistics; a new worker begins
 * with the table's size.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "pgstat.h"
#include "utils/hsearch.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/rel.h"

#include "base/attempt.h"
#include "base/compat.h"
#include "base/role.h"
#include "catalog/access.h"
#include "catalog/relation.h"
#include "view/define.h"
#include "view/failure.h"
#include "view/fold.h"
#include "view/fold_plan.h"
#include "view/identity.h"
#include "view/merge.h"
#include "view/owner_query.h"

#define MERGE_FLOOR 10000

typedef struct MergeEntry
{
	int			view_id;		/* hash key */
	int64		appended;		/* since the last merge, by this process */
	int64		merged;			/* rows left by it */
	int64		inserted;		/* the table's statistics after it */
} MergeEntry;

static HTAB *entries = NULL;

/* A guess from the table's size, at 100 bytes a row. */
static int64
guess_rows(const KsView *view)
{
	Relation	rel = table_open(view->states, AccessShareLock);
	int64		bytes = (int64) RelationGetNumberOfBlocks(rel) * BLCKSZ;

	table_close(rel, AccessShareLock);
	return bytes / 100;
}

/* Rows ever inserted into the states, by any process, a second ago or so. */
static int64
inserted_rows(const KsView *view)
{
	PgStat_StatTabEntry *statistics = pgstat_fetch_stat_tabentry(view->states);

	return statistics ? statistics->tuples_inserted : 0;
}

static MergeEntry *
entry_of(const KsView *view)
{
	HASHCTL		ctl = {.keysize = sizeof(int),.entrysize = sizeof(MergeEntry)};
	MergeEntry *entry;
	bool		found;

	if (entries == NULL)
		entries = hash_create("kafka_stream merges", 64, &ctl, HASH_ELEM | HASH_BLOBS);
	entry = hash_search(entries, &view->id, HASH_ENTER, &found);
	if (!found)
	{
		entry->merged = 0;
		entry->appended = 0;
		entry->inserted = 0;
		entry->appended = guess_rows(view);
		entry->inserted = inserted_rows(view);
	}
	return entry;
}

/* The worker, which merges, has one stream: what is not in its list was dropped. */
static void
forget_dropped(const List *views)
{
	HASH_SEQ_STATUS status;
	MergeEntry *entry;

	if (entries == NULL)
		return;
	hash_seq_init(&status, entries);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		bool		found = false;
		ListCell   *lc;

		foreach(lc, views)
			found |= ((KsView *) lfirst(lc))->id == entry->view_id;
		if (!found)
			hash_search(entries, &entry->view_id, HASH_REMOVE, NULL);
	}
}

void
ks_merge_note(const KsView *view, int64 appended)
{
	if (OidIsValid(view->states))
		entry_of(view)->appended += appended;
}

static int64
appended_rows(const KsView *view, MergeEntry *entry)
{
	int64		inserted = inserted_rows(view);

	if (inserted < entry->inserted - entry->merged)
		entry->inserted = 0;	/* statistics were reset */
	return Max(entry->appended, inserted - entry->inserted);
}

typedef struct Merge
{
	const KsView *view;
	const KsStream *stream;
	int64		merged;			/* rows left */
} Merge;

static void
merge_view(void *arg)
{
	Merge	   *merge = arg;
	const KsView *view = merge->view;
	KsViewQuery *vq;
	KsRole		before;
	KsAccess	access;
	Tuplestorestate *rows;

	ks_identity_enter(&before, view->owner, view->settings);
	vq = ks_fold_plan_get(view, merge->stream)->vq;
	ks_role_leave(&before);
	rows = ks_owner_query(view, ks_view_merge_sql(view, vq), NULL);
	ks_access_enter(&access);
	ks_access_execute(psprintf("DELETE FROM %s", ks_relation_name(view->states)));
	ks_access_leave(&access);
	merge->merged = ks_owner_query_append(rows, view->states);
	tuplestore_end(rows);
}

void
ks_merge_stream(Oid stream_oid)
{
	KsStream   *stream = ks_stream_load(stream_oid, false);
	List	   *views = ks_view_list(stream);
	ListCell   *lc;

	forget_dropped(views);
	foreach(lc, views)
	{
		KsView	   *view = lfirst(lc);
		Merge		merge = {view, stream};
		MergeEntry *entry;
		ErrorData  *error;

		/* A failed view is still folded into, so its states must not grow either. */
		if (!OidIsValid(view->states) || view->kind == KS_VIEW_DETECTOR)
			continue;
		entry = entry_of(view);
		if (appended_rows(view, entry) < Max(2 * entry->merged, MERGE_FLOOR))
			continue;
		/* Its plan locks the stream's table, which comes before the stream's lock. */
		LockRelationOid(stream_oid, AccessShareLock);
		/* Folds in flight, or readers of the lock, come first: another time. */
		if (!ks_stream_lock_conditional(stream_oid, ExclusiveLock))
			return;
		if (ks_view_load(view->relid) == NULL)
			continue;			/* dropped while we waited */
		error = ks_attempt(merge_view, &merge);
		if (error != NULL && !view->failed)
			ks_view_fail(view, "merging states", error);
		entry->merged = merge.merged;
		entry->appended = 0;
		entry->inserted = inserted_rows(view) + merge.merged;	/* not counted yet */
	}
}
