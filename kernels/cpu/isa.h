/* isa.h - what this processor and its system can run, for tables of kernels; each answer is 1 or 0. */
#ifndef ISA_H
#define ISA_H

static inline int isa_always(void) { return 1; }

#if defined(__x86_64__)
#include <cpuid.h>

/* CPUID leaf 1, ECX bit 29 (Intel SDM vol. 2A); clang 14 has a name for neither this nor AVX-VNNI. */
static inline int isa_f16c(void)
{
	unsigned a, b, c, d;

	return __get_cpuid(1, &a, &b, &c, &d) && (c >> 29 & 1);
}
/* These ask the system's saved state as well (XCR0): a processor whose system does not keep the wide registers has them not. */
static inline int isa_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && isa_f16c();
}
static inline int isa_avx512(void)
{
	return isa_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}
static inline int isa_avx512_vnni(void) { return isa_avx512() && __builtin_cpu_supports("avx512vnni"); }
/* For who knows of isa_avx512() already and asks before each product: isa_f16c() is a CPUID, which leaves a virtual machine (27 us on a virtual
 * EPYC 9005). */
static inline int isa_bf16_beside_avx512(void) { return __builtin_cpu_supports("avx512bf16"); }
static inline int isa_avx512_bf16(void) { return isa_avx512() && isa_bf16_beside_avx512(); }
/* CPUID leaf 7, subleaf 1, EAX bit 4. */
static inline int isa_avx_vnni(void)
{
	unsigned a, b, c, d;

	return isa_avx2() && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
}
#elif defined(__aarch64__) && defined(__APPLE__)
#include <stddef.h>

int sysctlbyname(const char *name, void *old, size_t *old_bytes, void *new, size_t new_bytes);      /* sys/sysctl.h wants more than POSIX names */

static inline int isa_sysctl(const char *name)
{
	int v = 0;
	size_t bytes = sizeof v;

	return !sysctlbyname(name, &v, &bytes, NULL, 0) && v;
}
static inline int isa_neon_dotprod(void) { return isa_sysctl("hw.optional.arm.FEAT_DotProd"); }
static inline int isa_neon_i8mm(void) { return isa_neon_dotprod() && isa_sysctl("hw.optional.arm.FEAT_I8MM"); }
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>

/* Linux, asm/hwcap.h: HWCAP_ASIMDDP and HWCAP2_I8MM. */
static inline int isa_neon_dotprod(void) { return getauxval(AT_HWCAP) >> 20 & 1; }
static inline int isa_neon_i8mm(void) { return isa_neon_dotprod() && (getauxval(AT_HWCAP2) >> 13 & 1); }
#elif defined(__aarch64__)
static inline int isa_neon_dotprod(void) { return 0; }
static inline int isa_neon_i8mm(void) { return 0; }
#endif

#endif
