/* fuzz_config_json.c - any bytes as a config.json: refused with a sentence, or a description that can be counted */
#include "calc/inventory.h"
#include "calc/state.h"
#include "catalog/import_config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int count(void *user, const struct state_item *s, struct error *err)
{
	(void)user;
	(void)err;
	if (!s->row || !s->rows || !layer_count(&s->layers))
		abort();
	return OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct format plain = { .id = "bf16", .name = "bf16", .block = 1, .bytes = 2, .ggml_type = -1 };
	static const struct quants q = { .file = "fuzz", .formats = &plain, .n_formats = 1 };
	struct arena a = { 0 };
	struct error err = { 0 };
	struct model_spec m;
	struct counts c;
	int rc = import_config(&m, &a, "fuzz/config.json", data, size, &err);

	if (rc != OK && (rc != err.code || strncmp(err.text, "fuzz/config.json", 16) || (rc != E_FILE && rc != E_ARCH && rc != E_NOMEM)))
		abort();
	if (rc == OK) {
		if (!m.name || !m.architecture || m.n_warnings > 64 || model_check(&m, E_FILE, "fuzz", 0, NULL) != OK)
			abort();
		for (unsigned i = 0; i < m.n_warnings; i++)
			if (!m.warnings[i])
				abort();
		if (inventory_counts(&c, &m, &q, &err) == OK && (c.total < c.text || c.total < c.vision || c.active > c.text))
			abort();
		if (state_walk(&m, 1, count, NULL, &err) != OK && !err.text[0])
			abort();
	}
	arena_free(&a);
	return 0;
}
