/* audit_judge.c - claims that something fits, runs so fast, or needs so much memory */
#include "live/audit_judge.h"

#include "base/str.h"
#include "base/units.h"
#include "catalog/hardware_name.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* How one model does on one machine; the better the lower. */
enum outcome { FITS_WELL, FITS_TIGHTLY, FITS_NARROWER, FITS_PARTLY, FITS_NOT, CANNOT_TELL };
struct fit_case {
	enum outcome outcome;
	const struct model_entry *model;
	const struct hardware_spec *machine;
	const struct engine_profile *engine;
	const struct recipe *recipe;
	uint64_t ctx, needs, budget, longest, host;  /* host: bytes in host memory */
	struct figure decode;
	const char *only;                            /* FITS_NARROWER: with what; CANNOT_TELL: why not */
};

static int no_memory(struct judge *j) { return error_set(j->err, E_NOMEM, "out of memory"); }
static int is_fatal(int rc) { return rc == E_NOMEM; }

/* Engines that are asked. `none` speaks only where no engine loads the quantisation on such a machine. */
static const char *const asked[] = { "llama.cpp", "vllm", "mlx" };

/* Where somebody would use it: vLLM on GPUs, MLX on Macs. */
static int used_there(const struct engine_profile *e, const struct hardware_spec *h)
{
	for (unsigned g = 0; g < h->n_groups; g++) {
		const struct device_spec *d = h->groups[g].device;
		if (engine_runs_on(e, d->vendor, d->kind == DEVICE_CPU, d->compute_capability) == SAYS_NO)
			return 0;
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

/* Keeps the better of two; of two that do not fit, the one that is less short. */
static void keep(struct fit_case *best, const struct fit_case *x)
{
	if (x->outcome < best->outcome ||
	    (x->outcome == FITS_NOT && best->outcome == FITS_NOT && x->needs - x->budget < best->needs - best->budget))
		*best = *x;
}

/* One engine, one recipe (NULL: the first of the ladder that fits), one context. E_NOMEM. */
static int try_one(struct fit_case *x, struct judge *j, uint16_t kv, int want_longest)
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
	if (is_fatal(rc))
		return no_memory(j);
	if (rc != OK) {
		x->outcome = CANNOT_TELL;
		x->only = arena_strdup(j->a, why.text);
		return x->only ? OK : no_memory(j);
	}
	x->outcome = outcome_of(&e);
	x->recipe = q.settings.recipe;
	x->needs = e.sum.total;
	x->budget = e.sum.budget;
	x->host = e.verdict == FITS_OFFLOADED ? e.host.total : 0;
	x->longest = want_longest ? e.max_context_tokens : 0;
	x->decode = e.decode_tps;
	return OK;
}

/* The first narrower reading is kept, and of flavours the largest. */
static int keep_narrower(struct fit_case *best, struct judge *j, struct fit_case *x, const char *only)
{
	if (!only)
		return no_memory(j);
	x->outcome = FITS_NARROWER;
	x->only = only;
	if (best->outcome == FITS_NARROWER && x->ctx == best->ctx && x->recipe != best->recipe && x->needs > best->needs)
		*best = *x;
	keep(best, x);
	return OK;
}

/* "Q4" is any of Q4_K_M, Q4_0, IQ4_XS: the largest that fits as well as is wanted. Only a word that names no recipe leaves that open. */
static int try_flavours(struct fit_case *best, struct judge *j, const struct claim *k, const struct fit_case *as_said, enum outcome want)
{
	const struct quants *q = catalog_quants(j->c);
	unsigned bits = bits_of_words(k->quant);
	int rc = OK;

	if (!as_said->engine->loads[PACK_GGUF] || str_ieq(k->quant, as_said->recipe->name))
		return OK;
	for (unsigned i = 0; i < q->n_recipes && rc == OK; i++) {
		const struct recipe *r = &q->recipes[i];
		struct fit_case x = *as_said;
		x.recipe = r;
		if (r->packing != PACK_GGUF || r->dynamic || bits_of_words(r->name) != bits || !strchr(r->name, '_'))
			continue;
		if ((rc = try_one(&x, j, NO_FORMAT, 0)) == OK && x.outcome <= want)
			rc = keep_narrower(best, j, &x, arena_printf(j->a, "as %s", r->name));
	}
	return rc;
}

/* Narrower readings of what does not fit as it was said: another flavour of the same bits, a smaller cache, a shorter context. */
static int try_narrower(struct fit_case *best, struct judge *j, const struct claim *k, const struct fit_case *as_said)
{
	struct fit_case x;
	char t[32];
	int rc = try_flavours(best, j, k, as_said, FITS_WELL);

	/* tightly only when none does well */
	if (rc == OK && best->outcome != FITS_NARROWER)
		rc = try_flavours(best, j, k, as_said, FITS_TIGHTLY);
	if (rc != OK)
		return rc;
	x = *as_said;
	if (k->ctx_tokens) {
		if (!x.engine->loads[PACK_GGUF])
			return OK;
		if ((rc = try_one(&x, j, format_find(catalog_quants(j->c), "q8_0"), 0)) != OK)
			return rc;
		return x.outcome <= FITS_TIGHTLY ? keep_narrower(best, j, &x, "with a q8_0 cache") : OK;
	}
	if ((rc = try_one(&x, j, NO_FORMAT, 1)) != OK || x.outcome != FITS_NOT || x.longest < 1024)
		return rc;
	x.ctx = x.longest;
	if ((rc = try_one(&x, j, NO_FORMAT, 0)) != OK || x.outcome > FITS_TIGHTLY)
		return rc;
	return keep_narrower(best, j, &x, arena_printf(j->a, "with at most %s tokens of context", format_tokens(t, sizeof t, x.ctx)));
}

/* One engine: every recipe that the words mean; then, when nothing was said, whatever fits. */
static int try_engine(struct fit_case *best, struct judge *j, const struct claim *k, const struct fit_case *start, int narrower)
{
	struct recipes_meant rs;
	struct fit_case x;
	int rc = OK;

	recipes_of(&rs, j->c, start->model->spec, start->engine, k->quant);
	for (unsigned i = 0; i < rs.n; i++) {
		x = *start;
		x.recipe = rs.list[i];
		if ((rc = try_one(&x, j, NO_FORMAT, 0)) != OK)
			return rc;
		keep(best, &x);
		if (narrower && !rs.any && x.outcome == FITS_NOT && (rc = try_narrower(best, j, k, &x)) != OK)
			return rc;
	}
	if (!rs.any || best->outcome <= FITS_TIGHTLY)
		return OK;
	x = *start;
	if ((rc = try_one(&x, j, NO_FORMAT, 0)) != OK)
		return rc;
	if (x.outcome <= FITS_TIGHTLY) {
		x.outcome = FITS_NARROWER;
		x.only = arena_printf(j->a, "quantised, as %s or smaller", x.recipe->name);
	}
	keep(best, &x);
	return x.outcome != FITS_NARROWER || x.only ? OK : no_memory(j);
}

static int judge_case(struct fit_case *out, struct judge *j, const struct claim *k, const struct model_entry *m, const struct hardware_spec *h, int narrower)
{
	uint64_t ctx = k->ctx_tokens ? k->ctx_tokens : m->spec->context_max && m->spec->context_max < 8192 ? m->spec->context_max : 8192;
	struct fit_case start = { .outcome = CANNOT_TELL, .model = m, .machine = h, .ctx = ctx };
	const struct engines *engines = catalog_engines(j->c);
	int rc;

	*out = start;
	out->only = "no engine asked loads that quantisation there";
	for (unsigned i = 0; i < sizeof asked / sizeof *asked; i++) {
		start.engine = engine_find(engines, asked[i]);
		if (start.engine && used_there(start.engine, h) && (rc = try_engine(out, j, k, &start, narrower)) != OK)
			return rc;
	}
	if (out->outcome != CANNOT_TELL || !(start.engine = engine_find(engines, "none")))
		return OK;
	const char *why = out->only;
	if ((rc = try_engine(out, j, k, &start, 0)) != OK)
		return rc;
	if (out->outcome < FITS_NOT) {
		out->outcome = FITS_NARROWER;
		out->only = arena_printf(j->a, "by its bytes alone (%s)", why);
		if (!out->only)
			return no_memory(j);
	}
	if (out->outcome == CANNOT_TELL)
		out->only = bits_of_words(k->quant) || !k->quant[0] ? why : "the quantisation is not one of data/quants.yaml";
	return OK;
}

/* "34.2 of 79.2 GiB on 2x RTX 4090 (llama.cpp, Q4_K_M, 8k tokens)" */
static const char *figures(char *buf, size_t n, const struct fit_case *x)
{
	char t[32];

	snprintf(buf, n, "%.1f of %.1f GiB on %s (%s%s%s, %s tokens)", (double)x->needs / (double)GIB, (double)x->budget / (double)GIB, x->machine->name,
		strcmp(x->engine->id, "none") ? x->engine->name : "bytes alone", ", ", x->recipe->name, format_tokens(t, sizeof t, x->ctx));
	return buf;
}

/* How many of the same cards would do; 0: not up to 64, or not of one kind of card. */
static unsigned cards_wanted(struct judge *j, const struct fit_case *x)
{
	const struct group *g = x->machine->groups;

	if (x->machine->n_groups != 1 || x->machine->pools[g->pool].kind != POOL_VRAM)
		return 0;
	for (unsigned n = (unsigned)g->per_node * g->nodes + 1; n <= 64; n += n >= 16 ? 8 - n % 8 : n >= 8 ? 2 - n % 2 : 1) {
		struct hardware_spec more;
		struct fit_case y = *x;
		char name[128];
		snprintf(name, sizeof name, "%ux %s", n, g->device->id);
		if (hardware_resolve(&more, &j->scratch, j->c, name, 0, NULL) != OK)
			return 0;
		struct hardware_spec *kept = arena_alloc(j->a, sizeof *kept);
		if (!kept || hardware_resolve(kept, j->a, j->c, name, 0, NULL) != OK)
			return 0;
		y.machine = kept;
		if (try_one(&y, j, NO_FORMAT, 0) != OK)
			return 0;
		if (y.outcome <= FITS_TIGHTLY)
			return n;
	}
	return 0;
}

/* What would make it true: more cards, or fewer bits. "" when neither is known. */
static const char *help(char *buf, size_t n, struct judge *j, const struct fit_case *x)
{
	struct fit_case y = *x;
	unsigned cards = cards_wanted(j, x), used = 0;

	buf[0] = 0;
	if (cards)
		used = (unsigned)snprintf(buf, n, "; %u of them would do", cards);
	y.engine = engine_find(catalog_engines(j->c), "llama.cpp");
	y.recipe = NULL;
	if (y.engine && try_one(&y, j, NO_FORMAT, 0) == OK && y.outcome <= FITS_TIGHTLY)
		snprintf(buf + used, n - used, "; on this, %s would fit", y.recipe->name);
	return buf;
}

static void take_figures(struct claim *k, const struct fit_case *x)
{
	k->model_id = x->model->id;
	k->machine = x->machine->id;
	if (x->outcome == CANNOT_TELL || !x->engine || !x->recipe)
		return;
	k->engine = x->engine->id;
	k->recipe = x->recipe->name;
	k->needs_bytes = x->needs;
	k->budget_bytes = x->budget;
	k->at_ctx = x->ctx;
}

int judge_say(struct judge *j, struct claim *k, enum claim_verdict v, const char *reason)
{
	k->verdict = (uint8_t)v;
	k->reason = reason;
	return reason ? OK : no_memory(j);
}

static int one_case(struct judge *j, struct claim *k, const struct fit_case *x, const struct machines_meant *hs)
{
	char f[320], h[160];

	take_figures(k, x);
	if (hs->made_up && x->outcome <= FITS_TIGHTLY)
		return judge_say(j, k, CLAIM_CONDITIONAL, arena_printf(j->a, "only in one piece, and no card of that size is in the catalogue: needs %s", figures(f, sizeof f, x)));
	switch (x->outcome) {
	case FITS_WELL:
		return judge_say(j, k, CLAIM_TRUE, arena_printf(j->a, "needs %s", figures(f, sizeof f, x)));
	case FITS_TIGHTLY:
		return judge_say(j, k, CLAIM_CONDITIONAL, arena_printf(j->a, "only if nothing else wants the memory: needs %s, and what the engine takes besides is not known", figures(f, sizeof f, x)));
	case FITS_NARROWER:
		return judge_say(j, k, CLAIM_CONDITIONAL, arena_printf(j->a, "only %s: needs %s", x->only, figures(f, sizeof f, x)));
	case FITS_PARTLY:
		return judge_say(j, k, hs->host ? CLAIM_TRUE : CLAIM_CONDITIONAL, arena_printf(j->a, "%s %.1f GiB of it in host memory: the rest needs %s", hs->host ? "with" : "only with",
			(double)x->host / (double)GIB, figures(f, sizeof f, x)));
	case FITS_NOT:
		return judge_say(j, k, CLAIM_FALSE, arena_printf(j->a, "needs %s%s", figures(f, sizeof f, x), help(h, sizeof h, j, x)));
	case CANNOT_TELL:
		break;
	}
	return judge_say(j, k, CLAIM_UNJUDGED, x->only);
}

/* Adds a name to a list of at most three, once. */
static const char *list_add(struct judge *j, const char *list, unsigned *n, const char *name)
{
	const char *at = strstr(list, name);

	if (*n > 3 || (at && (at == list || at[-1] == ' ') && (!at[strlen(name)] || at[strlen(name)] == ',')))
		return list;
	return ++*n > 3 ? arena_printf(j->a, "%s, ...", list) : arena_printf(j->a, "%s%s%s", list, *n > 1 ? ", " : "", name);
}

/* Several cases: which hold and which do not. */
static int many_cases(struct judge *j, struct claim *k, const struct fit_case *x, unsigned n, const struct models_meant *ms, const struct machines_meant *hs)
{
	const char *yes = "", *no = "", *words = hs->words ? hs->words : ms->words, *with = "";
	const struct fit_case *worst = NULL, *best = NULL;
	unsigned n_yes = 0, n_only = 0, n_no = 0, in_yes = 0, in_no = 0;
	uint64_t most_host = 0;
	char f[320], h[160];

	if (hs->words && ms->words && !(words = arena_printf(j->a, "pairs of %s and %s", ms->words, hs->words)))
		return no_memory(j);
	for (unsigned i = 0; i < n; i++) {
		if (x[i].outcome == CANNOT_TELL)
			continue;
		const char *name = ms->n > 1 ? x[i].model->id : x[i].machine->id;
		most_host = x[i].host > most_host ? x[i].host : most_host;
		if (x[i].outcome <= FITS_TIGHTLY || (x[i].outcome == FITS_PARTLY && hs->host)) {
			n_yes++;
			yes = list_add(j, yes, &in_yes, name);
		} else if (x[i].outcome == FITS_NOT) {
			n_no++;
			no = list_add(j, no, &in_no, name);
		} else {
			n_only++;
		}
		if (!yes || !no)
			return no_memory(j);
		if (!worst || x[i].outcome > worst->outcome || (x[i].outcome == worst->outcome && x[i].needs > worst->needs))
			worst = &x[i];
		if (!best || x[i].outcome < best->outcome || (x[i].outcome == best->outcome && x[i].needs - x[i].budget < best->needs - best->budget))
			best = &x[i];
	}
	if (!worst)
		return one_case(j, k, &x[0], hs);
	if (hs->host && most_host && !(with = arena_printf(j->a, ", with up to %.1f GiB in host memory", (double)most_host / (double)GIB)))
		return no_memory(j);
	if (!n_only && !n_no) {
		take_figures(k, worst);
		return judge_say(j, k, CLAIM_TRUE, arena_printf(j->a, "all %u %s%s; the largest need is %s: %s", n_yes, words, with, worst->model->id, figures(f, sizeof f, worst)));
	}
	if (!n_yes && !n_only) {
		take_figures(k, best);
		return judge_say(j, k, CLAIM_FALSE, arena_printf(j->a, "none of %u %s; the nearest is %s: needs %s%s", n_no, words, best->model->id, figures(f, sizeof f, best), help(h, sizeof h, j, best)));
	}
	take_figures(k, worst);
	if (!n_yes && !n_no)
		return judge_say(j, k, CLAIM_CONDITIONAL, arena_printf(j->a, "of %u %s on none as it stands; at worst only %s: %s needs %s", n_only, words, worst->only ? worst->only : "in part", worst->model->id,
			figures(f, sizeof f, worst)));
	return judge_say(j, k, CLAIM_CONDITIONAL, arena_printf(j->a, "of %u %s %u fit%s%s%s, %u only narrower, %u not%s%s%s; %s needs %s", n_yes + n_only + n_no, words, n_yes, n_yes ? " (" : "",
		yes, n_yes ? ")" : "", n_only, n_no, n_no ? " (" : "", no, n_no ? ")" : "", worst->model->id, figures(f, sizeof f, worst)));
}

/* What the words mean; 0 when the claim is judged by that alone. */
static int meanings(struct judge *j, struct claim *k, struct models_meant *ms, struct machines_meant *hs, int *rc)
{
	if ((*rc = models_of(ms, j->c, k->model, j->a, j->err)) != OK)
		return 0;
	if (ms->meaning == MEANS_NONE_TO_BE_HAD)
		return *rc = judge_say(j, k, CLAIM_FALSE, ms->why), 0;
	if (hs && (*rc = machines_of(hs, j->c, k->hardware, k->devices, j->a, j->err)) != OK)
		return 0;
	if (hs && hs->meaning == MEANS_NONE_TO_BE_HAD)
		return *rc = judge_say(j, k, CLAIM_FALSE, hs->why), 0;
	if (ms->meaning == MEANS_UNKNOWN)
		return *rc = judge_say(j, k, CLAIM_UNJUDGED, ms->why), 0;
	if (hs && hs->meaning == MEANS_UNKNOWN)
		return *rc = judge_say(j, k, CLAIM_UNJUDGED, hs->why), 0;
	return 1;
}

/* All cases; the list lives in j->a. */
static int all_cases(struct fit_case **out, struct judge *j, struct claim *k, const struct models_meant *ms, const struct machines_meant *hs, int narrower)
{
	struct fit_case *x = arena_array(j->a, (size_t)ms->n * hs->n, sizeof *x);
	int rc = OK;

	if (!x)
		return no_memory(j);
	k->cases = 0;
	for (unsigned m = 0; m < ms->n; m++)
		for (unsigned h = 0; h < hs->n && rc == OK; h++)
			rc = judge_case(&x[k->cases++], j, k, ms->list[m], hs->list[h], narrower);
	*out = x;
	return rc;
}

static int judge_fits(struct judge *j, struct claim *k)
{
	struct models_meant ms;
	struct machines_meant hs;
	struct fit_case *x;
	int rc;

	if (!meanings(j, k, &ms, &hs, &rc) || (rc = all_cases(&x, j, k, &ms, &hs, 1)) != OK)
		return rc;
	rc = k->cases == 1 ? one_case(j, k, x, &hs) : many_cases(j, k, x, k->cases, &ms, &hs);
	if (rc == OK && k->negated && k->verdict <= CLAIM_FALSE)
		k->verdict = k->verdict == CLAIM_TRUE ? CLAIM_FALSE : CLAIM_TRUE;
	return rc;
}

/* What does not fit is read from host memory, all of it for every token when the model is dense. */
static int judge_offloaded_speed(struct judge *j, struct claim *k, const struct fit_case *x)
{
	double spill = (double)(x->needs - x->budget);
	char f[320], g[32], t[32];

	figures(f, sizeof f, x);
	for (unsigned p = 0; p < x->model->spec->n_parts; p++)
		if (x->model->spec->parts[p].type == PART_MOE)
			return judge_say(j, k, CLAIM_UNJUDGED, arena_printf(j->a, "does not fit, and how fast it is offloaded depends on the host: needs %s", f));
	return judge_say(j, k, CLAIM_CONDITIONAL, arena_printf(j->a, "only with %.1f GiB of it in host memory, read at %s GB/s or faster for %s tok/s: needs %s", spill / (double)GIB,
		format_3(g, sizeof g, spill * k->low / 1e9), format_3(t, sizeof t, k->low), f));
}

static int judge_speed(struct judge *j, struct claim *k)
{
	struct models_meant ms;
	struct machines_meant hs;
	struct fit_case *x;
	const struct fit_case *known = NULL;
	double low = INFINITY, high = 0;
	char a[32], b[32], c[32], d[32];
	int rc;

	if (k->of[0] && strcmp(k->of, "decode"))
		return judge_say(j, k, CLAIM_UNJUDGED, "a rate of many sequences or of prefill, whose load is not stated");
	if (!meanings(j, k, &ms, &hs, &rc) || (rc = all_cases(&x, j, k, &ms, &hs, 0)) != OK)
		return rc;
	for (unsigned i = 0; i < k->cases; i++) {
		if (x[i].outcome >= FITS_PARTLY || x[i].decode.basis == BASIS_UNKNOWN)
			continue;
		known = &x[i];
		low = x[i].decode.low < low ? x[i].decode.low : low;
		high = x[i].decode.high > high ? x[i].decode.high : high;
	}
	if (!known) {
		take_figures(k, x);
		if (x->outcome == FITS_NOT)
			return judge_offloaded_speed(j, k, x);
		if (x->outcome == CANNOT_TELL)
			return judge_say(j, k, CLAIM_UNJUDGED, x->only);
		return judge_say(j, k, CLAIM_UNJUDGED, x->outcome == FITS_PARTLY ? "how fast it is depends on the host's memory, which is not stated" : "the speed of this machine is not known");
	}
	take_figures(k, known);
	k->decode_tps = (struct figure){ .value = known->decode.value, .low = low, .high = high, .basis = known->decode.basis };
	if (!k->quant[0])
		return judge_say(j, k, CLAIM_UNJUDGED, arena_printf(j->a, "which quantisation is not stated; as %s it would be %s to %s tok/s", known->recipe->name, format_3(a, sizeof a, low), format_3(b, sizeof b, high)));
	if (k->low - k->half > high || k->high + k->half < low)
		return judge_say(j, k, CLAIM_FALSE, arena_printf(j->a, "%s%s%s tok/s is %s than the estimate of %s to %s for one sequence (%s, %s)", format_3(c, sizeof c, k->low), k->low < k->high ? " to " : "",
			k->low < k->high && isfinite(k->high) ? format_3(d, sizeof d, k->high) : k->low < k->high ? "more" : "", k->low > high ? "faster" : "slower", format_3(a, sizeof a, low), format_3(b, sizeof b, high),
			known->machine->name, known->recipe->name));
	return judge_say(j, k, CLAIM_UNJUDGED, arena_printf(j->a, "not excluded: the estimate is %s to %s tok/s (%s, %s)", format_3(a, sizeof a, low), format_3(b, sizeof b, high), known->machine->name, known->recipe->name));
}

int judge_claim(struct judge *j, struct claim *k)
{
	switch ((enum claim_kind)k->kind) {
	case CLAIM_FITS:
		return judge_fits(j, k);
	case CLAIM_SPEED:
		return judge_speed(j, k);
	case CLAIM_MEMORY:
		return judge_memory(j, k);
	case CLAIM_PRICE:
		break;
	}
	return judge_say(j, k, CLAIM_UNJUDGED, "prices are not judged");
}
