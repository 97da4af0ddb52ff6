/* hardware_figure.h - numbers of hardware.d with their sources: what hardware_yaml.c reads every figure through. */
#ifndef HARDWARE_FIGURE_H
#define HARDWARE_FIGURE_H

#include "base/known.h"
#include "base/yaml.h"

struct source;

enum { NO_SOURCE = -1 };

/* Where the figures of one file are read. */
struct figures {
	const struct ydoc *d;
	struct arena *a;
	struct error *err;
	struct source *sources;
	uint16_t n_sources;
	const char *unverified;                  /* a sentence, once a memory size with such a source was read */
};

/* Reads `sources:` of the entry: {KEY: {what, where, confidence}}. */
int figures_sources(struct figures *f, struct ynode *root) MUST_CHECK;
/* *out: the block's own `source:`, else `inherited`. */
int figures_source(int *out, const struct figures *f, struct ynode *map, int inherited) MUST_CHECK;
/* A number times `scale`, or {value, source}, or `unknown`. Absent or unknown: *out stays as it is. */
int figures_known(struct known *out, const struct figures *f, struct ynode *map, const char *key, int source, double scale,
	double max) MUST_CHECK;
/* The same for exact byte counts, which are never 0 when known: `unknown` sets *out to 0, absent leaves it. */
int figures_bytes(uint64_t *out, struct figures *f, struct ynode *map, const char *key, int source, uint64_t scale) MUST_CHECK;
/* The same; *at is 1 + the index of its source once it is known. */
int figures_bytes_at(uint64_t *out, uint16_t *at, struct figures *f, struct ynode *map, const char *key, int source, uint64_t scale) MUST_CHECK;
/* A plain list of words; `unknown` entries are left out. NULL-ended, never NULL. */
int figures_words(const char *const **out, const struct figures *f, struct ynode *map, const char *key) MUST_CHECK;
/* A word; `unknown` is NULL. */
int figures_word(const char **out, const struct figures *f, struct ynode *map, const char *key) MUST_CHECK;
/* A small count (cores, lanes, cards): no source is asked for; `unknown` leaves *out alone. */
int figures_count(uint32_t *out, const struct figures *f, struct ynode *map, const char *key, uint32_t min,
	uint32_t max) MUST_CHECK;

#endif
