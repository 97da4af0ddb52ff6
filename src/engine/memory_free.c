/* memory_free.c - what is free now: asked before dummy weights or buffers are taken */
#include "engine/weights_private.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The number after `word` in a small file; 0 when there is none ("max" too). */
static uint64_t number_in(const char *path, const char *word)
{
	struct arena a = { 0 };
	struct error err;
	uint64_t v = 0;
	char *text;
	size_t n;

	if (file_read(&text, &n, &a, path, 65536, &err) == OK) {
		const char *p = strstr(text, word);
		v = p ? strtoull(p + strlen(word), NULL, 10) : 0;
	}
	arena_free(&a);
	return v;
}

uint64_t memory_free_now(void)
{
	uint64_t available = number_in("/proc/meminfo", "MemAvailable:") * 1024;
	/* version 2, of this process's own namespace */
	uint64_t limit = number_in("/sys/fs/cgroup/memory.max", ""), used = number_in("/sys/fs/cgroup/memory.current", "");
	/* pages of files count as used, a model's own among them, and go when they must */
	uint64_t files = number_in("/sys/fs/cgroup/memory.stat", "\ninactive_file ") + number_in("/sys/fs/cgroup/memory.stat", "\nactive_file ");

#ifdef _SC_AVPHYS_PAGES
	if (!available) {
		long pages = sysconf(_SC_AVPHYS_PAGES), size = sysconf(_SC_PAGESIZE);
		available = pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0;
	}
#endif
	used -= files < used ? files : used;
	if (limit && (!available || used >= limit || limit - used < available))
		available = used < limit ? limit - used : 1;
	return available;
}
