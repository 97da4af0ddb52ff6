/* gguf_get.c - metadata by key, with the types a reader may expect */
#include "format/gguf.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const type_names[GGUF_TYPES] = { "u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "string",
	"array", "u64", "i64", "f64" };

static int compare_key(const void *key, const void *v)
{
	return strcmp(key, ((const struct gguf_value *)v)->key);
}

const struct gguf_value *gguf_find(const struct gguf *g, const char *key)
{
	return g->n_kv ? bsearch(key, g->kv, g->n_kv, sizeof *g->kv, compare_key) : NULL;
}

static int wrong(const struct gguf *g, const struct gguf_value *v, const char *wanted, struct error *err)
{
	return error_set(err, E_FILE, "%s: key %.96s is of type %s%s%s, not %s", g->file, v->key, type_names[v->type],
		v->type == GGUF_ARRAY ? " of " : "", v->type == GGUF_ARRAY ? type_names[v->elem] : "", wanted);
}

static int is_signed(unsigned type) { return type == GGUF_I8 || type == GGUF_I16 || type == GGUF_I32 || type == GGUF_I64; }
static int is_integer(unsigned type)
{
	return type == GGUF_U8 || type == GGUF_U16 || type == GGUF_U32 || type == GGUF_U64 || is_signed(type);
}

int gguf_u64(uint64_t *out, const struct gguf *g, const char *key, struct error *err)
{
	const struct gguf_value *v = gguf_find(g, key);

	if (!v)
		return 0;
	if (!is_integer(v->type))
		return wrong(g, v, "a whole number", err);
	if (is_signed(v->type) && v->v.i < 0)
		return error_set(err, E_FILE, "%s: key %.96s is %lld, which is negative", g->file, key, (long long)v->v.i);
	*out = v->v.u;
	return 1;
}

int gguf_f64(double *out, const struct gguf *g, const char *key, struct error *err)
{
	const struct gguf_value *v = gguf_find(g, key);

	if (!v)
		return 0;
	if (v->type == GGUF_F32 || v->type == GGUF_F64)
		*out = v->v.f;
	else if (is_signed(v->type))
		*out = (double)v->v.i;
	else if (is_integer(v->type))
		*out = (double)v->v.u;
	else
		return wrong(g, v, "a number", err);
	if (!isfinite(*out))
		return error_set(err, E_FILE, "%s: key %.96s is not a finite number", g->file, key);
	return 1;
}

int gguf_str(const char **out, const struct gguf *g, const char *key, struct error *err)
{
	const struct gguf_value *v = gguf_find(g, key);

	if (!v)
		return 0;
	if (v->type != GGUF_STRING)
		return wrong(g, v, "a string", err);
	*out = v->v.s;
	return 1;
}

int gguf_bool(uint8_t *out, const struct gguf *g, const char *key, struct error *err)
{
	const struct gguf_value *v = gguf_find(g, key);

	if (!v)
		return 0;
	if (v->type != GGUF_BOOL)
		return wrong(g, v, "a bool", err);
	*out = v->v.u != 0;
	return 1;
}

int gguf_u64_at(uint64_t *out, const struct gguf *g, const char *key, uint64_t i, struct error *err)
{
	static const uint8_t size[GGUF_TYPES] = { 1, 1, 2, 2, 4, 4, 0, 1, 0, 0, 8, 8, 0 };
	const struct gguf_value *v = gguf_find(g, key);
	uint64_t u = 0;
	unsigned k;

	if (!v)
		return 0;
	if (v->type == GGUF_BOOL) {
		*out = v->v.u;
		return 1;
	}
	if (v->type != GGUF_ARRAY)
		return gguf_u64(out, g, key, err);
	if (!(k = size[v->elem]))
		return wrong(g, v, "whole numbers or bools", err);
	if (i >= v->n)
		return error_set(err, E_FILE, "%s: key %.96s has %llu values, but number %llu is wanted", g->file, key,
			(unsigned long long)v->n,
			(unsigned long long)i);
	for (unsigned b = k; b--; )
		u = u << 8 | v->v.raw[i * k + b];
	if (is_signed(v->elem) && u >> (8 * k - 1))
		return error_set(err, E_FILE, "%s: key %.96s: value %llu is negative", g->file, key, (unsigned long long)i);
	if (v->elem == GGUF_BOOL && u > 1)
		return error_set(err, E_FILE, "%s: key %.96s: value %llu is %llu, neither false (0) nor true (1)", g->file, key,
			(unsigned long long)i, (unsigned long long)u);
	*out = u;
	return 1;
}
