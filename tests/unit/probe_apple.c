/* probe_apple.c - Macs by what sysctl and Metal print */
#include "base/units.h"
#include "probe/probe.h"

#include "../recording.h"
#include "../tap.h"

static struct arena arena;
static struct probed found;

static void read_it(const char *sysctl, const char *metal)
{
	const char *folder = recording_new(&arena);
	struct probe_input in = { .a = &arena, .replay = folder };

	if (sysctl)
		recording_put("sysctl.txt", sysctl);
	if (metal)
		recording_put("metal.txt", metal);
	found = (struct probed){ 0 };
	probe_apple(&found, &in);
}

#define M2 "hw.memsize: 68719476736\nhw.model: Mac14,6\nhw.physicalcpu: 12\nhw.logicalcpu: 12\nhw.nperflevels: 2\nhw.perflevel0.physicalcpu: 8\n" \
	"hw.perflevel0.l1dcachesize: 131072\nhw.perflevel0.l2cachesize: 33554432\nhw.l1dcachesize: 65536\nhw.optional.arm64: 1\nhw.optional.neon: 1\n" \
	"hw.optional.arm.FEAT_DotProd: 1\nhw.optional.arm.FEAT_I8MM: 1\nhw.optional.arm.FEAT_SME: 0\nmachdep.cpu.brand_string: Apple M2 Max\n" \
	"kern.osproductversion: 15.5\n"
#define METAL "name: Apple M2 Max\nrecommendedMaxWorkingSetSize: 55662788608\nhasUnifiedMemory: 1\nfamily: Apple8\ngpu_core_count: 38\n" \
	"host.free_bytes: 41940702208\nhost.inactive_bytes: 12884901888\n"

int main(void)
{
	const struct probed_gpu *g = &found.gpu[0];

	read_it(M2 "iogpu.wired_limit_mb: 0\n", METAL);
	ok(found.memory.total == 64 * GIB && found.memory.available == 54825604096 && found.memory.from == PROBE_SYSCTL, "memory, free and inactive");
	ok(found.memory.gpu_limit == 55662788608 && !strcmp(found.memory.gpu_limit_from, "Metal recommendedMaxWorkingSetSize"), "what Metal lets the GPU use");
	ok(found.cpu.cores == 12 && found.cpu.threads == 12 && found.cpu.fast_cores == 8 && !strcmp(found.cpu.name, "Apple M2 Max"), "12 cores, 8 of them fast");
	ok(found.cpu.cache[0].bytes == 131072 && found.cpu.cache[1].bytes == 33554432, "caches of the fast cores");
	ok(found.cpu.isa == (UINT64_C(1) << ISA_NEON | UINT64_C(1) << ISA_DOTPROD | UINT64_C(1) << ISA_I8MM) && found.cpu.isa_known, "NEON, dotprod, i8mm; a 0 is none");
	ok(found.n_gpus == 1 && g->unified && g->vendor == VENDOR_APPLE && g->units == 38 && !strcmp(g->arch, "Apple8") && !g->bus, "one GPU of 38 cores that shares the memory");
	ok(found.os && !strcmp(found.os, "macOS 15.5") && !strcmp(found.cpu.system, "Mac14,6") && !found.n_notes, "names");
	read_it(M2 "iogpu.wired_limit_mb: 57344\n", METAL);
	ok(found.memory.gpu_limit == 57344 * MIB && !strcmp(found.memory.gpu_limit_from, "iogpu.wired_limit_mb"), "a limit that was raised");
	read_it(M2 "iogpu.wired_limit_mb: 18446744073709551615\n", METAL);
	ok(found.memory.gpu_limit == 55662788608, "a limit that overflows is none");
	read_it(M2 "iogpu.wired_limit_mb: 999999\n", METAL);
	ok(found.memory.gpu_limit == 64 * GIB, "a limit above the memory is the memory");
	read_it(M2, NULL);
	ok(found.n_gpus == 1 && !found.memory.gpu_limit && !found.memory.available && found.n_notes == 1 && !strcmp(g->name, "Apple M2 Max"), "without Metal the limit is unknown, and said so");
	read_it("hw.memsize: 17179869184\nhw.physicalcpu: 8\nhw.logicalcpu: 16\nmachdep.cpu.brand_string: Intel(R) Core(TM) i9-9880H CPU @ 2.30GHz\n", METAL);
	ok(found.n_gpus == 0 && found.cpu.vendor == VENDOR_INTEL && found.cpu.threads == 16 && found.n_notes == 1 && !found.memory.gpu_limit, "a Mac with an Intel processor");
	read_it(NULL, METAL);
	ok(!found.memory.total && !found.n_gpus, "no sysctl, no Mac");
	read_it("hw.memsize: lots\nhw.optional.arm64: 1\n", METAL);
	ok(!found.memory.total && !found.n_gpus, "a size that is no number");
	read_it("hw.memsize: 8589934592\nhw.optional.arm64: 1\nhw.physicalcpu: 99999999\n", "name:\nfamily:\ngpu_core_count: 4294967295\nhost.free_bytes: 18446744073709551615\nhost.inactive_bytes: 5\n");
	ok(found.memory.total == 8 * GIB && !found.cpu.cores && !g->units && !found.memory.available && !g->name && !g->arch, "counts that cannot be are unknown");
	recording_end();
	arena_free(&arena);
	return done_testing();
}
