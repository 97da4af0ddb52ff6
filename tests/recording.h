/* recording.h - small recordings of machines that a test writes, replays and throws away */
#ifndef RECORDING_H
#define RECORDING_H

#include "probe/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char recording_top[64];
static unsigned recording_n;

/* A new, empty recording; files go into the newest. */
static inline const char *recording_new(struct arena *a)
{
	if (!recording_top[0]) {
		const char *tmp = getenv("TMPDIR");
		snprintf(recording_top, sizeof recording_top, "%s/ullage-recording-XXXXXX", tmp && strlen(tmp) < 30 ? tmp : "/tmp");
		if (!mkdtemp(recording_top)) {
			perror(recording_top);
			exit(1);
		}
	}
	char *path = arena_printf(a, "%s/%u", recording_top, ++recording_n);
	if (mkdir(path, 0755)) {
		perror(path);
		exit(1);
	}
	return path;
}

/* path: below the recording's folder, "root/proc/meminfo". */
static inline void recording_bytes(const char *path, const void *p, size_t n)
{
	char full[512];

	snprintf(full, sizeof full, "%s/%u/%s", recording_top, recording_n, path);
	for (char *at = strchr(full + strlen(recording_top) + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		mkdir(full, 0755);
		*at = '/';
	}
	FILE *f = fopen(full, "w");
	if (!f || fwrite(p, 1, n, f) != n || fclose(f)) {
		perror(full);
		exit(1);
	}
}
static inline void recording_put(const char *path, const char *text) { recording_bytes(path, text, strlen(text)); }

static inline void recording_end(void)
{
	char command[96];

	snprintf(command, sizeof command, "rm -rf '%s'", recording_top);
	if (recording_top[0] && system(command))
		fprintf(stderr, "%s is left behind\n", recording_top);
}

#endif
