/* format.h - what the files of number formats share: the loops over blocks, and the functions that kernels/formats.c lists.
 *
 * Every block format comes down to unsigned integers: a format's unpack_NAME() gives u[] and scale[] of one block, and either one zero point
 * for all (w = scale (u - zero)) or min[] (w = scale u - min). dequantise and integers are both made of it. Products of a scale and
 * an integer are exact in float (11 bits of a half, at most 6 of a group's scale, at most 8 of u), so neither the order of
 * multiplications nor a fused multiply-add changes a bit. */
#ifndef FORMAT_H
#define FORMAT_H

#include "formats.h"

#include <math.h>
#include <string.h>

typedef void dequantise_fn(float *out, const void *blocks, uint64_t n);
typedef void quantise_fn(void *blocks, const float *in, uint64_t n);
typedef void integers_fn(uint8_t *u, float *scale, float *min, const void *blocks, uint64_t n);
typedef void fill_fn(void *blocks, uint64_t first, uint64_t n, uint64_t seed);

extern dequantise_fn f32_dequantise, f16_dequantise, bf16_dequantise, fp8_e4m3_dequantise, fp8_e5m2_dequantise,
	q4_0_dequantise, q4_1_dequantise, q5_0_dequantise, q5_1_dequantise, q8_0_dequantise, iq4_nl_dequantise, mxfp4_dequantise, nvfp4_dequantise,
	q2_k_dequantise, q3_k_dequantise, q4_k_dequantise, q5_k_dequantise, q6_k_dequantise, iq4_xs_dequantise,
	iq1_s_dequantise, iq1_m_dequantise, iq2_xxs_dequantise, iq2_xs_dequantise, iq2_s_dequantise, iq3_xxs_dequantise, iq3_s_dequantise;
extern quantise_fn f32_quantise, f16_quantise, bf16_quantise, fp8_e4m3_quantise, fp8_e5m2_quantise,
	q4_0_quantise, q4_1_quantise, q5_0_quantise, q5_1_quantise, q8_0_quantise, iq4_nl_quantise, mxfp4_quantise, nvfp4_quantise,
	q2_k_quantise, q3_k_quantise, q4_k_quantise, q5_k_quantise, q6_k_quantise, iq4_xs_quantise;
extern integers_fn q4_0_integers, q4_1_integers, q5_0_integers, q5_1_integers, q8_0_integers, iq4_nl_integers, mxfp4_integers, nvfp4_integers,
	q2_k_integers, q3_k_integers, q4_k_integers, q5_k_integers, q6_k_integers, iq4_xs_integers,
	iq1_s_integers, iq1_m_integers, iq2_xxs_integers, iq2_xs_integers, iq2_s_integers, iq3_xxs_integers, iq3_s_integers;
extern fill_fn f32_fill, f16_fill, bf16_fill, fp8_e4m3_fill, fp8_e5m2_fill,
	q4_0_fill, q4_1_fill, q5_0_fill, q5_1_fill, q8_0_fill, iq4_nl_fill, mxfp4_fill, nvfp4_fill,
	q2_k_fill, q3_k_fill, q4_k_fill, q5_k_fill, q6_k_fill, iq4_xs_fill,
	iq1_s_fill, iq1_m_fill, iq2_xxs_fill, iq2_xs_fill, iq2_s_fill, iq3_xxs_fill, iq3_s_fill;

/* Codebooks, ascending: of IQ4_NL and IQ4_XS, and the magnitudes of E2M1 doubled, so that they are whole. */
extern const int8_t iq4_values[16];
extern const int8_t e2m1_values[8];

/* dequantise and integers of a format of N numbers a block, G a group; the block is copied because it may lie at any address. */
#define FORMAT_WITH_ZERO(name, type, N, G, zero) \
	void name##_dequantise(float *out, const void *blocks, uint64_t n) \
	{ \
		for (const unsigned char *p = blocks; n >= (N); n -= (N), p += sizeof(type), out += (N)) { \
			uint8_t u[N]; \
			float scale[(N) / (G)]; \
			type b; \
			memcpy(&b, p, sizeof b); \
			unpack_##name(u, scale, &b); \
			for (int i = 0; i < (N); i++) \
				out[i] = scale[i / (G)] * (float)(u[i] - (zero)); \
		} \
	} \
	void name##_integers(uint8_t *u, float *scale, float *min, const void *blocks, uint64_t n) \
	{ \
		for (const unsigned char *p = blocks; n >= (N); n -= (N), p += sizeof(type), u += (N), scale += (N) / (G), min += (N) / (G)) { \
			type b; \
			memcpy(&b, p, sizeof b); \
			unpack_##name(u, scale, &b); \
			for (int g = 0; g < (N) / (G); g++) \
				min[g] = scale[g] * (zero); \
		} \
	}
#define FORMAT_WITH_MIN(name, type, N, G) \
	void name##_dequantise(float *out, const void *blocks, uint64_t n) \
	{ \
		for (const unsigned char *p = blocks; n >= (N); n -= (N), p += sizeof(type), out += (N)) { \
			uint8_t u[N]; \
			float scale[(N) / (G)], min[(N) / (G)]; \
			type b; \
			memcpy(&b, p, sizeof b); \
			unpack_##name(u, scale, min, &b); \
			for (int i = 0; i < (N); i++) \
				out[i] = scale[i / (G)] * (float)u[i] - min[i / (G)]; \
		} \
	} \
	void name##_integers(uint8_t *u, float *scale, float *min, const void *blocks, uint64_t n) \
	{ \
		for (const unsigned char *p = blocks; n >= (N); n -= (N), p += sizeof(type), u += (N), scale += (N) / (G), min += (N) / (G)) { \
			type b; \
			memcpy(&b, p, sizeof b); \
			unpack_##name(u, scale, min, &b); \
		} \
	}

/* Nearest whole number within [lo, hi]; NaN becomes lo. Without branches, so that loops of it become vectors. */
static inline int round_within(float x, int lo, int hi)
{
	x = x > (float)lo ? x : (float)lo;
	x = x < (float)hi ? x : (float)hi;
	return (int)(x + copysignf(0.5f, x));
}
/* Index of the nearest of n ascending numbers, n a power of two. */
static inline int nearest(const int8_t *values, int n, float x)
{
	int at = 0;

	for (int step = n / 2; step; step /= 2)
		at += step & -(x > 0.5f * (float)(values[at + step - 1] + values[at + step]));
	return at;
}

/* The least and the largest of n numbers, n a multiple of 8: eight lanes, which become vectors. NaN does not count unless it is among the
 * first eight. */
static inline void range(float *low, float *high, const float *x, int n)
{
	float l[8], h[8];

	for (int k = 0; k < 8; k++)
		l[k] = h[k] = x[k];
	for (int i = 8; i < n; i += 8)
		for (int k = 0; k < 8; k++) {
			l[k] = x[i + k] < l[k] ? x[i + k] : l[k];
			h[k] = x[i + k] > h[k] ? x[i + k] : h[k];
		}
	*low = l[0];
	*high = h[0];
	for (int k = 1; k < 8; k++) {
		*low = l[k] < *low ? l[k] : *low;
		*high = h[k] > *high ? h[k] : *high;
	}
}
/* The number of the largest magnitude, with its sign; of equals the negative one. */
static inline float largest(const float *x, int n)
{
	float low, high;

	range(&low, &high, x, n);
	return high > -low ? high : low;
}
/* Stores a scale as a half, kept finite; returns what was stored. */
static inline float store_half(uint16_t *out, float x)
{
	*out = f32_to_f16(x > 65504 ? 65504 : x < -65504 ? -65504 : x == x ? x : 0);
	return f16_to_f32(*out);
}
static inline float inverse(float x) { return x > 1e-38f || x < -1e-38f ? 1 / x : 0; }

#endif
