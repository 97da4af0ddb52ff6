/* state.h - the second list: what each layer keeps between tokens, and how many entries an engine allocates for it. Pure. */
#ifndef STATE_H
#define STATE_H

#include "calc/inventory.h"
#include "catalog/engine.h"

enum growth { GROW_TOKEN, GROW_WINDOW, GROW_CHUNK, GROW_RATIO, GROW_FIXED };
enum state_role {
	STATE_K, STATE_V, STATE_LATENT, STATE_INDEX, STATE_COMPRESSED, STATE_CONV, STATE_RECURRENT, STATE_COMPRESSOR, STATE_ROLES
};
enum { GROWTHS = GROW_FIXED + 1 };

/* What an item must know of the model's other states: llama.cpp widens V rows, vLLM shares pages among layers of all kinds. */
struct state_peers {
	const char *architecture;
	uint32_t v_widest;                           /* elements of the widest V entry of any layer */
	uint32_t layers[GROWTHS];                    /* layers with such states; GROW_RATIO: compressed rows */
	uint64_t entry[GROWTHS];                     /* elements an entry of the widest such layer; GROW_FIXED: recurrent, a sequence */
	uint64_t conv;                               /* convolution elements a sequence of the widest such layer */
};

struct state_item {
	uint16_t role;                               /* enum state_role */
	uint8_t growth;
	uint8_t type_rule;                           /* enum state_type: the engine profile maps it to a number format */
	uint32_t span;                               /* window, chunk or ratio */
	uint32_t row;                                /* elements of a quantisation row: one head, or the latent */
	uint32_t rows;                               /* rows an entry; GROW_FIXED: rows a sequence */
	uint32_t read_entries;                       /* a decode step reads at most so many; 0: all */
	uint16_t cut_pieces;                         /* kv heads; 1: copied to every device (MLA) */
	uint32_t heads_k, heads_v, latent_v;         /* MLA: elements of all heads' keys and values, and of the latent's value part */
	uint8_t mtp;                                 /* of an MTP block */
	struct layer_set layers;
	struct state_peers peers;
};
struct settings;
typedef int state_fn(void *user, const struct state_item *s, struct error *err);

/* Emits the states of a model, equal layers merged. REUSE_LAST parts emit nothing. MTP blocks: only when with_mtp, as layers
 * after the last. States that only some engine keeps (an indexer's V, a compressor's unfinished rows) are emitted too; an engine
 * that does not keep them gives 0 entries. */
int state_walk(const struct model_spec *m, int with_mtp, state_fn *emit, void *user, struct error *err) MUST_CHECK;

/* Entries of one layer that an engine allocates for ctx tokens a sequence and so many sequences: padding, pages, window + ubatch,
 * slots; CACHE_IDEAL: the architecture's own count (min(ctx, window), ctx / ratio). GROW_FIXED: sequences.
 * E_USAGE: too many tokens or sequences for 64 bits. */
int state_entries(uint64_t *out, const struct state_item *s, const struct engine_profile *e, const struct settings *set,
		  struct error *err) MUST_CHECK;
/* Bytes of all layers of the item: entries * rows * bytes of a row in the engine's format for it. E_FORMAT: the engine cannot
 * keep this state in the chosen type (llama.cpp: rows that are no multiple of the block, a quantised V without flash
 * attention). */
int state_bytes(uint64_t *out, const struct state_item *s, const struct engine_profile *e, const struct quants *q,
		const struct settings *set, struct error *err) MUST_CHECK;
/* Is it KV cache (grows with tokens, up to a window) or state (does not grow)? */
static inline int state_is_kv(const struct state_item *s) { return s->growth != GROW_FIXED; }

#endif
