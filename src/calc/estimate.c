/* estimate.c - memory term by term, and whether it fits */
#include "calc/estimate.h"

#include "base/units.h"
#include "calc/buffers.h"

const char *const verdict_names[] = { "fits", "fits_offloaded", "does_not_fit", NULL };

const char *warning_text(enum warning w)
{
	static const char *const text[WARNINGS] = {
		[WARN_CONTEXT_ABOVE_MAX] = "the context is longer than the model was made for",
		[WARN_RUNTIME_UNKNOWN] = "what the driver and libraries take on this device is unknown: the total is without it",
		[WARN_BANDWIDTH_UNKNOWN] = "the memory bandwidth is unknown, so no speed is given",
		[WARN_RATE_UNKNOWN] = "the matrix rate is unknown, so no prefill speed is given",
		[WARN_TOKENIZER_UNKNOWN] = "the file size is without the tokenizer, whose size is unknown",
		[WARN_DYNAMIC_RECIPE] = "this quantisation follows no published rule: sizes are a range seen in published files, the middle is counted; exact only from a file",
		[WARN_COMPUTE_APPROXIMATE] = "compute buffers are laid out by liveness, not read from the engine",
		[WARN_ENCODER_APART] = "the image or audio encoder is a file of its own and is not counted",
		[WARN_NOT_LOADED_BY_ENGINE] = "this engine does not load this format",
		[WARN_NO_HOST_POOL] = "host memory was not given (--ram), so no offload was considered",
		[WARN_ACTIVATION_UNKNOWN] = "the engine measures its activation peak at start-up; the middle of what its logs print (0.94 to 7.4 GiB) is counted",
		[WARN_EXACT_FROM_FILE] = "weights are those of the file",
	};

	return text[w];
}

/* The part of an estimate that does not depend on where layers go. */
struct parts {
	const struct question *q;
	struct footprint f;
	struct cache_bytes cache;
	struct buffer_plan plan;
	uint64_t input, output, *layer;          /* weights, a file's own where there is one */
};

static int read_parts(struct parts *p, const struct question *q, struct arena *a, struct error *err)
{
	int rc;

	*p = (struct parts){ .q = q };
	if ((rc = footprint_compute(&p->f, q->model, q->quants, &q->settings, a, err)) != OK ||
	    (rc = cache_compute(&p->cache, q->model, q->quants, &q->settings, a, err)) != OK ||
	    (rc = buffers_for(&p->plan, q->model, q->quants, &q->settings, a, err)) != OK)
		return rc;
	p->input = q->file ? q->file->input_bytes : p->f.input_bytes;
	p->output = q->file ? q->file->output_bytes : p->f.output_bytes;
	p->layer = q->file ? q->file->layer_bytes : p->f.layer_bytes;
	return OK;
}

static uint64_t budget_of(const struct pool *p, const struct engine_profile *e, int *known)
{
	uint64_t usable = p->usable_bytes, reserve = is_known(p->reserve_bytes) ? (uint64_t)p->reserve_bytes.v : 0;

	*known = usable > 0;
	if (is_known(p->free_bytes) && p->free_bytes.v < (double)usable)
		usable = (uint64_t)p->free_bytes.v;
	usable = usable > reserve ? usable - reserve : 0;
	return e->utilisation > 0 ? (uint64_t)((double)usable * e->utilisation) : usable;
}

static void finish(struct memory *m)
{
	m->total = m->weights + m->kv_cache + m->state + m->compute + m->runtime;
	m->headroom = m->budget >= m->total ? (int64_t)(m->budget - m->total) : -(int64_t)(m->total - m->budget);
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

/* The card of the i-th of n layers: cards take layers in proportion to their memory, in order (llama.cpp 0c1e57098, src/llama-model.cpp). */
static unsigned card_of(const struct estimate *e, uint32_t i, uint32_t n)
{
	double all = 0, sum = 0;

	for (unsigned d = 0; d < e->n_devices; d++)
		all += (double)e->device[d].budget;
	for (unsigned d = 0; d + 1 < e->n_devices; d++) {
		sum += (double)e->device[d].budget;
		if ((double)i / n < sum / all)
			return d;
	}
	return e->n_devices - 1;
}

/* llama.cpp deals the layers n_layers - gpu_layers ... n_layers, the output counted as one more. */
static void deal_layers(struct estimate *e, const struct parts *p, uint32_t gpu_layers)
{
	uint32_t n = p->f.n_layers, first = n - (gpu_layers > n ? n : gpu_layers), dealt = n - first + 1;

	for (uint32_t i = 0; i < first; i++)
		add_layer(&e->host, p, i);
	for (uint32_t i = first; i < n; i++)
		add_layer(&e->device[card_of(e, i - first, dealt)], p, i);
	e->device[e->n_devices - 1].weights += p->output;
}

/* Tensor parallel: what divides is divided, the rest is copied. */
static void split_tensors(struct estimate *e, const struct parts *p)
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

static int list_devices(struct estimate *e, const struct question *q, const struct pool **host, struct error *err)
{
	const struct hardware_spec *h = q->hardware;

	*host = NULL;
	for (unsigned i = 0; i < h->n_pools; i++)
		if (h->pools[i].kind == POOL_HOST)
			*host = &h->pools[i];
	for (unsigned g = 0; g < h->n_groups; g++) {
		const struct group *group = &h->groups[g];
		const struct pool *p = &h->pools[group->pool];
		if (p->kind == POOL_HOST && h->n_groups > 1)
			continue;                /* a processor beside cards is where offloaded layers run */
		for (unsigned i = 0; i < (unsigned)group->per_node * group->nodes; i++) {
			int known;
			if (e->n_devices == MAX_DEVICES)
				return error_set(err, E_USAGE, "%s: more than %d devices", h->name, MAX_DEVICES);
			struct memory *m = &e->device[e->n_devices++];
			*m = (struct memory){ .device = group->device->name, .pool = p->name, .budget = budget_of(p, q->settings.engine, &known) };
			if (!known)
				return error_set(err, E_AVAILABLE, "%s: how much memory a program can use is unknown, so nothing can be said to fit", h->name);
			set_runtime(m, q, group->device, &e->warnings);
		}
	}
	if (!e->n_devices)
		return error_set(err, E_AVAILABLE, "%s: no device that could hold a model", h->name);
	return OK;
}

static uint32_t query_heads(const struct part *p)
{
	return p->type == PART_GQA ? p->u.gqa.q_heads : p->type == PART_MLA ? p->u.mla.q_heads : p->type == PART_CSA ? p->u.csa.q_heads : 0;
}

/* vLLM refuses a tensor-parallel size that does not divide the query heads (vllm/config/model.py, verify_with_parallel_config). */
static int tensor_parallel(const struct question *q, unsigned n, struct error *err)
{
	if (!q->settings.engine->splits_tensors || n < 2 || q->file)
		return OK;
	for (unsigned i = 0; i < q->model->n_parts; i++) {
		uint32_t heads = query_heads(&q->model->parts[i]);
		if (heads % n) {
			unsigned fewer = n;
			while (heads % --fewer)
				;
			error_set(err, E_FORMAT, "%s splits attention heads evenly: %u heads do not divide over %u devices", q->settings.engine->name, heads, n);
			error_hint(err, "%u of these devices would do", fewer);
			return E_FORMAT;
		}
	}
	return OK;
}

static void place(struct estimate *e, const struct parts *p, const struct pool *host, uint32_t gpu_layers)
{
	const struct question *q = p->q;
	const struct engine_profile *eng = q->settings.engine;
	int vram = q->hardware->pools[q->hardware->groups[0].pool].kind == POOL_VRAM, known = 0;

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
	if (eng->splits_tensors && e->n_devices > 1 && !q->file)
		split_tensors(e, p);
	else
		deal_layers(e, p, gpu_layers);
	if (eng->embed_on_host && vram) {
		e->host.weights += p->input + p->f.tied_bytes;   /* looked up on the host, multiplied on the card */
		e->host.compute = p->plan.host_bytes;
	} else if (!(eng->splits_tensors && e->n_devices > 1 && !q->file)) {
		e->device[0].weights += p->input;
	}
	if (host)
		e->host.budget = budget_of(host, eng, &known);
	for (unsigned d = 0; d < e->n_devices; d++)
		finish(&e->device[d]);
	finish(&e->host);
	e->gpu_layers = gpu_layers < p->f.n_layers ? gpu_layers : p->f.n_layers;
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

int estimate_memory(struct estimate *out, const struct question *q, struct arena *a, struct error *err)
{
	struct parts p;
	const struct pool *host;
	const struct settings *set = &q->settings;
	int rc;

	*out = (struct estimate){ .settings = *set };
	if ((rc = read_parts(&p, q, a, err)) != OK || (rc = list_devices(out, q, &host, err)) != OK)
		return rc;
	out->params_total = p.f.params_total;
	out->params_active = p.f.params_active;
	out->params_mtp = p.f.params_mtp;
	out->file_bytes = q->file ? q->file->file_bytes : p.f.file_bytes;
	if (q->file)
		out->warnings |= 1u << WARN_EXACT_FROM_FILE;
	else if (set->recipe->packing == PACK_GGUF && !p.f.file_has_tokenizer)
		out->warnings |= 1u << WARN_TOKENIZER_UNKNOWN;
	if (q->model->context_max && set->ctx_tokens > q->model->context_max)
		out->warnings |= 1u << WARN_CONTEXT_ABOVE_MAX;
	if (q->model->n_encoders && (q->file || set->recipe->packing == PACK_GGUF))
		out->warnings |= 1u << WARN_ENCODER_APART;
	if (!q->file && !set->engine->loads[set->recipe->packing])
		out->warnings |= 1u << WARN_NOT_LOADED_BY_ENGINE;
	if (set->engine->activation_range.basis != BASIS_UNKNOWN)
		out->warnings |= 1u << WARN_ACTIVATION_UNKNOWN;
	else if (set->engine->cache != CACHE_IDEAL && !is_known(set->engine->activation_bytes))
		out->warnings |= 1u << WARN_COMPUTE_APPROXIMATE;

	uint32_t want = set->gpu_layers < p.f.n_layers ? set->gpu_layers : p.f.n_layers;
	if ((rc = tensor_parallel(q, out->n_devices, err)) != OK)
		return rc;
	if (want < p.f.n_layers && !host && q->hardware->pools[q->hardware->groups[0].pool].kind == POOL_VRAM) {
		error_set(err, E_USAGE, "-ngl %u leaves %u layers in host memory, whose size is unknown", want, p.f.n_layers - want);
		error_hint(err, "say how much there is: --ram 64GB");
		return E_USAGE;
	}
	place(out, &p, host, want);
	int ok = fits(out, host);
	out->verdict = ok ? want < p.f.n_layers ? FITS_OFFLOADED : FITS : DOES_NOT_FIT;
	int vram = q->hardware->pools[q->hardware->groups[0].pool].kind == POOL_VRAM;
	if (!ok && vram && set->engine->offloads_layers && set->gpu_layers == UINT32_MAX) {
		if (!host) {
			out->warnings |= 1u << WARN_NO_HOST_POOL;
		} else {
			int short_at = out->short_at;
			struct memory short_of = out->short_of;
			for (uint32_t n = p.f.n_layers; n-- > 0 && !ok;) {
				place(out, &p, host, n);
				ok = fits(out, host);
			}
			out->verdict = ok ? FITS_OFFLOADED : DOES_NOT_FIT;
			if (!ok)
				place(out, &p, host, want);
			out->short_at = short_at;
			out->short_of = short_of;
		}
	}
	total_up(out);
	out->weights_low = out->weights_high = out->sum.weights;
	if (!q->file && set->recipe->dynamic) {
		out->warnings |= 1u << WARN_DYNAMIC_RECIPE;
		out->weights_low = (uint64_t)((double)p.f.params_text * set->recipe->bpw_low / 8);
		out->weights_high = (uint64_t)((double)p.f.params_text * set->recipe->bpw_high / 8);
	}
	return OK;
}
