/* model_spec.c - the catalogue's words for the enums of model_spec.h, in their order */
#include "catalog/model_spec.h"

#include <stddef.h>

const char *const part_type_names[] = { "gqa", "mla", "csa", "delta", "mamba2", "conv", "mlp", "moe", NULL };
const char *const span_names[] = { "full", "window", "chunk", NULL };
const char *const norm_at_names[] = { "pre", "post", "sandwich", "none", NULL };
const char *const norm_type_names[] = { "rms", "layer", "layer_bias", NULL };
const char *const qk_norm_names[] = { "none", "head", "full", NULL };
const char *const gate_names[] = { "none", "head", "element", NULL };
const char *const act_names[] = { "silu", "gelu", "gelu_tanh", "relu2", "swiglu_oai", "situ", "relu", NULL };
const char *const score_names[] = { "softmax", "sigmoid", "sqrt_softplus", "topk_softmax", NULL };
const char *const rope_scaling_names[] = { "none", "linear", "yarn", "llama3", "longrope", "proportional", NULL };
const char *const status_names[] = { "open_weights", "api_only", "announced", "does_not_exist", NULL };
const char *const component_names[] = { "text", "mtp", "vision", "audio", NULL };
