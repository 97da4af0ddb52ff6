/* verify_predict.c - the terms, and what the estimate says of each, before anything is loaded */
#include "live/verify.h"

#include "base/units.h"
#include "calc/placement.h"
#include "calc/speed.h"

#include <string.h>

int verify_machine(struct hardware_spec *h, struct error *err)
{
	uint16_t kept = 0;

	for (uint16_t g = 0; g < h->n_groups; g++)
		if (h->groups[g].device->kind == DEVICE_CPU)
			h->groups[kept++] = h->groups[g];
	h->n_groups = kept;
	h->n_links = 0;                  /* they name groups that are gone */
	return kept ? OK : error_set(err, E_NODEV, "%s: no processor is known that a model could run on", h->name);
}

static struct verify_term *add(struct verify *v, enum verify_kind kind, double value, int known)
{
	struct verify_term *t = &v->term[v->n_terms++];

	*t = (struct verify_term){ .kind = (uint8_t)kind, .sequences = 1, .speed.format = NO_FORMAT, .speed.distance = -1 };
	if (known) {
		t->predicted = (struct figure){ value, value, value, BASIS_PUBLISHED };
		verify_allow(&t->predicted, kind);
	}
	return t;
}

static void add_memory(struct verify *v)
{
	const struct memory *m = &v->one.sum;

	add(v, VERIFY_WEIGHTS, (double)m->weights, 1);
	add(v, VERIFY_KV, (double)m->kv_cache, 1);
	add(v, VERIFY_STATE, (double)m->state, 1);
	add(v, VERIFY_COMPUTE, (double)m->compute, 1);
	add(v, VERIFY_TOTAL, (double)m->total, 1);
	add(v, VERIFY_LOAD, 0, 0);
}

/* A run begins at the depth and goes on from there; the repeats of a deep one follow each other, so that it is filled only once. */
static uint64_t middle_of(const struct verify *v, uint64_t depth)
{
	return depth + (depth ? (uint64_t)v->plan.generate * v->plan.repeats : v->plan.generate) / 2;
}

static int add_decode(struct verify *v, struct estimate *e, const struct question *q, uint64_t depth, uint32_t sequences, struct arena *a, struct error *err)
{
	struct verify_term *t = add(v, VERIFY_DECODE, 0, 0);
	int rc = estimate_decode_at(&t->speed, e, q, middle_of(v, depth), a, err);

	t->depth = depth;
	t->sequences = sequences;
	t->tokens = v->plan.generate;
	t->predicted = t->speed.rate;
	return rc;
}

/* Tokens that one sequence may have at most: the runs', within the model's and what was asked for. Deeper ones are left out. */
static void choose_context(struct verify *v, const struct model_spec *m)
{
	struct verify_plan *p = &v->plan;
	const uint64_t asked = p->engine.ctx_tokens, most = asked ? asked : m->context_max ? m->context_max : UINT64_MAX;
	uint64_t need = p->prompt > p->generate + WARM_STEPS ? p->prompt : p->generate + WARM_STEPS;
	unsigned kept = 0;

	if (need > most) {
		verify_note(v, "prompt and answer are cut to the context of %llu tokens", (unsigned long long)most);
		p->prompt = p->prompt > most ? (uint32_t)most : p->prompt;
		p->generate = p->generate + WARM_STEPS > most ? (uint32_t)(most > 2 * WARM_STEPS ? most - WARM_STEPS : 1) : p->generate;
		need = most;
	}
	for (unsigned i = 0; i < p->n_depths; i++) {
		uint64_t to = p->depth[i] ? p->depth[i] + (uint64_t)p->generate * p->repeats + WARM_STEPS : p->generate;
		if (to > most) {
			verify_note(v, "decode at a depth of %llu tokens is left out: %llu tokens would be needed, the context is %llu", (unsigned long long)p->depth[i],
				(unsigned long long)to, (unsigned long long)most);
			continue;
		}
		need = to > need ? to : need;
		p->depth[kept++] = p->depth[i];
	}
	p->n_depths = kept;
	v->ctx_tokens = asked ? asked : need + 31 < most ? (need + 31) / 32 * 32 : need;
}

/* The second engine: as many sequences as fit beside their own caches. */
static int predict_many(struct verify *v, const struct question *q, struct arena *a, struct error *err)
{
	struct verify_plan *p = &v->plan;
	struct question many = *q;
	struct estimate e;
	unsigned kept = 0;
	int rc;

	v->ctx_many = p->generate + WARM_STEPS;
	for (unsigned i = 0; i < p->n_parallel; i++) {
		many.settings.sequences = p->parallel[i];
		many.settings.ctx_tokens = v->ctx_many;
		if (p->parallel[i] < 2)
			continue;                /* that is the decode of the first engine */
		if ((rc = estimate_memory(&e, &many, a, err)) != OK)
			return rc;
		if (e.verdict == DOES_NOT_FIT) {
			verify_note(v, "%u sequences are left out: their caches do not fit what is free", p->parallel[i]);
			continue;
		}
		if ((rc = add_decode(v, &e, &many, 0, p->parallel[i], a, err)) != OK)
			return rc;
		v->most = p->parallel[i] > v->most ? p->parallel[i] : v->most;
		p->parallel[kept++] = p->parallel[i];
	}
	p->n_parallel = kept;
	return OK;
}

/* Nothing is known of how fast a disk is, and formats that are used as they lie are only mapped. format: of most weights. */
static void predict_load(struct verify *v, const struct question *q, uint16_t format)
{
	if (!v->plan.cached || format == NO_FORMAT || !engine_repacks(&q->quants->formats[format], &v->plan.engine))
		return;
	for (unsigned i = 0; i < v->n_terms; i++)
		if (v->term[i].kind == VERIFY_LOAD)
			v->term[i].predicted = load_seconds(v->one.sum.weights, q->settings.threads, &q->hardware->pools[q->hardware->groups[0].pool], q->efficiency);
}

int verify_predict(struct verify *v, const struct verify_plan *plan, const struct question *q, struct arena *a, struct error *err)
{
	struct question one = *q;
	char need[32], free_[32];
	int rc;

	*v = (struct verify){ .plan = *plan, .header_bytes = -1, .before_bytes = -1, .peak_bytes = -1 };
	if (!plan->calls)
		v->plan.calls = &engine_calls;
	if (!plan->repeats || plan->repeats > VERIFY_RUNS || !plan->prompt || !plan->generate || plan->n_depths > VERIFY_LIST || plan->n_parallel > VERIFY_LIST)
		return error_set(err, E_USAGE, "verify wants a prompt, an answer, and 1 to %d repeats", VERIFY_RUNS);
	choose_context(v, q->model);
	one.settings.sequences = 1;
	one.settings.ctx_tokens = v->ctx_tokens;
	if ((rc = estimate_memory(&v->one, &one, a, err)) != OK)
		return rc;
	if (v->one.verdict == DOES_NOT_FIT) {
		const struct memory *m = &v->one.device[0];
		error_set(err, E_NOMEM, "%s needs %s of memory, and %s is free: it is not loaded", q->model->name ? q->model->name : q->model->id, format_bytes(need, sizeof need, v->one.sum.total ? v->one.sum.total : m->total),
			format_bytes(free_, sizeof free_, m->budget));
		error_hint(err, q->file ? "a shorter -c, or --kv-type q8_0" : "a smaller --quant, a shorter -c, or --layers N, which runs a slice of it");
		return E_NOMEM;
	}
	add_memory(v);
	struct verify_term *t = add(v, VERIFY_PREFILL, 0, 0);
	if ((rc = estimate_prompt(&t->speed, &v->one, &one, v->plan.prompt, a, err)) != OK)
		return rc;
	t->tokens = v->plan.prompt;
	t->predicted = t->speed.rate;
	predict_load(v, &one, t->speed.format);
	for (unsigned i = 0; i < v->plan.n_depths; i++)
		if ((rc = add_decode(v, &v->one, &one, v->plan.depth[i], 1, a, err)) != OK)
			return rc;
	return predict_many(v, q, a, err);
}

int verify_predict_whole(struct verify *v, const struct question *whole, uint64_t from_memory, struct arena *a, struct error *err)
{
	struct question one = *whole, many = *whole;
	const struct memory *m;
	struct estimate e[2];
	int rc;

	one.settings.sequences = 1;
	one.settings.ctx_tokens = v->ctx_tokens;
	many.settings.ctx_tokens = v->ctx_many;
	if ((rc = estimate_memory(&e[0], &one, a, err)) != OK)
		return rc;
	m = &e[0].sum;
	const uint64_t bytes[] = { [VERIFY_WEIGHTS] = m->weights, [VERIFY_KV] = m->kv_cache, [VERIFY_STATE] = m->state, [VERIFY_COMPUTE] = m->compute, [VERIFY_TOTAL] = m->total };
	for (unsigned i = 0; i < v->n_terms; i++) {
		struct verify_term *t = &v->term[i];
		struct speed_of s = { .rate.basis = BASIS_UNKNOWN };
		if (t->kind <= VERIFY_TOTAL)
			t->whole = (double)bytes[t->kind];
		if (t->kind == VERIFY_PREFILL && (rc = estimate_prompt(&s, &e[0], &one, t->tokens, a, err)) != OK)
			return rc;
		if (t->kind == VERIFY_DECODE) {
			many.settings.sequences = t->sequences;
			if (t->sequences > 1 && (rc = estimate_memory(&e[1], &many, a, err)) != OK)
				return rc;
			if ((rc = estimate_decode_at(&s, &e[t->sequences > 1], t->sequences > 1 ? &many : &one, middle_of(v, t->depth), a, err)) != OK)
				return rc;
		}
		if (s.rate.basis != BASIS_UNKNOWN)
			t->whole = s.rate.value;
		t->from_cache = t->kind == VERIFY_DECODE && v->one.sum.weights < from_memory;
	}
	if (v->one.sum.weights < from_memory)
		verify_note(v, "decode is not scaled to the whole model: caches may hold much of this slice, and it takes more --layers to read from memory");
	return OK;
}
