/* fit_work.c - the models of the catalogue weighed, on all processors */
#include "cli/fit.h"

#include "cli/filter.h"

#include <stdlib.h>
#include <string.h>

static void weigh(struct work *w, struct fit_row *r, struct arena *a, struct error *err)
{
	arena_reset(a);
	r->rc = r->q.settings.recipe ? estimate_memory(&r->e, &r->q, a, err) : estimate_ladder(&r->e, &r->q, w->best, a, err);
	if (r->rc == OK)
		r->rc = estimate_decode(&r->e, &r->q, a, err);
	if (r->rc != OK)
		return;
	int slow = r->e.decode_tps.basis != BASIS_UNKNOWN && r->e.decode_tps.value < w->min_tps;
	r->class = (uint8_t)(r->e.verdict == FITS ? slow ? FIT_WHOLE_SLOW : FIT_WHOLE : slow ? FIT_OFFLOADED_SLOW : FIT_OFFLOADED);
	if (r->e.verdict == DOES_NOT_FIT)
		r->rc = 1;
}

static void first_round(void *user, unsigned thread, unsigned n_threads)
{
	struct work *w = user;

	(void)n_threads;
	for (unsigned i; (i = w->next++) < w->n && w->rc[thread] == OK;) {
		struct fit_row *r = &w->row[i];
		if (r->same)
			continue;
		weigh(w, r, &w->scratch[thread], &w->err[thread]);
		/* no quantisation of it divides its rows, this engine cannot split it so, a size of it overflows: no row, no error */
		if (r->rc < 0 && r->rc != E_FORMAT && r->rc != E_USAGE)
			w->rc[thread] = r->rc;
		else if (r->rc < 0 && !(r->why = strdup(w->err[thread].text)))
			w->rc[thread] = error_set(&w->err[thread], E_NOMEM, "out of memory");
	}
}

static void second_round(void *user, unsigned thread, unsigned n_threads)
{
	struct work *w = user;

	(void)n_threads;
	for (unsigned i; (i = w->next++) < w->n && w->rc[thread] == OK;) {
		struct fit_row *r = w->pick[i];
		struct arena *a = &w->scratch[thread];
		struct error *err = &w->err[thread];
		int rc;
		arena_reset(a);
		if (w->whole_answer)
			rc = estimate_rest(&r->e, &r->q, a, err);
		else if ((rc = estimate_prefill(&r->e, &r->q, a, err)) == OK)
			rc = estimate_longest(&r->e, &r->q, a, err);
		w->rc[thread] = rc;
	}
}

static int run_round(struct work *w, struct thread_pool *pool, pool_fn *fn, struct error *err)
{
	unsigned n = pool ? pool_threads(pool) : 1;

	w->next = 0;
	if (pool)
		pool_run(pool, n, fn, w);
	else
		fn(w, 0, 1);
	for (unsigned t = 0; t < n; t++)
		if (w->rc[t] != OK) {
			*err = w->err[t];
			return w->rc[t];
		}
	return OK;
}

/* The answer of an earlier row, under this one's name. */
static int take_answer(struct fit_row *r, struct error *err)
{
	const struct fit_row *s = r->same;

	r->e = s->e;
	r->q.settings = s->q.settings;
	r->class = s->class;
	r->rc = s->rc;
	if (s->why && !(r->why = strdup(s->why)))
		return error_set(err, E_NOMEM, "out of memory");
	return OK;
}

int work_first(struct work *w, struct thread_pool *pool, struct error *err)
{
	int rc = run_round(w, pool, first_round, err);

	for (unsigned i = 0; rc == OK && i < w->n; i++)
		if (w->row[i].same)
			rc = take_answer(&w->row[i], err);
	for (unsigned i = 0; rc == OK && i < w->n; i++)
		if (w->row[i].rc != E_USAGE)
			return OK;
	/* what is wrong for every model is wrong with the question: said once, with its hint */
	if (rc == OK) {
		weigh(w, &w->row[0], &w->scratch[0], err);
		rc = w->row[0].rc;
	}
	return rc;
}

int work_second(struct work *w, struct thread_pool *pool, struct error *err)
{
	return run_round(w, pool, second_round, err);
}

int work_wants(const struct model_entry *head, const void *asked)
{
	return head->status == STATUS_OPEN_WEIGHTS && filter_head(head, asked);
}

static int same_figure(struct known a, struct known b)
{
	return is_known(a) == is_known(b) && (!is_known(a) || !(a.v < b.v || a.v > b.v));
}

/* Finetunes borrow their shapes: with the little that an entry may say otherwise (catalog_models.c, borrow_shapes()) equal too, what an estimate is
 * made of is the same, to the byte. */
static int same_model(const struct model_spec *a, const struct model_spec *b)
{
	return a->parts == b->parts && a->kind_of == b->kind_of && a->context_native == b->context_native && a->context_max == b->context_max &&
		!strcmp(a->native_format, b->native_format) && a->native_keep == b->native_keep && a->gguf_mtp == b->gguf_mtp &&
		same_figure(a->native_file_bytes, b->native_file_bytes) && same_figure(a->tokenizer_bytes, b->tokenizer_bytes);
}

/* Shapes of another model, and no use case: an entry that is there because measurements name it. Dozens would fill a table with one line. */
static int only_measured(const struct model_entry *e) { return e->same_shapes_as && !e->use_cases[0]; }

/* A row for every model that has weights and passes the filters. */
int work_rows(struct work *w, const struct fit *f, struct catalog *c, const struct efficiency *eff, struct error *err)
{
	unsigned n_all;
	const struct model_entry *all = catalog_models(c, &n_all);

	if (!(w->row = calloc(n_all + 1, sizeof *w->row)))
		return error_set(err, E_NOMEM, "out of memory");
	for (unsigned i = 0; i < n_all; i++) {
		struct fit_row *r = &w->row[w->n];
		if (!work_wants(&all[i], f->o) || !all[i].spec || !filter_entry(&all[i], f->o) ||
		    !filter_size(&all[i], f->o, catalog_quants(c)))
			continue;
		if (!f->everything && only_measured(&all[i])) {
			w->left_out++;
			continue;
		}
		r->model.entry = &all[i];
		r->model.spec = all[i].spec;
		r->q = (struct question){ .model = all[i].spec, .quants = catalog_quants(c), .hardware = f->machine, .efficiency = eff, .settings = *f->settings };
		for (unsigned k = 0; k < w->n && !r->same; k++)
			if (!w->row[k].same && same_model(r->model.spec, w->row[k].model.spec))
				r->same = &w->row[k];
		w->n++;
	}
	return w->n ? OK : error_set(err, E_MODEL, "no model of the catalogue is all of what was asked for");
}

void work_free(struct work *w)
{
	if (!w)
		return;
	for (unsigned i = 0; w->row && i < w->n; i++)
		free((void *)(uintptr_t)w->row[i].why);
	for (unsigned t = 0; t < MAX_WORKERS; t++)
		arena_free(&w->scratch[t]);
	free(w->row);
	free(w);
}
