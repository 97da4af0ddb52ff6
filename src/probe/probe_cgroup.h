/* probe_cgroup.h - where this process is in the trees of control groups, v1 and v2. */
#ifndef PROBE_CGROUP_H
#define PROBE_CGROUP_H

#include "probe/probe.h"

enum { CGROUP_PATH = 1024, CGROUP_LEVELS = 64 };

/* One controller's group as this process sees it: files are MOUNT PATH "/" NAME, PATH "" for the mounted root. */
struct cgroup {
	unsigned version;                        /* 1 or 2 */
	char mount[CGROUP_PATH], path[CGROUP_PATH];
};
/* The group that `controller` ("memory", "cpu") counts this process in. A hybrid machine has lines of both versions in
 * /proc/self/cgroup: a controller that v1 names there is v1's. 0, or -1: there is none. */
int cgroup_find(struct cgroup *out, const struct probe_input *in, const char *controller);
/* A file of that group; NULL. The text lives in in->a. */
char *cgroup_text(const struct cgroup *g, const struct probe_input *in, const char *name);
/* One level up; 0 when g was the mounted root already. */
int cgroup_up(struct cgroup *g);

/* Pure parts. The path of a controller in the text of /proc/self/cgroup. 0 or -1. */
int cgroup_path(char *out, size_t n, unsigned *version, const char *text, const char *controller);
/* Where /proc/self/mountinfo says it is mounted, and path seen from there. 0, or -1 when it says nothing of it. */
int cgroup_mount(struct cgroup *g, const char *text, const char *controller);
/* memory.max, memory.limit_in_bytes, memory.current, ...: bytes. -1: "max", or more than any machine has (v1's "no limit"). */
int cgroup_bytes(uint64_t *out, const char *text);

#endif
