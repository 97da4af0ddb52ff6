/* weights_hf.c - safetensors folders as released: config.json for the description, tensors by their Hugging Face names */
#include "engine/hyper_arch.h"
#include "engine/weights_private.h"

#include "base/file.h"
#include "base/str.h"
#include "catalog/import_config.h"
#include "catalog/tensor_names.h"
#include "format/safetensors.h"

#include <string.h>

/* Rows of q and k stand for pairs half a head apart in all of these. */
static const char *const families[] = { "llama", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "phi3", "smollm3", "olmo2", "seed_oss" };

static int known_family(const struct weights *w, const char *path, struct error *err)
{
	const struct model_spec *m = &w->model;
	int known = 0;

	for (unsigned i = 0; i < sizeof families / sizeof *families; i++)
		known |= !strcmp(m->architecture, families[i]);
	if (!known) {
		error_set(err, E_ARCH, "%s: the architecture %.40s is run from GGUF files, not from safetensors yet", path, m->architecture);
		error_hint(err, "llama.cpp's convert_hf_to_gguf.py makes a GGUF file of them");
		return E_ARCH;
	}
	for (unsigned i = 0; i < m->n_parts; i++)
		if (m->parts[i].type == PART_MOE)
			return error_set(err, E_FORMAT, "%s: experts stored apart are not run yet, only those of GGUF files are", path);
	for (unsigned i = 0; i < m->n_warnings; i++)
		if (str_prefix(m->warnings[i], "rope scaling '"))        /* import_config_rope.c */
			return error_set(err, E_ARCH, "%s: %.*s, so it is not run", path, (int)strcspn(m->warnings[i], ";"), m->warnings[i]);
	for (unsigned i = 0; i < m->n_rope; i++)
		if (m->rope[i].scaling == ROPE_SCALING_LONGROPE)
			return error_set(err, E_FORMAT, "%s: the factors of longrope are read from GGUF files only", path);
	return OK;
}

static int read_config(struct weights *w, const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	const char *config = path_is_dir(path) ? arena_printf(&w->arena, "%s/config.json", path) :
		arena_printf(&w->arena, "%.*sconfig.json", slash ? (int)(slash + 1 - path) : 0, path);
	char *bytes;
	size_t n;
	int rc;

	if (!config || !(w->file = arena_strdup(&w->arena, path)))
		return error_set(err, E_NOMEM, "out of memory");
	if (!path_exists(config))
		return error_set(err, E_FILE, "%s: no config.json beside it, so the architecture is unknown", path);
	if ((rc = file_read(&bytes, &n, &w->arena, config, (size_t)64 << 20, err)) != OK || (rc = import_config(&w->model, &w->arena, config, bytes, n, err)) != OK)
		return rc;
	return (rc = hyper_refuse(&w->model, err)) != OK ? rc : known_family(w, path, err);
}

static int map_shards(struct weights *w, const struct safetensors *st, struct error *err)
{
	if (!(w->map = arena_array(&w->arena, st->n_shards, sizeof *w->map)))
		return error_set(err, E_NOMEM, "%s: out of memory", w->file);
	for (uint32_t i = 0; i < st->n_shards; i++) {
		struct file_map m;
		int rc = file_map_open(&m, st->shard[i], err);
		if (rc != OK)
			return rc;
		w->map[w->n_maps++] = (struct weights_map){ m.p, m.n };
	}
	return OK;
}

/* Gemma's norms are stored less 1 (modeling_gemma.py, GemmaRMSNorm): whole ones are made of them, in float. */
static int plus_one(struct weights *w, struct stored *t, struct error *err)
{
	const struct kformat *k = kformat_find(weights_kernel_format(w->quants, t->format));
	uint64_t n = t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3];
	float *v = k && n % k->block == 0 ? arena_array(&w->arena, n ? n : 1, sizeof *v) : NULL;

	if (!v)
		return k ? error_set(err, E_NOMEM, "%s: out of memory", w->file) : OK;
	k->dequantise(v, t->data, n);
	for (uint64_t i = 0; i < n; i++)
		v[i] += 1.0f;
	t->data = v;
	t->format = format_find(w->quants, "f32");
	t->bytes = 4 * n;
	return OK;
}

static int fill_store(struct store *s, struct weights *w, const struct safetensors *st, struct error *err)
{
	int gemma = str_prefix(w->model.architecture, "gemma"), rc;

	if (st->dir.n > UINT32_MAX || !(s->t = arena_array(&w->arena, st->dir.n ? st->dir.n : 1, sizeof *s->t)))
		return error_set(err, E_NOMEM, "%s: out of memory", w->file);
	for (uint64_t i = 0; i < st->dir.n; i++) {
		const struct file_tensor *t = &st->dir.t[i];
		struct stored one = { .ne = { t->ne[0], t->ne[1], t->ne[2], t->ne[3] }, .bytes = t->bytes, .name = t->name, .format = NO_FORMAT };
		int layer;
		unsigned role;

		name_hf(t->name, &layer, &role);
		if (role == ROLE_ENCODER || strstr(t->name, "rotary_emb.inv_freq"))
			continue;
		one.id = (uint16_t)weight_of_hf(t->name, &layer);
		one.layer = layer;
		if (one.id == W_HEAD && w->model.tied_head)      /* some checkpoints hold it twice */
			continue;
		for (uint16_t f = 0; f < w->quants->n_formats && one.format == NO_FORMAT; f++)
			if (w->quants->formats[f].safetensors && !strcmp(w->quants->formats[f].safetensors, t->type_name))
				one.format = f;
		if (one.format == NO_FORMAT)
			return error_set(err, E_FORMAT, "%s: tensor " STORED_NAME_LIKE " is %.16s, which no kernel reads yet", w->file, t->name, t->type_name);
		if (strstr(t->name, ".weight_scale") || strstr(t->name, ".qweight") || strstr(t->name, ".weight_packed"))
			return error_set(err, E_FORMAT, "%s: tensor " STORED_NAME_LIKE ": quantised safetensors are not run yet", w->file, t->name);
		const struct weights_map *m = &w->map[t->shard];
		uint64_t at = st->data_at[t->shard];
		/* the file may have become shorter since its header was read */
		if (at > m->bytes || t->offset > m->bytes - at || t->bytes > m->bytes - at - t->offset)
			return error_set(err, E_FILE, "%s: tensor " STORED_NAME_LIKE " lies beyond the end of %s", w->file, t->name, st->shard[t->shard]);
		one.data = (const unsigned char *)m->at + at + t->offset;
		if (gemma && weight_role(one.id) == ROLE_NORM && (rc = plus_one(w, &one, err)) != OK)
			return rc;
		s->t[s->n++] = one;
	}
	return OK;
}

int weights_open_hf(struct weights *w, const char *path, struct error *err)
{
	struct safetensors st;
	struct store s = { 0 };
	int rc;

	if ((rc = read_config(w, path, err)) != OK || (rc = safetensors_open(&st, &w->arena, path, err)) != OK || (rc = map_shards(w, &st, err)) != OK)
		return rc;
	if ((rc = fill_store(&s, w, &st, err)) != OK || (rc = weights_bind(w, &s, err)) != OK || (rc = weights_formats(w, &s, err)) != OK)
		return rc;
	return hyper_from_spec(&w->hyper, &w->arena, &w->model, err);
}
