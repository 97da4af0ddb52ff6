/* hyper.c - constants of the forward pass, from a GGUF file's metadata or from a description
 *
 * Keys: llama.cpp 0c1e57098 src/llama-arch.cpp; defaults: src/llama-hparams.h, src/llama-model.cpp load_hparams(), src/llama-context.cpp. */
#include "engine/hyper_arch.h"

#include "formats.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define READ(x) do { int rc_ = (x); if (rc_ < 0) return rc_; } while (0)

/* ARCH.key; 1: read, 0: absent and *out as it was. */
static int key(double *out, const struct weights *w, const struct gguf *g, const char *name, struct error *err)
{
	char k[192];

	snprintf(k, sizeof k, "%.100s.%s", w->model.architecture, name);
	return gguf_f64(out, g, k, err);
}
static int flag(uint8_t *out, const struct weights *w, const struct gguf *g, const char *name, struct error *err)
{
	char k[192];

	snprintf(k, sizeof k, "%.100s.%s", w->model.architecture, name);
	return gguf_bool(out, g, k, err);
}

/* yarn's factor of cos and sin for a part of it (modeling_rope_utils.py, get_mscale) */
static double mscale_of(double factor, double by) { return factor <= 1.0 ? 1.0 : 0.1 * by * log(factor) + 1.0; }

/* The tensor's numbers as floats, dims / 2 of them. */
static int factors_of(const float **out, struct weights *w, unsigned id, uint32_t dims, struct error *err)
{
	const struct weight *t = weights_find(w, id, -1);
	const struct kformat *f;
	float *v;

	*out = NULL;
	if (!t)
		return OK;
	if (t->ne[0] < dims / 2)         /* Step 3.5 turns half of what it has factors for */
		return error_set(err, E_FILE, "%s: tensor %s has %llu factors, where rotation of %u numbers wants %u", w->file, t->name,
			(unsigned long long)t->ne[0], dims, dims / 2);
	f = kformat_find(weights_kernel_format(w->quants, t->format));
	v = arena_array(&w->arena, t->ne[0] ? t->ne[0] : 1, sizeof *v);
	if (!f || !v)
		return error_set(err, E_NOMEM, "%s: out of memory", w->file);
	if (t->ne[0] % f->block)
		return error_set(err, E_FILE, "%s: tensor %s: %llu factors are not whole blocks", w->file, t->name, (unsigned long long)t->ne[0]);
	f->dequantise(v, t->data, t->ne[0]);
	for (uint64_t i = 0; i < t->ne[0]; i++)
		if (!(v[i] > 0.0f))
			return error_set(err, E_FILE, "%s: tensor %s: factor %llu is %g", w->file, t->name, (unsigned long long)i, (double)v[i]);
	*out = v;
	return OK;
}

static void rope_start(struct hyper_rope *h, const struct rope *r, const struct model_spec *m)
{
	*h = (struct hyper_rope){ .theta = r->theta > 0.0 ? r->theta : 10000.0, .dims = r->dims, .scaling = r->scaling, .factor = 1.0, .beta_fast = 32.0, .beta_slow = 1.0,
		.attn_factor = 1.0, .mscale = 1.0, .original = r->original ? r->original : m->context_native };
	if (r->factor > 0.0 && (r->scaling == ROPE_SCALING_LINEAR || r->scaling == ROPE_SCALING_YARN))
		h->factor = r->factor;
	h->ext_factor = r->scaling == ROPE_SCALING_YARN;
}

/* log_mul: mscale_all_dim; llama-context.cpp assumes an mscale of 1 beside it, but for DeepSeek V2, where both are the same. */
static void rope_finish(struct hyper_rope *h, double log_mul, int mla)
{
	h->mscale = h->attn_factor;
	if (h->scaling != ROPE_SCALING_YARN)
		return;
	if (log_mul != 0.0)
		h->mscale *= mscale_of(h->factor, mla && log_mul != 1.0 ? log_mul : 1.0) / mscale_of(h->factor, log_mul);
	else
		h->mscale *= mscale_of(h->factor, 1.0);
}

static int rope_check(const struct weights *w, const struct hyper_rope *h, struct error *err)
{
	if (!(h->theta > 1.0) || !(h->factor > 0.0) || !isfinite(h->mscale))
		return error_set(err, E_FILE, "%s: rotation with theta %g, factor %g, scale %g", w->file, h->theta, h->factor, h->mscale);
	if (h->scaling == ROPE_SCALING_YARN && (!h->original || !(h->beta_fast > 0.0) || !(h->beta_slow > 0.0)))
		return error_set(err, E_FILE, "%s: yarn from a context of %u with beta_fast %g, beta_slow %g", w->file, h->original, h->beta_fast, h->beta_slow);
	return OK;
}

/* The file's type and factor hold beside its tables of factors (llama-context.cpp: freq_scale and yarn know nothing of them), whose name the description has. */
static int file_scaling(struct hyper_rope *h, const struct weights *w, const struct gguf *g, int plain, struct error *err)
{
	const char *type = NULL;
	double factor = 0.0;
	char k[192];
	int rc;

	snprintf(k, sizeof k, "%.100s.rope.scaling.type", w->model.architecture);
	READ(gguf_str(&type, g, k, err));
	READ(rc = key(&factor, w, g, "rope.scaling.factor", err));
	if (!rc)
		READ(key(&factor, w, g, "rope.scale_linear", err));
	if (plain || factor == 0.0 || (type && !strcmp(type, "none")))
		factor = 1.0;
	h->factor = factor;
	h->scaling = plain ? ROPE_SCALING_NONE : type && !strcmp(type, "yarn") ? ROPE_SCALING_YARN : factor != 1.0 ? ROPE_SCALING_LINEAR : ROPE_SCALING_NONE;
	h->ext_factor = h->scaling == ROPE_SCALING_YARN;
	return OK;
}

static int rope_of(struct hyper_rope *h, struct weights *w, const struct rope *r, const struct arch_traits *t, const struct gguf *g, double log_mul,
	struct error *err)
{
	int window = r->name && !strcmp(r->name, "window"), plain = window && !(t->flags & HY_WINDOW_SCALED), tables;
	double alpha = 0.0;

	rope_start(h, r, &w->model);
	tables = plain ? ROPE_SCALING_NONE : h->scaling;
	READ(file_scaling(h, w, g, plain, err));
	READ(key(&alpha, w, g, "rope.scaling.alpha", err));
	if (alpha > 0.0 && strcmp(t->name, "hunyuan-dense"))
		return error_set(err, E_ARCH, "%s: architecture %s with rope.scaling.alpha is not run", w->file, t->name);
	if (alpha > 0.0 && h->dims > 2)          /* hunyuan-vl.cpp, which loads hunyuan-dense too */
		h->theta *= pow(alpha, (double)h->dims / (h->dims - 2));
	if (!(plain && t->flags & HY_WINDOW_PLAIN))
		READ(key(&h->attn_factor, w, g, "rope.scaling.attn_factor", err));
	if (t->flags & HY_GROK) {
		h->beta_fast = 8.0;
		READ(key(&h->ext_factor, w, g, "rope.scaling.yarn_ext_factor", err));
		if (h->ext_factor > 0.0)
			h->scaling = ROPE_SCALING_YARN;
	}
	if (t->flags & (HY_YARN_KEYS | HY_GROK)) {
		READ(key(&h->beta_fast, w, g, "rope.scaling.yarn_beta_fast", err));
		READ(key(&h->beta_slow, w, g, "rope.scaling.yarn_beta_slow", err));
	}
	rope_finish(h, log_mul, !strcmp(t->name, "deepseek2"));
	READ(factors_of(&h->factors, w, tables == ROPE_SCALING_LONGROPE ? W_ROPE_SHORT : tables == ROPE_SCALING_LLAMA3 ||
		tables == ROPE_SCALING_PROPORTIONAL ? W_ROPE_FREQS : W_NONE, h->dims, err));
	READ(factors_of(&h->factors_long, w, tables == ROPE_SCALING_LONGROPE ? W_ROPE_LONG : W_NONE, h->dims, err));
	if (tables == ROPE_SCALING_LONGROPE && (!h->factors || !h->factors_long))
		return error_set(err, E_FILE, "%s: tensor %s is missing", w->file, weight_gguf(h->factors ? W_ROPE_LONG : W_ROPE_SHORT));
	return rope_check(w, h, err);
}

/* deepseek2.cpp: scores are scaled by the square of what yarn makes of cos and sin, and of log_mul's share. */
static void mla_scale(struct hyper *h, const struct model_spec *m, double log_mul)
{
	for (unsigned i = 0; i < m->n_parts; i++) {
		const struct mla_spec *a = &m->parts[i].u.mla;
		if (m->parts[i].type != PART_MLA || a->rope >= m->n_rope || h->rope[a->rope].scaling != ROPE_SCALING_YARN)
			continue;
		const struct hyper_rope *r = &h->rope[a->rope];
		double s = r->mscale * (1.0 + 0.1 * log_mul * log(r->factor));
		h->attn_scale = s * s / sqrt((double)a->nope_dim + a->rope_dim);
	}
}

/* One number for all layers or one each; those at 1e-6 and below are none (llama-graph.cpp, build_ffn). */
static int limits_of(const float **out, struct weights *w, const struct gguf *g, const char *name, struct error *err)
{
	uint32_t n = w->model.n_layers;
	char k[192];

	*out = NULL;
	snprintf(k, sizeof k, "%.100s.%s", w->model.architecture, name);
	const struct gguf_value *v = gguf_find(g, k);
	if (!v)
		return OK;
	if (v->type != GGUF_F32 && (v->type != GGUF_ARRAY || v->elem != GGUF_F32 || v->n < n))
		return error_set(err, E_FILE, "%s: %s is no number and no array of one for each of %u layers", w->file, k, n);
	float *limit = arena_array(&w->arena, n ? n : 1, sizeof *limit);
	if (!limit)
		return error_set(err, E_NOMEM, "%s: out of memory", w->file);
	for (uint32_t i = 0; i < n; i++) {
		limit[i] = (float)v->v.f;
		if (v->type == GGUF_ARRAY)
			memcpy(&limit[i], v->v.raw + i * sizeof *limit, sizeof *limit);
		limit[i] = limit[i] > 1e-6f ? limit[i] : 0;
		if (limit[i] > 0)
			*out = limit;
	}
	return OK;
}

static int scales(struct hyper *h, struct weights *w, const struct gguf *g, const struct arch_traits *t, struct error *err)
{
	double scale = h->logit_scale, experts = 0.0, length = 0.0, local = 0.0, beta = 4.0, linear = 25.0;

	READ(key(&h->embed_scale, w, g, "embedding_scale", err));
	READ(key(&h->residual_scale, w, g, "residual_scale", err));
	READ(key(&scale, w, g, "logit_scale", err));
	READ(key(&h->clamp_qkv, w, g, "attention.clamp_kqv", err));
	READ(key(&h->value_scale, w, g, "attention.value_scale", err));
	if (h->value_scale == 0.0)
		h->value_scale = 1.0;
	if (scale == 0.0)
		scale = 1.0;
	h->logit_scale = t->flags & HY_LOGITS_DIVIDED ? 1.0 / scale : scale;
	if (h->embed_scale == 0.0)
		h->embed_scale = 1.0;
	if (h->residual_scale == 0.0)
		h->residual_scale = 1.0;
	READ(key(&h->decay_bound, w, g, "kda.gate_lower_bound", err));
	READ(key(&beta, w, g, "activation.situ_beta", err));
	READ(key(&linear, w, g, "activation.situ_linear_beta", err));
	if (beta != 4.0 || linear != 25.0)
		return error_set(err, E_ARCH, "%s: architecture %s: activation.situ_beta and situ_linear_beta are %g and %g; kernels have 4 and 25", w->file, w->model.architecture, beta, linear);
	READ(key(&local, w, g, "attention.indexer.local_blocks", err));
	h->index_local_blocks = local > 0 && local < 1e6 ? (uint32_t)local : 0;
	READ(limits_of(&h->act_limit, w, g, "swiglu_clamp_exp", err));
	READ(limits_of(&h->act_limit_shared, w, g, "swiglu_clamp_shexp", err));
	READ(key(&experts, w, g, "expert_weights_scale", err));
	h->expert_scale = experts == 0.0 ? 1.0 : experts;
	if (t->flags & HY_GROK)
		READ(key(&h->attn_scale, w, g, "attention.output_scale", err));
	if (t->flags & HY_PARALLEL)
		READ(flag(&h->parallel, w, g, "use_parallel_residual", err));
	if (t->topk == TOPK_KEY)
		READ(flag(&h->norm_topk, w, g, "expert_weights_norm", err));
	if (t->flags & (HY_YARN_KEYS | HY_MLA_YARN)) {
		READ(key(&h->temperature_scale, w, g, "attention.temperature_scale", err));
		READ(key(&length, w, g, "attention.temperature_length", err));
		if (t->flags & HY_YARN_KEYS && w->model.n_rope)
			length = h->rope[0].original;
		h->temperature_all = 1;
		if (h->temperature_scale != 0.0 && !(length >= 1.0 && length <= UINT32_MAX))
			return error_set(err, E_FILE, "%s: attention.temperature_scale is %g, but its length %g", w->file, h->temperature_scale, length);
		h->temperature_floor = (uint32_t)length;
	}
	return OK;
}

/* llama-hparams.h, use_mrope() */
static int sections(const struct weights *w, const struct gguf *g)
{
	const struct gguf_value *v;
	int32_t s[2] = { 0, 0 };
	char k[192];

	snprintf(k, sizeof k, "%.100s.rope.dimension_sections", w->model.architecture);
	v = gguf_find(g, k);
	if (v && v->type == GGUF_ARRAY && (v->elem == GGUF_I32 || v->elem == GGUF_U32) && v->n >= 2)
		memcpy(s, v->v.raw, sizeof s);
	return s[0] > 0 && s[1] > 0;
}

int hyper_from_gguf(struct weights *w, const struct gguf *g, struct error *err)
{
	const struct arch_traits *t = hyper_traits(w->model.architecture);
	struct hyper h = { 0 };
	double log_mul = 0.0;
	int rc;

	if (!t)
		return hyper_refuse(&w->model, err);
	hyper_of_arch(&h, &w->model, t);
	if (t->flags & (HY_MLA_YARN | HY_YARN_KEYS) && strcmp(t->name, "glm-dsa"))       /* whose loader does not read it */
		READ(key(&log_mul, w, g, "rope.scaling.yarn_log_multiplier", err));
	if (t->flags & HY_LLAMA4 && !h.temperature_floor)        /* a window of 0: llama.cpp, which would turn every layer, does not run that either */
		return error_set(err, E_ARCH, "%s: architecture llama4 without chunks of attention is not run", w->file);
	if (t->flags & HY_SECTIONS_HALVES && sections(w, g))
		w->adjacent_rope = 0;
	if (t->flags & HY_MLA_YARN)
		log_mul /= 0.1;                  /* the converter multiplies by 0.1 (deepseek2.cpp) */
	for (unsigned i = 0; i < w->model.n_rope; i++)
		if ((rc = rope_of(&h.rope[i], w, &w->model.rope[i], t, g, log_mul, err)) != OK)
			return rc;
	if (t->flags & HY_MLA_YARN)
		mla_scale(&h, &w->model, log_mul);
	if ((rc = scales(&h, w, g, t, err)) != OK)
		return rc;
	w->hyper = h;
	return OK;
}

/* modeling_rope_utils.py, _compute_llama3_parameters. */
double hyper_llama3_factor(const struct rope *r, double low, double high, uint32_t i)
{
	if (!(r->factor > 0.0) || !r->original || !r->dims)
		return 1.0;
	double wave = 6.283185307179586 * pow(r->theta, 2.0 * i / r->dims), original = r->original;
	if (wave < original / high)
		return 1.0;
	if (wave > original / low || high == low)
		return r->factor;
	double smooth = (original / wave - low) / (high - low);
	return 1.0 / ((1.0 - smooth) / r->factor + smooth);
}

/* llama3 with its usual low and high factors of 1 and 4. Gemma 4: a quarter of the pairs rotates, the others stand still (llama.cpp conversion of Gemma 4: 1e30). */
double hyper_rope_factor(const struct rope *r, uint32_t i)
{
	if (r->scaling == ROPE_SCALING_PROPORTIONAL)
		return i < r->dims / 8 ? 1.0 : 1e30;
	return r->scaling == ROPE_SCALING_LLAMA3 ? hyper_llama3_factor(r, 1.0, 4.0, i) : 1.0;
}

int hyper_from_spec(struct hyper *out, struct arena *a, const struct model_spec *m, struct error *err)
{
	const struct arch_traits *t = hyper_traits(m->architecture);
	struct hyper h = { 0 };

	hyper_of_arch(&h, m, t);
	for (unsigned i = 0; i < m->n_parts; i++)
		if (t && t->topk == TOPK_KEY && m->parts[i].type == PART_MOE)
			h.norm_topk = 1;
	if (t && t->flags & HY_LOGITS_DIVIDED)
		h.logit_scale = 1.0 / h.logit_scale;
	if (m->embed_scale)
		h.embed_scale = m->embed_factor > 0.0 ? m->embed_factor : sqrt(m->width);
	for (unsigned i = 0; i < m->n_rope; i++) {
		const struct rope *r = &m->rope[i];
		struct hyper_rope *to = &h.rope[i];
		float *f = NULL;

		rope_start(to, r, m);
		if (r->scaling == ROPE_SCALING_LONGROPE && r->original && m->context_max > r->original)
			to->attn_factor = sqrt(1.0 + log((double)m->context_max / r->original) / log(r->original));
		rope_finish(to, t && t->flags & HY_MLA_YARN ? 1.0 : 0.0, t && t->flags & HY_MLA_YARN);
		if (r->scaling == ROPE_SCALING_LLAMA3 || r->scaling == ROPE_SCALING_PROPORTIONAL || r->scaling == ROPE_SCALING_LONGROPE) {
			if (!(f = arena_array(a, r->dims / 2 + 1, sizeof *f)))
				return error_set(err, E_NOMEM, "out of memory");
			for (uint32_t k = 0; k < r->dims / 2; k++)
				f[k] = (float)hyper_rope_factor(r, k);
		}
		to->factors = f;
		to->factors_long = r->scaling == ROPE_SCALING_LONGROPE ? f : NULL;
	}
	if (t && t->flags & HY_MLA_YARN)
		mla_scale(&h, m, 1.0);
	*out = h;
	return OK;
}
