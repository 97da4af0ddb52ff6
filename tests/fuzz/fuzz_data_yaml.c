/* fuzz_data_yaml.c - any bytes as data/licences.yaml, data/use-cases.yaml and data/prices.yaml */
#include "catalog/licence.h"
#include "catalog/price.h"
#include "catalog/use_case.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void want(int yes)
{
	if (!yes)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct licence_use use = { .commercial = 1, .monthly_users = 1000 };
	const struct licence_term *why;
	struct licences l;
	struct use_cases u;
	struct prices p;
	struct arena a = { 0 };
	struct error err = { 0 };

	if (licences_parse(&l, &a, "fuzz.yaml", data, size, &err) == OK) {
		for (unsigned i = 0; i < l.n; i++) {
			want(l.list[i].id && l.list[i].name && l.list[i].source < l.n_sources);
			want(licence_find(&l, l.list[i].id) != NULL);
			(void)licence_judge(&why, &l.list[i], &use);
			for (unsigned k = 0; k < l.list[i].n_terms; k++)
				want(l.list[i].terms[k].rule < LICENCE_RULES && l.list[i].terms[k].source < l.n_sources);
		}
	} else {
		want(err.text[0]);
	}
	err = (struct error){ 0 };
	if (use_cases_parse(&u, &a, "fuzz.yaml", data, size, &err) == OK) {
		for (unsigned i = 0; i < u.n; i++)
			for (unsigned k = 0; k < u.list[i].n_rows; k++)
				want(u.list[i].rows[k].source < u.n_sources && u.list[i].rows[k].models && u.list[i].rows[k].hardware);
	} else {
		want(err.text[0]);
	}
	err = (struct error){ 0 };
	if (prices_parse(&p, &a, "fuzz.yaml", data, size, &err) == OK) {
		for (unsigned i = 0; i < p.n_bought; i++)
			want(p.bought[i].hardware && p.bought[i].usd > 0 && p.bought[i].source < p.n_sources);
		for (unsigned i = 0; i < p.n_rented; i++)
			want(p.rented[i].hardware && p.rented[i].usd_per_hour > 0);
		for (unsigned i = 0; i < p.n_api; i++)
			want(p.api[i].model && (p.api[i].usd_per_million_input > 0 || p.api[i].usd_per_million_output > 0));
	} else {
		want(err.text[0]);
	}
	arena_free(&a);
	return 0;
}
