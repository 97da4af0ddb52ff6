/* cpu_order.c - processors in the order of use, from the affinity mask and the topology files of Linux */
#ifdef __linux__
#define _GNU_SOURCE 1                    /* sched_getaffinity */
#endif
#include "base/cpu_order.h"

#include "base/numa.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST = 1024 };

struct place { unsigned cpu, rank, turn, group; };       /* rank: which thread of its core; group: memory node, or package; turn: which core of its group, among those of its rank */

/* The first number of a file such as "3", "0-1" or "0,64"; `other` when it cannot be read. */
static unsigned first_number(const char *folder, unsigned cpu, const char *name, unsigned other)
{
	char path[512];
	unsigned v;

	if (snprintf(path, sizeof path, "%s/cpu%u/topology/%s", folder, cpu, name) >= (int)sizeof path)
		return other;
	FILE *f = fopen(path, "r");
	if (!f || fscanf(f, "%u", &v) != 1)
		v = other;
	if (f)
		fclose(f);
	return v;
}

static int before(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if (x->turn != y->turn)
		return x->turn < y->turn ? -1 : 1;
	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	return (x->cpu > y->cpu) - (x->cpu < y->cpu);
}

unsigned cpu_order_from(unsigned *cpu, unsigned max, const char *folder, const unsigned *may, unsigned n)
{
	struct place *p = calloc(n ? n : 1, sizeof *p);
	unsigned *core = calloc(n ? n : 1, sizeof *core), k = 0;
	unsigned char *node = calloc(n ? n : 1, 1);
	uint64_t nodes = 0;
	char beside[512];

	if (!p || !core || !node)
		n = 0;
	if (n && snprintf(beside, sizeof beside, "%s/../node", folder) < (int)sizeof beside)
		nodes = numa_of(node, may, n, beside);
	/* a core is named by its first thread */
	for (unsigned i = 0; i < n; i++) {
		p[i].cpu = may[i];
		/* a package may have several nodes, each with memory of its own */
		p[i].group = nodes & (nodes - 1) ? node[i] : first_number(folder, may[i], "physical_package_id", 0);
		core[i] = first_number(folder, may[i], "thread_siblings_list", may[i]);
		for (unsigned j = 0; j < i; j++)
			p[i].rank += core[j] == core[i];
	}
	for (unsigned i = 0; i < n; i++)
		for (unsigned j = 0; j < i; j++)
			p[i].turn += p[j].group == p[i].group && p[j].rank == p[i].rank;
	if (n)
		qsort(p, n, sizeof *p, before);
	for (; k < n && k < max; k++)
		cpu[k] = p[k].cpu;
	free(p);
	free(core);
	free(node);
	return k;
}

unsigned cpu_order(unsigned *cpu, unsigned max)
{
#ifdef __linux__
	unsigned may[MOST], n = 0;
	cpu_set_t set;

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof set, &set))
		return 0;
	for (unsigned i = 0; i < CPU_SETSIZE && n < MOST; i++)
		if (CPU_ISSET(i, &set))
			may[n++] = i;
	return cpu_order_from(cpu, max, "/sys/devices/system/cpu", may, n);
#else
	(void)cpu;
	(void)max;
	return 0;
#endif
}

/* How many of two numbers a file begins with. */
static int two_numbers(long *a, long *b, const char *folder, const char *name)
{
	char path[512];
	FILE *f = snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path ? fopen(path, "r") : NULL;
	int n = f ? fscanf(f, "%ld %ld", a, b) : 0;

	if (f)
		fclose(f);
	return n;
}

/* Microseconds in each period: "200000 100000" in version 2, "max" when there is no limit; apart in version 1, and then -1. */
unsigned cpu_quota(const char *folder)
{
	long quota = 0, period = 0, unused;

	if (!folder)
		folder = "/sys/fs/cgroup";
	if (two_numbers(&quota, &period, folder, "cpu.max") != 2 &&
	    (two_numbers(&quota, &unused, folder, "cpu/cpu.cfs_quota_us") < 1 || two_numbers(&period, &unused, folder, "cpu/cpu.cfs_period_us") < 1))
		return 0;
	return quota > 0 && period > 0 && quota / period < MOST ? (unsigned)((quota + period - 1) / period) : 0;
}
