/* matmul - speed of quantised products, one thread: bench/matmul [isa [format]]
 *
 * For each format and layout: one token, as GB/s of weights that no cache holds; 4 and 512 tokens, as 10^9 multiplications a second. Best of several runs. */
#include "matmul.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *take(uint64_t bytes)
{
	void *p = aligned_alloc(KERNEL_ALIGN, (bytes + KERNEL_ALIGN - 1) / KERNEL_ALIGN * KERNEL_ALIGN);

	if (!p)
		exit(4);
	memset(p, 1, bytes);
	return p;
}

enum { N = 2048, TOKENS = 512 };
static float x[TOKENS * N];

/* Seconds of the fastest of so many runs over rows [0, rows) of w. */
static double fastest(const struct matmul *m, const struct matrix *w, uint64_t rows, uint32_t tokens, int runs)
{
	enum input_kind k = m->input(w->format);
	uint64_t stride = m->input_bytes(k, N);
	uint8_t *in = take(stride * tokens), *scratch = take(m->scratch_bytes(w->format, w->layout, N, tokens));
	float *out = take(rows * tokens * sizeof *out);
	double best = 1e9;

	for (uint32_t t = 0; t < tokens; t++)
		m->prepare(k, in + t * stride, x + t * N, N);
	for (int i = 0; i < runs; i++) {
		double t0 = now_s(), t;

		m->run(&(struct matmul_args){ .w = w, .row1 = rows, .in = in, .in_stride = stride, .tokens = tokens, .out = out, .out_stride = rows }, scratch);
		t = now_s() - t0;
		best = t < best ? t : best;
	}
	free(in);
	free(scratch);
	free(out);
	return best;
}

int main(int argc, char **argv)
{
	const struct matmul *m = matmul_best(argc > 1 ? argv[1] : NULL);
	const uint64_t many_bytes = getenv("MIB") ? strtoull(getenv("MIB"), NULL, 10) << 20 : 80u << 20;

	if (!m) {
		fprintf(stderr, "no such instruction set here\n");
		return 4;
	}
	srand(1);
	for (uint64_t i = 0; i < TOKENS * N; i++)
		x[i] = (float)rand() / (float)RAND_MAX - 0.5f;
	printf("%-8s %-7s %8s %9s %9s   %s\n", "format", "layout", "1: GB/s", "4: GMAC/s", "512", m->isa);
	for (const struct kformat *f = kformats; f->name; f++) {
		uint64_t row_bytes = N / f->block * f->bytes, rows = many_bytes / row_bytes / MATRIX_ROWS * MATRIX_ROWS, packed;

		if (!m->knows(f->id, N) || (argc > 2 && strcmp(argv[2], f->name)) || !f->fill)
			continue;
		void *data = take(rows * row_bytes);
		f->fill(data, 0, rows * N / f->block, 1);
		struct matrix w = { data, rows, N, f->id, MATRIX_NATIVE };
		for (int layout = 0; layout < 2; layout++) {
			if (layout == 1) {
				if (!(packed = m->packed_bytes(f->id, rows, N)))
					break;
				void *p = take(packed);
				m->pack(p, &w, 0, rows);
				free(data);
				w.data = data = p;
				w.layout = MATRIX_PACKED;
			}
			double one = fastest(m, &w, rows, 1, 25), four = fastest(m, &w, rows / 4 / 16 * 16, 4, 8), many = fastest(m, &w, 512, TOKENS, 6);
			printf("%-8s %-7s %8.1f %9.0f %9.0f\n", f->name, layout ? "packed" : "native", (double)(rows * row_bytes) / one * 1e-9,
				(double)(rows / 4 / 16 * 16) * N * 4 / four * 1e-9, 512.0 * N * TOKENS / many * 1e-9);
			fflush(stdout);
		}
		free(data);
	}
	return 0;
}
