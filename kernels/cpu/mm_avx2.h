/* mm_avx2.h - what mm_avx2.c and mm_avx2_vnni.c share; TARGET, T(name), XOR, START and T(dot4)(sum, w, x) are theirs: adds the products of four
 * bytes to each of eight sums, x as it lies in memory, w signed
 *
 * A panel is eight rows: a vector holds four inputs of each. */
#include "cpu/isa.h"
#include "cpu/mm_rows.h"

#include <immintrin.h>

#define HALF(h) _cvtsh_ss(h)
#define LANES 8
#define GRAIN 4
#define TILE 4
#define PANEL_FROM 4
#define VW 8
#define FV 2
#define FT 6

TARGET ALWAYS_INLINE void T(lookup)(int8_t *u, const int8_t *table)
{
	__m128i *p = (__m128i *)(void *)u;

	_mm_storeu_si128(p, _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)table), _mm_loadu_si128(p)));
}
#include "cpu/mm_unpack.h"

TARGET ALWAYS_INLINE __m256i T(load)(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }

/* The bytes of x times those of w, sixteen at a time in either half of the eight sums. */
TARGET ALWAYS_INLINE float T(dot)(const int8_t *q, const float *scale, const int8_t *x, const float *d, uint64_t groups, const unsigned group)
{
	__m256 s[2] = { _mm256_setzero_ps(), _mm256_setzero_ps() };

	for (uint64_t i = 0; i < groups * group / 32; i++, q += 32, x += 32) {
		const __m256i sum = T(dot_signed)(T(load)(q), T(load)(x));
		__m256 f;
		if (group == 32)
			f = _mm256_set1_ps(scale[i] * d[i]);
		else
			f = _mm256_set_m128(_mm_set1_ps(scale[2 * i + 1] * d[i]), _mm_set1_ps(scale[2 * i] * d[i]));
		s[i % 2] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), f, s[i % 2]);
	}
	s[0] = _mm256_add_ps(s[0], s[1]);
	__m128 h = _mm_add_ps(_mm256_castps256_ps128(s[0]), _mm256_extractf128_ps(s[0], 1));
	h = _mm_add_ps(h, _mm_movehl_ps(h, h));
	return _mm_cvtss_f32(_mm_add_ss(h, _mm_movehdup_ps(h)));
}

TARGET ALWAYS_INLINE void T(tile)(const struct rows_scratch *p, const struct matmul_args *a, uint64_t row, unsigned rows, uint32_t t0, const unsigned nt, const unsigned group, const int minimums)
{
	const uint64_t n = a->w->n, groups = n / group;
	const int8_t *w = p->panel;
	struct q8_row x[TILE];
	__m256 s[TILE];

	UNROLL for (unsigned t = 0; t < nt; t++) {
		x[t] = q8_row_at((const char *)a->in + (t0 + t) * a->in_stride, n);
		s[t] = _mm256_setzero_ps();
	}
	for (uint64_t g = 0; g < groups; g++) {
		const __m256 scale = _mm256_loadu_ps(p->panel_scale + g * LANES);
		const __m256i start = START ? T(load)(p->start + g * LANES) : _mm256_setzero_si256();
		__m256i sum[TILE];
		UNROLL for (unsigned t = 0; t < nt; t++)
			sum[t] = start;
		for (unsigned i = 0; i < group; i += 4, w += 32) {
			const __m256i v = T(load)(w);
			UNROLL for (unsigned t = 0; t < nt; t++) {
				int32_t four;
				memcpy(&four, x[t].q + g * group + i, 4);
				sum[t] = T(dot4)(sum[t], v, _mm256_set1_epi32(four));
			}
		}
		UNROLL for (unsigned t = 0; t < nt; t++) {
			const __m256 f = _mm256_mul_ps(scale, _mm256_broadcast_ss(x[t].d + g * group / 32));
			s[t] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum[t]), f, s[t]);
			if (minimums)
				s[t] = _mm256_fnmadd_ps(_mm256_loadu_ps(p->panel_min + g * LANES), _mm256_broadcast_ss((group == 32 ? x[t].sum32 : x[t].sum16) + g), s[t]);
		}
	}
	UNROLL for (unsigned t = 0; t < nt; t++) {
		float out[LANES];
		_mm256_storeu_ps(out, s[t]);
		for (unsigned r = 0; r < rows; r++)
			put(a, t0 + t, row + r, out[r]);
	}
}

TARGET static void T(widen)(const struct kformat *f, float *out, const void *w, uint64_t n)
{
	const unsigned char *p = w;
	uint64_t i = 0;

	if (f->id == KF_F32) {
		memcpy(out, w, 4 * n);
		return;
	}
	for (; (f->id == KF_F16 || f->id == KF_BF16) && i + 8 <= n; i += 8) {
		const __m128i h = _mm_loadu_si128((const __m128i *)(const void *)(p + 2 * i));
		_mm256_storeu_ps(out + i, f->id == KF_F16 ? _mm256_cvtph_ps(h) : _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 16)));
	}
	f->dequantise(out + i, p + i * f->bytes, n - i);
}

#include "cpu/mm_rows_float.h"
#include "cpu/mm_rows_run.h"
