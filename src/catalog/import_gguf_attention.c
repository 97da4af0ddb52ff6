/* import_gguf_attention.c - attention layers: heads, latent, compressed; and the indexers beside them
 *
 * Shapes: llama.cpp 0c1e57098 src/models/NAME.cpp, load_arch_tensors. */
#include "catalog/import_gguf_block.h"

#include <string.h>

typedef const struct file_tensor tensor;

/* The query, key and value weights and their biases, apart or fused. */
static int qkv(struct gqa_spec *g, struct gguf_import *c, struct block *b)
{
	uint64_t w = c->m->width, q = (uint64_t)g->q_heads * g->k_dim, k = (uint64_t)g->kv_heads * g->k_dim,
		v = (uint64_t)g->kv_heads * g->v_dim;
	tensor *t = gi_take(b, "attn_qkv"), *bias;

	if (t) {
		if (t->ne[1] == 2 * q + k + v) {
			g->gate = GATE_ELEMENT;
			q *= 2;
		}
		TRY(gi_want_shape(c, t, w, q + k + v, 1));
		if ((bias = gi_take_bias(b, "attn_qkv")) != NULL) {
			g->q_bias = g->k_bias = g->v_bias = 1;
			return gi_want_vector(c, bias, q + k + v);
		}
	} else {
		TRY(gi_need(&t, c, b, "attn_q"));
		/* Qwen3-Next: the queries and a gate of the same size in one matrix */
		if (t->ne[1] == 2 * q) {
			g->gate = GATE_ELEMENT;
			q *= 2;
		}
		TRY(gi_want_shape(c, t, w, q, 1));
		if (g->own == REUSE_LAST && !gi_has(b, "attn_k")) {
			g->no_kv_weights = 1;
		} else {
			TRY(gi_need(&t, c, b, "attn_k"));
			TRY(gi_want_shape(c, t, w, k, 1));
			if ((t = gi_take(b, "attn_v")) != NULL)
				TRY(gi_want_shape(c, t, w, v, 1));
			else if (g->k_dim != g->v_dim || strcmp(c->arch, "gemma4"))
				return gi_refuse(c, "tensor blk.%u.attn_v.weight is missing", b->layer);
			else
				g->v_is_k = 1;
		}
	}
	TRY(gi_maybe_bias(&g->q_bias, c, b, "attn_q", q));
	TRY(gi_maybe_bias(&g->k_bias, c, b, "attn_k", k));
	return gi_maybe_bias(&g->v_bias, c, b, "attn_v", v);
}

/* One vector of a head, or one over all heads (Cohere and OLMo 2). */
static int qk_norms(struct gqa_spec *g, struct gguf_import *c, struct block *b)
{
	tensor *q = gi_take(b, "attn_q_norm"), *k = gi_take(b, "attn_k_norm");

	if (!q && !k)
		return OK;
	if (!q || (!k && !g->no_kv_weights))
		return gi_refuse(c, "blk.%u has one of attn_q_norm and attn_k_norm without the other", b->layer);
	g->qk_norm = q->elements == g->k_dim ? QK_NORM_HEAD : QK_NORM_FULL;
	TRY(gi_want_vector(c, q, g->qk_norm == QK_NORM_HEAD ? g->k_dim : (uint64_t)g->q_heads * g->k_dim));
	return k ? gi_want_vector(c, k, g->qk_norm == QK_NORM_HEAD ? g->k_dim : (uint64_t)g->kv_heads * g->k_dim) : OK;
}

static int is_set(uint8_t *flag, struct gguf_import *c, const char *key, uint32_t layer, uint8_t fallback)
{
	const struct gguf_value *v = gi_hyper_find(c, key);
	uint32_t u = fallback;

	*flag = fallback;
	if (!v || (v->type == GGUF_ARRAY && v->n <= layer))
		return OK;
	READ(gi_hyper_at(&u, c, key, layer, fallback));
	*flag = u != 0;
	return OK;
}

/* The sparse-attention indexer beside an attention (deepseek32, glm-dsa; minimax-m3 from the residual stream). */
static int indexer(struct index_spec *x, uint32_t q_rank, struct gguf_import *c, struct block *b)
{
	const char *q_stem = gi_has(b, "indexer.q_proj") ? "indexer.q_proj" : "indexer.attn_q_b", *k_stem = "indexer.attn_k";
	uint32_t heads, dim, top, block, shared = 0;
	tensor *t;

	READ(gi_hyper(&heads, c, "attention.indexer.head_count", 0));
	READ(gi_hyper(&dim, c, "attention.indexer.key_length", 0));
	READ(gi_hyper(&top, c, "attention.indexer.top_k", 0));
	READ(gi_hyper(&block, c, "attention.indexer.block_size", 0));
	if (!gi_has(b, q_stem)) {
		/* layers after one with an indexer use its choice (GLM-5.2: indexer.types 0) */
		uint8_t own;
		TRY(is_set(&own, c, "attention.indexer.types", b->layer, 0));
		for (uint32_t l = 0; l < b->layer && !shared; l++)
			shared = (uint32_t)gi_has(&c->blocks[l], q_stem);
		if (!heads || !shared || !q_rank)
			return OK;
		if (own)
			return gi_refuse(c, "tensor blk.%u.%s.weight is missing, though indexer.types says that the layer has one", b->layer, q_stem);
		*x = (struct index_spec){ .q_heads = heads, .k_heads = 1, .dim = dim, .top_tokens = top, .q_rank = q_rank, .own = REUSE_LAST };
		return OK;
	}
	if (!heads || !dim || !top)
		return gi_refuse(c, "blk.%u has an indexer, but head_count is %u, key_length %u, top_k %u", b->layer, heads, dim, top);
	t = gi_take(b, q_stem);
	*x = (struct index_spec){ .q_heads = heads, .k_heads = 1, .dim = dim, .block_tokens = block };
	*(block ? &x->top_blocks : &x->top_tokens) = top;
	if (!strcmp(q_stem, "indexer.q_proj")) {
		k_stem = "indexer.k_proj";
		TRY(gi_want_shape(c, t, c->m->width, (uint64_t)heads * dim, 1));
	} else {
		x->q_rank = q_rank;
		TRY(gi_want_shape(c, t, q_rank, (uint64_t)heads * dim, 1));
	}
	TRY(gi_need(&t, c, b, k_stem));
	TRY(gi_want_shape(c, t, c->m->width, dim, 1));
	if ((t = gi_take(b, "indexer.k_norm")) != NULL) {
		x->k_norm = 1;
		TRY(gi_want_vector(c, t, dim));
		if ((t = gi_take_bias(b, "indexer.k_norm")) != NULL) {
			x->k_norm = 2;
			TRY(gi_want_vector(c, t, dim));
		}
	}
	if ((t = gi_take(b, "indexer.q_norm")) != NULL) {
		x->q_norm = 1;
		TRY(gi_want_vector(c, t, dim));
	}
	if ((t = gi_take(b, "indexer.proj")) != NULL) {
		x->head_weights = 1;
		TRY(gi_want_shape(c, t, c->m->width, heads, 1));
	}
	return OK;
}

/* Sizes of an attention layer by the metadata; the tensors are checked against them. */
static int gqa_sizes(struct gqa_spec *g, struct gguf_import *c, struct block *b)
{
	int window = c->span[b->layer].span != SPAN_FULL;
	uint32_t heads, kv, k, v;

	READ(gi_hyper_at(&heads, c, "attention.head_count", b->layer, 0));
	READ(gi_hyper_at(&kv, c, "attention.head_count_kv", b->layer, heads));
	if (!heads || !kv)
		return gi_refuse(c, "blk.%u has attention weights, but %u heads and %u KV heads in the metadata", b->layer, heads, kv);
	k = v = c->m->width / heads;
	READ(gi_hyper(&g->k_dim, c, "attention.key_length", k));
	READ(gi_hyper(&g->v_dim, c, "attention.value_length", v));
	if (window) {
		READ(gi_hyper(&g->k_dim, c, "attention.key_length_swa", g->k_dim));
		READ(gi_hyper(&g->v_dim, c, "attention.value_length_swa", g->v_dim));
	}
	g->q_heads = heads;
	g->kv_heads = kv;
	g->span = c->span[b->layer].span;
	g->span_tokens = c->span[b->layer].tokens;
	g->own = b->layer < c->m->n_layers && b->layer >= c->own_kv_layers ? REUSE_LAST : OWN_STATE;
	return OK;
}

int gi_attention(struct part *p, struct gguf_import *c, struct block *b)
{
	struct gqa_spec *g = &p->u.gqa;
	double f;
	tensor *t;

	p->type = PART_GQA;
	TRY(gqa_sizes(g, c, b));
	TRY(qkv(g, c, b));
	TRY(qk_norms(g, c, b));
	TRY(gi_need(&t, c, b, "attn_output"));
	TRY(gi_want_shape(c, t, (uint64_t)g->q_heads * g->v_dim, c->m->width, 1));
	TRY(gi_maybe_bias(&g->o_bias, c, b, "attn_output", c->m->width));
	if ((t = gi_take(b, "attn_sinks")) != NULL) {
		g->sinks = 1;
		TRY(gi_want_vector(c, t, g->q_heads));
	}
	if ((t = gi_take(b, "attn_gate")) != NULL) {
		/* a gate of its own takes what the doubled query matrix would, when keys and values are of one size */
		g->gate = t->ne[1] == g->q_heads ? GATE_HEAD : GATE_ELEMENT;
		TRY(gi_want_shape(c, t, c->m->width, g->gate == GATE_HEAD ? g->q_heads : (uint64_t)g->q_heads * g->v_dim, 1));
		if (g->gate == GATE_ELEMENT && g->k_dim != g->v_dim)
			return gi_refuse(c, "tensor %s: a gate by element with keys of %u and values of %u", t->name, g->k_dim, g->v_dim);
	}
	READ(gi_hyper_f(&f, c, "attn_logit_softcapping", c->facts->flags & ARCH_SOFTCAPS ? 50.0 : !strcmp(c->arch, "grok") ? 30.0 : 0.0));
	g->softcap = (float)f;
	READ(gi_hyper_f(&f, c, "attention.scale", 0.0));
	g->scale = (float)f;
	TRY(indexer(&g->index, 0, c, b));
	return gi_rope(&g->rope, c, b->layer, g->k_dim);
}

/* DeepSeek's latent attention; kv_b whole (old files) or as k_b and v_b. */
int gi_latent(struct part *p, struct gguf_import *c, struct block *b)
{
	struct mla_spec *a = &p->u.mla;
	uint64_t w = c->m->width, qk;
	uint32_t key, value;
	tensor *t, *kv_b;

	p->type = PART_MLA;
	if (c->span[b->layer].span != SPAN_FULL)
		return gi_refuse(c, "blk.%u: latent attention over a window of %u tokens is not supported", b->layer, c->span[b->layer].tokens);
	READ(gi_hyper_at(&a->q_heads, c, "attention.head_count", b->layer, 0));
	READ(gi_hyper(&a->kv_rank, c, "attention.kv_lora_rank", 0));
	READ(gi_hyper(&a->rope_dim, c, "rope.dimension_count", 0));
	READ(gi_hyper(&key, c, "attention.key_length", 0));
	READ(gi_hyper(&value, c, "attention.value_length", 0));
	READ(gi_hyper(&key, c, "attention.key_length_mla", key));
	READ(gi_hyper(&value, c, "attention.value_length_mla", value));
	if (!a->q_heads || !a->kv_rank)
		return gi_refuse(c, "blk.%u has latent attention, but %u heads and kv_lora_rank %u in the metadata", b->layer, a->q_heads,
			a->kv_rank);
	TRY(gi_need(&t, c, b, "attn_output"));
	if (!value)
		value = (uint32_t)(t->ne[0] / a->q_heads);
	a->v_dim = value;
	TRY(gi_want_shape(c, t, (uint64_t)a->q_heads * value, w, 1));
	if ((t = gi_take(b, "attn_q_a")) != NULL) {
		if (t->ne[1] > INT32_MAX)
			return gi_refuse(c, "tensor %s has a rank of %llu", t->name, (unsigned long long)t->ne[1]);
		a->q_rank = (uint32_t)t->ne[1];
		TRY(gi_want_shape(c, t, w, a->q_rank, 1));
		TRY(gi_need_vector(c, b, "attn_q_a_norm", a->q_rank));
	}
	TRY(gi_need(&t, c, b, a->q_rank ? "attn_q_b" : "attn_q"));
	if (!key)
		key = (uint32_t)(t->ne[1] / a->q_heads);
	if (key <= a->rope_dim)
		return gi_refuse(c, "blk.%u: keys of %u, of which %u rotate: none is left for the latent", b->layer, key, a->rope_dim);
	a->nope_dim = key - a->rope_dim;
	qk = (uint64_t)a->q_heads * key;
	TRY(gi_want_shape(c, t, a->q_rank ? a->q_rank : w, qk, 1));
	TRY(gi_need(&t, c, b, "attn_kv_a_mqa"));
	TRY(gi_want_shape(c, t, w, (uint64_t)a->kv_rank + a->rope_dim, 1));
	TRY(gi_need_vector(c, b, "attn_kv_a_norm", a->kv_rank));
	kv_b = gi_take(b, "attn_kv_b");
	if (kv_b)
		TRY(gi_want_shape(c, kv_b, a->kv_rank, (uint64_t)a->q_heads * (a->nope_dim + a->v_dim), 1));
	if (!kv_b || gi_has(b, "attn_k_b")) {
		TRY(gi_need(&t, c, b, "attn_k_b"));
		TRY(gi_want_shape(c, t, a->nope_dim, a->kv_rank, a->q_heads));
		TRY(gi_need(&t, c, b, "attn_v_b"));
		TRY(gi_want_shape(c, t, a->kv_rank, a->v_dim, a->q_heads));
		if (kv_b)
			c->undescribed += kv_b->elements;
	} else if (!gi_hyper_find(c, "attention.key_length_mla") || !gi_hyper_find(c, "attention.value_length_mla")) {
		c->old_mla = 1;
	}
	if ((t = gi_take(b, "attn_gate")) != NULL) {
		a->gate = GATE_ELEMENT;
		TRY(gi_want_shape(c, t, w, (uint64_t)a->q_heads * a->v_dim, 1));
	}
	TRY(indexer(&a->index, a->q_rank, c, b));
	return gi_rope(&a->rope, c, b->layer, a->rope_dim);
}

/* DeepSeek V4: deepseek4.cpp. One row serves as key and value; behind a window, rows are compressed by a ratio of the layer's
 * own. */
int gi_compressed(struct part *p, struct gguf_import *c, struct block *b)
{
	struct csa_spec *s = &p->u.csa;
	struct index_spec *x = &s->index;
	uint64_t w = c->m->width, q, halves;
	tensor *t;

	p->type = PART_CSA;
	READ(gi_hyper_at(&s->q_heads, c, "attention.head_count", b->layer, 0));
	READ(gi_hyper(&s->q_rank, c, "attention.q_lora_rank", 0));
	READ(gi_hyper(&s->o_rank, c, "attention.output_lora_rank", 0));
	READ(gi_hyper(&s->o_groups, c, "attention.output_group_count", 0));
	READ(gi_hyper(&s->row_dim, c, "attention.key_length", 0));
	READ(gi_hyper(&s->rope_dim, c, "rope.dimension_count", 0));
	READ(gi_hyper(&s->window, c, "attention.sliding_window", 0));
	READ(gi_hyper_at(&s->ratio, c, "attention.compress_ratios", b->layer, 0));
	q = (uint64_t)s->q_heads * s->row_dim;
	if (!s->o_groups || q % s->o_groups)
		return gi_refuse(c, "blk.%u: %u output groups of %u heads of %u", b->layer, s->o_groups, s->q_heads, s->row_dim);
	TRY(gi_need(&t, c, b, "attn_q_a"));
	TRY(gi_want_shape(c, t, w, s->q_rank, 1));
	TRY(gi_need_vector(c, b, "attn_q_a_norm", s->q_rank));
	TRY(gi_need(&t, c, b, "attn_q_b"));
	TRY(gi_want_shape(c, t, s->q_rank, q, 1));
	TRY(gi_need(&t, c, b, "attn_kv"));
	TRY(gi_want_shape(c, t, w, s->row_dim, 1));
	TRY(gi_need_vector(c, b, "attn_kv_a_norm", s->row_dim));
	/* in the file with the groups folded into the rows, or as a third dimension */
	TRY(gi_need(&t, c, b, "attn_output_a"));
	if (t->ne[0] != q / s->o_groups)
		return gi_want_shape(c, t, q / s->o_groups, (uint64_t)s->o_rank * s->o_groups, 1);
	TRY(gi_want_vector(c, t, q * s->o_rank));
	TRY(gi_need(&t, c, b, "attn_output_b"));
	TRY(gi_want_shape(c, t, (uint64_t)s->o_rank * s->o_groups, w, 1));
	if ((t = gi_take(b, "attn_sinks")) != NULL) {
		s->sinks = 1;
		TRY(gi_want_vector(c, t, s->q_heads));
	}
	if (s->ratio) {
		halves = s->ratio == 4 ? 2 : 1;
		TRY(gi_need(&t, c, b, "attn_compressor_kv"));
		TRY(gi_want_shape(c, t, w, halves * s->row_dim, 1));
		TRY(gi_need(&t, c, b, "attn_compressor_gate"));
		TRY(gi_want_shape(c, t, w, halves * s->row_dim, 1));
		TRY(gi_need(&t, c, b, "attn_compressor_ape"));
		TRY(gi_want_shape(c, t, halves * s->row_dim, s->ratio, 1));
		TRY(gi_need_vector(c, b, "attn_compressor_norm", s->row_dim));
	}
	if (gi_has(b, "indexer.attn_q_b")) {
		if (!s->ratio)
			return gi_refuse(c, "blk.%u has an indexer, but compresses no rows", b->layer);
		halves = s->ratio == 4 ? 2 : 1;
		x->k_heads = 1;
		x->head_weights = 1;
		x->q_rank = s->q_rank;
		READ(gi_hyper(&x->q_heads, c, "attention.indexer.head_count", 0));
		READ(gi_hyper(&x->dim, c, "attention.indexer.key_length", 0));
		READ(gi_hyper(&x->top_tokens, c, "attention.indexer.top_k", 0));
		TRY(gi_need(&t, c, b, "indexer.attn_q_b"));
		TRY(gi_want_shape(c, t, s->q_rank, (uint64_t)x->q_heads * x->dim, 1));
		TRY(gi_need(&t, c, b, "indexer.proj"));
		TRY(gi_want_shape(c, t, w, x->q_heads, 1));
		TRY(gi_need(&t, c, b, "indexer_compressor_kv"));
		TRY(gi_want_shape(c, t, w, halves * x->dim, 1));
		TRY(gi_need(&t, c, b, "indexer_compressor_gate"));
		TRY(gi_want_shape(c, t, w, halves * x->dim, 1));
		TRY(gi_need(&t, c, b, "indexer_compressor_ape"));
		TRY(gi_want_shape(c, t, halves * x->dim, s->ratio, 1));
		TRY(gi_need_vector(c, b, "indexer_compressor_norm", x->dim));
	}
	return gi_rope(&s->rope, c, b->layer, s->rope_dim);
}
