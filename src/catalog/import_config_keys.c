/* import_config_keys.c - the closed list of config.json keys, and what happens to others
 *
 * A key that is read changes sizes; a harmless one does not. Any other key that looks like structure and is not empty stops the
 * import: what it means is not established, so the sizes could be wrong without anyone seeing it. */
#include "catalog/import_config_read.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Read by some family. Present, not empty and never asked for: the family does not know it, which is refused too. */
static const char *const read_keys[] = {
	"add_full_attention_sink_bias", "add_swa_attention_sink_bias", "attention_bias", "attention_chunk_size",
	"attention_head_dim", "attention_k_eq_v", "attention_other_setting", "attention_out_bias", "attention_output_gate",
	"attn_logit_softcapping", "attn_output_gate", "attn_res_block_size", "attn_type_list", "block_auto_adjust_ff_dim",
	"block_configs", "block_ff_dim", "block_ffn_dim_multiplier", "block_multiple_of", "compress_ratios",
	"compress_rope_parameters", "compress_rope_theta", "conv_L_cache", "conv_bias", "conv_kernel", "decoder_sparse_step",
	"dense_intermediate_size", "dtype", "embedding_multiplier", "enable_moe_block", "expand", "expert_dtype",
	"expert_intermediate_size", "experts_per_token", "final_logit_softcapping", "first_k_dense_replace",
	"full_attention_interval", "full_attn_idxs", "global_head_dim", "hc_mult", "head_dim", "hidden_act",
	"hidden_activation", "hidden_size", "hidden_size_per_layer_input", "hybrid_layer_pattern", "hybrid_override_pattern",
	"index_head_dim", "index_n_heads", "index_skip_topk_offset", "index_topk", "index_topk_freq", "index_topk_pattern",
	"indexer_types", "interleave_moe_layer_step", "intermediate_size", "intermediate_size_mlp", "kv_lora_rank",
	"latent_moe_use_norm", "layer_norm_eps", "layer_norm_epsilon", "layer_types", "layernorm_epsilon",
	"layers_block_type", "linear_attn_config", "linear_conv_kernel_dim", "linear_key_head_dim", "linear_num_key_heads",
	"linear_num_value_heads", "linear_value_head_dim", "mamba_conv_bias", "mamba_d_conv", "mamba_d_head", "mamba_d_ssm",
	"mamba_d_state", "mamba_expand", "mamba_head_dim", "mamba_n_groups", "mamba_n_heads", "mamba_num_heads",
	"mamba_proj_bias", "mamba_rms_norm", "max_position_embeddings", "max_window_layers", "mla_use_nope",
	"mla_use_output_gate", "mlp_bias", "mlp_hidden_act", "mlp_layer_types", "mlp_only_layers", "moe_intermediate_size",
	"moe_k", "moe_latent_size", "moe_every_n_layer", "moe_layer_freq", "moe_layer_interval", "moe_layer_start_index",
	"moe_layers", "moe_layers_enum", "moe_num_experts", "moe_num_shared_experts", "moe_router_activation",
	"moe_router_activation_func", "moe_router_enable_expert_bias", "moe_shared_expert_intermediate_size", "moe_top_k",
	"mtp_layers_block_type", "mtp_num_hidden_layers", "mtp_num_layers", "mtp_use_dedicated_embeddings", "n_group",
	"n_groups", "n_routed_experts", "n_shared_experts", "no_rope_layer_interval", "no_rope_layers", "norm_eps",
	"norm_epsilon", "num_attention_groups", "num_attention_heads", "num_dense_layers", "num_expert_group", "num_experts",
	"num_experts_per_tok", "num_experts_per_token", "num_global_key_value_heads", "num_hash_layers", "num_hidden_layers",
	"num_key_value_heads", "num_kv_shared_layers", "num_local_experts", "num_mtp_modules", "num_nextn_predict_layers",
	"num_shared_experts", "num_sliding_attention_heads", "o_groups", "o_lora_rank", "partial_rotary_factor",
	"partial_rotary_factors", "position_embedding_type", "projectors_bias", "q_lora_rank", "qk_head_dim", "qk_layernorm",
	"qk_nope_head_dim", "qk_norm_type", "qk_rope_head_dim", "qkv_bias", "quantization_config", "rms_norm_eps",
	"rope_local_base_freq", "rope_parameters", "rope_scaling", "rope_theta", "rotary_dim", "rotary_pct",
	"routed_expert_hidden_size", "score_function", "scoring_func", "share_expert_dim", "shared_expert_intermediate_size",
	"shared_intermediate_size", "sliding_window", "sliding_window_pattern", "sliding_window_size",
	"sparse_attention_config", "ssm_state_size", "swa_head_dim", "swa_num_attention_heads", "swa_num_key_value_heads",
	"swa_rope_theta", "swa_v_head_dim", "theta", "tie_word_embeddings", "top_k_experts", "topk_group", "topk_method",
	"torch_dtype", "use_bias", "use_conv_bias", "use_double_wide_mlp", "use_head_wise_attn_gate", "use_moe_router_bias",
	"use_qk_norm", "use_qkv_bias", "use_routing_bias", "use_sliding_window", "v_head_dim", "vocab_size",
	"vocab_size_per_layer_input",
};

/* No size depends on these. Scales, limits and losses of known architectures; fields every transformers config may carry. */
static const char *const harmless[] = {
	"activation_situ_beta", "activation_situ_linear_beta", "add_cross_attention", "architectures",
	"attention_in_multiplier", "attention_multiplier", "attention_out_multiplier", "attention_value_scale", "attn_scale",
	"attn_temperature_tuning", "auto_map", "aux_loss_alpha", "bad_words_ids", "begin_suppress_tokens",
	"cache_implementation", "chunk_size", "chunk_size_feed_forward", "clip_qkv", "compression_config",
	"cross_attention_hidden_size", "diversity_penalty", "do_sample", "early_stopping", "enable_moe_fp32_combine",
	"encoder_no_repeat_ngram_size", "ep_size", "exponential_decay_length_penalty", "finetuning_task", "floor_scale",
	"hc_eps", "hc_sinkhorn_iters", "id2label", "image_placeholder", "indexer_rope_interleave", "initial_context_length",
	"initializer_range", "is_decoder", "is_encoder_decoder", "key_multiplier", "label2id", "length_penalty",
	"lm_head_multiplier", "logit_scale", "logits_scaling", "mamba_chunk_size", "mamba_hidden_act",
	"mamba_norm_before_gate", "mamba_ssm_cache_dtype", "mamba_ssm_dtype", "max_length", "min_length", "mlp_multipliers",
	"model_type", "moe_norm_min", "moe_renormalize", "moe_router_scaling_factor",
	"moe_router_topk_scaling_factor", "moe_shared_expert_overlap", "mrope_section", "mtp_transformer_layers", "name",
	"no_repeat_ngram_size", "norm_topk_prob", "num_beam_groups", "num_beams", "num_logits_to_keep",
	"num_return_sequences", "num_reward_heads", "original_max_position_embeddings", "output_attentions",
	"output_hidden_states", "output_router_logits", "output_scores", "prefix", "pretraining_tp", "problem_type",
	"pruned_heads", "query_pre_attn_scalar", "remove_invalid_values", "repetition_penalty", "rescale_prenorm_residual",
	"residual_in_fp32", "residual_multiplier", "return_dict", "return_dict_in_generate", "rope_interleave", "rope_type",
	"routed_scaling_factor", "router_aux_loss_coef", "router_dtype", "router_jitter_noise", "router_scaling_factor",
	"router_z_loss_coef", "seq_aux", "ssm_in_multiplier", "ssm_multipliers", "ssm_out_multiplier",
	"suppress_tokens", "swiglu_alpha", "swiglu_limit", "swiglu_limits", "swiglu_limits_shared", "task_specific_params",
	"temperature", "tf_legacy_loss", "tie_encoder_decoder", "time_step_floor", "time_step_limit", "time_step_max",
	"time_step_min", "time_step_rank", "tokenizer_class", "top_k", "top_p", "torchscript", "transformers_version",
	"typical_p", "unsloth_fixed", "use_bfloat16", "use_bidirectional_attention", "use_cache", "use_gemma_norm",
	"use_grouped_topk", "use_mamba_kernels", "use_mrope", "use_mtp",
	/* of the outer config of models that see or hear */
	"audio_config", "image_seq_length", "image_grid_pinpoints", "img_token_compression_config", "language_config",
	"llm_config", "media_placeholder", "mm_tokens_per_image", "multimodal_projector_bias", "process_image_mode",
	"projector_hidden_act", "projector_hidden_size", "text_config", "use_unified_vision_chunk", "video_placeholder",
	"vision_config", "vision_feature_layer", "vision_feature_select_strategy", "vision_soft_tokens_per_image",
};

/* Of single families that are known: how they are trained or computed, or sizes that repeat others. */
static const char *const family_words[] = {
	"att_impl_type", "block_dim", "block_mlp_init_scale", "block_norm_eps", "block_out_init_scale", "block_use_swiglu",
	"block_use_xavier_init", "compression_ratio", "conv_dim", "conv_dim_out", "conv_use_xavier_init", "layer_switch",
	"layernorm_full_attention_beta", "layernorm_linear_attention_beta", "layernorm_mlp_beta", "mamba_use_mlp", "max_model_len",
	"max_seq_len", "moe_capacity", "moe_gate", "moe_use_aux_free", "need_fp32_gate", "norm_expert_weight", "normalization_function",
	"pool_size", "shared_moe_mode", "use_embedding_sharing", "use_gated_activation", "use_moe", "use_parallel_block",
	"use_parallel_embedding", "use_pos_enc", "use_rmsnorm", "use_xavier_init", "yarn_only_types",
	"moe_layer_end_index", "order_of_interleaved_layers",
	"use_expert_bias",      /* LFM2 MoE: one number an expert, which the published totals leave out */
};

/* Parts of words that stand for tensors. The first set is refused for every model; all of it for one whose model_type is
 * unknown. */
static const char *const structural[] = {
	"lora", "expert", "ssm", "conv", "state", "latent", "index", "compress", "mtp", "hc_", "moe", "mamba", "linear_attn",
	"delta", "kda", "altup", "laurel", "per_layer", "hash", "nextn", "recurrent", "engram",
};
static const char *const shaped[] = {
	"layer", "norm", "bias", "gate", "head", "kv", "qk", "_dim", "_size", "num_", "n_", "rank", "window", "chunk",
	"block", "shared", "sparse", "pattern", "interleave", "parallel", "alibi", "query", "residual", "sink", "memory",
	"position", "adapter", "groups", "width", "expand", "attn", "attention",
};

_Static_assert(sizeof read_keys / sizeof *read_keys <= 64 * KEY_WORDS, "KEY_WORDS");

static int find(const char *key)
{
	for (unsigned i = 0; i < sizeof read_keys / sizeof *read_keys; i++)
		if (!strcmp(read_keys[i], key))
			return (int)i;
	return -1;
}

unsigned import_key(const char *key)
{
	int k = find(key);

	assert(k >= 0);
	return k < 0 ? 0 : (unsigned)k;
}

static int listed(const char *const *words, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(words[i], key))
			return 1;
	return 0;
}
static int holds(const char *const *words, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (strstr(key, words[i]))
			return 1;
	return 0;
}

static int is_harmless(const struct import *c, const char *key)
{
	size_t n = strlen(key);
	const char *tail[] = { "_token_id", "_token_ids", "_token_index", "_token", "dropout", "_pdrop", "_prob", "_coef", "_coeff",
		"_loss" };

	for (unsigned i = 0; i < sizeof tail / sizeof *tail; i++) {
		size_t m = strlen(tail[i]);

		if (n >= m && !strcmp(key + n - m, tail[i]))
			return 1;
	}
	return key[0] == '_' || listed(harmless, sizeof harmless / sizeof *harmless, key) ||
	       (!c->guessed && listed(family_words, sizeof family_words / sizeof *family_words, key));
}

/* Nothing, off, none: except where 0 is a place ("offset"). */
static int is_empty(const cJSON *v)
{
	return cJSON_IsNull(v) || cJSON_IsFalse(v) || (cJSON_IsString(v) && !v->valuestring[0]) ||
	       (cJSON_IsNumber(v) && v->valuedouble == 0.0 && !strstr(v->string, "offset")) ||
	       ((cJSON_IsArray(v) || cJSON_IsObject(v)) && !v->child);
}

/* early: keys that are in neither list, before anything is read, so that a model nobody knows is refused by its own words and not
 * by a size it spells otherwise. Late: known keys that nothing has read, and what is left over. */
void import_keys(struct import *c, int early)
{
	char names[200] = "";
	unsigned n = 0;
	size_t len = 0;

	for (const cJSON *v = c->text->child; c->rc == OK && v; v = v->next) {
		char key[64], shown[64];
		size_t i = 0;
		int k = find(v->string);

		if (is_empty(v) || is_harmless(c, v->string) || (early && k >= 0))
			continue;
		if (k >= 0 && c->used[k / 64] >> (k % 64) & 1)
			continue;
		for (; v->string[i] && i + 1 < sizeof key; i++) {
			shown[i] = isprint((unsigned char)v->string[i]) ? v->string[i] : '?';
			key[i] = (char)tolower((unsigned char)shown[i]);
		}
		key[i] = shown[i] = 0;
		if (k >= 0 || holds(structural, sizeof structural / sizeof *structural, key) ||
		    (c->guessed && holds(shaped, sizeof shaped / sizeof *shaped, key))) {
			import_fail(c, E_ARCH, "architecture %s: what the key %s changes is not established",
				c->type[0] ? c->type : "without model_type", shown);
			error_hint(c->err, "describe the model in models.d, or use a GGUF file of it");
			return;
		}
		if (n++ < 4)
			len += (size_t)snprintf(names + len, sizeof names - len, "%s%.40s", n > 1 ? ", " : "", shown);
	}
	if (n && !early)
		import_warn(c, "%u keys of the configuration are not known here, taken to change no size: %s%s", n, names,
			n > 4 ? ", ..." : "");
}
