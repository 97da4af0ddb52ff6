/* mm_avx2_vnni.c - the product with AVX2 and AVX-VNNI
 *
 * vpdpbusd takes one side unsigned: the activations, kept with 128 added; sums begin with what that adds, -128 times the weights' sum. */
#if defined(__x86_64__)
#define T(name) avx2_vnni_##name
#define TARGET __attribute__((target("avxvnni,avx2,fma,f16c")))
#define XOR 0x80
#define START 1

#include <stddef.h>
#include <immintrin.h>

TARGET static inline __attribute__((always_inline)) __m256i avx2_vnni_dot_signed(__m256i w, __m256i x)
{
	const __m256i less = _mm256_dpbusd_avx_epi32(_mm256_setzero_si256(), _mm256_set1_epi8(-128), w);

	return _mm256_sub_epi32(_mm256_dpbusd_avx_epi32(_mm256_setzero_si256(), x, w), less);
}
TARGET static inline __attribute__((always_inline)) __m256i avx2_vnni_dot4(__m256i sum, __m256i w, __m256i x) { return _mm256_dpbusd_avx_epi32(sum, x, w); }
#include "cpu/mm_avx2.h"

extern const struct matmul matmul_avx2_vnni;
const struct matmul matmul_avx2_vnni = { "avx2-vnni", isa_avx_vnni, rows_knows, rows_input, rows_input_bytes, avx2_vnni_prepare, rows_packed_bytes, rows_pack,
	avx2_vnni_scratch_bytes, avx2_vnni_run, NULL };
#endif
