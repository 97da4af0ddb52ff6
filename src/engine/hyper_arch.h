/* hyper_arch.h - what an architecture fixes without metadata saying so: one line each. Private to the engine's loading. */
#ifndef HYPER_ARCH_H
#define HYPER_ARCH_H

#include "engine/weights.h"

enum topk { TOPK_PLAIN, TOPK_NORM, TOPK_KEY };   /* are the chosen experts' weights divided by their sum; KEY: expert_weights_norm says */
enum {
	HY_ADJACENT = 1,                         /* rotation of pairs (2i, 2i+1) */
	HY_WINDOW_SCALED = 2,                    /* layers with a window scale their rotation as the others do */
	HY_LOGITS_DIVIDED = 4,                   /* logit_scale divides */
	HY_EMBED_SQRT = 8,                       /* embeddings are multiplied by sqrt(width) */
	HY_MINICPM = 16,                         /* scales that the key may leave out */
	HY_MLA_YARN = 32,                        /* attention is scaled by the square of yarn's mscale */
	HY_LLAMA4 = 64,
	HY_NORM_AFTER_ROPE = 128,
	HY_ATTN_ONE = 256,                       /* attention is not scaled */
	HY_GEMMA_27B = 512,                      /* ... by width / heads at 46 (gemma2) or 62 (gemma3) layers */
	HY_V_NORM = 1024,
	HY_YARN_KEYS = 2048,                     /* the loader reads yarn_beta_fast, yarn_beta_slow, temperature_scale */
	HY_BA_BY_HEAD = 4096,                    /* ssm_ba: rows of b and a of one key head together */
	HY_GATE_LIMITED = 16384,                 /* limits of activations hold before the activation */
	HY_INDEX_HALVES = 65536,                 /* the indexer rotates pairs (i, i + dims / 2) */
	HY_WINDOW_PLAIN = 262144,                /* ... and attn_factor is not theirs either */
	HY_PARALLEL = 1048576,                   /* unless use_parallel_residual says otherwise */
	HY_EARLY_ROUTER = 2097152,
	HY_GATE_SOFTPLUS = 8388608,
	HY_RMS_BIAS = 33554432,
	HY_GROK = 16777216,
	HY_MEAN_SHARED = 4194304,                /* the mean of routed and shared experts, not their sum */
	HY_SECTIONS_HALVES = 524288,             /* files with rope.dimension_sections rotate pairs (i, i + dims / 2) */
	HY_NOT_SAVED = 131072,                   /* gguf_keys.c does not know all keys of its files */
	HY_ONE_BRANCH = 32768,                   /* attention and feed-forward read the same stream: only where they share a norm, too, is that what a description says */
	HY_DELTA_TILED = 8192                    /* value head h goes with key head h % k_heads */
};
/* What the engine makes of an architecture. UNKNOWN: nobody has looked at it; REFUSED: a part of it is not built; UNPROVED: all parts are, but nothing has been
 * compared; PROVED: a tiny model of it gives llama.cpp's logits (tests/unit/engine_tiny.c compares, and fails when this table says otherwise). */
enum arch_state { ARCH_UNKNOWN, ARCH_REFUSED, ARCH_UNPROVED, ARCH_PROVED };
enum arch_state arch_state(const char *architecture);    /* NULL: unknown */

struct arch_traits {
	const char *name;
	uint8_t state, topk;                     /* enum arch_state, enum topk */
	uint32_t flags;
};
const struct arch_traits *hyper_traits(const char *architecture);       /* NULL: not known */
const struct arch_traits *hyper_arch_at(unsigned i);     /* NULL: there are no more */
int hyper_adjacent(const char *architecture);
/* E_ARCH by name when the architecture does not run. */
int hyper_refuse(const struct model_spec *m, struct error *err) MUST_CHECK;
/* w->hyper of w->model: keys of the file and factors among w->t. */
int hyper_from_gguf(struct weights *w, const struct gguf *g, struct error *err) MUST_CHECK;
/* The part of both that only the architecture decides. */
void hyper_of_arch(struct hyper *h, const struct model_spec *m, const struct arch_traits *t);

#endif
