/*
 * Input functions that report errors softly, and the search for words like
 * "now" in values that are made of others.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "base/compat.h"
#include "format/convert_input.h"
#include "format/convert_settings.h"

/* Types whose input functions never raise for bad data, from PostgreSQL 16 on. */
static bool
has_soft_input(Oid type)
{
	switch (type)
	{
		case BOOLOID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case OIDOID:
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case BYTEAOID:
		case UUIDOID:
		case INETOID:
		case CIDROID:
		case MACADDROID:
		case DATEOID:
		case TIMEOID:
		case TIMETZOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case INTERVALOID:
		case BITOID:
		case VARBITOID:
			return true;
		default:
			return false;
	}
}

bool
ks_convert_input_is_soft(Oid type)
{
	return KS_HAVE_SOFT_ERRORS && has_soft_input(type);
}

KsConverted
ks_convert_input_soft(KsConverter *converter, KsColumn *column, char *string, Datum *result)
{
	KsReadSettings saved;
	ErrorData  *edata = NULL;

	ks_read_settings_enter(converter->options.timezone, &saved);
	PG_TRY();
	{
		edata = ks_compat_input_soft(&column->function, string, column->ioparam,
									 column->typmod, result);
	}
	PG_FINALLY();
	{
		ks_read_settings_leave(&saved);
	}
	PG_END_TRY();
	if (edata == NULL)
		return KS_CONVERTED;
	return ks_convert_fail(converter, edata->sqlerrcode, "%s", edata->message);
}

bool
ks_convert_type_reads_time(Oid type)
{
	Oid			range = get_multirange_range(type);
	Oid			subtype = get_range_subtype(OidIsValid(range) ? range : type);

	return ks_convert_reads_time(OidIsValid(subtype) ? getBaseType(subtype) : type);
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
		return ks_convert_type_reads_time(type);
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
