/* cmd_accuracy.c - ullage accuracy: the estimates held against published measurements */
#include "base/file.h"
#include "base/json.h"
#include "cli/answer.h"
#include "cli/cmd.h"
#include "cli/question.h"
#include "live/accuracy.h"
#include "live/accuracy_resolve.h"

#include <stdlib.h>
#include <string.h>

static void score_json(cJSON *o, const struct group_score *g)
{
	if (!g->n) {
		cJSON_AddNullToObject(o, "median_abs_error");
		cJSON_AddNullToObject(o, "p90_abs_error");
		cJSON_AddNullToObject(o, "p95_abs_error");
		cJSON_AddNullToObject(o, "median_bias");
		cJSON_AddNullToObject(o, "exact_share");
	} else {
		json_add_f64(o, "median_abs_error", g->median_abs);
		json_add_f64(o, "p90_abs_error", g->p90_abs);
		json_add_f64(o, "p95_abs_error", g->p95_abs);
		json_add_f64(o, "median_bias", g->bias);
		json_add_f64(o, "exact_share", g->exact);
	}
	/* sizes are stated without an interval */
	cJSON_AddNullToObject(o, "interval_coverage");
}

static int print_json(const struct accuracy *acc, struct error *err)
{
	cJSON *doc = answer_document(), *list;

	json_add_str(doc, "file", acc->file);
	json_add_str(doc, "kind", acc->kind);
	json_add_u64(doc, "rows", acc->rows);
	json_add_u64(doc, "evaluated", acc->evaluated);
	list = json_add_array(doc, "skipped");
	for (unsigned i = 0; i < acc->n_skipped; i++) {
		cJSON *s = cJSON_CreateObject();
		json_add_u64(s, "row", acc->skipped[i].line);
		json_add_str(s, "reason", acc->skipped[i].reason);
		cJSON_AddItemToArray(list, s);
	}
	score_json(doc, &acc->top);
	list = json_add_array(doc, "groups");
	for (unsigned i = 0; i < acc->n_groups; i++) {
		cJSON *g = cJSON_CreateObject();
		json_add_str(g, "by", acc->group[i].by);
		json_add_str(g, "key", acc->group[i].key);
		json_add_u64(g, "evaluated", acc->group[i].n);
		score_json(g, &acc->group[i]);
		cJSON_AddItemToArray(list, g);
	}
	return answer_print(doc, err);
}

static void print_csv(const struct accuracy *acc, const struct csv *csv)
{
	fputs("line,model,quant,quantity,predicted,measured,error\n", stdout);
	for (unsigned i = 0; i < acc->n_samples; i++) {
		const struct sample *s = &acc->sample[i];
		const char *quant = csv_get(csv, s->row, "quant");
		printf("%u,", csv->line[s->row]);
		csv_cell(stdout, csv_get(csv, s->row, "model"), 0);
		csv_cell(stdout, quant[0] ? quant : csv_get(csv, s->row, "dtype"), 0);
		csv_cell(stdout, acc->group[s->group[0]].key, 0);
		printf("%.0f,%.0f,%.6f\n", s->predicted, s->measured, s->error);
	}
}

static void score_row(struct table *t, const char *what, const struct group_score *g)
{
	table_cell(t, PLAIN, "%s", what);
	table_cell(t, PLAIN, "%u", g->n);
	table_cell(t, PLAIN, "%.1f %%", 100 * g->exact);
	table_cell(t, PLAIN, "%.2f %%", 100 * g->median_abs);
	table_cell(t, PLAIN, "%.2f %%", 100 * g->p90_abs);
	table_cell(t, PLAIN, "%.2f %%", 100 * g->p95_abs);
	table_cell(t, PLAIN, "%+.2f %%", 100 * g->bias);
}

/* The reasons, most frequent first, with an example each. */
static void print_skipped(const struct text *x, const struct accuracy *acc, unsigned limit)
{
	char seen[64][48];
	unsigned count[64] = { 0 }, n = 0;
	const char *example[64];

	for (unsigned i = 0; i < acc->n_skipped; i++) {
		const char *r = acc->skipped[i].reason;
		size_t k = strcspn(r, ":");
		unsigned j;
		if (k >= sizeof seen[0])
			k = sizeof seen[0] - 1;
		for (j = 0; j < n; j++)
			if (strlen(seen[j]) == k && !strncmp(seen[j], r, k))
				break;
		if (j == 64)
			continue;
		if (j == n) {
			memcpy(seen[n], r, k);
			seen[n][k] = 0;
			example[n++] = r;
		}
		count[j]++;
	}
	for (unsigned j = 0; j < n && j < limit; j++) {
		char line[640];
		snprintf(line, sizeof line, "%u x %s", count[j], example[j]);
		text_wrap(x, "  ", 4, line);
	}
}

static void print_text(const struct text *x, const struct accuracy *acc, const struct options *o)
{
	struct table t;

	fprintf(x->out, "%s: %u rows, %u evaluated, %u skipped\n\n", acc->file, acc->rows, acc->evaluated, acc->n_skipped);
	table_init(&t, 7, ~1u);
	for (unsigned i = 0; i < 7; i++)
		table_cell(&t, DIM, "%s", (const char *const[]){ "error beyond printed rounding", "figures", "exact", "median", "90 %", "95 %", "bias" }[i]);
	for (unsigned i = 0; i < acc->n_groups; i++)
		if (!strcmp(acc->group[i].by, "quantity"))
			score_row(&t, acc->group[i].key, &acc->group[i]);
	for (unsigned i = 0; i < acc->n_groups; i++) {
		char what[128];
		if (!strcmp(acc->group[i].by, "quantity") || !acc->group[i].n)
			continue;
		snprintf(what, sizeof what, "%s %s", acc->group[i].by, acc->group[i].key);
		if (strcmp(acc->group[i].by, "quant") && strcmp(acc->group[i].by, "model_kind"))
			score_row(&t, what, &acc->group[i]);
	}
	table_print(&t, x, 1);
	if (acc->n_skipped && !o->quiet) {
		fprintf(x->out, "\nskipped:\n");
		print_skipped(x, acc, o->limit_set ? (unsigned)o->limit : 12);
	}
}

/* One name of a column, whatever the engine. */
struct missing { const char *column, *name; unsigned rows; };

static int most_rows_first(const void *a, const void *b)
{
	const struct missing *x = a, *y = b;

	return x->rows != y->rows ? (x->rows < y->rows) - (x->rows > y->rows) : strcmp(x->name, y->name);
}

static struct missing *list_missing(unsigned *n, const struct resolution *res, struct arena *a)
{
	unsigned most = 1;
	struct missing *list;

	*n = 0;
	for (unsigned i = 0; i < RESOLVE_COLUMNS; i++)
		most += res->column[i].n;
	if (!(list = arena_array(a, most, sizeof *list)))
		return NULL;
	for (unsigned i = 0; i < RESOLVE_COLUMNS; i++) {
		const struct resolve_column *c = &res->column[i];
		unsigned from = *n, j;
		for (unsigned k = 0; k < c->n; k++) {
			if (c->name[k].state != NAME_UNKNOWN)
				continue;
			for (j = from; j < *n && strcmp(list[j].name, c->name[k].name); j++)
				;
			list[j].column = c->column;
			list[j].name = c->name[k].name;
			list[j].rows += c->name[k].rows;
			*n += j == *n;
		}
		qsort(list + from, *n - from, sizeof *list, most_rows_first);
	}
	return list;
}

static int resolve_json(const struct resolution *res, const struct missing *list, unsigned n, struct error *err)
{
	cJSON *doc = answer_document(), *out;

	json_add_str(doc, "file", res->file);
	json_add_u64(doc, "rows", res->rows);
	json_add_u64(doc, "unnamed", res->unnamed);
	json_add_u64(doc, "counted", res->counted);
	json_add_u64(doc, "resolved", res->resolved);
	if (res->counted)
		json_add_f64(doc, "share", (double)res->resolved / res->counted);
	else
		cJSON_AddNullToObject(doc, "share");
	out = json_add_array(doc, "columns");
	for (unsigned i = 0; i < RESOLVE_COLUMNS; i++) {
		const struct resolve_column *c = &res->column[i];
		cJSON *o;
		if (!c->column)
			continue;
		o = cJSON_CreateObject();
		json_add_str(o, "column", c->column);
		json_add_u64(o, "names", c->n);
		json_add_u64(o, "rows", c->rows);
		json_add_u64(o, "resolved", c->known);
		json_add_u64(o, "open", c->open);
		cJSON_AddItemToArray(out, o);
	}
	out = json_add_array(doc, "unresolved");
	for (unsigned i = 0; i < n; i++) {
		cJSON *o = cJSON_CreateObject();
		json_add_str(o, "column", list[i].column);
		json_add_str(o, "name", list[i].name);
		json_add_u64(o, "rows", list[i].rows);
		cJSON_AddItemToArray(out, o);
	}
	return answer_print(doc, err);
}

static void resolve_text(const struct text *x, const struct resolution *res, const struct missing *list, unsigned n, const struct options *o)
{
	struct table t;

	fprintf(x->out, "%s: %u rows, %u of them name no model, no quantisation or no machine\n", res->file, res->rows, res->unnamed);
	fprintf(x->out, "%u of %u resolve", res->resolved, res->counted);
	if (res->counted)
		fprintf(x->out, " (%.2f %%)", 100.0 * res->resolved / res->counted);
	fputc('\n', x->out);
	for (unsigned i = 0; i < RESOLVE_COLUMNS; i++) {
		const struct resolve_column *c = &res->column[i];
		if (!c->column)
			continue;
		fprintf(x->out, "  %-10s %u names, %u of %u rows", c->column, c->n, c->known, c->rows);
		if (c->open)
			fprintf(x->out, i == RESOLVE_MODEL ? ", %u of them of models without shapes" : ", %u of them leave the memory size open", c->open);
		fputc('\n', x->out);
	}
	if (!n || o->quiet)
		return;
	fputc('\n', x->out);
	table_init(&t, 3, 4);
	for (unsigned i = 0; i < 3; i++)
		table_cell(&t, DIM, "%s", (const char *const[]){ "column", "unresolved", "rows" }[i]);
	for (unsigned i = 0; i < n && (!o->limit_set || i < o->limit); i++) {
		table_cell(&t, PLAIN, "%s", list[i].column);
		table_cell(&t, PLAIN, "%s", list[i].name);
		table_cell(&t, PLAIN, "%u", list[i].rows);
	}
	table_print(&t, x, 1);
}

static int resolve(const struct options *o, struct catalog *c, const struct csv *csv, struct arena *a, struct error *err)
{
	struct resolution res;
	struct missing *list;
	unsigned n;
	int rc = accuracy_resolve(&res, c, csv, o->where, (unsigned)o->n_where, a, err);

	if (rc != OK)
		return rc;
	if (!(list = list_missing(&n, &res, a)))
		return error_set(err, E_NOMEM, "out of memory");
	if (o->json)
		return resolve_json(&res, list, n, err);
	if (o->csv) {
		fputs("column,name,rows\n", stdout);
		for (unsigned i = 0; i < n; i++) {
			csv_cell(stdout, list[i].column, 0);
			csv_cell(stdout, list[i].name, 0);
			printf("%u\n", list[i].rows);
		}
		return OK;
	}
	struct text x;
	text_open(&x, o);
	resolve_text(&x, &res, list, n, o);
	return OK;
}

int cmd_accuracy(struct options *o, struct error *err)
{
	struct arena a = { 0 };
	struct catalog *c = NULL;
	struct csv csv;
	struct accuracy *acc;
	char *bytes;
	size_t n;
	int rc;

	if (o->n_args != 1)
		return error_set(err, E_USAGE, "accuracy wants one FILE.csv, not %d", o->n_args);
	if (!(acc = arena_alloc(&a, sizeof *acc))) {
		arena_free(&a);
		return error_set(err, E_NOMEM, "out of memory");
	}
	if ((rc = file_read(&bytes, &n, &a, o->args[0], (size_t)64 << 20, err)) != OK || (rc = csv_parse(&csv, &a, o->args[0], bytes, n, err)) != OK ||
	    (rc = catalog_from(&c, o, err)) != OK)
		goto out;
	if (o->resolve) {
		rc = resolve(o, c, &csv, &a, err);
		goto out;
	}
	if ((rc = accuracy_run(acc, c, &csv, o->where, (unsigned)o->n_where, &a, err)) != OK)
		goto out;
	if (o->json) {
		rc = print_json(acc, err);
	} else if (o->csv) {
		print_csv(acc, &csv);
	} else {
		struct text x;
		text_open(&x, o);
		print_text(&x, acc, o);
	}
out:
	catalog_close(c);
	arena_free(&a);
	return rc;
}
