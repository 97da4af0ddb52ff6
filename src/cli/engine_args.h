/* engine_args.h - options -> how the engine is opened, the same for run and verify; and ctrl-C. */
#ifndef ENGINE_ARGS_H
#define ENGINE_ARGS_H

#include "catalog/quant.h"
#include "cli/options.h"
#include "engine/engine.h"
#include <signal.h>

/* backend, instruction set, threads, repacking, types of K and V, ubatch, context (0: not asked for). E_USAGE, E_FORMAT. */
int engine_options_from(struct engine_options *out, const struct options *o, const struct quants *q, struct error *err) MUST_CHECK;
/* A whole list "0,4096" of numbers up to max; *n of at most cap. A number given twice counts once. E_USAGE names the option. */
int list_from(uint64_t *out, unsigned *n, unsigned cap, const char *option, const char *text, uint64_t least, uint64_t max, struct error *err) MUST_CHECK;
/* A whole number up to high; text NULL leaves *out alone. */
int whole_from(uint64_t *out, const char *option, const char *text, uint64_t high, struct error *err) MUST_CHECK;
/* A number in [low, high]; text NULL leaves *out alone. */
int number_from(double *out, const char *option, const char *text, double low, double high, struct error *err) MUST_CHECK;
/* Set by SIGINT and SIGTERM from here on; a second one ends the program at once. */
const volatile sig_atomic_t *interrupt_flag(void);
enum { EXIT_INTERRUPTED = 130 };

#endif
