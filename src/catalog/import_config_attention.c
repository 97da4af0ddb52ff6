/* import_config_attention.c - attention parts: grouped heads, latent rows, compressed rows, and their indexers */
#include "catalog/import_config_read.h"

#include <string.h>

static uint8_t rope_of(struct import *c, const struct layer_plan *l)
{
	return l->no_rope ? NO_ROPE : import_rope(c, l->span == SPAN_WINDOW ? &c->rope_local : &c->rope_main);
}

/* DeepSeek V3.2 and GLM 5 (llama.cpp src/models/deepseek32.cpp): queries from the low rank, one key head with a layer norm. */
static void read_index(struct import *c, struct index_spec *x, const struct layer_plan *l, uint32_t q_rank, uint8_t k_norm)
{
	x->q_heads = import_need(c, "index_n_heads", 0);
	x->k_heads = 1;
	x->dim = import_need(c, "index_head_dim", 0);
	x->top_tokens = import_need(c, "index_topk", 0);
	x->q_rank = q_rank;
	x->k_norm = k_norm;
	x->head_weights = 1;
	x->own = l->index_reuse ? REUSE_LAST : OWN_STATE;
}

/* MiniMax M3 (transformers minimax_m3_vl): blocks are chosen, queries come from the residual stream, norms over both. */
static void read_block_index(struct import *c, struct index_spec *x, const cJSON *o)
{
	static const char *const keys[] = { "use_sparse_attention", "sparse_index_dim", "sparse_num_index_heads", "sparse_topk_blocks",
		"sparse_block_size", "sparse_attention_freq", "sparse_disable_index_value", "sparse_score_type", "sparse_init_block",
		"sparse_local_block", NULL };
	static const char where[] = "sparse_attention_config";

	import_closed(c, o, where, keys);
	x->q_heads = import_in(c, o, where, "sparse_num_index_heads", 0);
	x->dim = import_in(c, o, where, "sparse_index_dim", 0);
	x->top_blocks = import_in(c, o, where, "sparse_topk_blocks", 0);
	x->block_tokens = import_in(c, o, where, "sparse_block_size", 0);
	x->k_heads = x->q_norm = x->k_norm = 1;
	if (c->rc == OK && (!x->q_heads || !x->dim || !x->top_blocks || !x->block_tokens))
		import_fail(c, E_FILE, "%s: heads, dim, topk_blocks and block_size are needed, all above 0", where);
}

static void latent_attention(struct import *c, struct part *p, const struct layer_plan *l)
{
	struct mla_spec *a = &p->u.mla;

	p->type = PART_MLA;
	p->name = "attn";
	a->q_heads = c->heads;
	a->q_rank = import_u32(c, "q_lora_rank", 0);
	a->kv_rank = import_need(c, "kv_lora_rank", 0);
	a->nope_dim = import_need(c, "qk_nope_head_dim", 0);
	a->rope_dim = import_need(c, "qk_rope_head_dim", 0);
	a->v_dim = import_need(c, "v_head_dim", 0);
	a->rope = rope_of(c, l);
	a->gate = import_bool(c, "mla_use_output_gate", 0) ? GATE_ELEMENT : GATE_NONE;
	import_used(c, "head_dim");                  /* these repeat the dims above, or are meant for other attention */
	import_used(c, "qk_head_dim");
	import_used(c, "num_key_value_heads");
	if (l->indexed)
		read_index(c, &a->index, l, a->q_rank, 2);
}

static void compressed_attention(struct import *c, struct part *p, const struct layer_plan *l)
{
	struct csa_spec *a = &p->u.csa;

	p->type = PART_CSA;
	p->name = l->ratio ? "compressed" : "window";
	a->q_heads = c->heads;
	a->q_rank = import_need(c, "q_lora_rank", 0);
	a->o_rank = import_need(c, "o_lora_rank", 0);
	a->o_groups = import_need(c, "o_groups", 0);
	a->row_dim = c->head_dim;
	a->rope_dim = import_need(c, "qk_rope_head_dim", 0);
	a->window = c->window;
	a->ratio = l->ratio;
	a->rope = import_rope(c, l->ratio ? &c->rope_main : &c->rope_local);
	a->sinks = 1;
	import_used(c, "qk_nope_head_dim");
	import_used(c, "num_key_value_heads");
	if (c->rc == OK && !c->window)
		import_fail(c, E_FILE, "compress_ratios without sliding_window");
	if (l->indexed)
		read_index(c, &a->index, l, a->q_rank, 0);
	else
		import_used(c, "index_n_heads"), import_used(c, "index_head_dim"), import_used(c, "index_topk");
}

static uint8_t read_qk_norm(struct import *c)
{
	const char *how = import_str(c, "qk_norm_type", NULL);
	int on = import_bool(c, "use_qk_norm", 0) || import_bool(c, "qk_layernorm", 0);

	if (!strcmp(c->fam->model_type, "llama4_text"))      /* its norm has no weight (transformers Llama4TextL2Norm) */
		return QK_NORM_NONE;
	if (how && strcmp(how, "per_layer") && strcmp(how, "per_head"))
		import_fail(c, E_ARCH, "architecture %s: qk_norm_type '%.40s' is not established", c->type, how);
	if (on && how)
		return !strcmp(how, "per_layer") ? QK_NORM_FULL : QK_NORM_HEAD;
	if (on && c->fam->qk_norm == QK_NORM_NONE)
		import_fail(c, E_ARCH, "architecture %s: the shape of its query and key norms is not established", c->type);
	return on || !(c->fam->flags & FAM_QK_NORM_KEY) ? c->fam->qk_norm : QK_NORM_NONE;
}

static void read_biases(struct import *c, struct gqa_spec *g)
{
	uint32_t flags = c->fam->flags;
	int bias = flags & FAM_BIASES ? import_bool(c, "use_bias", 1) : (flags & FAM_QKV_BIAS) != 0;

	bias = import_bool(c, "attention_bias", bias);
	bias = import_bool(c, "qkv_bias", bias);
	bias = import_bool(c, "use_qkv_bias", bias);
	g->q_bias = g->k_bias = g->v_bias = bias != 0;
	g->o_bias = bias && !(flags & FAM_O_PLAIN);
	if (import_item(c, "attention_out_bias"))            /* Seed-OSS */
		g->o_bias = import_bool(c, "attention_out_bias", 0) != 0;
}

/* Layers with a window may differ in heads: MiMo V2 (swa_*), Step 3.x. Full layers: Gemma 4 (global_*). */
static void other_shapes(struct import *c, struct gqa_spec *g, const struct layer_plan *l)
{
	uint32_t heads = import_u32(c, "num_sliding_attention_heads", 0), swa = import_u32(c, "swa_num_attention_heads", 0);
	uint32_t swa_kv = import_u32(c, "swa_num_key_value_heads", g->kv_heads), k = import_u32(c, "swa_head_dim", g->k_dim);
	uint32_t v = import_u32(c, "swa_v_head_dim", g->v_dim), dim = import_u32(c, "global_head_dim", g->k_dim);
	uint32_t kv = import_u32(c, "num_global_key_value_heads", g->kv_heads);
	const cJSON *other = import_item(c, "attention_other_setting");
	int shared = import_bool(c, "attention_k_eq_v", 0), step = !strncmp(c->fam->model_type, "step3p", 6);
	int gemma = !strcmp(c->fam->model_type, "gemma4_text");

	if (other && !cJSON_IsObject(other))
		import_fail(c, E_FILE, "attention_other_setting: wants an object");
	if (l->span == SPAN_WINDOW) {
		if (other) {
			g->q_heads = import_in(c, other, "attention_other_setting", "num_attention_heads", g->q_heads);
			g->kv_heads = import_in(c, other, "attention_other_setting", "num_attention_groups", g->kv_heads);
			g->k_dim = g->v_dim = import_in(c, other, "attention_other_setting", "head_dim", g->k_dim);
		} else if (heads || swa) {
			g->q_heads = heads ? heads : swa;
		} else if (step) {
			g->q_heads = g->q_heads / 2 * 3;
		}
		g->kv_heads = other ? g->kv_heads : swa_kv;
		g->k_dim = other ? g->k_dim : k;
		g->v_dim = other ? g->v_dim : v;
	} else if (gemma) {
		g->k_dim = g->v_dim = dim;
		if (shared) {                        /* transformers gemma4: V is the K projection in full layers */
			g->kv_heads = kv;
			g->v_is_k = 1;
		}
	}
}

static void grouped_attention(struct import *c, struct part *p, const struct layer_plan *l)
{
	struct gqa_spec *g = &p->u.gqa;
	uint32_t flags = c->fam->flags;
	const cJSON *sparse = import_item(c, "sparse_attention_config");

	p->type = PART_GQA;
	p->name = l->span == SPAN_FULL ? l->indexed ? "sparse" : "attn" : span_names[l->span];
	g->q_heads = c->heads;
	g->kv_heads = l->kv_heads ? l->kv_heads : c->kv_heads;
	g->k_dim = c->head_dim;
	g->v_dim = import_u32(c, "v_head_dim", g->k_dim);
	g->span = l->span;
	g->span_tokens = l->span == SPAN_WINDOW ? c->window : l->span == SPAN_CHUNK ? c->chunk : 0;
	g->rope = rope_of(c, l);
	read_biases(c, g);
	g->qk_norm = read_qk_norm(c);
	other_shapes(c, g, l);
	g->gate = import_bool(c, "use_head_wise_attn_gate", (flags & FAM_GATE_HEAD) != 0) ? GATE_HEAD : GATE_NONE;
	if (import_bool(c, "attn_output_gate", (flags & FAM_GATE_ELEMENT) != 0) || import_bool(c, "attention_output_gate", 0))
		g->gate = GATE_ELEMENT;
	g->sinks = (flags & FAM_SINKS) || import_bool(c,
		l->span == SPAN_WINDOW ? "add_swa_attention_sink_bias" : "add_full_attention_sink_bias", 0);
	g->softcap = (float)import_f64(c, "attn_logit_softcapping", !strcmp(c->fam->model_type, "gemma2") ? 50.0 : 0.0);
	g->own = l->reuse_kv ? REUSE_LAST : OWN_STATE;
	if (sparse && l->indexed)
		read_block_index(c, &g->index, sparse);
	import_used(c, "add_swa_attention_sink_bias");
	import_used(c, "add_full_attention_sink_bias");
	import_used(c, "attn_logit_softcapping");
	import_used(c, "sparse_attention_config");
}

void import_attention(struct import *c, struct part *p, const struct layer_plan *l)
{
	if (import_item(c, "compress_ratios") && c->fam->flags & FAM_SINKS) {
		compressed_attention(c, p, l);
		import_used(c, "kv_lora_rank");      /* null in V4 configs */
	} else if (import_u32(c, "kv_lora_rank", 0)) {
		latent_attention(c, p, l);
	} else {
		grouped_attention(c, p, l);
	}
}
