/* data_files.c - licences, use cases and prices: the readers, the rules applied, and every id of the real files */
#include "../tap.h"
#include "catalog/catalog.h"
#include "catalog/hardware_name.h"
#include "catalog/licence.h"
#include "catalog/price.h"
#include "catalog/use_case.h"

static struct arena arena;
static struct error err;
static struct licences L;
static struct use_cases U;
static struct prices P;

#define HEAD "schema: 1\nsources:\n  text: {what: the text, confidence: primary}\n  guide-0: {what: a guide, confidence: claim}\n"

static int licences(const char *body)
{
	char text[4096];

	arena_free(&arena);
	memset(&err, 0, sizeof err);
	snprintf(text, sizeof text, HEAD "licences:\n  x:\n    name: X\n    commercial: conditional\n    source: text\n%s", body);
	return licences_parse(&L, &arena, "l.yaml", text, strlen(text), &err);
}

static void refused(int rc, const char *want)
{
	if (!ok(rc == E_CATALOGUE && strstr(err.text, want) && strstr(err.text, ".yaml:"), "refused: %s", want))
		printf("# rc %d: %s\n", rc, err.text);
}

static enum licence_answer judge(struct licence_use use, int *rule)
{
	const struct licence_term *why;
	enum licence_answer a = licence_judge(&why, &L.list[0], &use);

	*rule = why ? why->rule : -1;
	return a;
}

static void rules(void)
{
	struct licence_use shop = { .commercial = 1, .monthly_users = 1000000, .usd_year = 1e6 }, big = { .commercial = 1, .monthly_users = 900000000, .usd_year = 1e9 };
	struct licence_use eu = { .commercial = 1, .in_eu = 1, .monthly_users = 10, .usd_year = 1 }, eu_image = { .in_eu = 1, .with_images = 1 }, silent = { .commercial = 1 }, hobby = { 0 };
	const struct licence_term *why;
	int rule;

	ok(licences("    terms:\n      - {rule: users_cap, monthly_users: 700000000}\n") == OK, "users_cap");
	ok(judge(shop, &rule) == LICENCE_ALLOWED && rule == -1, "below the cap");
	ok(judge(big, &rule) == LICENCE_REFUSED && rule == RULE_USERS_CAP, "above it");
	ok(judge(silent, &rule) == LICENCE_CONDITIONAL && rule == RULE_USERS_CAP, "not stated: conditional");
	ok(licences("    terms:\n      - {rule: revenue_cap, usd_year: 10000000}\n") == OK, "revenue_cap");
	ok(judge(shop, &rule) == LICENCE_ALLOWED && judge(big, &rule) == LICENCE_REFUSED && rule == RULE_REVENUE_CAP, "revenue, both sides");
	ok(licences("    terms:\n      - {rule: eu_excluded, of: image, note: n}\n") == OK, "eu_excluded");
	ok(judge(eu, &rule) == LICENCE_ALLOWED, "text in the EU");
	ok(judge(eu_image, &rule) == LICENCE_REFUSED && rule == RULE_EU_EXCLUDED, "images in the EU");
	ok(judge(shop, &rule) == LICENCE_ALLOWED, "elsewhere");
	ok(licences("    terms:\n      - {rule: eu_excluded}\n") == OK, "eu_excluded of all");
	ok(judge(eu, &rule) == LICENCE_REFUSED, "text in the EU");
	ok(licences("    terms:\n      - {rule: attribution, monthly_users: 100000000, usd_month: 20000000}\n") == OK, "attribution above a size");
	ok(judge(shop, &rule) == LICENCE_ALLOWED, "small: no duty");
	ok(judge(big, &rule) == LICENCE_CONDITIONAL && rule == RULE_ATTRIBUTION, "large: a duty");
	ok(judge((struct licence_use){ .commercial = 1, .monthly_users = 5 }, &rule) == LICENCE_CONDITIONAL, "revenue not stated: a duty");
	ok(licences("    terms:\n      - {rule: attribution}\n") == OK, "attribution always");
	ok(judge(shop, &rule) == LICENCE_CONDITIONAL, "whoever it is");
	ok(licences("    terms:\n      - {rule: non_commercial}\n") == OK, "non_commercial");
	ok(judge(silent, &rule) == LICENCE_REFUSED && judge(hobby, &rule) == LICENCE_CONDITIONAL, "commercial or not");
	ok(licences("    terms:\n      - {rule: notice}\n      - {rule: patent_grant}\n") == OK, "permissive");
	ok(judge(big, &rule) == LICENCE_ALLOWED, "allowed");
	ok(licences("") == OK, "no term known");
	ok(judge(silent, &rule) == LICENCE_CONDITIONAL && rule == -1, "conditional, but nobody says on what");
	ok(licence_judge(&why, NULL, &silent) == LICENCE_UNKNOWN, "no licence: unknown");
	ok(licence_find(&L, "x") == &L.list[0] && !licence_find(&L, "y") && !licence_find(&L, NULL), "found by id");
}

static void mistakes(void)
{
	static const char prices[] = HEAD "bought:\n  - {hardware: a, usd: %s, kind: list, date: %s, source: text}\n";
	char text[512];

	refused(licences("    terms:\n      - {rule: user_cap}\n"), "users_cap");
	refused(licences("    terms:\n      - {rule: users_cap}\n"), "monthly_users is missing");
	refused(licences("    terms:\n      - {rule: revenue_cap}\n"), "usd_month or usd_year");
	refused(licences("    terms:\n      - {rule: naming}\n"), "prefix is missing");
	refused(licences("    terms:\n      - {rule: other}\n"), "note is missing");
	refused(licences("    terms:\n      - {rule: notice, source: no}\n"), "no such key under sources");
	refused(licences("    osi: perhaps\n"), "osi");
	refused(licences("    licence: mit\n"), "unknown key 'licence'");
	refused(licences_parse(&L, &arena, "l.yaml", "schema: 2\n", 10, &err), "schema 2");
	snprintf(text, sizeof text, prices, "0", "2024-01-01");
	refused(prices_parse(&P, &arena, "p.yaml", text, strlen(text), &err), "above 0");
	snprintf(text, sizeof text, prices, "5", "May 2024");
	refused(prices_parse(&P, &arena, "p.yaml", text, strlen(text), &err), "is not YYYY-MM-DD");
	snprintf(text, sizeof text, prices, "5.5", "2024-05");
	ok(prices_parse(&P, &arena, "p.yaml", text, strlen(text), &err) == OK, "a price");
	ok(P.n_bought == 1 && P.bought[0].usd == 5.5 && P.bought[0].kind == PRICE_LIST && !P.n_rented && !P.n_api, "as it stands");
	refused(use_cases_parse(&U, &arena, "u.yaml", HEAD "use_cases:\n  a: {}\n", strlen(HEAD "use_cases:\n  a: {}\n"), &err), "name");
	refused(use_cases_parse(&U, &arena, "u.yaml", HEAD, strlen(HEAD), &err), "use_cases: missing");
}

static int no_model(struct catalog *c, const char *id)
{
	const struct model_entry *m;

	return catalog_model(&m, c, id, &err) != OK || strcmp(m->id, id);
}

static int no_machine(struct catalog *c, const char *id)
{
	struct hardware_spec h;
	int rc = hardware_resolve(&h, &arena, c, id, 0, &err);

	return rc != OK && rc != E_AMBIGUOUS && rc != E_AVAILABLE;   /* a Mac without its memory, one that was never sold */
}

/* The files as they are: every id is one of the catalogue, every licence and use case of the catalogue is there. */
static void files(void)
{
	struct catalog *c;
	const struct model_entry *m;
	unsigned n, wrong = 0;

	if (!ok(catalog_open(&c, "build/ullage", &err) == OK, "the catalogue") || !ok(licences_load(&L, &arena, "data/licences.yaml", &err) == OK, "licences.yaml") ||
	    !ok(use_cases_load(&U, &arena, "data/use-cases.yaml", &err) == OK, "use-cases.yaml") || !ok(prices_load(&P, &arena, "data/prices.yaml", &err) == OK, "prices.yaml")) {
		printf("# %s\n", err.text);
		return;
	}
	m = catalog_models(c, &n);
	for (unsigned i = 0; i < n; i++)
		if (m[i].licence && !licence_find(&L, m[i].licence)) {
			printf("# %s: licence %s\n", m[i].id, m[i].licence);
			wrong++;
		}
	ok(!wrong, "every licence of a model is in licences.yaml");
	wrong = 0;
	for (unsigned i = 0; i < U.n; i++)
		for (unsigned k = 0; k < U.list[i].n_rows; k++) {
			const struct use_case_row *w = &U.list[i].rows[k];
			for (unsigned j = 0; w->models[j]; j++)
				if (no_model(c, w->models[j])) {
					printf("# %s: model %s\n", U.list[i].id, w->models[j]);
					wrong++;
				}
			for (unsigned j = 0; w->hardware[j]; j++)
				if (no_machine(c, w->hardware[j])) {
					printf("# %s: hardware %s\n", U.list[i].id, w->hardware[j]);
					wrong++;
				}
		}
	ok(!wrong && U.n, "use cases: every id is in the catalogue");
	wrong = 0;
	for (unsigned i = 0; i < P.n_bought; i++)
		if (no_machine(c, P.bought[i].hardware) && ++wrong)
			printf("# bought: %s\n", P.bought[i].hardware);
	for (unsigned i = 0; i < P.n_rented; i++)
		if (no_machine(c, P.rented[i].hardware) && ++wrong)
			printf("# rented: %s\n", P.rented[i].hardware);
	for (unsigned i = 0; i < P.n_api; i++)
		if (no_model(c, P.api[i].model) && ++wrong)
			printf("# api: %s\n", P.api[i].model);
	ok(!wrong && P.n_bought && P.n_rented && P.n_api, "prices: every id is in the catalogue");
	catalog_close(c);
}

int main(void)
{
	rules();
	mistakes();
	files();
	arena_free(&arena);
	return done_testing();
}
