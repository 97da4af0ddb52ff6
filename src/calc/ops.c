/* ops.c - lowering a model into the operations of one step */
#include "calc/ops.h"

#include "base/units.h"

#include <string.h>

const char *const op_names[] = { "embed", "norm", "linear", "act", "gate", "concat", "qk_store", "attn", "index", "compress", "conv", "delta", "ssd",
	"route", "experts", "add", "mix", "head", NULL };

static void *grow(struct lowering *w, void *old, uint32_t n, uint32_t *cap, size_t size)
{
	uint32_t more = *cap ? *cap * 2 : 256;
	void *p = arena_array(w->a, more, size);

	if (!p) {
		w->failed = 1;
		return old;
	}
	if (n)
		memcpy(p, old, n * size);
	*cap = more;
	return p;
}

/* An activation of n numbers a token, in f32 as every engine keeps them between ops of this granularity. */
static uint32_t act(struct lowering *w, uint64_t n)
{
	struct op_list *l = w->l;
	uint64_t bytes;

	if (l->n_act == l->cap_act)
		l->act = grow(w, l->act, l->n_act, &l->cap_act, sizeof *l->act);
	if (w->failed || u64_mul(&bytes, n, l->shape.tokens) || u64_mul(&bytes, bytes, 4)) {
		w->failed = 1;
		return NO_ACT;
	}
	l->act[l->n_act] = (struct activation){ .bytes = bytes, .def = l->n, .last = l->n };
	return l->n_act++;
}

static struct op *op(struct lowering *w, enum op_kind kind)
{
	static _Thread_local struct op lost;
	struct op_list *l = w->l;

	if (l->n == l->cap)
		l->op = grow(w, l->op, l->n, &l->cap, sizeof *l->op);
	if (w->failed)
		return &lost;
	struct op *o = &l->op[l->n++];
	o->kind = (uint16_t)kind;
	o->layer = (uint16_t)w->layer;
	for (unsigned i = 0; i < 4; i++)
		o->in[i] = o->out[i] = NO_ACT;
	return o;
}
static void reads(struct lowering *w, struct op *o, uint32_t a)
{
	for (unsigned i = 0; i < 4 && a != NO_ACT; i++)
		if (o->in[i] == NO_ACT || o->in[i] == a) {
			o->in[i] = a;
			break;
		}
	if (a != NO_ACT && !w->failed)
		w->l->act[a].last = w->l->n - 1;
}
static uint32_t makes(struct lowering *w, struct op *o, unsigned slot, uint64_t n)
{
	uint32_t a = act(w, n);

	if (a != NO_ACT)
		w->l->act[a].def = w->l->act[a].last = w->l->n - 1;
	o->out[slot] = a;
	return a;
}

static uint32_t norm(struct lowering *w, uint32_t in, uint64_t n)
{
	struct op *o = op(w, OP_NORM);

	o->u.norm.n = n;
	o->in_place = 1;
	reads(w, o, in);
	return makes(w, o, 0, n);
}
/* One weight. groups > 1: that many equal matrices over slices of the input (per head, per group). */
static uint32_t linear(struct lowering *w, uint32_t in, enum role role, uint64_t n_in, uint64_t n_out, uint64_t groups)
{
	struct op *o = op(w, OP_LINEAR);
	uint16_t f = op_format(&w->formats, role, w->layer);

	o->math = op_math(&w->formats, f);
	o->u.linear.n_in = n_in;
	o->u.linear.n_out[0] = n_out;
	o->u.linear.groups = groups ? groups : 1;
	o->u.linear.n_weights = 1;
	o->u.linear.format[0] = f;
	reads(w, o, in);
	return makes(w, o, 0, n_out * (groups ? groups : 1));
}
static uint32_t simple(struct lowering *w, enum op_kind kind, uint32_t in, uint32_t in2, uint64_t n)
{
	struct op *o = op(w, kind);

	o->u.norm.n = n;
	o->in_place = kind == OP_ADD || kind == OP_MIX || kind == OP_GATE;
	reads(w, o, in);
	reads(w, o, in2);
	return makes(w, o, 0, n);
}

static void indexer(struct lowering *w, uint32_t x, uint32_t q_low, const struct index_spec *s, uint32_t ratio)
{
	if (!s->q_heads)
		return;
	if (s->own == OWN_STATE) {
		uint32_t q = s->q_rank ? linear(w, q_low, ROLE_INDEX_Q, s->q_rank, (uint64_t)s->q_heads * s->dim, 1)
				       : linear(w, x, ROLE_INDEX_Q_DIRECT, w->m->width, (uint64_t)s->q_heads * s->dim, 1);
		if (!ratio)
			linear(w, x, s->q_rank ? ROLE_INDEX_K : ROLE_INDEX_K_DIRECT, w->m->width, s->dim, 1);
		if (ratio) {                     /* compressed keys: value and gate rows, in two halves where rows overlap */
			uint64_t rows = (ratio == 4 ? 2 : 1) * (uint64_t)s->dim;
			linear(w, x, ROLE_INDEX_COMP_KV, w->m->width, rows, 1);
			linear(w, x, ROLE_INDEX_COMP_GATE, w->m->width, rows, 1);
		}
		if (s->head_weights || ratio)
			linear(w, x, ROLE_INDEX_HEADS, w->m->width, s->q_heads, 1);
		struct op *o = op(w, OP_INDEX);
		o->u.index.q_heads = s->q_heads;
		o->u.index.dim = s->dim;
		o->u.index.ratio = ratio;
		o->u.index.format = w->set->kv_k;
		reads(w, o, q);
	}
}

static struct op_attn *attn(struct lowering *w, uint32_t q, uint32_t *out, uint64_t n_out)
{
	struct op *o = op(w, OP_ATTN);

	o->math = MATH_F16;
	o->u.attn.format_k = w->set->kv_k;
	o->u.attn.format_v = w->set->kv_v;
	reads(w, o, q);
	reads(w, o, w->l->mask);
	reads(w, o, w->l->rest);
	*out = makes(w, o, 0, n_out);
	return &o->u.attn;
}

/* Without flash attention the scores of all heads over all entries are kept: [entries, tokens, heads] in f32. */
static void attn_scores(struct lowering *w, const struct op_attn *a)
{
	uint64_t entries = a->span_tokens && a->span_tokens < w->l->shape.context_max ? a->span_tokens + w->l->shape.tokens : w->l->shape.context_max;

	if (!w->l->flash && !w->failed)
		makes(w, &w->l->op[w->l->n - 1], 1, entries * a->q_heads);
}

static uint32_t lower_gqa(struct lowering *w, uint32_t x, const struct gqa_spec *g)
{
	uint64_t width = w->m->width;
	uint32_t q = linear(w, x, ROLE_ATTN_Q, width, (uint64_t)g->q_heads * g->k_dim * (g->gate == GATE_ELEMENT ? 2 : 1), 1), k = NO_ACT, v = NO_ACT, o;

	if (!g->no_kv_weights) {
		k = linear(w, x, ROLE_ATTN_K, width, (uint64_t)g->kv_heads * g->k_dim, 1);
		if (!g->v_is_k)
			v = linear(w, x, ROLE_ATTN_V, width, (uint64_t)g->kv_heads * g->v_dim, 1);
		struct op *s = op(w, OP_QK_STORE);
		s->u.norm.n = (uint64_t)g->kv_heads * (g->k_dim + g->v_dim);
		reads(w, s, q);
		reads(w, s, k);
		reads(w, s, v);
	}
	if (g->gate == GATE_HEAD)
		linear(w, x, ROLE_ATTN_GATE, width, g->q_heads, 1);
	indexer(w, x, NO_ACT, &g->index, 0);
	struct op_attn *a = attn(w, q, &o, (uint64_t)g->q_heads * g->v_dim);
	a->q_heads = g->q_heads;
	a->kv_heads = g->kv_heads;
	a->k_dim = g->k_dim;
	a->v_dim = g->v_dim;
	a->span = g->span;
	a->span_tokens = g->span_tokens;
	a->read_entries = g->index.q_heads ? g->index.top_tokens ? g->index.top_tokens : g->index.top_blocks * g->index.block_tokens : 0;
	attn_scores(w, a);
	return linear(w, o, ROLE_ATTN_OUT, (uint64_t)g->q_heads * g->v_dim, width, 1);
}

/* Absorbed form: the query is carried into the latent space, so that one row of kv_rank + rope_dim serves all heads. */
static uint32_t lower_mla(struct lowering *w, uint32_t x, const struct mla_spec *s)
{
	uint64_t width = w->m->width, q_out = (uint64_t)s->q_heads * (s->nope_dim + s->rope_dim);
	uint32_t low = NO_ACT, q, o;

	if (s->q_rank) {
		low = norm(w, linear(w, x, ROLE_Q_A, width, s->q_rank, 1), s->q_rank);
		q = linear(w, low, ROLE_Q_B, s->q_rank, q_out, 1);
	} else {
		q = linear(w, x, ROLE_ATTN_Q, width, q_out, 1);
	}
	uint32_t kv = linear(w, x, ROLE_KV_A, width, (uint64_t)s->kv_rank + s->rope_dim, 1);
	struct op *st = op(w, OP_QK_STORE);
	st->u.norm.n = (uint64_t)s->kv_rank + s->rope_dim;
	reads(w, st, kv);
	uint32_t absorbed = linear(w, q, ROLE_K_B, s->nope_dim, s->kv_rank, s->q_heads);
	/* latent and rotary parts side by side: a copy (llama.cpp src/models/deepseek2.cpp) */
	absorbed = simple(w, OP_CONCAT, absorbed, q, (uint64_t)s->q_heads * (s->kv_rank + s->rope_dim));
	indexer(w, x, low, &s->index, 0);
	struct op_attn *a = attn(w, absorbed, &o, (uint64_t)s->q_heads * s->kv_rank);
	a->q_heads = s->q_heads;
	a->kv_heads = 1;
	a->k_dim = s->kv_rank + s->rope_dim;
	a->v_dim = s->kv_rank;
	a->latent = 1;
	a->read_entries = s->index.q_heads ? s->index.top_tokens : 0;
	attn_scores(w, a);
	o = linear(w, o, ROLE_V_B, s->kv_rank, s->v_dim, s->q_heads);
	if (s->gate)
		o = simple(w, OP_GATE, o, linear(w, x, ROLE_ATTN_GATE, width, (uint64_t)s->q_heads * s->v_dim, 1), (uint64_t)s->q_heads * s->v_dim);
	return linear(w, o, ROLE_ATTN_OUT, (uint64_t)s->q_heads * s->v_dim, width, 1);
}

static uint32_t lower_csa(struct lowering *w, uint32_t x, const struct csa_spec *c)
{
	uint64_t width = w->m->width, q_out = (uint64_t)c->q_heads * c->row_dim, groups = c->o_groups ? c->o_groups : 1;
	uint32_t low = norm(w, linear(w, x, ROLE_Q_A, width, c->q_rank, 1), c->q_rank), o;
	uint32_t q = linear(w, low, ROLE_Q_B, c->q_rank, q_out, 1);
	uint32_t kv = linear(w, x, ROLE_CSA_KV, width, c->row_dim, 1);
	struct op *st = op(w, OP_QK_STORE);

	st->u.norm.n = c->row_dim;
	reads(w, st, kv);
	if (c->ratio) {
		uint64_t rows = (c->ratio == 4 ? 2 : 1) * (uint64_t)c->row_dim;
		uint32_t ck = linear(w, x, ROLE_COMP_KV, width, rows, 1), cg = linear(w, x, ROLE_COMP_GATE, width, rows, 1);
		simple(w, OP_COMPRESS, ck, cg, c->row_dim);
		indexer(w, x, low, &c->index, c->ratio);
	}
	struct op_attn *a = attn(w, q, &o, q_out);
	a->q_heads = c->q_heads;
	a->kv_heads = 1;
	a->k_dim = a->v_dim = c->row_dim;
	a->latent = 1;
	a->span = SPAN_WINDOW;
	a->span_tokens = c->window;
	a->ratio = c->ratio;
	a->read_entries = c->ratio && c->index.q_heads ? c->index.top_tokens : 0;
	attn_scores(w, a);
	o = linear(w, o, ROLE_O_A, q_out / groups, c->o_rank, groups);
	return linear(w, o, ROLE_O_B, c->o_rank * groups, width, 1);
}

static uint32_t lower_delta(struct lowering *w, uint32_t x, const struct delta_spec *d)
{
	uint64_t width = w->m->width, k = (uint64_t)d->k_heads * d->k_dim, v = (uint64_t)d->v_heads * d->v_dim;
	uint32_t qkv = linear(w, x, d->per_channel_decay ? ROLE_ATTN_Q : ROLE_ATTN_QKV, width, d->per_channel_decay ? k : 2 * k + v, 1), kk = NO_ACT, vv = NO_ACT, gate = NO_ACT, o;

	if (d->per_channel_decay) {
		kk = linear(w, x, ROLE_ATTN_K, width, k, 1);
		vv = linear(w, x, ROLE_ATTN_V, width, v, 1);
		linear(w, linear(w, x, ROLE_SSM_LOW_A, width, d->k_dim, 1), ROLE_SSM_LOW_B, d->k_dim, k, 1);
	}
	uint32_t ba = linear(w, x, ROLE_SSM_BETA_ALPHA, width, (d->per_channel_decay ? 1 : 2) * (uint64_t)d->v_heads, 1);
	if (d->out_gate && d->gate_low_rank)
		gate = linear(w, linear(w, x, ROLE_SSM_LOW_A, width, d->v_dim, 1), ROLE_SSM_LOW_B, d->v_dim, v, 1);
	else if (d->out_gate)
		gate = linear(w, x, d->per_channel_decay ? ROLE_SSM_GATE : ROLE_ATTN_GATE, width, v, 1);
	struct op *c = op(w, OP_DELTA);
	c->math = MATH_F32;
	c->u.delta = (struct op_delta){ d->k_heads, d->v_heads, d->k_dim, d->v_dim, (uint32_t)(2 * k + v), d->conv_kernel };
	reads(w, c, qkv);
	reads(w, c, kk);
	reads(w, c, vv);
	reads(w, c, ba);
	o = makes(w, c, 0, v);
	if (gate != NO_ACT)
		o = simple(w, OP_GATE, o, gate, v);
	return linear(w, o, d->per_channel_decay ? ROLE_ATTN_OUT : ROLE_SSM_OUT, v, width, 1);
}

static uint32_t lower_mamba2(struct lowering *w, uint32_t x, const struct mamba2_spec *s)
{
	uint64_t inner = (uint64_t)s->heads * s->head_dim, bc = 2 * (uint64_t)s->groups * s->state;
	uint32_t in = linear(w, x, ROLE_SSM_IN, w->m->width, 2 * inner + bc + s->heads, 1), o;
	struct op *c = op(w, OP_SSD);

	c->math = MATH_F32;
	c->u.ssd = (struct op_ssd){ s->heads, s->head_dim, s->groups, s->state, (uint32_t)(inner + bc), s->conv_kernel };
	reads(w, c, in);
	o = makes(w, c, 0, inner);
	if (s->gated_norm)
		o = norm(w, o, inner);
	return linear(w, o, ROLE_SSM_OUT, inner, w->m->width, 1);
}

static uint32_t lower_ffn(struct lowering *w, uint32_t x, enum role gate, enum role up, enum role down, uint64_t width, unsigned matrices)
{
	uint32_t g = matrices == 3 ? linear(w, x, gate, w->m->width, width, 1) : NO_ACT;
	uint32_t u = linear(w, x, up, w->m->width, width, 1);

	return linear(w, simple(w, OP_ACT, g == NO_ACT ? u : g, u, width), down, width, w->m->width, 1);
}

static uint32_t lower_moe(struct lowering *w, uint32_t x, const struct moe_spec *e)
{
	uint64_t width = w->m->width, in = e->latent ? e->latent : width;
	uint32_t r = linear(w, x, ROLE_ROUTER, width, e->experts, 1), z = x, o;
	struct op *c = op(w, OP_ROUTE);

	c->u.norm.n = e->experts;
	reads(w, c, r);
	if (e->latent)
		z = linear(w, x, ROLE_LATENT_IN, width, e->latent, 1);
	c = op(w, OP_EXPERTS);
	c->u.experts = (struct op_experts){ .experts = e->experts, .per_token = e->per_token, .n_in = in, .width = e->width, .matrices = e->matrices,
		.format = { op_format(&w->formats, ROLE_EXP_GATE, w->layer), op_format(&w->formats, ROLE_EXP_UP, w->layer), op_format(&w->formats, ROLE_EXP_DOWN, w->layer) } };
	c->math = op_math(&w->formats, c->u.experts.format[1]);
	reads(w, c, z);
	/* rows of every chosen expert: gate and up together, their product, the down rows, the weighted sum */
	uint64_t chosen = e->per_token;
	o = makes(w, c, 0, chosen * e->width * (e->matrices - 1));
	o = simple(w, OP_ACT, o, NO_ACT, chosen * e->width);
	o = simple(w, OP_ACT, o, NO_ACT, chosen * in);
	o = simple(w, OP_ADD, o, NO_ACT, in);
	if (e->latent)
		o = linear(w, o, ROLE_LATENT_OUT, e->latent, width, 1);
	if (e->shared_width)
		o = simple(w, OP_ADD, o, lower_ffn(w, x, ROLE_SHARED_GATE, ROLE_SHARED_UP, ROLE_SHARED_DOWN, e->shared_width, e->matrices), width);
	return o;
}

static uint32_t lower_part(struct lowering *w, uint32_t x, const struct part *p)
{
	uint64_t width = w->m->width;
	uint32_t c;

	switch ((enum part_type)p->type) {
	case PART_GQA: return lower_gqa(w, x, &p->u.gqa);
	case PART_MLA: return lower_mla(w, x, &p->u.mla);
	case PART_CSA: return lower_csa(w, x, &p->u.csa);
	case PART_DELTA: return lower_delta(w, x, &p->u.delta);
	case PART_MAMBA2: return lower_mamba2(w, x, &p->u.mamba2);
	case PART_CONV:
		c = linear(w, x, ROLE_CONV_IN, width, 3 * width, 1);
		c = simple(w, OP_CONV, c, NO_ACT, width);
		return linear(w, c, ROLE_CONV_OUT, width, width, 1);
	case PART_MLP: return lower_ffn(w, x, ROLE_FFN_GATE, ROLE_FFN_UP, ROLE_FFN_DOWN, p->u.mlp.width, p->u.mlp.matrices);
	case PART_MOE: return lower_moe(w, x, &p->u.moe);
	case PART_TYPES: break;
	}
	return x;
}

static void lower_layer(struct lowering *w, const struct layer_kind *k)
{
	uint64_t width = w->m->width, streams = w->m->residual_streams > 1 ? w->m->residual_streams : 1;

	for (unsigned i = 0; i < k->n_branches; i++) {
		const struct branch *b = &k->branch[i];
		uint32_t in = w->x, sum = NO_ACT;

		if (streams > 1)
			in = simple(w, OP_MIX, in, NO_ACT, width);
		if (b->norm == NORM_PRE || b->norm == NORM_SANDWICH)
			in = norm(w, in, width);
		for (unsigned p = 0; p < b->n_parts; p++) {
			uint32_t y = lower_part(w, in, &w->m->parts[b->part[p]]);
			sum = sum == NO_ACT ? y : simple(w, OP_ADD, sum, y, width);
		}
		if (b->norm == NORM_POST || b->norm == NORM_SANDWICH)
			sum = norm(w, sum, width);
		/* the branch's output takes the sum: llama.cpp adds the residual to it */
		w->x = simple(w, streams > 1 || w->m->residual_block ? OP_MIX : OP_ADD, sum, w->x, streams * width);
	}
	if (w->m->per_layer_embed) {
		uint32_t g = linear(w, w->x, ROLE_PLE_GATE, width, w->m->per_layer_embed, 1);
		w->x = simple(w, OP_ADD, w->x, linear(w, g, ROLE_PLE_OUT, w->m->per_layer_embed, width, 1), width);
	}
}

/* What the host writes, alive from the start: the mask of the full cache and those of windows (f16 with flash attention, else f32), the
 * place of every V element (without it V is stored transposed), and a second input for embeddings that llama.cpp reserves and never frees
 * (0c1e57098, src/llama-graph.cpp, build_inp_embd; src/llama-kv-cache.cpp, build_input_v_idxs). */
static void inputs(struct lowering *w, struct op *o)
{
	struct op_list *l = w->l;
	uint64_t width = 0, window = 0, numbers;
	int full = 0;

	for (uint16_t i = 0; i < w->m->n_parts; i++) {
		const struct part *p = &w->m->parts[i];
		if (p->type == PART_GQA) {
			uint64_t v = (uint64_t)p->u.gqa.kv_heads * p->u.gqa.v_dim;
			width = v > width ? v : width;
			full |= p->u.gqa.span == SPAN_FULL;
			window = p->u.gqa.span_tokens > window ? p->u.gqa.span_tokens : window;
		} else if (p->type == PART_MLA || p->type == PART_CSA) {
			full = 1;
		}
	}
	if (window + l->shape.tokens > l->shape.context_max)
		window = window ? l->shape.context_max : 0;
	else if (window)
		window = u64_round_up(window + l->shape.tokens, 256);
	uint32_t twin = makes(w, o, 0, w->m->width);
	l->mask = full ? makes(w, o, 1, l->shape.context_max) : window ? makes(w, o, 1, window) : NO_ACT;
	
	numbers = (full ? window : 0) + (l->flash ? 0 : 2 * width * (uint64_t)(1 + (window > 0 && full)));
	l->rest = numbers ? makes(w, o, 2, numbers) : NO_ACT;
	if (w->failed)
		return;
	if (l->mask != NO_ACT) {
		l->act[l->mask].host = 1;
		if (l->flash)
			l->act[l->mask].bytes /= 2;
	}
	if (l->rest != NO_ACT) {
		l->act[l->rest].host = 1;
		if (l->flash)
			l->act[l->rest].bytes /= 2;
	}
	l->act[twin].host = l->act[twin].keep = 1;
	/* DeepSeek's indexer: a mask of the chosen entries for every layer that has one, all of them leafs of the graph (deepseek32.cpp) */
	uint64_t chosen = 0;
	for (uint32_t i = 0; i < w->m->n_layers; i++) {
		const struct layer_kind *k = &w->m->kinds[w->m->kind_of[i]];
		for (unsigned b = 0; b < k->n_branches; b++)
			for (unsigned n = 0; n < k->branch[b].n_parts; n++) {
				const struct part *p = &w->m->parts[k->branch[b].part[n]];
				if (p->type == PART_MLA && p->u.mla.index.q_heads && p->u.mla.index.own == OWN_STATE)
					chosen += p->u.mla.index.top_tokens;
			}
	}
	if (chosen) {
		struct op *leafs = op(w, OP_EMBED);
		uint32_t a = makes(w, leafs, 0, chosen);
		if (a != NO_ACT)
			l->act[a].keep = 1;
	}
}

int ops_begin(struct lowering *w, struct op_list *out, const struct model_spec *m, const struct quants *q, const struct settings *set, const struct shape *s,
	struct arena *a, struct error *err)
{
	uint64_t streams = m->residual_streams > 1 ? m->residual_streams : 1;
	int rc;

	*w = (struct lowering){ .l = out, .a = a, .m = m, .set = set, .layer = m->n_layers };
	*out = (struct op_list){ .model = m, .quants = q, .shape = *s, .flash = set->flash != FLASH_OFF };
	if (!s->sizes_only && (rc = op_formats_read(&w->formats, m, q, set, a, err)) != OK)
		return rc;
	out->mask = out->rest = NO_ACT;
	struct op *o = op(w, OP_EMBED);
	o->u.norm.n = m->width;
	inputs(w, o);
	w->x = makes(w, o, 3, m->width * streams);
	if (m->per_layer_embed)
		linear(w, w->x, ROLE_PLE_PROJ, m->width, (uint64_t)m->per_layer_embed * m->n_layers, 1);
	return OK;
}

void ops_layer(struct lowering *w, uint32_t layer)
{
	w->layer = layer;
	lower_layer(w, &w->m->kinds[w->m->kind_of[layer]]);
}

int ops_end(struct lowering *w, struct error *err)
{
	const struct model_spec *m = w->m;

	w->layer = m->n_layers;
	uint32_t last = norm(w, w->x, m->width);
	struct op *o = op(w, OP_HEAD);
	o->u.linear.n_in = m->width;
	o->u.linear.n_out[0] = m->vocab;
	o->u.linear.groups = o->u.linear.n_weights = 1;
	o->u.linear.format[0] = op_format(&w->formats, m->tied_head ? ROLE_EMBED : ROLE_HEAD, m->n_layers);
	o->math = op_math(&w->formats, o->u.linear.format[0]);
	reads(w, o, last);
	uint32_t logits = makes(w, o, 0, m->vocab);
	if (w->failed || u64_mul(&w->l->act[logits].bytes, (uint64_t)m->vocab * 4, w->l->shape.outputs))
		return error_set(err, E_NOMEM, "out of memory, or a step of %llu tokens is too large to lay out", (unsigned long long)w->l->shape.tokens);
	return OK;
}

int ops_lower(struct op_list *out, const struct model_spec *m, const struct quants *q, const struct settings *set, const struct shape *s, struct arena *a, struct error *err)
{
	struct lowering w;
	int rc = ops_begin(&w, out, m, q, set, s, a, err);

	if (rc != OK)
		return rc;
	for (uint32_t i = 0; i < m->n_layers && !w.failed; i++)
		ops_layer(&w, i);
	return ops_end(&w, err);
}
