/* probe_kfd.c - what AMD's compute driver says of its GPUs: /sys/class/kfd/kfd/topology
 *
 * Lines "name number" (drivers/gpu/drm/amd/amdkfd/kfd_topology.c). A GPU's location_id is its bus and device-function number, bus << 8 | devfn;
 * simd_count counts all of it, simd_per_cu how many make a compute unit; gfx_target_version is its architecture. A node with processors as
 * well as SIMDs is a chip that has both; newer kernels make two nodes of it, so its architecture decides. */
#include "probe/probe_drm.h"

#include "probe/proc_text.h"

#include <stdio.h>
#include <string.h>

static const char topology[] = "/sys/class/kfd/kfd/topology/nodes";
enum { IOLINK_XGMI = 11 };                       /* CRAT_IOLINK_TYPE_XGMI (kfd_crat.h) */

static uint64_t property(const char *text, const char *name)
{
	uint64_t v;

	return text && !proc_number(&v, proc_field(text, name)) ? v : 0;
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
	static const char *const apus[] = { "gfx902", "gfx909", "gfx90c", "gfx1013", "gfx1033", "gfx1035", "gfx1036", "gfx1037", "gfx1103", "gfx1150",
		"gfx1151", "gfx1152", "gfx1153" };

	for (unsigned i = 0; arch && i < sizeof apus / sizeof *apus; i++)
		if (!strcmp(apus[i], arch))
			return 1;
	return 0;
}

static char *node_text(const struct probe_input *in, const char *node, const char *file)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%.16s/%s", topology, node, file);
	return probe_text(in, path, NULL);
}

static struct probed_gpu *gpu_of(struct probed *out, const char *properties)
{
	uint64_t at = property(properties, "location_id"), domain = property(properties, "domain");
	char bus[32];

	snprintf(bus, sizeof bus, "%04x:%02x:%02x.%x", (unsigned)(domain & 0xffff), (unsigned)(at >> 8 & 0xff), (unsigned)(at >> 3 & 0x1f), (unsigned)(at & 7));
	for (uint32_t i = 0; i < out->n_gpus; i++)
		if (out->gpu[i].bus && !strcmp(out->gpu[i].bus, bus))
			return &out->gpu[i];
	return NULL;
}

/* Direct links to other GPUs (Infinity Fabric), counted as NVLinks are. */
static void read_links(struct probed *out, struct probed_gpu *g, const struct probe_input *in, const char *node)
{
	char path[256], file[300], other[24];

	snprintf(path, sizeof path, "%s/%.16s/io_links", topology, node);
	for (const char *const *l = probe_list(in, path); *l; l++) {
		snprintf(file, sizeof file, "%s/%.16s/properties", path, *l);
		const char *text = probe_text(in, file, NULL);
		if (property(text, "type") != IOLINK_XGMI || g->n_nvlink_to == PROBE_LINKS)
			continue;
		snprintf(other, sizeof other, "%llu", (unsigned long long)property(text, "node_to"));
		struct probed_gpu *peer = gpu_of(out, node_text(in, other, "properties"));
		if (!peer)
			continue;                /* to the processor */
		g->nvlink_to[g->n_nvlink_to].peer = (uint32_t)(peer - out->gpu);
		g->nvlink_to[g->n_nvlink_to++].links = 1;
		g->nvlinks++;
		/* max_bandwidth in MB/s is of one link and direction */
		if (property(text, "max_bandwidth"))
			g->nvlink_each_way_bps = (double)property(text, "max_bandwidth") * 1e6;
	}
}

void probe_kfd(struct probed *out, const struct probe_input *in)
{
	for (const char *const *node = probe_list(in, topology); *node; node++) {
		const char *p = node_text(in, *node, "properties"), *bank;
		struct probed_gpu *g = property(p, "simd_count") ? gpu_of(out, p) : NULL;
		uint64_t simds = property(p, "simd_count"), per_unit = property(p, "simd_per_cu");
		char arch[24];

		if (!g || g->vendor != VENDOR_AMD)
			continue;
		if (per_unit && simds / per_unit <= 4096)
			g->units = (uint32_t)(simds / per_unit);
		if (!kfd_arch(arch, sizeof arch, property(p, "gfx_target_version")))
			g->arch = arena_strdup(in->a, arch);
		if (!g->mhz_max && property(p, "max_engine_clk_fcompute") < 100000)
			g->mhz_max = (uint32_t)property(p, "max_engine_clk_fcompute");
		bank = node_text(in, *node, "mem_banks/0/properties");
		if (property(bank, "width") <= 16384)
			g->bus_bits = (uint32_t)property(bank, "width");
		g->unified = (uint8_t)(property(p, "cpu_cores_count") > 0 || kfd_is_apu(g->arch));
		read_links(out, g, in, *node);
	}
	/* without KFD: nobody sells a card with less than 2 GiB that amdgpu drives and a model would run on; processors carve out 512 MiB */
	for (uint32_t i = 0; i < out->n_gpus; i++) {
		struct probed_gpu *g = &out->gpu[i];
		if (g->vendor == VENDOR_AMD && !g->arch && g->state == GPU_OK && g->total < UINT64_C(2) << 30)
			g->unified = 1;
		if (g->vendor == VENDOR_AMD && g->unified)
			g->carve_out = g->total;
	}
}
