/*
 * Points in time.  Unquoted numbers are epochs; strings in ISO 8601 are read
 * here, anything else that PostgreSQL knows by the type's input function under
 * fixed settings.  Nothing that depends on when it is read is accepted.
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "common/int.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "format/convert.h"

#define EPOCH_SHIFT \
	((POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

/* The exponent of a number, 0 without one; false if it is absurd. */
static bool
read_exponent(const KsValue *number, int *exponent, const char **mark)
{
	const char *end = number->text + number->len;
	bool		negative;

	*exponent = 0;
	*mark = end;
	if (!number->exponent)
		return true;
	while (**mark != 'e' && **mark != 'E')
		(*mark)--;
	negative = (*mark)[1] == '-';
	for (const char *at = *mark + (negative || (*mark)[1] == '+' ? 2 : 1); at < end; at++)
	{
		*exponent = *exponent * 10 + (*at - '0');
		if (*exponent > 9999)
			return false;
	}
	if (negative)
		*exponent = -*exponent;
	return true;
}

/*
 * The digits up to 'end' as an integer, those behind the point as long as
 * 'shift' asks for more.  *shift is what remains to be multiplied by;
 * *half says whether the first digit left out is 5 or more.
 */
static bool
read_mantissa(const char *at, const char *end, int *shift, int64 *sum, bool *half)
{
	bool		behind = false;

	*sum = 0;
	*half = false;
	for (; at < end; at++)
	{
		if (*at == '.')
			behind = true;
		else if (behind && *shift <= 0)
		{
			*half = *at >= '5';
			return true;
		}
		else
		{
			if (pg_mul_s64_overflow(*sum, 10, sum) || pg_add_s64_overflow(*sum, *at - '0', sum))
				return false;
			*shift -= behind;
		}
	}
	return true;
}

/*
 * A decimal number times ten to the 'shift', rounded to an integer, half away
 * from zero; false if it does not fit 64 bits.
 */
static bool
scale_number(const KsValue *number, int shift, int64 *result)
{
	bool		negative = number->text[0] == '-';
	const char *end;
	int			exponent;
	bool		half;

	if (!read_exponent(number, &exponent, &end))
		return false;
	shift += exponent;
	if (!read_mantissa(number->text + negative, end, &shift, result, &half))
		return false;
	for (; shift > 0 && *result != 0; shift--)
		if (pg_mul_s64_overflow(*result, 10, result))
			return false;
	for (; shift < 0; shift++)
	{
		half = *result % 10 >= 5;
		*result /= 10;
	}
	if (pg_add_s64_overflow(*result, half, result))
		return false;
	if (negative)
		*result = -*result;
	return true;
}

/* An unquoted number as an epoch in the stream's unit. */
static KsConverted
read_epoch(KsConverter *converter, const KsValue *value, TimestampTz *result)
{
	int64		usecs;

	if (!scale_number(value, 6 - converter->options.epoch_digits, &usecs) ||
		pg_sub_s64_overflow(usecs, EPOCH_SHIFT, result) || !IS_VALID_TIMESTAMP(*result))
		return ks_convert_fail(converter, ERRCODE_DATETIME_VALUE_OUT_OF_RANGE,
							   "timestamp out of range: epoch \"%.*s\"",
							   (int) Min(value->len, 100), value->text);
	return KS_CONVERTED;
}

/* Read exactly 'n' digits. */
static inline bool
read_digits(const char **at, const char *end, int n, int *result)
{
	if (end - *at < n)
		return false;
	*result = 0;
	for (int i = 0; i < n; i++)
	{
		unsigned	digit = (unsigned char) (*at)[i] - '0';

		if (digit > 9)
			return false;
		*result = *result * 10 + digit;
	}
	*at += n;
	return true;
}

static inline bool
read_byte(const char **at, const char *end, char byte)
{
	if (*at >= end || **at != byte)
		return false;
	(*at)++;
	return true;
}

/* YYYY-MM-DD, a date that exists. */
static bool
read_date(const char **at, const char *end, struct pg_tm *tm)
{
	return read_digits(at, end, 4, &tm->tm_year) && read_byte(at, end, '-') &&
		read_digits(at, end, 2, &tm->tm_mon) && read_byte(at, end, '-') &&
		read_digits(at, end, 2, &tm->tm_mday) &&
		tm->tm_year >= 1 && tm->tm_mon >= 1 && tm->tm_mon <= 12 && tm->tm_mday >= 1 &&
		tm->tm_mday <= day_tab[isleap(tm->tm_year)][tm->tm_mon - 1];
}

/* Digits behind the second, up to 9 of them, rounded to microseconds as PostgreSQL does. */
static bool
read_fraction(const char **at, const char *end, fsec_t *fsec)
{
	const char *first = *at;
	double		scale = 1;
	int			digits = 0;

	for (; *at < end && **at >= '0' && **at <= '9'; (*at)++)
	{
		if (*at - first == 9)
			return false;
		digits = digits * 10 + (**at - '0');
		scale *= 10;
	}
	*fsec = rint(digits / scale * 1000000);
	return *at > first;
}

/* HH:MM:SS with an optional fraction. */
static bool
read_time(const char **at, const char *end, struct pg_tm *tm, fsec_t *fsec)
{
	*fsec = 0;
	if (!read_digits(at, end, 2, &tm->tm_hour) || !read_byte(at, end, ':') ||
		!read_digits(at, end, 2, &tm->tm_min) || !read_byte(at, end, ':') ||
		!read_digits(at, end, 2, &tm->tm_sec) ||
		tm->tm_hour > 23 || tm->tm_min > 59 || tm->tm_sec > 59)
		return false;
	return !read_byte(at, end, '.') || read_fraction(at, end, fsec);
}

/* Z, +HH, +HHMM or +HH:MM, as seconds east of Greenwich; or nothing. */
static bool
read_zone(const char **at, const char *end, bool *has_zone, int *east)
{
	int			hours;
	int			minutes = 0;
	bool		west;

	*east = 0;
	*has_zone = *at < end;
	if (!*has_zone || read_byte(at, end, 'Z'))
		return true;
	west = **at == '-';
	if (!read_byte(at, end, west ? '-' : '+') || !read_digits(at, end, 2, &hours))
		return false;
	if (*at < end)
	{
		read_byte(at, end, ':');
		if (!read_digits(at, end, 2, &minutes))
			return false;
	}
	if (hours > 14 || minutes > 59)
		return false;
	*east = (hours * SECS_PER_HOUR + minutes * SECS_PER_MINUTE) * (west ? -1 : 1);
	return true;
}

/* Read a date as days since PostgreSQL's epoch; mostly it is the last one again. */
static inline bool
read_day(KsConverter *converter, const char **at, const char *end, int32 *day)
{
	const char *first = *at;
	struct pg_tm tm;

	if (end - first >= sizeof(converter->last_date) &&
		memcmp(first, converter->last_date, sizeof(converter->last_date)) == 0)
	{
		*at = first + sizeof(converter->last_date);
		*day = converter->last_day;
		return true;
	}
	if (!read_date(at, end, &tm))
		return false;
	*day = date2j(tm.tm_year, tm.tm_mon, tm.tm_mday) - POSTGRES_EPOCH_JDATE;
	memcpy(converter->last_date, first, sizeof(converter->last_date));
	converter->last_day = *day;
	return true;
}

/* Seconds east of Greenwich at a wall clock of the stream's time zone. */
static int
find_east(const KsConverter *converter, int32 day, struct pg_tm *tm)
{
	j2date(day + POSTGRES_EPOCH_JDATE, &tm->tm_year, &tm->tm_mon, &tm->tm_mday);
	return -DetermineTimeZoneOffset(tm, converter->options.timezone);
}

/* Date and time in ISO 8601; the zone counts for a timestamptz alone. */
static bool
read_iso(KsConverter *converter, const KsValue *value, bool with_zone, Timestamp *result)
{
	const char *at = value->text;
	const char *end = at + value->len;
	struct pg_tm tm;
	int32		day;
	fsec_t		fsec;
	bool		has_zone;
	int			east;

	if (!read_day(converter, &at, end, &day) ||
		!(read_byte(&at, end, 'T') || read_byte(&at, end, ' ')) ||
		!read_time(&at, end, &tm, &fsec) || !read_zone(&at, end, &has_zone, &east) || at != end)
		return false;
	if (with_zone && !has_zone && !converter->utc)
		east = find_east(converter, day, &tm);
	*result = day * USECS_PER_DAY +
		((tm.tm_hour * 60 + tm.tm_min) * 60 + tm.tm_sec) * USECS_PER_SEC + fsec;
	if (with_zone)
		*result -= east * USECS_PER_SEC;
	return true;
}

/* to_timestamp(text, pattern); numbers are text for it, too. */
static KsConverted
read_pattern(KsConverter *converter, const KsValue *value, TimestampTz *result)
{
	char	   *string;
	KsConverted converted;

	if (!converter->guarded)
		return KS_CONVERT_LATER;
	if (value->kind == KS_VALUE_NUMBER)
		string = pnstrdup(value->text, value->len);
	else
	{
		converted = ks_convert_cstring(converter, value, &string);
		if (converted != KS_CONVERTED)
			return converted;
	}
	*result = DatumGetTimestampTz(DirectFunctionCall2Coll(to_timestamp, DEFAULT_COLLATION_OID,
														  CStringGetTextDatum(string),
														  CStringGetTextDatum(converter->options.pattern)));
	return KS_CONVERTED;
}

/* The wall clock of the stream's time zone at this moment. */
static KsConverted
to_wall_clock(KsConverter *converter, TimestampTz moment, Timestamp *result)
{
	struct pg_tm tm;
	fsec_t		fsec;
	int			zone;

	if (converter->utc || TIMESTAMP_NOT_FINITE(moment))
		*result = moment;
	else if (timestamp2tm(moment, &zone, &tm, &fsec, NULL, converter->options.timezone) != 0 ||
			 tm2timestamp(&tm, fsec, NULL, result) != 0)
		return ks_convert_fail(converter, ERRCODE_DATETIME_VALUE_OUT_OF_RANGE,
							   "timestamp out of range");
	return KS_CONVERTED;
}

KsConverted
ks_convert_timestamptz(KsConverter *converter, KsColumn *column, const KsValue *value,
					   Datum *result)
{
	TimestampTz moment;
	KsConverted converted;

	if (converter->options.pattern != NULL)
		converted = read_pattern(converter, value, &moment);
	else if (value->kind == KS_VALUE_NUMBER)
		converted = read_epoch(converter, value, &moment);
	else if (value->kind == KS_VALUE_STRING && read_iso(converter, value, true, &moment))
		converted = KS_CONVERTED;
	else
		return ks_convert_input(converter, column, value, result);
	if (converted != KS_CONVERTED)
		return converted;
	*result = TimestampTzGetDatum(moment);
	if (column->typmod >= 0)
		*result = DirectFunctionCall2(timestamptz_scale, *result, Int32GetDatum(column->typmod));
	return KS_CONVERTED;
}

KsConverted
ks_convert_timestamp(KsConverter *converter, KsColumn *column, const KsValue *value,
					 Datum *result)
{
	Timestamp	wall;
	TimestampTz moment;
	KsConverted converted;

	if (converter->options.pattern == NULL && value->kind != KS_VALUE_NUMBER)
	{
		if (value->kind != KS_VALUE_STRING || !read_iso(converter, value, false, &wall))
			return ks_convert_input(converter, column, value, result);
	}
	else
	{
		if (converter->options.pattern != NULL)
			converted = read_pattern(converter, value, &moment);
		else
			converted = read_epoch(converter, value, &moment);
		if (converted == KS_CONVERTED)
			converted = to_wall_clock(converter, moment, &wall);
		if (converted != KS_CONVERTED)
			return converted;
	}
	*result = TimestampGetDatum(wall);
	if (column->typmod >= 0)
		*result = DirectFunctionCall2(timestamp_scale, *result, Int32GetDatum(column->typmod));
	return KS_CONVERTED;
}

/* An epoch's date in the stream's time zone; a pattern is not for dates. */
static KsConverted
read_epoch_date(KsConverter *converter, const KsValue *value, DateADT *date)
{
	TimestampTz moment;
	Timestamp	wall;
	KsConverted converted = read_epoch(converter, value, &moment);

	if (converted == KS_CONVERTED)
		converted = to_wall_clock(converter, moment, &wall);
	if (converted != KS_CONVERTED)
		return converted;
	*date = wall / USECS_PER_DAY;
	if (wall % USECS_PER_DAY < 0)
		(*date)--;
	return KS_CONVERTED;
}

KsConverted
ks_convert_date(KsConverter *converter, KsColumn *column, const KsValue *value, Datum *result)
{
	DateADT		date;
	KsConverted converted;
	const char *at = value->text;
	const char *end = at + value->len;

	if (value->kind == KS_VALUE_NUMBER && converter->options.pattern == NULL)
	{
		converted = read_epoch_date(converter, value, &date);
		if (converted != KS_CONVERTED)
			return converted;
	}
	else if (value->kind != KS_VALUE_STRING || !read_day(converter, &at, end, &date) || at != end)
		return ks_convert_input(converter, column, value, result);
	*result = DateADTGetDatum(date);
	return KS_CONVERTED;
}
