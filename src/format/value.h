/*
 * One value as it stands in a message: where its bytes are and what the
 * scanner learned of them.  Points into the message; nothing is copied.
 */
#ifndef KS_FORMAT_VALUE_H
#define KS_FORMAT_VALUE_H

#include "postgres.h"

typedef enum KsValueKind
{
	KS_VALUE_NONE,				/* not in the message */
	KS_VALUE_NULL,
	KS_VALUE_FALSE,
	KS_VALUE_TRUE,
	KS_VALUE_NUMBER,
	KS_VALUE_STRING,
	KS_VALUE_ARRAY,
	KS_VALUE_OBJECT
} KsValueKind;

typedef struct KsValue
{
	const char *text;			/* a string's first byte is the one after the quote */
	size_t		len;			/* and its last the one before the closing quote */
	int			depth;			/* levels of arrays and objects in it */
	uint8		kind;			/* KsValueKind */
	bool		escaped;		/* a string with backslashes */
	bool		fraction;		/* a number with a decimal point */
	bool		exponent;		/* a number with an exponent */
	int			scale;			/* a number's digits behind the point */
	uint64		digits;			/* all of them, if the number is at most 18 bytes long */
} KsValue;

#endif
