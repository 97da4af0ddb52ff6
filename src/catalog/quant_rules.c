/* quant_rules.c - data/quants.yaml: recipes, their rules, aliases and fallbacks */
#include "catalog/quant_read.h"

#include "base/str.h"

#include <string.h>

enum { MAX_RULES = 256, MAX_SET_DEPTH = 4 };

static int find_name(uint8_t *out, const char *const *names, const char *text)
{
	for (uint8_t i = 0; names[i]; i++)
		if (!strcmp(names[i], text)) {
			*out = i;
			return OK;
		}
	return -1;
}

/* A format's id, or the recipe's own default under the name "default". */
static int need_format(uint16_t *out, struct quant_reader *r, const struct ynode *n, uint16_t base)
{
	int rc = yaml_want(&r->doc, n, YAML_SCALAR, r->err);

	if (rc != OK)
		return rc;
	if (!strcmp(n->text, "default") && base != NO_FORMAT) {
		*out = base;
		return OK;
	}
	for (uint16_t i = 0; i < r->q->n_formats; i++)
		if (!strcmp(r->q->formats[i].id, n->text)) {
			*out = i;
			return OK;
		}
	return yaml_fail(&r->doc, n, r->err, "%s: no such format", n->text);
}

static int key_format(uint16_t *out, struct quant_reader *r, struct ynode *map, const char *key, uint16_t base)
{
	struct ynode *n = yaml_get(map, key);

	if (!n)
		return yaml_fail(&r->doc, map, r->err, "%s is missing", key);
	return need_format(out, r, n, base);
}

/* A role, or a group of roles: a scalar or a list of either. */
static int add_roles(uint64_t roles[2], struct quant_reader *r, const struct ynode *n, int depth)
{
	uint8_t i;
	int rc;

	if (n->kind == YAML_SEQ) {
		for (const struct ynode *c = n->child; c; c = c->next)
			if ((rc = add_roles(roles, r, c, depth)) != OK)
				return rc;
		return OK;
	}
	if ((rc = yaml_want(&r->doc, n, YAML_SCALAR, r->err)) != OK)
		return rc;
	if (!strcmp(n->text, "any")) {
		roles[0] = roles[1] = ~UINT64_C(0);
		return OK;
	}
	if (find_name(&i, role_names, n->text) == OK) {
		roles[i / 64] |= UINT64_C(1) << (i % 64);
		return OK;
	}
	for (struct ynode *g = r->groups ? r->groups->child : NULL; g && depth < MAX_SET_DEPTH; g = g->next)
		if (!strcmp(g->key, n->text))
			return add_roles(roles, r, g, depth + 1);
	return yaml_fail(&r->doc, n, r->err, "role: %s is no role and no role group", n->text);
}

static int read_when(uint64_t *when, struct quant_reader *r, struct ynode *map)
{
	struct ynode *n = yaml_get(map, "when");
	uint8_t i;
	int rc;

	if (!n)
		return OK;
	if ((rc = yaml_want(&r->doc, n, YAML_SEQ, r->err)) != OK)
		return rc;
	for (struct ynode *c = n->child; c; c = c->next) {
		if ((rc = yaml_want(&r->doc, c, YAML_SCALAR, r->err)) != OK)
			return rc;
		if (find_name(&i, when_names, c->text) != OK)
			return yaml_fail(&r->doc, c, r->err, "when: %s is no predicate", c->text);
		*when |= UINT64_C(1) << i;
	}
	return OK;
}

/* {role: [attn_v], when: [more_bits], from: [q4_k], format: q6_k, continue: true} */
static int read_rule(struct rule *u, struct quant_reader *r, struct ynode *n, uint16_t base)
{
	struct ynode *role = yaml_get(n, "role"), *from = yaml_get(n, "from");
	int rc;

	u->line = n->line;
	if (!role)
		return yaml_fail(&r->doc, n, r->err, "role is missing");
	if ((rc = add_roles(u->roles, r, role, 0)) != OK || (rc = read_when(u->when, r, n)) != OK ||
		(rc = key_format(&u->format, r, n, "format", base)) != OK ||
		(rc = yaml_bool(&u->then, &r->doc, n, "continue", YAML_OPTIONAL, r->err)) != OK)
		return rc;
	if (from && (rc = yaml_want(&r->doc, from, YAML_SEQ, r->err)) != OK)
		return rc;
	for (struct ynode *c = from ? from->child : NULL; c; c = c->next) {
		if (u->n_bump == sizeof u->bump_from / sizeof *u->bump_from)
			return yaml_fail(&r->doc, c, r->err, "from: more than %u formats", u->n_bump);
		if ((rc = need_format(&u->bump_from[u->n_bump], r, c, base)) != OK)
			return rc;
		u->n_bump++;
	}
	return yaml_finish(&r->doc, n, r->err);
}

/* Appends a list of rules; {use: SET} stands for the rules of that set. */
static int read_rules(struct rule *rules, uint16_t *n_rules, struct quant_reader *r, struct ynode *list, uint16_t base,
	int depth)
{
	int rc;

	if ((rc = yaml_want(&r->doc, list, YAML_SEQ, r->err)) != OK)
		return rc;
	for (struct ynode *c = list->child; c; c = c->next) {
		const char *use = NULL;
		struct ynode *set;

		if ((rc = yaml_want(&r->doc, c, YAML_MAP, r->err)) != OK ||
			(rc = yaml_str(&use, &r->doc, c, "use", YAML_OPTIONAL, r->err)) != OK)
			return rc;
		if (use) {
			if (!(set = yaml_get(r->sets, use)))
				return yaml_fail(&r->doc, c, r->err, "use: %s is not under rule_sets", use);
			if (depth == MAX_SET_DEPTH)
				return yaml_fail(&r->doc, c, r->err, "use: more than %d sets inside each other", MAX_SET_DEPTH);
			if ((rc = yaml_finish(&r->doc, c, r->err)) != OK || (rc = read_rules(rules, n_rules, r, set, base,
				depth + 1)) != OK)
				return rc;
			continue;
		}
		if (*n_rules == MAX_RULES)
			return yaml_fail(&r->doc, c, r->err, "more than %d rules", MAX_RULES);
		rules[*n_rules] = (struct rule){ .line = 0 };
		if ((rc = read_rule(&rules[*n_rules], r, c, base)) != OK)
			return rc;
		++*n_rules;
	}
	return OK;
}

/* row_not_multiple: {q4_k: q5_0, else: f16} */
static int read_fallbacks(struct recipe *p, struct quant_reader *r, struct ynode *n)
{
	struct ynode *m = yaml_get(n, "row_not_multiple"), *set;
	int rc;

	p->last_resort = p->packing == PACK_GGUF ? NO_FORMAT : p->plain;    /* the others leave such a matrix unquantised */
	if (m && m->kind == YAML_SCALAR) {              /* the name of a set of fallbacks, given once for many recipes */
		if (!(set = yaml_get(r->sets, m->text)))
			return yaml_fail(&r->doc, m, r->err, "row_not_multiple: %s is not under rule_sets", m->text);
		m = set;
	}
	if (m && (rc = yaml_want(&r->doc, m, YAML_MAP, r->err)) != OK)
		return rc;
	for (struct ynode *c = m ? m->child : NULL; c; c = c->next) {
		struct ynode key = { .text = c->key, .line = c->line, .kind = YAML_SCALAR };

		c->used = 1;
		if (!strcmp(c->key, "else")) {
			if ((rc = need_format(&p->last_resort, r, c, NO_FORMAT)) != OK)
				return rc;
			continue;
		}
		if (p->n_fallback == MAX_FALLBACKS)
			return yaml_fail(&r->doc, c, r->err, "row_not_multiple: more than %d", MAX_FALLBACKS);
		if ((rc = need_format(&p->fallback[p->n_fallback].from, r, &key, NO_FORMAT)) != OK ||
			(rc = need_format(&p->fallback[p->n_fallback].to, r, c, NO_FORMAT)) != OK)
			return rc;
		p->n_fallback++;
	}
	return OK;
}

/* Id of the recipe that an alias already stands for, among those read before and the own ones so far. */
static const char *alias_owner(const struct quants *q, const char *const *own, const char *id, const char *alias)
{
	for (; *own; own++)
		if (str_ieq(*own, alias))
			return id;
	for (uint16_t i = 0; i < q->n_recipes; i++)
		for (const char *const *o = q->recipes[i].aliases; o && *o; o++)
			if (str_ieq(*o, alias))
				return q->recipes[i].id;
	return NULL;
}

static int read_aliases(struct recipe *p, struct quant_reader *r, struct ynode *n)
{
	struct ynode *a = yaml_get(n, "aliases");
	const char **out, *owner;
	unsigned k = 0;
	int rc;

	if (!a)
		return OK;
	if ((rc = yaml_want(&r->doc, a, YAML_SEQ, r->err)) != OK)
		return rc;
	if (!(out = arena_array(r->arena, a->n + 1, sizeof *out)))
		return quant_no_memory(r);
	for (struct ynode *c = a->child; c; c = c->next) {
		if ((rc = yaml_want(&r->doc, c, YAML_SCALAR, r->err)) != OK)
			return rc;
		if ((owner = alias_owner(r->q, out, p->id, c->text)))
			return yaml_fail(&r->doc, c, r->err, "aliases: %s already stands for %s", c->text, owner);
		out[k++] = c->text;
	}
	p->aliases = out;
	return OK;
}

static int read_recipe(struct recipe *p, struct quant_reader *r, struct ynode *n, struct rule *scratch)
{
	struct ynode *rules;
	struct rule *own;
	int rc;

	p->id = p->name = n->key;
	p->line = n->line;
	if ((rc = yaml_want(&r->doc, n, YAML_MAP, r->err)) != OK ||
		(rc = yaml_str(&p->name, &r->doc, n, "name", YAML_OPTIONAL, r->err)) != OK ||
		(rc = yaml_enum(&p->packing, &r->doc, n, "packing", packing_names, YAML_NEED, r->err)) != OK ||
		(rc = key_format(&p->base, r, n, "default", NO_FORMAT)) != OK || (rc = key_format(&p->plain, r, n, "plain",
			NO_FORMAT)) != OK ||
		(rc = yaml_bool(&p->imatrix, &r->doc, n, "imatrix", YAML_OPTIONAL, r->err)) != OK ||
		(rc = yaml_bool(&p->dynamic, &r->doc, n, "dynamic", YAML_OPTIONAL, r->err)) != OK ||
		(rc = yaml_f64(&p->bpw_low, &r->doc, n, "bpw_low", YAML_OPTIONAL, r->err)) != OK ||
		(rc = yaml_f64(&p->bpw_high, &r->doc, n, "bpw_high", YAML_OPTIONAL, r->err)) != OK ||
		(rc = yaml_str(&p->quality, &r->doc, n, "quality", YAML_OPTIONAL, r->err)) != OK ||
		(rc = read_aliases(p, r, n)) != OK || (rc = quant_read_source(&p->source, r, n)) != OK || (rc = read_fallbacks(p,
			r, n)) != OK)
		return rc;
	if (p->dynamic ? !(p->bpw_low > 0 && p->bpw_low <= p->bpw_high && p->bpw_high <= 32) : p->bpw_low != 0 || p->bpw_high != 0)
		return yaml_fail(&r->doc, n, r->err, "%s: want 0 < bpw_low <= bpw_high <= 32 if and only if dynamic", p->id);
	if ((rules = yaml_get(n, "rules"))) {
		if ((rc = read_rules(scratch, &p->n_rules, r, rules, p->base, 0)) != OK)
			return rc;
		if (!(own = arena_array(r->arena, p->n_rules + 1u, sizeof *own)))
			return quant_no_memory(r);
		memcpy(own, scratch, p->n_rules * sizeof *own);
		p->rules = own;
	}
	return yaml_finish(&r->doc, n, r->err);
}

int quant_read_recipes(struct quant_reader *r, struct ynode *top)
{
	struct ynode *n = yaml_get(top, "recipes");
	struct rule *scratch = arena_array(r->arena, MAX_RULES, sizeof *scratch);
	struct recipe *p;
	int rc;

	if (!n)
		return yaml_fail(&r->doc, top, r->err, "recipes is missing");
	if ((rc = yaml_want(&r->doc, n, YAML_MAP, r->err)) != OK)
		return rc;
	if (n->n >= NO_FORMAT)
		return yaml_fail(&r->doc, n, r->err, "recipes: more than %d", NO_FORMAT - 1);
	if (!scratch || !(p = arena_array(r->arena, n->n + 1, sizeof *p)))
		return quant_no_memory(r);
	r->q->recipes = p;
	for (struct ynode *c = n->child; c; c = c->next) {
		if ((rc = read_recipe(p, r, c, scratch)) != OK)
			return rc;
		for (uint16_t i = 0; i < r->q->n_recipes; i++)
			if (str_ieq(r->q->recipes[i].id, p->id) || !strcmp(r->q->recipes[i].name, p->name))
				return yaml_fail(&r->doc, c, r->err, "%s: another recipe has this id or name", p->id);
		p++;
		r->q->n_recipes++;
	}
	return OK;
}
