/* mm_avx2_row.h - few tokens: native rows times one token, multiplied as they are unpacked
 *
 * Sums run along the row, eight lanes of it, and are added up at its end. */

/* A row as signed bytes, scales and minimums, times one token. */
TARGET static float T(row_unpacked)(const int8_t *q, const float *scale, const float *min, const struct q8_row *x, uint64_t n, unsigned group)
{
	__m256 s[2] = { _mm256_setzero_ps(), _mm256_setzero_ps() };
	float away = 0;

	for (uint64_t i = 0; i < n / 32; i++) {
		const __m256i sum = T(dot_signed)(T(load)(q + 32 * i), T(load)(x->q + 32 * i));
		__m256 f;
		if (group == 32)
			f = _mm256_set1_ps(scale[i] * x->d[i]);
		else
			f = _mm256_set_m128(_mm_set1_ps(scale[2 * i + 1] * x->d[i]), _mm_set1_ps(scale[2 * i] * x->d[i]));
		s[i % 2] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), f, s[i % 2]);
	}
	for (uint64_t g = 0; min && g < n / group; g++)
		away += min[g] * (group == 32 ? x->sum32 : x->sum16)[g];
	return T(across)(_mm256_add_ps(s[0], s[1])) - away;
}

TARGET static void T(run_few)(const struct matmul_args *a, const struct kformat *f, void *scratch)
{
	const uint64_t n = a->w->n, bytes = n / f->block * f->bytes;
	int8_t *q = scratch;
	float *scale = (float *)(void *)(q + aligned(n)), *min = scale + aligned(4 * (n / f->group)) / 4;

	if (T(run_book)(a))
		return;
	for (uint64_t row = a->row0; row < a->row1; row++) {
		T(unpack_row)(f, q, scale, min, (const char *)a->w->data + row * bytes, n);
		for (uint32_t t = 0; t < a->tokens; t++) {
			const struct q8_row x = q8_row_at((const char *)a->in + t * a->in_stride, n);
			put(a, t, row, T(row_unpacked)(q, scale, has_minimums(f->id) ? min : NULL, &x, n, f->group));
		}
	}
}
