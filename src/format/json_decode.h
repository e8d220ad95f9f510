/* The decoder of format "json"; see decoder.h for the contract. */
#ifndef KS_FORMAT_JSON_DECODE_H
#define KS_FORMAT_JSON_DECODE_H

#include "format/decoder.h"

typedef struct KsJsonDecoder KsJsonDecoder;

extern KsJsonDecoder *ks_json_decoder_create(MemoryContext context, TupleDesc desc,
											 Bitmapset *skip, Jsonb *options);
extern bool ks_json_decoder_decode(KsJsonDecoder *decoder, const char *data, size_t len,
								   Datum *values, bool *isnull, bool *present,
								   KsDecodeError *error);

#endif
