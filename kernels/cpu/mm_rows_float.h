/* mm_rows_float.h - floating-point formats for one instruction set: TARGET and T(name) as in mm_unpack.h, VW floats a vector, FV vectors of
 * rows and FT tokens a tile, T(widen)(f, out, weights, n): n weights as floats
 *
 * Vectors are the compilers' own (vector_size), so that one text serves SSE2, AVX2 and NEON. Few tokens take a widened row as it lies; from
 * 4 PANEL_FROM tokens on, VW * FV rows are turned, FCHUNK inputs at a time, and sums wait in out between chunks. */

typedef float T(vf) __attribute__((vector_size(4 * VW)));
enum { T(FCHUNK) = 256, T(FROWS) = VW * FV };

static uint64_t T(float_scratch_bytes)(const struct kformat *f, uint64_t n)
{
	(void)f;
	return aligned(4 * n) + aligned(4 * T(FCHUNK) * T(FROWS));
}

TARGET ALWAYS_INLINE T(vf) T(vload)(const float *p)
{
	T(vf) v;

	memcpy(&v, p, sizeof v);
	return v;
}

TARGET static float T(dot_float)(const float *w, const float *x, uint64_t n)
{
	T(vf) s[4] = { { 0 } };
	float lanes[VW], sum = 0;
	uint64_t i = 0;

	for (; i + 4 * VW <= n; i += 4 * VW)
		UNROLL for (unsigned k = 0; k < 4; k++)
			s[k] += T(vload)(w + i + k * VW) * T(vload)(x + i + k * VW);
	for (; i < n; i++)
		sum += w[i] * x[i];
	s[0] = (s[0] + s[1]) + (s[2] + s[3]);
	memcpy(lanes, &s[0], sizeof lanes);
	for (unsigned k = 0; k < VW; k++)
		sum += lanes[k];
	return sum;
}

/* Panel: input after input, FROWS rows each. */
TARGET ALWAYS_INLINE void T(float_tile)(const float *panel, const struct matmul_args *a, uint64_t row, unsigned rows, uint32_t t0, const unsigned nt, uint64_t i0, uint64_t n)
{
	const float *x[FT];
	T(vf) s[FT][FV];

	UNROLL for (unsigned t = 0; t < nt; t++) {
		x[t] = (const float *)(const void *)((const char *)a->in + (t0 + t) * a->in_stride) + i0;
		UNROLL for (unsigned v = 0; v < FV; v++)
			s[t][v] = (T(vf)){ 0 };
	}
	for (uint64_t i = 0; i < n; i++, panel += T(FROWS)) {
		T(vf) w[FV];
		UNROLL for (unsigned v = 0; v < FV; v++)
			w[v] = T(vload)(panel + v * VW);
		UNROLL for (unsigned t = 0; t < nt; t++)
			UNROLL for (unsigned v = 0; v < FV; v++)
				s[t][v] += w[v] * x[t][i];
	}
	UNROLL for (unsigned t = 0; t < nt; t++) {
		float sum[VW * FV], *out = a->out + (t0 + t) * a->out_stride + row;
		memcpy(sum, s[t], sizeof sum);
		for (unsigned r = 0; r < rows; r++)
			if (i0)
				out[r] += sum[r];
			else
				put(a, t0 + t, row + r, sum[r]);
	}
}

TARGET static void T(run_float)(const struct matmul_args *a, const struct kformat *f, void *scratch)
{
	const uint64_t n = a->w->n, bytes = n * f->bytes;
	float *wide = scratch, *panel = (float *)(void *)((char *)scratch + aligned(4 * n));

	if (a->tokens < 4 * PANEL_FROM) {         /* turning floats costs more than widening them */
		for (uint64_t row = a->row0; row < a->row1; row++) {
			const char *from = (const char *)a->w->data + row * bytes;
			const float *w = wide;
			if (f->id == KF_F32 && (uintptr_t)from % sizeof *w == 0)
				w = (const float *)(const void *)from;
			else
				T(widen)(f, wide, from, n);
			for (uint32_t t = 0; t < a->tokens; t++)
				put(a, t, row, T(dot_float)(w, (const float *)(const void *)((const char *)a->in + t * a->in_stride), n));
		}
		return;
	}
	for (uint64_t row = a->row0; row < a->row1; row += T(FROWS)) {
		const unsigned rows = (unsigned)least(T(FROWS), a->row1 - row);
		for (uint64_t i0 = 0; i0 < n; i0 += T(FCHUNK)) {
			const uint64_t here = least(T(FCHUNK), n - i0);
			for (unsigned r = 0; r < T(FROWS); r++) {
				if (r < rows)
					T(widen)(f, wide, (const char *)a->w->data + (row + r) * bytes + i0 * f->bytes, here);
				for (uint64_t i = 0; i < here; i++)
					panel[i * T(FROWS) + r] = r < rows ? wide[i] : 0;
			}
			uint32_t t = 0;
			for (; t + FT <= a->tokens; t += FT)
				T(float_tile)(panel, a, row, rows, t, FT, i0, here);
			for (; t < a->tokens; t++)
				T(float_tile)(panel, a, row, rows, t, 1, i0, here);
		}
	}
}
