/* engine_read.h - the figures of data/engines.yaml. Private to engine.c.
 *
 * Every reader takes a key of r->engine (or of the map given), leaves *out alone when it is absent or unknown, and insists on a
 * source that is among the engine's. */
#ifndef ENGINE_READ_H
#define ENGINE_READ_H

#include "base/yaml.h"
#include "catalog/engine.h"

struct engine_reader {
	const struct ydoc *d;
	struct arena *a;
	const struct quants *q;
	struct error *err;
	struct ynode *engine, *sources;  /* of the engine being read */
};

int engine_no_memory(struct engine_reader *r);
/* source: KEY of a figure. */
int engine_check_source(struct engine_reader *r, struct ynode *n) MUST_CHECK;
/* *n = the map under key; NULL when absent or unknown. Its source is checked. */
int engine_find_figure(struct ynode **n, struct engine_reader *r, struct ynode *map, const char *key) MUST_CHECK;
int engine_read_u32(uint32_t *out, struct engine_reader *r, const char *key, uint32_t max) MUST_CHECK;
int engine_read_u64(uint64_t *out, struct engine_reader *r, const char *key) MUST_CHECK;
int engine_read_flag(uint8_t *out, struct engine_reader *r, const char *key) MUST_CHECK;
/* Above 0, at most 1. */
int engine_read_share(double *out, struct engine_reader *r, const char *key) MUST_CHECK;
/* [a, b, c] as a NULL-ended list of strings; *count is their number. */
int engine_read_words(const char *const **out, unsigned *count, struct engine_reader *r, const struct ynode *n) MUST_CHECK;
/* {value: [phi3], source: KEY} */
int engine_read_archs(const char *const **out, struct engine_reader *r, const char *key) MUST_CHECK;
/* {value, basis, source}; unknown overrides what `like` gave. */
int engine_read_known(struct known *out, struct engine_reader *r, struct ynode *map, const char *key) MUST_CHECK;
/* {low, value, high, basis, source} */
int engine_read_range(struct figure *out, struct engine_reader *r, const char *key) MUST_CHECK;
/* {value: total, source: KEY}; names[0] is what absent or unknown means and no word of the file. */
int engine_read_pick(uint8_t *out, struct engine_reader *r, const char *key, const char *const *names) MUST_CHECK;
/* hardware, formats, kv_types, splits, host_offload, flags: see engine_use.c. */
int engine_read_use(struct engine_use *out, struct engine_reader *r) MUST_CHECK;
/* held_back: [{below: BYTES, bytes: N, source: KEY}]; the last without below. */
int engine_read_held(struct engine_profile *e, struct engine_reader *r) MUST_CHECK;

#endif
