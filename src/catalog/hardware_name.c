/* hardware_name.c - what people type, cut into parts and looked up */
#include "catalog/hardware_name.h"

#include "base/file.h"
#include "base/str.h"
#include "catalog/hardware_build.h"

#include <stdio.h>
#include <string.h>

enum { MAX_SEGMENTS = 8, SEGMENT_LEN = 200 };

static int load_file(struct hardware_found *out, struct build *b, const char *path)
{
	struct ydoc *d = arena_alloc(b->a, sizeof *d);
	struct hardware_entry *e = arena_alloc(b->a, sizeof *e);
	int rc;

	*out = (struct hardware_found){ .entry = e };
	if (!d || !e)
		return error_set(b->err, E_NOMEM, "out of memory");
	if ((rc = yaml_load(d, b->a, path, b->err)) != OK || (rc = hardware_entry_read(e, b->a, d, b->err)) != OK)
		return rc;
	for (unsigned i = 0; i < e->n_variants; i++)
		if (e->variants[i].is_default && !e->variants[i].entry)
			out->variant = &e->variants[i];
	if (!e->n_variants || out->variant)
		return OK;
	rc = error_set(b->err, E_AMBIGUOUS, "%s: several variants and no default", path);
	for (unsigned i = 0; i < e->n_variants; i++)
		error_candidate(b->err, e->variants[i].id);
	return rc;
}

/* Memory words: 1 when the text is that and was kept. A bare "ddr5-5600" may be a machine of the catalogue. */
static int take_ram(struct build *b, const char *text, int pass, int *rc)
{
	const struct hardware_entry *e;
	struct hardware_ram ram;

	*rc = OK;
	if (!hardware_ram_words(&ram, text) || (!ram.bytes && catalog_device(&e, b->c, text, NULL) == OK))
		return 0;
	if (!pass)
		return 1;
	if ((ram.bytes && b->ram.bytes) || (ram.mts && b->ram.mts)) {
		*rc = error_set(b->err, E_USAGE, "%s: host memory is given twice", text);
		return 1;
	}
	b->ram.bytes += ram.bytes;
	b->ram.mts += ram.mts;
	b->ram.channels = ram.channels ? ram.channels : b->ram.channels;
	return 1;
}

static int find_segment(struct hardware_found *found, unsigned *count, struct build *b, const char *text)
{
	struct error first = { 0 };
	char buf[SEGMENT_LEN];
	const char *rest;
	int rc;

	*count = 1;
	if (str_suffix(text, ".yaml") && path_exists(text))
		return load_file(found, b, text);
	/* the whole first: "8x h100" is the name of a machine in the catalogue */
	rc = hardware_find(found, b->a, b->c, text, &first);
	if (rc == E_HARDWARE) {
		if (hardware_count(count, &rest, buf, sizeof buf, text))
			return error_set(b->err, E_USAGE, "%s: a count is from 1 to 1024", text);
		if (str_suffix(rest, ".yaml"))
			return load_file(found, b, rest);
		if (strcmp(rest, text))
			return hardware_find(found, b->a, b->c, rest, b->err);
	}
	if (rc != OK) {
		*b->err = first;
		if (rc == E_HARDWARE && !b->err->hint[0])
			error_hint(b->err, "what is in no list can be told by its memory (\"16GB ddr5-5600\"), by a file (ullage-catalog(5)), or recorded where it is (hardware --record)");
	}
	return rc;
}

/* pass 0: what computes; pass 1: processors and memory, which become the host of the cards if there are any. */
static int add_segment(struct build *b, const char *text, int pass)
{
	struct hardware_found found;
	unsigned count;
	int rc;

	if (take_ram(b, text, pass, &rc))
		return rc;
	if ((rc = find_segment(&found, &count, b, text)) != OK)
		return rc;
	return (found.entry->kind == HWK_CPU || found.entry->kind == HWK_MEMORY) == pass ? build_add(b, &found, count, text) : OK;
}

static uint64_t mix(uint64_t h, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);        /* FNV-1a */
	return h;
}

uint64_t hardware_fingerprint(const struct hardware_spec *s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (unsigned i = 0; i < s->n_groups; i++) {
		const struct group *g = &s->groups[i];
		uint64_t counts[3] = { g->per_node, g->nodes, g->pool };
		h = mix(h, g->device->id, strlen(g->device->id) + 1);
		h = mix(h, counts, sizeof counts);
	}
	for (unsigned i = 0; i < s->n_pools; i++) {
		uint64_t what[2] = { s->pools[i].kind, s->pools[i].total_bytes };
		h = mix(h, what, sizeof what);
	}
	return h ? h : 1;
}

/* Bytes of a trademark sign at p ("(R)", "(TM)", U+00AE, U+2122), which drivers and firmware write into names; 0: none. */
static size_t trademark(const char *p)
{
	static const char *const marks[] = { "(R)", "(r)", "(TM)", "(tm)", "\xc2\xae", "\xe2\x84\xa2" };

	for (unsigned i = 0; i < sizeof marks / sizeof *marks; i++)
		if (str_prefix(p, marks[i]))
			return strlen(marks[i]);
	return 0;
}

/* Cuts the name at each '+' between blanks or between two letters or digits; the '+' of "Max+ 395" stays. */
static int split(char segment[MAX_SEGMENTS][SEGMENT_LEN], unsigned *n, const char *name, struct error *err)
{
	size_t len = 0;

	*n = 0;
	for (const char *p = name; ; p++) {
		size_t mark = trademark(p);
		if (mark) {
			p += mark - 1;
			continue;
		}
		int blank = p == name || p[-1] == ' ' || p[-1] == '\t';
		if (*p && !(*p == '+' && (blank || (p[1] && p[1] != ' ')))) {
			if (len + 1 == SEGMENT_LEN)
				return error_set(err, E_HARDWARE, "%.80s...: the name is too long", name);
			if (len || (*p != ' ' && *p != '\t'))
				segment[*n][len++] = *p;
			continue;
		}
		while (len && (segment[*n][len - 1] == ' ' || segment[*n][len - 1] == '\t'))
			len--;
		segment[*n][len] = '\0';
		if (!len)
			return *name ? error_set(err, E_USAGE, "%s: nothing before or after a '+'", name) : error_set(err, E_USAGE,
				"no hardware is named");
		++*n;
		len = 0;
		if (!*p)
			return OK;
		if (*n == MAX_SEGMENTS)
			return error_set(err, E_USAGE, "%s: more than %d parts", name, MAX_SEGMENTS);
	}
}

int hardware_resolve(struct hardware_spec *out, struct arena *a, struct catalog *c, const char *name, uint64_t ram_bytes,
	struct error *err)
{
	struct error own = { 0 }, ignored;
	char segment[MAX_SEGMENTS][SEGMENT_LEN];
	struct hardware_found whole;
	struct build b;
	unsigned n;
	int rc;

	*out = (struct hardware_spec){ 0 };
	if ((rc = build_open(&b, a, c, err ? err : &own)) != OK || (rc = split(segment, &n, name, b.err)) != OK)
		return rc;
	/* a name with a '+' of its own */
	if (n > 1 && strlen(name) < SEGMENT_LEN && hardware_find(&whole, a, c, name, &ignored) == OK) {
		snprintf(segment[0], sizeof segment[0], "%s", name);
		n = 1;
	}
	for (int pass = 0; pass < 2; pass++)
		for (unsigned i = 0; i < n; i++)
			if ((rc = add_segment(&b, segment[i], pass)) != OK)
				return rc;
	return build_close(out, &b, ram_bytes);
}
