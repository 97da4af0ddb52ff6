/* ops_neon.c - the table of aarch64: NEON is part of it */
#include "cpu/isa.h"
#include "cpu/ops_tables.h"

#include <float.h>
#include <math.h>
#include <string.h>

#ifdef __aarch64__
#include <arm_neon.h>

#define VEC_NEON
#include "cpu/ops_body.h"

const struct ops ops_neon = OPS_TABLE("neon", isa_always);
#else
typedef int ops_neon_not_here;                   /* a file may not be empty */
#endif
