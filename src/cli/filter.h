/* filter.h - which models of the catalogue a command is asked about: --family, --licence, --modality, --use-case. */
#ifndef FILTER_H
#define FILTER_H

#include "catalog/catalog.h"
#include "cli/options.h"

/* By what a head tells (family, licence); by the whole entry (modality, use case). */
int filter_head(const struct model_entry *e, const struct options *o);
int filter_entry(const struct model_entry *e, const struct options *o);
/* E_MODEL with near matches: a value that no model of the catalogue has. Entries must have been read for modality and use case. */
int filter_check(const struct catalog *c, const struct options *o, struct error *err) MUST_CHECK;

#endif
