/* matmul_ref.c - the product in double against sums in long double, of every format
 *
 * Row ranges, strides, what is added, canaries about everything that is written. SEED=n repeats a run. */
#include "matmul.h"

#include "../tap.h"

#include <float.h>
#include <math.h>

enum { CANARIES = 64, MOST_ROWS = 67, MOST_N = 1024, MOST_TOKENS = 19 };

static uint64_t seed;

static float uniform(void)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (float)(int32_t)(seed >> 32) * 0x1p-31f;
}
static void *need(size_t bytes)
{
	void *p = aligned_alloc(KERNEL_ALIGN, (bytes + KERNEL_ALIGN - 1) / KERNEL_ALIGN * KERNEL_ALIGN);

	if (!p) {
		printf("Bail out! no memory\n");
		exit(1);
	}
	return p;
}

struct problem { uint64_t rows, n, row0, row1; uint32_t tokens; uint64_t in_gap, out_gap; int bias, add; };

/* The worst |error| in units of its bound; infinity when something else was written. The sum in double errs by at most n roundings of the
 * magnitudes' sum, the result by one of float's. */
static double worst(const struct matmul *m, const struct kformat *f, const struct problem *p)
{
	const uint64_t row_bytes = p->n / f->block * f->bytes, in_stride = m->input_bytes(m->input(f->id), p->n) + p->in_gap * KERNEL_ALIGN,
		out_stride = p->rows + p->out_gap, outs = p->tokens * out_stride, scratch_bytes = m->scratch_bytes(f->id, MATRIX_NATIVE, p->n, p->tokens);
	unsigned char *w = need(p->rows * row_bytes + 1), *in = need(in_stride * p->tokens), *scratch = need(scratch_bytes + CANARIES);
	float *x = need(p->tokens * p->n * sizeof *x), *all = need((outs + 2 * CANARIES) * sizeof *all), *before = need((outs + 2 * CANARIES) * sizeof *before),
		*bias = need(p->rows * sizeof *bias), *row = need(p->n * sizeof *row), *out = all + CANARIES;
	/* an odd start: weights lie at any address */
	struct matrix matrix = { w + 1, p->rows, p->n, f->id, MATRIX_NATIVE };
	struct matmul_args a = { &matrix, p->row0, p->row1, in, in_stride, p->tokens, out, out_stride, p->bias ? bias : NULL, (uint8_t)p->add };
	double most = 0;

	f->fill(w + 1, 0, p->rows * p->n / f->block, seed);
	memset(in, 0xff, in_stride * p->tokens);
	for (uint64_t i = 0; i < p->tokens * p->n; i++)
		x[i] = uniform() * (i % 97 == 5 ? 1000 : 1);
	for (uint32_t t = 0; t < p->tokens; t++)
		m->prepare(m->input(f->id), in + t * in_stride, x + t * p->n, p->n);
	for (uint64_t r = 0; r < p->rows; r++)
		bias[r] = uniform();
	for (uint64_t i = 0; i < outs + 2 * CANARIES; i++)
		all[i] = before[i] = p->add ? uniform() : NAN;
	memset(scratch + scratch_bytes, 0xa5, CANARIES);

	m->run(&a, scratch);

	for (uint64_t r = p->row0; r < p->row1; r++) {
		f->dequantise(row, w + 1 + r * row_bytes, p->n);
		for (uint32_t t = 0; t < p->tokens; t++) {
			long double sum = 0, magnitudes = 0;
			float *old = before + CANARIES + t * out_stride + r, got = out[t * out_stride + r];
			for (uint64_t i = 0; i < p->n; i++) {
				sum += (long double)row[i] * x[t * p->n + i];
				magnitudes += fabsl((long double)row[i] * x[t * p->n + i]);
			}
			sum += p->bias ? (long double)bias[r] : 0;
			sum += p->add ? (long double)*old : 0;
			magnitudes += (p->bias ? fabsl((long double)bias[r]) : 0) + (p->add ? fabsl((long double)*old) : 0);
			double error = (double)fabsl((long double)got - sum), bound = (double)((long double)(p->n + 2) * DBL_EPSILON / 2 * magnitudes + (long double)FLT_EPSILON / 2 * fabsl(sum)) + FLT_TRUE_MIN;
			if (!(error <= most * bound))
				most = error >= 0 ? error / bound : INFINITY;
			*old = got;
		}
	}
	for (int i = 0; i < CANARIES; i++)
		if (scratch[scratch_bytes + i] != 0xa5)
			most = INFINITY;
	if (memcmp(all, before, (outs + 2 * CANARIES) * sizeof *all))   /* all but the rows asked for is as it was */
		most = INFINITY;
	free(w);
	free(in);
	free(scratch);
	free(x);
	free(all);
	free(before);
	free(bias);
	free(row);
	return most;
}

/* Mistakes that must be found out. */
static const struct matmul *right;
static void run_short(const struct matmul_args *a, void *scratch)
{
	struct matmul_args b = *a;

	if (b.row1 - b.row0 > 1)
		b.row1--;
	right->run(&b, scratch);
}
static void run_long(const struct matmul_args *a, void *scratch)
{
	right->run(a, scratch);
	a->out[(a->tokens - 1) * a->out_stride + a->row1] = 1;
}
static void run_unbiased(const struct matmul_args *a, void *scratch)
{
	struct matmul_args b = *a;

	b.bias = NULL;
	right->run(&b, scratch);
}
static void run_tailless(const struct matmul_args *a, void *scratch)     /* the last block of each row missing */
{
	struct matrix m = *a->w;
	struct matmul_args b = *a;
	const struct kformat *f = kformat_find(m.format);

	b.w = &m;
	for (b.row0 = a->row0; b.row0 < a->row1; b.row0++) {
		b.row1 = b.row0 + 1;
		m.n = a->w->n - f->block;
		m.data = (const unsigned char *)a->w->data + b.row0 * (uint64_t)f->bytes;    /* so that rows begin where they did */
		right->run(&b, scratch);
	}
}

static const struct problem problems[] = {
	{ 1, 256, 0, 1, 1, 0, 0, 0, 0 }, { 16, 512, 0, 16, 1, 0, 0, 1, 0 }, { 33, 256, 0, 33, 3, 1, 5, 0, 1 }, { 67, 768, 16, 48, 7, 0, 1, 1, 1 },
	{ 67, 256, 64, 67, 19, 2, 0, 1, 0 }, { 40, 1024, 32, 40, 8, 0, 3, 0, 0 }, { 48, 512, 16, 16, 2, 0, 0, 1, 0 }
};
enum { PROBLEMS = sizeof problems / sizeof *problems };

static double worst_of(const struct matmul *m, const struct kformat *f)
{
	double most = 0;

	for (unsigned i = 0; i < PROBLEMS; i++) {
		double e = worst(m, f, problems + i);
		if (!(e <= most))
			most = e;
	}
	for (uint64_t n = 1; f->block == 1 && n < 20; n++) {
		struct problem p = { 17, n, 16, 17, 2, 0, 1, 1, 0 };
		double e = worst(m, f, &p);
		if (!(e <= most))
			most = e;
	}
	return most;
}

int main(void)
{
	const char *s = getenv("SEED");
	unsigned known = 0;

	seed = s ? strtoull(s, NULL, 0) : 1;
	printf("# SEED=%llu\n", (unsigned long long)seed);
	right = matmul_best("ref");
	if (!ok(right && !strcmp(right->isa, "ref") && right->can(), "there is a ref"))
		return done_testing();
	ok(matmul_best(NULL) && matmul_best(NULL)->can() && !matmul_best("no such"), "the best can run; an unknown name is none");
	const struct matmul *const *last = matmuls;
	while (last[0] && last[1])
		last++;
	ok(*last == right, "ref is the last");
	for (const struct kformat *f = kformats; f->name; f++, known++) {
		ok(right->knows(f->id, 2ull * f->block) && !right->knows(f->id, 0) && (f->block == 1 || !right->knows(f->id, f->block + 1u)), "%s: whole blocks", f->name);
		double most = worst_of(right, f);
		ok(most <= 1, "%s: the worst is %.3f of its bound", f->name, most);
	}
	ok(known == 26 && !right->knows(9, 256), "%u formats; no others", known);
	ok(right->packed_bytes(KF_Q4_K, 64, 256) == 0 && right->input_bytes(INPUT_F32, 17) == 128, "never packed; inputs are floats, whole lines");

	static void (*const wrong[])(const struct matmul_args *, void *) = { run_short, run_long, run_unbiased, run_tailless };
	for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct matmul m = *right;
		m.run = wrong[i];
		ok(worst(&m, kformat_find(KF_Q4_0), problems + 4) > 1, "mistake %u is found out", i);
	}
	return done_testing();
}
