/* audit_recipes.c - what the words of a claim's quantisation mean to an engine */
#include "live/audit_judge.h"

#include "base/str.h"

#include <ctype.h>
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

/* The fewest bits that a recipe gives a matrix. */
static unsigned least_bits(const struct quants *q, const struct recipe *r)
{
	double least = r->base == NO_FORMAT ? 32 : format_least_bits(&q->formats[r->base]);

	for (unsigned i = 0; i < r->n_rules; i++) {
		double bits = r->rules[i].format == NO_FORMAT ? 32 : format_least_bits(&q->formats[r->rules[i].format]);
		if (bits < least)
			least = bits;
	}
	return (unsigned)least;
}

static void add(struct recipes_meant *out, const struct engine_profile *e, const struct recipe *r)
{
	for (unsigned i = 0; i < out->n; i++)
		if (out->list[i] == r)
			return;
	if (e->loads[r->packing] && out->n < AUDIT_RECIPES)
		out->list[out->n++] = r;
}

void recipes_of(struct recipes_meant *out, struct catalog *c, const struct model_spec *m, const struct engine_profile *e, const char *words)
{
	const struct quants *q = catalog_quants(c);
	const struct recipe *r;
	unsigned bits = bits_of_words(words);
	const char *name = !strncmp(words, "native ", 7) ? words + 7 : words;

	*out = (struct recipes_meant){ .any = !words[0] };
	/* the weights as they were released, when they are of that many bits */
	if (m->native_format && (out->any || bits) && recipe_find(&r, q, m->native_format, NULL, NULL) == OK && (out->any || least_bits(q, r) == bits))
		add(out, e, r);
	if (out->any && m->native_format && recipe_find(&r, q, m->native_format, e->id, NULL) == OK)
		add(out, e, r);          /* "bf16" has its own packing in GGUF */
	if (!out->any && recipe_find(&r, q, name, e->id, NULL) == OK)
		add(out, e, r);
}
