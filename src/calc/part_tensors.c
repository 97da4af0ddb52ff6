/* part_tensors.c - shapes of the tensors of each part type
 *
 * Shapes follow the released weights (checked against published totals) and llama.cpp 0c1e57098 src/models/, where the order of
 * dimensions is ne[0] = inputs, ne[1] = outputs, ne[2] = experts or heads. */
#include "calc/part_tensors.h"

#include <assert.h>
#include <string.h>

static void put(struct shape_list *l, uint16_t id, uint64_t ne0, uint64_t ne1, uint64_t ne2, uint8_t use, uint8_t cut, uint32_t pieces)
{
	assert(l->n < MAX_SHAPES);
	if (ne0 == 0 || ne1 == 0 || ne2 == 0)
		return;
	l->s[l->n++] = (struct shape_of){ (uint16_t)weight_role(id), use, cut, pieces ? pieces : 1, 1, { ne0, ne1, ne2 }, id };
}
/* a matrix read for every token */
static void mat(struct shape_list *l, uint16_t id, uint64_t in, uint64_t out, uint8_t cut, uint32_t pieces)
{
	put(l, id, in, out, 1, USE_EVERY_TOKEN, cut, pieces);
}
static void vec(struct shape_list *l, uint16_t id, uint64_t n)
{
	put(l, id, n, 1, 1, USE_EVERY_TOKEN, CUT_NONE, 1);
}
/* norm: 0 none, 1 weight, 2 weight and bias, whose id is the next one */
static void norm(struct shape_list *l, uint16_t id, uint64_t n, unsigned kind)
{
	if (kind >= 1)
		vec(l, id, n);
	if (kind >= 2)
		vec(l, (uint16_t)(id + 1), n);
}
_Static_assert(W_ATTN_NORM_B == W_ATTN_NORM + 1 && W_FFN_NORM_B == W_FFN_NORM + 1 && W_POST_ATTN_NORM_B == W_POST_ATTN_NORM + 1 &&
	W_POST_FFN_NORM_B == W_POST_FFN_NORM + 1 && W_OUT_NORM_B == W_OUT_NORM + 1 && W_EMBED_NORM_B == W_EMBED_NORM + 1 &&
	W_INDEX_K_NORM_B == W_INDEX_K_NORM + 1 && W_INDEX_Q_NORM_B == W_INDEX_Q_NORM + 1, "a norm's bias follows its weight");
static unsigned norm_vectors(const struct model_spec *m) { return m->norm_type == NORM_LAYER_BIAS ? 2 : 1; }

static void index_tensors(struct shape_list *l, const struct model_spec *m, const struct index_spec *x)
{
	if (!x->q_heads || x->own == REUSE_LAST)
		return;
	mat(l, x->q_rank ? W_INDEX_Q : W_INDEX_Q_DIRECT, x->q_rank ? x->q_rank : m->width, (uint64_t)x->q_heads * x->dim, CUT_OUT, x->q_heads);
	mat(l, x->q_rank ? W_INDEX_K : W_INDEX_K_DIRECT, m->width, (uint64_t)(x->k_heads ? x->k_heads : 1) * x->dim, CUT_NONE, 1);
	norm(l, W_INDEX_Q_NORM, x->dim, x->q_norm);
	norm(l, W_INDEX_K_NORM, x->dim, x->k_norm);
	if (x->head_weights)
		mat(l, W_INDEX_HEADS, m->width, x->q_heads, CUT_NONE, 1);
}

static void gqa_tensors(struct shape_list *l, const struct model_spec *m, const struct gqa_spec *g, const struct packing_traits *t)
{
	uint64_t w = m->width, q = (uint64_t)g->q_heads * g->k_dim * (g->gate == GATE_ELEMENT ? 2 : 1);
	uint64_t k = g->no_kv_weights ? 0 : (uint64_t)g->kv_heads * g->k_dim;
	uint64_t v = g->no_kv_weights || g->v_is_k ? 0 : (uint64_t)g->kv_heads * g->v_dim;

	if (t->fused_qkv && k && v) {
		mat(l, W_ATTN_QKV, w, q + k + v, CUT_OUT, g->kv_heads);
		if (g->q_bias || g->k_bias || g->v_bias)
			vec(l, W_ATTN_QKV_B, (g->q_bias ? q : 0) + (g->k_bias ? k : 0) + (g->v_bias ? v : 0));
	} else {
		mat(l, W_ATTN_Q, w, q, CUT_OUT, g->q_heads);
		mat(l, W_ATTN_K, w, k, CUT_OUT, g->kv_heads);
		mat(l, W_ATTN_V, w, v, CUT_OUT, g->kv_heads);
		vec(l, W_ATTN_Q_B, g->q_bias ? q : 0);
		vec(l, W_ATTN_K_B, g->k_bias ? k : 0);
		vec(l, W_ATTN_V_B, g->v_bias ? v : 0);
	}
	if (g->qk_norm == QK_NORM_HEAD) {
		vec(l, W_Q_NORM, g->k_dim);
		vec(l, W_K_NORM, k ? g->k_dim : 0);
	} else if (g->qk_norm == QK_NORM_FULL) {
		vec(l, W_Q_NORM, (uint64_t)g->q_heads * g->k_dim);
		vec(l, W_K_NORM, k);
	}
	if (g->gate == GATE_HEAD)
		mat(l, W_ATTN_GATE, w, g->q_heads, CUT_OUT, g->q_heads);
	vec(l, W_SINKS, g->sinks ? g->q_heads : 0);
	mat(l, W_ATTN_OUT, (uint64_t)g->q_heads * g->v_dim, w, CUT_IN, g->q_heads);
	vec(l, W_ATTN_OUT_B, g->o_bias ? w : 0);
	index_tensors(l, m, &g->index);
}

static void mla_tensors(struct shape_list *l, const struct model_spec *m, const struct mla_spec *a, const struct packing_traits *t)
{
	uint64_t w = m->width, q = (uint64_t)a->q_heads * (a->nope_dim + a->rope_dim), v = (uint64_t)a->q_heads * a->v_dim;

	if (a->q_rank) {
		mat(l, W_Q_A, w, a->q_rank, CUT_NONE, 1);
		vec(l, W_Q_A_NORM, a->q_rank);
		mat(l, W_Q_B, a->q_rank, q, CUT_OUT, a->q_heads);
	} else {
		mat(l, W_ATTN_Q, w, q, CUT_OUT, a->q_heads);
	}
	mat(l, W_KV_A, w, (uint64_t)a->kv_rank + a->rope_dim, CUT_NONE, 1);
	vec(l, W_KV_A_NORM, a->kv_rank);
	if (t->split_kv_b) {
		put(l, W_K_B, a->nope_dim, a->kv_rank, a->q_heads, USE_EVERY_TOKEN, CUT_OUT, a->q_heads);
		put(l, W_V_B, a->kv_rank, a->v_dim, a->q_heads, USE_EVERY_TOKEN, CUT_OUT, a->q_heads);
	} else {
		mat(l, W_KV_B, a->kv_rank, (uint64_t)a->q_heads * (a->nope_dim + a->v_dim), CUT_OUT, a->q_heads);
	}
	if (a->gate == GATE_ELEMENT)
		mat(l, W_ATTN_GATE, w, v, CUT_OUT, a->q_heads);
	mat(l, W_ATTN_OUT, v, w, CUT_IN, a->q_heads);
	index_tensors(l, m, &a->index);
}

/* DeepSeek V4 (llama.cpp src/models/deepseek4.cpp): rows of ratio 4 overlap, so their compressor makes two halves. */
static void csa_tensors(struct shape_list *l, const struct model_spec *m, const struct csa_spec *c)
{
	uint64_t w = m->width, q = (uint64_t)c->q_heads * c->row_dim;
	uint64_t halves = c->ratio == 4 ? 2 : 1;

	mat(l, W_Q_A, w, c->q_rank, CUT_NONE, 1);
	vec(l, W_Q_A_NORM, c->q_rank);
	mat(l, W_Q_B, c->q_rank, q, CUT_OUT, c->q_heads);
	mat(l, W_CSA_KV, w, c->row_dim, CUT_NONE, 1);
	vec(l, W_KV_A_NORM, c->row_dim);
	mat(l, W_O_A, c->o_groups ? q / c->o_groups : q, (uint64_t)c->o_rank * (c->o_groups ? c->o_groups : 1), CUT_OUT, c->o_groups);
	mat(l, W_O_B, (uint64_t)c->o_rank * (c->o_groups ? c->o_groups : 1), w, CUT_IN, c->o_groups);
	vec(l, W_SINKS, c->sinks ? c->q_heads : 0);
	if (c->ratio) {
		mat(l, W_COMP_KV, w, halves * c->row_dim, CUT_NONE, 1);
		mat(l, W_COMP_GATE, w, halves * c->row_dim, CUT_NONE, 1);
		mat(l, W_COMP_APE, halves * c->row_dim, c->ratio, CUT_NONE, 1);
		vec(l, W_COMP_NORM, c->row_dim);
	}
	if (c->index.q_heads) {
		const struct index_spec *x = &c->index;
		mat(l, W_INDEX_HEADS, w, x->q_heads, CUT_NONE, 1);
		mat(l, W_INDEX_Q, c->q_rank, (uint64_t)x->q_heads * x->dim, CUT_OUT, x->q_heads);
		mat(l, W_INDEX_COMP_KV, w, halves * x->dim, CUT_NONE, 1);
		mat(l, W_INDEX_COMP_GATE, w, halves * x->dim, CUT_NONE, 1);
		mat(l, W_INDEX_COMP_APE, halves * x->dim, c->ratio, CUT_NONE, 1);
		vec(l, W_INDEX_COMP_NORM, x->dim);
	}
}

static void delta_tensors(struct shape_list *l, const struct model_spec *m, const struct delta_spec *d, const struct packing_traits *t)
{
	uint64_t w = m->width, k = (uint64_t)d->k_heads * d->k_dim, v = (uint64_t)d->v_heads * d->v_dim;
	uint64_t a_log = d->a_log_elements ? d->a_log_elements : d->v_heads;

	if (d->per_channel_decay) {      /* Kimi delta attention: llama.cpp src/models/kimi-linear.cpp, kimi-k3.cpp */
		mat(l, W_ATTN_Q, w, k, CUT_OUT, d->k_heads);
		mat(l, W_ATTN_K, w, k, CUT_OUT, d->k_heads);
		mat(l, W_ATTN_V, w, v, CUT_OUT, d->v_heads);
		mat(l, W_SSM_CONV_Q, d->conv_kernel, k, CUT_OUT, d->k_heads);
		mat(l, W_SSM_CONV_K, d->conv_kernel, k, CUT_OUT, d->k_heads);
		mat(l, W_SSM_CONV_V, d->conv_kernel, v, CUT_OUT, d->v_heads);
		mat(l, W_SSM_F_A, w, d->k_dim, CUT_NONE, 1);
		mat(l, W_SSM_F_B, d->k_dim, k, CUT_OUT, d->k_heads);
		mat(l, W_SSM_BETA, w, d->v_heads, CUT_OUT, d->v_heads);
		vec(l, W_SSM_A, a_log);
		vec(l, W_SSM_DT_B, k);                     /* dt bias, a channel each */
		if (d->out_gate && d->gate_low_rank) {
			mat(l, W_SSM_G_A, w, d->v_dim, CUT_NONE, 1);
			mat(l, W_SSM_G_B, d->v_dim, v, CUT_OUT, d->v_heads);
		} else if (d->out_gate) {
			mat(l, W_SSM_GATE, w, v, CUT_OUT, d->v_heads);
		}
		vec(l, W_SSM_NORM, d->v_dim);
		mat(l, W_ATTN_OUT, v, w, CUT_IN, d->v_heads);
		return;
	}
	mat(l, W_ATTN_QKV, w, 2 * k + v, CUT_OUT, d->k_heads);
	if (d->out_gate)
		mat(l, W_ATTN_GATE, w, v, CUT_OUT, d->v_heads);
	if (t->split_beta_alpha) {
		mat(l, W_SSM_BETA, w, d->v_heads, CUT_OUT, d->v_heads);
		mat(l, W_SSM_ALPHA, w, d->v_heads, CUT_OUT, d->v_heads);
	} else {
		mat(l, W_SSM_BETA_ALPHA, w, 2 * (uint64_t)d->v_heads, CUT_OUT, d->v_heads);
	}
	mat(l, W_SSM_CONV, d->conv_kernel, 2 * k + v, CUT_OUT, d->k_heads);
	vec(l, W_SSM_A, a_log);
	vec(l, W_SSM_DT_B, d->v_heads);
	vec(l, W_SSM_NORM, d->v_dim);
	mat(l, W_SSM_OUT, v, w, CUT_IN, d->v_heads);
}

static void mamba2_tensors(struct shape_list *l, const struct model_spec *m, const struct mamba2_spec *s)
{
	uint64_t w = m->width, inner = (uint64_t)s->heads * s->head_dim, bc = 2 * (uint64_t)s->groups * s->state;

	mat(l, W_SSM_IN, w, 2 * inner + bc + s->heads, CUT_OUT, s->groups);
	vec(l, W_SSM_IN_B, s->proj_bias ? 2 * inner + bc + s->heads : 0);
	mat(l, W_SSM_CONV, s->conv_kernel, inner + bc, CUT_OUT, s->groups);
	vec(l, W_SSM_CONV_B, s->conv_bias ? inner + bc : 0);
	vec(l, W_SSM_A, s->heads);
	vec(l, W_SSM_D, s->heads);
	vec(l, W_SSM_DT_B, s->heads);
	vec(l, W_SSM_NORM, s->gated_norm ? inner : 0);
	mat(l, W_SSM_OUT, inner, w, CUT_IN, s->groups);
	vec(l, W_SSM_OUT_B, s->proj_bias ? w : 0);
}

static void mlp_tensors(struct shape_list *l, const struct model_spec *m, const struct mlp_spec *f, const struct packing_traits *t)
{
	uint64_t w = m->width, n = f->width;

	if (f->matrices == 3 && t->fused_gate_up) {
		mat(l, W_FFN_UP, w, 2 * n, CUT_OUT, f->width);
	} else {
		if (f->matrices == 3)
			mat(l, W_FFN_GATE, w, n, CUT_OUT, f->width);
		mat(l, W_FFN_UP, w, n, CUT_OUT, f->width);
	}
	mat(l, W_FFN_DOWN, n, w, CUT_IN, f->width);
	if (f->bias) {
		int fused = f->matrices == 3 && t->fused_gate_up;
		vec(l, W_FFN_GATE_B, f->matrices == 3 && !fused ? n : 0);
		vec(l, W_FFN_UP_B, fused ? 2 * n : n);
		vec(l, W_FFN_DOWN_B, w);
	}
}

static void expert(struct shape_list *l, uint16_t role, uint64_t in, uint64_t out, const struct moe_spec *e)
{
	put(l, role, in, out, e->experts, USE_ROUTED, CUT_EXPERT, e->experts);
}

static void moe_tensors(struct shape_list *l, const struct model_spec *m, const struct moe_spec *e, const struct packing_traits *t)
{
	uint64_t w = m->width, in = e->latent ? e->latent : w, n = e->width;

	mat(l, W_ROUTER, w, e->experts, CUT_NONE, 1);
	if (e->hash_layer)
		put(l, W_ROUTER_HASH, e->per_token, m->vocab, 1, USE_GATHER, CUT_NONE, 1);
	vec(l, m->architecture && !strcmp(m->architecture, "gpt-oss") ? W_ROUTER_B : W_ROUTER_BIAS, e->router_bias && !e->hash_layer ? e->experts : 0);
	vec(l, W_ROUTER_SCALE, e->router_scale ? w : 0);
	vec(l, W_EXP_SCALE, e->expert_scale ? e->experts : 0);
	if (e->latent) {
		mat(l, W_LATENT_IN, w, e->latent, CUT_NONE, 1);
		mat(l, W_LATENT_OUT, e->latent, w, CUT_NONE, 1);
		vec(l, W_LATENT_NORM, e->latent_norm ? e->latent : 0);
	}
	if (e->matrices == 3 && t->fused_expert_gate_up) {
		expert(l, W_EXP_GATE_UP, in, 2 * n, e);
	} else {
		if (e->matrices == 3)
			expert(l, W_EXP_GATE, in, n, e);
		expert(l, W_EXP_UP, in, n, e);
	}
	expert(l, W_EXP_DOWN, n, in, e);
	if (e->bias) {
		for (unsigned i = 1; i < e->matrices; i++)
			put(l, i == 1 ? W_EXP_UP_B : W_EXP_GATE_B, n, e->experts, 1, USE_ROUTED, CUT_EXPERT, e->experts);
		put(l, W_EXP_DOWN_B, in, e->experts, 1, USE_ROUTED, CUT_EXPERT, e->experts);
	}
	if (e->shared_width) {
		if (e->matrices == 3)
			mat(l, W_SHARED_GATE, w, e->shared_width, CUT_OUT, e->shared_width);
		mat(l, W_SHARED_UP, w, e->shared_width, CUT_OUT, e->shared_width);
		mat(l, W_SHARED_DOWN, e->shared_width, w, CUT_IN, e->shared_width);
		if (e->shared_gate)
			vec(l, W_SHARED_ROUTER, w);
	}
}

void part_tensors(struct shape_list *out, const struct model_spec *m, const struct part *p, const struct packing_traits *t)
{
	switch ((enum part_type)p->type) {
	case PART_GQA: gqa_tensors(out, m, &p->u.gqa, t); break;
	case PART_MLA: mla_tensors(out, m, &p->u.mla, t); break;
	case PART_CSA: csa_tensors(out, m, &p->u.csa); break;
	case PART_DELTA: delta_tensors(out, m, &p->u.delta, t); break;
	case PART_MAMBA2: mamba2_tensors(out, m, &p->u.mamba2); break;
	case PART_CONV:
		mat(out, W_CONV_IN, m->width, 3 * (uint64_t)m->width, CUT_NONE, 1);
		mat(out, W_CONV, p->u.conv.kernel, m->width, CUT_NONE, 1);
		mat(out, W_CONV_OUT, m->width, m->width, CUT_NONE, 1);
		vec(out, W_CONV_B, p->u.conv.bias ? 5 * (uint64_t)m->width : 0);      /* 3 in, conv, out */
		break;
	case PART_MLP: mlp_tensors(out, m, &p->u.mlp, t); break;
	case PART_MOE: moe_tensors(out, m, &p->u.moe, t); break;
	case PART_TYPES: break;
	}
}

static int is_feed(const struct model_spec *m, const struct branch *b)
{
	return b->n_parts && (m->parts[b->part[0]].type == PART_MLP || m->parts[b->part[0]].type == PART_MOE);
}
/* A layer of one branch has attn_norm whatever it holds (Nemotron-H), but a feed-forward alone among layers of two has its own
 * (Deci). */
uint16_t branch_norm_id(const struct model_spec *m, const struct layer_kind *k, unsigned i, unsigned n)
{
	const struct branch *b = &k->branch[i];
	int post = n || b->norm == NORM_POST, feed = i > 0 || (post && is_feed(m, b));

	if (!i && !post && m->architecture && !strcmp(m->architecture, "deci"))
		feed = is_feed(m, b);
	if (i > 1)
		return W_OTHER_NORM;
	return feed ? (post ? W_POST_FFN_NORM : W_FFN_NORM) : post ? W_POST_ATTN_NORM : W_ATTN_NORM;
}

void kind_tensors(struct shape_list *out, const struct model_spec *m, const struct layer_kind *k, const struct packing_traits *t)
{
	uint64_t w = m->width, s = m->residual_streams > 1 ? m->residual_streams : 0;

	for (unsigned i = 0; i < k->n_branches; i++) {
		const struct branch *b = &k->branch[i];
		unsigned norms = b->norm == NORM_NONE ? 0 : b->norm == NORM_SANDWICH ? 2 : 1;
		for (unsigned n = 0; n < norms; n++)
			norm(out, branch_norm_id(m, k, i, n), w, norm_vectors(m));
		for (unsigned p = 0; p < b->n_parts; p++)
			part_tensors(out, m, &m->parts[b->part[p]], t);
		if (s) {                     /* hyper-connections: llama.cpp src/models/deepseek4.cpp */
			mat(out, i ? W_HC_FFN_FN : W_HC_ATTN_FN, s * w, (2 + s) * s, CUT_NONE, 1);
			vec(out, i ? W_HC_FFN_BASE : W_HC_ATTN_BASE, (2 + s) * s);
			vec(out, i ? W_HC_FFN_SCALE : W_HC_ATTN_SCALE, 3);
		}
		if (m->residual_block) {     /* attention residuals: a score and a norm vector a branch */
			vec(out, i ? W_RES_FFN : W_RES_ATTN, w);
			vec(out, W_RES_NORM, t->res_scores_folded ? 0 : w);
		}
	}
	/* Gemma 4 26B (llama.cpp src/models/gemma4.cpp): the experts' own norm, and one after each of the two feed-forwards */
	static const uint16_t extra[] = { W_PRE_FFN_NORM_2, W_POST_FFN_NORM_1, W_POST_FFN_NORM_2 };
	for (unsigned i = 0; i < k->extra_norms; i++)
		norm(out, i < 3 ? extra[i] : W_OTHER_NORM, w, 1);
	for (unsigned i = 0; i < k->extra_scalars; i++)
		vec(out, i ? W_OTHER_SCALAR : W_LAYER_SCALE, 1);
	if (m->per_layer_embed) {            /* Gemma 3n/4 E: llama.cpp src/models/gemma4.cpp */
		mat(out, W_PLE_GATE, w, m->per_layer_embed, CUT_NONE, 1);
		mat(out, W_PLE_OUT, m->per_layer_embed, w, CUT_NONE, 1);
		vec(out, W_PLE_NORM, w);
	}
}

void model_head_tensors(struct shape_list *out, const struct model_spec *m, const struct packing_traits *t)
{
	uint64_t w = m->width;

	/* a tied head is read whole for every token; an input-only table gives up one row */
	put(out, W_EMBED, w, m->vocab, 1, m->tied_head ? USE_EVERY_TOKEN : USE_GATHER, CUT_VOCAB, m->vocab);
	if (m->learned_positions)
		put(out, W_POSITION, w, m->context_native, 1, USE_GATHER, CUT_NONE, 1);
	if (m->embed_norm)
		norm(out, W_EMBED_NORM, w, norm_vectors(m));
	if (m->per_layer_embed) {
		uint64_t all = (uint64_t)m->per_layer_embed * m->n_layers;
		put(out, W_PLE_EMBED, all, m->per_layer_vocab ? m->per_layer_vocab : m->vocab, 1, USE_GATHER, CUT_NONE, 1);
		mat(out, W_PLE_PROJ, w, all, CUT_NONE, 1);
		vec(out, W_PLE_PROJ_NORM, m->per_layer_embed);
	}
	for (unsigned i = 0; t->rope_tables && i < m->n_rope; i++) {
		uint8_t s = m->rope[i].scaling;
		if (s == ROPE_SCALING_LLAMA3 || s == ROPE_SCALING_LONGROPE || s == ROPE_SCALING_PROPORTIONAL)
			vec(out, s == ROPE_SCALING_LONGROPE ? W_ROPE_LONG : W_ROPE_FREQS, m->rope[i].dims / 2);
		if (s == ROPE_SCALING_LONGROPE)
			vec(out, W_ROPE_SHORT, m->rope[i].dims / 2);
	}
}

void model_tail_tensors(struct shape_list *out, const struct model_spec *m, const struct packing_traits *t)
{
	uint64_t w = m->width, s = m->residual_streams > 1 ? m->residual_streams : 0;

	if (!m->no_final_norm)
		norm(out, W_OUT_NORM, w, norm_vectors(m));
	if (s) {
		mat(out, W_HC_OUT_FN, s * w, s, CUT_NONE, 1);
		vec(out, W_HC_OUT_BASE, s);
		vec(out, W_HC_OUT_SCALE, 1);
	}
	if (m->residual_block) {
		vec(out, W_RES_OUT, w);
		vec(out, W_RES_OUT_NORM, t->res_scores_folded ? 0 : w);
	}
	if (!m->tied_head)
		mat(out, W_HEAD, w, m->vocab, CUT_VOCAB, m->vocab);
	vec(out, W_HEAD_B, m->head_bias ? m->vocab : 0);
}

void mtp_tensors(struct shape_list *out, const struct model_spec *m)
{
	uint64_t w = m->width;

	if (!m->mtp.no_proj)
		mat(out, W_MTP_PROJ, 2 * w, w, CUT_NONE, 1);
	for (unsigned i = 0; i < m->mtp.norms; i++)
		norm(out, W_MTP_NORM, w, 1);
	if (m->mtp.own_embed)
		put(out, W_MTP_EMBED, w, m->vocab, 1, USE_GATHER, CUT_VOCAB, m->vocab);
	if (m->mtp.own_head)
		mat(out, W_MTP_HEAD, w, m->vocab, CUT_VOCAB, m->vocab);
	vec(out, W_MTP_EXTRA, m->mtp.extra);
}
