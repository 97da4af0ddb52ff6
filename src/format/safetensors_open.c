/* safetensors_open.c - safetensors files on disk: one, or an index and its shards joined */
#include "format/safetensors.h"

#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "base/units.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_SHARDS = 4096 };
static const size_t max_index_bytes = (size_t)64 << 20;

/* What the index says: tensor -> file. */
struct entry { const char *tensor, *file; };

static int compare_tensors(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->tensor, ((const struct entry *)b)->tensor);
}
static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int open_one(struct safetensors *out, struct arena *a, const char *path, struct error *err)
{
	struct file_map m;
	int rc = file_map_open(&m, path, err);

	if (rc != OK)
		return rc;
	/* every string and list is copied into the arena, so the mapping need not stay */
	rc = safetensors_parse(out, a, path, m.p, m.n, m.n, err);
	file_map_close(&m);
	return rc;
}

/* A file by itself: one shard. */
static int open_alone(struct safetensors *out, struct arena *a, const char *path, struct error *err)
{
	const char **shard = arena_alloc(a, sizeof *shard);
	uint64_t *at = arena_alloc(a, sizeof *at);
	int rc;

	if (!shard || !at)
		return error_set(err, E_NOMEM, "out of memory");
	if ((rc = open_one(out, a, path, err)) != OK)
		return rc;
	*shard = path;
	*at = out->header_bytes;
	out->shard = shard;
	out->data_at = at;
	return OK;
}

/* The index's weight_map, sorted by tensor; names borrow from root. */
static int read_map(struct entry **out, uint64_t *n, struct arena *a, const char *path, const cJSON *root, struct error *err)
{
	const cJSON *map = cJSON_GetObjectItemCaseSensitive(root, "weight_map"), *v;
	struct entry *e;

	*n = 0;
	if (!cJSON_IsObject(map) || !map->child)
		return error_set(err, E_FILE, "%s: no weight_map, or an empty one", path);
	cJSON_ArrayForEach(v, map)
		++*n;
	if (!(e = arena_array(a, *n, sizeof *e)))
		return error_set(err, E_NOMEM, "%s: out of memory for %llu tensors", path, (unsigned long long)*n);
	*out = e;
	cJSON_ArrayForEach(v, map) {
		if (!cJSON_IsString(v))
			return error_set(err, E_FILE, "%s: tensor %.96s is not mapped to a file name", path, v->string);
		/* a shard lies beside its index; anything that could lead elsewhere is refused */
		if (!str_suffix(v->valuestring, ".safetensors") || v->valuestring[0] == '.' || strpbrk(v->valuestring, "/\\:"))
			return error_set(err, E_FILE, "%s: tensor %.96s is mapped to \"%.96s\", not the name of a .safetensors file beside it",
				path, v->string, v->valuestring);
		*e++ = (struct entry){ v->string, v->valuestring };
	}
	qsort(*out, *n, sizeof **out, compare_tensors);
	for (uint64_t i = 1; i < *n; i++)
		if (!strcmp((*out)[i - 1].tensor, (*out)[i].tensor))
			return error_set(err, E_FILE, "%s: tensor %.96s is mapped twice", path, (*out)[i].tensor);
	return OK;
}

/* The distinct file names of the map, sorted. */
static int list_shards(const char ***out, uint32_t *n, struct arena *a, const char *path, const struct entry *map,
	uint64_t n_map, struct error *err)
{
	const char **list = arena_array(a, n_map, sizeof *list);
	uint64_t k = 0;

	if (!list)
		return error_set(err, E_NOMEM, "%s: out of memory for %llu tensors", path, (unsigned long long)n_map);
	for (uint64_t i = 0; i < n_map; i++)
		list[i] = map[i].file;
	qsort(list, n_map, sizeof *list, compare_strings);
	for (uint64_t i = 0; i < n_map; i++)
		if (!k || strcmp(list[k - 1], list[i]))
			list[k++] = list[i];
	if (k > MAX_SHARDS)
		return error_set(err, E_FILE, "%s: names %llu files, more than %d", path, (unsigned long long)k, MAX_SHARDS);
	*out = list;
	*n = (uint32_t)k;
	return OK;
}

/* Every tensor of the index must be in the file that it names; files may hold tensors that the index does not list. */
static int check_map(const struct tensor_dir *dir, const char *path, const char *const *shards, const struct entry *map,
	uint64_t n_map,
	struct arena *scratch, struct error *err)
{
	struct entry *have = arena_array(scratch, dir->n ? dir->n : 1, sizeof *have);
	uint64_t k = 0;

	if (!have)
		return error_set(err, E_NOMEM, "%s: out of memory", path);
	for (uint64_t i = 0; i < dir->n; i++)
		have[i] = (struct entry){ dir->t[i].name, shards[dir->t[i].shard] };
	qsort(have, dir->n, sizeof *have, compare_tensors);
	for (uint64_t i = 0; i < n_map; i++) {
		while (k < dir->n && strcmp(have[k].tensor, map[i].tensor) < 0)
			k++;
		if (k == dir->n || strcmp(have[k].tensor, map[i].tensor))
			return error_set(err, E_FILE, "%s: tensor %.96s is not in %.96s", path, map[i].tensor, map[i].file);
		if (strcmp(have[k].file, map[i].file))
			return error_set(err, E_FILE, "%s: tensor %.96s is in %.96s, not in %.96s", path, map[i].tensor, have[k].file, map[i].file);
	}
	return OK;
}

static int join(struct safetensors *out, struct arena *a, struct arena *scratch, const char *path, const cJSON *root,
	struct error *err)
{
	const char **shards = NULL, **files, *slash = strrchr(path, '/');
	struct safetensors st = { .file = path };
	struct tensor_dir *dirs;
	struct entry *map = NULL;
	uint64_t n_map = 0, *at;
	int rc;

	if ((rc = read_map(&map, &n_map, scratch, path, root, err)) != OK ||
	    (rc = list_shards(&shards, &st.n_shards, scratch, path, map, n_map, err)) != OK)
		return rc;
	dirs = arena_array(scratch, st.n_shards, sizeof *dirs);
	files = arena_array(a, st.n_shards, sizeof *files);
	at = arena_array(a, st.n_shards, sizeof *at);
	if (!dirs || !files || !at)
		return error_set(err, E_NOMEM, "%s: out of memory for %u shards", path, st.n_shards);
	for (uint32_t i = 0; i < st.n_shards; i++) {
		struct safetensors one;

		files[i] = arena_printf(a, "%.*s%s", slash ? (int)(slash + 1 - path) : 0, path, shards[i]);
		if (!files[i])
			return error_set(err, E_NOMEM, "%s: out of memory", path);
		if (!path_exists(files[i]))
			return error_set(err, E_FILE, "%s: shard %u of %u, named by %s, is missing", files[i], i + 1, st.n_shards, str_base(path));
		if ((rc = open_one(&one, a, files[i], err)) != OK)
			return rc;
		dirs[i] = one.dir;
		at[i] = one.header_bytes;
		if (!i)
			st.format = one.format;
		if (u64_add(&st.file_bytes, st.file_bytes, one.file_bytes) || u64_add(&st.header_bytes, st.header_bytes, one.header_bytes))
			return error_set(err, E_FILE, "%s: the shards' sizes overflow 64 bits", files[i]);
	}
	if ((rc = tensor_dir_join(&st.dir, a, dirs, st.n_shards, err)) != OK || (rc = tensor_dir_check_names(&st.dir, files,
		err)) != OK ||
	    (rc = check_map(&st.dir, path, shards, map, n_map, scratch, err)) != OK)
		return rc;
	st.shard = files;
	st.data_at = at;
	*out = st;
	return OK;
}

static int open_index(struct safetensors *out, struct arena *a, const char *path, struct error *err)
{
	struct arena scratch = { 0 };
	cJSON *root = NULL;
	char *bytes;
	size_t n;
	int rc;

	if ((rc = file_read(&bytes, &n, &scratch, path, max_index_bytes, err)) == OK && (rc = json_parse(&root, path, bytes, n,
		err)) == OK)
		rc = join(out, a, &scratch, path, root, err);
	cJSON_Delete(root);
	arena_free(&scratch);
	return rc;
}

/* A folder's model: the index if there is one, else the only .safetensors file. */
static int pick_in_folder(const char **out, struct arena *a, const char *folder, struct error *err)
{
	const char **list;
	int rc;

	if ((rc = dir_list(&list, a, folder, ".safetensors.index.json", 0, err)) != OK)
		return rc;
	if (!list[0] && (rc = dir_list(&list, a, folder, ".safetensors", 0, err)) != OK)
		return rc;
	if (!list[0])
		return error_set(err, E_FILE, "%s: no .safetensors file or index in this folder", folder);
	*out = list[0];
	for (unsigned i = 0; list[1] && list[i]; i++)
		if (str_prefix(list[i], "model.safetensors"))
			*out = list[i];
	if (list[1] && !str_prefix(*out, "model.safetensors")) {
		rc = error_set(err, E_AMBIGUOUS, "%s: several .safetensors files and no model.safetensors.index.json; name one of them",
			folder);
		for (unsigned i = 0; list[i] && i < ERROR_CANDIDATES; i++)
			error_candidate(err, list[i]);
		return rc;
	}
	*out = arena_printf(a, "%s/%s", folder, *out);
	return *out ? OK : error_set(err, E_NOMEM, "out of memory");
}

int safetensors_open(struct safetensors *out, struct arena *a, const char *path, struct error *err)
{
	int rc;

	if (path_is_dir(path) && (rc = pick_in_folder(&path, a, path, err)) != OK)
		return rc;
	if (!(path = arena_strdup(a, path)))
		return error_set(err, E_NOMEM, "out of memory");
	return str_suffix(path, ".json") ? open_index(out, a, path, err) : open_alone(out, a, path, err);
}
