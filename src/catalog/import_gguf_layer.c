/* import_gguf_layer.c - one block -> branches of parts with their norms; equal ones are shared */
#include "catalog/import_gguf_layer.h"

#include <string.h>

static const char *part_name(struct gguf_import *c, const struct part *p)
{
	static const char *const usual[PART_TYPES] = { "attn", "mla", "csa", "delta", "mamba2", "conv", "mlp", "moe" };
	const char *base = p->type == PART_GQA && p->u.gqa.span == SPAN_WINDOW ? "window" :
		p->type == PART_GQA && p->u.gqa.span == SPAN_CHUNK ? "chunk" : usual[p->type];
	unsigned same = 0;

	for (unsigned i = 0; i < c->m->n_parts; i++)
		same += !strncmp(c->parts[i].name, base, strlen(base));
	return same ? arena_printf(c->a, "%s%u", base, same + 1) : base;
}

/* parts are zeroed before they are filled, so equal ones are equal byte by byte, but for the name */
static int same_part(const struct part *a, const struct part *b)
{
	struct part x, y;

	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	x.name = y.name = NULL;
	return !memcmp(&x, &y, sizeof x);
}

static int add_part(uint16_t *out, struct gguf_import *c, const struct part *p)
{
	uint16_t i;

	for (i = 0; i < c->m->n_parts && !same_part(&c->parts[i], p); i++)
		;
	*out = i;
	if (i < c->m->n_parts)
		return OK;
	if (i == MAX_PARTS)
		return gi_refuse(c, "more than %d different parts", MAX_PARTS);
	memcpy(&c->parts[i], p, sizeof *p);
	if (!(c->parts[i].name = part_name(c, p)))
		return error_set(c->err, E_NOMEM, "%s: out of memory", c->g->file);
	c->m->n_parts++;
	return OK;
}

static int same_kind(const struct layer_kind *a, const struct layer_kind *b)
{
	if (a->n_branches != b->n_branches || a->extra_norms != b->extra_norms || a->extra_scalars != b->extra_scalars)
		return 0;
	for (unsigned i = 0; i < a->n_branches; i++) {
		const struct branch *x = &a->branch[i], *y = &b->branch[i];
		if (x->norm != y->norm || x->n_parts != y->n_parts || memcmp(x->part, y->part, x->n_parts * sizeof *x->part))
			return 0;
	}
	return 1;
}

static int add_kind(uint16_t *out, struct gguf_import *c, const struct layer_kind *k)
{
	uint16_t i;

	for (i = 0; i < c->m->n_kinds && !same_kind(&c->kinds[i], k); i++)
		;
	*out = i;
	if (i < c->m->n_kinds)
		return OK;
	if (i == MAX_KINDS)
		return gi_refuse(c, "more than %d different kinds of layers", MAX_KINDS);
	c->kinds[i] = *k;
	if (!(c->kinds[i].name = arena_printf(c->a, "kind%u", i + 1)))
		return error_set(c->err, E_NOMEM, "%s: out of memory", c->g->file);
	c->m->n_kinds++;
	return OK;
}

/* A norm over the stream, with the bias that the model's type of norm wants. */
static int take_norm(int *there, struct gguf_import *c, struct block *b, const char *stem)
{
	const struct file_tensor *t = gi_take(b, stem), *bias;

	*there = t != NULL;
	if (!t)
		return OK;
	TRY(gi_want_vector(c, t, c->m->width));
	if (c->m->norm_type != NORM_LAYER_BIAS)
		return OK;
	if (!(bias = gi_take_bias(b, stem)))
		return gi_refuse(c, "tensor %s has no bias, though other norms have one", t->name);
	return gi_want_vector(c, bias, c->m->width);
}

static uint8_t norm_at(int pre, int post)
{
	return pre && post ? NORM_SANDWICH : pre ? NORM_PRE : post ? NORM_POST : NORM_NONE;
}

/* Where norms stand, by what is there: "post_attention_norm" is the second norm of a pre-norm layer when ffn_norm is missing (the
 * name of the original weights), and a norm after attention else. */
static int place_norms(struct layer_kind *k, struct gguf_import *c, struct block *b, unsigned mixers, unsigned feeds)
{
	int attn, attn2, post, ffn, post_ffn;

	TRY(take_norm(&attn, c, b, "attn_norm"));
	TRY(take_norm(&attn2, c, b, "attn_norm_2"));
	TRY(take_norm(&post, c, b, "post_attention_norm"));
	/* DBRX and Grok give norms names of their own (models/dbrx.cpp, grok.cpp) */
	TRY(take_norm(&ffn, c, b, strcmp(c->arch, "dbrx") ? "ffn_norm" : "attn_output_norm"));
	TRY(take_norm(&post_ffn, c, b, "post_ffw_norm"));
	if (!strcmp(c->arch, "grok")) {
		TRY(take_norm(&post, c, b, "attn_output_norm"));
		if (!post_ffn)
			TRY(take_norm(&post_ffn, c, b, "layer_output_norm"));
	}
	if (attn2 && (ffn || !mixers || !feeds))
		return gi_refuse(c, "blk.%u: attn_norm_2 beside ffn_norm, or without attention and feed-forward", b->layer);
	if (!mixers && feeds) {
		if ((attn && ffn) || (post && post_ffn))
			return gi_refuse(c, "blk.%u has a feed-forward only, but norms for two branches", b->layer);
		k->branch[0].norm = norm_at(attn || ffn, post || post_ffn);
	} else if (mixers && !feeds) {
		if (ffn || post_ffn)
			return gi_refuse(c, "blk.%u has norms for a feed-forward, but none that is understood", b->layer);
		k->branch[0].norm = norm_at(attn, post);
	} else if (mixers && ffn + attn2) {
		k->branch[0].norm = norm_at(attn, post);
		k->branch[1].norm = norm_at(1, post_ffn);
	} else if (mixers && attn && post && !post_ffn) {
		k->branch[0].norm = NORM_PRE;
		k->branch[1].norm = NORM_PRE;
	} else if (mixers && !attn) {
		k->branch[0].norm = norm_at(0, post);
		k->branch[1].norm = norm_at(0, post_ffn);
	} else if (mixers && !post && !post_ffn) {
		/* one norm for attention and feed-forward: both read it (Command R, Phi-2, Falcon) */
		if (k->branch[0].n_parts + k->branch[1].n_parts > 3)
			return gi_refuse(c, "blk.%u: more than three parts behind one norm", b->layer);
		for (unsigned i = 0; i < k->branch[1].n_parts; i++)
			k->branch[0].part[k->branch[0].n_parts++] = k->branch[1].part[i];
		k->n_branches = 1;
		k->branch[0].norm = NORM_PRE;
	} else if (mixers) {
		return gi_refuse(c, "blk.%u: norms before attention and after both, but none before the feed-forward", b->layer);
	}
	return OK;
}

/* Gemma 3n and 4 E: each layer's projections of the per-layer embedding. */
static int take_per_layer(struct gguf_import *c, struct block *b)
{
	const struct file_tensor *t;
	uint64_t e = c->m->per_layer_embed;

	if (!e)
		return OK;
	TRY(gi_need(&t, c, b, "inp_gate"));
	TRY(gi_want_shape(c, t, c->m->width, e, 1));
	TRY(gi_need(&t, c, b, "proj"));
	TRY(gi_want_shape(c, t, e, c->m->width, 1));
	return gi_need_vector(c, b, "post_norm", c->m->width);
}

/* DeepSeek V4: what mixes the residual streams around each of the two branches. */
static int take_hyper_connections(struct gguf_import *c, struct block *b)
{
	static const char *const fn[] = { "hc_attn_fn", "hc_ffn_fn" }, *const base[] = { "hc_attn_base", "hc_ffn_base" },
		*const scale[] = { "hc_attn_scale", "hc_ffn_scale" };
	uint64_t s = c->m->residual_streams, mix = (2 + s) * s;
	const struct file_tensor *t;

	for (unsigned i = 0; s > 1 && i < 2; i++) {
		TRY(gi_need(&t, c, b, fn[i]));
		TRY(gi_want_shape(c, t, s * c->m->width, mix, 1));
		TRY(gi_need_vector(c, b, base[i], mix));
		TRY(gi_need_vector(c, b, scale[i], 3));
	}
	return OK;
}

/* Gemma 3n: AltUp and LAuReL stand beside the branches; the description has no place for them. */
static void take_undescribed(struct gguf_import *c, struct block *b)
{
	for (uint32_t i = 0; c->facts->flags & ARCH_UNDESCRIBED && i < b->n; i++)
		if (!strncmp(b->t[i].stem, "altup_", 6) || !strncmp(b->t[i].stem, "laurel_", 7)) {
			b->t[i].taken = 1;
			c->undescribed += b->t[i].t->elements;
		}
}

/* Names the first tensor of the block that could tell what it is. */
static int nothing_known(struct gguf_import *c, const struct block *b)
{
	uint32_t i;

	for (i = 0; i + 1 < b->n && strstr(b->t[i].stem, "norm"); i++)
		;
	return gi_refuse(c, "blk.%u has neither attention nor a feed-forward that is understood, but the tensor %s", b->layer,
		b->t[i].t->name);
}

int gi_layer(uint16_t *kind, struct gguf_import *c, struct block *b)
{
	struct layer_kind k;
	struct part parts[4];
	unsigned mixers, feeds, n = 0;
	const struct file_tensor *t;

	memset(&k, 0, sizeof k);
	memset(parts, 0, sizeof parts);
	TRY(gi_mixers(parts, &mixers, c, b));
	TRY(gi_feed_forwards(parts + mixers, &feeds, &k.extra_norms, c, b));
	if (!mixers && !feeds && b->n)
		return nothing_known(c, b);
	for (unsigned side = 0; side < 2; side++) {
		unsigned count = side ? feeds : mixers;
		for (unsigned i = 0; i < count; i++)
			TRY(add_part(&k.branch[k.n_branches].part[i], c, &parts[n++]));
		k.branch[k.n_branches].n_parts = (uint8_t)count;
		k.n_branches = (uint8_t)(k.n_branches + (count != 0));
	}
	TRY(place_norms(&k, c, b, mixers, feeds));
	if ((t = gi_take(b, "layer_output_scale")) != NULL) {
		k.extra_scalars = 1;
		TRY(gi_want_vector(c, t, 1));
	}
	if (c->m->residual_block) {
		TRY(gi_need_vector(c, b, "attn_res_score", c->m->width));
		TRY(gi_need_vector(c, b, "ffn_res_score", c->m->width));
	}
	TRY(take_hyper_connections(c, b));
	if (b->layer < c->m->n_layers)
		TRY(take_per_layer(c, b));
	take_undescribed(c, b);
	return add_kind(kind, c, &k);
}
