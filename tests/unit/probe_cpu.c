/* probe_cpu.c - processors: /proc/cpuinfo of several architectures, /sys of small and large machines, limits, memory channels */
#include "base/units.h"
#include "probe/probe.h"
#include "probe/probe_host.h"

#include "../recording.h"
#include "../tap.h"

#include <sys/stat.h>

static struct arena arena;
static struct probed p;
static struct cpu_text t;
static struct probed_cpu *const cpu = &p.cpu;

#define HAS(what) (cpu->isa >> (what) & 1)

static void probe(const char *replay)
{
	struct probe_input in = { .a = &arena, .replay = replay };

	p = (struct probed){ .n_gpus = 0 };
	probe_cpu(&p, &in);
}

static void replay(void)
{
	probe(arena_printf(&arena, "%s/%u", recording_top, recording_n));
}

static void test_cpuinfo(void)
{
	cpu_text_read(&t, "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC 7543 32-Core Processor  \nphysical id\t: 0\ncore id\t\t: 0\n"
		"flags\t\t: fpu lm avx avx2 fma f16c hypervisor\n\nprocessor\t: 1\nphysical id\t: 0\ncore id\t\t: 0\nflags\t\t: fpu lm avx avx2\n\n"
		"processor\t: 2\nphysical id\t: 1\ncore id\t\t: 0\n");
	is_str(t.name, "AMD EPYC 7543 32-Core Processor", "the name, without blanks behind");
	ok(t.vendor == VENDOR_AMD && t.threads == 3 && t.cores == 2 && t.packages == 2 && !strcmp(t.arch, "x86_64"), "two cores in two packages");
	ok(t.isa_known && t.isa == (UINT64_C(1) << ISA_AVX | UINT64_C(1) << ISA_AVX2) && t.hypervisor, "what all processors have");
	cpu_text_read(&t, "processor\t: 0\nBogoMIPS\t: 108.00\nFeatures\t: fp asimd crc32 cpuid\nCPU implementer\t: 0x41\nCPU architecture: 8\n"
		"CPU part\t: 0xd08\n\nprocessor\t: 1\nCPU implementer\t: 0x41\nCPU part\t: 0xd08\n\nSerial\t\t: 10000000abcd\nModel\t\t: Raspberry Pi 4 Model B Rev 1.1\n");
	is_str(t.name, "Arm Cortex-A72", "an Arm core by its number");
	is_str(t.system, "Raspberry Pi 4 Model B Rev 1.1", "and the board");
	ok(t.threads == 2 && t.cores == 2 && !t.packages && !strcmp(t.arch, "aarch64") && t.isa == UINT64_C(1) << ISA_NEON, "counts");
	cpu_text_read(&t, "processor : 0\nCPU implementer : 0x99\nCPU part : 0x123\n");
	is_str(t.name, "part 0x123", "a core of nobody's");
	cpu_text_read(&t, "processor\t: 0\ncpu\t\t: POWER9, altivec supported\nclock\t\t: 2300MHz\n");
	is_str(t.name, "POWER9, altivec supported", "POWER");
	ok(!t.arch && !t.isa_known && t.vendor == VENDOR_OTHER, "of which nothing else is known");
	cpu_text_read(&t, "vendor_id : GenuineIntel\ncpu family : 6\nprocessor : 0\nflags : fpu\n");
	ok(!*t.name && t.vendor == VENDOR_INTEL && !strcmp(t.arch, "i686"), "the family is no name; no long mode");
	cpu_text_read(&t, "");
	ok(!*t.name && !t.threads && !t.cores && !t.isa_known, "nothing");
	char big[8192] = "model name : ";
	memset(big + 13, 'x', sizeof big - 14);
	cpu_text_read(&t, big);
	ok(strlen(t.name) == sizeof t.name - 1, "a name that is cut");
}

static void test_small(void)
{
	recording_new(&arena);
	replay();
	ok(!cpu->name && !cpu->threads && !cpu->threads_allowed && !cpu->isa_known && cpu->topology_from == PROBE_NONE, "nothing there, nothing known");
	recording_put("root/proc/cpuinfo", "processor : 0\nmodel name : X\n\nprocessor : 1\n");
	recording_put("root/proc/self/status", "Name: x\nCpus_allowed:\tff\nCpus_allowed_list:\t0-7\n");
	replay();
	ok(cpu->packages == 1 && cpu->cores == 2 && cpu->threads == 2 && cpu->topology_from == PROBE_PROC, "/proc alone");
	recording_put("root/sys/devices/system/cpu/online", "0-3\n");
	recording_put("root/sys/devices/system/cpu/cpu0/topology/core_cpus_list", "0-1\n");
	recording_put("root/sys/devices/system/cpu/cpu2/topology/core_cpus_list", "2-3\n");
	recording_put("root/sys/devices/system/cpu/cpu0/topology/package_cpus_list", "0-3\n");
	recording_put("root/sys/devices/system/cpu/cpu0/cache/index0/level", "1\n");
	recording_put("root/sys/devices/system/cpu/cpu0/cache/index0/type", "Data\n");
	recording_put("root/sys/devices/system/cpu/cpu0/cache/index0/size", "48K\n");
	recording_put("root/sys/devices/system/cpu/cpu0/cache/index0/shared_cpu_list", "0-1\n");
	recording_put("root/sys/devices/system/cpu/cpu0/cache/index1/level", "1\n");
	recording_put("root/sys/devices/system/cpu/cpu0/cache/index1/type", "Instruction\n");
	recording_put("root/sys/devices/system/cpu/cpu0/cache/index1/size", "32K\n");
	recording_put("root/sys/devices/system/cpu/cpu0/cache/index2/level", "2\n");
	recording_put("root/sys/devices/system/cpu/cpu0/cache/index2/type", "Unified\n");
	recording_put("root/sys/devices/system/cpu/cpu0/cache/index2/size", "2M\n");
	recording_put("root/sys/devices/system/cpu/cpu0/cache/index2/shared_cpu_list", "0-3\n");
	replay();
	ok(cpu->packages == 1 && cpu->cores == 2 && cpu->threads == 4 && cpu->topology_from == PROBE_SYS, "/sys says more");
	ok(cpu->cache[0].count == 1 && cpu->cache[0].bytes == 48 * KIB && cpu->cache[1].count == 1 && cpu->cache[1].bytes == 2 * MIB, "caches");
	is_u64(cpu->threads_allowed, 4, "allowed, of those that run");
	recording_put("root/proc/self/status", "Cpus_allowed_list:\t1-2\n");
	replay();
	is_u64(cpu->threads_allowed, 2, "pinned to two");

	recording_put("root/sys/class/dmi/id/sys_vendor", "QEMU\n");
	recording_put("root/sys/class/dmi/id/product_name", "Standard PC\n");
	replay();
	ok(cpu->virtual_machine && cpu->system && !strcmp(cpu->system, "QEMU Standard PC"), "a virtual machine by its maker");
	recording_put("root/sys/class/dmi/id/sys_vendor", "Amazon EC2\n");
	recording_put("root/sys/class/dmi/id/product_name", "m7g.metal\n");
	replay();
	ok(!cpu->virtual_machine, "EC2's metal is none");
	recording_put("root/sys/class/dmi/id/sys_vendor", "To Be Filled By O.E.M.\n");
	recording_put("root/sys/class/dmi/id/product_name", "Default string\n");
	recording_put("root/proc/device-tree/model", "Board 9");
	replay();
	is_str(cpu->system, "Board 9", "a board that was never named; the device tree is asked");
	recording_put("root/proc/self/cgroup", "0::/a/b\n");
	recording_put("root/sys/fs/cgroup/a/cpu.max", "150000 100000\n");
	recording_put("root/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
	replay();
	ok(cpu->cpu_limit > 1.49 && cpu->cpu_limit < 1.51, "a group above allows one and a half");
}

static void module(unsigned mc, const char *name, const char *where, const char *type, const char *mib)
{
	char path[160];

	snprintf(path, sizeof path, "root/sys/devices/system/edac/mc/mc%u/%s/dimm_location", mc, name);
	recording_put(path, where);
	snprintf(path, sizeof path, "root/sys/devices/system/edac/mc/mc%u/%s/dimm_mem_type", mc, name);
	recording_put(path, type);
	snprintf(path, sizeof path, "root/sys/devices/system/edac/mc/mc%u/%s/size", mc, name);
	recording_put(path, mib);
}

static void test_channels(void)
{
	recording_new(&arena);
	module(0, "dimm0", "channel 0 slot 0 \n", "Registered-DDR4\n", "16384\n");
	module(0, "dimm1", "channel 0 slot 1 \n", "Registered-DDR4\n", "16384\n");
	module(0, "dimm3", "channel 2 slot 0 \n", "Registered-DDR4\n", "16384\n");
	module(1, "dimm0", "channel 0 slot 0 \n", "Registered-DDR4\n", "16384\n");
	module(1, "dimm1", "channel 1 slot 0 \n", "Registered-DDR4\n", "0\n");
	module(1, "dimm2", "channel 2 slot 0 \n", "Non-volatile-RAM\n", "131072\n");
	replay();
	ok(cpu->channels == 3 && cpu->dimms == 4 && cpu->channels_from == PROBE_SYS && !cpu->mts && cpu->channel_bits == 64, "EDAC: three channels with memory");
	is_str(cpu->memory_type, "DDR4", "of DDR4");
	recording_new(&arena);
	module(0, "rank0", "csrow 0 channel 0 \n", "Unbuffered-DDR5\n", "16384\n");
	module(0, "rank1", "csrow 0 channel 1 \n", "Unbuffered-DDR5\n", "16384\n");
	module(0, "rank4", "csrow 2 channel 0 \n", "Unbuffered-DDR5\n", "16384\n");
	replay();
	ok(cpu->channels == 2 && !cpu->dimms, "ranks are no modules, but their channels count");
	module(1, "dimm0", "memory 0 \n", "Unknown\n", "16384\n");
	replay();
	is_u64(cpu->channels, 0, "one whose channel is not told: unknown");
	recording_put("root/sys/class/dmi/id/sys_vendor", "QEMU\n");
	replay();
	ok(cpu->virtual_machine && !cpu->dimms && !cpu->channels && !cpu->channel_bits, "a virtual machine's modules are made up");
}

/* EDAC and DMI disagree; and DMI alone, of two channels. */
static void test_dmi(void)
{
	struct probe_input in = { .a = &arena, .replay = NULL };
	char *table;
	size_t n;

	table = probe_text(&in, arena_printf(&arena, "%s/tests/fuzz/corpus/dmi/ddr5-two-channels", getcwd(arena_alloc(&arena, 4096), 4096)), &n);
	if (!table) {
		ok(0, "the corpus has a table");
		return;
	}
	recording_new(&arena);
	recording_bytes("root/sys/firmware/dmi/tables/DMI", table, n);
	replay();
	ok(cpu->channels == 2 && cpu->dimms == 2 && cpu->mts == 4800 && cpu->channels_from == PROBE_DMI && cpu->channel_bits == 64, "DMI names two channels");
	is_str(cpu->memory_type, "DDR5", "of DDR5");
	is_str(cpu->name, "AWS Graviton3", "a name that /proc/cpuinfo lacks");
	module(0, "dimm0", "channel 0 slot 0 \n", "Registered-DDR5\n", "65536\n");
	replay();
	ok(cpu->channels == 1 && cpu->channels_from == PROBE_SYS && p.n_conflicts == 1 && p.conflict[0].used == PROBE_SYS, "they disagree: both are kept");
}

/* What is recorded of a machine replays the same, and names nobody. */
static void test_recording(void)
{
	const char *from = recording_new(&arena);
	int failed = 0;
	struct probe_input in = { .a = &arena, .replay = from, .record_error = &failed };

	recording_put("root/proc/cpuinfo", "processor : 0\nCPU implementer : 0x41\nCPU part : 0xd0b\nSerial : 0123456789abcdef\n");
	recording_put("root/proc/self/status", "Name:\tsecret\nCpus_allowed_list:\t0\n");
	recording_put("root/proc/self/mountinfo", "1 0 0:1 / /home/secret rw - ext4 /dev/sda rw\n2 0 0:2 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n");
	recording_put("root/proc/self/cgroup", "0::/\n");
	in.record = recording_new(&arena);
	p = (struct probed){ .n_gpus = 0 };
	probe_cpu(&p, &in);
	struct probe_input back = { .a = &arena, .replay = in.record };
	const char *text = probe_text(&back, "/proc/cpuinfo", NULL);
	ok(text && strstr(text, "Serial : 0000000000000000\n") && strstr(text, "0xd0b"), "no serial number");
	is_str(probe_text(&back, "/proc/self/status", NULL), "Cpus_allowed_list:\t0\n", "nothing of the process");
	is_str(probe_text(&back, "/proc/self/mountinfo", NULL), "2 0 0:2 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n", "no other mounts");
	ok(failed == 0, "all was written");
	probe(in.record);
	ok(cpu->name && !strcmp(cpu->name, "Arm Cortex-A76") && cpu->threads_allowed == 1, "and it replays");
}

/* The counts are those that hwloc's tests expect of the same trees. */
static void test_machines(void)
{
	static const struct { const char *name; uint32_t packages, cores, threads, nodes, fast; const char *cpu, *system; } expect[] = {
		{ "server-2-socket", 2, 16, 32, 2, 0, "Intel(R) Xeon(R) Silver 4108 CPU @ 1.80GHz", "Supermicro SYS-4029GP-TRT2-1-NE010" },
		{ "server-old-dimms", 2, 16, 16, 2, 0, "Intel(R) Xeon(R) CPU E5-2680 0 @ 2.70GHz", "Dell DCS8000Z" },
		{ "server-numa-4", 4, 16, 16, 4, 0, "Quad-Core AMD Opteron(tm) Processor 8347 HE", "Supermicro H8QM8" },
		{ "hybrid-laptop", 1, 14, 20, 1, 6, "13th Gen Intel(R) Core(TM) i7-1370P", "HP EliteBook 840 14 inch G10 Notebook PC" },
		{ "arm-server", 2, 128, 128, 4, 0, "HiSilicon Kunpeng-920", "Huawei XA320 V2" },
		{ "gb10", 1, 20, 20, 1, 10, "Arm Cortex-A725 + Cortex-X925", "NVIDIA DGX Spark" },
	};

	for (unsigned i = 0; i < sizeof expect / sizeof *expect; i++) {
		probe(arena_printf(&arena, "tests/machines/%s", expect[i].name));
		ok(cpu->packages == expect[i].packages && cpu->cores == expect[i].cores && cpu->threads == expect[i].threads &&
			cpu->n_numa == expect[i].nodes && cpu->fast_cores == expect[i].fast && cpu->topology_from == PROBE_SYS && !cpu->virtual_machine &&
			!p.n_conflicts, "%s", expect[i].name);
		is_str(cpu->name, expect[i].cpu, "its processor");
		is_str(cpu->system, expect[i].system, "its maker's name");
	}
	probe("tests/machines/server-2-socket");
	ok(cpu->cache[0].count == 16 && cpu->cache[1].bytes == MIB && cpu->cache[2].count == 2 && cpu->cache[2].bytes == 11 * MIB && !cpu->cache[3].count,
		"caches of a server");
	ok(cpu->numa[0].node == 0 && cpu->numa[0].bytes == 47925628 * KIB && cpu->numa[1].threads == 16, "its nodes");
	ok(HAS(ISA_AVX512F) && HAS(ISA_AVX512VL) && !HAS(ISA_AVX512_VNNI) && !HAS(ISA_AMX_INT8), "its instructions");
	probe("tests/machines/server-old-dimms");
	ok(cpu->dimms == 8 && !cpu->channels && cpu->mts == 1600 && !strcmp(cpu->memory_type, "DDR3") && HAS(ISA_AVX) && !HAS(ISA_AVX2),
		"modules known, channels not");
	probe("tests/machines/hybrid-laptop");
	ok(cpu->cache[0].count == 14 && cpu->cache[0].bytes == 32 * KIB && cpu->cache[1].count == 8 && HAS(ISA_AVX_VNNI) && !HAS(ISA_AVX512F), "caches of unlike cores");
	probe("tests/machines/gb10");
	ok(HAS(ISA_NEON) && HAS(ISA_DOTPROD) && HAS(ISA_I8MM) && HAS(ISA_BF16) && HAS(ISA_SVE2) && !HAS(ISA_SME) && !strcmp(cpu->arch, "aarch64"), "Arm's instructions");
	probe("tests/machines/container-cgroup-v1");
	ok(cpu->cores == 16 && cpu->threads == 32 && cpu->threads_allowed == 8 && cpu->cpu_limit > 2.49 && cpu->cpu_limit < 2.51 &&
		cpu->topology_from == PROBE_PROC, "a container on v1");
	probe("tests/machines/container-memory-limit");
	ok(cpu->threads_allowed == 32 && cpu->cpu_limit > 3.99 && cpu->cpu_limit < 4.01, "and on v2");
}

/* Every allocation fails once: nothing crashes, and the arena remembers. */
static void test_memory(void)
{
	static const char *const machines[] = { "tests/machines/server-old-dimms", "tests/machines/gb10", "tests/machines/container-cgroup-v1" };
	int n, failed = 1;

	for (unsigned i = 0; i < sizeof machines / sizeof *machines; i++) {
		for (n = 0, failed = 1; failed && n < 1000; n++) {
			struct arena a = { 0 };
			struct probe_input in = { .a = &a, .replay = machines[i] };
			p = (struct probed){ .n_gpus = 0 };
			arena_fail_after(n);
			probe_memory(&p, &in);
			probe_cpu(&p, &in);
			probe_hwloc(&p, &in);
			failed = a.failed;
			arena_free(&a);
		}
		arena_fail_after(-1);
		ok(n > 2 && !failed, "%s: %d allocations that fail", machines[i], n - 1);
	}
}

static void test_live(void)
{
	struct probe_input in = { .a = &arena };
	struct stat st;

	p = (struct probed){ .n_gpus = 0 };
	probe_cpu(&p, &in);
	if (stat("/proc/self/status", &st) == 0)
		ok(cpu->threads > 0 && cpu->cores > 0 && cpu->cores <= cpu->threads && cpu->threads_allowed > 0 && cpu->threads_allowed <= cpu->threads,
			"this machine: %u threads, %u allowed", (unsigned)cpu->threads, (unsigned)cpu->threads_allowed);
	else
		skip("no /proc", "this machine");
}

int main(void)
{
	test_cpuinfo();
	test_small();
	test_channels();
	test_dmi();
	test_recording();
	test_machines();
	test_memory();
	test_live();
	ok(!arena.failed, "memory sufficed");
	recording_end();
	arena_free(&arena);
	return done_testing();
}
