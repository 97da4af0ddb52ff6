/* probe_match.h - which entry of the catalogue a device that was found is. Used by probe_spec.c.
 *
 * A PCI id or a driver's name says which chip it is; cards of one chip differ in memory, so the size has to agree as well. Sizes agree
 * when they differ by no more than what ECC and the driver take. Names are compared whole. */
#ifndef PROBE_MATCH_H
#define PROBE_MATCH_H

#include "catalog/catalog.h"
#include "probe/probe.h"

enum match_level { MATCH_NONE, MATCH_CHIP, MATCH_WHOLE };
struct device_match {
	uint8_t level;                           /* MATCH_CHIP: the rates are the entry's, its memory is another */
	const struct hardware_entry *entry;
	const struct hardware_spec *spec;        /* one device: the entry's, or its variant's; NULL with MATCH_NONE */
	const char *id, *how;                    /* how: never NULL; with MATCH_NONE why not */
};

/* A slice of a card (MIG) is matched as the card that it is cut from. E_NOMEM; a malformed file of the user's is a no-match that says so. */
int match_gpu(struct device_match *out, struct arena *a, struct catalog *c, const struct probed *p, const struct probed_gpu *g,
	struct error *err) MUST_CHECK;
/* By the processor's name: "AMD EPYC 9654 96-Core Processor". Never that of a virtual machine, which has a slice of it. */
int match_cpu(struct device_match *out, struct arena *a, struct catalog *c, const struct probed_cpu *cpu, struct error *err) MUST_CHECK;

/* What the firmware set aside for a GPU in the host's memory, whether its reader calls it that or the GPU's total. */
uint64_t gpu_carve_out(const struct probed_gpu *g);

/* "AMD Ryzen 9 7950X 16-Core Processor" -> "AMD Ryzen 9 7950X": trade marks, core counts and clocks taken out. Returns buf. */
const char *cpu_short_name(char *buf, size_t n, const char *name);

#endif
