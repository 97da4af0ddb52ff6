/* mm_unpack.h - rows of blocks as signed bytes, scales and minimums: w = scale[i / group] q[i] - min[i / group]
 *
 * For scalar, AVX2 and NEON: plain loops over neighbouring bytes, which compilers turn into vectors of whatever instruction set the function
 * that includes them has. The includer defines TARGET, T(name), HALF(h): a half as a float, and T(lookup)(u, table): sixteen nibbles
 * looked up where they are. Layouts: formats.h, ref/format_block.c and ref/format_k.c; formats that are not here go by kformat.integers. */

/* Sixteen bytes of two nibbles: the low ones first. */
TARGET ALWAYS_INLINE void T(nibbles)(int8_t *q, const uint8_t *b)
{
	for (int i = 0; i < 16; i++)
		q[i] = b[i] & 15;
	for (int i = 0; i < 16; i++)
		q[16 + i] = (int8_t)(b[i] >> 4);
}
TARGET ALWAYS_INLINE void T(less)(int8_t *q, const int n, const int zero)
{
	for (int i = 0; i < n; i++)
		q[i] = (int8_t)(q[i] - zero);
}
/* The fifth bits of 32 numbers: eight copies of eight bits, byte j keeps bit j, carried to the top of its byte and moved down to 16. */
TARGET ALWAYS_INLINE void T(fifths)(int8_t *q, const uint8_t h[4])
{
	for (int i = 0; i < 4; i++) {
		uint64_t v = (h[i] * UINT64_C(0x0101010101010101)) & UINT64_C(0x8040201008040201), u;

		v = ((v + UINT64_C(0x7f7f7f7f7f7f7f7f)) & UINT64_C(0x8080808080808080)) >> 3;
		memcpy(&u, q + 8 * i, 8);
		u |= v;
		memcpy(q + 8 * i, &u, 8);
	}
}

/* One block of each format. */
TARGET ALWAYS_INLINE void T(unpack_q4_0)(int8_t *q, float *scale, float *min, const struct q4_0_block *b)
{
	(void)min;
	*scale = HALF(b->d);
	T(nibbles)(q, b->q);
	T(less)(q, 32, 8);
}
TARGET ALWAYS_INLINE void T(unpack_q4_1)(int8_t *q, float *scale, float *min, const struct q4_1_block *b)
{
	*scale = HALF(b->d);
	*min = -HALF(b->m);
	T(nibbles)(q, b->q);
}
TARGET ALWAYS_INLINE void T(unpack_q5_0)(int8_t *q, float *scale, float *min, const struct q5_0_block *b)
{
	(void)min;
	*scale = HALF(b->d);
	T(nibbles)(q, b->q);
	T(fifths)(q, b->h);
	T(less)(q, 32, 16);
}
TARGET ALWAYS_INLINE void T(unpack_q5_1)(int8_t *q, float *scale, float *min, const struct q5_1_block *b)
{
	*scale = HALF(b->d);
	*min = -HALF(b->m);
	T(nibbles)(q, b->q);
	T(fifths)(q, b->h);
}
TARGET ALWAYS_INLINE void T(unpack_q8_0)(int8_t *q, float *scale, float *min, const struct q8_0_block *b)
{
	(void)min;
	*scale = HALF(b->d);
	memcpy(q, b->q, 32);
}
TARGET ALWAYS_INLINE void T(unpack_iq4_nl)(int8_t *q, float *scale, float *min, const struct iq4_nl_block *b)
{
	(void)min;
	*scale = HALF(b->d);
	T(nibbles)(q, b->q);
	T(lookup)(q, iq4_values);
	T(lookup)(q + 16, iq4_values);
}
TARGET ALWAYS_INLINE void T(unpack_mxfp4)(int8_t *q, float *scale, float *min, const struct mxfp4_block *b)
{
	/* E2M1 (OCP Microscaling formats 1.0) doubled, and so half of 2^(e - 127) */
	static const int8_t values[16] = { 0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12 };
	const uint32_t bits = b->e < 2 ? 0x200000u << b->e : (uint32_t)(b->e - 1) << 23;

	(void)min;
	memcpy(scale, &bits, 4);
	T(nibbles)(q, b->q);
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
		T(nibbles)(q + 32 * g, b->q + 16 * g);
		T(lookup)(q + 32 * g, iq4_values);
		T(lookup)(q + 32 * g + 16, iq4_values);
	}
}

/* The block is copied because it may lie at any address. */
#define ROW(name, N, G) \
	for (uint64_t i = 0; i < n; i += (N), p += sizeof(struct name##_block)) { \
		struct name##_block b; \
		memcpy(&b, p, sizeof b); \
		T(unpack_##name)(q + i, scale + i / (G), min + i / (G), &b); \
	} \
	break
TARGET static void T(unpack_row)(const struct kformat *f, int8_t *q, float *scale, float *min, const void *blocks, uint64_t n)
{
	const unsigned char *p = blocks;

	switch (f->id) {
	case KF_Q4_0: ROW(q4_0, 32, 32);
	case KF_Q4_1: ROW(q4_1, 32, 32);
	case KF_Q5_0: ROW(q5_0, 32, 32);
	case KF_Q5_1: ROW(q5_1, 32, 32);
	case KF_Q8_0: ROW(q8_0, 32, 32);
	case KF_IQ4_NL: ROW(iq4_nl, 32, 32);
	case KF_MXFP4: ROW(mxfp4, 32, 32);
	case KF_Q2_K: ROW(q2_k, 256, 16);
	case KF_Q3_K: ROW(q3_k, 256, 16);
	case KF_Q4_K: ROW(q4_k, 256, 32);
	case KF_Q5_K: ROW(q5_k, 256, 32);
	case KF_Q6_K: ROW(q6_k, 256, 16);
	case KF_IQ4_XS: ROW(iq4_xs, 256, 32);
	default: {               /* min[] is scale[] times the zero point, and is not needed */
		const int zero = zero_point(f->id);
		f->integers((uint8_t *)q, scale, min, blocks, n);
		for (uint64_t i = 0; i < n; i++)
			q[i] = (int8_t)((uint8_t)q[i] - zero);
	}
	}
}
#undef ROW
