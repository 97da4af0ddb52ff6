/* ops_attn_direct.h - body of every table: attention of few rows, with K and V as these are stored. Included after ops_attn.h, once. */

enum { DIRECT_ROWS = 4, LINE = 64 };
/* The rows of one K/V head: q, sums and scores, and what is read next, to be fetched meanwhile. */
struct direct {
	float *q, *sum, *score, *m, *l, *before;
	uint64_t k_pad, v_pad;
	const char *next_k[BLOCK], *next_v[BLOCK];
	uint32_t next_n;
};

INLINE uint32_t bytes_of(uint32_t format, uint32_t dim)
{
	return format == KF_F32 ? dim * 4 : format == KF_Q8_0 ? dim / 32 * (uint32_t)sizeof(struct q8_0_block) : dim * 2;
}

/* score[r][e] = q[r] . K[e]; -inf after n */
INLINE void direct_scores(const struct attn_args *a, const struct direct *d, const char *k, const uint32_t *slot, uint32_t n, uint32_t r0, int rows, uint32_t format)
{
	const uint32_t whole = a->k_dim / W * W, bytes = bytes_of(format, a->k_dim);
	const float *q = d->q + r0 * d->k_pad;

	for (uint32_t e = 0; e < n; e++) {
		const char *row = k + slot[e] * a->k_row_bytes;
		vf s[DIRECT_ROWS] = { 0 };
		if (r0 == 0 && e < d->next_n)
			for (uint32_t i = 0; i < bytes; i += LINE)
				__builtin_prefetch(d->next_k[e] + i);
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
	uint32_t j, int cols, uint32_t part, uint32_t format)
{
	const uint32_t bytes = bytes_of(format, part ? part : (uint32_t)cols * W);
	vf s[DIRECT_ROWS][4];

	for (int r = 0; r < rows; r++)
		for (int c = 0; c < cols; c++)
			s[r][c] = v_load(d->sum + (r0 + r) * d->v_pad + j + c * W) * d->before[r0 + r];
	for (uint32_t e = 0; e < n; e++) {
		const char *row = v + slot[e] * a->v_row_bytes;
		if (r0 == 0 && e < d->next_n)
			for (uint32_t i = 0; i < bytes; i += LINE)
				__builtin_prefetch(d->next_v[e] + bytes_of(format, j) + i);
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
INLINE void direct_sums(const struct attn_args *a, const struct direct *d, const char *v, const uint32_t *slot, uint32_t n, uint32_t r0, int rows, uint32_t format)
{
	enum { COLS = TILE_COLS * TILE_ROWS >= 24 ? 4 : 2 };
	uint32_t j = 0;

	for (; j + COLS * W <= a->v_dim; j += COLS * W)
		direct_columns(a, d, v, slot, n, r0, rows, j, COLS, 0, format);
	for (; j + W <= a->v_dim; j += W)
		direct_columns(a, d, v, slot, n, r0, rows, j, 1, 0, format);
	if (j < a->v_dim)
		direct_columns(a, d, v, slot, n, r0, rows, j, 1, a->v_dim - j, format);
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
	static void sums_##name(const struct attn_args *a, const struct direct *d, const char *v, const uint32_t *slot, uint32_t n, uint32_t rows) \
	{ \
		uint32_t r = 0; \
		for (; r + 3 <= rows; r += 4) \
			direct_sums(a, d, v, slot, n, r, 4, format); \
		if (r + 2 == rows) \
			direct_sums(a, d, v, slot, n, r, 2, format); \
		else if (r < rows) \
			direct_sums(a, d, v, slot, n, r, 1, format); \
	}
DIRECT(f32, KF_F32)
DIRECT(f16, KF_F16)
DIRECT(bf16, KF_BF16)
DIRECT(q8_0, KF_Q8_0)

static void direct_block(const struct attn_args *a, const struct direct *d, const char *k, const char *v, const uint32_t *slot, uint32_t n, uint32_t rows)
{
	switch (a->format_k) {
	case KF_F16: scores_f16(a, d, k, slot, n, rows); break;
	case KF_BF16: scores_bf16(a, d, k, slot, n, rows); break;
	case KF_Q8_0: scores_q8_0(a, d, k, slot, n, rows); break;
	default: scores_f32(a, d, k, slot, n, rows); break;
	}
	for (uint32_t r = 0; r < rows; r++)
		d->before[r] = block_softmax(a, d->score + r * BLOCK, d->m + r, d->l + r);
	switch (a->format_v) {
	case KF_F16: sums_f16(a, d, v, slot, n, rows); break;
	case KF_BF16: sums_bf16(a, d, v, slot, n, rows); break;
	case KF_Q8_0: sums_q8_0(a, d, v, slot, n, rows); break;
	default: sums_f32(a, d, v, slot, n, rows); break;
	}
}
/* What group g fetches while it works on a block: where the heads of an entry lie together, a share of the next block in the order of memory, which is
 * read twice as fast as a head at a time; else the next head's rows of this block. */
static void direct_next(const struct attn_args *a, struct direct *d, const char *k, const char *v, const uint32_t *slot, uint32_t n, const uint32_t *next, uint32_t left,
	uint32_t g, uint32_t groups)
{
	if (a->k_head_bytes < a->k_row_bytes) {
		d->next_n = left;
		for (uint32_t e = 0; e < left; e++) {
			const uint32_t i = g * left + e, at = next[i / groups], head = i % groups;
			d->next_k[e] = k + at * a->k_row_bytes + head * a->k_head_bytes;
			d->next_v[e] = v + at * a->v_row_bytes + head * a->v_head_bytes;
		}
		return;
	}
	const uint32_t head = g + 1 < groups ? g + 1 : 0, *at = head ? slot : next;
	d->next_n = head ? n : left;
	for (uint32_t e = 0; e < d->next_n; e++) {
		d->next_k[e] = k + at[e] * a->k_row_bytes + head * a->k_head_bytes;
		d->next_v[e] = v + at[e] * a->v_row_bytes + head * a->v_head_bytes;
	}
}

/* Token t, all q heads of the call, in groups of a K/V head; block by block through all groups, as the heads of an entry mostly lie together. */
static void attn_direct(const struct attn_args *a, uint32_t t, float *scratch)
{
	const uint32_t group = a->q_heads / a->kv_heads, room = (group + 3) / 4 * 4, to = seen_to(a, t);
	const uint32_t kv0 = a->head0 / group, groups = (a->head1 - 1) / group + 1 - kv0;
	const char *k = (const char *)a->k + kv0 * a->k_head_bytes, *v = (const char *)a->v + kv0 * a->v_head_bytes;
	const float by = score_scale(a);
	struct direct d = { .k_pad = padded(a->k_dim), .v_pad = padded(a->v_dim) };
	uint32_t slots[2][BLOCK], now = 0, e = seen_from(a, t), n = to - e < BLOCK ? to - e : BLOCK, left;
	float *q = take(&scratch, groups * room * d.k_pad), *sum = take(&scratch, groups * room * d.v_pad);
	float *m = take(&scratch, groups * room), *l = take(&scratch, groups * room);

	d.score = take(&scratch, (uint64_t)room * BLOCK);
	d.before = take(&scratch, room);
	memset(q, 0, groups * room * d.k_pad * sizeof *q);
	memset(sum, 0, groups * room * d.v_pad * sizeof *sum);
	memset(d.score, 0, (uint64_t)room * BLOCK * sizeof *d.score);
	memset(d.before, 0, room * sizeof *d.before);
#define HEAD_ROW(h) (((h) / group - kv0) * room + (h) % group - ((h) / group == kv0 ? a->head0 % group : 0))
	for (uint32_t h = a->head0; h < a->head1; h++) {
		const float *from = a->q + t * a->q_stride + h * a->q_head_stride;
		const uint32_t r = HEAD_ROW(h);
		for (uint32_t i = 0; i < a->k_dim; i++)
			q[r * d.k_pad + i] = from[i] * by;
		m[r] = a->sinks ? a->sinks[h] * LOG2E : -INFINITY;
		l[r] = a->sinks ? 1 : 0;
	}
	block_slots(a, e, n, slots[0]);
	for (; e < to; e += n, n = left, now ^= 1) {
		left = to - e - n < BLOCK ? to - e - n : BLOCK;
		block_slots(a, e + n, left, slots[now ^ 1]);
		for (uint32_t g = 0; g < groups; g++) {
			const uint32_t r0 = g == 0 ? a->head0 % group : 0, r1 = g + 1 == groups ? (a->head1 - 1) % group + 1 : group, r = g * room;
			direct_next(a, &d, k, v, slots[now], n, slots[now ^ 1], left, g, groups);
			d.q = q + r * d.k_pad, d.sum = sum + r * d.v_pad, d.m = m + r, d.l = l + r;
			direct_block(a, &d, k + g * a->k_head_bytes, v + g * a->v_head_bytes, slots[now], n, r1 - r0);
		}
	}
	for (uint32_t h = a->head0; h < a->head1; h++) {
		const uint32_t r = HEAD_ROW(h);
		float *out = a->out + t * a->out_stride + (uint64_t)h * a->v_dim, inverse = l[r] == 0 ? 0 : 1 / l[r];
		for (uint32_t j = 0; j < a->v_dim; j++)
			out[j] = sum[r * d.v_pad + j] * inverse;
	}
#undef HEAD_ROW
}
static uint64_t direct_scratch(const struct attn_args *a)
{
	const uint64_t group = a->q_heads / a->kv_heads, room = (group + 3) / 4 * 4;

	return (room * a->kv_heads + 3) * (padded(a->k_dim) + padded(a->v_dim) + 2) + room * (BLOCK + 1) + 16 * 6;
}
