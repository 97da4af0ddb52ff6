/* ops_state.h - body of every table: convolution, gated delta rule, Mamba-2, token by token. Included after ops_vec.h, once. */

/* Row j of the window that ends at token t: of the state, as it was, or of x. */
INLINE const float *conv_row(const struct conv_args *a, uint32_t t, uint32_t j)
{
	const uint32_t at = t + j, back = a->kernel - 1;

	return at < back ? a->state + (uint64_t)at * a->channels : a->x + (at - back) * a->x_stride;
}
static void conv(const struct conv_args *a)
{
	const uint32_t back = a->kernel - 1;

	for (uint32_t c = a->c0; c < a->c1; c += W) {
		const uint32_t n = a->c1 - c < W ? a->c1 - c : W;
		enum { TAPS = 8 };
		vf w[TAPS] = { 0 };
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

/* Columns [j, j + n) of a head's state, n <= cols * W: S stays in memory, a column's sums in registers. */
INLINE void delta_columns(const struct delta_args *a, uint32_t t, uint32_t h, uint32_t j, uint32_t n, int cols, float q_scale, float k_scale)
{
	const uint32_t kh = a->tiled ? h % a->k_heads : h / (a->v_heads / a->k_heads);
	const float *q = a->q + t * a->q_stride + (uint64_t)kh * a->k_dim, *k = a->k + t * a->k_stride + (uint64_t)kh * a->k_dim;
	const float *v = a->v + t * a->v_stride + (uint64_t)h * a->v_dim + j, *g = a->g + t * a->g_stride + (a->per_channel ? (uint64_t)h * a->k_dim : h);
	const float beta = a->beta[t * a->beta_stride + h];
	float *state = a->state + (uint64_t)h * a->k_dim * a->v_dim + j, *out = a->out + t * a->out_stride + (uint64_t)h * a->v_dim + j;
	const float all = expf(g[0]);
	const int whole = n == (uint32_t)cols * W;
	vf kept[4] = { 0 }, sum[4] = { 0 };

	for (uint32_t i = 0; i < a->k_dim; i++) {
		float *s = state + (uint64_t)i * a->v_dim;
		const float decay = a->per_channel && i ? expf(g[i]) : all, ki = k[i] * k_scale;
		for (int c = 0; c < cols; c++) {
			const vf x = (whole ? v_load(s + c * W) : v_load_part(s, n)) * decay;
			kept[c] += x * ki;
			if (whole)
				v_store(s + c * W, x);
			else
				v_store_part(s, x, n);
		}
	}
	for (int c = 0; c < cols; c++)
		kept[c] = ((whole ? v_load(v + c * W) : v_load_part(v, n)) - kept[c]) * beta;
	for (uint32_t i = 0; i < a->k_dim; i++) {
		float *s = state + (uint64_t)i * a->v_dim;
		const float ki = k[i] * k_scale, qi = q[i] * q_scale;
		for (int c = 0; c < cols; c++) {
			const vf x = (whole ? v_load(s + c * W) : v_load_part(s, n)) + kept[c] * ki;
			sum[c] += x * qi;
			if (whole)
				v_store(s + c * W, x);
			else
				v_store_part(s, x, n);
		}
	}
	for (int c = 0; c < cols; c++)
		if (whole)
			v_store(out + c * W, sum[c]);
		else
			v_store_part(out, sum[c], n);
}
static void delta(const struct delta_args *a)
{
	for (uint32_t h = a->head0; h < a->head1; h++)
		for (uint32_t t = 0; t < a->tokens; t++) {
			const uint32_t kh = a->tiled ? h % a->k_heads : h / (a->v_heads / a->k_heads);
			const float *q = a->q + t * a->q_stride + (uint64_t)kh * a->k_dim, *k = a->k + t * a->k_stride + (uint64_t)kh * a->k_dim;
			const float q_scale = inverse_length(q, a->k_dim, a->eps) / sqrtf((float)a->k_dim), k_scale = inverse_length(k, a->k_dim, a->eps);
			uint32_t j = 0;
			for (; j + 4 * W <= a->v_dim; j += 4 * W)
				delta_columns(a, t, h, j, 4 * W, 4, q_scale, k_scale);
			for (; j < a->v_dim; j += W)
				delta_columns(a, t, h, j, a->v_dim - j < W ? a->v_dim - j : W, 1, q_scale, k_scale);
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
