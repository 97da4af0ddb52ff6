/* fuzz_engine.c - any bytes as a whole GGUF file, opened and run for three tokens: refused, or run without a fault */
#include "engine/engine.h"
#include "engine/weights_private.h"
#include "formats.h"

#include "quants_once.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(struct weights *w, const char *backend, uint8_t no_repack)
{
	const struct engine_options o = { .backend = backend, .threads = 1, .no_repack = no_repack, .kv_k = KF_F16, .kv_v = KF_F16, .ctx_tokens = 8, .slots = 2, .ubatch = 4 };
	const int32_t last = (int32_t)(w->model.vocab - 1), token[3] = { 0, last, 0 }, position[3] = { 0, 1, 0 }, slot[3] = { 0, 0, 1 }, row[2] = { 1, 2 };
	const int32_t next = 2, one = 0;
	struct engine *e;
	struct error err = { 0 };

	if (engine_open(&e, w, &o, &err) != OK)
		return;
	const struct step many = { 3, 2, token, position, slot, row }, single = { 1, 1, &last, &next, &one, &one };
	if (engine_run(e, &many, &err) == OK && engine_run(e, &single, &err) == OK && !engine_logits(e, 0))
		abort();
	engine_close(e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct weights *w;
	struct error err = { 0 };

	if (weights_of_bytes(&w, "fuzz", data, size, formats(), &err) != OK)
		return 0;
	/* a vocabulary of no weight makes logits that no machine holds */
	if (w->model.vocab > 0 && w->model.vocab < 1 << 20) {
		run(w, "ref", 1);
		run(w, "cpu", 0);
	}
	weights_close(w);
	return 0;
}
