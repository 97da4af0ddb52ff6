/* sampler.h - the next token out of logits: greedy, or by chance among the likely ones.
 *
 * Filters in llama.cpp's order: top-k, top-p, min-p, then temperature, then one draw. The same seed, options and logits give the same tokens. Nothing is allocated after
 * sampler_open(). */
#ifndef SAMPLER_H
#define SAMPLER_H

#include "base/error.h"
#include <stdint.h>

struct sampler_options {
	float temperature;                       /* 0: the likeliest token; the lowest id when several are */
	int32_t top_k;                           /* 0 or less: all */
	float top_p, min_p;                      /* 1 and 0: all; top_p 0: the likeliest */
	uint64_t seed;
};
struct sampler;

/* For up to so many logits. E_USAGE: an option out of its range, by name; E_NOMEM. */
int sampler_open(struct sampler **out, const struct sampler_options *o, uint32_t vocab, struct error *err) MUST_CHECK;
void sampler_close(struct sampler *s);           /* NULL allowed */
/* E_USAGE: no logits, or more than it was opened for; E_FORMAT: a logit that is NaN or infinity (-infinity is a token that must not come), or none above -infinity. */
int sampler_pick(int32_t *token, struct sampler *s, const float *logits, uint32_t vocab, struct error *err) MUST_CHECK;

#endif
