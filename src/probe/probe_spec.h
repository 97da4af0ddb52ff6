/* probe_spec.h - what was found, joined with the catalogue: a machine that the calculator can use.
 *
 * A device is looked up in hardware.d by PCI id with memory size, then exact driver name, then alias. What the driver says
 * of this very device (memory, free memory, links, units) wins over the catalogue; what only the catalogue knows (bandwidth, matrix
 * rates) comes from there. A device in no catalogue still works: bandwidth from memory clock and bus width where the driver
 * gives both, rates unknown. */
#ifndef PROBE_SPEC_H
#define PROBE_SPEC_H

#include "catalog/catalog.h"
#include "probe/probe.h"

enum { PROBE_NO_GROUP = 0xffff };
struct probe_match {
	const char *id, *how;                    /* id NULL: no entry; how: "PCI id and memory size", ..., or why not */
	uint16_t group;                          /* index of its group in the machine; PROBE_NO_GROUP: not used, a warning says why */
};

/* match: one a GPU of p (PROBE_GPUS long), may be NULL. The strings live in the arena. E_NODEV: a GPU is lost (the error names it);
 * the machine without it is never silently taken for whole, but *out and match hold the rest, to be shown. E_NOMEM. */
int probe_spec(struct hardware_spec *out, struct probe_match *match, struct arena *a, struct catalog *c, const struct probed *p,
	struct error *err) MUST_CHECK;

#endif
