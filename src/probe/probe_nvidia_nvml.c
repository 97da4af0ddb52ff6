/* probe_nvidia_nvml.c - devices as NVML tells of them */
#include "probe/probe_nvidia.h"

#include <stdio.h>
#include <string.h>

int nvidia_ask(struct nvidia *n, struct probed_gpu *g, struct driver_answer *a, unsigned call, uint32_t device, int slice, uint32_t arg)
{
	enum { RESET_REQUIRED = 16, GPU_NOT_FOUND = 28 };
	int code = driver_ask(n->nvml, a, call, (int)device, slice, arg);

	if ((code == NVML_GPU_IS_LOST || code == RESET_REQUIRED || code == GPU_NOT_FOUND) && g->state != GPU_LOST) {
		g->state = GPU_LOST;
		g->why = arena_printf(n->in->a, "%s (%s: code %d)", nvml_error(code), nvml_calls[call].name, code);
	}
	return code;
}

/* The first value, or 0: unknown and not supported are alike to a reader. */
static uint32_t ask_u32(struct nvidia *n, struct probed_gpu *g, unsigned call, uint32_t device, uint32_t arg)
{
	struct driver_answer a;

	return nvidia_ask(n, g, &a, call, device, -1, arg) || a.v[0] > UINT32_MAX ? 0 : (uint32_t)a.v[0];
}

static const char *ask_text(struct nvidia *n, struct probed_gpu *g, unsigned call, uint32_t device, int slice)
{
	struct driver_answer a;

	return nvidia_ask(n, g, &a, call, device, slice, 0) || !*a.text ? NULL : arena_strdup(n->in->a, a.text);
}

/* --- processes ---------------------------------------------------------------------------------------------------------- */

static const char *process_name(struct nvidia *n, uint32_t pid)
{
	struct driver_answer a;
	const char *comm;
	char path[32];

	if (driver_ask(n->nvml, &a, NVML_PROCESS_NAME, -1, -1, pid) == 0 && *a.text)
		return arena_strdup(n->in->a, a.text);
	snprintf(path, sizeof path, "/proc/%u/comm", (unsigned)pid);
	comm = probe_text(n->in, path, NULL);
	return comm && strcspn(comm, "\n") ? arena_strndup(n->in->a, comm, strcspn(comm, "\n")) : NULL;
}

/* One that computes and draws is in both lists with the same memory. */
static void add_process(struct probed_gpu *g, const struct driver_row *r)
{
	uint64_t bytes = r->v[1] == DRIVER_NO_VALUE ? 0 : r->v[1];
	uint32_t pid = (uint32_t)r->v[0];

	if (r->v[0] == DRIVER_NO_VALUE || r->v[0] > UINT32_MAX)
		return;
	for (uint32_t i = 0; i < g->n_processes; i++)
		if (g->process[i].pid == pid) {
			if (bytes > g->process[i].bytes)
				g->process[i].bytes = bytes;
			return;
		}
	if (g->n_processes == PROBE_PROCESSES)
		g->more_processes++;
	else
		g->process[g->n_processes++] = (struct probed_process){ pid, NULL, bytes };
}

static void add_processes(struct nvidia *n, struct probed_gpu *g, uint32_t device, int slice)
{
	static const uint8_t calls[2][3] = {
		{ NVML_COMPUTE_V3, NVML_COMPUTE_V2, NVML_COMPUTE }, { NVML_GRAPHICS_V3, NVML_GRAPHICS_V2, NVML_GRAPHICS },
	};

	for (unsigned kind = 0; kind < 2; kind++)
		for (unsigned v = 0; v < 3; v++) {
			struct driver_answer a;
			int code = nvidia_ask(n, g, &a, calls[kind][v], device, slice, 0);

			for (uint32_t i = 0; code == 0 && i < a.n_rows; i++)
				add_process(g, &a.row[i]);
			if (code != NVML_NO_FUNCTION)
				break;
		}
	/* asked for behind the lists, whose rows live until the next question */
	for (uint32_t i = 0; i < g->n_processes; i++)
		g->process[i].name = process_name(n, g->process[i].pid);
}

/* --- one device --------------------------------------------------------------------------------------------------------- */

/* Of what version 1 calls used, a part is reserved; version 2 tells which. On chips that share the host's memory both answer Not Supported, or 0. */
static void memory(struct nvidia *n, struct probed_gpu *g, uint32_t device, int slice)
{
	struct driver_answer a;

	if (!nvidia_ask(n, g, &a, NVML_MEMORY_V2, device, slice, 0) && a.v[0])
		g->total = a.v[0], g->reserved = a.v[1], g->free = a.v[2], g->used = a.v[3];
	else if (!nvidia_ask(n, g, &a, NVML_MEMORY, device, slice, 0) && a.v[0])
		g->total = a.v[0], g->free = a.v[1], g->used = a.v[2];
	else
		return;
	g->memory_from = PROBE_NVML;
	if (g->free > g->total)
		g->free = g->total;
}

void nvidia_read(struct nvidia *n, struct probed_gpu *g, uint32_t device, int slice)
{
	struct driver_answer a;

	g->name = ask_text(n, g, NVML_NAME, device, slice);
	g->uuid = ask_text(n, g, NVML_UUID, device, slice);
	g->driver = n->driver;
	memory(n, g, device, slice);
	if (!nvidia_ask(n, g, &a, NVML_CAPABILITY, device, slice, 0) && a.v[0] < 1000 && a.v[1] < 10)
		g->compute_capability = (uint32_t)(a.v[0] * 10 + a.v[1]);
	add_processes(n, g, device, slice);
}

/* CUDA cores (FP32 lanes) of one SM by compute capability: throughput table of the CUDA C++ Programming Guide; 0: not in it. */
static uint32_t cores_per_sm(uint32_t capability)
{
	switch (capability / 10) {
	case 3: return 192;
	case 5: return 128;
	case 6: return capability == 60 ? 64 : 128;
	case 7: return 64;
	case 8: return capability == 80 ? 64 : 128;
	case 9: case 10: case 12: return 128;
	default: return 0;
	}
}

static void power(struct nvidia *n, struct probed_gpu *g, uint32_t device)
{
	struct driver_answer a;

	g->power_w = ask_u32(n, g, NVML_POWER, device, 0) / 1e3;
	g->power_limit_w = ask_u32(n, g, NVML_POWER_LIMIT, device, 0) / 1e3;
	if (g->power_limit_w == 0)           /* laptops: the limit moves with the temperature and cannot be set */
		g->power_limit_w = ask_u32(n, g, NVML_POWER_ENFORCED, device, 0) / 1e3;
	g->power_default_w = ask_u32(n, g, NVML_POWER_DEFAULT, device, 0) / 1e3;
	if (!nvidia_ask(n, g, &a, NVML_POWER_RANGE, device, -1, 0))
		g->power_max_w = (double)a.v[1] / 1e3;
}

/* What a slice has not. */
static void card(struct nvidia *n, struct probed_gpu *g, uint32_t device)
{
	uint32_t per_sm = cores_per_sm(g->compute_capability), cores = ask_u32(n, g, NVML_CORES, device, 0);
	struct driver_answer a;

	g->units = per_sm && cores % per_sm == 0 ? cores / per_sm : 0;
	g->mhz = ask_u32(n, g, NVML_CLOCK, device, NVML_CLOCK_GRAPHICS);
	g->mhz_max = ask_u32(n, g, NVML_CLOCK_MAX, device, NVML_CLOCK_GRAPHICS);
	g->memory_mhz = ask_u32(n, g, NVML_CLOCK, device, NVML_CLOCK_MEMORY);
	g->memory_mhz_max = ask_u32(n, g, NVML_CLOCK_MAX, device, NVML_CLOCK_MEMORY);
	g->bus_bits = ask_u32(n, g, NVML_BUS_WIDTH, device, 0);
	power(n, g, device);
	g->pcie_gen = ask_u32(n, g, NVML_PCIE_GEN, device, 0);
	g->pcie_gen_max = ask_u32(n, g, NVML_PCIE_GEN_MAX, device, 0);
	g->pcie_lanes = ask_u32(n, g, NVML_PCIE_WIDTH, device, 0);
	g->pcie_lanes_max = ask_u32(n, g, NVML_PCIE_WIDTH_MAX, device, 0);
	if (!nvidia_ask(n, g, &a, NVML_ECC, device, -1, 0))
		g->ecc = a.v[0] ? 2 : 1;
}

/* /sys says -1 where there is one node only. */
static void numa_node(struct nvidia *n, struct probed_gpu *g)
{
	const char *text = g->bus ? probe_text(n->in, arena_printf(n->in->a, "/sys/bus/pci/devices/%s/numa_node", g->bus), NULL) : NULL;
	unsigned node;

	if (text && *text >= '0' && *text <= '9' && sscanf(text, "%4u", &node) == 1)
		g->numa = node + 1;
}

static void device(struct nvidia *n, uint32_t i)
{
	struct probed_gpu *g, none = { 0 };
	struct driver_answer a;
	const char *bus = NULL;
	uint32_t ids[2] = { 0, 0 };
	int code = driver_ask(n->nvml, &a, NVML_HANDLE, (int)i, -1, 0);

	n->gpu[i] = NVIDIA_NONE;
	if (code && code != NVML_NO_PERMISSION) {
		n->whole_lost++;             /* NVML does not say where it was */
		return;
	}
	if (!code && !nvidia_ask(n, &none, &a, NVML_PCI, i, -1, 0)) {
		bus = nvidia_bus(n, a.v[0], a.v[1], a.v[2]);
		for (unsigned k = 0; k < 2; k++)     /* device << 16 | vendor there, vendor << 16 | device here */
			ids[k] = (uint32_t)(a.v[3 + k] >> 16 & 0xffff) | (uint32_t)(a.v[3 + k] & 0xffff) << 16;
	}
	if (!(g = nvidia_gpu(n, bus, PROBE_NVML)))
		return;
	n->gpu[i] = (uint16_t)nvidia_index(n, g);
	g->driver = n->driver;
	if (code) {
		g->state = GPU_UNREADABLE;
		g->why = arena_printf(n->in->a, "%s (%s: code %d)", nvml_error(code), nvml_calls[NVML_HANDLE].name, code);
		return;
	}
	g->state = none.state;               /* it may be gone by the first question already */
	g->why = none.why;
	g->pci = ids[0];
	g->subsystem = ids[1];
	nvidia_read(n, g, i, -1);
	card(n, g, i);
	numa_node(n, g);
	if (g->state == GPU_OK && !driver_ask(n->nvml, &a, NVML_MIG_MODE, (int)i, -1, 0) && a.v[0])
		nvidia_slices(n, i, n->gpu[i]);
}

/* --- all of them -------------------------------------------------------------------------------------------------------- */

static int is_listed(const struct nvidia *n, const char *bus)
{
	for (uint32_t i = 0; i < n->out->n_gpus; i++)
		if (n->out->gpu[i].vendor == VENDOR_NVIDIA && n->out->gpu[i].bus && !strcmp(n->out->gpu[i].bus, bus))
			return 1;
	return 0;
}

/* A device that NVML counts and gives no handle for fell off its bus ("Unable to determine the device handle for GPU", says nvidia-smi: GPU is lost,
 * or Unknown Error). The kernel driver still has a folder for it; where there are as many folders too many as such devices, they are theirs. */
static void lost(struct nvidia *n)
{
	const char *const *names = probe_list(n->in, "/proc/driver/nvidia/gpus"), *buses[PROBE_GPUS] = { 0 };
	uint32_t n_buses = 0, next = 0;

	for (; names && *names; names++)
		if (!is_listed(n, *names) && n_buses++ < PROBE_GPUS)
			buses[n_buses - 1] = *names;
	for (uint32_t i = 0; i < n->n_devices; i++) {
		struct driver_answer a;
		struct probed_gpu *g;
		int code = driver_ask(n->nvml, &a, NVML_HANDLE, (int)i, -1, 0);

		if (n->gpu[i] != NVIDIA_NONE || !code || code == NVML_NO_PERMISSION)
			continue;
		if (!(g = nvidia_gpu(n, n_buses == n->whole_lost ? buses[next++] : NULL, PROBE_NVML)))
			return;
		n->gpu[i] = (uint16_t)nvidia_index(n, g);
		g->state = GPU_LOST;
		g->driver = n->driver;
		g->why = arena_printf(n->in->a, "%s (%s: code %d)", nvml_error(code), nvml_calls[NVML_HANDLE].name, code);
	}
}

static void tell(struct nvidia *n)
{
	for (uint32_t i = 0; i < n->n_devices; i++) {
		const struct probed_gpu *g = n->gpu[i] == NVIDIA_NONE ? NULL : &n->out->gpu[n->gpu[i]];

		if (g && (g->state == GPU_LOST || g->state == GPU_UNREADABLE))
			probe_note(n->out, n->in, "NVML answers, but device %u%s%s is %s: %s", (unsigned)i, g->bus ? " at " : "", g->bus ? g->bus : "",
				g->state == GPU_LOST ? "lost" : "not to be read", g->why ? g->why : "unknown");
	}
}

void nvidia_nvml(struct nvidia *n)
{
	struct driver_answer a;
	int code = driver_ask(n->nvml, &a, NVML_INIT, -1, -1, 0);
	uint64_t devices;

	if (code) {
		probe_note(n->out, n->in, "NVML: %s (code %d)%s", nvml_error(code), code, code == NVML_VERSION_MISMATCH ?
			": the library was updated and the loaded kernel module was not; a reboot helps" : "");
		return;
	}
	n->nvml_works = 1;
	if (!driver_ask(n->nvml, &a, NVML_DRIVER_VERSION, -1, -1, 0) && *a.text)
		n->driver = arena_strdup(n->in->a, a.text);
	n->out->cuda_version = (uint32_t)driver_u64(n->nvml, NVML_CUDA_VERSION, -1, -1, 0);
	code = driver_ask(n->nvml, &a, NVML_COUNT, -1, -1, 0);
	devices = a.v[0];
	if (code || !devices)
		probe_note(n->out, n->in, code ? "NVML does not count its devices: %s (code %d)" : "NVML answers, but finds no device", nvml_error(code), code);
	n->n_devices = (uint32_t)(devices < PROBE_GPUS ? devices : PROBE_GPUS);
	if (devices > PROBE_GPUS)
		probe_note(n->out, n->in, "NVML counts %llu devices, of which %d are read", (unsigned long long)devices, (int)PROBE_GPUS);
	for (uint32_t i = 0; i < n->n_devices; i++)
		device(n, i);
	if (n->whole_lost)
		lost(n);
	nvidia_links(n);
	tell(n);
}
