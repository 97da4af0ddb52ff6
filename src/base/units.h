/* units.h - checked 64-bit arithmetic, and the one place where sizes are parsed and printed.
 *
 * Bytes are stored; memory is printed in GiB (2^30) and says so, bandwidth in GB/s (10^9). */
#ifndef UNITS_H
#define UNITS_H

#include "base/error.h"
#include <stdint.h>

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* *out = a * b or a + b. Return 0, or -1 when the result does not fit 64 bits (*out is then UINT64_MAX). */
static inline int u64_mul(uint64_t *out, uint64_t a, uint64_t b)
{
	if (__builtin_mul_overflow(a, b, out)) { *out = UINT64_MAX; return -1; }
	return 0;
}
static inline int u64_add(uint64_t *out, uint64_t a, uint64_t b)
{
	if (__builtin_add_overflow(a, b, out)) { *out = UINT64_MAX; return -1; }
	return 0;
}
/* *sum += a * b, checked. */
static inline int u64_mac(uint64_t *sum, uint64_t a, uint64_t b)
{
	uint64_t p;
	return u64_mul(&p, a, b) || u64_add(sum, *sum, p) ? -1 : 0;
}
static inline uint64_t u64_ceil_div(uint64_t a, uint64_t b) { return a / b + (a % b != 0); }
/* a rounded up to a multiple of b (b > 0); UINT64_MAX when that overflows. */
uint64_t u64_round_up(uint64_t a, uint64_t b);

/* "24GB", "64GiB", "512 MiB", "1.5g", "1024": bytes. GB is 10^9, GiB and a bare G are 2^30; a bare number is bytes.
 * 0 or -1: not a size, negative, a fraction of a byte without a unit, or 2^63 and over. */
int parse_bytes(uint64_t *out, const char *s);
/* "8192", "8k", "128K", "1m": tokens (k = 1024, m = 1048576). 0 or -1. */
int parse_tokens(uint64_t *out, const char *s);
/* Decimal digits only, no sign, no blanks. 0 or -1. */
int parse_u64(uint64_t *out, const char *s);
/* A finite decimal number, whole string. 0 or -1. */
int parse_f64(double *out, const char *s);

/* "3.42 GiB", "812 MiB", "96 KiB", "17 B": three significant digits. Returns buf. */
const char *format_bytes(char *buf, size_t n, uint64_t bytes);
/* "-1.20 GiB" for negative. */
const char *format_signed_bytes(char *buf, size_t n, int64_t bytes);
/* "70.6B", "596M", "1.03T": parameter counts, three significant digits. */
const char *format_count(char *buf, size_t n, double count);
/* 131072 as "128k", 1048576 as "1M" when it is a whole number of them, else the digits. */
const char *format_tokens(char *buf, size_t n, uint64_t tokens);
/* Three significant digits without an exponent: "0.0123", "12.3", "1234". */
const char *format_3(char *buf, size_t n, double v);
/* Two, where room is short: "12", "3.4", "1481". */
const char *format_2(char *buf, size_t n, double v);

#endif
