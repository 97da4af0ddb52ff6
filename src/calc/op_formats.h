/* op_formats.h - which format each role has on each layer under a recipe: what the ops need to know of the tensors. */
#ifndef OP_FORMATS_H
#define OP_FORMATS_H

#include "base/arena.h"
#include "calc/inventory.h"
#include "calc/settings.h"

struct op_formats {
	const struct quants *quants;
	uint32_t n_layers, rows;                 /* rows: n_layers + 1; the last is the whole model */
	uint16_t *format;                        /* rows x ROLES; NO_FORMAT where there is no such tensor; NULL: not read */
};
int op_formats_read(struct op_formats *out, const struct model_spec *m, const struct quants *q, const struct settings *set, struct arena *a, struct error *err) MUST_CHECK;
/* Fused and split tensors answer for each other (q asks for qkv, k_b for kv_b, ...); NO_FORMAT when the model has none. */
uint16_t op_format(const struct op_formats *f, enum role role, uint32_t layer);
uint8_t op_math(const struct op_formats *f, uint16_t format);

#endif
