/* verify_store.c - a result kept: rows for the calibration store, and an earlier result read back */
#include "live/verify.h"

#include "base/json.h"
#include "base/str.h"
#include "live/calibration_runs.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void verify_rows(struct measured *out, const struct verify *v, const struct quants *q, const char *model)
{
	time_t now = time(NULL);
	struct tm utc;

	*out = (struct measured){ .n_rows = 0 };
	if (!gmtime_r(&now, &utc) || !strftime(out->date, sizeof out->date, "%Y-%m-%dT%H:%M:%SZ", &utc))
		return;
	if (v->layers_of || v->interrupted || verify_drifted(v) || v->plan.engine.no_repack || v->plan.engine.isa || (v->info.backend && strcmp(v->info.backend, "cpu")))
		return;
	for (unsigned i = 0; i < v->n_terms && out->n_rows < MEASURED_ROWS; i++) {
		const struct verify_term *t = &v->term[i];
		if ((t->kind != VERIFY_PREFILL && t->kind != VERIFY_DECODE) || !t->is_measured || t->speed.plain.basis == BASIS_UNKNOWN || t->speed.format == NO_FORMAT)
			continue;
		const struct engine_run run = { .format = q->formats[t->speed.format].id, .depth = t->speed.depth, .sequences = t->speed.width };
		struct measured_row *r = &out->row[out->n_rows++];
		*r = (struct measured_row){ .kind = t->kind == VERIFY_PREFILL ? MEASURED_PREFILL : MEASURED_DECODE, .bytes = (uint64_t)t->speed.bytes, .threads = v->info.threads,
			.repeats = t->n_samples, .value = t->measured, .min = t->min, .max = t->max, .share = 1 };
		run_detail_text(r->detail, sizeof r->detail, &run, t->speed.plain.value, model);
	}
}

static struct verify_term *find(struct verify *v, const char *name, const char *test)
{
	char buf[64];

	for (unsigned i = 0; i < v->n_terms; i++)
		if (!strcmp(verify_kind_names[v->term[i].kind], name) && !strcmp(verify_test(buf, sizeof buf, &v->term[i]), test))
			return &v->term[i];
	return NULL;
}

static int compare_terms(struct verify *v, const char *file, const cJSON *terms, struct error *err)
{
	const cJSON *x;
	unsigned compared = 0;

	cJSON_ArrayForEach(x, terms) {
		const char *name = NULL, *test = NULL;
		double before = -1, spread = 0;
		struct verify_term *t;
		int rc;
		if (!cJSON_IsObject(x))
			return error_set(err, E_FILE, "%s: terms: wants objects", file);
		if ((rc = json_str(&name, file, x, "name", err)) < 0 || (rc = json_str(&test, file, x, "test", err)) < 0 || (rc = json_f64(&before, file, x, "measured", err)) < 0 ||
		    (rc = json_f64(&spread, file, x, "spread", err)) < 0)
			return rc;
		if (!name)
			return error_set(err, E_FILE, "%s: terms: one has no name", file);
		/* what was not measured then holds nothing against today; what today's options leave out neither */
		if (before >= 0 && (t = find(v, name, test ? test : ""))) {
			verify_compare(t, before, spread);
			compared++;
		}
	}
	return compared ? OK : error_set(err, E_FILE, "%s: none of its terms was measured here", file);
}

int verify_baseline(struct verify *v, const char *file, const void *bytes, size_t n, const char *source, struct error *err)
{
	cJSON *doc;
	int rc = json_parse(&doc, file, bytes, n, err);

	if (rc != OK)
		return rc;
	const cJSON *terms = cJSON_GetObjectItemCaseSensitive(doc, "terms"), *of = cJSON_GetObjectItemCaseSensitive(doc, "source");
	/* the same file may lie elsewhere now */
	if (cJSON_IsString(of) && strcmp(str_base(of->valuestring), str_base(source)))
		verify_note(v, "the baseline is of %.100s, this is %.100s", of->valuestring, source);
	rc = cJSON_IsArray(terms) ? compare_terms(v, file, terms, err) : error_set(err, E_FILE, "%s: no \"terms\": not a result of verify --json", file);
	cJSON_Delete(doc);
	return rc;
}
