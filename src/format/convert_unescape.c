/*
 * The characters of a string that is written with backslashes.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "format/convert.h"

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
