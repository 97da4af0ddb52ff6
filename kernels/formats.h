/* formats.h - number formats of weights and caches as kernels see them: blocks, their numbers, and back.
 *
 * An id is the ggml type number (data/quants.yaml: ggml_type; ggml.h enum ggml_type); formats that ggml has no number for begin at
 * 1000. Blocks are as ggml-common.h lays them out, little-endian, without alignment. dequantise() defines what a block means;
 * every other kernel is held against it. Not here: bytes of whole tensors (src/catalog/quant.h). */
#ifndef KERNEL_FORMATS_H
#define KERNEL_FORMATS_H

#include <stdint.h>

enum kernel_format {
	KF_F32 = 0, KF_F16 = 1, KF_Q4_0 = 2, KF_Q4_1 = 3, KF_Q5_0 = 6, KF_Q5_1 = 7, KF_Q8_0 = 8, KF_Q2_K = 10, KF_Q3_K = 11, KF_Q4_K = 12,
	KF_Q5_K = 13, KF_Q6_K = 14, KF_IQ2_XXS = 16, KF_IQ2_XS = 17, KF_IQ3_XXS = 18, KF_IQ1_S = 19, KF_IQ4_NL = 20, KF_IQ3_S = 21, KF_IQ2_S = 22,
	KF_IQ4_XS = 23, KF_IQ1_M = 29, KF_BF16 = 30, KF_MXFP4 = 39, KF_NVFP4 = 40,
	KF_FP8_E4M3 = 1000, KF_FP8_E5M2 = 1001
};

struct q4_0_block { uint16_t d; uint8_t q[16]; };                                /* w = d (q - 8); low nibbles are elements 0 to 15 */
struct q4_1_block { uint16_t d, m; uint8_t q[16]; };                             /* w = d q + m */
struct q5_0_block { uint16_t d; uint8_t h[4], q[16]; };                          /* w = d (q - 16), bit i of h is the fifth bit of element i */
struct q5_1_block { uint16_t d, m; uint8_t h[4], q[16]; };                       /* w = d q + m */
struct q8_0_block { uint16_t d; int8_t q[32]; };                                 /* w = d q */
struct q2_k_block { uint8_t scale[16], q[64]; uint16_t d, dmin; };
struct q3_k_block { uint8_t h[32], q[64], scale[12]; uint16_t d; };
struct q4_k_block { uint16_t d, dmin; uint8_t scale[12], q[128]; };              /* eight groups of 32: w = d sc q - dmin m */
struct q5_k_block { uint16_t d, dmin; uint8_t scale[12], h[32], q[128]; };
struct q6_k_block { uint8_t ql[128], qh[64]; int8_t scale[16]; uint16_t d; };    /* sixteen groups of 16: w = d sc (q - 32) */
struct iq4_nl_block { uint16_t d; uint8_t q[16]; };
struct iq4_xs_block { uint16_t d, scale_h; uint8_t scale_l[4], q[128]; };
struct mxfp4_block { uint8_t e, q[16]; };                                        /* e: E8M0 */
struct nvfp4_block { uint8_t d[4], q[32]; };                                     /* four groups of 16, d: UE4M3 */
/* Codebook formats: q and h are places in a codebook (ref/codebooks.h), eight or four numbers each. */
struct iq1_s_block { uint16_t d; uint8_t q[32]; uint16_t h[8]; };                /* h: four times 3 bits of place, 3 of scale, sign of the shift */
struct iq1_m_block { uint8_t q[32], h[16], scale[8]; };                          /* scale: four words of four times 3 bits; their upper nibbles are d */
struct iq2_xxs_block { uint16_t d, q[32]; };                                     /* 8 bytes for 32: four places, four times 7 signs, 4 bits of scale */
struct iq2_xs_block { uint16_t d, q[32]; uint8_t scale[8]; };                    /* q: place 9 bits, signs 7 */
struct iq2_s_block { uint16_t d; uint8_t q[32], sign[32], h[8], scale[8]; };
struct iq3_xxs_block { uint16_t d; uint8_t q[64], sign_scale[32]; };             /* 4 bytes for 32: four times 7 signs, 4 bits of scale */
struct iq3_s_block { uint16_t d; uint8_t q[64], h[8], sign[32], scale[4]; };
_Static_assert(sizeof(struct q4_0_block) == 18 && sizeof(struct q4_1_block) == 20 && sizeof(struct q5_0_block) == 22 && sizeof(struct q5_1_block) == 24 &&
	sizeof(struct q8_0_block) == 34 && sizeof(struct q2_k_block) == 84 && sizeof(struct q3_k_block) == 110 && sizeof(struct q4_k_block) == 144 &&
	sizeof(struct q5_k_block) == 176 && sizeof(struct q6_k_block) == 210 && sizeof(struct iq4_nl_block) == 18 && sizeof(struct iq4_xs_block) == 136 &&
	sizeof(struct mxfp4_block) == 17 && sizeof(struct nvfp4_block) == 36 && sizeof(struct iq1_s_block) == 50 && sizeof(struct iq1_m_block) == 56 && sizeof(struct iq2_xxs_block) == 66 &&
	sizeof(struct iq2_xs_block) == 74 && sizeof(struct iq2_s_block) == 82 && sizeof(struct iq3_xxs_block) == 98 && sizeof(struct iq3_s_block) == 110, "blocks without holes");

struct kformat {
	uint32_t id;
	const char *name;                        /* as in data/quants.yaml: "q4_k" */
	uint16_t block, bytes;                   /* elements and bytes of a block */
	uint16_t group;                          /* elements that share one scale: 16 or 32; 0: a floating-point format */
	/* n numbers, a multiple of block */
	void (*dequantise)(float *out, const void *blocks, uint64_t n);
	/* Blocks near the numbers: simply rounded, of K and IQ4 formats after a few trials for the scale; no importance. For caches and tests. Block
	 * formats give finite blocks whatever the numbers are. NULL: this format is only read. */
	void (*quantise)(void *blocks, const float *in, uint64_t n);
	/* The same numbers as unsigned integers: w[i] = scale[i / group] u[i] - min[i / group], within float rounding of dequantise(). NULL for
	 * floating-point formats. u <= 255. (MXFP4: while 24 times the scale is a float, that is up to e = 251.) */
	void (*integers)(uint8_t *u, float *scale, float *min, const void *blocks, uint64_t n);
	/* Seeded dummy weights: blocks [first, first + n) of a tensor, blocks being where the block `first` lies. What a block holds depends on the
	 * seed and its number alone, so that threads may share the work. The numbers are finite, of mean 0 and a standard deviation near 0.02. */
	void (*fill)(void *blocks, uint64_t first, uint64_t n, uint64_t seed);
};
extern const struct kformat kformats[];          /* ended by a NULL name */
const struct kformat *kformat_find(uint32_t id); /* NULL: no kernel knows this format */

/* IEEE half and bfloat16 <-> float, whatever the processor's rounding mode; to the nearest, ties to even; NaN stays NaN, and is quiet. */
float f16_to_f32(uint16_t h);
uint16_t f32_to_f16(float f);
static inline float bf16_to_f32(uint16_t h)
{
	union { uint32_t u; float f; } v = { .u = (uint32_t)h << 16 };

	return v.f;
}
uint16_t f32_to_bf16(float f);

#endif
