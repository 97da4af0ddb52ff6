/* ops_scalar.c - the table that runs everywhere: vectors of four floats, in whatever instructions the compiler has for them */
#include "cpu/isa.h"
#include "cpu/ops_tables.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "cpu/ops_body.h"

const struct ops ops_scalar = OPS_TABLE("scalar", isa_always);
