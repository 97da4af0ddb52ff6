/* estimate.c - properties of every answer: sums add up, more memory is never worse, each relaxation makes it fit */
#include "base/units.h"
#include "calc/estimate.h"
#include "catalog/catalog.h"

#include "../tap.h"

static struct catalog *cat;
static struct efficiency eff;
static unsigned models, offloaded;

/* One card of so many bytes, or several, on a host of so many (0: none). */
struct box { struct pool pools[2]; struct device_spec device; struct group group; struct hardware_spec h; };
static void make_box(struct box *b, unsigned cards, uint64_t card_bytes, uint64_t host_bytes)
{
	*b = (struct box){ .device = { .id = "card", .name = "card", .kind = DEVICE_GPU, .vendor = VENDOR_NVIDIA }, .group = { NULL, 0, (uint16_t)cards, 1 } };
	b->pools[0] = (struct pool){ .name = "vram", .kind = POOL_VRAM, .total_bytes = card_bytes, .usable_bytes = card_bytes, .read_bps = known_of(1e12, BASIS_SPEC) };
	b->pools[1] = (struct pool){ .name = "host", .kind = POOL_HOST, .total_bytes = host_bytes, .usable_bytes = host_bytes };
	b->device.flops[MATH_F16] = known_of(1e14, BASIS_SPEC);
	b->group.device = &b->device;
	b->h = (struct hardware_spec){ .id = "box", .name = "box", .pools = b->pools, .n_pools = host_bytes ? 2 : 1, .groups = &b->group, .n_groups = 1 };
}

static struct question ask(const struct model_spec *m, const struct hardware_spec *h, const char *engine, const char *recipe, uint64_t ctx)
{
	struct question q = { .model = m, .quants = catalog_quants(cat), .hardware = h, .efficiency = &eff };
	struct error e;

	q.settings = (struct settings){ .ctx_tokens = ctx, .sequences = 1, .ubatch = 512, .batch = 2048, .gpu_layers = UINT32_MAX };
	q.settings.engine = engine_find(catalog_engines(cat), engine);
	q.settings.kv_k = q.settings.kv_v = format_find(q.quants, "f16");
	if (!recipe_find(&q.settings.recipe, q.quants, recipe, engine, &e))
		q.settings.imatrix = q.settings.recipe->imatrix;
	return q;
}

static int sums_add_up(const struct estimate *e)
{
	uint64_t weights = 0, kv = 0, total = 0;

	for (unsigned d = 0; d < e->n_devices; d++) {
		const struct memory *m = &e->device[d];
		weights += m->weights;
		kv += m->kv_cache;
		total += m->total;
		if (m->total != m->weights + m->kv_cache + m->state + m->compute + m->runtime || m->headroom != (int64_t)(m->budget - m->total))
			return 0;
	}
	return weights == e->sum.weights && kv == e->sum.kv_cache && total == e->sum.total;
}

/* A relaxation applied to the question it was offered for. */
static int applied(const struct question *asked, const struct relaxation *r, struct arena *a)
{
	struct question q = *asked;
	struct estimate e;
	struct error err;

	switch ((enum change)r->change) {
	case CHANGE_KV_TYPE: q.settings.kv_k = q.settings.kv_v = format_find(q.quants, r->name); break;
	case CHANGE_CONTEXT: q.settings.ctx_tokens = r->value; break;
	case CHANGE_RECIPE:
		if (recipe_find(&q.settings.recipe, q.quants, r->name, q.settings.engine->id, &err) != OK)
			return 0;
		break;
	case CHANGE_SEQUENCES: q.settings.sequences = (uint32_t)r->value; break;
	case CHANGE_GPU_LAYERS: q.settings.gpu_layers = (uint32_t)r->value; break;
	case CHANGES: return 0;
	}
	return estimate_memory(&e, &q, a, &err) == OK && e.verdict != DOES_NOT_FIT;
}

static void one_model(const struct model_entry *m)
{
	struct arena a = { 0 };
	struct error err = { 0 };
	struct estimate e, more, tight;
	struct box b;
	int monotone = 1, sums = 1, worst = FITS, rc = OK;

	/* cards of 4 GiB to 4 TiB: once it fits it goes on fitting, and the need does not change */
	for (uint64_t gib = 4096; gib >= 4 && rc == OK; gib /= 2) {
		make_box(&b, 2, gib * GIB, 0);
		struct question q = ask(m->spec, &b.h, "llama.cpp", "Q4_K_M", 4096);
		rc = estimate_memory(&e, &q, &a, &err);
		monotone &= (int)e.verdict >= worst;
		worst = e.verdict;
		sums &= sums_add_up(&e);
	}
	ok(rc == OK && monotone && sums, "%s: sums add up, more memory is never worse%s%s", m->id, rc == OK ? "" : ": ", rc == OK ? "" : err.text);

	/* a card with a little less than it needs */
	make_box(&b, 1, 4096 * GIB, 0);
	struct question q = ask(m->spec, &b.h, "llama.cpp", "Q8_0", 16384);
	rc = estimate_memory(&e, &q, &a, &err);
	make_box(&b, 1, e.sum.total - e.sum.kv_cache / 4 - 1, 0);
	q.hardware = &b.h;
	if (rc == OK)
		rc = estimate_compute(&tight, &q, &a, &err);
	int good = rc == OK && tight.verdict == DOES_NOT_FIT && tight.short_at == 0;
	for (unsigned i = 0; good && i < tight.n_relax; i++)
		good = applied(&q, &tight.relax[i], &a);
	ok(good, "%s: short by a quarter of its KV cache it does not fit, and %u relaxations are true%s%s", m->id, good ? tight.n_relax : 0, rc == OK ? "" : ": ",
	   rc == OK ? "" : err.text);
	if (good && tight.max_context_tokens) {
		q.settings.ctx_tokens = tight.max_context_tokens;
		good = estimate_memory(&e, &q, &a, &err) == OK && e.verdict == FITS;
		q.settings.ctx_tokens += 512;
		good &= estimate_memory(&more, &q, &a, &err) == OK && (more.verdict == DOES_NOT_FIT || tight.max_context_tokens == m->spec->context_max);
		ok(good, "%s: %llu tokens fit and 512 more do not", m->id, (unsigned long long)tight.max_context_tokens);
	}
	/* the same shortfall with a host beside the card: layers move, nothing is lost or counted twice */
	make_box(&b, 1, e.sum.total / 2, 4096 * GIB);
	q = ask(m->spec, &b.h, "llama.cpp", "Q8_0", 4096);
	rc = estimate_memory(&e, &q, &a, &err);
	make_box(&b, 1, 4096 * GIB, 4096 * GIB);
	if (rc == OK)
		rc = estimate_memory(&more, &q, &a, &err);
	/* small models whose head and buffers alone are over half of it cannot */
	models++;
	offloaded += rc == OK && e.verdict == FITS_OFFLOADED;
	ok(rc == OK && (e.verdict == DOES_NOT_FIT || (e.sum.weights + e.host.weights == more.sum.weights + more.host.weights &&
	   e.sum.kv_cache + e.sum.state + e.host.kv_cache + e.host.state == more.sum.kv_cache + more.sum.state)), "%s: offloaded, %u layers on the card, the same bytes", m->id, e.gpu_layers);
	/* numbers too large for 64 bits */
	q.settings.ctx_tokens = UINT64_MAX / 2;
	q.settings.sequences = 1000;
	rc = estimate_memory(&e, &q, &a, &err);
	ok(rc == E_USAGE || rc == E_FORMAT, "%s: 2^63 tokens for 1000 sequences: %s", m->id, rc < 0 ? err.text : "no error");
	arena_free(&a);
}

int main(void)
{
	struct arena a = { 0 };
	struct error e = { 0 };
	unsigned n;

	if (setenv("ULLAGE_DATA", ".", 1) || catalog_open(&cat, NULL, &e) != OK || efficiency_load(&eff, &a, "data/efficiency.yaml", &e) != OK) {
		ok(0, "catalogue: %s", e.text);
		return done_testing();
	}
	const struct model_entry *all = catalog_models(cat, &n), *m;
	for (unsigned i = 0; i < n; i += 3)
		if (catalog_model(&m, cat, all[i].id, &e) == OK && m->spec && m->spec->n_layers)
			one_model(m);
	ok(models > 50 && offloaded > models * 9 / 10, "%u of %u models could be offloaded", offloaded, models);
	catalog_close(cat);
	arena_free(&a);
	return done_testing();
}
