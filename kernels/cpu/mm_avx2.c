/* mm_avx2.c - the product with AVX2, FMA and F16C
 *
 * maddubs adds two products of an unsigned and a signed byte in 16 bits, saturated: codes below 16 leave room for eight such sums (8 * 2 * 15 *
 * 127), below 32 for four, below 64 for two. Eight-bit codes are taken apart into nibbles, whose sums are put together by madd. */
#if defined(__x86_64__)
#define T(name) avx2_##name
#define TARGET __attribute__((target("avx2,fma,f16c")))

#include "cpu/mm_rows.h"

#include <stddef.h>
#include <immintrin.h>

/* |w| times x with w's sign: 2 * 128 * 127 at most */
TARGET ALWAYS_INLINE __m256i avx2_dot_signed(__m256i w, __m256i x)
{
	return _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_sign_epi8(w, w), _mm256_sign_epi8(x, w)), _mm256_set1_epi16(1));
}
TARGET ALWAYS_INLINE __m256i avx2_dot_codes(__m256i u, __m256i x) { return _mm256_madd_epi16(_mm256_maddubs_epi16(u, x), _mm256_set1_epi16(1)); }

/* Compilers make a tree of a chain of sums, whose leaves then wait in memory: four times the time. */
TARGET ALWAYS_INLINE __m256i avx2_settled(__m256i v)
{
	__asm__("" : "+x"(v));
	return v;
}

TARGET ALWAYS_INLINE void avx2_sums(__m256i sum[2][4], const uint8_t *w, const int8_t *const *x, uint64_t at, const unsigned steps, const unsigned run, const int wide)
{
	const __m256i ones = _mm256_set1_epi16(1), sixteens = _mm256_set1_epi16(16);

	UNROLL for (unsigned first = 0; first < steps; first += run) {
		__m256i s[2][4];
		UNROLL for (unsigned k = 0; k < run; k++) {
			const __m256i *v = (const __m256i *)(const void *)(w + 64 * (first + k));
			const __m256i a = _mm256_load_si256(v), b = _mm256_load_si256(v + 1);
			UNROLL for (unsigned t = 0; t < 4; t++) {
				int32_t four;
				memcpy(&four, x[t] + at + 4 * (first + k), 4);
				const __m256i y = _mm256_set1_epi32(four), p = _mm256_maddubs_epi16(a, y), q = _mm256_maddubs_epi16(b, y);
				s[0][t] = k ? avx2_settled(_mm256_add_epi16(s[0][t], p)) : p;
				s[1][t] = k ? avx2_settled(_mm256_add_epi16(s[1][t], q)) : q;
			}
		}
		UNROLL for (unsigned t = 0; t < 4; t++) {
			__m256i p = _mm256_madd_epi16(s[0][t], ones), q = _mm256_madd_epi16(s[1][t], wide ? sixteens : ones);
			if (wide)
				p = _mm256_add_epi32(p, q);
			sum[0][t] = first ? _mm256_add_epi32(sum[0][t], p) : p;
			if (!wide)
				sum[1][t] = first ? _mm256_add_epi32(sum[1][t], q) : q;
		}
	}
}

struct tile_args;
typedef void tile_fn(const struct tile_args *p);
struct kformat;
static tile_fn *avx2_tile_of(const struct kformat *f);
static int avx2_is_wide(uint32_t format)
{
	switch (format) {
	case KF_Q4_0: case KF_Q4_1: case KF_Q4_K: case KF_Q5_0: case KF_Q5_1: case KF_Q5_K: case KF_MXFP4:
	case KF_Q2_K: case KF_Q3_K: case KF_NVFP4: case KF_IQ1_S: case KF_IQ1_M: case KF_Q6_K: return 0;
	default: return 1;
	}
}
#include "cpu/mm_avx2.h"

#define TILE_FN(name, group, run, wide) TARGET static void avx2_##name(const struct tile_args *p) { avx2_tile(p, group, run, wide); }
TILE_FN(below_16, 32, 8, 0)
TILE_FN(below_32, 32, 4, 0)
TILE_FN(below_32_halves, 16, 4, 0)
TILE_FN(below_64_halves, 16, 2, 0)
TILE_FN(bytes, 32, 8, 1)
TILE_FN(bytes_halves, 16, 4, 1)

static tile_fn *avx2_tile_of(const struct kformat *f)
{
	if (avx2_is_wide(f->id))
		return f->group == 32 ? avx2_bytes : avx2_bytes_halves;
	if (f->id == KF_Q6_K)
		return avx2_below_64_halves;
	if (f->group == 16)
		return avx2_below_32_halves;
	return f->id == KF_Q4_0 || f->id == KF_Q4_1 || f->id == KF_Q4_K ? avx2_below_16 : avx2_below_32;
}

extern const struct matmul matmul_avx2;
const struct matmul matmul_avx2 = { "avx2", isa_avx2, rows_knows, rows_input, rows_input_bytes, avx2_prepare, rows_packed_bytes, rows_pack,
	avx2_scratch_bytes, avx2_run, NULL };
#endif
