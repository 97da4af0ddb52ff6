/* estimate.c - memory term by term, whether it fits, and the ladder of quantisations */
#include "calc/estimate.h"

#include "base/units.h"
#include "calc/placement.h"
#include "calc/recipe.h"

#include <stddef.h>
#include <string.h>

const char *const verdict_names[] = { "fits", "fits_offloaded", "does_not_fit", NULL };

const char *warning_text(enum warning w)
{
	static const char *const text[WARNINGS] = {
		[WARN_CONTEXT_ABOVE_MAX] = "the context is longer than the model was made for",
		[WARN_RUNTIME_UNKNOWN] = "what the driver and libraries take on this device is unknown: the total is without it",
		[WARN_BANDWIDTH_UNKNOWN] = "the memory bandwidth is unknown, so no speed is given (ullage hardware --measure reads that of this machine)",
		[WARN_RATE_UNKNOWN] = "the matrix rate is unknown, so no prefill speed is given",
		[WARN_TOKENIZER_UNKNOWN] = "the file size is without the tokenizer, whose size is unknown",
		[WARN_DYNAMIC_RECIPE] = "this quantisation follows no published rule: sizes are a range seen in published files, the middle is counted; exact only from a file",
		[WARN_COMPUTE_APPROXIMATE] = "compute buffers are laid out by liveness, not read from the engine",
		[WARN_ENCODER_APART] = "the image or audio encoder is a file of its own and is not counted",
		[WARN_NOT_LOADED_BY_ENGINE] = "this engine does not load this format",
		[WARN_NO_HOST_POOL] = "host memory was not given (--ram), so no offload was considered",
		[WARN_ACTIVATION_UNKNOWN] = "the engine measures its activation peak at start-up; the middle of what its logs print (0.94 to 7.4 GiB) is counted",
		[WARN_EXACT_FROM_FILE] = "weights are those of the file",
		[WARN_LINK_UNKNOWN] = "the link between the devices is unknown: no time for it is counted",
		[WARN_OFFLOAD_PREFILL] = "prefill with weights in host memory depends on how the engine copies them over the link and is not given",
	};

	return text[w];
}

static uint32_t query_heads(const struct part *p)
{
	return p->type == PART_GQA ? p->u.gqa.q_heads : p->type == PART_MLA ? p->u.mla.q_heads : p->type == PART_CSA ? p->u.csa.q_heads : 0;
}

/* vLLM refuses a tensor-parallel size that does not divide the query heads (vllm/config/model.py, verify_with_parallel_config). */
static int heads_divide(const struct estimate *e, const struct question *q, struct error *err)
{
	unsigned n = e->n_devices;

	if (!place_cuts(e, q) || q->settings.engine->cache == CACHE_IDEAL)
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

static int begin(struct estimate *out, struct parts *p, const struct question *q, struct arena *a, struct error *err)
{
	int rc;

	/* all but the devices, which are filled one by one: most machines have few, and tables hold hundreds of estimates */
	memset(out, 0, offsetof(struct estimate, device));
	memset((char *)out + offsetof(struct estimate, n_devices), 0, sizeof *out - offsetof(struct estimate, n_devices));
	out->settings = q->settings;
	*p = (struct parts){ .q = q };
	if ((rc = parts_sizes(p, q, a, err)) != OK || (rc = place_devices(out, q, err)) != OK)
		return rc;
	return heads_divide(out, q, err);
}

/* Everything but what begin() found: the weights of q's recipe, and where they go. */
static int weigh(struct estimate *out, struct parts *p, const struct question *q, struct arena *a, struct error *err)
{
	const struct settings *set = &q->settings;
	int rc;

	out->settings = *set;
	out->warnings &= 1u << WARN_RUNTIME_UNKNOWN;
	if ((rc = parts_weights(p, q, a, err)) != OK)
		return rc;
	out->params_total = p->f.params_total;
	out->params_active = p->f.params_active;
	out->params_mtp = p->f.params_mtp;
	out->file_bytes = q->file ? q->file->file_bytes : p->f.file_bytes;
	if (q->file)
		out->warnings |= 1u << WARN_EXACT_FROM_FILE;
	else if (set->recipe->packing == PACK_GGUF && !p->f.file_has_tokenizer)
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
	if ((rc = place_model(out, p, err)) != OK)
		return rc;
	out->weights_low = out->weights_high = out->sum.weights;
	if (!q->file && set->recipe->dynamic) {
		out->warnings |= 1u << WARN_DYNAMIC_RECIPE;
		out->weights_low = (uint64_t)((double)p->f.params_text * set->recipe->bpw_low / 8);
		out->weights_high = (uint64_t)((double)p->f.params_text * set->recipe->bpw_high / 8);
	}
	return OK;
}

int estimate_memory(struct estimate *out, const struct question *q, struct arena *a, struct error *err)
{
	struct parts p;
	int rc = begin(out, &p, q, a, err);

	return rc != OK ? rc : weigh(out, &p, q, a, err);
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

void settings_default(struct settings *s, const struct engine_profile *engine, const struct quants *q)
{
	*s = (struct settings){ .engine = engine, .ctx_tokens = 8192, .sequences = 1, .gpu_layers = UINT32_MAX, .cpu_moe = UINT32_MAX };
	s->kv_k = s->kv_v = format_find(q, "f16");
	s->ubatch = engine->ubatch ? engine->ubatch : 512;
	s->batch = engine->batch ? engine->batch : 2048;
}

int estimate_tight(const struct estimate *e)
{
	if (!(e->warnings & (1u << WARN_RUNTIME_UNKNOWN | 1u << WARN_ACTIVATION_UNKNOWN)))
		return 0;
	for (unsigned d = 0; d < e->n_devices; d++)
		if (e->device[d].headroom < (int64_t)GIB)
			return 1;
	return 0;
}

void settings_recipe(struct settings *s, const struct recipe *r)
{
	s->recipe = r;
	if (!s->imatrix_set)
		s->imatrix = r->imatrix;
}

const struct recipe *estimate_rung(const struct question *q, unsigned i)
{
	uint16_t id = q->quants->ladder[i];
	const struct recipe *r;

	if (id >= q->quants->n_recipes)
		return as_released(q);
	r = &q->quants->recipes[id];
	return q->settings.engine->loads[r->packing] && (r->packing == PACK_GGUF || !q->settings.engine->loads[PACK_GGUF]) ? r : NULL;
}

/* Bytes that these elements take at the very least under a recipe, if every one got the smallest format that it ever gives. A recipe that
 * is too large even so need not be weighed. */
static double least_bytes(const struct question *q, const struct recipe *r, uint64_t elements)
{
	const struct format *f = q->quants->formats;
	double least = format_least_bits(&f[r->base]);

	if (format_least_bits(&f[r->plain]) < least)
		least = format_least_bits(&f[r->plain]);
	/* a rule for checkpoints that are released in MXFP4 says nothing of others */
	int mxfp4 = q->model->native_format && strstr(q->model->native_format, "mxfp4");
	for (unsigned i = 0; i < r->n_rules; i++) {
		double bits = format_least_bits(&f[r->rules[i].format]);
		if (bits < least && (mxfp4 || !(r->rules[i].when[0] >> WHEN_NATIVE_MXFP4 & 1)))
			least = bits;
	}
	for (unsigned i = 0; i < r->n_fallback; i++)
		least = format_least_bits(&f[r->fallback[i].to]) < least ? format_least_bits(&f[r->fallback[i].to]) : least;
	if (r->last_resort != NO_FORMAT && format_least_bits(&f[r->last_resort]) < least)
		least = format_least_bits(&f[r->last_resort]);
	if (r->dynamic)
		least = r->bpw_low < least ? r->bpw_low : least;
	return least / 8 * (double)elements;
}

/* Bytes that all devices and the host have together. */
static double all_memory(const struct estimate *e, const struct question *q)
{
	const struct pool *host = place_host(q->hardware);
	double sum = 0;

	for (unsigned d = 0; d < e->n_devices; d++)
		sum += (double)e->device[d].budget;
	if (place_on_cards(q) && host)
		sum += (double)host->usable_bytes;
	return sum;
}

static int from_best(const struct question *q, const struct recipe *best, unsigned *first)
{
	*first = 0;
	if (!best)
		return 1;
	for (unsigned i = 0; i < q->quants->n_ladder; i++)
		if (q->quants->ladder[i] < q->quants->n_recipes && &q->quants->recipes[q->quants->ladder[i]] == best) {
			*first = i;
			return 1;
		}
	return 0;
}

int estimate_ladder(struct estimate *out, struct question *q, const struct recipe *best, struct arena *a, struct error *err)
{
	const struct recipe *last = NULL, *offloaded = NULL;
	struct parts p;
	struct counts counts;
	unsigned first;
	int rc, tried_last = 0;

	if (!from_best(q, best, &first))
		return error_set(err, E_USAGE, "%s is not on the ladder of data/quants.yaml", best->name);
	if ((rc = begin(out, &p, q, a, err)) != OK || (rc = inventory_counts(&counts, q->model, q->quants, err)) != OK)
		return rc;
	/* on a card the look-up tables may lie on the host: they are not counted against it */
	double memory = all_memory(out, q);
	for (unsigned i = first; i < q->quants->n_ladder; i++) {
		const struct recipe *r = estimate_rung(q, i);
		if (!r)
			continue;
		settings_recipe(&q->settings, last = r);
		tried_last = 0;
		if (least_bytes(q, r, counts.text - counts.embed) > memory)
			continue;
		if ((rc = weigh(out, &p, q, a, err)) != OK)
			return rc;
		tried_last = 1;
		if (out->verdict == FITS)
			return OK;
		if (out->verdict == FITS_OFFLOADED && !offloaded)
			offloaded = r;
	}
	if (!last)
		return error_set(err, E_FORMAT, "%s loads no format of the ladder in data/quants.yaml; name one with --quant", q->settings.engine->name);
	/* nothing fits whole: the best that fits offloaded, else the smallest */
	if (offloaded && q->settings.recipe != offloaded) {
		settings_recipe(&q->settings, offloaded);
		tried_last = 0;
	}
	return tried_last ? OK : weigh(out, &p, q, a, err);
}

int estimate_compute(struct estimate *out, struct question *q, const struct recipe *best, struct arena *a, struct error *err)
{
	int rc = q->settings.recipe || q->file ? estimate_memory(out, q, a, err) : estimate_ladder(out, q, best, a, err);

	return rc != OK ? rc : estimate_rest(out, q, a, err);
}
