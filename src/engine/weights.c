/* weights.c - opening and closing; tensors by id */
#include "engine/weights_private.h"

#include "base/file.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct weights *weights_new(const struct quants *q)
{
	struct weights *w = calloc(1, sizeof *w);

	if (w)
		w->quants = q;
	return w;
}

void weights_close(struct weights *w)
{
	if (!w)
		return;
	for (uint32_t i = 0; !w->gguf && i < w->n_maps; i++)
		munmap((void *)(uintptr_t)w->map[i].at, (size_t)w->map[i].bytes);
	gguf_close(w->gguf);
	if (!w->dummy)
		weights_watch(NULL);
	arena_free(&w->arena);
	free(w);
}

int weights_are_safetensors(int *yes, const char *path, struct error *err)
{
	struct arena scratch = { 0 };
	const char **list;
	int rc = OK;

	*yes = str_suffix(path, ".safetensors") || str_suffix(path, ".safetensors.index.json");
	if (path_is_dir(path) && (rc = dir_list(&list, &scratch, path, ".gguf", 0, err)) == OK && !*list &&
		(rc = dir_list(&list, &scratch, path, ".safetensors", 0, err)) == OK)
		*yes = *list != NULL;
	arena_free(&scratch);
	return rc;
}

int weights_open(struct weights **out, const char *path, const struct quants *q, struct error *err)
{
	struct weights *w = weights_new(q);
	int safetensors, rc;

	*out = NULL;
	if (!w)
		return error_set(err, E_NOMEM, "out of memory");
	weights_watch(path);
	rc = weights_are_safetensors(&safetensors, path, err);
	if (rc == OK)
		rc = safetensors ? weights_open_hf(w, path, err) : weights_open_gguf(w, path, err);
	if (rc == OK)
		*out = w;
	else
		weights_close(w);
	return rc;
}

struct key { int32_t layer; unsigned id; };

static int compare(const void *key, const void *t)
{
	const struct key *k = key;
	const struct weight *w = t;

	return k->layer != w->layer ? (k->layer < w->layer ? -1 : 1) : (k->id > w->id) - (k->id < w->id);
}

const struct weight *weights_find(const struct weights *w, unsigned id, int layer)
{
	struct key k = { layer, id };

	return w->n ? bsearch(&k, w->t, w->n, sizeof *w->t, compare) : NULL;
}

uint32_t weights_kernel_format(const struct quants *q, uint16_t format)
{
	const struct format *f = format < q->n_formats ? &q->formats[format] : NULL;
	const struct kformat *k = f && f->ggml_type >= 0 ? kformat_find((uint32_t)f->ggml_type) : NULL;

	for (unsigned i = 0; f && f->ggml_type < 0 && !k && kformats[i].name; i++)
		if (!strcmp(kformats[i].name, f->id))
			k = &kformats[i];
	return k && k->block == (f->block ? f->block : 1) ? k->id : UINT32_MAX;
}
