/* mm_neon_i8mm.c - the product with NEON and smmla: two rows of eight inputs times two tokens of eight, 2 x 2 sums in a vector
 *
 * One and few tokens go by sdot, as in mm_neon_dotprod.c. */
#if defined(__aarch64__)
#define T(name) neon_i8mm_##name
#ifdef __clang__
#define TARGET __attribute__((target("dotprod,i8mm")))
#else
#define TARGET __attribute__((target("arch=armv8.2-a+dotprod+i8mm")))
#endif
#define GRAIN 8

#include "cpu/mm_neon.h"

/* sum: row 0 token 0, row 0 token 1, row 1 token 0, row 1 token 1 */
TARGET ALWAYS_INLINE int32x4_t smmla(int32x4_t sum, int8x16_t w, int8x16_t x)
{
	__asm__("smmla %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(w), "w"(x));
	return sum;
}
/* a0 a0 a1 a1 of two rows; b0 b1 b0 b1 of two tokens */
TARGET ALWAYS_INLINE float32x4_t of_rows(const float *a) { return vcombine_f32(vdup_n_f32(a[0]), vdup_n_f32(a[1])); }
TARGET ALWAYS_INLINE float32x4_t of_tokens(float b0, float b1)
{
	const float32x2_t b = vset_lane_f32(b1, vdup_n_f32(b0), 1);

	return vcombine_f32(b, b);
}

TARGET ALWAYS_INLINE void neon_i8mm_tile(const struct rows_scratch *p, const struct matmul_args *a, uint64_t row, unsigned rows, uint32_t t0, const unsigned nt, const unsigned group, const int minimums)
{
	const uint64_t n = a->w->n, groups = n / group;
	const unsigned pairs = (nt + 1) / 2;
	const int8_t *w = p->panel;
	struct q8_row x[TILE];           /* a token that is alone is its own partner */
	float32x4_t s[TILE / 2][4];

	UNROLL for (unsigned t = 0; t < 2 * pairs; t++)
		x[t] = q8_row_at((const char *)a->in + (t0 + (t < nt ? t : nt - 1)) * a->in_stride, n);
	UNROLL for (unsigned k = 0; k < pairs; k++)
		UNROLL for (unsigned h = 0; h < 4; h++)
			s[k][h] = vdupq_n_f32(0);
	for (uint64_t g = 0; g < groups; g++) {
		int32x4_t sum[TILE / 2][4];
		UNROLL for (unsigned k = 0; k < pairs; k++)
			UNROLL for (unsigned h = 0; h < 4; h++)
				sum[k][h] = vdupq_n_s32(0);
		for (unsigned i = 0; i < group; i += 8, w += 64) {
			int8x16_t v[4];
			UNROLL for (unsigned h = 0; h < 4; h++)
				v[h] = vld1q_s8(w + 16 * h);
			UNROLL for (unsigned k = 0; k < pairs; k++) {
				const int8x16_t b = vcombine_s8(vld1_s8(x[2 * k].q + g * group + i), vld1_s8(x[2 * k + 1].q + g * group + i));
				UNROLL for (unsigned h = 0; h < 4; h++)
					sum[k][h] = smmla(sum[k][h], v[h], b);
			}
		}
		UNROLL for (unsigned k = 0; k < pairs; k++) {
			const struct q8_row *x0 = x + 2 * k, *x1 = x0 + 1;
			const float32x4_t d = of_tokens(x0->d[g * group / 32], x1->d[g * group / 32]);
			const float32x4_t e = group == 32 ? of_tokens(x0->sum32[g], x1->sum32[g]) : of_tokens(x0->sum16[g], x1->sum16[g]);
			UNROLL for (unsigned h = 0; h < 4; h++) {
				s[k][h] = vfmaq_f32(s[k][h], vcvtq_f32_s32(sum[k][h]), vmulq_f32(of_rows(p->panel_scale + g * LANES + 2 * h), d));
				if (minimums)
					s[k][h] = vfmsq_f32(s[k][h], of_rows(p->panel_min + g * LANES + 2 * h), e);
			}
		}
	}
	float out[TILE / 2][LANES * 2];
	UNROLL for (unsigned k = 0; k < pairs; k++)
		UNROLL for (unsigned h = 0; h < 4; h++)
			vst1q_f32(out[k] + 4 * h, s[k][h]);
	for (unsigned t = 0; t < nt; t++)
		for (unsigned r = 0; r < rows; r++)
			put(a, t0 + t, row + r, out[t / 2][2 * r + t % 2]);
}

#include "cpu/mm_rows_float.h"
#include "cpu/mm_rows_run.h"

extern const struct matmul matmul_neon_i8mm;
const struct matmul matmul_neon_i8mm = { "neon-i8mm", isa_neon_i8mm, rows_knows, rows_input, rows_input_bytes, neon_i8mm_prepare, rows_packed_bytes,
	rows_pack, neon_i8mm_scratch_bytes, neon_i8mm_run, NULL };
#endif
