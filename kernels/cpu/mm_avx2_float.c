/* mm_avx2_float.c - F32, F16, BF16 and FP8 weights with AVX2 and FMA
 *
 * Few tokens read the rows as they lie, widened on the way. Many tokens: CHUNK inputs of MACRO rows are turned into panels of sixteen rows,
 * which stay in the second cache while tiles of six tokens pass, twelve sums in registers; sums wait in out between chunks. */
#if defined(__x86_64__)
#include "cpu/mm_avx2_float.h"
#include "cpu/mm_avx2_sums.h"

#include <immintrin.h>


enum { CHUNK = 192, MACRO = 64, LANES = 16, TILE = 6, BLOCK = 24, FEW = 8 };

/* Eight weights of two or four bytes as floats. */
AVX2_INLINE __m256 widen8(const char *w, const uint32_t format)
{
	if (format == KF_F32)
		return _mm256_loadu_ps((const float *)(const void *)w);
	const __m128i h = _mm_loadu_si128((const __m128i *)(const void *)w);
	return format == KF_F16 ? _mm256_cvtph_ps(h) : _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 16));
}

/* One row times nt tokens; the last few weights go by way of f->dequantise(). */
AVX2_INLINE void row_tile(const struct matmul_args *a, const struct kformat *f, uint64_t row, uint32_t t0, const unsigned nt, const uint32_t format)
{
	enum { AHEAD = 4096 };
	const uint64_t n = a->w->n, bytes = format == KF_F32 ? 4 : 2, each = nt > 2 ? 1 : 4;
	const char *w = (const char *)a->w->data + row * n * bytes;
	const float *x[4];
	__m256 s[4][4];
	uint64_t i = 0;

	UNROLL for (unsigned t = 0; t < nt; t++) {
		x[t] = (const float *)(const void *)((const char *)a->in + (t0 + t) * a->in_stride);
		UNROLL for (unsigned k = 0; k < each; k++)
			s[k][t] = _mm256_setzero_ps();
	}
	for (; i + 8 * each <= n; i += 8 * each) {
		_mm_prefetch(w + i * bytes + AHEAD, _MM_HINT_T0);
		UNROLL for (unsigned k = 0; k < each; k++) {
			const __m256 v = widen8(w + (i + 8 * k) * bytes, format);
			UNROLL for (unsigned t = 0; t < nt; t++)
				s[k][t] = _mm256_fmadd_ps(v, _mm256_loadu_ps(x[t] + i + 8 * k), s[k][t]);
		}
	}
	float tail[4 * 8];
	if (i < n)
		f->dequantise(tail, w + i * bytes, n - i);
	UNROLL for (unsigned t = 0; t < nt; t++) {
		float sum = 0;
		for (uint64_t k = i; k < n; k++)
			sum += tail[k - i] * x[t][k];
		UNROLL for (unsigned k = 1; k < each; k++)
			s[0][t] = _mm256_add_ps(s[0][t], s[k][t]);
		put(a, t0 + t, row, sum + mm2_across(s[0][t]));
	}
}
#define ROWS(name, format) \
AVX2 static void name(const struct matmul_args *a, const struct kformat *f) \
{ \
	for (uint64_t row = a->row0; row < a->row1; row++) { \
		uint32_t t = 0; \
		for (; t + 4 <= a->tokens; t += 4) \
			row_tile(a, f, row, t, 4, format); \
		for (; t < a->tokens; t++) \
			row_tile(a, f, row, t, 1, format); \
	} \
}
ROWS(rows_f32, KF_F32)
ROWS(rows_f16, KF_F16)
ROWS(rows_bf16, KF_BF16)
#undef ROWS

AVX2_INLINE void transpose(__m256 v[8])
{
	__m256 a[8], b[8];

	UNROLL for (unsigned i = 0; i < 8; i += 2) {
		a[i] = _mm256_unpacklo_ps(v[i], v[i + 1]);
		a[i + 1] = _mm256_unpackhi_ps(v[i], v[i + 1]);
	}
	UNROLL for (unsigned i = 0; i < 8; i += 4) {     /* b[i + c]: rows i to i + 3 of columns c and c + 4 */
		b[i] = _mm256_shuffle_ps(a[i], a[i + 2], 0x44);
		b[i + 1] = _mm256_shuffle_ps(a[i], a[i + 2], 0xee);
		b[i + 2] = _mm256_shuffle_ps(a[i + 1], a[i + 3], 0x44);
		b[i + 3] = _mm256_shuffle_ps(a[i + 1], a[i + 3], 0xee);
	}
	UNROLL for (unsigned c = 0; c < 4; c++) {
		v[c] = _mm256_permute2f128_ps(b[c], b[4 + c], 0x20);
		v[4 + c] = _mm256_permute2f128_ps(b[c], b[4 + c], 0x31);
	}
}

/* Eight rows x eight inputs at w, turned, to out: an input's rows LANES floats apart. */
AVX2_INLINE void turn(float *out, const char *w, uint64_t row_bytes, unsigned rows, const uint32_t format)
{
	__m256 v[8];

	for (unsigned r = 0; r < 8; r++)
		v[r] = r < rows ? widen8(w + r * row_bytes, format) : _mm256_setzero_ps();
	transpose(v);
	UNROLL for (unsigned i = 0; i < 8; i++)
		_mm256_store_ps(out + i * LANES, v[i]);
}

/* Inputs [k, k + count) of rows [row, row + rows) as a panel; lanes without a row are zeros. */
AVX2 static void stage(float *panel, const struct matmul_args *a, const struct kformat *f, uint64_t row, unsigned rows, uint64_t k, uint64_t count)
{
	const uint64_t bytes = a->w->n * f->bytes;

	for (unsigned r = 0; r < LANES; r += 8) {
		const unsigned here = rows < r ? 0 : rows - r < 8 ? rows - r : 8;
		const char *from = (const char *)a->w->data + (row + r) * bytes + k * f->bytes;
		uint64_t i = 0;

		for (; i + 8 <= count; i += 8) {
			float *out = panel + i * LANES + r;
			const char *w = from + i * f->bytes;
			float wide[8][8];
			switch (f->id) {
			case KF_F32: turn(out, w, bytes, here, KF_F32); break;
			case KF_F16: turn(out, w, bytes, here, KF_F16); break;
			case KF_BF16: turn(out, w, bytes, here, KF_BF16); break;
			default:
				for (unsigned j = 0; j < here; j++)
					f->dequantise(wide[j], w + j * bytes, 8);
				turn(out, (const char *)wide, sizeof *wide, here, KF_F32);
			}
		}
		for (; i < count; i++)
			for (unsigned j = 0; j < 8; j++) {
				float *out = panel + i * LANES + r + j;
				if (j < here)
					f->dequantise(out, from + j * bytes + i * f->bytes, 1);
				else
					*out = 0;
			}
	}
}

struct tile_args {
	const float *panel, *x[TILE];
	uint64_t inputs;
	float *out; uint64_t out_stride;
	const float *bias;
	unsigned tokens, rows;
	int keep;
};

AVX2 static void tile(const struct tile_args *p)
{
	__m256 s[2][TILE];
	const float *w = p->panel;

	UNROLL for (unsigned t = 0; t < TILE; t++)
		s[0][t] = s[1][t] = _mm256_setzero_ps();
	for (uint64_t i = 0; i < p->inputs; i++, w += LANES) {
		const __m256 a = _mm256_load_ps(w), b = _mm256_load_ps(w + 8);
		UNROLL for (unsigned t = 0; t < TILE; t++) {
			const __m256 x = _mm256_broadcast_ss(p->x[t] + i);
			s[0][t] = _mm256_fmadd_ps(a, x, s[0][t]);
			s[1][t] = _mm256_fmadd_ps(b, x, s[1][t]);
		}
	}
	UNROLL for (unsigned t = 0; t < TILE; t++)
		if (t < p->tokens)
			UNROLL for (unsigned v = 0; v < 2; v++)
				if (p->rows > 8 * v)
					mm2_out8(p->out + t * p->out_stride + 8 * v, p->keep, p->bias ? p->bias + 8 * v : NULL, p->rows - 8 * v, s[v][t]);
}

uint64_t mmf2_scratch_bytes(const struct kformat *f, uint64_t n)
{
	(void)f, (void)n;
	return MACRO * CHUNK * sizeof(float);
}

void mmf2_run(const struct matmul_args *a, const struct kformat *f, void *scratch)
{
	const uint64_t n = a->w->n, pieces = (n + CHUNK - 1) / CHUNK, chunk = (n / pieces + 7) / 8 * 8;
	float *panels = scratch;

	if (a->tokens < FEW && (f->id == KF_F32 || f->id == KF_F16 || f->id == KF_BF16)) {
		(f->id == KF_F32 ? rows_f32 : f->id == KF_F16 ? rows_f16 : rows_bf16)(a, f);
		return;
	}
	for (uint64_t row = a->row0; row < a->row1; row += MACRO)
		for (uint64_t k = 0, count; k < n; k += count) {
			const unsigned rows = (unsigned)least(MACRO, a->row1 - row);

			count = least(chunk, n - k);
			for (unsigned r = 0; r < rows; r += LANES)
				stage(panels + r * count, a, f, row + r, rows - r < LANES ? rows - r : LANES, k, count);
			for (uint32_t t0 = 0; t0 < a->tokens; t0 += BLOCK)
				for (unsigned r = 0; r < rows; r += LANES)
					for (uint32_t t = t0; t < a->tokens && t < t0 + BLOCK; t += TILE) {
						struct tile_args p = { .panel = panels + r * count, .inputs = count, .out = a->out + t * a->out_stride + row + r, .out_stride = a->out_stride,
							.bias = a->bias && !k ? a->bias + row + r : NULL, .tokens = (unsigned)least(TILE, a->tokens - t),
							.rows = rows - r < LANES ? rows - r : LANES, .keep = k || a->add };
						for (uint32_t i = 0; i < TILE; i++) {
							p.x[i] = (const float *)(const void *)((const char *)a->in + (i < p.tokens ? t + i : t) * a->in_stride) + k;
							/* the next block's, while this one is multiplied: in pieces that the processor does not foresee */
							if (!r && t + i + BLOCK < a->tokens)
								for (uint64_t b = 0; b < 4 * count; b += 64)
									_mm_prefetch((const char *)p.x[i] + BLOCK * a->in_stride + b, _MM_HINT_T0);
						}
						tile(&p);
					}
		}
}
#endif
