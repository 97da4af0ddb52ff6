/* ops_state.h - body of every table: convolution, gated delta rule, Mamba-2, token by token. Included after ops_vec.h, once. */

/* Row j of the window that ends at token t: of the state, as it was, or of x. */
INLINE const float *conv_row(const struct conv_args *a, uint32_t t, uint32_t j)
{
	const uint32_t at = t + j, back = a->kernel - 1;

	return at < back ? a->state + (uint64_t)at * a->channels : a->x + (at - back) * a->x_stride;
}
enum { TAPS = 8 };                               /* weights of more are read anew for each token */
/* Four taps of W channels out of rows of four: each interleaving of all numbers turns the bits of their places by one. */
INLINE void conv_taps(vf *w, const float *rows)
{
	for (int i = 0; i < 4; i++)
		w[i] = v_load(rows + i * W);
	for (int lanes = 1; lanes < W; lanes *= 2) {
		const vf a = v_zip_lo(w[0], w[2]), b = v_zip_hi(w[0], w[2]), c = v_zip_lo(w[1], w[3]), d = v_zip_hi(w[1], w[3]);
		w[0] = a, w[1] = b, w[2] = c, w[3] = d;
	}
}
static void conv(const struct conv_args *a)
{
	const uint32_t back = a->kernel - 1;

	for (uint32_t c = a->c0; c < a->c1; c += W) {
		const uint32_t n = a->c1 - c < W ? a->c1 - c : W;
		vf w[TAPS] = { 0 };
		if (a->kernel == 4 && n == W)
			conv_taps(w, a->w + (uint64_t)c * 4);
		else
			for (uint32_t j = 0; j < a->kernel && j < TAPS; j++)
				for (uint32_t i = 0; i < n; i++)
					w[j][i] = a->w[(uint64_t)(c + i) * a->kernel + j];
		const vf bias = a->bias ? v_load_part(a->bias + c, n) : v_set(0);
		for (uint32_t t = 0; t < a->tokens; t++) {
			vf y = bias;
			for (uint32_t j = 0; j < a->kernel; j++) {
				const float *row = conv_row(a, t, j) + c;
				vf tap = w[j < TAPS ? j : 0];
				if (j >= TAPS)
					for (uint32_t i = 0; i < n; i++)
						tap[i] = a->w[(uint64_t)(c + i) * a->kernel + j];
				y += tap * (n == W ? v_load(row) : v_load_part(row, n));
			}
			if (a->silu)
				y *= v_sigmoid(y);
			float *out = a->out + t * a->out_stride + c;
			if (n == W)
				v_store(out, y);
			else
				v_store_part(out, y, n);
		}
		for (uint32_t j = 0; j < back; j++)      /* oldest first: what is read lies behind what is written */
			memmove(a->state + (uint64_t)j * a->channels + c, conv_row(a, a->tokens, j) + c, n * sizeof(float));
	}
}

INLINE float inverse_length(const float *x, uint32_t n, float eps) { return 1 / sqrtf(squares(x, n, 0) + eps); }

/* One token's numbers of a k head, so many rows of the state at a time: k and q scaled, the decay, and k times it. */
enum { DELTA_ROWS = 256 };
struct delta_rows { float k[DELTA_ROWS], q[DELTA_ROWS], decay[DELTA_ROWS], kept[DELTA_ROWS]; };
static void delta_fill(struct delta_rows *o, const float *q, const float *k, const float *g, int per_channel, uint32_t n, float q_scale, float k_scale)
{
	const float all = per_channel ? 0 : expf(g[0]);

	for (uint32_t i = 0; i < n; i += W) {
		const uint32_t part = n - i < W ? n - i : W;
		const vf x = part < W ? v_load_part(k + i, part) : v_load(k + i), y = part < W ? v_load_part(q + i, part) : v_load(q + i);
		const vf decay = !per_channel ? v_set(all) : v_exp(part < W ? v_load_part(g + i, part) : v_load(g + i));
		v_store(o->k + i, x * k_scale);
		v_store(o->q + i, y * q_scale);
		v_store(o->decay + i, decay);
		v_store(o->kept + i, x * k_scale * decay);
	}
}
INLINE vf load_some(const float *p, uint32_t n, int whole) { return whole ? v_load(p) : v_load_part(p, n); }
INLINE void store_some(float *p, vf x, uint32_t n, int whole)
{
	if (whole)
		v_store(p, x);
	else
		v_store_part(p, x, n);
}
/* Columns [j, j + n) of a head's state, n <= cols * W, and all tokens: they stay in the first cache, a column's sums in registers. The state is read
 * twice and written once: k^T (decay S) is (k decay)^T S. */
INLINE void delta_columns(const struct delta_args *a, uint32_t h, uint32_t j, uint32_t n, const int cols, const int whole)
{
	const uint32_t kh = a->tiled ? h % a->k_heads : h / (a->v_heads / a->k_heads);
	float *state = a->state + (uint64_t)h * a->k_dim * a->v_dim + j;
	struct delta_rows b;

	for (uint32_t t = 0; t < a->tokens; t++) {
		const float *q = a->q + t * a->q_stride + (uint64_t)kh * a->k_dim, *k = a->k + t * a->k_stride + (uint64_t)kh * a->k_dim;
		const float *v = a->v + t * a->v_stride + (uint64_t)h * a->v_dim + j, *g = a->g + t * a->g_stride + (a->per_channel ? (uint64_t)h * a->k_dim : h);
		const float q_scale = inverse_length(q, a->k_dim, a->eps) / sqrtf((float)a->k_dim), k_scale = inverse_length(k, a->k_dim, a->eps);
		const float beta = a->beta[t * a->beta_stride + h];
		float *out = a->out + t * a->out_stride + (uint64_t)h * a->v_dim + j;
		vf d[4] = { 0 }, sum[4] = { 0 };

		for (uint32_t i0 = 0; i0 < a->k_dim; i0 += DELTA_ROWS) {
			const uint32_t rows = a->k_dim - i0 < DELTA_ROWS ? a->k_dim - i0 : DELTA_ROWS;
			delta_fill(&b, q + i0, k + i0, a->per_channel ? g + i0 : g, a->per_channel, rows, q_scale, k_scale);
			for (uint32_t i = 0; i < rows; i++)
				for (int c = 0; c < cols; c++)
					d[c] += load_some(state + (uint64_t)(i0 + i) * a->v_dim + c * W, n, whole) * b.kept[i];
		}
		for (int c = 0; c < cols; c++)
			d[c] = (load_some(v + c * W, n, whole) - d[c]) * beta;
		for (uint32_t i0 = 0; i0 < a->k_dim; i0 += DELTA_ROWS) {
			const uint32_t rows = a->k_dim - i0 < DELTA_ROWS ? a->k_dim - i0 : DELTA_ROWS;
			if (a->k_dim > DELTA_ROWS)
				delta_fill(&b, q + i0, k + i0, a->per_channel ? g + i0 : g, a->per_channel, rows, q_scale, k_scale);
			for (uint32_t i = 0; i < rows; i++)
				for (int c = 0; c < cols; c++) {
					float *s = state + (uint64_t)(i0 + i) * a->v_dim + c * W;
					const vf x = load_some(s, n, whole) * b.decay[i] + d[c] * b.k[i];
					sum[c] += x * b.q[i];
					store_some(s, x, n, whole);
				}
		}
		for (int c = 0; c < cols; c++)
			store_some(out + c * W, sum[c], n, whole);
	}
}
static void delta(const struct delta_args *a)
{
	for (uint32_t h = a->head0; h < a->head1; h++) {
		uint32_t j = 0;
		for (; j + 4 * W <= a->v_dim; j += 4 * W)
			delta_columns(a, h, j, 4 * W, 4, 1);
		for (; j + W <= a->v_dim; j += W)
			delta_columns(a, h, j, W, 1, 1);
		if (j < a->v_dim)
			delta_columns(a, h, j, a->v_dim - j, 1, 0);
	}
}

static void ssd(const struct ssd_args *a)
{
	for (uint32_t h = a->head0; h < a->head1; h++)
		for (uint32_t t = 0; t < a->tokens; t++) {
			const uint64_t group = h / (a->heads / a->groups);
			const float *b = a->b + t * a->stride + group * a->state_dim, *c = a->c + t * a->stride + group * a->state_dim;
			const float dt = a->dt[t * a->dt_stride + h], decay = expf(dt * a->a[h]);
			for (uint32_t j = 0; j < a->head_dim; j++) {
				const uint64_t at = (uint64_t)h * a->head_dim + j;
				const float x = a->x[t * a->stride + at], dx = dt * x;
				float *s = a->state + at * a->state_dim, rest = 0;
				vf y = v_set(0);
				uint32_t i = 0;
				for (; i + W <= a->state_dim; i += W) {
					const vf n = v_load(s + i) * decay + v_load(b + i) * dx;
					v_store(s + i, n);
					y += n * v_load(c + i);
				}
				for (; i < a->state_dim; i++) {
					s[i] = s[i] * decay + b[i] * dx;
					rest += s[i] * c[i];
				}
				a->out[t * a->out_stride + at] = v_sum(y) + rest + a->d[h] * x;
			}
		}
}
