/* rates_matrix.c - tiles of a matrix product that stay in registers while k runs
 *
 * Each variant keeps mr x nr sums and, for every step along k, loads nr numbers of b once and mr of a as broadcasts: as many
 * multiply-adds between two loads as registers allow. bf16 without its own instruction is widened to single on the way. */
#include "cpu/isa.h"
#include "cpu/rates.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/* Sums that are indexed by a loop which is not unrolled would live in memory. */
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

static inline float f32_of_bf16(uint16_t h)
{
	uint32_t bits = (uint32_t)h << 16;
	float f;

	memcpy(&f, &bits, sizeof f);
	return f;
}
/* Four bytes of a packed group. */
static inline int32_t bits_at(const void *p)
{
	int32_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

enum { S = 4 };          /* scalar tile */

static void f32_scalar(void *c, size_t ldc, const void *a, const void *b, size_t k)
{
	const float *x = a, *y = b;
	float s[S][S] = { { 0 } };

	for (size_t t = 0; t < k; t++, x += S, y += S)
		for (unsigned i = 0; i < S; i++)
			for (unsigned j = 0; j < S; j++)
				s[i][j] += x[i] * y[j];
	for (unsigned i = 0; i < S; i++)
		memcpy((float *)c + i * ldc, s[i], sizeof s[i]);
}

static void bf16_scalar(void *c, size_t ldc, const void *a, const void *b, size_t k)
{
	const uint16_t *x = a, *y = b;
	float s[S][S] = { { 0 } };

	for (size_t t = 0; t < k; t += 2, x += 2 * S, y += 2 * S)
		for (unsigned i = 0; i < S; i++)
			for (unsigned j = 0; j < S; j++)
				s[i][j] += f32_of_bf16(x[2 * i]) * f32_of_bf16(y[2 * j]) + f32_of_bf16(x[2 * i + 1]) * f32_of_bf16(y[2 * j + 1]);
	for (unsigned i = 0; i < S; i++)
		memcpy((float *)c + i * ldc, s[i], sizeof s[i]);
}

static void q8_scalar(void *c, size_t ldc, const void *a, const void *b, size_t k)
{
	const int8_t *x = a, *y = b;
	int32_t s[S][S] = { { 0 } };

	for (size_t t = 0; t < k; t += 4, x += 4 * S, y += 4 * S)
		for (unsigned i = 0; i < S; i++)
			for (unsigned j = 0; j < S; j++)
				for (unsigned g = 0; g < 4; g++)
					s[i][j] += x[4 * i + g] * y[4 * j + g];
	for (unsigned i = 0; i < S; i++)
		memcpy((int32_t *)c + i * ldc, s[i], sizeof s[i]);
}

#if defined(__x86_64__)
#define AVX2 __attribute__((target("avx2,fma,f16c")))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx2,fma,f16c")))
#define AVX512_BF16 __attribute__((target("avx512bf16,avx512f,avx512bw,avx512vl,avx2,fma,f16c")))
#define AVX512_VNNI __attribute__((target("avx512vnni,avx512f,avx512bw,avx512vl,avx2,fma,f16c")))
#define AVX_VNNI __attribute__((target("avxvnni,avx2,fma,f16c")))

AVX2 static void f32_avx2(void *c, size_t ldc, const void *a, const void *b, size_t k)
{
	const float *x = a, *y = b;
	__m256 s[6][2];

	UNROLL for (unsigned i = 0; i < 6; i++)
		s[i][0] = s[i][1] = _mm256_setzero_ps();
	for (size_t t = 0; t < k; t++, x += 6, y += 16) {
		__m256 y0 = _mm256_loadu_ps(y), y1 = _mm256_loadu_ps(y + 8);
		UNROLL for (unsigned i = 0; i < 6; i++) {
			__m256 v = _mm256_set1_ps(x[i]);
			s[i][0] = _mm256_fmadd_ps(v, y0, s[i][0]);
			s[i][1] = _mm256_fmadd_ps(v, y1, s[i][1]);
		}
	}
	UNROLL for (unsigned i = 0; i < 6; i++) {
		_mm256_storeu_ps((float *)c + i * ldc, s[i][0]);
		_mm256_storeu_ps((float *)c + i * ldc + 8, s[i][1]);
	}
}

AVX512 static void f32_avx512(void *c, size_t ldc, const void *a, const void *b, size_t k)
{
	const float *x = a, *y = b;
	__m512 s[12][2];

	UNROLL for (unsigned i = 0; i < 12; i++)
		s[i][0] = s[i][1] = _mm512_setzero_ps();
	for (size_t t = 0; t < k; t++, x += 12, y += 32) {
		__m512 y0 = _mm512_loadu_ps(y), y1 = _mm512_loadu_ps(y + 16);
		UNROLL for (unsigned i = 0; i < 12; i++) {
			__m512 v = _mm512_set1_ps(x[i]);
			s[i][0] = _mm512_fmadd_ps(v, y0, s[i][0]);
			s[i][1] = _mm512_fmadd_ps(v, y1, s[i][1]);
		}
	}
	UNROLL for (unsigned i = 0; i < 12; i++) {
		_mm512_storeu_ps((float *)c + i * ldc, s[i][0]);
		_mm512_storeu_ps((float *)c + i * ldc + 16, s[i][1]);
	}
}

/* The even numbers of a group in the low half of each 32 bits, the odd ones in the high half. */
AVX2 static inline __m256 even8(__m256i v) { return _mm256_castsi256_ps(_mm256_slli_epi32(v, 16)); }
AVX2 static inline __m256 odd8(__m256i v) { return _mm256_castsi256_ps(_mm256_and_si256(v, _mm256_set1_epi32((int)0xffff0000))); }

AVX2 static void bf16_avx2(void *c, size_t ldc, const void *a, const void *b, size_t k)
{
	const uint16_t *x = a, *y = b;
	__m256 s[4][2];

	UNROLL for (unsigned i = 0; i < 4; i++)
		s[i][0] = s[i][1] = _mm256_setzero_ps();
	for (size_t t = 0; t < k; t += 2, x += 8, y += 32) {
		__m256i p0 = _mm256_loadu_si256((const __m256i *)(const void *)y), p1 = _mm256_loadu_si256((const __m256i *)(const void *)(y + 16));
		__m256 e0 = even8(p0), o0 = odd8(p0), e1 = even8(p1), o1 = odd8(p1);
		UNROLL for (unsigned i = 0; i < 4; i++) {
			__m256i v = _mm256_set1_epi32(bits_at(x + 2 * i));
			__m256 ve = even8(v), vo = odd8(v);
			s[i][0] = _mm256_fmadd_ps(vo, o0, _mm256_fmadd_ps(ve, e0, s[i][0]));
			s[i][1] = _mm256_fmadd_ps(vo, o1, _mm256_fmadd_ps(ve, e1, s[i][1]));
		}
	}
	UNROLL for (unsigned i = 0; i < 4; i++) {
		_mm256_storeu_ps((float *)c + i * ldc, s[i][0]);
		_mm256_storeu_ps((float *)c + i * ldc + 8, s[i][1]);
	}
}

AVX512_BF16 static void bf16_avx512(void *c, size_t ldc, const void *a, const void *b, size_t k)
{
	const uint16_t *x = a, *y = b;
	__m512 s[12][2];

	UNROLL for (unsigned i = 0; i < 12; i++)
		s[i][0] = s[i][1] = _mm512_setzero_ps();
	for (size_t t = 0; t < k; t += 2, x += 24, y += 64) {
		__m512bh y0 = (__m512bh)_mm512_loadu_si512(y), y1 = (__m512bh)_mm512_loadu_si512(y + 32);
		UNROLL for (unsigned i = 0; i < 12; i++) {
			__m512bh v = (__m512bh)_mm512_set1_epi32(bits_at(x + 2 * i));
			s[i][0] = _mm512_dpbf16_ps(s[i][0], v, y0);
			s[i][1] = _mm512_dpbf16_ps(s[i][1], v, y1);
		}
	}
	UNROLL for (unsigned i = 0; i < 12; i++) {
		_mm512_storeu_ps((float *)c + i * ldc, s[i][0]);
		_mm512_storeu_ps((float *)c + i * ldc + 16, s[i][1]);
	}
}

/* |b| times a with b's sign: the pair sums of maddubs stay below 2 * 128 * 127. */
AVX2 static void q8_avx2(void *c, size_t ldc, const void *a, const void *b, size_t k)
{
	const int8_t *x = a, *y = b;
	const __m256i ones = _mm256_set1_epi16(1);
	__m256i s[4][2];

	UNROLL for (unsigned i = 0; i < 4; i++)
		s[i][0] = s[i][1] = _mm256_setzero_si256();
	for (size_t t = 0; t < k; t += 4, x += 16, y += 64) {
		__m256i y0 = _mm256_loadu_si256((const __m256i *)(const void *)y), y1 = _mm256_loadu_si256((const __m256i *)(const void *)(y + 32));
		__m256i u0 = _mm256_abs_epi8(y0), u1 = _mm256_abs_epi8(y1);
		UNROLL for (unsigned i = 0; i < 4; i++) {
			__m256i v = _mm256_set1_epi32(bits_at(x + 4 * i));
			s[i][0] = _mm256_add_epi32(s[i][0], _mm256_madd_epi16(_mm256_maddubs_epi16(u0, _mm256_sign_epi8(v, y0)), ones));
			s[i][1] = _mm256_add_epi32(s[i][1], _mm256_madd_epi16(_mm256_maddubs_epi16(u1, _mm256_sign_epi8(v, y1)), ones));
		}
	}
	UNROLL for (unsigned i = 0; i < 4; i++) {
		_mm256_storeu_si256((__m256i *)(void *)((int32_t *)c + i * ldc), s[i][0]);
		_mm256_storeu_si256((__m256i *)(void *)((int32_t *)c + i * ldc + 8), s[i][1]);
	}
}

/* dpbusd wants one side unsigned: b + 128, and 128 times the sum of a's row is taken off at the end (`extra`, one row a lane). */
/* Written out as the wider one below. */
AVX_VNNI static inline __m256i dpbusd256(__m256i sum, __m256i u, __m256i s)
{
	__asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(u), "x"(s));
	return sum;
}

AVX_VNNI static void q8_avx_vnni(void *c, size_t ldc, const void *a, const void *b, size_t k)
{
	const int8_t *x = a, *y = b;
	const __m256i high = _mm256_set1_epi8((char)0x80), five = _mm256_setr_epi32(-1, -1, -1, -1, -1, 0, 0, 0);
	__m256i s[5][2], extra = _mm256_setzero_si256();
	int32_t off[8];

	UNROLL for (unsigned i = 0; i < 5; i++)
		s[i][0] = s[i][1] = _mm256_setzero_si256();
	for (size_t t = 0; t < k; t += 4, x += 20, y += 64) {
		__m256i y0 = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(const void *)y), high);
		__m256i y1 = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(const void *)(y + 32)), high);
		extra = dpbusd256(extra, high, _mm256_maskload_epi32((const int *)(const void *)x, five));
		UNROLL for (unsigned i = 0; i < 5; i++) {
			__m256i v = _mm256_set1_epi32(bits_at(x + 4 * i));
			s[i][0] = dpbusd256(s[i][0], y0, v);
			s[i][1] = dpbusd256(s[i][1], y1, v);
		}
	}
	_mm256_storeu_si256((__m256i *)(void *)off, extra);
	UNROLL for (unsigned i = 0; i < 5; i++) {
		__m256i o = _mm256_set1_epi32(off[i]);
		_mm256_storeu_si256((__m256i *)(void *)((int32_t *)c + i * ldc), _mm256_sub_epi32(s[i][0], o));
		_mm256_storeu_si256((__m256i *)(void *)((int32_t *)c + i * ldc + 8), _mm256_sub_epi32(s[i][1], o));
	}
}

/* Written out: of the intrinsic gcc 12 makes a copy of every sum for every step, which costs two thirds of the rate. */
AVX512_VNNI static inline __m512i dpbusd512(__m512i sum, __m512i u, __m512i s)
{
	__asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(u), "v"(s));
	return sum;
}

AVX512_VNNI static void q8_avx512_vnni(void *c, size_t ldc, const void *a, const void *b, size_t k)
{
	const int8_t *x = a, *y = b;
	const __m512i high = _mm512_set1_epi8((char)0x80);
	__m512i s[12][2], extra = _mm512_setzero_si512();
	int32_t off[16];

	UNROLL for (unsigned i = 0; i < 12; i++)
		s[i][0] = s[i][1] = _mm512_setzero_si512();
	for (size_t t = 0; t < k; t += 4, x += 48, y += 128) {
		__m512i y0 = _mm512_xor_si512(_mm512_loadu_si512(y), high), y1 = _mm512_xor_si512(_mm512_loadu_si512(y + 64), high);
		extra = dpbusd512(extra, high, _mm512_maskz_loadu_epi32(0x0fff, x));
		UNROLL for (unsigned i = 0; i < 12; i++) {
			__m512i v = _mm512_set1_epi32(bits_at(x + 4 * i));
			s[i][0] = dpbusd512(s[i][0], y0, v);
			s[i][1] = dpbusd512(s[i][1], y1, v);
		}
	}
	_mm512_storeu_si512(off, extra);
	UNROLL for (unsigned i = 0; i < 12; i++) {
		__m512i o = _mm512_set1_epi32(off[i]);
		_mm512_storeu_si512((int32_t *)c + i * ldc, _mm512_sub_epi32(s[i][0], o));
		_mm512_storeu_si512((int32_t *)c + i * ldc + 16, _mm512_sub_epi32(s[i][1], o));
	}
}

#elif defined(__aarch64__)
static void f32_neon(void *c, size_t ldc, const void *a, const void *b, size_t k)
{
	const float *x = a, *y = b;
	float32x4_t s[8][2];

	UNROLL for (unsigned i = 0; i < 8; i++)
		s[i][0] = s[i][1] = vdupq_n_f32(0);
	for (size_t t = 0; t < k; t++, x += 8, y += 8) {
		float32x4_t y0 = vld1q_f32(y), y1 = vld1q_f32(y + 4);
		UNROLL for (unsigned i = 0; i < 8; i++) {
			s[i][0] = vfmaq_n_f32(s[i][0], y0, x[i]);
			s[i][1] = vfmaq_n_f32(s[i][1], y1, x[i]);
		}
	}
	UNROLL for (unsigned i = 0; i < 8; i++) {
		vst1q_f32((float *)c + i * ldc, s[i][0]);
		vst1q_f32((float *)c + i * ldc + 4, s[i][1]);
	}
}

static void bf16_neon(void *c, size_t ldc, const void *a, const void *b, size_t k)
{
	const uint16_t *x = a, *y = b;
	float32x4_t s[8][2];

	UNROLL for (unsigned i = 0; i < 8; i++)
		s[i][0] = s[i][1] = vdupq_n_f32(0);
	for (size_t t = 0; t < k; t += 2, x += 16, y += 16) {
		uint16x4x2_t p0 = vld2_u16(y), p1 = vld2_u16(y + 8);
		UNROLL for (unsigned g = 0; g < 2; g++) {
			float32x4_t y0 = vreinterpretq_f32_u32(vshll_n_u16(p0.val[g], 16)), y1 = vreinterpretq_f32_u32(vshll_n_u16(p1.val[g], 16));
			UNROLL for (unsigned i = 0; i < 8; i++) {
				float v = f32_of_bf16(x[2 * i + g]);
				s[i][0] = vfmaq_n_f32(s[i][0], y0, v);
				s[i][1] = vfmaq_n_f32(s[i][1], y1, v);
			}
		}
	}
	UNROLL for (unsigned i = 0; i < 8; i++) {
		vst1q_f32((float *)c + i * ldc, s[i][0]);
		vst1q_f32((float *)c + i * ldc + 4, s[i][1]);
	}
}

#ifdef __ARM_FEATURE_DOTPROD
static void q8_neon(void *c, size_t ldc, const void *a, const void *b, size_t k)
{
	const int8_t *x = a, *y = b;
	int32x4_t s[8][2];

	UNROLL for (unsigned i = 0; i < 8; i++)
		s[i][0] = s[i][1] = vdupq_n_s32(0);
	for (size_t t = 0; t < k; t += 4, x += 32, y += 32) {
		int8x16_t y0 = vld1q_s8(y), y1 = vld1q_s8(y + 16);
		UNROLL for (unsigned i = 0; i < 8; i++) {
			int8x16_t v = vreinterpretq_s8_s32(vdupq_n_s32(bits_at(x + 4 * i)));
			s[i][0] = vdotq_s32(s[i][0], y0, v);
			s[i][1] = vdotq_s32(s[i][1], y1, v);
		}
	}
	UNROLL for (unsigned i = 0; i < 8; i++) {
		vst1q_s32((int32_t *)c + i * ldc, s[i][0]);
		vst1q_s32((int32_t *)c + i * ldc + 4, s[i][1]);
	}
}
#endif
#endif

static const struct tile_kernel f32_kernels[] = {
#if defined(__x86_64__)
	{ "avx512", isa_avx512, f32_avx512, 12, 32, 1 }, { "avx2", isa_avx2, f32_avx2, 6, 16, 1 },
#elif defined(__aarch64__)
	{ "neon", isa_always, f32_neon, 8, 8, 1 },
#endif
	{ "scalar", isa_always, f32_scalar, S, S, 1 }, { 0 }
};
static const struct tile_kernel bf16_kernels[] = {
#if defined(__x86_64__)
	{ "avx512-bf16", isa_avx512_bf16, bf16_avx512, 12, 32, 2 }, { "avx2", isa_avx2, bf16_avx2, 4, 16, 2 },
#elif defined(__aarch64__)
	{ "neon", isa_always, bf16_neon, 8, 8, 2 },
#endif
	{ "scalar", isa_always, bf16_scalar, S, S, 2 }, { 0 }
};
static const struct tile_kernel q8_kernels[] = {
#if defined(__x86_64__)
	{ "avx512-vnni", isa_avx512_vnni, q8_avx512_vnni, 12, 32, 4 }, { "avx-vnni", isa_avx_vnni, q8_avx_vnni, 5, 16, 4 },
	{ "avx2", isa_avx2, q8_avx2, 4, 16, 4 },
#elif defined(__aarch64__) && defined(__ARM_FEATURE_DOTPROD)
	{ "neon-dotprod", isa_always, q8_neon, 8, 8, 4 },
#endif
	{ "scalar", isa_always, q8_scalar, S, S, 4 }, { 0 }
};
const struct tile_kernel *const tile_kernels[RATE_FORMATS] = {
	[RATE_F32] = f32_kernels, [RATE_BF16] = bf16_kernels, [RATE_Q8] = q8_kernels
};

const struct tile_kernel *tile_best(enum rate_format f)
{
	const struct tile_kernel *k = tile_kernels[f];

	while (!k->can())
		k++;
	return k;
}

size_t rate_bytes(enum rate_format f) { return f == RATE_F32 ? 4 : f == RATE_BF16 ? 2 : 1; }
