/* mm_avx512.c - kernels of quantised products: a panel's codes are unpacked a group at a time and multiplied with every token */
#include "cpu/mm_avx512.h"
#include "cpu/mm_avx512_scales.h"

#if defined(__x86_64__)
/* Codes come in planes: nibbles 4 vectors (step s, above it step s + 4), pairs of bits 2 vectors (steps 4 k to 4 k + 3, lowest first), bits
 * 1 vector (step s: bit s). 5 bits: nibbles and a bit, 6: nibbles and a pair, 3: a pair and a bit. */
V512_INLINE __m512i shift16(__m512i v, int left) { return left >= 0 ? _mm512_slli_epi16(v, (unsigned)left) : _mm512_srli_epi16(v, (unsigned)-left); }
/* v | (h & mask) */
V512_INLINE __m512i with_bits(__m512i v, __m512i h, int mask) { return _mm512_ternarylogic_epi32(v, h, _mm512_set1_epi8((char)mask), 0xf8); }

V512_INLINE void unpack(int bits, int table, __m512i w[8], const uint8_t *p)
{
	const __m512i low4 = _mm512_set1_epi8(15), low2 = _mm512_set1_epi8(3);

	if (bits == 8)
		for (int s = 0; s < 8; s++)
			w[s] = _mm512_loadu_si512(p + 64 * s);
	if (bits >= 4 && bits < 8)
		for (int s = 0; s < 4; s++) {
			__m512i v = _mm512_loadu_si512(p + 64 * s);

			w[s] = _mm512_and_si512(v, low4);
			w[s + 4] = _mm512_and_si512(_mm512_srli_epi16(v, 4), low4);
		}
	if (bits == 5) {
		__m512i h = _mm512_loadu_si512(p + 256);

		for (int s = 0; s < 8; s++)
			w[s] = with_bits(w[s], shift16(h, 4 - s), 1 << 4);
	}
	if (bits == 6)
		for (int s = 0; s < 8; s++)
			w[s] = with_bits(w[s], shift16(_mm512_loadu_si512(p + 256 + 64 * (s / 4)), 4 - s % 4 * 2), 3 << 4);
	if (bits < 4)
		for (int s = 0; s < 8; s++)
			w[s] = _mm512_and_si512(_mm512_srli_epi16(_mm512_loadu_si512(p + 64 * (s / 4)), (unsigned)(s % 4 * 2)), low2);
	if (bits == 3) {
		__m512i h = _mm512_loadu_si512(p + 128);

		for (int s = 0; s < 8; s++)
			w[s] = with_bits(w[s], shift16(h, 2 - s), 1 << 2);
	}
	if (table != TABLE_NONE) {
		const __m512i t = _mm512_broadcast_i32x4(_mm_loadu_si128((const void *)mm512_table[table]));

		for (int s = 0; s < 8; s++)
			w[s] = _mm512_shuffle_epi8(t, w[s]);
	}
}

V512_INLINE __m512i four(const int8_t *q)
{
	int32_t v;

	__builtin_memcpy(&v, q, 4);
	return _mm512_set1_epi32(v);
}

/* One group of `panels` panels with one token: s, m: the group's scale, or two for the halves, of each panel. */
V512_INLINE void group_token(int panels, int group, int min, __m512 *acc, __m512i w[2][8], const __m512 *const *s, const __m512 *const *m,
	const struct q8_group *in)
{
	const __m512 scale = _mm512_set1_ps(in->scale);
	__m512i sum[2][2];

	for (int p = 0; p < panels; p++) {
		sum[p][0] = min ? _mm512_setzero_si512() : _mm512_set1_epi32(in->of.sum[0]);
		sum[p][1] = min ? _mm512_setzero_si512() : _mm512_set1_epi32(in->of.sum[1]);
	}
	for (int k = 0; k < 8; k++) {
		const __m512i a = four(in->q + 4 * k);

		for (int p = 0; p < panels; p++)
			sum[p][group == 16 && k >= 4] = _mm512_dpbusd_epi32(sum[p][group == 16 && k >= 4], w[p][k], a);
	}
	for (int p = 0; p < panels; p++) {
		if (group == 16) {
			__m512 v = _mm512_mul_ps(_mm512_cvtepi32_ps(sum[p][0]), s[p][0]);

			acc[p] = _mm512_fmadd_ps(_mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[p][1]), s[p][1], v), scale, acc[p]);
		} else {
			acc[p] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[p][0]), _mm512_mul_ps(scale, s[p][0]), acc[p]);
		}
		for (int i = 0; min && i < 32 / group; i++)
			acc[p] = _mm512_fnmadd_ps(m[p][i], _mm512_set1_ps(in->of.min[i]), acc[p]);
	}
}

/* tokens: 1, or 0 when only the job knows. Weights of a group wait in registers while the tokens pass; what the tokens have so far waits in
 * the first cache. */
V512_INLINE void product(int tokens, int panels, int bits, int table, int group, int min, int kind, int scale_bytes, int block, const struct mm512_job *j)
{
	enum { HALVES = 16, AHEAD = 16384, SCALES_AHEAD = 1024 };
	const int per_block = block / group, per_32 = 32 / group;
	const uint64_t blocks = j->groups * 32 / (uint64_t)block;
	const struct q8_group *in = j->in;
	__m512 one[2], s[2][HALVES], m[2][HALVES];

	if (tokens == 1)
		for (int p = 0; p < panels; p++)
			one[p] = _mm512_loadu_ps(j->acc + 16 * p);
	for (uint64_t b = 0; b < blocks; b++) {
		if (kind != SCALES_STAGED)
			for (int p = 0; p < panels; p++) {
				mm_block_scales(kind, s[p], m[p], j->scales[p] + b * (uint64_t)scale_bytes * MATRIX_ROWS);
				mm_fetch(j->scales[p] + b * (uint64_t)scale_bytes * MATRIX_ROWS + SCALES_AHEAD, scale_bytes * MATRIX_ROWS);
			}
		for (int i = 0; i < per_block; i += per_32) {
			const uint64_t g = b * (uint64_t)(block / 32) + (uint64_t)(i / per_32);
			const __m512 *gs[2] = { s[0] + i, s[1] + i }, *gm[2] = { m[0] + i, m[1] + i };
			__m512i w[2][8];

			for (int p = 0; p < panels; p++) {
				unpack(bits, table, w[p], j->codes[p] + g * (uint64_t)bits * 64);
				if (kind != SCALES_STAGED)
					mm_fetch(j->codes[p] + g * (uint64_t)bits * 64 + AHEAD, bits * 64);
				if (kind == SCALES_STAGED)
					for (int h = 0; h < per_32; h++) {
						s[p][h] = _mm512_loadu_ps((const float *)(const void *)j->scales[p] + 16 * ((uint64_t)per_32 * g + (uint64_t)h));
						if (min)
							m[p][h] = _mm512_loadu_ps((const float *)(const void *)j->scales[p] + MM512_STAGE + 16 * ((uint64_t)per_32 * g + (uint64_t)h));
					}
			}
			if (tokens == 1) {
				group_token(panels, group, min, one, w, gs, gm, in++);
				continue;
			}
			float *acc = j->acc;
			for (uint32_t t = 0; t < j->tokens; t++, in++, acc += 16 * panels) {
				__m512 a[2];

				for (int p = 0; p < panels; p++)
					a[p] = _mm512_load_ps(acc + 16 * p);
				group_token(panels, group, min, a, w, gs, gm, in);
				for (int p = 0; p < panels; p++)
					_mm512_store_ps(acc + 16 * p, a[p]);
			}
		}
	}
	if (tokens == 1)
		for (int p = 0; p < panels; p++)
			_mm512_storeu_ps(j->acc + 16 * p, one[p]);
}

#define KERNELS(name, id, bits, table, group, min, zero, kind, scale_bytes, block) \
V512 static void name##_one(const struct mm512_job *j) { product(1, 1, bits, table, group, min, kind, scale_bytes, block, j); } \
V512 static void name##_many(const struct mm512_job *j) { product(0, 1, bits, table, group, min, kind, scale_bytes, block, j); } \
V512 static void name##_many2(const struct mm512_job *j) { product(0, 2, bits, table, group, min, kind, scale_bytes, block, j); }
#define ENTRY(name, id, bits, table, group, min, zero, kind, scale_bytes, block) \
	{ id, bits, table, group, min, scale_bytes, zero, block, name##_one, { name##_many, name##_many2 } },

MM512_FORMATS(KERNELS)
KERNELS(staged32, 0, 8, TABLE_NONE, 32, 0, 0, SCALES_STAGED, 0, 32)
KERNELS(staged32m, 0, 8, TABLE_NONE, 32, 1, 0, SCALES_STAGED, 0, 32)
KERNELS(staged16, 0, 8, TABLE_NONE, 16, 0, 0, SCALES_STAGED, 0, 32)
KERNELS(staged16m, 0, 8, TABLE_NONE, 16, 1, 0, SCALES_STAGED, 0, 32)

static const struct mm512_format formats[] = { MM512_FORMATS(ENTRY) { 0 } };
static const struct mm512_format staged[] = {
	ENTRY(staged32, 0, 8, TABLE_NONE, 32, 0, 0, SCALES_STAGED, 0, 32)
	ENTRY(staged32m, 0, 8, TABLE_NONE, 32, 1, 0, SCALES_STAGED, 0, 32)
	ENTRY(staged16, 0, 8, TABLE_NONE, 16, 0, 0, SCALES_STAGED, 0, 32)
	ENTRY(staged16m, 0, 8, TABLE_NONE, 16, 1, 0, SCALES_STAGED, 0, 32)
};
/* Codebooks: IQ4_NL as ggml-common.h kvalues_iq4nl plus 128, E2M1 doubled plus 12. */
const uint8_t mm512_table[3][16] = {
	{ 0 },
	{ 1, 24, 45, 63, 79, 93, 106, 118, 129, 141, 153, 166, 181, 197, 217, 241 },
	{ 12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0 },
};

const struct mm512_format *mm512_format(uint32_t format)
{
	for (const struct mm512_format *f = formats; f->one; f++)
		if (f->format == format)
			return f;
	return NULL;
}

struct mm512_format mm512_staged(uint8_t group, uint8_t min, uint8_t zero)
{
	struct mm512_format f = staged[(group == 16) * 2 + !!min];

	f.zero = zero;
	return f;
}
#endif
