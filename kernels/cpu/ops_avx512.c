/* ops_avx512.c - the table of AVX-512 F, BW and VL */
#include "cpu/isa.h"
#include "cpu/ops_tables.h"

#include <float.h>
#include <math.h>
#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx2,fma,f16c"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx2,fma,f16c")
#endif
#define VEC_AVX512
#include "cpu/ops_body.h"
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

const struct ops ops_avx512 = OPS_TABLE("avx512", isa_avx512);
#else
typedef int ops_avx512_not_here;                   /* a file may not be empty */
#endif
