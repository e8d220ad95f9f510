/*
 * A list of columns that fits some JSON messages.
 */
#ifndef KS_SOURCE_KAFKA_COLUMNS_H
#define KS_SOURCE_KAFKA_COLUMNS_H

#include "postgres.h"

typedef struct KsColumnGuess KsColumnGuess;

extern KsColumnGuess *ks_kafka_columns_create(void);

/* Take one message into account; false if it is no JSON object. */
extern bool ks_kafka_columns_add(KsColumnGuess *guess, const char *json, size_t len);

/*
 * 'event_time timestamptz, ...': the likely event time first, then keys in the
 * order they were first seen.  *left_out: some keys cannot be columns.
 */
extern char *ks_kafka_columns_text(KsColumnGuess *guess, bool *left_out);

#endif
