/* import_gguf_arch.c - the architectures whose loader was read: llama.cpp 0c1e57098, src/models/NAME.cpp
 *
 * Only what the metadata leave open: activation, default pattern of windows, layers without rotation, default score of the router.
 * What layers consist of is not here: the tensors say it. */
#include "catalog/import_gguf_arch.h"

#include "catalog/model_spec.h"

#include <string.h>

static const struct arch_facts table[] = {
	{ "afmoe", .score = SCORE_SIGMOID, .spans = SPANS_PATTERN, .period = 4, .rope = ROPE_NOT_EVERY_4TH, .flags = ARCH_EMBED_SCALE },
	{ "arcee", .act = ACT_RELU2 },
	{ "arctic" }, { "baichuan" }, { "bailingmoe" }, { "bailingmoe2" }, { "chatglm" }, { "dbrx" }, { "deepseek" },
	{ "codeshell", .act = ACT_GELU },
	{ "cohere2", .spans = SPANS_PATTERN, .period = 4, .rope = ROPE_WINDOW_ONLY },
	{ "cohere2moe", .score = SCORE_SIGMOID, .spans = SPANS_PATTERN, .period = 4, .full_first = 1 },
	{ "command-r" },
	{ "deci", .flags = ARCH_NO_OPS },
	{ "deepseek2" }, { "deepseek2-ocr" }, { "deepseek32" }, { "dots1" }, { "ernie4_5" }, { "ernie4_5-moe" }, { "exaone" },
	{ "exaone-moe", .score = SCORE_SIGMOID, .spans = SPANS_PATTERN, .period = 4, .window = 128, .rope = ROPE_WINDOW_ONLY },
	{ "exaone4", .spans = SPANS_PATTERN, .period = 4, .window = 4096, .rope = ROPE_WINDOW_ONLY, .flags = ARCH_WINDOW_64_LAYERS },
	{ "falcon", .act = ACT_GELU },
	{ "falcon-h1" },
	{ "gemma", .act = ACT_GELU_TANH, .flags = ARCH_EMBED_SCALE },
	{ "gemma2", .act = ACT_GELU_TANH, .spans = SPANS_PATTERN, .period = 2, .window = 4096, .flags = ARCH_EMBED_SCALE | ARCH_SOFTCAPS },
	{ "gemma3", .act = ACT_GELU_TANH, .spans = SPANS_PATTERN, .period = 6, .flags = ARCH_EMBED_SCALE },
	{ "gemma3n", .act = ACT_GELU_TANH, .spans = SPANS_PATTERN, .period = 5, .flags = ARCH_EMBED_SCALE | ARCH_SHARED_FROM_20 | ARCH_UNDESCRIBED },
	{ "gemma4", .act = ACT_GELU_TANH, .spans = SPANS_ARRAY, .flags = ARCH_EMBED_SCALE },
	{ "glm-dsa", .score = SCORE_SIGMOID }, { "glm4" }, { "glm4moe", .score = SCORE_SIGMOID },
	{ "gpt2", .act = ACT_GELU_TANH, .rope = ROPE_NOWHERE }, { "gptneox", .act = ACT_GELU },
	{ "gpt-oss", .act = ACT_SWIGLU_OAI, .score = SCORE_TOPK_SOFTMAX, .spans = SPANS_PATTERN, .period = 2 },
	{ "granite" }, { "granitemoe" }, { "granitehybrid", .rope = ROPE_BY_KEY },
	{ "granite_swa", .spans = SPANS_ARRAY },
	{ "grok", .act = ACT_GELU_TANH },
	{ "hunyuan-dense" }, { "hunyuan-moe" }, { "hunyuan_vl" }, { "hy_v3", .score = SCORE_SIGMOID },
	{ "internlm2" }, { "jais2", .act = ACT_RELU2 },
	{ "kimi-linear", .rope = ROPE_NOWHERE }, { "kimi-k3", .act = ACT_SITU, .rope = ROPE_NOWHERE },
	{ "laguna", .score = SCORE_SIGMOID, .spans = SPANS_PATTERN, .period = 4, .full_first = 1 },
	{ "lfm2", .spans = SPANS_ALL }, { "lfm2moe", .spans = SPANS_ALL },
	{ "llama" }, { "llada" }, { "llada-moe" },
	{ "llama4", .score = SCORE_SIGMOID, .spans = SPANS_CHUNK, .period = 4, .rope = ROPE_NOT_EVERY_4TH },
	{ "maincoder" }, { "mamba2" },
	{ "mellum", .spans = SPANS_PATTERN, .period = 4 },
	{ "mimo2", .score = SCORE_SIGMOID, .spans = SPANS_ARRAY },
	{ "minicpm" }, { "minicpm3" }, { "minimax-m2" }, { "minimax-m3", .act = ACT_SWIGLU_OAI }, { "mistral3" }, { "mistral4" },
	{ "muse-glimmer", .spans = SPANS_PATTERN, .period = 4, .rope = ROPE_WINDOW_ONLY },
	{ "nemotron", .act = ACT_RELU2 },
	{ "nemotron_h", .act = ACT_RELU2, .score = SCORE_SIGMOID, .rope = ROPE_NOWHERE, .flags = ARCH_RMS },
	{ "nemotron_h_moe", .act = ACT_RELU2, .score = SCORE_SIGMOID, .rope = ROPE_NOWHERE, .flags = ARCH_RMS },
	{ "olmo" }, { "olmo2", .spans = SPANS_PATTERN, .period = 4 }, { "olmoe" }, { "openelm" }, { "orion" },
	{ "phi2", .act = ACT_GELU_TANH }, { "phi3" }, { "phimoe" },
	{ "plamo3", .spans = SPANS_PATTERN, .period = 8 },
	{ "plm", .act = ACT_RELU2 },
	{ "qwen" }, { "qwen2" }, { "qwen2moe" }, { "qwen2vl" }, { "qwen3" }, { "qwen3moe" }, { "qwen3vl" }, { "qwen3vlmoe" }, { "qwen3next" },
	{ "qwen35" }, { "qwen35moe" }, { "rnd1" }, { "seed_oss" },
	{ "smallthinker", .act = ACT_RELU, .spans = SPANS_PATTERN, .period = 4, .full_first = 1, .rope = ROPE_NOT_FIRST_OF_4 },
	{ "smollm3", .rope = ROPE_NOT_EVERY_4TH },
	{ "spark2_5", .act = ACT_GELU, .spans = SPANS_ARRAY },
	{ "stablelm" }, { "starcoder", .act = ACT_GELU_TANH, .rope = ROPE_NOWHERE }, { "starcoder2", .act = ACT_GELU_TANH },
	{ "step35", .score = SCORE_SIGMOID, .spans = SPANS_ARRAY, .flags = ARCH_HALF_FULL_ROPE },
	{ "xverse" },
};

const struct arch_facts *arch_facts_find(const char *name)
{
	for (unsigned i = 0; i < sizeof table / sizeof *table; i++)
		if (!strcmp(table[i].name, name))
			return &table[i];
	return NULL;
}
