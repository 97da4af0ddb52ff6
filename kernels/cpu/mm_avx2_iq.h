/* mm_avx2_iq.h - rows of IQ1, IQ2 and IQ3 times a few tokens: magnitudes as they are, their signs taken to the activations */

/* 256 numbers; x, d and sums: of this block's part of the token */
TARGET ALWAYS_INLINE float T(book_block)(__m256 acc[2], const struct iq_block *b, const int8_t *x, const float *d, const float *sums, const unsigned group, const int signs)
{
	const __m256i copies = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
	const __m256i bit = _mm256_set1_epi64x((long long)UINT64_C(0x8040201008040201));
	float away = 0;

	UNROLL for (unsigned g = 0; g < 8; g++) {
		__m256i v = T(load)(x + 32 * g);
		__m256 f;

		if (signs) {
			const __m256i own = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32((int)b->sign[g]), copies), bit), less = _mm256_cmpeq_epi8(own, bit);

			v = _mm256_sub_epi8(_mm256_xor_si256(v, less), less);
		}
		if (group == 32)
			f = _mm256_set1_ps(b->scale[g] * d[g]);
		else
			f = _mm256_set_m128(_mm_set1_ps(b->scale[2 * g + 1] * d[g]), _mm_set1_ps(b->scale[2 * g] * d[g]));
		acc[g % 2] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(T(dot_codes)(T(load)(b->word + 4 * g), v)), f, acc[g % 2]);
	}
	for (unsigned g = 0; !signs && g < 256 / group; g++)
		away += b->scale[g] * sums[g];
	return away;
}

/* The zero of IQ1 is 9. */
#define BOOK(name, group, signs) \
TARGET static void T(few_##name)(const struct matmul_args *a) \
{ \
	const uint64_t n = a->w->n, bytes = n / 256 * sizeof(struct name##_block); \
\
	for (uint64_t row = a->row0; row < a->row1; row++) \
		for (uint32_t t = 0; t < a->tokens; t++) { \
			const struct q8_row x = q8_row_at((const char *)a->in + t * a->in_stride, n); \
			const unsigned char *p = (const unsigned char *)a->w->data + row * bytes; \
			__m256 acc[2] = { _mm256_setzero_ps(), _mm256_setzero_ps() }; \
			float away = 0; \
			for (uint64_t i = 0; i < n / 256; i++, p += sizeof(struct name##_block)) { \
				struct iq_block b; \
				T(take_##name)(&b, p); \
				away += T(book_block)(acc, &b, x.q + 256 * i, x.d + 8 * i, (group == 32 ? x.sum32 : x.sum16) + 256 / group * i, group, signs); \
			} \
			put(a, t, row, mm2_across(_mm256_add_ps(acc[0], acc[1])) - 9 * away); \
		} \
}
BOOK(iq1_s, 32, 0)
BOOK(iq1_m, 16, 0)
BOOK(iq2_xxs, 32, 1)
BOOK(iq2_xs, 16, 1)
BOOK(iq2_s, 16, 1)
BOOK(iq3_xxs, 32, 1)
BOOK(iq3_s, 32, 1)
#undef BOOK

/* 0: it is another format. */
static int T(run_book)(const struct matmul_args *a)
{
	switch (a->w->format) {
	case KF_IQ1_S: T(few_iq1_s)(a); return 1;
	case KF_IQ1_M: T(few_iq1_m)(a); return 1;
	case KF_IQ2_XXS: T(few_iq2_xxs)(a); return 1;
	case KF_IQ2_XS: T(few_iq2_xs)(a); return 1;
	case KF_IQ2_S: T(few_iq2_s)(a); return 1;
	case KF_IQ3_XXS: T(few_iq3_xxs)(a); return 1;
	case KF_IQ3_S: T(few_iq3_s)(a); return 1;
	default: return 0;
	}
}
