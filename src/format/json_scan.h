/*
 * One pass over the bytes of a JSON text (RFC 8259), strict: what it accepts
 * is what PostgreSQL's json type accepts, up to KS_JSON_MAX_DEPTH.
 */
#ifndef KS_FORMAT_JSON_SCAN_H
#define KS_FORMAT_JSON_SCAN_H

#include "format/decoder.h"
#include "format/value.h"

/* Arrays and objects in one another; deeper messages are refused. */
#define KS_JSON_MAX_DEPTH 1024

typedef struct KsJsonScanner
{
	const char *start;
	const char *at;				/* next byte to look at */
	const char *end;
	int			depth;			/* containers entered and not left */
	int			deepest;		/* the most since the caller last looked */
	int			encoding;		/* of the bytes: the server's */

	/* set when a function has returned false */
	const char *problem;
	const char *where;
	int			sqlstate;
} KsJsonScanner;

extern void ks_json_scan_begin(KsJsonScanner *scan, const char *data, size_t len);

/* The value at scan->at, leading space skipped.  Containers are skipped whole. */
extern bool ks_json_scan_value(KsJsonScanner *scan, KsValue *value);

/* The string whose opening quote is at scan->at. */
extern bool ks_json_scan_string(KsJsonScanner *scan, KsValue *value);

/* The number at scan->at. */
extern bool ks_json_scan_number(KsJsonScanner *scan, KsValue *value);

/* Enter a container whose bracket was stepped over. */
extern bool ks_json_scan_enter(KsJsonScanner *scan);

/* Remember a problem; returns false. */
extern bool ks_json_scan_fail(KsJsonScanner *scan, const char *where, const char *problem);

/* Put the scanner's problem into words. */
extern void ks_json_scan_error(const KsJsonScanner *scan, KsDecodeError *error);

static inline void
ks_json_scan_space(KsJsonScanner *scan)
{
	while (scan->at < scan->end &&
		   (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\t' || *scan->at == '\r'))
		scan->at++;
}

/* The next byte after space, or NUL at the end of the message. */
static inline char
ks_json_scan_peek(KsJsonScanner *scan)
{
	ks_json_scan_space(scan);
	return scan->at < scan->end ? *scan->at : '\0';
}

/* Skip space, then step over 'byte'; 'problem' says what was expected. */
static inline bool
ks_json_scan_expect(KsJsonScanner *scan, char byte, const char *problem)
{
	if (ks_json_scan_peek(scan) != byte)
		return ks_json_scan_fail(scan, scan->at, problem);
	scan->at++;
	return true;
}

#endif
