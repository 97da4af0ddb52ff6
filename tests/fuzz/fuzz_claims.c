/* fuzz_claims.c - any bytes as a file of claims: read, judged, and what every judgement promises */
#include "live/audit.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct catalog *c;
static struct efficiency eff;

static void want(int yes)
{
	if (!yes)
		abort();
}

/* The catalogue does not change between inputs. */
static void once(void)
{
	static struct arena a;

	if (c)
		return;
	want(catalog_open(&c, "build/ullage", NULL) == OK);
	want(efficiency_load(&eff, &a, "data/efficiency.yaml", NULL) == OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = { 0 };
	struct error err = { 0 };
	struct csv csv;
	struct audit u;
	int rc;

	once();
	rc = csv_parse(&csv, &a, "fuzz.csv", data, size, &err);
	if (rc == OK && csv.n_rows > 8)
		csv.n_rows = 8;              /* the judge is not what is fuzzed for its speed */
	if (rc == OK)
		rc = audit_run(&u, c, &eff, &csv, NULL, 0, &a, &err);
	if (rc == OK) {
		unsigned sum = 0;
		for (unsigned v = 0; v < CLAIM_VERDICTS; v++)
			sum += u.count[v];
		want(sum == u.n);
		for (unsigned i = 0; i < u.n; i++) {
			const struct claim *k = &u.claim[i];
			want(k->verdict < CLAIM_VERDICTS && k->reason && k->reason[0]);
			want(k->kind != CLAIM_PRICE || k->verdict == CLAIM_UNJUDGED);
			want(k->kind != CLAIM_SPEED || k->verdict != CLAIM_TRUE);
		}
	} else {
		want(err.text[0]);
	}
	arena_free(&a);
	return 0;
}
