#!/usr/bin/env python3
"""check_transformers.py - proves the recipe of the goldens: the same weights in float64 through transformers, against llama.cpp's logits

check_transformers.py MODEL.gguf GOLDEN: a llama, qwen3 or gemma3 file (a tiny one written by tests/peer/tiny.c, or one of the real two), and its file under tests/golden/. Needs torch,
transformers (5.23) and gguf. Rotary angles are made in float64 too (the library's are float32). Prints the largest difference of logits at each position that the golden has.
"""
import sys

import numpy as np
import torch
from gguf import GGUFReader
from gguf.quants import dequantize
from transformers import Gemma3ForCausalLM, Gemma3TextConfig, LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

torch.set_num_threads(1)
path, golden = sys.argv[1:]
reader = GGUFReader(path)
T = {t.name: torch.tensor(dequantize(t.data, t.tensor_type).astype(np.float64).reshape(tuple(int(x) for x in t.shape[::-1]))) for t in reader.tensors}
name = reader.fields['general.architecture'].contents()


def key(k, otherwise=None):
    f = reader.fields.get(f'{name}.{k}')
    return f.contents() if f else otherwise


width, layers, heads, head = key('embedding_length'), key('block_count'), key('attention.head_count'), key('attention.key_length')
head = head or width // heads
tied = 'output.weight' not in T
common = dict(vocab_size=T['token_embd.weight'].shape[0], hidden_size=width, intermediate_size=key('feed_forward_length'), num_hidden_layers=layers, num_attention_heads=heads,
              num_key_value_heads=key('attention.head_count_kv'), head_dim=head, max_position_embeddings=4096, rms_norm_eps=key('attention.layer_norm_rms_epsilon'),
              tie_word_embeddings=tied, attn_implementation='eager')
names = {'attn_norm': 'input_layernorm', 'attn_q': 'self_attn.q_proj', 'attn_k': 'self_attn.k_proj', 'attn_v': 'self_attn.v_proj', 'attn_output': 'self_attn.o_proj',
         'ffn_norm': 'post_attention_layernorm', 'ffn_gate': 'mlp.gate_proj', 'ffn_up': 'mlp.up_proj', 'ffn_down': 'mlp.down_proj',
         'attn_q_norm': 'self_attn.q_norm', 'attn_k_norm': 'self_attn.k_norm'}


def unpermute(w, heads):
    """llama files keep the rows of q and k for pairs (2i, 2i+1)"""
    return w.reshape(heads, w.shape[0] // heads // 2, 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def inverse(theta, factor=1.0):
    return 1.0 / theta ** (torch.arange(0, head, 2, dtype=torch.float64) / head) / factor


torch.set_default_dtype(torch.float64)
base = key('rope.freq_base', 10000.0)
if name == 'llama':
    config, kind = LlamaConfig(**common), LlamaForCausalLM
    angles = {'': inverse(base) / T.get('rope_freqs.weight', 1.0)}
elif name == 'qwen3':
    config, kind = Qwen3Config(**common), Qwen3ForCausalLM
    angles = {'': inverse(base)}
else:
    names.update({'post_attention_norm': 'post_attention_layernorm', 'ffn_norm': 'pre_feedforward_layernorm', 'post_ffw_norm': 'post_feedforward_layernorm'})
    config, kind = Gemma3TextConfig(**common, query_pre_attn_scalar=head, sliding_window=key('attention.sliding_window'), hidden_activation='gelu_pytorch_tanh',
                                    layer_types=['full_attention' if i % 6 == 5 else 'sliding_attention' for i in range(layers)]), Gemma3ForCausalLM
    angles = {'full_attention': inverse(base, key('rope.scaling.factor', 1.0)), 'sliding_attention': inverse(10000.0)}
model = kind(config).double().eval()
state = {'model.embed_tokens.weight': T['token_embd.weight'], 'model.norm.weight': T['output_norm.weight'], 'lm_head.weight': T.get('output.weight', T['token_embd.weight'])}
for k, v in T.items():
    if k.startswith('blk.'):
        _, layer, n, _ = k.split('.')
        if name == 'llama' and n in ('attn_q', 'attn_k'):
            v = unpermute(v, heads if n == 'attn_q' else key('attention.head_count_kv'))
        state[f'model.layers.{layer}.{names[n]}.weight'] = v
if name == 'gemma3':
    state = {k: v - 1 if 'norm' in k else v for k, v in state.items()}
model.load_state_dict(state)


def rotary(self, x, position_ids, layer_type=None):
    a = position_ids[..., None].double() * angles[layer_type or ''][None, None]
    a = torch.cat((a, a), -1)
    return a.cos(), a.sin()


type(model.model.rotary_emb).forward = rotary


def compare(logits, words):
    """'at P' or 'last', then 'some', first, stride, logits; or 'last' and all logits"""
    if 'some' in words:
        i = words.index('some')
        at, step, v = ' '.join(words[:i]), int(words[i + 2]), words[i + 3:]
    elif words[0] == 'last' and words[1] != 'top':
        at, step, v = 'last', 1, words[1:]
    else:
        return
    v = torch.tensor([float(x) for x in v])
    row = logits[-1] if at == 'last' else logits[int(at.split()[1])]
    print(f'{at}: {(row[::step][:len(v)] - v).abs().max():.2g} (standard deviation {v.std():.3g})')


logits = None
for line in open(golden):
    words = line.split()
    if words[0] == 'tokens':
        with torch.no_grad():
            logits = model(torch.tensor([[int(x) for x in words[1:]]])).logits[0]
    elif words[0] in ('prompt', 'run'):
        print(line.strip())
    elif words[0] in ('at', 'last'):
        compare(logits, words)
