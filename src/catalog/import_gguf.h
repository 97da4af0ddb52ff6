/* import_gguf.h - GGUF metadata and tensor list -> model_spec. E_ARCH names an architecture that is not supported. */
#ifndef IMPORT_GGUF_H
#define IMPORT_GGUF_H

#include "catalog/model_spec.h"
#include "format/gguf.h"

int import_gguf(struct model_spec *out, struct arena *a, const struct gguf *g, struct error *err) MUST_CHECK;

#endif
