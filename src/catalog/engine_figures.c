/* engine_figures.c - figures of data/engines.yaml: {value: N, source: KEY}, or the word unknown */
#include "catalog/engine_read.h"

#include <string.h>

enum { MAX_WORDS = 32 };

int engine_no_memory(struct engine_reader *r) { return error_set(r->err, E_NOMEM, "%s: out of memory", r->d->file); }

/* source: KEY of a figure. */
int engine_check_source(struct engine_reader *r, struct ynode *n)
{
	const char *key = NULL;
	struct ynode *s;
	int rc = yaml_str(&key, r->d, n, "source", YAML_NEED, r->err);

	if (rc != OK)
		return rc;
	if (!(s = yaml_get(r->sources, key)) || s->kind != YAML_SCALAR)
		return yaml_fail(r->d, n, r->err, "source: %s is not under the engine's sources", key);
	return OK;
}

int engine_find_figure(struct ynode **n, struct engine_reader *r, struct ynode *map, const char *key)
{
	int rc;

	if (!(*n = yaml_get(map, key)))
		return OK;
	if ((*n)->kind == YAML_SCALAR && !strcmp((*n)->text, "unknown")) {
		*n = NULL;
		return OK;
	}
	if ((rc = yaml_want(r->d, *n, YAML_MAP, r->err)) != OK)
		return yaml_fail(r->d, *n, r->err, "%s: wants {value: ..., source: KEY} or unknown", key);
	return engine_check_source(r, *n);
}

int engine_read_u32(uint32_t *out, struct engine_reader *r, const char *key, uint32_t max)
{
	struct ynode *n;
	int rc = engine_find_figure(&n, r, r->engine, key);

	if (rc != OK || !n)
		return rc;
	if ((rc = yaml_u32(out, r->d, n, "value", 0, max, YAML_NEED, r->err)) != OK)
		return rc;
	return yaml_finish(r->d, n, r->err);
}

int engine_read_u64(uint64_t *out, struct engine_reader *r, const char *key)
{
	struct ynode *n;
	int rc = engine_find_figure(&n, r, r->engine, key);

	if (rc != OK || !n)
		return rc;
	if ((rc = yaml_u64(out, r->d, n, "value", 0, UINT64_C(1) << 60, YAML_NEED, r->err)) != OK)
		return rc;
	return yaml_finish(r->d, n, r->err);
}

int engine_read_flag(uint8_t *out, struct engine_reader *r, const char *key)
{
	struct ynode *n;
	int rc = engine_find_figure(&n, r, r->engine, key);

	if (rc != OK || !n)
		return rc;
	if ((rc = yaml_bool(out, r->d, n, "value", YAML_NEED, r->err)) != OK)
		return rc;
	return yaml_finish(r->d, n, r->err);
}

int engine_read_share(double *out, struct engine_reader *r, const char *key)
{
	struct ynode *n;
	int rc = engine_find_figure(&n, r, r->engine, key);

	if (rc != OK || !n)
		return rc;
	if ((rc = yaml_f64(out, r->d, n, "value", YAML_NEED, r->err)) != OK)
		return rc;
	if (!(*out > 0 && *out <= 1))
		return yaml_fail(r->d, n, r->err, "%s: wants a share above 0 and at most 1, not %g", key, *out);
	return yaml_finish(r->d, n, r->err);
}

int engine_read_pick(uint8_t *out, struct engine_reader *r, const char *key, const char *const *names)
{
	struct ynode *n;
	uint8_t word = 0;
	int rc = engine_find_figure(&n, r, r->engine, key);

	if (rc != OK || !n)
		return rc;
	if ((rc = yaml_enum(&word, r->d, n, "value", names + 1, YAML_NEED, r->err)) != OK)
		return rc;
	*out = (uint8_t)(word + 1);
	return yaml_finish(r->d, n, r->err);
}

/* [a, b, c] as a NULL-ended list of strings. */
int engine_read_words(const char *const **out, unsigned *count, struct engine_reader *r, const struct ynode *n)
{
	const char **list;
	unsigned i = 0;
	int rc;

	if ((rc = yaml_want(r->d, n, YAML_SEQ, r->err)) != OK)
		return rc;
	if (n->n > MAX_WORDS)
		return yaml_fail(r->d, n, r->err, "%u entries, at most %d", n->n, MAX_WORDS);
	if (!(list = arena_array(r->a, n->n + 1, sizeof *list)))
		return engine_no_memory(r);
	for (struct ynode *c = n->child; c; c = c->next) {
		if ((rc = yaml_want(r->d, c, YAML_SCALAR, r->err)) != OK)
			return rc;
		c->used = 1;
		list[i++] = c->text;
	}
	*out = list;
	*count = i;
	return OK;
}

/* {value: [phi3], source: KEY} */
int engine_read_archs(const char *const **out, struct engine_reader *r, const char *key)
{
	struct ynode *n, *v;
	unsigned count;
	int rc = engine_find_figure(&n, r, r->engine, key);

	if (rc != OK || !n)
		return rc;
	if (!(v = yaml_get(n, "value")))
		return yaml_fail(r->d, n, r->err, "%s: value is missing", key);
	if ((rc = engine_read_words(out, &count, r, v)) != OK)
		return rc;
	return yaml_finish(r->d, n, r->err);
}

/* {cuda: {value: N, basis: measured, source: KEY}, metal: unknown} */
int engine_read_known(struct known *out, struct engine_reader *r, struct ynode *map, const char *key)
{
	struct ynode *n;
	uint8_t basis = BASIS_UNKNOWN;
	int rc = engine_find_figure(&n, r, map, key);

	if (rc != OK || !n) {
		if (rc == OK && yaml_get(map, key))
			*out = known_of(0, BASIS_UNKNOWN);
		return rc;
	}
	if ((rc = yaml_f64(&out->v, r->d, n, "value", YAML_NEED, r->err)) != OK ||
	    (rc = yaml_enum(&basis, r->d, n, "basis", basis_names, YAML_NEED, r->err)) != OK)
		return rc;
	if (!(out->v >= 0 && out->v <= 1e15))
		return yaml_fail(r->d, n, r->err, "%s: %g is no number of bytes", key, out->v);
	out->basis = (enum basis)basis;
	return yaml_finish(r->d, n, r->err);
}

/* {low, value, high, basis, source} */
int engine_read_range(struct figure *out, struct engine_reader *r, const char *key)
{
	struct ynode *n;
	uint8_t basis = BASIS_UNKNOWN;
	int rc = engine_find_figure(&n, r, r->engine, key);

	if (rc != OK || !n)
		return rc;
	if ((rc = yaml_f64(&out->low, r->d, n, "low", YAML_NEED, r->err)) != OK ||
	    (rc = yaml_f64(&out->value, r->d, n, "value", YAML_NEED, r->err)) != OK ||
	    (rc = yaml_f64(&out->high, r->d, n, "high", YAML_NEED, r->err)) != OK ||
	    (rc = yaml_enum(&basis, r->d, n, "basis", basis_names, YAML_NEED, r->err)) != OK)
		return rc;
	if (!(out->low >= 0 && out->low <= out->value && out->value <= out->high && out->high <= 1e15))
		return yaml_fail(r->d, n, r->err, "%s: wants 0 <= low <= value <= high, not %g, %g, %g", key, out->low, out->value,
				 out->high);
	out->basis = (enum basis)basis;
	return yaml_finish(r->d, n, r->err);
}
