/* import_gguf_layer.h - blocks -> parts and layer kinds, each distinct one once. Private to import_gguf. */
#ifndef IMPORT_GGUF_LAYER_H
#define IMPORT_GGUF_LAYER_H

#include "catalog/import_gguf_block.h"

/* The kind of a block: what it mixes, feeds forward, and where its norms stand. Takes its tensors, except those of MTP. */
int gi_layer(uint16_t *kind, struct gguf_import *c, struct block *b) MUST_CHECK;
/* Which layers see a window or a chunk. Fills c->span. */
int gi_spans(struct gguf_import *c) MUST_CHECK;

#endif
