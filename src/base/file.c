/* file.c - whole files and folders */
#include "base/file.h"

#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Opens anything but a folder. flags: O_NONBLOCK where a pipe that nobody writes to must not be waited for. */
static int open_file(int *fd, struct stat *st, const char *path, int flags, struct error *err)
{
	*fd = open(path, O_RDONLY | O_CLOEXEC | flags);
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

/* As many bytes as come, up to n; *got < n only at the end of the file. */
static int read_some(size_t *got, int fd, char *to, size_t n, const char *path, struct error *err)
{
	for (*got = 0; *got < n;) {
		ssize_t k = read(fd, to + *got, n - *got);
		if (k == 0)
			break;
		if (k > 0)
			*got += (size_t)k;
		else if (errno != EINTR)
			return error_set(err, E_FILE, "%s: %s", path, strerror(errno));
	}
	return OK;
}

int file_read(char **out, size_t *n, struct arena *a, const char *path, size_t max, struct error *err)
{
	struct stat st;
	size_t have = 0, cap, got;
	char *buf, beyond;
	int fd, rc;

	*out = NULL;
	*n = 0;
	if ((rc = open_file(&fd, &st, path, 0, err)) != OK)
		return rc;
	if (S_ISREG(st.st_mode) && (uint64_t)st.st_size > max) {
		rc = error_set(err, E_FILE, "%s: %lld bytes, more than the %zu this reader takes", path, (long long)st.st_size, max);
		goto out;
	}
	/* the size is a hint: pipes have none, files under /proc say 0, and others may grow meanwhile */
	cap = S_ISREG(st.st_mode) && st.st_size > 0 ? (size_t)st.st_size : max < 16384 ? max : 16384;
	buf = arena_alloc(a, cap + 1);
	/* asked for one byte more, a regular file that gives what it said is read: a second look would double the calls */
	if (buf && S_ISREG(st.st_mode) && st.st_size > 0) {
		ssize_t k = read(fd, buf, cap + 1);
		if (k >= 0 && (size_t)k <= cap) {
			have = (size_t)k;
			if (have == cap)
				goto whole;
		} else if (k >= 0) {
			lseek(fd, 0, SEEK_SET);
		}
	}
	while (buf) {
		if ((rc = read_some(&got, fd, buf + have, cap - have, path, err)) != OK)
			goto out;
		have += got;
		if (have < cap)
			break;
		if ((rc = read_some(&got, fd, &beyond, 1, path, err)) != OK)
			goto out;
		if (got == 0)
			break;
		if (cap == max) {
			rc = error_set(err, E_FILE, "%s: more than the %zu bytes this reader takes", path, max);
			goto out;
		}
		cap = cap > max / 2 ? max : cap * 2;
		char *more = arena_alloc(a, cap + 1);
		if (more) {
			memcpy(more, buf, have);
			more[have++] = beyond;
		}
		buf = more;
	}
	if (!buf) {
		rc = error_set(err, E_NOMEM, "out of memory reading %s", path);
		goto out;
	}
whole:
	buf[have] = 0;
	*out = buf;
	*n = have;
out:
	close(fd);
	return rc;
}

int file_map_open(struct file_map *out, const char *path, struct error *err)
{
	struct stat st;
	int fd, rc;

	*out = (struct file_map){ 0 };
	if ((rc = open_file(&fd, &st, path, O_NONBLOCK, err)) != OK)
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

/* Names that end in suffix, unsorted, each in the arena; the list itself is the caller's to free. */
static int dir_names(char ***list, size_t *n, struct arena *a, DIR *dir, const char *folder, const char *suffix,
                     struct error *err)
{
	size_t cap = 0;

	for (;;) {
		errno = 0;                   /* readdir() tells its end from a failure by this alone */
		struct dirent *d = readdir(dir);
		if (!d)
			return errno ? error_set(err, E_FILE, "%s: %s", folder, strerror(errno)) : OK;
		if (d->d_name[0] == '.' || !str_suffix(d->d_name, suffix))
			continue;
		if (*n == cap) {
			char **more = realloc(*list, (cap = cap ? cap * 2 : 64) * sizeof *more);
			if (!more)
				return error_set(err, E_NOMEM, "out of memory");
			*list = more;
		}
		if (!((*list)[*n] = arena_strdup(a, d->d_name)))
			return error_set(err, E_NOMEM, "out of memory");
		++*n;
	}
}

int dir_list(const char ***out, struct arena *a, const char *folder, const char *suffix, int optional, struct error *err)
{
	char **list = NULL;
	size_t n = 0;
	DIR *dir = opendir(folder);
	int rc;

	*out = NULL;
	if (!dir && !(optional && (errno == ENOENT || errno == ENOTDIR)))
		return error_set(err, E_FILE, "%s: %s", folder, strerror(errno));
	rc = dir ? dir_names(&list, &n, a, dir, folder, suffix, err) : OK;
	if (rc == OK && !(*out = arena_array(a, n + 1, sizeof **out)))
		rc = error_set(err, E_NOMEM, "out of memory");
	if (rc == OK && n) {
		qsort(list, n, sizeof *list, by_name);
		memcpy(*out, list, n * sizeof *list);
	}
	free(list);
	if (dir)
		closedir(dir);
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
