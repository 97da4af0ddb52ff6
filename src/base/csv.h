/* csv.h - comma-separated files (RFC 4180): quoted cells, line numbers. */
#ifndef CSV_H
#define CSV_H

#include "base/arena.h"
#include "base/error.h"

enum { CSV_COLUMNS = 64, CSV_CELLS = 1 << 22 };
struct csv {
	const char *file;
	unsigned n_columns, n_rows;
	const char **head;               /* n_columns */
	const char **cell;               /* n_rows * n_columns; "" when absent */
	unsigned *line;                  /* n_rows: where each row began */
};
/* E_FILE with file and line: an open quote, more cells than the header, no header, over CSV_COLUMNS columns, a carriage
 * return alone; over CSV_CELLS cells, NUL. A byte order mark is skipped. */
int csv_parse(struct csv *out, struct arena *a, const char *file, const void *bytes, size_t n, struct error *err) MUST_CHECK;
/* Index of a column, -1 when there is none. */
int csv_column(const struct csv *c, const char *name);
/* Cell of a row by column name; "" when there is no such column. */
const char *csv_get(const struct csv *c, unsigned row, const char *name);

#endif
