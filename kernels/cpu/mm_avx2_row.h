/* mm_avx2_row.h - few tokens: native rows times one token, multiplied as they are unpacked
 *
 * Sums run along the row, eight lanes of it, and are added up at its end. Scales of eight or sixteen groups are made at once and wait in memory to be broadcast;
 * zeros and minimums are taken away together, times the sums of the activations. Formats without a row function here are unpacked first. */

enum { AHEAD = 4096 };                   /* bytes; the processor's own fetching leaves a part of a core's bandwidth unused */

TARGET ALWAYS_INLINE void T(fetch)(const uint8_t *p, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i += 64)
		_mm_prefetch((const void *)(p + AHEAD + i), _MM_HINT_T0);
}
TARGET ALWAYS_INLINE __m256i T(low)(__m256i v, int bits) { return _mm256_and_si256(v, _mm256_set1_epi8((char)((1 << bits) - 1))); }
TARGET ALWAYS_INLINE __m256 T(of_bytes)(float d, __m128i v) { return _mm256_mul_ps(_mm256_set1_ps(d), _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(v))); }
TARGET ALWAYS_INLINE __m256 T(step)(__m256 acc, __m256i sum, __m256 scale) { return _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), scale, acc); }
/* The scales of the halves of a group of 32. */
TARGET ALWAYS_INLINE __m256 T(two)(const float *s) { return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_broadcast_ss(s)), _mm_broadcast_ss(s + 1), 1); }
static inline uint32_t T(word)(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return v;
}

/* Sixteen scales of halves times what the eight groups' activations are worth. */
TARGET ALWAYS_INLINE void T(scale16)(float scale[16], __m256 s0, __m256 s1, const float *d)
{
	const __m256 v = _mm256_loadu_ps(d);

	_mm256_store_ps(scale, _mm256_mul_ps(s0, _mm256_permutevar8x32_ps(v, _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3))));
	_mm256_store_ps(scale + 8, _mm256_mul_ps(s1, _mm256_permutevar8x32_ps(v, _mm256_setr_epi32(4, 4, 5, 5, 6, 6, 7, 7))));
}

/* Blocks of 256: Q4_K, and Q5_K with a fifth bit from h. */
TARGET ALWAYS_INLINE float T(row_k4)(const uint8_t *p, const struct q8_row *x, uint64_t n, const int five)
{
	const unsigned bytes = five ? sizeof(struct q5_k_block) : sizeof(struct q4_k_block), at = five ? offsetof(struct q5_k_block, q) : offsetof(struct q4_k_block, q);
	const uint32_t ones4 = 0x0f0f0f0f, ones2 = 0x03030303, ones6 = 0x3f3f3f3f;
	__m256 acc[2] = { _mm256_setzero_ps(), _mm256_setzero_ps() }, away = _mm256_setzero_ps();

	for (uint64_t b = 0; b < n / 256; b++, p += bytes) {
		/* ggml-quants.c, get_scale_min_k4 */
		const uint32_t a = T(word)(p + 4), m = T(word)(p + 8), c = T(word)(p + 12);
		const uint64_t s8 = (a & ones6) | (uint64_t)((c & ones4) | (a >> 6 & ones2) << 4) << 32, m8 = (m & ones6) | (uint64_t)((c >> 4 & ones4) | (m >> 6 & ones2) << 4) << 32;
		_Alignas(32) float scale[8];
		const int8_t *q = x->q + 256 * b;

		T(fetch)(p, bytes);
		_mm256_store_ps(scale, _mm256_mul_ps(T(of_bytes)(HALF(half_at(p)), _mm_cvtsi64_si128((long long)s8)), _mm256_loadu_ps(x->d + 8 * b)));
		away = _mm256_fmadd_ps(T(of_bytes)(HALF(half_at(p + 2)), _mm_cvtsi64_si128((long long)m8)), _mm256_loadu_ps(x->sum32 + 8 * b), away);
		const __m256i h = five ? T(load)(p + offsetof(struct q5_k_block, h)) : _mm256_setzero_si256();
		UNROLL for (unsigned j = 0; j < 4; j++) {
			const __m256i v = T(load)(p + at + 32 * j);
			__m256i u0 = T(low)(v, 4), u1 = T(low)(_mm256_srli_epi16(v, 4), 4);
			if (five) {              /* bits 2 j and 2 j + 1 to place 4 */
				const __m256i bit = _mm256_set1_epi8(16), h0 = j < 2 ? _mm256_slli_epi16(h, (int)(4 - 2 * j)) : _mm256_srli_epi16(h, (int)(2 * j - 4));
				const __m256i h1 = j < 2 ? _mm256_slli_epi16(h, (int)(3 - 2 * j)) : _mm256_srli_epi16(h, (int)(2 * j - 3));
				u0 = _mm256_or_si256(u0, _mm256_and_si256(h0, bit));
				u1 = _mm256_or_si256(u1, _mm256_and_si256(h1, bit));
			}
			acc[0] = T(step)(acc[0], T(dot_codes)(u0, T(load)(q + 64 * j)), _mm256_broadcast_ss(scale + 2 * j));
			acc[1] = T(step)(acc[1], T(dot_codes)(u1, T(load)(q + 64 * j + 32)), _mm256_broadcast_ss(scale + 2 * j + 1));
		}
	}
	return mm2_across(_mm256_sub_ps(_mm256_add_ps(acc[0], acc[1]), away));
}
TARGET static float T(row_q4_k)(const uint8_t *p, const struct q8_row *x, uint64_t n) { return T(row_k4)(p, x, n, 0); }
TARGET static float T(row_q5_k)(const uint8_t *p, const struct q8_row *x, uint64_t n) { return T(row_k4)(p, x, n, 1); }

TARGET static float T(row_q6_k)(const uint8_t *p, const struct q8_row *x, uint64_t n)
{
	__m256 acc[2] = { _mm256_setzero_ps(), _mm256_setzero_ps() }, away = _mm256_setzero_ps();
	const __m256i pair = _mm256_set1_epi8(0x30);

	for (uint64_t b = 0; b < n / 256; b++, p += sizeof(struct q6_k_block)) {
		const float d = HALF(half_at(p + offsetof(struct q6_k_block, d)));
		const __m128i sc = T(load16)(p + offsetof(struct q6_k_block, scale));
		const __m256 s0 = T(of_bytes)(d, sc), s1 = T(of_bytes)(d, _mm_unpackhi_epi64(sc, sc));
		_Alignas(32) float scale[16];
		const int8_t *q = x->q + 256 * b;

		T(fetch)(p, sizeof(struct q6_k_block));
		T(scale16)(scale, s0, s1, x->d + 8 * b);
		away = _mm256_fmadd_ps(s0, _mm256_loadu_ps(x->sum16 + 16 * b), away);
		away = _mm256_fmadd_ps(s1, _mm256_loadu_ps(x->sum16 + 16 * b + 8), away);
		UNROLL for (unsigned h = 0; h < 2; h++, q += 128) {
			const __m256i l0 = T(load)(p + 64 * h), l1 = T(load)(p + 64 * h + 32), high = T(load)(p + offsetof(struct q6_k_block, qh) + 32 * h);
			const __m256i u[4] = {
				_mm256_or_si256(T(low)(l0, 4), _mm256_and_si256(_mm256_slli_epi16(high, 4), pair)), _mm256_or_si256(T(low)(l1, 4), _mm256_and_si256(_mm256_slli_epi16(high, 2), pair)),
				_mm256_or_si256(T(low)(_mm256_srli_epi16(l0, 4), 4), _mm256_and_si256(high, pair)),
				_mm256_or_si256(T(low)(_mm256_srli_epi16(l1, 4), 4), _mm256_and_si256(_mm256_srli_epi16(high, 2), pair)),
			};
			UNROLL for (unsigned k = 0; k < 4; k++)
				acc[k % 2] = T(step)(acc[k % 2], T(dot_codes)(u[k], T(load)(q + 32 * k)), T(two)(scale + 8 * h + 2 * k));
		}
	}
	return mm2_across(_mm256_fnmadd_ps(away, _mm256_set1_ps(32), _mm256_add_ps(acc[0], acc[1])));
}

TARGET static float T(row_q3_k)(const uint8_t *p, const struct q8_row *x, uint64_t n)
{
	const uint32_t ones4 = 0x0f0f0f0f, ones2 = 0x03030303;
	__m256 acc[2] = { _mm256_setzero_ps(), _mm256_setzero_ps() }, away = _mm256_setzero_ps();

	for (uint64_t b = 0; b < n / 256; b++, p += sizeof(struct q3_k_block)) {
		const uint8_t *s = p + offsetof(struct q3_k_block, scale);
		const uint32_t l0 = T(word)(s), l1 = T(word)(s + 4), c = T(word)(s + 8);
		const __m128i six = _mm_setr_epi32((int)((l0 & ones4) | (c & ones2) << 4), (int)((l1 & ones4) | (c >> 2 & ones2) << 4),
			(int)((l0 >> 4 & ones4) | (c >> 4 & ones2) << 4), (int)((l1 >> 4 & ones4) | (c >> 6 & ones2) << 4));
		const __m128i sc = _mm_sub_epi8(six, _mm_set1_epi8(32));
		const float d = HALF(half_at(p + offsetof(struct q3_k_block, d)));
		const __m256 s0 = T(of_bytes)(d, sc), s1 = T(of_bytes)(d, _mm_unpackhi_epi64(sc, sc));
		const __m256i h = T(load)(p), bit = _mm256_set1_epi8(4);
		_Alignas(32) float scale[16];
		const int8_t *q = x->q + 256 * b;

		T(fetch)(p, sizeof(struct q3_k_block));
		T(scale16)(scale, s0, s1, x->d + 8 * b);
		away = _mm256_fmadd_ps(s0, _mm256_loadu_ps(x->sum16 + 16 * b), away);
		away = _mm256_fmadd_ps(s1, _mm256_loadu_ps(x->sum16 + 16 * b + 8), away);
		UNROLL for (unsigned k = 0; k < 8; k++) {
			const __m256i v = T(load)(p + offsetof(struct q3_k_block, q) + 32 * (k / 4));
			const __m256i up = k < 2 ? _mm256_slli_epi16(h, (int)(2 - k)) : _mm256_srli_epi16(h, (int)(k - 2));
			const __m256i u = _mm256_or_si256(T(low)(_mm256_srli_epi16(v, (int)(k % 4 * 2)), 2), _mm256_and_si256(up, bit));
			acc[k % 2] = T(step)(acc[k % 2], T(dot_codes)(u, T(load)(q + 32 * k)), T(two)(scale + 2 * k));
		}
	}
	return mm2_across(_mm256_fnmadd_ps(away, _mm256_set1_ps(4), _mm256_add_ps(acc[0], acc[1])));
}

TARGET static float T(row_q2_k)(const uint8_t *p, const struct q8_row *x, uint64_t n)
{
	__m256 acc[2] = { _mm256_setzero_ps(), _mm256_setzero_ps() }, away = _mm256_setzero_ps();

	for (uint64_t b = 0; b < n / 256; b++, p += sizeof(struct q2_k_block)) {
		const float d = HALF(half_at(p + offsetof(struct q2_k_block, d))), dmin = HALF(half_at(p + offsetof(struct q2_k_block, dmin)));
		const __m128i both = T(load16)(p), low = _mm_set1_epi8(15), sc = _mm_and_si128(both, low), m = _mm_and_si128(_mm_srli_epi16(both, 4), low);
		_Alignas(32) float scale[16];
		const int8_t *q = x->q + 256 * b;

		T(fetch)(p, sizeof(struct q2_k_block));
		T(scale16)(scale, T(of_bytes)(d, sc), T(of_bytes)(d, _mm_unpackhi_epi64(sc, sc)), x->d + 8 * b);
		away = _mm256_fmadd_ps(T(of_bytes)(dmin, m), _mm256_loadu_ps(x->sum16 + 16 * b), away);
		away = _mm256_fmadd_ps(T(of_bytes)(dmin, _mm_unpackhi_epi64(m, m)), _mm256_loadu_ps(x->sum16 + 16 * b + 8), away);
		UNROLL for (unsigned k = 0; k < 8; k++) {
			const __m256i v = T(load)(p + offsetof(struct q2_k_block, q) + 32 * (k / 4));
			acc[k % 2] = T(step)(acc[k % 2], T(dot_codes)(T(low)(_mm256_srli_epi16(v, (int)(k % 4 * 2)), 2), T(load)(q + 32 * k)), T(two)(scale + 2 * k));
		}
	}
	return mm2_across(_mm256_sub_ps(_mm256_add_ps(acc[0], acc[1]), away));
}

/* Sixteen bytes of nibbles: the low ones first. */
TARGET ALWAYS_INLINE __m256i T(nibbles32)(const uint8_t *q)
{
	const __m128i v = T(load16)(q);

	return T(low)(_mm256_inserti128_si256(_mm256_castsi128_si256(v), _mm_srli_epi16(v, 4), 1), 4);
}
TARGET ALWAYS_INLINE __m256i T(of_table)(const int8_t *table, __m256i u) { return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(T(load16)(table)), u); }

TARGET static float T(row_iq4_xs)(const uint8_t *p, const struct q8_row *x, uint64_t n)
{
	__m256 acc[2] = { _mm256_setzero_ps(), _mm256_setzero_ps() };

	for (uint64_t b = 0; b < n / 256; b++, p += sizeof(struct iq4_xs_block)) {
		const __m128i l = _mm_cvtsi32_si128((int)T(word)(p + offsetof(struct iq4_xs_block, scale_l)));
		const __m256i low = _mm256_and_si256(_mm256_cvtepu8_epi32(_mm_unpacklo_epi8(l, _mm_srli_epi16(l, 4))), _mm256_set1_epi32(15));
		const __m256i high = _mm256_and_si256(_mm256_srlv_epi32(_mm256_set1_epi32(half_at(p + 2)), _mm256_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14)), _mm256_set1_epi32(3));
		const __m256i s = _mm256_sub_epi32(_mm256_or_si256(low, _mm256_slli_epi32(high, 4)), _mm256_set1_epi32(32));
		_Alignas(32) float scale[8];

		T(fetch)(p, sizeof(struct iq4_xs_block));
		_mm256_store_ps(scale, _mm256_mul_ps(_mm256_mul_ps(_mm256_set1_ps(HALF(half_at(p))), _mm256_cvtepi32_ps(s)), _mm256_loadu_ps(x->d + 8 * b)));
		UNROLL for (unsigned g = 0; g < 8; g++) {
			const __m256i w = T(of_table)(iq4_values, T(nibbles32)(p + offsetof(struct iq4_xs_block, q) + 16 * g));
			acc[g % 2] = T(step)(acc[g % 2], T(dot_signed)(w, T(load)(x->q + 256 * b + 32 * g)), _mm256_broadcast_ss(scale + g));
		}
	}
	return mm2_across(_mm256_add_ps(acc[0], acc[1]));
}

/* 16 where a bit of h is set. */
TARGET ALWAYS_INLINE __m256i T(sixteens)(const uint8_t *h)
{
	const __m256i bits = _mm256_set1_epi64x((long long)UINT64_C(0x8040201008040201));
	const __m256i from = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
	const __m256i v = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32((int)T(word)(h)), from), bits);

	return _mm256_and_si256(_mm256_cmpeq_epi8(v, bits), _mm256_set1_epi8(16));
}

/* Sixteen bits of each of eight blocks, or of one and zeros; in registers: a vector read from pieces just stored would wait for them. */
TARGET ALWAYS_INLINE __m128i T(words)(const uint8_t *p, unsigned bytes, const unsigned count)
{
	if (count == 1)
		return _mm_cvtsi32_si128(half_at(p));
	return _mm_setr_epi16((short)half_at(p), (short)half_at(p + bytes), (short)half_at(p + 2 * bytes), (short)half_at(p + 3 * bytes),
		(short)half_at(p + 4 * bytes), (short)half_at(p + 5 * bytes), (short)half_at(p + 6 * bytes), (short)half_at(p + 7 * bytes));
}
/* E8M0, half of 2^(e - 127); the lowest two are subnormal floats */
TARGET ALWAYS_INLINE __m256 T(e8m0_half)(__m128i words)
{
	const __m256i e = _mm256_and_si256(_mm256_cvtepu16_epi32(words), _mm256_set1_epi32(255)), one = _mm256_set1_epi32(1);
	const __m256i small = _mm256_sllv_epi32(_mm256_set1_epi32(0x200000), e), large = _mm256_slli_epi32(_mm256_sub_epi32(e, one), 23);

	return _mm256_castsi256_ps(_mm256_blendv_epi8(small, large, _mm256_cmpgt_epi32(e, one)));
}

/* One block of 32, or eight. */
TARGET ALWAYS_INLINE void T(blocks)(__m256 acc[2], __m256 *away, const uint8_t *p, const struct q8_row *x, uint64_t g, const unsigned count, const uint32_t format, const unsigned bytes)
{
	static const int8_t e2m1[16] = { 0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12 };      /* doubled (OCP Microscaling formats 1.0) */
	const int minimums = format == KF_Q4_1 || format == KF_Q5_1;
	const __m256i first = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
	const __m256 d = count == 8 ? _mm256_loadu_ps(x->d + g) : _mm256_maskload_ps(x->d + g, first);
	const __m256 s = format == KF_MXFP4 ? T(e8m0_half)(T(words)(p, bytes, count)) : _mm256_cvtph_ps(T(words)(p, bytes, count));
	_Alignas(32) float scale[8];

	if (minimums)                            /* w = d u + m */
		*away = _mm256_fnmadd_ps(_mm256_cvtph_ps(T(words)(p + 2, bytes, count)), count == 8 ? _mm256_loadu_ps(x->sum32 + g) : _mm256_maskload_ps(x->sum32 + g, first), *away);
	if (format == KF_Q4_0 || format == KF_Q5_0)
		*away = _mm256_fmadd_ps(_mm256_mul_ps(s, _mm256_set1_ps(format == KF_Q4_0 ? 8 : 16)), count == 8 ? _mm256_loadu_ps(x->sum32 + g) : _mm256_maskload_ps(x->sum32 + g, first), *away);
	_mm256_store_ps(scale, _mm256_mul_ps(s, d));
	UNROLL for (unsigned i = 0; i < count; i++) {
		const uint8_t *b = p + i * bytes;
		const __m256i y = T(load)(x->q + 32 * (g + i));
		__m256i sum;
		switch (format) {
		case KF_Q4_0: sum = T(dot_codes)(T(nibbles32)(b + offsetof(struct q4_0_block, q)), y); break;
		case KF_Q4_1: sum = T(dot_codes)(T(nibbles32)(b + offsetof(struct q4_1_block, q)), y); break;
		case KF_Q5_0: sum = T(dot_codes)(_mm256_or_si256(T(nibbles32)(b + offsetof(struct q5_0_block, q)), T(sixteens)(b + offsetof(struct q5_0_block, h))), y); break;
		case KF_Q5_1: sum = T(dot_codes)(_mm256_or_si256(T(nibbles32)(b + offsetof(struct q5_1_block, q)), T(sixteens)(b + offsetof(struct q5_1_block, h))), y); break;
		case KF_IQ4_NL: sum = T(dot_signed)(T(of_table)(iq4_values, T(nibbles32)(b + offsetof(struct iq4_nl_block, q))), y); break;
		case KF_MXFP4: sum = T(dot_signed)(T(of_table)(e2m1, T(nibbles32)(b + offsetof(struct mxfp4_block, q))), y); break;
		default: sum = T(dot_signed)(T(load)(b + offsetof(struct q8_0_block, q)), y); break;
		}
		acc[i % 2] = T(step)(acc[i % 2], sum, _mm256_broadcast_ss(scale + i));
	}
}
TARGET ALWAYS_INLINE float T(row_32)(const uint8_t *p, const struct q8_row *x, uint64_t n, const uint32_t format, const unsigned bytes)
{
	__m256 acc[2] = { _mm256_setzero_ps(), _mm256_setzero_ps() }, away = _mm256_setzero_ps();
	uint64_t g = 0;

	for (; g + 8 <= n / 32; g += 8, p += 8 * bytes) {
		T(fetch)(p, 8 * bytes);
		T(blocks)(acc, &away, p, x, g, 8, format, bytes);
	}
	for (; g < n / 32; g++, p += bytes)
		T(blocks)(acc, &away, p, x, g, 1, format, bytes);
	return mm2_across(_mm256_sub_ps(_mm256_add_ps(acc[0], acc[1]), away));
}
#define ROW_32(name, format) TARGET static float T(row_##name)(const uint8_t *p, const struct q8_row *x, uint64_t n) { return T(row_32)(p, x, n, format, sizeof(struct name##_block)); }
ROW_32(q4_0, KF_Q4_0)
ROW_32(q4_1, KF_Q4_1)
ROW_32(q5_0, KF_Q5_0)
ROW_32(q5_1, KF_Q5_1)
ROW_32(q8_0, KF_Q8_0)
ROW_32(iq4_nl, KF_IQ4_NL)
ROW_32(mxfp4, KF_MXFP4)
#undef ROW_32

typedef float row_fn(const uint8_t *p, const struct q8_row *x, uint64_t n);
static row_fn *T(row_of)(uint32_t format)
{
	switch (format) {
	case KF_Q4_0: return T(row_q4_0);
	case KF_Q4_1: return T(row_q4_1);
	case KF_Q5_0: return T(row_q5_0);
	case KF_Q5_1: return T(row_q5_1);
	case KF_Q8_0: return T(row_q8_0);
	case KF_IQ4_NL: return T(row_iq4_nl);
	case KF_MXFP4: return T(row_mxfp4);
	case KF_Q2_K: return T(row_q2_k);
	case KF_Q3_K: return T(row_q3_k);
	case KF_Q4_K: return T(row_q4_k);
	case KF_Q5_K: return T(row_q5_k);
	case KF_Q6_K: return T(row_q6_k);
	case KF_IQ4_XS: return T(row_iq4_xs);
	default: return NULL;
	}
}

/* A row as signed bytes, scales and minimums, times one token. */
TARGET static float T(row_unpacked)(const int8_t *q, const float *scale, const struct q8_row *x, uint64_t n, unsigned group)
{
	__m256 s[2] = { _mm256_setzero_ps(), _mm256_setzero_ps() };

	for (uint64_t i = 0; i < n / 32; i++) {
		const __m256i sum = T(dot_signed)(T(load)(q + 32 * i), T(load)(x->q + 32 * i));
		const __m256 f = group == 32 ? _mm256_broadcast_ss(scale + i) : T(two)(scale + 2 * i);
		s[i % 2] = T(step)(s[i % 2], sum, _mm256_mul_ps(f, _mm256_broadcast_ss(x->d + i)));
	}
	return mm2_across(_mm256_add_ps(s[0], s[1]));
}

/* A row stays in the first cache while the few tokens pass. */
TARGET static void T(run_few)(const struct matmul_args *a, const struct kformat *f, void *scratch)
{
	row_fn *const product = T(row_of)(f->id);
	const uint64_t n = a->w->n, bytes = n / f->block * f->bytes;
	int8_t *q = scratch;
	float *scale = (float *)(void *)(q + aligned(n)), *min = scale + aligned(4 * (n / f->group)) / 4;

	if (T(run_book)(a))
		return;
	for (uint64_t row = a->row0; row < a->row1; row++) {
		const uint8_t *from = (const uint8_t *)a->w->data + row * bytes;
		if (!product)
			T(unpack_row)(f, q, scale, min, from, n);
		for (uint32_t t = 0; t < a->tokens; t++) {
			const struct q8_row x = q8_row_at((const char *)a->in + t * a->in_stride, n);
			put(a, t, row, product ? product(from, &x, n) : T(row_unpacked)(q, scale, &x, n, f->group));
		}
	}
}
