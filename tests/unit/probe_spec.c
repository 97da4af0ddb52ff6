/* probe_spec.c - machines that were found, joined with the catalogue: matches, pools, groups, links, and what is refused */
#include "../tap.h"

#include "base/units.h"
#include "catalog/hardware_name.h"
#include "probe/probe_join.h"

#include <math.h>

static struct arena arena;
static struct catalog *catalog;
static struct probed p;
static struct probe_match match[PROBE_GPUS];
static struct hardware_spec spec;
static struct error err;

static const uint64_t mib = MIB;
static const uint64_t gib = GIB;

static int near(double a, double b) { return fabs(a - b) <= 1e-6 * fabs(b); }

/* A machine with 64 GiB, 60 of them available, and no GPU. */
static void machine(void)
{
	arena_reset(&arena);
	p = (struct probed){
		.cpu = { .name = "AMD Ryzen 9 7950X 16-Core Processor", .vendor = VENDOR_AMD, .packages = 1, .cores = 16, .threads = 32 },
		.memory = { .total = 64 * gib, .available = 60 * gib, .from = PROBE_PROC },
	};
}

static struct probed_gpu *gpu(uint32_t pci, const char *name, uint64_t total, uint64_t free_bytes)
{
	struct probed_gpu *g = &p.gpu[p.n_gpus++];

	*g = (struct probed_gpu){ .vendor = pci >> 16 == 0x1002 ? VENDOR_AMD : pci >> 16 == 0x8086 ? VENDOR_INTEL : VENDOR_NVIDIA, .name = name,
		.pci = pci, .total = total, .free = free_bytes, .memory_from = PROBE_NVML };
	g->bus = arena_printf(&arena, "0000:%02x:00.0", p.n_gpus);
	return g;
}

static int join(void)
{
	err = (struct error){ 0 };
	return probe_spec(&spec, match, &arena, catalog, &p, &err);
}

static int warned(const char *words)
{
	for (unsigned i = 0; i < spec.n_warnings; i++)
		if (strstr(spec.warnings[i], words))
			return 1;
	return 0;
}

static const struct link *link_of(unsigned a, unsigned b)
{
	for (unsigned i = 0; i < spec.n_links; i++)
		if (spec.links[i].a == a && spec.links[i].b == b)
			return &spec.links[i];
	return NULL;
}

/* One card, and the entry that it has to lead to (NULL: none). */
static void test_matches(void)
{
	static const struct { uint32_t pci; const char *name; uint64_t mib; uint32_t units; const char *id, *how; } cases[] = {
		{ 0x10de2684, "NVIDIA GeForce RTX 4090", 24564, 128, "rtx-4090", "PCI id and memory size" },
		{ 0x10de2684, NULL, 24564, 0, "rtx-4090", "PCI id and memory size" },
		{ 0, "NVIDIA GeForce RTX 4090", 24564, 128, "rtx-4090", "driver name and memory size" },
		{ 0, "GeForce RTX 4090", 24564, 128, "rtx-4090", "alias and memory size" },
		/* the same words, other devices */
		{ 0x10de2757, "NVIDIA GeForce RTX 4090 Laptop GPU", 16376, 76, "rtx-4090-laptop", "PCI id and memory size" },
		{ 0x10de0fff, "NVIDIA GeForce RTX 4090 Laptop GPU Next", 16376, 76, NULL, NULL },
		{ 0x10de2684, "NVIDIA GeForce RTX 4090", 49140, 128, "rtx-4090", "PCI id; its memory is another" },
		{ 0, "NVIDIA H200", 143771, 132, "h200-sxm", "driver name and memory size" },
		{ 0, "NVIDIA GH200 480GB", 97871, 132, "gh200-96gb", "driver name and memory size" },
		{ 0, "NVIDIA H2", 143771, 132, NULL, NULL },
		/* one id, two sizes */
		{ 0x10de2d04, "NVIDIA GeForce RTX 5060 Ti", 16311, 36, "rtx-5060-ti-16gb", "PCI id and memory size" },
		{ 0x10de2d04, "NVIDIA GeForce RTX 5060 Ti", 8151, 36, "rtx-5060-ti-8gb", "PCI id and memory size" },
		{ 0x1002744c, NULL, 24560, 96, "rx-7900-xtx", "PCI id and memory size" },
		{ 0x1002744c, NULL, 20464, 84, "rx-7900-xt", "PCI id and memory size" },
		{ 0x1002744c, NULL, 16368, 80, "rx-7900-gre", "PCI id and memory size" },
		/* one id, one size: the units decide, else nothing does */
		{ 0x10027550, NULL, 16304, 64, "rx-9070-xt", "PCI id and memory size" },
		{ 0x10027550, NULL, 16304, 56, "rx-9070", "PCI id and memory size" },
		{ 0x10027550, NULL, 16304, 0, NULL, NULL },
		{ 0x10027550, "AMD Radeon RX 9070", 16304, 0, "rx-9070", "PCI id and memory size" },
		/* one name, two sizes */
		{ 0, "NVIDIA GeForce RTX 3080", 12288, 70, "rtx-3080-12gb", "driver name and memory size" },
		{ 0, "NVIDIA GeForce RTX 3080", 10240, 68, "rtx-3080-10gb", "driver name and memory size" },
		/* ECC takes a sixteenth */
		{ 0, "NVIDIA A10", 23028, 72, "a10", "driver name and memory size" },
		{ 0x10de0000, "NVIDIA Unheard 9", 8192, 4, NULL, NULL },
	};

	for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
		machine();
		gpu(cases[i].pci, cases[i].name, cases[i].mib * mib, cases[i].mib * mib)->units = cases[i].units;
		int rc = join();
		ok(rc == OK && (cases[i].id ? match[0].id && !strcmp(match[0].id, cases[i].id) && !strcmp(match[0].how, cases[i].how) : !match[0].id),
			"%04x:%04x %s of %llu MiB: %s by %s", (unsigned)(cases[i].pci >> 16), (unsigned)(cases[i].pci & 0xffff), cases[i].name,
			(unsigned long long)cases[i].mib, match[0].id, match[0].how);
		ok(spec.n_groups == 2 && match[0].group == 0 && spec.pools[0].total_bytes == cases[i].mib * mib, "it is used all the same, with the driver's memory");
		ok(cases[i].id || (!is_known(spec.groups[0].device->flops[MATH_F32]) && !is_known(spec.pools[0].read_bps)),
			"what is in no catalogue has no rates");
	}
}

static void test_unmatched_bandwidth(void)
{
	struct probed_gpu *g;

	/* as nvidia-smi -q says of an RTX 4090 Laptop GPU: Memory 9001 MHz at most, 256 bits, which are its 576 GB/s */
	machine();
	g = gpu(0x10de0fff, "NVIDIA Unheard Laptop GPU", 16376 * mib, 16000 * mib);
	g->memory_mhz_max = 9001;
	g->bus_bits = 256;
	ok(join() == OK && near(spec.pools[0].read_bps.v, 9001e6 * 2 * 32) && spec.pools[0].read_bps.basis == BASIS_SPEC, "2 x clock x width");
	ok(warned("reckoned from its memory clock"), "and it is said");
	machine();
	g = gpu(0x1002ffff, "AMD Unheard", 16376 * mib, 16000 * mib);
	g->memory_mhz_max = 1249;
	g->bus_bits = 256;
	ok(join() == OK && !is_known(spec.pools[0].read_bps), "other makers count clocks by other factors: unknown");
	ok(warned("bandwidth is unknown") && warned("matrix rates are unknown"), "both are said");
	/* a board of the same name with slower memory */
	machine();
	g = gpu(0x10de2684, "NVIDIA GeForce RTX 4090", 24564 * mib, 24000 * mib);
	g->memory_mhz_max = 9001;
	g->bus_bits = 256;
	ok(join() == OK && near(spec.pools[0].read_bps.v, 9001e6 * 2 * 32) && warned("the lesser is used"), "the driver's lower figure is used");
	g->memory_mhz_max = 10501;
	g->bus_bits = 384;
	ok(join() == OK && near(spec.pools[0].read_bps.v, 1008e9) && !warned("lesser"), "the catalogue's, when they agree");
	/* the modified card: rates of the chip, not the bandwidth of the entry */
	machine();
	g = gpu(0x10de2684, "NVIDIA GeForce RTX 4090", 49140 * mib, 49000 * mib);
	g->units = 128;
	ok(join() == OK && is_known(spec.groups[0].device->flops[MATH_F32]) && !is_known(spec.pools[0].read_bps), "48 GB: the chip's rates, unknown bandwidth");
	g->memory_mhz_max = 10501;
	g->bus_bits = 384;
	ok(join() == OK && near(spec.pools[0].read_bps.v, 10501e6 * 2 * 48), "or what its clock and width make");
	g->units = 114;
	ok(join() == OK && !is_known(spec.groups[0].device->flops[MATH_F32]) && warned("has 114 units"), "other units, unknown rates");
}

static void test_groups(void)
{
	struct probed_gpu *g;
	uint64_t fingerprint;
	int rc;

	machine();
	gpu(0x10de2684, "NVIDIA GeForce RTX 4090", 24564 * mib, 24000 * mib);
	gpu(0x10de2684, "NVIDIA GeForce RTX 4090", 24564 * mib, 23940 * mib);
	ok(join() == OK && spec.n_groups == 2 && spec.groups[0].per_node == 2 && spec.groups[0].nodes == 1, "two of a kind are one group");
	ok(near(spec.pools[0].free_bytes.v, 23940. * (double)mib), "the least of what is free counts for both");
	is_str(spec.name, "this machine: 2x NVIDIA GeForce RTX 4090, AMD Ryzen 9 7950X, 64.0 GiB", "its name");
	is_str(spec.id, "this-machine", "its id");
	fingerprint = spec.fingerprint;
	p.gpu[1].free = 20000 * mib;
	ok(join() == OK && spec.n_groups == 3 && spec.groups[0].per_node == 1 && spec.groups[1].per_node == 1, "unlike free memory parts them");
	ok(spec.groups[0].device == spec.groups[1].device && match[1].group == 1, "the device stays one");
	ok(strcmp(spec.pools[0].name, spec.pools[1].name) != 0, "pools have names of their own");
	is_u64(spec.fingerprint, fingerprint, "what is free is no part of the fingerprint");
	is_str(spec.name, "this machine: 2x NVIDIA GeForce RTX 4090, AMD Ryzen 9 7950X, 64.0 GiB", "nor of the name");
	p.memory.total -= 3 * mib;
	ok(join() == OK && spec.fingerprint == fingerprint, "nor are a few MiB that another kernel keeps");
	p.memory.total -= 8 * gib;
	ok(join() == OK && spec.fingerprint != fingerprint, "but the memory is");
	p.memory.total += 8 * gib;
	p.cpu.name = "AMD Ryzen 9 9950X 16-Core Processor";
	ok(join() == OK && spec.fingerprint != fingerprint, "and the processor");
	machine();
	gpu(0x10de2684, "NVIDIA GeForce RTX 4090", 24564 * mib, 24000 * mib);
	g = gpu(0x10de2204, "NVIDIA GeForce RTX 3090", 24576 * mib, 24000 * mib);
	ok(join() == OK && spec.n_groups == 3 && !strcmp(match[1].id, "rtx-3090"), "unlike cards are groups");
	ok(spec.pools[spec.groups[2].pool].kind == POOL_HOST && spec.groups[2].device->kind == DEVICE_CPU, "the processor comes last");
	g->state = GPU_HIDDEN;
	g->why = "not in CUDA_VISIBLE_DEVICES=0";
	ok(join() == OK && spec.n_groups == 2 && match[1].group == PROBE_NO_GROUP && warned("CUDA_VISIBLE_DEVICES"), "hidden: left out, and said");
	g->state = GPU_UNREADABLE;
	g->why = "NVML: Insufficient Permissions";
	ok(join() == OK && spec.n_groups == 2 && warned("Insufficient Permissions"), "unreadable: left out, and why");
	g->state = GPU_LOST;
	g->why = "GPU is lost";
	rc = join();
	ok(rc == E_NODEV && strstr(err.text, "GPU 1, NVIDIA GeForce RTX 3090 at 0000:02:00.0, is lost"), "lost: an error that names it: %s", err.text);
	ok(spec.n_groups == 2 && match[0].group == 0 && match[1].group == PROBE_NO_GROUP, "with the rest to be shown");
	g->state = GPU_OK;
	g->total = g->free = 0;
	ok(join() == OK && spec.n_groups == 2 && warned("does not say how much memory"), "no memory: left out");
	machine();
	for (int i = 0; i < 3; i++)
		gpu(0x10de2684, "NVIDIA GeForce RTX 4090", 24564 * mib, 0)->free_unknown = i > 0;
	p.gpu[0].free = 24000 * mib;
	ok(join() == OK && spec.groups[0].per_node == 1 && spec.groups[1].per_node == 2 && !is_known(spec.pools[1].free_bytes), "free memory that nobody says is unknown");
}

static void test_host(void)
{
	machine();
	ok(join() == OK && spec.n_groups == 1 && spec.n_pools == 1 && spec.pools[0].kind == POOL_HOST, "no GPU: the processor");
	is_str(spec.name, "this machine: AMD Ryzen 9 7950X, 64.0 GiB", "and its name");
	ok(spec.pools[0].total_bytes == 64 * gib && spec.pools[0].usable_bytes == 64 * gib && near(spec.pools[0].free_bytes.v, 60. * (double)gib) &&
		!spec.pools[0].limit, "all of its memory");
	ok(!is_known(spec.pools[0].read_bps), "bandwidth unknown");
	p.cpu.channels = 2;
	p.cpu.mts = 5600;
	ok(join() == OK && near(spec.pools[0].read_bps.v, 89.6e9) && spec.pools[0].read_bps.basis == BASIS_SPEC, "two channels of DDR5-5600");
	p.cpu.channels = 8;
	p.cpu.channel_bits = 32;
	p.cpu.mts = 8000;
	ok(join() == OK && near(spec.pools[0].read_bps.v, 256e9), "eight of 32 bits");
	p.memory.hugetlb = 16 * gib;
	ok(join() == OK && spec.pools[0].usable_bytes == 48 * gib && strstr(spec.pools[0].limit, "huge pages"), "huge pages are nobody's");
	p.memory.limit = 8 * gib;
	p.memory.used = 3 * gib;
	p.memory.cache = gib;
	p.memory.limit_path = "/box";
	ok(join() == OK && spec.pools[0].usable_bytes == 8 * gib && !strcmp(spec.pools[0].limit, "cgroup /box"), "the cgroup's limit");
	ok(near(spec.pools[0].free_bytes.v, 6. * (double)gib), "what is left in it, its cache given back");
	p.memory.available = 2 * gib;
	ok(join() == OK && near(spec.pools[0].free_bytes.v, 2. * (double)gib), "or what the machine has left");
	p.memory.available = p.memory.limit = 0;
	ok(join() == OK && !is_known(spec.pools[0].free_bytes), "a kernel that does not say");
	p.memory.total = 0;
	ok(join() == E_NODEV, "no memory is no machine");
	gpu(0x10de2684, "NVIDIA GeForce RTX 4090", 24564 * mib, 24000 * mib);
	ok(join() == OK && spec.n_groups == 1 && spec.n_pools == 1 && warned("no offload is considered"), "a card is, without a host pool");
	p.gpu[0].unified = 1;
	ok(join() == OK && spec.n_pools == 1 && spec.pools[0].usable_bytes == 24564 * mib, "so is one that shares a memory of which only the driver tells");

	machine();
	p.cpu.name = "AMD EPYC 9654 96-Core Processor";
	ok(join() == OK && near(spec.pools[0].read_bps.v, 460.8e9) && warned("module in every channel"), "a processor of the catalogue");
	p.cpu.packages = 2;
	ok(join() == OK && near(spec.pools[0].read_bps.v, 921.6e9), "two sockets");
	p.cpu.virtual_machine = 1;
	ok(join() == OK && !is_known(spec.pools[0].read_bps), "not of a virtual machine");
	p.cpu.virtual_machine = 0;
	p.cpu.name = "AMD EPYC";
	ok(join() == OK && !is_known(spec.pools[0].read_bps), "a name that says little matches nothing");
	p.cpu.packages = 1;
	p.cpu.name = "Intel(R) Xeon(R) Platinum 8480+";
	ok(join() == OK && near(spec.pools[0].read_bps.v, 307.2e9), "the words of a Xeon's name");
}

static void test_unified(void)
{
	struct probed_gpu *g;
	int rc;

	machine();
	p.cpu = (struct probed_cpu){ .name = "Apple M4 Max", .vendor = VENDOR_APPLE, .cores = 16, .threads = 16 };
	p.memory.gpu_limit = 53084 * mib;
	p.memory.gpu_limit_from = "Metal recommendedMaxWorkingSetSize";
	g = gpu(0, "Apple M4 Max", 0, 0);
	g->vendor = VENDOR_APPLE;
	g->unified = 1;
	g->units = 40;
	rc = join();
	ok(rc == OK && !strcmp(match[0].id, "m4-max-64gb"), "a Mac by its memory: %s (%s)", match[0].id, match[0].how);
	ok(spec.n_groups == 1 && spec.n_pools == 1 && spec.pools[0].kind == POOL_UNIFIED, "one pool, one device");
	ok(spec.pools[0].total_bytes == 64 * gib && spec.pools[0].usable_bytes == 53084 * mib && !strcmp(spec.pools[0].limit, p.memory.gpu_limit_from),
		"the GPU's limit, and who says so");
	ok(near(spec.pools[0].free_bytes.v, 53084. * (double)mib) && near(spec.pools[0].read_bps.v, 546e9), "free and bandwidth");
	is_str(spec.name, "this machine: Apple M4 Max, 64.0 GiB", "its name");
	p.memory.gpu_limit = 0;
	ok(join() == OK && spec.pools[0].usable_bytes == 53084 * mib && strstr(spec.pools[0].limit, "default GPU limit"), "without the driver's word the default of its size");
	g->units = 32;
	ok(join() == OK && strstr(match[0].how, "cores is another") && !is_known(spec.pools[0].read_bps), "64 GB with 32 cores is not in the catalogue");
	ok(!spec.pools[0].usable_bytes && !spec.pools[0].limit, "and how much of it the GPU may use is unknown");

	machine();
	p.memory = (struct probed_memory){ .total = 128524234752, .available = 110 * gib };
	g = gpu(0x10de2e12, "NVIDIA GB10", 130597453824, 0);
	g->unified = 1;
	g->units = 48;
	ok(join() == OK && spec.n_groups == 1 && spec.pools[0].kind == POOL_UNIFIED && !strcmp(match[0].id, "gb10"), "GB10");
	ok(spec.pools[0].total_bytes == 130597453824 && spec.pools[0].usable_bytes == 128524234752 && near(spec.pools[0].free_bytes.v, 110. * (double)gib),
		"CUDA's total, what the kernel has, what is available");

	machine();
	p.cpu.name = "AMD RYZEN AI MAX+ 395 w/ Radeon 8060S";
	p.memory = (struct probed_memory){ .total = 125 * gib, .available = 110 * gib };
	g = gpu(0x10021586, NULL, 512 * mib, 400 * mib);
	g->unified = 1;
	g->carve_out = 512 * mib;
	g->used = 112 * mib;
	g->gtt_total = 120 * gib;
	g->gtt_used = gib;
	g->units = 40;
	rc = join();
	ok(rc == OK && match[0].id && !strcmp(match[0].id, "ryzen-ai-max-395"), "Strix Halo: %s (%s)", match[0].id, match[0].how);
	ok(spec.pools[0].usable_bytes == 120 * gib + 512 * mib && strstr(spec.pools[0].limit, "GTT 120 GiB"), "carve-out and GTT: %s", spec.pools[0].limit);
	ok(near(spec.pools[0].free_bytes.v, 110. * (double)gib + 400. * (double)mib), "no more of GTT than is available");
	ok(near(spec.pools[0].read_bps.v, 256e9), "bandwidth");
	g->carve_out = 0;
	ok(join() == OK && spec.pools[0].usable_bytes == 120 * gib + 512 * mib && spec.pools[0].total_bytes == 125 * gib + 512 * mib, "a carve-out told as the total");
	g->units = 2;
	ok(join() == OK && spec.pools[0].kind == POOL_HOST && warned("for the display"), "two units are for the display");
	g->units = 40;
	gpu(0x10de2684, "NVIDIA GeForce RTX 4090", 24564 * mib, 24000 * mib);
	ok(join() == OK && match[0].group == PROBE_NO_GROUP && match[1].group == 0 && spec.n_pools == 2 && warned("beside a card"), "beside a card it is left out");
	p.n_gpus = 1;
	p.gpu[0].vendor = VENDOR_INTEL;
	p.gpu[0].pci = 0x80867d55;
	p.gpu[0].gtt_total = 0;
	ok(join() == OK && spec.pools[0].kind == POOL_HOST && warned("does not say how much"), "one that does not say what it may map");
}

static void test_mig(void)
{
	struct probed_gpu *g;
	int rc;

	ok(near(mig_share("1g.10gb", 81920 * mib), 0.125) && near(mig_share("1g.20gb", 81920 * mib), 0.25) && near(mig_share("3g.40gb", 81920 * mib), 0.5) &&
		near(mig_share("7g.80gb", 81920 * mib), 1) && near(mig_share("1g.6gb", 24576 * mib), 0.25) && near(mig_share("2g.35gb", 143771 * mib), 0.25) &&
		near(mig_share("1g.10gb+me", 81920 * mib), 0.125), "shares of profiles");
	ok(mig_share(NULL, gib) <= 0 && mig_share("x", gib) <= 0 && mig_share("1g.10gb", 0) <= 0 && mig_share("1g.30gb", 80 * gib) <= 0, "and of none");
	machine();
	for (int i = 0; i < 2; i++) {
		g = gpu(0x10de20b2, i ? "NVIDIA A100-SXM4-80GB MIG 3g.40gb" : "NVIDIA A100-SXM4-80GB MIG 1g.10gb", (i ? 40192 : 9728) * mib, (i ? 40000 : 9700) * mib);
		g->mig = 1;
		g->bus = "0000:01:00.0";
		g->mig_profile = i ? "3g.40gb" : "1g.10gb";
		g->units = i ? 42 : 14;
	}
	rc = join();
	ok(rc == OK && match[0].id && !strcmp(match[0].id, "a100-sxm-80gb"), "slices are known by the card: %s (%s)", match[0].id, match[0].how);
	ok(spec.n_groups == 2 && match[0].group == 0 && match[1].group == PROBE_NO_GROUP && warned("gets one MIG slice"), "a program gets one of them");
	ok(near(spec.pools[0].read_bps.v, 2039e9 / 8) && spec.pools[0].total_bytes == 9728 * mib, "with its share of bandwidth");
	struct known whole = spec.groups[0].device->flops[MATH_F16];
	ok(strcmp(spec.groups[0].device->id, "a100-sxm-80gb") != 0, "under a name of its own: %s", spec.groups[0].device->id);
	p.gpu[0].state = GPU_HIDDEN;
	ok(join() == OK && match[1].group == 0 && near(spec.pools[0].read_bps.v, 2039e9 / 2), "the other, when that is the one to be seen");
	ok(is_known(whole) && near(whole.v * 3, spec.groups[0].device->flops[MATH_F16].v), "units share the rates");
	p.gpu[1].units = 0;
	ok(join() == OK && !is_known(spec.groups[0].device->flops[MATH_F16]), "unknown units, unknown rates");
	p.gpu[1].mig_profile = "3g";
	ok(join() == OK && !is_known(spec.pools[0].read_bps) && warned("share of the memory bandwidth is unknown"), "unknown profile, unknown bandwidth");
}

static void test_links(void)
{
	struct probed_gpu *g;

	machine();
	for (int i = 0; i < 2; i++) {
		g = gpu(0x10de2204, "NVIDIA GeForce RTX 3090", 24576 * mib, 24000 * mib);
		g->pcie_gen = 1;
		g->pcie_gen_max = 4;
		g->pcie_lanes = i ? 8 : 16;
		g->pcie_lanes_max = 16;
	}
	ok(join() == OK && spec.n_links == 2, "to the host and between");
	ok(near(link_of(0, LINK_HOST)->each_way_bps.v, pcie_bytes_per_s(4, 8)), "generation at most, lanes as they are, the slower slot");
	ok(link_of(0, 0)->kind == LINK_PCIE && near(link_of(0, 0)->each_way_bps.v, pcie_bytes_per_s(4, 8)), "between cards by PCIe");
	for (int i = 0; i < 2; i++) {
		p.gpu[i].nvlinks = 4;
		p.gpu[i].nvlink_each_way_bps = 14.0625e9;
		p.gpu[i].n_nvlink_to = 1;
		p.gpu[i].nvlink_to[0].peer = (uint32_t)!i;
		p.gpu[i].nvlink_to[0].links = 4;
	}
	ok(join() == OK && link_of(0, 0)->kind == LINK_NVLINK && near(link_of(0, 0)->each_way_bps.v, 56.25e9), "a bridge");
	gpu(0x10de2204, "NVIDIA GeForce RTX 3090", 24576 * mib, 24000 * mib);
	ok(join() == OK && link_of(0, 0)->kind == LINK_PCIE && warned("some of the cards are joined"), "a third card without: PCIe counts");
	p.gpu[2].free = 10000 * mib;
	ok(join() == OK && link_of(0, 0)->kind == LINK_NVLINK && link_of(0, 1)->kind == LINK_PCIE, "in a group of its own, not");

	machine();
	for (int i = 0; i < 8; i++) {
		g = gpu(0x10de2330, "NVIDIA H100 80GB HBM3", 81559 * mib, 81000 * mib);
		g->nvlinks = 18;
		g->nvlink_each_way_bps = 25e9;
		g->n_nvlink_to = 1;
		g->nvlink_to[0].peer = UINT32_MAX;
		g->nvlink_to[0].links = 18;
	}
	ok(join() == OK && spec.groups[0].per_node == 8 && link_of(0, 0)->kind == LINK_NVSWITCH && near(link_of(0, 0)->each_way_bps.v, 450e9), "a switch");
	ok(is_known(link_of(0, LINK_HOST)->each_way_bps), "PCIe as the catalogue says, when the driver does not");
}

static void test_names(void)
{
	static const struct { const char *name, *want; } cases[] = {
		{ "AMD Ryzen 9 7950X 16-Core Processor", "AMD Ryzen 9 7950X" }, { "Intel(R) Core(TM) i9-14900K", "Intel Core i9-14900K" },
		{ "Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz", "Intel Xeon CPU E5-2680 v4" }, { "13th Gen Intel(R) Core(TM) i7-13700H", "13th Gen Intel Core i7-13700H" },
		{ "Intel(R) Core(TM) i7-8700 CPU @ 3.20GHz", "Intel Core i7-8700" }, { "AMD EPYC 9654 96-Core Processor", "AMD EPYC 9654" },
		{ "AMD Ryzen Threadripper PRO 7995WX 96-Cores", "AMD Ryzen Threadripper PRO 7995WX" }, { "Apple M4 Max", "Apple M4 Max" },
		{ "AMD RYZEN AI MAX+ 395 w/ Radeon 8060S", "AMD RYZEN AI MAX+ 395" }, { "AMD FX(tm)-8350 Eight-Core Processor", "AMD FX-8350" },
		{ "AMD Opteron(tm) Processor 6174", "AMD Opteron Processor 6174" }, { "Intel(R) Xeon(R) Processor @ 2.30GHz", "Intel Xeon" },
		{ "AMD Ryzen 7 5700G with Radeon Graphics", "AMD Ryzen 7 5700G" }, { "  x ", "x" }, { "", "" }, { "Processor", "Processor" },
	};

	for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
		char buf[128];
		is_str(cpu_short_name(buf, sizeof buf, cases[i].name), cases[i].want, "short form of '%s'", cases[i].name);
	}
	for (size_t n = 1; n < 12; n++) {
		char buf[12];
		ok(strlen(cpu_short_name(buf, n, "Intel(R) Core(TM) i9")) < n, "in %zu bytes", n);
	}
}

static void test_bus(void)
{
	struct probe_input in = { .a = &arena };

	machine();
	struct probed_gpu *a = probe_gpu_at(&p, &in, "00000000:0A:00.0"), *b = probe_gpu_at(&p, &in, "0000:0a:00.0");
	ok(a && a == b && p.n_gpus == 1, "one address in two spellings is one GPU");
	is_str(a->bus, "0000:0a:00.0", "kept in the kernel's");
	ok(probe_gpu_at(&p, &in, "0001:0a:00.0") == &p.gpu[1], "another domain is another");
	ok(probe_gpu_at(&p, &in, NULL) == &p.gpu[2] && probe_gpu_at(&p, &in, NULL) == &p.gpu[3], "without an address each is its own");
	for (int i = 4; i < PROBE_GPUS; i++)
		probe_gpu_at(&p, &in, NULL);
	ok(!probe_gpu_at(&p, &in, "0002:00:00.0") && p.n_gpus == PROBE_GPUS && p.n_notes == 1, "no room: a note");
	for (int i = 0; i < 100; i++)
		probe_note(&p, &in, "note %d", i);
	ok(p.n_notes == PROBE_NOTES && strstr(p.note[PROBE_NOTES - 1], "more notes"), "so with notes");
	for (int i = 0; i < 100; i++)
		probe_conflict(&p, "x", PROBE_NVML, "1", PROBE_CUDA, "2", PROBE_NVML);
	ok(p.n_conflicts == PROBE_NOTES, "and conflicts");
}

/* Every failed allocation is an error, none a crash. */
static void test_no_memory(void)
{
	int i, rc = E_NOMEM;

	for (i = 0; i < 200 && rc == E_NOMEM; i++) {
		struct arena own = { 0 };
		machine();
		for (int k = 0; k < 3; k++)
			gpu(0x10de2684, "NVIDIA GeForce RTX 4090", 24564 * mib, (uint64_t)(20000 + 1000 * k) * mib);
		arena_fail_after(i);
		rc = probe_spec(&spec, match, &own, catalog, &p, &err);
		arena_fail_after(-1);
		arena_free(&own);
	}
	ok(rc == OK && i > 1, "out of memory at each of %d places", i - 1);
}

int main(void)
{
	setenv("ULLAGE_DATA", ".", 1);
	setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
	if (catalog_open(&catalog, NULL, &err) != OK) {
		printf("Bail out! %s\n", err.text);
		return 1;
	}
	test_matches();
	test_unmatched_bandwidth();
	test_groups();
	test_host();
	test_unified();
	test_mig();
	test_links();
	test_names();
	test_bus();
	test_no_memory();
	catalog_close(catalog);
	arena_free(&arena);
	return done_testing();
}
