/* format_iq.c - formats of codebooks, IQ1, IQ2 and IQ3, from blocks to integers: 128 plus or minus the magnitude
 *
 * Where only seven signs are stored for eight numbers, the eighth makes the number of negative ones even. */
#include "ref/codebooks.h"
#include "ref/format.h"

static inline unsigned even_signs(unsigned seven)
{
	unsigned p = seven ^ seven >> 4;

	p ^= p >> 2;
	return seven | ((p ^ p >> 1) & 1) << 7;
}
/* Eight numbers of an IQ2 codebook, bit i of signs: number i is negative. */
static inline void eight(uint8_t *u, unsigned entry, unsigned signs)
{
	static const uint8_t magnitude[4] = { 8, 25, 43, 0 };

	for (int i = 0; i < 8; i++) {
		int m = magnitude[entry >> 2 * i & 3];
		u[i] = (uint8_t)(128 + (signs >> i & 1 ? -m : m));
	}
}
static inline void four(uint8_t *u, const uint8_t magnitude[8], unsigned entry, unsigned signs)
{
	for (int i = 0; i < 4; i++) {
		int m = magnitude[entry >> 3 * i & 7];
		u[i] = (uint8_t)(128 + (signs >> i & 1 ? -m : m));
	}
}
/* Eight numbers -1, 0 or 1, each with an eighth added or taken off: in eighths, 9 more. */
static inline void ternary(uint8_t *u, unsigned entry, unsigned less)
{
	for (int i = 0; i < 8; i++)
		u[i] = (uint8_t)(8 * (entry >> 2 * i & 3) + (less ? 0 : 2));
}

static inline void unpack_iq2_xxs(uint8_t *u, float *scale, const struct iq2_xxs_block *b)
{
	float d = f16_to_f32(b->d);

	for (int g = 0; g < 8; g++) {
		const uint16_t *q = b->q + 4 * g;
		uint32_t s = q[2] | (uint32_t)q[3] << 16;
		scale[g] = d * (0.5f + (float)(s >> 28)) * 0.25f;
		for (int i = 0; i < 4; i++)
			eight(u + 32 * g + 8 * i, iq2_xxs_grid[q[i / 2] >> i % 2 * 8 & 255], even_signs(s >> 7 * i & 127));
	}
}

static inline void unpack_iq2_xs(uint8_t *u, float *scale, const struct iq2_xs_block *b)
{
	float d = f16_to_f32(b->d);

	for (int g = 0; g < 16; g++)
		scale[g] = d * (0.5f + (float)(b->scale[g / 2] >> g % 2 * 4 & 15)) * 0.25f;
	for (int i = 0; i < 32; i++)
		eight(u + 8 * i, iq2_xs_grid[b->q[i] & 511], even_signs(b->q[i] >> 9));
}

static inline void unpack_iq2_s(uint8_t *u, float *scale, const struct iq2_s_block *b)
{
	float d = f16_to_f32(b->d);

	for (int g = 0; g < 16; g++)
		scale[g] = d * (0.5f + (float)(b->scale[g / 2] >> g % 2 * 4 & 15)) * 0.25f;
	for (int i = 0; i < 32; i++)
		eight(u + 8 * i, iq2_s_grid[b->q[i] | (b->h[i / 4] >> i % 4 * 2 & 3) << 8], b->sign[i]);
}

static inline void unpack_iq3_xxs(uint8_t *u, float *scale, const struct iq3_xxs_block *b)
{
	static const uint8_t magnitude[8] = { 4, 12, 20, 28, 36, 44, 52, 62 };
	float d = f16_to_f32(b->d);

	for (int g = 0; g < 8; g++) {
		const uint8_t *at = b->sign_scale + 4 * g;
		uint32_t s = at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
		scale[g] = d * (0.5f + (float)(s >> 28)) * 0.5f;
		for (int i = 0; i < 4; i++) {
			unsigned signs = even_signs(s >> 7 * i & 127);
			four(u + 32 * g + 8 * i, magnitude, iq3_xxs_grid[b->q[8 * g + 2 * i]], signs);
			four(u + 32 * g + 8 * i + 4, magnitude, iq3_xxs_grid[b->q[8 * g + 2 * i + 1]], signs >> 4);
		}
	}
}

static inline void unpack_iq3_s(uint8_t *u, float *scale, const struct iq3_s_block *b)
{
	static const uint8_t magnitude[8] = { 1, 3, 5, 7, 9, 11, 13, 15 };
	float d = f16_to_f32(b->d);

	for (int g = 0; g < 8; g++)
		scale[g] = d * (float)(1 + 2 * (b->scale[g / 2] >> g % 2 * 4 & 15));
	for (int i = 0; i < 64; i++)
		four(u + 4 * i, magnitude, iq3_s_grid[b->q[i] | (b->h[i / 8] >> i % 8 & 1) << 8], b->sign[i / 2] >> i % 2 * 4);
}

static inline void unpack_iq1_s(uint8_t *u, float *scale, const struct iq1_s_block *b)
{
	float d = f16_to_f32(b->d);

	for (int g = 0; g < 8; g++)
		scale[g] = d * (float)(2 * (b->h[g] >> 12 & 7) + 1) * 0.125f;
	for (int i = 0; i < 32; i++)
		ternary(u + 8 * i, iq1_grid[b->q[i] | (b->h[i / 4] >> i % 4 * 3 & 7) << 8], b->h[i / 4] >> 15);
}

static inline void unpack_iq1_m(uint8_t *u, float *scale, const struct iq1_m_block *b)
{
	unsigned s[4], half = 0;
	float d;

	for (int i = 0; i < 4; i++) {
		s[i] = b->scale[2 * i] | (unsigned)b->scale[2 * i + 1] << 8;
		half |= s[i] >> 12 << 4 * i;
	}
	d = f16_to_f32((uint16_t)half);
	for (int g = 0; g < 16; g++)
		scale[g] = d * (float)(2 * (s[g / 4] >> g % 4 * 3 & 7) + 1) * 0.125f;
	for (int i = 0; i < 32; i++) {
		unsigned h = b->h[i / 2] >> i % 2 * 4;
		ternary(u + 8 * i, iq1_grid[b->q[i] | (h & 7) << 8], h & 8);
	}
}

FORMAT_WITH_ZERO(iq1_s, struct iq1_s_block, 256, 32, 9)
FORMAT_WITH_ZERO(iq1_m, struct iq1_m_block, 256, 16, 9)
FORMAT_WITH_ZERO(iq2_xxs, struct iq2_xxs_block, 256, 32, 128)
FORMAT_WITH_ZERO(iq2_xs, struct iq2_xs_block, 256, 16, 128)
FORMAT_WITH_ZERO(iq2_s, struct iq2_s_block, 256, 16, 128)
FORMAT_WITH_ZERO(iq3_xxs, struct iq3_xxs_block, 256, 32, 128)
FORMAT_WITH_ZERO(iq3_s, struct iq3_s_block, 256, 32, 128)
