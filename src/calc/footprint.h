/* footprint.h - the bytes of one model under one recipe, summed once: per layer, per component, per way of being split. Pure. */
#ifndef FOOTPRINT_H
#define FOOTPRINT_H

#include "base/arena.h"
#include "calc/inventory.h"
#include "calc/settings.h"
#include "calc/state.h"

struct footprint {
	const struct model_spec *model;
	const struct quants *quants;
	uint32_t n_layers;
	uint64_t weights[COMPONENTS][USES];      /* bytes by component and use */
	uint64_t *layer_bytes;                   /* n_layers: text weights of each layer */
	uint64_t *expert_bytes;                  /* of them: routed experts */
	uint64_t input_bytes;                    /* embedding tables that are only gathered from, and what precedes the layers */
	uint64_t output_bytes;                   /* final norm, head (a tied head too: the matrix is read there) */
	uint64_t tied_bytes;                     /* of output_bytes: what input_bytes would hold a second time */
	uint64_t cuttable_bytes[64 + 1];         /* text weights by the largest power of two they divide into: index log2, rest at 0 */
	uint64_t file_bytes;                     /* tensors as published in one file (GGUF: text, MTP where carried, tokenizer; HF: all) */
	uint8_t file_has_tokenizer;              /* file_bytes includes the vocabulary */
	uint64_t params_total, params_text, params_mtp, params_active;
};
int footprint_compute(struct footprint *out, const struct model_spec *m, const struct quants *q, const struct settings *set, struct arena *a, struct error *err) MUST_CHECK;

/* Bytes of the caches of every layer for these settings. kv grows with tokens; state does not. */
struct cache_bytes { uint64_t kv, state, *layer; uint64_t kv_cut[2]; uint32_t kv_heads_min; };
int cache_compute(struct cache_bytes *out, const struct model_spec *m, const struct quants *q, const struct settings *set, struct arena *a, struct error *err) MUST_CHECK;
/* What 1024 more tokens of one sequence cost where every window is full, by the architecture alone. ideal: the profile `none`. */
int cache_per_1k(uint64_t *out, const struct model_spec *m, const struct quants *q, const struct engine_profile *ideal, uint16_t kv_k, uint16_t kv_v, struct error *err) MUST_CHECK;

#endif
