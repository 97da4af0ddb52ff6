/* hardware_name.h - what people type after --on, resolved into one machine. */
#ifndef HARDWARE_NAME_H
#define HARDWARE_NAME_H

#include "catalog/catalog.h"

/* "rtx-4090", "2x-rtx-4090", "2x RTX 4090", "RTX 4090 x2", "5090 + 3090", "rtx-4090 + 64GB ddr5-5600", "m4-max-64gb", "dgx-h100",
 * "h200" (a family: its default variant, with a warning), a path ending in .yaml. ram_bytes > 0 adds a host pool (--ram).
 * The result and its strings live in the arena. E_HARDWARE: unknown, with near matches. E_AMBIGUOUS: memory size is open, with
 * the variants as candidates. E_AVAILABLE: never sold, with what can be had. E_USAGE: a count of 0 or over 1024. */
int hardware_resolve(struct hardware_spec *out, struct arena *a, struct catalog *c, const char *name, uint64_t ram_bytes,
	struct error *err) MUST_CHECK;

/* Of everything that makes the machine what it is (devices, counts, pools, but not what is free now); never 0. */
uint64_t hardware_fingerprint(const struct hardware_spec *h);

/* One segment of such a name, exposed for tests. "2x RTX 4090" -> 2 and "RTX 4090"; no count: 1 and the whole. -1: 0, over 1024.
 * *rest points into buf. */
int hardware_count(unsigned *count, const char **rest, char *buf, size_t n, const char *text);

/* "64GB", "64 GiB ddr5-5600", "ddr5-6000 4-channel": 1 when the whole text is memory. bytes or mts 0: not said. */
struct hardware_ram { uint64_t bytes; uint32_t mts, channels; };
int hardware_ram_words(struct hardware_ram *out, const char *text);

#endif
