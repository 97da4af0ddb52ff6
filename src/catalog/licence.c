/* licence.c - reader of data/licences.yaml, and the rules applied */
#include "catalog/licence.h"

#include "catalog/model_read.h"

#include <string.h>

const char *const licence_rule_names[] = {
	"users_cap", "revenue_cap", "eu_excluded", "attribution", "naming", "no_competing_models", "propagates", "acceptable_use",
	"non_commercial", "research_only", "non_production", "notice", "patent_grant", "share_alike", "other", NULL
};
const char *const commercial_names[] = { "unknown", "yes", "conditional", "no", NULL };
const char *const licence_answer_names[] = { "allowed", "conditional", "refused", "unknown", NULL };
static const char *const of_names[] = { "all", "image", NULL };

static void read_usd(struct model_read *r, double *out, struct ynode *n, const char *key)
{
	mr_f64_or_unknown(r, out, n, key);
	if (r->rc == OK && !(*out >= 0 && *out <= 1e15))
		mr_fail(r, yaml_get(n, key), "%s: %g is no sum of money", key, *out);
}

static void read_term(struct model_read *r, struct licence_term *t, struct ynode *n, uint16_t inherited)
{
	unsigned mark = mr_open(r, n);

	n->used = 1;
	mr_enum(r, &t->rule, n, "rule", licence_rule_names, YAML_NEED);
	mr_u64(r, &t->monthly_users, n, "monthly_users", 1, YAML_OPTIONAL);
	read_usd(r, &t->usd_month, n, "usd_month");
	read_usd(r, &t->usd_year, n, "usd_year");
	mr_enum(r, &t->of_image, n, "of", of_names, YAML_OPTIONAL);
	mr_str(r, &t->prefix, n, "prefix", YAML_OPTIONAL);
	mr_str(r, &t->note, n, "note", YAML_OPTIONAL);
	t->source = yaml_get(n, "source") ? mr_source(r, n) : inherited;
	mr_close(r, n, mark);
	if (t->rule == RULE_USERS_CAP && !t->monthly_users)
		mr_fail(r, n, "users_cap: monthly_users is missing");
	if (t->rule == RULE_REVENUE_CAP && !(t->usd_month > 0) && !(t->usd_year > 0))
		mr_fail(r, n, "revenue_cap: usd_month or usd_year is missing");
	if (t->rule == RULE_NAMING && !t->prefix)
		mr_fail(r, n, "naming: prefix is missing");
	if (t->rule == RULE_OTHER && !t->note)
		mr_fail(r, n, "other: note is missing");
}

static void read_licence(struct model_read *r, struct licence *l, struct ynode *n)
{
	struct licence_term *terms;
	struct ynode *s;
	unsigned mark = mr_open(r, n);

	n->used = 1;
	*l = (struct licence){ .id = n->key };
	mr_id(r, n, "licences", n->key);
	mr_str(r, &l->name, n, "name", YAML_NEED);
	mr_str(r, &l->url, n, "url", YAML_OPTIONAL);
	mr_str(r, &l->note, n, "note", YAML_OPTIONAL);
	mr_enum(r, &l->commercial, n, "commercial", commercial_names, YAML_NEED);
	if ((s = mr_get(r, n, "osi")) != NULL && !(s->text && !strcmp(s->text, "unknown"))) {
		mr_bool(r, &l->osi, n, "osi");
		l->osi_known = 1;
	}
	l->source = mr_source(r, n);
	s = mr_seq(r, n, "terms");
	if (s && (terms = mr_alloc(r, s->n, sizeof *terms)) != NULL) {
		memset(terms, 0, (s->n ? s->n : 1) * sizeof *terms);
		l->terms = terms;
		for (struct ynode *c = s->child; c && r->rc == OK; c = c->next)
			read_term(r, &terms[l->n_terms++], c, l->source);
	}
	mr_close(r, n, mark);
}

static int read_all(struct licences *out, struct arena *a, const struct ydoc *d, struct error *err)
{
	struct model_read r;
	struct licence *list;
	struct ynode *m;

	mr_start_data(&r, a, d, err);
	m = mr_map(&r, d->root, "licences");
	if (!m)
		mr_fail(&r, d->root, "licences: missing");
	*out = (struct licences){ .file = d->file, .sources = r.sources, .n_sources = r.n_sources };
	if (m && (list = mr_alloc(&r, m->n, sizeof *list)) != NULL) {
		out->list = list;
		for (struct ynode *c = m->child; c && r.rc == OK; c = c->next)
			read_licence(&r, &list[out->n++], c);
	}
	mr_close(&r, d->root, 0);
	return r.rc;
}

int licences_parse(struct licences *out, struct arena *a, const char *file, const void *bytes, size_t n, struct error *err)
{
	struct ydoc d;
	int rc = yaml_parse(&d, a, file, bytes, n, err);

	return rc != OK ? rc : read_all(out, a, &d, err);
}

int licences_load(struct licences *out, struct arena *a, const char *path, struct error *err)
{
	struct ydoc d;
	int rc = yaml_load(&d, a, path, err);

	return rc != OK ? rc : read_all(out, a, &d, err);
}

const struct licence *licence_find(const struct licences *l, const char *id)
{
	for (unsigned i = 0; id && i < l->n; i++)
		if (!strcmp(l->list[i].id, id))
			return &l->list[i];
	return NULL;
}

/* What one term says of a use. A cap is passed when either figure is. */
static enum licence_answer judge_term(const struct licence_term *t, const struct licence_use *use)
{
	double year = t->usd_year > 0 ? t->usd_year : 12 * t->usd_month;

	switch ((enum licence_rule)t->rule) {
	case RULE_USERS_CAP:
		if (!use->monthly_users)
			return LICENCE_CONDITIONAL;
		return use->monthly_users > t->monthly_users ? LICENCE_REFUSED : LICENCE_ALLOWED;
	case RULE_REVENUE_CAP:
		if (!(use->usd_year > 0))
			return use->commercial ? LICENCE_CONDITIONAL : LICENCE_ALLOWED;
		return use->usd_year > year ? LICENCE_REFUSED : LICENCE_ALLOWED;
	case RULE_EU_EXCLUDED:
		if (!use->in_eu)
			return LICENCE_ALLOWED;
		return !t->of_image || use->with_images ? LICENCE_REFUSED : LICENCE_ALLOWED;
	case RULE_ATTRIBUTION:
		if ((t->monthly_users || year > 0) && (!t->monthly_users || (use->monthly_users && use->monthly_users <= t->monthly_users)) &&
		    (!(year > 0) || (use->usd_year > 0 && use->usd_year <= year)))
			return LICENCE_ALLOWED;
		return LICENCE_CONDITIONAL;
	case RULE_NON_COMMERCIAL:
	case RULE_RESEARCH_ONLY:
	case RULE_NON_PRODUCTION:
		return use->commercial ? LICENCE_REFUSED : LICENCE_CONDITIONAL;
	case RULE_NAMING:
	case RULE_NO_COMPETING_MODELS:
	case RULE_PROPAGATES:
	case RULE_ACCEPTABLE_USE:
	case RULE_SHARE_ALIKE:
	case RULE_OTHER:
		return LICENCE_CONDITIONAL;
	case RULE_NOTICE:
	case RULE_PATENT_GRANT:
	case LICENCE_RULES:
		break;
	}
	return LICENCE_ALLOWED;
}

enum licence_answer licence_judge(const struct licence_term **why, const struct licence *l, const struct licence_use *use)
{
	enum licence_answer worst = LICENCE_ALLOWED;

	*why = NULL;
	if (!l || (use->commercial && l->commercial == COMMERCIAL_UNKNOWN))
		return LICENCE_UNKNOWN;
	for (unsigned i = 0; i < l->n_terms; i++) {
		enum licence_answer one = judge_term(&l->terms[i], use);
		if (one > worst) {
			worst = one;
			*why = &l->terms[i];
		}
	}
	if (use->commercial && l->commercial == COMMERCIAL_NO)
		return LICENCE_REFUSED;
	if (use->commercial && l->commercial == COMMERCIAL_CONDITIONAL && worst == LICENCE_ALLOWED && !l->n_terms)
		return LICENCE_CONDITIONAL;
	return worst;
}
