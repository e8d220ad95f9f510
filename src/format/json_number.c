/*
 * What the digits of a number say before anything converts them.
 */
#include "postgres.h"

#include "format/json_number.h"
#include "format/json_scan.h"

bool
ks_json_number_is_plain(const KsValue *number)
{
	if (number->exponent || number->len > 100)
		return false;
	if (number->text[0] != '-')
		return true;
	for (size_t i = 1; i < number->len; i++)
		if (number->text[i] != '0' && number->text[i] != '.')
			return true;
	return false;				/* minus zero */
}

bool
ks_json_number_is_safe(const KsValue *number)
{
	const char *mark;
	size_t		digits;

	if (number->len > 1000)
		return false;
	if (!number->exponent)
		return true;
	for (mark = number->text; *mark != 'e' && *mark != 'E'; mark++)
		;
	mark++;
	digits = number->text + number->len - mark;
	if (*mark == '+' || *mark == '-')
		digits--;
	return digits <= 3;
}

const KsValue *
ks_json_number_of(const KsValue *value, KsValue *buffer)
{
	KsJsonScanner scan;

	if (value->kind == KS_VALUE_NUMBER)
		return value;
	if (value->kind != KS_VALUE_STRING || value->escaped || value->len == 0)
		return NULL;
	ks_json_scan_begin(&scan, value->text, value->len);
	return ks_json_scan_number(&scan, buffer) && scan.at == scan.end ? buffer : NULL;
}
