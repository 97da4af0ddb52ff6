/* placement.c - layers dealt over devices and the host */
#include "calc/placement.h"

#include "base/units.h"

int parts_weights(struct parts *p, const struct question *q, struct arena *a, struct error *err)
{
	int rc;

	p->q = q;
	if ((rc = footprint_compute(&p->f, q->model, q->quants, &q->settings, a, err)) != OK)
		return rc;
	p->input = q->file ? q->file->input_bytes : p->f.input_bytes;
	p->output = q->file ? q->file->output_bytes : p->f.output_bytes;
	p->layer = q->file ? q->file->layer_bytes : p->f.layer_bytes;
	p->experts = q->file ? q->file->expert_bytes : p->f.expert_bytes;
	p->experts_all = 0;
	for (uint32_t i = 0; p->experts && i < p->f.n_layers; i++)
		p->experts_all += p->experts[i];         /* parts of sums that were checked */
	return OK;
}

int parts_sizes(struct parts *p, const struct question *q, struct arena *a, struct error *err)
{
	int rc;

	p->q = q;
	if ((rc = cache_compute(&p->cache, q->model, q->quants, &q->settings, a, err)) != OK)
		return rc;
	return buffers_for(&p->plan, q->model, q->quants, &q->settings, a, err);
}

static uint64_t budget_of(const struct pool *p, const struct engine_profile *e, int *known)
{
	uint64_t usable = p->usable_bytes, reserve = is_known(p->reserve_bytes) ? (uint64_t)p->reserve_bytes.v : 0;

	*known = usable > 0;
	if (is_known(p->free_bytes) && p->free_bytes.v < (double)usable)
		usable = (uint64_t)p->free_bytes.v;
	usable = usable > reserve ? usable - reserve : 0;
	return e->utilisation_of == SHARE_LEFT ? usable : engine_budget(e, usable);
}

/* An engine that takes its share of what weights and buffers leave (TensorRT-LLM) may fill a card with these. */
static void share_the_rest(struct memory *m, const struct engine_profile *e)
{
	uint64_t before = m->weights + m->compute + m->runtime;

	if (e->utilisation_of != SHARE_LEFT || !m->usable)
		return;
	m->budget = before < m->usable ? before + (uint64_t)((double)(m->usable - before) * e->utilisation) : m->usable;
}

static void finish(struct memory *m)
{
	m->total = m->weights + m->kv_cache + m->state + m->compute + m->runtime;
	m->headroom = m->budget >= m->total ? (int64_t)(m->budget - m->total) : -(int64_t)(m->total - m->budget);
}

static void set_runtime(struct memory *m, const struct question *q, const struct device_spec *d, uint32_t *warnings)
{
	struct known r = d->kind == DEVICE_CPU ? known_of(0, BASIS_PUBLISHED) : q->settings.engine->runtime_bytes[d->vendor < 4 ? d->vendor : 3];

	if (q->settings.engine->cache == CACHE_IDEAL)
		return;
	if (is_known(r))
		m->runtime = (uint64_t)r.v;
	else
		*warnings |= 1u << WARN_RUNTIME_UNKNOWN;
}

const struct pool *place_host(const struct hardware_spec *h)
{
	const struct pool *host = NULL;

	for (unsigned i = 0; i < h->n_pools; i++)
		if (h->pools[i].kind == POOL_HOST)
			host = &h->pools[i];
	return host;
}

int place_on_cards(const struct question *q)
{
	const struct hardware_spec *h = q->hardware;

	return h->pools[h->groups[0].pool].kind == POOL_VRAM;
}

int place_cuts(const struct estimate *e, const struct question *q)
{
	uint8_t split = q->settings.split;

	return e->n_devices > 1 && !q->file && (split == SPLIT_TENSOR || (split == SPLIT_ENGINE && q->settings.engine->splits_tensors));
}

int place_refused(const struct hardware_spec *h, const struct engine_profile *e, struct error *err)
{
	for (unsigned g = 0; g < h->n_groups; g++) {
		const struct device_spec *d = h->groups[g].device;
		if (h->pools[h->groups[g].pool].kind == POOL_HOST && h->n_groups > 1)
			continue;
		if (engine_runs_on(e, d->vendor, d->kind == DEVICE_CPU, d->compute_capability) == SAYS_NO)
			return error_set(err, E_USAGE, "%s does not run on %s", e->name, d->name);
	}
	return OK;
}

int place_devices(struct estimate *e, const struct question *q, struct error *err)
{
	const struct hardware_spec *h = q->hardware;
	int rc = place_refused(h, q->settings.engine, err);

	if (rc != OK)
		return rc;
	e->n_devices = 0;
	for (unsigned g = 0; g < h->n_groups; g++) {
		const struct group *group = &h->groups[g];
		const struct pool *p = &h->pools[group->pool];
		if (p->kind == POOL_HOST && h->n_groups > 1)
			continue;                /* a processor beside cards is where offloaded layers run */
		for (unsigned i = 0; i < (unsigned)group->per_node * group->nodes; i++) {
			int known;
			if (e->n_devices && q->settings.split == SPLIT_NONE)
				return OK;
			if (e->n_devices == MAX_DEVICES)
				return error_set(err, E_USAGE, "%s: more than %d devices", h->name, MAX_DEVICES);
			struct memory *m = &e->device[e->n_devices++];
			*m = (struct memory){ .device = group->device->name, .pool = p->name, .group = (uint16_t)g, .budget = budget_of(p, q->settings.engine, &known) };
			m->usable = q->settings.engine->utilisation_of == SHARE_LEFT ? m->budget : 0;
			if (!known)
				return error_set(err, E_AVAILABLE, "%s: how much memory a program can use is unknown, so nothing can be said to fit", h->name);
			set_runtime(m, q, group->device, &e->warnings);
		}
	}
	if (!e->n_devices)
		return error_set(err, E_AVAILABLE, "%s: no device that could hold a model", h->name);
	for (unsigned d = 0; q->settings.n_ts && d < q->settings.n_ts && d < e->n_devices; d++)
		if (q->settings.ts[d] > 0)
			return OK;
	return q->settings.n_ts ? error_set(err, E_USAGE, "-ts: none of the shares is for one of the %u devices", e->n_devices) : OK;
}

/* The card of the i-th of n layers: cards take layers in proportion to their memory, in order (llama.cpp 0c1e57098, src/llama-model.cpp). */
static double share_of(const struct estimate *e, unsigned d, int given)
{
	return given ? d < e->settings.n_ts ? e->settings.ts[d] : 0 : (double)e->device[d].budget;
}

static unsigned card_of(const struct estimate *e, uint32_t i, uint32_t n)
{
	double all = 0, sum = 0;
	uint32_t before = 0;
	int given = e->settings.n_ts > 0;

	for (unsigned d = 0; e->dealt && d < e->n_devices; d++)
		if (i < (before += e->deal[d]))
			return d;
	for (unsigned d = 0; d < e->n_devices; d++)
		all += share_of(e, d, given);
	for (unsigned d = 0; d + 1 < e->n_devices; d++) {
		sum += share_of(e, d, given);
		if ((double)i / n < sum / all)
			return d;
	}
	return e->n_devices - 1;
}

/* llama.cpp deals the last layers and the output, which counts as one more: the first are those that stay on the host. */
int place_of_layer(const struct estimate *e, uint32_t n_layers, uint32_t i)
{
	uint32_t first = n_layers - e->gpu_layers;

	if (i < first || (i == n_layers && !e->output_on_device))
		return PLACED_HOST;
	return (int)card_of(e, i - first, e->gpu_layers + 1);
}

/* kv and state of one layer share the layer's sum: split it in the proportion of the whole. */
static void add_layer(struct memory *m, const struct parts *p, uint32_t i)
{
	uint64_t all = p->cache.kv + p->cache.state, layer = p->cache.layer[i];
	uint64_t state = all ? (uint64_t)((double)layer * (double)p->cache.state / (double)all) : 0;

	m->weights += p->layer[i];
	m->state += state;
	m->kv_cache += layer - state;
	m->layers++;
}

static void deal_layers(struct estimate *e, const struct parts *p)
{
	uint32_t n = p->f.n_layers;

	for (uint32_t i = 0; i < n; i++) {
		int d = place_of_layer(e, n, i);
		add_layer(d == PLACED_HOST ? &e->host : &e->device[d], p, i);
		if (d != PLACED_HOST && p->experts && i < e->cpu_moe) {
			e->device[d].weights -= p->experts[i];
			e->host.weights += p->experts[i];
		}
	}
	int d = place_of_layer(e, n, n);
	*(d == PLACED_HOST ? &e->host.weights : &e->device[d].weights) += p->output;
}

/* Tensor parallel: what divides is divided, the rest is copied. */
static void cut_tensors(struct estimate *e, const struct parts *p)
{
	unsigned n = e->n_devices, want = 0;
	uint64_t each = 0;

	while ((2u << want) <= n)
		want++;
	for (unsigned i = 0; i <= 64; i++) {
		uint64_t share = 1;
		for (unsigned k = 0; k < (i < want ? i : want); k++)
			share *= 2;
		if (i >= want && n > 0)
			share = n;
		each += p->f.cuttable_bytes[i] / share;
	}
	uint64_t kv_share = p->cache.kv_heads_min && p->cache.kv_heads_min < n ? p->cache.kv_heads_min : n;
	for (unsigned d = 0; d < n; d++) {
		struct memory *m = &e->device[d];
		uint64_t all = p->cache.kv_cut[0] + p->cache.kv_cut[1] / kv_share, total = p->cache.kv + p->cache.state;
		m->weights = each;
		m->state = total ? (uint64_t)((double)all * (double)p->cache.state / (double)total) : 0;
		m->kv_cache = all - m->state;
		m->layers = p->f.n_layers;
	}
}

static void place(struct estimate *e, const struct parts *p, const struct pool *host)
{
	const struct question *q = p->q;
	const struct engine_profile *eng = q->settings.engine;
	int vram = place_on_cards(q), cuts = place_cuts(e, q), known = 0;

	/* vLLM measures its own peak at start-up: a constant or the middle of what its logs print, not our layout */
	uint64_t compute = vram ? p->plan.bytes - p->plan.unread_bytes : p->plan.bytes;
	if (is_known(eng->activation_bytes))
		compute = (uint64_t)eng->activation_bytes.v;
	else if (eng->activation_range.basis != BASIS_UNKNOWN)
		compute = (uint64_t)eng->activation_range.value;
	for (unsigned d = 0; d < e->n_devices; d++) {
		e->device[d].weights = e->device[d].kv_cache = e->device[d].state = 0;
		e->device[d].layers = 0;
		e->device[d].compute = compute;
	}
	e->host = (struct memory){ .device = "host", .pool = "host" };
	if (cuts)
		cut_tensors(e, p);
	else
		deal_layers(e, p);
	/* a card without a layer computes nothing; of -ngl 0 the engine still uses the first for large batches */
	for (unsigned d = e->gpu_layers || e->output_on_device ? 0 : 1; vram && eng->embed_on_host && d < e->n_devices; d++)
		if (!e->device[d].weights)
			e->device[d].compute = 0;
	if (eng->embed_on_host && vram) {
		/* looked up on the host, multiplied on the card: a tied table is there twice unless the output stays on the host too */
		e->host.weights += p->input + (e->output_on_device ? p->f.tied_bytes : 0);
		e->host.compute = p->plan.host_bytes;
	} else if (!cuts) {
		e->device[0].weights += p->input;
	}
	if (host)
		e->host.budget = budget_of(host, eng, &known);
	for (unsigned d = 0; d < e->n_devices; d++) {
		share_the_rest(&e->device[d], eng);
		finish(&e->device[d]);
	}
	finish(&e->host);
}

/* Which device is short; its terms are kept for the answer. */
static int fits(struct estimate *e, const struct pool *host)
{
	e->short_at = SHORT_NOWHERE;
	for (unsigned d = 0; d < e->n_devices; d++)
		if (e->device[d].headroom < 0) {
			e->short_at = (int)d;
			e->short_of = e->device[d];
			return 0;
		}
	if (host && e->host.headroom < 0) {
		e->short_at = SHORT_HOST;
		e->short_of = e->host;
		return 0;
	}
	return 1;
}

/* Bytes of one more dealt piece: a layer, or the output behind the last. */
static uint64_t piece_bytes(const struct estimate *e, const struct parts *p, uint32_t i)
{
	if (i == p->f.n_layers)
		return p->output;
	return p->layer[i] + p->cache.layer[i] - (p->experts && i < e->cpu_moe ? p->experts[i] : 0);
}

/* Deals pieces in order, each device filled up to `full` of its budget; 1 when all found a place. */
static int deal_up_to(struct estimate *e, const struct parts *p, double full)
{
	uint32_t i = p->f.n_layers - e->gpu_layers;

	for (unsigned d = 0; d < e->n_devices; d++) {
		const struct memory *m = &e->device[d];
		double room = full * (double)m->budget - (double)(m->compute + m->runtime);
		if (d == 0 && !p->q->settings.engine->embed_on_host)
			room -= (double)p->input;
		e->deal[d] = 0;
		while (i <= p->f.n_layers && (double)piece_bytes(e, p, i) <= room) {
			room -= (double)piece_bytes(e, p, i++);
			e->deal[d]++;
		}
	}
	return i > p->f.n_layers;
}

/* Cards of unlike size, or much beside the layers: shares by memory may overfill one while another has room. The shares that fill all
 * cards to the same degree do not; a user gives them with -ts, and llama.cpp's own fitting moves layers likewise (common/fit.cpp). */
static int deal_evenly(struct estimate *e, const struct parts *p)
{
	double lo = 0, hi = 1;

	if (!deal_up_to(e, p, 1))
		return 0;
	for (int i = 0; i < 20; i++) {
		double mid = (lo + hi) / 2;
		if (deal_up_to(e, p, mid))
			hi = mid;
		else
			lo = mid;
	}
	return deal_up_to(e, p, hi);
}

static int fits_with(struct estimate *e, const struct parts *p, const struct pool *host, uint32_t ngl, uint32_t cpu_moe)
{
	uint32_t n = p->f.n_layers;

	/* -ngl counts the output as one layer more, and deals it out first */
	e->gpu_layers = ngl > n ? n : ngl ? ngl - 1 : 0;
	e->output_on_device = ngl > 0;
	e->cpu_moe = cpu_moe < n ? cpu_moe : n;
	e->dealt = 0;
	place(e, p, host);
	if (fits(e, host))
		return 1;
	if (e->short_at < 0 || e->n_devices < 2 || e->settings.n_ts || !ngl || place_cuts(e, p->q) || !deal_evenly(e, p))
		return 0;
	int short_at = e->short_at;
	struct memory short_of = e->short_of;
	e->dealt = 1;
	place(e, p, host);
	if (fits(e, host))
		return 1;
	if (e->short_at == SHORT_HOST)
		return 0;
	e->dealt = 0;                    /* cannot be, but for rounding: say what is short as the engine would place it */
	place(e, p, host);
	e->short_at = short_at;
	e->short_of = short_of;
	return 0;
}

/* The largest -ngl up to `most` that fits. What the cards hold grows with it, so halving finds it; with shares that a user fixed, what one
 * card holds may jump, so they are tried one by one. -1: none does. */
static int most_layers(struct estimate *e, const struct parts *p, const struct pool *host, uint32_t most, uint32_t cpu_moe)
{
	if (e->n_devices > 1 && e->settings.n_ts) {
		for (uint32_t ngl = most + 1; ngl-- > 0;)
			if (fits_with(e, p, host, ngl, cpu_moe))
				return (int)ngl;
		return -1;
	}
	uint32_t lo = 0, hi = most;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo + 1) / 2;
		if (fits_with(e, p, host, mid, cpu_moe) || e->short_at == SHORT_HOST)
			lo = mid;
		else
			hi = mid - 1;
	}
	return fits_with(e, p, host, lo, cpu_moe) ? (int)lo : -1;
}

/* The fewest layers whose experts must stay on the host; what a card holds shrinks with each. -1: not even all of them are enough. */
static int fewest_experts(struct estimate *e, const struct parts *p, const struct pool *host, uint32_t ngl)
{
	uint32_t lo = 1, hi = p->f.n_layers;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (fits_with(e, p, host, ngl, mid) || e->short_at == SHORT_HOST)
			hi = mid;
		else
			lo = mid + 1;
	}
	return fits_with(e, p, host, ngl, lo) ? (int)lo : -1;
}

/* It does not fit as asked: experts to the host before whole layers, as llama.cpp's own fitting does (common/fit.cpp), then layers too. */
static int offload(struct estimate *e, const struct parts *p, const struct pool *host, uint32_t ngl, uint32_t moe)
{
	const struct settings *s = &p->q->settings;
	int layers_open = s->gpu_layers == UINT32_MAX && s->engine->offloads_layers;
	int experts_open = s->cpu_moe == UINT32_MAX && s->engine->offloads_experts && p->experts_all > 0;
	uint32_t n = p->f.n_layers;

	if (experts_open && fewest_experts(e, p, host, ngl) >= 0)
		return 1;
	if (experts_open && layers_open && most_layers(e, p, host, n, n) > 0)
		return 1;
	return layers_open && most_layers(e, p, host, n, moe) >= 0;
}

static void total_up(struct estimate *e)
{
	e->sum = (struct memory){ .device = "all", .pool = e->device[0].pool };
	for (unsigned d = 0; d < e->n_devices; d++) {
		e->sum.weights += e->device[d].weights;
		e->sum.kv_cache += e->device[d].kv_cache;
		e->sum.state += e->device[d].state;
		e->sum.compute += e->device[d].compute;
		e->sum.runtime += e->device[d].runtime;
		e->sum.budget += e->device[d].budget;
		e->sum.layers += e->device[d].layers;
	}
	finish(&e->sum);
}

int place_model(struct estimate *e, const struct parts *p, struct error *err)
{
	const struct settings *set = &p->q->settings;
	const struct pool *host = place_host(p->q->hardware);
	uint32_t n = p->f.n_layers, ngl = set->gpu_layers < n + 1 ? set->gpu_layers : n + 1, moe = set->cpu_moe == UINT32_MAX ? 0 : set->cpu_moe;
	int vram = place_on_cards(p->q), ok;

	if (!vram)
		ngl = n + 1;             /* there is but one memory */
	if (!vram || !p->experts_all)
		moe = 0;
	if (vram && !host && (ngl < n + 1 || moe)) {
		if (ngl < n + 1)
			error_set(err, E_USAGE, "-ngl %u leaves %u layers in host memory, whose size is unknown", ngl, n + 1 - ngl);
		else
			error_set(err, E_USAGE, "the experts of %u layers are to stay in host memory, whose size is unknown", moe < n ? moe : n);
		error_hint(err, "say how much there is: --ram 64GB");
		return E_USAGE;
	}
	ok = fits_with(e, p, host, ngl, moe);
	e->verdict = ok ? ngl < n + 1 || moe ? FITS_OFFLOADED : FITS : DOES_NOT_FIT;
	if (!ok && vram && (set->engine->offloads_layers || set->engine->offloads_experts)) {
		if (!host) {
			e->warnings |= 1u << WARN_NO_HOST_POOL;
		} else {
			int short_at = e->short_at;
			struct memory short_of = e->short_of;
			if (offload(e, p, host, ngl, moe))
				e->verdict = FITS_OFFLOADED;
			else
				fits_with(e, p, host, ngl, moe);
			e->short_at = short_at;
			e->short_of = short_of;
		}
	}
	total_up(e);
	return OK;
}
