/* price.h - what hardware costs to buy and to rent, and what providers ask for tokens; read from data/prices.yaml.
 * Every price has a date and a source; none is an estimate. US dollars. */
#ifndef PRICE_H
#define PRICE_H

#include "base/arena.h"
#include "base/error.h"
#include "catalog/model_spec.h"

enum price_kind { PRICE_LIST, PRICE_STREET, PRICE_CLAIM };   /* the maker's; in shops; what a guide states without a source */
extern const char *const price_kind_names[];

struct bought_price { const char *hardware, *date, *note; double usd; uint16_t source; uint8_t kind; };
struct rented_price {
	const char *hardware, *provider, *date, *note;
	double usd_per_hour;
	uint16_t source;
	uint8_t per_node, claim;                     /* else per card; claim: a guide's */
};
struct api_price {
	const char *model, *provider, *date, *note;
	double usd_per_million_input, usd_per_million_output;        /* one of them may be 0: not known */
	uint16_t source;
	uint8_t claim;
};
struct prices {
	const char *file;
	const struct source *sources; unsigned n_sources;
	const struct bought_price *bought; unsigned n_bought;
	const struct rented_price *rented; unsigned n_rented;
	const struct api_price *api; unsigned n_api;
};
/* date: NULL when the source states none. E_CATALOGUE with file and line, E_FILE, E_NOMEM. Lives in the arena. */
int prices_load(struct prices *out, struct arena *a, const char *path, struct error *err) MUST_CHECK;
int prices_parse(struct prices *out, struct arena *a, const char *file, const void *bytes, size_t n, struct error *err) MUST_CHECK;

#endif
