/* ops_tables.h - one table of ops.h an instruction set; each comes of the same body (ops_body.h) over vectors of another width (ops_vec.h) */
#ifndef OPS_TABLES_H
#define OPS_TABLES_H

#include "ops.h"

extern const struct ops ops_scalar;
#if defined(__x86_64__)
extern const struct ops ops_avx2, ops_avx512;
#elif defined(__aarch64__)
extern const struct ops ops_neon;
#endif

#endif
