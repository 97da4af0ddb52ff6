/* models.h - what ullage models lists, checks and writes. Private to cmd_models.c, models_*.c and fit_models.c. */
#ifndef MODELS_H
#define MODELS_H

#include "calc/inventory.h"
#include "catalog/catalog.h"
#include "cli/columns.h"
#include "cli/fit.h"

struct model_row {
	const struct model_entry *e;
	struct counts counts;                    /* of e->spec; 0 without */
	uint64_t kv_1k;                          /* bytes, in f16 */
	const struct fit_row *fit;               /* NULL: --fits-on was not asked */
	const char *const *engines;              /* that are known to run it; NULL-ended, never NULL */
};

/* The list, with filters, as text, CSV or JSON. 1: no model is all of what was asked for. E_MODEL: a QUERY that nothing matches. */
int models_list(const struct options *o, struct catalog *c, struct error *err) MUST_CHECK;
/* --check FILE... 1: a file is invalid. */
int models_check(const struct options *o, struct catalog *c, struct error *err) MUST_CHECK;
/* --add FILE: a draft entry on stdout or into the file of -o. */
int models_add(const struct options *o, struct catalog *c, struct error *err) MUST_CHECK;

/* Bytes of 1024 more tokens by the architecture alone, K and V in a format ("f16"). E_FORMAT: rows do not divide into its blocks. */
int models_kv_1k(uint64_t *out, const struct model_spec *m, const struct catalog *c, const char *format, struct error *err) MUST_CHECK;

/* The rows of ullage fit for the machine of --fits-on: each model weighed once, at the quantisation that was asked for or the best that
 * fits. work_free() it; the machine lives in the arena. NULL in *out: no model passes the filters. */
int fit_models(struct work **out, const struct options *o, struct arena *a, struct catalog *c, struct error *err) MUST_CHECK;

#endif
