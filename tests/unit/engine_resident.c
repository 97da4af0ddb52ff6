/* engine_resident.c - of a file whose matrices were repacked no page stays mapped, also when tokens have passed
 *
 * Reading a norm where the file has it maps the folio of the page cache around it, which may be megabytes of what was let go of; how large folios are
 * depends on how the file came into memory, so that it is seen on some days only. */
#include "live/witness.h"

#include "catalog/catalog.h"
#include "engine/engine.h"

#include "../tap.h"

#include <unistd.h>

static struct arena arena;
static struct error err;

static int64_t mapped_of(const struct weights *w)
{
	struct smaps maps;
	int64_t sum = 0;

	if (witness_maps(&maps, &arena, &err) != OK)
		return -1;
	for (uint32_t i = 0; i < w->n_maps; i++) {
		const uint64_t from = (uint64_t)(uintptr_t)w->map[i].at;
		const struct witness_range r = { from, from + w->map[i].bytes };
		int64_t part = witness_resident(&maps, &r, 1);
		if (part < 0)
			return -1;
		sum += part;
	}
	return sum;
}

static void check(const char *file, const struct quants *q)
{
	int32_t token[4] = { 1, 500, 9000, 3 }, position[4] = { 0, 1, 2, 3 }, slot[4] = { 0 }, row = 3;
	struct step prompt = { 4, 1, token, position, slot, &row }, one = { 1, 1, token, position, slot, slot };
	struct engine_options o = { .threads = 2, .ctx_tokens = 32, .ubatch = 8 };
	struct weights *w = NULL;
	struct engine *e = NULL;
	struct engine_info info;

	if (access(file, R_OK)) {
		skip("it is not here; make models fetches it", "%s", file);
		return;
	}
	int rc = weights_open(&w, file, q, &err);
	if (rc == OK && (rc = engine_open(&e, w, &o, &err)) == OK && (rc = engine_run(e, &prompt, &err)) == OK) {
		position[0] = 4;
		rc = engine_run(e, &one, &err);
	}
	if (!ok(rc == OK, "%s: runs", file)) {
		printf("# %s\n", err.text);
	} else {
		engine_info(&info, e);
		int64_t left = mapped_of(w);
		if (left < 0 || !info.repacked_bytes)
			skip(left < 0 ? "this system does not say what is resident" : "nothing is repacked for this processor", "%s: pages", file);
		else    /* the first and the last page of a file may be shared; both models have a tied head: rows of embeddings are looked up where it was packed */
			ok(left <= 2 * sysconf(_SC_PAGESIZE), "%s: %lld bytes of the file are still mapped, %llu are repacked", file, (long long)left, (unsigned long long)info.repacked_bytes);
	}
	engine_close(e);
	weights_close(w);
}

int main(void)
{
	struct quants q;

	if (quants_load(&q, &arena, "data/quants.yaml", &err) != OK) {
		printf("Bail out! %s\n", err.text);
		return 1;
	}
	check("models/smollm2-135m-q4_1.gguf", &q);
	check("models/gemma-3-270m-q4_k_m.gguf", &q);
	arena_free(&arena);
	return done_testing();
}
