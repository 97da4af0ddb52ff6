/* hyper.h - constants of a forward pass that change no size: rotary details, multipliers, how experts are weighed.
 *
 * From GGUF metadata or config.json; what an architecture fixes is in hyper.c with its source. model_spec has all that has a size. */
#ifndef HYPER_H
#define HYPER_H

#include "catalog/model_spec.h"

struct hyper_rope {
	double theta;
	uint32_t dims;
	uint8_t scaling;                         /* enum rope_scaling */
	double factor;                           /* positions are divided by it; yarn: mixed by frequency. 1: none. (llama3 and longrope have theirs in `factors`) */
	uint32_t original;
	double beta_fast, beta_slow, attn_factor, ext_factor;    /* yarn, longrope */
	double mscale;                           /* multiplies cos and sin; attn_factor is in it */
	const float *factors;                    /* of each pair (dims / 2): angles are divided by them; rope_freqs, or short up to `original` positions of context; NULL */
	const float *factors_long;               /* longrope: for contexts longer than `original`; else NULL */
};
struct hyper {
	struct hyper_rope rope[MAX_ROPES];       /* as model_spec.rope */
	double embed_scale;                      /* 1: none */
	double residual_scale, logit_scale;      /* granite, cohere, minicpm; 1: none; logits are multiplied */
	double attn_scale;                       /* 0: 1/sqrt(k_dim), unless the part says otherwise */
	double expert_scale;                     /* routed_scaling_factor; 1 */
	double mixture_scale;                    /* experts and shared experts together (Cohere 2 MoE); 1 */
	uint8_t norm_topk;                       /* chosen experts' weights are divided by their sum */
	uint8_t weight_before;                   /* llama4: experts' inputs are weighed, not their outputs */
	/* queries are multiplied by log(floor((position + offset) / floor) + 1) * scale + 1; scale 0: no. llama4: layers without rope, offset 1; mistral: every layer */
	double temperature_scale; uint32_t temperature_floor; uint8_t temperature_offset, temperature_all;
	uint32_t l2_qk;                          /* llama4: q and k that were rotated are divided by their rms (norm_eps) afterwards */
	double clamp_qkv;                        /* q, k and v are kept within so much of 0 (DBRX); 0: no */
	double value_scale;                      /* attention's result is multiplied (MiMo V2); 1 */
	/* Of each layer, 0 for none; NULL: no layer has one. act(gate) is kept below it, up within it on both sides; gate_limited: gate itself, before act. */
	const float *act_limit, *act_limit_shared;       /* of routed experts; of shared experts and dense feed-forwards */
	double decay_bound;                      /* Kimi K3: logs of decays lie between 0 and this, by a sigmoid; 0: softplus, as Kimi Linear */
	uint8_t index_halves;                    /* an indexer rotates pairs (i, i + dims / 2), whatever the model does */
	uint32_t index_local_blocks;             /* the last so many blocks are chosen whatever their score (MiniMax M3) */
	uint8_t gate_limited;
	uint8_t rms_bias;                        /* norms with biases subtract no mean: Phi-3.5 MoE in llama.cpp */
	uint8_t gate_softplus;                   /* an attention's gate is log(1 + exp(x)), not a sigmoid (Laguna) */
	uint8_t parallel, early_router;          /* shape of calc/ops.h: GPT-NeoX; SmallThinker */
	uint8_t v_norm;                          /* gemma4: v of each head is divided by its rms (norm_eps) before it is stored */
	uint8_t norm_after_rope;                 /* hunyuan: q and k norms follow the rotation */
	uint8_t beta_alpha_by_head;              /* qwen3next: ssm_ba keeps b and a of a key head together */
	uint8_t delta_tiled;                     /* value head h goes with key head h % k_heads, not h / (v_heads / k_heads) */
	double ssm_multiplier[8];                /* falcon-h1; GGUF files have them multiplied into the weights: all 1 */
};

/* Constants of a catalogue entry, and what its architecture fixes; what neither says has the architecture's usual value, which changes no work. In *a. */
struct arena;
int hyper_from_spec(struct hyper *out, struct arena *a, const struct model_spec *m, struct error *err) MUST_CHECK;
/* llama3's and Gemma 4's factors of pair i of r->dims / 2; 1 for others. */
double hyper_rope_factor(const struct rope *r, uint32_t i);
/* llama3's, with bounds of its own: waves shorter than original / high stand, those longer than original / low are divided by the factor. */
double hyper_llama3_factor(const struct rope *r, double low, double high, uint32_t i);

#endif
