/* roles.h - what a tensor is for. Names of tensors exist only in the packing tables (calc/packing.c). */
#ifndef ROLES_H
#define ROLES_H

#include <stdint.h>

/* X(enum, catalogue name, GGUF name without "blk.N." and ".weight", or "" when it has none of its own) */
#define ROLE_LIST(X) \
	X(ROLE_EMBED, "embed", "token_embd") \
	X(ROLE_PLE_EMBED, "per_layer_embed", "per_layer_token_embd") \
	X(ROLE_POSITION, "position", "position_embd") \
	X(ROLE_HEAD, "head", "output") \
	X(ROLE_NORM, "norm", "*_norm")             /* every norm vector */ \
	X(ROLE_BIAS, "bias", "*.bias") \
	X(ROLE_ROPE_FACTORS, "rope_factors", "rope_freqs") \
	X(ROLE_ATTN_Q, "attn_q", "attn_q") \
	X(ROLE_ATTN_K, "attn_k", "attn_k") \
	X(ROLE_ATTN_V, "attn_v", "attn_v") \
	X(ROLE_ATTN_QKV, "attn_qkv", "attn_qkv")   /* fused; also the delta net's q, k, v */ \
	X(ROLE_ATTN_OUT, "attn_out", "attn_output") \
	X(ROLE_ATTN_GATE, "attn_gate", "attn_gate") \
	X(ROLE_SINKS, "sinks", "attn_sinks") \
	X(ROLE_Q_A, "q_a", "attn_q_a") \
	X(ROLE_Q_B, "q_b", "attn_q_b") \
	X(ROLE_KV_A, "kv_a", "attn_kv_a_mqa") \
	X(ROLE_KV_B, "kv_b", "attn_kv_b") \
	X(ROLE_K_B, "k_b", "attn_k_b") \
	X(ROLE_V_B, "v_b", "attn_v_b") \
	X(ROLE_CSA_KV, "csa_kv", "attn_kv") \
	X(ROLE_O_A, "o_a", "attn_output_a") \
	X(ROLE_O_B, "o_b", "attn_output_b") \
	X(ROLE_COMP_KV, "compress_kv", "attn_compressor_kv") \
	X(ROLE_COMP_GATE, "compress_gate", "attn_compressor_gate") \
	X(ROLE_COMP_APE, "compress_ape", "attn_compressor_ape") \
	X(ROLE_INDEX_Q, "index_q", "indexer.attn_q_b") \
	X(ROLE_INDEX_K, "index_k", "indexer.attn_k") \
	X(ROLE_INDEX_Q_DIRECT, "index_q_direct", "indexer.q_proj")   /* MiniMax M3: from the residual stream */ \
	X(ROLE_INDEX_K_DIRECT, "index_k_direct", "indexer.k_proj") \
	X(ROLE_INDEX_HEADS, "index_heads", "indexer.proj") \
	X(ROLE_INDEX_COMP_KV, "index_compress_kv", "indexer_compressor_kv") \
	X(ROLE_INDEX_COMP_GATE, "index_compress_gate", "indexer_compressor_gate") \
	X(ROLE_INDEX_COMP_APE, "index_compress_ape", "indexer_compressor_ape") \
	X(ROLE_FFN_GATE, "ffn_gate", "ffn_gate") \
	X(ROLE_FFN_UP, "ffn_up", "ffn_up") \
	X(ROLE_FFN_DOWN, "ffn_down", "ffn_down") \
	X(ROLE_EXP_GATE, "exp_gate", "ffn_gate_exps") \
	X(ROLE_EXP_UP, "exp_up", "ffn_up_exps") \
	X(ROLE_EXP_GATE_UP, "exp_gate_up", "ffn_gate_up_exps") \
	X(ROLE_EXP_DOWN, "exp_down", "ffn_down_exps") \
	X(ROLE_EXP_BIAS, "exp_bias", "ffn_*_exps.bias") \
	X(ROLE_SHARED_GATE, "shared_gate", "ffn_gate_shexp") \
	X(ROLE_SHARED_UP, "shared_up", "ffn_up_shexp") \
	X(ROLE_SHARED_DOWN, "shared_down", "ffn_down_shexp") \
	X(ROLE_SHARED_ROUTER, "shared_router", "ffn_gate_inp_shexp") \
	X(ROLE_ROUTER, "router", "ffn_gate_inp") \
	X(ROLE_ROUTER_BIAS, "router_bias", "exp_probs_b") \
	X(ROLE_ROUTER_HASH, "router_hash", "ffn_gate_tid2eid") \
	X(ROLE_LATENT_IN, "latent_in", "ffn_latent_down") \
	X(ROLE_LATENT_OUT, "latent_out", "ffn_latent_up") \
	X(ROLE_SSM_IN, "ssm_in", "ssm_in") \
	X(ROLE_SSM_OUT, "ssm_out", "ssm_out") \
	X(ROLE_SSM_CONV, "ssm_conv", "ssm_conv1d") \
	X(ROLE_SSM_VEC, "ssm_vec", "ssm_a, ssm_d, ssm_dt") \
	X(ROLE_SSM_BETA_ALPHA, "ssm_beta_alpha", "ssm_ba") \
	X(ROLE_SSM_LOW_A, "ssm_low_a", "ssm_f_a, ssm_g_a") \
	X(ROLE_SSM_LOW_B, "ssm_low_b", "ssm_f_b, ssm_g_b") \
	X(ROLE_SSM_GATE, "ssm_gate", "ssm_g") \
	X(ROLE_CONV_IN, "conv_in", "shortconv.in_proj") \
	X(ROLE_CONV_OUT, "conv_out", "shortconv.out_proj") \
	X(ROLE_CONV, "conv", "shortconv.conv") \
	X(ROLE_HC_FN, "hc_fn", "hc_*_fn") \
	X(ROLE_HC_VEC, "hc_vec", "hc_*_base, hc_*_scale") \
	X(ROLE_RES_SCORE, "res_score", "*_res_score") \
	X(ROLE_SCALAR, "scalar", "layer_output_scale") \
	X(ROLE_PLE_PROJ, "per_layer_model_proj", "per_layer_model_proj") \
	X(ROLE_PLE_GATE, "per_layer_gate", "inp_gate") \
	X(ROLE_PLE_OUT, "per_layer_out", "proj") \
	X(ROLE_MTP_PROJ, "mtp_proj", "nextn.eh_proj") \
	X(ROLE_MTP_EMBED, "mtp_embed", "nextn.embed_tokens") \
	X(ROLE_MTP_HEAD, "mtp_head", "nextn.shared_head_head") \
	X(ROLE_ENCODER, "encoder", "")

#define X(e, n, g) e,
enum role { ROLE_LIST(X) ROLES };
#undef X

extern const char *const role_names[];       /* catalogue names, in order, NULL-ended */
extern const char *const role_gguf[];        /* GGUF stems, for reading, not for bytes */

#endif
