/* weights_gguf.c - GGUF files: tensors by name */
#include "engine/weights_private.h"

#include "catalog/file_formats.h"
#include "catalog/import_gguf.h"
#include "engine/hyper_arch.h"

#include <stdio.h>
#include <string.h>

/* Names that differ from weight_names.h by ".weight" (A and D of states, Falcon-H1's norm), or that some architectures have of their own. */
static unsigned id_of(const char *name, const char *arch, int *layer)
{
	static const struct { const char *stem, *arch; uint16_t id; } other[] = {
		{ "attn_output_norm", "grok", W_POST_ATTN_NORM }, { "layer_output_norm", "grok", W_POST_FFN_NORM },
		/* Falcon 40B: the second norm is attention's (models/falcon.cpp) */
		{ "attn_norm_2", "falcon", W_ATTN_NORM }, { "attn_norm_2.bias", "falcon", W_ATTN_NORM_B },
		{ "exp_probs_b", NULL, W_ROUTER_BIAS }, { "attn_output_norm", NULL, W_FFN_NORM }, { "ffn_routed_down", NULL, W_LATENT_IN }, { "ffn_routed_up", NULL, W_LATENT_OUT },
	};
	char with[128];
	size_t n = strlen(name);
	unsigned id = weight_of_gguf(name, layer);

	if (id != W_NONE || n + 8 > sizeof with)
		return id;
	snprintf(with, sizeof with, "%s.weight", name);
	if ((id = weight_of_gguf(with, layer)) != W_NONE)
		return id;
	if (n > 7 && !strcmp(name + n - 7, ".weight"))
		n -= 7;
	snprintf(with, sizeof with, "%.*s", (int)n, name);
	if ((id = weight_of_gguf(with, layer)) != W_NONE)
		return id;
	const char *stem = *layer >= 0 ? strchr(with + 4, '.') : NULL;
	for (unsigned i = 0; stem && i < sizeof other / sizeof *other; i++)
		if (!strcmp(stem + 1, other[i].stem) && (!other[i].arch || !strcmp(arch, other[i].arch)))
			return other[i].id;
	return W_NONE;
}

/* data: of a file in memory; NULL: the maps of g. */
static int fill_store(struct store *s, struct arena *a, const struct gguf *g, const char *arch, const unsigned char *data, const struct quants *q, struct error *err)
{
	int second = 0;                          /* a norm of attention's own, so that attn_norm is the feed-forward's */

	if (g->dir.n > UINT32_MAX || !(s->t = arena_array(a, g->dir.n ? g->dir.n : 1, sizeof *s->t)))
		return error_set(err, E_NOMEM, "%s: out of memory for %llu tensors", g->file, (unsigned long long)g->dir.n);
	for (uint64_t i = 0; i < g->dir.n; i++) {
		const struct file_tensor *t = &g->dir.t[i];
		struct stored *to = &s->t[s->n++];
		int layer;

		*to = (struct stored){ .format = format_by_ggml(q, t->type), .ne = { t->ne[0], t->ne[1], t->ne[2], t->ne[3] }, .bytes = t->bytes, .name = t->name };
		to->id = (uint16_t)id_of(t->name, arch, &layer);
		to->layer = layer;
		second |= strstr(t->name, ".attn_norm_2.") != NULL;
		to->data = data ? data + t->offset : gguf_data(g, t);
		if (to->format >= q->n_formats)
			return error_set(err, E_FORMAT, "%s: tensor " STORED_NAME_LIKE " has ggml type number %u, which is not known here", g->file, t->name, t->type);
	}
	for (uint64_t i = 0; i < s->n && second; i++)
		if ((s->t[i].id == W_ATTN_NORM || s->t[i].id == W_ATTN_NORM_B) && !strstr(s->t[i].name, ".attn_norm_2."))
			s->t[i].id = s->t[i].id == W_ATTN_NORM ? W_FFN_NORM : W_FFN_NORM_B;
	return OK;
}

static int fill(struct weights *w, const struct gguf *g, const unsigned char *data, struct error *err)
{
	struct store s = { 0 };
	int rc;

	if ((rc = import_gguf(&w->model, &w->arena, g, err)) != OK || (rc = hyper_refuse(&w->model, err)) != OK)
		return rc;
	w->file = w->model.file;
	w->adjacent_rope = (uint8_t)hyper_adjacent(w->model.architecture);
	if ((rc = fill_store(&s, &w->arena, g, w->model.architecture, data, w->quants, err)) != OK || (rc = weights_bind(w, &s, err)) != OK)
		return rc;
	w->stored = s.t;
	w->n_stored = s.n;
	return hyper_from_gguf(w, g, err);
}

int weights_open_gguf(struct weights *w, const char *path, struct error *err)
{
	struct gguf_types types;
	int rc;

	if ((rc = gguf_types_of(&types, &w->arena, w->quants, err)) != OK || (rc = gguf_open(&w->gguf, path, &types, err)) != OK)
		return rc;
	w->n_maps = w->gguf->n_shards;
	if (!(w->map = arena_array(&w->arena, w->n_maps, sizeof *w->map)))
		return error_set(err, E_NOMEM, "%s: out of memory", path);
	for (uint32_t i = 0; i < w->n_maps; i++)
		w->map[i].at = gguf_shard(&w->map[i].bytes, w->gguf, i);
	return fill(w, w->gguf, NULL, err);
}

int weights_of_bytes(struct weights **out, const char *file, const void *bytes, uint64_t n, const struct quants *q, struct error *err)
{
	struct weights *w = weights_new(q);
	struct gguf_types types;
	struct gguf *g = w ? arena_alloc(&w->arena, sizeof *g) : NULL;
	int rc;

	*out = NULL;
	rc = w && g ? gguf_types_of(&types, &w->arena, q, err) : error_set(err, E_NOMEM, "out of memory");
	if (rc == OK && (rc = gguf_parse(g, &w->arena, file, bytes, n, n, &types, NULL, err)) == OK)
		rc = fill(w, g, (const unsigned char *)bytes + g->header_bytes, err);
	if (rc == OK)
		*out = w;
	else
		weights_close(w);
	return rc;
}
