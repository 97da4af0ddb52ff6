/* quant_yaml.c - data/quants.yaml: its top level, the formats, the ladder
 *
 * Top level: schema, sources, formats, role_groups, rule_sets, recipes, ladder. Rules of a set are copied into the recipes that
 * `use` it, so that applying a recipe is one loop over one list. */
#include "catalog/quant_read.h"

#include <string.h>

enum { AS_RELEASED = NO_FORMAT };

int quant_no_memory(struct quant_reader *r)
{
	return error_set(r->err, E_NOMEM, "%s: out of memory", r->doc.file);
}

int quant_read_source(const char **out, struct quant_reader *r, struct ynode *n)
{
	const char *key = NULL;
	struct ynode *s;
	int rc;

	if ((rc = yaml_str(&key, &r->doc, n, "source", YAML_NEED, r->err)) != OK)
		return rc;
	if (!(s = yaml_get(r->sources, key)) || !s->text)
		return yaml_fail(&r->doc, n, r->err, "source: %s is not under sources", key);
	*out = s->text;
	return OK;
}

/* math: {default: bf16, sm_89: fp8} */
static int read_math(struct format *f, struct quant_reader *r, struct ynode *n)
{
	struct ynode *m = yaml_get(n, "math");
	int rc;

	if (!m)
		return yaml_fail(&r->doc, n, r->err, "%s: math is missing", f->id);
	if ((rc = yaml_want(&r->doc, m, YAML_MAP, r->err)) != OK)
		return rc;
	if ((rc = yaml_enum(&f->math_default, &r->doc, m, "default", math_names, YAML_NEED, r->err)) != OK)
		return rc;
	for (struct ynode *c = m->child; c; c = c->next) {
		unsigned cc = 0;

		if (!strcmp(c->key, "default"))
			continue;
		if (strncmp(c->key, "sm_", 3) || strlen(c->key) < 5 || strlen(c->key) > 6 ||
			strspn(c->key + 3, "0123456789") != strlen(c->key + 3))
			return yaml_fail(&r->doc, c, r->err, "math: %s: want default or sm_NN", c->key);
		for (const char *p = c->key + 3; *p; p++)
			cc = cc * 10 + (unsigned)(*p - '0');
		if (f->n_math == MAX_MATH_RULES)
			return yaml_fail(&r->doc, c, r->err, "math: more than %d architectures", MAX_MATH_RULES);
		f->math[f->n_math].arch = c->key;
		f->math[f->n_math].capability = (uint16_t)cc;
		if ((rc = yaml_enum(&f->math[f->n_math].math, &r->doc, m, c->key, math_names, YAML_NEED, r->err)) != OK)
			return rc;
		f->n_math++;
	}
	return yaml_finish(&r->doc, m, r->err);
}

/* scales: [{tile: [128, 128], bytes: 4}] and zeros: [{tile: [128, 1], bits: 4}] */
static int read_tile(uint32_t tile[2], uint32_t *amount, const char *unit, struct quant_reader *r, struct ynode *n)
{
	struct ynode *t;
	uint64_t v;
	int rc;

	if ((rc = yaml_want(&r->doc, n, YAML_MAP, r->err)) != OK)
		return rc;
	if (!(t = yaml_get(n, "tile")))
		return yaml_fail(&r->doc, n, r->err, "tile is missing");
	if ((rc = yaml_want(&r->doc, t, YAML_SEQ, r->err)) != OK)
		return rc;
	if (t->n != 2)
		return yaml_fail(&r->doc, t, r->err, "tile: want [inputs, outputs]");
	for (unsigned i = 0; i < 2; i++) {
		const struct ynode *c = i ? t->child->next : t->child;

		if ((rc = yaml_node_u64(&v, &r->doc, c, 0, 1 << 20, r->err)) != OK)
			return rc;
		tile[i] = (uint32_t)v;
	}
	yaml_use_all(t);
	if ((rc = yaml_u32(amount, &r->doc, n, unit, 1, 64, YAML_NEED, r->err)) != OK)
		return rc;
	return yaml_finish(&r->doc, n, r->err);
}

static int read_tiles(struct format *f, struct quant_reader *r, struct ynode *n)
{
	struct ynode *s = yaml_get(n, "scales"), *z = yaml_get(n, "zeros");
	uint32_t tile[2], amount;
	int rc;

	if (s && (rc = yaml_want(&r->doc, s, YAML_SEQ, r->err)) != OK)
		return rc;
	for (struct ynode *c = s ? s->child : NULL; c; c = c->next) {
		if (f->n_scales == MAX_SCALES)
			return yaml_fail(&r->doc, c, r->err, "scales: more than %d", MAX_SCALES);
		if ((rc = read_tile(tile, &amount, "bytes", r, c)) != OK)
			return rc;
		f->scale[f->n_scales].tile0 = tile[0];
		f->scale[f->n_scales].tile1 = tile[1];
		f->scale[f->n_scales++].bytes = amount;
	}
	if (!z)
		return OK;
	if ((rc = yaml_want(&r->doc, z, YAML_SEQ, r->err)) != OK)
		return rc;
	if (z->n != 1)
		return yaml_fail(&r->doc, z, r->err, "zeros: want one tile");
	if ((rc = read_tile(tile, &amount, "bits", r, z->child)) != OK)
		return rc;
	if (!tile[0] || tile[1] != 1)
		return yaml_fail(&r->doc, z, r->err, "zeros: want a tile of [inputs, 1]");
	f->zero_tile0 = tile[0];
	f->zero_bits = amount;
	return OK;
}

static int read_format(struct format *f, struct quant_reader *r, struct ynode *n)
{
	uint64_t type = UINT64_MAX;
	int rc;

	f->id = f->name = n->key;
	f->ggml_type = -1;
	if ((rc = yaml_want(&r->doc, n, YAML_MAP, r->err)) != OK ||
		(rc = yaml_str(&f->name, &r->doc, n, "name", YAML_OPTIONAL, r->err)) != OK ||
		(rc = yaml_u32(&f->block, &r->doc, n, "block", 1, 1 << 16, YAML_OPTIONAL, r->err)) != OK ||
		(rc = yaml_u32(&f->bytes, &r->doc, n, "bytes", 1, 1 << 16, YAML_OPTIONAL, r->err)) != OK ||
		(rc = yaml_u32(&f->bits, &r->doc, n, "bits", 1, 64, YAML_OPTIONAL, r->err)) != OK ||
		(rc = yaml_u32(&f->per_tensor_bytes, &r->doc, n, "per_tensor_bytes", 1, 1 << 16, YAML_OPTIONAL, r->err)) != OK ||
		(rc = yaml_u64(&type, &r->doc, n, "ggml_type", 0, 1023, YAML_OPTIONAL, r->err)) != OK ||
		(rc = yaml_str(&f->safetensors, &r->doc, n, "safetensors", YAML_OPTIONAL, r->err)) != OK ||
		(rc = yaml_str(&f->quality, &r->doc, n, "quality", YAML_OPTIONAL, r->err)) != OK ||
		(rc = read_tiles(f, r, n)) != OK || (rc = read_math(f, r, n)) != OK || (rc = quant_read_source(&f->source, r, n)) != OK)
		return rc;
	if (type != UINT64_MAX)
		f->ggml_type = (int32_t)type;
	if (!f->block != !f->bytes || !f->block == !f->bits)
		return yaml_fail(&r->doc, n, r->err, "%s: want either block and bytes, or bits", f->id);
	if (f->block && (f->n_scales || f->zero_tile0 || f->per_tensor_bytes))
		return yaml_fail(&r->doc, n, r->err, "%s: a block holds its scales; scales are for formats with bits", f->id);
	return yaml_finish(&r->doc, n, r->err);
}

static int read_formats(struct quant_reader *r, struct ynode *top)
{
	struct ynode *n = yaml_get(top, "formats");
	struct format *f;
	int rc;

	if (!n)
		return yaml_fail(&r->doc, top, r->err, "formats is missing");
	if ((rc = yaml_want(&r->doc, n, YAML_MAP, r->err)) != OK)
		return rc;
	if (n->n >= NO_FORMAT)
		return yaml_fail(&r->doc, n, r->err, "formats: more than %d", NO_FORMAT - 1);
	if (!(f = arena_array(r->arena, n->n + 1, sizeof *f)))
		return quant_no_memory(r);
	r->q->formats = f;
	for (struct ynode *c = n->child; c; c = c->next) {
		if ((rc = read_format(f, r, c)) != OK)
			return rc;
		if (format_find(r->q, f->id) != NO_FORMAT || format_find(r->q, f->name) != NO_FORMAT ||
			(f->ggml_type >= 0 && format_by_ggml(r->q, (uint32_t)f->ggml_type) != NO_FORMAT))
			return yaml_fail(&r->doc, c, r->err, "%s: another format has this id, name or ggml_type", f->id);
		f++;
		r->q->n_formats++;
	}
	return OK;
}

static int read_ladder(struct quant_reader *r, struct ynode *top)
{
	struct ynode *n = yaml_get(top, "ladder");
	uint16_t *out;
	int rc;

	if (!n)
		return OK;
	if ((rc = yaml_want(&r->doc, n, YAML_SEQ, r->err)) != OK)
		return rc;
	if (n->n > UINT8_MAX)
		return yaml_fail(&r->doc, n, r->err, "ladder: more than %d", UINT8_MAX);
	if (!(out = arena_array(r->arena, n->n + 1, sizeof *out)))
		return quant_no_memory(r);
	r->q->ladder = out;
	for (struct ynode *c = n->child; c; c = c->next) {
		uint16_t i = AS_RELEASED;

		if ((rc = yaml_want(&r->doc, c, YAML_SCALAR, r->err)) != OK)
			return rc;
		if (strcmp(c->text, "as_released")) {
			for (i = 0; i < r->q->n_recipes && strcmp(r->q->recipes[i].id, c->text); i++)
				;
			if (i == r->q->n_recipes)
				return yaml_fail(&r->doc, c, r->err, "ladder: %s: no such recipe", c->text);
		}
		out[r->q->n_ladder++] = i;
	}
	return OK;
}

static int read_all(struct quant_reader *r)
{
	struct ynode *top = r->doc.root;
	uint64_t schema;
	int rc;

	if ((rc = yaml_want(&r->doc, top, YAML_MAP, r->err)) != OK ||
		(rc = yaml_u64(&schema, &r->doc, top, "schema", 1, 1, YAML_NEED, r->err)) != OK)
		return rc;
	r->sources = yaml_get(top, "sources");
	r->groups = yaml_get(top, "role_groups");
	r->sets = yaml_get(top, "rule_sets");
	if ((r->sources && (rc = yaml_want(&r->doc, r->sources, YAML_MAP, r->err)) != OK) ||
		(r->groups && (rc = yaml_want(&r->doc, r->groups, YAML_MAP, r->err)) != OK) ||
		(r->sets && (rc = yaml_want(&r->doc, r->sets, YAML_MAP, r->err)) != OK))
		return rc;
	if ((rc = read_formats(r, top)) != OK || (rc = quant_read_recipes(r, top)) != OK || (rc = read_ladder(r, top)) != OK)
		return rc;
	return yaml_finish(&r->doc, top, r->err);
}

int quants_parse(struct quants *out, struct arena *a, const char *file, const void *bytes, size_t n, struct error *err)
{
	struct quant_reader r = { .arena = a, .q = out, .err = err };
	int rc;

	*out = (struct quants){ .file = file };
	if ((rc = yaml_parse(&r.doc, a, file, bytes, n, err)) != OK)
		return rc;
	return read_all(&r);
}

int quants_load(struct quants *out, struct arena *a, const char *path, struct error *err)
{
	struct quant_reader r = { .arena = a, .q = out, .err = err };
	int rc;

	*out = (struct quants){ .file = path };
	if ((rc = yaml_load(&r.doc, a, path, err)) != OK)
		return rc;
	return read_all(&r);
}
