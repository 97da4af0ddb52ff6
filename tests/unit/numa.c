/* numa.c - which processors share a memory node, in which order threads take them, and pages spread over nodes: on recorded machines, and what this system grants */
#ifdef __linux__
#define _GNU_SOURCE 1
#endif
#include "../tap.h"

#include "base/cpu_order.h"
#include "base/numa.h"

#include <sys/mman.h>
#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

#define MACHINE(name, folder) "tests/machines/" name "/root/sys/devices/system/" folder

static const char *list(const unsigned *cpu, unsigned n)
{
	static char text[256];

	*text = 0;
	for (unsigned i = 0; i < n; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%u", i ? " " : "", cpu[i]);
	return text;
}

static void nodes(void)
{
	unsigned cpu[32];
	unsigned char node[32];

	for (unsigned i = 0; i < 32; i++)
		cpu[i] = i;
	is_u64(numa_of(node, cpu, 32, MACHINE("server-2-socket", "node")), 3, "two sockets: two nodes");
	ok(node[0] == 0 && node[7] == 0 && node[8] == 1 && node[15] == 1 && node[16] == 0 && node[23] == 0 && node[24] == 1 && node[31] == 1, "0-7,16-23 and 8-15,24-31");
	is_u64(numa_of(node, cpu, 16, MACHINE("server-numa-4", "node")), 15, "a socket of four nodes");
	is_u64(numa_of(node, cpu + 4, 4, MACHINE("server-numa-4", "node")), 2, "four processors of one of them");
	is_u64(numa_of(node, cpu, 20, MACHINE("gb10", "node")), 1, "one node");
	is_u64(numa_of(node, cpu, 4, "/nonexistent"), 1, "a system that says nothing: one node");
	ok(!node[0] && !node[3], "number 0");
	is_u64(numa_of(node, cpu, 0, MACHINE("server-numa-4", "node")), 1, "no processors: one node");

	unsigned few[6] = { 0, 4, 8, 12, 1, 5 };
	is_u64(numa_group(few, 6, MACHINE("server-numa-4", "node")), 15, "four nodes");
	is_str(list(few, 6), "0 1 4 5 8 12", "processors of one node side by side");
	unsigned other[5] = { 9, 1, 8, 0, 16 };
	is_u64(numa_group(other, 5, MACHINE("server-2-socket", "node")), 3, "two nodes");
	is_str(list(other, 5), "1 0 16 9 8", "in the order they had");
}

/* The first so many are spread over the nodes, also within one package. */
static void order(void)
{
	unsigned may[16], cpu[16];

	for (unsigned i = 0; i < 16; i++)
		may[i] = i;
	is_u64(cpu_order_from(cpu, 6, MACHINE("server-numa-4", "cpu"), may, 16), 6, "six of sixteen processors");
	unsigned on = 0;
	for (unsigned i = 0; i < 4; i++)
		on |= 1u << cpu[i] / 4;
	ok(on == 15, "the first four of the list are on four nodes: %s", list(cpu, 6));
	is_u64(cpu_order_from(cpu, 16, MACHINE("server-numa-4", "cpu"), may + 4, 4), 4, "those of one node");
	is_str(list(cpu, 4), "4 5 6 7", "in order");
}

static struct { void *at; uint64_t bytes, nodes; unsigned calls; int rc; } seen;
static int fake(void *at, uint64_t bytes, uint64_t set)
{
	seen.at = at;
	seen.bytes = bytes;
	seen.nodes = set;
	seen.calls++;
	return seen.rc;
}

static void spread(void)
{
	static char page[4096];

	ok(!numa_spread(page, 4096, 1, fake) && !numa_spread(page, 4096, 8, fake) && !numa_spread(page, 4096, 0, fake) && !numa_spread(page, 0, 3, fake) && !seen.calls,
		"one node, or nothing to place: nothing is asked for");
#ifdef __linux__
	int policy = 0;
	if (!syscall(SYS_get_mempolicy, &policy, NULL, 0ul, NULL, 0ul) && policy) {
		skip("this test runs under a policy of its own", "two nodes");
		return;
	}
#endif
	ok(numa_spread(page, 4096, 5, fake) && seen.calls == 1 && seen.at == page && seen.bytes == 4096 && seen.nodes == 5, "two nodes: asked for, once");
	seen.rc = -1;
	ok(!numa_spread(page, 4096, 5, fake) && seen.calls == 2, "refused: said");
#ifdef __linux__
	/* whoever chose a policy is left alone */
	unsigned long set = 1;
	if (syscall(SYS_set_mempolicy, 2 /* bind */, &set, 65ul)) {
		skip("the system does not let policies be set", "a policy that somebody chose");
		return;
	}
	ok(!numa_spread(page, 4096, 5, fake) && seen.calls == 2, "a thread with a policy: left alone");
	ok(!syscall(SYS_set_mempolicy, 0, NULL, 0ul), "put back");
#endif
}

/* The kernel's own answer about a page that was asked for. Machines of one node interleave over one. */
static void kernel(void)
{
#ifdef __linux__
	const uint64_t bytes = 1 << 20;
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const uint64_t here = numa_here();
	unsigned long set[16] = { 0 };
	int policy = -1;

	ok(here != 0, "this machine has nodes");
	if (p == MAP_FAILED || numa_bind(p, bytes, here)) {
		skip("the system does not let memory be placed", "a policy of pages");
	} else {
		*(volatile char *)p = 1;
		if (syscall(SYS_get_mempolicy, &policy, set, 1024ul, p, 2ul /* of this address */))
			skip("the system does not say", "a policy of pages");
		else
			ok(policy == 3 && set[0] == here, "the kernel interleaves over node set %lx, policy %d", set[0], policy);
		ok(numa_bind((char *)p + 1, bytes, here) == -1, "an address within a page is refused");
	}
	if (p != MAP_FAILED)
		munmap(p, bytes);
#else
	skip("not on this system", "a policy of pages");
#endif
}

static void quota(void)
{
	char folder[] = "/tmp/ullage-quota-XXXXXX", command[256];
	static const struct { const char *text; unsigned want; } v2[] = { { "max 100000", 0 }, { "400000 100000", 4 }, { "250000 100000", 3 }, { "50000 100000", 1 }, { "", 0 }, { "100000 0", 0 } };

	is_u64(cpu_quota("tests/machines/container-memory-limit/root/sys/fs/cgroup"), 4, "a container of four processors");
	is_u64(cpu_quota("/nonexistent"), 0, "no control groups");
	if (!mkdtemp(folder)) {
		ok(0, "no folder");
		return;
	}
	for (unsigned i = 0; i < sizeof v2 / sizeof *v2; i++) {
		char path[64];
		snprintf(path, sizeof path, "%s/cpu.max", folder);
		FILE *f = fopen(path, "w");
		if (f)
			fputs(v2[i].text, f), fclose(f);
		ok(cpu_quota(folder) == v2[i].want, "\"%s\": %u", v2[i].text, v2[i].want);
	}
	snprintf(command, sizeof command, "cd %s && rm cpu.max && mkdir cpu && echo -1 > cpu/cpu.cfs_quota_us && echo 100000 > cpu/cpu.cfs_period_us", folder);
	char set[128];
	snprintf(set, sizeof set, "echo 250000 > %s/cpu/cpu.cfs_quota_us", folder);
	if (ok(system(command) == 0, "version 1"))
		ok(cpu_quota(folder) == 0 && system(set) == 0 && cpu_quota(folder) == 3, "-1 is no limit, 2.5 processors are three threads");
	snprintf(command, sizeof command, "rm -r %s", folder);
	ok(system(command) == 0, "cleaned up");
}

int main(void)
{
	nodes();
	order();
	spread();
	kernel();
	quota();
	return done_testing();
}
