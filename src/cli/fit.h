/* fit.h - the rows of ullage fit, and what is said around them. Private to cmd_fit.c and fit_text.c. */
#ifndef FIT_H
#define FIT_H

#include "calc/estimate.h"
#include "cli/model_arg.h"
#include "cli/options.h"

/* Sections of the table, in order. */
enum fit_class { FIT_WHOLE, FIT_WHOLE_SLOW, FIT_OFFLOADED, FIT_OFFLOADED_SLOW, FIT_CLASSES };
struct fit_row {
	struct model_arg model;
	struct question q;
	struct estimate e;
	uint8_t class;                           /* enum fit_class */
	int rc;                                  /* OK; E_FORMAT: no quantisation of it can be used; 1: does not fit; else an error */
	const char *why;                         /* of E_FORMAT */
};
/* What other programs hold of the cards' memory, and what would fit wholly if they were closed. */
struct closing {
	uint64_t freed_bytes;                    /* 0: nothing is held that the driver tells of */
	char programs[160];                      /* "ollama 5.2 GiB, python3 2.0 GiB" */
	const char *const *models; unsigned n_models;    /* ids that fit wholly then and do not now, the largest first */
};
struct fit {
	const struct options *o;
	const struct hardware_spec *machine;
	const struct settings *settings;
	double min_tps;
	struct fit_row **rows; unsigned n_rows;  /* those that fit, ranked; n_shown of them are printed */
	unsigned n_shown;
	struct fit_row **out; unsigned n_out;    /* rejected: too large, too slow, or in no format that the engine loads */
	struct closing closing;
	double seconds, probe_seconds;           /* of the answer; of finding out what this machine is (0: a named one) */
};
/* DIM note of one line: what would be typed for the next step, with the flags of this one. */
void fit_text(const struct fit *f);
const char *fit_reason(char *buf, size_t n, const struct fit *f, const struct fit_row *r);

#endif
