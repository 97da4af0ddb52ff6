/* import_gguf_arch.h - what llama.cpp's loader knows of an architecture beyond the file's metadata. Private to import_gguf. */
#ifndef IMPORT_GGUF_ARCH_H
#define IMPORT_GGUF_ARCH_H

#include <stdint.h>

enum span_rule {
	SPANS_FULL,              /* the loader ignores attention.sliding_window */
	SPANS_PATTERN,           /* a window when the key is positive: pattern from the key (array or period), else the default period */
	SPANS_ARRAY,             /* a window when the key is positive: the pattern is in the file */
	SPANS_ALL,               /* a window when the key is positive: on every attention layer */
	SPANS_CHUNK              /* llama4: chunks of 8192 unless the key is 0 */
};
enum rope_rule {
	ROPE_EVERYWHERE, ROPE_NOT_EVERY_4TH,     /* layers 3, 7, ... have none */
	ROPE_NOT_FIRST_OF_4,                     /* layers 0, 4, ... have none */
	ROPE_WINDOW_ONLY,                        /* layers with a full span have none, if there are windows at all */
	ROPE_WINDOW_OR_DENSE,                    /* but for the leading dense ones */
	ROPE_BY_KEY,                             /* rope.scaling.finetuned false: none; attention.rope_pattern: of each layer */
	ROPE_NOWHERE
};
enum { ARCH_EMBED_SCALE = 1, ARCH_RMS = 2, ARCH_NO_OPS = 4, ARCH_SHARED_FROM_20 = 8, ARCH_UNDESCRIBED = 16,
	ARCH_HALF_FULL_ROPE = 32,
	ARCH_WINDOW_64_LAYERS = 64, ARCH_SOFTCAPS = 128,
	ARCH_LAYER_NORM = 512,
	ARCH_PLAIN_WINDOW = 256          /* layers with a window rotate unscaled, whatever the others do */
};

struct arch_facts {
	const char *name;
	uint8_t act, score;              /* enum act; enum score when expert_gating_func is absent */
	uint8_t spans, period, full_first, rope;
	uint32_t window;                 /* tokens when the key is absent; 0: none */
	uint16_t flags;
};

/* NULL: not in the table. */
const struct arch_facts *gi_arch_find(const char *name);

#endif
