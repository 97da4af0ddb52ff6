/* hardware_build.h - a machine under construction: pools, groups and links put together. Used by hardware_name.c. */
#ifndef HARDWARE_BUILD_H
#define HARDWARE_BUILD_H

#include "catalog/hardware_find.h"
#include "catalog/hardware_name.h"

struct build {
	struct arena *a;
	struct catalog *c;
	struct error *err;                       /* not NULL */
	struct pool *pools;     unsigned n_pools;
	struct group *groups;   unsigned n_groups;
	struct link *links;     unsigned n_links;
	const char **warnings;  unsigned n_warnings;
	struct hardware_ram ram;                 /* as the name says */
	struct known host_bps;                   /* of a processor named beside cards */
	uint64_t host_bytes;                     /* of such a processor, or of a node */
	char id[160], name[320];
	const char *file;
};

int build_open(struct build *b, struct arena *a, struct catalog *c, struct error *err) MUST_CHECK;
/* `count` of what was found: cards, machines with unified memory, processors, nodes. text: what was typed, for messages. */
int build_add(struct build *b, const struct hardware_found *f, unsigned count, const char *text) MUST_CHECK;
/* Host memory, the links between different cards, and the result. */
int build_close(struct hardware_spec *out, struct build *b, uint64_t ram_bytes) MUST_CHECK;

#endif
