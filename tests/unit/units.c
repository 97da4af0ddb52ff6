/* units.c - checked arithmetic; sizes parsed and printed */
#include "../tap.h"

#include "base/units.h"

#include <math.h>

static void arithmetic(void)
{
	uint64_t v = 1;

	ok(!u64_mul(&v, UINT64_C(1) << 32, (UINT64_C(1) << 32) - 1) && v == UINT64_C(0xffffffff00000000), "a product that fits");
	ok(u64_mul(&v, UINT64_C(1) << 32, UINT64_C(1) << 32) && v == UINT64_MAX, "2^64 does not, and is UINT64_MAX");
	ok(!u64_mul(&v, 0, UINT64_MAX) && v == 0, "0 times anything");
	ok(!u64_add(&v, UINT64_MAX, 0) && v == UINT64_MAX, "a sum that just fits");
	ok(u64_add(&v, UINT64_MAX, 1) && v == UINT64_MAX, "one that does not");
	v = 5;
	ok(!u64_mac(&v, 6, 7) && v == 47, "multiply and add");
	ok(u64_mac(&v, UINT64_MAX, 2), "its product may not fit");
	v = UINT64_MAX - 3;
	ok(u64_mac(&v, 2, 2) && v == UINT64_MAX, "nor its sum");
	is_u64(u64_ceil_div(0, 7), 0, "0 / 7");
	is_u64(u64_ceil_div(7, 7), 1, "7 / 7");
	is_u64(u64_ceil_div(8, 7), 2, "8 / 7, up");
	is_u64(u64_ceil_div(UINT64_MAX, 2), UINT64_C(1) << 63, "no wrap near the end");
	is_u64(u64_round_up(0, 256), 0, "0 rounded up");
	is_u64(u64_round_up(256, 256), 256, "a multiple stays");
	is_u64(u64_round_up(257, 256), 512, "257 to 512");
	is_u64(u64_round_up(UINT64_MAX - 1, 256), UINT64_MAX, "an overflow saturates");
}

static void sizes(void)
{
	static const struct { const char *s; uint64_t want; } good[] = {
		{ "0", 0 }, { "1024", 1024 }, { "17B", 17 }, { "24GB", UINT64_C(24000000000) }, { "24gb", UINT64_C(24000000000) },
		{ "64GiB", 64 * GIB }, { "64 GiB", 64 * GIB }, { "512 MiB", 512 * MIB }, { "1.5g", GIB + GIB / 2 }, { "2k", 2 * KIB },
		{ "3kb", 3000 }, { "3KiB", 3 * KIB }, { "7m", 7 * MIB }, { "7mb", 7000000 }, { "1t", 1024 * GIB },
		{ "1TB", UINT64_C(1000000000000) },
		{ "0.5TiB", 512 * GIB }, { ".5k", 512 }, { "1.k", 1024 }, { "9223372036854775807", INT64_MAX },
		{ "9007199254740993 b", UINT64_C(9007199254740993) }, { "8589934591GiB", UINT64_C(8589934591) * GIB },
		{ "1.0009765625k", 1025 },
		{ "79.65GB", UINT64_C(79650000000) }, { "9", 9 }, { "1.3k", 1331 }, { "0.0001k", 0 },
		{ "0000000000000000000000000000001", 1 },
	};
	static const char *const bad[] = { "", " ", "GB", "-1", "-1GB", "+1", "1e9", "1e5", "0x10", "1.5", "1.5b", "1..5k", "1.5.5k",
		"24 GBs", "24G B",
		"24GB ", " 24GB", "24\tGB", "24gbit", "9223372036854775808", "18446744073709551616", "8589934592GiB",
		"00000000000000000000000000000001", "0.00000000000000000000000000000001k", "9007199254740993t",
		"99999999999999999999999999999999999999k", "9300000000.5g", "inf", "nan", "1,5g", "1_000" };
	uint64_t v = 99;

	for (unsigned i = 0; i < sizeof good / sizeof *good; i++) {
		v = 99;
		ok(!parse_bytes(&v, good[i].s) && v == good[i].want, "'%s' is %llu bytes", good[i].s, (unsigned long long)good[i].want);
	}
	v = 99;
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(parse_bytes(&v, bad[i]) && v == 99, "size %u, '%s', is refused", i, strchr(bad[i], '\t') ? "..." : bad[i]);
}

static void tokens(void)
{
	static const struct { const char *s; uint64_t want; } good[] = {
		{ "8192", 8192 }, { "8k", 8192 }, { "128K", 131072 }, { "1m", 1048576 }, { "1M", 1048576 }, { "1.5k", 1536 }, { "0", 0 },
		{ "9223372036854775807", INT64_MAX },
	};
	static const char *const bad[] = { "", "k", "-8k", "8kb", "8g", "1.3k", "1.5", "8192 tokens", "9223372036854775808",
		"8796093022208m", "1e3",
		"12x" };
	uint64_t v = 99;

	for (unsigned i = 0; i < sizeof good / sizeof *good; i++)
		ok(!parse_tokens(&v, good[i].s) && v == good[i].want, "'%s' is %llu tokens", good[i].s, (unsigned long long)good[i].want);
	v = 99;
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(parse_tokens(&v, bad[i]) && v == 99, "'%s' tokens are refused", bad[i]);
}

static void numbers(void)
{
	static const char *const not_u64[] = { "", "1e5", " 1", "1 ", "+1", "-1", "1.0", "0x1", "18446744073709551616",
		"99999999999999999999" };
	static const char *const not_f64[] = { "", " 1", "1 ", "nan", "inf", "-inf", "infinity", "0x1p3", "1e999", "1e", "e5", ".",
		"-", "1,5", "1.5x" };
	static const struct { const char *s; double want; } f64[] = { { "1", 1 }, { "-2.5", -2.5 }, { "+1", 1 }, { ".5", 0.5 },
		{ "1e-6", 1e-6 },
		{ "1.76E12", 1.76e12 }, { "00012", 12 }, { "9", 9 }, { "9.75e-1", 0.975 } };
	uint64_t v = 99;
	double d = 99;

	ok(!parse_u64(&v, "18446744073709551615") && v == UINT64_MAX, "the largest number");
	ok(!parse_u64(&v, "007") && v == 7, "leading zeros are decimal");
	v = 99;
	for (unsigned i = 0; i < sizeof not_u64 / sizeof *not_u64; i++)
		ok(parse_u64(&v, not_u64[i]) && v == 99, "'%s' is no whole number", not_u64[i]);
	for (unsigned i = 0; i < sizeof not_f64 / sizeof *not_f64; i++)
		ok(parse_f64(&d, not_f64[i]) && d == 99, "'%s' is no number", not_f64[i]);
	for (unsigned i = 0; i < sizeof f64 / sizeof *f64; i++)
		ok(!parse_f64(&d, f64[i].s) && d == f64[i].want, "'%s' is %g", f64[i].s, f64[i].want);
}

static void printing(void)
{
	static const struct { uint64_t v; const char *want; } bytes[] = {
		{ 0, "0 B" }, { 17, "17 B" }, { 1000, "1000 B" }, { 1024, "1.00 KiB" }, { 96 * KIB, "96.0 KiB" }, { 812 * MIB, "812 MiB" },
		{ UINT64_C(3672197693), "3.42 GiB" }, { 80 * GIB, "80.0 GiB" }, { 999 * GIB, "999 GiB" }, { 1024 * GIB, "1.00 TiB" },
		{ UINT64_MAX, "16777216 TiB" }, { 1001, "1001 B" }, { 1023, "1023 B" }, { 1025, "1.00 KiB" },
		/* the borders of rounding: 9.995, 99.95 and 999.5 of a unit */
		{ UINT64_C(10480517), "9.99 MiB" }, { UINT64_C(10480518), "10.0 MiB" },
		{ UINT64_C(104805171), "99.9 MiB" }, { UINT64_C(104805172), "100 MiB" },
		{ 999 * KIB + 511, "999 KiB" }, { 999 * KIB + 512, "0.976 MiB" }, { 1000 * KIB, "0.977 MiB" },
		{ 999 * MIB + MIB / 2 - 1, "999 MiB" }, { 999 * MIB + MIB / 2, "0.976 GiB" }, { 1000 * MIB, "0.977 GiB" },
		{ 1023 * MIB, "0.999 GiB" }, { GIB - 1, "1.00 GiB" }, { GIB, "1.00 GiB" },
		{ 1000 * GIB, "1000 GiB" }, { 1024 * GIB - 1, "1024 GiB" }, { UINT64_C(1) << 63, "8388608 TiB" },
	};
	static const struct { double v; const char *want; } three[] = {
		{ 0, "0" }, { 0.0123, "0.0123" }, { 12.3, "12.3" }, { 1234, "1234" }, { 1, "1.00" }, { 9.994, "9.99" }, { 9.996, "10.0" },
		{ 99.94, "99.9" }, { 99.96, "100" }, { 999.6, "1000" }, { 0.99951, "1.00" }, { 0.09996, "0.100" }, { 0.0099996, "0.0100" },
		{ -12.34, "-12.3" }, { 1e-6, "0.00000100" }, { 1.23e-9, "0.00000000123" },
		{ 1.23e-10, "0.000000000123" }, { 12.3e15, "12300000000000000" },
		{ 1e15, "1000000000000000" }, { NAN, "unknown" }, { INFINITY, "unknown" },
	};
	static const struct { double v; const char *want; } counts[] = {
		{ 70.6e9, "70.6B" }, { 596049920, "596M" }, { 1.026e12, "1.03T" }, { 999, "999" }, { 1000, "1.00K" }, { 999.6e6, "1.00B" },
		{ 0, "0" }, { 1, "1" }, { 999.4e3, "999K" }, { 999.5e3, "1.00M" }, { 9.994e6, "9.99M" }, { 9.996e6, "10.0M" },
		{ 99.96e9, "100B" },
		{ 999.4e9, "999B" }, { 999.5e9, "1.00T" }, { 1e15, "1000T" }, { 405853388800, "406B" },
	};
	static const struct { uint64_t v; const char *want; } contexts[] = {
		{ 131072, "128k" }, { 1048576, "1M" }, { 8192, "8k" }, { 1000, "1000" }, { 0, "0" }, { 262144, "256k" }, { 10485760, "10M" },
		{ 1572864, "1536k" }, { 1, "1" }, { 1023, "1023" }, { 1025, "1025" }, { 1048577, "1048577" }, { 1047552, "1023k" },
	};
	char b[40], small[6];

	for (unsigned i = 0; i < sizeof bytes / sizeof *bytes; i++)
		is_str(format_bytes(b, sizeof b, bytes[i].v), bytes[i].want, "%llu bytes", (unsigned long long)bytes[i].v);
	for (unsigned i = 0; i < sizeof three / sizeof *three; i++)
		is_str(format_3(b, sizeof b, three[i].v), three[i].want, "three digits of %g", three[i].v);
	for (unsigned i = 0; i < sizeof counts / sizeof *counts; i++)
		is_str(format_count(b, sizeof b, counts[i].v), counts[i].want, "a count of %g", counts[i].v);
	for (unsigned i = 0; i < sizeof contexts / sizeof *contexts; i++) {
		uint64_t back = 0;
		is_str(format_tokens(b, sizeof b, contexts[i].v), contexts[i].want, "%llu tokens", (unsigned long long)contexts[i].v);
		ok(!parse_tokens(&back, b) && back == contexts[i].v, "and back");
	}
	is_str(format_signed_bytes(b, sizeof b, -(int64_t)GIB * 6 / 5), "-1.20 GiB", "negative bytes");
	is_str(format_signed_bytes(b, sizeof b, 5 * (int64_t)MIB), "5.00 MiB", "positive ones");
	is_str(format_signed_bytes(b, sizeof b, 0), "0 B", "no bytes have no sign");
	is_str(format_signed_bytes(b, sizeof b, -1), "-1 B", "one too few");
	is_str(format_signed_bytes(b, sizeof b, INT64_MIN), "-8388608 TiB", "the most negative number");
	is_str(format_bytes(small, sizeof small, 812 * MIB), "812 M", "no room: cut, not overrun");
}

int main(void)
{
	arithmetic();
	sizes();
	tokens();
	numbers();
	printing();
	return done_testing();
}
