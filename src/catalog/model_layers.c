/* model_layers.c - model:, rope:, kinds:, layers:, mtp: and encoders: of a catalogue entry */
#include "catalog/model_read.h"

#include <string.h>

/* embed_scale: sqrt_width, or a number */
static void read_embed_scale(struct model_read *r, struct ynode *n)
{
	struct ynode *c = mr_get(r, n, "embed_scale");

	if (!c || r->rc != OK)
		return;
	r->m->embed_scale = 1;
	if (c->kind == YAML_SCALAR && !strcmp(c->text, "sqrt_width"))
		return;
	r->rc = yaml_f64(&r->m->embed_factor, r->d, n, "embed_scale", YAML_NEED, r->err);
	if (r->rc == OK && !(r->m->embed_factor > 0))
		mr_fail(r, c, "embed_scale: %g must be positive, or sqrt_width", r->m->embed_factor);
}

void mr_model(struct model_read *r, struct ynode *root)
{
	struct ynode *n = mr_map(r, root, "model");
	struct model_spec *m = r->m;
	unsigned mark;

	if (!n) {
		mr_fail(r, root, "model is missing beside parts, kinds or layers");
		return;
	}
	mark = mr_open(r, n);
	(void)mr_source(r, n);
	m->architecture = "unknown";
	m->residual_streams = 1;
	mr_str(r, &m->architecture, n, "architecture", YAML_OPTIONAL);
	mr_u32(r, &m->width, n, "width", 1, YAML_NEED);
	mr_u32(r, &m->vocab, n, "vocab", 1, YAML_NEED);
	mr_bool(r, &m->tied_head, n, "tied_head");
	if (r->rc == OK && !yaml_get(n, "tied_head"))
		mr_fail(r, n, "tied_head is missing");
	mr_enum(r, &m->norm_type, n, "norm", norm_type_names, YAML_NEED);
	mr_f32(r, &m->norm_eps, n, "norm_eps");
	read_embed_scale(r, n);
	mr_f32(r, &m->final_softcap, n, "final_softcap");
	mr_u32(r, &m->residual_streams, n, "residual_streams", 1, YAML_OPTIONAL);
	mr_u32(r, &m->residual_block, n, "residual_block", 0, YAML_OPTIONAL);
	mr_u32(r, &m->per_layer_embed, n, "per_layer_embed", 0, YAML_OPTIONAL);
	mr_u32(r, &m->per_layer_vocab, n, "per_layer_vocab", 0, YAML_OPTIONAL);
	mr_bool(r, &m->learned_positions, n, "learned_positions");
	mr_bool(r, &m->embed_norm, n, "embed_norm");
	mr_bool(r, &m->head_bias, n, "head_bias");
	mr_bool(r, &m->no_final_norm, n, "no_final_norm");
	mr_close(r, n, mark);
}

static void read_scaling(struct model_read *r, struct rope *p, struct ynode *rope)
{
	struct ynode *n = mr_map(r, rope, "scaling");
	unsigned mark;

	if (!n)
		return;
	mark = mr_open(r, n);
	mr_enum(r, &p->scaling, n, "type", rope_scaling_names, YAML_NEED);
	mr_f64_or_unknown(r, &p->factor, n, "factor");
	mr_u32_or_unknown(r, &p->original, n, "original");
	mr_close(r, n, mark);
}

void mr_ropes(struct model_read *r, struct ynode *root)
{
	struct ynode *s = mr_map(r, root, "rope");
	struct rope *list;

	if (!s)
		return;
	if (s->n > MAX_ROPES)
		mr_fail(r, s, "rope: %u entries, at most %d", s->n, (int)MAX_ROPES);
	if (!(list = mr_alloc(r, s->n, sizeof *list)))
		return;
	r->m->rope = list;
	for (struct ynode *c = s->child; c && r->rc == OK; c = c->next) {
		struct rope *p = &list[r->m->n_rope++];
		unsigned mark = mr_open(r, c);

		c->used = 1;
		p->name = c->key;
		if (!strcmp(c->key, "none"))
			mr_fail(r, c, "rope: 'none' is what a part says that has no positions");
		(void)mr_source(r, c);
		mr_f64_or_unknown(r, &p->theta, c, "theta");
		mr_u32_or_unknown(r, &p->dims, c, "dims");
		read_scaling(r, p, c);
		mr_close(r, c, mark);
	}
}

/* [part, part] */
static void read_branch(struct model_read *r, struct branch *b, struct ynode *n, const char *kind, uint8_t norm)
{
	const char *names[MAX_PARTS];

	if (r->rc == OK)
		r->rc = yaml_want(r->d, n, YAML_SEQ, r->err);
	if (r->rc != OK)
		return;
	if (n->n < 1 || n->n > 3) {
		mr_fail(r, n, "kind %s: a branch of %u parts, want 1 to 3", kind, n->n);
		return;
	}
	for (unsigned i = 0; i < r->m->n_parts; i++)
		names[i] = r->m->parts[i].name;
	b->norm = norm;
	for (struct ynode *c = n->child; c && r->rc == OK; c = c->next) {
		int i;

		if ((r->rc = yaml_want(r->d, c, YAML_SCALAR, r->err)) != OK)
			return;
		if ((i = mr_find(r, c, c->text, names, r->m->n_parts, "kinds: no such part under parts:")) < 0)
			return;
		r->part_used[i] = 1;
		b->part[b->n_parts++] = (uint16_t)i;
	}
}

/* [[part], [part]], or {branches: [[part], [part]], norms: ..., extra_norms: N, extra_scalars: N}.
 * [] is a layer that does nothing. */
static void read_kind(struct model_read *r, struct layer_kind *k, struct ynode *n)
{
	struct ynode *branches = n;
	uint8_t norm = r->norms;
	unsigned mark;

	k->name = n->key;
	if (n->kind == YAML_MAP) {
		mark = mr_open(r, n);
		(void)mr_source(r, n);
		if (!(branches = mr_seq(r, n, "branches")))
			mr_fail(r, n, "kind %s: branches is missing", k->name);
		mr_enum(r, &norm, n, "norms", norm_at_names, YAML_OPTIONAL);
		mr_u8(r, &k->extra_norms, n, "extra_norms", 0, 16);
		mr_u8(r, &k->extra_scalars, n, "extra_scalars", 0, 16);
		mr_close(r, n, mark);
	} else if (r->rc == OK) {
		r->rc = yaml_want(r->d, n, YAML_SEQ, r->err);
	}
	if (r->rc != OK)
		return;
	if (branches->n > 3)
		mr_fail(r, branches, "kind %s: %u branches, at most 3", k->name, branches->n);
	for (struct ynode *c = branches->child; c && r->rc == OK; c = c->next)
		read_branch(r, &k->branch[k->n_branches++], c, k->name, norm);
}

void mr_kinds(struct model_read *r, struct ynode *root)
{
	struct ynode *s = mr_map(r, root, "kinds");
	struct layer_kind *list;

	if (!s || s->n == 0 || s->n > MAX_KINDS) {
		if (s)
			mr_fail(r, s, "kinds: %u layer kinds, want 1 to %d", s->n, (int)MAX_KINDS);
		mr_fail(r, root, "kinds is missing");
		return;
	}
	if (!(list = mr_alloc(r, s->n, sizeof *list)))
		return;
	r->m->kinds = list;
	for (struct ynode *c = s->child; c && r->rc == OK; c = c->next) {
		c->used = 1;
		read_kind(r, &list[r->m->n_kinds++], c);
	}
	for (unsigned i = 0; i < r->m->n_parts; i++)
		if (!r->part_used[i])
			mr_fail(r, r->part_nodes[i], "part %s is used by no kind", r->m->parts[i].name);
}

static int find_kind(struct model_read *r, struct ynode *at, const char *name, const char *what)
{
	const char *names[MAX_KINDS];

	for (unsigned i = 0; i < r->m->n_kinds; i++)
		names[i] = r->m->kinds[i].name;
	return mr_find(r, at, name, names, r->m->n_kinds, what);
}

/* One {repeat: N, of: [kind, ...]}: appends to kind_of, which has room for MAX_LAYERS. */
static void read_run(struct model_read *r, uint16_t *kind_of, struct ynode *n)
{
	unsigned mark = mr_open(r, n);
	uint32_t repeat = 0, first = r->m->n_layers;
	struct ynode *of;

	mr_u32(r, &repeat, n, "repeat", 1, YAML_NEED);
	of = mr_seq(r, n, "of");
	if (!of || of->n == 0)
		mr_fail(r, n, "of: want a list of layer kinds");
	mr_close(r, n, mark);
	if (r->rc != OK)
		return;
	if ((uint64_t)repeat * of->n > MAX_LAYERS - first) {
		mr_fail(r, n, "repeat %u of %u layers after %u others: more than %d layers", repeat, of->n, first, (int)MAX_LAYERS);
		return;
	}
	for (struct ynode *c = of->child; c; c = c->next) {
		int i;

		if ((r->rc = yaml_want(r->d, c, YAML_SCALAR, r->err)) != OK)
			return;
		if ((i = find_kind(r, c, c->text, "layers: no such kind under kinds:")) < 0)
			return;
		kind_of[r->m->n_layers++] = (uint16_t)i;
	}
	for (uint32_t i = of->n; i < repeat * of->n; i++)
		kind_of[r->m->n_layers++] = kind_of[first + i % of->n];
}

void mr_layers(struct model_read *r, struct ynode *root)
{
	struct ynode *s = mr_seq(r, root, "layers");
	uint16_t *kind_of;

	if (!s || s->n == 0) {
		if (s)
			mr_fail(r, s, "layers: want a list of {repeat, of}");
		mr_fail(r, root, "layers is missing");
		return;
	}
	if (!(kind_of = mr_alloc(r, MAX_LAYERS, sizeof *kind_of)))
		return;
	r->m->kind_of = kind_of;
	for (struct ynode *c = s->child; c && r->rc == OK; c = c->next)
		read_run(r, kind_of, c);
}

void mr_mtp(struct model_read *r, struct ynode *root)
{
	struct ynode *n = mr_map(r, root, "mtp");
	struct mtp *t = &r->m->mtp;
	const char *kind = NULL;
	unsigned mark;
	int i;

	if (!n)
		return;
	mark = mr_open(r, n);
	(void)mr_source(r, n);
	mr_u32(r, &t->layers, n, "layers", 1, YAML_NEED);
	if (t->layers > UINT8_MAX)
		mr_fail(r, n, "mtp: %u layers, at most %d", t->layers, UINT8_MAX);
	mr_str(r, &kind, n, "kind", YAML_NEED);
	if (r->rc == OK && (i = find_kind(r, n, kind, "mtp: no such kind under kinds:")) >= 0)
		t->kind = (uint16_t)i;
	mr_bool(r, &t->own_embed, n, "own_embed");
	mr_bool(r, &t->own_head, n, "own_head");
	t->stored = (uint8_t)t->layers;
	mr_u8(r, &t->stored, n, "stored", 0, UINT8_MAX);
	/* enorm, hnorm and the final norm of DeepSeek V3's block: Hugging Face deepseek-ai/DeepSeek-V3, README_WEIGHTS.md */
	t->norms = 3;
	mr_u8(r, &t->norms, n, "norms", 0, 16);
	mr_bool(r, &t->no_proj, n, "no_proj");
	mr_u64(r, &t->extra, n, "extra", 0, YAML_OPTIONAL);
	mr_close(r, n, mark);
}

void mr_encoders(struct model_read *r, struct ynode *root)
{
	struct ynode *s = mr_map(r, root, "encoders");
	struct encoder *list;

	if (!s)
		return;
	if (s->n > MAX_ENCODERS)
		mr_fail(r, s, "encoders: %u entries, at most %d", s->n, (int)MAX_ENCODERS);
	if (!(list = mr_alloc(r, s->n, sizeof *list)))
		return;
	r->m->encoders = list;
	for (struct ynode *c = s->child; c && r->rc == OK; c = c->next) {
		struct encoder *e = &list[r->m->n_encoders++];
		unsigned mark = mr_open(r, c);

		c->used = 1;
		e->name = c->key;
		e->type = "unknown";
		e->component = !strcmp(c->key, "vision") ? COMP_VISION : COMP_AUDIO;
		if (strcmp(c->key, "vision") && strcmp(c->key, "audio"))
			mr_fail(r, c, "encoders: '%s' is neither vision nor audio", c->key);
		e->source = mr_source(r, c);
		mr_str(r, &e->type, c, "type", YAML_OPTIONAL);
		mr_str(r, &e->format, c, "format", YAML_OPTIONAL);
		mr_u64(r, &e->params, c, "params", 1, YAML_NEED);
		mr_u32_or_unknown(r, &e->image_tokens, c, "image_tokens");
		mr_close(r, c, mark);
	}
}
