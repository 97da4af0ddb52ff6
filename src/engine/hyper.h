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
	double factor, low_freq, high_freq;      /* low, high: llama3's factors */
	uint32_t original;
	double beta_fast, beta_slow, attn_factor, ext_factor;    /* yarn, longrope */
	double mscale;                           /* multiplies cos and sin */
	const float *factors;                    /* of each pair, from the file (rope_freqs, long or short); NULL */
};
struct hyper {
	struct hyper_rope rope[MAX_ROPES];       /* as model_spec.rope */
	double embed_scale;                      /* 1: none */
	double residual_scale, logit_scale;      /* granite, cohere, minicpm; 1: none; logits are multiplied */
	double attn_scale;                       /* 0: 1/sqrt(k_dim), unless the part says otherwise */
	double expert_scale;                     /* routed_scaling_factor; 1 */
	uint8_t norm_topk;                       /* chosen experts' weights are divided by their sum */
	uint8_t weight_before;                   /* llama4: experts' inputs are weighed, not their outputs */
	double temperature_scale; uint32_t temperature_floor;   /* llama4: queries of layers without rope */
	uint32_t l2_qk;                          /* llama4: q and k are l2-normalised after rope */
	uint8_t norm_after_rope;                 /* hunyuan: q and k are normalised after they are turned */
	uint8_t beta_alpha_by_head;              /* qwen3next: ssm_ba keeps b and a of a key head together */
	uint8_t delta_tiled;                     /* value head h goes with key head h % k_heads, not h / (v_heads / k_heads) */
	double ssm_multiplier[8];                /* falcon-h1 */
};

#endif
