/* ops.h - the third list: the operations of one step, lowered from the same parts as the tensors.
 *
 * One decode step or one ubatch of prefill. op_cost() is the only place where bytes and FLOPs of an op are written.
 * Pure. Not here: seconds (speed.h), the layout of activations (buffers.h). */
#ifndef OPS_H
#define OPS_H

#include "base/arena.h"
#include "calc/inventory.h"
#include "calc/op_formats.h"
#include "calc/settings.h"
#include "catalog/engine.h"
#include "catalog/weight_names.h"
#include <string.h>

enum op_kind {
	OP_EMBED,        /* rows gathered */
	OP_NORM,         /* [+ residual add before] */
	OP_LINEAR,       /* 1 to 4 weights over one input */
	OP_ACT,          /* act(gate) * up, or act(up) */
	OP_GATE,         /* x * act(gate), element by element */
	OP_CONCAT,       /* two activations side by side */
	OP_QK_STORE,     /* head norm, rope, store K and V or the latent into the state */
	OP_ATTN,         /* softmax attention over a state: MLA absorbed is kv_heads 1, k_dim 576, v_dim 512 */
	OP_INDEX,        /* indexer scores, top-k */
	OP_COMPRESS,     /* DeepSeek V4: rows into compressed rows */
	OP_CONV, OP_DELTA, OP_SSD,
	OP_ROUTE, OP_EXPERTS,
	OP_ADD, OP_MIX,  /* residual; hyper-connections and attention residuals */
	OP_HEAD,
	OP_ROWS,         /* the rows that need logits, out of all: what follows works on these alone */
	OP_DECAY,        /* own only: what a delta rule with a decay a channel forgets, and how much it learns */
	OP_PER_LAYER,    /* own only: the embeddings of every layer, of the table and of a projection of the stream (Gemma 4 E) */
	OP_BANK,         /* own only: the stream is kept, as number u.norm.n of those that OP_RES_MIX mixes (Kimi K3) */
	OP_RES_MIX,      /* own only: stream and kept streams, u.norm.n of them, each by the softmax of its score */
	OP_SCALE,        /* own only: times the one number w[0], or the scale of mixtures */
	OP_KINDS
};
extern const char *const op_names[];

/* An activation: made by op `def`, last read by op `last`; both are indices into the list. */
struct activation {
	uint64_t bytes, n;                       /* n: numbers a token */
	uint32_t def, last;
	uint8_t host;                            /* an input that the host writes */
	uint8_t keep;                            /* never freed */
};
enum { NO_ACT = 0xffffffff };

enum { OP_WEIGHTS = 8, NO_PART = 0xffff };
struct op {
	uint16_t kind, layer;                    /* layer: n_layers for what belongs to the whole model */
	uint16_t part;                           /* index into model->parts; NO_PART */
	uint8_t branch;                          /* of its layer kind */
	uint8_t rows;                            /* works on the rows that need logits alone */
	uint8_t residual;                        /* an OP_ADD or OP_MIX of a branch into the residual stream (own only) */
	uint8_t bytes_only;                      /* 1: stands for memory; the op before it does the work */
	uint16_t w[OP_WEIGHTS];                  /* enum weight_id, in the order that src/engine reads them; W_NONE */
	uint8_t math;                            /* enum math: which matrix rate applies */
	uint8_t in_place;                        /* out[0] may take over an input that nobody reads again */
	uint32_t in[4], out[4];                  /* activations; NO_ACT */
	union {
		struct op_norm    { uint64_t n; } norm;
		struct op_linear  { uint64_t n_in, n_out[4], groups; uint16_t format[4]; uint8_t n_weights; } linear;   /* groups: equal matrices over slices of the input */
		struct op_attn    { uint32_t q_heads, kv_heads, k_dim, v_dim, span_tokens, read_entries, ratio; uint16_t format_k, format_v; uint8_t span, latent; } attn;
		struct op_index   { uint32_t q_heads, dim, ratio; uint16_t format; } index;
		struct op_experts { uint32_t experts, per_token; uint64_t n_in, width; uint16_t format[3]; uint8_t matrices; } experts;
		struct op_delta   { uint32_t k_heads, v_heads, k_dim, v_dim, conv_rows, conv_kernel; } delta;
		struct op_ssd     { uint32_t heads, head_dim, groups, state, conv_rows, conv_kernel; } ssd;
	} u;
};
/* tokens: of the step, all sequences together; outputs: rows that need logits; context: entries already in the state, mean over sequences. */
/* sizes_only: activations are wanted, not costs; the formats of weights are not looked up. */
/* own: for src/engine, which runs what is lowered: no masks, only rows that need logits in the head, and the small ops that others' estimates leave out. */
/* gate_apart: an attention gate of every element has a matrix of its own, not the other half of the queries' rows.
 * parallel: all branches of a layer read the stream as the layer found it. early_router: so do routers of experts, before any norm.
 * mixture_scaled: experts and what is added to them are scaled together. */
struct shape { uint64_t tokens, sequences, outputs; double context_mean; uint64_t context_max; uint8_t sizes_only, own, gate_apart, parallel, early_router, mixture_scaled; };

/* Is it this program's own engine that runs? */
static inline uint8_t settings_own(const struct settings *set) { return set->engine && !strcmp(set->engine->id, "ullage"); }

struct op_list {
	const struct model_spec *model;
	const struct quants *quants;
	struct op *op; uint32_t n, cap;
	struct activation *act; uint32_t n_act, cap_act;
	uint32_t mask;                           /* the attention mask: an input, live until the last attention; NO_ACT */
	uint32_t rest;                           /* further inputs of attention, likewise */
	struct shape shape;
	uint8_t flash;                           /* attention scores are not kept */
};
struct op_cost { double weight_bytes, state_bytes, act_bytes, flops; };

/* Lowering piece by piece, for those who know that equal layers need not be seen again: begin, layers in order, end. x: the residual
 * stream. Formats are read at begin, unless sizes_only. */
struct lowering {
	struct op_list *l;
	struct arena *a;
	const struct model_spec *m;
	const struct settings *set;
	struct op_formats formats;
	uint32_t layer, x, per_layer, choice, bank, n_bank;     /* bank: streams kept by attention residuals, n_bank so far; per_layer: embeddings of every layer; choice: what the last indexer chose; NO_ACT */
	uint16_t part;                           /* being lowered */
	uint8_t branch, rows;                    /* rows: only those that need logits are left */
	int failed;
};
int ops_begin(struct lowering *w, struct op_list *out, const struct model_spec *m, const struct quants *q, const struct settings *set, const struct shape *s,
	struct arena *a, struct error *err) MUST_CHECK;
void ops_layer(struct lowering *w, uint32_t layer);
int ops_end(struct lowering *w, struct error *err) MUST_CHECK;
/* All layers. set gives recipe, K and V formats, flash attention. E_NOMEM; E_FORMAT as inventory_walk(). */
int ops_lower(struct op_list *out, const struct model_spec *m, const struct quants *q, const struct settings *set, const struct shape *s, struct arena *a, struct error *err) MUST_CHECK;
void op_cost(struct op_cost *out, const struct op_list *l, const struct op *op);
/* Expected number of distinct experts that `tokens` tokens touch, each choosing per_token of experts evenly: E (1 - (1 - k/E)^t). */
double experts_touched(double experts, double per_token, double tokens);

#endif
