/*
 * Aggregates over the distinct values of a group, exact and mergeable:
 * count_distinct, collect_set, sum_distinct, avg_distinct.
 *
 * All share one state: the values, each once, in the order they came, and from
 * SMALL_SET values on a hash table of their places.  What is equal is what
 * the type's equality operator says under the call's collation, as in
 * DISTINCT.  Of equal values that look different (1.0 and 1.00) the one with
 * the smaller bytes stays, so that results do not depend on order.
 *
 * A state lives in the aggregate's context; final functions do not change it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "base/compat.h"
#include "aggregate/element.h"
#include "aggregate/group_memory.h"
#include "aggregate/replay.h"

#define SMALL_SET 16

typedef struct DistinctSet
{
	KsElement  *element;
	TypeCacheEntry *functions;	/* equality and hash of the type */
	Oid			collation;
	uint32		n;
	uint32		allocated;
	Datum	   *values;
	struct places_hash *places; /* NULL: not built (yet) */
	MemoryContext context;		/* of all of this */
} DistinctSet;

typedef struct Place
{
	uint32		index;			/* in values */
	uint32		hash;
	char		status;
} Place;

static uint32
hash_value(const DistinctSet *set, uint32 index)
{
	return DatumGetUInt32(FunctionCall1Coll(&set->functions->hash_proc_finfo,
											set->collation, set->values[index]));
}

static bool
equal_values(const DistinctSet *set, uint32 a, uint32 b)
{
	return a == b ||
		DatumGetBool(FunctionCall2Coll(&set->functions->eq_opr_finfo, set->collation,
									   set->values[a], set->values[b]));
}

#define SH_PREFIX places
#define SH_ELEMENT_TYPE Place
#define SH_KEY_TYPE uint32
#define SH_KEY index
#define SH_HASH_KEY(tb, key) hash_value((tb)->private_data, key)
#define SH_EQUAL(tb, a, b) equal_values((tb)->private_data, a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) ((a)->hash)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

PG_FUNCTION_INFO_V1(ks_distinct_trans);
PG_FUNCTION_INFO_V1(ks_distinct_combine);
PG_FUNCTION_INFO_V1(ks_distinct_serialize);
PG_FUNCTION_INFO_V1(ks_distinct_deserialize);
PG_FUNCTION_INFO_V1(ks_distinct_count);
PG_FUNCTION_INFO_V1(ks_distinct_array);
PG_FUNCTION_INFO_V1(ks_distinct_sum);
PG_FUNCTION_INFO_V1(ks_distinct_avg);

static DistinctSet *
create_set(MemoryContext context, KsElement *element, uint32 allocated)
{
	MemoryContext caller = MemoryContextSwitchTo(context);
	DistinctSet *set = palloc0(sizeof(DistinctSet));

	set->element = element;
	set->functions = lookup_type_cache(element->type,
									   TYPECACHE_EQ_OPR_FINFO | TYPECACHE_HASH_PROC_FINFO);
	if (!OidIsValid(set->functions->eq_opr) || !OidIsValid(set->functions->hash_proc))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("could not identify a hash function for type %s",
						format_type_be(element->type)),
				 errhint("Convert the argument, for example to text.")));
	set->allocated = Max(allocated, 4);
	set->values = MemoryContextAllocHuge(context, set->allocated * sizeof(Datum));
	set->context = context;
	MemoryContextSwitchTo(caller);
	return set;
}

/* Place of the value at values[n] among those before it; n itself if it is new. */
static uint32
find_place(DistinctSet *set)
{
	bool		found;

	if (set->n < SMALL_SET && set->places == NULL)
	{
		for (uint32 i = 0; i < set->n; i++)
			if (equal_values(set, i, set->n))
				return i;
		return set->n;
	}
	if (set->places == NULL)
	{
		set->places = places_create(set->context, set->n * 2, set);
		for (uint32 i = 0; i < set->n; i++)
			places_insert(set->places, i, &found);
	}
	return places_insert(set->places, set->n, &found)->index;
}

static void
add_value(DistinctSet *set, Datum value)
{
	MemoryContext caller;
	uint32		place;

	if (set->n == set->allocated)
	{
		if (set->n > PG_INT32_MAX / 2)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("too many distinct values in one group")));
		set->allocated *= 2;
		set->values = repalloc_huge(set->values, set->allocated * sizeof(Datum));
	}
	set->values[set->n] = value;
	place = find_place(set);

	caller = MemoryContextSwitchTo(set->context);
	if (place == set->n)
		set->values[set->n++] = ks_element_copy(set->element, value);
	else if (ks_element_compare(set->element, value, set->values[place]) < 0)
	{
		if (!set->element->byval)
			pfree(DatumGetPointer(set->values[place]));
		set->values[place] = ks_element_copy(set->element, value);
	}
	MemoryContextSwitchTo(caller);
}

Datum
ks_distinct_trans(PG_FUNCTION_ARGS)
{
	MemoryContext context = ks_group_memory(fcinfo);
	DistinctSet *set = PG_ARGISNULL(0) ? NULL : (DistinctSet *) PG_GETARG_POINTER(0);
	Datum		value;

	if (PG_ARGISNULL(1))
	{
		if (set == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(set);
	}
	if (set == NULL)
		set = create_set(context,
						 ks_element_get(fcinfo, get_fn_expr_argtype(fcinfo->flinfo, 1)), 0);
	set->collation = PG_GET_COLLATION();
	value = PG_GETARG_DATUM(1);
	if (set->element->len == -1)
		value = PointerGetDatum(PG_DETOAST_DATUM_PACKED(value));
	add_value(set, value);
	PG_RETURN_POINTER(set);
}

Datum
ks_distinct_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = ks_group_memory(fcinfo);
	DistinctSet *set = PG_ARGISNULL(0) ? NULL : (DistinctSet *) PG_GETARG_POINTER(0);
	DistinctSet *other;

	if (PG_ARGISNULL(1))
	{
		if (set == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(set);
	}
	other = (DistinctSet *) PG_GETARG_POINTER(1);
	if (set == NULL)
		set = create_set(context, other->element, other->n);
	set->collation = PG_GET_COLLATION();
	for (uint32 i = 0; i < other->n; i++)
		add_value(set, other->values[i]);
	PG_RETURN_POINTER(set);
}

Datum
ks_distinct_serialize(PG_FUNCTION_ARGS)
{
	DistinctSet *set;
	StringInfoData buf;

	(void) ks_group_memory(fcinfo);
	set = (DistinctSet *) PG_GETARG_POINTER(0);
	pq_begintypsend(&buf);
	ks_element_write_type(&buf, set->element->type);
	appendBinaryStringInfo(&buf, (char *) &set->n, sizeof(set->n));
	for (uint32 i = 0; i < set->n; i++)
		ks_element_write(set->element, &buf, set->values[i]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/* The values only: places are looked for when values are added. */
Datum
ks_distinct_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *bytes;
	StringInfoData buf;
	KsElement  *element;
	DistinctSet *set;
	uint32		n;

	(void) ks_group_memory(fcinfo);
	bytes = PG_GETARG_BYTEA_PP(0);
	buf = (StringInfoData) {.data = VARDATA_ANY(bytes), .len = VARSIZE_ANY_EXHDR(bytes)};
	element = ks_element_get(fcinfo, ks_element_read_type(&buf));
	pq_copymsgbytes(&buf, (char *) &n, sizeof(n));
	set = create_set(CurrentMemoryContext, element, n);
	for (; set->n < n; set->n++)
		set->values[set->n] = ks_element_read(element, &buf);
	pq_getmsgend(&buf);
	PG_RETURN_POINTER(set);
}

static int
compare_sorted(const void *a, const void *b, void *arg)
{
	const DistinctSet *set = arg;

	return DatumGetInt32(FunctionCall2Coll(&set->functions->cmp_proc_finfo, set->collation,
										   *(const Datum *) a, *(const Datum *) b));
}

/* The values in the type's default order, in CurrentMemoryContext. */
static Datum *
sorted_values(DistinctSet *set, Oid collation)
{
	Datum	   *values = MemoryContextAllocHuge(CurrentMemoryContext, Max(set->n, 1) * sizeof(Datum));

	set->functions = lookup_type_cache(set->element->type,
									   TYPECACHE_EQ_OPR_FINFO | TYPECACHE_HASH_PROC_FINFO |
									   TYPECACHE_CMP_PROC_FINFO);
	if (!OidIsValid(set->functions->cmp_proc))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("could not identify a comparison function for type %s",
						format_type_be(set->element->type))));
	set->collation = collation;
	memcpy(values, set->values, set->n * sizeof(Datum));
	qsort_arg(values, set->n, sizeof(Datum), compare_sorted, set);
	return values;
}

Datum
ks_distinct_count(PG_FUNCTION_ARGS)
{
	(void) ks_group_memory(fcinfo);
	PG_RETURN_INT64(PG_ARGISNULL(0) ? 0 : ((DistinctSet *) PG_GETARG_POINTER(0))->n);
}

/* The values as a sorted array; empty, not null, if there are none. */
Datum
ks_distinct_array(PG_FUNCTION_ARGS)
{
	DistinctSet *set;
	KsElement  *element;
	Datum	   *values;

	(void) ks_group_memory(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(get_element_type(get_fn_expr_rettype(fcinfo->flinfo))));
	set = (DistinctSet *) PG_GETARG_POINTER(0);
	element = set->element;
	values = sorted_values(set, PG_GET_COLLATION());
	PG_RETURN_ARRAYTYPE_P(construct_array(values, set->n, element->type,
										  element->len, element->byval, element->align));
}

/* An aggregate of core over the sorted values, as DISTINCT hands them over. */
static Datum
replay_sorted(FunctionCallInfo fcinfo, const char *name)
{
	DistinctSet *set = PG_ARGISNULL(0) ? NULL : (DistinctSet *) PG_GETARG_POINTER(0);
	Datum	   *values = set == NULL ? NULL : sorted_values(set, PG_GET_COLLATION());

	return ks_aggregate_replay(fcinfo, name, get_fn_expr_argtype(fcinfo->flinfo, 1),
							   values, set == NULL ? 0 : set->n, &fcinfo->isnull);
}

Datum
ks_distinct_sum(PG_FUNCTION_ARGS)
{
	(void) ks_group_memory(fcinfo);
	return replay_sorted(fcinfo, "sum");
}

Datum
ks_distinct_avg(PG_FUNCTION_ARGS)
{
	(void) ks_group_memory(fcinfo);
	return replay_sorted(fcinfo, "avg");
}
