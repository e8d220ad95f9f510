/*
 * Which aggregate call stands in for another one in a continuous view.
 *
 * A view folds each batch into a state and combines states later, in any
 * order.  DISTINCT and results that depend on order cannot be had that way
 * from the aggregate itself; the extension's own aggregates keep the values
 * (distinct.sql), or values and their place in the stream (ordered.sql).
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "base/compat.h"
#include "aggregate/call.h"
#include "aggregate/element.h"
#include "aggregate/partial.h"

/* What to type instead of aggregates that have no combine function. */
static const struct
{
	const char *name;
	const char *hint;
}			instead[] = {
	{"json_agg", "Use collect_list(), and to_json() of it in a query over the view."},
	{"jsonb_agg", "Use collect_list(), and to_jsonb() of it in a query over the view."},
	{"json_object_agg", "Use array_agg() of keys and of values, and json_object() in a query over the view."},
	{"jsonb_object_agg", "Use array_agg() of keys and of values, and jsonb_object() in a query over the view."},
	{"xmlagg", "Use array_agg(), and xmlagg() in a query over the view."},
	{"percentile_cont", "Use collect_list(), and percentile_cont() over its elements in a query over the view."},
	{"percentile_disc", "Use collect_list(), and percentile_disc() over its elements in a query over the view."},
	{"range_agg", "Use collect_list(), and range_agg() over its elements in a query over the view."},
	{"any_value", "Use min() or max(), which give the same value on every replay."},
	{"mode", "Use collect_list(), and mode() over its elements in a query over the view."},
};

static const char *
hint_for(const char *name)
{
	for (int i = 0; i < lengthof(instead); i++)
		if (strcmp(name, instead[i].name) == 0)
			return instead[i].hint;
	return "Make an aggregate with a combine function: CREATE AGGREGATE ... (..., COMBINEFUNC = ...).";
}

static bool
is_named(Oid function, const char *schema, const char *name)
{
	return get_func_namespace(function) == get_namespace_oid(schema, false) &&
		strcmp(get_func_name(function), name) == 0;
}

static bool
is_set_aggregate(Oid function)
{
	return is_named(function, "kafka_stream", "collect_set") ||
		is_named(function, "kafka_stream", "count_distinct");
}

/* Aggregates for which it makes no difference how often a value comes. */
static bool
distinct_is_irrelevant(Oid function)
{
	static const char *const core[] = {"min", "max", "bool_and", "bool_or", "every",
	"bit_and", "bit_or"};

	for (int i = 0; i < lengthof(core); i++)
		if (is_named(function, "pg_catalog", core[i]))
			return true;
	return is_set_aggregate(function);
}

/* Can its states be combined and stored? */
static bool
has_combine_function(Oid function, bool *storable)
{
	HeapTuple	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(function));
	Form_pg_aggregate form;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for aggregate %u", function);
	form = (Form_pg_aggregate) GETSTRUCT(tuple);
	result = OidIsValid(form->aggcombinefn);
	*storable = form->aggtranstype != INTERNALOID ||
		(OidIsValid(form->aggserialfn) && OidIsValid(form->aggdeserialfn));
	ReleaseSysCache(tuple);
	return result;
}

/* Can a column hold its states?  max(record), for one, has states of type record. */
static bool
has_column_type(const Aggref *aggref, Oid *transtype)
{
	KsAggregateCall call = {.aggregate = aggref->aggfnoid};
	ListCell   *lc;

	foreach(lc, aggref->aggargtypes)
		call.argtypes[call.nargs++] = lfirst_oid(lc);
	ks_aggregate_call_resolve(&call);
	*transtype = call.transtype;
	return call.transtype == INTERNALOID || get_typtype(call.transtype) != TYPTYPE_PSEUDO;
}

/* Our aggregate of that name with these declared types. */
static Oid
own_aggregate(const char *name, int nargs, const Oid *types, bool missing_ok)
{
	return LookupFuncName(list_make2(makeString("kafka_stream"), makeString(pstrdup(name))),
						  nargs, types, missing_ok);
}

/*
 * 'aggref' with another function over its first 'nkeep' arguments and then
 * 'more' (expressions), without DISTINCT.
 */
static Aggref *
stand_in(const Aggref *aggref, Oid function, int nkeep, List *more)
{
	Aggref	   *result = copyObject((Aggref *) aggref);
	ListCell   *lc;

	Assert(get_func_rettype(function) == aggref->aggtype ||
		   IsPolymorphicType(get_func_rettype(function)));
	result->aggfnoid = function;
	result->aggtranstype = InvalidOid;
	result->aggdistinct = NIL;
	result->aggorder = NIL;
	result->args = list_truncate(result->args, nkeep);
	result->aggargtypes = list_truncate(result->aggargtypes, nkeep);
	foreach(lc, result->args)
		lfirst_node(TargetEntry, lc)->ressortgroupref = 0;
	foreach(lc, more)
	{
		Expr	   *expr = copyObject((Expr *) lfirst(lc));

		result->args = lappend(result->args,
							   makeTargetEntry(expr, list_length(result->args) + 1, NULL, false));
		result->aggargtypes = lappend_oid(result->aggargtypes, exprType((Node *) expr));
	}
	return result;
}

/* The ordered aggregate 'name' over the first 'nkeep' arguments and the row's place. */
static Aggref *
ordered_stand_in(const Aggref *aggref, const char *name, int nkeep, const Oid *keep_types,
				 const KsRowOrder *order)
{
	Oid			types[6];
	Expr	   *topic = order->topic;

	if (topic == NULL)
		topic = (Expr *) makeNullConst(TEXTOID, -1, DEFAULT_COLLATION_OID);
	memcpy(types, keep_types, nkeep * sizeof(Oid));
	types[nkeep] = TIMESTAMPTZOID;
	types[nkeep + 1] = TEXTOID;
	types[nkeep + 2] = INT4OID;
	types[nkeep + 3] = INT8OID;
	return stand_in(aggref, own_aggregate(name, nkeep + 4, types, false), nkeep,
					list_make4(order->event_time, topic, order->partition, order->offset));
}

/* For aggregates that collect values in order; NULL for all others. */
static Aggref *
ordered_version(const Aggref *aggref, const KsRowOrder *order,
				const char **reason, const char **hint)
{
	Oid			function = aggref->aggfnoid;
	Oid			first = list_length(aggref->aggargtypes) > 0 ? linitial_oid(aggref->aggargtypes) : InvalidOid;
	Oid			element[1] = {ANYELEMENTOID};
	Oid			pair[2] = {first, first};

	if (!is_named(function, "kafka_stream", "collect_list") &&
		!is_named(function, "pg_catalog", "string_agg") &&
		!is_named(function, "pg_catalog", "array_agg"))
		return NULL;
	if (!ks_element_storable(first) || OidIsValid(get_element_type(first)))
	{
		*reason = psprintf("a list of values of type %s cannot be kept in a state",
						   format_type_be(first));
		*hint = "Convert the argument, for example with to_jsonb().";
		return NULL;
	}
	if (is_named(function, "kafka_stream", "collect_list"))
		return ordered_stand_in(aggref, "ordered_collect_list", 1, element, order);
	if (is_named(function, "pg_catalog", "string_agg"))
		return ordered_stand_in(aggref, "ordered_string_agg", 2, pair, order);
	return ordered_stand_in(aggref, "ordered_array_agg", 1, element, order);
}

/* Why a type cannot be kept in a (sorted) set, or NULL if it can. */
static const char *
distinct_obstacle(Oid type, bool sorted)
{
	TypeCacheEntry *entry;

	if (!ks_element_storable(type))
		return psprintf("DISTINCT values of type %s cannot be kept in a state",
						format_type_be(type));
	entry = lookup_type_cache(type, TYPECACHE_HASH_PROC | TYPECACHE_CMP_PROC);
	if (!OidIsValid(entry->hash_proc))
		return psprintf("DISTINCT values of type %s cannot be kept in a state, since it has no hash function",
						format_type_be(type));
	if (sorted && !OidIsValid(entry->cmp_proc))
		return psprintf("DISTINCT values of type %s cannot be kept in a state, since they have no order",
						format_type_be(type));
	return NULL;
}

/* What to type instead of an aggregate with DISTINCT that is not to be had. */
static const char *
hint_for_distinct(const Aggref *aggref)
{
	if (is_named(aggref->aggfnoid, "pg_catalog", "array_agg"))
		return "Use collect_set(), which leaves out nulls.";
	if (is_named(aggref->aggfnoid, "pg_catalog", "string_agg"))
		return "Use collect_set(), and array_to_string() of it in a query over the view.";
	if (list_length(aggref->aggargtypes) > 1)
		return "Use collect_set(jsonb_build_array(...)), and the aggregate over its elements in a query over the view.";
	return "Use collect_set(), and the aggregate over its elements in a query over the view.";
}

static Aggref *
distinct_version(const Aggref *aggref, const char **reason, const char **hint)
{
	Oid			function = aggref->aggfnoid;
	const char *name = get_func_name(function);
	Oid			declared = ANYELEMENTOID;
	const char *own = NULL;
	Oid			own_function = InvalidOid;

	if (is_named(function, "pg_catalog", "count"))
		own = "count_distinct";
	else if (is_named(function, "pg_catalog", "sum") || is_named(function, "pg_catalog", "avg"))
	{
		own = psprintf("%s_distinct", name);
		declared = linitial_oid(aggref->aggargtypes);
	}
	if (own != NULL && list_length(aggref->aggargtypes) == 1)
	{
		*reason = distinct_obstacle(linitial_oid(aggref->aggargtypes), strcmp(name, "count") != 0);
		if (*reason != NULL)
		{
			*hint = "Convert the argument, for example to text or with jsonb_build_array().";
			return NULL;
		}
		own_function = own_aggregate(own, 1, &declared, true);
	}
	if (!OidIsValid(own_function))
	{
		*reason = psprintf("aggregate %s cannot be used with DISTINCT", name);
		*hint = hint_for_distinct(aggref);
		return NULL;
	}
	return stand_in(aggref, own_function, 1, NIL);
}

/* The aggregate itself, if its states can be combined and stored. */
static Aggref *
plain_version(const Aggref *aggref, const char **reason, const char **hint)
{
	const char *name = get_func_name(aggref->aggfnoid);
	Oid			transtype;
	bool		storable;

	if (!has_combine_function(aggref->aggfnoid, &storable))
	{
		*reason = psprintf("aggregate %s has no combine function", name);
		*hint = hint_for(name);
	}
	else if (!storable)
	{
		*reason = psprintf("aggregate %s has no serialize function", name);
		*hint = "Make an aggregate with one: CREATE AGGREGATE ... (..., SERIALFUNC = ..., DESERIALFUNC = ...).";
	}
	else if (!has_column_type(aggref, &transtype))
	{
		*reason = psprintf("states of aggregate %s are of type %s, which no column can have",
						   name, format_type_be(transtype));
		*hint = "Convert the argument to a type with a name.";
	}
	else
		return stand_in(aggref, aggref->aggfnoid, list_length(aggref->args), NIL);
	return NULL;
}

Aggref *
ks_aggregate_mergeable(const Aggref *aggref, const KsRowOrder *order,
					   const char **reason, const char **hint)
{
	const char *name = get_func_name(aggref->aggfnoid);
	Aggref	   *ordered;

	*reason = NULL;
	*hint = NULL;
	if (aggref->aggkind != AGGKIND_NORMAL)
	{
		*reason = psprintf("ordered-set aggregate %s has no combine function", name);
		*hint = hint_for(name);
		return NULL;
	}
	/* What a window holds must not depend on where batches end. */
	if (is_named(aggref->aggfnoid, "pg_catalog", "any_value"))
	{
		*reason = psprintf("%s may give any of its values", name);
		*hint = hint_for(name);
		return NULL;
	}
	if (aggref->aggorder != NIL)
	{
		*reason = psprintf("ORDER BY inside aggregate %s is not supported", name);
		*hint = "Leave it out: what depends on order is in order of event time, topic, partition and offset.";
		return NULL;
	}
	if (is_set_aggregate(aggref->aggfnoid))
	{
		*reason = distinct_obstacle(linitial_oid(aggref->aggargtypes),
									is_named(aggref->aggfnoid, "kafka_stream", "collect_set"));
		if (*reason != NULL)
		{
			*hint = "Convert the argument, for example to text or with jsonb_build_array().";
			return NULL;
		}
	}
	if (aggref->aggdistinct != NIL && !distinct_is_irrelevant(aggref->aggfnoid))
		return distinct_version(aggref, reason, hint);

	ordered = ordered_version(aggref, order, reason, hint);
	if (ordered != NULL || *reason != NULL)
		return ordered;
	return plain_version(aggref, reason, hint);
}
