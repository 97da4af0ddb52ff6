/* pool.c - worker threads: gates that are waited for by spinning first, sleeping later */
#ifdef __linux__
#define _GNU_SOURCE 1                    /* pthread_setaffinity_np */
#endif
#include "base/pool.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	SPIN_NS = 50000,                 /* two wake-ups of a sleeping thread: a run that follows within this finds the workers awake */
	LINE = 128                       /* two cache lines: some processors fetch them in pairs */
};

/* A number that changes, and those who wait for the change. */
struct gate {
	_Alignas(LINE) atomic_uint_least64_t value;
	atomic_uint sleepers;
	pthread_mutex_t lock;
	pthread_cond_t changed;
};
/* JOB: run number << JOB_BITS | threads that take part, so that one load tells a worker all of it. DONE: number of the last run
 * that is finished. PHASE: of the barrier. */
enum { JOB, DONE, PHASE, GATES };
enum { JOB_BITS = 11, JOB_MASK = (1 << JOB_BITS) - 1 };
_Static_assert((int)POOL_THREADS < (int)JOB_MASK, "the number of threads fits its bits; all ones: stop");
struct worker { struct thread_pool *pool; unsigned index; pthread_t id; };
struct thread_pool {
	struct gate gate[GATES];
	_Alignas(LINE) atomic_uint left; /* workers still in the run */
	_Alignas(LINE) atomic_uint arrived;
	pool_fn *fn;
	void *user;
	unsigned n_threads;              /* of this run */
	uint64_t run;
	unsigned threads, started, gates, own;   /* own: the caller's processor */
	int spins, pinned;
	struct worker *worker;           /* threads; [0] is the caller and has no thread of its own */
#ifdef __linux__
	cpu_set_t before;                /* where the caller might run */
#endif
	int restore;
};

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int gate_init(struct gate *g)
{
	atomic_init(&g->value, 0);
	atomic_init(&g->sleepers, 0);
	if (pthread_mutex_init(&g->lock, NULL))
		return -1;
	if (!pthread_cond_init(&g->changed, NULL))
		return 0;
	pthread_mutex_destroy(&g->lock);
	return -1;
}

static void gate_free(struct gate *g)
{
	pthread_cond_destroy(&g->changed);
	pthread_mutex_destroy(&g->lock);
}

/* Both sides use the strongest order: either the waiter sees the new value before it sleeps, or the poster sees the sleeper. */
static void gate_post(struct gate *g, uint64_t value)
{
	atomic_store(&g->value, value);
	if (!atomic_load(&g->sleepers))
		return;
	pthread_mutex_lock(&g->lock);
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
}

/* Waits until the value is not `old`; returns it. */
static uint64_t gate_wait(struct gate *g, uint64_t old, int spin)
{
	uint64_t until = 0, v;

	for (unsigned i = 0; spin; i++) {
		if ((v = atomic_load_explicit(&g->value, memory_order_acquire)) != old)
			return v;
		relax();
		if (i % 64 == 63) {
			uint64_t t = now_ns();
			if (!until)
				until = t + SPIN_NS;
			else if (t > until)
				break;
		}
	}
	pthread_mutex_lock(&g->lock);
	atomic_fetch_add(&g->sleepers, 1);
	while ((v = atomic_load(&g->value)) == old)
		pthread_cond_wait(&g->changed, &g->lock);
	atomic_fetch_sub(&g->sleepers, 1);
	pthread_mutex_unlock(&g->lock);
	return v;
}

#ifdef __linux__
static int pin(unsigned cpu)
{
	cpu_set_t set;

	if (cpu >= CPU_SETSIZE)
		return -1;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

static int processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof set, &set) ? -1 : CPU_COUNT(&set);
}
#else
static int pin(unsigned cpu) { (void)cpu; return -1; }
static int processors(void) { return -1; }
#endif

static void *work(void *arg)
{
	struct worker *w = arg;
	struct thread_pool *p = w->pool;
	uint64_t job = 0;

	for (;;) {
		job = gate_wait(&p->gate[JOB], job, p->spins);
		unsigned n = (unsigned)(job & JOB_MASK);
		if (n == JOB_MASK)
			return NULL;
		if (w->index >= n)
			continue;
		p->fn(p->user, w->index, n);
		if (atomic_fetch_sub(&p->left, 1) == 1)
			gate_post(&p->gate[DONE], job >> JOB_BITS);
	}
}

struct pinning { const unsigned *cpu; atomic_uint failed; };

static void pin_thread(void *user, unsigned thread, unsigned n_threads)
{
	struct pinning *pinning = user;

	(void)n_threads;
	if (pin(pinning->cpu[thread]))
		atomic_fetch_add(&pinning->failed, 1);
}

static void pin_all(struct thread_pool *p, const unsigned *cpu)
{
	struct pinning pinning = { .cpu = cpu };

	atomic_init(&pinning.failed, 0);
#ifdef __linux__
	p->restore = !pthread_getaffinity_np(pthread_self(), sizeof p->before, &p->before);
	p->own = cpu[0];
#endif
	pool_run(p, p->threads, pin_thread, &pinning);
	p->pinned = !atomic_load(&pinning.failed);
}

#ifdef __linux__
/* Of two pools that are open at once the first may be closed first: the other's caller is then where it was, not on the first one's processor. */
static void restore(const struct thread_pool *p)
{
	cpu_set_t now;

	if (p->restore && !pthread_getaffinity_np(pthread_self(), sizeof now, &now) && CPU_COUNT(&now) == 1 && CPU_ISSET(p->own, &now))
		pthread_setaffinity_np(pthread_self(), sizeof p->before, &p->before);
}
#endif

static void release(struct thread_pool *p)
{
	while (p->gates)
		gate_free(&p->gate[--p->gates]);
	free(p->worker);
	free(p);
}

int pool_open(struct thread_pool **out, unsigned threads, const unsigned *cpu, struct error *err)
{
	struct thread_pool *p = NULL;
	int may = processors();

	*out = NULL;
	if (threads < 1 || threads > POOL_THREADS)
		return error_set(err, E_USAGE, "%u threads: from 1 to %d", threads, POOL_THREADS);
	if (posix_memalign((void **)&p, LINE, sizeof *p))
		return error_set(err, E_NOMEM, "out of memory");
	memset(p, 0, sizeof *p);
	p->worker = calloc(threads, sizeof *p->worker);
	while (p->worker && p->gates < GATES && !gate_init(&p->gate[p->gates]))
		p->gates++;
	if (p->gates < GATES) {
		release(p);
		return error_set(err, E_NOMEM, "out of memory");
	}
	atomic_init(&p->left, 0);
	atomic_init(&p->arrived, 0);
	p->threads = threads;
	/* a thread that spins on a processor that another needs only delays it */
	p->spins = may < 0 || threads <= (unsigned)may;
	for (p->started = 1; p->started < threads; p->started++) {
		struct worker *w = &p->worker[p->started];
		*w = (struct worker){ .pool = p, .index = p->started };
		int e = pthread_create(&w->id, NULL, work, w);
		if (e) {
			error_set(err, E_NOMEM, "thread %u of %u: %s", p->started + 1, threads, strerror(e));
			pool_close(p);
			return E_NOMEM;
		}
	}
	if (cpu)
		pin_all(p, cpu);
	*out = p;
	return OK;
}

void pool_close(struct thread_pool *p)
{
	if (!p)
		return;
	gate_post(&p->gate[JOB], (p->run + 1) << JOB_BITS | JOB_MASK);
	for (unsigned i = 1; i < p->started; i++)
		pthread_join(p->worker[i].id, NULL);
#ifdef __linux__
	restore(p);
#endif
	release(p);
}

unsigned pool_threads(const struct thread_pool *p) { return p->threads; }
int pool_pinned(const struct thread_pool *p) { return p->pinned; }

void pool_run(struct thread_pool *p, unsigned n_threads, pool_fn *fn, void *user)
{
	unsigned n = n_threads < 1 ? 1 : n_threads < p->threads ? n_threads : p->threads;

	p->n_threads = n;
	if (n == 1) {                    /* nobody to wake */
		fn(user, 0, 1);
		return;
	}
	const uint64_t before = p->run++;
	p->fn = fn;
	p->user = user;
	atomic_store_explicit(&p->left, n - 1, memory_order_relaxed);
	gate_post(&p->gate[JOB], p->run << JOB_BITS | n);
	fn(user, 0, n);
	/* the last worker out posts the number of this run: the one before it is what the gate showed until then */
	while (gate_wait(&p->gate[DONE], before, p->spins) != p->run)
		;
}

void pool_barrier(struct thread_pool *p)
{
	if (p->n_threads == 1)
		return;
	uint64_t phase = atomic_load(&p->gate[PHASE].value);
	if (atomic_fetch_add(&p->arrived, 1) == p->n_threads - 1) {
		atomic_store(&p->arrived, 0);
		gate_post(&p->gate[PHASE], phase + 1);
	} else {
		gate_wait(&p->gate[PHASE], phase, p->spins);
	}
}
