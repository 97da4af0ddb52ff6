/* quant.h - number formats and recipes, read from data/quants.yaml: nothing about a format is written in C.
 *
 * A format says how many bytes so many elements take. A recipe says which role on which layer gets which format.
 * Not here: applying a recipe to a model (calc/inventory.h). */
#ifndef QUANT_H
#define QUANT_H

#include "base/arena.h"
#include "base/error.h"
#include "catalog/roles.h"
#include <stdint.h>

enum math { MATH_F32, MATH_F16, MATH_BF16, MATH_FP8, MATH_INT8, MATH_FP4, MATH_COUNT };
extern const char *const math_names[];

enum packing { PACK_GGUF, PACK_HF, PACK_MLX, PACKINGS };
extern const char *const packing_names[];

enum { NO_FORMAT = 0xffff, MAX_SCALES = 3, MAX_MATH_RULES = 6, MAX_FALLBACKS = 16 };

/* Elements and the scales beside them. Block formats (ggml): bytes for every `block` elements of a row, rows not padded.
 * Tile formats: bits an element, plus `scale` bytes for every tile [tile0 x tile1], begun tiles counted whole (tile0 0: the whole
 * row, tile1 0: all rows), plus per_tensor_bytes; of a stack of experts each expert is a tensor of its own. */
struct format {
	const char *id, *name;           /* "q4_k", "Q4_K" */
	uint32_t block, bytes;           /* block > 0: a block format */
	uint32_t bits;                   /* tile formats: bits an element */
	struct { uint32_t tile0, tile1, bytes; } scale[MAX_SCALES];
	uint8_t n_scales;
	uint32_t zero_tile0, zero_bits;  /* AWQ/GPTQ: zero points of so many bits for every zero_tile0 inputs */
	uint32_t per_tensor_bytes;
	int32_t ggml_type;               /* number in a GGUF file; -1: none */
	const char *safetensors;         /* dtype word in a safetensors header: "BF16"; NULL: packed in others */
	uint8_t math_default;            /* enum math: which matrix rate it uses */
	struct { const char *arch; uint16_t capability; uint8_t math; } math[MAX_MATH_RULES];   /* "sm_89" = 89: from there on */
	uint8_t n_math;
	const char *quality, *source;
};

/* Predicates of a rule, a closed list; each is defined and tested in calc/recipe.c. */
enum when {
	WHEN_TIED_HEAD, WHEN_UNTIED_HEAD, WHEN_EXPERTS_8, WHEN_EXPERTS_4_UP, WHEN_NOT_EXPERTS_8, WHEN_GQA_4_UP, WHEN_GQA_BELOW_4,
	WHEN_GQA_4_UP_OR_EXPERTS_4_UP, WHEN_MORE_BITS, WHEN_FIRST_EIGHTH, WHEN_FIRST_SIXTEENTH, WHEN_FIRST_2, WHEN_FIRST_4,
	WHEN_MIDDLE, WHEN_IS_70B, WHEN_IMATRIX, WHEN_NO_IMATRIX, WHEN_STACKED, WHEN_NOT_STACKED,
	WHEN_ARCH_FALCON, WHEN_NOT_ARCH_FALCON, WHEN_ARCH_MLA, WHEN_NOT_ARCH_MLA,
	WHEN_FIRST_EIGHTH_COUNTED,       /* as FIRST_EIGHTH, but of the tensors counted so far even in a mixture of experts */
	WHEN_ROW_MISFIT,                 /* the row is no multiple of the block of the recipe's default format */
	WHEN_ARCH_GLM5_NEXT, WHEN_ARCH_BAILINGMOE3, WHEN_NOT_ARCH_BAILINGMOE3, WHEN_ARCH_DEEPSEEK4,
	WHEN_MTP,                        /* a tensor of an MTP block */
	WHEN_NATIVE_MXFP4,               /* routed experts are released in MXFP4: converters and llama-quantize keep them */
	WHENS
};
extern const char *const when_names[];

struct rule {
	uint64_t roles[2];               /* bit set over enum role; all bits: any */
	uint64_t when[1];                /* bit set over enum when: all must hold */
	uint16_t format;
	uint16_t bump_from[4], n_bump;   /* `from: [q3_k, q4_k]`: only when the format chosen so far is one of these */
	uint8_t then;                    /* 1: `continue: true`: later rules may still change it */
	uint32_t line;
};
struct recipe {
	const char *id, *name;           /* "q4_k_m", "Q4_K_M" */
	const char *const *aliases;      /* NULL-ended; "int4@vllm" style aliases are per engine */
	uint8_t packing;
	uint16_t base;                   /* format of what no rule names */
	uint16_t plain;                  /* format of vectors and of what is never quantised (f32 in GGUF, bf16 in HF) */
	uint8_t imatrix;                 /* published files of this recipe are usually made with an importance matrix */
	uint8_t dynamic;                 /* follows no published rule: estimated with a range, exact only from a file */
	double bpw_low, bpw_high;        /* dynamic: bits a weight seen in published files */
	const struct rule *rules; uint16_t n_rules;
	struct { uint16_t from, to; } fallback[MAX_FALLBACKS]; uint8_t n_fallback;  /* row not a multiple of the block */
	uint16_t last_resort;            /* when the fallback does not fit either (f16 in GGUF); NO_FORMAT: an error */
	const char *quality, *source;
	uint32_t line;
};

struct quants {
	const char *file;
	const struct format *formats; uint16_t n_formats;
	const struct recipe *recipes; uint16_t n_recipes;
	const uint16_t *ladder; uint8_t n_ladder;       /* default order of estimate and fit; 0xffff stands for "as released" */
};

int quants_load(struct quants *out, struct arena *a, const char *path, struct error *err) MUST_CHECK;
int quants_parse(struct quants *out, struct arena *a, const char *file, const void *bytes, size_t n,
	struct error *err) MUST_CHECK;
/* Index or NO_FORMAT. By id or name, any case. */
uint16_t format_find(const struct quants *q, const char *name);
uint16_t format_by_ggml(const struct quants *q, uint32_t ggml_type);
/* By id, name or alias ("int4", "q4", "fp16"), any case. engine: whose aliases count; NULL: none. E_FORMAT with near matches. */
int recipe_find(const struct recipe **out, const struct quants *q, const char *name, const char *engine,
	struct error *err) MUST_CHECK;

/* Bytes of one tensor: ne[0] contiguous inputs, ne[1] rows, ne[2] experts or 1. E_FORMAT: ne[0] is no multiple of the block;
 * E_FILE: a product overflows. */
int tensor_bytes(uint64_t *out, const struct format *f, const uint64_t ne[3], struct error *err) MUST_CHECK;
/* Bits an element takes at least: of a block format exactly, of a tile format without its scales. */
double format_least_bits(const struct format *f);
/* The matrix rate a format uses on a device of this compute capability (89 for 8.9; 0: not NVIDIA). */
enum math format_math(const struct format *f, unsigned compute_capability);

#endif
