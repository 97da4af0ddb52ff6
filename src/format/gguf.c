/* gguf.c - one GGUF header: a cursor over untrusted bytes */
#include "format/gguf.h"

#include "base/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Limits of the format's description (ggml docs/gguf.md): keys up to 65535 bytes, tensor names up to 64. */
enum { MAX_KEY = 65535, MAX_NAME = 64, DEFAULT_ALIGNMENT = 32 };
/* The least a key-value pair (length, one byte of key, type, value) and a tensor (length, one byte of name, dimensions, one of them,
 * type, offset) can take. */
enum { MIN_KV = 8 + 1 + 4 + 1, MIN_TENSOR = 8 + 1 + 4 + 8 + 4 + 8 };

static const uint8_t type_size[GGUF_TYPES] = { 1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8 };

struct cursor {
	const unsigned char *p;
	uint64_t at, n;                  /* position; bytes at hand */
	uint64_t file_bytes;             /* bytes of the whole file */
	const char *file;
	uint64_t *need;
	struct error *err;
};

#define BAD(c, code, pos, ...) cursor_bad(c, code, pos, __VA_ARGS__)
static int cursor_bad(struct cursor *c, int code, uint64_t pos, const char *fmt, ...) PRINTF_LIKE(4, 5);
static int cursor_bad(struct cursor *c, int code, uint64_t pos, const char *fmt, ...)
{
	char what[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	return error_set(c->err, code, "%s: byte %llu: %s", c->file, (unsigned long long)pos, what);
}

/* Are k more bytes at hand? If the file has them and we do not, says how many bytes of the file are wanted. */
static int want(struct cursor *c, uint64_t k, const char *what)
{
	if (k > c->file_bytes - c->at)
		return BAD(c, E_FILE, c->at, "%s needs %llu bytes, but the file ends after %llu more", what, (unsigned long long)k,
			(unsigned long long)(c->file_bytes - c->at));
	if (k > c->n - c->at) {
		BAD(c, E_FILE, c->at, "%s lies beyond the %llu bytes at hand", what, (unsigned long long)c->n);
		error_hint(c->err, "more of the file is needed: at least %llu bytes from its beginning", (unsigned long long)(c->at + k));
		if (c->need)
			*c->need = c->at + k;
		return E_FILE;
	}
	return OK;
}

static uint64_t little(const unsigned char *p, unsigned n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | p[n];
	return v;
}
static int take(uint64_t *out, struct cursor *c, unsigned k, const char *what)
{
	int rc = want(c, k, what);

	if (rc == OK) {
		*out = little(c->p + c->at, k);
		c->at += k;
	}
	return rc;
}
#define TRY(x) do { int rc_ = (x); if (rc_ != OK) return rc_; } while (0)

/* A string of at most max bytes; *s borrows from the input. */
static int take_string(const char **s, uint64_t *n, struct cursor *c, uint64_t max, const char *what)
{
	uint64_t pos = c->at;

	TRY(take(n, c, 8, what));
	if (*n > max)
		return BAD(c, E_FILE, pos, "%s of %llu bytes, more than %llu", what, (unsigned long long)*n, (unsigned long long)max);
	TRY(want(c, *n, what));
	*s = (const char *)c->p + c->at;
	c->at += *n;
	return OK;
}
/* The same for names, copied and NUL-terminated. */
static int take_name(const char **out, struct cursor *c, struct arena *a, uint64_t max, const char *what)
{
	uint64_t n, pos = c->at;
	const char *s;

	TRY(take_string(&s, &n, c, max, what));
	if (!n)
		return BAD(c, E_FILE, pos, "%s is empty", what);
	if (memchr(s, 0, n))
		return BAD(c, E_FILE, pos, "%s holds a zero byte", what);
	if (!(*out = arena_strndup(a, s, n)))
		return error_set(c->err, E_NOMEM, "%s: out of memory", c->file);
	return OK;
}

static double real_of(uint64_t bits, unsigned type)
{
	if (type == GGUF_F32) {
		uint32_t b = (uint32_t)bits;
		float f;
		memcpy(&f, &b, sizeof f);
		return (double)f;
	}
	double d;
	memcpy(&d, &bits, sizeof d);
	return d;
}

static int take_array(struct gguf_value *v, struct cursor *c)
{
	uint64_t elem, pos = c->at, bytes;

	TRY(take(&elem, c, 4, "an array's type"));
	if (elem == GGUF_ARRAY)
		return BAD(c, E_FILE, pos, "key %.96s: arrays of arrays are not supported", v->key);
	if (elem >= GGUF_TYPES)
		return BAD(c, E_FILE, pos, "key %.96s: array of value type %llu; there are %d", v->key, (unsigned long long)elem, GGUF_TYPES);
	v->elem = (uint8_t)elem;
	pos = c->at;
	TRY(take(&v->n, c, 8, "an array's length"));
	if (elem != GGUF_STRING) {
		if (u64_mul(&bytes, v->n, type_size[elem]))
			return BAD(c, E_FILE, pos, "key %.96s: an array of %llu elements overflows 64 bits", v->key, (unsigned long long)v->n);
		TRY(want(c, bytes, "an array"));
		v->v.raw = c->p + c->at;
		c->at += bytes;
		return OK;
	}
	/* a string takes at least its length field, so a count that cannot be is found before the walk */
	if (v->n > (c->file_bytes - c->at) / 8)
		return BAD(c, E_FILE, pos, "key %.96s: %llu strings cannot fit the %llu bytes that remain", v->key, (unsigned long long)v->n,
			(unsigned long long)(c->file_bytes - c->at));
	v->v.raw = c->p + c->at;
	for (uint64_t i = 0; i < v->n; i++) {
		uint64_t k;

		TRY(take(&k, c, 8, "a string's length"));
		TRY(want(c, k, "a string of an array"));
		c->at += k;
	}
	return OK;
}

static int take_value(struct gguf_value *v, struct cursor *c, struct arena *a)
{
	uint64_t type, pos = c->at, bits;

	TRY(take(&type, c, 4, "a value's type"));
	if (type >= GGUF_TYPES)
		return BAD(c, E_FILE, pos, "key %.96s: value type %llu; there are %d", v->key, (unsigned long long)type, GGUF_TYPES);
	v->type = (uint8_t)type;
	pos = c->at;
	if (type == GGUF_ARRAY) {
		TRY(take_array(v, c));
	} else if (type == GGUF_STRING) {
		const char *s;
		TRY(take_string(&s, &v->n, c, UINT64_MAX, "a string"));
		if (!(v->v.s = arena_strndup(a, s, v->n)))
			return error_set(c->err, E_NOMEM, "%s: out of memory", c->file);
	} else {
		unsigned k = type_size[type];
		TRY(take(&bits, c, k, "a value"));
		if (type == GGUF_F32 || type == GGUF_F64)
			v->v.f = real_of(bits, (unsigned)type);
		else if (type == GGUF_BOOL && bits > 1)
			return BAD(c, E_FILE, pos, "key %.96s: %llu is neither false (0) nor true (1)", v->key, (unsigned long long)bits);
		else if (type == GGUF_I8 || type == GGUF_I16 || type == GGUF_I32)
			v->v.i = (int64_t)(bits << (64 - 8 * k)) >> (64 - 8 * k);
		else
			v->v.u = bits;
	}
	v->bytes = c->at - pos;
	return OK;
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(((const struct gguf_value *)a)->key, ((const struct gguf_value *)b)->key);
}

static int take_metadata(struct gguf *g, struct cursor *c, struct arena *a, uint64_t n)
{
	TRY(n > (c->file_bytes - c->at) / MIN_KV ?
		BAD(c, E_FILE, 16, "%llu keys cannot fit the %llu bytes that follow", (unsigned long long)n,
			(unsigned long long)(c->file_bytes - c->at)) : OK);
	TRY(want(c, n * MIN_KV, "the metadata"));        /* bounds what is allocated by what is at hand */
	if (!(g->kv = arena_array(a, n ? n : 1, sizeof *g->kv)))
		return error_set(c->err, E_NOMEM, "%s: out of memory for %llu keys", c->file, (unsigned long long)n);
	for (uint64_t i = 0; i < n; i++) {
		TRY(take_name(&g->kv[i].key, c, a, MAX_KEY, "a key"));
		TRY(take_value(&g->kv[i], c, a));
	}
	g->n_kv = (uint32_t)n;
	uint64_t end = c->at;
	qsort(g->kv, n, sizeof *g->kv, compare_keys);
	for (uint64_t i = 1; i < n; i++)
		if (!strcmp(g->kv[i - 1].key, g->kv[i].key))
			return BAD(c, E_FILE, end, "the metadata that end here hold key %.96s twice", g->kv[i].key);
	return OK;
}

static int take_alignment(struct gguf *g, struct cursor *c)
{
	uint64_t v;
	int rc = gguf_u64(&v, g, "general.alignment", c->err);

	g->alignment = DEFAULT_ALIGNMENT;
	if (rc <= 0)
		return rc;
	if (!v || v & (v - 1) || v > UINT32_MAX)
		return BAD(c, E_FILE, c->at, "general.alignment is %llu, which is not a power of two below 2^32", (unsigned long long)v);
	g->alignment = (uint32_t)v;
	return OK;
}

static int take_tensor(struct file_tensor *t, uint64_t *at, struct cursor *c, struct arena *a,
	const struct gguf_types *types, uint32_t alignment)
{
	uint64_t dims, type, pos = *at = c->at;

	TRY(take_name(&t->name, c, a, MAX_NAME, "a tensor's name"));
	pos = c->at;
	TRY(take(&dims, c, 4, "a tensor's number of dimensions"));
	if (dims < 1 || dims > 4)
		return BAD(c, E_FILE, pos, "tensor %s has %llu dimensions, not 1 to 4", t->name, (unsigned long long)dims);
	t->n_dims = (uint8_t)dims;
	t->elements = 1;
	for (unsigned d = 0; d < 4; d++) {
		t->ne[d] = 1;
		if (d >= dims)
			continue;
		pos = c->at;
		TRY(take(&t->ne[d], c, 8, "a tensor's shape"));
		if (!t->ne[d])
			return BAD(c, E_FILE, pos, "tensor %s: dimension %u is 0", t->name, d);
		if (u64_mul(&t->elements, t->elements, t->ne[d]) || t->elements > INT64_MAX)
			return BAD(c, E_FILE, pos, "tensor %s: the product of its dimensions up to %llu overflows 63 bits", t->name,
				(unsigned long long)t->ne[d]);
	}
	pos = c->at;
	TRY(take(&type, c, 4, "a tensor's type"));
	if (type >= types->n || !types->type[type].block)
		return BAD(c, E_FORMAT, pos, "tensor %s has ggml type number %llu, which is not known here", t->name, (unsigned long long)type);
	const struct gguf_type_info *f = &types->type[type];
	t->type = (uint32_t)type;
	t->type_name = f->name;
	if (t->ne[0] % f->block)
		return BAD(c, E_FILE, pos, "tensor %s: rows of %llu elements are not whole blocks of %u (%s)", t->name,
			(unsigned long long)t->ne[0],
			f->block, f->name);
	if (u64_mul(&t->bytes, t->elements / f->block, f->bytes))
		return BAD(c, E_FILE, pos, "tensor %s: its size in bytes overflows 64 bits", t->name);
	pos = c->at;
	TRY(take(&t->offset, c, 8, "a tensor's offset"));
	if (t->offset % alignment)
		return BAD(c, E_FILE, pos, "tensor %s: offset %llu is not a multiple of the alignment %u", t->name,
			(unsigned long long)t->offset, alignment);
	return OK;
}

static int take_tensors(struct gguf *g, struct cursor *c, struct arena *a, uint64_t n, const struct gguf_types *types)
{
	struct arena scratch = { 0 };
	uint64_t *at, data;
	int rc;

	TRY(n > (c->file_bytes - c->at) / MIN_TENSOR ?
		BAD(c, E_FILE, 8, "%llu tensors cannot fit the %llu bytes that follow", (unsigned long long)n,
			(unsigned long long)(c->file_bytes - c->at)) : OK);
	TRY(want(c, n * MIN_TENSOR, "the tensor list"));
	g->dir.n = n;
	g->dir.t = arena_array(a, n ? n : 1, sizeof *g->dir.t);
	at = arena_array(&scratch, n ? n : 1, sizeof *at);
	if (!g->dir.t || !at) {
		rc = error_set(c->err, E_NOMEM, "%s: out of memory for %llu tensors", c->file, (unsigned long long)n);
		goto out;
	}
	for (uint64_t i = 0; i < n; i++) {
		if ((rc = take_tensor(&g->dir.t[i], &at[i], c, a, types, g->alignment)) != OK)
			goto out;
		if (u64_add(&g->dir.bytes, g->dir.bytes, g->dir.t[i].bytes)) {
			rc = BAD(c, E_FILE, at[i], "the tensors up to %s overflow 64 bits", g->dir.t[i].name);
			goto out;
		}
	}
	data = u64_round_up(c->at, g->alignment);
	/* a file of metadata alone may end before the padding */
	if (n && data > c->file_bytes) {
		rc = BAD(c, E_FILE, c->at, "the data would begin at byte %llu, but the file has %llu", (unsigned long long)data,
			(unsigned long long)c->file_bytes);
		goto out;
	}
	g->header_bytes = data > c->file_bytes ? c->file_bytes : data;
	rc = tensor_dir_check(&g->dir, c->file, at, c->file_bytes - g->header_bytes, 0, c->err);
out:
	arena_free(&scratch);
	return rc;
}

static int take_head(struct gguf *g, struct cursor *c, uint64_t *n_tensors, uint64_t *n_kv)
{
	uint64_t v;

	TRY(want(c, 4, "the magic"));
	if (memcmp(c->p, "GGUF", 4))
		return BAD(c, E_FILE, 0, "not a GGUF file: it begins with %02x %02x %02x %02x, not with GGUF", c->p[0], c->p[1], c->p[2],
			c->p[3]);
	c->at = 4;
	TRY(take(&v, c, 4, "the version"));
	if (v && !(v & 0xffff))
		return BAD(c, E_FILE, 4, "version 0x%08llx: a big-endian GGUF file, which is not supported", (unsigned long long)v);
	if (v != 2 && v != 3)
		return BAD(c, E_FILE, 4, "GGUF version %llu; versions 2 and 3 are supported", (unsigned long long)v);
	g->version = (uint32_t)v;
	TRY(take(n_tensors, c, 8, "the number of tensors"));
	return take(n_kv, c, 8, "the number of keys");
}

int gguf_parse(struct gguf *out, struct arena *a, const char *file, const void *bytes, uint64_t n, uint64_t file_bytes,
	const struct gguf_types *t, uint64_t *need, struct error *err)
{
	struct cursor c = { bytes, 0, n < file_bytes ? n : file_bytes, file_bytes, file, need, err };
	struct gguf g = { .file = file, .file_bytes = file_bytes, .n_shards = 1 };
	uint64_t n_tensors = 0, n_kv = 0, shards;
	int rc;

	if (need)
		*need = 0;
	TRY(take_head(&g, &c, &n_tensors, &n_kv));
	if (n_kv > UINT32_MAX)
		return BAD(&c, E_FILE, 16, "%llu keys, more than 32 bits count", (unsigned long long)n_kv);
	TRY(take_metadata(&g, &c, a, n_kv));
	TRY(take_alignment(&g, &c));
	if ((rc = gguf_u64(&shards, &g, "split.count", err)) < 0)
		return rc;
	if (rc && shards > 1)
		g.n_shards = shards > UINT16_MAX ? 0 : (uint32_t)shards;
	if (!g.n_shards)
		return error_set(err, E_FILE, "%s: split.count is %llu, more than %d", file, (unsigned long long)shards, UINT16_MAX);
	TRY(take_tensors(&g, &c, a, n_tensors, t));
	*out = g;
	return OK;
}
