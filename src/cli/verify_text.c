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

void verify_text_before(FILE *out, const struct verify *v)
{
	char b[32], low[32], high[32], test[64];

	fputs("predicted:", out);
	for (unsigned i = 0; i < v->n_terms; i++) {
		const struct verify_term *t = &v->term[i];
		if (t->predicted.basis == BASIS_UNKNOWN || (is_bytes(t) && t->predicted.value < 1))
			continue;
		fprintf(out, "%s %s%s%s %s", i ? "," : "", names[t->kind], *verify_test(test, sizeof test, t) ? " " : "", test, value_text(b, sizeof b, t, t->predicted.value));
		if (!is_bytes(t))
			fprintf(out, " (%s to %s)", format_3(low, sizeof low, t->predicted.low), format_3(high, sizeof high, t->predicted.high));
	}
	fputc('\n', out);
}

static void row(struct table *tab, const struct verify_term *t, int baseline, int whole)
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
	if (whole)
		table_cell(tab, PLAIN, "%s", verify_scaled(t) > 0 ? value_text(b, sizeof b, t, verify_scaled(t)) : "");
	if (baseline && t->has_before)
		table_cell(tab, t->worse ? RED : PLAIN, "%s%s", value_text(b, sizeof b, t, t->before), t->worse ? " worse" : "");
	else if (baseline)
		table_cell(tab, PLAIN, "%s", "");
	table_cell(tab, t->pass == VERIFY_NO ? RED : t->pass == VERIFY_YES ? GREEN : DIM, "%s", t->pass == VERIFY_NO ? "no" : t->pass == VERIFY_YES ? "yes" : "-");
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
	const int whole = a->verify->layers_of != 0;
	char all[32];
	const char *const head[] = { "term", "predicted", "interval", "measured", "error", "spread", whole ? all : NULL, a->baseline ? "baseline" : NULL, "pass" };
	struct table tab;

	text_paint(t, BOLD, "%s", a->source);
	fprintf(t->out, ", %s%s, on this machine\n", answer_quant(a->answer), a->dummy ? ", made-up weights" : "");
	snprintf(all, sizeof all, "all %u layers", a->verify->layers_of);
	const unsigned columns = 7u + (whole != 0) + (a->baseline != NULL);
	table_init(&tab, columns, (1u << (columns - 1)) - 2);    /* all to the right but the first and the last */
	for (unsigned i = 0; i < sizeof head / sizeof *head; i++)
		if (head[i])
			table_cell(&tab, DIM, "%s", head[i]);
	for (unsigned i = 0; i < a->verify->n_terms; i++)
		row(&tab, &a->verify->term[i], a->baseline != NULL, whole);
	table_print(&tab, t, 1);
	if (!quiet)
		notes(t, a);
	text_paint(t, a->passes ? GREEN : RED, "%s", a->passes ? "verified" : "not verified");
	if (*a->why)
		text_wrap(t, ": ", 2, a->why);
	else
		fputc('\n', t->out);
}

void verify_csv(FILE *out, const struct verify_answer *a)
{
	char test[64];

	fputs("name,test,predicted,low,high,measured,min,max,error,pass\n", out);
	for (unsigned i = 0; i < a->verify->n_terms; i++) {
		const struct verify_term *t = &a->verify->term[i];
		fprintf(out, "%s,%s,", verify_kind_names[t->kind], verify_test(test, sizeof test, t));
		if (t->predicted.basis != BASIS_UNKNOWN)
			fprintf(out, "%.9g,%.9g,%.9g,", t->predicted.value, t->predicted.low, t->predicted.high);
		else
			fputs(",,,", out);
		if (t->is_measured)
			fprintf(out, "%.9g,%.9g,%.9g,", t->measured, t->min, t->max);
		else
			fputs(",,,", out);
		if (t->is_measured && t->predicted.basis != BASIS_UNKNOWN && isfinite(t->error))
			fprintf(out, "%.4f", t->error);
		fprintf(out, ",%s\n", t->pass == VERIFY_YES ? "true" : t->pass == VERIFY_NO ? "false" : "");
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
