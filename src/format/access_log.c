/*
 * The scanner of access logs.
 *
 * The time comes first: its shape, with the quote of the request behind it,
 * cannot be forged by a client, since quotes in a user's name are escaped.
 * What stands before it is then cut at its spaces, so that a user's name may
 * hold some; what stands behind it is read from left to right.
 */
#include "format/access_log.h"

#include <string.h>

#define TIME_SHAPE "[00/Aaa/0000:00:00:00 +0000] \""
#define TIME_LENGTH (sizeof(TIME_SHAPE) - 1)

/* From 1970-01-01, where civil dates are counted from here, to 2000-01-01. */
#define EPOCH_DAYS 10957

typedef struct Scan
{
	const char *line;
	const char *at;				/* next byte to look at */
	const char *end;
	KsAccessLog *log;
} Scan;

static bool
fail(Scan *scan, const char *at, const char *problem)
{
	scan->log->problem = problem;
	scan->log->position = at - scan->line;
	return false;
}

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
is_dash(const char *first, const char *last)
{
	return last - first == 1 && *first == '-';
}

static inline void
set_field(Scan *scan, KsAccessLogText field, const char *first, const char *last)
{
	KsLogField *text = &scan->log->texts[field];

	text->text = first;
	text->len = last - first;
	text->escaped = memchr(first, '\\', last - first) != NULL;
}

/* The same of a whole field, where "-" stands for none. */
static inline void
set_unless_dash(Scan *scan, KsAccessLogText field, const char *first, const char *last)
{
	if (!is_dash(first, last))
		set_field(scan, field, first, last);
}

/* ---- the time ---- */

/* Does a time, and the quote behind it, stand here?  A digit in the shape is any digit. */
static bool
has_time_shape(const char *at, const char *end)
{
	if ((size_t) (end - at) < TIME_LENGTH)
		return false;
	for (size_t i = 0; i < TIME_LENGTH; i++)
		switch (TIME_SHAPE[i])
		{
			case '0':
				if (!is_digit(at[i]))
					return false;
				break;
			case 'A':
			case 'a':
				break;			/* the month is looked up */
			case '+':
				if (at[i] != '+' && at[i] != '-')
					return false;
				break;
			default:
				if (at[i] != TIME_SHAPE[i])
					return false;
		}
	return true;
}

/* The bracket of the time, which has a space before it; NULL if there is none. */
static const char *
find_time(Scan *scan)
{
	const char *first = NULL;
	const char *at = scan->line;

	while ((at = memchr(at, '[', scan->end - at)) != NULL)
	{
		if (at > scan->line && at[-1] == ' ')
		{
			if (has_time_shape(at, scan->end))
				return at;
			if (first == NULL)
				first = at;
		}
		at++;
	}
	fail(scan, first != NULL ? first : scan->end,
		 "expected a time like [10/Oct/2000:13:55:36 -0700] and a request in quotes");
	return NULL;
}

static inline int
two_digits(const char *at)
{
	return (at[0] - '0') * 10 + (at[1] - '0');
}

/* 1 to 12, or 0. */
static int
read_month(const char *at)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int i = 0; i < 12; i++)
		if (memcmp(at, names + 3 * i, 3) == 0)
			return i + 1;
	return 0;
}

static int
days_of_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool		leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* Days since 2000-01-01, counted in years that begin in March. */
static int
count_days(int year, int month, int day)
{
	int			since_march = (month + 9) % 12;
	int			y = year - (month <= 2);

	return y * 365 + y / 4 - y / 100 + y / 400 + (since_march * 153 + 2) / 5 + day - 1 -
		719468 - EPOCH_DAYS;
}

/* The time at scan->at, whose shape is right; second 60 is the next minute's first. */
static bool
scan_time(Scan *scan)
{
	const char *at = scan->at + 1;
	int			day = two_digits(at);
	int			month = read_month(at + 3);
	int			year = two_digits(at + 7) * 100 + two_digits(at + 9);
	int			hour = two_digits(at + 12);
	int			minute = two_digits(at + 15);
	int			second = two_digits(at + 18);
	int			zone_hours = two_digits(at + 22);
	int			zone_minutes = two_digits(at + 24);
	int64_t		seconds;

	if (month == 0 || year == 0 || day == 0 || day > days_of_month(year, month))
		return fail(scan, at, "expected a date that exists");
	if (hour > 23 || minute > 59 || second > 60)
		return fail(scan, at + 12, "expected a time of day");
	if (zone_hours > 15 || zone_minutes > 59)
		return fail(scan, at + 21, "expected a time zone");
	seconds = (int64_t) count_days(year, month, day) * 86400 +
		(hour * 60 + minute) * 60 + second -
		(zone_hours * 60 + zone_minutes) * 60 * (at[21] == '-' ? -1 : 1);
	scan->log->event_time = seconds * 1000000;
	scan->at += TIME_LENGTH - 1;
	return true;
}

/* ---- before the time: [vhost[:port]] client identity user ---- */

/* Where the word at 'at' ends: at a space, or at 'end'. */
static inline const char *
word_end(const char *at, const char *end)
{
	const char *space = memchr(at, ' ', end - at);

	return space != NULL ? space : end;
}

/*
 * The colon of a host and port, or NULL.  Colons in an IPv6 address are no
 * such thing, unless it stands in brackets.
 */
static const char *
find_port(const char *first, const char *last, int *port)
{
	const char *at = last;
	const char *host_end;

	while (at > first && is_digit(at[-1]) && last - at < 6)
		at--;
	if (at == last || last - at > 5 || at - first < 2 || at[-1] != ':')
		return NULL;
	host_end = at - 1;
	if (host_end[-1] == ']' ? *first != '[' : memchr(first, ':', host_end - first) != NULL)
		return NULL;
	*port = 0;
	for (; at < last; at++)
		*port = *port * 10 + (*at - '0');
	return *port <= 65535 ? host_end : NULL;
}

/*
 * Is the first of (at least) four words a virtual host?  With a port it is.
 * Without one, the third word tells, which is the identity then and "-" these
 * days, while the second one is not: otherwise the user's name has a space.
 */
static const char *
take_vhost(Scan *scan, const char *words[3], const char *ends[3])
{
	const char *host_end;
	int			port;

	if (words[2] == NULL || ends[2] == NULL)
		return scan->line;
	host_end = find_port(words[0], ends[0], &port);
	if (host_end != NULL)
		scan->log->port = port;
	else if (!is_dash(words[1], ends[1]) && is_dash(words[2], ends[2]))
		host_end = ends[0];
	else
		return scan->line;
	set_unless_dash(scan, KS_LOG_VHOST, words[0], host_end);
	return words[1];
}

/* Where client, identity and user begin; 'last' is where the user ends. */
static const char *
find_client(Scan *scan, const char *last)
{
	const char *words[3] = {NULL, NULL, NULL};
	const char *ends[3] = {NULL, NULL, NULL};
	const char *at = scan->line;

	for (int i = 0; i < 3; i++)
	{
		words[i] = at;
		ends[i] = word_end(at, last);
		if (ends[i] == last)
			return scan->line;	/* three words at most: no virtual host */
		at = ends[i] + 1;
	}
	return take_vhost(scan, words, ends);
}

/* A user's name that is empty is written as two quotes by Apache. */
static void
set_user(Scan *scan, const char *first, const char *last)
{
	if (last - first == 2 && first[0] == '"' && first[1] == '"')
		last = first;
	set_unless_dash(scan, KS_LOG_USER, first, last);
}

static bool
scan_head(Scan *scan, KsAccessLogKind kind, const char *last)
{
	const char *client = kind == KS_ACCESS_LOG_APACHE ? find_client(scan, last) : scan->line;
	const char *client_end = word_end(client, last);
	const char *identity = client_end + 1;
	const char *identity_end;

	if (client_end == client)
		return fail(scan, client, "expected a client");
	if (client_end == last)
		return fail(scan, last, "expected an identity and a user after the client");
	identity_end = word_end(identity, last);
	if (identity_end == identity)
		return fail(scan, identity, "expected an identity or \"-\"");
	if (identity_end == last)
		return fail(scan, last, "expected a user after the identity");
	if (kind == KS_ACCESS_LOG_NGINX && !is_dash(identity, identity_end))
		return fail(scan, identity, "expected \"-\" after the client");
	set_unless_dash(scan, KS_LOG_CLIENT, client, client_end);
	set_unless_dash(scan, KS_LOG_IDENTITY, identity, identity_end);
	set_user(scan, identity_end + 1, last);
	return true;
}

/* ---- behind the time ---- */

/* The closing quote of what begins at 'at': one that no backslash escapes; or NULL. */
static const char *
find_quote(const char *at, const char *end)
{
	const char *quote = at;

	while ((quote = memchr(quote, '"', end - quote)) != NULL)
	{
		const char *slash = quote;

		while (slash > at && slash[-1] == '\\')
			slash--;
		if ((quote - slash) % 2 == 0)
			return quote;
		quote++;
	}
	return NULL;
}

/* What may stand in a method (RFC 9110, section 5.6.2: a token). */
static bool
is_method(const char *first, const char *last)
{
	if (first == last)
		return false;
	for (; first < last; first++)
	{
		char		c = *first;

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || is_digit(c) ||
			  (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL)))
			return false;
	}
	return true;
}

/* HTTP/1.1, or HTTP/2. */
static bool
is_protocol(const char *first, const char *last)
{
	size_t		len = last - first;

	return (len == 6 || len == 8) && memcmp(first, "HTTP/", 5) == 0 && is_digit(first[5]) &&
		(len == 6 || (first[6] == '.' && is_digit(first[7])));
}

static bool
has_scheme(const char *first, const char *last)
{
	for (; last - first >= 3; first++)
		if (memcmp(first, "://", 3) == 0)
			return true;
	return false;
}

static inline const char *
trim_end(const char *first, const char *last)
{
	while (last > first && last[-1] == ' ')
		last--;
	return last;
}

/*
 * Method, URL and protocol.  A URL may have spaces that no client should have
 * sent.  Without a protocol (HTTP/0.9) it must look like one.
 */
static void
split_request(Scan *scan, const char *first, const char *last)
{
	const char *method_end = word_end(first, last);
	const char *url = method_end;
	const char *url_end;
	const char *protocol;

	last = trim_end(method_end, last);
	protocol = last;
	while (protocol > method_end && protocol[-1] != ' ')
		protocol--;
	if (!is_protocol(protocol, last))
		protocol = last;
	url_end = trim_end(method_end, protocol);
	while (url < url_end && *url == ' ')
		url++;
	if (url == url_end || !is_method(first, method_end) ||
		(protocol == last && *url != '/' && !has_scheme(url, url_end)))
		return;
	set_field(scan, KS_LOG_METHOD, first, method_end);
	set_field(scan, KS_LOG_URL, url, url_end);
	if (protocol < last)
		set_field(scan, KS_LOG_PROTOCOL, protocol, last);
}

/* The quote at scan->at, what it holds, and the one behind; up to what follows. */
static bool
scan_quoted(Scan *scan, const char **first, const char **last)
{
	*first = scan->at + 1;
	*last = find_quote(*first, scan->end);
	if (*last == NULL)
		return fail(scan, scan->end, "expected a closing quote");
	scan->at = *last + 1;
	return true;
}

static bool
scan_space(Scan *scan, const char *problem)
{
	if (scan->at == scan->end || *scan->at != ' ')
		return fail(scan, scan->at, problem);
	scan->at++;
	return true;
}

static bool
scan_request(Scan *scan)
{
	const char *first;
	const char *last;

	if (!scan_quoted(scan, &first, &last))
		return false;
	split_request(scan, first, last);
	return scan_space(scan, "expected a space and a status after the request");
}

static bool
scan_status(Scan *scan)
{
	const char *at = scan->at;

	if (scan->end - at >= 1 && *at == '-')
		scan->at++;
	else if (scan->end - at >= 3 && is_digit(at[0]) && is_digit(at[1]) && is_digit(at[2]))
	{
		scan->log->status = (at[0] - '0') * 100 + two_digits(at + 1);
		scan->at += 3;
	}
	else
		return fail(scan, at, "expected a status of 3 digits or \"-\"");
	return scan_space(scan, "expected a space and a size after the status");
}

static bool
scan_size(Scan *scan)
{
	const char *at = scan->at;
	int64_t		size = 0;

	if (at < scan->end && *at == '-')
	{
		scan->at++;
		return true;
	}
	for (; at < scan->end && is_digit(*at); at++)
	{
		int			digit = *at - '0';

		if (size > (INT64_MAX - digit) / 10)
			return fail(scan, scan->at, "expected a size that fits 64 bits");
		size = size * 10 + digit;
	}
	if (at == scan->at)
		return fail(scan, at, "expected a size or \"-\"");
	scan->log->size = size;
	scan->at = at;
	return true;
}

static bool
scan_quoted_field(Scan *scan, KsAccessLogText field)
{
	const char *first;
	const char *last;

	if (!scan_quoted(scan, &first, &last))
		return false;
	set_unless_dash(scan, field, first, last);
	return true;
}

/* Referer and user agent, unless the format is the common one; and the end. */
static bool
scan_tail(Scan *scan)
{
	if (scan->end - scan->at >= 2 && scan->at[0] == ' ' && scan->at[1] == '"')
	{
		scan->at++;
		if (!scan_quoted_field(scan, KS_LOG_REFERER) ||
			!scan_space(scan, "expected a user agent in quotes after the referer"))
			return false;
		if (scan->at == scan->end || *scan->at != '"')
			return fail(scan, scan->at, "expected a user agent in quotes after the referer");
		if (!scan_quoted_field(scan, KS_LOG_USER_AGENT))
			return false;
	}
	if (scan->at < scan->end && *scan->at != ' ')
		return fail(scan, scan->at, "expected a space or the end");
	return true;
}

bool
ks_access_log_scan(KsAccessLogKind kind, const char *line, size_t len, KsAccessLog *log)
{
	Scan		scan = {line, line, line + len, log};
	const char *newline;

	memset(log, 0, sizeof(*log));
	log->size = log->status = log->port = -1;
	if (len == 0)
		return fail(&scan, line, "expected a client");
	while (scan.end > line && (scan.end[-1] == '\n' || scan.end[-1] == '\r'))
		scan.end--;
	newline = memchr(line, '\n', scan.end - line);
	if (newline != NULL)
		return fail(&scan, newline, "expected one line");
	scan.at = find_time(&scan);
	return scan.at != NULL && scan_head(&scan, kind, scan.at - 1) && scan_time(&scan) &&
		scan_request(&scan) && scan_status(&scan) && scan_size(&scan) && scan_tail(&scan);
}
