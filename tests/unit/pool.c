/* pool.c - the thread pool: who runs, what is seen afterwards, barriers, sleeping workers, processors
 *
 * tests/cli/threads.t builds this file once more under ThreadSanitizer, whole and with the barrier left out (NO_BARRIER). */
#ifdef __linux__
#define _GNU_SOURCE 1
#endif
#include "base/pool.h"

#include "../tap.h"

#include <sched.h>
#include <time.h>

#ifdef NO_BARRIER
#define barrier(p) ((void)(p))
#else
#define barrier(p) pool_barrier(p)
#endif

enum { MOST = 7 };
/* Plain numbers on purpose: only the pool orders what the threads write and read. */
struct shared {
	struct thread_pool *pool;
	unsigned seen[MOST], n[MOST], value[MOST], wrong[MOST], rounds, given;
	int cpu[MOST];
};

static void nap(long ns)
{
	struct timespec t = { 0, ns };

	nanosleep(&t, NULL);
}

/* Each round every thread writes its number, and after the barrier reads all of them. */
static void meet(void *user, unsigned thread, unsigned n)
{
	struct shared *s = user;

	s->seen[thread]++;
	s->n[thread] = n;
	for (unsigned r = 0; r < s->rounds; r++) {
		s->value[thread] = s->given + r * 10 + thread;
		barrier(s->pool);
		for (unsigned i = 0; i < n; i++)
			s->wrong[thread] += s->value[i] != s->given + r * 10 + i;
		barrier(s->pool);
	}
}

static int met(struct shared *s, unsigned threads, unsigned runs)
{
	for (unsigned i = 0; i < MOST; i++)
		if (s->seen[i] != (i < threads ? runs : 0) || s->wrong[i] || (i < threads && s->n[i] != threads))
			return 0;
	return 1;
}

static void runs(unsigned threads)
{
	struct error e = { 0 };
	struct shared s = { .rounds = 5 };
	unsigned all = 1;

	if (pool_open(&s.pool, threads, NULL, &e) != OK) {
		ok(0, "%u threads: %s", threads, e.text);
		return;
	}
	is_u64(pool_threads(s.pool), threads, "a pool of %u", threads);
	for (unsigned i = 0; i < 200; i++) {
		s.given = i * 1000;
		if (i % 50 == 49)
			nap(2000000);            /* long enough for the workers to sleep */
		pool_run(s.pool, threads, meet, &s);
	}
	ok(met(&s, threads, 200), "%u threads, 200 runs, 5 rounds each: all meet, all see", threads);
	/* fewer, and ever another number of them: those who are left out must not fall behind */
	for (unsigned i = 0; i < 300; i++) {
		unsigned n = 1 + i * 7 % threads;
		struct shared t = { .pool = s.pool, .rounds = i % 3, .given = i };
		pool_run(s.pool, n, meet, &t);
		all &= (unsigned)met(&t, n, 1);
	}
	ok(all, "%u threads: 300 runs of some of them", threads);
	struct shared t = { .pool = s.pool, .rounds = 1 };
	pool_run(s.pool, 1000, meet, &t);
	ok(met(&t, threads, 1), "more than there are: all of them");
	t = (struct shared){ .pool = s.pool, .rounds = 1 };
	pool_run(s.pool, 0, meet, &t);
	ok(met(&t, 1, 1), "none: the caller alone");
	pool_close(s.pool);
}

static void where(void *user, unsigned thread, unsigned n)
{
	struct shared *s = user;

	(void)n;
#ifdef __linux__
	s->cpu[thread] = sched_getcpu();
#else
	s->cpu[thread] = -1;
#endif
}

static void processors(void)
{
#ifdef __linux__
	struct error e = { 0 };
	struct shared s = { 0 };
	cpu_set_t before, after;
	unsigned cpu[2] = { 0, 0 }, n = 0;
	int stays = 1;

	CPU_ZERO(&before);
	if (sched_getaffinity(0, sizeof before, &before)) {
		skip("the system does not say", "processors to run on");
		return;
	}
	for (unsigned i = 0; i < CPU_SETSIZE && n < 2; i++)
		if (CPU_ISSET(i, &before))
			cpu[n++] = i;
	if (n == 1)
		cpu[1] = cpu[0];
	ok(pool_open(&s.pool, 2, cpu, &e) == OK && pool_pinned(s.pool), "two threads on processors %u and %u", cpu[0], cpu[1]);
	for (unsigned i = 0; i < 50; i++) {
		pool_run(s.pool, 2, where, &s);
		stays &= s.cpu[0] == (int)cpu[0] && s.cpu[1] == (int)cpu[1];
	}
	ok(stays, "stay there");
	pool_close(s.pool);
	ok(!sched_getaffinity(0, sizeof after, &after) && CPU_EQUAL(&before, &after), "the caller may run where it might before");
	/* a second pool takes over its caller's processor, and either may be closed first */
	struct thread_pool *other = NULL;
	for (int first = 0; first < 2; first++) {
		if (!ok(pool_open(&s.pool, 2, cpu, &e) == OK && pool_open(&other, 1, cpu, &e) == OK, "two pools at once"))
			continue;
		pool_close(first ? s.pool : other);
		pool_close(first ? other : s.pool);
		ok(!sched_getaffinity(0, sizeof after, &after) && CPU_EQUAL(&before, &after), "the %s closed first: the caller is where it was", first ? "older" : "younger");
	}
	cpu[1] = 100000;
	ok(pool_open(&s.pool, 2, cpu, &e) == OK && !pool_pinned(s.pool), "a processor that is not there: said, not fatal");
	pool_run(s.pool, 2, where, &s);
	pool_close(s.pool);
	ok(!sched_getaffinity(0, sizeof after, &after) && CPU_EQUAL(&before, &after), "and put back all the same");
#else
	skip("not on this system", "processors to run on");
#endif
}

int main(void)
{
	struct error e = { 0 };
	struct thread_pool *p;

	for (unsigned t = 1; t <= MOST; t++)
		runs(t);
	processors();
	ok(pool_open(&p, 0, NULL, &e) == E_USAGE && !p, "no threads: %s", e.text);
	ok(pool_open(&p, POOL_THREADS + 1, NULL, &e) == E_USAGE && !p, "too many: %s", e.text);
	for (unsigned i = 0; i < 100; i++) {
		if (pool_open(&p, 3, NULL, &e) != OK)
			break;
		pool_close(p);
		p = NULL;
	}
	ok(!p, "opened and closed a hundred times, never run");
	pool_close(NULL);
	return done_testing();
}
