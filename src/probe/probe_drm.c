/* probe_drm.c - GPUs that the kernel shows under /sys/class/drm: AMD's and Intel's, others as far as nobody else told of them
 *
 * Files of amdgpu: Documentation/gpu/amdgpu/driver-misc.rst and thermal.rst of Linux (mem_info_*, pp_dpm_*, hwmon in microwatts); of i915
 * and xe: their gt frequency files. Link files: Documentation/ABI/testing/sysfs-bus-pci. What KFD adds is read by probe_kfd.c. Adapters that
 * only show a picture (of hypervisors and server boards) compute nothing and are left out. */
#include "probe/probe_drm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PCI_AMD = 0x1002, PCI_NVIDIA = 0x10de, PCI_INTEL = 0x8086, PATH_LEN = 256 };
/* virtio, QEMU and Bochs, VMware, Hyper-V, VirtualBox, ASPEED, Matrox, Cirrus, XenSource, Red Hat's QXL (pci.ids) */
static const uint16_t picture_only[] = { 0x1af4, 0x1234, 0x15ad, 0x1414, 0x80ee, 0x1a03, 0x102b, 0x1013, 0x5853, 0x1b36 };

/* A file below /sys/class/drm/cardN. */
struct card { const struct probe_input *in; char path[PATH_LEN]; };

static const char *file_of(char *buf, size_t n, const struct card *c, const char *file)
{
	snprintf(buf, n, "%s/%s", c->path, file);
	return buf;
}

static int card_u64(uint64_t *out, const struct card *c, const char *file)
{
	char path[PATH_LEN + 64];

	*out = 0;
	return probe_u64(out, c->in, file_of(path, sizeof path, c, file));
}

static uint32_t card_u32(const struct card *c, const char *file)
{
	uint64_t v;

	return card_u64(&v, c, file) || v > UINT32_MAX ? 0 : (uint32_t)v;
}

static char *card_text(const struct card *c, const char *file)
{
	char path[PATH_LEN + 64];

	return probe_text(c->in, file_of(path, sizeof path, c, file), NULL);
}

uint32_t drm_pcie_gen(const char *text)
{
	static const double rates[] = { 2.5, 5, 8, 16, 32, 64 };
	double v = text ? strtod(text, NULL) : 0;

	for (unsigned i = 0; i < sizeof rates / sizeof *rates; i++)
		if (v > rates[i] * 0.99 && v < rates[i] * 1.01)
			return i + 1;
	return 0;
}

void drm_clocks(uint32_t *now, uint32_t *most, const char *text)
{
	*now = *most = 0;
	for (const char *p = text; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL) {
		const char *colon = p + strspn(p, "0123456789");
		unsigned long mhz = colon > p && *colon == ':' ? strtoul(colon + 1, NULL, 10) : 0;
		if (!mhz || mhz > 100000)
			continue;
		if (mhz > *most)
			*most = (uint32_t)mhz;
		if (memchr(p, '*', strcspn(p, "\n")))
			*now = (uint32_t)mhz;
	}
}

static void read_link(struct probed_gpu *g, const struct card *c)
{
	if (g->pcie_gen_max)
		return;                          /* its own driver was asked first */
	g->pcie_gen = drm_pcie_gen(card_text(c, "device/current_link_speed"));
	g->pcie_gen_max = drm_pcie_gen(card_text(c, "device/max_link_speed"));
	g->pcie_lanes = card_u32(c, "device/current_link_width");
	g->pcie_lanes_max = card_u32(c, "device/max_link_width");
	/* a link has 32 lanes at most; 63 and 255 stand for "not told" */
	if (g->pcie_lanes > 32)
		g->pcie_lanes = 0;
	if (g->pcie_lanes_max > 32)
		g->pcie_lanes_max = 0;
}

static void read_amd_power(struct probed_gpu *g, const struct card *c)
{
	char folder[PATH_LEN + 64], path[PATH_LEN + 128];
	uint64_t uw;

	for (const char *const *h = probe_list(c->in, file_of(folder, sizeof folder, c, "device/hwmon")); *h; h++) {
		snprintf(path, sizeof path, "%s/%.32s/power1_cap", folder, *h);
		if (!probe_u64(&uw, c->in, path))
			g->power_limit_w = (double)uw * 1e-6;
		snprintf(path, sizeof path, "%s/%.32s/power1_cap_max", folder, *h);
		if (!probe_u64(&uw, c->in, path))
			g->power_max_w = (double)uw * 1e-6;
		snprintf(path, sizeof path, "%s/%.32s/power1_average", folder, *h);
		if (!probe_u64(&uw, c->in, path))
			g->power_w = (double)uw * 1e-6;
	}
}

static const char *one_line(char *text)
{
	size_t n = text ? strcspn(text, "\n") : 0;

	if (!n)
		return NULL;
	text[n] = '\0';
	return text;
}

static void read_amd(struct probed_gpu *g, const struct card *c)
{
	g->vendor = VENDOR_AMD;
	if (card_u64(&g->total, c, "device/mem_info_vram_total") || card_u64(&g->used, c, "device/mem_info_vram_used")) {
		g->total = g->used = 0;
		g->state = GPU_UNREADABLE;
		g->why = "amdgpu does not answer for it: it has another driver, or none";
		return;
	}
	if (g->used > g->total)
		g->used = g->total;
	g->free = g->total - g->used;
	g->memory_from = PROBE_DRM;
	(void)(card_u64(&g->gtt_total, c, "device/mem_info_gtt_total") || card_u64(&g->gtt_used, c, "device/mem_info_gtt_used"));
	if (!g->name)
		g->name = one_line(card_text(c, "device/product_name"));
	drm_clocks(&g->mhz, &g->mhz_max, card_text(c, "device/pp_dpm_sclk"));
	drm_clocks(&g->memory_mhz, &g->memory_mhz_max, card_text(c, "device/pp_dpm_mclk"));
	read_amd_power(g, c);
}

/* What a card of Intel's has by itself no file tells for sure (the PCI region of its memory is rounded up to a power of two): the catalogue knows. */
static void read_intel(struct probed_gpu *g, const struct card *c)
{
	g->vendor = VENDOR_INTEL;
	/* the processor's own graphics are device 2 of bus 0 on every chipset */
	g->unified = g->bus && !strcmp(g->bus, "0000:00:02.0");
	if (!g->unified) {
		if (!card_u64(&g->total, c, "device/tile0/physical_vram_size_bytes") && g->total)
			g->memory_from = PROBE_DRM;
		g->free_unknown = 1;
	}
	/* a card of Intel's hangs behind a bridge of its own, to which its link is one lane of generation 1: not the slot's */
	g->pcie_gen = g->pcie_lanes = g->pcie_gen_max = g->pcie_lanes_max = 0;
	g->mhz_max = card_u32(c, "gt/gt0/rps_RP0_freq_mhz");             /* i915 */
	if (!g->mhz_max)
		g->mhz_max = card_u32(c, "device/tile0/gt0/freq0/max_freq");     /* xe */
}

static int is_picture_only(uint32_t vendor)
{
	for (unsigned i = 0; i < sizeof picture_only / sizeof *picture_only; i++)
		if (picture_only[i] == vendor)
			return 1;
	return 0;
}

static void read_card(struct probed *out, const struct card *c)
{
	char path[PATH_LEN + 64];
	uint32_t vendor = card_u32(c, "device/vendor"), device = card_u32(c, "device/device"), n = out->n_gpus;
	char *bus = probe_link(c->in, file_of(path, sizeof path, c, "device"));
	struct probed_gpu *g;
	uint64_t node;

	/* boards such as a Raspberry Pi have a display controller that is on no bus with ids */
	if (!vendor || vendor > 0xffff || device > 0xffff || is_picture_only(vendor) || !bus || !strchr(bus, ':'))
		return;
	if (!(g = probe_gpu_at(out, c->in, bus)))
		return;
	if (n == out->n_gpus) {                  /* known: only what its driver did not say */
		read_link(g, c);
		return;
	}
	g->from = PROBE_DRM;
	g->pci = vendor << 16 | device;
	g->subsystem = card_u32(c, "device/subsystem_vendor") << 16 | card_u32(c, "device/subsystem_device");
	if ((bus = probe_link(c->in, file_of(path, sizeof path, c, "device/driver"))))
		g->driver = bus;
	if (!card_u64(&node, c, "device/numa_node") && node < 4096)
		g->numa = (uint32_t)node + 1;
	read_link(g, c);
	if (vendor == PCI_AMD) {
		read_amd(g, c);
	} else if (vendor == PCI_INTEL) {
		read_intel(g, c);
	} else {
		g->vendor = vendor == PCI_NVIDIA ? VENDOR_NVIDIA : VENDOR_OTHER;
		g->state = GPU_UNREADABLE;
		g->why = vendor == PCI_NVIDIA ? "the kernel sees this card, but NVIDIA's driver library does not answer for it" : "no driver of its maker is known here";
	}
}

/* card0, card1, ...: not card0-DP-1, which is a socket, nor renderD128, which is the same card again. */
static int is_card(const char *name)
{
	return !strncmp(name, "card", 4) && name[4] && strspn(name + 4, "0123456789") == strlen(name + 4) && strlen(name) < 16;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void probe_drm(struct probed *out, const struct probe_input *in)
{
	double start = now(), cards;

	for (const char *const *name = probe_list(in, "/sys/class/drm"); *name; name++) {
		struct card c = { .in = in };
		if (!is_card(*name))
			continue;
		snprintf(c.path, sizeof c.path, "/sys/class/drm/%s", *name);
		read_card(out, &c);
	}
	cards = now();
	probe_kfd(out, in);
	out->seconds[PROBE_DRM] += cards - start;
	out->seconds[PROBE_KFD] += now() - cards;
}
