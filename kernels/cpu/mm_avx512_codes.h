/* mm_avx512_codes.h - the codes of one group of 32 of a native block
 *
 * Loads stay within the block: a row may end where its mapping does. */
#ifndef MM_AVX512_CODES_H
#define MM_AVX512_CODES_H

#include "cpu/mm_avx512.h"

#include <string.h>

#if defined(__x86_64__)
V512_INLINE __m256i mm_load32(const uint8_t *p) { return _mm256_loadu_si256((const void *)p); }
V512_INLINE __m256i mm_low32(__m256i v, int bits) { return _mm256_and_si256(v, _mm256_set1_epi8((char)((1 << bits) - 1))); }
V512_INLINE __m256i mm_bits32(__m256i v, int shift, int bits) { return mm_low32(_mm256_srli_epi16(v, (unsigned)shift), bits); }
V512_INLINE __m256i mm_above32(__m256i v, __m256i high, int shift) { return _mm256_or_si256(v, _mm256_slli_epi16(high, (unsigned)shift)); }
/* 16 bytes: the low nibbles come first */
V512_INLINE __m256i mm_nibbles32(const uint8_t *q)
{
	__m128i v = _mm_loadu_si128((const void *)q);

	return mm_low32(_mm256_inserti128_si256(_mm256_castsi128_si256(v), _mm_srli_epi16(v, 4), 1), 4);
}
/* value where the bit of the element is set */
V512_INLINE __m256i mm_where_bits(const uint8_t *h, int value)
{
	uint32_t bits;

	memcpy(&bits, h, 4);
	return _mm256_maskz_set1_epi8(bits, (char)value);
}

/* g: the group within its block; a constant once loops are unrolled, or none pays for the shifts */
V512_INLINE __m256i mm_group_codes(uint32_t format, const uint8_t *p, int g)
{
	switch (format) {
	case KF_Q4_0:
	case KF_IQ4_NL:
		return mm_nibbles32(p + 2);
	case KF_Q4_1:
		return mm_nibbles32(p + 4);
	case KF_MXFP4:
		return mm_nibbles32(p + 1);
	case KF_Q5_0:
		return _mm256_or_si256(mm_nibbles32(p + 6), mm_where_bits(p + 2, 16));
	case KF_Q5_1:
		return _mm256_or_si256(mm_nibbles32(p + 8), mm_where_bits(p + 4, 16));
	case KF_Q8_0:
		return _mm256_xor_si256(mm_load32(p + 2), _mm256_set1_epi8((char)0x80));
	case KF_IQ4_XS:
		return mm_nibbles32(p + 8 + 16 * g);
	case KF_NVFP4: {                         /* 8 bytes for 16 elements */
		__m128i v = _mm_loadu_si128((const void *)(p + 4 + 16 * g)), h = _mm_srli_epi16(v, 4);

		return mm_low32(_mm256_inserti128_si256(_mm256_castsi128_si256(_mm_unpacklo_epi64(v, h)), _mm_unpackhi_epi64(v, h), 1), 4);
	}
	case KF_Q4_K:
		return mm_bits32(mm_load32(p + 16 + 32 * (g / 2)), g % 2 * 4, 4);
	case KF_Q5_K:
		return mm_above32(mm_bits32(mm_load32(p + 48 + 32 * (g / 2)), g % 2 * 4, 4), mm_bits32(mm_load32(p + 16), g, 1), 4);
	case KF_Q6_K:                            /* halves of 128: 64 bytes of nibbles, low ones first; 32 bytes of high pairs */
		return mm_above32(mm_bits32(mm_load32(p + 64 * (g / 4) + 32 * (g % 2)), g % 4 / 2 * 4, 4),
			mm_bits32(mm_load32(p + 128 + 32 * (g / 4)), g % 4 * 2, 2), 4);
	case KF_Q2_K:
		return mm_bits32(mm_load32(p + 16 + 32 * (g / 4)), g % 4 * 2, 2);
	case KF_Q3_K:
		return mm_above32(mm_bits32(mm_load32(p + 32 + 32 * (g / 4)), g % 4 * 2, 2), mm_bits32(mm_load32(p), g, 1), 2);
	}
	return _mm256_setzero_si256();
}
#endif
#endif
