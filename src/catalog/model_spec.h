/* model_spec.h - the one description of a model: parts, branches, layer kinds, layers.
 *
 * A part is one mixer or one feed-forward. A branch is norm -> sum of its parts -> residual add. A layer kind is one to
 * three branches. The model is one kind per layer. Built by the catalogue reader (model_yaml.h) and the importers
 * (import_config.h, import_gguf.h); checked by model_check(); read by calc/ through the three lists only.
 * Everything lives in the arena of whoever built it. Not here: tensor names (packing.h), bytes (calc/). */
#ifndef MODEL_SPEC_H
#define MODEL_SPEC_H

#include "base/arena.h"
#include "base/error.h"
#include "base/known.h"
#include <stdint.h>

enum { MAX_LAYERS = 512, MAX_PARTS = 64, MAX_KINDS = 64, MAX_ROPES = 8, MAX_ENCODERS = 4, NO_ROPE = 255 };

enum part_type { PART_GQA, PART_MLA, PART_CSA, PART_DELTA, PART_MAMBA2, PART_CONV, PART_MLP, PART_MOE, PART_TYPES };
enum span      { SPAN_FULL, SPAN_WINDOW, SPAN_CHUNK };
enum own_state { OWN_STATE, REUSE_LAST };       /* REUSE_LAST: K and V of the last layer of the same span that owns some */
enum norm_at   { NORM_PRE, NORM_POST, NORM_SANDWICH, NORM_NONE };
enum norm_type { NORM_RMS, NORM_LAYER, NORM_LAYER_BIAS };        /* LAYER: no bias (Cohere) */
enum qk_norm   { QK_NORM_NONE, QK_NORM_HEAD, QK_NORM_FULL };     /* HEAD: one vector of head_dim; FULL: all heads */
enum gate      { GATE_NONE, GATE_HEAD, GATE_ELEMENT };
enum act       { ACT_SILU, ACT_GELU, ACT_GELU_TANH, ACT_RELU2, ACT_SWIGLU_OAI, ACT_SITU, ACT_RELU };
enum score     { SCORE_SOFTMAX, SCORE_SIGMOID, SCORE_SQRT_SOFTPLUS, SCORE_TOPK_SOFTMAX };

/* A sparse-attention indexer beside an attention part. q_heads 0: none. */
struct index_spec {
	uint32_t q_heads, k_heads, dim;
	uint32_t top_tokens;                     /* tokens (or compressed rows) kept a query; 0 when blocks are chosen */
	uint32_t block_tokens, top_blocks;       /* MiniMax M3: blocks of 128, the best 16 */
	uint32_t q_rank;                         /* queries come from the low-rank q of this width; 0: from the residual stream */
	uint8_t k_norm;                          /* norm over the key: 0 none, 1 rms (weight), 2 layer (weight and bias) */
	uint8_t q_norm;                          /* likewise over the query */
	uint8_t head_weights;                    /* a projection width -> q_heads weighs the heads */
	uint8_t own;                             /* enum own_state: REUSE_LAST has no weights and no keys of its own */
};
/* MHA, MQA, GQA. */
struct gqa_spec {
	uint32_t q_heads, kv_heads, k_dim, v_dim;
	uint32_t span_tokens;                    /* window or chunk; 0 when full */
	uint8_t span;                            /* enum span */
	uint8_t rope;                            /* index into model_spec.rope; NO_ROPE */
	uint8_t q_bias, k_bias, v_bias, o_bias, sinks;
	uint8_t qk_norm, gate;                   /* gate HEAD: width -> q_heads; ELEMENT: doubles q_proj */
	uint8_t v_is_k;                          /* shared weights (no v_proj); both are cached all the same */
	uint8_t own;                             /* enum own_state */
	uint8_t no_kv_weights;                   /* REUSE_LAST part whose k, v and their norms are absent from the weights */
	float softcap, scale;                    /* 0: none; 1/sqrt(k_dim) */
	struct index_spec index;
};
struct mla_spec {
	uint32_t q_heads, q_rank, kv_rank, nope_dim, rope_dim, v_dim;    /* q_rank 0: direct q_proj */
	uint8_t rope, gate;                      /* gate ELEMENT: a projection width -> q_heads * v_dim (Kimi K3) */
	struct index_spec index;
};
/* DeepSeek V4: one shared K=V row of row_dim; a window everywhere, compressed rows by ratio (0: window only). */
struct csa_spec {
	uint32_t q_heads, q_rank, o_rank, o_groups, row_dim, rope_dim, window, ratio;
	uint8_t rope, sinks;
	struct index_spec index;                 /* its keys are compressed rows too */
};
/* Gated delta net (Qwen3-Next, 3.5) and, with per_channel_decay, Kimi delta attention. */
struct delta_spec {
	uint32_t k_heads, v_heads, k_dim, v_dim, conv_kernel;
	uint8_t per_channel_decay;               /* KDA: decay through a low rank of k_dim, separate short convolutions for q, k, v */
	uint8_t out_gate;                        /* enum gate; ELEMENT: full rank; HEAD is not used */
	uint8_t gate_low_rank;                   /* the output gate goes through a low rank of v_dim (Kimi Linear) */
	uint32_t a_log_elements;                 /* elements of the stored A_log vector; 0: v_heads (Kimi K3 pads to 128) */
};
struct mamba2_spec {
	uint32_t heads, head_dim, groups, state, conv_kernel;
	uint8_t conv_bias, gated_norm, proj_bias;
};
struct conv_spec { uint32_t kernel; uint8_t bias; };             /* LFM2: in_proj width -> 3*width, conv, out_proj */
struct mlp_spec  { uint32_t width; uint8_t act, matrices, bias; };   /* matrices 3: gated, 2: plain */
struct moe_spec {
	uint32_t experts, per_token, width, latent;                      /* latent 0: experts see the full width */
	uint32_t shared, shared_width;                                   /* shared_width: of all shared experts together */
	uint8_t act, matrices, bias;                                     /* bias: expert biases (gpt-oss) */
	uint8_t latent_norm;                                             /* a norm vector of `latent` (Kimi K3) */
	uint8_t shared_gate;                                             /* a projection width -> 1 (Qwen) */
	uint8_t score, router_bias;                                      /* router_bias: per-expert correction or bias vector */
	uint8_t router_scale;                                            /* a vector of `width of the model` before the router (Gemma 4) */
	uint8_t expert_scale;                                            /* a vector of `experts` after it (Gemma 4) */
	uint8_t hash_layer;                                              /* the expert is looked up by token id (DeepSeek V4) */
	uint32_t groups, top_groups;
};
struct part {
	const char *name;                        /* its key in the catalogue entry; "attn" when imported */
	uint8_t type;                            /* enum part_type */
	uint16_t source;                         /* index into model_spec.sources */
	uint16_t warning;                        /* 0, or 1 + index into model_spec.warnings: what is not established about it */
	union {
		struct gqa_spec gqa; struct mla_spec mla; struct csa_spec csa; struct delta_spec delta;
		struct mamba2_spec mamba2; struct conv_spec conv; struct mlp_spec mlp; struct moe_spec moe;
	} u;
};
struct branch     { uint8_t norm, n_parts; uint16_t part[3]; };
struct layer_kind {
	const char *name;
	uint8_t n_branches;
	uint8_t extra_norms;                     /* further vectors of the model's width (Gemma 4 26B: 3 around its two feed-forwards) */
	uint8_t extra_scalars;                   /* single numbers (Gemma 4's layer scale) */
	struct branch branch[3];
};
enum rope_scaling { ROPE_SCALING_NONE, ROPE_SCALING_LINEAR, ROPE_SCALING_YARN, ROPE_SCALING_LLAMA3, ROPE_SCALING_LONGROPE, ROPE_SCALING_PROPORTIONAL };
struct rope {
	const char *name;
	double theta;
	uint32_t dims, original;                 /* original: context before scaling */
	uint8_t scaling;
	double factor;
};
struct encoder {
	const char *name, *type;                 /* "vision", "siglip" */
	const char *format;                      /* of the released weights: "bf16"; NULL: not stated */
	uint8_t component;                       /* enum component: COMP_VISION or COMP_AUDIO */
	uint64_t params;                         /* bare count: its tensors are not described one by one */
	uint32_t image_tokens;                   /* 0: unknown or variable */
	uint16_t source;
};
struct mtp {
	uint32_t layers;
	uint16_t kind;                           /* the layer kind each block uses */
	uint8_t own_embed, own_head;
	uint8_t stored;                          /* layers that the released weights hold; 0: announced only */
	uint8_t norms;                           /* vectors of the model's width beside eh_proj and the layer: 3 (enorm, hnorm, final) */
	uint8_t no_proj;                         /* no eh_proj (unusual) */
	uint64_t extra;                          /* further elements of one block that follow no rule above */
};
enum status { STATUS_OPEN_WEIGHTS, STATUS_API_ONLY, STATUS_ANNOUNCED, STATUS_DOES_NOT_EXIST };
enum component { COMP_TEXT, COMP_MTP, COMP_VISION, COMP_AUDIO, COMPONENTS };
struct source { const char *key, *what, *where, *confidence; };

struct model_spec {
	const char *id, *name, *architecture;    /* architecture: GGUF's name ("llama", "qwen3moe"); "unknown" when there is none */
	const char *file;                        /* where it was read from */
	uint32_t width, vocab, n_layers;
	uint32_t residual_streams;               /* 4: DeepSeek V4's hyper-connections; else 1 */
	uint32_t residual_block;                 /* Kimi K3's attention residuals: block size; 0: none */
	uint32_t context_native, context_max;    /* 0: unknown */
	uint8_t tied_head, norm_type, embed_scale;
	uint8_t learned_positions;               /* a table context_native x width */
	uint8_t no_final_norm, head_bias, embed_norm;
	float norm_eps, final_softcap;
	double embed_factor;                     /* embed_scale 1: what embeddings are multiplied by; 0: sqrt(width) */
	uint32_t per_layer_embed;                /* Gemma 3n/4 E: width of the per-layer table; 0: none */
	uint32_t per_layer_vocab;                /* its rows; 0: vocab */
	const struct part *parts;        uint16_t n_parts;
	const struct layer_kind *kinds;  uint16_t n_kinds;
	const uint16_t *kind_of;                 /* n_layers long */
	struct mtp mtp;
	const struct encoder *encoders;  uint8_t n_encoders;
	const struct rope *rope;         uint8_t n_rope;
	const char *native_format;               /* recipe id in data/quants.yaml: "bf16", "fp8_block128", ... */
	const char *const *native_keep;          /* roles that stay bf16 in the released weights, or NULL: the recipe's own rule */
	uint8_t gguf_mtp;                        /* published GGUF files carry the MTP blocks */
	struct known tokenizer_bytes;            /* enters file_bytes only */
	struct known native_file_bytes;          /* bytes of the released weights, as published */
	const struct source *sources;    uint16_t n_sources;
	const char *const *warnings;     uint16_t n_warnings;    /* sentences; shown in every estimate made from this model */
};

/* Validates what every reader must guarantee: positive sizes, kv_heads dividing q_heads, kinds and parts in range, every
 * REUSE_LAST part preceded by an owner of its span, at most MAX_LAYERS layers, products below 2^62.
 * where/line: for the message ("FILE:LINE: "). Returns OK or `code` (E_CATALOGUE or E_FILE). */
int model_check(const struct model_spec *m, int code, const char *where, unsigned line, struct error *err) MUST_CHECK;

/* Names of the enums above, NULL-ended, in order; the catalogue's spelling. */
extern const char *const part_type_names[], *const span_names[], *const norm_at_names[], *const norm_type_names[],
	*const qk_norm_names[], *const gate_names[], *const act_names[], *const score_names[], *const rope_scaling_names[],
	*const status_names[], *const component_names[];

#endif
