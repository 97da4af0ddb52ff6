/* question.h - options -> struct question: one place that resolves defaults. */
#ifndef QUESTION_CLI_H
#define QUESTION_CLI_H

#include "cli/model_arg.h"
#include "cli/options.h"

/* The catalogue, opened by as many threads as help. */
int catalog_from(struct catalog **out, const struct options *o, struct error *err) MUST_CHECK;
/* Threads beyond a few have nothing left to do. */
enum { READING_THREADS = 8 };
/* As many threads as there are processors, READING_THREADS at most; NULL where the system gives none. pool_close() takes NULL. */
struct thread_pool;
struct thread_pool *pool_for_reading(void);
/* Engine, KV types, context, ...; the recipe too when --quant names one (else NULL: the ladder decides). */
/* --max-quant; NULL when it was not given. */
int best_quant(const struct recipe **out, const struct options *o, const struct settings *s, const struct catalog *c, struct error *err) MUST_CHECK;
int settings_from(struct settings *out, const struct options *o, const struct catalog *c, struct error *err) MUST_CHECK;
/* Puts the weights of a file, where there is one, in place of a recipe's. */
int weights_from(struct question *q, const struct model_arg *m, struct error *err) MUST_CHECK;
/* The machine of --on and --ram (a name, a file, a recording), or this machine as it is now. Only then it is looked at. E_NODEV: a GPU of it
 * is lost. found may be NULL; it is set to what the probe found, or to NULL for a machine that was named. */
struct machine;
int machine_from(struct hardware_spec *out, struct machine **found, struct arena *a, const struct options *o, struct catalog *c, struct error *err) MUST_CHECK;
/* Loads data/efficiency.yaml of the catalogue's folder. */
int efficiency_from(struct efficiency *out, struct arena *a, const struct catalog *c, struct error *err) MUST_CHECK;

#endif
