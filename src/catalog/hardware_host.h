/* hardware_host.h - what an operating system says of its memory and processor, read: pure, so that recorded text can be tested.
 *
 * hardware_host() of hardware_name.h reads the files and calls these. Texts end with a NUL. */
#ifndef HARDWARE_HOST_H
#define HARDWARE_HOST_H

#include "catalog/hardware_spec.h"

/* /proc/meminfo. 0, or -1 when MemTotal is not there. *available is MemAvailable; on kernels before 3.14, which lack it, 0. */
int host_meminfo(uint64_t *total, uint64_t *available, const char *text);

struct host_cpu { char name[96]; uint32_t cores, threads; uint8_t vendor; };
/* /proc/cpuinfo. Absent fields are "" and 0; cores: distinct (physical id, core id), else the processors. */
void host_cpuinfo(struct host_cpu *out, const char *text);

/* /proc/self/cgroup: the path of the memory controller. version 2: the line "0::PATH"; 1: the line that names memory. 0 or -1. */
int host_cgroup_path(char *out, size_t n, unsigned *version, const char *text);
/* memory.max, memory.limit_in_bytes, memory.current, ...: a number. -1: "max", or more than any machine has (v1's "no limit"). */
int host_cgroup_bytes(uint64_t *out, const char *text);
/* memory.stat: inactive_file (v2) or total_inactive_file (v1), page cache that is dropped first. 0 when absent. */
uint64_t host_cgroup_cache(const char *text);

/* What the texts say, put together. limit 0: no cgroup limit. */
struct host_memory { uint64_t total, available, limit, used, cache; };
/* The machine: one CPU device on one host pool. free is the least of what the machine and the cgroup have left. */
int host_spec(struct hardware_spec *out, struct arena *a, const struct host_memory *m, const struct host_cpu *cpu,
	struct error *err) MUST_CHECK;

#endif
