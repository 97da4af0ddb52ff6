/* model_read.c - readers over the YAML tree that stop at the first error, with sources inherited */
#include "catalog/model_read.h"

#include "base/str.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void mr_fail(struct model_read *r, const struct ynode *n, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	if (r->rc != OK)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	r->rc = error_at(r->err, E_CATALOGUE, r->d->file, n ? n->line : 0, "%s", text);
}

void *mr_alloc(struct model_read *r, size_t n, size_t size)
{
	void *p;

	if (r->rc != OK)
		return NULL;
	p = arena_array(r->a, n ? n : 1, size);
	if (!p)
		r->rc = error_set(r->err, E_NOMEM, "%s: out of memory", r->d->file);
	return p;
}

unsigned mr_open(struct model_read *r, const struct ynode *n)
{
	if (r->rc == OK && n)
		r->rc = yaml_want(r->d, n, YAML_MAP, r->err);
	return r->n_asked;
}

void mr_close(struct model_read *r, const struct ynode *n, unsigned mark)
{
	struct near_matches near;

	for (const struct ynode *c = r->rc == OK && n ? n->child : NULL; c; c = c->next) {
		if (c->used)
			continue;
		near_init(&near, c->key);
		for (unsigned i = mark; i < r->n_asked; i++)
			near_offer(&near, r->asked[i]);
		mr_fail(r, c, "unknown key '%s'", c->key);
		near_report(&near, r->err);
		break;
	}
	r->n_asked = mark;
}

static void ask(struct model_read *r, const char *key)
{
	for (unsigned i = 0; i < r->n_asked; i++)
		if (r->asked[i] == key)
			return;
	if (r->n_asked < MAX_ASKED)
		r->asked[r->n_asked++] = key;
}

struct ynode *mr_get(struct model_read *r, struct ynode *map, const char *key)
{
	if (r->rc != OK || !map)
		return NULL;
	ask(r, key);
	return yaml_get(map, key);
}

static struct ynode *get_kind(struct model_read *r, struct ynode *map, const char *key, enum yaml_kind kind)
{
	struct ynode *n = mr_get(r, map, key);

	if (n)
		r->rc = yaml_want(r->d, n, kind, r->err);
	return r->rc == OK ? n : NULL;
}

struct ynode *mr_map(struct model_read *r, struct ynode *map, const char *key) { return get_kind(r, map, key, YAML_MAP); }
struct ynode *mr_seq(struct model_read *r, struct ynode *map, const char *key) { return get_kind(r, map, key, YAML_SEQ); }

/* Before a typed reader of base/yaml.h runs: does it have anything to do? Remembers the key either way. */
static int ready(struct model_read *r, const struct ynode *map, const char *key)
{
	if (r->rc != OK || !map)
		return 0;
	ask(r, key);
	return 1;
}

void mr_str(struct model_read *r, const char **out, struct ynode *map, const char *key, int need)
{
	struct ynode *n;

	if (!ready(r, map, key))
		return;
	r->rc = yaml_str(out, r->d, map, key, need, r->err);
	if (r->rc == OK && (n = yaml_get(map, key)) && n->n == 0)
		mr_fail(r, n, "%s: empty", key);
}

void mr_u8(struct model_read *r, uint8_t *out, struct ynode *map, const char *key, uint32_t min, uint32_t max)
{
	uint32_t v = *out;

	if (!ready(r, map, key))
		return;
	r->rc = yaml_u32(&v, r->d, map, key, min, max, YAML_OPTIONAL, r->err);
	*out = (uint8_t)v;
}

void mr_u32(struct model_read *r, uint32_t *out, struct ynode *map, const char *key, uint32_t min, int need)
{
	if (ready(r, map, key))
		r->rc = yaml_u32(out, r->d, map, key, min, UINT32_MAX, need, r->err);
}

void mr_u64(struct model_read *r, uint64_t *out, struct ynode *map, const char *key, uint64_t min, int need)
{
	if (ready(r, map, key))
		r->rc = yaml_u64(out, r->d, map, key, min, INT64_MAX, need, r->err);
}

static int is_unknown(const struct ynode *n)
{
	return n && n->kind == YAML_SCALAR && !n->quoted && n->text && !strcmp(n->text, "unknown");
}

void mr_u32_or_unknown(struct model_read *r, uint32_t *out, struct ynode *map, const char *key)
{
	if (!is_unknown(mr_get(r, map, key)))
		mr_u32(r, out, map, key, 1, YAML_OPTIONAL);
}

void mr_f64_or_unknown(struct model_read *r, double *out, struct ynode *map, const char *key)
{
	if (!is_unknown(mr_get(r, map, key)) && ready(r, map, key))
		r->rc = yaml_f64(out, r->d, map, key, YAML_OPTIONAL, r->err);
}

void mr_f32(struct model_read *r, float *out, struct ynode *map, const char *key)
{
	double v = (double)*out;

	mr_f64_or_unknown(r, &v, map, key);
	/* 0 stands for "none" in the description, so a stated value must be above it */
	if (r->rc == OK && (v < 0 || v > 1e30))
		mr_fail(r, yaml_get(map, key), "%s: %g is not between 0 and 1e30", key, v);
	if (r->rc == OK)
		*out = (float)v;
}

void mr_bool(struct model_read *r, uint8_t *out, struct ynode *map, const char *key)
{
	if (ready(r, map, key))
		r->rc = yaml_bool(out, r->d, map, key, YAML_OPTIONAL, r->err);
}

void mr_enum(struct model_read *r, uint8_t *out, struct ynode *map, const char *key, const char *const *names, int need)
{
	if (ready(r, map, key))
		r->rc = yaml_enum(out, r->d, map, key, names, need, r->err);
}

const char *const *mr_list(struct model_read *r, struct ynode *map, const char *key)
{
	static const char *const none[] = { NULL };
	struct ynode *s = mr_seq(r, map, key);
	const char **list;
	unsigned n = 0;

	if (!s)
		return none;
	if (s->n > MAX_LIST) {
		mr_fail(r, s, "%s: %u items, at most %d", key, s->n, (int)MAX_LIST);
		return none;
	}
	if (!(list = mr_alloc(r, s->n + 1, sizeof *list)))
		return none;
	for (struct ynode *c = s->child; c; c = c->next) {
		if (c->kind != YAML_SCALAR || c->n == 0) {
			mr_fail(r, c, "%s: want a list of words", key);
			return none;
		}
		list[n++] = c->text;
	}
	yaml_use_all(s);
	return list;
}

int mr_find(struct model_read *r, const struct ynode *at, const char *name, const char *const *names, unsigned n,
	const char *what)
{
	struct near_matches near;

	if (r->rc != OK)
		return -1;
	for (unsigned i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return (int)i;
	near_init(&near, name);
	for (unsigned i = 0; i < n; i++)
		near_offer(&near, names[i]);
	mr_fail(r, at, "%s '%s'", what, name);
	near_report(&near, r->err);
	return -1;
}

void mr_schema(struct model_read *r, struct ynode *root)
{
	uint64_t schema = 0;

	mr_u64(r, &schema, root, "schema", 1, YAML_NEED);
	if (r->rc == OK && schema != 1)
		mr_fail(r, yaml_get(root, "schema"), "schema %u: this program reads 1", (unsigned)schema);
}

void mr_sources(struct model_read *r, struct ynode *root)
{
	struct ynode *s = mr_map(r, root, "sources");
	const char *key = NULL;

	if (s && s->n > MAX_SOURCES)
		mr_fail(r, s, "sources: %u entries, at most %d", s->n, (int)MAX_SOURCES);
	if (s && (r->sources = mr_alloc(r, s->n, sizeof *r->sources)) != NULL) {
		for (struct ynode *c = s->child; c && r->rc == OK; c = c->next) {
			struct source *x = &r->sources[r->n_sources++];
			unsigned mark = mr_open(r, c);

			c->used = 1;
			*x = (struct source){ .key = c->key };
			mr_str(r, &x->what, c, "what", YAML_NEED);
			mr_str(r, &x->where, c, "where", YAML_OPTIONAL);
			mr_str(r, &x->confidence, c, "confidence", YAML_NEED);
			mr_close(r, c, mark);
		}
	}
	mr_str(r, &key, root, "source", YAML_OPTIONAL);
	if (key)
		r->inherited = mr_source(r, root);
}

void mr_start_data(struct model_read *r, struct arena *a, const struct ydoc *d, struct error *err)
{
	*r = (struct model_read){ .d = d, .a = a, .err = err, .inherited = NO_SOURCE };
	r->rc = yaml_want(d, d->root, YAML_MAP, err);
	mr_schema(r, d->root);
	mr_sources(r, d->root);
}

void mr_date(struct model_read *r, const char **out, struct ynode *map, const char *key, int need)
{
	static const char form[] = "dddd-dd-dd";
	const char *s = NULL;
	unsigned n = 0;

	mr_str(r, &s, map, key, need);
	if (r->rc != OK || !s || !strcmp(s, "unknown"))
		return;
	while (n < sizeof form - 1 && s[n] && (form[n] == 'd' ? s[n] >= '0' && s[n] <= '9' : s[n] == '-'))
		n++;
	if (s[n] || (n != 4 && n != 7 && n != 10))
		mr_fail(r, yaml_get(map, key), "%s: '%.20s' is not YYYY-MM-DD, YYYY-MM or YYYY", key, s);
	else if ((n > 4 && (strncmp(s + 5, "01", 2) < 0 || strncmp(s + 5, "12", 2) > 0)) ||
	         (n > 7 && (strncmp(s + 8, "01", 2) < 0 || strncmp(s + 8, "31", 2) > 0)))
		mr_fail(r, yaml_get(map, key), "%s: '%s' is no date", key, s);
	*out = s;
}

void mr_id(struct model_read *r, const struct ynode *at, const char *key, const char *id)
{
	size_t n;

	if (r->rc != OK || !id)
		return;
	n = strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789.-");
	if (id[n] || id[0] == '.' || id[0] == '-')
		mr_fail(r, at, "%s: '%.60s' may hold only a-z, 0-9, '.' and '-'", key, id);
	else if (n > 60)
		mr_fail(r, at, "%s: %u letters, at most 60", key, (unsigned)n);
}

static uint16_t find_source(struct model_read *r, const struct ynode *at, const char *key)
{
	const char *names[MAX_SOURCES];
	int i;

	for (unsigned k = 0; k < r->n_sources; k++)
		names[k] = r->sources[k].key;
	i = mr_find(r, at, key, names, r->n_sources, "source: no such key under sources:");
	return i < 0 ? 0 : (uint16_t)i;
}

uint16_t mr_source(struct model_read *r, struct ynode *map)
{
	const char *key = NULL;

	mr_str(r, &key, map, "source", YAML_OPTIONAL);
	if (r->rc != OK || !map || r->without_sources)
		return 0;
	if (key)
		return find_source(r, yaml_get(map, "source"), key);
	if (r->inherited == NO_SOURCE) {
		mr_fail(r, map, "%s: no source, and the entry has none to inherit", map->key ? map->key : "block");
		return 0;
	}
	return r->inherited;
}

void mr_known(struct model_read *r, struct known *out, struct ynode *map, const char *key)
{
	struct ynode *n = mr_get(r, map, key);
	uint64_t v = 0;
	unsigned mark;

	if (!n || is_unknown(n))
		return;
	if (n->kind == YAML_MAP) {
		mark = mr_open(r, n);
		mr_u64(r, &v, n, "value", 1, YAML_NEED);
		out->source = mr_source(r, n);
		mr_close(r, n, mark);
	} else {
		mr_u64(r, &v, map, key, 1, YAML_NEED);
		if (r->rc == OK && r->inherited == NO_SOURCE && !r->without_sources)
			mr_fail(r, n, "%s: no source, and the entry has none to inherit", key);
		out->source = r->without_sources ? 0 : r->inherited;
	}
	out->v = (double)v;
	out->basis = BASIS_PUBLISHED;
}
