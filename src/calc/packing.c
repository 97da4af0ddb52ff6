/* packing.c - the table of what each architecture fuses or splits in a GGUF file */
#include "calc/packing.h"

#include <string.h>

/* llama.cpp 0c1e57098, src/models/: the architectures whose loader asks for a fused tensor. */
static const struct { const char *arch; struct packing_traits t; } gguf_table[] = {
	{ "phi2", { .fused_qkv = 1 } },
	{ "phi3", { .fused_qkv = 1, .fused_gate_up = 1 } },
	{ "dbrx", { .fused_qkv = 1 } },
	{ "falcon", { .fused_qkv = 1 } },
	{ "mpt", { .fused_qkv = 1 } },
	{ "gpt2", { .fused_qkv = 1 } },
	{ "gptneox", { .fused_qkv = 1 } },
	{ "bloom", { .fused_qkv = 1 } },
	{ "starcoder", { .fused_qkv = 1 } },
	{ "qwen", { .fused_qkv = 1 } },
	{ "bailingmoe2", { .fused_qkv = 1 } },
	{ "chatglm", { .fused_qkv = 1, .fused_gate_up = 1 } },
	{ "glm4", { .fused_gate_up = 1 } },
	{ "gemma4", { .fused_expert_gate_up = 1 } },
	{ "qwen35", { .split_beta_alpha = 1 } },
	{ "qwen35moe", { .split_beta_alpha = 1 } },
};

struct packing_traits packing_for(enum packing p, const char *architecture)
{
	struct packing_traits t = { 0 };

	if (p == PACK_GGUF) {
		for (unsigned i = 0; architecture && i < sizeof gguf_table / sizeof *gguf_table; i++)
			if (!strcmp(gguf_table[i].arch, architecture))
				t = gguf_table[i].t;
		t.split_kv_b = 1;
		t.rope_tables = 1;
		t.res_scores_folded = 1;
	}
	return t;
}
