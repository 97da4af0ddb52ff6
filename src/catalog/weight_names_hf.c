/* weight_names_hf.c - the same tensors in Hugging Face checkpoints: transformers 5.23, models/NAME/modeling_NAME.py of the families in weights_hf.c; scales
 * of FP8: integrations/finegrained_fp8.py (weight_scale_inv), compressed-tensors and modelopt (weight_scale); blocks of MXFP4: integrations/mxfp4.py */
#include "catalog/weight_names.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A parameter's weight and bias, W_NONE where there is none; of one expert where the name has a star. bare: the name ends without ".weight". */
static const struct { const char *stem; uint16_t weight, bias; uint8_t bare; } of_layer[] = {
	{ "input_layernorm", W_ATTN_NORM, W_NONE, 0 },
	/* after attention in models with norms on both sides; else the norm before the feed-forward, which whoever binds it finds out */
	{ "post_attention_layernorm", W_POST_ATTN_NORM, W_NONE, 0 },
	{ "pre_feedforward_layernorm", W_FFN_NORM, W_NONE, 0 }, { "post_feedforward_layernorm", W_POST_FFN_NORM, W_NONE, 0 },
	{ "self_attn.q_proj", W_ATTN_Q, W_ATTN_Q_B, 0 }, { "self_attn.k_proj", W_ATTN_K, W_ATTN_K_B, 0 }, { "self_attn.v_proj", W_ATTN_V, W_ATTN_V_B, 0 },
	{ "self_attn.o_proj", W_ATTN_OUT, W_ATTN_OUT_B, 0 }, { "self_attn.qkv_proj", W_ATTN_QKV, W_NONE, 0 },
	{ "self_attn.q_norm", W_Q_NORM, W_NONE, 0 }, { "self_attn.k_norm", W_K_NORM, W_NONE, 0 }, { "self_attn.sinks", W_SINKS, W_NONE, 1 },
	{ "self_attn.q_a_proj", W_Q_A, W_NONE, 0 }, { "self_attn.q_a_layernorm", W_Q_A_NORM, W_NONE, 0 }, { "self_attn.q_b_proj", W_Q_B, W_NONE, 0 },
	{ "self_attn.kv_a_proj_with_mqa", W_KV_A, W_NONE, 0 }, { "self_attn.kv_a_layernorm", W_KV_A_NORM, W_NONE, 0 }, { "self_attn.kv_b_proj", W_KV_B, W_NONE, 0 },
	{ "mlp.gate_proj", W_FFN_GATE, W_FFN_GATE_B, 0 }, { "mlp.up_proj", W_FFN_UP, W_FFN_UP_B, 0 }, { "mlp.down_proj", W_FFN_DOWN, W_FFN_DOWN_B, 0 },
	{ "mlp.gate_up_proj", W_FFN_UP, W_NONE, 0 },     /* gate first, as GGUF keeps it */
	{ "feed_forward.gate_proj", W_FFN_GATE, W_NONE, 0 }, { "feed_forward.up_proj", W_FFN_UP, W_NONE, 0 }, { "feed_forward.down_proj", W_FFN_DOWN, W_NONE, 0 },
	{ "mlp.gate", W_ROUTER, W_NONE, 0 }, { "mlp.router", W_ROUTER, W_ROUTER_B, 0 }, { "block_sparse_moe.gate", W_ROUTER, W_NONE, 0 },
	{ "feed_forward.router", W_ROUTER, W_NONE, 0 }, { "mlp.gate.e_score_correction_bias", W_ROUTER_BIAS, W_NONE, 1 },
	{ "mlp.experts.*.gate_proj", W_EXP_GATE, W_NONE, 0 }, { "mlp.experts.*.up_proj", W_EXP_UP, W_NONE, 0 }, { "mlp.experts.*.down_proj", W_EXP_DOWN, W_NONE, 0 },
	{ "feed_forward.experts.*.gate_proj", W_EXP_GATE, W_NONE, 0 }, { "feed_forward.experts.*.up_proj", W_EXP_UP, W_NONE, 0 },
	{ "feed_forward.experts.*.down_proj", W_EXP_DOWN, W_NONE, 0 },
	{ "block_sparse_moe.experts.*.w1", W_EXP_GATE, W_NONE, 0 }, { "block_sparse_moe.experts.*.w3", W_EXP_UP, W_NONE, 0 },
	{ "block_sparse_moe.experts.*.w2", W_EXP_DOWN, W_NONE, 0 },
	/* all experts in one; both of gate and up have the bias of up */
	{ "mlp.experts.gate_up_proj", W_EXP_GATE_UP, W_EXP_UP_B, 1 }, { "mlp.experts.down_proj", W_EXP_DOWN, W_EXP_DOWN_B, 1 },
	{ "feed_forward.experts.gate_up_proj", W_EXP_GATE_UP, W_NONE, 1 }, { "feed_forward.experts.down_proj", W_EXP_DOWN, W_NONE, 1 },
	{ "mlp.shared_expert.gate_proj", W_SHARED_GATE, W_NONE, 0 }, { "mlp.shared_expert.up_proj", W_SHARED_UP, W_NONE, 0 },
	{ "mlp.shared_expert.down_proj", W_SHARED_DOWN, W_NONE, 0 }, { "mlp.shared_expert_gate", W_SHARED_ROUTER, W_NONE, 0 },
	{ "mlp.shared_experts.gate_proj", W_SHARED_GATE, W_NONE, 0 }, { "mlp.shared_experts.up_proj", W_SHARED_UP, W_NONE, 0 },
	{ "mlp.shared_experts.down_proj", W_SHARED_DOWN, W_NONE, 0 },
	{ "feed_forward.shared_expert.gate_proj", W_SHARED_GATE, W_NONE, 0 }, { "feed_forward.shared_expert.up_proj", W_SHARED_UP, W_NONE, 0 },
	{ "feed_forward.shared_expert.down_proj", W_SHARED_DOWN, W_NONE, 0 },
};
static const struct { const char *name; uint16_t id; } of_model[] = {
	{ "embed_tokens", W_EMBED }, { "norm", W_OUT_NORM }, { "lm_head", W_HEAD },
};
/* What may follow a stem. Of two that fit the first holds: the longer one. */
static const struct { const char *end; uint8_t part, bias, bare; } ends[] = {
	{ ".weight_scale_inv", HF_SCALE, 0, 0 }, { ".weight_scale", HF_SCALE, 0, 0 }, { ".input_scale", HF_UNREAD, 0, 0 }, { ".k_scale", HF_UNREAD, 0, 0 }, { ".v_scale", HF_UNREAD, 0, 0 }, { ".weight", HF_WHOLE, 0, 0 }, { ".bias", HF_WHOLE, 1, 0 },
	{ "_blocks", HF_BLOCKS, 0, 1 }, { "_scales", HF_BLOCK_SCALES, 0, 1 }, { "_bias", HF_WHOLE, 1, 1 }, { "", HF_WHOLE, 0, 1 },
};

/* A whole number without sign or spaces, below 1000000; NULL: there is none, else where it ends. */
static const char *number(int32_t *out, const char *s)
{
	char *end;
	unsigned long n;

	if (!isdigit((unsigned char)*s))
		return NULL;
	n = strtoul(s, &end, 10);
	if (n >= 1000000)
		return NULL;
	*out = (int32_t)n;
	return end;
}

/* Is it stem, then one of the ends? */
static int fits(struct hf_name *out, const char *name, const char *stem, uint16_t weight, uint16_t bias, int bare)
{
	size_t n = strlen(stem);

	if (strncmp(name, stem, n))
		return 0;
	for (unsigned i = 0; i < sizeof ends / sizeof *ends; i++)
		if (ends[i].bare == bare && !strcmp(name + n, ends[i].end)) {
			out->id = ends[i].bias ? bias : weight;
			out->part = ends[i].part;
			return out->id != W_NONE;
		}
	return 0;
}

/* Inside a layer. */
static void layer_name(struct hf_name *out, const char *name)
{
	const char *at = strstr(name, "experts."), *rest = at ? number(&out->expert, at + 8) : NULL;
	char starred[160];
	size_t n = strlen(name);

	if (!strcmp(name, "self_attn.rotary_emb.inv_freq") || !strcmp(name, "self_attn.k_scale") || !strcmp(name, "self_attn.v_scale")) {
		out->part = HF_UNREAD;
		return;
	}
	if (rest && *rest == '.' && n + 2 <= sizeof starred) {
		snprintf(starred, sizeof starred, "%.*s*%s", (int)(at + 8 - name), name, rest);
		name = starred;
	} else {
		out->expert = -1;
	}
	for (unsigned i = 0; i < sizeof of_layer / sizeof *of_layer; i++)
		if (fits(out, name, of_layer[i].stem, of_layer[i].weight, of_layer[i].bias, of_layer[i].bare)) {
			out->both = of_layer[i].weight == W_EXP_GATE_UP;
			return;
		}
}

void weight_of_hf(struct hf_name *out, const char *name)
{
	/* text models inside one for several media */
	static const char *const inside[] = { "language_model.model.", "model.language_model.", "language_model.", "model.", "" };
	const char *rest = name;

	*out = (struct hf_name){ .id = W_NONE, .part = HF_WHOLE, .layer = -1, .expert = -1 };
	for (unsigned i = 0; i < sizeof inside / sizeof *inside; i++)
		if (!strncmp(name, inside[i], strlen(inside[i]))) {
			rest = name + strlen(inside[i]);
			break;
		}
	if (!strncmp(rest, "layers.", 7)) {
		const char *in = number(&out->layer, rest + 7);
		if (in && *in == '.')
			layer_name(out, in + 1);
		else
			out->layer = -1;
		return;
	}
	for (unsigned i = 0; i < sizeof of_model / sizeof *of_model; i++)
		if (fits(out, rest, of_model[i].name, of_model[i].id, W_NONE, 0))
			return;
}
