/* nvidia_machines.c - recordings of NVIDIA machines (tests/machines) replayed, every field as their sources have it */
#include "probe/probe.h"

#include "../tap.h"

#define MIB (UINT64_C(1) << 20)

static struct probed *replay(struct arena *a, const char *name, uint64_t host_available)
{
	struct probe_input in = { .a = a, .replay = arena_printf(a, "tests/machines/%s", name) };
	struct probed *p = arena_alloc(a, sizeof *p);

	p->memory.available = host_available;
	probe_nvidia(p, &in);
	printf("# %s\n", name);
	for (uint32_t i = 0; i < p->n_notes; i++)
		printf("# note: %s\n", p->note[i]);
	is_u64(p->n_conflicts, 0, "%s: NVML and CUDA agree", name);
	for (uint32_t i = 0; i < p->n_conflicts; i++)
		printf("# %s: %s, %s\n", p->conflict[i].what, p->conflict[i].value_a, p->conflict[i].value_b);
	return p;
}

/* Watts without rounding trouble. */
static unsigned mw(double watts) { return (unsigned)(watts * 1000 + 0.5); }

static void is_4090(const struct probed_gpu *g, const char *bus, unsigned draw)
{
	is_str(g->name, "NVIDIA GeForce RTX 4090", "name");
	is_str(g->bus, bus, "bus");
	is_str(g->driver, "550.127.05", "driver");
	ok(g->vendor == VENDOR_NVIDIA && g->state == GPU_OK && g->from == PROBE_NVML && !g->unified && !g->mig, "a whole card");
	ok(g->pci == 0x10de2684 && g->subsystem == 0x10b0f297, "PCI ids %08x %08x", (unsigned)g->pci, (unsigned)g->subsystem);
	is_u64(g->total, 24564 * MIB, "memory");
	is_u64(g->reserved, 370868224, "reserved");
	is_u64(g->free + g->used, 25386352640, "what is not reserved is what CUDA calls all");
	is_u64(g->used, 1245184, "used");
	ok(g->compute_capability == 89 && g->units == 128 && g->bus_bits == 384, "compute capability, SMs, bus");
	ok(g->mhz == 210 && g->mhz_max == 3105 && g->memory_mhz == 405 && g->memory_mhz_max == 10501, "clocks");
	ok(mw(g->power_w) == draw && mw(g->power_limit_w) == 450000 && mw(g->power_default_w) == 450000 && mw(g->power_max_w) == 450000, "power");
	ok(g->pcie_gen == 1 && g->pcie_gen_max == 4 && g->pcie_lanes == 16 && g->pcie_lanes_max == 16, "PCIe");
	ok(g->ecc == 1 && g->nvlinks == 0 && g->n_nvlink_to == 0 && g->n_processes == 0, "ECC off, no NVLink, no process");
}

static void desktop(struct arena *a)
{
	const struct probed *p = replay(a, "desktop-2x-rtx-4090", 0);

	ok(p->n_gpus == 2 && p->n_notes == 0 && p->cuda_version == 12040, "two cards, nothing to note");
	is_4090(&p->gpu[0], "0000:01:00.0", 20000);
	is_4090(&p->gpu[1], "0000:25:00.0", 20400);
}

static void h100(struct arena *a)
{
	static const char *const bus[] = { "18", "2a", "3a", "5d", "9a", "ab", "ba", "db" };
	static const unsigned draw[] = { 100890, 82810, 85980, 85480, 84940, 85270, 86050, 75090 };
	const struct probed *p = replay(a, "node-8x-h100", 0);

	ok(p->n_gpus == 8 && p->n_notes == 0 && p->cuda_version == 12070, "eight cards, nothing to note");
	for (unsigned i = 0; i < 8 && i < p->n_gpus; i++) {
		const struct probed_gpu *g = &p->gpu[i];

		ok(!strcmp(g->name, "NVIDIA H100 80GB HBM3") && !strncmp(g->bus, "0000:", 5) && !strcmp(g->bus + 7, ":00.0") && !strncmp(g->bus + 5, bus[i], 2) &&
			!strcmp(g->driver, "565.57.01") && g->state == GPU_OK && g->pci == 0x10de2330 && g->subsystem == 0x10de16c1, "card %u is at %s", i, g->bus);
		ok(g->total == 85520809984 && g->reserved == 475332608 && g->free == 85044887552 && g->used == 589824, "its memory");
		ok(g->compute_capability == 90 && g->units == 132 && g->bus_bits == 5120 && g->mhz_max == 1980 && g->memory_mhz == 2619 && g->memory_mhz_max == 2619,
			"its figures");
		ok(mw(g->power_w) == draw[i] && mw(g->power_limit_w) == 700000 && mw(g->power_max_w) == 700000 && g->ecc == 2, "power, ECC");
		ok(g->pcie_gen == 5 && g->pcie_gen_max == 5 && g->pcie_lanes == 16 && g->pcie_lanes_max == 16, "PCIe");
		ok(g->nvlinks == 18 && g->n_nvlink_to == 1 && g->nvlink_to[0].peer == UINT32_MAX && g->nvlink_to[0].links == 18, "18 links to switches");
		is_u64((uint64_t)g->nvlink_each_way_bps, 25000000000, "25 GB/s each way of a link, not the 26.562 of its lines");
	}
}

static void laptop(struct arena *a)
{
	const struct probed *p = replay(a, "laptop-rtx-4060-igpu", 0);
	const struct probed_gpu *g = &p->gpu[0];

	is_u64(p->n_gpus, 1, "NVIDIA's card alone: the other GPU is another reader's");
	is_str(g->name, "NVIDIA GeForce RTX 4060 Laptop GPU", "name");
	ok(g->pci == 0x10de28e0 && g->subsystem == 0 && !strcmp(g->bus, "0000:01:00.0"), "PCI");
	ok(g->total == 8188 * MIB && g->reserved == 231 * MIB + MIB / 2 && g->free == 7956 * MIB && g->used == MIB / 2, "memory");
	ok(g->compute_capability == 89 && g->units == 24 && g->bus_bits == 128 && g->mhz_max == 3105 && g->memory_mhz_max == 8001, "figures");
	ok(mw(g->power_w) == 2810 && mw(g->power_limit_w) == 93420 && mw(g->power_default_w) == 80000 && mw(g->power_max_w) == 140000,
		"a limit that is neither the default nor the most");
	ok(g->pcie_gen == 1 && g->pcie_gen_max == 4 && g->pcie_lanes == 8 && g->pcie_lanes_max == 8 && g->ecc == 0, "eight lanes; ECC unknown");
}

static void gb10(struct arena *a)
{
	const struct probed *p = replay(a, "gb10", UINT64_C(118566368) << 10);
	const struct probed_gpu *g = &p->gpu[0];

	ok(p->n_gpus == 1 && p->cuda_version == 13000, "one GPU");
	ok(!strcmp(g->name, "NVIDIA GB10") && !strcmp(g->bus, "000f:01:00.0") && g->pci == 0x10de2e12 && g->subsystem == 0x10de0000, "in domain 15");
	ok(g->unified && g->total == 128518373376 && g->memory_from == PROBE_CUDA && g->reserved == 0, "its memory is the host's, as CUDA has it");
	ok(g->free == UINT64_C(118566368) << 10 && g->used == g->total - g->free && !g->free_unknown, "free is what the host has");
	ok(g->compute_capability == 121 && g->units == 48 && g->bus_bits == 256 && g->mhz_max == 2418 && g->memory_mhz_max == 8533,
		"figures, those NVML has not from CUDA");
	ok(mw(g->power_w) == 11170 && mw(g->power_limit_w) == 0 && g->ecc == 0 && g->pcie_gen == 1 && g->pcie_lanes == 1 && g->pcie_lanes_max == 16,
		"what it does not say stays 0");
	p = replay(a, "gb10", 0);
	ok(p->gpu[0].free_unknown && p->gpu[0].total == 128518373376 && !p->gpu[0].free && !p->gpu[0].used, "where the host's memory is unknown, what is free is");
	p = replay(a, "gb10", UINT64_C(200) << 30);
	ok(p->gpu[0].free == p->gpu[0].total && p->gpu[0].used == 0, "free is never more than all");
}

static void is_slice(const struct probed_gpu *g, const char *profile, uint64_t mib, uint64_t used, unsigned sms)
{
	ok(g->mig && g->state == GPU_OK && g->mig_profile && !strcmp(g->mig_profile, profile), "slice %s", g->mig_profile ? g->mig_profile : "(null)");
	ok(g->total == mib * MIB && g->used == used && g->free == g->total - used && g->reserved == 0 && g->memory_from == PROBE_NVML, "its memory");
	ok(g->units == sms && g->compute_capability == 90 && g->pci == 0x10de2330 && !strcmp(g->bus, "0000:00:09.0") && g->ecc == 2, "its SMs; the card's address");
	ok(g->bus_bits == 0 && g->memory_mhz_max == 0 && g->power_limit_w <= 0 && g->nvlinks == 0, "what is the whole card's is not the slice's");
}

static void mig(struct arena *a)
{
	const struct probed *p = replay(a, "mig-slice", 0);

	is_u64(p->n_gpus, 5, "a card and its four slices");
	ok(p->gpu[0].state == GPU_HIDDEN && !p->gpu[0].mig && strstr(p->gpu[0].why, "its 4 slices") && p->gpu[0].total == 85520809984 && p->gpu[0].units == 132,
		"the card: %s", p->gpu[0].why);
	is_slice(&p->gpu[1], "3g.40gb", 40448, 51 * MIB / 2, 60);
	is_slice(&p->gpu[2], "2g.20gb", 20096, 33 * MIB / 2, 32);
	is_slice(&p->gpu[3], "1g.10gb", 9984, 17 * MIB / 2, 16);
	is_slice(&p->gpu[4], "1g.10gb", 9984, 17 * MIB / 2, 16);
	is_str(p->gpu[2].uuid, "MIG-00000002-0000-0000-0000-000000000002", "a slice has its own UUID");
	ok(p->n_notes == 1 && strstr(p->note[0], "one MIG slice a process"), "CUDA would take the first");

	p = replay(a, "mig-container", 0);
	is_u64(p->n_gpus, 2, "in a container: the card and the one slice");
	ok(p->gpu[0].state == GPU_HIDDEN && p->gpu[0].total == 0 && strstr(p->gpu[0].why, "its 1 slice,"), "the card's memory is not told there: %s", p->gpu[0].why);
	is_slice(&p->gpu[1], "1g.10gb", 9984, 17 * MIB / 2, 16);
	is_u64(p->n_notes, 0, "nothing to note");
}

static void lost(struct arena *a)
{
	const struct probed *p = replay(a, "lost-gpu", 0);

	is_u64(p->n_gpus, 2, "both cards");
	is_4090(&p->gpu[0], "0000:01:00.0", 20000);
	ok(p->gpu[1].state == GPU_LOST && p->gpu[1].vendor == VENDOR_NVIDIA && !p->gpu[1].name && !p->gpu[1].total, "one is lost, and nothing made up of it");
	is_str(p->gpu[1].bus, "0000:25:00.0", "its address is the one that the kernel driver has besides");
	is_str(p->gpu[1].why, "GPU is lost (nvmlDeviceGetHandleByIndex_v2: code 15)", "and why");
	ok(p->n_notes == 1 && strstr(p->note[0], "device 1 at 0000:25:00.0 is lost"), "noted");
}

static void old(struct arena *a)
{
	const struct probed *p = replay(a, "old-driver", 0);
	const struct probed_gpu *g = &p->gpu[0];

	ok(p->n_gpus == 1 && p->n_notes == 0 && p->cuda_version == 11040, "one card");
	ok(!strcmp(g->name, "NVIDIA GeForce GTX 680") && !strcmp(g->bus, "0000:08:00.0") && g->pci == 0x10de1180 && g->subsystem == 0x1458353c &&
		!strcmp(g->driver, "470.256.02"), "which");
	ok(g->total == 2000 * MIB && g->free == 2000 * MIB && g->used == 0 && g->reserved == 0 && g->memory_from == PROBE_NVML, "memory by the older function");
	ok(g->compute_capability == 30 && g->units == 8 && g->bus_bits == 256 && g->mhz_max == 1137 && g->memory_mhz_max == 3004, "the rest from CUDA");
	ok(g->mhz == 0 && g->power_w <= 0 && g->pcie_gen == 0 && g->pcie_lanes_max == 0 && g->ecc == 0 && g->nvlinks == 0, "what nobody says is unknown");
}

int main(void)
{
	struct arena a = { 0 };

	setenv("CUDA_VISIBLE_DEVICES", "7", 1);      /* of this process: no recording may see it */
	desktop(&a);
	h100(&a);
	laptop(&a);
	gb10(&a);
	mig(&a);
	lost(&a);
	old(&a);
	arena_free(&a);
	return done_testing();
}
