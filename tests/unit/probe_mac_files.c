/* probe_mac_files.c - Macs by what sysctl prints: memory that can be had, features that old systems do not list, virtual machines */
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

	recording_put("sysctl.txt", sysctl);
	if (metal)
		recording_put("metal.txt", metal);
	found = (struct probed){ .n_gpus = 0 };
	probe_apple(&found, &in);
}

/* From the output of sysctl -a on a MacBook Pro with an M2 Pro and 16 GB: OCSInventory-NG/UnixAgent issue 436. The issue cuts the purgeable pages
 * off; 42222 are those of a MacBook Air (archspec/archspec issue 95). */
#define M2_PRO "hw.memsize: 17179869184\nhw.physicalcpu: 10\nhw.logicalcpu: 10\nhw.nperflevels: 2\nhw.perflevel0.physicalcpu: 6\nhw.pagesize: 16384\n" \
	"hw.optional.arm64: 1\nhw.optional.neon: 1\nmachdep.cpu.brand_string: Apple M2 Pro\n"
#define PAGES "vm.page_free_count: 3025\nvm.page_speculative_count: 150\nvm.page_pageable_internal_count: 450876\nvm.page_pageable_external_count: 138574\n"
#define HOST "host.free_bytes: 52019200\nhost.inactive_bytes: 4800000000\n"

int main(void)
{
	const struct probed_memory *m = &found.memory;

	read_it(M2_PRO PAGES "vm.page_purgeable_count: 42222\n", HOST);
	is_u64(m->available, (UINT64_C(3025) + 138574 + 42222) * 16384, "free, files' and purgeable pages; pages of programs are in use");
	read_it(M2_PRO PAGES, HOST);
	is_u64(m->available, UINT64_C(4852019200), "without all three lines: free and inactive");
	read_it(M2_PRO "vm.page_free_count: 18446744073709551615\nvm.page_pageable_external_count: 1\nvm.page_purgeable_count: 1\n", NULL);
	ok(!m->available, "pages that overflow are unknown");
	read_it(M2_PRO "vm.page_free_count: 2000000\nvm.page_pageable_external_count: 1\nvm.page_purgeable_count: 1\n", NULL);
	is_u64(m->available, m->total, "never more than there is");
	ok(!found.cpu.isa_known && !found.cpu.virtual_machine, "macOS 11 lists no features of Arm: unknown");
	read_it(M2_PRO "hw.optional.arm.FEAT_DotProd: 1\nkern.hv_vmm_present: 1\n", NULL);
	ok(found.cpu.isa_known && found.cpu.virtual_machine, "features are listed; a virtual machine");
	read_it(M2_PRO "hw.perflevel0.l2cachesize: 16777216\nhw.perflevel0.cpusperl2: 4\n", NULL);
	ok(found.cpu.cache[1].bytes == 16 * MIB && found.cpu.cache[1].count == 2, "six fast cores, four to a cache: two of them");
	recording_end();
	arena_free(&arena);
	return done_testing();
}
