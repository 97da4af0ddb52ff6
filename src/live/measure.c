/* measure.c - which figures are taken, of which sizes, with how many threads */
#ifdef __linux__
#define _GNU_SOURCE 1
#endif
#include "live/measure.h"

#include "base/str.h"
#include "base/units.h"
#include "base/cpu_order.h"
#include "live/measure_run.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char *const measured_kind_names[] = { "stream_read", "matvec", "matrix", "launch", "engine_prefill", "engine_decode", NULL };
const char *const measured_units[] = { "bytes_per_s", "bytes_per_s", "flops", "s", "tokens_per_s", "tokens_per_s", NULL };

/* STREAM's own rule (stream.c of McCalpin, "Instructions", 1): at least four times the last caches; and a run not too short to time. */
enum { CACHES = 4 };
#define MEMORY_LEAST (256 * MIB)

uint64_t measure_plan_bytes(const struct probed *p, unsigned threads)
{
	const struct probed_memory *m = &p->memory;
	const struct probed_cache *last = NULL;
	uint64_t want = MEMORY_LEAST, least = 0, have = m->available ? m->available : m->total;

	for (unsigned i = 0; i < PROBE_CACHES; i++)
		if (p->cpu.cache[i].bytes)
			last = &p->cpu.cache[i];
	if (last && u64_mul(&least, CACHES * (uint64_t)(last->count > 1 ? last->count < threads ? last->count : threads : 1), last->bytes))
		return 0;
	if (m->limit) {
		uint64_t used = m->used > m->cache ? m->used - m->cache : 0, left = m->limit > used ? m->limit - used : 0;
		have = left < have ? left : have;
	}
	if (want < least)
		want = least;
	if (want > have / 4)
		want = have / 4;
	/* an unknown cache may be of any size: then less than the usual will not do */
	return want < (last ? least : MEMORY_LEAST) || !want ? 0 : want;
}

double measured_spread(const struct measured_row *r) { return r->value > 0 ? (r->max - r->min) / r->value : 0; }

const struct measured_row *measured_best(const struct measured *m, enum measured_kind kind, const char *what)
{
	const struct measured_row *best = NULL;

	for (unsigned i = 0; i < m->n_rows; i++) {
		const struct measured_row *r = &m->row[i];
		if (r->kind == kind && str_prefix(r->detail, what) && (!best || (kind == MEASURED_LAUNCH ? r->value < best->value : r->value > best->value)))
			best = r;
	}
	return best;
}

/* What is asked of whom, and how far it is. */
struct session {
	struct measured *out;
	const struct probed *p;
	const struct measure_options *o;
	struct trial t;
	unsigned counts[16], n_counts, all, step, steps;
	struct error *err;
};

static int stopped(const struct session *s) { return s->o->stop && *s->o->stop; }

PRINTF_LIKE(2, 3)
static void note(struct measured *m, const char *fmt, ...)
{
	va_list ap;

	if (m->n_notes == MEASURED_NOTES)
		return;
	va_start(ap, fmt);
	vsnprintf(m->note[m->n_notes], sizeof m->note[0], fmt, ap);
	va_end(ap);
	str_clean(m->note[m->n_notes++]);
}

/* The next row, named; NULL when there is no room. */
static struct measured_row *begin(struct session *s, enum measured_kind kind, const char *what, const char *isa, unsigned threads)
{
	char title[80];

	if (s->out->n_rows == MEASURED_ROWS || stopped(s))
		return NULL;
	struct measured_row *r = &s->out->row[s->out->n_rows++];
	*r = (struct measured_row){ .kind = (uint8_t)kind };
	snprintf(r->detail, sizeof r->detail, "%s%s%s", what, *isa ? "/" : "", isa);
	s->t.threads = threads;
	s->t.runs = s->o->runs ? s->o->runs : 7;
	s->t.run_s = s->o->run_s > 0 ? s->o->run_s : 0.05;
	snprintf(title, sizeof title, "%s %s, %u thread%s", measured_kind_names[kind], r->detail, threads, threads == 1 ? "" : "s");
	if (s->o->progress)
		s->o->progress(s->o->user, title, s->step, s->steps > s->step ? s->steps : s->step + 1);
	s->step++;
	return r;
}

static int stream(struct session *s, const char *what, uint64_t bytes, unsigned threads, double shorter)
{
	const struct stream_kernel *k = s->o->stream ? s->o->stream : stream_best();
	struct measured_row *r = begin(s, MEASURED_STREAM, what, k->isa, threads);

	s->t.run_s *= shorter;
	return r ? run_stream(r, &s->t, k->sum, bytes, s->err) : OK;
}

/* Half of what each thread has of a cache, when that is more than it has of the one before it. */
static int caches(struct session *s)
{
	static const char *const names[] = { "l1", "l2", "l3", "l4" };
	const unsigned counts[2] = { 1, s->all };

	for (unsigned c = 0; c < (s->all > 1 ? 2 : 1); c++) {
		double before = 0;
		for (unsigned i = 0; i < PROBE_CACHES; i++) {
			const struct probed_cache *k = &s->p->cpu.cache[i];
			const unsigned threads = s->p->cpu.threads > s->all ? s->p->cpu.threads : s->all;
			double mine = (double)k->bytes * (counts[c] == 1 ? 1 : fmin(1, (double)(k->count ? k->count : 1) / threads));
			if (!k->bytes || mine / 2 < before * 1.5 || mine / 2 < 1024)
				continue;
			before = mine;
			int rc = stream(s, names[i], (uint64_t)(mine / 2) * counts[c], counts[c], 0.25);
			if (rc != OK)
				return rc;
		}
	}
	return OK;
}

static int memory(struct session *s)
{
	static const char *const formats[] = { "f32", "bf16", "q8" };
	int rc;

	for (unsigned i = 0; i < s->n_counts; i++) {
		uint64_t bytes = s->o->memory_bytes ? s->o->memory_bytes : measure_plan_bytes(s->p, s->counts[i]);
		if (bytes) {
			if ((rc = stream(s, "memory", bytes, s->counts[i], 1)) != OK)
				return rc;
		} else if (i + 1 == s->n_counts) {
			note(s->out, "memory is not measured: a quarter of what is available is not four times the last cache");
		}
	}
	const struct measured_row *best = measured_best(s->out, MEASURED_STREAM, "memory/");
	for (enum rate_format f = 0; best && f < RATE_FORMATS && !s->o->memory_only; f++) {
		const struct matvec_kernel *k = matvec_best(f);
		uint64_t bytes = best->bytes;
		unsigned threads = best->threads;
		struct measured_row *r = begin(s, MEASURED_MATVEC, formats[f], k->isa, threads);
		if (r && (rc = run_matvec(r, &s->t, f, k, bytes, s->err)) != OK)
			return rc;
	}
	/* a machine that other programs or other guests use as well answers otherwise each time */
	if (best && measured_spread(best) > 0.1)
		note(s->out, "the runs of memory differ by %.0f %%: something else uses it, or other guests of this host do", 100 * measured_spread(best));
	return OK;
}

static int matrices(struct session *s)
{
	static const char *const formats[] = { "f32", "bf16", "int8" };
	const unsigned cores = s->p->cpu.cores;
	int rc;

	for (enum rate_format f = 0; f < RATE_FORMATS; f++)
		for (unsigned c = 0; c < 2; c++) {
			const struct tile_kernel *k = tile_best(f);
			unsigned threads = c ? s->all : cores && cores < s->all ? cores : 0;
			struct measured_row *r = threads ? begin(s, MEASURED_MATRIX, formats[f], k->isa, threads) : NULL;
			if (r && (rc = run_matrix(r, &s->t, f, k, s->err)) != OK)
				return rc;
		}
	if (s->p->cpu.isa_known && s->p->cpu.isa >> ISA_AMX_TILE & 1)
		note(s->out, "this processor has AMX tiles, which these kernels do not use: its matrix rates may be higher");
	return OK;
}

/* 1, 2, 4, ... and the number of cores, up to all. */
static void plan_counts(struct session *s)
{
	unsigned cores = s->p->cpu.cores;

	if (s->o->memory_only) {
		s->counts[s->n_counts++] = s->all;
		s->steps = 1;
		return;
	}
	for (unsigned n = 1; n < s->all && s->n_counts < 13; n *= 2) {
		s->counts[s->n_counts++] = n;
		if (cores > n && cores < n * 2 && cores < s->all)
			s->counts[s->n_counts++] = cores;
	}
	s->counts[s->n_counts++] = s->all;
	s->steps = s->n_counts + (s->all > 1 ? 6 : 3) + RATE_FORMATS * (2 + (cores && cores < s->all)) + 1;
}

/* Only the processor can be measured: anything else is refused by its name. */
static int check_device(struct session *s)
{
	const char *d = s->o->device;

	for (unsigned i = 0; i < s->p->n_gpus && i < PROBE_GPUS; i++) {
		const char *name = s->p->gpu[i].name ? s->p->gpu[i].name : "a GPU without a name";
		char id[16];
		snprintf(id, sizeof id, "gpu%u", i);
		if (d && (str_ieq(d, id) || str_ieq(d, name)))
			return error_set(s->err, E_NODEV, "%s: cannot be measured: this version has no kernels for GPUs", name);
		if (!d && i < 3)
			note(s->out, "%s is not measured: this version has no kernels for GPUs", name);
	}
	if (!d || str_ieq(d, "cpu") || (s->p->cpu.name && str_ieq(d, s->p->cpu.name)))
		return OK;
	return error_set(s->err, E_NODEV, "%s: no such device to measure", d);
}

static unsigned threads_to_use(const struct session *s, unsigned ordered)
{
	unsigned n = ordered ? ordered : s->p->cpu.threads_allowed;

	if (!n) {
		long online = sysconf(_SC_NPROCESSORS_ONLN);
		n = online > 0 ? (unsigned)online : 1;
	}
	/* beyond what a cgroup grants, threads only stand still by turns */
	if (s->p->cpu.cpu_limit > 0 && s->p->cpu.cpu_limit < n)
		n = (unsigned)ceil(s->p->cpu.cpu_limit);
	if (s->o->threads && s->o->threads < n)
		n = s->o->threads;
	return n < 1 ? 1 : n < POOL_THREADS ? n : POOL_THREADS;
}

/* What a working thread did not get of its processor, others had. */
static void note_others(struct measured *m)
{
	double least = 1;

	for (unsigned i = 0; i < m->n_rows; i++)
		least = fmin(least, m->row[i].share);
	if (least < 0.95)
		note(m, "other programs had up to %.0f %% of a processor meanwhile: measure again when it is idle", 100 * (1 - least));
}

int measure_machine(struct measured *out, const struct probed *p, const struct measure_options *o, struct error *err)
{
	struct session s = { .out = out, .p = p, .o = o, .err = err };
	unsigned cpu[POOL_THREADS], ordered = cpu_order(cpu, POOL_THREADS);
	time_t now = time(NULL);
	struct timespec begun, ended;
	struct tm utc;
	int rc;

	*out = (struct measured){ 0 };
	if ((rc = check_device(&s)) != OK)
		return rc;
	if (!gmtime_r(&now, &utc) || !strftime(out->date, sizeof out->date, "%Y-%m-%dT%H:%M:%SZ", &utc))
		return error_set(err, E_NODEV, "the system does not say what time it is");
	clock_gettime(CLOCK_MONOTONIC, &begun);
	s.all = threads_to_use(&s, ordered);
	plan_counts(&s);
	if ((rc = pool_open(&s.t.pool, s.all, ordered ? cpu : NULL, err)) != OK)
		return rc;
	s.t.busy = calloc(s.all, sizeof *s.t.busy);      /* without it the figures stand, and nothing is said of others */
	out->pinned = (uint8_t)pool_pinned(s.t.pool);
	rc = o->memory_only ? OK : caches(&s);
	if (rc == OK)
		rc = memory(&s);
	if (rc == OK && !o->memory_only)
		rc = matrices(&s);
	if (rc == OK && !o->memory_only) {
		struct measured_row *r = begin(&s, MEASURED_LAUNCH, "pool", "", s.all);
		if (r)
			run_launch(r, &s.t);
	}
	free(s.t.busy);
	pool_close(s.t.pool);
	clock_gettime(CLOCK_MONOTONIC, &ended);
	out->seconds = (double)(ended.tv_sec - begun.tv_sec) + (double)(ended.tv_nsec - begun.tv_nsec) * 1e-9;
	note_others(out);
	if (rc != OK || stopped(&s))
		out->n_rows = 0;
	return rc;
}
