/* cmd_models.c - ullage models: the catalogue as a table; --check validates entries */
#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "base/units.h"
#include "cli/answer.h"
#include "cli/cmd.h"
#include "cli/filter.h"
#include "cli/question.h"

#include <stdlib.h>
#include <string.h>

/* In f16, by the architecture alone. */
static int kv_of(uint64_t *out, const struct model_spec *m, const struct catalog *c, struct error *err)
{
	uint16_t f16 = format_find(catalog_quants(c), "f16");
	const struct engine_profile *none = engine_find(catalog_engines(c), "none");

	return none ? cache_per_1k(out, m, catalog_quants(c), none, f16, f16, err) : error_set(err, E_CATALOGUE, "data/engines.yaml: no profile none");
}

static int assert_u64(const char *name, uint64_t stated, uint64_t got, const struct model_entry *m, const char *path, struct error *err)
{
	if (!stated || stated == got)
		return OK;
	return error_at(err, E_CATALOGUE, path, m->checks_line, "%s: %llu is stated, the shapes give %llu", name, (unsigned long long)stated, (unsigned long long)got);
}

/* A machine has a `kind`, a model has none; a model's own assertions are held against its shapes. */
static int check_file(struct catalog *c, const char *path, struct error *err)
{
	const struct hardware_entry *h;
	const struct model_entry *m;
	struct arena a = { 0 };
	struct counts n;
	struct ydoc d;
	uint64_t kv;
	int rc = yaml_load(&d, &a, path, err), machine = rc == OK && yaml_get(d.root, "kind");

	arena_free(&a);
	if (rc != OK)
		return rc;
	if (machine)
		return catalog_device_file(&h, c, path, err);
	if ((rc = catalog_model_file(&m, c, path, err)) != OK || !m->spec)
		return rc;
	if ((rc = inventory_counts(&n, m->spec, catalog_quants(c), err)) != OK || (rc = kv_of(&kv, m->spec, c, err)) != OK ||
	    (rc = assert_u64("params_total", m->checks.params_total, n.total, m, path, err)) != OK ||
	    (rc = assert_u64("params_mtp", m->checks.params_mtp, n.mtp, m, path, err)) != OK ||
	    (rc = assert_u64("params_active", m->checks.params_active, n.active, m, path, err)) != OK)
		return rc;
	return assert_u64("kv_bytes_per_token_f16", m->checks.kv_bytes_per_token_f16, kv / 1024, m, path, err);
}

static int check(struct options *o, struct catalog *c, struct error *err)
{
	cJSON *doc = o->json ? answer_document() : NULL, *list = doc ? json_add_array(doc, "files") : NULL;
	int bad = 0, rc = OK;

	if (!o->n_args) {
		cJSON_Delete(doc);
		return error_set(err, E_USAGE, "models --check wants FILE...");
	}
	for (int i = 0; i < o->n_args; i++) {
		struct error e = { 0 };
		int one = check_file(c, o->args[i], &e);
		bad |= one != OK;
		if (doc) {
			cJSON *f = cJSON_CreateObject();
			json_add_str(f, "file", o->args[i]);
			json_add_bool(f, "ok", one == OK);
			json_add_str(f, "message", one == OK ? NULL : e.text);
			cJSON_AddItemToArray(list, f);
		} else {
			printf("%s%s%s\n", one == OK ? "ok      " : "invalid ", one == OK ? o->args[i] : e.text, "");
		}
	}
	if (doc)
		rc = answer_print(doc, err);
	return rc != OK ? rc : bad;
}

struct row { const struct model_entry *e; struct counts counts; uint64_t kv_1k; };

static int matches(const struct model_entry *e, const struct options *o)
{
	char q[96], f[160];

	if (!filter_entry(e, o))
		return 0;
	for (int i = 0; i < o->n_args; i++) {
		const char *fields[] = { e->id, e->name, e->family, e->vendor };
		int hit = 0;
		str_fold(q, sizeof q, o->args[i]);
		for (unsigned k = 0; k < 4 && !hit; k++)
			if (fields[k]) {
				str_fold(f, sizeof f, fields[k]);
				hit = strstr(f, q) != NULL;
			}
		for (const char *const *al = e->aliases; *al && !hit; al++) {
			str_fold(f, sizeof f, *al);
			hit = strstr(f, q) != NULL;
		}
		if (!hit)
			return 0;
	}
	return 1;
}

static const char *sort_key;
static int compare(const void *pa, const void *pb)
{
	const struct row *a = pa, *b = pb;
	const char *ra = a->e->released ? a->e->released : "", *rb = b->e->released ? b->e->released : "";

	if (!strcmp(sort_key, "params"))
		return (a->counts.total > b->counts.total) - (a->counts.total < b->counts.total);
	if (!strcmp(sort_key, "active"))
		return (a->counts.active > b->counts.active) - (a->counts.active < b->counts.active);
	if (!strcmp(sort_key, "kv"))
		return (a->kv_1k > b->kv_1k) - (a->kv_1k < b->kv_1k);
	if (!strcmp(sort_key, "released"))
		return strcmp(rb, ra);
	return strcmp(a->e->id, b->e->id);
}

static int print_rows(const struct options *o, const struct row *rows, unsigned n, struct error *err)
{
	char a[32], b[32], k[32];

	if (o->json) {
		cJSON *doc = answer_document(), *list = json_add_array(doc, "models");
		for (unsigned i = 0; i < n; i++) {
			const struct model_entry *e = rows[i].e;
			cJSON *m = cJSON_CreateObject();
			json_add_str(m, "id", e->id);
			json_add_str(m, "name", e->name);
			json_add_str(m, "family", e->family);
			json_add_str(m, "vendor", e->vendor);
			json_add_str(m, "licence", e->licence);
			json_add_str(m, "released", e->released);
			json_add_str(m, "status", status_names[e->status]);
			if (e->spec) {
				json_add_u64(m, "params_total", rows[i].counts.total);
				json_add_u64(m, "params_active", rows[i].counts.active);
				json_add_u64(m, "params_mtp", rows[i].counts.mtp);
				json_add_u64(m, "context_max", e->spec->context_max);
				json_add_u64(m, "kv_bytes_per_1k_tokens", rows[i].kv_1k);
			}
			cJSON_AddItemToArray(list, m);
		}
		return answer_print(doc, err);
	}
	if (o->csv) {
		fputs("id,name,family,vendor,licence,released,params_total,params_active,params_mtp,context_max,kv_bytes_per_1k_tokens\n", stdout);
		for (unsigned i = 0; i < n; i++) {
			const struct model_entry *e = rows[i].e;
			const char *cells[] = { e->id, e->name, e->family, e->vendor, e->licence, e->released };
			for (unsigned j = 0; j < 6; j++)
				csv_cell(stdout, cells[j] ? cells[j] : "", 0);
			if (e->spec)
				printf("%llu,%llu,%llu,%u,%llu\n", (unsigned long long)rows[i].counts.total, (unsigned long long)rows[i].counts.active,
				       (unsigned long long)rows[i].counts.mtp, e->spec->context_max, (unsigned long long)rows[i].kv_1k);
			else
				fputs(",,,,\n", stdout);
		}
		return OK;
	}
	struct text t;
	struct table tab;
	text_open(&t, o);
	table_init(&tab, 7, 0x1e);
	for (unsigned i = 0; i < 7; i++)
		table_cell(&tab, DIM, "%s", (const char *const[]){ "model", "params", "active", "context", "KV per 1k", "released", "licence" }[i]);
	for (unsigned i = 0; i < n; i++) {
		const struct model_entry *e = rows[i].e;
		table_cell(&tab, PLAIN, "%s", e->id);
		table_cell(&tab, PLAIN, "%s", e->spec ? format_count(a, sizeof a, (double)rows[i].counts.total) : "-");
		table_cell(&tab, PLAIN, "%s", e->spec ? format_count(a, sizeof a, (double)rows[i].counts.active) : "-");
		table_cell(&tab, PLAIN, "%s", e->spec && e->spec->context_max ? format_tokens(b, sizeof b, e->spec->context_max) : "-");
		table_cell(&tab, PLAIN, "%s", e->spec ? format_bytes(k, sizeof k, rows[i].kv_1k) : "-");
		table_cell(&tab, PLAIN, "%s", e->released ? e->released : "-");
		table_cell(&tab, PLAIN, "%s", e->licence ? e->licence : "-");
	}
	table_print(&tab, &t, 1);
	return OK;
}

static int in_family(const struct model_entry *head, const void *o)
{
	return filter_head(head, o);
}

int cmd_models(struct options *o, struct error *err)
{
	struct catalog *c = NULL;
	struct row *rows = NULL;
	unsigned n, shown = 0;
	int rc;

	if ((rc = catalog_open(&c, o->program, err)) != OK)
		return rc;
	if (o->check) {
		rc = check(o, c, err);
		goto out;
	}
	const struct model_entry *all = catalog_models(c, &n);
	sort_key = o->sort ? o->sort : "id";
	static const char *const keys[] = { "id", "params", "active", "kv", "released", NULL };
	for (unsigned i = 0; keys[i]; i++)
		if (!strcmp(keys[i], sort_key))
			goto sorted;
	rc = error_set(err, E_USAGE, "--sort %s: wants id, params, active, kv or released", sort_key);
	goto out;
sorted:
	if (!(rows = calloc(n ? n : 1, sizeof *rows))) {
		rc = error_set(err, E_NOMEM, "out of memory");
		goto out;
	}
	if ((rc = catalog_read_models(c, NULL, in_family, o, err)) != OK || (rc = filter_check(c, o, err)) != OK)
		goto out;
	for (unsigned i = 0; i < n; i++) {
		const struct model_entry *e;
		if (!matches(&all[i], o))
			continue;
		if ((rc = catalog_model(&e, c, all[i].id, err)) != OK)
			goto out;
		rows[shown].e = e;
		if (e->spec && ((rc = inventory_counts(&rows[shown].counts, e->spec, catalog_quants(c), err)) != OK || (rc = kv_of(&rows[shown].kv_1k, e->spec, c, err)) != OK))
			goto out;
		shown++;
	}
	qsort(rows, shown, sizeof *rows, compare);
	if (o->limit_set && shown > o->limit)
		shown = (unsigned)o->limit;
	if (!shown) {
		const struct model_entry *e;
		rc = o->n_args ? catalog_model(&e, c, o->args[0], err) : OK;     /* for its near matches */
		if (rc == OK)
			rc = error_set(err, E_MODEL, "no model matches these filters");
		goto out;
	}
	rc = print_rows(o, rows, shown, err);
out:
	free(rows);
	catalog_close(c);
	return rc;
}
