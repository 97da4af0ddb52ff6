/* probe_kfd.c - what AMD's compute driver says of its GPUs: /sys/class/kfd/kfd/topology/nodes
 *
 * Keys and units: node_show(), mem_show() and iolink_show() of drivers/gpu/drm/amd/amdkfd/kfd_topology.c, Linux 6.15. Values are decimal.
 * A node whose device this process may not use is there, but its files cannot be read (EPERM): it is left out.
 * unique_id and hive_id are serial numbers: they are neither used nor recorded. */
#include "probe/probe_drm.h"

#include "base/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NODES "/sys/class/kfd/kfd/topology/nodes"

/* heap_type 0 is system memory, 1 and 2 the GPU's (HSA_MEM_HEAP_TYPE_* of kfd_topology.h); an io_link of type 11 is XGMI
 * (CRAT_IOLINK_TYPE_XGMI of kfd_crat.h) */
enum { HEAP_SYSTEM = 0, LINK_XGMI = 11, TARGET_GFX942 = 90402 };

int kfd_value(uint64_t *out, const char *text, const char *key)
{
	const size_t n = strlen(key);

	for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		if (strncmp(p, key, n) || p[n] != ' ')
			continue;
		p += n + 1;
		if (*p < '0' || *p > '9')
			return -1;
		for (*out = 0; *p >= '0' && *p <= '9'; p++)
			if (u64_mul(out, *out, 10) || u64_add(out, *out, (uint64_t)(*p - '0')))
				return -1;
		return 0;
	}
	return -1;
}

static uint32_t value32(const char *text, const char *key)
{
	uint64_t v;

	return kfd_value(&v, text, key) || v > UINT32_MAX ? 0 : (uint32_t)v;
}

void kfd_properties(struct kfd_node *out, const char *text)
{
	/* pci_dev_id(): bus, device and function; bits 28 to 31 number the partitions of one device */
	uint32_t at = value32(text, "location_id") & 0xffff, domain = value32(text, "domain");

	*out = (struct kfd_node){ .cpu_cores = value32(text, "cpu_cores_count"), .simds = value32(text, "simd_count"),
		.simds_per_cu = value32(text, "simd_per_cu"), .target = value32(text, "gfx_target_version"),
		.mhz_max = value32(text, "max_engine_clk_fcompute") };
	if (out->simds)
		snprintf(out->bus, sizeof out->bus, "%04x:%02x:%02x.%x", domain, at >> 8, at >> 3 & 31, at & 7);
}

void kfd_bank(struct kfd_node *out, const char *text)
{
	uint64_t heap, bytes;

	if (kfd_value(&heap, text, "heap_type") || heap == HEAP_SYSTEM)
		return;
	if (!kfd_value(&bytes, text, "size_in_bytes") && u64_add(&out->memory, out->memory, bytes))
		out->memory = 0;
	out->memory_bits = value32(text, "width");
}

void kfd_link(struct kfd_node *out, const char *text)
{
	uint32_t least = value32(text, "min_bandwidth"), most = value32(text, "max_bandwidth"), links = 1;

	if (value32(text, "type") != LINK_XGMI || out->n_xgmi == PROBE_LINKS)
		return;
	/* in MB/s each way: min_bandwidth is one link's, max_bandwidth that of all links to this peer (kfd_fill_gpu_xgmi_link_to_gpu() of
	 * kfd_crat.c) */
	if (least && most / least > 1 && most / least <= 16)
		links = most / least;
	out->xgmi[out->n_xgmi].node = value32(text, "node_to");
	out->xgmi[out->n_xgmi++].links = links;
	/* 16 lanes of 25 Gbit/s are MI200's; kernels print them for MI300 as well, whose links have 64 GB/s (ROCm/rccl issue 1210) */
	out->xgmi_each_way_bps = out->target == TARGET_GFX942 && least == 50000 ? 0 : (least ? least : most) * 1e6;
}

int kfd_arch(char *buf, size_t n, uint64_t version)
{
	unsigned major = (unsigned)(version / 10000), minor = (unsigned)(version / 100 % 100), step = (unsigned)(version % 100);

	if (!version || version > 999999 || minor > 15 || step > 15)
		return -1;
	snprintf(buf, n, "gfx%u%x%x", major, minor, step);
	return 0;
}

int kfd_is_apu(const char *arch)
{
	/* those that LLVM's AMDGPUUsage.rst has as APU, and the next steps of these families (gfx1037, gfx1153) that pci.ids knows as
	 * processors alone; gfx1210 is none that anybody can buy */
	static const char *const apus[] = { "gfx700", "gfx703", "gfx705", "gfx801", "gfx810", "gfx902", "gfx909", "gfx90c", "gfx1013", "gfx1033",
		"gfx1035", "gfx1036", "gfx1037", "gfx1103", "gfx1150", "gfx1151", "gfx1152", "gfx1153" };

	for (unsigned i = 0; arch && i < sizeof apus / sizeof *apus; i++)
		if (!strcmp(apus[i], arch))
			return 1;
	return 0;
}

/* Recorded without serial numbers. */
static char *properties(const struct probe_input *in, const char *path)
{
	size_t n, used = 0;
	char *text = probe_text_private(in, path, &n), *kept = text && in->record ? arena_alloc(in->a, n + 1) : NULL;

	for (const char *p = text; kept && *p;) {
		size_t len = strcspn(p, "\n");
		len += p[len] == '\n';
		if (strncmp(p, "unique_id ", 10) && strncmp(p, "hive_id ", 8)) {
			memcpy(kept + used, p, len);
			used += len;
		}
		p += len;
	}
	if (kept)
		probe_record(in, path, kept, used);
	return text;
}

static void parts(struct kfd_node *node, const struct probe_input *in, const char *name, const char *folder,
	void (*add)(struct kfd_node *, const char *))
{
	const char *dir = arena_printf(in->a, NODES "/%s/%s", name, folder), *const *list = dir ? probe_list(in, dir) : NULL;

	for (unsigned i = 0; list && list[i] && i < KFD_LINKS; i++) {
		const char *path = arena_printf(in->a, "%s/%s/properties", dir, list[i]), *text = path ? probe_text(in, path, NULL) : NULL;
		if (text)
			add(node, text);
	}
}

void kfd_read(struct kfd *out, const struct probe_input *in)
{
	const char *const *list = probe_list(in, NODES);
	uint32_t n = 0;

	*out = (struct kfd){ .n = 0 };
	while (list && list[n])
		n++;
	if (n > KFD_NODES)
		n = KFD_NODES;
	if (!n || !(out->node = arena_array(in->a, n, sizeof *out->node)))
		return;
	for (uint32_t i = 0; i < n; i++) {
		const char *path = arena_printf(in->a, NODES "/%s/properties", list[i]), *text = path ? properties(in, path) : NULL;
		struct kfd_node *node = &out->node[out->n];
		if (!text)
			continue;
		kfd_properties(node, text);
		if (!node->simds)
			continue;        /* processors: probe_cpu() reads those */
		node->id = (uint32_t)strtoul(list[i], NULL, 10);
		parts(node, in, list[i], "mem_banks", kfd_bank);
		parts(node, in, list[i], "io_links", kfd_link);
		out->n++;
	}
}

int kfd_gpu(struct kfd_node *out, uint32_t *partitions, const struct kfd *k, const char *bus)
{
	*partitions = 0;
	for (uint32_t i = 0; i < k->n; i++) {
		const struct kfd_node *node = &k->node[i];
		if (strcmp(node->bus, bus))
			continue;
		if (!(*partitions)++) {
			*out = *node;
			continue;
		}
		if (out->simds <= UINT32_MAX - node->simds)
			out->simds += node->simds;
		if (u64_add(&out->memory, out->memory, node->memory))
			out->memory = 0;
	}
	return *partitions ? 0 : -1;
}

static const struct kfd_node *node_of(const struct kfd *k, uint32_t id)
{
	for (uint32_t i = 0; i < k->n; i++)
		if (k->node[i].id == id)
			return &k->node[i];
	return NULL;
}

static uint32_t gpu_of(const struct probed *p, const char *bus)
{
	uint32_t i = 0;

	while (i < p->n_gpus && (!p->gpu[i].bus || strcmp(p->gpu[i].bus, bus)))
		i++;
	return i;
}

void kfd_links(struct probed *out, const struct kfd *k)
{
	for (uint32_t i = 0; i < k->n; i++) {
		const struct kfd_node *node = &k->node[i];
		uint32_t at = gpu_of(out, node->bus);
		struct probed_gpu *g = &out->gpu[at];
		if (at == out->n_gpus || g->vendor != VENDOR_AMD || g->n_nvlink_to)      /* the first partition stands for all */
			continue;
		for (uint32_t l = 0; l < node->n_xgmi; l++) {
			const struct kfd_node *to = node_of(k, node->xgmi[l].node);
			uint32_t peer = to ? gpu_of(out, to->bus) : out->n_gpus;
			if (peer == out->n_gpus || peer == at)
				continue;        /* a processor, or the next partition of the same device */
			g->nvlink_to[g->n_nvlink_to].peer = peer;
			g->nvlink_to[g->n_nvlink_to++].links = node->xgmi[l].links;
			g->nvlinks += node->xgmi[l].links;
			g->nvlink_each_way_bps = node->xgmi_each_way_bps;
		}
	}
}
