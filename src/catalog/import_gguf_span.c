/* import_gguf_span.c - which layers see how far back, and how positions are rotated
 *
 * llama.cpp 0c1e57098: llama-hparams.cpp set_swa_pattern(), llama-model.cpp load_swa_pattern() and load_hparams(), and each
 * architecture's load_arch_hparams(). */
#include "catalog/import_gguf_layer.h"

#include <string.h>

enum { LLAMA4_CHUNK = 8192 };

/* layer l by a period: every period-th layer is full, the last or the first of its group; 0: none is. */
static int in_window(uint32_t l, uint32_t period, int full_first)
{
	if (!period)
		return 1;
	return full_first ? l % period != 0 : l % period < period - 1;
}

int gi_spans(struct gguf_import *c)
{
	const struct arch_facts *f = c->facts;
	const struct gguf_value *pattern = gi_hyper_find(c, "attention.sliding_window_pattern");
	uint32_t tokens, period = f->period, v = 0;
	uint8_t rule = f->spans;
	int said;

	if (!(c->span = arena_array(c->a, c->n_blocks, sizeof *c->span)))
		return error_set(c->err, E_NOMEM, "%s: out of memory", c->g->file);
	READ(said = gi_hyper(&tokens, c, "attention.sliding_window", 0));
	if (!said && (!(f->flags & ARCH_WINDOW_64_LAYERS) || c->m->n_layers == 64))
		tokens = f->window;
	if (f->flags & ARCH_WINDOW_64_LAYERS && c->m->n_layers != 64)
		rule = SPANS_FULL;
	if (rule == SPANS_CHUNK)
		tokens = said && !tokens ? 0 : LLAMA4_CHUNK;
	if (!tokens)
		return OK;
	if (rule == SPANS_FULL && !gi_arch_find(c->arch)) {
		if (!pattern)
			return gi_refuse(c, "attention.sliding_window is %u, but which layers have it is not in the file", tokens);
		rule = SPANS_ARRAY;
	}
	if (rule == SPANS_FULL)
		return gi_warning(c, "The file names a window of %u tokens, which llama.cpp does not use for the architecture %.40s: the cache "
			"is counted for the whole context.", tokens, c->arch);
	if (rule == SPANS_ARRAY && (!pattern || pattern->type != GGUF_ARRAY))
		return gi_refuse(c, "attention.sliding_window is %u, but the array attention.sliding_window_pattern is missing", tokens);
	if (pattern && pattern->type != GGUF_ARRAY)
		READ(gi_hyper(&period, c, "attention.sliding_window_pattern", period));
	for (uint32_t l = 0; l < c->n_blocks; l++) {
		int window = rule == SPANS_ALL || in_window(l, period, f->full_first);

		if (pattern && pattern->type == GGUF_ARRAY && rule != SPANS_ALL) {
			/* the array may leave out the MTP blocks, which then see everything */
			if (pattern->n <= l && l >= c->m->n_layers)
				continue;
			READ(gi_hyper_at(&v, c, "attention.sliding_window_pattern", l, 0));
			window = v != 0;
		}
		if (window) {
			c->span[l].span = rule == SPANS_CHUNK ? SPAN_CHUNK : SPAN_WINDOW;
			c->span[l].tokens = tokens;
		}
	}
	return OK;
}

/* SmallThinker without windows turns everything, too (models/smallthinker.cpp). */
static int rotates(struct gguf_import *c, uint32_t layer)
{
	uint8_t finetuned = 1;
	uint32_t dense;
	int any = 0;

	switch ((enum rope_rule)c->facts->rope) {
	case ROPE_EVERYWHERE: return 1;
	case ROPE_NOWHERE: return 0;
	case ROPE_NOT_EVERY_4TH: return (layer + 1) % 4 != 0;
	case ROPE_WINDOW_OR_DENSE:
		READ(gi_hyper(&dense, c, "leading_dense_block_count", 0));
		return layer < dense || c->span[layer].span != SPAN_FULL;
	case ROPE_NOT_FIRST_OF_4:
	case ROPE_WINDOW_ONLY:
		for (uint32_t l = 0; l < c->n_blocks; l++)
			any |= c->span[l].span != SPAN_FULL;
		return !any || (c->facts->rope == ROPE_NOT_FIRST_OF_4 ? layer % 4 != 0 : c->span[layer].span != SPAN_FULL);
	case ROPE_BY_KEY: {
		const struct gguf_value *v = gi_hyper_find(c, "rope.scaling.finetuned"), *pattern = gi_hyper_find(c, "attention.rope_pattern");
		uint32_t turned = 1;
		if (pattern && pattern->type == GGUF_ARRAY) {
			READ(gi_hyper_at(&turned, c, "attention.rope_pattern", layer, 1));
			return turned != 0;
		}
		if (v && v->type == GGUF_BOOL)
			finetuned = v->v.u != 0;
		return finetuned;
	}
	}
	return 1;
}

static int scaling_of(struct rope *r, struct gguf_import *c, int window)
{
	static const struct { const char *word; uint8_t scaling; } words[] = {
		{ "none", ROPE_SCALING_NONE }, { "linear", ROPE_SCALING_LINEAR }, { "yarn", ROPE_SCALING_YARN }, { "longrope",
			ROPE_SCALING_LONGROPE },
	};
	const struct gguf_value *v = gi_hyper_find(c, "rope.scaling.type");
	unsigned i = 1;

	READ(gi_hyper_f(&r->factor, c, "rope.scale_linear", 0.0));
	READ(gi_hyper_f(&r->factor, c, "rope.scaling.factor", r->factor));
	READ(gi_hyper(&r->original, c, "rope.scaling.original_context_length", 0));
	if (v && v->type == GGUF_STRING)
		for (i = 0; i < sizeof words / sizeof *words && strcmp(words[i].word, v->v.s); i++)
			;
	if (i == sizeof words / sizeof *words)
		return gi_refuse(c, "rope.scaling.type is %.40s", v->v.s);
	r->scaling = words[i].scaling;
	/* tables of factors in the file: Llama 3's, Gemma 4's for the layers that see everything, Phi's long and short */
	if (gi_has(&c->global, "rope_freqs"))
		r->scaling = strcmp(c->arch, "gemma4") ? ROPE_SCALING_LLAMA3 : ROPE_SCALING_PROPORTIONAL;
	if (gi_has(&c->global, "rope_factors_long"))
		r->scaling = ROPE_SCALING_LONGROPE;
	else if (r->scaling == ROPE_SCALING_LONGROPE)
		r->scaling = ROPE_SCALING_NONE;
	/* Some scale the layers that see everything alone (models/gemma3.cpp, rope_freq_scale_train_swa; olmo2.cpp) */
	if ((r->scaling == ROPE_SCALING_LINEAR && (r->factor == 0.0 || r->factor == 1.0)) || (window && c->facts->flags & ARCH_PLAIN_WINDOW))
		r->scaling = ROPE_SCALING_NONE;
	if (r->scaling == ROPE_SCALING_NONE)
		r->factor = 0.0;
	return OK;
}

int gi_rope(uint8_t *out, struct gguf_import *c, uint32_t layer, uint32_t dims)
{
	int window = c->span[layer].span == SPAN_WINDOW;
	struct rope r = { 0 };
	uint32_t n;
	int turned;

	*out = NO_ROPE;
	READ(turned = rotates(c, layer));
	if (!turned)
		return OK;
	READ(gi_hyper(&r.dims, c, "rope.dimension_count", dims));
	if (window)
		READ(gi_hyper(&r.dims, c, "rope.dimension_count_swa", r.dims));
	else if (c->facts->flags & ARCH_HALF_FULL_ROPE)
		r.dims /= 2;
	if (r.dims > dims)
		r.dims = dims;
	r.dims &= ~UINT32_C(1);
	READ(gi_hyper_f(&r.theta, c, "rope.freq_base", 10000.0));
	if (window)
		/* Gemma 3 and 4 keep 10000 for their windows; others say so by the key or rotate alike */
		READ(gi_hyper_f(&r.theta, c, "rope.freq_base_swa", !strncmp(c->arch, "gemma3", 6) || !strcmp(c->arch, "gemma4") ?
			10000.0 : r.theta));
	TRY(scaling_of(&r, c, window));
	r.name = window ? "window" : "main";
	for (n = 0; n < c->m->n_rope; n++)
		if (c->rope[n].theta == r.theta && c->rope[n].dims == r.dims && c->rope[n].scaling == r.scaling &&
			c->rope[n].factor == r.factor)
			break;
	if (n == MAX_ROPES)
		return gi_refuse(c, "more than %d kinds of rotation", MAX_ROPES);
	if (n == c->m->n_rope) {
		c->rope[n] = r;
		c->m->n_rope++;
	}
	*out = (uint8_t)n;
	return OK;
}
