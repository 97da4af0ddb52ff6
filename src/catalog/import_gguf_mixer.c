/* import_gguf_mixer.c - what mixes tokens in a block through a state of fixed size: delta nets, Mamba-2, short convolutions
 *
 * Shapes: llama.cpp 0c1e57098 src/models/NAME.cpp, load_arch_tensors. */
#include "catalog/import_gguf_block.h"

typedef const struct file_tensor tensor;

/* Gated delta net: qwen3next (ssm_ba; older files fuse qkv and z as ssm_in), qwen35 (ssm_beta and ssm_alpha). */
static int delta(struct part *p, struct gguf_import *c, struct block *b)
{
	struct delta_spec *d = &p->u.delta;
	uint64_t w = c->m->width, k, v;
	uint32_t inner;
	tensor *t;

	p->type = PART_DELTA;
	READ(gi_hyper(&d->k_heads, c, "ssm.group_count", 0));
	READ(gi_hyper(&d->v_heads, c, "ssm.time_step_rank", 0));
	READ(gi_hyper(&d->k_dim, c, "ssm.state_size", 0));
	READ(gi_hyper(&inner, c, "ssm.inner_size", 0));
	READ(gi_hyper(&d->conv_kernel, c, "ssm.conv_kernel", 0));
	if (!d->v_heads || inner % d->v_heads || !inner)
		return gi_refuse(c, "blk.%u: ssm.inner_size %u over ssm.time_step_rank %u heads", b->layer, inner, d->v_heads);
	d->v_dim = inner / d->v_heads;
	k = (uint64_t)d->k_heads * d->k_dim;
	v = inner;
	if ((t = gi_take(b, "ssm_in")) != NULL) {
		TRY(gi_want_shape(c, t, w, 2 * k + 2 * v, 1));
		d->out_gate = GATE_ELEMENT;
	} else {
		TRY(gi_need(&t, c, b, "attn_qkv"));
		TRY(gi_want_shape(c, t, w, 2 * k + v, 1));
		if ((t = gi_take(b, "attn_gate")) != NULL) {
			TRY(gi_want_shape(c, t, w, v, 1));
			d->out_gate = GATE_ELEMENT;
		}
	}
	if ((t = gi_take(b, "ssm_ba")) != NULL) {
		TRY(gi_want_shape(c, t, w, 2 * (uint64_t)d->v_heads, 1));
	} else {
		TRY(gi_need(&t, c, b, "ssm_beta"));
		TRY(gi_want_shape(c, t, w, d->v_heads, 1));
		TRY(gi_need(&t, c, b, "ssm_alpha"));
		TRY(gi_want_shape(c, t, w, d->v_heads, 1));
	}
	TRY(gi_need(&t, c, b, "ssm_conv1d"));
	TRY(gi_want_shape(c, t, d->conv_kernel, 2 * k + v, 1));
	TRY(gi_need_vector(c, b, "ssm_a", d->v_heads));
	if (!(t = gi_take_bias(b, "ssm_dt")))
		return gi_refuse(c, "tensor blk.%u.ssm_dt.bias is missing", b->layer);
	TRY(gi_want_vector(c, t, d->v_heads));
	TRY(gi_need_vector(c, b, "ssm_norm", d->v_dim));
	TRY(gi_need(&t, c, b, "ssm_out"));
	return gi_want_shape(c, t, v, w, 1);
}

/* Kimi delta attention: kimi-linear.cpp (the gate through a low rank), kimi-k3.cpp (full rank, ssm_g). */
static int kimi_delta(struct part *p, struct gguf_import *c, struct block *b)
{
	static const char *const conv[] = { "ssm_conv1d_q", "ssm_conv1d_k", "ssm_conv1d_v" }, *const qkv_stem[] = { "attn_q",
		"attn_k", "attn_v" };
	struct delta_spec *d = &p->u.delta;
	uint64_t w = c->m->width, n;
	uint32_t heads;
	tensor *t;

	p->type = PART_DELTA;
	READ(gi_hyper_at(&heads, c, "attention.head_count", b->layer, 0));
	READ(gi_hyper(&d->k_dim, c, "kda.head_dim", 0));
	READ(gi_hyper(&d->conv_kernel, c, "ssm.conv_kernel", 0));
	d->per_channel_decay = 1;
	d->v_dim = d->k_dim;
	d->k_heads = d->v_heads = heads;
	n = (uint64_t)heads * d->k_dim;
	if (gi_has(b, "attn_qkv")) {
		t = gi_take(b, "attn_qkv");
		TRY(gi_want_shape(c, t, w, 3 * n, 1));
	}
	for (unsigned i = 0; i < 3; i++) {
		TRY(gi_need_vector(c, b, conv[i], n * d->conv_kernel));
		if (gi_has(b, qkv_stem[i]) || !t) {
			TRY(gi_need(&t, c, b, qkv_stem[i]));
			TRY(gi_want_shape(c, t, w, n, 1));
			t = NULL;
		}
	}
	TRY(gi_need(&t, c, b, "ssm_f_a"));
	TRY(gi_want_shape(c, t, w, d->k_dim, 1));
	TRY(gi_need(&t, c, b, "ssm_f_b"));
	TRY(gi_want_shape(c, t, d->k_dim, n, 1));
	TRY(gi_need(&t, c, b, "ssm_beta"));
	TRY(gi_want_shape(c, t, w, heads, 1));
	TRY(gi_need(&t, c, b, "ssm_a"));
	if (t->elements < heads || t->elements > INT32_MAX)
		return gi_refuse(c, "tensor %s has %llu elements for %u heads", t->name, (unsigned long long)t->elements, heads);
	d->a_log_elements = t->elements == heads ? 0 : (uint32_t)t->elements;
	if (!(t = gi_take_bias(b, "ssm_dt")))
		return gi_refuse(c, "tensor blk.%u.ssm_dt.bias is missing", b->layer);
	TRY(gi_want_vector(c, t, n));
	if ((t = gi_take(b, "ssm_g")) != NULL) {
		d->out_gate = GATE_ELEMENT;
		TRY(gi_want_shape(c, t, w, n, 1));
	} else if ((t = gi_take(b, "ssm_g_a")) != NULL) {
		d->out_gate = GATE_ELEMENT;
		d->gate_low_rank = 1;
		TRY(gi_want_shape(c, t, w, d->v_dim, 1));
		TRY(gi_need(&t, c, b, "ssm_g_b"));
		TRY(gi_want_shape(c, t, d->v_dim, n, 1));
	}
	TRY(gi_need_vector(c, b, "ssm_norm", d->v_dim));
	TRY(gi_need(&t, c, b, "attn_output"));
	return gi_want_shape(c, t, n, w, 1);
}

static int mamba2(struct part *p, struct gguf_import *c, struct block *b)
{
	struct mamba2_spec *s = &p->u.mamba2;
	uint64_t w = c->m->width, bc, in;
	uint32_t inner;
	tensor *t;

	p->type = PART_MAMBA2;
	READ(gi_hyper(&s->heads, c, "ssm.time_step_rank", 0));
	READ(gi_hyper(&s->groups, c, "ssm.group_count", 0));
	READ(gi_hyper(&s->state, c, "ssm.state_size", 0));
	READ(gi_hyper(&inner, c, "ssm.inner_size", 0));
	READ(gi_hyper(&s->conv_kernel, c, "ssm.conv_kernel", 0));
	if (!s->heads || !inner || inner % s->heads)
		return gi_refuse(c, "blk.%u: ssm.inner_size %u over ssm.time_step_rank %u heads", b->layer, inner, s->heads);
	s->head_dim = inner / s->heads;
	bc = 2 * (uint64_t)s->groups * s->state;
	in = 2 * (uint64_t)inner + bc + s->heads;
	TRY(gi_need(&t, c, b, "ssm_in"));
	TRY(gi_want_shape(c, t, w, in, 1));
	TRY(gi_maybe_bias(&s->proj_bias, c, b, "ssm_in", in));
	TRY(gi_need(&t, c, b, "ssm_conv1d"));
	TRY(gi_want_shape(c, t, s->conv_kernel, inner + bc, 1));
	TRY(gi_maybe_bias(&s->conv_bias, c, b, "ssm_conv1d", inner + bc));
	TRY(gi_need_vector(c, b, "ssm_a", s->heads));
	TRY(gi_need_vector(c, b, "ssm_d", s->heads));
	if (!(t = gi_take_bias(b, "ssm_dt")))
		return gi_refuse(c, "tensor blk.%u.ssm_dt.bias is missing", b->layer);
	TRY(gi_want_vector(c, t, s->heads));
	if ((t = gi_take(b, "ssm_norm")) != NULL) {
		s->gated_norm = 1;
		TRY(gi_want_vector(c, t, inner));
	}
	TRY(gi_need(&t, c, b, "ssm_out"));
	TRY(gi_want_shape(c, t, inner, w, 1));
	t = gi_take_bias(b, "ssm_out");
	if (!t != !s->proj_bias)
		return gi_refuse(c, "blk.%u has a bias on one of ssm_in and ssm_out only", b->layer);
	return t ? gi_want_vector(c, t, w) : OK;
}

static int short_conv(struct part *p, struct gguf_import *c, struct block *b)
{
	uint64_t w = c->m->width;
	tensor *t;

	p->type = PART_CONV;
	READ(gi_hyper(&p->u.conv.kernel, c, "shortconv.l_cache", 0));
	TRY(gi_need(&t, c, b, "shortconv.conv"));
	TRY(gi_want_shape(c, t, p->u.conv.kernel, w, 1));
	TRY(gi_need(&t, c, b, "shortconv.in_proj"));
	TRY(gi_want_shape(c, t, w, 3 * w, 1));
	TRY(gi_need(&t, c, b, "shortconv.out_proj"));
	return gi_want_shape(c, t, w, w, 1);
}

/* Takes every mixer of the block; Falcon-H1 has attention and Mamba-2 side by side. */
int gi_mixers(struct part *p, unsigned *n, struct gguf_import *c, struct block *b)
{
	*n = 0;
	if (gi_has(b, "shortconv.conv"))
		return short_conv(&p[(*n)++], c, b);
	if (gi_has(b, "ssm_conv1d_q"))
		return kimi_delta(&p[(*n)++], c, b);
	if (gi_has(b, "ssm_x"))
		return gi_refuse(c, "tensor blk.%u.ssm_x.weight: Mamba of the first generation is not supported", b->layer);
	if (gi_has(b, "ssm_ba") || gi_has(b, "ssm_beta"))
		return delta(&p[(*n)++], c, b);
	if (gi_has(b, "attn_kv_a_mqa"))
		return gi_latent(&p[(*n)++], c, b);
	if (gi_has(b, "attn_output_a"))
		return gi_compressed(&p[(*n)++], c, b);
	if (gi_has(b, "attn_q") || gi_has(b, "attn_qkv"))
		TRY(gi_attention(&p[(*n)++], c, b));
	if (gi_has(b, "ssm_in"))
		TRY(mamba2(&p[(*n)++], c, b));
	return OK;
}
