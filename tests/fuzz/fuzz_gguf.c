/* fuzz_gguf.c - any bytes as a GGUF header, and as the model that it describes */
#include "catalog/import_gguf.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct gguf_type_info info[] = {
	{ 1, 4, "f32" }, { 1, 2, "f16" }, { 32, 18, "q4_0" }, { 0, 0, NULL }, { 256, 144, "q4_k" },
};
static const struct gguf_types types = { info, sizeof info / sizeof *info };

static void read_all(const struct gguf *g)
{
	uint64_t u;
	double f;
	const char *s;
	uint8_t b;

	for (uint32_t i = 0; i < g->n_kv; i++) {
		const char *key = g->kv[i].key;
		if (gguf_find(g, key) != &g->kv[i])
			abort();
		(void)!gguf_u64(&u, g, key, NULL);
		(void)!gguf_f64(&f, g, key, NULL);
		(void)!gguf_str(&s, g, key, NULL);
		(void)!gguf_bool(&b, g, key, NULL);
		(void)!gguf_u64_at(&u, g, key, g->kv[i].n ? g->kv[i].n - 1 : 0, NULL);
		(void)!gguf_u64_at(&u, g, key, g->kv[i].n, NULL);
	}
}

static void one(const uint8_t *data, size_t size, uint64_t file_bytes)
{
	struct arena a = { 0 };
	struct error err = { 0 };
	struct gguf g;
	struct model_spec m;
	uint64_t need = 0;
	int rc = gguf_parse(&g, &a, "fuzz", data, size, file_bytes, &types, &need, &err);

	/* what asks for more says so by more than there is, and by no more than the file has */
	if (need && (rc == OK || need <= size || need > file_bytes))
		abort();
	if (rc == OK) {
		for (uint64_t i = 0; i < g.dir.n; i++)
			if (g.header_bytes + g.dir.t[i].offset + g.dir.t[i].bytes > file_bytes)
				abort();
		read_all(&g);
		if (import_gguf(&m, &a, &g, &err) == OK && (m.n_layers == 0 || m.n_kinds == 0))
			abort();
	}
	arena_free(&a);
}

/* Twice: as the head of a larger file, and as a whole file. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	one(data, size, (uint64_t)size + (UINT64_C(1) << 44));
	one(data, size, size);
	return 0;
}
