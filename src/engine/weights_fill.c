/* weights_fill.c - seeded numbers for tensors: matrices of a format's own, vectors by what they do */
#include "engine/hyper_arch.h"
#include "engine/weights_private.h"

#include <math.h>
#include <string.h>

/* splitmix64 (Steele, Lea, Flood 2014) of a position: any part of a tensor can be made alone */
static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}
/* in [0, 1) */
static double uniform(uint64_t seed, uint64_t i) { return (double)(mix(seed ^ i * UINT64_C(0xd1342543de82ef95)) >> 11) * 0x1p-53; }

static const struct rope *scaled_rope(const struct model_spec *m)
{
	for (unsigned i = 0; i < m->n_rope; i++)
		if (m->rope[i].scaling == ROPE_SCALING_LLAMA3 || m->rope[i].scaling == ROPE_SCALING_PROPORTIONAL)
			return &m->rope[i];
	return NULL;
}

/* Number i of a tensor whose values mean something by themselves; 0: a matrix. */
static int meant(double *out, const struct stored *t, const struct model_spec *m, uint64_t seed, uint64_t i)
{
	double u = uniform(seed, i);
	const struct rope *r;

	switch (t->id) {
	case W_SSM_A: *out = -(1.0 + 15.0 * u); return 1;            /* -exp(A_log), drawn as mamba_ssm does */
	case W_SSM_D: *out = 1.0; return 1;
	case W_SSM_DT_B: {                                           /* softplus(dt) log-uniform in [0.001, 0.1] (mamba_ssm) */
		double dt = exp(log(0.001) + u * log(100.0));
		*out = dt + log(-expm1(-dt));
		return 1;
	}
	case W_SSM_CONV: case W_SSM_CONV_Q: case W_SSM_CONV_K: case W_SSM_CONV_V: case W_CONV: *out = u - 0.5; return 1;
	case W_SINKS: case W_ROUTER_BIAS: case W_ROUTER_B: *out = 0.1 * (u - 0.5); return 1;
	case W_ROPE_FREQS:
		r = scaled_rope(m);
		*out = r ? hyper_rope_factor(r, (uint32_t)i) : 1.0;
		return 1;
	case W_ROPE_LONG: case W_ROPE_SHORT: *out = 1.0; return 1;
	case W_ATTN_NORM_B: case W_FFN_NORM_B: case W_POST_ATTN_NORM_B: case W_POST_FFN_NORM_B: case W_OUT_NORM_B: case W_EMBED_NORM_B:
		*out = 0.02 * (u - 0.5);
		return 1;
	default: break;
	}
	switch ((enum role)weight_role(t->id)) {
	case ROLE_NORM: case ROLE_SCALAR: *out = 0.9 + 0.2 * u; return 1;
	case ROLE_BIAS: case ROLE_EXP_BIAS: *out = 0.02 * (u - 0.5); return 1;
	default: return 0;
	}
}

int fill_pattern(struct fill_pattern *out, struct arena *a, const struct kformat *f, uint64_t seed)
{
	/* primes: no two rows of a matrix are the same ones, since rows are shorter and their lengths have other factors */
	uint32_t blocks = f->bytes <= 4 ? 262139 : f->bytes <= 40 ? 32749 : 8191;

	*out = (struct fill_pattern){ f, arena_array(a, blocks, f->bytes), blocks };
	if (!out->p)
		return 0;
	f->fill(out->p, 0, blocks, mix(seed));
	return 1;
}

/* Blocks of the pattern, from one of its own for each tensor on: at the speed of memory. */
static void copy_pattern(unsigned char *at, const struct fill_pattern *p, uint64_t first, uint64_t n, uint64_t own)
{
	uint64_t from = (own % p->blocks + first) % p->blocks;

	while (n) {
		uint64_t now = n < p->blocks - from ? n : p->blocks - from;
		memcpy(at, p->p + from * p->f->bytes, now * p->f->bytes);
		at += now * p->f->bytes;
		n -= now;
		from = 0;
	}
}

void weights_fill(const struct stored *t, const struct model_spec *m, const struct fill_pattern *p, uint64_t seed, unsigned part, unsigned parts)
{
	const struct kformat *f = p->f;
	uint64_t blocks = t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3] / f->block, own = mix(seed ^ mix((uint64_t)t->id << 32 | (uint32_t)t->layer));
	uint64_t first = blocks / parts * part + (part < blocks % parts ? part : blocks % parts);
	uint64_t n = blocks / parts + (part < blocks % parts);
	unsigned char *at = (unsigned char *)(uintptr_t)t->data + first * f->bytes;
	enum { AT_ONCE = 1024 };
	float v[AT_ONCE];
	double one;

	if (!n)
		return;
	if (!meant(&one, t, m, own, 0) || !f->quantise || f->block > AT_ONCE) {
		copy_pattern(at, p, first, n, own);
		return;
	}
	for (uint64_t b = 0; b < n;) {
		uint64_t now = n - b < AT_ONCE / f->block ? n - b : AT_ONCE / f->block;
		for (uint64_t i = 0; i < now * f->block; i++) {
			meant(&one, t, m, own, (first + b) * f->block + i);
			v[i] = (float)one;
		}
		f->quantise(at + b * f->bytes, v, now * f->block);
		b += now;
	}
}
