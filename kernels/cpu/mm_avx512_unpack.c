/* mm_avx512_unpack.c - one row of a packed matrix as floats: a tied embedding is packed for the head and looked up row by row */
#include "cpu/mm_avx512.h"
#include "cpu/mm_avx512_scales.h"

#if defined(__x86_64__)
/* The code of element 4 * step + e of a group of this row: planes as mm_avx512.c unpacks them. at: 4 * row + e. */
static unsigned code(const uint8_t *p, int bits, unsigned step, unsigned at)
{
	unsigned u = 0;

	if (bits == 8)
		return p[64 * step + at];
	if (bits >= 4)
		u = p[64 * (step % 4) + at] >> step / 4 * 4 & 15;
	else
		u = p[64 * (step / 4) + at] >> step % 4 * 2 & 3;
	if (bits == 5)
		u |= (unsigned)(p[256 + at] >> step & 1) << 4;
	if (bits == 6)
		u |= (unsigned)(p[256 + 64 * (step / 4) + at] >> step % 4 * 2 & 3) << 4;
	if (bits == 3)
		u |= (unsigned)(p[128 + at] >> step & 1) << 2;
	return u;
}

#define KINDS(name, id, bits, table, group, min, zero, kind, scale_bytes, block) case id: return kind;
static int scales_of(uint32_t format)
{
	switch (format) {
	MM512_FORMATS(KINDS)
	default: return SCALES_STAGED;
	}
}

/* s, m: floats of 16 rows a group */
V512 static void block_scales(int kind, float (*s)[16], float (*m)[16], const uint8_t *p)
{
	__m512 vs[16], vm[16];

	for (int g = 0; g < 16; g++)
		vs[g] = vm[g] = _mm512_setzero_ps();
	mm_block_scales(kind, vs, vm, p);
	for (int g = 0; g < 16; g++) {
		_mm512_storeu_ps(s[g], vs[g]);
		_mm512_storeu_ps(m[g], vm[g]);
	}
}

void mm512_unpack_row(float *out, const struct matrix *w, uint64_t row)
{
	const struct mm512_format *f = mm512_format(w->format);
	const uint8_t *codes = (const uint8_t *)w->data + row / MATRIX_ROWS * mm512_panel_bytes(f, w->n), *scales = codes + mm512_code_bytes(f, w->n);
	const unsigned r = (unsigned)(row % MATRIX_ROWS);
	const int kind = scales_of(w->format);
	float s[16][16], m[16][16];

	for (uint64_t k = 0; k < w->n; k += 32, codes += 64 * f->bits) {
		if (k % f->block == 0) {
			block_scales(kind, s, m, scales);
			scales += f->scale_bytes * MATRIX_ROWS;
		}
		for (unsigned i = 0; i < 32; i++) {
			const unsigned u = code(codes, f->bits, i / 4, 4 * r + i % 4), g = (unsigned)((k % f->block + i) / f->group);
			const int v = f->table == TABLE_NONE ? (int)u : mm512_table[f->table][u];

			out[k + i] = f->min ? s[g][r] * (float)v - m[g][r] : s[g][r] * (float)(v - f->zero);
		}
	}
}
#endif
