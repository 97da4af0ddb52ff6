/* model_read.h - what the readers of models.d and of the lists in data/ share: one context, and readers that stop at the first
 * error. Private to model_*.c, licence.c, use_case.c and price.c. */
#ifndef MODEL_READ_H
#define MODEL_READ_H

#include "catalog/model_yaml.h"

enum { MAX_ASKED = 128, MAX_SOURCES = 256, MAX_WARNINGS = 64, MAX_LIST = 256, NO_SOURCE = ENTRY_NO_SOURCE };

struct model_read {
	const struct ydoc *d;
	struct arena *a;
	struct error *err;
	int rc;                              /* the first error; once it is set every reader returns without doing anything */
	struct source *sources;              /* of `sources:` */
	uint16_t n_sources;
	struct model_entry *e;               /* of models.d only, these three and the parts */
	struct model_spec *m;
	const struct ynode *part_nodes[MAX_PARTS];
	uint8_t part_used[MAX_PARTS];
	const char *warnings[MAX_WARNINGS];
	uint16_t inherited;                  /* the entry's own `source:`; NO_SOURCE */
	uint8_t norms;                       /* enum norm_at: the entry's default */
	uint8_t without_sources;             /* they were left out of the text: keys of sources are not looked up */
	const char *asked[MAX_ASKED];        /* keys asked for, of the maps that are open: what a misspelt key is compared with */
	unsigned n_asked;
};

/* A map is read between these two; close names the first key that nobody asked for, with the nearest that somebody did.
 * n may be NULL (absent): nothing is read then. Returns the mark for close. */
unsigned mr_open(struct model_read *r, const struct ynode *n);
void mr_close(struct model_read *r, const struct ynode *n, unsigned mark);

struct ynode *mr_get(struct model_read *r, struct ynode *map, const char *key);
/* The child as a map or sequence, or NULL when it is absent. */
struct ynode *mr_map(struct model_read *r, struct ynode *map, const char *key);
struct ynode *mr_seq(struct model_read *r, struct ynode *map, const char *key);
void mr_str(struct model_read *r, const char **out, struct ynode *map, const char *key, int need);
void mr_u8(struct model_read *r, uint8_t *out, struct ynode *map, const char *key, uint32_t min, uint32_t max);
void mr_u32(struct model_read *r, uint32_t *out, struct ynode *map, const char *key, uint32_t min, int need);
void mr_u64(struct model_read *r, uint64_t *out, struct ynode *map, const char *key, uint64_t min, int need);
/* "unknown" leaves *out alone. */
void mr_u32_or_unknown(struct model_read *r, uint32_t *out, struct ynode *map, const char *key);
void mr_f64_or_unknown(struct model_read *r, double *out, struct ynode *map, const char *key);
void mr_f32(struct model_read *r, float *out, struct ynode *map, const char *key);
void mr_bool(struct model_read *r, uint8_t *out, struct ynode *map, const char *key);
void mr_enum(struct model_read *r, uint8_t *out, struct ynode *map, const char *key, const char *const *names, int need);
/* A list of strings, NULL-ended, in the arena; absent: empty. */
const char *const *mr_list(struct model_read *r, struct ynode *map, const char *key);
/* A number, or {value, source}; or "unknown". */
void mr_known(struct model_read *r, struct known *out, struct ynode *map, const char *key);

/* `schema:`, which must be 1; `sources:` and `source:`, which must come before anything that names a source. */
void mr_schema(struct model_read *r, struct ynode *root);
void mr_sources(struct model_read *r, struct ynode *root);
/* Starts on a file of data/: a map with a schema and sources. */
void mr_start_data(struct model_read *r, struct arena *a, const struct ydoc *d, struct error *err);
/* "YYYY", "YYYY-MM" or "YYYY-MM-DD"; "unknown" leaves *out alone. */
void mr_date(struct model_read *r, const char **out, struct ynode *map, const char *key, int need);
/* Lower-case letters, digits, '.' and '-', at most 60: an id is a file name and a word on the command line. */
void mr_id(struct model_read *r, const struct ynode *at, const char *key, const char *id);
/* The block's `source:` or the entry's, as an index into the sources; an error when there is neither. */
uint16_t mr_source(struct model_read *r, struct ynode *map);
/* Index of a name among n, or -1; the error at `at` says what it is not ("kind x: no part y") and lists near matches. */
int mr_find(struct model_read *r, const struct ynode *at, const char *name, const char *const *names, unsigned n,
	const char *what);
void mr_fail(struct model_read *r, const struct ynode *n, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Memory of the arena; sets E_NOMEM. n 0 is allowed. */
void *mr_alloc(struct model_read *r, size_t n, size_t size);

/* model_parts.c: parts: */
void mr_parts(struct model_read *r, struct ynode *root);
/* model_layers.c: model:, rope:, kinds:, layers:, mtp:, encoders: */
void mr_model(struct model_read *r, struct ynode *root);
void mr_ropes(struct model_read *r, struct ynode *root);
void mr_kinds(struct model_read *r, struct ynode *root);
void mr_layers(struct model_read *r, struct ynode *root);
void mr_mtp(struct model_read *r, struct ynode *root);
void mr_encoders(struct model_read *r, struct ynode *root);

#endif
