/* runs.c - a weighted mean over the runs seen */
#include "calc/runs.h"

#include <math.h>
#include <string.h>

static double distance(const struct engine_run *r, const struct run_kind *k)
{
	if (r->phase != k->phase || strcmp(r->format, k->format) || !(r->bytes > 0) || !(k->bytes > 0) || !r->sequences || !k->sequences)
		return INFINITY;
	return fabs(log2(r->bytes / k->bytes)) + fabs(log2((double)r->sequences / k->sequences)) + fabs(log2((1024 + r->depth) / (1024 + k->depth)));
}

int runs_share(struct run_share *out, const struct engine_run *runs, unsigned n, const struct run_kind *kind)
{
	double sum = 0, weights = 0, spread = 0, best = INFINITY;

	for (unsigned i = 0; i < n; i++)
		best = fmin(best, distance(&runs[i], kind));
	if (!(best <= RUNS_FAR))
		return 0;
	for (unsigned i = 0; i < n; i++) {
		double d = distance(&runs[i], kind);
		if (!(d <= RUNS_FAR))
			continue;
		/* one doubling further counts a sixteenth; of the same kind all count alike */
		double w = exp2(-4 * (d - best));
		sum += w * log(runs[i].factor);
		spread += w * runs[i].spread;
		weights += w;
	}
	/* what a run of the same kind differs by from day to day, or from run to run if that is more; a tenth more for each doubling */
	double around = fmin(fmax(0.1, spread / weights) + 0.1 * best, 0.9);
	out->value = exp(sum / weights);
	out->low = out->value * (1 - around);
	out->high = out->value * (1 + around);
	out->distance = best;
	return 1;
}
