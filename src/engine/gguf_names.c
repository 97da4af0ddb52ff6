/* gguf_names.c - tensors as llama.cpp's files of an architecture call and shape them, where that is not weight_names.h
 *
 * llama.cpp 0c1e57098 src/models/NAME.cpp, load_arch_tensors(). */
#include "engine/weights_private.h"

#include <string.h>

int gguf_arch_in(const char *arch, const char *list)
{
	size_t n = arch ? strlen(arch) : 0;

	for (const char *p = n ? strstr(list, arch) : NULL; p; p = strstr(p + 1, arch))
		if ((p == list || p[-1] == ' ') && (!p[n] || p[n] == ' '))
			return 1;
	return 0;
}

const char *gguf_tensor_name(struct arena *a, const struct model_spec *m, unsigned id, int layer)
{
	static const struct { const char *arch; uint16_t id; const char *name; } own[] = {
		{ "qwen3next qwen35 qwen35moe glm4moe gpt-oss seed_oss", W_FFN_NORM, "post_attention_norm.weight" },
		{ "falcon-h1", W_FFN_NORM, "ffn_norm" },         /* without a suffix: falcon-h1.cpp */
		{ "lfm2 lfm2moe", W_OUT_NORM, "token_embd_norm.weight" },
		{ "hy_v3", W_ROUTER_BIAS, "exp_probs_b" },
		{ "kimi-k3", W_LATENT_IN, "ffn_routed_down.weight" }, { "kimi-k3", W_LATENT_OUT, "ffn_routed_up.weight" },
	};
	const char *name = weight_gguf(id);

	for (unsigned i = 0; i < sizeof own / sizeof *own; i++)
		if (own[i].id == id && gguf_arch_in(m->architecture, own[i].arch))
			name = own[i].name;
	if (!*name)                              /* no file has it: any name that is none */
		name = weight_role(id) < ROLES ? role_names[weight_role(id)] : "unnamed";
	return layer < 0 ? arena_strdup(a, name) : arena_printf(a, "blk.%d.%s", layer, name);
}

static const struct part *part_of(const struct model_spec *m, int layer, unsigned type)
{
	const struct layer_kind *k = layer >= 0 && (uint32_t)layer < m->n_layers ? &m->kinds[m->kind_of[layer]] : NULL;

	for (unsigned b = 0; k && b < k->n_branches; b++)
		for (unsigned i = 0; i < k->branch[b].n_parts; i++)
			if (m->parts[k->branch[b].part[i]].type == type)
				return &m->parts[k->branch[b].part[i]];
	return NULL;
}

void gguf_tensor_shape(uint64_t ne[4], const struct model_spec *m, unsigned id, int layer)
{
	const struct part *mamba = part_of(m, layer, PART_MAMBA2), *delta = part_of(m, layer, PART_DELTA), *gqa = part_of(m, layer, PART_GQA);

	if (mamba && (id == W_SSM_A || id == W_SSM_D)) {
		ne[1] = ne[0];
		ne[0] = 1;
	} else if (mamba && id == W_SSM_NORM && mamba->u.mamba2.groups) {
		ne[1] = mamba->u.mamba2.groups;
		ne[0] /= ne[1];
	} else if (delta && delta->u.delta.per_channel_decay && (id == W_SSM_CONV_Q || id == W_SSM_CONV_K || id == W_SSM_CONV_V)) {
		ne[2] = ne[1];
		ne[1] = 1;
	} else if (delta && delta->u.delta.per_channel_decay && id == W_SSM_A && strcmp(m->architecture, "kimi-k3")) {
		ne[1] = ne[0];
		ne[0] = 1;
	} else if (gqa && gguf_arch_in(m->architecture, "command-r stablelm") && gqa->u.gqa.qk_norm == QK_NORM_FULL && (id == W_Q_NORM || id == W_K_NORM)) {
		ne[0] = gqa->u.gqa.k_dim;
		ne[1] = id == W_Q_NORM ? gqa->u.gqa.q_heads : gqa->u.gqa.kv_heads;
	}
}
