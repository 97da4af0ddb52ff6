/* weight_names_hf.c - the same tensors in Hugging Face checkpoints: transformers, models/{llama,qwen2,qwen3,gemma,gemma2,gemma3,phi3,olmo2}/modeling_*.py */
#include "catalog/weight_names.h"

#include <stdlib.h>
#include <string.h>

static const struct { const char *stem; uint16_t id; } of_layer[] = {
	{ "input_layernorm.weight", W_ATTN_NORM },
	/* after attention in models with norms on both sides; else the norm before the feed-forward, which whoever binds it finds out */
	{ "post_attention_layernorm.weight", W_POST_ATTN_NORM },
	{ "pre_feedforward_layernorm.weight", W_FFN_NORM }, { "post_feedforward_layernorm.weight", W_POST_FFN_NORM },
	{ "self_attn.q_proj.weight", W_ATTN_Q }, { "self_attn.q_proj.bias", W_ATTN_Q_B }, { "self_attn.k_proj.weight", W_ATTN_K }, { "self_attn.k_proj.bias", W_ATTN_K_B },
	{ "self_attn.v_proj.weight", W_ATTN_V }, { "self_attn.v_proj.bias", W_ATTN_V_B }, { "self_attn.o_proj.weight", W_ATTN_OUT }, { "self_attn.o_proj.bias", W_ATTN_OUT_B },
	{ "self_attn.qkv_proj.weight", W_ATTN_QKV }, { "self_attn.q_norm.weight", W_Q_NORM }, { "self_attn.k_norm.weight", W_K_NORM },
	{ "mlp.gate_proj.weight", W_FFN_GATE }, { "mlp.gate_proj.bias", W_FFN_GATE_B }, { "mlp.up_proj.weight", W_FFN_UP }, { "mlp.up_proj.bias", W_FFN_UP_B },
	{ "mlp.down_proj.weight", W_FFN_DOWN }, { "mlp.down_proj.bias", W_FFN_DOWN_B },
	{ "mlp.gate_up_proj.weight", W_FFN_UP },         /* gate first, as GGUF keeps it */
};
static const struct { const char *name; uint16_t id; } of_model[] = {
	{ "model.embed_tokens.weight", W_EMBED }, { "model.norm.weight", W_OUT_NORM }, { "lm_head.weight", W_HEAD },
};

unsigned weight_of_hf(const char *name, int *layer)
{
	/* text models inside one for several media */
	static const char *const inside[] = { "language_model.model.", "model.language_model." };
	const char *rest = NULL;

	*layer = -1;
	if (!strncmp(name, "language_model.lm_head.", 23))
		name += 15;
	for (unsigned i = 0; i < 2; i++)
		if (!strncmp(name, inside[i], strlen(inside[i])))
			rest = name + strlen(inside[i]);
	for (unsigned i = 0; i < sizeof of_model / sizeof *of_model; i++)
		if (!strcmp(name, of_model[i].name) || (rest && !strncmp(of_model[i].name, "model.", 6) && !strcmp(rest, of_model[i].name + 6)))
			return of_model[i].id;
	if (!rest && !strncmp(name, "model.", 6))
		rest = name + 6;
	if (!rest || strncmp(rest, "layers.", 7))
		return W_NONE;
	char *end;
	unsigned long n = strtoul(rest + 7, &end, 10);
	if (end == rest + 7 || *end != '.' || n >= 1000000)
		return W_NONE;
	*layer = (int)n;
	for (unsigned i = 0; i < sizeof of_layer / sizeof *of_layer; i++)
		if (!strcmp(end + 1, of_layer[i].stem))
			return of_layer[i].id;
	return W_NONE;
}
