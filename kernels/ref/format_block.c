/* format_block.c - formats of short blocks: Q4_0 to Q8_0, IQ4_NL, MXFP4, NVFP4 */
#include "ref/format.h"
#include "ref/format_fit.h"

/* Two numbers a byte: the low nibbles are the first half of the run, the high ones the second. */
static inline void nibbles(uint8_t *u, const uint8_t *q, int half)
{
	for (int i = 0; i < half; i++) {
		u[i] = q[i] & 15;
		u[i + half] = q[i] >> 4;
	}
}
static inline void to_nibbles(uint8_t *q, const uint8_t *u, int half)
{
	for (int i = 0; i < half; i++)
		q[i] = (uint8_t)(u[i] | u[i + half] << 4);
}
/* The fifth bits of 32 numbers. */
static inline void fifth_bits(uint8_t *u, const uint8_t h[4])
{
	for (int i = 0; i < 32; i++)
		u[i] = (uint8_t)(u[i] | (h[i / 8] >> i % 8 & 1) << 4);
}
static inline void to_fifth_bits(uint8_t h[4], const uint8_t *u)
{
	memset(h, 0, 4);
	for (int i = 0; i < 32; i++)
		h[i / 8] = (uint8_t)(h[i / 8] | (u[i] >> 4) << i % 8);
}

static inline void unpack_q4_0(uint8_t *u, float *scale, const struct q4_0_block *b)
{
	*scale = f16_to_f32(b->d);
	nibbles(u, b->q, 16);
}
static inline void unpack_q4_1(uint8_t *u, float *scale, float *min, const struct q4_1_block *b)
{
	*scale = f16_to_f32(b->d);
	*min = -f16_to_f32(b->m);
	nibbles(u, b->q, 16);
}
static inline void unpack_q5_0(uint8_t *u, float *scale, const struct q5_0_block *b)
{
	*scale = f16_to_f32(b->d);
	nibbles(u, b->q, 16);
	fifth_bits(u, b->h);
}
static inline void unpack_q5_1(uint8_t *u, float *scale, float *min, const struct q5_1_block *b)
{
	*scale = f16_to_f32(b->d);
	*min = -f16_to_f32(b->m);
	nibbles(u, b->q, 16);
	fifth_bits(u, b->h);
}
static inline void unpack_q8_0(uint8_t *u, float *scale, const struct q8_0_block *b)
{
	*scale = f16_to_f32(b->d);
	for (int i = 0; i < 32; i++)
		u[i] = (uint8_t)(b->q[i] + 128);
}

/* ggml-common.h: kvalues_iq4nl */
const int8_t iq4_values[16] = { -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113 };

static inline void unpack_iq4_nl(uint8_t *u, float *scale, const struct iq4_nl_block *b)
{
	*scale = f16_to_f32(b->d);
	nibbles(u, b->q, 16);
	for (int i = 0; i < 32; i++)
		u[i] = (uint8_t)(iq4_values[u[i]] + 128);
}

/* OCP Microscaling formats 1.0: E2M1, S.EE.M; here doubled, and 12 more for unsigned integers. */
const int8_t e2m1_values[8] = { 0, 1, 2, 3, 4, 6, 8, 12 };
enum { E2M1_ZERO = 12 };

static inline void from_e2m1(uint8_t *u, int n)
{
	for (int i = 0; i < n; i++)
		u[i] = (uint8_t)(E2M1_ZERO + (u[i] & 8 ? -e2m1_values[u[i] & 7] : e2m1_values[u[i] & 7]));
}
/* Half of 2^(e - 127): the values are doubled. 255, which is NaN in the standard, goes on as 2^128 would, as ggml has it. */
static inline float half_e8m0(uint8_t e)
{
	union { uint32_t u; float f; } v = { .u = e < 2 ? 0x200000u << e : (uint32_t)(e - 1) << 23 };

	return v.f;
}
static inline void unpack_mxfp4(uint8_t *u, float *scale, const struct mxfp4_block *b)
{
	*scale = half_e8m0(b->e);
	nibbles(u, b->q, 16);
	from_e2m1(u, 32);
}

/* Half of an E4M3 number without its sign; the NaN is 0, as ggml has it. */
static inline float half_ue4m3(uint8_t d)
{
	unsigned m = d & 7, e = d >> 3 & 15;
	union { uint32_t u; float f; } v = { .u = (e + 119) << 23 | m << 20 };

	if ((d & 0x7f) == 0x7f)
		return d == 0x7f ? 0 : 240;
	return e ? v.f : (float)m * 0x1p-10f;
}
static inline void unpack_nvfp4(uint8_t *u, float *scale, const struct nvfp4_block *b)
{
	for (int g = 0; g < 4; g++) {
		scale[g] = half_ue4m3(b->d[g]);
		nibbles(u + 16 * g, b->q + 8 * g, 8);
	}
	from_e2m1(u, 64);
}

FORMAT_WITH_ZERO(q4_0, struct q4_0_block, 32, 32, 8)
FORMAT_WITH_MIN(q4_1, struct q4_1_block, 32, 32)
FORMAT_WITH_ZERO(q5_0, struct q5_0_block, 32, 32, 16)
FORMAT_WITH_MIN(q5_1, struct q5_1_block, 32, 32)
FORMAT_WITH_ZERO(q8_0, struct q8_0_block, 32, 32, 128)
FORMAT_WITH_ZERO(iq4_nl, struct iq4_nl_block, 32, 32, 128)
FORMAT_WITH_ZERO(mxfp4, struct mxfp4_block, 32, 32, E2M1_ZERO)
FORMAT_WITH_ZERO(nvfp4, struct nvfp4_block, 64, 16, E2M1_ZERO)

/* 32 numbers as d (u - half): the largest becomes 0, so that all 2 half levels are used. */
static void round_zero(uint8_t *u, uint16_t *d, const float *x, int half)
{
	float id = inverse(store_half(d, -largest(x, 32) / (float)half));

	for (int i = 0; i < 32; i++)
		u[i] = (uint8_t)(round_within(x[i] * id, -half, half - 1) + half);
}
/* 32 numbers as d u + m */
static void round_min(uint8_t *u, uint16_t *d, uint16_t *m, const float *x, int top)
{
	float lo, hi, id, base;

	range(&lo, &hi, x, 32);
	base = store_half(m, lo);
	id = inverse(store_half(d, hi / (float)top - lo / (float)top));
	for (int i = 0; i < 32; i++)
		u[i] = (uint8_t)round_within((x[i] - base) * id, 0, top);
}

void q4_0_quantise(void *blocks, const float *in, uint64_t n)
{
	for (unsigned char *p = blocks; n >= 32; n -= 32, in += 32, p += sizeof(struct q4_0_block)) {
		struct q4_0_block b;
		uint8_t u[32];

		round_zero(u, &b.d, in, 8);
		to_nibbles(b.q, u, 16);
		memcpy(p, &b, sizeof b);
	}
}
void q4_1_quantise(void *blocks, const float *in, uint64_t n)
{
	for (unsigned char *p = blocks; n >= 32; n -= 32, in += 32, p += sizeof(struct q4_1_block)) {
		struct q4_1_block b;
		uint8_t u[32];

		round_min(u, &b.d, &b.m, in, 15);
		to_nibbles(b.q, u, 16);
		memcpy(p, &b, sizeof b);
	}
}
void q5_0_quantise(void *blocks, const float *in, uint64_t n)
{
	for (unsigned char *p = blocks; n >= 32; n -= 32, in += 32, p += sizeof(struct q5_0_block)) {
		struct q5_0_block b;
		uint8_t u[32];

		round_zero(u, &b.d, in, 16);
		to_fifth_bits(b.h, u);
		for (int i = 0; i < 32; i++)
			u[i] &= 15;
		to_nibbles(b.q, u, 16);
		memcpy(p, &b, sizeof b);
	}
}
void q5_1_quantise(void *blocks, const float *in, uint64_t n)
{
	for (unsigned char *p = blocks; n >= 32; n -= 32, in += 32, p += sizeof(struct q5_1_block)) {
		struct q5_1_block b;
		uint8_t u[32];

		round_min(u, &b.d, &b.m, in, 31);
		to_fifth_bits(b.h, u);
		for (int i = 0; i < 32; i++)
			u[i] &= 15;
		to_nibbles(b.q, u, 16);
		memcpy(p, &b, sizeof b);
	}
}
/* -128 is not used: products that take magnitudes apart from signs need 7 bits. */
void q8_0_quantise(void *blocks, const float *in, uint64_t n)
{
	for (unsigned char *p = blocks; n >= 32; n -= 32, in += 32, p += sizeof(struct q8_0_block)) {
		struct q8_0_block b;
		float id = inverse(store_half(&b.d, fabsf(largest(in, 32)) / 127));

		for (int i = 0; i < 32; i++)
			b.q[i] = (int8_t)round_within(in[i] * id, -127, 127);
		memcpy(p, &b, sizeof b);
	}
}
void iq4_nl_quantise(void *blocks, const float *in, uint64_t n)
{
	for (unsigned char *p = blocks; n >= 32; n -= 32, in += 32, p += sizeof(struct iq4_nl_block)) {
		struct iq4_nl_block b;
		uint8_t u[32];
		float id = inverse(store_half(&b.d, fit_iq4(in, 32)));

		for (int i = 0; i < 32; i++)
			u[i] = (uint8_t)nearest(iq4_values, 16, in[i] * id);
		to_nibbles(b.q, u, 16);
		memcpy(p, &b, sizeof b);
	}
}

/* Codes of x * is; the sum of squared errors, in units of the scale. */
static float to_e2m1(uint8_t *u, const float *x, int n, float is)
{
	float error = 0;

	for (int i = 0; i < n; i++) {
		float a = fabsf(x[i]) * is, e;
		int q = nearest(e2m1_values, 8, a);
		u[i] = (uint8_t)(q | (x[i] < 0 && q ? 8 : 0));
		e = a - (float)e2m1_values[q];
		error += e * e;
	}
	return error;
}
/* Either the largest number keeps its binade (and may be cut at 6), or everything is halved: whichever errs less. */
void mxfp4_quantise(void *blocks, const float *in, uint64_t n)
{
	for (unsigned char *p = blocks; n >= 32; n -= 32, in += 32, p += sizeof(struct mxfp4_block)) {
		struct mxfp4_block b;
		union { float f; uint32_t u; } max = { .f = largest(in, 32) };
		int e = (int)(max.u >> 23 & 255) - 2;
		uint8_t u[32], v[32];
		float cut, halved, d;

		b.e = (uint8_t)(e < 1 ? 1 : e > 250 ? 250 : e);
		d = half_e8m0(b.e);
		cut = to_e2m1(u, in, 32, 1 / d);
		halved = to_e2m1(v, in, 32, 0.5f / d);
		if (4 * halved < cut) {
			b.e++;
			memcpy(u, v, sizeof u);
		}
		to_nibbles(b.q, u, 16);
		memcpy(p, &b, sizeof b);
	}
}
/* The largest number of each group becomes 6. */
void nvfp4_quantise(void *blocks, const float *in, uint64_t n)
{
	for (unsigned char *p = blocks; n >= 64; n -= 64, in += 64, p += sizeof(struct nvfp4_block)) {
		struct nvfp4_block b = { .d = { 0 } };
		uint8_t u[16];

		for (int g = 0; g < 4; g++) {
			float max = fabsf(largest(in + 16 * g, 16)) / 6;
			fp8_e4m3_quantise(b.d + g, &max, 1);
			to_e2m1(u, in + 16 * g, 16, inverse(half_ue4m3(b.d[g])));
			to_nibbles(b.q + 8 * g, u, 8);
		}
		memcpy(p, &b, sizeof b);
	}
}
