/* mm_neon.h - what mm_neon_dotprod.c and mm_neon_i8mm.c share; TARGET, T(name), GRAIN and T(tile) are theirs
 *
 * A panel is eight rows. sdot and smmla are written as assembly: clang 14 has their intrinsics only with -march. */
#include "cpu/isa.h"
#include "cpu/mm_rows.h"

#include <arm_neon.h>

#define LANES 8
#define TILE 4
#define PANEL_FROM 4
#define VW 4
#define FV 4
#define FT 4

TARGET ALWAYS_INLINE float T(half)(uint16_t h)
{
	__fp16 f;

	memcpy(&f, &h, sizeof f);
	return (float)f;
}
#define HALF(h) T(half)(h)

TARGET ALWAYS_INLINE void T(lookup)(int8_t *u, const int8_t *table) { vst1q_s8(u, vqtbl1q_s8(vld1q_s8(table), vld1q_u8((const uint8_t *)u))); }
#include "cpu/mm_unpack.h"

/* sum[i] += the products of bytes 4i to 4i + 3 */
TARGET ALWAYS_INLINE int32x4_t T(sdot)(int32x4_t sum, int8x16_t w, int8x16_t x)
{
	__asm__("sdot %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(w), "w"(x));
	return sum;
}

TARGET ALWAYS_INLINE float T(dot)(const int8_t *q, const float *scale, const int8_t *x, const float *d, uint64_t groups, const unsigned group)
{
	float32x4_t s[2] = { vdupq_n_f32(0), vdupq_n_f32(0) };

	for (uint64_t i = 0; i < groups * group / 32; i++, q += 32, x += 32) {
		int32x4_t a = T(sdot)(vdupq_n_s32(0), vld1q_s8(q), vld1q_s8(x));
		if (group == 32) {
			a = T(sdot)(a, vld1q_s8(q + 16), vld1q_s8(x + 16));
			s[i % 2] = vfmaq_n_f32(s[i % 2], vcvtq_f32_s32(a), scale[i] * d[i]);
		} else {
			const int32x4_t b = T(sdot)(vdupq_n_s32(0), vld1q_s8(q + 16), vld1q_s8(x + 16));
			s[0] = vfmaq_n_f32(s[0], vcvtq_f32_s32(a), scale[2 * i] * d[i]);
			s[1] = vfmaq_n_f32(s[1], vcvtq_f32_s32(b), scale[2 * i + 1] * d[i]);
		}
	}
	return vaddvq_f32(vaddq_f32(s[0], s[1]));
}

TARGET static void T(widen)(const struct kformat *f, float *out, const void *w, uint64_t n)
{
	const unsigned char *p = w;
	uint64_t i = 0;

	if (f->id == KF_F32) {
		memcpy(out, w, 4 * n);
		return;
	}
	for (; (f->id == KF_F16 || f->id == KF_BF16) && i + 4 <= n; i += 4) {
		uint16x4_t h;
		memcpy(&h, p + 2 * i, 8);
		vst1q_f32(out + i, f->id == KF_F16 ? vcvt_f32_f16(vreinterpret_f16_u16(h)) : vreinterpretq_f32_u32(vshll_n_u16(h, 16)));
	}
	f->dequantise(out + i, p + i * f->bytes, n - i);
}
