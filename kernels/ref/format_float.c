/* format_float.c - half, bfloat16 and FP8, to float and back; rows of them */
#include "ref/format.h"

static inline uint32_t bits_of(float f)
{
	union { float f; uint32_t u; } v = { .f = f };

	return v.u;
}
static inline float float_of(uint32_t u)
{
	union { uint32_t u; float f; } v = { .u = u };

	return v.f;
}

float f16_to_f32(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000) << 16, m = h & 0x3ff, e = h >> 10 & 31;

	if (e == 31)
		return float_of(sign | 0x7f800000 | m << 13 | (m ? 0x400000 : 0));
	if (e)
		return float_of(sign | (((uint32_t)(h & 0x7fff) << 13) + (112u << 23)));
	return float_of(sign | bits_of((float)m * 0x1p-24f));
}

uint16_t f32_to_f16(float f)
{
	uint32_t u = bits_of(f), sign = u >> 16 & 0x8000, a = u & 0x7fffffff, shift, m, rest;

	if (a > 0x7f800000)
		return (uint16_t)(sign | 0x7e00 | (a >> 13 & 0x3ff));
	if (a >= 0x477ff000)                     /* 65520, halfway between the largest half and the next */
		return (uint16_t)(sign | 0x7c00);
	if (a >= 0x38800000)                     /* 2^-14, the least normal half */
		return (uint16_t)(sign | (a + 0xfff + (a >> 13 & 1) - (112u << 23)) >> 13);
	if (a <= 0x33000000)                     /* 2^-25, half of the least */
		return (uint16_t)sign;
	shift = 126 - (a >> 23);                 /* the unit is 2^-24 */
	a = (a & 0x7fffff) | 0x800000;
	m = a >> shift;
	rest = a << (32 - shift);
	return (uint16_t)(sign | (m + (rest > 0x80000000u || (rest == 0x80000000u && (m & 1)))));
}

uint16_t f32_to_bf16(float f)
{
	uint32_t u = bits_of(f);

	if ((u & 0x7fffffff) > 0x7f800000)
		return (uint16_t)(u >> 16 | 0x40);
	return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

/* OCP 8-bit floating point 1.0. E4M3: bias 7, no infinity, S.1111.111 is NaN, largest 448. */
static float e4m3_to_f32(uint8_t b)
{
	uint32_t sign = (uint32_t)(b & 0x80) << 24, a = b & 0x7f;

	/* Without branches: which numbers are below the least normal one follows no pattern. Those count units of 2^-9. */
	float least = (float)a * 0x1p-9f, normal = float_of((a << 20) + (120u << 23));
	uint32_t m = 0u - (a < 8), nan = 0u - (a == 0x7f);

	return float_of(sign | (bits_of(least) & m) | (bits_of(normal) & ~m) | (0x7fc00000 & nan));
}

/* E5M2: the upper byte of a half, bias 15; infinity and NaN have the largest exponent. */
static float e5m2_to_f32(uint8_t b)
{
	uint32_t sign = (uint32_t)(b & 0x80) << 24, a = b & 0x7f;

	float least = (float)a * 0x1p-16f;
	uint32_t m = 0u - (a < 4), top = 0u - (a >= 0x7c), nan = 0u - (a > 0x7c);

	return float_of(sign | (bits_of(least) & m) | (((a << 21) + (112u << 23) + (112u << 23 & top)) & ~m) | (0x400000 & nan));
}

/* Nearest, ties to even, without overflow: what is larger than the largest number becomes that. m_bits: of the mantissa;
 * bias: what the exponent of float is less; top: the code of the largest. */
static uint8_t f32_to_fp8(float f, unsigned m_bits, uint32_t bias, uint32_t top)
{
	uint32_t u = bits_of(f), sign = u >> 24 & 0x80, a = u & 0x7fffffff, drop = 23 - m_bits, e = a >> 23, m, half;

	if (a > 0x7f800000)
		return (uint8_t)(sign | 0x7f);
	if (e <= bias) {                         /* below the least normal: the unit stays */
		if (bias + 1 - e + drop > 25)
			return (uint8_t)sign;
		drop += bias + 1 - e;
		a = e ? (a & 0x7fffff) | 0x800000 : 0;
	} else {
		a -= bias << 23;
	}
	m = a >> drop;
	half = 1u << (drop - 1);
	a &= 2 * half - 1;
	m += a > half || (a == half && (m & 1));
	return (uint8_t)(sign | (m > top ? top : m));
}

void f32_dequantise(float *out, const void *blocks, uint64_t n) { memcpy(out, blocks, n * sizeof *out); }
void f32_quantise(void *blocks, const float *in, uint64_t n) { memcpy(blocks, in, n * sizeof *in); }

/* Rows of two-byte numbers lie at any address. */
void f16_dequantise(float *out, const void *blocks, uint64_t n)
{
	for (const unsigned char *p = blocks; n; n--, p += 2) {
		uint16_t h;
		memcpy(&h, p, 2);
		*out++ = f16_to_f32(h);
	}
}
void bf16_dequantise(float *out, const void *blocks, uint64_t n)
{
	for (const unsigned char *p = blocks; n; n--, p += 2) {
		uint16_t h;
		memcpy(&h, p, 2);
		*out++ = bf16_to_f32(h);
	}
}
void f16_quantise(void *blocks, const float *in, uint64_t n)
{
	for (unsigned char *p = blocks; n; n--, p += 2) {
		uint16_t h = f32_to_f16(*in++);
		memcpy(p, &h, 2);
	}
}
void bf16_quantise(void *blocks, const float *in, uint64_t n)
{
	for (unsigned char *p = blocks; n; n--, p += 2) {
		uint16_t h = f32_to_bf16(*in++);
		memcpy(p, &h, 2);
	}
}
void fp8_e4m3_dequantise(float *out, const void *blocks, uint64_t n)
{
	const uint8_t *p = blocks;

	for (uint64_t i = 0; i < n; i++)
		out[i] = e4m3_to_f32(p[i]);
}
void fp8_e4m3_quantise(void *blocks, const float *in, uint64_t n)
{
	for (uint8_t *p = blocks; n; n--)
		*p++ = f32_to_fp8(*in++, 3, 120, 0x7e);
}
void fp8_e5m2_dequantise(float *out, const void *blocks, uint64_t n)
{
	const uint8_t *p = blocks;

	for (uint64_t i = 0; i < n; i++)
		out[i] = e5m2_to_f32(p[i]);
}
void fp8_e5m2_quantise(void *blocks, const float *in, uint64_t n)
{
	for (uint8_t *p = blocks; n; n--)
		*p++ = f32_to_fp8(*in++, 2, 112, 0x7b);         /* 57344 */
}
