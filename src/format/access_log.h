/*
 * One line of an access log to its fields, as Apache (common, combined, and
 * either with the virtual host in front) and nginx (combined) write it.
 *
 *	[vhost[:port] ]client identity user [time] "request" status size[ "referer" "user agent"]
 *
 * Knows nothing of PostgreSQL, allocates nothing, and never reads at or behind
 * the line's end: test/fuzz links it alone.
 */
#ifndef KS_FORMAT_ACCESS_LOG_H
#define KS_FORMAT_ACCESS_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum KsAccessLogKind
{
	KS_ACCESS_LOG_APACHE,
	KS_ACCESS_LOG_NGINX			/* identity is always "-", and no virtual host */
} KsAccessLogKind;

/* Fields that are text, as they stand in the line. */
typedef enum KsAccessLogText
{
	KS_LOG_CLIENT,
	KS_LOG_IDENTITY,
	KS_LOG_USER,
	KS_LOG_METHOD,
	KS_LOG_URL,
	KS_LOG_PROTOCOL,
	KS_LOG_REFERER,
	KS_LOG_USER_AGENT,
	KS_LOG_VHOST,				/* without the port */
	KS_LOG_TEXTS
} KsAccessLogText;

typedef struct KsLogField
{
	const char *text;			/* into the line; NULL: the line has "-", or no such field */
	size_t		len;
	bool		escaped;		/* has backslashes */
} KsLogField;

typedef struct KsAccessLog
{
	KsLogField	texts[KS_LOG_TEXTS];
	int64_t		event_time;		/* microseconds since 2000-01-01 00:00:00 UTC */
	int64_t		size;			/* bytes; -1: "-" */
	int			status;			/* -1: "-" */
	int			port;			/* of the virtual host; -1: none */

	/* set when the line is none */
	const char *problem;		/* what was expected, in words */
	size_t		position;		/* where, in bytes from 0 */
} KsAccessLog;

/*
 * Take a line apart.  Line ends behind it are ignored, and so are fields
 * behind those that the format has.  A request that is no request line (HTTP
 * says what is one), like "-", "" or a TLS handshake, leaves method, url and
 * protocol NULL.  Returns false, with problem and position, if it is no line
 * of this kind: its time must exist, and whatever it begins must end.
 */
extern bool ks_access_log_scan(KsAccessLogKind kind, const char *line, size_t len,
							   KsAccessLog *log);

/*
 * Copy a field without its escapes: \" \\ \b \n \r \t \v and \xHH, which both
 * servers write for the bytes of characters outside ASCII, too.  'out' has
 * room for len bytes; returns how many were written.  Escapes that text in
 * UTF-8 cannot hold stay as they are: \x00 and bytes that make no character;
 * without 'utf8', all bytes that are not ASCII.
 */
extern size_t ks_access_log_unescape(const char *text, size_t len, bool utf8, char *out);

#endif
