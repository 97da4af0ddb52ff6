/* part_check.c - what must hold of one part: sizes, divisors, and products that stay countable */
#include "catalog/model_check.h"

#include "base/units.h"

#include <stddef.h>

void check_positive(struct check *c, const char *name, uint64_t v)
{
	if (v == 0)
		CHECK_FAIL(c, "%s (0) must be positive", name);
}

void check_pieces(struct check *c, const char *name, uint64_t v)
{
	check_positive(c, name, v);
	if (v > MAX_PIECES)
		CHECK_FAIL(c, "%s (%llu) is over %d", name, (unsigned long long)v, (int)MAX_PIECES);
}

void check_divides(struct check *c, const char *small, uint64_t a, const char *big, uint64_t b)
{
	if (c->rc == OK && (a == 0 || b % a))
		CHECK_FAIL(c, "%s (%llu) must divide %s (%llu)", small, (unsigned long long)a, big, (unsigned long long)b);
}

void check_at_most(struct check *c, const char *small, uint64_t a, const char *big, uint64_t b)
{
	if (a > b)
		CHECK_FAIL(c, "%s (%llu) is over %s (%llu)", small, (unsigned long long)a, big, (unsigned long long)b);
}

void check_in_enum(struct check *c, const char *name, unsigned v, const char *const *names)
{
	unsigned n = 0;

	while (names[n])
		n++;
	if (v >= n)
		CHECK_FAIL(c, "%s (%u) is not below %u", name, v, n);
}

void check_elements(struct check *c, const char *text, uint64_t a, uint64_t b, uint64_t d)
{
	uint64_t p;

	if (c->rc != OK)
		return;
	if (u64_mul(&p, a, b) || u64_mul(&p, p, d) || p >= MAX_ELEMENTS)
		CHECK_FAIL(c, "%s: %llu x %llu x %llu is 2^62 or more", text,
			(unsigned long long)a, (unsigned long long)b, (unsigned long long)d);
	else if ((c->sum += p) >= MAX_ELEMENTS)
		CHECK_FAIL(c, "%s: %llu elements bring the part to 2^62 or more", text, (unsigned long long)p);
}

static void check_state(struct check *c, const char *text, uint64_t a, uint64_t b, uint64_t d)
{
	uint64_t p;

	if (c->rc == OK && (u64_mul(&p, a, b) || u64_mul(&p, p, d) || p >= MAX_STATE_ELEMENTS))
		CHECK_FAIL(c, "%s: %llu x %llu x %llu is 2^31 or more", text,
			(unsigned long long)a, (unsigned long long)b, (unsigned long long)d);
}

static void check_rope(struct check *c, uint8_t rope, const char *name, uint32_t dims)
{
	if (rope == NO_ROPE)
		return;
	if (rope >= c->m->n_rope)
		CHECK_FAIL(c, "rope %u of %u", rope, c->m->n_rope);
	else
		check_at_most(c, "the rope's dims", c->m->rope[rope].dims, name, dims);
}

/* q_rank: the attention's own low rank, 0 when it has none. */
static void check_index(struct check *c, const struct index_spec *x, uint32_t q_rank)
{
	if (!x->q_heads)
		return;
	check_pieces(c, "index q_heads", x->q_heads);
	if (x->k_heads)                          /* 0: one */
		check_divides(c, "index k_heads", x->k_heads, "index q_heads", x->q_heads);
	check_positive(c, "index dim", x->dim);
	if (!x->top_tokens && !x->top_blocks)
		CHECK_FAIL(c, "index top_tokens (%u) and top_blocks (%u): one must be positive", x->top_tokens, x->top_blocks);
	if (x->top_tokens && x->top_blocks)
		CHECK_FAIL(c, "index top_tokens (%u) and top_blocks (%u): only one can be chosen", x->top_tokens, x->top_blocks);
	if (!x->top_blocks != !x->block_tokens)
		CHECK_FAIL(c, "index block_tokens (%u) and top_blocks (%u) go together", x->block_tokens, x->top_blocks);
	if (x->q_rank && x->q_rank != q_rank)
		CHECK_FAIL(c, "index q_rank (%u) is not the attention's q_rank (%u)", x->q_rank, q_rank);
	check_at_most(c, "index k_norm", x->k_norm, "layer", 2);
	check_at_most(c, "index q_norm", x->q_norm, "layer", 2);
	check_at_most(c, "index own", x->own, "reuse_last", REUSE_LAST);
	check_state(c, "index q_heads x dim", x->q_heads, x->dim, 1);
	check_elements(c, "index q_heads x dim x width", x->q_heads, x->dim, x->q_rank ? x->q_rank : c->m->width);
	check_elements(c, "index k_heads x dim x width", x->k_heads ? x->k_heads : 1, x->dim, c->m->width);
	check_elements(c, "index q_heads x width", x->q_heads, c->m->width, 1);
}

static void check_gqa(struct check *c, const struct gqa_spec *g)
{
	uint64_t w = c->m->width;

	check_pieces(c, "q_heads", g->q_heads);
	check_pieces(c, "kv_heads", g->kv_heads);
	check_divides(c, "kv_heads", g->kv_heads, "q_heads", g->q_heads);
	check_positive(c, "k_dim", g->k_dim);
	check_positive(c, "v_dim", g->v_dim);
	check_in_enum(c, "span", g->span, span_names);
	check_in_enum(c, "qk_norm", g->qk_norm, qk_norm_names);
	check_in_enum(c, "gate", g->gate, gate_names);
	check_at_most(c, "own", g->own, "reuse_last", REUSE_LAST);
	if (g->span == SPAN_FULL && g->span_tokens)
		CHECK_FAIL(c, "span_tokens (%u) with span full", g->span_tokens);
	if (g->span != SPAN_FULL && !g->span_tokens)
		CHECK_FAIL(c, "span_tokens (0) must be positive for span %s", span_names[g->span]);
	if (g->v_is_k && g->k_dim != g->v_dim)
		CHECK_FAIL(c, "v_is_k with k_dim (%u) and v_dim (%u)", g->k_dim, g->v_dim);
	if (g->no_kv_weights && g->own != REUSE_LAST)
		CHECK_FAIL(c, "no_kv_weights (%u) needs own: reuse_last", g->no_kv_weights);
	if (!(g->softcap >= 0.0f) || !(g->scale >= 0.0f))
		CHECK_FAIL(c, "softcap (%g) and scale (%g) must not be negative", (double)g->softcap, (double)g->scale);
	check_rope(c, g->rope, "k_dim", g->k_dim);
	check_state(c, "q_heads x k_dim", g->q_heads, g->k_dim, 1);
	check_state(c, "q_heads x v_dim", g->q_heads, g->v_dim, 1);
	check_elements(c, "q_heads x k_dim x width", (uint64_t)g->q_heads * (g->gate == GATE_ELEMENT ? 2 : 1), g->k_dim, w);
	check_elements(c, "kv_heads x k_dim x width", g->kv_heads, g->k_dim, w);
	check_elements(c, "kv_heads x v_dim x width", g->kv_heads, g->v_dim, w);
	check_elements(c, "q_heads x v_dim x width", g->q_heads, g->v_dim, w);
	check_index(c, &g->index, 0);
}

static void check_mla(struct check *c, const struct mla_spec *a)
{
	uint64_t w = c->m->width, qk = (uint64_t)a->nope_dim + a->rope_dim;

	check_pieces(c, "q_heads", a->q_heads);
	check_positive(c, "kv_rank", a->kv_rank);
	check_positive(c, "nope_dim", a->nope_dim);
	check_positive(c, "v_dim", a->v_dim);
	check_in_enum(c, "gate", a->gate, gate_names);
	check_rope(c, a->rope, "rope_dim", a->rope_dim);
	check_state(c, "q_heads x (nope_dim + rope_dim)", a->q_heads, qk, 1);
	check_state(c, "q_heads x v_dim", a->q_heads, a->v_dim, 1);
	check_state(c, "kv_rank + rope_dim", (uint64_t)a->kv_rank + a->rope_dim, 1, 1);
	check_elements(c, "q_heads x (nope_dim + rope_dim) x q_rank", a->q_heads, qk, a->q_rank ? a->q_rank : w);
	check_elements(c, "width x q_rank", w, a->q_rank, 1);
	check_elements(c, "width x (kv_rank + rope_dim)", w, (uint64_t)a->kv_rank + a->rope_dim, 1);
	check_elements(c, "q_heads x (nope_dim + v_dim) x kv_rank", a->q_heads, (uint64_t)a->nope_dim + a->v_dim, a->kv_rank);
	check_elements(c, "q_heads x v_dim x width", a->gate == GATE_ELEMENT ? 2 * (uint64_t)a->q_heads : a->q_heads, a->v_dim, w);
	check_index(c, &a->index, a->q_rank);
}

static void check_csa(struct check *c, const struct csa_spec *s)
{
	uint64_t w = c->m->width;

	check_pieces(c, "q_heads", s->q_heads);
	check_positive(c, "q_rank", s->q_rank);
	check_positive(c, "o_rank", s->o_rank);
	check_pieces(c, "o_groups", s->o_groups);
	check_positive(c, "row_dim", s->row_dim);
	check_positive(c, "window", s->window);
	check_divides(c, "o_groups", s->o_groups, "q_heads", s->q_heads);
	check_at_most(c, "rope_dim", s->rope_dim, "row_dim", s->row_dim);
	check_rope(c, s->rope, "rope_dim", s->rope_dim);
	if (s->index.q_heads && !s->ratio)
		CHECK_FAIL(c, "an index of %u heads over compressed rows needs a ratio (0)", s->index.q_heads);
	check_state(c, "q_heads x row_dim", s->q_heads, s->row_dim, 1);
	check_state(c, "o_rank x o_groups", s->o_rank, s->o_groups, 1);
	check_state(c, "ratio x row_dim x 2", s->ratio, s->row_dim, 2);
	check_elements(c, "q_heads x row_dim x q_rank", s->q_heads, s->row_dim, s->q_rank);
	check_elements(c, "width x q_rank", w, s->q_rank, 1);
	check_elements(c, "width x row_dim x 5", w, s->row_dim, 5);    /* the row, and two halves each of the compressor and its gate */
	check_elements(c, "q_heads x row_dim x o_rank", s->q_heads, s->row_dim, s->o_rank);
	check_elements(c, "o_rank x o_groups x width", s->o_rank, s->o_groups, w);
	check_index(c, &s->index, s->q_rank);
}

static void check_delta(struct check *c, const struct delta_spec *d)
{
	uint64_t w = c->m->width;

	check_pieces(c, "k_heads", d->k_heads);
	check_pieces(c, "v_heads", d->v_heads);
	check_divides(c, "k_heads", d->k_heads, "v_heads", d->v_heads);
	check_positive(c, "k_dim", d->k_dim);
	check_positive(c, "v_dim", d->v_dim);
	check_positive(c, "conv_kernel", d->conv_kernel);
	check_in_enum(c, "out_gate", d->out_gate, gate_names);
	if (d->a_log_elements && d->a_log_elements < d->v_heads)
		CHECK_FAIL(c, "a_log_elements (%u) is below v_heads (%u)", d->a_log_elements, d->v_heads);
	check_state(c, "v_heads x k_dim x v_dim", d->v_heads, d->k_dim, d->v_dim);
	check_state(c, "k_heads x k_dim x 2 conv_kernel", d->k_heads, d->k_dim, 2 * (uint64_t)d->conv_kernel);
	check_state(c, "v_heads x v_dim x conv_kernel", d->v_heads, d->v_dim, d->conv_kernel);
	check_elements(c, "2 k_heads x k_dim x width", 2 * (uint64_t)d->k_heads, d->k_dim, w);
	check_elements(c, "3 v_heads x v_dim x width", 3 * (uint64_t)d->v_heads, d->v_dim, w);
	check_elements(c, "v_heads x (k_dim + v_dim) x v_dim", d->v_heads, (uint64_t)d->k_dim + d->v_dim, d->v_dim);
	check_elements(c, "2 v_heads x width", 2 * (uint64_t)d->v_heads, w, 1);
	check_elements(c, "width x (k_dim + v_dim)", w, (uint64_t)d->k_dim + d->v_dim, 1);
	check_elements(c, "a_log_elements", d->a_log_elements, 1, 1);
}

static void check_mamba2(struct check *c, const struct mamba2_spec *s)
{
	uint64_t w = c->m->width, gs = 2 * (uint64_t)s->groups;

	check_pieces(c, "heads", s->heads);
	check_pieces(c, "groups", s->groups);
	check_divides(c, "groups", s->groups, "heads", s->heads);
	check_positive(c, "head_dim", s->head_dim);
	check_positive(c, "state", s->state);
	check_positive(c, "conv_kernel", s->conv_kernel);
	check_state(c, "heads x head_dim x state", s->heads, s->head_dim, s->state);
	check_state(c, "heads x head_dim x conv_kernel", s->heads, s->head_dim, s->conv_kernel);
	check_state(c, "2 groups x state x conv_kernel", gs, s->state, s->conv_kernel);
	check_elements(c, "3 heads x head_dim x width", 3 * (uint64_t)s->heads, s->head_dim, w);
	check_elements(c, "2 groups x state x width", gs, s->state, w);
	check_elements(c, "heads x width", s->heads, w, 1);
}

static void check_moe(struct check *c, const struct moe_spec *e)
{
	uint64_t w = c->m->width;

	check_pieces(c, "experts", e->experts);
	check_positive(c, "per_token", e->per_token);
	check_at_most(c, "per_token", e->per_token, "experts", e->experts);
	check_positive(c, "width", e->width);
	check_in_enum(c, "act", e->act, act_names);
	check_in_enum(c, "score", e->score, score_names);
	if (e->matrices != 2 && e->matrices != 3)
		CHECK_FAIL(c, "matrices (%u) must be 2 or 3", e->matrices);
	if (!e->shared != !e->shared_width)
		CHECK_FAIL(c, "shared (%u) and shared_width (%u) go together", e->shared, e->shared_width);
	if (e->shared)
		check_divides(c, "shared", e->shared, "shared_width", e->shared_width);
	if (e->shared_gate && !e->shared)
		CHECK_FAIL(c, "shared_gate (%u) needs a shared expert (%u)", e->shared_gate, e->shared);
	if (e->latent_norm && !e->latent)
		CHECK_FAIL(c, "latent_norm (%u) needs a latent (%u)", e->latent_norm, e->latent);
	if (e->groups)
		check_divides(c, "groups", e->groups, "experts", e->experts);
	if (!e->groups != !e->top_groups)
		CHECK_FAIL(c, "groups (%u) and top_groups (%u) go together", e->groups, e->top_groups);
	check_at_most(c, "top_groups", e->top_groups, "groups", e->groups);
	check_elements(c, "experts x width x matrices", e->experts, e->width, (uint64_t)e->matrices);
	check_elements(c, "experts x (matrices x width) x model width", e->experts, (uint64_t)e->matrices * e->width,
		e->latent ? e->latent : w);
	check_elements(c, "matrices x shared_width x model width", e->matrices, e->shared_width, w);
	check_elements(c, "2 latent x model width", 2, e->latent, w);
	check_elements(c, "experts x model width", e->experts, w, 1);
}

int part_check(uint64_t *out, const struct model_spec *m, const struct part *p, int code, const char *where,
	unsigned line, struct error *err)
{
	struct check c = { m, p, code, where, line, err, 0, OK };

	switch ((enum part_type)p->type) {
	case PART_GQA: check_gqa(&c, &p->u.gqa); break;
	case PART_MLA: check_mla(&c, &p->u.mla); break;
	case PART_CSA: check_csa(&c, &p->u.csa); break;
	case PART_DELTA: check_delta(&c, &p->u.delta); break;
	case PART_MAMBA2: check_mamba2(&c, &p->u.mamba2); break;
	case PART_CONV:
		check_positive(&c, "kernel", p->u.conv.kernel);
		check_state(&c, "kernel x model width", p->u.conv.kernel, m->width, 1);
		check_elements(&c, "4 model width x model width", 4, m->width, m->width);
		break;
	case PART_MLP:
		check_positive(&c, "width", p->u.mlp.width);
		check_in_enum(&c, "act", p->u.mlp.act, act_names);
		if (p->u.mlp.matrices != 2 && p->u.mlp.matrices != 3)
			CHECK_FAIL(&c, "matrices (%u) must be 2 or 3", p->u.mlp.matrices);
		check_elements(&c, "matrices x width x model width", p->u.mlp.matrices, p->u.mlp.width, m->width);
		break;
	case PART_MOE: check_moe(&c, &p->u.moe); break;
	case PART_TYPES:
	default:
		CHECK_FAIL(&c, "type %u of %u", p->type, (unsigned)PART_TYPES);
	}
	if (p->warning > m->n_warnings)
		CHECK_FAIL(&c, "warning %u of %u", p->warning, m->n_warnings);
	if (out)
		*out = c.sum;
	return c.rc;
}
