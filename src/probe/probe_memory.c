/* probe_memory.c - how much memory the host has, and how much of it this process may still use
 *
 * Sources: /proc/meminfo (proc_meminfo(5)), memory control groups (cgroups(7); Documentation/admin-guide/cgroup-v2.rst and
 * cgroup-v1/memory.rst of Linux), /proc/driver/nvidia/gpus for GPU memory that the kernel counts as the host's. */
#include "probe/probe.h"

#include "base/units.h"
#include "probe/probe_cgroup.h"
#include "probe/probe_host.h"

#include <string.h>

/* What a group is charged that the kernel would drop to make room. Files' pages, of both lists: pages of a file that was read twice
 * (downloaded, then summed) are "active" and dropped as well, after those that are not. MemAvailable counts both lists (si_mem_available()
 * of mm/page_alloc.c), and what a group has left should mean the same. Counting inactive_file alone, as cAdvisor's working set
 * does, would call a container full that has just downloaded a model. tmpfs and shared memory are on neither list. */
static uint64_t file_cache(const char *stat)
{
	static const char *const keys[2][2] = {
		{ "total_inactive_file", "total_active_file" },  /* v1: with the children, as its usage is */
		{ "inactive_file", "active_file" },
	};
	uint64_t sum, v;

	for (unsigned i = 0; i < 2; i++) {
		unsigned found = 0;
		sum = 0;
		for (unsigned k = 0; k < 2; k++)
			if (!proc_number(&v, proc_field(stat, keys[i][k])) && !u64_add(&sum, sum, v))
				found++;
		if (found)
			return sum;
	}
	return 0;
}

static const struct { const char *limit, *used; } group_files[] = {
	{ "memory.limit_in_bytes", "memory.usage_in_bytes" },
	{ "memory.max", "memory.current" },
};

/* This level's limit and what is charged to it. memory.high counts as a limit: beyond it a process is not killed but slowed until
 * it gives memory back. -1: no limit here. */
static int level(struct probed_memory *out, const struct cgroup *g, const struct probe_input *in)
{
	const unsigned v = g->version - 1;
	uint64_t high;

	*out = (struct probed_memory){ 0 };
	if (cgroup_bytes(&out->limit, cgroup_text(g, in, group_files[v].limit)))
		out->limit = 0;
	if (g->version == 2 && !cgroup_bytes(&high, cgroup_text(g, in, "memory.high")) && (!out->limit || high < out->limit))
		out->limit = high;
	if (!out->limit)
		return -1;
	if (cgroup_bytes(&out->used, cgroup_text(g, in, group_files[v].used)))
		out->used = 0;
	const char *stat = cgroup_text(g, in, "memory.stat");
	out->cache = stat ? file_cache(stat) : 0;
	if (out->cache > out->used)              /* the two are read one after the other */
		out->cache = out->used;
	return 0;
}

/* Every group on the way up counts. The smallest limit is what this process can ever have; what is left may be less in a group above,
 * which others use too. */
static void read_cgroup(struct probed *out, const struct probe_input *in)
{
	struct probed_memory *m = &out->memory, here;
	uint64_t least = UINT64_MAX;
	struct cgroup g;
	const char *least_path = NULL;

	if (cgroup_find(&g, in, "memory"))
		return;
	for (unsigned i = 0; i < CGROUP_LEVELS; i++) {
		if (!level(&here, &g, in)) {
			uint64_t held = here.used - here.cache, left = here.limit > held ? here.limit - held : 0;
			const char *path = arena_printf(in->a, "%s", g.path[0] ? g.path : "/");
			if (left < least) {
				least = left;
				least_path = path;
			}
			/* a group above with the same limit changes nothing */
			if (here.limit < m->total && (!m->limit || here.limit < m->limit)) {
				m->limit = here.limit;
				m->used = here.used;
				m->cache = here.cache;
				m->limit_path = path;
			}
		}
		if (!cgroup_up(&g))
			break;
	}
	if (m->available && least < m->available) {
		m->available = least ? least : 1;        /* 0 would read as unknown */
		if (m->limit_path && least_path && strcmp(m->limit_path, least_path))
			probe_note(out, in, "control group %s limits memory to %llu bytes, but %s above it has only %llu left", m->limit_path,
				(unsigned long long)m->limit, least_path, (unsigned long long)least);
	}
}

/* On machines where the CPU reaches GPU memory through a coherent link (Grace Hopper, POWER9), the NVIDIA driver hands that memory
 * to Linux as NUMA nodes of their own, and MemTotal counts it. It is the GPU's: the driver's file says which nodes. */
static void leave_out_gpu_nodes(struct probed *out, const struct probe_input *in)
{
	struct probed_memory *m = &out->memory;
	uint64_t total, free, sum = 0;
	struct cpu_set nodes;

	gpu_memory_nodes(&nodes, in);
	for (uint32_t node = cpu_set_first(&nodes); node < CPUS; node++) {
		const char *path = cpu_set_has(&nodes, node) ? arena_printf(in->a, "/sys/devices/system/node/node%u/meminfo", (unsigned)node) : NULL,
			*text = path ? probe_text(in, path, NULL) : NULL, *t = text ? strstr(text, "MemTotal:") : NULL,
			*f = text ? strstr(text, "MemFree:") : NULL;
		if (!t || !f || proc_kib(&total, t + 9 + strspn(t + 9, " ")) || proc_kib(&free, f + 8 + strspn(f + 8, " ")) ||
		    total >= m->total)
			continue;
		m->total -= total;
		m->available = m->available > free ? m->available - free : 0;
		sum += total;
	}
	if (sum)
		probe_note(out, in, "%llu bytes that the kernel counts as the host's are GPU memory, and are left out", (unsigned long long)sum);
}

void probe_memory(struct probed *out, const struct probe_input *in)
{
	struct probed_memory *m = &out->memory;
	const char *text = probe_text(in, "/proc/meminfo", NULL);
	uint64_t pages, size;

	if (!text)
		return;
	if (proc_kib(&m->total, proc_field(text, "MemTotal")) || !m->total) {
		m->total = 0;
		probe_note(out, in, "/proc/meminfo has no MemTotal");
		return;
	}
	m->from = PROBE_PROC;
	if (proc_kib(&m->available, proc_field(text, "MemAvailable"))) {
		m->available = 0;
		probe_note(out, in, "this kernel does not say how much memory is available (MemAvailable came with Linux 3.14)");
	}
	if (m->available > m->total)
		m->available = m->total;
	if (proc_kib(&m->swap_total, proc_field(text, "SwapTotal")) || proc_kib(&m->swap_free, proc_field(text, "SwapFree")))
		m->swap_total = m->swap_free = 0;
	/* Hugetlb: pages of every size (Linux 4.16); before that only those of the usual size are told */
	if (proc_kib(&m->hugetlb, proc_field(text, "Hugetlb")) &&
	    (proc_number(&pages, proc_field(text, "HugePages_Total")) || proc_kib(&size, proc_field(text, "Hugepagesize")) ||
	     u64_mul(&m->hugetlb, pages, size)))
		m->hugetlb = 0;
	if (m->hugetlb > m->total)
		m->hugetlb = 0;
	leave_out_gpu_nodes(out, in);
	read_cgroup(out, in);
}
