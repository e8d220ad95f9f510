/*
 * One aggregate call, resolved: which functions work on its states, and of
 * what types these are.  What the parser and nodeAgg.c know of an Aggref, from
 * the aggregate's OID and its actual argument types alone.
 */
#ifndef KS_AGGREGATE_CALL_H
#define KS_AGGREGATE_CALL_H

#include "postgres.h"

typedef struct KsAggregateCall
{
	Oid			aggregate;
	Oid			collation;		/* of the arguments; InvalidOid if none */
	int			nargs;
	Oid			argtypes[FUNC_MAX_ARGS];
	Oid			transtype;		/* polymorphic ones resolved */
	Oid			resulttype;		/* same */
	Oid			transfn;
	Oid			combinefn;
	Oid			finalfn;		/* InvalidOid: the state is the result */
	bool		finalextra;		/* finalfn takes nulls of the argument types */
	Oid			serialfn;		/* both InvalidOid unless transtype is internal */
	Oid			deserialfn;
	uint64		identity;		/* of its kafka_stream.states; 0 unless internal */
} KsAggregateCall;

/*
 * Fill 'call', whose aggregate, collation, nargs and argtypes are set.  Raises
 * ERRCODE_WRONG_OBJECT_TYPE for what is no plain aggregate,
 * ERRCODE_FEATURE_NOT_SUPPORTED for one whose states cannot be combined or
 * stored, ERRCODE_DATATYPE_MISMATCH for argument types that do not fit.
 */
extern void ks_aggregate_call_resolve(KsAggregateCall *call);

#endif
