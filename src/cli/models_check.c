/* models_check.c - ullage models --check: catalogue files validated, one line each */
#include "cli/models.h"

#include "cli/answer.h"

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
	if ((rc = inventory_counts(&n, m->spec, catalog_quants(c), err)) != OK || (rc = models_kv_1k(&kv, m->spec, c, "f16", err)) != OK ||
	    (rc = assert_u64("params_total", m->checks.params_total, n.total, m, path, err)) != OK ||
	    (rc = assert_u64("params_mtp", m->checks.params_mtp, n.mtp, m, path, err)) != OK ||
	    (rc = assert_u64("params_active", m->checks.params_active, n.active, m, path, err)) != OK)
		return rc;
	return assert_u64("kv_bytes_per_token_f16", m->checks.kv_bytes_per_token_f16, kv / 1024, m, path, err);
}

int models_check(const struct options *o, struct catalog *c, struct error *err)
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
			printf("%s%s\n", one == OK ? "ok      " : "invalid ", one == OK ? o->args[i] : e.text);
		}
	}
	if (doc)
		rc = answer_print(doc, err);
	return rc != OK ? rc : bad;
}
