/* recipe_models.h - the models of tests/measured/own/quantize_dry_run.csv as descriptions built by hand */
#ifndef RECIPE_MODELS_H
#define RECIPE_MODELS_H

#include "catalog/model_spec.h"
#include <string.h>

struct fixture {
	struct model_spec m;
	struct part part[8];
	struct layer_kind kind[6];
	uint16_t kind_of[MAX_LAYERS];
	struct rope rope;
};

static void fixture_begin(struct fixture *f, const char *id, const char *arch, uint32_t width, uint32_t vocab, uint32_t layers)
{
	memset(f, 0, sizeof *f);
	f->m.id = f->m.name = id;
	f->m.architecture = arch;
	f->m.width = width;
	f->m.vocab = vocab;
	f->m.n_layers = layers;
	f->m.residual_streams = 1;
	f->m.parts = f->part;
	f->m.kinds = f->kind;
	f->m.kind_of = f->kind_of;
	f->m.native_format = "bf16";
}
static uint16_t add_gqa(struct fixture *f, uint32_t q, uint32_t kv, uint32_t dim)
{
	struct part *p = &f->part[f->m.n_parts];

	p->type = PART_GQA;
	p->u.gqa.q_heads = q;
	p->u.gqa.kv_heads = kv;
	p->u.gqa.k_dim = p->u.gqa.v_dim = dim;
	return f->m.n_parts++;
}
static uint16_t add_mlp(struct fixture *f, uint32_t width, uint8_t matrices)
{
	struct part *p = &f->part[f->m.n_parts];

	p->type = PART_MLP;
	p->u.mlp.width = width;
	p->u.mlp.matrices = matrices;
	return f->m.n_parts++;
}
static uint16_t add_moe(struct fixture *f, uint32_t experts, uint32_t width, uint8_t matrices)
{
	struct part *p = &f->part[f->m.n_parts];

	p->type = PART_MOE;
	p->u.moe.experts = experts;
	p->u.moe.per_token = 2;
	p->u.moe.width = width;
	p->u.moe.matrices = matrices;
	return f->m.n_parts++;
}
/* One branch a part. */
static uint16_t add_kind(struct fixture *f, enum norm_at norm, int n, const uint16_t *part)
{
	struct layer_kind *k = &f->kind[f->m.n_kinds];

	k->n_branches = (uint8_t)n;
	for (int i = 0; i < n; i++) {
		k->branch[i].norm = (uint8_t)norm;
		k->branch[i].n_parts = 1;
		k->branch[i].part[0] = part[i];
	}
	return f->m.n_kinds++;
}
static uint16_t two(struct fixture *f, enum norm_at norm, uint16_t a, uint16_t b)
{
	const uint16_t parts[2] = { a, b };

	return add_kind(f, norm, 2, parts);
}

static void llama(struct fixture *f, const char *id, uint32_t width, uint32_t vocab, uint32_t layers, uint32_t q,
	uint32_t kv, uint32_t ff)
{
	fixture_begin(f, id, "llama", width, vocab, layers);
	uint16_t a = add_gqa(f, q, kv, 128);
	two(f, NORM_PRE, a, add_mlp(f, ff, 3));
}

static void deepseek_v3(struct fixture *f)
{
	fixture_begin(f, "deepseek-v3", "deepseek2", 7168, 129280, 61);
	struct part *p = &f->part[f->m.n_parts++];

	p->type = PART_MLA;
	p->u.mla = (struct mla_spec){ .q_heads = 128, .q_rank = 1536, .kv_rank = 512, .nope_dim = 128, .rope_dim = 64,
		.v_dim = 128 };
	uint16_t dense = two(f, NORM_PRE, 0, add_mlp(f, 18432, 3));
	uint16_t moe = add_moe(f, 256, 2048, 3);
	uint16_t sparse = two(f, NORM_PRE, 0, moe);
	f->part[moe].u.moe.shared = 1;
	f->part[moe].u.moe.shared_width = 2048;
	f->part[moe].u.moe.router_bias = 1;
	for (int i = 0; i < 61; i++)
		f->kind_of[i] = i < 3 ? dense : sparse;
}

static void qwen35_moe(struct fixture *f)
{
	fixture_begin(f, "qwen3.5-35b-a3b", "qwen35moe", 2048, 248320, 40);
	struct part *p = &f->part[f->m.n_parts++];

	p->type = PART_DELTA;
	p->u.delta = (struct delta_spec){ .k_heads = 16, .v_heads = 32, .k_dim = 128, .v_dim = 128, .conv_kernel = 4,
		.out_gate = GATE_ELEMENT };
	uint16_t a = add_gqa(f, 16, 2, 256);
	f->part[a].u.gqa.qk_norm = QK_NORM_HEAD;
	f->part[a].u.gqa.gate = GATE_ELEMENT;
	uint16_t moe = add_moe(f, 256, 512, 3);
	f->part[moe].u.moe.shared = f->part[moe].u.moe.shared_gate = 1;
	f->part[moe].u.moe.shared_width = 512;
	uint16_t linear = two(f, NORM_PRE, 0, moe), full = two(f, NORM_PRE, a, moe);
	for (int i = 0; i < 40; i++)
		f->kind_of[i] = i % 4 == 3 ? full : linear;
}

static void nemotron_nano(struct fixture *f)
{
	static const char pattern[] = "MEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEMEM*EMEMEMEME";

	fixture_begin(f, "nemotron-3-nano-30b-a3b", "nemotron_h_moe", 2688, 131072, sizeof pattern - 1);
	struct part *p = &f->part[f->m.n_parts++];

	p->type = PART_MAMBA2;
	p->u.mamba2 = (struct mamba2_spec){ .heads = 64, .head_dim = 64, .groups = 8, .state = 128, .conv_kernel = 4,
		.conv_bias = 1, .gated_norm = 1 };
	uint16_t a = add_gqa(f, 32, 2, 128), moe = add_moe(f, 128, 1856, 2), mamba = 0;
	f->part[moe].u.moe.shared = f->part[moe].u.moe.router_bias = 1;
	f->part[moe].u.moe.shared_width = 3712;
	uint16_t km = add_kind(f, NORM_PRE, 1, &mamba), ka = add_kind(f, NORM_PRE, 1, &a), ke = add_kind(f, NORM_PRE, 1, &moe);
	for (unsigned i = 0; i < sizeof pattern - 1; i++)
		f->kind_of[i] = pattern[i] == 'M' ? km : pattern[i] == '*' ? ka : ke;
}

static uint16_t add_mla(struct fixture *f, struct mla_spec spec)
{
	f->part[f->m.n_parts].type = PART_MLA;
	f->part[f->m.n_parts].u.mla = spec;
	return f->m.n_parts++;
}
static uint16_t add_shared_moe(struct fixture *f, uint32_t experts, uint32_t width)
{
	uint16_t i = add_moe(f, experts, width, 3);

	f->part[i].u.moe.shared = f->part[i].u.moe.router_bias = 1;
	f->part[i].u.moe.shared_width = width;
	return i;
}

/* With its one MTP block in the file: 79 blocks to llama.cpp. */
static void glm5(struct fixture *f)
{
	fixture_begin(f, "glm-5", "glm-dsa", 6144, 154880, 78);
	uint16_t a = add_mla(f, (struct mla_spec){ .q_heads = 64, .q_rank = 2048, .kv_rank = 512, .nope_dim = 192,
		.rope_dim = 64, .v_dim = 256,
		.index = { .q_heads = 32, .k_heads = 1, .dim = 128, .top_tokens = 2048, .q_rank = 2048, .k_norm = 2,
			.head_weights = 1 } });
	uint16_t dense = two(f, NORM_PRE, a, add_mlp(f, 12288, 3)), sparse = two(f, NORM_PRE, a, add_shared_moe(f, 256, 2048));

	for (int i = 0; i < 78; i++)
		f->kind_of[i] = i < 3 ? dense : sparse;
	f->m.mtp = (struct mtp){ .layers = 1, .stored = 1, .kind = sparse, .norms = 3 };
	f->m.gguf_mtp = 1;
}

static void kimi_linear(struct fixture *f)
{
	fixture_begin(f, "kimi-linear-48b-a3b", "kimi-linear", 2304, 163840, 27);
	uint16_t a = add_mla(f, (struct mla_spec){ .q_heads = 32, .kv_rank = 512, .nope_dim = 128, .rope_dim = 64, .v_dim = 128 });
	struct part *p = &f->part[f->m.n_parts];

	p->type = PART_DELTA;
	p->u.delta = (struct delta_spec){ .k_heads = 32, .v_heads = 32, .k_dim = 128, .v_dim = 128, .conv_kernel = 4,
		.per_channel_decay = 1,
		.out_gate = GATE_ELEMENT, .gate_low_rank = 1 };
	uint16_t d = f->m.n_parts++, dense = two(f, NORM_PRE, d, add_mlp(f, 9216, 3)), moe = add_shared_moe(f, 256, 1024);
	uint16_t linear = two(f, NORM_PRE, d, moe), full = two(f, NORM_PRE, a, moe);
	for (int i = 0; i < 27; i++)
		f->kind_of[i] = i == 0 ? dense : i % 4 == 3 || i == 26 ? full : linear;
}

static uint16_t gemma4_attention(struct fixture *f, uint32_t q, uint32_t kv, uint32_t dim)
{
	uint16_t a = add_gqa(f, q, kv, dim);

	f->part[a].u.gqa.qk_norm = QK_NORM_HEAD;
	return a;
}
static void gemma4_rope(struct fixture *f)
{
	f->rope = (struct rope){ .name = "full", .theta = 1e6, .dims = 512, .scaling = ROPE_SCALING_PROPORTIONAL };
	f->m.rope = &f->rope;
	f->m.n_rope = f->m.tied_head = 1;
}

/* Per-layer embeddings; the last 20 layers are twice as wide. */
static void gemma4_e2b(struct fixture *f)
{
	fixture_begin(f, "gemma-4-e2b", "gemma4", 1536, 262144, 35);
	uint16_t local = gemma4_attention(f, 8, 1, 256), full = gemma4_attention(f, 8, 1, 512);
	uint16_t narrow = add_mlp(f, 6144, 3), wide = add_mlp(f, 12288, 3), k[4];

	f->m.per_layer_embed = 256;
	k[0] = two(f, NORM_SANDWICH, local, narrow);
	k[1] = two(f, NORM_SANDWICH, full, narrow);
	k[2] = two(f, NORM_SANDWICH, local, wide);
	k[3] = two(f, NORM_SANDWICH, full, wide);
	for (int i = 0; i < 4; i++)
		f->kind[k[i]].extra_scalars = 1;
	for (int i = 0; i < 35; i++)
		f->kind_of[i] = k[(i % 5 == 4) + 2 * (i >= 15)];
	gemma4_rope(f);
}

/* A dense feed-forward beside the experts, gate and up of the experts in one tensor, V that is K on full layers. */
static void gemma4_26b(struct fixture *f)
{
	fixture_begin(f, "gemma-4-26b-a4b", "gemma4", 2816, 262144, 30);
	uint16_t a[2] = { gemma4_attention(f, 16, 8, 256), gemma4_attention(f, 16, 2, 512) }, k[2];
	uint16_t dense = add_mlp(f, 2112, 3), moe = add_moe(f, 128, 704, 3);

	f->part[a[1]].u.gqa.v_is_k = 1;
	f->part[moe].u.moe.router_scale = f->part[moe].u.moe.expert_scale = 1;
	for (int i = 0; i < 2; i++) {
		k[i] = two(f, NORM_SANDWICH, a[i], dense);
		f->kind[k[i]].branch[1].n_parts = 2;
		f->kind[k[i]].branch[1].part[1] = moe;
		f->kind[k[i]].extra_norms = 3;
		f->kind[k[i]].extra_scalars = 1;
	}
	for (int i = 0; i < 30; i++)
		f->kind_of[i] = k[i % 6 == 5];
	gemma4_rope(f);
}

static void lfm2(struct fixture *f)
{
	static const char pattern[] = "ccfccfccfcfcfcfc";

	fixture_begin(f, "lfm2-1.2b", "lfm2", 2048, 65536, 16);
	uint16_t a = add_gqa(f, 32, 8, 64), conv = f->m.n_parts++, mlp = add_mlp(f, 8192, 3);
	f->part[a].u.gqa.qk_norm = QK_NORM_HEAD;
	f->part[conv].type = PART_CONV;
	f->part[conv].u.conv.kernel = 3;
	f->m.tied_head = 1;
	uint16_t kc = two(f, NORM_PRE, conv, mlp), ka = two(f, NORM_PRE, a, mlp);
	for (int i = 0; i < 16; i++)
		f->kind_of[i] = pattern[i] == 'c' ? kc : ka;
}

static void minimax_m3(struct fixture *f)
{
	fixture_begin(f, "minimax-m3", "minimax-m3", 6144, 200064, 60);
	uint16_t plain = add_gqa(f, 64, 4, 128), indexed = add_gqa(f, 64, 4, 128);

	f->part[plain].u.gqa.qk_norm = f->part[indexed].u.gqa.qk_norm = QK_NORM_HEAD;
	f->part[indexed].u.gqa.index = (struct index_spec){ .q_heads = 4, .k_heads = 1, .dim = 128, .block_tokens = 128,
		.top_blocks = 16,
		.k_norm = 1, .q_norm = 1 };
	uint16_t dense = two(f, NORM_PRE, plain, add_mlp(f, 12288, 3)), sparse = two(f, NORM_PRE, indexed, add_shared_moe(f,
		128, 3072));
	for (int i = 0; i < 60; i++)
		f->kind_of[i] = i < 3 ? dense : sparse;
}

static void deepseek_v4_flash(struct fixture *f)
{
	uint16_t part[3], k[4];

	fixture_begin(f, "deepseek-v4-flash", "deepseek4", 4096, 129280, 43);
	f->m.residual_streams = 4;
	for (int i = 0; i < 3; i++) {
		struct part *p = &f->part[f->m.n_parts];

		p->type = PART_CSA;
		p->u.csa = (struct csa_spec){ .q_heads = 64, .q_rank = 1024, .o_rank = 1024, .o_groups = 8, .row_dim = 512,
			.rope_dim = 64,
			.window = 128, .ratio = i == 0 ? 0 : i == 1 ? 4 : 128, .sinks = 1 };
		if (i == 1)
			p->u.csa.index = (struct index_spec){ .q_heads = 64, .k_heads = 1, .dim = 128, .top_tokens = 512,
				.q_rank = 1024, .head_weights = 1 };
		part[i] = f->m.n_parts++;
	}
	uint16_t moe = add_shared_moe(f, 256, 2048), hash = add_shared_moe(f, 256, 2048);
	f->part[moe].u.moe.per_token = f->part[hash].u.moe.per_token = 6;
	f->part[hash].u.moe.hash_layer = 1;
	k[0] = two(f, NORM_PRE, part[0], hash);
	k[1] = two(f, NORM_PRE, part[1], hash);
	k[2] = two(f, NORM_PRE, part[1], moe);
	k[3] = two(f, NORM_PRE, part[2], moe);
	for (int i = 0; i < 43; i++)
		f->kind_of[i] = k[i < 2 ? 0 : i == 2 ? 1 : i % 2 ? 3 : 2];
}

/* 0: no such model. */
static int fixture_model(struct fixture *f, const char *id)
{
	uint16_t a, b;

	if (!strcmp(id, "llama-3.1-8b"))
		llama(f, id, 4096, 128256, 32, 32, 8, 14336);
	else if (!strcmp(id, "llama-3.3-70b"))
		llama(f, id, 8192, 128256, 80, 64, 8, 28672);
	else if (!strcmp(id, "llama-2-7b"))
		llama(f, id, 4096, 32000, 32, 32, 32, 11008);
	else if (!strcmp(id, "deepseek-v3"))
		deepseek_v3(f);
	else if (!strcmp(id, "qwen3.5-35b-a3b"))
		qwen35_moe(f);
	else if (!strcmp(id, "nemotron-3-nano-30b-a3b"))
		nemotron_nano(f);
	else if (!strcmp(id, "glm-5"))
		glm5(f);
	else if (!strcmp(id, "kimi-linear-48b-a3b"))
		kimi_linear(f);
	else if (!strcmp(id, "gemma-4-e2b"))
		gemma4_e2b(f);
	else if (!strcmp(id, "gemma-4-26b-a4b"))
		gemma4_26b(f);
	else if (!strcmp(id, "lfm2-1.2b"))
		lfm2(f);
	else if (!strcmp(id, "minimax-m3"))
		minimax_m3(f);
	else if (!strcmp(id, "deepseek-v4-flash"))
		deepseek_v4_flash(f);
	else if (!strcmp(id, "qwen2.5-0.5b")) {
		fixture_begin(f, id, "qwen2", 896, 151936, 24);
		a = add_gqa(f, 14, 2, 64);
		f->part[a].u.gqa.q_bias = f->part[a].u.gqa.k_bias = f->part[a].u.gqa.v_bias = f->m.tied_head = 1;
		two(f, NORM_PRE, a, add_mlp(f, 4864, 3));
	} else if (!strcmp(id, "mixtral-8x7b")) {
		fixture_begin(f, id, "llama", 4096, 32000, 32);
		a = add_gqa(f, 32, 8, 128);
		two(f, NORM_PRE, a, add_moe(f, 8, 14336, 3));
	} else if (!strcmp(id, "qwen3-30b-a3b")) {
		fixture_begin(f, id, "qwen3moe", 2048, 151936, 48);
		a = add_gqa(f, 32, 4, 128);
		f->part[a].u.gqa.qk_norm = QK_NORM_HEAD;
		two(f, NORM_PRE, a, add_moe(f, 128, 768, 3));
	} else if (!strcmp(id, "gemma-3-4b")) {
		fixture_begin(f, id, "gemma3", 2560, 262208, 34);
		a = add_gqa(f, 8, 4, 256);
		f->part[a].u.gqa.qk_norm = QK_NORM_HEAD;
		f->m.tied_head = 1;
		two(f, NORM_SANDWICH, a, add_mlp(f, 10240, 3));
	} else if (!strcmp(id, "phi-3-mini")) {
		fixture_begin(f, id, "phi3", 3072, 32064, 32);
		a = add_gqa(f, 32, 32, 96);
		two(f, NORM_PRE, a, add_mlp(f, 8192, 3));
	} else if (!strcmp(id, "gpt-oss-20b")) {
		fixture_begin(f, id, "gpt-oss", 2880, 201088, 24);
		a = add_gqa(f, 64, 8, 64);
		f->part[a].u.gqa.q_bias = f->part[a].u.gqa.k_bias = f->part[a].u.gqa.v_bias = f->part[a].u.gqa.o_bias = 1;
		f->part[a].u.gqa.sinks = 1;
		b = add_moe(f, 32, 2880, 3);
		f->part[b].u.moe.bias = f->part[b].u.moe.router_bias = 1;
		two(f, NORM_PRE, a, b);
	} else if (!strcmp(id, "falcon-7b")) {
		fixture_begin(f, id, "falcon", 4544, 65024, 32);
		a = add_gqa(f, 71, 1, 64);
		b = add_mlp(f, 18176, 2);
		f->m.norm_type = NORM_LAYER_BIAS;
		add_kind(f, NORM_PRE, 1, &a);
		f->kind[0].branch[0].n_parts = 2;                /* attention and feed-forward side by side */
		f->kind[0].branch[0].part[1] = b;
	} else
		return 0;
	if (!strncmp(id, "llama-3", 7)) {                        /* the file carries a table of rope factors */
		f->rope = (struct rope){ .name = "main", .theta = 5e5, .dims = 128, .scaling = ROPE_SCALING_LLAMA3, .factor = 8 };
		f->m.rope = &f->rope;
		f->m.n_rope = 1;
	}
	return 1;
}

#endif
