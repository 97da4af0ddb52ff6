/* weights_private.h - between the sources of weights (a GGUF file, made-up numbers, safetensors) and what the engine asks for. */
#ifndef WEIGHTS_PRIVATE_H
#define WEIGHTS_PRIVATE_H

#include "engine/weights.h"

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

int weights_open_gguf(struct weights *w, const char *path, struct error *err) MUST_CHECK;
/* The same of a whole file in memory, which stays the caller's: for tests. */
int weights_of_bytes(struct weights **out, const char *file, const void *bytes, uint64_t n, const struct quants *q, struct error *err) MUST_CHECK;

struct weights *weights_new(const struct quants *q);     /* NULL: out of memory */

#endif
