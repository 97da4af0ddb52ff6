/* fuzz_proc.c - any text as the files of /proc and /sys that hosts are read from: counts stay within the text
 *
 * The first byte chooses the file. */
#include "probe/probe_cgroup.h"
#include "probe/probe_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct cpu_text cpu;
static struct cpu_set one, two;

static void check_cpuinfo(const char *text, size_t lines)
{
	cpu_text_read(&cpu, text);
	if (cpu.threads > lines || cpu.cores > lines || cpu.packages > lines || cpu.n_kinds > CPU_KINDS ||
	    !memchr(cpu.name, 0, sizeof cpu.name) || !memchr(cpu.system, 0, sizeof cpu.system) || cpu.isa >> ISAS || (cpu.isa && !cpu.isa_known))
		abort();
}

/* A set written as a list again reads the same. */
static void check_sets(const char *text)
{
	static char list[CPUS * 6];
	size_t n = 0;

	if (cpu_set_list(&one, text) && cpu_set_mask(&one, text))
		return;
	for (uint32_t i = cpu_set_first(&one); i < CPUS; i++)
		if (cpu_set_has(&one, i))
			n += (size_t)snprintf(list + n, sizeof list - n, "%s%u", n ? "," : "", (unsigned)i);
	list[n] = '\0';
	if (cpu_set_list(&two, list) || memcmp(&one, &two, sizeof one))
		abort();
}

static void check_cgroup(const char *text, size_t size)
{
	struct cgroup g = { .version = 0 };
	uint64_t v;

	if (!cgroup_path(g.path, sizeof g.path, &g.version, text, "memory") && (g.version < 1 || g.version > 2 || strlen(g.path) > size))
		abort();
	for (unsigned version = 1; version <= 2; version++) {
		g.version = version;
		strcpy(g.path, "/docker/abc");
		if (!cgroup_mount(&g, text, "cpu") && (strlen(g.mount) > size || strlen(g.path) > strlen("/docker/abc")))
			abort();
	}
	if (!cgroup_bytes(&v, text) && v >> 60)
		abort();
	for (unsigned i = 0; i < 2000 && cgroup_up(&g); i++)
		if (i > CGROUP_PATH)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = size ? malloc(size) : NULL;
	size_t lines = 1;

	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	if (data[0] % 3 == 0)
		check_cpuinfo(text, lines);
	else if (data[0] % 3 == 1)
		check_sets(text);
	else
		check_cgroup(text, size);
	free(text);
	return 0;
}
