/* tiny_spec.h - a description shrunk until its weights are a few megabytes: the same kinds of layers, small sizes. For tests of loading and running. */
#ifndef TINY_SPEC_H
#define TINY_SPEC_H

#include "catalog/model_spec.h"

#include <string.h>

enum { TINY_WIDTH = 256, TINY_VOCAB = 384, TINY_LAYERS = 8 };

static inline uint32_t tiny_head(uint32_t dim) { return dim >= 512 ? 128 : 64; }
static inline uint32_t tiny_min(uint32_t a, uint32_t b) { return a < b ? a : b; }

static inline void tiny_part(struct part *p, uint32_t width, struct rope *rope, uint8_t *done)
{
	if (p->type == PART_GQA) {
		struct gqa_spec *g = &p->u.gqa;
		uint32_t ratio = tiny_min(g->q_heads / g->kv_heads, 4), k = tiny_head(g->k_dim);
		if (g->rope < MAX_ROPES && !done[g->rope]) {
			done[g->rope] = 1;
			rope[g->rope].dims = (uint32_t)((uint64_t)k * rope[g->rope].dims / g->k_dim) & ~UINT32_C(1);
		}
		/* heads that fill the width still do */
		if (g->q_heads * g->k_dim == width) {
			g->q_heads = TINY_WIDTH / k;
			g->kv_heads = g->q_heads / (ratio == 3 ? 2 : ratio);
		} else {
			g->kv_heads = tiny_min(g->kv_heads, 2);
			g->q_heads = ratio * g->kv_heads;
		}
		g->k_dim = k;
		g->v_dim = tiny_head(g->v_dim);
		if (g->span == SPAN_WINDOW)
			g->span_tokens = 32;
	} else if (p->type == PART_MLA) {
		struct mla_spec *a = &p->u.mla;
		a->q_heads = 4;
		a->q_rank = a->q_rank ? 64 : 0;
		a->kv_rank = 64;
		a->nope_dim = a->rope_dim = a->v_dim = 32;
		if (a->rope < MAX_ROPES)
			rope[a->rope].dims = 32;
	} else if (p->type == PART_DELTA) {
		struct delta_spec *d = &p->u.delta;
		d->v_heads = 2 * tiny_min(d->v_heads / d->k_heads, 2);
		d->k_heads = 2;
		d->k_dim = d->v_dim = 32;
		d->a_log_elements = 0;
		if (d->per_channel_decay)
			d->v_heads = d->k_heads = 4;     /* as many as the latent attention beside it */
	} else if (p->type == PART_MAMBA2) {
		p->u.mamba2.heads = 2 * TINY_WIDTH / 32;
		p->u.mamba2.head_dim = 32;
		p->u.mamba2.groups = tiny_min(p->u.mamba2.groups, 2);
		p->u.mamba2.state = 32;
	} else if (p->type == PART_MLP) {
		p->u.mlp.width = 256;
	} else if (p->type == PART_MOE) {
		struct moe_spec *e = &p->u.moe;
		e->experts = 8;
		e->per_token = tiny_min(e->per_token, 2);
		e->width = 64;
		e->latent = e->latent ? 128 : 0;
		e->shared_width = e->shared_width ? 64 * (e->shared ? tiny_min(e->shared, 2) : 1) : 0;
		e->shared = e->shared_width ? e->shared_width / 64 : e->shared;
		if (e->groups)
			e->groups = 4, e->top_groups = 2;
	}
}

/* NULL: out of memory. */
static inline const struct model_spec *tiny_spec(struct arena *a, const struct model_spec *m)
{
	struct model_spec *t = arena_alloc(a, sizeof *t);
	struct part *parts = arena_array(a, m->n_parts, sizeof *parts);
	struct rope *rope = arena_array(a, m->n_rope ? m->n_rope : 1, sizeof *rope);
	uint8_t done[MAX_ROPES] = { 0 };

	if (!t || !parts || !rope)
		return NULL;
	*t = *m;
	memcpy(parts, m->parts, m->n_parts * sizeof *parts);
	if (m->n_rope)
		memcpy(rope, m->rope, m->n_rope * sizeof *rope);
	for (unsigned i = 0; i < m->n_parts; i++)
		tiny_part(&parts[i], m->width, rope, done);
	t->parts = parts;
	t->rope = rope;
	t->width = TINY_WIDTH;
	t->vocab = TINY_VOCAB;
	/* until every kind of layer has come by */
	uint8_t seen[MAX_KINDS] = { 0 };
	uint32_t last = 0;
	for (uint32_t l = 0; l < m->n_layers; l++)
		if (!seen[m->kind_of[l]]++)
			last = l + 1;
	t->n_layers = tiny_min(m->n_layers, last > TINY_LAYERS ? last : TINY_LAYERS);
	t->context_native = t->context_max = t->learned_positions ? 256 : m->context_native;
	t->per_layer_embed = m->per_layer_embed ? 32 : 0;
	t->per_layer_vocab = m->per_layer_vocab ? TINY_VOCAB : 0;
	t->n_encoders = 0;
	t->mtp = (struct mtp){ 0 };
	return t;
}

#endif
