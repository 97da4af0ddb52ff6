/* weights_save.c - weights as a GGUF file: the same bytes under the names of the architecture */
#include "engine/gguf_write.h"

#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int header(struct gguf_buffer *out, const struct weights *w, struct error *err)
{
	struct gguf_writer g = { .prefix = "" };
	int rc = OK;

	for (uint32_t i = 0; w->gguf && i < w->gguf->n_kv; i++)
		if (!str_prefix(w->gguf->kv[i].key, "split.") && strcmp(w->gguf->kv[i].key, "general.alignment"))
			gguf_write_value(&g, &w->gguf->kv[i]);
	if (!w->gguf)
		rc = gguf_write_spec(&g, &w->model, &w->hyper, err);
	for (uint32_t i = 0; i < w->n_stored && rc == OK; i++) {
		const struct format *f = &w->quants->formats[w->stored[i].format];

		if (f->ggml_type < 0)
			rc = error_set(err, E_FORMAT, "%s: tensor " STORED_NAME_LIKE " is %s, which a GGUF file cannot hold", w->file, w->stored[i].name, f->name);
		else if (w->stored[i].id != W_NONE && !*weight_gguf(w->stored[i].id))
			rc = error_set(err, E_ARCH, "%s: tensor " STORED_NAME_LIKE " has no name in a GGUF file", w->file, w->stored[i].name);
		else
			gguf_write_tensor(&g, &w->stored[i], (uint32_t)f->ggml_type);
	}
	if (rc == OK && !gguf_write_header(out, &g))
		rc = error_set(err, E_NOMEM, "%s: out of memory", w->file);
	gguf_write_free(&g);
	return rc;
}

static int write_all(FILE *f, const struct gguf_buffer *head, const struct weights *w)
{
	static const char zeros[GGUF_ALIGN];

	if (fwrite(head->p, 1, head->n, f) != head->n)
		return -1;
	for (uint32_t i = 0; i < w->n_stored; i++) {
		const struct stored *t = &w->stored[i];
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
	FILE *f = NULL;
	char *temporary = arena_printf(&a, "%s.%ld.part", path, (long)getpid());
	int rc = temporary ? header(&head, w, err) : error_set(err, E_NOMEM, "out of memory");

	if (rc == OK && !(f = fopen(temporary, "wb")))
		rc = error_set(err, E_IO, "%s: %s", temporary, strerror(errno));
	if (f) {
		/* in one place of the disk or not at all: the new file takes the name once every byte is there */
		int bad = write_all(f, &head, w) || fflush(f) || ferror(f), e = errno;
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
