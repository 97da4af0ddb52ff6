/* mm_scalar.c - the product in plain C: any processor, every format */
#include <stddef.h>
#include "cpu/isa.h"
#include "cpu/mm_rows.h"

extern const struct matmul matmul_scalar;

#define T(name) scalar_##name
#define TARGET
#define HALF(h) f16_to_f32(h)
#define LANES 1
#define VW 4
#define FV 2
#define FT 4
#define PANEL_FROM 4

ALWAYS_INLINE void scalar_lookup(int8_t *u, const int8_t *table)
{
	for (int i = 0; i < 16; i++)
		u[i] = table[u[i]];
}
#include "cpu/mm_unpack.h"

static float scalar_dot(const int8_t *q, const float *scale, const int8_t *x, const float *d, uint64_t groups, const unsigned group)
{
	float s[4] = { 0 };

	for (uint64_t g = 0; g < groups; g++, q += group, x += group) {
		int sum = 0;
		for (unsigned i = 0; i < group; i++)
			sum += q[i] * x[i];
		s[g % 4] += scale[g] * d[g * group / 32] * (float)sum;
	}
	return (s[0] + s[1]) + (s[2] + s[3]);
}
static void scalar_widen(const struct kformat *f, float *out, const void *w, uint64_t n) { f->dequantise(out, w, n); }

#include "cpu/mm_rows_float.h"
#include "cpu/mm_rows_run.h"

const struct matmul matmul_scalar = { "scalar", isa_always, rows_knows, rows_input, rows_input_bytes, scalar_prepare, rows_packed_bytes, rows_pack,
	scalar_scratch_bytes, scalar_run, NULL };
