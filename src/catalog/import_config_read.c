/* import_config_read.c - readers of config.json keys: typed, ranged, each key marked as read, the first failure kept */
#include "catalog/import_config_read.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int import_fail(struct import *c, int code, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	if (c->rc != OK)
		return c->rc;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return c->rc = error_set(c->err, code, "%s: %s", c->file, text);
}

void import_warn(struct import *c, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	if (c->m->n_warnings == MAX_WARNINGS)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if ((c->warnings[c->m->n_warnings] = arena_strdup(c->arena, text)))
		c->m->n_warnings++;
}

void import_used(struct import *c, const char *key)
{
	unsigned k = import_key(key);

	c->used[k / 64] |= UINT64_C(1) << (k % 64);
}

const cJSON *import_item(struct import *c, const char *key)
{
	const cJSON *v;

	import_used(c, key);
	v = cJSON_GetObjectItemCaseSensitive(c->text, key);
	return v && !cJSON_IsNull(v) ? v : NULL;
}

uint32_t import_u32(struct import *c, const char *key, uint32_t absent)
{
	uint32_t v = absent;
	int rc;

	import_used(c, key);
	if (c->rc == OK && (rc = json_u32(&v, c->file, c->text, key, 0, MAX_CONFIG_SIZE, c->err)) < 0)
		c->rc = rc;
	return v;
}

uint32_t import_count(struct import *c, const char *const *keys, uint32_t absent)
{
	uint32_t v = absent;
	int found = 0;

	for (; *keys; keys++)
		if (import_item(c, *keys) && !found) {
			v = import_u32(c, *keys, absent);
			found = 1;
		}
	return v;
}

uint32_t import_need(struct import *c, const char *key, uint32_t family)
{
	uint32_t v = import_u32(c, key, family);

	if (c->rc == OK && !v && !import_item(c, key))
		import_fail(c, c->guessed && c->type[0] ? E_ARCH : E_FILE, "%s%s%sno %s", c->guessed && c->type[0] ? "architecture " : "",
			c->type, c->type[0] ? ": " : "", key);
	else if (c->rc == OK && !v)
		import_fail(c, E_FILE, "%s: 0 is not between 1 and %d", key, (int)MAX_CONFIG_SIZE);
	return v ? v : 1;
}

double import_f64(struct import *c, const char *key, double absent)
{
	double v = absent;
	int rc;

	import_used(c, key);
	if (c->rc == OK && (rc = json_f64(&v, c->file, c->text, key, c->err)) < 0)
		c->rc = rc;
	return v;
}

int import_bool(struct import *c, const char *key, int absent)
{
	uint8_t v = (uint8_t)absent;
	int rc;

	import_used(c, key);
	if (c->rc == OK && (rc = json_bool(&v, c->file, c->text, key, c->err)) < 0)
		c->rc = rc;
	return v;
}

const char *import_str(struct import *c, const char *key, const char *absent)
{
	const char *v = absent;
	int rc;

	import_used(c, key);
	if (c->rc == OK && (rc = json_str(&v, c->file, c->text, key, c->err)) < 0)
		c->rc = rc;
	return v;
}

int import_is_list(const cJSON *o)
{
	return o && cJSON_IsArray(o);
}

const cJSON *import_per_layer(struct import *c, const char *key)
{
	const cJSON *v = import_item(c, key), *e;
	uint32_t n = 0;

	if (c->rc != OK || !v)
		return NULL;
	if (!cJSON_IsArray(v)) {
		import_fail(c, E_FILE, "%s: wants a list", key);
		return NULL;
	}
	for (e = v->child; e && n <= MAX_LAYERS; e = e->next)
		n++;
	if (n < c->m->n_layers || n > c->m->n_layers + 8) {
		import_fail(c, E_FILE, "%s: %s%u entries for %u layers", key, n > MAX_LAYERS ? "over " : "", n > MAX_LAYERS ? n - 1 : n,
			c->m->n_layers);
		return NULL;
	}
	return v->child;
}

static int trivial(const cJSON *v)
{
	return cJSON_IsNull(v) || cJSON_IsFalse(v) || (cJSON_IsNumber(v) && v->valuedouble == 0.0) ||
	       ((cJSON_IsArray(v) || cJSON_IsObject(v)) && !v->child);
}

void import_closed(struct import *c, const cJSON *o, const char *where, const char *const *keys)
{
	const cJSON *v;

	if (c->rc != OK)
		return;
	if (!cJSON_IsObject(o)) {
		import_fail(c, E_FILE, "%s: wants an object", where);
		return;
	}
	for (v = o->child; v; v = v->next) {
		unsigned k = 0;

		while (keys[k] && strcmp(keys[k], v->string))
			k++;
		if (!keys[k] && !trivial(v)) {
			import_fail(c, E_ARCH, "architecture %s: what %s.%.60s means is not established", c->type, where, v->string);
			return;
		}
	}
}

uint32_t import_in(struct import *c, const cJSON *o, const char *where, const char *key, uint32_t absent)
{
	char text[96];
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);
	double d;

	if (c->rc != OK || !v || cJSON_IsNull(v))
		return absent;
	snprintf(text, sizeof text, "%s.%s", where, key);
	d = cJSON_IsNumber(v) ? v->valuedouble : -1.0;
	if (!(d >= 0.0) || d > (double)MAX_CONFIG_SIZE || d != (double)(uint32_t)d) {
		import_fail(c, E_FILE, "%s: wants a whole number of at most %d", text, (int)MAX_CONFIG_SIZE);
		return absent;
	}
	return (uint32_t)d;
}
