/* ops_rows.h - body of every table: norms, rotary embedding, activations, softmax, cache rows. Included after ops_vec.h, once. */

/* Four sums side by side, so that no addition waits for the one before. mean is taken from each number first. */
INLINE float squares(const float *x, uint64_t n, float mean)
{
	vf s[4] = { 0 };
	uint64_t i = 0;

	for (; i + 4 * W <= n; i += 4 * W)
		for (int j = 0; j < 4; j++) {
			const vf d = v_load(x + i + j * W) - mean;
			s[j] += d * d;
		}
	for (; i + W <= n; i += W) {
		const vf d = v_load(x + i) - mean;
		s[0] += d * d;
	}
	float rest = 0;
	for (; i < n; i++)
		rest += (x[i] - mean) * (x[i] - mean);
	return v_sum((s[0] + s[1]) + (s[2] + s[3])) + rest;
}
static void rms_norm(float *out, const float *x, const float *w, uint64_t n, float eps)
{
	const float r = 1 / sqrtf(squares(x, n, 0) / (float)n + eps);
	uint64_t i = 0;

	for (; i + W <= n; i += W)
		v_store(out + i, w ? v_load(x + i) * r * v_load(w + i) : v_load(x + i) * r);
	for (; i < n; i++)
		out[i] = w ? x[i] * r * w[i] : x[i] * r;
}
static void layer_norm(float *out, const float *x, const float *w, const float *b, uint64_t n, float eps)
{
	vf s[4] = { 0 };
	float sum = 0;
	uint64_t i = 0;

	for (; i + 4 * W <= n; i += 4 * W)
		for (int j = 0; j < 4; j++)
			s[j] += v_load(x + i + j * W);
	for (; i < n; i++)
		sum += x[i];
	const float mean = (v_sum((s[0] + s[1]) + (s[2] + s[3])) + sum) / (float)n;
	const float r = 1 / sqrtf(squares(x, n, mean) / (float)n + eps);
	for (i = 0; i < n; i++) {
		const float y = (x[i] - mean) * r;
		out[i] = (w ? y * w[i] : y) + (b ? b[i] : 0);
	}
}

static void rope(float *x, const float *cs, uint32_t dims, int adjacent)
{
	const uint32_t half = dims / 2;

	if (adjacent) {
		for (uint32_t i = 0; i < half; i++) {
			const float p = x[2 * i], q = x[2 * i + 1], c = cs[2 * i], s = cs[2 * i + 1];
			x[2 * i] = p * c - q * s;
			x[2 * i + 1] = p * s + q * c;
		}
		return;
	}
	for (uint32_t i = 0; i < half; i++) {
		const float p = x[i], q = x[half + i], c = cs[2 * i], s = cs[2 * i + 1];
		x[i] = p * c - q * s;
		x[half + i] = p * s + q * c;
	}
}

/* ref/ops_rows.c says where the constants come from. (1 + tanh y) / 2 is sigmoid(2y). */
INLINE vf act_of(vf g, int kind)
{
	switch (kind) {
	case KA_SILU: return g * v_sigmoid(g);
	case KA_GELU: return g * v_normal(g);
	case KA_GELU_TANH: return g * v_sigmoid(1.5957691216f * (g + 0.044715f * g * g * g));
	case KA_RELU2: return v_max(v_set(0), g) * g;
	case KA_SWIGLU_OAI: g = v_min(v_set(7), g); return g * v_sigmoid(1.702f * g);
	case KA_SITU: return 4.0f * v_tanh(0.25f * g) * v_sigmoid(g);
	case KA_RELU: return v_max(v_set(0), g);
	default: return v_sigmoid(g);
	}
}
INLINE vf up_of(vf u, int kind)
{
	if (kind == KA_SWIGLU_OAI)
		return v_max(v_set(-7), v_min(v_set(7), u)) + 1.0f;
	return kind == KA_SITU ? 25.0f * v_tanh(0.04f * u) : u;
}
INLINE void act_kind(float *out, const float *gate, const float *up, uint64_t n, int kind)
{
	uint64_t i = 0;

	for (; i + W <= n; i += W) {
		const vf y = act_of(v_load(gate + i), kind);
		v_store(out + i, up ? y * up_of(v_load(up + i), kind) : y);
	}
	if (i < n) {
		const vf y = act_of(v_load_part(gate + i, n - i), kind);
		v_store_part(out + i, up ? y * up_of(v_load_part(up + i, n - i), kind) : y, n - i);
	}
}
static void act(float *out, const float *gate, const float *up, uint64_t n, int kind)
{
	switch (kind) {
	case KA_SILU: act_kind(out, gate, up, n, KA_SILU); break;
	case KA_GELU: act_kind(out, gate, up, n, KA_GELU); break;
	case KA_GELU_TANH: act_kind(out, gate, up, n, KA_GELU_TANH); break;
	case KA_RELU2: act_kind(out, gate, up, n, KA_RELU2); break;
	case KA_SWIGLU_OAI: act_kind(out, gate, up, n, KA_SWIGLU_OAI); break;
	case KA_SITU: act_kind(out, gate, up, n, KA_SITU); break;
	case KA_RELU: act_kind(out, gate, up, n, KA_RELU); break;
	default: act_kind(out, gate, up, n, KA_SIGMOID); break;
	}
}

static void add(float *out, const float *a, const float *b, uint64_t n)
{
	uint64_t i = 0;

	for (; i + W <= n; i += W)
		v_store(out + i, v_load(a + i) + v_load(b + i));
	for (; i < n; i++)
		out[i] = a[i] + b[i];
}
static void add_scaled(float *out, const float *x, float scale, uint64_t n)
{
	uint64_t i = 0;

	for (; i + W <= n; i += W)
		v_store(out + i, v_load(out + i) + scale * v_load(x + i));
	for (; i < n; i++)
		out[i] += scale * x[i];
}
static void mul(float *out, const float *a, const float *b, uint64_t n)
{
	uint64_t i = 0;

	for (; i + W <= n; i += W)
		v_store(out + i, v_load(a + i) * v_load(b + i));
	for (; i < n; i++)
		out[i] = a[i] * b[i];
}
static void scale_by(float *x, float scale, uint64_t n)
{
	uint64_t i = 0;

	for (; i + W <= n; i += W)
		v_store(x + i, v_load(x + i) * scale);
	for (; i < n; i++)
		x[i] *= scale;
}
static void softcap(float *x, float cap, uint64_t n)
{
	uint64_t i = 0;

	for (; i + W <= n; i += W)
		v_store(x + i, cap * v_tanh(v_load(x + i) / cap));
	if (i < n)
		v_store_part(x + i, cap * v_tanh(v_load_part(x + i, n - i) / cap), n - i);
}

static void softmax(float *x, uint64_t n)
{
	vf top = v_set(-INFINITY), sum = v_set(0);
	float max, total = 0;
	uint64_t i = 0;

	for (; i + W <= n; i += W)
		top = v_max(top, v_load(x + i));
	max = v_peak(top);
	for (; i < n; i++)
		max = x[i] > max ? x[i] : max;
	for (i = 0; i + W <= n; i += W) {
		const vf e = v_exp(v_load(x + i) - max);
		sum += e;
		v_store(x + i, e);
	}
	if (i < n)
		v_store_part(x + i, v_exp(v_load_part(x + i, n - i) - max), n - i);
	for (; i < n; i++)
		total += x[i];
	scale_by(x, 1 / (total + v_sum(sum)), n);
}

/* Byte for byte as formats.h quantises (numbers, that is, not NaN): d is the half nearest to the largest magnitude / 127; halves go away from zero. */
static void store_q8_0(struct q8_0_block *b, const float *x)
{
	vf top = v_set(0);

	for (int i = 0; i < 32; i += W)
		top = v_max(top, v_abs(v_load(x + i)));
	const float peak = v_peak(top) / 127;
	b->d = f32_to_f16(peak > 65504 ? 65504 : peak);
	const float d = f16_one(b->d), inverse = d > 0 ? 1 / d : 0;
	for (int i = 0; i < 32; i += W) {
		const vf r = v_max(v_set(-127), v_min(v_set(127), v_load(x + i) * inverse));
		const vf half = (vf)(((vi)r & (int32_t)0x80000000) | 0x3f000000);
		v_to_i8(b->q + i, r + half);
	}
}
static void store(void *out, uint32_t format, const float *x, uint64_t n)
{
	uint16_t *h = out;
	struct q8_0_block *b = out;
	uint64_t i = 0;

	if (format == KF_Q8_0) {
		for (; i + 32 <= n; i += 32)
			store_q8_0(b++, x + i);
	} else if (format == KF_F16) {
		for (; i + W <= n; i += W)
			v_to_f16(h + i, v_load(x + i));
		for (; i < n; i++)
			h[i] = f32_to_f16(x[i]);
	} else if (format == KF_BF16) {
		for (; i + W <= n; i += W)
			v_to_bf16(h + i, v_load(x + i));
		for (; i < n; i++)
			h[i] = f32_to_bf16(x[i]);
	} else {
		memcpy(out, x, n * sizeof *x);
	}
}

INLINE void load_kind(float *out, uint32_t format, const void *row, uint32_t n)
{
	uint32_t i = 0;

	for (; i + W <= n; i += W)
		v_store(out + i, v_row(format, row, i));
	if (i < n)
		v_store_part(out + i, v_row_part(format, row, i, n - i), n - i);
}
static void load(float *out, uint32_t format, const void *row, uint64_t n)
{
	switch (format) {
	case KF_F32: memcpy(out, row, n * sizeof *out); break;
	case KF_F16: load_kind(out, KF_F16, row, (uint32_t)n); break;
	case KF_BF16: load_kind(out, KF_BF16, row, (uint32_t)n); break;
	case KF_Q8_0: load_kind(out, KF_Q8_0, row, (uint32_t)n); break;
	default: kformat_find(format)->dequantise(out, row, n); break;
	}
}
