/* hardware_blocks.h - the blocks of a hardware.d entry that describe one machine: pools, device, links. For hardware_yaml.c. */
#ifndef HARDWARE_BLOCKS_H
#define HARDWARE_BLOCKS_H

#include "catalog/hardware_figure.h"
#include "catalog/hardware_yaml.h"

/* pool_eff[i]: measured over specified bandwidth of pool i. */
int blocks_pools(struct hardware_spec *out, struct known **pool_eff, struct figures *f, struct ynode *root,
	int source) MUST_CHECK;
/* The device and its group; needs the pools. */
int blocks_device(struct hardware_spec *out, const struct hardware_entry *e, const struct known *pool_eff, struct figures *f,
	struct ynode *root, int source) MUST_CHECK;
/* host_link, peer_link, node. */
int blocks_links(struct hardware_entry *e, struct figures *f, struct ynode *root, int source) MUST_CHECK;
/* `links:` of a node or a machine that is joined with others. */
int blocks_link_list(struct hardware_entry *e, struct figures *f, struct ynode *root, int source) MUST_CHECK;
/* bandwidth_gb_s and measured_gb_s of a pool or variant. */
int blocks_bandwidth(struct known *read_bps, struct known *eff, struct figures *f, struct ynode *map, int source) MUST_CHECK;

#endif
