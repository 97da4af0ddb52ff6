/* ops_attn_tile.h - body of every table: attention of many rows by tiles, and the choice of the way. Included after ops_attn_direct.h, once.
 *
 * Rows go in chunks whose q and sums stay in the second cache; each block of K and V is turned into floats once a chunk, K with its entries side by
 * side, so that both products are of tiles whose sums stay in registers: TILE_ROWS rows times TILE_COLS vectors. */

enum { LANES = TILE_COLS * W, CHUNK_FLOATS = 1 << 16, CHUNK_ROWS = 264, TILE_LEAST = 9, DIRECT_MOST = 16, ALIGN_ROOM = 63 };
_Static_assert(BLOCK % LANES == 0 && CHUNK_ROWS % TILE_ROWS == 0, "blocks and chunks are whole tiles");

struct tiles {
	float *q;                                /* [tile][k_dim][TILE_ROWS] */
	float *sum;                              /* [tile][TILE_ROWS][v_pad] */
	float *m, *l;                            /* [tile][TILE_ROWS] */
	float *k;                                /* [BLOCK / LANES][k_dim][LANES] */
	float *v;                                /* [BLOCK][v_pad] */
	float *score;                            /* [TILE_ROWS][BLOCK] */
	uint64_t v_pad;
};

/* Of W vectors; each step interleaves the two halves of the list. */
INLINE void v_transpose(vf *x)
{
	UNROLL
	for (int step = 1; step < W; step *= 2) {
		vf y[W];
		UNROLL
		for (int i = 0; i < W / 2; i++) {
			y[2 * i] = v_zip_lo(x[i], x[i + W / 2]);
			y[2 * i + 1] = v_zip_hi(x[i], x[i + W / 2]);
		}
		UNROLL
		for (int i = 0; i < W; i++)
			x[i] = y[i];
	}
}
/* Lanes after n repeat the last entry; nobody looks at them. */
INLINE void pack_k(const struct attn_args *a, float *out, const char *k, const uint32_t *slot, uint32_t n, uint32_t format)
{
	for (uint32_t e = 0; e < BLOCK && e < (n + LANES - 1) / LANES * LANES; e += W) {
		float *to = out + (uint64_t)(e / LANES) * a->k_dim * LANES + e % LANES;
		const char *row[W];
		for (uint32_t i = 0; i < W; i++)
			row[i] = k + slot[e + i < n ? e + i : n - 1] * a->k_row_bytes;
		for (uint32_t d = 0; d < a->k_dim; d += W) {
			const uint32_t left = a->k_dim - d;
			vf x[W];
			if (left >= W) {
				UNROLL
				for (int i = 0; i < W; i++)
					x[i] = v_row(format, row[i], d);
			} else {
				for (int i = 0; i < W; i++)
					x[i] = v_row_part(format, row[i], d, left);
			}
			v_transpose(x);
			if (left >= W) {
				UNROLL
				for (int i = 0; i < W; i++)
					v_store(to + (uint64_t)(d + i) * LANES, x[i]);
			} else {
				for (uint32_t i = 0; i < left; i++)
					v_store(to + (uint64_t)(d + i) * LANES, x[i]);
			}
		}
	}
}
static void pack_block(const struct attn_args *a, const struct tiles *x, const char *k, const char *v, const uint32_t *slot, uint32_t n)
{
	switch (a->format_k) {
	case KF_F16: pack_k(a, x->k, k, slot, n, KF_F16); break;
	case KF_BF16: pack_k(a, x->k, k, slot, n, KF_BF16); break;
	case KF_Q8_0: pack_k(a, x->k, k, slot, n, KF_Q8_0); break;
	default: pack_k(a, x->k, k, slot, n, KF_F32); break;
	}
	for (uint32_t e = 0; e < n; e++)
		load(x->v + e * x->v_pad, a->format_v, v + slot[e] * a->v_row_bytes, a->v_dim);
}

/* score = q K of one tile's rows and LANES entries */
INLINE void tile_scores(float *score, const float *q, const float *k, uint32_t k_dim)
{
	vf s[TILE_ROWS][TILE_COLS] = { 0 };

	for (uint32_t d = 0; d < k_dim; d++, q += TILE_ROWS, k += LANES) {
		vf x[TILE_COLS];
		UNROLL
		for (int c = 0; c < TILE_COLS; c++)
			x[c] = v_load(k + c * W);
		UNROLL
		for (int r = 0; r < TILE_ROWS; r++) {
			const vf y = v_set(q[r]);
			UNROLL
			for (int c = 0; c < TILE_COLS; c++)
				s[r][c] += x[c] * y;
		}
	}
	UNROLL
	for (int r = 0; r < TILE_ROWS; r++)
		UNROLL
		for (int c = 0; c < TILE_COLS; c++)
			v_store(score + r * BLOCK + c * W, s[r][c]);
}
/* sum = sum * before + score V of one tile's rows and cols * W numbers */
INLINE void tile_sums(float *sum, const float *score, const float *v, uint64_t v_pad, const float *before, uint32_t n, const int cols)
{
	vf s[TILE_ROWS][TILE_COLS];

	UNROLL
	for (int r = 0; r < TILE_ROWS; r++)
		UNROLL
		for (int c = 0; c < cols; c++)
			s[r][c] = v_load(sum + r * v_pad + c * W) * before[r];
	for (uint32_t e = 0; e < n; e++, v += v_pad) {
		vf x[TILE_COLS];
		UNROLL
		for (int c = 0; c < cols; c++)
			x[c] = v_load(v + c * W);
		UNROLL
		for (int r = 0; r < TILE_ROWS; r++) {
			const vf y = v_set(score[r * BLOCK + e]);
			UNROLL
			for (int c = 0; c < cols; c++)
				s[r][c] += x[c] * y;
		}
	}
	UNROLL
	for (int r = 0; r < TILE_ROWS; r++)
		UNROLL
		for (int c = 0; c < cols; c++)
			v_store(sum + r * v_pad + c * W, s[r][c]);
}
static void tile_block(const struct tiles *x, uint32_t tile, uint32_t n, const float *before)
{
	float *sum = x->sum + tile * TILE_ROWS * x->v_pad;
	uint64_t j = 0;

	for (; j + LANES <= x->v_pad; j += LANES)
		tile_sums(sum + j, x->score, x->v + j, x->v_pad, before, n, TILE_COLS);
	for (; j < x->v_pad; j += W)
		tile_sums(sum + j, x->score, x->v + j, x->v_pad, before, n, 1);
}

/* Rows [r0, r1) of the tokens from token0 on and the q heads [h0, h1): row r is head h0 + r % heads of token token0 + r / heads. */
static void attn_chunk(const struct attn_args *a, uint32_t h0, uint32_t h1, uint32_t r0, uint32_t r1, float *scratch)
{
	const uint32_t heads = h1 - h0, tiles = (r1 - r0 + TILE_ROWS - 1) / TILE_ROWS, kv = h0 / (a->q_heads / a->kv_heads);
	const char *k = (const char *)a->k + kv * a->k_head_bytes, *v = (const char *)a->v + kv * a->v_head_bytes;
	const uint32_t to = seen_to(a, a->token0 + (r1 - 1) / heads);
	const float by = score_scale(a);
	struct tiles x = { .v_pad = padded(a->v_dim) };
	uint32_t slot[BLOCK];

	x.q = take(&scratch, (uint64_t)tiles * TILE_ROWS * a->k_dim);
	x.sum = take(&scratch, tiles * TILE_ROWS * x.v_pad);
	x.m = take(&scratch, tiles * TILE_ROWS);
	x.l = take(&scratch, tiles * TILE_ROWS);
	x.k = take(&scratch, (uint64_t)BLOCK * a->k_dim);
	x.v = take(&scratch, BLOCK * x.v_pad);
	x.score = take(&scratch, TILE_ROWS * BLOCK);
	memset(x.sum, 0, tiles * TILE_ROWS * x.v_pad * sizeof *x.sum);
	if (a->v_dim < x.v_pad)
		memset(x.v, 0, BLOCK * x.v_pad * sizeof *x.v);
	for (uint32_t i = 0; i < tiles * TILE_ROWS; i++) {
		const uint32_t r = r0 + i < r1 ? r0 + i : r1 - 1, h = h0 + r % heads;    /* the last tile repeats the last row */
		const float *q = a->q + (a->token0 + r / heads) * a->q_stride + h * a->q_head_stride;
		float *out = x.q + (uint64_t)(i / TILE_ROWS) * TILE_ROWS * a->k_dim + i % TILE_ROWS;
		for (uint32_t d = 0; d < a->k_dim; d++)
			out[d * TILE_ROWS] = q[d] * by;
		x.m[i] = a->sinks ? a->sinks[h] * LOG2E : -INFINITY;
		x.l[i] = a->sinks ? 1 : 0;
	}
	for (uint32_t e = seen_from(a, a->token0 + r0 / heads); e < to; e += BLOCK) {
		const uint32_t n = to - e < BLOCK ? to - e : BLOCK;
		block_slots(a, e, n, slot);
		pack_block(a, &x, k, v, slot, n);
		for (uint32_t i = 0; i < tiles; i++) {
			const uint32_t first = r0 + i * TILE_ROWS, last = first + TILE_ROWS < r1 ? first + TILE_ROWS - 1 : r1 - 1;
			const uint32_t tile_to = seen_to(a, a->token0 + last / heads), seen = tile_to < e + n ? tile_to - e : n;
			float before[TILE_ROWS];
			if (tile_to <= e || seen_from(a, a->token0 + first / heads) >= e + n)
				continue;
			for (uint32_t c = 0; c < seen; c += LANES)
				tile_scores(x.score + c, x.q + (uint64_t)i * TILE_ROWS * a->k_dim, x.k + (uint64_t)(c / LANES) * a->k_dim * LANES, a->k_dim);
			for (uint32_t r = 0; r < TILE_ROWS; r++) {
				const uint32_t t = a->token0 + (first + r < r1 ? first + r : r1 - 1) / heads, from = seen_from(a, t), end = seen_to(a, t);
				float *s = x.score + r * BLOCK;
				for (uint32_t j = 0; j < n && e + j < from; j++)
					s[j] = -INFINITY;
				for (uint32_t j = end > e ? end - e : 0; j < BLOCK; j++)
					s[j] = -INFINITY;
				before[r] = block_softmax(a, s, x.m + i * TILE_ROWS + r, x.l + i * TILE_ROWS + r);
			}
			tile_block(&x, i, seen, before);
		}
	}
	for (uint32_t i = 0; i < r1 - r0; i++) {
		const uint32_t r = r0 + i, t = a->token0 + r / heads, h = h0 + r % heads;
		const float *sum = x.sum + i * x.v_pad, inverse = x.l[i] == 0 ? 0 : 1 / x.l[i];
		float *out = a->out + t * a->out_stride + (uint64_t)h * a->v_dim;
		for (uint32_t j = 0; j < a->v_dim; j++)
			out[j] = sum[j] * inverse;
	}
}

/* A multiple of TILE_ROWS whose q and sums fill CHUNK_FLOATS. */
static uint32_t chunk_rows(const struct attn_args *a)
{
	const uint64_t rows = CHUNK_FLOATS / (a->k_dim + padded(a->v_dim)) / TILE_ROWS * TILE_ROWS;

	return rows < TILE_ROWS ? TILE_ROWS : rows > CHUNK_ROWS ? CHUNK_ROWS : (uint32_t)rows;
}
static uint64_t tile_scratch(const struct attn_args *a)
{
	const uint64_t all = (uint64_t)a->tokens * (a->q_heads / a->kv_heads), most = chunk_rows(a);
	const uint64_t rows = ((all < most ? all : most) + TILE_ROWS - 1) / TILE_ROWS * TILE_ROWS;

	return (rows + BLOCK) * (a->k_dim + padded(a->v_dim)) + 2 * rows + TILE_ROWS * BLOCK + 16 * 7;
}
static uint64_t attn_scratch(const struct attn_args *a)
{
	const uint64_t direct = direct_scratch(a), tile = tile_scratch(a);

	return (direct > tile ? direct : tile) * sizeof(float) + ALIGN_ROOM;
}
static void attn(const struct attn_args *a, void *scratch)
{
	float *at = (float *)(((uintptr_t)scratch + ALIGN_ROOM) & ~(uintptr_t)ALIGN_ROOM);
	const uint32_t group = a->q_heads / a->kv_heads, tokens = a->token1 - a->token0;

	if (tokens * group < TILE_LEAST || (tokens == 1 && group <= DIRECT_MOST)) {
		for (uint32_t t = a->token0; t < a->token1; t++)
			attn_direct(a, t, at);
		return;
	}
	for (uint32_t h0 = a->head0, h1; h0 < a->head1; h0 = h1) {
		h1 = (h0 / group + 1) * group;
		h1 = h1 < a->head1 ? h1 : a->head1;
		const uint32_t rows = tokens * (h1 - h0), step = chunk_rows(a);
		for (uint32_t r = 0; r < rows; r += step)
			attn_chunk(a, h0, h1, r, rows - r < step ? rows : r + step, at);
	}
}
