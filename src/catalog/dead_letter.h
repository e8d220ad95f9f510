/* Dead letters: what could not be processed, with its bytes and its error. */
#ifndef KS_CATALOG_DEAD_LETTER_H
#define KS_CATALOG_DEAD_LETTER_H

#include "postgres.h"
#include "datatype/timestamp.h"

typedef struct KsDeadLetter
{
	Oid			stream;
	Oid			view;			/* InvalidOid: the message itself */
	const char *topic;
	int32		partition;
	int64		offset;
	int64		timestamp_ms;	/* -1: none */
	const char *key;			/* NULL: none */
	size_t		key_len;
	const char *value;
	size_t		value_len;
	int			sqlstate;
	const char *error;
	const char *column;			/* or NULL */
} KsDeadLetter;

/* Add one, in the current transaction, as the extension's owner. */
extern void ks_dead_letter_write(const KsDeadLetter *letter);

#endif
