/* probe_drm.h - the parts of probe_drm(), shared between its files and tests. Not for callers of probe.h.
 *
 * Functions that take text are pure; texts end with a NUL. */
#ifndef PROBE_DRM_H
#define PROBE_DRM_H

#include "probe/probe.h"

enum { PCI_NVIDIA = 0x10de, PCI_AMD = 0x1002, PCI_INTEL = 0x8086 };
/* The graphics unit of an Intel processor is device 2 of bus 0, in every public listing; a card is behind a bridge, or has another slot in a
 * virtual machine. */
#define INTEL_GRAPHICS "0000:00:02.0"

/* --- a card of /sys/class/drm (probe_drm.c) ------------------------------------------------------------------------------- */

struct drm_card {
	const char *dir;                         /* "/sys/class/drm/card0" */
	const char *bus;                         /* "0000:03:00.0"; never NULL: what is not on PCI is no card here */
	const char *driver;                      /* "amdgpu"; NULL: unknown */
	uint32_t vendor, device, subsystem, revision;    /* subsystem: vendor << 16 | device; 0: unknown */
	uint8_t asleep;                          /* suspended by the kernel: most files would wake it, which takes a second on a laptop */
};
/* A file below dir; trimmed at both ends, NULL when it is not there or empty. */
const char *drm_text(const struct probe_input *in, const struct drm_card *c, const char *name);
/* The same as a number: 0, or -1 when it is none. */
int drm_u64(uint64_t *out, const struct probe_input *in, const struct drm_card *c, const char *name);
/* A file of the card's first folder device/hwmon/hwmonN that has it: micro-watts and the like. 0 or -1. */
int drm_hwmon(uint64_t *out, const struct probe_input *in, const struct drm_card *c, const char *name);

/* "0: 96Mhz \n1: 456Mhz *\n" (pp_dpm_mclk): the level with the star, and the highest, in MHz; 0: not told. text may be NULL. */
void drm_clocks(uint32_t *now, uint32_t *most, const char *text);
/* "16.0 GT/s PCIe" (older kernels: "8 GT/s") is the rate of a lane of generation 4; 0: of none. text may be NULL. */
uint32_t drm_pcie_gen(const char *text);

/* --- KFD, AMD's compute driver (probe_kfd.c) ------------------------------------------------------------------------------ */

enum { KFD_NODES = 256, KFD_LINKS = 64 };
struct kfd_node {
	uint32_t id;                             /* the number that links name it by */
	char bus[20];                            /* of the GPU; "": a node of processors alone */
	uint32_t cpu_cores, simds, simds_per_cu, target;         /* target: 110001 is gfx1101; 0: no GPU */
	uint32_t mhz_max;
	uint64_t memory; uint32_t memory_bits;   /* banks that are not the host's */
	struct { uint32_t node, links; } xgmi[PROBE_LINKS]; uint32_t n_xgmi;     /* to other GPUs and, on some boards, processors */
	double xgmi_each_way_bps;                /* what one link carries, as the kernel reckons; 0: unknown */
};
struct kfd { struct kfd_node *node; uint32_t n; };
/* All nodes; none where there is no KFD. */
void kfd_read(struct kfd *out, const struct probe_input *in);
/* The GPU at this address, its partitions (MI300X in CPX mode) summed: 0, or -1 when KFD has none there. */
int kfd_gpu(struct kfd_node *out, uint32_t *partitions, const struct kfd *k, const char *bus);
/* XGMI links between the GPUs of out, which all have been read; they are counted as NVLinks are. */
void kfd_links(struct probed *out, const struct kfd *k);

/* The number behind key in a "properties" file, "simd_count 192". 0, or -1: no such line, no number. */
int kfd_value(uint64_t *out, const char *text, const char *key);
void kfd_properties(struct kfd_node *out, const char *text);
/* Adds a bank or a link; what is not the GPU's own memory, or no XGMI, is left out. */
void kfd_bank(struct kfd_node *out, const char *text);
void kfd_link(struct kfd_node *out, const char *text);
/* gfx_target_version, 10000 * major + 100 * minor + stepping, as compilers write it: 110501 is "gfx1151", 90010 "gfx90a". 0, or -1: it is none. */
int kfd_arch(char *buf, size_t n, uint64_t version);
/* Is it the graphics of a processor, by its architecture? NULL: no. */
int kfd_is_apu(const char *arch);

/* --- PCI Express (probe_drm_pcie.c) ---------------------------------------------------------------------------------------- */

struct pci_bridge { char bus[20]; uint32_t domain, secondary, vendor; };
struct pci_bridges { struct pci_bridge *bridge; uint32_t n; };
void pci_bridges_read(struct pci_bridges *out, const struct probe_input *in);
/* Generation and lanes, now and at most, of the link between card and slot. */
void drm_pcie(struct probed_gpu *g, const struct probe_input *in, const struct drm_card *c, const struct pci_bridges *b);

/* --- names (probe_drm_names.c) ---------------------------------------------------------------------------------------------- */

/* What the lists of libdrm and of the PCI ids call the card, in the arena; NULL: nothing, or several products at once. */
const char *drm_name(const struct probe_input *in, const struct drm_card *c);
/* A line of amdgpu.ids: the name, *n long; NULL: not listed. */
const char *amdgpu_ids_find(size_t *n, const char *text, uint32_t device, uint32_t revision);
/* A device of pci.ids: what is in the last brackets of its line, else all of it; NULL: not listed, or a choice of several. *line and
 * *line_n get the whole line, *vendor and *vendor_n the vendor's, also then; 0 long: not listed. */
const char *pci_ids_find(size_t *n, const char **vendor, size_t *vendor_n, const char **line, size_t *line_n, const char *text,
	uint32_t vendor_id, uint32_t device_id);

/* --- makers ------------------------------------------------------------------------------------------------------------------ */

void drm_amd(struct probed_gpu *g, struct probed *out, const struct probe_input *in, const struct drm_card *c, const struct kfd *k);
void drm_intel(struct probed_gpu *g, const struct probe_input *in, const struct drm_card *c);

#endif
