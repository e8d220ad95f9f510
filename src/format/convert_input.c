/*
 * Converters that go through the type's own functions: its input function,
 * its domain's constraints, or core's jsonb_populate_record for arrays and
 * composites.
 *
 * What those functions keep between calls lives in converter->cache.  It is
 * dropped after an error, which may have left it half made, and at the end of
 * the transaction, which some of it must not outlive.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "format/convert.h"
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

/* Run such an input function under the stream's settings. */
static KsConverted
input_softly(KsConverter *converter, KsColumn *column, char *string, Datum *result)
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
		return input_softly(converter, column, string, result);
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
