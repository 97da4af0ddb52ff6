/* kernels_attn.c - attention of every table, and of ref, against sums in double over a mask that is written out
 *
 * Bound of a number: each score is off by at most chain * u * sum |q k| scale and a few roundings of itself, which its weight is the exponent of; the
 * weighted sum adds one rounding an entry: sum_e w_e |v_e| (2 max_e ds_e + (n + 60) u). */
#include "kernels_ops.h"

struct shape {
	const char *name;
	uint32_t q_heads, kv_heads, k_dim, v_dim, first, tokens, ring, window, chunk;
	uint32_t head0, head1, token0, token1;   /* 0, 0: all */
	uint32_t format_k, format_v;
	float softcap;
	uint8_t sinks, within, head_major;       /* within: V is the first numbers of a K row; head_major: [head][entry] instead of [entry][head] */
	uint32_t listed;                         /* entries chosen, of one token */
};
static const struct shape shapes[] = {
	{ .name = "one token alone", .q_heads = 2, .kv_heads = 2, .k_dim = 64, .v_dim = 64, .tokens = 1, .ring = 8 },
	{ .name = "decode, one head a group", .q_heads = 3, .kv_heads = 3, .k_dim = 64, .v_dim = 64, .first = 200, .tokens = 1, .ring = 256, .format_k = KF_F16, .format_v = KF_F16 },
	{ .name = "decode, groups of 2", .q_heads = 4, .kv_heads = 2, .k_dim = 128, .v_dim = 128, .first = 333, .tokens = 1, .ring = 400, .format_k = KF_BF16, .format_v = KF_F16 },
	{ .name = "decode, groups of 3", .q_heads = 9, .kv_heads = 3, .k_dim = 64, .v_dim = 64, .first = 127, .tokens = 1, .ring = 128, .format_k = KF_Q8_0, .format_v = KF_Q8_0 },
	{ .name = "decode, groups of 5, sinks", .q_heads = 10, .kv_heads = 2, .k_dim = 80, .v_dim = 80, .first = 99, .tokens = 1, .ring = 256, .format_k = KF_F16, .format_v = KF_BF16, .sinks = 1 },
	{ .name = "decode, groups of 7", .q_heads = 14, .kv_heads = 2, .k_dim = 128, .v_dim = 128, .first = 150, .tokens = 1, .ring = 256, .format_k = KF_F16, .format_v = KF_F16, .head_major = 1 },
	{ .name = "decode, groups of 8, softcap", .q_heads = 8, .kv_heads = 1, .k_dim = 256, .v_dim = 256, .first = 129, .tokens = 1, .ring = 130, .format_k = KF_F16, .format_v = KF_F16, .softcap = 5 },
	{ .name = "decode, groups of 16, window, ring wraps", .q_heads = 16, .kv_heads = 1, .k_dim = 96, .v_dim = 96, .first = 1000, .tokens = 1, .ring = 130, .window = 128, .format_k = KF_BF16, .format_v = KF_BF16 },
	{ .name = "decode, forty heads alone", .q_heads = 40, .kv_heads = 40, .k_dim = 64, .v_dim = 64, .first = 70, .tokens = 1, .ring = 80, .format_k = KF_F16, .format_v = KF_F16 },
	{ .name = "prompt", .q_heads = 8, .kv_heads = 2, .k_dim = 64, .v_dim = 64, .tokens = 70, .ring = 100, .format_k = KF_F16, .format_v = KF_F16 },
	{ .name = "prompt after a prompt", .q_heads = 6, .kv_heads = 2, .k_dim = 128, .v_dim = 128, .first = 131, .tokens = 37, .ring = 200, .format_k = KF_Q8_0, .format_v = KF_F16 },
	{ .name = "prompt, window, ring wraps", .q_heads = 4, .kv_heads = 1, .k_dim = 192, .v_dim = 128, .first = 517, .tokens = 50, .ring = 100, .window = 50, .format_k = KF_F16, .format_v = KF_Q8_0 },
	{ .name = "prompt, chunks", .q_heads = 4, .kv_heads = 2, .k_dim = 64, .v_dim = 96, .first = 120, .tokens = 100, .ring = 256, .chunk = 64, .format_k = KF_F16, .format_v = KF_F16 },
	{ .name = "prompt, softcap and sinks", .q_heads = 4, .kv_heads = 1, .k_dim = 80, .v_dim = 80, .first = 3, .tokens = 65, .ring = 80, .softcap = 2, .sinks = 1, .format_k = KF_BF16, .format_v = KF_F32 },
	{ .name = "prompt, odd dims", .q_heads = 5, .kv_heads = 1, .k_dim = 37, .v_dim = 21, .first = 60, .tokens = 9, .ring = 80, .format_k = KF_F16, .format_v = KF_F32 },
	{ .name = "odd dims", .q_heads = 5, .kv_heads = 5, .k_dim = 7, .v_dim = 3, .first = 70, .tokens = 2, .ring = 80, .format_k = KF_BF16, .format_v = KF_F16 },
	{ .name = "head and token subranges", .q_heads = 12, .kv_heads = 3, .k_dim = 64, .v_dim = 64, .first = 40, .tokens = 30, .ring = 70, .head0 = 2, .head1 = 11, .token0 = 7, .token1 = 22, .format_k = KF_F16, .format_v = KF_F16, .sinks = 1 },
	{ .name = "decode, from within a group on", .q_heads = 8, .kv_heads = 2, .k_dim = 64, .v_dim = 64, .first = 100, .tokens = 1, .ring = 128, .head0 = 1, .head1 = 6, .format_k = KF_F16, .format_v = KF_F16 },
	{ .name = "two tokens, one head each", .q_heads = 8, .kv_heads = 2, .k_dim = 64, .v_dim = 64, .first = 100, .tokens = 2, .ring = 128, .window = 70, .head0 = 3, .head1 = 4, .format_k = KF_F16, .format_v = KF_F16 },
	{ .name = "latent rows", .q_heads = 20, .kv_heads = 1, .k_dim = 576, .v_dim = 512, .first = 90, .tokens = 1, .ring = 128, .format_k = KF_F16, .format_v = KF_F16, .within = 1 },
	{ .name = "prompt over latent rows", .q_heads = 16, .kv_heads = 1, .k_dim = 576, .v_dim = 512, .first = 30, .tokens = 3, .ring = 64, .format_k = KF_BF16, .format_v = KF_BF16, .within = 1 },
	{ .name = "chosen entries", .q_heads = 4, .kv_heads = 2, .k_dim = 64, .v_dim = 64, .first = 300, .tokens = 1, .ring = 301, .format_k = KF_F16, .format_v = KF_F16, .listed = 77 },
	{ .name = "chosen entries of latent rows", .q_heads = 32, .kv_heads = 1, .k_dim = 128, .v_dim = 64, .first = 300, .tokens = 1, .ring = 301, .format_k = KF_F16, .format_v = KF_F16, .within = 1, .listed = 130 },
	{ .name = "heads of 512", .q_heads = 4, .kv_heads = 2, .k_dim = 512, .v_dim = 512, .first = 20, .tokens = 8, .ring = 32, .format_k = KF_F16, .format_v = KF_F16 },
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* What is attended to: stored rows, what these are as floats, and the answer with its bound. */
struct scene {
	struct attn_args a;
	void *k, *v;
	float *k_plain, *v_plain, *q, *sinks;    /* plain: [position][kv head][dim] */
	uint32_t *entries;
	uint32_t seen;                           /* positions so far */
	double *want, *bound;                    /* tokens * q_heads * v_dim; bound < 0: not to be written */
};
static uint64_t row_bytes(uint32_t format, uint32_t dim)
{
	const struct kformat *f = kformat_find(format);

	return format == KF_F32 ? dim * 4 : (uint64_t)dim / f->block * f->bytes;
}

/* Stores what the tokens up to the last left in the ring; every other place is NaN. */
static void scene_open(struct scene *c, const struct shape *s)
{
	const uint32_t seen = s->first + s->tokens, rows = s->ring * s->kv_heads;
	const uint64_t kb = row_bytes(s->format_k, s->k_dim), vb = row_bytes(s->format_v, s->v_dim);
	struct attn_args *a = &c->a;

	*a = (struct attn_args){ .q_heads = s->q_heads, .kv_heads = s->kv_heads, .k_dim = s->k_dim, .v_dim = s->v_dim,
		.scale = 1 / sqrtf((float)s->k_dim), .softcap = s->softcap, .format_k = s->format_k, .format_v = s->format_v, .ring = s->ring, .window = s->window,
		.chunk = s->chunk, .first = s->first, .tokens = s->tokens, .head1 = s->head1 ? s->head1 : s->q_heads, .head0 = s->head0,
		.token0 = s->token0, .token1 = s->token1 ? s->token1 : s->tokens };
	a->k_head_bytes = s->head_major ? kb * s->ring : kb;
	a->k_row_bytes = s->head_major ? kb : kb * s->kv_heads;
	a->v_head_bytes = s->within ? a->k_head_bytes : s->head_major ? vb * s->ring : vb;
	a->v_row_bytes = s->within ? a->k_row_bytes : s->head_major ? vb : vb * s->kv_heads;
	a->q_head_stride = s->k_dim + 3;
	a->q_stride = a->q_head_stride * s->q_heads + 5;
	a->out_stride = (uint64_t)s->q_heads * s->v_dim + 4;
	c->seen = seen;
	c->k = memset(must_have(rows * kb), 0xff, rows * kb);
	c->v = s->within ? c->k : memset(must_have(rows * vb), 0xff, rows * vb);
	c->k_plain = must_have((uint64_t)seen * s->kv_heads * s->k_dim * sizeof(float));
	c->v_plain = must_have((uint64_t)seen * s->kv_heads * s->v_dim * sizeof(float));
	c->q = must_have(a->q_stride * s->tokens * sizeof(float));
	c->sinks = must_have(s->q_heads * sizeof(float));
	c->entries = must_have(s->listed * sizeof(uint32_t));
	fill(c->q, a->q_stride * s->tokens, 3);
	fill(c->sinks, s->q_heads, 3);
	for (uint32_t p = seen > s->ring ? seen - s->ring : 0; p < seen; p++)
		for (uint32_t h = 0; h < s->kv_heads; h++) {
			float *k = c->k_plain + ((uint64_t)p * s->kv_heads + h) * s->k_dim, *v = c->v_plain + ((uint64_t)p * s->kv_heads + h) * s->v_dim;
			char *kr = (char *)c->k + p % s->ring * a->k_row_bytes + h * a->k_head_bytes;
			char *vr = (char *)c->v + p % s->ring * a->v_row_bytes + h * a->v_head_bytes;
			fill(k, s->k_dim, p % 50 == 7 ? 6 : 2);
			fill(v, s->v_dim, 2);
			ops_tables_ref->store(kr, s->format_k, k, s->k_dim);
			ops_tables_ref->load(k, s->format_k, kr, s->k_dim);
			if (!s->within)
				ops_tables_ref->store(vr, s->format_v, v, s->v_dim);
			ops_tables_ref->load(v, s->format_v, vr, s->v_dim);
		}
	for (uint32_t i = 0; i < s->listed; i++)         /* distinct, in no order */
		c->entries[i] = (i * 53 + 11) % seen;
	a->q = c->q;
	a->k = c->k;
	a->v = c->v;
	a->sinks = s->sinks ? c->sinks : NULL;
	a->entries = s->listed ? c->entries : NULL;
	a->n_entries = s->listed;
}
static int visible(const struct shape *s, const struct scene *c, uint32_t p, uint32_t at)
{
	for (uint32_t i = 0; i < s->listed; i++)
		if (c->entries[i] == at)
			return 1;
	return !s->listed && at <= p && (!s->window || p - at < s->window) && (!s->chunk || at / s->chunk == p / s->chunk);
}
static void scene_answer(struct scene *c, const struct shape *s)
{
	const uint64_t n = (uint64_t)s->tokens * s->q_heads * s->v_dim;
	double *score = must_have(c->seen * sizeof *score);
	unsigned char *mask = must_have(c->seen);

	c->want = must_have(n * sizeof *c->want);
	c->bound = must_have(n * sizeof *c->bound);
	for (uint64_t i = 0; i < n; i++)
		c->bound[i] = -1;
	for (uint32_t t = c->a.token0; t < c->a.token1; t++)
		for (uint32_t h = c->a.head0; h < c->a.head1; h++) {
			const uint32_t kv = h / (s->q_heads / s->kv_heads);
			const float *q = c->q + t * c->a.q_stride + h * c->a.q_head_stride;
			double top = s->sinks ? c->sinks[h] : -INFINITY, sum = 0, off = 0, count = 0;
			for (uint32_t p = 0; p < c->seen; p++) {
				const float *k = c->k_plain + ((uint64_t)p * s->kv_heads + kv) * s->k_dim;
				double size = 0;
				score[p] = 0;
				mask[p] = (unsigned char)visible(s, c, s->first + t, p);
				for (uint32_t i = 0; mask[p] && i < s->k_dim; i++) {
					score[p] += (double)q[i] * k[i];
					size += fabs((double)q[i] * k[i]);
				}
				if (!mask[p])
					continue;
				score[p] *= c->a.scale;
				if (s->softcap > 0)
					score[p] = s->softcap * tanh(score[p] / s->softcap);
				off = fmax(off, (s->k_dim / 4.0 + 12) * U * size * c->a.scale + 12 * U * fabs(score[p]));
				top = fmax(top, score[p]);
				count++;
			}
			for (uint32_t p = 0; p < c->seen; p++) {
				score[p] = mask[p] ? exp(score[p] - top) : 0;
				sum += score[p];
			}
			sum += s->sinks ? exp(c->sinks[h] - top) : 0;
			for (uint32_t j = 0; j < s->v_dim; j++) {
				const uint64_t at = ((uint64_t)t * s->q_heads + h) * s->v_dim + j;
				double size = 0;
				c->want[at] = 0;
				for (uint32_t p = 0; p < c->seen; p++)
					if (mask[p]) {
						const double v = c->v_plain[((uint64_t)p * s->kv_heads + kv) * s->v_dim + j];
						c->want[at] += score[p] / sum * v;
						size += score[p] / sum * fabs(v);
					}
				c->bound[at] = size * (2 * off + (count + 60) * U) + 1e-37;
			}
		}
	free(score), free(mask);
}
static void scene_close(struct scene *c)
{
	free(c->k), free(c->k_plain), free(c->v_plain), free(c->q), free(c->sinks), free(c->entries), free(c->want), free(c->bound);
	if (c->v != c->k)
		free(c->v);
}

static unsigned scene_wrong(struct scene *c, const struct shape *s, const struct ops *o, void (*attn)(const struct attn_args *, void *))
{
	const uint64_t floats = c->a.out_stride * s->tokens, scratch = o->attn_scratch(&c->a);
	float *out = out_new(floats * sizeof *out), *room = out_new(scratch);
	unsigned wrong = 0;

	c->a.out = out;
	attn(&c->a, room);
	for (uint32_t t = 0; t < s->tokens; t++)
		for (uint64_t i = 0; i < c->a.out_stride; i++) {
			const float got = out[t * c->a.out_stride + i];
			const uint64_t at = (uint64_t)t * s->q_heads * s->v_dim + i;
			if (i >= (uint64_t)s->q_heads * s->v_dim || c->bound[at] < 0)
				wrong += !isnan(got);
			else
				wrong += differs(got, c->want[at], c->bound[at]);
		}
	return wrong + out_free(room, scratch) + out_free(out, floats * sizeof *out);
}

/* What an implementation must not get away with. */
static const struct ops *good;
static void last_missing(const struct attn_args *a, void *scratch)
{
	struct attn_args b = *a;

	b.first = a->first ? a->first - 1 : 0;
	good->attn(a->entries ? a : &b, scratch);
}
static void window_longer(const struct attn_args *a, void *scratch)
{
	struct attn_args b = *a;

	b.window += !!a->window;
	good->attn(&b, scratch);
}
static void other_head(const struct attn_args *a, void *scratch)
{
	struct attn_args b = *a;

	b.k = (const char *)a->k + (a->kv_heads > 1 ? a->k_head_bytes : 0);
	b.kv_heads = 1;
	b.q_heads = a->q_heads;
	good->attn(&b, scratch);
}
static void sinks_left_out(const struct attn_args *a, void *scratch)
{
	struct attn_args b = *a;

	b.sinks = NULL;
	good->attn(&b, scratch);
}
static void softcap_left_out(const struct attn_args *a, void *scratch)
{
	struct attn_args b = *a;

	b.softcap = 0;
	good->attn(&b, scratch);
}
static void scale_near(const struct attn_args *a, void *scratch)
{
	struct attn_args b = *a;

	b.scale *= 1.0003f;
	good->attn(&b, scratch);
}

/* A q or an entry's K that is no number makes what it has a part in no number, and nothing else: q of one head of the first token, and of the last;
 * K of the last entry, which the last token alone sees. */
static unsigned scene_not_finite(struct scene *c, const struct shape *s, const struct ops *o)
{
	const uint64_t floats = c->a.out_stride * s->tokens, scratch = o->attn_scratch(&c->a);
	const uint32_t last = s->tokens - 1, kv = s->q_heads / s->kv_heads;
	unsigned wrong = 0;

	for (int what = 0; what < 3; what++) {
		float *out = out_new(floats * sizeof *out), *room = out_new(scratch);
		float *at = c->q + (what ? last : 0) * c->a.q_stride + c->a.q_head_stride, was = *at;
		char *k = (char *)c->k + (s->first + last) % s->ring * c->a.k_row_bytes, row[4096];

		memcpy(row, k, row_bytes(s->format_k, s->k_dim));
		if (what < 2)
			*at = NAN;
		else
			memset(k, 0xff, row_bytes(s->format_k, s->k_dim));
		c->a.out = out;
		o->attn(&c->a, room);
		for (uint32_t t = 0; t < s->tokens; t++)
			for (uint32_t i = 0; i < s->q_heads * s->v_dim; i++) {
				const uint32_t h = i / s->v_dim;
				const int none = what < 2 ? h == 1 && t == (what ? last : 0) : h < kv && t == last;
				wrong += !isnan(out[t * c->a.out_stride + i]) != !none;
			}
		*at = was;
		memcpy(k, row, row_bytes(s->format_k, s->k_dim));
		out_free(room, scratch), out_free(out, floats * sizeof *out);
	}
	return wrong;
}

int main(void)
{
	static const struct { const char *name; void (*attn)(const struct attn_args *, void *); unsigned shape; } mutants[] = {
		{ "the last entry left out", last_missing, 1 }, { "a window of one more", window_longer, 11 }, { "another K/V head", other_head, 2 },
		{ "sinks left out", sinks_left_out, 4 }, { "softcap left out", softcap_left_out, 6 },
		{ "a scale off by 3e-4", scale_near, 1 }, { "a scale off by 3e-4, in a prompt", scale_near, 9 } };

	seed_open();
	for (unsigned i = 0; i < SHAPES; i++) {
		struct scene c;
		scene_open(&c, shapes + i);
		scene_answer(&c, shapes + i);
		for (const struct ops *const *o = ops_tables; *o; o++)
			if ((*o)->can())
				ok_wrong(scene_wrong(&c, shapes + i, *o, (*o)->attn), "%s %s", (*o)->isa, shapes[i].name);
		if (!strcmp(shapes[i].name, "one token alone") || !strcmp(shapes[i].name, "prompt") || !strcmp(shapes[i].name, "decode, groups of 8, softcap"))
			for (const struct ops *const *o = ops_tables; *o; o++)
				if ((*o)->can())
					ok_wrong(scene_not_finite(&c, shapes + i, *o), "%s %s, no numbers", (*o)->isa, shapes[i].name);
		good = ops_best(NULL);
		for (unsigned m = 0; m < sizeof mutants / sizeof *mutants; m++)
			if (mutants[m].shape == i)
				ok(scene_wrong(&c, shapes + i, good, mutants[m].attn) > 0, "%s is seen", mutants[m].name);
		scene_close(&c);
	}
	return done_testing();
}
