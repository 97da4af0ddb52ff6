/* audit_memory.c - claims of how much memory a model needs: its weights, all of it, or its KV cache alone */
#include "live/audit_judge.h"

#include "base/str.h"
#include "base/units.h"
#include "calc/footprint.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The smallest and the largest honest reading of a claim's words. */
struct range { double low, high; const char *low_name, *high_name; int open; };        /* open: the words leave the quantisation to the reader */

/* A name rounds the count of weights ("24B" of 23.6B), and so does what is computed from it. */
static const double name_rounds = 1.05;
/* For everything beside weights guides 0 and 1 add 10 to 30 %: the middle of that. */
static const double rule_of_thumb = 1.2;

static void widen(struct range *r, double v, const char *name)
{
	if (!r->low_name || v < r->low) {
		r->low = v;
		r->low_name = name;
	}
	if (!r->high_name || v > r->high) {
		r->high = v;
		r->high_name = name;
	}
}

/* Text weights, and text and encoders: engines load one or the other. */
static int add_recipe(struct range *r, struct judge *j, const struct model_spec *m, const struct recipe *recipe)
{
	struct settings set;
	struct footprint f;
	double text = 0, all = 0;
	int rc;

	settings_default(&set, engine_find(catalog_engines(j->c), "none"), catalog_quants(j->c));
	settings_recipe(&set, recipe);
	arena_reset(&j->scratch);
	rc = footprint_compute(&f, m, catalog_quants(j->c), &set, &j->scratch, NULL);
	if (rc != OK)
		return rc == E_NOMEM ? judge_no_memory(j) : OK;
	for (unsigned u = 0; u < USES; u++) {
		text += (double)f.weights[COMP_TEXT][u];
		for (unsigned c = 0; c < COMPONENTS; c++)
			all += c == COMP_MTP ? 0 : (double)f.weights[c][u];
	}
	if (recipe->dynamic) {
		text = (double)f.params_text * recipe->bpw_low / 8;
		all = (double)f.params_text * recipe->bpw_high / 8;
	}
	if (text > 0) {
		widen(r, text, recipe->name);
		widen(r, all, recipe->name);
	}
	return OK;
}

static int weights_range(struct range *r, struct judge *j, const struct model_spec *m, const char *words)
{
	static const char *const engines[] = { "llama.cpp", "vllm", "mlx", "none" };
	const struct quants *q = catalog_quants(j->c);
	const struct recipe *sixteen;
	unsigned bits = bits_of_words(words);
	int rc = OK, named = 0, any = !words[0] || str_ieq(words, "quantised") || str_ieq(words, "quantized");

	*r = (struct range){ .open = any };
	for (unsigned e = 0; e < sizeof engines / sizeof *engines && rc == OK; e++) {
		const struct engine_profile *p = engine_find(catalog_engines(j->c), engines[e]);
		struct recipes_meant rs = { .n = 0 };
		if (p)
			recipes_of(&rs, j, m, p, words);
		for (unsigned i = 0; i < rs.n && rc == OK; i++) {
			named |= str_ieq(rs.list[i]->name, words) || rs.native;
			rc = add_recipe(r, j, m, rs.list[i]);
		}
	}
	/* nothing said: anything between the smallest of the ladder and 16 bits */
	for (unsigned i = 0; any && i < q->n_ladder && rc == OK; i++)
		if (q->ladder[i] < q->n_recipes)
			rc = add_recipe(r, j, m, &q->recipes[q->ladder[i]]);
	if (any && rc == OK && recipe_find(&sixteen, q, "bf16", NULL, NULL) == OK)
		rc = add_recipe(r, j, m, sixteen);
	for (unsigned i = 0; bits && !named && i < q->n_recipes && rc == OK; i++)
		if (!q->recipes[i].dynamic && bits_of_words(q->recipes[i].name) == bits && recipe_has_bits(j, m, &q->recipes[i], bits, 0))
			rc = add_recipe(r, j, m, &q->recipes[i]);
	return rc;
}

/* Cache of one sequence by the architecture alone, in a number format; NAN when it cannot be computed. */
static double cache_in(struct judge *j, const struct model_spec *m, uint64_t ctx, const char *type, int windows_full)
{
	struct settings set;
	struct cache_bytes b;

	/* full windows are an engine's habit: llama.cpp's --swa-full */
	settings_default(&set, engine_find(catalog_engines(j->c), windows_full ? "llama.cpp" : "none"), catalog_quants(j->c));
	set.ctx_tokens = ctx;
	set.swa_full = (uint8_t)windows_full;
	set.kv_k = set.kv_v = format_find(catalog_quants(j->c), type);
	arena_reset(&j->scratch);
	return cache_compute(&b, m, catalog_quants(j->c), &set, &j->scratch, NULL) == OK ? (double)b.kv + (double)b.state : NAN;
}

static double cache_at(struct judge *j, const struct model_spec *m, uint64_t ctx) { return cache_in(j, m, ctx, "f16", 0); }

/* The shortest context at which weights and cache reach so many bytes; 0: not within the model's own. */
static uint64_t context_of(struct judge *j, const struct model_spec *m, double weights, double bytes)
{
	uint64_t lo = 0, hi = m->context_max;

	if (!hi || !(weights + cache_at(j, m, hi) >= bytes))
		return 0;
	while (hi - lo > 256) {
		uint64_t mid = lo + (hi - lo) / 2;
		if (weights + cache_at(j, m, mid) >= bytes)
			hi = mid;
		else
			lo = mid;
	}
	return hi;
}

/* "35", "35 to 40", "35 or more" */
static const char *stated(char *buf, size_t n, const struct claim *k)
{
	char a[32], b[32];

	if (k->high > k->low && isfinite(k->high))
		snprintf(buf, n, "%s to %s GB", format_3(a, sizeof a, k->low), format_3(b, sizeof b, k->high));
	else
		snprintf(buf, n, "%s GB%s", format_3(a, sizeof a, k->low), k->high > k->low ? " or more" : "");
	return buf;
}

/* "35.3 (IQ4_XS) to 44.4 GB (Q4_1)", in the claim's own unit */
static const char *range_text(char *buf, size_t n, const struct range *r)
{
	if (r->high - r->low < 0.05e9)
		snprintf(buf, n, "%.1f GB (%s)", r->low / 1e9, r->low_name);
	else if (!strcmp(r->low_name, r->high_name))
		snprintf(buf, n, "%.1f to %.1f GB (%s)", r->low / 1e9, r->high / 1e9, r->low_name);
	else
		snprintf(buf, n, "%.1f (%s) to %.1f GB (%s)", r->low / 1e9, r->low_name, r->high / 1e9, r->high_name);
	return buf;
}

/* The most that a stated figure can mean in GB: rounded to its last digit, or by one in a hundred. */
static double most_in_gb(const struct claim *k) { return fmax(k->high + k->half_high, k->high * 1.01) * 1e9; }
/* And where GiB may be meant. */
static double most_of(const struct claim *k) { return fmax(most_in_gb(k), k->high * (double)GIB); }

/* "" or that only the binary unit saves it */
static const char *if_gib(const struct claim *k, double needs)
{
	return most_in_gb(k) < needs ? ", which is that only in GiB" : "";
}

/* KV cache alone: of 16 or 8 bits, with windows as the model has them or with every layer keeping everything. */
static int judge_cache(struct judge *j, struct claim *k, const struct model_entry *m)
{
	static const struct { const char *type; int full; const char *name; } ways[] = {
		{ "fp8", 0, "in 8 bits" }, { "f16", 0, "in 16 bits" }, { "fp8", 1, "in 8 bits where every layer keeps everything" }, { "f16", 1, "in 16 bits where every layer keeps everything" },
	};
	double low = (k->low - k->half) * 1e9, high = most_of(k), least = INFINITY, most = 0, near = NAN;
	const char *text = "", *name = NULL;
	char s[64], t[32];

	if (!k->ctx_tokens)
		return judge_say(j, k, CLAIM_UNJUDGED, "no context is stated");
	for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++) {
		double v = cache_in(j, m->spec, k->ctx_tokens, ways[i].type, ways[i].full);
		if (isnan(v))
			return judge_say(j, k, CLAIM_UNJUDGED, "the cache of this model cannot be computed");
		if (ways[i].full && v <= 1.01 * cache_in(j, m->spec, k->ctx_tokens, ways[i].type, 0))
			continue;            /* it has no windows */
		least = v < least ? v : least;
		most = v > most ? v : most;
		if (low <= v && high >= v) {
			near = v;
			name = ways[i].name;
		}
		if (!(text = arena_printf(j->a, "%s%s%.1f GB %s", text, i ? ", " : "", v / 1e9, ways[i].name)))
			return judge_no_memory(j);
	}
	k->model_id = m->id;
	k->needs_bytes = (uint64_t)(isnan(near) ? least : near);
	k->at_ctx = k->ctx_tokens;
	format_tokens(t, sizeof t, k->ctx_tokens);
	stated(s, sizeof s, k);
	if (name)
		return judge_say(j, k, CLAIM_TRUE, arena_printf(j->a, "%s: the cache of %s tokens is %.1f GB %s", s, t, near / 1e9, name));
	return judge_say(j, k, high < least || low > most ? CLAIM_FALSE : CLAIM_CONDITIONAL, arena_printf(j->a, "%s: the cache of %s tokens is %s", s, t, text));
}

static int judge_one(struct judge *j, struct claim *k, const struct model_entry *m)
{
	uint64_t ctx = claim_context(k, m), longest;
	/* "GB" may be 10^9 or 2^30 */
	double low = (k->low - k->half) * 1e9, high = most_of(k), top, cache;
	struct range w;
	char s[64], r[160], t[32];
	int rc = weights_range(&w, j, m->spec, k->quant);

	if (rc != OK)
		return rc;
	if (!w.low_name)
		return judge_say(j, k, CLAIM_UNJUDGED, "the quantisation is not one of data/quants.yaml");
	k->model_id = m->id;
	k->recipe = w.low_name;
	k->needs_bytes = (uint64_t)w.low;
	range_text(r, sizeof r, &w);
	stated(s, sizeof s, k);
	if (w.open && high >= w.low && low <= rule_of_thumb * w.high)
		return judge_say(j, k, CLAIM_UNJUDGED, arena_printf(j->a, "which quantisation is not stated: the weights are %s", r));
	if (high < w.low)
		return judge_say(j, k, CLAIM_FALSE, arena_printf(j->a, "too little: %s, and the weights alone are %s", s, r));
	if (!strcmp(k->of, "weights")) {
		if (low > name_rounds * w.high)
			return judge_say(j, k, CLAIM_FALSE, arena_printf(j->a, "too much: %s, and the weights are %s", s, r));
		return judge_say(j, k, CLAIM_TRUE, arena_printf(j->a, "%s, and the weights are %s%s", s, r, if_gib(k, w.low)));
	}
	cache = cache_at(j, m->spec, ctx);
	if (isnan(cache))
		return judge_say(j, k, CLAIM_UNJUDGED, "the cache of this model cannot be computed");
	k->at_ctx = ctx;
	k->needs_bytes = (uint64_t)(w.low + cache);
	if (high < w.low + cache && (longest = context_of(j, m->spec, w.low, high)))
		return judge_say(j, k, CLAIM_CONDITIONAL, arena_printf(j->a, "only with a context of at most %s tokens: %s, where the weights are %s", format_tokens(t, sizeof t, longest - longest % 256), s, r));
	top = w.high + cache > rule_of_thumb * w.high ? w.high + cache : rule_of_thumb * w.high;
	if (low <= top)
		return judge_say(j, k, CLAIM_TRUE, arena_printf(j->a, "%s: weights of %s, and %.1f GB of cache at %s tokens%s", s, r, cache / 1e9, format_tokens(t, sizeof t, ctx), if_gib(k, w.low + cache)));
	if (!k->ctx_tokens && (longest = context_of(j, m->spec, w.high, low)))
		return judge_say(j, k, CLAIM_CONDITIONAL, arena_printf(j->a, "only with a context of %s tokens or that much for other sequences: %s, where the weights are %s",
			format_tokens(t, sizeof t, longest), s, r));
	return judge_say(j, k, CLAIM_FALSE, arena_printf(j->a, "too much: %s, where the weights are %s and the cache of %s tokens %.1f GB", s, r, format_tokens(t, sizeof t, ctx), cache / 1e9));
}

/* Several models: the claim holds for all of them, for none, or for some. */
static int judge_many(struct judge *j, struct claim *k, const struct models_meant *ms)
{
	unsigned count[CLAIM_VERDICTS] = { 0 };
	const char *yes = "", *no = "";
	struct claim one, shown = *k;
	int rc;

	for (unsigned i = 0; i < ms->n; i++) {
		one = *k;
		if ((rc = judge_one(j, &one, ms->list[i])) != OK)
			return rc;
		if (!count[one.verdict]++ && one.verdict == CLAIM_TRUE)
			yes = ms->list[i]->id;
		if (count[one.verdict] == 1 && one.verdict == CLAIM_FALSE)
			no = ms->list[i]->id;
		if (i == 0 || one.verdict == CLAIM_FALSE)
			shown = one;
	}
	*k = shown;
	k->cases = ms->n;
	if (count[CLAIM_TRUE] == ms->n || count[CLAIM_FALSE] == ms->n)
		return judge_say(j, k, count[CLAIM_TRUE] ? CLAIM_TRUE : CLAIM_FALSE, arena_printf(j->a, "holds for %s %u %s; %s: %s", count[CLAIM_TRUE] ? "all" : "none of", ms->n, ms->words, shown.model_id, shown.reason));
	if (count[CLAIM_UNJUDGED] == ms->n)
		return OK;
	return judge_say(j, k, CLAIM_CONDITIONAL, arena_printf(j->a, "of %u %s it holds for %u%s%s%s, in part for %u, not for %u%s%s%s; %s: %s", ms->n, ms->words, count[CLAIM_TRUE], *yes ? " (" : "", yes, *yes ? ")" : "",
		count[CLAIM_CONDITIONAL], count[CLAIM_FALSE], *no ? " (" : "", no, *no ? ")" : "", shown.model_id, shown.reason));
}

int judge_memory(struct judge *j, struct claim *k)
{
	struct models_meant ms;
	int rc = models_of(&ms, j->c, k->model, j->a, j->err);

	if (rc != OK)
		return rc;
	if (ms.meaning != MEANS_SOME)
		return judge_say(j, k, ms.meaning == MEANS_NONE_TO_BE_HAD ? CLAIM_FALSE : CLAIM_UNJUDGED, ms.why);
	k->cases = ms.n;
	if (!strcmp(k->of, "kv"))
		return ms.n == 1 ? judge_cache(j, k, ms.list[0]) : judge_say(j, k, CLAIM_UNJUDGED, "a cache of which model?");
	return ms.n == 1 ? judge_one(j, k, ms.list[0]) : judge_many(j, k, &ms);
}
