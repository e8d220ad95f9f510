/*
 * Helpers of convert_type.c: input without errors, and times inside of values.
 */
#ifndef KS_FORMAT_CONVERT_INPUT_H
#define KS_FORMAT_CONVERT_INPUT_H

#include "format/convert.h"

/* Does this type's input function report bad data softly in this PostgreSQL? */
extern bool ks_convert_input_is_soft(Oid type);

/* Run such an input function under the stream's settings. */
extern KsConverted ks_convert_input_soft(KsConverter *converter, KsColumn *column,
										 char *string, Datum *result);

/* Does the type, or the range's bounds, hold points in time? */
extern bool ks_convert_type_reads_time(Oid type);

/* Refuse words like "now" wherever 'wrapped' puts them into a time. */
extern KsConverted ks_convert_refuse_moving_in(KsConverter *converter, KsColumn *column,
											   Jsonb *wrapped);

#endif
