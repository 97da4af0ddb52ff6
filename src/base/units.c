/* units.c - parsing and printing sizes */
#include "base/units.h"

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

/* A number in front, a unit behind: *unit points at the first character after blanks. */
static int number_and_unit(double *v, const char **unit, const char *s)
{
	char head[32];
	size_t n = strspn(s, "0123456789.");

	if (n == 0 || n >= sizeof head)
		return -1;
	memcpy(head, s, n);
	head[n] = 0;
	if (parse_f64(v, head))
		return -1;
	s += n;
	while (*s == ' ')
		s++;
	*unit = s;
	return 0;
}

static int same(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if ((*a | 32) != (*b | 32))
			return 0;
	return *a == *b;
}

int parse_bytes(uint64_t *out, const char *s)
{
	static const struct { const char *unit; double times; } units[] = {
		{ "", 1 }, { "b", 1 }, { "k", 1024 }, { "kib", 1024 }, { "kb", 1e3 }, { "m", 1048576 }, { "mib", 1048576 }, { "mb", 1e6 },
		{ "g", 1073741824 }, { "gib", 1073741824 }, { "gb", 1e9 }, { "t", 1099511627776.0 }, { "tib", 1099511627776.0 }, { "tb", 1e12 },
	};
	const char *unit;
	double v;

	if (!parse_u64(out, s))
		return *out > (uint64_t)INT64_MAX ? -1 : 0;
	if (number_and_unit(&v, &unit, s))
		return -1;
	for (unsigned i = 0; i < sizeof units / sizeof *units; i++)
		if (same(unit, units[i].unit)) {
			v *= units[i].times;
			if (!(v >= 0) || v > 9.2e18)
				return -1;
			*out = (uint64_t)(v + 0.5);
			return 0;
		}
	return -1;
}

int parse_tokens(uint64_t *out, const char *s)
{
	const char *unit;
	double v;

	if (!parse_u64(out, s))
		return *out > (uint64_t)INT64_MAX ? -1 : 0;
	if (number_and_unit(&v, &unit, s))
		return -1;
	if (same(unit, "k"))
		v *= 1024;
	else if (same(unit, "m"))
		v *= 1048576;
	else
		return -1;
	if (v > 9e15 || v != floor(v))
		return -1;
	*out = (uint64_t)v;
	return 0;
}

const char *format_3(char *buf, size_t n, double v)
{
	double a = fabs(v);

	if (v == 0)
		snprintf(buf, n, "0");
	else if (a >= 99.95)
		snprintf(buf, n, "%.0f", v);
	else if (a >= 9.995)
		snprintf(buf, n, "%.1f", v);
	else if (a >= 0.9995)
		snprintf(buf, n, "%.2f", v);
	else if (a >= 0.09995)
		snprintf(buf, n, "%.3f", v);
	else
		snprintf(buf, n, "%.*f", a >= 1e-9 ? 2 - (int)floor(log10(a)) : 12, v);
	return buf;
}

const char *format_bytes(char *buf, size_t n, uint64_t bytes)
{
	static const struct { double size; const char *unit; } units[] = { { 1099511627776.0, "TiB" }, { 1073741824, "GiB" }, { 1048576, "MiB" }, { 1024, "KiB" } };
	char v[24];

	for (unsigned i = 0; i < 4; i++)
		/* 1000 MiB and more read better as GiB; TiB begins at 1024 GiB, so that memory sizes stay comparable */
		if ((double)bytes >= units[i].size * (i == 0 ? 1 : 0.9766)) {
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
