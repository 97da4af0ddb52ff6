/* mm_avx2.h - what mm_avx2.c and mm_avx2_vnni.c share. TARGET and T(name) are theirs, and
 *   T(dot_signed)(w, x)   32 signed products, four in each of eight sums; w within -128 to 127, x within 127
 *   T(dot_codes)(u, x)    the same of codes up to 127
 *   T(sums)(sum, w, x, at, steps, run, wide)   of `steps` steps of a panel with four tokens (mm_avx2_panel.h)
 *   T(tile_of)(f), T(is_wide)(format)          the tile of a format
 *
 * Few tokens take the rows as they lie (mm_avx2_row.h), many take panels, floating-point formats go to mm_avx2_float.c. */
#include "cpu/isa.h"
#include "cpu/mm_avx2_float.h"
#include "cpu/mm_avx2_sums.h"

#include <immintrin.h>
#include <math.h>

#define HALF(h) _cvtsh_ss(h)
/* Unpacking rows into panels costs as much as some tokens. */
enum { PANEL_FROM = 6 };

TARGET ALWAYS_INLINE __m256i T(load)(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }
TARGET ALWAYS_INLINE __m128i T(load16)(const void *p) { return _mm_loadu_si128((const __m128i *)p); }

TARGET ALWAYS_INLINE void T(lookup)(int8_t *u, const int8_t *table)
{
	__m128i *p = (__m128i *)(void *)u;

	_mm_storeu_si128(p, _mm_shuffle_epi8(T(load16)(table), _mm_loadu_si128(p)));
}
#include "cpu/mm_unpack.h"

/* What signed numbers of T(unpack_row) lack to codes that begin at 0. */
static inline int code_zero(uint32_t format)
{
	switch (format) {
	case KF_Q4_1: case KF_Q5_1: case KF_Q2_K: case KF_Q4_K: case KF_Q5_K: return 0;
	case KF_Q4_0: return 8;
	case KF_Q5_0: return 16;
	case KF_Q3_K: return 4;
	case KF_Q6_K: return 32;
	case KF_MXFP4: return 12;
	default: return zero_point(format);
	}
}

#include "cpu/mm_avx2_panel.h"
#include "cpu/mm_avx2_iq.h"
#include "cpu/mm_avx2_row.h"

/* Groups of 32: bytes, what one is worth, sums; see mm_rows.h. What is not finite counts as 0 worth NaN, which goes on to all products. */
TARGET static void T(prepare)(enum input_kind k, void *out, const float *x, uint64_t n)
{
	if (k != INPUT_Q8) {
		rows_keep(out, x, n);
		return;
	}
	const uint64_t groups = (n + 31) / 32;
	const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7), ones = _mm256_set1_epi16(1);
	int8_t *q = out;
	float *d = (float *)(void *)((char *)out + aligned(32 * groups)), *sum32 = d + groups, *sum16 = d + 2 * groups;

	for (uint64_t g = 0; g < groups; g++, q += 32) {
		float tail[32] = { 0 };
		const float *from = x + 32 * g;
		__m256 v[4], most = _mm256_setzero_ps(), none = _mm256_setzero_ps();
		__m256i i[4];

		if (n - 32 * g < 32)
			from = memcpy(tail, from, (n - 32 * g) * sizeof *tail);
		UNROLL for (unsigned j = 0; j < 4; j++) {
			v[j] = _mm256_loadu_ps(from + 8 * j);
			most = _mm256_max_ps(most, _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v[j]));
			none = _mm256_or_ps(none, _mm256_sub_ps(v[j], v[j]));    /* 0, or NaN of what is not finite */
		}
		const int finite = _mm256_movemask_ps(_mm256_cmp_ps(none, none, _CMP_EQ_OQ)) == 255;
		__m128 m = _mm_max_ps(_mm256_castps256_ps128(most), _mm256_extractf128_ps(most, 1));
		m = _mm_max_ps(m, _mm_movehl_ps(m, m));
		const float top = _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m))) / 127;
		/* below that the inverse is no float: such a group counts as zero */
		const float inverse = finite && top >= 0x1p-120f ? 1 / top : 0;
		const __m256 times = _mm256_set1_ps(inverse), there = _mm256_castsi256_ps(_mm256_set1_epi32(finite ? -1 : 0));

		d[g] = !finite ? NAN : inverse > 0 ? top : 0;
		UNROLL for (unsigned j = 0; j < 4; j++)
			i[j] = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_and_ps(v[j], there), times));
		const __m256i a = _mm256_packs_epi32(i[0], i[1]), b = _mm256_packs_epi32(i[2], i[3]);
		_mm256_storeu_si256((__m256i *)(void *)q, _mm256_permutevar8x32_epi32(_mm256_packs_epi16(a, b), order));
		/* of both halves in turn: words of a and of b */
		__m256i s = _mm256_hadd_epi32(_mm256_madd_epi16(a, ones), _mm256_madd_epi16(b, ones));
		__m128i t = _mm_add_epi32(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
		t = _mm_hadd_epi32(t, t);
		sum16[2 * g] = d[g] * (float)_mm_cvtsi128_si32(t);
		sum16[2 * g + 1] = d[g] * (float)_mm_extract_epi32(t, 1);
		sum32[g] = d[g] * (float)(_mm_cvtsi128_si32(t) + _mm_extract_epi32(t, 1));
	}
	const uint64_t written = aligned(32 * groups) + 4 * 4 * groups;
	memset((char *)out + 32 * groups, 0, aligned(32 * groups) - 32 * groups);
	memset((char *)out + written, 0, rows_input_bytes(k, n) - written);
}

static uint64_t T(scratch_bytes)(uint32_t format, uint8_t layout, uint64_t n, uint32_t tokens)
{
	const struct kformat *f = kformat_find(format);

	(void)layout;
	if (!f->group)
		return mmf2_scratch_bytes(f, n);
	/* one row, its scales and minimums */
	const uint64_t few = aligned(n) + 2 * aligned(4 * (n / f->group));
	return tokens < PANEL_FROM ? few : few > T(many_scratch_bytes)() ? few : T(many_scratch_bytes)();
}

static void T(run)(const struct matmul_args *a, void *scratch)
{
	const struct kformat *f = kformat_find(a->w->format);

	if (!f->group)
		mmf2_run(a, f, scratch);
	else if (a->tokens < PANEL_FROM)
		T(run_few)(a, f, scratch);
	else
		T(run_many)(a, f, scratch);
}
