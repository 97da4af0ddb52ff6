/* format_k.c - super-blocks of 256: Q2_K to Q6_K and IQ4_XS, from blocks to integers
 *
 * A group's scale is a small integer times the super-block's half. Numbers are stored in planes: of each 128 (Q2_K, Q3_K, Q6_K) or
 * 64 (Q4_K, Q5_K) numbers, byte l holds in its bit fields number l of every run of 32. */
#include "ref/format_k.h"

static inline void unpack_q2_k(uint8_t *u, float *scale, float *min, const struct q2_k_block *b)
{
	float d = f16_to_f32(b->d), dmin = f16_to_f32(b->dmin);

	for (int g = 0; g < 16; g++) {
		scale[g] = d * (float)(b->scale[g] & 15);
		min[g] = dmin * (float)(b->scale[g] >> 4);
	}
	for (int i = 0; i < 256; i++)
		u[i] = b->q[i / 128 * 32 + i % 32] >> (i / 32 % 4 * 2) & 3;
}

/* Six bits less 32: the low four of group g and g + 8 in byte g, the upper two of groups g, g + 4, g + 8, g + 12 in byte 8 + g % 4. */
static inline void unpack_q3_k(uint8_t *u, float *scale, const struct q3_k_block *b)
{
	float d = f16_to_f32(b->d);

	for (int g = 0; g < 16; g++) {
		int low = b->scale[g % 8] >> (g / 8 * 4) & 15, high = b->scale[8 + g % 4] >> (g / 4 * 2) & 3;
		scale[g] = d * (float)((low | high << 4) - 32);
	}
	for (int i = 0; i < 256; i++)
		u[i] = (uint8_t)((b->q[i / 128 * 32 + i % 32] >> (i / 32 % 4 * 2) & 3) | (b->h[i % 32] >> (i / 32) & 1) << 2);
}

static inline void unpack_q4_k(uint8_t *u, float *scale, float *min, const struct q4_k_block *b)
{
	k4_scales(scale, min, f16_to_f32(b->d), f16_to_f32(b->dmin), b->scale);
	for (int i = 0; i < 256; i++)
		u[i] = b->q[i / 64 * 32 + i % 32] >> (i / 32 % 2 * 4) & 15;
}

static inline void unpack_q5_k(uint8_t *u, float *scale, float *min, const struct q5_k_block *b)
{
	k4_scales(scale, min, f16_to_f32(b->d), f16_to_f32(b->dmin), b->scale);
	for (int i = 0; i < 256; i++)
		u[i] = (uint8_t)((b->q[i / 64 * 32 + i % 32] >> (i / 32 % 2 * 4) & 15) | (b->h[i % 32] >> (i / 32) & 1) << 4);
}

static inline void unpack_q6_k(uint8_t *u, float *scale, const struct q6_k_block *b)
{
	float d = f16_to_f32(b->d);

	for (int g = 0; g < 16; g++)
		scale[g] = d * (float)b->scale[g];
	for (int i = 0; i < 256; i++)
		u[i] = (uint8_t)((b->ql[i / 128 * 64 + i % 64] >> (i / 64 % 2 * 4) & 15) | (b->qh[i / 128 * 32 + i % 32] >> (i / 32 % 4 * 2) & 3) << 4);
}

static inline void unpack_iq4_xs(uint8_t *u, float *scale, const struct iq4_xs_block *b)
{
	float d = f16_to_f32(b->d);

	for (int g = 0; g < 8; g++)
		scale[g] = d * (float)(((b->scale_l[g / 2] >> (g % 2 * 4) & 15) | (b->scale_h >> 2 * g & 3) << 4) - 32);
	for (int i = 0; i < 256; i++)
		u[i] = (uint8_t)(iq4_values[b->q[i / 32 * 16 + i % 16] >> (i / 16 % 2 * 4) & 15] + 128);
}

FORMAT_WITH_MIN(q2_k, struct q2_k_block, 256, 16)
FORMAT_WITH_ZERO(q3_k, struct q3_k_block, 256, 16, 4)
FORMAT_WITH_MIN(q4_k, struct q4_k_block, 256, 32)
FORMAT_WITH_MIN(q5_k, struct q5_k_block, 256, 32)
FORMAT_WITH_ZERO(q6_k, struct q6_k_block, 256, 16, 32)
FORMAT_WITH_ZERO(iq4_xs, struct iq4_xs_block, 256, 32, 128)
