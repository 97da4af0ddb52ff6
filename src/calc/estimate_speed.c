/* estimate_speed.c - how fast: each op on the device that holds its layer, links between them
 *
 * Layers of one kind and in the same formats cost the same: each such class is lowered once. */
#include "calc/estimate.h"

#include "base/units.h"
#include "calc/placement.h"
#include "calc/speed.h"

#include <string.h>

/* Seconds of one layer of a class on one group of devices: all but the routed experts, and those. */
struct cost { struct figure rest, experts; };
/* Places: what the machine's groups run on (equal cards with other memory free are groups of their own, but one place), and the host's
 * processor. */
enum { MAX_PLACES = 16, MAX_GROUPS = 256 };
struct costs {
	const struct pool *pool[MAX_PLACES];
	const struct device_spec *device[MAX_PLACES];
	uint8_t of_group[MAX_GROUPS];
	unsigned n_places, host;                 /* host: index of the processor beside cards; UINT32_MAX: none */
	uint16_t *class_of;                      /* of each layer; the whole model's ops are class n_classes - 1 */
	unsigned n_classes;
	struct cost *cost;                       /* n_classes x n_places */
};

static int same_memory(const struct pool *a, const struct pool *b)
{
	return a->kind == b->kind && a->read_bps.basis == b->read_bps.basis && !(a->read_bps.v < b->read_bps.v) && !(a->read_bps.v > b->read_bps.v);
}

static int list_places(struct costs *c, const struct question *q, struct error *err)
{
	const struct hardware_spec *h = q->hardware;
	/* a processor nobody described: its memory's bandwidth is all that is known of it */
	static const struct device_spec any = { .id = "cpu", .name = "CPU", .kind = DEVICE_CPU, .vendor = VENDOR_OTHER };
	const struct pool *host = place_on_cards(q) ? place_host(h) : NULL;

	for (unsigned g = 0; g < h->n_groups; g++) {
		const struct pool *pool = &h->pools[h->groups[g].pool];
		unsigned k = 0;
		while (k < c->n_places && (c->device[k] != h->groups[g].device || !same_memory(c->pool[k], pool)))
			k++;
		if (k + 1 >= MAX_PLACES || g == MAX_GROUPS)
			return error_set(err, E_USAGE, "%s: more than %d kinds of device", h->name, MAX_PLACES - 1);
		c->of_group[g] = (uint8_t)k;
		if (k == c->n_places) {
			c->pool[k] = pool;
			c->device[k] = h->groups[g].device;
			c->n_places++;
		}
	}
	c->host = UINT32_MAX;
	if (host) {
		c->host = c->n_places;
		c->pool[c->n_places] = host;
		c->device[c->n_places] = &any;
		for (unsigned g = 0; g < h->n_groups; g++)
			if (&h->pools[h->groups[g].pool] == host)
				c->device[c->n_places] = h->groups[g].device;
		c->n_places++;
	}
	return OK;
}

static int same_row(const struct op_formats *f, uint32_t i, uint32_t j)
{
	return !f->format || !memcmp(&f->format[(size_t)i * ROLES], &f->format[(size_t)j * ROLES], ROLES * sizeof *f->format);
}

static void add_figure(struct figure *sum, struct figure f, double times)
{
	if (f.basis == BASIS_UNKNOWN)
		sum->basis = BASIS_UNKNOWN;
	if (sum->basis == BASIS_UNKNOWN)
		return;
	if (f.basis < sum->basis)
		sum->basis = f.basis;
	sum->value += times * f.value;
	sum->low += times * f.low;
	sum->high += times * f.high;
}

static const struct figure nothing = { 0, 0, 0, BASIS_MEASURED };        /* the best basis there is: each addend lowers it to its own */

/* The ops from `from` on, on every place. */
static void price(struct costs *c, unsigned class, const struct op_list *ops, uint32_t from, const struct question *q, unsigned cut)
{
	for (unsigned p = 0; p < c->n_places; p++) {
		struct cost *cost = &c->cost[class * c->n_places + p];
		*cost = (struct cost){ nothing, nothing };
		for (uint32_t i = from; i < ops->n; i++)
			add_figure(ops->op[i].kind == OP_EXPERTS ? &cost->experts : &cost->rest,
				op_seconds(ops, &ops->op[i], c->device[p], c->pool[p], q->efficiency, p == c->host ? 1 : cut), 1);
	}
}

static int price_step(struct costs *c, const struct estimate *e, const struct question *q, const struct shape *s, struct arena *a, struct error *err)
{
	const struct model_spec *m = q->model;
	unsigned cut = place_cuts(e, q) ? e->n_devices : 1;
	struct lowering w;
	struct op_list ops;
	uint32_t *first;
	int rc;

	*c = (struct costs){ .class_of = arena_array(a, m->n_layers + 1, sizeof *c->class_of) };
	first = arena_array(a, m->n_layers + 1, sizeof *first);
	if (!c->class_of || !first)
		return error_set(err, E_NOMEM, "out of memory");
	if ((rc = list_places(c, q, err)) != OK || (rc = ops_begin(&w, &ops, m, q->quants, &e->settings, s, a, err)) != OK)
		return rc;
	for (uint32_t i = 0; i < m->n_layers; i++) {
		unsigned k = 0;
		while (k < c->n_classes && (m->kind_of[first[k]] != m->kind_of[i] || !same_row(&w.formats, first[k], i)))
			k++;
		if (k == c->n_classes)
			first[c->n_classes++] = i;
		c->class_of[i] = (uint16_t)k;
	}
	c->class_of[m->n_layers] = (uint16_t)c->n_classes++;
	if (!(c->cost = arena_array(a, (size_t)c->n_classes * c->n_places, sizeof *c->cost)))
		return error_set(err, E_NOMEM, "out of memory");
	uint32_t head = ops.n;           /* ops before the layers: they are priced with those behind them */
	for (unsigned k = 0; k + 1 < c->n_classes && !w.failed; k++) {
		uint32_t from = ops.n;
		ops_layer(&w, first[k]);
		price(c, k, &ops, from, q, cut);
	}
	uint32_t from = ops.n;
	if ((rc = ops_end(&w, err)) != OK)
		return rc;
	memmove(&ops.op[head], &ops.op[from], (ops.n - from) * sizeof *ops.op);
	ops.n = head + (ops.n - from);
	price(c, c->n_classes - 1, &ops, 0, q, cut);
	return OK;
}

/* Rate each way between the devices of a group or of two, or of a group and the host; BASIS_UNKNOWN. */
static struct known link_rate(const struct hardware_spec *h, unsigned a, unsigned b, int allreduce)
{
	struct known none = { 0, BASIS_UNKNOWN, 0 };

	for (unsigned i = 0; i < h->n_links; i++) {
		const struct link *l = &h->links[i];
		if ((l->a != a || l->b != b) && (l->a != b || l->b != a))
			continue;
		if (allreduce && is_known(l->allreduce_bps))
			return l->allreduce_bps;
		if (is_known(l->each_way_bps))
			return l->each_way_bps;
	}
	return none;
}

/* What the devices say to each other in one step: two all-reduces a layer of the residual stream in 16 bits when every layer is cut up
 * (a ring moves 2 (n - 1) / n of the bytes over each link); the stream in f32 from card to card when layers are dealt out. Latency is
 * not counted: it is unknown for nearly every link. */
static struct figure talk(struct estimate *e, const struct question *q, double tokens)
{
	const struct hardware_spec *h = q->hardware;
	double stream = tokens * q->model->width * (q->model->residual_streams > 1 ? q->model->residual_streams : 1);
	struct figure f = nothing;
	unsigned n = e->n_devices;

	if (n < 2)
		return f;
	if (place_cuts(e, q)) {
		struct known rate = link_rate(h, e->device[0].group, e->device[n - 1].group, 1);
		double bytes = 2.0 * q->model->n_layers * stream * 2 * 2 * (n - 1) / n;
		if (!is_known(rate)) {
			e->warnings |= 1u << WARN_LINK_UNKNOWN;
			return f;
		}
		f.value = f.low = f.high = bytes / rate.v;
		return f;
	}
	for (unsigned d = 1; d < n; d++) {
		struct known rate = link_rate(h, e->device[d - 1].group, e->device[d].group, 0);
		if (!is_known(rate))
			continue;        /* a few kilobytes a token: it does not show */
		f.value += stream * 4 / rate.v;
		f.low = f.high = f.value;
	}
	return f;
}

/* One step over the placement: layers one after another take the time of the place they are at, cut-up layers that of the slowest. */
static struct figure step_time(struct estimate *e, const struct question *q, const struct costs *c, double tokens)
{
	uint32_t n = q->model->n_layers;
	struct figure sum = nothing;

	if (place_cuts(e, q)) {
		for (unsigned d = 0; d < e->n_devices; d++) {
			unsigned p = c->of_group[e->device[d].group];
			struct figure one = nothing;
			if (d && p == c->of_group[e->device[d - 1].group])
				continue;
			for (uint32_t i = 0; i <= n; i++) {
				const struct cost *k = &c->cost[c->class_of[i] * c->n_places + p];
				add_figure(&one, k->rest, 1);
				add_figure(&one, k->experts, 1);
			}
			if (!d || one.basis == BASIS_UNKNOWN || (sum.basis != BASIS_UNKNOWN && one.value > sum.value))
				sum = one;
		}
	} else {
		for (uint32_t i = 0; i <= n; i++) {
			int d = place_of_layer(e, n, i);
			unsigned p = d == PLACED_HOST ? c->host : c->of_group[e->device[d].group], x = i < e->cpu_moe ? c->host : p;
			if (p >= c->n_places || x >= c->n_places)
				return (struct figure){ 0, 0, 0, BASIS_UNKNOWN };
			add_figure(&sum, c->cost[c->class_of[i] * c->n_places + p].rest, 1);
			add_figure(&sum, c->cost[c->class_of[i] * c->n_places + x].experts, 1);
		}
	}
	add_figure(&sum, talk(e, q, tokens), 1);
	return sum;
}

/* One decode step of all sequences at this depth. */
static int decode_at(struct figure *out, struct estimate *e, const struct question *q, uint64_t depth, struct arena *a, struct error *err)
{
	struct shape s = { .tokens = e->settings.sequences, .sequences = e->settings.sequences, .outputs = e->settings.sequences, .own = settings_own(&e->settings),
		.context_mean = (double)depth, .context_max = depth };
	struct costs c;
	int rc = price_step(&c, e, q, &s, a, err);

	if (rc == OK)
		*out = rate_of(e->settings.sequences, step_time(e, q, &c, (double)s.tokens));
	return rc;
}

int estimate_decode(struct estimate *e, const struct question *q, struct arena *a, struct error *err)
{
	const struct pool *pool = &q->hardware->pools[q->hardware->groups[e->device[0].group].pool];

	e->decode_tps = (struct figure){ 0, 0, 0, BASIS_UNKNOWN };
	if (e->verdict == DOES_NOT_FIT)
		return OK;               /* what does not run has no speed */
	if (!is_known(pool->read_bps)) {
		e->warnings |= 1u << WARN_BANDWIDTH_UNKNOWN;
		return OK;
	}
	return decode_at(&e->decode_tps, e, q, 0, a, err);
}

int estimate_depths(struct estimate *e, const struct question *q, struct arena *a, struct error *err)
{
	static const uint64_t depths[] = { 0, 4096, 8192, 32768, 131072 };
	int rc;

	e->n_depths = 0;
	if (e->verdict == DOES_NOT_FIT)
		return OK;
	for (unsigned i = 0; i < sizeof depths / sizeof *depths && depths[i] <= e->settings.ctx_tokens; i++) {
		struct settings set = e->settings;
		struct cache_bytes cache;
		struct depth *d = &e->depth[e->n_depths++];
		*d = (struct depth){ .ctx_tokens = depths[i] };
		if (e->decode_tps.basis != BASIS_UNKNOWN && (rc = decode_at(&d->decode_tps, e, q, depths[i], a, err)) != OK)
			return rc;
		set.ctx_tokens = depths[i];
		if (depths[i]) {
			if ((rc = cache_compute(&cache, q->model, q->quants, &set, a, err)) != OK)
				return rc;
			d->kv_bytes = cache.kv;
		}
	}
	return OK;
}

/* One ubatch of a prompt, `at` tokens into it. */
static int ubatch_time(struct figure *out, struct estimate *e, const struct question *q, uint64_t at, uint64_t tokens, struct arena *a, struct error *err)
{
	struct shape s = { .tokens = tokens, .sequences = 1, .outputs = 1, .context_mean = (double)at, .context_max = e->settings.ctx_tokens, .own = settings_own(&e->settings) };
	struct costs c;
	int rc = price_step(&c, e, q, &s, a, err);

	if (rc == OK)
		*out = step_time(e, q, &c, (double)tokens);
	return rc;
}

int estimate_prefill(struct estimate *e, const struct question *q, struct arena *a, struct error *err)
{
	uint64_t ctx = e->settings.ctx_tokens, ubatch = e->settings.ubatch < ctx ? e->settings.ubatch : ctx;
	struct figure one;
	int rc;

	e->prefill_tps = (struct figure){ 0, 0, 0, BASIS_UNKNOWN };
	if (e->verdict == DOES_NOT_FIT)
		return OK;
	/* weights of the host are copied to the card for large batches (llama.cpp, op_offload): how much of the link that reaches is not known yet */
	if (e->verdict == FITS_OFFLOADED) {
		e->warnings |= 1u << WARN_OFFLOAD_PREFILL;
		return OK;
	}
	if ((rc = ubatch_time(&one, e, q, 0, ubatch, a, err)) != OK)
		return rc;
	e->prefill_tps = rate_of((double)ubatch, one);
	if (one.basis == BASIS_UNKNOWN && !(e->warnings & 1u << WARN_BANDWIDTH_UNKNOWN))
		e->warnings |= 1u << WARN_RATE_UNKNOWN;
	return OK;
}

int estimate_ttft(struct estimate *e, const struct question *q, struct arena *a, struct error *err)
{
	enum { PROMPT = 2048 };
	uint64_t ctx = e->settings.ctx_tokens, ubatch = e->settings.ubatch < ctx ? e->settings.ubatch : ctx;
	struct figure sum = nothing;

	e->ttft_s = (struct figure){ 0, 0, 0, BASIS_UNKNOWN };
	e->ttft_tokens = ctx < PROMPT ? ctx : PROMPT;
	if (e->prefill_tps.basis == BASIS_UNKNOWN)
		return OK;
	for (uint64_t at = 0; at < e->ttft_tokens; at += ubatch) {
		uint64_t n = e->ttft_tokens - at < ubatch ? e->ttft_tokens - at : ubatch;
		struct figure one;
		int rc = ubatch_time(&one, e, q, at, n, a, err);
		if (rc != OK)
			return rc;
		add_figure(&sum, one, 1);
	}
	e->ttft_s = sum;
	return OK;
}
