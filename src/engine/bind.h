/* bind.h - from the three lists to bound ops: weights found, activations and states placed. */
#ifndef BIND_H
#define BIND_H

#include "engine/backend.h"

struct bound {
	struct arena arena;                      /* of everything below */
	struct op_list ops;
	struct bound_op *op; uint32_t n;
	struct state_block *states; uint32_t n_states;
	struct binding binding;
	struct limits limits;
};
/* What data/engines.yaml says of `ullage`, as far as sizes follow from it; the engine reads no catalogue, and tests/unit/engine_profile.c holds the two equal. */
extern const struct engine_profile engine_self;
/* kv_k, kv_v: enum kernel_format. E_FILE: a weight is missing; E_ARCH: a part that src/engine has no op for; E_USAGE: sizes overflow. On error *out is freed. */
int bind_model(struct bound *out, const struct weights *w, const struct limits *lim, uint32_t kv_k, uint32_t kv_v, struct error *err) MUST_CHECK;
void bound_free(struct bound *b);

#endif
