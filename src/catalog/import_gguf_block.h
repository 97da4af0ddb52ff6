/* import_gguf_block.h - the tensors of one layer by name, each taken once; and the metadata of an architecture by key. Private to
 * import_gguf. Functions that can fail leave the reason in the import's error and return it. */
#ifndef IMPORT_GGUF_BLOCK_H
#define IMPORT_GGUF_BLOCK_H

#include "catalog/import_gguf.h"
#include "catalog/import_gguf_arch.h"

enum { NOT_A_LAYER = UINT32_MAX, MAX_WARNINGS = 8 };

struct named_tensor {
	const char *stem;                /* "attn_q.weight" of "blk.3.attn_q.weight" */
	const struct file_tensor *t;
	uint8_t taken;
};
struct block { struct named_tensor *t; uint32_t n, layer; };

struct gguf_import {
	const struct gguf *g;
	struct arena *a;
	struct error *err;
	const char *arch;
	const struct arch_facts *facts;  /* never NULL: a row of defaults for an unknown architecture */
	struct model_spec *m;
	struct block global, *blocks;
	uint32_t n_blocks;               /* with the MTP blocks after the layers */
	struct { uint8_t span; uint32_t tokens; } *span;         /* n_blocks long */
	uint32_t own_kv_layers;          /* layers from here on reuse the K and V of earlier ones */
	struct part *parts;
	struct layer_kind *kinds;
	struct rope *rope;
	const char **warnings;
	uint64_t undescribed;            /* elements of tensors that the description has no place for */
	uint8_t old_mla;                 /* a latent attention whose file lets llama.cpp cache expanded K and V only */
};

#define TRY(x) do { int try_rc_ = (x); if (try_rc_ != OK) return try_rc_; } while (0)

/* The same for readers of keys, which return 1 when they read something. */
#define READ(x) do { int read_rc_ = (x); if (read_rc_ < 0) return read_rc_; } while (0)

/* Sorts the directory into global tensors and blocks. */
int gi_blocks_build(struct gguf_import *c) MUST_CHECK;

/* "STEM.weight" or "STEM" alone / "STEM.bias"; NULL when absent. take marks it as understood, has does not. */
const struct file_tensor *gi_take(struct block *b, const char *stem);
const struct file_tensor *gi_take_bias(struct block *b, const char *stem);
const struct file_tensor *gi_take_exact(struct block *b, const char *name);
int gi_has(const struct block *b, const char *stem);
/* The first tensor that nobody took is E_ARCH, by name. */
int gi_blocks_finish(struct gguf_import *c, struct block *b) MUST_CHECK;

/* Shapes as the metadata want them. t may not be NULL. */
int gi_want_shape(struct gguf_import *c, const struct file_tensor *t, uint64_t ne0, uint64_t ne1, uint64_t ne2) MUST_CHECK;
int gi_want_vector(struct gguf_import *c, const struct file_tensor *t, uint64_t n) MUST_CHECK;
/* Takes a tensor that must be there. */
int gi_need(const struct file_tensor **out, struct gguf_import *c, struct block *b, const char *stem) MUST_CHECK;
int gi_need_vector(struct gguf_import *c, struct block *b, const char *stem, uint64_t n) MUST_CHECK;
/* Takes "STEM.bias" when it is there and sets *flag. */
int gi_maybe_bias(uint8_t *flag, struct gguf_import *c, struct block *b, const char *stem, uint64_t n) MUST_CHECK;
/* E_ARCH: "FILE: architecture ARCH: ...". */
int gi_refuse(struct gguf_import *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* ARCH.key; fallback when absent. 1 read, 0 absent, negative error. hyper_at: scalar or element of a per-layer array. */
int gi_hyper(uint32_t *out, struct gguf_import *c, const char *key, uint32_t fallback) MUST_CHECK;
int gi_hyper_at(uint32_t *out, struct gguf_import *c, const char *key, uint32_t layer, uint32_t fallback) MUST_CHECK;
int gi_hyper_f(double *out, struct gguf_import *c, const char *key, double fallback) MUST_CHECK;
const struct gguf_value *gi_hyper_find(struct gguf_import *c, const char *key);

/* The parts of a block, *n of them, into p (zeroed). */
int gi_mixers(struct part *p, unsigned *n, struct gguf_import *c, struct block *b) MUST_CHECK;
int gi_feed_forwards(struct part *p, unsigned *n, uint8_t *extra_norms, struct gguf_import *c, struct block *b) MUST_CHECK;
int gi_attention(struct part *p, struct gguf_import *c, struct block *b) MUST_CHECK;
int gi_latent(struct part *p, struct gguf_import *c, struct block *b) MUST_CHECK;
int gi_compressed(struct part *p, struct gguf_import *c, struct block *b) MUST_CHECK;
int gi_rope(uint8_t *out, struct gguf_import *c, uint32_t layer, uint32_t dims) MUST_CHECK;
int gi_warning(struct gguf_import *c, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_CHECK;

#endif
