/* model_check.c - what every reader of models must guarantee, so that calc/ need not ask again */
#include "catalog/model_check.h"

#include "base/units.h"

#include <stddef.h>

/* The parts that own a state which a later REUSE_LAST part may read, by span; and the last indexer. */
struct owners { const struct part *kv[3], *index; };

static const struct index_spec *index_of(const struct part *p)
{
	switch (p->type) {
	case PART_GQA: return &p->u.gqa.index;
	case PART_MLA: return &p->u.mla.index;
	case PART_CSA: return &p->u.csa.index;
	default: return NULL;
	}
}

static const char *name_of(const struct part *p) { return p->name ? p->name : ""; }

static void check_kv_reuse(struct check *c, const struct gqa_spec *g, const struct part *owner, uint32_t layer)
{
	const struct gqa_spec *h;

	if (!owner) {
		CHECK_FAIL(c, "layer %u reuses the last state of span %s, but none of the %u layers before it owns one",
			layer, span_names[g->span], layer);
		return;
	}
	h = &owner->u.gqa;
	if (h->kv_heads != g->kv_heads || h->k_dim != g->k_dim || h->v_dim != g->v_dim)
		CHECK_FAIL(c, "layer %u reuses the state of part %s, which has kv_heads %u, k_dim %u, v_dim %u, not %u, %u, %u",
			layer, name_of(owner), h->kv_heads, h->k_dim, h->v_dim, g->kv_heads, g->k_dim, g->v_dim);
	if (h->span_tokens != g->span_tokens)
		CHECK_FAIL(c, "layer %u reuses the state of part %s, whose span_tokens are %u, not %u",
			layer, name_of(owner), h->span_tokens, g->span_tokens);
}

static void check_reuse(struct check *c, struct owners *o, const struct part *p, uint32_t layer)
{
	const struct index_spec *x = index_of(p), *y;

	c->part = p;
	if (p->type == PART_GQA && p->u.gqa.own == REUSE_LAST)
		check_kv_reuse(c, &p->u.gqa, o->kv[p->u.gqa.span], layer);
	else if (p->type == PART_GQA)
		o->kv[p->u.gqa.span] = p;
	if (x && x->q_heads && x->own == OWN_STATE) {
		o->index = p;
	} else if (x && x->q_heads) {
		y = o->index ? index_of(o->index) : NULL;
		if (!y)
			CHECK_FAIL(c, "layer %u reuses the last index, but none of the %u layers before it owns one", layer, layer);
		else if (y->top_tokens != x->top_tokens || y->top_blocks != x->top_blocks)
			CHECK_FAIL(c, "layer %u reuses the index of part %s, which keeps %u, not %u", layer, name_of(o->index),
				y->top_tokens + y->top_blocks, x->top_tokens + x->top_blocks);
	}
	c->part = NULL;
}

/* Adds one layer of this kind to the sum. */
static void check_layer(struct check *c, struct owners *o, const uint64_t *of_part, const struct layer_kind *k, uint32_t layer)
{
	for (unsigned b = 0; c->rc == OK && b < k->n_branches; b++)
		for (unsigned i = 0; c->rc == OK && i < k->branch[b].n_parts; i++) {
			uint16_t p = k->branch[b].part[i];

			check_reuse(c, o, &c->m->parts[p], layer);
			if (c->rc == OK && (c->sum += of_part[p]) >= MAX_ELEMENTS)
				CHECK_FAIL(c, "layer %u brings the model to 2^62 elements or more, with %llu of part %s", layer,
					(unsigned long long)of_part[p], name_of(&c->m->parts[p]));
		}
}

static void check_kind(struct check *c, const struct layer_kind *k)
{
	const char *name = k->name ? k->name : "";

	if (k->n_branches > 3)
		CHECK_FAIL(c, "kind %s: %u branches, at most 3", name, k->n_branches);
	for (unsigned b = 0; c->rc == OK && b < k->n_branches; b++) {
		const struct branch *br = &k->branch[b];

		if (br->n_parts < 1 || br->n_parts > 3)
			CHECK_FAIL(c, "kind %s: branch %u has %u parts, want 1 to 3", name, b + 1, br->n_parts);
		check_in_enum(c, "norms", br->norm, norm_at_names);
		for (unsigned i = 0; c->rc == OK && i < br->n_parts; i++)
			if (br->part[i] >= c->m->n_parts)
				CHECK_FAIL(c, "kind %s: part %u of %u", name, br->part[i], c->m->n_parts);
	}
}

static void check_model_itself(struct check *c)
{
	const struct model_spec *m = c->m;

	check_positive(c, "width", m->width);
	check_positive(c, "vocab", m->vocab);
	check_pieces(c, "residual_streams", m->residual_streams);
	check_in_enum(c, "norm", m->norm_type, norm_type_names);
	if (m->n_layers < 1 || m->n_layers > MAX_LAYERS)
		CHECK_FAIL(c, "%u layers, want 1 to %d", m->n_layers, (int)MAX_LAYERS);
	if (m->n_parts < 1 || m->n_parts > MAX_PARTS)
		CHECK_FAIL(c, "%u parts, want 1 to %d", m->n_parts, (int)MAX_PARTS);
	if (m->n_kinds < 1 || m->n_kinds > MAX_KINDS)
		CHECK_FAIL(c, "%u layer kinds, want 1 to %d", m->n_kinds, (int)MAX_KINDS);
	check_at_most(c, "rope entries", m->n_rope, "their number", MAX_ROPES);
	check_at_most(c, "encoders", m->n_encoders, "their number", MAX_ENCODERS);
	if (m->context_native && m->context_max && m->context_max < m->context_native)
		CHECK_FAIL(c, "context max (%u) is below native (%u)", m->context_max, m->context_native);
	if (m->learned_positions && !m->context_native)
		CHECK_FAIL(c, "learned_positions (%u) needs the native context (%u)", m->learned_positions, m->context_native);
	if (!(m->norm_eps >= 0.0f) || !(m->final_softcap >= 0.0f))
		CHECK_FAIL(c, "norm_eps (%g) and final_softcap (%g) must not be negative", (double)m->norm_eps, (double)m->final_softcap);
	for (unsigned i = 0; c->rc == OK && i < m->n_rope; i++) {
		const struct rope *r = &m->rope[i];

		check_in_enum(c, "rope scaling", r->scaling, rope_scaling_names);
		if (r->dims % 2)
			CHECK_FAIL(c, "rope %s: dims (%u) must be even", r->name ? r->name : "", r->dims);
		if (!(r->theta >= 0.0) || !(r->factor >= 0.0))
			CHECK_FAIL(c, "rope %s: theta (%g) and factor (%g) must not be negative", r->name ? r->name : "", r->theta, r->factor);
	}
	check_elements(c, "vocab x width", m->vocab, m->width, m->tied_head ? 1 : 2);
	check_elements(c, "context x width", m->learned_positions ? m->context_native : 0, m->width, 1);
	check_elements(c, "per_layer_vocab x per_layer_embed x layers", m->per_layer_vocab ? m->per_layer_vocab : m->vocab,
		m->per_layer_embed, m->n_layers);
	check_elements(c, "per_layer_embed x width x layers", 3 * (uint64_t)m->per_layer_embed, m->width, m->n_layers);
	check_elements(c, "residual_streams x width x layers", 64 * (uint64_t)m->residual_streams, m->width, m->n_layers);
	check_elements(c, "residual_streams^2 x width x layers", 8 * (uint64_t)m->residual_streams * m->residual_streams,
		m->width, m->n_layers);
	for (unsigned i = 0; i < m->n_encoders; i++) {
		check_elements(c, "params of an encoder", m->encoders[i].params, 1, 1);
		if (m->encoders[i].component != COMP_VISION && m->encoders[i].component != COMP_AUDIO)
			CHECK_FAIL(c, "encoder %u: component %u is neither vision nor audio", i, m->encoders[i].component);
	}
}

static void check_mtp(struct check *c, struct owners *o, const uint64_t *of_part)
{
	const struct mtp *t = &c->m->mtp;

	if (t->layers > MAX_LAYERS)
		CHECK_FAIL(c, "mtp: %u layers, at most %d", t->layers, (int)MAX_LAYERS);
	check_at_most(c, "mtp: stored", t->stored, "layers", t->layers);
	if (t->layers && t->kind >= c->m->n_kinds)
		CHECK_FAIL(c, "mtp: kind %u of %u", t->kind, c->m->n_kinds);
	check_elements(c, "mtp: layers x vocab x width", 2 * (uint64_t)t->layers, c->m->vocab, c->m->width);
	check_elements(c, "mtp: layers x 2 width x width", 2 * (uint64_t)t->layers, c->m->width, c->m->width);
	check_elements(c, "mtp: layers x extra", t->layers, t->extra, 1);
	for (uint32_t i = 0; c->rc == OK && i < t->layers; i++)
		check_layer(c, o, of_part, &c->m->kinds[t->kind], c->m->n_layers + i);
}

int model_check(const struct model_spec *m, int code, const char *where, unsigned line, struct error *err)
{
	struct check c = { m, NULL, code, where, line, err, 0, OK };
	struct owners owners = { { NULL }, NULL };
	uint64_t of_part[MAX_PARTS] = { 0 };

	check_model_itself(&c);
	for (unsigned i = 0; c.rc == OK && i < m->n_parts; i++)
		c.rc = part_check(&of_part[i], m, &m->parts[i], code, where, line, err);
	for (unsigned i = 0; c.rc == OK && i < m->n_kinds; i++)
		check_kind(&c, &m->kinds[i]);
	for (uint32_t l = 0; c.rc == OK && l < m->n_layers; l++) {
		if (m->kind_of[l] >= m->n_kinds)
			CHECK_FAIL(&c, "layer %u: kind %u of %u", l, m->kind_of[l], m->n_kinds);
		else
			check_layer(&c, &owners, of_part, &m->kinds[m->kind_of[l]], l);
	}
	check_mtp(&c, &owners, of_part);
	return c.rc;
}
