/* gguf_keys.c - a description's metadata as llama.cpp's loaders read them
 *
 * llama.cpp 0c1e57098 src/llama-arch.cpp (names), src/llama-model.cpp load_hparams() and src/models/NAME.cpp load_arch_hparams() (which). */
#include "engine/gguf_write.h"

#include "engine/hyper_arch.h"

#include <stdlib.h>
#include <string.h>

/* One number a layer. */
struct by_layer { uint32_t heads[MAX_LAYERS], kv[MAX_LAYERS], ff[MAX_LAYERS], used[MAX_LAYERS], window[MAX_LAYERS], recurrent[MAX_LAYERS]; };
struct first { const struct gqa_spec *full, *window; const struct mla_spec *mla; const struct delta_spec *delta; const struct mamba2_spec *mamba;
	const struct conv_spec *conv; const struct mlp_spec *mlp; const struct moe_spec *moe; };

static int arch_in(const struct gguf_writer *g, const char *list) { return gguf_arch_in(g->prefix, list); }

static void look(struct by_layer *by, struct first *f, const struct part *p, uint32_t l)
{
	switch ((enum part_type)p->type) {
	case PART_GQA:
		by->heads[l] = p->u.gqa.q_heads;
		by->kv[l] = p->u.gqa.kv_heads;
		by->window[l] = p->u.gqa.span != SPAN_FULL;
		if (by->window[l] && !f->window)
			f->window = &p->u.gqa;
		else if (!by->window[l] && !f->full)
			f->full = &p->u.gqa;
		break;
	case PART_MLA:
		by->heads[l] = p->u.mla.q_heads;
		by->kv[l] = 1;
		f->mla = &p->u.mla;
		break;
	case PART_DELTA:
		by->recurrent[l] = 1;
		if (p->u.delta.per_channel_decay)
			by->heads[l] = p->u.delta.v_heads;
		f->delta = &p->u.delta;
		break;
	case PART_MAMBA2:
		by->recurrent[l] = 1;
		f->mamba = &p->u.mamba2;
		break;
	case PART_CONV:
		by->recurrent[l] = 1;
		f->conv = &p->u.conv;
		break;
	case PART_MLP:
		by->ff[l] = p->u.mlp.width;
		f->mlp = &p->u.mlp;
		break;
	case PART_MOE:
		by->used[l] = p->u.moe.per_token;
		f->moe = &p->u.moe;
		break;
	case PART_CSA: case PART_TYPES: break;
	}
}

/* Where a layer has none, what the layers that have one say: most loaders want one number, and nobody reads that layer's. */
static void filled(struct gguf_writer *g, const char *key, const uint32_t *v, uint32_t n, uint32_t *scratch)
{
	uint32_t one = 0;

	for (uint32_t i = 0; i < n; i++)
		one = v[i] ? v[i] : one;
	for (uint32_t i = 0; i < n; i++)
		scratch[i] = v[i] ? v[i] : one;
	if (one)
		gguf_write_layers(g, key, scratch, n, 0);
}

static void attention(struct gguf_writer *g, const struct model_spec *m, const struct first *f)
{
	const struct gqa_spec *a = f->full ? f->full : f->window;

	if (f->mla) {
		gguf_write_u32(g, ".attention.key_length", f->mla->kv_rank + f->mla->rope_dim);
		gguf_write_u32(g, ".attention.value_length", f->mla->kv_rank);
		gguf_write_u32(g, ".attention.key_length_mla", f->mla->nope_dim + f->mla->rope_dim);
		gguf_write_u32(g, ".attention.value_length_mla", f->mla->v_dim);
		gguf_write_u32(g, ".attention.kv_lora_rank", f->mla->kv_rank);
		if (f->mla->q_rank)
			gguf_write_u32(g, ".attention.q_lora_rank", f->mla->q_rank);
	} else if (a) {
		gguf_write_u32(g, ".attention.key_length", a->k_dim);
		gguf_write_u32(g, ".attention.value_length", a->v_dim);
	}
	if (f->window && (f->window->k_dim != a->k_dim || arch_in(g, "gemma4"))) {
		gguf_write_u32(g, ".attention.key_length_swa", f->window->k_dim);
		gguf_write_u32(g, ".attention.value_length_swa", f->window->v_dim);
	}
	if (a && a->softcap > 0.0f)
		gguf_write_f32(g, ".attn_logit_softcapping", (double)a->softcap);
	else if (a && arch_in(g, "gemma2"))      /* absent, it is 50 */
		gguf_write_f32(g, ".attn_logit_softcapping", 0.0);
	if (a && a->scale > 0.0f)
		gguf_write_f32(g, ".attention.scale", (double)a->scale);
	if (m->final_softcap > 0.0f || arch_in(g, "gemma2"))
		gguf_write_f32(g, ".final_logit_softcapping", (double)m->final_softcap);
}

static void rotation(struct gguf_writer *g, const struct model_spec *m, const struct hyper *h, const struct first *f)
{
	static const char *const words[] = { "none", "linear", "yarn", "none", "longrope", "none" };
	uint8_t full = f->full ? f->full->rope : f->mla ? f->mla->rope : NO_ROPE, window = f->window ? f->window->rope : NO_ROPE;
	const struct rope *r;

	if (full == NO_ROPE && f->full)          /* the first full layer may have none, others may (llama4) */
		for (unsigned i = 0; i < m->n_parts; i++)
			if (m->parts[i].type == PART_GQA && m->parts[i].u.gqa.span == SPAN_FULL && m->parts[i].u.gqa.rope != NO_ROPE)
				full = m->parts[i].u.gqa.rope;
	if (full >= m->n_rope)
		full = window;
	if (full >= m->n_rope) {
		if (f->mla)
			gguf_write_u32(g, ".rope.dimension_count", f->mla->rope_dim);
		if (arch_in(g, "granitehybrid"))
			gguf_write_bool(g, ".rope.scaling.finetuned", 0);
		return;
	}
	r = &m->rope[full];
	gguf_write_u32(g, ".rope.dimension_count", r->dims);
	if (r->theta > 0.0)
		gguf_write_f32(g, ".rope.freq_base", r->theta);
	if (window < m->n_rope && window != full) {
		gguf_write_f32(g, ".rope.freq_base_swa", m->rope[window].theta);
		if (m->rope[window].dims != r->dims || arch_in(g, "gemma4"))
			gguf_write_u32(g, ".rope.dimension_count_swa", m->rope[window].dims);
	}
	if (arch_in(g, "qwen35 qwen35moe qwen3vl qwen3vlmoe qwen2vl")) {
		const uint32_t sections[4] = { r->dims / 2 - 2 * (r->dims / 6), r->dims / 6, r->dims / 6, 0 };
		gguf_write_layers(g, ".rope.dimension_sections", sections, 4, 1);
	}
	if (r->scaling == ROPE_SCALING_NONE)
		return;
	if (r->scaling == ROPE_SCALING_LINEAR || r->scaling == ROPE_SCALING_YARN) {
		gguf_write_str(g, ".rope.scaling.type", words[r->scaling]);
		gguf_write_f32(g, ".rope.scaling.factor", r->factor);
	}
	if (r->original)
		gguf_write_u32(g, ".rope.scaling.original_context_length", r->original);
	if (h->rope[full].attn_factor != 1.0)
		gguf_write_f32(g, ".rope.scaling.attn_factor", h->rope[full].attn_factor);
	if (r->scaling == ROPE_SCALING_YARN && f->mla)   /* 0.1 mscale_all_dim, as the converter writes it */
		gguf_write_f32(g, ".rope.scaling.yarn_log_multiplier", 0.1);
}

static void states(struct gguf_writer *g, const struct first *f)
{
	const struct delta_spec *d = f->delta;
	const struct mamba2_spec *s = f->mamba;

	if (d && d->per_channel_decay) {
		gguf_write_u32(g, ".kda.head_dim", d->k_dim);
		gguf_write_u32(g, ".ssm.conv_kernel", d->conv_kernel);
	} else if (d || s) {
		gguf_write_u32(g, ".ssm.conv_kernel", d ? d->conv_kernel : s->conv_kernel);
		gguf_write_u32(g, ".ssm.inner_size", d ? (uint64_t)d->v_heads * d->v_dim : (uint64_t)s->heads * s->head_dim);
		gguf_write_u32(g, ".ssm.state_size", d ? d->k_dim : s->state);
		gguf_write_u32(g, ".ssm.time_step_rank", d ? d->v_heads : s->heads);
		gguf_write_u32(g, ".ssm.group_count", d ? d->k_heads : s->groups);
	}
	if (f->conv)
		gguf_write_u32(g, ".shortconv.l_cache", f->conv->kernel);
}

static void experts(struct gguf_writer *g, const struct model_spec *m, const struct moe_spec *e, const struct hyper *h, const struct by_layer *by, uint32_t *scratch)
{
	static const uint32_t func[] = { 1, 2, 4, 3 };   /* llama_expert_gating_func_type of enum score */
	uint32_t lead = 0, step = 0;

	gguf_write_u32(g, ".expert_count", e->experts);
	filled(g, ".expert_used_count", by->used, m->n_layers, scratch);
	gguf_write_u32(g, ".expert_feed_forward_length", e->width);
	gguf_write_u32(g, ".expert_gating_func", func[e->score]);
	if (e->shared_width) {
		gguf_write_u32(g, ".expert_shared_count", e->shared ? e->shared : 1);
		gguf_write_u32(g, ".expert_shared_feed_forward_length", e->shared_width);
	}
	if (e->groups) {
		gguf_write_u32(g, ".expert_group_count", e->groups);
		gguf_write_u32(g, ".expert_group_used_count", e->top_groups);
	}
	if (e->latent)
		gguf_write_u32(g, ".moe_latent_size", e->latent);
	if (h->expert_scale != 1.0)
		gguf_write_f32(g, ".expert_weights_scale", h->expert_scale);
	gguf_write_bool(g, ".expert_weights_norm", h->norm_topk);
	while (lead < m->n_layers && !by->used[lead])
		lead++;
	for (uint32_t l = lead + 1; l < m->n_layers && !step; l++)
		step = by->used[l] ? l - lead : 0;
	if (arch_in(g, "llama4 ernie4_5-moe"))
		gguf_write_u32(g, ".interleave_moe_layer_step", step ? step : 1);
	if (lead && !arch_in(g, "llama4"))
		gguf_write_u32(g, ".leading_dense_block_count", lead);
}

static void scales(struct gguf_writer *g, const struct model_spec *m, const struct hyper *h)
{
	const struct arch_traits *t = hyper_traits(m->architecture);

	if (t && t->flags & HY_LOGITS_DIVIDED)
		gguf_write_f32(g, ".logit_scale", 1.0 / h->logit_scale);
	else if (h->logit_scale != 1.0 || arch_in(g, "cohere2 command-r"))
		gguf_write_f32(g, ".logit_scale", h->logit_scale);
	if (h->residual_scale != 1.0)
		gguf_write_f32(g, ".residual_scale", h->residual_scale);
	if (h->embed_scale != 1.0 && !(t && t->flags & HY_EMBED_SQRT))
		gguf_write_f32(g, ".embedding_scale", h->embed_scale);
}

static void layers(struct gguf_writer *g, const struct model_spec *m, const struct hyper *h, struct by_layer *by, uint32_t *scratch)
{
	struct first f = { 0 };
	uint32_t n = m->n_layers, any_window = 0, shared = 0, any_ff = 0;

	for (uint32_t l = 0; l < n; l++) {
		const struct layer_kind *k = &m->kinds[m->kind_of[l]];
		for (unsigned b = 0; b < k->n_branches; b++)
			for (unsigned i = 0; i < k->branch[b].n_parts; i++) {
				const struct part *p = &m->parts[k->branch[b].part[i]];
				look(by, &f, p, l);
				shared += p->type == PART_GQA && p->u.gqa.own == REUSE_LAST;
			}
		any_window |= by->window[l];
		any_ff |= by->ff[l];
	}
	/* what a layer is, these loaders read off its KV heads and its feed-forward */
	int by_heads = arch_in(g, "nemotron_h nemotron_h_moe granitehybrid lfm2 lfm2moe kimi-linear");
	filled(g, ".attention.head_count", by->heads, n, scratch);
	if (by_heads)
		gguf_write_layers(g, ".attention.head_count_kv", by->kv, n, 0);
	else
		filled(g, ".attention.head_count_kv", by->kv, n, scratch);
	if (arch_in(g, "nemotron_h nemotron_h_moe")) {
		for (uint32_t l = 0; l < n; l++)
			scratch[l] = by->ff[l] ? by->ff[l] : by->used[l] ? f.moe->width * by->used[l] : 0;
		gguf_write_layers(g, ".feed_forward_length", scratch, n, 0);
	} else if (any_ff) {
		filled(g, ".feed_forward_length", by->ff, n, scratch);
	} else if (f.moe) {
		gguf_write_u32(g, ".feed_forward_length", f.moe->width);
	}
	attention(g, m, &f);
	rotation(g, m, h, &f);
	states(g, &f);
	if (f.moe)
		experts(g, m, f.moe, h, by, scratch);
	if (any_window && f.window->span == SPAN_WINDOW) {
		gguf_write_u32(g, ".attention.sliding_window", f.window->span_tokens);
		gguf_write_layers(g, ".attention.sliding_window_pattern", by->window, n, 1);
	} else if (arch_in(g, "llama4")) {
		if (!any_window)
			gguf_write_u32(g, ".attention.sliding_window", 0);
	} else if (arch_in(g, "gemma3 gemma2 gpt-oss cohere2")) {
		/* wanted, and none: as wide as the context */
		gguf_write_u32(g, ".attention.sliding_window", 0);
	}
	if (f.delta && !f.delta->per_channel_decay)
		gguf_write_layers(g, ".attention.recurrent_layers", by->recurrent, n, 1);
	if (shared)
		gguf_write_u32(g, ".attention.shared_kv_layers", shared);
}

int gguf_write_spec(struct gguf_writer *g, const struct model_spec *m, const struct hyper *h, struct error *err)
{
	struct by_layer *by = calloc(1, sizeof *by);
	uint32_t *scratch = calloc(MAX_LAYERS, sizeof *scratch);
	const struct arch_traits *t = hyper_traits(m->architecture);
	int rc = OK;

	g->prefix = m->architecture;
	if (!by || !scratch)
		rc = error_set(err, E_NOMEM, "out of memory");
	else if (!t || t->state < ARCH_UNPROVED || t->flags & HY_NOT_SAVED)
		rc = error_set(err, E_ARCH, "%s: the metadata of a GGUF file of the architecture %.40s are not known here", m->id ? m->id : "model", m->architecture);
	if (rc == OK) {
		gguf_write_str(g, "general.architecture", m->architecture);
		gguf_write_str(g, "general.type", "model");
		gguf_write_str(g, "general.name", m->name ? m->name : m->id ? m->id : "dummy");
		gguf_write_u32(g, ".block_count", m->n_layers);
		gguf_write_u32(g, ".context_length", m->context_native ? m->context_native : 4096);
		gguf_write_u32(g, ".embedding_length", m->width);
		gguf_write_u32(g, ".vocab_size", m->vocab);
		if (m->per_layer_embed || arch_in(g, "gemma4"))
			gguf_write_u32(g, ".embedding_length_per_layer_input", m->per_layer_embed);
		gguf_write_f32(g, m->norm_type == NORM_RMS ? ".attention.layer_norm_rms_epsilon" : ".attention.layer_norm_epsilon", (double)m->norm_eps);
		if (arch_in(g, "nemotron_h nemotron_h_moe") && m->norm_type == NORM_RMS)
			gguf_write_f32(g, ".attention.layer_norm_epsilon", (double)m->norm_eps);
		layers(g, m, h, by, scratch);
		scales(g, m, h);
		gguf_write_str(g, "tokenizer.ggml.model", "none");       /* placeholder tokens, as many as vocab_size says */
	}
	free(by);
	free(scratch);
	return rc;
}
