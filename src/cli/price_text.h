/* price_text.h - prices of data/prices.yaml as lines and JSON, for show and hardware show. */
#ifndef PRICE_TEXT_H
#define PRICE_TEXT_H

#include "base/json.h"
#include "catalog/catalog.h"
#include "catalog/price.h"
#include "cli/text.h"

/* Loads data/prices.yaml of the catalogue's folder; without the file there are no prices. */
int prices_from(struct prices *out, struct arena *a, const struct catalog *c, struct error *err) MUST_CHECK;
/* A line for each price of one of these ids (NULL-ended; machines, or one model). */
void prices_text(const struct text *t, const struct prices *p, const char *const *ids);
/* Adds "prices", a list. */
void prices_json(cJSON *o, const struct prices *p, const char *const *ids);

#endif
