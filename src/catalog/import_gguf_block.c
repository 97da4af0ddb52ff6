/* import_gguf_block.c - tensors by layer and stem, taken once; metadata by key */
#include "catalog/import_gguf_block.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int gi_refuse(struct gguf_import *c, const char *fmt, ...)
{
	char what[380];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	return error_set(c->err, E_ARCH, "%s: architecture %.40s: %s", c->g->file, c->arch, what);
}

int gi_warning(struct gguf_import *c, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (c->m->n_warnings == MAX_WARNINGS)
		return OK;
	if (!(c->warnings[c->m->n_warnings] = arena_strdup(c->a, text)))
		return error_set(c->err, E_NOMEM, "%s: out of memory", c->g->file);
	c->m->n_warnings++;
	return OK;
}

static int compare_stems(const void *a, const void *b)
{
	return strcmp(((const struct named_tensor *)a)->stem, ((const struct named_tensor *)b)->stem);
}
static int compare_key(const void *key, const void *b)
{
	return strcmp(key, ((const struct named_tensor *)b)->stem);
}

/* "blk.12.attn_q.weight": 12, and where the rest begins; else the name itself and NOT_A_LAYER. */
static const char *split_name(uint32_t *layer, const char *name)
{
	const char *p = name + 4;
	uint32_t v = 0;

	*layer = NOT_A_LAYER;
	if (strncmp(name, "blk.", 4) || !isdigit((unsigned char)*p))
		return name;
	for (; isdigit((unsigned char)*p) && v < 100000; p++)
		v = v * 10 + (uint32_t)(*p - '0');
	if (*p != '.')
		return name;
	*layer = v;
	return p + 1;
}

int gi_blocks_build(struct gguf_import *c)
{
	const struct tensor_dir *d = &c->g->dir;
	uint32_t layer;

	c->global.layer = NOT_A_LAYER;
	if (!(c->blocks = arena_array(c->a, c->n_blocks, sizeof *c->blocks)))
		goto nomem;
	for (uint64_t i = 0; i < d->n; i++) {
		split_name(&layer, d->t[i].name);
		if (layer != NOT_A_LAYER && layer >= c->n_blocks)
			return gi_refuse(c, "tensor %s lies beyond the %u blocks of block_count", d->t[i].name, c->n_blocks);
		(layer == NOT_A_LAYER ? &c->global : &c->blocks[layer])->n++;
	}
	for (uint32_t l = 0; l <= c->n_blocks; l++) {
		struct block *b = l < c->n_blocks ? &c->blocks[l] : &c->global;
		if (!(b->t = arena_array(c->a, b->n ? b->n : 1, sizeof *b->t)))
			goto nomem;
		b->layer = l < c->n_blocks ? l : NOT_A_LAYER;
		b->n = 0;
	}
	for (uint64_t i = 0; i < d->n; i++) {
		const char *stem = split_name(&layer, d->t[i].name);
		struct block *b = layer == NOT_A_LAYER ? &c->global : &c->blocks[layer];
		b->t[b->n++] = (struct named_tensor){ stem, &d->t[i], 0 };
	}
	for (uint32_t l = 0; l <= c->n_blocks; l++) {
		struct block *b = l < c->n_blocks ? &c->blocks[l] : &c->global;
		qsort(b->t, b->n, sizeof *b->t, compare_stems);
		/* "blk.1." and "blk.01." are different names of the same layer */
		for (uint32_t i = 1; i < b->n; i++)
			if (!strcmp(b->t[i - 1].stem, b->t[i].stem))
				return gi_refuse(c, "tensors %s and %s are the same one", b->t[i - 1].t->name, b->t[i].t->name);
	}
	return OK;
nomem:
	return error_set(c->err, E_NOMEM, "%s: out of memory", c->g->file);
}

static struct named_tensor *find(const struct block *b, const char *stem, const char *suffix)
{
	char key[96];

	if ((size_t)snprintf(key, sizeof key, "%s%s", stem, suffix) >= sizeof key || !b->n)
		return NULL;
	return bsearch(key, b->t, b->n, sizeof *b->t, compare_key);
}
static const struct file_tensor *mark(struct named_tensor *n)
{
	if (!n)
		return NULL;
	n->taken = 1;
	return n->t;
}
const struct file_tensor *gi_take(struct block *b, const char *stem)
{
	struct named_tensor *n = find(b, stem, ".weight");

	return mark(n ? n : find(b, stem, ""));
}
const struct file_tensor *gi_take_bias(struct block *b, const char *stem) { return mark(find(b, stem, ".bias")); }
const struct file_tensor *gi_take_exact(struct block *b, const char *name) { return mark(find(b, name, "")); }
int gi_has(const struct block *b, const char *stem) { return find(b, stem, ".weight") || find(b, stem, ""); }

/* NVFP4 files carry a scale beside a weight: of the format, no tensor of the model (llama-model.cpp, "scale" and
 * "input_scale"). */
static int is_format_scale(const struct block *b, const struct named_tensor *n)
{
	const char *dot = strrchr(n->stem, '.');
	char stem[72];

	if (!dot || (strcmp(dot, ".scale") && strcmp(dot, ".input_scale")) || n->t->ne[0] != n->t->elements)
		return 0;
	snprintf(stem, sizeof stem, "%.*s", (int)(dot - n->stem), n->stem);
	const struct named_tensor *w = find(b, stem, ".weight");
	return w && w->taken && (n->t->elements == 1 || n->t->elements == w->t->ne[2]);
}

int gi_blocks_finish(struct gguf_import *c, struct block *b)
{
	for (uint32_t i = 0; i < b->n; i++)
		if (!b->t[i].taken && !is_format_scale(b, &b->t[i])) {
			const struct file_tensor *t = b->t[i].t;
			return gi_refuse(c, "tensor %s (%llu x %llu x %llu) is not understood", t->name, (unsigned long long)t->ne[0],
				(unsigned long long)t->ne[1], (unsigned long long)t->ne[2]);
		}
	return OK;
}

int gi_want_shape(struct gguf_import *c, const struct file_tensor *t, uint64_t ne0, uint64_t ne1, uint64_t ne2)
{
	if (t->ne[0] == ne0 && t->ne[1] == ne1 && t->ne[2] == ne2 && t->ne[3] == 1)
		return OK;
	return gi_refuse(c, "tensor %s is %llu x %llu x %llu, where the metadata and the other tensors want %llu x %llu x %llu", t->name,
		(unsigned long long)t->ne[0], (unsigned long long)t->ne[1], (unsigned long long)t->ne[2], (unsigned long long)ne0,
		(unsigned long long)ne1, (unsigned long long)ne2);
}

int gi_want_vector(struct gguf_import *c, const struct file_tensor *t, uint64_t n)
{
	if (t->elements == n)
		return OK;
	return gi_refuse(c, "tensor %s has %llu elements, where the metadata and the other tensors want %llu", t->name,
		(unsigned long long)t->elements, (unsigned long long)n);
}

int gi_need(const struct file_tensor **out, struct gguf_import *c, struct block *b, const char *stem)
{
	*out = gi_take(b, stem);
	if (*out)
		return OK;
	if (b->layer == NOT_A_LAYER)
		return gi_refuse(c, "tensor %s.weight is missing", stem);
	return gi_refuse(c, "tensor blk.%u.%s.weight is missing beside the others of its kind", b->layer, stem);
}

int gi_need_vector(struct gguf_import *c, struct block *b, const char *stem, uint64_t n)
{
	const struct file_tensor *t;

	TRY(gi_need(&t, c, b, stem));
	return gi_want_vector(c, t, n);
}

int gi_maybe_bias(uint8_t *flag, struct gguf_import *c, struct block *b, const char *stem, uint64_t n)
{
	const struct file_tensor *t = gi_take_bias(b, stem);

	if (t)
		*flag = 1;
	return t ? gi_want_vector(c, t, n) : OK;
}

static void key_of(char *buf, size_t n, const struct gguf_import *c, const char *key)
{
	snprintf(buf, n, "%.100s.%s", c->arch, key);
}
static int to_u32(uint32_t *out, struct gguf_import *c, const char *key, uint64_t v)
{
	if (v > INT32_MAX)
		return error_set(c->err, E_FILE, "%s: key %s is %llu, more than %d", c->g->file, key, (unsigned long long)v, INT32_MAX);
	*out = (uint32_t)v;
	return 1;
}

const struct gguf_value *gi_hyper_find(struct gguf_import *c, const char *key)
{
	char k[192];

	key_of(k, sizeof k, c, key);
	return gguf_find(c->g, k);
}

int gi_hyper(uint32_t *out, struct gguf_import *c, const char *key, uint32_t fallback)
{
	char k[192];
	uint64_t v;
	int rc;

	key_of(k, sizeof k, c, key);
	*out = fallback;
	rc = gguf_u64(&v, c->g, k, c->err);
	return rc == 1 ? to_u32(out, c, k, v) : rc;
}

int gi_hyper_at(uint32_t *out, struct gguf_import *c, const char *key, uint32_t layer, uint32_t fallback)
{
	char k[192];
	uint64_t v;
	int rc;

	key_of(k, sizeof k, c, key);
	*out = fallback;
	rc = gguf_u64_at(&v, c->g, k, layer, c->err);
	return rc == 1 ? to_u32(out, c, k, v) : rc;
}

int gi_hyper_f(double *out, struct gguf_import *c, const char *key, double fallback)
{
	char k[192];

	key_of(k, sizeof k, c, key);
	*out = fallback;
	return gguf_f64(out, c->g, k, c->err);
}
