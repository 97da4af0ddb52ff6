/* import_config_family.c - what a model_type implies beside the keys of its config.json
 *
 * Class defaults and tensors without a key of their own: transformers 5.23, src/transformers/models/NAME/configuration_NAME.py
 * and
 * modeling_NAME.py; DeepSeek V4, Kimi K3, MiMo V2 and Step 3.x also llama.cpp 0c1e57098, conversion/NAME.py. */
#include "catalog/import_config_read.h"

#include <string.h>

#define SAND NORM_SANDWICH
#define HEADS QK_NORM_HEAD
#define GATED .matrices = 3
#define MOE_SIGMOID .score = SCORE_SIGMOID
#define GEMMA_DEFAULTS .vocab = 262208, .heads = 8, .kv_heads = 4, .head_dim = 256

const struct family family_llama = { "", "unknown", 0, GATED };

static const struct family families[] = {
	{ "llama", "llama", FAM_NEEDS_TIED, GATED },
	{ "mistral", "llama", 0, GATED, .kv_heads = 8 },
	{ "ministral", "llama", 0, GATED, .kv_heads = 8 },
	{ "ministral3", "mistral3", FAM_NEEDS_TIED, GATED, .kv_heads = 8, .head_dim = 128 },
	{ "mistral4", "mistral4", 0, GATED },
	{ "mixtral", "llama", 0, GATED, .kv_heads = 8, .eps = 1e-5 },
	{ "nemotron-nas", "deci", 0, GATED },
	{ "llama4_text", "llama4", FAM_SHARED_ONE, GATED, MOE_SIGMOID, .kv_heads = 8, .head_dim = 128, .eps = 1e-5, .theta = 5e5 },
	{ "smollm3", "smollm3", FAM_TIED | FAM_WINDOW_FLAG, GATED, .kv_heads = 4, .nope_interval = 4 },
	{ "seed_oss", "seed_oss", FAM_QKV_BIAS | FAM_O_PLAIN, GATED, .kv_heads = 8, .head_dim = 128 },
	{ "arcee", "arcee", 0, .matrices = 2, .act = ACT_RELU2, .eps = 1e-5 },
	{ "exaone4", "exaone4", FAM_NOPE_FULL, GATED, .norms = NORM_POST, .qk_norm = HEADS, .pattern = 4, .eps = 1e-5 },
	{ "nemotron", "nemotron", 0, .norm_type = NORM_LAYER_BIAS, .matrices = 2, .act = ACT_RELU2, .eps = 1e-5 },
	{ "starcoder2", "starcoder2", FAM_TIED | FAM_BIASES, .norm_type = NORM_LAYER_BIAS, .matrices = 2, .act = ACT_GELU_TANH,
	  .kv_heads = 2, .eps = 1e-5 },

	{ "qwen2", "qwen2", FAM_QKV_BIAS | FAM_O_PLAIN | FAM_WINDOW_FLAG | FAM_NEEDS_TIED, GATED },
	{ "qwen2_vl", "qwen2vl", FAM_QKV_BIAS | FAM_O_PLAIN | FAM_WINDOW_FLAG | FAM_NEEDS_TIED, GATED },
	{ "qwen2_moe", "qwen2moe", FAM_QKV_BIAS | FAM_O_PLAIN | FAM_WINDOW_FLAG | FAM_SHARED_GATE, GATED },
	{ "qwen3", "qwen3", FAM_WINDOW_FLAG | FAM_NEEDS_TIED, GATED, .qk_norm = HEADS, .head_dim = 128 },
	{ "qwen3_moe", "qwen3moe", FAM_WINDOW_FLAG, GATED, .qk_norm = HEADS },
	{ "qwen3_vl_text", "qwen3vl", FAM_NEEDS_TIED, GATED, .qk_norm = HEADS, .head_dim = 128 },
	{ "qwen3_vl_moe_text", "qwen3vlmoe", 0, GATED, .qk_norm = HEADS },
	{ "qwen3_next", "qwen3next", FAM_GATE_ELEMENT | FAM_SHARED_GATE | FAM_WINDOW_FLAG, GATED, .qk_norm = HEADS, .head_dim = 256,
	  .mtp = 1 },
	{ "qwen3_5_text", "qwen35", FAM_GATE_ELEMENT | FAM_NEEDS_TIED, GATED, .qk_norm = HEADS, .head_dim = 256 },
	{ "qwen3_5_moe_text", "qwen35moe", FAM_GATE_ELEMENT | FAM_SHARED_GATE, GATED, .qk_norm = HEADS, .head_dim = 256 },
	{ "mimo", "unknown", FAM_QKV_BIAS | FAM_O_PLAIN | FAM_WINDOW_FLAG, GATED },
	{ "mimo_v2_flash", "mimo2", FAM_ROUTER_BIAS | FAM_MTP_WINDOW, GATED, MOE_SIGMOID, .head_dim = 192, .mtp = 3, .eps = 1e-5 },
	{ "step3p5", "step35", FAM_GATE_HEAD | FAM_ROUTER_BIAS | FAM_MTP_WINDOW | FAM_MTP_HEAD, GATED, MOE_SIGMOID, .qk_norm = HEADS,
	  .kv_heads = 8, .head_dim = 128, .eps = 1e-5, .theta = 5e6, .theta_local = 1e4 },
	{ "step3p7", "step35", FAM_GATE_HEAD | FAM_ROUTER_BIAS | FAM_MTP_ABSENT, GATED, MOE_SIGMOID, .qk_norm = HEADS, .kv_heads = 8,
	  .head_dim = 128, .eps = 1e-5, .theta = 5e6, .theta_local = 1e4 },

	{ "deepseek_v2", "deepseek2", 0, GATED },
	{ "deepseek_v3", "deepseek2", FAM_ROUTER_BIAS | FAM_MTP_OWN, GATED, MOE_SIGMOID },
	{ "deepseek_v32", "deepseek32", FAM_ROUTER_BIAS | FAM_MTP_OWN, GATED, MOE_SIGMOID },
	{ "deepseek_v4", "deepseek4", FAM_ROUTER_BIAS | FAM_SINKS, GATED, .score = SCORE_SQRT_SOFTPLUS, .head_dim = 512 },
	{ "kimi_k2", "deepseek2", FAM_ROUTER_BIAS | FAM_MTP_OWN, GATED, MOE_SIGMOID },
	{ "kimi_linear", "kimi-linear", FAM_ROUTER_BIAS, GATED, MOE_SIGMOID, .eps = 1e-5 },
	{ "kimi_k3", "kimi-k3", FAM_ROUTER_BIAS, GATED, MOE_SIGMOID, .eps = 1e-5 },
	{ "dots1", "dots1", FAM_ROUTER_BIAS, GATED, MOE_SIGMOID, .qk_norm = HEADS },
	{ "glm4", "glm4", FAM_QKV_BIAS | FAM_O_PLAIN, GATED, .norms = SAND, .kv_heads = 2, .head_dim = 128 },
	{ "glm4_moe", "glm4moe", FAM_ROUTER_BIAS | FAM_O_PLAIN | FAM_QK_NORM_KEY | FAM_MTP_OWN | FAM_GGUF_MTP, GATED, MOE_SIGMOID,
	  .qk_norm = HEADS, .kv_heads = 8, .eps = 1e-5 },
	{ "glm4_moe_lite", "deepseek2", FAM_ROUTER_BIAS | FAM_MTP_OWN, GATED, MOE_SIGMOID, .eps = 1e-5 },
	{ "glm_moe_dsa", "glm-dsa", FAM_ROUTER_BIAS | FAM_GGUF_MTP, GATED, MOE_SIGMOID, .eps = 1e-5 },
	{ "minimax_m2", "minimax-m2", FAM_QK_NORM_KEY | FAM_ROUTER_BIAS | FAM_MTP_ABSENT, GATED, MOE_SIGMOID, .qk_norm = QK_NORM_FULL,
	  .kv_heads = 8, .head_dim = 128 },
	{ "minimax_m3", "minimax-m3", FAM_QK_NORM_KEY | FAM_ROUTER_BIAS | FAM_MTP_ABSENT, GATED, MOE_SIGMOID, .qk_norm = HEADS,
	  .act = ACT_SWIGLU_OAI, .kv_heads = 4, .head_dim = 128, .theta = 5e6 },
	{ "gpt_oss", "gpt-oss", FAM_QKV_BIAS | FAM_SINKS | FAM_ROUTER_BIAS, GATED, .score = SCORE_TOPK_SOFTMAX, .act = ACT_SWIGLU_OAI,
	  .kv_heads = 8, .head_dim = 64, .pattern = 2, .eps = 1e-5, .theta = 1.5e5 },
	{ "ernie4_5", "ernie4_5", FAM_TIED, GATED, .kv_heads = 2, .head_dim = 128, .eps = 1e-5, .theta = 5e5 },
	{ "ernie4_5_moe", "ernie4_5-moe", FAM_TIED | FAM_ROUTER_BIAS, GATED, .kv_heads = 4, .eps = 1e-5, .theta = 5e5 },
	{ "hy_v3", "hy_v3", FAM_ROUTER_BIAS, GATED, MOE_SIGMOID, .qk_norm = HEADS, .kv_heads = 8, .head_dim = 128, .eps = 1e-5 },
	{ "bailing_moe", "bailingmoe2", FAM_QK_NORM_KEY | FAM_O_PLAIN, GATED, .qk_norm = HEADS },

	{ "gemma", "gemma", FAM_TIED | FAM_EMBED_SCALE, GATED, .act = ACT_GELU_TANH, .head_dim = 256 },
	{ "gemma2", "gemma2", FAM_TIED | FAM_EMBED_SCALE, GATED, .norms = SAND, .act = ACT_GELU_TANH, .kv_heads = 4, .head_dim = 256,
	  .pattern = 2 },
	{ "gemma3_text", "gemma3", FAM_TIED | FAM_EMBED_SCALE, GATED, .norms = SAND, .qk_norm = HEADS, .act = ACT_GELU_TANH,
	  .pattern = 6,
	  GEMMA_DEFAULTS, .theta = 1e6, .theta_local = 1e4 },
	{ "gemma4_text", "gemma4", FAM_TIED | FAM_EMBED_SCALE | FAM_LAYER_SCALE, GATED, .norms = SAND, .qk_norm = HEADS,
	  .act = ACT_GELU_TANH, .kv_heads = 4, .head_dim = 256, .theta = 1e6, .theta_local = 1e4 },
	{ "phi", "phi2", FAM_PARALLEL | FAM_BIASES, .norm_type = NORM_LAYER_BIAS, .matrices = 2, .act = ACT_GELU_TANH, .eps = 1e-5 },
	{ "phi3", "phi3", FAM_NEEDS_TIED, GATED, .eps = 1e-5 },
	{ "cohere", "command-r", FAM_TIED | FAM_PARALLEL | FAM_QK_NORM_KEY, GATED, .norm_type = NORM_LAYER, .qk_norm = QK_NORM_FULL,
	  .eps = 1e-5 },
	{ "cohere2", "cohere2", FAM_TIED | FAM_PARALLEL | FAM_NOPE_FULL, GATED, .norm_type = NORM_LAYER, .pattern = 4, .eps = 1e-5 },
	{ "olmo2", "olmo2", 0, GATED, .norms = NORM_POST, .qk_norm = QK_NORM_FULL, .eps = 1e-5 },
	{ "olmo3", "olmo2", 0, GATED, .norms = NORM_POST, .qk_norm = QK_NORM_FULL, .pattern = 4, .eps = 1e-5 },
	{ "olmoe", "olmoe", 0, GATED, .qk_norm = QK_NORM_FULL, .eps = 1e-5 },
	{ "granite", "granite", FAM_NEEDS_TIED, GATED },
	{ "granitemoe", "granitemoe", FAM_NEEDS_TIED, GATED },
	{ "granitemoeshared", "granitemoe", FAM_NEEDS_TIED, GATED },
	{ "granitemoehybrid", "granitehybrid", FAM_NEEDS_TIED, GATED },
	{ "nemotron_h", "nemotron_h", FAM_SINGLE | FAM_NOPE, .matrices = 2, .act = ACT_RELU2, MOE_SIGMOID, .kv_heads = 8,
	  .head_dim = 128,
	  .eps = 1e-5 },
	{ "falcon_h1", "falcon-h1", 0, GATED, .kv_heads = 8, .eps = 1e-5 },
	{ "lfm2", "lfm2", FAM_TIED, GATED, .qk_norm = HEADS, .kv_heads = 8, .eps = 1e-5, .theta = 1e6 },
	{ "lfm2_moe", "lfm2moe", FAM_TIED, GATED, MOE_SIGMOID, .qk_norm = HEADS, .kv_heads = 8, .eps = 1e-5, .theta = 1e6 },
};

/* Words that mean one of the above: wrappers with a text config, and private words of a repository. */
static const struct { const char *word, *model_type; } same[] = {
	{ "llama4", "llama4_text" }, { "gemma3", "gemma3_text" }, { "gemma4", "gemma4_text" }, { "qwen3_5", "qwen3_5_text" },
	{ "qwen3_5_moe", "qwen3_5_moe_text" }, { "qwen3_vl", "qwen3_vl_text" }, { "qwen3_vl_moe", "qwen3_vl_moe_text" },
	{ "minimax_m3_vl", "minimax_m3" }, { "minimax_m3_vl_text", "minimax_m3" }, { "step3p7_text", "step3p7" },
	{ "qwen2_5_vl", "qwen2_vl" }, { "qwen2_vl_text", "qwen2_vl" }, { "qwen2_5_vl_text", "qwen2_vl" },
	{ "bailing_moe_v2", "bailing_moe" }, { "deepseek_v3_2", "deepseek_v32" }, { "moonshot", "deepseek_v3" },
};
static const struct { const char *class_name, *model_type; } classes[] = {
	{ "DeepseekV4ForCausalLM", "deepseek_v4" }, { "DeepseekV3ForCausalLM", "deepseek_v3" }, { "LlamaForCausalLM", "llama" },
	{ "Qwen2ForCausalLM", "qwen2" }, { "Qwen3ForCausalLM", "qwen3" }, { "Qwen3MoeForCausalLM", "qwen3_moe" },
	{ "MistralForCausalLM", "mistral" }, { "DeciLMForCausalLM", "nemotron-nas" },
};

const struct family *family_find(const char *model_type)
{
	for (unsigned i = 0; i < sizeof same / sizeof *same; i++)
		if (!strcmp(same[i].word, model_type)) {
			model_type = same[i].model_type;
			break;
		}
	for (unsigned i = 0; i < sizeof families / sizeof *families; i++)
		if (!strcmp(families[i].model_type, model_type))
			return &families[i];
	return NULL;
}

const struct family *family_by_class(const char *class_name)
{
	for (unsigned i = 0; i < sizeof classes / sizeof *classes; i++)
		if (!strcmp(classes[i].class_name, class_name))
			return family_find(classes[i].model_type);
	return NULL;
}
