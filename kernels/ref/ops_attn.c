/* ops_attn.c - what attention means, in double: two passes over what a token sees, the largest score, then the weighted sum */
#include "ref/ops_ref.h"

#include <math.h>

/* doubles of the sum, then a row of K or V as floats */
uint64_t ref_attn_scratch(const struct attn_args *a)
{
	const uint64_t dim = a->k_dim > a->v_dim ? a->k_dim : a->v_dim;

	return a->v_dim * sizeof(double) + (dim + 32) * sizeof(float);
}

static const void *row_of(const void *base, const struct attn_args *a, uint32_t position, uint64_t row_bytes, uint64_t head_bytes, uint32_t head)
{
	return (const char *)base + position % a->ring * row_bytes + head * head_bytes;
}

static double score(const struct attn_args *a, const float *q, uint32_t kv, uint32_t position, float *row)
{
	double sum = 0;

	ref_load(row, a->format_k, row_of(a->k, a, position, a->k_row_bytes, a->k_head_bytes, kv), a->k_dim);
	for (uint32_t i = 0; i < a->k_dim; i++)
		sum += (double)q[i] * row[i];
	sum *= a->scale;
	return a->softcap > 0 ? a->softcap * tanh(sum / a->softcap) : sum;
}

void ref_attn(const struct attn_args *a, void *scratch)
{
	double *acc = scratch;
	float *row = (float *)(acc + a->v_dim);

	for (uint32_t t = a->token0; t < a->token1; t++) {
		const uint32_t p = a->first + t;
		uint32_t from = a->window && p >= a->window ? p - a->window + 1 : 0;
		if (a->chunk && p / a->chunk * a->chunk > from)
			from = p / a->chunk * a->chunk;
		const uint32_t n = a->entries ? a->n_entries : p - from + 1;
		for (uint32_t h = a->head0; h < a->head1; h++) {
			const float *q = a->q + t * a->q_stride + h * a->q_head_stride;
			const uint32_t kv = h / (a->q_heads / a->kv_heads);
			float *out = a->out + t * a->out_stride + (uint64_t)h * a->v_dim;
			double max = a->sinks ? a->sinks[h] : -INFINITY, sum = 0;

			for (uint32_t i = 0; i < n; i++)
				max = fmax(max, score(a, q, kv, a->entries ? a->entries[i] : from + i, row));
			for (uint32_t j = 0; j < a->v_dim; j++)
				acc[j] = 0;
			for (uint32_t i = 0; i < n; i++) {
				const uint32_t at = a->entries ? a->entries[i] : from + i;
				const double w = exp(score(a, q, kv, at, row) - max);
				sum += w;
				ref_load(row, a->format_v, row_of(a->v, a, at, a->v_row_bytes, a->v_head_bytes, kv), a->v_dim);
				for (uint32_t j = 0; j < a->v_dim; j++)
					acc[j] += w * row[j];
			}
			if (a->sinks)
				sum += exp(a->sinks[h] - max);
			for (uint32_t j = 0; j < a->v_dim; j++)
				out[j] = sum == 0 ? 0 : (float)(acc[j] / sum);
		}
	}
}
