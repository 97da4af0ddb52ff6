/* probe_gpu_files.c - GPUs by /sys/class/drm and KFD, the finer points: which chips are unified, the slot behind a card's own switch, cards
 * asleep, hidden, cut into partitions or joined by links, names by the lists of ids, and what a recording leaves out */
#include "probe/probe_drm.h"

#include "../recording.h"
#include "../tap.h"

#define NODES "root/sys/class/kfd/kfd/topology/nodes"

static struct arena arena;
static struct probed found;
static const char *folder;

/* Links are written relative to the recording's root, which all of them lead back to. */
static void link_to(const char *path, const char *to)
{
	char full[512];

	recording_put(arena_printf(&arena, "%s.folder/x", path), "");    /* makes the folders on the way */
	snprintf(full, sizeof full, "%s/%u/%s", recording_top, recording_n, path);
	if (symlink(to, full))
		perror(full);
}

static void put(const char *bus, const char *name, const char *text)
{
	recording_put(arena_printf(&arena, "root/sys/devices/%s/%s", bus, name), text);
}

static void put_number(const char *bus, const char *name, uint64_t v)
{
	put(bus, name, arena_printf(&arena, "%llu\n", (unsigned long long)v));
}

static void device(const char *bus, const char *vendor, const char *id, const char *driver)
{
	put(bus, "vendor", vendor);
	put(bus, "device", id);
	if (driver)
		link_to(arena_printf(&arena, "root/sys/devices/%s/driver", bus), arena_printf(&arena, "../../bus/pci/drivers/%s", driver));
}

static void card(int n, const char *bus, const char *vendor, const char *id, const char *driver)
{
	device(bus, vendor, id, driver);
	link_to(arena_printf(&arena, "root/sys/class/drm/card%d/device", n), arena_printf(&arena, "../../../devices/%s", bus));
}

static void amd_memory(const char *bus, uint64_t vram, uint64_t gtt)
{
	put_number(bus, "mem_info_vram_total", vram);
	put_number(bus, "mem_info_vram_used", 1 << 20);
	put_number(bus, "mem_info_gtt_total", gtt);
	put_number(bus, "mem_info_gtt_used", 1 << 21);
}

static void kfd(int node, const char *properties, const char *bank)
{
	recording_put(arena_printf(&arena, NODES "/%d/properties", node), properties);
	if (bank)
		recording_put(arena_printf(&arena, NODES "/%d/mem_banks/0/properties", node), bank);
}

static void fresh(void) { folder = recording_new(&arena); }

static void replay(void)
{
	struct probe_input in = { .a = &arena, .replay = folder };

	found = (struct probed){ .n_gpus = 0 };
	probe_drm(&found, &in);
}

static int unified_with(const char *id, uint64_t vram, uint64_t gtt, const char *properties, const char *bank, const char *metrics)
{
	fresh();
	card(0, "0000:64:00.0", "0x1002\n", id, "amdgpu");
	amd_memory("0000:64:00.0", vram, gtt);
	if (properties)
		kfd(1, properties, bank);
	if (metrics)
		recording_bytes("root/sys/devices/0000:64:00.0/gpu_metrics", metrics, 8);
	replay();
	return found.n_gpus == 1 && found.gpu[0].state == GPU_OK && found.gpu[0].total == vram ? found.gpu[0].unified : -1;
}

/* Figures of a Phoenix laptop with 4 GiB carved out, a 7900 XTX, and made-up chips with ids that nobody has. */
static void test_unified(void)
{
	static const char at[] = "location_id 25600\ndomain 0\nsimd_per_cu 2\n", processor[] = "\x78\0\2\1....", newer[] = "\x08\1\3\0....", board[] = "\x78\0\1\3....";
	const char *unknown = arena_printf(&arena, "simd_count 24\ngfx_target_version 130000\n%s", at);
	const char *phoenix = arena_printf(&arena, "cpu_cores_count 0\nsimd_count 24\ngfx_target_version 110003\n%s", at);

	ok(unified_with("0x15bf\n", 4294967296, 31433977856, phoenix, "heap_type 1\nsize_in_bytes 31433977856\nwidth 128\n", NULL) == 1,
		"4 GiB carved out do not make a card");
	ok(found.gpu[0].carve_out == 4294967296 && found.gpu[0].compute_total == 31433977856 && found.gpu[0].units == 12 && found.gpu[0].gtt_used == 1 << 21,
		"and KFD says that compute gets GTT instead");
	ok(!found.n_conflicts, "which is no conflict");
	ok(unified_with("0x0001\n", 4294967296, 31433977856, unknown, "heap_type 1\nsize_in_bytes 31433977856\n", NULL) == 1, "unknown chip: KFD counts GTT as its memory");
	ok(unified_with("0x0001\n", 4294967296, 31433977856, arena_printf(&arena, "cpu_cores_count 8\n%s", unknown), NULL, NULL) == 1, "a node with processors and SIMDs");
	ok(unified_with("0x0001\n", 4294967296, 31433977856, NULL, NULL, processor) == 1 && unified_with("0x0001\n", 4294967296, 31433977856, NULL, NULL, newer) == 1,
		"without KFD: the table of the power firmware is a processor's");
	ok(unified_with("0x15bf\n", 4294967296, 31433977856, NULL, NULL, board) == 0, "or a card's, whatever the lists of ids say");
	ok(unified_with("0x1586\n", 103079215104, 16000000000, NULL, NULL, NULL) == 1, "nothing but its id: 96 GiB carved out of a Strix Halo");
	ok(unified_with("0x74a0\n", 137438953472, 16000000000, NULL, NULL, board) == 1, "MI300A has a card's table and is none");
	ok(unified_with("0x744c\n", 25753026560, 33000000000, NULL, NULL, NULL) == 0 && !found.gpu[0].carve_out, "a card is one");
	ok(unified_with("0x744c\n", 25753026560, 33000000000, arena_printf(&arena, "simd_count 192\ngfx_target_version 110000\n%s", at),
		"heap_type 1\nsize_in_bytes 12000000000\nwidth 384\n", NULL) == 0 && found.n_conflicts == 1 && found.conflict[0].used == PROBE_DRM,
		"a card of which KFD counts half: a conflict");
}

static void bridge(const char *bus, const char *vendor, int secondary, const char *speed, int width)
{
	device(bus, vendor, "0x1\n", NULL);
	put_number(bus, "secondary_bus_number", (uint64_t)secondary);
	put(bus, "current_link_speed", speed);
	put(bus, "max_link_speed", speed);
	put_number(bus, "current_link_width", (uint64_t)width);
	put_number(bus, "max_link_width", (uint64_t)width);
	link_to(arena_printf(&arena, "root/sys/bus/pci/devices/%s", bus), arena_printf(&arena, "../../../devices/%s", bus));
}

static void links_of(const char *bus, const char *speed, int width)
{
	put(bus, "current_link_speed", speed);
	put(bus, "max_link_speed", speed);
	put_number(bus, "current_link_width", (uint64_t)width);
	put_number(bus, "max_link_width", (uint64_t)width);
}

static void test_slot(void)
{
	const struct probed_gpu *g = found.gpu;

	fresh();
	card(0, "0000:03:00.0", "0x8086\n", "0x56a0\n", "i915");
	links_of("0000:03:00.0", "2.5 GT/s PCIe\n", 1);
	replay();
	ok(found.n_gpus == 1 && !g->pcie_gen && !g->pcie_gen_max && !g->pcie_lanes_max, "an Arc whose bridges are not to be seen: unknown, not x1");
	bridge("0000:00:01.0", "0x8086\n", 1, "32.0 GT/s PCIe\n", 4);    /* the root port is Intel's as well */
	bridge("0000:01:00.0", "0x8086\n", 2, "16.0 GT/s PCIe\n", 16);
	bridge("0000:02:01.0", "0x8086\n", 3, "2.5 GT/s PCIe\n", 1);
	replay();
	ok(g->pcie_gen == 4 && g->pcie_lanes == 16 && g->pcie_gen_max == 4 && g->pcie_lanes_max == 4, "the switch's upper port, and no more than the slot");
	fresh();
	card(0, "0000:03:00.0", "0x1002\n", "0x744c\n", "amdgpu");
	amd_memory("0000:03:00.0", 25753026560, 33000000000);
	links_of("0000:03:00.0", "16.0 GT/s PCIe\n", 16);
	bridge("0000:00:01.1", "0x1022\n", 1, "16.0 GT/s PCIe\n", 16);
	bridge("0000:01:00.0", "0x1002\n", 2, "8.0 GT/s PCIe\n", 8);
	bridge("0000:02:00.0", "0x1002\n", 3, "16.0 GT/s PCIe\n", 16);
	replay();
	ok(g->pcie_gen == 3 && g->pcie_lanes == 8 && g->pcie_gen_max == 3 && g->pcie_lanes_max == 8, "a Radeon in a slot of generation 3 with 8 lanes");
	fresh();
	card(0, "0000:41:00.0", "0x1002\n", "0x74a1\n", "amdgpu");
	amd_memory("0000:41:00.0", 205822885888, 400000000000);
	links_of("0000:41:00.0", "32.0 GT/s PCIe\n", 16);
	bridge("0000:40:01.0", "0x1022\n", 0x41, "16.0 GT/s PCIe\n", 16);
	replay();
	ok(g->pcie_gen == 5 && g->pcie_gen_max == 4, "a card without a switch: at most what its root port does");
}

static void test_asleep_and_hidden(void)
{
	const struct probed_gpu *g = found.gpu;

	fresh();
	card(0, "0000:03:00.0", "0x1002\n", "0x7480\n", "amdgpu");
	amd_memory("0000:03:00.0", 8573157376, 8000000000);
	put("0000:03:00.0", "power/runtime_status", "suspended\n");
	put("0000:03:00.0", "hwmon/hwmon3/power1_cap", "120000000\n");
	put("0000:03:00.0", "pp_dpm_sclk", "0: 500Mhz *\n");
	put("0000:03:00.0", "drm/renderD128/dev", "226:128\n");
	replay();
	ok(g->state == GPU_OK && g->total == 8573157376 && g->power_limit_w <= 0 && !g->mhz, "a card asleep is not woken to be asked");
	put("0000:03:00.0", "power/runtime_status", "active\n");
	replay();
	ok(g->power_limit_w > 119.9 && g->mhz == 500, "one awake is");
	recording_put("root/dev/dri/card0", "");
	recording_put("root/dev/dri/renderD129", "");
	replay();
	ok(g->state == GPU_HIDDEN && g->why && strstr(g->why, "renderD128"), "a container that was given another card");
	recording_put("root/dev/dri/renderD128", "");
	replay();
	ok(g->state == GPU_OK, "or this one");
}

static void test_nvidia(void)
{
	struct probe_input in = { .a = &arena, .replay = NULL };
	struct probed_gpu *g;

	fresh();
	card(0, "0000:01:00.0", "0x10de\n", "0x2684\n", "nvidia");
	card(1, "0000:02:00.0", "0x10de\n", "0x2684\n", "nvidia");
	in.replay = folder;
	found = (struct probed){ .n_gpus = 0 };
	g = probe_gpu_at(&found, &in, "0000:01:00.0");
	g->vendor = VENDOR_NVIDIA;
	probe_drm(&found, &in);
	ok(found.n_gpus == 2 && found.gpu[0].state == GPU_OK && found.gpu[1].state == GPU_HIDDEN, "NVML lists one of two: the other is not this container's");
	found = (struct probed){ .n_gpus = 0 };
	g = probe_gpu_at(&found, &in, NULL);
	g->vendor = VENDOR_NVIDIA;
	probe_drm(&found, &in);
	is_u64(found.n_gpus, 1, "one that NVML has no address for may be either: none is added");
	fresh();
	card(0, "0000:01:00.0", "0x10de\n", "0x2684\n", "nouveau");
	replay();
	ok(found.n_gpus == 1 && found.gpu[0].state == GPU_UNREADABLE && strstr(found.gpu[0].why, "nouveau"), "nouveau");
	fresh();
	card(0, "0000:01:00.0", "0x1af4\n", "0x1050\n", "virtio-pci");
	card(1, "0000:02:00.0", "0x126f\n", "0x0750\n", "sm750");
	replay();
	is_u64(found.n_gpus, 0, "what only shows a picture is no GPU, whoever made it");
}

/* Eight processors' worth of MI300X in CPX mode would be 64 nodes; two of them with two each do. */
static void test_partitions_and_links(void)
{
	static const char link[] = "type 11\nnode_from %d\nnode_to %d\nmin_bandwidth %d\nmax_bandwidth %d\n";

	fresh();
	for (int i = 0; i < 2; i++) {
		char bus[24];
		snprintf(bus, sizeof bus, "0000:0%c:00.0", "cd"[i]);
		card(i, bus, "0x1002\n", "0x74a1\n", "amdgpu");
		amd_memory(bus, 206141652992, 400000000000);
		for (int part = 0; part < 2; part++) {
			unsigned id = (0x0cu + (unsigned)i) << 8 | (unsigned)part << 28;
			int node = 2 + 2 * i + part;
			kfd(node, arena_printf(&arena, "simd_count 608\nsimd_per_cu 4\ngfx_target_version 90402\nlocation_id %u\ndomain 0\nunique_id 99\nhive_id 77\n", id),
				"heap_type 1\nsize_in_bytes 103070826496\nwidth 8192\n");
			recording_put(arena_printf(&arena, NODES "/%d/io_links/0/properties", node), arena_printf(&arena, link, node, 2 + 2 * !i, 50000, 50000));
			recording_put(arena_printf(&arena, NODES "/%d/io_links/1/properties", node), arena_printf(&arena, link, node, 2 + 2 * i + !part, 50000, 50000));
		}
	}
	kfd(0, "cpu_cores_count 96\nsimd_count 0\n", "heap_type 0\nsize_in_bytes 1000\n");
	replay();
	ok(found.n_gpus == 2 && found.gpu[0].units == 304 && found.gpu[1].units == 304 && found.gpu[0].compute_total == 206141652992, "partitions of a GPU are summed");
	ok(found.n_notes == 2 && strstr(found.note[0], "partitions"), "and said");
	ok(found.gpu[0].nvlinks == 1 && found.gpu[0].n_nvlink_to == 1 && found.gpu[0].nvlink_to[0].peer == 1, "one link to the other GPU, none to itself");
	ok(found.gpu[0].nvlink_each_way_bps <= 0, "at a rate that is MI200's: unknown");
	struct kfd_node node = { .target = 90010 };
	kfd_link(&node, "type 11\nnode_to 3\nmin_bandwidth 50000\nmax_bandwidth 200000\n");
	ok(node.n_xgmi == 1 && node.xgmi[0].links == 4 && node.xgmi_each_way_bps > 49e9 && node.xgmi_each_way_bps < 51e9, "MI250X: four links of 50 GB/s between its halves");
	kfd_link(&node, "type 2\nnode_to 0\nmax_bandwidth 64000\n");
	is_u64(node.n_xgmi, 1, "PCIe is no such link");

	struct probe_input in = { .a = &arena, .replay = folder, .record = arena_printf(&arena, "%s/copy", recording_top) };
	found = (struct probed){ .n_gpus = 0 };
	probe_drm(&found, &in);
	struct probe_input copy = { .a = &arena, .replay = in.record };
	const char *text = probe_text(&copy, "/sys/class/kfd/kfd/topology/nodes/2/properties", NULL);
	ok(text && strstr(text, "simd_count 608") && !strstr(text, "unique_id") && !strstr(text, "hive_id"), "a recording has no serial numbers in it");
	struct probed again = { .n_gpus = 0 };
	probe_drm(&again, &copy);
	ok(again.n_gpus == 2 && again.gpu[1].units == 304 && again.gpu[0].total == found.gpu[0].total && again.gpu[0].nvlinks == 1, "and reads the same");
}

static void test_names(void)
{
	static const char amdgpu[] = "# List of AMDGPU IDs\n\n1.0.0\n744C,\tC8,\tAMD Radeon RX 7900 XTX\n744C,\tCC,\tAMD Radeon RX 7900 XT \r\n150E,\tC4,\t\n";
	static const char pci[] = "# remark\n0014  Another\n\te20b  Not this one\n1002  Advanced Micro Devices, Inc. [AMD/ATI]\n"
		"\t744c  Navi 31 [Radeon RX 7900 XT/7900 XTX]\n\t\t1002 0e3b  A board\n\t15bf  Phoenix1\n8086  Intel Corporation\n\te20b  Battlemage G21 [Arc B580]\n10de  NVIDIA\nC 03  Display\n\te20b  class\n";
	const char *p, *vendor, *line;
	size_t n, vendor_n, line_n;

	ok((p = amdgpu_ids_find(&n, amdgpu, 0x744c, 0xc8)) && n == 22 && !strncmp(p, "AMD Radeon RX 7900 XTX", n), "by device and revision");
	ok((p = amdgpu_ids_find(&n, amdgpu, 0x744c, 0xcc)) && n == 21, "without blanks at the end");
	ok(!amdgpu_ids_find(&n, amdgpu, 0x744c, 0xc9) && !amdgpu_ids_find(&n, amdgpu, 0x150e, 0xc4) && !amdgpu_ids_find(&n, "", 1, 1), "not listed, or without a name");
	ok((p = pci_ids_find(&n, &vendor, &vendor_n, &line, &line_n, pci, 0x8086, 0xe20b)) && n == 8 && !strncmp(p, "Arc B580", n) && vendor_n == 23, "a product in brackets");
	ok((p = pci_ids_find(&n, &vendor, &vendor_n, &line, &line_n, pci, 0x1002, 0x15bf)) && n == 8 && !strncmp(p, "Phoenix1", n), "a chip");
	ok(!pci_ids_find(&n, &vendor, &vendor_n, &line, &line_n, pci, 0x1002, 0x744c) && line_n, "several products are no name");
	ok(!pci_ids_find(&n, &vendor, &vendor_n, &line, &line_n, pci, 0x10de, 0xe20b) && !line_n, "not of that maker");
	fresh();
	card(0, "0000:03:00.0", "0x1002\n", "0x744c\n", "amdgpu");
	amd_memory("0000:03:00.0", 25753026560, 33000000000);
	put("0000:03:00.0", "revision", "0xc8\n");
	put("0000:03:00.0", "product_name", "\n");
	recording_put("root/usr/share/libdrm/amdgpu.ids", amdgpu);
	recording_put("root/usr/share/hwdata/pci.ids", pci);
	card(1, "0000:04:00.0", "0x8086\n", "0xe20b\n", "xe");
	replay();
	is_str(found.gpu[0].name, "AMD Radeon RX 7900 XTX", "an empty product_name is none");
	is_str(found.gpu[1].name, "Intel Arc B580", "the maker before the product");
	is_str(found.gpu[1].driver, "xe", "driver");
}

static void test_intel_memory(void)
{
	const struct probed_gpu *g = found.gpu;

	fresh();
	card(0, "0000:03:00.0", "0x8086\n", "0x56a0\n", "i915");
	put("0000:03:00.0", "tile0/physical_vram_size_bytes", "8589934592\n");
	put("0000:03:00.0", "tile1/physical_vram_size_bytes", "8589934592\n");
	put("0000:03:00.0", "hwmon/hwmon1/power1_max", "190000000\n");
	replay();
	ok(g->total == 17179869184 && g->free_unknown && g->memory_from == PROBE_DRM && g->power_limit_w > 189, "tiles are summed; what is free is unknown");
	fresh();
	card(0, "0000:03:00.0", "0x8086\n", "0x56a0\n", "i915");
	recording_put("root/sys/class/drm/card0/lmem_total_bytes", "17179869184\n");
	recording_put("root/sys/class/drm/card0/lmem_avail_bytes", "16106127360\n");
	replay();
	ok(g->total == 17179869184 && !g->free_unknown && g->free == 16106127360 && g->used == 1073741824, "i915 as Intel builds it");
}

static void test_out_of_memory(void)
{
	int n;

	fresh();
	card(0, "0000:03:00.0", "0x1002\n", "0x744c\n", "amdgpu");
	amd_memory("0000:03:00.0", 25753026560, 33000000000);
	kfd(1, "simd_count 192\nsimd_per_cu 2\ngfx_target_version 110000\nlocation_id 768\n", "heap_type 1\nwidth 384\n");
	bridge("0000:00:01.1", "0x1022\n", 3, "16.0 GT/s PCIe\n", 16);
	for (n = 0; n < 50; n++) {
		struct arena a = { .failed = 0 };
		struct probe_input in = { .a = &a, .replay = folder };
		arena_fail_after(n);
		found = (struct probed){ .n_gpus = 0 };
		probe_drm(&found, &in);
		int failed = a.failed;
		arena_fail_after(-1);
		arena_free(&a);
		if (!failed)
			break;
	}
	ok(n > 0 && n < 50 && found.n_gpus == 1, "each allocation fails once: no crash");
}

int main(void)
{
	test_unified();
	test_slot();
	test_asleep_and_hidden();
	test_nvidia();
	test_partitions_and_links();
	test_names();
	test_intel_memory();
	test_out_of_memory();
	recording_end();
	arena_free(&arena);
	return done_testing();
}
