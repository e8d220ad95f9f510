/*
 * Lists of values in the order of their rows in a stream, mergeable:
 * ordered_array_agg, ordered_collect_list, ordered_string_agg; and
 * collect_list, which takes values as they come.
 *
 * A state keeps each value with its row's place: event time, topic, partition
 * (null: rows that came by INSERT), offset.  Final functions sort by place,
 * nulls last, topics by bytes; so the result does not depend on how rows came
 * in batches or states were combined.  Values of one row (of a join) that have
 * the same place are in the order of their bytes, nulls last.
 *
 * A state lives in the aggregate's context; final functions do not change it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "aggregate/element.h"
#include "aggregate/group_memory.h"

/* What an item has not, and what it shares with the item before. */
#define NO_VALUE		0x01
#define NO_TIME			0x02
#define NO_TOPIC		0x04
#define NO_PARTITION	0x08
#define NO_OFFSET		0x10
#define NO_DELIMITER	0x20
#define SAME_TOPIC		0x40	/* serialized form only */
#define SAME_DELIMITER	0x80	/* same */

typedef struct Item
{
	Datum		value;
	struct varlena *delimiter;	/* before the value; shared among items */
	struct varlena *topic;		/* shared among items */
	TimestampTz event_time;
	int64		offset;
	int32		partition;
	uint8		flags;
} Item;

typedef struct ItemList
{
	KsElement  *element;
	bool		placed;			/* items have places, sort by them */
	uint32		n;
	uint32		allocated;
	Item	   *items;
	MemoryContext context;
} ItemList;

PG_FUNCTION_INFO_V1(ks_list_trans);
PG_FUNCTION_INFO_V1(ks_ordered_array_trans);
PG_FUNCTION_INFO_V1(ks_ordered_list_trans);
PG_FUNCTION_INFO_V1(ks_ordered_string_trans);
PG_FUNCTION_INFO_V1(ks_ordered_combine);
PG_FUNCTION_INFO_V1(ks_ordered_serialize);
PG_FUNCTION_INFO_V1(ks_ordered_deserialize);
PG_FUNCTION_INFO_V1(ks_ordered_array_final);
PG_FUNCTION_INFO_V1(ks_ordered_list_final);
PG_FUNCTION_INFO_V1(ks_ordered_string_final);

static ItemList *
create_list(MemoryContext context, KsElement *element, bool placed, uint32 allocated)
{
	ItemList   *list = MemoryContextAllocZero(context, sizeof(ItemList));

	list->element = element;
	list->placed = placed;
	list->allocated = Max(allocated, 4);
	list->items = MemoryContextAllocHuge(context, list->allocated * sizeof(Item));
	list->context = context;
	return list;
}

static bool
same_bytes(const struct varlena *a, const struct varlena *b)
{
	return a != NULL && b != NULL && VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

/* 'bytes' as the list keeps it: the item before may have the same already. */
static struct varlena *
keep_shared(struct varlena *bytes, struct varlena *before)
{
	if (bytes == NULL || same_bytes(bytes, before))
		return bytes == NULL ? NULL : before;
	return PG_DETOAST_DATUM_COPY(PointerGetDatum(bytes));
}

/* Append a copy of 'item', which may point anywhere. */
static void
add_item(ItemList *list, const Item *item)
{
	MemoryContext caller = MemoryContextSwitchTo(list->context);
	const Item *before;
	Item	   *kept;

	if (list->n == list->allocated)
	{
		if (list->n > PG_INT32_MAX / 2)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("too many values in one group")));
		list->allocated *= 2;
		list->items = repalloc_huge(list->items, list->allocated * sizeof(Item));
	}
	before = list->n > 0 ? &list->items[list->n - 1] : NULL;
	kept = &list->items[list->n];
	*kept = *item;
	if (!(item->flags & NO_VALUE))
		kept->value = ks_element_copy(list->element, item->value);
	kept->topic = keep_shared(item->topic, before ? before->topic : NULL);
	kept->delimiter = keep_shared(item->delimiter, before ? before->delimiter : NULL);
	list->n++;
	MemoryContextSwitchTo(caller);
}

/* Fill in the place from arguments 'first' and up: time, topic, partition, offset. */
static void
read_place(FunctionCallInfo fcinfo, int first, Item *item)
{
	if (PG_ARGISNULL(first))
		item->flags |= NO_TIME;
	else
		item->event_time = PG_GETARG_TIMESTAMPTZ(first);
	if (PG_ARGISNULL(first + 1))
		item->flags |= NO_TOPIC;
	else
		item->topic = PG_GETARG_VARLENA_PP(first + 1);
	if (PG_ARGISNULL(first + 2))
		item->flags |= NO_PARTITION;
	else
		item->partition = PG_GETARG_INT32(first + 2);
	if (PG_ARGISNULL(first + 3))
		item->flags |= NO_OFFSET;
	else
		item->offset = PG_GETARG_INT64(first + 3);
}

/*
 * Add the value in argument 1, with its place from argument 'place' on (0: it
 * has none) and perhaps a delimiter in argument 2.
 */
static Datum
add_argument(FunctionCallInfo fcinfo, bool keep_nulls, bool delimited, int place)
{
	MemoryContext context = ks_group_memory(fcinfo);
	ItemList   *list = PG_ARGISNULL(0) ? NULL : (ItemList *) PG_GETARG_POINTER(0);
	Item		item = {0};

	if (PG_ARGISNULL(1) && !keep_nulls)
	{
		if (list == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(list);
	}
	if (list == NULL)
		list = create_list(context,
						   ks_element_get(fcinfo, get_fn_expr_argtype(fcinfo->flinfo, 1)),
						   place > 0, 0);
	item.value = PG_GETARG_DATUM(1);
	item.flags = PG_ARGISNULL(1) ? NO_VALUE : 0;
	if (!delimited || PG_ARGISNULL(2))
		item.flags |= NO_DELIMITER;
	else
		item.delimiter = PG_GETARG_VARLENA_PP(2);
	if (place > 0)
		read_place(fcinfo, place, &item);
	else
		item.flags |= NO_TIME | NO_TOPIC | NO_PARTITION | NO_OFFSET;
	add_item(list, &item);
	PG_RETURN_POINTER(list);
}

Datum
ks_list_trans(PG_FUNCTION_ARGS)
{
	return add_argument(fcinfo, false, false, 0);
}

Datum
ks_ordered_array_trans(PG_FUNCTION_ARGS)
{
	return add_argument(fcinfo, true, false, 2);
}

Datum
ks_ordered_list_trans(PG_FUNCTION_ARGS)
{
	return add_argument(fcinfo, false, false, 2);
}

Datum
ks_ordered_string_trans(PG_FUNCTION_ARGS)
{
	return add_argument(fcinfo, false, true, 3);
}

Datum
ks_ordered_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = ks_group_memory(fcinfo);
	ItemList   *list = PG_ARGISNULL(0) ? NULL : (ItemList *) PG_GETARG_POINTER(0);
	ItemList   *other;

	if (PG_ARGISNULL(1))
	{
		if (list == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(list);
	}
	other = (ItemList *) PG_GETARG_POINTER(1);
	if (list == NULL)
		list = create_list(context, other->element, other->placed, other->n);
	for (uint32 i = 0; i < other->n; i++)
		add_item(list, &other->items[i]);
	PG_RETURN_POINTER(list);
}

static void
write_item(const ItemList *list, StringInfo buf, uint32 i)
{
	const Item *item = &list->items[i];
	const Item *before = i > 0 ? item - 1 : NULL;
	uint8		flags = item->flags;

	if (before && item->topic && item->topic == before->topic)
		flags |= SAME_TOPIC;
	if (before && item->delimiter && item->delimiter == before->delimiter)
		flags |= SAME_DELIMITER;
	appendBinaryStringInfo(buf, (char *) &flags, sizeof(flags));
	if (!(flags & NO_TIME))
		appendBinaryStringInfo(buf, (char *) &item->event_time, sizeof(item->event_time));
	if (!(flags & (NO_TOPIC | SAME_TOPIC)))
		ks_element_write_bytes(buf, VARDATA_ANY(item->topic), VARSIZE_ANY_EXHDR(item->topic));
	if (!(flags & NO_PARTITION))
		appendBinaryStringInfo(buf, (char *) &item->partition, sizeof(item->partition));
	if (!(flags & NO_OFFSET))
		appendBinaryStringInfo(buf, (char *) &item->offset, sizeof(item->offset));
	if (!(flags & (NO_DELIMITER | SAME_DELIMITER)))
		ks_element_write_bytes(buf, VARDATA_ANY(item->delimiter),
							   VARSIZE_ANY_EXHDR(item->delimiter));
	if (!(flags & NO_VALUE))
		ks_element_write(list->element, buf, item->value);
}

static void
read_item(ItemList *list, StringInfo buf, uint32 i)
{
	Item	   *item = &list->items[i];
	const Item *before = i > 0 ? item - 1 : item;
	uint8		flags = pq_getmsgbyte(buf);

	memset(item, 0, sizeof(Item));
	item->flags = flags & ~(SAME_TOPIC | SAME_DELIMITER);
	if (!(flags & NO_TIME))
		pq_copymsgbytes(buf, (char *) &item->event_time, sizeof(item->event_time));
	if (flags & SAME_TOPIC)
		item->topic = before->topic;
	else if (!(flags & NO_TOPIC))
		item->topic = ks_element_read_bytes(buf);
	if (!(flags & NO_PARTITION))
		pq_copymsgbytes(buf, (char *) &item->partition, sizeof(item->partition));
	if (!(flags & NO_OFFSET))
		pq_copymsgbytes(buf, (char *) &item->offset, sizeof(item->offset));
	if (flags & SAME_DELIMITER)
		item->delimiter = before->delimiter;
	else if (!(flags & NO_DELIMITER))
		item->delimiter = ks_element_read_bytes(buf);
	if (!(flags & NO_VALUE))
		item->value = ks_element_read(list->element, buf);
}

Datum
ks_ordered_serialize(PG_FUNCTION_ARGS)
{
	ItemList   *list;
	StringInfoData buf;

	(void) ks_group_memory(fcinfo);
	list = (ItemList *) PG_GETARG_POINTER(0);
	pq_begintypsend(&buf);
	ks_element_write_type(&buf, list->element->type);
	appendStringInfoChar(&buf, list->placed ? 1 : 0);
	appendBinaryStringInfo(&buf, (char *) &list->n, sizeof(list->n));
	for (uint32 i = 0; i < list->n; i++)
		write_item(list, &buf, i);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

Datum
ks_ordered_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *bytes;
	StringInfoData buf;
	KsElement  *element;
	ItemList   *list;
	bool		placed;
	uint32		n;

	(void) ks_group_memory(fcinfo);
	bytes = PG_GETARG_BYTEA_PP(0);
	buf = (StringInfoData) {.data = VARDATA_ANY(bytes), .len = VARSIZE_ANY_EXHDR(bytes)};
	element = ks_element_get(fcinfo, ks_element_read_type(&buf));
	placed = pq_getmsgbyte(&buf) != 0;
	pq_copymsgbytes(&buf, (char *) &n, sizeof(n));
	list = create_list(CurrentMemoryContext, element, placed, n);
	for (; list->n < n; list->n++)
		read_item(list, &buf, list->n);
	pq_getmsgend(&buf);
	PG_RETURN_POINTER(list);
}

static int
compare_bytes(const struct varlena *a, const struct varlena *b)
{
	Size		alen = VARSIZE_ANY_EXHDR(a);
	Size		blen = VARSIZE_ANY_EXHDR(b);
	int			result = memcmp(VARDATA_ANY(a), VARDATA_ANY(b), Min(alen, blen));

	return result != 0 ? result : alen < blen ? -1 : alen > blen;
}

#define COMPARE(a, b) ((a) < (b) ? -1 : (a) > (b))

/*
 * One step of comparing two items: if one of them lacks the field it comes
 * last; if both have it and differ, that decides.
 */
#define COMPARE_FIELD(x, y, missing, comparison) \
	do { \
		int			result_; \
		if (((x)->flags ^ (y)->flags) & (missing)) \
			return ((x)->flags & (missing)) ? 1 : -1; \
		if (!((x)->flags & (missing)) && (result_ = (comparison)) != 0) \
			return result_; \
	} while (0)

static int
compare_items(const void *a, const void *b, void *arg)
{
	const Item *x = *(const Item *const *) a;
	const Item *y = *(const Item *const *) b;

	COMPARE_FIELD(x, y, NO_TIME, COMPARE(x->event_time, y->event_time));
	COMPARE_FIELD(x, y, NO_TOPIC, x->topic == y->topic ? 0 : compare_bytes(x->topic, y->topic));
	COMPARE_FIELD(x, y, NO_PARTITION, COMPARE(x->partition, y->partition));
	COMPARE_FIELD(x, y, NO_OFFSET, COMPARE(x->offset, y->offset));
	COMPARE_FIELD(x, y, NO_VALUE, ks_element_compare(arg, x->value, y->value));
	COMPARE_FIELD(x, y, NO_DELIMITER, compare_bytes(x->delimiter, y->delimiter));
	return 0;
}

/* The items in order, in CurrentMemoryContext. */
static Item **
sorted_items(const ItemList *list)
{
	Item	  **sorted = MemoryContextAllocHuge(CurrentMemoryContext, list->n * sizeof(Item *));

	for (uint32 i = 0; i < list->n; i++)
		sorted[i] = &list->items[i];
	if (list->placed)
		qsort_arg(sorted, list->n, sizeof(Item *), compare_items, list->element);
	return sorted;
}

static Datum
build_array(const ItemList *list)
{
	const KsElement *element = list->element;
	Item	  **items = sorted_items(list);
	Datum	   *values = MemoryContextAllocHuge(CurrentMemoryContext, list->n * sizeof(Datum));
	bool	   *nulls = MemoryContextAllocHuge(CurrentMemoryContext, list->n * sizeof(bool));
	int			dims[1] = {list->n};
	int			lbs[1] = {1};

	for (uint32 i = 0; i < list->n; i++)
	{
		values[i] = items[i]->value;
		nulls[i] = (items[i]->flags & NO_VALUE) != 0;
	}
	return PointerGetDatum(construct_md_array(values, nulls, 1, dims, lbs, element->type,
											  element->len, element->byval, element->align));
}

Datum
ks_ordered_array_final(PG_FUNCTION_ARGS)
{
	(void) ks_group_memory(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	return build_array((ItemList *) PG_GETARG_POINTER(0));
}

/* As Spark: no values are an empty list, not null. */
Datum
ks_ordered_list_final(PG_FUNCTION_ARGS)
{
	(void) ks_group_memory(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(get_element_type(get_fn_expr_rettype(fcinfo->flinfo))));
	return build_array((ItemList *) PG_GETARG_POINTER(0));
}

/* As string_agg: each value but the first after its delimiter. */
Datum
ks_ordered_string_final(PG_FUNCTION_ARGS)
{
	ItemList   *list;
	Item	  **items;
	StringInfoData buf;

	(void) ks_group_memory(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	list = (ItemList *) PG_GETARG_POINTER(0);
	items = sorted_items(list);
	initStringInfo(&buf);
	for (uint32 i = 0; i < list->n; i++)
	{
		struct varlena *value = (struct varlena *) DatumGetPointer(items[i]->value);

		if (i > 0 && items[i]->delimiter != NULL)
			appendBinaryStringInfo(&buf, VARDATA_ANY(items[i]->delimiter),
								   VARSIZE_ANY_EXHDR(items[i]->delimiter));
		appendBinaryStringInfo(&buf, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
	}
	PG_RETURN_BYTEA_P((bytea *) cstring_to_text_with_len(buf.data, buf.len));
}
