/* probe_host.h - the parts of probe_cpu() and probe_memory(), shared between their files and tests. Not for callers of probe.h. */
#ifndef PROBE_HOST_H
#define PROBE_HOST_H

#include "probe/probe.h"
#include "probe/proc_text.h"

/* --- /proc/cpuinfo (probe_cpu_text.c, probe_cpu_arm.c) -------------------------------------------------------------------- */

enum { CPU_KINDS = 8 };
struct cpu_kind { uint32_t implementer, part; struct cpu_set cpus; };    /* MIDR_EL1's fields of Arm */
struct cpu_text {
	char name[160];                          /* "": not told */
	char system[96];                         /* "Raspberry Pi 5 Model B Rev 1.0", which some Arm kernels write here; "" */
	uint8_t vendor;
	const char *arch;                        /* a constant; NULL */
	uint32_t packages, cores, threads;       /* cores: distinct (physical id, core id), else the processors; packages 0: not told */
	uint64_t isa; uint8_t isa_known;         /* what all processors have */
	uint8_t hypervisor;
	struct cpu_kind kind[CPU_KINDS]; uint32_t n_kinds;       /* Arm; 0 elsewhere */
};
void cpu_text_read(struct cpu_text *out, const char *text);
/* "Neoverse-N1"; NULL: not in the table. */
const char *arm_part_name(uint32_t implementer, uint32_t part);
const char *arm_maker_name(uint32_t implementer);

/* --- /sys/devices/system (probe_cpu_topology.c) --------------------------------------------------------------------------- */

/* Packages, cores, threads, caches, NUMA nodes, fast cores. *online gets the processors that run. 0, or -1: /sys does not tell, and
 * nothing but NUMA nodes and caches was filled. */
int cpu_topology(struct probed_cpu *out, struct cpu_set *online, const struct probe_input *in, const struct cpu_text *text);
/* NUMA nodes that are memory of NVIDIA GPUs (Grace Hopper, POWER9), by number. */
void gpu_memory_nodes(struct cpu_set *nodes, const struct probe_input *in);

/* --- memory modules (probe_cpu_channels.c) -------------------------------------------------------------------------------- */

/* Channels, modules, speed and type, from EDAC and DMI; and the processor's name where only DMI has it. */
void cpu_channels(struct probed *out, const struct probe_input *in);

#endif
