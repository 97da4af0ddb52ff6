/* mm_avx512_native.c - native rows times one or a few tokens: dot products along the row, nothing staged */
#include "cpu/mm_avx512_codes.h"
#include "cpu/mm_avx512_scales.h"

#include <string.h>

#if defined(__x86_64__)
enum { AHEAD = 8192 };                   /* bytes */

V512_INLINE uint64_t bytes8(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return v;
}
V512_INLINE uint32_t bytes4(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return v;
}
V512_INLINE float half_at(const uint8_t *p)
{
	uint16_t h;

	memcpy(&h, p, 2);
	return _cvtsh_ss(h);
}
/* as mm_e8m0_half() of one number */
V512_INLINE float e8m0_half_at(const uint8_t *p)
{
	const uint32_t bits = *p < 2 ? 0x00200000u << *p : (uint32_t)(*p - 1) << 23;
	float f;

	memcpy(&f, &bits, 4);
	return f;
}
V512_INLINE __m128i two8(uint64_t low, uint64_t high) { return _mm_set_epi64x((long long)high, (long long)low); }
V512_INLINE __m512 times(float d, __m128i v) { return _mm512_mul_ps(_mm512_set1_ps(d), mm_signed16(v)); }

/* Scales and mins of one native block of 256: of groups of 32 in the lower eight, of halves in all sixteen; NVFP4: of 64, in the lower four. All integers are below 128. */
V512_INLINE void row_scales(int kind, __m512 *s, __m512 *m, const uint8_t *p)
{
	const uint32_t ones4 = 0x0f0f0f0f, ones2 = 0x03030303, ones6 = 0x3f3f3f3f;

	switch (kind) {
	case SCALES_K4: {
		const uint32_t a = bytes4(p + 4), b = bytes4(p + 8), c = bytes4(p + 12);

		*s = times(half_at(p), two8((a & ones6) | (uint64_t)((c & ones4) | (a >> 6 & ones2) << 4) << 32, 0));
		*m = times(half_at(p + 2), two8((b & ones6) | (uint64_t)((c >> 4 & ones4) | (b >> 6 & ones2) << 4) << 32, 0));
		break;
	}
	case SCALES_XS: {
		const __m128i low = _mm_cvtsi32_si128((int)bytes4(p + 4));
		const __m128i nibbles = mm_low(_mm_unpacklo_epi8(low, _mm_srli_epi16(low, 4)), 4);
		const uint32_t h = (uint32_t)p[2] | (uint32_t)p[3] << 8;
		const __m512i shifts = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 0, 0, 0, 0, 0, 0, 0, 0);
		const __m512i high = _mm512_and_si512(_mm512_srlv_epi32(_mm512_set1_epi32((int)h), shifts), _mm512_set1_epi32(3));

		*s = _mm512_mul_ps(_mm512_set1_ps(half_at(p)), _mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_or_si512(_mm512_cvtepu8_epi32(nibbles), _mm512_slli_epi32(high, 4)), _mm512_set1_epi32(32))));
		break;
	}
	case SCALES_Q6:
		*s = times(half_at(p + 208), mm_bytes16(p + 192));
		break;
	case SCALES_Q3: {
		const uint64_t low = bytes8(p + 96);
		const uint32_t c = bytes4(p + 104);
		const __m128i nibbles = mm_low(two8(low, low >> 4), 4);
		const __m128i pairs = _mm_set_epi32((int)(c >> 6 & ones2), (int)(c >> 4 & ones2), (int)(c >> 2 & ones2), (int)(c & ones2));

		*s = times(half_at(p + 108), _mm_sub_epi8(mm_above(nibbles, pairs, 4), _mm_set1_epi8(32)));
		break;
	}
	case SCALES_NV4:
		*s = mm_ue4m3_half(_mm_cvtsi32_si128((int)bytes4(p)));
		break;
	case SCALES_Q2: {
		const __m128i v = mm_bytes16(p);

		*s = times(half_at(p + 80), mm_low(v, 4));
		*m = times(half_at(p + 82), mm_bits(v, 4, 4));
		break;
	}
	}
}

V512_INLINE __m256i codes(uint32_t format, int table, const uint8_t *p, int g)
{
	const __m256i u = mm_group_codes(format, p, g);

	return table == TABLE_NONE ? u : _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)mm512_table[table])), u);
}

/* Blocks of 256 (NVFP4: 64). What zero or min take away is one vector product a block. */
V512_INLINE float row_large(uint32_t format, int table, int group, int min, int kind, int block, uint64_t bytes, const uint8_t *p, const struct mm512_row_input *in)
{
	const __m256i halves = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
	const int per_block = block / group;
	const __mmask16 k = (__mmask16)((1u << per_block) - 1);
	__m256 acc[2] = { _mm256_setzero_ps(), _mm256_setzero_ps() };
	__m512 away = _mm512_setzero_ps();

	for (uint64_t b = 0; b < in->n / (uint64_t)block; b++, p += bytes) {
		_Alignas(64) float scale[16];
		__m512 s, m;

		row_scales(kind, &s, &m, p);
		mm_fetch(p + AHEAD, (int)bytes);
		away = _mm512_fmadd_ps(min ? m : s, _mm512_maskz_loadu_ps(k, in->away + b * (uint64_t)per_block), away);
		_mm512_store_ps(scale, _mm512_mul_ps(s, _mm512_maskz_loadu_ps(k, in->scale + b * (uint64_t)per_block)));
		for (int g = 0; g < block / 32; g++) {
			const __m256i sum = _mm256_dpbusd_epi32(_mm256_setzero_si256(), codes(format, table, p, g), mm_load32((const uint8_t *)in->q + (uint64_t)block * b + 32 * (uint64_t)g));
			double two;
			__m256 v;

			if (group == 32) {
				v = _mm256_set1_ps(scale[g]);
			} else {
				memcpy(&two, scale + 2 * g, 8);
				v = _mm256_permutevar8x32_ps(_mm256_castpd_ps(_mm256_set1_pd(two)), halves);
			}
			acc[g % 2] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), v, acc[g % 2]);
		}
	}
	return _mm512_reduce_add_ps(_mm512_add_ps(away, _mm512_zextps256_ps512(_mm256_add_ps(acc[0], acc[1]))));
}

/* Blocks of 32: zero is where a sum starts. Four sums, so that additions need not wait for each other. */
V512_INLINE void block_32(uint32_t format, int table, int min, int kind, const uint8_t *p, const struct mm512_row_input *in, uint64_t b, __m256 *acc, __m128 *away)
{
	const __m256i start = min ? _mm256_setzero_si256() : _mm256_zextsi128_si256(_mm_cvtsi32_si128(in->start[b]));
	const __m256i sum = _mm256_dpbusd_epi32(start, codes(format, table, p, 0), mm_load32((const uint8_t *)in->q + 32 * b));
	const float s = kind == SCALES_E8M0 ? e8m0_half_at(p) : half_at(p);

	if (min)
		*away = _mm_fmadd_ss(_mm_set_ss(half_at(p + 2)), _mm_set_ss(in->away[b]), *away);
	*acc = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), _mm256_set1_ps(s * in->scale[b]), *acc);
}
V512_INLINE float row_32(uint32_t format, int table, int min, int kind, uint64_t bytes, const uint8_t *p, const struct mm512_row_input *in)
{
	__m256 acc[4] = { _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps() };
	__m128 away[2] = { _mm_setzero_ps(), _mm_setzero_ps() };
	const uint64_t blocks = in->n / 32;
	uint64_t b = 0;

	for (; b + 4 <= blocks; b += 4) {
		if (bytes > 32)                  /* smaller blocks are bound by instructions, not by memory */
			mm_fetch(p + b * bytes + AHEAD, 4 * (int)bytes);
		for (uint64_t i = 0; i < 4; i++)
			block_32(format, table, min, kind, p + (b + i) * bytes, in, b + i, acc + i, away + i % 2);
	}
	for (; b < blocks; b++)
		block_32(format, table, min, kind, p + b * bytes, in, b, acc, away);
	acc[0] = _mm256_add_ps(_mm256_add_ps(acc[0], acc[1]), _mm256_add_ps(acc[2], acc[3]));
	return _mm512_reduce_add_ps(_mm512_zextps256_ps512(acc[0])) + _mm_cvtss_f32(_mm_add_ss(away[0], away[1]));
}

#define ROW(name, id, bits, table, group, min, zero, kind, scale_bytes, block) \
V512 static float name##_row(const uint8_t *p, const struct mm512_row_input *in) \
{ \
	return block > 32 ? row_large(id, table, group, min, kind, block, block / 8 * bits + scale_bytes, p, in) : \
		row_32(id, table, min, kind, 32 / 8 * bits + scale_bytes, p, in); \
}
MM512_FORMATS(ROW)

static const struct { uint32_t format; mm512_row *row; } rows[] = {
#define ENTRY(name, id, bits, table, group, min, zero, kind, scale_bytes, block) { id, name##_row },
	MM512_FORMATS(ENTRY)
};
mm512_row *mm512_row_find(uint32_t format)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].format == format)
			return rows[i].row;
	return mm512_book_row(format);
}

/* The input of a row product lies in scratch: numbers, then three times a number for each group of 16 at most. */
uint64_t mm512_row_input_bytes(uint64_t n) { return (n + n / 16 * 3 * 4 + KERNEL_ALIGN - 1) / KERNEL_ALIGN * KERNEL_ALIGN; }

void mm512_row_input(struct mm512_row_input *out, void *scratch, const struct mm512_format *f, const struct q8_group *in, uint64_t n)
{
	int8_t *q = scratch;
	float *scale = (void *)(q + n), *away = scale + n / 16;
	int32_t *start = (void *)(away + n / 16);
	const uint64_t halves = f->group == 16 ? 2 : 1;

	for (uint64_t g = 0; g < n / 32; g++) {
		memcpy(q + 32 * g, in[g].q, 32);
		for (uint64_t h = 0; h < halves; h++) {
			const int32_t sum = halves == 2 ? in[g].of.sum[h] : in[g].of.sum[0] + in[g].of.sum[1];

			scale[halves * g + h] = in[g].scale;
			start[halves * g + h] = -(int32_t)f->zero * sum;
			/* times min, which is taken away as it stands in large blocks and added in blocks of 32 (m of w = d q + m); or times the scale */
			away[halves * g + h] = in[g].scale * (float)(f->min ? f->block > 32 ? -sum : sum : start[halves * g + h]);
		}
	}
	*out = (struct mm512_row_input){ q, scale, away, start, n };
}
#endif
