/*
 * Values to jsonb.  The scanner has checked the grammar; here only what json
 * allows and jsonb does not can fail: \u0000, lone surrogates, sizes.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "format/convert.h"
#include "format/json_number.h"
#include "format/json_scan.h"

/* Above these jsonb might refuse, or recurse too deep: then under guard only. */
#define UNGUARDED_BYTES (1024 * 1024)
#define UNGUARDED_DEPTH 64

/*
 * Values in one jsonb.  Core's arrays that double would ask for more than it
 * can allocate soon after, with an error that looks like one of its own.
 */
#define MAX_VALUES 8000000

static KsConverted
fill_string(KsConverter *converter, const KsValue *value, JsonbValue *result)
{
	size_t		len = value->len;
	char	   *text = unconstify(char *, value->text);

	if (value->escaped)
	{
		text = palloc(len);
		if (ks_convert_unescape(converter, value, text, &len) == KS_CONVERT_FAILED)
			return KS_CONVERT_FAILED;
	}
	if (len > JENTRY_OFFLENMASK)
		return ks_convert_fail(converter, ERRCODE_PROGRAM_LIMIT_EXCEEDED,
							   "string too long to represent as jsonb string");
	result->type = jbvString;
	result->val.string.val = text;
	result->val.string.len = (int) len;
	return KS_CONVERTED;
}

static KsConverted
fill_number(KsConverter *converter, const KsValue *value, JsonbValue *result)
{
	char	   *text;

	if (!converter->guarded && !ks_json_number_is_safe(value))
		return KS_CONVERT_LATER;
	text = pnstrdup(value->text, value->len);
	result->type = jbvNumeric;
	result->val.numeric = DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(text),
															  ObjectIdGetDatum(InvalidOid),
															  Int32GetDatum(-1)));
	pfree(text);
	return KS_CONVERTED;
}

static KsConverted
fill_scalar(KsConverter *converter, const KsValue *value, JsonbValue *result)
{
	switch ((KsValueKind) value->kind)
	{
		case KS_VALUE_STRING:
			return fill_string(converter, value, result);
		case KS_VALUE_NUMBER:
			return fill_number(converter, value, result);
		case KS_VALUE_TRUE:
		case KS_VALUE_FALSE:
			result->type = jbvBool;
			result->val.boolean = value->kind == KS_VALUE_TRUE;
			return KS_CONVERTED;
		default:
			result->type = jbvNull;
			return KS_CONVERTED;
	}
}

KsConverted
ks_convert_push_key(KsConverter *converter, JsonbParseState **state, const KsValue *key)
{
	JsonbValue	name;
	KsConverted converted = fill_string(converter, key, &name);

	if (converted == KS_CONVERTED)
		pushJsonbValue(state, WJB_KEY, &name);
	return converted;
}

/* Containers that are open while one is copied: one flag per level. */
typedef struct Copy
{
	KsConverter *converter;
	KsJsonScanner scan;
	JsonbParseState **state;
	JsonbValue *result;
	int			nvalues;
	int			depth;
	bool		object[KS_JSON_MAX_DEPTH + 1];
} Copy;

static KsConverted
copy_scalar(Copy *copy)
{
	KsValue		value;
	JsonbValue	scalar;
	KsConverted converted;

	if (!ks_json_scan_value(&copy->scan, &value))
		elog(ERROR, "value is no longer valid JSON");
	converted = fill_scalar(copy->converter, &value, &scalar);
	if (converted == KS_CONVERTED)
		pushJsonbValue(copy->state, copy->object[copy->depth] ? WJB_VALUE : WJB_ELEM, &scalar);
	return converted;
}

/* Copy a key, if one is due, and what follows it up to the value. */
static KsConverted
copy_key(Copy *copy)
{
	KsValue		key;

	if (!copy->object[copy->depth])
		return KS_CONVERTED;
	ks_json_scan_space(&copy->scan);
	if (!ks_json_scan_string(&copy->scan, &key) ||
		!ks_json_scan_expect(&copy->scan, ':', "expected \":\" after a key"))
		elog(ERROR, "value is no longer valid JSON");
	return ks_convert_push_key(copy->converter, copy->state, &key);
}

static void
copy_open(Copy *copy, char bracket)
{
	copy->scan.at++;
	copy->depth++;
	copy->object[copy->depth] = bracket == '{';
	pushJsonbValue(copy->state, bracket == '{' ? WJB_BEGIN_OBJECT : WJB_BEGIN_ARRAY, NULL);
}

static void
copy_close(Copy *copy)
{
	copy->scan.at++;
	copy->result = pushJsonbValue(copy->state, copy->object[copy->depth] ?
								  WJB_END_OBJECT : WJB_END_ARRAY, NULL);
	copy->depth--;
}

/* One step: an opening or closing bracket, a comma, or a value with its key. */
static KsConverted
copy_step(Copy *copy)
{
	char		next = ks_json_scan_peek(&copy->scan);
	KsConverted converted;

	if (next == '}' || next == ']')
	{
		copy_close(copy);
		return KS_CONVERTED;
	}
	if (++copy->nvalues > MAX_VALUES)
		return ks_convert_fail(copy->converter, ERRCODE_PROGRAM_LIMIT_EXCEEDED,
							   "more than %d values in one array or object", MAX_VALUES);
	if (next == ',')
		copy->scan.at++;
	converted = copy_key(copy);
	if (converted != KS_CONVERTED)
		return converted;
	next = ks_json_scan_peek(&copy->scan);
	if (next != '{' && next != '[')
		return copy_scalar(copy);
	copy_open(copy, next);
	return KS_CONVERTED;
}

static KsConverted
push_container(KsConverter *converter, JsonbParseState **state, const KsValue *value,
			   JsonbValue **result)
{
	Copy		copy;
	KsConverted converted = KS_CONVERTED;

	if (!converter->guarded && (value->len > UNGUARDED_BYTES || value->depth > UNGUARDED_DEPTH))
		return KS_CONVERT_LATER;
	copy.converter = converter;
	copy.state = state;
	copy.depth = 0;
	copy.nvalues = 0;
	ks_json_scan_begin(&copy.scan, value->text, value->len);
	copy_open(&copy, value->text[0]);
	while (copy.depth > 0 && converted == KS_CONVERTED)
		converted = copy_step(&copy);
	*result = copy.result;
	return converted;
}

/*
 * Push a value onto a jsonb under construction, as an element or (WJB_VALUE)
 * after its key.  With an empty state an array or object is the whole jsonb;
 * *result is then its value.
 */
KsConverted
ks_convert_push(KsConverter *converter, JsonbParseState **state, JsonbIteratorToken token,
				const KsValue *value, JsonbValue **result)
{
	JsonbValue	scalar;
	KsConverted converted;

	if (value->kind == KS_VALUE_ARRAY || value->kind == KS_VALUE_OBJECT)
		return push_container(converter, state, value, result);
	converted = fill_scalar(converter, value, &scalar);
	if (converted == KS_CONVERTED)
		*result = pushJsonbValue(state, token, &scalar);
	return converted;
}

KsConverted
ks_convert_to_jsonb(KsConverter *converter, const KsValue *value, Jsonb **result)
{
	JsonbParseState *state = NULL;
	JsonbValue	scalar;
	JsonbValue *whole = &scalar;
	KsConverted converted;

	if (value->kind == KS_VALUE_ARRAY || value->kind == KS_VALUE_OBJECT)
		converted = push_container(converter, &state, value, &whole);
	else
		converted = fill_scalar(converter, value, &scalar);
	if (converted == KS_CONVERTED)
		*result = JsonbValueToJsonb(whole);
	return converted;
}

KsConverted
ks_convert_jsonb(KsConverter *converter, KsColumn *column, const KsValue *value, Datum *result)
{
	Jsonb	   *jsonb;
	KsConverted converted = ks_convert_to_jsonb(converter, value, &jsonb);

	if (converted == KS_CONVERTED)
		*result = JsonbPGetDatum(jsonb);
	return converted;
}

/* The text of the jsonb, as jsonb_populate_record does. */
KsConverted
ks_convert_json(KsConverter *converter, KsColumn *column, const KsValue *value, Datum *result)
{
	Jsonb	   *jsonb;
	KsConverted converted = ks_convert_to_jsonb(converter, value, &jsonb);

	if (converted == KS_CONVERTED)
		*result = CStringGetTextDatum(JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb)));
	return converted;
}
