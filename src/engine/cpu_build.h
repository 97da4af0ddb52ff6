/* cpu_build.h - while a program is prepared. Private to src/engine/cpu_prepare.c, cpu_place.c, cpu_access.c. */
#ifndef CPU_BUILD_H
#define CPU_BUILD_H

#include "engine/cpu.h"

struct build {
	struct program *p;
	const struct weights *w;
	uint32_t cap;
	uint32_t *norm_of;                       /* by activation: 1 + index of the xop that is its norm; 0 */
	uint32_t holds[INPUT_KINDS], taken[INPUT_KINDS];         /* activation + 1 that is prepared now; xops up to here may have taken the place */
	struct xop lost;
	int failed;
};
struct xop *build_x(struct build *b, xop_fn *run, const struct bound_op *o);
void build_need(struct build *b, enum input_kind k, uint64_t n);
void build_scratch(struct build *b, uint64_t bytes);
uint64_t index_scratch_bytes(const struct program *p, const struct xop *x);
uint64_t attn_scratch_bytes(const struct program *p, const struct xop *x);
/* Products whose result is only added to the residual stream add to it themselves. */
void join_residuals(struct build *b);
/* One buffer for activations, prepared rows, scratch and tables; offsets become pointers. */
int place_work(struct build *b, struct error *err) MUST_CHECK;
/* Repacks what pays (or is read from several memory nodes), and lets go of the file's pages behind it. */
int repack(struct build *b, struct error *err) MUST_CHECK;
void list_accesses(struct program *p);

#endif
