/*
 * Headers of a message as jsonb text, and back.
 */
#ifndef KS_SOURCE_KAFKA_HEADERS_H
#define KS_SOURCE_KAFKA_HEADERS_H

#include "postgres.h"
#include "utils/jsonb.h"

#include <librdkafka/rdkafka.h>

/*
 * An object of strings, palloc'd; NULL without headers.  A header without a
 * value is null, a repeated one an array; a value that is not text in this
 * database is '\x' and hex digits.
 */
extern char *ks_kafka_headers_text(rd_kafka_message_t *message);

/*
 * The way back, for a message to send: strings and nulls, arrays of them for
 * repeated headers; others raise an error.  The caller owns the result.
 */
extern rd_kafka_headers_t *ks_kafka_headers_parse(Jsonb *headers);

#endif
