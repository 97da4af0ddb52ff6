/* filter.c - models by who made them, when, what they take, how large they are and what runs them */
#include "cli/filter.h"

#include "base/str.h"
#include "calc/inventory.h"

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

/* How a date stands to a day, month or year that is asked about: -1 before it, 1 after it, 0 within it, or it within the date. */
static int date_compare(const char *date, const char *asked)
{
	size_t a = strlen(date), b = strlen(asked);
	int c = strncmp(date, asked, a < b ? a : b);

	return c < 0 ? -1 : c > 0;
}

/* A month or a year counts when any day of it would; a date that is unknown never does. */
static int in_time(const char *released, const struct options *o)
{
	if (!o->released_after && !o->released_before)
		return 1;
	if (!released || !strcmp(released, "unknown"))
		return 0;
	if (o->released_after && date_compare(released, o->released_after) < 0)
		return 0;
	if (o->released_before) {
		int c = date_compare(released, o->released_before);
		return c < 0 || (c == 0 && strlen(released) < strlen(o->released_before));
	}
	return 1;
}

int model_is_moe(const struct model_spec *m)
{
	for (uint32_t i = 0; m && i < m->n_layers; i++) {
		const struct layer_kind *k = &m->kinds[m->kind_of[i]];
		for (unsigned b = 0; b < k->n_branches; b++)
			for (unsigned p = 0; p < k->branch[b].n_parts; p++)
				if (m->parts[k->branch[b].part[p]].type == PART_MOE)
					return 1;
	}
	return 0;
}

const char *model_engine_since(const struct model_entry *e, const char *engine)
{
	for (unsigned i = 0; i < e->n_engines; i++)
		if (same(e->engines[i].key, engine))
			return !strcmp(e->engines[i].value, "no") || !strcmp(e->engines[i].value, "unknown") ? NULL : e->engines[i].value;
	return NULL;
}

int filter_head(const struct model_entry *e, const struct options *o)
{
	return (!o->family || begins(e->family, o->family)) && (!o->licence || same(e->licence, o->licence)) && in_time(e->released, o);
}

int filter_entry(const struct model_entry *e, const struct options *o)
{
	return filter_head(e, o) && (!o->modality || listed(e->modalities, o->modality)) && (!o->use_case || listed(e->use_cases, o->use_case)) &&
		(!o->vendor || begins(e->vendor, o->vendor)) && (!o->origin || same(e->country, o->origin)) &&
		(!o->engine_runs || model_engine_since(e, o->engine_runs)) && (!o->moe || model_is_moe(e->spec)) &&
		(!o->dense || (e->spec && !model_is_moe(e->spec))) && (!o->min_context || (e->spec && e->spec->context_max >= o->min_context));
}

int filter_size(const struct model_entry *e, const struct options *o, const struct quants *q)
{
	struct counts n;

	if (!o->min_params && !o->max_params)
		return 1;
	if (!e->spec || inventory_counts(&n, e->spec, q, NULL) != OK)
		return 0;
	return n.total >= o->min_params && (!o->max_params || n.total <= o->max_params);
}

int filter_wants_all(const struct options *o) { return o->engine_runs != NULL; }

/* q is folded. */
static int within(const char *text, const char *q)
{
	char f[200];

	if (!text)
		return 0;
	str_fold(f, sizeof f, text);
	return strstr(f, q) != NULL;
}

int filter_query(const struct model_entry *e, const struct options *o)
{
	char q[96];

	for (int i = 0; i < o->n_args; i++) {
		str_fold(q, sizeof q, o->args[i]);
		int hit = within(e->id, q) || within(e->name, q) || within(e->family, q) || within(e->vendor, q);
		for (const char *const *al = e->aliases; *al && !hit; al++)
			hit = within(*al, q);
		for (unsigned k = 0; k < e->n_repos && !hit; k++)
			hit = within(e->repos[k].value, q);
		if (!hit)
			return 0;
	}
	return 1;
}

enum field { FAMILY, LICENCE, VENDOR, ORIGIN, MODALITY, USE_CASE, ENGINE, FIELDS };

/* The i-th value of a field of an entry; NULL behind the last. */
static const char *value(const struct model_entry *e, enum field f, unsigned i)
{
	const char *const one[] = { e->family, e->licence, e->vendor, e->country };
	const char *const *list = f == MODALITY ? e->modalities : f == USE_CASE ? e->use_cases : NULL;

	if (f < MODALITY)
		return i ? NULL : one[f];
	if (f == ENGINE)
		return i < e->n_engines ? e->engines[i].key : NULL;
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

/* "Gemma" of "Gemma 3": what begins a family is asked for, and misspelt, without its number. */
static void offer_first_word(struct near_matches *near, const char *v)
{
	char word[64];
	size_t n = strcspn(v, " ");

	if (!v[n] || n >= sizeof word)
		return;
	memcpy(word, v, n);
	word[n] = 0;
	near_offer(near, word);
}

int filter_check(const struct catalog *c, const struct options *o, struct error *err)
{
	const struct { const char *option, *asked; } all[FIELDS] = { { "--family", o->family }, { "--licence", o->licence }, { "--vendor", o->vendor },
		{ "--origin", o->origin }, { "--modality", o->modality }, { "--use-case", o->use_case }, { "--engine-runs", o->engine_runs } };
	unsigned n;
	const struct model_entry *e = catalog_models(c, &n);

	if (o->moe && o->dense)
		return error_set(err, E_USAGE, "--moe and --dense exclude each other");
	if (o->max_params && o->min_params > o->max_params)
		return error_set(err, E_USAGE, "--min-params is above --max-params");
	for (unsigned f = 0; f < FIELDS; f++) {
		struct near_matches near;
		int found = 0, start = f == FAMILY || f == VENDOR;

		if (!all[f].asked)
			continue;
		near_init(&near, all[f].asked);
		for (unsigned i = 0; i < n && !found; i++)
			for (unsigned k = 0; value(&e[i], (enum field)f, k) && !found; k++) {
				found = start ? begins(value(&e[i], (enum field)f, k), all[f].asked) : same(value(&e[i], (enum field)f, k), all[f].asked);
				near_offer(&near, value(&e[i], (enum field)f, k));
				if (start)
					offer_first_word(&near, value(&e[i], (enum field)f, k));
			}
		if (found)
			continue;
		error_set(err, E_MODEL, "%s %s: no model %s has it", all[f].option, all[f].asked,
			f > LICENCE && (o->family || o->licence || o->released_after || o->released_before) ? "of those asked about" : "of the catalogue");
		near_report(&near, err);
		list_values(e, n, (enum field)f, err);
		return E_MODEL;
	}
	return OK;
}
