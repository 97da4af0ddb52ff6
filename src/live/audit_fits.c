/* audit_fits.c - claims that something fits: the verdict over all cases, in one sentence with its figures */
#include "live/audit_judge.h"

#include "base/units.h"
#include "catalog/hardware_name.h"

#include <stdio.h>
#include <string.h>

/* How many of the same cards would do; 0: not up to 64, or not of one kind of card. */
static unsigned cards_wanted(struct judge *j, const struct fit_case *x)
{
	const struct group *g = x->machine->groups;

	if (x->machine->n_groups != 1 || x->machine->pools[g->pool].kind != POOL_VRAM)
		return 0;
	for (unsigned n = (unsigned)g->per_node * g->nodes + 1; n <= 64; n += n >= 16 ? 8 - n % 8 : n >= 8 ? 2 - n % 2 : 1) {
		struct hardware_spec *more = arena_alloc(j->a, sizeof *more);
		struct fit_case y = *x;
		char name[128];
		snprintf(name, sizeof name, "%ux %s", n, g->device->id);
		if (!more)
			return 0;
		if (hardware_resolve(more, j->a, j->c, name, 0, NULL) != OK)
			continue;            /* nine cards are no number of full nodes */
		y.machine = more;
		if (fit_case_try(&y, j, NO_FORMAT, 0) != OK)
			return 0;
		if (y.outcome <= FITS_TIGHTLY)
			return n;
	}
	return 0;
}

/* What would make it true: more cards, or fewer bits. "" when neither is known, or when that it does not fit is what was said. */
static const char *help(char *buf, size_t n, struct judge *j, const struct claim *k, const struct fit_case *x)
{
	struct fit_case y = *x;
	unsigned cards, used = 0;

	buf[0] = 0;
	if (k->negated)
		return buf;
	if ((cards = cards_wanted(j, x)))
		used = (unsigned)snprintf(buf, n, "; %u of them would do", cards);
	y.engine = engine_find(catalog_engines(j->c), "llama.cpp");
	y.recipe = NULL;
	if (y.engine && fit_case_try(&y, j, NO_FORMAT, 0) == OK && y.outcome <= FITS_TIGHTLY)
		snprintf(buf + used, n - used, "; on this, %s would fit", y.recipe->name);
	return buf;
}

/* Does the claim name host memory: "+ CPU", "+ 64GB"? */
static int names_host(const struct machines_meant *hs)
{
	int host = hs->host;

	for (unsigned i = 0; !host && hs->n == 1 && i < hs->list[0]->n_pools; i++)
		host = hs->list[0]->pools[i].kind == POOL_HOST && hs->list[0]->n_pools > 1;
	return host;
}

static int one_case(struct judge *j, struct claim *k, const struct fit_case *x, const struct machines_meant *hs)
{
	char f[320], h[160];

	fit_case_take(k, x);
	if (hs->made_up && x->outcome <= FITS_TIGHTLY)
		return judge_say(j, k, CLAIM_CONDITIONAL, arena_printf(j->a, "only with so much in one piece, which no single card of the catalogue has: needs %s", fit_case_figures(f, sizeof f, x)));
	switch (x->outcome) {
	case FITS_WELL:
		return judge_say(j, k, CLAIM_TRUE, arena_printf(j->a, "needs %s", fit_case_figures(f, sizeof f, x)));
	case FITS_TIGHTLY:
		return judge_say(j, k, CLAIM_CONDITIONAL, arena_printf(j->a, "only if nothing else wants the memory: needs %s, and what the engine takes besides is not known", fit_case_figures(f, sizeof f, x)));
	case FITS_NARROWER:
		return judge_say(j, k, CLAIM_CONDITIONAL, arena_printf(j->a, "only %s: needs %s", x->only, fit_case_figures(f, sizeof f, x)));
	case FITS_PARTLY:
		return judge_say(j, k, names_host(hs) ? CLAIM_TRUE : CLAIM_CONDITIONAL, arena_printf(j->a, "with %.1f GiB of it in host memory: the rest needs %s", (double)x->host / (double)GIB,
			fit_case_figures(f, sizeof f, x)));
	case FITS_NOT:
		return judge_say(j, k, CLAIM_FALSE, arena_printf(j->a, "needs %s%s", fit_case_figures(f, sizeof f, x), help(h, sizeof h, j, k, x)));
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

struct tally {
	unsigned yes, only, no, unknown, in_yes, in_no;
	const char *yes_list, *no_list;
	const struct fit_case *worst, *best, *untold;
	uint64_t most_host;
};

static int count(struct tally *t, struct judge *j, const struct fit_case *x, unsigned n, int by_model, int host)
{
	*t = (struct tally){ .yes_list = "", .no_list = "" };
	for (unsigned i = 0; i < n; i++) {
		const char *name = by_model ? x[i].model->id : x[i].machine->id;
		if (x[i].outcome == CANNOT_TELL) {
			t->unknown++;
			t->untold = &x[i];
			continue;
		}
		t->most_host = x[i].host > t->most_host ? x[i].host : t->most_host;
		if (x[i].outcome <= FITS_TIGHTLY || (x[i].outcome == FITS_PARTLY && host)) {
			t->yes++;
			t->yes_list = list_add(j, t->yes_list, &t->in_yes, name);
		} else if (x[i].outcome == FITS_NOT) {
			t->no++;
			t->no_list = list_add(j, t->no_list, &t->in_no, name);
		} else {
			t->only++;
		}
		if (!t->yes_list || !t->no_list)
			return judge_no_memory(j);
		if (!t->worst || x[i].outcome > t->worst->outcome || (x[i].outcome == t->worst->outcome && x[i].needs > t->worst->needs))
			t->worst = &x[i];
		if (!t->best || x[i].outcome < t->best->outcome || (x[i].outcome == t->best->outcome && x[i].shortage < t->best->shortage))
			t->best = &x[i];
	}
	return OK;
}

/* Several cases: which hold and which do not. */
static int many_cases(struct judge *j, struct claim *k, const struct fit_case *x, unsigned n, const struct models_meant *ms, const struct machines_meant *hs)
{
	const char *words = hs->words ? hs->words : ms->words, *with = "", *rest = "";
	struct tally t;
	char f[320], h[160];
	int rc = count(&t, j, x, n, ms->n > 1, hs->host);

	if (rc != OK)
		return rc;
	if (!t.worst)
		return one_case(j, k, &x[0], hs);
	if (hs->words && ms->words && !(words = arena_printf(j->a, "pairs of %s and %s", ms->words, hs->words)))
		return judge_no_memory(j);
	if (hs->host && t.most_host && !(with = arena_printf(j->a, ", with up to %.1f GiB in host memory", (double)t.most_host / (double)GIB)))
		return judge_no_memory(j);
	if (t.unknown && !(rest = arena_printf(j->a, "; of %u it is not known (%s)", t.unknown, t.untold->only)))
		return judge_no_memory(j);
	if (!t.only && !t.no && !t.unknown) {
		fit_case_take(k, t.worst);
		return judge_say(j, k, CLAIM_TRUE, arena_printf(j->a, "fits all %u %s%s; the largest need is that of %s: %s", t.yes, words, with, t.worst->model->id, fit_case_figures(f, sizeof f, t.worst)));
	}
	if (!t.yes && !t.only) {
		fit_case_take(k, t.best);
		return judge_say(j, k, t.unknown ? CLAIM_UNJUDGED : CLAIM_FALSE, arena_printf(j->a, "fits none of %u %s; the nearest is %s, which needs %s%s%s", t.no, words, t.best->model->id,
			fit_case_figures(f, sizeof f, t.best), help(h, sizeof h, j, k, t.best), rest));
	}
	fit_case_take(k, t.worst);
	if (!t.yes && !t.no)
		return judge_say(j, k, CLAIM_CONDITIONAL, arena_printf(j->a, "on all of %u %s only with less than was said; at worst %s: %s needs %s%s", t.only, words, t.worst->only ? t.worst->only : "in part",
			t.worst->model->id, fit_case_figures(f, sizeof f, t.worst), rest));
	const char *yes = t.yes ? arena_printf(j->a, "%u hold it (%s), ", t.yes, t.yes_list) : "", *no = t.no ? arena_printf(j->a, "%u do not (%s), ", t.no, t.no_list) : "";
	const char *only = t.only ? arena_printf(j->a, "%u only with less than was said, ", t.only) : "";
	if (!yes || !no || !only)
		return judge_no_memory(j);
	return judge_say(j, k, CLAIM_CONDITIONAL, arena_printf(j->a, "of %u %s: %s%s%sat worst %s needs %s%s", t.yes + t.only + t.no, words, yes, only, no, t.worst->model->id,
		fit_case_figures(f, sizeof f, t.worst), rest));
}

/* A context that no model of those meant was made for. */
static int beyond_context(struct judge *j, struct claim *k, const struct models_meant *ms)
{
	uint32_t most = 0;
	char t[32];

	for (unsigned i = 0; i < ms->n; i++)
		most = ms->list[i]->spec->context_max > most ? ms->list[i]->spec->context_max : most;
	if (k->verdict != CLAIM_TRUE || !most || k->ctx_tokens <= most)
		return OK;
	return judge_say(j, k, CLAIM_CONDITIONAL, arena_printf(j->a, "only in memory, beyond the %s tokens it was made for: %s", format_tokens(t, sizeof t, most), k->reason));
}

int judge_fits(struct judge *j, struct claim *k)
{
	struct models_meant ms;
	struct machines_meant hs;
	struct fit_case *x;
	int rc;

	if (!judge_meanings(j, k, &ms, &hs, &rc) || (rc = fit_cases(&x, j, k, &ms, &hs, 1)) != OK)
		return rc;
	rc = k->cases == 1 ? one_case(j, k, x, &hs) : many_cases(j, k, x, k->cases, &ms, &hs);
	if (rc == OK)
		rc = beyond_context(j, k, &ms);
	if (rc == OK && k->negated && k->verdict <= CLAIM_FALSE)
		k->verdict = k->verdict == CLAIM_TRUE ? CLAIM_FALSE : CLAIM_TRUE;
	return rc;
}
