/*
 * Values of one type as bytes, for the states of the extension's own
 * aggregates.
 *
 * The bytes survive dump and restore into another database, where OIDs of
 * types made by users differ, and do not depend on any setting: base types as
 * PostgreSQL stores them (an array's element type put right when read), enums
 * by label.  Other types (composite types, arrays of enums, ranges made by
 * users, OID aliases such as regclass) hold OIDs and are refused.
 */
#ifndef KS_AGGREGATE_ELEMENT_H
#define KS_AGGREGATE_ELEMENT_H

#include "postgres.h"
#include "fmgr.h"
#include "lib/stringinfo.h"

typedef struct KsElement
{
	Oid			type;
	Oid			array_element;	/* true arrays: type of their elements */
	int16		len;
	bool		byval;
	char		align;
	bool		is_enum;
} KsElement;

/* Can values of this type be kept in states? */
extern bool ks_element_storable(Oid type);

/*
 * The element for 'type', kept in fcinfo->flinfo for the rest of the query;
 * ERRCODE_FEATURE_NOT_SUPPORTED if it is not storable.
 */
extern KsElement *ks_element_get(FunctionCallInfo fcinfo, Oid type);

/* A copy in CurrentMemoryContext, detoasted. */
extern Datum ks_element_copy(const KsElement *element, Datum value);

/* Some total order of values by their bytes: < 0, 0 (identical), > 0. */
extern int	ks_element_compare(const KsElement *element, Datum a, Datum b);

/* Bytes: written to the end, read from the cursor on into CurrentMemoryContext. */
extern void ks_element_write(const KsElement *element, StringInfo buf, Datum value);
extern Datum ks_element_read(const KsElement *element, StringInfo buf);

/* The type itself: by OID if built in, else by name. */
extern void ks_element_write_type(StringInfo buf, Oid type);
extern Oid	ks_element_read_type(StringInfo buf);

/* A varlena's content with its length; read back with a 4-byte header. */
extern void ks_element_write_bytes(StringInfo buf, const char *data, Size len);
extern struct varlena *ks_element_read_bytes(StringInfo buf);

#endif
