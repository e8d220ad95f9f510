/*
 * What a format is to decoder.c: a name, and how its decoders are made and run.
 * The contract of both functions is that of decoder.h.
 */
#ifndef KS_FORMAT_DRIVER_H
#define KS_FORMAT_DRIVER_H

#include "format/decoder.h"

typedef struct KsFormat
{
	const char *name;
	KsDecoder  *(*create) (MemoryContext context, TupleDesc desc, Bitmapset *skip,
						   Jsonb *options);
	bool		(*decode) (KsDecoder *decoder, const char *data, size_t len, Datum *values,
						   bool *isnull, bool *present, KsDecodeError *error);
} KsFormat;

/* A decoder's first member; decoder.c sets it. */
struct KsDecoder
{
	const KsFormat *format;
};

extern const KsFormat ks_json_format;
extern const KsFormat ks_apache_format;
extern const KsFormat ks_nginx_format;

#endif
