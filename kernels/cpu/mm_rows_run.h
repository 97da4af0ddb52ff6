/* mm_rows_run.h - the loops of a product over integer blocks, for one instruction set: TARGET and T(name) as in mm_unpack.h
 *
 * Every row is unpacked once a call. Few tokens take it as it lies; from PANEL_FROM tokens on, LANES rows are turned into a panel, GRAIN bytes of a
 * row beside those of the next, so that a vector's lanes are rows and need no sum across them. The includer gives, besides:
 *   T(dot)(q, scale, x, d, groups, group)         one row times one token, without minimums
 *   T(tile)(panel, a, row, rows, t0, nt, group, minimums)   LANES rows times nt <= TILE tokens, constants known at compile time */

TARGET static void T(prepare)(enum input_kind k, void *out, const float *x, uint64_t n)
{
	if (k != INPUT_Q8) {
		rows_keep(out, x, n);
		return;
	}
	const uint64_t groups = (n + 31) / 32;
	int8_t *q = out;
	float *d = (float *)(void *)((char *)out + aligned(32 * groups)), *sum32 = d + groups, *sum16 = d + 2 * groups;

	for (uint64_t g = 0; g < groups; g++, q += 32) {
		float v[32] = { 0 }, top;
		uint32_t bits[32], most = 0;
		int sum[2] = { 0, 0 };

		memcpy(v, x + 32 * g, least(32, n - 32 * g) * sizeof *v);
		memcpy(bits, v, sizeof bits);
		for (int i = 0; i < 32; i++)             /* as whole numbers NaN is above infinity, and infinity above the rest: both go on to the product by way of d */
			most = (bits[i] & 0x7fffffff) > most ? bits[i] & 0x7fffffff : most;
		memcpy(&top, &most, sizeof top);
		d[g] = top / 127;
		const float inverse = d[g] >= 0x1p-120f && d[g] <= 0x1p127f ? 1 / d[g] : 0;
		if (inverse == 0 && top == top && top <= 0x1p127f)
			d[g] = 0;
		for (int i = 0; i < 32; i++) {
			const float y = inverse > 0 ? v[i] * inverse : 0;
			q[i] = (int8_t)(int)(y + __builtin_copysignf(0.5f, y));
		}
		for (int i = 0; i < 16; i++) {
			sum[0] += q[i];
			sum[1] += q[16 + i];
		}
		sum16[2 * g] = d[g] * (float)sum[0];
		sum16[2 * g + 1] = d[g] * (float)sum[1];
		sum32[g] = d[g] * (float)(sum[0] + sum[1]);
	}
}

static inline const void *T(token)(const struct matmul_args *a, uint32_t t) { return (const char *)a->in + t * a->in_stride; }

TARGET static void T(run_rows)(const struct matmul_args *a, const struct kformat *f, const struct rows_scratch *s)
{
	const uint64_t n = a->w->n, groups = n / f->group, bytes = n / f->block * f->bytes;
	const int minimums = has_minimums(f->id);

	for (uint64_t row = a->row0; row < a->row1; row++) {
		T(unpack_row)(f, s->row, s->scale, s->min, (const char *)a->w->data + row * bytes, n);
		for (uint32_t t = 0; t < a->tokens; t++) {
			const struct q8_row x = q8_row_at(T(token)(a, t), n);
			float sum = f->group == 32 ? T(dot)(s->row, s->scale, x.q, x.d, groups, 32) : T(dot)(s->row, s->scale, x.q, x.d, groups, 16);

			if (minimums) {
				const float *sums = f->group == 32 ? x.sum32 : x.sum16;
				float m[8] = { 0 };
				uint64_t g = 0;
				for (; g + 8 <= groups; g += 8)
					for (int i = 0; i < 8; i++)
						m[i] += s->min[g + i] * sums[g + i];
				for (; g < groups; g++)
					m[0] += s->min[g] * sums[g];
				sum -= ((m[0] + m[1]) + (m[2] + m[3])) + ((m[4] + m[5]) + (m[6] + m[7]));
			}
			put(a, t, row, sum);
		}
	}
}

#if LANES > 1
/* Rows [row, row + rows) as a panel; lanes without a row are zeros. */
TARGET static void T(make_panel)(const struct matmul_args *a, const struct kformat *f, const struct rows_scratch *s, uint64_t row, unsigned rows)
{
	const uint64_t n = a->w->n, groups = n / f->group, bytes = n / f->block * f->bytes;
	const int minimums = has_minimums(f->id);

	for (unsigned r = 0; r < LANES; r++) {
		if (r < rows) {
			T(unpack_row)(f, s->row, s->scale, s->min, (const char *)a->w->data + (row + r) * bytes, n);
		} else {
			memset(s->row, 0, n);
			memset(s->scale, 0, groups * sizeof(float));
			memset(s->min, 0, groups * sizeof(float));
		}
		for (uint64_t i = 0; i < n / GRAIN; i++)
			memcpy(s->panel + (i * LANES + r) * GRAIN, s->row + i * GRAIN, GRAIN);
		for (uint64_t g = 0; g < groups; g++)
			s->panel_scale[g * LANES + r] = s->scale[g];
		for (uint64_t g = 0; minimums && g < groups; g++)
			s->panel_min[g * LANES + r] = s->min[g];
	}
}

#define TILES(name, group, minimums) \
TARGET static void T(name)(const struct rows_scratch *s, const struct matmul_args *a, uint64_t row, unsigned rows) \
{ \
	uint32_t t = 0; \
	for (; t + TILE <= a->tokens; t += TILE) \
		T(tile)(s, a, row, rows, t, TILE, group, minimums); \
	for (; t + 2 <= a->tokens; t += 2) \
		T(tile)(s, a, row, rows, t, 2, group, minimums); \
	if (t < a->tokens) \
		T(tile)(s, a, row, rows, t, 1, group, minimums); \
}
TILES(tiles_16, 16, 0)
TILES(tiles_32, 32, 0)
TILES(tiles_16_min, 16, 1)
TILES(tiles_32_min, 32, 1)
#undef TILES
#endif

static void T(run)(const struct matmul_args *a, void *scratch)
{
	const struct kformat *f = kformat_find(a->w->format);

	if (!f->group) {
		T(run_float)(a, f, scratch);
		return;
	}
	const struct rows_scratch s = rows_scratch_at(scratch, f, a->w->n, LANES);
#if LANES > 1
	const int minimums = has_minimums(f->id);
	if (a->tokens >= PANEL_FROM) {
		for (uint64_t row = a->row0; row < a->row1; row += LANES) {
			const unsigned rows = (unsigned)least(LANES, a->row1 - row);
			T(make_panel)(a, f, &s, row, rows);
			if (f->group == 32)
				(minimums ? T(tiles_32_min) : T(tiles_32))(&s, a, row, rows);
			else
				(minimums ? T(tiles_16_min) : T(tiles_16))(&s, a, row, rows);
		}
		return;
	}
#endif
	T(run_rows)(a, f, &s);
}

static uint64_t T(scratch_bytes)(uint32_t format, uint8_t layout, uint64_t n, uint32_t tokens)
{
	const struct kformat *f = kformat_find(format);

	(void)layout, (void)tokens;
	return f->group ? rows_scratch_bytes_of(f, n, LANES) : T(float_scratch_bytes)(f, n);
}
