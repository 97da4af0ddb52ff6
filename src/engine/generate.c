/* generate.c - prefill in pieces, then a token at a time */
#include "engine/generate.h"

#include <stdlib.h>

const char *const generate_end_names[] = { "length", "end_of_text", "context", "interrupted", "refused", NULL };

int generate_feed(const struct engine_calls *calls, struct engine *e, uint32_t ubatch, uint32_t slot, uint64_t from, const int32_t *token, size_t n, int output,
	int32_t *scratch, const volatile sig_atomic_t *stop, size_t *done, struct error *err)
{
	int32_t *position = scratch, *slots = scratch + ubatch;

	for (*done = 0; *done < n && !(stop && *stop);) {
		uint32_t k = n - *done < ubatch ? (uint32_t)(n - *done) : ubatch;
		int32_t last = (int32_t)k - 1;
		struct step s = { .n_tokens = k, .n_outputs = output && *done + k == n, .token = token + *done, .position = position, .slot = slots, .output_row = &last };
		for (uint32_t i = 0; i < k; i++) {
			position[i] = (int32_t)(from + *done + i);
			slots[i] = (int32_t)slot;
		}
		int rc = calls->run(e, &s, err);
		if (rc != OK)
			return rc;
		*done += k;
	}
	return OK;
}

/* Chooses and hands on until something ends it. */
static int decode(struct generated *out, const struct generate *g, const struct engine_info *info, struct error *err)
{
	const int32_t slot = (int32_t)g->slot, row = 0;

	for (uint64_t at = g->n_prompt;; at++) {
		double start = g->calls->now();
		int32_t token = g->choose(g->user, g->calls->logits(g->engine, 0), info->vocab, err), position = (int32_t)at;
		struct step s = { .n_tokens = 1, .n_outputs = 1, .token = &token, .position = &position, .slot = &slot, .output_row = &row };

		if (token < 0)
			return token;
		if (g->ends && g->ends(g->user, token)) {
			out->why = END_OF_TEXT;
			return OK;
		}
		out->decode_s += g->calls->now() - start;
		out->tokens++;
		if (g->token(g->user, token)) {
			out->why = END_REFUSED;
			return OK;
		}
		if (out->tokens == g->max_tokens)
			return OK;
		if (at >= info->ctx_tokens) {
			out->why = END_CONTEXT;
			return OK;
		}
		if (g->stop && *g->stop) {
			out->why = END_STOPPED;
			return OK;
		}
		start = g->calls->now();
		int rc = g->calls->run(g->engine, &s, err);
		if (rc != OK)
			return rc;
		out->decode_s += g->calls->now() - start;
		out->steps++;
	}
}

int generate_run(struct generated *out, const struct generate *g, struct error *err)
{
	struct engine_info info;
	size_t done = 0;
	int rc;

	*out = (struct generated){ .why = END_LENGTH };
	g->calls->info(&info, g->engine);
	if (!g->n_prompt)
		return error_set(err, E_USAGE, "the prompt has no tokens");
	if (g->n_prompt > info.ctx_tokens) {
		error_set(err, E_USAGE, "the prompt is %zu tokens long, the context %llu", g->n_prompt, (unsigned long long)info.ctx_tokens);
		error_hint(err, "a longer context is asked for with -c");
		return E_USAGE;
	}
	int32_t *scratch = calloc((size_t)info.ubatch * 2, sizeof *scratch);
	if (!scratch)
		return error_set(err, E_NOMEM, "out of memory");
	double start = g->calls->now();
	rc = generate_feed(g->calls, g->engine, info.ubatch, g->slot, 0, g->prompt, g->n_prompt, 1, scratch, g->stop, &done, err);
	out->prefill_s = g->calls->now() - start;
	out->prompt_tokens = done;
	free(scratch);
	if (rc != OK)
		return rc;
	if (done < g->n_prompt) {
		out->why = END_STOPPED;
		return OK;
	}
	return g->max_tokens ? decode(out, g, &info, err) : OK;
}
