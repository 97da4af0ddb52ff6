/* inventory.c - the walk over a model's tensors, merged into runs, and parameter counts */
#include "calc/inventory.h"

#include "base/units.h"
#include "calc/packing.h"
#include "calc/part_tensors.h"
#include "calc/recipe.h"

#include <string.h>

unsigned layer_count(const struct layer_set *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < 8; i++)
		if (s->bit[i])               /* few models have more than 64 layers, and counting is a call without -mpopcnt */
			n += (unsigned)__builtin_popcountll(s->bit[i]);
	return n;
}

unsigned layer_next(const struct layer_set *s, unsigned after)
{
	unsigned i = after + 1;

	for (unsigned w = i / 64; w < 8; w++) {
		uint64_t bits = s->bit[w] & (w == i / 64 ? UINT64_MAX << (i % 64) : UINT64_MAX);
		if (bits)
			return w * 64 + (unsigned)__builtin_ctzll(bits);
	}
	return MAX_LAYERS;
}

unsigned layer_first(const struct layer_set *s)
{
	return layer_in(s, 0) ? 0 : layer_next(s, 0);
}

struct walk {
	const struct inventory *inv;
	struct packing_traits traits;
	struct recipe_state rules;
	uint16_t plain;                  /* format when there is no recipe */
	tensor_fn *emit;
	void *user;
	struct error *err;
};

static struct tensor of_shape(const struct walk *w, const struct shape_of *s, uint8_t component)
{
	return (struct tensor){
		.role = s->role, .id = s->id, .component = component, .cut = s->cut, .count = s->count,
		.use = component == COMP_MTP ? USE_DRAFT : component > COMP_MTP ? USE_MEDIA : s->use,
		.cut_pieces = (uint16_t)(s->cut_pieces > UINT16_MAX ? UINT16_MAX : s->cut_pieces),
		.ne = { s->ne[0], s->ne[1], s->ne[2] }, .format = w->plain,
	};
}

/* Gives each shape its format and hands it on. layer -1: the model's own. */
static int emit_shapes(struct walk *w, const struct shape_list *l, int layer, uint8_t component)
{
	for (unsigned i = 0; i < l->n; i++) {
		struct tensor t = of_shape(w, &l->s[i], component);
		int rc;

		if (layer >= 0)
			layer_add(&t.layers, (unsigned)layer);
		if (w->inv->recipe && (rc = recipe_format(&t.format, &w->rules, &t, layer, w->err)) != OK)
			return rc;
		if ((rc = w->emit(w->user, &t, w->err)) != OK)
			return rc;
	}
	return OK;
}

/* Encoders are known by a bare count: one vector in the format their weights are kept in. */
static int emit_encoders(struct walk *w)
{
	const struct model_spec *m = w->inv->model;

	for (unsigned i = 0; i < m->n_encoders; i++) {
		struct shape_list l = { .n = 0 };
		int rc;

		if (!m->encoders[i].params)
			continue;
		l.s[l.n++] = (struct shape_of){ ROLE_ENCODER, USE_MEDIA, CUT_NONE, 1, 1, { m->encoders[i].params, 1, 1 }, W_ENCODER };
		if ((rc = emit_shapes(w, &l, -1, m->encoders[i].component)) != OK)
			return rc;
	}
	return OK;
}

static int emit_layers(struct walk *w)
{
	const struct model_spec *m = w->inv->model;
	struct shape_list l;
	int rc;

	for (unsigned i = 0; i < m->n_layers; i++) {
		l.n = 0;
		kind_tensors(&l, m, &m->kinds[m->kind_of[i]], &w->traits);
		if ((rc = emit_shapes(w, &l, (int)i, COMP_TEXT)) != OK)
			return rc;
	}
	return OK;
}

/* One shape of all layers of a kind: a record for each format that it gets somewhere. The rules are asked once for each place
 * that they can tell apart. */
static int emit_run(struct walk *w, const struct shape_of *s, const struct layer_set *of_kind)
{
	const struct model_spec *m = w->inv->model;
	struct tensor t = of_shape(w, s, COMP_TEXT);
	struct { uint16_t format; struct layer_set layers; } by_place[PLACES];
	uint8_t seen[PLACES] = { 0 }, order[PLACES];
	unsigned n = 0;
	int rc;

	if (!w->inv->recipe || !recipe_counts(s->role)) {
		t.layers = *of_kind;
		if (w->inv->recipe && (rc = recipe_format(&t.format, &w->rules, &t, (int)layer_first(of_kind), w->err)) != OK)
			return rc;
		return w->emit(w->user, &t, w->err);
	}
	for (unsigned i = layer_first(of_kind); i < m->n_layers; i = layer_next(of_kind, i)) {
		unsigned place = recipe_place(&w->rules, s->role, (int)i);
		if (!seen[place]) {
			seen[place] = 1;
			order[n++] = (uint8_t)place;
			by_place[place].layers = (struct layer_set){ { 0 } };
			if ((rc = recipe_format(&by_place[place].format, &w->rules, &t, (int)i, w->err)) != OK)
				return rc;
		}
		layer_add(&by_place[place].layers, i);
	}
	for (unsigned k = 0; k < n; k++) {
		t.format = by_place[order[k]].format;
		t.layers = by_place[order[k]].layers;
		if ((rc = w->emit(w->user, &t, w->err)) != OK)
			return rc;
	}
	return OK;
}

/* The same tensors as emit_layers(), kind by kind. */
static int emit_kinds(struct walk *w)
{
	const struct model_spec *m = w->inv->model;
	struct layer_set of_kind[MAX_KINDS] = { { { 0 } } };
	struct shape_list l;
	int rc;

	for (uint32_t i = 0; i < m->n_layers; i++)
		layer_add(&of_kind[m->kind_of[i]], i);
	for (unsigned k = 0; k < m->n_kinds; k++) {
		if (!layer_count(&of_kind[k]))
			continue;
		l.n = 0;
		kind_tensors(&l, m, &m->kinds[k], &w->traits);
		for (unsigned i = 0; i < l.n; i++)
			if ((rc = emit_run(w, &l.s[i], &of_kind[k])) != OK)
				return rc;
	}
	return OK;
}

static int walk_all(struct walk *w, int by_kind)
{
	const struct model_spec *m = w->inv->model;
	struct shape_list l = { .n = 0 };
	unsigned blocks = m->mtp.stored ? m->mtp.stored : m->mtp.layers;
	int rc;

	model_head_tensors(&l, m, &w->traits);
	if ((rc = emit_shapes(w, &l, -1, COMP_TEXT)) != OK || (rc = by_kind ? emit_kinds(w) : emit_layers(w)) != OK)
		return rc;
	for (unsigned i = 0; w->inv->with_mtp && i < blocks && m->n_layers + i < MAX_LAYERS; i++) {
		l.n = 0;
		mtp_tensors(&l, m);
		kind_tensors(&l, m, &m->kinds[m->mtp.kind], &w->traits);
		if ((rc = emit_shapes(w, &l, (int)(m->n_layers + i), COMP_MTP)) != OK)
			return rc;
	}
	l.n = 0;
	model_tail_tensors(&l, m, &w->traits);
	if ((rc = emit_shapes(w, &l, -1, COMP_TEXT)) != OK)
		return rc;
	return w->inv->with_encoders ? emit_encoders(w) : OK;
}

static int walk(const struct inventory *inv, int by_kind, tensor_fn *emit, void *user, struct error *err)
{
	struct walk w = { .inv = inv, .emit = emit, .user = user, .err = err };
	int rc;

	w.traits = packing_for(inv->recipe ? (enum packing)inv->recipe->packing : PACK_HF, inv->model->architecture);
	w.plain = format_find(inv->quants, "bf16");
	if (inv->recipe && (rc = recipe_begin(&w.rules, inv->model, inv->quants, inv->recipe, inv->imatrix, err)) != OK)
		return rc;
	return walk_all(&w, by_kind);
}

int inventory_walk_layers(const struct inventory *inv, tensor_fn *emit, void *user, struct error *err)
{
	return walk(inv, 0, emit, user, err);
}

int inventory_walk_kinds(const struct inventory *inv, tensor_fn *emit, void *user, struct error *err)
{
	return walk(inv, 1, emit, user, err);
}

/* Merging. Layers repeat their tensors in order, so the match is nearly always the record after the last one. A second tensor of
 * one shape in the same layer (its other norm) has a run of its own. */
enum { MAX_RUNS = 640 };
struct runs { struct tensor t[MAX_RUNS]; unsigned n, last; };

static int same_run(const struct tensor *a, const struct tensor *b)
{
	return a->role == b->role && a->component == b->component && a->use == b->use && a->cut == b->cut && a->scales == b->scales &&
	       a->cut_pieces == b->cut_pieces && a->format == b->format && a->ne[0] == b->ne[0] && a->ne[1] == b->ne[1] && a->ne[2] == b->ne[2];
}
static int layers_empty(const struct layer_set *s)
{
	uint64_t any = 0;

	for (unsigned i = 0; i < 8; i++)
		any |= s->bit[i];
	return any == 0;
}
static int layers_overlap(const struct layer_set *a, const struct layer_set *b)
{
	uint64_t any = 0;

	for (unsigned i = 0; i < 8; i++)
		any |= a->bit[i] & b->bit[i];
	return any != 0;
}

static int merge(void *user, const struct tensor *t, struct error *err)
{
	struct runs *r = user;
	int whole = layers_empty(&t->layers);

	for (unsigned k = 0; k < r->n; k++) {
		struct tensor *run = &r->t[(r->last + 1 + k) % r->n];
		if (!same_run(run, t) || layers_empty(&run->layers) != whole || layers_overlap(&run->layers, &t->layers))
			continue;
		if (whole)
			run->count += t->count;
		for (unsigned j = 0; j < 8; j++)
			run->layers.bit[j] |= t->layers.bit[j];
		r->last = (unsigned)(run - r->t);
		return OK;
	}
	if (r->n == MAX_RUNS)
		return error_set(err, E_FORMAT, "more than %d kinds of tensors in one model", MAX_RUNS);
	r->t[r->n] = *t;
	r->last = r->n++;
	return OK;
}

int inventory_walk(const struct inventory *inv, tensor_fn *emit, void *user, struct error *err)
{
	struct runs r;
	int rc;

	r.n = r.last = 0;
	if ((rc = walk(inv, 1, merge, &r, err)) != OK)
		return rc;
	for (unsigned i = 0; i < r.n; i++)
		if ((rc = emit(user, &r.t[i], err)) != OK)
			return rc;
	return OK;
}

static uint64_t tensor_copies(const struct tensor *t)
{
	unsigned layers = layer_count(&t->layers);

	return (uint64_t)t->count * (layers ? layers : 1);
}

int tensor_elements(uint64_t *out, const struct tensor *t)
{
	uint64_t n;

	return u64_mul(&n, t->ne[0], t->ne[1]) || u64_mul(&n, n, t->ne[2]) || u64_mul(out, n, tensor_copies(t)) ? -1 : 0;
}

int tensor_run_bytes(uint64_t *out, const struct tensor *t, const struct quants *q, struct error *err)
{
	uint64_t one;
	int rc = tensor_bytes(&one, &q->formats[t->format], t->ne, err);

	if (rc != OK)
		return rc;
	if (u64_mul(out, one, tensor_copies(t)))
		return error_set(err, E_FORMAT, "%s: %llu tensors of %llu bytes overflow 64 bits", role_names[t->role],
				 (unsigned long long)tensor_copies(t), (unsigned long long)one);
	return OK;
}

/* Routed experts count per token by the share chosen; each moe part has its own, so sum over parts. */
static int count_active(uint64_t *active, const struct model_spec *m, const struct tensor *t, uint64_t elements)
{
	unsigned layer = layer_first(&t->layers);

	const struct layer_kind *k = &m->kinds[m->kind_of[layer < m->n_layers ? layer : 0]];
	for (unsigned b = 0; b < k->n_branches; b++)
		for (unsigned p = 0; p < k->branch[b].n_parts; p++) {
			const struct part *part = &m->parts[k->branch[b].part[p]];
			if (part->type == PART_MOE && part->u.moe.experts)
				return u64_mac(active, elements / part->u.moe.experts, part->u.moe.per_token);
		}
	return u64_add(active, *active, elements);
}

struct counting { struct counts *c; const struct model_spec *m; };

static int count_one(void *user, const struct tensor *t, struct error *err)
{
	struct counting *u = user;
	struct counts *c = u->c;
	uint64_t n;
	int bad = tensor_elements(&n, t);

	if (t->role == ROLE_ROPE_FACTORS || t->role == ROLE_ROUTER_HASH || t->scales)
		return OK;                       /* rope factors and the hash table are not learnt; scales belong to a format */
	switch ((enum component)t->component) {
	case COMP_TEXT: bad |= u64_add(&c->text, c->text, n); break;
	case COMP_MTP: bad |= u64_add(&c->mtp, c->mtp, n); return bad ? error_set(err, E_FORMAT, "parameter count overflows") : OK;
	case COMP_VISION: bad |= u64_add(&c->vision, c->vision, n); break;
	case COMP_AUDIO: bad |= u64_add(&c->audio, c->audio, n); break;
	case COMPONENTS: break;
	}
	bad |= u64_add(&c->total, c->total, n);
	if (t->component == COMP_TEXT) {
		if (t->role == ROLE_EMBED || t->role == ROLE_PLE_EMBED || t->role == ROLE_POSITION)
			bad |= u64_add(&c->embed, c->embed, n);
		if (t->use == USE_ROUTED) {
			bad |= u64_add(&c->routed, c->routed, n);
			bad |= count_active(&c->routed_active, u->m, t, n);
		} else if (t->use == USE_EVERY_TOKEN) {
			bad |= u64_add(&c->active, c->active, n);
		}
	}
	return bad ? error_set(err, E_FORMAT, "%s: parameter count overflows 64 bits", u->m->id ? u->m->id : "model") : OK;
}

int inventory_counts(struct counts *out, const struct model_spec *m, const struct quants *q, struct error *err)
{
	struct inventory inv = { .model = m, .quants = q, .with_mtp = 1, .with_encoders = 1 };
	struct counting u = { out, m };
	int rc;

	*out = (struct counts){ 0 };
	if ((rc = inventory_walk_kinds(&inv, count_one, &u, err)) != OK)
		return rc;
	return u64_add(&out->active, out->active, out->routed_active) ? error_set(err, E_FORMAT, "parameter count overflows") : OK;
}
