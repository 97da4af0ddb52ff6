/* cmd_fit.c - ullage fit: the catalogue on this machine, each model at the best quantisation that fits */
#include "base/json.h"
#include "base/str.h"
#include "base/units.h"
#include "cli/answer.h"
#include "cli/cmd.h"
#include "cli/question.h"

#include <stdlib.h>
#include <string.h>

enum { SCREEN = 24 };            /* rows of a table that nobody asked a length for */

struct fit_row { struct model_arg model; struct question q; struct estimate e; };

/* Whole before offloaded, then by total parameters, the most first. */
static int better(const void *pa, const void *pb)
{
	const struct fit_row *a = *(const struct fit_row *const *)pa, *b = *(const struct fit_row *const *)pb;

	if (a->e.verdict != b->e.verdict)
		return a->e.verdict - b->e.verdict;
	if (a->e.params_total != b->e.params_total)
		return a->e.params_total < b->e.params_total ? 1 : -1;
	return strcmp(a->model.entry->id, b->model.entry->id);
}

static void print_table(const struct options *o, struct fit_row **rows, unsigned n, unsigned fit, unsigned rejected, const struct hardware_spec *h)
{
	char a[32], b[32], c[32], d[32];
	struct text t;
	struct table tab;
	int wide;

	text_open(&t, o);
	wide = t.width >= 110;
	fputs("on ", t.out);
	text_paint(&t, BOLD, "%s", h->name);
	fprintf(t.out, ", %s, %s tokens of context\n\n", n ? rows[0]->e.settings.engine->name : "llama.cpp", format_tokens(a, sizeof a, n ? rows[0]->e.settings.ctx_tokens : 8192));
	table_init(&tab, wide ? 8 : 6, wide ? 0x7a : 0x3a);
	static const char *const heads[] = { "model", "params", "quant", "memory", "left over", "max context", "decode tokens/s", "verdict" };
	for (unsigned i = 0; i < (wide ? 8u : 6u); i++)
		table_cell(&tab, DIM, "%s", heads[i]);
	for (unsigned i = 0; i < n; i++) {
		const struct estimate *e = &rows[i]->e;
		table_cell(&tab, PLAIN, "%s", rows[i]->model.entry->id);
		table_cell(&tab, PLAIN, "%s", format_count(a, sizeof a, (double)e->params_total));
		table_cell(&tab, PLAIN, "%s", e->settings.recipe->name);
		table_cell(&tab, PLAIN, "%s", format_bytes(b, sizeof b, e->sum.total));
		table_cell(&tab, e->verdict == FITS ? GREEN : YELLOW, "%s", format_signed_bytes(c, sizeof c, e->sum.headroom));
		/* rounded down: at least so much */
		table_cell(&tab, PLAIN, "%s", format_tokens(d, sizeof d, e->max_context_tokens >= 1024 ? e->max_context_tokens / 1024 * 1024 : e->max_context_tokens));
		if (wide) {
			char f[96];
			table_cell(&tab, PLAIN, "%s", e->decode_tps.basis == BASIS_UNKNOWN ? "unknown" : figure_text(f, sizeof f, e->decode_tps, ""));
			if (e->verdict == FITS_OFFLOADED)
				table_cell(&tab, YELLOW, "%u of %u layers", e->gpu_layers, rows[i]->model.spec->n_layers);
			else
				table_cell(&tab, GREEN, "fits");
		}
	}
	table_print(&tab, &t, 1);
	if (o->quiet)
		return;
	fprintf(t.out, "\n%u of %u models fit", fit, fit + rejected);
	if (n < fit)
		fprintf(t.out, ", the %u largest are shown (-n %u shows all)", n, fit);
	fputs(".\nNext: ", t.out);
	if (n)
		fprintf(t.out, "ullage estimate %s%s%s%s\n", rows[0]->model.entry->id, o->on ? " --on \"" : "", o->on ? o->on : "", o->on ? "\"" : "");
	else
		fputs("ullage fit -c 2048, or a machine with more memory: ullage fit --on rtx-4090\n", t.out);
	for (unsigned i = 0; i < h->n_warnings; i++)
		text_wrap(&t, "note: ", 6, h->warnings[i]);
}

static int print_json(struct fit_row **rows, unsigned n, struct fit_row **out, unsigned n_out, const struct hardware_spec *h, struct error *err)
{
	cJSON *doc = answer_document(), *x = json_add_object(doc, "hardware"), *list;
	char text[256];

	json_add_str(x, "id", h->id);
	json_add_str(x, "name", h->name);
	list = json_add_array(doc, "results");
	for (unsigned i = 0; i < n; i++) {
		cJSON *r = cJSON_CreateObject();
		answer_json(r, &(struct answer){ &rows[i]->model, h, &rows[i]->q, &rows[i]->e });
		cJSON_AddItemToArray(list, r);
	}
	list = json_add_array(doc, "rejected");
	for (unsigned i = 0; i < n_out; i++) {
		cJSON *r = cJSON_CreateObject();
		json_add_str(r, "id", out[i]->model.entry->id);
		json_add_str(r, "reason", shortfall_text(text, sizeof text, &out[i]->e));
		cJSON_AddItemToArray(list, r);
	}
	return answer_print(doc, err);
}

int cmd_fit(struct options *o, struct error *err)
{
	struct catalog *c = NULL;
	struct arena a = { 0 }, scratch = { 0 };
	struct hardware_spec h;
	struct efficiency eff;
	struct settings set;
	unsigned n_all, n = 0, n_out = 0;
	struct fit_row **rows = NULL, **out = NULL;
	int rc;

	if (o->n_args)
		return error_set(err, E_USAGE, "fit takes no argument: %s", o->args[0]);
	if ((rc = catalog_open(&c, o->program, err)) != OK || (rc = settings_from(&set, o, c, err)) != OK || (rc = machine_from(&h, &a, o, c, err)) != OK ||
	    (rc = efficiency_from(&eff, &a, c, err)) != OK)
		goto done;
	const struct model_entry *all = catalog_models(c, &n_all);
	rows = calloc(n_all + 1, sizeof *rows);
	out = calloc(n_all + 1, sizeof *out);
	if (!rows || !out) {
		rc = error_set(err, E_NOMEM, "out of memory");
		goto done;
	}
	for (unsigned i = 0; i < n_all; i++) {
		struct fit_row *r;
		if (all[i].status != STATUS_OPEN_WEIGHTS || (o->family && (!all[i].family || !str_ieq(all[i].family, o->family))) ||
		    (o->licence && (!all[i].licence || !str_ieq(all[i].licence, o->licence))))
			continue;
		if (!(r = arena_alloc(&a, sizeof *r))) {
			rc = error_set(err, E_NOMEM, "out of memory");
			goto done;
		}
		if ((rc = catalog_model(&r->model.entry, c, all[i].id, err)) != OK)
			goto done;
		if (!(r->model.spec = r->model.entry->spec))
			continue;
		r->q = (struct question){ .model = r->model.spec, .quants = catalog_quants(c), .hardware = &h, .efficiency = &eff, .settings = set };
		arena_reset(&scratch);
		rc = set.recipe ? estimate_compute(&r->e, &r->q, &scratch, err) : estimate_ladder(&r->e, &r->q, &scratch, err);
		if (rc == E_FORMAT)
			continue;        /* this quantisation does not divide its rows */
		if (rc != OK)
			goto done;
		if (r->e.verdict == DOES_NOT_FIT)
			out[n_out++] = r;
		else
			rows[n++] = r;
	}
	qsort(rows, n, sizeof *rows, better);
	unsigned fit = n, limit = o->limit_set ? (unsigned)o->limit : o->json || o->csv ? UINT32_MAX : SCREEN;
	if (n > limit)
		n = limit;
	rc = OK;
	if (o->json) {
		rc = print_json(rows, n, out, n_out, &h, err);
	} else if (o->csv) {
		answer_csv_header(stdout);
		for (unsigned i = 0; i < n; i++)
			answer_csv(stdout, &(struct answer){ &rows[i]->model, &h, &rows[i]->q, &rows[i]->e });
	} else {
		print_table(o, rows, n, fit, n_out, &h);
	}
	if (rc == OK && !n)
		rc = 1;
done:
	free(rows);
	free(out);
	arena_free(&scratch);
	arena_free(&a);
	catalog_close(c);
	return rc;
}
