/* ops.c - what ops cost on one processor core, in processor time, best of several runs: attention of one token next to the speed at which memory is read, of a prompt in
 * operations; rows and states in numbers a second. Arguments: tables to run (all that this processor has). */
#include "cpu/stream.h"
#include "ops.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LAYERS = 6, RUNS = 5 };                   /* caches of several layers, one after the other: more than what the last cache holds */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}
static void *must_have(size_t n)
{
	void *p = malloc(n);

	if (!p) {
		fputs("out of memory\n", stderr);
		exit(4);
	}
	return p;
}
static float *numbers(size_t n)
{
	float *x = must_have(n * sizeof *x);
	unsigned seed = 1;

	for (size_t i = 0; i < n; i++)
		x[i] = (float)((seed = seed * 1103515245u + 12345u) >> 8) / (float)(1 << 23) - 1;
	return x;
}

/* Bytes a second that one core reads, of 256 MiB. */
static double read_bps(void)
{
	const size_t n = (size_t)256 << 20;
	unsigned char *p = memset(must_have(n), 1, n);
	volatile uint64_t sum;
	double best = 1e9;

	for (int i = 0; i < RUNS; i++) {
		const double begin = now();
		sum = stream_best()->sum(p, n);
		best = fmin(best, now() - begin);
	}
	(void)sum;
	free(p);
	return (double)n / best;
}

struct point { const char *what; uint32_t q_heads, kv_heads, dim, first, tokens, format; };
static void attention(const struct ops *o, const struct point *p, double bps)
{
	const struct kformat *f = kformat_find(p->format);
	const uint64_t head = p->dim / f->block * (uint64_t)f->bytes, row = head * p->kv_heads, seen = p->first + p->tokens;
	const uint64_t layers = p->tokens == 1 ? LAYERS : 1, width = (uint64_t)p->q_heads * p->dim;
	char *cache = must_have(2 * layers * seen * row);
	float *q = numbers(width * p->tokens), *out = must_have(width * p->tokens * sizeof *out), *x = numbers(row + 32);
	double best = 1e9, pairs = 0;
	struct attn_args a = { .q_heads = p->q_heads, .kv_heads = p->kv_heads, .k_dim = p->dim, .v_dim = p->dim, .scale = 1 / sqrtf((float)p->dim), .q = q, .q_stride = width,
		.q_head_stride = p->dim, .out = out, .out_stride = width, .format_k = p->format, .format_v = p->format, .k_head_bytes = head, .k_row_bytes = row,
		.v_head_bytes = head, .v_row_bytes = row, .ring = (uint32_t)seen, .first = p->first, .tokens = p->tokens, .head1 = p->q_heads, .token1 = p->tokens };
	void *scratch = must_have(o->attn_scratch(&a));

	for (uint64_t i = 0; i < 2 * layers * seen; i++)
		o->store(cache + i * row, p->format, x + i % 31, (uint64_t)p->dim * p->kv_heads);
	for (int i = 0; i < RUNS; i++) {
		const double begin = now();
		for (uint64_t l = 0; l < layers; l++) {
			a.k = cache + 2 * l * seen * row;
			a.v = cache + (2 * l + 1) * seen * row;
			o->attn(&a, scratch);
		}
		best = fmin(best, now() - begin);
	}
	for (uint32_t t = 0; t < p->tokens; t++)
		pairs += p->first + t + 1;
	printf("%-7s %-38s %8.3f ms", o->isa, p->what, best * 1e3 / (double)layers);
	if (p->tokens == 1)
		printf("  %6.2f GB/s, %3.0f %% of reading\n", (double)(2 * layers * seen * row) / best * 1e-9, (double)(2 * layers * seen * row) / best / bps * 100);
	else
		printf("  %6.1f GFLOP/s\n", 4 * pairs * (double)width / best * 1e-9);
	free(cache), free(q), free(out), free(x), free(scratch);
}

static void rows(const struct ops *o)
{
	static const char *const what[] = { "rms_norm", "silu * up", "gelu * up", "gelu_tanh * up", "softmax", "store f16", "store bf16", "store q8_0", "rope" };
	const uint64_t n = 4096;
	float *x = numbers(n), *y = numbers(n), *out = must_have(n * sizeof *out);

	for (int k = 0; k < (int)(sizeof what / sizeof *what); k++) {
		double best = 1e9;
		for (int i = 0; i < RUNS; i++) {
			const double begin = now();
			for (int j = 0; j < 200; j++)
				switch (k) {
				case 0: o->rms_norm(out, x, y, n, 1e-6f); break;
				case 1: o->act(out, x, y, n, KA_SILU); break;
				case 2: o->act(out, x, y, n, KA_GELU); break;
				case 3: o->act(out, x, y, n, KA_GELU_TANH); break;
				case 4: memcpy(out, x, n * sizeof *x), o->softmax(out, n); break;
				case 5: o->store(out, KF_F16, x, n); break;
				case 6: o->store(out, KF_BF16, x, n); break;
				case 7: o->store(out, KF_Q8_0, x, n); break;
				default: memcpy(out, x, n * sizeof *x), o->rope(out, y, (uint32_t)n, 0); break;
				}
			best = fmin(best, now() - begin);
		}
		printf("%-7s %-38s %8.2f numbers a ns\n", o->isa, what[k], 200 * (double)n / best * 1e-9);
	}
	free(x), free(y), free(out);
}

/* Qwen3-Next 80B: 16 and 32 heads of 128; Nemotron-H 8B: 128 heads of 64, states of 128; convolutions of 4. */
static void states(const struct ops *o)
{
	enum { TOKENS = 8, HEADS = 32, DIM = 128, WIDE = 8192, STATE = 128 };
	float *x = numbers((size_t)TOKENS * 3 * WIDE), *s = numbers((size_t)WIDE * STATE), *out = must_have((size_t)TOKENS * WIDE * sizeof *out), *g = numbers((size_t)TOKENS * HEADS * DIM);
	double best[4] = { 1e9, 1e9, 1e9, 1e9 };
	static const char *const what[] = { "delta rule, 32 heads of 128", "the same, decay a channel", "mamba-2, 128 heads of 64, state 128", "convolution of 4, 8192 channels" };
	struct delta_args d = { .k_heads = 16, .v_heads = HEADS, .k_dim = DIM, .v_dim = DIM, .head1 = HEADS, .tokens = TOKENS, .q = x, .k = x + 2048, .v = x + 4096,
		.q_stride = WIDE, .k_stride = WIDE, .v_stride = WIDE, .g = g, .g_stride = HEADS * DIM, .beta = g + 77, .beta_stride = HEADS, .state = s, .out = out, .out_stride = WIDE, .eps = 1e-6f };
	const struct ssd_args m = { .heads = 128, .head_dim = 64, .groups = 8, .state_dim = STATE, .head1 = 128, .tokens = TOKENS, .x = x, .b = x + WIDE, .c = x + WIDE + 1024,
		.stride = 2 * WIDE, .dt = g, .dt_stride = 128, .a = g, .d = g, .state = s, .out = out, .out_stride = WIDE };
	const struct conv_args c = { .channels = WIDE, .kernel = 4, .c1 = WIDE, .tokens = TOKENS, .x = x, .x_stride = WIDE, .w = s, .state = s + 4 * WIDE, .out = out, .out_stride = WIDE, .silu = 1 };

	for (int i = 0; i < TOKENS * HEADS * DIM; i++)
		g[i] = -fabsf(g[i]);
	for (int i = 0; i < RUNS; i++)
		for (int k = 0; k < 4; k++) {
			const double begin = now();
			d.per_channel = k == 1;
			if (k < 2)
				o->delta(&d);
			else if (k == 2)
				o->ssd(&m);
			else
				o->conv(&c);
			best[k] = fmin(best[k], now() - begin);
		}
	for (int k = 0; k < 4; k++)
		printf("%-7s %-38s %8.1f us a token\n", o->isa, what[k], best[k] * 1e6 / TOKENS);
	free(x), free(s), free(out), free(g);
}

int main(int argc, char **argv)
{
	static const struct point points[] = {
		{ "one token at 4096, 32/8 of 128, f16", 32, 8, 128, 4095, 1, KF_F16 }, { "one token at 4096, 32/8 of 128, q8_0", 32, 8, 128, 4095, 1, KF_Q8_0 },
		{ "one token at 4096, 4/1 of 256, f16", 4, 1, 256, 4095, 1, KF_F16 }, { "one token at 16384, 32/8 of 128, f16", 32, 8, 128, 16383, 1, KF_F16 },
		{ "prompt of 512, 32/8 of 128, f16", 32, 8, 128, 0, 512, KF_F16 }, { "prompt of 512 at 4096, 32/8 of 128, f16", 32, 8, 128, 4096, 512, KF_F16 } };
	const double bps = read_bps();

	printf("reading memory, one core: %.2f GB/s\n", bps * 1e-9);
	for (const struct ops *const *o = ops_tables; *o; o++) {
		int wanted = argc < 2 ? strcmp((*o)->isa, "ref") != 0 : 0;
		for (int i = 1; i < argc; i++)
			wanted |= !strcmp(argv[i], (*o)->isa);
		if (!wanted || !(*o)->can())
			continue;
		for (unsigned i = 0; i < sizeof points / sizeof *points; i++)
			attention(*o, points + i, bps);
		rows(*o);
		states(*o);
	}
	return 0;
}
