/* mm_float.h - products of F32, F16, BF16 and FP8 weights with AVX-512; struct matmul "avx512-vnni" (matmul.h) hands these formats on to it.
 *
 * Signatures and meanings are those of struct matmul. BF16 and FP8 weights with AVX512-BF16 take INPUT_BF16, everything else INPUT_F32. A prepared
 * row is padded with zeros to KERNEL_ALIGN. Nothing is repacked: packed_bytes() is 0. */
#ifndef MM_FLOAT_H
#define MM_FLOAT_H

#include "matmul.h"

int mmf512_knows(uint32_t format, uint64_t n);
enum input_kind mmf512_input(uint32_t format);
uint64_t mmf512_input_bytes(enum input_kind k, uint64_t n);
void mmf512_prepare(enum input_kind k, void *out, const float *x, uint64_t n);
uint64_t mmf512_packed_bytes(uint32_t format, uint64_t rows, uint64_t n);
void mmf512_pack(void *out, const struct matrix *w, uint64_t row0, uint64_t row1);
uint64_t mmf512_scratch_bytes(uint32_t format, uint8_t layout, uint64_t n, uint32_t tokens);
void mmf512_run(const struct matmul_args *a, void *scratch);

#endif
