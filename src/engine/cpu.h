/* cpu.h - the CPU backends ("cpu" and "ref") inside: prepared ops and what a thread needs to run its share. Private to src/engine/cpu_*.c.
 *
 * All threads walk the whole program together; each op is shared out by rows of the weights, by tokens, by heads or by channels, always in the same
 * way, so that a thread often goes on with what it wrote itself. Where it reads what others wrote, the op is marked with a barrier before it (cpu_sync.c). */
#ifndef CPU_H
#define CPU_H

#include "base/numa.h"
#include "base/pool.h"
#include "engine/backend.h"
#include "matmul.h"
#include "ops.h"
#include <stdatomic.h>

enum { MAX_HEAD = 1024, MAX_GROUPS = 64 };      /* numbers of a head of V; groups of experts */
enum { MANY = 1, ONE = 0, MODES = 2 };           /* one token a step, or several: shared out differently */

struct device {
	const struct matmul *mm;
	const struct ops *ops;
	struct thread_pool *pool;
	unsigned threads;
	const char *name;
	uint64_t nodes;                          /* of memory, that the threads are on; bit by bit */
	numa_bind_fn *bind;                      /* NULL: the system's */
	uint64_t taken;                          /* bytes of buffers, touched or not */
};
struct program;
struct xop;
typedef void xop_fn(struct program *p, const struct xop *o, unsigned thread);

/* How threads share an op, for cpu_sync.c. */
enum share { SHARE_ALL, SHARE_COLUMNS, SHARE_TOKENS, SHARE_OWN };
struct access { const void *at; uint64_t bytes, n; uint8_t write, share; };      /* n: numbers a row: columns are shared out by it */
enum { ACCESSES = 16 };

struct xop {
	xop_fn *run;
	const struct bound_op *b;
	const struct part *part;
	float *in[4], *out[4];                   /* rows of n_in, n_out numbers */
	uint64_t n_in[4], n_out[4];
	struct matrix m[4];                      /* of w[i]; of expert 0 */
	uint64_t expert_bytes[4];                /* from expert to expert */
	const float *vec[OP_WEIGHTS];            /* vectors in f32 */
	const struct state_block *state[OP_STATES];
	uint8_t rows;                            /* of the step's outputs, not of its tokens */
	uint8_t kinds;                           /* bit set of enum input_kind: prepared here (norm, prepare) */
	uint8_t kind;                            /* of the input of a product */
	uint8_t keep;                            /* norm: its float rows are read by others */
	uint8_t adds;                            /* product: to the residual stream that out[0] is */
	uint8_t sub;                             /* several xops of one bound op */
	uint8_t sync[MODES];                     /* a barrier before it */
	uint32_t index;                          /* of its counter in program->next */
	struct access access[MODES][ACCESSES]; uint8_t n_access[MODES];
};

/* Consecutive tokens of one slot in the step. */
struct token_run { uint32_t token, n, slot, first; };

struct program {
	struct device *dev;
	const struct binding *b;
	const struct model_spec *model;
	const struct hyper *hyper;
	struct limits lim;
	struct xop *x; uint32_t n;
	struct arena arena;                      /* of x, vectors, tables */
	struct buffer *work, *packed;
	unsigned char *kv;                       /* of the buffer of states */
		/* in work */
	float *act;                              /* the arena of activations */
	unsigned char *prep[INPUT_KINDS], *prep_own[INPUT_KINDS];        /* shared rows; a row a thread */
	uint64_t prep_bytes[INPUT_KINDS];        /* of a row at most */
	unsigned char *scratch; uint64_t scratch_bytes;                  /* of one thread */
	float *row_own; uint64_t row_n;          /* a float row a thread */
	float *cs; uint32_t cs_dims;             /* cos, sin: [rope][token][cs_dims] */
	double *freq; float *rope_mul;           /* [rope][cs_dims / 2]; what cos and sin are multiplied by */
	uint32_t *order, *start, *place;         /* experts: sorted rows (token * per_token + k), first row of each expert; where row (token, k) went */
	unsigned char *gather; uint64_t gather_bytes;
	struct token_run *runs; uint32_t n_runs;
	uint32_t max_chosen, max_experts;
	uint8_t copies;                          /* what is not repacked is copied */
	uint8_t model_adjacent;                  /* rotary pairs are (2i, 2i + 1) */
	/* of the step under way */
	const struct step *step;
	uint32_t tokens, outputs, mode;
	atomic_uint *next;                       /* items of an op that threads take one by one */
	uint64_t weights_bytes, repacked_bytes;
};

static inline uint32_t xop_rows(const struct program *p, const struct xop *o) { return o->rows ? p->outputs : p->tokens; }
/* [*a, *b) of n things in units, the share of one thread. */
void share_of(uint64_t *a, uint64_t *b, uint64_t n, uint64_t unit, unsigned thread, unsigned threads);
/* Tokens, from the last thread on: one token is thread 0's, which has least of what is shared out by columns. */
static inline void tokens_of(uint64_t *a, uint64_t *b, const struct program *p, uint32_t tokens, unsigned thread)
{
	share_of(a, b, tokens, 1, p->dev->threads - 1 - thread, p->dev->threads);
}
/* cos and sin of a token's place, for one of the model's rotary embeddings. */
static inline const float *turns(const struct program *p, unsigned rope, uint64_t token)
{
	return p->cs + ((uint64_t)rope * p->lim.max_tokens + token) * p->cs_dims;
}
/* The prepared rows of kind k for the op's row 0, and bytes from row to row. */
const void *prepared(const struct program *p, const struct xop *o, unsigned thread, uint64_t *stride);
static inline void *scratch_of(const struct program *p, unsigned thread) { return p->scratch + thread * p->scratch_bytes; }
static inline unsigned char *state_at(const struct program *p, const struct state_block *s, uint32_t slot) { return p->kv + s->at + slot * s->slot_bytes; }

/* out = act(gate) * up, kept within limit when that is above 0; up may be NULL, out one of the two. */
void act_limited(const struct program *p, float *out, const float *gate, const float *up, uint64_t n, int kind, float limit);

xop_fn run_embed, run_norm, run_prepare, run_linear, run_groups, run_act, run_add, run_rows, run_head, run_rope, run_gate, run_concat, run_decay, run_per_layer, run_scale, run_index_rows, run_index, run_bank, run_res_mix;
xop_fn run_qk, run_attn, run_conv, run_delta, run_ssd, run_shortconv, run_route, run_expert_rows, run_expert_up, run_expert_act, run_expert_down, run_expert_sum;

void sync_place(struct program *p);              /* fills xop.sync from xop.access */
int cpu_prepare(struct program **out, struct device *dev, const struct bound_op *ops, uint32_t n, const struct binding *b, struct buffer *states, const struct limits *lim, struct error *err) MUST_CHECK;
void cpu_drop(struct program *p);
int cpu_can(const struct device *dev, const struct bound_op *o, struct error *why);
int cpu_alloc(struct buffer **out, struct device *dev, uint64_t bytes, struct error *err) MUST_CHECK;
/* The same without a look at what is free: for what takes the place of memory that is let go of meanwhile. */
int cpu_map(struct buffer **out, struct device *dev, uint64_t bytes, struct error *err) MUST_CHECK;
void cpu_free(struct buffer *b);

#endif
