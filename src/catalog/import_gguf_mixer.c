/* import_gguf_mixer.c - what mixes tokens in a block: attention, latent attention, delta nets, Mamba-2, short convolutions
 *
 * Shapes: llama.cpp 0c1e57098 src/models/NAME.cpp, load_arch_tensors. */
#include "catalog/import_gguf_block.h"

#include <string.h>

typedef const struct file_tensor tensor;

/* The query, key and value weights and their biases, apart or fused. */
static int qkv(struct gqa_spec *g, struct import *c, struct block *b)
{
	uint64_t w = c->m->width, q = (uint64_t)g->q_heads * g->k_dim, k = (uint64_t)g->kv_heads * g->k_dim, v = (uint64_t)g->kv_heads * g->v_dim;
	tensor *t = take(b, "attn_qkv"), *bias;

	if (t) {
		if (t->ne[1] == 2 * q + k + v) {
			g->gate = GATE_ELEMENT;
			q *= 2;
		}
		TRY(want_shape(c, t, w, q + k + v, 1));
		if ((bias = take_bias(b, "attn_qkv")) != NULL) {
			g->q_bias = g->k_bias = g->v_bias = 1;
			return want_vector(c, bias, q + k + v);
		}
	} else {
		TRY(need(&t, c, b, "attn_q"));
		/* Qwen3-Next: the queries and a gate of the same size in one matrix */
		if (t->ne[1] == 2 * q) {
			g->gate = GATE_ELEMENT;
			q *= 2;
		}
		TRY(want_shape(c, t, w, q, 1));
		if (g->own == REUSE_LAST && !has(b, "attn_k")) {
			g->no_kv_weights = 1;
		} else {
			TRY(need(&t, c, b, "attn_k"));
			TRY(want_shape(c, t, w, k, 1));
			if ((t = take(b, "attn_v")) != NULL)
				TRY(want_shape(c, t, w, v, 1));
			else if (g->k_dim != g->v_dim || strcmp(c->arch, "gemma4"))
				return refuse(c, "tensor blk.%u.attn_v.weight is missing", b->layer);
			else
				g->v_is_k = 1;
		}
	}
	TRY(maybe_bias(&g->q_bias, c, b, "attn_q", q));
	TRY(maybe_bias(&g->k_bias, c, b, "attn_k", k));
	return maybe_bias(&g->v_bias, c, b, "attn_v", v);
}

/* One vector of a head, or one over all heads (Cohere and OLMo 2). */
static int qk_norms(struct gqa_spec *g, struct import *c, struct block *b)
{
	tensor *q = take(b, "attn_q_norm"), *k = take(b, "attn_k_norm");

	if (!q && !k)
		return OK;
	if (!q || (!k && !g->no_kv_weights))
		return refuse(c, "blk.%u has one of attn_q_norm and attn_k_norm without the other", b->layer);
	g->qk_norm = q->elements == g->k_dim ? QK_NORM_HEAD : QK_NORM_FULL;
	TRY(want_vector(c, q, g->qk_norm == QK_NORM_HEAD ? g->k_dim : (uint64_t)g->q_heads * g->k_dim));
	return k ? want_vector(c, k, g->qk_norm == QK_NORM_HEAD ? g->k_dim : (uint64_t)g->kv_heads * g->k_dim) : OK;
}

static int is_set(uint8_t *flag, struct import *c, const char *key, uint32_t layer, uint8_t fallback)
{
	const struct gguf_value *v = hyper_find(c, key);
	uint32_t u = fallback;

	*flag = fallback;
	if (!v || (v->type == GGUF_ARRAY && v->n <= layer))
		return OK;
	READ(hyper_at(&u, c, key, layer, fallback));
	*flag = u != 0;
	return OK;
}

/* The sparse-attention indexer beside an attention (deepseek32, glm-dsa; minimax-m3 from the residual stream). */
static int indexer(struct index_spec *x, uint32_t q_rank, struct import *c, struct block *b)
{
	const char *q_stem = has(b, "indexer.q_proj") ? "indexer.q_proj" : "indexer.attn_q_b", *k_stem = "indexer.attn_k";
	uint32_t heads, dim, top, block, shared = 0;
	tensor *t;

	READ(hyper(&heads, c, "attention.indexer.head_count", 0));
	READ(hyper(&dim, c, "attention.indexer.key_length", 0));
	READ(hyper(&top, c, "attention.indexer.top_k", 0));
	READ(hyper(&block, c, "attention.indexer.block_size", 0));
	if (!has(b, q_stem)) {
		/* layers after one with an indexer use its choice (GLM-5.2: indexer.types 0) */
		uint8_t own;
		TRY(is_set(&own, c, "attention.indexer.types", b->layer, 0));
		for (uint32_t l = 0; l < b->layer && !shared; l++)
			shared = (uint32_t)has(&c->blocks[l], q_stem);
		if (!heads || !shared || !q_rank)
			return OK;
		if (own)
			return refuse(c, "tensor blk.%u.%s.weight is missing, though indexer.types says that the layer has one", b->layer, q_stem);
		*x = (struct index_spec){ .q_heads = heads, .k_heads = 1, .dim = dim, .top_tokens = top, .q_rank = q_rank, .own = REUSE_LAST };
		return OK;
	}
	if (!heads || !dim || !top)
		return refuse(c, "blk.%u has an indexer, but head_count is %u, key_length %u, top_k %u", b->layer, heads, dim, top);
	t = take(b, q_stem);
	*x = (struct index_spec){ .q_heads = heads, .k_heads = 1, .dim = dim, .top_tokens = block ? 0 : top, .block_tokens = block, .top_blocks = block ? top : 0 };
	if (!strcmp(q_stem, "indexer.q_proj")) {
		k_stem = "indexer.k_proj";
		TRY(want_shape(c, t, c->m->width, (uint64_t)heads * dim, 1));
	} else {
		x->q_rank = q_rank;
		TRY(want_shape(c, t, q_rank, (uint64_t)heads * dim, 1));
	}
	TRY(need(&t, c, b, k_stem));
	TRY(want_shape(c, t, c->m->width, dim, 1));
	if ((t = take(b, "indexer.k_norm")) != NULL) {
		x->k_norm = 1;
		TRY(want_vector(c, t, dim));
		if ((t = take_bias(b, "indexer.k_norm")) != NULL) {
			x->k_norm = 2;
			TRY(want_vector(c, t, dim));
		}
	}
	if ((t = take(b, "indexer.q_norm")) != NULL) {
		x->q_norm = 1;
		TRY(want_vector(c, t, dim));
	}
	if ((t = take(b, "indexer.proj")) != NULL) {
		x->head_weights = 1;
		TRY(want_shape(c, t, c->m->width, heads, 1));
	}
	return OK;
}

/* Sizes of an attention layer by metadata; where a key is missing, by the tensors. */
static int gqa_sizes(struct gqa_spec *g, struct import *c, struct block *b)
{
	int window = c->span[b->layer].span != SPAN_FULL;
	uint32_t heads, kv, k, v;

	READ(hyper_at(&heads, c, "attention.head_count", b->layer, 0));
	READ(hyper_at(&kv, c, "attention.head_count_kv", b->layer, heads));
	if (!heads || !kv)
		return refuse(c, "blk.%u has attention weights, but %u heads and %u KV heads in the metadata", b->layer, heads, kv);
	k = v = c->m->width / heads;
	for (uint32_t i = 0; i < b->n; i++)
		if (!hyper_find(c, "attention.key_length") && !strcmp(b->t[i].stem, "attn_k.weight") && b->t[i].t->ne[1] / kv <= INT32_MAX)
			k = v = (uint32_t)(b->t[i].t->ne[1] / kv);
	READ(hyper(&g->k_dim, c, "attention.key_length", k));
	READ(hyper(&g->v_dim, c, "attention.value_length", v));
	if (window) {
		READ(hyper(&g->k_dim, c, "attention.key_length_swa", g->k_dim));
		READ(hyper(&g->v_dim, c, "attention.value_length_swa", g->v_dim));
	}
	g->q_heads = heads;
	g->kv_heads = kv;
	g->span = c->span[b->layer].span;
	g->span_tokens = c->span[b->layer].tokens;
	g->own = b->layer < c->m->n_layers && b->layer >= c->own_kv_layers ? REUSE_LAST : OWN_STATE;
	return OK;
}

static int attention(struct part *p, struct import *c, struct block *b)
{
	struct gqa_spec *g = &p->u.gqa;
	double f;
	tensor *t;

	p->type = PART_GQA;
	TRY(gqa_sizes(g, c, b));
	TRY(qkv(g, c, b));
	TRY(qk_norms(g, c, b));
	TRY(need(&t, c, b, "attn_output"));
	TRY(want_shape(c, t, (uint64_t)g->q_heads * g->v_dim, c->m->width, 1));
	TRY(maybe_bias(&g->o_bias, c, b, "attn_output", c->m->width));
	if ((t = take(b, "attn_sinks")) != NULL) {
		g->sinks = 1;
		TRY(want_vector(c, t, g->q_heads));
	}
	if ((t = take(b, "attn_gate")) != NULL) {
		/* a gate of its own takes what the doubled query matrix would, when keys and values are of one size */
		g->gate = t->ne[1] == g->q_heads ? GATE_HEAD : GATE_ELEMENT;
		TRY(want_shape(c, t, c->m->width, g->gate == GATE_HEAD ? g->q_heads : (uint64_t)g->q_heads * g->v_dim, 1));
		if (g->gate == GATE_ELEMENT && g->k_dim != g->v_dim)
			return refuse(c, "tensor %s: a gate by element with keys of %u and values of %u", t->name, g->k_dim, g->v_dim);
	}
	READ(hyper_f(&f, c, "attn_logit_softcapping", c->facts->flags & ARCH_SOFTCAPS ? 50.0 : 0.0));
	g->softcap = (float)f;
	READ(hyper_f(&f, c, "attention.scale", 0.0));
	g->scale = (float)f;
	TRY(indexer(&g->index, 0, c, b));
	return import_rope(&g->rope, c, b->layer, g->k_dim);
}

/* DeepSeek's latent attention; kv_b whole (old files) or as k_b and v_b. */
static int latent(struct part *p, struct import *c, struct block *b)
{
	struct mla_spec *a = &p->u.mla;
	uint64_t w = c->m->width, qk;
	uint32_t key, value;
	tensor *t, *kv_b;

	p->type = PART_MLA;
	if (c->span[b->layer].span != SPAN_FULL)
		return refuse(c, "blk.%u: latent attention over a window of %u tokens is not supported", b->layer, c->span[b->layer].tokens);
	READ(hyper_at(&a->q_heads, c, "attention.head_count", b->layer, 0));
	READ(hyper(&a->kv_rank, c, "attention.kv_lora_rank", 0));
	READ(hyper(&a->rope_dim, c, "rope.dimension_count", 0));
	READ(hyper(&key, c, "attention.key_length", 0));
	READ(hyper(&value, c, "attention.value_length", 0));
	READ(hyper(&key, c, "attention.key_length_mla", key));
	READ(hyper(&value, c, "attention.value_length_mla", value));
	if (!a->q_heads || !a->kv_rank)
		return refuse(c, "blk.%u has latent attention, but %u heads and kv_lora_rank %u in the metadata", b->layer, a->q_heads, a->kv_rank);
	TRY(need(&t, c, b, "attn_output"));
	if (!value)
		value = (uint32_t)(t->ne[0] / a->q_heads);
	a->v_dim = value;
	TRY(want_shape(c, t, (uint64_t)a->q_heads * value, w, 1));
	if ((t = take(b, "attn_q_a")) != NULL) {
		if (t->ne[1] > INT32_MAX)
			return refuse(c, "tensor %s has a rank of %llu", t->name, (unsigned long long)t->ne[1]);
		a->q_rank = (uint32_t)t->ne[1];
		TRY(want_shape(c, t, w, a->q_rank, 1));
		TRY(need_vector(c, b, "attn_q_a_norm", a->q_rank));
	}
	TRY(need(&t, c, b, a->q_rank ? "attn_q_b" : "attn_q"));
	if (!key)
		key = (uint32_t)(t->ne[1] / a->q_heads);
	if (key <= a->rope_dim)
		return refuse(c, "blk.%u: keys of %u, of which %u rotate: none is left for the latent", b->layer, key, a->rope_dim);
	a->nope_dim = key - a->rope_dim;
	qk = (uint64_t)a->q_heads * key;
	TRY(want_shape(c, t, a->q_rank ? a->q_rank : w, qk, 1));
	TRY(need(&t, c, b, "attn_kv_a_mqa"));
	TRY(want_shape(c, t, w, (uint64_t)a->kv_rank + a->rope_dim, 1));
	TRY(need_vector(c, b, "attn_kv_a_norm", a->kv_rank));
	kv_b = take(b, "attn_kv_b");
	if (kv_b)
		TRY(want_shape(c, kv_b, a->kv_rank, (uint64_t)a->q_heads * (a->nope_dim + a->v_dim), 1));
	if (!kv_b || has(b, "attn_k_b")) {
		TRY(need(&t, c, b, "attn_k_b"));
		TRY(want_shape(c, t, a->nope_dim, a->kv_rank, a->q_heads));
		TRY(need(&t, c, b, "attn_v_b"));
		TRY(want_shape(c, t, a->kv_rank, a->v_dim, a->q_heads));
		if (kv_b)
			c->undescribed += kv_b->elements;
	} else if (!hyper_find(c, "attention.key_length_mla") || !hyper_find(c, "attention.value_length_mla")) {
		c->old_mla = 1;
	}
	if ((t = take(b, "attn_gate")) != NULL) {
		a->gate = GATE_ELEMENT;
		TRY(want_shape(c, t, w, (uint64_t)a->q_heads * a->v_dim, 1));
	}
	TRY(indexer(&a->index, a->q_rank, c, b));
	return import_rope(&a->rope, c, b->layer, a->rope_dim);
}

/* Gated delta net: qwen3next (ssm_ba; older files fuse qkv and z as ssm_in), qwen35 (ssm_beta and ssm_alpha). */
static int delta(struct part *p, struct import *c, struct block *b)
{
	struct delta_spec *d = &p->u.delta;
	uint64_t w = c->m->width, k, v;
	uint32_t inner;
	tensor *t;

	p->type = PART_DELTA;
	READ(hyper(&d->k_heads, c, "ssm.group_count", 0));
	READ(hyper(&d->v_heads, c, "ssm.time_step_rank", 0));
	READ(hyper(&d->k_dim, c, "ssm.state_size", 0));
	READ(hyper(&inner, c, "ssm.inner_size", 0));
	READ(hyper(&d->conv_kernel, c, "ssm.conv_kernel", 0));
	if (!d->v_heads || inner % d->v_heads || !inner)
		return refuse(c, "blk.%u: ssm.inner_size %u over ssm.time_step_rank %u heads", b->layer, inner, d->v_heads);
	d->v_dim = inner / d->v_heads;
	k = (uint64_t)d->k_heads * d->k_dim;
	v = inner;
	if ((t = take(b, "ssm_in")) != NULL) {
		TRY(want_shape(c, t, w, 2 * k + 2 * v, 1));
		d->out_gate = GATE_ELEMENT;
	} else {
		TRY(need(&t, c, b, "attn_qkv"));
		TRY(want_shape(c, t, w, 2 * k + v, 1));
		if ((t = take(b, "attn_gate")) != NULL) {
			TRY(want_shape(c, t, w, v, 1));
			d->out_gate = GATE_ELEMENT;
		}
	}
	if ((t = take(b, "ssm_ba")) != NULL) {
		TRY(want_shape(c, t, w, 2 * (uint64_t)d->v_heads, 1));
	} else {
		TRY(need(&t, c, b, "ssm_beta"));
		TRY(want_shape(c, t, w, d->v_heads, 1));
		TRY(need(&t, c, b, "ssm_alpha"));
		TRY(want_shape(c, t, w, d->v_heads, 1));
	}
	TRY(need(&t, c, b, "ssm_conv1d"));
	TRY(want_shape(c, t, d->conv_kernel, 2 * k + v, 1));
	TRY(need_vector(c, b, "ssm_a", d->v_heads));
	if (!(t = take_bias(b, "ssm_dt")))
		return refuse(c, "tensor blk.%u.ssm_dt.bias is missing", b->layer);
	TRY(want_vector(c, t, d->v_heads));
	TRY(need_vector(c, b, "ssm_norm", d->v_dim));
	TRY(need(&t, c, b, "ssm_out"));
	return want_shape(c, t, v, w, 1);
}

/* Kimi delta attention: kimi-linear.cpp (the gate through a low rank), kimi-k3.cpp (full rank, ssm_g). */
static int kimi_delta(struct part *p, struct import *c, struct block *b)
{
	static const char *const conv[] = { "ssm_conv1d_q", "ssm_conv1d_k", "ssm_conv1d_v" }, *const qkv_stem[] = { "attn_q", "attn_k", "attn_v" };
	struct delta_spec *d = &p->u.delta;
	uint64_t w = c->m->width, n;
	uint32_t heads;
	tensor *t;

	p->type = PART_DELTA;
	READ(hyper_at(&heads, c, "attention.head_count", b->layer, 0));
	READ(hyper(&d->k_dim, c, "kda.head_dim", 0));
	READ(hyper(&d->conv_kernel, c, "ssm.conv_kernel", 0));
	d->per_channel_decay = 1;
	d->v_dim = d->k_dim;
	d->k_heads = d->v_heads = heads;
	n = (uint64_t)heads * d->k_dim;
	if (has(b, "attn_qkv")) {
		t = take(b, "attn_qkv");
		TRY(want_shape(c, t, w, 3 * n, 1));
	}
	for (unsigned i = 0; i < 3; i++) {
		TRY(need_vector(c, b, conv[i], n * d->conv_kernel));
		if (has(b, qkv_stem[i]) || !t) {
			TRY(need(&t, c, b, qkv_stem[i]));
			TRY(want_shape(c, t, w, n, 1));
			t = NULL;
		}
	}
	TRY(need(&t, c, b, "ssm_f_a"));
	TRY(want_shape(c, t, w, d->k_dim, 1));
	TRY(need(&t, c, b, "ssm_f_b"));
	TRY(want_shape(c, t, d->k_dim, n, 1));
	TRY(need(&t, c, b, "ssm_beta"));
	TRY(want_shape(c, t, w, heads, 1));
	TRY(need(&t, c, b, "ssm_a"));
	if (t->elements < heads || t->elements > INT32_MAX)
		return refuse(c, "tensor %s has %llu elements for %u heads", t->name, (unsigned long long)t->elements, heads);
	d->a_log_elements = t->elements == heads ? 0 : (uint32_t)t->elements;
	if (!(t = take_bias(b, "ssm_dt")))
		return refuse(c, "tensor blk.%u.ssm_dt.bias is missing", b->layer);
	TRY(want_vector(c, t, n));
	if ((t = take(b, "ssm_g")) != NULL) {
		d->out_gate = GATE_ELEMENT;
		TRY(want_shape(c, t, w, n, 1));
	} else if ((t = take(b, "ssm_g_a")) != NULL) {
		d->out_gate = GATE_ELEMENT;
		d->gate_low_rank = 1;
		TRY(want_shape(c, t, w, d->v_dim, 1));
		TRY(need(&t, c, b, "ssm_g_b"));
		TRY(want_shape(c, t, d->v_dim, n, 1));
	}
	TRY(need_vector(c, b, "ssm_norm", d->v_dim));
	TRY(need(&t, c, b, "attn_output"));
	return want_shape(c, t, n, w, 1);
}

static int mamba2(struct part *p, struct import *c, struct block *b)
{
	struct mamba2_spec *s = &p->u.mamba2;
	uint64_t w = c->m->width, bc, in;
	uint32_t inner;
	tensor *t;

	p->type = PART_MAMBA2;
	READ(hyper(&s->heads, c, "ssm.time_step_rank", 0));
	READ(hyper(&s->groups, c, "ssm.group_count", 0));
	READ(hyper(&s->state, c, "ssm.state_size", 0));
	READ(hyper(&inner, c, "ssm.inner_size", 0));
	READ(hyper(&s->conv_kernel, c, "ssm.conv_kernel", 0));
	if (!s->heads || !inner || inner % s->heads)
		return refuse(c, "blk.%u: ssm.inner_size %u over ssm.time_step_rank %u heads", b->layer, inner, s->heads);
	s->head_dim = inner / s->heads;
	bc = 2 * (uint64_t)s->groups * s->state;
	in = 2 * (uint64_t)inner + bc + s->heads;
	TRY(need(&t, c, b, "ssm_in"));
	TRY(want_shape(c, t, w, in, 1));
	TRY(maybe_bias(&s->proj_bias, c, b, "ssm_in", in));
	TRY(need(&t, c, b, "ssm_conv1d"));
	TRY(want_shape(c, t, s->conv_kernel, inner + bc, 1));
	TRY(maybe_bias(&s->conv_bias, c, b, "ssm_conv1d", inner + bc));
	TRY(need_vector(c, b, "ssm_a", s->heads));
	TRY(need_vector(c, b, "ssm_d", s->heads));
	if (!(t = take_bias(b, "ssm_dt")))
		return refuse(c, "tensor blk.%u.ssm_dt.bias is missing", b->layer);
	TRY(want_vector(c, t, s->heads));
	if ((t = take(b, "ssm_norm")) != NULL) {
		s->gated_norm = 1;
		TRY(want_vector(c, t, inner));
	}
	TRY(need(&t, c, b, "ssm_out"));
	TRY(want_shape(c, t, inner, w, 1));
	t = take_bias(b, "ssm_out");
	if (!t != !s->proj_bias)
		return refuse(c, "blk.%u has a bias on one of ssm_in and ssm_out only", b->layer);
	return t ? want_vector(c, t, w) : OK;
}

static int short_conv(struct part *p, struct import *c, struct block *b)
{
	uint64_t w = c->m->width;
	tensor *t;

	p->type = PART_CONV;
	READ(hyper(&p->u.conv.kernel, c, "shortconv.l_cache", 0));
	TRY(need(&t, c, b, "shortconv.conv"));
	TRY(want_shape(c, t, p->u.conv.kernel, w, 1));
	TRY(need(&t, c, b, "shortconv.in_proj"));
	TRY(want_shape(c, t, w, 3 * w, 1));
	TRY(need(&t, c, b, "shortconv.out_proj"));
	return want_shape(c, t, w, w, 1);
}

/* Takes every mixer of the block; Falcon-H1 has attention and Mamba-2 side by side. */
int import_mixers(struct part *p, unsigned *n, struct import *c, struct block *b)
{
	*n = 0;
	if (has(b, "shortconv.conv"))
		return short_conv(&p[(*n)++], c, b);
	if (has(b, "ssm_conv1d_q"))
		return kimi_delta(&p[(*n)++], c, b);
	if (has(b, "ssm_x"))
		return refuse(c, "tensor blk.%u.ssm_x.weight: Mamba of the first generation is not supported", b->layer);
	if (has(b, "ssm_ba") || has(b, "ssm_beta"))
		return delta(&p[(*n)++], c, b);
	if (has(b, "attn_kv_a_mqa"))
		return latent(&p[(*n)++], c, b);
	if (has(b, "attn_q") || has(b, "attn_qkv"))
		TRY(attention(&p[(*n)++], c, b));
	if (has(b, "ssm_in"))
		TRY(mamba2(&p[(*n)++], c, b));
	return OK;
}
