/* cmd_show.c - ullage show: one model with licence, shapes, sizes at each quantisation, KV cache, engines and sources */
#include "cli/show.h"

#include "base/file.h"
#include "cli/cmd.h"
#include "cli/price_text.h"
#include "cli/question.h"

#include <string.h>

unsigned show_layers_of(const struct model_spec *m, unsigned kind)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < m->n_layers; i++)
		n += m->kind_of[i] == kind;
	return n;
}

static int on_ladder(const struct quants *q, unsigned recipe)
{
	for (unsigned i = 0; i < q->n_ladder; i++)
		if (q->ladder[i] == recipe)
			return 1;
	return 0;
}

/* Every recipe that applies: those whose row lengths fail are left out. */
static void sizes(struct show *s, struct arena *a)
{
	const struct quants *q = catalog_quants(s->c);
	struct settings set = s->set;

	for (unsigned i = 0; i < q->n_recipes && s->n_sizes < SHOW_SIZES; i++) {
		const struct recipe *r = &q->recipes[i];
		int native = s->m->native_format && !strcmp(s->m->native_format, r->id);
		struct footprint f;
		uint64_t w = 0;
		settings_recipe(&set, r);
		if (r->dynamic || footprint_compute(&f, s->m, q, &set, a, NULL) != OK)
			continue;
		for (unsigned u = 0; u < USES; u++)
			w += f.weights[COMP_TEXT][u];
		s->size[s->n_sizes++] = (struct show_size){ .r = r, .file = f.file_bytes, .weights = w, .native = (uint8_t)native,
			.on_ladder = (uint8_t)(native || on_ladder(q, i)), .with_tokenizer = f.file_has_tokenizer };
	}
}

static int add_span(void *user, const struct state_item *i, struct error *err)
{
	struct show *s = user;
	unsigned k = 0;

	(void)err;
	if (i->growth != GROW_WINDOW && i->growth != GROW_CHUNK && i->growth != GROW_RATIO)
		return OK;
	while (k < s->n_spans && (s->span[k].growth != i->growth || s->span[k].tokens != i->span))
		k++;
	if (k == SHOW_SPANS)
		return OK;
	if (k == s->n_spans)
		s->span[s->n_spans++] = (struct show_span){ .growth = i->growth, .tokens = i->span };
	for (unsigned w = 0; w < sizeof i->layers.bit / sizeof *i->layers.bit; w++)
		s->span[k].layers.bit[w] |= i->layers.bit[w];
	return OK;
}

/* By the architecture alone. At 2^20 tokens every window is full: what is beyond the growing part is what windows hold. */
static int kv_types(struct show *s, struct arena *a, struct error *err)
{
	static const char *const types[SHOW_KV_TYPES] = { "f16", "q8_0", "q4_0" };
	const struct quants *q = catalog_quants(s->c);
	struct settings set = s->set;

	if (!(set.engine = engine_find(catalog_engines(s->c), "none")))
		return error_set(err, E_CATALOGUE, "data/engines.yaml: no profile none");
	set.sequences = 1;
	set.ctx_tokens = 1 << 20;
	for (unsigned i = 0; i < SHOW_KV_TYPES; i++) {
		struct show_kv *k = &s->kv[i];
		struct cache_bytes all;
		k->type = types[i];
		set.kv_k = set.kv_v = format_find(q, types[i]);
		if (set.kv_k == NO_FORMAT || cache_per_1k(&k->per_1k, s->m, q, set.engine, set.kv_k, set.kv_v, NULL) != OK ||
		    cache_compute(&all, s->m, q, &set, a, NULL) != OK || all.kv < k->per_1k * 1024)
			continue;
		k->spans = all.kv - k->per_1k * 1024;
		k->known = 1;
	}
	return state_walk(s->m, 0, add_span, s, err);
}

static int licence_terms(struct show *s, struct arena *a, struct error *err)
{
	const char *path = arena_printf(a, "%s/data/licences.yaml", catalog_folder(s->c));
	int rc;

	if (!path)
		return error_set(err, E_NOMEM, "out of memory");
	if (!path_exists(path))
		return OK;
	if ((rc = licences_load(&s->licences, a, path, err)) == OK)
		s->licence = licence_find(&s->licences, s->e->licence);
	return rc;
}

static int gather(struct show *s, struct arena *a, struct error *err)
{
	const struct quants *q = catalog_quants(s->c);
	int rc;

	if ((rc = settings_from(&s->set, s->o, s->c, err)) != OK || (rc = licence_terms(s, a, err)) != OK || (rc = prices_from(&s->prices, a, s->c, err)) != OK)
		return rc;
	s->m = s->e->spec;
	if (!s->m)
		return OK;
	if ((rc = inventory_counts(&s->n, s->m, q, err)) != OK || (rc = cache_compute(&s->cache, s->m, q, &s->set, a, err)) != OK)
		return rc;
	sizes(s, a);
	return kv_types(s, a, err);
}

int cmd_show(struct options *o, struct error *err)
{
	struct catalog *c = NULL;
	struct arena a = { 0 };
	struct show *s = arena_alloc(&a, sizeof *s);
	int rc;

	if (!s)
		return error_set(err, E_NOMEM, "out of memory");
	if (o->csv)
		rc = error_set(err, E_USAGE, "show has no table of rows: --json, or models --csv");
	else if (o->n_args != 1)
		rc = error_set(err, E_USAGE, "show wants one MODEL, not %d", o->n_args);
	else if ((rc = catalog_from(&c, o, err)) == OK && (rc = catalog_model(&s->e, c, o->args[0], err)) == OK) {
		s->o = o;
		s->c = c;
		rc = gather(s, &a, err);
		if (rc == OK && o->json)
			rc = show_json(s, err);
		else if (rc == OK)
			show_text(s);
	}
	arena_free(&a);
	catalog_close(c);
	return rc;
}
