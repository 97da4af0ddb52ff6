/* mm_neon_dotprod.c - the product with NEON and sdot: a vector holds four inputs of four rows, a lane of x four inputs of a token */
#if defined(__aarch64__)
#define T(name) neon_dotprod_##name
#ifdef __clang__
#define TARGET __attribute__((target("dotprod")))
#else
#define TARGET __attribute__((target("arch=armv8.2-a+dotprod")))
#endif
#define GRAIN 4

#include "cpu/mm_neon.h"

#define SDOT_LANE(lane) \
TARGET ALWAYS_INLINE int32x4_t sdot_##lane(int32x4_t sum, int8x16_t w, int8x16_t x) \
{ \
	__asm__("sdot %0.4s, %1.16b, %2.4b[" #lane "]" : "+w"(sum) : "w"(w), "w"(x)); \
	return sum; \
}
SDOT_LANE(0) SDOT_LANE(1) SDOT_LANE(2) SDOT_LANE(3)
#undef SDOT_LANE

TARGET ALWAYS_INLINE void neon_dotprod_tile(const struct rows_scratch *p, const struct matmul_args *a, uint64_t row, unsigned rows, uint32_t t0, const unsigned nt, const unsigned group, const int minimums)
{
	const uint64_t n = a->w->n, groups = n / group;
	const int8_t *w = p->panel;
	struct q8_row x[TILE];
	float32x4_t s[TILE][2];

	UNROLL for (unsigned t = 0; t < nt; t++) {
		x[t] = q8_row_at((const char *)a->in + (t0 + t) * a->in_stride, n);
		s[t][0] = s[t][1] = vdupq_n_f32(0);
	}
	for (uint64_t g = 0; g < groups; g++) {
		int32x4_t sum[TILE][2];
		UNROLL for (unsigned t = 0; t < nt; t++)
			sum[t][0] = sum[t][1] = vdupq_n_s32(0);
		for (unsigned i = 0; i < group; i += 16, w += 128) {
			int8x16_t v[8];
			UNROLL for (unsigned k = 0; k < 8; k++)
				v[k] = vld1q_s8(w + 16 * k);
			UNROLL for (unsigned t = 0; t < nt; t++) {
				const int8x16_t b = vld1q_s8(x[t].q + g * group + i);
				UNROLL for (unsigned h = 0; h < 2; h++)
					sum[t][h] = sdot_3(sdot_2(sdot_1(sdot_0(sum[t][h], v[h], b), v[2 + h], b), v[4 + h], b), v[6 + h], b);
			}
		}
		UNROLL for (unsigned h = 0; h < 2; h++) {
			const float32x4_t scale = vld1q_f32(p->panel_scale + g * LANES + 4 * h);
			UNROLL for (unsigned t = 0; t < nt; t++) {
				s[t][h] = vfmaq_f32(s[t][h], vcvtq_f32_s32(sum[t][h]), vmulq_n_f32(scale, x[t].d[g * group / 32]));
				if (minimums)
					s[t][h] = vfmsq_f32(s[t][h], vld1q_f32(p->panel_min + g * LANES + 4 * h), vdupq_n_f32((group == 32 ? x[t].sum32 : x[t].sum16)[g]));
			}
		}
	}
	UNROLL for (unsigned t = 0; t < nt; t++) {
		float out[LANES];
		vst1q_f32(out, s[t][0]);
		vst1q_f32(out + 4, s[t][1]);
		for (unsigned r = 0; r < rows; r++)
			put(a, t0 + t, row + r, out[r]);
	}
}

#include "cpu/mm_rows_float.h"
#include "cpu/mm_rows_run.h"

extern const struct matmul matmul_neon_dotprod;
const struct matmul matmul_neon_dotprod = { "neon-dotprod", isa_neon_dotprod, rows_knows, rows_input, rows_input_bytes, neon_dotprod_prepare, rows_packed_bytes,
	rows_pack, neon_dotprod_scratch_bytes, neon_dotprod_run, NULL };
#endif
