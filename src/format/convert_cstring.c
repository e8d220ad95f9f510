/*
 * A value as text, as jsonb_populate_record would see it: strings without
 * their escapes, numbers as PostgreSQL's numeric writes them, arrays and
 * objects as jsonb does.
 */
#include "postgres.h"

#include "utils/fmgrprotos.h"

#include "format/convert.h"
#include "format/json_number.h"

static char *
number_cstring(const KsValue *value)
{
	char	   *text = pnstrdup(value->text, value->len);
	Datum		number;

	if (ks_json_number_is_plain(value))
		return text;
	number = DirectFunctionCall3(numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid),
								 Int32GetDatum(-1));
	return DatumGetCString(DirectFunctionCall1(numeric_out, number));
}

/* The text that jsonb_populate_record would hand to an input function. */
KsConverted
ks_convert_cstring(KsConverter *converter, const KsValue *value, char **result)
{
	KsConverted converted = KS_CONVERTED;
	Jsonb	   *jsonb;
	size_t		len;

	switch ((KsValueKind) value->kind)
	{
		case KS_VALUE_STRING:
			len = value->len;
			*result = palloc(len + 1);
			if (value->escaped)
				converted = ks_convert_unescape(converter, value, *result, &len);
			else
				memcpy(*result, value->text, len);
			(*result)[len] = '\0';
			return converted;
		case KS_VALUE_NUMBER:
			if (!converter->guarded && !ks_json_number_is_safe(value))
				return KS_CONVERT_LATER;
			*result = number_cstring(value);
			return KS_CONVERTED;
		case KS_VALUE_TRUE:
		case KS_VALUE_FALSE:
			*result = pnstrdup(value->text, value->len);
			return KS_CONVERTED;
		case KS_VALUE_ARRAY:
		case KS_VALUE_OBJECT:
			converted = ks_convert_to_jsonb(converter, value, &jsonb);
			if (converted == KS_CONVERTED)
				*result = JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));
			return converted;
		case KS_VALUE_NONE:
		case KS_VALUE_NULL:
			break;
	}
	elog(ERROR, "no value to convert");
}
