/* mm_avx2_sums.h - eight sums of a product with AVX2: added up, or written where they belong */
#ifndef MM_AVX2_SUMS_H
#define MM_AVX2_SUMS_H

#include "cpu/mm_rows.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,fma,f16c")))
#define AVX2_INLINE AVX2 ALWAYS_INLINE

AVX2_INLINE float mm2_across(__m256 v)
{
	__m128 h = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));

	h = _mm_add_ps(h, _mm_movehl_ps(h, h));
	return _mm_cvtss_f32(_mm_add_ss(h, _mm_movehdup_ps(h)));
}

/* The first `rows` of eight; bias: of the first of them, NULL: none; keep: out is added to. */
AVX2_INLINE void mm2_out8(float *out, int keep, const float *bias, unsigned rows, __m256 v)
{
	float some[8];

	if (rows >= 8) {
		if (bias)
			v = _mm256_add_ps(v, _mm256_loadu_ps(bias));
		_mm256_storeu_ps(out, keep ? _mm256_add_ps(_mm256_loadu_ps(out), v) : v);
		return;
	}
	_mm256_storeu_ps(some, v);
	for (unsigned r = 0; r < rows; r++) {
		const float sum = some[r] + (bias ? bias[r] : 0);
		out[r] = keep ? out[r] + sum : sum;
	}
}
#endif

#endif
