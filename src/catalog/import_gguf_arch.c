/* import_gguf_arch.c - the architectures whose loader was read: llama.cpp 0c1e57098, src/models/NAME.cpp
 *
 * Only what the metadata leave open: activation, default pattern of windows, layers without rotation, default score of the
 * router.
 * What layers consist of is not here: the tensors say it. */
#include "catalog/import_gguf_arch.h"

#include "catalog/model_spec.h"

#include <string.h>

static const struct arch_facts table[] = {
	{ .name = "afmoe", .score = SCORE_SIGMOID, .spans = SPANS_PATTERN, .period = 4, .rope = ROPE_NOT_EVERY_4TH },
	{ .name = "arcee", .act = ACT_RELU2 },
	{ .name = "codeshell", .act = ACT_GELU },
	{ .name = "cohere2", .spans = SPANS_PATTERN, .period = 4, .rope = ROPE_WINDOW_ONLY },
	{ .name = "cohere2moe", .score = SCORE_SIGMOID, .spans = SPANS_PATTERN, .period = 4, .full_first = 1, .rope = ROPE_WINDOW_OR_DENSE },
	{ .name = "deci", .flags = ARCH_NO_OPS },
	{ .name = "deepseek4", .score = SCORE_SQRT_SOFTPLUS, .spans = SPANS_ALL },
	{ .name = "exaone-moe", .score = SCORE_SIGMOID, .spans = SPANS_PATTERN, .period = 4, .window = 128, .rope = ROPE_WINDOW_ONLY },
	{ .name = "exaone4", .spans = SPANS_PATTERN, .period = 4, .window = 4096, .rope = ROPE_WINDOW_ONLY,
		.flags = ARCH_WINDOW_64_LAYERS },
	{ .name = "falcon", .act = ACT_GELU },
	{ .name = "gemma", .act = ACT_GELU_TANH, .flags = ARCH_EMBED_SCALE },
	{ .name = "gemma2", .act = ACT_GELU_TANH, .spans = SPANS_PATTERN, .period = 2, .window = 4096,
		.flags = ARCH_EMBED_SCALE | ARCH_SOFTCAPS },
	{ .name = "gemma3", .act = ACT_GELU_TANH, .spans = SPANS_PATTERN, .period = 6,
		.flags = ARCH_EMBED_SCALE | ARCH_PLAIN_WINDOW },
	{ .name = "gemma3n", .act = ACT_GELU_TANH, .spans = SPANS_PATTERN, .period = 5,
		.flags = ARCH_EMBED_SCALE | ARCH_SHARED_FROM_20 | ARCH_UNDESCRIBED | ARCH_PLAIN_WINDOW },
	{ .name = "gemma4", .act = ACT_GELU_TANH, .spans = SPANS_ARRAY, .flags = ARCH_EMBED_SCALE | ARCH_PLAIN_WINDOW },
	{ .name = "glm-dsa", .score = SCORE_SIGMOID }, { .name = "glm4moe", .score = SCORE_SIGMOID },
	{ .name = "gpt2", .act = ACT_GELU_TANH, .rope = ROPE_NOWHERE }, { .name = "gptneox", .act = ACT_GELU },
	{ .name = "gpt-oss", .act = ACT_SWIGLU_OAI, .score = SCORE_TOPK_SOFTMAX, .spans = SPANS_PATTERN, .period = 2 },
	{ .name = "granite", .rope = ROPE_BY_KEY },
	{ .name = "granitehybrid", .rope = ROPE_BY_KEY }, { .name = "granite_swa", .spans = SPANS_ARRAY, .rope = ROPE_BY_KEY },
	{ .name = "grok", .act = ACT_GELU_TANH },
	{ .name = "hy_v3", .score = SCORE_SIGMOID },
	{ .name = "jais2", .act = ACT_RELU2 },
	{ .name = "kimi-linear", .rope = ROPE_NOWHERE }, { .name = "kimi-k3", .act = ACT_SITU, .rope = ROPE_NOWHERE },
	{ .name = "laguna", .score = SCORE_SIGMOID, .spans = SPANS_PATTERN, .period = 4, .full_first = 1, .flags = ARCH_PLAIN_WINDOW },
	{ .name = "lfm2", .spans = SPANS_ALL }, { .name = "lfm2moe", .spans = SPANS_ALL },
	{ .name = "llama4", .score = SCORE_SIGMOID, .spans = SPANS_CHUNK, .period = 4, .rope = ROPE_NOT_EVERY_4TH },
	{ .name = "mellum", .spans = SPANS_PATTERN, .period = 4, .flags = ARCH_PLAIN_WINDOW },
	{ .name = "mimo2", .score = SCORE_SIGMOID, .spans = SPANS_ARRAY, .flags = ARCH_PLAIN_WINDOW },
	{ .name = "minimax-m3", .act = ACT_SWIGLU_OAI },
	{ .name = "muse-glimmer", .spans = SPANS_PATTERN, .period = 4, .rope = ROPE_WINDOW_ONLY },
	{ .name = "nemotron", .act = ACT_RELU2 },
	{ .name = "nemotron_h", .act = ACT_RELU2, .score = SCORE_SIGMOID, .rope = ROPE_NOWHERE, .flags = ARCH_RMS },
	{ .name = "nemotron_h_moe", .act = ACT_RELU2, .score = SCORE_SIGMOID, .rope = ROPE_NOWHERE, .flags = ARCH_RMS },
	{ .name = "olmo2", .spans = SPANS_PATTERN, .period = 4, .flags = ARCH_PLAIN_WINDOW },
	{ .name = "phimoe", .flags = ARCH_LAYER_NORM },
	{ .name = "phi2", .act = ACT_GELU_TANH },
	{ .name = "plamo3", .spans = SPANS_PATTERN, .period = 8 },
	{ .name = "plm", .act = ACT_RELU2 },
	{ .name = "smallthinker", .act = ACT_RELU, .spans = SPANS_PATTERN, .period = 4, .full_first = 1, .rope = ROPE_NOT_FIRST_OF_4 },
	{ .name = "smollm3", .rope = ROPE_NOT_EVERY_4TH },
	{ .name = "spark2_5", .act = ACT_GELU, .spans = SPANS_ARRAY },
	{ .name = "starcoder", .act = ACT_GELU_TANH, .rope = ROPE_NOWHERE }, { .name = "starcoder2", .act = ACT_GELU_TANH },
	{ .name = "step35", .score = SCORE_SIGMOID, .spans = SPANS_ARRAY, .flags = ARCH_HALF_FULL_ROPE },
};

/* Everything as usual: SiLU, full attention, rotation everywhere, softmax over the experts. */
static const char *const usual[] = {
	"arctic", "baichuan", "bailingmoe", "bailingmoe2", "chatglm", "command-r", "dbrx", "deepseek", "deepseek2",
	"deepseek2-ocr", "deepseek32", "dots1", "ernie4_5", "ernie4_5-moe", "exaone", "falcon-h1", "glm4",
	"granitemoe", "hunyuan-dense", "hunyuan-moe", "hunyuan_vl", "internlm2", "llada", "llada-moe", "llama", "maincoder",
	"mamba2", "minicpm", "minicpm3", "minimax-m2", "mistral3", "mistral4", "olmo", "olmoe", "openelm", "orion", "phi3",
	"qwen", "qwen2", "qwen2moe", "qwen2vl", "qwen3", "qwen35", "qwen35moe", "qwen3moe", "qwen3next",
	"qwen3vl", "qwen3vlmoe", "rnd1", "seed_oss", "stablelm", "xverse",
};
static const struct arch_facts usual_facts = { .name = "" };

const struct arch_facts *gi_arch_find(const char *name)
{
	for (unsigned i = 0; i < sizeof table / sizeof *table; i++)
		if (!strcmp(table[i].name, name))
			return &table[i];
	for (unsigned i = 0; i < sizeof usual / sizeof *usual; i++)
		if (!strcmp(usual[i], name))
			return &usual_facts;
	return NULL;
}
