/* gguf_write.c - GGUF headers: ggml docs/gguf.md, version 3, little-endian */
#include "engine/gguf_write.h"

#include "base/units.h"

#include <stdlib.h>
#include <string.h>

static void put(struct gguf_buffer *b, const void *p, size_t n)
{
	if (b->failed)
		return;
	if (b->n + n > b->cap) {
		size_t cap = b->cap ? b->cap * 2 : 8192;
		while (cap < b->n + n)
			cap *= 2;
		unsigned char *more = realloc(b->p, cap);
		if (!more) {
			b->failed = 1;
			return;
		}
		b->p = more;
		b->cap = cap;
	}
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
}
static void put_int(struct gguf_buffer *b, uint64_t v, unsigned bytes)
{
	unsigned char c[8];

	for (unsigned i = 0; i < bytes; i++)
		c[i] = (unsigned char)(v >> 8 * i);
	put(b, c, bytes);
}
static void put_str(struct gguf_buffer *b, const char *s, size_t n)
{
	put_int(b, n, 8);
	put(b, s, n);
}

static void head(struct gguf_writer *g, const char *key, unsigned type)
{
	size_t prefix = *key == '.' ? strlen(g->prefix) : 0, n = strlen(key);

	put_int(&g->kv, prefix + n, 8);
	put(&g->kv, g->prefix, prefix);
	put(&g->kv, key, n);
	put_int(&g->kv, type, 4);
	g->n_kv++;
}

void gguf_write_u32(struct gguf_writer *g, const char *key, uint64_t v)
{
	head(g, key, GGUF_U32);
	put_int(&g->kv, v, 4);
}
void gguf_write_f32(struct gguf_writer *g, const char *key, double v)
{
	float f = (float)v;
	uint32_t u;

	memcpy(&u, &f, sizeof u);
	head(g, key, GGUF_F32);
	put_int(&g->kv, u, 4);
}
void gguf_write_bool(struct gguf_writer *g, const char *key, int v)
{
	head(g, key, GGUF_BOOL);
	put_int(&g->kv, v != 0, 1);
}
void gguf_write_str(struct gguf_writer *g, const char *key, const char *v)
{
	head(g, key, GGUF_STRING);
	put_str(&g->kv, v, strlen(v));
}

void gguf_write_layers(struct gguf_writer *g, const char *key, const uint32_t *v, uint32_t n, int array_always)
{
	uint32_t one = 0, same = 1;

	for (uint32_t i = 0; i < n; i++)
		one = v[i] ? v[i] : one;
	for (uint32_t i = 0; i < n; i++)
		same &= v[i] == one;
	if (same && !array_always) {
		gguf_write_u32(g, key, one);
		return;
	}
	head(g, key, GGUF_ARRAY);
	put_int(&g->kv, GGUF_U32, 4);
	put_int(&g->kv, n, 8);
	for (uint32_t i = 0; i < n; i++)
		put_int(&g->kv, v[i], 4);
}

void gguf_write_value(struct gguf_writer *g, const struct gguf_value *v)
{
	static const uint8_t size[GGUF_TYPES] = { 1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8 };
	const char *prefix = g->prefix;
	uint64_t bits;

	g->prefix = "";
	head(g, v->key, v->type);
	g->prefix = prefix;
	if (v->type == GGUF_STRING) {
		put_str(&g->kv, v->v.s, v->n);
	} else if (v->type == GGUF_ARRAY) {
		put_int(&g->kv, v->elem, 4);
		put_int(&g->kv, v->n, 8);
		put(&g->kv, v->v.raw, v->bytes - 12);    /* element type and count are among the bytes of the value */
	} else if (v->type == GGUF_F32) {
		float f = (float)v->v.f;
		uint32_t u;
		memcpy(&u, &f, sizeof u);
		put_int(&g->kv, u, 4);
	} else {
		memcpy(&bits, &v->v, sizeof bits);
		put_int(&g->kv, bits, size[v->type]);
	}
}

void gguf_write_tensor(struct gguf_writer *g, const struct stored *t, uint32_t ggml_type)
{
	unsigned dims = t->ne[3] > 1 ? 4 : t->ne[2] > 1 ? 3 : t->ne[1] > 1 ? 2 : 1;

	put_str(&g->tensors, t->name, strlen(t->name));
	put_int(&g->tensors, dims, 4);
	for (unsigned i = 0; i < dims; i++)
		put_int(&g->tensors, t->ne[i], 8);
	put_int(&g->tensors, ggml_type, 4);
	put_int(&g->tensors, g->data, 8);
	g->data += u64_round_up(t->bytes, GGUF_ALIGN);
	g->n_tensors++;
}

int gguf_write_header(struct gguf_buffer *out, const struct gguf_writer *g)
{
	*out = (struct gguf_buffer){ .failed = g->kv.failed || g->tensors.failed };
	put(out, "GGUF", 4);
	put_int(out, 3, 4);
	put_int(out, g->n_tensors, 8);
	put_int(out, g->n_kv, 8);
	put(out, g->kv.p, g->kv.n);
	put(out, g->tensors.p, g->tensors.n);
	while (!out->failed && out->n % GGUF_ALIGN)
		put_int(out, 0, 1);
	return !out->failed;
}

void gguf_write_free(struct gguf_writer *g)
{
	free(g->kv.p);
	free(g->tensors.p);
	g->kv = g->tensors = (struct gguf_buffer){ 0 };
}
