/* audit_cases.c - what the words of a claim may mean */
#include "live/audit_cases.h"

#include "base/str.h"
#include "catalog/hardware_find.h"
#include "catalog/hardware_name.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int no_memory(struct error *err) { return error_set(err, E_NOMEM, "out of memory"); }

/* Is the size a word of the name? "7b" is one of "Qwen2.5 7B", not of "Qwen3 1.7B". */
static int has_size(const char *name, const char *size)
{
	size_t n = strlen(size);

	for (const char *p = name; *p; p++) {
		size_t k = 0;
		while (k < n && tolower((unsigned char)p[k]) == size[k])
			k++;
		if (k == n && (p == name || (!isalnum((unsigned char)p[-1]) && p[-1] != '.')) && !isalnum((unsigned char)p[n]))
			return 1;
	}
	return 0;
}

/* "dense 70B", "7B models", "70B" -> "70b": what is left when words that say no more than "a model" are taken away. */
static int size_of_words(char *out, size_t n, const char *words)
{
	static const char *const filler[] = { "dense", "model", "models", "a", "any", "class", "parameter", "parameters", "llm", "llms" };
	char folded[160], *save = NULL;
	unsigned found = 0;

	if (str_fold(folded, sizeof folded, words) >= sizeof folded)
		return 0;
	for (char *t = strtok_r(folded, "-", &save); t; t = strtok_r(NULL, "-", &save)) {
		unsigned i = 0;
		while (i < sizeof filler / sizeof *filler && strcmp(filler[i], t))
			i++;
		if (i < sizeof filler / sizeof *filler)
			continue;
		if (++found > 1 || strlen(t) >= n)
			return 0;
		snprintf(out, n, "%s", t);
	}
	size_t digits = found == 1 ? strspn(out, "0123456789") : 0;
	return digits && !strcmp(out + digits, "b");
}

/* Not a finetune that only measurements name: nobody means it by "a 70B". */
static int is_meant(const struct model_entry *m)
{
	return m->spec && (!m->same_shapes_as || m->use_cases[0]);
}

static int is_dense(const struct model_spec *m)
{
	for (unsigned p = 0; p < m->n_parts; p++)
		if (m->parts[p].type == PART_MOE)
			return 0;
	return 1;
}

static int models_of_size(struct models_meant *out, struct catalog *c, const char *size, struct arena *a, struct error *err)
{
	unsigned n;
	const struct model_entry *head = catalog_models(c, &n), *m;
	int rc;

	for (unsigned i = 0; i < n; i++) {
		if (head[i].status != STATUS_OPEN_WEIGHTS || !has_size(head[i].name, size))
			continue;
		if ((rc = catalog_model(&m, c, head[i].id, err)) != OK)
			return rc;
		if (is_meant(m) && is_dense(m->spec) && out->n < AUDIT_MODELS)
			out->list[out->n++] = m;
	}
	out->words = arena_printf(a, "dense models of %s", size);
	if (!out->n) {
		out->meaning = MEANS_UNKNOWN;
		out->why = arena_printf(a, "no dense model of the catalogue has %s in its name", size);
	}
	return out->words && (out->n || out->why) ? OK : no_memory(err);
}

/* "Gemma 4": every model of the family whose weights are published. */
static int models_of_family(struct models_meant *out, struct catalog *c, const char *words, struct arena *a, struct error *err)
{
	unsigned n;
	const struct model_entry *head = catalog_models(c, &n), *m;
	char want[96], is[96];
	int rc;

	str_fold(want, sizeof want, words);
	for (unsigned i = 0; i < n; i++) {
		if (head[i].status != STATUS_OPEN_WEIGHTS || !head[i].family || (str_fold(is, sizeof is, head[i].family), strcmp(is, want)))
			continue;
		if ((rc = catalog_model(&m, c, head[i].id, err)) != OK)
			return rc;
		if (is_meant(m) && out->n < AUDIT_MODELS)
			out->list[out->n++] = m;
	}
	out->words = arena_printf(a, "models of %s", words);
	return out->words ? OK : no_memory(err);
}

/* What can be had instead of an entry: "Gemma 4 E4B, Gemma 4 12B". */
static const char *instead_of(const char *const *ids, struct arena *a)
{
	const char *s = "";

	for (unsigned i = 0; ids[i] && s; i++)
		s = arena_printf(a, "%s%s%s", s, i ? ", " : "; there is ", ids[i]);
	return s ? s : "";
}

int models_of(struct models_meant *out, struct catalog *c, const char *words, struct arena *a, struct error *err)
{
	const struct model_entry *m;
	struct error why = { 0 };
	char size[16];
	int rc;

	*out = (struct models_meant){ .meaning = MEANS_SOME };
	if (size_of_words(size, sizeof size, words))
		return models_of_size(out, c, size, a, err);
	rc = catalog_model(&m, c, words, &why);
	if (rc == E_NOMEM || rc == E_CATALOGUE) {
		if (err)
			*err = why;
		return rc;
	}
	if (rc != OK && words[0]) {
		int family = models_of_family(out, c, words, a, err);
		if (family != OK || out->n)
			return family;
	}
	if (rc != OK) {
		out->meaning = MEANS_UNKNOWN;
		out->why = words[0] ? arena_strdup(a, why.text) : "no model is named";
		if (rc == E_AMBIGUOUS && why.n_candidates)
			out->why = arena_printf(a, "%s means several models", words);
	} else if (m->status != STATUS_OPEN_WEIGHTS) {
		out->meaning = MEANS_NONE_TO_BE_HAD;
		out->why = arena_printf(a, "%s %s%s", m->name, m->status == STATUS_DOES_NOT_EXIST ? "does not exist" :
			m->status == STATUS_ANNOUNCED ? "is only announced" : "has no published weights", instead_of(m->instead, a));
	} else if (!m->spec) {
		out->meaning = MEANS_UNKNOWN;
		out->why = arena_printf(a, "the shapes of %s are not known", m->name);
	} else {
		out->list[out->n++] = m;
	}
	return out->n || out->why ? OK : no_memory(err);
}

/* Kinds of machine that are named by their memory alone. prefix: of the folded aliases; NULL: any of the kind. */
static const struct { const char *words; uint8_t mac; const char *prefix, *plural; } kinds[] = {
	{ "gpu", 0, NULL, "cards" }, { "gpus", 0, NULL, "cards" }, { "card", 0, NULL, "cards" }, { "graphics-card", 0, NULL, "cards" }, { "vram", 0, NULL, "cards" },
	{ "vram-gpu", 0, NULL, "cards" }, { "gpu-vram", 0, NULL, "cards" }, { "mac", 1, NULL, "Macs" }, { "apple-silicon", 1, NULL, "Macs" },
	{ "apple-silicon-mac", 1, NULL, "Macs" }, { "apple-silicon-m-series", 1, NULL, "Macs" }, { "macbook", 1, "macbook-", "MacBooks" }, { "macbook-pro", 1, "macbook-pro-", "MacBook Pros" },
	{ "macbook-air", 1, "macbook-air-", "MacBook Airs" }, { "mac-studio", 1, "mac-studio-", "Mac Studios" }, { "mac-mini", 1, "mac-mini-", "Mac minis" },
	{ "mac-pro", 1, "mac-pro-", "Mac Pros" },
};

/* "24GB GPU", "Mac Studio 96 GB" -> 24 and "gpu". 0: no size in it. */
static uint32_t take_size(char *rest, size_t n, const char *words)
{
	char folded[160];

	if (str_fold(folded, sizeof folded, words) >= sizeof folded)
		return 0;
	for (char *p = folded; *p; p++) {
		size_t digits = strspn(p, "0123456789");
		char *unit = p + digits;
		if (!digits || digits > 4 || (p > folded && p[-1] != '-')) {
			p += digits ? digits - 1 : 0;
			continue;
		}
		unit += *unit == '-';
		size_t u = !strncmp(unit, "gib", 3) ? 3 : !strncmp(unit, "gb", 2) ? 2 : 0;
		if (!u || (unit[u] && unit[u] != '-'))
			continue;
		uint32_t gb = (uint32_t)strtoul(p, NULL, 10);
		const char *after = unit + u + (unit[u] == '-');
		if (p > folded && !*after)
			p--;
		snprintf(rest, n, "%.*s%s", (int)(p - folded), folded, after);
		return gb;
	}
	return 0;
}

static int has_alias(const struct hardware_entry *e, const char *prefix)
{
	char folded[96];

	for (unsigned i = 0; e->aliases[i]; i++) {
		str_fold(folded, sizeof folded, e->aliases[i]);
		if (str_prefix(folded, prefix))
			return 1;
	}
	return 0;
}

/* More than any model of the catalogue needs: of a host whose memory the claim leaves open. */
#define AMPLE (UINT64_C(16) << 40)

/* The memory made up for an open host is not to be read in an answer. */
static int name_host(struct hardware_spec *h, struct arena *a, struct error *err)
{
	const char *plus = strstr(h->name, " + ");

	if (plus && !(h->name = arena_printf(a, "%.*s + host", (int)(plus - h->name), h->name)))
		return no_memory(err);
	return OK;
}

/* Adds `devices` of a card or one Mac, when its memory is the size on the label (gb 0: any). */
static int offer(struct machines_meant *out, struct catalog *c, const char *id, int mac, uint32_t gb, unsigned devices, struct arena *a, struct error *err)
{
	struct hardware_spec *h = arena_alloc(a, sizeof *h);
	char name[128];
	int rc;

	if (!h)
		return no_memory(err);
	if ((rc = hardware_resolve(h, a, c, id, 0, NULL)) != OK)
		return rc == E_NOMEM ? no_memory(err) : OK;
	const struct pool *p = h->n_groups ? &h->pools[h->groups[0].pool] : NULL;
	if (!p || p->kind != (mac ? POOL_UNIFIED : POOL_VRAM) || !p->total_bytes || out->n == AUDIT_MACHINES)
		return OK;
	if (gb && (mac ? p->total_bytes != (uint64_t)gb << 30 : !hardware_label_matches(p->total_bytes, gb)))
		return OK;
	if (devices > 1 || out->host) {
		snprintf(name, sizeof name, "%ux %s", devices, id);
		if ((rc = hardware_resolve(h, a, c, name, out->host ? AMPLE : 0, NULL)) != OK)
			return rc == E_NOMEM ? no_memory(err) : OK;
	}
	out->list[out->n++] = h;
	return out->host ? name_host(h, a, err) : OK;
}

/* "512GB GPU", of which the catalogue has none: so many GiB in one piece, the most that the words can mean. */
static int in_one_piece(struct machines_meant *out, uint32_t gb, struct arena *a, struct error *err)
{
	struct hardware_spec *h = arena_alloc(a, sizeof *h);
	struct device_spec *d = arena_alloc(a, sizeof *d);
	struct pool *p = arena_alloc(a, sizeof *p);
	struct group *g = arena_alloc(a, sizeof *g);
	char *name = arena_printf(a, "%u GiB in one piece", gb);

	if (!h || !d || !p || !g || !name)
		return no_memory(err);
	*p = (struct pool){ .name = "vram", .kind = POOL_VRAM, .total_bytes = (uint64_t)gb << 30, .usable_bytes = (uint64_t)gb << 30 };
	*d = (struct device_spec){ .id = "in-one-piece", .name = name, .kind = DEVICE_GPU, .vendor = VENDOR_OTHER };
	*g = (struct group){ .device = d, .per_node = 1, .nodes = 1 };
	*h = (struct hardware_spec){ .id = "in-one-piece", .name = name, .pools = p, .n_pools = 1, .groups = g, .n_groups = 1 };
	out->list[out->n++] = h;
	out->made_up = 1;
	return OK;
}

static int machines_of_size(struct machines_meant *out, struct catalog *c, unsigned kind, uint32_t gb, unsigned devices, struct arena *a, struct error *err)
{
	unsigned n;
	const struct hardware_entry *head = catalog_hardware(c, &n), *e;
	int rc = OK, mac = kinds[kind].mac;

	for (unsigned i = 0; i < n && rc == OK; i++) {
		if (head[i].status != HW_SOLD || (mac ? head[i].kind != HWK_SOC || head[i].vendor != VENDOR_APPLE : head[i].kind != HWK_GPU))
			continue;
		if ((rc = catalog_device(&e, c, head[i].id, err)) != OK)
			return rc;
		if (kinds[kind].prefix && !has_alias(e, kinds[kind].prefix))
			continue;
		if (!e->n_variants)
			rc = offer(out, c, e->id, mac, gb, devices, a, err);
		for (unsigned v = 0; v < e->n_variants && rc == OK; v++)
			if (!e->variants[v].entry)   /* another entry comes by itself */
				rc = offer(out, c, e->variants[v].id, mac, gb, devices, a, err);
	}
	out->words = gb ? arena_printf(a, "%s of %u GB", kinds[kind].plural, gb) : kinds[kind].plural;
	if (rc == OK && !out->n && !mac && devices == 1 && !out->host)
		return in_one_piece(out, gb, a, err);
	if (rc == OK && !out->n) {
		out->meaning = MEANS_UNKNOWN;
		out->why = arena_printf(a, "no %s in the catalogue", out->words ? out->words : "such machine");
	}
	return rc != OK ? rc : out->words && (out->n || out->why) ? OK : no_memory(err);
}

/* One name, or the machines that an ambiguous one may stand for. */
static int machines_named(struct machines_meant *out, struct catalog *c, const char *words, unsigned devices, struct arena *a, struct error *err)
{
	struct hardware_spec *h = arena_alloc(a, sizeof *h);
	struct error why = { 0 };
	char name[256];
	int rc;

	if (!h)
		return no_memory(err);
	snprintf(name, sizeof name, "%ux %s", devices, words);
	rc = hardware_resolve(h, a, c, devices > 1 ? name : words, out->host ? AMPLE : 0, &why);
	if (rc == E_NOMEM || rc == E_CATALOGUE) {
		if (err)
			*err = why;
		return rc;
	}
	if (rc == OK) {
		out->list[out->n++] = h;
		return out->host ? name_host(h, a, err) : OK;
	}
	/* an error lists no more; who means so many means none */
	if (rc == E_AMBIGUOUS && why.n_candidates == ERROR_CANDIDATES) {
		out->meaning = MEANS_UNKNOWN;
		out->why = arena_printf(a, "%s may be any of a dozen machines or more", words);
		return out->why ? OK : no_memory(err);
	}
	for (int i = 0; rc == E_AMBIGUOUS && i < why.n_candidates && out->n < AUDIT_MACHINES; i++) {
		snprintf(name, sizeof name, "%ux %s", devices, why.candidate[i]);
		if (!(h = arena_alloc(a, sizeof *h)))
			return no_memory(err);
		if (hardware_resolve(h, a, c, devices > 1 ? name : why.candidate[i], out->host ? AMPLE : 0, NULL) == OK)
			out->list[out->n++] = h;
	}
	if (out->n) {
		out->words = arena_printf(a, "machines that are called %s", words);
		return out->words ? OK : no_memory(err);
	}
	out->meaning = rc == E_AVAILABLE ? MEANS_NONE_TO_BE_HAD : MEANS_UNKNOWN;
	out->why = arena_strdup(a, why.text);
	for (int i = 0; rc == E_AVAILABLE && i < why.n_candidates && out->why; i++)
		out->why = arena_printf(a, "%s%s%s", out->why, i ? ", " : "; there is ", why.candidate[i]);
	return out->why ? OK : no_memory(err);
}

/* "RTX 4090 + CPU" -> "RTX 4090"; NULL: no such words. */
static const char *without_host(const char *words, struct arena *a)
{
	static const char *const tails[] = { "+ cpu", "+ ram", "+ host" };
	size_t n = strlen(words);

	for (unsigned i = 0; i < sizeof tails / sizeof *tails; i++) {
		size_t t = strlen(tails[i]);
		if (n > t && str_ieq(words + n - t, tails[i])) {
			for (n -= t; n && words[n - 1] == ' ';)
				n--;
			return arena_strndup(a, words, n);
		}
	}
	return NULL;
}

int machines_of(struct machines_meant *out, struct catalog *c, const char *words, unsigned devices, struct arena *a, struct error *err)
{
	const char *device = without_host(words, a);
	char rest[160];
	uint32_t gb;

	*out = (struct machines_meant){ .meaning = MEANS_SOME, .host = device != NULL };
	words = device ? device : words;
	gb = take_size(rest, sizeof rest, words);
	if (!words[0] || !strcmp(words, "any") || !strcmp(words, "(any)")) {
		out->meaning = MEANS_UNKNOWN;
		out->why = "no machine is named";
		return OK;
	}
	if (!gb)
		str_fold(rest, sizeof rest, words);
	for (unsigned k = 0; k < sizeof kinds / sizeof *kinds; k++)
		if ((gb || kinds[k].mac) && !strcmp(rest, kinds[k].words))
			return machines_of_size(out, c, k, gb, devices ? devices : 1, a, err);
	return machines_named(out, c, words, devices ? devices : 1, a, err);
}
