/*
 * Folding a batch into the views of its stream.
 *
 * For each view, in the order of their ids:
 *   1. rows are sorted by the windows that they miss (lateness.h);
 *   2. each group of rows runs through the view's fold plan, whose partial
 *      states are appended to the view's states;
 *   3. late rows run through its joins and WHERE alone; those that pass are
 *      late, the others filtered;
 *   4. counters are added to.
 *
 * A plan that fails on a row (bad input for the view's expressions) is run
 * again on parts of the rows, each in a subtransaction, until the rows that
 * fail stand alone: these are dead letters of this view, and the other views
 * still have them.  Results leave memory only after their pass succeeded.
 *
 * The view's SQL runs as the view's owner with the view's settings; appending
 * is done by the extension itself.  Memory is that of one context per view,
 * reset after it.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "base/attempt.h"
#include "base/compat.h"
#include "base/data_error.h"
#include "base/role.h"
#include "source/source.h"
#include "catalog/counter.h"
#include "catalog/dead_letter.h"
#include "view/fold.h"
#include "view/fold_output.h"
#include "view/fold_plan.h"
#include "view/identity.h"
#include "view/late.h"
#include "view/lateness.h"
#include "view/merge.h"

/* The fold of one view. */
typedef struct Fold
{
	const KsView *view;
	const KsStream *stream;
	KsBatch    *batch;
	KsFoldPlan *plan;
	KsBatchScan scan;
	KsFoldOutput *output;
	KsAppender *appender;
	bool		dead_letters;	/* bad rows are dead letters, not errors */
	bool	   *dead;			/* per row: is one, of this view */
	KsCounts	counts;
} Fold;

static void
write_dead_letter(Fold *fold, int row, int sqlstate, const char *error)
{
	const KsBatch *batch = fold->batch;
	const KsMessage *message = batch->message(batch, row);
	Size		base = (Size) row * batch->desc->natts;
	KsDeadLetter letter = {
		.stream = fold->stream->relid,
		.view = fold->view->relid,
		.topic = batch->topic(batch, row),
		.partition = DatumGetInt32(batch->values[base + fold->stream->partition_attno - 1]),
		.offset = message->offset,
		.timestamp_ms = message->timestamp_ms,
		.key = message->key,
		.key_len = message->key_len,
		.value = message->value,
		.value_len = message->value_len,
		.sqlstate = sqlstate,
		.error = error,
	};

	fold->dead[row] = true;
	fold->counts.dead_letters++;
	ks_dead_letter_write(&letter);
}

/* One pass: rows[0..nrows) through the fold plan (late: through joins and WHERE). */
static void
run_pass(Fold *fold, const int *rows, int nrows, TimestampTz missed_end, bool late)
{
	fold->scan.rows = rows;
	fold->scan.nrows = nrows;
	fold->scan.next = 0;
	if (late)
	{
		ks_fold_plan_run(fold->plan->passes, &fold->scan, ks_passes_output_create(&fold->scan));
		return;
	}
	ks_fold_output_start(fold->output, &fold->scan, missed_end);
	ks_fold_plan_run(fold->plan->fold, &fold->scan, &fold->output->pub);
}

/* Aggregates without groups give a row even for no rows: not to be kept. */
static bool
pass_was_empty(const Fold *fold, const int *rows, int nrows)
{
	for (int i = 0; i < nrows; i++)
		if (fold->scan.passed[rows[i]])
			return false;
	return true;
}

static void
keep_results(Fold *fold, const int *rows, int nrows, bool late)
{
	if (late || pass_was_empty(fold, rows, nrows))
		return;
	if (fold->appender == NULL)
		fold->appender = ks_append_begin(OidIsValid(fold->view->states) ?
										 fold->view->states : fold->view->finals);
	ks_fold_output_append(fold->output, fold->appender);
}

typedef struct Pass
{
	Fold	   *fold;
	const int  *rows;
	int			nrows;
	TimestampTz missed_end;
	bool		late;
	MemoryContext context;		/* of the executor, which an error leaves behind */
} Pass;

static void
attempt_pass(void *arg)
{
	Pass	   *pass = arg;

	MemoryContextSwitchTo(pass->context);
	run_pass(pass->fold, pass->rows, pass->nrows, pass->missed_end, pass->late);
}

/* run_pass() in a subtransaction; the error if it failed for a row, or NULL. */
static ErrorData *
try_pass(Fold *fold, const int *rows, int nrows, TimestampTz missed_end, bool late)
{
	Pass		pass = {fold, rows, nrows, missed_end, late};
	ErrorData  *error;

	pass.context = AllocSetContextCreate(CurrentMemoryContext, "kafka_stream fold pass",
										 ALLOCSET_DEFAULT_SIZES);
	error = ks_attempt(attempt_pass, &pass);
	MemoryContextDelete(pass.context);
	if (error == NULL)
		return NULL;
	if (!ks_is_data_error(error->sqlerrcode))
		ReThrowError(error);
	for (int i = 0; i < nrows; i++)
		fold->scan.passed[rows[i]] = false;
	return error;
}

/* Fold rows[0..nrows), leaving out those that fail. */
static void
fold_rows(Fold *fold, const int *rows, int nrows, TimestampTz missed_end, bool late)
{
	check_stack_depth();
	while (nrows > 0)
	{
		ErrorData  *error;
		int			culprit;

		if (!fold->dead_letters)
		{
			run_pass(fold, rows, nrows, missed_end, late);
			keep_results(fold, rows, nrows, late);
			return;
		}
		error = try_pass(fold, rows, nrows, missed_end, late);
		if (error == NULL)
		{
			keep_results(fold, rows, nrows, late);
			return;
		}
		if (nrows == 1)
		{
			write_dead_letter(fold, rows[0], error->sqlerrcode, error->message);
			FreeErrorData(error);
			return;
		}

		/*
		 * Mostly it is the row that was read last.  If that is the last of
		 * all, a join or sort may have read ahead: halve.
		 */
		culprit = fold->scan.next - 1;
		if (culprit <= 0 || culprit >= nrows - 1)
			culprit = nrows / 2;
		FreeErrorData(error);
		fold_rows(fold, rows, culprit, missed_end, late);
		fold_rows(fold, rows + culprit, 1, missed_end, late);
		rows += culprit + 1;
		nrows -= culprit + 1;
	}
}

static int
count_rows(const bool *flags, const int *rows, int nrows)
{
	int			count = 0;

	for (int i = 0; i < nrows; i++)
		count += flags[rows[i]];
	return count;
}

static void
fold_late_rows(Fold *fold, const KsLateness *lateness)
{
	int			nlate = 0;
	int		   *late = palloc(sizeof(int) * Max(lateness->nlate, 1));

	fold_rows(fold, lateness->late, lateness->nlate, DT_NOBEGIN, true);
	for (int i = 0; i < lateness->nlate; i++)
		if (fold->scan.passed[lateness->late[i]])
			late[nlate++] = lateness->late[i];
	fold->counts.late += nlate;
	fold->counts.filtered += lateness->nlate - nlate -
		count_rows(fold->dead, lateness->late, lateness->nlate);
	if (nlate > 0 && fold->view->store_late)
		ks_late_store(fold->view, fold->stream, &fold->plan->vq->window, fold->batch, late, nlate);
}

/* Rows so near the ends of time that their windows cannot be told. */
static void
refuse_rows_beyond(Fold *fold, const KsLateness *lateness)
{
	static const char *const error = "windows of this event time are out of range";

	for (int i = 0; i < lateness->nbeyond; i++)
	{
		if (!fold->dead_letters)
			ereport(ERROR,
					(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("%s", error)));
		write_dead_letter(fold, lateness->beyond[i], ERRCODE_DATETIME_VALUE_OUT_OF_RANGE, error);
	}
}

static void
fold_sorted_rows(Fold *fold, const KsLateness *lateness)
{
	for (int i = 0; i < lateness->ngroups; i++)
	{
		const KsRowGroup *group = &lateness->groups[i];
		int			passed;

		fold_rows(fold, group->rows, group->nrows, group->missed_end, false);
		passed = count_rows(fold->scan.passed, group->rows, group->nrows);
		fold->counts.folded += passed;
		if (!TIMESTAMP_IS_NOBEGIN(group->missed_end))
			fold->counts.partly_late += passed;
		fold->counts.filtered += group->nrows - passed -
			count_rows(fold->dead, group->rows, group->nrows);
	}
	if (lateness->nlate > 0)
		fold_late_rows(fold, lateness);
	refuse_rows_beyond(fold, lateness);
}

/* The descriptor of the table that a view's folds are appended to. */
static TupleDesc
target_desc(const KsView *view)
{
	Relation	rel = table_open(OidIsValid(view->states) ? view->states : view->finals,
								 RowExclusiveLock);
	TupleDesc	desc = CreateTupleDescCopy(RelationGetDescr(rel));

	table_close(rel, NoLock);
	return desc;
}

/* Error context: which view could not take a batch. */
static void
tell_view(void *arg)
{
	errcontext("continuous view \"%s\"", (char *) arg);
}

static void
fold_view(const KsView *view, const KsStream *stream, KsBatch *batch, bool dead_letters)
{
	Fold		fold = {.view = view,.stream = stream,.batch = batch,.dead_letters = dead_letters};
	ErrorContextCallback context;
	KsRole		before;
	KsLateness	lateness;

	fold.scan.batch = batch;
	fold.scan.passed = palloc0(sizeof(bool) * Max(batch->nrows, 1));
	fold.dead = palloc0(sizeof(bool) * Max(batch->nrows, 1));

	context.callback = tell_view;
	context.arg = get_rel_name(view->relid);
	context.previous = error_context_stack;
	error_context_stack = &context;
	ks_identity_enter(&before, view->owner, view->settings);
	fold.plan = ks_fold_plan_get(view, stream);
	fold.output = ks_fold_output_create(view, fold.plan, stream, target_desc(view));
	ks_lateness_sort(batch, view->kind == KS_VIEW_WINDOW ? &fold.plan->vq->window : NULL,
					 view->watermark_delay, view->closed_to, &lateness);
	fold_sorted_rows(&fold, &lateness);
	ks_role_leave(&before);
	error_context_stack = context.previous;

	if (fold.appender != NULL)
	{
		int64		appended = ks_append_end(fold.appender);

		if (batch->message != NULL)
			ks_merge_note(view, appended);
	}
	ks_counter_add(stream->relid, view->id, batch->message == NULL, &fold.counts);
}

void
ks_fold_view(const KsView *view, const KsStream *stream, KsBatch *batch, bool dead_letters)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "kafka_stream fold",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext before = MemoryContextSwitchTo(context);

	fold_view(view, stream, batch, dead_letters);
	MemoryContextSwitchTo(before);
	MemoryContextDelete(context);
}

void
ks_fold_empty(const KsView *view, const KsStream *stream, TupleDesc desc)
{
	KsBatch		batch = {.stream = stream->relid,.desc = desc};
	Fold		fold = {.view = view,.stream = stream,.batch = &batch};
	KsRole		before;

	fold.scan.batch = &batch;
	ks_identity_enter(&before, view->owner, view->settings);
	fold.plan = ks_fold_plan_get(view, stream);
	fold.output = ks_fold_output_create(view, fold.plan, stream, target_desc(view));
	run_pass(&fold, NULL, 0, DT_NOBEGIN, false);
	ks_role_leave(&before);
	if (fold.output->ntuples > 0)
	{
		fold.appender = ks_append_begin(view->states);
		ks_fold_output_append(fold.output, fold.appender);
		ks_append_end(fold.appender);
	}
}

void
ks_fold_batch(KsBatch *batch, bool dead_letters)
{
	KsStream   *stream = ks_stream_load(batch->stream, false);
	ListCell   *lc;

	foreach(lc, ks_view_list(stream))
		if (((KsView *) lfirst(lc))->kind != KS_VIEW_DETECTOR)
			ks_fold_view(lfirst(lc), stream, batch, dead_letters);
}
