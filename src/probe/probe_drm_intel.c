/* probe_drm_intel.c - Intel's GPUs: drivers i915 and xe
 *
 * Clocks: "DOC: Xe GT Frequency Management" of drivers/gpu/drm/xe/xe_gt_freq.c, and i915's gt/gt0/rps_*, both in MHz. Power: hwmon in
 * micro-watts (Documentation/ABI/testing/sysfs-driver-intel-i915-hwmon, sysfs-driver-intel-xe-hwmon).
 * Memory of a card: no file of a kernel from kernel.org says it. i915 as Intel builds it has lmem_total_bytes, xe of some builds has
 * tileN/physical_vram_size_bytes (which the GPU tests of igt read); they are used where they are. BAR 2 says nothing: it is a power of
 * two, 256 MiB without resizable BAR and 16 GiB for 12 GB of memory with it. Otherwise the catalogue has to know. */
#include "probe/probe_drm.h"

#include "base/units.h"

#include <string.h>

enum { MAX_TILES = 8 };
#define MICRO 1e-6

static uint32_t mhz(const struct probe_input *in, const struct drm_card *c, const char *const *names)
{
	uint64_t v;

	for (; *names; names++)
		if (!drm_u64(&v, in, c, *names) && v && v < 100000)
			return (uint32_t)v;
	return 0;
}

static void memory(struct probed_gpu *g, const struct probe_input *in, const struct drm_card *c)
{
	uint64_t sum = 0, v;

	for (unsigned i = 0; i < MAX_TILES; i++) {
		const char *name = arena_printf(in->a, "device/tile%u/physical_vram_size_bytes", i);
		if (!name || drm_u64(&v, in, c, name) || u64_add(&sum, sum, v))
			break;
	}
	g->free_unknown = 1;
	if (!sum && drm_u64(&sum, in, c, "lmem_total_bytes"))
		return;
	g->total = sum;
	g->memory_from = PROBE_DRM;
	if (!drm_u64(&v, in, c, "lmem_avail_bytes") && v <= g->total) {
		g->free = v;
		g->used = g->total - v;
		g->free_unknown = 0;
	}
}

void drm_intel(struct probed_gpu *g, const struct probe_input *in, const struct drm_card *c)
{
	/* the hardware's maximum before the one that somebody set */
	static const char *const most[] = { "device/tile0/gt0/freq0/rp0_freq", "device/tile0/gt0/freq0/max_freq", "gt/gt0/rps_RP0_freq_mhz", "gt_RP0_freq_mhz", NULL };
	static const char *const now[] = { "device/tile0/gt0/freq0/act_freq", "gt/gt0/rps_act_freq_mhz", "gt_act_freq_mhz", NULL };
	static const char *const power[] = { "power1_cap", "power1_max" };       /* xe, i915 */
	uint64_t v;

	g->unified = !strcmp(c->bus, INTEL_GRAPHICS);
	if (!g->unified)
		memory(g, in, c);
	g->mhz_max = mhz(in, c, most);
	if (c->asleep)
		return;
	g->mhz = mhz(in, c, now);
	for (unsigned i = 0; i < 2 && g->power_limit_w <= 0; i++)
		if (!drm_hwmon(&v, in, c, power[i]) && v < 10000000000)
			g->power_limit_w = (double)v * MICRO;
}
