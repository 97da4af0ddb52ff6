/* gguf_of_parts.h - the tensors of each part and layer under the names of llama.cpp 0c1e57098, src/models/. For gguf_of_spec.h. */
#ifndef GGUF_OF_PARTS_H
#define GGUF_OF_PARTS_H

#include "catalog/model_spec.h"
#include "gguf_make.h"

struct spec_writer { struct make *m; const struct model_spec *s; const char *arch; unsigned layer; };

static void wk(struct spec_writer *w, const char *key, uint32_t v)
{
	char k[128];

	snprintf(k, sizeof k, "%s.%s", w->arch, key);
	kv_u32(w->m, k, v);
}
/* A number for all layers, or one for each. fill: layers that have none (0) get the number of the others. */
static void wk_array(struct spec_writer *w, const char *key, const uint32_t *v, unsigned n, int fill)
{
	char k[128];
	uint32_t one = 0;
	unsigned same = 1;

	for (unsigned i = 0; i < n; i++)
		one = v[i] ? v[i] : one;
	for (unsigned i = 0; i < n; i++)
		same &= v[i] == one || (fill && !v[i]);
	if (same && fill) {
		wk(w, key, one);
		return;
	}
	snprintf(k, sizeof k, "%s.%s", w->arch, key);
	kv_u32s(w->m, k, v, n);
}
/* "STEM.weight" of the layer, or of the model when layer is UINT32_MAX. A stem that ends in '!' is a whole name. */
static void wt(struct spec_writer *w, const char *stem, uint64_t ne0, uint64_t ne1, uint64_t ne2)
{
	char name[96];
	size_t n = strlen(stem);
	int whole = stem[n - 1] == '!';

	if (w->layer == UINT32_MAX)
		snprintf(name, sizeof name, "%.*s%s", (int)(n - whole), stem, whole ? "" : ".weight");
	else
		snprintf(name, sizeof name, "blk.%u.%.*s%s", w->layer, (int)(n - whole), stem, whole ? "" : ".weight");
	/* vectors, routers and whatever is not multiplied stay f32 */
	static const char *const f32[] = { "ssm_conv", "ssm_a", "ssm_d", "hc_", "output_hc", "shortconv.conv", "ffn_gate_inp",
		"attn_compressor_ape", "indexer_compressor_ape" };
	int wide = !ne1;
	for (unsigned i = 0; i < sizeof f32 / sizeof *f32; i++)
		wide |= !strncmp(stem, f32[i], strlen(f32[i]));
	if (wide) {
		uint64_t ne[3] = { ne0, ne1, ne2 }, bytes = 4 * ne0 * (ne1 ? ne1 : 1) * (ne2 ? ne2 : 1);
		tensor_raw(w->m, name, ne2 ? 3 : ne1 ? 2 : 1, ne, 0, w->m->data);
		w->m->data += (bytes + 31) / 32 * 32;
	} else {
		tensor(w->m, name, ne0, ne1, ne2);
	}
}
static int is_arch(const struct spec_writer *w, const char *list)
{
	const char *p = strstr(list, w->arch);
	size_t n = strlen(w->arch);

	for (; p; p = strstr(p + 1, w->arch))
		if ((p == list || p[-1] == ' ') && (!p[n] || p[n] == ' '))
			return 1;
	return 0;
}
static void w_norm(struct spec_writer *w, const char *stem)
{
	char bias[64];

	wt(w, stem, w->s->width, 0, 0);
	if (stem[strlen(stem) - 1] == '!')
		return;
	snprintf(bias, sizeof bias, "%s.bias!", stem);
	if (w->s->norm_type == NORM_LAYER_BIAS)
		wt(w, bias, w->s->width, 0, 0);
}

static void w_index(struct spec_writer *w, const struct index_spec *x)
{
	uint64_t width = w->s->width;

	if (!x->q_heads || x->own == REUSE_LAST)
		return;
	if (x->q_rank) {
		wt(w, "indexer.attn_q_b", x->q_rank, (uint64_t)x->q_heads * x->dim, 0);
		wt(w, "indexer.attn_k", width, x->dim, 0);
	} else {
		wt(w, "indexer.q_proj", width, (uint64_t)x->q_heads * x->dim, 0);
		wt(w, "indexer.k_proj", width, x->dim, 0);
	}
	if (x->k_norm)
		wt(w, "indexer.k_norm", x->dim, 0, 0);
	if (x->k_norm == 2)
		wt(w, "indexer.k_norm.bias!", x->dim, 0, 0);
	if (x->q_norm)
		wt(w, "indexer.q_norm", x->dim, 0, 0);
	if (x->head_weights)
		wt(w, "indexer.proj", width, x->q_heads, 0);
}

static void w_gqa(struct spec_writer *w, const struct gqa_spec *g)
{
	int own_gate = g->gate == GATE_HEAD || is_arch(w, "afmoe laguna");
	uint64_t width = w->s->width, q = (uint64_t)g->q_heads * g->k_dim, k = (uint64_t)g->kv_heads * g->k_dim,
		v = (uint64_t)g->kv_heads * g->v_dim;
	uint64_t wide = g->gate == GATE_ELEMENT && !own_gate ? 2 * q : q;

	if (is_arch(w, "phi2 phi3 dbrx falcon bailingmoe2") && !g->no_kv_weights) {
		wt(w, "attn_qkv", width, wide + k + v, 0);
		if (g->q_bias)
			wt(w, "attn_qkv.bias!", wide + k + v, 0, 0);
	} else {
		wt(w, "attn_q", width, wide, 0);
		if (!g->no_kv_weights)
			wt(w, "attn_k", width, k, 0);
		if (!g->no_kv_weights && !g->v_is_k)
			wt(w, "attn_v", width, v, 0);
		if (g->q_bias)
			wt(w, "attn_q.bias!", wide, 0, 0);
		if (g->k_bias)
			wt(w, "attn_k.bias!", k, 0, 0);
		if (g->v_bias)
			wt(w, "attn_v.bias!", v, 0, 0);
	}
	if (g->qk_norm) {
		int full = g->qk_norm == QK_NORM_FULL, twice = is_arch(w, "command-r");
		wt(w, "attn_q_norm", full && !twice ? q : g->k_dim, twice ? g->q_heads : 0, 0);
		if (!g->no_kv_weights)
			wt(w, "attn_k_norm", full && !twice ? k : g->k_dim, twice ? g->kv_heads : 0, 0);
	}
	if (own_gate && g->gate)
		wt(w, "attn_gate", width, g->gate == GATE_HEAD ? g->q_heads : (uint64_t)g->q_heads * g->v_dim, 0);
	if (g->sinks)
		wt(w, "attn_sinks", g->q_heads, 0, 0);
	wt(w, "attn_output", (uint64_t)g->q_heads * g->v_dim, width, 0);
	if (g->o_bias)
		wt(w, "attn_output.bias!", width, 0, 0);
	w_index(w, &g->index);
}

static void w_mla(struct spec_writer *w, const struct mla_spec *a)
{
	uint64_t width = w->s->width, qk = (uint64_t)a->q_heads * (a->nope_dim + a->rope_dim);

	if (a->q_rank) {
		wt(w, "attn_q_a", width, a->q_rank, 0);
		wt(w, "attn_q_a_norm", a->q_rank, 0, 0);
		wt(w, "attn_q_b", a->q_rank, qk, 0);
	} else {
		wt(w, "attn_q", width, qk, 0);
	}
	wt(w, "attn_kv_a_mqa", width, (uint64_t)a->kv_rank + a->rope_dim, 0);
	wt(w, "attn_kv_a_norm", a->kv_rank, 0, 0);
	wt(w, "attn_k_b", a->nope_dim, a->kv_rank, a->q_heads);
	wt(w, "attn_v_b", a->kv_rank, a->v_dim, a->q_heads);
	if (a->gate)
		wt(w, "attn_gate", width, (uint64_t)a->q_heads * a->v_dim, 0);
	wt(w, "attn_output", (uint64_t)a->q_heads * a->v_dim, width, 0);
	w_index(w, &a->index);
}

static void w_csa(struct spec_writer *w, const struct csa_spec *c)
{
	uint64_t width = w->s->width, q = (uint64_t)c->q_heads * c->row_dim, halves = c->ratio == 4 ? 2 : 1;
	const struct index_spec *x = &c->index;

	wt(w, "attn_q_a", width, c->q_rank, 0);
	wt(w, "attn_q_a_norm", c->q_rank, 0, 0);
	wt(w, "attn_q_b", c->q_rank, q, 0);
	wt(w, "attn_kv", width, c->row_dim, 0);
	wt(w, "attn_kv_a_norm", c->row_dim, 0, 0);
	wt(w, "attn_output_a", q / c->o_groups, (uint64_t)c->o_rank * c->o_groups, 0);
	wt(w, "attn_output_b", (uint64_t)c->o_rank * c->o_groups, width, 0);
	if (c->sinks)
		wt(w, "attn_sinks", c->q_heads, 0, 0);
	if (!c->ratio)
		return;
	wt(w, "attn_compressor_kv", width, halves * c->row_dim, 0);
	wt(w, "attn_compressor_gate", width, halves * c->row_dim, 0);
	wt(w, "attn_compressor_ape", halves * c->row_dim, c->ratio, 0);
	wt(w, "attn_compressor_norm", c->row_dim, 0, 0);
	if (!x->q_heads)
		return;
	wt(w, "indexer.proj", width, x->q_heads, 0);
	wt(w, "indexer.attn_q_b", c->q_rank, (uint64_t)x->q_heads * x->dim, 0);
	wt(w, "indexer_compressor_kv", width, halves * x->dim, 0);
	wt(w, "indexer_compressor_gate", width, halves * x->dim, 0);
	wt(w, "indexer_compressor_ape", halves * x->dim, c->ratio, 0);
	wt(w, "indexer_compressor_norm", x->dim, 0, 0);
}

static void w_delta(struct spec_writer *w, const struct delta_spec *d)
{
	static const char *const names[] = { "attn_q", "attn_k", "attn_v" }, *const convs[] = { "ssm_conv1d_q", "ssm_conv1d_k",
		"ssm_conv1d_v" };
	uint64_t width = w->s->width, k = (uint64_t)d->k_heads * d->k_dim, v = (uint64_t)d->v_heads * d->v_dim;

	if (d->per_channel_decay) {
		for (unsigned i = 0; i < 3; i++) {
			wt(w, names[i], width, i < 2 ? k : v, 0);
			wt(w, convs[i], d->conv_kernel, 1, i < 2 ? k : v);
		}
		wt(w, "ssm_f_a", width, d->k_dim, 0);
		wt(w, "ssm_f_b", d->k_dim, k, 0);
		wt(w, "ssm_beta", width, d->v_heads, 0);
		/* without the padding of the released weights */
		wt(w, "ssm_a!", is_arch(w, "kimi-k3") ? d->v_heads : 1, is_arch(w, "kimi-k3") ? 0 : d->v_heads, 0);
		wt(w, "ssm_dt.bias!", k, 0, 0);
		if (d->gate_low_rank) {
			wt(w, "ssm_g_a", width, d->v_dim, 0);
			wt(w, "ssm_g_b", d->v_dim, v, 0);
		} else {
			wt(w, "ssm_g", width, v, 0);
		}
		wt(w, "ssm_norm", d->v_dim, 0, 0);
		wt(w, "attn_output", v, width, 0);
		return;
	}
	wt(w, "attn_qkv", width, 2 * k + v, 0);
	if (d->out_gate)
		wt(w, "attn_gate", width, v, 0);
	if (is_arch(w, "qwen3next")) {
		wt(w, "ssm_ba", width, 2 * (uint64_t)d->v_heads, 0);
	} else {
		wt(w, "ssm_beta", width, d->v_heads, 0);
		wt(w, "ssm_alpha", width, d->v_heads, 0);
	}
	wt(w, "ssm_conv1d", d->conv_kernel, 2 * k + v, 0);
	wt(w, "ssm_a!", d->v_heads, 0, 0);
	wt(w, "ssm_dt.bias!", d->v_heads, 0, 0);
	wt(w, "ssm_norm", d->v_dim, 0, 0);
	wt(w, "ssm_out", v, width, 0);
}

static void w_mamba2(struct spec_writer *w, const struct mamba2_spec *s)
{
	uint64_t width = w->s->width, inner = (uint64_t)s->heads * s->head_dim, bc = 2 * (uint64_t)s->groups * s->state,
		in = 2 * inner + bc + s->heads;

	wt(w, "ssm_in", width, in, 0);
	wt(w, "ssm_conv1d", s->conv_kernel, inner + bc, 0);
	if (s->conv_bias)
		wt(w, "ssm_conv1d.bias!", inner + bc, 0, 0);
	wt(w, "ssm_dt.bias!", s->heads, 0, 0);
	wt(w, "ssm_a!", 1, s->heads, 0);
	wt(w, "ssm_d!", 1, s->heads, 0);
	if (s->gated_norm)
		wt(w, "ssm_norm", inner / s->groups, s->groups, 0);
	wt(w, "ssm_out", inner, width, 0);
	if (s->proj_bias) {
		wt(w, "ssm_in.bias!", in, 0, 0);
		wt(w, "ssm_out.bias!", width, 0, 0);
	}
}

static void w_mlp(struct spec_writer *w, const struct mlp_spec *f)
{
	uint64_t width = w->s->width;
	int fused = f->matrices == 3 && is_arch(w, "phi3 glm4");

	if (f->matrices == 3 && !fused)
		wt(w, "ffn_gate", width, f->width, 0);
	wt(w, "ffn_up", width, fused ? 2 * (uint64_t)f->width : f->width, 0);
	wt(w, "ffn_down", f->width, width, 0);
	if (f->bias) {
		wt(w, "ffn_up.bias!", f->width, 0, 0);
		wt(w, "ffn_down.bias!", width, 0, 0);
		if (f->matrices == 3)
			wt(w, "ffn_gate.bias!", f->width, 0, 0);
	}
}

static void w_moe(struct spec_writer *w, const struct moe_spec *e)
{
	uint64_t width = w->s->width, in = e->latent ? e->latent : width, n = e->width;
	int kimi = is_arch(w, "kimi-k3");

	wt(w, "ffn_gate_inp", width, e->experts, 0);
	if (e->hash_layer)
		wt(w, "ffn_gate_tid2eid", e->per_token, w->s->vocab, 0);
	else if (e->router_bias)
		wt(w, is_arch(w, "gpt-oss") ? "ffn_gate_inp.bias!" : is_arch(w, "hy_v3") ? "exp_probs_b!" : "exp_probs_b.bias!",
			e->experts, 0, 0);
	if (e->router_scale)
		wt(w, "ffn_gate_inp.scale!", width, 0, 0);
	if (e->expert_scale)
		wt(w, "ffn_down_exps.scale!", e->experts, 0, 0);
	if (e->latent) {
		wt(w, kimi ? "ffn_routed_down" : "ffn_latent_down", width, e->latent, 0);
		wt(w, kimi ? "ffn_routed_up" : "ffn_latent_up", e->latent, width, 0);
		if (e->latent_norm)
			wt(w, "ffn_routed_norm", e->latent, 0, 0);
	}
	if (is_arch(w, "gemma4")) {
		wt(w, "ffn_gate_up_exps", in, 2 * n, e->experts);
	} else {
		if (e->matrices == 3)
			wt(w, "ffn_gate_exps", in, n, e->experts);
		wt(w, "ffn_up_exps", in, n, e->experts);
	}
	wt(w, "ffn_down_exps", n, in, e->experts);
	if (e->bias) {
		wt(w, "ffn_gate_exps.bias!", n, e->experts, 0);
		wt(w, "ffn_up_exps.bias!", n, e->experts, 0);
		wt(w, "ffn_down_exps.bias!", in, e->experts, 0);
	}
	if (e->shared_width) {
		if (e->matrices == 3)
			wt(w, "ffn_gate_shexp", width, e->shared_width, 0);
		wt(w, "ffn_up_shexp", width, e->shared_width, 0);
		wt(w, "ffn_down_shexp", e->shared_width, width, 0);
		if (e->shared_gate)
			wt(w, "ffn_gate_inp_shexp", width, 0, 0);
	}
}

static int is_mixer(const struct part *p) { return p->type != PART_MLP && p->type != PART_MOE; }

static void w_part(struct spec_writer *w, const struct part *p)
{
	uint64_t width = w->s->width;

	switch ((enum part_type)p->type) {
	case PART_GQA: w_gqa(w, &p->u.gqa); break;
	case PART_MLA: w_mla(w, &p->u.mla); break;
	case PART_CSA: w_csa(w, &p->u.csa); break;
	case PART_DELTA: w_delta(w, &p->u.delta); break;
	case PART_MAMBA2: w_mamba2(w, &p->u.mamba2); break;
	case PART_CONV:
		wt(w, "shortconv.conv", p->u.conv.kernel, width, 0);
		wt(w, "shortconv.in_proj", width, 3 * width, 0);
		wt(w, "shortconv.out_proj", width, width, 0);
		break;
	case PART_MLP: w_mlp(w, &p->u.mlp); break;
	case PART_MOE: w_moe(w, &p->u.moe); break;
	case PART_TYPES: break;
	}
}

static void w_layer(struct spec_writer *w, const struct layer_kind *k)
{
	const struct model_spec *s = w->s;
	int two = k->n_branches == 2, mtp = w->layer >= s->n_layers;
	/* the second norm of these goes by the name of the original weights */
	int post_named = is_arch(w, "qwen3next qwen35 qwen35moe glm4moe gpt-oss seed_oss") || (mtp && is_arch(w,
		"nemotron_h nemotron_h_moe"));

	for (unsigned b = 0; b < k->n_branches; b++) {
		const struct branch *br = &k->branch[b];
		int mixer = is_mixer(&s->parts[br->part[0]]);
		const char *pre = mixer || !two ? "attn_norm" : post_named ? "post_attention_norm" : is_arch(w, "falcon") ?
			"attn_norm_2" : is_arch(w, "dbrx") ? "attn_output_norm" : is_arch(w, "falcon-h1") ? "ffn_norm!" : "ffn_norm";

		if (!two && !mixer && is_arch(w, "deci"))
			pre = "ffn_norm";
		if (br->norm == NORM_PRE || br->norm == NORM_SANDWICH)
			w_norm(w, pre);
		if (br->norm == NORM_POST || br->norm == NORM_SANDWICH)
			w_norm(w, mixer ? "post_attention_norm" : "post_ffw_norm");
		for (unsigned i = 0; i < br->n_parts; i++)
			w_part(w, &s->parts[br->part[i]]);
	}
	static const char *const extra[] = { "pre_ffw_norm_2", "post_ffw_norm_1", "post_ffw_norm_2" };
	for (unsigned i = 0; i < k->extra_norms; i++)
		wt(w, extra[i % 3], s->width, 0, 0);
	if (k->extra_scalars)
		wt(w, "layer_output_scale", 1, 0, 0);
	if (s->per_layer_embed && !mtp) {
		wt(w, "inp_gate", s->width, s->per_layer_embed, 0);
		wt(w, "proj", s->per_layer_embed, s->width, 0);
		wt(w, "post_norm", s->width, 0, 0);
	}
	if (s->residual_block) {
		wt(w, "attn_res_score", s->width, 0, 0);
		wt(w, "ffn_res_score", s->width, 0, 0);
	}
	for (unsigned i = 0; s->residual_streams > 1 && i < 2; i++) {
		uint64_t n = s->residual_streams;
		wt(w, i ? "hc_ffn_fn" : "hc_attn_fn", n * s->width, (2 + n) * n, 0);
		wt(w, i ? "hc_ffn_base" : "hc_attn_base", (2 + n) * n, 0, 0);
		wt(w, i ? "hc_ffn_scale" : "hc_attn_scale", 3, 0, 0);
	}
}

#endif
