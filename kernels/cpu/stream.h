/* stream.h - reading memory as fast as it comes: sums over a buffer, one variant an instruction set.
 *
 * The sum is of all bytes taken as little-endian 64-bit words, wrapping, a begun last word filled with zeroes: every variant
 * gives the same number for the same bytes, and one that leaves bytes out gives another. Not here: sizes, threads, clocks (live/measure.h). */
#ifndef STREAM_H
#define STREAM_H

#include <stddef.h>
#include <stdint.h>

typedef uint64_t stream_sum_fn(const void *bytes, size_t n);     /* any alignment, any n */

struct stream_kernel {
	const char *isa;                 /* "avx512", "avx2", "neon", "scalar" */
	int (*can)(void);                /* this processor has it */
	stream_sum_fn *sum;
};
/* Best first; the last, "scalar", runs everywhere; NULL-ended by isa. */
extern const struct stream_kernel stream_kernels[];
/* The first that this processor can run. */
const struct stream_kernel *stream_best(void);

#endif
