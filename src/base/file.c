/* file.c - whole files and folders */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_regular(int *fd, struct stat *st, const char *path, struct error *err)
{
	*fd = open(path, O_RDONLY);
	if (*fd < 0)
		return error_set(err, E_FILE, "%s: %s", path, strerror(errno));
	if (fstat(*fd, st) < 0) {
		int e = errno;
		close(*fd);
		return error_set(err, E_FILE, "%s: %s", path, strerror(e));
	}
	if (S_ISDIR(st->st_mode)) {
		close(*fd);
		return error_set(err, E_FILE, "%s: is a folder", path);
	}
	return OK;
}

int file_read(char **out, size_t *n, struct arena *a, const char *path, size_t max, struct error *err)
{
	struct stat st;
	size_t have = 0, room;
	int fd, rc;

	if ((rc = open_regular(&fd, &st, path, err)) != OK)
		return rc;
	room = S_ISREG(st.st_mode) ? (size_t)st.st_size : max;
	if (room > max) {
		close(fd);
		return error_set(err, E_FILE, "%s: %zu bytes, more than the %zu this reader takes", path, room, max);
	}
	*out = arena_alloc(a, room + 1);
	if (!*out) {
		close(fd);
		return error_set(err, E_NOMEM, "out of memory reading %s", path);
	}
	while (have < room) {
		ssize_t k = read(fd, *out + have, room - have);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0) {
			rc = error_set(err, E_FILE, "%s: %s", path, strerror(errno));
			break;
		}
		if (k == 0)
			break;
		have += (size_t)k;
	}
	close(fd);
	(*out)[have] = 0;
	*n = have;
	return rc;
}

int file_map_open(struct file_map *out, const char *path, struct error *err)
{
	struct stat st;
	int fd, rc;

	*out = (struct file_map){ 0 };
	if ((rc = open_regular(&fd, &st, path, err)) != OK)
		return rc;
	if (!S_ISREG(st.st_mode)) {
		close(fd);
		return error_set(err, E_FILE, "%s: not a regular file", path);
	}
	if (st.st_size > 0) {
		void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (p == MAP_FAILED)
			rc = error_set(err, E_FILE, "%s: cannot be mapped: %s", path, strerror(errno));
		else
			*out = (struct file_map){ p, (uint64_t)st.st_size };
	}
	close(fd);               /* the mapping stays */
	return rc;
}

void file_map_close(struct file_map *m)
{
	if (m->p)
		munmap((void *)(uintptr_t)m->p, (size_t)m->n);
	*m = (struct file_map){ 0 };
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int dir_list(const char ***out, struct arena *a, const char *folder, const char *suffix, int optional, struct error *err)
{
	size_t n = 0, cap = 0, k = strlen(suffix);
	char **list = NULL;
	struct dirent *d;
	DIR *dir = opendir(folder);
	int rc = OK;

	*out = arena_array(a, 1, sizeof **out);
	if (!*out) {
		if (dir)
			closedir(dir);
		return error_set(err, E_NOMEM, "out of memory");
	}
	if (!dir)
		return optional && (errno == ENOENT || errno == ENOTDIR) ? OK : error_set(err, E_FILE, "%s: %s", folder, strerror(errno));
	while ((d = readdir(dir)) != NULL) {
		size_t len = strlen(d->d_name);
		if (d->d_name[0] == '.' || len < k || strcmp(d->d_name + len - k, suffix))
			continue;
		if (n == cap) {
			char **more = realloc(list, (cap = cap ? cap * 2 : 64) * sizeof *list);
			if (!more) {
				rc = error_set(err, E_NOMEM, "out of memory");
				break;
			}
			list = more;
		}
		if (!(list[n] = arena_strndup(a, d->d_name, len))) {
			rc = error_set(err, E_NOMEM, "out of memory");
			break;
		}
		n++;
	}
	closedir(dir);
	if (rc == OK && n) {
		qsort(list, n, sizeof *list, by_name);
		const char **sorted = arena_array(a, n + 1, sizeof *sorted);
		if (sorted) {
			memcpy(sorted, list, n * sizeof *list);
			*out = sorted;
		} else {
			rc = error_set(err, E_NOMEM, "out of memory");
		}
	}
	free(list);
	return rc;
}

int path_is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int path_exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}
