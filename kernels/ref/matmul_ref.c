/* matmul_ref.c - the product that the others are held against: dequantised weights, activations as they are, sums in double */
#include "matmul.h"

#include <stddef.h>

extern const struct matmul matmul_ref;

static int can(void) { return 1; }

static int knows(uint32_t format, uint64_t n)
{
	const struct kformat *f = kformat_find(format);

	return f && n && n % f->block == 0;
}
static enum input_kind input(uint32_t format)
{
	(void)format;
	return INPUT_F32;
}

static uint64_t aligned(uint64_t bytes) { return (bytes + KERNEL_ALIGN - 1) / KERNEL_ALIGN * KERNEL_ALIGN; }

static uint64_t input_bytes(enum input_kind k, uint64_t n)
{
	(void)k;
	return aligned(n * sizeof(float));
}
static void prepare(enum input_kind k, void *out, const float *x, uint64_t n)
{
	float *y = out;

	(void)k;
	for (uint64_t i = 0; i < n; i++)
		y[i] = x[i];
}

static uint64_t packed_bytes(uint32_t format, uint64_t rows, uint64_t n)
{
	(void)format, (void)rows, (void)n;
	return 0;
}
static void pack(void *out, const struct matrix *w, uint64_t row0, uint64_t row1) { (void)out, (void)w, (void)row0, (void)row1; }

/* one row of weights as floats */
static uint64_t scratch_bytes(uint32_t format, uint8_t layout, uint64_t n, uint32_t tokens)
{
	(void)format, (void)layout, (void)tokens;
	return aligned(n * sizeof(float));
}

/* Eight sums side by side: one alone would wait for each addition to end before the next begins. */
static double dot(const float *w, const float *x, uint64_t n)
{
	double sum[8] = { 0 };
	uint64_t i = 0;

	for (; i + 8 <= n; i += 8)
		for (int k = 0; k < 8; k++)
			sum[k] += (double)w[i + k] * x[i + k];
	for (; i < n; i++)
		sum[0] += (double)w[i] * x[i];
	return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

static void run(const struct matmul_args *a, void *scratch)
{
	const struct matrix *w = a->w;
	const struct kformat *f = kformat_find(w->format);
	uint64_t row_bytes = w->n / f->block * f->bytes;
	float *row = scratch;

	for (uint64_t r = a->row0; r < a->row1; r++) {
		f->dequantise(row, (const unsigned char *)w->data + r * row_bytes, w->n);
		for (uint32_t t = 0; t < a->tokens; t++) {
			const float *x = (const float *)(const void *)((const unsigned char *)a->in + t * a->in_stride);
			float *out = a->out + t * a->out_stride + r;
			double sum = dot(row, x, w->n);

			if (a->bias)
				sum += a->bias[r];
			*out = (float)(a->add ? *out + sum : sum);
		}
	}
}

const struct matmul matmul_ref = { "ref", can, knows, input, input_bytes, prepare, packed_bytes, pack, scratch_bytes, run, NULL };
