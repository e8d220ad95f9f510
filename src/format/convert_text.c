/*
 * Text and what is mostly written as a short string: uuid, inet, enums.
 */
#include "postgres.h"

#include <sys/socket.h>

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/inet.h"
#include "utils/syscache.h"
#include "utils/uuid.h"

#include "format/convert.h"
#include "format/json_number.h"

/*
 * text, varchar and char(n); their typmod counts characters.  A string that
 * is too long may still end in spaces, which the input function knows about.
 */
KsConverted
ks_convert_text(KsConverter *converter, KsColumn *column, const KsValue *value, Datum *result)
{
	text	   *string;
	size_t		len = value->len;

	if ((value->kind != KS_VALUE_STRING || column->base == BPCHAROID) &&
		(value->kind != KS_VALUE_NUMBER || !ks_json_number_is_plain(value)))
		return ks_convert_input(converter, column, value, result);
	if (column->typmod >= VARHDRSZ && len > column->typmod - VARHDRSZ)
		return ks_convert_input(converter, column, value, result);
	if (column->base == BPCHAROID)
		return ks_convert_input(converter, column, value, result);
	string = palloc(VARHDRSZ + len);
	if (!value->escaped || value->kind != KS_VALUE_STRING)
		memcpy(VARDATA(string), value->text, len);
	else if (ks_convert_unescape(converter, value, VARDATA(string), &len) == KS_CONVERT_FAILED)
		return KS_CONVERT_FAILED;
	SET_VARSIZE(string, VARHDRSZ + len);
	*result = PointerGetDatum(string);
	return KS_CONVERTED;
}

static inline int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The usual 8-4-4-4-12 digits; other ways to write one are the input function's. */
KsConverted
ks_convert_uuid(KsConverter *converter, KsColumn *column, const KsValue *value, Datum *result)
{
	pg_uuid_t  *uuid;
	const char *at = value->text;

	if (value->kind != KS_VALUE_STRING || value->len != 36)
		return ks_convert_input(converter, column, value, result);
	uuid = palloc(sizeof(pg_uuid_t));
	for (int i = 0; i < UUID_LEN; i++)
	{
		int			high = hex_digit(at[0]);
		int			low = hex_digit(at[1]);

		if (high < 0 || low < 0)
			return ks_convert_input(converter, column, value, result);
		uuid->data[i] = high * 16 + low;
		at += 2;
		if (i == 3 || i == 5 || i == 7 || i == 9)
			if (*at++ != '-')
				return ks_convert_input(converter, column, value, result);
	}
	*result = UUIDPGetDatum(uuid);
	return KS_CONVERTED;
}

/* Four decimal numbers up to 255 without leading zeros and no netmask. */
static bool
read_dotted_quad(const char *at, const char *end, unsigned char *address)
{
	for (int i = 0; i < 4; i++)
	{
		const char *first = at;
		int			byte = 0;

		if (i > 0 && (at >= end || *at++ != '.'))
			return false;
		first = at;
		for (; at < end && at - first < 3 && *at >= '0' && *at <= '9'; at++)
			byte = byte * 10 + (*at - '0');
		if (at == first || byte > 255 || (*first == '0' && at - first > 1))
			return false;
		address[i] = byte;
	}
	return at == end;
}

/*
 * Any other way to write an address, IPv6 or with a netmask: as inet_in reads
 * it, but without raising an error.
 */
static KsConverted
read_address(KsConverter *converter, const KsValue *value, Datum *result)
{
	inet	   *ip = palloc0(sizeof(inet));
	char	   *text;
	KsConverted converted = ks_convert_cstring(converter, value, &text);
	int			bits;

	if (converted != KS_CONVERTED)
		return converted;
	ip_family(ip) = strchr(text, ':') != NULL ? PGSQL_AF_INET6 : PGSQL_AF_INET;
	bits = pg_inet_net_pton(ip_family(ip), text, ip_addr(ip), -1);
	if (bits < 0 || bits > ip_maxbits(ip))
		return ks_convert_fail(converter, ERRCODE_INVALID_TEXT_REPRESENTATION,
							   "invalid input syntax for type inet: \"%s\"", text);
	ip_bits(ip) = bits;
	SET_INET_VARSIZE(ip);
	*result = InetPGetDatum(ip);
	return KS_CONVERTED;
}

KsConverted
ks_convert_inet(KsConverter *converter, KsColumn *column, const KsValue *value, Datum *result)
{
	unsigned char address[4];
	inet	   *ip;

	if (value->kind != KS_VALUE_STRING)
		return ks_convert_input(converter, column, value, result);
	if (!read_dotted_quad(value->text, value->text + value->len, address))
		return read_address(converter, value, result);
	ip = palloc0(sizeof(inet));
	ip_family(ip) = PGSQL_AF_INET;
	ip_bits(ip) = 32;
	memcpy(ip_addr(ip), address, sizeof(address));
	SET_INET_VARSIZE(ip);
	*result = InetPGetDatum(ip);
	return KS_CONVERTED;
}

/*
 * Labels are looked up here, since a wrong one is an error that needs no
 * guard.  A label may be known and not yet be safe to use; the input function
 * raises that, and it is no fault of the message.
 */
KsConverted
ks_convert_enum(KsConverter *converter, KsColumn *column, const KsValue *value, Datum *result)
{
	char	   *label;
	KsConverted converted = ks_convert_cstring(converter, value, &label);

	if (converted != KS_CONVERTED)
		return converted;
	if (strlen(label) >= NAMEDATALEN ||
		!SearchSysCacheExists2(ENUMTYPOIDNAME, ObjectIdGetDatum(column->base),
							   CStringGetDatum(label)))
		return ks_convert_fail(converter, ERRCODE_INVALID_TEXT_REPRESENTATION,
							   "invalid input value for enum %s: \"%s\"",
							   format_type_be(column->base), label);
	*result = InputFunctionCall(&column->function, label, column->ioparam, column->typmod);
	return KS_CONVERTED;
}
