/* weights_private.h - between the sources of weights (a GGUF file, made-up numbers, safetensors) and what the engine asks for. */
#ifndef WEIGHTS_PRIVATE_H
#define WEIGHTS_PRIVATE_H

#include "engine/weights.h"
#include "formats.h"

/* A tensor as it is stored, whatever it fuses. */
struct stored {
	uint16_t id;                             /* enum weight_id; W_NONE: nothing that a forward pass reads is called so */
	uint16_t format;                         /* index into quants->formats */
	int32_t layer;                           /* -1: of the whole model */
	uint8_t used;
	uint64_t ne[4], bytes;
	const void *data;
	const char *name;
};
struct store { struct stored *t; uint32_t n; };
#define STORED_NAME_LIKE "%.96s"

/* Fills w->t from what is stored: each tensor that the model's layers have (calc/part_tensors.h), out of a fused one where need be. w->model,
 * quants and file are set. Sorts the store. E_FILE: one is missing or has another shape; E_FORMAT: a format without a kernel; E_ARCH: one is left over. */
int weights_bind(struct weights *w, struct store *s, struct error *err) MUST_CHECK;

int weights_open_hf(struct weights *w, const char *path, struct error *err) MUST_CHECK;
int weights_open_gguf(struct weights *w, const char *path, struct error *err) MUST_CHECK;
/* The same of a whole file in memory, which stays the caller's: for tests. */
int weights_of_bytes(struct weights **out, const char *file, const void *bytes, uint64_t n, const struct quants *q, struct error *err) MUST_CHECK;

/* Every tensor that the first m->n_layers layers of a model have under a recipe, as a GGUF file stores them: formats as in `whole`, of which m may be a slice. Sizes only; data is where in a
 * region of *bytes bytes the tensor would lie. *sum: of the tensors alone. Names live in *a. */
int weights_plan(struct store *out, uint64_t *sum, uint64_t *bytes, struct arena *a, const struct model_spec *m, const struct model_spec *whole,
	const struct recipe *r, const struct quants *q, struct error *err) MUST_CHECK;
enum { PLAN_ALIGN = 64 };
/* Seeded blocks of one format, out of which matrices are made. 1: made, 0: out of memory. */
struct fill_pattern { const struct kformat *f; unsigned char *p; uint32_t blocks; };
int fill_pattern(struct fill_pattern *out, struct arena *a, const struct kformat *f, uint64_t seed);
/* Made-up numbers for share `part` of `parts` of a tensor: finite, and such that a forward pass stays finite. p: of its format. */
void weights_fill(const struct stored *t, const struct model_spec *m, const struct fill_pattern *p, uint64_t seed, unsigned part, unsigned parts);
/* What the system says is free for this process; 0: unknown. */
uint64_t memory_free_now(void);

/* How llama.cpp's files of an architecture call a tensor, and in which shape they keep it where that differs (llama.cpp 0c1e57098 src/models/). */
int gguf_arch_in(const char *arch, const char *list);    /* is it one of a list with blanks between? */
const char *gguf_tensor_name(struct arena *a, const struct model_spec *m, unsigned id, int layer);
void gguf_tensor_shape(uint64_t ne[4], const struct model_spec *m, unsigned id, int layer);

struct weights *weights_new(const struct quants *q);     /* NULL: out of memory */

/* From here on a mapped file that becomes shorter while it is read (SIGBUS) ends the process with a message that names `path` and the exit code of E_FILE, in place of a
 * crash: what was there is gone, and no thread can go on. A handler that others have set stays. NULL: no file is mapped any more. */
void weights_watch(const char *path);

#endif
