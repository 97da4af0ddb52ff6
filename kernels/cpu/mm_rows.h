/* mm_rows.h - what the products of scalar, AVX2 and NEON share: formats, prepared activations, scratch
 *
 * A row of n activations as INPUT_Q8: n signed bytes within 127, then by groups of 32 the float that each is worth, then the sums of groups
 * of 32 and of 16 in floats (bytes' sum times worth), for formats with minimums. INPUT_F32: the floats. */
#ifndef MM_ROWS_H
#define MM_ROWS_H

#include "matmul.h"
#include "ref/format_k.h"

#include <stddef.h>
#include <string.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))
/* Sums that are indexed by a loop which is not unrolled would live in memory. */
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* the compilers' own vector, lowered to what the instruction set has */
typedef uint8_t bytes16 __attribute__((vector_size(16)));

struct q8_row {
	const int8_t *q;
	const float *d, *sum32, *sum16;
};

static inline uint64_t aligned(uint64_t bytes) { return (bytes + KERNEL_ALIGN - 1) / KERNEL_ALIGN * KERNEL_ALIGN; }
static inline uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

static inline uint64_t rows_input_bytes(enum input_kind k, uint64_t n)
{
	const uint64_t groups = (n + 31) / 32;

	return k == INPUT_Q8 ? aligned(32 * groups) + aligned(4 * 4 * groups) : aligned(n * sizeof(float));
}
static inline struct q8_row q8_row_at(const void *in, uint64_t n)
{
	const uint64_t groups = (n + 31) / 32;
	const float *f = (const float *)(const void *)((const char *)in + aligned(32 * groups));

	return (struct q8_row){ in, f, f + groups, f + 2 * groups };
}

/* Activations that stay floats; zeros behind them. */
static inline void rows_keep(void *out, const float *x, uint64_t n)
{
	memcpy(out, x, n * sizeof *x);
	memset((char *)out + n * sizeof *x, 0, aligned(n * sizeof *x) - n * sizeof *x);
}

static inline int rows_knows(uint32_t format, uint64_t n)
{
	const struct kformat *f = kformat_find(format);

	return f && n && n % f->block == 0;
}
static inline enum input_kind rows_input(uint32_t format)
{
	const struct kformat *f = kformat_find(format);

	return f && f->group ? INPUT_Q8 : INPUT_F32;
}
static inline uint64_t rows_packed_bytes(uint32_t format, uint64_t rows, uint64_t n)
{
	(void)format, (void)rows, (void)n;
	return 0;
}
static inline void rows_pack(void *out, const struct matrix *w, uint64_t row0, uint64_t row1) { (void)out, (void)w, (void)row0, (void)row1; }

static inline int has_minimums(uint32_t format)
{
	return format == KF_Q4_1 || format == KF_Q5_1 || format == KF_Q2_K || format == KF_Q4_K || format == KF_Q5_K;
}
/* What kformat.integers exceeds signed numbers by: the zero points of ref/format_*.c. */
static inline int zero_point(uint32_t format)
{
	return format == KF_NVFP4 ? 12 : format == KF_IQ1_S || format == KF_IQ1_M ? 9 : 128;
}

/* Where a run of many or few rows keeps what it unpacked. lanes rows of a panel, and one row. */
struct rows_scratch {
	int8_t *row, *panel;
	float *scale, *min, *panel_scale, *panel_min;
};
static inline uint64_t rows_scratch_bytes_of(const struct kformat *f, uint64_t n, unsigned lanes)
{
	const uint64_t groups = f->group ? n / f->group : 0;

	return f->group ? (lanes + 1) * aligned(n) + (2 * lanes + 2) * aligned(4 * groups) : 0;
}
static inline struct rows_scratch rows_scratch_at(void *scratch, const struct kformat *f, uint64_t n, unsigned lanes)
{
	const uint64_t g = aligned(4 * (n / f->group)) / 4;
	struct rows_scratch s = { .row = scratch };

	s.panel = s.row + aligned(n);
	s.scale = (float *)(void *)(s.panel + lanes * aligned(n));
	s.min = s.scale + g;
	s.panel_scale = s.min + g;
	s.panel_min = s.panel_scale + lanes * g;
	return s;
}

static inline uint16_t half_at(const unsigned char *p)
{
	uint16_t h;

	memcpy(&h, p, sizeof h);
	return h;
}

static inline void put(const struct matmul_args *a, uint32_t t, uint64_t row, float sum)
{
	float *out = a->out + t * a->out_stride + row;

	if (a->bias)
		sum += a->bias[row];
	*out = a->add ? *out + sum : sum;
}

#endif
