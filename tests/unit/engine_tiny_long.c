/* Llama 4 beyond 8192 tokens: chunks of attention end there, and queries of layers without rotation grow. What llama.cpp makes of the same tokens is in
 * tests/golden/long-llama4.txt; its recipe is there. */
#include "engine_tiny.h"

enum { LONG_TOKENS = 8300, VOCAB = 288, UBATCH = 512, CONTEXT = 16384 };
static struct arena arena;
static struct quants quants;

static int32_t token_at(int i) { return i ? 3 + ((i - 1) * 97 + 41 + (i - 1) / 285 * 13) % 285 : 1; }

/* Runs all tokens; the logits of those that the golden asks for are compared as they come. */
static double run_long(struct weights *w, const struct golden *g, unsigned *compared, struct error *err)
{
	struct engine_options o = { .backend = "cpu", .threads = 2, .ctx_tokens = LONG_TOKENS + 148, .slots = 1, .ubatch = UBATCH, .outputs = 1 };
	static int32_t token[UBATCH], position[UBATCH], slot[UBATCH];
	struct engine *e = NULL;
	double worst = 0;
	int rc = engine_open(&e, w, &o, err);

	for (int at = 0, k = 0; rc == OK && at < LONG_TOKENS; at += k) {
		uint32_t last = LONG_TOKENS - 1;
		for (uint32_t i = 0; i < g->n_want; i++)         /* the next one that is asked for ends a step */
			if (g->want[i].at >= (uint32_t)at && g->want[i].at < last)
				last = g->want[i].at;
		k = (int)last - at + 1 < UBATCH ? (int)last - at + 1 : UBATCH;
		for (int i = 0; i < k; i++)
			token[i] = token_at(at + i), position[i] = at + i;
		int32_t row = k - 1;
		struct step s = { (uint32_t)k, 1, token, position, slot, &row };
		if ((rc = engine_run(e, &s, err)) == OK && at + k - 1 == (int)last) {
			worst = fmax(worst, golden_off(g, last, engine_logits(e, 0), VOCAB));
			++*compared;
		}
	}
	engine_close(e);
	return rc == OK ? worst : INFINITY;
}

int main(void)
{
	static struct golden g;
	struct error err = { 0 };
	struct weights *w = NULL;
	unsigned compared = 0;

	if (quants_load(&quants, &arena, "data/quants.yaml", &err) != OK) {
		printf("Bail out! %s\n", err.text);
		return 1;
	}
	const char *path = tiny_make("llama4");
	if (ok(path && golden_read_file(&g, "tests/golden/long-llama4.txt") && weights_open(&w, path, &quants, &err) == OK, "model and golden are there")) {
		w->model.context_native = w->model.context_max = CONTEXT;        /* no work depends on it */
		double d = run_long(w, &g, &compared, &err);
		if (!ok(d <= g.tolerance && compared == 4, "%u positions up to %d: %.2g of llama.cpp's logits", compared, LONG_TOKENS - 1, d))
			printf("# tolerance %g. %s\n", g.tolerance, err.text);
	} else {
		printf("# %s\n", err.text);
	}
	if (path)
		unlink(path);
	weights_close(w);
	arena_free(&arena);
	return done_testing();
}
