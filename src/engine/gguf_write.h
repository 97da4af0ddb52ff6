/* gguf_write.h - a GGUF header under way: keys and tensors, version 3. Private to weights_save(). */
#ifndef GGUF_WRITE_H
#define GGUF_WRITE_H

#include "engine/weights_private.h"

struct gguf_buffer { unsigned char *p; size_t n, cap; int failed; };
struct gguf_writer {
	struct gguf_buffer kv, tensors;
	uint64_t n_kv, n_tensors, data;          /* data: where the next tensor lies, from the start of the data */
	const char *prefix;                      /* of the keys of the architecture */
};
enum { GGUF_ALIGN = 32 };

void gguf_write_free(struct gguf_writer *g);
/* KEY, or PREFIX.KEY when it begins with a dot. */
void gguf_write_u32(struct gguf_writer *g, const char *key, uint64_t v);
void gguf_write_f32(struct gguf_writer *g, const char *key, double v);
void gguf_write_bool(struct gguf_writer *g, const char *key, int v);
void gguf_write_str(struct gguf_writer *g, const char *key, const char *v);
/* One number for all layers when they are equal (of those that have one), else one each. */
void gguf_write_layers(struct gguf_writer *g, const char *key, const uint32_t *v, uint32_t n, int array_always);
/* A value as another file has it. */
void gguf_write_value(struct gguf_writer *g, const struct gguf_value *v);
void gguf_write_tensor(struct gguf_writer *g, const struct stored *t, uint32_t ggml_type);
/* The whole header, padded to where the data begin. 1: done, 0: out of memory. */
int gguf_write_header(struct gguf_buffer *out, const struct gguf_writer *g);

/* The metadata that llama.cpp's loaders ask of a description. E_ARCH: not known here. */
int gguf_write_spec(struct gguf_writer *g, const struct model_spec *m, const struct hyper *h, struct error *err) MUST_CHECK;

#endif
