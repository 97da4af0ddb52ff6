/* weights_hf_families.h - the families that are run from safetensors: their tiny models (tests/tiny) and a config.json for each */
#ifndef TEST_WEIGHTS_HF_FAMILIES_H
#define TEST_WEIGHTS_HF_FAMILIES_H

#include "engine_tiny.h"
#include "weights_hf.h"

#define BASE "\"hidden_size\":64,\"vocab_size\":288,\"rms_norm_eps\":%s,\"max_position_embeddings\":4096,\"tie_word_embeddings\":false,\"hidden_act\":\"silu\",\"torch_dtype\":\"float32\","
#define HEADS(l, h, kv, d) "\"num_hidden_layers\":" #l ",\"num_attention_heads\":" #h ",\"num_key_value_heads\":" #kv ",\"head_dim\":" #d ","
static struct arena arena;
static struct quants quants;
static struct checkpoint c;
static char folder[64];

static const char qwen3moe_config[] = "{\"architectures\":[\"Qwen3MoeForCausalLM\"],\"model_type\":\"qwen3_moe\"," BASE HEADS(3, 4, 2, 32) "\"intermediate_size\":96,\"moe_intermediate_size\":32,"
	"\"num_experts\":8,\"num_experts_per_tok\":2,\"norm_topk_prob\":true,\"decoder_sparse_step\":1,\"mlp_only_layers\":[],\"rope_theta\":1000000.0%s}";
static const struct hf_family families[] = {
	{ "mixtral", "{\"architectures\":[\"MixtralForCausalLM\"],\"model_type\":\"mixtral\"," BASE HEADS(3, 4, 2, 32) "\"intermediate_size\":96,\"num_local_experts\":8,\"num_experts_per_tok\":2,"
	  "\"rope_theta\":10000.0,\"sliding_window\":null%s}", "model.", "block_sparse_moe", "block_sparse_moe.gate", "", W123, 1 },
	{ "qwen3moe", qwen3moe_config, "model.", "mlp", "mlp.gate", "", EACH, 0 },
	{ "qwen2moe", "{\"architectures\":[\"Qwen2MoeForCausalLM\"],\"model_type\":\"qwen2_moe\"," BASE HEADS(3, 4, 2, 16) "\"intermediate_size\":96,\"moe_intermediate_size\":32,"
	  "\"shared_expert_intermediate_size\":48,\"num_experts\":8,\"num_experts_per_tok\":2,\"rope_theta\":10000.0%s}", "model.", "mlp", "mlp.gate", "mlp.shared_expert", EACH, 0 },
	{ "olmoe", "{\"architectures\":[\"OlmoeForCausalLM\"],\"model_type\":\"olmoe\"," BASE HEADS(3, 4, 4, 16) "\"intermediate_size\":96,\"num_experts\":8,\"num_experts_per_tok\":2,"
	  "\"rope_theta\":10000.0%s}", "model.", "mlp", "mlp.gate", "", EACH, 0 },
	{ "glm4moe", "{\"architectures\":[\"Glm4MoeForCausalLM\"],\"model_type\":\"glm4_moe\"," BASE HEADS(3, 4, 2, 32) "\"intermediate_size\":96,\"moe_intermediate_size\":32,\"n_routed_experts\":8,"
	  "\"num_experts_per_tok\":2,\"n_shared_experts\":1,\"first_k_dense_replace\":1,\"partial_rotary_factor\":0.5,\"use_qk_norm\":true,\"attention_bias\":true,\"norm_topk_prob\":true,"
	  "\"routed_scaling_factor\":1.5,\"n_group\":1,\"topk_group\":1,\"num_nextn_predict_layers\":0,\"rope_theta\":10000.0%s}", "model.", "mlp", "mlp.gate", "mlp.shared_experts", EACH, 0 },
	{ "deepseek2", "{\"architectures\":[\"DeepseekV3ForCausalLM\"],\"model_type\":\"deepseek_v3\"," BASE "\"num_hidden_layers\":3,\"num_attention_heads\":4,\"num_key_value_heads\":4,"
	  "\"intermediate_size\":96,\"moe_intermediate_size\":32,\"n_routed_experts\":8,\"num_experts_per_tok\":2,\"n_shared_experts\":1,\"first_k_dense_replace\":1,\"moe_layer_freq\":1,"
	  "\"kv_lora_rank\":40,\"q_lora_rank\":48,\"qk_nope_head_dim\":32,\"qk_rope_head_dim\":16,\"v_head_dim\":24,\"n_group\":4,\"topk_group\":2,\"topk_method\":\"noaux_tc\","
	  "\"scoring_func\":\"sigmoid\",\"norm_topk_prob\":true,\"routed_scaling_factor\":2.5,\"num_nextn_predict_layers\":0,\"rope_theta\":10000.0,\"rope_scaling\":{\"type\":\"yarn\",\"factor\":4.0,"
	  "\"beta_fast\":32,\"beta_slow\":1,\"mscale\":1.0,\"mscale_all_dim\":1.0,\"original_max_position_embeddings\":64}%s}", "model.", "mlp", "mlp.gate", "mlp.shared_experts", EACH, 0 },
	{ "qwen3vlmoe", "{\"architectures\":[\"Qwen3VLMoeForConditionalGeneration\"],\"model_type\":\"qwen3_vl_moe\",\"tie_word_embeddings\":false,\"text_config\":{\"model_type\":\"qwen3_vl_moe_text\","
	  BASE HEADS(3, 4, 2, 32) "\"intermediate_size\":96,\"moe_intermediate_size\":32,\"num_experts\":8,\"num_experts_per_tok\":2,\"norm_topk_prob\":true,\"rope_theta\":5000000.0%s}}",
	  "model.language_model.", "mlp", "mlp.gate", "", STACK, 0 },
	{ "gpt-oss", "{\"architectures\":[\"GptOssForCausalLM\"],\"model_type\":\"gpt_oss\"," BASE HEADS(4, 8, 2, 32) "\"intermediate_size\":32,\"num_local_experts\":8,\"num_experts_per_tok\":4,"
	  "\"attention_bias\":true,\"sliding_window\":16,\"swiglu_limit\":7.0,\"layer_types\":[\"sliding_attention\",\"full_attention\",\"sliding_attention\",\"full_attention\"],\"rope_theta\":150000.0,"
	  "\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":4.0,\"beta_fast\":32.0,\"beta_slow\":1.0,\"truncate\":false,\"original_max_position_embeddings\":64}%s}",
	  "model.", "mlp", "mlp.router", "", STACK_MIXED, 0 },
	{ "gpt-oss-mxfp4", "{\"architectures\":[\"GptOssForCausalLM\"],\"model_type\":\"gpt_oss\"," BASE HEADS(4, 8, 2, 32) "\"intermediate_size\":64,\"num_local_experts\":8,\"num_experts_per_tok\":4,"
	  "\"attention_bias\":true,\"sliding_window\":16,\"swiglu_limit\":7.0,\"layer_types\":[\"sliding_attention\",\"full_attention\",\"sliding_attention\",\"full_attention\"],\"rope_theta\":150000.0,"
	  "\"quantization_config\":{\"quant_method\":\"mxfp4\",\"modules_to_not_convert\":[\"model.layers.*.self_attn\",\"model.layers.*.mlp.router\",\"model.embed_tokens\",\"lm_head\"]},"
	  "\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":4.0,\"beta_fast\":32.0,\"beta_slow\":1.0,\"truncate\":false,\"original_max_position_embeddings\":64}%s}",
	  "model.", "mlp", "mlp.router", "", STACK_MIXED, 0 },
	{ "llama4", "{\"architectures\":[\"Llama4ForConditionalGeneration\"],\"model_type\":\"llama4\",\"text_config\":{\"model_type\":\"llama4_text\"," BASE HEADS(4, 4, 2, 32)
	  "\"intermediate_size\":32,\"intermediate_size_mlp\":96,\"interleave_moe_layer_step\":2,\"num_local_experts\":16,\"num_experts_per_tok\":1,\"attention_chunk_size\":8192,\"use_qk_norm\":true,"
	  "\"attn_temperature_tuning\":4,\"floor_scale\":8192,\"attn_scale\":0.1,\"rope_theta\":500000.0,\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":16.0,\"low_freq_factor\":1.0,"
	  "\"high_freq_factor\":1.0,\"original_max_position_embeddings\":8192}%s}}", "language_model.model.", "feed_forward", "feed_forward.router", "feed_forward.shared_expert", STACK, 0 },
};
enum { FAMILIES = sizeof families / sizeof *families };

static struct weights *open_tiny(const char *name)
{
	struct error err = { 0 };
	struct weights *w = NULL;
	const char *path = tiny_make(name);

	if (!path || weights_open(&w, path, &quants, &err) != OK)
		printf("# %s: %s\n", name, err.text);
	if (path)
		unlink(path);
	return w;
}

static uint64_t head_of(const struct weights *w)
{
	for (unsigned i = 0; i < w->model.n_parts; i++)
		if (w->model.parts[i].type == PART_GQA)
			return w->model.parts[i].u.gqa.k_dim;
	return 0;
}

static const char *config_of(const struct hf_family *f, const char *more)
{
	static char text[4096];

	snprintf(text, sizeof text, f->config, strstr(f->tiny, "qwen") ? "1e-06" : "1e-05", more);
	return text;
}

static void hf_begin(void)
{
	struct error err = { 0 };

	snprintf(folder, sizeof folder, "/tmp/ullage-hf-XXXXXX");
	if (quants_load(&quants, &arena, "data/quants.yaml", &err) != OK || !mkdtemp(folder)) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
}
static int hf_end(void)
{
	rmdir(folder);
	arena_free(&arena);
	return done_testing();
}

#endif
