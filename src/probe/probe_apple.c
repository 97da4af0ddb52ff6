/* probe_apple.c - Macs: sysctl and Metal
 *
 * Both are text to the parser: sysctl.txt as `sysctl -a` prints it ("hw.memsize: 206158430208"), metal.txt as probe_metal.h lists it, with two
 * lines more from the kernel: host.free_bytes and host.inactive_bytes. On macOS the text is made here; everywhere else it comes from a recording.
 *
 * Available memory means what MemAvailable means on Linux: free pages, and those that the kernel can drop without writing them anywhere: of
 * files (page_pageable_external_count) and purgeable ones. That is what Activity Monitor's "memory used" leaves (app memory without purgeable,
 * wired and compressed). vm.page_free_count does not count speculative pages, which are files' pages. Where a recording has no such lines, free
 * plus inactive pages are taken as psutil does (psutil/arch/osx/mem.c): that is more, for inactive pages of programs have to be compressed
 * first. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE 1
#endif
#include "probe/probe.h"

#include "base/str.h"
#include "base/units.h"
#include "probe/proc_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef __APPLE__
#include "probe/probe_metal.h"
#include <mach/mach.h>
#include <sys/sysctl.h>
#endif

static const struct { const char *key; uint8_t isa; } features[] = {
	{ "hw.optional.neon", ISA_NEON }, { "hw.optional.arm.FEAT_DotProd", ISA_DOTPROD }, { "hw.optional.arm.FEAT_I8MM", ISA_I8MM },
	{ "hw.optional.arm.FEAT_BF16", ISA_BF16 }, { "hw.optional.arm.FEAT_FP16", ISA_FP16 }, { "hw.optional.arm.FEAT_SME", ISA_SME },
};

#ifdef __APPLE__
/* What is asked for; perflevel0 are the fast cores. */
static const char *const keys[] = {
	"hw.memsize", "hw.model", "hw.physicalcpu", "hw.logicalcpu", "hw.nperflevels", "hw.perflevel0.physicalcpu", "hw.perflevel0.l1dcachesize",
	"hw.perflevel0.l2cachesize", "hw.l1dcachesize", "hw.l2cachesize", "hw.optional.arm64", "hw.optional.neon", "hw.optional.arm.FEAT_DotProd",
	"hw.optional.arm.FEAT_I8MM", "hw.optional.arm.FEAT_BF16", "hw.optional.arm.FEAT_FP16", "hw.optional.arm.FEAT_SME", "machdep.cpu.brand_string",
	"machdep.cpu.vendor", "kern.osproductversion", "kern.hv_vmm_present", "iogpu.wired_limit_mb", "hw.perflevel0.cpusperl2", "hw.pagesize",
	"vm.page_free_count", "vm.page_pageable_external_count", "vm.page_purgeable_count",
};

static void one_key(char *buf, size_t n, size_t *at, const char *key)
{
	union { int32_t i; int64_t l; char s[256]; } v;
	size_t len = sizeof v;
	int k;

	memset(&v, 0, sizeof v);
	if (sysctlbyname(key, &v, &len, NULL, 0) || !len)
		return;
	if (len == sizeof v.i)
		k = snprintf(buf + *at, n - *at, "%s: %d\n", key, (int)v.i);
	else if (len == sizeof v.l && strcmp(key, "hw.model") && strncmp(key, "machdep.", 8) && strncmp(key, "kern.", 5))
		k = snprintf(buf + *at, n - *at, "%s: %lld\n", key, (long long)v.l);
	else
		k = snprintf(buf + *at, n - *at, "%s: %.*s\n", key, (int)sizeof v.s - 1, v.s);
	if (k > 0 && (size_t)k < n - *at)
		*at += (size_t)k;
	else
		buf[*at] = '\0';
}

static void host_pages(char *buf, size_t n, size_t at)
{
	mach_msg_type_number_t count = HOST_VM_INFO64_COUNT;
	mach_port_t host = mach_host_self();
	vm_statistics64_data_t v;
	vm_size_t page = 0;

	if (host_page_size(host, &page) == KERN_SUCCESS && host_statistics64(host, HOST_VM_INFO64, (host_info64_t)&v, &count) == KERN_SUCCESS)
		snprintf(buf + at, n - at, "host.free_bytes: %llu\nhost.inactive_bytes: %llu\n",
			(unsigned long long)v.free_count * page, (unsigned long long)v.inactive_count * page);
}
#endif

/* The two texts, live or recorded; NULL: this is no Mac. */
static void texts(const char **sysctl, const char **metal, const struct probe_input *in)
{
	*sysctl = *metal = NULL;
	if (in->replay) {
		*sysctl = probe_recorded(in, "sysctl.txt");
		*metal = probe_recorded(in, "metal.txt");
		return;
	}
#ifdef __APPLE__
	enum { ROOM = 8192 };
	char *a = arena_alloc(in->a, ROOM), *b = arena_alloc(in->a, ROOM);
	size_t at = 0;
	if (!a || !b)
		return;
	for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++)
		one_key(a, ROOM, &at, keys[i]);
	at = probe_metal_text(b, ROOM / 2);
	host_pages(b, ROOM, at);
	probe_keep(in, "sysctl.txt", a);
	probe_keep(in, "metal.txt", b);
	*sysctl = a;
	*metal = b;
#endif
}

static uint64_t number(const char *text, const char *key)
{
	uint64_t v;

	return text && !proc_number(&v, proc_field(text, key)) ? v : 0;
}

static uint32_t small_number(const char *text, const char *key)
{
	uint64_t v = number(text, key);

	return v > 65535 ? 0 : (uint32_t)v;
}

static const char *word(const struct probe_input *in, const char *text, const char *key)
{
	const char *p = text ? proc_field(text, key) : NULL;
	size_t n = p ? proc_length(p) : 0;

	return n ? arena_strndup(in->a, p, n < 200 ? n : 200) : NULL;
}

static void read_cpu(struct probed_cpu *cpu, const struct probe_input *in, const char *s)
{
	cpu->name = word(in, s, "machdep.cpu.brand_string");
	cpu->vendor = VENDOR_APPLE;
	cpu->arch = "aarch64";
	cpu->packages = 1;
	cpu->cores = small_number(s, "hw.physicalcpu");
	cpu->threads = small_number(s, "hw.logicalcpu");
	if (number(s, "hw.nperflevels") > 1)
		cpu->fast_cores = small_number(s, "hw.perflevel0.physicalcpu");
	for (unsigned i = 0; i < sizeof features / sizeof *features; i++)
		if (number(s, features[i].key))
			cpu->isa |= UINT64_C(1) << features[i].isa;
	/* macOS 11 has no such keys: what an M1 has would be taken for missing */
	cpu->isa_known = strstr(s, "hw.optional.arm.FEAT_") != NULL;
	cpu->virtual_machine = number(s, "kern.hv_vmm_present") == 1;
	/* those of the fast cores */
	cpu->cache[0].bytes = number(s, "hw.perflevel0.l1dcachesize") ? number(s, "hw.perflevel0.l1dcachesize") : number(s, "hw.l1dcachesize");
	cpu->cache[0].count = cpu->cache[0].bytes ? cpu->fast_cores ? cpu->fast_cores : cpu->cores : 0;
	cpu->cache[1].bytes = number(s, "hw.perflevel0.l2cachesize") ? number(s, "hw.perflevel0.l2cachesize") : number(s, "hw.l2cachesize");
	uint32_t fast = cpu->fast_cores ? cpu->fast_cores : cpu->cores, share = small_number(s, "hw.perflevel0.cpusperl2");
	cpu->cache[1].count = !cpu->cache[1].bytes ? 0 : share ? (fast + share - 1) / share : 1;
	cpu->topology_from = PROBE_SYSCTL;
	cpu->system = word(in, s, "hw.model");
}

/* Bytes; 0: the lines are not there. */
static uint64_t droppable(const char *s)
{
	static const char *const pages[] = { "vm.page_free_count", "vm.page_pageable_external_count", "vm.page_purgeable_count" };
	uint64_t sum = 0, v;

	for (unsigned i = 0; i < sizeof pages / sizeof *pages; i++)
		if (proc_number(&v, proc_field(s, pages[i])) || u64_add(&sum, sum, v))
			return 0;
	return u64_mul(&v, sum, number(s, "hw.pagesize")) ? 0 : v;
}

static void read_memory(struct probed_memory *m, const char *s, const char *metal)
{
	uint64_t wired, free_bytes = number(metal, "host.free_bytes"), inactive = number(metal, "host.inactive_bytes"), most = number(metal, "recommendedMaxWorkingSetSize");

	m->total = number(s, "hw.memsize");
	m->from = PROBE_SYSCTL;
	if (!(m->available = droppable(s)) && free_bytes && !u64_add(&free_bytes, free_bytes, inactive))
		m->available = free_bytes;
	if (m->available > m->total)
		m->available = m->total;
	/* 0 is the default, by which the kernel chooses */
	if (!u64_mul(&wired, number(s, "iogpu.wired_limit_mb"), MIB) && wired) {
		m->gpu_limit = wired < m->total ? wired : m->total;
		m->gpu_limit_from = "iogpu.wired_limit_mb";
	} else if (most) {
		m->gpu_limit = most < m->total ? most : m->total;
		m->gpu_limit_from = "Metal recommendedMaxWorkingSetSize";
	}
}

void probe_apple(struct probed *out, const struct probe_input *in)
{
	struct timespec start, end;
	const char *s, *metal, *version;
	struct probed_gpu *g;

	clock_gettime(CLOCK_MONOTONIC, &start);
	texts(&s, &metal, in);
	if (!s || !number(s, "hw.memsize"))
		return;
	read_memory(&out->memory, s, metal);
	if ((version = word(in, s, "kern.osproductversion")))
		out->os = arena_printf(in->a, "macOS %s", version);
	if (!number(s, "hw.optional.arm64")) {
		out->cpu.name = word(in, s, "machdep.cpu.brand_string");
		out->cpu.vendor = VENDOR_INTEL;
		out->cpu.cores = small_number(s, "hw.physicalcpu");
		out->cpu.threads = small_number(s, "hw.logicalcpu");
		out->memory.gpu_limit = 0;
		probe_note(out, in, "a Mac with an Intel processor: its graphics are not counted");
	} else if ((g = probe_gpu_at(out, in, NULL))) {
		read_cpu(&out->cpu, in, s);
		g->vendor = VENDOR_APPLE;
		g->from = metal ? PROBE_METAL : PROBE_SYSCTL;
		g->unified = 1;
		g->name = word(in, metal, "name") ? word(in, metal, "name") : out->cpu.name;
		g->arch = word(in, metal, "family");
		g->units = small_number(metal, "gpu_core_count");
		if (!metal || !out->memory.gpu_limit)
			probe_note(out, in, "Metal does not say how much memory the GPU may use: the default for this machine is taken where it is known");
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	out->seconds[PROBE_METAL] += (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) * 1e-9;
}
