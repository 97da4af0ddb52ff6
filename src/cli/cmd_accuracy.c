/* cmd_accuracy.c - ullage accuracy: the estimates held against published measurements */
#include "base/file.h"
#include "base/json.h"
#include "cli/answer.h"
#include "cli/cmd.h"
#include "live/accuracy.h"

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
	    (rc = catalog_open(&c, o->program, err)) != OK || (rc = accuracy_run(acc, c, &csv, o->where, (unsigned)o->n_where, &a, err)) != OK)
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
