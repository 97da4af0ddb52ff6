/* audit_recipes.c - what the words of a claim's quantisation mean to an engine */
#include "live/audit_judge.h"

#include "base/str.h"
#include "calc/footprint.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

unsigned bits_of_words(const char *words)
{
	static const char *const heads[] = { "q", "iq", "int", "fp", "bf", "f", "nvfp", "mxfp", "float", "bfloat", "" };
	char folded[64];
	const char *p = folded;

	if (str_fold(folded, sizeof folded, words) >= sizeof folded)
		return 0;
	if (str_prefix(p, "native-"))
		p += 7;
	if (str_prefix(p, "ud-"))
		p += 3;
	for (unsigned i = 0; i < sizeof heads / sizeof *heads; i++) {
		size_t n = strlen(heads[i]);
		if (strncmp(p, heads[i], n) || !isdigit((unsigned char)p[n]))
			continue;
		unsigned v = (unsigned)strtoul(p + n, NULL, 10);
		return v <= 32 ? v : 0;
	}
	return 0;
}

int words_mean_released(const char *words)
{
	char folded[64] = "";

	str_fold(folded, sizeof folded, words);
	return !strcmp(folded, "native") || str_prefix(folded, "native-") || !strcmp(folded, "as-released");
}

unsigned recipe_least_bits(const struct quants *q, const struct recipe *r)
{
	double least = r->base == NO_FORMAT ? 32 : format_least_bits(&q->formats[r->base]);

	for (unsigned i = 0; i < r->n_rules; i++) {
		double bits = r->rules[i].format == NO_FORMAT ? 32 : format_least_bits(&q->formats[r->rules[i].format]);
		if (bits < least)
			least = bits;
	}
	return (unsigned)least;
}

/* Bits a weight of a model under a recipe; NAN when it cannot be computed. */
static double mean_bits(struct judge *j, const struct model_spec *m, const struct recipe *r)
{
	struct settings set;
	struct footprint f;
	double bytes = 0;

	if (r->dynamic)
		return (r->bpw_low + r->bpw_high) / 2;
	settings_default(&set, engine_find(catalog_engines(j->c), "none"), catalog_quants(j->c));
	settings_recipe(&set, r);
	arena_reset(&j->scratch);
	if (footprint_compute(&f, m, catalog_quants(j->c), &set, &j->scratch, NULL) != OK || !f.params_text)
		return NAN;
	for (unsigned u = 0; u < USES; u++)
		bytes += (double)f.weights[COMP_TEXT][u];
	return 8 * bytes / (double)f.params_text;
}

int recipe_has_bits(struct judge *j, const struct model_spec *m, const struct recipe *r, unsigned bits, int at_least)
{
	double mean = bits ? mean_bits(j, m, r) : 0;

	/* scales and what stays in more bits come on top: little of a large model, much of a small one, most of which may be embeddings */
	return !bits || isnan(mean) || (mean > bits - 1.5 && (at_least || mean < bits + 2.5));
}

static void add(struct recipes_meant *out, const struct engine_profile *e, const struct recipe *r)
{
	for (unsigned i = 0; i < out->n; i++)
		if (out->list[i] == r)
			return;
	if (e->loads[r->packing] && out->n < AUDIT_RECIPES)
		out->list[out->n++] = r;
}

void recipes_of(struct recipes_meant *out, struct judge *j, const struct model_spec *m, const struct engine_profile *e, const char *words)
{
	const struct quants *q = catalog_quants(j->c);
	const struct recipe *r;
	unsigned bits = bits_of_words(words);
	int native = words_mean_released(words);

	*out = (struct recipes_meant){ .quantised = str_ieq(words, "quantised") || str_ieq(words, "quantized") };
	out->any = !words[0] || out->quantised;
	out->native = (uint8_t)native;
	if (out->quantised)
		return;
	/* the weights as they were released, when they are of that many bits */
	if (m->native_format && (out->any || bits || native) && recipe_find(&r, q, m->native_format, NULL, NULL) == OK &&
	    (out->any || native || recipe_least_bits(q, r) == bits))
		add(out, e, r);
	if ((out->any || native) && m->native_format && recipe_find(&r, q, m->native_format, e->id, NULL) == OK)
		add(out, e, r);          /* "bf16" has its own packing in GGUF */
	if (!out->any && !native && recipe_find(&r, q, words, e->id, NULL) == OK &&
	    (str_ieq(words, r->name) || str_ieq(words, r->id) || recipe_has_bits(j, m, r, bits, r->packing == PACK_GGUF)))
		add(out, e, r);
}
