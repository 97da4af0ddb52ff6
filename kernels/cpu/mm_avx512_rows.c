/* mm_avx512_rows.c - native rows into panels: packed once, or staged as bytes in a call's scratch */
#include "cpu/mm_avx512_codes.h"
#include "cpu/mm_avx512_scales.h"

#include <stddef.h>
#include <string.h>

#if defined(__x86_64__)
#define CODES(name, id, bits, table, group, min, zero, kind, scale_bytes, block) \
V512 static void name##_codes(uint8_t *u, const uint8_t *p, uint64_t blocks, uint64_t bytes) \
{ \
	for (; blocks--; u += block, p += bytes) \
		for (int g = 0; g < block / 32; g++) \
			_mm256_storeu_si256((void *)(u + 32 * g), mm_group_codes(id, p, g)); \
}
#define SCALES(name, id, bits, table, group, min, zero, kind, scale_bytes, block) \
V512 static void name##_scales(float *s, float *m, const uint8_t *p, uint64_t blocks) \
{ \
	for (; blocks--; p += scale_bytes * MATRIX_ROWS) { \
		__m512 vs[16], vm[16]; \
		mm_block_scales(kind, vs, vm, p); \
		for (int g = 0; g < block / group; g++, s += 16, m += 16) { \
			_mm512_storeu_ps(s, vs[g]); \
			if (min) \
				_mm512_storeu_ps(m, vm[g]); \
		} \
	} \
}
MM512_FORMATS(CODES)
MM512_FORMATS(SCALES)

/* Where a block keeps what is interleaved by row: count fields of so many bytes from `at` on. */
struct fields { uint8_t at, width, count; };
static const struct fields fields_of[][3] = {
	[SCALES_F16] = { { 0, 2, 1 } }, [SCALES_F16_MIN] = { { 0, 2, 2 } }, [SCALES_E8M0] = { { 0, 1, 1 } }, [SCALES_K4] = { { 0, 2, 2 }, { 4, 1, 12 } },
	[SCALES_XS] = { { 0, 2, 2 }, { 4, 1, 4 } }, [SCALES_Q6] = { { 192, 1, 16 }, { 208, 2, 1 } }, [SCALES_Q3] = { { 96, 1, 12 }, { 108, 2, 1 } },
	[SCALES_Q2] = { { 0, 1, 16 }, { 80, 2, 2 } }, [SCALES_NV4] = { { 0, 1, 4 } },
};
static const struct native {
	uint32_t format;
	uint8_t kind;
	void (*codes)(uint8_t *u, const uint8_t *p, uint64_t blocks, uint64_t bytes);
	void (*scales)(float *s, float *m, const uint8_t *p, uint64_t blocks);
} natives[] = {
#define NATIVE(name, id, bits, table, group, min, zero, kind, scale_bytes, block) { id, kind, name##_codes, name##_scales },
	MM512_FORMATS(NATIVE)
};
static const struct native *native_find(uint32_t format)
{
	for (size_t i = 0; i < sizeof natives / sizeof *natives; i++)
		if (natives[i].format == format)
			return natives + i;
	return NULL;
}

/* Fields of `blocks` blocks of 16 rows; rows that are not there have zeros. */
static void interleave_fields(uint8_t *out, int kind, const struct mm512_rows *r, uint64_t blocks, uint64_t bytes)
{
	for (uint64_t b = 0; b < blocks; b++)
		for (int k = 0; k < 3; k++) {
			const struct fields f = fields_of[kind][k];

			for (unsigned i = 0; i < f.count; i++, out += MATRIX_ROWS * f.width)
				for (unsigned row = 0; row < MATRIX_ROWS; row++) {
					const uint8_t *p = r->rows + row * r->row_bytes + b * bytes + f.at + i * f.width;
					const int there = row < r->count;

					out[row * f.width] = there ? p[0] : 0;
					if (f.width == 2)
						out[row * 2 + 1] = there ? p[1] : 0;
				}
		}
}

/* 16 rows of 64 bytes to 16 steps: a transposition of 16 by 16 words of 4 bytes. */
V512_INLINE void transpose(__m512i v[16])
{
	__m512i a[16], b[16];

	for (int i = 0; i < 8; i++) {
		a[2 * i] = _mm512_unpacklo_epi32(v[2 * i], v[2 * i + 1]);
		a[2 * i + 1] = _mm512_unpackhi_epi32(v[2 * i], v[2 * i + 1]);
	}
	for (int i = 0; i < 4; i++) {            /* b[4 i + c]: rows 4 i to 4 i + 3 of columns c, c + 4, c + 8, c + 12 */
		b[4 * i] = _mm512_unpacklo_epi64(a[4 * i], a[4 * i + 2]);
		b[4 * i + 1] = _mm512_unpackhi_epi64(a[4 * i], a[4 * i + 2]);
		b[4 * i + 2] = _mm512_unpacklo_epi64(a[4 * i + 1], a[4 * i + 3]);
		b[4 * i + 3] = _mm512_unpackhi_epi64(a[4 * i + 1], a[4 * i + 3]);
	}
	for (int c = 0; c < 4; c++) {
		__m512i x = _mm512_shuffle_i32x4(b[c], b[4 + c], 0x88), y = _mm512_shuffle_i32x4(b[8 + c], b[12 + c], 0x88);
		__m512i z = _mm512_shuffle_i32x4(b[c], b[4 + c], 0xdd), u = _mm512_shuffle_i32x4(b[8 + c], b[12 + c], 0xdd);

		v[c] = _mm512_shuffle_i32x4(x, y, 0x88);
		v[c + 8] = _mm512_shuffle_i32x4(x, y, 0xdd);
		v[c + 4] = _mm512_shuffle_i32x4(z, u, 0x88);
		v[c + 12] = _mm512_shuffle_i32x4(z, u, 0xdd);
	}
}

/* Steps of a group into the planes that unpack() of mm_avx512.c takes apart. */
V512_INLINE void group_planes(uint8_t *out, int bits, const __m512i w[8])
{
	if (bits == 8)
		for (int s = 0; s < 8; s++)
			_mm512_storeu_si512(out + 64 * s, w[s]);
	if (bits >= 4 && bits < 8)
		for (int s = 0; s < 4; s++)
			_mm512_storeu_si512(out + 64 * s, _mm512_or_si512(_mm512_and_si512(w[s], _mm512_set1_epi8(15)), _mm512_slli_epi16(_mm512_and_si512(w[s + 4], _mm512_set1_epi8(15)), 4)));
	if (bits == 6 || bits < 4) {
		const unsigned from = bits == 6 ? 4 : 0;

		for (int k = 0; k < 2; k++) {
			__m512i h = _mm512_setzero_si512();

			for (int i = 0; i < 4; i++)
				h = _mm512_or_si512(h, _mm512_slli_epi16(_mm512_and_si512(_mm512_srli_epi16(w[4 * k + i], from), _mm512_set1_epi8(3)), (unsigned)(2 * i)));
			_mm512_storeu_si512(out + (bits == 6 ? 256 : 0) + 64 * k, h);
		}
	}
	if (bits == 5 || bits == 3) {
		__m512i h = _mm512_setzero_si512();

		for (unsigned s = 0; s < 8; s++)
			h = _mm512_or_si512(h, _mm512_slli_epi16(_mm512_and_si512(_mm512_srli_epi16(w[s], bits == 5 ? 4 : 2), _mm512_set1_epi8(1)), s));
		_mm512_storeu_si512(out + (bits == 5 ? 256 : 128), h);
	}
}

enum { SPAN = 256 };                     /* elements of 16 rows on the way: 4 KiB */
/* Codes of elements [from, from + count) as planes; count is a multiple of 32, at most SPAN. */
V512 static void span_planes(uint8_t *out, int bits, int table, const uint8_t (*u)[SPAN], uint64_t count)
{
	const __m512i t = _mm512_broadcast_i32x4(_mm_loadu_si128((const void *)mm512_table[table]));

	for (uint64_t k = 0; k < count; k += 64) {
		__m512i v[16];

		for (int row = 0; row < 16; row++)
			v[row] = _mm512_loadu_si512(u[row] + k);
		if (table != TABLE_NONE)
			for (int row = 0; row < 16; row++)
				v[row] = _mm512_shuffle_epi8(t, v[row]);
		transpose(v);
		group_planes(out, bits, v);
		out += 64 * bits;
		if (count - k < 64)
			return;
		group_planes(out, bits, v + 8);
		out += 64 * bits;
	}
}

void mm512_pack_panel(uint8_t *codes, uint8_t *scales, const struct mm512_format *f, const struct mm512_rows *r)
{
	const struct native *native = native_find(f->format);
	const uint64_t bytes = kformat_find(f->format)->bytes;
	_Alignas(64) uint8_t u[MATRIX_ROWS][SPAN] = { 0 };

	for (uint64_t k = 0; k < r->n; k += SPAN) {
		const uint64_t count = r->n - k < SPAN ? r->n - k : SPAN;

		for (unsigned row = 0; row < r->count; row++)
			native->codes(u[row], r->rows + row * r->row_bytes + k / f->block * bytes, count / f->block, bytes);
		span_planes(codes + k / 32 * f->bits * 64, f->bits, TABLE_NONE, (const uint8_t (*)[SPAN])u, count);
	}
	interleave_fields(scales, native->kind, r, r->n / f->block, bytes);
}

void mm512_stage_panel(uint8_t *codes, float *scales, const struct mm512_format *staged, uint32_t format, const struct mm512_rows *r)
{
	const struct kformat *kf = kformat_find(format);
	const struct mm512_format *f = mm512_format(format);
	const struct native *native = f ? native_find(format) : NULL;
	mm512_integers *integers = mm512_book_integers(format) ? mm512_book_integers(format) : kf->integers;
	float *min = scales + MM512_STAGE;
	_Alignas(64) uint8_t u[MATRIX_ROWS][SPAN] = { 0 };

	for (uint64_t k = 0; k < r->n; k += SPAN) {
		const uint64_t count = r->n - k < SPAN ? r->n - k : SPAN, groups = count / staged->group;
		float s[SPAN / 16], m[SPAN / 16];

		for (unsigned row = 0; row < r->count; row++) {
			const uint8_t *p = r->rows + row * r->row_bytes + k / kf->block * kf->bytes;

			if (native) {
				native->codes(u[row], p, count / kf->block, kf->bytes);
				continue;
			}
			integers(u[row], s, m, p, count);
			for (uint64_t g = 0; g < groups; g++) {
				scales[(k / staged->group + g) * 16 + row] = s[g];
				min[(k / staged->group + g) * 16 + row] = m[g];
			}
		}
		for (unsigned row = r->count; !native && row < MATRIX_ROWS; row++)
			for (uint64_t g = 0; g < groups; g++)
				scales[(k / staged->group + g) * 16 + row] = min[(k / staged->group + g) * 16 + row] = 0;
		span_planes(codes + k * 16, 8, f ? f->table : TABLE_NONE, (const uint8_t (*)[SPAN])u, count);
	}
	if (native) {
		_Alignas(64) uint8_t fields[MM512_STAGE / 32 * 4 * MATRIX_ROWS];  /* 4 bytes for 32 elements is the most: Q4_1 */

		interleave_fields(fields, native->kind, r, r->n / kf->block, kf->bytes);
		native->scales(scales, min, fields, r->n / kf->block);
	}
}
#endif
