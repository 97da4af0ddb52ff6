/* probe_nvidia_links.c - NVLink between devices, and the MIG slices of one */
#include "probe/probe_nvidia.h"

#include <string.h>

/* --- NVLink ------------------------------------------------------------------------------------------------------------- */

enum { LINKS = 36 };                             /* NVML_NVLINK_MAX_LINKS of NVLink 6 */

static void add_peer(struct probed_gpu *g, uint32_t peer)
{
	for (uint32_t i = 0; i < g->n_nvlink_to; i++)
		if (g->nvlink_to[i].peer == peer) {
			g->nvlink_to[i].links++;
			return;
		}
	if (g->n_nvlink_to < PROBE_LINKS) {
		g->nvlink_to[g->n_nvlink_to].peer = peer;
		g->nvlink_to[g->n_nvlink_to++].links = 1;
	}
}

/* The other end: a GPU by its bus address, or a switch. One that is neither, or of which the driver says nothing, is no peer. */
static void other_end(struct nvidia *n, struct probed_gpu *g, uint32_t device, uint32_t link)
{
	struct driver_answer type, pci;
	int typed = !driver_ask(n->nvml, &type, NVML_LINK_TYPE, (int)device, -1, link);
	const char *bus;

	if (typed && type.v[0] == NVML_LINK_TO_SWITCH) {
		add_peer(g, UINT32_MAX);
		return;
	}
	if ((typed && type.v[0] != NVML_LINK_TO_GPU) || driver_ask(n->nvml, &pci, NVML_LINK_PCI, (int)device, -1, link) ||
	    !(bus = nvidia_bus(n, pci.v[0], pci.v[1], pci.v[2])))
		return;
	for (uint32_t i = 0; i < n->n_devices; i++)
		if (n->gpu[i] != NVIDIA_NONE && n->out->gpu[n->gpu[i]].bus && !strcmp(n->out->gpu[n->gpu[i]].bus, bus)) {
			add_peer(g, n->gpu[i]);
			return;
		}
}

/* The rate of the lines (26.562 GB/s on H100) has the protocol's share in it, the data sheet's 25 GB/s has not: the lesser counts, so that links that
 * were trained slower than their version are seen. With one of them unknown it is the other. */
static double each_way(double nominal, double lines)
{
	return nominal > 0 && (lines <= 0 || nominal < lines) ? nominal : lines;
}

static void links(struct nvidia *n, struct probed_gpu *g, uint32_t device)
{
	struct driver_answer a;
	uint32_t count = LINKS;
	double nominal = 0;

	if (!driver_ask(n->nvml, &a, NVML_FIELD, (int)device, -1, NVML_FIELD_LINK_COUNT))
		count = (uint32_t)(a.v[0] < LINKS ? a.v[0] : LINKS);
	for (uint32_t link = 0; link < count; link++) {
		if (driver_ask(n->nvml, &a, NVML_LINK_STATE, (int)device, -1, link))
			break;               /* not supported, or no such link */
		if (!a.v[0])
			continue;
		g->nvlinks++;
		if (nominal <= 0)
			nominal = nvlink_each_way(driver_u64(n->nvml, NVML_LINK_VERSION, (int)device, -1, link));
		other_end(n, g, device, link);
	}
	if (g->nvlinks)
		g->nvlink_each_way_bps = each_way(nominal, (double)driver_u64(n->nvml, NVML_FIELD, (int)device, -1, NVML_FIELD_LINK_SPEED) * 1e6);
}

void nvidia_links(struct nvidia *n)
{
	for (uint32_t i = 0; i < n->n_devices; i++)
		if (n->gpu[i] != NVIDIA_NONE && n->out->gpu[n->gpu[i]].state == GPU_OK)
			links(n, &n->out->gpu[n->gpu[i]], i);
}

/* --- MIG ---------------------------------------------------------------------------------------------------------------- */

static void slice(struct nvidia *n, const struct probed_gpu *card, uint32_t device, uint32_t place)
{
	struct probed_gpu *g = nvidia_gpu(n, NULL, PROBE_NVML);
	struct driver_answer a;
	const char *profile;

	if (!g)
		return;
	g->mig = 1;
	g->bus = card->bus;
	g->pci = card->pci;
	g->subsystem = card->subsystem;
	g->ecc = card->ecc;
	g->numa = card->numa;
	nvidia_read(n, g, device, (int)place);
	if (!g->compute_capability)
		g->compute_capability = card->compute_capability;
	if (!nvidia_ask(n, g, &a, NVML_ATTRIBUTES, device, (int)place, 0))
		g->units = (uint32_t)a.v[0];
	/* the profile's gigabytes are rounded in no way that its size tells (1g.12gb has 10.75 GiB): only its name counts */
	if (g->name && (profile = strstr(g->name, " MIG ")))
		g->mig_profile = arena_strdup(n->in->a, profile + 5);
}

void nvidia_slices(struct nvidia *n, uint32_t device, uint32_t parent)
{
	uint64_t places = driver_u64(n->nvml, NVML_MIG_COUNT, (int)device, -1, 0);
	struct probed_gpu *card = &n->out->gpu[parent];
	struct driver_answer a;
	unsigned found = 0;

	/* slices are numbered without holes, but a container may see others than the first */
	for (uint32_t place = 0; place < places && place < 16; place++)
		if (!driver_ask(n->nvml, &a, NVML_MIG_HANDLE, (int)device, -1, place)) {
			slice(n, card, device, place);
			found++;
		}
	card->state = GPU_HIDDEN;
	card->why = found ? arena_printf(n->in->a, "MIG is on: programs get its %u slice%s, not the card", found, found == 1 ? "" : "s") :
		"MIG is on, and no slice of the card can be seen";
	if (!found)
		probe_note(n->out, n->in, "MIG is on for device %u, and no slice of it can be seen", (unsigned)device);
}
