/* hardware_yaml.h - hardware.d/NAME.yaml -> struct hardware_entry; and names like "2x rtx-4090 + 64GB" -> struct hardware_spec.
 *
 * Unknown keys are errors with file and line. Every number has a source: {value, source}, its block's `source:`, or the entry's;
 * `unknown` stands for any number and stays unknown. The basis of a figure is its source's confidence: spec and derived (computed
 * from specified figures) are BASIS_SPEC; published, measured-elsewhere and unverified are BASIS_PUBLISHED, and a memory size
 * that is `unverified` also leaves a warning in the spec.
 * Not here: names people type (hardware_name.h). */
#ifndef HARDWARE_YAML_H
#define HARDWARE_YAML_H

#include "base/yaml.h"
#include "catalog/hardware_spec.h"

struct source;                               /* catalog/model_spec.h */

enum hw_kind { HWK_GPU, HWK_SOC, HWK_APU, HWK_CPU, HWK_NODE, HWK_MEMORY };

/* The same machine with another memory, or (entry != NULL) another entry that the family's name may stand for. */
struct hardware_variant {
	const char *id, *file;
	uint8_t is_default;
	uint64_t memory_bytes, usable_bytes;     /* memory_bytes: the pool's total; usable 0: unknown */
	struct known read_bps;
	uint32_t gpu_cores;
	const char *limit;
	const char *entry;                       /* id of the entry to use instead; NULL: this one, with the figures above */
	const char *name;                        /* NULL: the entry's name and the size */
	struct known stream_eff, tdp_w;
	const char *warning;                     /* NULL: none */
	uint16_t memory_source, usable_source;   /* 1 + index into the entry's sources; 0: none */
};
/* A family ("h100") has no figures of its own: all its variants name another entry, and spec is NULL. */
struct hardware_entry {
	const char *id, *name, *file, *why;
	uint8_t kind, vendor, status;            /* enum hw_kind, vendor, hw_status */
	const char *const *aliases, *const *names, *const *pci, *const *instead;   /* NULL-ended,
		never NULL; variants' ids are among the aliases */
	const struct hardware_spec *spec;        /* one device (variants apart); NULL until read, when it was never sold, for a node,
		for a family */
	const struct hardware_variant *variants; uint16_t n_variants;
	/* node: what it is composed of; resolved by hardware_resolve() */
	struct { const char *device; uint32_t per_node; } groups[4]; uint8_t n_groups;
	uint32_t cards_per_node;                 /* usual number in one machine; 0 or 1: no fixed number */
	struct known host_link_bps, peer_link_bps;       /* each way */
	uint8_t host_link_kind, peer_link_kind;          /* enum link_kind */
	struct known host_memory_bytes;
	struct known peer_allreduce_bps;
	uint32_t peer_domain;                    /* devices that the peer link joins; 0: all of a node */
	uint8_t peer_bridge;                     /* the peer link is a part that must be bought: not assumed */
	const struct link *links; uint16_t n_links;      /* as the file states them; a, b index groups (a device is its group 0) */
	const char *released, *host_cpu;         /* NULL: unknown */
	struct known power_w;                    /* of a node */
	const struct source *sources; uint16_t n_sources;
	const char *const *notes, *const *warnings;      /* NULL-ended, never NULL once read */
};

/* For messages and output, NULL-ended, in order. */
extern const char *const hw_kind_names[], *const vendor_names[], *const hw_status_names[], *const pool_kind_names[],
	*const link_kind_names[];

int hardware_entry_head(struct hardware_entry *out, struct arena *a, const struct ydoc *d, struct error *err) MUST_CHECK;
/* The whole entry. d must stay alive as long as the entry. */
int hardware_entry_read(struct hardware_entry *out, struct arena *a, const struct ydoc *d, struct error *err) MUST_CHECK;

/* The machine of one variant that has figures of its own (v->entry NULL); e->spec is not NULL. */
int hardware_variant_spec(struct hardware_spec *out, struct arena *a, const struct hardware_entry *e,
	const struct hardware_variant *v,
	struct error *err) MUST_CHECK;

/* Bytes per second each way of `lanes` PCIe lanes of a generation (1 to 6); 0: no such generation. */
double pcie_bytes_per_s(unsigned gen, unsigned lanes);

#endif
