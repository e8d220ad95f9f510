/*
 * Numbers as JSON writes them, judged by their digits alone.
 */
#ifndef KS_FORMAT_JSON_NUMBER_H
#define KS_FORMAT_JSON_NUMBER_H

#include "format/value.h"

/*
 * Would jsonb print this number just as it stands?  Not with an exponent, not
 * minus zero, and long ones are better asked for.
 */
extern bool ks_json_number_is_plain(const KsValue *number);

/* Is this number surely within the range of numeric? */
extern bool ks_json_number_is_safe(const KsValue *number);

/*
 * The number that a value is, or that a string holds as JSON would write it
 * (then in 'buffer'), or NULL.
 */
extern const KsValue *ks_json_number_of(const KsValue *value, KsValue *buffer);

#endif
