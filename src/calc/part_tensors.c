/* part_tensors.c - shapes of the tensors of each part type
 *
 * Shapes follow the released weights (checked against published totals) and llama.cpp 0c1e57098 src/models/, where the order of
 * dimensions is ne[0] = inputs, ne[1] = outputs, ne[2] = experts or heads. */
#include "calc/part_tensors.h"

#include <assert.h>

static void put(struct shape_list *l, uint16_t role, uint64_t ne0, uint64_t ne1, uint64_t ne2, uint8_t use, uint8_t cut, uint32_t pieces)
{
	assert(l->n < MAX_SHAPES);
	if (ne0 == 0 || ne1 == 0 || ne2 == 0)
		return;
	l->s[l->n++] = (struct shape_of){ role, use, cut, pieces ? pieces : 1, 1, { ne0, ne1, ne2 } };
}
/* a matrix read for every token */
static void mat(struct shape_list *l, uint16_t role, uint64_t in, uint64_t out, uint8_t cut, uint32_t pieces)
{
	put(l, role, in, out, 1, USE_EVERY_TOKEN, cut, pieces);
}
static void vec(struct shape_list *l, uint16_t role, uint64_t n)
{
	put(l, role, n, 1, 1, USE_EVERY_TOKEN, CUT_NONE, 1);
}
/* norm: 0 none, 1 weight, 2 weight and bias */
static void norm(struct shape_list *l, uint64_t n, unsigned kind)
{
	if (kind >= 1)
		vec(l, ROLE_NORM, n);
	if (kind >= 2)
		vec(l, ROLE_NORM, n);
}
static unsigned norm_vectors(const struct model_spec *m) { return m->norm_type == NORM_LAYER_BIAS ? 2 : 1; }

static void index_tensors(struct shape_list *l, const struct model_spec *m, const struct index_spec *x)
{
	if (!x->q_heads || x->own == REUSE_LAST)
		return;
	mat(l, x->q_rank ? ROLE_INDEX_Q : ROLE_INDEX_Q_DIRECT, x->q_rank ? x->q_rank : m->width, (uint64_t)x->q_heads * x->dim, CUT_OUT, x->q_heads);
	mat(l, x->q_rank ? ROLE_INDEX_K : ROLE_INDEX_K_DIRECT, m->width, (uint64_t)(x->k_heads ? x->k_heads : 1) * x->dim, CUT_NONE, 1);
	norm(l, x->dim, x->q_norm);
	norm(l, x->dim, x->k_norm);
	if (x->head_weights)
		mat(l, ROLE_INDEX_HEADS, m->width, x->q_heads, CUT_NONE, 1);
}

static void gqa_tensors(struct shape_list *l, const struct model_spec *m, const struct gqa_spec *g, const struct packing_traits *t)
{
	uint64_t w = m->width, q = (uint64_t)g->q_heads * g->k_dim * (g->gate == GATE_ELEMENT ? 2 : 1);
	uint64_t k = g->no_kv_weights ? 0 : (uint64_t)g->kv_heads * g->k_dim;
	uint64_t v = g->no_kv_weights || g->v_is_k ? 0 : (uint64_t)g->kv_heads * g->v_dim;

	if (t->fused_qkv && k && v) {
		mat(l, ROLE_ATTN_QKV, w, q + k + v, CUT_OUT, g->kv_heads);
		if (g->q_bias || g->k_bias || g->v_bias)
			vec(l, ROLE_BIAS, (g->q_bias ? q : 0) + (g->k_bias ? k : 0) + (g->v_bias ? v : 0));
	} else {
		mat(l, ROLE_ATTN_Q, w, q, CUT_OUT, g->q_heads);
		mat(l, ROLE_ATTN_K, w, k, CUT_OUT, g->kv_heads);
		mat(l, ROLE_ATTN_V, w, v, CUT_OUT, g->kv_heads);
		vec(l, ROLE_BIAS, g->q_bias ? q : 0);
		vec(l, ROLE_BIAS, g->k_bias ? k : 0);
		vec(l, ROLE_BIAS, g->v_bias ? v : 0);
	}
	if (g->qk_norm == QK_NORM_HEAD) {
		vec(l, ROLE_NORM, g->k_dim);
		vec(l, ROLE_NORM, k ? g->k_dim : 0);
	} else if (g->qk_norm == QK_NORM_FULL) {
		vec(l, ROLE_NORM, (uint64_t)g->q_heads * g->k_dim);
		vec(l, ROLE_NORM, k);
	}
	if (g->gate == GATE_HEAD)
		mat(l, ROLE_ATTN_GATE, w, g->q_heads, CUT_OUT, g->q_heads);
	vec(l, ROLE_SINKS, g->sinks ? g->q_heads : 0);
	mat(l, ROLE_ATTN_OUT, (uint64_t)g->q_heads * g->v_dim, w, CUT_IN, g->q_heads);
	vec(l, ROLE_BIAS, g->o_bias ? w : 0);
	index_tensors(l, m, &g->index);
}

static void mla_tensors(struct shape_list *l, const struct model_spec *m, const struct mla_spec *a, const struct packing_traits *t)
{
	uint64_t w = m->width, q = (uint64_t)a->q_heads * (a->nope_dim + a->rope_dim), v = (uint64_t)a->q_heads * a->v_dim;

	if (a->q_rank) {
		mat(l, ROLE_Q_A, w, a->q_rank, CUT_NONE, 1);
		vec(l, ROLE_NORM, a->q_rank);
		mat(l, ROLE_Q_B, a->q_rank, q, CUT_OUT, a->q_heads);
	} else {
		mat(l, ROLE_ATTN_Q, w, q, CUT_OUT, a->q_heads);
	}
	mat(l, ROLE_KV_A, w, (uint64_t)a->kv_rank + a->rope_dim, CUT_NONE, 1);
	vec(l, ROLE_NORM, a->kv_rank);
	if (t->split_kv_b) {
		put(l, ROLE_K_B, a->nope_dim, a->kv_rank, a->q_heads, USE_EVERY_TOKEN, CUT_OUT, a->q_heads);
		put(l, ROLE_V_B, a->kv_rank, a->v_dim, a->q_heads, USE_EVERY_TOKEN, CUT_OUT, a->q_heads);
	} else {
		mat(l, ROLE_KV_B, a->kv_rank, (uint64_t)a->q_heads * (a->nope_dim + a->v_dim), CUT_OUT, a->q_heads);
	}
	if (a->gate == GATE_ELEMENT)
		mat(l, ROLE_ATTN_GATE, w, v, CUT_OUT, a->q_heads);
	mat(l, ROLE_ATTN_OUT, v, w, CUT_IN, a->q_heads);
	index_tensors(l, m, &a->index);
}

/* DeepSeek V4 (llama.cpp src/models/deepseek4.cpp): rows of ratio 4 overlap, so their compressor makes two halves. */
static void csa_tensors(struct shape_list *l, const struct model_spec *m, const struct csa_spec *c)
{
	uint64_t w = m->width, q = (uint64_t)c->q_heads * c->row_dim;
	uint64_t halves = c->ratio == 4 ? 2 : 1;

	mat(l, ROLE_Q_A, w, c->q_rank, CUT_NONE, 1);
	vec(l, ROLE_NORM, c->q_rank);
	mat(l, ROLE_Q_B, c->q_rank, q, CUT_OUT, c->q_heads);
	mat(l, ROLE_CSA_KV, w, c->row_dim, CUT_NONE, 1);
	vec(l, ROLE_NORM, c->row_dim);
	mat(l, ROLE_O_A, c->o_groups ? q / c->o_groups : q, (uint64_t)c->o_rank * (c->o_groups ? c->o_groups : 1), CUT_OUT, c->o_groups);
	mat(l, ROLE_O_B, (uint64_t)c->o_rank * (c->o_groups ? c->o_groups : 1), w, CUT_IN, c->o_groups);
	vec(l, ROLE_SINKS, c->sinks ? c->q_heads : 0);
	if (c->ratio) {
		mat(l, ROLE_COMP_KV, w, halves * c->row_dim, CUT_NONE, 1);
		mat(l, ROLE_COMP_GATE, w, halves * c->row_dim, CUT_NONE, 1);
		mat(l, ROLE_COMP_APE, halves * c->row_dim, c->ratio, CUT_NONE, 1);
		vec(l, ROLE_NORM, c->row_dim);
	}
	if (c->index.q_heads) {
		const struct index_spec *x = &c->index;
		mat(l, ROLE_INDEX_HEADS, w, x->q_heads, CUT_NONE, 1);
		mat(l, ROLE_INDEX_Q, c->q_rank, (uint64_t)x->q_heads * x->dim, CUT_OUT, x->q_heads);
		mat(l, ROLE_INDEX_COMP_KV, w, halves * x->dim, CUT_NONE, 1);
		mat(l, ROLE_INDEX_COMP_GATE, w, halves * x->dim, CUT_NONE, 1);
		mat(l, ROLE_INDEX_COMP_APE, halves * x->dim, c->ratio, CUT_NONE, 1);
		vec(l, ROLE_NORM, x->dim);
	}
}

static void delta_tensors(struct shape_list *l, const struct model_spec *m, const struct delta_spec *d, const struct packing_traits *t)
{
	uint64_t w = m->width, k = (uint64_t)d->k_heads * d->k_dim, v = (uint64_t)d->v_heads * d->v_dim;
	uint64_t a_log = d->a_log_elements ? d->a_log_elements : d->v_heads;

	if (d->per_channel_decay) {      /* Kimi delta attention: llama.cpp src/models/kimi-linear.cpp, kimi-k3.cpp */
		mat(l, ROLE_ATTN_Q, w, k, CUT_OUT, d->k_heads);
		mat(l, ROLE_ATTN_K, w, k, CUT_OUT, d->k_heads);
		mat(l, ROLE_ATTN_V, w, v, CUT_OUT, d->v_heads);
		mat(l, ROLE_SSM_CONV, d->conv_kernel, k, CUT_OUT, d->k_heads);
		mat(l, ROLE_SSM_CONV, d->conv_kernel, k, CUT_OUT, d->k_heads);
		mat(l, ROLE_SSM_CONV, d->conv_kernel, v, CUT_OUT, d->v_heads);
		mat(l, ROLE_SSM_LOW_A, w, d->k_dim, CUT_NONE, 1);
		mat(l, ROLE_SSM_LOW_B, d->k_dim, k, CUT_OUT, d->k_heads);
		mat(l, ROLE_SSM_BETA_ALPHA, w, d->v_heads, CUT_OUT, d->v_heads);
		vec(l, ROLE_SSM_VEC, a_log);
		vec(l, ROLE_SSM_VEC, k);                     /* dt bias, a channel each */
		if (d->out_gate && d->gate_low_rank) {
			mat(l, ROLE_SSM_LOW_A, w, d->v_dim, CUT_NONE, 1);
			mat(l, ROLE_SSM_LOW_B, d->v_dim, v, CUT_OUT, d->v_heads);
		} else if (d->out_gate) {
			mat(l, ROLE_SSM_GATE, w, v, CUT_OUT, d->v_heads);
		}
		vec(l, ROLE_NORM, d->v_dim);
		mat(l, ROLE_ATTN_OUT, v, w, CUT_IN, d->v_heads);
		return;
	}
	mat(l, ROLE_ATTN_QKV, w, 2 * k + v, CUT_OUT, d->k_heads);
	if (d->out_gate)
		mat(l, ROLE_ATTN_GATE, w, v, CUT_OUT, d->v_heads);
	if (t->split_beta_alpha) {
		mat(l, ROLE_SSM_BETA_ALPHA, w, d->v_heads, CUT_OUT, d->v_heads);
		mat(l, ROLE_SSM_BETA_ALPHA, w, d->v_heads, CUT_OUT, d->v_heads);
	} else {
		mat(l, ROLE_SSM_BETA_ALPHA, w, 2 * (uint64_t)d->v_heads, CUT_OUT, d->v_heads);
	}
	mat(l, ROLE_SSM_CONV, d->conv_kernel, 2 * k + v, CUT_OUT, d->k_heads);
	vec(l, ROLE_SSM_VEC, a_log);
	vec(l, ROLE_SSM_VEC, d->v_heads);
	vec(l, ROLE_NORM, d->v_dim);
	mat(l, ROLE_SSM_OUT, v, w, CUT_IN, d->v_heads);
}

static void mamba2_tensors(struct shape_list *l, const struct model_spec *m, const struct mamba2_spec *s)
{
	uint64_t w = m->width, inner = (uint64_t)s->heads * s->head_dim, bc = 2 * (uint64_t)s->groups * s->state;

	mat(l, ROLE_SSM_IN, w, 2 * inner + bc + s->heads, CUT_OUT, s->groups);
	vec(l, ROLE_BIAS, s->proj_bias ? 2 * inner + bc + s->heads : 0);
	mat(l, ROLE_SSM_CONV, s->conv_kernel, inner + bc, CUT_OUT, s->groups);
	vec(l, ROLE_BIAS, s->conv_bias ? inner + bc : 0);
	for (unsigned i = 0; i < 3; i++)                     /* A_log, D, dt bias */
		vec(l, ROLE_SSM_VEC, s->heads);
	vec(l, ROLE_NORM, s->gated_norm ? inner : 0);
	mat(l, ROLE_SSM_OUT, inner, w, CUT_IN, s->groups);
	vec(l, ROLE_BIAS, s->proj_bias ? w : 0);
}

static void mlp_tensors(struct shape_list *l, const struct model_spec *m, const struct mlp_spec *f, const struct packing_traits *t)
{
	uint64_t w = m->width, n = f->width;

	if (f->matrices == 3 && t->fused_gate_up) {
		mat(l, ROLE_FFN_UP, w, 2 * n, CUT_OUT, f->width);
	} else {
		if (f->matrices == 3)
			mat(l, ROLE_FFN_GATE, w, n, CUT_OUT, f->width);
		mat(l, ROLE_FFN_UP, w, n, CUT_OUT, f->width);
	}
	mat(l, ROLE_FFN_DOWN, n, w, CUT_IN, f->width);
	if (f->bias) {
		vec(l, ROLE_BIAS, n * (f->matrices - 1));
		vec(l, ROLE_BIAS, w);
	}
}

static void expert(struct shape_list *l, uint16_t role, uint64_t in, uint64_t out, const struct moe_spec *e)
{
	put(l, role, in, out, e->experts, USE_ROUTED, CUT_EXPERT, e->experts);
}

static void moe_tensors(struct shape_list *l, const struct model_spec *m, const struct moe_spec *e, const struct packing_traits *t)
{
	uint64_t w = m->width, in = e->latent ? e->latent : w, n = e->width;

	mat(l, ROLE_ROUTER, w, e->experts, CUT_NONE, 1);
	if (e->hash_layer)
		put(l, ROLE_ROUTER_HASH, e->per_token, m->vocab, 1, USE_GATHER, CUT_NONE, 1);
	vec(l, ROLE_ROUTER_BIAS, e->router_bias && !e->hash_layer ? e->experts : 0);
	vec(l, ROLE_SCALAR, e->router_scale ? w : 0);
	vec(l, ROLE_SCALAR, e->expert_scale ? e->experts : 0);
	if (e->latent) {
		mat(l, ROLE_LATENT_IN, w, e->latent, CUT_NONE, 1);
		mat(l, ROLE_LATENT_OUT, e->latent, w, CUT_NONE, 1);
		vec(l, ROLE_NORM, e->latent_norm ? e->latent : 0);
	}
	if (e->matrices == 3 && t->fused_expert_gate_up) {
		expert(l, ROLE_EXP_GATE_UP, in, 2 * n, e);
	} else {
		if (e->matrices == 3)
			expert(l, ROLE_EXP_GATE, in, n, e);
		expert(l, ROLE_EXP_UP, in, n, e);
	}
	expert(l, ROLE_EXP_DOWN, n, in, e);
	if (e->bias) {
		for (unsigned i = 1; i < e->matrices; i++)
			put(l, ROLE_EXP_BIAS, n, e->experts, 1, USE_ROUTED, CUT_EXPERT, e->experts);
		put(l, ROLE_EXP_BIAS, in, e->experts, 1, USE_ROUTED, CUT_EXPERT, e->experts);
	}
	if (e->shared_width) {
		if (e->matrices == 3)
			mat(l, ROLE_SHARED_GATE, w, e->shared_width, CUT_OUT, e->shared_width);
		mat(l, ROLE_SHARED_UP, w, e->shared_width, CUT_OUT, e->shared_width);
		mat(l, ROLE_SHARED_DOWN, e->shared_width, w, CUT_IN, e->shared_width);
		if (e->shared_gate)
			vec(l, ROLE_SHARED_ROUTER, w);
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
		mat(out, ROLE_CONV_IN, m->width, 3 * (uint64_t)m->width, CUT_NONE, 1);
		mat(out, ROLE_CONV, p->u.conv.kernel, m->width, CUT_NONE, 1);
		mat(out, ROLE_CONV_OUT, m->width, m->width, CUT_NONE, 1);
		vec(out, ROLE_BIAS, p->u.conv.bias ? 5 * (uint64_t)m->width : 0);      /* 3 in, conv, out */
		break;
	case PART_MLP: mlp_tensors(out, m, &p->u.mlp, t); break;
	case PART_MOE: moe_tensors(out, m, &p->u.moe, t); break;
	case PART_TYPES: break;
	}
}

void kind_tensors(struct shape_list *out, const struct model_spec *m, const struct layer_kind *k, const struct packing_traits *t)
{
	uint64_t w = m->width, s = m->residual_streams > 1 ? m->residual_streams : 0;

	for (unsigned i = 0; i < k->n_branches; i++) {
		const struct branch *b = &k->branch[i];
		unsigned norms = b->norm == NORM_NONE ? 0 : b->norm == NORM_SANDWICH ? 2 : 1;
		for (unsigned n = 0; n < norms; n++)
			norm(out, w, norm_vectors(m));
		for (unsigned p = 0; p < b->n_parts; p++)
			part_tensors(out, m, &m->parts[b->part[p]], t);
		if (s) {                     /* hyper-connections: llama.cpp src/models/deepseek4.cpp */
			mat(out, ROLE_HC_FN, s * w, (2 + s) * s, CUT_NONE, 1);
			vec(out, ROLE_HC_VEC, (2 + s) * s);
			vec(out, ROLE_HC_VEC, 3);
		}
		if (m->residual_block) {     /* attention residuals: a score and a norm vector a branch */
			vec(out, ROLE_RES_SCORE, w);
			vec(out, ROLE_RES_SCORE, t->res_scores_folded ? 0 : w);
		}
	}
	for (unsigned i = 0; i < k->extra_norms; i++)
		norm(out, w, 1);
	for (unsigned i = 0; i < k->extra_scalars; i++)
		vec(out, ROLE_SCALAR, 1);
	if (m->per_layer_embed) {            /* Gemma 3n/4 E: llama.cpp src/models/gemma4.cpp */
		mat(out, ROLE_PLE_GATE, w, m->per_layer_embed, CUT_NONE, 1);
		mat(out, ROLE_PLE_OUT, m->per_layer_embed, w, CUT_NONE, 1);
		vec(out, ROLE_NORM, w);
	}
}

void model_head_tensors(struct shape_list *out, const struct model_spec *m, const struct packing_traits *t)
{
	uint64_t w = m->width;

	/* a tied head is read whole for every token; an input-only table gives up one row */
	put(out, ROLE_EMBED, w, m->vocab, 1, m->tied_head ? USE_EVERY_TOKEN : USE_GATHER, CUT_VOCAB, m->vocab);
	if (m->learned_positions)
		put(out, ROLE_POSITION, w, m->context_native, 1, USE_GATHER, CUT_NONE, 1);
	if (m->embed_norm)
		norm(out, w, norm_vectors(m));
	if (m->per_layer_embed) {
		uint64_t all = (uint64_t)m->per_layer_embed * m->n_layers;
		put(out, ROLE_PLE_EMBED, all, m->per_layer_vocab ? m->per_layer_vocab : m->vocab, 1, USE_GATHER, CUT_NONE, 1);
		mat(out, ROLE_PLE_PROJ, w, all, CUT_NONE, 1);
		vec(out, ROLE_NORM, m->per_layer_embed);
	}
	for (unsigned i = 0; t->rope_tables && i < m->n_rope; i++) {
		uint8_t s = m->rope[i].scaling;
		if (s == ROPE_SCALING_LLAMA3 || s == ROPE_SCALING_LONGROPE || s == ROPE_SCALING_PROPORTIONAL)
			vec(out, ROLE_ROPE_FACTORS, m->rope[i].dims / 2);
		if (s == ROPE_SCALING_LONGROPE)
			vec(out, ROLE_ROPE_FACTORS, m->rope[i].dims / 2);
	}
}

void model_tail_tensors(struct shape_list *out, const struct model_spec *m, const struct packing_traits *t)
{
	uint64_t w = m->width, s = m->residual_streams > 1 ? m->residual_streams : 0;

	if (!m->no_final_norm)
		norm(out, w, norm_vectors(m));
	if (s) {
		mat(out, ROLE_HC_FN, s * w, s, CUT_NONE, 1);
		vec(out, ROLE_HC_VEC, s);
		vec(out, ROLE_HC_VEC, 1);
	}
	if (m->residual_block) {
		vec(out, ROLE_RES_SCORE, w);
		vec(out, ROLE_RES_SCORE, t->res_scores_folded ? 0 : w);
	}
	if (!m->tied_head)
		mat(out, ROLE_HEAD, w, m->vocab, CUT_VOCAB, m->vocab);
	vec(out, ROLE_BIAS, m->head_bias ? m->vocab : 0);
}

void mtp_tensors(struct shape_list *out, const struct model_spec *m)
{
	uint64_t w = m->width;

	if (!m->mtp.no_proj)
		mat(out, ROLE_MTP_PROJ, 2 * w, w, CUT_NONE, 1);
	for (unsigned i = 0; i < m->mtp.norms; i++)
		norm(out, w, 1);
	if (m->mtp.own_embed)
		put(out, ROLE_MTP_EMBED, w, m->vocab, 1, USE_GATHER, CUT_VOCAB, m->vocab);
	if (m->mtp.own_head)
		mat(out, ROLE_MTP_HEAD, w, m->vocab, CUT_VOCAB, m->vocab);
	vec(out, ROLE_SCALAR, m->mtp.extra);
}
