/* weights.c - tests of what a forward pass finds in a model's file */
#include "base/file.h"
#include "catalog/quant.h"
#include "engine/weights.h"
#include "formats.h"
#include "../tap.h"

static struct arena arena;
static struct quants quants;
static struct error err;

/* The two models that `make models` fetches. */
static void test_real(const char *path)
{
	struct weights *w;

	if (!path_exists(path)) {
		skip("make models fetches it", "%s", path);
		return;
	}
	if (!ok(weights_open(&w, path, &quants, &err) == OK, "%s opens", path)) {
		printf("# %s\n", err.text);
		return;
	}
	ok(weights_find(w, W_EMBED, -1) && weights_find(w, W_HEAD, -1) && weights_find(w, W_OUT_NORM, -1), "embeddings, head and the last norm");
	unsigned found = 0;
	for (unsigned l = 0; l < w->model.n_layers; l++)
		found += weights_find(w, W_ATTN_Q, (int)l) && weights_find(w, W_ATTN_K, (int)l) && weights_find(w, W_ATTN_V, (int)l) && weights_find(w, W_FFN_GATE, (int)l) &&
			weights_find(w, W_FFN_DOWN, (int)l) && weights_find(w, W_ATTN_NORM, (int)l) && weights_find(w, W_FFN_NORM, (int)l);
	is_u64(found, w->model.n_layers, "every layer is whole");
	ok(w->bytes <= w->gguf->dir.bytes, "%llu bytes are read", (unsigned long long)w->bytes);
	printf("# %s: embed %g theta %g dims %u adjacent %d\n", w->model.architecture, w->hyper.embed_scale, w->hyper.rope[0].theta, w->hyper.rope[0].dims, w->adjacent_rope);
	weights_close(w);
}

int main(void)
{
	if (quants_load(&quants, &arena, "data/quants.yaml", &err) != OK) {
		printf("Bail out! %s\n", err.text);
		return 1;
	}
	test_real("models/smollm2-135m-q4_1.gguf");
	test_real("models/gemma-3-270m-q4_k_m.gguf");
	arena_free(&arena);
	return done_testing();
}
