/* measure_run.h - one figure each: memory allocated, touched by the threads that read it, timed, checked. Used by measure.c. */
#ifndef MEASURE_RUN_H
#define MEASURE_RUN_H

#include "base/pool.h"
#include "cpu/rates.h"
#include "live/measure.h"

struct trial { struct thread_pool *pool; unsigned threads, runs; double run_s; struct busy *busy; };
/* Of each thread (POOL_THREADS): seconds it worked by the clock, and seconds of them it had a processor. */
struct busy { double wall, ran; char apart[112]; };
/* pool_run() on t->threads, with the times of each thread added to t->busy (may be NULL). */
void measure_threads(const struct trial *t, pool_fn *fn, void *job);

/* Seconds that `passes` take. */
typedef double passes_fn(void *job, unsigned long passes);
/* Median, shortest and longest time of one pass as value, min and max: t->runs runs (63 at most) of at least t->run_s each. */
void measure_timed(struct measured_row *out, const struct trial *t, passes_fn *fn, void *job);
/* Times of a pass made rates: the longest time is the least rate. */
void measure_as_rate(struct measured_row *out, double amount);
double measure_now_s(void);
uint64_t measure_next(uint64_t x);               /* pseudo-random numbers; the high bits are the good ones */

/* Each fills all of *out but kind and detail. E_NODEV: the result was wrong; E_NOMEM. */
int run_stream(struct measured_row *out, const struct trial *t, stream_sum_fn *sum, uint64_t bytes, struct error *err) MUST_CHECK;
int run_matvec(struct measured_row *out, const struct trial *t, enum rate_format f, const struct matvec_kernel *k, uint64_t bytes,
	struct error *err) MUST_CHECK;
int run_matrix(struct measured_row *out, const struct trial *t, enum rate_format f, const struct tile_kernel *k, struct error *err) MUST_CHECK;
void run_launch(struct measured_row *out, const struct trial *t);

#endif
