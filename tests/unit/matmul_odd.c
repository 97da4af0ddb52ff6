/* matmul_odd - every implementation of the product where numbers are none, with many tokens, rows of packed matrices one by one, and how scratch grows
 *
 * SEED=n repeats a run. tests/unit/matmul.c has the products themselves. */
#include "matmul.h"
#include "formats_blocks.h"
#include "../tap.h"

#include <math.h>

static uint64_t seed = 1;

static unsigned char *ask(uint64_t bytes)
{
	unsigned char *p;

	if (posix_memalign((void **)&p, KERNEL_ALIGN, bytes + 1))
		exit(4);
	memset(p, 0xff, bytes + 1);
	return p;
}

/* What is no number in one token makes that token's outputs no numbers, and no other's: formats with minimums, with a zero point, staged, of
 * floats; few tokens and many, wherever in a group it stands. */
static void test_not_finite(const struct matmul *m)
{
	static const uint32_t formats[] = { KF_Q4_K, KF_Q8_0, KF_Q6_K, KF_IQ2_S, KF_F16, KF_BF16 }, counts[] = { 3, 7, 21 };
	enum { N = 512, ROWS = 17, MOST = 21 };
	unsigned wrong = 0, products = 0;

	for (unsigned c = 0; c < sizeof formats / sizeof *formats * 3 * 2; c++) {
		static unsigned char blocks[ROWS * N * 4];
		static float x[MOST * N], out[MOST * ROWS];
		const struct kformat *f = kformat_find(formats[c / 6]);
		const uint32_t tokens = counts[c / 2 % 3];
		const enum input_kind k = m->input(f->id);
		const uint64_t stride = m->input_bytes(k, N), packed_bytes = m->packed_bytes(f->id, ROWS, N);
		struct matrix w = { blocks, ROWS, N, f->id, MATRIX_NATIVE };

		if (c % 2 && !packed_bytes)
			continue;
		unsigned char *in = ask(stride * tokens), *scratch = ask(m->scratch_bytes(f->id, c % 2, N, tokens)), *packed = ask(packed_bytes);
		f->fill(blocks, 0, ROWS * N / f->block, seed);
		if (c % 2) {
			m->pack(packed, &w, 0, ROWS);
			w.data = packed;
			w.layout = MATRIX_PACKED;
		}
		for (uint32_t i = 0; i < N * tokens; i++)
			x[i] = (float)(next(&seed) >> 40) * 0x1p-23f - 1;
		x[N + next(&seed) % N] = NAN;
		x[2 * N + next(&seed) % N] = c % 4 < 2 ? INFINITY : -INFINITY;
		for (uint32_t t = 0; t < tokens; t++)
			m->prepare(k, in + t * stride, x + t * N, N);
		m->run(&(struct matmul_args){ .w = &w, .row1 = ROWS, .in = in, .in_stride = stride, .tokens = tokens, .out = out, .out_stride = ROWS }, scratch);
		for (uint32_t i = 0; i < ROWS * tokens; i++)
			wrong += !isfinite(out[i]) != (i / ROWS == 1 || i / ROWS == 2);
		products++;
		free(in);
		free(scratch);
		free(packed);
	}
	ok(!wrong && products >= 18, "%s: NaN and infinity stay in their tokens, %u products, %u numbers wrong", m->isa, products, wrong);
}

/* A row of a packed matrix is what the native one's numbers are, to the bit but for the sign of zero: a tied embedding is looked up so. Blocks of any
 * bytes, scales that are infinite or none among them. */
static void test_rows(const struct matmul *m)
{
	enum { N = 768, ROWS = 33 };
	unsigned wrong = 0, formats = 0;

	for (const struct kformat *f = kformats; f->name; f++) {
		static unsigned char blocks[ROWS * N * 4];
		static float want[N], got[N + 1];
		struct matrix w = { blocks, ROWS, N, f->id, MATRIX_NATIVE };

		if (!m->knows(f->id, N) || !m->packed_bytes(f->id, ROWS, N))
			continue;
		unsigned char *packed = ask(m->packed_bytes(f->id, ROWS, N)), *scratch = ask(m->scratch_bytes(f->id, MATRIX_PACKED, N, 1));
		for (uint64_t i = 0; i < sizeof blocks; i++)
			blocks[i] = (unsigned char)(next(&seed) >> 56);
		m->pack(packed, &w, 0, ROWS);
		w.data = packed;
		w.layout = MATRIX_PACKED;
		for (uint64_t r = 0; r < ROWS; r++) {
			f->dequantise(want, blocks + r * (N / f->block) * f->bytes, N);
			for (unsigned i = 0; i <= N; i++)
				got[i] = NAN;
			m->row(got, &w, r, scratch);
			for (unsigned i = 0; i < N; i++)
				wrong += isnan(want[i]) ? !isnan(got[i]) : !(got[i] == want[i]);
			wrong += !isnan(got[N]);
		}
		free(packed);
		free(scratch);
		formats++;
	}
	if (formats)
		ok(!wrong, "%s: rows of packed matrices of %u formats, %u numbers wrong", m->isa, formats, wrong);
}

/* Scratch for so many tokens and inputs serves fewer of either. */
static void test_scratch(const struct matmul *m)
{
	unsigned wrong = 0;

	for (const struct kformat *f = kformats; f->name; f++)
		for (int layout = 0; layout < 2; layout++) {
			uint64_t most = 0;

			if (layout == MATRIX_PACKED && !(m->knows(f->id, 256) && m->packed_bytes(f->id, 16, 256)))
				continue;
			for (uint32_t t = 1; m->knows(f->id, 768) && t < 600; t++) {
				const uint64_t bytes = m->scratch_bytes(f->id, (uint8_t)layout, 768, t);
				wrong += bytes < most || bytes % KERNEL_ALIGN || bytes < m->scratch_bytes(f->id, (uint8_t)layout, 512, t);
				most = bytes;
			}
		}
	ok(!wrong, "%s: scratch grows with tokens and inputs", m->isa);
}

/* More tokens than any implementation takes at once (avx512-vnni: 64 packed, 256 native), against ref. Activations are whole numbers within 127 that survive
 * all preparation; 2^-15: at most 16 groups' roundings of numbers that a minimum makes eight times as large. */
static void test_many_tokens(const struct matmul *m)
{
	static const uint32_t formats[] = { KF_Q4_K, KF_Q6_K, KF_Q8_0, KF_IQ2_S, KF_MXFP4, KF_F32, KF_BF16, KF_FP8_E4M3 };
	enum { N = 256, ROWS = 19, TOKENS = 263 };
	const struct matmul *ref = matmul_best("ref");
	unsigned wrong = 0, products = 0;

	for (unsigned c = 0; c < sizeof formats / sizeof *formats * 2; c++) {
		static unsigned char blocks[ROWS * N * 4];
		static float x[TOKENS * N], w[ROWS * N], want[TOKENS * ROWS], out[TOKENS * ROWS];
		const struct kformat *f = kformat_find(formats[c / 2]);
		const uint64_t stride = m->input_bytes(m->input(f->id), N), ref_stride = ref->input_bytes(INPUT_F32, N), packed_bytes = m->packed_bytes(f->id, ROWS, N);
		struct matrix a = { blocks, ROWS, N, f->id, MATRIX_NATIVE };

		if (c % 2 && !packed_bytes)
			continue;
		unsigned char *in = ask(stride * TOKENS), *plain = ask(ref_stride * TOKENS), *packed = ask(packed_bytes);
		unsigned char *scratch = ask(m->scratch_bytes(f->id, c % 2, N, TOKENS)), *ref_scratch = ask(ref->scratch_bytes(f->id, 0, N, TOKENS));
		f->fill(blocks, 0, ROWS * N / f->block, seed);
		f->dequantise(w, blocks, ROWS * N);
		for (uint32_t i = 0; i < N * TOKENS; i++)
			x[i] = i % 32 == 9 ? 127 : (float)(int)(next(&seed) % 255) - 127;
		for (uint32_t t = 0; t < TOKENS; t++) {
			m->prepare(m->input(f->id), in + t * stride, x + t * N, N);
			ref->prepare(INPUT_F32, plain + t * ref_stride, x + t * N, N);
		}
		ref->run(&(struct matmul_args){ .w = &a, .row1 = ROWS, .in = plain, .in_stride = ref_stride, .tokens = TOKENS, .out = want, .out_stride = ROWS }, ref_scratch);
		if (c % 2) {
			m->pack(packed, &a, 0, ROWS);
			a.data = packed;
			a.layout = MATRIX_PACKED;
		}
		memset(out, 0xff, sizeof out);
		m->run(&(struct matmul_args){ .w = &a, .row1 = ROWS, .in = in, .in_stride = stride, .tokens = TOKENS, .out = out, .out_stride = ROWS }, scratch);
		for (uint32_t i = 0; i < TOKENS * ROWS; i++) {
			double size = 0;
			for (uint32_t k = 0; k < N; k++)
				size += fabs((double)w[i % ROWS * N + k] * x[i / ROWS * N + k]);
			wrong += !(fabs((double)out[i] - want[i]) <= 0x1p-15 * size);
		}
		products++;
		free(in), free(plain), free(packed), free(scratch), free(ref_scratch);
	}
	ok(!wrong && products >= 8, "%s: 263 tokens, %u products, %u numbers wrong", m->isa, products, wrong);
}

int main(void)
{
	if (getenv("SEED"))
		seed = strtoull(getenv("SEED"), NULL, 10);
	printf("# SEED=%llu\n", (unsigned long long)seed);
	for (unsigned k = 0; matmuls[k]; k++)
		if (matmuls[k]->can()) {
			test_not_finite(matmuls[k]);
			test_many_tokens(matmuls[k]);
			test_rows(matmuls[k]);
			test_scratch(matmuls[k]);
		}
	return done_testing();
}
