/* hyper_arch.c - the architectures: llama.cpp 0c1e57098, src/models/NAME.cpp; rotation: src/llama-model.cpp, llama_model_rope_type() (M-RoPE of text is
 * the plain rotation, since its positions are all equal) */
#include "engine/hyper_arch.h"

#include <math.h>
#include <string.h>

enum { REFUSED = ARCH_REFUSED, UNPROVED = ARCH_UNPROVED, PROVED = ARCH_PROVED };

static const struct arch_traits table[] = {
	{ "afmoe", PROVED, TOPK_KEY, HY_WINDOW_SCALED | HY_EMBED_SQRT | HY_NOT_SAVED },
	{ "arcee", PROVED, TOPK_PLAIN, HY_ADJACENT },
	{ "baichuan", PROVED, TOPK_PLAIN, HY_ADJACENT | HY_NOT_SAVED },         /* of 32 layers: see hyper_refuse() */
	{ "bailingmoe", PROVED, TOPK_KEY, HY_ADJACENT | HY_NOT_SAVED },
	{ "bailingmoe2", PROVED, TOPK_KEY, 0 },
	{ "chatglm", PROVED, TOPK_PLAIN, HY_ADJACENT },
	{ "codeshell", PROVED, TOPK_PLAIN, HY_NOT_SAVED },
	{ "cohere2", PROVED, TOPK_PLAIN, HY_ADJACENT | HY_WINDOW_SCALED },
	{ "cohere2moe", PROVED, TOPK_KEY, HY_ADJACENT | HY_WINDOW_SCALED | HY_MEAN_SHARED | HY_NOT_SAVED },
	{ "command-r", PROVED, TOPK_PLAIN, HY_ADJACENT },
	{ "dbrx", PROVED, TOPK_NORM, HY_NOT_SAVED },
	{ "deci", PROVED, TOPK_NORM, HY_ADJACENT },
	{ "deepseek", PROVED, TOPK_PLAIN, HY_ADJACENT },
	{ "deepseek2", PROVED, TOPK_KEY, HY_ADJACENT | HY_MLA_YARN },
	{ "deepseek32", PROVED, TOPK_KEY, HY_ADJACENT | HY_MLA_YARN | HY_INDEX_HALVES | HY_NOT_SAVED },
	{ "dots1", PROVED, TOPK_KEY, 0 },
	{ "ernie4_5", PROVED, TOPK_NORM, HY_ADJACENT },
	{ "ernie4_5-moe", PROVED, TOPK_NORM, HY_ADJACENT },
	{ "exaone", PROVED, TOPK_PLAIN, 0 },
	{ "exaone-moe", PROVED, TOPK_KEY, HY_WINDOW_SCALED | HY_NOT_SAVED },
	{ "exaone4", PROVED, TOPK_PLAIN, HY_WINDOW_SCALED },
	{ "falcon", PROVED, TOPK_PLAIN, HY_PARALLEL },
	{ "falcon-h1", PROVED, TOPK_PLAIN, 0 },
	{ "gemma", PROVED, TOPK_PLAIN, HY_EMBED_SQRT },
	{ "gemma2", PROVED, TOPK_PLAIN, HY_EMBED_SQRT | HY_GEMMA_27B | HY_WINDOW_SCALED },
	{ "gemma3", PROVED, TOPK_PLAIN, HY_EMBED_SQRT | HY_GEMMA_27B },
	{ "gemma4", PROVED, TOPK_NORM, HY_EMBED_SQRT | HY_ATTN_ONE | HY_V_NORM },
	{ "glm-dsa", PROVED, TOPK_KEY, HY_ADJACENT | HY_MLA_YARN | HY_NOT_SAVED },
	{ "glm4", PROVED, TOPK_PLAIN, HY_ADJACENT | HY_SECTIONS_HALVES },
	{ "glm4moe", PROVED, TOPK_KEY, 0 },
	{ "gpt-oss", PROVED, TOPK_PLAIN, HY_WINDOW_SCALED },
	{ "gpt2", PROVED, TOPK_PLAIN, HY_NOT_SAVED },
	{ "gptneox", PROVED, TOPK_PLAIN, HY_PARALLEL | HY_NOT_SAVED },
	{ "granite", PROVED, TOPK_NORM, HY_ADJACENT | HY_LOGITS_DIVIDED },
	{ "granite_swa", PROVED, TOPK_NORM, HY_ADJACENT | HY_LOGITS_DIVIDED | HY_WINDOW_SCALED | HY_NOT_SAVED },
	{ "granitehybrid", PROVED, TOPK_NORM, HY_ADJACENT | HY_LOGITS_DIVIDED },
	{ "granitemoe", PROVED, TOPK_NORM, HY_ADJACENT | HY_LOGITS_DIVIDED },
	{ "hunyuan-dense", PROVED, TOPK_PLAIN, HY_NORM_AFTER_ROPE },
	{ "hunyuan-moe", PROVED, TOPK_NORM, HY_NORM_AFTER_ROPE },
	{ "hy_v3", PROVED, TOPK_KEY, 0 },
	{ "internlm2", PROVED, TOPK_PLAIN, HY_ADJACENT },
	{ "kimi-k3", PROVED, TOPK_KEY, HY_NOT_SAVED },
	{ "kimi-linear", PROVED, TOPK_NORM, 0 },
	{ "laguna", PROVED, TOPK_KEY, HY_GATE_SOFTPLUS | HY_WINDOW_PLAIN | HY_NOT_SAVED },
	{ "lfm2", PROVED, TOPK_NORM, 0 },
	{ "lfm2moe", PROVED, TOPK_NORM, 0 },
	{ "llama", PROVED, TOPK_NORM, HY_ADJACENT },
	{ "llama4", PROVED, TOPK_PLAIN, HY_ADJACENT | HY_LLAMA4 | HY_WINDOW_SCALED },
	{ "maincoder", PROVED, TOPK_PLAIN, HY_ADJACENT | HY_NORM_AFTER_ROPE | HY_NOT_SAVED },
	{ "mamba2", PROVED, TOPK_PLAIN, HY_NOT_SAVED },
	{ "mellum", PROVED, TOPK_NORM, HY_WINDOW_PLAIN | HY_NOT_SAVED },
	{ "mimo2", PROVED, TOPK_NORM, 0 },
	{ "minicpm", PROVED, TOPK_NORM, HY_ADJACENT | HY_LOGITS_DIVIDED | HY_MINICPM },
	{ "minimax-m2", PROVED, TOPK_NORM, 0 },
	{ "minimax-m3", PROVED, TOPK_KEY, HY_NOT_SAVED },
	{ "mistral3", PROVED, TOPK_NORM, HY_ADJACENT | HY_YARN_KEYS },
	{ "mistral4", PROVED, TOPK_KEY, HY_ADJACENT | HY_MLA_YARN },
	{ "nemotron", PROVED, TOPK_PLAIN, HY_NOT_SAVED },
	{ "nemotron_h", PROVED, TOPK_KEY, 0 },
	{ "nemotron_h_moe", PROVED, TOPK_KEY, 0 },
	{ "olmo2", PROVED, TOPK_PLAIN, HY_WINDOW_PLAIN },
	{ "olmoe", PROVED, TOPK_PLAIN, 0 },
	{ "openelm", PROVED, TOPK_PLAIN, HY_NOT_SAVED },
	{ "orion", PROVED, TOPK_PLAIN, HY_NOT_SAVED },
	{ "phi2", PROVED, TOPK_PLAIN, HY_ONE_BRANCH },
	{ "phi3", PROVED, TOPK_NORM, 0 },
	/* as llama.cpp runs it, which is not quite as it was trained: its norms are layer norms and its experts weighed one after the other (modeling_phimoe.py) */
	{ "phimoe", PROVED, TOPK_NORM, HY_RMS_BIAS | HY_NOT_SAVED },
	{ "qwen", PROVED, TOPK_PLAIN, HY_NOT_SAVED },
	{ "qwen2", PROVED, TOPK_PLAIN, 0 },
	{ "qwen2moe", PROVED, TOPK_PLAIN, 0 },
	{ "qwen2vl", PROVED, TOPK_PLAIN, 0 },
	{ "qwen3", PROVED, TOPK_PLAIN, 0 },
	{ "qwen35", PROVED, TOPK_NORM, HY_DELTA_TILED },
	{ "qwen35moe", PROVED, TOPK_NORM, HY_DELTA_TILED },
	{ "qwen3moe", PROVED, TOPK_NORM, 0 },
	{ "qwen3next", PROVED, TOPK_NORM, HY_BA_BY_HEAD },
	{ "qwen3vl", PROVED, TOPK_PLAIN, 0 },
	{ "qwen3vlmoe", PROVED, TOPK_NORM, 0 },
	{ "seed_oss", PROVED, TOPK_PLAIN, 0 },
	{ "smallthinker", PROVED, TOPK_NORM, HY_EARLY_ROUTER | HY_WINDOW_SCALED | HY_NOT_SAVED },
	{ "smollm3", PROVED, TOPK_PLAIN, HY_ADJACENT },
	{ "stablelm", PROVED, TOPK_PLAIN, 0 },
	{ "starcoder", PROVED, TOPK_PLAIN, HY_NOT_SAVED },
	{ "starcoder2", PROVED, TOPK_PLAIN, 0 },
	{ "step35", PROVED, TOPK_KEY, HY_NOT_SAVED },
	{ "xverse", PROVED, TOPK_PLAIN, HY_ADJACENT | HY_NOT_SAVED },
	/* parts of these are not built or their constants not read */
	{ "deepseek4", REFUSED, TOPK_KEY, HY_ADJACENT },
	{ "gemma3n", REFUSED, TOPK_PLAIN, HY_EMBED_SQRT | HY_ATTN_ONE },
	{ "grok", PROVED, TOPK_NORM, HY_GROK | HY_NOT_SAVED },
};

const struct arch_traits *hyper_traits(const char *architecture)
{
	for (unsigned i = 0; architecture && i < sizeof table / sizeof *table; i++)
		if (!strcmp(table[i].name, architecture))
			return &table[i];
	return NULL;
}

const struct arch_traits *hyper_arch_at(unsigned i) { return i < sizeof table / sizeof *table ? &table[i] : NULL; }

enum arch_state arch_state(const char *architecture)
{
	const struct arch_traits *t = hyper_traits(architecture);

	return t ? (enum arch_state)t->state : ARCH_UNKNOWN;
}

int hyper_adjacent(const char *architecture)
{
	const struct arch_traits *t = hyper_traits(architecture);

	return t && t->flags & HY_ADJACENT;
}

int hyper_refuse(const struct model_spec *m, struct error *err)
{
	const struct arch_traits *t = hyper_traits(m->architecture);

	int fits = t && t->state >= ARCH_UNPROVED;

	/* 13B (40 layers) has slopes in place of rotation (ALiBi), others neither: models/baichuan.cpp */
	if (fits && !strcmp(t->name, "baichuan") && m->n_layers != 32)
		return error_set(err, E_ARCH, "%s: of the architecture baichuan only the model of 32 layers can be run, not %u: it does not rotate",
			m->file ? m->file : m->id ? m->id : "model", m->n_layers);
	for (unsigned i = 0; i < m->n_kinds && fits && t->flags & HY_ONE_BRANCH; i++)
		fits = m->kinds[i].n_branches == 1;
	if (fits)
		return OK;
	return error_set(err, E_ARCH, "%s: the architecture %.40s is not one that can be run yet", m->file ? m->file : m->id ? m->id : "model", m->architecture);
}

static const struct gqa_spec *any_gqa(const struct model_spec *m)
{
	for (unsigned i = 0; i < m->n_parts; i++)
		if (m->parts[i].type == PART_GQA)
			return &m->parts[i].u.gqa;
	return NULL;
}

void hyper_of_arch(struct hyper *h, const struct model_spec *m, const struct arch_traits *t)
{
	const struct gqa_spec *g = any_gqa(m);
	unsigned flags = t ? t->flags : 0;

	h->embed_scale = flags & HY_EMBED_SQRT ? sqrt(m->width) : 1.0;
	h->residual_scale = h->logit_scale = h->expert_scale = h->value_scale = 1.0;
	h->mixture_scale = flags & HY_MEAN_SHARED ? 0.5 : 1.0;
	h->norm_topk = t ? t->topk == TOPK_NORM : 1;
	for (unsigned i = 0; i < 8; i++)
		h->ssm_multiplier[i] = 1.0;
	if (flags & HY_ATTN_ONE)
		h->attn_scale = 1.0;
	/* gemma2.cpp, gemma3.cpp: the 27B models scale by the width over the heads, which is not the size of a head */
	if (flags & HY_GEMMA_27B && g && (m->n_layers == 46 || m->n_layers == 62) && m->n_layers == (!strcmp(m->architecture, "gemma2") ? 46u : 62u))
		h->attn_scale = 1.0 / sqrt((double)m->width / g->q_heads);
	/* minicpm.cpp: defaults of files from before the keys */
	if (flags & HY_MINICPM) {
		h->embed_scale = 12.0;
		h->residual_scale = 1.4 / sqrt(m->n_layers);
		h->logit_scale = m->width / 256.0;       /* divides: what the converter writes */
	}
	if (flags & HY_LLAMA4) {
		int any_chunk = 0, experts = 0;
		for (unsigned i = 0; i < m->n_parts; i++) {
			any_chunk |= m->parts[i].type == PART_GQA && m->parts[i].u.gqa.span == SPAN_CHUNK;
			if (m->parts[i].type == PART_MOE)
				experts = (int)m->parts[i].u.moe.experts;
		}
		h->weight_before = 1;
		h->l2_qk = experts != 128;       /* all but Maverick */
		if (any_chunk) {
			h->temperature_scale = 0.1;
			h->temperature_floor = 8192;
			h->temperature_offset = 1;
		}
	}
	if (flags & HY_GROK) {           /* grok.cpp: defaults of files from before the keys */
		h->embed_scale = 78.38367176906169;
		h->logit_scale = 0.5773502691896257;
		h->attn_scale = 0.08838834764831845;
		h->mixture_scale = sqrt(0.5);
	}
	h->parallel = (flags & HY_PARALLEL) != 0;
	h->early_router = (flags & HY_EARLY_ROUTER) != 0;
	h->norm_after_rope = (flags & HY_NORM_AFTER_ROPE) != 0;
	h->v_norm = (flags & HY_V_NORM) != 0;
	h->beta_alpha_by_head = (flags & HY_BA_BY_HEAD) != 0;
	h->rms_bias = (flags & HY_RMS_BIAS) != 0;
	h->gate_softplus = (flags & HY_GATE_SOFTPLUS) != 0;
	h->gate_limited = (flags & HY_GATE_LIMITED) != 0;
	h->index_halves = (flags & HY_INDEX_HALVES) != 0;
	h->delta_tiled = (flags & HY_DELTA_TILED) != 0;
}
