/* engine.h - runs a model: steps of tokens in, logits out. One forward pass for prefill, decode and many sequences.
 *
 * A step is a ragged batch of (token, position, slot). A slot is one sequence's state. Nothing is allocated after engine_open().
 * Not here: what to feed it (generate.h), text (tokenizer.h). */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "engine/weights.h"

struct step {                                    /* arrays of n_tokens */
	uint32_t n_tokens, n_outputs;
	const int32_t *token, *position, *slot;  /* tokens of one slot stand together, their positions ascend by one */
	const int32_t *output_row;               /* n_outputs indices into the arrays above whose logits are wanted */
};
struct engine_options {
	const char *backend;                     /* "cpu" (NULL) or "ref" */
	const char *isa;                         /* NULL: the best; "scalar", "avx2", "avx512-vnni", ... */
	uint32_t threads;                        /* 0: as many as this process may use, or as its control group grants time for */
	uint8_t no_repack;
	uint32_t kv_k, kv_v;                     /* enum kernel_format: KF_F16, KF_BF16, KF_Q8_0, KF_F32; UINT32_MAX: f16 */
	uint64_t ctx_tokens;                     /* a slot; 0: 4096 or the model's own maximum if that is less */
	uint32_t slots, ubatch, outputs;         /* 0: 1, 512, slots; a step has at most ubatch tokens and so many outputs */
};
struct engine;

/* What of the process's memory is for what, so that a witness can ask the system about it: term "weights", "kv_cache", "state", "compute". A range is page aligned
 * and holds nothing else; weights may be ranges of the mapped file. */
struct engine_region { const char *term; const void *at; uint64_t bytes; };
enum { ENGINE_REGIONS = 256 };           /* files of a model, and three */

/* w is borrowed and outlives the engine. E_ARCH: an op or format that the backend has not, by name; E_NOMEM: the system has not so much free; E_USAGE. */
int engine_open(struct engine **out, struct weights *w, const struct engine_options *o, struct error *err) MUST_CHECK;
void engine_close(struct engine *e);             /* NULL allowed */
/* One step; returns when done. E_USAGE: more tokens than ubatch, a token outside the vocabulary, a position at or beyond ctx_tokens, a slot that there is not, positions that do not
 * continue their slot. */
int engine_run(struct engine *e, const struct step *s, struct error *err) MUST_CHECK;
/* vocab numbers; output i of the last step. Borrowed until the next step. */
float *engine_logits(const struct engine *e, uint32_t i);
/* Forgets a slot's sequence: its next token is at position 0. */
void engine_clear(struct engine *e, uint32_t slot);

struct engine_info {
	const char *backend, *isa;
	uint32_t threads, slots, ubatch, vocab;
	uint64_t ctx_tokens;
	uint8_t pinned;
	uint64_t weights_bytes, repacked_bytes, kv_bytes, state_bytes, compute_bytes;    /* asked for; repacked: of weights_bytes, in memory instead of the map */
	double load_s;                           /* engine_open: repacking, first touch */
	struct engine_region region[ENGINE_REGIONS]; uint32_t n_regions;
};
void engine_info(struct engine_info *out, const struct engine *e);
/* Would weights of this format be rearranged when an engine is opened with these options? */
int engine_repacks(const struct format *f, const struct engine_options *o);

#endif
