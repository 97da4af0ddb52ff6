/* import_gguf_catalogue.c - every model of the catalogue, written as the header of a GGUF file and imported: the same model again
 *
 * Parameters and states of the catalogue are checked against published figures elsewhere (models_facts.c), so what comes back equal
 * is right for real files of the architecture, as far as their names and shapes are those of gguf_of_spec.h. */
#include "../tap.h"

#include "base/file.h"
#include "calc/inventory.h"
#include "calc/state.h"
#include "catalog/catalog.h"
#include "catalog/import_gguf.h"
#include "gguf_of_spec.h"

struct states { struct state_item s[64]; unsigned n; };

static int keep(void *user, const struct state_item *s, struct error *err)
{
	struct states *l = user;

	(void)err;
	if (l->n < sizeof l->s / sizeof *l->s)
		l->s[l->n] = *s;
	l->n++;
	return OK;
}
/* Order apart: parts are found in the order of the layers here, as written there. */
static int same_states(const struct states *a, const struct states *b)
{
	unsigned found = 0;

	for (unsigned i = 0; i < a->n; i++)
		for (unsigned k = 0; k < b->n; k++)
			found += a->s[i].role == b->s[k].role && a->s[i].type_rule == b->s[k].type_rule && a->s[i].growth == b->s[k].growth &&
				a->s[i].span == b->s[k].span && a->s[i].row == b->s[k].row &&
				a->s[i].rows == b->s[k].rows && a->s[i].read_entries == b->s[k].read_entries && a->s[i].cut_pieces == b->s[k].cut_pieces &&
				!memcmp(&a->s[i].layers, &b->s[k].layers, sizeof a->s[i].layers);
	return a->n == b->n && found == a->n;
}

/* What one model's import must keep. */
static void check(const struct model_spec *want, const struct quants *q, struct make *m, struct arena *a)
{
	struct states sw = { .n = 0 }, sg = { .n = 0 };
	struct counts cw, cg;
	struct model_spec got;
	struct error err = { 0 };
	struct gguf g;
	uint64_t elements = 0, padding = 0;

	make_init(m);
	gguf_of_spec(m, want);
	make_done(m);
	if (!ok(gguf_parse(&g, a, want->id, m->out.p, m->out.n, m->file_bytes, &make_types, NULL, &err) == OK &&
		import_gguf(&got, a, &g, &err) == OK, "%s (%s) imports", want->id, want->architecture)) {
		printf("# %s\n", err.text);
		return;
	}
	/* a table of look-ups is no parameter; GGUF stores the two vectors of a residual score as one */
	for (uint64_t i = 0; i < g.dir.n; i++)
		elements += strstr(g.dir.t[i].name, "tid2eid") ? 0 : strstr(g.dir.t[i].name, "res_score") ? 2 * g.dir.t[i].elements :
			g.dir.t[i].elements;
	if (!ok(inventory_counts(&cw, want, q, &err) == OK && inventory_counts(&cg, &got, q, &err) == OK, "%s: counted", want->id))
		return;
	is_u64(cg.total + cg.mtp, elements, "%s: every element of the file is in the description", want->id);
	for (uint32_t l = 0; l < want->n_layers; l++) {
		const struct part *d = part_of(want, l, PART_DELTA);
		padding += d && d->u.delta.a_log_elements ? d->u.delta.a_log_elements - d->u.delta.v_heads : 0;
	}
	is_u64(cg.text, cw.text - padding, "%s: parameters", want->id);
	is_u64(cg.routed_active, cw.routed_active, "%s: routed parameters a token", want->id);
	is_u64(cg.mtp, cw.mtp - want->mtp.extra * want->mtp.layers, "%s: parameters of MTP", want->id);
	ok(state_walk(want, 1, keep, &sw, &err) == OK && state_walk(&got, 1, keep, &sg, &err) == OK, "%s: states", want->id);
	/* llama.cpp keeps everything where these models need a window only, and the importer says so */
	if (strstr(" mistral-7b-instruct-v0.1 phi-3-mini-4k-instruct phi-3-medium-4k-instruct ", want->id)) {
		ok(got.n_warnings == 1 && strstr(got.warnings[0], "window"), "%s: the window is not used: %s", want->id, got.warnings[0]);
		return;
	}
	if (!ok(same_states(&sw, &sg), "%s: the same states", want->id))
		for (unsigned i = 0; i < sw.n || i < sg.n; i++)
			printf("# role %u %u, growth %u %u, span %u %u, row %u %u, rows %u %u, read %u %u, layers %u %u\n", sw.s[i].role, sg.s[i].role,
				sw.s[i].growth, sg.s[i].growth, sw.s[i].span, sg.s[i].span, sw.s[i].row, sg.s[i].row, sw.s[i].rows, sg.s[i].rows,
				sw.s[i].read_entries, sg.s[i].read_entries, layer_count(&sw.s[i].layers), layer_count(&sg.s[i].layers));
	ok(got.n_layers == want->n_layers && got.width == want->width && got.vocab == want->vocab && got.tied_head == want->tied_head &&
		got.context_native == want->context_native && got.norm_type == want->norm_type &&
			got.per_layer_embed == want->per_layer_embed &&
		got.residual_streams == (want->residual_streams ? want->residual_streams : 1), "%s: sizes", want->id);
	ok(got.n_warnings == 0, "%s: nothing to warn of%s%s", want->id, got.n_warnings ? ": " : "", got.n_warnings ?
		got.warnings[0] : "");
}

int main(void)
{
	struct catalog *c;
	struct make m = { 0 };
	struct error err = { 0 };
	const struct model_entry *list, *e;
	unsigned n, tried = 0;

	if (setenv("ULLAGE_DATA", ".", 0) || catalog_open(&c, NULL, &err) != OK) {
		printf("Bail out! %s\n", err.text);
		return 1;
	}
	list = catalog_models(c, &n);
	for (unsigned i = 0; i < n; i++) {
		struct arena a = { 0 };

		if (catalog_model(&e, c, list[i].id, &err) == OK && e->spec && strcmp(e->spec->architecture, "unknown") && !e->same_shapes_as) {
			check(e->spec, catalog_quants(c), &m, &a);
			tried++;
		}
		arena_free(&a);
	}
	ok(tried > 40, "%u models of the catalogue", tried);
	make_free(&m);
	catalog_close(c);
	return done_testing();
}
