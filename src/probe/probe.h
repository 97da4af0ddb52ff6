/* probe.h - this machine: what its operating system and its drivers say, read from the machine itself or from a recording of it.
 *
 * One reader per source of truth (probe_cpu.c, probe_memory.c, probe_nvidia.c, ...), each pure over a struct probe_input, so that
 * a recording goes through the same parsers. Readers fill their part of struct probed and never fail because something is absent:
 * a source that is not there leaves its fields unknown; one that is there and answers nonsense leaves a note. Where two sources
 * disagree, both values are kept as a conflict and the merge (probe.c) says which it uses.
 * All strings live in the input's arena. Bytes are bytes, rates bytes or operations a second; 0 means unknown unless said otherwise.
 * Not here: what a card can compute or how fast its memory is (the catalogue, joined by probe_spec.h). */
#ifndef PROBE_H
#define PROBE_H

#include "base/arena.h"
#include "base/error.h"
#include "catalog/hardware_spec.h"
#include <stddef.h>
#include <stdint.h>

enum probe_source {
	PROBE_NONE, PROBE_PROC, PROBE_SYS, PROBE_CGROUP, PROBE_DMI, PROBE_HWLOC, PROBE_NVML, PROBE_CUDA, PROBE_DRM, PROBE_KFD,
	PROBE_SYSCTL, PROBE_METAL, PROBE_CATALOGUE, PROBE_SOURCES
};
extern const char *const probe_source_names[];   /* "/proc", "NVML", ... by enum probe_source */

/* --- where raw input comes from (probe_input.c) ------------------------------------------------------------------------- */

/* A recording is a folder: machine.yaml (what it is, where it comes from, what was put together by hand), root/ (the files of
 * /proc and /sys that the readers ask for), and, where the machine has them, hwloc.xml, nvml.log, cuda.log, sysctl.txt, metal.txt. */
struct probe_input {
	struct arena *a;
	const char *replay;          /* folder of a recording; NULL: this machine */
	const char *record;          /* folder into which all that is read is written as well; NULL: none */
	int *record_error;           /* gets the errno of the first thing that could not be written there; NULL: not asked */
	uint8_t thorough;            /* ask sources as well that are slow and whose answer is needed by nobody (the CUDA driver; recording does) */
};
/* Text of a file named by its path on the machine ("/proc/meminfo"), NUL-terminated, at most 16 MiB; NULL when it cannot be read.
 * *n may be NULL; binary files are returned whole, with a NUL behind them. */
char *probe_text(const struct probe_input *in, const char *path, size_t *n);
/* Whole text of a file of the recording that is no file of the machine ("nvml.log"); NULL: not replaying, or not there. */
char *probe_recorded(const struct probe_input *in, const char *name);
/* While recording: appends text to such a file. No effect otherwise. */
void probe_keep(const struct probe_input *in, const char *name, const char *text);
/* Names in a folder, sorted, NULL-ended, without "." and ".."; an empty list when it cannot be read. Never NULL but for lack of memory. */
const char *const *probe_list(const struct probe_input *in, const char *path);
/* The last component of what a symbolic link points to ("0000:01:00.0"); NULL: no link. */
char *probe_link(const struct probe_input *in, const char *path);
/* Helpers over probe_text: the whole file as one number ("0x10de\n", "25757220864\n"; base 0). 0 read, -1 not. */
int probe_u64(uint64_t *out, const struct probe_input *in, const char *path);
/* The same as probe_text(), but not recorded: for files with serial numbers in them. The reader blanks those and hands what is
 * left to probe_record(), which does nothing when there is no recording. */
char *probe_text_private(const struct probe_input *in, const char *path, size_t *n);
void probe_record(const struct probe_input *in, const char *path, const char *p, size_t n);
/* The same as probe_text(), but only lines that contain `word` are recorded: the rest of such a file is of no use and may be personal. */
char *probe_text_lines(const struct probe_input *in, const char *path, const char *word);

/* --- what was found ------------------------------------------------------------------------------------------------------ */

enum { PROBE_GPUS = 64, PROBE_NUMA = 64, PROBE_CACHES = 4, PROBE_PROCESSES = 16, PROBE_LINKS = 24, PROBE_NOTES = 32 };

/* Instruction sets that kernels are written for; bits of probed_cpu.isa. */
enum isa {
	ISA_SSE42, ISA_AVX, ISA_F16C, ISA_FMA, ISA_AVX2, ISA_AVX_VNNI, ISA_AVX512F, ISA_AVX512BW, ISA_AVX512VL, ISA_AVX512_VNNI,
	ISA_AVX512_BF16, ISA_AVX512_FP16, ISA_AMX_TILE, ISA_AMX_INT8, ISA_AMX_BF16, ISA_NEON, ISA_FP16, ISA_DOTPROD, ISA_BF16, ISA_I8MM,
	ISA_SVE, ISA_SVE2, ISA_SME, ISAS
};
extern const char *const isa_names[];            /* "avx2", ... by enum isa; NULL-ended */

struct probed_cache { uint64_t bytes; uint32_t count; };         /* bytes of one, how many of them; level by index + 1; data or unified */
struct probed_numa { uint32_t node; uint64_t bytes; uint32_t threads; };
struct probed_cpu {
	const char *name;                        /* NULL: unknown */
	uint8_t vendor;                          /* enum vendor */
	const char *arch;                        /* "x86_64", "aarch64"; NULL */
	uint32_t packages, cores, threads;       /* of the machine */
	uint32_t threads_allowed;                /* that this process may use (affinity, cpuset); 0: unknown */
	double cpu_limit;                        /* processors' worth of time that a cgroup allows (cpu.max); 0: no limit */
	uint32_t fast_cores;                     /* performance cores of a hybrid; 0: all alike or unknown */
	struct probed_cache cache[PROBE_CACHES];
	struct probed_numa numa[PROBE_NUMA]; uint32_t n_numa;
	uint64_t isa; uint8_t isa_known;         /* bits 1 << enum isa */
	uint8_t virtual_machine;                 /* the hypervisor flag, or DMI: topology and bandwidth may not be the machine's */
	uint32_t channels, dimms, mts;           /* memory channels with a module, modules, mega-transfers a second as configured */
	uint32_t channel_bits;                   /* width of one channel without ECC; 64 unless DMI says otherwise */
	const char *memory_type;                 /* "DDR5", "LPDDR5"; NULL */
	uint8_t topology_from, channels_from;    /* enum probe_source */
	const char *system;                      /* the product's name from DMI or the device tree ("NVIDIA DGX Spark"); NULL */
};
struct probed_memory {
	uint64_t total, available;               /* MemTotal, MemAvailable (not MemFree) */
	uint64_t limit, used, cache;             /* the tightest cgroup: limit 0: none; used as charged, cache of it reclaimable */
	uint64_t swap_total, swap_free, hugetlb; /* hugetlb: bytes set aside as huge pages, which a model's memory cannot use */
	const char *limit_path;                  /* the cgroup of that limit; NULL */
	uint64_t gpu_limit;                      /* Apple: recommendedMaxWorkingSetSize or iogpu.wired_limit_mb; 0: not said */
	const char *gpu_limit_from;              /* "Metal recommendedMaxWorkingSetSize", "iogpu.wired_limit_mb" */
	uint8_t from;
};
struct probed_process { uint32_t pid; const char *name; uint64_t bytes; };       /* name NULL, bytes 0: the driver does not say */

enum gpu_state { GPU_OK, GPU_LOST, GPU_UNREADABLE, GPU_HIDDEN };         /* HIDDEN: there, but not visible to CUDA (CUDA_VISIBLE_DEVICES) */
struct probed_gpu {
	uint8_t vendor, state;                   /* enum vendor, gpu_state */
	uint8_t from;                            /* enum probe_source that found it first */
	uint8_t unified;                         /* its memory is the host's */
	const char *why;                         /* for a state that is not OK: what the driver said */
	const char *name;                        /* as the driver says; NULL: unknown */
	const char *bus, *uuid, *driver;         /* "0000:01:00.0" (lower case, four-digit domain); NULL */
	uint32_t pci, subsystem;                 /* vendor << 16 | device; 0: unknown */
	uint64_t total, free, used, reserved;    /* memory: total as the driver counts it; free 0 with total 0 means unknown, else a fact */
	uint64_t carve_out, gtt_total, gtt_used; /* AMD, Intel: VRAM (or the BIOS's carve-out of a unified chip) is total; system memory the GPU may map */
	uint64_t compute_total;                  /* AMD: what the compute driver (KFD) counts as its memory; of a unified chip VRAM or GTT, not both */
	uint8_t memory_from;
	uint32_t units;                          /* SMs, CUs, Xe cores, GPU cores */
	uint32_t compute_capability;             /* 89 for 8.9 */
	const char *arch;                        /* "gfx1100", "Apple9"; NULL */
	uint32_t bus_bits;                       /* memory bus */
	uint32_t mhz, mhz_max, memory_mhz, memory_mhz_max;
	double power_w, power_limit_w, power_default_w, power_max_w;
	uint32_t pcie_gen, pcie_lanes, pcie_gen_max, pcie_lanes_max;     /* now (idle cards step down), and the most the slot and card agree on */
	uint32_t nvlinks; double nvlink_each_way_bps;                    /* active links, and what one carries each way; 0: unknown */
	struct { uint32_t peer, links; } nvlink_to[PROBE_LINKS]; uint32_t n_nvlink_to;   /* peer: index in probed.gpu; UINT32_MAX: a switch */
	uint8_t mig;                             /* this is a MIG slice of the card at `bus` */
	const char *mig_profile;                 /* "1g.10gb" */
	uint32_t numa;                           /* node it hangs on, plus 1; 0: unknown */
	uint8_t ecc;                             /* 0 unknown, 1 off, 2 on */
	struct probed_process process[PROBE_PROCESSES]; uint32_t n_processes, more_processes;
	uint8_t free_unknown;                    /* total is known, but free and used are not: no driver and no system said */
};
struct probed_conflict { const char *what; uint8_t a, b; const char *value_a, *value_b; uint8_t used; };  /* a, b, used: enum probe_source */

struct probed {
	struct probed_cpu cpu;
	struct probed_memory memory;
	struct probed_gpu gpu[PROBE_GPUS]; uint32_t n_gpus;
	struct probed_conflict conflict[PROBE_NOTES]; uint32_t n_conflicts;
	const char *note[PROBE_NOTES]; uint32_t n_notes;         /* for a person: "NVML answers, but device 1 is lost" */
	const char *os;                          /* "Linux 6.8.0", "macOS 15.1"; NULL */
	double seconds[PROBE_SOURCES];           /* what each source took */
	const char *recording;                   /* the name that a recording gives itself; NULL: this machine */
	uint32_t cuda_version;                   /* the newest CUDA that the driver serves: 12080 for 12.8; 0: unknown */
};
void probe_note(struct probed *out, const struct probe_input *in, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void probe_conflict(struct probed *out, const char *what, enum probe_source a, const char *value_a, enum probe_source b, const char *value_b,
	enum probe_source used);
/* The GPU at this bus address, or a new one; NULL when there is no room (a note says so). */
struct probed_gpu *probe_gpu_at(struct probed *out, const struct probe_input *in, const char *bus);

/* --- the readers, one a source -------------------------------------------------------------------------------------------- */

void probe_memory(struct probed *out, const struct probe_input *in);     /* /proc/meminfo, cgroups; sysctl on macOS */
void probe_cpu(struct probed *out, const struct probe_input *in);        /* /proc/cpuinfo, /sys/devices/system, DMI; sysctl on macOS */
void probe_hwloc(struct probed *out, const struct probe_input *in);      /* topology, by dlopen; without the library /proc has to do */
void probe_nvidia(struct probed *out, const struct probe_input *in);     /* NVML, then the CUDA driver, both by dlopen */
void probe_drm(struct probed *out, const struct probe_input *in);        /* AMD, Intel and the rest: /sys/class/drm, KFD */
void probe_apple(struct probed *out, const struct probe_input *in);      /* sysctl and Metal; nothing elsewhere */

/* All of them in order, merged; conflicts noted. E_NODEV: neither the memory of the machine is known nor that of a GPU. E_FILE: replay is no recording. */
int probe_machine(struct probed *out, const struct probe_input *in, struct error *err) MUST_CHECK;

#endif
