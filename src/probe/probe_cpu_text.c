/* probe_cpu_text.c - /proc/cpuinfo: what the processors are called, count and can do
 *
 * Every architecture writes it in its own words (arch/ARCH/kernel/cpu/proc.c, cpuinfo.c or setup.c of Linux). */
#include "probe/probe_host.h"

#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CORES = 4096 };

/* x86: arch/x86/include/asm/cpufeatures.h; Arm: arch/arm64/kernel/cpuinfo.c (asimd is Advanced SIMD, which all but firmware call NEON;
 * asimdhp its half-precision arithmetic, asimddp its 8-bit dot products). */
static const struct { const char *word; uint8_t isa; } words[] = {
	{ "sse4_2", ISA_SSE42 }, { "avx", ISA_AVX }, { "f16c", ISA_F16C }, { "fma", ISA_FMA }, { "avx2", ISA_AVX2 },
	{ "avx_vnni", ISA_AVX_VNNI }, { "avx512f", ISA_AVX512F }, { "avx512bw", ISA_AVX512BW }, { "avx512vl", ISA_AVX512VL },
	{ "avx512_vnni", ISA_AVX512_VNNI }, { "avx512_bf16", ISA_AVX512_BF16 }, { "avx512_fp16", ISA_AVX512_FP16 },
	{ "amx_tile", ISA_AMX_TILE }, { "amx_int8", ISA_AMX_INT8 }, { "amx_bf16", ISA_AMX_BF16 },
	{ "asimd", ISA_NEON }, { "neon", ISA_NEON }, { "asimdhp", ISA_FP16 }, { "asimddp", ISA_DOTPROD }, { "bf16", ISA_BF16 },
	{ "i8mm", ISA_I8MM }, { "sve", ISA_SVE }, { "sve2", ISA_SVE2 }, { "sme", ISA_SME },
};

static uint64_t isa_bits(const char *flags)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
		if (proc_word(flags, words[i].word))
			bits |= UINT64_C(1) << words[i].isa;
	return bits;
}

/* The value behind "key\t: " when the line at p is of that key; NULL. */
static const char *value(const char *p, const char *key)
{
	size_t n = strlen(key);

	if (strncmp(p, key, n))
		return NULL;
	p += n;
	p += strspn(p, " \t");
	if (*p != ':')
		return NULL;
	return p + 1 + strspn(p + 1, " \t");
}

static const char *find_value(const char *text, const char *key)
{
	const char *v = NULL;

	for (const char *p = text; p && *p && !v; p = proc_next(p))
		v = value(p, key);
	return v;
}

static void copy_line(char *out, size_t n, const char *p)
{
	size_t len = proc_length(p);

	snprintf(out, n, "%.*s", (int)(len < n ? len : n - 1), p);
	str_clean(out);
}

static void add_kind(struct cpu_text *out, uint64_t processor, uint32_t implementer, uint32_t part)
{
	uint32_t i = 0;

	while (i < out->n_kinds && (out->kind[i].implementer != implementer || out->kind[i].part != part))
		i++;
	if (i == CPU_KINDS)
		return;
	if (i == out->n_kinds)
		out->kind[out->n_kinds++] = (struct cpu_kind){ implementer, part, { { 0 } } };
	if (processor < CPUS)
		cpu_set_add(&out->kind[i].cpus, (uint32_t)processor);
}

static void name_of_kinds(struct cpu_text *out)
{
	char list[120] = "";

	for (uint32_t i = 0; i < out->n_kinds; i++) {
		const struct cpu_kind *k = &out->kind[i];
		const char *name = arm_part_name(k->implementer, k->part);
		char number[32];
		size_t n = strlen(list);
		if (!name) {
			snprintf(number, sizeof number, "part 0x%03x", (unsigned)k->part);
			name = number;
		}
		snprintf(list + n, sizeof list - n, "%s%s", i ? " + " : "", name);
	}
	const char *maker = arm_maker_name(out->kind[0].implementer);
	snprintf(out->name, sizeof out->name, "%s%s%s", maker ? maker : "", maker ? " " : "", list);
}

/* --- what has to be put together from many lines --------------------------------------------------------------------------- */

struct reading {
	uint64_t seen[MAX_CORES], package_seen[MAX_CORES];
	uint64_t processor, package, implementer;
	const char *flags;                       /* of the last processor: mostly all say the same */
	size_t flags_n;
};

static uint32_t add_once(uint64_t *list, uint32_t n, uint64_t id)
{
	for (uint32_t i = n; i-- > 0;)           /* from the end: neighbours are alike */
		if (list[i] == id)
			return n;
	if (n < MAX_CORES)
		list[n++] = id;
	return n;
}

static void read_flags(struct cpu_text *out, struct reading *r, const char *flags)
{
	size_t n = strcspn(flags, "\n");

	if (r->flags && n == r->flags_n && !memcmp(flags, r->flags, n))
		return;
	uint64_t bits = isa_bits(flags);
	out->isa = out->isa_known ? out->isa & bits : bits;
	out->isa_known = 1;
	out->hypervisor |= (uint8_t)proc_word(flags, "hypervisor");
	if (!out->arch && proc_word(flags, "lm"))        /* long mode */
		out->arch = "x86_64";
	r->flags = flags;
	r->flags_n = n;
}

static void read_line(struct cpu_text *out, struct reading *r, const char *p)
{
	const char *v;
	uint64_t n;

	if ((v = value(p, "processor")) && !proc_number(&n, v)) {
		out->threads++;
		r->processor = n;
		r->package = 0;
	} else if ((v = value(p, "physical id")) && !proc_number(&n, v)) {
		r->package = n;
		out->packages = add_once(r->package_seen, out->packages, n);
	} else if ((v = value(p, "core id")) && !proc_number(&n, v)) {
		out->cores = add_once(r->seen, out->cores, r->package << 32 | (n & UINT32_MAX));
	} else if ((v = value(p, "flags")) || (v = value(p, "Features"))) {
		read_flags(out, r, v);
	} else if ((v = value(p, "CPU implementer"))) {
		r->implementer = strtoul(v, NULL, 0);
	} else if ((v = value(p, "CPU architecture")) && (*v == '8' || str_prefix(v, "AArch64"))) {
		out->arch = "aarch64";
	} else if ((v = value(p, "CPU part"))) {
		add_kind(out, r->processor, (uint32_t)r->implementer, (uint32_t)strtoul(v, NULL, 0));
	} else if (!*out->system && (v = value(p, "Model"))) {
		copy_line(out->system, sizeof out->system, v);
	}
}

void cpu_text_read(struct cpu_text *out, const char *text)
{
	static const struct { const char *word; uint8_t vendor; } vendors[] = {
		{ "GenuineIntel", VENDOR_INTEL }, { "AuthenticAMD", VENDOR_AMD },
	};
	/* x86 and some Arm kernels; POWER; MIPS; RISC-V; IA-64 */
	static const char *const names[] = { "model name", "cpu model", "cpu", "uarch", "family", "Hardware" };
	struct reading r;
	const char *v;

	*out = (struct cpu_text){ .vendor = VENDOR_OTHER };
	r.flags = NULL;
	r.flags_n = 0;
	r.processor = r.package = r.implementer = 0;
	for (const char *p = text; p && *p; p = proc_next(p))
		read_line(out, &r, p);
	if (!out->cores)
		out->cores = out->threads;
	if ((v = find_value(text, "vendor_id")))
		for (unsigned i = 0; i < sizeof vendors / sizeof *vendors; i++)
			if (str_prefix(v, vendors[i].word))
				out->vendor = vendors[i].vendor;
	if (!out->arch && out->vendor != VENDOR_OTHER && out->isa_known)
		out->arch = "i686";
	if (out->n_kinds && out->kind[0].implementer == 0x61)
		out->vendor = VENDOR_APPLE;
	if (out->n_kinds && out->kind[0].implementer == 0x4e)
		out->vendor = VENDOR_NVIDIA;
	for (unsigned i = 0; i < sizeof names / sizeof *names && !*out->name; i++) {
		/* a 64-bit Arm kernel writes "model name" only for 32-bit readers, and that without saying which core */
		if (out->n_kinds)
			break;
		if ((v = find_value(text, names[i])))
			copy_line(out->name, sizeof out->name, v);
	}
	if (out->n_kinds)
		name_of_kinds(out);
}
