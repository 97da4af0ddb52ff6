/* probe_join.h - a machine under construction out of what was found. Private to probe_spec.c, probe_pools.c and probe_links.c. */
#ifndef PROBE_JOIN_H
#define PROBE_JOIN_H

#include "probe/probe_match.h"
#include "probe/probe_spec.h"

enum { JOIN_WARNINGS = 48 };
struct join {
	struct arena *a;
	struct catalog *c;
	const struct probed *p;
	struct error *err;                       /* not NULL */
	struct device_match *match;              /* one a GPU */
	uint16_t *group_of;                      /* one a GPU; PROBE_NO_GROUP: not used */
	struct pool *pools;   unsigned n_pools;
	struct group *groups; unsigned n_groups;
	struct link *links;   unsigned n_links;
	const char **warnings; unsigned n_warnings;
};

/* Adds a sentence once. */
int join_warn(struct join *j, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_CHECK;
/* "NVIDIA GeForce RTX 4090 at 0000:01:00.0" */
const char *join_gpu_name(struct join *j, const struct probed_gpu *g);

/* The pool of host memory; of a machine whose GPU g has no memory of its own, the pool of both. E_NOMEM. */
int pool_of_host(struct pool *out, struct join *j) MUST_CHECK;
int pool_unified(struct pool *out, struct join *j, const struct probed_gpu *g, const struct device_match *m) MUST_CHECK;
/* A card's own memory. */
int pool_of_gpu(struct pool *out, struct join *j, const struct probed_gpu *g, const struct device_match *m) MUST_CHECK;
/* What a MIG slice has of the card's memory bandwidth: 1/8, 1/4, 1/2 or 1; 0: the profile does not say. card_bytes: of the whole card. */
double mig_share(const char *profile, uint64_t card_bytes);

/* Links of all groups: to the host, within and between. Cards are dealt to groups by then. */
int join_links(struct join *j) MUST_CHECK;

#endif
