/* kernels_ops.h - what the tests of ops.h share: numbers drawn by a seed, buffers between canaries, errors told in bounds */
#ifndef KERNELS_OPS_H
#define KERNELS_OPS_H

#include "ops.h"

#include "../tap.h"

#include <math.h>
#include <stdint.h>

#define U 0x1p-24                                /* half a unit in the last place of 1: what one rounding may cost */

#define ops_tables_ref ops_best("ref")
static uint64_t seed;

static inline void seed_open(void)
{
	const char *s = getenv("SEED");

	seed = s ? strtoull(s, NULL, 0) : 20261121;
	printf("# SEED=%llu\n", (unsigned long long)seed);
}
static inline uint32_t draw(void)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(seed >> 33);
}
static inline float uniform(void) { return (float)draw() / (float)(1u << 30) - 1; }
static inline void fill(float *x, uint64_t n, float size)
{
	for (uint64_t i = 0; i < n; i++)
		x[i] = uniform() * size;
}

/* n bytes that end at the end of their block (a sanitizer sees a byte read beyond it), CANARY bytes before and after those written */
enum { CANARY = 64 };
static inline void *must_have(size_t n)
{
	void *p = malloc(n ? n : 1);

	if (!p) {
		puts("Bail out! out of memory");
		exit(1);
	}
	return p;
}
/* A buffer to write: NaN all through (0xff), as are the canaries. */
static inline void *out_new(size_t bytes) { return (char *)memset(must_have(bytes + 2 * CANARY), 0xff, bytes + 2 * CANARY) + CANARY; }
/* Canaries that were written over. */
static inline unsigned out_free(void *out, size_t bytes)
{
	unsigned char *p = (unsigned char *)out - CANARY;
	unsigned bad = 0;

	for (size_t i = 0; i < CANARY; i++)
		bad += (p[i] != 0xff) + (p[CANARY + bytes + i] != 0xff);
	free(p);
	return bad;
}

static double worst;                             /* of |error| / bound since worst_reset() */
/* No mistakes; says how near to its bound the worst number came. */
#define ok_wrong(call, ...) do { worst = 0; const unsigned wrong_ = (call); char name_[200]; \
	snprintf(name_, sizeof name_, __VA_ARGS__); ok(!wrong_, "%s: %u wrong, %.3f of the bound", name_, wrong_, worst); } while (0)
static inline unsigned differs(double got, double want, double bound)
{
	const double e = fabs(got - want);

	if (e > 0 && e / bound > worst)
		worst = e / bound;
	return !(e <= bound);
}

#endif
