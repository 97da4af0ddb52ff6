/* cmd_fit.c - ullage fit: the catalogue on this machine, each model at the best quantisation that fits */
#include "base/json.h"
#include "base/pool.h"
#include "base/str.h"
#include "base/units.h"
#include "cli/answer.h"
#include "cli/cmd.h"
#include "cli/filter.h"
#include "cli/fit.h"
#include "cli/machine.h"
#include "cli/question.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Rows of a table that nobody asked a length for. */
enum { SCREEN = 24 };
static const double USUAL_MIN_TPS = 5;

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Whole before offloaded; within both, what is fast enough first, then by total parameters. A speed that is unknown counts as fast enough: on a
 * machine whose bandwidth nobody knows all are. */
static int by_rank(const void *pa, const void *pb)
{
	const struct fit_row *a = *(const struct fit_row *const *)pa, *b = *(const struct fit_row *const *)pb;

	return a->class != b->class ? a->class - b->class : fit_by_params(pa, pb);
}

int fit_by_params(const void *pa, const void *pb)
{
	const struct fit_row *a = *(const struct fit_row *const *)pa, *b = *(const struct fit_row *const *)pb;

	if (a->e.params_total != b->e.params_total)
		return a->e.params_total < b->e.params_total ? 1 : -1;
	return strcmp(a->model.entry->id, b->model.entry->id);
}

static int descending(double a, double b) { return (a < b) - (a > b); }
static int by_name(const void *pa, const void *pb)
{
	const struct fit_row *a = *(const struct fit_row *const *)pa, *b = *(const struct fit_row *const *)pb;

	return strcmp(a->model.entry->id, b->model.entry->id);
}
#define BY(name, value) \
	static int name(const void *pa, const void *pb) \
	{ \
		const struct fit_row *x = *(const struct fit_row *const *)pa, *y = *(const struct fit_row *const *)pb, *r = x; \
		double a = (double)(value); \
		r = y; \
		int c = descending(a, (double)(value)); \
		return c ? c : by_name(pa, pb); \
	}
BY(by_memory, r->e.sum.total + r->e.host.total)
BY(by_left, r->e.sum.headroom)
BY(by_context, r->e.max_context_tokens)
BY(by_decode, r->e.decode_tps.basis == BASIS_UNKNOWN ? -1 : r->e.decode_tps.value)
BY(by_prefill, r->e.prefill_tps.basis == BASIS_UNKNOWN ? -1 : r->e.prefill_tps.value)

static const struct { const char *name; int (*compare)(const void *, const void *); } orders[] = {
	{ "params", fit_by_params }, { "name", by_name }, { "memory", by_memory }, { "left", by_left }, { "context", by_context }, { "decode", by_decode },
	{ "prefill", by_prefill },
};

const char *fit_reason(char *buf, size_t n, const struct fit *f, const struct fit_row *r)
{
	char v[24], m[24];

	if (r->why)
		snprintf(buf, n, "%s", r->why);
	else if (r->rc == 1)
		shortfall_text(buf, n, &r->e);
	else if (r->e.decode_tps.basis == BASIS_UNKNOWN)
		snprintf(buf, n, "how fast it decodes is unknown, and at least %s tokens/s are asked for", format_3(m, sizeof m, f->min_tps));
	else
		snprintf(buf, n, "decodes at %s tokens/s, less than the %s asked for", format_3(v, sizeof v, r->e.decode_tps.value), format_3(m, sizeof m, f->min_tps));
	return buf;
}

static int print_json(const struct fit *f, struct error *err)
{
	cJSON *doc = answer_document(), *x, *list;
	char text[600];

	if (f->n_rows || f->n_out)
		answer_hardware_json(doc, f->machine);
	x = json_add_object(doc, "counts");
	json_add_u64(x, "fit", f->n_rows);
	json_add_u64(x, "finetunes_left_out", f->n_left_out);
	json_add_u64(x, "rejected", f->n_out);
	json_add_u64(x, "shown", f->n_shown);
	json_add_f64(doc, "min_tokens_per_s", f->min_tps);
	json_add_f64(doc, "seconds", f->seconds);
	if (f->probe_seconds > 0)
		json_add_f64(doc, "probe_seconds", f->probe_seconds);
	else
		cJSON_AddNullToObject(doc, "probe_seconds");
	if (f->closing.freed_bytes) {
		x = json_add_object(doc, "if_closed");
		json_add_str(x, "programs", f->closing.programs);
		json_add_u64(x, "freed_bytes", f->closing.freed_bytes);
		list = json_add_array(x, "models");
		for (unsigned i = 0; i < f->closing.n_models; i++)
			cJSON_AddItemToArray(list, cJSON_CreateString(f->closing.models[i]));
	} else {
		cJSON_AddNullToObject(doc, "if_closed");
	}
	list = json_add_array(doc, "results");
	for (unsigned i = 0; i < f->n_shown; i++) {
		cJSON *r = cJSON_CreateObject();
		answer_json(r, &(struct answer){ &f->rows[i]->model, f->machine, &f->rows[i]->q, &f->rows[i]->e });
		cJSON_AddItemToArray(list, r);
	}
	list = json_add_array(doc, "rejected");
	for (unsigned i = 0; i < f->n_out; i++) {
		cJSON *r = cJSON_CreateObject();
		json_add_str(r, "id", f->out[i]->model.entry->id);
		json_add_str(r, "reason", fit_reason(text, sizeof text, f, f->out[i]));
		cJSON_AddItemToArray(list, r);
	}
	return answer_print(doc, err);
}

static int rank(struct fit *f, struct work *w, struct thread_pool *pool, struct error *err)
{
	const struct options *o = f->o;
	int (*order)(const void *, const void *) = by_rank;
	unsigned n = w->n;
	int rc;

	for (unsigned i = 0; o->sort && i < sizeof orders / sizeof *orders; i++)
		if (!strcmp(orders[i].name, o->sort))
			order = orders[i].compare;
	f->rows = calloc(n + 1, sizeof *f->rows);
	f->out = calloc(n + 1, sizeof *f->out);
	if (!f->rows || !f->out)
		return error_set(err, E_NOMEM, "out of memory");
	for (unsigned i = 0; i < n; i++) {
		struct fit_row *r = &w->row[i];
		/* who asks for a speed is not helped by one that nobody knows */
		int slow = o->min_tps > 0 && r->rc == OK && (r->e.decode_tps.basis == BASIS_UNKNOWN || r->e.decode_tps.value < o->min_tps);
		if (r->rc == OK && !slow)
			f->rows[f->n_rows++] = r;
		else
			f->out[f->n_out++] = r;
	}
	/* an order by what only the second round finds needs it for all rows */
	int early = o->json || o->csv || (o->sort && (order == by_context || order == by_prefill));
	unsigned limit = o->limit_set ? (unsigned)o->limit : o->json || o->csv ? UINT32_MAX : SCREEN;
	if (!early)
		qsort(f->rows, f->n_rows, sizeof *f->rows, order);
	f->n_shown = f->n_rows < limit ? f->n_rows : limit;
	w->pick = f->rows;
	w->n = early ? f->n_rows : f->n_shown;
	w->whole_answer = o->json || o->csv;
	rc = work_second(w, pool, err);
	w->n = n;
	if (rc == OK && early)
		qsort(f->rows, f->n_rows, sizeof *f->rows, order);
	return rc;
}

static int check_sort(const struct options *o, struct error *err)
{
	struct near_matches m;

	if (!o->sort)
		return OK;
	near_init(&m, o->sort);
	for (unsigned i = 0; i < sizeof orders / sizeof *orders; i++) {
		if (!strcmp(orders[i].name, o->sort))
			return OK;
		near_offer(&m, orders[i].name);
	}
	error_set(err, E_USAGE, "--sort %s: no such column", o->sort);
	near_report(&m, err);
	error_hint(err, "params, name, memory, left, context, decode or prefill");
	return E_USAGE;
}

int cmd_fit(struct options *o, struct error *err)
{
	struct fit f = { .o = o, .min_tps = o->min_tps > 0 ? o->min_tps : USUAL_MIN_TPS };
	struct catalog *c = NULL;
	struct thread_pool *pool = pool_for_reading();
	struct arena a = { 0 };
	struct hardware_spec h;
	struct machine *found;
	struct efficiency eff;
	struct settings set;
	struct work *w = calloc(1, sizeof *w);
	double began = now_s();
	int rc;

	if (!w) {
		pool_close(pool);
		return error_set(err, E_NOMEM, "out of memory");
	}
	if (o->n_args)
		rc = error_set(err, E_USAGE, "fit takes no argument: %s", o->args[0]);
	else
		rc = check_sort(o, err);
	if (rc != OK || (rc = (filter_wants_all(o) ? catalog_open_with : catalog_open_for_shapes)(&c, o->program, pool, err)) != OK ||
	    (rc = settings_from(&set, o, c, err)) != OK || (rc = best_quant(&w->best, o, &set, c, err)) != OK)
		goto done;
	double probing = now_s();
	if ((rc = machine_from(&h, &found, &a, o, c, err)) != OK)
		goto done;
	set.threads = found ? found->found.cpu.threads_allowed : 0;
	if (found && !o->on)
		f.probe_seconds = now_s() - probing;
	f.machine = &h;
	f.settings = &set;
	f.everything = o->all;
	w->min_tps = f.min_tps;
	if ((rc = place_refused(&h, set.engine, err)) != OK || (rc = efficiency_from(&eff, &a, c, err)) != OK || (rc = (filter_wants_all(o) ? catalog_read_models : catalog_read_shapes)(c, pool, work_wants, o, err)) != OK ||
	    (rc = filter_check(c, o, err)) != OK || (rc = work_rows(w, &f, c, &eff, err)) != OK || (rc = work_first(w, pool, err)) != OK ||
	    (rc = rank(&f, w, pool, err)) != OK || (found && (rc = fit_if_closed(&f, w, found, pool, &a, err)) != OK))
		goto done;
	f.n_left_out = w->left_out;
	f.seconds = now_s() - began - f.probe_seconds;
	if (o->json) {
		rc = print_json(&f, err);
	} else if (o->csv) {
		answer_csv_header(stdout);
		for (unsigned i = 0; i < f.n_shown; i++)
			answer_csv(stdout, &(struct answer){ &f.rows[i]->model, &h, &f.rows[i]->q, &f.rows[i]->e });
	} else {
		fit_text(&f);
	}
	if (rc == OK && !f.n_rows)
		rc = 1;
done:
	work_free(w);
	free(f.rows);
	free(f.out);
	arena_free(&a);
	catalog_close(c);
	pool_close(pool);
	return rc;
}
