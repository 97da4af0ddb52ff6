/* probe_drm_amd.c - AMD's GPUs: driver amdgpu, and KFD beside it
 *
 * Files: Documentation/gpu/amdgpu/driver-misc.rst and thermal.rst of Linux (mem_info_*, pp_dpm_*, hwmon). Memory is in bytes.
 *
 * A processor's graphics unit (APU) has no memory of its own. What the driver calls VRAM there is a carve-out: system memory that firmware
 * hides from the kernel (MemTotal does not have it); GTT is system memory that the GPU may map, by default half of it
 * (ttm.pages_limit, drivers/gpu/drm/ttm/ttm_tt.c; amdgpu.gttsize is deprecated for it since Linux 6.17). How much of the two a
 * program gets depends on how it asks:
 *   Vulkan (RADV)  both: radv_physical_device_init_mem_types() adds them up and makes two heaps of the sum, 1/3 and 2/3; llama.cpp's Vulkan
 *                  backend counts all heaps of an integrated GPU.
 *   ROCm           one of them: since Linux 6.10 KFD counts and allocates GTT when the carve-out is the smaller
 *                  (apu_prefer_gtt = AMD_IS_APU && real_vram_size < gtt_size in amdgpu_device.c), else the carve-out alone; before that
 *                  the carve-out alone. The bank that KFD lists is the one it means: compute_total. */
#include "probe/probe_drm.h"

#include <string.h>

#define MICRO 1e-6

/* --- is it a processor's graphics unit? ---------------------------------------------------------------------------------- */

/* For kernels without KFD: PCI devices that pci.ids (2025-06-21) lists under a processor's code name. */
static const uint16_t apu_devices[] = {
	0x1114 /* Krackan */, 0x13c0 /* Granite Ridge */, 0x13fe /* Cyan Skillfish */, 0x1435 /* Sephiroth */, 0x1506 /* Mendocino */,
	0x150e /* Strix */, 0x1586 /* Strix Halo */, 0x15bf, 0x15c8 /* Phoenix */, 0x15d8 /* Picasso, Raven 2 */, 0x15dd /* Raven Ridge */,
	0x15e7 /* Barcelo */, 0x1636 /* Renoir */, 0x1638 /* Cezanne */, 0x163f /* VanGogh */, 0x164c /* Lucienne */, 0x164d /* Rembrandt */,
	0x164e /* Raphael */, 0x164f /* Phoenix */, 0x1681 /* Rembrandt */, 0x1900, 0x1901 /* Hawk Point */, 0x1902 /* Krackan 2 */,
	0x74a0 /* MI300A */, 0x98e4 /* Stoney */
};

static int is_apu_device(uint32_t device)
{
	for (unsigned i = 0; i < sizeof apu_devices / sizeof *apu_devices; i++)
		if (apu_devices[i] == device)
			return 1;
	return 0;
}

/* Revision of the table that the power firmware fills; 0: not to be had. struct metrics_table_header of kgd_pp_interface.h: a 16-bit size,
 * the format, the content. Format 1 is a card's, 2 and 3 ("on APUs") a processor's. Only this head is recorded. */
static unsigned metrics_format(const struct probe_input *in, const struct drm_card *c)
{
	const char *path = arena_printf(in->a, "%s/device/gpu_metrics", c->dir);
	size_t n = 0;
	const char *p = path ? probe_text_private(in, path, &n) : NULL;

	if (!p || n < 4)
		return 0;
	probe_record(in, path, p, 4);
	return (unsigned char)p[2];
}

/* In order of how directly the driver says it. */
static int is_unified(const struct probe_input *in, const struct drm_card *c, const struct kfd_node *node, uint64_t vram, uint64_t gtt)
{
	char arch[16];

	if (node && node->cpu_cores)
		return 1;                /* one node for both: kfd_topology.c calls that an APU */
	if (node && node->memory && node->memory == gtt && gtt != vram)
		return 1;                /* KFD counts system memory as the GPU's */
	if (node && !kfd_arch(arch, sizeof arch, node->target) && kfd_is_apu(arch))
		return 1;
	if (c->device != 0x74a0 && !c->asleep) {         /* MI300A has a card's table */
		unsigned format = metrics_format(in, c);
		if (format)
			return format > 1;
	}
	return is_apu_device(c->device);
}

/* --- what it has --------------------------------------------------------------------------------------------------------- */

/* 0, or -1: it does not say. */
static int memory(struct probed_gpu *g, const struct probe_input *in, const struct drm_card *c)
{
	uint64_t used;

	if (drm_u64(&g->total, in, c, "device/mem_info_vram_total")) {
		g->total = 0;
		return -1;
	}
	g->memory_from = PROBE_DRM;
	if (!drm_u64(&used, in, c, "device/mem_info_vram_used")) {
		g->used = used < g->total ? used : g->total;
		g->free = g->total - g->used;
	} else {
		g->free_unknown = 1;
	}
	if (drm_u64(&g->gtt_total, in, c, "device/mem_info_gtt_total"))
		g->gtt_total = 0;
	if (g->gtt_total && !drm_u64(&used, in, c, "device/mem_info_gtt_used"))
		g->gtt_used = used < g->gtt_total ? used : g->gtt_total;
	return 0;
}

static void watts(double *out, const struct probe_input *in, const struct drm_card *c, const char *name)
{
	uint64_t v;

	if (!drm_hwmon(&v, in, c, name) && v < 10000000000)
		*out = (double)v * MICRO;
}

static void clocks_and_power(struct probed_gpu *g, const struct probe_input *in, const struct drm_card *c)
{
	drm_clocks(&g->mhz, &g->mhz_max, drm_text(in, c, "device/pp_dpm_sclk"));
	drm_clocks(&g->memory_mhz, &g->memory_mhz_max, drm_text(in, c, "device/pp_dpm_mclk"));
	watts(&g->power_limit_w, in, c, "power1_cap");
	watts(&g->power_default_w, in, c, "power1_cap_default");
	watts(&g->power_max_w, in, c, "power1_cap_max");
	watts(&g->power_w, in, c, "power1_average");
	if (g->power_w <= 0)
		watts(&g->power_w, in, c, "power1_input");
}

static void of_kfd(struct probed_gpu *g, const struct probe_input *in, const struct kfd_node *node)
{
	char arch[16];

	if (!kfd_arch(arch, sizeof arch, node->target))
		g->arch = arena_strdup(in->a, arch);
	if (node->simds_per_cu)
		g->units = node->simds / node->simds_per_cu;
	if (!g->mhz_max)
		g->mhz_max = node->mhz_max;
	g->bus_bits = node->memory_bits;
	g->compute_total = node->memory;
}

/* Of a card, KFD's bank is the same memory: they may differ by what the driver keeps back. */
static void compare(struct probed *out, const struct probe_input *in, const struct probed_gpu *g)
{
	uint64_t a = g->total, b = g->compute_total, off = a > b ? a - b : b - a;

	if (g->unified || !a || !b || off <= a / 32)
		return;
	probe_conflict(out, arena_printf(in->a, "memory of the GPU at %s", g->bus), PROBE_DRM, arena_printf(in->a, "%llu", (unsigned long long)a),
		PROBE_KFD, arena_printf(in->a, "%llu", (unsigned long long)b), PROBE_DRM);
}

void drm_amd(struct probed_gpu *g, struct probed *out, const struct probe_input *in, const struct drm_card *c, const struct kfd *k)
{
	struct kfd_node found, *node = NULL;
	uint32_t partitions;

	if (!kfd_gpu(&found, &partitions, k, c->bus))
		node = &found;
	g->name = drm_text(in, c, "device/product_name");
	if (memory(g, in, c)) {
		g->state = GPU_UNREADABLE;
		g->why = c->driver && !strcmp(c->driver, "radeon") ? "its driver is radeon, the old one, which neither ROCm nor Vulkan can use" :
			"amdgpu does not answer for it: it has another driver, or none";
	}
	g->unified = (uint8_t)is_unified(in, c, node, g->total, g->gtt_total);
	if (g->unified)
		g->carve_out = g->total;
	if (!c->asleep)
		clocks_and_power(g, in, c);
	if (node)
		of_kfd(g, in, node);
	if (node && partitions > 1)
		probe_note(out, in, "the GPU at %s is cut into %u partitions: a program sees each of them as a GPU of its own", c->bus, partitions);
	if (node)
		compare(out, in, g);
}
