/* kernels.c - each variant that this processor can run, against plain sums in double or whole numbers
 *
 * Odd sizes, tails, misaligned starts, canaries about everything that is written. SEED=n repeats a run. */
#include "cpu/rates.h"
#include "cpu/stream.h"

#include "../tap.h"

#include <math.h>
#include <stdint.h>

static uint64_t seed;

static uint32_t draw(void)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(seed >> 33);
}
static float uniform(void) { return (float)draw() / (float)(1u << 30) - 1; }

static uint64_t sum_plain(const unsigned char *p, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (uint64_t)p[i] << (8 * (i % 8));
	return sum;
}

/* What a kernel must not get away with: half of the bytes, all but the last, one too many. */
static uint64_t sum_half(const void *p, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i + 64 <= n; i += 128)
		sum += stream_best()->sum((const char *)p + i, 64);
	return sum;
}
static uint64_t sum_short(const void *p, size_t n) { return stream_best()->sum(p, n ? n - 1 : 0); }
static uint64_t sum_long(const void *p, size_t n) { return stream_best()->sum(p, n + 1); }

static const size_t sizes[] = { 0, 1, 3, 7, 8, 9, 31, 32, 33, 255, 256, 257, 511, 512, 513, 1023, 1024, 1025, 4096, 4097, 65536 + 777 };
enum { N_SIZES = sizeof sizes / sizeof *sizes };

/* Mistakes of one sum over all sizes and starts. */
static unsigned wrong_sums(stream_sum_fn *sum, unsigned char *bytes)
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < N_SIZES; i++)
		for (unsigned start = 0; start < 65; start += start < 9 ? 1 : 11)
			wrong += sum(bytes + start, sizes[i]) != sum_plain(bytes + start, sizes[i]);
	return wrong;
}

static void streams(void)
{
	const size_t n = 65536 + 1024;
	unsigned char *bytes = malloc(n);
	unsigned ran = 0;

	if (!bytes) {
		ok(0, "out of memory");
		return;
	}
	for (size_t i = 0; i < n; i++)
		bytes[i] = (unsigned char)(draw() | 1);
	for (const struct stream_kernel *k = stream_kernels; k->isa; k++) {
		if (!k->can()) {
			skip("not on this processor", "stream %s", k->isa);
			continue;
		}
		ran++;
		ok(wrong_sums(k->sum, bytes) == 0, "stream %s: all sizes and starts", k->isa);
		/* a block of just the size, for a sanitizer or valgrind to see a byte read beyond it */
		for (unsigned i = 1; i < N_SIZES; i += 4) {
			unsigned char *exact = malloc(sizes[i]);
			if (exact)
				ok(k->sum(memcpy(exact, bytes, sizes[i]), sizes[i]) == sum_plain(bytes, sizes[i]), "stream %s: %zu bytes alone", k->isa, sizes[i]);
			free(exact);
		}
	}
	ok(ran > 0 && stream_best()->can(), "%u variants ran, the best is %s", ran, stream_best()->isa);
	ok(wrong_sums(sum_half, bytes) > N_SIZES && wrong_sums(sum_short, bytes) > N_SIZES && wrong_sums(sum_long, bytes) > N_SIZES,
		"a sum that leaves out half, or one byte, or takes one more is found out");
	free(bytes);
}

static uint16_t bf16_of(float f)
{
	uint32_t bits;

	memcpy(&bits, &f, sizeof bits);
	return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
static float of_bf16(uint16_t h)
{
	uint32_t bits = (uint32_t)h << 16;
	float f;

	memcpy(&f, &bits, sizeof f);
	return f;
}
static double of_half(uint16_t h)
{
	int e = h >> 10 & 31;
	double m = e ? ldexp(1024 + (h & 1023), e - 25) : ldexp(h & 1023, -24);

	return h & 0x8000 ? -m : m;
}
static int8_t draw_q8(void)
{
	int v = (int)(draw() % 255) - 127;

	return (int8_t)(draw() % 16 ? v : v < 0 ? -127 : 127);
}

/* A matrix and a vector of one format, and the exact products. mag: sums of absolute products, for the error bound. */
struct problem { void *w, *x; float *y; double *want, *mag; size_t rows, cols; };

static int problem_make(struct problem *p, enum rate_format f, size_t rows, size_t cols)
{
	const size_t each = f == RATE_F32 ? 4 : 2, wn = f == RATE_Q8 ? rows * cols / 32 * sizeof(struct q8_block) : rows * cols * each,
		xn = f == RATE_Q8 ? cols / 32 * sizeof(struct q8_input) : cols * 4;

	/* blocks of just the size; a weight row begins at any multiple of its type */
	*p = (struct problem){ malloc(wn + 1), malloc(xn + 1), malloc((rows + 16) * sizeof(float)), calloc(rows, sizeof(double)),
		calloc(rows, sizeof(double)), rows, cols };
	if (!p->w || !p->x || !p->y || !p->want || !p->mag)
		return -1;
	if (f == RATE_Q8) {
		struct q8_block *w = p->w;
		struct q8_input *x = p->x;
		for (size_t i = 0; i < cols / 32; i++) {
			x[i].scale = uniform() / 64;
			for (unsigned j = 0; j < 32; j++)
				x[i].q[j] = draw_q8();
		}
		for (size_t i = 0; i < rows * cols / 32; i++) {
			w[i].scale = (uint16_t)(draw() % 0x3c00 | (draw() & 1) << 15);   /* below 1, subnormals too */
			for (unsigned j = 0; j < 32; j++)
				w[i].q[j] = draw() % 32 ? draw_q8() : -128;
			int dot = 0, mag = 0;
			for (unsigned j = 0; j < 32; j++) {
				dot += w[i].q[j] * x[i % (cols / 32)].q[j];
				mag += abs(w[i].q[j] * x[i % (cols / 32)].q[j]);
			}
			double scale = of_half(w[i].scale) * x[i % (cols / 32)].scale;
			p->want[i / (cols / 32)] += scale * dot;
			p->mag[i / (cols / 32)] += fabs(scale) * mag;
		}
		return 0;
	}
	float *x = p->x;
	for (size_t i = 0; i < cols; i++)
		x[i] = uniform();
	for (size_t i = 0; i < rows * cols; i++) {
		float v = i / cols && i % 97 == 5 ? 1e3f * uniform() : uniform();        /* the first row is all of one size */
		if (f == RATE_F32)
			((float *)p->w)[i] = v;
		else
			v = of_bf16(((uint16_t *)p->w)[i] = bf16_of(v));
		p->want[i / cols] += (double)v * x[i % cols];
		p->mag[i / cols] += fabs((double)v * x[i % cols]);
	}
	return 0;
}
static void problem_free(struct problem *p)
{
	free(p->w);
	free(p->x);
	free(p->y);
	free(p->want);
	free(p->mag);
}

/* The worst error in units of its bound; infinity when a canary is gone. Every variant adds up in eight lanes or more, so a number
 * goes through an eighth of the roundings and those of the end. */
static double matvec_error(matvec_fn *run, struct problem *p)
{
	double worst = 0;

	for (size_t i = 0; i < p->rows + 16; i++)
		p->y[i] = (float)NAN;
	run(p->y + 8, p->w, p->x, p->rows, p->cols);
	for (size_t i = 0; i < 8; i++)
		if (!isnan(p->y[i]) || !isnan(p->y[8 + p->rows + i]))
			return INFINITY;
	for (size_t i = 0; i < p->rows; i++) {
		double bound = ((double)p->cols / 8 + 12) * 0x1p-24 * p->mag[i] + 1e-30, e = fabs(p->y[8 + i] - p->want[i]) / bound;
		if (!(e <= worst))
			worst = e;
	}
	return worst;
}

/* A kernel that leaves one number of 4097 out, the largest product. */
static void leaves_one_out(float *y, const void *w, const void *x, size_t rows, size_t cols)
{
	const float *a = w, *b = x;
	float largest = 0;

	matvec_best(RATE_F32)->run(y, w, x, rows, cols);
	for (size_t i = 0; i < cols; i++)
		if (fabsf(a[i] * b[i]) > fabsf(largest))
			largest = a[i] * b[i];
	y[0] -= largest;
}

static const char *const formats[] = { "f32", "bf16", "q8" };

static void vectors(void)
{
	static const size_t cols[] = { 1, 3, 8, 31, 32, 33, 127, 128, 129, 256, 1000, 4096, 4097 }, rows[] = { 1, 3, 7 };

	for (enum rate_format f = 0; f < RATE_FORMATS; f++)
		for (const struct matvec_kernel *k = matvec_kernels[f]; k->isa; k++) {
			double worst = 0;
			unsigned n = 0;
			if (!k->can()) {
				skip("not on this processor", "matrix-vector %s %s", formats[f], k->isa);
				continue;
			}
			for (unsigned i = 0; i < sizeof cols / sizeof *cols; i++)
				for (unsigned j = 0; j < 3; j++) {
					struct problem p;
					if (f == RATE_Q8 && cols[i] % 32)
						continue;
					if (problem_make(&p, f, rows[j], cols[i]) == 0) {
						double e = matvec_error(k->run, &p);
						worst = e <= worst ? worst : e;
						n++;
					}
					problem_free(&p);
				}
			ok(n >= 12 && worst <= 1, "matrix-vector %s %s: %u shapes, worst error %.3f of its bound", formats[f], k->isa, n, worst);
		}
	struct problem p;
	if (problem_make(&p, RATE_F32, 3, 4097) == 0)
		ok(matvec_error(leaves_one_out, &p) > 1, "a product that leaves out one number is found out");
	problem_free(&p);
}

/* One tile of the variant's size against plain sums; in units of the bound, whole numbers exactly. */
static double tile_error(enum rate_format f, const struct tile_kernel *k, size_t depth)
{
	const size_t each = rate_bytes(f), an = depth * k->mr, bn = depth * k->nr, ldc = k->nr + 5u, cn = k->mr * ldc + 16;
	char *a = malloc(an * each + 1), *b = malloc(bn * each + 1);
	uint32_t *c = malloc(cn * 4);
	double worst = 0;

	if (!a || !b || !c) {
		free(a), free(b), free(c);
		return INFINITY;
	}
	for (size_t i = 0; i < an + bn; i++) {
		char *to = i < an ? a + i * each : b + (i - an) * each;
		float v = uniform();
		uint16_t h = bf16_of(v);
		int8_t q = draw_q8();
		memcpy(to, f == RATE_F32 ? (void *)&v : f == RATE_BF16 ? (void *)&h : (void *)&q, each);
	}
	memset(c, 0xa5, cn * 4);
	k->run(c + 8, ldc, a, b, depth);
	for (unsigned i = 0; i < k->mr; i++)
		for (unsigned j = 0; j < k->nr; j++) {
			double want = 0, mag = 0, got;
			for (size_t t = 0; t < depth; t++) {
				size_t g = t / k->group, r = t % k->group;
				const char *pa = a + ((g * k->mr + i) * k->group + r) * each, *pb = b + ((g * k->nr + j) * k->group + r) * each;
				float x, y;
				uint16_t hx, hy;
				if (f == RATE_F32)
					memcpy(&x, pa, 4), memcpy(&y, pb, 4);
				else if (f == RATE_BF16)
					memcpy(&hx, pa, 2), memcpy(&hy, pb, 2), x = of_bf16(hx), y = of_bf16(hy);
				else
					x = *(const int8_t *)pa, y = *(const int8_t *)pb;
				want += (double)x * y;
				mag += fabs((double)x * y);
			}
			uint32_t bits = c[8 + i * ldc + j];
			float v;
			int32_t whole_number;
			memcpy(&v, &bits, 4);
			memcpy(&whole_number, &bits, 4);
			got = f == RATE_Q8 ? (double)whole_number : (double)v;
			double e = f == RATE_Q8 ? (got == want ? 0 : INFINITY) : fabs(got - want) / (((double)depth + 2) * 0x1p-24 * mag + 1e-30);
			if (!(e <= worst))
				worst = e;
			c[8 + i * ldc + j] = 0xa5a5a5a5;
		}
	for (size_t i = 0; i < cn; i++)
		if (c[i] != 0xa5a5a5a5)
			worst = INFINITY;
	free(a), free(b), free(c);
	return worst;
}

static void tiles(void)
{
	static const size_t depth[] = { 0, 4, 8, 12, 36, 128, 256, 1024 };

	for (enum rate_format f = 0; f < RATE_FORMATS; f++)
		for (const struct tile_kernel *k = tile_kernels[f]; k->isa; k++) {
			double worst = 0;
			if (!k->can()) {
				skip("not on this processor", "tile %s %s", formats[f], k->isa);
				continue;
			}
			for (unsigned i = 0; i < sizeof depth / sizeof *depth; i++) {
				double e = tile_error(f, k, depth[i]);
				worst = e <= worst ? worst : e;
			}
			ok(worst <= 1 && k->mr <= TILE_MR && k->nr <= TILE_NR, "tile %s %s, %d x %d: worst error %.3f of its bound", formats[f], k->isa,
				k->mr, k->nr, worst);
		}
}

int main(void)
{
	const char *s = getenv("SEED");

	seed = s ? strtoull(s, NULL, 0) : 20260727;
	printf("# SEED=%llu\n", (unsigned long long)seed);
	streams();
	vectors();
	tiles();
	return done_testing();
}
