/* mm_float_avx512.c - F32, F16 and BF16 weights with AVX-512
 *
 * Few tokens read the rows as they are: memory is the bound, and the sums along a row cost little beside it. Many tokens go panel by panel:
 * 64 rows x PANEL_UNITS units are turned once into scratch, where they stay in the second cache, and every six tokens
 * then take 24 sums of sixteen rows through it, four loads and six broadcasts for 24 multiply-adds. */
#include "cpu/isa.h"
#include "cpu/mm_float.h"

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

ALWAYS_INLINE uint64_t row_bytes(const struct matrix *w) { return w->n * (w->format == KF_F32 ? 4 : 2); }
ALWAYS_INLINE void put(const struct matmul_args *a, float *out, uint64_t row, float sum)
{
	if (a->bias)
		sum += a->bias[row];
	*out = a->add ? *out + sum : sum;
}

/* Units [u, u + 16) of a row, the first `numbers` of them, zeros behind. */
AVX512 ALWAYS_INLINE __m512i f32_load_units(const char *w, uint64_t u, const unsigned numbers, const uint32_t format)
{
	const __mmask16 m = (__mmask16)((1u << numbers) - 1);

	if (format == KF_F32)
		return numbers == 16 ? _mm512_loadu_si512(w + 4 * u) : _mm512_maskz_loadu_epi32(m, w + 4 * u);
	const __m256i h = numbers == 16 ? _mm256_loadu_si256((const __m256i *)(const void *)(w + 2 * u)) : _mm256_maskz_loadu_epi16(m, w + 2 * u);
	return format == KF_F16 ? _mm512_castps_si512(_mm512_cvtph_ps(h)) : _mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16);
}
AVX512 ALWAYS_INLINE __m512 f32_mac(__m512 s, __m512i w, __m512i x) { return _mm512_fmadd_ps(_mm512_castsi512_ps(w), _mm512_castsi512_ps(x), s); }

AVX512_BF16 ALWAYS_INLINE __m512i bf16_load_units(const char *w, uint64_t u, const unsigned numbers, const uint32_t format)
{
	(void)format;
	return numbers == 32 ? _mm512_loadu_si512(w + 4 * u) : _mm512_maskz_loadu_epi16((__mmask32)(((uint64_t)1 << numbers) - 1), w + 4 * u);
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

AVX512 static void run_f32(const struct matmul_args *a, char *panel)
{
	if (a->tokens <= FEW_TOKENS)
		f32_few(a, KF_F32);
	else
		f32_many(a, panel, KF_F32);
}
AVX512 static void run_f16(const struct matmul_args *a, char *panel)
{
	if (a->tokens <= FEW_TOKENS)
		f32_few(a, KF_F16);
	else
		f32_many(a, panel, KF_F16);
}
AVX512 static void run_bf16_widened(const struct matmul_args *a, char *panel)
{
	if (a->tokens <= FEW_TOKENS)
		f32_few(a, KF_BF16);
	else
		f32_many(a, panel, KF_BF16);
}
AVX512_BF16 static void run_bf16(const struct matmul_args *a, char *panel)
{
	if (a->tokens <= FEW_TOKENS)
		bf16_few(a, KF_BF16);
	else
		bf16_many(a, panel, KF_BF16);
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
	return format == KF_F32 || format == KF_F16 || format == KF_BF16;
}

enum input_kind mmf512_input(uint32_t format) { return format == KF_BF16 && isa_bf16_beside_avx512() ? INPUT_BF16 : INPUT_F32; }

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
	switch (a->w->format) {
	case KF_F32: run_f32(a, scratch); break;
	case KF_F16: run_f16(a, scratch); break;
	default:
		if (isa_bf16_beside_avx512())
			run_bf16(a, scratch);
		else
			run_bf16_widened(a, scratch);
	}
}

#endif
