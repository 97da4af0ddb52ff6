/* numa.c - memory nodes, from the files of Linux, and its calls for memory policy */
#ifdef __linux__
#define _GNU_SOURCE 1                    /* syscall */
#endif
#include "base/numa.h"

#include "base/cpu_order.h"

#include <stdio.h>
#include <string.h>
#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

enum { MOST = 1024 };                    /* processors */

/* "0-3,8,10-11": marks what is listed among the n processors. */
static void mark(unsigned char *node, unsigned char number, const unsigned *cpu, unsigned n, FILE *f)
{
	unsigned from, to;

	while (fscanf(f, "%u", &from) == 1) {
		int c = fgetc(f);
		to = from;
		if (c == '-' && fscanf(f, "%u", &to) == 1)
			c = fgetc(f);
		for (unsigned i = 0; i < n; i++)
			if (cpu[i] >= from && cpu[i] <= to)
				node[i] = number;
		if (c != ',')
			return;
	}
}

uint64_t numa_of(unsigned char *node, const unsigned *cpu, unsigned n, const char *folder)
{
	uint64_t set = 0;
	char path[512];

	memset(node, 0, n);
	for (unsigned k = 0; k < NUMA_NODES; k++) {
		FILE *f = snprintf(path, sizeof path, "%s/node%u/cpulist", folder ? folder : "/sys/devices/system/node", k) < (int)sizeof path ? fopen(path, "r") : NULL;
		if (f) {
			mark(node, (unsigned char)k, cpu, n, f);
			fclose(f);
		}
	}
	for (unsigned i = 0; i < n; i++)
		set |= UINT64_C(1) << node[i];
	return set ? set : 1;
}

uint64_t numa_group(unsigned *cpu, unsigned n, const char *folder)
{
	unsigned char node[MOST];
	unsigned was[MOST], at = 0;

	if (n > MOST)
		return 1;
	const uint64_t set = numa_of(node, cpu, n, folder);
	memcpy(was, cpu, n * sizeof *cpu);
	for (unsigned k = 0; k < NUMA_NODES; k++)
		for (unsigned i = 0; i < n; i++)
			if (node[i] == k)
				cpu[at++] = was[i];
	return set;
}

uint64_t numa_here(void)
{
	unsigned char node[MOST];
	unsigned cpu[MOST];

	return numa_of(node, cpu, cpu_order(cpu, MOST), NULL);
}

#if defined __linux__ && defined SYS_mbind && defined SYS_get_mempolicy
enum { POLICY_DEFAULT = 0, POLICY_INTERLEAVE = 3 };      /* of linux/mempolicy.h, which libnuma's users have and others may not */

int numa_bind(void *at, uint64_t bytes, uint64_t nodes)
{
	enum { BITS = 8 * sizeof(unsigned long) };
	unsigned long set[NUMA_NODES / BITS] = { 0 };

	for (unsigned i = 0; i < NUMA_NODES; i++)
		if (nodes >> i & 1)
			set[i / BITS] |= 1ul << i % BITS;
	/* the kernel reads one bit less than it is told of */
	return syscall(SYS_mbind, at, (unsigned long)bytes, POLICY_INTERLEAVE, set, NUMA_NODES + 1ul, 0u) ? -1 : 0;
}

static int chosen(void)
{
	int policy = POLICY_DEFAULT;

	return !syscall(SYS_get_mempolicy, &policy, NULL, 0ul, NULL, 0ul) && policy != POLICY_DEFAULT;
}
#else
int numa_bind(void *at, uint64_t bytes, uint64_t nodes)
{
	(void)at, (void)bytes, (void)nodes;
	return -1;
}
static int chosen(void) { return 0; }
#endif

int numa_spread(void *at, uint64_t bytes, uint64_t nodes, numa_bind_fn *bind)
{
	if (!bytes || !(nodes & (nodes - 1)) || chosen())
		return 0;
	return !(bind ? bind : numa_bind)(at, bytes, nodes);
}
