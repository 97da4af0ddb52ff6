/* estimate_speed.c - what an estimate says beyond memory: speed by depth, the longest context, the cheapest relaxations */
#include "calc/estimate.h"

#include "base/units.h"
#include "calc/speed.h"

#include <string.h>

static const struct pool *host_of(const struct hardware_spec *h)
{
	for (unsigned i = 0; i < h->n_pools; i++)
		if (h->pools[i].kind == POOL_HOST)
			return &h->pools[i];
	return NULL;
}

/* Groups that hold layers, in the order of list_devices: a processor beside cards is none of them. */
static unsigned computing_groups(const struct group **out, const struct hardware_spec *h)
{
	unsigned n = 0;

	for (unsigned g = 0; g < h->n_groups && n < MAX_DEVICES; g++)
		if (h->pools[h->groups[g].pool].kind != POOL_HOST || h->n_groups == 1)
			out[n++] = &h->groups[g];
	return n;
}

/* The ops on every device: layers one after another take the time of their own card, split tensors wait for the slowest. */
static struct figure step_on_devices(const struct op_list *ops, const struct estimate *e, const struct question *q)
{
	const struct group *group[MAX_DEVICES];
	struct figure sum = { 0, 0, 0, BASIS_SPEC };
	unsigned n = computing_groups(group, q->hardware), at = 0, split = e->settings.engine->splits_tensors ? e->n_devices : 1;
	uint64_t all = 0;

	for (unsigned d = 0; d < e->n_devices; d++)
		all += e->device[d].layers;
	for (unsigned g = 0; g < n; g++) {
		struct figure f = step_seconds(ops, group[g]->device, &q->hardware->pools[group[g]->pool], q->efficiency, split);
		uint64_t layers = 0;
		for (unsigned i = 0; i < (unsigned)group[g]->per_node * group[g]->nodes && at < e->n_devices; i++)
			layers += e->device[at++].layers;
		if (n == 1)
			return f;
		if (!layers)
			continue;
		if (f.basis == BASIS_UNKNOWN)
			return f;
		if (split > 1) {
			if (f.value > sum.value)
				sum = f;
			continue;
		}
		double share = (double)layers / (double)all;
		sum.value += share * f.value;
		sum.low += share * f.low;
		sum.high += share * f.high;
	}
	return sum.value > 0 ? sum : (struct figure){ 0, 0, 0, BASIS_UNKNOWN };
}

/* One decode step of all sequences at this depth. */
static int decode_at(struct figure *out, const struct estimate *e, const struct question *q, uint64_t depth, struct arena *a, struct error *err)
{
	struct shape s = { .tokens = e->settings.sequences, .sequences = e->settings.sequences, .outputs = e->settings.sequences,
		.context_mean = (double)depth, .context_max = depth };
	struct op_list ops;
	int rc = ops_lower(&ops, q->model, q->quants, &e->settings, &s, a, err);

	if (rc == OK)
		*out = step_on_devices(&ops, e, q);
	return rc;
}

/* Layers left on the host run at the host's bandwidth: unknown host bandwidth, unknown speed. */
static struct figure offloaded(struct figure gpu, const struct estimate *e, const struct question *q)
{
	const struct pool *host = host_of(q->hardware), *pool = &q->hardware->pools[q->hardware->groups[0].pool];
	const struct group *group[MAX_DEVICES];

	if (e->verdict != FITS_OFFLOADED || gpu.basis == BASIS_UNKNOWN)
		return gpu;
	const struct share *hs = &q->efficiency->bandwidth[CLASS_HOST], *gs = &q->efficiency->bandwidth[device_class_of((enum pool_kind)pool->kind)];
	/* unlike cards beside the host: not modelled */
	if (!host || computing_groups(group, q->hardware) > 1 || !is_known(host->read_bps) || !hs->known || !gs->known || !q->model->n_layers)
		return (struct figure){ 0, 0, 0, BASIS_UNKNOWN };
	double on_host = 1 - (double)e->gpu_layers / q->model->n_layers, ratio = pool->read_bps.v / host->read_bps.v;
	return (struct figure){
		gpu.value * (1 - on_host) + gpu.value * on_host * ratio * gs->value / hs->value,
		gpu.low * (1 - on_host) + gpu.low * on_host * ratio * gs->high / hs->high,
		gpu.high * (1 - on_host) + gpu.high * on_host * ratio * gs->low / hs->low, gpu.basis,
	};
}

static int speeds(struct estimate *e, const struct question *q, struct arena *a, struct error *err)
{
	static const uint64_t depths[] = { 0, 4096, 8192, 32768, 131072 };
	const struct pool *pool = &q->hardware->pools[q->hardware->groups[0].pool];
	struct figure step;
	struct op_list ops;
	int rc;

	if (e->verdict == DOES_NOT_FIT)
		return OK;               /* what does not run has no speed */
	if ((rc = decode_at(&step, e, q, 0, a, err)) != OK)
		return rc;
	e->decode_tps = rate_of(e->settings.sequences, offloaded(step, e, q));
	for (unsigned i = 0; i < sizeof depths / sizeof *depths && depths[i] <= e->settings.ctx_tokens; i++) {
		struct settings set = e->settings;
		struct cache_bytes cache;
		struct depth *d = &e->depth[e->n_depths++];
		if ((rc = decode_at(&step, e, q, depths[i], a, err)) != OK)
			return rc;
		*d = (struct depth){ .ctx_tokens = depths[i], .decode_tps = rate_of(e->settings.sequences, offloaded(step, e, q)) };
		set.ctx_tokens = depths[i];
		if (depths[i]) {
			if ((rc = cache_compute(&cache, q->model, q->quants, &set, a, err)) != OK)
				return rc;
			d->kv_bytes = cache.kv;
		}
	}
	uint64_t tokens = e->settings.ubatch < e->settings.ctx_tokens ? e->settings.ubatch : e->settings.ctx_tokens;
	struct shape s = { .tokens = tokens, .sequences = 1, .outputs = 1, .context_mean = 0, .context_max = e->settings.ctx_tokens };
	if ((rc = ops_lower(&ops, q->model, q->quants, &e->settings, &s, a, err)) != OK)
		return rc;
	step = step_on_devices(&ops, e, q);
	/* prefill with layers on the host depends on the link and is not modelled yet: unknown rather than wrong */
	if (e->verdict == FITS_OFFLOADED)
		step.basis = BASIS_UNKNOWN;
	e->prefill_tps = rate_of((double)tokens, step);
	e->ttft_s = step;
	if (!is_known(pool->read_bps))
		e->warnings |= 1u << WARN_BANDWIDTH_UNKNOWN;
	else if (e->prefill_tps.basis == BASIS_UNKNOWN && e->verdict != FITS_OFFLOADED)
		e->warnings |= 1u << WARN_RATE_UNKNOWN;
	return OK;
}

static int fits_with(const struct question *q, struct arena *a, struct estimate *e, struct error *err)
{
	int rc = estimate_memory(e, q, a, err);

	return rc != OK ? rc : e->verdict != DOES_NOT_FIT;
}

/* The longest context, a multiple of 256, that fits no worse than it was asked for (memory grows with it): a model that is whole on
 * its device stays whole. 0: none does. */
static int longest_context(uint64_t *out, const struct question *asked, enum verdict worst, struct error *err)
{
	struct question q = *asked;
	struct arena a = { 0 };
	struct estimate e;
	uint64_t limit = q.model->context_max ? q.model->context_max : q.settings.ctx_tokens, lo = 0, hi = u64_ceil_div(limit, 256);
	int rc = OK;

	while (lo < hi) {
		uint64_t mid = lo + (hi - lo + 1) / 2;
		q.settings.ctx_tokens = mid * 256 < limit ? mid * 256 : limit;
		arena_reset(&a);
		if ((rc = fits_with(&q, &a, &e, err)) < 0)
			break;
		if (e.verdict <= worst)
			lo = mid;
		else
			hi = mid - 1;
	}
	arena_free(&a);
	*out = lo * 256 < limit ? lo * 256 : limit;
	return rc < 0 ? rc : OK;
}

static void offer(struct estimate *e, enum change c, uint64_t value, const char *name, const struct estimate *with)
{
	uint64_t before = e->sum.total + e->host.total, after = with->sum.total + with->host.total;

	if (e->n_relax < MAX_RELAX)
		e->relax[e->n_relax++] = (struct relaxation){ (uint8_t)c, value, name, before > after ? before - after : 0 };
}

/* The recipe that stands for the weights as released, when the engine loads that packing. */
static const struct recipe *as_released(const struct question *q)
{
	const struct recipe *r = NULL;

	/* an engine without GGUF begins at the weights as they are */
	if (!q->model->native_format || recipe_find(&r, q->quants, q->model->native_format, NULL, NULL) != OK)
		return NULL;
	if (q->settings.engine->loads[PACK_GGUF] && (!strcmp(r->id, "bf16") || !strcmp(r->id, "fp16") || !strcmp(r->id, "f16") || !strcmp(r->id, "f32")))
		return NULL;             /* plain weights are not "natively quantised": the ladder says where to begin */
	return q->settings.engine->loads[r->packing] ? r : NULL;
}

/* The i-th recipe of the ladder; NULL: not for this engine. Other packings than GGUF are for engines that do not load it. */
static const struct recipe *rung(const struct question *q, unsigned i)
{
	uint16_t id = q->quants->ladder[i];
	const struct recipe *r;

	if (id >= q->quants->n_recipes)
		return as_released(q);
	r = &q->quants->recipes[id];
	return q->settings.engine->loads[r->packing] && (r->packing == PACK_GGUF || !q->settings.engine->loads[PACK_GGUF]) ? r : NULL;
}

/* Each one is tried before it is offered. */
static int relaxations(struct estimate *e, const struct question *asked, struct arena *a, struct error *err)
{
	struct estimate with;
	int rc;

	struct question q = *asked;
	uint16_t q8 = format_find(q.quants, "q8_0");
	if (q8 != NO_FORMAT && q.settings.kv_k != q8 && q.settings.engine->cache == CACHE_SLOTS) {
		q.settings.kv_k = q.settings.kv_v = q8;
		/* heads that are no multiple of its block cannot take it: nothing to offer */
		if ((rc = fits_with(&q, a, &with, err)) < 0 && rc != E_FORMAT)
			return rc;
		if (rc > 0)
			offer(e, CHANGE_KV_TYPE, 0, q.quants->formats[q8].name, &with);
	}
	if (e->max_context_tokens && e->max_context_tokens < e->settings.ctx_tokens) {
		q = *asked;
		q.settings.ctx_tokens = e->max_context_tokens;
		if ((rc = fits_with(&q, a, &with, err)) < 0)
			return rc;
		if (rc)
			offer(e, CHANGE_CONTEXT, e->max_context_tokens, NULL, &with);
	}
	for (unsigned i = 0; !asked->file && i < asked->quants->n_ladder; i++) {
		q = *asked;
		if (!(q.settings.recipe = rung(&q, i)))
			continue;
		q.settings.imatrix = q.settings.recipe->imatrix;
		if ((rc = fits_with(&q, a, &with, err)) < 0)
			return rc;
		if (rc && with.sum.weights < e->sum.weights) {
			offer(e, CHANGE_RECIPE, 0, q.settings.recipe->name, &with);
			break;
		}
	}
	return OK;
}

int estimate_compute(struct estimate *out, const struct question *q, struct arena *a, struct error *err)
{
	int rc;

	if ((rc = estimate_memory(out, q, a, err)) != OK || (rc = speeds(out, q, a, err)) != OK ||
	    (rc = longest_context(&out->max_context_tokens, q, out->verdict == FITS ? FITS : FITS_OFFLOADED, err)) != OK)
		return rc;
	return out->verdict == DOES_NOT_FIT ? relaxations(out, q, a, err) : OK;
}

int estimate_ladder(struct estimate *out, struct question *q, struct arena *a, struct error *err)
{
	const struct recipe *last = NULL;

	for (unsigned i = 0; i < q->quants->n_ladder; i++) {
		const struct recipe *r = rung(q, i);
		int rc;
		if (!r)
			continue;
		q->settings.recipe = last = r;
		q->settings.imatrix = r->imatrix;
		if ((rc = fits_with(q, a, out, err)) < 0)
			return rc;
		if (rc && out->verdict == FITS)
			return estimate_compute(out, q, a, err);
	}
	/* nothing fits whole: the same order, offloaded */
	for (unsigned i = 0; last && i < q->quants->n_ladder; i++) {
		const struct recipe *r = rung(q, i);
		int rc;
		if (!r)
			continue;
		q->settings.recipe = r;
		q->settings.imatrix = r->imatrix;
		if ((rc = fits_with(q, a, out, err)) < 0)
			return rc;
		if (rc)
			return estimate_compute(out, q, a, err);
	}
	if (!last)
		return error_set(err, E_FORMAT, "%s loads no format of the ladder in data/quants.yaml; name one with --quant", q->settings.engine->name);
	q->settings.recipe = last;
	q->settings.imatrix = last->imatrix;
	return estimate_compute(out, q, a, err);
}
