/* gguf_of_spec.h - a model description -> the GGUF header that llama.cpp's converter would write: keys and tensor shapes as in
 * llama.cpp 0c1e57098 conversion/ and src/models/. For tests of the importer, which must find the description again. */
#ifndef GGUF_OF_SPEC_H
#define GGUF_OF_SPEC_H

#include "gguf_of_parts.h"

/* The part of a block that matters for a key; NULL when it has none. */
static const struct part *part_of(const struct model_spec *s, unsigned layer, unsigned type)
{
	const struct layer_kind *k = &s->kinds[layer < s->n_layers ? s->kind_of[layer] : s->mtp.kind];

	for (unsigned b = 0; b < k->n_branches; b++)
		for (unsigned i = 0; i < k->branch[b].n_parts; i++)
			if (s->parts[k->branch[b].part[i]].type == type)
				return &s->parts[k->branch[b].part[i]];
	return NULL;
}

static void w_index_keys(struct spec_writer *w, const struct index_spec *x)
{
	wk(w, "attention.indexer.head_count", x->q_heads);
	wk(w, "attention.indexer.key_length", x->dim);
	wk(w, "attention.indexer.top_k", x->top_tokens ? x->top_tokens : x->top_blocks);
	if (x->block_tokens)
		wk(w, "attention.indexer.block_size", x->block_tokens);
}

/* Keys of one type of part, the first time it is seen. */
static void w_part_keys(struct spec_writer *w, const struct part *p, unsigned *seen)
{
	unsigned bit = 1u << (p->type == PART_GQA ? 16 + (p->u.gqa.span != SPAN_FULL) : p->type);
	const struct index_spec *x = p->type == PART_MLA ? &p->u.mla.index : p->type == PART_CSA ? &p->u.csa.index :
		p->type == PART_GQA ? &p->u.gqa.index : NULL;

	if (x && x->q_heads && !(*seen & 1u << 30)) {
		*seen |= 1u << 30;
		w_index_keys(w, x);
	}
	if (*seen & bit)
		return;
	*seen |= bit;
	if (p->type == PART_GQA) {
		const struct gqa_spec *g = &p->u.gqa;
		if (g->span == SPAN_FULL || is_arch(w, "gpt-oss gemma2 gemma3 cohere2 olmo2 llama4")) {
			if (!(*seen & 1u << 29)) {
				wk(w, "attention.key_length", g->k_dim);
				wk(w, "attention.value_length", g->v_dim);
				*seen |= 1u << 29;
			}
		} else {
			wk(w, "attention.key_length_swa", g->k_dim);
			wk(w, "attention.value_length_swa", g->v_dim);
		}
		if (g->span == SPAN_WINDOW)
			wk(w, "attention.sliding_window", g->span_tokens);
	} else if (p->type == PART_MLA) {
		const struct mla_spec *a = &p->u.mla;
		wk(w, "attention.key_length", a->kv_rank + a->rope_dim);
		wk(w, "attention.value_length", a->kv_rank);
		wk(w, "attention.key_length_mla", a->nope_dim + a->rope_dim);
		wk(w, "attention.value_length_mla", a->v_dim);
		wk(w, "attention.kv_lora_rank", a->kv_rank);
		if (a->q_rank)
			wk(w, "attention.q_lora_rank", a->q_rank);
		wk(w, "rope.dimension_count", a->rope_dim);
	} else if (p->type == PART_CSA) {
		const struct csa_spec *c = &p->u.csa;
		wk(w, "attention.key_length", c->row_dim);
		wk(w, "attention.value_length", c->row_dim);
		wk(w, "attention.q_lora_rank", c->q_rank);
		wk(w, "attention.output_lora_rank", c->o_rank);
		wk(w, "attention.output_group_count", c->o_groups);
		wk(w, "attention.sliding_window", c->window);
		wk(w, "rope.dimension_count", c->rope_dim);
	} else if (p->type == PART_DELTA && !p->u.delta.per_channel_decay) {
		wk(w, "ssm.group_count", p->u.delta.k_heads);
		wk(w, "ssm.time_step_rank", p->u.delta.v_heads);
		wk(w, "ssm.state_size", p->u.delta.k_dim);
		wk(w, "ssm.inner_size", p->u.delta.v_heads * p->u.delta.v_dim);
		wk(w, "ssm.conv_kernel", p->u.delta.conv_kernel);
	} else if (p->type == PART_DELTA) {
		wk(w, "kda.head_dim", p->u.delta.k_dim);
		wk(w, "ssm.conv_kernel", p->u.delta.conv_kernel);
	} else if (p->type == PART_MAMBA2) {
		wk(w, "ssm.group_count", p->u.mamba2.groups);
		wk(w, "ssm.time_step_rank", p->u.mamba2.heads);
		wk(w, "ssm.state_size", p->u.mamba2.state);
		wk(w, "ssm.inner_size", p->u.mamba2.heads * p->u.mamba2.head_dim);
		wk(w, "ssm.conv_kernel", p->u.mamba2.conv_kernel);
	} else if (p->type == PART_CONV) {
		wk(w, "shortconv.l_cache", p->u.conv.kernel);
	} else if (p->type == PART_MOE) {
		static const uint32_t func[] = { 1, 2, 4, 3 };
		wk(w, "expert_count", p->u.moe.experts);
		wk(w, "expert_gating_func", func[p->u.moe.score]);
		wk(w, "expert_shared_count", p->u.moe.shared);
		if (p->u.moe.groups) {
			wk(w, "expert_group_count", p->u.moe.groups);
			wk(w, "expert_group_used_count", p->u.moe.top_groups);
		}
	}
}

static void w_keys(struct spec_writer *w, unsigned blocks)
{
	const struct model_spec *s = w->s;
	/* heads of 0 do not exist for the converter: a layer without attention has no KV heads, or a number that nobody reads */
	uint32_t heads[MAX_LAYERS] = { 0 }, kv[MAX_LAYERS] = { 0 }, window[MAX_LAYERS] = { 0 }, used[MAX_LAYERS] = { 0 },
		ratio[MAX_LAYERS] = { 0 };
	unsigned seen = 0, shared = 0, any_window = 0, any_used = 0, any_ratio = 0;

	for (unsigned l = 0; l < blocks; l++) {
		const struct part *g = part_of(s, l, PART_GQA), *a = part_of(s, l, PART_MLA), *d = part_of(s, l, PART_DELTA),
			*e = part_of(s, l, PART_MOE),
			*c = part_of(s, l, PART_CSA);
		const struct layer_kind *k = &s->kinds[l < s->n_layers ? s->kind_of[l] : s->mtp.kind];

		heads[l] = g ? g->u.gqa.q_heads : a ? a->u.mla.q_heads : c ? c->u.csa.q_heads : d && d->u.delta.per_channel_decay ?
			d->u.delta.v_heads : 0;
		kv[l] = g ? g->u.gqa.kv_heads : a || c ? 1 : 0;
		window[l] = g && g->u.gqa.span != SPAN_FULL;
		any_window |= window[l];
		shared += g && g->u.gqa.own == REUSE_LAST;
		any_used |= used[l] = e ? e->u.moe.per_token : 0;
		any_ratio |= c != NULL;
		ratio[l] = c ? c->u.csa.ratio : 0;
		for (unsigned b = 0; b < k->n_branches; b++)
			for (unsigned i = 0; i < k->branch[b].n_parts; i++)
				w_part_keys(w, &s->parts[k->branch[b].part[i]], &seen);
	}
	wk_array(w, "attention.head_count", heads, blocks, !is_arch(w, "deci"));
	wk_array(w, "attention.head_count_kv", kv, blocks, !is_arch(w,
		"deci nemotron_h nemotron_h_moe granitehybrid lfm2 lfm2moe kimi-linear kimi-k3"));
	if (any_used)
		wk_array(w, "expert_used_count", used, blocks, 1);
	if (any_window)
		wk_array(w, "attention.sliding_window_pattern", window, blocks, 0);
	else if (is_arch(w, "llama4"))
		wk(w, "attention.sliding_window", 0);
	if (any_ratio)
		wk_array(w, "attention.compress_ratios", ratio, blocks, 0);
	if (shared)
		wk(w, "attention.shared_kv_layers", shared);
}

/* Text and MTP blocks; encoders are files of their own. */
static void gguf_of_spec(struct make *m, const struct model_spec *s)
{
	struct spec_writer w = { m, s, s->architecture, UINT32_MAX };
	unsigned mtp = s->mtp.layers, blocks;
	char key[128];

	if (s->n_layers + mtp > MAX_LAYERS)
		mtp = 0;
	blocks = s->n_layers + mtp;
	kv_str(m, "general.architecture", s->architecture);
	kv_str(m, "general.type", "model");
	kv_str(m, "general.name", s->name ? s->name : "?");
	wk(&w, "block_count", blocks);
	wk(&w, "embedding_length", s->width);
	wk(&w, "context_length", s->context_native);
	if (mtp)
		wk(&w, "nextn_predict_layers", mtp);
	snprintf(key, sizeof key, "%s.attention.layer_norm%s_epsilon", s->architecture, s->norm_type == NORM_RMS ? "_rms" : "");
	kv_f32(m, key, s->norm_eps);
	if (s->residual_streams > 1)
		wk(&w, "hyper_connection.count", s->residual_streams);
	if (s->residual_block)
		wk(&w, "attn_res.block_size", s->residual_block);
	w_keys(&w, blocks);
	wt(&w, "token_embd", s->width, s->vocab, 0);
	if (!s->tied_head)
		wt(&w, "output", s->width, s->vocab, 0);
	if (s->head_bias)
		wt(&w, "output.bias!", s->vocab, 0, 0);
	if (s->embed_norm)
		w_norm(&w, "token_embd_norm");
	if (!s->no_final_norm)
		w_norm(&w, is_arch(&w, "lfm2 lfm2moe") ? "token_embd_norm" : "output_norm");
	if (s->learned_positions)
		wt(&w, "position_embd", s->width, s->context_native, 0);
	if (s->per_layer_embed) {
		wk(&w, "embedding_length_per_layer_input", s->per_layer_embed);
		wt(&w, "per_layer_token_embd", (uint64_t)s->per_layer_embed * s->n_layers, s->per_layer_vocab ? s->per_layer_vocab :
			s->vocab, 0);
		wt(&w, "per_layer_model_proj", s->width, (uint64_t)s->per_layer_embed * s->n_layers, 0);
		wt(&w, "per_layer_proj_norm", s->per_layer_embed, 0, 0);
	}
	if (s->residual_streams > 1) {
		wt(&w, "output_hc_fn", (uint64_t)s->residual_streams * s->width, s->residual_streams, 0);
		wt(&w, "output_hc_base", s->residual_streams, 0, 0);
		wt(&w, "output_hc_scale", 1, 0, 0);
	}
	if (s->residual_block)
		wt(&w, "output_res_score", s->width, 0, 0);
	for (w.layer = 0; w.layer < blocks; w.layer++) {
		w_layer(&w, &s->kinds[w.layer < s->n_layers ? s->kind_of[w.layer] : s->mtp.kind]);
		if (w.layer < s->n_layers)
			continue;
		if (!s->mtp.no_proj)
			wt(&w, "nextn.eh_proj", 2 * (uint64_t)s->width, s->width, 0);
		static const char *const norms[] = { "nextn.enorm", "nextn.hnorm", "nextn.shared_head_norm", "layer_output_norm" };
		for (unsigned i = 0; i < s->mtp.norms && i < 4; i++)
			wt(&w, norms[i], s->width, 0, 0);
		if (s->mtp.own_embed)
			wt(&w, "nextn.embed_tokens", s->width, s->vocab, 0);
		if (s->mtp.own_head)
			wt(&w, "nextn.shared_head_head", s->width, s->vocab, 0);
	}
}

#endif
