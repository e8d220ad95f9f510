/*
 * Values of a message to Datums of a column's type.
 *
 * A converter first runs without a net: it must not raise an error, and says
 * LATER for whatever might.  The columns that said so are converted again in
 * one subtransaction, where errors are allowed and become the message's error.
 */
#ifndef KS_FORMAT_CONVERT_H
#define KS_FORMAT_CONVERT_H

#include "postgres.h"
#include "access/htup.h"
#include "access/tupdesc.h"
#include "fmgr.h"
#include "utils/jsonb.h"

#include "format/decoder.h"
#include "format/options.h"
#include "format/value.h"

typedef enum KsConverted
{
	KS_CONVERTED,
	KS_CONVERT_FAILED,			/* the error is filled */
	KS_CONVERT_LATER			/* run again in a guard */
} KsConverted;

typedef struct KsColumn KsColumn;

typedef struct KsConverter
{
	KsFormatOptions options;
	bool		utc;			/* options.timezone is UTC */
	char		last_date[10];	/* the date read last, and its day: mostly the next one's */
	int32		last_day;
	bool		guarded;		/* errors may be raised */
	KsColumn   *column;			/* the one being converted, for its error */
	KsDecodeError *error;
	MemoryContext cache;		/* what type functions keep between calls */
} KsConverter;

typedef KsConverted (*KsConvertFunction) (KsConverter *converter, KsColumn *column,
										  const KsValue *value, Datum *result);

struct KsColumn
{
	AttrNumber	attno;
	const char *name;
	Oid			type;			/* as declared */
	Oid			base;			/* without domains */
	int32		typmod;			/* the base type's */
	KsConvertFunction convert;
	KsConvertFunction convert_base; /* of a domain */
	bool		moving_time;	/* reads times: words like "now" are refused */
	bool		soft;			/* its input function never raises for bad data */
	bool		user_code;		/* domains and composites: CHECKs may run anything */

	/* its input function, or jsonb_populate_record */
	FmgrInfo	function;
	Oid			ioparam;
	void	   *domain_cache;
	TupleDesc	record;			/* one column of the type, called "v" */
	Datum		null_record;
};

/* convert_error.c: fill the converter's error; returns KS_CONVERT_FAILED */
extern KsConverted ks_convert_fail(KsConverter *converter, int sqlstate,
								   const char *format,...) pg_attribute_printf(3, 4);

/* Run in a subtransaction; false if that raised a data error. */
extern bool ks_convert_guard(KsConverter *converter, void (*run) (void *), void *argument);

/*
 * convert_unescape.c: copy a string without its escapes; 'out' has room for
 * value->len bytes.  Works unguarded in UTF8; elsewhere decoding is guarded as
 * a whole.
 */
extern KsConverted ks_convert_unescape(KsConverter *converter, const KsValue *value,
									   char *out, size_t *len);

/* convert_jsonb.c */
extern KsConverted ks_convert_push(KsConverter *converter, JsonbParseState **state,
								   JsonbIteratorToken token, const KsValue *value,
								   JsonbValue **result);
extern KsConverted ks_convert_push_key(KsConverter *converter, JsonbParseState **state,
									   const KsValue *key);
extern KsConverted ks_convert_to_jsonb(KsConverter *converter, const KsValue *value,
									   Jsonb **result);
extern KsConverted ks_convert_jsonb(KsConverter *, KsColumn *, const KsValue *, Datum *);
extern KsConverted ks_convert_json(KsConverter *, KsColumn *, const KsValue *, Datum *);

/* convert_cstring.c: the text that jsonb_populate_record would hand to an input function */
extern KsConverted ks_convert_cstring(KsConverter *converter, const KsValue *value,
									  char **result);

/* convert_moving.c: does the type, or the range's bounds, hold points in time? */
extern bool ks_convert_reads_time(Oid type);

/* Refuse words like "now" in the text of such a type. */
extern KsConverted ks_convert_refuse_moving(KsConverter *converter, const char *text, size_t len);

/* Refuse them wherever 'wrapped', the value under the key "v", puts them into a time. */
extern KsConverted ks_convert_refuse_moving_in(KsConverter *converter, KsColumn *column,
											   Jsonb *wrapped);

/* convert_input.c: through the type's own functions */
extern KsConverted ks_convert_input(KsConverter *, KsColumn *, const KsValue *, Datum *);
extern KsConverted ks_convert_domain(KsConverter *, KsColumn *, const KsValue *, Datum *);
extern KsConverted ks_convert_populate(KsConverter *, KsColumn *, const KsValue *, Datum *);

/* Does this type's input function report bad data softly in this PostgreSQL? */
extern bool ks_convert_input_is_soft(Oid type);

/* Forget what type functions have cached, after an error or a transaction. */
extern void ks_convert_forget(KsConverter *converter, KsColumn *columns, int ncolumns);

/* convert_number.c */
extern KsConverted ks_convert_bool(KsConverter *, KsColumn *, const KsValue *, Datum *);
extern KsConverted ks_convert_int2(KsConverter *, KsColumn *, const KsValue *, Datum *);
extern KsConverted ks_convert_int4(KsConverter *, KsColumn *, const KsValue *, Datum *);
extern KsConverted ks_convert_int8(KsConverter *, KsColumn *, const KsValue *, Datum *);
extern KsConverted ks_convert_float4(KsConverter *, KsColumn *, const KsValue *, Datum *);
extern KsConverted ks_convert_float8(KsConverter *, KsColumn *, const KsValue *, Datum *);
extern KsConverted ks_convert_numeric(KsConverter *, KsColumn *, const KsValue *, Datum *);

/* convert_text.c */
extern KsConverted ks_convert_text(KsConverter *, KsColumn *, const KsValue *, Datum *);
extern KsConverted ks_convert_uuid(KsConverter *, KsColumn *, const KsValue *, Datum *);
extern KsConverted ks_convert_inet(KsConverter *, KsColumn *, const KsValue *, Datum *);
extern KsConverted ks_convert_enum(KsConverter *, KsColumn *, const KsValue *, Datum *);

/* convert_time.c */
extern KsConverted ks_convert_timestamptz(KsConverter *, KsColumn *, const KsValue *, Datum *);
extern KsConverted ks_convert_timestamp(KsConverter *, KsColumn *, const KsValue *, Datum *);
extern KsConverted ks_convert_date(KsConverter *, KsColumn *, const KsValue *, Datum *);

/* convert_column.c: choose converters for a column */
extern void ks_convert_init(KsConverter *converter, KsColumn *column, Form_pg_attribute att);

#endif
