/* fuzz_weights.c - any bytes as a whole GGUF file: every tensor that is found lies inside it */
#include "base/file.h"
#include "engine/weights_private.h"

#include "quants_once.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct weights *w;
	struct error err = { 0 };
	const struct quants *q = formats();
	uint64_t sum = 0;

	if (weights_of_bytes(&w, "fuzz", data, size, q, &err) != OK)
		return 0;
	for (uint32_t i = 0; i < w->n; i++) {
		const struct weight *t = &w->t[i];
		const struct format *f = &q->formats[t->format];
		const uint8_t *at = t->data;
		uint64_t row = t->ne[0] / f->block * f->bytes;

		if (weights_find(w, t->id, t->layer) != t || weights_kernel_format(q, t->format) == UINT32_MAX)
			abort();
		for (uint64_t e = 0; e < t->ne[2]; e++) {
			const uint8_t *one = at + e * t->stride;
			if (one < data || one + t->ne[1] * row > data + size)
				abort();
			for (uint64_t r = 0; r < t->ne[1]; r++)
				sum += one[r * row] + one[(r + 1) * row - 1];
		}
	}
	for (unsigned i = 0; i < w->model.n_rope; i++)
		for (uint32_t k = 0; w->hyper.rope[i].factors && k < w->hyper.rope[i].dims / 2; k++)
			sum += (uint64_t)(w->hyper.rope[i].factors[k] > 0.0f);
	if (sum == UINT64_MAX)                   /* read, whatever a compiler thinks of it */
		abort();
	weights_close(w);
	return 0;
}
