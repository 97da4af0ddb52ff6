/* formats.c - the table of number formats */
#include "formats.h"
#include "ref/format.h"

#define FLOATS(id, name, bytes) { id, #name, 1, bytes, 0, name##_dequantise, name##_quantise, NULL, name##_fill }
#define BLOCKS(id, name, type, block, group) { id, #name, block, sizeof(type), group, name##_dequantise, name##_quantise, name##_integers, name##_fill }
#define READ_ONLY(id, name, type, block, group) { id, #name, block, sizeof(type), group, name##_dequantise, NULL, name##_integers, name##_fill }

const struct kformat kformats[] = {
	FLOATS(KF_F32, f32, 4),
	FLOATS(KF_F16, f16, 2),
	FLOATS(KF_BF16, bf16, 2),
	FLOATS(KF_FP8_E4M3, fp8_e4m3, 1),
	FLOATS(KF_FP8_E5M2, fp8_e5m2, 1),
	BLOCKS(KF_Q4_0, q4_0, struct q4_0_block, 32, 32),
	BLOCKS(KF_Q4_1, q4_1, struct q4_1_block, 32, 32),
	BLOCKS(KF_Q5_0, q5_0, struct q5_0_block, 32, 32),
	BLOCKS(KF_Q5_1, q5_1, struct q5_1_block, 32, 32),
	BLOCKS(KF_Q8_0, q8_0, struct q8_0_block, 32, 32),
	BLOCKS(KF_Q2_K, q2_k, struct q2_k_block, 256, 16),
	BLOCKS(KF_Q3_K, q3_k, struct q3_k_block, 256, 16),
	BLOCKS(KF_Q4_K, q4_k, struct q4_k_block, 256, 32),
	BLOCKS(KF_Q5_K, q5_k, struct q5_k_block, 256, 32),
	BLOCKS(KF_Q6_K, q6_k, struct q6_k_block, 256, 16),
	BLOCKS(KF_IQ4_NL, iq4_nl, struct iq4_nl_block, 32, 32),
	BLOCKS(KF_IQ4_XS, iq4_xs, struct iq4_xs_block, 256, 32),
	BLOCKS(KF_MXFP4, mxfp4, struct mxfp4_block, 32, 32),
	BLOCKS(KF_NVFP4, nvfp4, struct nvfp4_block, 64, 16),
	READ_ONLY(KF_IQ1_S, iq1_s, struct iq1_s_block, 256, 32),
	READ_ONLY(KF_IQ1_M, iq1_m, struct iq1_m_block, 256, 16),
	READ_ONLY(KF_IQ2_XXS, iq2_xxs, struct iq2_xxs_block, 256, 32),
	READ_ONLY(KF_IQ2_XS, iq2_xs, struct iq2_xs_block, 256, 16),
	READ_ONLY(KF_IQ2_S, iq2_s, struct iq2_s_block, 256, 16),
	READ_ONLY(KF_IQ3_XXS, iq3_xxs, struct iq3_xxs_block, 256, 32),
	READ_ONLY(KF_IQ3_S, iq3_s, struct iq3_s_block, 256, 32),
	{ 0, NULL, 0, 0, 0, NULL, NULL, NULL, NULL }
};

const struct kformat *kformat_find(uint32_t id)
{
	for (const struct kformat *f = kformats; f->name; f++)
		if (f->id == id)
			return f;
	return NULL;
}
