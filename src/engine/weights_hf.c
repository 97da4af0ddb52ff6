/* weights_hf.c - safetensors folders as released: config.json for the description, tensors by their Hugging Face names */
#include "engine/hyper_arch.h"
#include "engine/weights_hf.h"

#include "base/file.h"
#include "base/str.h"
#include "catalog/import_config.h"
#include "catalog/tensor_names.h"
#include "format/safetensors.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* How the families that are run store things: transformers 5.23, models/NAME/modeling_NAME.py. adjacent: rows of q and k stand for pairs (2i, 2i+1), not half a head apart;
 * turned, mixed: struct hf_kind. */
static const struct { const char *architecture; uint8_t experts, adjacent, turned, mixed; } families[] = {
	{ "llama", 1, 0, 0, 0 },                 /* Mixtral, too */
	{ "qwen2", 0, 0, 0, 0 }, { "qwen3", 0, 0, 0, 0 }, { "gemma", 0, 0, 0, 0 }, { "gemma2", 0, 0, 0, 0 }, { "gemma3", 0, 0, 0, 0 }, { "phi3", 0, 0, 0, 0 },
	{ "smollm3", 0, 0, 0, 0 }, { "olmo2", 0, 0, 0, 0 }, { "seed_oss", 0, 0, 0, 0 },
	{ "qwen2moe", 1, 0, 0, 0 }, { "qwen3moe", 1, 0, 0, 0 }, { "qwen3vlmoe", 1, 0, 1, 0 }, { "olmoe", 1, 0, 0, 0 }, { "glm4moe", 1, 0, 0, 0 },
	{ "deepseek2", 1, 1, 0, 0 }, { "llama4", 1, 1, 1, 0 }, { "gpt-oss", 1, 0, 1, 1 },
};

static int known_family(struct weights *w, struct hf_kind *k, const char *path, struct error *err)
{
	const struct model_spec *m = &w->model;
	unsigned f = 0;

	while (f < sizeof families / sizeof *families && strcmp(m->architecture, families[f].architecture))
		f++;
	if (f == sizeof families / sizeof *families) {
		error_set(err, E_ARCH, "%s: the architecture %.40s is run from GGUF files, not from safetensors yet", path, m->architecture);
		error_hint(err, "llama.cpp's convert_hf_to_gguf.py makes a GGUF file of them");
		return E_ARCH;
	}
	for (unsigned i = 0; i < m->n_parts; i++)
		if (m->parts[i].type == PART_MOE && !families[f].experts)
			return error_set(err, E_ARCH, "%s: %s with experts is run from GGUF files, not from safetensors yet", path, m->architecture);
	for (unsigned i = 0; i < m->n_warnings; i++)
		/* import_config_rope.c; constants are weights_config()'s to read */
		if (str_prefix(m->warnings[i], "rope scaling '") && !strstr(m->warnings[i], "with constants of its own"))
			return error_set(err, E_ARCH, "%s: %.*s, so it is not run", path, (int)strcspn(m->warnings[i], ";"), m->warnings[i]);
	for (unsigned i = 0; i < m->n_rope; i++)
		if (m->rope[i].scaling == ROPE_SCALING_LONGROPE)
			return error_set(err, E_FORMAT, "%s: the factors of longrope are read from GGUF files only", path);
	w->adjacent_rope = families[f].adjacent;
	k->turned = families[f].turned;
	k->mixed = families[f].mixed;
	return OK;
}

/* The description and what else config.json says. */
static int read_config(struct weights *w, struct hf_kind *k, const char *path, struct error *err)
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
	if ((rc = hyper_refuse(&w->model, err)) != OK || (rc = known_family(w, k, path, err)) != OK || (rc = hyper_from_spec(&w->hyper, &w->arena, &w->model, err)) != OK)
		return rc;
	return weights_config(w, k, config, bytes, n, err);
}

static int map_shards(struct weights *w, const struct safetensors *st, struct error *err)
{
	/* one more: what is made in memory comes first */
	if (!(w->map = arena_array(&w->arena, (size_t)st->n_shards + 1, sizeof *w->map)))
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
static int plus_one(struct weights *w, struct error *err)
{
	for (uint32_t i = 0; i < w->n; i++) {
		struct weight *t = &w->t[i];
		const struct kformat *k = kformat_find(weights_kernel_format(w->quants, t->format));
		uint64_t n = t->ne[0] * t->ne[1] * t->ne[2];
		float *v;

		if (weight_role(t->id) != ROLE_NORM || n % k->block)
			continue;
		if (!(v = arena_array(&w->arena, n, sizeof *v)))
			return error_set(err, E_NOMEM, "%s: out of memory", w->file);
		k->dequantise(v, t->data, n);
		for (uint64_t e = 0; e < n; e++)
			v[e] += 1.0f;
		w->bytes += 4 * n - n / k->block * k->bytes;
		t->data = v;
		t->format = format_find(w->quants, "f32");
		t->stride = 4 * n;
	}
	return OK;
}

static uint16_t format_of(const struct quants *q, const char *dtype)
{
	for (uint16_t f = 0; f < q->n_formats; f++)
		if (q->formats[f].safetensors && !strcmp(q->formats[f].safetensors, dtype))
			return f;
	return NO_FORMAT;
}

/* What the model reads of a checkpoint, by name. *joined: some of it is not as the engine reads it. */
static int list_pieces(struct piece **out, uint32_t *n, int *joined, struct weights *w, const struct safetensors *st, struct error *err)
{
	static const char *const others[] = { ".qweight", ".qzeros", ".weight_packed", ".weight_scale_2", ".weight_global_scale", ".weight_zero_point" };
	struct piece *p = arena_array(&w->arena, st->dir.n ? st->dir.n : 1, sizeof *p);

	*n = 0;
	*joined = 0;
	*out = p;
	if (!p || st->dir.n > UINT32_MAX / 2)
		return error_set(err, E_NOMEM, "%s: out of memory", w->file);
	for (uint64_t i = 0; i < st->dir.n; i++) {
		const struct file_tensor *t = &st->dir.t[i];
		struct piece one = { .t = t };
		unsigned role;
		int layer;

		name_hf(t->name, &layer, &role);
		weight_of_hf(&one.is, t->name);
		/* some checkpoints hold a tied head, too; blocks that predict further tokens follow the last layer */
		if (role == ROLE_ENCODER || one.is.part == HF_UNREAD || (one.is.id == W_HEAD && w->model.tied_head) || (one.is.layer >= 0 && (uint32_t)one.is.layer >= w->model.n_layers))
			continue;
		for (unsigned k = 0; k < sizeof others / sizeof *others; k++)
			if (str_suffix(t->name, others[k]))
				return error_set(err, E_FORMAT, "%s: tensor " STORED_NAME_LIKE ": of quantised safetensors only FP8 and MXFP4 are run", w->file, t->name);
		one.format = format_of(w->quants, t->type_name);
		if (one.format == NO_FORMAT && ((one.is.part != HF_BLOCKS && one.is.part != HF_BLOCK_SCALES) || strcmp(t->type_name, "U8")))
			return error_set(err, E_FORMAT, "%s: tensor " STORED_NAME_LIKE " is %.16s, which no kernel reads yet", w->file, t->name, t->type_name);
		const struct weights_map *m = &w->map[t->shard];
		uint64_t at = st->data_at[t->shard];
		/* the file may have become shorter since its header was read */
		if (at > m->bytes || t->offset > m->bytes - at || t->bytes > m->bytes - at - t->offset)
			return error_set(err, E_FILE, "%s: tensor " STORED_NAME_LIKE " lies beyond the end of %s", w->file, t->name, st->shard[t->shard]);
		one.data = (const unsigned char *)m->at + at + t->offset;
		*joined |= one.is.part != HF_WHOLE || one.is.expert >= 0 || one.is.both || one.is.id == W_KV_B;
		p[(*n)++] = one;
	}
	return OK;
}

static int by_address(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	return ((uintptr_t)x->data > (uintptr_t)y->data) - ((uintptr_t)x->data < (uintptr_t)y->data);
}

/* What lies between the tensors of the model in large pieces is given back, so that the maps are weights and no more: encoders, blocks that predict further tokens. Sorts p. */
static int trim(struct weights *w, struct piece *p, uint32_t n, struct error *err)
{
	enum { LARGE = 1 << 20 };
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	struct weights_map *kept = arena_array(&w->arena, (size_t)w->n_maps + n, sizeof *kept);
	uint32_t n_kept = 0;

	if (!kept)
		return error_set(err, E_NOMEM, "%s: out of memory", w->file);
	qsort(p, n, sizeof *p, by_address);
	for (uint32_t f = 0; f < w->n_maps; f++) {
		const uintptr_t from = (uintptr_t)w->map[f].at, to = from + w->map[f].bytes;
		uintptr_t begin = from, end = from;      /* of what is kept */

		for (uint32_t i = 0; i <= n; i++) {
			const uintptr_t at = i < n ? (uintptr_t)p[i].data : to, next = i < n ? at / page * page : to;
			if (i < n && (at < from || at >= to))
				continue;
			if (next > end && next - end >= LARGE) {
				if (end > begin)
					kept[n_kept++] = (struct weights_map){ (const void *)begin, end - begin };
				(void)munmap((void *)end, next - end);
				begin = end = next;
			}
			if (i < n && at + p[i].t->bytes > end)
				end = (at + p[i].t->bytes + page - 1) / page * page;
		}
		if (begin < to)
			kept[n_kept++] = (struct weights_map){ (const void *)begin, to - begin };
	}
	w->map = kept;
	w->n_maps = n_kept;
	return OK;
}

/* Tensors where they lie in the files. */
static int in_place(struct store *s, struct weights *w, struct piece *p, uint32_t n, struct error *err)
{
	int rc;

	if (!(s->t = arena_array(&w->arena, n ? n : 1, sizeof *s->t)))
		return error_set(err, E_NOMEM, "%s: out of memory", w->file);
	for (uint32_t i = 0; i < n; i++) {
		const struct file_tensor *t = p[i].t;
		s->t[s->n++] = (struct stored){ .id = p[i].is.id, .format = p[i].format, .layer = p[i].is.layer, .ne = { t->ne[0], t->ne[1], t->ne[2], t->ne[3] }, .bytes = t->bytes,
			.data = p[i].data, .name = t->name };
	}
	if ((rc = weights_bind(w, s, err)) != OK)
		return rc;
	return trim(w, p, n, err);
}

/* The files stay open until what is made of them is there. */
static int in_memory(struct store *s, struct weights *w, struct piece *p, uint32_t n, const struct hf_kind *k, struct error *err)
{
	struct weights_map *files = w->map + 1;
	uint32_t n_files = w->n_maps;
	int rc;

	memmove(files, w->map, n_files * sizeof *files);
	w->n_maps = 0;
	rc = weights_join(s, w, p, n, k, err);
	for (uint32_t i = 0; i < n_files; i++) {
		struct file_map m = { files[i].at, files[i].bytes };
		file_map_close(&m);
	}
	return rc;
}

int weights_open_hf(struct weights *w, const char *path, struct error *err)
{
	struct safetensors st;
	struct hf_kind kind = { 0 };
	struct store s = { 0 };
	struct piece *p;
	uint32_t n;
	int rc, joined;

	if ((rc = read_config(w, &kind, path, err)) != OK || (rc = safetensors_open(&st, &w->arena, path, err)) != OK || (rc = map_shards(w, &st, err)) != OK ||
	    (rc = list_pieces(&p, &n, &joined, w, &st, err)) != OK || (rc = joined ? in_memory(&s, w, p, n, &kind, err) : in_place(&s, w, p, n, err)) != OK)
		return rc;
	return str_prefix(w->model.architecture, "gemma") ? plus_one(w, err) : OK;
}
