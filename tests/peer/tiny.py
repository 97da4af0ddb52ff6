#!/usr/bin/env python3
"""tiny.py - writes tests/tiny/NAME.txt and tests/golden/tiny-NAME.txt: a tiny model of every architecture and llama.cpp's logits for it

tests/peer/tiny.py PEER TINY [NAME...]: the programs built from peer.c and tiny.c (tests/peer/README.md). Which tensors a model has and how they are shaped is asked
of llama.cpp (`peer shapes`); DROP takes out the optional ones that files of the architecture do not have. Width 64, heads of 32, 288 tokens, windows of 16 (the prompt has 40).
Every name of tensor is then zeroed once: logits must move, or it is listed as without effect.
"""
import collections, os, re, subprocess, sys, tempfile, zlib

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VOCAB = 288
TOKENS = [1] + [3 + (i * 97 + 41) % 285 for i in range(39)]
NORM, RMS, LN = 'attention.layer_norm_rms_epsilon', 'attention.layer_norm_rms_epsilon', 'attention.layer_norm_epsilon'


def base(layers=3, ff=96, heads=4, kv=2, head=32, width=64, eps=1e-5, rms=True, **more):
    keys = {'block_count': layers, 'context_length': 4096, 'embedding_length': width, 'feed_forward_length': ff,
            'attention.head_count': heads, 'attention.head_count_kv': kv, 'attention.key_length': head, 'attention.value_length': head,
            'rope.dimension_count': head, 'rope.freq_base': 10000.0, RMS if rms else LN: float(eps)}
    keys.update({k.replace('__', '.'): v for k, v in more.items()})
    return {k: v for k, v in keys.items() if v is not None}


def moe(experts=8, used=2, width=32, **more):
    return dict(expert_count=experts, expert_used_count=used, expert_feed_forward_length=width, **more)


def mla(q_rank=48, **more):
    """nope 32, rope 16, v 24, latent 40"""
    k = dict(base(heads=4, kv=1), **{'attention.kv_lora_rank': 40, 'attention.key_length': 56, 'attention.value_length': 40, 'attention.key_length_mla': 48,
             'attention.value_length_mla': 24, 'rope.dimension_count': 16})
    if q_rank:
        k['attention.q_lora_rank'] = q_rank
    k.update(more)
    return k


BIAS = r'attn_(q|k|v|qkv|output)\.bias|ffn_(gate|up|down)\.bias'
# of models whose first layer alone is dense
FIRST_DENSE = r'|blk\.0\.(exp_probs_b|ffn_(gate_inp|.*exps|.*shexp))|blk\.[1-9]\.ffn_(gate|up|down)\.weight'
SSM = {'ssm.conv_kernel': 4, 'ssm.inner_size': 128, 'ssm.state_size': 32, 'ssm.time_step_rank': 4, 'ssm.group_count': 2}
YARN = {'rope.scaling.type': 'yarn', 'rope.scaling.factor': 4.0, 'rope.scaling.original_context_length': 64}
YARN16 = dict(YARN, **{'rope.scaling.original_context_length': 16})
DS = {'leading_dense_block_count': 1, 'expert_shared_count': 1, 'expert_weights_scale': 2.5, 'expert_weights_norm': True, 'expert_gating_func': 2}

# name: (architecture, metadata, names of tensors that are left out)
MODELS = {
    'llama': ('llama', base(layers=4, rope__freq_base=500000.0), BIAS),
    'llama-tied': ('llama', base(layers=2, head=16, kv=4), BIAS + r'|rope_freqs|^output\.weight'),
    'llama-bias': ('llama', base(layers=2), r'rope_freqs'),
    'mixtral': ('llama', base(**moe(width=None), feed_forward=None), BIAS + '|rope_freqs'),
    'qwen2': ('qwen2', base(head=16, eps=1e-6, rope__freq_base=1e6), r'attn_output\.bias|output\.bias|ffn_.*bias'),
    'qwen3': ('qwen3', base(eps=1e-6, rope__freq_base=1e6), BIAS + r'|^output\.weight'),
    'gemma2': ('gemma2', base(layers=4, eps=1e-6, attention__sliding_window=16, attn_logit_softcapping=50.0, final_logit_softcapping=30.0), BIAS + r'|^output\.weight'),
    'gemma3': ('gemma3', dict(base(layers=6, eps=1e-6, attention__sliding_window=16, rope__freq_base=1e6), **{'rope.scaling.type': 'linear', 'rope.scaling.factor': 8.0}),
               BIAS + r'|^output\.weight|dense_'),
    'phi3': ('phi3', dict(base(head=16, kv=2), **{'rope.scaling.original_context_length': 256, 'rope.scaling.attn_factor': 1.19}), BIAS),
    'phi3-short': ('phi3', dict(base(head=16, kv=2), **{'rope.scaling.original_context_length': 4096, 'rope.scaling.attn_factor': 1.19, 'rope.dimension_count': 12}), BIAS),
    'granite': ('granite', base(logit_scale=2.0, residual_scale=0.5, embedding_scale=2.0, attention__scale=0.25), BIAS + '|rope_freqs'),
    'granitemoe': ('granitemoe', base(**moe(), logit_scale=2.0, residual_scale=0.5, embedding_scale=2.0, attention__scale=0.25, expert_shared_feed_forward_length=48), BIAS + '|rope_freqs'),
    'qwen3moe': ('qwen3moe', base(eps=1e-6, rope__freq_base=1e6, **moe()), BIAS),
    'gpt-oss': ('gpt-oss', dict(base(layers=4, heads=8, rope__freq_base=150000.0, attention__sliding_window=16, **moe(used=4)), **YARN), 'rope_freqs'),
    'gpt-oss-mxfp4': ('gpt-oss', dict(base(layers=4, heads=8, rope__freq_base=150000.0, attention__sliding_window=16, **moe(used=4, width=64)), **YARN), 'rope_freqs'),
    'deepseek2': ('deepseek2', mla(block_count=3, **moe(expert_group_count=4, expert_group_used_count=2), **DS, **YARN, **{'rope.scaling.yarn_log_multiplier': 0.1}), 'kv_b|_q.weight'),
    'deepseek2-lite': ('deepseek2', mla(q_rank=0, block_count=27, leading_dense_block_count=1, expert_shared_count=2, expert_weights_scale=1.0, expert_gating_func=1, **moe(), **YARN,
                       **{'rope.scaling.yarn_log_multiplier': 0.0707}), 'exp_probs_b|q_a|q_b|kv_b'),
    'glm4': ('glm4', base(rope__dimension_count=16), r'attn_output\.bias|ffn_.*bias'),
    'glm4moe': ('glm4moe', base(rope__dimension_count=16, **moe(), **dict(DS, expert_weights_scale=1.5)), r'attn_output\.bias|ffn_(gate|up|down)\.bias'),
    'llama4': ('llama4', base(layers=4, rope__freq_base=500000.0, interleave_moe_layer_step=2, **moe(used=1, experts=16)), BIAS),
    'qwen3next': ('qwen3next', base(layers=4, eps=1e-6, rope__freq_base=1e7, rope__dimension_count=8, **moe(), expert_shared_feed_forward_length=48, **SSM), BIAS + '|ssm_in'),
    'qwen35': ('qwen35', base(layers=4, eps=1e-6, rope__freq_base=1e7, rope__dimension_count=16, **SSM, **{'rope.dimension_sections': [3, 3, 2, 0]}), BIAS + r'|^output\.weight'),
    'qwen35moe': ('qwen35moe', base(layers=4, eps=1e-6, rope__freq_base=1e7, rope__dimension_count=16, **moe(), expert_shared_feed_forward_length=48, **SSM,
                  **{'rope.dimension_sections': [3, 3, 2, 0]}), BIAS),
    'nemotron_h': ('nemotron_h', dict(base(layers=6, attention__layer_norm_epsilon=1e-5, **SSM), **{'attention.head_count_kv': [0, 0, 2, 0, 0, 0],
                   'feed_forward_length': [0, 96, 0, 0, 96, 0]}), BIAS),
    'nemotron_h_moe': ('nemotron_h_moe', dict(base(layers=6, attention__layer_norm_epsilon=1e-5, **SSM, **moe(), expert_shared_feed_forward_length=48, expert_shared_count=1,
                       expert_weights_norm=True, expert_weights_scale=2.5), **{'attention.head_count_kv': [0, 0, 2, 0, 0, 0],
                       'feed_forward_length': [0, 96, 0, 0, 96, 0]}), BIAS + '|latent'),
    'nemotron_h_latent': ('nemotron_h_moe', dict(base(layers=3, attention__layer_norm_epsilon=1e-5, **SSM, **moe(), expert_shared_feed_forward_length=48, expert_shared_count=1,
                          expert_weights_norm=True, expert_weights_scale=2.5, moe_latent_size=40), **{'attention.head_count_kv': [0, 2, 0],
                          'feed_forward_length': [0, 0, 96]}), BIAS),
    'falcon-h1': ('falcon-h1', base(**SSM), BIAS + '|rope_freqs'),
    'lfm2': ('lfm2', dict(base(layers=4, head=16, kv=2), **{'shortconv.l_cache': 3, 'attention.head_count_kv': [0, 0, 2, 0], 'rope.freq_base': 1e6}), BIAS + r'|^output\.weight|dense_2'),
    'lfm2moe': ('lfm2moe', dict(base(layers=4, head=16, kv=2, **moe(), leading_dense_block_count=1, expert_gating_func=2), **{'shortconv.l_cache': 3,
                'attention.head_count_kv': [0, 0, 2, 0]}), BIAS + r'|^output\.weight|dense_2'),
    'gemma4': ('gemma4', dict(base(layers=6, eps=1e-6, attention__sliding_window=16, rope__freq_base=1e6, final_logit_softcapping=30.0, embedding_length_per_layer_input=16),
               **{'attention.key_length': 64, 'attention.value_length': 64, 'rope.dimension_count': 64, 'attention.key_length_swa': 32, 'attention.value_length_swa': 32,
                  'rope.dimension_count_swa': 32, 'rope.freq_base_swa': 10000.0, 'attention.sliding_window_pattern': [True, True, True, False, True, False], 'attention.shared_kv_layers': 2}),
               BIAS + r'|^output\.weight|ffn_gate_inp|_exps|\.scale|[45]\.attn_(k|v|k_norm)\.'),
    'gemma4-moe': ('gemma4', dict(base(layers=3, eps=1e-6, attention__sliding_window=16, rope__freq_base=1e6, final_logit_softcapping=30.0, embedding_length_per_layer_input=0, **moe()),
               **{'attention.key_length': 64, 'attention.value_length': 64, 'rope.dimension_count': 64, 'attention.key_length_swa': 32, 'attention.value_length_swa': 32,
                  'rope.dimension_count_swa': 32, 'rope.freq_base_swa': 10000.0, 'attention.sliding_window_pattern': [True, True, False], 'attention.head_count_kv': [2, 2, 1]}),
               BIAS + r'|^output\.weight|2\.attn_v\.'),
    'olmo2': ('olmo2', base(eps=1e-6, kv=4, head=16), BIAS),
    'cohere2': ('cohere2', base(layers=4, head=16, rms=False, logit_scale=0.25, attention__sliding_window=16), BIAS + r'|^output\.weight'),
    'command-r': ('command-r', base(rms=False, logit_scale=0.25, head=16), BIAS + r'|^output\.weight|q_norm|k_norm'),
    'mistral3': ('mistral3', dict(base(rope__freq_base=1e6, attention__temperature_scale=0.1), **dict(YARN, **{'rope.scaling.original_context_length': 16,
                 'rope.scaling.yarn_log_multiplier': 1.0, 'rope.scaling.yarn_beta_fast': 32.0, 'rope.scaling.yarn_beta_slow': 1.0})), BIAS + '|rope_freqs'),
    'ernie4_5': ('ernie4_5', base(rope__freq_base=500000.0), BIAS + r'|^output\.weight'),
    'ernie4_5-moe': ('ernie4_5-moe', base(rope__freq_base=500000.0, **moe(), interleave_moe_layer_step=1, leading_dense_block_count=1, expert_shared_count=2,
                     expert_shared_feed_forward_length=64), BIAS + r'|^output\.weight'),
    'hunyuan-dense': ('hunyuan-dense', base(), BIAS + r'|^output\.weight'),
    'hunyuan-moe': ('hunyuan-moe', base(**moe(), expert_shared_feed_forward_length=48), BIAS + r'|^output\.weight'),
    'smollm3': ('smollm3', base(layers=4, rope__freq_base=5e6), BIAS + r'|^output\.weight|rope_freqs'),
    'exaone4': ('exaone4', base(layers=3, head=16, rope__freq_base=1e6), BIAS + '|rope_freqs'),
    'exaone4-window': ('exaone4', base(layers=64, ff=64, heads=2, kv=1, rope__freq_base=1e6, attention__sliding_window=16), BIAS + '|rope_freqs'),
    'seed_oss': ('seed_oss', base(eps=1e-6, rope__freq_base=1e7), r'attn_output\.bias|ffn_.*bias'),
    'granitehybrid': ('granitehybrid', dict(base(layers=4, logit_scale=2.0, residual_scale=0.5, embedding_scale=2.0, attention__scale=0.25, **SSM, **moe(),
                      expert_shared_feed_forward_length=48), **{'attention.head_count_kv': [0, 0, 2, 0], 'rope.scaling.finetuned': False}), BIAS + '|rope_freqs'),
    'kimi-linear': ('kimi-linear', dict(mla(q_rank=0, block_count=4, leading_dense_block_count=1, expert_shared_count=1, expert_weights_scale=2.5, expert_gating_func=2, **moe()),
                    **{'attention.head_count_kv': [0, 0, 0, 1], 'ssm.conv_kernel': 4, 'kda.head_dim': 32}), BIAS + '|q_a|q_b|kv_b'),
    'minimax-m2': ('minimax-m2', base(eps=1e-6, rope__dimension_count=16, rope__freq_base=5e6, **moe(), expert_gating_func=2), BIAS),
    'bailingmoe2': ('bailingmoe2', base(head=16, eps=1e-6, rope__dimension_count=8, **moe(expert_group_count=4, expert_group_used_count=2), expert_shared_feed_forward_length=32, **DS), BIAS),
    'dots1': ('dots1', base(head=16, kv=4, **moe(), **DS), BIAS),
    'deepseek4': ('deepseek4', dict(base(layers=4, heads=4, kv=1, **moe(), expert_shared_count=1, expert_weights_scale=1.5, expert_weights_norm=True, expert_gating_func=4),
                  **{'attention.q_lora_rank': 48, 'rope.dimension_count': 16, 'attention.sliding_window': 16, 'attention.output_group_count': 2, 'attention.output_lora_rank': 24,
                     'attention.compress_ratios': [0, 0, 4, 128], 'attention.compress_rope_freq_base': 160000.0, 'hyper_connection.count': 4, 'hyper_connection.sinkhorn_iterations': 4,
                     'hyper_connection.epsilon': 1e-6, 'hash_layer_count': 0, 'swiglu_clamp_exp': [10.0] * 4, 'attention.indexer.head_count': 4, 'attention.indexer.key_length': 128,
                     'attention.indexer.top_k': 4}), 'exp_probs_b_vl'),
    'deepseek4-hash': ('deepseek4', dict(base(layers=4, heads=4, kv=1, **moe(), expert_shared_count=1, expert_weights_scale=1.5, expert_weights_norm=True, expert_gating_func=4),
                  **{'attention.q_lora_rank': 48, 'rope.dimension_count': 16, 'attention.sliding_window': 16, 'attention.output_group_count': 2, 'attention.output_lora_rank': 24,
                     'attention.compress_ratios': [0, 0, 4, 128], 'attention.compress_rope_freq_base': 160000.0, 'hyper_connection.count': 4, 'hyper_connection.sinkhorn_iterations': 4,
                     'hyper_connection.epsilon': 1e-6, 'hash_layer_count': 2, 'swiglu_clamp_exp': [10.0] * 4, 'attention.indexer.head_count': 4, 'attention.indexer.key_length': 128,
                     'attention.indexer.top_k': 4}), 'exp_probs_b_vl'),
    'llama-f16': ('llama', base(layers=2), BIAS),
    'llama-bf16': ('llama', base(layers=2), BIAS),
    'stablelm': ('stablelm', base(head=16, rms=False, rope__dimension_count=8), BIAS + '|q_norm|k_norm'),
    'phi2': ('phi2', base(head=16, rms=False, rope__dimension_count=8, kv=4), 'attn_qkv'),
    'minicpm': ('minicpm', base(layers=2, embedding_scale=12.0, residual_scale=0.5, logit_scale=0.5), BIAS + '|rope_'),
    'olmoe': ('olmoe', base(kv=4, head=16, **moe(width=32)), BIAS),
    'step35': ('step35', dict(base(layers=4, **moe(), expert_shared_feed_forward_length=48, expert_gating_func=2, expert_weights_scale=1.5, expert_weights_norm=True,
               attention__sliding_window=16, leading_dense_block_count=1), **{'attention.sliding_window_pattern': [True, False, True, True], 'rope.freq_base_swa': 10000.0, 'rope.freq_base': 5e6}), BIAS + FIRST_DENSE),
    'qwen3vl': ('qwen3vl', base(eps=1e-6, rope__freq_base=5e6, **{'rope.dimension_sections': [6, 5, 5, 0]}), BIAS + r'|^output\.weight'),
    'qwen2moe': ('qwen2moe', base(head=16, eps=1e-6, **moe(), expert_shared_feed_forward_length=48), r'attn_output\.bias'),
    # 16 heads: where all of few heads are below 0 scores tie at 0, and which of equals llama.cpp takes is an accident
    'glm-dsa': ('glm-dsa', mla(block_count=3, **moe(), **DS, **{'attention.indexer.head_count': 16, 'attention.indexer.key_length': 64, 'attention.indexer.top_k': 16}), 'kv_b'),
    'deepseek32': ('deepseek32', mla(block_count=3, **moe(), **DS, **{'attention.indexer.head_count': 16, 'attention.indexer.key_length': 64, 'attention.indexer.top_k': 16}), 'kv_b'),
    'mimo2': ('mimo2', dict(base(layers=4, **moe(), expert_gating_func=2, attention__sliding_window=16), **{'attention.sliding_window_pattern': [False, True, True, False],
              'rope.freq_base_swa': 10000.0, 'rope.dimension_count': 16}), BIAS + FIRST_DENSE),
    'hy_v3': ('hy_v3', base(**moe(), **DS), BIAS + FIRST_DENSE),
    'qwen3vlmoe': ('qwen3vlmoe', base(eps=1e-6, rope__freq_base=5e6, **moe(), **{'rope.dimension_sections': [6, 5, 5, 0]}), BIAS),
    'mistral4': ('mistral4', mla(block_count=3, **moe(), **dict(DS, leading_dense_block_count=0), **YARN, **{'rope.scaling.yarn_log_multiplier': 0.1, 'attention.temperature_scale': 0.1,
                 'attention.temperature_length': 16}), 'kv_b|_q.weight'),
    'minimax-m3': ('minimax-m3', base(kv=2, **moe(), **DS, rope__dimension_count=16, **{'attention.indexer.head_count': 2, 'attention.indexer.key_length': 32, 'attention.indexer.top_k': 2,
                   'attention.indexer.block_size': 4, 'attention.indexer.local_blocks': 1}), BIAS),
    'kimi-k3': ('kimi-k3', dict(mla(block_count=5, **moe(), **DS), **{'attention.head_count_kv': [0, 0, 1, 0, 1], 'ssm.conv_kernel': 4, 'kda.head_dim': 32, 'kda.gate_lower_bound': -5.0,
                'expert_latent_length': 40, 'attn_res.block_size': 2, 'activation.situ_beta': 4.0, 'activation.situ_linear_beta': 25.0}), BIAS + r'|kv_b|blk\.[24]\.attn_q\.weight'),
    'gpt2': ('gpt2', dict(base(head=16, kv=4, rms=False), **{'context_length': 64}), '$^'),
    'falcon': ('falcon', base(head=16, kv=1, rms=False), BIAS + r'|norm_2'),
    'deci': ('deci', dict(base(layers=4), **{'attention.head_count': [4, 4, 0, 4], 'attention.head_count_kv': [2, 4, 0, 2], 'feed_forward_length': [96, 64, 96, 96]}), BIAS + '|rope_freqs'),
    'dbrx': ('dbrx', base(head=16, rms=False, attention__clamp_kqv=1.0, **moe(width=96)), BIAS),
    'chatglm': ('chatglm', base(head=16, rope__dimension_count=8), r'attn_output\.bias|ffn_.*bias'),
    'gemma': ('gemma', base(eps=1e-6), BIAS + r'|^output\.weight'),
    'mamba2': ('mamba2', dict(base(eps=1e-5), **SSM, **{'attention.head_count': 0, 'attention.head_count_kv': 0, 'feed_forward_length': 0}), BIAS),
    'exaone-moe': ('exaone-moe', base(layers=4, head=16, rope__freq_base=1e6, attention__sliding_window=16, **moe(), **DS), BIAS + '|rope_freqs'),
    'arcee': ('arcee', base(), BIAS + '|rope_freqs'),
    'deepseek': ('deepseek', base(head=16, kv=4, **moe(), leading_dense_block_count=1, expert_shared_count=2, expert_weights_scale=1.5), BIAS),
    'exaone': ('exaone', base(head=16), BIAS),
    'internlm2': ('internlm2', base(head=16), BIAS),
    'qwen2vl': ('qwen2vl', base(head=16, eps=1e-6, rope__freq_base=1e6, **{'rope.dimension_sections': [2, 3, 3, 0]}), r'attn_output\.bias|^output\.|ffn_.*bias'),
    'starcoder2': ('starcoder2', base(head=16, rms=False), r'^output\.weight'),
    'olmo3': ('olmo2', base(layers=4, kv=4, head=16, attention__sliding_window=16), BIAS),
    'qwen3-yarn': ('qwen3', dict(base(eps=1e-6, rope__freq_base=1e6), **dict(YARN, **{'rope.scaling.original_context_length': 16})), BIAS + r'|^output\.weight'),
    'llama-linear': ('llama', dict(base(layers=2), **{'rope.scaling.type': 'linear', 'rope.scaling.factor': 4.0}), BIAS + '|rope_freqs'),
    'stablelm-norm': ('stablelm', base(head=16, rms=False, rope__dimension_count=8), BIAS + r'|ffn_norm'),
    'starcoder': ('starcoder', dict(base(head=16, kv=1, rms=False), **{'context_length': 64}), r'^output\.weight'),
    'afmoe': ('afmoe', base(layers=4, **moe(), **DS, attention__sliding_window=16), BIAS),
    'bailingmoe': ('bailingmoe', base(head=16, **moe(), leading_dense_block_count=0, expert_shared_count=1, expert_weights_scale=1.5, expert_weights_norm=True), BIAS + '|rope_freqs'),
    'xverse': ('xverse', base(head=16, kv=4), BIAS),
    'orion': ('orion', base(head=16, rms=False), BIAS),
    'nemotron': ('nemotron', base(head=16, rms=False, rope__dimension_count=8), BIAS),
    'codeshell': ('codeshell', base(head=16, rms=False), r'$^'),
    'maincoder': ('maincoder', base(), BIAS),
    'mellum': ('mellum', base(layers=4, **moe(), attention__sliding_window=16), BIAS),
    'qwen': ('qwen', base(head=16, kv=4), r'attn_output\.bias|ffn_.*bias'),
    'openelm': ('openelm', dict(base(head=16), **{'feed_forward_length': [96] * 3, 'attention.head_count': [4] * 3, 'attention.head_count_kv': [2] * 3}), BIAS),
    'gptneox': ('gptneox', base(head=16, kv=4, rms=False, rope__dimension_count=8, use_parallel_residual=True), '$^'),
    'gptneox-serial': ('gptneox', base(layers=2, head=16, kv=4, rms=False, use_parallel_residual=False), '$^'),
    'smallthinker': ('smallthinker', base(**moe(), expert_gating_func=2, attention__sliding_window=4096), BIAS),
    'smallthinker-full': ('smallthinker', base(**moe(), expert_gating_func=1), BIAS),
    'baichuan': ('baichuan', base(layers=32, ff=32, heads=2, kv=2), BIAS),
    'cohere2moe': ('cohere2moe', base(layers=6, rms=False, **moe(), logit_scale=0.25, attention__sliding_window=16, leading_dense_block_count=1, expert_shared_count=2,
                   expert_weights_norm=False), BIAS + r'|^output\.weight'),
    'cohere2moe-norm': ('cohere2moe', base(layers=5, **moe(), logit_scale=0.25, attention__sliding_window=16, leading_dense_block_count=0, expert_shared_count=1,
                        expert_weights_norm=True, expert_shared_feed_forward_length=48), BIAS + r'|^output\.weight'),
    'laguna': ('laguna', dict(base(layers=5, rope__freq_base=5e5, **moe(), **DS, attention__sliding_window=16, expert_shared_feed_forward_length=48), **dict(YARN, **{'rope.scaling.attn_factor': 1.1,
               'rope.scaling.original_context_length': 16, 'attention.head_count': [4, 6, 6, 6, 4], 'rope.dimension_count': 16, 'rope.dimension_count_swa': 32, 'rope.freq_base_swa': 10000.0})), BIAS),
    'laguna-element': ('laguna', base(layers=2, **moe(), **DS), BIAS),
    'grok': ('grok', base(head=16, kv=4, **moe(), attention__output_scale=0.2, attn_logit_softcapping=20.0, embedding_scale=4.0, logit_scale=0.5, final_logit_softcapping=30.0), BIAS),
    'grok-1': ('grok', base(layers=2, head=16, kv=4, **moe(), **dict(YARN, **{'rope.scaling.original_context_length': 16, 'rope.scaling.yarn_ext_factor': 1.0})),
               BIAS + r'|ffn_(gate|up|down)\.weight|post_ffw'),
    'falcon-40b': ('falcon', base(head=16, kv=2, rms=False), BIAS),
    'phimoe': ('phimoe', dict(base(head=16, kv=2, **moe(width=None)), **{'rope.scaling.original_context_length': 256, 'rope.scaling.attn_factor': 1.19}), '$^'),
    'granite_swa': ('granite_swa', dict(base(layers=4, logit_scale=2.0, residual_scale=0.5, embedding_scale=2.0, attention__scale=0.25, attention__sliding_window=16), **{'attention.sliding_window_pattern': [True, False, True, True]}), BIAS + '|rope_freqs'),
}


def variant(of, keys={}, drop='', without=(), all_but=None):
    arch, k, d = MODELS[of]
    return arch, {x: y for x, y in dict(k, **keys).items() if x not in without}, all_but or d + drop


# Settings of real models that those above leave out, each of which once gave other logits or could
MODELS.update({
    'olmo3-yarn': variant('olmo3', dict(YARN16, **{'rope.scaling.attn_factor': 1.2})),                 # windows rotate plainly
    'mimo2-yarn': variant('mimo2', dict(YARN16, **{'attention.value_scale': 0.6, 'rope.scaling.attn_factor': 1.2})),
    'step35-yarn': variant('step35', dict(YARN16, swiglu_clamp_exp=[0.0, 0.5, 0.7, 0.0], swiglu_clamp_shexp=[0.4, 0.0, 0.6, 0.5])),
    'granite_swa-yarn': variant('granite_swa', dict(YARN16, **{'attention.rope_pattern': [True, False, True, False]})),
    'llama3-yarn': variant('llama', dict(YARN16, block_count=2)),                                      # factors and yarn at once
    'llama-longrope': variant('llama', {'block_count': 2, 'rope.scaling.type': 'longrope', 'rope.scaling.factor': 4.0, 'rope.scaling.original_context_length': 256, 'rope.scaling.attn_factor': 1.1},
                              '|rope_freqs'),
    'minicpm-longrope': variant('minicpm', {'rope.scaling.type': 'longrope', 'rope.scaling.original_context_length': 256}, all_but=BIAS),
    'gemma2-27b': variant('gemma2', dict(block_count=46, feed_forward_length=32)),                     # queries scaled by the width over the heads
    'gemma3-27b': variant('gemma3', dict(block_count=62, feed_forward_length=32)),
    'gemma3-pattern': variant('gemma3', {'attention.sliding_window_pattern': [True, False, False, True, True, False], 'rope.freq_base_swa': 50000.0, 'final_logit_softcapping': 20.0}),
    'glm4-sections': variant('glm4', {'rope.dimension_sections': [2, 3, 3, 0]}),                       # GLM-4V: pairs are halves
    'granite-nope': variant('granite', {'rope.scaling.finetuned': False}),
    'granitehybrid-dense': variant('granitehybrid', {}, without=('expert_count', 'expert_used_count', 'expert_feed_forward_length', 'expert_shared_feed_forward_length', 'rope.scaling.finetuned')),
    'deepseek32-yarn': variant('deepseek32', dict(YARN, **{'rope.scaling.yarn_log_multiplier': 0.0707})),
    'deepseek2-soft': variant('deepseek2', {'expert_gating_func': 1, 'expert_weights_norm': False, 'expert_weights_scale': 16.0}, '|exp_probs_b'),       # V2
    'deepseek2-temperature': variant('deepseek2', {'attention.temperature_scale': 0.1, 'attention.temperature_length': 16}),     # Mistral Large 3
    'llama4-scout': variant('llama4', dict(interleave_moe_layer_step=1)),
    'llama4-loud': variant('llama4'),                                                                   # sigmoids of 1 are told apart by what they are of
    'llama4-maverick': variant('llama4', dict(expert_count=128, expert_feed_forward_length=16)),       # no norm of queries and keys
    'falcon-h1-plain': variant('falcon-h1', {'ssm.group_count': 1}, '|ssm_norm'),
    'command-r-plus': variant('command-r', dict(block_count=64, feed_forward_length=32), all_but=BIAS + r'|^output\.weight'),
    'hunyuan-alpha': variant('hunyuan-dense', {'rope.scaling.alpha': 1000.0}),
    'phi4': variant('phi3', {'rope.dimension_count': 12}, '|rope_factors', without=('rope.scaling.attn_factor', 'rope.scaling.original_context_length')),
    'glm4moe-mtp': variant('glm4moe', dict(block_count=4, nextn_predict_layers=1)),                    # a block that predicts the token after the next
    'qwen35-mtp': variant('qwen35', dict(block_count=5, nextn_predict_layers=1)),
})
# Against float64 (check_transformers.py) llama.cpp's f32 sums are 2e-5 off in a last logit of llama and 5e-5 of qwen3; its GELU is a table of half-precision
# numbers: 2.3e-3 of gemma3. A test may allow four to ten times that; any tensor left out moves logits by tenths or more.
# MiniMax M3's runs with flash attention, which rounds keys and values to f16.
TOLERANCE = {a: .01 for a in ('gemma', 'gemma2', 'gemma3', 'gemma4', 'gpt2', 'falcon', 'phi2', 'codeshell', 'starcoder', 'starcoder2', 'gptneox', 'grok')} | {'minimax-m3': .02}
LOUD = {'llama4-loud': 'ffn_gate_inp'}
DEEP = {'gemma2-27b': .04, 'gemma3-27b': .03}                               # the table's error in every one of many layers
# in llama.cpp these choose their blocks of keys only with flash attention
FLASH = ('minimax-m3',)
FORMATS = {'gpt-oss-mxfp4': ('mxfp4', r'_exps\.weight'), 'llama-f16': ('f16', r'(attn|ffn)_(q|k|v|output|gate|up|down)\.|output\.w'),
           'llama-bf16': ('bf16', r'(attn|ffn)_(q|k|v|output|gate|up|down)\.|output\.w'), 'deepseek4-hash': ('i32', 'tid2eid')}


def key_lines(arch, keys):
    yield f'str general.architecture {arch}'
    for k, v in keys.items():
        many = isinstance(v, list)
        one = v[0] if many else v
        kind = 'bool' if isinstance(one, bool) else 'u32' if isinstance(one, int) else 'f32' if isinstance(one, float) else 'str'
        text = ' '.join(str(int(x)) if isinstance(x, (bool, int)) else f'{x:g}' if isinstance(x, float) else x for x in (v if many else [v]))
        yield f'{kind}{"s" if many else ""} {arch}.{k} {text}'
    yield f'vocab {VOCAB}'


def scale(name, ne):
    """(SCALE, OFFSET): activations keep a variance of about one, attention and routers decide clearly, logits spread over several units"""
    n = re.sub(r'^blk\.\d+\.', '', name)
    if n.endswith('norm.bias'):
        return .125, 0
    if 'exp_probs_b' in n:
        return .5, 0
    if n == 'ssm_dt.bias':
        return 1, -1
    if n.endswith('.bias') or 'sinks' in n:
        return .5, 0
    if re.search(r'norm(_\d)?(\.weight|$)', n) or n.endswith('.scale') or 'output_scale' in n or n == 'ssm_d':
        return .375, 1
    if n == 'ssm_a':
        return .875, -1
    if 'rope_' in n:
        return 1, 2
    if 'hc_' in n:
        return (.25, .5) if 'scale' in n else (2 if 'output' in n else .5, 0) if 'base' in n else (round(1024 * (3 / ne[0]) ** .5) / 1024, 0)
    if n in ('token_embd.weight', 'per_layer_token_embd.weight'):
        return 1, 0
    gain = 1.5 if re.match(r'attn_(q|k|q_b|k_b|qkv)\.|ssm_(alpha|beta)', n) else 2 if n.startswith('ffn_gate_inp') else 3 if n == 'output.weight' else 1
    return max(1, round(1024 * gain * (3 / ne[0]) ** .5)) / 1024, 0


def ranges(layers):
    out = []
    for l in layers:
        if out and out[-1][1] == l - 1:
            out[-1][1] = l
        else:
            out.append([l, l])
    return ','.join(str(a) if a == b else f'{a}-{b}' for a, b in out)


def run(*cmd):
    r = subprocess.run([str(c) for c in cmd], capture_output=True, text=True)
    if r.returncode:
        raise RuntimeError(f'{cmd[0]} {cmd[1]}: {r.stderr.strip()[-600:] or "signal or status %d" % r.returncode}')
    return r.stdout


def describe(name, peer, tiny, tmp):
    arch, keys, drop = MODELS[name]
    keys = dict(keys)
    keys.pop('feed_forward', None)
    keys = {k: v for k, v in keys.items() if v is not None}
    head = list(key_lines(arch, keys))
    mtp = keys.get('nextn_predict_layers', 0)                 # llama.cpp makes no such blocks up: the last layer again, and what joins it
    asked = {k: v - mtp if k == 'block_count' else v for k, v in keys.items() if k != 'nextn_predict_layers'}
    text, gguf = f'{tmp}/{name}.txt', f'{tmp}/{name}.gguf'
    open(text, 'w').write('\n'.join(key_lines(arch, asked)) + '\n')
    run(tiny, text, gguf)
    tensors = collections.OrderedDict()
    for line in run(peer, 'shapes', gguf, '-').splitlines():
        t, *ne = line.split()
        ne = [int(x) for x in ne]
        if re.search(drop + r'|\.input_scale$|^cls\.|^dense_', t) or (t.endswith('.scale') and not re.search(r'ffn_gate_inp\.scale|ffn_down_exps\.scale', t)):
            continue
        if t.endswith('.scale') and arch != 'gemma4':
            continue
        if name == 'laguna-element' and t.endswith('attn_gate.weight'):       # llama.cpp takes either width and makes up the other
            ne = [ne[0], 128]
        parts = [(t, ne)]
        if 'ffn_gate_up_exps' in t:
            parts = [(t.replace('gate_up', g), [ne[0], ne[1] // 2, *ne[2:]]) for g in ('gate', 'up')]
        for t, ne in parts:
            m = re.match(r'blk\.(\d+)\.(.*)', t)
            which, pattern = FORMATS.get(name, ('f32', '$^'))
            fmt = which if re.search(pattern, t) else 'f32'
            s, o = (16, 0) if re.search(LOUD.get(name, '$^'), t) else (121, 0) if fmt == 'mxfp4' else (8, 0) if fmt == 'i32' else scale(t, ne)
            layer, short = (int(m[1]), m[2]) if m else ('-', t)
            tensors.setdefault((short, fmt, s, o, tuple(ne)), []).append(layer)
            if mtp and layer == asked['block_count'] - 1:
                tensors[(short, fmt, s, o, tuple(ne))].append(layer + 1)
    w = keys['embedding_length']
    for t, ne in (('eh_proj', (2 * w, w)), ('enorm', (w,)), ('hnorm', (w,)), ('shared_head_norm', (w,))) if mtp else ():
        tensors[(f'nextn.{t}.weight', 'f32', *scale(f'nextn.{t}.weight', ne), ne)] = [asked['block_count']]
    rows = []
    for (short, fmt, s, o, ne), layers in tensors.items():
        rows.append(f'tensor {layers[0] if layers[0] == "-" else ranges(layers)} {short} {fmt} {s!r} {o!r} {" ".join(map(str, ne))}')
    return head + rows, [r.split()[2] for r in rows if ' nextn.' not in r]


def values(text):
    return [float(x) for x in text.split('last ')[1].split()]


def witness(name, peer, tiny, tmp, commit):
    lines, names = describe(name, peer, tiny, tmp)
    path = f'{ROOT}/tests/tiny/{name}.txt'
    gguf = f'{tmp}/{name}.gguf'
    open(path, 'w').write(f'# tests/tiny.h makes a model of this; llama.cpp\'s logits for it are in tests/golden/tiny-{name}.txt. Written by tests/peer/tiny.py\n' + '\n'.join(lines) + '\n')
    run(tiny, path, gguf)
    whole = open(gguf, 'rb').read()
    written = f'file {zlib.crc32(whole):08x} {len(whole)}'
    rounded = name in FORMATS and FORMATS[name][0] != 'i32'
    os.environ['FLASH'] = '1' if name in FLASH else '0'
    if rounded:                                              # the same numbers as f32: llama.cpp rounds activations to what goes with the weights
        run(os.environ.get('QUANTIZE', 'llama-quantize'), '--allow-requantize', gguf, gguf + '.f32', 'F32')
        os.replace(gguf + '.f32', gguf)
    one, each = run(peer, 'tiny', gguf, 'one', *TOKENS), run(peer, 'tiny', gguf, 'each', *TOKENS)
    a, b = values(one), values(each)
    mean = sum(a) / len(a)
    spread = (sum((x - mean) ** 2 for x in a) / len(a)) ** .5
    apart = max(abs(x - y) for x, y in zip(a, b))
    effect = {}
    for n in sorted(set(names)):
        run(tiny, path, gguf, n)
        try:
            effect[n] = max(abs(x - y) for x, y in zip(a, values(run(peer, 'tiny', gguf, 'one', *TOKENS))))
        except (RuntimeError, ValueError, IndexError):
            effect[n] = float('nan')
    weak = {n: e for n, e in effect.items() if e <= .02}      # rope_freqs: not a number, nothing is divided by 0 in vain
    size = os.path.getsize(gguf)
    os.unlink(gguf)
    with open(f'{ROOT}/tests/golden/tiny-{name}.txt', 'w') as f:
        f.write(f'# {MODELS[name][0]}: tests/tiny/{name}.txt as llama.cpp {commit} computes it: native CPU build, f32 keys and values, 1 thread, {"" if name in FLASH else "no "}flash attention.\n')
        f.write('# All tokens in one batch. top ID:LOGIT; some FIRST STRIDE LOGIT...; last: all logits of the last token.\n')
        f.write(f'# spread (standard deviation) of the last logits {spread:.3g}; token by token they differ by {apart:.2g} at most; zeroing any tensor moves a logit by {min(v for k, v in effect.items() if k not in weak and v == v):.2g} at least')
        f.write(f'; without effect: {" ".join(sorted(weak))}\n' if weak else '\n')
        if rounded:
            f.write(f'# {FORMATS[name][0]} weights were written out as f32 first: with them as they are llama.cpp rounds activations too\n')
        f.write(written + '\n')
        f.write(f'tolerance {DEEP.get(name, TOLERANCE.get(MODELS[name][0], .001)):g}\n')
        f.write('tokens ' + ' '.join(map(str, TOKENS)) + '\n')
        f.write(one)
    return f'{name}: {size >> 10} KiB, spread {spread:.3g}, one/each {apart:.2g}, least effect {min(effect.values()):.2g}' + (f', WEAK {weak}' if weak else '')


def main():
    peer, tiny, *names = sys.argv[1:]
    commit = os.environ.get('COMMIT', '0c1e57098')
    with tempfile.TemporaryDirectory() as tmp:
        for name in names or MODELS:
            try:
                print(witness(name, peer, tiny, tmp, commit), flush=True)
            except (RuntimeError, ValueError, IndexError) as e:
                print(f'{name}: FAILED {e}', flush=True)


if __name__ == '__main__':
    main()
