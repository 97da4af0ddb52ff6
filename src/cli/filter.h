/* filter.h - which models of the catalogue a command is asked about: --family, --vendor, --moe, --min-params, ... */
#ifndef FILTER_H
#define FILTER_H

#include "catalog/catalog.h"
#include "cli/options.h"

/* By what a head tells: family, licence, dates. */
int filter_head(const struct model_entry *e, const struct options *o);
/* By the whole entry, all but its size. */
int filter_entry(const struct model_entry *e, const struct options *o);
/* By parameters, counted only when --min-params or --max-params is given. An entry without shapes has none. */
int filter_size(const struct model_entry *e, const struct options *o, const struct quants *q);
/* Do the filters need more of an entry than catalog_read_shapes() reads? */
int filter_wants_all(const struct options *o);
/* Is every word of the command a part of its id, name, an alias, family, vendor or repository? */
int filter_query(const struct model_entry *e, const struct options *o);
/* E_MODEL with near matches: a value that no model of the catalogue has. E_USAGE: two filters that exclude each other. Entries must have
 * been read. */
int filter_check(const struct catalog *c, const struct options *o, struct error *err) MUST_CHECK;

/* Has any layer routed experts? m may be NULL. */
int model_is_moe(const struct model_spec *m);
/* Since when an engine runs a model, or NULL: not, or not known to. */
const char *model_engine_since(const struct model_entry *e, const char *engine);

#endif
