/* hardware_build.c - a machine put together from entries */
#include "catalog/hardware_build.h"

#include "base/str.h"
#include "base/units.h"

#include <stdio.h>
#include <string.h>

enum { MAX_GROUPS = 32, MAX_POOLS = 40, MAX_LINKS = 96, MAX_WARNINGS = 48 };
/* Cards that have no usual number: as many as common servers have slots for. */
enum { SLOTS = 8 };
/* The usual desktop; said in a warning wherever it is assumed. */
enum { USUAL_CHANNELS = 2 };

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
		return error_set(b->err, E_USAGE, "%u x %s: a machine has up to %u, and %u cannot be dealt evenly over several; %u or %u can",
			count, e->id,
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
	struct link l = { .kind = kind, .a = (uint16_t)g, .b = (uint16_t)g, .each_way_bps = peer,
		.allreduce_bps = e->peer_allreduce_bps };
	/* a bridge is bought apart, and one that joins two cards does not join four */
	if (kind != LINK_PCIE && (e->peer_bridge || (e->peer_domain && group->per_node > e->peer_domain))) {
		if (e->peer_bridge && is_known(peer) &&
		    (rc = warn(b, arena_printf(b->a, "%s: taken without an NVLink bridge; with one, %u cards "
		    "are joined at %.4g GB/s each way", e->name, e->peer_domain ? e->peer_domain : 2u, peer.v / 1e9))) != OK)
			return rc;
		l = (struct link){ .kind = LINK_PCIE, .a = (uint16_t)g, .b = (uint16_t)g };
	}
	/* between cards PCIe is at most each one's own link to the host */
	if (l.kind == LINK_PCIE && !is_known(l.each_way_bps) && e->host_link_kind == LINK_PCIE)
		l.each_way_bps = e->host_link_bps;
	return add_link(b, l);
}

static int add_device(struct build *b, const struct hardware_entry *e, const struct hardware_spec *s, unsigned per_node,
	unsigned nodes)
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
			return rc == E_NOMEM ? rc : error_at(b->err, E_CATALOGUE, e->file, 0, "groups: %s is no device of the catalogue",
				e->groups[g].device);
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
	return warn(b, arena_printf(b->a,
		"%u x %s is taken as one processor with the memory of all sockets: reading across them is slower", count, e->id));
}

/* Cut off where the buffer ends: these are names to show, not to look up. */
static void append(char *buf, size_t n, const char *between, const char *text)
{
	size_t at = strlen(buf);

	snprintf(buf + at, n - at, "%s%s", at ? between : "", text);
}

static void name_it(struct build *b, const char *id, const char *name, unsigned count)
{
	char times_id[16] = "", times_name[16] = "";

	if (count > 1) {
		snprintf(times_id, sizeof times_id, "%ux-", count);
		snprintf(times_name, sizeof times_name, "%ux ", count);
	}
	append(b->id, sizeof b->id, "+", times_id);
	append(b->id, sizeof b->id, "", id);
	append(b->name, sizeof b->name, " + ", times_name);
	append(b->name, sizeof b->name, "", name);
}

int build_open(struct build *b, struct arena *a, struct catalog *c, struct error *err)
{
	*b = (struct build){ .a = a, .c = c, .err = err };
	b->pools = arena_array(a, MAX_POOLS, sizeof *b->pools);
	b->groups = arena_array(a, MAX_GROUPS, sizeof *b->groups);
	b->links = arena_array(a, MAX_LINKS, sizeof *b->links);
	b->warnings = arena_array(a, MAX_WARNINGS, sizeof *b->warnings);
	return b->pools && b->groups && b->links && b->warnings ? OK : out_of_memory(b);
}

/* A processor beside cards is their host: its memory counts, not its arithmetic. */
static int add_as_host(struct build *b, const struct hardware_entry *e, const struct hardware_spec *s, unsigned count,
	const char *text)
{
	const struct pool *p = &s->pools[s->groups[0].pool];

	if (is_known(b->host_bps))
		return error_set(b->err, E_USAGE, "%s: host memory is given twice", text);
	b->host_bps = p->read_bps;
	b->host_bps.v *= count;
	if (p->total_bytes)
		b->host_bytes = p->total_bytes * count;
	append(b->name, sizeof b->name, " + ", e->name);
	return OK;
}

int build_add(struct build *b, const struct hardware_found *f, unsigned count, const char *text)
{
	const struct hardware_entry *e = f->entry;
	const struct hardware_spec *s;
	unsigned per_node, nodes;
	int rc;

	if (!b->file)
		b->file = e->file;
	if (e->kind == HWK_NODE) {
		name_it(b, e->id, e->name, count);
		return add_node(b, e, count);
	}
	if ((rc = spec_of(&s, b, f)) != OK)
		return rc;
	if (!s || !s->n_groups)
		return error_set(b->err, E_AVAILABLE, "%s: its memory and speed are not known", e->name);
	if (e->kind == HWK_CPU || e->kind == HWK_MEMORY) {
		if (b->n_groups)
			return add_as_host(b, e, s, count, text);
		name_it(b, s->id, s->name, count);
		return add_processor(b, e, s, count);
	}
	name_it(b, s->id, s->name, count);
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
		return error_set(b->err, E_USAGE, "host memory is given twice: %llu bytes in the name, %llu by --ram",
			(unsigned long long)bytes,
			(unsigned long long)ram_bytes);
	bytes = bytes ? bytes : ram_bytes;
	if (bytes)
		append(b->name, sizeof b->name, " + ", format_bytes(size, sizeof size, bytes));
	if (b->ram.mts) {
		uint32_t channels = b->ram.channels ? b->ram.channels : USUAL_CHANNELS;
		/* JEDEC: a channel moves 64 bits a transfer */
		b->host_bps = known_of((double)b->ram.mts * 1e6 * 8 * channels, BASIS_SPEC);
		if (!b->ram.channels &&
		    (rc = warn(b, arena_printf(b->a, "host memory at %u MT/s: two channels are assumed, %.4g GB/s", b->ram.mts,
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
	else if (b->n_groups && b->pools[b->groups[0].pool].kind == POOL_VRAM && !is_known(p->read_bps))
		return warn(b, "the speed of the host's memory is not given, so what is offloaded has no speed: say it, as in \"+ 64GB ddr5-5600\"");
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

/* Memory and no card: some processor with that memory. */
static int add_any_processor(struct build *b)
{
	struct device_spec *dev = arena_alloc(b->a, sizeof *dev);

	if (!dev)
		return out_of_memory(b);
	*dev = (struct device_spec){ .id = "cpu", .name = "CPU", .kind = DEVICE_CPU, .vendor = VENDOR_OTHER };
	b->pools[b->n_pools++] = (struct pool){ .name = "host", .kind = POOL_HOST };
	b->groups[b->n_groups++] = (struct group){ dev, 0, 1, 1 };
	name_it(b, "cpu", "CPU", 1);
	return OK;
}

int build_close(struct hardware_spec *out, struct build *b, uint64_t ram_bytes)
{
	int rc;

	if ((!b->n_groups && (rc = add_any_processor(b)) != OK) || (rc = add_host(b, ram_bytes)) != OK || (rc = join_groups(b)) != OK)
		return rc;
	*out = (struct hardware_spec){
		.id = arena_strdup(b->a, b->id), .name = arena_strdup(b->a, b->name), .file = b->file, .status = HW_SOLD,
		.pools = b->pools, .n_pools = (uint16_t)b->n_pools, .groups = b->groups, .n_groups = (uint16_t)b->n_groups,
		.links = b->links, .n_links = (uint16_t)b->n_links, .warnings = b->warnings, .n_warnings = (uint16_t)b->n_warnings,
	};
	if (!out->id || !out->name)
		return out_of_memory(b);
	out->fingerprint = hardware_fingerprint(out);
	return OK;
}
