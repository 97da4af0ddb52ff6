/* catalog_folder.c - the program's folder and the user's */
#include "catalog/catalog_folder.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef ULLAGE_DATADIR
#define ULLAGE_DATADIR "/usr/local/share/ullage"
#endif

enum { MAX_LINK = 4096 };

static int no_memory(struct error *err) { return error_set(err, E_NOMEM, "out of memory"); }

/* 1 yes, 0 no, E_NOMEM. */
static int is_tree(struct arena *a, const char *folder, struct error *err)
{
	const char *models = arena_printf(a, "%s/models.d", folder), *data = arena_printf(a, "%s/data", folder);

	if (!models || !data)
		return no_memory(err);
	return path_is_dir(models) && path_is_dir(data);
}

/* <folder of path>/.. when it is a tree: 1, 0 or E_NOMEM. */
static int tree_above(const char **out, struct arena *a, const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	const char *tree = slash ? arena_printf(a, "%.*s/..", (int)(slash - path), path) : NULL;
	int rc;

	if (!slash)
		return 0;
	if (!tree)
		return no_memory(err);
	if ((rc = is_tree(a, tree, err)) == 1)
		*out = tree;
	return rc;
}

int folder_of_program(const char **out, struct arena *a, const char *program, struct error *err)
{
	const char *said = getenv("ULLAGE_DATA");
	char link[MAX_LINK];
	ssize_t n;
	int rc;

	if (said && *said) {
		if ((rc = is_tree(a, said, err)) < 0)
			return rc;
		if (!(*out = arena_strdup(a, said)))
			return no_memory(err);
		return rc ? OK : error_set(err, E_FILE, "ULLAGE_DATA: %s has no folders models.d and data", said);
	}
	if (program && (rc = tree_above(out, a, program, err)) != 0)
		return rc < 0 ? rc : OK;
	/* a bare word was found through PATH, and a link may lie elsewhere: what the system started is known to Linux */
	if (program && (n = readlink("/proc/self/exe", link, sizeof link - 1)) > 0) {
		link[n] = '\0';
		if ((rc = tree_above(out, a, link, err)) != 0)
			return rc < 0 ? rc : OK;
	}
	*out = ULLAGE_DATADIR;
	if ((rc = is_tree(a, ULLAGE_DATADIR, err)) < 0)
		return rc;
	if (rc)
		return OK;
	rc = error_set(err, E_FILE, "no catalogue: %s has no folders models.d and data, nor has the folder above the program",
		ULLAGE_DATADIR);
	error_hint(err, "set ULLAGE_DATA to the folder that holds models.d, hardware.d and data");
	return rc;
}

int folder_of_user(const char **out, struct arena *a, struct error *err)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME"), *folder;

	*out = NULL;
	/* the XDG base directory specification: a relative path is to be ignored */
	if (config && *config == '/')
		folder = arena_printf(a, "%s/ullage", config);
	else if (home && *home == '/')
		folder = arena_printf(a, "%s/.config/ullage", home);
	else
		return OK;
	if (!folder)
		return no_memory(err);
	if (path_is_dir(folder))
		*out = folder;
	return OK;
}
