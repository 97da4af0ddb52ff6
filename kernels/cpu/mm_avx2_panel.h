/* mm_avx2_panel.h - many tokens: rows are unpacked once a call into panels of unsigned codes, w = scale u - min, and tiles pass over them
 *
 * A step is four inputs of sixteen rows, 64 bytes: two vectors of [row][4]. Where maddubs would saturate on codes of eight bits (WIDE of
 * mm_avx2.c), a panel has eight rows and the vectors are their low and high nibbles. Sixty-four rows x CHUNK inputs of panels stay in the
 * second cache, BLOCK tokens in the first; sums wait in out between chunks. What zeros and minimums take away is min times the sum of the
 * activations, which prepare() has left in floats. */

enum { CHUNK = 512, MACRO = 64, BLOCK = 16, TILE = 4, STEP = 64 };

struct tile_args {
	const uint8_t *codes;
	const float *scale, *min;                /* [group][rows of the panel] */
	uint64_t groups;                         /* of 32 */
	const int8_t *q[TILE];
	const float *d[TILE];                    /* what a group of 32 is worth; sums' places, in floats from there: */
	uint64_t sums;
	float *out; uint64_t out_stride;
	const float *bias;                       /* of the panel's first row; NULL: none */
	unsigned tokens, rows;                   /* of the tile that are there */
	int keep;                                /* out is added to */
};
typedef void tile_fn(const struct tile_args *p);

TARGET ALWAYS_INLINE __m256i T(four)(const int8_t *q)
{
	int32_t v;

	memcpy(&v, q, 4);
	return _mm256_set1_epi32(v);
}

/* group: inputs that share a scale, 32 or 16; wide: eight rows in two vectors of nibbles; run: steps that may be summed in 16 bits */
TARGET ALWAYS_INLINE void T(tile)(const struct tile_args *p, const unsigned group, const unsigned run, const int wide)
{
	const unsigned nv = wide ? 1 : 2;
	const uint8_t *w = p->codes;
	const float *scale = p->scale, *min = p->min;
	__m256 acc[2][TILE];

	UNROLL for (unsigned t = 0; t < TILE; t++)
		acc[0][t] = acc[1][t] = _mm256_setzero_ps();
	for (uint64_t g = 0; g < p->groups; g++, w += 8 * STEP) {
		__m256i sum[2][TILE];

		if (group == 32) {
			T(sums)(sum, w, p->q, 32 * g, 8, run, wide);
			UNROLL for (unsigned t = 0; t < TILE; t++) {
				const __m256 d = _mm256_broadcast_ss(p->d[t] + g), s = _mm256_broadcast_ss(p->d[t] + p->sums + g);
				UNROLL for (unsigned v = 0; v < nv; v++) {
					acc[v][t] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum[v][t]), _mm256_mul_ps(d, _mm256_loadu_ps(scale + 8 * v)), acc[v][t]);
					acc[v][t] = _mm256_fnmadd_ps(s, _mm256_loadu_ps(min + 8 * v), acc[v][t]);
				}
			}
			scale += 8 * nv;
			min += 8 * nv;
		} else {
			UNROLL for (unsigned h = 0; h < 2; h++) {
				T(sums)(sum, w + 4 * STEP * h, p->q, 32 * g + 16 * h, 4, run, wide);
				UNROLL for (unsigned t = 0; t < TILE; t++) {
					const __m256 d = _mm256_broadcast_ss(p->d[t] + g), s = _mm256_broadcast_ss(p->d[t] + p->sums + 2 * g + h);
					UNROLL for (unsigned v = 0; v < nv; v++) {
						acc[v][t] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum[v][t]), _mm256_mul_ps(d, _mm256_loadu_ps(scale + 8 * v)), acc[v][t]);
						acc[v][t] = _mm256_fnmadd_ps(s, _mm256_loadu_ps(min + 8 * v), acc[v][t]);
					}
				}
				scale += 8 * nv;
				min += 8 * nv;
			}
		}
	}
	UNROLL for (unsigned t = 0; t < TILE; t++)
		if (t < p->tokens)
			UNROLL for (unsigned v = 0; v < nv; v++)
				if (p->rows > 8 * v)
					mm2_out8(p->out + t * p->out_stride + 8 * v, p->keep, p->bias ? p->bias + 8 * v : NULL, p->rows - 8 * v, acc[v][t]);
}

/* Eight rows of 32 bytes to eight steps: a transposition of 8 by 8 words of 4 bytes. */
TARGET ALWAYS_INLINE void T(transpose)(__m256i v[8])
{
	__m256i a[8], b[8];

	UNROLL for (unsigned i = 0; i < 8; i += 2) {
		a[i] = _mm256_unpacklo_epi32(v[i], v[i + 1]);
		a[i + 1] = _mm256_unpackhi_epi32(v[i], v[i + 1]);
	}
	UNROLL for (unsigned i = 0; i < 8; i += 4) {     /* b[i + c]: rows i to i + 3 of columns c and c + 4 */
		b[i] = _mm256_unpacklo_epi64(a[i], a[i + 2]);
		b[i + 1] = _mm256_unpackhi_epi64(a[i], a[i + 2]);
		b[i + 2] = _mm256_unpacklo_epi64(a[i + 1], a[i + 3]);
		b[i + 3] = _mm256_unpackhi_epi64(a[i + 1], a[i + 3]);
	}
	UNROLL for (unsigned c = 0; c < 4; c++) {
		v[c] = _mm256_permute2x128_si256(b[c], b[4 + c], 0x20);
		v[4 + c] = _mm256_permute2x128_si256(b[c], b[4 + c], 0x31);
	}
}

/* What rows leave behind on their way into a panel. */
struct unpacked { int8_t q[16][CHUNK]; float scale[16][CHUNK / 16], min[16][CHUNK / 16]; };

/* Inputs [k, k + count) of rows [row, row + rows) as a panel; lanes without a row are zeros. */
TARGET static void T(stage)(uint8_t *codes, float *scale, float *min, const struct matmul_args *a, const struct kformat *f, uint64_t row, unsigned rows, uint64_t k, uint64_t count,
	const int wide, struct unpacked *u)
{
	const unsigned lanes = wide ? 8 : 16;
	const uint64_t groups = count / f->group, bytes = a->w->n / f->block * f->bytes;
	const int minimums = has_minimums(f->id), zero = code_zero(f->id);
	const __m256i add = _mm256_set1_epi8((char)zero), low = _mm256_set1_epi8(15);

	for (unsigned r = 0; r < lanes; r++)
		if (r < rows) {
			const char *from = (const char *)a->w->data + (row + r) * bytes + k / f->block * f->bytes;
			T(unpack_row)(f, u->q[r], u->scale[r], u->min[r], from, count);
		} else {
			memset(u->q[r], 0, count);
			memset(u->scale[r], 0, groups * sizeof(float));
			memset(u->min[r], 0, groups * sizeof(float));
		}
	for (uint64_t i = 0; i < count; i += 32, codes += 8 * STEP)
		for (unsigned h = 0; h < lanes; h += 8) {
			__m256i v[8];
			UNROLL for (unsigned r = 0; r < 8; r++)
				v[r] = _mm256_add_epi8(_mm256_loadu_si256((const __m256i *)(const void *)(u->q[h + r] + i)), add);
			T(transpose)(v);
			UNROLL for (unsigned s = 0; s < 8; s++) {
				__m256i *out = (__m256i *)(void *)(codes + STEP * s + 4 * h);
				if (wide) {
					_mm256_store_si256(out, _mm256_and_si256(v[s], low));
					_mm256_store_si256(out + 1, _mm256_and_si256(_mm256_srli_epi16(v[s], 4), low));
				} else {
					_mm256_store_si256(out, v[s]);
				}
			}
		}
	for (uint64_t g = 0; g < groups; g++, scale += lanes, min += lanes)
		for (unsigned r = 0; r < lanes; r++) {
			scale[r] = u->scale[r][g];
			min[r] = minimums ? u->min[r][g] : (float)zero * u->scale[r][g];
		}
}

static uint64_t T(many_scratch_bytes)(void)
{
	return 2 * MACRO * CHUNK + 2 * MACRO * CHUNK / 16 * sizeof(float) + sizeof(struct unpacked);
}

TARGET static void T(run_many)(const struct matmul_args *a, const struct kformat *f, void *scratch)
{
	tile_fn *const tile = T(tile_of)(f);
	const int wide = T(is_wide)(f->id);
	const unsigned lanes = wide ? 8 : 16;
	const uint64_t n = a->w->n, all = n / 32, pieces = (n + CHUNK - 1) / CHUNK, unit = f->block, chunk = (n / pieces + unit - 1) / unit * unit;
	uint8_t *codes = scratch;
	float *scale = (float *)(void *)(codes + 2 * MACRO * CHUNK), *min = scale + MACRO * CHUNK / 16;
	struct unpacked *u = (struct unpacked *)(void *)(min + MACRO * CHUNK / 16);

	for (uint64_t row = a->row0; row < a->row1; row += MACRO)
		for (uint64_t k = 0, count; k < n; k += count) {
			const unsigned rows = (unsigned)least(MACRO, a->row1 - row);
			const uint64_t codes_of = (count = least(chunk, n - k)) * STEP / 4, floats_of = count / f->group * lanes;
			struct tile_args p = { .groups = count / 32, .sums = f->group == 32 ? all : 2 * all - k / 32 + k / 16, .out_stride = a->out_stride, .keep = k || a->add };

			for (unsigned r = 0; r < rows; r += lanes)
				T(stage)(codes + r / lanes * codes_of, scale + r / lanes * floats_of, min + r / lanes * floats_of, a, f, row + r, rows - r < lanes ? rows - r : lanes, k, count, wide, u);
			for (uint32_t t0 = 0; t0 < a->tokens; t0 += BLOCK)
				for (unsigned r = 0; r < rows; r += lanes)
					for (uint32_t t = t0; t < a->tokens && t < t0 + BLOCK; t += TILE) {
						p.codes = codes + r / lanes * codes_of;
						p.scale = scale + r / lanes * floats_of;
						p.min = min + r / lanes * floats_of;
						p.tokens = (unsigned)least(TILE, a->tokens - t);
						p.rows = rows - r < lanes ? rows - r : lanes;
						p.out = a->out + t * a->out_stride + row + r;
						p.bias = a->bias && !k ? a->bias + row + r : NULL;
						for (uint32_t i = 0; i < TILE; i++) {
							const struct q8_row x = q8_row_at((const char *)a->in + (i < p.tokens ? t + i : t) * a->in_stride, n);
							p.q[i] = x.q + k;
							p.d[i] = x.d + k / 32;
							/* the next block's, while this one is multiplied: in pieces that the processor does not foresee */
							if (!r && t + i + BLOCK < a->tokens) {
								const char *next = (const char *)p.q[i] + BLOCK * a->in_stride;
								for (uint64_t b = 0; b < count; b += 64)
									_mm_prefetch(next + b, _MM_HINT_T0);
								next = (const char *)p.d[i] + BLOCK * a->in_stride;
								_mm_prefetch(next, _MM_HINT_T0);
								_mm_prefetch(next + 4 * p.sums, _MM_HINT_T0);
							}
						}
						tile(&p);
					}
		}
}
