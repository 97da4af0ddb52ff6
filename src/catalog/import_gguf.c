/* import_gguf.c - a GGUF file's metadata and tensor list -> model_spec
 *
 * Keys: llama.cpp 0c1e57098, src/llama-arch.cpp; their meaning: src/llama-model.cpp, load_hparams(). */
#include "catalog/import_gguf.h"

#include "base/str.h"
#include "base/units.h"
#include "catalog/import_gguf_layer.h"

#include <stdlib.h>
#include <string.h>

static int fill_names(struct gguf_import *c)
{
	struct model_spec *m = c->m;
	const char *base = str_base(c->g->file), *name = NULL;
	size_t n = strlen(base) - (str_suffix(base, ".gguf") ? 5 : 0);
	struct source *s = arena_alloc(c->a, sizeof *s);

	if (c->g->n_shards > 1 && n > 15)
		n -= 15;                         /* "-00001-of-00002" */
	READ(gguf_str(&name, c->g, "general.name", c->err));
	m->id = arena_strndup(c->a, base, n);
	m->name = name && *name ? arena_strdup(c->a, name) : m->id;
	m->architecture = arena_strdup(c->a, c->arch);
	m->file = arena_strdup(c->a, c->g->file);
	if (!s || !m->id || !m->name || !m->architecture || !m->file)
		return error_set(c->err, E_NOMEM, "%s: out of memory", c->g->file);
	*s = (struct source){ "file", "metadata and tensor list of the file", m->file, "primary" };
	m->sources = s;
	m->n_sources = 1;
	return OK;
}

static int fill_sizes(struct gguf_import *c)
{
	struct model_spec *m = c->m;
	const struct gguf_value *causal = gi_hyper_find(c, "attention.causal");
	uint32_t nextn;

	if (causal && causal->type == GGUF_BOOL && !causal->v.u)
		return gi_refuse(c, "attention.causal is false: not a model that generates token after token");
	READ(gi_hyper(&c->n_blocks, c, "block_count", 0));
	READ(gi_hyper(&nextn, c, "nextn_predict_layers", 0));
	READ(gi_hyper(&m->width, c, "embedding_length", 0));
	READ(gi_hyper(&m->context_native, c, "context_length", 0));
	m->context_max = m->context_native;
	if (!c->n_blocks || c->n_blocks > MAX_LAYERS || nextn >= c->n_blocks)
		return gi_refuse(c, "block_count is %u, of which nextn_predict_layers %u; at most %d, and one left", c->n_blocks, nextn,
			MAX_LAYERS);
	if (!m->width)
		return gi_refuse(c, "embedding_length is missing or 0");
	m->n_layers = c->n_blocks - nextn;
	READ(gi_hyper(&m->residual_block, c, "attn_res.block_size", 0));
	READ(gi_hyper(&m->residual_streams, c, "hyper_connection.count", 1));
	if (!m->residual_streams || m->residual_streams > UINT16_MAX)
		return gi_refuse(c, "hyper_connection.count is %u", m->residual_streams);
	return OK;
}

static int fill_sharing(struct gguf_import *c)
{
	uint32_t shared;

	READ(gi_hyper(&shared, c, "attention.shared_kv_layers", 0));
	if (shared >= c->n_blocks)
		return gi_refuse(c, "attention.shared_kv_layers is %u of %u layers", shared, c->n_blocks);
	c->own_kv_layers = c->n_blocks - shared;
	/* the loader of Gemma 3n does not read the key: models/gemma3n.cpp, n_layer_kv_from_start */
	if (c->facts->flags & ARCH_SHARED_FROM_20)
		c->own_kv_layers = 20;
	return OK;
}

/* RMS, layer norm, layer norm with bias: by the epsilon that the file names and the biases that it has. */
static int fill_norm(struct gguf_import *c)
{
	struct model_spec *m = c->m;
	double eps = 0.0;
	int rms;

	READ(rms = gi_hyper_f(&eps, c, "attention.layer_norm_rms_epsilon", 0.0));
	if (!rms)
		READ(gi_hyper_f(&eps, c, "attention.layer_norm_epsilon", 0.0));
	if (!(eps >= 0.0 && eps <= 1.0))
		return gi_refuse(c, "an epsilon of norms of %g", eps);
	m->norm_eps = (float)eps;
	/* Phi-3.5 MoE: a layer norm, though its epsilon goes by the other's name */
	m->norm_type = (rms && !(c->facts->flags & ARCH_LAYER_NORM)) || c->facts->flags & ARCH_RMS ? NORM_RMS : NORM_LAYER;
	for (uint32_t i = 0; m->norm_type == NORM_LAYER && i < c->global.n; i++)
		if (!strcmp(c->global.t[i].stem, "output_norm.bias"))
			m->norm_type = NORM_LAYER_BIAS;
	return OK;
}

static int fill_per_layer_embed(struct gguf_import *c)
{
	struct model_spec *m = c->m;
	const struct file_tensor *t = gi_take(&c->global, "per_layer_token_embd");
	uint32_t said;

	if (!t)
		return OK;
	READ(gi_hyper(&said, c, "embedding_length_per_layer_input", 0));
	if (t->ne[0] % m->n_layers || t->ne[0] / m->n_layers > INT32_MAX || t->ne[1] > INT32_MAX || (said &&
		said != t->ne[0] / m->n_layers))
		return gi_refuse(c, "tensor %s is %llu wide for %u layers of %u", t->name, (unsigned long long)t->ne[0], m->n_layers, said);
	m->per_layer_embed = (uint32_t)(t->ne[0] / m->n_layers);
	m->per_layer_vocab = (uint32_t)t->ne[1];
	TRY(gi_want_shape(c, t, t->ne[0], t->ne[1], 1));
	TRY(gi_need(&t, c, &c->global, "per_layer_model_proj"));
	TRY(gi_want_shape(c, t, m->width, (uint64_t)m->per_layer_embed * m->n_layers, 1));
	return gi_need_vector(c, &c->global, "per_layer_proj_norm", m->per_layer_embed);
}

static int global_norm(uint8_t *there, struct gguf_import *c, const char *stem)
{
	const struct file_tensor *t = gi_take(&c->global, stem), *bias;

	*there = t != NULL;
	if (!t)
		return OK;
	TRY(gi_want_vector(c, t, c->m->width));
	if (c->m->norm_type != NORM_LAYER_BIAS)
		return OK;
	if (!(bias = gi_take_bias(&c->global, stem)))
		return gi_refuse(c, "tensor %s has no bias, though other norms have one", t->name);
	return gi_want_vector(c, bias, c->m->width);
}

static int fill_globals(struct gguf_import *c)
{
	static const char *const factors[] = { "rope_freqs", "rope_factors_long", "rope_factors_short" };
	struct model_spec *m = c->m;
	const struct file_tensor *t;
	uint8_t there;
	double f;

	TRY(gi_need(&t, c, &c->global, "token_embd"));
	if (t->ne[1] > INT32_MAX)
		return gi_refuse(c, "tensor %s has %llu rows", t->name, (unsigned long long)t->ne[1]);
	TRY(gi_want_shape(c, t, m->width, t->ne[1], 1));
	m->vocab = (uint32_t)t->ne[1];
	if ((t = gi_take(&c->global, "output")) != NULL)
		TRY(gi_want_shape(c, t, m->width, m->vocab, 1));
	m->tied_head = t == NULL;
	TRY(gi_maybe_bias(&m->head_bias, c, &c->global, "output", m->vocab));
	TRY(global_norm(&there, c, "output_norm"));
	/* LFM2 files call the final norm token_embd_norm (llama-arch.cpp, OUTPUT_NORM_LFM2) */
	TRY(global_norm(there ? &m->embed_norm : &there, c, "token_embd_norm"));
	m->no_final_norm = !there;
	if (m->residual_block)
		TRY(gi_need_vector(c, &c->global, "output_res_score", m->width));
	if (m->residual_streams > 1) {
		TRY(gi_need(&t, c, &c->global, "output_hc_fn"));
		TRY(gi_want_shape(c, t, (uint64_t)m->residual_streams * m->width, m->residual_streams, 1));
		TRY(gi_need_vector(c, &c->global, "output_hc_base", m->residual_streams));
		TRY(gi_need_vector(c, &c->global, "output_hc_scale", 1));
	}
	if ((t = gi_take(&c->global, "position_embd")) != NULL) {
		m->learned_positions = 1;
		TRY(gi_want_shape(c, t, m->width, m->context_native, 1));
	}
	for (unsigned i = 0; i < 3; i++)
		if ((t = gi_take(&c->global, factors[i])) != NULL && t->elements != t->ne[0])
			return gi_refuse(c, "tensor %s is not a vector", t->name);
	TRY(fill_per_layer_embed(c));
	READ(gi_hyper_f(&f, c, "final_logit_softcapping", c->facts->flags & ARCH_SOFTCAPS ? 30.0 : 0.0));
	m->final_softcap = (float)f;
	m->embed_scale = c->facts->flags & ARCH_EMBED_SCALE || gi_hyper_find(c, "embedding_scale");
	for (uint32_t i = 0; c->facts->flags & ARCH_UNDESCRIBED && i < c->global.n; i++)
		if (!strncmp(c->global.t[i].stem, "altup_", 6)) {
			c->global.t[i].taken = 1;
			c->undescribed += c->global.t[i].t->elements;
		}
	return gi_blocks_finish(c, &c->global);
}

static int fill_layers(struct gguf_import *c)
{
	uint16_t *kind_of = arena_array(c->a, c->m->n_layers, sizeof *kind_of);

	if (!kind_of)
		return error_set(c->err, E_NOMEM, "%s: out of memory", c->g->file);
	c->m->kind_of = kind_of;
	for (uint32_t l = 0; l < c->m->n_layers; l++) {
		if (!c->blocks[l].n && !(c->facts->flags & ARCH_NO_OPS))
			return error_set(c->err, E_FILE, "%s: block %u of %u has no tensors", c->g->file, l, c->n_blocks);
		TRY(gi_layer(&kind_of[l], c, &c->blocks[l]));
		TRY(gi_blocks_finish(c, &c->blocks[l]));
	}
	return OK;
}

/* The blocks after the layers predict further tokens. Files may leave all of them out. */
static int fill_mtp(struct gguf_import *c)
{
	static const char *const norms[] = { "nextn.enorm", "nextn.hnorm", "nextn.shared_head_norm", "layer_output_norm" };
	struct mtp *first = &c->m->mtp;

	for (uint32_t l = c->m->n_layers; l < c->n_blocks; l++) {
		struct block *b = &c->blocks[l];
		struct mtp one = { .layers = first->layers + 1, .stored = (uint8_t)(first->layers + 1) };
		const struct file_tensor *t;

		if (!b->n)
			continue;
		if (one.layers > UINT8_MAX)
			return gi_refuse(c, "more than %d blocks of multi-token prediction", UINT8_MAX);
		if ((t = gi_take(b, "nextn.eh_proj")) != NULL)
			TRY(gi_want_shape(c, t, 2 * (uint64_t)c->m->width, c->m->width, 1));
		one.no_proj = t == NULL;
		for (unsigned i = 0; i < 4; i++)
			if (gi_has(b, norms[i])) {
				TRY(gi_need_vector(c, b, norms[i], c->m->width));
				one.norms++;
			}
		if ((t = gi_take(b, "nextn.embed_tokens")) != NULL)
			TRY(gi_want_shape(c, t, c->m->width, c->m->vocab, 1));
		one.own_embed = t != NULL;
		if ((t = gi_take(b, "nextn.shared_head_head")) != NULL)
			TRY(gi_want_shape(c, t, c->m->width, c->m->vocab, 1));
		one.own_head = t != NULL;
		TRY(gi_layer(&one.kind, c, b));
		TRY(gi_blocks_finish(c, b));
		if (first->layers && (one.kind != first->kind || one.norms != first->norms || one.own_embed != first->own_embed ||
		    one.own_head != first->own_head || one.no_proj != first->no_proj))
			return gi_refuse(c, "blk.%u: blocks of multi-token prediction that differ from each other", l);
		*first = one;
		c->m->gguf_mtp = 1;
	}
	return OK;
}

/* The tokenizer is copied from one published file to the next, so its size holds for every recipe. */
static int fill_tokenizer(struct gguf_import *c)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < c->g->n_kv; i++) {
		const struct gguf_value *v = &c->g->kv[i];
		if (str_prefix(v->key, "tokenizer.") && (u64_add(&sum, sum, v->bytes) || u64_add(&sum, sum, 8 + strlen(v->key) + 4)))
			return error_set(c->err, E_FILE, "%s: the tokenizer's size overflows 64 bits", c->g->file);
	}
	if (sum)
		c->m->tokenizer_bytes = known_of((double)sum, BASIS_PUBLISHED);
	return OK;
}

/* llama.cpp caches K and V of every head when a file has no *_mla keys (llama-hparams.cpp, is_mla()). */
static int warn(struct gguf_import *c)
{
	if (!gi_arch_find(c->arch))
		TRY(gi_warning(c, "The architecture %.40s is not one whose loader was read: sizes come from the file's tensors and metadata "
			"alone, activation and router are assumed to be the usual ones.", c->arch));
	if (c->old_mla)
		TRY(gi_warning(c, "The file has latent attention, but no key_length_mla: llama.cpp caches K and V of every head for it, which is "
			"far more than the latent counted here."));
	if (c->undescribed)
		TRY(gi_warning(c, "%llu elements of the file's tensors have no place in the description of the model: they are in the file's "
			"size, but not in the parameter counts.", (unsigned long long)c->undescribed));
	return OK;
}

static int run(struct gguf_import *c)
{
	struct model_spec *m = c->m;

	c->parts = arena_array(c->a, MAX_PARTS, sizeof *c->parts);
	c->kinds = arena_array(c->a, MAX_KINDS, sizeof *c->kinds);
	c->rope = arena_array(c->a, MAX_ROPES, sizeof *c->rope);
	c->warnings = arena_array(c->a, MAX_WARNINGS, sizeof *c->warnings);
	if (!c->parts || !c->kinds || !c->rope || !c->warnings)
		return error_set(c->err, E_NOMEM, "%s: out of memory", c->g->file);
	m->parts = c->parts;
	m->kinds = c->kinds;
	m->rope = c->rope;
	m->warnings = c->warnings;
	TRY(fill_names(c));
	TRY(fill_sizes(c));
	TRY(gi_blocks_build(c));
	TRY(fill_norm(c));
	TRY(gi_spans(c));
	TRY(fill_sharing(c));
	TRY(fill_globals(c));
	TRY(fill_layers(c));
	TRY(fill_mtp(c));
	TRY(fill_tokenizer(c));
	TRY(warn(c));
	return model_check(m, E_FILE, m->file, 0, c->err);
}

int import_gguf(struct model_spec *out, struct arena *a, const struct gguf *g, struct error *err)
{
	static const struct arch_facts unknown = { .name = "" };
	struct model_spec m = { 0 };
	struct gguf_import c = { .g = g, .a = a, .err = err, .m = &m };
	const char *arch = NULL, *type = NULL;
	int rc;

	if ((rc = gguf_str(&arch, g, "general.architecture", err)) < 0 || (rc = gguf_str(&type, g, "general.type", err)) < 0)
		return rc;
	if (!arch || !*arch)
		return error_set(err, E_FILE, "%s: general.architecture is missing", g->file);
	c.arch = arch;
	if (type && strcmp(type, "model"))
		return gi_refuse(&c, "general.type is %.40s: not a whole model", type);
	if (!strcmp(arch, "clip"))
		return gi_refuse(&c, "an encoder of images or sound without a language model");
	c.facts = gi_arch_find(arch);
	if (!c.facts)
		c.facts = &unknown;
	rc = run(&c);
	if (rc == OK)
		*out = m;
	return rc;
}
