/*
 * Which converter a column has, and the ones that go through the type's own
 * functions: its input function, its domain's constraints, or core's
 * jsonb_populate_record for arrays and composites.
 *
 * What those functions keep between calls lives in converter->cache.  It is
 * dropped after an error, which may have left it half made, and at the end of
 * the transaction, which some of it must not outlive.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rangetypes.h"
#include "utils/typcache.h"

#include "base/compat.h"
#include "format/convert.h"
#include "format/convert_input.h"

KsConverted
ks_convert_input(KsConverter *converter, KsColumn *column, const KsValue *value, Datum *result)
{
	char	   *string;
	KsConverted converted;

	if (!converter->guarded && !column->soft)
		return KS_CONVERT_LATER;
	converted = ks_convert_cstring(converter, value, &string);
	if (converted == KS_CONVERTED && column->moving_time)
		converted = ks_convert_refuse_moving(converter, string, strlen(string));
	if (converted != KS_CONVERTED)
		return converted;
	if (!converter->guarded)
		return ks_convert_input_soft(converter, column, string, result);
	*result = InputFunctionCall(&column->function, string, column->ioparam, column->typmod);
	return KS_CONVERTED;
}

KsConverted
ks_convert_domain(KsConverter *converter, KsColumn *column, const KsValue *value, Datum *result)
{
	KsConverted converted;

	if (!converter->guarded)
		return KS_CONVERT_LATER;
	converted = column->convert_base(converter, column, value, result);
	if (converted == KS_CONVERTED)
		domain_check(*result, false, column->type, &column->domain_cache, converter->cache);
	return converted;
}

/* A jsonb object with the value under the key "v". */
static KsConverted
wrap_value(KsConverter *converter, const KsValue *value, Jsonb **result)
{
	JsonbParseState *state = NULL;
	JsonbValue	key;
	JsonbValue *ignored;
	KsConverted converted;

	key.type = jbvString;
	key.val.string.val = "v";
	key.val.string.len = 1;
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	pushJsonbValue(&state, WJB_KEY, &key);
	converted = ks_convert_push(converter, &state, WJB_VALUE, value, &ignored);
	if (converted == KS_CONVERTED)
		*result = JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
	return converted;
}

/* As jsonb_populate_record(NULL::(v type), '{"v": value}') would. */
KsConverted
ks_convert_populate(KsConverter *converter, KsColumn *column, const KsValue *value,
					Datum *result)
{
	Jsonb	   *wrapped;
	KsConverted converted;
	HeapTupleHeader header;
	HeapTupleData tuple;
	bool		isnull;

	if (!converter->guarded)
		return KS_CONVERT_LATER;
	converted = wrap_value(converter, value, &wrapped);
	if (converted == KS_CONVERTED)
		converted = ks_convert_refuse_moving_in(converter, column, wrapped);
	if (converted != KS_CONVERTED)
		return converted;
	header = DatumGetHeapTupleHeader(FunctionCall2(&column->function, column->null_record,
												   JsonbPGetDatum(wrapped)));
	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = header;
	*result = heap_getattr(&tuple, 1, column->record, &isnull);
	if (isnull)
		elog(ERROR, "value of column \"%s\" became null", column->name);
	return KS_CONVERTED;
}

static void
set_input(KsConverter *converter, KsColumn *column)
{
	Oid			function;

	getTypeInputInfo(column->base, &function, &column->ioparam);
	fmgr_info_cxt(function, &column->function, converter->cache);
	column->soft = ks_convert_input_is_soft(column->base);
}

/* jsonb_populate_record takes its row type from its first argument. */
static void
set_populate(KsConverter *converter, KsColumn *column)
{
	bool		isnull = true;
	Datum		nothing = (Datum) 0;
	Node	   *row = (Node *) makeNullConst(RECORDOID, -1, InvalidOid);

	column->record = CreateTemplateTupleDesc(1);
	TupleDescInitEntry(column->record, 1, "v", column->type, column->typmod, 0);
	BlessTupleDesc(column->record);
	column->null_record = heap_copy_tuple_as_datum(heap_form_tuple(column->record, &nothing,
																   &isnull),
												   column->record);
	fmgr_info_cxt(F_JSONB_POPULATE_RECORD, &column->function, converter->cache);
	fmgr_info_set_expr((Node *) makeFuncExpr(F_JSONB_POPULATE_RECORD, RECORDOID,
											 list_make1(row), InvalidOid, InvalidOid,
											 COERCE_EXPLICIT_CALL),
					   &column->function);
}

static KsConvertFunction
choose_converter(Oid type)
{
	switch (type)
	{
		case BOOLOID:
			return ks_convert_bool;
		case INT2OID:
			return ks_convert_int2;
		case INT4OID:
			return ks_convert_int4;
		case INT8OID:
			return ks_convert_int8;
		case FLOAT4OID:
			return ks_convert_float4;
		case FLOAT8OID:
			return ks_convert_float8;
		case NUMERICOID:
			return ks_convert_numeric;
		case TEXTOID:
		case VARCHAROID:
			return ks_convert_text;
		case TIMESTAMPTZOID:
			return ks_convert_timestamptz;
		case TIMESTAMPOID:
			return ks_convert_timestamp;
		case DATEOID:
			return ks_convert_date;
		case UUIDOID:
			return ks_convert_uuid;
		case INETOID:
			return ks_convert_inet;
		case JSONBOID:
			return ks_convert_jsonb;
		case JSONOID:
			return ks_convert_json;
		default:
			return get_typtype(type) == TYPTYPE_ENUM ? ks_convert_enum : ks_convert_input;
	}
}

/* Is a type made of others that jsonb_populate_record looks into? */
static bool
is_structured(Oid type)
{
	return OidIsValid(get_element_type(type)) || get_typtype(type) == TYPTYPE_COMPOSITE;
}

void
ks_convert_init(KsConverter *converter, KsColumn *column, Form_pg_attribute att)
{
	Oid			element;

	column->attno = att->attnum;
	column->name = pstrdup(NameStr(att->attname));
	column->type = att->atttypid;
	column->typmod = att->atttypmod;
	column->base = getBaseTypeAndTypmod(column->type, &column->typmod);
	element = get_base_element_type(column->base);
	column->user_code = column->base != column->type ||
		get_typtype(column->base) == TYPTYPE_COMPOSITE ||
		(OidIsValid(element) && (get_typtype(element) == TYPTYPE_COMPOSITE ||
								 get_typtype(element) == TYPTYPE_DOMAIN));
	if (is_structured(column->base))
	{
		column->typmod = att->atttypmod;
		column->convert = ks_convert_populate;
		column->moving_time = true;
		set_populate(converter, column);
		return;
	}
	column->moving_time = ks_convert_type_reads_time(column->base);
	column->convert_base = choose_converter(column->base);
	column->convert = column->base == column->type ? column->convert_base : ks_convert_domain;
	set_input(converter, column);
}

void
ks_convert_forget(KsConverter *converter, KsColumn *columns, int ncolumns)
{
	for (int i = 0; i < ncolumns; i++)
	{
		columns[i].function.fn_extra = NULL;
		columns[i].domain_cache = NULL;
	}
	MemoryContextReset(converter->cache);
}
