/* backend.h - what runs a model: bound ops in, a prepared program out, steps through it. CPU, CUDA and Metal each fill struct backend.
 *
 * The contract of shapes.md, section 4. bind.h makes the ops; a backend says at bind time which it can, and prepares all of them into one program. What changes
 * from step to step is data (struct step), so that prefill, decode and many sequences are one program. Nothing is allocated after prepare. */
#ifndef BACKEND_H
#define BACKEND_H

#include "calc/ops.h"
#include "calc/state.h"
#include "engine/engine.h"
#include "engine/weights.h"

struct device;
struct program;
struct buffer { uint64_t bytes; void *host; };   /* host: where the CPU sees it; NULL on a card. A backend extends it */

/* One state of one layer in the state buffer: slots one after the other. Entries of a slot are rings of `entries`: position p is entry p % entries.
 * K and V: [slot][head][entry][row]; latent: [slot][entry][row]; recurrent and convolution states: [slot][rows x row]. */
struct state_block {
	uint16_t role, layer;                    /* enum state_role */
	uint32_t kernel_format, entries, row, heads;     /* heads: rows an entry */
	uint64_t at, slot_bytes, head_bytes, row_bytes;
};
enum { NO_AT = -1, OP_STATES = 2 };
struct bound_op {
	const struct op *op;                     /* kind, sizes, part */
	const struct part *part;                 /* NULL */
	const struct weight *w[OP_WEIGHTS];      /* as op->w; NULL */
	int64_t in[4], out[4];                   /* bytes into the arena; NO_AT */
	uint64_t n_in[4], n_out[4];              /* numbers a token */
	const struct state_block *state[OP_STATES];      /* K, V (or latent, twice) of attention; recurrent, convolution */
};
struct limits { uint32_t max_tokens, max_outputs, slots; uint64_t ctx_tokens; };
struct binding {
	const struct weights *weights;
	const struct model_spec *model;
	const struct state_block *states; uint32_t n_states;
	uint64_t arena_bytes, kv_bytes, state_bytes;     /* kv blocks come first in the one buffer of states, then those that do not grow */
	int64_t logits_at;                       /* of the arena: max_outputs rows of vocab */
	uint8_t no_repack;
};
struct device_info { const char *name, *isa; uint32_t threads; uint8_t pinned; };
struct memory_now { uint64_t total_bytes, free_bytes, used_by_us_bytes; };
struct program_info { uint64_t weights_bytes, repacked_bytes, scratch_bytes; struct engine_region region[ENGINE_REGIONS]; uint32_t n_regions; };

struct backend {
	const char *name;                                                              /* "ref", "cpu", "cuda", "metal" */
	/* threads, isa: of struct engine_options. E_NODEV and why */
	int  (*open)(struct device **out, const struct engine_options *o, struct error *err);
	void (*close)(struct device *dev);
	int  (*info)(struct device_info *out, const struct device *dev, struct error *err);
	int  (*memory)(struct memory_now *out, const struct device *dev, struct error *err);
	int  (*alloc)(struct buffer **out, struct device *dev, uint64_t bytes, struct error *err);     /* page aligned, zeroed; E_NOMEM also when so much is not free */
	void (*free)(struct buffer *buf);
	int  (*put)(struct buffer *dst, uint64_t at, const void *src, uint64_t bytes, struct error *err);
	int  (*get)(void *dst, const struct buffer *src, uint64_t at, uint64_t bytes, struct error *err);
	/* Kind, formats, sizes of one op; E_ARCH or E_FORMAT names what it cannot. Asked at bind time for every op. */
	int  (*can)(const struct device *dev, const struct bound_op *op, struct error *why);
	/* ops, binding and weights outlive the program; states is a buffer of kv_bytes + state_bytes of this device. */
	int  (*prepare)(struct program **out, struct device *dev, const struct bound_op *ops, uint32_t n, const struct binding *b, struct buffer *states, const struct limits *lim, struct error *err);
	void (*program_info)(struct program_info *out, const struct program *p);
	int  (*run)(struct program *p, const struct step *s, struct error *err);       /* asynchronous where the device is */
	int  (*wait)(struct program *p, struct error *err);                            /* earlier errors surface here */
	float *(*logits)(const struct program *p);                                     /* max_outputs rows, after wait */
	/* (optional) seconds of each op of one step, for verify --explain */
	int  (*time_ops)(double *seconds, struct program *p, const struct step *s, struct error *err);
	void (*drop)(struct program *p);
};
extern const struct backend backend_cpu, backend_ref;
const struct backend *backend_find(const char *name);    /* NULL: no such */

#endif
