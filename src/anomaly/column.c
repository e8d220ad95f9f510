/*
 * Columns of a relation as SQL.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "anomaly/column.h"

Oid
ks_column_type(Oid relation, const char *column)
{
	AttrNumber	attno = get_attnum(relation, column);

	return attno > 0 ? get_atttype(relation, attno) : InvalidOid;
}

char *
ks_column_number(Oid type, const char *column, bool or_array)
{
	const char *name = quote_identifier(column);
	Oid			base = getBaseType(type);
	Oid			cast;

	if (base == INTERVALOID)
		return psprintf("pg_catalog.date_part('epoch', r.%s)", name);
	if (OidIsValid(get_element_type(base)))
		return or_array ? psprintf("pg_catalog.cardinality(r.%s)::pg_catalog.float8", name) : NULL;
	switch (base == BOOLOID ? COERCION_PATH_NONE :
			find_coercion_pathway(FLOAT8OID, base, COERCION_EXPLICIT, &cast))
	{
		case COERCION_PATH_FUNC:
		case COERCION_PATH_RELABELTYPE:
			return psprintf("r.%s::pg_catalog.float8", name);
		default:
			return NULL;
	}
}

char *
ks_column_time(Oid type, const char *column)
{
	const char *name = quote_identifier(column);

	switch (getBaseType(type))
	{
		case TIMESTAMPTZOID:
			return psprintf("r.%s::pg_catalog.timestamptz", name);
		case TIMESTAMPOID:
		case DATEOID:
			return psprintf("pg_catalog.timezone('UTC', r.%s::pg_catalog.timestamp)", name);
		default:
			return NULL;
	}
}

char *
ks_column_partition(Oid type, const char *column)
{
	const char *name = quote_identifier(column);

	switch (getBaseType(type))
	{
		case TEXTOID:
		case VARCHAROID:
			return psprintf("r.%s COLLATE pg_catalog.\"C\"", name);
		case BOOLOID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case NUMERICOID:
		case NAMEOID:
		case UUIDOID:
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case INETOID:
		case CIDROID:
		case MACADDROID:
			return psprintf("r.%s", name);
		default:
			return psprintf("coalesce(pg_catalog.to_jsonb(r.%s), 'null'::pg_catalog.jsonb)", name);
	}
}
