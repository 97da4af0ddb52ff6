/* weights.h - a model ready to be run: its description, the constants of its forward pass, and its tensors by what they are for.
 *
 * From a GGUF file (mapped, all shards), a safetensors folder, or dummy weights: seeded numbers of the exact shapes and formats of a catalogue entry. Tensors are borrowed from the maps;
 * of safetensors with experts stored apart, FP8 with scales or MXFP4 the whole model is made in memory once. Not here: running it (engine.h). */
#ifndef WEIGHTS_H
#define WEIGHTS_H

#include "catalog/model_spec.h"
#include "catalog/quant.h"
#include "catalog/weight_names.h"
#include "engine/hyper.h"
#include "format/gguf.h"
#include <signal.h>

/* One matrix or vector, possibly a part of a fused tensor (q of qkv): rows [0, ne[1]) of ne[0] numbers each, ne[2] times (experts), stride bytes apart. */
struct weight {
	uint16_t id;                             /* enum weight_id */
	uint16_t format;                         /* index into quants->formats */
	int32_t layer;                           /* -1: of the whole model */
	uint64_t ne[3];
	uint64_t stride;                         /* bytes from expert to expert */
	const void *data;
	const char *name;                        /* in the file */
};
struct weights_map { const void *at; uint64_t bytes; };
struct weights {
	struct arena arena;
	struct model_spec model;
	struct hyper hyper;
	const struct quants *quants;
	const char *file;                        /* or the entry's id */
	struct gguf *gguf;                       /* NULL: not from a GGUF file; holds the tokenizer */
	struct weight *t; uint32_t n;            /* sorted by layer and id */
	struct stored *stored; uint32_t n_stored;        /* tensors as the file has them, fused ones whole; for weights_save() */
	struct weights_map *map; uint32_t n_maps;
	uint64_t bytes;                          /* of all tensors that a step may read */
	const char *note;                        /* what a person should know of how they are held; NULL */
	uint8_t dummy, adjacent_rope;            /* adjacent: q and k rows are stored for pairs (2i, 2i+1) */
	uint8_t made;                            /* the maps are memory, not files: pages that an engine lets go of once it repacked them are lost */
	uint32_t layers_of;                      /* a slice: layers of the whole model; 0: it is whole */
};

/* path: a .gguf, any shard of one, a .safetensors, or a folder of either. E_FILE: malformed or a tensor is missing; E_ARCH: an architecture
 * that does not run (by name); E_FORMAT: a tensor's format has no kernel. *out is the caller's: weights_close(). A file that becomes shorter while it is
 * open ends the process with a message. */
int weights_open(struct weights **out, const char *path, const struct quants *q, struct error *err) MUST_CHECK;

/* *yes: a file of safetensors, an index of them, or a folder that has them and no GGUF file. Nothing is read. */
int weights_are_safetensors(int *yes, const char *path, struct error *err) MUST_CHECK;

struct dummy_options {
	uint64_t seed;
	uint32_t layers;                         /* 0: all; else the first so many */
	uint32_t threads;                        /* that fill it; 0: 1 */
	const volatile sig_atomic_t *stop;       /* (optional) set: what is not filled yet stays zeros, and the caller gives it up */
};
/* Seeded weights in memory, of the shapes of m (which outlives them) in the formats of the recipe. E_NOMEM: they do not fit what is free now (asked before anything is taken). */
int weights_dummy(struct weights **out, const struct model_spec *m, const struct recipe *r, const struct dummy_options *o, const struct quants *q, struct error *err) MUST_CHECK;
/* Writes a GGUF file that other engines load: the same bytes, the metadata of the source file or else of the architecture, with as many placeholder tokens as the vocabulary has
 * (tokenizer.ggml.model "none"). E_IO; E_ARCH: GGUF's metadata for this architecture is not known here; E_FORMAT: no number in GGUF files, a recipe or a
 * source of safetensors. An existing file is replaced only once the new one is whole. */
int weights_save(const struct weights *w, const char *path, struct error *err) MUST_CHECK;
void weights_close(struct weights *w);           /* NULL allowed */

/* NULL: the model has none. layer -1: of the whole model. Fused tensors answer as their parts (W_ATTN_Q, W_FFN_GATE, W_EXP_UP, ...) with data inside the whole; a
 * tied head is W_HEAD with the data of W_EMBED. Vectors may have any shape of so many elements. */
const struct weight *weights_find(const struct weights *w, unsigned id, int layer);
/* enum kernel_format of an index into q->formats; UINT32_MAX: no kernel knows it. */
uint32_t weights_kernel_format(const struct quants *q, uint16_t format);

#endif
