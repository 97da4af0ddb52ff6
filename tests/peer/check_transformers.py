#!/usr/bin/env python3
"""check_transformers.py - proves the recipe of the tiny goldens: the same weights in float64 through transformers, against llama.cpp's logits

check_transformers.py llama|qwen3|gemma3 MODEL.gguf tests/golden/tiny-NAME.txt, MODEL written by tests/peer/tiny.c; needs torch, transformers (5.23) and gguf.
Rotary angles are made in float64 too (the library's are float32). Prints the largest difference of the last logits and of every eighth position's.
"""
import sys

import numpy as np
import torch
from gguf import GGUFReader
from transformers import Gemma3ForCausalLM, Gemma3TextConfig, LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

torch.set_num_threads(1)
name, path, golden = sys.argv[1:]
T = {t.name: torch.tensor(np.array(t.data, dtype=np.float64).reshape(tuple(int(x) for x in t.shape[::-1]))) for t in GGUFReader(path).tensors}
layers = 1 + max(int(k.split('.')[1]) for k in T if k.startswith('blk.'))
common = dict(vocab_size=288, hidden_size=64, intermediate_size=96, num_hidden_layers=layers, num_attention_heads=4, num_key_value_heads=2, head_dim=32,
              max_position_embeddings=4096, attn_implementation='eager')
names = {'attn_norm': 'input_layernorm', 'attn_q': 'self_attn.q_proj', 'attn_k': 'self_attn.k_proj', 'attn_v': 'self_attn.v_proj', 'attn_output': 'self_attn.o_proj',
         'ffn_norm': 'post_attention_layernorm', 'ffn_gate': 'mlp.gate_proj', 'ffn_up': 'mlp.up_proj', 'ffn_down': 'mlp.down_proj',
         'attn_q_norm': 'self_attn.q_norm', 'attn_k_norm': 'self_attn.k_norm'}


def unpermute(w, heads):
    """llama files keep the rows of q and k for pairs (2i, 2i+1)"""
    return w.reshape(heads, w.shape[0] // heads // 2, 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def inverse(theta, factor=1.0):
    return 1.0 / theta ** (torch.arange(0, 32, 2, dtype=torch.float64) / 32) / factor


torch.set_default_dtype(torch.float64)
if name == 'llama':
    config, kind = LlamaConfig(**common, rms_norm_eps=1e-5, tie_word_embeddings=False), LlamaForCausalLM
    angles = {'': inverse(500000.0) / T['rope_freqs.weight']}
elif name == 'qwen3':
    config, kind = Qwen3Config(**common, rms_norm_eps=1e-6, tie_word_embeddings=True), Qwen3ForCausalLM
    angles = {'': inverse(1e6)}
else:
    names.update({'post_attention_norm': 'post_attention_layernorm', 'ffn_norm': 'pre_feedforward_layernorm', 'post_ffw_norm': 'post_feedforward_layernorm'})
    config, kind = Gemma3TextConfig(**common, rms_norm_eps=1e-6, tie_word_embeddings=True, query_pre_attn_scalar=32, sliding_window=16, hidden_activation='gelu_pytorch_tanh',
                                    layer_types=['sliding_attention'] * 5 + ['full_attention']), Gemma3ForCausalLM
    angles = {'full_attention': inverse(1e6, 8.0), 'sliding_attention': inverse(10000.0)}
model = kind(config).double().eval()
state = {'model.embed_tokens.weight': T['token_embd.weight'], 'model.norm.weight': T['output_norm.weight'], 'lm_head.weight': T.get('output.weight', T['token_embd.weight'])}
for k, v in T.items():
    if k.startswith('blk.'):
        _, layer, n, _ = k.split('.')
        if name == 'llama' and n in ('attn_q', 'attn_k'):
            v = unpermute(v, 4 if n == 'attn_q' else 2)
        state[f'model.layers.{layer}.{names[n]}.weight'] = v
if name == 'gemma3':
    state = {k: v - 1 if 'norm' in k else v for k, v in state.items()}
model.load_state_dict(state)


def rotary(self, x, position_ids, layer_type=None):
    a = position_ids[..., None].double() * angles[layer_type or ''][None, None]
    a = torch.cat((a, a), -1)
    return a.cos(), a.sin()


type(model.model.rotary_emb).forward = rotary
lines = open(golden).read().splitlines()
tokens = [int(x) for x in next(l for l in lines if l.startswith('tokens')).split()[1:]]
out = model(torch.tensor([tokens])).logits[0]
last = torch.tensor([float(x) for x in lines[-1].split()[1:]])
print(f'{name}: last logits differ by {(out[-1] - last).abs().max():.2g} at most (standard deviation {last.std():.3g})')
for l in lines:
    if ' some 0 ' in l:
        at, step, v = int(l.split()[1]), int(l.split()[4]), torch.tensor([float(x) for x in l.split()[5:]])
        print(f'position {at}: {(out[at][::step][:len(v)] - v).abs().max():.2g}')
