/* mm_avx512_scales.h - scales (and mins) of one block of a packed panel, as floats of 16 rows a group */
#ifndef MM_AVX512_SCALES_H
#define MM_AVX512_SCALES_H

#include "cpu/mm_avx512.h"

#if defined(__x86_64__)
V512_INLINE __m128i mm_bytes16(const void *p) { return _mm_loadu_si128(p); }
V512_INLINE __m512 mm_halves16(const void *p) { return _mm512_cvtph_ps(_mm256_loadu_si256(p)); }
V512_INLINE __m512 mm_unsigned16(__m128i v) { return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(v)); }
V512_INLINE __m512 mm_signed16(__m128i v) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(v)); }
V512_INLINE __m128i mm_low(__m128i v, int bits) { return _mm_and_si128(v, _mm_set1_epi8((char)((1 << bits) - 1))); }
V512_INLINE __m128i mm_bits(__m128i v, int shift, int bits) { return mm_low(_mm_srli_epi16(v, shift), bits); }
V512_INLINE __m128i mm_above(__m128i low, __m128i high, int shift) { return _mm_or_si128(low, _mm_slli_epi16(high, shift)); }

/* E8M0, half of 2^(e - 127): the table's numbers are doubled. The lowest two are subnormal floats. */
V512_INLINE __m512 mm_e8m0_half(__m128i v)
{
	__m512i e = _mm512_cvtepu8_epi32(v);
	__m512i small = _mm512_sllv_epi32(_mm512_set1_epi32(0x00200000), e);

	return _mm512_castsi512_ps(_mm512_mask_mov_epi32(_mm512_slli_epi32(_mm512_sub_epi32(e, _mm512_set1_epi32(1)), 23),
		_mm512_cmplt_epi32_mask(e, _mm512_set1_epi32(2)), small));
}

/* UE4M3, half of it: the table's numbers are doubled. Its bits in a half's are 2^-8 of it, and halves below the least normal one cost no more than
 * others (such floats do). The sign is ignored; 127 counts as 0 (ggml-impl.h, ggml_ue4m3_to_fp32). */
V512_INLINE __m512 mm_ue4m3_half(__m128i v)
{
	const __m256i e = _mm256_cvtepu8_epi16(v), bits = _mm256_slli_epi16(_mm256_and_si256(e, _mm256_set1_epi16(127)), 7);

	return _mm512_maskz_mul_ps(_mm256_cmpneq_epi16_mask(e, _mm256_set1_epi16(127)), _mm512_cvtph_ps(bits), _mm512_set1_ps(0x1p7f));
}

/* s, m: [groups of the block][16]; m only where the format has mins. p: the block's fields, each interleaved by row, in the block's order. */
V512_INLINE void mm_block_scales(int kind, __m512 *s, __m512 *m, const uint8_t *p)
{
	switch (kind) {
	case SCALES_F16:
		s[0] = mm_halves16(p);
		break;
	case SCALES_F16_MIN:
		s[0] = mm_halves16(p);
		m[0] = _mm512_sub_ps(_mm512_setzero_ps(), mm_halves16(p + 32));
		break;
	case SCALES_E8M0:
		s[0] = mm_e8m0_half(mm_bytes16(p));
		break;
	case SCALES_NV4:
		for (int g = 0; g < 4; g++)
			s[g] = mm_ue4m3_half(mm_bytes16(p + 16 * g));
		break;
	case SCALES_K4: {                        /* d, dmin, 12 bytes of 6 bits (ggml-quants.c, get_scale_min_k4) */
		const __m512 d = mm_halves16(p), dmin = mm_halves16(p + 32);
		const uint8_t *q = p + 64;

		for (int g = 0; g < 4; g++) {
			__m128i a = mm_bytes16(q + 16 * g), b = mm_bytes16(q + 16 * (g + 4)), c = mm_bytes16(q + 16 * (g + 8));

			s[g] = _mm512_mul_ps(d, mm_unsigned16(mm_low(a, 6)));
			m[g] = _mm512_mul_ps(dmin, mm_unsigned16(mm_low(b, 6)));
			s[g + 4] = _mm512_mul_ps(d, mm_unsigned16(mm_above(mm_low(c, 4), mm_bits(a, 6, 2), 4)));
			m[g + 4] = _mm512_mul_ps(dmin, mm_unsigned16(mm_above(mm_bits(c, 4, 4), mm_bits(b, 6, 2), 4)));
		}
		break;
	}
	case SCALES_XS: {                        /* d, 8 times 2 high bits in a word, 8 nibbles; less 32 */
		const __m512 d = mm_halves16(p);
		const __m512i high = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)(p + 32)));

		for (int g = 0; g < 8; g++) {
			__m512i low = _mm512_cvtepu8_epi32(mm_bits(mm_bytes16(p + 64 + 16 * (g / 2)), g % 2 * 4, 4));
			__m512i two = _mm512_and_si512(_mm512_srli_epi32(high, (unsigned)(2 * g)), _mm512_set1_epi32(3));

			s[g] = _mm512_mul_ps(d, _mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_or_si512(low, _mm512_slli_epi32(two, 4)), _mm512_set1_epi32(32))));
		}
		break;
	}
	case SCALES_Q6: {
		const __m512 d = mm_halves16(p + 256);

		for (int g = 0; g < 16; g++)
			s[g] = _mm512_mul_ps(d, mm_signed16(mm_bytes16(p + 16 * g)));
		break;
	}
	case SCALES_Q3: {                        /* 8 bytes of nibbles, low ones first; 4 of high pairs; less 32 */
		const __m512 d = mm_halves16(p + 192);

		for (int g = 0; g < 16; g++) {
			__m128i low = mm_bits(mm_bytes16(p + 16 * (g % 8)), g / 8 * 4, 4), high = mm_bits(mm_bytes16(p + 16 * (8 + g % 4)), g / 4 * 2, 2);

			s[g] = _mm512_mul_ps(d, mm_signed16(_mm_sub_epi8(mm_above(low, high, 4), _mm_set1_epi8(32))));
		}
		break;
	}
	case SCALES_Q2: {
		const __m512 d = mm_halves16(p + 256), dmin = mm_halves16(p + 288);

		for (int g = 0; g < 16; g++) {
			s[g] = _mm512_mul_ps(d, mm_unsigned16(mm_low(mm_bytes16(p + 16 * g), 4)));
			m[g] = _mm512_mul_ps(dmin, mm_unsigned16(mm_bits(mm_bytes16(p + 16 * g), 4, 4)));
		}
		break;
	}
	}
}
#endif
#endif
