/* pool.h - worker threads that run one function together: they spin for a moment, then sleep.
 *
 * The caller is thread 0 of every run. A run costs about a microsecond while the workers still spin, some ten when they sleep.
 * One thread opens, uses and closes a pool; two pools may run at once. Not here: what to run on which thread (kernels, engine). */
#ifndef POOL_H
#define POOL_H

#include "base/error.h"

enum { POOL_THREADS = 1024 };

struct thread_pool;

/* thread: 0 to n_threads - 1. */
typedef void pool_fn(void *user, unsigned thread, unsigned n_threads);

/* A pool of `threads` (1 to POOL_THREADS) with the caller among them. cpu: `threads` numbers of processors to stay on, the
 * caller's while the pool is open (threads it starts meanwhile stay there too); NULL: the system places them. The list is not kept.
 * E_USAGE: that many threads are not possible; E_NOMEM: the system gives no more threads (the error says how many it gave). The
 * caller closes *out. */
int pool_open(struct thread_pool **out, unsigned threads, const unsigned *cpu, struct error *err) MUST_CHECK;
void pool_close(struct thread_pool *p);              /* NULL allowed; puts the caller back where it was allowed to run */

unsigned pool_threads(const struct thread_pool *p);
/* 1: every thread stays on the processor that was asked for. 0: none was, or the system cannot or will not. */
int pool_pinned(const struct thread_pool *p);

/* Runs fn on threads 0 to n_threads - 1 (cut to the pool's) and returns when all are done. What they wrote is then seen. */
void pool_run(struct thread_pool *p, unsigned n_threads, pool_fn *fn, void *user);
/* Inside fn: waits until all threads of this run are here. All of them must call it equally often. */
void pool_barrier(struct thread_pool *p);

#endif
