/* hardware_yaml.c - one hardware.d file: head, machine, variants, node */
#include "catalog/hardware_yaml.h"

#include "base/str.h"
#include "base/units.h"
#include "catalog/hardware_blocks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_VARIANTS = 32, MAX_GROUPS = 4, MAX_ID = 64, MAX_PER_NODE = 1024 };

const char *const hw_kind_names[] = { "gpu", "soc", "apu", "cpu", "node", "memory", NULL };
const char *const vendor_names[] = { "nvidia", "amd", "intel", "apple", "other", NULL };
const char *const hw_status_names[] = { "sold", "announced", "never_sold", NULL };
const char *const pool_kind_names[] = { "vram", "host", "unified", NULL };
const char *const link_kind_names[] = { "pcie", "nvlink", "nvswitch", "unified", "infiniband", "ethernet", NULL };

/* An id is its own folded form, so that a name typed in any spelling can be compared with it. */
static int read_id(const char **out, const struct ydoc *d, struct ynode *map, const char *key, struct error *err)
{
	char folded[MAX_ID];
	int rc = yaml_str(out, d, map, key, YAML_NEED, err);

	if (rc != OK)
		return rc;
	if (!**out || strlen(*out) >= MAX_ID)
		return yaml_fail(d, map, err, "%s: %.80s: 1 to %d bytes are wanted", key, *out, MAX_ID - 1);
	str_fold(folded, sizeof folded, *out);
	return strcmp(folded, *out) ? yaml_fail(d, map, err, "%s: %s is not in its plain form, %s", key, *out, folded) : OK;
}

/* The ids of variants are names of the entry too: a look-up finds the entry, hardware_resolve() then picks the variant. */
static int add_variant_names(struct hardware_entry *e, struct figures *f, struct ynode *root)
{
	struct ynode *list = yaml_get(root, "variants");
	const char **names;
	unsigned n = 0;
	int rc;

	if (!list)
		return OK;
	if ((rc = yaml_want(f->d, list, YAML_SEQ, f->err)) != OK)
		return rc;
	if (list->n > MAX_VARIANTS)
		return yaml_fail(f->d, list, f->err, "variants: %u, at most %d", (unsigned)list->n, MAX_VARIANTS);
	while (e->aliases[n])
		n++;
	if (!(names = arena_array(f->a, n + list->n + 1, sizeof *names)))
		return error_set(f->err, E_NOMEM, "out of memory");
	memcpy(names, e->aliases, n * sizeof *names);
	for (struct ynode *c = list->child; c; c = c->next) {
		c->used = 1;
		if ((rc = yaml_want(f->d, c, YAML_MAP, f->err)) != OK)
			return rc;
		if (yaml_get(c, "entry"))
			continue;            /* that name belongs to the other entry */
		if ((rc = read_id(&names[n++], f->d, c, "id", f->err)) != OK)
			return rc;
	}
	e->aliases = names;
	return OK;
}

static int read_head(struct hardware_entry *e, struct figures *f)
{
	struct ynode *root = f->d->root, *match;
	uint64_t schema;
	int rc;

	e->file = f->d->file;
	if ((rc = yaml_want(f->d, root, YAML_MAP, f->err)) != OK ||
	    (rc = yaml_u64(&schema, f->d, root, "schema", 1, 1, YAML_NEED, f->err)) != OK ||
	    (rc = read_id(&e->id, f->d, root, "id", f->err)) != OK ||
	    (rc = yaml_str(&e->name, f->d, root, "name", YAML_NEED, f->err)) != OK ||
	    (rc = yaml_enum(&e->kind, f->d, root, "kind", hw_kind_names, YAML_NEED, f->err)) != OK ||
	    (rc = yaml_enum(&e->vendor, f->d, root, "vendor", vendor_names, YAML_NEED, f->err)) != OK ||
	    (rc = yaml_enum(&e->status, f->d, root, "status", hw_status_names, YAML_NEED, f->err)) != OK ||
	    (rc = figures_words(&e->instead, f, root, "instead")) != OK || (rc = figures_word(&e->why, f, root, "why")) != OK)
		return rc;
	if ((match = yaml_get(root, "match")) && (rc = yaml_want(f->d, match, YAML_MAP, f->err)) != OK)
		return rc;
	if ((rc = figures_words(&e->pci, f, match, "pci")) != OK || (rc = figures_words(&e->names, f, match, "names")) != OK ||
	    (rc = figures_words(&e->aliases, f, match, "aliases")) != OK || (match && (rc = yaml_finish(f->d, match, f->err)) != OK))
		return rc;
	return add_variant_names(e, f, root);
}

int hardware_entry_head(struct hardware_entry *out, struct arena *a, const struct ydoc *d, struct error *err)
{
	struct figures f = { .d = d, .a = a, .err = err };

	*out = (struct hardware_entry){ 0 };
	return read_head(out, &f);
}

/* Apple's limit on what a GPU may wire: the newest macOS that is listed counts. */
static int read_gpu_limit(struct hardware_variant *v, struct figures *f, struct ynode *map, int source)
{
	struct ynode *n = yaml_get(map, "gpu_limit_mib");
	unsigned long newest = 0;
	int rc;

	if (!n)
		return OK;
	if ((rc = yaml_want(f->d, n, YAML_MAP, f->err)) != OK || (rc = figures_source(&source, f, n, source)) != OK)
		return rc;
	v->usable_bytes = 0;
	for (struct ynode *c = n->child; c; c = c->next) {
		uint64_t bytes = 0;
		uint16_t at = 0;
		char *end;
		if (!strcmp(c->key, "source"))
			continue;
		int numbered = !strncmp(c->key, "macos_", 6) && c->key[6] >= '1' && c->key[6] <= '9';
		unsigned long version = numbered ? strtoul(c->key + 6, &end, 10) : 0;
		if (!version || *end || version > 1000)
			return yaml_fail(f->d, c, f->err, "gpu_limit_mib: %s: macos_NN is wanted", c->key);
		if ((rc = figures_bytes_at(&bytes, &at, f, n, c->key, source, MIB)) != OK)
			return rc;
		if (v->memory_bytes && bytes > v->memory_bytes)
			return yaml_fail(f->d, c, f->err, "gpu_limit_mib: %s: %llu bytes, but the memory has %llu", c->key, (unsigned long long)bytes,
				(unsigned long long)v->memory_bytes);
		if (version < newest)
			continue;
		newest = version;
		v->usable_bytes = bytes;
		v->usable_source = at;
	}
	if (v->usable_bytes && !(v->limit = arena_printf(f->a, "default GPU limit of macOS %lu", newest)))
		return error_set(f->err, E_NOMEM, "out of memory");
	return yaml_finish(f->d, n, f->err);
}

static int read_variant(struct hardware_variant *v, struct figures *f, struct ynode *n, int source)
{
	uint64_t total = 0;
	uint8_t is_default = 0;
	int rc;

	v->file = f->d->file;
	f->unverified = NULL;
	if ((rc = yaml_want(f->d, n, YAML_MAP, f->err)) != OK ||
	    (rc = yaml_bool(&is_default, f->d, n, "default", YAML_OPTIONAL, f->err)) != OK)
		return rc;
	v->is_default = is_default;
	if (yaml_get(n, "entry")) {
		if ((rc = read_id(&v->entry, f->d, n, "entry", f->err)) != OK)
			return rc;
		v->id = v->entry;
		return yaml_finish(f->d, n, f->err);
	}
	if ((rc = figures_source(&source, f, n, source)) != OK || (rc = read_id(&v->id, f->d, n, "id", f->err)) != OK ||
	    (rc = figures_word(&v->name, f, n, "name")) != OK || (rc = figures_word(&v->warning, f, n, "warning")) != OK ||
	    (rc = figures_bytes_at(&v->memory_bytes, &v->memory_source, f, n, "memory_bytes", source, 1)) != OK ||
	    (rc = figures_bytes_at(&total, &v->memory_source, f, n, "total_bytes", source, 1)) != OK)
		return rc;
	/* memory_bytes: what is soldered in; total_bytes: what the driver reports. A pool's total is the second where it is stated. */
	if (total)
		v->memory_bytes = total;
	v->usable_bytes = v->memory_bytes;
	v->usable_source = v->memory_source;
	if ((rc = figures_bytes_at(&v->usable_bytes, &v->usable_source, f, n, "usable_bytes", source, 1)) != OK ||
	    (rc = figures_word(&v->limit, f, n, "limit")) != OK ||
	    (rc = read_gpu_limit(v, f, n, source)) != OK || (rc = figures_count(&v->gpu_cores, f, n, "gpu_cores", 1, 1 << 16)) != OK ||
	    (rc = blocks_bandwidth(&v->read_bps, &v->stream_eff, f, n, source)) != OK ||
	    (rc = figures_known(&v->tdp_w, f, n, "tdp_w", source, 1, 1e5)) != OK || (rc = yaml_finish(f->d, n, f->err)) != OK)
		return rc;
	if (v->usable_bytes > v->memory_bytes)
		return yaml_fail(f->d, n, f->err, "usable_bytes (%llu) is above the memory (%llu)", (unsigned long long)v->usable_bytes,
			(unsigned long long)v->memory_bytes);
	if (!v->warning)
		v->warning = f->unverified;
	return OK;
}

static int read_variants(struct hardware_entry *e, struct figures *f, struct ynode *root, int source)
{
	struct ynode *list = yaml_get(root, "variants");
	struct hardware_variant *v;
	unsigned defaults = 0, elsewhere = 0;
	int rc;

	if (!list || !list->n)
		return OK;               /* its kind and length were checked with the head */
	if (!(v = arena_array(f->a, list->n, sizeof *v)))
		return error_set(f->err, E_NOMEM, "out of memory");
	e->variants = v;
	for (struct ynode *c = list->child; c; c = c->next, e->n_variants++) {
		if ((rc = read_variant(&v[e->n_variants], f, c, source)) != OK)
			return rc;
		defaults += v[e->n_variants].is_default;
		elsewhere += v[e->n_variants].entry != NULL;
		for (unsigned i = 0; i < e->n_variants; i++)
			if (!strcmp(v[i].id, v[e->n_variants].id))
				return yaml_fail(f->d, c, f->err, "variants: %s is there twice", v[i].id);
	}
	if (defaults > 1)
		return yaml_fail(f->d, list, f->err, "variants: %u defaults, at most 1", defaults);
	if (elsewhere && elsewhere != e->n_variants)
		return yaml_fail(f->d, list, f->err, "variants: %u of %u name another entry: all or none", elsewhere, (unsigned)e->n_variants);
	return OK;
}

static int read_node(struct hardware_entry *e, struct figures *f, struct ynode *root, int source)
{
	struct ynode *list = yaml_get(root, "groups"), *host = yaml_get(root, "host");
	uint64_t bytes = 0;
	int at, rc;

	if (!list)
		return yaml_fail(f->d, root, f->err, "groups: missing");
	if ((rc = yaml_want(f->d, list, YAML_SEQ, f->err)) != OK)
		return rc;
	if (!list->n || list->n > MAX_GROUPS)
		return yaml_fail(f->d, list, f->err, "groups: %u, must be 1 to %d", (unsigned)list->n, MAX_GROUPS);
	for (struct ynode *c = list->child; c; c = c->next, e->n_groups++) {
		c->used = 1;
		if ((rc = yaml_want(f->d, c, YAML_MAP, f->err)) != OK ||
		    (rc = read_id(&e->groups[e->n_groups].device, f->d, c, "device", f->err)) != OK ||
		    (rc = yaml_u32(&e->groups[e->n_groups].per_node, f->d, c, "per_node", 1, MAX_PER_NODE, YAML_NEED, f->err)) != OK ||
		    (rc = yaml_finish(f->d, c, f->err)) != OK)
			return rc;
	}
	if (host && ((rc = yaml_want(f->d, host, YAML_MAP, f->err)) != OK || (rc = figures_source(&at, f, host, source)) != OK ||
	    (rc = figures_bytes(&bytes, f, host, "memory_bytes", at, 1)) != OK ||
	    (rc = figures_word(&e->host_cpu, f, host, "cpu")) != OK ||
	    (rc = yaml_finish(f->d, host, f->err)) != OK))
		return rc;
	if (bytes)
		e->host_memory_bytes = known_of((double)bytes, BASIS_PUBLISHED);
	return figures_known(&e->power_w, f, root, "power_w", source, 1, 1e6);
}

int hardware_variant_spec(struct hardware_spec *out, struct arena *a, const struct hardware_entry *e,
	const struct hardware_variant *v,
	struct error *err)
{
	const struct hardware_spec *base = e->spec;
	struct device_spec *dev = arena_alloc(a, sizeof *dev);
	struct pool *pools = arena_array(a, base->n_pools, sizeof *pools);
	struct group *group = arena_alloc(a, sizeof *group);
	char size[32];

	if (!dev || !pools || !group)
		return error_set(err, E_NOMEM, "out of memory");
	*out = *base;
	*dev = *base->groups[0].device;
	*group = base->groups[0];
	memcpy(pools, base->pools, base->n_pools * sizeof *pools);
	out->id = dev->id = v->id;
	if (!(out->name = v->name))
		out->name = arena_printf(a, "%s, %s", e->name, v->memory_bytes ? format_bytes(size, sizeof size,
			v->memory_bytes) : "memory unknown");
	if (!out->name)
		return error_set(err, E_NOMEM, "out of memory");
	dev->name = out->name;
	if (v->gpu_cores)
		dev->units = v->gpu_cores;
	if (is_known(v->tdp_w))
		dev->tdp_w = v->tdp_w;
	struct pool *p = &pools[group->pool];
	if (v->memory_bytes) {
		p->total_bytes = v->memory_bytes;
		p->usable_bytes = v->usable_bytes;
		p->total_source = v->memory_source;
		p->usable_source = v->usable_source;
	}
	if (v->limit)
		p->limit = v->limit;
	if (is_known(v->read_bps)) {
		p->read_bps = v->read_bps;
		dev->stream_eff = v->stream_eff;
	}
	if (v->warning) {
		const char **w = arena_array(a, base->n_warnings + 1u, sizeof *w);
		if (!w)
			return error_set(err, E_NOMEM, "out of memory");
		if (base->n_warnings)
			memcpy(w, base->warnings, base->n_warnings * sizeof *w);
		w[base->n_warnings] = v->warning;
		out->warnings = w;
		out->n_warnings++;
	}
	group->device = dev;
	out->pools = pools;
	out->groups = group;
	return OK;
}

/* Pools, device and host link of a thing with figures of its own. */
static int read_machine(struct hardware_entry *e, struct figures *f, struct ynode *root, int source)
{
	struct hardware_spec *s = arena_alloc(f->a, sizeof *s);
	struct known *pool_eff;
	struct link *link;
	const char **w;
	unsigned n = 0;
	int rc;

	if (!s)
		return error_set(f->err, E_NOMEM, "out of memory");
	*s = (struct hardware_spec){ .id = e->id, .name = e->name, .file = e->file, .status = e->status };
	f->unverified = NULL;
	if ((rc = blocks_pools(s, &pool_eff, f, root, source)) != OK || (rc = blocks_device(s, e, pool_eff, f, root, source)) != OK)
		return rc;
	while (e->warnings[n])
		n++;
	w = arena_array(f->a, n + 1, sizeof *w);
	link = arena_alloc(f->a, sizeof *link);
	if (!w || !link)
		return error_set(f->err, E_NOMEM, "out of memory");
	memcpy(w, e->warnings, n * sizeof *w);
	if (f->unverified)
		w[n++] = f->unverified;
	s->warnings = w;
	s->n_warnings = (uint16_t)n;
	if (s->pools[s->groups[0].pool].kind == POOL_VRAM) {
		*link = (struct link){ .kind = e->host_link_kind, .a = 0, .b = LINK_HOST, .each_way_bps = e->host_link_bps };
		s->links = link;
		s->n_links = 1;
	}
	e->spec = s;
	return OK;
}

int hardware_entry_read(struct hardware_entry *out, struct arena *a, const struct ydoc *d, struct error *err)
{
	struct figures f = { .d = d, .a = a, .err = err };
	struct ynode *root = d->root;
	struct hardware_entry *e = out;
	int source = NO_SOURCE, rc;

	*e = (struct hardware_entry){ 0 };
	if ((rc = read_head(e, &f)) != OK || (rc = figures_sources(&f, root)) != OK ||
	    (rc = figures_source(&source, &f, root, NO_SOURCE)) != OK ||
	    (rc = figures_word(&e->released, &f, root, "released")) != OK || (rc = figures_words(&e->notes, &f, root, "notes")) != OK ||
	    (rc = figures_words(&e->warnings, &f, root, "warnings")) != OK)
		return rc;
	e->sources = f.sources;
	e->n_sources = f.n_sources;
	if ((rc = read_variants(e, &f, root, source)) != OK)
		return rc;
	if (e->kind == HWK_NODE) {
		if ((rc = read_node(e, &f, root, source)) != OK || (rc = blocks_links(e, &f, root, source)) != OK)
			return rc;
	} else if (e->status == HW_SOLD ? !(e->n_variants && e->variants[0].entry) : yaml_get(root, "device") != NULL) {
		/* what was never sold, or is only announced, may have no figures at all */
		if ((rc = blocks_links(e, &f, root, source)) != OK || (rc = read_machine(e, &f, root, source)) != OK)
			return rc;
	}
	if ((rc = blocks_link_list(e, &f, root, source)) != OK)
		return rc;
	return yaml_finish(d, root, err);
}
