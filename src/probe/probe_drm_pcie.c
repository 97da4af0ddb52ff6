/* probe_drm_pcie.c - the link between a card and its slot
 *
 * Radeon cards since Navi 10 and all Arc cards carry a PCI Express switch (1002:1478 and 1479, 8086:4fa1 and 4fa4 and the like in pci.ids): the
 * GPU hangs on a port of it, and what the GPU says is the link within the card. An Arc says 2.5 GT/s x1 whatever its slot is (sysfs of an
 * A380 and of two B580 in the tests of ilya-zlobintsev/LACT). The link that data takes is that of the switch's upper port:
 *     root port - [upper port - lower port - GPU], in brackets the card, all three of the card's maker. */
#include "probe/probe_drm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEVICES "/sys/bus/pci/devices"

enum { MAX_BRIDGES = 512, MAX_LANES = 32 };
struct pcie_link { uint32_t gen, lanes, gen_max, lanes_max; };

uint32_t drm_pcie_gen(const char *text)
{
	/* GT/s by generation: pci_speed_string() of drivers/pci/probe.c */
	static const double rates[] = { 2.5, 5, 8, 16, 32, 64 };
	char *end = NULL;
	double v = text ? strtod(text, &end) : 0;

	for (uint32_t i = 0; i < sizeof rates / sizeof *rates; i++)
		if (v > rates[i] * 0.99 && v < rates[i] * 1.01 && !strncmp(end, " GT/s", 5))
			return i + 1;
	return 0;
}

static uint32_t speed(const struct probe_input *in, const char *dir, const char *name)
{
	const char *path = arena_printf(in->a, "%s/%s", dir, name), *text = path ? probe_text(in, path, NULL) : NULL;

	return drm_pcie_gen(text);
}

/* 0 and 255 stand for "not told" (pcie_get_width_cap(), and amdgpu where the capability is missing). */
static uint32_t lanes(const struct probe_input *in, const char *dir, const char *name)
{
	const char *path = arena_printf(in->a, "%s/%s", dir, name);
	uint64_t v;

	return path && !probe_u64(&v, in, path) && v <= MAX_LANES ? (uint32_t)v : 0;
}

static struct pcie_link read_link(const struct probe_input *in, const char *dir)
{
	return (struct pcie_link){ speed(in, dir, "current_link_speed"), lanes(in, dir, "current_link_width"),
		speed(in, dir, "max_link_speed"), lanes(in, dir, "max_link_width") };
}

void pci_bridges_read(struct pci_bridges *out, const struct probe_input *in)
{
	const char *const *list = probe_list(in, DEVICES);

	*out = (struct pci_bridges){ .n = 0 };
	if (!list || !list[0] || !(out->bridge = arena_array(in->a, MAX_BRIDGES, sizeof *out->bridge)))
		return;
	for (; *list && out->n < MAX_BRIDGES; list++) {
		struct pci_bridge *b = &out->bridge[out->n];
		const char *path = arena_printf(in->a, DEVICES "/%s/secondary_bus_number", *list);
		uint64_t v;
		unsigned domain;
		if (!path || sscanf(*list, "%8x:", &domain) != 1 || strlen(*list) >= sizeof b->bus || probe_u64(&v, in, path) || v > 255)
			continue;        /* no bridge: only those have the file */
		*b = (struct pci_bridge){ .domain = domain, .secondary = (uint32_t)v };
		strcpy(b->bus, *list);
		path = arena_printf(in->a, DEVICES "/%s/vendor", *list);
		if (path && !probe_u64(&v, in, path) && v <= 0xffff)
			b->vendor = (uint32_t)v;
		out->n++;
	}
}

/* The bridge above the device at this address; NULL: it is on a root bus, or nobody knows. */
static const struct pci_bridge *above(const struct pci_bridges *b, const char *bus)
{
	unsigned domain, number;

	if (sscanf(bus, "%8x:%2x:", &domain, &number) != 2)
		return NULL;
	for (uint32_t i = 0; number && i < b->n; i++)
		if (b->bridge[i].domain == domain && b->bridge[i].secondary == number)
			return &b->bridge[i];
	return NULL;
}

/* 0: the one end does not say. */
static uint32_t lesser(uint32_t a, uint32_t b) { return a && b && b < a ? b : a; }

void drm_pcie(struct probed_gpu *g, const struct probe_input *in, const struct drm_card *c, const struct pci_bridges *b)
{
	const struct pci_bridge *lower = above(b, c->bus), *upper = lower ? above(b, lower->bus) : NULL, *slot = lower;
	const char *dir = arena_printf(in->a, "%s/device", c->dir);
	struct pcie_link l, s;

	if (!dir)
		return;
	if (upper && lower->vendor == c->vendor && upper->vendor == c->vendor && above(b, upper->bus)) {
		slot = above(b, upper->bus);
		dir = arena_printf(in->a, DEVICES "/%s", upper->bus);
	}
	l = dir ? read_link(in, dir) : (struct pcie_link){ 0 };
	if (c->vendor == PCI_INTEL && slot == lower && l.gen_max == 1 && l.lanes_max <= 1)
		return;                  /* the link within an Arc card, and the way to its slot is not to be seen */
	if (slot && (dir = arena_printf(in->a, DEVICES "/%s", slot->bus))) {
		s = read_link(in, dir);
		l.gen_max = lesser(l.gen_max, s.gen_max);
		l.lanes_max = lesser(l.lanes_max, s.lanes_max);
	}
	g->pcie_gen = l.gen;
	g->pcie_lanes = l.lanes;
	g->pcie_gen_max = l.gen_max;
	g->pcie_lanes_max = l.lanes_max;
}
