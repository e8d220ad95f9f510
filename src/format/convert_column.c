/*
 * Which converter a column has, by its type, and what that one needs to know
 * beforehand.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "nodes/makefuncs.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "format/convert.h"

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
	column->moving_time = ks_convert_reads_time(column->base);
	column->convert_base = choose_converter(column->base);
	column->convert = column->base == column->type ? column->convert_base : ks_convert_domain;
	set_input(converter, column);
}
