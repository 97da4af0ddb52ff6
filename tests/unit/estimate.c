/* estimate.c - properties of every answer: sums add up, more memory is never worse, each relaxation makes it fit */
#include "base/units.h"
#include "calc/estimate.h"
#include "catalog/catalog.h"

#include "../tap.h"

#include <string.h>

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

	q.settings = (struct settings){ .ctx_tokens = ctx, .sequences = 1, .ubatch = 512, .batch = 2048, .gpu_layers = UINT32_MAX, .cpu_moe = UINT32_MAX };
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

/* A relaxation applied to the question it was offered for: now it fits, wholly unless host memory was what it wanted. */
static int applied(const struct question *asked, const struct relaxation *r, struct arena *a)
{
	struct question q = *asked;
	struct hardware_spec h = *asked->hardware;
	struct pool pools[4];
	struct estimate e;
	struct error err;

	switch ((enum change)r->change) {
	case CHANGE_KV_TYPE:
	case CHANGE_KV_TYPES: q.settings.kv_k = (uint16_t)(r->value >> 16); q.settings.kv_v = (uint16_t)(r->value & 0xffff); break;
	case CHANGE_CONTEXT: q.settings.ctx_tokens = r->value; break;
	case CHANGE_RECIPE:
		if (recipe_find(&q.settings.recipe, q.quants, r->name, q.settings.engine->id, &err) != OK)
			return 0;
		q.settings.imatrix = q.settings.recipe->imatrix;
		break;
	case CHANGE_SEQUENCES: q.settings.sequences = (uint32_t)r->value; break;
	case CHANGE_HOST:
		for (unsigned i = 0; i < h.n_pools; i++)
			pools[i] = h.pools[i];
		pools[h.n_pools++] = (struct pool){ .name = "host", .kind = POOL_HOST, .total_bytes = r->value, .usable_bytes = r->value };
		h.pools = pools;
		q.hardware = &h;
		return estimate_memory(&e, &q, a, &err) == OK && e.verdict == FITS_OFFLOADED && e.gpu_layers == r->gpu_layers && e.cpu_moe == r->cpu_moe;
	case CHANGES: return 0;
	}
	return estimate_memory(&e, &q, a, &err) == OK && e.verdict == FITS;
}

/* Whatever is said to fit is within every pool it draws from. */
static int within(const struct estimate *e)
{
	if (e->verdict == DOES_NOT_FIT)
		return 1;
	for (unsigned d = 0; d < e->n_devices; d++)
		if (e->device[d].total > e->device[d].budget)
			return 0;
	return !e->host.budget || e->host.total <= e->host.budget;
}

/* Cards of different sizes, with and without a host, a unified pool, a processor alone. */
static void every_machine(const struct model_entry *m)
{
	static const struct { uint64_t card[3], host; uint8_t kind; } shapes[] = {
		{ { 24, 0, 0 }, 0, POOL_VRAM }, { { 24, 0, 0 }, 64, POOL_VRAM }, { { 8, 24, 0 }, 0, POOL_VRAM }, { { 32, 12, 8 }, 32, POOL_VRAM },
		{ { 96, 96, 0 }, 256, POOL_VRAM }, { { 96, 0, 0 }, 0, POOL_UNIFIED }, { { 64, 0, 0 }, 0, POOL_HOST }, { { 4, 0, 0 }, 1024, POOL_VRAM },
	};
	static const struct { const char *engine, *recipe; uint64_t ctx; uint32_t sequences, ngl, moe; } asks[] = {
		{ "llama.cpp", "Q4_K_M", 8192, 1, UINT32_MAX, UINT32_MAX }, { "llama.cpp", "Q8_0", 32768, 4, UINT32_MAX, UINT32_MAX },
		{ "llama.cpp", "Q4_K_M", 4096, 1, UINT32_MAX, 3 }, { "none", "Q4_K_M", 8192, 1, UINT32_MAX, UINT32_MAX },
	};
	unsigned n = 0, good = 0, true_relax = 0, relax = 0, said = 0;
	struct arena a = { 0 };
	struct error err = { 0 };

	for (unsigned i = 0; i < sizeof shapes / sizeof *shapes; i++)
		for (unsigned k = 0; k < sizeof asks / sizeof *asks; k++) {
			struct device_spec dev = { .id = "card", .name = "card", .kind = shapes[i].kind == POOL_HOST ? DEVICE_CPU : DEVICE_GPU, .vendor = VENDOR_NVIDIA };
			struct pool pools[4];
			struct group groups[3];
			struct hardware_spec h = { .id = "box", .name = "box", .pools = pools, .groups = groups };
			struct estimate e, again;
			for (unsigned c = 0; c < 3 && shapes[i].card[c]; c++) {
				groups[h.n_groups++] = (struct group){ &dev, h.n_pools, 1, 1 };
				pools[h.n_pools++] = (struct pool){ .name = "pool", .kind = shapes[i].kind, .total_bytes = shapes[i].card[c] * GIB,
					.usable_bytes = shapes[i].card[c] * GIB, .read_bps = known_of(1e12, BASIS_SPEC) };
			}
			if (shapes[i].host)
				pools[h.n_pools++] = (struct pool){ .name = "host", .kind = POOL_HOST, .total_bytes = shapes[i].host * GIB, .usable_bytes = shapes[i].host * GIB,
					.read_bps = known_of(5e10, BASIS_SPEC) };
			struct question q = ask(m->spec, &h, asks[k].engine, asks[k].recipe, asks[k].ctx);
			q.settings.sequences = asks[k].sequences;
			q.settings.gpu_layers = asks[k].ngl;
			q.settings.cpu_moe = asks[k].moe;
			arena_reset(&a);
			int rc = estimate_compute(&e, &q, NULL, &a, &err);
			if (rc == E_USAGE && asks[k].moe != UINT32_MAX && !shapes[i].host)
				continue;        /* experts on a host of unknown size */
			n++;
			if (rc != OK || !within(&e) || !sums_add_up(&e))
				continue;
			good++;
			/* what was chosen, asked for by name, is the same placement */
			if (e.verdict == FITS_OFFLOADED) {
				q.settings.gpu_layers = e.gpu_layers + e.output_on_device;
				q.settings.cpu_moe = e.cpu_moe;
				for (unsigned d = 0; e.dealt && d < e.n_devices; d++)
					q.settings.ts[q.settings.n_ts++] = e.deal[d];
				said += estimate_memory(&again, &q, &a, &err) == OK && again.verdict == FITS_OFFLOADED && again.sum.total == e.sum.total && again.host.total == e.host.total;
				q.settings.gpu_layers = asks[k].ngl;
				q.settings.cpu_moe = asks[k].moe;
				q.settings.n_ts = 0;
			} else {
				said++;
			}
			relax += e.n_relax;
			for (unsigned r = 0; r < e.n_relax; r++)
				true_relax += applied(&q, &e.relax[r], &a);
		}
	ok(good == n && true_relax == relax && said == n, "%s: %u of %u placements within every pool, %u of %u relaxations true, %u named again%s%s", m->id, good, n, true_relax, relax, said,
	   err.text[0] ? ": " : "", err.text);
	arena_free(&a);
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
		rc = estimate_compute(&tight, &q, NULL, &a, &err);
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
	/* as many sequences as are said to fit, and not one more */
	q.settings.ctx_tokens = 4096;
	if (good && estimate_compute(&e, &q, NULL, &a, &err) == OK && e.verdict == FITS && e.max_sequences < MAX_SEQUENCES) {
		q.settings.sequences = e.max_sequences;
		good = estimate_memory(&more, &q, &a, &err) == OK && more.verdict == FITS;
		q.settings.sequences++;
		good &= estimate_memory(&more, &q, &a, &err) == OK && more.verdict == DOES_NOT_FIT;
		ok(good, "%s: %u sequences fit and one more does not", m->id, e.max_sequences);
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
	/* a layer's KV and state move with it; experts leave theirs on the card; a tied table is there twice unless the output stays too */
	uint64_t twice = e.output_on_device ? 0 : more.sum.weights + more.host.weights - e.sum.weights - e.host.weights;
	ok(rc == OK && (e.verdict == DOES_NOT_FIT || (e.sum.weights + e.host.weights + twice == more.sum.weights + more.host.weights && (!twice || m->spec->tied_head) &&
	   e.sum.kv_cache + e.sum.state + e.host.kv_cache + e.host.state == more.sum.kv_cache + more.sum.state)), "%s: offloaded, %u layers on the card, the same bytes", m->id, e.gpu_layers);
	/* numbers too large for 64 bits */
	q.settings.ctx_tokens = UINT64_MAX / 2;
	q.settings.sequences = 1000;
	rc = estimate_memory(&e, &q, &a, &err);
	ok(rc == E_USAGE || rc == E_FORMAT, "%s: 2^63 tokens for 1000 sequences: %s", m->id, rc < 0 ? err.text : "no error");
	arena_free(&a);
}

/* TensorRT-LLM gives its cache 0.9 of what weights and buffers leave, not of the card: 0.9 x 10 GiB here. */
static void share_of_the_rest(void)
{
	const struct model_entry *m;
	struct box b;
	struct arena a = { 0 };
	struct error err = { 0 };
	struct estimate e, f;
	uint64_t before;

	if (!ok(catalog_model(&m, cat, "llama-3.1-8b-instruct", &err) == OK, "a model"))
		return;
	make_box(&b, 1, 4096 * GIB, 0);
	struct question q = ask(m->spec, &b.h, "tensorrt-llm", "fp8", 8192);
	ok(estimate_memory(&e, &q, &a, &err) == OK && e.verdict == FITS, "fits: %s", err.text);
	before = e.sum.weights + e.sum.compute + e.sum.runtime;
	make_box(&b, 1, before + 10 * GIB, 0);
	q.hardware = &b.h;
	ok(estimate_memory(&e, &q, &a, &err) == OK && e.sum.budget == before + (uint64_t)(0.9 * 10 * (double)GIB), "weights and 0.9 of the rest");
	make_box(&b, 1, before + (uint64_t)((double)(e.sum.kv_cache + e.sum.state) / 0.9) + 16, 0);
	ok(estimate_memory(&f, &q, &a, &err) == OK && f.verdict == FITS && f.sum.headroom < 64, "so much more than the cache fits");
	make_box(&b, 1, before + (uint64_t)((double)(e.sum.kv_cache + e.sum.state) / 0.9) - 16, 0);
	ok(estimate_memory(&f, &q, &a, &err) == OK && f.verdict == DOES_NOT_FIT, "and a little less does not");
	make_box(&b, 1, before - 1, 0);
	ok(estimate_memory(&f, &q, &a, &err) == OK && f.verdict == DOES_NOT_FIT, "nor does what does not hold the weights");
	arena_free(&a);
}

/* Speeds are kept by the format of most of what a step reads: with many sequences that of the experts, also of those that have no gate (Nemotron 3). */
static void format_of_a_step(void)
{
	const struct model_entry *m;
	struct arena a = { 0 };
	struct estimate e;
	struct speed_of s;
	struct error err = { 0 };
	struct box b;

	make_box(&b, 1, 200 * GIB, 0);
	b.pools[0].kind = POOL_HOST;
	b.device.kind = DEVICE_CPU;
	if (catalog_model(&m, cat, "nemotron-3-nano-30b-a3b", &err) != OK) {
		ok(0, "nemotron-3-nano-30b-a3b: %s", err.text);
		return;
	}
	struct question q = ask(m->spec, &b.h, "ullage", "mxfp4_moe", 256);
	q.settings.sequences = 64;
	if (estimate_memory(&e, &q, &a, &err) != OK || estimate_decode_at(&s, &e, &q, 0, &a, &err) != OK)
		ok(0, "%s", err.text);
	else
		ok(s.format < q.quants->n_formats && !strcmp(q.quants->formats[s.format].id, "mxfp4") && s.bytes > 0.7 * (double)e.sum.weights, "most of a step of many sequences is experts: %s, %.0f of %.0f bytes",
			s.format < q.quants->n_formats ? q.quants->formats[s.format].id : "none", s.bytes, (double)e.sum.weights);
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
			one_model(m), every_machine(m);
	share_of_the_rest();
	format_of_a_step();
	ok(models > 50 && offloaded > models * 9 / 10, "%u of %u models could be offloaded", offloaded, models);
	catalog_close(cat);
	arena_free(&a);
	return done_testing();
}
