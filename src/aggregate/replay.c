/*
 * An aggregate of core run over values at hand; see replay.h.
 *
 * So sum and avg of distinct values are what core's sum and avg give, to the
 * last digit, without any arithmetic here.  Like nodeAgg.c for one group, of
 * an aggregate with one argument and a final function without extra ones.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_aggregate.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "aggregate/replay.h"

typedef struct Replay
{
	FmgrInfo	transfn;
	FmgrInfo	finalfn;		/* fn_oid InvalidOid: the value is the result */
	int16		translen;
	bool		transbyval;
	Datum		initvalue;
	bool		initisnull;
} Replay;

static Replay *
prepare(const char *name, Oid type, MemoryContext context)
{
	MemoryContext caller = MemoryContextSwitchTo(context);
	Replay	   *replay = palloc0(sizeof(Replay));
	Oid			aggregate = LookupFuncName(list_make2(makeString("pg_catalog"),
													  makeString(pstrdup(name))),
										   1, &type, false);
	HeapTuple	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(aggregate));
	Form_pg_aggregate form;
	Datum		literal;
	Oid			input;
	Oid			ioparam;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for aggregate %u", aggregate);
	form = (Form_pg_aggregate) GETSTRUCT(tuple);
	Assert(!form->aggfinalextra);
	fmgr_info_cxt(form->aggtransfn, &replay->transfn, context);
	if (OidIsValid(form->aggfinalfn))
		fmgr_info_cxt(form->aggfinalfn, &replay->finalfn, context);
	get_typlenbyval(form->aggtranstype, &replay->translen, &replay->transbyval);
	literal = SysCacheGetAttr(AGGFNOID, tuple, Anum_pg_aggregate_agginitval, &replay->initisnull);
	if (!replay->initisnull)
	{
		getTypeInputInfo(form->aggtranstype, &input, &ioparam);
		replay->initvalue = OidInputFunctionCall(input, TextDatumGetCString(literal), ioparam, -1);
	}
	ReleaseSysCache(tuple);
	MemoryContextSwitchTo(caller);
	return replay;
}

static void
advance(Replay *replay, FunctionCallInfo outer, NullableDatum *state, bool *novalue, Datum value)
{
	LOCAL_FCINFO(fcinfo, 2);

	if (replay->transfn.fn_strict && *novalue)
	{
		state->value = datumCopy(value, replay->transbyval, replay->translen);
		state->isnull = false;
		*novalue = false;
		return;
	}
	if (replay->transfn.fn_strict && state->isnull)
		return;
	InitFunctionCallInfoData(*fcinfo, &replay->transfn, 2, outer->fncollation,
							 outer->context, NULL);
	fcinfo->args[0] = *state;
	fcinfo->args[1].value = value;
	fcinfo->args[1].isnull = false;
	state->value = FunctionCallInvoke(fcinfo);
	state->isnull = fcinfo->isnull;
	*novalue = false;
}

Datum
ks_aggregate_replay(FunctionCallInfo outer, const char *name, Oid type,
					const Datum *values, int n, bool *isnull)
{
	Replay	   *replay = outer->flinfo->fn_extra;
	NullableDatum state;
	bool		novalue;
	LOCAL_FCINFO(fcinfo, 1);
	Datum		result;

	if (replay == NULL)
		outer->flinfo->fn_extra = replay = prepare(name, type, outer->flinfo->fn_mcxt);
	novalue = state.isnull = replay->initisnull;
	state.value = state.isnull ? (Datum) 0 :
		datumCopy(replay->initvalue, replay->transbyval, replay->translen);
	for (int i = 0; i < n; i++)
		advance(replay, outer, &state, &novalue, values[i]);

	*isnull = state.isnull;
	if (!OidIsValid(replay->finalfn.fn_oid))
		return state.value;
	if (replay->finalfn.fn_strict && state.isnull)
		return (Datum) 0;
	InitFunctionCallInfoData(*fcinfo, &replay->finalfn, 1, outer->fncollation,
							 outer->context, NULL);
	fcinfo->args[0] = state;
	result = FunctionCallInvoke(fcinfo);
	*isnull = fcinfo->isnull;
	return result;
}
