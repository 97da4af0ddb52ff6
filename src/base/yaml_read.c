/* yaml_read.c - strict readers over the tree: what is read is marked, what is left over is an error */
#include "base/yaml.h"

#include "base/units.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct ynode *yaml_get(struct ynode *map, const char *key)
{
	if (!map || map->kind != YAML_MAP)
		return NULL;
	for (struct ynode *n = map->child; n; n = n->next)
		if (!strcmp(n->key, key)) {
			n->used = 1;
			return n;
		}
	return NULL;
}

void yaml_use_all(struct ynode *n)
{
	n->used = 1;
	for (struct ynode *c = n->child; c; c = c->next)
		yaml_use_all(c);
}

int yaml_fail(const struct ydoc *d, const struct ynode *n, struct error *err, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return error_at(err, E_CATALOGUE, d->file, n ? n->line : 0, "%s", text);
}

static int find_scalar(struct ynode **out, const struct ydoc *d, struct ynode *map, const char *key, int need, struct error *err)
{
	*out = yaml_get(map, key);
	if (!*out && need)
		return yaml_fail(d, map, err, "%s: missing", key);
	if (*out && (*out)->kind != YAML_SCALAR)
		return yaml_fail(d, *out, err, "%s: wants a single value", key);
	return OK;
}

int yaml_want(const struct ydoc *d, const struct ynode *n, enum yaml_kind kind, struct error *err)
{
	static const char *const names[] = { "a single value", "a list", "a map" };

	if (n && n->kind == kind)
		return OK;
	return yaml_fail(d, n, err, "%s%swants %s", n && n->key ? n->key : "", n && n->key ? ": " : "", names[kind]);
}

int yaml_str(const char **out, const struct ydoc *d, struct ynode *map, const char *key, int need, struct error *err)
{
	struct ynode *n;
	int rc = find_scalar(&n, d, map, key, need, err);

	if (rc == OK && n)
		*out = n->text;
	return rc;
}

int yaml_node_u64(uint64_t *out, const struct ydoc *d, const struct ynode *n, uint64_t min, uint64_t max, struct error *err)
{
	const char *key = n->key ? n->key : "value";
	uint64_t v;

	if (n->kind != YAML_SCALAR)
		return yaml_fail(d, n, err, "%s: wants a whole number", key);
	if (parse_u64(&v, n->text))
		return yaml_fail(d, n, err, "%s: wants a whole number, not %.40s", key, n->text);
	if (v < min || v > max)
		return yaml_fail(d, n, err, "%s: %" PRIu64 " is not between %" PRIu64 " and %" PRIu64, key, v, min, max);
	*out = v;
	return OK;
}

int yaml_node_f64(double *out, const struct ydoc *d, const struct ynode *n, struct error *err)
{
	const char *key = n->key ? n->key : "value";

	if (n->kind != YAML_SCALAR)
		return yaml_fail(d, n, err, "%s: wants a number", key);
	if (parse_f64(out, n->text))
		return yaml_fail(d, n, err, "%s: wants a number, not %.40s", key, n->text);
	return OK;
}

int yaml_u64(uint64_t *out, const struct ydoc *d, struct ynode *map, const char *key, uint64_t min, uint64_t max, int need,
             struct error *err)
{
	struct ynode *n;
	int rc = find_scalar(&n, d, map, key, need, err);

	return rc == OK && n ? yaml_node_u64(out, d, n, min, max, err) : rc;
}

int yaml_u32(uint32_t *out, const struct ydoc *d, struct ynode *map, const char *key, uint32_t min, uint32_t max, int need,
             struct error *err)
{
	struct ynode *n;
	uint64_t v = 0;
	int rc = find_scalar(&n, d, map, key, need, err);

	if (rc != OK || !n)
		return rc;
	if ((rc = yaml_node_u64(&v, d, n, min, max, err)) == OK)
		*out = (uint32_t)v;
	return rc;
}

int yaml_f64(double *out, const struct ydoc *d, struct ynode *map, const char *key, int need, struct error *err)
{
	struct ynode *n;
	int rc = find_scalar(&n, d, map, key, need, err);

	return rc == OK && n ? yaml_node_f64(out, d, n, err) : rc;
}

int yaml_bool(uint8_t *out, const struct ydoc *d, struct ynode *map, const char *key, int need, struct error *err)
{
	struct ynode *n;
	int rc = find_scalar(&n, d, map, key, need, err);

	if (rc != OK || !n)
		return rc;
	if (!strcmp(n->text, "true"))
		*out = 1;
	else if (!strcmp(n->text, "false"))
		*out = 0;
	else
		return yaml_fail(d, n, err, "%s: wants true or false, not %.40s", key, n->text);
	return OK;
}

int yaml_enum(uint8_t *out, const struct ydoc *d, struct ynode *map, const char *key, const char *const *names, int need,
              struct error *err)
{
	char list[256] = "";
	struct ynode *n;
	size_t used = 0;
	int rc = find_scalar(&n, d, map, key, need, err);

	if (rc != OK || !n)
		return rc;
	for (unsigned i = 0; names[i]; i++) {
		if (!strcmp(names[i], n->text)) {
			*out = (uint8_t)i;
			return OK;
		}
		if (used < sizeof list)
			used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
	}
	return yaml_fail(d, n, err, "%s: %.40s is none of %s", key, n->text, list);
}

int yaml_finish(const struct ydoc *d, const struct ynode *map, struct error *err)
{
	if (!map || map->kind != YAML_MAP)
		return OK;
	for (const struct ynode *n = map->child; n; n = n->next)
		if (!n->used)
			return yaml_fail(d, n, err, "%s: no such key here", n->key);
	return OK;
}
