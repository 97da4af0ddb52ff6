/* ops_vec.h - vectors of W floats under one set of names, for the bodies that every instruction set compiles once
 *
 * The including file has chosen VEC_AVX512, VEC_AVX2, VEC_NEON or none (four floats, whatever the compiler makes of them) and
 * has opened the target attribute. Everything is static and inline. No include guard: a file includes it once. */
#include "formats.h"

#include <string.h>

#define INLINE static inline __attribute__((always_inline, unused))
#ifdef __clang__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* TILE_ROWS x TILE_COLS vectors are the sums that a product of tiles keeps in registers (32 of AVX-512 and NEON, 16 of the others). */
#if defined(VEC_AVX512)
enum { W = 16, TILE_ROWS = 12, TILE_COLS = 2 };
#elif defined(VEC_AVX2)
enum { W = 8, TILE_ROWS = 6, TILE_COLS = 2 };
#elif defined(VEC_NEON)
enum { W = 4, TILE_ROWS = 6, TILE_COLS = 4 };
#else
enum { W = 4, TILE_ROWS = 6, TILE_COLS = 2 };
#endif
typedef float vf __attribute__((vector_size(4 * W)));
typedef int32_t vi __attribute__((vector_size(4 * W)));
typedef uint32_t vu __attribute__((vector_size(4 * W)));
typedef uint16_t vh __attribute__((vector_size(2 * W)));
typedef int8_t vb __attribute__((vector_size(W)));
typedef float vf_any __attribute__((vector_size(4 * W), aligned(4), may_alias));

INLINE vf v_load(const float *p) { return *(const vf_any *)p; }
INLINE void v_store(float *p, vf x) { *(vf_any *)p = x; }
INLINE vf v_set(float x) { return x - (vf){ 0 }; }
/* The first n < W numbers, zeroes after them. */
INLINE vf v_load_part(const float *p, uint64_t n)
{
	float b[W] = { 0 };

	memcpy(b, p, n * sizeof *p);
	return v_load(b);
}
INLINE void v_store_part(float *p, vf x, uint64_t n)
{
	float b[W];

	v_store(b, x);
	memcpy(p, b, n * sizeof *p);
}
/* a where the mask has all bits, 0 where it has none. */
INLINE vf v_keep(vi mask, vf a) { return (vf)(mask & (vi)a); }
INLINE vf v_select(vi mask, vf a, vf b) { return (vf)((mask & (vi)a) | (~mask & (vi)b)); }
INLINE vf v_abs(vf a) { return (vf)((vi)a & 0x7fffffff); }

/* v_max: b where either is NaN (or NaN). v_f16: halves at any address. v_to_i8 cuts off what follows the point. v_zip: the lower or upper halves of a and b, interleaved. */
#if defined(VEC_AVX512)
INLINE vf v_max(vf a, vf b) { return (vf)_mm512_max_ps((__m512)a, (__m512)b); }
INLINE vf v_min(vf a, vf b) { return (vf)_mm512_min_ps((__m512)a, (__m512)b); }
INLINE float v_sum(vf a) { return _mm512_reduce_add_ps((__m512)a); }
INLINE float v_peak(vf a) { return _mm512_reduce_max_ps((__m512)a); }
INLINE vf v_f16(const void *p) { return (vf)_mm512_cvtph_ps(_mm256_loadu_si256(p)); }
INLINE void v_to_f16(void *p, vf a) { _mm256_storeu_si256(p, _mm512_cvtps_ph((__m512)a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)); }
INLINE vf v_bf16(const void *p) { return (vf)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(p)), 16); }
INLINE vf v_i8(const void *p) { return (vf)_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(p))); }
INLINE void v_to_i8(void *p, vf a) { _mm_storeu_si128(p, _mm512_cvtepi32_epi8(_mm512_cvttps_epi32((__m512)a))); }
INLINE float f16_one(uint16_t h) { return _cvtsh_ss(h); }
INLINE vf v_zip_lo(vf a, vf b)
{
	return (vf)_mm512_permutex2var_ps((__m512)a, _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23), (__m512)b);
}
INLINE vf v_zip_hi(vf a, vf b)
{
	return (vf)_mm512_permutex2var_ps((__m512)a, _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31), (__m512)b);
}
#elif defined(VEC_AVX2)
INLINE vf v_max(vf a, vf b) { return (vf)_mm256_max_ps((__m256)a, (__m256)b); }
INLINE vf v_min(vf a, vf b) { return (vf)_mm256_min_ps((__m256)a, (__m256)b); }
INLINE float v_sum(vf a)
{
	__m128 s = _mm_add_ps(_mm256_castps256_ps128((__m256)a), _mm256_extractf128_ps((__m256)a, 1));

	s = _mm_add_ps(s, _mm_movehl_ps(s, s));
	return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
INLINE float v_peak(vf a)
{
	__m128 s = _mm_max_ps(_mm256_castps256_ps128((__m256)a), _mm256_extractf128_ps((__m256)a, 1));

	s = _mm_max_ps(s, _mm_movehl_ps(s, s));
	return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}
INLINE vf v_f16(const void *p) { return (vf)_mm256_cvtph_ps(_mm_loadu_si128(p)); }
INLINE void v_to_f16(void *p, vf a) { _mm_storeu_si128(p, _mm256_cvtps_ph((__m256)a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)); }
INLINE vf v_bf16(const void *p) { return (vf)_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(p)), 16); }
INLINE vf v_i8(const void *p) { return (vf)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(p))); }
INLINE void v_to_i8(void *p, vf a)
{
	const __m256i q = _mm256_cvttps_epi32((__m256)a);
	const __m128i h = _mm_packs_epi32(_mm256_castsi256_si128(q), _mm256_extracti128_si256(q, 1));

	_mm_storel_epi64(p, _mm_packs_epi16(h, h));
}
INLINE float f16_one(uint16_t h) { return _cvtsh_ss(h); }
INLINE vf v_zip_lo(vf a, vf b)
{
	return (vf)_mm256_permute2f128_ps(_mm256_unpacklo_ps((__m256)a, (__m256)b), _mm256_unpackhi_ps((__m256)a, (__m256)b), 0x20);
}
INLINE vf v_zip_hi(vf a, vf b)
{
	return (vf)_mm256_permute2f128_ps(_mm256_unpacklo_ps((__m256)a, (__m256)b), _mm256_unpackhi_ps((__m256)a, (__m256)b), 0x31);
}
#else
INLINE float v_sum(vf a) { return (a[0] + a[2]) + (a[1] + a[3]); }
INLINE vf v_zip_lo(vf a, vf b) { return (vf){ a[0], b[0], a[1], b[1] }; }
INLINE vf v_zip_hi(vf a, vf b) { return (vf){ a[2], b[2], a[3], b[3] }; }
INLINE vf v_i8(const void *p)
{
	vb b;

	memcpy(&b, p, sizeof b);
	return __builtin_convertvector(b, vf);
}
INLINE void v_to_i8(void *p, vf a)
{
	const vb b = __builtin_convertvector(__builtin_convertvector(a, vi), vb);

	memcpy(p, &b, sizeof b);
}
INLINE vf v_bf16(const void *p)
{
	vh h;

	memcpy(&h, p, sizeof h);
	return (vf)(__builtin_convertvector(h, vu) << 16);
}
#if defined(VEC_NEON)
INLINE vf v_max(vf a, vf b) { return (vf)vmaxq_f32((float32x4_t)a, (float32x4_t)b); }
INLINE vf v_min(vf a, vf b) { return (vf)vminq_f32((float32x4_t)a, (float32x4_t)b); }
INLINE float v_peak(vf a) { return vmaxvq_f32((float32x4_t)a); }
INLINE vf v_f16(const void *p)
{
	uint16x4_t h;

	memcpy(&h, p, sizeof h);
	return (vf)vcvt_f32_f16(vreinterpret_f16_u16(h));
}
INLINE void v_to_f16(void *p, vf a)
{
	const uint16x4_t h = vreinterpret_u16_f16(vcvt_f16_f32((float32x4_t)a));

	memcpy(p, &h, sizeof h);
}
INLINE float f16_one(uint16_t h)
{
	__fp16 f;

	memcpy(&f, &h, sizeof f);
	return (float)f;
}
#else
INLINE vf v_max(vf a, vf b) { return v_select(a > b, a, b); }
INLINE vf v_min(vf a, vf b) { return v_select(a < b, a, b); }
INLINE float v_peak(vf a)
{
	const float x = a[0] > a[1] ? a[0] : a[1], y = a[2] > a[3] ? a[2] : a[3];

	return x > y ? x : y;
}
INLINE vf v_f16(const void *p)
{
	uint16_t h[W];

	memcpy(h, p, sizeof h);
	return (vf){ f16_to_f32(h[0]), f16_to_f32(h[1]), f16_to_f32(h[2]), f16_to_f32(h[3]) };
}
INLINE void v_to_f16(void *p, vf a)
{
	const uint16_t h[W] = { f32_to_f16(a[0]), f32_to_f16(a[1]), f32_to_f16(a[2]), f32_to_f16(a[3]) };

	memcpy(p, h, sizeof h);
}
INLINE float f16_one(uint16_t h) { return f16_to_f32(h); }
#endif
#endif

/* To the nearest, ties to even; NaN to a quiet NaN. */
INLINE void v_to_bf16(void *p, vf a)
{
	const vu bits = (vu)a, rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16, nan = (bits >> 16) | 0x40;
	const vi is_nan = a != a;
	const vh h = __builtin_convertvector((vu)(((vu)is_nan & nan) | (~(vu)is_nan & rounded)), vh);

	memcpy(p, &h, sizeof h);
}

/* Adding 1.5 2^23 rounds to a whole number, which then is the low bits: << 23 makes of it the exponent of 2^n. */
#define ROUNDER 0x1.8p23f
/* 2^x for x <= 0 (good to 126); 0 below -126; NaN stays. Coefficients: (2^f - 1) / f at Chebyshev nodes of [-1/2, 1/2], 5e-9. */
INLINE vf v_exp2(vf x)
{
	const vf t = x + ROUNDER, f = x - (t - ROUNDER);
	vf p = f * 0.000154531629f + 0.00133908634f;

	p = p * f + 0.00961808256f;
	p = p * f + 0.0555035711f;
	p = p * f + 0.240226508f;
	p = p * f + 0.693147188f;
	p = p * f + 1.0f;
	return v_keep(~(x < -126.0f), p * (vf)(((vu)t << 23) + 0x3f800000));
}
/* e^x for x <= 0 (good to 87); 0 below -87.3; NaN stays. ln 2 in two pieces, the first of few bits (Cody and Waite). (e^r - 1 - r) / r^2: 1e-8. */
INLINE vf v_exp(vf x)
{
	const vf t = x * 1.44269504f + ROUNDER, n = t - ROUNDER, r = x - n * 0.693359375f + n * 2.12194440e-4f;
	vf p = r * 0.00139261761f + 0.00836317307f;

	p = p * r + 0.0416665547f;
	p = p * r + 0.16666577f;
	p = p * r + 0.5f;
	p = p * r * r + r + 1.0f;
	return v_keep(~(x < -87.3f), p * (vf)(((vu)t << 23) + 0x3f800000));
}
/* Of -|x| alone, so that nothing overflows: e / (1 + e) or 1 / (1 + e). */
INLINE vf v_sigmoid(vf x)
{
	const vf e = v_exp(-v_abs(x));

	return v_select(x < 0, e, v_set(1)) / (e + 1.0f);
}
/* x + x^3 P(x^2) below 0.625 (2e-8), else 1 - 2 / (1 + e^2x), signed. */
INLINE vf v_tanh(vf x)
{
	const vf a = v_abs(x), z = x * x, e = v_exp(-2.0f * a);
	vf p = z * -0.00609671417f + 0.020997179f;

	p = p * z - 0.0538509096f;
	p = p * z + 0.133327697f;
	p = p * z - 0.333333289f;
	const vf large = (1.0f - e) / (1.0f + e), sign = (vf)((vi)x & (int32_t)0x80000000);
	return v_select(a < 0.625f, p * z * x + x, (vf)((vi)large | (vi)sign));
}
/* The normal distribution's P(X < x): e^(-x^2/2) Q(u) u of -|x|, u = 1 / (1 + 0.3 |x|), fitted at Chebyshev nodes for |x| <= 14 (4e-9). */
INLINE vf v_normal(vf x)
{
	const vf a = v_abs(x), u = 1.0f / (0.3f * a + 1.0f), e = v_exp(-0.5f * x * x);
	vf p = u * -0.0209143597f + 0.114040272f;

	p = p * u - 0.232038483f;
	p = p * u + 0.196940677f;
	p = p * u - 0.083742549f;
	p = p * u + 0.0984807402f;
	p = p * u + 0.0775890644f;
	p = p * u + 0.11040518f;
	p = p * u + 0.119551763f;
	p = p * u + 0.119687693f;
	p = p * u * e;
	return v_select(x < 0, p, 1.0f - p);
}

/* W numbers of a cache row from number i on, a multiple of W. format is a constant where this is used. */
INLINE vf v_row(uint32_t format, const void *row, uint32_t i)
{
	if (format == KF_F16)
		return v_f16((const uint16_t *)row + i);
	if (format == KF_BF16)
		return v_bf16((const uint16_t *)row + i);
	if (format == KF_Q8_0) {
		const struct q8_0_block *b = (const struct q8_0_block *)row + i / 32;
		return v_i8(b->q + i % 32) * f16_one(b->d);
	}
	return v_load((const float *)row + i);
}
/* The last n < W of a row, zeroes after them; never of Q8_0, whose rows are whole blocks. */
INLINE vf v_row_part(uint32_t format, const void *row, uint32_t i, uint32_t n)
{
	const uint64_t size = format == KF_F32 ? 4 : 2;
	float b[W] = { 0 };

	memcpy(b, (const char *)row + i * size, n * size);
	return format == KF_F32 ? v_load(b) : format == KF_F16 ? v_f16(b) : v_bf16(b);
}
