/*
 * The JSON scanner: bytes to values, with no memory of its own.
 *
 * Never reads at or beyond scan->end, never recurses: containers that nobody
 * looks into are skipped with one bit per level.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "port/pg_bitutils.h"

#include "format/json_scan.h"

void
ks_json_scan_begin(KsJsonScanner *scan, const char *data, size_t len)
{
	scan->start = data;
	scan->at = data;
	scan->end = data + len;
	scan->depth = 0;
	scan->deepest = 0;
	scan->encoding = GetDatabaseEncoding();
	scan->problem = NULL;
	scan->where = NULL;
	scan->sqlstate = ERRCODE_INVALID_TEXT_REPRESENTATION;
}

bool
ks_json_scan_fail(KsJsonScanner *scan, const char *where, const char *problem)
{
	scan->where = where;
	scan->problem = problem;
	return false;
}

void
ks_json_scan_error(const KsJsonScanner *scan, KsDecodeError *error)
{
	error->sqlstate = scan->sqlstate;
	error->column = NULL;
	if (scan->sqlstate == ERRCODE_PROGRAM_LIMIT_EXCEEDED)
		error->message = psprintf("JSON too complex at byte %zu: %s",
								  (size_t) (scan->where - scan->start), scan->problem);
	else if (scan->where >= scan->end)
		error->message = psprintf("invalid JSON: message ends at byte %zu: %s",
								  (size_t) (scan->end - scan->start), scan->problem);
	else
		error->message = psprintf("invalid JSON at byte %zu: %s",
								  (size_t) (scan->where - scan->start), scan->problem);
}

bool
ks_json_scan_enter(KsJsonScanner *scan)
{
	if (scan->depth >= KS_JSON_MAX_DEPTH)
	{
		scan->sqlstate = ERRCODE_PROGRAM_LIMIT_EXCEEDED;
		return ks_json_scan_fail(scan, scan->at - 1,
								 "arrays and objects are nested more than "
								 CppAsString2(KS_JSON_MAX_DEPTH) " levels deep");
	}
	scan->depth++;
	scan->deepest = Max(scan->deepest, scan->depth);
	return true;
}

/*
 * Is one of these 8 bytes a quote, a backslash, a control character or not
 * ASCII?  The lowest flagged byte is exact, bytes above it may be flagged for
 * nothing.
 */
static inline uint64
special_bytes(uint64 word)
{
	const uint64 ones = UINT64CONST(0x0101010101010101);
	const uint64 highs = UINT64CONST(0x8080808080808080);
	uint64		quote = word ^ (ones * '"');
	uint64		backslash = word ^ (ones * '\\');

	return (((quote - ones) & ~quote) |
			((backslash - ones) & ~backslash) |
			((word - ones * 0x20) & ~word) | word) & highs;
}

/* First special byte at or after 'at', or 'end'. */
static inline const char *
find_special(const char *at, const char *end)
{
#ifndef WORDS_BIGENDIAN
	while (end - at >= 8)
	{
		uint64		word;

		memcpy(&word, at, 8);
		word = special_bytes(word);
		if (word != 0)
			return at + pg_rightmost_one_pos64(word) / 8;
		at += 8;
	}
#endif
	while (at < end && *at != '"' && *at != '\\' &&
		   (unsigned char) *at >= 0x20 && !IS_HIGHBIT_SET(*at))
		at++;
	return at;
}

/* Step over the escape whose backslash is at scan->at. */
static bool
scan_escape(KsJsonScanner *scan)
{
	const char *at = scan->at + 1;

	if (at >= scan->end)
		return ks_json_scan_fail(scan, at, "unterminated string");
	if (*at == 'u')
	{
		for (int i = 1; i <= 4; i++)
		{
			if (at + i >= scan->end)
				return ks_json_scan_fail(scan, at + i, "unterminated string");
			if (!isxdigit((unsigned char) at[i]))
				return ks_json_scan_fail(scan, scan->at,
										 "\"\\u\" must be followed by four hexadecimal digits");
		}
		at += 4;
	}
	else if (*at == '\0' || strchr("\"\\/bfnrt", *at) == NULL)
		return ks_json_scan_fail(scan, scan->at, "invalid escape in a string");
	scan->at = at + 1;
	return true;
}

/* Check the encoding of a string that is not all ASCII. */
static bool
verify_encoding(KsJsonScanner *scan, const KsValue *value)
{
	int			valid = pg_encoding_verifymbstr(scan->encoding, value->text, (int) value->len);

	if ((size_t) valid == value->len)
		return true;
	scan->sqlstate = ERRCODE_CHARACTER_NOT_IN_REPERTOIRE;
	return ks_json_scan_fail(scan, value->text + valid,
							 "invalid byte sequence for the encoding UTF8");
}

static pg_attribute_always_inline bool
scan_string(KsJsonScanner *scan, KsValue *value)
{
	bool		high = false;

	value->kind = KS_VALUE_STRING;
	value->depth = 0;
	value->escaped = false;
	value->text = ++scan->at;
	for (;;)
	{
		scan->at = find_special(scan->at, scan->end);
		if (scan->at >= scan->end)
			return ks_json_scan_fail(scan, scan->end, "unterminated string");
		if (*scan->at == '"')
			break;
		if (*scan->at == '\\')
		{
			value->escaped = true;
			if (!scan_escape(scan))
				return false;
		}
		else if (IS_HIGHBIT_SET(*scan->at))
		{
			high = true;
			while (scan->at < scan->end && IS_HIGHBIT_SET(*scan->at))
				scan->at++;
		}
		else
			return ks_json_scan_fail(scan, scan->at, "control character in a string");
	}
	value->len = scan->at - value->text;
	scan->at++;
	return !high || verify_encoding(scan, value);
}

bool
ks_json_scan_string(KsJsonScanner *scan, KsValue *value)
{
	return scan_string(scan, value);
}

/* Step over one or more digits and append them to *sum, which may wrap around. */
static inline bool
scan_digits(KsJsonScanner *scan, uint64 *sum)
{
	const char *at = scan->at;
	const char *end = scan->end;
	uint64		digits = *sum;
	unsigned	digit;

	while (at < end && (digit = (unsigned char) *at - '0') <= 9)
	{
		digits = digits * 10 + digit;
		at++;
	}
	*sum = digits;
	if (at == scan->at)
		return ks_json_scan_fail(scan, at, "expected a digit");
	scan->at = at;
	return true;
}

/* The digits of an exponent, behind the "e". */
static bool
scan_exponent(KsJsonScanner *scan)
{
	uint64		ignored = 0;

	if (scan->at < scan->end && (*scan->at == '+' || *scan->at == '-'))
		scan->at++;
	return scan_digits(scan, &ignored);
}

bool
ks_json_scan_number(KsJsonScanner *scan, KsValue *value)
{
	const char *first = scan->at;
	uint64		digits = 0;

	value->kind = KS_VALUE_NUMBER;
	value->depth = 0;
	value->fraction = value->exponent = false;
	value->scale = 0;
	value->text = first;
	if (*scan->at == '-')
		scan->at++;
	if (scan->at < scan->end && *scan->at == '0')
		scan->at++;
	else if (!scan_digits(scan, &digits))
		return false;
	if (scan->at < scan->end && *scan->at == '.')
	{
		const char *point = scan->at++;

		value->fraction = true;
		if (!scan_digits(scan, &digits))
			return false;
		value->scale = (int) (scan->at - point - 1);
	}
	if (scan->at < scan->end && (*scan->at == 'e' || *scan->at == 'E'))
	{
		value->exponent = true;
		scan->at++;
		if (!scan_exponent(scan))
			return false;
	}
	value->digits = digits;
	value->len = scan->at - first;
	return true;
}

static bool
scan_literal(KsJsonScanner *scan, const char *word, size_t len, KsValueKind kind,
			 KsValue *value)
{
	size_t		left = scan->end - scan->at;

	if (left < len && memcmp(scan->at, word, left) == 0)
		return ks_json_scan_fail(scan, scan->end, "unfinished word");
	if (left < len || memcmp(scan->at, word, len) != 0)
		return ks_json_scan_fail(scan, scan->at, "expected a value");
	value->kind = kind;
	value->depth = 0;
	value->text = scan->at;
	value->len = len;
	scan->at += len;
	return true;
}

/* A value that is no array and no object. */
static bool
scan_scalar(KsJsonScanner *scan, KsValue *value)
{
	switch (*scan->at)
	{
		case '"':
			return ks_json_scan_string(scan, value);
		case 't':
			return scan_literal(scan, "true", 4, KS_VALUE_TRUE, value);
		case 'f':
			return scan_literal(scan, "false", 5, KS_VALUE_FALSE, value);
		case 'n':
			return scan_literal(scan, "null", 4, KS_VALUE_NULL, value);
		case '-':
		case '0':
		case '1':
		case '2':
		case '3':
		case '4':
		case '5':
		case '6':
		case '7':
		case '8':
		case '9':
			return ks_json_scan_number(scan, value);
		default:
			return ks_json_scan_fail(scan, scan->at, "expected a value");
	}
}

/* Which levels of a skipped container are objects: one bit each. */
typedef struct Levels
{
	uint64		object[KS_JSON_MAX_DEPTH / 64 + 1];
	int			depth;
} Levels;

static inline bool
in_object(const Levels *levels)
{
	return (levels->object[levels->depth / 64] >> (levels->depth % 64)) & 1;
}

/* Step over a key and its colon. */
static bool
skip_key(KsJsonScanner *scan)
{
	KsValue		key;

	if (ks_json_scan_peek(scan) != '"')
		return ks_json_scan_fail(scan, scan->at, "expected a key in quotes");
	return ks_json_scan_string(scan, &key) &&
		ks_json_scan_expect(scan, ':', "expected \":\" after a key");
}

/*
 * Step over the bracket at scan->at and, in an object, its first key.  An
 * empty container is left again at once.
 */
static bool
skip_open(KsJsonScanner *scan, Levels *levels)
{
	bool		object = *scan->at == '{';
	uint64		bit;

	scan->at++;
	if (!ks_json_scan_enter(scan))
		return false;
	levels->depth++;
	bit = UINT64CONST(1) << (levels->depth % 64);
	if (object)
		levels->object[levels->depth / 64] |= bit;
	else
		levels->object[levels->depth / 64] &= ~bit;
	return true;
}

/* After a value: close what ends here; true with *more if another value follows. */
static bool
skip_after_value(KsJsonScanner *scan, Levels *levels, bool *more)
{
	while (levels->depth > 0)
	{
		bool		object = in_object(levels);
		char		next = ks_json_scan_peek(scan);

		if (next == ',')
		{
			scan->at++;
			*more = true;
			return !object || skip_key(scan);
		}
		if (next != (object ? '}' : ']'))
			return ks_json_scan_fail(scan, scan->at, object ?
									 "expected \",\" or \"}\"" : "expected \",\" or \"]\"");
		scan->at++;
		scan->depth--;
		levels->depth--;
	}
	*more = false;
	return true;
}

/* Skip an array or object, checking its grammar. */
static bool
skip_container(KsJsonScanner *scan, KsValue *value)
{
	Levels		levels;
	const char *first = scan->at;
	int			outer = scan->deepest;
	bool		more = true;

	levels.depth = 0;
	scan->deepest = scan->depth;
	while (more)
	{
		char		next = ks_json_scan_peek(scan);

		if (next == '{' || next == '[')
		{
			if (!skip_open(scan, &levels))
				return false;
			if (ks_json_scan_peek(scan) != (next == '{' ? '}' : ']'))
			{
				if (next == '{' && !skip_key(scan))
					return false;
				continue;
			}
		}
		else if (scan->at >= scan->end)
			return ks_json_scan_fail(scan, scan->end, "expected a value");
		else if (!scan_scalar(scan, value))
			return false;
		if (!skip_after_value(scan, &levels, &more))
			return false;
	}
	value->kind = *first == '{' ? KS_VALUE_OBJECT : KS_VALUE_ARRAY;
	value->text = first;
	value->len = scan->at - first;
	value->depth = scan->deepest - scan->depth;
	scan->deepest = Max(scan->deepest, outer);
	return true;
}

bool
ks_json_scan_value(KsJsonScanner *scan, KsValue *value)
{
	char		next = ks_json_scan_peek(scan);

	if (next == '"')
		return scan_string(scan, value);
	if (scan->at >= scan->end)
		return ks_json_scan_fail(scan, scan->end, "expected a value");
	if (next == '{' || next == '[')
		return skip_container(scan, value);
	return scan_scalar(scan, value);
}
