/* units.c - parsing and printing sizes */
#include "base/units.h"

#include "base/str.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t u64_round_up(uint64_t a, uint64_t b)
{
	uint64_t out;

	return u64_mul(&out, u64_ceil_div(a, b), b) ? UINT64_MAX : out;
}

int parse_u64(uint64_t *out, const char *s)
{
	uint64_t v = 0;

	if (!*s)
		return -1;
	for (; *s; s++) {
		if (*s < '0' || *s > '9' || u64_mul(&v, v, 10) || u64_add(&v, v, (uint64_t)(*s - '0')))
			return -1;
	}
	*out = v;
	return 0;
}

int parse_f64(double *out, const char *s)
{
	char *end;
	double v;

	if (!((*s >= '0' && *s <= '9') || *s == '-' || *s == '+' || *s == '.'))
		return -1;
	if (strpbrk(s, "xXpPnN"))        /* no hexadecimal, no nan or inf */
		return -1;
	v = strtod(s, &end);
	if (*end || end == s || !isfinite(v))
		return -1;
	*out = v;
	return 0;
}

/* digits [. digits] times a factor, below 2^63: exact without a fraction; with one rounded, or refused when `whole`. */
static int times(uint64_t *out, const char *digits, size_t n, uint64_t factor, int whole)
{
	char head[32];
	uint64_t v;
	double d;

	if (n == 0 || n >= sizeof head)
		return -1;
	memcpy(head, digits, n);
	head[n] = 0;
	if (!strchr(head, '.')) {
		if (parse_u64(&v, head) || u64_mul(&v, v, factor) || v > (uint64_t)INT64_MAX)
			return -1;
	} else {
		if (factor == 1 || parse_f64(&d, head) || (d *= (double)factor) >= 9223372036854775807.0 || (whole && d != floor(d)))
			return -1;
		v = (uint64_t)(d + 0.5);
	}
	*out = v;
	return 0;
}

struct unit { const char *name; uint64_t factor; };

/* A number in front, blanks, and one of the units behind. */
static int parse_unit(uint64_t *out, const char *s, const struct unit *units, size_t n_units, int whole)
{
	size_t n = strspn(s, "0123456789.");
	const char *unit = s + n + strspn(s + n, " ");

	for (size_t i = 0; i < n_units; i++)
		if (str_ieq(unit, units[i].name))
			return times(out, s, n, units[i].factor, whole);
	return -1;
}

int parse_bytes(uint64_t *out, const char *s)
{
	static const struct unit units[] = {
		{ "", 1 }, { "b", 1 }, { "k", KIB }, { "kib", KIB }, { "kb", 1000 }, { "m", MIB }, { "mib", MIB }, { "mb", 1000000 },
		{ "g", GIB }, { "gib", GIB }, { "gb", 1000000000 }, { "t", GIB * 1024 }, { "tib", GIB * 1024 }, { "tb", 1000000000000 },
	};

	return parse_unit(out, s, units, sizeof units / sizeof *units, 0);
}

int parse_tokens(uint64_t *out, const char *s)
{
	static const struct unit units[] = { { "", 1 }, { "k", KIB }, { "m", MIB } };

	return parse_unit(out, s, units, sizeof units / sizeof *units, 1);
}

static const char *digits(char *buf, size_t n, double v, int wanted)
{
	char e[40];
	int power;

	if (!isfinite(v) || v == 0) {
		snprintf(buf, n, "%s", isfinite(v) ? "0" : "unknown");
		return buf;
	}
	/* the power of ten after rounding to three digits: 9.996 is 10.0, 0.09996 is 0.100 */
	snprintf(e, sizeof e, "%.*e", wanted - 1, v);
	power = atoi(strchr(e, 'e') + 1);
	snprintf(buf, n, "%.*f", power >= wanted - 1 ? 0 : power < -9 ? 12 : wanted - 1 - power, v);
	return buf;
}

const char *format_3(char *buf, size_t n, double v)
{
	return digits(buf, n, v, 3);
}

const char *format_2(char *buf, size_t n, double v)
{
	return digits(buf, n, v, 2);
}

const char *format_bytes(char *buf, size_t n, uint64_t bytes)
{
	/* what would be 1000 MiB is 0.977 GiB; TiB begins at 1024 GiB, so that memory sizes stay comparable; bytes are exact */
	static const struct { double from, size; const char *unit; } units[] = {
		{ 1099511627776.0, 1099511627776.0, "TiB" }, { 999.5 * 1048576, 1073741824, "GiB" }, { 999.5 * 1024, 1048576, "MiB" },
		{ 1024, 1024, "KiB" },
	};
	char v[24];

	for (unsigned i = 0; i < 4; i++)
		if ((double)bytes >= units[i].from) {
			snprintf(buf, n, "%s %s", format_3(v, sizeof v, (double)bytes / units[i].size), units[i].unit);
			return buf;
		}
	snprintf(buf, n, "%" PRIu64 " B", bytes);
	return buf;
}

const char *format_signed_bytes(char *buf, size_t n, int64_t bytes)
{
	char b[40];

	format_bytes(b, sizeof b, bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes);
	snprintf(buf, n, "%s%s", bytes < 0 ? "-" : "", b);
	return buf;
}

const char *format_count(char *buf, size_t n, double count)
{
	static const struct { double size; const char *unit; } units[] = { { 1e12, "T" }, { 1e9, "B" }, { 1e6, "M" }, { 1e3, "K" } };
	char v[24];

	for (unsigned i = 0; i < 4; i++)
		if (count >= units[i].size * 0.9995) {
			snprintf(buf, n, "%s%s", format_3(v, sizeof v, count / units[i].size), units[i].unit);
			return buf;
		}
	snprintf(buf, n, "%.0f", count);
	return buf;
}

const char *format_tokens(char *buf, size_t n, uint64_t tokens)
{
	if (tokens && tokens % 1048576 == 0)
		snprintf(buf, n, "%" PRIu64 "M", tokens / 1048576);
	else if (tokens && tokens % 1024 == 0)
		snprintf(buf, n, "%" PRIu64 "k", tokens / 1024);
	else
		snprintf(buf, n, "%" PRIu64, tokens);
	return buf;
}
