/* kernels_state.c - convolution, delta rule and Mamba-2 of every table, and of ref, against sums in double written from the papers' formulas
 *
 * The reference is of whole sequences: it keeps every state in double and takes nothing over from the code under test. A state is left
 * to decay, so errors of a step fade; bounds are chains of roundings times the sum of magnitudes that went into a number. */
#include "kernels_ops.h"

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

enum { PIECES = 3 };
/* Tokens all at once, one by one, or in two pieces. */
static uint32_t piece(int how, uint32_t done, uint32_t tokens)
{
	return how == 0 ? tokens : how == 1 ? 1 : done ? tokens - done : (tokens + 1) / 2;
}

struct conv_shape { uint32_t channels, kernel, c0, c1, tokens; uint8_t silu, bias; };
static unsigned wrong_conv(const struct ops *o, const struct conv_shape *s, int how)
{
	const uint32_t back = s->kernel - 1, stride = s->channels + 3;
	const uint64_t states = (uint64_t)back * s->channels, outs = (uint64_t)s->tokens * stride;
	float *x = must_have(outs * sizeof *x), *w = must_have((uint64_t)s->channels * s->kernel * sizeof *w), *bias = must_have(s->channels * sizeof *bias);
	float *before = must_have(states * sizeof *before), *state = out_new(states * sizeof *state), *out = out_new(outs * sizeof *out);
	unsigned wrong = 0;

	fill(x, outs, 2), fill(w, (uint64_t)s->channels * s->kernel, 1), fill(bias, s->channels, 1), fill(before, states, 2);
	memcpy(state, before, states * sizeof *state);
	for (uint32_t t = 0, n; t < s->tokens; t += n) {
		n = piece(how, t, s->tokens);
		o->conv(&(struct conv_args){ .channels = s->channels, .kernel = s->kernel, .c0 = s->c0, .c1 = s->c1, .tokens = n, .x = x + (uint64_t)t * stride,
			.x_stride = stride, .w = w, .bias = s->bias ? bias : NULL, .state = state, .out = out + (uint64_t)t * stride, .out_stride = stride, .silu = s->silu });
	}
	for (uint32_t c = 0; c < s->channels; c++) {
		const int mine = c >= s->c0 && c < s->c1;
		for (uint32_t t = 0; t < s->tokens; t++) {
			double y = s->bias ? bias[c] : 0, size = fabs(y);
			for (uint32_t j = 0; j < s->kernel; j++) {
				const int64_t at = (int64_t)t + j - back;
				const double v = at < 0 ? before[(at + back) * s->channels + c] : x[at * stride + c];
				y += w[(uint64_t)c * s->kernel + j] * v;
				size += fabs(w[(uint64_t)c * s->kernel + j] * v);
			}
			const double got = out[(uint64_t)t * stride + c];
			if (mine)
				wrong += differs(got, s->silu ? y * sigmoid(y) : y, 1.1 * (s->kernel + 2) * U * size + 10 * U * fabs(y));
			else
				wrong += !isnan(got);
		}
		for (uint32_t j = 0; j < back; j++) {
			const int64_t at = (int64_t)s->tokens + j - back;
			const float want = !mine ? before[(uint64_t)j * s->channels + c] : at < 0 ? before[(at + back) * s->channels + c] : x[at * stride + c];
			wrong += state[(uint64_t)j * s->channels + c] != want;
		}
	}
	wrong += out_free(state, states * sizeof *state) + out_free(out, outs * sizeof *out);
	free(x), free(w), free(bias), free(before);
	return wrong;
}

struct delta_shape { uint32_t k_heads, v_heads, k_dim, v_dim, head0, head1, tokens; uint8_t per_channel, tiled; };
/* transformers modeling_qwen3_next.py, torch_recurrent_gated_delta_rule, a head at a time; size follows the sums of magnitudes beside it. */
static void delta_plain(const struct delta_args *a, uint32_t h, double *s, double *size, double *out, double *out_size)
{
	const uint32_t kh = a->tiled ? h % a->k_heads : h * a->k_heads / a->v_heads, kd = a->k_dim, vd = a->v_dim;

	for (uint32_t t = 0; t < a->tokens; t++) {
		const float *q = a->q + t * a->q_stride + kh * kd, *k = a->k + t * a->k_stride + kh * kd, *v = a->v + t * a->v_stride + h * vd;
		const double beta = a->beta[t * a->beta_stride + h];
		double qq = a->eps, kk = a->eps;
		for (uint32_t i = 0; i < kd; i++)
			qq += (double)q[i] * q[i], kk += (double)k[i] * k[i];
		for (uint32_t i = 0; i < kd * vd; i++) {
			const double decay = exp(a->g[t * a->g_stride + (a->per_channel ? h * kd + i / vd : h)]);
			s[i] *= decay, size[i] *= decay;
		}
		for (uint32_t j = 0; j < vd; j++) {
			double kv = 0, kv_size = 0, y = 0, y_size = 0;
			for (uint32_t i = 0; i < kd; i++)
				kv += s[i * vd + j] * k[i] / sqrt(kk), kv_size += size[i * vd + j] * fabs(k[i]) / sqrt(kk);
			for (uint32_t i = 0; i < kd; i++) {
				s[i * vd + j] += k[i] / sqrt(kk) * (v[j] - kv) * beta;
				size[i * vd + j] += fabs(k[i]) / sqrt(kk) * (fabs(v[j]) + kv_size) * beta;
				y += s[i * vd + j] * q[i] / sqrt(qq) / sqrt(kd);
				y_size += size[i * vd + j] * fabs(q[i]) / sqrt(qq) / sqrt(kd);
			}
			out[(uint64_t)t * a->v_heads * vd + h * vd + j] = y;
			out_size[(uint64_t)t * a->v_heads * vd + h * vd + j] = y_size;
		}
	}
}
static unsigned wrong_delta(const struct ops *o, const struct delta_shape *s, int how)
{
	const uint64_t cells = (uint64_t)s->k_dim * s->v_dim, states = cells * s->v_heads, width = (uint64_t)s->v_heads * s->v_dim;
	const uint64_t kw = (uint64_t)s->k_heads * s->k_dim + 1, gw = s->per_channel ? (uint64_t)s->v_heads * s->k_dim : s->v_heads;
	float *q = must_have(kw * s->tokens * sizeof *q), *k = must_have(kw * s->tokens * sizeof *k), *v = must_have((width + 2) * s->tokens * sizeof *v);
	float *g = must_have(gw * s->tokens * sizeof *g), *beta = must_have((uint64_t)s->v_heads * s->tokens * sizeof *beta), *before = must_have(states * sizeof *before);
	float *state = out_new(states * sizeof *state), *out = out_new((width + 3) * s->tokens * sizeof *out);
	double *plain = must_have(cells * sizeof *plain), *size = must_have(cells * sizeof *size);
	double *want = must_have(width * s->tokens * sizeof *want), *want_size = must_have(width * s->tokens * sizeof *want_size);
	const double cost = 1.1 * (4 * s->k_dim + 30) * U;
	unsigned wrong = 0;

	fill(q, kw * s->tokens, 2), fill(k, kw * s->tokens, 2), fill(v, (width + 2) * s->tokens, 2), fill(before, states, 1);
	for (uint64_t i = 0; i < gw * s->tokens; i++)
		g[i] = -0.3f * fabsf(uniform()) - 0.05f;
	for (uint64_t i = 0; i < (uint64_t)s->v_heads * s->tokens; i++)
		beta[i] = 0.5f + 0.49f * uniform();
	memcpy(state, before, states * sizeof *state);
	struct delta_args a = { .k_heads = s->k_heads, .v_heads = s->v_heads, .k_dim = s->k_dim, .v_dim = s->v_dim, .head0 = s->head0, .head1 = s->head1,
		.tokens = s->tokens, .q = q, .k = k, .v = v, .q_stride = kw, .k_stride = kw, .v_stride = width + 2, .g = g, .g_stride = gw, .beta = beta,
		.beta_stride = s->v_heads, .state = state, .out = out, .out_stride = width + 3, .per_channel = s->per_channel, .tiled = s->tiled, .eps = how == 1 ? 0.5f : 1e-6f };
	for (uint32_t t = 0; t < s->tokens; t += a.tokens) {
		a.tokens = piece(how, t, s->tokens);
		a.q = q + t * kw, a.k = k + t * kw, a.v = v + t * (width + 2), a.g = g + t * gw, a.beta = beta + (uint64_t)t * s->v_heads, a.out = out + t * (width + 3);
		o->delta(&a);
	}
	a.q = q, a.k = k, a.v = v, a.g = g, a.beta = beta, a.tokens = s->tokens;
	for (uint32_t h = 0; h < s->v_heads; h++) {
		const int mine = h >= s->head0 && h < s->head1;
		for (uint64_t i = 0; i < cells; i++)
			plain[i] = before[h * cells + i], size[i] = fabs(plain[i]);
		delta_plain(&a, h, plain, size, want, want_size);
		for (uint64_t i = 0; i < cells; i++)
			wrong += mine ? differs(state[h * cells + i], plain[i], cost * size[i]) : state[h * cells + i] != before[h * cells + i];
		for (uint64_t i = 0; i < (uint64_t)s->tokens * s->v_dim; i++) {
			const uint64_t t = i / s->v_dim, at = h * s->v_dim + i % s->v_dim;
			const double got = out[t * (width + 3) + at];
			wrong += mine ? differs(got, want[t * width + at], cost * want_size[t * width + at]) : !isnan(got);
		}
	}
	wrong += out_free(state, states * sizeof *state) + out_free(out, (width + 3) * s->tokens * sizeof *out);
	free(q), free(k), free(v), free(g), free(beta), free(before), free(plain), free(size), free(want), free(want_size);
	return wrong;
}

struct ssd_shape { uint32_t heads, head_dim, groups, state_dim, head0, head1, tokens; };
/* mamba_ssm selective_state_update.py, selective_state_update_ref with A, dt and D one number a head. */
static unsigned wrong_ssd(const struct ops *o, const struct ssd_shape *s, int how)
{
	const uint64_t width = (uint64_t)s->heads * s->head_dim, side = (uint64_t)s->groups * s->state_dim, stride = width + 2 * side, states = width * s->state_dim;
	float *x = must_have(stride * s->tokens * sizeof *x), *dt = must_have((uint64_t)s->heads * s->tokens * sizeof *dt), *ad = must_have(2 * s->heads * sizeof *ad);
	float *before = must_have(states * sizeof *before), *state = out_new(states * sizeof *state), *out = out_new(width * s->tokens * sizeof *out);
	const double cost = 1.1 * (s->state_dim + 20) * U;
	unsigned wrong = 0;

	fill(x, stride * s->tokens, 2), fill(before, states, 1), fill(ad, 2 * s->heads, 1);
	for (uint32_t h = 0; h < s->heads; h++)
		ad[h] = -fabsf(ad[h]) - 0.1f;
	for (uint64_t i = 0; i < (uint64_t)s->heads * s->tokens; i++)
		dt[i] = 0.5f + 0.49f * uniform();
	memcpy(state, before, states * sizeof *state);
	for (uint32_t t = 0, n; t < s->tokens; t += n) {
		n = piece(how, t, s->tokens);
		o->ssd(&(struct ssd_args){ .heads = s->heads, .head_dim = s->head_dim, .groups = s->groups, .state_dim = s->state_dim, .head0 = s->head0, .head1 = s->head1,
			.tokens = n, .x = x + t * stride, .b = x + t * stride + width, .c = x + t * stride + width + side, .stride = stride, .dt = dt + (uint64_t)t * s->heads,
			.dt_stride = s->heads, .a = ad, .d = ad + s->heads, .state = state, .out = out + t * width, .out_stride = width });
	}
	for (uint64_t at = 0; at < width; at++) {
		const uint64_t h = at / s->head_dim, g = h * s->groups / s->heads;
		const int mine = h >= s->head0 && h < s->head1;
		double y[64] = { 0 }, y_size[64] = { 0 };
		for (uint32_t i = 0; i < s->state_dim; i++) {
			double v = before[at * s->state_dim + i], size = fabs(v);
			for (uint32_t t = 0; t < s->tokens; t++) {
				const float *row = x + t * stride;
				const double step = dt[(uint64_t)t * s->heads + h], in = step * row[at] * row[width + g * s->state_dim + i], c = row[width + side + g * s->state_dim + i];
				v = exp(step * ad[h]) * v + in;
				size = exp(step * ad[h]) * size + fabs(in);
				y[t] += v * c, y_size[t] += size * fabs(c);
			}
			const float got = state[at * s->state_dim + i];
			wrong += mine ? differs(got, v, cost * size) : got != before[at * s->state_dim + i];
		}
		for (uint32_t t = 0; t < s->tokens; t++) {
			const double d = (double)ad[s->heads + h] * x[t * stride + at], got = out[t * width + at];
			wrong += mine ? differs(got, y[t] + d, cost * (y_size[t] + fabs(d))) : !isnan(got);
		}
	}
	wrong += out_free(state, states * sizeof *state) + out_free(out, width * s->tokens * sizeof *out);
	free(x), free(dt), free(ad), free(before);
	return wrong;
}

/* Wrong on purpose. */
static const struct ops *good;
static void conv_late(const struct conv_args *a)
{
	struct conv_args b = *a;

	b.c1 -= b.c1 % 16 == 1;
	good->conv(&b);
}
static void delta_undecayed(const struct delta_args *a)
{
	static float none[4096];
	struct delta_args b = *a;

	b.g = none;
	b.g_stride = 0;
	good->delta(&b);
}
static void ssd_without_d(const struct ssd_args *a)
{
	static float none[64];
	struct ssd_args b = *a;

	b.d = none;
	good->ssd(&b);
}

static const struct conv_shape convs[] = { { 33, 4, 0, 33, 7, 1, 1 }, { 64, 4, 16, 48, 1, 1, 0 }, { 100, 2, 3, 90, 5, 0, 1 }, { 20, 12, 0, 20, 9, 1, 1 }, { 16, 1, 0, 16, 3, 0, 0 } };
static const struct delta_shape deltas[] = { { 2, 4, 32, 48, 0, 4, 6, 0, 0 }, { 2, 4, 64, 64, 1, 3, 3, 0, 1 }, { 2, 2, 17, 9, 0, 2, 5, 1, 0 }, { 1, 1, 128, 128, 0, 1, 4, 1, 0 }, { 1, 1, 300, 20, 0, 1, 3, 1, 0 } };
static const struct ssd_shape ssds[] = { { 4, 8, 2, 16, 0, 4, 6 }, { 6, 5, 1, 128, 2, 5, 4 }, { 3, 64, 3, 19, 0, 3, 3 } };
#define EACH(i, table) for (unsigned i = 0; i < sizeof table / sizeof *table; i++)

int main(void)
{
	seed_open();
	for (const struct ops *const *o = ops_tables; *o; o++) {
		static const char *const hows[PIECES] = { "all at once", "one by one", "in pieces" };
		if (!(*o)->can()) {
			skip("not on this processor", "%s", (*o)->isa);
			continue;
		}
		for (int how = 0; how < PIECES; how++) {
			EACH(i, convs)
				ok_wrong(wrong_conv(*o, convs + i, how), "%s convolution %u, %s", (*o)->isa, i, hows[how]);
			EACH(i, deltas)
				ok_wrong(wrong_delta(*o, deltas + i, how), "%s delta rule %u, %s", (*o)->isa, i, hows[how]);
			EACH(i, ssds)
				ok_wrong(wrong_ssd(*o, ssds + i, how), "%s mamba-2 %u, %s", (*o)->isa, i, hows[how]);
		}
	}
	good = ops_best(NULL);
	struct ops bad = *good;
	bad.conv = conv_late;
	bad.delta = delta_undecayed;
	bad.ssd = ssd_without_d;
	ok(wrong_conv(&bad, convs, 0) > 0, "a channel left out is seen");
	ok(wrong_delta(&bad, deltas, 0) > 0, "no decay is seen");
	ok(wrong_ssd(&bad, ssds, 0) > 0, "no way past the state is seen");
	return done_testing();
}
