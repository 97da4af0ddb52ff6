/* matmul_float - floating-point weights, every implementation against sums in double: numbers of inputs that fill no vector, BF16 held against the
 * activations that it really multiplies, and AVX-512 as it is on processors without BF16
 *
 * Weights begin at any address and end where their page does, outputs are NaN and canaries before. Bound: 2^-24 (n + 16) sum |w x|. SEED=n
 * repeats a run. tests/unit/matmul.c has the quantised formats and the broken implementations. */
#include "matmul.h"
#include "../tap.h"

#include <fcntl.h>
#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__x86_64__)
/* A second copy, whose processor has no BF16. */
#define mmf512_knows copy_knows
#define mmf512_input copy_input
#define mmf512_input_bytes copy_input_bytes
#define mmf512_prepare copy_prepare
#define mmf512_packed_bytes copy_packed_bytes
#define mmf512_pack copy_pack
#define mmf512_scratch_bytes copy_scratch_bytes
#define mmf512_run copy_run
#include "cpu/isa.h"
#define isa_bf16_beside_avx512() 0
#include "../../kernels/cpu/mm_float_avx512.c"

static const struct matmul widened = { "avx512 without bf16", isa_avx512, copy_knows, copy_input, copy_input_bytes, copy_prepare, copy_packed_bytes, copy_pack,
	copy_scratch_bytes, copy_run, 0 };
#endif

enum { MOST_N = 1027, MOST_ROWS = 150, MOST_TOKENS = 65, CANARIES = 64, GAP = 5, OUT = MOST_TOKENS * (MOST_ROWS + GAP) + 2 * CANARIES };
static const uint32_t some_n[] = { 1, 2, 3, 15, 16, 17, 31, 33, 47, 63, 65, 127, 257, 515, 1027 }, some_rows[] = { 1, 3, 15, 16, 17, 33, 70, 150 },
	some_tokens[] = { 1, 2, 3, 4, 5, 7, 8, 13, 16, 17, 23, 65 };

static uint64_t seed = 1;
static float draw(void)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (float)(seed >> 40) * 0x1p-23f - 1;
}

static unsigned char *at_the_end(uint64_t bytes, void **map, uint64_t *mapped)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), whole = (bytes + page - 1) / page * page;
	const int fd = open("/dev/zero", O_RDWR);
	unsigned char *p = mmap(NULL, *mapped = whole + page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	close(fd);
	if (p == MAP_FAILED || mprotect(p + whole, page, PROT_NONE))
		exit(4);
	*map = p;
	return p + whole - bytes;
}

struct product {
	const struct kformat *f;
	uint32_t rows, n, tokens;
	int with_bias, add;
	const unsigned char *weights;
	float w[MOST_ROWS * MOST_N], x[MOST_TOKENS * MOST_N], bias[MOST_ROWS];
};

/* The largest error over its bound; infinity: something was written that should not be. */
static double worst(const struct matmul *m, const struct product *p)
{
	static float out[OUT], before[OUT];
	const enum input_kind k = m->input(p->f->id);
	const uint64_t stride = m->input_bytes(k, p->n) + KERNEL_ALIGN, scratch_bytes = m->scratch_bytes(p->f->id, MATRIX_NATIVE, p->n, p->tokens);
	const uint32_t out_stride = p->rows + GAP;
	const struct matrix w = { p->weights, p->rows, p->n, p->f->id, MATRIX_NATIVE };
	unsigned char *in, *scratch;
	double ratio = 0;

	if (posix_memalign((void **)&in, KERNEL_ALIGN, stride * p->tokens) || posix_memalign((void **)&scratch, KERNEL_ALIGN, scratch_bytes + CANARIES))
		exit(4);
	memset(in, 0xff, stride * p->tokens);
	memset(scratch, 0xff, scratch_bytes);
	memset(scratch + scratch_bytes, 0x5a, CANARIES);
	for (uint32_t i = 0; i < OUT; i++) {
		const int32_t at = (int32_t)i - CANARIES;
		const int inside = at >= 0 && (uint32_t)at / out_stride < p->tokens && (uint32_t)at % out_stride < p->rows;
		out[i] = before[i] = inside && !p->add ? NAN : (float)(i % 64) - 32;
	}
	for (uint32_t t = 0; t < p->tokens; t++) {
		static float x[MOST_N + KERNEL_ALIGN];   /* NaN behind it, that would show if it were read */

		memset(x, 0xff, sizeof x);
		memcpy(x, p->x + t * p->n, p->n * sizeof *x);
		m->prepare(k, in + t * stride, x, p->n);
	}
	struct matmul_args a = { .w = &w, .row0 = 0, .row1 = p->rows, .in = in, .in_stride = stride, .tokens = p->tokens,
		.out = out + CANARIES, .out_stride = out_stride, .bias = p->with_bias ? p->bias : NULL, .add = (uint8_t)p->add };
	if (p->rows > MATRIX_ROWS) {
		a.row1 = MATRIX_ROWS;
		m->run(&a, scratch);
		a.row0 = MATRIX_ROWS;
		a.row1 = p->rows;
	}
	m->run(&a, scratch);
	for (uint32_t i = 0; i < CANARIES; i++)
		if (scratch[scratch_bytes + i] != 0x5a)
			ratio = INFINITY;
	for (uint32_t i = 0; i < OUT; i++) {
		const int32_t at = (int32_t)i - CANARIES;
		const uint32_t t = (uint32_t)at / out_stride, r = (uint32_t)at % out_stride;

		if (at < 0 || t >= p->tokens || r >= p->rows) {
			if (memcmp(out + i, before + i, sizeof *out))
				ratio = INFINITY;
			continue;
		}
		double sum = (p->with_bias ? p->bias[r] : 0) + (p->add ? (double)before[i] : 0), size = fabs(p->with_bias ? p->bias[r] : 0) + (p->add ? fabs((double)before[i]) : 0);
		for (uint32_t j = 0; j < p->n; j++) {
			const float x = p->x[t * p->n + j], seen = k == INPUT_BF16 ? bf16_to_f32(f32_to_bf16(x)) : x;
			sum += (double)p->w[r * p->n + j] * seen;
			size += fabs((double)p->w[r * p->n + j] * seen);
		}
		const double e = fabs(out[i] - sum) / (0x1p-24 * (p->n + 16) * size + 1e-30);
		if (!(e <= ratio))
			ratio = e == e ? e : INFINITY;
	}
	free(in);
	free(scratch);
	return ratio;
}

/* A row of each code of FP8, NaN and infinity among them, times inputs that sum to 1: every row is what its code stands for, to the bit. In vectors,
 * in the rest behind them; one token, few and many. */
static void test_codes(const struct matmul *m, const struct kformat *f)
{
	static const uint32_t some[][3] = { { 1, 64, 0 }, { 5, 64, 0 }, { 20, 64, 0 }, { 1, 75, 70 }, { 4, 75, 70 }, { 17, 75, 70 } };  /* tokens, n, where inputs begin */
	unsigned wrong = 0;

	for (unsigned c = 0; c < sizeof some / sizeof *some; c++) {
		enum { MOST = 20 };
		static unsigned char codes[256 * 75];
		static float x[75], out[MOST * 256], want[256 * 75];
		const uint32_t tokens = some[c][0], n = some[c][1];
		const enum input_kind k = m->input(f->id);
		const uint64_t stride = m->input_bytes(k, n);
		const struct matrix w = { codes, 256, n, f->id, MATRIX_NATIVE };
		unsigned char *in, *scratch;

		if (posix_memalign((void **)&in, KERNEL_ALIGN, stride * tokens) || posix_memalign((void **)&scratch, KERNEL_ALIGN, m->scratch_bytes(f->id, MATRIX_NATIVE, n, tokens) + 1))
			exit(4);
		for (uint32_t i = 0; i < 256 * n; i++)
			codes[i] = (unsigned char)(i / n);
		for (uint32_t i = 0; i < n; i++)
			x[i] = i < some[c][2] ? 0 : some[c][2] ? (i == n - 1 ? 1 : 0) : 0x1p-6f;
		for (uint32_t t = 0; t < tokens; t++)
			m->prepare(k, in + t * stride, x, n);
		m->run(&(struct matmul_args){ .w = &w, .row1 = 256, .in = in, .in_stride = stride, .tokens = tokens, .out = out, .out_stride = 256 }, scratch);
		f->dequantise(want, codes, 256 * n);
		for (uint32_t i = 0; i < 256 * tokens; i++) {
			const float v = want[i % 256 * n];
			/* infinity times the zeros before the rest is no number either */
			wrong += isnan(v) || (isinf(v) && some[c][2]) ? !isnan(out[i]) : out[i] != v;
		}
		free(in);
		free(scratch);
	}
	ok(!wrong, "%s %s: every code, %u wrong", m->isa, f->name, wrong);
}

int main(void)
{
	enum { IMPLEMENTATIONS = 16 };
	static struct product p;
	static const uint32_t formats[] = { KF_F32, KF_F16, KF_BF16, KF_FP8_E4M3, KF_FP8_E5M2 };
	const struct matmul *all[IMPLEMENTATIONS];
	unsigned count = 0;

	if (getenv("SEED"))
		seed = strtoull(getenv("SEED"), NULL, 10);
	printf("# SEED=%llu\n", (unsigned long long)seed);
	for (unsigned k = 0; matmuls[k] && count < IMPLEMENTATIONS - 1; k++)
		all[count++] = matmuls[k];
#if defined(__x86_64__)
	all[count++] = &widened;
#endif
	for (unsigned f = 0; f < sizeof formats / sizeof *formats; f++) {
		double most[IMPLEMENTATIONS] = { 0 };
		unsigned compared[IMPLEMENTATIONS] = { 0 }, cases = 0;

		p.f = kformat_find(formats[f]);
		for (unsigned i = 0; i < sizeof some_n / sizeof *some_n; i++)
			for (unsigned j = 0; j < sizeof some_tokens / sizeof *some_tokens; j++, cases++) {
				void *map;
				uint64_t mapped;

				p.n = some_n[i];
				p.tokens = some_tokens[j];
				p.rows = some_rows[(i * 5 + j + f) % 8];
				p.with_bias = cases % 2;
				p.add = cases / 2 % 2;
				if ((uint64_t)p.n * p.rows * p.tokens > 4000000)
					p.rows = 33;
				unsigned char *weights = at_the_end((uint64_t)p.rows * p.n * p.f->bytes, &map, &mapped);
				for (uint32_t e = 0; e < p.rows * p.n; e++)
					p.w[e] = draw();
				p.f->quantise(weights, p.w, p.rows * p.n);
				p.f->dequantise(p.w, weights, p.rows * p.n);
				p.weights = weights;
				for (uint32_t e = 0; e < p.tokens * p.n; e++)
					p.x[e] = draw() * (e % 7 ? 1 : 100);
				for (uint32_t e = 0; e < p.rows; e++)
					p.bias[e] = 10 * draw();
				for (unsigned k = 0; k < count; k++)
					if (all[k]->can() && all[k]->knows(p.f->id, p.n)) {
						const double e = worst(all[k], &p);
						if (e > 1 && most[k] <= 1)
							printf("# %s %s: %u rows of %u, %u tokens, bias %d, add %d: %.3g\n", all[k]->isa, p.f->name, p.rows, p.n, p.tokens, p.with_bias, p.add, e);
						most[k] = fmax(most[k], e);
						compared[k]++;
					}
				munmap(map, mapped);
			}
		for (unsigned k = 0; k < count; k++)
			if (compared[k])
				ok(most[k] <= 1, "%s %s: worst error over bound %.3f, %u products", all[k]->isa, p.f->name, most[k], compared[k]);
		for (unsigned k = 0; k < count; k++)
			if (compared[k] && p.f->bytes == 1)
				test_codes(all[k], p.f);
	}
	return done_testing();
}
