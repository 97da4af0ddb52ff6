/* accuracy.c - filtering rows, collecting errors, medians */
#include "live/accuracy.h"

#include "base/str.h"
#include "base/units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int kept(const struct csv *csv, unsigned row, const char *where)
{
	const char *eq = strchr(where, '='), *want = eq + 1, *cell;
	char column[64];
	size_t n = (size_t)(eq - where);

	memcpy(column, where, n < sizeof column ? n : sizeof column - 1);
	column[n < sizeof column ? n : sizeof column - 1] = 0;
	cell = csv_get(csv, row, column);
	for (;;) {
		size_t k = strcspn(want, ",");
		if (strlen(cell) == k && !strncmp(cell, want, k))
			return 1;
		if (!want[k])
			return 0;
		want += k + 1;
	}
}

static int check_one(const struct csv *csv, const char *where, struct error *err)
{
	const char *eq = strchr(where, '=');
	char column[64];
	struct near_matches m;

	if (!eq || eq == where || (size_t)(eq - where) >= sizeof column)
		return error_set(err, E_USAGE, "--where %s: wants COLUMN=VALUE", where);
	memcpy(column, where, (size_t)(eq - where));
	column[eq - where] = 0;
	if (csv_column(csv, column) >= 0)
		return OK;
	near_init(&m, column);
	for (unsigned i = 0; i < csv->n_columns; i++)
		near_offer(&m, csv->head[i]);
	error_set(err, E_USAGE, "--where %s: %s has no column %s", where, csv->file, column);
	near_report(&m, err);
	return E_USAGE;
}

int accuracy_check_where(const struct csv *csv, const char *const *where, unsigned n, struct error *err)
{
	int rc = OK;

	for (unsigned w = 0; w < n && rc == OK; w++)
		rc = check_one(csv, where[w], err);
	return rc;
}

int accuracy_kept(const struct csv *csv, unsigned row, const char *const *where, unsigned n)
{
	int in = 1;

	for (unsigned w = 0; w < n; w++)
		in &= kept(csv, row, where[w]);
	return in;
}

void accuracy_skip(struct acc_row *r, const char *reason)
{
	r->acc->skipped[r->acc->n_skipped++] = (struct skipped){ r->csv->line[r->row], reason };
}

static int group_of(struct accuracy *acc, const char *by, const char *key)
{
	for (unsigned i = 0; i < acc->n_groups; i++)
		if (!strcmp(acc->group[i].by, by) && !strncmp(acc->group[i].key, key, ACC_KEY - 1))
			return (int)i;
	if (acc->n_groups == ACC_GROUPS)
		return -1;
	struct group_score *g = &acc->group[acc->n_groups];
	*g = (struct group_score){ .n = 0 };
	snprintf(g->by, sizeof g->by, "%s", by);
	snprintf(g->key, sizeof g->key, "%.*s", ACC_KEY - 1, key);
	return (int)acc->n_groups++;
}

/* Half a unit of the last printed digit: 0.005 for "8.37", 0.5 for "833". */
static double half_digit(const char *text)
{
	const char *dot = strchr(text, '.');

	return dot ? 0.5 * pow(10, -(double)strspn(dot + 1, "0123456789")) : 0.5;
}

void accuracy_add(struct acc_row *r, const char *quantity, int primary, double predicted, const char *text, double unit, double half, const char *const *keys)
{
	struct accuracy *acc = r->acc;
	double measured = atof(text), off = predicted / unit - measured;
	struct sample *s;
	int g;

	if (acc->n_samples == acc->cap_samples || !(measured > 0))
		return;
	if (half <= 0)
		half = half_digit(text);
	s = &acc->sample[acc->n_samples++];
	*s = (struct sample){ .predicted = predicted, .measured = measured * unit, .row = r->row, .primary = (uint8_t)primary };
	/* a whisker beyond the half digit: binary fractions of decimal figures */
	s->error = fabs(off) <= half * (1 + 1e-9) ? 0 : (off > 0 ? off - half : off + half) / measured;
	if ((g = group_of(acc, "quantity", quantity)) >= 0)
		s->group[s->n_groups++] = (uint16_t)g;
	for (; keys[0]; keys += 2)
		if (keys[1] && keys[1][0] && s->n_groups < 6 && (g = group_of(acc, keys[0], keys[1])) >= 0)
			s->group[s->n_groups++] = (uint16_t)g;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Nearest rank. */
static double quantile(const double *sorted, unsigned n, double q)
{
	unsigned i = (unsigned)ceil(q * n);

	return sorted[i ? i - 1 : 0];
}

/* pick -1: the primary samples; else the members of that group. Groups other than quantities count primary figures only. */
static void score(struct group_score *g, const struct accuracy *acc, int pick, double *abs_error, double *signed_error)
{
	unsigned n = 0, exact = 0;
	int every = pick >= 0 && !strcmp(g->by, "quantity");

	for (unsigned i = 0; i < acc->n_samples; i++) {
		const struct sample *s = &acc->sample[i];
		int in = pick < 0;
		for (unsigned k = 0; k < s->n_groups; k++)
			in |= s->group[k] == pick;
		if (!in || (!every && !s->primary))
			continue;
		exact += s->error == 0;
		abs_error[n] = fabs(s->error);
		signed_error[n++] = s->error;
	}
	g->n = n;
	if (!n)
		return;
	qsort(abs_error, n, sizeof *abs_error, ascending);
	qsort(signed_error, n, sizeof *signed_error, ascending);
	g->median_abs = quantile(abs_error, n, 0.5);
	g->p90_abs = quantile(abs_error, n, 0.9);
	g->p95_abs = quantile(abs_error, n, 0.95);
	g->bias = quantile(signed_error, n, 0.5);
	g->exact = (double)exact / n;
}

int accuracy_run(struct accuracy *out, struct catalog *c, const struct csv *csv, const char *const *where, unsigned n_where, struct arena *a, struct error *err)
{
	static const struct { const char *column, *kind; int (*row)(struct acc_row *, struct error *); } kinds[] = {
		{ "size_value", "gguf_sizes", accuracy_gguf_size }, { "kv_mib", "llamacpp_memory", accuracy_llamacpp }, { "kv_tokens", "vllm_memory", accuracy_vllm },
	};
	struct arena scratch = { 0 };
	int kind = -1, rc = OK;

	*out = (struct accuracy){ .file = csv->file };
	for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (csv_column(csv, kinds[i].column) >= 0 && csv_column(csv, "model") >= 0)
			kind = (int)i;
	if (kind < 0) {
		error_set(err, E_FILE, "%s: not a file of measurements this version can score", csv->file);
		error_hint(err, "it scores files with the columns of gguf_sizes, llamacpp_memory and vllm_memory; speed files come later");
		return E_FILE;
	}
	out->kind = kinds[kind].kind;
	if ((rc = accuracy_check_where(csv, where, n_where, err)) != OK)
		return rc;
	out->cap_samples = csv->n_rows * 6 + 1;
	out->sample = arena_array(a, out->cap_samples, sizeof *out->sample);
	out->skipped = arena_array(a, (size_t)csv->n_rows * 2 + 1, sizeof *out->skipped);
	if (!out->sample || !out->skipped)
		return error_set(err, E_NOMEM, "out of memory");
	for (unsigned row = 0; row < csv->n_rows && rc == OK; row++) {
		struct acc_row r = { out, c, csv, row, a, &scratch };
		if (!accuracy_kept(csv, row, where, n_where))
			continue;
		out->rows++;
		arena_reset(&scratch);
		rc = kinds[kind].row(&r, err);
	}
	arena_free(&scratch);
	if (rc != OK)
		return rc;
	double *one = arena_array(a, out->n_samples + 1, sizeof *one), *two = arena_array(a, out->n_samples + 1, sizeof *two);
	if (!one || !two)
		return error_set(err, E_NOMEM, "out of memory");
	score(&out->top, out, -1, one, two);
	out->evaluated = out->top.n;
	for (unsigned g = 0; g < out->n_groups; g++)
		score(&out->group[g], out, (int)g, one, two);
	return OK;
}
