/* cpu_device.c - the CPU as a device: threads, memory, steps. "ref" is the same with the kernels that define the ops. */
#ifdef __linux__
#define _GNU_SOURCE 1                    /* MAP_ANONYMOUS, MADV_HUGEPAGE */
#endif
#include "engine/cpu.h"

#include "base/cpu_order.h"
#include "base/units.h"
#include "engine/weights_private.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int open_with(struct device **out, const struct matmul *mm, const struct ops *ops, const char *name, uint32_t threads, struct error *err)
{
	unsigned cpu[POOL_THREADS], may = cpu_order(cpu, POOL_THREADS), granted = cpu_quota(NULL);
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	struct device *d = calloc(1, sizeof *d);
	int rc;

	*out = NULL;
	if (!d)
		return error_set(err, E_NOMEM, "out of memory");
	if (!threads) {
		threads = may ? may : online > 0 ? (uint32_t)online : 1;
		threads = granted && granted < threads ? granted : threads;
		threads = threads < POOL_THREADS ? threads : POOL_THREADS;
	}
	*d = (struct device){ .mm = mm, .ops = ops, .name = name };
	/* More threads than processors would only wait for each other: no pinning then. Nor where time is granted instead of processors: the neighbours in the
	 * next container would be pinned to the same ones. Else neighbours in number share a memory node, as their rows lie side by side. */
	int pins = may >= threads && !(granted && granted < may);
	d->nodes = pins ? numa_group(cpu, threads, NULL) : numa_here();
	if ((rc = pool_open(&d->pool, threads, pins ? cpu : NULL, err)) != OK) {
		free(d);
		return rc;
	}
	d->threads = pool_threads(d->pool);
	*out = d;
	return OK;
}

static int cpu_open(struct device **out, const struct engine_options *o, struct error *err)
{
	const struct matmul *mm = matmul_best(o->isa);
	const struct ops *ops = ops_best(o->isa);

	if (!mm || !ops) {
		error_set(err, E_NODEV, "this processor has no kernels for \"%s\"", o->isa ? o->isa : "any");
		for (unsigned i = 0; matmuls[i]; i++)
			if (matmuls[i]->can())
				error_candidate(err, matmuls[i]->isa);
		return E_NODEV;
	}
	return open_with(out, mm, ops, "cpu", o->threads, err);
}
static int ref_open(struct device **out, const struct engine_options *o, struct error *err)
{
	const struct matmul *mm = matmul_best("ref");
	const struct ops *ops = ops_best("ref");

	if (!mm || !ops)
		return error_set(err, E_NODEV, "there are no reference kernels in this build");
	return open_with(out, mm, ops, "ref", o->threads, err);
}
static void cpu_close(struct device *d)
{
	if (!d)
		return;
	pool_close(d->pool);
	free(d);
}

static int cpu_info(struct device_info *out, const struct device *d, struct error *err)
{
	(void)err;
	*out = (struct device_info){ .name = d->name, .isa = d->mm->isa, .threads = d->threads, .pinned = (uint8_t)pool_pinned(d->pool) };
	return OK;
}
/* What is resident is verify's business (live/witness.h). */
static int cpu_memory(struct memory_now *out, const struct device *d, struct error *err)
{
	long page = sysconf(_SC_PAGESIZE), total = sysconf(_SC_PHYS_PAGES);

	if (page <= 0 || total <= 0)
		return error_set(err, E_NODEV, "the system does not say how much memory it has");
	*out = (struct memory_now){ .total_bytes = (uint64_t)total * (uint64_t)page, .free_bytes = memory_free_now(), .used_by_us_bytes = d->taken };
	return OK;
}

static int no_room(uint64_t bytes, uint64_t free_bytes, struct error *err)
{
	char need[32], have[32];

	if (free_bytes)
		error_set(err, E_NOMEM, "caches, buffers and repacked weights take %s, but %s is free now", format_bytes(need, sizeof need, bytes), format_bytes(have, sizeof have, free_bytes));
	else
		error_set(err, E_NOMEM, "the system has no %s left", format_bytes(need, sizeof need, bytes));
	error_hint(err, "a shorter context (-c), fewer sequences (-np) or a smaller --kv-type take less");
	return E_NOMEM;
}

int cpu_map(struct buffer **out, struct device *d, uint64_t bytes, struct error *err)
{
	struct buffer *b = calloc(1, sizeof *b);
	uint64_t whole = u64_round_up(bytes ? bytes : 1, (uint64_t)sysconf(_SC_PAGESIZE));

	*out = NULL;
	if (!b)
		return error_set(err, E_NOMEM, "out of memory");
	void *p = bytes >> 62 ? MAP_FAILED : mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED) {
		free(b);
		return no_room(whole, 0, err);
	}
	d->taken += whole;
#ifdef MADV_HUGEPAGE
	if (whole >= 64u << 20)
		(void)madvise(p, whole, MADV_HUGEPAGE);  /* fewer misses of the page tables' cache; only ever a wish */
#endif
	*b = (struct buffer){ .bytes = whole, .host = p };
	*out = b;
	return OK;
}

/* A system that promises more than it has kills the process once the pages are touched, so it is asked now; what was taken before may be untouched still. */
int cpu_alloc(struct buffer **out, struct device *d, uint64_t bytes, struct error *err)
{
	const uint64_t free_now = memory_free_now();
	uint64_t all;

	*out = NULL;
	(void)u64_add(&all, d->taken, bytes);
	return free_now && all > free_now ? no_room(all, free_now, err) : cpu_map(out, d, bytes, err);
}

/* Caches and states: which thread reads which part depends on the step (heads of one sequence, sequences, blocks of a prompt), so pages come from every node in turn. */
static int alloc_spread(struct buffer **out, struct device *d, uint64_t bytes, struct error *err)
{
	int rc = cpu_alloc(out, d, bytes, err);

	if (rc == OK)
		(void)numa_spread((*out)->host, (*out)->bytes, d->nodes, d->bind);
	return rc;
}

void cpu_free(struct buffer *b)
{
	if (!b)
		return;
	munmap(b->host, b->bytes);
	free(b);
}
static int cpu_put(struct buffer *dst, uint64_t at, const void *src, uint64_t bytes, struct error *err)
{
	if (at > dst->bytes || bytes > dst->bytes - at)
		return error_set(err, E_USAGE, "%llu bytes at %llu are outside a buffer of %llu", (unsigned long long)bytes, (unsigned long long)at, (unsigned long long)dst->bytes);
	memcpy((char *)dst->host + at, src, bytes);
	return OK;
}
static int cpu_get(void *dst, const struct buffer *src, uint64_t at, uint64_t bytes, struct error *err)
{
	if (at > src->bytes || bytes > src->bytes - at)
		return error_set(err, E_USAGE, "%llu bytes at %llu are outside a buffer of %llu", (unsigned long long)bytes, (unsigned long long)at, (unsigned long long)src->bytes);
	memcpy(dst, (const char *)src->host + at, bytes);
	return OK;
}

/* ---- steps ---- */

static void walk(void *user, unsigned thread, unsigned threads)
{
	struct program *p = user;

	(void)threads;
	for (uint32_t i = 0; i < p->n; i++) {
		const struct xop *o = &p->x[i];
		if (o->sync[p->mode])
			pool_barrier(p->dev->pool);
		o->run(p, o, thread);
	}
}

static void begin(struct program *p, const struct step *s)
{
	p->step = s;
	p->tokens = s->n_tokens;
	p->outputs = s->n_outputs;
	p->mode = s->n_tokens == 1 ? ONE : MANY;
	p->n_runs = 0;
	for (uint32_t t = 0; t < s->n_tokens; t++) {
		struct token_run *r = p->n_runs ? &p->runs[p->n_runs - 1] : NULL;
		if (r && r->slot == (uint32_t)s->slot[t]) {
			r->n++;
			continue;
		}
		p->runs[p->n_runs++] = (struct token_run){ .token = t, .n = 1, .slot = (uint32_t)s->slot[t], .first = (uint32_t)s->position[t] };
	}
	for (uint32_t i = 0; i < p->n; i++)
		atomic_store_explicit(&p->next[i], 0, memory_order_relaxed);
}

static int cpu_run(struct program *p, const struct step *s, struct error *err)
{
	(void)err;
	begin(p, s);
	pool_run(p->dev->pool, p->dev->threads, walk, p);
	return OK;
}
static int cpu_wait(struct program *p, struct error *err)
{
	(void)p;
	(void)err;
	return OK;
}
static float *cpu_logits(const struct program *p) { return (float *)((char *)p->act + p->b->logits_at); }

static void cpu_program_info(struct program_info *out, const struct program *p)
{
	const struct weights *w = p->b->weights;

	*out = (struct program_info){ .weights_bytes = p->weights_bytes, .repacked_bytes = p->repacked_bytes, .scratch_bytes = p->work->bytes - p->b->arena_bytes };
	for (uint32_t i = 0; i < w->n_maps && out->n_regions + 4 < ENGINE_REGIONS; i++)       /* then packed, compute, and the engine's two */
		out->region[out->n_regions++] = (struct engine_region){ "weights", w->map[i].at, w->map[i].bytes };
	if (p->packed)
		out->region[out->n_regions++] = (struct engine_region){ "weights", p->packed->host, p->packed->bytes };
	out->region[out->n_regions++] = (struct engine_region){ "compute", p->work->host, p->work->bytes };
}

#define CPU_BACKEND(n, o) { .name = n, .open = o, .close = cpu_close, .info = cpu_info, .memory = cpu_memory, .alloc = alloc_spread, .free = cpu_free, .put = cpu_put, .get = cpu_get, \
	.can = cpu_can, .prepare = cpu_prepare, .program_info = cpu_program_info, .run = cpu_run, .wait = cpu_wait, .logits = cpu_logits, .drop = cpu_drop }
const struct backend backend_cpu = CPU_BACKEND("cpu", cpu_open);
const struct backend backend_ref = CPU_BACKEND("ref", ref_open);

const struct backend *backend_find(const char *name)
{
	static const struct backend *const all[] = { &backend_cpu, &backend_ref };

	for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
		if (!name || !strcmp(all[i]->name, name))
			return all[i];
	return NULL;
}
