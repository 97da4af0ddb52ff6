/* import_config_read.h - what the parts of the config.json importer share: the document, the family, the model being built.
 *
 * Private to import_config*.c. The first failure sticks in import.rc; readers then return their defaults, so callers check once a
 * step. Every key that is read is marked as used; import_keys() refuses structural keys that nobody has read. */
#ifndef IMPORT_CONFIG_READ_H
#define IMPORT_CONFIG_READ_H

#include "base/json.h"
#include "catalog/model_spec.h"

/* What a model_type implies beside its keys. Sources: transformers 5.23 models/NAME/{configuration,modeling}_NAME.py and
 * llama.cpp 0c1e57098 conversion/ and src/models/; the totals they imply are held against published ones in the tests. */
enum family_flag {
	FAM_TIED         = 1 << 0,       /* tie_word_embeddings is true when it is absent */
	FAM_QKV_BIAS     = 1 << 1,       /* q, k, v have biases unless attention_bias says no */
	FAM_O_PLAIN      = 1 << 2,       /* o never has a bias */
	FAM_QK_NORM_KEY  = 1 << 3,       /* qk_norm only when use_qk_norm is true */
	FAM_EMBED_SCALE  = 1 << 4,       /* embeddings are multiplied by sqrt(width) */
	FAM_PARALLEL     = 1 << 5,       /* attention and feed-forward side by side under one norm */
	FAM_GATE_ELEMENT = 1 << 6,       /* output gate in q_proj unless attn_output_gate says no */
	FAM_GATE_HEAD    = 1 << 7,       /* one gate a head */
	FAM_SINKS        = 1 << 8,
	FAM_ROUTER_BIAS  = 1 << 9,       /* a vector per expert beside the router */
	FAM_SHARED_GATE  = 1 << 10,      /* the shared expert has a gate of one output */
	FAM_SHARED_ONE   = 1 << 11,      /* one shared expert as wide as the others, without a key */
	FAM_MTP_OWN      = 1 << 12,      /* MTP blocks store their own embedding and head */
	FAM_MTP_ABSENT   = 1 << 13,      /* MTP is announced in the config, the released weights do not hold it */
	FAM_SINGLE       = 1 << 14,      /* one mixer or one feed-forward a layer (Nemotron-H) */
	FAM_NOPE         = 1 << 15,      /* attention without rope */
	FAM_NOPE_FULL    = 1 << 16,      /* full layers without rope, where others have a window */
	FAM_WINDOW_FLAG  = 1 << 17,      /* sliding_window counts only with use_sliding_window */
	FAM_NEEDS_TIED   = 1 << 18,      /* a smaller sibling is tied: say so when the key is absent */
	FAM_LAYER_SCALE  = 1 << 19,      /* one number a layer */
	FAM_BIASES       = 1 << 20,      /* biases everywhere: q, k, v, o, both feed-forward matrices, head (Phi-2) */
	FAM_MTP_WINDOW   = 1 << 21,      /* MTP blocks use the window attention and the dense feed-forward */
	FAM_GGUF_MTP     = 1 << 22,      /* published GGUF files carry the MTP blocks */
	FAM_MTP_HEAD     = 1 << 23       /* MTP blocks store their own head, not an embedding */
};
struct family {
	const char *model_type, *architecture;       /* config.json's name; GGUF's */
	uint32_t flags;
	uint8_t norms, norm_type, qk_norm;           /* enum norm_at, norm_type, qk_norm */
	uint8_t act, matrices, score;                /* enum act, 3 or 2, enum score */
	uint16_t heads, kv_heads, head_dim;          /* class defaults; 0: the key is needed (kv_heads: as many as heads) */
	uint16_t pattern;                            /* every so many layers one is full; 0: a window, if any, holds everywhere */
	uint16_t nope_interval;                      /* every so many layers one has no rope */
	uint16_t mtp;                                /* MTP blocks when the config is silent about those that the weights hold */
	uint32_t vocab;
	double eps, theta, theta_local;
};
const struct family *family_find(const char *model_type);
/* By the first entry of `architectures`: for configs whose model_type is a private word. */
const struct family *family_by_class(const char *class_name);
extern const struct family family_llama;     /* what an unknown model_type is read as */

enum mixer { MIXER_NONE, MIXER_ATTENTION, MIXER_DELTA, MIXER_MAMBA, MIXER_CONV, MIXER_BESIDE /* attention and Mamba-2 */ };
enum feed  { FEED_NONE, FEED_MLP, FEED_MOE, FEED_BOTH };
/* One layer, before its parts are made. */
struct layer_plan {
	uint8_t mixer, feed, span;                   /* enum mixer, feed, span */
	uint8_t no_rope, indexed, index_reuse, hash, reuse_kv;
	uint32_t ratio;                              /* DeepSeek V4 */
	uint32_t kv_heads, mlp_width;                /* 0: the model's */
};

enum { MAX_WARNINGS = 24, KEY_WORDS = 8, MAX_CONFIG_SIZE = 1 << 24 };
struct import {
	const char *file;
	struct arena *arena;
	struct error *err;
	int rc;
	const cJSON *root, *text, *vision;
	const char *type;                            /* model_type, for messages */
	const struct family *fam;
	uint8_t guessed;                             /* model_type unknown: read as Llama-like */
	struct model_spec *m;
	uint64_t used[KEY_WORDS];
	struct layer_plan *plan;                     /* n_layers + 1: the last is the MTP block */
	struct part *parts;
	struct layer_kind *kinds;
	uint16_t *kind_of;
	struct rope *ropes;
	struct rope rope_main, rope_local;           /* of full layers; of window layers (DeepSeek V4: without compressed rows) */
	const char **warnings;
	uint32_t heads, kv_heads, head_dim, window, chunk;
};

/* import_config_read.c: readers of the text config. Absent or null: `absent`, and nothing is an error. */
int import_fail(struct import *c, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
void import_warn(struct import *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
void import_used(struct import *c, const char *key);
const cJSON *import_item(struct import *c, const char *key);                 /* NULL when absent or null */
uint32_t import_u32(struct import *c, const char *key, uint32_t absent);     /* 0 to 2^24 */
/* The first key of a NULL-ended list that is there. */
uint32_t import_count(struct import *c, const char *const *keys, uint32_t absent);
uint32_t import_need(struct import *c, const char *key, uint32_t family);    /* 1 to 2^24; `family` when absent; 0: an error */
double import_f64(struct import *c, const char *key, double absent);
int import_bool(struct import *c, const char *key, int absent);
const char *import_str(struct import *c, const char *key, const char *absent);
/* An array of one entry a layer (trailing entries for MTP blocks are allowed): its first entry; NULL when absent. */
const cJSON *import_per_layer(struct import *c, const char *key);
/* Objects inside the config: nothing but the NULL-ended list of keys may be in them. */
void import_closed(struct import *c, const cJSON *o, const char *where, const char *const *keys);
uint32_t import_in(struct import *c, const cJSON *o, const char *where, const char *key, uint32_t absent);
int import_is_list(const cJSON *o);

/* import_config_keys.c */
unsigned import_key(const char *key);                /* index into the table; asserts that it is there */
void import_keys(struct import *c, int early);       /* before anything is read; after everything has been */

/* One step each; failures stick. */
void import_layers(struct import *c);                /* import_config_layers.c: c->plan */
void import_nas_layers(struct import *c);
uint16_t import_kind(struct import *c, const struct layer_plan *l);  /* import_config_kinds.c: index of the layer kind */
void import_draft(struct import *c);                 /* the MTP blocks */
uint8_t import_rope(struct import *c, const struct rope *r);         /* import_config_rope.c: its index; kept once it is used */
void import_ropes(struct import *c);
void import_native(struct import *c);                /* import_config_quant.c */
void import_vision(struct import *c);                /* import_config_vision.c */
/* import_config_attention.c, import_config_mixers.c, import_config_feed.c: fill one zeroed part. */
void import_attention(struct import *c, struct part *p, const struct layer_plan *l);
void import_delta(struct import *c, struct part *p);
void import_mamba(struct import *c, struct part *p);
void import_conv(struct import *c, struct part *p);
void import_mlp(struct import *c, struct part *p, const struct layer_plan *l);
void import_moe(struct import *c, struct part *p, const struct layer_plan *l);
uint32_t import_experts(struct import *c);           /* 0: a dense model */
enum act import_act(struct import *c);

#endif
