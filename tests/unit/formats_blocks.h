/* formats_blocks.h - seeded blocks and numbers, the same for tests/unit/formats.c and for tests/peer/formats.c, which asks ggml what they mean */
#ifndef FORMATS_BLOCKS_H
#define FORMATS_BLOCKS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* bytes: of a block; half: where its half-precision scales lie, so that they can be kept finite; -1: none. IQ1_M's is in four nibbles. */
struct block_layout { uint32_t id; const char *name; uint16_t block, bytes; int16_t half[2]; };
static const struct block_layout block_layouts[] = {
	{ 2, "q4_0", 32, 18, { 0, -1 } }, { 3, "q4_1", 32, 20, { 0, 2 } }, { 6, "q5_0", 32, 22, { 0, -1 } }, { 7, "q5_1", 32, 24, { 0, 2 } },
	{ 8, "q8_0", 32, 34, { 0, -1 } }, { 10, "q2_k", 256, 84, { 80, 82 } }, { 11, "q3_k", 256, 110, { 108, -1 } },
	{ 12, "q4_k", 256, 144, { 0, 2 } }, { 13, "q5_k", 256, 176, { 0, 2 } }, { 14, "q6_k", 256, 210, { 208, -1 } },
	{ 16, "iq2_xxs", 256, 66, { 0, -1 } }, { 17, "iq2_xs", 256, 74, { 0, -1 } }, { 18, "iq3_xxs", 256, 98, { 0, -1 } },
	{ 19, "iq1_s", 256, 50, { 0, -1 } }, { 20, "iq4_nl", 32, 18, { 0, -1 } }, { 21, "iq3_s", 256, 110, { 0, -1 } },
	{ 22, "iq2_s", 256, 82, { 0, -1 } }, { 23, "iq4_xs", 256, 136, { 0, -1 } }, { 29, "iq1_m", 256, 56, { -1, -1 } },
	{ 39, "mxfp4", 32, 17, { -1, -1 } }, { 40, "nvfp4", 64, 36, { -1, -1 } }
};
enum { LAYOUTS = sizeof block_layouts / sizeof *block_layouts, GOLDEN_BLOCKS = 1024, GOLDEN_NUMBERS = 256 * 256, MOST_BYTES = 210 };

static inline uint64_t mix(uint64_t z)
{
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}
static inline uint64_t next(uint64_t *state) { return mix(*state += UINT64_C(0x9e3779b97f4a7c15)); }

/* GOLDEN_BLOCKS blocks of random bytes, scales below 2. */
static inline void golden_blocks(unsigned char *out, const struct block_layout *l)
{
	uint64_t state = l->id;

	for (unsigned i = 0; i < (unsigned)GOLDEN_BLOCKS * l->bytes; i++)
		out[i] = (unsigned char)(next(&state) >> 56);
	for (unsigned i = 0; i < GOLDEN_BLOCKS; i++, out += l->bytes) {
		for (int k = 0; k < 2; k++)
			if (l->half[k] >= 0)
				out[l->half[k] + 1] &= 0xbf;
		if (l->id == 29)
			out[55] &= 0xbf;         /* the last of the four nibbles holds the exponent's upper bits */
	}
}

/* A sum over the bits of n floats in which order counts; -0 and 0 are told apart. */
static inline uint64_t sum_of_bits(const float *x, unsigned n)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < n; i++) {
		uint32_t u;
		memcpy(&u, x + i, sizeof u);
		sum = mix(sum + u + 1);
	}
	return sum;
}

/* Normally distributed numbers of standard deviation 0.02 (Box and Muller). */
static inline void golden_numbers(float *x, unsigned n)
{
	uint64_t state = 7;

	for (unsigned i = 0; i < n; i++) {
		double a = ((double)(next(&state) >> 11) + 1) * 0x1p-53, b = (double)(next(&state) >> 11) * 0x1p-53;
		x[i] = (float)(0.02 * sqrt(-2 * log(a)) * cos(6.283185307179586 * b));
	}
}
/* Root of the mean squared error, relative to that of the numbers. */
static inline double relative_error(const float *got, const float *want, unsigned n)
{
	double e = 0, s = 0;

	for (unsigned i = 0; i < n; i++) {
		e += ((double)got[i] - want[i]) * ((double)got[i] - want[i]);
		s += (double)want[i] * want[i];
	}
	return sqrt(e / s);
}

#endif
