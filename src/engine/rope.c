/* rope.c - frequencies of rotary embeddings */
#include "engine/rope.h"

#include <math.h>

/* The pair whose wavelength makes `rotations` turns over the original context. */
static double yarn_pair(const struct hyper_rope *r, double rotations)
{
	return r->dims * log(r->original / (rotations * 2 * 3.14159265358979323846)) / (2 * log(r->theta));
}

/* Share of the unscaled frequency that pair i keeps: 1 for the fastest, 0 for the slowest. */
static double yarn_keep(const struct hyper_rope *r, uint32_t i)
{
	double low = fmax(0, floor(yarn_pair(r, r->beta_fast))), high = fmin(r->dims - 1, ceil(yarn_pair(r, r->beta_slow)));

	return (1 - fmin(1, fmax(0, (i - low) / fmax(0.001, high - low)))) * r->ext_factor;
}

void rope_frequencies(double *freq, float *mul, const struct hyper_rope *r, uint64_t ctx_tokens)
{
	const float *factors = r->factors_long && r->original && ctx_tokens > r->original ? r->factors_long : r->factors;

	*mul = (float)(r->mscale > 0 ? r->mscale : 1);
	for (uint32_t i = 0; i < r->dims / 2; i++) {
		double f = pow(r->theta, -2.0 * i / r->dims);

		if (factors)
			f /= (double)factors[i];
		if (r->scaling == ROPE_SCALING_LINEAR && r->factor > 0)
			f /= r->factor;
		if (r->scaling == ROPE_SCALING_YARN && r->factor > 0 && r->original) {
			double keep = yarn_keep(r, i);
			f = f / r->factor * (1 - keep) + f * keep;
		}
		freq[i] = f;
	}
}
