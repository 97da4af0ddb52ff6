/* ops_avx2.c - the table of AVX2 with FMA and F16C */
#include "cpu/isa.h"
#include "cpu/ops_tables.h"

#include <float.h>
#include <math.h>
#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c")
#endif
#define VEC_AVX2
#include "cpu/ops_body.h"
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

const struct ops ops_avx2 = OPS_TABLE("avx2", isa_avx2);
#else
typedef int ops_avx2_not_here;                   /* a file may not be empty */
#endif
