/* probe_nvidia_cuda.c - what the CUDA driver says of the devices that NVML knows, and of those that it does not */
#include "probe/probe_nvidia.h"

#include "base/str.h"
#include "base/units.h"

#include <stdio.h>
#include <string.h>

struct seen { struct driver *d; int device; const char *name, *bus, *uuid; uint64_t total; uint32_t capability, sms; int integrated; };

static uint32_t attribute(struct seen *s, uint32_t which)
{
	uint64_t v = driver_u64(s->d, CUDA_ATTRIBUTE, s->device, -1, which);

	return v > UINT32_MAX ? 0 : (uint32_t)v;
}

static const char *text(struct nvidia *n, struct seen *s, unsigned call)
{
	struct driver_answer a;

	return driver_ask(s->d, &a, call, s->device, -1, 0) || !*a.text ? NULL : arena_strdup(n->in->a, a.text);
}

/* "00000000:01:00.0" as "0000:01:00.0" */
static const char *bus(struct nvidia *n, const char *s)
{
	unsigned domain, b, device;

	return s && sscanf(s, "%8x:%2x:%2x", &domain, &b, &device) == 3 ? nvidia_bus(n, domain, b, device) : NULL;
}

static void look(struct nvidia *n, struct seen *s)
{
	uint32_t major, minor;

	s->name = text(n, s, CUDA_NAME);
	s->bus = bus(n, text(n, s, CUDA_BUS));
	s->uuid = text(n, s, CUDA_UUID);
	s->total = driver_u64(s->d, CUDA_TOTAL, s->device, -1, 0);
	s->integrated = attribute(s, CUDA_INTEGRATED) != 0;
	s->sms = attribute(s, CUDA_SMS);
	major = attribute(s, CUDA_MAJOR);
	minor = attribute(s, CUDA_MINOR);
	s->capability = major < 1000 && minor < 10 ? major * 10 + minor : 0;
}

/* NVML writes "GPU-..." and "MIG-..." before the same digits; drivers before R470 had no such UUID for slices. */
static int same_uuid(const struct probed_gpu *g, const char *uuid)
{
	return g->uuid && uuid && strlen(g->uuid) == strlen(uuid) + 4 && str_ieq(g->uuid + 4, uuid);
}

/* By address, which cards do not share; only where one side knows none, by UUID (recordings may have neutral ones). At a card with slices CUDA shows
 * a slice: which, its UUID tells, or there is but one. */
static struct probed_gpu *match(struct nvidia *n, const struct seen *s)
{
	struct probed_gpu *card = NULL, *slice = NULL;
	unsigned n_slices = 0;

	for (uint32_t i = 0; i < n->out->n_gpus; i++) {
		struct probed_gpu *g = &n->out->gpu[i];

		if (g->vendor != VENDOR_NVIDIA || (g->bus && s->bus ? strcmp(g->bus, s->bus) != 0 : !same_uuid(g, s->uuid)))
			continue;
		if (!g->mig) {
			card = card ? card : g;
			continue;
		}
		if (same_uuid(g, s->uuid))
			return g;
		slice = g;
		n_slices++;
	}
	return n_slices == 0 ? card : n_slices == 1 ? slice : NULL;
}

/* CUDA shows one of several slices at this address and no UUID says which: none is taken for hidden. Returns whether there are any. */
static int slices_at(struct nvidia *n, const char *bus, uint8_t *shown)
{
	int any = 0;

	for (uint32_t i = 0; bus && i < n->out->n_gpus; i++)
		if (n->out->gpu[i].mig && n->out->gpu[i].bus && !strcmp(n->out->gpu[i].bus, bus))
			any = shown[i] = 1;
	return any;
}

/* --- where both speak --------------------------------------------------------------------------------------------------- */

static const char *without_vendor(const char *name)
{
	return str_prefix(name, "NVIDIA ") ? name + 7 : name;
}

static const char *bytes_text(struct nvidia *n, uint64_t bytes)
{
	char b[32];

	return arena_printf(n->in->a, "%llu bytes (%s)", (unsigned long long)bytes, format_bytes(b, sizeof b, bytes));
}

static const char *what(struct nvidia *n, const char *of, const struct probed_gpu *g)
{
	return arena_printf(n->in->a, "%s of GPU %s", of, g->bus ? g->bus : g->uuid ? g->uuid : "?");
}

static void number_conflict(struct nvidia *n, const struct probed_gpu *g, const char *of, uint32_t nvml, uint32_t cuda, enum probe_source used)
{
	if (nvml && cuda && nvml != cuda)
		probe_conflict(n->out, what(n, of, g), PROBE_NVML, arena_printf(n->in->a, "%u", (unsigned)nvml), PROBE_CUDA,
			arena_printf(n->in->a, "%u", (unsigned)cuda), used);
}

/* The host's memory: total is what the GPU may use of it, free what the host has left of that. */
static void unified(struct nvidia *n, struct probed_gpu *g, uint64_t total)
{
	uint64_t available = n->out->memory.available;

	g->unified = 1;
	if (!total)
		return;
	g->total = total;
	g->reserved = 0;
	g->memory_from = PROBE_CUDA;
	g->free_unknown = !available;
	g->free = available < total ? available : total;
	g->used = available ? total - g->free : 0;
	if (!available)
		g->free = 0;
}

static void memory(struct nvidia *n, struct probed_gpu *g, const struct seen *s)
{
	uint64_t least = g->total - g->total / 32;

	least -= g->reserved < least ? g->reserved : least;
	if (s->integrated) {
		unified(n, g, s->total);
	} else if (!g->total && s->total) {
		g->total = s->total;
		g->memory_from = PROBE_CUDA;
		g->free_unknown = 1;         /* cuMemGetInfo needs a context, which takes memory itself */
	} else if (s->total && (s->total > g->total || s->total < least)) {
		probe_conflict(n->out, what(n, "memory", g), PROBE_NVML, bytes_text(n, g->total), PROBE_CUDA, bytes_text(n, s->total), PROBE_NVML);
	}
}

static void merge(struct nvidia *n, struct probed_gpu *g, struct seen *s)
{
	number_conflict(n, g, "compute capability", g->compute_capability, s->capability, PROBE_NVML);
	number_conflict(n, g, "SM count", g->units, s->sms, PROBE_CUDA);
	if (g->name && s->name && !str_ieq(without_vendor(g->name), without_vendor(s->name)))
		probe_conflict(n->out, what(n, "name", g), PROBE_NVML, g->name, PROBE_CUDA, s->name, PROBE_NVML);
	g->name = g->name ? g->name : s->name;
	g->uuid = g->uuid ? g->uuid : s->uuid ? arena_printf(n->in->a, "GPU-%s", s->uuid) : NULL;
	g->units = s->sms ? s->sms : g->units;
	g->compute_capability = g->compute_capability ? g->compute_capability : s->capability;
	memory(n, g, s);
	if (g->mig)
		return;
	if (!g->bus_bits)
		g->bus_bits = attribute(s, CUDA_BUS_BITS);
	if (!g->mhz_max)
		g->mhz_max = attribute(s, CUDA_CLOCK_KHZ) / 1000;
	if (!g->memory_mhz_max)
		g->memory_mhz_max = attribute(s, CUDA_MEMORY_CLOCK_KHZ) / 1000;
	if (!g->ecc && !s->integrated && attribute(s, CUDA_ECC))
		g->ecc = 2;                  /* a 0 may as well be a card that has none */
}

/* --- who is hidden ------------------------------------------------------------------------------------------------------ */

static void hide(struct nvidia *n, const uint8_t *shown, const char *visible)
{
	unsigned slices = 0, shown_slices = 0;

	for (uint32_t i = 0; i < n->out->n_gpus; i++) {
		struct probed_gpu *g = &n->out->gpu[i];

		if (g->vendor != VENDOR_NVIDIA || g->state != GPU_OK)
			continue;
		slices += g->mig;
		shown_slices += g->mig && shown[i];
		/* of slices CUDA shows a process one; that the others are not shown says nothing unless somebody chose */
		if (shown[i] || (g->mig && !visible))
			continue;
		g->state = GPU_HIDDEN;
		g->why = visible ? arena_printf(n->in->a, "not in CUDA_VISIBLE_DEVICES=%s", visible) : "the CUDA driver does not show it";
	}
	if (slices > 1 && !visible && shown_slices < slices)
		probe_note(n->out, n->in, "CUDA uses one MIG slice a process: the first, unless CUDA_VISIBLE_DEVICES names another");
}

void nvidia_cuda(struct nvidia *n, struct driver *cuda)
{
	struct driver_answer a;
	uint8_t shown[PROBE_GPUS] = { 0 };
	const char *visible = driver_ask(cuda, &a, CUDA_VISIBLE, -1, -1, 0) ? NULL : arena_strdup(n->in->a, a.text);
	int code = driver_ask(cuda, &a, CUDA_INIT, -1, -1, 0);
	uint64_t count;

	if (!n->out->cuda_version)
		n->out->cuda_version = (uint32_t)driver_u64(cuda, CUDA_VERSION, -1, -1, 0);
	if (code) {
		/* an empty list of devices is an error to CUDA */
		if (code == CUDA_NO_DEVICE && visible)
			hide(n, shown, visible);
		probe_note(n->out, n->in, "CUDA driver: %s (cuInit: code %d)", cuda_error(code), code);
		return;
	}
	count = driver_u64(cuda, CUDA_COUNT, -1, -1, 0);
	for (uint32_t i = 0; i < count && i < PROBE_GPUS; i++) {
		struct seen s = { .d = cuda, .device = (int)i };
		struct probed_gpu *g;

		if (driver_ask(cuda, &a, CUDA_DEVICE, (int)i, -1, 0))
			continue;
		look(n, &s);
		g = match(n, &s);
		if (!g && slices_at(n, s.bus, shown))
			continue;
		if (!g && !(g = nvidia_gpu(n, s.bus, PROBE_CUDA)))
			break;
		merge(n, g, &s);
		shown[nvidia_index(n, g)] = 1;
	}
	hide(n, shown, visible);
}
