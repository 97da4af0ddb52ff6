/* hardware_spec.h - machines: memory pools, devices that draw from them, and the links between.
 *
 * Budgets live in pools (a card's VRAM, the host, a unified pool), never in devices. A node is composed of devices.
 * Read from hardware.d by hardware_yaml.h; detected by probe/. Not here: prices (data/prices.yaml). */
#ifndef HARDWARE_SPEC_H
#define HARDWARE_SPEC_H

#include "base/arena.h"
#include "base/error.h"
#include "base/known.h"
#include "catalog/quant.h"
#include <stdint.h>

enum pool_kind { POOL_VRAM, POOL_HOST, POOL_UNIFIED };
enum device_kind { DEVICE_GPU, DEVICE_CPU, DEVICE_NPU };
enum link_kind { LINK_PCIE, LINK_NVLINK, LINK_NVSWITCH, LINK_UNIFIED, LINK_IB, LINK_ETHERNET };
enum vendor { VENDOR_NVIDIA, VENDOR_AMD, VENDOR_INTEL, VENDOR_APPLE, VENDOR_OTHER };
enum hw_status { HW_SOLD, HW_ANNOUNCED, HW_NEVER_SOLD };
enum { LINK_HOST = 0xfffe, LINK_OTHER_NODE = 0xffff };

struct pool {
	const char *name;
	uint8_t kind;
	uint64_t total_bytes, usable_bytes;      /* usable 0: unknown (then nothing can be said to fit) */
	struct known free_bytes, read_bps, reserve_bytes;
	const char *limit;                       /* "wired limit", "GTT", "cgroup": why usable < total; NULL */
	const char *memory;                      /* "GDDR6X"; NULL: not stated */
	uint16_t total_source, usable_source;    /* 1 + index into the entry's sources; 0: not of an entry */
};
struct device_spec {
	const char *id, *name;
	uint8_t kind, vendor;
	struct known flops[MATH_COUNT];          /* dense, by enum math */
	struct known launch_s, stream_eff;
	uint32_t compute_capability, units;      /* 89 for 8.9 */
	struct known tdp_w, l2_bytes;
	const char *arch;                        /* "gfx1100", "Apple9"; NULL: not stated */
};
struct group { const struct device_spec *device; uint16_t pool; uint16_t per_node,
	nodes; };   /* each device has its own copy of a VRAM pool */
/* a, b: indices of groups, or LINK_HOST, or LINK_OTHER_NODE; both LINK_OTHER_NODE: node to node, rates are of a whole node. */
struct link { uint8_t kind; uint16_t a, b; struct known each_way_bps, latency_s, allreduce_bps; };

/* What this program's own engine reached here, of what the machine's figures alone promise: from verify, by src/live/calibration_runs.c. */
enum run_phase { RUN_PREFILL, RUN_DECODE };
struct engine_run {
	uint8_t phase;                           /* enum run_phase */
	const char *format;                      /* id of the format that most of the weights have */
	double bytes, depth;                     /* read by a step of one token (decode: of all sequences); tokens before it */
	uint32_t sequences;
	double factor, spread;                   /* measured rate over promised rate; (fastest - slowest) / median */
};

struct hardware_spec {
	const char *id, *name, *file;
	uint8_t status;
	uint64_t fingerprint;
	struct pool *pools;   uint16_t n_pools;
	struct group *groups; uint16_t n_groups;
	struct link *links;   uint16_t n_links;
	const char *const *warnings; uint16_t n_warnings;
	const struct engine_run *runs; uint32_t n_runs;  /* of engine "ullage" on this machine's processors */
};

#endif
