/* audit.c - claims read, and each handed to the judge of its kind */
#include "live/audit_judge.h"

#include "base/str.h"
#include "base/units.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

const char *const claim_kind_names[] = { "fits", "speed", "memory", "price", NULL };
const char *const claim_verdict_names[] = { "true", "false", "conditional", "unjudged", NULL };

static const char *const of_memory[] = { "weights", "total", "kv", NULL }, *const of_speed[] = { "decode", "prefill", "aggregate", NULL }, *const of_none[] = { NULL };
static const char *const columns[] = { "id", "guide", "model", "quant", "hardware", "devices", "ctx_tokens", "kind", "of", "low", "high", "note", NULL };

static int find_word(const char *const *names, const char *word)
{
	for (int i = 0; names[i]; i++)
		if (!strcmp(names[i], word))
			return i;
	return -1;
}

static int bad(struct error *err, const struct csv *csv, unsigned row, const char *column, const char *what)
{
	return error_at(err, E_FILE, csv->file, csv->line[row], "%s: '%.40s' %s", column, csv_get(csv, row, column), what);
}

static int read_count(uint64_t *out, const struct csv *csv, unsigned row, const char *column, uint64_t max, struct error *err)
{
	const char *s = csv_get(csv, row, column);

	*out = 0;
	if (*s && (parse_tokens(out, s) || !*out || *out > max))
		return bad(err, csv, row, column, "is no count");
	return OK;
}

static int read_figure(double *out, const struct csv *csv, unsigned row, const char *column, struct error *err)
{
	const char *s = csv_get(csv, row, column);

	*out = NAN;
	if (*s && (parse_f64(out, s) || *out < 0))
		return bad(err, csv, row, column, "is no figure");
	return OK;
}

/* What one of the last printed digit is worth: 0.1 of "12.3". */
static double last_digit(const char *s)
{
	const char *dot = strchr(s, '.');

	return dot ? pow(10, -(double)strlen(dot + 1)) : 1;
}

static const struct { const char *column; size_t at; } texts[] = {
	{ "id", offsetof(struct claim, id) }, { "guide", offsetof(struct claim, guide) }, { "model", offsetof(struct claim, model) }, { "quant", offsetof(struct claim, quant) },
	{ "hardware", offsetof(struct claim, hardware) }, { "of", offsetof(struct claim, of) }, { "note", offsetof(struct claim, note) },
};

static int read_claim(struct claim *k, const struct csv *csv, unsigned row, struct arena *a, struct error *err)
{
	uint64_t devices;
	const char *kind = csv_get(csv, row, "kind");
	int i = *kind ? find_word(claim_kind_names, kind) : CLAIM_FITS, rc;

	*k = (struct claim){ .line = csv->line[row] };
	for (unsigned t = 0; t < sizeof texts / sizeof *texts; t++) {
		char *text = arena_strdup(a, csv_get(csv, row, texts[t].column));
		if (!text)
			return error_set(err, E_NOMEM, "out of memory");
		str_clean(text);             /* it is shown */
		memcpy((char *)k + texts[t].at, &text, sizeof text);
	}
	if (i < 0)
		return bad(err, csv, row, "kind", "is not fits, speed, memory or price");
	k->kind = (uint8_t)i;
	if (!*k->id && !(k->id = arena_printf(a, "line %u", csv->line[row])))
		return error_set(err, E_NOMEM, "out of memory");
	if (k->kind == CLAIM_FITS && !strcmp(csv_get(csv, row, "low"), "not")) {
		k->negated = 1;
		k->low = NAN;
	}
	if (*k->of && find_word(k->kind == CLAIM_SPEED ? of_speed : k->kind == CLAIM_MEMORY ? of_memory : of_none, k->of) < 0)
		return bad(err, csv, row, "of", "is not weights, total or kv of memory, nor decode, prefill or aggregate of speed");
	if ((rc = read_count(&devices, csv, row, "devices", 1024, err)) != OK || (rc = read_count(&k->ctx_tokens, csv, row, "ctx_tokens", INT64_MAX, err)) != OK ||
	    (rc = k->negated ? OK : read_figure(&k->low, csv, row, "low", err)) != OK || (rc = read_figure(&k->high, csv, row, "high", err)) != OK)
		return rc;
	k->devices = (unsigned)devices;
	k->half = last_digit(csv_get(csv, row, "low")) / 2;
	k->half_high = *csv_get(csv, row, "high") ? last_digit(csv_get(csv, row, "high")) / 2 : k->half;
	if (!isnan(k->low) && isnan(k->high))
		k->high = INFINITY;
	if (!isnan(k->high) && isnan(k->low))
		k->low = 0;
	if (k->low > k->high)
		return bad(err, csv, row, "low", "is above high");
	if (k->kind != CLAIM_FITS && isnan(k->low))
		return bad(err, csv, row, "low", "is missing");
	return OK;
}

/* "a,b" against one cell: any of the values. */
static int one_of(const char *values, const char *cell)
{
	size_t n = strlen(cell);

	for (const char *p = values;; p = strchr(p, ',') + 1) {
		if (!strncmp(p, cell, n) && (p[n] == ',' || !p[n]))
			return 1;
		if (!strchr(p, ','))
			return 0;
	}
}

/* Does the row pass the filters? of_verdict: those of the column that is not in the file. */
static int passes(const struct csv *csv, unsigned row, const struct claim *k, const char *const *where, unsigned n, int of_verdict)
{
	for (unsigned i = 0; i < n; i++) {
		char column[64];
		size_t len = strcspn(where[i], "=");
		snprintf(column, sizeof column, "%.*s", (int)len, where[i]);
		if ((strcmp(column, "verdict") == 0) != of_verdict)
			continue;
		if (!one_of(where[i] + len + 1, of_verdict ? claim_verdict_names[k->verdict] : csv_get(csv, row, column)))
			return 0;
	}
	return 1;
}

static int check_where(const struct csv *csv, const char *const *where, unsigned n, struct error *err)
{
	for (unsigned i = 0; i < n; i++) {
		char column[64];
		size_t len = strcspn(where[i], "=");
		snprintf(column, sizeof column, "%.*s", (int)len, where[i]);
		if (!where[i][len])
			return error_set(err, E_USAGE, "--where %s: wants COLUMN=VALUE", where[i]);
		if (!strcmp(column, "verdict")) {
			char word[32];
			for (const char *v = where[i] + len + 1;; v += strlen(word) + 1) {
				snprintf(word, sizeof word, "%.*s", (int)strcspn(v, ","), v);
				if (find_word(claim_verdict_names, word) < 0)
					return error_set(err, E_USAGE, "--where %s: a verdict is true, false, conditional or unjudged", where[i]);
				if (!v[strlen(word)])
					break;
			}
		}
		if (!column[0])
			return error_set(err, E_USAGE, "--where %s: wants COLUMN=VALUE", where[i]);
		if (csv_column(csv, column) < 0 && strcmp(column, "verdict"))
			return error_set(err, E_USAGE, "--where %s: %s has no column %s", where[i], csv->file, column);
	}
	return OK;
}

int audit_run(struct audit *out, struct catalog *c, const struct efficiency *eff, const struct csv *csv, const char *const *where, unsigned n_where,
	struct arena *a, struct error *err)
{
	struct judge j = { .c = c, .eff = eff, .a = a, .err = err };
	int rc = check_where(csv, where, n_where, err);

	*out = (struct audit){ .file = csv->file };
	if (rc != OK)
		return rc;
	for (unsigned i = 0; i < csv->n_columns; i++) {
		if (find_word(columns, csv->head[i]) < 0)
			return error_at(err, E_FILE, csv->file, 1, "unknown column '%.40s': claims have id, guide, model, quant, hardware, devices, ctx_tokens, kind, of, low, high, note", csv->head[i]);
		if (csv_column(csv, csv->head[i]) != (int)i)
			return error_at(err, E_FILE, csv->file, 1, "two columns '%.40s'", csv->head[i]);
	}
	if (csv_column(csv, "model") < 0)
		return error_at(err, E_FILE, csv->file, 1, "no column 'model': claims have id, guide, model, quant, hardware, devices, ctx_tokens, kind, of, low, high, note");
	if (!(out->claim = arena_array(a, csv->n_rows ? csv->n_rows : 1, sizeof *out->claim)))
		return error_set(err, E_NOMEM, "out of memory");
	for (unsigned row = 0; row < csv->n_rows && rc == OK; row++) {
		struct claim *k = &out->claim[out->n];
		if ((rc = read_claim(k, csv, row, a, err)) != OK || !passes(csv, row, k, where, n_where, 0))
			continue;
		if ((rc = judge_claim(&j, k)) != OK || !passes(csv, row, k, where, n_where, 1))
			continue;
		out->count[k->verdict]++;
		out->n++;
	}
	arena_free(&j.scratch);
	return rc;
}
