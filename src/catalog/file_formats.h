/* file_formats.h - number formats of a real file: ggml's types as data/quants.yaml has them, and what each role has on each layer. */
#ifndef FILE_FORMATS_H
#define FILE_FORMATS_H

#include "catalog/quant.h"
#include "format/gguf.h"

/* For gguf_open(): block sizes by ggml's type number. In *a; q outlives it. */
int gguf_types_of(struct gguf_types *out, struct arena *a, const struct quants *q, struct error *err) MUST_CHECK;

/* Which layer (negative: the whole model) and role a name has; ROLES: none. */
typedef void tensor_name_fn(const char *name, int *layer, unsigned *role);
/* struct settings.file_formats: (n_layers + 1) x ROLES, the last row the whole model's; NO_FORMAT where the file has no such tensor. */
int file_formats_read(uint16_t **out, struct arena *a, const struct tensor_dir *d, uint32_t n_layers, const struct quants *q,
	tensor_name_fn *name_of, struct error *err) MUST_CHECK;

#endif
