/* gguf_open.c - GGUF files on disk: one, or the shards of a split model joined */
#include "format/gguf.h"

#include "base/file.h"
#include "base/str.h"
#include "base/units.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SHARDS = 4096, SHARD_SUFFIX = 20 };   /* "-00001-of-00002.gguf" */

struct gguf_files {
	struct gguf g;                   /* first: what callers hold points here */
	struct arena arena;
	struct file_map *map;
	uint64_t *data_at;               /* where each shard's tensor data begin */
	uint32_t n_maps;
};

/* Reads "-00003-of-00007.gguf" at the end of a name; 0 when there is none. */
static int shard_suffix(uint32_t *no, uint32_t *count, const char *name)
{
	size_t n = strlen(name);
	const char *s;

	if (n <= SHARD_SUFFIX)
		return 0;
	s = name + n - SHARD_SUFFIX;
	if (s[0] != '-' || strncmp(s + 6, "-of-", 4) || strcmp(s + 15, ".gguf"))
		return 0;
	*no = *count = 0;
	for (unsigned i = 0; i < 5; i++) {
		if (!isdigit((unsigned char)s[1 + i]) || !isdigit((unsigned char)s[10 + i]))
			return 0;
		*no = *no * 10 + (uint32_t)(s[1 + i] - '0');
		*count = *count * 10 + (uint32_t)(s[10 + i] - '0');
	}
	return *no >= 1 && *no <= *count;
}

/* The one model of a folder: its file, or its first shard. */
static int pick_in_folder(const char **out, struct arena *a, const char *folder, struct error *err)
{
	const char **list, *found[ERROR_CANDIDATES];
	unsigned n = 0;
	size_t stem;
	int rc = dir_list(&list, a, folder, ".gguf", 0, err);

	if (rc != OK)
		return rc;
	for (; *list; list++) {
		uint32_t no = 1, count = 1;
		int split = shard_suffix(&no, &count, *list), seen = 0;

		if (str_prefix(*list, "mmproj") || strstr(*list, "-mmproj"))
			continue;
		stem = strlen(*list) - (split ? SHARD_SUFFIX : 0);
		/* shards of one model follow each other, since the list is sorted */
		for (unsigned i = 0; split && i < n && !seen; i++) {
			uint32_t no2, count2;
			seen = shard_suffix(&no2, &count2, found[i]) && count2 == count && strlen(found[i]) == stem + SHARD_SUFFIX &&
				!strncmp(found[i], *list, stem);
		}
		if (!seen && n < ERROR_CANDIDATES)
			found[n++] = *list;
	}
	if (!n)
		return error_set(err, E_FILE, "%s: no .gguf model in this folder", folder);
	if (n > 1) {
		rc = error_set(err, E_AMBIGUOUS, "%s: %u models in this folder%s; name one of the files", folder, n,
			n == ERROR_CANDIDATES ? " or more" : "");
		for (unsigned i = 0; i < n; i++)
			error_candidate(err, found[i]);
		return rc;
	}
	*out = arena_printf(a, "%s/%s", folder, found[0]);
	return *out ? OK : error_set(err, E_NOMEM, "out of memory");
}

static int open_shard(struct gguf *out, struct gguf_files *f, struct arena *a, const char *path, const struct gguf_types *t,
	struct error *err)
{
	struct file_map *m = &f->map[f->n_maps];
	int rc = file_map_open(m, path, err);

	if (rc != OK)
		return rc;
	f->n_maps++;
	rc = gguf_parse(out, a, path, m->p, m->n, m->n, t, NULL, err);
	if (rc == OK)
		f->data_at[f->n_maps - 1] = out->header_bytes;
	return rc;
}

/* Does a shard say that it is number no (from 1) of count? */
static int check_shard(const struct gguf *g, uint32_t no, uint32_t count, struct error *err)
{
	uint64_t said = 0, n = 1;
	int rc;

	if ((rc = gguf_u64(&said, g, "split.no", err)) < 0 || (rc = gguf_u64(&n, g, "split.count", err)) < 0)
		return rc;
	if (n != count)
		return error_set(err, E_FILE, "%s: split.count is %llu, but the file's name says %u", g->file, (unsigned long long)n, count);
	if (count > 1 && said != no - 1)
		return error_set(err, E_FILE, "%s: split.no is %llu, but the file's name says %u (counted from 0)", g->file,
			(unsigned long long)said, no - 1);
	return OK;
}

static int open_split(struct gguf_files *f, const char *path, uint32_t count, const struct gguf_types *t, struct error *err)
{
	size_t stem = strlen(path) - SHARD_SUFFIX;
	struct tensor_dir *dirs = arena_array(&f->arena, count, sizeof *dirs);
	const char **names = arena_array(&f->arena, count, sizeof *names);
	uint64_t bytes = 0, header = 0, total;
	int rc;

	if (!dirs || !names)
		return error_set(err, E_NOMEM, "out of memory for %u shards", count);
	for (uint32_t i = 0; i < count; i++) {
		struct gguf g;

		if (!(names[i] = arena_printf(&f->arena, "%.*s-%05u-of-%05u.gguf", (int)stem, path, i + 1, count)))
			return error_set(err, E_NOMEM, "out of memory");
		if (!path_exists(names[i])) {
			rc = error_set(err, E_FILE, "%s: shard %u of %u is missing", names[i], i + 1, count);
			error_hint(err, "all %u shards must lie in the same folder", count);
			return rc;
		}
		if ((rc = open_shard(&g, f, &f->arena, names[i], t, err)) != OK || (rc = check_shard(&g, i + 1, count, err)) != OK)
			return rc;
		dirs[i] = g.dir;
		if (u64_add(&bytes, bytes, g.file_bytes) || u64_add(&header, header, g.header_bytes))
			return error_set(err, E_FILE, "%s: the shards' sizes overflow 64 bits", names[i]);
		if (!i)
			f->g = g;
	}
	if ((rc = tensor_dir_join(&f->g.dir, &f->arena, dirs, count, err)) != OK || (rc = tensor_dir_check_names(&f->g.dir, names,
		err)) != OK)
		return rc;
	f->g.file_bytes = bytes;
	f->g.header_bytes = header;
	f->g.n_shards = count;
	if ((rc = gguf_u64(&total, &f->g, "split.tensors.count", err)) < 0)
		return rc;
	if (rc && total != f->g.dir.n)
		return error_set(err, E_FILE, "%s: split.tensors.count is %llu, but the %u shards hold %llu tensors", names[0],
			(unsigned long long)total,
			count, (unsigned long long)f->g.dir.n);
	return OK;
}

int gguf_open(struct gguf **out, const char *path, const struct gguf_types *t, struct error *err)
{
	struct gguf_files *f = calloc(1, sizeof *f);
	uint32_t no, count = 1;
	int rc;

	*out = NULL;
	if (!f)
		return error_set(err, E_NOMEM, "out of memory");
	if (path_is_dir(path) && (rc = pick_in_folder(&path, &f->arena, path, err)) != OK)
		goto out;
	if (!shard_suffix(&no, &count, path))
		count = 1;
	if (count > MAX_SHARDS) {
		rc = error_set(err, E_FILE, "%s: %u shards, more than %d", path, count, MAX_SHARDS);
		goto out;
	}
	path = arena_strdup(&f->arena, path);
	f->map = arena_array(&f->arena, count, sizeof *f->map);
	f->data_at = arena_array(&f->arena, count, sizeof *f->data_at);
	if (!path || !f->map || !f->data_at) {
		rc = error_set(err, E_NOMEM, "out of memory");
		goto out;
	}
	if (count > 1) {
		rc = open_split(f, path, count, t, err);
	} else if ((rc = open_shard(&f->g, f, &f->arena, path, t, err)) == OK && f->g.n_shards > 1) {
		rc = error_set(err, E_FILE, "%s: one of %u shards, but its name does not end in -00001-of-%05u.gguf", path, f->g.n_shards,
			f->g.n_shards);
		error_hint(err, "give the shards the names they were published under");
	}
	if (rc != OK)
		goto out;
	*out = &f->g;
	f = NULL;
out:
	gguf_close(f ? &f->g : NULL);
	return rc;
}

void gguf_close(struct gguf *g)
{
	struct gguf_files *f = (struct gguf_files *)(void *)g;

	if (!f)
		return;
	for (uint32_t i = 0; i < f->n_maps; i++)
		file_map_close(&f->map[i]);
	arena_free(&f->arena);
	free(f);
}

const void *gguf_data(const struct gguf *g, const struct file_tensor *t)
{
	const struct gguf_files *f = (const struct gguf_files *)(const void *)g;

	return t->shard < f->n_maps ? f->map[t->shard].p + f->data_at[t->shard] + t->offset : NULL;
}

const void *gguf_shard(uint64_t *bytes, const struct gguf *g, uint32_t shard)
{
	const struct gguf_files *f = (const struct gguf_files *)(const void *)g;

	*bytes = shard < f->n_maps ? f->map[shard].n : 0;
	return shard < f->n_maps ? f->map[shard].p : NULL;
}
