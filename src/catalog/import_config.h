/* import_config.h - a Hugging Face config.json -> model_spec.
 *
 * An architecture whose keys follow the usual meaning (hidden_size, num_attention_heads, ...) imports without being known by name;
 * one that carries structural keys nobody here has established is refused by name (E_ARCH), never guessed. */
#ifndef IMPORT_CONFIG_H
#define IMPORT_CONFIG_H

#include "catalog/model_spec.h"

int import_config(struct model_spec *out, struct arena *a, const char *file, const void *bytes, size_t n, struct error *err) MUST_CHECK;

#endif
