/* fuzz_json.c - any bytes as JSON: what the strict reader takes it can print and take again, and its readers never fail in silence */
#include "base/json.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void visit(const cJSON *v, unsigned depth)
{
	struct error err = { 0 };
	const char *s = NULL;
	uint64_t n = 0;
	double d = 0;
	uint8_t b = 0;

	if (depth > 65)
		abort();
	if (cJSON_IsString(v))
		for (size_t i = 0, k; v->valuestring[i]; i += k)
			if (!(k = str_utf8(v->valuestring + i, strlen(v->valuestring + i))))
				abort();
	if (!cJSON_IsObject(v) && !cJSON_IsArray(v))
		return;
	for (const cJSON *c = v->child; c; c = c->next) {
		if (cJSON_IsObject(v)) {
			int rc[] = { json_u64(&n, "f", v, c->string, 5, UINT64_MAX, &err), json_f64(&d, "f", v, c->string, &err),
			             json_bool(&b, "f", v, c->string, &err), json_str(&s, "f", v, c->string, &err) };
			unsigned read = 0;
			for (unsigned i = 0; i < 4; i++) {
				if (rc[i] < 0 && !err.text[0])
					abort();
				read += rc[i] == 1;
			}
			/* a whole number is a number too; nothing else is two things; null is none */
			if (read > 1u + (rc[0] == 1) || (rc[0] == 1 && (n < 5 || n >= UINT64_C(1) << 53)) || (cJSON_IsNull(c) && (read || rc[0] < 0)))
				abort();
		}
		visit(c, depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = { 0 };
	cJSON *doc, *again;
	char *text;

	if (json_parse(&doc, "fuzz.json", data, size, &err) != OK) {
		if (doc || strncmp(err.text, "fuzz.json: ", 11))
			abort();
		return 0;
	}
	visit(doc, 0);
	text = cJSON_PrintUnformatted(doc);
	if (!text || json_parse(&again, "fuzz.json", text, strlen(text), &err) != OK)
		abort();
	free(text);
	cJSON_Delete(again);
	cJSON_Delete(doc);
	return 0;
}
