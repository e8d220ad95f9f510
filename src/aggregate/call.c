/*
 * Resolving one aggregate call; see call.h.
 *
 * The arguments come from anybody (kafka_stream.finish() is public), so
 * nothing is taken for granted: a wrong type here would be a wrong pointer in
 * somebody's combine function.
 */
#include "postgres.h"

#include <ctype.h>

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "lib/stringinfo.h"
#include "parser/parse_agg.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "aggregate/call.h"

static void
read_pg_aggregate(KsAggregateCall *call)
{
	HeapTuple	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(call->aggregate));
	Form_pg_aggregate form;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s is not an aggregate function",
						format_procedure(call->aggregate))));
	form = (Form_pg_aggregate) GETSTRUCT(tuple);
	if (form->aggkind != AGGKIND_NORMAL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s is an ordered-set aggregate",
						format_procedure(call->aggregate)),
				 errdetail("States of ordered-set aggregates cannot be combined.")));
	if (!OidIsValid(form->aggcombinefn))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("aggregate %s has no combine function",
						format_procedure(call->aggregate))));
	call->transfn = form->aggtransfn;
	call->combinefn = form->aggcombinefn;
	call->finalfn = form->aggfinalfn;
	call->finalextra = form->aggfinalextra;
	call->transtype = form->aggtranstype;
	call->serialfn = form->aggserialfn;
	call->deserialfn = form->aggdeserialfn;
	ReleaseSysCache(tuple);

	if (call->transtype == INTERNALOID &&
		(!OidIsValid(call->serialfn) || !OidIsValid(call->deserialfn)))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("aggregate %s has no serialize function",
						format_procedure(call->aggregate))));
}

/* Types a value can have; record and unknown are argument types in real calls. */
static bool
is_value_type(Oid type)
{
	return type == RECORDOID || type == RECORDARRAYOID || type == UNKNOWNOID ||
		(SearchSysCacheExists1(TYPEOID, ObjectIdGetDatum(type)) &&
		 get_typtype(type) != TYPTYPE_PSEUDO);
}

/*
 * Do the actual argument types fit the declared ones?  The parser has put in
 * coercions before an Aggref exists, so only polymorphic types may differ.
 */
static void
check_argument_types(const KsAggregateCall *call, const Oid *declared, int ndeclared)
{
	for (int i = 0; i < call->nargs; i++)
	{
		bool		open = declared[i] == ANYOID || IsPolymorphicType(declared[i]);

		if (open ? is_value_type(call->argtypes[i]) : call->argtypes[i] == declared[i])
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("argument %d of aggregate %s cannot be of type %s", i + 1,
						format_procedure(call->aggregate),
						format_type_be(call->argtypes[i]))));
	}
}

static void
resolve_types(KsAggregateCall *call)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(call->aggregate));
	Form_pg_proc form;
	Oid			declared[FUNC_MAX_ARGS];
	int			ndeclared;
	bool		any_variadic;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", call->aggregate);
	form = (Form_pg_proc) GETSTRUCT(tuple);
	ndeclared = form->pronargs;
	any_variadic = form->provariadic == ANYOID;
	call->resulttype = form->prorettype;
	memcpy(declared, form->proargtypes.values, ndeclared * sizeof(Oid));
	ReleaseSysCache(tuple);

	if (call->nargs < ndeclared || (call->nargs > ndeclared && !any_variadic))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("aggregate %s does not take %d arguments",
						format_procedure(call->aggregate), call->nargs)));
	for (int i = ndeclared; i < call->nargs; i++)
		declared[i] = ANYOID;
	check_argument_types(call, declared, ndeclared);

	call->resulttype = enforce_generic_type_consistency(call->argtypes, declared,
														call->nargs, call->resulttype, false);
	call->transtype = resolve_aggregate_transtype(call->aggregate, call->transtype,
												  call->argtypes, call->nargs);
}

/* OIDs of built-in types are the same everywhere; others go by name, as in a dump. */
static void
append_type_identity(StringInfo key, Oid type)
{
	if (type < FirstGenbkiObjectId)
		appendStringInfo(key, ",%u", type);
	else
		appendStringInfo(key, ",%s", format_type_be_qualified(type));
}

/* The module's name without folder and version: libraries get new versions. */
static void
append_module_identity(StringInfo key, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	for (const char *c = name; *c && !(c[0] == '-' && isdigit((unsigned char) c[1])); c++)
		appendStringInfoChar(key, *c);
}

/* Module and symbol of a C function: they survive ALTER ... RENAME and SET SCHEMA. */
static void
append_function_identity(StringInfo key, Oid function)
{
	HeapTuple	tuple;
	Datum		value;
	bool		isnull;

	if (!OidIsValid(function))
	{
		appendStringInfoChar(key, ',');
		return;
	}
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	value = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_probin, &isnull);
	if (!isnull)
		append_module_identity(key, TextDatumGetCString(value));
	value = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull);
	appendStringInfo(key, ":%s,", TextDatumGetCString(value));
	ReleaseSysCache(tuple);
}

static uint64
hash_identity(const StringInfoData *key)
{
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	pg_cryptohash_ctx *hash = pg_cryptohash_create(PG_SHA256);
	uint64		identity;

	if (hash == NULL || pg_cryptohash_init(hash) < 0 ||
		pg_cryptohash_update(hash, (uint8 *) key->data, key->len) < 0 ||
		pg_cryptohash_final(hash, digest, sizeof(digest)) < 0)
		elog(ERROR, "could not compute a hash: %s", pg_cryptohash_error(hash));
	pg_cryptohash_free(hash);
	memcpy(&identity, digest, sizeof(identity));
	return identity;
}

/*
 * Who may read these bytes: the C code that wrote them, and that of the
 * aggregate as a whole, with these argument types.  Aggregates that share a
 * deserialize function may still expect different things of a state.  A
 * cryptographic hash, because names of types are for anybody to choose.
 */
static uint64
state_identity(const KsAggregateCall *call)
{
	StringInfoData key;

	initStringInfo(&key);
	append_function_identity(&key, call->transfn);
	append_function_identity(&key, call->combinefn);
	append_function_identity(&key, call->finalfn);
	append_function_identity(&key, call->deserialfn);
	for (int i = 0; i < call->nargs; i++)
		append_type_identity(&key, call->argtypes[i]);
	return hash_identity(&key);
}

void
ks_aggregate_call_resolve(KsAggregateCall *call)
{
	read_pg_aggregate(call);
	resolve_types(call);
	call->identity = 0;
	if (call->transtype == INTERNALOID)
		call->identity = state_identity(call);
}
