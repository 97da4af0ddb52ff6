/* relax.c - how far settings can go: the longest context, the most sequences, and the cheapest changes that make a model fit */
#include "calc/estimate.h"

#include "base/units.h"
#include "calc/placement.h"

#include <string.h>

/* One question asked again and again under other settings: the weights are summed once. */
struct again { struct question q; struct parts p; struct estimate e; struct arena a; };

static int again_begin(struct again *g, const struct question *q, const struct estimate *asked, struct arena *a, struct error *err)
{
	g->q = *q;
	g->q.settings = asked->settings;
	memset(&g->e, 0, sizeof g->e);
	g->a = (struct arena){ 0 };
	return parts_weights(&g->p, &g->q, a, err);
}

/* E_USAGE: a size overflows, which is as good as not fitting. */
static int again_place(struct again *g, struct error *err)
{
	int rc;

	arena_reset(&g->a);
	g->e.settings = g->q.settings;
	if ((rc = parts_sizes(&g->p, &g->q, &g->a, err)) != OK || (rc = place_devices(&g->e, &g->q, err)) != OK)
		return rc;
	return place_model(&g->e, &g->p, err);
}

/* The least that is left over on any device or, where it counts, on the host. */
static double least_headroom(const struct estimate *e)
{
	double least = (double)e->device[0].headroom;

	for (unsigned d = 1; d < e->n_devices; d++)
		least = (double)e->device[d].headroom < least ? (double)e->device[d].headroom : least;
	return e->host.budget && (double)e->host.headroom < least ? (double)e->host.headroom : least;
}

/* The largest n in 0 ... most for which `unit` n of what set() sets is placed no worse than `worst` (memory grows with it). The next guess is
 * where the line through both ends of the bracket crosses zero, which memory nearly follows; halving takes over when that crawls. */
typedef void set_fn(struct settings *s, uint64_t n);
static int largest(uint64_t *out, struct again *g, uint64_t most, enum verdict worst, set_fn *set, struct error *err)
{
	uint64_t lo = 0, hi = most;
	double at_lo = 0, at_over = 0;           /* what is left over at lo (0: not known), and at hi + 1 (below 0 when known) */
	int rc = OK;

	if (worst == FITS) {                     /* nothing may go to the host: do not look for what could */
		g->q.settings.gpu_layers = UINT32_MAX - 1;
		g->q.settings.cpu_moe = 0;
	}
	for (unsigned round = 0; lo < hi; round++) {
		uint64_t mid = lo + (hi - lo + 1) / 2;
		if (round == 0)
			mid = hi;                        /* most of the time all of it fits, or hardly anything */
		else if (round == 1)
			mid = lo + 1;
		else if (round < 8 && at_lo > 0 && at_over < 0)
			mid = lo + (uint64_t)((double)(hi + 1 - lo) * at_lo / (at_lo - at_over));
		mid = mid <= lo ? lo + 1 : mid > hi ? hi : mid;
		set(&g->q.settings, mid);
		rc = again_place(g, err);
		if (rc != OK && rc != E_USAGE)
			return rc;
		double left = rc == OK ? least_headroom(&g->e) : 0;
		if (rc == OK && g->e.verdict <= worst) {
			lo = mid;
			at_lo = worst == FITS ? left : 0;
		} else {
			hi = mid - 1;
			at_over = worst == FITS ? left : 0;
		}
	}
	*out = lo;
	return OK;
}

static void set_context(struct settings *s, uint64_t n) { s->ctx_tokens = n * 256; }
static void set_sequences(struct settings *s, uint64_t n) { s->sequences = (uint32_t)n; }

static uint64_t context_limit(const struct estimate *e, const struct question *q)
{
	return q->model->context_max ? q->model->context_max : e->settings.ctx_tokens;
}

static int longest(uint64_t *out, const struct estimate *e, const struct question *q, enum verdict worst, struct arena *a, struct error *err)
{
	uint64_t limit = context_limit(e, q), n;
	struct again g;
	int rc;

	if ((rc = again_begin(&g, q, e, a, err)) != OK || (rc = largest(&n, &g, limit / 256, worst, set_context, err)) != OK)
		goto out;
	*out = n * 256;
	if (n == limit / 256 && limit % 256) {   /* the model's own end need not be a multiple */
		g.q.settings.ctx_tokens = limit;
		if ((rc = again_place(&g, err)) == OK && g.e.verdict <= worst)
			*out = limit;
	}
	rc = OK;
out:
	arena_free(&g.a);
	return rc;
}

int estimate_longest(struct estimate *e, const struct question *q, struct arena *a, struct error *err)
{
	uint64_t limit = context_limit(e, q), asked = e->settings.ctx_tokens < limit ? e->settings.ctx_tokens : limit;
	int rc = longest(&e->max_context_tokens, e, q, e->verdict == FITS ? FITS : FITS_OFFLOADED, a, err);

	/* what fits as asked fits, though it be no multiple of 256 */
	if (rc == OK && e->verdict != DOES_NOT_FIT && e->max_context_tokens < asked)
		e->max_context_tokens = asked;
	return rc;
}

int estimate_most_sequences(struct estimate *e, const struct question *q, struct arena *a, struct error *err)
{
	struct again g;
	uint64_t n = 0;
	int rc = again_begin(&g, q, e, a, err);

	if (rc == OK)
		rc = largest(&n, &g, MAX_SEQUENCES, e->verdict == FITS ? FITS : FITS_OFFLOADED, set_sequences, err);
	e->max_sequences = (uint32_t)n;
	arena_free(&g.a);
	return rc;
}

/* Keeps a change that was tried and found to do: *with is the estimate under it. */
static int offer(struct estimate *e, enum change c, uint64_t value, const char *name, struct estimate *with, const struct question *q, struct arena *a, struct error *err)
{
	/* what goes to the host is no longer on the device; all else is saved wherever it was */
	uint64_t host = c != CHANGE_HOST, before = e->sum.total + host * e->host.total, after = with->sum.total + host * with->host.total;
	int rc;

	if (e->n_relax == MAX_RELAX)
		return OK;
	if ((rc = estimate_decode(with, q, a, err)) != OK)
		return rc;
	e->relax[e->n_relax++] = (struct relaxation){ .change = (uint8_t)c, .verdict = with->verdict, .value = value, .name = name,
		.saves_bytes = before > after ? before - after : 0, .gpu_layers = with->gpu_layers, .cpu_moe = with->cpu_moe, .decode_tps = with->decode_tps };
	return OK;
}

/* Does it fit wholly under these settings? 1, 0, or an error; what an engine cannot do at all (heads that are no multiple of a format's
 * block) does not fit. */
static int does(struct estimate *with, const struct question *q, enum verdict worst, struct arena *a, struct error *err)
{
	int rc = estimate_memory(with, q, a, err);

	if (rc == E_FORMAT || rc == E_USAGE)
		return 0;
	return rc != OK ? rc : with->verdict <= worst;
}

/* The least host memory, in whole GiB, beside which it fits offloaded. */
static int host_needed(uint64_t *gib, struct estimate *with, struct question *q, struct hardware_spec *h, struct pool *pools, struct arena *a, struct error *err)
{
	struct pool *host = &pools[h->n_pools];
	uint64_t lo = 1, hi = UINT64_C(1) << 16;
	int rc;

	for (unsigned i = 0; i < h->n_pools; i++)
		pools[i] = h->pools[i];
	*host = (struct pool){ .name = "host", .kind = POOL_HOST };
	h->pools = pools;
	h->n_pools++;
	q->hardware = h;
	while (lo < hi) {
		uint64_t mid = lo + (hi - lo) / 2;
		host->total_bytes = host->usable_bytes = mid * GIB;
		if ((rc = does(with, q, FITS_OFFLOADED, a, err)) < 0)
			return rc;
		if (rc)
			hi = mid;
		else
			lo = mid + 1;
	}
	host->total_bytes = host->usable_bytes = lo * GIB;
	*gib = lo;
	return does(with, q, FITS_OFFLOADED, a, err);
}

static int smaller(const struct quants *q, uint16_t a, uint16_t b)
{
	const struct format *f = q->formats;

	return format_least_bits(&f[a]) < format_least_bits(&f[b]);
}

/* Each one is tried before it is offered. Something that fits offloaded is asked what would make it fit wholly. */
static int relaxations(struct estimate *e, const struct question *asked, struct arena *a, struct error *err)
{
	struct question base = *asked, q;
	struct estimate with;
	int rc;

	base.settings = e->settings;
	q = base;
	static const char *const kv_types[] = { "q8_0", "q4_0" };
	for (unsigned i = 0; i < 2 && q.settings.engine->cache == CACHE_SLOTS; i++) {
		uint16_t type = format_find(q.quants, kv_types[i]);
		if (type == NO_FORMAT)
			continue;
		int k = smaller(q.quants, type, base.settings.kv_k), v = smaller(q.quants, type, base.settings.kv_v);
		if (!k && !v)
			continue;                /* no smaller than what there is */
		q.settings.kv_k = k ? type : base.settings.kv_k;
		q.settings.kv_v = v ? type : base.settings.kv_v;
		if ((rc = does(&with, &q, FITS, a, err)) < 0)
			return rc;
		if (rc) {
			/* one word for both only where it was: -ctk and -ctv would go before it */
			enum change c = k && v && !base.settings.kv_apart ? CHANGE_KV_TYPE : CHANGE_KV_TYPES;
			if ((rc = offer(e, c, (uint64_t)q.settings.kv_k << 16 | q.settings.kv_v, q.quants->formats[type].name, &with, &q, a, err)) != OK)
				return rc;
			break;
		}
	}
	uint64_t ctx;
	if ((rc = longest(&ctx, e, &base, FITS, a, err)) != OK)
		return rc;
	ctx = ctx >= 4096 ? ctx / 1024 * 1024 : ctx;
	if (ctx && ctx < e->settings.ctx_tokens) {
		q = base;
		q.settings.ctx_tokens = ctx;
		if ((rc = does(&with, &q, FITS, a, err)) < 0 || (rc && (rc = offer(e, CHANGE_CONTEXT, ctx, NULL, &with, &q, a, err)) != OK))
			return rc;
	}
	if (e->settings.sequences > 1) {
		struct again g;
		uint64_t n = 0;
		if ((rc = again_begin(&g, &base, e, a, err)) == OK)
			rc = largest(&n, &g, e->settings.sequences - 1, FITS, set_sequences, err);
		arena_free(&g.a);
		if (rc != OK)
			return rc;
		q = base;
		q.settings.sequences = (uint32_t)n;
		if (n && ((rc = does(&with, &q, FITS, a, err)) < 0 || (rc && (rc = offer(e, CHANGE_SEQUENCES, n, NULL, &with, &q, a, err)) != OK)))
			return rc;
	}
	for (unsigned i = 0; !asked->file && i < asked->quants->n_ladder; i++) {
		q = base;
		const struct recipe *r = estimate_rung(&q, i);
		if (!r)
			continue;
		settings_recipe(&q.settings, r);
		if ((rc = does(&with, &q, FITS, a, err)) < 0)
			return rc;
		if (rc && with.sum.weights + with.host.weights < e->sum.weights + e->host.weights) {
			if ((rc = offer(e, CHANGE_RECIPE, 0, q.settings.recipe->name, &with, &q, a, err)) != OK)
				return rc;
			break;
		}
	}
	if (e->verdict == DOES_NOT_FIT && e->warnings & 1u << WARN_NO_HOST_POOL) {
		struct hardware_spec h = *asked->hardware;
		struct pool *pools = arena_array(a, h.n_pools + 1u, sizeof *pools);
		uint64_t gib;
		if (!pools)
			return error_set(err, E_NOMEM, "out of memory");
		q = base;
		if ((rc = host_needed(&gib, &with, &q, &h, pools, a, err)) < 0 || (rc && (rc = offer(e, CHANGE_HOST, gib * GIB, NULL, &with, &q, a, err)) != OK))
			return rc;
	}
	return OK;
}

int estimate_rest(struct estimate *e, const struct question *asked, struct arena *a, struct error *err)
{
	struct question q = *asked;
	int rc;

	q.settings = e->settings;
	if ((rc = estimate_decode(e, &q, a, err)) != OK || (rc = estimate_depths(e, &q, a, err)) != OK || (rc = estimate_prefill(e, &q, a, err)) != OK || (rc = estimate_ttft(e, &q, a, err)) != OK ||
	    (rc = estimate_longest(e, &q, a, err)) != OK || (rc = estimate_most_sequences(e, &q, a, err)) != OK)
		return rc;
	return e->verdict == FITS ? OK : relaxations(e, &q, a, err);
}
