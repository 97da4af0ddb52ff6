/* fit.h - the rows of ullage fit, and what is said around them. Private to cmd_fit.c and fit_*.c. */
#ifndef FIT_H
#define FIT_H

#include "base/pool.h"
#include "calc/estimate.h"
#include "cli/model_arg.h"
#include "cli/options.h"
#include "cli/question.h"

/* Sections of the table, in order. */
enum fit_class { FIT_WHOLE, FIT_WHOLE_SLOW, FIT_OFFLOADED, FIT_OFFLOADED_SLOW, FIT_CLASSES };
struct fit_row {
	struct model_arg model;
	struct question q;
	struct estimate e;
	uint8_t class;                           /* enum fit_class */
	struct fit_row *same;                    /* an earlier row whose model has the same shapes: its answer is this one's; NULL: none */
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
	uint8_t everything;                      /* finetunes that nothing recommends, too */
	unsigned n_left_out;                     /* of them */
	struct fit_row **rows; unsigned n_rows;  /* those that fit, ranked; n_shown of them are printed */
	unsigned n_shown;
	struct fit_row **out; unsigned n_out;    /* rejected: too large, too slow, or in no format that the engine loads */
	struct closing closing;
	double seconds, probe_seconds;           /* of the answer; of finding out what this machine is (0: a named one) */
};

enum { MAX_WORKERS = READING_THREADS };
/* What the threads do to the rows, dealt out one by one. */
struct work {
	struct fit_row *row;
	struct fit_row **pick;                   /* second round: only these */
	unsigned n, left_out;
	const struct recipe *best;
	double min_tps;
	int whole_answer;                        /* JSON and CSV show all that estimate does */
	_Atomic unsigned next;
	struct arena scratch[MAX_WORKERS];
	struct error err[MAX_WORKERS];
	int rc[MAX_WORKERS];
};
/* A row for every model that has weights and passes the filters; E_MODEL: none does. Entries must have been read. */
int work_rows(struct work *w, const struct fit *f, struct catalog *c, const struct efficiency *eff, struct error *err) MUST_CHECK;
/* Each row at its quantisation, with verdict and decode speed; then, for the picked rows, what a table or a whole answer shows of them. */
int work_first(struct work *w, struct thread_pool *pool, struct error *err) MUST_CHECK;
int work_second(struct work *w, struct thread_pool *pool, struct error *err) MUST_CHECK;
void work_free(struct work *w);                  /* NULL allowed */
int work_wants(const struct model_entry *head, const void *asked);
int fit_by_params(const void *a, const void *b);         /* of two struct fit_row *: the most parameters first, then by id */
/* Fills f->closing when programs hold memory of the machine's cards: everything is weighed once more without them. */
struct machine;
int fit_if_closed(struct fit *f, const struct work *now, const struct machine *m, struct thread_pool *pool, struct arena *a, struct error *err) MUST_CHECK;
/* The answer as a table, and why a model is not in it. */
void fit_text(const struct fit *f);
const char *fit_reason(char *buf, size_t n, const struct fit *f, const struct fit_row *r);

#endif
