/* weights_save.c - weights as a GGUF file: the same bytes under the names of the architecture */
#include "engine/gguf_write.h"

#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Loaders that insist on a correction of the router's choice, which released weights keep beside their parameters and a description may leave out: none is a
 * vector of zeros (lfm2moe.cpp, nemotron-h.cpp). */
static int add_router_biases(struct store *s, struct arena *a, const struct weights *w, struct error *err)
{
	const char *arch = w->model.architecture;
	uint16_t f32 = format_find(w->quants, "f32");
	struct stored *t;

	*s = (struct store){ w->stored, w->n_stored };
	if (w->gguf || f32 == NO_FORMAT || (strcmp(arch, "lfm2moe") && strcmp(arch, "nemotron_h_moe")))
		return OK;
	if (!(t = arena_array(a, (size_t)s->n + w->model.n_layers, sizeof *t)))
		return error_set(err, E_NOMEM, "out of memory");
	memcpy(t, s->t, s->n * sizeof *t);
	s->t = t;
	for (uint32_t l = 0; l < w->model.n_layers; l++) {
		const struct weight *router = weights_find(w, W_ROUTER, (int)l);
		struct stored b = { .id = W_ROUTER_BIAS, .format = f32, .layer = (int)l, .ne = { router ? router->ne[1] : 0, 1, 1, 1 } };

		if (!router || weights_find(w, W_ROUTER_BIAS, (int)l))
			continue;
		b.bytes = 4 * b.ne[0];
		b.name = gguf_tensor_name(a, &w->model, W_ROUTER_BIAS, (int)l);
		b.data = arena_alloc(a, (size_t)b.bytes);        /* zeroed */
		if (!b.name || !b.data)
			return error_set(err, E_NOMEM, "out of memory");
		t[s->n++] = b;
	}
	return OK;
}

static int header(struct gguf_buffer *out, const struct weights *w, const struct store *s, struct error *err)
{
	struct gguf_writer g = { .prefix = "" };
	uint16_t f32 = format_find(w->quants, "f32");
	int rc = OK;

	/* rows of original weights stand in another order, and their vectors in formats that no loader of GGUF files takes */
	if (!w->gguf && !w->dummy)
		return error_set(err, E_FORMAT, "%s: a GGUF file is written of GGUF or dummy weights, not of safetensors", w->file);
	for (uint32_t i = 0; !w->gguf && i < w->n; i++)
		if (weight_role(w->t[i].id) == ROLE_NORM && w->t[i].format != f32) {
			error_set(err, E_FORMAT, "%s: norms in %s, where GGUF files keep them in F32: the recipe is one of safetensors", w->file,
				w->quants->formats[w->t[i].format].name);
			error_hint(err, "bf16-gguf, F16 and F32 are recipes of GGUF files");
			return E_FORMAT;
		}
	for (uint32_t i = 0; w->gguf && i < w->gguf->n_kv; i++)
		if (!str_prefix(w->gguf->kv[i].key, "split.") && strcmp(w->gguf->kv[i].key, "general.alignment"))
			gguf_write_value(&g, &w->gguf->kv[i]);
	if (!w->gguf)
		rc = gguf_write_spec(&g, &w->model, &w->hyper, err);
	for (uint32_t i = 0; i < s->n && rc == OK; i++) {
		const struct format *f = &w->quants->formats[s->t[i].format];

		if (f->ggml_type < 0)
			rc = error_set(err, E_FORMAT, "%s: tensor " STORED_NAME_LIKE " is %s, which a GGUF file cannot hold", w->file, s->t[i].name, f->name);
		else if (s->t[i].id != W_NONE && !*weight_gguf(s->t[i].id))
			rc = error_set(err, E_ARCH, "%s: tensor " STORED_NAME_LIKE " has no name in a GGUF file", w->file, s->t[i].name);
		else
			gguf_write_tensor(&g, &s->t[i], (uint32_t)f->ggml_type);
	}
	if (rc == OK && !gguf_write_header(out, &g))
		rc = error_set(err, E_NOMEM, "%s: out of memory", w->file);
	gguf_write_free(&g);
	return rc;
}

static int write_all(FILE *f, const struct gguf_buffer *head, const struct store *s)
{
	static const char zeros[GGUF_ALIGN];

	if (fwrite(head->p, 1, head->n, f) != head->n)
		return -1;
	for (uint32_t i = 0; i < s->n; i++) {
		const struct stored *t = &s->t[i];
		size_t pad = (size_t)(-t->bytes % GGUF_ALIGN);

		if ((t->bytes && fwrite(t->data, 1, (size_t)t->bytes, f) != t->bytes) || fwrite(zeros, 1, pad, f) != pad)
			return -1;
	}
	return 0;
}

int weights_save(const struct weights *w, const char *path, struct error *err)
{
	struct gguf_buffer head = { 0 };
	struct arena a = { 0 };
	struct store s = { 0 };
	FILE *f = NULL;
	char *temporary = arena_printf(&a, "%s.%ld.part", path, (long)getpid());
	int rc = temporary ? add_router_biases(&s, &a, w, err) : error_set(err, E_NOMEM, "out of memory");

	if (rc == OK)
		rc = header(&head, w, &s, err);
	if (rc == OK && !(f = fopen(temporary, "wb")))
		rc = error_set(err, E_IO, "%s: %s", temporary, strerror(errno));
	if (f) {
		/* in one place of the disk or not at all: the new file takes the name once every byte is there */
		int bad = write_all(f, &head, &s) || fflush(f) || ferror(f), e = errno;
		if (fclose(f) && !bad) {
			bad = 1;
			e = errno;
		}
		if (!bad && rename(temporary, path)) {
			bad = 1;
			e = errno;
		}
		if (bad) {
			rc = error_set(err, E_IO, "%s: %s", path, strerror(e));
			remove(temporary);
		}
	}
	free(head.p);
	arena_free(&a);
	return rc;
}
