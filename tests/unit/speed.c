/* speed.c - the roofline: what a step costs on a machine with round figures */
#include "calc/speed.h"

#include "../tap.h"

#include <math.h>

static int near(double a, double b) { return fabs(a - b) <= 1e-9 * fabs(b); }

int main(void)
{
	struct arena a = { 0 };
	struct error e = { 0 };
	struct quants q;
	struct efficiency eff;

	ok(near(experts_touched(8, 2, 1), 2), "one token touches the experts it chose");
	ok(near(experts_touched(8, 8, 1), 8), "choosing all touches all");
	ok(experts_touched(256, 8, 1000000) > 255.99 && experts_touched(256, 8, 1000000) <= 256, "many tokens touch all, never more");
	ok(near(experts_touched(4, 1, 2), 4 * (1 - 0.75 * 0.75)), "two tokens, one of four each: 1.75");
	ok(experts_touched(0, 0, 1) == 0, "no experts");

	if (quants_load(&q, &a, "data/quants.yaml", &e) != OK || efficiency_load(&eff, &a, "data/efficiency.yaml", &e) != OK) {
		ok(0, "data: %s", e.text);
		return done_testing();
	}
	/* one weight of 1024 x 1024 in bf16 on 1 GB/s and 1 GFLOPS, everything reached in full */
	uint16_t bf16 = format_find(&q, "bf16");
	struct op op = { .kind = OP_LINEAR, .math = MATH_BF16, .u.linear = { .n_in = 1024, .n_out = { 1024 }, .groups = 1, .n_weights = 1, .format = { bf16 } } };
	struct op_list l = { .quants = &q, .op = &op, .n = 1, .shape = { .tokens = 1, .sequences = 1, .outputs = 1, .context_max = 1 } };
	struct op_cost c;
	op_cost(&c, &l, &op);
	ok(near(c.weight_bytes, 2.0 * 1024 * 1024), "two bytes a weight: %.0f", c.weight_bytes);
	ok(near(c.flops, 2.0 * 1024 * 1024), "two FLOPs a weight and token: %.0f", c.flops);
	struct device_spec d = { .name = "round" };
	struct pool p = { .kind = POOL_VRAM, .read_bps = known_of(1e9, BASIS_SPEC) };
	struct share full = { 0.5, 1, 1, 1, "test" };
	for (unsigned i = 0; i < DEVICE_CLASSES; i++)
		eff.bandwidth[i] = eff.compute[i] = full, eff.launch_s[i] = (struct share){ 0 };
	struct figure f = step_seconds(&l, &d, &p, &eff, 1);
	ok(near(f.value, 2.0 * 1024 * 1024 / 1e9) && near(f.high, 2 * f.value) && f.low <= f.value, "bytes over bandwidth: %g s", f.value);
	ok(near(step_seconds(&l, &d, &p, &eff, 2).value, f.value / 2), "two cards that share every layer take half");
	d.flops[MATH_BF16] = known_of(1e9, BASIS_SPEC);
	l.shape.tokens = 32;
	ok(near(step_seconds(&l, &d, &p, &eff, 1).value, 32 * 2.0 * 1024 * 1024 / 1e9), "many tokens are bound by the matrix rate");
	d.flops[MATH_BF16] = known_of(0, BASIS_UNKNOWN);
	l.shape.tokens = 512;
	ok(step_seconds(&l, &d, &p, &eff, 1).basis == BASIS_UNKNOWN, "an unknown matrix rate gives no prefill figure");
	p.read_bps.basis = BASIS_UNKNOWN;
	ok(step_seconds(&l, &d, &p, &eff, 1).basis == BASIS_UNKNOWN, "an unknown bandwidth gives no figure");
	ok(rate_of(1, (struct figure){ 0, 0, 0, BASIS_UNKNOWN }).basis == BASIS_UNKNOWN, "no rate of an unknown time");
	struct figure r = rate_of(10, (struct figure){ 2, 1, 4, BASIS_SPEC });
	ok(near(r.value, 5) && near(r.low, 2.5) && near(r.high, 10), "a rate turns the interval round");
	arena_free(&a);
	return done_testing();
}
