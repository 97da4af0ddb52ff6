/* matmul - every implementation of the quantised product against ref, element by element
 *
 * Activations of whole numbers up to 127 times a power of two a group of 32 survive any preparation as they are, so that with them only the
 * rounding of float sums is allowed: 2^-24 (c + terms) sum (scale u + |min|) |a|. With other activations half a step of the group is allowed as well. Weights
 * end where their page does, outputs are NaN and canaries before. Implementations that are broken on purpose have to fail. */
#include "matmul.h"
#include "formats_blocks.h"
#include "../tap.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MOST_N = 2048, MOST_ROWS = 100, MOST_TOKENS = 65, CANARIES = 64, GAP = 7, OUT = MOST_TOKENS * (MOST_ROWS + GAP) + 2 * CANARIES };
static const uint32_t some_n[] = { 32, 64, 96, 256, 512, 576, 768, 2048 }, some_tokens[] = { 1, 2, 3, 5, 8, 13, 64, 65 }, some_rows[] = { 1, 15, 16, 17, 33, 100 };

static uint64_t seed = 1;

static double uniform(void) { return (double)(next(&seed) >> 11) * 0x1p-53; }

/* One product: what is multiplied, what ref says, and what each element may be off. */
struct product {
	const struct kformat *f;
	uint32_t rows, n, tokens, stride;
	unsigned char *weights;
	float x[MOST_TOKENS * MOST_N], bias[MOST_ROWS], before[OUT];
	double want[MOST_TOKENS * MOST_ROWS], sum[MOST_TOKENS * MOST_ROWS], step[MOST_TOKENS * MOST_ROWS], lost[MOST_TOKENS * MOST_ROWS];
	int exact, with_bias, add;
};
static struct product product;

/* Exact: see above, some of them 2^-80 of that; the others uniform, all zero, one huge, alternating, subnormal. */
static void activations(float *x, uint32_t n, uint32_t pattern, int exact)
{
	for (uint32_t i = 0; i < n; i++) {
		static int shift;

		if (i % 32 == 0)
			shift = (int)(next(&seed) % 4);
		if (exact)
			x[i] = (i % 32 == 5 ? 127.0f : (float)(int)(next(&seed) % 255) - 127.0f) * (float)(1 << shift) * (pattern % 5 == 4 ? 0x1p-88f : 0x1p-8f);
		else
			x[i] = pattern % 6 == 1 ? 0 : pattern % 6 == 2 ? (i == n / 2 ? 1000 : 0.001f) : pattern % 6 == 3 ? (i % 2 ? 1 : -1)
				: pattern % 6 == 4 ? 0x1p-140f * (float)(i % 9) : (float)uniform() * 2 - 1;
	}
}

/* Random blocks whose scales are of one size, so that no group is lost beside another. */
static void weights(unsigned char *out, const struct kformat *f, uint64_t blocks)
{
	const struct block_layout *l = NULL;

	for (int i = 0; i < LAYOUTS; i++)
		if (block_layouts[i].id == f->id)
			l = block_layouts + i;
	if (!l) {
		f->fill(out, 0, blocks, 7);
		return;
	}
	for (uint64_t i = 0; i < blocks * f->bytes; i++)
		out[i] = (unsigned char)(next(&seed) >> 56);
	/* half of all matrices of MXFP4 have the lowest scales alone, subnormal ones among them; some groups of NVFP4 have any */
	const int low = next(&seed) % 2;
	for (; blocks--; out += f->bytes) {
		for (int k = 0; k < 2; k++)
			if (l->half[k] >= 0)
				out[l->half[k] + 1] = (unsigned char)((out[l->half[k] + 1] & 0x83) | 0x38);
		if (f->id == KF_IQ1_M)
			out[55] = (unsigned char)((out[55] & 0x8f) | 0x30);
		if (f->id == KF_MXFP4)
			out[0] = (unsigned char)((low ? 0 : 124) + out[0] % 4);
		if (f->id == KF_NVFP4)
			for (int k = 0; k < 4; k++)
				out[k] = out[k] % 16 == 15 ? out[k] : (unsigned char)((out[k] & 0x0f) | 0x30);
	}
}

/* `bytes` that end where a page does; nothing may be read after it. The pages stay mapped: few products, short program. */
static unsigned char *at_the_end(uint64_t bytes)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), whole = (bytes + page - 1) / page * page;
	int fd = open("/dev/zero", O_RDWR);
	unsigned char *p = mmap(NULL, whole + page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	close(fd);
	if (p == MAP_FAILED || mprotect(p + whole, page, PROT_NONE))
		exit(4);
	return p + whole - bytes;
}

/* What ref says, and the sums that bounds are made of. */
static void expect(struct product *p)
{
	static float w[MOST_N], s[MOST_N], m[MOST_N];
	static double size[MOST_N];
	static unsigned char u[MOST_N];
	const struct kformat *f = p->f;

	for (uint32_t r = 0; r < p->rows; r++) {
		const unsigned char *row = p->weights + (uint64_t)r * (p->n / f->block) * f->bytes;

		f->dequantise(w, row, p->n);
		if (f->integers)
			f->integers(u, s, m, row, p->n);
		for (uint32_t i = 0; i < p->n; i++)
			size[i] = f->integers ? fabs((double)s[i / f->group]) * u[i] + fabs((double)m[i / f->group]) : fabs((double)w[i]);
		for (uint32_t t = 0; t < p->tokens; t++) {
			const float *x = p->x + t * p->n;
			double sum = 0, sizes = 0, steps = 0, lost = 0;

			for (uint32_t g = 0; g < p->n; g += 32) {
				double most = 0, here = 0;

				for (uint32_t i = g; i < g + 32; i++) {
					sum += (double)w[i] * x[i];
					sizes += size[i] * fabs((double)x[i]);
					here += fabs((double)w[i]);
					most = fmax(most, fabs((double)x[i]));
				}
				steps += here * most / 127 * 0.5;
				/* below 1e-36 a group of int8 may count as zero; bfloat16 products know no subnormal numbers */
				lost += here * fmin(most, 1e-36);
			}
			float *before = p->before + CANARIES + t * p->stride + r;
			p->want[t * p->rows + r] = sum + (p->with_bias ? p->bias[r] : 0) + (p->add ? *before : 0);
			p->sum[t * p->rows + r] = sizes + (p->with_bias ? fabs((double)p->bias[r]) : 0) + (p->add ? fabs((double)*before) : 0);
			p->step[t * p->rows + r] = steps;
			p->lost[t * p->rows + r] = lost;
			if (!p->add)
				*before = NAN;
		}
	}
}

static void make(struct product *p, const struct kformat *f, uint32_t rows, uint32_t n, uint32_t tokens, unsigned variant)
{
	p->f = f;
	p->rows = rows;
	p->n = n;
	p->tokens = tokens;
	p->stride = rows + GAP;
	p->exact = variant % 2 == 0;
	p->with_bias = variant / 2 % 2;
	p->add = variant / 4 % 2;
	p->weights = at_the_end((uint64_t)rows * (n / f->block) * f->bytes);
	weights(p->weights, f, (uint64_t)rows * (n / f->block));
	for (uint32_t t = 0; t < tokens; t++)
		activations(p->x + t * n, n, t + variant, p->exact);
	for (uint32_t r = 0; r < rows; r++)
		p->bias[r] = 1000 * (float)uniform();
	for (uint32_t i = 0; i < OUT; i++)
		p->before[i] = (float)(i % 64) - 32;
	expect(p);
}
static void drop(struct product *p)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), bytes = (uint64_t)p->rows * (p->n / p->f->block) * p->f->bytes, whole = (bytes + page - 1) / page * page;

	munmap(p->weights + bytes - whole, whole + page);
}

static unsigned char *ask(uint64_t bytes)
{
	unsigned char *p;

	if (posix_memalign((void **)&p, KERNEL_ALIGN, bytes + CANARIES))
		exit(4);
	memset(p, 0xff, bytes);                  /* NaN, should anyone read it */
	memset(p + bytes, 0x5a, CANARIES);
	return p;
}
static int whole(unsigned char *p, uint64_t bytes)
{
	int bad = 0;

	for (int i = 0; i < CANARIES; i++)
		bad |= p[bytes + (uint64_t)i] != 0x5a;
	free(p);
	return !bad;
}

/* The largest error over its bound; infinity: something was written that should not be, or is no number. */
static double worst(const struct matmul *m, const struct product *p, int layout)
{
	const enum input_kind k = m->input(p->f->id);
	const uint64_t stride = m->input_bytes(k, p->n), in_bytes = stride * p->tokens, scratch_bytes = m->scratch_bytes(p->f->id, (uint8_t)layout, p->n, p->tokens);
	const uint64_t packed_bytes = m->packed_bytes(p->f->id, p->rows, p->n), middle = p->rows > MATRIX_ROWS ? MATRIX_ROWS : 0;
	unsigned char *in = ask(in_bytes), *scratch = ask(scratch_bytes), *packed = ask(packed_bytes);
	struct matrix w = { p->weights, p->rows, p->n, p->f->id, MATRIX_NATIVE };
	static float out[OUT];
	double ratio = 0;
	int good;

	memcpy(out, p->before, sizeof out);
	for (uint32_t t = 0; t < p->tokens; t++)
		m->prepare(k, in + t * stride, p->x + t * p->n, p->n);
	if (layout == MATRIX_PACKED) {
		m->pack(packed, &w, middle, p->rows);
		if (middle)
			m->pack(packed, &w, 0, middle);
		w = (struct matrix){ packed, p->rows, p->n, p->f->id, MATRIX_PACKED };
	}
	struct matmul_args a = { .w = &w, .row0 = middle, .row1 = p->rows, .in = in, .in_stride = stride, .tokens = p->tokens,
		.out = out + CANARIES, .out_stride = p->stride, .bias = p->with_bias ? p->bias : NULL, .add = (uint8_t)p->add };
	m->run(&a, scratch);
	if (middle) {
		a.row0 = 0;
		a.row1 = middle;
		m->run(&a, scratch);
	}
	good = whole(in, in_bytes) & whole(scratch, scratch_bytes) & whole(packed, packed_bytes);
	for (uint32_t i = 0; i < OUT; i++) {
		const int32_t at = (int32_t)i - CANARIES;
		const uint32_t t = (uint32_t)at / p->stride, r = (uint32_t)at % p->stride;

		if (at < 0 || t >= p->tokens || r >= p->rows) {
			good &= !memcmp(out + i, p->before + i, sizeof *out);
			continue;
		}
		const uint32_t e = t * p->rows + r;
		/* terms: a sum of n products at worst; integer products of 16 are one term */
		const double terms = p->f->group ? p->n / 16 : p->n, tiny = k == INPUT_BF16 ? 0x1p-126 : 0x1p-149;
		const double coarse = p->exact || k == INPUT_F32 ? 0 : (k == INPUT_Q8 ? p->step[e] * 1.0001 : p->sum[e] * 0x1p-8) + p->lost[e];
		const double error = fabs((double)out[i] - p->want[e]) / (0x1p-24 * (terms + 16) * p->sum[e] + coarse + (terms + 16) * tiny);

		if (!(error <= ratio))
			ratio = error == error ? error : INFINITY;
	}
	return good ? ratio : INFINITY;
}

/* Implementations that are broken on purpose: each in one way, over the first of the table. */
static const struct matmul *sound;
enum { TAIL, SCALE, BIAS, ADD, SHORT, LONG, ZERO, TOKENS, FAULTS };
static const char *const faults[] = { "the last 32 inputs dropped", "one group's scale off by a hundredth", "bias forgotten", "add forgotten", "a row short", "a row too many",
	"one element zero", "two tokens exchanged" };
static int fault;
static void broken_prepare(enum input_kind k, void *out, const float *x, uint64_t n)
{
	static float y[MOST_N];

	memcpy(y, x, n * sizeof *y);
	for (uint64_t i = 0; i < 32; i++) {
		if (fault == TAIL)
			y[n - 1 - i] = 0;
		if (fault == SCALE)
			y[i] *= 1.01f;
	}
	sound->prepare(k, out, y, n);
}
static void broken_run(const struct matmul_args *a, void *scratch)
{
	struct matmul_args b = *a;

	if (fault == BIAS)
		b.bias = NULL;
	if (fault == ADD)
		b.add = 0;
	if (fault == SHORT)
		b.row1--;
	sound->run(&b, scratch);
	if (fault == LONG)
		a->out[a->row1] = 0;
	if (fault == ZERO)
		a->out[a->row1 - 1] = 0;
	for (uint64_t r = a->row0; fault == TOKENS && r < a->row1; r++) {
		float v = a->out[r];
		a->out[r] = a->out[r + a->out_stride];
		a->out[r + a->out_stride] = v;
	}
}

static void test_faults(const struct matmul *m)
{
	struct matmul broken = *m;

	sound = m;
	broken.prepare = broken_prepare;
	broken.run = broken_run;
	make(&product, kformat_find(KF_Q4_K), 33, 2048, 3, 6);
	ok(worst(m, &product, MATRIX_NATIVE) <= 1, "%s as it is", m->isa);
	for (fault = 0; fault < FAULTS; fault++) {
		double e = worst(&broken, &product, MATRIX_NATIVE);

		ok(!(e <= 1), "%s broken is noticed: %s (%.3g)", m->isa, faults[fault], e);
	}
	drop(&product);
}

int main(int argc, char **argv)
{
	enum { IMPLEMENTATIONS = 16 };

	if (getenv("SEED"))
		seed = strtoull(getenv("SEED"), NULL, 10);
	printf("# SEED=%llu\n", (unsigned long long)seed);
	for (const struct kformat *f = kformats; f->name; f++) {
		double most[IMPLEMENTATIONS][2] = { { 0 } };
		unsigned compared[IMPLEMENTATIONS][2] = { { 0 } }, cases = 0;

		if (argc > 1 && strcmp(argv[1], f->name))
			continue;
		for (unsigned i = 0; i < sizeof some_n / sizeof *some_n; i++)
			for (unsigned j = 0; j < sizeof some_tokens / sizeof *some_tokens; j++) {
				/* rows and variants go round by themselves: every tokens meets every rows, and every n */
				const uint32_t n = some_n[i], rows = some_rows[(i + j + f->id) % 6];
				if (n % f->block || (n == 2048 && rows == 100 && some_tokens[j] > 60))
					continue;
				make(&product, f, rows, n, some_tokens[j], cases++ + i);
				for (unsigned k = 0; matmuls[k] && k < IMPLEMENTATIONS; k++)
					for (int layout = 0; layout < 2; layout++) {
						const struct matmul *m = matmuls[k];
						if (!m->can() || !m->knows(f->id, n) || (layout == MATRIX_PACKED && !m->packed_bytes(f->id, rows, n)))
							continue;
						double e = worst(m, &product, layout);
						if (e > 1 && most[k][layout] <= 1)
							printf("# %s %s: %u rows of %u, %u tokens, exact %d, bias %d, add %d: %.3g\n", m->isa, f->name, rows, n, some_tokens[j], product.exact, product.with_bias, product.add, e);
						most[k][layout] = fmax(most[k][layout], e);
						compared[k][layout]++;
					}
				drop(&product);
			}
		for (unsigned k = 0; matmuls[k] && k < IMPLEMENTATIONS; k++)
			for (int layout = 0; layout < 2; layout++)
				if (compared[k][layout])
					ok(most[k][layout] <= 1, "%s %s %s: worst error over bound %.3f, %u products", matmuls[k]->isa, f->name, layout ? "packed" : "native", most[k][layout], compared[k][layout]);
	}
	for (unsigned k = 0; argc < 2 && matmuls[k]; k++)
		if (matmuls[k]->can())
			test_faults(matmuls[k]);
	return done_testing();
}
