/* gguf_make.h - writes GGUF headers for tests, good and bad */
#ifndef GGUF_MAKE_H
#define GGUF_MAKE_H

#include "format/gguf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bytes { unsigned char *p; size_t n, cap; };

static inline void put(struct bytes *b, const void *p, size_t n)
{
	while (b->n + n > b->cap) {
		b->cap = b->cap ? b->cap * 2 : 4096;
		b->p = realloc(b->p, b->cap);
		if (!b->p)
			abort();
	}
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
}
static inline void put_int(struct bytes *b, uint64_t v, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned char c = (unsigned char)(v >> (8 * i));
		put(b, &c, 1);
	}
}
static inline void put_str(struct bytes *b, const char *s)
{
	put_int(b, strlen(s), 8);
	put(b, s, strlen(s));
}

/* A header under way. Offsets of tensors follow each other, aligned; only their sum is needed, no data are written. */
struct make {
	struct bytes kv, tensors, out;
	uint64_t n_kv, n_tensors, data, file_bytes;
	uint32_t version, alignment;
};
static inline void make_init(struct make *m)
{
	free(m->kv.p);
	free(m->tensors.p);
	free(m->out.p);
	*m = (struct make){ .version = 3, .alignment = 32 };
}
static inline void make_free(struct make *m) { make_init(m); }

static inline void kv_head(struct make *m, const char *key, unsigned type)
{
	put_str(&m->kv, key);
	put_int(&m->kv, type, 4);
	m->n_kv++;
}
static inline void kv_int(struct make *m, const char *key, unsigned type, uint64_t v)
{
	static const unsigned char size[] = { 1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8 };

	kv_head(m, key, type);
	put_int(&m->kv, v, size[type]);
}
static inline void kv_u32(struct make *m, const char *key, uint32_t v) { kv_int(m, key, GGUF_U32, v); }
static inline void kv_f32(struct make *m, const char *key, float v)
{
	uint32_t u;

	memcpy(&u, &v, sizeof u);
	kv_int(m, key, GGUF_F32, u);
}
static inline void kv_str(struct make *m, const char *key, const char *v)
{
	kv_head(m, key, GGUF_STRING);
	put_str(&m->kv, v);
}
static inline void kv_array(struct make *m, const char *key, unsigned elem, uint64_t n)
{
	kv_head(m, key, GGUF_ARRAY);
	put_int(&m->kv, elem, 4);
	put_int(&m->kv, n, 8);
}
static inline void kv_u32s(struct make *m, const char *key, const uint32_t *v, uint64_t n)
{
	kv_array(m, key, GGUF_U32, n);
	for (uint64_t i = 0; i < n; i++)
		put_int(&m->kv, v[i], 4);
}
static inline void kv_bools(struct make *m, const char *key, const uint8_t *v, uint64_t n)
{
	kv_array(m, key, GGUF_BOOL, n);
	for (uint64_t i = 0; i < n; i++)
		put_int(&m->kv, v[i], 1);
}

/* Everything given: for bad files. */
static inline void tensor_raw(struct make *m, const char *name, uint32_t n_dims, const uint64_t *ne, uint32_t type,
	uint64_t offset)
{
	put_str(&m->tensors, name);
	put_int(&m->tensors, n_dims, 4);
	for (uint32_t i = 0; i < n_dims; i++)
		put_int(&m->tensors, ne[i], 8);
	put_int(&m->tensors, type, 4);
	put_int(&m->tensors, offset, 8);
	m->n_tensors++;
}
/* An F16 tensor (ggml type 1) of up to three dimensions; 0 ends them. */
static inline void tensor(struct make *m, const char *name, uint64_t ne0, uint64_t ne1, uint64_t ne2)
{
	uint64_t ne[3] = { ne0, ne1, ne2 }, bytes = 2 * ne0 * (ne1 ? ne1 : 1) * (ne2 ? ne2 : 1);

	tensor_raw(m, name, ne2 ? 3 : ne1 ? 2 : 1, ne, 1, m->data);
	m->data += (bytes + m->alignment - 1) / m->alignment * m->alignment;
}

static inline void make_done(struct make *m)
{
	m->out.n = 0;
	put(&m->out, "GGUF", 4);
	put_int(&m->out, m->version, 4);
	put_int(&m->out, m->n_tensors, 8);
	put_int(&m->out, m->n_kv, 8);
	put(&m->out, m->kv.p, m->kv.n);
	put(&m->out, m->tensors.p, m->tensors.n);
	while (m->out.n % m->alignment)
		put_int(&m->out, 0, 1);
	m->file_bytes = m->out.n + m->data;
}

/* F32 0, F16 1, Q4_0 2 (32 elements in 18 bytes), Q8_0 8, BF16 30: ggml.h, enum ggml_type. */
static const struct gguf_type_info make_info[] = {
	{ 1, 4, "f32" }, { 1, 2, "f16" }, { 32, 18, "q4_0" }, { 0, 0, NULL }, { 0, 0, NULL }, { 0, 0, NULL }, { 0, 0, NULL }, { 0,
		0, NULL },
	{ 32, 34, "q8_0" },
};
static const struct gguf_types make_types = { make_info, sizeof make_info / sizeof *make_info };

#endif
