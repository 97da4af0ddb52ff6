/* rates.h - the two shapes of work in a language model, in three number formats: a matrix times a vector, whose speed is the
 * memory's, and a tile of a matrix product, whose speed is the processor's. One variant an instruction set.
 *
 * Not here: sizes, threads, clocks (live/measure.h); tiles of formats that keep scales beside their numbers. */
#ifndef RATES_H
#define RATES_H

#include <stddef.h>
#include <stdint.h>

enum rate_format { RATE_F32, RATE_BF16, RATE_Q8, RATE_FORMATS };

/* 32 weights and their scale, an IEEE half: the block of ggml's Q8_0 (ggml-common.h). */
struct q8_block { uint16_t scale; int8_t q[32]; };
/* 32 activations; q is never -128, which has no positive counterpart. */
struct q8_input { float scale; int8_t q[32]; };
_Static_assert(sizeof(struct q8_block) == 34 && sizeof(struct q8_input) == 36, "blocks without holes");

/* y[rows] = w[rows][cols] x[cols]. RATE_F32: w float, x float, any cols. RATE_BF16: w uint16_t, x float, any cols. RATE_Q8: w struct
 * q8_block, x struct q8_input, cols a multiple of 32. Any alignment that the type allows; w, x and y do not overlap. */
typedef void matvec_fn(float *y, const void *w, const void *x, size_t rows, size_t cols);
struct matvec_kernel { const char *isa; int (*can)(void); matvec_fn *run; };
/* Best first, NULL-ended by isa; the last of each is "scalar". */
extern const struct matvec_kernel *const matvec_kernels[RATE_FORMATS];
const struct matvec_kernel *matvec_best(enum rate_format f);

/* c[mr][nr] = a[mr][k] b[k][nr] in rows of ldc numbers. a and b are packed in groups of `group` along k: a [k / group][mr][group],
 * b [k / group][nr][group]; k is a multiple of group, 0 gives zeroes. RATE_F32: float, c float. RATE_BF16: uint16_t, c float.
 * RATE_Q8: int8_t, never -128, c int32_t, exact for k up to 133,000. */
typedef void tile_fn(void *c, size_t ldc, const void *a, const void *b, size_t k);
struct tile_kernel { const char *isa; int (*can)(void); tile_fn *run; uint8_t mr, nr, group; };
enum { TILE_MR = 12, TILE_NR = 32 };                             /* the largest of any variant */
extern const struct tile_kernel *const tile_kernels[RATE_FORMATS];
const struct tile_kernel *tile_best(enum rate_format f);
/* Bytes of one packed number: 4, 2, 1. */
size_t rate_bytes(enum rate_format f);

#endif
