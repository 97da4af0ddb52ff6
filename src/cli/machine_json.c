/* machine_json.c - what was found, as JSON: units in the keys, unknown is null */
#include "cli/machine.h"

#include <stdio.h>

void json_add_known_u64(cJSON *o, const char *key, uint64_t v)
{
	if (v)
		json_add_u64(o, key, v);
	else
		cJSON_AddNullToObject(o, key);
}

void json_add_known(cJSON *o, const char *key, struct known k)
{
	if (is_known(k))
		json_add_f64(o, key, k.v);
	else
		cJSON_AddNullToObject(o, key);
}

static void add_known_f64(cJSON *o, const char *key, double v)
{
	json_add_known(o, key, v > 0 ? known_of(v, BASIS_SPEC) : (struct known){ 0 });
}

static cJSON *new_in(cJSON *array)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddItemToArray(array, o);
	return o;
}

/* By enum probe_source; the names for a person are probe_source_names. */
static const char *const sources[] = {
	NULL, "proc", "sys", "cgroup", "dmi", "hwloc", "nvml", "cuda", "drm", "kfd", "sysctl", "metal", "catalogue"
};
_Static_assert(sizeof sources / sizeof *sources == PROBE_SOURCES, "one key a source");

static const char *source(unsigned s) { return s < PROBE_SOURCES ? sources[s] : NULL; }

void hardware_json_spec(cJSON *x, const struct hardware_spec *h)
{
	cJSON *l;

	json_add_str(x, "id", h->id);
	json_add_str(x, "name", h->name);
	l = json_add_array(x, "pools");
	for (unsigned i = 0; i < h->n_pools; i++) {
		const struct pool *p = &h->pools[i];
		cJSON *o = new_in(l);
		json_add_str(o, "name", p->name);
		json_add_known_u64(o, "memory_total_bytes", p->total_bytes);
		json_add_known_u64(o, "memory_usable_bytes", p->usable_bytes);
		if (is_known(p->free_bytes))
			json_add_u64(o, "memory_free_bytes", (uint64_t)p->free_bytes.v);
		else
			cJSON_AddNullToObject(o, "memory_free_bytes");
		json_add_known(o, "bandwidth_bytes_per_s", p->read_bps);
		json_add_str(o, "bandwidth_basis", is_known(p->read_bps) ? basis_names[p->read_bps.basis] : NULL);
		json_add_str(o, "limit", p->limit);
	}
	l = json_add_array(x, "devices");
	for (unsigned g = 0; g < h->n_groups; g++) {
		const struct device_spec *d = h->groups[g].device;
		cJSON *o = new_in(l), *r;
		json_add_str(o, "id", d->id);
		json_add_str(o, "name", d->name);
		json_add_u64(o, "count", (uint64_t)h->groups[g].per_node * h->groups[g].nodes);
		json_add_str(o, "pool", h->pools[h->groups[g].pool].name);
		r = json_add_object(o, "flops_dense");
		for (unsigned m = 0; m < MATH_COUNT; m++)
			json_add_known(r, math_names[m], d->flops[m]);
	}
	l = json_add_array(x, "links");
	for (unsigned i = 0; i < h->n_links; i++) {
		const struct link *k = &h->links[i];
		cJSON *o = new_in(l);
		for (int end = 0; end < 2; end++) {
			uint16_t at = end ? k->b : k->a;
			const char *key = end ? "b" : "a";
			if (at >= LINK_HOST)
				json_add_str(o, key, at == LINK_HOST ? "host" : "other_node");
			else
				json_add_str(o, key, h->groups[at].device->id);
		}
		json_add_str(o, "kind", link_kind_names[k->kind]);
		json_add_known(o, "each_way_bytes_per_s", k->each_way_bps);
	}
}

static void add_cpu(cJSON *o, const struct probed_cpu *c)
{
	cJSON *l;

	json_add_str(o, "name", c->name);
	json_add_str(o, "arch", c->arch);
	json_add_str(o, "system", c->system);
	json_add_known_u64(o, "packages", c->packages);
	json_add_known_u64(o, "cores", c->cores);
	json_add_known_u64(o, "fast_cores", c->fast_cores);
	json_add_known_u64(o, "threads", c->threads);
	json_add_known_u64(o, "threads_allowed", c->threads_allowed);
	add_known_f64(o, "cpu_limit", c->cpu_limit);
	json_add_bool(o, "virtual_machine", c->virtual_machine);
	l = c->isa_known ? json_add_array(o, "isa") : NULL;
	for (unsigned i = 0; i < ISAS && l; i++)
		if (c->isa >> i & 1)
			cJSON_AddItemToArray(l, cJSON_CreateString(isa_names[i]));
	if (!l)
		cJSON_AddNullToObject(o, "isa");
	l = json_add_array(o, "caches");
	for (unsigned i = 0; i < PROBE_CACHES; i++) {
		if (!c->cache[i].bytes)
			continue;
		cJSON *x = new_in(l);
		json_add_u64(x, "level", i + 1);
		json_add_u64(x, "bytes", c->cache[i].bytes);
		json_add_known_u64(x, "count", c->cache[i].count);
	}
	l = json_add_array(o, "numa");
	for (unsigned i = 0; i < c->n_numa && i < PROBE_NUMA; i++) {
		cJSON *x = new_in(l);
		json_add_u64(x, "node", c->numa[i].node);
		json_add_known_u64(x, "memory_bytes", c->numa[i].bytes);
		json_add_u64(x, "threads", c->numa[i].threads);
	}
	json_add_str(o, "topology_from", source(c->topology_from));
}

static void add_memory(cJSON *o, const struct probed_memory *m, const struct probed_cpu *c)
{
	json_add_known_u64(o, "total_bytes", m->total);
	json_add_known_u64(o, "available_bytes", m->available);
	json_add_known_u64(o, "limit_bytes", m->limit);
	json_add_str(o, "limit_path", m->limit_path);
	if (m->limit) {
		json_add_u64(o, "limit_used_bytes", m->used);
		json_add_u64(o, "limit_used_cache_bytes", m->cache);
	}
	json_add_u64(o, "hugepages_bytes", m->hugetlb);
	json_add_u64(o, "swap_total_bytes", m->swap_total);
	json_add_u64(o, "swap_free_bytes", m->swap_free);
	json_add_known_u64(o, "gpu_limit_bytes", m->gpu_limit);
	json_add_str(o, "gpu_limit_from", m->gpu_limit_from);
	json_add_str(o, "type", c->memory_type);
	json_add_known_u64(o, "channels", c->channels);
	json_add_known_u64(o, "modules", c->dimms);
	json_add_known_u64(o, "mega_transfers_per_s", c->mts);
	json_add_str(o, "from", source(m->from));
	json_add_str(o, "channels_from", source(c->channels_from));
}

static void add_nvlinks(cJSON *o, const struct probed_gpu *g)
{
	cJSON *l;

	json_add_u64(o, "nvlinks", g->nvlinks);
	if (!g->nvlinks)
		return;
	add_known_f64(o, "nvlink_each_way_bytes_per_s", g->nvlink_each_way_bps);
	l = json_add_array(o, "nvlink_to");
	for (unsigned i = 0; i < g->n_nvlink_to && i < PROBE_LINKS; i++) {
		cJSON *x = new_in(l);
		if (g->nvlink_to[i].peer == UINT32_MAX)
			json_add_str(x, "peer", "switch");
		else
			json_add_u64(x, "peer", g->nvlink_to[i].peer);
		json_add_u64(x, "links", g->nvlink_to[i].links);
	}
}

static void add_gpu(cJSON *o, const struct machine *m, unsigned i)
{
	static const char *const states[] = { "ok", "lost", "unreadable", "hidden" };
	const struct probed_gpu *g = &m->found.gpu[i];
	const struct probe_match *match = &m->match[i];
	char text[16];
	cJSON *l;

	json_add_u64(o, "index", i);
	json_add_str(o, "name", g->name);
	json_add_str(o, "vendor", vendor_names[g->vendor <= VENDOR_OTHER ? g->vendor : VENDOR_OTHER]);
	json_add_str(o, "state", states[g->state <= GPU_HIDDEN ? g->state : GPU_UNREADABLE]);
	json_add_str(o, "why", g->why);
	json_add_bool(o, "used", match->group != PROBE_NO_GROUP);
	json_add_bool(o, "unified_memory", g->unified);
	json_add_str(o, "bus", g->bus);
	snprintf(text, sizeof text, "%04x:%04x", (unsigned)(g->pci >> 16), (unsigned)(g->pci & 0xffff));
	json_add_str(o, "pci_id", g->pci ? text : NULL);
	json_add_str(o, "driver", g->driver);
	json_add_str(o, "found_by", source(g->from));
	json_add_known_u64(o, "memory_total_bytes", g->total);
	if (g->total && !g->free_unknown) {
		json_add_u64(o, "memory_free_bytes", g->free);
		json_add_u64(o, "memory_used_bytes", g->used);
	} else {
		cJSON_AddNullToObject(o, "memory_free_bytes");
		cJSON_AddNullToObject(o, "memory_used_bytes");
	}
	json_add_u64(o, "memory_reserved_bytes", g->reserved);
	json_add_str(o, "memory_from", source(g->memory_from));
	if (g->carve_out || g->gtt_total) {
		json_add_u64(o, "carve_out_bytes", g->carve_out);
		json_add_u64(o, "gtt_total_bytes", g->gtt_total);
		json_add_u64(o, "gtt_used_bytes", g->gtt_used);
	}
	json_add_known_u64(o, "units", g->units);
	if (g->compute_capability)
		json_add_f64(o, "compute_capability", g->compute_capability / 10.0);
	else
		cJSON_AddNullToObject(o, "compute_capability");
	json_add_str(o, "arch", g->arch);
	json_add_known_u64(o, "memory_bus_bits", g->bus_bits);
	json_add_known_u64(o, "clock_mhz", g->mhz);
	json_add_known_u64(o, "clock_max_mhz", g->mhz_max);
	json_add_known_u64(o, "memory_clock_mhz", g->memory_mhz);
	json_add_known_u64(o, "memory_clock_max_mhz", g->memory_mhz_max);
	add_known_f64(o, "power_w", g->power_w);
	add_known_f64(o, "power_limit_w", g->power_limit_w);
	add_known_f64(o, "power_default_w", g->power_default_w);
	add_known_f64(o, "power_max_w", g->power_max_w);
	json_add_known_u64(o, "pcie_gen", g->pcie_gen);
	json_add_known_u64(o, "pcie_lanes", g->pcie_lanes);
	json_add_known_u64(o, "pcie_gen_max", g->pcie_gen_max);
	json_add_known_u64(o, "pcie_lanes_max", g->pcie_lanes_max);
	add_nvlinks(o, g);
	json_add_bool(o, "mig", g->mig);
	json_add_str(o, "mig_profile", g->mig_profile);
	if (g->numa)
		json_add_u64(o, "numa_node", g->numa - 1);
	else
		cJSON_AddNullToObject(o, "numa_node");
	if (g->ecc)
		json_add_bool(o, "ecc", g->ecc == 2);
	else
		cJSON_AddNullToObject(o, "ecc");
	l = json_add_array(o, "processes");
	for (unsigned k = 0; k < g->n_processes && k < PROBE_PROCESSES; k++) {
		cJSON *x = new_in(l);
		json_add_u64(x, "pid", g->process[k].pid);
		json_add_str(x, "name", g->process[k].name);
		json_add_known_u64(x, "memory_bytes", g->process[k].bytes);
	}
	json_add_u64(o, "more_processes", g->more_processes);
	l = json_add_object(o, "match");
	json_add_str(l, "id", match->id);
	json_add_str(l, "how", match->how);
}

void machine_json(cJSON *o, const struct machine *m)
{
	const struct probed *p = &m->found;
	double took = 0;
	char text[24];
	cJSON *l;

	json_add_str(o, "os", p->os);
	json_add_str(o, "recording", p->recording);
	snprintf(text, sizeof text, "%016llx", (unsigned long long)m->spec.fingerprint);
	json_add_str(o, "fingerprint", text);
	json_add_str(o, "calibration", m->calibration);
	if (p->cuda_version) {
		char version[24];
		snprintf(version, sizeof version, "%u.%u", p->cuda_version / 1000, p->cuda_version % 1000 / 10);
		json_add_str(o, "cuda_version", version);
	} else {
		cJSON_AddNullToObject(o, "cuda_version");
	}
	add_cpu(json_add_object(o, "cpu"), &p->cpu);
	add_memory(json_add_object(o, "memory"), &p->memory, &p->cpu);
	l = json_add_array(o, "gpus");
	for (unsigned i = 0; i < p->n_gpus; i++)
		add_gpu(new_in(l), m, i);
	l = json_add_array(o, "conflicts");
	for (unsigned i = 0; i < p->n_conflicts; i++) {
		const struct probed_conflict *c = &p->conflict[i];
		cJSON *x = new_in(l);
		json_add_str(x, "what", c->what);
		json_add_str(x, "a", source(c->a));
		json_add_str(x, "a_says", c->value_a);
		json_add_str(x, "b", source(c->b));
		json_add_str(x, "b_says", c->value_b);
		json_add_str(x, "used", source(c->used));
	}
	l = json_add_array(o, "notes");
	for (unsigned i = 0; i < p->n_notes; i++)
		cJSON_AddItemToArray(l, cJSON_CreateString(p->note[i]));
	l = json_add_array(o, "warnings");
	for (unsigned i = 0; i < m->spec.n_warnings; i++)
		cJSON_AddItemToArray(l, cJSON_CreateString(m->spec.warnings[i]));
	for (unsigned i = 0; i < PROBE_SOURCES; i++)
		took += p->seconds[i];
	if (!(took > 0)) {
		cJSON_AddNullToObject(o, "sources_seconds");     /* a recording */
		return;
	}
	l = json_add_object(o, "sources_seconds");
	for (unsigned i = 0; i < PROBE_SOURCES; i++)
		if (sources[i] && p->seconds[i] > 0)
			json_add_f64(l, sources[i], p->seconds[i]);
}
