/* verify_text.c - ullage verify on a terminal: predicted against measured */
#include "cli/verify.h"

#include "base/units.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const names[VERIFY_KINDS] = { "weights", "KV cache", "state", "compute buffers", "total resident", "load", "prefill", "decode" };

static int is_bytes(const struct verify_term *t) { return t->kind <= VERIFY_TOTAL; }

/* "1.23 GiB", "41.2 tok/s", "0.31 s" */
static const char *value_text(char *b, size_t n, const struct verify_term *t, double v)
{
	char d[32];

	if (is_bytes(t))
		return format_signed_bytes(b, n, (int64_t)v);
	snprintf(b, n, "%s %s", format_3(d, sizeof d, v), t->kind == VERIFY_LOAD ? "s" : "tok/s");
	return b;
}

/* "23.1 to 40.2 tok/s", "+-2 %" */
static const char *interval_text(char *b, size_t n, const struct verify_term *t)
{
	char low[32], high[32];

	if (t->predicted.basis == BASIS_UNKNOWN)
		*b = '\0';
	else if (t->tolerance > 0)
		snprintf(b, n, "within %.0f %%", 100 * t->tolerance);
	else if (is_bytes(t))
		snprintf(b, n, "reported");
	else
		snprintf(b, n, "%s to %s", format_3(low, sizeof low, t->predicted.low), format_3(high, sizeof high, t->predicted.high));
	return b;
}

static const char *error_text_of(char *b, size_t n, const struct verify_term *t)
{
	if (!t->is_measured || t->predicted.basis == BASIS_UNKNOWN)
		*b = '\0';
	else if (isfinite(t->error))
		snprintf(b, n, "%+.1f %%", 100 * t->error);
	else
		snprintf(b, n, "all of it");
	return b;
}

void verify_text_before(const struct text *t, const struct verify *v)
{
	char b[32], low[32], high[32], test[64], line[1600] = "predicted:";
	size_t n = strlen(line);

	for (unsigned i = 0; i < v->n_terms && n < sizeof line; i++) {
		const struct verify_term *x = &v->term[i];
		if (x->predicted.basis == BASIS_UNKNOWN || (is_bytes(x) && x->predicted.value < 1))
			continue;
		n += (size_t)snprintf(line + n, sizeof line - n, "%s %s%s%s %s", i ? "," : "", names[x->kind], *verify_test(test, sizeof test, x) ? " " : "", test,
			value_text(b, sizeof b, x, x->predicted.value));
		if (!is_bytes(x) && n < sizeof line)
			n += (size_t)snprintf(line + n, sizeof line - n, " (%s to %s)", format_3(low, sizeof low, x->predicted.low), format_3(high, sizeof high, x->predicted.high));
	}
	text_wrap(t, "", 2, line);
}

static void row(struct table *tab, const struct verify_term *t)
{
	char b[48], test[64];

	table_cell(tab, PLAIN, "%s%s%s", names[t->kind], *verify_test(test, sizeof test, t) ? " " : "", test);
	table_cell(tab, PLAIN, "%s", t->predicted.basis == BASIS_UNKNOWN ? "unknown" : value_text(b, sizeof b, t, t->predicted.value));
	table_cell(tab, DIM, "%s", interval_text(b, sizeof b, t));
	table_cell(tab, BOLD, "%s", t->is_measured ? value_text(b, sizeof b, t, t->measured) : "unknown");
	table_cell(tab, PLAIN, "%s", error_text_of(b, sizeof b, t));
	if (t->n_samples > 1)
		table_cell(tab, verify_spread(t) > 0.05 ? YELLOW : DIM, "%.1f %%", 100 * verify_spread(t));
	else
		table_cell(tab, PLAIN, "%s", "");
	table_cell(tab, t->pass == VERIFY_NO ? RED : t->pass == VERIFY_YES ? GREEN : DIM, "%s", t->pass == VERIFY_NO ? "no" : t->pass == VERIFY_YES ? "yes" : "-");
}

/* Beside what was measured: an earlier result, and what the whole model of a slice would come to. A table of its own: one of all columns is wider than a
 * terminal. */
static void row_beside(struct table *tab, const struct verify_term *t, int baseline, int whole)
{
	char b[48], test[64];

	table_cell(tab, PLAIN, "%s%s%s", names[t->kind], *verify_test(test, sizeof test, t) ? " " : "", test);
	table_cell(tab, BOLD, "%s", t->is_measured ? value_text(b, sizeof b, t, t->measured) : "unknown");
	if (whole)
		table_cell(tab, PLAIN, "%s", verify_scaled(t) > 0 ? value_text(b, sizeof b, t, verify_scaled(t)) : "");
	if (baseline) {
		table_cell(tab, PLAIN, "%s", t->has_before ? value_text(b, sizeof b, t, t->before) : "");
		if (t->has_before && t->is_measured && t->before > 0)
			table_cell(tab, PLAIN, "%+.1f %%", 100 * (t->measured / t->before - 1));
		else
			table_cell(tab, PLAIN, "%s", "");
		table_cell(tab, !t->has_before ? DIM : t->worse ? RED : GREEN, "%s", !t->has_before ? "-" : t->worse ? "no" : "yes");
	}
}

static void beside(const struct text *t, const struct verify_answer *a)
{
	const struct verify *v = a->verify;
	const int baseline = a->baseline != NULL, whole = v->layers_of != 0;
	struct table tab;
	char all[32];

	if (!baseline && !whole)
		return;
	fputc('\n', t->out);
	table_init(&tab, 2u + (unsigned)whole + 3 * (unsigned)baseline, whole && baseline ? 0x1e : baseline ? 0xe : 0x6);
	snprintf(all, sizeof all, "all %u layers", v->layers_of);
	const char *const head[] = { "term", "measured", whole ? all : NULL, baseline ? "baseline" : NULL, baseline ? "change" : NULL, baseline ? "pass" : NULL };
	for (unsigned i = 0; i < sizeof head / sizeof *head; i++)
		if (head[i])
			table_cell(&tab, DIM, "%s", head[i]);
	for (unsigned i = 0; i < v->n_terms; i++)
		if (v->term[i].has_before || verify_scaled(&v->term[i]) > 0)
			row_beside(&tab, &v->term[i], baseline, whole);
	table_print(&tab, t, 1);
}

static void notes(const struct text *t, const struct verify_answer *a)
{
	const struct verify *v = a->verify;
	char b[32], slice[160];

	snprintf(slice, sizeof slice, "a slice, %u of %u layers: what the whole model would take is its own prediction, as far off as the slice's", a->answer->model->spec->n_layers,
		v->layers_of);
	for (unsigned i = 0; i < v->n_notes; i++)
		text_wrap(t, "note: ", 6, v->note[i]);
	if (v->layers_of)
		text_wrap(t, "note: ", 6, slice);
	if (v->header_bytes > 0)
		fprintf(t->out, "the file's header and vocabulary, %s resident, are not counted\n", format_bytes(b, sizeof b, (uint64_t)v->header_bytes));
	fprintf(t->out, "%s%s%s, %u thread%s%s; context %llu; peak memory %s\n", v->info.backend ? v->info.backend : "engine", v->info.isa ? " " : "", v->info.isa ? v->info.isa : "",
		v->info.threads, v->info.threads == 1 ? "" : "s", v->info.pinned ? ", pinned" : "", (unsigned long long)v->ctx_tokens,
		v->peak_bytes >= 0 ? format_bytes(b, sizeof b, (uint64_t)v->peak_bytes) : "unknown");
	if (a->kept)
		text_wrap(t, "speeds kept in ", 2, a->kept);
	if (a->saved)
		text_wrap(t, "weights written to ", 2, a->saved);
}

void verify_text(const struct text *t, const struct verify_answer *a, int quiet)
{
	static const char *const head[] = { "term", "predicted", "interval", "measured", "error", "spread", "pass" };
	enum { COLUMNS = sizeof head / sizeof *head };
	const char *verdict = a->passes ? "verified" : "not verified";
	struct table tab;

	text_paint(t, BOLD, "%s", a->source);
	fprintf(t->out, ", %s%s, on this machine\n", answer_quant(a->answer), a->dummy ? ", made-up weights" : "");
	table_init(&tab, COLUMNS, (1u << (COLUMNS - 1)) - 2);    /* all to the right but the first and the last */
	for (unsigned i = 0; i < COLUMNS; i++)
		table_cell(&tab, DIM, "%s", head[i]);
	for (unsigned i = 0; i < a->verify->n_terms; i++)
		row(&tab, &a->verify->term[i]);
	table_print(&tab, t, 1);
	beside(t, a);
	if (!quiet)
		notes(t, a);
	text_paint(t, a->passes ? GREEN : RED, "%s", verdict);
	if (*a->why) {
		fputs(": ", t->out);
		text_wrap_from(t, (int)strlen(verdict) + 2, 2, a->why);
	} else {
		fputc('\n', t->out);
	}
}

/* Bytes are whole numbers, whatever their size. */
static void csv_value(FILE *out, const struct verify_term *t, double v, int known)
{
	if (known)
		fprintf(out, is_bytes(t) ? "%.0f," : "%.9g,", v);
	else
		fputc(',', out);
}

void verify_csv(FILE *out, const struct verify_answer *a)
{
	char test[64];

	fputs("name,test,predicted,low,high,measured,min,max,error,pass,baseline,worse,whole\n", out);
	for (unsigned i = 0; i < a->verify->n_terms; i++) {
		const struct verify_term *t = &a->verify->term[i];
		const int predicted = t->predicted.basis != BASIS_UNKNOWN;
		fprintf(out, "%s,%s,", verify_kind_names[t->kind], verify_test(test, sizeof test, t));
		csv_value(out, t, t->predicted.value, predicted);
		csv_value(out, t, t->predicted.low, predicted);
		csv_value(out, t, t->predicted.high, predicted);
		csv_value(out, t, t->measured, t->is_measured);
		csv_value(out, t, t->min, t->is_measured);
		csv_value(out, t, t->max, t->is_measured);
		if (t->is_measured && predicted && isfinite(t->error))
			fprintf(out, "%.4f", t->error);
		fprintf(out, ",%s,", t->pass == VERIFY_YES ? "true" : t->pass == VERIFY_NO ? "false" : "");
		csv_value(out, t, t->before, t->has_before);
		fprintf(out, "%s,", !t->has_before ? "" : t->worse ? "true" : "false");
		if (verify_scaled(t) > 0)
			fprintf(out, is_bytes(t) ? "%.0f" : "%.9g", verify_scaled(t));
		fputc('\n', out);
	}
}

void verify_progress(void *user, const char *what, unsigned step, unsigned of)
{
	char bar[3 * 20 + 1];

	(void)user;
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K%s %s", text_bar(bar, sizeof bar, 20, of ? (double)step / of : 0), what);
}

void verify_progress_end(void)
{
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}
