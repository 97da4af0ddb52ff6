/* probe_input.c - where raw input comes from: this machine, or a recording of it; and what was read, written down
 *
 * A recording may come from a stranger. A path with ".." is refused, and links inside the recording are followed by hand, so that
 * one that leads out of root/ leads nowhere; an absolute one starts again at root/. Only regular files are opened.
 *
 * While recording, the links on the way to a file are kept as links (a reader may ask for them by probe_link() as well), but for
 * /proc/self: a process number says nothing of a machine. */
#include "probe/probe.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* MAX_LINKS: as Linux has it (path_resolution(7)); MAX_FILE: of probe.h */
enum { PATH_LEN = 4096, MAX_LINKS = 40, MAX_FILE = 16 << 20 };

/* A path in the root that is read from, without links on the way, and the same as the system knows it. */
struct place { char real[PATH_LEN], full[PATH_LEN]; };

/* --- writing a recording ------------------------------------------------------------------------------------------------- */

static void failed(const struct probe_input *in)
{
	if (in->record_error && !*in->record_error)
		*in->record_error = errno ? errno : EIO;
}

/* RECORD + part + name, with the folders above it made. 0 or -1. */
static int recorded_path(char *out, const struct probe_input *in, const char *part, const char *name)
{
	int n = snprintf(out, PATH_LEN, "%s%s%s", in->record, part, name);

	if (n < 0 || n >= PATH_LEN) {
		errno = ENAMETOOLONG;
		failed(in);
		return -1;
	}
	for (char *p = strchr(out + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		int rc = mkdir(out, 0755);
		*p = '/';
		if (rc < 0 && errno != EEXIST && errno != EISDIR) {
			failed(in);
			return -1;
		}
	}
	return 0;
}

static void write_file(const struct probe_input *in, const char *path, int how, const char *p, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | how, 0644);
	ssize_t k = 0;

	if (fd < 0) {
		failed(in);
		return;
	}
	for (; n; p += k, n -= (size_t)k)
		if ((k = write(fd, p, n)) < 0) {
			if (errno != EINTR)
				break;
			k = 0;
		}
	if (n)
		failed(in);
	if (close(fd) < 0)
		failed(in);
}

static void keep_link(const struct probe_input *in, const char *real, const char *target)
{
	char path[PATH_LEN];

	if (!recorded_path(path, in, "/root", real) && symlink(target, path) < 0 && errno != EEXIST)
		failed(in);
}

/* --- finding ------------------------------------------------------------------------------------------------------------- */

static int has_dots(const char *path)
{
	for (const char *p = path; (p = strstr(p, "..")); p += 2)
		if ((p == path || p[-1] == '/') && (p[2] == '/' || !p[2]))
			return 1;
	return 0;
}

/* The path as the system knows it: in the recording, or as it is. */
static int to_full(struct place *at, const struct probe_input *in)
{
	int n = snprintf(at->full, sizeof at->full, "%s%s%s", in->replay ? in->replay : "", in->replay ? "/root" : "", at->real);

	return n < 0 || n >= (int)sizeof at->full ? -1 : 0;
}

/* Walks path one name at a time. follow: the last one too, should it be a link. 0, or -1: too long, too many links, out of the recording. */
static int find(struct place *at, const struct probe_input *in, const char *path, int follow)
{
	char rest[PATH_LEN], target[PATH_LEN], joined[PATH_LEN];
	size_t n = 0;
	unsigned links = 0;

	if (path[0] != '/' || has_dots(path) || strlen(path) >= sizeof rest)
		return -1;
	strcpy(rest, path);
	at->real[0] = '\0';
	if (!in->replay && !in->record) {                /* nothing to keep out of, nothing to keep */
		strcpy(at->real, path);
		return to_full(at, in);
	}
	for (char *p = rest; *p;) {
		size_t len = strcspn(p, "/"), skip = len + strspn(p + len, "/");
		if (!len || (len == 1 && *p == '.')) {
			p += skip;
			continue;
		}
		if (len == 2 && p[0] == '.' && p[1] == '.') {
			if (!n && in->replay)
				return -1;
			while (n && at->real[--n] != '/')
				;
			at->real[n] = '\0';
			p += skip;
			continue;
		}
		if (n + len + 2 > sizeof at->real)
			return -1;
		const size_t before = n;
		at->real[n++] = '/';
		memcpy(at->real + n, p, len);
		n += len;
		at->real[n] = '\0';
		p += skip;
		if (to_full(at, in))
			return -1;
		if ((!*p && !follow) || (!in->replay && !strcmp(at->real, "/proc/self")))
			continue;
		ssize_t k = readlink(at->full, target, sizeof target - 1);
		if (k < 0)
			continue;                        /* no link, or not there: whoever opens it will see */
		target[k] = '\0';
		if (++links > MAX_LINKS || snprintf(joined, sizeof joined, "%s/%s", target, p) >= (int)sizeof joined)
			return -1;
		if (in->record)
			keep_link(in, at->real, target);
		strcpy(rest, joined);
		p = rest;
		n = *target == '/' ? 0 : before;
		at->real[n] = '\0';
	}
	return to_full(at, in);
}

/* --- reading ------------------------------------------------------------------------------------------------------------- */

/* Of a recording only what is a file: a pipe would wait for ever. Files of /proc and /sys are regular too. */
static char *read_regular(const struct probe_input *in, const char *full, size_t *n)
{
	struct stat st;
	char *text;
	size_t len;

	if (n)
		*n = 0;
	if (stat(full, &st) < 0 || !S_ISREG(st.st_mode) || file_read(&text, &len, in->a, full, MAX_FILE, NULL) != OK)
		return NULL;
	if (n)
		*n = len;
	return text;
}

char *probe_text_private(const struct probe_input *in, const char *path, size_t *n)
{
	struct place at;

	if (n)
		*n = 0;
	return find(&at, in, path, 1) ? NULL : read_regular(in, at.full, n);
}

void probe_record(const struct probe_input *in, const char *path, const char *p, size_t n)
{
	char to[PATH_LEN];
	struct place at;

	if (in->record && !find(&at, in, path, 1) && !recorded_path(to, in, "/root", at.real))
		write_file(in, to, O_TRUNC, p, n);
}

/* A file that was listed and cannot be read: the empty one in its place would be read as an empty text. */
static void forget(const struct probe_input *in, const char *path)
{
	char to[PATH_LEN];
	struct place at;
	struct stat st;

	if (!find(&at, in, path, 1) && snprintf(to, sizeof to, "%s/root%s", in->record, at.real) < (int)sizeof to &&
	    lstat(to, &st) == 0 && S_ISREG(st.st_mode) && !st.st_size)
		unlink(to);
}

char *probe_text(const struct probe_input *in, const char *path, size_t *n)
{
	size_t len;
	char *text = probe_text_private(in, path, &len);

	if (n)
		*n = len;
	if (in->record && text)
		probe_record(in, path, text, len);
	else if (in->record)
		forget(in, path);
	return text;
}

char *probe_text_lines(const struct probe_input *in, const char *path, const char *word)
{
	size_t n, used = 0;
	char *text = probe_text_private(in, path, &n), *kept = text && in->record ? arena_alloc(in->a, n + 1) : NULL;

	for (const char *p = text; kept && *p;) {
		size_t len = strcspn(p, "\n");
		const char *at = strstr(p, word);
		if (at && at < p + len) {
			memcpy(kept + used, p, len);
			used += len;
			kept[used++] = '\n';
		}
		p += len + (p[len] == '\n');
	}
	if (kept)
		probe_record(in, path, kept, used);
	return text;
}

char *probe_recorded(const struct probe_input *in, const char *name)
{
	char path[PATH_LEN], to[PATH_LEN];
	struct stat st;
	char *text;
	size_t n;

	if (!in->replay || !*name || *name == '.' || strchr(name, '/') ||
	    snprintf(path, sizeof path, "%s/%s", in->replay, name) >= (int)sizeof path ||
	    lstat(path, &st) < 0 || !S_ISREG(st.st_mode) || !(text = read_regular(in, path, &n)))
		return NULL;
	if (in->record && !recorded_path(to, in, "/", name))
		write_file(in, to, O_TRUNC, text, n);
	return text;
}

void probe_keep(const struct probe_input *in, const char *name, const char *text)
{
	char to[PATH_LEN];

	if (in->record && *name && *name != '.' && !strchr(name, '/') && !recorded_path(to, in, "/", name))
		write_file(in, to, O_APPEND, text, strlen(text));
}

/* What a listed name is: a link, a folder, or something else, kept as an empty file until it is read. */
static void keep_name(const struct probe_input *in, const struct place *at, const char *name)
{
	char real[PATH_LEN], full[PATH_LEN], to[PATH_LEN], target[PATH_LEN];
	struct stat st;
	ssize_t k;

	if (snprintf(real, sizeof real, "%s/%s", at->real, name) >= (int)sizeof real ||
	    snprintf(full, sizeof full, "%s/%s", at->full, name) >= (int)sizeof full || lstat(full, &st) < 0)
		return;
	if (S_ISLNK(st.st_mode) && strcmp(real, "/proc/self")) {
		if ((k = readlink(full, target, sizeof target - 1)) > 0) {
			target[k] = '\0';
			keep_link(in, real, target);
		}
	} else if (!recorded_path(to, in, "/root", real)) {
		if (S_ISDIR(st.st_mode) || S_ISLNK(st.st_mode)) {
			if (mkdir(to, 0755) < 0 && errno != EEXIST)
				failed(in);
		} else {
			write_file(in, to, 0, "", 0);    /* not truncated: it may have been read before */
		}
	}
}

const char *const *probe_list(const struct probe_input *in, const char *path)
{
	const char **list = NULL;
	struct place at;
	struct stat st;

	if (!find(&at, in, path, 1) && stat(at.full, &st) == 0 && S_ISDIR(st.st_mode) &&
	    dir_list(&list, in->a, at.full, "", 1, NULL) != OK)
		list = NULL;
	for (const char **p = list; in->record && p && *p; p++)
		keep_name(in, &at, *p);
	return list ? list : arena_array(in->a, 1, sizeof *list);
}

char *probe_link(const struct probe_input *in, const char *path)
{
	char target[PATH_LEN];
	struct place at;
	ssize_t k;

	if (find(&at, in, path, 0) || (k = readlink(at.full, target, sizeof target - 1)) <= 0)
		return NULL;
	target[k] = '\0';
	if (in->record)
		keep_link(in, at.real, target);
	while (k > 1 && target[k - 1] == '/')
		target[--k] = '\0';
	const char *slash = strrchr(target, '/');
	return arena_strdup(in->a, slash ? slash + 1 : target);
}

int probe_u64(uint64_t *out, const struct probe_input *in, const char *path)
{
	const char *text = probe_text(in, path, NULL);
	char *end;

	if (!text)
		return -1;
	text += strspn(text, " \t\n");
	if (*text < '0' || *text > '9')                  /* strtoull would take a sign */
		return -1;
	errno = 0;
	unsigned long long v = strtoull(text, &end, 0);
	if (errno || end[strspn(end, " \t\r\n")])
		return -1;
	*out = v;
	return 0;
}
