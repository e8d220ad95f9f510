/*
 * Decoders by the name of their format.
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "format/decoder.h"
#include "format/driver.h"

static const KsFormat *const formats[] = {
	&ks_json_format,
	&ks_apache_format,
	&ks_nginx_format,
};

static const KsFormat *
find_format(const char *name)
{
	for (int i = 0; i < lengthof(formats); i++)
		if (strcmp(formats[i]->name, name) == 0)
			return formats[i];
	return NULL;
}

bool
ks_decoder_exists(const char *format)
{
	return find_format(format) != NULL;
}

const char *
ks_decoder_formats(void)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < lengthof(formats); i++)
		appendStringInfo(&list, "%s'%s'",
						 i == 0 ? "" : i == lengthof(formats) - 1 ? " or " : ", ",
						 formats[i]->name);
	return list.data;
}

KsDecoder *
ks_decoder_create(MemoryContext context, const char *format, TupleDesc desc, Bitmapset *skip,
				  Jsonb *options)
{
	const KsFormat *driver = find_format(format);
	KsDecoder  *decoder;

	if (driver == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("format \"%s\" is not supported", format),
				 errhint("Use format => %s.", ks_decoder_formats())));
	decoder = driver->create(context, desc, skip, options);
	decoder->format = driver;
	return decoder;
}

bool
ks_decoder_decode(KsDecoder *decoder, const char *data, size_t len, Datum *values,
				  bool *isnull, bool *present, KsDecodeError *error)
{
	return decoder->format->decode(decoder, data, len, values, isnull, present, error);
}
