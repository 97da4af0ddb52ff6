/* hardware_name.c - a machine put together from what people type */
#include "catalog/hardware_name.h"

#include "base/file.h"
#include "base/str.h"
#include "base/units.h"
#include "catalog/hardware_find.h"

#include <stdio.h>
#include <string.h>

enum { MAX_SEGMENTS = 8, MAX_GROUPS = 32, MAX_POOLS = 40, MAX_LINKS = 96, MAX_WARNINGS = 48, SEGMENT_LEN = 200 };
/* Cards that have no usual number: as many as common servers have slots for. */
enum { SLOTS = 8 };
/* The usual desktop; said in a warning wherever it is assumed. */
enum { USUAL_CHANNELS = 2 };

struct build {
	struct arena *a;
	struct catalog *c;
	struct error *err;
	struct pool *pools;     unsigned n_pools;
	struct group *groups;   unsigned n_groups;
	struct link *links;     unsigned n_links;
	const char **warnings;  unsigned n_warnings;
	const struct hardware_entry *processor;      /* a CPU or memory entry beside cards */
	struct hardware_ram ram;
	struct known host_bps;
	uint64_t host_bytes;
	char id[160], name[320];
	const char *file;
};

static int out_of_memory(struct build *b) { return error_set(b->err, E_NOMEM, "out of memory"); }

static int warn(struct build *b, const char *text)
{
	if (!text)
		return out_of_memory(b);
	for (unsigned i = 0; i < b->n_warnings; i++)
		if (!strcmp(b->warnings[i], text))
			return OK;
	if (b->n_warnings < MAX_WARNINGS)
		b->warnings[b->n_warnings++] = text;
	return OK;
}

static int add_link(struct build *b, struct link l)
{
	if (b->n_links == MAX_LINKS)
		return error_set(b->err, E_USAGE, "more than %d links", MAX_LINKS);
	b->links[b->n_links++] = l;
	return OK;
}

static int has_link(const struct build *b, unsigned x, unsigned y)
{
	for (unsigned i = 0; i < b->n_links; i++)
		if ((b->links[i].a == x && b->links[i].b == y) || (b->links[i].a == y && b->links[i].b == x))
			return 1;
	return 0;
}

/* How many go into one machine. Unified memory is one machine each. */
static int deal(unsigned *per_node, unsigned *nodes, struct build *b, const struct hardware_entry *e, int unified, unsigned count)
{
	unsigned usual = unified ? 1 : e->cards_per_node > 1 ? e->cards_per_node : SLOTS;

	*nodes = (unsigned)u64_ceil_div(count, usual);
	while (count % *nodes)
		++*nodes;
	*per_node = count / *nodes;
	if (count > usual && *per_node * 2 < usual)
		return error_set(b->err, E_USAGE, "%u x %s: a machine has up to %u, and %u cannot be dealt evenly over several; %u or %u can", count, e->id,
			usual, count, count / usual * usual, (count / usual + 1) * usual);
	if (*nodes > 1)
		return warn(b, arena_printf(b->a, "%u x %s is taken as %u machines of %u", count, e->id, *nodes, *per_node));
	return OK;
}

static int add_links_of(struct build *b, const struct hardware_entry *e, unsigned g)
{
	const struct group *group = &b->groups[g];
	struct known peer = e->peer_link_bps;
	uint8_t kind = e->peer_link_kind;
	int rc;

	if (b->pools[group->pool].kind != POOL_VRAM)
		return OK;
	if (!has_link(b, g, LINK_HOST) && (rc = add_link(b, (struct link){ .kind = e->host_link_kind, .a = (uint16_t)g, .b = LINK_HOST,
	    .each_way_bps = e->host_link_bps })) != OK)
		return rc;
	if (group->per_node < 2 || has_link(b, g, g))
		return OK;
	struct link l = { .kind = kind, .a = (uint16_t)g, .b = (uint16_t)g, .each_way_bps = peer, .allreduce_bps = e->peer_allreduce_bps };
	/* a bridge is bought apart, and one that joins two cards does not join four */
	if (kind != LINK_PCIE && (e->peer_bridge || (e->peer_domain && group->per_node > e->peer_domain))) {
		if (e->peer_bridge && is_known(peer) && (rc = warn(b, arena_printf(b->a, "%s: taken without an NVLink bridge; with one, %u cards "
		    "are joined at %.4g GB/s each way", e->name, e->peer_domain ? e->peer_domain : 2u, peer.v / 1e9))) != OK)
			return rc;
		l = (struct link){ .kind = LINK_PCIE, .a = (uint16_t)g, .b = (uint16_t)g };
	}
	/* between cards PCIe is at most each one's own link to the host */
	if (l.kind == LINK_PCIE && !is_known(l.each_way_bps) && e->host_link_kind == LINK_PCIE)
		l.each_way_bps = e->host_link_bps;
	return add_link(b, l);
}

static int add_device(struct build *b, const struct hardware_entry *e, const struct hardware_spec *s, unsigned per_node, unsigned nodes)
{
	unsigned pool_at = b->n_pools, g = b->n_groups;
	int rc;

	if (!s || !s->n_groups)
		return error_set(b->err, E_AVAILABLE, "%s: its memory and speed are not known", e->name);
	if (g + s->n_groups > MAX_GROUPS || pool_at + s->n_pools > MAX_POOLS)
		return error_set(b->err, E_USAGE, "more than %d kinds of devices", MAX_GROUPS);
	for (unsigned i = 0; i < s->n_pools; i++)
		b->pools[b->n_pools++] = s->pools[i];
	for (unsigned i = 0; i < s->n_groups; i++) {
		b->groups[b->n_groups] = s->groups[i];
		b->groups[b->n_groups].pool = (uint16_t)(s->groups[i].pool + pool_at);
		b->groups[b->n_groups].per_node = (uint16_t)per_node;
		b->groups[b->n_groups++].nodes = (uint16_t)nodes;
	}
	for (unsigned i = 0; i < s->n_warnings; i++)
		if ((rc = warn(b, s->warnings[i])) != OK)
			return rc;
	if ((rc = add_links_of(b, e, g)) != OK)
		return rc;
	if (nodes > 1 && e->kind != HWK_NODE)
		for (unsigned i = 0; i < e->n_links; i++)
			if (e->links[i].a == LINK_OTHER_NODE && e->links[i].b == LINK_OTHER_NODE && !has_link(b, LINK_OTHER_NODE, LINK_OTHER_NODE) &&
			    (rc = add_link(b, e->links[i])) != OK)
				return rc;
	return OK;
}

static int spec_of(const struct hardware_spec **out, struct build *b, const struct hardware_found *f)
{
	struct hardware_spec *s;
	int rc;

	*out = f->entry->spec;
	if (f->warning && (rc = warn(b, f->warning)) != OK)
		return rc;
	if (!f->variant || !f->entry->spec)
		return OK;
	if (!(s = arena_alloc(b->a, sizeof *s)))
		return out_of_memory(b);
	*out = s;
	return hardware_variant_spec(s, b->a, f->entry, f->variant, b->err);
}

static int add_node(struct build *b, const struct hardware_entry *e, unsigned count)
{
	unsigned first = b->n_groups, shift;
	int rc;

	for (unsigned i = 0; i < e->n_links; i++) {
		struct link l = e->links[i];
		if (l.a == LINK_OTHER_NODE && l.b == LINK_OTHER_NODE && (count < 2 || has_link(b, l.a, l.b)))
			continue;
		shift = first;
		l.a = l.a >= LINK_HOST ? l.a : (uint16_t)(l.a + shift);
		l.b = l.b >= LINK_HOST ? l.b : (uint16_t)(l.b + shift);
		if ((rc = add_link(b, l)) != OK)
			return rc;
	}
	for (unsigned g = 0; g < e->n_groups; g++) {
		struct hardware_found found;
		const struct hardware_spec *s;
		if ((rc = hardware_find(&found, b->a, b->c, e->groups[g].device, b->err)) != OK)
			return rc == E_NOMEM ? rc : error_at(b->err, E_CATALOGUE, e->file, 0, "groups: %s is no device of the catalogue", e->groups[g].device);
		if ((rc = spec_of(&s, b, &found)) != OK || (rc = add_device(b, found.entry, s, e->groups[g].per_node, count)) != OK)
			return rc;
	}
	if (is_known(e->host_memory_bytes))
		b->host_bytes = (uint64_t)e->host_memory_bytes.v;
	for (unsigned i = 0; e->warnings[i]; i++)
		if ((rc = warn(b, e->warnings[i])) != OK)
			return rc;
	return OK;
}

/* Sockets of one machine: one processor with the memory of all. */
static int add_processor(struct build *b, const struct hardware_entry *e, const struct hardware_spec *s, unsigned count)
{
	int rc = add_device(b, e, s, 1, 1);
	struct pool *p;

	if (rc != OK || count == 1)
		return rc;
	p = &b->pools[b->groups[b->n_groups - 1].pool];
	if (u64_mul(&p->total_bytes, p->total_bytes, count) || u64_mul(&p->usable_bytes, p->usable_bytes, count))
		return error_set(b->err, E_USAGE, "%u x %s: its memory overflows", count, e->id);
	p->read_bps.v *= count;
	return warn(b, arena_printf(b->a, "%u x %s is taken as one processor with the memory of all sockets: reading across them is slower", count, e->id));
}

static void append(char *buf, size_t n, const char *between, const char *text)
{
	size_t at = strlen(buf);

	snprintf(buf + at, n - at, "%s%s", at ? between : "", text);
}

static void name_it(struct build *b, const char *id, const char *name, unsigned count)
{
	char text[200];

	snprintf(text, sizeof text, count > 1 ? "%ux-%s" : "%.0u%s", count > 1 ? count : 0, id);
	append(b->id, sizeof b->id, "+", text);
	snprintf(text, sizeof text, count > 1 ? "%ux %s" : "%.0u%s", count > 1 ? count : 0, name);
	append(b->name, sizeof b->name, " + ", text);
}

static int load_file(struct hardware_found *out, struct build *b, const char *path)
{
	struct ydoc *d = arena_alloc(b->a, sizeof *d);
	struct hardware_entry *e = arena_alloc(b->a, sizeof *e);
	int rc;

	*out = (struct hardware_found){ .entry = e };
	if (!d || !e)
		return out_of_memory(b);
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

/* pass 0: what computes; pass 1: processors and memory, which become the host of the cards if there are any. */
static int add_segment(struct build *b, const char *text, int pass)
{
	struct hardware_found found;
	const struct hardware_spec *s;
	struct hardware_ram ram;
	struct error first = { 0 };
	char buf[SEGMENT_LEN];
	const char *rest;
	unsigned count = 1, per_node, nodes;
	int rc;

	if (hardware_ram_words(&ram, text)) {
		if (!pass)
			return OK;
		if ((ram.bytes && b->ram.bytes) || (ram.mts && b->ram.mts))
			return error_set(b->err, E_USAGE, "%s: host memory is given twice", text);
		b->ram.bytes += ram.bytes;
		b->ram.mts += ram.mts;
		b->ram.channels = ram.channels ? ram.channels : b->ram.channels;
		return OK;
	}
	/* the whole first: "8x h100" is the name of a machine in the catalogue */
	rc = str_suffix(text, ".yaml") ? load_file(&found, b, text) : hardware_find(&found, b->a, b->c, text, &first);
	if (rc == E_HARDWARE) {
		if (hardware_count(&count, &rest, buf, sizeof buf, text))
			return error_set(b->err, E_USAGE, "%s: a count is from 1 to 1024", text);
		if (count == 1 && !strcmp(rest, text))
			*b->err = first;
		else
			rc = str_suffix(rest, ".yaml") ? load_file(&found, b, rest) : hardware_find(&found, b->a, b->c, rest, b->err);
	} else if (rc != OK && first.code) {
		*b->err = first;
	}
	if (rc != OK)
		return rc;
	const struct hardware_entry *e = found.entry;
	if (e->status != HW_SOLD && !e->spec)
		return error_set(b->err, E_AVAILABLE, "%s: cannot be had, and has no figures", e->name);
	int processor = e->kind == HWK_CPU || e->kind == HWK_MEMORY;
	if (processor != pass)
		return OK;
	if (!b->file)
		b->file = e->file;
	if (e->kind == HWK_NODE) {
		name_it(b, e->id, e->name, count);
		return add_node(b, e, count);
	}
	if ((rc = spec_of(&s, b, &found)) != OK)
		return rc;
	if (!s)
		return error_set(b->err, E_AVAILABLE, "%s: its memory and speed are not known", e->name);
	if (processor && b->n_groups) {
		if (b->processor)
			return error_set(b->err, E_USAGE, "%s: host memory is given twice", text);
		b->processor = e;
		b->host_bps = s->pools[s->groups[0].pool].read_bps;
		b->host_bps.v *= count;
		if (s->pools[s->groups[0].pool].total_bytes)
			b->host_bytes = s->pools[s->groups[0].pool].total_bytes * count;
		append(b->name, sizeof b->name, " + ", e->name);
		return OK;
	}
	name_it(b, s->id, s->name, count);
	if (processor)
		return add_processor(b, e, s, count);
	if ((rc = deal(&per_node, &nodes, b, e, s->pools[s->groups[0].pool].kind != POOL_VRAM, count)) != OK)
		return rc;
	return add_device(b, e, s, per_node, nodes);
}

/* Host memory, from wherever it was said: --ram, the name, a processor's entry, a node's own. */
static int add_host(struct build *b, uint64_t ram_bytes)
{
	char size[32];
	uint64_t bytes = b->ram.bytes;
	struct pool *p = NULL;
	int rc;

	if (ram_bytes && bytes && ram_bytes != bytes)
		return error_set(b->err, E_USAGE, "host memory is given twice: %llu bytes in the name, %llu by --ram", (unsigned long long)bytes,
			(unsigned long long)ram_bytes);
	bytes = bytes ? bytes : ram_bytes;
	if (bytes)
		append(b->name, sizeof b->name, " + ", format_bytes(size, sizeof size, bytes));
	if (b->ram.mts) {
		uint32_t channels = b->ram.channels ? b->ram.channels : USUAL_CHANNELS;
		/* JEDEC: a channel moves 64 bits a transfer */
		b->host_bps = known_of((double)b->ram.mts * 1e6 * 8 * channels, BASIS_SPEC);
		if (!b->ram.channels && (rc = warn(b, arena_printf(b->a, "host memory at %u MT/s: two channels are assumed, %.4g GB/s", b->ram.mts,
		    b->host_bps.v / 1e9))) != OK)
			return rc;
	}
	if (!bytes)
		bytes = b->host_bytes;
	for (unsigned i = 0; i < b->n_pools; i++)
		if (b->pools[i].kind == POOL_HOST)
			p = &b->pools[i];
	for (unsigned i = 0; i < b->n_groups && !p; i++)
		if (b->pools[b->groups[i].pool].kind == POOL_UNIFIED && i + 1 == b->n_groups)
			return bytes ? warn(b, "the host memory given is not counted: this machine's memory is unified, all of it in one pool") : OK;
	if (!p && !bytes) {
		if (is_known(b->host_bps))
			return warn(b, "the host's memory has a speed but no size: no offload is considered (--ram SIZE)");
		return OK;
	}
	if (!p) {
		if (b->n_pools == MAX_POOLS)
			return error_set(b->err, E_USAGE, "more than %d pools", MAX_POOLS);
		p = &b->pools[b->n_pools++];
		*p = (struct pool){ .name = "host", .kind = POOL_HOST };
	}
	if (bytes)
		p->total_bytes = p->usable_bytes = bytes;
	if (is_known(b->host_bps))
		p->read_bps = b->host_bps;
	return OK;
}

/* Cards of different kinds in one machine meet over PCIe, at the slower one's rate. */
static int join_groups(struct build *b)
{
	for (unsigned x = 0; x < b->n_groups; x++)
		for (unsigned y = x + 1; y < b->n_groups; y++) {
			struct known slow = { 0 };
			int known = 0, rc;
			if (has_link(b, x, y) || b->pools[b->groups[x].pool].kind != POOL_VRAM || b->pools[b->groups[y].pool].kind != POOL_VRAM)
				continue;
			for (unsigned i = 0; i < b->n_links; i++)
				if ((b->links[i].a == x || b->links[i].a == y) && b->links[i].b == LINK_HOST && is_known(b->links[i].each_way_bps)) {
					if (!known++ || b->links[i].each_way_bps.v < slow.v)
						slow = b->links[i].each_way_bps;
				}
			if (known < 2)
				slow = (struct known){ 0 };
			if ((rc = add_link(b, (struct link){ .kind = LINK_PCIE, .a = (uint16_t)x, .b = (uint16_t)y, .each_way_bps = slow })) != OK)
				return rc;
		}
	return OK;
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

/* Cuts the name at each '+' between blanks or between two letters or digits; the '+' of "Max+ 395" stays. */
static int split(char segment[MAX_SEGMENTS][SEGMENT_LEN], unsigned *n, const char *name, struct error *err)
{
	size_t len = 0;

	*n = 0;
	for (const char *p = name; ; p++) {
		int blank = p > name && (p[-1] == ' ' || p[-1] == '\t');
		if (*p && !(*p == '+' && p > name && (blank || (p[1] && p[1] != ' ')))) {
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
			return error_set(err, E_USAGE, "%s: nothing before or after a '+'", name);
		++*n;
		len = 0;
		if (!*p)
			return OK;
		if (*n == MAX_SEGMENTS)
			return error_set(err, E_USAGE, "%s: more than %d parts", name, MAX_SEGMENTS);
	}
}

int hardware_resolve(struct hardware_spec *out, struct arena *a, struct catalog *c, const char *name, uint64_t ram_bytes, struct error *err)
{
	struct error own = { 0 };
	struct build b = { .a = a, .c = c, .err = err ? err : &own };
	char segment[MAX_SEGMENTS][SEGMENT_LEN];
	struct hardware_found whole;
	unsigned n;
	int rc;

	*out = (struct hardware_spec){ 0 };
	b.pools = arena_array(a, MAX_POOLS, sizeof *b.pools);
	b.groups = arena_array(a, MAX_GROUPS, sizeof *b.groups);
	b.links = arena_array(a, MAX_LINKS, sizeof *b.links);
	b.warnings = arena_array(a, MAX_WARNINGS, sizeof *b.warnings);
	if (!b.pools || !b.groups || !b.links || !b.warnings)
		return out_of_memory(&b);
	if ((rc = split(segment, &n, name, b.err)) != OK)
		return rc;
	/* a name with a '+' of its own */
	if (n > 1 && strlen(name) < SEGMENT_LEN && hardware_find(&whole, a, c, name, &own) != E_HARDWARE) {
		snprintf(segment[0], sizeof segment[0], "%s", name);
		n = 1;
	}
	for (int pass = 0; pass < 2; pass++)
		for (unsigned i = 0; i < n; i++)
			if ((rc = add_segment(&b, segment[i], pass)) != OK)
				return rc;
	if (!b.n_groups)
		return error_set(b.err, E_HARDWARE, "%s: memory alone is no machine; name a card or a processor too", name);
	if ((rc = add_host(&b, ram_bytes)) != OK || (rc = join_groups(&b)) != OK)
		return rc;
	*out = (struct hardware_spec){
		.id = arena_strdup(a, b.id), .name = arena_strdup(a, b.name), .file = b.file, .status = HW_SOLD,
		.pools = b.pools, .n_pools = (uint16_t)b.n_pools, .groups = b.groups, .n_groups = (uint16_t)b.n_groups,
		.links = b.links, .n_links = (uint16_t)b.n_links, .warnings = b.warnings, .n_warnings = (uint16_t)b.n_warnings,
	};
	if (!out->id || !out->name)
		return out_of_memory(&b);
	out->fingerprint = hardware_fingerprint(out);
	return OK;
}
