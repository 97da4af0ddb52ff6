/* nvidia.c - NVIDIA's devices read from driver libraries by dlopen: fakes of them (tests/fake), whole, with functions missing, and with faults */
#include "base/file.h"
#include "base/str.h"
#include "probe/probe_nvidia.h"

#include "../tap.h"
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)

static char tmp[] = "/tmp/ullage-nvidia-XXXXXX", nvml_so[256], cuda_so[256];
static const char *const no_library[] = { "libullage-no-such.so.1", NULL };

static void fakes(const char *nvml, const char *cuda, const char *visible)
{
	setenv("FAKE_NVML", nvml, 1);
	setenv("FAKE_CUDA", cuda, 1);
	if (visible)
		setenv("CUDA_VISIBLE_DEVICES", visible, 1);
	else
		unsetenv("CUDA_VISIBLE_DEVICES");
}

/* NULL: the fake; "": no such library. thorough asks CUDA always. */
static struct probed *probe_libraries(struct arena *a, const char *nvml, const char *cuda, int thorough)
{
	const char *const n[] = { nvml ? nvml : nvml_so, NULL }, *const c[] = { cuda ? cuda : cuda_so, NULL };
	struct probe_input in = { .a = a, .thorough = (uint8_t)thorough };
	struct probed *p = arena_alloc(a, sizeof *p);

	probe_nvidia_with(p, &in, nvml && !*nvml ? no_library : n, cuda && !*cuda ? no_library : c);
	return p;
}

static int noted(const struct probed *p, const char *text)
{
	for (uint32_t i = 0; i < p->n_notes; i++)
		if (strstr(p->note[i], text))
			return 1;
	return 0;
}

static int same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/* All that a driver can say, field by field: a struct with padding cannot be compared whole. Returns the first that differs. */
static const char *differs(const struct probed_gpu *a, const struct probed_gpu *b)
{
#define NUMBER(f) if (a->f < b->f || a->f > b->f) return #f
#define TEXT(f) if (!same_text(a->f, b->f)) return #f
	NUMBER(vendor); NUMBER(state); NUMBER(from); NUMBER(unified); TEXT(why); TEXT(name); TEXT(bus); TEXT(uuid); TEXT(driver);
	NUMBER(pci); NUMBER(subsystem); NUMBER(total); NUMBER(free); NUMBER(used); NUMBER(reserved); NUMBER(memory_from); NUMBER(units);
	NUMBER(compute_capability); NUMBER(bus_bits); NUMBER(mhz); NUMBER(mhz_max); NUMBER(memory_mhz); NUMBER(memory_mhz_max);
	NUMBER(power_w); NUMBER(power_limit_w); NUMBER(power_default_w); NUMBER(power_max_w); NUMBER(pcie_gen); NUMBER(pcie_lanes);
	NUMBER(pcie_gen_max); NUMBER(pcie_lanes_max); NUMBER(nvlinks); NUMBER(nvlink_each_way_bps); NUMBER(n_nvlink_to);
	NUMBER(mig); TEXT(mig_profile); NUMBER(ecc); NUMBER(n_processes); NUMBER(more_processes); NUMBER(free_unknown);
	for (uint32_t i = 0; i < a->n_nvlink_to; i++) {
		NUMBER(nvlink_to[i].peer); NUMBER(nvlink_to[i].links);
	}
	for (uint32_t i = 0; i < a->n_processes; i++) {
		NUMBER(process[i].pid); NUMBER(process[i].bytes); TEXT(process[i].name);
	}
	return NULL;
}

static void whole(struct arena *a)
{
	fakes("", "", NULL);
	const struct probed *p = probe_libraries(a, NULL, NULL, 1);
	const struct probed_gpu *g = &p->gpu[0], *h = &p->gpu[1];

	is_u64(p->n_gpus, 2, "two cards");
	is_u64(p->n_notes, 0, "nothing to note");
	is_u64(p->n_conflicts, 0, "NVML and CUDA agree: 24240 MiB are 24576 less 300 reserved and a little");
	is_u64(p->cuda_version, 12080, "CUDA 12.8");
	ok(g->vendor == VENDOR_NVIDIA && g->state == GPU_OK && !g->why && g->from == PROBE_NVML && g->memory_from == PROBE_NVML && !g->unified, "what it is");
	is_str(g->name, "NVIDIA GeForce RTX 3090", "name");
	is_str(g->bus, "0000:a1:00.0", "bus address in lower case");
	is_str(h->bus, "0001:a2:00.0", "and with its domain");
	is_str(g->uuid, "GPU-00000000-0000-0000-0000-000000000000", "uuid");
	is_str(g->driver, "570.133.07", "driver");
	ok(g->pci == 0x10de2204 && g->subsystem == 0x98761454, "ids have the vendor in front: %08x %08x", (unsigned)g->pci, (unsigned)g->subsystem);
	ok(g->total == 24576 * MIB && g->reserved == 300 * MIB && g->used == 1000 * MIB && g->free == 23276 * MIB && !g->free_unknown, "memory");
	ok(g->compute_capability == 86 && g->units == 82 && g->bus_bits == 384, "compute capability, SMs, bus");
	ok(g->mhz == 210 && g->mhz_max == 2100 && g->memory_mhz == 405 && g->memory_mhz_max == 9751, "clocks");
	ok(g->power_w > 21.4 && g->power_w < 21.6 && g->power_limit_w > 299.9 && g->power_limit_w < 300.1 && g->power_default_w > 349 && g->power_max_w > 365,
		"power: the managed limit before the enforced one");
	ok(g->pcie_gen == 1 && g->pcie_gen_max == 4 && g->pcie_lanes == 8 && g->pcie_lanes_max == 16, "PCIe now and at most");
	ok(g->ecc == 1 && h->ecc == 2, "ECC off and on");
	ok(g->nvlinks == 4 && g->n_nvlink_to == 1 && g->nvlink_to[0].peer == 1 && g->nvlink_to[0].links == 4, "four links to the other card");
	ok(h->n_nvlink_to == 1 && h->nvlink_to[0].peer == 0, "and back");
	is_u64((uint64_t)g->nvlink_each_way_bps, 14062000000, "the lines are slower than version 3.1 can be: they count");
	is_u64(g->n_processes, 3, "processes: one of the lists, one of both, one of the other");
	ok(g->process[0].pid == 4242 && g->process[0].bytes == 900 * MIB && g->process[1].pid == 4243 && g->process[1].bytes == 61 * MIB &&
		g->process[2].pid == 4244 && g->process[2].bytes == 40 * MIB, "with what they hold");
	is_str(g->process[0].name, "llama-server", "without folders and arguments");
	ok(h->n_processes == 0 && !h->more_processes, "none on the other");
	ok(p->seconds[PROBE_NVML] > 0 && p->seconds[PROBE_CUDA] > 0, "what both took");
	p = probe_libraries(a, NULL, NULL, 0);
#ifndef __aarch64__
	ok(p->seconds[PROBE_CUDA] <= 0 && p->gpu[0].units == 82 && !differs(g, &p->gpu[0]), "CUDA is not asked when NVML said all, and nothing is missing");
#endif
}

/* A copy of the library in which a symbol has another name: the loader does not find it, as in an older driver. */
static const char *without(struct arena *a, const char *library, const char *symbol)
{
	static unsigned n_copies;
	size_t n, len = strlen(symbol), hits = 0;
	char *bytes, *path = arena_printf(a, "%s/copy%u.so", tmp, n_copies++);
	FILE *f;

	if (!path || file_read(&bytes, &n, a, library, 1 << 24, NULL) != OK)
		return NULL;
	for (size_t i = 1; i + len < n; i++)
		if (!bytes[i - 1] && !memcmp(bytes + i, symbol, len + 1)) {
			bytes[i] = 'X';
			hits++;
		}
	if (!hits || !(f = fopen(path, "wb")))
		return NULL;
	n = fwrite(bytes, 1, n, f) == n;
	return fclose(f) || !n ? NULL : path;
}

/* Without any one function: whoever is required takes NVML away (CUDA remains), any other takes only what it says. */
static void missing_nvml(struct arena *a)
{
	/* what may be lost with a function, as the first field of differs(); NULL: nothing, another says the same.
	 * SMs are counted by the compute capability. */
	static const struct { uint8_t call; const char *field; } loses[] = {
		{ NVML_DRIVER_VERSION, "driver" }, { NVML_PCI, NULL }, { NVML_NAME, "name" }, { NVML_UUID, "uuid" }, { NVML_MEMORY_V2, "used" },
		{ NVML_CAPABILITY, "units" }, { NVML_CORES, "units" }, { NVML_CLOCK, "mhz" }, { NVML_CLOCK_MAX, "mhz_max" },
		{ NVML_BUS_WIDTH, "bus_bits" }, { NVML_POWER, "power_w" }, { NVML_POWER_LIMIT, "power_limit_w" }, { NVML_POWER_DEFAULT, "power_default_w" },
		{ NVML_POWER_RANGE, "power_max_w" }, { NVML_PCIE_GEN, "pcie_gen" }, { NVML_PCIE_GEN_MAX, "pcie_gen_max" }, { NVML_PCIE_WIDTH, "pcie_lanes" },
		{ NVML_PCIE_WIDTH_MAX, "pcie_lanes_max" }, { NVML_ECC, "ecc" }, { NVML_LINK_STATE, "nvlinks" }, { NVML_FIELD, "nvlink_each_way_bps" },
		{ NVML_PROCESS_NAME, "process[i].name" },
	};
	unsigned kept = 0;

	fakes("", "", NULL);
	const struct probed *full = probe_libraries(a, NULL, "", 0);
	for (unsigned c = 0; c < NVML_CALLS; c++) {
		const char *path = without(a, nvml_so, nvml_calls[c].name), *field = NULL, *want = NULL;

		if (!path) {
			ok(0, "%s is in the fake library", nvml_calls[c].name);
			continue;
		}
		if (nvml_calls[c].fallback && nvml_calls[c].required) {      /* the older name is there: nothing changes */
			const struct probed *p = probe_libraries(a, path, "", 0);
			ok(p->n_gpus == 2 && !differs(&full->gpu[0], &p->gpu[0]), "%s: %s does", nvml_calls[c].name, nvml_calls[c].fallback);
			path = without(a, path, nvml_calls[c].fallback);
		}
		const struct probed *p = probe_libraries(a, path, nvml_calls[c].required ? NULL : "", 0);
		if (nvml_calls[c].required) {
			ok(p->n_gpus == 2 && p->gpu[0].from == PROBE_CUDA && p->gpu[0].total == 24240 * MIB && p->gpu[0].free_unknown,
				"without %s NVML is not used, CUDA is", nvml_calls[c].name);
			continue;
		}
		for (unsigned i = 0; i < sizeof loses / sizeof *loses; i++)
			if (loses[i].call == c)
				want = loses[i].field;
		field = p->n_gpus == 2 ? differs(&full->gpu[0], &p->gpu[0]) : "n_gpus";
		/* only the first difference is told: those that depend on it are behind it */
		ok(same_text(field, want), "without %s: %s is lost%s%s", nvml_calls[c].name, want ? want : "nothing", field && !same_text(field, want) ? ", not " : "",
			field && !same_text(field, want) ? field : "");
		kept += p->n_gpus == 2;
	}
	is_u64(kept, NVML_CALLS - 3u, "no optional function takes the vendor away");
	const struct probed *p = probe_libraries(a, without(a, without(a, nvml_so, "nvmlDeviceGetPciInfo_v3"), "nvmlDeviceGetPciInfo_v2"), NULL, 1);
	ok(p->n_gpus == 2 && !p->gpu[0].pci && !strcmp(p->gpu[1].name, "NVIDIA GeForce RTX 3090") && p->gpu[1].units == 82 && p->gpu[1].state == GPU_OK,
		"without a bus address devices are still told from each other, by UUID");
	is_u64(p->gpu[0].n_nvlink_to, 0, "but not whom a link goes to");
}

static void missing_cuda(struct arena *a)
{
	const struct probed *full;

	fakes("init=9", "", NULL);
	full = probe_libraries(a, NULL, NULL, 0);
	for (unsigned c = CUDA_INIT; c < CUDA_CALLS; c++) {
		const char *path = without(a, cuda_so, cuda_calls[c].name);
		const struct probed *p = path ? probe_libraries(a, NULL, path, 0) : NULL;
		const char *field = p && p->n_gpus == 2 ? differs(&full->gpu[0], &p->gpu[0]) : NULL;

		if (!p || cuda_calls[c].required)
			ok(p && p->n_gpus == 0, "without %s CUDA is not used", cuda_calls[c].name);
		else
			ok(p->n_gpus == 2 && (c == CUDA_VERSION ? !p->cuda_version && !field : c == CUDA_UUID ? !field : field != NULL), "without %s: %s is lost",
				cuda_calls[c].name, field ? field : "nothing of the card");
	}
}

static void versions(struct arena *a)
{
	const char *v2 = without(a, without(a, nvml_so, "nvmlDeviceGetComputeRunningProcesses_v3"), "nvmlDeviceGetGraphicsRunningProcesses_v3");
	const char *v1 = without(a, without(a, v2, "nvmlDeviceGetComputeRunningProcesses_v2"), "nvmlDeviceGetGraphicsRunningProcesses_v2");
	const char *v0 = without(a, without(a, v1, "nvmlDeviceGetComputeRunningProcesses"), "nvmlDeviceGetGraphicsRunningProcesses");
	const char *old = without(a, nvml_so, "nvmlDeviceGetMemoryInfo_v2");

	fakes("", "", NULL);
	const struct probed_gpu *full = &probe_libraries(a, NULL, "", 0)->gpu[0];
	ok(!differs(full, &probe_libraries(a, v2, "", 0)->gpu[0]), "processes of version 2: 24 bytes an entry");
	ok(!differs(full, &probe_libraries(a, v1, "", 0)->gpu[0]), "processes of version 1: 16 bytes an entry");
	ok(probe_libraries(a, v0, "", 0)->gpu[0].n_processes == 0, "none of them");
	const struct probed_gpu *g = &probe_libraries(a, old, "", 0)->gpu[0];
	ok(g->total == 24576 * MIB && g->free == 23276 * MIB && g->used == 1300 * MIB && !g->reserved, "memory of version 1: what is reserved is used");
	fakes("cc", "", NULL);
	ok(!differs(full, &probe_libraries(a, NULL, "", 0)->gpu[0]), "processes of version 3 with 32 bytes an entry (R535)");
	fakes("wddm", "", NULL);
	g = &probe_libraries(a, NULL, "", 0)->gpu[0];
	ok(g->n_processes == 3 && g->process[0].bytes == 0 && g->process[0].name, "a process of which the driver does not say what it holds");
	fakes("many", "", NULL);
	g = &probe_libraries(a, NULL, "", 0)->gpu[0];
	ok(g->n_processes == PROBE_PROCESSES && g->more_processes > 20, "more processes than there is room for: %u more", (unsigned)g->more_processes);
	fakes("slow", "", NULL);
	is_u64((uint64_t)probe_libraries(a, NULL, "", 0)->gpu[1].nvlink_each_way_bps, 7031000000, "slow links");
	fakes("scramble", "", NULL);
	is_str(probe_libraries(a, NULL, "", 0)->gpu[0].bus, "ffffffff:ffff:00.0", "an address that no card has is still text");
}

static void faults(struct arena *a)
{
	const struct probed *p;

	fakes("lost", "", NULL);
	p = probe_libraries(a, NULL, NULL, 0);
	ok(p->n_gpus == 2 && p->gpu[0].state == GPU_OK && p->gpu[0].total && p->gpu[1].state == GPU_LOST, "one card is lost, the other stays");
	ok(p->gpu[1].why && strstr(p->gpu[1].why, "GPU is lost") && noted(p, "device 1"), "and why: %s", p->gpu[1].why ? p->gpu[1].why : "(null)");
	fakes("late", "", NULL);
	p = probe_libraries(a, NULL, NULL, 0);
	ok(p->n_gpus == 2 && p->gpu[1].state == GPU_LOST && !strcmp(p->gpu[1].bus, "0001:a2:00.0") && strstr(p->gpu[1].why, "nvmlDeviceGetName") &&
		!p->gpu[1].total && p->gpu[0].nvlinks == 4, "lost between two questions: %s", p->gpu[1].why ? p->gpu[1].why : "(null)");
	fakes("denied", "", NULL);
	p = probe_libraries(a, NULL, "", 0);
	ok(p->n_gpus == 2 && p->gpu[1].state == GPU_UNREADABLE && strstr(p->gpu[1].why, "Permission"), "not permitted: %s", p->gpu[1].why ? p->gpu[1].why : "(null)");
	fakes("none", "init=100", NULL);
	p = probe_libraries(a, NULL, NULL, 0);
	ok(p->n_gpus == 0 && noted(p, "no device"), "no device");

	fakes("init=18", "", NULL);
	p = probe_libraries(a, NULL, NULL, 0);
	ok(noted(p, "version mismatch (code 18)") && p->n_gpus == 2 && p->gpu[0].from == PROBE_CUDA, "the library does not fit the driver: CUDA is asked");
	ok(p->gpu[0].total == 24240 * MIB && p->gpu[0].free_unknown && !p->gpu[0].free && p->gpu[0].units == 82 && p->gpu[0].compute_capability == 86 &&
		p->gpu[0].bus_bits == 384 && p->gpu[0].mhz_max == 2100 && p->gpu[0].memory_mhz_max == 9751 && !strcmp(p->gpu[1].bus, "0001:a2:00.0") &&
		!strcmp(p->gpu[1].uuid, "GPU-00000000-0000-0000-0000-000000000100") && p->cuda_version == 12080, "what CUDA knows by itself");
	fakes("init=18", "init=803", NULL);
	p = probe_libraries(a, NULL, NULL, 0);
	ok(p->n_gpus == 0 && noted(p, "code 18") && noted(p, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"), "neither works: both say why");
	fakes("", "init=999", NULL);
	p = probe_libraries(a, NULL, NULL, 1);
	ok(p->n_gpus == 2 && p->gpu[0].state == GPU_OK && noted(p, "CUDA_ERROR_UNKNOWN (cuInit: code 999)"), "NVML works, CUDA does not");
	fakes("", "", NULL);
	p = probe_libraries(a, NULL, "", 1);
	ok(p->n_gpus == 2 && noted(p, "there is no CUDA driver"), "NVML alone");
	p = probe_libraries(a, "", "", 0);
	ok(p->n_gpus == 0 && (p->n_notes == 0 || noted(p, "NVIDIA driver is loaded")), "no library at all");
	ok(probe_libraries(a, "", NULL, 0)->n_gpus == 2, "CUDA alone");

	fakes("", "other", NULL);
	p = probe_libraries(a, NULL, NULL, 1);
	is_u64(p->n_conflicts, 3, "CUDA describes another card at this address");
	ok(strstr(p->conflict[0].what, "compute capability of GPU 0000:a1:00.0") && strstr(p->conflict[1].what, "name") && strstr(p->conflict[2].what, "memory") &&
		p->conflict[2].a == PROBE_NVML && p->conflict[2].b == PROBE_CUDA && strstr(p->conflict[2].value_b, "11.7 GiB"), "each is told: %s", p->conflict[2].value_b);
	ok(p->gpu[0].total == 24576 * MIB, "NVML's memory is used");
	fakes("unified", "unified", NULL);
	p = probe_libraries(a, NULL, NULL, 0);
	ok(p->n_gpus == 2 && p->gpu[0].unified && p->gpu[0].total == 122880 * MIB && p->gpu[0].memory_from == PROBE_CUDA && p->gpu[0].free_unknown,
		"a chip that shares the host's memory: CUDA says how much");
	p = probe_libraries(a, NULL, "", 0);
	ok(!p->gpu[0].total && !p->gpu[0].unified && p->gpu[0].state == GPU_OK, "without CUDA it is unknown, and nothing is made up");
}

static void visible(struct arena *a)
{
	const struct probed *p;

	fakes("", "", "1");
	p = probe_libraries(a, NULL, NULL, 0);
	ok(p->gpu[0].state == GPU_HIDDEN && p->gpu[1].state == GPU_OK && strstr(p->gpu[0].why, "CUDA_VISIBLE_DEVICES=1"), "one card is hidden: %s", p->gpu[0].why);
	ok(p->gpu[0].total == 24576 * MIB, "and known all the same");
	fakes("", "", "1,0");
	p = probe_libraries(a, NULL, NULL, 0);
	ok(p->gpu[0].state == GPU_OK && p->gpu[1].state == GPU_OK && !strcmp(p->gpu[0].bus, "0000:a1:00.0"), "another order hides nobody");
	fakes("", "", "");
	p = probe_libraries(a, NULL, NULL, 0);
	ok(p->gpu[0].state == GPU_HIDDEN && p->gpu[1].state == GPU_HIDDEN, "an empty list hides all");
	fakes("mig", "mig", NULL);
	p = probe_libraries(a, NULL, NULL, 1);
	is_u64(p->n_gpus, 4, "two slices stand behind their card");
	ok(p->gpu[1].state == GPU_HIDDEN && strstr(p->gpu[1].why, "2 slices") && p->gpu[1].total == 24576 * MIB && !p->gpu[1].mig, "the card: %s", p->gpu[1].why);
	ok(p->gpu[2].mig && p->gpu[2].state == GPU_OK && p->gpu[2].total == 6144 * MIB && p->gpu[2].units == 20 && p->gpu[2].compute_capability == 86 &&
		!strcmp(p->gpu[2].mig_profile, "2g.6gb") && !strcmp(p->gpu[2].bus, "0001:a2:00.0") && p->gpu[2].pci == p->gpu[1].pci && !p->gpu[2].bus_bits, "a slice");
	ok(p->gpu[3].mig && p->gpu[3].state == GPU_OK && p->gpu[3].total == 3072 * MIB && p->gpu[3].units == 10, "one that CUDA would not take by itself");
	ok(noted(p, "one MIG slice a process") && p->n_conflicts == 0, "which is noted, and no conflict");
	fakes("mig", "mig", "MIG-00000000-0000-0000-0000-000000000102");
	p = probe_libraries(a, NULL, NULL, 0);
	ok(p->gpu[0].state == GPU_HIDDEN && p->gpu[2].state == GPU_HIDDEN && p->gpu[3].state == GPU_OK && p->gpu[3].units == 10, "a chosen slice hides all else");
	p = probe_libraries(a, NULL, without(a, without(a, cuda_so, "cuDeviceGetUuid_v2"), "cuDeviceGetUuid"), 0);
	ok(p->n_gpus == 4 && p->gpu[0].state == GPU_HIDDEN && p->gpu[2].state == GPU_OK && p->gpu[3].state == GPU_OK && p->n_conflicts == 0,
		"a driver that does not say which slice it shows: none of them is hidden, none is given its figures");
}

/* Recorded from the fakes and replayed: the same machine. */
static void round_trip(struct arena *a, const char *nvml, const char *cuda, const char *var, unsigned i)
{
	const char *const n[] = { nvml_so, NULL }, *const c[] = { cuda_so, NULL };
	const char *folder = arena_printf(a, "%s/record%u", tmp, i), *why = NULL;
	struct probe_input in = { .a = a, .record = folder }, back = { .a = a, .replay = folder };
	struct probed *live = arena_alloc(a, sizeof *live), *p = arena_alloc(a, sizeof *p);

	mkdir(folder, 0700);
	fakes(nvml, cuda, var);
	probe_nvidia_with(live, &in, n, c);
	fakes("none", "init=1", NULL);
	probe_nvidia_with(p, &back, n, c);
	for (uint32_t k = 0; k < live->n_gpus && k < p->n_gpus && !why; k++)
		why = differs(&live->gpu[k], &p->gpu[k]);
	ok(p->n_gpus == live->n_gpus && !why && live->n_notes == p->n_notes && live->n_conflicts == p->n_conflicts && p->cuda_version == live->cuda_version,
		"recorded and replayed: \"%s\" \"%s\"%s%s", nvml, cuda, why ? " differ in " : "", why ? why : "");
	for (uint32_t k = 0; k < live->n_notes && k < p->n_notes; k++)
		is_str(p->note[k], live->note[k], "the same note");
	if (i == 0) {
		char *log = NULL;
		size_t size;
		ok(file_read(&log, &size, a, arena_printf(a, "%s/nvml.log", folder), 1 << 20, NULL) == OK && strstr(log,
			"\nnvmlDeviceGetMemoryInfo_v2(1) = 0 total=25769803776 reserved=314572800 free=24406654976 used=1048576000\n") && !strstr(log, "secret"),
			"the recording can be read, and no command line is in it");
	}
}

static void clear(const char *folder)
{
	struct dirent *e;
	DIR *d = opendir(folder);

	while (d && (e = readdir(d))) {
		char path[512];
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
		if (remove(path))
			clear(path);
	}
	if (d)
		closedir(d);
	rmdir(folder);
}

int main(void)
{
	struct arena a = { 0 };
	const char *b = getenv("B");

	snprintf(nvml_so, sizeof nvml_so, "%s/tests/fake/nvml.so", b ? b : "build");
	snprintf(cuda_so, sizeof cuda_so, "%s/tests/fake/cuda.so", b ? b : "build");
	if (!mkdtemp(tmp)) {
		ok(0, "a folder for temporary files");
		return done_testing();
	}
	whole(&a);
	missing_nvml(&a);
	missing_cuda(&a);
	versions(&a);
	faults(&a);
	visible(&a);
	round_trip(&a, "", "", NULL, 0);
	round_trip(&a, "lost cc", "", "0", 1);
	round_trip(&a, "mig many", "mig", NULL, 2);
	round_trip(&a, "init=9", "init=100", "", 3);
	round_trip(&a, "unified wddm", "unified", NULL, 4);
	round_trip(&a, "late slow", "other", NULL, 5);
	clear(tmp);
	arena_free(&a);
	return done_testing();
}
