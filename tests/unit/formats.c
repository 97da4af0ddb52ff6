/* formats.c - blocks of every format against ggml's own numbers, as integers, from floats and back, and filled with dummy weights */
#include "formats.h"

#include "../tap.h"
#include "base/arena.h"
#include "base/error.h"
#include "catalog/quant.h"
#include "formats_blocks.h"
#include "formats_golden.h"

#include <float.h>
#include <math.h>

enum { CANARIES = 64, MOST = GOLDEN_BLOCKS * 256 };

static unsigned char *blocks, *more;             /* with CANARIES bytes either side */
static float *x, *y, *scale, *min;
static uint8_t *u;

static void guard(unsigned char *p, size_t bytes)
{
	memset(p - CANARIES, 0xa5, CANARIES);
	memset(p, 0xff, bytes);
	memset(p + bytes, 0xa5, CANARIES);
}
static int guarded(const unsigned char *p, size_t bytes)
{
	for (int i = 0; i < CANARIES; i++)
		if (p[-1 - i] != 0xa5 || p[bytes + i] != 0xa5)
			return 0;
	return 1;
}
/* floats: n, then CANARIES / 4 more that stay NaN */
static void poison(float *p, size_t n)
{
	for (size_t i = 0; i < n + CANARIES / 4; i++)
		p[i] = NAN;
}
static int poisoned(const float *p, size_t n)
{
	for (size_t i = 0; i < CANARIES / 4; i++)
		if (!isnan(p[n + i]))
			return 0;
	return 1;
}

/* The table against data/quants.yaml, which the rest of the program counts bytes by. */
static void table(void)
{
	static struct arena a;
	struct quants q;
	struct error err;
	unsigned n = 0, twice = 0;

	if (!ok(quants_load(&q, &a, "data/quants.yaml", &err) == OK, "data/quants.yaml loads"))
		return;
	for (const struct kformat *f = kformats; f->name; f++, n++) {
		uint16_t i = f->id < 1000 ? format_by_ggml(&q, f->id) : format_find(&q, f->name);
		const struct format *row = i == NO_FORMAT ? NULL : q.formats + i;
		uint64_t bits = row && row->block ? (uint64_t)row->bytes * 8 : row ? row->bits : 0, block = row && row->block ? row->block : 1;

		ok(row && !strcmp(row->id, f->name) && block == f->block && bits == 8 * f->bytes, "%s: number %u, %u numbers in %u bytes", f->name, f->id, f->block, f->bytes);
		ok(f->dequantise && f->fill && (f->group ? f->integers && f->block % f->group == 0 : !f->integers), "%s: functions, groups of %u", f->name, f->group);
		for (const struct kformat *g = kformats; g < f; g++)
			twice += g->id == f->id;
		ok(kformat_find(f->id) == f, "%s is found", f->name);
	}
	ok(n == 26 && !twice, "%u formats, each once", n);
	ok(!kformat_find(9) && !kformat_find(34) && !kformat_find(999) && !kformat_find(UINT32_MAX), "others are not");
	arena_free(&a);
}

static void against_ggml(const struct kformat *f, unsigned i)
{
	unsigned n = (unsigned)GOLDEN_BLOCKS * f->block;

	golden_blocks(blocks, block_layouts + i);
	poison(y, n);
	f->dequantise(y, blocks, n);
	ok(!memcmp(y, golden[i].first, sizeof golden[i].first), "%s: the first are %a %a %a %a", f->name, y[0], y[1], y[2], y[3]);
	ok(sum_of_bits(y, n) == golden[i].sum && poisoned(y, n), "%s: %u blocks as ggml has them, to the bit", f->name, GOLDEN_BLOCKS);

	/* any address, and one block alone, which a sanitizer bounds */
	for (unsigned at = 1; at < 4; at++) {
		unsigned char *one = malloc(f->bytes + at);
		if (!one)
			continue;
		memcpy(one + at, blocks + f->bytes, f->bytes);
		poison(x, f->block);
		f->dequantise(x, one + at, f->block);
		ok(!memcmp(x, y + f->block, f->block * sizeof *x) && poisoned(x, f->block), "%s: a block %u bytes on", f->name, at);
		free(one);
	}

	/* Products are exact and the difference is one rounding of the same numbers, so integers give the same bits but for the sign of zero. MXFP4: the
	 * scale's 24-fold must be a float. */
	unsigned wrong = 0, groups = n / f->group;
	if (f->id == KF_MXFP4)
		for (unsigned b = 0; b < GOLDEN_BLOCKS; b++)
			blocks[b * f->bytes] = (unsigned char)(blocks[b * f->bytes] % 252);
	f->dequantise(y, blocks, n);
	guard(u, n);
	poison(scale, groups);
	poison(min, groups);
	f->integers(u, scale, min, blocks, n);
	for (unsigned k = 0; k < n; k++)
		wrong += !(scale[k / f->group] * (float)u[k] - min[k / f->group] == y[k]);
	ok(!wrong && guarded(u, n) && poisoned(scale, groups) && poisoned(min, groups), "%s: as integers, %u of %u wrong", f->name, wrong, n);
}

/* The worst |error| in units of the group's scale, or relative to a number's own size for floats (from the least normal half on). */
static double worst(const struct kformat *f, unsigned n)
{
	double most = 0;

	f->dequantise(y, blocks, n);
	if (f->group)
		f->integers(u, scale, min, blocks, n);
	for (unsigned i = 0; i < n; i++) {
		double unit = f->group ? fabs((double)scale[i / f->group]) : fmax(fabs((double)x[i]), 0x1p-14), e = fabs((double)y[i] - x[i]);
		if (!(e <= most * unit))
			most = unit > 0 && e >= 0 ? e / unit : INFINITY;
	}
	return most;
}

static int finite_blocks(const struct kformat *f, unsigned n)
{
	f->dequantise(y, blocks, n);
	for (unsigned i = 0; i < n; i++)
		if (!isfinite(y[i]))
			return 0;
	return 1;
}

/* Ours may not err more than ggml's quantiser by more than this, and no single number by more than so many steps of its group's scale. */
static const struct { uint32_t id; double steps; } steps[] = {
	{ KF_Q4_0, 1.01 }, { KF_Q4_1, 0.51 }, { KF_Q5_0, 1.01 }, { KF_Q5_1, 0.51 }, { KF_Q8_0, 0.51 }, { KF_Q2_K, 1.6 }, { KF_Q3_K, 1.4 },
	{ KF_Q4_K, 1.4 }, { KF_Q5_K, 1.6 }, { KF_Q6_K, 1.3 }, { KF_IQ4_NL, 20 }, { KF_IQ4_XS, 20 }, { KF_MXFP4, 3 }, { KF_NVFP4, 3.1 },
	{ KF_F16, 0x1p-11 }, { KF_BF16, 0x1p-8 }, { KF_F32, 0 }, { KF_FP8_E4M3, 16 }, { KF_FP8_E5M2, 0.125 }
};

static void quantiser(const struct kformat *f, double ggml)
{
	const unsigned n = GOLDEN_NUMBERS;
	double error, most, limit = -1;

	golden_numbers(x, n);
	guard(blocks, n / f->block * f->bytes);
	f->quantise(blocks, x, n);
	ok(guarded(blocks, n / f->block * f->bytes), "%s: writes its blocks", f->name);
	most = worst(f, n);
	error = relative_error(y, x, n);
	for (unsigned i = 0; i < sizeof steps / sizeof *steps; i++)
		limit = steps[i].id == f->id ? steps[i].steps : limit;
	ok(most <= limit, "%s: no number is off by more than %.3g steps", f->name, most);
	if (ggml > 0)
		ok(error <= 1.01 * ggml, "%s: error %.5f, of ggml's quantiser %.5f", f->name, error, ggml);
	else
		ok(error <= (f->id == KF_FP8_E4M3 ? 0.04 : f->id == KF_FP8_E5M2 ? 0.07 : f->id == KF_BF16 ? 0.0025 : 0.0003), "%s: error %.5f", f->name, error);

	/* all of one sign, where a minimum may not help and a zero point wastes half of the numbers */
	for (unsigned i = 0; i < n; i++)
		x[i] = 0.01f + fabsf(x[i]);
	f->quantise(blocks, x, n);
	most = worst(f, n);
	ok(most <= limit, "%s: positive numbers, none off by more than %.3g steps", f->name, most);
	for (unsigned i = 0; i < n; i++)
		x[i] = -x[i];
	f->quantise(blocks, x, n);
	most = worst(f, n);
	ok(most <= limit, "%s: negative numbers, none off by more than %.3g steps", f->name, most);

	/* what was rounded once stays */
	if (f->group == 0 || f->id == KF_Q4_0 || f->id == KF_Q5_0 || f->id == KF_Q8_0) {
		memcpy(x, y, n * sizeof *x);
		f->quantise(blocks, x, n);
		f->dequantise(y, blocks, n);
		ok(!memcmp(x, y, n * sizeof *x), "%s: rounded again, the same", f->name);
	}
	if (f->id == KF_F32 || f->id == KF_F16 || f->id == KF_BF16)
		return;

	/* blocks of one number, of the least, of the largest, and of what is no number */
	static const float odd[] = { 0, -0.0f, 1, -1, 1e-45f, -1e-40f, 1e-30f, 65504, -1e30f, FLT_MAX, -FLT_MAX, INFINITY, -INFINITY, NAN };
	enum { ODD = sizeof odd / sizeof *odd };
	unsigned bad = 0;
	for (unsigned i = 0; i < ODD; i++)
		for (unsigned j = 0; j < ODD; j++) {
			for (unsigned k = 0; k < 256; k++)
				x[k] = k % 8 == 3 ? odd[j] : odd[i];
			f->quantise(blocks, x, 256);
			/* FP8 has a NaN of its own */
			bad += f->group ? !finite_blocks(f, 256) : finite_blocks(f, 256) != (!isnan(odd[i]) && !isnan(odd[j]));
			for (unsigned k = 0; k < 256; k++)
				bad += i < 2 && j < 2 && y[k] != 0;
		}
	ok(!bad, "%s: zeros stay zeros, what is no weight becomes finite (%u wrong)", f->name, bad);
}

static void filled(const struct kformat *f)
{
	const uint64_t n = (f->block == 1 ? 1 << 17 : (1 << 18) / f->block), bytes = n * f->bytes, numbers = n * f->block;
	uint64_t same = 0;
	double sum = 0, squares = 0, most = 0, deviation;

	guard(blocks, bytes);
	f->fill(blocks, 1000, n, 42);
	ok(guarded(blocks, bytes), "%s: fills its blocks", f->name);
	f->dequantise(y, blocks, numbers);
	for (uint64_t i = 0; i < numbers; i++) {
		sum += y[i];
		squares += (double)y[i] * y[i];
		most = !(fabs((double)y[i]) <= most) ? fabs((double)y[i]) : most;
	}
	deviation = sqrt(squares / (double)numbers);
	ok(deviation >= 0.017 && deviation <= 0.021 && most < 1, "%s: standard deviation %.4f, largest %.3f", f->name, deviation, most);
	/* the numbers of a block share the sign of their scale, so that a mean has the spread of fewer numbers than there are */
	ok(fabs(sum / (double)numbers) < 0.0002, "%s: mean %.6f", f->name, sum / (double)numbers);

	/* the same from pieces that begin and end anywhere, the last first */
	static const unsigned cut[] = { 0, 1, 4, 9, 74, 203, 766 };
	guard(more, bytes);
	for (unsigned i = sizeof cut / sizeof *cut; i-- > 0;)
		f->fill(more + cut[i] * f->bytes, 1000 + cut[i], (i + 1 < sizeof cut / sizeof *cut ? cut[i + 1] : n) - cut[i], 42);
	ok(!memcmp(blocks, more, bytes) && guarded(more, bytes), "%s: the same in pieces", f->name);
	f->fill(more, 1000, n, 43);
	for (uint64_t i = 0; i < bytes; i++)
		same += blocks[i] == more[i];
	ok(same < bytes / 2, "%s: another seed, other blocks (%.0f %% of bytes the same)", f->name, 100.0 * (double)same / (double)bytes);
	if (f->block > 1) {
		same = 0;
		for (uint64_t i = 0; i + f->bytes < bytes; i += f->bytes)
			same += !memcmp(blocks + i, blocks + i + f->bytes, f->bytes);
		ok(!same, "%s: neighbours differ", f->name);
	}
	if (f->id == KF_Q8_0) {
		same = 0;
		for (uint64_t i = 0; i < bytes; i++)
			same += i % f->bytes > 1 && blocks[i] == 0x80;
		ok(!same, "q8_0: no -128");
	}
}

int main(void)
{
	size_t bytes = (size_t)MOST * sizeof(float) + 2 * CANARIES;
	unsigned char *a = malloc(bytes), *b = malloc(bytes), *c = malloc(bytes);

	x = malloc(bytes);
	y = malloc(bytes);
	scale = malloc(bytes);
	min = malloc(bytes);
	if (!a || !b || !c || !x || !y || !scale || !min)
		return 1;
	blocks = a + CANARIES;
	more = b + CANARIES;
	u = c + CANARIES;
	table();
	for (const struct kformat *f = kformats; f->name; f++) {
		double ggml = 0;
		unsigned seen = 0;
		for (unsigned i = 0; i < LAYOUTS; i++) {
			if (block_layouts[i].id != f->id)
				continue;
			ok(golden[i].id == f->id && block_layouts[i].block == f->block && block_layouts[i].bytes == f->bytes, "%s: row %u", f->name, i);
			against_ggml(f, i);
			ggml = golden[i].error;
			seen++;
		}
		ok(seen == (f->group != 0), "%s: held against ggml", f->name);
		if (f->quantise)
			quantiser(f, ggml);
		filled(f);
	}
	free(a);
	free(b);
	free(c);
	free(x);
	free(y);
	free(scale);
	free(min);
	return done_testing();
}
