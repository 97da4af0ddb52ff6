/* ops_mixers.c - lowering of the parts that mix tokens: attention, recurrence, convolution */
#include "calc/ops_build.h"

/* What src/engine runs: the choice of entries, for all heads (lists 1) or for the queries of each K/V head. A layer without an indexer follows the last one. */
static uint32_t own_indexer(struct lowering *w, uint32_t x, uint32_t q_low, const struct index_spec *s, uint32_t lists)
{
	uint64_t width = w->m->width, top = s->block_tokens ? (uint64_t)s->top_blocks * s->block_tokens : s->top_tokens;

	if (!s->q_heads || s->own != OWN_STATE)
		return s->q_heads ? w->choice : NO_ACT;
	uint32_t q = op_linear(w, s->q_rank ? q_low : x, s->q_rank ? W_INDEX_Q : W_INDEX_Q_DIRECT, W_NONE, s->q_rank ? s->q_rank : width, (uint64_t)s->q_heads * s->dim, 1);
	uint32_t k = op_linear(w, x, s->q_rank ? W_INDEX_K : W_INDEX_K_DIRECT, W_NONE, width, s->dim, 1);
	uint32_t heads = s->head_weights ? op_linear(w, x, W_INDEX_HEADS, W_NONE, width, s->q_heads, 1) : NO_ACT;
	struct op *o = op_add(w, OP_INDEX);

	o->u.index.q_heads = s->q_heads;
	o->u.index.dim = s->dim;
	o->w[0] = s->k_norm ? W_INDEX_K_NORM : W_NONE;
	o->w[1] = s->k_norm == 2 ? W_INDEX_K_NORM_B : W_NONE;
	o->w[2] = s->q_norm ? W_INDEX_Q_NORM : W_NONE;
	o->w[3] = s->q_norm == 2 ? W_INDEX_Q_NORM_B : W_NONE;
	op_reads(w, o, q);
	op_reads(w, o, k);
	op_reads(w, o, heads);
	return w->choice = op_makes(w, o, 0, lists * (1 + top)); /* of each list: how many, then which */
}

static void indexer(struct lowering *w, uint32_t x, uint32_t q_low, const struct index_spec *s, uint32_t ratio)
{
	if (!s->q_heads)
		return;
	if (s->own == OWN_STATE) {
		uint32_t q = s->q_rank ? op_linear_role(w, q_low, ROLE_INDEX_Q, s->q_rank, (uint64_t)s->q_heads * s->dim, 1)
				       : op_linear_role(w, x, ROLE_INDEX_Q_DIRECT, w->m->width, (uint64_t)s->q_heads * s->dim, 1);
		if (!ratio)
			op_linear_role(w, x, s->q_rank ? ROLE_INDEX_K : ROLE_INDEX_K_DIRECT, w->m->width, s->dim, 1);
		if (ratio) {                     /* compressed keys: value and gate rows, in two halves where rows overlap */
			uint64_t rows = (ratio == 4 ? 2 : 1) * (uint64_t)s->dim;
			op_linear_role(w, x, ROLE_INDEX_COMP_KV, w->m->width, rows, 1);
			op_linear_role(w, x, ROLE_INDEX_COMP_GATE, w->m->width, rows, 1);
		}
		if (s->head_weights || ratio)
			op_linear_role(w, x, ROLE_INDEX_HEADS, w->m->width, s->q_heads, 1);
		struct op *o = op_add(w, OP_INDEX);
		o->u.index.q_heads = s->q_heads;
		o->u.index.dim = s->dim;
		o->u.index.ratio = ratio;
		o->u.index.format = w->set->kv_k;
		op_reads(w, o, q);
	}
}

static struct op_attn *attn(struct lowering *w, uint32_t q, uint32_t choice, uint32_t *out, uint64_t n_out)
{
	struct op *o = op_add(w, OP_ATTN);

	o->math = MATH_F16;
	o->u.attn.format_k = w->set->kv_k;
	o->u.attn.format_v = w->set->kv_v;
	op_reads(w, o, q);
	op_reads(w, o, w->l->mask);
	op_reads(w, o, w->l->rest);
	op_reads(w, o, choice);
	*out = op_makes(w, o, 0, n_out);
	return &o->u.attn;
}

/* Without flash attention the scores of all heads over all entries are kept: [entries, tokens, heads] in f32. */
static void attn_scores(struct lowering *w, const struct op_attn *a)
{
	uint64_t entries = a->span_tokens && a->span_tokens < w->l->shape.context_max ? a->span_tokens + w->l->shape.tokens : w->l->shape.context_max;

	if (!w->l->flash && !w->failed)
		op_makes(w, &w->l->op[w->l->n - 1], 1, entries * a->q_heads);
}

static uint32_t lower_gqa(struct lowering *w, uint32_t x, const struct gqa_spec *g)
{
	uint64_t width = w->m->width, n_out = (uint64_t)g->q_heads * g->v_dim;
	uint32_t q = op_linear(w, x, W_ATTN_Q, g->q_bias ? W_ATTN_Q_B : W_NONE, width, (uint64_t)g->q_heads * g->k_dim * (g->gate == GATE_ELEMENT && !w->l->shape.gate_apart ? 2 : 1), 1);
	uint32_t k = NO_ACT, v = NO_ACT, gate = NO_ACT, o;

	if (!g->no_kv_weights) {
		k = op_linear(w, x, W_ATTN_K, g->k_bias ? W_ATTN_K_B : W_NONE, width, (uint64_t)g->kv_heads * g->k_dim, 1);
		if (!g->v_is_k)
			v = op_linear(w, x, W_ATTN_V, g->v_bias ? W_ATTN_V_B : W_NONE, width, (uint64_t)g->kv_heads * g->v_dim, 1);
	}
	if (!g->no_kv_weights || w->l->shape.own) {
		struct op *s = op_add(w, OP_QK_STORE);
		s->u.norm.n = g->no_kv_weights ? 0 : (uint64_t)g->kv_heads * (g->k_dim + g->v_dim);
		s->w[0] = g->qk_norm ? W_Q_NORM : W_NONE;
		s->w[1] = g->qk_norm && !g->no_kv_weights ? W_K_NORM : W_NONE;
		op_reads(w, s, q);
		op_reads(w, s, k);
		op_reads(w, s, v);
	}
	if (g->gate == GATE_HEAD)
		gate = op_linear(w, x, W_ATTN_GATE, W_NONE, width, g->q_heads, 1);
	else if (g->gate == GATE_ELEMENT && w->l->shape.gate_apart)
		gate = op_linear(w, x, W_ATTN_GATE, W_NONE, width, n_out, 1);
	uint32_t choice = NO_ACT;
	if (w->l->shape.own)
		choice = own_indexer(w, x, NO_ACT, &g->index, g->kv_heads);
	else
		indexer(w, x, NO_ACT, &g->index, 0);
	struct op_attn *a = attn(w, q, choice, &o, n_out);
	a->q_heads = g->q_heads;
	a->kv_heads = g->kv_heads;
	a->k_dim = g->k_dim;
	a->v_dim = g->v_dim;
	a->span = g->span;
	a->span_tokens = g->span_tokens;
	a->read_entries = g->index.q_heads ? g->index.top_tokens ? g->index.top_tokens : g->index.top_blocks * g->index.block_tokens : 0;
	attn_scores(w, a);
	if (!w->failed && g->sinks)
		w->l->op[w->l->n - 1].w[0] = W_SINKS;
	if (w->l->shape.own && g->gate != GATE_NONE)     /* sigmoid of its own rows, or of the second half of every head's query */
		o = op_simple(w, OP_GATE, o, gate != NO_ACT ? gate : q, n_out);
	return op_linear(w, o, W_ATTN_OUT, g->o_bias ? W_ATTN_OUT_B : W_NONE, n_out, width, 1);
}

/* Absorbed form: the query is carried into the latent space, so that one row of kv_rank + rope_dim serves all heads. */
static uint32_t lower_mla(struct lowering *w, uint32_t x, const struct mla_spec *s)
{
	uint64_t width = w->m->width, q_out = (uint64_t)s->q_heads * (s->nope_dim + s->rope_dim);
	uint32_t low = NO_ACT, q, o;

	if (s->q_rank) {
		low = op_norm(w, op_linear(w, x, W_Q_A, W_NONE, width, s->q_rank, 1), W_Q_A_NORM, s->q_rank);
		q = op_linear(w, low, W_Q_B, W_NONE, s->q_rank, q_out, 1);
	} else {
		q = op_linear(w, x, W_ATTN_Q, W_NONE, width, q_out, 1);
	}
	uint32_t kv = op_linear(w, x, W_KV_A, W_NONE, width, (uint64_t)s->kv_rank + s->rope_dim, 1);
	struct op *st = op_add(w, OP_QK_STORE);
	st->u.norm.n = (uint64_t)s->kv_rank + s->rope_dim;
	st->w[1] = W_KV_A_NORM;
	op_reads(w, st, w->l->shape.own ? q : NO_ACT);   /* its rotary part is turned here */
	op_reads(w, st, kv);
	uint32_t absorbed = op_linear(w, q, W_K_B, W_NONE, s->nope_dim, s->kv_rank, s->q_heads);
	/* latent and rotary parts side by side: a copy (llama.cpp src/models/deepseek2.cpp) */
	absorbed = op_simple(w, OP_CONCAT, absorbed, q, (uint64_t)s->q_heads * (s->kv_rank + s->rope_dim));
	uint32_t choice = NO_ACT;
	if (w->l->shape.own)
		choice = own_indexer(w, x, low, &s->index, 1);
	else
		indexer(w, x, low, &s->index, 0);
	struct op_attn *a = attn(w, absorbed, choice, &o, (uint64_t)s->q_heads * s->kv_rank);
	a->q_heads = s->q_heads;
	a->kv_heads = 1;
	a->k_dim = s->kv_rank + s->rope_dim;
	a->v_dim = s->kv_rank;
	a->latent = 1;
	a->read_entries = s->index.q_heads ? s->index.top_tokens : 0;
	attn_scores(w, a);
	o = op_linear(w, o, W_V_B, W_NONE, s->kv_rank, s->v_dim, s->q_heads);
	if (s->gate)
		o = op_simple(w, OP_GATE, o, op_linear(w, x, W_ATTN_GATE, W_NONE, width, (uint64_t)s->q_heads * s->v_dim, 1), (uint64_t)s->q_heads * s->v_dim);
	return op_linear(w, o, W_ATTN_OUT, W_NONE, (uint64_t)s->q_heads * s->v_dim, width, 1);
}

static uint32_t lower_csa(struct lowering *w, uint32_t x, const struct csa_spec *c)
{
	uint64_t width = w->m->width, q_out = (uint64_t)c->q_heads * c->row_dim, groups = c->o_groups ? c->o_groups : 1;
	uint32_t low = op_norm(w, op_linear(w, x, W_Q_A, W_NONE, width, c->q_rank, 1), W_Q_A_NORM, c->q_rank), o;
	uint32_t q = op_linear(w, low, W_Q_B, W_NONE, c->q_rank, q_out, 1);
	uint32_t kv = op_linear_role(w, x, ROLE_CSA_KV, width, c->row_dim, 1);
	struct op *st = op_add(w, OP_QK_STORE);

	st->u.norm.n = c->row_dim;
	op_reads(w, st, kv);
	if (c->ratio) {
		uint64_t rows = (c->ratio == 4 ? 2 : 1) * (uint64_t)c->row_dim;
		uint32_t ck = op_linear_role(w, x, ROLE_COMP_KV, width, rows, 1), cg = op_linear_role(w, x, ROLE_COMP_GATE, width, rows, 1);
		op_simple(w, OP_COMPRESS, ck, cg, c->row_dim);
		indexer(w, x, low, &c->index, c->ratio);
	}
	struct op_attn *a = attn(w, q, NO_ACT, &o, q_out);
	a->q_heads = c->q_heads;
	a->kv_heads = 1;
	a->k_dim = a->v_dim = c->row_dim;
	a->latent = 1;
	a->span = SPAN_WINDOW;
	a->span_tokens = c->window;
	a->ratio = c->ratio;
	a->read_entries = c->ratio && c->index.q_heads ? c->index.top_tokens : 0;
	attn_scores(w, a);
	o = op_linear_role(w, o, ROLE_O_A, q_out / groups, c->o_rank, groups);
	return op_linear_role(w, o, ROLE_O_B, c->o_rank * groups, width, 1);
}

static uint32_t lower_delta(struct lowering *w, uint32_t x, const struct delta_spec *d)
{
	uint64_t width = w->m->width, k = (uint64_t)d->k_heads * d->k_dim, v = (uint64_t)d->v_heads * d->v_dim;
	int kda = d->per_channel_decay;
	uint32_t qkv = op_linear(w, x, kda ? W_ATTN_Q : W_ATTN_QKV, W_NONE, width, kda ? k : 2 * k + v, 1), kk = NO_ACT, vv = NO_ACT, gate = NO_ACT, forget = NO_ACT, o;

	if (kda) {
		kk = op_linear(w, x, W_ATTN_K, W_NONE, width, k, 1);
		vv = op_linear(w, x, W_ATTN_V, W_NONE, width, v, 1);
		forget = op_linear(w, op_linear(w, x, W_SSM_F_A, W_NONE, width, d->k_dim, 1), W_SSM_F_B, W_NONE, d->k_dim, k, 1);
	}
	uint32_t ba = op_linear(w, x, kda ? W_SSM_BETA : W_SSM_BETA_ALPHA, W_NONE, width, (kda ? 1 : 2) * (uint64_t)d->v_heads, 1);
	if (kda && w->l->shape.own) {
		ba = op_simple(w, OP_DECAY, forget, ba, k + d->v_heads);
		if (!w->failed) {
			w->l->op[w->l->n - 1].w[0] = W_SSM_A;
			w->l->op[w->l->n - 1].w[1] = W_SSM_DT_B;
		}
	}
	if (d->out_gate && d->gate_low_rank)
		gate = op_linear(w, op_linear(w, x, W_SSM_G_A, W_NONE, width, d->v_dim, 1), W_SSM_G_B, W_NONE, d->v_dim, v, 1);
	else if (d->out_gate)
		gate = op_linear(w, x, kda ? W_SSM_GATE : W_ATTN_GATE, W_NONE, width, v, 1);
	struct op *c = op_add(w, OP_DELTA);
	c->math = MATH_F32;
	c->u.delta = (struct op_delta){ d->k_heads, d->v_heads, d->k_dim, d->v_dim, (uint32_t)(2 * k + v), d->conv_kernel };
	c->w[0] = kda ? W_SSM_CONV_Q : W_SSM_CONV;
	c->w[1] = kda ? W_SSM_CONV_K : W_NONE;
	c->w[2] = kda ? W_SSM_CONV_V : W_NONE;
	c->w[3] = W_SSM_A;
	c->w[4] = W_SSM_DT_B;
	op_reads(w, c, qkv);
	op_reads(w, c, kda ? kk : ba);
	op_reads(w, c, kda ? vv : NO_ACT);
	if (kda)
		op_reads(w, c, ba);
	o = op_makes(w, c, 0, v);
	if (w->l->shape.own) {
		op_makes(w, c, 1, 2 * k + v);            /* after the convolution */
		if (!kda)
			op_makes(w, c, 2, 2 * (uint64_t)d->v_heads);     /* decay and beta */
	}
	if (gate != NO_ACT) {
		o = op_simple(w, OP_GATE, o, gate, v);
		if (!w->failed)
			w->l->op[w->l->n - 1].w[0] = W_SSM_NORM;
	}
	return op_linear(w, o, kda ? W_ATTN_OUT : W_SSM_OUT, W_NONE, v, width, 1);
}

static uint32_t lower_mamba2(struct lowering *w, uint32_t x, const struct mamba2_spec *s)
{
	uint64_t inner = (uint64_t)s->heads * s->head_dim, bc = 2 * (uint64_t)s->groups * s->state;
	uint32_t in = op_linear(w, x, W_SSM_IN, s->proj_bias ? W_SSM_IN_B : W_NONE, w->m->width, 2 * inner + bc + s->heads, 1), o;
	struct op *c = op_add(w, OP_SSD);

	c->math = MATH_F32;
	c->u.ssd = (struct op_ssd){ s->heads, s->head_dim, s->groups, s->state, (uint32_t)(inner + bc), s->conv_kernel };
	c->w[0] = W_SSM_CONV;
	c->w[1] = s->conv_bias ? W_SSM_CONV_B : W_NONE;
	c->w[2] = W_SSM_A;
	c->w[3] = W_SSM_D;
	c->w[4] = W_SSM_DT_B;
	op_reads(w, c, in);
	o = op_makes(w, c, 0, inner);
	if (w->l->shape.own) {
		op_makes(w, c, 1, inner + bc);           /* after the convolution */
		op_makes(w, c, 2, s->heads);             /* dt */
		o = op_simple(w, OP_GATE, o, in, inner); /* silu(z), the first rows of the input projection */
	}
	if (s->gated_norm)
		o = op_norm(w, o, W_SSM_NORM, inner);
	return op_linear(w, o, W_SSM_OUT, s->proj_bias ? W_SSM_OUT_B : W_NONE, inner, w->m->width, 1);
}

static uint32_t lower_conv(struct lowering *w, uint32_t x)
{
	uint64_t width = w->m->width;
	uint32_t c = op_linear(w, x, W_CONV_IN, W_NONE, width, 3 * width, 1);

	c = op_simple(w, OP_CONV, c, NO_ACT, width);
	if (!w->failed) {
		struct op *o = &w->l->op[w->l->n - 1];
		o->w[0] = W_CONV;
		if (w->l->shape.own)
			op_makes(w, o, 1, width);
	}
	return op_linear(w, c, W_CONV_OUT, W_NONE, width, width, 1);
}

uint32_t lower_mixer(struct lowering *w, uint32_t x, const struct part *p)
{
	switch ((enum part_type)p->type) {
	case PART_GQA: return lower_gqa(w, x, &p->u.gqa);
	case PART_MLA: return lower_mla(w, x, &p->u.mla);
	case PART_CSA: return lower_csa(w, x, &p->u.csa);
	case PART_DELTA: return lower_delta(w, x, &p->u.delta);
	case PART_MAMBA2: return lower_mamba2(w, x, &p->u.mamba2);
	case PART_CONV: return lower_conv(w, x);
	case PART_MLP: case PART_MOE: case PART_TYPES: break;
	}
	return x;
}
