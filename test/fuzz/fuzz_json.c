/*
 * Fuzzing the JSON scanner: what it accepts is what the grammar of RFC 8259
 * makes a value, as read here once more in the plainest way.
 *
 * The scanner needs a little of PostgreSQL, which stands in here: the database
 * is in UTF-8.
 */
#include "fuzz.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "postgres.h"

#include "mb/pg_wchar.h"

#include "format/json_number.h"
#include "format/json_scan.h"

#undef vsnprintf

const char *const fuzz_name = "fuzz_json";

const char *const fuzz_words[] = {
	"{", "}", "[", "]", "\"", "\\", ",", ":", "0", "-", "-0", ".", "e", "E+", "1e5", "1.5", " ", "\n", "\t", "null", "true", "false", "nul", "NaN",
	"{}", "[]", "\"n\":", "\"s\":\"x\"", ",\"n\":1", "\\u0000", "\\u00e9", "\\ud83d\\ude00", "\\ud800", "\\udc00", "\\\"", "\\\\", "\\/", "\\x", "\\u12",
	"\x1f", "\x7f", "\x80", "\xc3", "\xc3\xa4", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff", "\xef\xbb\xbf", "[[[[[[[[", "]]]]]]]]", "{\"a\":{\"a\":", "}}", "1e400", "123456789012345678901234567890", NULL
};

/* ---- what the scanner takes from the server ---- */

int
GetDatabaseEncoding(void)
{
	return PG_UTF8;
}

/* How many bytes from the beginning are whole characters. */
int
pg_encoding_verifymbstr(int encoding, const char *data, int len)
{
	int			valid = 0;

	(void) encoding;
	while (valid < len)
	{
		int			n = 1;

		while (n <= 4 && valid + n <= len && !fuzz_is_utf8(data + valid, n))
			n++;
		if (n > 4 || valid + n > len)
			break;
		valid += n;
	}
	return valid;
}

/* Messages alone are made by it; they are not freed. */
char *
psprintf(const char *format,...)
{
	static char buffer[1000];
	va_list		args;

	va_start(args, format);
	vsnprintf(buffer, sizeof(buffer), format, args);
	va_end(args);
	return buffer;
}

/* ---- documents ---- */

static void
add_space(Bytes *json, Random *random)
{
	static const char *const spaces[] = {"", "", "", "", " ", "\n\t", "\r\n  "};

	fuzz_add_string(json, spaces[fuzz_below(random, 7)]);
}

static void
add_text(Bytes *json, Random *random)
{
	static const char *const escapes[] = {"\\n", "\\\"", "\\\\", "\\/", "\\u00e9", "\\ud83d\\ude00", "\\u0041", "\\b\\f\\r\\t"};
	uint32_t	n = fuzz_one_in(random, 20) ? 200 : fuzz_below(random, 12);

	fuzz_add_string(json, "\"");
	for (uint32_t i = 0; i < n; i++)
	{
		size_t		before = json->len;

		if (fuzz_one_in(random, 10))
			fuzz_add_string(json, escapes[fuzz_below(random, 8)]);
		else
			fuzz_add_character(json, random);
		if (json->data[before] == '"' || (json->data[before] == '\\' && json->len == before + 1) ||
			(unsigned char) json->data[before] < 0x20)
			json->len = before;
	}
	fuzz_add_string(json, "\"");
}

static void
add_number(Bytes *json, Random *random)
{
	static const char *const numbers[] = {
		"0", "-0", "7", "-12", "1.5", "0.25", "1e3", "1E-2", "2147483647", "2147483648", "9223372036854775807", "9223372036854775808", "123456789012345678", "0.1000", "12345678901234567890.5", "1700000000000"
	};

	if (fuzz_one_in(random, 2))
		fuzz_add_string(json, numbers[fuzz_below(random, 16)]);
	else
		fuzz_add_format(json, "%d", (int) fuzz_below(random, 100000) - 1000);
}

/* Arrays and objects in one another, some deeper than is allowed. */
static void
add_deep(Bytes *json, Random *random)
{
	char		closing[KS_JSON_MAX_DEPTH + 30];
	uint32_t	n = 1 + fuzz_below(random, 150);

	if (fuzz_one_in(random, 3))
		n = KS_JSON_MAX_DEPTH - 2 + fuzz_below(random, 5);

	for (uint32_t i = 0; i < n; i++)
	{
		bool		object = fuzz_one_in(random, 2);

		fuzz_add_string(json, object ? "{\"a\":" : "[");
		closing[n - 1 - i] = object ? '}' : ']';
	}
	fuzz_add_string(json, "1");
	for (uint32_t i = 0; i < n; i++)
	{
		fuzz_add(json, closing + i, 1);
		if (i + 1 < n && fuzz_one_in(random, 4))
			fuzz_add_string(json, closing[i + 1] == '}' ? ",\"b\":2" : ",2");
	}
}

static void
add_value(Bytes *json, Random *random, int depth)
{
	static const char *const words[] = {"true", "false", "null"};
	uint32_t	n = fuzz_below(random, 4);

	if (depth == 0 && fuzz_one_in(random, 200))
	{
		add_deep(json, random);
		return;
	}
	add_space(json, random);
	switch (fuzz_below(random, depth < 6 ? 7 : 5))
	{
		case 0:
		case 1:
			add_text(json, random);
			break;
		case 2:
		case 3:
			add_number(json, random);
			break;
		case 4:
			fuzz_add_string(json, words[fuzz_below(random, 3)]);
			break;
		case 5:
			fuzz_add_string(json, "[");
			for (uint32_t i = 0; i < n; i++)
			{
				fuzz_add_string(json, i > 0 ? "," : "");
				add_value(json, random, depth + 1);
			}
			fuzz_add_string(json, "]");
			break;
		default:
			fuzz_add_string(json, "{");
			for (uint32_t i = 0; i < n; i++)
			{
				fuzz_add_string(json, i > 0 ? ", " : "");
				add_text(json, random);
				fuzz_add_string(json, ":");
				add_value(json, random, depth + 1);
			}
			fuzz_add_string(json, "}");
	}
	add_space(json, random);
}

/* A value that the column of this name mostly takes. */
static void
add_fitting(Bytes *json, Random *random, uint32_t column)
{
	static const char *const times[] = {"\"2024-02-29T12:34:56.789Z\"", "\"2024-02-29 12:34:56+03:30\"", "\"1999-12-31\"", "\"infinity\"", "\"2023-02-29\""};
	static const char *const addresses[] = {"\"10.0.0.1\"", "\"::1\"", "\"2001:db8::17/64\"", "\"10.0.0\"", "\"host\""};

	switch (column)
	{
		case 0:
		case 2:
			add_number(json, random);
			break;
		case 1:
			add_text(json, random);
			break;
		case 3:
			fuzz_add_string(json, fuzz_one_in(random, 2) ? "true" : "false");
			break;
		case 6:
			fuzz_add_string(json, times[fuzz_below(random, 5)]);
			break;
		case 7:
			fuzz_add_string(json, addresses[fuzz_below(random, 5)]);
			break;
		default:
			add_value(json, random, 0);
	}
}

/* An object with the columns of the table that the server's test has, and others. */
void
fuzz_generate(Random *random, Bytes *input, Bytes *meaning)
{
	static const char *const keys[] = {"n", "s", "f", "ok", "j", "a", "ts", "ip", "\\u006e", "other"};
	uint32_t	n = fuzz_below(random, 9);

	(void) meaning;
	add_space(input, random);
	fuzz_add_string(input, "{");
	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t	key = fuzz_below(random, 10);

		fuzz_add_string(input, i > 0 ? "," : "");
		add_space(input, random);
		fuzz_add_format(input, "\"%s\":", keys[key]);
		if (fuzz_one_in(random, 6))
			add_value(input, random, 0);
		else
			add_fitting(input, random, key);
	}
	fuzz_add_string(input, "}");
	add_space(input, random);
}

/* ---- the grammar once more ---- */

typedef struct Reader
{
	const char *at;
	const char *end;
	int			depth;
} Reader;

static bool
eat(Reader *reader, const char *any)
{
	if (reader->at == reader->end || *reader->at == '\0' || strchr(any, *reader->at) == NULL)
		return false;
	reader->at++;
	return true;
}

static void
eat_space(Reader *reader)
{
	while (eat(reader, " \t\r\n"))
		;
}

static bool
eat_digits(Reader *reader)
{
	if (!eat(reader, "0123456789"))
		return false;
	while (eat(reader, "0123456789"))
		;
	return true;
}

static bool
read_number(Reader *reader)
{
	(void) eat(reader, "-");
	if (!eat(reader, "0") && !eat_digits(reader))
		return false;
	if (eat(reader, ".") && !eat_digits(reader))
		return false;
	if (!eat(reader, "eE"))
		return true;
	(void) eat(reader, "+-");
	return eat_digits(reader);
}

static bool
read_string(Reader *reader)
{
	const char *first = reader->at + 1;

	if (!eat(reader, "\""))
		return false;
	while (reader->at < reader->end && *reader->at != '"')
	{
		if ((unsigned char) *reader->at < 0x20)
			return false;
		if (*reader->at++ != '\\')
			continue;
		if (eat(reader, "u"))
		{
			for (int i = 0; i < 4; i++)
				if (!eat(reader, "0123456789abcdefABCDEF"))
					return false;
		}
		else if (!eat(reader, "\"\\/bfnrt"))
			return false;
	}
	return reader->at < reader->end && fuzz_is_utf8(first, reader->at++ - first);
}

static bool read_value(Reader *reader);

static bool
read_members(Reader *reader, const char *closing)
{
	bool		object = closing[0] == '}';

	if (++reader->depth > KS_JSON_MAX_DEPTH)
		return false;
	eat_space(reader);
	if (!eat(reader, closing))
		for (;;)
		{
			eat_space(reader);
			if (object && !read_string(reader))
				return false;
			eat_space(reader);
			if ((object && !eat(reader, ":")) || !read_value(reader))
				return false;
			if (eat(reader, closing))
				break;
			if (!eat(reader, ","))
				return false;
		}
	reader->depth--;
	return true;
}

static bool
read_word(Reader *reader, const char *word)
{
	size_t		len = strlen(word);

	if ((size_t) (reader->end - reader->at) < len || memcmp(reader->at, word, len) != 0)
		return false;
	reader->at += len;
	return true;
}

/* A value and space around it. */
static bool
read_value(Reader *reader)
{
	bool		valid;

	eat_space(reader);
	if (eat(reader, "{"))
		valid = read_members(reader, "}");
	else if (eat(reader, "["))
		valid = read_members(reader, "]");
	else if (reader->at < reader->end && *reader->at == '"')
		valid = read_string(reader);
	else
		valid = read_word(reader, "true") || read_word(reader, "false") ||
			read_word(reader, "null") || read_number(reader);
	if (valid)
		eat_space(reader);
	return valid;
}

/* ---- what must hold ---- */

static void
check_number(const KsValue *value)
{
	KsValue		string = *value;
	KsValue		buffer;
	bool		safe = ks_json_number_is_safe(value);
	bool		plain = ks_json_number_is_plain(value);

	FUZZ_CHECK(safe || value->len > 1000 || value->exponent);
	FUZZ_CHECK(!plain || !value->exponent);
	string.kind = KS_VALUE_STRING;
	string.escaped = false;
	FUZZ_CHECK(ks_json_number_of(&string, &buffer) == &buffer);
	FUZZ_CHECK(buffer.digits == value->digits && buffer.scale == value->scale &&
			   buffer.exponent == value->exponent && buffer.len == value->len);
}

static void
check_value(const KsValue *value, const char *data, size_t size)
{
	FUZZ_CHECK(value->kind != KS_VALUE_NONE);
	FUZZ_CHECK(value->text >= data && value->text + value->len <= data + size);
	if (value->kind == KS_VALUE_STRING)
		FUZZ_CHECK(value->escaped == (memchr(value->text, '\\', value->len) != NULL));
	if (value->kind == KS_VALUE_NUMBER)
		check_number(value);
	if (value->kind == KS_VALUE_ARRAY || value->kind == KS_VALUE_OBJECT)
		FUZZ_CHECK(value->depth >= 1 && value->depth <= KS_JSON_MAX_DEPTH);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *) data;
	Reader		reader = {text, text + size, 0};
	bool		valid = read_value(&reader) && reader.at == reader.end;
	KsJsonScanner scan;
	KsValue		value = {0};
	bool		accepted;

	ks_json_scan_begin(&scan, text, size);
	accepted = ks_json_scan_value(&scan, &value);
	if (accepted)
	{
		check_value(&value, text, size);
		ks_json_scan_space(&scan);
		accepted = scan.at == scan.end || ks_json_scan_fail(&scan, scan.at, "something follows");
	}
	if (!accepted)
	{
		KsDecodeError error;

		FUZZ_CHECK(scan.where >= text && scan.where <= text + size);
		ks_json_scan_error(&scan, &error);
		FUZZ_CHECK(error.sqlstate != 0 && error.message[0] != '\0' && error.column == NULL);
	}
	if (accepted != valid)
		fuzz_fail("the scanner %s it, the grammar %s", accepted ? "accepts" : "refuses",
				  valid ? "accepts" : "refuses");
	return 0;
}

void
fuzz_check_generated(const char *data, size_t len)
{
	Reader		reader = {data, data + len, 0};

	if (!read_value(&reader) || reader.at != reader.end)
		FUZZ_CHECK(reader.depth > KS_JSON_MAX_DEPTH);
}
