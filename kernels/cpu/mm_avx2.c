/* mm_avx2.c - the product with AVX2, FMA and F16C
 *
 * maddubs wants one side unsigned: |w| times x with w's sign. Its sums of two stay below 2 * 128 * 127 and so do not saturate. */
#if defined(__x86_64__)
#define T(name) avx2_##name
#define TARGET __attribute__((target("avx2,fma,f16c")))
#define XOR 0
#define START 0

#include <stddef.h>
#include <immintrin.h>

TARGET static inline __attribute__((always_inline)) __m256i avx2_dot_signed(__m256i w, __m256i x)
{
	return _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_sign_epi8(w, w), _mm256_sign_epi8(x, w)), _mm256_set1_epi16(1));
}
TARGET static inline __attribute__((always_inline)) __m256i avx2_dot4(__m256i sum, __m256i w, __m256i x)
{
	return _mm256_add_epi32(sum, avx2_dot_signed(w, x));
}
#include "cpu/mm_avx2.h"

extern const struct matmul matmul_avx2;
const struct matmul matmul_avx2 = { "avx2", isa_avx2, rows_knows, rows_input, rows_input_bytes, avx2_prepare, rows_packed_bytes, rows_pack,
	avx2_scratch_bytes, avx2_run, NULL };
#endif
