/*
 * What a table's definition says of a row: defaults, generated columns, NOT
 * NULL and CHECK constraints, as INSERT would apply them.
 *
 * Expressions that users wrote can throw.  So as long as there are any, rows
 * are evaluated in a subtransaction; when a row throws, that subtransaction is
 * rolled back, the row is a dead letter, and the next one begins.  Results of
 * earlier rows stay: they live in the batch's memory.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_attribute.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "parser/parse_coerce.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/typcache.h"

#include "base/compat.h"
#include "base/data_error.h"
#include "worker/row_rules.h"

typedef struct ColumnRule
{
	AttrNumber	attno;
	ExprState  *expr;
} ColumnRule;

typedef struct CheckRule
{
	const char *name;
	ExprState  *expr;
} CheckRule;

struct KsRowRules
{
	Relation	rel;
	const Bitmapset *given;
	MemoryContext context;		/* of results */
	MemoryContext prepared;		/* of all from here to the checks, but the slot */
	int			nrequired;		/* NOT NULL columns */
	int		   *required;		/* their indexes */
	EState	   *estate;
	TupleTableSlot *slot;		/* virtual: the row that expressions see */
	int			ndefaults;
	ColumnRule *defaults;
	int			ngenerated;
	ColumnRule *generated;
	int			nchecks;
	CheckRule  *checks;
	bool		in_subtransaction;
	ResourceOwner outer_owner;
};

/* A domain may refuse NULL, as INSERT would find out for a column left out. */
static Node *
null_of_domain(Form_pg_attribute att)
{
	Node	   *null;

	if (!DomainHasConstraints(att->atttypid))
		return NULL;
	null = (Node *) makeConst(att->atttypid, -1, att->attcollation, att->attlen, (Datum) 0,
							  true, att->attbyval);
	return coerce_to_domain(null, InvalidOid, -1, att->atttypid, COERCION_IMPLICIT,
							COERCE_IMPLICIT_CAST, -1, false);
}

static void
add_rule(ColumnRule *list, int *n, KsRowRules *rules, AttrNumber attno)
{
	Node	   *expr = build_column_default(rules->rel, attno);

	if (expr == NULL)
		expr = null_of_domain(TupleDescAttr(RelationGetDescr(rules->rel), attno - 1));
	if (expr == NULL)
		return;
	list[*n].attno = attno;
	list[*n].expr = ExecPrepareExpr((Expr *) expr, rules->estate);
	(*n)++;
}

static void
prepare_columns(KsRowRules *rules)
{
	TupleDesc	desc = RelationGetDescr(rules->rel);
	int			i;

	rules->defaults = palloc0(desc->natts * sizeof(ColumnRule));
	rules->generated = palloc0(desc->natts * sizeof(ColumnRule));
	rules->required = palloc(desc->natts * sizeof(int));
	rules->ndefaults = rules->ngenerated = rules->nrequired = 0;
	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attisdropped || bms_is_member(i + 1, rules->given))
			continue;
		if (att->attnotnull)
			rules->required[rules->nrequired++] = i;
		if (att->attgenerated == ATTRIBUTE_GENERATED_STORED)
			add_rule(rules->generated, &rules->ngenerated, rules, i + 1);
		else
			add_rule(rules->defaults, &rules->ndefaults, rules, i + 1);
	}
}

static void
prepare_checks(KsRowRules *rules)
{
	TupleConstr *constr = RelationGetDescr(rules->rel)->constr;
	int			i;

	rules->nchecks = 0;
	if (constr == NULL || constr->num_check == 0)
		return;
	rules->checks = palloc0(constr->num_check * sizeof(CheckRule));
	for (i = 0; i < constr->num_check; i++)
	{
		CheckRule  *rule = &rules->checks[rules->nchecks];

		if (!KS_CHECK_IS_ENFORCED(&constr->check[i]))
			continue;
		rule->name = pstrdup(constr->check[i].ccname);
		rule->expr = ExecPrepareExpr(stringToNode(constr->check[i].ccbin), rules->estate);
		rules->nchecks++;
	}
}

/* Executor state and expressions; anew after an error, which may have harmed them. */
static void
prepare(KsRowRules *rules)
{
	MemoryContext old = MemoryContextSwitchTo(rules->prepared);

	MemoryContextReset(rules->prepared);
	rules->estate = CreateExecutorState();
	prepare_columns(rules);
	prepare_checks(rules);
	MemoryContextSwitchTo(old);
}

KsRowRules *
ks_row_rules_begin(Relation rel, const Bitmapset *given)
{
	KsRowRules *rules = palloc0(sizeof(KsRowRules));

	rules->rel = rel;
	rules->given = given;
	rules->context = CurrentMemoryContext;
	rules->prepared = AllocSetContextCreate(CurrentMemoryContext, "kafka_stream row rules",
											ALLOCSET_DEFAULT_SIZES);
	rules->slot = MakeSingleTupleTableSlot(RelationGetDescr(rel), &TTSOpsVirtual);
	rules->slot->tts_tableOid = RelationGetRelid(rel);
	prepare(rules);
	return rules;
}

static void
begin_subtransaction(KsRowRules *rules)
{
	rules->outer_owner = CurrentResourceOwner;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(rules->context);
	rules->in_subtransaction = true;
}

static void
end_subtransaction(KsRowRules *rules, bool rollback)
{
	if (rollback)
		RollbackAndReleaseCurrentSubTransaction();
	else
		ReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(rules->context);
	CurrentResourceOwner = rules->outer_owner;
	rules->in_subtransaction = false;
}

/* The value of an expression, copied into the batch's memory. */
static Datum
evaluate(KsRowRules *rules, const ColumnRule *rule, bool *isnull)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rules->rel), rule->attno - 1);
	Datum		value = ExecEvalExprSwitchContext(rule->expr,
												  GetPerTupleExprContext(rules->estate),
												  isnull);

	return *isnull ? value : datumCopy(value, att->attbyval, att->attlen);
}

static void
show_row(KsRowRules *rules, const Datum *values, const bool *isnull)
{
	int			natts = RelationGetDescr(rules->rel)->natts;

	ExecClearTuple(rules->slot);
	memcpy(rules->slot->tts_values, values, natts * sizeof(Datum));
	memcpy(rules->slot->tts_isnull, isnull, natts * sizeof(bool));
	ExecStoreVirtualTuple(rules->slot);
	GetPerTupleExprContext(rules->estate)->ecxt_scantuple = rules->slot;
}

static void
apply_expressions(KsRowRules *rules, Datum *values, bool *isnull, const bool *present,
				  const char **failed_check)
{
	int			i;

	ResetPerTupleExprContext(rules->estate);
	for (i = 0; i < rules->ndefaults; i++)
	{
		int			at = rules->defaults[i].attno - 1;

		if (!present[at])
			values[at] = evaluate(rules, &rules->defaults[i], &isnull[at]);
	}
	if (rules->ngenerated == 0 && rules->nchecks == 0)
		return;
	show_row(rules, values, isnull);
	for (i = 0; i < rules->ngenerated; i++)
	{
		int			at = rules->generated[i].attno - 1;

		values[at] = evaluate(rules, &rules->generated[i], &isnull[at]);
	}
	if (rules->nchecks == 0)
		return;
	show_row(rules, values, isnull);
	for (i = 0; i < rules->nchecks; i++)
		if (!ExecCheck(rules->checks[i].expr, GetPerTupleExprContext(rules->estate)))
		{
			*failed_check = rules->checks[i].name;
			return;
		}
}

/* Is this the row's fault?  Then it is a result, otherwise it goes on up. */
static void
take_error(KsRowRules *rules, KsDecodeError *error)
{
	ErrorData  *data;

	MemoryContextSwitchTo(rules->context);
	data = CopyErrorData();
	if (!ks_is_data_error(data->sqlerrcode))
		PG_RE_THROW();
	FlushErrorState();
	error->sqlstate = data->sqlerrcode;
	error->message = data->message;
	error->column = data->column_name;
}

static bool
apply_guarded(KsRowRules *rules, Datum *values, bool *isnull, const bool *present,
			  const char **failed_check, KsDecodeError *error)
{
	volatile bool fits = true;

	if (!rules->in_subtransaction)
		begin_subtransaction(rules);
	PG_TRY();
	{
		apply_expressions(rules, values, isnull, present, failed_check);
	}
	PG_CATCH();
	{
		take_error(rules, error);
		fits = false;
	}
	PG_END_TRY();
	if (!fits)
	{
		end_subtransaction(rules, true);
		prepare(rules);
	}
	return fits;
}

static bool
check_not_null(KsRowRules *rules, const bool *isnull, KsDecodeError *error)
{
	TupleDesc	desc = RelationGetDescr(rules->rel);
	int			i;

	for (i = 0; i < rules->nrequired; i++)
		if (isnull[rules->required[i]])
		{
			error->sqlstate = ERRCODE_NOT_NULL_VIOLATION;
			error->column = NameStr(TupleDescAttr(desc, rules->required[i])->attname);
			error->message = psprintf("null value in column \"%s\" violates not-null constraint",
									  error->column);
			return false;
		}
	return true;
}

bool
ks_row_rules_apply(KsRowRules *rules, Datum *values, bool *isnull, const bool *present,
				   KsDecodeError *error)
{
	const char *failed_check = NULL;

	if ((rules->ndefaults > 0 || rules->ngenerated > 0 || rules->nchecks > 0) &&
		!apply_guarded(rules, values, isnull, present, &failed_check, error))
		return false;
	if (!check_not_null(rules, isnull, error))
		return false;
	if (failed_check == NULL)
		return true;
	error->sqlstate = ERRCODE_CHECK_VIOLATION;
	error->column = NULL;
	error->message = psprintf("row violates check constraint \"%s\"", failed_check);
	return false;
}

void
ks_row_rules_end(KsRowRules *rules)
{
	if (rules->in_subtransaction)
		end_subtransaction(rules, false);
	ExecDropSingleTupleTableSlot(rules->slot);
	FreeExecutorState(rules->estate);
	MemoryContextDelete(rules->prepared);
}
