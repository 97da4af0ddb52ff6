/* rope.h - frequencies of rotary embeddings, with every scaling in use. */
#ifndef ROPE_H
#define ROPE_H

#include "engine/hyper.h"

/* ctx_tokens: longrope has other factors for a context longer than the original. freq: dims / 2 angles a position; *mul: what cos and sin are multiplied by. Formulas: Su 2021; linear (position interpolation); yarn as llama.cpp's
 * ggml_rope (ggml-cpu/ops.cpp, rope_yarn) computes it; llama3 as transformers modeling_rope_utils.py; longrope and others through the file's factors. */
void rope_frequencies(double *freq, float *mul, const struct hyper_rope *r, uint64_t ctx_tokens);

#endif
