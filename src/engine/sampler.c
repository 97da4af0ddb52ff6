/* sampler.c - a heap gives the likeliest tokens one by one, so that only as many are ordered as the filters keep */
#include "engine/sampler.h"

#include <math.h>
#include <stdlib.h>

struct candidate { float logit; int32_t id; };
struct sampler {
	struct sampler_options o;
	uint32_t cap;
	uint64_t state;
	struct candidate *heap, *kept;
	double *weight;
};

/* splitmix64 (Steele, Lea, Flood 2014): 53 bits of it are a number in [0, 1). */
static double draw(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

int sampler_open(struct sampler **out, const struct sampler_options *o, uint32_t vocab, struct error *err)
{
	struct sampler *s;

	*out = NULL;
	if (!(o->temperature >= 0) || !isfinite(o->temperature))
		return error_set(err, E_USAGE, "temperature %g must be 0 or more", (double)o->temperature);
	if (!(o->top_p >= 0 && o->top_p <= 1))
		return error_set(err, E_USAGE, "top-p %g must be in 0 to 1", (double)o->top_p);
	if (!(o->min_p >= 0 && o->min_p <= 1))
		return error_set(err, E_USAGE, "min-p %g must be in 0 to 1", (double)o->min_p);
	if (vocab == 0 || vocab > INT32_MAX)
		return error_set(err, E_USAGE, "a vocabulary of %u tokens cannot be sampled", vocab);
	s = calloc(1, sizeof *s);
	if (s) {
		s->heap = malloc(vocab * sizeof *s->heap);
		s->kept = malloc(vocab * sizeof *s->kept);
		s->weight = malloc(vocab * sizeof *s->weight);
	}
	if (!s || !s->heap || !s->kept || !s->weight) {
		sampler_close(s);
		return error_set(err, E_NOMEM, "no memory to sample among %u tokens", vocab);
	}
	s->o = *o;
	s->cap = vocab;
	s->state = o->seed;
	*out = s;
	return OK;
}

void sampler_close(struct sampler *s)
{
	if (!s)
		return;
	free(s->heap);
	free(s->kept);
	free(s->weight);
	free(s);
}

static int better(const struct candidate *a, const struct candidate *b) { return a->logit > b->logit || (a->logit == b->logit && a->id < b->id); }

static void sift(struct candidate *heap, uint32_t n, uint32_t i)
{
	struct candidate x = heap[i];
	uint32_t child;

	while (i < n / 2 && (child = 2 * i + 1) < n) {
		if (child + 1 < n && better(&heap[child + 1], &heap[child]))
			child++;
		if (!better(&heap[child], &x))
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = x;
}

/* Fills kept with what min-p alone leaves, in any order: it needs none, and to order a whole vocabulary takes longer than a step of a small model. */
static uint32_t filter_min_p(struct sampler *s, uint32_t n, float best)
{
	const double least = s->o.min_p > 0 ? (double)best + log((double)s->o.min_p) : -INFINITY;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n; i++)
		if ((double)s->heap[i].logit >= least)
			s->kept[kept++] = s->heap[i];
	return kept;
}

/* Fills kept, best first, with what top-k, top-p or both and then min-p leave; returns how many. */
static uint32_t filter(struct sampler *s, uint32_t n)
{
	uint32_t limit = s->o.top_k > 0 && (uint32_t)s->o.top_k < n ? (uint32_t)s->o.top_k : n, kept = 0, left = n;
	double best = (double)s->heap[0].logit, sum = 0, reached = 0;
	int all = s->o.top_p >= 1;

	/* top-p is of what top-k leaves, so its sum needs them all; without top-k any order will do */
	if (limit == n)
		for (uint32_t i = 0; i < n; i++)
			sum += exp((double)s->heap[i].logit - best);
	while (kept < limit) {
		struct candidate top = s->heap[0];
		double w = exp((double)top.logit - best);
		/* min-p: of the best one's probability; the best is always kept */
		if (kept && s->o.min_p > 0 && (all || limit == n) && w < (double)s->o.min_p)
			break;
		s->weight[kept] = w;
		s->kept[kept++] = top;
		reached += w;
		if (limit == n && reached >= (double)s->o.top_p * sum)
			break;
		s->heap[0] = s->heap[--left];
		if (left)
			sift(s->heap, left, 0);
	}
	if (!all && limit < n) {
		double part = 0;
		uint32_t i = 0;
		while (i < kept && part < (double)s->o.top_p * reached)
			part += s->weight[i++];
		kept = i ? i : 1;
	}
	while (kept > 1 && s->weight[kept - 1] < (double)s->o.min_p)
		kept--;
	return kept;
}

int sampler_pick(int32_t *token, struct sampler *s, const float *logits, uint32_t vocab, struct error *err)
{
	uint32_t n = 0, kept;
	double sum = 0, at;
	int32_t best = -1;

	*token = -1;
	if (vocab == 0 || vocab > s->cap)
		return error_set(err, E_USAGE, "%u logits for a sampler of %u", vocab, s->cap);
	for (uint32_t i = 0; i < vocab; i++) {
		if (isnan(logits[i]) || (isinf(logits[i]) && logits[i] > 0)) {
			error_set(err, E_FORMAT, "the logit of token %u is %s", i, isnan(logits[i]) ? "not a number" : "infinite");
			error_hint(err, "the weights are damaged, or a number became too large for its format");
			return E_FORMAT;
		}
		if (isinf(logits[i]))
			continue;
		if (best < 0 || logits[i] > logits[best])
			best = (int32_t)i;
		s->heap[n++] = (struct candidate){ logits[i], (int32_t)i };
	}
	if (best < 0)
		return error_set(err, E_FORMAT, "no token is possible: all %u logits are -infinity", vocab);
	*token = best;
	if (!(s->o.temperature > 0))
		return OK;
	if (s->o.top_p >= 1 && (s->o.top_k <= 0 || (uint32_t)s->o.top_k >= n)) {
		kept = filter_min_p(s, n, logits[best]);
	} else {
		for (uint32_t i = n / 2; i-- > 0;)
			sift(s->heap, n, i);
		kept = filter(s, n);
	}
	for (uint32_t i = 0; i < kept; i++) {
		s->weight[i] = exp(((double)s->kept[i].logit - (double)logits[best]) / (double)s->o.temperature);
		sum += s->weight[i];
	}
	at = draw(&s->state) * sum;
	for (uint32_t i = 0; i < kept; i++) {
		*token = s->kept[i].id;
		at -= s->weight[i];
		if (at < 0)
			break;
	}
	return OK;
}
