/* hardware_blocks.c - pools, device and links of a hardware.d entry */
#include "catalog/hardware_blocks.h"

#include "base/units.h"

#include <stdio.h>
#include <string.h>

enum { MAX_POOLS = 8, MAX_LINKS = 16, MAX_LANES = 32, MAX_CARDS = 1024 };
static const double GB = 1e9, TERA = 1e12;

/* In the order of enum link_kind, then AMD's direct links between cards, which the calculator treats as NVLink. */
static const char *const link_words[] = {
	"pcie", "nvlink", "nvswitch", "unified", "infiniband", "ethernet", "infinity_fabric", NULL
};

double pcie_bytes_per_s(unsigned gen, unsigned lanes)
{
	/* PCI-SIG: transfers per second a lane and direction, times the line code: 8b/10b, 128b/130b, 242 of 256 bytes of a flit */
	static const double rate[] = {
		0, 2.5e9 * 8 / 10, 5e9 * 8 / 10, 8e9 * 128 / 130, 16e9 * 128 / 130, 32e9 * 128 / 130, 64e9 * 242 / 256
	};

	return gen < sizeof rate / sizeof *rate ? rate[gen] / 8 * lanes : 0;
}

int blocks_bandwidth(struct known *read_bps, struct known *eff, struct figures *f, struct ynode *map, int source)
{
	struct known measured = { 0 };
	int rc;

	if ((rc = figures_known(read_bps, f, map, "bandwidth_gb_s", source, GB, 1e6)) != OK ||
	    (rc = figures_known(&measured, f, map, "measured_gb_s", source, GB, 1e6)) != OK)
		return rc;
	if (!is_known(measured))
		return OK;
	if (!is_known(*read_bps))
		return yaml_fail(f->d, map, f->err, "measured_gb_s needs a known bandwidth_gb_s beside it");
	if (measured.v > read_bps->v)
		return yaml_fail(f->d, map, f->err, "measured_gb_s (%g) is above bandwidth_gb_s (%g)", measured.v / GB, read_bps->v / GB);
	/* whoever states it, a measured share is no specification */
	*eff = (struct known){ measured.v / read_bps->v, BASIS_PUBLISHED, measured.source };
	return OK;
}

static int read_pool(struct pool *p, struct known *eff, struct figures *f, struct ynode *n, int source)
{
	const char *const *shared_by;
	uint64_t reserve = 0;
	uint32_t channels = 0;
	int rc;

	p->name = n->key;
	if ((rc = yaml_want(f->d, n, YAML_MAP, f->err)) != OK || (rc = figures_source(&source, f, n, source)) != OK ||
	    (rc = yaml_enum(&p->kind, f->d, n, "kind", pool_kind_names, YAML_NEED, f->err)) != OK ||
	    (rc = figures_bytes_at(&p->total_bytes, &p->total_source, f, n, "total_bytes", source, 1)) != OK)
		return rc;
	p->usable_bytes = p->total_bytes;        /* unless the file says less */
	p->usable_source = p->total_source;
	if ((rc = figures_bytes_at(&p->usable_bytes, &p->usable_source, f, n, "usable_bytes", source, 1)) != OK ||
	    (rc = figures_bytes(&reserve, f, n, "reserve_bytes", source, 1)) != OK ||
	    (rc = figures_word(&p->limit, f, n, "limit")) != OK || (rc = figures_word(&p->memory, f, n, "memory")) != OK ||
	    (rc = figures_words(&shared_by, f, n, "shared_by")) != OK ||
	    (rc = figures_count(&channels, f, n, "channels", 1, 64)) != OK ||
	    (rc = blocks_bandwidth(&p->read_bps, eff, f, n, source)) != OK || (rc = yaml_finish(f->d, n, f->err)) != OK)
		return rc;
	if (p->total_bytes && p->usable_bytes > p->total_bytes)
		return yaml_fail(f->d, n, f->err, "usable_bytes (%llu) is above total_bytes (%llu)", (unsigned long long)p->usable_bytes,
			(unsigned long long)p->total_bytes);
	if (reserve > p->usable_bytes)
		return yaml_fail(f->d, n, f->err, "reserve_bytes (%llu) is above what is usable (%llu)", (unsigned long long)reserve,
			(unsigned long long)p->usable_bytes);
	if (reserve)
		p->reserve_bytes = known_of((double)reserve, BASIS_PUBLISHED);
	return OK;
}

int blocks_pools(struct hardware_spec *out, struct known **pool_eff, struct figures *f, struct ynode *root, int source)
{
	struct ynode *map = yaml_get(root, "pools");
	int rc;

	if (!map)
		return yaml_fail(f->d, root, f->err, "pools: missing");
	if ((rc = yaml_want(f->d, map, YAML_MAP, f->err)) != OK)
		return rc;
	if (!map->n || map->n > MAX_POOLS)
		return yaml_fail(f->d, map, f->err, "pools: %u, must be 1 to %d", (unsigned)map->n, MAX_POOLS);
	out->pools = arena_array(f->a, map->n, sizeof *out->pools);
	*pool_eff = arena_array(f->a, map->n, sizeof **pool_eff);
	if (!out->pools || !*pool_eff)
		return error_set(f->err, E_NOMEM, "out of memory");
	for (struct ynode *c = map->child; c; c = c->next) {
		c->used = 1;
		if ((rc = read_pool(&out->pools[out->n_pools], &(*pool_eff)[out->n_pools], f, c, source)) != OK)
			return rc;
		out->n_pools++;
	}
	return OK;
}

/* "8.9" is 89, "12.1" is 121. */
static int read_capability(uint32_t *out, struct figures *f, struct ynode *map)
{
	struct ynode *n = yaml_get(map, "compute_capability");
	uint32_t major = 0;
	const char *p;

	if (!n || (n->kind == YAML_SCALAR && !strcmp(n->text, "unknown")))
		return OK;
	p = n->kind == YAML_SCALAR ? n->text : "";
	while (*p >= '0' && *p <= '9' && major < 100)
		major = major * 10 + (uint32_t)(*p++ - '0');
	if (!major || p[0] != '.' || p[1] < '0' || p[1] > '9' || p[2])
		return yaml_fail(f->d, n, f->err, "compute_capability: %s is not MAJOR.MINOR", n->text ? n->text : "a list");
	*out = major * 10 + (uint32_t)(p[1] - '0');
	return OK;
}

static int read_flops(struct device_spec *dev, struct figures *f, struct ynode *map, int source)
{
	struct ynode *n = yaml_get(map, "tflops_dense");
	struct known apart = { 0 };
	int rc;

	if (!n)
		return OK;
	if ((rc = yaml_want(f->d, n, YAML_MAP, f->err)) != OK || (rc = figures_source(&source, f, n, source)) != OK)
		return rc;
	for (unsigned i = 0; i < MATH_COUNT; i++)
		if ((rc = figures_known(&dev->flops[i], f, n, math_names[i], source, TERA, 1e6)) != OK)
			return rc;
	/* Rates with 16-bit accumulation (twice the others on GeForce) are checked but not kept: no engine profile accumulates its
	 * matrix products in 16 bits, so no op may be priced with them. */
	if ((rc = figures_known(&apart, f, n, "f16_acc16", source, TERA, 1e6)) != OK ||
	    (rc = figures_known(&apart, f, n, "fp8_acc16", source, TERA, 1e6)) != OK)
		return rc;
	return yaml_finish(f->d, n, f->err);
}

int blocks_device(struct hardware_spec *out, const struct hardware_entry *e, const struct known *pool_eff, struct figures *f,
	struct ynode *root, int source)
{
	static const char *const device_kinds[] = { "gpu", "cpu", "npu", NULL };
	struct ynode *n = yaml_get(root, "device");
	struct device_spec *dev;
	const char *pool = NULL;
	uint16_t at = 0;
	int rc;

	if (!n)
		return yaml_fail(f->d, root, f->err, "device: missing");
	dev = arena_alloc(f->a, sizeof *dev);
	out->groups = arena_alloc(f->a, sizeof *out->groups);
	if (!dev || !out->groups)
		return error_set(f->err, E_NOMEM, "out of memory");
	*dev = (struct device_spec){ .id = e->id, .name = e->name, .vendor = e->vendor };
	dev->kind = e->kind == HWK_CPU || e->kind == HWK_MEMORY ? DEVICE_CPU : DEVICE_GPU;
	if ((rc = yaml_want(f->d, n, YAML_MAP, f->err)) != OK || (rc = figures_source(&source, f, n, source)) != OK ||
	    (rc = yaml_enum(&dev->kind, f->d, n, "kind", device_kinds, YAML_OPTIONAL, f->err)) != OK ||
	    (rc = yaml_str(&pool, f->d, n, "pool", YAML_NEED, f->err)) != OK ||
	    (rc = read_capability(&dev->compute_capability, f, n)) != OK ||
	    (rc = figures_word(&dev->arch, f, n, "arch")) != OK || (rc = figures_word(&dev->arch, f, n, "metal_family")) != OK ||
	    (rc = figures_count(&dev->units, f, n, "units", 1, 1 << 20)) != OK ||
	    (rc = figures_known(&dev->l2_bytes, f, n, "l2_mib", source, (double)MIB, 1e5)) != OK ||
	    (rc = figures_known(&dev->tdp_w, f, n, "tdp_w", source, 1, 1e5)) != OK ||
	    (rc = figures_known(&dev->launch_s, f, n, "launch_us", source, 1e-6, 1e5)) != OK ||
	    (rc = read_flops(dev, f, n, source)) != OK || (rc = yaml_finish(f->d, n, f->err)) != OK)
		return rc;
	while (at < out->n_pools && strcmp(out->pools[at].name, pool))
		at++;
	if (at == out->n_pools)
		return yaml_fail(f->d, n, f->err, "device: pool %s is not under pools", pool);
	dev->stream_eff = pool_eff[at];
	out->groups[0] = (struct group){ dev, at, 1, 1 };
	out->n_groups = 1;
	return OK;
}

/* kind, gen and lanes, or each_way_gb_s: *bps stays unknown when neither is stated. */
static int read_wire(uint8_t *kind, struct known *bps, struct figures *f, struct ynode *n, int source)
{
	struct known gen = { 0 }, lanes = { 0 };
	int rc;

	if ((rc = yaml_enum(kind, f->d, n, "kind", link_words, YAML_NEED, f->err)) != OK)
		return rc;
	if (*kind > LINK_ETHERNET)
		*kind = LINK_NVLINK;
	if ((rc = figures_known(&gen, f, n, "gen", source, 1, 6)) != OK ||
	    (rc = figures_known(&lanes, f, n, "lanes", source, 1, MAX_LANES)) != OK ||
	    (rc = figures_known(bps, f, n, "each_way_gb_s", source, GB, 1e5)) != OK)
		return rc;
	if (gen.v != (unsigned)gen.v || lanes.v != (unsigned)lanes.v || (is_known(gen) && !is_known(lanes)))
		return yaml_fail(f->d, n, f->err, "gen (%g) and lanes (%g) must be whole numbers, both stated", gen.v, lanes.v);
	if (!is_known(*bps) && is_known(gen))
		*bps = (struct known){ pcie_bytes_per_s((unsigned)gen.v, (unsigned)lanes.v), gen.basis, gen.source };
	return OK;
}

int blocks_links(struct hardware_entry *e, struct figures *f, struct ynode *root, int source)
{
	struct ynode *host = yaml_get(root, "host_link"), *peer = yaml_get(root, "peer_link"), *node = yaml_get(root, "node");
	const char *p2p = NULL;
	int at, rc;

	if (host && ((rc = yaml_want(f->d, host, YAML_MAP, f->err)) != OK || (rc = figures_source(&at, f, host, source)) != OK ||
	    (rc = read_wire(&e->host_link_kind, &e->host_link_bps, f, host, at)) != OK || (rc = yaml_finish(f->d, host, f->err)) != OK))
		return rc;
	/* peer_to_peer says whether cards may read each other over PCIe without the host's memory; nothing is computed from it yet */
	if (peer && ((rc = yaml_want(f->d, peer, YAML_MAP, f->err)) != OK || (rc = figures_source(&at, f, peer, source)) != OK ||
	    (rc = read_wire(&e->peer_link_kind, &e->peer_link_bps, f, peer, at)) != OK ||
	    (rc = figures_known(&e->peer_allreduce_bps, f, peer, "allreduce_gb_s", at, GB, 1e5)) != OK ||
	    (rc = figures_count(&e->peer_domain, f, peer, "domain", 2, MAX_CARDS)) != OK ||
	    (rc = yaml_bool(&e->peer_bridge, f->d, peer, "bridge", YAML_OPTIONAL, f->err)) != OK ||
	    (rc = figures_word(&p2p, f, peer, "peer_to_peer")) != OK || (rc = yaml_finish(f->d, peer, f->err)) != OK))
		return rc;
	if (node && ((rc = yaml_want(f->d, node, YAML_MAP, f->err)) != OK ||
	    (rc = figures_count(&e->cards_per_node, f, node, "cards", 1, MAX_CARDS)) != OK ||
	    (rc = yaml_finish(f->d, node, f->err)) != OK))
		return rc;
	return OK;
}

static int end_of_link(uint16_t *out, const struct hardware_entry *e, struct figures *f, struct ynode *n)
{
	int rc = yaml_want(f->d, n, YAML_SCALAR, f->err);

	if (rc != OK)
		return rc;
	n->used = 1;
	if (!strcmp(n->text, "host") || !strcmp(n->text, "node")) {
		*out = *n->text == 'h' ? LINK_HOST : LINK_OTHER_NODE;
		return OK;
	}
	for (uint16_t g = 0; g < e->n_groups; g++)
		if (!strcmp(n->text, e->groups[g].device)) {
			*out = g;
			return OK;
		}
	*out = 0;
	return !e->n_groups && !strcmp(n->text, e->id) ? OK : yaml_fail(f->d, n, f->err,
		"between: %s is no device of this entry, nor host, nor node", n->text);
}

static int read_link(struct link *l, const struct hardware_entry *e, struct figures *f, struct ynode *n, int source)
{
	struct ynode *between;
	struct known per_node = { 0 };
	int rc;

	if ((rc = yaml_want(f->d, n, YAML_MAP, f->err)) != OK || (rc = figures_source(&source, f, n, source)) != OK)
		return rc;
	if (!(between = yaml_get(n, "between")) || between->kind != YAML_SEQ || between->n != 2)
		return yaml_fail(f->d, n, f->err, "between: two ends are wanted, [a, b]");
	if ((rc = end_of_link(&l->a, e, f, between->child)) != OK || (rc = end_of_link(&l->b, e, f, between->child->next)) != OK ||
	    (rc = read_wire(&l->kind, &l->each_way_bps, f, n, source)) != OK ||
	    (rc = figures_known(&l->allreduce_bps, f, n, "allreduce_gb_s", source, GB, 1e5)) != OK ||
	    (rc = figures_known(&l->latency_s, f, n, "latency_us", source, 1e-6, 1e6)) != OK ||
	    (rc = figures_known(&per_node, f, n, "gbit_s_per_node", source, GB / 8, 1e6)) != OK ||
	    (rc = yaml_finish(f->d, n, f->err)) != OK)
		return rc;
	if (is_known(per_node)) {
		if (l->a != LINK_OTHER_NODE || l->b != LINK_OTHER_NODE)
			return yaml_fail(f->d, n, f->err, "gbit_s_per_node is for links between [node, node]");
		l->each_way_bps = per_node;
	}
	return OK;
}

int blocks_link_list(struct hardware_entry *e, struct figures *f, struct ynode *root, int source)
{
	struct ynode *list = yaml_get(root, "links");
	struct link *links;
	int rc;

	if (!list)
		return OK;
	if ((rc = yaml_want(f->d, list, YAML_SEQ, f->err)) != OK)
		return rc;
	if (list->n > MAX_LINKS)
		return yaml_fail(f->d, list, f->err, "links: %u, at most %d", (unsigned)list->n, MAX_LINKS);
	if (!(links = arena_array(f->a, list->n ? list->n : 1, sizeof *links)))
		return error_set(f->err, E_NOMEM, "out of memory");
	e->links = links;
	e->n_links = 0;
	for (struct ynode *c = list->child; c; c = c->next) {
		c->used = 1;
		if ((rc = read_link(&links[e->n_links], e, f, c, source)) != OK)
			return rc;
		e->n_links++;
	}
	return OK;
}
