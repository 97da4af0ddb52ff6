/* probe_drm.c - GPUs that the kernel's graphics drivers know: /sys/class/drm
 *
 * AMD and Intel cards are read here (probe_drm_amd.c, probe_drm_intel.c); NVIDIA's are NVML's, and only those are added that the kernel
 * sees and NVML does not. Everything else (virtio, QEMU's and servers' display adapters) computes nothing and is left out.
 * No card twice: all readers name it by its bus address. Cards are taken in the order of these, which is Vulkan's and ROCm's too. */
#include "probe/probe_drm.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DRM "/sys/class/drm"

enum { MAX_CARDS = 128 };

/* --- files of a card ----------------------------------------------------------------------------------------------------- */

static const char *trim(char *text)
{
	char *p = text + strspn(text, " \t\r\n");
	size_t n = strlen(p);

	while (n && strchr(" \t\r\n", p[n - 1]))
		p[--n] = '\0';
	return n ? p : NULL;
}

const char *drm_text(const struct probe_input *in, const struct drm_card *c, const char *name)
{
	const char *path = arena_printf(in->a, "%s/%s", c->dir, name);
	char *text = path ? probe_text(in, path, NULL) : NULL;

	return text ? trim(text) : NULL;
}

int drm_u64(uint64_t *out, const struct probe_input *in, const struct drm_card *c, const char *name)
{
	const char *path = arena_printf(in->a, "%s/%s", c->dir, name);

	return path ? probe_u64(out, in, path) : -1;
}

int drm_hwmon(uint64_t *out, const struct probe_input *in, const struct drm_card *c, const char *name)
{
	const char *dir = arena_printf(in->a, "%s/device/hwmon", c->dir), *const *list = dir ? probe_list(in, dir) : NULL;

	for (; list && *list; list++) {
		const char *path = arena_printf(in->a, "%s/%s/%s", dir, *list, name);
		if (path && !probe_u64(out, in, path))
			return 0;
	}
	return -1;
}

void drm_clocks(uint32_t *now, uint32_t *most, const char *text)
{
	*now = *most = 0;
	for (const char *p = text; p && *p; p += strcspn(p, "\n"), p += *p == '\n') {
		const char *at = strchr(p, ':'), *end = p + strcspn(p, "\n");
		char *unit;
		if (!at || at > end)
			continue;
		unsigned long mhz = strtoul(at + 1, &unit, 10);
		if (unit > end || mhz > 100000 || (strncmp(unit, "Mhz", 3) && strncmp(unit, "MHz", 3)))
			continue;
		if (mhz > *most)
			*most = (uint32_t)mhz;
		if (memchr(unit, '*', (size_t)(end - unit)))
			*now = (uint32_t)mhz;
	}
}

/* --- cards --------------------------------------------------------------------------------------------------------------- */

static uint32_t id16(const struct probe_input *in, const struct drm_card *c, const char *name)
{
	uint64_t v;

	return drm_u64(&v, in, c, name) || v > 0xffff ? 0 : (uint32_t)v;
}

/* "card0", not its connectors "card0-DP-1" nor "renderD128". */
static int is_card(const char *name)
{
	return !strncmp(name, "card", 4) && name[4] && !name[4 + strspn(name + 4, "0123456789")];
}

/* 0, or -1: no PCI device, or one that is not readable. */
static int read_card(struct drm_card *c, const struct probe_input *in, const char *name)
{
	const char *path, *status;

	*c = (struct drm_card){ .dir = arena_printf(in->a, DRM "/%s", name) };
	if (!c->dir || !(path = arena_printf(in->a, "%s/device", c->dir)) || !(c->bus = probe_link(in, path)) || !strchr(c->bus, ':') ||
	    !(c->vendor = id16(in, c, "device/vendor")) || !(path = arena_printf(in->a, "%s/device/driver", c->dir)))
		return -1;
	c->driver = probe_link(in, path);
	c->device = id16(in, c, "device/device");
	c->revision = id16(in, c, "device/revision");
	c->subsystem = id16(in, c, "device/subsystem_vendor") << 16 | id16(in, c, "device/subsystem_device");
	status = drm_text(in, c, "device/power/runtime_status");
	c->asleep = status && !strcmp(status, "suspended");
	return 0;
}

static int by_bus(const void *a, const void *b)
{
	return strcmp(((const struct drm_card *)a)->bus, ((const struct drm_card *)b)->bus);
}

static uint32_t read_cards(struct drm_card *cards, const struct probe_input *in)
{
	uint32_t n = 0;

	for (const char *const *name = probe_list(in, DRM); name && *name && n < MAX_CARDS; name++)
		if (is_card(*name) && !read_card(&cards[n], in, *name))
			n++;
	qsort(cards, n, sizeof *cards, by_bus);
	return n;
}

/* --- visibility ---------------------------------------------------------------------------------------------------------- */

/* A container sees all of the host's /sys, but of /dev only what it was given: without its render node a card is of no use to anybody here.
 * A recording that has no /dev/dri says nothing of it. */
static void visible(struct probed_gpu *g, const struct probe_input *in, const struct drm_card *c)
{
	const char *dir = arena_printf(in->a, "%s/device/drm", c->dir), *const *nodes = dir ? probe_list(in, dir) : NULL,
		*const *given = probe_list(in, "/dev/dri"), *render = NULL;

	for (; nodes && *nodes; nodes++)
		if (!strncmp(*nodes, "renderD", 7))
			render = *nodes;
	if (!render || !given || (!*given && in->replay))
		return;
	for (; *given; given++)
		if (!strcmp(*given, render))
			return;
	g->state = GPU_HIDDEN;
	g->why = arena_printf(in->a, "there is no /dev/dri/%s: this container was not given the card", render);
}

/* --- NVIDIA -------------------------------------------------------------------------------------------------------------- */

static void nvidia(struct probed *out, const struct probe_input *in, const struct drm_card *c, const struct pci_bridges *b)
{
	const struct probed_gpu *listed = NULL;
	struct probed_gpu *g;

	for (uint32_t i = 0; i < out->n_gpus; i++) {
		g = &out->gpu[i];
		if (g->vendor != VENDOR_NVIDIA)
			continue;
		if (!g->bus || !strcmp(g->bus, c->bus)) {        /* NVML's, or it may be: it was asked first */
			if (g->bus && !g->pcie_gen_max)
				drm_pcie(g, in, c, b);
			return;
		}
		listed = g;
	}
	if (!(g = probe_gpu_at(out, in, c->bus)))
		return;
	g->vendor = VENDOR_NVIDIA;
	g->from = PROBE_DRM;
	g->pci = c->vendor << 16 | c->device;
	g->subsystem = c->subsystem;
	g->name = drm_name(in, c);
	g->driver = c->driver;
	g->state = listed ? GPU_HIDDEN : GPU_UNREADABLE;
	g->why = listed ? "the kernel sees this card, but NVML does not list it: this container was not given it" :
		c->driver && !strcmp(c->driver, "nouveau") ? "its driver is nouveau: NVML, which says what a card has, comes with NVIDIA's driver" :
		"the kernel sees an NVIDIA card, but NVML is not here: no driver library in this container?";
}

/* ------------------------------------------------------------------------------------------------------------------------- */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void probe_drm(struct probed *out, const struct probe_input *in)
{
	struct drm_card *cards = arena_array(in->a, MAX_CARDS, sizeof *cards);
	struct pci_bridges bridges = { .n = 0 };
	struct kfd kfd = { .n = 0 };
	uint32_t n = cards ? read_cards(cards, in) : 0;
	double start;
	int amd = 0, card = 0;

	for (uint32_t i = 0; i < n; i++) {
		amd |= cards[i].vendor == PCI_AMD;
		card |= cards[i].vendor == PCI_AMD || (cards[i].vendor == PCI_INTEL && strcmp(cards[i].bus, INTEL_GRAPHICS));
	}
	start = now();
	if (amd)
		kfd_read(&kfd, in);
	out->seconds[PROBE_KFD] += now() - start;
	if (card)
		pci_bridges_read(&bridges, in);
	for (uint32_t i = 0; i < n; i++) {
		const struct drm_card *c = &cards[i];
		struct probed_gpu *g;
		if (c->vendor == PCI_NVIDIA)
			nvidia(out, in, c, &bridges);
		if ((c->vendor != PCI_AMD && c->vendor != PCI_INTEL) || !(g = probe_gpu_at(out, in, c->bus)) || g->from != PROBE_NONE)
			continue;
		g->vendor = c->vendor == PCI_AMD ? VENDOR_AMD : VENDOR_INTEL;
		g->from = PROBE_DRM;
		g->pci = c->vendor << 16 | c->device;
		g->subsystem = c->subsystem;
		g->driver = c->driver;
		uint64_t node;
		if (!drm_u64(&node, in, c, "device/numa_node") && node < PROBE_NUMA)     /* -1: a machine with one */
			g->numa = (uint32_t)node + 1;
		if (c->vendor == PCI_AMD)
			drm_amd(g, out, in, c, &kfd);
		else
			drm_intel(g, in, c);
		if (!g->name)
			g->name = drm_name(in, c);
		if (!g->unified)
			drm_pcie(g, in, c, &bridges);
		visible(g, in, c);
	}
	kfd_links(out, &kfd);
}
