/* mm_iq.h - blocks of IQ1, IQ2 and IQ3 taken apart: 32 words of eight magnitudes, a sign bit for each number, scales
 *
 * Table lookups one after the other, and all else for many numbers at a time. TARGET, T(name) and HALF(h) are the includer's, as in mm_unpack.h; vectors are the
 * compilers' own. IQ1 has no signs: its bytes are eighths of -1, 0 and 1, an eighth up or down, plus nine. */
#include "formats.h"
#include "ref/codebooks.h"

#include <string.h>

#ifndef MM_IQ_TYPES
#define MM_IQ_TYPES
#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))
typedef uint64_t words4 __attribute__((vector_size(32)));
typedef uint32_t words8 __attribute__((vector_size(32)));
typedef uint16_t halves32 __attribute__((vector_size(64)));
typedef uint8_t bytes32 __attribute__((vector_size(32)));
typedef uint8_t bytes4 __attribute__((vector_size(4)));
typedef uint8_t bytes8 __attribute__((vector_size(8)));
typedef uint16_t halves8 __attribute__((vector_size(16)));
typedef uint16_t halves16 __attribute__((vector_size(32)));
typedef float floats8 __attribute__((vector_size(32)));
typedef float floats16 __attribute__((vector_size(64)));

static inline uint64_t iq_8(const unsigned char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return v;
}
static inline uint32_t iq_4(const unsigned char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

struct iq_block {
	uint64_t word[32];
	uint32_t sign[8];                        /* bit i of sign[g]: number 32 g + i is negative */
	float scale[16];                         /* of groups of 32 or 16; at least an eighth of the numbers' unit, see each */
};
#endif

/* Seven signs in each byte: the eighth makes the number of negative ones even. */
TARGET ALWAYS_INLINE void T(iq_even)(uint32_t sign[8])
{
	words8 s, p;

	memcpy(&s, sign, sizeof s);
	p = s ^ s >> 4;
	p ^= p >> 2;
	s |= ((p ^ p >> 1) & 0x01010101) << 7;
	memcpy(sign, &s, sizeof s);
}
/* Words of 28 signs and 4 bits of scale: the scale in halves of unit d, the signs in bytes. */
TARGET ALWAYS_INLINE void T(iq_signs28)(struct iq_block *out, const uint32_t word[8], float d)
{
	words8 s;

	memcpy(&s, word, sizeof s);
	for (int g = 0; g < 8; g++)
		out->scale[g] = d * (0.5f + (float)(word[g] >> 28));
	s = (s & 0x7f) | (s << 1 & 0x7f00) | (s << 2 & 0x7f0000) | (s << 3 & 0x7f000000);
	memcpy(out->sign, &s, sizeof s);
	T(iq_even)(out->sign);
}
/* Sixteen scales of four bits each, in halves of unit d. */
TARGET ALWAYS_INLINE void T(iq_nibbles)(struct iq_block *out, const uint8_t *nibbles, float d)
{
	uint64_t two[2];
	bytes16 v;
	floats16 f;

	for (int i = 0; i < 2; i++) {
		uint64_t x = iq_4(nibbles + 4 * i);

		x = (x | x << 16) & UINT64_C(0x0000ffff0000ffff);
		x = (x | x << 8) & UINT64_C(0x00ff00ff00ff00ff);
		two[i] = (x | x << 4) & EACH(0x0f);
	}
	memcpy(&v, two, sizeof v);
	f = d * (__builtin_convertvector(v, floats16) + 0.5f);
	memcpy(out->scale, &f, sizeof f);
}

TARGET ALWAYS_INLINE void T(take_iq2_xxs)(struct iq_block *out, const unsigned char *p)
{
	uint32_t s[8];

	for (int g = 0; g < 8; g++) {
		const uint64_t q = iq_8(p + offsetof(struct iq2_xxs_block, q) + 8 * g);

		s[g] = (uint32_t)(q >> 32);
		UNROLL for (int i = 0; i < 4; i++)
			out->word[4 * g + i] = iq2_xxs_words[q >> 8 * i & 255];
	}
	T(iq_signs28)(out, s, HALF(half_at(p)) * 0.25f);
}
TARGET ALWAYS_INLINE void T(take_iq2_xs)(struct iq_block *out, const unsigned char *p)
{
	halves32 q;
	bytes32 s;

	for (int g = 0; g < 8; g++) {
		const uint64_t four = iq_8(p + offsetof(struct iq2_xs_block, q) + 8 * g);

		const words4 v = { iq2_xs_words[four & 511], iq2_xs_words[four >> 16 & 511], iq2_xs_words[four >> 32 & 511], iq2_xs_words[four >> 48 & 511] };

		memcpy(out->word + 4 * g, &v, sizeof v);
	}
	memcpy(&q, p + offsetof(struct iq2_xs_block, q), sizeof q);
	s = __builtin_convertvector(q >> 9, bytes32);
	memcpy(out->sign, &s, sizeof s);
	T(iq_even)(out->sign);
	T(iq_nibbles)(out, p + offsetof(struct iq2_xs_block, scale), HALF(half_at(p)) * 0.25f);
}
TARGET ALWAYS_INLINE void T(take_iq2_s)(struct iq_block *out, const unsigned char *p)
{
	for (int g = 0; g < 8; g++) {
		const uint32_t q = iq_4(p + offsetof(struct iq2_s_block, q) + 4 * g), h = p[offsetof(struct iq2_s_block, h) + g];

		const words4 v = { iq2_s_words[(q & 255) | (h << 8 & 0x300)], iq2_s_words[(q >> 8 & 255) | (h << 6 & 0x300)], iq2_s_words[(q >> 16 & 255) | (h << 4 & 0x300)],
			iq2_s_words[q >> 24 | (h << 2 & 0x300)] };

		memcpy(out->word + 4 * g, &v, sizeof v);
	}
	memcpy(out->sign, p + offsetof(struct iq2_s_block, sign), sizeof out->sign);
	T(iq_nibbles)(out, p + offsetof(struct iq2_s_block, scale), HALF(half_at(p)) * 0.25f);
}
TARGET ALWAYS_INLINE void T(take_iq3_xxs)(struct iq_block *out, const unsigned char *p)
{
	uint32_t s[8];

	for (int g = 0; g < 8; g++) {
		const uint64_t q = iq_8(p + offsetof(struct iq3_xxs_block, q) + 8 * g);

		s[g] = iq_4(p + offsetof(struct iq3_xxs_block, sign_scale) + 4 * g);
		UNROLL for (int i = 0; i < 4; i++)
			out->word[4 * g + i] = iq3_xxs_words[q >> 16 * i & 255] | (uint64_t)iq3_xxs_words[q >> (16 * i + 8) & 255] << 32;
	}
	T(iq_signs28)(out, s, HALF(half_at(p)) * 0.5f);
}
TARGET ALWAYS_INLINE void T(take_iq3_s)(struct iq_block *out, const unsigned char *p)
{
	const halves8 bit = { 1, 2, 4, 8, 16, 32, 64, 128 };
	const float d = HALF(half_at(p));
	uint64_t nibbles = iq_4(p + offsetof(struct iq3_s_block, scale));
	bytes8 n;
	floats8 f;

	for (int g = 0; g < 8; g++) {
		uint16_t at[8];
		halves8 places;
		bytes8 q;

		memcpy(&q, p + offsetof(struct iq3_s_block, q) + 8 * g, sizeof q);
		places = __builtin_convertvector(q, halves8) | ((halves8)((bit & p[offsetof(struct iq3_s_block, h) + g]) != 0) & 256);
		memcpy(at, &places, sizeof at);
		const words8 v = { iq3_s_words[at[0]], iq3_s_words[at[1]], iq3_s_words[at[2]], iq3_s_words[at[3]], iq3_s_words[at[4]], iq3_s_words[at[5]], iq3_s_words[at[6]], iq3_s_words[at[7]] };
		memcpy(out->word + 4 * g, &v, sizeof v);
	}
	memcpy(out->sign, p + offsetof(struct iq3_s_block, sign), sizeof out->sign);
	nibbles = (nibbles | nibbles << 16) & UINT64_C(0x0000ffff0000ffff);
	nibbles = (nibbles | nibbles << 8) & UINT64_C(0x00ff00ff00ff00ff);
	nibbles = (nibbles | nibbles << 4) & EACH(0x0f);
	nibbles = nibbles + nibbles + EACH(1);
	memcpy(&n, &nibbles, sizeof n);
	f = d * __builtin_convertvector(n, floats8);
	memcpy(out->scale, &f, sizeof f);
}
TARGET ALWAYS_INLINE void T(take_iq1_s)(struct iq_block *out, const unsigned char *p)
{
	const float d = HALF(half_at(p)) * 0.125f;
	halves8 h;
	floats8 f;

	for (int g = 0; g < 8; g++) {
		const uint32_t q = iq_4(p + offsetof(struct iq1_s_block, q) + 4 * g), high = half_at(p + offsetof(struct iq1_s_block, h) + 2 * g);
		words4 v = { iq1_words[(q & 255) | (high << 8 & 0x700)], iq1_words[(q >> 8 & 255) | (high << 5 & 0x700)], iq1_words[(q >> 16 & 255) | (high << 2 & 0x700)],
			iq1_words[q >> 24 | (high >> 1 & 0x700)] };

		v += EACH(2) & ((uint64_t)(high >> 15) - 1);
		memcpy(out->word + 4 * g, &v, sizeof v);
	}
	memcpy(&h, p + offsetof(struct iq1_s_block, h), sizeof h);
	f = d * __builtin_convertvector((h >> 11 & 14) + 1, floats8);
	memcpy(out->scale, &f, sizeof f);
}
TARGET ALWAYS_INLINE void T(take_iq1_m)(struct iq_block *out, const unsigned char *p)
{
	const words4 less = { 3, 7, 11, 15 }, words = { 0, 16, 32, 48 };
	const uint64_t s = iq_8(p + offsetof(struct iq1_m_block, scale));
	/* four words of four times three bits; their upper nibbles are the block's own scale */
	const float d = HALF((uint16_t)((s >> 12 & 0xf) | (s >> 24 & 0xf0) | (s >> 36 & 0xf00) | (s >> 48 & 0xf000))) * 0.125f;
	words4 t = s >> words;
	halves16 three;
	floats16 f;

	for (int g = 0; g < 8; g++) {
		const uint32_t q = iq_4(p + offsetof(struct iq1_m_block, q) + 4 * g), h = half_at(p + offsetof(struct iq1_m_block, h) + 2 * g);
		words4 v = { iq1_words[(q & 255) | (h << 8 & 0x700)], iq1_words[(q >> 8 & 255) | (h << 4 & 0x700)], iq1_words[(q >> 16 & 255) | (h & 0x700)],
			iq1_words[q >> 24 | (h >> 4 & 0x700)] };

		v += EACH(2) & (((uint64_t)h >> less & 1) - 1);
		memcpy(out->word + 4 * g, &v, sizeof v);
	}
	t = (t & 7) | (t & 0x38) << 13 | (t & 0x1c0) << 26 | (t & 0xe00) << 39;
	memcpy(&three, &t, sizeof three);
	f = d * __builtin_convertvector(three + three + 1, floats16);
	memcpy(out->scale, &f, sizeof f);
}

/* Magnitudes with their signs, 128 more: what kformat.integers gives. */
TARGET ALWAYS_INLINE void T(iq_bytes)(uint8_t *u, const struct iq_block *b)
{
	for (int i = 0; i < 32; i += 4) {
		bytes4 four;
		words4 v, s, top;

		memcpy(&v, b->word + i, sizeof v);
		memcpy(&four, b->sign + i / 4, sizeof four);
		s = __builtin_convertvector(four, words4);
		/* a copy of the signs in each byte, of which it keeps its own, carried to the top */
		s |= s << 8;
		s |= s << 16;
		s |= s << 32;
		top = ((s & UINT64_C(0x8040201008040201)) + EACH(0x7f)) & EACH(0x80);
		s = top >> 7;
		/* 128 + v, or 255 - v - 128 + 1 */
		v = (v ^ (top | (top - s)) ^ EACH(0x80)) + s;
		memcpy(u + 8 * i, &v, sizeof v);
	}
}
