/* json.c - strict reading and exact writing over cJSON */
#include "base/json.h"

#include "base/str.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 64 };
static const size_t max_bytes = (size_t)64 << 20;

/* What cJSON lets through and a strict reader does not: its own look at the bytes, before cJSON recurses over them. */
struct scan { const char *s; size_t n, i; };

static int string(struct scan *c, const char **what)
{
	for (c->i++; c->i < c->n && c->s[c->i] != '"';) {
		size_t k = str_utf8(c->s + c->i, c->n - c->i);

		if (k == 1 && (unsigned char)c->s[c->i] < ' ')
			*what = "a control character in a string";
		else if (k == 0)
			*what = "not UTF-8";
		else if (c->n - c->i >= 6 && !memcmp(c->s + c->i, "\\u0000", 6))
			*what = "a NUL character in a string";
		if (*what)
			return -1;
		if (c->s[c->i] == '\\' && c->n - c->i >= 2)
			k = (unsigned char)c->s[c->i + 1] < 0x80 && c->s[c->i + 1] ? 2 : 1;
		c->i += k;
	}
	return 0;                    /* the byte is the closing quote; a missing one is left to cJSON */
}

static size_t digits(struct scan *c)
{
	size_t from = c->i;

	while (c->i < c->n && c->s[c->i] >= '0' && c->s[c->i] <= '9')
		c->i++;
	return c->i - from;
}

/* RFC 8259, section 6; strtod() takes more than that. cJSON 1.7.15 reads 63 characters (parse_number), more than a writer needs. */
static int number(struct scan *c, const char **what)
{
	size_t from = c->i;

	if (c->s[c->i] == '-')
		c->i++;
	int zero = c->i < c->n && c->s[c->i] == '0', ok;
	size_t n = digits(c);
	ok = n == 1 || (n > 1 && !zero);
	if (ok && c->i < c->n && c->s[c->i] == '.') {
		c->i++;
		ok = digits(c) > 0;
	}
	if (ok && c->i < c->n && (c->s[c->i] | 32) == 'e') {
		c->i++;
		if (c->i < c->n && (c->s[c->i] == '+' || c->s[c->i] == '-'))
			c->i++;
		ok = digits(c) > 0;
	}
	if (!ok || c->i - from > 60 || (c->i < c->n && !memchr(",]} \t\r\n", c->s[c->i], 7))) {
		c->i = from;
		*what = "not a number of JSON";
		return -1;
	}
	c->i--;
	return 0;
}

/* Returns the offset of the trouble, or SIZE_MAX. */
static size_t trouble(const char *s, size_t n, const char **what)
{
	struct scan c = { s, n, 0 };
	unsigned depth = 0;

	for (; c.i < n; c.i++) {
		const char b = s[c.i];

		if (b == 0)
			*what = "a NUL byte";
		else if (b > 0 && b < ' ' && !strchr("\t\r\n", b))
			*what = "a control character";       /* cJSON takes it for a blank */
		else if (b == '"')
			string(&c, what);
		else if (b == '-' || (b >= '0' && b <= '9'))
			number(&c, what);
		else if (b == '{' || b == '[') {
			if (++depth > MAX_DEPTH)
				*what = "nested deeper than 64";
		} else if ((b == '}' || b == ']') && depth) {
			depth--;
		}
		if (*what)
			return c.i;
	}
	return SIZE_MAX;
}

static int by_key(const void *a, const void *b)
{
	return strcmp((*(const cJSON *const *)a)->string, (*(const cJSON *const *)b)->string);
}

/* The first key found twice in an object. *no_memory is set when that could not be found out. */
static const char *twice(const cJSON *o, int *no_memory)
{
	enum { FEW = 24 };
	const cJSON *few[FEW], **list = few, *v;
	const char *key = NULL;
	size_t n = 0, i = 0;

	for (v = o->child; v; v = v->next)
		n++;
	if (n > FEW && !(list = malloc(n * sizeof *list))) {
		*no_memory = 1;
		return NULL;
	}
	for (v = o->child; v; v = v->next)
		list[i++] = v;
	if (n > FEW)
		qsort(list, n, sizeof *list, by_key);
	for (i = 1; i < n && !key; i++)
		for (size_t k = n > FEW ? i - 1 : 0; k < i && !key; k++)
			if (!strcmp(list[k]->string, list[i]->string))
				key = list[i]->string;
	if (list != few)
		free(list);
	return key;
}

/* As deep as trouble() let the document be. */
static const char *twice_within(const cJSON *v, int *no_memory)
{
	const char *key = cJSON_IsObject(v) ? twice(v, no_memory) : NULL;

	if (cJSON_IsObject(v) || cJSON_IsArray(v))
		for (const cJSON *c = v->child; c && !key && !*no_memory; c = c->next)
			key = twice_within(c, no_memory);
	return key;
}

int json_parse(cJSON **out, const char *file, const void *bytes, size_t n, struct error *err)
{
	const char *end = NULL, *s = bytes, *what = NULL, *key;
	int no_memory = 0, rc = OK;
	size_t at;

	*out = NULL;
	if (n > max_bytes)
		return error_set(err, E_FILE, "%s: %zu bytes of JSON, more than the %zu this reader takes", file, n, max_bytes);
	if ((at = trouble(s, n, &what)) != SIZE_MAX)
		return error_set(err, E_FILE, "%s: offset %zu: %s", file, at, what);
	*out = cJSON_ParseWithLengthOpts(s, n, &end, 0);
	if (!*out) {
		at = end && end >= s && end <= s + n ? (size_t)(end - s) : 0;
		return error_set(err, E_FILE, "%s: offset %zu: not valid JSON", file, at);
	}
	while (end < s + n && *end && strchr(" \t\r\n", *end))
		end++;
	if (end < s + n)
		rc = error_set(err, E_FILE, "%s: offset %zu: text after the end of the document", file, (size_t)(end - s));
	else if ((key = twice_within(*out, &no_memory)) != NULL)
		rc = error_set(err, E_FILE, "%s: %.80s: given twice", file, key);
	else if (no_memory)
		rc = error_set(err, E_NOMEM, "out of memory reading %s", file);
	if (rc != OK) {
		cJSON_Delete(*out);
		*out = NULL;
	}
	return rc;
}

static const cJSON *present(const cJSON *o, const char *key)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);

	return v && !cJSON_IsNull(v) ? v : NULL;
}

int json_u64(uint64_t *out, const char *file, const cJSON *o, const char *key, uint64_t min, uint64_t max, struct error *err)
{
	const cJSON *v = present(o, key);
	double d;

	if (!v)
		return 0;
	if (!cJSON_IsNumber(v))
		return error_set(err, E_FILE, "%s: %s: wants a whole number", file, key);
	d = v->valuedouble;
	/* 2^53 itself may have been 2^53 + 1 in the file: refused rather than rounded */
	if (!(d >= 0) || d >= 9007199254740992.0 || d != floor(d))
		return error_set(err, E_FILE, "%s: %s: wants a whole number below 2^53, not %.17g", file, key, d);
	if ((uint64_t)d < min || (uint64_t)d > max)
		return error_set(err, E_FILE, "%s: %s: %" PRIu64 " is not between %" PRIu64 " and %" PRIu64, file, key, (uint64_t)d, min, max);
	*out = (uint64_t)d;
	return 1;
}

int json_u32(uint32_t *out, const char *file, const cJSON *o, const char *key, uint32_t min, uint32_t max, struct error *err)
{
	uint64_t v;
	int rc = json_u64(&v, file, o, key, min, max, err);

	if (rc == 1)
		*out = (uint32_t)v;
	return rc;
}

int json_f64(double *out, const char *file, const cJSON *o, const char *key, struct error *err)
{
	const cJSON *v = present(o, key);

	if (!v)
		return 0;
	if (!cJSON_IsNumber(v) || !isfinite(v->valuedouble))
		return error_set(err, E_FILE, "%s: %s: wants a number", file, key);
	*out = v->valuedouble;
	return 1;
}

int json_bool(uint8_t *out, const char *file, const cJSON *o, const char *key, struct error *err)
{
	const cJSON *v = present(o, key);

	if (!v)
		return 0;
	if (!cJSON_IsBool(v))
		return error_set(err, E_FILE, "%s: %s: wants true or false", file, key);
	*out = (uint8_t)cJSON_IsTrue(v);
	return 1;
}

int json_str(const char **out, const char *file, const cJSON *o, const char *key, struct error *err)
{
	const cJSON *v = present(o, key);

	if (!v)
		return 0;
	if (!cJSON_IsString(v))
		return error_set(err, E_FILE, "%s: %s: wants a string", file, key);
	*out = v->valuestring;
	return 1;
}

void json_add_u64(cJSON *o, const char *key, uint64_t v)
{
	char b[24];

	snprintf(b, sizeof b, "%" PRIu64, v);
	cJSON_AddRawToObject(o, key, b);
}

void json_add_i64(cJSON *o, const char *key, int64_t v)
{
	char b[24];

	snprintf(b, sizeof b, "%" PRId64, v);
	cJSON_AddRawToObject(o, key, b);
}

void json_add_f64(cJSON *o, const char *key, double v)
{
	char b[40];

	if (!isfinite(v)) {
		cJSON_AddNullToObject(o, key);
		return;
	}
	snprintf(b, sizeof b, "%.6g", v);
	cJSON_AddRawToObject(o, key, b);
}

void json_add_str(cJSON *o, const char *key, const char *v)
{
	size_t at = 0, n = v ? strlen(v) : 0, k;
	char *copy;

	if (!v) {
		cJSON_AddNullToObject(o, key);
		return;
	}
	while (at < n && (k = str_utf8(v + at, n - at)) > 0)
		at += k;
	/* a document is UTF-8, a file name or a word of the command line need not be */
	if (at < n && (copy = malloc(n + 1)) != NULL) {
		memcpy(copy, v, n + 1);
		str_clean(copy);
		cJSON_AddStringToObject(o, key, copy);
		free(copy);
	} else {
		cJSON_AddStringToObject(o, key, v);
	}
}

void json_add_bool(cJSON *o, const char *key, int v)
{
	cJSON_AddBoolToObject(o, key, v != 0);
}

cJSON *json_add_object(cJSON *o, const char *key)
{
	return cJSON_AddObjectToObject(o, key);
}

cJSON *json_add_array(cJSON *o, const char *key)
{
	return cJSON_AddArrayToObject(o, key);
}
