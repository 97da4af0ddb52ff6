/* weights_plan.c - what a model's tensors would be under a recipe: names, shapes, formats, where they lie. No memory for them is taken. */
#include "engine/weights_private.h"

#include "base/units.h"
#include "calc/inventory.h"

#include <stdlib.h>
#include <string.h>

struct plan {
	struct store *s;
	uint32_t cap;
	struct arena *a;
	const struct model_spec *m;
	const struct quants *q;
	uint64_t sum, at;
	const struct formats_of *of;             /* NULL: shapes and formats from one walk */
};
struct place { int32_t layer; uint16_t id, format; };
struct formats_of { struct place *p; uint32_t n, cap; };

static int compare(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return x->layer != y->layer ? (x->layer < y->layer ? -1 : 1) : (x->id > y->id) - (x->id < y->id);
}

static int layer_of(const struct tensor *t)
{
	unsigned l = layer_first(&t->layers);

	return l == MAX_LAYERS ? -1 : (int)l;
}

static int note_format(void *user, const struct tensor *t, struct error *err)
{
	struct formats_of *f = user;

	if (t->component != COMP_TEXT)
		return OK;
	if (f->n == f->cap) {
		uint32_t cap = f->cap ? 2 * f->cap : 1024;
		struct place *more = realloc(f->p, cap * sizeof *more);
		if (!more)
			return error_set(err, E_NOMEM, "out of memory");
		f->p = more;
		f->cap = cap;
	}
	f->p[f->n++] = (struct place){ layer_of(t), t->id, t->format };
	return OK;
}

static int note_tensor(void *user, const struct tensor *t, struct error *err)
{
	struct plan *p = user;
	struct place key = { layer_of(t), t->id, 0 }, *found;
	struct stored *to;
	uint64_t ne[3] = { t->ne[0], t->ne[1], t->ne[2] };
	int rc;

	if (t->component != COMP_TEXT)
		return OK;
	found = bsearch(&key, p->of->p, p->of->n, sizeof *found, compare);
	if (p->s->n == p->cap) {
		uint32_t cap = p->cap ? 2 * p->cap : 512;
		struct stored *more = arena_array(p->a, cap, sizeof *more);
		if (!more)
			return error_set(err, E_NOMEM, "out of memory");
		if (p->s->n)
			memcpy(more, p->s->t, p->s->n * sizeof *more);
		p->s->t = more;
		p->cap = cap;
	}
	to = &p->s->t[p->s->n];
	*to = (struct stored){ .id = t->id, .format = found ? found->format : t->format, .layer = key.layer, .ne = { ne[0], ne[1], ne[2], 1 } };
	if ((rc = tensor_bytes(&to->bytes, &p->q->formats[to->format], ne, err)) != OK)
		return rc;
	if (!(to->name = gguf_tensor_name(p->a, p->m, t->id, key.layer)))
		return error_set(err, E_NOMEM, "out of memory");
	gguf_tensor_shape(to->ne, p->m, t->id, key.layer);
	to->data = (const void *)(uintptr_t)p->at;
	p->s->n++;
	if (u64_add(&p->sum, p->sum, to->bytes) || u64_add(&p->at, p->at, u64_round_up(to->bytes, PLAN_ALIGN)) || p->at > INT64_MAX)
		return error_set(err, E_FORMAT, "%s: tensor sizes overflow 64 bits", p->m->id);
	return OK;
}

int weights_plan(struct store *out, uint64_t *sum, uint64_t *bytes, struct arena *a, const struct model_spec *m, const struct model_spec *whole,
	const struct recipe *r, const struct quants *q, struct error *err)
{
	struct formats_of of = { 0 };
	struct plan p = { .s = out, .a = a, .m = m, .q = q, .of = &of };
	struct inventory inv = { .model = whole, .quants = q, .recipe = r, .imatrix = r ? r->imatrix : 0 };
	int rc;

	*out = (struct store){ 0 };
	if ((rc = inventory_walk_layers(&inv, note_format, &of, err)) == OK) {
		if (of.n)
			qsort(of.p, of.n, sizeof *of.p, compare);
		inv.model = m;
		rc = inventory_walk_layers(&inv, note_tensor, &p, err);
	}
	free(of.p);
	*sum = p.sum;
	*bytes = p.at;
	return rc;
}
