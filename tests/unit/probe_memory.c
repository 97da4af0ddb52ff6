/* probe_memory.c - memory of the host: meminfo, control groups, huge pages, GPU memory that Linux counts as its own */
#include "base/units.h"
#include "probe/probe.h"
#include "probe/probe_cgroup.h"

#include "../recording.h"
#include "../tap.h"

static struct arena arena;
static struct probed p;
static struct probed_memory *const m = &p.memory;

#define MEMINFO "MemTotal: 67108864 kB\nMemFree: 1048576 kB\nMemAvailable: 33554432 kB\nSwapTotal: 2048 kB\nSwapFree: 1024 kB\n"

static void probe(const char *replay)
{
	struct probe_input in = { .a = &arena, .replay = replay };

	p = (struct probed){ .n_gpus = 0 };
	probe_memory(&p, &in);
}

static void fresh(const char *meminfo)
{
	recording_new(&arena);
	recording_put("root/proc/meminfo", meminfo);
}

static void replay(void)
{
	probe(arena_printf(&arena, "%s/%u", recording_top, recording_n));
}

static void test_meminfo(void)
{
	fresh(MEMINFO);
	replay();
	ok(m->total == 64 * GIB && m->available == 32 * GIB && m->from == PROBE_PROC && !p.n_notes, "total and available");
	ok(m->swap_total == 2 * MIB && m->swap_free == MIB && !m->hugetlb && !m->limit && !m->limit_path, "swap; nothing set aside, no limit");
	fresh("MemTotal: 1024 kB\nMemFree: 512 kB\n");
	replay();
	ok(m->total == MIB && !m->available && p.n_notes == 1 && strstr(p.note[0], "MemAvailable"), "a kernel before 3.14: free memory is not available memory");
	fresh("MemTotal: 1024 kB\nMemAvailable: 2048 kB\n");
	replay();
	ok(m->available == MIB, "never more than there is");
	fresh("MemFree: 5 kB\n");
	replay();
	ok(!m->total && m->from == PROBE_NONE && p.n_notes == 1, "no MemTotal is said");
	fresh("MemTotal: 99999999999999999999 kB\n");
	replay();
	ok(!m->total, "an impossible total");
	recording_new(&arena);
	replay();
	ok(!m->total && !p.n_notes, "no /proc: unknown");
	fresh(MEMINFO "HugePages_Total: 4\nHugepagesize: 1048576 kB\n");
	replay();
	is_u64(m->hugetlb, 4 * GIB, "huge pages set aside");
	fresh(MEMINFO "HugePages_Total: 4\nHugepagesize: 2048 kB\nHugetlb: 2097152 kB\n");
	replay();
	is_u64(m->hugetlb, 2 * GIB, "of all sizes, where the kernel says so");
}

static void test_v2(void)
{
	fresh(MEMINFO);
	recording_put("root/proc/self/cgroup", "0::/a.slice/b.scope\n");
	recording_put("root/sys/fs/cgroup/a.slice/b.scope/memory.max", "max\n");
	recording_put("root/sys/fs/cgroup/a.slice/memory.max", "8589934592\n");
	recording_put("root/sys/fs/cgroup/a.slice/memory.current", "3221225472\n");
	recording_put("root/sys/fs/cgroup/a.slice/memory.stat", "anon 5\ninactive_file 536870912\nactive_file 536870912\n");
	replay();
	ok(m->limit == 8 * GIB && m->used == 3 * GIB && m->cache == GIB, "an ancestor's limit, and what of it is cache");
	is_str(m->limit_path, "/a.slice", "which one");
	is_u64(m->available, 6 * GIB, "available is what it has left");
	recording_put("root/sys/fs/cgroup/a.slice/b.scope/memory.high", "4294967296\n");
	recording_put("root/sys/fs/cgroup/a.slice/b.scope/memory.current", "1073741824\n");
	replay();
	ok(m->limit == 4 * GIB && m->used == GIB && m->available == 3 * GIB, "memory.high is a limit");
	is_str(m->limit_path, "/a.slice/b.scope", "of our own group");
	recording_put("root/sys/fs/cgroup/a.slice/memory.current", "8053063680\n");
	replay();
	ok(m->limit == 4 * GIB && m->available == 3 * GIB / 2, "others of the group above have taken more");
	ok(p.n_notes == 1 && strstr(p.note[0], "/a.slice above it"), "and a note says so");
	recording_put("root/sys/fs/cgroup/a.slice/b.scope/memory.current", "9663676416\n");
	replay();
	is_u64(m->available, 1, "nothing left is not unknown");
	recording_put("root/sys/fs/cgroup/a.slice/b.scope/memory.high", "max\n");
	recording_put("root/sys/fs/cgroup/a.slice/memory.max", "137438953472\n");
	replay();
	ok(!m->limit && m->available == 32 * GIB, "a limit above all memory is none");
	recording_put("root/proc/self/cgroup", "0::/../../outside\n");
	recording_put("root/sys/fs/cgroup/memory.max", "2147483648\n");
	recording_put("root/sys/fs/cgroup/memory.current", "1073741824\n");
	replay();
	ok(m->limit == 2 * GIB && m->available == GIB && !strcmp(m->limit_path, "/"), "a path that only the outside knows: the mounted root is ours");
	recording_put("root/proc/self/cgroup", "0::/not/there\n");
	replay();
	is_u64(m->limit, 2 * GIB, "and one that is not there");
}

static void test_v1(void)
{
	fresh(MEMINFO);
	recording_put("root/proc/self/cgroup", "9:cpu,cpuacct:/x\n4:hugetlb,memory:/docker/abc/job\n0::/\n");
	recording_put("root/proc/self/mountinfo",
		"1 0 0:1 /docker/abc /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu,cpuacct\n"
		"2 0 0:2 /docker/abc /somewhere\\040else ro,nosuid shared:3 master:4 - cgroup cgroup rw,hugetlb,memory\n");
	recording_put("root/somewhere else/job/memory.limit_in_bytes", "9223372036854771712\n");
	recording_put("root/somewhere else/memory.limit_in_bytes", "4294967296\n");
	recording_put("root/somewhere else/memory.usage_in_bytes", "3221225472\n");
	recording_put("root/somewhere else/memory.stat", "inactive_file 1\ntotal_inactive_file 1073741824\ntotal_active_file 0\n");
	replay();
	ok(m->limit == 4 * GIB && m->used == 3 * GIB && m->cache == GIB && m->available == 2 * GIB, "v1, mounted where mountinfo says");
}

static void test_texts(void)
{
	struct cgroup g = { .version = 1 };
	uint64_t v;

	ok(!cgroup_path(g.path, sizeof g.path, &g.version, "0::/user.slice/a.scope\n", "memory") && g.version == 2 &&
		!strcmp(g.path, "/user.slice/a.scope"), "v2");
	ok(!cgroup_path(g.path, sizeof g.path, &g.version, "9:cpu,cpuacct:/x\n4:memory:/y/z\n0::/\n", "memory") && g.version == 1 &&
		!strcmp(g.path, "/y/z"), "hybrid: the controller that v1 names");
	ok(!cgroup_path(g.path, sizeof g.path, &g.version, "9:cpu,cpuacct:/x\n0::/\n", "cpu") && !strcmp(g.path, "/x"), "one of several");
	ok(!cgroup_path(g.path, sizeof g.path, &g.version, "9:cpuacct:/x\n0::/r\n", "cpu") && g.version == 2, "not one that begins alike");
	ok(cgroup_path(g.path, sizeof g.path, &g.version, "4:cpu:/y\n", "memory") && cgroup_path(g.path, sizeof g.path, &g.version, "rubbish", "memory") &&
		cgroup_path(g.path, 3, &g.version, "0::/long\n", "memory"), "none, rubbish, too long");
	ok(!cgroup_bytes(&v, "4294967296\n") && v == UINT64_C(1) << 32, "a limit");
	ok(cgroup_bytes(&v, "max\n") && cgroup_bytes(&v, "9223372036854771712\n") && cgroup_bytes(&v, "") && cgroup_bytes(&v, NULL), "no limit");
	g = (struct cgroup){ .version = 2, .path = "/kube/pod" };
	ok(!cgroup_mount(&g, "30 20 0:26 /kube /cg rw - cgroup2 none rw\n", "memory") && !strcmp(g.mount, "/cg") && !strcmp(g.path, "/pod"),
		"a path as seen from the mount");
	g = (struct cgroup){ .version = 2, .path = "/kubernetes" };
	ok(!cgroup_mount(&g, "30 20 0:26 /kube /cg rw - cgroup2 none rw\n", "memory") && !g.path[0], "a name that begins alike is another group");
	ok(cgroup_mount(&g, "30 20 0:26 / /proc rw - proc proc rw\n", "memory") && cgroup_mount(&g, "", "memory") &&
		cgroup_mount(&g, "30 20 - cgroup2", "memory"), "no such mount");
}

/* Grace Hopper: the nodes of the GPUs leave the host's sum. */
static void test_gpu_nodes(void)
{
	fresh(MEMINFO);
	recording_put("root/proc/driver/nvidia/gpus/0009:01:00.0/numa_status", "Node:      1\nStatus:    online\n");
	recording_put("root/sys/devices/system/node/node1/meminfo", "Node 1 MemTotal:  16777216 kB\nNode 1 MemFree:   8388608 kB\n");
	replay();
	ok(m->total == 48 * GIB && m->available == 24 * GIB && p.n_notes == 1, "a GPU's node is not the host's memory");
	recording_put("root/proc/driver/nvidia/gpus/0009:01:00.0/numa_status", "Node:      1\nStatus:    disabled\n");
	replay();
	is_u64(m->total, 64 * GIB, "one that is not online is in no sum");
}

static void test_machines(void)
{
	probe("tests/machines/server-2-socket");
	ok(m->total == 97445600 * KIB && m->available == 83337000 * KIB && m->hugetlb == 8 * GIB && !m->limit, "server-2-socket");
	probe("tests/machines/server-old-dimms");
	ok(m->total == 32836008 * KIB && !m->available && p.n_notes == 1, "server-old-dimms: Linux before 3.14");
	probe("tests/machines/container-memory-limit");
	ok(m->limit == 16 * GIB && m->used == 9 * GIB && m->cache == 6 * GIB && m->available == 13 * GIB, "container-memory-limit");
	probe("tests/machines/container-cgroup-v1");
	ok(m->limit == 8 * GIB && m->used == 7 * GIB && m->cache == 4 * GIB && m->available == 5 * GIB, "container-cgroup-v1");
}

static void test_live(void)
{
	struct probe_input in = { .a = &arena };

	p = (struct probed){ .n_gpus = 0 };
	probe_memory(&p, &in);
	FILE *f = fopen("/proc/meminfo", "r");
	unsigned long long kib = 0;
	if (f && fscanf(f, "MemTotal: %llu", &kib) == 1)
		ok(m->total <= kib * KIB && m->total > 0 && m->available <= m->total, "this machine");
	else
		skip("no /proc/meminfo", "this machine");
	if (f)
		fclose(f);
}

int main(void)
{
	test_meminfo();
	test_v2();
	test_v1();
	test_texts();
	test_gpu_nodes();
	test_machines();
	test_live();
	ok(!arena.failed, "memory sufficed");
	recording_end();
	arena_free(&arena);
	return done_testing();
}
