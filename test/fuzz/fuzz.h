/*
 * What the fuzzers share: random numbers, bytes that grow, mutations, and what
 * a target is.  Everything follows from the seed, so a run can be repeated.
 *
 * Fuzzers link the scanners alone, under AddressSanitizer, without a server:
 *
 *	fuzz_access_log [--seed N] [--count N] [--seconds N] [--input N]
 *	fuzz_access_log --emit N    print inputs for a server to try, see fuzz.c
 *
 * With clang, a target runs under libFuzzer without fuzz.c's main, too:
 *
 *	clang -g -fsanitize=fuzzer,address,undefined -DKS_LIBFUZZER -D_GNU_SOURCE -Isrc -Itest/fuzz \
 *	    test/fuzz/fuzz.c test/fuzz/fuzz_access_log.c \
 *	    src/format/access_log.c src/format/access_log_unescape.c
 *
 * (fuzz_json: build.sh says what it links, and needs PostgreSQL's headers.)
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Random
{
	uint64_t	state;
} Random;

/* The same numbers for the same seed and input, whatever came before. */
extern Random fuzz_random(uint64_t seed, uint64_t input);
extern uint32_t fuzz_below(Random *random, uint32_t n);	/* 0 to n - 1 */
extern bool fuzz_one_in(Random *random, uint32_t n);

typedef struct Bytes
{
	char	   *data;
	size_t		len;
	size_t		room;
} Bytes;

extern void fuzz_add(Bytes *bytes, const char *data, size_t len);
extern void fuzz_add_string(Bytes *bytes, const char *string);
extern void fuzz_add_format(Bytes *bytes, const char *format,...)
			__attribute__((format(printf, 2, 3)));

/* A string as JSON writes it, with quotes; bytes above 0x7f as they are. */
extern void fuzz_add_json(Bytes *bytes, const char *data, size_t len);

/* One character in UTF-8: mostly ASCII, some of all lengths. */
extern void fuzz_add_character(Bytes *bytes, Random *random);

/* Is this UTF-8 (RFC 3629) without NUL?  Written apart from what is tested. */
extern bool fuzz_is_utf8(const char *data, size_t len);

/* Say what is wrong with the input at hand, and die. */
extern void fuzz_fail(const char *format,...)
			__attribute__((format(printf, 1, 2), noreturn));

#define FUZZ_CHECK(condition) \
	((condition) ? (void) 0 : fuzz_fail("%s:%d: %s", __FILE__, __LINE__, #condition))

/* ---- what a target has ---- */

extern const char *const fuzz_name;

/* Pieces that mutations put in; ends with NULL. */
extern const char *const fuzz_words[];

/*
 * Make a valid input.  What it means goes into 'meaning', as a JSON object
 * (empty: nobody knows).
 */
extern void fuzz_generate(Random *random, Bytes *input, Bytes *meaning);

/* Check what must hold for the input just generated. */
extern void fuzz_check_generated(const char *data, size_t len);

/* Check what must hold for any input; in libFuzzer's terms. */
extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
