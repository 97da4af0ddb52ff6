/* probe_dmi.h - the firmware's table of what the machine is made of (SMBIOS, DSP0134), as far as memory modules go. Pure. */
#ifndef PROBE_DMI_H
#define PROBE_DMI_H

#include "base/arena.h"
#include <stddef.h>
#include <stdint.h>

enum { DMI_MODULES = 256 };
struct dmi_module {                              /* a type 17 structure of system memory with a module in it */
	uint64_t bytes;
	uint32_t mts;                            /* as configured, else as rated; 0: unknown */
	uint16_t data_bits;                      /* 0: unknown */
	uint16_t array;                          /* handle of its type 16 structure */
	const char *type;                        /* "DDR5"; NULL: unknown */
	const char *locator, *bank;              /* "" when not told */
};
struct dmi {
	struct dmi_module module[DMI_MODULES]; uint32_t n_modules;
	uint32_t slots;                          /* for modules, empty ones too */
	const char *processor;                   /* type 4's version, "Ampere(R) Altra(R) Processor"; NULL */
};
/* Reads a whole table (/sys/firmware/dmi/tables/DMI), as far as it is well formed. Strings are copied to the arena and printable. */
void dmi_read(struct dmi *out, struct arena *a, const void *table, size_t n);

/* The structures that dmi_read() looks at and no others, with serial numbers and asset tags blanked: fit for a recording. Writes at most
 * n bytes to `out` (n being the table's size suffices); returns how many. */
size_t dmi_public(void *out, const void *table, size_t n);

/* Memory channels that have a module, where every module's locator or bank names its channel ("P0 CHANNEL A", "ChannelA-DIMM0",
 * "P1_Node0_Channel3_Dimm0") and no two modules claim the same place. 0: the names do not tell. "DIMM_A1" does not: that letter is a
 * channel with some makers and a processor with others (Dell). */
uint32_t dmi_channels(const struct dmi *d);

#endif
