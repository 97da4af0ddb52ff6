/* rates_vector.c - a matrix times a vector, row after row, so that the weights are read as one stream */
#include "cpu/isa.h"
#include "cpu/rates.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

static inline float f32_of_bits(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof f);
	return f;
}

static inline float f32_of_bf16(uint16_t h) { return f32_of_bits((uint32_t)h << 16); }

#ifdef __aarch64__
static inline float f32_of_half(uint16_t h)
{
	__fp16 f;

	memcpy(&f, &h, sizeof f);
	return (float)f;
}
#else
/* IEEE half to single; subnormals by way of 2^-24 a unit. */
static inline float f32_of_half(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 1023;

	if (!exponent) {
		float f = (float)fraction * 0x1p-24f;
		return sign ? -f : f;
	}
	return f32_of_bits(sign | (exponent == 31 ? 255 : exponent + 112) << 23 | fraction << 13);
}
#endif

static void f32_scalar(float *y, const void *w, const void *x, size_t rows, size_t cols)
{
	const float *a = w, *b = x;

	for (size_t r = 0; r < rows; r++, a += cols) {
		float s[8] = { 0 };
		for (size_t i = 0; i < cols; i++)
			s[i % 8] += a[i] * b[i];
		y[r] = ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
	}
}

static void bf16_scalar(float *y, const void *w, const void *x, size_t rows, size_t cols)
{
	const uint16_t *a = w;
	const float *b = x;

	for (size_t r = 0; r < rows; r++, a += cols) {
		float s[8] = { 0 };
		for (size_t i = 0; i < cols; i++)
			s[i % 8] += f32_of_bf16(a[i]) * b[i];
		y[r] = ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
	}
}

static void q8_scalar(float *y, const void *w, const void *x, size_t rows, size_t cols)
{
	const struct q8_block *a = w;
	const struct q8_input *b = x;
	const size_t n = cols / 32;

	for (size_t r = 0; r < rows; r++, a += n) {
		float s = 0;
		for (size_t i = 0; i < n; i++) {
			int32_t dot = 0;
			for (unsigned j = 0; j < 32; j++)
				dot += a[i].q[j] * b[i].q[j];
			s += f32_of_half(a[i].scale) * b[i].scale * (float)dot;
		}
		y[r] = s;
	}
}

#if defined(__x86_64__)
#define AVX2 __attribute__((target("avx2,fma,f16c")))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx2,fma,f16c")))

AVX2 static inline float sum8(__m256 v)
{
	__m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));

	s = _mm_add_ps(s, _mm_movehl_ps(s, s));
	return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
AVX2 static inline __m256 load8(const float *p) { return _mm256_loadu_ps(p); }
AVX2 static inline __m256 load8h(const uint16_t *p)
{
	return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)), 16));
}
AVX512 static inline __m512 load16(const float *p) { return _mm512_loadu_ps(p); }
AVX512 static inline __m512 load16h(const uint16_t *p)
{
	return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p)), 16));
}

/* Eight accumulators of one vector each; `one` turns a weight of the tail into a float. */
#define DOT_ROWS(name, isa, type, width, vec, zero, fma, load, loadx, add, sum, one) \
isa static void name(float *y, const void *w, const void *x, size_t rows, size_t cols) \
{ \
	const type *a = w; \
	const float *b = x; \
	for (size_t r = 0; r < rows; r++, a += cols) { \
		vec s[8]; \
		size_t i = 0; \
		for (unsigned j = 0; j < 8; j++) \
			s[j] = zero; \
		for (; i + 8 * width <= cols; i += 8 * width) \
			for (unsigned j = 0; j < 8; j++) \
				s[j] = fma(load(a + i + j * width), loadx(b + i + j * width), s[j]); \
		for (; i + width <= cols; i += width) \
			s[0] = fma(load(a + i), loadx(b + i), s[0]); \
		s[0] = add(add(add(s[0], s[1]), add(s[2], s[3])), add(add(s[4], s[5]), add(s[6], s[7]))); \
		float rest = 0; \
		for (; i < cols; i++) \
			rest += one(a[i]) * b[i]; \
		y[r] = sum(s[0]) + rest; \
	} \
}
DOT_ROWS(f32_avx2, AVX2, float, 8, __m256, _mm256_setzero_ps(), _mm256_fmadd_ps, load8, load8, _mm256_add_ps, sum8, )
DOT_ROWS(bf16_avx2, AVX2, uint16_t, 8, __m256, _mm256_setzero_ps(), _mm256_fmadd_ps, load8h, load8, _mm256_add_ps, sum8, f32_of_bf16)
DOT_ROWS(f32_avx512, AVX512, float, 16, __m512, _mm512_setzero_ps(), _mm512_fmadd_ps, load16, load16, _mm512_add_ps, _mm512_reduce_add_ps, )
DOT_ROWS(bf16_avx512, AVX512, uint16_t, 16, __m512, _mm512_setzero_ps(), _mm512_fmadd_ps, load16h, load16, _mm512_add_ps,
	_mm512_reduce_add_ps, f32_of_bf16)

/* Products of signed bytes with instructions that want one side unsigned: |w| times x with w's sign. The pair sums of maddubs stay
 * below 2 * 128 * 127 and so do not saturate. */
AVX2 static inline __m256i dot_maddubs(__m256i w, __m256i x)
{
	return _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_sign_epi8(w, w), _mm256_sign_epi8(x, w)), _mm256_set1_epi16(1));
}
#define AVX_VNNI __attribute__((target("avxvnni,avx2,fma,f16c")))
AVX_VNNI static inline __m256i dot_avx_vnni(__m256i w, __m256i x)
{
	return _mm256_dpbusd_avx_epi32(_mm256_setzero_si256(), _mm256_sign_epi8(w, w), _mm256_sign_epi8(x, w));
}
#define AVX512_VNNI __attribute__((target("avx512vnni,avx512f,avx512bw,avx512vl,avx2,fma,f16c")))
AVX512_VNNI static inline __m256i dot_avx512_vnni(__m256i w, __m256i x)
{
	return _mm256_dpbusd_epi32(_mm256_setzero_si256(), _mm256_sign_epi8(w, w), _mm256_sign_epi8(x, w));
}

/* One block added to s. */
#define Q8_STEP(dot, s, a, b) \
	s = _mm256_fmadd_ps(_mm256_set1_ps(_cvtsh_ss((a).scale) * (b).scale), _mm256_cvtepi32_ps(dot( \
		_mm256_loadu_si256((const __m256i *)(const void *)(a).q), _mm256_loadu_si256((const __m256i *)(const void *)(b).q))), s)
#define Q8_ROWS(name, isa, dot) \
isa static void name(float *y, const void *w, const void *x, size_t rows, size_t cols) \
{ \
	const struct q8_block *a = w; \
	const struct q8_input *b = x; \
	const size_t n = cols / 32; \
	for (size_t r = 0; r < rows; r++, a += n) { \
		__m256 s[4]; \
		size_t i = 0; \
		for (unsigned j = 0; j < 4; j++) \
			s[j] = _mm256_setzero_ps(); \
		for (; i + 4 <= n; i += 4) \
			for (unsigned j = 0; j < 4; j++) \
				Q8_STEP(dot, s[j], a[i + j], b[i + j]); \
		for (; i < n; i++) \
			Q8_STEP(dot, s[0], a[i], b[i]); \
		y[r] = sum8(_mm256_add_ps(_mm256_add_ps(s[0], s[1]), _mm256_add_ps(s[2], s[3]))); \
	} \
}
Q8_ROWS(q8_avx2, AVX2, dot_maddubs)
Q8_ROWS(q8_avx_vnni, AVX_VNNI, dot_avx_vnni)
Q8_ROWS(q8_avx512_vnni, AVX512_VNNI, dot_avx512_vnni)

#elif defined(__aarch64__)
static inline float32x4_t load4h(const uint16_t *p) { return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16)); }

#define DOT_ROWS(name, type, load, one) \
static void name(float *y, const void *w, const void *x, size_t rows, size_t cols) \
{ \
	const type *a = w; \
	const float *b = x; \
	for (size_t r = 0; r < rows; r++, a += cols) { \
		float32x4_t s[8]; \
		size_t i = 0; \
		for (unsigned j = 0; j < 8; j++) \
			s[j] = vdupq_n_f32(0); \
		for (; i + 32 <= cols; i += 32) \
			for (unsigned j = 0; j < 8; j++) \
				s[j] = vfmaq_f32(s[j], load(a + i + 4 * j), vld1q_f32(b + i + 4 * j)); \
		for (; i + 4 <= cols; i += 4) \
			s[0] = vfmaq_f32(s[0], load(a + i), vld1q_f32(b + i)); \
		for (unsigned j = 1; j < 8; j++) \
			s[0] = vaddq_f32(s[0], s[j]); \
		float rest = 0; \
		for (; i < cols; i++) \
			rest += one(a[i]) * b[i]; \
		y[r] = vaddvq_f32(s[0]) + rest; \
	} \
}
DOT_ROWS(f32_neon, float, vld1q_f32, )
DOT_ROWS(bf16_neon, uint16_t, load4h, f32_of_bf16)

static inline int32x4_t dot16(int32x4_t s, int8x16_t w, int8x16_t x)
{
#ifdef __ARM_FEATURE_DOTPROD
	return vdotq_s32(s, w, x);
#else
	return vpadalq_s16(vpadalq_s16(s, vmull_s8(vget_low_s8(w), vget_low_s8(x))), vmull_high_s8(w, x));
#endif
}

static void q8_neon(float *y, const void *w, const void *x, size_t rows, size_t cols)
{
	const struct q8_block *a = w;
	const struct q8_input *b = x;
	const size_t n = cols / 32;

	for (size_t r = 0; r < rows; r++, a += n) {
		float32x4_t s = vdupq_n_f32(0), t = s;
		for (size_t i = 0; i < n; i++) {
			int32x4_t d = dot16(dot16(vdupq_n_s32(0), vld1q_s8(a[i].q), vld1q_s8(b[i].q)), vld1q_s8(a[i].q + 16), vld1q_s8(b[i].q + 16));
			float32x4_t next = vfmaq_n_f32(s, vcvtq_f32_s32(d), f32_of_half(a[i].scale) * b[i].scale);
			s = t;
			t = next;
		}
		y[r] = vaddvq_f32(vaddq_f32(s, t));
	}
}
#endif

static const struct matvec_kernel f32_kernels[] = {
#if defined(__x86_64__)
	{ "avx512", isa_avx512, f32_avx512 }, { "avx2", isa_avx2, f32_avx2 },
#elif defined(__aarch64__)
	{ "neon", isa_always, f32_neon },
#endif
	{ "scalar", isa_always, f32_scalar }, { 0 }
};
static const struct matvec_kernel bf16_kernels[] = {
#if defined(__x86_64__)
	{ "avx512", isa_avx512, bf16_avx512 }, { "avx2", isa_avx2, bf16_avx2 },
#elif defined(__aarch64__)
	{ "neon", isa_always, bf16_neon },
#endif
	{ "scalar", isa_always, bf16_scalar }, { 0 }
};
static const struct matvec_kernel q8_kernels[] = {
#if defined(__x86_64__)
	{ "avx512-vnni", isa_avx512_vnni, q8_avx512_vnni }, { "avx-vnni", isa_avx_vnni, q8_avx_vnni }, { "avx2", isa_avx2, q8_avx2 },
#elif defined(__aarch64__) && defined(__ARM_FEATURE_DOTPROD)
	{ "neon-dotprod", isa_always, q8_neon },
#elif defined(__aarch64__)
	{ "neon", isa_always, q8_neon },
#endif
	{ "scalar", isa_always, q8_scalar }, { 0 }
};
const struct matvec_kernel *const matvec_kernels[RATE_FORMATS] = {
	[RATE_F32] = f32_kernels, [RATE_BF16] = bf16_kernels, [RATE_Q8] = q8_kernels
};

const struct matvec_kernel *matvec_best(enum rate_format f)
{
	const struct matvec_kernel *k = matvec_kernels[f];

	while (!k->can())
		k++;
	return k;
}
