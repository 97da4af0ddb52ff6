/* audit_speed.c - claims of so many tokens a second: false only where no reading reaches them */
#include "live/audit_judge.h"

#include "base/str.h"
#include "base/units.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct speeds { double low, high; struct fit_case of; };     /* of: the case that high belongs to; of.engine NULL: none is known */

static void widen(struct speeds *s, const struct fit_case *x)
{
	if (x->outcome > FITS_TIGHTLY || x->decode.basis == BASIS_UNKNOWN)
		return;
	if (!s->of.engine || x->decode.low < s->low)
		s->low = x->decode.low;
	if (!s->of.engine || x->decode.high > s->high) {
		s->high = x->decode.high;
		s->of = *x;
	}
}

static int try_recipe(struct speeds *s, struct judge *j, const struct fit_case *start, const struct recipe *r)
{
	struct fit_case x = *start;
	int rc;

	x.recipe = r;
	if ((rc = fit_case_try(&x, j, NO_FORMAT, 0)) == OK)
		widen(s, &x);
	return rc;
}

/* Every engine, every recipe that the words mean, and every flavour of as many bits. */
static int one_pair(struct speeds *s, struct judge *j, const struct claim *k, const struct model_entry *m, const struct hardware_spec *h)
{
	const struct quants *q = catalog_quants(j->c);
	struct fit_case start = { .model = m, .machine = h, .ctx = claim_context(k, m) };
	unsigned bits = words_mean_released(k->quant) ? 0 : bits_of_words(k->quant);
	int rc = OK;

	for (unsigned e = 0; audit_engines[e] && rc == OK; e++) {
		struct recipes_meant rs;
		int named = 0;
		start.engine = engine_find(catalog_engines(j->c), audit_engines[e]);
		if (!start.engine || !engine_used_there(start.engine, h))
			continue;
		recipes_of(&rs, j, m->spec, start.engine, k->quant);
		for (unsigned i = 0; i < rs.n && rc == OK; i++) {
			named |= str_ieq(rs.list[i]->name, k->quant);
			rc = try_recipe(s, j, &start, rs.list[i]);
		}
		if (rc == OK && rs.any)
			rc = try_recipe(s, j, &start, NULL);
		for (unsigned i = 0; i < q->n_recipes && rc == OK && bits && !named && start.engine->loads[PACK_GGUF]; i++)
			if (q->recipes[i].packing == PACK_GGUF && !q->recipes[i].dynamic && bits_of_words(q->recipes[i].name) == bits && recipe_has_bits(j, m->spec, &q->recipes[i], bits, 0))
				rc = try_recipe(s, j, &start, &q->recipes[i]);
	}
	return rc;
}

/* Bytes a second of the fastest memory modules that a processor of the catalogue reads: what may stand beside a card. */
static int fastest_host(double *out, struct judge *j)
{
	unsigned n;
	const struct hardware_entry *head = catalog_hardware(j->c, &n), *e;
	int rc;

	for (unsigned i = 0; i < n && !(j->host_bps > 0 && i == 0); i++) {
		if (head[i].kind != HWK_CPU)
			continue;
		if ((rc = catalog_device(&e, j->c, head[i].id, j->err)) != OK)
			return rc;
		for (unsigned p = 0; e->spec && p < e->spec->n_pools; p++) {
			const struct pool *pool = &e->spec->pools[p];
			if (pool->memory && str_prefix(pool->memory, "DDR") && is_known(pool->read_bps) && pool->read_bps.v > j->host_bps)
				j->host_bps = pool->read_bps.v;
		}
	}
	*out = j->host_bps;
	return OK;
}

static int is_moe(const struct model_spec *m)
{
	for (unsigned p = 0; p < m->n_parts; p++)
		if (m->parts[p].type == PART_MOE)
			return 1;
	return 0;
}

/* What does not fit is read from host memory, for every token when the model is dense, in the time that the cards leave. */
static int judge_offloaded(struct judge *j, struct claim *k, const struct fit_case *x)
{
	const struct pool *p = &x->machine->pools[x->machine->groups[0].pool];
	double card_s = is_known(p->read_bps) ? (double)(x->needs > x->shortage ? x->needs - x->shortage : 0) / p->read_bps.v : 0, left = 1 / k->low - card_s, host = 0, rate;
	char f[320], g[32], t[32], m[32];
	int rc;

	fit_case_take(k, x);
	fit_case_figures(f, sizeof f, x);
	if (is_moe(x->model->spec) || !(k->low > 0))
		return judge_say(j, k, CLAIM_UNJUDGED, arena_printf(j->a, "does not fit, and how fast it is offloaded depends on the host: needs %s", f));
	if ((rc = fastest_host(&host, j)) != OK)
		return rc;
	format_3(t, sizeof t, k->low);
	if (!(left > 0))
		return judge_say(j, k, CLAIM_FALSE, arena_printf(j->a, "does not fit, and %s tok/s is more than the card's own memory allows for the part that it holds: needs %s", t, f));
	rate = (double)x->shortage / left;
	format_3(g, sizeof g, rate / 1e9);
	if (host > 0 && rate > host)
		return judge_say(j, k, CLAIM_FALSE, arena_printf(j->a, "does not fit, and for %s tok/s the other %.1f GiB would have to come from host memory at %s GB/s, where the fastest of the catalogue reads %s: needs %s",
			t, (double)x->shortage / (double)GIB, g, format_3(m, sizeof m, host / 1e9), f));
	return judge_say(j, k, CLAIM_CONDITIONAL, arena_printf(j->a, "only with %.1f GiB of it in host memory that reads %s GB/s or more, for %s tok/s: needs %s", (double)x->shortage / (double)GIB, g, t, f));
}

int judge_speed(struct judge *j, struct claim *k)
{
	struct models_meant ms;
	struct machines_meant hs;
	struct speeds s = { .low = 0 };
	struct fit_case x;
	char a[32], b[32], c[32], d[32];
	int rc;

	if (k->of[0] && strcmp(k->of, "decode"))
		return judge_say(j, k, CLAIM_UNJUDGED, "a rate of many sequences or of prefill, whose load is not stated");
	if (!judge_meanings(j, k, &ms, &hs, &rc))
		return rc;
	for (unsigned m = 0; m < ms.n; m++)
		for (unsigned h = 0; h < hs.n && rc == OK; h++)
			rc = one_pair(&s, j, k, ms.list[m], hs.list[h]);
	k->cases = ms.n * hs.n;
	if (rc != OK)
		return rc;
	if (!s.of.engine) {
		if ((rc = fit_case_judge(&x, j, k, ms.list[0], hs.list[0], 0)) != OK)
			return rc;
		if (x.outcome == FITS_NOT && k->quant[0] && k->cases == 1)
			return judge_offloaded(j, k, &x);
		if (x.outcome == FITS_NOT)
			return judge_say(j, k, CLAIM_UNJUDGED, "does not fit, and how fast it is offloaded depends on the host");
		if (x.outcome == CANNOT_TELL)
			return judge_say(j, k, CLAIM_UNJUDGED, x.only);
		return judge_say(j, k, CLAIM_UNJUDGED, x.outcome == FITS_PARTLY ? "how fast it is depends on the host's memory, which is not stated" : "the speed of this machine is not known");
	}
	fit_case_take(k, &s.of);
	k->decode_tps = (struct figure){ .value = s.of.decode.value, .low = s.low, .high = s.high, .basis = s.of.decode.basis };
	format_3(a, sizeof a, s.low);
	format_3(b, sizeof b, s.high);
	if (!k->quant[0])
		return judge_say(j, k, CLAIM_UNJUDGED, arena_printf(j->a, "which quantisation is not stated: the estimate is %s to %s tok/s, at best on %s as %s", a, b, s.of.machine->name, s.of.recipe->name));
	if (k->low - k->half > s.high)
		return judge_say(j, k, CLAIM_FALSE, arena_printf(j->a, "%s%s%s tok/s is faster than any estimate for one sequence, %s to %s (at best %s, %s, %s)", format_3(c, sizeof c, k->low),
			k->low < k->high ? " to " : "", k->low < k->high ? isfinite(k->high) ? format_3(d, sizeof d, k->high) : "more" : "", a, b, s.of.machine->name, s.of.engine->name, s.of.recipe->name));
	if (k->high + k->half < s.low)
		return judge_say(j, k, CLAIM_UNJUDGED, arena_printf(j->a, "slower than the estimate of %s to %s tok/s, which a longer context or another engine may explain", a, b));
	return judge_say(j, k, CLAIM_UNJUDGED, arena_printf(j->a, "not excluded: the estimate is %s to %s tok/s (at best %s, %s, %s)", a, b, s.of.machine->name, s.of.engine->name, s.of.recipe->name));
}
