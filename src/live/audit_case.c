/* audit_case.c - one model on one machine: the best that the words of a claim allow */
#include "live/audit_judge.h"

#include "base/str.h"
#include "base/units.h"

#include <stdio.h>
#include <string.h>

/* `none` speaks besides, where none of these loads the quantisation on such a machine. */
const char *const audit_engines[] = { "llama.cpp", "vllm", "mlx", NULL };

int engine_used_there(const struct engine_profile *e, const struct hardware_spec *h)
{
	for (unsigned g = 0; g < h->n_groups; g++) {
		const struct device_spec *d = h->groups[g].device;
		if (engine_runs_on(e, d->vendor, d->kind == DEVICE_CPU, d->compute_capability) == SAYS_NO)
			return 0;
		/* vLLM on GPUs, MLX on Macs */
		if (!e->loads[PACK_GGUF] && d->kind != DEVICE_GPU)
			return 0;
		if (e->loads[PACK_MLX] && !e->loads[PACK_GGUF] && d->vendor != VENDOR_APPLE)
			return 0;
	}
	return 1;
}

static void ask(struct question *q, const struct judge *j, const struct fit_case *k)
{
	*q = (struct question){ .model = k->model->spec, .quants = catalog_quants(j->c), .hardware = k->machine, .efficiency = j->eff };
	settings_default(&q->settings, k->engine, q->quants);
	q->settings.ctx_tokens = k->ctx;
	if (k->recipe)
		settings_recipe(&q->settings, k->recipe);
}

static enum outcome outcome_of(const struct estimate *e)
{
	if (e->verdict == DOES_NOT_FIT)
		return FITS_NOT;
	if (e->verdict == FITS_OFFLOADED)
		return FITS_PARTLY;
	return estimate_tight(e) ? FITS_TIGHTLY : FITS_WELL;
}

static void take_estimate(struct fit_case *x, const struct estimate *e)
{
	x->outcome = outcome_of(e);
	x->needs = e->sum.total;
	x->budget = e->sum.budget;
	x->host = e->verdict == FITS_OFFLOADED ? e->host.total : 0;
	x->decode = e->decode_tps;
	x->shortage = 0;
	for (unsigned d = 0; x->outcome == FITS_NOT && d < e->n_devices; d++)
		if (e->device[d].total > e->device[d].budget)
			x->shortage += e->device[d].total - e->device[d].budget;
	if (x->outcome == FITS_NOT) {
		x->card_needs = e->short_of.total;
		x->card_budget = e->short_of.budget;
		if (!x->shortage && x->card_needs > x->card_budget)
			x->shortage = x->card_needs - x->card_budget;
	}
}

int fit_case_try(struct fit_case *x, struct judge *j, uint16_t kv, int want_longest)
{
	struct question q;
	struct estimate e;
	struct error why = { 0 };
	int rc;

	ask(&q, j, x);
	if (kv != NO_FORMAT)
		q.settings.kv_k = q.settings.kv_v = kv;
	arena_reset(&j->scratch);
	rc = x->recipe ? estimate_memory(&e, &q, &j->scratch, &why) : estimate_ladder(&e, &q, NULL, &j->scratch, &why);
	if (rc == OK && want_longest)
		rc = estimate_longest(&e, &q, &j->scratch, &why);
	if (rc == OK && (e.verdict == FITS || e.verdict == FITS_OFFLOADED))
		rc = estimate_decode(&e, &q, &j->scratch, &why);
	if (rc == E_NOMEM)
		return judge_no_memory(j);
	if (rc != OK) {
		x->outcome = CANNOT_TELL;
		x->only = arena_strdup(j->a, why.text);
		return x->only ? OK : judge_no_memory(j);
	}
	take_estimate(x, &e);
	x->recipe = q.settings.recipe;
	x->longest = want_longest ? e.max_context_tokens : 0;
	return OK;
}

/* Keeps the better of two; of two that do not fit, the one that is less short; of two that cannot be told, the first that says why. */
static void keep(struct fit_case *best, const struct fit_case *x)
{
	if (x->outcome < best->outcome || (x->outcome == FITS_NOT && best->outcome == FITS_NOT && x->shortage < best->shortage) ||
	    (x->outcome == CANNOT_TELL && best->outcome == CANNOT_TELL && !best->engine))
		*best = *x;
}

/* The first narrower reading is kept, and of flavours at one context the largest. */
static int keep_narrower(struct fit_case *best, struct judge *j, struct fit_case *x, const char *only)
{
	if (!only)
		return judge_no_memory(j);
	x->outcome = FITS_NARROWER;
	x->only = only;
	if (best->outcome == FITS_NARROWER && x->ctx == best->ctx && x->recipe != best->recipe && x->needs > best->needs)
		*best = *x;
	keep(best, x);
	return OK;
}

/* Is it a flavour of what the words say? "Q4" is any of Q4_K_M, Q4_0, IQ4_XS; a word that names a recipe leaves nothing open. */
static int is_flavour(struct judge *j, const struct claim *k, const struct fit_case *as_said, const struct recipe *r)
{
	unsigned bits = words_mean_released(k->quant) ? 0 : bits_of_words(k->quant);

	return bits && as_said->engine->loads[PACK_GGUF] && !str_ieq(k->quant, as_said->recipe->name) && r->packing == PACK_GGUF && !r->dynamic &&
		strchr(r->name, '_') && bits_of_words(r->name) == bits && recipe_has_bits(j, as_said->model->spec, r, bits, 0);
}

/* The largest flavour that fits as well as is wanted at the whole context. */
static int try_flavours(struct fit_case *best, struct judge *j, const struct claim *k, const struct fit_case *as_said, enum outcome want)
{
	const struct quants *q = catalog_quants(j->c);
	int rc = OK;

	for (unsigned i = 0; i < q->n_recipes && rc == OK; i++) {
		struct fit_case x = *as_said;
		if (!is_flavour(j, k, as_said, &q->recipes[i]))
			continue;
		x.recipe = &q->recipes[i];
		if ((rc = fit_case_try(&x, j, NO_FORMAT, 0)) == OK && x.outcome <= want)
			rc = keep_narrower(best, j, &x, arena_printf(j->a, "as %s", x.recipe->name));
	}
	return rc;
}

/* x at the longest context that fits, when that is at least 1024 tokens; x->outcome says whether. */
static int try_shorter(struct fit_case *x, struct judge *j)
{
	int rc = fit_case_try(x, j, NO_FORMAT, 1);

	if (rc != OK || x->outcome != FITS_NOT || x->longest < 1024)
		return rc;
	x->ctx = x->longest;
	return fit_case_try(x, j, NO_FORMAT, 0);
}

/* A shorter context, of the recipe as it was said, else of the flavour that leaves room for the longest. */
static int try_contexts(struct fit_case *best, struct judge *j, const struct claim *k, const struct fit_case *as_said)
{
	const struct quants *q = catalog_quants(j->c);
	struct fit_case x = *as_said, longest = { .outcome = FITS_NOT };
	char t[32];
	int rc = try_shorter(&x, j);

	if (rc == OK && x.outcome <= FITS_TIGHTLY)
		return keep_narrower(best, j, &x, arena_printf(j->a, "with at most %s tokens of context", format_tokens(t, sizeof t, x.ctx)));
	for (unsigned i = 0; i < q->n_recipes && rc == OK; i++) {
		if (!is_flavour(j, k, as_said, &q->recipes[i]))
			continue;
		x = *as_said;
		x.recipe = &q->recipes[i];
		if ((rc = try_shorter(&x, j)) == OK && x.outcome <= FITS_TIGHTLY && x.ctx > longest.ctx)
			longest = x;
	}
	if (rc != OK || longest.outcome == FITS_NOT)
		return rc;
	return keep_narrower(best, j, &longest, arena_printf(j->a, "as %s with at most %s tokens of context", longest.recipe->name, format_tokens(t, sizeof t, longest.ctx)));
}

/* Narrower readings of what does not fit as it was said. */
static int try_narrower(struct fit_case *best, struct judge *j, const struct claim *k, const struct fit_case *as_said)
{
	struct fit_case x = *as_said;
	int rc = try_flavours(best, j, k, as_said, FITS_WELL);

	/* tightly only when none does well */
	if (rc == OK && best->outcome != FITS_NARROWER)
		rc = try_flavours(best, j, k, as_said, FITS_TIGHTLY);
	if (rc != OK || best->outcome <= FITS_NARROWER)
		return rc;
	if (!k->ctx_tokens)
		return try_contexts(best, j, k, as_said);
	if (!x.engine->loads[PACK_GGUF])
		return OK;
	if ((rc = fit_case_try(&x, j, format_find(catalog_quants(j->c), "q8_0"), 0)) != OK)
		return rc;
	return x.outcome <= FITS_TIGHTLY ? keep_narrower(best, j, &x, "with a q8_0 cache") : OK;
}

/* Nothing was said, or "quantised": the first of the ladder. Fewer bits than the model was released in are a restriction that nobody stated. */
static int try_ladder(struct fit_case *best, struct judge *j, const struct fit_case *start, int quantised)
{
	const struct quants *q = catalog_quants(j->c);
	const struct recipe *released;
	struct fit_case x = *start;
	int rc = fit_case_try(&x, j, NO_FORMAT, 0);

	if (rc != OK)
		return rc;
	if (x.outcome <= FITS_TIGHTLY && !quantised &&
	    !(x.model->spec->native_format && recipe_find(&released, q, x.model->spec->native_format, NULL, NULL) == OK &&
	      bits_of_words(x.recipe->name) >= recipe_least_bits(q, released)))
		return keep_narrower(best, j, &x, arena_printf(j->a, "quantised, as %s or smaller", x.recipe->name));
	keep(best, &x);
	return OK;
}

/* One engine: every recipe that the words mean; then, when they leave it open, whatever fits. */
static int try_engine(struct fit_case *best, struct judge *j, const struct claim *k, const struct fit_case *start, int narrower)
{
	struct recipes_meant rs;
	struct fit_case x;
	int rc = OK;

	recipes_of(&rs, j, start->model->spec, start->engine, k->quant);
	for (unsigned i = 0; i < rs.n && rc == OK; i++) {
		x = *start;
		x.recipe = rs.list[i];
		if ((rc = fit_case_try(&x, j, NO_FORMAT, 0)) != OK)
			return rc;
		keep(best, &x);
		if (narrower && !rs.any && x.outcome == FITS_NOT)
			rc = try_narrower(best, j, k, &x);
	}
	if (rc != OK || !rs.any || best->outcome <= FITS_TIGHTLY)
		return rc;
	return try_ladder(best, j, start, rs.quantised);
}

/* What a program may use of a pool is not known, but what is there is: the most it could be. NULL: that is known, or nothing is. */
static const struct hardware_spec *all_of_it(struct judge *j, const struct hardware_spec *h, int *rc)
{
	struct hardware_spec *copy;
	struct pool *pools;
	unsigned unknown = 0;

	*rc = OK;
	for (unsigned g = 0; g < h->n_groups; g++)
		unknown += !h->pools[h->groups[g].pool].usable_bytes && h->pools[h->groups[g].pool].total_bytes;
	if (!unknown)
		return NULL;
	copy = arena_alloc(j->a, sizeof *copy);
	pools = arena_array(j->a, h->n_pools, sizeof *pools);
	if (!copy || !pools) {
		*rc = judge_no_memory(j);
		return NULL;
	}
	*copy = *h;
	memcpy(pools, h->pools, h->n_pools * sizeof *pools);
	for (unsigned p = 0; p < h->n_pools; p++)
		if (!pools[p].usable_bytes)
			pools[p].usable_bytes = pools[p].total_bytes;
	copy->pools = pools;
	return copy;
}

uint64_t claim_context(const struct claim *k, const struct model_entry *m)
{
	enum { UNSTATED = 8192 };
	const uint32_t most = m->spec->context_max;

	return k->ctx_tokens ? k->ctx_tokens : most && most < UNSTATED ? most : UNSTATED;
}

int fit_case_judge(struct fit_case *out, struct judge *j, const struct claim *k, const struct model_entry *m, const struct hardware_spec *h, int narrower)
{
	uint64_t ctx = claim_context(k, m);
	int rc;
	const struct hardware_spec *most = all_of_it(j, h, &rc);
	struct fit_case start = { .outcome = CANNOT_TELL, .model = m, .machine = most ? most : h, .ctx = ctx };
	const struct engines *engines = catalog_engines(j->c);

	if (rc != OK)
		return rc;
	*out = start;
	for (unsigned i = 0; audit_engines[i]; i++) {
		start.engine = engine_find(engines, audit_engines[i]);
		if (start.engine && engine_used_there(start.engine, h) && (rc = try_engine(out, j, k, &start, narrower)) != OK)
			return rc;
	}
	if (out->outcome == CANNOT_TELL && (start.engine = engine_find(engines, "none")) != NULL) {
		const char *why = out->only ? out->only : "no engine that was asked loads that there";
		if ((rc = try_engine(out, j, k, &start, 0)) != OK)
			return rc;
		if (out->outcome < FITS_NOT) {
			out->outcome = FITS_NARROWER;
			out->only = arena_printf(j->a, "by its bytes alone (%s)", why);
		} else if (out->outcome == CANNOT_TELL) {
			out->only = out->only ? out->only : bits_of_words(k->quant) || !k->quant[0] ? why : "the quantisation is not one of data/quants.yaml";
		}
		if (!out->only && out->outcome != FITS_NOT)
			return judge_no_memory(j);
	}
	if (most && out->outcome < FITS_NOT) {
		out->only = arena_printf(j->a, "needs %.1f GiB, and how much a program may use of the %.1f GiB of %s is not known", (double)out->needs / (double)GIB,
			(double)out->budget / (double)GIB, h->name);
		out->outcome = CANNOT_TELL;
		return out->only ? OK : judge_no_memory(j);
	}
	return OK;
}

int fit_cases(struct fit_case **out, struct judge *j, struct claim *k, const struct models_meant *ms, const struct machines_meant *hs, int narrower)
{
	struct fit_case *x = arena_array(j->a, (size_t)ms->n * hs->n, sizeof *x);
	int rc = OK;

	if (!x)
		return judge_no_memory(j);
	k->cases = 0;
	for (unsigned m = 0; m < ms->n; m++)
		for (unsigned h = 0; h < hs->n && rc == OK; h++)
			rc = fit_case_judge(&x[k->cases++], j, k, ms->list[m], hs->list[h], narrower);
	*out = x;
	return rc;
}

/* A card may be too full where all of them together are not. */
static int one_card_is_short(const struct fit_case *x) { return x->outcome == FITS_NOT && x->needs <= x->budget; }

const char *fit_case_figures(char *buf, size_t n, const struct fit_case *x)
{
	const char *engine = strcmp(x->engine->id, "none") ? x->engine->name : "bytes alone";
	char t[32];

	format_tokens(t, sizeof t, x->ctx);
	if (one_card_is_short(x))
		snprintf(buf, n, "%.1f of %.1f GiB on one card of %s (%s, %s, %s tokens)", (double)x->card_needs / (double)GIB, (double)x->card_budget / (double)GIB, x->machine->name,
			engine, x->recipe->name, t);
	else
		snprintf(buf, n, "%.1f of %.1f GiB on %s (%s, %s, %s tokens)", (double)x->needs / (double)GIB, (double)x->budget / (double)GIB, x->machine->name, engine, x->recipe->name, t);
	return buf;
}

void fit_case_take(struct claim *k, const struct fit_case *x)
{
	k->model_id = x->model->id;
	k->machine = x->machine->id;
	if (x->outcome == CANNOT_TELL || !x->engine || !x->recipe)
		return;
	k->engine = x->engine->id;
	k->recipe = x->recipe->name;
	k->needs_bytes = one_card_is_short(x) ? x->card_needs : x->needs;
	k->budget_bytes = one_card_is_short(x) ? x->card_budget : x->budget;
	k->at_ctx = x->ctx;
}
