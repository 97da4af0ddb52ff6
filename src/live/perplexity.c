/* perplexity.c - chunks through the engine, tokens scored */
#include "live/perplexity.h"

#include "engine/tokenizer.h"

#include <math.h>

enum { STEP = 512 };

/* -log softmax(l)[token] */
static double surprise(const float *l, uint32_t n, int32_t token)
{
	uint32_t best = 0;
	double sum = 1;                  /* the likeliest itself: exp(0) */

	for (uint32_t i = 1; i < n; i++)
		best = l[i] > l[best] ? i : best;
	for (uint32_t i = 0; i < n; i++)
		if (i != best)
			sum += (double)expf(l[i] - l[best]);
	return (double)l[best] + log(sum) - (double)l[token];
}

int perplexity_chunk(struct perplexity *p, struct engine *e, uint32_t outputs, const int32_t *token, uint32_t n, int32_t bos, struct error *err)
{
	int32_t id[STEP], position[STEP], slot[STEP] = { 0 }, row[STEP];
	struct engine_info info;
	uint32_t max;
	int rc = OK;

	engine_info(&info, e);
	if (n < 4 || n % 2 || n > info.ctx_tokens || !outputs)
		return error_set(err, E_USAGE, "a chunk of %u tokens: wants an even number, at most the context of %llu", n, (unsigned long long)info.ctx_tokens);
	max = info.ubatch < STEP ? info.ubatch : STEP;
	engine_clear(e, 0);
	for (uint32_t at = 0, k; at < n && rc == OK; at += k) {
		int scored = at >= n / 2;
		k = scored ? n - at : n / 2 - at;
		k = k > max ? max : k;
		k = scored && k > outputs ? outputs : k;
		for (uint32_t i = 0; i < k; i++) {
			id[i] = at + i == 0 && bos != NO_TOKEN ? bos : token[at + i];
			position[i] = (int32_t)(at + i);
			row[i] = (int32_t)i;
		}
		uint32_t wanted = !scored ? 0 : at + k == n ? k - 1 : k;         /* nothing stands after the last token */
		struct step s = { .n_tokens = k, .n_outputs = wanted, .token = id, .position = position, .slot = slot, .output_row = row };
		rc = engine_run(e, &s, err);
		for (uint32_t i = 0; i < wanted && rc == OK; i++) {
			double x = surprise(engine_logits(e, i), info.vocab, token[at + i + 1]);
			p->nll += x;
			p->nll2 += x * x;
			p->scored++;
		}
	}
	engine_clear(e, 0);
	p->chunks += rc == OK;
	return rc;
}

double perplexity_value(const struct perplexity *p)
{
	return p->scored ? exp(p->nll / (double)p->scored) : NAN;
}

double perplexity_error(const struct perplexity *p)
{
	double n = (double)p->scored, mean = p->nll / n;

	return p->scored > 1 ? sqrt(fmax(p->nll2 / n - mean * mean, 0) / (n - 1)) * exp(mean) : NAN;
}
