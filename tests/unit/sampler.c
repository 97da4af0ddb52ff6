/* sampler.c - which tokens the filters leave, how often each is drawn, seeds, bad logits */
#include "engine/sampler.h"

#include "../tap.h"

#include <math.h>
#include <stdint.h>

enum { VOCAB = 50, DRAWS = 200000 };

static struct sampler *open_one(float temperature, int32_t top_k, float top_p, float min_p, uint64_t seed)
{
	struct sampler *s = NULL;
	struct error err = { 0 };
	struct sampler_options o = { temperature, top_k, top_p, min_p, seed };

	if (sampler_open(&s, &o, VOCAB, &err) != OK) {
		printf("# %s\n", err.text);
		abort();
	}
	return s;
}

static uint64_t next(uint64_t *x) { return *x = *x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407); }

static void fill(float *logit, uint64_t seed)
{
	for (int i = 0; i < VOCAB; i++)
		logit[i] = (float)((double)(next(&seed) >> 40) / (1 << 24) * 8 - 4);
	logit[7] = logit[11];                    /* a tie */
	logit[13] = -INFINITY;
}

/* The probabilities that the filters and the temperature should leave: a plain reading of their definitions, by sorting. */
static void expect(double *p, const float *logit, const struct sampler_options *o)
{
	int order[VOCAB], n = VOCAB, keep = 0;
	double sum = 0, part = 0, best;

	for (int i = 0; i < VOCAB; i++) {
		int j = i;
		for (; j > 0 && logit[order[j - 1]] < logit[i]; j--)
			order[j] = order[j - 1];
		order[j] = i;
		p[i] = 0;
	}
	if (o->top_k > 0 && o->top_k < n)
		n = o->top_k;
	best = (double)logit[order[0]];
	for (int i = 0; i < n; i++)
		sum += exp((double)logit[order[i]] - best);
	while (keep < n && (part < (double)o->top_p * sum || o->top_p >= 1))
		part += exp((double)logit[order[keep++]] - best);
	while (keep > 1 && exp((double)logit[order[keep - 1]] - best) < (double)o->min_p)
		keep--;
	sum = 0;
	for (int i = 0; i < keep; i++)
		sum += p[order[i]] = exp(((double)logit[order[i]] - best) / (double)o->temperature);
	for (int i = 0; i < VOCAB; i++)
		p[i] /= sum;
}

static void check_draws(float temperature, int32_t top_k, float top_p, float min_p, uint64_t seed)
{
	struct sampler_options o = { temperature, top_k, top_p, min_p, seed };
	struct sampler *s = open_one(temperature, top_k, top_p, min_p, seed);
	struct error err = { 0 };
	static unsigned count[VOCAB];
	float logit[VOCAB];
	double p[VOCAB], worst = 0;
	int outside = 0, failed = 0, kept = 0;

	fill(logit, seed);
	expect(p, logit, &o);
	memset(count, 0, sizeof count);
	for (int i = 0; i < DRAWS; i++) {
		int32_t id = -1;
		if (sampler_pick(&id, s, logit, VOCAB, &err) != OK || id < 0 || id >= VOCAB)
			failed++;
		else
			count[id]++;
	}
	for (int i = 0; i < VOCAB; i++) {
		double sd = sqrt(DRAWS * p[i] * (1 - p[i])), d = fabs(count[i] - DRAWS * p[i]);
		kept += p[i] > 0;
		outside += p[i] <= 0 && count[i] > 0;
		if (sd > 0 && d / sd > worst)
			worst = d / sd;
	}
	/* 5 standard deviations: of some 500 numbers none goes beyond by chance in a million runs of this test, and the seeds are fixed */
	ok(!failed && !outside && worst < 5, "temperature %g, top-k %d, top-p %g, min-p %g: %d of %d tokens kept, frequencies within %.1f standard deviations", (double)temperature,
		top_k, (double)top_p, (double)min_p, kept, VOCAB, worst);
	sampler_close(s);
}

static void check_greedy(void)
{
	struct sampler *s = open_one(0, 40, 0.9f, 0.05f, 1);
	float logit[VOCAB];
	int32_t id = -1;

	fill(logit, 3);
	logit[20] = logit[40] = 9;
	ok(sampler_pick(&id, s, logit, VOCAB, NULL) == OK && id == 20, "temperature 0: the likeliest, the first of a tie (%d)", id);
	ok(sampler_pick(&id, s, logit, 10, NULL) == OK && id >= 0 && id < 10, "fewer logits than it was opened for");
	sampler_close(s);
	s = open_one(1, 1, 1, 0, 1);
	ok(sampler_pick(&id, s, logit, VOCAB, NULL) == OK && id == 20, "top-k 1 is the same token");
	sampler_close(s);
	s = open_one(1e-6f, 0, 1, 0, 1);
	logit[20] = 10;
	ok(sampler_pick(&id, s, logit, VOCAB, NULL) == OK && id == 20, "so is a temperature next to 0");
	sampler_close(s);
	for (int k = 0; k <= 5; k += 5) {
		s = open_one(1, k, 0, 0, 1);
		int same = 0;
		for (int i = 0; i < 50; i++)
			same += sampler_pick(&id, s, logit, VOCAB, NULL) == OK && id == 20;
		ok(same == 50, "and top-p 0, top-k %d", k);
		sampler_close(s);
	}
}

static void check_seed(void)
{
	struct sampler *a = open_one(1, 0, 1, 0, 42), *b = open_one(1, 0, 1, 0, 42), *c = open_one(1, 0, 1, 0, 43);
	float logit[VOCAB];
	int same = 0, other = 0;

	fill(logit, 5);
	for (int i = 0; i < 200; i++) {
		int32_t x = -1, y = -2, z = -3;
		(void)!sampler_pick(&x, a, logit, VOCAB, NULL);
		(void)!sampler_pick(&y, b, logit, VOCAB, NULL);
		(void)!sampler_pick(&z, c, logit, VOCAB, NULL);
		same += x == y;
		other += x == z;
	}
	ok(same == 200 && other < 100, "one seed, one row of tokens; another seed, another (%d of 200 equal)", other);
	sampler_close(a);
	sampler_close(b);
	sampler_close(c);
}

static void check_bad(void)
{
	static const struct sampler_options bad[] = { { -1, 0, 1, 0, 0 }, { NAN, 0, 1, 0, 0 }, { 1, 0, -0.1f, 0, 0 }, { 1, 0, NAN, 0, 0 }, { 1, 0, 1.5f, 0, 0 }, { 1, 0, 1, -0.1f, 0 }, { 1, 0, 1, NAN, 0 },
		{ INFINITY, 0, 1, 0, 0 } };
	struct sampler *s = open_one(1, 0, 1, 0, 1);
	struct error err = { 0 };
	float logit[VOCAB];
	int32_t id;

	fill(logit, 9);
	logit[31] = NAN;
	ok(sampler_pick(&id, s, logit, VOCAB, &err) == E_FORMAT && id == -1 && strstr(err.text, "token 31") && strstr(err.hint, "damaged"), "%s: %s", err.text, err.hint);
	logit[31] = INFINITY;
	ok(sampler_pick(&id, s, logit, VOCAB, &err) == E_FORMAT && id == -1, "%s", err.text);
	for (int i = 0; i < VOCAB; i++)
		logit[i] = -INFINITY;
	ok(sampler_pick(&id, s, logit, VOCAB, &err) == E_FORMAT && id == -1, "%s", err.text);
	logit[4] = -3e38f;
	ok(sampler_pick(&id, s, logit, VOCAB, &err) == OK && id == 4, "one possible token is taken");
	ok(sampler_pick(&id, s, logit, 0, &err) == E_USAGE && sampler_pick(&id, s, logit, VOCAB + 1, &err) == E_USAGE, "%s", err.text);
	sampler_close(s);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(sampler_open(&s, &bad[i], VOCAB, &err) == E_USAGE && !s, "%s", err.text);
}

int main(void)
{
	check_greedy();
	check_draws(1, 0, 1, 0, 1);
	check_draws(0.7f, 0, 1, 0, 2);
	check_draws(1, 5, 1, 0, 3);
	check_draws(1, 0, 0.8f, 0, 4);
	check_draws(1, 0, 1, 0.2f, 5);
	check_draws(0.8f, 20, 0.9f, 0.05f, 6);
	check_draws(1.5f, 3, 0.5f, 0, 7);
	check_draws(2, 0, 0.95f, 0.3f, 8);
	check_draws(1, 1000, 0.01f, 1, 9);
	check_draws(0.7f, 0, 1, 0.02f, 10);
	check_draws(1.3f, VOCAB, 1, 0.5f, 11);
	check_draws(1, 0, 1, 1, 12);
	check_draws(1, 12, 0.99f, 0.7f, 10);     /* all three: min-p has the last word */
	check_seed();
	check_bad();
	return done_testing();
}
