/* probe_links.c - links of a machine that was found: cards to the host, and to each other */
#include "probe/probe_join.h"

/* One to the host a group, one within it, one between each two of them: room for all is made in join_links(). */
static void add(struct join *j, struct link l) { j->links[j->n_links++] = l; }

static const struct hardware_entry *entry_of(const struct join *j, uint32_t gpu)
{
	return j->match[gpu].level == MATCH_NONE ? NULL : j->match[gpu].entry;
}

/* The card's own way to the host: what card and slot agree on at most. Idle cards step down in speed, never in lanes, so the lanes now are the
 * slot's; NVML's "max" of them is the card's alone. */
static struct link host_link(const struct join *j, uint32_t gpu)
{
	const struct probed_gpu *g = &j->p->gpu[gpu];
	const struct hardware_entry *e = entry_of(j, gpu);
	uint32_t lanes = g->pcie_lanes ? g->pcie_lanes : g->pcie_lanes_max, gen = g->pcie_gen_max ? g->pcie_gen_max : g->pcie_gen;
	double bps = gen && lanes ? pcie_bytes_per_s(gen, lanes) : 0;
	struct link l = { .kind = LINK_PCIE, .b = LINK_HOST };

	/* Grace and Hopper meet over NVLink-C2C; the PCIe link that NVML names there is not the way */
	if (e && e->host_link_kind != LINK_PCIE && is_known(e->host_link_bps)) {
		l.kind = e->host_link_kind;
		l.each_way_bps = e->host_link_bps;
	} else if (bps > 0) {
		l.each_way_bps = known_of(bps, BASIS_SPEC);
	} else if (e) {
		l.each_way_bps = e->host_link_bps;
	}
	return l;
}

struct tie { int is, by_switch; double bps; };

/* NVLink between two cards: what carries data each way from x to y. Through a switch every link of a card leads to every other card. */
static struct tie nvlink(const struct join *j, uint32_t x, uint32_t y)
{
	const struct probed_gpu *g = &j->p->gpu[x], *h = &j->p->gpu[y];
	struct tie t = { 0 };
	uint32_t links = 0;

	if (!g->nvlinks || !h->nvlinks)
		return t;
	for (uint32_t i = 0; i < g->n_nvlink_to; i++) {
		if (g->nvlink_to[i].peer == UINT32_MAX)
			t.by_switch = 1;
		else if (g->nvlink_to[i].peer == y)
			links += g->nvlink_to[i].links;
	}
	/* two cards with links and no word of where they lead: to each other, there is nobody else */
	if (t.by_switch || (!g->n_nvlink_to && !h->n_nvlink_to && j->p->n_gpus == 2))
		links = g->nvlinks;
	t.is = links > 0;
	t.bps = links * g->nvlink_each_way_bps;
	return t;
}

/* The slowest of the ties between two groups (or within one): 0 when some pair has none. */
static int tied(struct tie *out, const struct join *j, unsigned a, unsigned b, unsigned *some)
{
	int all = 1, first = 1;

	*out = (struct tie){ 0 };
	*some = 0;
	for (uint32_t x = 0; x < j->p->n_gpus; x++)
		for (uint32_t y = 0; y < j->p->n_gpus; y++) {
			if (x == y || j->group_of[x] != a || j->group_of[y] != b)
				continue;
			struct tie t = nvlink(j, x, y);
			if (!t.is) {
				all = 0;
				continue;
			}
			++*some;
			if (first || t.bps < out->bps)
				*out = t;
			first = 0;
		}
	return all && !first;
}

static struct known slower(struct known a, struct known b)
{
	if (!is_known(a) || !is_known(b))
		return (struct known){ 0 };
	return a.v < b.v ? a : b;
}

static uint32_t first_of(const struct join *j, unsigned group)
{
	uint32_t i = 0;

	while (j->group_of[i] != group)
		i++;
	return i;
}

/* Between the cards of two groups, or of one. */
static int peer_link(struct join *j, unsigned a, unsigned b, const struct known *to_host)
{
	const struct probed_gpu *g = &j->p->gpu[first_of(j, a)];
	const struct hardware_entry *e = entry_of(j, first_of(j, a));
	struct link l = { .kind = LINK_PCIE, .a = (uint16_t)a, .b = (uint16_t)b, .each_way_bps = slower(to_host[a], to_host[b]) };
	struct tie t;
	unsigned some;

	if (tied(&t, j, a, b, &some)) {
		l.kind = t.by_switch ? LINK_NVSWITCH : LINK_NVLINK;
		int same = e && (e->peer_link_kind == LINK_NVLINK || e->peer_link_kind == LINK_NVSWITCH);
		/* directly tied cards spread their links over the others: an all-reduce uses all of them */
		if (!t.by_switch && a == b && j->groups[a].per_node > 2)
			t.bps = g->nvlinks * g->nvlink_each_way_bps;
		l.each_way_bps = t.bps > 0 ? known_of(t.bps, BASIS_SPEC) : same ? e->peer_link_bps : (struct known){ 0 };
		if (same && a == b)
			l.allreduce_bps = e->peer_allreduce_bps;
	} else if (some) {
		int rc = join_warn(j, "some of the cards are joined by NVLink and some are not: between cards PCIe is counted");
		if (rc != OK)
			return rc;
	}
	add(j, l);
	return OK;
}

int join_links(struct join *j)
{
	struct known *to_host = arena_array(j->a, j->n_groups + 1, sizeof *to_host);
	int rc;

	j->links = arena_array(j->a, j->n_groups * (j->n_groups + 3) / 2, sizeof *j->links);
	if (!to_host || !j->links)
		return error_set(j->err, E_NOMEM, "out of memory");
	for (unsigned g = 0; g < j->n_groups; g++) {
		if (j->pools[j->groups[g].pool].kind != POOL_VRAM)
			continue;
		struct link l = host_link(j, first_of(j, g));
		for (uint32_t i = 0; i < j->p->n_gpus; i++)      /* cards of one kind may sit in unlike slots: the slowest counts */
			if (j->group_of[i] == g)
				l.each_way_bps = slower(l.each_way_bps, host_link(j, i).each_way_bps);
		l.a = (uint16_t)g;
		to_host[g] = l.each_way_bps;
		add(j, l);
	}
	for (unsigned a = 0; a < j->n_groups; a++)
		for (unsigned b = a; b < j->n_groups; b++)
			if (j->pools[j->groups[a].pool].kind == POOL_VRAM && j->pools[j->groups[b].pool].kind == POOL_VRAM &&
			    (a != b || j->groups[a].per_node > 1) && (rc = peer_link(j, a, b, to_host)) != OK)
				return rc;
	return OK;
}
