/* kernels_exp.c - softmax weights of attention one by one, against double: V is a row of the unit matrix, so each output is one weight
 *
 * Scores are whole and broken powers of two down to 2^-20 of the largest. In f32 a score s (a power of two) is off by (k_dim + 2) 2^-24 |s|, and 2^x by ln 2 of that;
 * the polynomial, the sum over all entries and the division add a few units: 16 x 2^-24. */
#include "ops.h"

#include "../tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES = 64, DIM = 64 };

static void weights(const struct ops *o, uint32_t heads, uint32_t tokens)
{
	static float q[8 * 16 * DIM], k[ENTRIES * DIM], v[ENTRIES * DIM], out[8 * 16 * DIM];
	struct attn_args a = { .q_heads = heads, .kv_heads = 1, .k_dim = DIM, .v_dim = DIM, .scale = 1, .q = q, .q_stride = heads * DIM, .q_head_stride = DIM, .out = out, .out_stride = heads * DIM,
		.k = k, .v = v, .format_k = KF_F32, .format_v = KF_F32, .k_head_bytes = sizeof *k * DIM, .k_row_bytes = sizeof *k * DIM, .v_head_bytes = sizeof *v * DIM, .v_row_bytes = sizeof *v * DIM,
		.ring = ENTRIES, .first = ENTRIES - tokens, .tokens = tokens, .head1 = heads, .token1 = tokens };
	double worst = 0;
	void *scratch;

	if (posix_memalign(&scratch, 64, o->attn_scratch(&a)))
		exit(4);
	memset(v, 0, sizeof v);
	memset(k, 0, sizeof k);
	for (uint32_t e = 0; e < ENTRIES; e++) {
		v[e * DIM + e] = 1;
		k[e * DIM] = -(float)(e * 37 % ENTRIES) / 5;     /* natural logarithms: from 0 to -12.6 */
	}
	for (uint32_t i = 0; i < heads * tokens; i++)
		for (uint32_t d = 0; d < DIM; d++)
			q[i * DIM + d] = d ? 0.25f : 1 + (float)i / 128;
	for (uint32_t i = 0; i < sizeof out / sizeof *out; i++)
		out[i] = NAN;
	o->attn(&a, scratch);
	for (uint32_t i = 0; i < heads * tokens; i++) {
		const uint32_t seen = a.first + i / heads + 1;
		double sum = 0;
		for (uint32_t e = 0; e < seen; e++)
			sum += exp((double)q[i * DIM] * k[e * DIM]);
		for (uint32_t e = 0; e < ENTRIES; e++) {
			const double s = (double)q[i * DIM] * k[e * DIM], want = e < seen ? exp(s) / sum : 0;
			const double off = fabs(out[i * DIM + e] - want) / ((16 + 3 * fabs(s) / 0.69) * 0x1p-24 * want + 1e-30);
			worst = off <= worst ? worst : off == off ? off : INFINITY;
		}
	}
	ok(worst <= 1, "%s: weights of %u heads, %u tokens: %.3f of the bound", o->isa, heads, tokens, worst);
	free(scratch);
}

int main(void)
{
	for (unsigned i = 0; ops_tables[i]; i++)
		if (ops_tables[i]->can()) {
			weights(ops_tables[i], 1, 1);
			weights(ops_tables[i], 4, 1);
			weights(ops_tables[i], 8, 16);
		}
	return done_testing();
}
