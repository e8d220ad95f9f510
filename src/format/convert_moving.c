/*
 * Words like "now" where a value holds times: what they mean depends on when
 * they are read, so a message that is read again would mean something else.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "format/convert.h"

/* Words of the datetime parser whose meaning moves with the clock. */
static const char *const moving_words[] = {"now", "today", "tomorrow", "yesterday"};

/* Find such a word in a text. */
static bool
find_moving_word(const char *text, size_t len, const char **word)
{
	const char *end = text + len;

	while (text < end)
	{
		const char *first = text;

		while (text < end && isalpha((unsigned char) *text))
			text++;
		for (int i = 0; i < lengthof(moving_words); i++)
			if (text - first == strlen(moving_words[i]) &&
				pg_strncasecmp(first, moving_words[i], text - first) == 0)
			{
				*word = moving_words[i];
				return true;
			}
		if (text < end)
			text++;
	}
	return false;
}

KsConverted
ks_convert_refuse_moving(KsConverter *converter, const char *text, size_t len)
{
	const char *word;

	if (!find_moving_word(text, len, &word))
		return KS_CONVERTED;
	return ks_convert_fail(converter, ERRCODE_INVALID_DATETIME_FORMAT,
						   "\"%s\" depends on when the message is read", word);
}

static bool
is_time(Oid type)
{
	switch (type)
	{
		case DATEOID:
		case TIMEOID:
		case TIMETZOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return true;
		default:
			return false;
	}
}

bool
ks_convert_reads_time(Oid type)
{
	Oid			range = get_multirange_range(type);
	Oid			subtype = get_range_subtype(OidIsValid(range) ? range : type);

	return is_time(OidIsValid(subtype) ? getBaseType(subtype) : type);
}

static KsConverted refuse_in_value(KsConverter *converter, Oid type, const JsonbValue *value);

/* Does a type written as one string (a literal of an array or row) hold times? */
static bool
literal_reads_time(Oid type)
{
	TupleDesc	desc;
	bool		found = false;

	check_stack_depth();
	type = getBaseType(type);
	if (OidIsValid(get_element_type(type)))
		return literal_reads_time(get_element_type(type));
	if (get_typtype(type) != TYPTYPE_COMPOSITE)
		return ks_convert_reads_time(type);
	desc = lookup_rowtype_tupdesc(type, -1);
	for (int i = 0; i < desc->natts && !found; i++)
		if (!TupleDescAttr(desc, i)->attisdropped)
			found = literal_reads_time(TupleDescAttr(desc, i)->atttypid);
	ReleaseTupleDesc(desc);
	return found;
}

/* An array of any number of dimensions, of elements of this type. */
static KsConverted
refuse_in_elements(KsConverter *converter, Oid element, JsonbContainer *array)
{
	KsConverted converted = KS_CONVERTED;

	check_stack_depth();
	for (uint32 i = 0; i < JsonContainerSize(array) && converted == KS_CONVERTED; i++)
	{
		JsonbValue *value = getIthJsonbValueFromContainer(array, i);

		if (value->type == jbvBinary && JsonContainerIsArray(value->val.binary.data))
			converted = refuse_in_elements(converter, element, value->val.binary.data);
		else
			converted = refuse_in_value(converter, element, value);
	}
	return converted;
}

static KsConverted
refuse_in_fields(KsConverter *converter, Oid type, JsonbContainer *object)
{
	TupleDesc	desc = lookup_rowtype_tupdesc(type, -1);
	KsConverted converted = KS_CONVERTED;

	for (int i = 0; i < desc->natts && converted == KS_CONVERTED; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		JsonbValue	value;

		if (!att->attisdropped &&
			getKeyJsonValueFromContainer(object, NameStr(att->attname),
										 strlen(NameStr(att->attname)), &value) != NULL)
			converted = refuse_in_value(converter, att->atttypid, &value);
	}
	ReleaseTupleDesc(desc);
	return converted;
}

static KsConverted
refuse_in_value(KsConverter *converter, Oid type, const JsonbValue *value)
{
	check_stack_depth();
	type = getBaseType(type);
	if (value->type == jbvString)
		return literal_reads_time(type) ?
			ks_convert_refuse_moving(converter, value->val.string.val, value->val.string.len) :
			KS_CONVERTED;
	if (value->type != jbvBinary)
		return KS_CONVERTED;
	if (JsonContainerIsArray(value->val.binary.data) && OidIsValid(get_element_type(type)))
		return refuse_in_elements(converter, get_element_type(type), value->val.binary.data);
	if (JsonContainerIsObject(value->val.binary.data) && get_typtype(type) == TYPTYPE_COMPOSITE)
		return refuse_in_fields(converter, type, value->val.binary.data);
	return KS_CONVERTED;
}

KsConverted
ks_convert_refuse_moving_in(KsConverter *converter, KsColumn *column, Jsonb *wrapped)
{
	JsonbValue	value;

	if (!column->moving_time ||
		getKeyJsonValueFromContainer(&wrapped->root, "v", 1, &value) == NULL)
		return KS_CONVERTED;
	return refuse_in_value(converter, column->type, &value);
}
