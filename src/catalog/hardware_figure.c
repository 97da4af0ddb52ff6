/* hardware_figure.c - numbers of hardware.d with their sources */
#include "catalog/hardware_figure.h"

#include "base/units.h"
#include "catalog/model_spec.h"

#include <string.h>

enum { MAX_SOURCES = 64, MAX_WORDS = 256 };
static const uint64_t MAX_BYTES = UINT64_C(1) << 50;

/* What a source's confidence makes of a figure. `derived`: computed by a stated rule from specified figures (arithmetic units x
 * clock, channels x data rate). `unverified`: from memory, not looked up; it is told apart only by the warning it leaves. */
static const struct { const char *word; uint8_t basis; } confidences[] = {
	{ "spec", BASIS_SPEC }, { "derived", BASIS_SPEC }, { "published", BASIS_PUBLISHED }, { "measured-elsewhere", BASIS_PUBLISHED },
	{ "unverified", BASIS_PUBLISHED },
};
enum { CONFIDENCES = sizeof confidences / sizeof *confidences };

static int confidence_of(const char *word)
{
	for (int i = 0; i < CONFIDENCES; i++)
		if (word && !strcmp(word, confidences[i].word))
			return i;
	return -1;
}

static int is_unknown(const struct ynode *n) { return n->kind == YAML_SCALAR && !n->quoted && !strcmp(n->text, "unknown"); }

int figures_sources(struct figures *f, struct ynode *root)
{
	struct ynode *map = yaml_get(root, "sources");
	uint16_t n = 0;
	int rc;

	f->sources = NULL;
	f->n_sources = 0;
	if (!map)
		return OK;
	if ((rc = yaml_want(f->d, map, YAML_MAP, f->err)) != OK)
		return rc;
	if (map->n > MAX_SOURCES)
		return yaml_fail(f->d, map, f->err, "sources: %u, at most %d", (unsigned)map->n, MAX_SOURCES);
	if (!(f->sources = arena_array(f->a, map->n ? map->n : 1, sizeof *f->sources)))
		return error_set(f->err, E_NOMEM, "out of memory");
	for (struct ynode *c = map->child; c; c = c->next, n++) {
		struct source *s = &f->sources[n];
		c->used = 1;
		s->key = c->key;
		if ((rc = yaml_want(f->d, c, YAML_MAP, f->err)) != OK ||
		    (rc = yaml_str(&s->what, f->d, c, "what", YAML_NEED, f->err)) != OK ||
		    (rc = yaml_str(&s->where, f->d, c, "where", YAML_OPTIONAL, f->err)) != OK ||
		    (rc = yaml_str(&s->confidence, f->d, c, "confidence", YAML_NEED, f->err)) != OK ||
		    (rc = yaml_finish(f->d, c, f->err)) != OK)
			return rc;
		if (confidence_of(s->confidence) < 0)
			return yaml_fail(f->d, c, f->err,
				"sources: %s: confidence: %s is none of spec, derived, published, measured-elsewhere, unverified", s->key, s->confidence);
	}
	f->n_sources = n;
	return OK;
}

static int source_index(int *out, const struct figures *f, const struct ynode *n)
{
	int rc = yaml_want(f->d, n, YAML_SCALAR, f->err);

	if (rc != OK)
		return rc;
	for (int i = 0; i < f->n_sources; i++)
		if (!strcmp(f->sources[i].key, n->text)) {
			*out = i;
			return OK;
		}
	return yaml_fail(f->d, n, f->err, "source: %s is not under sources", n->text);
}

int figures_source(int *out, const struct figures *f, struct ynode *map, int inherited)
{
	struct ynode *n = yaml_get(map, "source");

	*out = inherited;
	return n ? source_index(out, f, n) : OK;
}

/* *val: the scalar that holds the number, NULL when absent or unknown. */
static int locate(struct ynode **val, int *source, const struct figures *f, struct ynode *map, const char *key, int inherited)
{
	struct ynode *n = yaml_get(map, key), *v = n;
	int rc;

	*val = NULL;
	*source = inherited;
	if (!n)
		return OK;
	if (n->kind == YAML_MAP) {
		if (!(v = yaml_get(n, "value")))
			return yaml_fail(f->d, n, f->err, "%s: value is missing", key);
		if ((rc = figures_source(source, f, n, inherited)) != OK || (rc = yaml_finish(f->d, n, f->err)) != OK)
			return rc;
	}
	if ((rc = yaml_want(f->d, v, YAML_SCALAR, f->err)) != OK)
		return rc;
	if (is_unknown(v))
		return OK;
	if (*source == NO_SOURCE)
		return yaml_fail(f->d, v, f->err, "%s: %s has no source: write {value: %s, source: KEY}, or source: KEY in its block", key,
			v->text, v->text);
	*val = v;
	return OK;
}

int figures_known(struct known *out, const struct figures *f, struct ynode *map, const char *key, int source, double scale,
	double max)
{
	struct ynode *v;
	double x;
	int rc = locate(&v, &source, f, map, key, source);

	if (rc != OK || !v)
		return rc;
	if ((rc = yaml_node_f64(&x, f->d, v, f->err)) != OK)
		return rc;
	if (!(x > 0 && x <= max))
		return yaml_fail(f->d, v, f->err, "%s: %s is not above 0 and at most %g", key, v->text, max);
	uint8_t basis = confidences[confidence_of(f->sources[source].confidence)].basis;
	*out = (struct known){ x * scale, (enum basis)basis, (uint16_t)source };
	return OK;
}

int figures_bytes(uint64_t *out, struct figures *f, struct ynode *map, const char *key, int source, uint64_t scale)
{
	uint16_t at;

	return figures_bytes_at(out, &at, f, map, key, source, scale);
}

int figures_bytes_at(uint64_t *out, uint16_t *at, struct figures *f, struct ynode *map, const char *key, int source, uint64_t scale)
{
	struct ynode *v;
	int rc = locate(&v, &source, f, map, key, source);

	if (rc == OK && !v && yaml_get(map, key))
		*out = 0;                /* said to be unknown: a default does not stand */
	if (rc != OK || !v)
		return rc;
	if ((rc = yaml_node_u64(out, f->d, v, 1, MAX_BYTES / scale, f->err)) != OK)
		return rc;
	*out *= scale;
	*at = (uint16_t)(source + 1);
	if (!strcmp(f->sources[source].confidence, "unverified")) {
		f->unverified = arena_printf(f->a, "%s of %llu bytes is not confirmed (%s)", key, (unsigned long long)*out,
			f->sources[source].what);
		if (!f->unverified)
			return error_set(f->err, E_NOMEM, "out of memory");
	}
	return OK;
}

int figures_words(const char *const **out, const struct figures *f, struct ynode *map, const char *key)
{
	struct ynode *list = yaml_get(map, key);
	const char **word;
	unsigned n = 0;
	int rc;

	if (list && (rc = yaml_want(f->d, list, YAML_SEQ, f->err)) != OK)
		return rc;
	if (list && list->n > MAX_WORDS)
		return yaml_fail(f->d, list, f->err, "%s: %u, at most %d", key, (unsigned)list->n, MAX_WORDS);
	if (!(word = arena_array(f->a, (list ? list->n : 0) + 1, sizeof *word)))
		return error_set(f->err, E_NOMEM, "out of memory");
	for (struct ynode *c = list ? list->child : NULL; c; c = c->next) {
		c->used = 1;
		if ((rc = yaml_want(f->d, c, YAML_SCALAR, f->err)) != OK)
			return rc;
		if (!*c->text)
			return yaml_fail(f->d, c, f->err, "%s: an empty name", key);
		if (!is_unknown(c))
			word[n++] = c->text;
	}
	*out = word;
	return OK;
}

int figures_word(const char **out, const struct figures *f, struct ynode *map, const char *key)
{
	struct ynode *n = yaml_get(map, key);
	int rc;

	if (!n)
		return OK;
	if ((rc = yaml_want(f->d, n, YAML_SCALAR, f->err)) != OK)
		return rc;
	if (!is_unknown(n))
		*out = n->text;
	return OK;
}

int figures_count(uint32_t *out, const struct figures *f, struct ynode *map, const char *key, uint32_t min, uint32_t max)
{
	struct ynode *n = yaml_get(map, key);
	uint64_t v;
	int rc;

	if (!n || is_unknown(n))
		return OK;
	if ((rc = yaml_node_u64(&v, f->d, n, min, max, f->err)) == OK)
		*out = (uint32_t)v;
	return rc;
}
