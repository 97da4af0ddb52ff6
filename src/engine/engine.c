/* engine.c - a model on a backend: opened, stepped, asked */
#include "engine/engine.h"

#include "engine/backend.h"
#include "engine/bind.h"
#include "matmul.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct engine {
	const struct backend *backend;
	struct weights *weights;
	struct device *dev;
	struct bound bound;
	struct buffer *states;
	struct program *program;
	uint32_t *length;                        /* tokens that a slot holds */
	double load_s;
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int limits_of(struct limits *out, const struct engine_options *o, const struct model_spec *m, struct error *err)
{
	uint64_t max = m->context_max ? m->context_max : m->context_native;

	*out = (struct limits){ .max_tokens = o->ubatch ? o->ubatch : engine_self.ubatch, .slots = o->slots ? o->slots : 1, .ctx_tokens = o->ctx_tokens };
	if (!out->ctx_tokens)
		out->ctx_tokens = max && max < 4096 ? max : 4096;
	if (out->ctx_tokens > INT32_MAX)
		return error_set(err, E_USAGE, "a context of %llu tokens is more than positions can count", (unsigned long long)out->ctx_tokens);
	if ((uint64_t)out->slots * out->ctx_tokens < out->max_tokens)
		out->max_tokens = (uint32_t)(out->slots * out->ctx_tokens);
	if (out->slots > out->max_tokens)
		return error_set(err, E_USAGE, "a step of %u tokens cannot hold one of each of %u sequences", out->max_tokens, out->slots);
	out->max_outputs = o->outputs ? o->outputs : out->slots;
	if (out->max_outputs > out->max_tokens)
		return error_set(err, E_USAGE, "%u outputs of a step of %u tokens", out->max_outputs, out->max_tokens);
	return OK;
}

static int cache_format(uint32_t *out, uint32_t wanted, struct error *err)
{
	*out = wanted == UINT32_MAX ? KF_F16 : wanted;
	if (*out == KF_F16 || *out == KF_BF16 || *out == KF_F32 || *out == KF_Q8_0)
		return OK;
	const struct kformat *f = kformat_find(*out);
	return error_set(err, E_FORMAT, "the engine keeps K and V as f16, bf16, f32 or q8_0, not as %s", f ? f->name : "this");
}

int engine_open(struct engine **out, struct weights *w, const struct engine_options *o, struct error *err)
{
	struct engine *e = calloc(1, sizeof *e);
	struct limits lim;
	uint32_t k, v;
	double t0 = now_s();
	int rc;

	*out = NULL;
	if (!e)
		return error_set(err, E_NOMEM, "out of memory");
	e->weights = w;
	e->backend = backend_find(o->backend);
	if (!e->backend) {
		rc = error_set(err, E_USAGE, "there is no backend \"%s\"", o->backend);
		error_candidate(err, "cpu");
		error_candidate(err, "ref");
		goto out;
	}
	if ((rc = limits_of(&lim, o, &w->model, err)) != OK || (rc = cache_format(&k, o->kv_k, err)) != OK || (rc = cache_format(&v, o->kv_v, err)) != OK ||
	    (rc = bind_model(&e->bound, w, &lim, k, v, err)) != OK || (rc = e->backend->open(&e->dev, o, err)) != OK)
		goto out;
	for (uint32_t i = 0; i < e->bound.n; i++)
		if ((rc = e->backend->can(e->dev, &e->bound.op[i], err)) != OK)
			goto out;
	e->bound.binding.no_repack = o->no_repack;
	e->length = calloc(lim.slots, sizeof *e->length);
	if (!e->length) {
		rc = error_set(err, E_NOMEM, "out of memory");
		goto out;
	}
	if ((rc = e->backend->alloc(&e->states, e->dev, e->bound.binding.kv_bytes + e->bound.binding.state_bytes, err)) != OK ||
	    (rc = e->backend->prepare(&e->program, e->dev, e->bound.op, e->bound.n, &e->bound.binding, e->states, &e->bound.limits, err)) != OK)
		goto out;
	e->load_s = now_s() - t0;
	*out = e;
	e = NULL;
out:
	engine_close(e);
	return rc;
}

void engine_close(struct engine *e)
{
	if (!e)
		return;
	if (e->program)
		e->backend->drop(e->program);
	if (e->states)
		e->backend->free(e->states);
	if (e->dev)
		e->backend->close(e->dev);
	bound_free(&e->bound);
	free(e->length);
	free(e);
}

static int check_step(const struct engine *e, const struct step *s, struct error *err)
{
	const struct limits *l = &e->bound.limits;

	if (!s->n_tokens || s->n_tokens > l->max_tokens)
		return error_set(err, E_USAGE, "a step of %u tokens; it may have 1 to %u", s->n_tokens, l->max_tokens);
	if (s->n_outputs > l->max_outputs)
		return error_set(err, E_USAGE, "logits of %u tokens; at most %u were asked for", s->n_outputs, l->max_outputs);
	for (uint32_t i = 0; i < s->n_outputs; i++)
		if (s->output_row[i] < 0 || (uint32_t)s->output_row[i] >= s->n_tokens)
			return error_set(err, E_USAGE, "logits of token %d of a step of %u", s->output_row[i], s->n_tokens);
	for (uint32_t i = 0; i < s->n_tokens; i++) {
		if (s->token[i] < 0 || (uint32_t)s->token[i] >= e->weights->model.vocab)
			return error_set(err, E_USAGE, "token %d is outside the vocabulary of %u", s->token[i], e->weights->model.vocab);
		if (s->slot[i] < 0 || (uint32_t)s->slot[i] >= l->slots)
			return error_set(err, E_USAGE, "sequence %d; there are %u", s->slot[i], l->slots);
		int follows = i && s->slot[i] == s->slot[i - 1];
		int64_t want = follows ? (int64_t)s->position[i - 1] + 1 : (int64_t)e->length[s->slot[i]];
		for (uint32_t j = 0; !follows && j + 1 < i; j++)
			if (s->slot[j] == s->slot[i])
				return error_set(err, E_USAGE, "tokens of sequence %d do not stand together", s->slot[i]);
		if (s->position[i] != want)
			return error_set(err, E_USAGE, "sequence %d goes on at position %lld, not at %d", s->slot[i], (long long)want, s->position[i]);
		if ((uint64_t)want >= l->ctx_tokens)
			return error_set(err, E_USAGE, "the context of %llu tokens is full", (unsigned long long)l->ctx_tokens);
	}
	return OK;
}

int engine_run(struct engine *e, const struct step *s, struct error *err)
{
	int rc = check_step(e, s, err);

	if (rc != OK || (rc = e->backend->run(e->program, s, err)) != OK || (rc = e->backend->wait(e->program, err)) != OK)
		return rc;
	for (uint32_t i = 0; i < s->n_tokens; i++)
		e->length[s->slot[i]] = (uint32_t)s->position[i] + 1;
	return OK;
}

float *engine_logits(const struct engine *e, uint32_t i)
{
	return e->backend->logits(e->program) + (uint64_t)i * e->weights->model.vocab;
}

/* States that do not grow carry on from what they hold, so they are zeroed; K and V of another sequence are never looked at. */
void engine_clear(struct engine *e, uint32_t slot)
{
	static const unsigned char zero[4096];
	struct error ignored;

	if (slot >= e->bound.limits.slots)
		return;
	e->length[slot] = 0;
	for (uint32_t i = 0; i < e->bound.n_states; i++) {
		const struct state_block *b = &e->bound.states[i];
		if (b->role != STATE_CONV && b->role != STATE_RECURRENT)
			continue;
		for (uint64_t at = 0; at < b->slot_bytes; at += sizeof zero)
			if (e->backend->put(e->states, b->at + slot * b->slot_bytes + at, zero, b->slot_bytes - at < sizeof zero ? b->slot_bytes - at : sizeof zero, &ignored) != OK)
				return;
	}
}

void engine_info(struct engine_info *out, const struct engine *e)
{
	struct device_info d;
	struct program_info p;
	struct error ignored;

	*out = (struct engine_info){ .backend = e->backend->name };
	if (e->backend->info(&d, e->dev, &ignored) == OK) {
		out->isa = d.isa;
		out->threads = d.threads;
		out->pinned = d.pinned;
	}
	e->backend->program_info(&p, e->program);
	out->slots = e->bound.limits.slots;
	out->ubatch = e->bound.limits.max_tokens;
	out->ctx_tokens = e->bound.limits.ctx_tokens;
	out->vocab = e->weights->model.vocab;
	out->weights_bytes = p.weights_bytes;
	out->repacked_bytes = p.repacked_bytes;
	out->kv_bytes = e->bound.binding.kv_bytes;
	out->state_bytes = e->bound.binding.state_bytes;
	out->compute_bytes = e->bound.binding.arena_bytes + p.scratch_bytes;
	out->load_s = e->load_s;
	for (uint32_t i = 0; i < p.n_regions; i++)
		out->region[out->n_regions++] = p.region[i];
	if (out->kv_bytes && out->n_regions < ENGINE_REGIONS)
		out->region[out->n_regions++] = (struct engine_region){ "kv_cache", e->states->host, out->kv_bytes };
	if (out->state_bytes && out->n_regions < ENGINE_REGIONS)
		out->region[out->n_regions++] = (struct engine_region){ "state", (char *)e->states->host + out->kv_bytes, out->state_bytes };
}

int engine_repacks(const struct format *f, const struct engine_options *o)
{
	const struct matmul *mm = matmul_best(o->isa);
	const uint32_t n = 1024;         /* a multiple of every block */

	if (o->no_repack || !mm || f->ggml_type < 0 || (o->backend && strcmp(o->backend, "cpu")))
		return 0;
	return mm->knows((uint32_t)f->ggml_type, n) && mm->packed_bytes((uint32_t)f->ggml_type, MATRIX_ROWS, n) > 0;
}
