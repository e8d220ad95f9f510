/*
 * Booleans and numbers.  What the short ways here do not know goes to the
 * type's input function, which has the last word.
 */
#include "postgres.h"


#include "common/int.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "format/convert.h"
#include "format/json_number.h"

KsConverted
ks_convert_bool(KsConverter *converter, KsColumn *column, const KsValue *value, Datum *result)
{
	bool		truth;

	if (value->kind == KS_VALUE_TRUE || value->kind == KS_VALUE_FALSE)
		truth = value->kind == KS_VALUE_TRUE;
	else if ((value->kind != KS_VALUE_STRING || value->escaped) && value->kind != KS_VALUE_NUMBER)
		return ks_convert_input(converter, column, value, result);
	else if (!parse_bool_with_len(value->text, value->len, &truth))
		return ks_convert_input(converter, column, value, result);
	*result = BoolGetDatum(truth);
	return KS_CONVERTED;
}

/* As many digits as may overflow, summed as negative numbers. */
static bool
read_long_integer(const char *at, const char *end, bool negative, int64 *result)
{
	int64		sum = 0;

	for (; at < end; at++)
		if (pg_mul_s64_overflow(sum, 10, &sum) || pg_sub_s64_overflow(sum, *at - '0', &sum))
			return false;
	if (!negative && sum == PG_INT64_MIN)
		return false;
	*result = negative ? sum : -sum;
	return true;
}

/*
 * Read an integer of 64 bits.  A fraction or an exponent is for the input
 * function to judge, and so is an overflow.
 */
static bool
read_integer(const KsValue *value, int64 *result)
{
	KsValue		buffer;
	const KsValue *number = ks_json_number_of(value, &buffer);
	bool		negative;

	if (number == NULL || number->fraction || number->exponent)
		return false;
	negative = number->text[0] == '-';
	if (number->len > 18)
		return read_long_integer(number->text + negative, number->text + number->len,
								 negative, result);
	*result = negative ? -(int64) number->digits : (int64) number->digits;
	return true;
}

static KsConverted
out_of_range(KsConverter *converter, const KsValue *value, const char *type)
{
	return ks_convert_fail(converter, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
						   "value \"%.*s\" is out of range for type %s",
						   (int) value->len, value->text, type);
}

KsConverted
ks_convert_int2(KsConverter *converter, KsColumn *column, const KsValue *value, Datum *result)
{
	int64		number;

	if (!read_integer(value, &number))
		return ks_convert_input(converter, column, value, result);
	if (number < PG_INT16_MIN || number > PG_INT16_MAX)
		return out_of_range(converter, value, "smallint");
	*result = Int16GetDatum((int16) number);
	return KS_CONVERTED;
}

KsConverted
ks_convert_int4(KsConverter *converter, KsColumn *column, const KsValue *value, Datum *result)
{
	int64		number;

	if (!read_integer(value, &number))
		return ks_convert_input(converter, column, value, result);
	if (number < PG_INT32_MIN || number > PG_INT32_MAX)
		return out_of_range(converter, value, "integer");
	*result = Int32GetDatum((int32) number);
	return KS_CONVERTED;
}

KsConverted
ks_convert_int8(KsConverter *converter, KsColumn *column, const KsValue *value, Datum *result)
{
	int64		number;

	if (!read_integer(value, &number))
		return ks_convert_input(converter, column, value, result);
	*result = Int64GetDatum(number);
	return KS_CONVERTED;
}

/* Digits without the point, and how many of them stand behind it. */
typedef struct Decimal
{
	int64		digits;
	int			scale;
} Decimal;

/* Read a number of up to 18 characters without an exponent; not minus zero. */
static bool
read_decimal(const KsValue *value, Decimal *decimal)
{
	KsValue		buffer;
	const KsValue *number = ks_json_number_of(value, &buffer);

	if (number == NULL || number->exponent || number->len > 18)
		return false;
	decimal->digits = (int64) number->digits;
	decimal->scale = number->scale;
	if (number->text[0] != '-')
		return true;
	decimal->digits = -decimal->digits;
	return decimal->digits != 0;
}

static const double powers_of_ten[] = {
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10,
	1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18
};

/*
 * A number whose size alone says that no float can overflow or become zero,
 * read by the input function itself without a guard.
 */
static bool
read_long_float(const KsValue *value, PGFunction input, size_t max_len, Datum *result)
{
	KsValue		buffer;
	const KsValue *number = ks_json_number_of(value, &buffer);
	char		text[128];

	Assert(max_len < sizeof(text));
	if (number == NULL || number->len > max_len || !ks_json_number_is_plain(number))
		return false;
	memcpy(text, number->text, number->len);
	text[number->len] = '\0';
	*result = DirectFunctionCall1(input, CStringGetDatum(text));
	return true;
}

/*
 * Digits and power of ten are exact doubles up to 2^53 and 10^22, so one
 * division rounds just once (Clinger, "How to read floating point numbers
 * accurately", 1990).
 */
KsConverted
ks_convert_float8(KsConverter *converter, KsColumn *column, const KsValue *value, Datum *result)
{
	Decimal		decimal;

	if (read_decimal(value, &decimal) &&
		decimal.digits <= (INT64CONST(1) << 53) && decimal.digits >= -(INT64CONST(1) << 53))
		*result = Float8GetDatum((double) decimal.digits / powers_of_ten[decimal.scale]);
	else if (!read_long_float(value, float8in, 100, result))
		return ks_convert_input(converter, column, value, result);
	return KS_CONVERTED;
}

/* The same for floats: exact up to 2^24 and 10^10. */
KsConverted
ks_convert_float4(KsConverter *converter, KsColumn *column, const KsValue *value, Datum *result)
{
	Decimal		decimal;

	if (read_decimal(value, &decimal) && decimal.scale <= 10 &&
		decimal.digits <= (1 << 24) && decimal.digits >= -(1 << 24))
		*result = Float4GetDatum((float4) decimal.digits / (float4) powers_of_ten[decimal.scale]);
	else if (!read_long_float(value, float4in, 30, result))
		return ks_convert_input(converter, column, value, result);
	return KS_CONVERTED;
}

/*
 * Give the digits the scale that the typmod asks for; false if that would
 * round or not fit.
 */
static bool
fit_typmod(Decimal *decimal, int32 typmod)
{
	int			precision = ((typmod - VARHDRSZ) >> 16) & 0xffff;
	int			scale = (((typmod - VARHDRSZ) & 0x7ff) ^ 1024) - 1024;

	if (decimal->scale > scale)
		return false;
	for (; decimal->scale < scale; decimal->scale++)
		if (pg_mul_s64_overflow(decimal->digits, 10, &decimal->digits))
			return false;
	return precision <= 18 && decimal->digits < (int64) powers_of_ten[precision] &&
		decimal->digits > -(int64) powers_of_ten[precision];
}

/* Without a typmod numeric takes any number of moderate length. */
static bool
read_long_numeric(const KsColumn *column, const KsValue *value, Datum *result)
{
	char	   *text;

	if (value->kind != KS_VALUE_NUMBER || column->typmod >= VARHDRSZ ||
		!ks_json_number_is_safe(value))
		return false;
	text = pnstrdup(value->text, value->len);
	*result = DirectFunctionCall3(numeric_in, CStringGetDatum(text),
								  ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	return true;
}

KsConverted
ks_convert_numeric(KsConverter *converter, KsColumn *column, const KsValue *value, Datum *result)
{
	Decimal		decimal;

	if (!read_decimal(value, &decimal) ||
		(column->typmod >= VARHDRSZ && !fit_typmod(&decimal, column->typmod)))
	{
		if (!read_long_numeric(column, value, result))
			return ks_convert_input(converter, column, value, result);
	}
	else if (decimal.scale == 0)
		*result = NumericGetDatum(int64_to_numeric(decimal.digits));
	else
		*result = NumericGetDatum(int64_div_fast_to_numeric(decimal.digits, decimal.scale));
	return KS_CONVERTED;
}
