/* probe_cpu_topology.c - /sys/devices/system: processors, caches and NUMA nodes
 *
 * Documentation/ABI/stable/sysfs-devices-system-cpu and -node of Linux. Which processors belong together is read from the sets
 * (core_cpus_list, formerly thread_siblings_list; package_cpus_list, formerly core_siblings_list; masks on older kernels), not from
 * core_id: that repeats within a package of several dies (Opteron 6100). A set is read once, for its first processor. */
#include "probe/probe_host.h"

#include "base/str.h"
#include "base/units.h"

#include <stdlib.h>
#include <string.h>

#define SYSTEM "/sys/devices/system"
enum { MAX_INSTANCES = 8192, CACHE_INDICES = 10 };

struct instance { uint64_t bytes; uint16_t level, first; };
struct reading {
	struct probe_input in;                   /* of a scratch arena: a large machine has thousands of these files */
	struct arena *scratch;
	struct cpu_set online, fast, core, package, cache[CACHE_INDICES];    /* core ...: read already */
	struct instance *instance; uint32_t n_instances;
};

static char *text_of(const struct reading *r, const char *dir, const char *name)
{
	const char *path = arena_printf(r->in.a, "%s/%s", dir, name);

	return path ? probe_text(&r->in, path, NULL) : NULL;
}

/* A list, or the mask of older kernels, of the names given (NULL-ended; the last is a mask). 0 or -1. */
static int set_of(struct cpu_set *out, const struct reading *r, const char *dir, const char *const *names)
{
	for (; names[1]; names++)
		if (!cpu_set_list(out, text_of(r, dir, *names)))
			return 0;
	return cpu_set_mask(out, text_of(r, dir, *names));
}

/* The processors that run of such a set around `cpu`; just itself (and -1) when no file has a set that it is in. */
static int set_around(struct cpu_set *out, const struct reading *r, uint32_t cpu, const char *dir, const char *const *names)
{
	int rc = set_of(out, r, dir, names);

	while (!rc && !cpu_set_has(out, cpu) && *++names)        /* a list that leaves it out: the next name */
		rc = set_of(out, r, dir, names);
	if (rc || !cpu_set_has(out, cpu)) {
		*out = (struct cpu_set){ { 0 } };
		rc = -1;
	}
	cpu_set_and(out, &r->online);
	cpu_set_add(out, cpu);
	return rc;
}

static int folder_number(const char *name, const char *word, uint64_t *n)
{
	size_t k = strlen(word);

	return strncmp(name, word, k) || proc_number(n, name + k) || *n >= CPUS || name[k + strspn(name + k, "0123456789")] ? -1 : 0;
}

/* /sys/devices/system/cpu/online, or on kernels before 2.6.26 the folders that have a topology. */
static int find_online(struct reading *r)
{
	uint64_t n, on;

	if (!cpu_set_list(&r->online, text_of(r, SYSTEM "/cpu", "online")) && cpu_set_count(&r->online))
		return 0;
	r->online = (struct cpu_set){ { 0 } };
	for (const char *const *p = probe_list(&r->in, SYSTEM "/cpu"); p && *p; p++) {
		if (folder_number(*p, "cpu", &n))
			continue;
		const char *dir = arena_printf(r->in.a, SYSTEM "/cpu/%s", *p), *online = dir ? arena_printf(r->in.a, "%s/online", dir) : NULL;
		if (!online || (!probe_u64(&on, &r->in, online) && !on) || !text_of(r, dir, "topology/thread_siblings"))
			continue;
		cpu_set_add(&r->online, (uint32_t)n);
	}
	return cpu_set_count(&r->online) ? 0 : -1;
}

/* Which processors are the fast ones of a hybrid: /sys/devices/cpu_core of Intel (there only when there is cpu_atom too), or on Arm the
 * part whose first processor has the highest cpu_capacity. Equal parts that clock differently are no hybrid. */
static void find_fast(struct reading *r, const struct cpu_text *text)
{
	uint64_t capacity, best = 0;

	if (!cpu_set_list(&r->fast, text_of(r, "/sys/devices/cpu_core", "cpus")) && text_of(r, "/sys/devices/cpu_atom", "cpus"))
		return;
	r->fast = (struct cpu_set){ { 0 } };
	for (uint32_t i = 0; i < text->n_kinds && text->n_kinds > 1; i++) {
		const char *path = arena_printf(r->in.a, SYSTEM "/cpu/cpu%u/cpu_capacity", (unsigned)cpu_set_first(&text->kind[i].cpus));
		if (!path || probe_u64(&capacity, &r->in, path)) {
			r->fast = (struct cpu_set){ { 0 } };
			return;
		}
		if (capacity > best) {
			best = capacity;
			r->fast = text->kind[i].cpus;
		}
	}
}

/* "48K", "32768K", "1M" */
static uint64_t cache_bytes(const char *text)
{
	uint64_t v, unit = KIB;

	if (proc_number(&v, text))
		return 0;
	text += strspn(text, "0123456789");
	unit = *text == 'M' ? MIB : *text == 'K' ? KIB : 1;
	return u64_mul(&v, v, unit) ? 0 : v;
}

static void add_instance(struct reading *r, uint16_t level, uint16_t first, uint64_t bytes)
{
	for (uint32_t i = 0; i < r->n_instances; i++)
		if (r->instance[i].level == level && r->instance[i].first == first)
			return;
	if (r->instance && r->n_instances < MAX_INSTANCES)
		r->instance[r->n_instances++] = (struct instance){ bytes, level, first };
}

static void read_caches(struct reading *r, const char *dir, uint32_t cpu)
{
	static const char *const names[] = { "shared_cpu_list", "shared_cpu_map", NULL };
	struct cpu_set shared;
	uint64_t level;

	for (unsigned k = 0; k < CACHE_INDICES; k++) {
		if (cpu_set_has(&r->cache[k], cpu))
			continue;
		const char *index = arena_printf(r->in.a, "%s/cache/index%u", dir, k), *path = index ? arena_printf(r->in.a, "%s/level", index) : NULL;
		if (!path || probe_u64(&level, &r->in, path)) {
			if (k < PROBE_CACHES)    /* one may be missing in the middle */
				continue;
			return;
		}
		set_around(&shared, r, cpu, index, names);
		cpu_set_or(&r->cache[k], &shared);
		const char *type = text_of(r, index, "type"), *size = text_of(r, index, "size");
		uint64_t bytes = size ? cache_bytes(size) : 0;
		if (level >= 1 && level <= PROBE_CACHES && bytes && (!type || !str_prefix(type, "Instruction")))
			add_instance(r, (uint16_t)level, (uint16_t)cpu_set_first(&shared), bytes);
	}
}

/* The cores of a hybrid have unlike caches: the size told is the one that most have, and of two as frequent the larger. */
static void sum_caches(struct probed_cpu *out, const struct reading *r)
{
	uint32_t most[PROBE_CACHES] = { 0 };

	for (uint32_t i = 0; i < r->n_instances; i++) {
		const struct instance *it = &r->instance[i];
		struct probed_cache *c = &out->cache[it->level - 1];
		uint32_t same = 0;
		c->count++;
		if (it->bytes == c->bytes)
			continue;
		for (uint32_t j = 0; j < r->n_instances; j++)
			same += r->instance[j].level == it->level && r->instance[j].bytes == it->bytes;
		if (same > most[it->level - 1] || (same == most[it->level - 1] && it->bytes > c->bytes)) {
			most[it->level - 1] = same;
			c->bytes = it->bytes;
		}
	}
}

/* The two cores of an AMD module of family 15h (Bulldozer) are siblings to the kernel, but have a core_id each. */
static int unlike_cores(const struct reading *r, const struct cpu_set *set, uint32_t cpu)
{
	struct cpu_set rest = *set;
	uint64_t id[2];

	rest.bit[cpu / 64] &= ~(UINT64_C(1) << (cpu % 64));
	uint32_t of[2] = { cpu, cpu_set_first(&rest) };
	if (of[1] == CPUS)
		return 0;
	for (unsigned i = 0; i < 2; i++) {
		const char *path = arena_printf(r->in.a, SYSTEM "/cpu/cpu%u/topology/core_id", (unsigned)of[i]);
		if (!path || probe_u64(&id[i], &r->in, path))
			return 0;
	}
	return id[0] != id[1];
}

static int read_cpus(struct probed_cpu *out, struct reading *r)
{
	static const char *const core[] = { "core_cpus_list", "thread_siblings_list", "thread_siblings", NULL },
		*const package[] = { "package_cpus_list", "core_siblings_list", "core_siblings", NULL };
	struct cpu_set set;
	int known = 0;

	for (uint32_t cpu = 0; cpu < CPUS; cpu++) {
		if (!cpu_set_has(&r->online, cpu))
			continue;
		arena_reset(r->scratch);
		const char *dir = arena_printf(r->in.a, SYSTEM "/cpu/cpu%u", (unsigned)cpu),
			*topology = arena_printf(r->in.a, SYSTEM "/cpu/cpu%u/topology", (unsigned)cpu);
		if (!dir || !topology)
			return -1;
		if (!cpu_set_has(&r->core, cpu)) {
			if (!set_around(&set, r, cpu, topology, core))
				known = 1;
			if (unlike_cores(r, &set, cpu)) {
				set = (struct cpu_set){ { 0 } };
				cpu_set_add(&set, cpu);
			}
			cpu_set_or(&r->core, &set);
			out->cores++;
			out->fast_cores += cpu_set_has(&r->fast, cpu);
		}
		if (!cpu_set_has(&r->package, cpu) && !set_around(&set, r, cpu, topology, package)) {
			cpu_set_or(&r->package, &set);
			out->packages++;
		}
		read_caches(r, dir, cpu);
	}
	return known ? 0 : -1;
}

void gpu_memory_nodes(struct cpu_set *nodes, const struct probe_input *in)
{
	static const char folder[] = "/proc/driver/nvidia/gpus";
	uint64_t node;

	*nodes = (struct cpu_set){ { 0 } };
	for (const char *const *gpu = probe_list(in, folder); gpu && *gpu; gpu++) {
		const char *path = arena_printf(in->a, "%s/%s/numa_status", folder, *gpu), *text = path ? probe_text(in, path, NULL) : NULL,
			*status = text ? proc_field(text, "Status") : NULL;
		if (status && str_prefix(status, "online") && !proc_number(&node, proc_field(text, "Node")) && node < CPUS)
			cpu_set_add(nodes, (uint32_t)node);
	}
}

static int by_node(const void *a, const void *b)
{
	const struct probed_numa *x = a, *y = b;

	return x->node < y->node ? -1 : x->node > y->node;
}

/* "Node 0 MemTotal:  129839104 kB" */
static void read_nodes(struct probed_cpu *out, struct reading *r, const struct cpu_set *gpu)
{
	static const char *const names[] = { "cpulist", "cpumap", NULL };
	struct cpu_set cpus, all = { { 0 } };
	uint64_t n;
	int twice = 0;

	for (const char *const *p = probe_list(&r->in, SYSTEM "/node"); p && *p && out->n_numa < PROBE_NUMA; p++) {
		if (folder_number(*p, "node", &n) || cpu_set_has(gpu, (uint32_t)n))
			continue;
		const char *dir = arena_printf(r->in.a, SYSTEM "/node/%s", *p), *text = dir ? text_of(r, dir, "meminfo") : NULL,
			*total = text ? strstr(text, "MemTotal:") : NULL;
		struct probed_numa node = { .node = (uint32_t)n };
		if (total && proc_kib(&node.bytes, total + 9 + strspn(total + 9, " ")))
			node.bytes = 0;
		if (dir && !set_of(&cpus, r, dir, names)) {
			if (cpu_set_count(&r->online))
				cpu_set_and(&cpus, &r->online);
			node.threads = cpu_set_count(&cpus);
			for (unsigned i = 0; i < CPUS / 64; i++)
				twice |= (cpus.bit[i] & all.bit[i]) != 0;
			cpu_set_or(&all, &cpus);
		}
		if (node.bytes || node.threads)
			out->numa[out->n_numa++] = node;
	}
	if (twice)                               /* some firmware gives every node all processors */
		out->n_numa = 0;
	qsort(out->numa, out->n_numa, sizeof *out->numa, by_node);
}

int cpu_topology(struct probed_cpu *out, struct cpu_set *online, const struct probe_input *in, const struct cpu_text *text)
{
	struct arena scratch = { 0 };
	struct reading *r = arena_alloc(in->a, sizeof *r);
	struct cpu_set gpu;
	int rc = -1;

	*online = (struct cpu_set){ { 0 } };
	if (!r || !(r->instance = arena_array(in->a, MAX_INSTANCES, sizeof *r->instance)))
		return -1;
	r->in = *in;
	r->in.a = r->scratch = &scratch;
	if (!find_online(r)) {
		find_fast(r, text);
		rc = read_cpus(out, r);
		sum_caches(out, r);
		*online = r->online;
		out->threads = cpu_set_count(&r->online);
		if (out->fast_cores == out->cores)
			out->fast_cores = 0;
	}
	arena_reset(&scratch);
	gpu_memory_nodes(&gpu, &r->in);
	read_nodes(out, r, &gpu);
	if (scratch.failed)
		in->a->failed = 1;
	arena_free(&scratch);
	if (rc) {
		out->cores = out->packages = out->fast_cores = 0;
	}
	return rc;
}
