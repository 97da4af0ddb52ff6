/* ops_state.c - what the recurrent parts mean, in double, one token after the other; states are kept as floats between tokens */
#include "ref/ops_ref.h"

#include <math.h>

void ref_conv(const struct conv_args *a)
{
	const uint32_t back = a->kernel - 1;

	for (uint32_t c = a->c0; c < a->c1; c++)
		for (uint32_t t = 0; t < a->tokens; t++) {
			const float x = a->x[t * a->x_stride + c];
			double y = a->bias ? a->bias[c] : 0;
			for (uint32_t j = 0; j < back; j++)
				y += (double)a->w[(uint64_t)c * a->kernel + j] * a->state[(uint64_t)j * a->channels + c];
			y += (double)a->w[(uint64_t)c * a->kernel + back] * x;
			a->out[t * a->out_stride + c] = (float)(a->silu ? y / (1 + exp(-y)) : y);
			for (uint32_t j = 0; j + 1 < back; j++)
				a->state[(uint64_t)j * a->channels + c] = a->state[(uint64_t)(j + 1) * a->channels + c];
			if (back)
				a->state[(uint64_t)(back - 1) * a->channels + c] = x;
		}
}

static double inverse_length(const float *x, uint32_t n, float eps)
{
	double sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += (double)x[i] * x[i];
	return 1 / sqrt(sum + eps);
}

void ref_delta(const struct delta_args *a)
{
	for (uint32_t t = 0; t < a->tokens; t++)
		for (uint32_t h = a->head0; h < a->head1; h++) {
			const uint32_t kh = a->tiled ? h % a->k_heads : h / (a->v_heads / a->k_heads);
			const float *q = a->q + t * a->q_stride + (uint64_t)kh * a->k_dim, *k = a->k + t * a->k_stride + (uint64_t)kh * a->k_dim;
			const float *v = a->v + t * a->v_stride + (uint64_t)h * a->v_dim, *g = a->g + t * a->g_stride;
			const double beta = a->beta[t * a->beta_stride + h], q_scale = inverse_length(q, a->k_dim, a->eps) / sqrt(a->k_dim);
			const double k_scale = inverse_length(k, a->k_dim, a->eps);
			const double all = a->per_channel ? 0 : exp(g[h]);
			float *state = a->state + (uint64_t)h * a->k_dim * a->v_dim;

			for (uint32_t j = 0; j < a->v_dim; j++) {
				double kept = 0, out = 0;
				for (uint32_t i = 0; i < a->k_dim; i++) {
					const double decay = a->per_channel ? exp(g[(uint64_t)h * a->k_dim + i]) : all;
					kept += k[i] * k_scale * decay * state[(uint64_t)i * a->v_dim + j];
				}
				const double d = (v[j] - kept) * beta;
				for (uint32_t i = 0; i < a->k_dim; i++) {
					const double decay = a->per_channel ? exp(g[(uint64_t)h * a->k_dim + i]) : all;
					const double s = decay * state[(uint64_t)i * a->v_dim + j] + k[i] * k_scale * d;
					state[(uint64_t)i * a->v_dim + j] = (float)s;
					out += q[i] * q_scale * s;
				}
				a->out[t * a->out_stride + (uint64_t)h * a->v_dim + j] = (float)out;
			}
		}
}

void ref_ssd(const struct ssd_args *a)
{
	for (uint32_t t = 0; t < a->tokens; t++)
		for (uint32_t h = a->head0; h < a->head1; h++) {
			const uint64_t group = h / (a->heads / a->groups);
			const float *b = a->b + t * a->stride + group * a->state_dim, *c = a->c + t * a->stride + group * a->state_dim;
			const double dt = a->dt[t * a->dt_stride + h], decay = exp(dt * a->a[h]);

			for (uint32_t j = 0; j < a->head_dim; j++) {
				const uint64_t at = (uint64_t)h * a->head_dim + j;
				const double x = a->x[t * a->stride + at];
				double y = a->d[h] * x;
				for (uint32_t i = 0; i < a->state_dim; i++) {
					const double s = decay * a->state[at * a->state_dim + i] + dt * x * b[i];
					a->state[at * a->state_dim + i] = (float)s;
					y += s * c[i];
				}
				a->out[t * a->out_stride + at] = (float)y;
			}
		}
}
