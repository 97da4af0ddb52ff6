/* generate.h - one sequence: a prompt in, tokens out, one after the other, and how long both took.
 *
 * The prompt is run in pieces of the engine's ubatch; only its last token gets logits. Which token comes next is the caller's choice
 * (sampler.h), so is what is done with it. Not here: text (tokenizer.h). */
#ifndef GENERATE_H
#define GENERATE_H

#include "engine/calls.h"
#include <signal.h>
#include <stddef.h>

/* Why it ended: as many tokens as asked for; a token that ends the text; the context is full; *stop; the callback said so. */
enum generate_end { END_LENGTH, END_OF_TEXT, END_CONTEXT, END_STOPPED, END_REFUSED };
extern const char *const generate_end_names[];   /* "length", "end_of_text", "context", "interrupted", "refused"; NULL-ended */

struct generate {
	const struct engine_calls *calls;
	struct engine *engine;
	uint32_t slot;
	const int32_t *prompt; size_t n_prompt;
	uint64_t max_tokens;                     /* UINT64_MAX: until the text ends or the context is full */
	const volatile sig_atomic_t *stop;       /* set by a signal: ends after the step that is running; NULL: never */
	/* The next token by the logits of the last, which may be changed; negative: an error code, with err filled. */
	int32_t (*choose)(void *user, float *logits, uint32_t vocab, struct error *err);
	int (*ends)(void *user, int32_t token);  /* 1: this token ends the text, and is not handed on; NULL: none does */
	int (*token)(void *user, int32_t token); /* 0: go on */
	void *user;
};
struct generated {
	uint64_t prompt_tokens, tokens;          /* tokens: handed on */
	uint64_t steps;                          /* of decode; the first token comes out of the prompt's logits */
	double prefill_s, decode_s;              /* of the engine's steps and the choosing, without what the callback took */
	enum generate_end why;
};
/* E_USAGE: no prompt, or one that does not fit the context; what engine_run says. *out is filled as far as it came. */
int generate_run(struct generated *out, const struct generate *g, struct error *err) MUST_CHECK;

/* Tokens [0, n) from position `from` of a slot on, in pieces of ubatch; the last gets logits when output is set. scratch:
 * 2 * ubatch numbers. Ends early, with OK and *done < n, when *stop is set. */
int generate_feed(const struct engine_calls *calls, struct engine *e, uint32_t ubatch, uint32_t slot, uint64_t from, const int32_t *token, size_t n, int output,
	int32_t *scratch, const volatile sig_atomic_t *stop, size_t *done, struct error *err) MUST_CHECK;

#endif
