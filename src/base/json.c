/* json.c - strict reading and exact writing over cJSON */
#include "base/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_DEPTH = 64 };
static const size_t max_bytes = (size_t)64 << 20;

/* Depth and NUL bytes, before cJSON recurses over untrusted input. Returns the offset of the trouble, or SIZE_MAX. */
static size_t too_deep(const char *s, size_t n, const char **what)
{
	unsigned depth = 0;
	int in_string = 0;

	for (size_t i = 0; i < n; i++) {
		if (s[i] == 0) {
			*what = "a NUL byte";
			return i;
		}
		if (in_string) {
			if (s[i] == '\\')
				i++;
			else if (s[i] == '"')
				in_string = 0;
		} else if (s[i] == '"') {
			in_string = 1;
		} else if (s[i] == '{' || s[i] == '[') {
			if (++depth > MAX_DEPTH) {
				*what = "nested deeper than 64";
				return i;
			}
		} else if ((s[i] == '}' || s[i] == ']') && depth) {
			depth--;
		}
	}
	return SIZE_MAX;
}

int json_parse(cJSON **out, const char *file, const void *bytes, size_t n, struct error *err)
{
	const char *end = NULL, *s = bytes, *what = NULL;
	size_t at;

	*out = NULL;
	if (n > max_bytes)
		return error_set(err, E_FILE, "%s: %zu bytes of JSON, more than the %zu this reader takes", file, n, max_bytes);
	if ((at = too_deep(s, n, &what)) != SIZE_MAX)
		return error_set(err, E_FILE, "%s: offset %zu: %s", file, at, what);
	*out = cJSON_ParseWithLengthOpts(s, n, &end, 0);
	if (!*out) {
		at = end >= s && end <= s + n ? (size_t)(end - s) : 0;
		return error_set(err, E_FILE, "%s: offset %zu: not valid JSON", file, at);
	}
	for (; end < s + n; end++)
		if (!strchr(" \t\r\n", *end)) {
			cJSON_Delete(*out);
			*out = NULL;
			return error_set(err, E_FILE, "%s: offset %zu: text after the end of the document", file, (size_t)(end - s));
		}
	return OK;
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
	if (!(d >= 0) || d > 9007199254740992.0 || d != floor(d))
		return error_set(err, E_FILE, "%s: %s: wants a whole number, not %g", file, key, d);
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
	if (v)
		cJSON_AddStringToObject(o, key, v);
	else
		cJSON_AddNullToObject(o, key);
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
