/* buffers.h - activations laid out over the ops by liveness: the compute buffer. Pure.
 *
 * Best fit over a list of free blocks, in the order of the ops, as ggml's graph allocator does; an element-wise op may take over
 * an input that nobody reads again. The same plan gives the estimate its bytes and the engine its scratch. */
#ifndef BUFFERS_H
#define BUFFERS_H

#include "calc/ops.h"

struct buffer_plan {
	uint64_t bytes;                  /* arena that holds every activation at its time */
	uint64_t host_bytes;             /* inputs that the host writes: embeddings' rows, mask */
	uint64_t unread_bytes;           /* of `bytes`: reserved on the host's side only, never on a card */
	uint64_t *at;                    /* offset of each activation; UINT64_MAX for one that takes over an input in place */
	uint32_t peak_op;                /* op at which the arena is fullest */
};
/* align: of every activation (a power of two). E_NOMEM; E_FORMAT on overflow. */
int buffers_plan(struct buffer_plan *out, const struct op_list *ops, uint64_t align, struct arena *a, struct error *err) MUST_CHECK;
/* The plan of an engine's largest step under these settings: a full ubatch of one prompt at the whole context, with logits for
 * every row, as llama.cpp reserves it (src/llama-context.cpp, graph_reserve). CACHE_IDEAL: nothing. */
int buffers_for(struct buffer_plan *out, const struct model_spec *m, const struct quants *q, const struct settings *set, struct arena *a, struct error *err) MUST_CHECK;

#endif
