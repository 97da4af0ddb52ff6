/* catalog_find.c - names looked up on a shelf, and what to say when they are not there */
#include "catalog/catalog_load.h"

#include "base/str.h"

#include <ctype.h>
#include <string.h>

const char *shelf_id(const struct shelf *s, uint32_t i)
{
	return s->kind == SHELF_MODELS ? s->models[i].id : s->hardware[i].id;
}

int64_t shelf_find_id(const struct shelf *s, const char *id)
{
	uint32_t low = 0, high = s->n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int c = strcmp(shelf_id(s, mid), id);

		if (c == 0)
			return mid;
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return -1;
}

void shelf_near(const struct shelf *s, const char *name, struct error *err)
{
	struct near_matches near;
	uint32_t seen[5];
	unsigned n_seen = 0;

	if (!err)
		return;
	near_init(&near, name);
	for (uint32_t i = 0; i < s->names.cap; i++)
		if (s->names.slot[i].folded)
			near_offer(&near, s->names.slot[i].folded);
	/* several names of one entry are one candidate */
	for (int k = 0; k < near.n; k++) {
		const struct name *found = index_find(&s->names, near.best[k].text);
		unsigned i = 0;

		while (found && i < n_seen && seen[i] != found->entry)
			i++;
		if (!found || i < n_seen)
			continue;
		seen[n_seen++] = found->entry;
		error_candidate(err, shelf_id(s, found->entry));
	}
}

/* Several entries have this driver name or repository. */
static int ambiguous(const struct shelf *s, const char *name, const struct name *found, struct error *err)
{
	int rc = error_set(err, E_AMBIGUOUS, "'%.200s' is the name of several entries", name);

	for (uint32_t i = 0; i < s->n; i++) {
		const char *const *names = s->kind == SHELF_HARDWARE ? s->hardware[i].names : NULL;
		unsigned n_repos = s->kind == SHELF_MODELS ? s->models[i].n_repos : 0;
		char folded[256];
		int hit = 0;

		for (; names && *names && !hit; names++) {
			str_fold(folded, sizeof folded, *names);
			hit = !strcmp(folded, found->folded);
		}
		for (unsigned k = 0; k < n_repos && !hit; k++) {
			str_fold(folded, sizeof folded, s->models[i].repos[k].value);
			hit = !strcmp(folded, found->folded);
		}
		if (hit)
			error_candidate(err, shelf_id(s, i));
	}
	return rc;
}

/* Is there a broken file of the user's under this name? It would have come first. */
static const struct error *broken(const struct problems *p, const char *name)
{
	char folded[256];

	str_fold(folded, sizeof folded, name);
	for (unsigned i = 0; i < p->n; i++)
		if (p->list[i].stem && !strcmp(p->list[i].stem, folded))
			return p->list[i].err;
	return NULL;
}

/* A folded name without the '-' between a letter and a digit: "qwen-3-5-27-b" and "qwen3-5-27b" are written alike then. */
static void tighten(char *folded)
{
	char *out = folded;

	for (const char *p = folded; *p; p++) {
		if (*p == '-' && p > folded && p[1] && (!isdigit((unsigned char)p[-1]) != !isdigit((unsigned char)p[1])))
			continue;
		*out++ = *p;
	}
	*out = 0;
}

/* The entry that has this name but for blanks between letters and digits: "Qwen 3.5 27B", "rtx4090". -1: none; *rc E_AMBIGUOUS: several. */
static int64_t find_tight(int *rc, const struct shelf *s, const char *name, struct error *err)
{
	char want[256], is[256];
	int64_t found = -1;

	str_fold(want, sizeof want, name);
	tighten(want);
	for (uint32_t i = 0; i < s->names.cap; i++) {
		const struct name *x = &s->names.slot[i];
		if (!x->folded || strlen(x->folded) >= sizeof is)
			continue;
		memcpy(is, x->folded, strlen(x->folded) + 1);
		tighten(is);
		if (strcmp(is, want) || x->entry == found)
			continue;
		if (found >= 0 || x->shared) {
			*rc = error_set(err, E_AMBIGUOUS, "'%.200s' is the name of several entries", name);
			if (found >= 0)
				error_candidate(err, shelf_id(s, (uint32_t)found));
			error_candidate(err, shelf_id(s, x->entry));
			return -1;
		}
		found = x->entry;
	}
	return found;
}

int64_t shelf_find(int *rc, const struct shelf *s, const struct problems *p, const char *name, struct error *err)
{
	const struct name *found = index_find(&s->names, name);
	const struct error *e = p->n ? broken(p, name) : NULL;

	*rc = OK;
	if (e) {
		if (err)
			*err = *e;
		*rc = e->code;
		return -1;
	}
	if (found && found->shared) {
		*rc = ambiguous(s, name, found, err);
		return -1;
	}
	if (found)
		return found->entry;
	int64_t tight = find_tight(rc, s, name, err);
	if (tight >= 0 || *rc != OK)
		return tight;
	*rc = error_set(err, s->kind == SHELF_MODELS ? E_MODEL : E_HARDWARE, "no %s named '%.200s'",
		s->kind == SHELF_MODELS ? "model" : "hardware", name);
	if (p->n)
		error_hint(err, "a file of your own folder could not be used: %.200s", p->list[0].err->text);
	shelf_near(s, name, err);
	return -1;
}
