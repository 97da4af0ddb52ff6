/* inventory.h - the first list: every tensor of a model, as stored by a packing under a recipe.
 *
 * Pure. The only place that knows shapes. Tensors are merged into runs: one record for "attn_v, Q6_K, 40 layers".
 * Not here: tensor names (packing), states (state.h), bytes of a format (catalog/quant.h). */
#ifndef INVENTORY_H
#define INVENTORY_H

#include "catalog/model_spec.h"
#include "catalog/quant.h"
#include "catalog/roles.h"

enum use { USE_EVERY_TOKEN, USE_GATHER, USE_ROUTED, USE_MEDIA, USE_DRAFT, USES };
enum cut { CUT_NONE, CUT_OUT, CUT_IN, CUT_EXPERT, CUT_VOCAB };

struct layer_set { uint64_t bit[8]; };           /* up to 512 layers */
static inline void layer_add(struct layer_set *s, unsigned l) { s->bit[l / 64] |= UINT64_C(1) << (l % 64); }
static inline int layer_in(const struct layer_set *s, unsigned l) { return s->bit[l / 64] >> (l % 64) & 1; }
unsigned layer_count(const struct layer_set *s);     /* 0: the tensor belongs to the whole model */
unsigned layer_first(const struct layer_set *s);     /* MAX_LAYERS when there is none */
/* for (unsigned i = layer_first(s); i < MAX_LAYERS; i = layer_next(s, i)) */
unsigned layer_next(const struct layer_set *s, unsigned after);

struct tensor {
	uint16_t role, id;                           /* enum role; enum weight_id, of a run: of its first tensor */
	uint8_t component, use, cut;
	uint8_t scales;                              /* 1: scale or zero-point tensor of a format: not a parameter */
	uint16_t cut_pieces;                         /* heads, groups, experts it divides into; 1: every device holds a copy */
	uint16_t format;                             /* index into quants->formats */
	uint32_t count;                              /* tensors of this shape a layer (separate experts are still one record: ne[2]) */
	uint64_t ne[3];                              /* ne[0]: contiguous input dimension; ne[1]: outputs; ne[2]: experts or 1 */
	struct layer_set layers;                     /* empty: one for the whole model */
};
typedef int tensor_fn(void *user, const struct tensor *t, struct error *err);

/* Everything the walk needs beside the model. recipe NULL: every tensor gets `plain` (counting). */
struct inventory {
	const struct model_spec *model;
	const struct quants *quants;
	const struct recipe *recipe;
	uint8_t imatrix;                             /* made with an importance matrix (recipe->imatrix by default) */
	uint8_t with_mtp;                            /* emit COMP_MTP */
	uint8_t with_encoders;
};

/* Emits every tensor in storage order, merged into runs. Stops at the first non-zero return of emit and returns it. */
int inventory_walk(const struct inventory *inv, tensor_fn *emit, void *user, struct error *err) MUST_CHECK;
/* The same before merging: one call a layer and role, layers in order (llama.cpp's counters depend on it). */
int inventory_walk_layers(const struct inventory *inv, tensor_fn *emit, void *user, struct error *err) MUST_CHECK;

/* The same kind by kind: runs over the layers of one layer kind, in no order that matters. The quickest, for sums. */
int inventory_walk_kinds(const struct inventory *inv, tensor_fn *emit, void *user, struct error *err) MUST_CHECK;

/* Elements of all tensors of the run (layers, count and experts included); -1 on overflow. */
int tensor_elements(uint64_t *out, const struct tensor *t);
/* Bytes of the whole run. */
int tensor_run_bytes(uint64_t *out, const struct tensor *t, const struct quants *q, struct error *err) MUST_CHECK;

struct counts {
	uint64_t total;                              /* text and encoders; MTP apart; a tied head once */
	uint64_t text, vision, audio, mtp;
	uint64_t active;                             /* multiplied for one token: no embedding look-up, no media, no MTP */
	uint64_t routed, routed_active;
	uint64_t embed;
};
/* Parameter counts by design.md's rules ("Counting"). */
int inventory_counts(struct counts *out, const struct model_spec *m, const struct quants *q, struct error *err) MUST_CHECK;

#endif
