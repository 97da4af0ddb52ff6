/* format_k_quantise.c - super-blocks of 256 from floats: scales of the groups first, those rounded to the super-block's, then the numbers
 * by the scales as they were rounded */
#include "ref/format_fit.h"
#include "ref/format_k.h"

/* Scales and minimums of 256 / group groups as integers up to top, and what they are worth after rounding. u: the numbers, up to u_top. */
struct with_min { uint8_t scale[16], min[16], u[256]; uint16_t d, dmin; };

static void quantise_min(struct with_min *out, const float *x, int group, int top, int u_top)
{
	float scale[16], min[16], d = 0, dmin = 0, id, idmin;

	for (int g = 0; g < 256 / group; g++) {
		fit_min(scale + g, min + g, x + g * group, group, u_top);
		d = scale[g] > d ? scale[g] : d;
		dmin = min[g] > dmin ? min[g] : dmin;
	}
	d = store_half(&out->d, d / (float)top);
	dmin = store_half(&out->dmin, dmin / (float)top);
	id = inverse(d);
	idmin = inverse(dmin);
	for (int g = 0; g < 256 / group; g++) {
		out->scale[g] = (uint8_t)round_within(scale[g] * id, 0, top);
		out->min[g] = (uint8_t)round_within(min[g] * idmin, 0, top);
		float is = inverse(d * (float)out->scale[g]), m = dmin * (float)out->min[g];
		for (int i = g * group; i < (g + 1) * group; i++)
			out->u[i] = (uint8_t)round_within((x[i] + m) * is, 0, u_top);
	}
}

/* The same with a zero point: scales are signed, from -top to top - 1 where the largest becomes -top; u is less half above zero. */
struct with_zero { int8_t scale[16]; uint8_t u[256]; uint16_t d; };

static void quantise_zero(struct with_zero *out, const float *x, int top, int half)
{
	float scale[16], max = 0, d, id;

	for (int g = 0; g < 16; g++) {
		scale[g] = fit_zero(x + g * 16, 16, half);
		if (fabsf(scale[g]) > fabsf(max))
			max = scale[g];
	}
	d = store_half(&out->d, -max / (float)top);
	id = inverse(d);
	for (int g = 0; g < 16; g++) {
		out->scale[g] = (int8_t)round_within(scale[g] * id, -top, top - 1);
		float is = inverse(d * (float)out->scale[g]);
		for (int i = g * 16; i < (g + 1) * 16; i++)
			out->u[i] = (uint8_t)(round_within(x[i] * is, -half, half - 1) + half);
	}
}

void q2_k_quantise(void *blocks, const float *in, uint64_t n)
{
	for (unsigned char *p = blocks; n >= 256; n -= 256, in += 256, p += sizeof(struct q2_k_block)) {
		struct q2_k_block b = { .d = 0 };
		struct with_min r;

		quantise_min(&r, in, 16, 15, 3);
		b.d = r.d;
		b.dmin = r.dmin;
		for (int g = 0; g < 16; g++)
			b.scale[g] = (uint8_t)(r.scale[g] | r.min[g] << 4);
		for (int i = 0; i < 256; i++)
			b.q[i / 128 * 32 + i % 32] |= (uint8_t)(r.u[i] << (i / 32 % 4 * 2));
		memcpy(p, &b, sizeof b);
	}
}

void q3_k_quantise(void *blocks, const float *in, uint64_t n)
{
	for (unsigned char *p = blocks; n >= 256; n -= 256, in += 256, p += sizeof(struct q3_k_block)) {
		struct q3_k_block b = { .d = 0 };
		struct with_zero r;

		quantise_zero(&r, in, 32, 4);
		b.d = r.d;
		for (int g = 0; g < 16; g++) {
			int s = r.scale[g] + 32;
			b.scale[g % 8] |= (uint8_t)((s & 15) << (g / 8 * 4));
			b.scale[8 + g % 4] |= (uint8_t)((s >> 4) << (g / 4 * 2));
		}
		for (int i = 0; i < 256; i++) {
			b.q[i / 128 * 32 + i % 32] |= (uint8_t)((r.u[i] & 3) << (i / 32 % 4 * 2));
			b.h[i % 32] |= (uint8_t)((r.u[i] >> 2) << (i / 32));
		}
		memcpy(p, &b, sizeof b);
	}
}

void q4_k_quantise(void *blocks, const float *in, uint64_t n)
{
	for (unsigned char *p = blocks; n >= 256; n -= 256, in += 256, p += sizeof(struct q4_k_block)) {
		struct q4_k_block b = { .d = 0 };
		struct with_min r;

		quantise_min(&r, in, 32, 63, 15);
		b.d = r.d;
		b.dmin = r.dmin;
		k4_store(b.scale, r.scale, r.min);
		for (int i = 0; i < 256; i++)
			b.q[i / 64 * 32 + i % 32] |= (uint8_t)(r.u[i] << (i / 32 % 2 * 4));
		memcpy(p, &b, sizeof b);
	}
}

void q5_k_quantise(void *blocks, const float *in, uint64_t n)
{
	for (unsigned char *p = blocks; n >= 256; n -= 256, in += 256, p += sizeof(struct q5_k_block)) {
		struct q5_k_block b = { .d = 0 };
		struct with_min r;

		quantise_min(&r, in, 32, 63, 31);
		b.d = r.d;
		b.dmin = r.dmin;
		k4_store(b.scale, r.scale, r.min);
		for (int i = 0; i < 256; i++) {
			b.q[i / 64 * 32 + i % 32] |= (uint8_t)((r.u[i] & 15) << (i / 32 % 2 * 4));
			b.h[i % 32] |= (uint8_t)((r.u[i] >> 4) << (i / 32));
		}
		memcpy(p, &b, sizeof b);
	}
}

void q6_k_quantise(void *blocks, const float *in, uint64_t n)
{
	for (unsigned char *p = blocks; n >= 256; n -= 256, in += 256, p += sizeof(struct q6_k_block)) {
		struct q6_k_block b = { .d = 0 };
		struct with_zero r;

		quantise_zero(&r, in, 128, 32);
		b.d = r.d;
		memcpy(b.scale, r.scale, 16);
		for (int i = 0; i < 256; i++) {
			b.ql[i / 128 * 64 + i % 64] |= (uint8_t)((r.u[i] & 15) << (i / 64 % 2 * 4));
			b.qh[i / 128 * 32 + i % 32] |= (uint8_t)((r.u[i] >> 4) << (i / 32 % 4 * 2));
		}
		memcpy(p, &b, sizeof b);
	}
}

void iq4_xs_quantise(void *blocks, const float *in, uint64_t n)
{
	for (unsigned char *p = blocks; n >= 256; n -= 256, in += 256, p += sizeof(struct iq4_xs_block)) {
		struct iq4_xs_block b = { .d = 0 };
		float scale[8], max = 0, d, id;

		for (int g = 0; g < 8; g++) {
			scale[g] = fit_iq4(in + 32 * g, 32);
			if (fabsf(scale[g]) > fabsf(max))
				max = scale[g];
		}
		d = store_half(&b.d, -max / 32);
		id = inverse(d);
		for (int g = 0; g < 8; g++) {
			int s = round_within(scale[g] * id, -32, 31);
			float is = inverse(d * (float)s);
			b.scale_l[g / 2] |= (uint8_t)(((s + 32) & 15) << (g % 2 * 4));
			b.scale_h = (uint16_t)(b.scale_h | (s + 32) >> 4 << 2 * g);
			for (int i = 0; i < 32; i++)
				b.q[16 * g + i % 16] |= (uint8_t)(nearest(iq4_values, 16, in[32 * g + i] * is) << (i / 16 * 4));
		}
		memcpy(p, &b, sizeof b);
	}
}
