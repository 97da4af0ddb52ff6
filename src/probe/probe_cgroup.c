/* probe_cgroup.c - control groups: whose limits count for this process
 *
 * What /proc/self/cgroup names is a path in the whole tree; what is mounted may begin further down (a container of Docker on v1
 * has its own group bind-mounted on /sys/fs/cgroup/memory): /proc/self/mountinfo tells both. A path that only the outside knows
 * ("/../.." from inside a namespace, or one that is not there) leaves the root of what is mounted, which then is our own group.
 * Formats: cgroups(7), proc_pid_mountinfo(5). */
#include "probe/probe_cgroup.h"

#include "probe/proc_text.h"

#include <stdio.h>
#include <string.h>

/* Whether a list with commas (of n bytes) names the word. */
static int names(const char *list, size_t n, const char *word)
{
	size_t k = strlen(word);

	for (const char *end = list + n; list < end;) {
		const char *comma = memchr(list, ',', (size_t)(end - list));
		size_t len = (size_t)((comma ? comma : end) - list);
		if (len == k && !memcmp(list, word, k))
			return 1;
		list += len + 1;
	}
	return 0;
}

static int copy(char *out, size_t n, const char *p, size_t len)
{
	if (len >= n)
		return -1;
	memcpy(out, p, len);
	out[len] = '\0';
	return 0;
}

int cgroup_path(char *out, size_t n, unsigned *version, const char *text, const char *controller)
{
	const char *unified = NULL;

	for (const char *p = text; p; p = proc_next(p)) {
		size_t len = strcspn(p, "\n");
		const char *first = memchr(p, ':', len), *second = first ? memchr(first + 1, ':', len - (size_t)(first + 1 - p)) : NULL;
		if (!second)
			continue;
		if (second == first + 1) {
			unified = second + 1;
		} else if (names(first + 1, (size_t)(second - first - 1), controller)) {
			*version = 1;
			return copy(out, n, second + 1, strcspn(second + 1, "\n"));
		}
	}
	if (!unified)
		return -1;
	*version = 2;
	return copy(out, n, unified, strcspn(unified, "\n"));
}

/* A field of mountinfo: blanks are written \040, and so on. */
static int unescape(char *out, size_t n, const char *p, size_t len)
{
	size_t k = 0;

	for (size_t i = 0; i < len; k++) {
		unsigned c = (unsigned char)p[i++];
		if (k + 1 >= n)
			return -1;
		if (c == '\\' && len - i >= 3 && p[i] >= '0' && p[i] <= '3' && p[i + 1] >= '0' && p[i + 1] <= '7' &&
		    p[i + 2] >= '0' && p[i + 2] <= '7') {
			c = (unsigned)(p[i] - '0') << 6 | (unsigned)(p[i + 1] - '0') << 3 | (unsigned)(p[i + 2] - '0');
			i += 3;
		}
		out[k] = (char)c;
	}
	out[k] = '\0';
	return 0;
}

/* "36 35 0:31 ROOT MOUNT OPTIONS [TAGS...] - TYPE SOURCE SUPER": the fields that matter. 0, or -1: another form. */
static int mount_line(const char *field[4], size_t len[4], const char *p)
{
	static const uint8_t before[] = { 3, 4 };        /* ROOT, MOUNT */
	const char *end = p + strcspn(p, "\n"), *dash = NULL;
	unsigned n = 0, got = 0;

	for (; p < end; n++) {
		size_t k = strcspn(p, " \n");
		if (!dash && got < 2 && n == before[got]) {
			field[got] = p;
			len[got++] = k;
		} else if (!dash && n > 5 && k == 1 && *p == '-') {
			dash = p;
			n = 100;
		} else if (dash && (n == 101 || n == 103)) {     /* TYPE, SUPER */
			field[got] = p;
			len[got++] = k;
		}
		p += k + (p + k < end);
		if (!k)
			break;
	}
	return got == 4 ? 0 : -1;
}

int cgroup_mount(struct cgroup *g, const char *text, const char *controller)
{
	const char *type = g->version == 2 ? "cgroup2" : "cgroup";
	char root[CGROUP_PATH], at[CGROUP_PATH];
	const char *field[4];
	size_t len[4];

	for (const char *p = text; p; p = proc_next(p)) {
		if (mount_line(field, len, p) || len[2] != strlen(type) || memcmp(field[2], type, len[2]) ||
		    (g->version == 1 && !names(field[3], len[3], controller)) ||
		    unescape(root, sizeof root, field[0], len[0]) || unescape(at, sizeof at, field[1], len[1]))
			continue;
		size_t n = strlen(root);
		if (n == 1 && *root == '/')
			n = 0;
		if (n && (strncmp(g->path, root, n) || (g->path[n] && g->path[n] != '/')))
			g->path[0] = '\0';
		else
			memmove(g->path, g->path + n, strlen(g->path + n) + 1);
		if (copy(g->mount, sizeof g->mount, at, strlen(at)))
			continue;
		return 0;
	}
	return -1;
}

int cgroup_find(struct cgroup *out, const struct probe_input *in, const char *controller)
{
	const char *text = probe_text(in, "/proc/self/cgroup", NULL);

	*out = (struct cgroup){ 0 };
	if (!text || cgroup_path(out->path, sizeof out->path, &out->version, text, controller))
		return -1;
	text = probe_text_lines(in, "/proc/self/mountinfo", " - cgroup");
	if (!text || cgroup_mount(out, text, controller))        /* where every distribution has them */
		snprintf(out->mount, sizeof out->mount, "/sys/fs/cgroup%s%s", out->version == 1 ? "/" : "", out->version == 1 ? controller : "");
	if (strstr(out->path, "/..") || out->path[0] != '/' || !strcmp(out->path, "/"))
		out->path[0] = '\0';
	return 0;
}

char *cgroup_text(const struct cgroup *g, const struct probe_input *in, const char *name)
{
	const char *path = arena_printf(in->a, "%s%s/%s", g->mount, g->path, name);

	return path ? probe_text(in, path, NULL) : NULL;
}

int cgroup_up(struct cgroup *g)
{
	char *slash = strrchr(g->path, '/');

	if (!slash)
		return 0;
	*slash = '\0';
	return 1;
}

int cgroup_bytes(uint64_t *out, const char *text)
{
	/* v1 writes PAGE_COUNTER_MAX (2^63 less a page) for "no limit"; 2^60 is more than any machine has */
	return proc_number(out, text) || *out >= UINT64_C(1) << 60 ? -1 : 0;
}
