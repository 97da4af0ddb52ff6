/* perplexity.h - how well a model foretells a text: exp of the mean negative log-likelihood of its tokens.
 *
 * The measure of llama-perplexity: chunks of so many tokens, each from an empty cache; the first token of a chunk gives way to BOS where there is one; the second half is
 * scored, each token by what stands before it in the chunk. Not here: text to tokens (engine/tokenizer.h). */
#ifndef PERPLEXITY_H
#define PERPLEXITY_H

#include "engine/engine.h"

struct perplexity {
	uint64_t chunks, scored;
	double nll, nll2;                        /* sums of the scored tokens' negative log-likelihoods and of their squares */
};
/* Adds one chunk of n tokens, n even, at least 4 and at most the engine's context; slot 0 is used, and is empty afterwards. bos NO_TOKEN: the chunk is as it is. The engine's
 * `outputs` tokens a step are scored. */
int perplexity_chunk(struct perplexity *p, struct engine *e, uint32_t outputs, const int32_t *token, uint32_t n, int32_t bos, struct error *err) MUST_CHECK;
double perplexity_value(const struct perplexity *p);     /* exp(nll / scored) */
double perplexity_error(const struct perplexity *p);     /* its standard error */

#endif
