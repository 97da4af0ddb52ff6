/* format_fill.c - seeded dummy weights at the speed of memory: random bytes, then the fields that decide how large the numbers are
 *
 * Byte p of a tensor comes from word p / 8 of a stream that can be entered anywhere. The scales are one of sixteen near each other, chosen by
 * the random bytes that lie where they go. Where the integers are not symmetric (-8 to 7), the sign of the scale is random too;
 * where there is a minimum, it is the middle of the range. */
#include "ref/format.h"

enum { LEVELS = 16, CHUNK = 64 };                /* blocks that are filled and then patched while they are in the first cache */

/* Word number i of the stream `seed`: wyrand (Wang Yi), one multiplication of 64 by 64 bits; compilers leave it scalar, which is faster than
 * two multiplications made of vectors of 32 bits. */
static inline uint64_t word(uint64_t seed, uint64_t i)
{
	uint64_t z = seed + i * UINT64_C(0xa0761d6478bd642f);
	__extension__ unsigned __int128 p = (unsigned __int128)z * (z ^ UINT64_C(0xe7037ed1a0b428db));

	return (uint64_t)(p >> 64) ^ (uint64_t)p;
}
/* n bytes from byte `first` of the tensor on, each word with some bits cleared and some set; both masks repeat with a number's size. */
static void random_bytes(unsigned char *out, uint64_t first, uint64_t n, uint64_t seed, uint64_t keep, uint64_t set)
{
	uint64_t i = first / 8, w;

	seed = word(seed, 1) + word(~seed, 2);   /* seeds that follow each other are far apart */
	if (first % 8 && n) {
		uint64_t part = 8 - first % 8 < n ? 8 - first % 8 : n;
		w = (word(seed, i++) & keep) | set;
		memcpy(out, (unsigned char *)&w + first % 8, part);
		out += part;
		n -= part;
	}
	for (; n >= 8; n -= 8, out += 8) {
		w = (word(seed, i++) & keep) | set;
		memcpy(out, &w, 8);
	}
	if (n) {
		w = (word(seed, i) & keep) | set;
		memcpy(out, &w, n);
	}
}

/* Floating-point numbers: sign and mantissa random, the exponent that of 2^-7 or 2^-6 (standard deviation 0.019; with three and two bits of
 * mantissa 0.017). E4M3: 0 to 15 units of 2^-9, the least numbers and the first binade. */
void f32_fill(void *blocks, uint64_t first, uint64_t n, uint64_t seed)
{
	random_bytes(blocks, first * 4, n * 4, seed, UINT64_C(0x80ffffff80ffffff), UINT64_C(0x3c0000003c000000));
}
void f16_fill(void *blocks, uint64_t first, uint64_t n, uint64_t seed)
{
	random_bytes(blocks, first * 2, n * 2, seed, UINT64_C(0x87ff87ff87ff87ff), UINT64_C(0x2000200020002000));
}
void bf16_fill(void *blocks, uint64_t first, uint64_t n, uint64_t seed)
{
	random_bytes(blocks, first * 2, n * 2, seed, UINT64_C(0x80ff80ff80ff80ff), UINT64_C(0x3c003c003c003c00));
}
void fp8_e4m3_fill(void *blocks, uint64_t first, uint64_t n, uint64_t seed)
{
	random_bytes(blocks, first, n, seed, UINT64_C(0x8f8f8f8f8f8f8f8f), 0);
}
void fp8_e5m2_fill(void *blocks, uint64_t first, uint64_t n, uint64_t seed)
{
	random_bytes(blocks, first, n, seed, UINT64_C(0x8787878787878787), UINT64_C(0x2020202020202020));
}

struct levels { uint16_t d[LEVELS], m[LEVELS]; };

/* Scales from 0.8 to 1.2 of what gives 0.02, where rms is the standard deviation of the format's numbers at scale 1. m: the minimum that goes
 * with each, as a multiple of the scale. */
static void levels_init(struct levels *l, float rms, float min)
{
	for (int i = 0; i < LEVELS; i++) {
		l->d[i] = f32_to_f16(0.02f / rms * (0.8f + 0.4f / (LEVELS - 1) * (float)i));
		l->m[i] = f32_to_f16(min * f16_to_f32(l->d[i]));
	}
}
static inline uint16_t signed_level(const struct levels *l, uint16_t random) { return (uint16_t)(l->d[random % LEVELS] | (random & 0x8000)); }

#define FILL(name, type, rms, min, patch) \
	void name##_fill(void *blocks, uint64_t first, uint64_t n, uint64_t seed) \
	{ \
		typedef type __attribute__((aligned(1))) anywhere; \
		struct levels l; \
		unsigned char *p = blocks; \
		levels_init(&l, rms, min); \
		while (n) { \
			uint64_t some = n < CHUNK ? n : CHUNK; \
			random_bytes(p, first * sizeof(type), some * sizeof(type), seed, ~UINT64_C(0), 0); \
			for (uint64_t i = 0; i < some; i++, p += sizeof(type)) { \
				anywhere *b = (anywhere *)p; \
				patch; \
			} \
			first += some; \
			n -= some; \
		} \
	}

/* d and m by the same level */
#define WITH_MIN(d_, m_) do { unsigned r_ = (d_) % LEVELS; (d_) = l.d[r_]; (m_) = l.m[r_]; } while (0)

/* Every group's minimum has its scale's number, and scales are from half the range on. */
static inline void even_scales(uint8_t s[12])
{
	for (int i = 0; i < 4; i++) {
		s[4 + i] = s[i] |= 0xa0;
		s[8 + i] = (uint8_t)((s[8 + i] & 15) * 0x11);
	}
}
static inline void odd_bytes(int8_t q[32])       /* no -128, mean 0 */
{
	for (int i = 0; i < 32; i++)
		q[i] |= 1;
}
static inline void iq1_m_scale(struct iq1_m_block *b, uint16_t d)
{
	for (int i = 0; i < 4; i++)
		b->scale[2 * i + 1] = (uint8_t)((b->scale[2 * i + 1] & 15) | (d >> 4 * i & 15) << 4);
}

/* The numbers: root of the mean square of what random bits give with d = 1. */
FILL(q4_0, struct q4_0_block, 4.64f, 0, b->d = signed_level(&l, b->d))
FILL(q4_1, struct q4_1_block, 4.61f, -7.5f, WITH_MIN(b->d, b->m))
FILL(q5_0, struct q5_0_block, 9.25f, 0, b->d = signed_level(&l, b->d))
FILL(q5_1, struct q5_1_block, 9.23f, -15.5f, WITH_MIN(b->d, b->m))
FILL(q8_0, struct q8_0_block, 73.9f, 0, b->d = signed_level(&l, b->d); odd_bytes(b->q))
FILL(iq4_nl, struct iq4_nl_block, 69.0f, 0, b->d = signed_level(&l, b->d))
FILL(q3_k, struct q3_k_block, 42.4f, 0, b->d = signed_level(&l, b->d))
FILL(q4_k, struct q4_k_block, 4.61f * 48.4f, 7.5f, WITH_MIN(b->d, b->dmin); even_scales(b->scale))
FILL(q5_k, struct q5_k_block, 9.23f * 48.4f, 15.5f, WITH_MIN(b->d, b->dmin); even_scales(b->scale))
FILL(q6_k, struct q6_k_block, 1366.0f, 0, b->d = signed_level(&l, b->d))
FILL(iq4_xs, struct iq4_xs_block, 1275.0f, 0, b->d = signed_level(&l, b->d))
FILL(q2_k, struct q2_k_block, 1.118f * 11.7f, 1.5f, WITH_MIN(b->d, b->dmin);
	for (int g = 0; g < 16; g++) b->scale[g] = (uint8_t)(((b->scale[g] & 7) | 8) * 0x11))
FILL(iq1_s, struct iq1_s_block, 7.24f, 0, b->d = signed_level(&l, b->d))
FILL(iq1_m, struct iq1_m_block, 7.30f, 0, iq1_m_scale(b, signed_level(&l, (uint16_t)(b->scale[0] | b->q[0] << 8))))
FILL(iq2_xxs, struct iq2_xxs_block, 53.8f, 0, b->d = signed_level(&l, b->d))
FILL(iq2_xs, struct iq2_xs_block, 56.2f, 0, b->d = signed_level(&l, b->d))
FILL(iq2_s, struct iq2_s_block, 56.8f, 0, b->d = signed_level(&l, b->d))
FILL(iq3_xxs, struct iq3_xxs_block, 143.5f, 0, b->d = signed_level(&l, b->d))
FILL(iq3_s, struct iq3_s_block, 141.1f, 0, b->d = signed_level(&l, b->d))
/* 2^-8 or 2^-7 times a number from -6 to 6 */
FILL(mxfp4, struct mxfp4_block, 1, 0, b->e = (uint8_t)(119 + (b->e & 1)))
/* 3 or 4 units of 2^-9 */
FILL(nvfp4, struct nvfp4_block, 1, 0, for (int g = 0; g < 4; g++) b->d[g] = (uint8_t)(3 + (b->d[g] & 1)))
