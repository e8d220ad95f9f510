/*
 * Fuzzing the scanner of access logs: lines whose fields come back exactly as
 * they were made, and anything else, which must be taken or refused in order.
 *
 * The first byte of an input says of which server the line is.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "format/access_log.h"

#define EPOCH_2000 INT64_C(946684800)
#define USECS INT64_C(1000000)

const char *const fuzz_name = "fuzz_access_log";

const char *const fuzz_words[] = {
	" ", "-", "\"", "\\", "\\\"", "\\\\", "\\x", "\\x22", "\\xc3\\xa4", "\\xff", "\\x00", "[", "]", " [", "] \"", "\" ", "\" \"",
	"- - ", " - - [", "[10/Oct/2000:13:55:36 -0700] \"", " [31/Feb/2000:13:55:36 -0700] \"", "29/Feb/2024", ":60 +0000", "-1559", "+1600",
	"GET / HTTP/1.1", "HTTP/1.1", "\\x16\\x03\\x01", " 200 ", " 2326", "9223372036854775807", "9223372036854775808", "example.com:443 ", "::1 ", "\n", "\r\n", "\xff", "\xc3", NULL
};

/* What a generated line says; texts without their escapes. */
typedef struct Expected
{
	Bytes		texts[KS_LOG_TEXTS];
	bool		present[KS_LOG_TEXTS];
	int64_t		event_time;
	int64_t		size;
	int			status;
	int			port;
} Expected;

static Expected expected;

/* ---- texts, and how servers write them ---- */

/* As Apache (ap_escape_logitem) or nginx (escape=default) writes a byte; 'raw': or might have. */
static void
write_byte(Bytes *line, KsAccessLogKind kind, unsigned char c, bool raw)
{
	static const char letters[] = "\b\n\r\t\v";
	const char *letter = c != '\0' ? strchr(letters, c) : NULL;
	char		byte = (char) c;

	if (kind == KS_ACCESS_LOG_APACHE && (c == '"' || c == '\\'))
		fuzz_add_format(line, "\\%c", c);
	else if (kind == KS_ACCESS_LOG_APACHE && letter != NULL)
		fuzz_add_format(line, "\\%c", "bnrtv"[letter - letters]);
	else if (c == '"' || c == '\\' || c < 0x20 || c == 0x7f || (c >= 0x80 && !raw))
		fuzz_add_format(line, kind == KS_ACCESS_LOG_APACHE ? "\\x%02x" : "\\x%02X", c);
	else
		fuzz_add(line, &byte, 1);
}

static void
write_text(Bytes *line, Random *random, KsAccessLogKind kind, const Bytes *text)
{
	bool		raw = fuzz_one_in(random, 3);

	for (size_t i = 0; i < text->len; i++)
		write_byte(line, kind, (unsigned char) text->data[i], raw);
}

static Bytes *
expect(KsAccessLogText field)
{
	Bytes	   *text = &expected.texts[field];

	expected.present[field] = true;
	text->len = 0;
	fuzz_add(text, "", 0);
	return text;
}

/* Up to 'most' characters; a word has no spaces. */
static void
make_text(Bytes *text, Random *random, uint32_t most, bool word)
{
	uint32_t	n = fuzz_below(random, most + 1);

	for (uint32_t i = 0; i < n; i++)
		if (!word && fuzz_one_in(random, 8))
			fuzz_add_string(text, " ");
		else
		{
			size_t		before = text->len;

			fuzz_add_character(text, random);
			if (word && text->data[before] == ' ')
				text->len = before;
		}
}

static uint32_t
some_length(Random *random)
{
	return fuzz_one_in(random, 30) ? 400 : 20;
}

/* ---- parts of a line ---- */

static void
add_address(Bytes *text, Random *random)
{
	static const char *const others[] = {
		"::1", "2001:db8::17", "2001:db8::80", "fe80::1%eth0", "::ffff:10.0.0.1", "host.example.com", "localhost", "unix:"
	};

	if (fuzz_one_in(random, 2))
		fuzz_add_format(text, "%u.%u.%u.%u", fuzz_below(random, 256), fuzz_below(random, 256),
						fuzz_below(random, 256), fuzz_below(random, 256));
	else
		fuzz_add_string(text, others[fuzz_below(random, 8)]);
}

static bool
add_vhost(Bytes *line, Random *random)
{
	static const char *const hosts[] = {"example.com", "www.example.com", "[::1]", "v", "10.0.0.9"};
	Bytes	   *text;

	if (fuzz_one_in(random, 2))
		return false;
	text = expect(KS_LOG_VHOST);
	fuzz_add_string(text, hosts[fuzz_below(random, 5)]);
	fuzz_add(line, text->data, text->len);
	if (!fuzz_one_in(random, 4))
	{
		expected.port = (int) fuzz_below(random, 65536);
		fuzz_add_format(line, ":%d", expected.port);
	}
	fuzz_add_string(line, " ");
	return expected.port < 0;
}

/* A user's name may hold spaces, and what looks like a time. */
static void
add_user(Bytes *line, Random *random, KsAccessLogKind kind)
{
	Bytes	   *text;

	if (fuzz_one_in(random, 2))
	{
		fuzz_add_string(line, "-");
		return;
	}
	text = expect(KS_LOG_USER);
	if (kind == KS_ACCESS_LOG_APACHE && fuzz_one_in(random, 8))
	{
		fuzz_add_string(line, "\"\"");
		return;
	}
	fuzz_add_string(text, "u");
	make_text(text, random, some_length(random), false);
	if (fuzz_one_in(random, 8))
		fuzz_add_string(text, " [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 1");
	write_text(line, random, kind, text);
}

static void
add_head(Bytes *line, Random *random, KsAccessLogKind kind)
{
	bool		no_port = kind == KS_ACCESS_LOG_APACHE && add_vhost(line, random);
	Bytes	   *text;

	if (!no_port && fuzz_one_in(random, 30))
		fuzz_add_string(line, "-");
	else
	{
		text = expect(KS_LOG_CLIENT);
		add_address(text, random);
		fuzz_add(line, text->data, text->len);
	}
	fuzz_add_string(line, " ");
	if (kind == KS_ACCESS_LOG_APACHE && !no_port && fuzz_one_in(random, 4))
	{
		text = expect(KS_LOG_IDENTITY);
		fuzz_add_string(text, "i");
		make_text(text, random, 8, true);
		write_text(line, random, kind, text);
	}
	else
		fuzz_add_string(line, "-");
	fuzz_add_string(line, " ");
	add_user(line, random, kind);
}

/* What time it is, says the C library. */
static void
add_time(Bytes *line, Random *random)
{
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	int			year = fuzz_one_in(random, 4) ? 1 + (int) fuzz_below(random, 9999) :
		1990 + (int) fuzz_below(random, 60);
	struct tm	first = {.tm_year = year - 1900, .tm_mday = 1};
	time_t		moment = timegm(&first) + (time_t) fuzz_below(random, 365 * 86400);
	bool		west = fuzz_one_in(random, 2);
	int			zone = (int) fuzz_below(random, 16 * 60);
	int			leap;
	struct tm	tm;

	gmtime_r(&moment, &tm);
	leap = tm.tm_sec == 59 && fuzz_one_in(random, 2);
	fuzz_add_format(line, " [%02d/%s/%04d:%02d:%02d:%02d %c%02d%02d] \"", tm.tm_mday, months[tm.tm_mon],
					tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec + leap,
					west ? '-' : '+', zone / 60, zone % 60);
	expected.event_time = ((int64_t) moment + leap - EPOCH_2000 + (west ? zone : -zone) * 60) * USECS;
}

static void
add_request(Bytes *line, Random *random, KsAccessLogKind kind)
{
	static const char *const methods[] = {"GET", "POST", "HEAD", "OPTIONS", "M-SEARCH", "get"};
	static const char *const protocols[] = {"HTTP/1.0", "HTTP/1.1", "HTTP/2", "HTTP/2.0"};
	static const char *const none[] = {"", "-", " ", "GET", "\\x16\\x03\\x01\\x02", "SSH-2.0-Go", "\\x16 / HTTP/1.1", "EHLO example.com"};
	bool		old = fuzz_one_in(random, 10);
	Bytes	   *text;

	if (fuzz_one_in(random, 6))
	{
		fuzz_add_string(line, none[fuzz_below(random, 8)]);
		return;
	}
	text = expect(KS_LOG_METHOD);
	fuzz_add_string(text, methods[fuzz_below(random, 6)]);
	fuzz_add(line, text->data, text->len);
	fuzz_add_string(line, " ");
	text = expect(KS_LOG_URL);
	fuzz_add_string(text, old || !fuzz_one_in(random, 10) ? "/" : fuzz_one_in(random, 2) ? "http://example.com/" : "-");
	make_text(text, random, some_length(random), old);
	while (text->data[text->len - 1] == ' ')
		text->len--;
	write_text(line, random, kind, text);
	if (old)
		return;
	text = expect(KS_LOG_PROTOCOL);
	fuzz_add_string(text, protocols[fuzz_below(random, 4)]);
	fuzz_add_string(line, " ");
	fuzz_add(line, text->data, text->len);
}

static void
add_numbers(Bytes *line, Random *random)
{
	static const int64_t sizes[] = {0, 1, 2147483647, 2147483648, 4294967296, INT64_MAX};

	if (fuzz_one_in(random, 30))
		fuzz_add_string(line, "\" - ");
	else
	{
		expected.status = (int) fuzz_below(random, 1000);
		fuzz_add_format(line, "\" %03d ", expected.status);
	}
	if (fuzz_one_in(random, 6))
	{
		fuzz_add_string(line, "-");
		return;
	}
	expected.size = fuzz_one_in(random, 3) ? sizes[fuzz_below(random, 6)] : fuzz_below(random, 1000000);
	fuzz_add_format(line, "%lld", (long long) expected.size);
}

/* A referer or user agent; some with escapes that stay as they are. */
static void
add_quoted(Bytes *line, Random *random, KsAccessLogKind kind, KsAccessLogText field)
{
	static const char *const kept[] = {"\\x00", "\\xff", "\\xfe", "\\q", "\\x4", "\\u0041"};
	Bytes	   *text;

	fuzz_add_string(line, " \"");
	if (fuzz_one_in(random, 4))
		fuzz_add_string(line, "-");
	else
	{
		text = expect(field);
		make_text(text, random, some_length(random), false);
		if (text->len == 1 && text->data[0] == '-')
			fuzz_add_string(text, "-");
		write_text(line, random, kind, text);
		if (fuzz_one_in(random, 6))
		{
			const char *escape = kept[fuzz_below(random, 6)];

			fuzz_add_string(text, escape);
			fuzz_add_string(line, escape);
		}
	}
	fuzz_add_string(line, "\"");
}

static void
add_tail(Bytes *line, Random *random, KsAccessLogKind kind)
{
	static const char *const extras[] = {"", "", " ", " 0.002", " \"10.0.0.1\" 0.002"};
	static const char *const extras_of_common[] = {"", "", " ", " 0.002", " - \"x\""};
	static const char *const ends[] = {"", "", "\n", "\r\n"};

	if (kind == KS_ACCESS_LOG_NGINX || !fuzz_one_in(random, 4))
	{
		add_quoted(line, random, kind, KS_LOG_REFERER);
		add_quoted(line, random, kind, KS_LOG_USER_AGENT);
		fuzz_add_string(line, extras[fuzz_below(random, 5)]);
	}
	else
		fuzz_add_string(line, extras_of_common[fuzz_below(random, 5)]);
	fuzz_add_string(line, ends[fuzz_below(random, 4)]);
}

/* ---- the meaning, for a server to compare ---- */

static void
describe(Bytes *meaning)
{
	static const char *const names[] = {
		"client", "identity", "user", "method", "url", "protocol", "referer", "user_agent", "vhost"
	};

	fuzz_add_format(meaning, "{\"event_time\": %lld", (long long) expected.event_time);
	for (int i = 0; i < KS_LOG_TEXTS; i++)
		if (expected.present[i])
		{
			fuzz_add_format(meaning, ", \"%s\": ", names[i]);
			fuzz_add_json(meaning, expected.texts[i].data, expected.texts[i].len);
		}
	if (expected.status >= 0)
		fuzz_add_format(meaning, ", \"status\": %d", expected.status);
	if (expected.size >= 0)
		fuzz_add_format(meaning, ", \"size\": %lld", (long long) expected.size);
	if (expected.port >= 0)
		fuzz_add_format(meaning, ", \"port\": %d", expected.port);
	fuzz_add_string(meaning, "}");
}

void
fuzz_generate(Random *random, Bytes *input, Bytes *meaning)
{
	KsAccessLogKind kind = fuzz_one_in(random, 2) ? KS_ACCESS_LOG_NGINX : KS_ACCESS_LOG_APACHE;

	memset(expected.present, 0, sizeof(expected.present));
	expected.size = expected.status = expected.port = -1;
	fuzz_add_string(input, kind == KS_ACCESS_LOG_NGINX ? "n" : "a");
	add_head(input, random, kind);
	add_time(input, random);
	add_request(input, random, kind);
	add_numbers(input, random);
	add_tail(input, random, kind);
	describe(meaning);
}

/* ---- what must hold ---- */

static KsAccessLogKind
kind_of(const char *data)
{
	return data[0] == 'n' ? KS_ACCESS_LOG_NGINX : KS_ACCESS_LOG_APACHE;
}

void
fuzz_check_generated(const char *data, size_t len)
{
	KsAccessLog log;

	if (!ks_access_log_scan(kind_of(data), data + 1, len - 1, &log))
		fuzz_fail("refused at byte %zu: %s", log.position, log.problem);
	FUZZ_CHECK(log.event_time == expected.event_time);
	FUZZ_CHECK(log.status == expected.status);
	FUZZ_CHECK(log.size == expected.size);
	FUZZ_CHECK(log.port == expected.port);
	for (int i = 0; i < KS_LOG_TEXTS; i++)
	{
		const KsLogField *field = &log.texts[i];
		char	   *text = malloc(field->len + 1);
		size_t		length;

		if ((field->text != NULL) != expected.present[i])
			fuzz_fail("field %d should%s be there", i, expected.present[i] ? "" : " not");
		length = field->text != NULL ? ks_access_log_unescape(field->text, field->len, true, text) : 0;
		if (field->text != NULL && (length != expected.texts[i].len ||
									memcmp(text, expected.texts[i].data, length) != 0))
			fuzz_fail("field %d is \"%.*s\", not \"%.*s\"", i, (int) length, text,
					  (int) expected.texts[i].len, expected.texts[i].data);
		free(text);
	}
}

/* Without its escapes a field is not longer, and text if the line is text. */
static void
check_unescaped(const KsLogField *field, bool with_utf8, bool utf8)
{
	char	   *escaped = malloc(field->len > 0 ? field->len : 1);
	char	   *text = malloc(field->len > 0 ? field->len : 1);
	size_t		length;

	memcpy(escaped, field->text, field->len);
	length = ks_access_log_unescape(escaped, field->len, with_utf8, text);
	FUZZ_CHECK(length <= field->len);
	FUZZ_CHECK(!utf8 || fuzz_is_utf8(text, length));
	FUZZ_CHECK(field->escaped || (length == field->len && memcmp(text, escaped, length) == 0));
	free(escaped);
	free(text);
}

static void
check_field(const KsLogField *field, const char *line, size_t len, bool utf8)
{
	if (field->text == NULL)
		return;
	FUZZ_CHECK(field->text >= line && field->text + field->len <= line + len);
	FUZZ_CHECK(field->escaped == (field->len > 0 && memchr(field->text, '\\', field->len) != NULL));
	check_unescaped(field, true, utf8);
	check_unescaped(field, false, utf8);
}

static void
check_log(const KsAccessLog *log, const char *line, size_t len)
{
	bool		utf8 = fuzz_is_utf8(line, len);

	for (int i = 0; i < KS_LOG_TEXTS; i++)
		check_field(&log->texts[i], line, len, utf8);
	FUZZ_CHECK(log->status >= -1 && log->status <= 999);
	FUZZ_CHECK(log->size >= -1);
	FUZZ_CHECK(log->port >= -1 && log->port <= 65535);
	FUZZ_CHECK(log->port < 0 || log->texts[KS_LOG_VHOST].text != NULL || memchr(line, '-', len) != NULL);
	FUZZ_CHECK(log->event_time / USECS > -INT64_C(2000) * 366 * 86400 &&
			   log->event_time / USECS < INT64_C(8001) * 366 * 86400);
	FUZZ_CHECK((log->texts[KS_LOG_METHOD].text != NULL) == (log->texts[KS_LOG_URL].text != NULL));
	FUZZ_CHECK(log->texts[KS_LOG_METHOD].text != NULL || log->texts[KS_LOG_PROTOCOL].text == NULL);
}

/* The same line with its end, somewhere else in memory, is the same. */
static void
check_again(KsAccessLogKind kind, const KsAccessLog *log, const char *line, size_t len)
{
	char	   *copy = malloc(len + 1);
	KsAccessLog again;

	memcpy(copy, line, len);
	copy[len] = '\n';
	FUZZ_CHECK(ks_access_log_scan(kind, copy, len + 1, &again));
	FUZZ_CHECK(again.event_time == log->event_time && again.status == log->status && again.size == log->size);
	for (int i = 0; i < KS_LOG_TEXTS; i++)
		FUZZ_CHECK(again.texts[i].len == log->texts[i].len &&
				   (again.texts[i].text == NULL) == (log->texts[i].text == NULL) &&
				   (log->texts[i].text == NULL || again.texts[i].text - copy == log->texts[i].text - line));
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *line = (const char *) data + 1;
	KsAccessLog log;

	if (size == 0)
		return 0;
	if (ks_access_log_scan(kind_of((const char *) data), line, size - 1, &log))
	{
		check_log(&log, line, size - 1);
		check_again(kind_of((const char *) data), &log, line, size - 1);
	}
	else
		FUZZ_CHECK(log.problem != NULL && log.position <= size - 1);
	return 0;
}
