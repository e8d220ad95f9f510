/*
 * What web servers write with backslashes in access logs.
 */
#include "format/access_log.h"

#include <string.h>

static int
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

/* The byte that \xHH at 'at' stands for, or -1. */
static int
read_byte(const char *at, const char *end)
{
	if (end - at < 4 || at[0] != '\\' || at[1] != 'x' ||
		hex_digit(at[2]) < 0 || hex_digit(at[3]) < 0)
		return -1;
	return hex_digit(at[2]) * 16 + hex_digit(at[3]);
}

/* How many bytes a character of UTF-8 (RFC 3629) has, and bounds of its second one. */
static int
utf8_length(int lead, int *low, int *high)
{
	*low = 0x80;
	*high = 0xbf;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if (lead >= 0xe0 && lead <= 0xef)
	{
		if (lead == 0xe0)
			*low = 0xa0;
		if (lead == 0xed)
			*high = 0x9f;		/* no surrogates */
		return 3;
	}
	if (lead >= 0xf0 && lead <= 0xf4)
	{
		if (lead == 0xf0)
			*low = 0x90;
		if (lead == 0xf4)
			*high = 0x8f;
		return 4;
	}
	return 0;
}

/* The bytes of one character, all escaped, that begins with 'lead'; returns their number or 0. */
static int
read_character(const char *at, const char *end, int lead, char *out)
{
	int			low;
	int			high;
	int			n = utf8_length(lead, &low, &high);
	char		bytes[4];

	bytes[0] = (char) lead;
	for (int i = 1; i < n; i++)
	{
		int			byte = read_byte(at + 4 * i, end);

		if (byte < low || byte > high)
			return 0;
		bytes[i] = (char) byte;
		low = 0x80;
		high = 0xbf;
	}
	if (n > 0)
		memcpy(out, bytes, n);
	return n;
}

/* What a one-letter escape stands for; '\0' if it is none. */
static char
unescape_letter(char letter)
{
	switch (letter)
	{
		case '"':
		case '\\':
			return letter;
		case 'b':
			return '\b';
		case 'n':
			return '\n';
		case 'r':
			return '\r';
		case 't':
			return '\t';
		case 'v':
			return '\v';
		default:
			return '\0';
	}
}

/* The escape at *at, written to 'out' as what it stands for; returns what follows in 'out'. */
static char *
unescape_one(const char **at, const char *end, bool utf8, char *out)
{
	int			byte = read_byte(*at, end);
	char		letter = end - *at >= 2 ? unescape_letter((*at)[1]) : '\0';
	int			n = 0;

	if (letter != '\0')
	{
		*out = letter;
		*at += 2;
		return out + 1;
	}
	if (byte > 0 && byte < 0x80)
	{
		*out = (char) byte;
		n = 1;
	}
	else if (byte >= 0x80 && utf8)
		n = read_character(*at, end, byte, out);
	if (n == 0)
	{
		*out = *(*at)++;		/* a backslash like any other byte */
		return out + 1;
	}
	*at += 4 * n;
	return out + n;
}

size_t
ks_access_log_unescape(const char *text, size_t len, bool utf8, char *out)
{
	const char *at = text;
	const char *end = text + len;
	char	   *first = out;

	while (at < end)
	{
		const char *backslash = memchr(at, '\\', end - at);
		size_t		run = (backslash != NULL ? backslash : end) - at;

		memcpy(out, at, run);
		out += run;
		at += run;
		if (at < end)
			out = unescape_one(&at, end, utf8, out);
	}
	return out - first;
}
