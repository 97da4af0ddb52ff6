/* weight_names.h - every tensor that a forward pass reads, one by one: what ops ask for and what files call it.
 *
 * Finer than roles.h, which says what tensors cost: every norm and bias has an id of its own (a norm's bias costs what the norm does). Names stand
 * here and in tensor_names.c, nowhere else; an empty one is in no GGUF file. Not here: shapes (calc/part_tensors.h). */
#ifndef WEIGHT_NAMES_H
#define WEIGHT_NAMES_H

#include "catalog/roles.h"

/* X(enum, role, GGUF name after "blk.N." or of the whole model, 1 for a tensor of the whole model)
 * GGUF names: llama.cpp 0c1e57098, src/llama-arch.cpp, LLM_TENSOR_NAMES. */
#define WEIGHT_LIST(X) \
	X(W_NONE, ROLES, "", 0) \
	X(W_EMBED, ROLE_EMBED, "token_embd.weight", 1) \
	X(W_EMBED_NORM, ROLE_NORM, "token_embd_norm.weight", 1) \
	X(W_EMBED_NORM_B, ROLE_NORM, "token_embd_norm.bias", 1) \
	X(W_POSITION, ROLE_POSITION, "position_embd.weight", 1) \
	X(W_OUT_NORM, ROLE_NORM, "output_norm.weight", 1) \
	X(W_OUT_NORM_B, ROLE_NORM, "output_norm.bias", 1) \
	X(W_HEAD, ROLE_HEAD, "output.weight", 1) \
	X(W_HEAD_B, ROLE_BIAS, "output.bias", 1) \
	X(W_ROPE_FREQS, ROLE_ROPE_FACTORS, "rope_freqs.weight", 1) \
	X(W_ROPE_LONG, ROLE_ROPE_FACTORS, "rope_factors_long.weight", 1) \
	X(W_ROPE_SHORT, ROLE_ROPE_FACTORS, "rope_factors_short.weight", 1) \
	X(W_PLE_EMBED, ROLE_PLE_EMBED, "per_layer_token_embd.weight", 1) \
	X(W_PLE_PROJ, ROLE_PLE_PROJ, "per_layer_model_proj.weight", 1) \
	X(W_PLE_PROJ_NORM, ROLE_NORM, "per_layer_proj_norm.weight", 1) \
	X(W_HC_OUT_FN, ROLE_HC_FN, "output_hc_fn.weight", 1) \
	X(W_HC_OUT_BASE, ROLE_HC_VEC, "output_hc_base.weight", 1) \
	X(W_HC_OUT_SCALE, ROLE_HC_VEC, "output_hc_scale.weight", 1) \
	X(W_RES_OUT, ROLE_RES_SCORE, "output_res_score.weight", 1) \
	X(W_RES_OUT_NORM, ROLE_RES_SCORE, "", 1) \
	X(W_ATTN_NORM, ROLE_NORM, "attn_norm.weight", 0) \
	X(W_ATTN_NORM_B, ROLE_NORM, "attn_norm.bias", 0) \
	X(W_POST_ATTN_NORM, ROLE_NORM, "post_attention_norm.weight", 0) \
	X(W_POST_ATTN_NORM_B, ROLE_NORM, "post_attention_norm.bias", 0) \
	X(W_FFN_NORM, ROLE_NORM, "ffn_norm.weight", 0)           /* or post_attention_norm where nothing else has that name */ \
	X(W_FFN_NORM_B, ROLE_NORM, "ffn_norm.bias", 0) \
	X(W_POST_FFN_NORM, ROLE_NORM, "post_ffw_norm.weight", 0) \
	X(W_POST_FFN_NORM_B, ROLE_NORM, "post_ffw_norm.bias", 0) \
	X(W_POST_FFN_NORM_1, ROLE_NORM, "post_ffw_norm_1.weight", 0)     /* Gemma 4 26B: around its two feed-forwards */ \
	X(W_PRE_FFN_NORM_2, ROLE_NORM, "pre_ffw_norm_2.weight", 0) \
	X(W_POST_FFN_NORM_2, ROLE_NORM, "post_ffw_norm_2.weight", 0) \
	X(W_ATTN_Q, ROLE_ATTN_Q, "attn_q.weight", 0) \
	X(W_ATTN_Q_B, ROLE_BIAS, "attn_q.bias", 0) \
	X(W_ATTN_K, ROLE_ATTN_K, "attn_k.weight", 0) \
	X(W_ATTN_K_B, ROLE_BIAS, "attn_k.bias", 0) \
	X(W_ATTN_V, ROLE_ATTN_V, "attn_v.weight", 0) \
	X(W_ATTN_V_B, ROLE_BIAS, "attn_v.bias", 0) \
	X(W_ATTN_QKV, ROLE_ATTN_QKV, "attn_qkv.weight", 0) \
	X(W_ATTN_QKV_B, ROLE_BIAS, "attn_qkv.bias", 0) \
	X(W_ATTN_OUT, ROLE_ATTN_OUT, "attn_output.weight", 0) \
	X(W_ATTN_OUT_B, ROLE_BIAS, "attn_output.bias", 0) \
	X(W_ATTN_GATE, ROLE_ATTN_GATE, "attn_gate.weight", 0) \
	X(W_Q_NORM, ROLE_NORM, "attn_q_norm.weight", 0) \
	X(W_K_NORM, ROLE_NORM, "attn_k_norm.weight", 0) \
	X(W_SINKS, ROLE_SINKS, "attn_sinks.weight", 0) \
	X(W_Q_A, ROLE_Q_A, "attn_q_a.weight", 0) \
	X(W_Q_A_NORM, ROLE_NORM, "attn_q_a_norm.weight", 0) \
	X(W_Q_B, ROLE_Q_B, "attn_q_b.weight", 0) \
	X(W_KV_A, ROLE_KV_A, "attn_kv_a_mqa.weight", 0) \
	X(W_KV_A_NORM, ROLE_NORM, "attn_kv_a_norm.weight", 0) \
	X(W_KV_B, ROLE_KV_B, "attn_kv_b.weight", 0) \
	X(W_K_B, ROLE_K_B, "attn_k_b.weight", 0) \
	X(W_V_B, ROLE_V_B, "attn_v_b.weight", 0) \
	X(W_INDEX_Q, ROLE_INDEX_Q, "indexer.attn_q_b.weight", 0) \
	X(W_INDEX_K, ROLE_INDEX_K, "indexer.attn_k.weight", 0) \
	X(W_INDEX_Q_DIRECT, ROLE_INDEX_Q_DIRECT, "indexer.q_proj.weight", 0) \
	X(W_INDEX_K_DIRECT, ROLE_INDEX_K_DIRECT, "indexer.k_proj.weight", 0) \
	X(W_INDEX_Q_NORM, ROLE_NORM, "indexer.q_norm.weight", 0) \
	X(W_INDEX_Q_NORM_B, ROLE_NORM, "indexer.q_norm.bias", 0) \
	X(W_INDEX_K_NORM, ROLE_NORM, "indexer.k_norm.weight", 0) \
	X(W_INDEX_K_NORM_B, ROLE_NORM, "indexer.k_norm.bias", 0) \
	X(W_INDEX_HEADS, ROLE_INDEX_HEADS, "indexer.proj.weight", 0) \
	X(W_CSA_KV, ROLE_CSA_KV, "attn_kv.weight", 0) \
	X(W_O_A, ROLE_O_A, "attn_output_a.weight", 0) \
	X(W_O_B, ROLE_O_B, "attn_output_b.weight", 0) \
	X(W_COMP_KV, ROLE_COMP_KV, "attn_compressor_kv.weight", 0) \
	X(W_COMP_GATE, ROLE_COMP_GATE, "attn_compressor_gate.weight", 0) \
	X(W_COMP_APE, ROLE_COMP_APE, "attn_compressor_ape.weight", 0) \
	X(W_COMP_NORM, ROLE_NORM, "attn_compressor_norm.weight", 0) \
	X(W_INDEX_COMP_KV, ROLE_INDEX_COMP_KV, "indexer_compressor_kv.weight", 0) \
	X(W_INDEX_COMP_GATE, ROLE_INDEX_COMP_GATE, "indexer_compressor_gate.weight", 0) \
	X(W_INDEX_COMP_APE, ROLE_INDEX_COMP_APE, "indexer_compressor_ape.weight", 0) \
	X(W_INDEX_COMP_NORM, ROLE_NORM, "indexer_compressor_norm.weight", 0) \
	X(W_FFN_GATE, ROLE_FFN_GATE, "ffn_gate.weight", 0) \
	X(W_FFN_GATE_B, ROLE_BIAS, "ffn_gate.bias", 0) \
	X(W_FFN_UP, ROLE_FFN_UP, "ffn_up.weight", 0) \
	X(W_FFN_UP_B, ROLE_BIAS, "ffn_up.bias", 0) \
	X(W_FFN_DOWN, ROLE_FFN_DOWN, "ffn_down.weight", 0) \
	X(W_FFN_DOWN_B, ROLE_BIAS, "ffn_down.bias", 0) \
	X(W_ROUTER, ROLE_ROUTER, "ffn_gate_inp.weight", 0) \
	X(W_ROUTER_B, ROLE_ROUTER_BIAS, "ffn_gate_inp.bias", 0) \
	X(W_ROUTER_BIAS, ROLE_ROUTER_BIAS, "exp_probs_b.bias", 0)        /* moves the choice, not the weight */ \
	X(W_ROUTER_HASH, ROLE_ROUTER_HASH, "ffn_gate_tid2eid.weight", 0) \
	X(W_ROUTER_SCALE, ROLE_SCALAR, "ffn_gate_inp.scale", 0) \
	X(W_EXP_GATE, ROLE_EXP_GATE, "ffn_gate_exps.weight", 0) \
	X(W_EXP_GATE_B, ROLE_EXP_BIAS, "ffn_gate_exps.bias", 0) \
	X(W_EXP_UP, ROLE_EXP_UP, "ffn_up_exps.weight", 0) \
	X(W_EXP_UP_B, ROLE_EXP_BIAS, "ffn_up_exps.bias", 0) \
	X(W_EXP_GATE_UP, ROLE_EXP_GATE_UP, "ffn_gate_up_exps.weight", 0) \
	X(W_EXP_DOWN, ROLE_EXP_DOWN, "ffn_down_exps.weight", 0) \
	X(W_EXP_DOWN_B, ROLE_EXP_BIAS, "ffn_down_exps.bias", 0) \
	X(W_EXP_SCALE, ROLE_SCALAR, "ffn_down_exps.scale", 0) \
	X(W_SHARED_GATE, ROLE_SHARED_GATE, "ffn_gate_shexp.weight", 0) \
	X(W_SHARED_UP, ROLE_SHARED_UP, "ffn_up_shexp.weight", 0) \
	X(W_SHARED_DOWN, ROLE_SHARED_DOWN, "ffn_down_shexp.weight", 0) \
	X(W_SHARED_ROUTER, ROLE_SHARED_ROUTER, "ffn_gate_inp_shexp.weight", 0) \
	X(W_LATENT_IN, ROLE_LATENT_IN, "ffn_latent_down.weight", 0) \
	X(W_LATENT_OUT, ROLE_LATENT_OUT, "ffn_latent_up.weight", 0) \
	X(W_LATENT_NORM, ROLE_NORM, "ffn_routed_norm.weight", 0) \
	X(W_SSM_IN, ROLE_SSM_IN, "ssm_in.weight", 0) \
	X(W_SSM_IN_B, ROLE_BIAS, "ssm_in.bias", 0) \
	X(W_SSM_CONV, ROLE_SSM_CONV, "ssm_conv1d.weight", 0) \
	X(W_SSM_CONV_B, ROLE_BIAS, "ssm_conv1d.bias", 0) \
	X(W_SSM_CONV_Q, ROLE_SSM_CONV, "ssm_conv1d_q.weight", 0)         /* Kimi Linear: one each */ \
	X(W_SSM_CONV_K, ROLE_SSM_CONV, "ssm_conv1d_k.weight", 0) \
	X(W_SSM_CONV_V, ROLE_SSM_CONV, "ssm_conv1d_v.weight", 0) \
	X(W_SSM_A, ROLE_SSM_VEC, "ssm_a", 0) \
	X(W_SSM_D, ROLE_SSM_VEC, "ssm_d", 0) \
	X(W_SSM_DT_B, ROLE_SSM_VEC, "ssm_dt.bias", 0) \
	X(W_SSM_NORM, ROLE_NORM, "ssm_norm.weight", 0) \
	X(W_SSM_OUT, ROLE_SSM_OUT, "ssm_out.weight", 0) \
	X(W_SSM_OUT_B, ROLE_BIAS, "ssm_out.bias", 0) \
	X(W_SSM_BETA_ALPHA, ROLE_SSM_BETA_ALPHA, "ssm_ba.weight", 0) \
	X(W_SSM_BETA, ROLE_SSM_BETA_ALPHA, "ssm_beta.weight", 0) \
	X(W_SSM_ALPHA, ROLE_SSM_BETA_ALPHA, "ssm_alpha.weight", 0) \
	X(W_SSM_F_A, ROLE_SSM_LOW_A, "ssm_f_a.weight", 0) \
	X(W_SSM_F_B, ROLE_SSM_LOW_B, "ssm_f_b.weight", 0) \
	X(W_SSM_G_A, ROLE_SSM_LOW_A, "ssm_g_a.weight", 0) \
	X(W_SSM_G_B, ROLE_SSM_LOW_B, "ssm_g_b.weight", 0) \
	X(W_SSM_GATE, ROLE_SSM_GATE, "ssm_g.weight", 0) \
	X(W_CONV_IN, ROLE_CONV_IN, "shortconv.in_proj.weight", 0) \
	X(W_CONV, ROLE_CONV, "shortconv.conv.weight", 0) \
	X(W_CONV_OUT, ROLE_CONV_OUT, "shortconv.out_proj.weight", 0) \
	X(W_CONV_B, ROLE_BIAS, "", 0) \
	X(W_LAYER_SCALE, ROLE_SCALAR, "layer_output_scale.weight", 0) \
	X(W_PLE_GATE, ROLE_PLE_GATE, "inp_gate.weight", 0) \
	X(W_PLE_OUT, ROLE_PLE_OUT, "proj.weight", 0) \
	X(W_PLE_NORM, ROLE_NORM, "post_norm.weight", 0) \
	X(W_HC_ATTN_FN, ROLE_HC_FN, "hc_attn_fn.weight", 0) \
	X(W_HC_ATTN_BASE, ROLE_HC_VEC, "hc_attn_base.weight", 0) \
	X(W_HC_ATTN_SCALE, ROLE_HC_VEC, "hc_attn_scale.weight", 0) \
	X(W_HC_FFN_FN, ROLE_HC_FN, "hc_ffn_fn.weight", 0) \
	X(W_HC_FFN_BASE, ROLE_HC_VEC, "hc_ffn_base.weight", 0) \
	X(W_HC_FFN_SCALE, ROLE_HC_VEC, "hc_ffn_scale.weight", 0) \
	X(W_RES_ATTN, ROLE_RES_SCORE, "attn_res_score.weight", 0) \
	X(W_RES_FFN, ROLE_RES_SCORE, "ffn_res_score.weight", 0) \
	X(W_RES_NORM, ROLE_RES_SCORE, "", 0) \
	X(W_MTP_PROJ, ROLE_MTP_PROJ, "nextn.eh_proj.weight", 0) \
	X(W_MTP_NORM, ROLE_NORM, "nextn.enorm.weight", 0) \
	X(W_MTP_EMBED, ROLE_MTP_EMBED, "nextn.embed_tokens.weight", 0) \
	X(W_MTP_HEAD, ROLE_MTP_HEAD, "nextn.shared_head_head.weight", 0) \
	X(W_MTP_EXTRA, ROLE_SCALAR, "", 0) \
	X(W_OTHER_NORM, ROLE_NORM, "", 0) \
	X(W_OTHER_SCALAR, ROLE_SCALAR, "", 0) \
	X(W_ENCODER, ROLE_ENCODER, "", 0)

#define X(e, r, g, w) e,
enum weight_id { WEIGHT_LIST(X) WEIGHTS };
#undef X

/* Role of an id; 1 for a tensor of the whole model; its name in a GGUF file, after "blk.N." for a layer's. */
enum role weight_role(unsigned id);
int weight_of_model(unsigned id);
const char *weight_gguf(unsigned id);
/* "blk.12.attn_q.weight" -> W_ATTN_Q and 12; "output.weight" -> W_HEAD and -1; W_NONE when no forward pass reads it. */
unsigned weight_of_gguf(const char *name, int *layer);

/* A tensor of a Hugging Face checkpoint, as far as its name says. */
enum hf_part {
	HF_WHOLE,
	HF_SCALE,                                /* what the numbers of the FP8 tensor of the same id, layer and expert are multiplied by */
	HF_BLOCKS, HF_BLOCK_SCALES,              /* the two halves of an MXFP4 tensor */
	HF_UNREAD                                /* for engines that also quantise activations or the cache: not read here */
};
struct hf_name {
	uint16_t id;                             /* W_NONE: no forward pass reads it */
	uint8_t part;                            /* enum hf_part */
	uint8_t both;                            /* gate and up of all experts: W_EXP_GATE_UP, or W_EXP_UP_B for both biases */
	int32_t layer, expert;                   /* -1: of the whole model; of no single expert */
};
/* "model.layers.12.mlp.experts.3.down_proj.weight" -> W_EXP_DOWN, 12, 3. */
void weight_of_hf(struct hf_name *out, const char *name);

#endif
