/* mm_avx2_vnni.c - the product with AVX2 and AVX-VNNI: vpdpbusd multiplies unsigned codes with signed activations, exact in 32 bits */
#if defined(__x86_64__)
#define T(name) avx2_vnni_##name
#define TARGET __attribute__((target("avxvnni,avx2,fma,f16c")))

#include "cpu/mm_rows.h"

#include <stddef.h>
#include <immintrin.h>

TARGET ALWAYS_INLINE __m256i avx2_vnni_dot_codes(__m256i u, __m256i x) { return _mm256_dpbusd_avx_epi32(_mm256_setzero_si256(), u, x); }
TARGET ALWAYS_INLINE __m256i avx2_vnni_dot_signed(__m256i w, __m256i x) { return avx2_vnni_dot_codes(_mm256_sign_epi8(w, w), _mm256_sign_epi8(x, w)); }

TARGET ALWAYS_INLINE void avx2_vnni_sums(__m256i sum[2][4], const uint8_t *w, const int8_t *const *x, uint64_t at, const unsigned steps, const unsigned run, const int wide)
{
	(void)run, (void)wide;
	UNROLL for (unsigned k = 0; k < steps; k++) {
		const __m256i *v = (const __m256i *)(const void *)(w + 64 * k);
		const __m256i a = _mm256_load_si256(v), b = _mm256_load_si256(v + 1);
		UNROLL for (unsigned t = 0; t < 4; t++) {
			int32_t four;
			memcpy(&four, x[t] + at + 4 * k, 4);
			const __m256i y = _mm256_set1_epi32(four);
			sum[0][t] = _mm256_dpbusd_avx_epi32(k ? sum[0][t] : _mm256_setzero_si256(), a, y);
			sum[1][t] = _mm256_dpbusd_avx_epi32(k ? sum[1][t] : _mm256_setzero_si256(), b, y);
		}
	}
}

struct tile_args;
typedef void tile_fn(const struct tile_args *p);
static tile_fn *avx2_vnni_tile_of(const struct kformat *f);
static int avx2_vnni_is_wide(uint32_t format) { (void)format; return 0; }
#include "cpu/mm_avx2.h"

TARGET static void avx2_vnni_groups(const struct tile_args *p) { avx2_vnni_tile(p, 32, 8, 0); }
TARGET static void avx2_vnni_halves(const struct tile_args *p) { avx2_vnni_tile(p, 16, 8, 0); }
static tile_fn *avx2_vnni_tile_of(const struct kformat *f) { return f->group == 32 ? avx2_vnni_groups : avx2_vnni_halves; }

extern const struct matmul matmul_avx2_vnni;
const struct matmul matmul_avx2_vnni = { "avx2-vnni", isa_avx_vnni, rows_knows, rows_input, rows_input_bytes, avx2_vnni_prepare, rows_packed_bytes, rows_pack,
	avx2_vnni_scratch_bytes, avx2_vnni_run, NULL };
#endif
