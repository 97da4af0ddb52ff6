/* speed.c - roofline: each op takes the longer of its bytes and its FLOPs, plus its launch */
#include "calc/speed.h"

#include <math.h>

void step_work(struct step_work *out, const struct op_list *l)
{
	*out = (struct step_work){ .ops = l->n };
	for (uint32_t i = 0; i < l->n; i++) {
		struct op_cost c;
		op_cost(&c, l, &l->op[i]);
		out->weight_bytes += c.weight_bytes;
		out->state_bytes += c.state_bytes;
		out->act_bytes += c.act_bytes;
		out->flops[l->op[i].math] += c.flops;
	}
}

/* A format's own rate where the device states it, else what it can always fall back to; 0: unknown. */
static double matrix_rate(const struct device_spec *d, enum math m)
{
	static const uint8_t fallback[MATH_COUNT][3] = {
		[MATH_F32] = { MATH_F32, MATH_F32, MATH_F32 }, [MATH_F16] = { MATH_F16, MATH_BF16, MATH_F32 },
		[MATH_BF16] = { MATH_BF16, MATH_F16, MATH_F32 }, [MATH_FP8] = { MATH_FP8, MATH_BF16, MATH_F16 },
		[MATH_INT8] = { MATH_INT8, MATH_F16, MATH_BF16 }, [MATH_FP4] = { MATH_FP4, MATH_FP8, MATH_BF16 },
	};

	for (unsigned i = 0; i < 3; i++)
		if (is_known(d->flops[fallback[m][i]]))
			return d->flops[fallback[m][i]].v;
	return 0;
}

/* Reading and multiplying hide each other on a GPU. A processor's core waits for what it unpacks and multiplies: steps of 1, 4 and 16 tokens of our engine cost their
 * bytes and their products (tests/measured/own/steps.csv: 20, 26 and 48 ms of 1B, where the greater of the two would be 19, 19 and 33). */
static double both(enum device_class c, double reading, double multiplying)
{
	return c == CLASS_OWN ? reading + multiplying : fmax(reading, multiplying);
}

struct figure op_seconds(const struct op_list *l, const struct op *op, const struct device_spec *d, const struct pool *p, const struct efficiency *e, unsigned cut)
{
	const enum device_class c = l->shape.own && p->kind == POOL_HOST && e->bandwidth[CLASS_OWN].known ? CLASS_OWN : device_class_of((enum pool_kind)p->kind);
	const int measured = p->read_bps.basis == BASIS_MEASURED;
	const struct share *bw = measured ? &e->of_measured[c] : &e->bandwidth[c], *mm = &e->compute[c], *launch = &e->launch_s[c];
	const int many = l->shape.tokens > 64;   /* then activations outgrow the caches and matrix rates bind */
	struct figure f = { 0, 0, 0, BASIS_UNKNOWN };
	struct op_cost k;

	if (!is_known(p->read_bps) || !bw->known)
		return f;
	op_cost(&k, l, op);
	double bytes = (k.weight_bytes + k.state_bytes + (many ? k.act_bytes : 0)) / p->read_bps.v / (cut ? cut : 1);
	double rate = matrix_rate(d, (enum math)op->math), flops = 0;
	if (rate > 0 && mm->known)
		flops = k.flops / rate / (cut ? cut : 1);
	else if (many && k.flops > 0)
		return f;
	f.value = both(c, bytes / bw->value, flops > 0 ? flops / mm->value : 0) + (launch->known ? launch->value : 0);
	f.low = fmax(bytes / bw->high, flops > 0 ? flops / mm->high : 0) + (launch->known ? launch->low : 0);
	f.high = both(c, bytes / bw->low, flops > 0 ? flops / mm->low : 0) + (launch->known ? launch->high : 0);
	f.basis = measured ? BASIS_CALIBRATED : BASIS_SPEC;
	return f;
}

struct figure step_seconds(const struct op_list *l, const struct device_spec *d, const struct pool *p, const struct efficiency *e, unsigned cut)
{
	struct figure sum = { 0, 0, 0, BASIS_MEASURED };

	for (uint32_t i = 0; i < l->n; i++) {
		struct figure f = op_seconds(l, &l->op[i], d, p, e, cut);
		if (f.basis == BASIS_UNKNOWN)
			return f;
		sum.value += f.value;
		sum.low += f.low;
		sum.high += f.high;
		sum.basis = f.basis < sum.basis ? f.basis : sum.basis;
	}
	return sum;
}

struct figure load_seconds(uint64_t bytes, unsigned threads, const struct pool *p, const struct efficiency *e)
{
	const struct share *r = &e->repack_bps[CLASS_OWN];
	const double each = (double)bytes / (threads ? threads : 1), twice = is_known(p->read_bps) ? 2 * (double)bytes / p->read_bps.v : 0;

	if (!r->known)
		return (struct figure){ 0, 0, 0, BASIS_UNKNOWN };
	return (struct figure){ fmax(each / r->value, twice), fmax(each / r->high, twice), fmax(each / r->low, twice), BASIS_SPEC };
}

struct figure rate_of(double n, struct figure s)
{
	if (s.basis == BASIS_UNKNOWN || s.low <= 0)
		return (struct figure){ 0, 0, 0, BASIS_UNKNOWN };
	return (struct figure){ n / s.value, n / s.high, n / s.low, s.basis };
}
