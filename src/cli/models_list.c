/* models_list.c - the models of the catalogue: filters, columns, order */
#include "cli/models.h"

#include "base/str.h"
#include "base/units.h"
#include "cli/answer.h"
#include "cli/filter.h"

#include <string.h>

enum col { C_ID, C_NAME, C_FAMILY, C_VENDOR, C_LICENCE, C_RELEASED, C_PARAMS, C_ACTIVE, C_MTP, C_CONTEXT, C_KV, C_STATUS, C_ORIGIN, C_NATIVE,
	C_TYPE, C_MODALITIES, C_USES, C_LANGUAGES, C_LAYERS, C_ARCHITECTURE, C_FORMAT, C_BYTES, C_ENGINES, C_REPO, C_INSTEAD, C_WHY, C_QUANT, C_MEMORY,
	C_LEFT, C_VERDICT };

static const struct column columns[] = {
	[C_ID] = { "id", "model", "id", 0, 0 },
	[C_NAME] = { "name", "name", "name", 0, 0 },
	[C_FAMILY] = { "family", "family", "family", 0, 0 },
	[C_VENDOR] = { "vendor", "vendor", "vendor", 0, 0 },
	[C_LICENCE] = { "licence", "licence", "licence", 0, 0 },
	[C_RELEASED] = { "released", "released", "released", 0, 0 },
	[C_PARAMS] = { "params", "params", "params_total", 1, 0 },
	[C_ACTIVE] = { "active", "active", "params_active", 1, 0 },
	[C_MTP] = { "mtp", "MTP", "params_mtp", 1, 0 },
	[C_CONTEXT] = { "context", "context", "context_max", 1, 0 },
	[C_KV] = { "kv", "KV per 1k", "kv_bytes_per_1k_tokens", 1, 0 },
	[C_STATUS] = { "status", "status", "status", 0, 0 },
	[C_ORIGIN] = { "origin", "origin", "country", 0, 0 },
	[C_NATIVE] = { "native", "native", "context_native", 1, 0 },
	[C_TYPE] = { "type", "type", "type", 0, 0 },
	[C_MODALITIES] = { "modalities", "modalities", "modalities", 0, 0 },
	[C_USES] = { "uses", "uses", "use_cases", 0, 0 },
	[C_LANGUAGES] = { "languages", "languages", "languages", 0, 0 },
	[C_LAYERS] = { "layers", "layers", "layers", 1, 0 },
	[C_ARCHITECTURE] = { "architecture", "architecture", "architecture", 0, 0 },
	[C_FORMAT] = { "format", "format", "native_format", 0, 0 },
	[C_BYTES] = { "bytes", "as released", "native_file_bytes", 1, 0 },
	[C_ENGINES] = { "engines", "engines", "engines", 0, 0 },
	[C_REPO] = { "repo", "repository", "repo", 0, 0 },
	[C_INSTEAD] = { "instead", "there is instead", "instead", 0, 0 },
	[C_WHY] = { "why", "why", "why", 0, 1 },
	/* of --fits-on */
	[C_QUANT] = { "quant", "quant", "quant", 0, 1 },
	[C_MEMORY] = { "memory", "memory", "memory_total_bytes", 1, 1 },
	[C_LEFT] = { "left", "left over", "headroom_bytes", 1, 1 },
	[C_VERDICT] = { "verdict", "verdict", "verdict", 0, 1 },
	{ NULL, NULL, NULL, 0, 0 }
};

static struct cell text(const char *s)
{
	return (struct cell){ .kind = s && strcmp(s, "unknown") ? CELL_TEXT : CELL_NONE, .s = s };
}
static struct cell number(enum cell_kind k, double v) { return (struct cell){ .kind = (uint8_t)k, .v = v }; }
/* 0 stands for unknown. */
static struct cell known(enum cell_kind k, double v) { return number(v > 0 ? k : CELL_NONE, v); }
static struct cell words(const char *const *l) { return (struct cell){ .kind = l && l[0] ? CELL_LIST : CELL_NONE, .list = l }; }

static struct cell of_fit(const struct fit_row *f, enum col c)
{
	const struct estimate *e = f ? &f->e : NULL;

	if (!f)
		return number(CELL_NONE, 0);
	switch (c) {
	case C_QUANT: return text(e->settings.recipe->name);
	case C_MEMORY: return number(CELL_BYTES, (double)(e->sum.total + (e->verdict == FITS_OFFLOADED ? e->host.total : 0)));
	case C_LEFT: return number(CELL_LEFT, (double)e->sum.headroom);
	default: return text(verdict_names[e->verdict]);
	}
}

static struct cell of_spec(const struct model_row *r, enum col c)
{
	const struct model_spec *m = r->e->spec;

	if (!m)
		return number(CELL_NONE, 0);
	switch (c) {
	case C_PARAMS: return number(CELL_COUNT, (double)r->counts.total);
	case C_ACTIVE: return number(CELL_COUNT, (double)r->counts.active);
	case C_MTP: return number(CELL_COUNT, (double)r->counts.mtp);
	case C_CONTEXT: return known(CELL_TOKENS, m->context_max);
	case C_NATIVE: return known(CELL_TOKENS, m->context_native);
	case C_KV: return number(CELL_BYTES, (double)r->kv_1k);
	case C_TYPE: return text(model_is_moe(m) ? "moe" : "dense");
	case C_LAYERS: return number(CELL_NUMBER, m->n_layers);
	case C_ARCHITECTURE: return text(m->architecture);
	case C_FORMAT: return text(m->native_format);
	default: return is_known(m->native_file_bytes) ? number(CELL_BYTES, m->native_file_bytes.v) : number(CELL_NONE, 0);
	}
}

static const char *weights_repo(const struct model_entry *e)
{
	for (unsigned i = 0; i < e->n_repos; i++)
		if (!strcmp(e->repos[i].key, "weights"))
			return e->repos[i].value;
	return NULL;
}

static void cell_of(struct cell *out, const void *row, unsigned column)
{
	const struct model_row *r = row;
	const struct model_entry *e = r->e;

	switch ((enum col)column) {
	case C_ID: *out = text(e->id); break;
	case C_NAME: *out = text(e->name); break;
	case C_FAMILY: *out = text(e->family); break;
	case C_VENDOR: *out = text(e->vendor); break;
	case C_LICENCE: *out = text(e->licence); break;
	case C_RELEASED: *out = text(e->released); break;
	case C_STATUS: *out = text(status_names[e->status]); break;
	case C_ORIGIN: *out = text(e->country); break;
	case C_MODALITIES: *out = words(e->modalities); break;
	case C_USES: *out = words(e->use_cases); break;
	case C_LANGUAGES: *out = words(e->languages); break;
	case C_ENGINES: *out = words(r->engines); break;
	case C_REPO: *out = text(weights_repo(e)); break;
	case C_INSTEAD: *out = e->instead[0] ? words(e->instead) : number(CELL_EMPTY, 0); break;
	case C_WHY: *out = e->why ? text(e->why) : number(CELL_EMPTY, 0); break;
	case C_QUANT: case C_MEMORY: case C_LEFT: case C_VERDICT: *out = of_fit(r->fit, (enum col)column); break;
	default: *out = of_spec(r, (enum col)column);
	}
	if (column == C_RELEASED && out->kind == CELL_TEXT)
		out->kind = CELL_DATE;
}

/* What a terminal of this width has room for. */
static const char *usual(const struct options *o, int width)
{
	if (o->on)
		return width >= 110 ? "id,params,active,context,quant,memory,left,released,licence" : width >= 92 ? "id,params,active,context,quant,memory,left" :
			"id,params,context,quant,memory,left";
	return width >= 150 ? "id,vendor,origin,params,active,context,kv,released,modalities,licence" : width >= 116 ? "id,vendor,params,active,context,kv,released,licence" :
		width >= 92 ? "id,params,active,context,kv,released,licence" : "id,params,active,context,released,licence";
}

/* --status: the wanted one, or -1 for all. */
static int wanted_status(int *out, const char *name, struct error *err)
{
	struct near_matches near;

	*out = STATUS_OPEN_WEIGHTS;
	if (!name)
		return OK;
	near_init(&near, name);
	near_offer(&near, "all");
	for (int i = 0; status_names[i]; i++) {
		near_offer(&near, status_names[i]);
		if (str_ieq(name, status_names[i])) {
			*out = i;
			return OK;
		}
	}
	if (str_ieq(name, "all")) {
		*out = -1;
		return OK;
	}
	error_set(err, E_USAGE, "--status %s: no such status", name);
	near_report(&near, err);
	error_hint(err, "open_weights, api_only, announced, does_not_exist or all");
	return E_USAGE;
}

struct list {
	const struct options *o;
	struct catalog *c;
	struct arena a;
	struct work *work;                       /* of --fits-on, or NULL */
	struct columns columns;
	struct model_row *rows;
	const void **order; unsigned n, shown;
	unsigned others;                         /* of them without weights to be had, when the query found only such */
	unsigned apart;                          /* matched but for their status */
};

/* The fit of an entry, or NULL. */
static const struct fit_row *fit_of(const struct work *w, const struct model_entry *e)
{
	for (unsigned i = 0; w && i < w->n; i++)
		if (w->row[i].model.entry == e)
			return w->row[i].rc == OK ? &w->row[i] : NULL;
	return NULL;
}

static int add_row(struct list *l, const struct model_entry *e, const struct fit_row *fit, struct error *err)
{
	struct model_row *r = &l->rows[l->n];
	const char **engines = arena_array(&l->a, e->n_engines + 1u, sizeof *engines);
	unsigned n = 0;
	int rc = OK;

	if (!engines)
		return error_set(err, E_NOMEM, "out of memory");
	for (unsigned i = 0; i < e->n_engines; i++)
		if (model_engine_since(e, e->engines[i].key))
			engines[n++] = e->engines[i].key;
	*r = (struct model_row){ .e = e, .fit = fit, .engines = engines };
	if (e->spec && ((rc = inventory_counts(&r->counts, e->spec, catalog_quants(l->c), err)) != OK || (rc = models_kv_1k(&r->kv_1k, e->spec, l->c, "f16", err)) != OK))
		return rc;
	l->order[l->n++] = r;
	return OK;
}

/* Those that pass every filter, and whose status is wanted (-1: any). */
static int gather(struct list *l, int status, struct error *err)
{
	unsigned n;
	const struct model_entry *all = catalog_models(l->c, &n);
	int rc;

	l->n = l->apart = 0;
	for (unsigned i = 0; i < n; i++) {
		const struct fit_row *fit = NULL;
		if (!filter_query(&all[i], l->o) || !filter_entry(&all[i], l->o) || !filter_size(&all[i], l->o, catalog_quants(l->c)))
			continue;
		if (status >= 0 && all[i].status != status) {
			l->apart++;
			continue;
		}
		if (l->o->on && !(fit = fit_of(l->work, &all[i])))
			continue;
		if ((rc = add_row(l, &all[i], fit, err)) != OK)
			return rc;
	}
	return OK;
}

/* What --fits-on was asked about. */
static void print_machine(const struct question *q, const struct text *t)
{
	char line[400], tokens[24];

	snprintf(line, sizeof line, "on %.200s: %s tokens of context, %u sequence%s, %s; ullage fit has the speeds", q->hardware->name,
		format_tokens(tokens, sizeof tokens, q->settings.ctx_tokens), q->settings.sequences, q->settings.sequences == 1 ? "" : "s", q->settings.engine->name);
	text_wrap(t, "", 0, line);
}

static void print_text(const struct list *l)
{
	struct text t;
	unsigned unknown = 0;

	text_open(&t, l->o);
	if (l->others && !l->columns.chosen)
		for (unsigned i = 0; i < l->shown; i++) {
			const struct model_entry *e = ((const struct model_row *)l->order[i])->e;
			entry_apart_text(&t, e->id, e->name, status_names[e->status], e->why, e->instead);
		}
	else
		columns_text(&l->columns, cell_of, (const void *const *)l->order, l->shown, &t);
	if (l->o->quiet)
		return;
	for (unsigned i = 0; i < l->shown && !l->others; i++)
		for (unsigned k = 0; k < l->columns.n && !unknown; k++) {
			struct cell x = { 0 };
			cell_of(&x, l->order[i], l->columns.pick[k]);
			unknown = x.kind == CELL_NONE;
		}
	fprintf(t.out, "\n%u model%s", l->n, l->n == 1 ? "" : "s");
	if (l->shown < l->n)
		fprintf(t.out, ", the first %u shown", l->shown);
	if (l->apart && !l->o->on && !l->o->status)
		fprintf(t.out, "; %u more cannot be had (--status all)", l->apart);
	fprintf(t.out, "%s\n", unknown ? "; ? is unknown" : "");
	if (l->work && l->work->n)
		print_machine(&l->work->row[0].q, &t);
}

static int print(struct list *l, struct error *err)
{
	l->shown = l->o->limit_set && l->n > l->o->limit ? (unsigned)l->o->limit : l->n;
	if (l->o->json) {
		cJSON *doc = answer_document();
		columns_json(&l->columns, cell_of, (const void *const *)l->order, l->shown, json_add_array(doc, "models"));
		return answer_print(doc, err);
	}
	if (l->o->csv)
		columns_csv(&l->columns, cell_of, (const void *const *)l->order, l->shown, stdout);
	else if (l->n)
		print_text(l);
	else
		fputs("No model of the catalogue is all of that.\n", stdout);
	return OK;
}

/* Words that a query may have meant: first words of ids, families, vendors. */
static void offer_words(struct list *l, const char *name, struct error *err)
{
	unsigned n;
	const struct model_entry *all = catalog_models(l->c, &n);
	struct near_matches near;
	char word[64];

	near_init(&near, name);
	for (unsigned i = 0; i < n; i++) {
		snprintf(word, sizeof word, "%.*s", (int)strcspn(all[i].id, "-"), all[i].id);
		near_offer(&near, word);
		if (all[i].family)
			near_offer(&near, all[i].family);
		if (all[i].vendor)
			near_offer(&near, all[i].vendor);
	}
	near_report(&near, err);
}

/* A name that nothing has: the near matches of the catalogue's own look-up, else words of the list. */
static int no_match(struct list *l, struct error *err)
{
	const struct model_entry *e;
	char name[256] = "";
	int rc;

	for (int i = 0; i < l->o->n_args; i++)
		if (strlen(name) + strlen(l->o->args[i]) + 2 < sizeof name)
			strcat(strcat(name, i ? " " : ""), l->o->args[i]);
	rc = catalog_model(&e, l->c, name, err);
	if (rc == OK || rc == E_AMBIGUOUS)
		return error_set(err, E_MODEL, "%s: no model matches these filters", name);
	if (rc == E_MODEL && err && !err->n_candidates)
		offer_words(l, name, err);
	return rc;
}

/* Does any entry match the words alone, whatever the filters? */
static int any_match(const struct list *l)
{
	unsigned n;
	const struct model_entry *all = catalog_models(l->c, &n);

	for (unsigned i = 0; i < n; i++)
		if (filter_query(&all[i], l->o))
			return 1;
	return 0;
}

static int make(struct list *l, struct error *err)
{
	const struct options *o = l->o;
	unsigned n;
	int rc, status;
	struct text t;

	text_open(&t, o);
	if ((rc = wanted_status(&status, o->status, err)) != OK || (rc = columns_open(&l->columns, columns, usual(o, t.width), o, err)) != OK ||
	    (rc = catalog_read_models(l->c, NULL, NULL, NULL, err)) != OK || (rc = filter_check(l->c, o, err)) != OK ||
	    (o->on && (rc = fit_models(&l->work, o, &l->a, l->c, err)) != OK))
		return rc;
	(void)catalog_models(l->c, &n);
	l->rows = arena_array(&l->a, n + 1, sizeof *l->rows);
	l->order = arena_array(&l->a, n + 1, sizeof *l->order);
	if (!l->rows || !l->order)
		return error_set(err, E_NOMEM, "out of memory");
	if ((rc = gather(l, status, err)) != OK)
		return rc;
	/* who asks by name for what does not exist is told so */
	if (!l->n && l->apart && o->n_args && !o->status && (rc = gather(l, -1, err)) != OK)
		return rc;
	for (unsigned i = 0; i < l->n; i++)
		l->others += ((const struct model_row *)l->order[i])->e->status != STATUS_OPEN_WEIGHTS;
	if (l->others && l->others < l->n && !l->columns.chosen)
		rc = columns_open(&l->columns, columns, t.width >= 100 ? "id,status,params,active,context,instead" : "id,status,params,context,instead", &(struct options){ .sort = o->sort, .json = o->json, .csv = o->csv }, err);
	if (l->others < l->n)
		l->others = 0;
	return rc;
}

int models_list(const struct options *o, struct catalog *c, struct error *err)
{
	struct list l = { .o = o, .c = c };
	int rc = make(&l, err);

	if (rc == OK && !l.n && o->n_args && !any_match(&l)) {
		rc = no_match(&l, err);
	} else if (rc == OK) {
		columns_sort(&l.columns, cell_of, l.order, l.n);
		if ((rc = print(&l, err)) == OK && !l.n)
			rc = 1;
	}
	work_free(l.work);
	arena_free(&l.a);
	return rc;
}
