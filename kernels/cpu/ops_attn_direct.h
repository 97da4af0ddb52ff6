/* ops_attn_direct.h - body of every table: attention of few rows, with K and V as these are stored. Included after ops_attn.h, once. */

/* What rows of few tokens need: q, sums and scores of each row, in floats. */
struct direct {
	float *q, *sum, *score, *m, *l;
	uint64_t k_pad, v_pad;
};
enum { DIRECT_ROWS = 4 };

/* score[r][e] = q[r] . K[e]; -inf after n */
INLINE void direct_scores(const struct attn_args *a, const struct direct *d, const char *k, const uint32_t *slot, uint32_t n, uint32_t r0, int rows, uint32_t format)
{
	const uint32_t whole = a->k_dim / W * W;
	const float *q = d->q + r0 * d->k_pad;

	for (uint32_t e = 0; e < n; e++) {
		const char *row = k + slot[e] * a->k_row_bytes;
		vf s[DIRECT_ROWS] = { 0 };
		for (uint32_t i = 0; i < whole; i += W) {
			const vf x = v_row(format, row, i);
			for (int r = 0; r < rows; r++)
				s[r] += x * v_load(q + r * d->k_pad + i);
		}
		if (whole < a->k_dim) {
			const vf x = v_row_part(format, row, whole, a->k_dim - whole);
			for (int r = 0; r < rows; r++)
				s[r] += x * v_load(q + r * d->k_pad + whole);
		}
		for (int r = 0; r < rows; r++)
			d->score[(r0 + r) * BLOCK + e] = v_sum(s[r]);
	}
	for (int r = 0; r < rows; r++)
		for (uint32_t e = n; e < BLOCK; e++)
			d->score[(r0 + r) * BLOCK + e] = -INFINITY;
}
/* sum[r] = sum[r] * before[r] + score[r] V */
INLINE void direct_columns(const struct attn_args *a, const struct direct *d, const char *v, const uint32_t *slot, uint32_t n, uint32_t r0, int rows,
	const float *before, uint32_t j, int cols, uint32_t part, uint32_t format)
{
	vf s[DIRECT_ROWS][4];

	for (int r = 0; r < rows; r++)
		for (int c = 0; c < cols; c++)
			s[r][c] = v_load(d->sum + (r0 + r) * d->v_pad + j + c * W) * before[r0 + r];
	for (uint32_t e = 0; e < n; e++) {
		const char *row = v + slot[e] * a->v_row_bytes;
		for (int c = 0; c < cols; c++) {
			const vf x = part ? v_row_part(format, row, j, part) : v_row(format, row, j + c * W);
			for (int r = 0; r < rows; r++)
				s[r][c] += x * d->score[(r0 + r) * BLOCK + e];
		}
	}
	for (int r = 0; r < rows; r++)
		for (int c = 0; c < cols; c++)
			v_store(d->sum + (r0 + r) * d->v_pad + j + c * W, s[r][c]);
}
INLINE void direct_sums(const struct attn_args *a, const struct direct *d, const char *v, const uint32_t *slot, uint32_t n, uint32_t r0, int rows,
	const float *before, uint32_t format)
{
	enum { COLS = TILE_COLS * TILE_ROWS >= 24 ? 4 : 2 };
	uint32_t j = 0;

	for (; j + COLS * W <= a->v_dim; j += COLS * W)
		direct_columns(a, d, v, slot, n, r0, rows, before, j, COLS, 0, format);
	for (; j + W <= a->v_dim; j += W)
		direct_columns(a, d, v, slot, n, r0, rows, before, j, 1, 0, format);
	if (j < a->v_dim)
		direct_columns(a, d, v, slot, n, r0, rows, before, j, 1, a->v_dim - j, format);
}
#define DIRECT(name, format) \
	static void scores_##name(const struct attn_args *a, const struct direct *d, const char *k, const uint32_t *slot, uint32_t n, uint32_t rows) \
	{ \
		uint32_t r = 0; \
		for (; r + 3 <= rows; r += 4) \
			direct_scores(a, d, k, slot, n, r, 4, format); \
		if (r + 2 == rows) \
			direct_scores(a, d, k, slot, n, r, 2, format); \
		else if (r < rows) \
			direct_scores(a, d, k, slot, n, r, 1, format); \
	} \
	static void sums_##name(const struct attn_args *a, const struct direct *d, const char *v, const uint32_t *slot, uint32_t n, uint32_t rows, \
		const float *before) \
	{ \
		uint32_t r = 0; \
		for (; r + 3 <= rows; r += 4) \
			direct_sums(a, d, v, slot, n, r, 4, before, format); \
		if (r + 2 == rows) \
			direct_sums(a, d, v, slot, n, r, 2, before, format); \
		else if (r < rows) \
			direct_sums(a, d, v, slot, n, r, 1, before, format); \
	}
DIRECT(f32, KF_F32)
DIRECT(f16, KF_F16)
DIRECT(bf16, KF_BF16)
DIRECT(q8_0, KF_Q8_0)

/* Token t, q heads [h0, h1) of one K/V head. */
static void attn_direct(const struct attn_args *a, uint32_t t, uint32_t h0, uint32_t h1, float *scratch)
{
	const uint32_t rows = h1 - h0, room = (rows + 3) / 4 * 4, kv = h0 / (a->q_heads / a->kv_heads), to = seen_to(a, t);
	const char *k = (const char *)a->k + kv * a->k_head_bytes, *v = (const char *)a->v + kv * a->v_head_bytes;
	const float by = score_scale(a);
	struct direct d = { .k_pad = padded(a->k_dim), .v_pad = padded(a->v_dim) };
	uint32_t slot[BLOCK];
	float *before;

	d.q = take(&scratch, room * d.k_pad);
	d.sum = take(&scratch, room * d.v_pad);
	d.score = take(&scratch, (uint64_t)room * BLOCK);
	d.m = take(&scratch, room);
	d.l = take(&scratch, room);
	before = take(&scratch, room);
	memset(d.q, 0, room * d.k_pad * sizeof *d.q);
	memset(d.sum, 0, room * d.v_pad * sizeof *d.sum);
	memset(d.score, 0, (uint64_t)room * BLOCK * sizeof *d.score);
	memset(before, 0, room * sizeof *before);
	for (uint32_t r = 0; r < rows; r++) {
		const float *q = a->q + t * a->q_stride + (h0 + r) * a->q_head_stride;
		for (uint32_t i = 0; i < a->k_dim; i++)
			d.q[r * d.k_pad + i] = q[i] * by;
		d.m[r] = a->sinks ? a->sinks[h0 + r] * LOG2E : -INFINITY;
		d.l[r] = a->sinks ? 1 : 0;
	}
	for (uint32_t e = seen_from(a, t); e < to; e += BLOCK) {
		const uint32_t n = to - e < BLOCK ? to - e : BLOCK;
		block_slots(a, e, n, slot);
		switch (a->format_k) {
		case KF_F16: scores_f16(a, &d, k, slot, n, rows); break;
		case KF_BF16: scores_bf16(a, &d, k, slot, n, rows); break;
		case KF_Q8_0: scores_q8_0(a, &d, k, slot, n, rows); break;
		default: scores_f32(a, &d, k, slot, n, rows); break;
		}
		for (uint32_t r = 0; r < rows; r++)
			before[r] = block_softmax(a, d.score + r * BLOCK, d.m + r, d.l + r);
		switch (a->format_v) {
		case KF_F16: sums_f16(a, &d, v, slot, n, rows, before); break;
		case KF_BF16: sums_bf16(a, &d, v, slot, n, rows, before); break;
		case KF_Q8_0: sums_q8_0(a, &d, v, slot, n, rows, before); break;
		default: sums_f32(a, &d, v, slot, n, rows, before); break;
		}
	}
	for (uint32_t r = 0; r < rows; r++) {
		float *out = a->out + t * a->out_stride + (uint64_t)(h0 + r) * a->v_dim, inverse = d.l[r] > 0 ? 1 / d.l[r] : 0;
		for (uint32_t j = 0; j < a->v_dim; j++)
			out[j] = d.sum[r * d.v_pad + j] * inverse;
	}
}
static uint64_t direct_scratch(const struct attn_args *a)
{
	const uint64_t group = a->q_heads / a->kv_heads, room = (group + 3) / 4 * 4;

	return room * (padded(a->k_dim) + padded(a->v_dim) + BLOCK + 3) + 16 * 6;
}
