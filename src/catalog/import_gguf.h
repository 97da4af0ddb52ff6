/* import_gguf.h - GGUF metadata and tensor list -> model_spec. E_ARCH names an architecture that is not supported.
 *
 * What a layer is made of is decided by the tensors it has, with the sizes of the metadata checked against their shapes; a tensor
 * that is not understood makes the file unsupported, by name. Spans, state sharing and activations follow what llama.cpp's loader
 * of the architecture does with the metadata (import_gguf_arch.c); an architecture that is not in that table gets a warning. */
#ifndef IMPORT_GGUF_H
#define IMPORT_GGUF_H

#include "catalog/model_spec.h"
#include "format/gguf.h"

/* Everything in *out lives in *a; g may be closed afterwards. E_FILE: malformed; E_ARCH: not understood. */
int import_gguf(struct model_spec *out, struct arena *a, const struct gguf *g, struct error *err) MUST_CHECK;

#endif
