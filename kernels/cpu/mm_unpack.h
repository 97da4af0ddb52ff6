/* mm_unpack.h - rows of blocks as signed bytes, scales and minimums: w = scale[i / group] q[i] - min[i / group]
 *
 * For scalar, AVX2 and NEON: plain loops over neighbouring bytes, which compilers turn into vectors of whatever instruction set the function
 * that includes them has. The includer defines TARGET, T(name), HALF(h): a half as a float, and T(lookup)(u, table): sixteen nibbles
 * looked up where they are. Layouts: formats.h, ref/format_block.c and ref/format_k.c; formats that are not here go by kformat.integers. */

/* Sixteen bytes of two nibbles, less zero: the low ones first. */
TARGET ALWAYS_INLINE void T(nibbles)(int8_t *q, const uint8_t *b, const int zero)
{
	bytes16 v, low, high;

	memcpy(&v, b, 16);
	low = (v & 15) - (uint8_t)zero;
	high = (v >> 4) - (uint8_t)zero;
	memcpy(q, &low, 16);
	memcpy(q + 16, &high, 16);
}
/* The fifth bits of 32 numbers: eight copies of eight bits, byte j keeps bit j, carried to the top of its byte and moved down to 16;
 * then less zero. */
TARGET ALWAYS_INLINE void T(fifths)(int8_t *q, const uint8_t h[4], const int zero)
{
	union { uint64_t u[4]; bytes16 v[2]; } f;
	bytes16 v[2];

	for (int i = 0; i < 4; i++)
		f.u[i] = ((((h[i] * UINT64_C(0x0101010101010101)) & UINT64_C(0x8040201008040201)) + UINT64_C(0x7f7f7f7f7f7f7f7f)) & UINT64_C(0x8080808080808080)) >> 3;
	memcpy(v, q, 32);
	v[0] = (v[0] | f.v[0]) - (uint8_t)zero;
	v[1] = (v[1] | f.v[1]) - (uint8_t)zero;
	memcpy(q, v, 32);
}

/* One block of each format. Short ones are read where they lie: a load from a copy that was stored in pieces would wait for it. */
TARGET ALWAYS_INLINE void T(unpack_q4_0)(int8_t *q, float *scale, float *min, const unsigned char *b)
{
	(void)min;
	*scale = HALF(half_at(b));
	T(nibbles)(q, b + offsetof(struct q4_0_block, q), 8);
}
TARGET ALWAYS_INLINE void T(unpack_q4_1)(int8_t *q, float *scale, float *min, const unsigned char *b)
{
	*scale = HALF(half_at(b));
	*min = -HALF(half_at(b + offsetof(struct q4_1_block, m)));
	T(nibbles)(q, b + offsetof(struct q4_1_block, q), 0);
}
TARGET ALWAYS_INLINE void T(unpack_q5_0)(int8_t *q, float *scale, float *min, const unsigned char *b)
{
	(void)min;
	*scale = HALF(half_at(b));
	T(nibbles)(q, b + offsetof(struct q5_0_block, q), 0);
	T(fifths)(q, b + offsetof(struct q5_0_block, h), 16);
}
TARGET ALWAYS_INLINE void T(unpack_q5_1)(int8_t *q, float *scale, float *min, const unsigned char *b)
{
	*scale = HALF(half_at(b));
	*min = -HALF(half_at(b + offsetof(struct q5_1_block, m)));
	T(nibbles)(q, b + offsetof(struct q5_1_block, q), 0);
	T(fifths)(q, b + offsetof(struct q5_1_block, h), 0);
}
TARGET ALWAYS_INLINE void T(unpack_q8_0)(int8_t *q, float *scale, float *min, const unsigned char *b)
{
	(void)min;
	*scale = HALF(half_at(b));
	memcpy(q, b + offsetof(struct q8_0_block, q), 32);
}
TARGET ALWAYS_INLINE void T(unpack_iq4_nl)(int8_t *q, float *scale, float *min, const unsigned char *b)
{
	(void)min;
	*scale = HALF(half_at(b));
	T(nibbles)(q, b + offsetof(struct iq4_nl_block, q), 0);
	T(lookup)(q, iq4_values);
	T(lookup)(q + 16, iq4_values);
}
TARGET ALWAYS_INLINE void T(unpack_mxfp4)(int8_t *q, float *scale, float *min, const unsigned char *b)
{
	/* E2M1 (OCP Microscaling formats 1.0) doubled, and so half of 2^(e - 127) */
	static const int8_t values[16] = { 0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12 };
	const uint32_t bits = b[0] < 2 ? 0x200000u << b[0] : (uint32_t)(b[0] - 1) << 23;

	(void)min;
	memcpy(scale, &bits, 4);
	T(nibbles)(q, b + offsetof(struct mxfp4_block, q), 0);
	T(lookup)(q, values);
	T(lookup)(q + 16, values);
}
TARGET ALWAYS_INLINE void T(unpack_q2_k)(int8_t *q, float *scale, float *min, const struct q2_k_block *b)
{
	const float d = HALF(b->d), dmin = HALF(b->dmin);

	for (int g = 0; g < 16; g++) {
		scale[g] = d * (float)(b->scale[g] & 15);
		min[g] = dmin * (float)(b->scale[g] >> 4);
	}
	for (int k = 0; k < 8; k++)
		for (int i = 0; i < 32; i++)
			q[32 * k + i] = b->q[k / 4 * 32 + i] >> (k % 4 * 2) & 3;
}
TARGET ALWAYS_INLINE void T(unpack_q3_k)(int8_t *q, float *scale, float *min, const struct q3_k_block *b)
{
	const float d = HALF(b->d);

	(void)min;
	for (int g = 0; g < 16; g++) {
		int low = b->scale[g % 8] >> (g / 8 * 4) & 15, high = b->scale[8 + g % 4] >> (g / 4 * 2) & 3;
		scale[g] = d * (float)((low | high << 4) - 32);
	}
	for (int k = 0; k < 8; k++)
		for (int i = 0; i < 32; i++)
			q[32 * k + i] = (int8_t)(((b->q[k / 4 * 32 + i] >> (k % 4 * 2) & 3) | (b->h[i] >> k & 1) << 2) - 4);
}
TARGET ALWAYS_INLINE void T(unpack_q4_k)(int8_t *q, float *scale, float *min, const struct q4_k_block *b)
{
	k4_scales(scale, min, HALF(b->d), HALF(b->dmin), b->scale);
	for (int k = 0; k < 8; k++)
		for (int i = 0; i < 32; i++)
			q[32 * k + i] = b->q[k / 2 * 32 + i] >> (k % 2 * 4) & 15;
}
TARGET ALWAYS_INLINE void T(unpack_q5_k)(int8_t *q, float *scale, float *min, const struct q5_k_block *b)
{
	k4_scales(scale, min, HALF(b->d), HALF(b->dmin), b->scale);
	for (int k = 0; k < 8; k++)
		for (int i = 0; i < 32; i++)
			q[32 * k + i] = (int8_t)((b->q[k / 2 * 32 + i] >> (k % 2 * 4) & 15) | (b->h[i] >> k & 1) << 4);
}
TARGET ALWAYS_INLINE void T(unpack_q6_k)(int8_t *q, float *scale, float *min, const struct q6_k_block *b)
{
	const float d = HALF(b->d);

	(void)min;
	for (int g = 0; g < 16; g++)
		scale[g] = d * (float)b->scale[g];
	for (int k = 0; k < 8; k++)
		for (int i = 0; i < 32; i++)
			q[32 * k + i] = (int8_t)(((b->ql[k / 4 * 64 + k % 2 * 32 + i] >> (k % 4 / 2 * 4) & 15) | (b->qh[k / 4 * 32 + i] >> (k % 4 * 2) & 3) << 4) - 32);
}
TARGET ALWAYS_INLINE void T(unpack_iq4_xs)(int8_t *q, float *scale, float *min, const struct iq4_xs_block *b)
{
	const float d = HALF(b->d);

	(void)min;
	for (int g = 0; g < 8; g++) {
		scale[g] = d * (float)(((b->scale_l[g / 2] >> (g % 2 * 4) & 15) | (b->scale_h >> 2 * g & 3) << 4) - 32);
		T(nibbles)(q + 32 * g, b->q + 16 * g, 0);
		T(lookup)(q + 32 * g, iq4_values);
		T(lookup)(q + 32 * g + 16, iq4_values);
	}
}

#include "cpu/mm_iq.h"

/* The block is copied because it may lie at any address. */
#define SHORT_ROW(name) \
	for (uint64_t i = 0; i < n; i += 32, p += sizeof(struct name##_block)) \
		T(unpack_##name)(q + i, scale + i / 32, min + i / 32, p); \
	break
#define ROW(name, N, G) \
	for (uint64_t i = 0; i < n; i += (N), p += sizeof(struct name##_block)) { \
		struct name##_block b; \
		memcpy(&b, p, sizeof b); \
		T(unpack_##name)(q + i, scale + i / (G), min + i / (G), &b); \
	} \
	break
/* Bytes of codebooks less their zero point. */
#define BOOK_ROW(name, G, zero) \
	for (uint64_t i = 0; i < n; i += 256, p += sizeof(struct name##_block)) { \
		struct iq_block b; \
		T(take_##name)(&b, p); \
		memcpy(scale + i / (G), b.scale, 256 / (G) * sizeof *scale); \
		if (zero == 128) \
			T(iq_bytes)((uint8_t *)q + i, &b); \
		else \
			memcpy(q + i, b.word, 256); \
		for (int k = 0; k < 256; k++) \
			q[i + k] = (int8_t)((uint8_t)q[i + k] - (zero)); \
	} \
	break
TARGET static void T(unpack_row)(const struct kformat *f, int8_t *q, float *scale, float *min, const void *blocks, uint64_t n)
{
	const unsigned char *p = blocks;

	switch (f->id) {
	case KF_Q4_0: SHORT_ROW(q4_0);
	case KF_Q4_1: SHORT_ROW(q4_1);
	case KF_Q5_0: SHORT_ROW(q5_0);
	case KF_Q5_1: SHORT_ROW(q5_1);
	case KF_Q8_0: SHORT_ROW(q8_0);
	case KF_IQ4_NL: SHORT_ROW(iq4_nl);
	case KF_MXFP4: SHORT_ROW(mxfp4);
	case KF_Q2_K: ROW(q2_k, 256, 16);
	case KF_Q3_K: ROW(q3_k, 256, 16);
	case KF_Q4_K: ROW(q4_k, 256, 32);
	case KF_Q5_K: ROW(q5_k, 256, 32);
	case KF_Q6_K: ROW(q6_k, 256, 16);
	case KF_IQ4_XS: ROW(iq4_xs, 256, 32);
	case KF_IQ1_S: BOOK_ROW(iq1_s, 32, 9);
	case KF_IQ1_M: BOOK_ROW(iq1_m, 16, 9);
	case KF_IQ2_XXS: BOOK_ROW(iq2_xxs, 32, 128);
	case KF_IQ2_XS: BOOK_ROW(iq2_xs, 16, 128);
	case KF_IQ2_S: BOOK_ROW(iq2_s, 16, 128);
	case KF_IQ3_XXS: BOOK_ROW(iq3_xxs, 32, 128);
	case KF_IQ3_S: BOOK_ROW(iq3_s, 32, 128);
	default: {               /* min[] is scale[] times the zero point, and is not needed */
		const int zero = zero_point(f->id);
		f->integers((uint8_t *)q, scale, min, blocks, n);
		for (uint64_t i = 0; i < n; i++)
			q[i] = (int8_t)((uint8_t)q[i] - zero);
	}
	}
}
#undef ROW
#undef BOOK_ROW
#undef SHORT_ROW
