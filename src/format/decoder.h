/*
 * Bytes of one message to the columns of one row.
 *
 * A decoder is made once per stream definition and used for every message.
 * A message that does not fit is a result (KsDecodeError), never an
 * exception: only out-of-memory and the like may ereport.
 */
#ifndef KS_FORMAT_DECODER_H
#define KS_FORMAT_DECODER_H

#include "postgres.h"
#include "access/tupdesc.h"
#include "nodes/bitmapset.h"
#include "utils/jsonb.h"

typedef struct KsDecoder KsDecoder;

/* Why a message is a dead letter.  Strings live in the current context. */
typedef struct KsDecodeError
{
	int			sqlstate;		/* packed, as ERRCODE_... */
	const char *message;		/* lowercase, without a full stop */
	const char *column;			/* column name, or NULL: the whole message */
} KsDecodeError;

/* Is there a format of this name? */
extern bool ks_decoder_exists(const char *format);

/* All there are, for a hint: 'json', 'apache' or 'nginx'. */
extern const char *ks_decoder_formats(void);

/*
 * A decoder for 'format' that fills the columns of 'desc', except dropped and
 * generated ones and those whose attribute number is in 'skip' (the kafka_*
 * columns).  'options' is the stream's options (paths, rest,
 * timestamp_format, timezone), or NULL.  Lives in 'context'.  Raises an error
 * that names the option for options that make no sense, and one that names
 * the column for a column that a format with fixed fields cannot fill.
 */
extern KsDecoder *ks_decoder_create(MemoryContext context, const char *format,
									TupleDesc desc, Bitmapset *skip,
									Jsonb *options);

/*
 * Decode one message; in a transaction, since what a type's own functions
 * raise is caught in a subtransaction (classes 22, 23 and 54, and P0001; class
 * 42 and 0A from types without user code; other errors are raised again).
 *
 * Unquoted numbers for timestamptz, timestamp and date columns (not inside of
 * arrays or composites) are epochs; with a to_timestamp pattern they are text
 * for it, and the pattern is for timestamptz and timestamp alone.  "now" and
 * the like are errors wherever they stand for a time.  A NOT NULL domain's
 * missing value is the caller's to judge, after defaults.  An error without
 * column concerns the message as a whole; positions count bytes from 0.
 *
 * values[], isnull[] and present[] have desc->natts elements.  For each
 * column found with a non-null value, sets the value and isnull = false;
 * columns that are missing or JSON null are set to isnull = true and
 * present[] = false (the caller puts defaults there); others present = true.
 * Values are palloc'd in CurrentMemoryContext and do not point into 'data'.
 * Returns false and fills 'error' if the message does not fit.
 */
extern bool ks_decoder_decode(KsDecoder *decoder, const char *data, size_t len,
							  Datum *values, bool *isnull, bool *present,
							  KsDecodeError *error);

#endif
