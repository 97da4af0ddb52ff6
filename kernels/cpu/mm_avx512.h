/* mm_avx512.h - how quantised products with AVX-512 VNNI keep activations and packed weights; what their files share.
 *
 * A panel is 16 rows. A step is 4 elements of each of them: 64 bytes, one vector, [row][4]. A group is 32 elements, 8 steps. Weights are
 * unsigned codes u with w = scale (table(u) - zero) or w = scale u - min; a packed panel keeps the codes of all groups as bit planes and
 * after them the scales of all blocks, each field of the block interleaved by row, so that it takes the bytes of 16 native rows.
 * Products are exact in integers: sum over a group of (u - zero) a = (-zero sum(a)) + sum u a. */
#ifndef MM_AVX512_H
#define MM_AVX512_H

#include "matmul.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define V512 __attribute__((target("avx512vnni,avx512f,avx512bw,avx512vl,avx2,fma,f16c")))
#define V512_INLINE V512 __attribute__((always_inline)) static inline

/* Weights on their way from memory: the processor's own fetching alone left a third of one core's bandwidth unused (EPYC 9005: 21 of 33 GB/s).
 * p may lie past the end: nothing is read. */
V512_INLINE void mm_fetch(const uint8_t *p, int bytes)
{
	for (int i = 0; i < bytes; i += 64)
		_mm_prefetch((const void *)(p + i), _MM_HINT_T0);
}

/* An activation row is prepared as groups of 32 numbers. In a call's scratch the same struct holds what one format needs of the sums. */
struct q8_group {
	int8_t q[32];
	float scale;                             /* a = scale q */
	union { int32_t sum[2]; float min[2]; } of; /* of the halves. In scratch: sum: where accumulators start; min: scale * sum, to be times min */
	uint32_t unused;
};
_Static_assert(sizeof(struct q8_group) == 48, "scratch and prepared rows are sized by it");

/* Codes of two bits and more; how a block's scales are stored; whether a group of 32 has one scale (32) or two (16). */
enum { SCALES_F16, SCALES_F16_MIN, SCALES_E8M0, SCALES_K4, SCALES_XS, SCALES_Q6, SCALES_Q3, SCALES_Q2, SCALES_NV4, SCALES_STAGED };
enum { TABLE_NONE, TABLE_NL, TABLE_FP4 };
/*       name,   format,    bits, table,      group, min, zero, scales,         scale bytes of a block, block */
#define MM512_FORMATS(X) \
	X(q4_0,   KF_Q4_0,   4, TABLE_NONE, 32, 0, 8,   SCALES_F16,     2,  32) \
	X(q4_1,   KF_Q4_1,   4, TABLE_NONE, 32, 1, 0,   SCALES_F16_MIN, 4,  32) \
	X(q5_0,   KF_Q5_0,   5, TABLE_NONE, 32, 0, 16,  SCALES_F16,     2,  32) \
	X(q5_1,   KF_Q5_1,   5, TABLE_NONE, 32, 1, 0,   SCALES_F16_MIN, 4,  32) \
	X(q8_0,   KF_Q8_0,   8, TABLE_NONE, 32, 0, 128, SCALES_F16,     2,  32) \
	X(q2_k,   KF_Q2_K,   2, TABLE_NONE, 16, 1, 0,   SCALES_Q2,      20, 256) \
	X(q3_k,   KF_Q3_K,   3, TABLE_NONE, 16, 0, 4,   SCALES_Q3,      14, 256) \
	X(q4_k,   KF_Q4_K,   4, TABLE_NONE, 32, 1, 0,   SCALES_K4,      16, 256) \
	X(q5_k,   KF_Q5_K,   5, TABLE_NONE, 32, 1, 0,   SCALES_K4,      16, 256) \
	X(q6_k,   KF_Q6_K,   6, TABLE_NONE, 16, 0, 32,  SCALES_Q6,      18, 256) \
	X(iq4_nl, KF_IQ4_NL, 4, TABLE_NL,   32, 0, 128, SCALES_F16,     2,  32) \
	X(iq4_xs, KF_IQ4_XS, 4, TABLE_NL,   32, 0, 128, SCALES_XS,      8,  256) \
	X(mxfp4,  KF_MXFP4,  4, TABLE_FP4,  32, 0, 12,  SCALES_E8M0,    1,  32) \
	X(nvfp4,  KF_NVFP4,  4, TABLE_FP4,  16, 0, 12,  SCALES_NV4,     4,  64)

struct mm512_job {
	const uint8_t *codes[2], *scales[2];     /* of one or two panels, at the job's first group */
	const struct q8_group *in;               /* [groups][tokens] */
	uint64_t groups;                         /* of 32; whole blocks */
	uint32_t tokens;
	float *acc;                              /* [tokens][panels][16], added to */
};
typedef void mm512_kernel(const struct mm512_job *j);

struct mm512_format {
	uint32_t format;
	uint8_t bits, table, group, min, scale_bytes;
	uint8_t zero;
	uint16_t block;
	mm512_kernel *one, *many[2];             /* one token, one panel; any tokens, one or two panels */
};
const struct mm512_format *mm512_format(uint32_t format);   /* NULL: not one that is packed */
/* Kernels for panels that are staged: codes of 8 bits, scales float [group of 32][halves][16], after them the same of mins if there are any. */
struct mm512_format mm512_staged(uint8_t group, uint8_t min, uint8_t zero);

static inline uint64_t mm512_code_bytes(const struct mm512_format *f, uint64_t n) { return n / 32 * f->bits * 64; }
static inline uint64_t mm512_panel_bytes(const struct mm512_format *f, uint64_t n)
{
	return (mm512_code_bytes(f, n) + n / f->block * f->scale_bytes * MATRIX_ROWS + KERNEL_ALIGN - 1) / KERNEL_ALIGN * KERNEL_ALIGN;
}
/* A panel of at most `rows` native rows, row_bytes apart, of which the n elements at `rows` are taken. */
struct mm512_rows { const uint8_t *rows; uint64_t row_bytes; unsigned count; uint64_t n; };
/* Row `row` of a packed matrix as floats. */
void mm512_unpack_row(float *out, const struct matrix *w, uint64_t row);
void mm512_pack_panel(uint8_t *codes, uint8_t *scales, const struct mm512_format *f, const struct mm512_rows *r);
enum { MM512_STAGE = 512 };              /* elements that are staged at a time: with scales 20 KiB of two panels stay in the first cache */
/* Any format with integers(), too. scales: 2 * MM512_STAGE / 16 * 16 floats. */
void mm512_stage_panel(uint8_t *codes, float *scales, const struct mm512_format *staged, uint32_t format, const struct mm512_rows *r);

/* One native row times one token. away: what zero or min of a group comes to, to be times its scale or min. */
struct mm512_row_input { const int8_t *q; const float *scale, *away; const int32_t *start; uint64_t n; };
typedef float mm512_row(const uint8_t *row, const struct mm512_row_input *in);
mm512_row *mm512_row_find(uint32_t format);  /* NULL: the format has to be staged */
/* The same of the codebooks' formats, and their kformat.integers; NULL: it is none of them. */
mm512_row *mm512_book_row(uint32_t format);
typedef void mm512_integers(uint8_t *u, float *scale, float *min, const void *blocks, uint64_t n);
mm512_integers *mm512_book_integers(uint32_t format);
uint64_t mm512_row_input_bytes(uint64_t n);
void mm512_row_input(struct mm512_row_input *out, void *scratch, const struct mm512_format *f, const struct q8_group *in, uint64_t n);

extern const uint8_t mm512_table[3][16]; /* of the codes, plus zero */
#endif
#endif
