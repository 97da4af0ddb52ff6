/* probe_drm.c - GPUs by /sys/class/drm and KFD: the forms of their files, and what makes of a small tree what */
#include "probe/probe_drm.h"

#include "../recording.h"
#include "../tap.h"

static struct arena arena;
static struct probed found;

/* The link of a card to its device. */
static void link_to(const char *path, const char *to)
{
	char full[512];

	recording_put(arena_printf(&arena, "%s.folder/x", path), "");    /* makes the folders on the way */
	snprintf(full, sizeof full, "%s/%u/%s", recording_top, recording_n, path);
	if (symlink(to, full))
		perror(full);
}

static void device(const char *bus, const char *vendor, const char *id, int card)
{
	char path[256], to[256];

	snprintf(path, sizeof path, "root/sys/devices/%s/vendor", bus);
	recording_put(path, vendor);
	snprintf(path, sizeof path, "root/sys/devices/%s/device", bus);
	recording_put(path, id);
	snprintf(path, sizeof path, "root/sys/class/drm/card%d/device", card);
	snprintf(to, sizeof to, "../../../devices/%s", bus);
	link_to(path, to);
}

static void file(const char *bus, const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof path, "root/sys/devices/%s/%s", bus, name);
	recording_put(path, text);
}

static void read_it(const char *folder)
{
	struct probe_input in = { .a = &arena, .replay = folder };

	found = (struct probed){ 0 };
	probe_drm(&found, &in);
}

static void test_forms(void)
{
	uint32_t now, most;
	char arch[24];

	ok(drm_pcie_gen("16.0 GT/s PCIe\n") == 4 && drm_pcie_gen("8 GT/s\n") == 3 && drm_pcie_gen("2.5 GT/s PCIe") == 1 && drm_pcie_gen("32.0 GT/s PCIe") == 5, "rates of a lane");
	ok(!drm_pcie_gen("Unknown") && !drm_pcie_gen("12.0 GT/s") && !drm_pcie_gen(NULL) && !drm_pcie_gen("nan"), "none of them");
	drm_clocks(&now, &most, "0: 96Mhz \n1: 456Mhz *\n2: 1249Mhz \n");
	ok(now == 456 && most == 1249, "clocks: the star is now, the highest is the most");
	drm_clocks(&now, &most, "0: 96Mhz *");
	ok(now == 96 && most == 96, "a last line without its end");
	drm_clocks(&now, &most, "rubbish\n: 5\n1 500Mhz\n0: 99999999999999999999Mhz *\n");
	ok(!now && !most, "no clocks");
	drm_clocks(&now, &most, NULL);
	ok(!now && !most, "no file");
	ok(!kfd_arch(arch, sizeof arch, 110501) && !strcmp(arch, "gfx1151"), "gfx1151");
	ok(!kfd_arch(arch, sizeof arch, 90010) && !strcmp(arch, "gfx90a"), "gfx90a");
	ok(!kfd_arch(arch, sizeof arch, 90402) && !strcmp(arch, "gfx942"), "gfx942");
	ok(!kfd_arch(arch, sizeof arch, 120001) && !strcmp(arch, "gfx1201"), "gfx1201");
	ok(kfd_arch(arch, sizeof arch, 0) && kfd_arch(arch, sizeof arch, 99999999) && kfd_arch(arch, sizeof arch, 111600), "no architecture");
	ok(kfd_is_apu("gfx1151") && kfd_is_apu("gfx90c") && !kfd_is_apu("gfx1100") && !kfd_is_apu("gfx942") && !kfd_is_apu(NULL), "processors with graphics");
}

static void test_tree(void)
{
	const char *folder = recording_new(&arena);
	static const char amd[] = "0000:03:00.0", apu[] = "0000:c5:00.0", arc[] = "0000:0b:00.0", igpu[] = "0000:00:02.0", nv[] = "0000:41:00.0", bmc[] = "0000:05:00.0";

	device(amd, "0x1002\n", "0x744c\n", 0);
	file(amd, "mem_info_vram_total", "25753026560\n");
	file(amd, "mem_info_vram_used", "845152256\n");
	file(amd, "mem_info_gtt_total", "33290692608\n");
	file(amd, "mem_info_gtt_used", "41943040\n");
	file(amd, "hwmon/hwmon5/power1_cap", "303000000\n");
	file(amd, "current_link_speed", "2.5 GT/s PCIe\n");
	file(amd, "max_link_speed", "16.0 GT/s PCIe\n");
	file(amd, "current_link_width", "16\n");
	file(amd, "max_link_width", "255\n");
	file(amd, "numa_node", "1\n");
	file(amd, "product_name", "Radeon RX 7900 XTX\n");
	recording_put("root/sys/class/kfd/kfd/topology/nodes/1/properties", "cpu_cores_count 0\nsimd_count 192\nsimd_per_cu 2\ngfx_target_version 110000\nlocation_id 768\ndomain 0\n");
	recording_put("root/sys/class/kfd/kfd/topology/nodes/1/mem_banks/0/properties", "heap_type 1\nwidth 384\n");
	recording_put("root/sys/class/kfd/kfd/topology/nodes/0/properties", "cpu_cores_count 16\nsimd_count 0\n");
	device(apu, "0x1002\n", "0x15bf\n", 1);          /* no KFD for this one */
	file(apu, "mem_info_vram_total", "536870912\n");
	file(apu, "mem_info_vram_used", "1000\n");
	file(apu, "mem_info_gtt_total", "16106127360\n");
	file(apu, "mem_info_gtt_used", "0\n");
	device(arc, "0x8086\n", "0xe20b\n", 2);
	file(arc, "max_link_speed", "2.5 GT/s PCIe\n");
	device(igpu, "0x8086\n", "0xa7a0\n", 3);
	device(nv, "0x10de\n", "0x2684\n", 4);
	device(bmc, "0x1a03\n", "0x2000\n", 5);
	recording_put("root/sys/class/drm/card0-DP-1/status", "connected\n");
	recording_put("root/sys/class/drm/renderD128/dev", "226:128\n");
	read_it(folder);
	is_u64(found.n_gpus, 5, "five GPUs: no socket, no render node, not the board's own picture");
	const struct probed_gpu *g = probe_gpu_at(&found, &(struct probe_input){ .a = &arena }, amd);
	ok(g->vendor == VENDOR_AMD && g->pci == 0x1002744c && g->total == 25753026560 && g->free == 25753026560 - 845152256 && !g->unified && g->state == GPU_OK, "a card of AMD's");
	ok(g->arch && !strcmp(g->arch, "gfx1100") && g->units == 96 && g->bus_bits == 384, "what KFD adds: gfx1100, 96 units, 384 bits");
	ok(g->power_limit_w > 302.9 && g->power_limit_w < 303.1 && g->pcie_gen == 1 && g->pcie_gen_max == 4 && g->pcie_lanes == 16 && g->pcie_lanes_max == 0 && g->numa == 2, "power, link, node");
	ok(g->name && !strcmp(g->name, "Radeon RX 7900 XTX"), "its name, when the firmware has one");
	g = probe_gpu_at(&found, &(struct probe_input){ .a = &arena }, apu);
	ok(g->unified && g->carve_out == 536870912 && g->gtt_total == 16106127360, "512 MiB is a carve-out, even where KFD does not say so");
	g = probe_gpu_at(&found, &(struct probe_input){ .a = &arena }, arc);
	ok(!g->unified && g->vendor == VENDOR_INTEL && g->free_unknown && !g->total && !g->pcie_gen_max, "a card of Intel's does not say what it has");
	g = probe_gpu_at(&found, &(struct probe_input){ .a = &arena }, igpu);
	ok(g->unified && !g->total, "graphics of the processor");
	g = probe_gpu_at(&found, &(struct probe_input){ .a = &arena }, nv);
	ok(g->state == GPU_UNREADABLE && g->why && strstr(g->why, "driver library"), "a card of NVIDIA's without its library");
	is_u64(found.n_gpus, 5, "looking them up added none");
}

static void test_known_before(void)
{
	const char *folder = recording_new(&arena);
	struct probe_input in = { .a = &arena, .replay = folder };
	struct probed_gpu *g;

	device("0000:01:00.0", "0x10de\n", "0x2684\n", 0);
	file("0000:01:00.0", "max_link_speed", "32.0 GT/s PCIe\n");
	found = (struct probed){ 0 };
	g = probe_gpu_at(&found, &in, "00000000:01:00.0");
	g->vendor = VENDOR_NVIDIA;
	g->pcie_gen_max = 4;
	probe_drm(&found, &in);
	ok(found.n_gpus == 1 && found.gpu[0].state == GPU_OK && found.gpu[0].pcie_gen_max == 4, "a card that NVML told of is not there twice, and what NVML said stays");
	read_it(recording_new(&arena));
	ok(found.n_gpus == 0 && found.n_notes == 0, "no GPUs, nothing to say");
	folder = recording_new(&arena);
	device("0000:01:00.0", "0x1002\n", "0x744c\n", 0);
	read_it(folder);
	ok(found.n_gpus == 1 && found.gpu[0].state == GPU_UNREADABLE && found.gpu[0].why, "a card of AMD's under another driver: %s", found.gpu[0].why);
}

static void test_links(void)
{
	const char *folder = recording_new(&arena);

	for (int i = 0; i < 2; i++) {
		char bus[32], path[128], text[200];
		snprintf(bus, sizeof bus, "0000:%02x:00.0", 0x0c + i);
		device(bus, "0x1002\n", "0x74a1\n", i);
		file(bus, "mem_info_vram_total", "205822885888\n");
		file(bus, "mem_info_vram_used", "300000000\n");
		snprintf(path, sizeof path, "root/sys/class/kfd/kfd/topology/nodes/%d/properties", i + 2);
		snprintf(text, sizeof text, "cpu_cores_count 0\nsimd_count 1216\nsimd_per_cu 4\ngfx_target_version 90402\nlocation_id %d\ndomain 0\n", (0x0c + i) << 8);
		recording_put(path, text);
		snprintf(path, sizeof path, "root/sys/class/kfd/kfd/topology/nodes/%d/io_links/1/properties", i + 2);
		snprintf(text, sizeof text, "type 11\nnode_from %d\nnode_to %d\nmax_bandwidth 64000\n", i + 2, 3 - i);
		recording_put(path, text);
		snprintf(path, sizeof path, "root/sys/class/kfd/kfd/topology/nodes/%d/io_links/0/properties", i + 2);
		recording_put(path, "type 2\nnode_to 0\nmax_bandwidth 63000\n");
	}
	recording_put("root/sys/class/kfd/kfd/topology/nodes/0/properties", "cpu_cores_count 96\nsimd_count 0\n");
	read_it(folder);
	ok(found.n_gpus == 2 && found.gpu[0].units == 304 && !strcmp(found.gpu[0].arch, "gfx942"), "two MI300X");
	ok(found.gpu[0].nvlinks == 1 && found.gpu[0].n_nvlink_to == 1 && found.gpu[0].nvlink_to[0].peer == 1 && found.gpu[1].nvlink_to[0].peer == 0, "a direct link between them, none to the processor");
	ok(found.gpu[0].nvlink_each_way_bps > 63.9e9 && found.gpu[0].nvlink_each_way_bps < 64.1e9, "of 64 GB/s");
}

int main(void)
{
	test_forms();
	test_tree();
	test_known_before();
	test_links();
	recording_end();
	arena_free(&arena);
	return done_testing();
}
