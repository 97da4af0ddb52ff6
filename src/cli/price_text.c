/* price_text.c - what something costs, with the day and who says so */
#include "cli/price_text.h"

#include "base/file.h"

#include <stdio.h>
#include <string.h>

int prices_from(struct prices *out, struct arena *a, const struct catalog *c, struct error *err)
{
	const char *path = arena_printf(a, "%s/data/prices.yaml", catalog_folder(c));

	*out = (struct prices){ 0 };
	if (!path)
		return error_set(err, E_NOMEM, "out of memory");
	return path_exists(path) ? prices_load(out, a, path, err) : OK;
}

static int is_one(const char *const *ids, const char *id)
{
	while (*ids && strcmp(*ids, id))
		ids++;
	return *ids != NULL;
}

static const char *source(const struct prices *p, uint16_t i) { return i < p->n_sources ? p->sources[i].what : "unknown"; }

static void api_sentence(char *buf, size_t n, const struct prices *p, const struct api_price *x)
{
	char in[48] = "", out[48] = "";

	if (x->usd_per_million_input > 0)
		snprintf(in, sizeof in, "%.4g USD in", x->usd_per_million_input);
	if (x->usd_per_million_output > 0)
		snprintf(out, sizeof out, "%s%.4g USD out", in[0] ? ", " : "", x->usd_per_million_output);
	snprintf(buf, n, "%s%s a million tokens, %s%s%s (%s%s)%s%s", in, out, x->provider ? x->provider : "provider not stated", x->date ? ", " : "", x->date ? x->date : "",
		source(p, x->source), x->claim ? ", a guide's claim" : "", x->note ? ": " : "", x->note ? x->note : "");
}

/* The i-th price of them all in words, when it is of one of the ids: 1; 0: of another; -1: there is none. */
static int sentence(char *buf, size_t n, const struct prices *p, unsigned i, const char *const *ids)
{
	if (i < p->n_bought) {
		const struct bought_price *x = &p->bought[i];
		if (!is_one(ids, x->hardware))
			return 0;
		snprintf(buf, n, "%.0f USD %s%s%s (%s)%s%s", x->usd, x->kind == PRICE_LIST ? "list" : x->kind == PRICE_STREET ? "in shops" : "by a guide's claim", x->date ? ", " : "",
			x->date ? x->date : "", source(p, x->source), x->note ? ": " : "", x->note ? x->note : "");
		return 1;
	}
	if ((i -= p->n_bought) < p->n_rented) {
		const struct rented_price *x = &p->rented[i];
		if (!is_one(ids, x->hardware))
			return 0;
		snprintf(buf, n, "%.4g USD an hour and %s, %s%s%s (%s%s)%s%s", x->usd_per_hour, x->per_node ? "node" : "card", x->provider ? x->provider : "provider not stated",
			x->date ? ", " : "", x->date ? x->date : "", source(p, x->source), x->claim ? ", a guide's claim" : "", x->note ? ": " : "", x->note ? x->note : "");
		return 1;
	}
	if ((i -= p->n_rented) < p->n_api) {
		if (!is_one(ids, p->api[i].model))
			return 0;
		api_sentence(buf, n, p, &p->api[i]);
		return 1;
	}
	return -1;
}

void prices_text(const struct text *t, const struct prices *p, const char *const *ids)
{
	const char *name = "price";
	char line[500];
	int is;

	for (unsigned i = 0; (is = sentence(line, sizeof line, p, i, ids)) >= 0; i++)
		if (is) {
			text_fact(t, name, line);
			name = "";
		}
}

static cJSON *one(cJSON *list, const char *kind, const char *id, const char *provider, const char *date, const char *source_text, const char *note)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddItemToArray(list, o);
	json_add_str(o, "kind", kind);
	json_add_str(o, "id", id);
	json_add_str(o, "provider", provider);
	json_add_str(o, "date", date);
	json_add_str(o, "source", source_text);
	json_add_str(o, "note", note);
	return o;
}

static void add_usd(cJSON *o, const char *key, double usd)
{
	if (usd > 0)
		json_add_f64(o, key, usd);
	else
		cJSON_AddNullToObject(o, key);
}

void prices_json(cJSON *o, const struct prices *p, const char *const *ids)
{
	cJSON *list = json_add_array(o, "prices"), *x;

	for (unsigned i = 0; i < p->n_bought; i++) {
		const struct bought_price *b = &p->bought[i];
		if (!is_one(ids, b->hardware))
			continue;
		x = one(list, b->kind == PRICE_CLAIM ? "claim" : price_kind_names[b->kind], b->hardware, NULL, b->date, source(p, b->source), b->note);
		add_usd(x, "usd", b->usd);
	}
	for (unsigned i = 0; i < p->n_rented; i++) {
		const struct rented_price *r = &p->rented[i];
		if (!is_one(ids, r->hardware))
			continue;
		x = one(list, r->claim ? "rented_claim" : "rented", r->hardware, r->provider, r->date, source(p, r->source), r->note);
		json_add_str(x, "per", r->per_node ? "node" : "card");
		add_usd(x, "usd_per_hour", r->usd_per_hour);
	}
	for (unsigned i = 0; i < p->n_api; i++) {
		const struct api_price *m = &p->api[i];
		if (!is_one(ids, m->model))
			continue;
		x = one(list, m->claim ? "api_claim" : "api", m->model, m->provider, m->date, source(p, m->source), m->note);
		add_usd(x, "usd_per_million_input", m->usd_per_million_input);
		add_usd(x, "usd_per_million_output", m->usd_per_million_output);
	}
}
