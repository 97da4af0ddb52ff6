/* measure_run.c - the timed loops: how long one pass takes, median of some runs of many passes */
#define _DEFAULT_SOURCE 1                /* MAP_ANONYMOUS, madvise */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE 1
#endif
#include "live/measure_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

static double clock_s(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}
double measure_now_s(void) { return clock_s(CLOCK_MONOTONIC); }

struct work { const struct trial *t; pool_fn *fn; void *job; };

static void work(void *user, unsigned thread, unsigned n)
{
	const struct work *w = user;
	double wall = measure_now_s(), ran = clock_s(CLOCK_THREAD_CPUTIME_ID);

	w->fn(w->job, thread, n);
	w->t->busy[thread].ran += clock_s(CLOCK_THREAD_CPUTIME_ID) - ran;
	w->t->busy[thread].wall += measure_now_s() - wall;
}

void measure_threads(const struct trial *t, pool_fn *fn, void *job)
{
	struct work w = { t, fn, job };

	if (t->busy)
		pool_run(t->pool, t->threads, work, &w);
	else
		pool_run(t->pool, t->threads, fn, job);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void measure_timed(struct measured_row *out, const struct trial *t, passes_fn *fn, void *job)
{
	enum { RUNS = 63 };
	unsigned runs = t->runs < 1 ? 1 : t->runs < RUNS ? t->runs : RUNS;
	unsigned long passes = 1;
	double s[RUNS] = { 0 }, once = fn(job, 1);

	while ((once = fn(job, passes)) < t->run_s / 4 && passes < 1ul << 28)
		passes *= 4;
	if (once < t->run_s * 1.1)
		passes = (unsigned long)(ceil((double)passes * 1.1 * t->run_s / fmax(once, 1e-9)));
	for (unsigned i = 0; t->busy && i < t->threads; i++)
		t->busy[i] = (struct busy){ 0 };
	for (unsigned i = 0; i < runs; i++)
		s[i] = fn(job, passes) / (double)passes;
	out->share = 1;
	for (unsigned i = 0; t->busy && i < t->threads; i++)
		if (t->busy[i].wall > 0)
			out->share = fmin(out->share, t->busy[i].ran / t->busy[i].wall);
	qsort(s, runs, sizeof *s, by_value);
	out->value = runs % 2 ? s[runs / 2] : (s[runs / 2 - 1] + s[runs / 2]) / 2;
	out->min = s[0];
	out->max = s[runs - 1];
	out->threads = t->threads;
	out->repeats = runs;
}

void measure_as_rate(struct measured_row *out, double amount)
{
	double longest = out->max;

	out->value = amount / out->value;
	out->max = amount / out->min;
	out->min = amount / longest;
}

/* One stretch a thread, on pages of its own. */
enum { PAGE = 2 << 20 };
struct area { char *p; uint64_t bytes, each, stride; };

/* Untouched memory; huge pages are asked for, so that the memory and not the translation of addresses is measured. */
static int area_open(struct area *a, uint64_t bytes, unsigned threads, struct error *err)
{
	a->each = bytes / threads & ~UINT64_C(63);
	a->stride = (a->each + PAGE - 1) & ~(uint64_t)(PAGE - 1);
	a->bytes = a->stride * threads + PAGE;
	a->p = mmap(NULL, a->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (a->p == MAP_FAILED) {
		a->p = NULL;
		return error_set(err, E_NOMEM, "%llu bytes to measure with cannot be had", (unsigned long long)a->bytes);
	}
#ifdef MADV_HUGEPAGE
	madvise(a->p, a->bytes, MADV_HUGEPAGE);
#endif
	return OK;
}
static void area_close(struct area *a)
{
	if (a->p)
		munmap(a->p, a->bytes);
}
static char *area_of(const struct area *a, unsigned thread)
{
	uintptr_t at = ((uintptr_t)a->p + PAGE - 1) & ~(uintptr_t)(PAGE - 1);

	return a->p + (at - (uintptr_t)a->p) + a->stride * thread;
}

uint64_t measure_next(uint64_t x) { return x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407); }

/* --- reading ----------------------------------------------------------------------------------------------------------------- */

struct stream_job {
	const struct trial *t;
	struct area area;
	stream_sum_fn *sum;
	uint64_t *want, *got;            /* a thread each */
	unsigned long passes;
};

static void stream_fill(void *user, unsigned thread, unsigned n)
{
	struct stream_job *j = user;
	char *p = area_of(&j->area, thread);
	uint64_t x = thread + 1, sum = 0;

	(void)n;
	for (uint64_t i = 0; i < j->area.each; i += sizeof x) {
		x = measure_next(x);
		memcpy(p + i, &x, sizeof x);
		sum += x;
	}
	j->want[thread] = sum;
}

static void stream_read(void *user, unsigned thread, unsigned n)
{
	struct stream_job *j = user;
	const char *p = area_of(&j->area, thread);
	uint64_t sum = 0;

	(void)n;
	for (unsigned long i = 0; i < j->passes; i++)
		sum += j->sum(p, j->area.each) - j->want[thread];
	j->got[thread] |= sum;
}

static double stream_passes(void *job, unsigned long passes)
{
	struct stream_job *j = job;
	double begin = measure_now_s();

	j->passes = passes;
	measure_threads(j->t, stream_read, j);
	return measure_now_s() - begin;
}

int run_stream(struct measured_row *out, const struct trial *t, stream_sum_fn *sum, uint64_t bytes, struct error *err)
{
	struct stream_job j = { .t = t, .sum = sum, .want = calloc(2 * (size_t)t->threads, sizeof *j.want) };
	int rc = OK;

	j.got = j.want + t->threads;
	if (!j.want)
		return error_set(err, E_NOMEM, "out of memory");
	if ((rc = area_open(&j.area, bytes, t->threads, err)) != OK)
		goto out;
	pool_run(t->pool, t->threads, stream_fill, &j);
	measure_timed(out, t, stream_passes, &j);
	out->bytes = j.area.each * t->threads;
	measure_as_rate(out, (double)out->bytes);
	for (unsigned i = 0; i < t->threads && rc == OK; i++)
		if (j.got[i])
			rc = error_set(err, E_NODEV, "the sum over what was read is wrong on thread %u: not all of it was read, so there is no figure", i);
out:
	area_close(&j.area);
	free(j.want);
	return rc;
}

/* --- matrix times vector ------------------------------------------------------------------------------------------------------ */

enum { COLS = 4096 };                    /* the width of a model of some 8B parameters */

struct matvec_job {
	const struct trial *t;
	struct area area;
	enum rate_format f;
	matvec_fn *run;
	size_t row_bytes, rows;          /* of one thread */
	void *x;
	float *y;                        /* rows a thread */
	unsigned long passes;
};

static size_t row_bytes(enum rate_format f)
{
	return f == RATE_Q8 ? COLS / 32 * sizeof(struct q8_block) : COLS * rate_bytes(f);
}

/* Numbers of size 1 to 2 and either sign; q8: scales of 2^-8 to 2^-7. */
static void matvec_fill(void *user, unsigned thread, unsigned n)
{
	struct matvec_job *j = user;
	char *p = area_of(&j->area, thread);
	uint64_t x = thread + 1;

	(void)n;
	for (uint64_t i = 0; i + sizeof x <= j->rows * j->row_bytes; i += sizeof x) {
		uint64_t w = x = measure_next(x);
		if (j->f == RATE_F32)
			w = (w & UINT64_C(0x807fffff807fffff)) | UINT64_C(0x3f8000003f800000);
		else if (j->f == RATE_BF16)
			w = (w & UINT64_C(0x807f807f807f807f)) | UINT64_C(0x3f803f803f803f80);
		memcpy(p + i, &w, sizeof w);
	}
	if (j->f != RATE_Q8)
		return;
	struct q8_block *b = (struct q8_block *)(void *)p;
	for (size_t i = 0; i < j->rows * (COLS / 32); i++)
		b[i].scale = (uint16_t)((b[i].scale & 0x83ff) | 0x1c00);
}

static int matvec_input(struct matvec_job *j)
{
	uint64_t x = 7;

	j->x = calloc(COLS, sizeof(float));
	if (!j->x)
		return -1;
	for (unsigned i = 0; i < COLS; i++) {
		x = measure_next(x);
		if (j->f == RATE_Q8) {
			struct q8_input *in = j->x;
			in[i / 32].scale = 0x1p-7f;
			in[i / 32].q[i % 32] = (int8_t)((int)(x >> 40 & 127) - 63);
		} else {
			((float *)j->x)[i] = (float)((double)(x >> 40) * 0x1p-24 - 0.5);
		}
	}
	return 0;
}

static void matvec_read(void *user, unsigned thread, unsigned n)
{
	struct matvec_job *j = user;

	(void)n;
	for (unsigned long i = 0; i < j->passes; i++)
		j->run(j->y + thread * j->rows, area_of(&j->area, thread), j->x, j->rows, COLS);
}

static double matvec_passes(void *job, unsigned long passes)
{
	struct matvec_job *j = job;
	double begin = measure_now_s();

	j->passes = passes;
	measure_threads(j->t, matvec_read, j);
	return measure_now_s() - begin;
}

/* Row r of a thread in double, and the sum of absolute products. */
static double matvec_want(double *mag, const struct matvec_job *j, unsigned thread, size_t r)
{
	const char *p = area_of(&j->area, thread) + r * j->row_bytes;
	double sum = 0;

	*mag = 0;
	for (unsigned i = 0; i < COLS; i++) {
		double w, x;
		if (j->f == RATE_Q8) {
			const struct q8_block *b = (const struct q8_block *)(const void *)p + i / 32;
			const struct q8_input *in = (const struct q8_input *)j->x + i / 32;
			w = (b->scale & 0x8000 ? -1 : 1) * ldexp(1024 + (b->scale & 1023), (b->scale >> 10 & 31) - 25) * b->q[i % 32];
			x = (double)in->scale * in->q[i % 32];
		} else {
			uint32_t bits = 0;
			float v;
			if (j->f == RATE_F32)
				memcpy(&bits, p + 4 * i, 4);
			else
				bits = (uint32_t)((const uint16_t *)(const void *)p)[i] << 16;
			memcpy(&v, &bits, sizeof v);
			w = v;
			x = ((const float *)j->x)[i];
		}
		sum += w * x;
		*mag += fabs(w * x);
	}
	return sum;
}

int run_matvec(struct measured_row *out, const struct trial *t, enum rate_format f, const struct matvec_kernel *k, uint64_t bytes, struct error *err)
{
	struct matvec_job j = { .t = t, .f = f, .run = k->run, .row_bytes = row_bytes(f) };
	int rc;

	if ((rc = area_open(&j.area, bytes, t->threads, err)) != OK)
		return rc;
	j.rows = j.area.each / j.row_bytes;
	j.y = calloc(j.rows * t->threads + 1, sizeof *j.y);
	if (!j.y || !j.rows || matvec_input(&j)) {
		rc = error_set(err, E_NOMEM, "out of memory");
		goto out;
	}
	pool_run(t->pool, t->threads, matvec_fill, &j);
	measure_timed(out, t, matvec_passes, &j);
	out->bytes = j.row_bytes * j.rows * t->threads;
	measure_as_rate(out, (double)out->bytes);
	for (unsigned i = 0; i < t->threads && rc == OK; i++)
		for (unsigned e = 0; e < 3 && rc == OK; e++) {
			size_t r = e == 0 ? 0 : e == 1 ? j.rows / 2 : j.rows - 1;
			double mag, want = matvec_want(&mag, &j, i, r), got = j.y[i * j.rows + r];
			if (!(fabs(got - want) <= (COLS / 8.0 + 12) * 0x1p-24 * mag))
				rc = error_set(err, E_NODEV, "%s gives %g where %g is right (row %zu of thread %u): there is no figure", k->isa, got, want, r, i);
		}
out:
	free(j.x);
	free(j.y);
	area_close(&j.area);
	return rc;
}

/* --- starting a run of all threads ----------------------------------------------------------------------------------------------- */

static void nothing(void *user, unsigned thread, unsigned n)
{
	(void)user;
	(void)thread;
	(void)n;
}

static double launch_passes(void *job, unsigned long passes)
{
	const struct trial *t = job;
	double begin = measure_now_s();

	for (unsigned long i = 0; i < passes; i++)
		pool_run(t->pool, t->threads, nothing, NULL);
	return measure_now_s() - begin;
}

void run_launch(struct measured_row *out, const struct trial *t)
{
	struct trial copy = *t;

	measure_timed(out, t, launch_passes, &copy);
	out->bytes = 0;
}
