/*
 * kafka_stream.finish() and kafka_stream.merge(): combine stored states of any
 * aggregate, then apply its final function, or give the state back.
 *
 * Each call of these aggregates is nodeAgg.c in small for the aggregate that
 * its first arguments name: deserialize, combine, and finalize or serialize by
 * the same rules of strictness and memory.  The inner functions are given the
 * outer call's context, so AggCheckCallContext() shows them the memory that
 * lives as long as the group.  AggGetAggref() would show them the wrong call;
 * only ordered-set aggregates, which have no combine functions, use it.
 *
 * What is fixed for a query lives in the transition function's fn_mcxt; the
 * state of a group in the aggregate's context.  Both aggregates are public and
 * work for the caller alone: the caller needs EXECUTE on the inner aggregate,
 * its owner on the support functions, as in a plain query.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/primnodes.h"
#include "parser/parse_agg.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/expandeddatum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "aggregate/call.h"
#include "aggregate/group_memory.h"
#include "aggregate/partial.h"
#include "aggregate/state.h"

/* The inner aggregate, ready to run. */
typedef struct InnerAggregate
{
	KsAggregateCall call;
	ArrayType  *argument_types; /* as given, to tell if it changes */
	FmgrInfo	combinefn;
	FmgrInfo	finalfn;
	FmgrInfo	serialfn;
	FmgrInfo	deserialfn;
	int			nfinalargs;
	int16		translen;
	bool		transbyval;
	Datum		initvalue;
	bool		initisnull;
} InnerAggregate;

/* One group. */
typedef struct GroupState
{
	InnerAggregate *inner;
	Datum		value;
	bool		isnull;
	bool		novalue;		/* no state yet: the first one is taken as it is */
} GroupState;

PG_FUNCTION_INFO_V1(ks_finish_trans);
PG_FUNCTION_INFO_V1(ks_finish_final);
PG_FUNCTION_INFO_V1(ks_merge_trans);
PG_FUNCTION_INFO_V1(ks_merge_final);

static void
check_execute(Oid function, Oid role, ObjectType kind)
{
	AclResult	result = ks_function_aclcheck(function, role);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, kind, get_func_name(function));
	InvokeFunctionExecuteHook(function);
}

/* As nodeAgg.c: the caller may use the aggregate, its owner the functions. */
static void
check_permissions(const KsAggregateCall *call)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(call->aggregate));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", call->aggregate);
	owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
	ReleaseSysCache(tuple);

	check_execute(call->aggregate, GetUserId(), OBJECT_AGGREGATE);
	check_execute(call->combinefn, owner, OBJECT_FUNCTION);
	if (OidIsValid(call->finalfn))
		check_execute(call->finalfn, owner, OBJECT_FUNCTION);
	if (OidIsValid(call->serialfn))
		check_execute(call->serialfn, owner, OBJECT_FUNCTION);
	if (OidIsValid(call->deserialfn))
		check_execute(call->deserialfn, owner, OBJECT_FUNCTION);
}

static void
prepare_function(Oid function, Expr *expr, FmgrInfo *flinfo, MemoryContext context)
{
	fmgr_info_cxt(function, flinfo, context);
	fmgr_info_set_expr((Node *) expr, flinfo);
}

static void
prepare_functions(InnerAggregate *inner, MemoryContext context)
{
	KsAggregateCall *call = &inner->call;
	Oid			combine_types[2] = {call->transtype, call->transtype};
	Expr	   *expr;

	build_aggregate_transfn_expr(combine_types, 2, 0, false, call->transtype,
								 call->collation, call->combinefn, InvalidOid, &expr, NULL);
	prepare_function(call->combinefn, expr, &inner->combinefn, context);
	if (inner->combinefn.fn_strict && call->transtype == INTERNALOID)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
				 errmsg("combine function with transition type %s must not be declared STRICT",
						format_type_be(call->transtype))));

	inner->nfinalargs = call->finalextra ? call->nargs + 1 : 1;
	if (OidIsValid(call->finalfn))
	{
		build_aggregate_finalfn_expr(call->argtypes, inner->nfinalargs, call->transtype,
									 call->resulttype, call->collation, call->finalfn, &expr);
		prepare_function(call->finalfn, expr, &inner->finalfn, context);
	}
	if (call->transtype == INTERNALOID)
	{
		build_aggregate_serialfn_expr(call->serialfn, &expr);
		prepare_function(call->serialfn, expr, &inner->serialfn, context);
		build_aggregate_deserialfn_expr(call->deserialfn, &expr);
		prepare_function(call->deserialfn, expr, &inner->deserialfn, context);
	}
}

/* The transition value that a group starts from (pg_aggregate.agginitval). */
static void
prepare_initial_value(InnerAggregate *inner)
{
	HeapTuple	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(inner->call.aggregate));
	Datum		literal;
	Oid			input;
	Oid			ioparam;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for aggregate %u", inner->call.aggregate);
	literal = SysCacheGetAttr(AGGFNOID, tuple, Anum_pg_aggregate_agginitval, &inner->initisnull);
	if (!inner->initisnull)
	{
		getTypeInputInfo(inner->call.transtype, &input, &ioparam);
		inner->initvalue = OidInputFunctionCall(input, TextDatumGetCString(literal), ioparam, -1);
	}
	ReleaseSysCache(tuple);
}

/* The types in a regtype[]; how many. */
static int
read_argument_types(ArrayType *array, Oid *types)
{
	int			n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));

	if (ARR_NDIM(array) > 1 || array_contains_nulls(array) || n >= FUNC_MAX_ARGS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument_types must be a list of fewer than %d types without nulls", FUNC_MAX_ARGS)));
	memcpy(types, ARR_DATA_PTR(array), n * sizeof(Oid));
	return n;
}

static InnerAggregate *
prepare_inner(FunctionCallInfo fcinfo, MemoryContext context)
{
	MemoryContext caller = MemoryContextSwitchTo(context);
	InnerAggregate *inner = palloc0(sizeof(InnerAggregate));
	KsAggregateCall *call = &inner->call;

	inner->argument_types = PG_GETARG_ARRAYTYPE_P_COPY(2);
	call->aggregate = PG_GETARG_OID(1);
	call->nargs = read_argument_types(inner->argument_types, call->argtypes);
	call->collation = PG_GETARG_OID(3);
	if (OidIsValid(call->collation) &&
		!SearchSysCacheExists1(COLLOID, ObjectIdGetDatum(call->collation)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("collation with OID %u does not exist", call->collation)));

	ks_aggregate_call_resolve(call);
	check_permissions(call);
	get_typlenbyval(call->transtype, &inner->translen, &inner->transbyval);
	prepare_functions(inner, context);
	prepare_initial_value(inner);
	MemoryContextSwitchTo(caller);
	return inner;
}

/* Is the state argument of the type in which such states are stored? */
static void
check_state_type(const InnerAggregate *inner, Oid given)
{
	Oid			stored = inner->call.transtype == INTERNALOID ? ks_state_type() : inner->call.transtype;

	if (given != stored)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("state of aggregate %s must be of type %s, not %s",
						format_procedure(inner->call.aggregate),
						format_type_be(stored), format_type_be(given))));
}

static void
check_result_type(const InnerAggregate *inner, Oid given)
{
	if (given != inner->call.resulttype)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("result of aggregate %s is of type %s, not %s",
						format_procedure(inner->call.aggregate),
						format_type_be(inner->call.resulttype), format_type_be(given)),
				 errhint("Give NULL::%s as result.", format_type_be(inner->call.resulttype))));
}

/* The inner aggregate of this call, prepared once per query. */
static InnerAggregate *
get_inner(FunctionCallInfo fcinfo, bool finish)
{
	InnerAggregate *inner = fcinfo->flinfo->fn_extra;
	ArrayType  *types;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("aggregate, argument_types and collation_ must not be null")));
	if (inner == NULL)
	{
		inner = prepare_inner(fcinfo, fcinfo->flinfo->fn_mcxt);
		check_state_type(inner, get_fn_expr_argtype(fcinfo->flinfo, 4));
		if (finish)
			check_result_type(inner, get_fn_expr_argtype(fcinfo->flinfo, 5));
		fcinfo->flinfo->fn_extra = inner;
		return inner;
	}
	types = PG_GETARG_ARRAYTYPE_P(2);
	if (inner->call.aggregate != PG_GETARG_OID(1) ||
		inner->call.collation != PG_GETARG_OID(3) ||
		VARSIZE(types) != VARSIZE(inner->argument_types) ||
		memcmp(types, inner->argument_types, VARSIZE(types)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("aggregate, argument_types and collation_ must be the same for all rows")));
	return inner;
}

static GroupState *
start_group(InnerAggregate *inner, MemoryContext context)
{
	GroupState *group = MemoryContextAlloc(context, sizeof(GroupState));
	MemoryContext caller = MemoryContextSwitchTo(context);

	group->inner = inner;
	group->isnull = inner->initisnull;
	group->novalue = inner->initisnull;
	group->value = inner->initisnull ? (Datum) 0 :
		datumCopy(inner->initvalue, inner->transbyval, inner->translen);
	MemoryContextSwitchTo(caller);
	return group;
}

/* Replace the transition value, as ExecAggTransReparent() does. */
static void
set_value(GroupState *group, Datum value, bool isnull, MemoryContext context)
{
	InnerAggregate *inner = group->inner;
	MemoryContext caller;

	if (!inner->transbyval && DatumGetPointer(value) != DatumGetPointer(group->value))
	{
		caller = MemoryContextSwitchTo(context);
		if (isnull)
			value = (Datum) 0;
		else if (!DatumIsReadWriteExpandedObject(value, false, inner->translen) ||
				 MemoryContextGetParent(DatumGetEOHP(value)->eoh_context) != context)
			value = datumCopy(value, false, inner->translen);
		if (!group->isnull)
		{
			if (DatumIsReadWriteExpandedObject(group->value, false, inner->translen))
				DeleteExpandedObject(group->value);
			else
				pfree(DatumGetPointer(group->value));
		}
		MemoryContextSwitchTo(caller);
	}
	group->value = value;
	group->isnull = isnull;
}

/*
 * Deserialize into the caller's (per-tuple) memory.  False: a null that a
 * strict function is not to see, so this state is skipped altogether.
 */
static bool
deserialize_state(InnerAggregate *inner, fmNodePtr context, NullableDatum *state)
{
	LOCAL_FCINFO(fcinfo, 2);

	if (state->isnull && inner->deserialfn.fn_strict)
		return false;
	InitFunctionCallInfoData(*fcinfo, &inner->deserialfn, 2, InvalidOid, context, NULL);
	fcinfo->args[0].isnull = state->isnull;
	fcinfo->args[0].value = state->isnull ? (Datum) 0 :
		PointerGetDatum(ks_state_unwrap(state->value, inner->call.identity));
	fcinfo->args[1].value = PointerGetDatum(NULL);
	fcinfo->args[1].isnull = false;
	state->value = FunctionCallInvoke(fcinfo);
	state->isnull = fcinfo->isnull;
	return true;
}

static void
combine_state(GroupState *group, fmNodePtr context, NullableDatum state, MemoryContext memory)
{
	InnerAggregate *inner = group->inner;
	LOCAL_FCINFO(fcinfo, 2);
	Datum		result;

	if (inner->call.transtype == INTERNALOID && !deserialize_state(inner, context, &state))
		return;
	if (inner->combinefn.fn_strict)
	{
		if (state.isnull)
			return;
		if (group->novalue)
		{
			set_value(group, state.value, false, memory);
			group->novalue = false;
			return;
		}
		if (group->isnull)
			return;
	}
	InitFunctionCallInfoData(*fcinfo, &inner->combinefn, 2, inner->call.collation, context, NULL);
	fcinfo->args[0].value = group->value;
	fcinfo->args[0].isnull = group->isnull;
	fcinfo->args[1] = state;
	result = FunctionCallInvoke(fcinfo);
	set_value(group, result, fcinfo->isnull, memory);
	group->novalue = false;
}

static Datum
advance(FunctionCallInfo fcinfo, bool finish)
{
	MemoryContext memory = ks_group_memory(fcinfo);
	InnerAggregate *inner = get_inner(fcinfo, finish);
	GroupState *group = PG_ARGISNULL(0) ? start_group(inner, memory) :
		(GroupState *) PG_GETARG_POINTER(0);

	combine_state(group, fcinfo->context, fcinfo->args[4], memory);
	PG_RETURN_POINTER(group);
}

Datum
ks_finish_trans(PG_FUNCTION_ARGS)
{
	return advance(fcinfo, true);
}

Datum
ks_merge_trans(PG_FUNCTION_ARGS)
{
	return advance(fcinfo, false);
}

static Datum
read_only_value(const GroupState *group)
{
	return MakeExpandedObjectReadOnly(group->value, group->isnull, group->inner->translen);
}

/* What the inner aggregate's final function makes of the combined states. */
Datum
ks_finish_final(PG_FUNCTION_ARGS)
{
	GroupState *group;
	InnerAggregate *inner;
	LOCAL_FCINFO(final, FUNC_MAX_ARGS);
	Datum		result;

	(void) ks_group_memory(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();		/* no row, so no aggregate known */
	group = (GroupState *) PG_GETARG_POINTER(0);
	inner = group->inner;
	if (!OidIsValid(inner->call.finalfn))
	{
		fcinfo->isnull = group->isnull;
		return read_only_value(group);
	}

	if (inner->finalfn.fn_strict && (group->isnull || inner->nfinalargs > 1))
		PG_RETURN_NULL();
	InitFunctionCallInfoData(*final, &inner->finalfn, inner->nfinalargs,
							 inner->call.collation, fcinfo->context, NULL);
	final->args[0].value = read_only_value(group);
	final->args[0].isnull = group->isnull;
	for (int i = 1; i < inner->nfinalargs; i++)
		final->args[i] = (NullableDatum) {.isnull = true};
	result = FunctionCallInvoke(final);
	fcinfo->isnull = final->isnull;
	return result;
}

/* The combined states as one state. */
Datum
ks_merge_final(PG_FUNCTION_ARGS)
{
	GroupState *group;
	InnerAggregate *inner;
	LOCAL_FCINFO(serial, 1);
	Datum		result;

	(void) ks_group_memory(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	group = (GroupState *) PG_GETARG_POINTER(0);
	inner = group->inner;
	if (inner->call.transtype != INTERNALOID)
	{
		fcinfo->isnull = group->isnull;
		return read_only_value(group);
	}

	if (inner->serialfn.fn_strict && group->isnull)
		PG_RETURN_NULL();
	InitFunctionCallInfoData(*serial, &inner->serialfn, 1, InvalidOid, fcinfo->context, NULL);
	serial->args[0].value = group->value;
	serial->args[0].isnull = group->isnull;
	result = FunctionCallInvoke(serial);
	if (serial->isnull)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(ks_state_wrap(inner->call.identity, DatumGetByteaPP(result)));
}
