/* measure_matrix.c - the matrix rate: two blocks of packed panels that the second cache holds, multiplied tile by tile
 *
 * As in a whole product, a panel of b (16 KiB) stays in the first cache while the panels of a pass by. */
#include "live/measure_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* k numbers of one row take 512 bytes in each format: 24 to 64 KiB a block of a and b of the largest tile. */
enum { ROW = 512, A_PANELS = 8, B_PANELS = 4 };

struct matrix_job {
	const struct trial *t;
	const struct tile_kernel *tile;
	size_t k, a_panel, b_panel, stride;      /* panels in bytes; stride: of one thread */
	enum rate_format f;
	char *memory;                            /* a thread: panels of a, panels of b, tiles of c */
	unsigned long passes;
};

static char *panels_a(const struct matrix_job *j, unsigned thread) { return j->memory + j->stride * thread; }
static char *panels_b(const struct matrix_job *j, unsigned thread) { return panels_a(j, thread) + A_PANELS * j->a_panel; }
static char *tiles_c(const struct matrix_job *j, unsigned thread) { return panels_b(j, thread) + B_PANELS * j->b_panel; }

static void matrix_fill(void *user, unsigned thread, unsigned n)
{
	struct matrix_job *j = user;
	char *p = panels_a(j, thread);
	const size_t each = rate_bytes(j->f), count = (A_PANELS * j->a_panel + B_PANELS * j->b_panel) / each;
	uint64_t x = thread + 1;

	(void)n;
	for (size_t i = 0; i < count; i++) {
		x = measure_next(x);
		float v = (float)((double)(x >> 40) * 0x1p-23 - 1);
		uint32_t bits;
		memcpy(&bits, &v, sizeof bits);
		uint16_t h = (uint16_t)(bits >> 16);
		int8_t q = (int8_t)((int)(x >> 33) % 255 - 127);
		memcpy(p + i * each, j->f == RATE_F32 ? (void *)&v : j->f == RATE_BF16 ? (void *)&h : (void *)&q, each);
	}
}

static void matrix_multiply(void *user, unsigned thread, unsigned n)
{
	const struct matrix_job *j = user;
	const char *a = panels_a(j, thread), *b = panels_b(j, thread);
	char *c = tiles_c(j, thread);
	const size_t ldc = (size_t)B_PANELS * j->tile->nr;

	(void)n;
	for (unsigned long pass = 0; pass < j->passes; pass++)
		for (unsigned y = 0; y < B_PANELS; y++)
			for (unsigned x = 0; x < A_PANELS; x++)
				j->tile->run(c + (x * j->tile->mr * ldc + y * j->tile->nr) * 4, ldc, a + x * j->a_panel, b + y * j->b_panel, j->k);
}

static double matrix_passes(void *job, unsigned long passes)
{
	struct matrix_job *j = job;
	double begin = measure_now_s();

	j->passes = passes;
	measure_threads(j->t, matrix_multiply, j);
	return measure_now_s() - begin;
}

static double number(const struct matrix_job *j, const char *panel, unsigned width, unsigned i, size_t t)
{
	const size_t g = j->tile->group, at = (t / g * width + i) * g + t % g;
	float v;
	uint32_t bits;

	if (j->f == RATE_Q8)
		return ((const int8_t *)panel)[at];
	if (j->f == RATE_BF16)
		bits = (uint32_t)((const uint16_t *)(const void *)panel)[at] << 16;
	else
		memcpy(&bits, panel + 4 * at, sizeof bits);
	memcpy(&v, &bits, sizeof v);
	return v;
}

/* Row r and column s of the whole product, against plain sums in double. */
static int matrix_wrong(const struct matrix_job *j, unsigned thread, unsigned r, unsigned s, double *got, double *want)
{
	const unsigned mr = j->tile->mr, nr = j->tile->nr;
	const char *a = panels_a(j, thread) + r / mr * j->a_panel, *b = panels_b(j, thread) + s / nr * j->b_panel;
	const char *c = tiles_c(j, thread) + ((size_t)r * B_PANELS * nr + s) * 4;
	double mag = 0;
	int32_t n;
	float f;

	*want = 0;
	for (size_t t = 0; t < j->k; t++) {
		double p = number(j, a, mr, r % mr, t) * number(j, b, nr, s % nr, t);
		*want += p;
		mag += fabs(p);
	}
	memcpy(&n, c, sizeof n);
	memcpy(&f, c, sizeof f);
	*got = j->f == RATE_Q8 ? (double)n : (double)f;
	return j->f == RATE_Q8 ? *got != *want : !(fabs(*got - *want) <= ((double)j->k + 2) * 0x1p-24 * mag);
}

int run_matrix(struct measured_row *out, const struct trial *t, enum rate_format f, const struct tile_kernel *k, struct error *err)
{
	struct matrix_job j = { .t = t, .tile = k, .f = f, .k = ROW / rate_bytes(f), .a_panel = (size_t)ROW * k->mr, .b_panel = (size_t)ROW * k->nr };
	const unsigned rows = A_PANELS * k->mr, columns = B_PANELS * k->nr;
	double got, want;

	/* pages of their own, so that each thread's lie where it runs */
	j.stride = (A_PANELS * j.a_panel + B_PANELS * j.b_panel + (size_t)rows * columns * 4 + 4095) & ~(size_t)4095;
	if (posix_memalign((void **)&j.memory, 4096, j.stride * t->threads))
		return error_set(err, E_NOMEM, "out of memory");
	pool_run(t->pool, t->threads, matrix_fill, &j);
	measure_timed(out, t, matrix_passes, &j);
	out->bytes = 0;
	measure_as_rate(out, 2.0 * rows * columns * (double)j.k * t->threads);
	for (unsigned i = 0; i < t->threads; i++)
		for (unsigned e = 0; e < rows * columns; e += 37)
			if (matrix_wrong(&j, i, e / columns, e % columns, &got, &want)) {
				free(j.memory);
				return error_set(err, E_NODEV, "%s gives %g where %g is right (row %u, column %u): there is no figure", k->isa, got, want,
					e / columns, e % columns);
			}
	free(j.memory);
	return OK;
}
