/* placement.h - where the layers go: pools, cuts, offload. Pure. Used by estimate.c and what stands on it.
 *
 * Ways to place a model: on one device; dealt over several in proportion to their memory (whole layers), or every layer cut up; with
 * the routed experts of some layers in host memory; with whole layers there; on the host alone; in a unified pool. */
#ifndef PLACEMENT_H
#define PLACEMENT_H

#include "calc/buffers.h"
#include "calc/estimate.h"

/* What a placement needs to know of a question, apart from where things go. */
struct parts {
	const struct question *q;
	struct footprint f;
	struct cache_bytes cache;
	struct buffer_plan plan;
	uint64_t input, output;
	const uint64_t *layer, *experts;         /* weights by layer, a file's own where there is one; experts NULL: not told apart */
	uint64_t experts_all;
};
/* The weights (anew for another recipe), and what depends on context and sequences (anew for others). parts->q is set by both. */
int parts_weights(struct parts *p, const struct question *q, struct arena *a, struct error *err) MUST_CHECK;
int parts_sizes(struct parts *p, const struct question *q, struct arena *a, struct error *err) MUST_CHECK;

/* The devices of the question's machine with their budgets, into out->device; E_AVAILABLE: none, or memory unknown. */
int place_devices(struct estimate *out, const struct question *q, struct error *err) MUST_CHECK;
/* The host's pool beside devices of their own; NULL: none given. */
const struct pool *place_host(const struct hardware_spec *h);
/* Is the first device one with memory of its own? */
int place_on_cards(const struct question *q);
/* Puts the layers where they are asked for or, where that is left open and they do not fit, as many as fit. Fills device, host, sum, verdict,
 * gpu_layers, cpu_moe, short_at. place_devices() must have been called on *out. E_USAGE: layers are asked into host memory of unknown size. */
int place_model(struct estimate *out, const struct parts *p, struct error *err) MUST_CHECK;
/* Which device holds layer i (n_layers: the output), or PLACED_HOST; of a placement whose layers are whole. */
enum { PLACED_HOST = -1 };
int place_of_layer(const struct estimate *e, uint32_t n_layers, uint32_t i);
/* Do the devices cut every layer up (tensor parallel) rather than hold whole ones? */
int place_cuts(const struct estimate *e, const struct question *q);

#endif
