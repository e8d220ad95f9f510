/*
 * Values of one type as bytes; what is kept and why in element.h.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/tupmacs.h"
#include "catalog/pg_type.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"

#include "base/compat.h"
#include "aggregate/element.h"

/* Aliases of oid: their values mean nothing in another database. */
static bool
is_oid_alias(Oid type)
{
	switch (type)
	{
		case REGPROCOID:
		case REGPROCEDUREOID:
		case REGOPEROID:
		case REGOPERATOROID:
		case REGCLASSOID:
		case REGCOLLATIONOID:
		case REGTYPEOID:
		case REGROLEOID:
		case REGNAMESPACEOID:
		case REGCONFIGOID:
		case REGDICTIONARYOID:
		case ACLITEMOID:
			return true;
		default:
			return false;
	}
}

/* Does the stored form of a (base) type mean the same everywhere? */
static bool
is_portable_base(Oid type)
{
	return get_typtype(type) == TYPTYPE_BASE && !is_oid_alias(type) &&
		!OidIsValid(get_element_type(type));
}

bool
ks_element_storable(Oid type)
{
	Oid			base = getBaseType(type);
	char		kind = get_typtype(base);

	if (kind == TYPTYPE_ENUM)
		return true;
	if (kind == TYPTYPE_RANGE || kind == TYPTYPE_MULTIRANGE)
		return base < FirstGenbkiObjectId;
	if (OidIsValid(get_element_type(base)))
		return is_portable_base(getBaseType(get_element_type(base)));
	return is_portable_base(base);
}

KsElement *
ks_element_get(FunctionCallInfo fcinfo, Oid type)
{
	KsElement  *element = fcinfo->flinfo->fn_extra;
	Oid			base;

	if (element != NULL && element->type == type)
		return element;
	if (!OidIsValid(type))
		elog(ERROR, "could not determine input data type");
	if (!ks_element_storable(type))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("values of type %s cannot be kept in an aggregate state",
						format_type_be(type)),
				 errhint("Convert them, for example with to_jsonb() or to text.")));

	/* A new one each time: states may still point to the old one. */
	element = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(KsElement));
	base = getBaseType(type);
	element->type = type;
	get_typlenbyvalalign(base, &element->len, &element->byval, &element->align);
	element->array_element = get_element_type(base);
	element->is_enum = get_typtype(base) == TYPTYPE_ENUM;
	fcinfo->flinfo->fn_extra = element;
	return element;
}

Datum
ks_element_copy(const KsElement *element, Datum value)
{
	if (element->len == -1)
		return PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
	return datumCopy(value, element->byval, element->len);
}

int
ks_element_compare(const KsElement *element, Datum a, Datum b)
{
	struct varlena *x;
	struct varlena *y;
	Size		xlen;
	Size		ylen;
	int			result;

	if (element->byval)
		return (int64) a < (int64) b ? -1 : (int64) a > (int64) b;
	if (element->len > 0)
		return memcmp(DatumGetPointer(a), DatumGetPointer(b), element->len);
	x = PG_DETOAST_DATUM_PACKED(a);
	y = PG_DETOAST_DATUM_PACKED(b);
	xlen = VARSIZE_ANY_EXHDR(x);
	ylen = VARSIZE_ANY_EXHDR(y);
	result = memcmp(VARDATA_ANY(x), VARDATA_ANY(y), Min(xlen, ylen));
	if (result != 0)
		return result;
	return xlen < ylen ? -1 : xlen > ylen;
}

void
ks_element_write_bytes(StringInfo buf, const char *data, Size len)
{
	uint32		n = (uint32) len;

	appendBinaryStringInfo(buf, (char *) &n, sizeof(n));
	appendBinaryStringInfo(buf, data, len);
}

struct varlena *
ks_element_read_bytes(StringInfo buf)
{
	uint32		len;
	const char *data;
	struct varlena *result;

	pq_copymsgbytes(buf, (char *) &len, sizeof(len));
	data = pq_getmsgbytes(buf, len);
	result = palloc(VARHDRSZ + len);
	SET_VARSIZE(result, VARHDRSZ + len);
	memcpy(VARDATA(result), data, len);
	return result;
}

static void
write_enum(StringInfo buf, Datum value)
{
	char	   *label = DatumGetCString(OidFunctionCall1(F_ENUM_OUT, value));

	ks_element_write_bytes(buf, label, strlen(label));
	pfree(label);
}

static Datum
read_enum(const KsElement *element, StringInfo buf)
{
	char	   *label = text_to_cstring((text *) ks_element_read_bytes(buf));

	return OidFunctionCall2(F_ENUM_IN, CStringGetDatum(label),
							ObjectIdGetDatum(getBaseType(element->type)));
}

void
ks_element_write(const KsElement *element, StringInfo buf, Datum value)
{
	struct varlena *packed;
	char		bytes[sizeof(Datum)];

	if (element->is_enum)
		write_enum(buf, value);
	else if (element->byval)
	{
		store_att_byval(bytes, value, element->len);
		appendBinaryStringInfo(buf, bytes, element->len);
	}
	else if (element->len > 0)
		appendBinaryStringInfo(buf, DatumGetPointer(value), element->len);
	else
	{
		packed = PG_DETOAST_DATUM_PACKED(value);
		ks_element_write_bytes(buf, VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed));
		if ((Pointer) packed != DatumGetPointer(value))
			pfree(packed);
	}
}

Datum
ks_element_read(const KsElement *element, StringInfo buf)
{
	struct varlena *result;
	Datum		bytes;
	char	   *fixed;

	if (element->is_enum)
		return read_enum(element, buf);
	if (element->byval)
	{
		pq_copymsgbytes(buf, (char *) &bytes, element->len);
		return fetch_att(&bytes, true, element->len);
	}
	if (element->len > 0)
	{
		fixed = palloc(element->len);
		pq_copymsgbytes(buf, fixed, element->len);
		return PointerGetDatum(fixed);
	}
	result = ks_element_read_bytes(buf);
	if (OidIsValid(element->array_element))
		ARR_ELEMTYPE((ArrayType *) result) = element->array_element;
	return PointerGetDatum(result);
}

void
ks_element_write_type(StringInfo buf, Oid type)
{
	Oid			oid = type < FirstGenbkiObjectId ? type : InvalidOid;
	char	   *name;

	appendBinaryStringInfo(buf, (char *) &oid, sizeof(oid));
	if (OidIsValid(oid))
		return;
	name = format_type_be_qualified(type);
	ks_element_write_bytes(buf, name, strlen(name));
}

Oid
ks_element_read_type(StringInfo buf)
{
	Oid			oid;
	char	   *name;

	pq_copymsgbytes(buf, (char *) &oid, sizeof(oid));
	if (OidIsValid(oid))
		return oid;
	name = text_to_cstring((text *) ks_element_read_bytes(buf));
	return DatumGetObjectId(OidFunctionCall1(F_REGTYPEIN, CStringGetDatum(name)));
}
