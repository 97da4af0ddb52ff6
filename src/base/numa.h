/* numa.h - memory nodes: on which of them processors are, and pages spread over several.
 *
 * Linux says it in /sys/devices/system/node; elsewhere, and where the system does not say, there is one node. Only memory that this process maps for
 * itself can be placed: pages of a mapped file are the system's, and lie where they were first read. */
#ifndef NUMA_H
#define NUMA_H

#include <stdint.h>

enum { NUMA_NODES = 64 };                /* nodes with higher numbers count as none */

/* node[i]: of processor cpu[i]; 0 where the system does not say. Returns the set of these nodes, bit by bit. folder: as /sys/devices/system/node, NULL: that one. */
uint64_t numa_of(unsigned char *node, const unsigned *cpu, unsigned n, const char *folder);
/* Puts processors of one node side by side, nodes ascending; within a node the order stays. Returns the set of nodes. */
uint64_t numa_group(unsigned *cpu, unsigned n, const char *folder);
/* The nodes of the processors that this process may use. */
uint64_t numa_here(void);

/* Asks for the pages of [at, at + bytes) in turn from each of the nodes, before they are touched. 0, or -1: the system cannot or may not. */
typedef int numa_bind_fn(void *at, uint64_t bytes, uint64_t nodes);
int numa_bind(void *at, uint64_t bytes, uint64_t nodes);
/* The same of whole pages, when there are several nodes and nobody chose a policy for this thread (numactl): 1 when it was done. It is only ever a wish. bind: NULL: numa_bind. */
int numa_spread(void *at, uint64_t bytes, uint64_t nodes, numa_bind_fn *bind);

#endif
