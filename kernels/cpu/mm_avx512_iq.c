/* mm_avx512_iq.c - rows of IQ1, IQ2 and IQ3 times one or a few tokens, and as bytes for panels
 *
 * Magnitudes are multiplied as they are; their signs are taken to the activations, under a mask of 64 bits. */
#include "cpu/mm_rows.h"
#include "cpu/mm_avx512.h"

#if defined(__x86_64__)
#define TARGET V512
#define T(name) v512_##name
#define HALF(h) _cvtsh_ss(h)
#include "cpu/mm_iq.h"

enum { AHEAD = 4096 };                   /* bytes */

/* 256 numbers in four vectors of 64: two groups of 32 or four of 16, whose sums keep to their lanes. */
V512_INLINE float row_of(void (*take)(struct iq_block *, const unsigned char *), int group, int signs, uint64_t bytes, const uint8_t *p, const struct mm512_row_input *in)
{
	const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	const int per_block = 256 / group;
	const __mmask16 k = (__mmask16)((1u << per_block) - 1);
	__m512 acc[4] = { _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps() }, away = _mm512_setzero_ps();

	for (uint64_t b = 0; b < in->n / 256; b++, p += bytes) {
		const __m512 d = _mm512_maskz_loadu_ps(k, in->scale + b * (uint64_t)per_block);
		struct iq_block v;

		take(&v, p);
		mm_fetch(p + AHEAD, (int)bytes);
		const __m512 s = _mm512_maskz_loadu_ps(k, v.scale), f = _mm512_mul_ps(s, d);
		if (!signs)
			away = _mm512_fmadd_ps(s, _mm512_maskz_loadu_ps(k, in->away + b * (uint64_t)per_block), away);
		UNROLL for (int i = 0; i < 4; i++) {
			__m512i x = _mm512_loadu_si512(in->q + 256 * b + 64 * (uint64_t)i);
			uint64_t m;

			if (signs) {
				memcpy(&m, v.sign + 2 * i, sizeof m);
				x = _mm512_mask_sub_epi8(x, m, _mm512_setzero_si512(), x);
			}
			const __m512i sum = _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_loadu_si512(v.word + 8 * i), x);
			const __m512i at = group == 32 ? _mm512_add_epi32(_mm512_srli_epi32(lane, 3), _mm512_set1_epi32(2 * i)) : _mm512_add_epi32(_mm512_srli_epi32(lane, 2), _mm512_set1_epi32(4 * i));

			acc[i] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), _mm512_permutexvar_ps(at, f), acc[i]);
		}
	}
	return _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(_mm512_add_ps(acc[0], acc[1]), _mm512_add_ps(acc[2], acc[3])), away));
}

/*     name,    format,     group, signs */
#define BOOKS(X) \
	X(iq1_s,   KF_IQ1_S,   32, 0) \
	X(iq1_m,   KF_IQ1_M,   16, 0) \
	X(iq2_xxs, KF_IQ2_XXS, 32, 1) \
	X(iq2_xs,  KF_IQ2_XS,  16, 1) \
	X(iq2_s,   KF_IQ2_S,   16, 1) \
	X(iq3_xxs, KF_IQ3_XXS, 32, 1) \
	X(iq3_s,   KF_IQ3_S,   32, 1)

#define ROW(name, id, group, signs) \
V512 static float name##_row(const uint8_t *p, const struct mm512_row_input *in) { return row_of(v512_take_##name, group, signs, sizeof(struct name##_block), p, in); } \
V512 static void name##_bytes(uint8_t *u, float *scale, float *min, const void *blocks, uint64_t n) \
{ \
	const unsigned char *p = blocks; \
\
	for (; n >= 256; n -= 256, p += sizeof(struct name##_block), u += 256, scale += 256 / group, min += 256 / group) { \
		struct iq_block b; \
		v512_take_##name(&b, p); \
		if (signs) \
			v512_iq_bytes(u, &b); \
		else \
			memcpy(u, b.word, 256); \
		for (int g = 0; g < 256 / group; g++) { \
			scale[g] = b.scale[g]; \
			min[g] = b.scale[g] * (signs ? 128 : 9); \
		} \
	} \
}
BOOKS(ROW)

static const struct book { uint32_t format; mm512_row *row; mm512_integers *integers; } books[] = {
#define ENTRY(name, id, group, signs) { id, name##_row, name##_bytes },
	BOOKS(ENTRY)
};
static const struct book *book_find(uint32_t format)
{
	for (size_t i = 0; i < sizeof books / sizeof *books; i++)
		if (books[i].format == format)
			return books + i;
	return NULL;
}
mm512_row *mm512_book_row(uint32_t format)
{
	const struct book *b = book_find(format);

	return b ? b->row : NULL;
}
mm512_integers *mm512_book_integers(uint32_t format)
{
	const struct book *b = book_find(format);

	return b ? b->integers : NULL;
}
#endif
