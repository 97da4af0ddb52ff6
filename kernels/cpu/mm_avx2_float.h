/* mm_avx2_float.h - products of F32, F16, BF16 and FP8 weights with AVX2 and FMA, for both tables of AVX2; activations stay floats */
#ifndef MM_AVX2_FLOAT_H
#define MM_AVX2_FLOAT_H

#include "matmul.h"

uint64_t mmf2_scratch_bytes(const struct kformat *f, uint64_t n);
void mmf2_run(const struct matmul_args *a, const struct kformat *f, void *scratch);

#endif
