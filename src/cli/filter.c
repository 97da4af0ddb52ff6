/* filter.c - models by family, licence, modality, use case */
#include "cli/filter.h"

#include "base/str.h"

#include <string.h>

static int same(const char *a, const char *b)
{
	char x[96], y[96];

	return a && str_fold(x, sizeof x, a) < sizeof x && str_fold(y, sizeof y, b) < sizeof y && !strcmp(x, y);
}

/* "Gemma" stands for Gemma 2, 3 and 4 too. */
static int begins(const char *a, const char *b)
{
	char x[96], y[96];
	size_t n;

	if (!a || str_fold(x, sizeof x, a) >= sizeof x || (n = str_fold(y, sizeof y, b)) >= sizeof y)
		return 0;
	return !strncmp(x, y, n) && (x[n] == 0 || x[n] == '-');
}

static int listed(const char *const *list, const char *name)
{
	for (; list && *list; list++)
		if (same(*list, name))
			return 1;
	return 0;
}

int filter_head(const struct model_entry *e, const struct options *o)
{
	return (!o->family || begins(e->family, o->family)) && (!o->licence || same(e->licence, o->licence));
}

int filter_entry(const struct model_entry *e, const struct options *o)
{
	return filter_head(e, o) && (!o->modality || listed(e->modalities, o->modality)) && (!o->use_case || listed(e->use_cases, o->use_case));
}

enum field { FAMILY, LICENCE, MODALITY, USE_CASE };

/* The i-th value of a field of an entry; NULL behind the last. */
static const char *value(const struct model_entry *e, enum field f, unsigned i)
{
	const char *const *list = f == MODALITY ? e->modalities : f == USE_CASE ? e->use_cases : NULL;

	if (f == FAMILY || f == LICENCE)
		return i ? NULL : f == FAMILY ? e->family : e->licence;
	for (unsigned k = 0; list && list[k]; k++)
		if (k == i)
			return list[k];
	return NULL;
}

/* The values there are, when they are few. */
static void list_values(const struct model_entry *e, unsigned n, enum field f, struct error *err)
{
	const char *seen[24];
	unsigned count = 0;
	char text[200] = "";

	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; value(&e[i], f, k); k++) {
			const char *v = value(&e[i], f, k);
			unsigned s = 0;
			while (s < count && strcmp(seen[s], v))
				s++;
			if (s < count)
				continue;
			if (count == sizeof seen / sizeof *seen || strlen(text) + strlen(v) + 8 > sizeof text) {
				strcat(text, ", ...");
				goto enough;
			}
			seen[count++] = v;
			strcat(strcat(text, count > 1 ? ", " : ""), v);
		}
enough:
	if (count)
		error_hint(err, "there is: %s", text);
}

int filter_check(const struct catalog *c, const struct options *o, struct error *err)
{
	const struct { const char *option, *asked; } all[] = { { "--family", o->family }, { "--licence", o->licence }, { "--modality", o->modality }, { "--use-case", o->use_case } };
	unsigned n;
	const struct model_entry *e = catalog_models(c, &n);

	for (unsigned f = 0; f < sizeof all / sizeof *all; f++) {
		struct near_matches near;
		int found = 0;

		if (!all[f].asked)
			continue;
		near_init(&near, all[f].asked);
		for (unsigned i = 0; i < n && !found; i++)
			for (unsigned k = 0; value(&e[i], (enum field)f, k) && !found; k++) {
				found = f == FAMILY ? begins(value(&e[i], FAMILY, k), all[f].asked) : same(value(&e[i], (enum field)f, k), all[f].asked);
				near_offer(&near, value(&e[i], (enum field)f, k));
			}
		if (found)
			continue;
		error_set(err, E_MODEL, "%s %s: no model of the catalogue has it", all[f].option, all[f].asked);
		near_report(&near, err);
		list_values(e, n, (enum field)f, err);
		return E_MODEL;
	}
	return OK;
}
