/* engine.h - what each engine allocates and loads, read from data/engines.yaml: every constant with version and source. */
#ifndef ENGINE_H
#define ENGINE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/known.h"
#include "catalog/quant.h"
#include <stdint.h>

/* How the entries of a state are counted. */
enum cache_rule { CACHE_IDEAL, CACHE_SLOTS, CACHE_PAGES };       /* none; llama.cpp; vLLM */
/* INDEX_V: a V row beside the indexer's key, which nothing reads. COMPRESSOR: unfinished rows of DeepSeek V4's compressors. */
enum state_type {
	TYPE_KV_K, TYPE_KV_V, TYPE_LATENT, TYPE_INDEX, TYPE_CONV, TYPE_RECURRENT, TYPE_COMPRESSED, TYPE_INDEX_V, TYPE_COMPRESSOR,
	STATE_TYPES
};
extern const char *const state_type_names[];    /* NULL-ended */
extern const char *const cache_rule_names[];
/* One latent row; the latent and its value part again, transposed; keys and values of every head. */
enum mla_cache { MLA_LATENT, MLA_LATENT_AND_V, MLA_HEADS };
extern const char *const mla_cache_names[];     /* NULL-ended */
enum { TYPE_FIXED, TYPE_USER_K, TYPE_USER_V };  /* struct engine_profile, state[].user */

/* Where an engine runs; the first four are enum vendor. */
enum engine_platform {
	ON_CUDA, ON_ROCM, ON_INTEL, ON_METAL, ON_VULKAN, ON_CPU, ON_TPU, ON_ASCEND, ON_GAUDI, ON_NEURON, ENGINE_PLATFORMS
};
extern const char *const engine_platform_names[];  /* NULL-ended, like the five below */
enum engine_says { SAYS_UNKNOWN, SAYS_NO, SAYS_YES };
/* Formats of weights it computes with: containers (GGUF, MLX), plain numbers, and the quantisers' own. */
enum engine_format {
	READS_F32, READS_F16, READS_BF16, READS_GGUF, READS_MLX, READS_FP8, READS_FP8_BLOCK, READS_INT8, READS_AWQ, READS_GPTQ,
	READS_INT4, READS_NVFP4, READS_MXFP4, READS_MXFP8, READS_COMPRESSED_TENSORS, READS_QUARK, READS_MODELOPT, READS_TORCHAO,
	READS_BITSANDBYTES, READS_EXL2, READS_MARLIN, READS_EETQ, ENGINE_FORMATS
};
extern const char *const engine_format_names[];
/* Several devices: whole layers one after the other (layer: one machine; pipeline: also several), rows of matrices with the caches
 * on one card, every layer and its caches divided (tensor), routed experts, replicas (data), the context. */
enum engine_split {
	SPLITS_LAYER, SPLITS_PIPELINE, SPLITS_ROW, SPLITS_TENSOR, SPLITS_EXPERT, SPLITS_DATA, SPLITS_CONTEXT, ENGINE_SPLITS
};
extern const char *const engine_split_names[];
/* What host memory may hold beside a card: nothing; layers or experts that the CPU computes; weights that are brought to the card
 * when their turn comes; caches, whole or what was evicted. */
enum engine_host { HOST_NONE, HOST_LAYERS, HOST_EXPERTS, HOST_WEIGHTS, HOST_KV, ENGINE_HOSTS };
extern const char *const engine_host_names[];
/* What `utilisation` is a share of: the device, what was free before loading, what is left once weights and buffers are there. */
enum engine_share { SHARE_UNKNOWN, SHARE_TOTAL, SHARE_FREE, SHARE_LEFT };
extern const char *const engine_share_names[];
/* What its flags (or environment variables) set. */
enum engine_flag_for {
	FLAG_MEMORY_FRACTION, FLAG_MEMORY_MARGIN, FLAG_CACHE_BYTES, FLAG_CONTEXT, FLAG_KV_TYPE, FLAG_KV_TYPE_V, FLAG_SEQUENCES,
	FLAG_BATCH, FLAG_UBATCH, FLAG_PAGE, FLAG_QUANT, FLAG_TENSOR_PARALLEL, FLAG_PIPELINE_PARALLEL, FLAG_EXPERT_PARALLEL,
	FLAG_DATA_PARALLEL, FLAG_SPLIT_MODE, FLAG_SPLIT_SHARES, FLAG_GPU_LAYERS, FLAG_CPU_EXPERTS, FLAG_HOST_OFFLOAD,
	FLAG_KV_OFFLOAD, FLAG_FLASH_ATTENTION, FLAG_EAGER, ENGINE_FLAGS
};
extern const char *const engine_flag_names[];

/* What an engine is and how it is told. No figure of an estimate comes from here; nothing is taken over by `like`. 0 or NULL: unknown. */
struct engine_use {
	struct { uint8_t runs; uint8_t min_capability; } on[ENGINE_PLATFORMS];  /* enum engine_says; CUDA: tenths, 75 is 7.5; 0: unknown */
	uint8_t formats[ENGINE_FORMATS], splits[ENGINE_SPLITS], host[ENGINE_HOSTS];  /* 1: named */
	const char *const *kv_types;             /* words of its cache type flag; NULL-ended */
	struct { const char *flag, *preset; } flag[ENGINE_FLAGS];  /* preset: the default as text, "unknown" included */
};
/* Bytes of a device that neither weights nor caches get, by the device's size. */
struct engine_held { uint64_t below, bytes; };   /* below: devices of fewer bytes; UINT64_MAX: all others */

struct engine_profile {
	const char *id, *name, *version, *source;
	uint8_t cache;                           /* enum cache_rule */
	uint8_t loads[PACKINGS];
	uint8_t component[4];                    /* enum component: loaded by default? */
	uint32_t context_pad;                    /* llama.cpp: cells of a sequence are padded to this; 0: none */
	uint32_t window_pad;                     /* llama.cpp: window cells = pad(window * slots + ubatch, this) */
	uint8_t mla_cache;                       /* enum mla_cache: what MLA layers keep */
	uint8_t unified;                         /* llama.cpp: all sequences share one run of cells (kv_unified) */
	uint32_t compressed_pad;                 /* llama.cpp: compressed rows of a sequence are padded to this */
	uint8_t v_widest;                        /* llama.cpp without flash attention: every V row is as wide as the widest layer's */
	uint8_t v_quant_needs_flash;             /* llama.cpp: a quantised V cache needs flash attention */
	uint8_t windows_full;                    /* windows and chunks save nothing */
	const char *const *full_span_in;         /* GGUF architectures whose windows it treats as full; NULL-ended, may be NULL */
	const char *const *index_v_in;           /* architectures whose indexer cache has a V row too; likewise */
	uint32_t page_tokens;                    /* vLLM: block size */
	uint8_t page_groups;                     /* vLLM: kinds of layer share pages of one size, in groups of one length */
	uint32_t fixed_pages;                    /* vLLM: pages a sequence of a recurrent state */
	double utilisation;                      /* share of the card it takes; 0: n/a, or not one share for all cards */
	uint8_t utilisation_of;                  /* enum engine_share */
	const struct engine_held *held;          /* SGLang: kept back for activations and graphs; by `below`, ascending */
	uint8_t n_held;
	/* format of each state: a fixed format, the user's choice of K or V type, or NO_FORMAT: not kept, or not known how */
	struct {
		uint16_t format;
		uint8_t user;                    /* TYPE_FIXED, or 1: settings.kv_k, 2: settings.kv_v */
		uint8_t unknown;                 /* kept, but in which format is unknown */
		uint8_t row_extra_bytes;         /* scales beside every row */
	} state[STATE_TYPES];
	uint32_t ubatch, batch;                  /* defaults */
	uint32_t large_batch;                    /* vLLM: the default on a card of at least large_from_bytes; 0: the same */
	uint64_t large_from_bytes;
	uint32_t graph_pad;                      /* compute buffers: alignment of one tensor */
	uint8_t logits_last;                     /* of a prompt only the sampled rows get logits; llama.cpp reserves all */
	uint8_t embed_on_host;                   /* llama.cpp: tables that are only gathered from stay in host memory beside a card */
	uint8_t splits_tensors;                  /* several cards share every layer (tensor parallel); else layers are dealt out */
	uint8_t offloads_layers;                 /* layers that do not fit may stay in host memory */
	uint8_t offloads_experts;                /* so may the routed experts of layers that are on a card */
	uint8_t splits_layers;                   /* several cards may hold whole layers, one after the other */
	struct known runtime_bytes[4];           /* enum vendor; per device: context, libraries, graphs */
	struct known activation_bytes;           /* vLLM's profiled peak, where it is a constant */
	struct figure activation_range;          /* its range where only that is known */
	struct engine_use use;
	const char *const *notes; uint8_t n_notes;
};
struct engines { const char *file; const struct engine_profile *profiles; uint16_t n_profiles; };

/* q: formats named in the file must exist there. */
int engines_load(struct engines *out, struct arena *a, const char *path, const struct quants *q, struct error *err) MUST_CHECK;
int engines_parse(struct engines *out, struct arena *a, const char *file, const void *bytes, size_t n, const struct quants *q,
		  struct error *err) MUST_CHECK;
/* Bytes of a device of `usable` that weights and caches get: the engine's share, or what it does not hold back. A share of what is
 * left (SHARE_LEFT) depends on the weights: calc/placement.c. */
uint64_t engine_budget(const struct engine_profile *e, uint64_t usable);
/* Does it run on a device: vendor (enum vendor), whether it is a processor, compute capability (89 for 8.9; 0: not NVIDIA, or unknown). */
enum engine_says engine_runs_on(const struct engine_profile *e, unsigned vendor, int is_cpu, unsigned capability);
/* NULL when unknown. */
const struct engine_profile *engine_find(const struct engines *e, const char *name);

#endif
