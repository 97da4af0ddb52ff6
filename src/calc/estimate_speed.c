/* estimate_speed.c - how fast: each op on the device that holds its layer, links between them
 *
 * Layers of one kind and in the same formats cost the same: each such class is lowered once. */
#include "calc/estimate.h"

#include "base/units.h"
#include "calc/placement.h"
#include "calc/runs.h"
#include "calc/speed.h"
#include "calc/talk.h"

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
	double bytes, *of_format;                /* that the step reads; weights of them by format */
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

/* Only of this program's own engine is it known what it was seen to reach. */
static int is_ullage(const struct question *q) { return settings_own(&q->settings); }

/* What the ops from `from` on read, so many times. */
static void tally(struct costs *c, const struct question *q, const struct op_list *ops, uint32_t from, double times)
{
	if (!is_ullage(q))
		return;
	for (uint32_t i = from; i < ops->n; i++) {
		const struct op *op = &ops->op[i];
		uint16_t f = op->kind == OP_EXPERTS ? op->u.experts.format[1] : op->kind == OP_LINEAR || op->kind == OP_HEAD ? op->u.linear.format[0] : NO_FORMAT;
		struct op_cost k;
		op_cost(&k, ops, op);
		c->bytes += times * (k.weight_bytes + k.state_bytes);
		if (f != NO_FORMAT)
			c->of_format[f] += times * k.weight_bytes;
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
	c->of_format = arena_array(a, q->quants->n_formats + 1u, sizeof *c->of_format);
	if (!c->class_of || !first || !c->of_format)
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
		uint32_t from = ops.n, times = 0;
		ops_layer(&w, first[k]);
		price(c, k, &ops, from, q, cut);
		for (uint32_t i = 0; i < m->n_layers; i++)
			times += c->class_of[i] == k;
		tally(c, q, &ops, from, times);
	}
	uint32_t from = ops.n;
	if ((rc = ops_end(&w, err)) != OK)
		return rc;
	memmove(&ops.op[head], &ops.op[from], (ops.n - from) * sizeof *ops.op);
	ops.n = head + (ops.n - from);
	price(c, c->n_classes - 1, &ops, 0, q, cut);
	tally(c, q, &ops, 0, 1);
	return OK;
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
	add_figure(&sum, talk_seconds(e, q, tokens), 1);
	return sum;
}

/* The format of most bytes. */
static uint16_t most(const struct costs *c, const struct question *q)
{
	uint16_t best = NO_FORMAT;

	for (uint16_t f = 0; f < q->quants->n_formats; f++)
		if (c->of_format[f] > 0 && (best == NO_FORMAT || c->of_format[f] > c->of_format[best]))
			best = f;
	return best;
}

/* What the engine was seen to reach here, if it is this program's. */
static void as_seen(struct speed_of *s, const struct question *q, uint8_t phase, double depth, uint64_t width)
{
	struct run_kind kind = { .phase = phase, .depth = depth, .sequences = width < UINT32_MAX ? (uint32_t)width : UINT32_MAX };
	struct run_share share;

	s->depth = depth;
	s->width = kind.sequences;
	s->rate = s->plain;
	s->distance = -1;
	if (!is_ullage(q) || s->plain.basis == BASIS_UNKNOWN || s->format == NO_FORMAT)
		return;
	kind.format = q->quants->formats[s->format].id;
	kind.bytes = s->bytes;
	if (!runs_share(&share, q->hardware->runs, q->hardware->n_runs, &kind))
		return;
	s->rate = (struct figure){ s->plain.value * share.value, s->plain.value * share.low, s->plain.value * share.high, BASIS_CALIBRATED };
	s->distance = share.distance;
}

/* One decode step of all sequences at this depth. */
int estimate_decode_at(struct speed_of *out, struct estimate *e, const struct question *q, uint64_t depth, struct arena *a, struct error *err)
{
	struct shape s = { .tokens = e->settings.sequences, .sequences = e->settings.sequences, .outputs = e->settings.sequences, .own = settings_own(&e->settings),
		.context_mean = (double)depth, .context_max = depth };
	struct costs c;
	int rc = price_step(&c, e, q, &s, a, err);

	*out = (struct speed_of){ .format = NO_FORMAT, .distance = -1 };
	if (rc != OK)
		return rc;
	out->plain = rate_of(e->settings.sequences, step_time(e, q, &c, (double)s.tokens));
	out->bytes = c.bytes;
	out->format = most(&c, q);
	as_seen(out, q, RUN_DECODE, (double)depth, e->settings.sequences);
	return OK;
}

static int decode_at(struct figure *out, struct estimate *e, const struct question *q, uint64_t depth, struct arena *a, struct error *err)
{
	struct speed_of s;
	int rc = estimate_decode_at(&s, e, q, depth, a, err);

	if (rc == OK)
		*out = s.rate;
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
static int ubatch_time(struct figure *out, struct costs *c, struct estimate *e, const struct question *q, uint64_t at, uint64_t tokens, struct arena *a, struct error *err)
{
	struct shape s = { .tokens = tokens, .sequences = 1, .outputs = 1, .context_mean = (double)at, .context_max = e->settings.ctx_tokens, .own = settings_own(&e->settings) };
	int rc = price_step(c, e, q, &s, a, err);

	if (rc == OK)
		*out = step_time(e, q, c, (double)tokens);
	return rc;
}

int estimate_prompt(struct speed_of *out, struct estimate *e, const struct question *q, uint64_t tokens, struct arena *a, struct error *err)
{
	struct figure sum = nothing;

	*out = (struct speed_of){ .format = NO_FORMAT, .distance = -1 };
	for (uint64_t at = 0; at < tokens; at += e->settings.ubatch) {
		struct figure one;
		struct costs c;
		int rc = ubatch_time(&one, &c, e, q, at, tokens - at < e->settings.ubatch ? tokens - at : e->settings.ubatch, a, err);
		if (rc != OK)
			return rc;
		add_figure(&sum, one, 1);
		if (!at) {
			out->bytes = c.bytes;
			out->format = most(&c, q);
		}
	}
	out->plain = rate_of((double)tokens, sum);
	as_seen(out, q, RUN_PREFILL, (double)tokens / 2, tokens < e->settings.ubatch ? tokens : e->settings.ubatch);
	return OK;
}

int estimate_prefill(struct estimate *e, const struct question *q, struct arena *a, struct error *err)
{
	uint64_t ctx = e->settings.ctx_tokens, ubatch = e->settings.ubatch < ctx ? e->settings.ubatch : ctx;
	struct speed_of one;
	int rc;

	e->prefill_tps = (struct figure){ 0, 0, 0, BASIS_UNKNOWN };
	if (e->verdict == DOES_NOT_FIT)
		return OK;
	/* weights of the host are copied to the card for large batches (llama.cpp, op_offload): how much of the link that reaches is not known yet */
	if (e->verdict == FITS_OFFLOADED) {
		e->warnings |= 1u << WARN_OFFLOAD_PREFILL;
		return OK;
	}
	if ((rc = estimate_prompt(&one, e, q, ubatch, a, err)) != OK)
		return rc;
	e->prefill_tps = one.rate;
	if (one.rate.basis == BASIS_UNKNOWN && !(e->warnings & 1u << WARN_BANDWIDTH_UNKNOWN))
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
		struct costs c;
		int rc = ubatch_time(&one, &c, e, q, at, n, a, err);
		if (rc != OK)
			return rc;
		add_figure(&sum, one, 1);
	}
	e->ttft_s = sum;
	return OK;
}
