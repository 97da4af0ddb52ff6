/* ops_build.h - the hands of the lowering: ops and activations appended one by one. Private to src/calc/ops*.c. */
#ifndef OPS_BUILD_H
#define OPS_BUILD_H

#include "calc/ops.h"

/* An op of this kind at the end of the list; its activations are NO_ACT. Never NULL. */
struct op *op_add(struct lowering *w, enum op_kind kind);
void op_reads(struct lowering *w, struct op *o, uint32_t a);
/* An activation of n numbers a token (f32) that op o makes. */
uint32_t op_makes(struct lowering *w, struct op *o, unsigned slot, uint64_t n);

uint32_t op_norm(struct lowering *w, uint32_t in, unsigned id, uint64_t n);
/* One weight; bias: W_NONE or the id of its bias. groups > 1: that many equal matrices over slices of the input (per head, per group). */
uint32_t op_linear(struct lowering *w, uint32_t in, unsigned id, unsigned bias, uint64_t n_in, uint64_t n_out, uint64_t groups);
/* One that src/engine does not run: known by its role alone. */
uint32_t op_linear_role(struct lowering *w, uint32_t in, enum role role, uint64_t n_in, uint64_t n_out, uint64_t groups);
/* Element by element over one or two inputs. */
uint32_t op_simple(struct lowering *w, enum op_kind kind, uint32_t in, uint32_t in2, uint64_t n);
/* The same, for memory alone. */
uint32_t op_memory(struct lowering *w, enum op_kind kind, uint32_t in, uint64_t n);

uint32_t lower_mixer(struct lowering *w, uint32_t x, const struct part *p);      /* attention, recurrence, convolution */
uint32_t lower_feed(struct lowering *w, uint32_t x, uint32_t router, const struct part *p);      /* dense and routed feed-forward */
/* A norm of the residual stream, or of what joins it; with its bias where the model's norms have one. */
uint32_t stream_norm(struct lowering *w, uint32_t in, unsigned id);
/* The layer's own embedding and its scale, after its branches. */
void lower_extras(struct lowering *w, const struct layer_kind *k);
/* own, attention residuals: what a branch reads; and whether the stream was kept, so that it begins anew with what the branch makes. */
uint32_t res_mix(struct lowering *w, unsigned id);
int res_bank(struct lowering *w, unsigned branch);
/* own: positions, norms and embeddings of every layer, before the first one. */
void own_inputs(struct lowering *w);
/* own: the rows that need logits, of up to two activations, from here on. */
void lower_rows(struct lowering *w, uint32_t *a, uint32_t *b);

#endif
