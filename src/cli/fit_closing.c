/* fit_closing.c - what would fit if other programs gave their memory of the cards back */
#include "base/units.h"
#include "cli/fit.h"
#include "cli/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The machine with all that its processes hold given back, as far as the drivers tell how much that is. */
static int without_programs(struct hardware_spec *h, struct closing *c, const struct machine *m, struct arena *a, struct error *err)
{
	struct pool *pools = arena_array(a, m->spec.n_pools, sizeof *pools);
	size_t at = 0;

	if (!pools)
		return error_set(err, E_NOMEM, "out of memory");
	memcpy(pools, m->spec.pools, m->spec.n_pools * sizeof *pools);
	*h = m->spec;
	h->pools = pools;
	for (uint32_t i = 0; i < m->found.n_gpus; i++) {
		const struct probed_gpu *g = &m->found.gpu[i];
		uint64_t held = 0;
		if (m->match[i].group == PROBE_NO_GROUP)
			continue;
		for (uint32_t k = 0; k < g->n_processes; k++) {
			const struct probed_process *p = &g->process[k];
			char b[32];
			if (!p->bytes || u64_add(&held, held, p->bytes))
				continue;
			if (at < sizeof c->programs)
				at += (size_t)snprintf(c->programs + at, sizeof c->programs - at, "%s%s %s", at ? ", " : "", p->name ? p->name : "a program",
					format_bytes(b, sizeof b, p->bytes));
		}
		struct pool *pool = &pools[m->spec.groups[m->match[i].group].pool];
		/* a pool speaks of each of its cards by the one that has the least free: only what all of them got back would count */
		if (!held || m->spec.groups[m->match[i].group].per_node > 1 || !is_known(pool->free_bytes))
			continue;
		double most = (double)(pool->usable_bytes), then = pool->free_bytes.v + (double)held;
		c->freed_bytes += (uint64_t)((then < most ? then : most) - pool->free_bytes.v);
		pool->free_bytes.v = then < most ? then : most;
	}
	return OK;
}

/* What would fit wholly then and does not now. */
int fit_if_closed(struct fit *f, const struct work *now, const struct machine *m, struct thread_pool *pool, struct arena *a, struct error *err)
{
	struct hardware_spec h;
	struct work *w;
	const char **models = NULL;
	struct fit_row **more = NULL;
	int rc = without_programs(&h, &f->closing, m, a, err);

	if (rc != OK || !f->closing.freed_bytes)
		return rc;
	w = calloc(1, sizeof *w);
	more = calloc(now->n + 1, sizeof *more);
	if (!w || !more || !(w->row = calloc(now->n + 1, sizeof *w->row)) || !(models = arena_array(a, now->n + 1, sizeof *models))) {
		rc = error_set(err, E_NOMEM, "out of memory");
		goto out;
	}
	w->n = now->n;
	w->best = now->best;
	w->min_tps = now->min_tps;
	for (unsigned i = 0; i < now->n; i++) {
		w->row[i].model = now->row[i].model;
		w->row[i].q = now->row[i].q;
		w->row[i].q.settings = *f->settings;
		w->row[i].q.hardware = &h;
	}
	if ((rc = work_first(w, pool, err)) != OK)
		goto out;
	unsigned n = 0;
	for (unsigned i = 0; i < now->n; i++)
		if (w->row[i].rc == OK && w->row[i].e.verdict == FITS && !(now->row[i].rc == OK && now->row[i].e.verdict == FITS))
			more[n++] = &w->row[i];
	qsort(more, n, sizeof *more, fit_by_params);
	for (unsigned i = 0; i < n; i++)
		models[i] = more[i]->model.entry->id;
	f->closing.models = models;
	f->closing.n_models = n;
out:
	work_free(w);
	free(more);
	return rc;
}
