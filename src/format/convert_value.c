/*
 * A value's text: strings without their escapes, numbers as PostgreSQL's
 * numeric writes them, arrays and objects as jsonb does.
 */
#include "postgres.h"

#include <stdarg.h>

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "format/convert.h"
#include "format/json_scan.h"

KsConverted
ks_convert_fail(KsConverter *converter, int sqlstate, const char *format,...)
{
	StringInfoData message;

	initStringInfo(&message);
	for (;;)
	{
		va_list		args;
		int			needed;

		va_start(args, format);
		needed = appendStringInfoVA(&message, format, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&message, needed);
	}
	converter->error->sqlstate = sqlstate;
	converter->error->message = message.data;
	converter->error->column = converter->column != NULL ? converter->column->name : NULL;
	return KS_CONVERT_FAILED;
}

/* Four hexadecimal digits, which the scanner has checked. */
static pg_wchar
read_hex(const char *at)
{
	pg_wchar	code = 0;

	for (int i = 0; i < 4; i++)
	{
		char		c = at[i];

		code = code * 16 + (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return code;
}

/*
 * Read \uXXXX, or a surrogate pair of them, at 'at'.  Returns what follows, or
 * NULL if it stands for no character that text can hold.
 */
static const char *
read_unicode(KsConverter *converter, const char *at, const char *end, pg_wchar *code)
{
	*code = read_hex(at + 2);
	at += 6;
	if (*code == 0)
	{
		ks_convert_fail(converter, ERRCODE_UNTRANSLATABLE_CHARACTER,
						"unsupported Unicode escape sequence: \\u0000 cannot be converted to text");
		return NULL;
	}
	if (is_utf16_surrogate_first(*code) && end - at >= 6 && at[0] == '\\' && at[1] == 'u' &&
		is_utf16_surrogate_second(read_hex(at + 2)))
	{
		*code = surrogate_pair_to_codepoint(*code, read_hex(at + 2));
		at += 6;
	}
	else if (is_utf16_surrogate_first(*code) || is_utf16_surrogate_second(*code))
	{
		ks_convert_fail(converter, ERRCODE_INVALID_TEXT_REPRESENTATION,
						"Unicode surrogate \\u%04x stands alone", *code);
		return NULL;
	}
	if (*code >= 0x80 && GetDatabaseEncoding() == PG_SQL_ASCII)
	{
		ks_convert_fail(converter, ERRCODE_UNTRANSLATABLE_CHARACTER,
						"unsupported Unicode escape sequence: \\u%04x has no equivalent in encoding SQL_ASCII",
						*code);
		return NULL;
	}
	return at;
}

/* Write a character in the server's encoding; at most the 6 bytes of its escape. */
static char *
put_character(pg_wchar code, char *out)
{
	unsigned char buffer[MAX_UNICODE_EQUIVALENT_STRING + 1];
	size_t		len;

	if (code < 0x80)
	{
		*out = (char) code;
		return out + 1;
	}
	if (GetDatabaseEncoding() == PG_UTF8)
	{
		unicode_to_utf8(code, (unsigned char *) out);
		return out + pg_utf_mblen((unsigned char *) out);
	}
	pg_unicode_to_server(code, buffer);
	len = strlen((char *) buffer);
	if (len > 6)
		elog(ERROR, "character %u needs %zu bytes", code, len);
	memcpy(out, buffer, len);
	return out + len;
}

/* What a one-letter escape stands for. */
static char
unescape_letter(char letter)
{
	switch (letter)
	{
		case 'b':
			return '\b';
		case 'f':
			return '\f';
		case 'n':
			return '\n';
		case 'r':
			return '\r';
		case 't':
			return '\t';
		default:
			return letter;
	}
}

/*
 * Copy a string without its escapes; 'out' has room for value->len bytes.
 * Works unguarded in UTF8; elsewhere decoding is guarded as a whole.
 */
KsConverted
ks_convert_unescape(KsConverter *converter, const KsValue *value, char *out, size_t *len)
{
	const char *at = value->text;
	const char *end = value->text + value->len;
	char	   *first = out;

	while (at < end)
	{
		const char *backslash = memchr(at, '\\', end - at);
		size_t		run = (backslash != NULL ? backslash : end) - at;

		memcpy(out, at, run);
		out += run;
		at += run;
		if (backslash == NULL)
			break;
		if (at[1] == 'u')
		{
			pg_wchar	code;

			at = read_unicode(converter, at, end, &code);
			if (at == NULL)
				return KS_CONVERT_FAILED;
			out = put_character(code, out);
		}
		else
		{
			*out++ = unescape_letter(at[1]);
			at += 2;
		}
	}
	*len = out - first;
	return KS_CONVERTED;
}

/*
 * Would jsonb print this number just as it stands?  Not with an exponent, not
 * minus zero, and long ones are better asked for.
 */
bool
ks_convert_plain_number(const KsValue *value)
{
	if (value->exponent || value->len > 100)
		return false;
	return value->text[0] != '-' || strspn(value->text + 1, "0.") < value->len - 1;
}

/* Is this number surely within the range of numeric? */
bool
ks_convert_safe_number(const KsValue *value)
{
	const char *mark;
	size_t		digits;

	if (value->len > 1000)
		return false;
	if (!value->exponent)
		return true;
	for (mark = value->text; *mark != 'e' && *mark != 'E'; mark++)
		;
	mark++;
	digits = value->text + value->len - mark;
	if (*mark == '+' || *mark == '-')
		digits--;
	return digits <= 3;
}

/*
 * The number that this is, or that a string holds as JSON would write it (then
 * in 'buffer'), or NULL.
 */
const KsValue *
ks_convert_as_number(const KsValue *value, KsValue *buffer)
{
	KsJsonScanner scan;

	if (value->kind == KS_VALUE_NUMBER)
		return value;
	if (value->kind != KS_VALUE_STRING || value->escaped || value->len == 0)
		return NULL;
	ks_json_scan_begin(&scan, value->text, value->len);
	return ks_json_scan_number(&scan, buffer) && scan.at == scan.end ? buffer : NULL;
}

static char *
number_cstring(const KsValue *value)
{
	char	   *text = pnstrdup(value->text, value->len);
	Datum		number;

	if (ks_convert_plain_number(value))
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
			if (!converter->guarded && !ks_convert_safe_number(value))
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
