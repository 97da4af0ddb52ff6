/* calibration_read.c - rows read back: which hold today, and what they come to */
#include "live/calibration.h"

#include "base/csv.h"
#include "base/file.h"
#include "base/str.h"
#include "base/units.h"
#include "live/calibration_runs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NEWEST = 5, MAX_BYTES = 64 << 20 };

struct row { const char *date, *detail; uint8_t kind; uint32_t threads; double value, min, max; };
struct reader {
	struct calibration_used *used;
	struct arena *a;
	const struct csv *csv;
	const struct conditions *now;
	struct error *err;
	struct row *row; unsigned n;             /* those that hold today */
	const char *newest[MEASURED_KINDS][NEWEST];      /* dates of the newest measurements of each kind of row, newest first; NULL */
	const char *why_date;
	struct seen_run *run; unsigned n_run;    /* the engine's that hold today */
	unsigned at;                             /* the row being read */
};

static const char *cell(const struct reader *r, const char *name) { return csv_get(r->csv, r->at, name); }

static int bad(const struct reader *r, const char *name)
{
	return error_at(r->err, E_FILE, r->csv->file, r->csv->line[r->at], "%s: \"%.60s\" cannot be", name, cell(r, name));
}

/* "2026-07-27T09:30:00Z" */
static int is_date(const char *s)
{
	static const char shape[] = "0000-00-00T00:00:00Z";

	for (unsigned i = 0; i < sizeof shape; i++)
		if (shape[i] == '0' ? s[i] < '0' || s[i] > '9' : s[i] != shape[i])
			return 0;
	return 1;
}

static int positive(double *out, const struct reader *r, const char *name)
{
	return parse_f64(out, cell(r, name)) || !(*out > 0) ? bad(r, name) : OK;
}

/* Unknown then or now agrees with everything. before, after: the words about the number. */
static void differs(struct reader *r, const char *name, double now, int known_now, const char *before, const char *after, const char **why, int *rc)
{
	double then;
	char b[2][64];

	if (*rc != OK || *why || !*cell(r, name))
		return;
	if (parse_f64(&then, cell(r, name)) || then < 0) {
		*rc = bad(r, name);
		return;
	}
	if (!known_now || then == now)
		return;
	snprintf(b[0], sizeof b[0], "%g", then);
	snprintf(b[1], sizeof b[1], "%g", now);
	*why = arena_printf(r->a, "measured with %s%s%s, now %s", before, b[0], after, b[1]);
}

/* *why: what was otherwise then; NULL: the row holds. */
static int conditions_of(const char **why, struct reader *r)
{
	const struct conditions *c = r->now;
	const char *governor = cell(r, "governor");
	int rc = OK;

	*why = NULL;
	differs(r, "threads_allowed", c->threads_allowed, c->threads_allowed != 0, "", " threads allowed", why, &rc);
	differs(r, "cpu_limit", c->cpu_limit, c->cpu_limit >= 0, "a limit of ", " processors", why, &rc);
	differs(r, "mhz_max", c->mhz_max, c->mhz_max != 0, "a highest clock of ", " MHz", why, &rc);
	differs(r, "channels", c->channels, c->channels != 0, "", " memory channels", why, &rc);
	differs(r, "mts", c->mts, c->mts != 0, "", " million memory transfers a second", why, &rc);
	if (rc == OK && !*why && *governor && *c->governor && strcmp(governor, c->governor))
		*why = arena_printf(r->a, "measured with the frequency governor %s, now %s", governor, c->governor);
	if (rc == OK && r->a->failed)
		rc = error_set(r->err, E_NOMEM, "out of memory");
	return rc;
}

/* Keeps the newest dates, each once. */
static void note_date(const char **newest, const char *date)
{
	for (unsigned i = 0; i < NEWEST; i++) {
		int order = newest[i] ? strcmp(date, newest[i]) : 1;
		if (order == 0)
			return;
		if (order > 0) {
			memmove(newest + i + 1, newest + i, (NEWEST - 1 - i) * sizeof *newest);
			newest[i] = date;
			return;
		}
	}
}

static int kind_of(const char *name)
{
	for (int k = 0; measured_kind_names[k]; k++)
		if (!strcmp(measured_kind_names[k], name))
			return k;
	return -1;
}

/* A run of the engine: one with fewer threads than an estimate would use says nothing of it. */
static int add_run(struct reader *r, const struct row *w, uint64_t bytes)
{
	struct seen_run *to = &r->run[r->n_run];
	const struct engine_run run = { .phase = w->kind == MEASURED_PREFILL ? RUN_PREFILL : RUN_DECODE, .bytes = (double)bytes };

	*to = (struct seen_run){ .date = w->date, .run = run };
	if (!bytes || run_detail(&to->run, r->a, w->detail, w->value))
		return r->a->failed ? error_set(r->err, E_NOMEM, "out of memory") : bad(r, bytes ? "detail" : "bytes");
	to->run.spread = (w->max - w->min) / w->value;
	if (!r->now->threads_allowed || w->threads >= r->now->threads_allowed) {
		r->n_run++;
		r->used->newest = !r->used->newest || strcmp(w->date, r->used->newest) > 0 ? w->date : r->used->newest;
	}
	return OK;
}

static int read_row(struct reader *r)
{
	const char *complete = cell(r, "complete"), *why;
	struct row *to = &r->row[r->n];
	uint64_t threads, whole;
	int rc, kind;

	if (strcmp(complete, "yes")) {
		if (strncmp("yes", complete, strlen(complete)))
			return bad(r, "complete");
		r->used->cut++;          /* a crash in the middle of a row; the next one began a line of its own */
		return OK;
	}
	r->used->rows++;
	if (!is_date(cell(r, "date")))
		return bad(r, "date");
	kind = kind_of(cell(r, "kind"));
	if (kind < 0 || strcmp(cell(r, "device"), "cpu"))
		return *cell(r, "kind") && *cell(r, "device") ? OK : bad(r, *cell(r, "kind") ? "device" : "kind");       /* of a later version */
	*to = (struct row){ .date = cell(r, "date"), .detail = cell(r, "detail"), .kind = (uint8_t)kind };
	if (!*to->detail)
		return bad(r, "detail");
	if (strcmp(cell(r, "unit"), measured_units[kind]))
		return bad(r, "unit");
	if ((rc = positive(&to->value, r, "value")) != OK || (rc = positive(&to->min, r, "min")) != OK || (rc = positive(&to->max, r, "max")) != OK)
		return rc;
	if (to->min > to->value)
		return bad(r, "min");
	if (to->max < to->value)
		return bad(r, "max");
	if (parse_u64(&threads, cell(r, "threads")) || !threads || threads > UINT32_MAX)
		return bad(r, "threads");
	if (parse_u64(&whole, cell(r, "repeats")) || !whole)
		return bad(r, "repeats");
	whole = 0;
	if (*cell(r, "bytes") && parse_u64(&whole, cell(r, "bytes")))
		return bad(r, "bytes");
	to->threads = (uint32_t)threads;
	if ((rc = conditions_of(&why, r)) != OK)
		return rc;
	if (why) {
		r->used->other++;
		if (!r->why_date || strcmp(to->date, r->why_date) >= 0) {
			r->why_date = to->date;
			r->used->why = why;
		}
		return OK;
	}
	if (kind >= MEASURED_KINDS)
		return add_run(r, to, whole);
	note_date(r->newest[kind], to->date);
	r->n++;
	return OK;
}

static int by_threads_and_value(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->threads != y->threads)
		return x->threads < y->threads ? -1 : 1;
	return (x->value > y->value) - (x->value < y->value);
}

static int is_new(const struct reader *r, const struct row *w)
{
	const char *oldest = NULL;

	for (unsigned i = 0; i < NEWEST && r->newest[w->kind][i]; i++)
		oldest = r->newest[w->kind][i];
	return oldest && strcmp(w->date, oldest) >= 0;
}

struct result { double value, low, high; uint32_t threads; };

/* Median over the rows of a kind whose detail begins with `what`, at the number of threads where it is highest; launch: at the most
 * threads. The rows are in order; v: room for all of them. 0: there are none. */
static int best_of(struct result *out, const struct reader *r, enum measured_kind kind, const char *what, double *v)
{
	struct result one = { 0 };
	unsigned n = 0;

	*out = (struct result){ 0 };
	for (unsigned i = 0; i < r->n; i++) {
		const struct row *w = &r->row[i];
		if (w->kind == kind && str_prefix(w->detail, what)) {
			one.low = n && one.low < w->min ? one.low : w->min;
			one.high = n && one.high > w->max ? one.high : w->max;
			v[n++] = w->value;
		}
		if (!n || (i + 1 < r->n && r->row[i + 1].threads == w->threads))
			continue;
		one.value = n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
		one.threads = w->threads;
		if (!out->threads || kind == MEASURED_LAUNCH || one.value > out->value)
			*out = one;
		n = 0;
	}
	return out->threads != 0;
}

int calibration_parse(struct calibration_used *used, struct arena *a, const char *file, const void *bytes, size_t n, const struct conditions *now, struct error *err)
{
	static const struct { const char *what; enum math math; } rates[] = { { "f32/", MATH_F32 }, { "bf16/", MATH_BF16 }, { "int8/", MATH_INT8 } };
	struct reader r = { .used = used, .a = a, .now = now, .err = err };
	struct result best;
	struct csv csv;
	int rc;

	*used = (struct calibration_used){ .file = file };
	/* nothing but the beginning of a header: what a crash leaves of the first measurement */
	if (n <= strlen(calibration_header) && (!n || !memcmp(bytes, calibration_header, n))) {
		used->cut = n > 0;
		return OK;
	}
	if ((rc = csv_parse(&csv, a, file, bytes, n, err)) != OK)
		return rc;
	r.csv = &csv;
	if (csv_column(&csv, "date") != 0 || csv_column(&csv, "complete") < 0)
		return error_at(err, E_FILE, file, 1, "no columns of measurements: date, kind, detail, value, ... complete");
	r.row = arena_array(a, csv.n_rows + 1u, sizeof *r.row);
	double *v = arena_array(a, csv.n_rows + 1u, sizeof *v);
	r.run = arena_array(a, csv.n_rows + 1u, sizeof *r.run);
	struct engine_run *runs = arena_array(a, csv.n_rows + 1u, sizeof *runs);
	if (!r.row || !v || !r.run || !runs)
		return error_set(err, E_NOMEM, "out of memory");
	for (r.at = 0; r.at < csv.n_rows; r.at++)
		if ((rc = read_row(&r)) != OK)
			return rc;
	for (unsigned k = 0; k < MEASURED_KINDS; k++)
		if (r.newest[k][0] && (!used->newest || strcmp(r.newest[k][0], used->newest) > 0))
			used->newest = r.newest[k][0];
	used->runs = runs;
	used->n_runs = runs_settle(runs, r.run, r.n_run, v);
	/* only the newest are looked at from here on */
	unsigned kept = 0;
	for (unsigned i = 0; i < r.n; i++)
		if (is_new(&r, &r.row[i]))
			r.row[kept++] = r.row[i];
	r.n = kept;
	used->used = kept + r.n_run;
	qsort(r.row, r.n, sizeof *r.row, by_threads_and_value);
	if (best_of(&best, &r, MEASURED_STREAM, "memory/", v)) {
		used->read_bps = known_of(best.value, BASIS_MEASURED);
		used->read_low = best.low;
		used->read_high = best.high;
		used->read_threads = best.threads;
	}
	for (unsigned i = 0; i < sizeof rates / sizeof *rates; i++)
		if (best_of(&best, &r, MEASURED_MATRIX, rates[i].what, v))
			used->flops[rates[i].math] = known_of(best.value, BASIS_MEASURED);
	if (best_of(&best, &r, MEASURED_LAUNCH, "pool", v))
		used->launch_s = known_of(best.value, BASIS_MEASURED);
	return OK;
}

/* A copy of the processor with what was measured, in place of the shared one. */
static int apply_device(struct group *g, struct arena *a, const struct calibration_used *u, struct error *err)
{
	struct device_spec *d = arena_alloc(a, sizeof *d);

	if (!d)
		return error_set(err, E_NOMEM, "out of memory");
	*d = *g->device;
	for (unsigned m = 0; m < MATH_COUNT; m++)
		if (is_known(u->flops[m]))
			d->flops[m] = u->flops[m];
	if (is_known(u->launch_s))
		d->launch_s = u->launch_s;
	g->device = d;
	return OK;
}

int calibration_apply(struct hardware_spec *h, struct arena *a, const struct probed *p, struct calibration_used *used, struct error *err)
{
	struct calibration_used own = { 0 };
	struct conditions now;
	char *text;
	size_t n;
	int rc;

	used = used ? used : &own;
	*used = (struct calibration_used){ 0 };
	const char *file = calibration_file(a, h, p);
	if (!file)
		return a->failed ? error_set(err, E_NOMEM, "out of memory") : OK;
	if (access(file, R_OK)) {
		if (errno != ENOENT && errno != ENOTDIR) {
			const char *why = strerror(errno);
			used->file = file;
			used->why = arena_printf(a, "the file cannot be read: %s", why);
		}
		return OK;
	}
	if ((rc = file_read(&text, &n, a, file, MAX_BYTES, err)) != OK)
		return rc;
	conditions_now(&now, p, NULL);
	if ((rc = calibration_parse(used, a, file, text, n, &now, err)) != OK)
		return rc;
	for (unsigned g = 0; g < h->n_groups; g++)
		if (h->groups[g].device->kind == DEVICE_CPU && (rc = apply_device(&h->groups[g], a, used, err)) != OK)
			return rc;
	for (unsigned i = 0; i < h->n_pools && is_known(used->read_bps); i++) {
		int shared = 0;
		for (unsigned g = 0; g < h->n_groups; g++)
			shared |= h->groups[g].pool == i && h->groups[g].device->kind != DEVICE_CPU;
		if (!shared && h->pools[i].kind != POOL_VRAM)
			h->pools[i].read_bps = used->read_bps;
	}
	h->runs = used->runs;
	h->n_runs = used->n_runs;
	return OK;
}
