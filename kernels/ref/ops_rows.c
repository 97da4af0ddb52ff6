/* ops_rows.c - what each op on a row means, in double: norms, rotary embedding, activations, softmax, cache rows */
#include "cpu/isa.h"
#include "ref/ops_ref.h"

#include <math.h>
#include <string.h>

static void ref_rms_norm(float *out, const float *x, const float *w, uint64_t n, float eps)
{
	double sum = 0;

	for (uint64_t i = 0; i < n; i++)
		sum += (double)x[i] * x[i];
	const double r = 1 / sqrt(sum / (double)n + eps);
	for (uint64_t i = 0; i < n; i++)
		out[i] = (float)(x[i] * r * (w ? w[i] : 1));
}

static void ref_layer_norm(float *out, const float *x, const float *w, const float *b, uint64_t n, float eps)
{
	double sum = 0, square = 0;

	for (uint64_t i = 0; i < n; i++)
		sum += x[i];
	const double mean = sum / (double)n;
	for (uint64_t i = 0; i < n; i++)
		square += (x[i] - mean) * (x[i] - mean);
	const double r = 1 / sqrt(square / (double)n + eps);
	for (uint64_t i = 0; i < n; i++)
		out[i] = (float)((x[i] - mean) * r * (w ? w[i] : 1) + (b ? b[i] : 0));
}

static void ref_rope(float *x, const float *cs, uint32_t dims, int adjacent)
{
	for (uint32_t i = 0; i < dims / 2; i++) {
		float *a = adjacent ? x + 2 * i : x + i, *b = adjacent ? a + 1 : a + dims / 2;
		const double p = *a, q = *b, c = cs[2 * i], s = cs[2 * i + 1];
		*a = (float)(p * c - q * s);
		*b = (float)(p * s + q * c);
	}
}

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

/* transformers activations.py; SWIGLU_OAI: modeling_gpt_oss.py, alpha 1.702, limit 7; SITU: Kimi K3, modeling_kimi_linear.py
 * (SituAndMul), with activation_situ_beta 4 and activation_situ_linear_beta 25 of its config.json. */
static double act_of(double g, double u, int kind)
{
	switch (kind) {
	case KA_SILU: return g * sigmoid(g) * u;
	case KA_GELU: return 0.5 * g * erfc(-g * 0.70710678118654752440) * u;
	case KA_GELU_TANH: return g * sigmoid(2 * 0.79788456080286535588 * (g + 0.044715 * g * g * g)) * u;    /* (1 + tanh y) / 2 */
	case KA_RELU2: return (g < 0 ? 0 : g * g) * u;
	case KA_SITU: return 4 * tanh(g / 4) * sigmoid(g) * u;
	case KA_RELU: return (g < 0 ? 0 : g) * u;
	case KA_SIGMOID: return sigmoid(g) * u;
	default: return NAN;
	}
}
static double clamp(double x, double lo, double hi) { return x < lo ? lo : x > hi ? hi : x; }

static void ref_act(float *out, const float *gate, const float *up, uint64_t n, int kind)
{
	for (uint64_t i = 0; i < n; i++) {
		const double g = gate[i];
		if (kind == KA_SWIGLU_OAI) {
			const double c = g > 7 ? 7 : g;
			out[i] = (float)(c * sigmoid(1.702 * c) * (up ? clamp(up[i], -7, 7) + 1 : 1));
		} else if (kind == KA_SITU && up) {
			out[i] = (float)act_of(g, 25 * tanh(up[i] / 25.0), kind);
		} else {
			out[i] = (float)act_of(g, up ? up[i] : 1, kind);
		}
	}
}

static void ref_add(float *out, const float *a, const float *b, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		out[i] = a[i] + b[i];
}
static void ref_add_scaled(float *out, const float *x, float scale, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		out[i] = (float)(out[i] + (double)scale * x[i]);
}
static void ref_mul(float *out, const float *a, const float *b, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		out[i] = a[i] * b[i];
}
static void ref_scale(float *x, float scale, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		x[i] *= scale;
}
static void ref_softcap(float *x, float cap, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		x[i] = (float)(cap * tanh((double)x[i] / cap));
}

static void ref_softmax(float *x, uint64_t n)
{
	float max = -INFINITY;
	double sum = 0;

	for (uint64_t i = 0; i < n; i++)
		max = x[i] > max ? x[i] : max;
	for (uint64_t i = 0; i < n; i++)
		sum += exp((double)x[i] - max);
	for (uint64_t i = 0; i < n; i++)
		x[i] = (float)(exp((double)x[i] - max) / sum);
}

static void ref_store(void *out, uint32_t format, const float *x, uint64_t n)
{
	if (format == KF_F32)
		memcpy(out, x, n * sizeof *x);
	else
		kformat_find(format)->quantise(out, x, n);
}
void ref_load(float *out, uint32_t format, const void *row, uint64_t n)
{
	if (format == KF_F32)
		memcpy(out, row, n * sizeof *out);
	else
		kformat_find(format)->dequantise(out, row, n);
}

const struct ops ops_ref = {
	.isa = "ref", .can = isa_always, .rms_norm = ref_rms_norm, .layer_norm = ref_layer_norm, .rope = ref_rope, .act = ref_act,
	.add = ref_add, .add_scaled = ref_add_scaled, .mul = ref_mul, .scale = ref_scale, .softcap = ref_softcap, .softmax = ref_softmax,
	.store = ref_store, .load = ref_load, .attn_scratch = ref_attn_scratch, .attn = ref_attn, .conv = ref_conv, .delta = ref_delta,
	.ssd = ref_ssd
};
