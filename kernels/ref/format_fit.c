/* format_fit.c - scales of groups */
#include "ref/format_fit.h"
#include "ref/format.h"

/* Scales a little below and above the one that spans the whole range: clipping the ends a bit often pays. */
static const float trial[] = { 0, -0.6f, -0.3f, 0.3f, 0.6f, 0.9f };
enum { TRIALS = sizeof trial / sizeof *trial };

void fit_min(float *scale, float *min, const float *x, int n, int top)
{
	float lo, hi, best = -1;

	range(&lo, &hi, x, n);
	lo = lo < 0 ? lo : 0;
	*scale = *min = 0;
	if (!(hi > lo)) {                        /* all the same and not positive; or no numbers */
		*min = lo < 0 ? -lo : 0;
		return;
	}
	for (int t = 0; t < TRIALS; t++) {
		float is = ((float)top + trial[t]) / (hi - lo), su = 0, suu = 0, sx = 0, sux = 0, s, m, error = 0;
		for (int i = 0; i < n; i++) {
			float u = (float)round_within(is * (x[i] - lo), 0, top);
			su += u;
			suu += u * u;
			sx += x[i];
			sux += u * x[i];
		}
		s = (float)n * suu - su * su;
		if (!(s > 0))
			continue;
		s = ((float)n * sux - su * sx) / s;
		m = (s * su - sx) / (float)n;
		if (m < 0) {
			m = 0;
			s = sux / suu;
		}
		if (!(s > 0))
			continue;
		is = 1 / s;
		for (int i = 0; i < n; i++) {
			float e = s * (float)round_within(is * (x[i] + m), 0, top) - m - x[i];
			error += e * e;
		}
		if (best < 0 || error < best) {
			best = error;
			*scale = s;
			*min = m;
		}
	}
	if (best < 0) {
		*scale = (hi - lo) / (float)top;
		*min = -lo;
	}
}

/* With q given, s = sum(x q) / sum(q q) is best and takes s sum(x q) off the error. */
float fit_zero(const float *x, int n, int half)
{
	float max = largest(x, n), best = 0, scale = -max / (float)half;

	if (max == 0)
		return 0;
	for (int t = 0; t < TRIALS; t++) {
		float is = -((float)half + trial[t]) / max, sqq = 0, sxq = 0;
		for (int i = 0; i < n; i++) {
			float q = (float)round_within(is * x[i], -half, half - 1);
			sqq += q * q;
			sxq += q * x[i];
		}
		if (sqq > 0 && sxq * sxq > best * sqq) {
			best = sxq * sxq / sqq;
			scale = sxq / sqq;
		}
	}
	return scale;
}

float fit_iq4(const float *x, int n)
{
	float max = largest(x, n), best = 0, scale = max / (float)iq4_values[0];

	if (max == 0)
		return 0;
	for (int t = 0; t < 2 * TRIALS; t++) {
		float is = ((float)iq4_values[0] - 12 * trial[t / 2]) / max * (t % 2 ? 1 : -0.9f), sqq = 0, sxq = 0;
		for (int i = 0; i < n; i++) {
			float q = (float)iq4_values[nearest(iq4_values, 16, is * x[i])];
			sqq += q * q;
			sxq += q * x[i];
		}
		if (sqq > 0 && sxq * sxq > best * sqq) {
			best = sxq * sxq / sqq;
			scale = sxq / sqq;
		}
	}
	return scale;
}
