/* mm_float_tile.h - the body of mm_float_avx512.c, included once for each way to multiply: T(name) names a function, TARGET its
 * instruction set, mac(sum, w, x) multiplies and adds sixteen units of four bytes, load_units() widens weights to such units.
 *
 * A unit is what a lane holds: a pair of bf16 with vdpbf16ps, one float otherwise. */

/* One to three tokens: the weights pass once from memory, row after row as one stream, which prefetchers follow best; lanes run along the
 * inputs, four vectors at a time, and are summed at the end. */
TARGET ALWAYS_INLINE void T(row_tile)(const struct matmul_args *a, uint64_t row, uint32_t t0, const unsigned nt, const uint32_t format)
{
	const uint64_t n = a->w->n, whole = n / UNIT_NUMBERS / 16 * 16, stride = a->in_stride;
	const char *w = (const char *)a->w->data + row * row_bytes(a->w), *x = (const char *)a->in + t0 * stride;
	__m512 s[4][2];
	uint64_t u = 0;

	UNROLL for (unsigned k = 0; k < 4; k++)
		UNROLL for (unsigned t = 0; t < nt; t++)
			s[k][t] = _mm512_setzero_ps();
	for (; u + 64 <= whole; u += 64)
		UNROLL for (unsigned k = 0; k < 4; k++) {
			const __m512i v = T(load_units)(w, u + 16 * k, 16 * UNIT_NUMBERS, format);
			UNROLL for (unsigned t = 0; t < nt; t++)
				s[k][t] = T(mac)(s[k][t], v, _mm512_load_si512(x + t * stride + 4 * (u + 16 * k)));
		}
	for (; u < whole; u += 16) {
		const __m512i v = T(load_units)(w, u, 16 * UNIT_NUMBERS, format);
		UNROLL for (unsigned t = 0; t < nt; t++)
			s[1][t] = T(mac)(s[1][t], v, _mm512_load_si512(x + t * stride + 4 * u));
	}
	if (whole * UNIT_NUMBERS < n) {
		const __m512i v = T(load_units)(w, whole, (unsigned)(n - whole * UNIT_NUMBERS), format);
		UNROLL for (unsigned t = 0; t < nt; t++)
			s[2][t] = T(mac)(s[2][t], v, _mm512_load_si512(x + t * stride + 4 * whole));
	}
	UNROLL for (unsigned t = 0; t < nt; t++) {
		const float sum = _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(s[0][t], s[1][t]), _mm512_add_ps(s[2][t], s[3][t])));
		put(a, a->out + (t0 + t) * a->out_stride + row, row, sum);
	}
}

/* Four to sixteen tokens: four rows x four tokens, so that loads do not bound it. */
TARGET ALWAYS_INLINE void T(few_tile)(const struct matmul_args *a, uint64_t row, const unsigned nr, uint32_t t0, const unsigned nt, const uint32_t format)
{
	const uint64_t bytes = row_bytes(a->w), n = a->w->n, whole = n / UNIT_NUMBERS / 16 * 16;
	const char *w = (const char *)a->w->data + row * bytes, *x = (const char *)a->in + t0 * a->in_stride;
	__m512 s[4][4];

	UNROLL for (unsigned r = 0; r < nr; r++)
		UNROLL for (unsigned t = 0; t < nt; t++)
			s[r][t] = _mm512_setzero_ps();
	for (uint64_t u = 0; u < whole; u += 16) {
		__m512i v[4];
		UNROLL for (unsigned r = 0; r < nr; r++)
			v[r] = T(load_units)(w + r * bytes, u, 16 * UNIT_NUMBERS, format);
		UNROLL for (unsigned t = 0; t < nt; t++) {
			__m512i b = _mm512_load_si512(x + t * a->in_stride + 4 * u);
			UNROLL for (unsigned r = 0; r < nr; r++)
				s[r][t] = T(mac)(s[r][t], v[r], b);
		}
	}
	if (whole * UNIT_NUMBERS < n)
		UNROLL for (unsigned r = 0; r < nr; r++) {
			__m512i v = T(load_units)(w + r * bytes, whole, (unsigned)(n - whole * UNIT_NUMBERS), format);
			UNROLL for (unsigned t = 0; t < nt; t++)
				s[r][t] = T(mac)(s[r][t], v, _mm512_load_si512(x + t * a->in_stride + 4 * whole));
		}
	UNROLL for (unsigned t = 0; t < nt; t++) {
		float *out = a->out + (t0 + t) * a->out_stride + row;
		UNROLL for (unsigned r = 0; r < nr; r++)
			put(a, out + r, row + r, _mm512_reduce_add_ps(s[r][t]));
	}
}

TARGET ALWAYS_INLINE void T(few)(const struct matmul_args *a, const uint32_t format)
{
	uint64_t row = a->row0;

	for (; a->tokens > 3 && row + 4 <= a->row1; row += 4) {
		uint32_t t = 0;
		for (; t + 4 <= a->tokens; t += 4)
			T(few_tile)(a, row, 4, t, 4, format);
		for (; t < a->tokens; t++)
			T(few_tile)(a, row, 4, t, 1, format);
	}
	for (; row < a->row1; row++) {
		uint32_t t = 0;
		for (; t + 2 <= a->tokens; t += 2)
			T(row_tile)(a, row, t, 2, format);
		for (; t < a->tokens; t++)
			T(row_tile)(a, row, t, 1, format);
	}
}

/* Sixteen rows x sixteen units, turned so that a vector holds one unit of sixteen rows. */
TARGET ALWAYS_INLINE void T(pack_block)(char *out, uint64_t step, const char *w, uint64_t bytes, unsigned rows, uint64_t u, const unsigned numbers, const uint32_t format)
{
	__m512i v[16], x[16];

	for (unsigned r = 0; r < rows; r++)             /* what the next panel takes, while this one is multiplied */
		_mm_prefetch(w + r * bytes + UNIT_NUMBERS * number_bytes(format) * (u + PANEL_UNITS), _MM_HINT_T1);
	for (unsigned r = 0; r < 16; r++)
		v[r] = r < rows ? T(load_units)(w + r * bytes, u, numbers, format) : _mm512_setzero_si512();
	UNROLL for (unsigned i = 0; i < 16; i += 4) {
		__m512i a = _mm512_unpacklo_epi32(v[i], v[i + 1]), b = _mm512_unpackhi_epi32(v[i], v[i + 1]);
		__m512i c = _mm512_unpacklo_epi32(v[i + 2], v[i + 3]), d = _mm512_unpackhi_epi32(v[i + 2], v[i + 3]);
		x[i] = _mm512_unpacklo_epi64(a, c);              /* units 0, 4, 8, 12 of rows i to i + 3 */
		x[i + 1] = _mm512_unpackhi_epi64(a, c);
		x[i + 2] = _mm512_unpacklo_epi64(b, d);
		x[i + 3] = _mm512_unpackhi_epi64(b, d);
	}
	UNROLL for (unsigned j = 0; j < 4; j++) {
		__m512i a = _mm512_shuffle_i32x4(x[j], x[4 + j], 0x88), b = _mm512_shuffle_i32x4(x[j], x[4 + j], 0xdd);
		__m512i c = _mm512_shuffle_i32x4(x[8 + j], x[12 + j], 0x88), d = _mm512_shuffle_i32x4(x[8 + j], x[12 + j], 0xdd);
		_mm512_store_si512(out + j * step, _mm512_shuffle_i32x4(a, c, 0x88));
		_mm512_store_si512(out + (4 + j) * step, _mm512_shuffle_i32x4(b, d, 0x88));
		_mm512_store_si512(out + (8 + j) * step, _mm512_shuffle_i32x4(a, c, 0xdd));
		_mm512_store_si512(out + (12 + j) * step, _mm512_shuffle_i32x4(b, d, 0xdd));
	}
}

/* Rows [row, row + rows), units [u0, u0 + units) into the panel: unit after unit, nv vectors of sixteen rows each. */
TARGET ALWAYS_INLINE void T(pack_panel)(char *panel, const struct matrix *w, uint64_t row, unsigned rows, uint64_t u0, uint64_t units, const uint32_t format)
{
	const unsigned nv = (rows + 15) / 16;
	const uint64_t bytes = row_bytes(w), step = 64 * nv;

	for (unsigned v = 0; v < nv; v++) {
		const unsigned here = rows - 16 * v < 16 ? rows - 16 * v : 16;
		const char *from = (const char *)w->data + (row + 16 * v) * bytes;
		for (uint64_t u = 0; u < units; u += 16) {
			const uint64_t left = w->n - (u0 + u) * UNIT_NUMBERS;
			char *to = panel + u * step + 64 * v;
			if (left >= 16 * UNIT_NUMBERS)
				T(pack_block)(to, step, from, bytes, here, u0 + u, 16 * UNIT_NUMBERS, format);
			else
				T(pack_block)(to, step, from, bytes, here, u0 + u, (unsigned)left, format);
		}
	}
}

/* nv * 16 rows x nt tokens in registers over the units of a panel. */
TARGET ALWAYS_INLINE void T(tile)(const struct tile_args *p, const unsigned nv, uint32_t t0, const unsigned nt)
{
	const struct matmul_args *a = p->a;
	const char *w = p->panel, *x = (const char *)a->in + t0 * a->in_stride + 4 * p->u0;
	const uint64_t stride = a->in_stride;
	float *out = a->out + t0 * a->out_stride + p->row;
	__m512 s[4][TILE_TOKENS];

	UNROLL for (unsigned v = 0; v < nv; v++) {
		const __mmask16 m = p->mask[v];
		const __m512 b = p->first && a->bias ? _mm512_maskz_loadu_ps(m, a->bias + p->row + 16 * v) : _mm512_setzero_ps();
		UNROLL for (unsigned t = 0; t < nt; t++)
			s[v][t] = p->first && !a->add ? b : _mm512_add_ps(b, _mm512_maskz_loadu_ps(m, out + t * a->out_stride + 16 * v));
	}
	for (uint64_t u = 0; u < p->units; u++) {
		__m512i c[4];
		UNROLL for (unsigned v = 0; v < nv; v++)
			c[v] = _mm512_load_si512(w + 64 * v);
		w += 64 * nv;
		UNROLL for (unsigned t = 0; t < nt; t++) {
			__m512i b = _mm512_set1_epi32(*(const int32_t *)(const void *)(x + t * stride));
			UNROLL for (unsigned v = 0; v < nv; v++)
				s[v][t] = T(mac)(s[v][t], c[v], b);
		}
		x += 4;
	}
	UNROLL for (unsigned v = 0; v < nv; v++)
		UNROLL for (unsigned t = 0; t < nt; t++)
			_mm512_mask_storeu_ps(out + t * a->out_stride + 16 * v, p->mask[v], s[v][t]);
}

#define TILES(nv) \
TARGET static void T(tiles_##nv)(const struct tile_args *p) \
{ \
	uint32_t t = 0; \
	for (; t + 6 <= p->a->tokens; t += 6) \
		T(tile)(p, nv, t, 6); \
	switch (p->a->tokens - t) { \
	case 5: T(tile)(p, nv, t, 5); break; \
	case 4: T(tile)(p, nv, t, 4); break; \
	case 3: T(tile)(p, nv, t, 3); break; \
	case 2: T(tile)(p, nv, t, 2); break; \
	case 1: T(tile)(p, nv, t, 1); break; \
	} \
}
TILES(1) TILES(2) TILES(3) TILES(4)
#undef TILES

TARGET ALWAYS_INLINE void T(many)(const struct matmul_args *a, char *panel, const uint32_t format)
{
	const uint64_t all = (a->w->n + UNIT_NUMBERS - 1) / UNIT_NUMBERS;

	for (uint64_t row = a->row0; row < a->row1; row += PANEL_ROWS) {
		const unsigned rows = a->row1 - row < PANEL_ROWS ? (unsigned)(a->row1 - row) : PANEL_ROWS;
		for (uint64_t u = 0; u < all; u += PANEL_UNITS) {
			struct tile_args p = { .a = a, .panel = panel, .row = row, .u0 = u, .units = all - u < PANEL_UNITS ? all - u : PANEL_UNITS, .first = !u };
			for (unsigned v = 0; v < 4; v++)
				p.mask[v] = (__mmask16)(rows <= 16 * v ? 0 : rows - 16 * v >= 16 ? 0xffff : (1u << (rows - 16 * v)) - 1);
			T(pack_panel)(panel, a->w, row, rows, u, p.units, format);
			switch ((rows + 15) / 16) {
			case 1: T(tiles_1)(&p); break;
			case 2: T(tiles_2)(&p); break;
			case 3: T(tiles_3)(&p); break;
			default: T(tiles_4)(&p); break;
			}
		}
	}
}
