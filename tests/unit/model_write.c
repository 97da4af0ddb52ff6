/* model_write.c - every model of the catalogue written as a draft and read again: the same layers, the same sums */
#include "../tap.h"

#include "base/str.h"
#include "calc/inventory.h"
#include "calc/state.h"
#include "catalog/catalog.h"
#include "catalog/model_write.h"

static struct arena arena;
static struct error err;

static int same_rope(const struct model_spec *a, uint8_t x, const struct model_spec *b, uint8_t y)
{
	const struct rope *p, *q;

	if (x == NO_ROPE || y == NO_ROPE)
		return x == y;
	p = &a->rope[x];
	q = &b->rope[y];
	return !(p->theta < q->theta) && !(p->theta > q->theta) && p->dims == q->dims && p->scaling == q->scaling && p->original == q->original &&
		!(p->factor < q->factor) && !(p->factor > q->factor);
}

/* Part by part; names and sources may differ, and ropes are compared by what they are. */
static int same_part(const struct model_spec *a, const struct part *x, const struct model_spec *b, const struct part *y)
{
	struct part p = *x, q = *y;

	if (p.type != q.type)
		return 0;
	if (p.type == PART_GQA && !same_rope(a, p.u.gqa.rope, b, q.u.gqa.rope))
		return 0;
	if (p.type == PART_MLA && !same_rope(a, p.u.mla.rope, b, q.u.mla.rope))
		return 0;
	if (p.type == PART_CSA && !same_rope(a, p.u.csa.rope, b, q.u.csa.rope))
		return 0;
	p.u.gqa.rope = p.type == PART_GQA ? q.u.gqa.rope : p.u.gqa.rope;
	switch ((enum part_type)p.type) {
	case PART_GQA: return !memcmp(&p.u.gqa, &q.u.gqa, sizeof p.u.gqa);
	case PART_MLA: p.u.mla.rope = q.u.mla.rope; return !memcmp(&p.u.mla, &q.u.mla, sizeof p.u.mla);
	case PART_CSA: p.u.csa.rope = q.u.csa.rope; return !memcmp(&p.u.csa, &q.u.csa, sizeof p.u.csa);
	case PART_DELTA: return !memcmp(&p.u.delta, &q.u.delta, sizeof p.u.delta);
	case PART_MAMBA2: return !memcmp(&p.u.mamba2, &q.u.mamba2, sizeof p.u.mamba2);
	case PART_CONV: return !memcmp(&p.u.conv, &q.u.conv, sizeof p.u.conv);
	case PART_MLP: return !memcmp(&p.u.mlp, &q.u.mlp, sizeof p.u.mlp);
	case PART_MOE: return !memcmp(&p.u.moe, &q.u.moe, sizeof p.u.moe);
	case PART_TYPES: break;
	}
	return 0;
}

static int same_layer(const struct model_spec *a, unsigned x, const struct model_spec *b, unsigned y)
{
	const struct layer_kind *k = &a->kinds[x], *l = &b->kinds[y];

	if (k->n_branches != l->n_branches || k->extra_norms != l->extra_norms || k->extra_scalars != l->extra_scalars)
		return 0;
	for (unsigned i = 0; i < k->n_branches; i++) {
		if (k->branch[i].n_parts != l->branch[i].n_parts || k->branch[i].norm != l->branch[i].norm)
			return 0;
		for (unsigned p = 0; p < k->branch[i].n_parts; p++)
			if (!same_part(a, &a->parts[k->branch[i].part[p]], b, &b->parts[l->branch[i].part[p]]))
				return 0;
	}
	return 1;
}

/* NULL, or what differs. */
static const char *differs(const struct model_spec *a, const struct model_spec *b)
{
	if (a->n_layers != b->n_layers || a->width != b->width || a->vocab != b->vocab || strcmp(a->architecture, b->architecture))
		return "the model";
	if (a->context_native != b->context_native || a->context_max != b->context_max)
		return "context";
	if (a->tied_head != b->tied_head || a->norm_type != b->norm_type || a->embed_scale != b->embed_scale || a->residual_streams != b->residual_streams ||
	    a->residual_block != b->residual_block || a->per_layer_embed != b->per_layer_embed || a->per_layer_vocab != b->per_layer_vocab ||
	    a->learned_positions != b->learned_positions || a->embed_norm != b->embed_norm || a->head_bias != b->head_bias || a->no_final_norm != b->no_final_norm)
		return "the ends";
	if (memcmp(&a->norm_eps, &b->norm_eps, sizeof a->norm_eps) || memcmp(&a->final_softcap, &b->final_softcap, sizeof a->final_softcap) ||
	    memcmp(&a->embed_factor, &b->embed_factor, sizeof a->embed_factor))
		return "a number with a point";
	for (uint32_t i = 0; i < a->n_layers; i++)
		if (!same_layer(a, a->kind_of[i], b, b->kind_of[i]))
			return "a layer";
	if (a->mtp.layers != b->mtp.layers || a->mtp.stored != b->mtp.stored || a->mtp.norms != b->mtp.norms || a->mtp.extra != b->mtp.extra ||
	    a->mtp.own_embed != b->mtp.own_embed || a->mtp.own_head != b->mtp.own_head || a->mtp.no_proj != b->mtp.no_proj ||
	    (a->mtp.layers && !same_layer(a, a->mtp.kind, b, b->mtp.kind)))
		return "MTP";
	if (a->n_encoders != b->n_encoders || a->gguf_mtp != b->gguf_mtp || strcmp(a->native_format, b->native_format) || !a->native_keep != !b->native_keep)
		return "the release";
	for (unsigned i = 0; i < a->n_encoders; i++)
		if (a->encoders[i].params != b->encoders[i].params || a->encoders[i].component != b->encoders[i].component || a->encoders[i].image_tokens != b->encoders[i].image_tokens)
			return "an encoder";
	return NULL;
}

static void round_trip(const struct model_entry *e, const struct quants *q)
{
	struct model_draft d = { .m = e->spec, .id = e->id, .name = e->name, .what = "a \"quoted\" what: \\ and #", .where = "some\tplace", .confidence = "primary" };
	struct model_entry got;
	struct counts a, b;
	struct ydoc y;
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	int rc = f ? model_write(f, &d, &err) : E_NOMEM;

	if (f)
		fclose(f);
	if (!ok(rc == OK, "%s: written", e->id))
		goto out;
	if (!ok(yaml_parse(&y, &arena, "draft", text, n, &err) == OK && model_entry_read(&got, &arena, &y, &err) == OK, "%s: read again", e->id)) {
		printf("# %s\n", err.text);
		goto out;
	}
	const char *what = differs(e->spec, got.spec);
	ok(!what, "%s: the same model%s%s", e->id, what ? ", but for " : "", what ? what : "");
	ok(inventory_counts(&a, e->spec, q, &err) == OK && inventory_counts(&b, got.spec, q, &err) == OK && a.total == b.total && a.active == b.active && a.mtp == b.mtp,
		"%s: the same sums", e->id);
out:
	free(text);
	arena_reset(&arena);
}

static void ids(void)
{
	static const char *const cases[][2] = { { "Qwen3 30B-A3B", "qwen3-30b-a3b" }, { "_Llama 3.3__70B!", "llama-3.3-70b" }, { "...", "" }, { "Phi, the \"odd\" one", "phi-the-odd-one" } };
	char buf[64];

	for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
		ok(!strcmp(model_write_id(buf, sizeof buf, cases[i][0]), cases[i][1]), "id of '%s': %s", cases[i][0], buf);
	ok(strlen(model_write_id(buf, sizeof buf, "a very long name that goes on and on, far beyond what an identifier may have")) <= 60, "an id is at most 60 bytes");
}

int main(void)
{
	struct catalog *c;
	unsigned n;

	if (catalog_open(&c, "build/ullage", &err) != OK || catalog_read_models(c, NULL, NULL, NULL, &err) != OK) {
		printf("1..0 # SKIP no catalogue: %s\n", err.text);
		return 0;
	}
	const struct model_entry *all = catalog_models(c, &n);
	for (unsigned i = 0; i < n; i++)
		if (all[i].spec && !all[i].same_shapes_as)
			round_trip(&all[i], catalog_quants(c));
	ids();
	catalog_close(c);
	arena_free(&arena);
	return done_testing();
}
