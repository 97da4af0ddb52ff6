/* probe_match.c - devices looked up in the catalogue */
#include "probe/probe_match.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

enum { MAX_CANDIDATES = 48, MAX_ENTRIES = 16, NAME_LEN = 160 };

struct candidate {
	const struct hardware_entry *entry;
	const struct hardware_variant *variant;  /* NULL: the entry's own figures */
	const struct device_spec *device;
	uint64_t bytes;                          /* 0: unknown */
	uint32_t units;
	struct known read_bps;
};
struct candidates { struct candidate c[MAX_CANDIDATES]; unsigned n; };

static int no_memory(struct error *err) { return error_set(err, E_NOMEM, "out of memory"); }

static void add_candidate(struct candidates *l, const struct hardware_entry *e, const struct hardware_variant *v)
{
	const struct hardware_spec *s = e->spec;

	if (!s || !s->n_groups || l->n == MAX_CANDIDATES)
		return;
	const struct pool *p = &s->pools[s->groups[0].pool];
	l->c[l->n++] = (struct candidate){ e, v, s->groups[0].device, v && v->memory_bytes ? v->memory_bytes : p->total_bytes,
		v && v->gpu_cores ? v->gpu_cores : s->groups[0].device->units, v && is_known(v->read_bps) ? v->read_bps : p->read_bps };
}

/* The entry's own figures, each of its variants', or the entries that a family stands for. */
static void add_entry(struct candidates *l, struct catalog *c, const struct hardware_entry *e)
{
	if (!e->n_variants)
		add_candidate(l, e, NULL);
	for (unsigned i = 0; i < e->n_variants; i++) {
		const struct hardware_entry *other;
		if (!e->variants[i].entry)
			add_candidate(l, e, &e->variants[i]);
		else if (catalog_device(&other, c, e->variants[i].entry, NULL) == OK && !other->n_variants)
			add_candidate(l, other, NULL);
	}
}

/* ECC takes 1/16 of GDDR (nvidia-smi of an A10: 23028 of 24564 MiB), on either side; a kernel keeps some per cent of unified memory. */
static int same_size(uint64_t found, uint64_t stated)
{
	double r = stated ? (double)found / (double)stated : 1;

	return r >= 0.92 && r <= 1.08;
}

uint64_t gpu_carve_out(const struct probed_gpu *g)
{
	return g->carve_out ? g->carve_out : g->unified && g->vendor == VENDOR_AMD ? g->total : 0;
}

/* What the entry's memory has to be compared with: a machine with unified memory is sold by all of it. */
static uint64_t size_of(const struct probed *p, const struct probed_gpu *g)
{
	if (!g->unified || (g->vendor == VENDOR_NVIDIA && g->total))
		return g->total;
	return p->memory.total + gpu_carve_out(g);
}

static int has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (; *text; text++) {
		size_t i = 0;
		while (i < n && text[i] && (text[i] | 32) == (word[i] | 32))
			i++;
		if (i == n)
			return 1;
	}
	return 0;
}

/* Parts of the same chip that are other devices, whatever their ids say. */
static int other_kind(const char *driver_name, const char *entry_name)
{
	static const char *const words[] = { "laptop", "mobile", "max-q" };

	for (unsigned i = 0; driver_name && i < sizeof words / sizeof *words; i++)
		if (has_word(driver_name, words[i]) != has_word(entry_name, words[i]))
			return 1;
	return 0;
}

static int is_one_of(const char *name, const char *const *list)
{
	char a[NAME_LEN], b[NAME_LEN];

	str_fold(a, sizeof a, name);
	for (; *list; list++) {
		str_fold(b, sizeof b, *list);
		if (!strcmp(a, b))
			return 1;
	}
	return 0;
}

enum filter { BY_SIZE, BY_UNITS, BY_NAME };

/* Keeps the candidates that agree; when none does, all stay and the answer is 0. What is unknown on either side agrees. */
static int keep(struct candidates *l, enum filter f, uint64_t value, const char *name)
{
	struct candidates kept = { .n = 0 };

	for (unsigned i = 0; i < l->n; i++) {
		const struct candidate *c = &l->c[i];
		int yes = f == BY_SIZE ? !value || same_size(value, c->bytes) : f == BY_UNITS ? !value || !c->units || c->units == value :
			!name || is_one_of(name, c->entry->names);
		if (yes)
			kept.c[kept.n++] = *c;
	}
	if (!kept.n)
		return 0;
	*l = kept;
	return 1;
}

static int one_entry(const struct candidates *l)
{
	for (unsigned i = 1; i < l->n; i++)
		if (l->c[i].entry != l->c[0].entry)
			return 0;
	return l->n > 0;
}

/* Variants that differ only in what the driver says anyway (how much of the memory the GPU may use). */
static int same_speed(const struct candidates *l)
{
	for (unsigned i = 1; i < l->n; i++)
		if (l->c[i].units != l->c[0].units || is_known(l->c[i].read_bps) != is_known(l->c[0].read_bps) ||
		    (is_known(l->c[0].read_bps) && (l->c[i].read_bps.v < l->c[0].read_bps.v || l->c[i].read_bps.v > l->c[0].read_bps.v)))
			return 0;
	return 1;
}

static int take(struct device_match *out, struct arena *a, const struct candidate *c, enum match_level level, const char *id, struct error *err)
{
	struct hardware_spec *s;
	int rc;

	out->level = (uint8_t)level;
	out->entry = c->entry;
	out->spec = c->entry->spec;
	out->id = id;
	if (!c->variant)
		return OK;
	if (!(s = arena_alloc(a, sizeof *s)))
		return no_memory(err);
	if ((rc = hardware_variant_spec(s, a, c->entry, c->variant, err)) == OK)
		out->spec = s;
	return rc;
}

/* Out of these, the one that the device is. `by`: what led to them. */
static int choose(struct device_match *out, struct candidates *l, struct arena *a, const struct probed *p, const struct probed_gpu *g,
	const char *by, struct error *err)
{
	unsigned n = 0;
	int sized, other_cores;

	for (unsigned i = 0; i < l->n; i++)
		if (!other_kind(g->name, l->c[i].entry->name))
			l->c[n++] = l->c[i];
	if (!(l->n = n))
		return OK;
	sized = g->mig ? 1 : keep(l, BY_SIZE, size_of(p, g), NULL);
	if (l->n > 1 && !g->mig)
		keep(l, BY_UNITS, g->units, NULL);
	if (!one_entry(l))
		keep(l, BY_NAME, 0, g->name);
	if (!one_entry(l) || (l->n > 1 && !same_speed(l))) {
		out->how = arena_printf(a, "it may be %s or %s, which differ", l->c[0].variant ? l->c[0].variant->id : l->c[0].entry->id,
			l->c[1].variant ? l->c[1].variant->id : l->c[1].entry->id);
		return out->how ? OK : no_memory(err);
	}
	/* chips sold with fewer cores may have a narrower memory bus as well (M3 Max, M4 Max) */
	other_cores = l->c[0].variant && l->c[0].variant->gpu_cores && g->units && g->units != l->c[0].units;
	out->how = arena_printf(a, "%s%s", by, g->mig ? " of the card" : !sized ? "; its memory is another" :
		other_cores ? "; its number of cores is another" : size_of(p, g) && l->c[0].bytes ? " and memory size" : "");
	if (!out->how)
		return no_memory(err);
	return take(out, a, &l->c[0], sized && !other_cores ? MATCH_WHOLE : MATCH_CHIP, l->n == 1 && l->c[0].variant ? l->c[0].variant->id : l->c[0].entry->id, err);
}

/* By one name; tries the words in front of " MIG " for a slice. */
static int match_name(struct device_match *out, struct arena *a, struct catalog *c, const struct probed *p, const struct probed_gpu *g,
	const char *name, const char *by, struct error *err)
{
	const struct hardware_entry *e;
	struct candidates l = { .n = 0 };
	struct error e2 = { 0 };
	char card[NAME_LEN];
	int rc;

	snprintf(card, sizeof card, "%s", name);
	if (g->mig && strstr(card, " MIG "))
		*strstr(card, " MIG ") = '\0';
	rc = catalog_device(&e, c, card, &e2);
	if (rc == E_CATALOGUE && !(out->how = arena_strdup(a, e2.text)))
		return no_memory(err);
	if (rc == E_NOMEM) {
		if (err)
			*err = e2;
		return rc;
	}
	if (rc != OK || e->kind == HWK_CPU || e->kind == HWK_NODE || e->kind == HWK_MEMORY)
		return OK;
	add_entry(&l, c, e);
	return choose(out, &l, a, p, g, by ? by : is_one_of(card, e->names) ? "driver name" : "alias", err);
}

int match_gpu(struct device_match *out, struct arena *a, struct catalog *c, const struct probed *p, const struct probed_gpu *g,
	struct error *err)
{
	const struct hardware_entry *entry[MAX_ENTRIES];
	struct device_match named = { .how = NULL };
	struct error e = { 0 };
	unsigned n = 0;
	int rc;

	*out = (struct device_match){ .how = "no entry" };
	if (g->pci) {
		struct candidates l = { .n = 0 };
		if ((rc = catalog_device_pci(entry, &n, MAX_ENTRIES, c, g->pci, &e)) == E_NOMEM) {
			if (err)
				*err = e;
			return rc;
		}
		if (rc != OK && !(out->how = arena_strdup(a, e.text)))
			return no_memory(err);
		for (unsigned i = 0; rc == OK && i < n; i++)
			add_entry(&l, c, entry[i]);
		if (l.n && (rc = choose(out, &l, a, p, g, "PCI id", err)) != OK)
			return rc;
	}
	if (out->level == MATCH_WHOLE || !g->name)
		return OK;
	if ((rc = match_name(&named, a, c, p, g, g->name, NULL, err)) == OK && named.level == MATCH_NONE && g->unified && p->cpu.system)
		rc = match_name(&named, a, c, p, g, p->cpu.system, "name of the machine", err);
	if (named.level > out->level || (out->level == MATCH_NONE && named.how))
		*out = named;
	return rc;
}

const char *cpu_short_name(char *buf, size_t n, const char *name)
{
	static const char *const out[] = { "(R)", "(r)", "(TM)", "(tm)", "\xc2\xae", "\xe2\x84\xa2" };
	static const char *const end[] = { " CPU @", " @ ", " w/ ", " with Radeon" };
	size_t len = 0;
	char *p;

	for (const char *s = name; *s && len + 1 < n; s++) {
		unsigned i = 0;
		while (i < sizeof out / sizeof *out && !str_prefix(s, out[i]))
			i++;
		if (i < sizeof out / sizeof *out)
			s += strlen(out[i]) - 1;
		else if (*s != ' ' || (len && buf[len - 1] != ' '))
			buf[len++] = *s;
	}
	buf[len] = '\0';
	for (unsigned i = 0; i < sizeof end / sizeof *end; i++)
		if ((p = strstr(buf, end[i])) && p > buf)
			*p = '\0';
	/* "96-Core", "96-Cores", "Eight-Core" */
	if ((p = strstr(buf, "-Core"))) {
		while (p > buf && *p != ' ')
			p--;
		if (p > buf)
			*p = '\0';
	}
	len = strlen(buf);
	while (len && buf[len - 1] == ' ')
		buf[--len] = '\0';
	if (len > 10 && !strcmp(buf + len - 10, " Processor"))
		buf[len - 10] = '\0';
	return buf;
}

int match_cpu(struct device_match *out, struct arena *a, struct catalog *c, const struct probed_cpu *cpu, struct error *err)
{
	/* words that people leave out, taken out one after the other: "Intel Xeon Platinum 8480+" is "xeon 8480" to the catalogue */
	static const char *const lose[] = { "", "AMD ", "Intel ", "Ryzen ", "Platinum ", "Gold ", "Silver ", "Bronze " };
	const struct hardware_entry *e;
	char name[NAME_LEN], *p;

	*out = (struct device_match){ .how = "no entry" };
	if (!cpu->name || cpu->virtual_machine) {
		out->how = cpu->name ? "a virtual machine has a part of the processor" : "the processor's name is unknown";
		return OK;
	}
	cpu_short_name(name, sizeof name, cpu->name);
	if (*name && name[strlen(name) - 1] == '+')
		name[strlen(name) - 1] = '\0';
	for (unsigned i = 0; i < sizeof lose / sizeof *lose; i++) {
		size_t n = strlen(lose[i]);
		if (!(p = strstr(name, lose[i])))
			continue;
		memmove(p, p + n, strlen(p + n) + 1);
		if (!*name || catalog_device(&e, c, name, NULL) != OK || e->kind != HWK_CPU || e->n_variants || !e->spec)
			continue;
		out->how = "name of the processor";
		return take(out, a, &(struct candidate){ .entry = e }, MATCH_WHOLE, e->id, err);
	}
	return OK;
}
