/* calibration_runs.c - details of the engine's rows, and their medians */
#include "live/calibration_runs.h"

#include "base/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NEWEST_RUNS = 5 };

/* The part of a detail up to the next '/', without the word it begins with; moves *p behind it. -1: not there or too long. */
static int part(char *out, size_t n, const char **p, const char *word)
{
	size_t k = strcspn(*p, "/"), w = strlen(word);

	if ((*p)[k] != '/' || k <= w || k - w >= n || strncmp(*p, word, w))
		return -1;
	memcpy(out, *p + w, k - w);
	out[k - w] = '\0';
	*p += k + 1;
	return 0;
}

int run_detail(struct engine_run *run, struct arena *a, const char *detail, double value)
{
	char format[32], depth[24], np[16], of[32];
	uint64_t d, sequences;
	double promised;

	if (part(format, sizeof format, &detail, "") || part(depth, sizeof depth, &detail, "d") || part(np, sizeof np, &detail, "np") || part(of, sizeof of, &detail, "of") ||
	    !*detail || parse_u64(&d, depth) || parse_u64(&sequences, np) || !sequences || sequences > UINT32_MAX || parse_f64(&promised, of) || !(promised > 0))
		return -1;
	run->format = arena_strdup(a, format);
	run->depth = (double)d;
	run->sequences = (uint32_t)sequences;
	run->factor = value / promised;
	return run->format && run->factor > 0 && run->factor < 1e6 ? 0 : -1;
}

void run_detail_text(char *out, size_t n, const struct engine_run *run, double promised, const char *model)
{
	int k = snprintf(out, n, "%s/d%.0f/np%u/of%.6g/", run->format, run->depth, run->sequences, promised);

	for (size_t at = k > 0 ? (size_t)k : 0; at + 1 < n && *model; at++, model++) {
		out[at] = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", *model) ? *model : '_';
		out[at + 1] = '\0';
	}
}

static int by_kind_and_date(const void *x, const void *y)
{
	const struct seen_run *a = x, *b = y;
	int format = strcmp(a->run.format, b->run.format);
	const double left[] = { a->run.phase, format, a->run.bytes, a->run.depth, a->run.sequences }, right[] = { b->run.phase, 0, b->run.bytes, b->run.depth, b->run.sequences };

	for (unsigned i = 0; i < 5; i++)
		if (left[i] < right[i] || left[i] > right[i])
			return left[i] < right[i] ? -1 : 1;
	return strcmp(b->date, a->date);         /* newest first */
}

static int by_value(const void *x, const void *y)
{
	const double a = *(const double *)x, b = *(const double *)y;

	return (a > b) - (a < b);
}

static int same_kind(const struct engine_run *a, const struct engine_run *b)
{
	return a->phase == b->phase && !strcmp(a->format, b->format) && !(a->bytes < b->bytes) && !(a->bytes > b->bytes) && !(a->depth < b->depth) && !(a->depth > b->depth) &&
	       a->sequences == b->sequences;
}

unsigned runs_settle(struct engine_run *out, struct seen_run *seen, unsigned n, double *scratch)
{
	unsigned n_out = 0;

	qsort(seen, n, sizeof *seen, by_kind_and_date);
	for (unsigned i = 0, next; i < n; i = next) {
		double spread = 0;
		unsigned k = 0;
		for (next = i; next < n && same_kind(&seen[i].run, &seen[next].run); next++)
			if (k < NEWEST_RUNS) {
				spread = spread > seen[next].run.spread ? spread : seen[next].run.spread;
				scratch[k++] = seen[next].run.factor;
			}
		qsort(scratch, k, sizeof *scratch, by_value);
		out[n_out] = seen[i].run;
		out[n_out].spread = spread;
		out[n_out++].factor = k % 2 ? scratch[k / 2] : (scratch[k / 2 - 1] + scratch[k / 2]) / 2;
	}
	return n_out;
}
