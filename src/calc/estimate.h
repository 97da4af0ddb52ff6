/* estimate.h - one model on one machine: memory term by term, speed, verdict. Pure.
 *
 * estimate, fit, show, accuracy and inspect all ask here; there is no second sum anywhere. */
#ifndef ESTIMATE_H
#define ESTIMATE_H

#include "base/arena.h"
#include "calc/footprint.h"
#include "calc/settings.h"
#include "catalog/efficiency.h"
#include "catalog/hardware_spec.h"

struct memory {
	const char *device, *pool;
	uint64_t weights, kv_cache, state, compute, runtime, total;
	uint64_t budget;                         /* what the engine may use of the pool */
	uint64_t usable;                         /* of it, what is there at all, where the engine takes a share of what its weights leave; else 0 */
	int64_t headroom;                        /* budget - total: the ullage */
	uint32_t layers;
	uint16_t group;                          /* index into the machine's groups */
};
enum verdict { FITS, FITS_OFFLOADED, DOES_NOT_FIT };
extern const char *const verdict_names[];

/* What an estimate rests on that is not exact. */
enum warning {
	WARN_CONTEXT_ABOVE_MAX, WARN_RUNTIME_UNKNOWN, WARN_BANDWIDTH_UNKNOWN, WARN_RATE_UNKNOWN, WARN_TOKENIZER_UNKNOWN, WARN_DYNAMIC_RECIPE,
	WARN_COMPUTE_APPROXIMATE, WARN_ENCODER_APART, WARN_NOT_LOADED_BY_ENGINE, WARN_NO_HOST_POOL, WARN_ACTIVATION_UNKNOWN, WARN_EXACT_FROM_FILE, WARN_LINK_UNKNOWN, WARN_OFFLOAD_PREFILL, WARNINGS
};
const char *warning_text(enum warning w);

/* A change that makes it fit; `value` is the new setting. */
enum change { CHANGE_KV_TYPE, CHANGE_KV_TYPES, CHANGE_CONTEXT, CHANGE_SEQUENCES, CHANGE_RECIPE, CHANGE_HOST, CHANGES };
enum { MAX_DEVICES = 128, MAX_DEPTHS = 8, MAX_RELAX = 6, SHORT_NOWHERE = -2, SHORT_HOST = -1, MAX_SEQUENCES = 1024 };
struct depth { uint64_t ctx_tokens, kv_bytes; struct figure decode_tps; };
/* value: tokens, sequences, bytes of host memory, or formats of K << 16 and V; name: of a format or recipe; the rest: what the estimate is with it */
struct relaxation { uint8_t change, verdict; uint64_t value; const char *name; uint64_t saves_bytes; uint32_t gpu_layers, cpu_moe; struct figure decode_tps; };

struct estimate {
	struct settings settings;                /* as resolved */
	uint64_t params_total, params_active, params_mtp, file_bytes;
	uint64_t weights_low, weights_high;      /* a dynamic recipe's range; equal otherwise */
	struct memory sum, host;                 /* host.total 0: nothing there */
	struct memory device[MAX_DEVICES]; unsigned n_devices;
	uint64_t max_context_tokens;             /* 0: not even the smallest */
	uint32_t max_sequences;                  /* of the asked context each, no worse placed than one; 0: not one, MAX_SEQUENCES: that many at least */
	struct figure decode_tps, prefill_tps, ttft_s;   /* at the start; of one ubatch; of a prompt of ttft_tokens */
	uint64_t ttft_tokens;
	struct depth depth[MAX_DEPTHS]; unsigned n_depths;
	uint8_t verdict;
	uint32_t gpu_layers;                     /* repeating layers on devices */
	uint32_t cpu_moe;                        /* of the first so many layers the routed experts are in host memory */
	uint8_t output_on_device;                /* output matrix too: all but -ngl 0 */
	uint8_t dealt;                           /* the engine's own shares do not fit: the layers (the output as one) are dealt so: */
	uint16_t deal[MAX_DEVICES];
	int short_at;                            /* index of the device that is short, SHORT_HOST or SHORT_NOWHERE */
	struct memory short_of;                  /* its terms with all layers where they were asked for */
	struct relaxation relax[MAX_RELAX]; unsigned n_relax;
	uint32_t warnings;                       /* bit set of enum warning */
};

struct question {
	const struct model_spec *model;
	const struct quants *quants;
	const struct hardware_spec *hardware;
	const struct efficiency *efficiency;
	struct settings settings;
	const struct file_weights *file;         /* exact weights of a real file; NULL: the recipe's */
};
/* A real file's own directory, summed by inspect: it always wins over a recipe. */
struct file_weights { uint64_t input_bytes, output_bytes, *layer_bytes, *expert_bytes, file_bytes; };  /* expert_bytes: of layer_bytes; NULL: not told apart */

/* Memory and verdict only, some microseconds. The arena holds what is needed on the way and may be reset afterwards. */
int estimate_memory(struct estimate *out, const struct question *q, struct arena *a, struct error *err) MUST_CHECK;
/* The same at the first recipe of the ladder that the engine loads and that fits wholly, else offloaded; when none fits, the smallest tried.
 * Sets q->settings.recipe. best NULL, or the first recipe to try (--max-quant). E_FORMAT: the engine loads none of them. */
int estimate_ladder(struct estimate *out, struct question *q, const struct recipe *best, struct arena *a, struct error *err) MUST_CHECK;
/* One sequence of 8192 tokens with an f16 cache under an engine's own defaults, layers placed as they fit; no recipe yet. */
void settings_default(struct settings *s, const struct engine_profile *engine, const struct quants *q);
/* E_USAGE: the engine is known not to run on a device of the machine. */
int place_refused(const struct hardware_spec *h, const struct engine_profile *e, struct error *err) MUST_CHECK;
/* Something that is not counted (a context, libraries, activations of unknown size) may not find room: on some device less is left than
 * llama.cpp's own fitting keeps free (common/common.h, fit_params_target: 1024 MiB). */
int estimate_tight(const struct estimate *e);
/* Chooses a recipe, with its importance matrix unless that was given. */
void settings_recipe(struct settings *s, const struct recipe *r);
/* The i-th recipe of the ladder; NULL: not for this engine. Other packings than GGUF are for engines that do not load it. */
const struct recipe *estimate_rung(const struct question *q, unsigned i);
/* Decode speed of one step at the start of the context, on top of a memory estimate: what a table is ranked by. */
int estimate_decode(struct estimate *e, const struct question *q, struct arena *a, struct error *err) MUST_CHECK;
/* Pieces of the rest, for tables that show only some of it: speed by depth; prefill of one ubatch; the time to the first token of a
 * prompt (on top of a prefill); the longest context, a multiple of 256, that is
 * placed no worse; how many sequences are. */
int estimate_depths(struct estimate *e, const struct question *q, struct arena *a, struct error *err) MUST_CHECK;
int estimate_prefill(struct estimate *e, const struct question *q, struct arena *a, struct error *err) MUST_CHECK;
int estimate_ttft(struct estimate *e, const struct question *q, struct arena *a, struct error *err) MUST_CHECK;
int estimate_longest(struct estimate *e, const struct question *q, struct arena *a, struct error *err) MUST_CHECK;
/* One speed of any shape, on top of a memory estimate: decode of all sequences at a depth, or a prompt of `tokens` from the start on. */
struct speed_of {
	struct figure rate, plain;               /* tokens/s; plain: without what the engine was seen to reach here */
	double bytes;                            /* weights and state that the step reads; a prompt: its first */
	uint16_t format;                         /* that most of its weights have; NO_FORMAT */
	double depth; uint32_t width;            /* mean depth of the run; sequences, or tokens of a prompt's step: what runs are told apart by */
	double distance;                         /* of the runs that rate rests on (calc/runs.h); negative: none */
};
int estimate_decode_at(struct speed_of *out, struct estimate *e, const struct question *q, uint64_t depth, struct arena *a, struct error *err) MUST_CHECK;
int estimate_prompt(struct speed_of *out, struct estimate *e, const struct question *q, uint64_t tokens, struct arena *a, struct error *err) MUST_CHECK;
int estimate_most_sequences(struct estimate *e, const struct question *q, struct arena *a, struct error *err) MUST_CHECK;
/* The rest on top: speed by depth, prefill, the longest context, how many sequences, the cheapest relaxations. */
int estimate_rest(struct estimate *e, const struct question *q, struct arena *a, struct error *err) MUST_CHECK;
/* Both: estimate_memory(), or estimate_ladder() when no recipe is given and the weights are no file's, and the rest. */
int estimate_compute(struct estimate *out, struct question *q, const struct recipe *best, struct arena *a, struct error *err) MUST_CHECK;

#endif
