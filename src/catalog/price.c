/* price.c - reader of data/prices.yaml */
#include "catalog/price.h"

#include "catalog/model_read.h"

const char *const price_kind_names[] = { "list", "street", "claim", NULL };
static const char *const per_names[] = { "card", "node", NULL };

/* Above 0: what costs nothing has no price. */
static void read_usd(struct model_read *r, double *out, struct ynode *n, const char *key)
{
	mr_f64_or_unknown(r, out, n, key);
	if (r->rc == OK && !(*out > 0 && *out < 1e12))
		mr_fail(r, n, "%s: want a price above 0", key);
}

static void read_bought(struct model_read *r, void *item, struct ynode *n)
{
	struct bought_price *p = item;

	*p = (struct bought_price){ .kind = PRICE_LIST };
	mr_str(r, &p->hardware, n, "hardware", YAML_NEED);
	read_usd(r, &p->usd, n, "usd");
	mr_enum(r, &p->kind, n, "kind", price_kind_names, YAML_NEED);
	mr_date(r, &p->date, n, "date", YAML_NEED);
	mr_str(r, &p->note, n, "note", YAML_OPTIONAL);
	p->source = mr_source(r, n);
}

static void read_rented(struct model_read *r, void *item, struct ynode *n)
{
	struct rented_price *p = item;

	*p = (struct rented_price){ 0 };
	mr_str(r, &p->hardware, n, "hardware", YAML_NEED);
	read_usd(r, &p->usd_per_hour, n, "usd_per_hour");
	mr_enum(r, &p->per_node, n, "per", per_names, YAML_NEED);
	mr_str(r, &p->provider, n, "provider", YAML_OPTIONAL);
	mr_date(r, &p->date, n, "date", YAML_NEED);
	mr_bool(r, &p->claim, n, "claim");
	mr_str(r, &p->note, n, "note", YAML_OPTIONAL);
	p->source = mr_source(r, n);
}

static void read_api(struct model_read *r, void *item, struct ynode *n)
{
	struct api_price *p = item;

	*p = (struct api_price){ 0 };
	mr_str(r, &p->model, n, "model", YAML_NEED);
	/* either alone may be all that was found */
	if (yaml_get(n, "usd_per_million_input"))
		read_usd(r, &p->usd_per_million_input, n, "usd_per_million_input");
	if (yaml_get(n, "usd_per_million_output") || !(p->usd_per_million_input > 0))
		read_usd(r, &p->usd_per_million_output, n, "usd_per_million_output");
	mr_str(r, &p->provider, n, "provider", YAML_OPTIONAL);
	mr_date(r, &p->date, n, "date", YAML_NEED);
	mr_bool(r, &p->claim, n, "claim");
	mr_str(r, &p->note, n, "note", YAML_OPTIONAL);
	p->source = mr_source(r, n);
}

/* The rows of one list, each by `read`. NULL: none. */
static void *read_rows(unsigned *count, struct model_read *r, struct ynode *root, const char *key, size_t size,
	void (*read)(struct model_read *r, void *item, struct ynode *n))
{
	struct ynode *s = mr_seq(r, root, key);
	char *list;

	if (!s || !(list = mr_alloc(r, s->n, size)))
		return NULL;
	for (struct ynode *c = s->child; c && r->rc == OK; c = c->next) {
		unsigned mark = mr_open(r, c);
		c->used = 1;
		read(r, list + size * (*count)++, c);
		mr_close(r, c, mark);
	}
	return list;
}

static int read_all(struct prices *out, struct arena *a, const struct ydoc *d, struct error *err)
{
	struct model_read r;

	mr_start_data(&r, a, d, err);
	*out = (struct prices){ .file = d->file, .sources = r.sources, .n_sources = r.n_sources };
	out->bought = read_rows(&out->n_bought, &r, d->root, "bought", sizeof *out->bought, read_bought);
	out->rented = read_rows(&out->n_rented, &r, d->root, "rented", sizeof *out->rented, read_rented);
	out->api = read_rows(&out->n_api, &r, d->root, "api", sizeof *out->api, read_api);
	mr_close(&r, d->root, 0);
	return r.rc;
}

int prices_parse(struct prices *out, struct arena *a, const char *file, const void *bytes, size_t n, struct error *err)
{
	struct ydoc d;
	int rc = yaml_parse(&d, a, file, bytes, n, err);

	return rc != OK ? rc : read_all(out, a, &d, err);
}

int prices_load(struct prices *out, struct arena *a, const char *path, struct error *err)
{
	struct ydoc d;
	int rc = yaml_load(&d, a, path, err);

	return rc != OK ? rc : read_all(out, a, &d, err);
}
