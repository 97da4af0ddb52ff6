/* import_config_feed.c - feed-forwards: dense ones and experts */
#include "catalog/import_config_read.h"

#include <string.h>

static const char *const expert_keys[] = { "num_experts", "n_routed_experts", "num_local_experts", "moe_num_experts", NULL };

uint32_t import_experts(struct import *c)
{
	return import_count(c, expert_keys, 0);
}

enum act import_act(struct import *c)
{
	static const struct { const char *word; uint8_t act; } words[] = {
		{ "silu", ACT_SILU }, { "swish", ACT_SILU }, { "gelu", ACT_GELU }, { "gelu_pytorch_tanh", ACT_GELU_TANH },
		{ "gelu_new", ACT_GELU_TANH }, { "gelu_fast", ACT_GELU_TANH }, { "relu2", ACT_RELU2 }, { "relu", ACT_RELU },
		{ "swigluoai", ACT_SWIGLU_OAI }, { "situ", ACT_SITU },
	};
	const char *word = import_str(c, "hidden_act", NULL), *other = import_str(c, "hidden_activation", NULL);
	const char *mlp = import_str(c, "mlp_hidden_act", NULL);

	word = mlp ? mlp : other ? other : word;
	if (!word || c->fam->act == ACT_SWIGLU_OAI)          /* gpt-oss and M3 say silu and mean the clamped form */
		return (enum act)c->fam->act;
	if (c->fam->flags & FAM_EMBED_SCALE && !strcmp(word, "gelu"))
		return ACT_GELU_TANH;                        /* Gemma 1: transformers reads gelu as the tanh form */
	for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
		if (!strcmp(words[i].word, word))
			return (enum act)words[i].act;
	import_fail(c, E_ARCH, "architecture %s: activation '%.40s' is not supported", c->type, word);
	return ACT_SILU;
}

/* LFM2 rounds the width of its feed-forward (llama.cpp conversion/lfm2.py). */
static uint32_t lfm2_width(struct import *c, uint32_t width)
{
	int adjust = import_bool(c, "block_auto_adjust_ff_dim", !strcmp(c->fam->model_type, "lfm2"));
	uint32_t multiple = import_need(c, "block_multiple_of", 256);
	double factor = import_f64(c, "block_ffn_dim_multiplier", 1.0);

	if (!adjust || !(factor > 0.0 && factor < 64.0))
		return width;
	width = (uint32_t)(factor * (double)(uint32_t)(2.0 * width / 3.0));
	return (width + multiple - 1) / multiple * multiple;
}

void import_mlp(struct import *c, struct part *p, const struct layer_plan *l)
{
	/* the first that is there: MiniMax M3, Llama 4, LFM2, all others; Granite 4 without experts keeps only its shared one */
	static const char *const keys[] = { "dense_intermediate_size", "intermediate_size_mlp", "block_ff_dim", "intermediate_size",
		NULL };
	struct mlp_spec *f = &p->u.mlp;
	uint32_t shared = import_u32(c, "shared_intermediate_size", 0);
	int wide = import_bool(c, "use_double_wide_mlp", 0);
	int bias = import_bool(c, "mlp_bias", c->fam->flags & FAM_BIASES ? import_bool(c, "use_bias", 1) : 0);

	p->type = PART_MLP;
	p->name = "mlp";
	f->width = l->mlp_width ? l->mlp_width : import_count(c, keys, 0);
	if (!strcmp(c->fam->model_type, "granitemoehybrid"))
		f->width = shared;
	if (!strncmp(c->fam->model_type, "lfm2", 4))
		f->width = lfm2_width(c, f->width);
	if (c->rc == OK && !f->width)
		import_fail(c, E_FILE, "no intermediate_size above 0, and a layer without experts");
	if (wide && l->reuse_kv)                             /* Gemma 4 E: twice as wide where the cache is another layer's */
		f->width *= 2;
	f->act = (uint8_t)import_act(c);
	f->matrices = c->fam->matrices;
	f->bias = bias != 0;
}

static uint8_t read_score(struct import *c)
{
	static const char *const keys[] = { "scoring_func", "moe_router_activation_func", "moe_router_activation", "score_function",
		NULL };
	const char *word = NULL;

	for (unsigned i = 0; keys[i]; i++) {
		const char *w = import_str(c, keys[i], NULL);
		word = word ? word : w;
	}
	if (!word)
		return c->fam->score;
	if (!strcmp(word, "softmax"))
		return SCORE_SOFTMAX;
	if (!strcmp(word, "sigmoid"))
		return SCORE_SIGMOID;
	if (!strcmp(word, "sqrtsoftplus"))
		return SCORE_SQRT_SOFTPLUS;
	import_fail(c, E_ARCH, "architecture %s: router score '%.40s' is not supported", c->type, word);
	return SCORE_SOFTMAX;
}

/* Shared experts: by number and width, or by one width for all of them. */
static void read_shared(struct import *c, struct moe_spec *e)
{
	static const char *const counts[] = { "n_shared_experts", "num_shared_experts", "moe_num_shared_experts", NULL };
	static const char *const widths[] = { "moe_shared_expert_intermediate_size", "share_expert_dim", NULL };
	uint32_t n = import_count(c, counts, c->fam->flags & FAM_SHARED_ONE ? 1 : 0), each = import_count(c, widths, 0);
	uint32_t all = import_u32(c, "shared_expert_intermediate_size", 0), mm = import_u32(c, "shared_intermediate_size", 0);

	if (all || mm) {                                     /* Qwen; Granite and MiniMax */
		e->shared = n ? n : 1;
		e->shared_width = all ? all : mm * e->shared;
	} else if (n || each) {
		e->shared = n ? n : 1;
		e->shared_width = (each ? each : e->width) * e->shared;
	}
	e->shared_gate = (c->fam->flags & FAM_SHARED_GATE) && e->shared;
}

static void read_groups(struct import *c, struct moe_spec *e)
{
	static const char *const groups[] = { "n_group", "num_expert_group", NULL };

	e->groups = import_count(c, groups, 0);
	e->top_groups = import_u32(c, "topk_group", 0);
	import_used(c, "topk_group");
	if (e->groups <= 1 || !e->top_groups)                /* one group: no grouping */
		e->groups = e->top_groups = 0;
}

void import_moe(struct import *c, struct part *p, const struct layer_plan *l)
{
	static const char *const per_token[] = { "num_experts_per_tok", "num_experts_per_token", "top_k_experts", "experts_per_token",
		"moe_k", "moe_top_k", NULL };
	static const char *const widths[] = { "moe_intermediate_size", "expert_intermediate_size", "intermediate_size", NULL };
	struct moe_spec *e = &p->u.moe;
	const char *method = import_str(c, "topk_method", NULL);
	int gemma = !strcmp(c->fam->model_type, "gemma4_text"), bias;
	static const char *const latent[] = { "routed_expert_hidden_size", "moe_latent_size", NULL };

	p->type = PART_MOE;
	p->name = l->hash ? "moe_hash" : "moe";
	e->experts = import_experts(c);
	e->per_token = import_count(c, per_token, 0);
	e->width = import_count(c, widths, 0);
	if (c->rc == OK && (!e->experts || !e->per_token || !e->width))
		import_fail(c, E_FILE, "experts (%u), experts a token (%u) and their width (%u) must be positive", e->experts, e->per_token,
			e->width);
	e->latent = import_count(c, latent, 0);
	e->latent_norm = e->latent && import_bool(c, "latent_moe_use_norm", 0);
	e->act = (uint8_t)import_act(c);
	e->matrices = c->fam->matrices;
	e->bias = !strcmp(c->fam->model_type, "gpt_oss");
	e->score = read_score(c);
	bias = (c->fam->flags & FAM_ROUTER_BIAS) || (method && !strcmp(method, "noaux_tc"));
	bias = import_bool(c, "use_routing_bias", bias);
	bias = import_bool(c, "use_moe_router_bias", bias);
	bias = import_bool(c, "moe_router_enable_expert_bias", bias);
	e->router_bias = bias && !l->hash;
	e->hash_layer = l->hash;
	e->router_scale = e->expert_scale = gemma != 0;
	read_shared(c, e);
	read_groups(c, e);
	import_used(c, "latent_moe_use_norm");
	if (c->fam->flags & FAM_SHARED_ONE)                  /* Llama 4: of dense layers, which there may be none of */
		import_used(c, "intermediate_size_mlp");
}
