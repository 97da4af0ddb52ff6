/* stream.c - sums over a buffer with wide loads
 *
 * Sixteen loads in flight on eight accumulators: an add takes one cycle, a load from memory hundreds, so what counts is that the
 * next lines are asked for early; the processor's own prefetchers do the rest on a sequential read. */
#include "cpu/stream.h"
#include "cpu/isa.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

static uint64_t word(const unsigned char *p, size_t n)
{
	uint64_t w = 0;

	for (size_t i = 0; i < n; i++)
		w |= (uint64_t)p[i] << (8 * i);
	return w;
}

/* n below a few hundred: what the wide loops leave over. */
static uint64_t sum_rest(const unsigned char *p, size_t n)
{
	uint64_t sum = 0;

	for (; n >= 8; p += 8, n -= 8)
		sum += word(p, 8);
	return n ? sum + word(p, n) : sum;
}

static uint64_t sum_scalar(const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	uint64_t s[4] = { 0 }, w[4];

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	for (; n >= sizeof w; p += sizeof w, n -= sizeof w) {
		memcpy(w, p, sizeof w);
		for (unsigned i = 0; i < 4; i++)
			s[i] += w[i];
	}
#endif
	return s[0] + s[1] + s[2] + s[3] + sum_rest(p, n);
}

#if defined(__x86_64__)
__attribute__((target("avx2")))
static uint64_t sum_avx2(const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	__m256i s[8];
	uint64_t lane[4];

	for (unsigned i = 0; i < 8; i++)
		s[i] = _mm256_setzero_si256();
	for (; n >= 512; p += 512, n -= 512)
		for (unsigned i = 0; i < 16; i++)
			s[i % 8] = _mm256_add_epi64(s[i % 8], _mm256_loadu_si256((const __m256i *)(const void *)(p + 32 * i)));
	for (unsigned i = 1; i < 8; i++)
		s[0] = _mm256_add_epi64(s[0], s[i]);
	_mm256_storeu_si256((__m256i *)(void *)lane, s[0]);
	return lane[0] + lane[1] + lane[2] + lane[3] + sum_rest(p, n);
}

__attribute__((target("avx512f")))
static uint64_t sum_avx512(const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	__m512i s[8];
	uint64_t lane[8], sum = 0;

	for (unsigned i = 0; i < 8; i++)
		s[i] = _mm512_setzero_si512();
	for (; n >= 1024; p += 1024, n -= 1024)
		for (unsigned i = 0; i < 16; i++)
			s[i % 8] = _mm512_add_epi64(s[i % 8], _mm512_loadu_si512(p + 64 * i));
	for (unsigned i = 1; i < 8; i++)
		s[0] = _mm512_add_epi64(s[0], s[i]);
	_mm512_storeu_si512(lane, s[0]);
	for (unsigned i = 0; i < 8; i++)
		sum += lane[i];
	return sum + sum_rest(p, n);
}
#elif defined(__aarch64__)
static uint64_t sum_neon(const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	uint64x2_t s[8];

	for (unsigned i = 0; i < 8; i++)
		s[i] = vdupq_n_u64(0);
	for (; n >= 256; p += 256, n -= 256)
		for (unsigned i = 0; i < 16; i++)
			s[i % 8] = vaddq_u64(s[i % 8], vreinterpretq_u64_u8(vld1q_u8(p + 16 * i)));
	for (unsigned i = 1; i < 8; i++)
		s[0] = vaddq_u64(s[0], s[i]);
	return vgetq_lane_u64(s[0], 0) + vgetq_lane_u64(s[0], 1) + sum_rest(p, n);
}
#endif

const struct stream_kernel stream_kernels[] = {
#if defined(__x86_64__)
	{ "avx512", isa_avx512, sum_avx512 },
	{ "avx2", isa_avx2, sum_avx2 },
#elif defined(__aarch64__)
	{ "neon", isa_always, sum_neon },
#endif
	{ "scalar", isa_always, sum_scalar },
	{ 0 }
};

const struct stream_kernel *stream_best(void)
{
	const struct stream_kernel *k = stream_kernels;

	while (!k->can())
		k++;
	return k;
}
