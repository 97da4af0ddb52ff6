/* model_arg.c - names and files -> a model description */
#include "cli/model_arg.h"

#include "base/file.h"
#include "base/str.h"
#include "catalog/file_formats.h"
#include "catalog/import_config.h"
#include "catalog/import_gguf.h"
#include "cli/file_weights.h"

#include <stdlib.h>
#include <string.h>

static int open_gguf(struct model_arg *m, const struct quants *q, const char *path, struct error *err)
{
	struct model_spec *spec = arena_alloc(&m->arena, sizeof *spec);
	struct gguf_types types;
	uint64_t type;
	int rc;

	if (!spec)
		return error_set(err, E_NOMEM, "out of memory");
	if ((rc = gguf_types_of(&types, &m->arena, q, err)) != OK || (rc = gguf_open(&m->gguf, path, &types, err)) != OK ||
	    (rc = import_gguf(spec, &m->arena, m->gguf, err)) != OK)
		return rc;
	m->spec = spec;
	if ((rc = gguf_u64(&type, m->gguf, "general.file_type", err)) < 0)
		return rc;
	return weights_of_gguf(m, q, err);
}

static int open_config(struct model_arg *m, const char *path, struct error *err)
{
	struct model_spec *spec = arena_alloc(&m->arena, sizeof *spec);
	char *bytes;
	size_t n;
	int rc;

	if (!spec)
		return error_set(err, E_NOMEM, "out of memory");
	if ((rc = file_read(&bytes, &n, &m->arena, path, (size_t)64 << 20, err)) != OK || (rc = import_config(spec, &m->arena, path, bytes, n, err)) != OK)
		return rc;
	m->spec = spec;
	return OK;
}

static int open_safetensors(struct model_arg *m, const char *path, const char *folder, struct error *err)
{
	const char *config = arena_printf(&m->arena, "%s/config.json", folder);
	int rc;

	if (!config || !(m->st = arena_alloc(&m->arena, sizeof *m->st)))
		return error_set(err, E_NOMEM, "out of memory");
	if ((rc = safetensors_open(m->st, &m->arena, path, err)) != OK)
		return rc;
	if (!path_exists(config)) {
		error_set(err, E_FILE, "%s: no config.json beside it, so the architecture is unknown", path);
		error_hint(err, "ullage inspect reads the tensor list alone; estimate needs the config.json of the same repository");
		return E_FILE;
	}
	if ((rc = open_config(m, config, err)) != OK)
		return rc;
	return weights_of_safetensors(m, err);
}

static const char *folder_of(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? arena_strndup(a, path, (size_t)(slash - path)) : ".";
}

static int open_folder(struct model_arg *m, const struct quants *q, const char *path, struct error *err)
{
	const char **list;
	int rc;

	if ((rc = dir_list(&list, &m->arena, path, ".gguf", 0, err)) != OK)
		return rc;
	if (list[0])
		return open_gguf(m, q, path, err);
	if ((rc = dir_list(&list, &m->arena, path, ".safetensors", 0, err)) != OK)
		return rc;
	if (list[0])
		return open_safetensors(m, path, path, err);
	const char *config = arena_printf(&m->arena, "%s/config.json", path);
	if (config && path_exists(config))
		return open_config(m, config, err);
	return error_set(err, E_FILE, "%s: no .gguf, .safetensors or config.json in this folder", path);
}

/* A name that the catalogue knows but that has no weights to estimate: why, and what there is instead. */
static int unavailable(const struct model_entry *e, struct error *err)
{
	error_set(err, E_AVAILABLE, "%s: %s%s%s", e->name, e->status == STATUS_DOES_NOT_EXIST ? "there is no such model" : e->status == STATUS_API_ONLY ?
		  "its weights are not published" : e->status == STATUS_ANNOUNCED ? "announced, not released" : "its shapes are not known", e->why ? ": " : "", e->why ? e->why : "");
	for (unsigned i = 0; e->instead[i]; i++)
		error_candidate(err, e->instead[i]);
	return E_AVAILABLE;
}

int model_arg_open(struct model_arg *out, struct catalog *c, const char *name, struct error *err)
{
	const struct quants *q = catalog_quants(c);
	int rc;

	*out = (struct model_arg){ 0 };
	if (str_prefix(name, "http://") || str_prefix(name, "https://")) {
		error_set(err, E_NETWORK, "%s: reading from a URL is not built yet in this version", name);
		error_hint(err, "download the file's first megabytes or the config.json and give its path");
		return E_NETWORK;
	}
	if (str_suffix(name, ".gguf"))
		return open_gguf(out, q, name, err);
	if (str_suffix(name, ".safetensors") || str_suffix(name, ".safetensors.index.json"))
		return open_safetensors(out, name, folder_of(&out->arena, name), err);
	if (str_suffix(name, ".json"))
		return open_config(out, name, err);
	if (path_is_dir(name))
		return open_folder(out, q, name, err);
	if ((rc = catalog_model(&out->entry, c, name, err)) != OK) {
		if (rc == E_MODEL && path_exists(name))
			return error_set(err, E_FILE, "%s: not a .gguf, .safetensors or config.json file, and no model of this name is known", name);
		return rc;
	}
	out->spec = out->entry->spec;
	return out->spec ? OK : unavailable(out->entry, err);
}

void model_arg_close(struct model_arg *m)
{
	gguf_close(m->gguf);
	arena_free(&m->arena);
	*m = (struct model_arg){ 0 };
}
