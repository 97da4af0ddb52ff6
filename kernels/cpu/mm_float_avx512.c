/* mm_float_avx512.c - F32, F16, BF16 and FP8 weights with AVX-512
 *
 * FP8 numbers are bfloat16 numbers too, and turned into these on the way.
 * Few tokens read the rows as they are: memory is the bound, and the sums along a row cost little beside it. Many tokens go panel by panel:
 * 64 rows x PANEL_UNITS units are turned once into scratch, where they stay in the second cache, and every six tokens
 * then take 24 sums of sixteen rows through it, four loads and six broadcasts for 24 multiply-adds. */
#include "cpu/isa.h"
#include "cpu/mm_float.h"

#include <stddef.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>

/* Sums that are indexed by a loop which is not unrolled would live in memory. */
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx2,fma,f16c")))
#define AVX512_BF16 __attribute__((target("avx512bf16,avx512f,avx512bw,avx512vl,avx2,fma,f16c")))

/* 64 rows x 256 units of four bytes: 64 KiB, read at a third of what a second cache gives. Up to FEW_TOKENS turning the rows costs more than
 * sums across lanes. */
enum { PANEL_ROWS = 64, PANEL_UNITS = 256, TILE_TOKENS = 6, FEW_TOKENS = 16 };

struct tile_args {
	const struct matmul_args *a;
	const char *panel;
	uint64_t row, u0, units;
	__mmask16 mask[4];       /* which of the panel's rows there are */
	uint8_t first;           /* sums begin with bias and what is added to, not with what the last units left */
};

ALWAYS_INLINE uint64_t number_bytes(const uint32_t format) { return format == KF_F32 ? 4 : format == KF_F16 || format == KF_BF16 ? 2 : 1; }
ALWAYS_INLINE uint64_t row_bytes(const struct matrix *w) { return w->n * number_bytes(w->format); }
ALWAYS_INLINE void put(const struct matmul_args *a, float *out, uint64_t row, float sum)
{
	if (a->bias)
		sum += a->bias[row];
	*out = a->add ? *out + sum : sum;
}

/* Codes of FP8, a word each, as bfloat16: exponent and mantissa move into place, the bias of 7 or 15 becomes 127. What is below the least normal
 * number is looked up, units of 2^-9 or 2^-16; above the largest are E4M3's NaN, or the infinity and NaNs of E5M2, whose exponent is all ones. */
AVX512 ALWAYS_INLINE __m512i fp8_to_bf16(__m512i v, const uint32_t format)
{
	const int e4m3 = format == KF_FP8_E4M3;
	const __m512i a = _mm512_and_si512(v, _mm512_set1_epi16(0x7f));
	const __m512i units = e4m3 ? _mm512_broadcast_i32x4(_mm_setr_epi16(0, 0x3b00, 0x3b80, 0x3bc0, 0x3c00, 0x3c20, 0x3c40, 0x3c60))
		: _mm512_broadcast_i32x4(_mm_setr_epi16(0, 0x3780, 0x3800, 0x3840, 0, 0, 0, 0));
	__m512i w = _mm512_add_epi16(_mm512_slli_epi16(a, e4m3 ? 4 : 5), _mm512_set1_epi16((short)((e4m3 ? 120 : 112) << 7)));

	w = _mm512_mask_permutexvar_epi16(w, _mm512_cmplt_epi16_mask(a, _mm512_set1_epi16(e4m3 ? 8 : 4)), a, units);
	if (e4m3)
		w = _mm512_mask_mov_epi16(w, _mm512_cmpeq_epi16_mask(a, _mm512_set1_epi16(0x7f)), _mm512_set1_epi16(0x7fc0));
	else
		w = _mm512_mask_add_epi16(w, _mm512_cmpge_epi16_mask(a, _mm512_set1_epi16(0x7c)), w, _mm512_set1_epi16(112 << 7));
	return _mm512_ternarylogic_epi32(w, _mm512_slli_epi16(v, 8), _mm512_set1_epi16((short)0x8000), 0xf8);      /* w | (sign & mask) */
}

/* Units [u, u + 16) of a row, the first `numbers` of them, zeros behind. */
AVX512 ALWAYS_INLINE __m512i f32_load_units(const char *w, uint64_t u, const unsigned numbers, const uint32_t format)
{
	const __mmask16 m = (__mmask16)((1u << numbers) - 1);

	if (format == KF_F32)
		return numbers == 16 ? _mm512_loadu_si512(w + 4 * u) : _mm512_maskz_loadu_epi32(m, w + 4 * u);
	if (number_bytes(format) == 1) {
		const __m128i b = numbers == 16 ? _mm_loadu_si128((const __m128i *)(const void *)(w + u)) : _mm_maskz_loadu_epi8(m, w + u);
		const __m512i h = fp8_to_bf16(_mm512_castsi256_si512(_mm256_cvtepu8_epi16(b)), format);
		return _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm512_castsi512_si256(h)), 16);
	}
	const __m256i h = numbers == 16 ? _mm256_loadu_si256((const __m256i *)(const void *)(w + 2 * u)) : _mm256_maskz_loadu_epi16(m, w + 2 * u);
	return format == KF_F16 ? _mm512_castps_si512(_mm512_cvtph_ps(h)) : _mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16);
}
AVX512 ALWAYS_INLINE __m512 f32_mac(__m512 s, __m512i w, __m512i x) { return _mm512_fmadd_ps(_mm512_castsi512_ps(w), _mm512_castsi512_ps(x), s); }

AVX512_BF16 ALWAYS_INLINE __m512i bf16_load_units(const char *w, uint64_t u, const unsigned numbers, const uint32_t format)
{
	const __mmask32 m = (__mmask32)(((uint64_t)1 << numbers) - 1);

	if (format == KF_BF16)
		return numbers == 32 ? _mm512_loadu_si512(w + 4 * u) : _mm512_maskz_loadu_epi16(m, w + 4 * u);
	return fp8_to_bf16(_mm512_cvtepu8_epi16(numbers == 32 ? _mm256_loadu_si256((const __m256i *)(const void *)(w + 2 * u)) : _mm256_maskz_loadu_epi8(m, w + 2 * u)), format);
}
AVX512_BF16 ALWAYS_INLINE __m512 bf16_mac(__m512 s, __m512i w, __m512i x) { return _mm512_dpbf16_ps(s, (__m512bh)w, (__m512bh)x); }

#define T(name) f32_##name
#define TARGET AVX512
#define UNIT_NUMBERS 1
#include "cpu/mm_float_tile.h"
#undef T
#undef TARGET
#undef UNIT_NUMBERS

#define T(name) bf16_##name
#define TARGET AVX512_BF16
#define UNIT_NUMBERS 2
#include "cpu/mm_float_tile.h"
#undef T
#undef TARGET
#undef UNIT_NUMBERS

typedef void run_fn(const struct matmul_args *a, char *panel);
#define RUN(name, how, target, format) \
target static void name(const struct matmul_args *a, char *panel) \
{ \
	if (a->tokens <= FEW_TOKENS) \
		how##_few(a, format); \
	else \
		how##_many(a, panel, format); \
}
RUN(run_f32, f32, AVX512, KF_F32)
RUN(run_f16, f32, AVX512, KF_F16)
RUN(run_bf16_widened, f32, AVX512, KF_BF16)
RUN(run_e4m3_widened, f32, AVX512, KF_FP8_E4M3)
RUN(run_e5m2_widened, f32, AVX512, KF_FP8_E5M2)
RUN(run_bf16, bf16, AVX512_BF16, KF_BF16)
RUN(run_e4m3, bf16, AVX512_BF16, KF_FP8_E4M3)
RUN(run_e5m2, bf16, AVX512_BF16, KF_FP8_E5M2)
#undef RUN

/* bf16: where the processor multiplies these, weights that are bfloat16 numbers; NULL: never */
static const struct { uint32_t format; run_fn *wide, *bf16; } runs[] = {
	{ KF_F32, run_f32, NULL }, { KF_F16, run_f16, NULL }, { KF_BF16, run_bf16_widened, run_bf16 },
	{ KF_FP8_E4M3, run_e4m3_widened, run_e4m3 }, { KF_FP8_E5M2, run_e5m2_widened, run_e5m2 }
};
enum { RUNS = sizeof runs / sizeof *runs };
static run_fn *run_of(uint32_t format, int bf16)
{
	for (unsigned i = 0; i < RUNS; i++)
		if (runs[i].format == format)
			return bf16 ? runs[i].bf16 : runs[i].wide;
	return NULL;
}

AVX512_BF16 static void prepare_bf16(uint16_t *out, const float *x, uint64_t n)
{
	for (uint64_t i = 0; i < n; i += 16) {
		const __mmask16 m = (__mmask16)(n - i >= 16 ? 0xffff : (1u << (n - i)) - 1);
		_mm256_store_si256((__m256i *)(void *)(out + i), (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(m, x + i)));
	}
	if ((n + 15) / 16 % 2)
		_mm256_store_si256((__m256i *)(void *)(out + (n + 15) / 16 * 16), _mm256_setzero_si256());
}

int mmf512_knows(uint32_t format, uint64_t n)
{
	(void)n;
	return run_of(format, 0) != NULL;
}

enum input_kind mmf512_input(uint32_t format) { return run_of(format, 1) && isa_bf16_beside_avx512() ? INPUT_BF16 : INPUT_F32; }

uint64_t mmf512_input_bytes(enum input_kind k, uint64_t n) { return (n * (k == INPUT_BF16 ? 2 : 4) + KERNEL_ALIGN - 1) / KERNEL_ALIGN * KERNEL_ALIGN; }

void mmf512_prepare(enum input_kind k, void *out, const float *x, uint64_t n)
{
	if (k == INPUT_BF16) {
		prepare_bf16(out, x, n);
		return;
	}
	memcpy(out, x, n * sizeof *x);
	memset((float *)out + n, 0, mmf512_input_bytes(k, n) - n * sizeof *x);
}

/* A layout of sixteen rows would spare one-token products the sums across lanes, which is less than 5 % of their time. */
uint64_t mmf512_packed_bytes(uint32_t format, uint64_t rows, uint64_t n)
{
	(void)format, (void)rows, (void)n;
	return 0;
}
void mmf512_pack(void *out, const struct matrix *w, uint64_t row0, uint64_t row1) { (void)out, (void)w, (void)row0, (void)row1; }

uint64_t mmf512_scratch_bytes(uint32_t format, uint8_t layout, uint64_t n, uint32_t tokens)
{
	(void)format, (void)layout, (void)n;
	return tokens <= FEW_TOKENS ? 0 : PANEL_ROWS * PANEL_UNITS * 4;
}

void mmf512_run(const struct matmul_args *a, void *scratch)
{
	run_of(a->w->format, mmf512_input(a->w->format) == INPUT_BF16)(a, scratch);
}

#endif
