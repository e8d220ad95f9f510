/*
 * How the state of an aggregate call is stored, for whoever builds tables of
 * states and the SQL over them.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "aggregate/call.h"
#include "aggregate/partial.h"
#include "aggregate/state.h"

/* A regtype[] literal, each element quoted whatever it is called. */
static char *
type_array_literal(const Oid *types, int n)
{
	StringInfoData literal;

	initStringInfo(&literal);
	appendStringInfoChar(&literal, '{');
	for (int i = 0; i < n; i++)
	{
		appendStringInfoString(&literal, i == 0 ? "\"" : ",\"");
		for (const char *c = format_type_be_qualified(types[i]); *c; c++)
		{
			if (*c == '"' || *c == '\\')
				appendStringInfoChar(&literal, '\\');
			appendStringInfoChar(&literal, *c);
		}
		appendStringInfoChar(&literal, '"');
	}
	appendStringInfoChar(&literal, '}');
	return literal.data;
}

/* As regcollationin reads it back under any search_path. */
static char *
collation_name(Oid collation)
{
	HeapTuple	tuple;
	Form_pg_collation form;
	char	   *name;

	if (!OidIsValid(collation))
		return "-";
	tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for collation %u", collation);
	form = (Form_pg_collation) GETSTRUCT(tuple);
	name = quote_qualified_identifier(get_namespace_name(form->collnamespace),
									  NameStr(form->collname));
	ReleaseSysCache(tuple);
	return name;
}

static char *
call_prefix(const KsAggregateCall *call)
{
	return psprintf("%s::pg_catalog.regprocedure, %s::pg_catalog.regtype[], %s::pg_catalog.regcollation",
					quote_literal_cstr(format_procedure_qualified(call->aggregate)),
					quote_literal_cstr(type_array_literal(call->argtypes, call->nargs)),
					quote_literal_cstr(collation_name(call->collation)));
}

/* The state's column compares and sorts as the aggregate does. */
static Oid
column_collation(Oid type, const Aggref *aggref)
{
	Oid			collation = get_typcollation(type);

	if (OidIsValid(collation) && OidIsValid(aggref->inputcollid))
		return aggref->inputcollid;
	return collation;
}

void
ks_partial_describe(const Aggref *aggref, KsPartial *partial)
{
	KsAggregateCall call = {.aggregate = aggref->aggfnoid, .collation = aggref->inputcollid};
	ListCell   *lc;

	foreach(lc, aggref->aggargtypes)
		call.argtypes[call.nargs++] = lfirst_oid(lc);
	ks_aggregate_call_resolve(&call);

	partial->internal = call.transtype == INTERNALOID;
	partial->identity = call.identity;
	partial->column_type = partial->internal ? ks_state_type() : call.transtype;
	partial->column_collation = column_collation(partial->column_type, aggref);
	partial->call_prefix = call_prefix(&call);
}
