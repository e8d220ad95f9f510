/*
 * The fuzzers' loop: generate an input, check it, mutate it, check that.
 *
 * With --emit, inputs are printed instead, one per line in hexadecimal: the
 * input, a tab, and what it means (nothing if it was mutated).
 */
#include "fuzz.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Inputs longer than this are not made longer. */
#define LONG_INPUT 20000

/* ---- random numbers: SplitMix64 (Steele, Lea and Flood, 2014) ---- */

static uint64_t
next_random(Random *random)
{
	uint64_t	z = (random->state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

Random
fuzz_random(uint64_t seed, uint64_t input)
{
	Random		random = {seed};

	random.state = next_random(&random) + input;
	random.state = next_random(&random);
	return random;
}

uint32_t
fuzz_below(Random *random, uint32_t n)
{
	return (uint32_t) (next_random(random) % n);
}

bool
fuzz_one_in(Random *random, uint32_t n)
{
	return fuzz_below(random, n) == 0;
}

/* ---- bytes ---- */

void
fuzz_add(Bytes *bytes, const char *data, size_t len)
{
	if (bytes->len + len >= bytes->room)
	{
		bytes->room = 2 * (bytes->len + len) + 64;
		bytes->data = realloc(bytes->data, bytes->room);
		if (bytes->data == NULL)
			abort();
	}
	if (len > 0)
		memcpy(bytes->data + bytes->len, data, len);
	bytes->len += len;
}

void
fuzz_add_string(Bytes *bytes, const char *string)
{
	fuzz_add(bytes, string, strlen(string));
}

void
fuzz_add_format(Bytes *bytes, const char *format,...)
{
	char		buffer[256];
	va_list		args;

	va_start(args, format);
	vsnprintf(buffer, sizeof(buffer), format, args);
	va_end(args);
	fuzz_add_string(bytes, buffer);
}

void
fuzz_add_json(Bytes *bytes, const char *data, size_t len)
{
	fuzz_add_string(bytes, "\"");
	for (size_t i = 0; i < len; i++)
		if (data[i] == '"' || data[i] == '\\' || (unsigned char) data[i] < 0x20)
			fuzz_add_format(bytes, "\\u%04x", (unsigned char) data[i]);
		else
			fuzz_add(bytes, data + i, 1);
	fuzz_add_string(bytes, "\"");
}

void
fuzz_add_character(Bytes *bytes, Random *random)
{
	static const char *const wide[] = {
		"\u00e4", "\xc2\x80", "\u07ff", "\u0800", "\u20ac", "\uffff", "\ud7ff", "\ue000",
		"\U00010000", "\U0001f600", "\U0010ffff"
	};
	char		c;

	if (fuzz_one_in(random, 8))
	{
		fuzz_add_string(bytes, wide[fuzz_below(random, sizeof(wide) / sizeof(wide[0]))]);
		return;
	}
	c = fuzz_one_in(random, 8) ? "\"\\\n\r\t\b\v\f\177\1/[]{}:, -'%"[fuzz_below(random, 21)] :
		(char) ('!' + fuzz_below(random, 94));
	fuzz_add(bytes, &c, 1);
}

bool
fuzz_is_utf8(const char *data, size_t len)
{
	const unsigned char *at = (const unsigned char *) data;
	const unsigned char *end = at + len;

	while (at < end)
	{
		uint32_t	code;
		int			more = *at < 0x80 ? 0 : (*at & 0xe0) == 0xc0 ? 1 :
			(*at & 0xf0) == 0xe0 ? 2 : (*at & 0xf8) == 0xf0 ? 3 : -1;
		static const uint32_t least[] = {1, 0x80, 0x800, 0x10000};

		if (more < 0 || end - at <= more)
			return false;
		code = more == 0 ? *at : *at & (0x3f >> more);
		for (int i = 1; i <= more; i++)
		{
			if ((at[i] & 0xc0) != 0x80)
				return false;
			code = code << 6 | (at[i] & 0x3f);
		}
		if (code < least[more] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
			return false;
		at += more + 1;
	}
	return true;
}

/* ---- what happened, when it goes wrong ---- */

static uint64_t seed = 1;
static uint64_t input_number;
static Bytes input;

static void
show_input(void)
{
	fprintf(stderr, "%s --seed %llu --input %llu\ninput of %zu bytes: ", fuzz_name,
			(unsigned long long) seed, (unsigned long long) input_number, input.len);
	for (size_t i = 0; i < input.len; i++)
		fprintf(stderr, "%02x", (unsigned char) input.data[i]);
	fprintf(stderr, "\n");
}

void
fuzz_fail(const char *format,...)
{
	va_list		args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	show_input();
	abort();
}

#ifndef KS_LIBFUZZER

/* ---- mutations ---- */

static void
replace(Bytes *bytes, size_t at, size_t removed, const char *data, size_t len)
{
	Bytes		result = {0};

	fuzz_add(&result, bytes->data, at);
	fuzz_add(&result, data, len);
	fuzz_add(&result, bytes->data + at + removed, bytes->len - at - removed);
	free(bytes->data);
	*bytes = result;
}

static const char *
pick_word(Random *random)
{
	uint32_t	n = 0;

	while (fuzz_words[n] != NULL)
		n++;
	return fuzz_words[fuzz_below(random, n)];
}

/* A run of one byte, a word, or some of the input's own bytes. */
static void
insert_something(Bytes *bytes, Random *random, size_t at)
{
	char		run[600];
	size_t		len = 1 + fuzz_below(random, fuzz_one_in(random, 20) ? sizeof(run) : 3);
	size_t		from = fuzz_below(random, (uint32_t) bytes->len + 1);
	const char *word = pick_word(random);

	switch (fuzz_below(random, 3))
	{
		case 0:
			memset(run, (int) fuzz_below(random, 256), len);
			replace(bytes, at, 0, run, len);
			break;
		case 1:
			replace(bytes, at, 0, word, strlen(word));
			break;
		default:
			len = bytes->len - from < sizeof(run) ? bytes->len - from : sizeof(run);
			memcpy(run, bytes->data + from, len);
			replace(bytes, at, 0, run, len);
	}
}

/* The end of another valid input in place of this one's. */
static void
splice(Bytes *bytes, Random *random, size_t at)
{
	Bytes		other = {0};
	Bytes		meaning = {0};
	size_t		from;

	fuzz_generate(random, &other, &meaning);
	from = fuzz_below(random, (uint32_t) other.len + 1);
	replace(bytes, at, bytes->len - at, other.data + from, other.len - from);
	free(other.data);
	free(meaning.data);
}

static void
mutate(Bytes *bytes, Random *random)
{
	size_t		at = fuzz_below(random, (uint32_t) bytes->len + 1);
	size_t		left = bytes->len - at;
	size_t		some = left > 0 ? 1 + fuzz_below(random, left < 8 ? (uint32_t) left : 8) : 0;
	char		byte = (char) fuzz_below(random, 256);
	const char *word = pick_word(random);

	switch (fuzz_below(random, 8))
	{
		case 0:
			replace(bytes, at, left > 0, &byte, 1);
			break;
		case 1:
			replace(bytes, at, some, "", 0);
			break;
		case 2:
			replace(bytes, at, some, word, strlen(word));
			break;
		case 3:
			replace(bytes, at, left, "", 0);
			break;
		case 4:
			splice(bytes, random, at);
			break;
		case 5:
			if (left > 0)
				bytes->data[at] ^= (char) (1 << fuzz_below(random, 8));
			break;
		default:
			if (bytes->len < LONG_INPUT)
				insert_something(bytes, random, at);
	}
}

/* ---- the loop ---- */

/* In memory of its exact size, so that a byte too far is found. */
static void
check_copy(void)
{
	uint8_t    *copy = malloc(input.len > 0 ? input.len : 1);

	if (copy == NULL)
		abort();
	memcpy(copy, input.data, input.len);
	(void) LLVMFuzzerTestOneInput(copy, input.len);
	free(copy);
}

static void
print_hex(const Bytes *bytes)
{
	for (size_t i = 0; i < bytes->len; i++)
		printf("%02x", (unsigned char) bytes->data[i]);
}

/* One input; mutated, if it is an odd one. */
static void
run_one(bool emit)
{
	Random		random = fuzz_random(seed, input_number);
	Bytes		meaning = {0};

	input.len = 0;
	fuzz_add(&input, "", 0);
	fuzz_generate(&random, &input, &meaning);
	if (input_number % 2 == 1)
	{
		meaning.len = 0;
		for (uint32_t n = 1 + fuzz_below(&random, 1 + fuzz_below(&random, 6)); n > 0; n--)
			mutate(&input, &random);
	}
	else if (!emit)
		fuzz_check_generated(input.data, input.len);
	if (!emit)
		check_copy();
	else
	{
		print_hex(&input);
		printf("\t");
		print_hex(&meaning);
		printf("\n");
	}
	free(meaning.data);
}

static long long
number_after(int argc, char **argv, const char *option, long long otherwise)
{
	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], option) == 0)
			return atoll(argv[i + 1]);
	return otherwise;
}

#ifdef __SANITIZE_ADDRESS__
extern void __asan_set_death_callback(void (*callback) (void));
#endif

int
main(int argc, char **argv)
{
	uint64_t	count = number_after(argc, argv, "--count", 200000);
	long long	seconds = number_after(argc, argv, "--seconds", 60);
	long long	only = number_after(argc, argv, "--input", -1);
	long long	emit = number_after(argc, argv, "--emit", -1);
	time_t		end = time(NULL) + seconds;

	seed = number_after(argc, argv, "--seed", 1);
#ifdef __SANITIZE_ADDRESS__
	__asan_set_death_callback(show_input);
#endif
	if (emit >= 0)
		count = emit;
	if (only >= 0)
	{
		input_number = only;
		count = only + 1;
	}
	for (; input_number < count; input_number++)
	{
		run_one(emit >= 0);
		if (emit < 0 && input_number % 1024 == 0 && time(NULL) > end)
			break;
	}
	if (emit < 0)
		printf("%s: %llu inputs, seed %llu\n", fuzz_name, (unsigned long long) input_number,
			   (unsigned long long) seed);
	free(input.data);
	return 0;
}

#endif
