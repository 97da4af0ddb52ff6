/* format_numbers.c - halves, bfloat16 and FP8: every code, and the rounding of floats between them
 *
 * Checked against exact arithmetic in double from the formats' definitions, and against ggml's sum over all halves. SEED=n repeats a run. */
#include "formats.h"

#include "../tap.h"
#include "formats_blocks.h"
#include "formats_golden.h"

#include <float.h>

/* A small floating-point format: sign, `exponent` bits with a bias, `mantissa` bits. top: code of the largest finite number. ieee: the codes
 * beyond are infinity and NaN, and what is too large becomes infinity; otherwise it becomes the largest. */
struct small { const char *name; uint32_t id; int mantissa, bias; unsigned bits, top; int ieee; };
static const struct small formats[] = {
	{ "f16", KF_F16, 10, 15, 16, 0x7bff, 1 }, { "bf16", KF_BF16, 7, 127, 16, 0x7f7f, 1 },
	{ "fp8_e4m3", KF_FP8_E4M3, 3, 7, 8, 0x7e, 0 }, { "fp8_e5m2", KF_FP8_E5M2, 2, 15, 8, 0x7b, 0 }
};

/* What a code without its sign stands for; also one beyond the largest, as if the exponents went on. */
static double value(const struct small *s, unsigned code)
{
	int e = (int)(code >> s->mantissa), m = (int)(code & ((1u << s->mantissa) - 1));

	return e ? ldexp((1 << s->mantissa) + m, e - s->bias - s->mantissa) : ldexp(m, 1 - s->bias - s->mantissa);
}
static float decode(const struct small *s, unsigned code)
{
	uint16_t both = (uint16_t)code;
	float f = 0;

	kformat_find(s->id)->dequantise(&f, &both, 1);
	return f;
}
static unsigned encode(const struct small *s, float f)
{
	uint16_t both = 0;

	kformat_find(s->id)->quantise(&both, &f, 1);
	return both;
}

/* The code of a float by a search over all: nearest, ties to the even code. */
static unsigned nearest_code(const struct small *s, float f)
{
	const unsigned sign = signbit(f) ? 1u << (s->bits - 1) : 0;
	double a = fabs((double)f);
	unsigned low = 0, high = s->top + 1;

	if (a >= value(s, high))
		return sign | (s->ieee ? high : s->top);
	while (high - low > 1) {
		unsigned mid = (low + high) / 2;
		if (value(s, mid) <= a)
			low = mid;
		else
			high = mid;
	}
	double below = a - value(s, low), above = value(s, high) - a;
	unsigned code = below < above || (below == above && low % 2 == 0) ? low : high;
	return sign | (code > s->top && !s->ieee ? s->top : code);
}

static void codes(const struct small *s)
{
	const unsigned half = 1u << (s->bits - 1);
	unsigned wrong = 0, back = 0, nans = 0, nan_codes = 0;

	for (unsigned code = 0; code < 2 * half; code++) {
		unsigned a = code & (half - 1);
		float f = decode(s, code);
		if (a <= s->top) {
			double v = value(s, a);
			wrong += !(fabs((double)f) == v) || !signbit(f) != (code < half);
			back += encode(s, f) != code;
		} else if (s->id != KF_FP8_E4M3 && a == s->top + 1) {
			wrong += !isinf(f) || !signbit(f) != (code < half);
		} else {
			nan_codes++;
			wrong += !isnan(f) || !signbit(f) != (code < half);
			nans += !isnan(decode(s, encode(s, f)));
		}
	}
	ok(!wrong, "%s: %u codes, %u of them NaN (%u wrong)", s->name, 2 * half, nan_codes, wrong);
	ok(!back && !nans, "%s: and back (%u and %u wrong)", s->name, back, nans);
}

/* Between any two codes: the middle and the floats beside it. */
static void middles(const struct small *s)
{
	unsigned wrong = 0, tried = 0;

	for (unsigned code = 0; code <= s->top; code++) {
		float mid = (float)((value(s, code) + value(s, code + 1)) / 2);
		const float near[] = { mid, nextafterf(mid, 0), nextafterf(mid, INFINITY) };
		for (unsigned k = 0; k < 3; k++)
			for (int sign = -1; sign <= 1; sign += 2, tried++)
				wrong += encode(s, (float)sign * near[k]) != nearest_code(s, (float)sign * near[k]);
	}
	ok(!wrong, "%s: middles and their neighbours, %u of %u wrong", s->name, wrong, tried);
}

static void any_float(const struct small *s, uint64_t seed)
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < 200000; i++) {
		uint32_t bits = (uint32_t)next(&seed);
		float f;
		memcpy(&f, &bits, sizeof f);
		if (i % 2)                       /* half of them where FP8 and halves have numbers */
			f = ldexpf(1 + (float)(bits & 0x7fffff) * 0x1p-23f, (int)(bits >> 24) % 40 - 25);
		wrong += isnan(f) ? !isnan(decode(s, encode(s, f))) : encode(s, f) != nearest_code(s, f);
	}
	ok(!wrong, "%s: 200000 floats, %u wrong", s->name, wrong);
	ok(encode(s, FLT_MAX) == (s->ieee ? s->top + 1 : s->top) && encode(s, -INFINITY) == (s->ieee ? s->top + 1 : s->top) + (1u << (s->bits - 1)) &&
		encode(s, FLT_TRUE_MIN) == 0, "%s: the largest, infinity, the least", s->name);
}

int main(void)
{
	const char *s = getenv("SEED");
	uint64_t seed = s ? strtoull(s, NULL, 0) : 1;
	float *halves = malloc(65536 * sizeof *halves);
	uint16_t code;

	if (!halves)
		return 1;
	printf("# SEED=%llu\n", (unsigned long long)seed);
	for (unsigned i = 0; i < sizeof formats / sizeof *formats; i++) {
		codes(formats + i);
		middles(formats + i);
		any_float(formats + i, seed);
	}
	for (unsigned h = 0; h < 65536; h++)
		halves[h] = f16_to_f32((uint16_t)h);
	ok(sum_of_bits(halves, 65536) == golden_halves, "every half as ggml has it, NaN too");

	/* anchors from the standards, should value() be wrong as well */
	ok(f16_to_f32(0x3c00) == 1 && f16_to_f32(0x7bff) == 65504 && f16_to_f32(0x0001) == 0x1p-24f && f16_to_f32(0xc000) == -2, "halves by hand");
	ok(f32_to_f16(65519.99f) == 0x7bff && f32_to_f16(65520) == 0x7c00 && f32_to_f16(0x1p-25f) == 0 && f32_to_f16(0x1.000002p-25f) == 1, "floats to halves by hand");
	ok(bf16_to_f32(0x3f80) == 1 && f32_to_bf16(1.00390625f) == 0x3f80 && f32_to_bf16(1.01171875f) == 0x3f82 && f32_to_bf16(-3) == 0xc040, "bfloat16 by hand");
	ok(decode(formats + 2, 0x7e) == 448 && decode(formats + 2, 0x01) == 0x1p-9f && decode(formats + 2, 0x38) == 1 && isnan(decode(formats + 2, 0x7f)) &&
		decode(formats + 3, 0x7b) == 57344 && decode(formats + 3, 0x01) == 0x1p-16f && isinf(decode(formats + 3, 0x7c)), "FP8 by hand");
	code = f32_to_f16(NAN);
	ok((code & 0x7c00) == 0x7c00 && (code & 0x200) && (f32_to_bf16(NAN) & 0x7fc0) == 0x7fc0, "NaN stays NaN, quiet");
	free(halves);
	return done_testing();
}
