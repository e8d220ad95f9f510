/*
 * Decoders by the name of their format.
 */
#include "postgres.h"

#include "format/decoder.h"
#include "format/json_decode.h"

struct KsDecoder
{
	KsJsonDecoder *json;
};

KsDecoder *
ks_decoder_create(MemoryContext context, const char *format, TupleDesc desc, Bitmapset *skip,
				  Jsonb *options)
{
	KsDecoder  *decoder;

	if (strcmp(format, "json") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("format \"%s\" is not supported", format),
				 errhint("Use format => 'json'.")));
	decoder = MemoryContextAlloc(context, sizeof(KsDecoder));
	decoder->json = ks_json_decoder_create(context, desc, skip, options);
	return decoder;
}

bool
ks_decoder_decode(KsDecoder *decoder, const char *data, size_t len, Datum *values,
				  bool *isnull, bool *present, KsDecodeError *error)
{
	return ks_json_decoder_decode(decoder->json, data, len, values, isnull, present, error);
}
