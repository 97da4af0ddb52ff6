/* weights_dummy.c - made-up weights in memory: planned, asked for, filled by all threads */
#define _DEFAULT_SOURCE 1                /* MAP_ANONYMOUS */
#include "engine/hyper_arch.h"
#include "engine/weights_private.h"

#include "base/numa.h"
#include "base/pool.h"
#include "base/units.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct filling { const struct weights *w; const struct store *s; struct fill_pattern *of; uint64_t seed; const volatile sig_atomic_t *stop; };   /* of: by index of format */

static void fill_share(void *user, unsigned thread, unsigned n_threads)
{
	const struct filling *f = user;

	for (uint32_t i = 0; i < f->s->n && !(f->stop && *f->stop); i++) {
		const struct stored *t = &f->s->t[i];
		weights_fill(t, &f->w->model, &f->of[t->format], f->seed, thread, n_threads);
	}
}

static int take(struct weights *w, struct store *s, uint64_t bytes, struct error *err)
{
	uint64_t free_now = memory_free_now();
	char need[32], have[32];

	format_bytes(need, sizeof need, bytes);
	format_bytes(have, sizeof have, free_now);
	if (free_now && bytes > free_now)
		return error_set(err, E_NOMEM, "%s: dummy weights take %s, but %s is free now", w->file, need, have);
	if (!(w->map = arena_alloc(&w->arena, sizeof *w->map)))
		return error_set(err, E_NOMEM, "out of memory");
	void *p = mmap(NULL, bytes ? (size_t)bytes : 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return error_set(err, E_NOMEM, "%s: dummy weights take %s: %s", w->file, need, strerror(errno));
	/* threads fill other parts than they will read */
	(void)numa_spread(p, u64_round_up(bytes, (uint64_t)sysconf(_SC_PAGESIZE)), numa_here(), NULL);
	w->map[0] = (struct weights_map){ p, bytes };
	w->n_maps = 1;
	w->made = 1;
	for (uint32_t i = 0; i < s->n; i++)
		s->t[i].data = (unsigned char *)p + (uintptr_t)s->t[i].data;
	return OK;
}

static int all_have_kernels(const struct weights *w, const struct store *s, struct error *err)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (weights_kernel_format(w->quants, s->t[i].format) == UINT32_MAX)
			return error_set(err, E_FORMAT, "%s: tensor " STORED_NAME_LIKE " would be %s, which no kernel reads yet", w->file, s->t[i].name,
				w->quants->formats[s->t[i].format].name);
	return OK;
}

static int fill(struct weights *w, const struct store *s, const struct dummy_options *o, struct error *err)
{
	struct thread_pool *pool = NULL;
	struct arena scratch = { 0 };
	struct filling f = { w, s, arena_array(&scratch, w->quants->n_formats, sizeof *f.of), o->seed, o->stop };
	int rc = f.of ? OK : error_set(err, E_NOMEM, "out of memory");

	for (uint32_t i = 0; i < s->n && rc == OK; i++) {
		uint16_t format = s->t[i].format;
		if (!f.of[format].p && !fill_pattern(&f.of[format], &scratch, kformat_find(weights_kernel_format(w->quants, format)), o->seed))
			rc = error_set(err, E_NOMEM, "out of memory");
	}
	if (rc == OK && (rc = pool_open(&pool, o->threads ? o->threads : 1, NULL, err)) == OK)
		pool_run(pool, pool_threads(pool), fill_share, &f);
	pool_close(pool);
	arena_free(&scratch);
	return rc;
}

static int build(struct weights *w, const struct model_spec *m, const struct recipe *r, const struct dummy_options *o, struct error *err)
{
	struct store s = { 0 };
	uint64_t sum, bytes;
	int rc;

	w->model = *m;
	w->dummy = 1;
	w->file = m->id;
	if (o->layers && o->layers < m->n_layers) {
		w->model.n_layers = o->layers;
		w->layers_of = m->n_layers;
	}
	if ((rc = hyper_refuse(m, err)) != OK || (rc = hyper_from_spec(&w->hyper, &w->arena, &w->model, err)) != OK)
		return rc;
	w->adjacent_rope = (uint8_t)hyper_adjacent(m->architecture);
	if ((rc = weights_plan(&s, &sum, &bytes, &w->arena, &w->model, &w->model, r, w->quants, err)) != OK || (rc = all_have_kernels(w, &s, err)) != OK)
		return rc;
	if ((rc = take(w, &s, bytes, err)) != OK || (rc = fill(w, &s, o, err)) != OK)
		return rc;
	if ((rc = weights_bind(w, &s, err)) != OK)
		return rc;
	w->stored = s.t;
	w->n_stored = s.n;
	return OK;
}

int weights_dummy(struct weights **out, const struct model_spec *m, const struct recipe *r, const struct dummy_options *o, const struct quants *q, struct error *err)
{
	struct weights *w = weights_new(q);
	int rc = w ? build(w, m, r, o, err) : error_set(err, E_NOMEM, "out of memory");

	*out = NULL;
	if (rc == OK)
		*out = w;
	else
		weights_close(w);
	return rc;
}
