/* matmul.h - products of quantised weights with activations: the work of nearly every op.
 *
 * Weights stay as stored (NATIVE: rows of blocks, as in the file) or repacked once (PACKED: sixteen rows interleaved, an implementation's own
 * business, of the same number of bytes up to a padding of the last rows). Activations are prepared once a step (quantised to int8 by groups of 32, turned into
 * bfloat16, or left) and then serve any number of matrices. One struct matmul an instruction set; "ref" computes in double from what kformat.dequantise() says and leaves the
 * activations as they are. No allocation, no threads: the caller gives scratch and row ranges. */
#ifndef KERNEL_MATMUL_H
#define KERNEL_MATMUL_H

#include "formats.h"

enum matrix_layout { MATRIX_NATIVE, MATRIX_PACKED };
enum { MATRIX_ROWS = 16, KERNEL_ALIGN = 64 };

struct matrix {
	const void *data;                        /* NATIVE: any alignment; PACKED: KERNEL_ALIGN */
	uint64_t rows, n;                        /* outputs, inputs; n is a multiple of the format's block */
	uint32_t format;                         /* enum kernel_format */
	uint8_t layout;
};

/* How activations are kept for a product. What a prepared row looks like is the implementation's business. */
enum input_kind { INPUT_F32, INPUT_BF16, INPUT_Q8, INPUT_KINDS };

struct matmul_args {
	const struct matrix *w;
	uint64_t row0, row1;                     /* rows of w to compute; row0 a multiple of MATRIX_ROWS, row1 too or w->rows */
	const void *in; uint64_t in_stride;      /* prepared rows, in_stride bytes apart, KERNEL_ALIGN */
	uint32_t tokens;                         /* rows of in; at least 1 */
	float *out; uint64_t out_stride;         /* out[t * out_stride + row]; only rows [row0, row1) are written */
	const float *bias;                       /* rows numbers added, or NULL */
	uint8_t add;                             /* 1: out += instead of out = (the residual stream) */
};

struct matmul {
	const char *isa;                         /* "ref", "scalar", "avx2", "avx512-vnni", "neon-dotprod", ... */
	int (*can)(void);                        /* this processor has it */
	/* 1 when this implementation multiplies such matrices */
	int (*knows)(uint32_t format, uint64_t n);
	enum input_kind (*input)(uint32_t format);
	/* bytes of one prepared row of n numbers, a multiple of KERNEL_ALIGN */
	uint64_t (*input_bytes)(enum input_kind k, uint64_t n);
	/* one that is not finite makes all that the row is multiplied into no number, or infinite */
	void (*prepare)(enum input_kind k, void *out, const float *x, uint64_t n);
	/* Does repacking pay for this format? Then bytes of the packed matrix; 0: no, use it as it is. */
	uint64_t (*packed_bytes)(uint32_t format, uint64_t rows, uint64_t n);
	/* Packs rows [row0, row1) of w (NATIVE) into out, which is the start of the whole packed matrix; row0 a multiple of MATRIX_ROWS. */
	void (*pack)(void *out, const struct matrix *w, uint64_t row0, uint64_t row1);
	/* scratch of one call, at most so many tokens and inputs; a multiple of KERNEL_ALIGN */
	uint64_t (*scratch_bytes)(uint32_t format, uint8_t layout, uint64_t n, uint32_t tokens);
	void (*run)(const struct matmul_args *a, void *scratch);
	/* One row of a packed matrix as floats (a tied embedding's); NULL when nothing is packed. scratch: scratch_bytes() of it */
	void (*row)(float *out, const struct matrix *w, uint64_t row, void *scratch);
};
extern const struct matmul *const matmuls[];     /* best first, NULL-ended; the last but one is "scalar", the last "ref" */
/* The first that this processor can run, or the one named isa (NULL: any); NULL: no such, or this processor has it not. */
const struct matmul *matmul_best(const char *isa);

#endif
