/* probe_hwloc.c - the topology as hwloc sees it, by dlopen: packages, cores, threads, caches, NUMA nodes, the allowed cpuset
 *
 * hwloc reads the same files of /sys, and more: CPUID on x86, and a list of known faults of kernels and firmware (modules of AMD family
 * 15h, NUMA nodes that all claim every processor, GPU memory among the nodes). Where it differs from /sys it is right about topology; the
 * difference is kept as a conflict. Only what is asked for is discovered: no I/O devices, no plugins (those for OpenCL and X take
 * 10 ms to load), no binding to each processor in turn. In a replay the recording's hwloc.xml is read, never this machine. */
#include "base/dl.h"
#include "probe/probe.h"

#include <hwloc.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct hwloc_calls {
	unsigned (*get_api_version)(void);
	int (*init)(hwloc_topology_t *);
	void (*destroy)(hwloc_topology_t);
	int (*set_flags)(hwloc_topology_t, unsigned long);
	int (*set_all_types_filter)(hwloc_topology_t, enum hwloc_type_filter_e);
	int (*set_type_filter)(hwloc_topology_t, hwloc_obj_type_t, enum hwloc_type_filter_e);
	int (*set_xmlbuffer)(hwloc_topology_t, const char *, int);
	int (*load)(hwloc_topology_t);
	int (*is_thissystem)(hwloc_topology_t);
	int (*get_type_depth)(hwloc_topology_t, hwloc_obj_type_t);
	unsigned (*get_nbobjs_by_depth)(hwloc_topology_t, int);
	hwloc_obj_t (*get_obj_by_depth)(hwloc_topology_t, int, unsigned);
	hwloc_const_bitmap_t (*get_allowed_cpuset)(hwloc_topology_t);
	int (*bitmap_weight)(hwloc_const_bitmap_t);
	int (*export_xmlbuffer)(hwloc_topology_t, char **, int *, unsigned long);         /* optional: only recording needs them */
	void (*free_xmlbuffer)(hwloc_topology_t, char *);
};
#define CALL(field, symbol, needed) { symbol, NULL, offsetof(struct hwloc_calls, field), needed }
static const struct dl_symbol symbols[] = {
	CALL(get_api_version, "hwloc_get_api_version", 1), CALL(init, "hwloc_topology_init", 1), CALL(destroy, "hwloc_topology_destroy", 1),
	CALL(set_flags, "hwloc_topology_set_flags", 1), CALL(set_all_types_filter, "hwloc_topology_set_all_types_filter", 1),
	CALL(set_type_filter, "hwloc_topology_set_type_filter", 1), CALL(set_xmlbuffer, "hwloc_topology_set_xmlbuffer", 1),
	CALL(load, "hwloc_topology_load", 1), CALL(is_thissystem, "hwloc_topology_is_thissystem", 1),
	CALL(get_type_depth, "hwloc_get_type_depth", 1), CALL(get_nbobjs_by_depth, "hwloc_get_nbobjs_by_depth", 1),
	CALL(get_obj_by_depth, "hwloc_get_obj_by_depth", 1), CALL(get_allowed_cpuset, "hwloc_topology_get_allowed_cpuset", 1),
	CALL(bitmap_weight, "hwloc_bitmap_weight", 1), CALL(export_xmlbuffer, "hwloc_topology_export_xmlbuffer", 0),
	CALL(free_xmlbuffer, "hwloc_free_xmlbuffer", 0),
};
/* 15: hwloc 2.x; another number is another layout of struct hwloc_obj */
static const char *const libraries[] = { "libhwloc.so.15", "libhwloc.15.dylib", "/opt/homebrew/lib/libhwloc.15.dylib", "/usr/local/lib/libhwloc.15.dylib", NULL };

/* 0, or -1. xml NULL: this machine. */
static int load(hwloc_topology_t *out, const struct hwloc_calls *f, const char *xml)
{
	static const hwloc_obj_type_t wanted[] = { HWLOC_OBJ_PACKAGE, HWLOC_OBJ_CORE, HWLOC_OBJ_L1CACHE, HWLOC_OBJ_L2CACHE, HWLOC_OBJ_L3CACHE,
		HWLOC_OBJ_L4CACHE };
	const unsigned long all = HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED;
	hwloc_topology_t t;

	if (f->init(&t))
		return -1;
	f->set_all_types_filter(t, HWLOC_TYPE_FILTER_KEEP_NONE);
	for (unsigned i = 0; i < sizeof wanted / sizeof *wanted; i++)
		f->set_type_filter(t, wanted[i], HWLOC_TYPE_FILTER_KEEP_ALL);
	/* the second flag is newer (2.5) than the first, and unknown ones are refused */
	if ((f->set_flags(t, all | HWLOC_TOPOLOGY_FLAG_DONT_CHANGE_BINDING) && f->set_flags(t, all)) ||
	    (xml && f->set_xmlbuffer(t, xml, (int)strlen(xml) + 1)) || f->load(t)) {
		f->destroy(t);
		return -1;
	}
	*out = t;
	return 0;
}

/* Plugins are looked for when the first topology is made: nowhere. The environment is put back. */
static int load_plain(hwloc_topology_t *out, const struct hwloc_calls *f, struct arena *a, const char *xml)
{
	static const char name[] = "HWLOC_PLUGINS_PATH";
	const char *old = getenv(name);

	if (old && !(old = arena_strdup(a, old)))
		return -1;
	setenv(name, "/nonexistent", 1);
	int rc = load(out, f, xml);
	if (old)
		setenv(name, old, 1);
	else
		unsetenv(name);
	return rc;
}

static uint32_t count(const struct hwloc_calls *f, hwloc_topology_t t, hwloc_obj_type_t type)
{
	int depth = f->get_type_depth(t, type);

	return depth == HWLOC_TYPE_DEPTH_UNKNOWN || depth == HWLOC_TYPE_DEPTH_MULTIPLE ? 0 : f->get_nbobjs_by_depth(t, depth);
}

/* Takes hwloc's number; a conflict when there was another. 0 of hwloc's says nothing. */
static void settle(struct probed *out, const struct probe_input *in, const char *what, uint32_t *mine, uint32_t hwloc)
{
	if (!hwloc || *mine == hwloc)
		return;
	if (*mine)
		probe_conflict(out, what, out->cpu.topology_from ? (enum probe_source)out->cpu.topology_from : PROBE_SYS,
			arena_printf(in->a, "%u", (unsigned)*mine), PROBE_HWLOC, arena_printf(in->a, "%u", (unsigned)hwloc), PROBE_HWLOC);
	*mine = hwloc;
}

static void read_caches(struct probed *out, const struct probe_input *in, const struct hwloc_calls *f, hwloc_topology_t t)
{
	static const hwloc_obj_type_t types[PROBE_CACHES] = { HWLOC_OBJ_L1CACHE, HWLOC_OBJ_L2CACHE, HWLOC_OBJ_L3CACHE, HWLOC_OBJ_L4CACHE };
	static const char *const names[PROBE_CACHES] = { "L1 caches", "L2 caches", "L3 caches", "L4 caches" };

	for (unsigned level = 0; level < PROBE_CACHES; level++) {
		struct probed_cache *c = &out->cpu.cache[level];
		uint32_t n = count(f, t, types[level]);
		settle(out, in, names[level], &c->count, n);
		/* the size stays the one of /sys: hwloc reads it from the same file */
		if (n && !c->bytes)
			c->bytes = f->get_obj_by_depth(t, f->get_type_depth(t, types[level]), 0)->attr->cache.size;
	}
}

static void read_nodes(struct probed *out, const struct probe_input *in, const struct hwloc_calls *f, hwloc_topology_t t)
{
	struct probed_cpu *cpu = &out->cpu;
	uint32_t n = count(f, t, HWLOC_OBJ_NUMANODE), had = cpu->n_numa;
	struct probed_numa *old = arena_array(in->a, PROBE_NUMA, sizeof *old);

	if (!n || !old)
		return;
	settle(out, in, "NUMA nodes", &had, n);
	memcpy(old, cpu->numa, cpu->n_numa * sizeof *old);
	uint32_t n_old = cpu->n_numa;
	cpu->n_numa = 0;
	for (uint32_t i = 0; i < n && cpu->n_numa < PROBE_NUMA; i++) {
		hwloc_obj_t obj = f->get_obj_by_depth(t, HWLOC_TYPE_DEPTH_NUMANODE, i);
		struct probed_numa node = { obj->os_index, obj->attr->numanode.local_memory, (uint32_t)f->bitmap_weight(obj->cpuset) };
		/* a node without processors has its neighbours' here: /sys tells its own */
		for (uint32_t j = 0; j < n_old; j++)
			if (old[j].node == node.node)
				node.threads = old[j].threads;
		uint32_t at = cpu->n_numa++;
		for (; at && cpu->numa[at - 1].node > node.node; at--)   /* by the system's number, not by hwloc's order */
			cpu->numa[at] = cpu->numa[at - 1];
		cpu->numa[at] = node;
	}
}

/* Values that tell machines of one kind apart are blanked: host name, serial numbers, asset tags, UUIDs. */
static void keep_xml(const struct probe_input *in, const struct hwloc_calls *f, hwloc_topology_t t)
{
	static const char *const private[] = { "HostName", "Serial", "UUID", "AssetTag", "CGroup" };
	char *xml;
	int n;

	if (!in->record || !f->export_xmlbuffer || !f->free_xmlbuffer || f->export_xmlbuffer(t, &xml, &n, 0))
		return;
	for (char *p = xml; (p = strstr(p, "<info name=\"")); p++) {
		char *end = strchr(p, '>'), *v = strstr(p, "value=\"");
		int hide = 0;
		for (unsigned i = 0; i < sizeof private / sizeof *private; i++) {
			char *at = strstr(p + 12, private[i]);
			hide |= at && v && at < v;
		}
		if (hide && end && v < end)
			for (v += 7; v < end && *v != '"'; v++)
				*v = '0';
	}
	probe_keep(in, "hwloc.xml", xml);
	f->free_xmlbuffer(t, xml);
}

static void read_topology(struct probed *out, const struct probe_input *in, const struct hwloc_calls *f, hwloc_topology_t t)
{
	struct probed_cpu *cpu = &out->cpu;
	hwloc_const_bitmap_t allowed = f->get_allowed_cpuset(t);
	int n_allowed = allowed ? f->bitmap_weight(allowed) : 0;

	settle(out, in, "packages", &cpu->packages, count(f, t, HWLOC_OBJ_PACKAGE));
	settle(out, in, "cores", &cpu->cores, count(f, t, HWLOC_OBJ_CORE));
	settle(out, in, "threads", &cpu->threads, count(f, t, HWLOC_OBJ_PU));
	read_caches(out, in, f, t);
	read_nodes(out, in, f, t);
	cpu->topology_from = PROBE_HWLOC;
	/* a cpuset's; affinity may narrow it further, and /proc/self/status has both */
	if (n_allowed > 0 && (!cpu->threads_allowed || (uint32_t)n_allowed < cpu->threads_allowed))
		settle(out, in, "threads allowed", &cpu->threads_allowed, (uint32_t)n_allowed);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void probe_hwloc(struct probed *out, const struct probe_input *in)
{
	const double start = now();
	const char *xml = in->replay ? probe_recorded(in, "hwloc.xml") : NULL;
	struct hwloc_calls f = { 0 };
	hwloc_topology_t t = NULL;
	struct dl library;               /* stays open: closing and opening it again costs more than it frees */

	if ((in->replay && !xml) || dl_open(&library, &f, symbols, sizeof symbols / sizeof *symbols, libraries, NULL) != OK)
		return;
	if (f.get_api_version() >> 16 != HWLOC_API_VERSION >> 16) {
		probe_note(out, in, "hwloc is of another version than 2: not used");
	} else if (load_plain(&t, &f, in->a, xml)) {
		probe_note(out, in, xml ? "hwloc cannot read hwloc.xml of the recording" : "hwloc cannot load this machine's topology");
	} else {
		/* HWLOC_XMLFILE and HWLOC_SYNTHETIC make it show another machine */
		if (!xml && !f.is_thissystem(t))
			probe_note(out, in, "hwloc was told by its environment to show another machine: not used");
		else
			read_topology(out, in, &f, t);
		if (!xml && f.is_thissystem(t))
			keep_xml(in, &f, t);
		f.destroy(t);
	}
	out->seconds[PROBE_HWLOC] += now() - start;
}
