/* catalog_private.h - the catalogue as its own files see it. Private to catalog.c, catalog_models.c and catalog_machines.c. */
#ifndef CATALOG_PRIVATE_H
#define CATALOG_PRIVATE_H

#include "catalog/catalog.h"
#include "catalog/catalog_load.h"

enum { READERS = 16 };                  /* threads that read at a time, each into its own arena */
struct catalog {
	struct arena a, of_hardware, reader[READERS];
	const char *folder;
	struct quants quants;
	struct engines engines;
	struct shelf models, hardware;
	struct problems of_models, of_machines;
	struct error *problems;          /* of both */
	unsigned n_problems;
};

static inline int catalog_no_memory(struct error *err) { return error_set(err, E_NOMEM, "out of memory"); }

#endif
