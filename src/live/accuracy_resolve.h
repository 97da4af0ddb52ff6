/* accuracy_resolve.h - which names of a file of measurements the catalogue knows.
 *
 * Every file with a column `model` and one for the quantisation (quant, dtype or precision); the machine's column (hardware or gpu) where
 * there is one. Only rows that name all of these count. */
#ifndef ACCURACY_RESOLVE_H
#define ACCURACY_RESOLVE_H

#include "base/csv.h"
#include "catalog/catalog.h"

enum name_state { NAME_UNKNOWN, NAME_KNOWN, NAME_OPEN };        /* OPEN: a machine whose memory size the name leaves open; a model without shapes */
enum { RESOLVE_MODEL, RESOLVE_QUANT, RESOLVE_MACHINE, RESOLVE_COLUMNS };

struct resolved_name {
	const char *name;                /* the cell */
	const char *engine;              /* of a quantisation: the same word means another thing to another engine; "" otherwise */
	enum name_state state;
	unsigned rows;                   /* counted rows with it */
};
struct resolve_column {
	const char *column;              /* NULL: the file has none */
	struct resolved_name *name; unsigned n;
	unsigned rows, known, open;      /* counted rows; with a name that is known; with one that is open */
};
struct resolution {
	const char *file;
	unsigned rows;                   /* after --where */
	unsigned unnamed;                /* rows that name no model, no quantisation or no machine */
	unsigned counted, resolved;
	struct resolve_column column[RESOLVE_COLUMNS];
};
/* E_FILE: no column for a model or a quantisation; E_USAGE: a filter. */
int accuracy_resolve(struct resolution *out, struct catalog *c, const struct csv *csv, const char *const *where, unsigned n_where, struct arena *a,
	struct error *err) MUST_CHECK;

#endif
