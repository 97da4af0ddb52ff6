/* hardware_find.c - one thing that people call by name */
#include "catalog/hardware_find.h"

#include "base/str.h"
#include "base/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FAMILY_DEPTH = 4, MAX_TOTAL_MATCHES = 32 };

static int is_digit(char c) { return c >= '0' && c <= '9'; }

/* Takes "-WORD" off the end of key when the word is NUMBER + unit ("64gb"); 0 when it is not. */
static int take_number(char *key, const char *unit, uint32_t *out)
{
	size_t n = strlen(key), u = strlen(unit), digits = 0;
	uint32_t v = 0;

	if (n <= u || strcmp(key + n - u, unit))
		return 0;
	n -= u;
	if (n && key[n - 1] == '-' && n >= 2 && is_digit(key[n - 2]))
		n--;                     /* "64 gb" folds to "64-gb" */
	while (digits < n && is_digit(key[n - 1 - digits]))
		digits++;
	if (!digits || digits > 4 || digits == n || key[n - digits - 1] != '-')
		return 0;
	for (size_t i = n - digits; i < n; i++)
		v = v * 10 + (uint32_t)(key[i] - '0');
	if (!v)
		return 0;
	*out = v;
	key[n - digits - 1] = '\0';
	return 1;
}

/* "64gb-mac" -> "mac" and 64: people say the size first, too. */
static void take_leading_size(struct hardware_words *w)
{
	size_t digits = strspn(w->key, "0123456789"), unit;
	const char *p = w->key + digits;

	p += *p == '-';
	unit = str_prefix(p, "gib-") ? 4 : str_prefix(p, "gb-") ? 3 : 0;
	if (w->gb || !digits || digits > 4 || !unit || !p[unit])
		return;
	w->gb = (uint32_t)strtoul(w->key, NULL, 10);
	memmove(w->key, p + unit, strlen(p + unit) + 1);
}

int hardware_words(struct hardware_words *out, const char *name)
{
	static const char *const sizes[] = { "gib", "gb", "g" };
	static const char *const cores[] = { "-gpu-cores", "-core-gpu", "-cores-gpu", "-gpu-core", "-core", "c-gpu" };
	char plain[256];
	size_t n = 0;
	int again = 1;

	*out = (struct hardware_words){ .gb = 0 };
	/* brackets and commas are only how the words are set: "M3 Ultra 256GB (60 GPU cores)" */
	for (const char *p = name; *p && n + 1 < sizeof plain; p++)
		plain[n++] = strchr("(),;", *p) ? ' ' : *p;
	plain[n] = '\0';
	if (n + 1 == sizeof plain || str_fold(out->key, sizeof out->key, plain) >= sizeof out->key)
		return -1;
	while (again) {
		again = 0;
		for (unsigned i = 0; i < sizeof sizes / sizeof *sizes && !out->gb && !again; i++)
			again = take_number(out->key, sizes[i], &out->gb);
		for (unsigned i = 0; i < sizeof cores / sizeof *cores && !out->cores && !again; i++)
			again = take_number(out->key, cores[i], &out->cores);
	}
	take_leading_size(out);
	return 0;
}

int hardware_label_matches(uint64_t bytes, uint32_t gb)
{
	double gib = (double)bytes / (double)GIB / gb, decimal = (double)bytes / 1e9 / gb;

	/* ECC takes 6 % of GDDR cards; HBM labels are GiB up to Hopper and decimal on some later ones */
	return (gib >= 0.93 && gib <= 1.01) || (decimal >= 0.985 && decimal <= 1.015);
}

/* The key without the maker's name in front; NULL when there is none. */
static const char *without_vendor(const char *key)
{
	static const char *const makers[] = { "nvidia-", "amd-", "apple-", "intel-" };

	for (unsigned i = 0; i < sizeof makers / sizeof *makers; i++)
		if (str_prefix(key, makers[i]) && key[strlen(makers[i])])
			return key + strlen(makers[i]);
	return NULL;
}

/* The entry that a name led to, and the words that did. */
struct match {
	const struct hardware_entry *entry;
	char key[96];                            /* folded */
	int whole;                               /* the memory size and cores in the name are part of a known name: nothing to compare */
};

/* Looks the name up whole, then without the words that may be said or not. */
static int look_up(struct match *m, struct catalog *c, const char *name, const struct hardware_words *w, struct error *err)
{
	const char *tries[3];
	int rc = catalog_device(&m->entry, c, name, err);

	str_fold(m->key, sizeof m->key, name);
	m->whole = 1;
	if (rc != E_HARDWARE)
		return rc;
	tries[0] = without_vendor(m->key);
	tries[1] = w->key;
	tries[2] = without_vendor(w->key);
	for (unsigned i = 0; i < 3; i++) {
		struct error other = { 0 };
		int found = tries[i] ? catalog_device(&m->entry, c, tries[i], &other) : E_HARDWARE;
		if (found == E_HARDWARE)
			continue;
		if (found != OK && err)
			*err = other;
		m->whole = i == 0;
		memmove(m->key, tries[i], strlen(tries[i]) + 1);
		return found;
	}
	for (const char *p = m->key; *p; p++)
		if (str_prefix(p, "laptop") || str_prefix(p, "mobile") || str_prefix(p, "mig") || str_prefix(p, "max-q")) {
			error_hint(err, "laptop, Max-Q and MIG parts are other devices than the cards of the same name");
			break;
		}
	return rc;
}

static int not_available(const struct hardware_entry *e, struct error *err)
{
	int rc = error_set(err, E_AVAILABLE, "%s %s%s%s", e->name,
		e->status == HW_NEVER_SOLD ? "was never sold" : "is announced, not sold",
		e->why ? ": " : "", e->why ? e->why : "");

	if (e->instead[0])
		error_hint(err, "what can be had: %s%s%s", e->instead[0], e->instead[1] ? ", " : "", e->instead[1] ? e->instead[1] : "");
	for (unsigned i = 0; e->instead[i]; i++)
		error_candidate(err, e->instead[i]);
	return rc;
}

static uint64_t total_of(const struct hardware_entry *e)
{
	const struct hardware_spec *s = e->spec;

	return s && s->n_groups ? s->pools[s->groups[0].pool].total_bytes : 0;
}

static int fits_words(const struct hardware_variant *v, const struct hardware_words *w, struct catalog *c)
{
	const struct hardware_entry *other;
	uint64_t total = v->memory_bytes;

	if ((w->gb || w->cores) && v->entry && catalog_device(&other, c, v->entry, NULL) == OK) {
		total = total_of(other);
		/* a chip that is sold with several memories: any of them */
		for (unsigned i = 0; i < other->n_variants; i++)
			if (!other->variants[i].entry && fits_words(&other->variants[i], w, c))
				return 1;
		if (other->n_variants && !other->variants[0].entry)
			return 0;
	}
	return (!w->gb || !total || hardware_label_matches(total, w->gb)) && (!w->cores || !v->gpu_cores || v->gpu_cores == w->cores);
}

/* A variant as a candidate: by the memory that was said, where its entry has several. */
static void offer(const struct hardware_variant *v, const struct hardware_words *w, struct catalog *c, struct error *err)
{
	const struct hardware_entry *other;
	unsigned n = 0;

	if ((w->gb || w->cores) && v->entry && catalog_device(&other, c, v->entry, NULL) == OK)
		for (unsigned i = 0; i < other->n_variants; i++)
			if (!other->variants[i].entry && fits_words(&other->variants[i], w, c) && ++n)
				error_candidate(err, other->variants[i].id);
	if (!n)
		error_candidate(err, v->id);
}

/* Which variant the name stands for. */
static int choose(const struct hardware_variant **out, struct hardware_found *found, struct arena *a, struct catalog *c,
	const struct match *m, const char *name, const struct hardware_words *w, struct error *err)
{
	const struct hardware_entry *e = m->entry;
	const struct hardware_variant *fit[MAX_TOTAL_MATCHES], *standard = NULL;
	unsigned n = 0;
	int rc;

	for (unsigned i = 0; i < e->n_variants; i++) {
		const struct hardware_variant *v = &e->variants[i];
		if (!strcmp(v->id, m->key)) {
			*out = v;
			return OK;
		}
		if (fits_words(v, w, c) && n < MAX_TOTAL_MATCHES)
			fit[n++] = v;
	}
	for (unsigned i = 0; i < n; i++)
		if (fit[i]->is_default)
			standard = fit[i];
	if (n == 1 || standard) {
		*out = n == 1 ? fit[0] : standard;
		if (n > 1 && !(found->warning = arena_printf(a, "%s is taken for %s; there is also %s%s", name, (*out)->id,
		    fit[fit[0] == standard]->id, n > 2 ? " and others" : "")))
			return error_set(err, E_NOMEM, "out of memory");
		return OK;
	}
	if (n) {
		rc = error_set(err, E_AMBIGUOUS, "%s stands for %u machines that differ in memory", name, n);
		if (!w->gb)
			error_hint(err, "name one of them, such as %s", fit[0]->id);
	} else {
		rc = error_set(err, E_AVAILABLE, "%s: %s was never made so", name, e->name);
	}
	for (unsigned i = 0; i < e->n_variants; i++)
		if (!n || fits_words(&e->variants[i], w, c))
			offer(&e->variants[i], n ? w : &(struct hardware_words){ .gb = 0 }, c, err);
	return rc;
}

static int check_size(const struct hardware_entry *e, const char *name, const struct hardware_words *w, struct error *err)
{
	uint64_t total = total_of(e);
	char size[32];
	int rc;

	if (!w->gb || !total || hardware_label_matches(total, w->gb))
		return OK;
	rc = error_set(err, E_AVAILABLE, "%s: %s has %s, not %u GB", name, e->name, format_bytes(size, sizeof size, total), w->gb);
	error_candidate(err, e->id);
	return rc;
}

/* name: what was typed; key: what to look up, the same but for the members of a family. */
static int find_in(struct hardware_found *out, struct arena *a, struct catalog *c, const char *name, const char *key,
	struct hardware_words *w, int depth, struct error *err)
{
	const struct hardware_variant *v = NULL;
	struct match m;
	int rc = look_up(&m, c, key, w, err);

	if (rc != OK)
		return rc;
	out->entry = m.entry;
	if (m.entry->status != HW_SOLD)
		return not_available(m.entry, err);
	if (m.whole && !depth)
		w->gb = w->cores = 0;
	if (!m.entry->n_variants)
		return check_size(m.entry, name, w, err);
	if ((rc = choose(&v, out, a, c, &m, name, w, err)) != OK)
		return rc;
	if (!v->entry) {
		out->variant = v;
		return OK;
	}
	if (depth == MAX_FAMILY_DEPTH)
		return error_at(err, E_CATALOGUE, m.entry->file, 0, "variants: %s leads back to a family", v->entry);
	return find_in(out, a, c, name, v->entry, w, depth + 1, err);
}

int hardware_find(struct hardware_found *out, struct arena *a, struct catalog *c, const char *name, struct error *err)
{
	struct hardware_words w;

	*out = (struct hardware_found){ .entry = NULL };
	if (hardware_words(&w, name))
		return error_set(err, E_HARDWARE, "%.80s...: the name is too long", name);
	return find_in(out, a, c, name, name, &w, 0, err);
}
